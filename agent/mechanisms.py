"""Whether what a change did is a way to the symptom, and by which mechanism: the declared failure modes applied to one suspect."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from agent.evidence import inline
from agent.incident import Suspect, Symptom, SymptomClass
from agent.mechanism_table import HARMLESS, HARMLESS_KINDS, UNKNOWN, Rule, find_rule, fit_of
from agent.resource_groups import group_of
from agent.touches import Touch, touches
from graph.model import EntityRef
from graph.store import Provenance

BESIDE = 0.85
"""How much a piece of a change counts that touched another thing than the one nearest to the symptom."""
CLASS_WORDS: Mapping[SymptomClass, str] = MappingProxyType(
    {
        "errors": "failing requests",
        "latency": "slowness",
        "timeouts": "timeouts",
        "refused": "refused connections",
        "dns": "names that do not resolve",
        "tls": "TLS errors",
        "access_denied": "denied access",
        "authentication": "failing logins",
        "throttled": "throttling",
        "oom": "running out of memory",
        "crash_loop": "crashes",
        "disk": "full disks",
        "cpu": "a busy processor",
        "data": "wrong or missing data",
        "cost": "higher cost",
        "queue_lag": "a growing queue",
        "unscheduled": "things that find no place",
        "connections": "used up connections",
        "unavailable": "an outage",
        "build": "failing builds",
    }
)
"""What a class of symptom is called in a sentence."""

_FIELD = re.compile(r"\{(target|attribute|before|after)\}")
_NO_CLASS = 0.45
_ANYTHING = frozenset({"image", "code", "dependency", "config_data", "env_var", "feature_flag"})
_SHARE_OF_ANYTHING = 0.35
"""New versions and settings can show as nearly anything, and most changes are of that sort: that one fits says little."""
_GUESSED = 0.6
"""What counts no more than this was guessed from a path or a title."""
_CONDITIONS = frozenset({"expiry", "quota", "capacity", "external"})
_NOTHING: Mapping[EntityRef, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a suspect explains a symptom.

    Attributes:
        score: between 0 and 1; `UNKNOWN` is neither here nor there.
        mechanism: what changed and how that breaks things, one sentence without a full stop; empty when nothing is known.
        expects: what one would expect to see.
        known: whether the declared table speaks of it, and what changed is told and not guessed.
        what: the beginning of the mechanism: what changed.
        attribute: what was changed, as people say it; empty for a whole thing.
        symptom: the class of symptom that it fits best, empty when none was read.
        harmless: nothing that it touched can matter to what runs.
        kind: kind of attribute that was judged.
        target: what was touched.
        said: where that can be read.
    """

    score: float
    mechanism: str
    expects: str
    known: bool
    attribute: str = ""
    symptom: SymptomClass | None = None
    harmless: bool = False
    kind: str = ""
    target: EntityRef | None = None
    said: Provenance | None = None
    what: str = ""


NO_FIT = Fit(UNKNOWN, "", "", known=False)


def explain(
    symptom: Symptom,
    suspect: Suspect,
    types: Mapping[EntityRef, str],
    labels: Mapping[EntityRef, str] = _NOTHING,
) -> Fit:
    """How well what a suspect did explains a symptom: by the piece of it that fits best.

    Args:
        symptom: as read.
        suspect: a change with its `CHANGED` relations, or a condition.
        types: resource types of what it touched, as far as known.
        labels: what to call these.
    """
    if suspect.kind in _CONDITIONS:
        return _condition(symptom, suspect, types, labels)
    pieces = tuple(touches(suspect, types, labels))
    nearest = suspect.target if any(t.target == suspect.target for t in pieces) else None
    best: tuple[tuple[float, bool, bool, bool], _Judged] | None = None
    for piece in pieces:
        judged = _judged(symptom, piece, BESIDE if nearest is not None and piece.target != nearest else 1.0)
        # Of equal fits the one on the thing that is meant, and then the one that tells both values.
        rank = judged.score, judged.known, piece.target == nearest, piece.before.state == "value"
        if best is None or rank > best[0]:
            best = rank, judged
    return _in_words(best[1]) if best is not None else NO_FIT


@dataclass(frozen=True, slots=True)
class _Judged:
    """A piece of a change with its score; words are made for the best one only."""

    touch: Touch
    score: float
    rule: Rule | None = None
    symptom: SymptomClass | None = None

    @property
    def known(self) -> bool:
        return self.rule is not None and self.touch.strength > _GUESSED


