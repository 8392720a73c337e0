"""Edits of real Terraform files: does each change the lines that it has to, and no other?

    python -m bench.hcl_edits REPOSITORIES [--files 240] [--seed 1] [--terraform terraform] [--json]

`REPOSITORIES` is a directory with bare clones, each `NAME` or `NAME/repo`. Of the files that hold literals in resource blocks, a seeded choice is edited,
each once in every way that it offers. What is checked is read from the result without the code under test: a diff of lines that ignores the
columns of `=`, the other top-level blocks byte for byte, the value as the syntax tree has it, `terraform fmt` before and after, and `git apply`.
"""

from __future__ import annotations

import argparse
import json
import posixpath
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import TypeAlias

import tree_sitter_hcl
from tree_sitter import Language, Node, Parser

from agent.fix.adopt import adopt
from agent.fix.model import Absent, Fix, Wanted
from graph.model import Value

_PARSER = Parser(Language(tree_sitter_hcl.language()))
_META = {"count", "for_each", "provider", "depends_on", "lifecycle", "provisioner", "connection", "dynamic", "source"}


class _Unread:
    """An expression that is no literal."""


_UNREAD = _Unread()
_Literal: TypeAlias = "str | int | float | bool | list[_Literal] | dict[str, _Literal] | None"
_DYNAMIC = "dynamic"
_MOST_BYTES = 60_000


@dataclass(frozen=True, slots=True)
class Repository:
    """The Terraform files of one commit."""

    name: str
    files: Mapping[str, bytes]
    directories: Mapping[str, tuple[str, ...]]

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    def list(self, directory: str) -> tuple[str, ...]:
        return self.directories.get(directory, ())


@dataclass(frozen=True, slots=True)
class Case:
    """One edit to make.

    Attributes:
        lines: how many lines go and come at most, columns aside; None when it depends on where the value comes from.
    """

    kind: str
    repository: Repository
    path: str
    address: str
    attribute: str
    value: Value | Absent
    lines: tuple[int, int] | None
    block: int
    before: Mapping[str, Value]


@dataclass(slots=True)
class Count:
    edited: int = 0
    safe: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list[str])


def repositories(directory: Path) -> Iterator[Repository]:
    """The clones in a directory that hold Terraform code."""
    for clone in sorted(directory.iterdir()):
        git = clone / "repo" if (clone / "repo").exists() else clone
        listed = subprocess.run(
            ["git", "-C", str(git), "ls-tree", "-r", "-z", "HEAD"], capture_output=True, check=False
        )
        if listed.returncode != 0:
            continue
        wanted: list[tuple[str, str]] = []
        for line in listed.stdout.decode("utf-8", "replace").split("\0"):
            head, _, path = line.partition("\t")
            if head.startswith("100") and path.endswith((".tf", ".tfvars", ".tf.json")):
                wanted.append((head.split()[2], path))
        if wanted:
            yield _read(clone.name, git, wanted)


def _read(name: str, git: Path, wanted: Sequence[tuple[str, str]]) -> Repository:
    request = "".join(f"{sha}\n" for sha, _ in wanted).encode()
    run = subprocess.run(
        ["git", "-C", str(git), "cat-file", "--batch"], input=request, capture_output=True, check=False
    )
    files: dict[str, bytes] = {}
    position = 0
    for _, path in wanted:
        end = run.stdout.index(b"\n", position)
        head = run.stdout[position:end].split()
        position = end + 1
        if head[-1] == b"missing":
            continue
        size = int(head[2])
        files[path] = run.stdout[position : position + size]
        position += size + 1
    directories: dict[str, list[str]] = {}
    for path in files:
        directories.setdefault(posixpath.dirname(path), []).append(path)
    return Repository(name, files, {d: tuple(sorted(p)) for d, p in directories.items()})


