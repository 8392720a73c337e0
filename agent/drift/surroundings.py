"""What stands around a drift: what was said of it, alerts since, and who answers for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.context import Context
from agent.drift.attribution import Caused
from agent.drift.model import Said
from agent.drift.observed import Observed
from agent.drift.reads import whole
from agent.evidence import inline, text_of
from agent.nearby import said_nearby
from agent.questions.owner import matches_path
from graph.clock import Instant, instant, rfc3339
from graph.model import EntityRef
from graph.store import EntityView, Limits
from graph.text import name_tokens

_ROWS = 20_000
_QUOTED = 300
_ALERTS = 3
_MESSAGES = 2


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around one drift. `labels` are those of what is told."""

    said: tuple[Said, ...] = ()
    alerts: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    citations: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


def around(
    context: Context, observed: Sequence[Observed], caused: Mapping[EntityRef, Caused]
) -> dict[EntityRef, Around]:
    """By ref of what drifts: what stands around it."""
    owners = _owners(context, observed)
    alerts = _alerts(context, observed)
    found: dict[EntityRef, Around] = {}
    for one in observed:
        causes = caused.get(one.ref)
        said, labels = _said(context, causes)
        since = min((event.at for event, _ in causes.changes), default=None) if causes is not None else None
        told = [(at, alert) for at, alert in alerts.get(one.ref, ()) if since is None or at >= since]
        sentences: list[str] = []
        cited: list[str] = []
        for at, alert in sorted(told, key=lambda pair: (-pair[0], pair[1].ref))[:_ALERTS]:
            name = inline(text_of(alert.properties, "name") or text_of(alert.properties, "summary") or "an alert", 80)
            state = inline(text_of(alert.properties, "state"), 20)
            cited.append(context.citations.cite(alert.statements[0].provenance))
            sentences.append(f"{name} since {rfc3339(at)[:16].replace('T', ' ')} UTC{f', {state}' if state else ''}")
            labels += [s.label for s in alert.statements]
        found[one.ref] = Around(said, tuple(sentences), owners.get(one.ref, ()), tuple(cited), tuple(labels))
    return found


# -- words


def _said(context: Context, caused: Caused | None) -> tuple[tuple[Said, ...], list[str]]:
    """What whoever did it said around that time, and what was said of the call itself."""
    if caused is None:
        return (), []
    told: dict[str, Said] = {}
    refs: list[EntityRef] = []
    for event, change in caused.changes[:2]:
        for reason in change.why[:_MESSAGES]:
            told.setdefault(
                reason.text, Said(text=inline(reason.text, _QUOTED), by="", at=change.at, citation=reason.citation)
            )
        for message in said_nearby(context, event, change, _MESSAGES)[:_MESSAGES]:
            refs.append(message.ref)
            told.setdefault(
                message.text,
                Said(
                    text=inline(message.text, _QUOTED),
                    by=inline(message.name, 60),
                    at=rfc3339(message.at),
                    citation=context.citations.cite(message.said),
                ),
            )
    labels = [s.label for e in context.store.entities(sorted(set(refs)), context.view) for s in e.statements]
    return tuple(told.values())[:_MESSAGES], labels


# -- alerts


