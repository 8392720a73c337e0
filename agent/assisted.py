"""A model's part in one investigation: it may read the symptom, propose causes, choose checks and word the root cause. Each is optional.

Where it gives no usable answer the deterministic path goes on and a note says so. Nothing here scores: what a model reads counts less than what the rules
read, what it proposes is weighed by the same prior and the same checks as any suspect, and its guess at a mechanism is put in after the search is over.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, cast

import msgspec

from agent.assist import Assisted, SymptomReading, choose_checks, phrase, read_symptom
from agent.assist import propose as propose_causes
from agent.claims import MARK, CitedFact
from agent.evidence import Citations, inline, text_of
from agent.hypotheses.nearness import named_place
from agent.incident import Anchor, ReadClass, Suspect, Symptom, SymptomClass
from agent.investigation import Investigation, InvestigationUsage
from agent.llm import ChatModel, ModelAnswerInvalid, ModelError, Usage
from agent.llm_fence import Redact
from agent.llm_material import OfferedChange, OfferedCheck, offered_entities, offered_suspects
from agent.odds import Weights, prior_odds
from agent.past import past_changes
from agent.scene import Scene
from agent.shipments import moment
from agent.suspects import suspects_between
from agent.symptom_sorts import SORTS
from agent.tree import Asking, Branch, Offer, StopRule, Tree
from graph.clock import DAY, Instant
from graph.model import EntityRef
from graph.store import GraphStore, Limits, View
from graph.text import name_tokens

NAME = "model"
"""`found_by` of the suspects that only a model proposed."""
GUESS = "A language model's guess: "
"""Begins a mechanism that a model worded and no check bears out."""
CLASS_CONFIDENCE = 0.4
ANCHOR_CONFIDENCE = 0.4
"""What a model reads counts less than an exact reading, and never more than what the rules are surest of."""
_MOST_NAMES = 8
_MOST_REFS = 6
"""A name of more things than these says nothing."""
_NAMED_KINDS = ("Service", "Resource", "Credential", "System", "Api", "Block")
_IN_WINDOW, _BEFORE = 50, 30
"""So many changes of the window, and from before it, are shown."""
_PLACES = 60
_WINDOWS_BACK = 3
_EXPIRED_WITHIN: Instant = 60 * DAY
_EXPIRED_MOST = 20
_ROUNDS = 2
_AT_ONCE = 6
"""A model is asked so often for so many checks; after that the order is ours again."""
_CITED = re.compile(r"((?:\[c\d+\])+\.?)")

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Material:
    """What a model may name, and what that is to us."""

    entities: tuple[EntityRef, ...]
    shown: tuple[Suspect, ...]
    new: Mapping[EntityRef, Suspect]
    """Changes that no generator proposed, by key, and what ran out long ago, by what it is."""


class Assistant:
    """Asks one model in the course of one investigation, and adds up what that cost.

    Args:
        model: who is asked.
        redact: takes secrets out of what leaves.

    A model that is not there (away, misconfigured, out of budget) is not asked again; one that answered badly is asked the next thing.
    """

    def __init__(self, model: ChatModel, redact: Redact) -> None:
        self.usage = Usage()
        self.notes: list[str] = []
        self.waited_s = 0.0
        self._model = model
        self._redact = redact
        self._gone = False
        self._dropped: list[str] = []
        self._guesses: dict[EntityRef, str] = {}
        self._chosen: list[str] = []
        self._rounds = 0

    # -- reading

    def symptom(self, store: GraphStore, view: View, read: Symptom) -> Symptom:
        """The symptom with what a model reads besides: more sorts of failure, more things that the text names. Nothing is taken away."""
        if not read.text:
            return read
        found = self._asked(
            "reading of the symptom",
            lambda: read_symptom(self._model, read.text, SORTS, redact=self._redact),
            SymptomReading(),
        )
        return replace(
            read,
            classes=(*read.classes, *_classes(read, found)),
            anchors=(*read.anchors, *self._anchors(store, view, read, found.names)),
        )

    def _anchors(self, store: GraphStore, view: View, read: Symptom, names: Sequence[str]) -> list[Anchor]:
        known = {r for e in store.entities([a.ref for a in read.anchors], view) for r in e.refs} if read.anchors else set[EntityRef]()  # fmt: skip
        surest = max((a.confidence for a in read.anchors), default=1.0)
        found: list[Anchor] = []
        for name in names[:_MOST_NAMES]:
            seen = [e for e in store.entities(_refs(store, view, name), view) if known.isdisjoint(e.refs)]
            for thing in offered_entities(store, [e.ref for e in seen], view):
                known.update(r for e in seen if e.ref == thing.ref for r in e.refs)
                how = f"a model reads “{inline(name, 60)}” in the symptom as its name"
                confidence = min(ANCHOR_CONFIDENCE / len(seen) ** 0.5, 0.9 * surest)
                found.append(Anchor(thing.ref, thing.label, how, round(confidence, 3)))
        return found

    # -- proposing

    def suspects(self, scene: Scene, proposed: Sequence[Suspect], trained: Weights) -> tuple[Suspect, ...]:
        """The suspects with those that a model adds: changes from before the window, and what ran out long ago. It also guesses at mechanisms,
        which `explain` puts in."""
        if self._gone:
            return tuple(proposed)
        material = _material(scene, proposed, trained)
        citations = Citations()
        changes = _offered(material.shown, citations)
        told = [CitedFact(citations.cite(a.said), f"{a.label}: {a.how}") for a in scene.symptom.anchors if a.said]
        entities = offered_entities(scene.store, material.entities, scene.view)
        if not entities or not (changes or told):
            return tuple(proposed)
        proposals = self._asked(
            "proposal",
            lambda: propose_causes(self._model, scene.symptom.text, entities, changes, redact=self._redact, facts=told),
            (),
        )
        conditions = {s.target: s for s in proposed if s.change is None and s.target is not None}
        by_key = {s.key: s for s in proposed}
        added: list[Suspect] = []
        for one in proposals:
            known = by_key.get(one.change) if one.change is not None else conditions.get(one.target)
            new = material.new.get(one.change if one.change is not None else one.target)
            suspect = known or new
            if suspect is None:
                self._dropped.append("a cause without a change, of a thing that is not known to have run out")
                continue
            if known is None and suspect not in added:
                added.append(suspect)
            self._guesses.setdefault(suspect.key, one.mechanism)
        carried = {r for s in added for r in s.also}
        kept = [s for s in proposed if s.key not in carried]
        return tuple(sorted((*kept, *added), key=lambda s: (-s.at, s.key)))

    def explain(self, tree: Tree) -> None:
        """Put the guessed mechanisms into the leaves that have none of their own. After the search: it cannot move a weight."""
        for leaf in tree.leaves:
            fits = any(e.check == "attribute_fit" and e.weight > 0 for e in leaf.evidence)
            guess = self._guesses.get(leaf.suspect.key)
            if guess and not leaf.suspect.mechanism and not fits:
                leaf.suspect = replace(leaf.suspect, mechanism=f"{GUESS}{inline(guess, 300)}")

    # -- choosing

    def choose(
        self, scene: Scene, tree: Tree, askings: Sequence[Asking], rule: StopRule
    ) -> tuple[Branch, Asking, str] | None:
        """The next step that a model wants made, among those worth making; None leaves the choice to expected information."""
        if not self._chosen and (self._gone or self._rounds >= _ROUNDS):
            return None
        by_id = {f"{o.branch.id}/{o.asking.name}": o for o in tree.offers(askings, rule)}
        self._chosen = [i for i in self._chosen if i in by_id]
        if not self._chosen and self._rounds < _ROUNDS and len(by_id) > 1:
            self._rounds += 1
            self._chosen = list(self._choice(scene, tree, by_id))
        if not self._chosen:
            return None
        offer = by_id[self._chosen.pop(0)]
        because = f"{offer.mass:.0%} lies there and a model chose it among the checks that are worth their cost"
        return offer.branch, offer.asking, because

    def _choice(self, scene: Scene, tree: Tree, by_id: Mapping[str, Offer]) -> tuple[str, ...]:
        likeliest = {leaf.branch: leaf.suspect.title for leaf, _ in reversed(tree.ranked())}
        asked = [
            OfferedCheck(
                i,
                o.branch.claim,
                o.asking.name,
                f"{o.asking.asks}; {o.mass:.0%} lies there, the likeliest of it “{inline(likeliest.get(o.branch.id, ''), 100)}”",
            )
            for i, o in sorted(by_id.items(), key=lambda p: (-p[1].gain, p[0]))
        ]
        return self._asked(
            "choice of checks",
            lambda: choose_checks(self._model, scene.symptom.text, asked, redact=self._redact, most=_AT_ONCE),
            (),
        )

    # -- wording

    def conclude(self, found: Investigation) -> Investigation:
        """The investigation with its root cause in the model's words where they stand up, with notes and usage."""
        text = self._root_cause(found)
        notes = list(self.notes)
        if self._dropped:
            what = "1 thing that the model said" if len(self._dropped) == 1 else f"{len(self._dropped)} things that the model said"  # fmt: skip
            notes.append(f"{what} did not stand up and counted for nothing ({self._dropped[0]})")
        return msgspec.structs.replace(
            found,
            report=msgspec.structs.replace(found.report, root_cause=text),
            notes=tuple(dict.fromkeys((*found.notes, *notes))),
            usage=InvestigationUsage(
                llm_calls=self.usage.calls,
                tokens=self.usage.tokens,
                cost_usd=round(self.usage.cost_usd, 6),
                dropped=len(self._dropped),
            ),
        )

    def _root_cause(self, found: Investigation) -> str:
        pieces = _CITED.split(found.report.root_cause)
        said, last = pieces[:-1], pieces[-1].strip()
        facts = [
            CitedFact(mark[1], text.strip(" ."))
            for text, marks in zip(said[::2], said[1::2], strict=True)
            for mark in MARK.finditer(marks)
        ]
        if not facts:
            return found.report.root_cause
        main = facts[0].id
        evidence = [(i, e.reason) for c in found.causes[:1] for e in c.evidence if e.verdict in ("supports", "refutes") for i in e.citations]  # fmt: skip
        facts += [CitedFact(i, reason.rstrip(".")) for i, reason in evidence]
        instead = " ".join(found.report.root_cause.removesuffix(last).split())
        worded = self._asked(
            "wording",
            lambda: phrase(self._model, facts, instead, redact=self._redact, must_cite=frozenset({main})),
            instead,
        )
        return found.report.root_cause if worded == instead else f"{worded} {last}".strip()

    # -- asking

    def _asked(self, what: str, call: Callable[[], Assisted[V]], instead: V) -> V:
        if self._gone:
            return instead
        began = time.perf_counter()
        try:
            found = call()
        except ModelError as error:
            self.usage += error.usage
            self._gone = not isinstance(error, ModelAnswerInvalid)
            last = "; it was not asked again" if self._gone else ""
            self.notes.append(f"the model's {what} was dropped: {str(error).rstrip('.')}{last}")
            return instead
        finally:
            self.waited_s += time.perf_counter() - began
        self.usage += found.usage
        self._dropped += found.dropped
        if found.failed:
            reason = found.dropped[0] if found.dropped else found.failed.rstrip(".")
            self.notes.append(f"the model's {what} was dropped: {reason}")
        return found.value


