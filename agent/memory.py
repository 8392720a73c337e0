"""Memory of investigations: kept with all they were run with, learned from when a person confirms a cause, and taken back.

Everything here reads the graph and makes batches; whoever called applies them. Nothing is learned by itself: a ranking is no cause, and
even a recovery after a revert only proposes one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from agent.evidence import text_of
from agent.investigation import Cause, Investigation
from agent.kept import Difference, NotRemembered, Stored, investigation_facts, refs_of, replay_inputs, same_tree, stored
from agent.memory_facts import (
    LEARNINGS,
    SOURCE,
    CauseRefs,
    Known,
    Learning,
    Named,
    batch,
    from_properties,
    investigation_ref,
    joined_label,
    learning_id,
    learning_locator,
    learning_ref,
    storable,
    to_properties,
)
from agent.memory_shape import Things, changes_of, names_of, shape_of, targets_of, way_between
from agent.postmortems import from_postmortem
from agent.recovery import recovery_of
from graph.clock import Instant, instant, rfc3339
from graph.lexicon import thing
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, FactBatch, Passage, Relation, Withdrawal
from graph.store import EntityView, GraphStore, Limits, View

__all__ = [
    "Difference",
    "NotRemembered",
    "Stored",
    "confirm",
    "from_postmortem",
    "investigation_facts",
    "known_learning",
    "propose_from_recovery",
    "replay_inputs",
    "retract",
    "same_tree",
    "stored",
]

_ROWS = Limits(rows=5_000, deadline_s=10.0)
_KIND_OF = {"AuditEvent": "manual", "Credential": "expiry", "Quota": "quota"}
_SIGNALS = frozenset({"Alert", "Incident"})


# -- what a person confirms


def confirm(
    store: GraphStore,
    view: View,
    investigation_id: str,
    cause: int | EntityRef,
    *,
    by: str,
    at: Instant,
    account: EntityRef | None = None,
    fix: str = "",
) -> FactBatch:
    """What is learned when a person says that this was the cause.

    Args:
        view: what whoever confirms may see; the investigation must be part of it.
        cause: its rank in the investigation, or the ref of anything in the graph.
        by: who confirms; `account`: the same in the graph, where known.
        at: when it is confirmed; it is known from then on.
        fix: what ended it, in words; else a revert of the cause, or what the investigation advised, marked as such.

    Raises:
        NotRemembered: there is no such investigation or cause.
    """
    kept = stored(store, view, investigation_id)
    if not by.strip():
        raise NotRemembered("nobody confirms it", "say who does: only a cause that a person confirmed is learned from")
    learned, subjects, reverts, label = _learning(store, view, kept, cause, at)
    learned = msgspec.structs.replace(
        learned,
        state="confirmed",
        rule="confirmed",
        confirmed_by=by.strip(),
        confirmed_at=rfc3339(at),
        fix=fix.strip() or learned.fix,
    )
    facts = _facts(learned, kept.ref)
    told = {"rule": "confirmed", "by": storable(by.strip()), "text": learned.cause}
    facts += [Relation("CAUSED_BY", s, EntityRef(c.ref), told) for s in subjects for c in learned.causes[:1]]
    facts += [
        Relation("FIXED_BY", s, r, {"rule": "revert", "text": storable(learned.fix)}) for s in subjects for r in reverts
    ]
    if account is not None:
        facts.append(Relation("CONFIRMED_BY", learning_ref(learned.learning_id), account, {}))
    return _learned_batch(learned, facts, at, label, _later_proposals(store, view, learned, at))


def propose_from_recovery(store: GraphStore, view: View, investigation: Investigation) -> FactBatch | None:
    """A learning that waits for somebody's word: a cause of the investigation was reverted, and its alert recovered after that.

    None when nothing of the sort happened, or when that cause is confirmed or was taken back already. It never counts before it is confirmed.
    """
    try:
        kept = stored(store, view, investigation.id)
    except NotRemembered:
        return None
    for cause in kept.result.causes:
        refs = _listed(kept, cause.rank)
        if refs is None or not refs.change:
            continue
        found = recovery_of(store, view, kept.result, refs)
        if found is None:
            continue
        learned, _, _, label = _learning(store, view, kept, cause.rank, found.recovered_at)
        if store.entity(learning_ref(learned.learning_id), View(None, view.known_at, view.audience)) is not None:
            return None
        learned = msgspec.structs.replace(
            learned, state="proposed", rule="recovery", fix=found.words, until=rfc3339(found.recovered_at)
        )
        return _learned_batch(
            learned, _facts(learned, kept.ref), found.recovered_at, joined_label([label, *found.labels])
        )
    return None


def retract(
    store: GraphStore, view: View, learning: EntityRef | str, *, by: str, reason: str, at: Instant
) -> FactBatch:
    """Take back a learning and all that came from it. It stays, marked as retracted; an earlier `known_at` still sees it as it was.

    Args:
        learning: its id (`lrn_…`) or ref, or the ref of an incident whose post-mortem is not to be learned from.

    Raises:
        NotRemembered: there is no such learning, or it is retracted already.
    """
    this = EntityRef(learning) if ":" in learning else learning_ref(learning)
    now = View(None, view.known_at, view.audience)
    if this.kind == "Incident":
        return _retract_postmortem(store, now, this, by, reason, at)
    versions = [s for s in store.history(this, now, _ROWS).items if s.provenance.source == SOURCE]
    known = [(s, one) for s in versions if (one := from_properties(s.properties)) is not None]
    if not known:
        raise NotRemembered(
            f"no learning {str(learning)[:80]!r} is known", "give its id (lrn_…), as the report cites it"
        )
    if all(one.state == "retracted" for _, one in known):
        raise NotRemembered("it was retracted already", "nothing is left to take back")
    used_by = _used_by(store, now, this)
    assertions: list[Assertion] = []
    for statement, one in known:
        gone = msgspec.structs.replace(
            one, state="retracted", retracted_by=by.strip(), retracted_at=rfc3339(at), reason=reason, used_by=used_by
        )
        seen = max(at, statement.provenance.observed_at + 1)
        fact = Entity(this, to_properties(gone))
        assertions.append(
            Assertion(fact, statement.valid_from, seen, statement.provenance.locator, label=statement.label)
        )
    return batch(LEARNINGS, assertions, _derived(store, now, this, known[0][1]))


def known_learning(entity: EntityView) -> Known | None:
    """The learning that an entity is; None when it is none."""
    one = from_properties(entity.properties)
    return Known(ref=entity.ref, learning=one, said=(entity.statements[0].provenance,)) if one is not None else None


# -- parts


def _listed(kept: Stored, cause: int | EntityRef) -> CauseRefs | None:
    """The cause of the investigation that is meant."""
    given = {c.rank: c for c in kept.inputs.causes}
    refs = [given.get(c.rank) or refs_of(c) for c in kept.result.causes]
    if isinstance(cause, int):
        return next((r for r in refs if r.rank == cause), None)
    for r in refs:
        if cause in (r.key, r.change, *r.also):
            return r
    return next((r for r in refs if cause == r.target and not r.change), None)


def _learning(
    store: GraphStore, view: View, kept: Stored, cause: int | EntityRef, at: Instant
) -> tuple[Learning, tuple[EntityRef, ...], tuple[EntityRef, ...], str]:
    """The learning without who vouches for it, the subjects it explains, what reverted it, and the label that it needs."""
    result = kept.result
    now = View(None, view.known_at, view.audience)
    then = View(instant(result.as_of or result.detected_at), view.known_at, view.audience)
    listed = _listed(kept, cause)
    if listed is None and isinstance(cause, int):
        raise NotRemembered(
            f"the investigation lists no cause of rank {cause}",
            f"give a rank from 1 to {len(result.causes)}, or the ref of what caused it"
            if result.causes
            else "give the ref of what caused it",
        )
    said = next((c for c in result.causes if listed is not None and c.rank == listed.rank), None)
    main = EntityRef((listed.change or listed.target or listed.key) if listed is not None else str(cause))
    if store.entity(main, now) is None:
        raise NotRemembered(
            f"{str(main)[:120]!r} is not known", "give the ref of something in the graph that you may see"
        )
    target = EntityRef(listed.target) if listed is not None and listed.target else None
    asked = [main, *(EntityRef(r) for r in (listed.also if listed is not None else ()))]
    names = tuple(dict.fromkeys(r for known in names_of(store, now, asked).values() for r in known))
    names = (main, *(r for r in names if r != main))
    touched = changes_of(store, now, names)
    views = [v for name in names for v in touched.get(name, ())]
    if target is None and not views:
        target = main  # a condition: what expired is what it was about
    targets = targets_of(views, target)
    anchors = tuple(EntityRef(a.ref) for a in result.anchors if ":" in a.ref)
    things = Things(store, then)
    things.read([*targets, *anchors])
    way, direction = way_between(store, then, anchors, targets)
    entities = {r: e for e in store.entities([*names, *targets, *anchors], now) for r in (e.ref, *e.refs)}
    signals = [a for a in anchors if a.kind in _SIGNALS]
    incidents = _incidents(store, now, signals)
    reverts = _reverts(store, now, names)
    kind = said.kind if said is not None else _KIND_OF.get(main.kind, "change")
    subject = kept.result.id
    learned = Learning(
        learning_id=learning_id(subject, str(main)),
        state="proposed",
        rule="recovery",
        investigation=subject,
        symptom=storable(result.symptom[:4_000]),
        classes=tuple(s.name for s in result.symptoms),
        environment=result.environment,
        at=result.detected_at,
        until=_until(entities, [*signals, *incidents]),
        services=tuple(
            sorted({a.label.casefold() for a in result.anchors if a.ref.startswith("Service:") and a.label})
        ),
        anchors=tuple(Named(ref=a.ref, label=a.label) for a in result.anchors),
        causes=tuple(Named(ref=str(r), label=_label(entities, r)) for r in names),
        targets=tuple(Named(ref=str(r), label=_label(entities, r)) for r in targets),
        kind=kind,
        mechanism=said.mechanism if said is not None else "",
        cause=(said.label if said is not None else "") or _label(entities, main),
        fix=_fix(result, said, entities, reverts),
        shape=shape_of(
            things, main if views or main.kind not in _KIND_OF else None, views, targets, way=way, direction=direction
        ),
        incident=str(incidents[0]) if incidents else "",
    )
    label = joined_label(
        [kept.label, *(s.label for r in (*names, *targets) if (e := entities.get(r)) for s in e.statements)]
    )
    return learned, (kept.ref, *incidents), reverts, label


def _facts(learned: Learning, investigation: EntityRef) -> list[Fact]:
    this = learning_ref(learned.learning_id)
    facts: list[Fact] = [
        Entity(this, to_properties(learned)),
        Alias(this, "id", learned.learning_id),
        Passage(this, "symptom", learned.symptom),
        Relation("LEARNED_FROM", this, investigation, {}),
    ]
    refs = dict.fromkeys(n.ref for n in (*learned.anchors, *learned.targets[:5]) if ":" in n.ref)
    facts += [Relation("ABOUT", this, EntityRef(r), {"rule": learned.rule}) for r in refs]
    return facts


def _learned_batch(
    learned: Learning, facts: Iterable[Fact], at: Instant, label: str, withdrawals: Sequence[Withdrawal] = ()
) -> FactBatch:
    unique = {fact.key: fact for fact in facts}
    locator = learning_locator(learned.learning_id)
    return batch(LEARNINGS, [Assertion(f, at, at, locator, label=label) for f in unique.values()], withdrawals)


def _later_proposals(store: GraphStore, view: View, learned: Learning, at: Instant) -> list[Withdrawal]:
    """What was proposed as of a later time than a person's word: it would stand in its place from then on."""
    this = learning_ref(learned.learning_id)
    known = store.history(this, View(None, view.known_at, view.audience), _ROWS).items
    later = [s for s in known if s.valid_from > at and s.properties.get("state") == "proposed"]
    return [Withdrawal(Entity(this, {}).key, s.valid_from, s.label) for s in later]


