"""What speaks for a candidate, in sentences: "+1.3: shares the rare word `logo` with the symptom"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum

from agent.prior.features import Features
from agent.prior.words import stem
from graph.text import text_tokens

LEAST_POINTS = 0.05
"""Smaller contributions are not told."""

_ENOUGH_UNDONE = 10
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a feature, or some that mean one thing together, add to a candidate's log odds beside the window's average candidate."""

    feature: str
    value: float
    points: float
    sentence: str

    def __str__(self) -> str:
        return f"{self.points:+.1f}: {self.sentence}"


_FAMILIES: Mapping[str, str] = {
    "age_here": "age",
    "rank": "age",
    "gap": "age",
    "words": "words",
    "soft": "words",
    "message": "words",
    "words_z": "words",
    "dense": "meaning",
    "dense_age": "meaning",
}
"""Features that only mean something together are told as one; the others stand for themselves."""

# What speaks for a candidate beside the average one, and against it.
_SENTENCES: Mapping[str, tuple[str, str]] = {
    "age": (
        "came {ago} before the symptom, {rank_minus_one} changes after it{usual}",
        "came {ago} before the symptom, {rank_minus_one} changes after it{usual}",
    ),
    "words": ("shares words with the symptom: {shared}", "shares fewer words with the symptom than others do"),
    "meaning": (
        "its message means something like the symptom",
        "its message means something else than the symptom",
    ),
    "undone": ("had not been taken back before the symptom", "had been taken back before the symptom"),
    "spoken_of": (
        "touches {spoken_path}, of which earlier changes spoke in such words",
        "touches nothing of which earlier changes spoke in such words",
    ),
    "followed": (
        "no later change of the same files speaks of the same",
        "a later change of the same files speaks of the same, and may be the one",
    ),
    "risk": (
        "changes that speak of “{risk_word}” were undone here more often than others",
        "changes that speak like it were seldom undone here",
    ),
    "near": ("touches what the symptom's part is or depends on", "touches nothing that the symptom's part depends on"),
    "downstream": (
        "touches more than what depends on the symptom's part",
        "touches only what depends on the symptom's part",
    ),
    "fit": ("this kind of change makes such symptoms", "this kind of change seldom makes such symptoms"),
    "environment": (
        "reached the symptom's environment",
        "is not known to have reached the symptom's environment",
    ),
    "memory": ("a confirmed incident was like this", "no confirmed incident was like this"),
    "format_only": ("changed more than the form", "changed only the form, not the meaning"),
}


def contributions(
    features: Features, coefficients: Mapping[str, float], symptom: str = ""
) -> tuple[tuple[Contribution, ...], ...]:
    """By candidate: its contributions of at least `LEAST_POINTS` either way, the weightiest first. Words are told as `symptom` spells them."""
    written = {stem(token): token for token in text_tokens(symptom[:8_000])}
    count = len(features.rows)
    # fsum: the order of candidates must not show in the last digit.
    means = {name: fsum(row.get(name, 0.0) for row in features.rows) / count for name in coefficients}
    found: list[tuple[Contribution, ...]] = []
    for row, said in zip(features.rows, features.said, strict=True):
        spelled = _spelled(said, written)
        points: dict[str, float] = {}
        values: dict[str, float] = {}
        for name, weight in coefficients.items():
            value = row.get(name, 0.0)
            family = _FAMILIES.get(name, name)
            points[family] = points.get(family, 0.0) + weight * (value - means[name])
            values.setdefault(family, value)
        own = [
            Contribution(family, values[family], sum_, _sentence(family, speaks_for=sum_ > 0, said=spelled))
            for family, sum_ in points.items()
            if abs(sum_) >= LEAST_POINTS
        ]
        found.append(tuple(sorted(own, key=lambda c: (-abs(c.points), c.feature))))
    return tuple(found)


def _spelled(said: Mapping[str, str], written: Mapping[str, str]) -> dict[str, str]:
    shared = [written.get(word, word) for word in said.get("shared", "").split(", ")]
    return {**said, "word": written.get(said.get("word", ""), said.get("word", "")), "shared": ", ".join(shared)}


def _sentence(family: str, *, speaks_for: bool, said: Mapping[str, str]) -> str:
    above, below = _SENTENCES.get(family, (family, family))
    known = int(said.get("undone_count", "0"))
    typical = said.get("typical", "")
    usual = f"; half of what was undone here was so within {typical} changes" if known >= _ENOUGH_UNDONE else ""
    # Words of a symptom and paths are data: put in once, never read as a format.
    slots = {**said, "rank_minus_one": str(int(said.get("rank", "1")) - 1), "usual": usual}
    sentence = above if speaks_for else below
    return _SLOT.sub(lambda slot: slots.get(slot[1]) or ("" if slot[1] == "usual" else "something"), sentence)
