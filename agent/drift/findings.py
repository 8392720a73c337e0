"""Drifts kept as findings in the graph: what was seen first when, what is gone, what held at a moment.

Each scope of a scan (a root module, an environment's inventory) is a complete snapshot: what it no longer tells has ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from agent.drift.model import Cause, Drift, DriftReport, Said
from agent.drift.scan import cited_by, in_order, merged_ignored, title_of
from agent.evidence import Citations, text_of
from agent.memory_facts import joined_label
from agent.model import Citation
from graph.clock import Instant, instant
from graph.model import Assertion, Entity, EntityRef, Fact, FactBatch, Properties, Relation, Snapshot, Value, ref
from graph.store import EntityView, GraphStore, Limits, View

SOURCE = "drift"
_EXTRACTOR = "drift/1"
_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Known:
    """A finding that holds: its drift, what it cites, and which scan keeps it."""

    drift: Drift
    citations: tuple[Citation, ...]
    scope: str
    valid_from: Instant
    properties: Properties


def known(store: GraphStore, view: View) -> dict[str, Known]:
    """The drifts that hold in a view, by id. What cannot be read (an older layout) is left out: the next scan writes it anew."""
    return _known(store, view)[0]


def _known(store: GraphStore, view: View) -> tuple[dict[str, Known], bool]:
    """The same, and whether there are more than were read."""
    found: dict[str, Known] = {}
    page = store.select("Finding", {"type": ["drift"]}, view, Limits(rows=_MOST, deadline_s=30.0))
    for entity in page.items:
        statement = next((s for s in entity.statements if s.provenance.source == SOURCE), None)
        if statement is None:
            continue
        try:
            drift = msgspec.json.decode(text_of(statement.properties, "result"), type=Drift)
            cited = msgspec.json.decode(text_of(statement.properties, "citations") or "[]", type=tuple[Citation, ...])
        except msgspec.DecodeError:
            continue
        found[drift.id] = Known(drift, cited, statement.provenance.scope, statement.valid_from, statement.properties)
    return found, page.cut


def finding_batches(
    report: DriftReport,
    scopes: Sequence[str],
    scope_of: Mapping[str, str],
    labels: Mapping[str, Sequence[str]],
    before: Mapping[str, Known],
    at: Instant,
) -> list[FactBatch]:
    """One complete snapshot for each scope that was looked at, also for one where nothing was found.

    Args:
        scope_of: id of a drift -> its scope.
        labels: id of a drift -> the labels of what it cites.
        before: the findings that held until now: what is as it was keeps its version.
    """
    citations = {c.id: c for c in report.citations}
    batches: list[FactBatch] = []
    for scope in sorted(set(scopes)):
        assertions: list[Assertion] = []
        mine = [d for d in report.drifts if scope_of.get(d.id) == scope]
        for drift in mine:
            label = joined_label(labels.get(drift.id, ()))
            for fact in _facts(drift, [citations[i] for i in cited_by(drift) if i in citations]):
                since = at
                was = before.get(drift.id)
                if (
                    was is not None
                    and was.scope == scope
                    and isinstance(fact, Entity)
                    and dict(was.properties) == fact.properties
                ):
                    since = was.valid_from
                elif was is not None and was.scope == scope and isinstance(fact, Relation):
                    since = instant(drift.first_seen_at) if instant(drift.first_seen_at) <= at else at
                assertions.append(Assertion(fact, since, at, drift.id, label=label))
        told = msgspec.structs.replace(report, drifts=(), citations=(), coverage=())
        summary: dict[str, Value] = {
            "finding_id": scope,
            "type": "drift_scan",
            "state": "open",
            "title": f"{len(mine)} drifts in {scope}",
            "result": told.to_json(),
        }
        assertions.append(Assertion(Entity(ref("Finding", SOURCE, "scan", scope), summary), at, at, scope))
        digest = blake2b(repr((scope, at, assertions)).encode("utf-8", "surrogatepass"), digest_size=15).hexdigest()
        batches.append(
            FactBatch(
                f"{SOURCE}-{digest}",
                SOURCE,
                scope,
                _EXTRACTOR,
                assertions,
                snapshot=Snapshot(at, at),
                fresh_until=at,
            )
        )
    return batches


def stored_report(store: GraphStore, view: View, environment: str = "") -> DriftReport:
    """What the scans found that holds in a view; `scanned_at` is empty when nobody ever looked."""
    citations = Citations()
    held, cut = _known(store, view)
    drifts = [
        recited(one.drift, one.citations, citations)
        for one in held.values()
        if not environment or one.drift.environment == environment
    ]
    scans = _scans(store, view)
    return DriftReport(
        scanned_at=max((s.scanned_at for s in scans), default=""),
        drifts=in_order(drifts),
        ignored=merged_ignored([s.ignored for s in scans[:1]]),
        notes=tuple(dict.fromkeys(n for s in scans for n in s.notes)),
        truncated=cut or any(s.truncated for s in scans),
        citations=citations.all(),
    )


def with_held(report: DriftReport, held: Sequence[Known]) -> DriftReport:
    """The report with findings that this scan did not look at anew."""
    citations = Citations()
    for one in report.citations:
        citations.add(one.source, one.locator, one.url, instant(one.observed_at))
    more = [recited(one.drift, one.citations, citations) for one in held]
    return msgspec.structs.replace(report, drifts=in_order([*report.drifts, *more]), citations=citations.all())


def _scans(store: GraphStore, view: View) -> list[DriftReport]:
    found: list[DriftReport] = []
    for entity in store.select("Finding", {"type": ["drift_scan"]}, view, Limits(rows=_MOST)).items:
        try:
            found.append(msgspec.json.decode(text_of(entity.properties, "result"), type=DriftReport))
        except msgspec.DecodeError:
            continue
    return sorted(found, key=lambda s: s.scanned_at, reverse=True)


def recited(drift: Drift, old: Sequence[Citation], citations: Citations) -> Drift:
    """The drift with its citations under the numbers that they have in this report."""
    new = {c.id: citations.add(c.source, c.locator, c.url, instant(c.observed_at)) for c in old}

    def ids(told: Sequence[str]) -> tuple[str, ...]:
        return tuple(new[i] for i in told if i in new)

    def cause(one: Cause) -> Cause:
        return msgspec.structs.replace(one, citations=ids(one.citations))

    def said(one: Said) -> Said:
        return msgspec.structs.replace(one, citation=new.get(one.citation, ""))

    return msgspec.structs.replace(
        drift,
        causes=tuple(map(cause, drift.causes)),
        said=tuple(map(said, drift.said)),
        citations=ids(drift.citations),
    )


def _facts(drift: Drift, cited: Sequence[Citation]) -> list[Fact]:
    finding = ref("Finding", SOURCE, drift.id)
    own = Citations()  # numbered for itself, so that what another drift cites does not make this one look changed
    alone = recited(drift, cited, own)
    properties: dict[str, Value] = {
        "finding_id": drift.id,
        "type": "drift",
        "kind": drift.kind,
        "state": "open",
        "severity": drift.severity,
        "environment": drift.environment,
        "title": title_of(drift),
        "first_seen_at": drift.first_seen_at,
        "result": msgspec.json.encode(alone).decode(),
        "citations": msgspec.json.encode(own.all()).decode(),
    }
    properties = {name: value for name, value in properties.items() if value != ""}
    return [Entity(finding, properties), Relation("ABOUT", finding, EntityRef(drift.ref), {"rule": "drift"})]


def entity_of(store: GraphStore, view: View, drift: Drift) -> EntityView | None:
    """What the graph knows of the thing that drifts."""
    return store.entity(EntityRef(drift.ref), view)
