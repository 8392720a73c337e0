"""Recall: what was learned of incidents like this one, and which of today's suspects look like what caused them.

An incident is alike by its symptom (classes of failure, words, meaning where a model embedded both), by its place (the same things,
services or surroundings) and by the shape of its cause in the graph. A suspect is raised only when it has that shape *and* lies there:
memory raises what is there, it invents nothing. What changes say of themselves plays no part.

Memory is bounded. However many learnings point to a suspect, the best one counts alone, and at most `CAP_NATS`: one plain piece of evidence
against it (a check that refutes weighs as much) makes up for a memory that is wrong, and what refutes it together outvotes any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.cached import PerView
from agent.evidence import inline
from agent.incident import Evidence, Suspect, Symptom
from agent.investigation import SimilarIncident
from agent.memory import known_learning
from agent.memory_facts import Known, Learning, Shape
from agent.memory_shape import Things, likeness, shape_of, targets_of
from agent.postmortems import postmortems
from agent.scene import Scene
from agent.symptom_words import read_classes, stem
from graph.clock import DAY, SECOND, Instant, instant
from graph.model import EntityRef
from graph.store import GraphStore, Limits, Provenance, View
from graph.text import name_tokens

CAP_NATS = 1.2
"""The most that memory adds to a suspect's log odds: it makes it 3.3 times as likely, no more."""
HALF_LIFE: Instant = 365 * DAY
"""After so long a learning counts half."""
SHOWN = 5
"""How many similar incidents are told of."""
SIMILAR = 0.45
"""From here on an incident is similar."""
USED = 0.15
"""From here on a suspect's likeness moves the ranking."""

_OWN: Instant = 3_600 * SECOND
"""An incident lasts at least so long: what is asked within it is about itself."""
_WEAK, _STRONG = 0.2, 0.6
"""A symptom less alike than the first recalls nothing; from the second on it recalls in full."""
_ELSEWHERE = 0.1
"""The place of a suspect of the right shape that lies elsewhere: it makes incidents similar, and raises nobody by itself."""
_MOST = 50
"""So many learnings, the most alike by symptom and place, are compared with the suspects."""
_TARGETS_GONE, _ANCHORS_GONE = 0.3, 0.6
_KIN: Mapping[frozenset[str], float] = {
    frozenset(pair): value
    for pair, value in (
        (("errors", "unavailable"), 0.6),
        (("errors", "timeouts"), 0.4),
        (("errors", "crash_loop"), 0.3),
        (("unavailable", "refused"), 0.6),
        (("unavailable", "crash_loop"), 0.5),
        (("timeouts", "latency"), 0.6),
        (("timeouts", "refused"), 0.5),
        (("timeouts", "unavailable"), 0.4),
        (("latency", "cpu"), 0.4),
        (("latency", "connections"), 0.4),
        (("errors", "connections"), 0.3),
        (("access_denied", "authentication"), 0.6),
        (("tls", "refused"), 0.3),
        (("oom", "crash_loop"), 0.6),
        (("queue_lag", "latency"), 0.3),
    )
}
"""Classes of symptom that are told of the same failure."""
_SIGNALS = frozenset({"Alert", "Incident"})
_READ, _FEWEST = 2_400, 6
"""So many things that suspects touched are read, and no fewer of each suspect than these."""
_ROWS = Limits(rows=10_000, deadline_s=10.0)
_DULL = frozenset(
    ["the", "and", "for", "with", "from", "that", "this", "was", "are", "has", "have", "had", "not", "but", "since", "after", "before", "when", "what", "which", "some", "all", "any", "our", "out", "into", "over", "under", "very", "its", "is", "at", "on", "in", "of", "to", "by", "an", "as", "we", "be", "or", "no", "so", "it", "a"]
)  # fmt: skip
_TEXT_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class Remembered:
    """An incident that was solved, like this one.

    Attributes:
        ref: of the learning, or of the incident whose post-mortem tells.
        similarity: 0 to 1, faded by age and by what is gone.
        faded: by how much, 1 is not at all.
        said: where it can be read.
    """

    ref: EntityRef
    learning: Learning
    similarity: float
    symptom: float
    place: float
    faded: float
    said: tuple[Provenance, ...]

    def row(self, *, used: bool, citations: tuple[str, ...] = ()) -> SimilarIncident:
        """As the contract has it."""
        one = self.learning
        return SimilarIncident(
            id=str(self.ref) if one.rule == "postmortem" else one.learning_id,
            similarity=round(self.similarity, 4),
            cause=inline(one.cause, 300),
            fix=inline(one.fix, 300),
            used=used,
            confirmed_by=inline(one.confirmed_by, 100),
            citations=citations,
        )