def cases(repository: Repository, path: str, choice: random.Random) -> list[Case]:
    """One edit of each kind that a file offers."""
    data = repository.files[path]
    root = _PARSER.parse(data).root_node
    if root.has_error:
        return []
    offered: dict[str, list[Case]] = {}

    def offer(
        kind: str,
        address: str,
        attribute: str,
        value: Value | Absent,
        lines: tuple[int, int] | None,
        block: int,
        before: Mapping[str, Value] | None = None,
    ) -> None:
        case = Case(kind, repository, path, address, attribute, value, lines, block, before or {})
        offered.setdefault(kind, []).append(case)

    for number, block in enumerate(_top(root)):
        labels = [_text(data, c)[1:-1] for c in block.children if c.type == "string_lit"]
        if _text(data, block.children[0]) != "resource" or len(labels) != 2:
            continue
        attributes, nested = _inside(data, block)
        if "for_each" in attributes or _repeats(data, block):
            continue
        address = ".".join(labels) + ("[0]" if "count" in attributes else "")
        offer(
            "attribute added",
            address,
            choice.choice(["a", "description", "a_rather_long_attribute_name"]),
            _new("", choice),
            None,
            number,
        )
        for name, node in attributes.items():
            if name in _META:
                continue
            value = _value(data, _expression(node))
            span = _lines(node)
            if isinstance(value, _Unread):
                offer("reference", address, name, "lore-other", None, number)
                continue
            offer("attribute removed", address, name, Absent(), (span, 0), number)
            if isinstance(value, dict):
                offer(
                    "map entry added",
                    address,
                    _key(name, choice.choice(["Zone", "a", "a/b.c"])),
                    "added",
                    (1, 3),
                    number,
                )
                for key, old in value.items():
                    if isinstance(old, (str, int, float)):
                        offer("map entry changed", address, _key(name, key), _new(old, choice), (1, 1), number)
                        offer("map entry removed", address, _key(name, key), Absent(), (2, 1), number)
            elif isinstance(value, list):
                items: list[Value] = [*value]
                if all(isinstance(i, str) for i in items):
                    offer("list item added", address, name, [*items, "lore-added"], (1, 2), number)
                if len(items) > 1:
                    gone = choice.randrange(len(items))
                    offer("list item removed", address, name, items[:gone] + items[gone + 1 :], (2, 1), number)
            elif isinstance(value, (str, int, float)):
                offer("scalar", address, name, _new(value, choice), (1, 1), number)
        for type, blocks in nested.items():
            if type in _META or _is_dynamic(data, blocks):
                continue
            for n, inner in enumerate(blocks):
                says: dict[str, Value] = {f"{type}[{n}].{k}": v for k, v in _literals(data, inner).items()}
                if says:
                    offer("block removed", address, f"{type}[{n}]", Absent(), (_lines(inner) + 1, 0), number, says)
                for name, node in _inside(data, inner)[0].items():
                    value = _value(data, _expression(node))
                    if isinstance(value, (str, int, float)):
                        offer(
                            "nested attribute",
                            address,
                            f"{type}[{n}].{name}",
                            _new(value, choice),
                            (1, 1),
                            number,
                            says,
                        )
            if blocks:
                offer("block added", address, f"{type}[{len(blocks)}].lore_name", "added", (0, 4), number)
    return [choice.choice(found) for _, found in sorted(offered.items())]