# -- reading


def _classes(read: Symptom, found: SymptomReading) -> list[ReadClass]:
    surest = max((c.confidence for c in read.classes), default=1.0)
    confidence = round(min(CLASS_CONFIDENCE, 0.9 * surest), 3)
    known = set(read.class_names)
    return [
        ReadClass(cast("SymptomClass", c.name), f"a model reads “{inline(c.quote, 60)}” so", confidence)
        for c in found.classes
        if c.name not in known
    ]


def _refs(store: GraphStore, view: View, name: str) -> list[EntityRef]:
    """What has this name, exactly or by its words; nothing when that is too much."""
    hits = store.resolve_alias(name, view, Limits(rows=40), kinds=_NAMED_KINDS).items
    refs = list(dict.fromkeys(h.ref for h in hits))
    words = name_tokens(name)
    if not refs and words:
        named = store.search_names(words, view, Limits(rows=40), kinds=_NAMED_KINDS).items
        refs = list(dict.fromkeys(h.ref for h in named if list(name_tokens(h.name)) == list(words)))
    return refs if len(refs) <= _MOST_REFS else []


# -- proposing


def _material(scene: Scene, proposed: Sequence[Suspect], trained: Weights) -> _Material:
    # A deployment of which nothing is known but that it was may be told apart into the change that it carried.
    known = {r for s in proposed if s.key.kind != "Deployment" for r in (s.key, *s.also)}
    before = [s for s in _before(scene) if known.isdisjoint((s.key, *s.also))]
    everything = (*proposed, *before)
    odds = prior_odds(scene.symptom, everything, past_changes(scene, everything), {}, None, trained) if everything else None  # fmt: skip
    by_key = odds.by_key if odds else dict[EntityRef, float]()

    def best(some: Sequence[Suspect], most: int) -> list[Suspect]:
        return sorted(some, key=lambda s: (-by_key[s.key], s.key))[:most]

    expired = _expired(scene, {s.target for s in proposed})
    shown = (*best(proposed, _IN_WINDOW), *best(before, _BEFORE))
    near = sorted({p.ref: p for p in scene.surroundings.places.values()}.values(), key=lambda p: (p.distance, p.ref))
    targets = [s.target for s in shown if s.target is not None]
    refs = [*(a.ref for a in scene.symptom.anchors), *(p.ref for p in near[:_PLACES]), *(s.key for s in expired), *targets]  # fmt: skip
    return _Material(tuple(dict.fromkeys(refs)), (*shown, *expired), {s.key: s for s in (*before, *expired)})


