"""From what differs to a report: noise taken away, the rest attributed, weighed, put in order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import msgspec

from agent.attribute_kinds import shown_path
from agent.context import Context
from agent.drift.attribution import Caused, attribute_causes
from agent.drift.inventory import refs_of
from agent.drift.model import SEVERITIES, Drift, DriftKind, DriftReport, Ignored
from agent.drift.noise import without_noise
from agent.drift.observed import Observed, Rule
from agent.drift.reads import was_cut, whole
from agent.drift.severity import weigh
from agent.drift.sides import INVENTORIES, STATES
from agent.drift.surroundings import Around, around
from agent.evidence import inline, text_of
from agent.investigation import Coverage
from agent.model import Question
from graph.clock import DAY, Instant, rfc3339
from graph.model import EntityRef
from graph.store import GraphStore, Limits, View

MOST = 1_000
"""So many drifts are listed in a report."""
_ROWS = 20_000
_STALE: Instant = 2 * DAY
_REMEDIES: Mapping[DriftKind, tuple[str, ...]] = {
    "changed": ("adopt", "revert"),
    "missing": ("revert", "adopt"),
    "unmanaged": ("import", "delete"),
}


@dataclass(frozen=True, slots=True)
class Scanned:
    """What was found, and by id of a drift: the scan that found it, and the labels of what it cites."""

    report: DriftReport
    scopes: Mapping[str, str]
    labels: Mapping[str, tuple[str, ...]]


def scan(
    store: GraphStore,
    view: View,
    observed: Sequence[Observed],
    *,
    now: Instant,
    first_seen: Mapping[str, str],
    rules: Sequence[Rule] = (),
    notes: Sequence[str] = (),
    cut: bool = False,
) -> Scanned:
    """Weigh and attribute what differs.

    Args:
        now: when it was looked.
        first_seen: id of a drift that is known -> when it was first seen, RFC 3339.
        rules: what the user says is no drift.
        notes: what a reader must know of how it was looked.
        cut: whether what was compared was not all that there is.
    """
    left, ignored = without_noise(observed, rules)
    question = Question(kind="by_hand", text="")
    context = Context(store=store, question=question, view=view, now=now, as_of=view.as_of, known_at=view.known_at)
    left = _placed(context, left)
    caused = attribute_causes(context, left)
    about = around(context, left, caused)
    labels = _labels(store, view, left)
    found: dict[str, Drift] = {}
    scopes: dict[str, str] = {}
    needed: dict[str, tuple[str, ...]] = {}
    for one in left:
        drift = _drift(one, caused.get(one.ref), about.get(one.ref, Around()), first_seen, now)
        found[drift.id] = drift
        scopes[drift.id] = one.scope
        cause = caused.get(one.ref)
        beside = about.get(one.ref, Around()).labels
        needed[drift.id] = tuple(sorted({*labels.get(one.ref, ()), *(cause.labels if cause else ()), *beside}))
    drifts = in_order(found.values())
    report = DriftReport(
        scanned_at=rfc3339(now),
        drifts=drifts,
        ignored=tuple(ignored),
        coverage=_coverage(store, now),
        notes=tuple(dict.fromkeys((*notes, *context.missing))),
        truncated=cut or was_cut(context.missing),
        citations=context.citations.all(),
    )
    return Scanned(report, scopes, needed)


def capped(report: DriftReport, most: int = MOST) -> DriftReport:
    """The report with its worst drifts, and how many more there are; what is left out is known under its id all the same."""
    left_out = report.drifts[most:]
    if not left_out:
        return report
    counts = ", ".join(
        f"{n} {severity}" for severity in SEVERITIES if (n := sum(d.severity == severity for d in left_out))
    )
    shown = report.drifts[:most]
    used = {c for d in shown for c in cited_by(d)}
    return msgspec.structs.replace(
        report,
        drifts=shown,
        truncated=True,
        citations=tuple(c for c in report.citations if c.id in used),
        notes=(
            *report.notes,
            f"{len(left_out)} more drifts ({counts}) are known and not listed: look at one environment at a time",
        ),
    )


def cited_by(drift: Drift) -> tuple[str, ...]:
    """Every citation that a drift uses."""
    told = (*drift.citations, *(c for one in drift.causes for c in one.citations), *(s.citation for s in drift.said))
    return tuple(dict.fromkeys(c for c in told if c))


def in_order(drifts: Iterable[Drift]) -> tuple[Drift, ...]:
    """Worst first, then by environment and address."""
    return tuple(sorted(drifts, key=lambda d: (SEVERITIES.index(d.severity), d.environment, d.address, d.id)))


def merged_ignored(parts: Sequence[Sequence[Ignored]]) -> tuple[Ignored, ...]:
    """The counts of several scans as one."""
    counts: dict[tuple[str, str], int] = {}
    for part in parts:
        for one in part:
            counts[one.rule, one.reason] = counts.get((one.rule, one.reason), 0) + one.count
    return tuple(Ignored(rule=rule, reason=reason, count=count) for (rule, reason), count in sorted(counts.items()))


def title_of(drift: Drift) -> str:
    """A drift in one line."""
    name = inline(drift.address, 160)
    if drift.kind == "missing":
        return f"{name} is gone"
    if drift.kind == "unmanaged":
        return f"{name} is in no code"
    paths = [shown_path(a.path) for a in drift.attributes]
    more = f" and {len(paths) - 2} more" if len(paths) > 2 else ""
    return f"{name}: {', '.join(paths[:2])}{more} changed"


def _drift(one: Observed, caused: Caused | None, about: Around, first_seen: Mapping[str, str], now: Instant) -> Drift:
    id_ = _id(one)
    weighed = weigh(one)
    return Drift(
        id=id_,
        kind=one.kind,
        ref=str(one.ref),
        address=one.address,
        type=one.type,
        environment=one.environment,
        repository=one.repository,
        directory=one.directory,
        cloud_id=one.cloud_id,
        basis=one.basis,
        severity=weighed.severity,
        attributes=one.attributes,
        risks=weighed.risks,
        causes=caused.causes if caused is not None else (),
        said=about.said,
        alerts=about.alerts,
        owners=about.owners,
        remedies=_REMEDIES[one.kind],
        first_seen_at=first_seen.get(id_, rfc3339(now)),
        citations=about.citations,
    )


def _id(one: Observed) -> str:
    """The same for the same drift in every scan."""
    told = [(a.path, a.actual.state, a.actual.value) for a in sorted(one.attributes, key=lambda a: a.path)]
    text = json.dumps([str(one.ref), one.kind, told], sort_keys=True, ensure_ascii=False, default=str)
    return "drift_" + blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _placed(context: Context, observed: Sequence[Observed]) -> tuple[Observed, ...]:
    """With the directory of the root module whose code makes each, where the graph knows it, and all refs that are joined."""
    refs = refs_of(observed)
    if not refs:
        return tuple(observed)
    joined = {r: t for t in context.store.entities(refs, context.view) for r in t.refs}
    page = context.store.neighbours(
        refs, context.view, Limits(rows=_ROWS), types=("DECLARES", "CONFIGURES"), direction="in"
    )
    edges = whole(context, page, "blocks of code that make what drifted: directories may be missing")
    blocks = {e.ref: e for e in context.store.entities(sorted({e.src for e in edges}), context.view)}
    root: dict[EntityRef, tuple[str, str]] = {}
    for edge in sorted(edges, key=lambda e: (e.type != "CONFIGURES", e.src)):
        block = blocks.get(edge.src)
        if block is not None:
            place = (text_of(block.properties, "repository"), text_of(block.properties, "directory"))
            root.setdefault(edge.dst, place)
    placed: list[Observed] = []
    for one in observed:
        mine = tuple(
            sorted(
                {
                    one.ref,
                    *one.cloud_refs,
                    *(r for o in (one.ref, *one.cloud_refs) if o in joined for r in joined[o].refs),
                }
            )
        )
        repository, directory = next((root[r] for r in (one.ref, *mine) if r in root), ("", ""))
        placed.append(
            replace(
                one,
                cloud_refs=mine,
                repository=one.repository or repository,
                directory=one.directory if one.repository else directory,
            )
        )
    return tuple(placed)


def _labels(store: GraphStore, view: View, observed: Sequence[Observed]) -> dict[EntityRef, tuple[str, ...]]:
    """By ref: the labels of what states and inventories say of it."""
    things = {r: t for t in store.entities(refs_of(observed), view) for r in t.refs}
    told = STATES | INVENTORIES
    return {
        one.ref: tuple(
            sorted({s.label for r in (one.ref, *one.cloud_refs) if r in things for s in things[r].statements if s.provenance.source in told})
        )
        for one in observed
    }  # fmt: skip


def _coverage(store: GraphStore, now: Instant) -> tuple[Coverage, ...]:
    told = STATES | INVENTORIES | {"cloudtrail"}
    return tuple(
        Coverage(
            source=f"{s.source}:{s.scope}",
            fresh_until=rfc3339(s.fresh_until),
            status="ok" if now - s.fresh_until <= _STALE else "stale",
        )
        for s in store.scopes()
        if s.source in told and s.fresh_until is not None
    )
