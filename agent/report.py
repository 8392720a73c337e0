"""The report of an investigation: what happened, why, whom it touches, what to do, what was ruled out and what could not be seen."""

from __future__ import annotations

from collections.abc import Sequence

from agent.blast import affected
from agent.culprit import Culprit, cited, culprit, did, door, sentence
from agent.evidence import Citations, inline
from agent.incident import Evidence, Suspect
from agent.investigation import Conclusion, Coverage, Report, Rollback, RuledOut
from agent.narrative import minute
from agent.not_seen import not_seen
from agent.remedy import long_term, mitigation
from agent.rollback import rollback
from agent.scene import Scene
from agent.timeline import timeline
from graph.clock import SECOND, Instant
from graph.lexicon import things

RULED_OUT = 8
STRONG = -1.0
"""Evidence of this weight or less rules a suspect out (the odds fall to a third or less)."""
_REASONS = 2
_LINKS = 8
_COMPONENTS = frozenset({"Service", "Resource", "Block", "Api", "System"})

Weighed = tuple[Suspect, float, Sequence[Evidence]]


def report(
    scene: Scene,
    ranked: Sequence[Weighed],
    verdict: Conclusion,
    citations: Citations,
    *,
    coverage: Sequence[Coverage] = (),
    back: Rollback | None = None,
) -> Report:
    """The report in parts. `ranked` are all suspects with probability and evidence, likeliest first; `coverage` tells how far each source was read.

    `back` is the rollback of the first suspect, when it is known already.
    """
    first = ranked[0] if ranked else None
    told = first if first is not None and (verdict != "no_cause_found" or first[0].kind == "external") else None
    cause = culprit(scene, told[0], citations) if told is not None else None
    if cause is not None and back is None:
        back = rollback(scene, cause.suspect, citations)
    moments, cut = timeline(scene, cause, [s for s, _, _ in ranked[:8]], citations)
    reached, more = affected(scene, cause.suspect, citations) if cause is not None else ((), False)
    return Report(
        timeline=moments,
        root_cause=_root_cause(scene, cause, told, first, verdict, citations),
        chain=_chain(scene, cause) if cause is not None else (),
        blast_radius=reached,
        mitigation=mitigation(scene, cause, back, verdict),
        long_term_fix=long_term(scene, cause, back),
        ruled_out=_ruled_out(ranked, cause.suspect if cause is not None else None, citations),
        not_seen=not_seen(scene, coverage, _kinds(ranked)),
        truncated=cut or more,
    )


# -- the root cause


def _root_cause(
    scene: Scene,
    cause: Culprit | None,
    told: Weighed | None,
    first: Weighed | None,
    verdict: Conclusion,
    citations: Citations,
) -> str:
    """A paragraph: what changed from what to what, by whom, by which door, when it arrived, how it leads to the symptom, how sure that is."""
    if cause is None or told is None:
        return _nothing_found(first, citations)
    suspect, probability, evidence = told
    sentences: list[str] = []
    if suspect.kind == "external":
        sentences.append(
            f"Nothing of ours is found to have caused it; the likeliest is outside ({_percent(probability)}):"
        )
    elif verdict != "cause_found":
        sentences.append(
            f"Not sure enough to be called the cause; the likeliest of what is listed ({_percent(probability)}):"
        )
    sentences += _what(cause, citations)
    sentences += _when(scene, cause, citations)
    if suspect.mechanism:
        sentences.append(f"How it leads to the symptom: {sentence(suspect.mechanism)}.")
    sentences += [
        cited(sentence(one.reason), [citations.cite(s) for s in one.said[:3]])
        for one in _strongest(evidence, supports=True)
    ]
    if verdict == "cause_found":
        sentences.append(f"After all evidence its probability is {_percent(probability)}.")
    return " ".join(sentences)


def _nothing_found(first: Weighed | None, citations: Citations) -> str:
    if first is None:
        return "No cause was found: nothing that is known took effect in the window and lies near the symptom."
    suspect, probability, evidence = first
    cites = [citations.cite(s) for s in suspect.said[:1]]
    text = cited(
        f"No cause was found in what is known. The likeliest of what is listed, “{inline(suspect.title, 120)}”, has {_percent(probability)}",
        cites,
    )
    against = _strongest(evidence, supports=False)[:1]
    return " ".join([text, *(cited(sentence(e.reason), [citations.cite(s) for s in e.said[:2]]) for e in against)])


def _what(cause: Culprit, citations: Citations) -> list[str]:
    suspect = cause.suspect
    cites = list(cause.main.citations) if cause.main is not None else [citations.cite(s) for s in suspect.said[:2]]
    if suspect.change is None:
        means = suspect.at_means or "came about"
        return [cited(f"{sentence(suspect.title)}: {means} on {minute(suspect.at)}", cites)]
    by = inline(cause.by, 80)
    text = did(cause)
    text = f"{by} {text}" if by else f"Somebody unknown {text}" if cause.main is not None else text
    way = door(cause)
    return [cited(f"{text}{f', {way}' if way else ''}", cites)]


