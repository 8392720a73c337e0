"""Who made it drift: the audited calls that set what differs, after the state was last true of it.

A call counts for an attribute when the two share what tells them apart: the attribute's words are among the call's parameters or in the call's
name, or the call set the very value that is there. Calls on what the thing is a part of (a bucket of its versioning, a group of its rule) count
only when the call's name speaks of that part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from agent.assemble import assemble, attributes
from agent.chain import performers
from agent.context import Context
from agent.doors import CODE_TOOLS, Door, doors
from agent.drift.model import AttributeDrift, Cause
from agent.drift.observed import Observed
from agent.drift.reads import whole
from agent.drift.values import comparable
from agent.evidence import inline, text_of
from agent.model import AttributeChange, Change
from graph.clock import SECOND, Instant, rfc3339
from graph.model import EntityRef, Value
from graph.store import ChangeQuery, ChangeView, EntityView, Limits
from graph.text import name_tokens

_ROWS = 20_000
_MARGIN: Instant = 5 * SECOND
"""States and audit logs are written by different clocks."""
_MOST = 6
_VERBS = frozenset(
    [
        *("put", "set", "update", "modify", "create", "delete", "add", "remove", "change", "attach", "detach"),
        *("enable", "disable", "associate", "disassociate", "authorize", "revoke", "replace", "register", "batch"),
        *("resource", "attribute", "attributes", "configuration", "config", "aws", "this", "value", "values"),
    ]
)
_FEW = frozenset({"0", "1", "true", "false", '""', '"true"', '"false"', '"0"', '"1"', '"Enabled"', '"Disabled"'})
"""Values that say nothing by being equal."""


@dataclass(frozen=True, slots=True)
class Caused:
    """The calls behind a drift, newest first, each with the change as answers tell it."""

    causes: tuple[Cause, ...]
    changes: tuple[tuple[ChangeView, Change], ...]
    labels: tuple[str, ...]


def attribute_causes(context: Context, observed: Sequence[Observed]) -> dict[EntityRef, Caused]:
    """By ref of what drifts: who made it so. Two reads of the store for all."""
    related = _related(context, observed)
    refs = sorted(
        {r for one in observed for r in (one.ref, *one.cloud_refs)} | {r for rs in related.values() for r in rs}
    )
    if not refs:
        return {}
    page = context.store.changes(ChangeQuery(targets=refs), context.view, Limits(rows=_ROWS, deadline_s=30.0))
    changes = whole(context, page, "changes of what drifted: older calls may be missing")
    events = [c for c in changes if c.change.kind == "AuditEvent"]
    through = doors(context.store, context.view, events)
    audits = {e.ref: e for e in context.store.entities(sorted({e.change for e in events}), context.view)}
    joined = {r: t for t in context.store.entities(refs, context.view) for r in t.refs}
    by_target: dict[EntityRef, list[ChangeView]] = {}
    for event in events:
        for ref in joined[event.target].refs if event.target in joined else (event.target,):
            by_target.setdefault(ref, []).append(event)
    chosen: dict[EntityRef, list[tuple[ChangeView, tuple[str, ...]]]] = {}
    for one in observed:
        own = _of({one.ref, *one.cloud_refs}, by_target)
        others = [e for e in _of(related.get(one.ref, ()), by_target) if e not in own]
        chosen[one.ref] = _chosen(one, own, others, through, audits)
    return _told(context, chosen, through, audits)


# -- which calls


def _of(refs: Iterable[EntityRef], by_target: Mapping[EntityRef, Sequence[ChangeView]]) -> list[ChangeView]:
    found = {(e.change, e.target): e for ref in refs for e in by_target.get(ref, ())}
    return sorted(found.values(), key=lambda e: (-e.at, e.change, e.target))


def _chosen(
    one: Observed,
    own: Sequence[ChangeView],
    others: Sequence[ChangeView],
    through: Mapping[tuple[EntityRef, EntityRef], Door],
    audits: Mapping[EntityRef, EntityView],
) -> list[tuple[ChangeView, tuple[str, ...]]]:
    """The calls that made this drift, with the paths that each explains."""
    outside = [e for e in own if _outside(through.get((e.change, e.target)))]
    beside = [e for e in others if _outside(through.get((e.change, e.target)))]
    if one.kind != "changed":
        effect = "deleted" if one.kind == "missing" else "created"
        made = [e for e in outside if e.properties.get("effect") == effect]
        first = made or ([] if one.kind == "missing" else outside[-1:])
        return [(e, ()) for e in first[:1]]
    since = one.since - _MARGIN if one.since is not None else None
    for after in (since, None):
        late = [e for e in outside if after is None or e.at >= after]
        if found := _explaining(one, late, audits):
            return found
        part = [e for e in beside if (after is None or e.at >= after) and _speaks_of_part(one, e, audits)]
        if found := _explaining(one, part, audits) or [(e, ()) for e in part[:1]]:
            return found
        if after is not None and late:
            return [(late[0], ())]
    return []


def _outside(door: Door | None) -> bool:
    return door is not None and door.explained_by is None and door.via not in CODE_TOOLS


def _explaining(
    one: Observed, events: Sequence[ChangeView], audits: Mapping[EntityRef, EntityView]
) -> list[tuple[ChangeView, tuple[str, ...]]]:
    """For each path the newest call that set it; a list that grew may be several calls' work."""
    left = {a.path: a for a in one.attributes}
    found: list[tuple[ChangeView, tuple[str, ...]]] = []
    for event in events:
        audit = audits.get(event.change)
        action = text_of(audit.properties, "action") if audit else ""
        set_ = attributes(event.properties)
        explains = [path for path, a in left.items() if _explains(one, a, action, set_)]
        if explains:
            found.append((event, tuple(explains)))
            for path in explains:
                if not _grows(left[path]):
                    del left[path]
        if not left or len(found) >= _MOST:
            break
    return found