@dataclass(frozen=True, slots=True)
class Recollection:
    """What is remembered.

    Attributes:
        similar: the most similar incidents, best first.
        by_suspect: suspect's key -> how much it looks like a confirmed cause, 0 to 1; those that do not are left out.
        reasons: why, a sentence; for the same suspects.
        from_: which learning it is; for the same suspects.
    """

    similar: tuple[Remembered, ...] = ()
    by_suspect: Mapping[EntityRef, float] = field(default_factory=dict[EntityRef, float])
    reasons: Mapping[EntityRef, str] = field(default_factory=dict[EntityRef, str])
    from_: Mapping[EntityRef, Remembered] = field(default_factory=dict[EntityRef, Remembered])

    @property
    def used(self) -> frozenset[EntityRef]:
        """Refs of the learnings that moved the ranking."""
        return frozenset(one.ref for one in self.from_.values())

    def evidence(self, suspect: EntityRef) -> Evidence:
        """The likeness of one suspect as evidence, at most `CAP_NATS`. Take this or the prior's feature, not both."""
        value = self.by_suspect.get(suspect, 0.0)
        if not value:
            return Evidence("memory", "no_data", 0.0, "Nothing like it is remembered.")
        return Evidence(
            "memory", "supports", round(CAP_NATS * value, 4), self.reasons[suspect], self.from_[suspect].said
        )


def recall(
    scene: Scene, suspects: Sequence[Suspect], *, embedder_scores: Mapping[EntityRef, float] | None = None
) -> Recollection:
    """What the view remembers of incidents like the scene's, and which suspects are like their causes.

    Only what was confirmed by the time of the symptom counts, never what was taken back or is only proposed, and never the incident itself.

    Args:
        embedder_scores: cosine of the symptom with the texts of learnings and incidents, by ref.
    """
    at = scene.symptom.at
    known = [k for k in learned(scene.store, scene.view) if _counts(k.learning, scene.symptom, at)]
    if not known:
        return Recollection()
    told = _Told.of(scene.symptom)
    alike = [(k, value) for k in known if (value := _symptom(told, k, embedder_scores or {})) > _WEAK]
    if not alike:
        return Recollection()
    things = Things(scene.store, scene.view)
    things.read(EntityRef(n.ref) for k, _ in alike for n in (*k.learning.anchors, *k.learning.targets) if ":" in n.ref)
    things.read(a.ref for a in scene.symptom.anchors)
    candidates = [_remembered(scene, things, k, value, at) for k, value in alike]
    candidates = sorted(candidates, key=lambda c: (-_similarity(c, 0.0), c.ref))[:_MOST]
    known_refs = frozenset(r for c in candidates for r in _refs(things, c.learning))
    shapes = _shapes(things, suspects, known_refs)
    return _compared(scene, things, candidates, suspects, shapes)


def _learned(store: GraphStore, view: View) -> tuple[Known, ...]:
    found = [k for e in store.select("Learning", {}, view, _ROWS).items if (k := known_learning(e)) is not None]
    confirmed = [k for k in found if k.learning.state == "confirmed"]
    retracted = {k.learning.learning_id for k in found if k.learning.state == "retracted"}
    written = [
        k
        for k in postmortems(store, view)
        if k.learning.learning_id not in retracted and not any(_same_story(k.learning, c.learning) for c in confirmed)
    ]
    return tuple(sorted([*confirmed, *written], key=lambda k: k.ref))


