"""The suspected change the other way round, as text for people to read, from the lines and attributes that are stored of it."""

from __future__ import annotations

import shlex

from agent.assemble import attributes
from agent.evidence import inline, text_of
from agent.intent import clean
from agent.investigation import Investigation
from agent.phrasing import side
from graph.lexicon import former, things
from graph.model import EntityRef
from graph.store import ChangeQuery, ChangeView, GraphStore, Limits, View

_ROWS = 500
_LINES = 400


def revert_patch(
    store: GraphStore, view: View, investigation: Investigation, repository_path: str | None = None
) -> str:
    """What taking the first cause back would change, file by file; empty when there is no cause that is a change of code.

    It has neither line numbers nor context, which are not stored: it shows what comes back and what goes, and names the git command that
    really does it (in `repository_path`, when that is given).
    """
    cause = investigation.causes[0] if investigation.causes else None
    if cause is None or cause.change is None or cause.change.kind not in ("commit", "pull_request"):
        return ""
    refs = [EntityRef(f"Commit:{c.id}") for c in (cause.change, *cause.also) if c.kind == "commit"]
    page = store.changes(ChangeQuery(changes=refs), view, Limits(rows=_ROWS)) if refs else None
    changes = page.items if page is not None else ()
    back = investigation.rollback
    lines = [f"# Takes back: {inline(cause.label or cause.change.id, 200)}"]
    if cause.change.repository:
        lines.append(f"# Repository: {inline(cause.change.repository, 200)}")
    if back is not None and back.command:
        command = inline(back.command, 400)
        if repository_path and command.startswith("git "):
            command = f"git -C {shlex.quote(repository_path)} {command.removeprefix('git ')}"
        lines.append(f"# Done by: {command}")
        lines.append(f"# {'Safe' if back.safe else 'NOT SAFE'}: {inline(back.why, 600)}")
    lines.append("# Written from what is stored, without line numbers: to be read, not to be applied.")
    labels = {t.ref: t.label for t in things(store, sorted({c.target for c in changes}), view)}
    paths = sorted({text_of(c.properties, "path") for c in changes} - {""})
    for path in paths:
        mine = [c for c in changes if text_of(c.properties, "path") == path]
        lines += ["", f"--- a/{inline(path, 400)}", f"+++ b/{inline(path, 400)}"]
        for change in sorted((c for c in mine if c.target.kind == "Block"), key=lambda c: c.target):
            lines += _block(store, view, change, labels.get(change.target, ""))
        for change in sorted((c for c in mine if c.target.kind == "File"), key=lambda c: (c.change, c.target)):
            lines += [f"-{_line(line)}" for line in text_of(change.properties, "added").split("\n") if line]
            lines += [f"+{_line(line)}" for line in text_of(change.properties, "removed").split("\n") if line]
    if not paths:
        lines += ["", "# What it touched is not known."]
    if len(lines) > _LINES:
        lines = [*lines[:_LINES], f"# … {len(lines) - _LINES} more lines"]
    if page is not None and page.cut:
        lines.append("# … and more that was not read")
    return "\n".join(lines) + "\n"


def _block(store: GraphStore, view: View, change: ChangeView, label: str) -> list[str]:
    """A block's attributes, the other way round, as remarks."""
    if not label and (last := former(store, change.target, view)) is not None:
        label = last.label
    effect = text_of(change.properties, "effect") or "updated"
    name = inline(label, 200) or "a block"
    if effect == "created":
        return [f"# {name} goes"]
    lines = [f"# {name} comes back" if effect == "deleted" else f"# {name}"]
    lines += [
        f"#   {inline(a.path, 120)}: {side(a.after)} -> {side(a.before)}" for a in attributes(change.properties)[:20]
    ]
    return lines


def _line(text: str) -> str:
    """A stored line without what a terminal would act on."""
    return clean(text)[:400]