def module_cases(repository: Repository, path: str, choice: random.Random) -> list[Case]:
    """One edit of a literal argument of a module call, asked for at the attribute in the module that takes it alone."""
    data = repository.files[path]
    root = _PARSER.parse(data).root_node
    found: list[Case] = []
    for number, call in enumerate(_top(root)) if not root.has_error else ():
        labels = [_text(data, c)[1:-1] for c in call.children if c.type == "string_lit"]
        attributes, _ = _inside(data, call)
        source = _value(data, _expression(attributes["source"])) if "source" in attributes else _UNREAD
        if _text(data, call.children[0]) != "module" or not isinstance(source, str) or not source.startswith("."):
            continue
        if "count" in attributes or "for_each" in attributes:
            continue
        inner = posixpath.normpath(posixpath.join(posixpath.dirname(path), source))
        for file in repository.list(inner):
            text = repository.files[file]
            tree = _PARSER.parse(text).root_node
            for block in _top(tree) if file.endswith(".tf") and not tree.has_error else ():
                names = [_text(text, c)[1:-1] for c in block.children if c.type == "string_lit"]
                taken, _ = _inside(text, block)
                if _text(text, block.children[0]) != "resource" or len(names) != 2 or "for_each" in taken:
                    continue
                for attribute, node in taken.items():
                    argument = re.fullmatch(r"var\.(\w+)", _text(text, _expression(node)))
                    if attribute in _META or argument is None or argument.group(1) not in attributes:
                        continue
                    value = _value(data, _expression(attributes[argument.group(1)]))
                    if isinstance(value, (str, int, float)):
                        index = "[0]" if "count" in taken else ""
                        address = f"module.{labels[0]}.{'.'.join(names)}{index}"
                        new = _new(value, choice)
                        case = Case("module argument", repository, path, address, attribute, new, (1, 1), number, {})
                        found.append(case)
    return [choice.choice(found)] if found else []


def _new(old: Value, choice: random.Random) -> Value:
    if isinstance(old, bool):
        return not old
    if isinstance(old, (int, float)):
        return choice.choice([n for n in (0, 7, 123456) if n != old])
    return choice.choice(["x", 'lore ${not} "quoted" \\ text', "günther-ü-中", "a" * 40])


def _literals(data: bytes, block: Node) -> dict[str, Value]:
    """What a block's plain attributes say."""
    read = {k: _value(data, _expression(n)) for k, n in _inside(data, block)[0].items()}
    return {k: v for k, v in read.items() if isinstance(v, (str, int, float))}


def _key(name: str, key: str) -> str:
    return f"{name}.{key}" if re.fullmatch(r"[A-Za-z_]\w*", key) else f'{name}["{key}"]'


def _top(root: Node) -> list[Node]:
    return [b for body in root.children if body.type == "body" for b in body.children if b.type == "block"]


def _text(data: bytes, node: Node) -> str:
    return data[node.start_byte : node.end_byte].decode("utf-8", "replace")


def _lines(node: Node) -> int:
    return node.end_point[0] - node.start_point[0] + 1


def _inside(data: bytes, block: Node) -> tuple[dict[str, Node], dict[str, list[Node]]]:
    attributes: dict[str, Node] = {}
    nested: dict[str, list[Node]] = {}
    for body in block.children:
        for node in body.children if body.type == "body" else ():
            if node.type == "attribute":
                attributes[_text(data, node.children[0])] = node
            elif node.type == "block":
                name = _text(data, node.children[0])
                if name == _DYNAMIC:
                    name = next(_text(data, c)[1:-1] for c in node.children if c.type == "string_lit")
                nested.setdefault(name, []).append(node)
    return attributes, nested


def _is_dynamic(data: bytes, blocks: Sequence[Node]) -> bool:
    return any(_text(data, b.children[0]) == _DYNAMIC for b in blocks)


def _repeats(data: bytes, block: Node) -> bool:
    """Whether an attribute is written twice, which Terraform does not take."""
    written = [
        _text(data, n.children[0])
        for b in block.children
        if b.type == "body"
        for n in b.children
        if n.type == "attribute"
    ]
    return len(written) != len(set(written))


def _expression(node: Node) -> Node:
    return next(c for c in reversed(node.children) if c.type == "expression")