def _same_story(written: Learning, confirmed: Learning) -> bool:
    """Whether a person confirmed what the post-mortem tells: of the same incident, or the same cause at the same time."""
    if written.incident in {confirmed.incident, *(n.ref for n in confirmed.anchors)}:
        return True
    causes = {n.ref for n in written.causes} & {n.ref for n in confirmed.causes}
    return bool(causes) and abs(instant(written.at) - instant(confirmed.at)) <= DAY


learned = PerView(_learned)
"""What counts as learned in a view: confirmed and not taken back, a person's word before a post-mortem on the same incident."""


def _counts(one: Learning, symptom: Symptom, at: Instant) -> bool:
    try:
        began, confirmed = instant(one.at), instant(one.confirmed_at)
        over = max(instant(one.until) if one.until else began, began + _OWN)
    except ValueError:
        return False
    if confirmed > at or over >= at:
        return False
    own = {r for n in one.anchors if (r := EntityRef(n.ref)).kind in _SIGNALS} | {EntityRef(one.incident)}
    return not any(a.ref in own for a in symptom.anchors)


# -- the symptom


@dataclass(frozen=True, slots=True)
class _Told:
    """A symptom's classes with how sure they are, and the stems of its words."""

    classes: Mapping[str, float]
    words: frozenset[str]

    @staticmethod
    def of(symptom: Symptom) -> _Told:
        told = _words(" ".join((symptom.text, *symptom.words)))
        return _Told({c.name: c.confidence for c in symptom.classes}, told)


def _symptom(told: _Told, known: Known, dense: Mapping[EntityRef, float]) -> float:
    one = known.learning
    words = _words(one.symptom)
    shared = len(told.words & words)
    text = 2 * shared / (len(told.words) + len(words)) if shared else 0.0
    if (cosine := dense.get(known.ref)) is not None:
        text = max(text, min(max((cosine - 0.25) / 0.5, 0.0), 1.0))
    classes = one.classes or tuple(c.name for c in read_classes(one.symptom))
    if not told.classes or not classes:
        return text
    best = max(
        told.classes[a] * (1.0 if a == b else _KIN.get(frozenset((a, b)), 0.0)) for a in told.classes for b in classes
    )
    return 0.65 * best + 0.35 * text


def _words(text: str) -> frozenset[str]:
    tokens = name_tokens(text[:_TEXT_CHARS])
    return frozenset(stem(t) for t in tokens if t not in _DULL and (len(t) > 2 or not t.isascii()) and not t.isdigit())


# -- the place, and what has changed since


def _remembered(scene: Scene, things: Things, known: Known, symptom: float, at: Instant) -> Remembered:
    one = known.learning
    faded = _age(one, at) * _still_there(things, one)
    place = _place(scene, things, one)
    return Remembered(known.ref, one, 0.0, symptom, place, faded, known.said)


def _age(one: Learning, at: Instant) -> float:
    return 0.5 ** (max(at - instant(one.at), 0) / HALF_LIFE)


def _still_there(things: Things, one: Learning) -> float:
    """How much of what it is about still exists. What was never seen does not count as gone, and alerts come and go."""
    value = 1.0
    for named, without in ((one.targets, _TARGETS_GONE), (one.anchors, _ANCHORS_GONE)):
        refs = [r for n in named if (r := EntityRef(n.ref)).kind not in _SIGNALS and ":" in r]
        if refs:
            share = sum(things.lives(r) for r in refs) / len(refs)
            value *= without + (1.0 - without) * share
    return value


def _place(scene: Scene, things: Things, one: Learning) -> float:
    """1: about the same things; less with every link between them; 0: no way between them is known."""
    ours = {r for a in scene.symptom.anchors for r in things.joined(a.ref)}
    theirs = _refs(things, one)
    if ours & theirs:
        return 1.0
    names = {a.label.casefold() for a in scene.symptom.anchors if a.ref.kind == "Service"}
    if names & set(one.services):
        return 1.0
    near = scene.surroundings.of(sorted(theirs))
    return max(1.0 - 0.2 * (near.distance + 0.5), 0.2) if near is not None else 0.0


def _refs(things: Things, one: Learning) -> frozenset[EntityRef]:
    """Everything that it is about, under every name."""
    given = [EntityRef(n.ref) for n in (*one.anchors, *one.targets)]
    return frozenset(r for g in given if g.kind not in _SIGNALS for r in things.joined(g))