def _when(scene: Scene, cause: Culprit, citations: Citations) -> list[str]:
    suspect, symptom = cause.suspect, scene.symptom
    if suspect.change is None:
        return [f"That was {_span(symptom.at - suspect.at)} before the symptom was detected."]
    before = f", {_span(symptom.at - suspect.at)} before the symptom was detected"
    cites = [citations.cite(s.said) for s in cause.arrivals if s.at == suspect.at][:1]
    where = inline(symptom.environment, 40)
    if symptom.environment in suspect.reached or not symptom.environment:
        place = where or inline(cause.environment, 40)
        to = f" {'to' if suspect.at_means in ('applied', 'deployed') else 'in'} {place}" if place else ""
        return [cited(f"It {_verb(suspect)}{to} on {minute(suspect.at)}{before}", cites)]
    unknown = f"; when it reached {where}, no source tells" if suspect.expected or suspect.merged_at is not None else ""
    return [cited(f"It {_verb(suspect)} on {minute(suspect.at)}{before}{unknown}", cites)]


def _verb(suspect: Suspect) -> str:
    means = suspect.at_means or "happened"
    return means if means == "happened" else f"was {means}"


def _strongest(evidence: Sequence[Evidence], *, supports: bool) -> list[Evidence]:
    """The strongest evidence on one side, the strongest first."""
    verdict = "supports" if supports else "refutes"
    some = [e for e in evidence if e.verdict == verdict and e.reason]
    return sorted(some, key=lambda e: (-abs(e.weight), e.check))[:_REASONS]


# -- the chain


def _chain(scene: Scene, cause: Culprit) -> tuple[str, ...]:
    """From the cause to the symptom, link by link, each by what people call it."""
    suspect = cause.suspect
    by = inline(cause.by, 80)
    own = inline(cause.main.target.label, 120) if cause.main is not None and cause.main.target is not None else ""
    links = [inline(f"{by} {did(cause)}" if by and suspect.change is not None else did(cause), 240)]
    via = list(reversed(suspect.place.via)) if suspect.place is not None else []
    start = [suspect.target] if suspect.target is not None else []
    anchors = [a.ref for a in scene.symptom.anchors if a.ref.kind in _COMPONENTS][:1]
    wanted = list(dict.fromkeys([*start, *via, *anchors]))
    seen = {t.ref: t for t in things(scene.store, wanted, scene.view)}
    for ref in wanted:
        found = seen.get(ref)
        if found is None:
            continue
        where = found.text("environment")
        label = inline(found.label, 120) + (f" ({inline(where, 40)})" if where and ref.kind == "Resource" else "")
        said_already = len(links) == 1 and inline(found.label, 120) == own
        if label != links[-1] and not said_already:
            links.append(label)
    if len(links) > _LINKS:
        links = [*links[:3], "…", *links[-(_LINKS - 4) :]]
    return (*links, inline(scene.symptom.text, 160))


# -- what was ruled out


def _ruled_out(ranked: Sequence[Weighed], cause: Suspect | None, citations: Citations) -> tuple[RuledOut, ...]:
    """Suspects with strong evidence against them, the likeliest of them first."""
    found: list[RuledOut] = []
    for suspect, _, evidence in ranked:
        against = [e for e in evidence if e.verdict == "refutes" and e.weight <= STRONG]
        if not against or (cause is not None and suspect.key == cause.key):
            continue
        worst = min(against, key=lambda e: (e.weight, e.check))
        cites = [citations.cite(s) for s in (*suspect.said[:1], *worst.said[:2])]
        found.append(
            RuledOut(
                label=inline(suspect.title, 160),
                why=sentence(worst.reason) + ".",
                citations=tuple(dict.fromkeys(cites)),
            )
        )
        if len(found) == RULED_OUT:
            break
    return tuple(found)


def _kinds(ranked: Sequence[Weighed]) -> frozenset[str]:
    """Kinds of the entities under which the suspects are known."""
    return frozenset(r.kind for s, _, _ in ranked for r in (s.change, *s.also) if r is not None)


def _percent(probability: float) -> str:
    if 0 < probability < 0.01:
        return "less than 1%"
    return f"{min(round(probability * 100), 99) if probability < 1 else 100}%"


def _span(length: Instant) -> str:
    """A length of time in words: `6 minutes`, `3 hours`, `2 days`."""
    minutes = max(0, length) // (60 * SECOND)
    for size, name in ((2 * 1_440, "day"), (120, "hour"), (1, "minute")):
        if minutes >= size:
            count = minutes // {"day": 1_440, "hour": 60, "minute": 1}[name]
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "less than a minute"