def _incidents(store: GraphStore, view: View, signals: list[EntityRef]) -> tuple[EntityRef, ...]:
    own = [r for r in signals if r.kind == "Incident"]
    alerts = [r for r in signals if r.kind == "Alert"]
    edges = store.neighbours(alerts, view, _ROWS, types=("PART_OF",), direction="out").items if alerts else ()
    return tuple(dict.fromkeys([*own, *sorted(e.dst for e in edges if e.dst.kind == "Incident")]))


def _reverts(store: GraphStore, view: View, names: Iterable[EntityRef]) -> tuple[EntityRef, ...]:
    commits = [r for r in names if r.kind == "Commit"]
    edges = store.neighbours(commits, view, _ROWS, types=("REVERTS",), direction="in").items if commits else ()
    return tuple(sorted({e.src for e in edges}))


def _until(entities: Mapping[EntityRef, EntityView], signals: Iterable[EntityRef]) -> str:
    ended = (
        text_of(e.properties, "ended_at") or text_of(e.properties, "resolved_at")
        for r in signals
        if (e := entities.get(r))
    )
    return max((t for t in ended if t), default="")


def _fix(
    result: Investigation, said: Cause | None, entities: Mapping[EntityRef, EntityView], reverts: tuple[EntityRef, ...]
) -> str:
    if reverts:
        return f"reverted by {reverts[0].id[:12]}"
    if said is not None and said.rank == 1 and result.report.mitigation:
        return f"advised then: {result.report.mitigation[0].text}"
    return ""