# -- suspects


def _shapes(
    things: Things, suspects: Sequence[Suspect], known: frozenset[EntityRef]
) -> dict[EntityRef, tuple[Shape, frozenset[EntityRef]]]:
    """Each suspect's shape and every name of what it touched: one read for all of them."""
    most = min(max(_READ // max(len(suspects), 1), _FEWEST), _MOST)
    touched = {s.key: targets_of(s.views, s.target, most=most, first=known) for s in suspects}
    things.read(r for some in touched.values() for r in some)
    found: dict[EntityRef, tuple[Shape, frozenset[EntityRef]]] = {}
    for s in suspects:
        direction = s.place.direction if s.place is not None else ""
        shape = shape_of(things, s.change, s.views, touched[s.key], paths=s.paths, direction=direction)
        found[s.key] = (shape, frozenset(r for t in touched[s.key] for r in things.joined(t)))
    return found


def _compared(
    scene: Scene,
    things: Things,
    candidates: Sequence[Remembered],
    suspects: Sequence[Suspect],
    shapes: Mapping[EntityRef, tuple[Shape, frozenset[EntityRef]]],
) -> Recollection:
    best_shape: dict[EntityRef, float] = {}
    best: dict[EntityRef, tuple[float, Remembered]] = {}
    for one in sorted(candidates, key=lambda c: c.ref):
        gate = min(max((one.symptom - _WEAK) / (_STRONG - _WEAK), 0.0), 1.0)
        refs = _refs(things, one.learning)
        causes = frozenset(r for n in one.learning.targets for r in things.joined(EntityRef(n.ref)))
        for s in sorted(suspects, key=lambda s: s.key):
            shape, touched = shapes[s.key]
            alike = likeness(one.learning.kind, one.learning.shape, s.kind, shape)
            if not alike:
                continue
            where = _suspect_place(one, refs, s, touched & causes)
            best_shape[one.ref] = max(best_shape.get(one.ref, 0.0), alike * where)
            value = one.faded * gate * alike * where
            if value >= USED and value > best.get(s.key, (0.0, one))[0]:
                best[s.key] = (value, one)
    similar = [replace(c, similarity=_similarity(c, best_shape.get(c.ref, 0.0))) for c in candidates]
    similar.sort(key=lambda c: (-c.similarity, c.ref))
    final = {c.ref: c for c in similar}
    shown = [c for c in similar if c.similarity >= SIMILAR][:SHOWN]
    used = {one.ref for _, one in best.values()}
    shown += [c for c in similar if c.ref in used and c not in shown]  # what moved the ranking is always told
    return Recollection(
        tuple(shown),
        {key: round(value, 6) for key, (value, _) in sorted(best.items())},
        {key: _reason(one) for key, (_, one) in sorted(best.items())},
        {key: final[one.ref] for key, (_, one) in sorted(best.items())},
    )


def _suspect_place(one: Remembered, refs: frozenset[EntityRef], suspect: Suspect, same: frozenset[EntityRef]) -> float:
    """1: it touched the very same; less when it only belongs to the same things; little when it lies elsewhere."""
    if same:
        return 1.0
    place = suspect.place
    belongs = {suspect.target, *((place.ref, *place.via) if place is not None else ())} - {None}
    if belongs & refs or (suspect.service and suspect.service.casefold() in one.learning.services):
        return 0.85
    if one.place == 1.0 and place is not None and place.distance <= 1.0:
        return 0.7
    return _ELSEWHERE


def _similarity(one: Remembered, shape: float) -> float:
    return round(one.faded * (0.5 * one.symptom + 0.3 * one.place + 0.2 * shape), 6)


def _reason(one: Remembered) -> str:
    learned = one.learning
    where = f" on {inline(', '.join(learned.services), 60)}" if learned.services else ""
    who = (
        f", as {inline(learned.confirmed_by, 60)} confirmed"
        if learned.rule == "confirmed"
        else ", as its post-mortem says"
    )
    return (
        f"It is like the cause of the incident of {learned.at[:10]}{where}{who}: “{inline(learned.cause, 160)}”,"
        " the same sort of change at the same place."
    )