def _alerts(context: Context, observed: Sequence[Observed]) -> dict[EntityRef, list[tuple[Instant, EntityView]]]:
    refs = sorted({r for one in observed for r in (one.ref, *one.cloud_refs)})
    services = _services(context, refs)
    about = sorted({*refs, *(s for found in services.values() for s in found)})
    if not about:
        return {}
    edges = whole(
        context,
        context.store.neighbours(about, context.view, Limits(rows=_ROWS), types=("ABOUT",), direction="in"),
        "alerts on what drifted",
    )
    alerts = {
        r: e
        for e in context.store.entities(sorted({e.src for e in edges if e.src.kind == "Alert"}), context.view)
        for r in e.refs
    }
    of: dict[EntityRef, dict[EntityRef, EntityView]] = {}
    for edge in edges:
        if edge.src in alerts:
            of.setdefault(edge.dst, {})[edge.src] = alerts[edge.src]
    found: dict[EntityRef, list[tuple[Instant, EntityView]]] = {}
    for one in observed:
        near = {one.ref, *one.cloud_refs, *(s for r in (one.ref, *one.cloud_refs) for s in services.get(r, ()))}
        mine = {ref: alert for end in near for ref, alert in of.get(end, {}).items()}
        here = [
            a
            for a in mine.values()
            if not one.environment or text_of(a.properties, "environment") in ("", one.environment)
        ]
        found[one.ref] = [(_started(a), a) for a in here]
    return found


def _started(alert: EntityView) -> Instant:
    try:
        return instant(text_of(alert.properties, "started_at"))
    except ValueError:
        return min(s.valid_from for s in alert.statements)


# -- who answers for it


def _owners(context: Context, observed: Sequence[Observed]) -> dict[EntityRef, tuple[str, ...]]:
    """Owners of the thing itself, else of the service that runs on it, else of its code."""
    refs = sorted({r for one in observed for r in (one.ref, *one.cloud_refs)})
    services = _services(context, refs)
    every = sorted({*refs, *(s for found in services.values() for s in found)})
    edges = (
        whole(
            context,
            context.store.neighbours(every, context.view, Limits(rows=_ROWS), types=("OWNED_BY",), direction="out"),
            "owners of what drifted",
        )
        if every
        else ()
    )
    names = {r: _name(e) for e in context.store.entities(sorted({e.dst for e in edges}), context.view) for r in e.refs}
    of: dict[EntityRef, list[str]] = {}
    for edge in edges:
        if edge.dst in names:
            of.setdefault(edge.src, []).append(names[edge.dst])
    lines = whole(
        context, context.store.select("OwnershipRule", {}, context.view, Limits(rows=10_000)), "rules of who owns code"
    )
    lines = sorted(lines, key=_line, reverse=True)
    found: dict[EntityRef, tuple[str, ...]] = {}
    for one in observed:
        own = (one.ref, *one.cloud_refs)
        direct = [n for r in own for n in of.get(r, ())]
        by_service = [n for r in own for s in services.get(r, ()) for n in of.get(s, ())]
        by_code = _code_owners(one, lines) if one.directory else ()
        found[one.ref] = tuple(sorted(set(direct))) or tuple(sorted(set(by_service))) or by_code
    return found


def _services(context: Context, refs: Sequence[EntityRef]) -> dict[EntityRef, tuple[EntityRef, ...]]:
    if not refs:
        return {}
    edges = whole(
        context,
        context.store.neighbours(refs, context.view, Limits(rows=_ROWS), types=("RUNS_ON",), direction="in"),
        "services on what drifted",
    )
    found: dict[EntityRef, dict[EntityRef, None]] = {}
    for edge in edges:
        found.setdefault(edge.dst, {})[edge.src] = None
    return {ref: tuple(services) for ref, services in found.items()}


def _code_owners(one: Observed, lines: Sequence[EntityView]) -> tuple[str, ...]:
    for line in lines:
        if text_of(line.properties, "repository") not in ("", one.repository):
            continue
        if matches_path(text_of(line.properties, "pattern"), one.directory):
            owners = line.properties.get("owners")
            if isinstance(owners, Sequence) and not isinstance(owners, str):
                return tuple(inline(str(o), 80) for o in owners)
            return ()
    return ()


def _line(rule: EntityView) -> int:
    line = rule.properties.get("line")
    return line if isinstance(line, int) else int(line) if isinstance(line, str) and line.isdigit() else 0


def _name(owner: EntityView) -> str:
    told = owner.properties
    return inline(text_of(told, "name") or text_of(told, "login") or " ".join(name_tokens(owner.ref.id)), 60)
