"""Did what it changed matter to the symptom? By the declared failure modes: attribute, sort of thing and direction against class of symptom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from agent.checks.described import described
from agent.checks.weighing import Asking, Finding, Findings, found, nothing
from agent.incident import Suspect
from agent.mechanism_table import UNKNOWN
from agent.mechanisms import CLASS_WORDS, Fit, explain

if TYPE_CHECKING:
    from agent.scene import Scene

FOR = 1.3
"""Nats per e-fold of fitness above not knowing: a change that fits perfectly is about four times as often the cause as one of unknown fit,
since of the changes on a path few touch what can show that way."""
AGAINST = 1.0
"""Nats per e-fold below: people find causes that no table has, so that a bad fit says less than a good one."""
FLOOR = -1.0
"""The least it says: what cannot matter at all is told by `cosmetic_only`, and is not to be counted twice."""


def _weigh(scene: Scene, suspects: Sequence[Suspect]) -> Findings:
    if not scene.symptom.classes:
        return {s.key: nothing("The symptom does not tell what sort of failure it is.", s.said[:1]) for s in suspects}
    known = described(scene, suspects)
    return {s.key: _judged(s, explain(scene.symptom, s, known.types, known.labels)) for s in suspects}


def _judged(suspect: Suspect, fit: Fit) -> Finding:
    said = [fit.said] if fit.said is not None else suspect.said[:1]
    if not fit.mechanism:
        return nothing("It is not told what it changed.", said)
    if not fit.expects and not fit.known:
        return nothing(f"{_sentence(fit.what)}; what that does is not known.", said)
    weight = weight_of(fit)
    if weight >= 0:
        return found(weight, f"{_sentence(fit.mechanism)}.", said)
    symptom = CLASS_WORDS[fit.symptom] if fit.symptom is not None else "the symptom"
    return found(weight, f"{_sentence(fit.what)}, which is hardly a way to {symptom}.", said)


def weight_of(fit: Fit) -> float:
    """The log likelihood ratio that a fit is worth."""
    ratio = math.log(max(fit.score, 0.01) / UNKNOWN)
    return FOR * ratio if ratio > 0 else max(AGAINST * ratio, FLOOR)


def _sentence(text: str) -> str:
    """With a capital letter where the first word is one of ours, and not a name."""
    first = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if first in ("the", "it", "only", "a") else text


CHECK = Asking("attribute_fit", "whether what it changed can show as this symptom", 1.0, 0.55, _weigh)
