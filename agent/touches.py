"""What a suspect did, piece by piece: attributes that went another way, lines of files, whole things that came or went.

Read from its `CHANGED` relations; where these tell nothing but a file, from the lines and the path of the file; where there are not even
those, from its title. The less is told the less it counts (`strength`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from agent.assemble import attributes
from agent.attribute_kinds import kind_of, kind_of_key, path_words, shown_path
from agent.changed_values import ABSENT, UNTOLD, Direction, LineChanges, Side, direction, read_lines
from agent.evidence import inline, text_of
from agent.incident import Suspect
from agent.model import AttributeChange, AttributeState
from agent.resource_groups import Group, group_of, name_of
from agent.symptom_words import words_of
from graph.model import EntityRef, Value
from graph.store import ChangeView, Provenance
from graph.text import name_tokens

FileSort: TypeAlias = Literal[
    "document", "test", "image", "schema", "dependency", "pipeline", "alarm", "config", "code", "template"
]

MAX_VIEWS = 60
MAX_ATTRIBUTES = 40
"""Per view; a thing with more was made anew."""
_LINES = 0.9
_BY_CONTEXT = 0.75
_ENTRY = 0.55
_CODE = 0.6
_BY_PATH = 0.5
_BY_TITLE = 0.4
_UNCLEAR = 0.5
_DEEPEST = 40

_DOCUMENT = re.compile(
    r"(^|/)(docs?|documentation|runbooks?|adr|\.github/issue_template)/|(^|/)(readme|license|licence|changelog|contributing|codeowners|authors|"
    r"notice|security|code_of_conduct|owners)(\.(md|txt|rst|adoc|html))?$|\.(md|rst|adoc|drawio|puml)$",
    re.I,
)
_CONFIG_TXT = re.compile(r"(^|/)(requirements|constraints|allow|deny|block|hosts|domains|list|robots)[^/]*\.txt$", re.I)
_TEST = re.compile(
    r"(^|/)(tests?|spec|specs|__tests__|testdata|fixtures|e2e)/|(^|/)(test_[^/]*|[^/]*[_.-](test|tests|spec))\.[a-z]+$|(^|/)\.?(eslintrc|flake8|editorconfig|pylintrc|gitignore|gitattributes|pre-commit-config)[^/]*$",
    re.I,
)
_BY_NAME: tuple[tuple[FileSort, re.Pattern[str]], ...] = (
    ("image", re.compile(r"(^|/)(dockerfile|containerfile)[^/]*$|\.dockerfile$", re.I)),
    ("schema", re.compile(r"\.(sql|ddl|avsc|proto|prisma)$|(^|/)(migrations?|alembic|flyway|liquibase)/", re.I)),
    (
        "dependency",
        re.compile(
            r"(^|/)(requirements[^/]*\.txt|constraints[^/]*\.txt|package\.json|go\.(mod|sum)|gemfile[^/]*|pom\.xml|build\.gradle[^/]*|cargo\.toml|pipfile|pyproject\.toml|composer\.json|[^/]*\.lock|package-lock\.json|chart\.yaml|\.gitmodules)$",
            re.I,
        ),
    ),
    (
        "pipeline",
        re.compile(
            r"(^|/)(\.github/workflows|\.circleci|\.buildkite|\.tekton|zuul\.d|\.zuul\.d|jenkins|playbooks)/|(^|/)(jenkinsfile|\.gitlab-ci\.ya?ml|\.travis\.ya?ml|azure-pipelines\.ya?ml|buildspec\.ya?ml|cloudbuild\.ya?ml|\.?zuul\.ya?ml|makefile|\.drone\.ya?ml)[^/]*$",
            re.I,
        ),
    ),
    ("alarm", re.compile(r"(^|/)(alerts?|alerting|dashboards?|grafana|monitors?|prometheus-rules?)[/.]|\.rules\.ya?ml$", re.I)),
    ("template", re.compile(r"\.(j2|tmpl|tpl|erb|mustache|gotmpl|jinja2?|png|jpe?g|gif|svg|ico|css|html?)$", re.I)),
    (
        "config",
        re.compile(
            r"\.(ya?ml|json|json5|toml|ini|cfg|conf|cnf|config|properties|env|tf|tfvars|hcl|xml|plist|list|csv|pp|service|zone|vcl|nix|libsonnet|jsonnet|cue|txt|rules|settings|inc|hosts)$|(^|/)(\.env[^/]*|hosts|settings[^/]*|config[^/]*|values[^/]*|nginx[^/]*)$|(^|/)(config|conf|settings|wmf-config|values|env|environments)/",
            re.I,
        ),
    ),
)  # fmt: skip

_CODE_FILE = re.compile(
    r"\.(py|go|js|jsx|ts|tsx|rb|java|kt|scala|php|c|h|cc|cpp|hpp|cs|rs|sh|bash|zsh|ps1|pl|pm|lua|swift|ex|exs|erl|clj|groovy|r|dart|m|vue|svelte)$",
    re.I,
)  # fmt: skip
_NO_CONTEXT = words_of(
    "src app apps lib main index config configs conf settings values service services prod production staging dev test yaml yml json tf tfvars "
    "hcl ini env properties php py js ts go rb java xml conf base overlays default common terraform modules module environments environment k8s "
    "kubernetes deploy deployment manifests charts infra infrastructure data variables locals resources template templates policies"
)
_DROP = re.compile(r"\b(drop|rename|alter\s+column|modify\s+column|truncate|delete\s+from)\b", re.I)
_RESTRICTS = words_of("policy acl deny nacl authorization")


@dataclass(frozen=True, slots=True)
class Touch:
    """One piece of a change.

    Attributes:
        kind: kind of attribute (`agent.attribute_kinds`), or whole, code, comment, document, test, format, moved, list_item.
        path: attribute path, key or file as written; empty for a whole thing.
        shown: the same as people say it.
        strength: how much what is told counts, 1 for an attribute with its values.
        told: where it can be read.
    """

    target: EntityRef | None
    label: str
    group: Group
    kind: str
    path: str
    shown: str
    before: Side
    after: Side
    direction: Direction
    strength: float = 1.0
    said: Provenance | None = None


def touches(suspect: Suspect, types: Mapping[EntityRef, str], labels: Mapping[EntityRef, str]) -> Iterator[Touch]:
    """What a suspect did, the thing nearest to the symptom first.

    `types` are resource types and `labels` names of what it touched, as far as known.
    """
    found = False
    # What a file's blocks tell says more than the file.
    structured = {text_of(v.properties, "path") for v in suspect.views if v.target.kind != "File" and _tells(v)}
    seen: set[str] = set()
    nearest_first = sorted(suspect.views, key=lambda v: v.target != suspect.target)
    for view in nearest_first[:MAX_VIEWS]:
        if view.target.kind != "File":
            pieces = _of_view(view, types, labels)
        elif text_of(view.properties, "path") not in structured:
            pieces = _of_file(view, suspect, labels, seen)
        else:
            continue
        for piece in pieces:
            found = True
            yield piece
    if not found and (suspect.added or suspect.removed):
        for piece in _of_lines(suspect.removed, suspect.added, suspect.paths, None, "", None):
            found = True
            yield piece
    if not found:
        yield from _of_title(suspect)


def _tells(view: ChangeView) -> bool:
    effect = view.properties.get("effect")
    return effect in ("created", "deleted", "moved", "format_only") or bool(view.properties.get("attributes"))


# -- things


def _of_view(view: ChangeView, types: Mapping[EntityRef, str], labels: Mapping[EntityRef, str]) -> Iterator[Touch]:
    type_ = types.get(view.target, "")
    group = group_of(type_, view.target.kind)
    label = labels.get(view.target, "") or (f"the {name_of(group)}" if group else "it")
    effect = text_of(view.properties, "effect")
    changed = attributes(view.properties)[:MAX_ATTRIBUTES]
    if effect in ("format_only", "moved"):
        kind = "format" if effect == "format_only" else "moved"
        yield Touch(view.target, label, group, kind, "", "", UNTOLD, UNTOLD, "changed", 1.0, view.provenance)
        return
    if effect in ("created", "deleted"):
        yield _whole(view, label, type_, group, "created" if effect == "created" else "deleted", changed)
        return
    for one in changed:
        yield _attribute(view, label, group, one)
    if not changed:
        if group == "service" or view.change.kind == "Deployment":
            yield Touch(
                view.target,
                label,
                group or "service",
                "image",
                "version",
                "version",
                UNTOLD,
                UNTOLD,
                "changed",
                0.8,
                view.provenance,
            )
        else:
            yield Touch(view.target, label, group, "", "", "", UNTOLD, UNTOLD, "changed", _UNCLEAR, view.provenance)


def _whole(
    view: ChangeView, label: str, type_: str, group: Group, effect: Direction, changed: Sequence[AttributeChange]
) -> Touch:
    kind = "alarm" if group == "alarm" else "whole"
    way = effect
    if not type_ and view.target.kind == "Block":
        # A variable, a local value, a top-level key: what it is called tells what it is for.
        value = next((a for a in changed if a.path in ("value", "default")), None)
        before, after = (_side(value.before), _side(value.after)) if value else (UNTOLD, UNTOLD)
        known = kind_of(_own_words(label))
        if known and effect == "created":
            return Touch(
                view.target, label, group, known, label, _own_name(label), ABSENT, after, "added", 0.7, view.provenance
            )
        if known:
            return Touch(
                view.target,
                label,
                group,
                known,
                label,
                _own_name(label),
                before,
                ABSENT,
                "removed",
                0.9,
                view.provenance,
            )
    if group == "network_rule" and effect == "created" and not _may_deny(type_, changed):
        kind, way = "network_rule", "added"
    if group == "" and kind == "whole" and any("cidr" in a.path.casefold() for a in changed):
        group = "network_rule"
    return Touch(view.target, label, group, kind, "", "", UNTOLD, UNTOLD, way, 1.0, view.provenance)


def _may_deny(type_: str, changed: Sequence[AttributeChange]) -> bool:
    """Whether what was created may stop traffic: a policy, a list of denials; a security group's rule only lets in."""
    if _RESTRICTS.intersection(name_tokens(type_)):
        return True
    return any(
        "deny" in name_tokens(a.path)
        or (isinstance(a.after.value, str) and a.after.value.casefold() in ("deny", "block", "drop"))
        for a in changed
    )