def _explains(one: Observed, drift: AttributeDrift, action: str, set_: Sequence[AttributeChange]) -> bool:
    words = _words(drift.path)
    own = set(name_tokens(one.type)) | _VERBS
    called = {*name_tokens(action.partition(":")[2])}
    if words & (called - own):
        return True
    if drift.path.startswith("tags"):
        return any(a.path.startswith("tags") and _tag(a.path) == _tag(drift.path) for a in set_)
    actual = comparable(_value(drift.actual.value)) if drift.actual.state == "value" else ""
    added = _added(drift)
    for a in set_:
        if added and any(one in str(a.after.value) or one in str(a.before.value) for one in added):
            return True
        named = set(name_tokens(a.path)) | (
            {*name_tokens(str(a.after.value))} if isinstance(a.after.value, str) else set[str]()
        )
        if words and words <= named:
            return True
        if actual and actual not in _FEW and a.after.state == "value" and comparable(_value(a.after.value)) == actual:
            return True
        if len(words & (named - _VERBS)) >= 2:
            return True
    return False


def _added(drift: AttributeDrift) -> frozenset[str]:
    """Texts in a list that came or went: a call that speaks of one of them had to do with it."""
    before, after = _texts(drift.desired.value), _texts(drift.actual.value)
    return frozenset(one for one in before ^ after if len(one) > 3)


def _texts(value: object) -> frozenset[str]:
    items = cast("Sequence[object]", value) if isinstance(value, list | tuple) else ()
    return frozenset(item for item in items if isinstance(item, str))


def _words(path: str) -> set[str]:
    """What tells an attribute apart: the words of its last part, or of its first where the last says little."""
    parts = [p for p in path.replace("[", ".").split(".") if p and not p.rstrip("]").isdigit()]
    last = set(name_tokens(parts[-1])) - _VERBS if parts else set[str]()
    if not last or last <= {"status", "enabled", "name", "type", "id", "mode"}:
        last = {w for part in parts for w in name_tokens(part)} - _VERBS - {"status", "enabled"}
    return last | ({"ingress"} if path.startswith("ingress") else {"egress"} if path.startswith("egress") else set())


