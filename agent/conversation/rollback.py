"""How a change that was talked about is taken back, and what came after it. Shown only: nothing here does anything."""

from __future__ import annotations

import re

from agent.conversation.turns import ChangeTopic
from agent.evidence import Citations, inline, text_of
from agent.investigation import Rollback
from agent.lineage import COSMETIC
from agent.model import Citation
from graph.lexicon import things
from graph.model import EntityRef
from graph.store import ChangeQuery, GraphStore, Limits, View

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ROWS = 2_000
_NAMED = 3


def way_back(store: GraphStore, view: View, change: ChangeTopic) -> tuple[Rollback, tuple[Citation, ...]]:
    """The command that takes a change back, as far as it can be told, and whether a later change speaks against it; with the citations.

    `safe` means that nothing known was changed again since; the command is written only of a full hash.
    """
    citations = Citations()
    if change.kind != "commit" or _SHA.fullmatch(change.id) is None:
        return Rollback(command="", safe=False, why=_in_words(change)), ()
    commit = EntityRef(f"Commit:{change.id}")
    entity = store.entity(commit, view)
    parents = entity.properties.get("parents") if entity is not None else None
    merge = isinstance(parents, list | tuple) and len(parents) > 1
    command = f"git revert --no-edit {'-m 1 ' if merge else ''}{change.id}"
    touched = store.changes(ChangeQuery(changes=[commit]), view, Limits(rows=_ROWS)).items
    if not touched:
        return Rollback(
            command=command, safe=False, why="What it touched is not known: look at what came later first."
        ), ()
    # A file is touched by whatever stands beside in it: it counts only where nothing finer is known.
    finer = [c for c in touched if c.target.kind != "File"]
    targets = sorted({c.target for c in finer or touched})
    page = store.changes(ChangeQuery(targets=targets, since=min(c.at for c in touched)), view, Limits(rows=_ROWS))
    later = [
        c
        for c in page.items
        if c.change != commit and c.at > max(t.at for t in touched) and c.change.kind != "StateVersion"
        if text_of(c.properties, "effect") not in COSMETIC
    ]
    where = f" In {change.repository}, then apply or deploy it." if change.repository else ""
    if not later:
        mark = citations.cite(touched[0].provenance)
        cut = " (of those that were read)" if page.cut else ""
        why = f"No later change{cut} touches what it touched.{where} [{mark}]"
        return Rollback(command=command, safe=not page.cut, why=why, citations=(mark,)), citations.all()
    labels = {str(t.ref): inline(t.label) for t in things(store, sorted({c.target for c in later}), view)}
    marks = tuple(citations.cite(c.provenance) for c in later[:_NAMED])
    told = "; ".join(
        f"{labels.get(str(c.target), 'a part of it')} was changed again [{m}]"
        for c, m in zip(later, marks, strict=False)
    )
    more = f" and {len(later) - _NAMED} more" if len(later) > _NAMED else ""
    return Rollback(
        command=command, safe=False, why=f"Look first: {told}{more}.{where}", citations=marks
    ), citations.all()


def _in_words(change: ChangeTopic) -> str:
    if change.kind == "deployment":
        return "It was a deployment: deploy the version before it again (ask “and before that?” for which one that is)."
    if change.kind == "pull_request":
        return "It is not merged, or its merge is not known: there is nothing to revert yet."
    return "It was made outside of the code: set the former values again (ask “what was it before?”), or let the next apply do it."