def _label(entities: Mapping[EntityRef, EntityView], ref: EntityRef) -> str:
    entity = entities.get(ref)
    if entity is None:
        return ""
    title = text_of(entity.properties, "title")
    return title if ref.kind in ("Commit", "PullRequest", "Deployment", "AuditEvent") and title else thing(entity).label


def _used_by(store: GraphStore, view: View, this: EntityRef) -> tuple[str, ...]:
    """Investigations whose ranking it moved."""
    edges = store.neighbours([this], view, _ROWS, types=("RECALLED",), direction="in").items
    used = [e.src for e in edges if e.properties.get("used") is True]
    return tuple(sorted(text_of(e.properties, "investigation_id") for e in store.entities(used, view)))


def _derived(store: GraphStore, view: View, this: EntityRef, learned: Learning) -> list[Withdrawal]:
    """Everything else that this learning's confirmation stated: relations of it and of what it explains, its name among texts."""
    locator = learning_locator(learned.learning_id)
    subjects = [this, *([investigation_ref(learned.investigation)] if learned.investigation else [])]
    subjects += [EntityRef(learned.incident)] if learned.incident else []
    withdrawn = {
        Withdrawal(Relation(e.type, e.src, e.dst, {}, e.discriminator).key, s.valid_from, s.label)
        for e in store.neighbours(subjects, view, _ROWS, direction="out").items
        if e.type not in ("LEARNED_FROM", "ABOUT", "CONFIRMED_BY") or e.src != this
        for s in e.statements
        if s.provenance.source == SOURCE and s.provenance.locator == locator
    }
    withdrawn |= {
        Withdrawal(Passage(this, hit.slot, "").key, hit.valid_from, label)
        for hit in store.passages([this], view)
        for label in sorted({s.label for s in store.history(this, view, _ROWS).items})
        if hit.provenance.locator == locator
    }
    return sorted(withdrawn, key=lambda w: (w.fact_key, w.valid_from, w.label))


def _retract_postmortem(
    store: GraphStore, view: View, incident: EntityRef, by: str, reason: str, at: Instant
) -> FactBatch:
    known = from_postmortem(store, view, incident)
    if known is None:
        raise NotRemembered(
            "no post-mortem states the cause of this incident",
            "give the id of a learning (lrn_…), or an incident with one",
        )
    entity = store.entity(incident, view)
    gone = msgspec.structs.replace(
        known.learning,
        state="retracted",
        retracted_by=by.strip(),
        retracted_at=rfc3339(at),
        reason=reason,
        used_by=_used_by(store, view, incident),
    )
    this = learning_ref(gone.learning_id)
    label = joined_label(s.label for s in (entity.statements if entity is not None else ()))
    since = instant(known.learning.confirmed_at)
    facts = (Entity(this, to_properties(gone)), Alias(this, "id", gone.learning_id))
    locator = learning_locator(gone.learning_id)
    return batch(LEARNINGS, [Assertion(f, since, at, locator, label=label) for f in facts])
