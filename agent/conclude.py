"""What a search found, as an investigation: verdict, causes with their evidence, report, what could not be seen."""

from __future__ import annotations

from collections.abc import Sequence

from agent.assemble import assemble, change_id
from agent.checks.sources import coverage
from agent.culprit import context_of, main_views
from agent.effects import Effect, told
from agent.evidence import Citations, inline
from agent.incident import Evidence, Suspect
from agent.investigation import (
    AnchorItem,
    Cause,
    Conclusion,
    EvidenceItem,
    Investigation,
    Stopped,
    SymptomItem,
    Window,
)
from agent.investigation import (
    Tree as TreeItem,
)
from agent.model import Change, ChangeId
from agent.odds import Odds
from agent.on_call import on_call
from agent.recall import Recollection
from agent.report import report
from agent.rollback import rollback
from agent.scene import Scene
from agent.tree import LIVE, REFUTED, Leaf, Tree
from graph.clock import rfc3339
from graph.lexicon import thing
from graph.model import EntityRef
from graph.store import EntityView

CAUSES = 10
_NODES = 30
_CITED = 4
_RULES_OUT = frozenset({"elsewhere", "inert", "wording", "foreign"})
_CLEAR = 0.5
"""When "none of these" is likelier than this, no cause was found."""


def conclude(
    scene: Scene, tree: Tree, odds: Odds, remembered: Recollection, stopped: Stopped, confidence: float
) -> Investigation:
    """The investigation, without its id and usage."""
    ranked = tree.ranked()
    _, none = tree.probabilities()
    verdict = judge(ranked, none, confidence, recognised=bool(scene.symptom.anchors or scene.symptom.classes))
    citations = Citations()
    listed = ranked[:CAUSES]
    first = ranked[0][0].suspect if ranked else None
    symptom = scene.symptom
    read = coverage(scene)
    undo = rollback(scene, first, citations) if first is not None else None
    weighed = [(leaf.suspect, p, (*leaf.evidence, *_held_against(odds, leaf))) for leaf, p in ranked]
    reported = report(scene, weighed, verdict, citations, coverage=read, back=undo)
    causes = _causes(scene, listed, odds, citations)
    kept = sum(c.probability for c in causes)
    return Investigation(
        id="",
        symptom=symptom.text,
        detected_at=rfc3339(symptom.at),
        window=Window(since=rfc3339(symptom.since), until=rfc3339(symptom.at)),
        verdict=verdict,
        confidence=causes[0].probability if causes else 0.0,
        causes=causes,
        tree=TreeItem(nodes=tree.nodes(_NODES), steps=len(tree.path), stopped=stopped, path=tuple(tree.path)),
        similar_incidents=tuple(
            one.row(used=one.ref in remembered.used, citations=tuple(citations.cite(p) for p in one.said[:2]))
            for one in remembered.similar
        ),
        report=reported,
        unnamed=round(max(1.0 - kept, 0.0), 6),
        truncated=len(ranked) > CAUSES,
        on_call=tuple(on_call(scene)),
        rollback=undo,
        coverage=read,
        anchors=tuple(
            AnchorItem(ref=str(a.ref), label=inline(a.label, 120), how=a.how, confidence=round(a.confidence, 4))
            for a in symptom.anchors
        ),
        symptoms=tuple(SymptomItem(name=c.name, how=c.how, confidence=round(c.confidence, 4)) for c in symptom.classes),
        environment=symptom.environment,
        as_of=rfc3339(symptom.at),
        known_at=scene.view.known_at or 0,
        notes=tuple(dict.fromkeys(scene.notes)),
        citations=citations.all(),
    )


def _held_against(odds: Odds, leaf: Leaf) -> tuple[Evidence, ...]:
    """What spoke strongly against a suspect before any check was asked of it: that its files are another environment's, that nothing in it runs."""
    return tuple(
        Evidence("prior", "refutes", round(p.points, 4), p.sentence)
        for p in odds.reasons.get(leaf.suspect.key, ())
        if p.points <= REFUTED and p.feature in _RULES_OUT
    )


def judge(ranked: Sequence[tuple[Leaf, float]], none: float, confidence: float, *, recognised: bool) -> Conclusion:
    """A cause is found when one is as likely as asked for, and nothing that was checked rules it out; none, when "none of these" (or something that is
    not ours) is likelier than not. Of a symptom in which nothing was recognised no cause is found, however few changes there were."""
    outside = none + sum(p for leaf, p in ranked if leaf.suspect.kind == "external")
    best = ranked[0] if ranked else None
    if (
        best is not None
        and best[1] >= confidence
        and best[0].suspect.kind != "external"
        and best[0].weight > REFUTED
        and recognised
    ):
        return "cause_found"
    return "no_cause_found" if outside > _CLEAR else "insufficient_evidence"


