"""A set of edited files as one `Fix`: what changes, as a diff that `git apply` takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import unified_diff

from agent.fix.files import Files
from agent.fix.model import FilePatch, Fix, FixHow


def fix_of(
    files: Files,
    *,
    drift: str,
    how: FixHow,
    safe: bool,
    why: str,
    commands: Sequence[str] = (),
    places: Sequence[str] = (),
) -> Fix:
    """The edits made so far, by path. Files that are as they were are left out."""
    patches: list[FilePatch] = []
    diff = ""
    for path, after in sorted(files.edited.items()):
        before = files.original(path)
        if before == after:
            continue
        patches.append(FilePatch(path=path, before=(before or b"").decode(), after=after.decode()))
        diff += difference(path, before, after)
    return Fix(
        drift=drift,
        how=how,
        safe=safe,
        why=why,
        files=tuple(patches),
        diff=diff,
        commands=tuple(commands),
        places=tuple(dict.fromkeys(places)),
    )


def difference(path: str, before: bytes | None, after: bytes) -> str:
    """A file's unified diff with git's header. Lines end as the file's do, so that a `\\r` stays in its line."""
    old, new = _lines(before or b""), _lines(after)
    name = _quoted(f"a/{path}"), _quoted(f"b/{path}")
    head = f"diff --git {name[0]} {name[1]}\n"
    if before is None:
        head += "new file mode 100644\n"
    tab = "\t" if " " in path else ""
    lines = unified_diff(old, new, "/dev/null" if before is None else name[0] + tab, name[1] + tab, lineterm="\n")
    out = head
    for line in lines:
        out += line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"
    return out


def changed_lines(files: Mapping[str, tuple[bytes, bytes]]) -> int:
    """How many lines differ."""
    return sum(
        line.startswith(("+", "-")) and not line.startswith(("+++", "---"))
        for path, (before, after) in files.items()
        for line in difference(path, before, after).splitlines()
    )


def _lines(data: bytes) -> list[str]:
    text = data.decode()
    return [part + "\n" for part in text.split("\n")[:-1]] + (
        [text.rsplit("\n", 1)[-1]] if not text.endswith("\n") and text else []
    )


def _quoted(path: str) -> str:
    """A path as git writes it: in quotes with octal escapes when it holds anything special."""
    if all(0x20 <= b < 0x7F and b not in b'"\\' for b in path.encode()):
        return path
    out = ""
    for byte in path.encode():
        if byte in b'"\\':
            out += "\\" + chr(byte)
        elif 0x20 <= byte < 0x7F:
            out += chr(byte)
        else:
            out += f"\\{byte:03o}"
    return f'"{out}"'