def _attribute(view: ChangeView, label: str, group: Group, one: AttributeChange) -> Touch:
    before, after = _side(one.before), _side(one.after)
    words = path_words(one.path)
    told = shown_path(one.path)
    path = one.path
    if words in (("value",), ("default",)) and not group:
        words, told, path = _own_words(label), _own_name(label), label
    kind = kind_of(words, group)
    if group == "alarm" and kind not in ("cosmetic", "logging", "retention"):
        kind = "alarm"
    strength = 1.0 if kind else _UNCLEAR
    return Touch(
        view.target, label, group, kind, path, told, before, after, direction(before, after), strength, view.provenance
    )


def _own_words(label: str) -> tuple[str, ...]:
    words = name_tokens(label)
    return words[1:] if words[:1] in (("var",), ("local",), ("output",)) else words


def _own_name(label: str) -> str:
    return label.removeprefix("var.").removeprefix("local.").rpartition("/")[2]


def _side(state: AttributeState) -> Side:
    value = state.value
    if state.state == "value" and value is None:
        return ABSENT
    return Side(state.state, _value(value))


def _value(value: object, depth: int = 0) -> Value:
    """A decoded value as one of the graph's; what lies too deep is told as text."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {str(k): _value(v, depth + 1) for k, v in cast("Mapping[object, object]", value).items()}
    if isinstance(value, Sequence) and depth < _DEEPEST:
        return [_value(v, depth + 1) for v in cast("Sequence[object]", value)]
    return "…"


# -- files


def file_sort(path: str) -> FileSort:
    """What a file is for, by its path.

    >>> [file_sort(p) for p in ("README.md", "svc/app_test.go", "db/migrations/3.sql", "config/timeouts.yaml", "src/pay.py")]
    ['document', 'test', 'schema', 'config', 'code']
    """
    if _DOCUMENT.search(path) and not _CONFIG_TXT.search(path):
        return "document"
    if _TEST.search(path):
        return "test"
    for sort, pattern in _BY_NAME:
        if pattern.search(path):
            return sort
    name = path.rpartition("/")[2]
    return "code" if _CODE_FILE.search(path) or "." not in name else "config"


def _of_file(view: ChangeView, suspect: Suspect, labels: Mapping[EntityRef, str], seen: set[str]) -> Iterator[Touch]:
    path = text_of(view.properties, "path") or labels.get(view.target, "")
    effect = text_of(view.properties, "effect")
    if path in seen:
        return
    seen.add(path)
    if effect in ("format_only", "moved"):
        kind = "format" if effect == "format_only" else "moved"
        yield Touch(view.target, path, "", kind, path, path, UNTOLD, UNTOLD, "changed", 1.0, view.provenance)
        return
    removed, added = text_of(view.properties, "removed"), text_of(view.properties, "added")
    if not removed and not added and len(suspect.paths) <= 1:
        removed, added = suspect.removed, suspect.added
    yield from _of_lines(removed, added, (path,), view.target, effect, view.provenance)


def _of_lines(
    removed: str, added: str, paths: Sequence[str], target: EntityRef | None, effect: str, said: Provenance | None
) -> Iterator[Touch]:
    path = next((p for p in paths if file_sort(p) not in ("document", "test")), paths[0] if paths else "")
    sort: FileSort = file_sort(path) if path else "config"
    label = inline(path, 100) or "it"
    if sort in ("document", "test", "alarm"):
        yield Touch(target, label, "", sort, path, label, UNTOLD, UNTOLD, "changed", 1.0, said)
        return
    # `timeouts.yaml` tells what its keys are about; directories tell where it belongs.
    context = tuple(w for w in name_tokens(path.rpartition("/")[2]) if w not in _NO_CONTEXT)
    read = read_lines(removed, added)
    if (removed or added) and read.same:
        kind = "comment" if read.comments and not read.keys and not _code_lines(removed, added) else "format"
        yield Touch(target, label, "", kind, path, label, UNTOLD, UNTOLD, "changed", 1.0, said)
        return
    known = list(_of_keys(read, sort, label, context, target, said))
    yield from known
    if sort in ("image", "schema", "dependency", "pipeline"):
        way: Direction = (
            "removed" if sort == "schema" and _DROP.search(added) else "added" if sort == "schema" else "changed"
        )
        yield Touch(
            target, label, "pipeline" if sort == "pipeline" else "", sort, path, label, UNTOLD, UNTOLD, way, 0.8, said
        )
        return
    if sort == "code":
        yield Touch(target, label, "", "code", path, label, UNTOLD, UNTOLD, "changed", _CODE, said)
    elif not known:
        kind = kind_of(context[-4:])
        way = "deleted" if effect == "deleted" else "changed"
        if effect == "deleted":
            yield Touch(target, label, "configuration", "whole", path, label, UNTOLD, UNTOLD, way, _BY_PATH, said)
        else:
            yield Touch(target, label, "", kind or "config_data", path, label, UNTOLD, UNTOLD, way, _BY_PATH, said)


def _code_lines(removed: str, added: str) -> bool:
    """Whether lines other than comments are there at all."""
    read = read_lines(removed, "")
    again = read_lines("", added)
    return bool(read.keys or read.others or again.keys or again.others)


def _of_keys(
    read: LineChanges,
    sort: FileSort,
    label: str,
    context: tuple[str, ...],
    target: EntityRef | None,
    said: Provenance | None,
) -> Iterator[Touch]:
    group: Group = "pipeline" if sort == "pipeline" else ""
    for one in read.keys[:MAX_ATTRIBUTES]:
        way = direction(one.before, one.after)
        if not one.key and sort == "code":
            continue
        if not one.key:
            kind = kind_of(context[-4:])
            entry = inline(str((one.after if one.after.state == "value" else one.before).value), 60)
            yield Touch(
                target,
                label,
                group,
                kind or "list_item",
                "",
                f"the entry {entry}",
                one.before,
                one.after,
                way,
                _ENTRY,
                said,
            )
            continue
        words = path_words(one.key)
        kind = kind_of_key(words, context[-4:], group)
        if sort == "code" and not kind_of(words, group):
            continue  # an assignment in a program is code
        if not kind:
            switched = way in ("enabled", "disabled")
            yield Touch(
                target, label, group, "feature_flag" if switched else "config_data", one.key, one.key,
                one.before, one.after, way, _LINES if switched else _UNCLEAR, said,
            )  # fmt: skip
            continue
        strength = _LINES if kind_of(words, group) else _BY_CONTEXT
        yield Touch(target, label, group, kind, one.key, one.key, one.before, one.after, way, strength, said)


# -- nothing but words


def _of_title(suspect: Suspect) -> Iterator[Touch]:
    words = [w for w in name_tokens(suspect.title)[:40] if w not in _NO_CONTEXT]
    kind = kind_of(tuple(words))
    if kind:
        label = labels_of_place(suspect)
        yield Touch(suspect.target, label, "", kind, "", kind.replace("_", " "), UNTOLD, UNTOLD, "changed", _BY_TITLE)


def labels_of_place(suspect: Suspect) -> str:
    """What to call where a suspect lies."""
    return inline(suspect.place.label, 80) if suspect.place is not None else "it"