def _tag(path: str) -> str:
    return (
        path.partition(".")[2] or path.partition('["')[2].rstrip('"]')
        if "[" not in path.partition(".")[0]
        else path.partition('["')[2].removesuffix('"]')
    )


def _grows(drift: AttributeDrift) -> bool:
    """Whether several calls may each have added something."""
    return isinstance(drift.actual.value, list | tuple)


def _speaks_of_part(one: Observed, event: ChangeView, audits: Mapping[EntityRef, EntityView]) -> bool:
    audit = audits.get(event.change)
    called = {*name_tokens(text_of(audit.properties, "action").partition(":")[2])} if audit else set[str]()
    parent = {*name_tokens(text_of(audit.properties, "action").partition(":")[0])} if audit else set[str]()
    words = set(name_tokens(one.type)) - {"aws", "bucket", "group", "rule", "policy"} - parent
    return bool(words & called) or bool(set(name_tokens(one.type)[1:]) <= called | parent)


def _related(context: Context, observed: Sequence[Observed]) -> dict[EntityRef, tuple[EntityRef, ...]]:
    """What each thing is a part of or set upon: what its state says that it depends on."""
    refs = sorted({one.ref for one in observed if one.kind != "unmanaged"})
    if not refs:
        return {}
    page = context.store.neighbours(refs, context.view, Limits(rows=_ROWS), types=("DEPENDS_ON",), direction="out")
    edges = whole(context, page, "things beside what drifted: calls on them may be missing")
    joined = {r: t.refs for t in context.store.entities(sorted({e.dst for e in edges}), context.view) for r in t.refs}
    found: dict[EntityRef, dict[EntityRef, None]] = {}
    sources = {r: t.refs for t in context.store.entities(refs, context.view) for r in t.refs}
    for edge in edges:
        for ref in sources.get(edge.src, (edge.src,)):
            found.setdefault(ref, {}).update(dict.fromkeys(joined.get(edge.dst, (edge.dst,))))
    return {ref: tuple(found.get(ref, {})) for ref in refs}


# -- told


def _told(
    context: Context,
    chosen: Mapping[EntityRef, Sequence[tuple[ChangeView, tuple[str, ...]]]],
    through: Mapping[tuple[EntityRef, EntityRef], Door],
    audits: Mapping[EntityRef, EntityView],
) -> dict[EntityRef, Caused]:
    """The calls as causes: read for all at once."""
    views = list({(e.change, e.target): e for found in chosen.values() for e, _ in found}.values())
    changes = {(v.change, v.target): c for v, c in zip(views, assemble(context, views), strict=True)} if views else {}
    who = performers(context.store, context.view, [v.change for v in views])
    told: dict[EntityRef, Caused] = {}
    for ref, found in chosen.items():
        causes: list[Cause] = []
        pairs: list[tuple[ChangeView, Change]] = []
        labels: list[str] = []
        for event, explains in found:
            change = changes[event.change, event.target]
            audit, door = audits.get(event.change), through.get((event.change, event.target))
            pairs.append((event, change))
            labels.append(event.label)
            if (account := who.get(event.change)) is not None:
                labels += [s.label for s in account.statements]
            causes.append(
                Cause(
                    by=change.by,
                    via=door.via if door is not None else "unknown",
                    at=rfc3339(event.at),
                    action=inline(text_of(audit.properties, "action"), 120) if audit else "",
                    event=str(event.change),
                    explains=explains,
                    citations=(context.citations.cite(event.provenance),),
                )
            )
        told[ref] = Caused(tuple(causes), tuple(pairs), tuple(labels))
    return told


def _value(value: object) -> Value:
    return cast("Value", value)  # of an attribute's state: JSON