def _judged(symptom: Symptom, touch: Touch, share: float) -> _Judged:
    found = find_rule(touch.kind, touch.group, touch.direction) if touch.kind else None
    if found is None:
        return _Judged(touch, UNKNOWN)
    rule, met = found
    raw, name = _raw(symptom, rule)
    if raw > UNKNOWN:
        raw = UNKNOWN + (raw - UNKNOWN) * met * (_SHARE_OF_ANYTHING if rule.kind in _ANYTHING else 1.0)
    score = UNKNOWN + (raw - UNKNOWN) * touch.strength
    if score > UNKNOWN:
        score = UNKNOWN + (score - UNKNOWN) * share
    return _Judged(touch, round(score, 4), rule, name)


def _in_words(judged: _Judged) -> Fit:
    touch, rule = judged.touch, judged.rule
    what = told(touch)
    if rule is None:
        return Fit(UNKNOWN, what, "", False, touch.shown, None, False, touch.kind, touch.target, touch.said, what)
    return Fit(
        score=judged.score,
        mechanism=f"{what}: {_filled(rule.mechanism, touch)}",
        expects=_filled(rule.expects, touch),
        known=judged.known,
        attribute=touch.shown,
        symptom=judged.symptom,
        harmless=rule.kind in HARMLESS_KINDS,
        kind=rule.kind,
        target=touch.target,
        said=touch.said,
        what=what,
    )


def _raw(symptom: Symptom, rule: Rule) -> tuple[float, SymptomClass | None]:
    """How well a rule fits the symptom's likeliest reading, and that reading. Doubt about the reading pulls towards not knowing."""
    best: tuple[float, SymptomClass] | None = None
    for read in symptom.classes:
        raw = read.confidence * fit_of(rule, read.name) + (1 - read.confidence) * UNKNOWN
        if best is None or raw > best[0]:
            best = raw, read.name
    if best is None:
        if rule.kind in HARMLESS_KINDS:
            return HARMLESS * 2, None
        return (_NO_CLASS if max(rule.fits.values(), default=0.0) >= 0.5 else UNKNOWN), None
    if rule.kind in HARMLESS_KINDS and not any(rule.fits.get(c.name, 0.0) > UNKNOWN for c in symptom.classes):
        return HARMLESS, best[1]
    return best


def _condition(
    symptom: Symptom, suspect: Suspect, types: Mapping[EntityRef, str], labels: Mapping[EntityRef, str]
) -> Fit:
    type_ = suspect.properties.get("type", "") or (types.get(suspect.target, "") if suspect.target else "")
    found = find_rule(suspect.kind, group_of(type_), "changed")
    if found is None:
        return NO_FIT
    rule, _ = found
    raw, name = _raw(symptom, rule)
    label = labels.get(suspect.target, "") if suspect.target else ""
    what = inline(suspect.mechanism or suspect.title or label or suspect.kind, 200)
    mechanism = what if suspect.mechanism else f"{what}: {_plain(rule.mechanism)}"
    said = suspect.said[0] if suspect.said else None
    return Fit(
        round(raw, 4), mechanism, _plain(rule.expects), True, "", name, False, suspect.kind, suspect.target, said
    )


def told(touch: Touch) -> str:
    """What a piece of a change did, as the beginning of a sentence."""
    label = inline(touch.label, 100)
    what = inline(touch.shown, 80)
    before, after = touch.before.text, touch.after.text
    match touch.kind, touch.direction:
        case (("format" | "comment"), _):
            return f"only the writing of {label} changed"
        case "moved", _:
            return f"{label} was moved or renamed"
        case (("document" | "test"), _):
            return f"{label} changed"
        case "alarm", ("created" | "deleted"):
            return f"{label} was {touch.direction}"
        case "whole", ("created" | "deleted"):
            return f"{label} was {touch.direction}"
        case "code", _:
            return f"the code in {label} changed"
        case "network_rule", "added" if not what:
            return f"{label} was created"
        case _:
            pass
    if not what:
        return f"{label} changed"
    if what.startswith("the entry "):
        return f"{what} was {'added to' if touch.direction == 'added' else 'taken out of'} {label}"
    thing = (
        label
        if what == label
        else f"{what} of {label}"
        if touch.path == touch.shown and " " not in what and not touch.group
        else f"the {what} of {label}"
    )
    if before and after:
        return f"{thing} went from {before} to {after}"
    if touch.direction == "added" and after:
        return f"{thing} was added: {after}"
    if touch.direction == "removed":
        return f"{thing} was taken away" + (f", it was {before}" if before else "")
    if after:
        return f"{thing} was set to {after}"
    return f"{thing} changed"


def _filled(template: str, touch: Touch) -> str:
    """A template with what is known; values are put in as they are and are never read as templates themselves."""
    values = {
        "target": inline(touch.label, 100),
        "attribute": inline(touch.shown, 80),
        "before": touch.before.text or "the former one",
        "after": touch.after.text or "the new one",
    }
    return _FIELD.sub(lambda found: values[found[1]], template)


def _plain(template: str) -> str:
    return _FIELD.sub("it", template)