def _causes(scene: Scene, ranked: Sequence[tuple[Leaf, float]], odds: Odds, citations: Citations) -> tuple[Cause, ...]:
    refs = {r for leaf, _ in ranked for r in _refs(leaf.suspect)}
    seen = {r: e for e in scene.store.entities(sorted(refs), scene.view) for r in e.refs}
    people = _people(scene, [leaf.suspect for leaf, _ in ranked])
    return tuple(
        _cause(scene, rank, leaf, probability, odds, seen, people, citations)
        for rank, (leaf, probability) in enumerate(ranked, start=1)
        if probability >= LIVE / 4 or rank <= 3
    )


def _refs(suspect: Suspect) -> list[EntityRef]:
    return [r for r in (suspect.change, suspect.target, *suspect.also[:12]) if r is not None]


def _cause(
    scene: Scene,
    rank: int,
    leaf: Leaf,
    probability: float,
    odds: Odds,
    seen: dict[EntityRef, EntityView],
    people: dict[EntityRef, str],
    citations: Citations,
) -> Cause:
    suspect = leaf.suspect
    reasons = odds.reasons.get(suspect.key, ())
    prior = [
        EvidenceItem(
            check="prior",
            verdict="supports" if p.points > 0 else "refutes",
            weight=round(p.points, 4),
            reason=p.sentence,
            citations=(),
        )
        for p in reasons[:4]
        if abs(p.points) >= 0.05
    ]
    weighed = sorted(leaf.evidence, key=lambda e: (-abs(e.weight), e.check))
    also = [_named(seen, r, suspect) for r in suspect.also[:12]]
    target = seen.get(suspect.target) if suspect.target is not None else None
    cited = [citations.cite(p) for p in suspect.said[:_CITED]]
    return Cause(
        rank=rank,
        kind=suspect.kind,
        change=_named(seen, suspect.change, suspect) if suspect.change is not None else None,
        target=str(suspect.target) if suspect.target is not None else "",
        mechanism=inline(suspect.mechanism or _mechanism(leaf), 400),
        probability=round(probability, 6),
        evidence=(*(_item(e, citations) for e in weighed), *prior),
        label=inline(suspect.title, 200),
        at=rfc3339(suspect.at),
        at_means=suspect.at_means,
        environment=scene.symptom.environment,
        by=people.get(suspect.key, ""),
        also=tuple(also),
        target_label=inline(thing(target).label, 120) if target is not None else "",
        hypothesis=leaf.id,
        citations=tuple(dict.fromkeys(cited)),
    )


def _mechanism(leaf: Leaf) -> str:
    """How it leads to the symptom, as the check that knows says."""
    fit = next((e for e in leaf.evidence if e.check == "attribute_fit" and e.weight > 0), None)
    return fit.reason if fit is not None else ""


def _item(evidence: Evidence, citations: Citations) -> EvidenceItem:
    return EvidenceItem(
        check=evidence.check,
        verdict=evidence.verdict,
        weight=evidence.weight,
        reason=evidence.reason,
        citations=tuple(dict.fromkeys(citations.cite(p) for p in evidence.said[:_CITED])),
    )


def _named(seen: dict[EntityRef, EntityView], ref: EntityRef, suspect: Suspect) -> ChangeId:
    entity = seen.get(ref)
    return change_id(ref, entity.properties if entity is not None else {}, suspect.repository)


def _people(scene: Scene, suspects: Sequence[Suspect]) -> dict[EntityRef, str]:
    """Who did each, as `agent.culprit` tells it: who wrote the code, before who merged or applied it; read for all of them at once."""
    context = context_of(scene, Citations())
    known = {r: s for s in scene.reach.shipments.all for r in s.refs}
    found: dict[EntityRef, str] = {}
    shipped = [(s, one) for s in suspects if s.change is not None and (one := known.get(s.change)) is not None]
    effects = [Effect(one.at, one.ref, one.environment, shipment=one) for _, one in shipped]
    for (suspect, _), change in zip(shipped, told(context, effects), strict=True):
        _first_name(found, suspect, change)
    views = [(s, v) for s in suspects for v in main_views(s)]
    for (suspect, _), change in zip(views, assemble(context, [v for _, v in views]), strict=True):
        _first_name(found, suspect, change)
    return found


def _first_name(found: dict[EntityRef, str], suspect: Suspect, change: Change) -> None:
    if change.by.name:
        found.setdefault(suspect.key, inline(change.by.name, 80))