def _before(scene: Scene) -> tuple[Suspect, ...]:
    """Changes of the windows before, near or far. What is told of reading them is no news of this investigation."""
    symptom, told = scene.symptom, len(scene.notes)
    window = symptom.at - symptom.since
    found = suspects_between(scene, symptom.since - _WINDOWS_BACK * window, symptom.since - 1, NAME)
    del scene.notes[told:]
    return found


def _expired(scene: Scene, known: set[EntityRef | None]) -> list[Suspect]:
    """Credentials that ran out before the symptom, longer ago than the rules look; the last first."""
    at = scene.symptom.at
    found: list[Suspect] = []
    for one in scene.store.select("Credential", {}, scene.view, Limits(rows=20_000, deadline_s=10.0)).items:
        expires = moment(text_of(one.properties, "expires_at"))
        if expires is None or not at - _EXPIRED_WITHIN <= expires <= at or not known.isdisjoint(one.refs):
            continue
        name, sort = text_of(one.properties, "name"), text_of(one.properties, "type")
        found.append(
            Suspect(
                key=one.ref,
                kind="expiry",
                change=None,
                target=one.ref,
                at=expires,
                at_means="expired",
                title=f"{sort.replace('_', ' ') or 'credential'} {name} expired",
                found_by=NAME,
                place=scene.surroundings.of(one.refs) or named_place(scene, [name]),
                text=name,
                properties={"type": sort, "name": name},
                said=tuple(s.provenance for s in one.statements[:1]),
            )
        )
    return sorted(found, key=lambda s: (-s.at, s.key))[:_EXPIRED_MOST]


def _offered(shown: Sequence[Suspect], citations: Citations) -> tuple[OfferedChange, ...]:
    """What is shown as changes: conditions among them, as their place is what they ran out of."""
    return tuple(o for o in offered_suspects(shown, citations) if o.citations)