def _value(data: bytes, expression: Node) -> _Literal | _Unread:
    """A literal's value; `_UNREAD` for anything else."""
    nodes = [c for c in expression.children if c.type != "comment"]
    if len(nodes) != 1:
        return _UNREAD
    node = nodes[0]
    if node.type == "operation" and re.fullmatch(r"-\d+", _text(data, node)):
        return int(_text(data, node))
    if node.type == "literal_value":
        text = _text(data, node)
        if text.startswith('"'):
            try:
                return json.loads(text.replace("$${", "${").replace("%%{", "%{").replace("\t", "\\t"))
            except ValueError:
                return _UNREAD
        return (
            {"true": True, "false": False, "null": None}.get(text)
            if text in ("true", "false", "null")
            else json.loads(text)
        )
    if node.type != "collection_value":
        return _UNREAD
    inner = node.children[0]
    if inner.type == "tuple":
        items: list[_Literal] = []
        for node in inner.children:
            item = _value(data, node) if node.type == "expression" else _UNREAD
            if node.type == "expression" and isinstance(item, _Unread):
                return _UNREAD
            if not isinstance(item, _Unread):
                items.append(item)
        return items
    found: dict[str, _Literal] = {}
    for element in inner.children:
        if element.type == "object_elem":
            key, value = [c for c in element.children if c.type == "expression"]
            name = _text(data, key)
            if name.startswith("("):
                return _UNREAD
            member = _value(data, value)
            if isinstance(member, _Unread):
                return _UNREAD
            found[json.loads(name) if name.startswith('"') and "${" not in name else name] = member
    return found


def faults(case: Case, fix: Fix, touched: int) -> list[str]:
    """What is wrong with an edit that was made."""
    found: list[str] = []
    for patch in fix.files:
        before, after = patch.before.encode(), patch.after.encode()
        new_root = _PARSER.parse(after).root_node
        if new_root.has_error:
            found.append("it does not parse")
            continue
        if not patch.path.endswith(".tf"):
            continue
        old, new = _top(_PARSER.parse(before).root_node), _top(new_root)
        old_texts = [before[b.start_byte : b.end_byte] for b in old]
        new_texts = [after[b.start_byte : b.end_byte] for b in new]
        if len(old) != len(new):
            found.append("the number of blocks differs")
            continue
        differing = [n for n, (a, b) in enumerate(zip(old_texts, new_texts, strict=True)) if a != b]
        if len(differing) != 1 or (case.kind != "reference" and differing != [touched]):
            found.append(f"{len(differing)} blocks differ")
        for a, b in zip(old_texts, new_texts, strict=True):
            before, after = before.replace(a, b"", 1), after.replace(b, b"", 1)
        if before != after:
            found.append("text outside of blocks differs")
    if case.lines is not None and len(fix.files) == 1:
        minus, plus = _changed(fix.files[0].before, fix.files[0].after)
        if minus > case.lines[0] or plus > case.lines[1]:
            found.append(f"{minus} lines go and {plus} come instead of {case.lines[0]} and {case.lines[1]}")
    if not found and case.kind not in ("reference", "module argument") and len(fix.files) == 1:
        found += _said(case, fix.files[0].after.encode())
    return found


def _changed(before: str, after: str) -> tuple[int, int]:
    old = [re.sub(r"\s+", " ", line).strip() for line in before.splitlines()]
    new = [re.sub(r"\s+", " ", line).strip() for line in after.splitlines()]
    minus = plus = 0
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            minus, plus = minus + i2 - i1, plus + j2 - j1
    return minus, plus


