"""What post-mortems teach: an incident whose document states its cause counts as confirmed by who wrote it. Read when recalled, never stored."""

from __future__ import annotations

from collections.abc import Sequence

from agent.cached import PerView
from agent.evidence import text_of
from agent.memory_facts import SOURCE, Known, Learning, Named, learning_id
from agent.memory_shape import Things, changes_of, names_of, shape_of, targets_of
from agent.shipments import moment
from agent.signals import signals
from agent.symptom_words import read_classes
from graph.clock import SECOND, Instant, rfc3339
from graph.model import EntityRef
from graph.store import ChangeView, EntityView, GraphStore, Limits, RelationView, Statement, View

AUTHORS = "the authors of the post-mortem"
_ROWS = Limits(rows=20_000, deadline_s=15.0)
_AROUND: Instant = 3_600 * SECOND
_TYPES = ("CAUSED_BY", "FIXED_BY", "ABOUT", "MENTIONS")


def from_postmortem(store: GraphStore, view: View, incident: EntityRef) -> Known | None:
    """What the post-mortem of this incident teaches, as known in the view; None when none states its cause."""
    joined = store.entity(incident, view)
    refs = set(joined.refs) if joined is not None else {incident}
    return next((k for k in postmortems(store, view) if k.ref in refs), None)


def _read(store: GraphStore, view: View) -> tuple[Known, ...]:
    incidents = store.select("Incident", {}, view, _ROWS).items
    by_ref = {r: e for e in incidents for r in (e.ref, *e.refs)}
    refs = sorted(by_ref)
    edges = store.neighbours(refs, view, _ROWS, types=_TYPES, direction="out").items if refs else ()
    told: dict[EntityRef, list[RelationView]] = {}
    for edge in edges:
        if edge.src in by_ref and _stated(edge):
            told.setdefault(by_ref[edge.src].ref, []).append(edge)
    caused = {r: some for r, some in sorted(told.items()) if any(e.type == "CAUSED_BY" for e in some)}
    if not caused:
        return ()
    alerts = _alerts(store, view, [r for i in caused for r in by_ref[i].refs], by_ref)
    causes = {i: tuple(dict.fromkeys(e.dst for e in some if e.type == "CAUSED_BY")) for i, some in caused.items()}
    names = names_of(store, view, [r for some in causes.values() for r in some])
    touched = changes_of(store, view, [r for known in names.values() for r in known])
    things = Things(store, view)
    things.read(v.target for views in touched.values() for v in views)
    things.read(r for known in names.values() for r in known)
    things.read(e.dst for some in caused.values() for e in some)
    return tuple(
        _known(by_ref[i], some, causes[i], names, touched, things, alerts.get(i, ())) for i, some in caused.items()
    )


postmortems = PerView(_read)
"""What all post-mortems visible in a view teach, by incident; kept while nothing new is recorded."""


def _known(
    incident: EntityView,
    told: Sequence[RelationView],
    causes: tuple[EntityRef, ...],
    names: dict[EntityRef, tuple[EntityRef, ...]],
    touched: dict[EntityRef, list[ChangeView]],
    things: Things,
    alerts: Sequence[EntityView],
) -> Known:
    said = incident.properties
    every = tuple(dict.fromkeys(n for c in causes for n in names.get(c, (c,))))
    views = [v for n in every for v in touched.get(n, ())]
    target = None if views else causes[0]
    targets = targets_of(views, target)
    about = [e.dst for e in told if e.type == "ABOUT"]
    pages = [e for t in told if t.type == "MENTIONS" and t.dst.kind == "Incident" and (e := things.by_ref.get(t.dst))]
    services = {text_of(said, "service"), *(_name(things, r) for r in about if r.kind == "Service")} - {""}
    symptom = ". ".join(dict.fromkeys(t for e in (incident, *pages, *alerts) if (t := _title(e))))
    stated = [s for e in told if e.type == "CAUSED_BY" for s in _statements(e)]
    since = max(s.valid_from for s in stated)  # all of it is known from then on
    by_hand = causes[0].kind == "AuditEvent"
    anchors = dict.fromkeys([incident.ref, *about, *(e.ref for e in (*pages, *alerts))])
    learned = Learning(
        learning_id=learning_id("postmortem", str(incident.ref)),
        state="confirmed",
        rule="postmortem",
        symptom=symptom[:4_000],
        classes=tuple(c.name for c in read_classes(symptom)),
        environment=text_of(said, "environment"),
        at=text_of(said, "started_at") or rfc3339(min(s.valid_from for s in incident.statements)),
        until=text_of(said, "resolved_at"),
        services=tuple(sorted(s.casefold() for s in services)),
        anchors=tuple(Named(ref=str(r), label=_name(things, r)) for r in anchors),
        causes=tuple(Named(ref=str(r), label=_name(things, r)) for r in every),
        targets=tuple(Named(ref=str(r), label=_name(things, r)) for r in targets),
        kind="manual" if by_hand else "change",
        cause=text_of(said, "cause") or _name(things, causes[0]),
        fix=text_of(said, "fix"),
        shape=shape_of(things, _main(every) if views else None, views, targets),
        incident=str(incident.ref),
        confirmed_by=AUTHORS,
        confirmed_at=rfc3339(since),
    )
    provenance = tuple(dict.fromkeys(s.provenance for s in stated))
    return Known(ref=incident.ref, learning=learned, said=provenance)


def _main(names: Sequence[EntityRef]) -> EntityRef:
    """The change as suspects are told by: the commit, where there is one."""
    return next((n for n in names if n.kind == "Commit"), names[0])


def _alerts(
    store: GraphStore, view: View, incidents: Sequence[EntityRef], by_ref: dict[EntityRef, EntityView]
) -> dict[EntityRef, list[EntityView]]:
    """The alerts of each incident: those that belong to it, and those of its service that fired when it began."""
    edges = store.neighbours(incidents, view, _ROWS, types=("PART_OF",), direction="in").items
    entities = {r: e for e in store.entities(sorted({e.src for e in edges}), view) for r in (e.ref, *e.refs)}
    found: dict[EntityRef, list[EntityView]] = {}
    for edge in edges:
        if edge.dst in by_ref and edge.src.kind == "Alert" and edge.src in entities:
            found.setdefault(by_ref[edge.dst].ref, []).append(entities[edge.src])
    near: dict[EntityRef, list[EntityRef]] = {}
    known = signals(store, view)
    for incident in sorted({by_ref[i].ref for i in incidents}):
        said = by_ref[incident].properties
        began, service = moment(text_of(said, "started_at")), text_of(said, "service").casefold()
        fired = known.between(began - _AROUND, began + _AROUND) if began is not None and service else ()
        near[incident] = [
            s.ref for s in fired if s.service.casefold() == service and s.ref not in by_ref[incident].refs
        ]
    others = {e.ref: e for e in store.entities(sorted({r for some in near.values() for r in some}), view)}
    for incident, some in near.items():
        mine = found.setdefault(incident, [])
        mine += [others[r] for r in some if r in others and others[r] not in mine]
    return found


def _statements(edge: RelationView) -> list[Statement]:
    """Without what the investigator states itself."""
    return [s for s in edge.statements if s.provenance.source != SOURCE]


def _stated(edge: RelationView) -> bool:
    return bool(_statements(edge))


def _title(entity: EntityView) -> str:
    return (
        text_of(entity.properties, "title")
        or text_of(entity.properties, "summary")
        or text_of(entity.properties, "name")
    )


def _name(things: Things, ref: EntityRef) -> str:
    entity = things.by_ref.get(ref)
    return (_title(entity) or text_of(entity.properties, "address")) if entity is not None else ""