def _said(case: Case, data: bytes) -> list[str]:
    """Whether the attribute says what is wanted."""
    block = _top(_PARSER.parse(data).root_node)[case.block]
    attributes, nested = _inside(data, block)
    steps = [s for s in re.split(r"\.(?![^\[]*\])|(?=\[)", case.attribute) if s]
    if case.kind == "block removed":
        return []
    if len(steps) > 1 and steps[1][1:-1].isdigit():
        inner = nested[steps[0]][int(steps[1][1:-1])]
        attributes, steps = _inside(data, inner)[0], steps[2:]
    name = steps[0]
    if isinstance(case.value, Absent) and len(steps) == 1:
        return ["it is still there"] if name in attributes else []
    if name not in attributes:
        return ["it is not there"]
    value = _value(data, _expression(attributes[name]))
    if len(steps) > 1:
        key = json.loads(steps[1][1:-1]) if steps[1].startswith("[") else steps[1]
        if not isinstance(value, dict):
            return ["it is no map"]
        if isinstance(case.value, Absent):
            return ["it is still there"] if key in value else []
        value = value.get(str(key), _UNREAD)
    return [] if value == case.value and type(value) is type(case.value) else [f"it says {value!r}"]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run: counts by kind, what was wrong, and why edits were refused or only proposed."""

    files: int
    repositories: dict[str, int]
    edits: int
    edits_of_formatted_files: int
    kinds: dict[str, dict[str, int]]
    wrong: list[str]
    reasons: dict[str, int]


def run(directory: Path, *, files: int, seed: int, terraform: str) -> Result:
    """Make the edits and count what came of them."""
    choice = random.Random(seed)
    found = [
        (r, p)
        for r in repositories(directory)
        for p in sorted(r.files)
        if p.endswith(".tf") and len(r.files[p]) <= _MOST_BYTES
    ]
    choice.shuffle(found)
    by_repository: dict[str, list[tuple[Repository, str]]] = {}
    for repository, path in found:
        by_repository.setdefault(repository.name, []).append((repository, path))
    order = [pair for row in _zipped(list(by_repository.values())) for pair in row]
    counts: dict[str, Count] = {}
    reasons: Counter[str] = Counter()
    edited: list[tuple[Case, Fix]] = []
    used: Counter[str] = Counter()
    for repository, path in order:
        if sum(used.values()) >= files:
            break
        made = cases(repository, path, choice) + module_cases(repository, path, choice)
        if not any(c.kind not in ("attribute added", "reference") for c in made):
            continue
        used[repository.name] += 1
        for case in made:
            count = counts.setdefault(case.kind, Count())
            wanted = Wanted(
                address=case.address,
                directory=posixpath.dirname(path),
                values={case.attribute: case.value},
                before=case.before,
            )
            fix = adopt(repository, wanted, "drift")
            if not fix.files:
                if fix.safe:
                    count.wrong.append(f"{repository.name}:{path} {case.address} {case.attribute}: nothing was edited")
                else:
                    count.refused += 1
                    reasons[_reason(fix.why)] += 1
                continue
            count.edited += 1
            count.safe += fix.safe
            again = adopt(
                replace(repository, files={**repository.files, **{p.path: p.after.encode() for p in fix.files}}),
                wanted,
                "d",
            )
            wrong = faults(case, fix, case.block)
            if again.files:
                wrong.append("a second adoption edits again")
            if not fix.safe:
                reasons["(proposed) " + _reason(fix.why)] += 1
            count.wrong += [
                f"{repository.name}:{path} {case.address} {case.attribute} ({case.kind}): {w}" for w in wrong
            ]
            edited.append((case, fix))
    formatted, complaints = _formatted(edited, terraform)
    for case, wrong in complaints:
        counts[case.kind].wrong.append(
            f"{case.repository.name}:{case.path} {case.address} {case.attribute} ({case.kind}): {wrong}"
        )
    return Result(
        files=sum(used.values()),
        repositories=dict(sorted(used.items())),
        edits=len(edited),
        edits_of_formatted_files=formatted,
        kinds={
            k: {"edited": c.edited, "safe": c.safe, "refused": c.refused, "wrong": len(c.wrong)}
            for k, c in sorted(counts.items())
        },
        wrong=[w for c in counts.values() for w in c.wrong],
        reasons=dict(reasons.most_common()),
    )


def _zipped(rows: list[list[tuple[Repository, str]]]) -> Iterator[list[tuple[Repository, str]]]:
    for n in range(max((len(r) for r in rows), default=0)):
        yield [row[n] for row in rows if n < len(row)]


def _reason(why: str) -> str:
    for pattern, name in (
        ("ignore_changes", "under ignore_changes"),
        ("is set from outside", "a variable that no file sets"),
        ("is not written in this code", "another resource or data source"),
        ("heredoc", "a heredoc"),
        ("interpolations", "a text with interpolations"),
        ("is computed|is an expression|is no literal|is a template", "an expression"),
        ("condition", "a condition that is not known"),
        ("is sensitive", "a sensitive value"),
        ("takes its value from there", "shared: more than one instance"),
        ("is read at", "shared: another resource reads the attribute"),
        ("is used at|takes each.value|reaches", "shared: the variable or local has other uses"),
        ("is called at", "shared: the module is called elsewhere"),
        ("syntax error", "a file with a syntax error"),
        ("a tool writes it", "a generated file"),
        ("is written at", "written twice"),
        ("changes with it|would still not", "it changes something else"),
    ):
        if re.search(pattern, why):
            return name
    return why


def _formatted(edited: Sequence[tuple[Case, Fix]], terraform: str) -> tuple[int, list[tuple[Case, str]]]:
    """How many edited files were formatted before; edits after which one is not any more, and those whose diff git does not take."""
    complaints: list[tuple[Case, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        before, after, applied = Path(folder, "before"), Path(folder, "after"), Path(folder, "applied")
        for directory in (before, after, applied):
            directory.mkdir()
        names: dict[str, Case] = {}
        for n, (case, fix) in enumerate(edited):
            for m, patch in enumerate(fix.files):
                name = f"{n:05}_{m}{posixpath.splitext(patch.path)[1]}"
                names[name] = case
                before.joinpath(name).write_bytes(patch.before.encode())
                after.joinpath(name).write_bytes(patch.after.encode())
                target = applied / patch.path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(patch.before.encode())
            took = subprocess.run(
                ["git", "apply", "--whitespace=nowarn", "-"],
                input=fix.diff.encode(),
                cwd=applied,
                capture_output=True,
                check=False,
            )
            if took.returncode != 0:
                complaints.append((case, f"git apply: {took.stderr.decode().strip()}"))
            elif any((applied / p.path).read_bytes() != p.after.encode() for p in fix.files):
                complaints.append((case, "git apply gives another file"))
        dirty_before, dirty_after = _dirty(before, terraform), _dirty(after, terraform)
        complaints += [(names[n], "terraform fmt would change it now") for n in sorted(dirty_after - dirty_before)]
        return len(names) - len(dirty_before), complaints


def _dirty(directory: Path, terraform: str) -> set[str]:
    """The files that fmt would change, and those that it cannot read."""
    command = [terraform, "fmt", "-check", "-list=true", "-no-color"]
    run = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if run.returncode not in (0, 2, 3):
        raise SystemExit(f"terraform fmt: {run.stderr[:1000]}")
    listed = {line.strip() for line in run.stdout.splitlines() if re.fullmatch(r"\d{5}_\d+\.\w+", line.strip())}
    return listed | set(re.findall(r"on (\d{5}_\d+\.\w+) line", run.stderr))


def main() -> int:
    """Run and print. Exit code 1 when an edit was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repositories", type=Path)
    parser.add_argument("--files", type=int, default=240)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--terraform", default="terraform")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = run(options.repositories, files=options.files, seed=options.seed, terraform=options.terraform)
    if options.json:
        print(json.dumps(asdict(result), indent=1, ensure_ascii=False))
        return 1 if result.wrong else 0
    print(f"{result.edits} edits of {result.files} files, {result.edits_of_formatted_files} of them formatted before")
    print(*(f"  {name}: {n} files" for name, n in result.repositories.items()), sep="\n")
    for kind, counts in result.kinds.items():
        print(f"{kind}: " + ", ".join(f"{n} {name}" for name, n in counts.items()))
    print("refused, or proposed as unsafe:", *(f"  {n} {reason}" for reason, n in result.reasons.items()), sep="\n")
    print(f"wrong: {len(result.wrong)}", *(f"  {w}" for w in result.wrong), sep="\n")
    return 1 if result.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
