"""What every check is made of: a question, and a function that weighs all suspects at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.evidence import inline
from agent.incident import Evidence, Suspect
from graph.clock import DAY, SECOND, Instant, rfc3339
from graph.model import EntityRef
from graph.store import Provenance

if TYPE_CHECKING:
    from agent.scene import Scene

MINUTE: Instant = 60 * SECOND
HOUR: Instant = 3_600 * SECOND
NEGLIGIBLE = 0.05
"""Weights nearer to zero than this say nothing either way."""
_CITED = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one suspect. Without a weight there was nothing to judge by."""

    weight: float | None
    reason: str
    said: tuple[Provenance, ...] = ()


Findings = Mapping[EntityRef, Finding]


def found(weight: float, reason: str, said: Iterable[Provenance | None] = ()) -> Finding:
    """Something that was found, as far as it weighs; what says so is told once each, the first few."""
    return Finding(weight, reason, tuple(dict.fromkeys(p for p in said if p is not None))[:_CITED])


def nothing(reason: str, said: Iterable[Provenance | None] = ()) -> Finding:
    """Nothing to judge by, and why. It never counts against anything."""
    return Finding(None, reason, tuple(dict.fromkeys(p for p in said if p is not None))[:_CITED])


@dataclass(slots=True)
class Asking:
    """A check: satisfies `agent.scene.Check`. `by` may leave suspects out, who then have no data; their order never matters."""

    name: str
    asks: str
    cost: float
    power: float
    by: Callable[[Scene, Sequence[Suspect]], Findings]
    kinds: frozenset[str] | None = None

    def weigh(self, scene: Scene, suspects: Sequence[Suspect]) -> Mapping[EntityRef, Evidence]:
        """Evidence by suspect's key, for each of the suspects."""
        asked = [one for _, one in sorted({s.key: s for s in suspects}.items())]
        findings: Findings = self.by(scene, asked) if asked else dict[EntityRef, Finding]()
        return {s.key: self._evidence(findings.get(s.key)) for s in asked}

    def _evidence(self, of: Finding | None) -> Evidence:
        if of is None:
            return Evidence(self.name, "no_data", 0.0, f"Nothing is known of {self.asks}.")
        if of.weight is None:
            return Evidence(self.name, "no_data", 0.0, of.reason, of.said)
        weight = round(of.weight, 4)
        if abs(weight) < NEGLIGIBLE:
            return Evidence(self.name, "inconclusive", 0.0, of.reason, of.said)
        return Evidence(self.name, "supports" if weight > 0 else "refutes", weight, of.reason, of.said)


# -- words of a reason


def clock(at: Instant, near: Instant) -> str:
    """A moment in a sentence: `14:02 UTC`, with its date when that is not the date of `near`."""
    text = rfc3339(at)
    return f"{text[11:16]} UTC" if text[:10] == rfc3339(near)[:10] else f"{text[:10]} {text[11:16]} UTC"


def span(length: Instant) -> str:
    """How long: `40 s`, `12 min`, `3.5 h`, `2 days`."""
    length = abs(length)
    if length < 90 * SECOND:
        return f"{length // SECOND} s"
    if length < 90 * MINUTE:
        return f"{round(length / MINUTE)} min"
    if length < 48 * HOUR:
        hours = length / HOUR
        return f"{hours:.1f}".removesuffix(".0") + " h"
    return f"{round(length / DAY)} days"


def quoted(text: str, limit: int = 80) -> str:
    """A source's own words in a sentence."""
    return f"“{inline(text, limit)}”"


def titled(suspect: Suspect) -> str:
    """What to call a suspect in a sentence."""
    return quoted(suspect.title) if suspect.title.strip() else "it"


def listed(names: Iterable[str], most: int = 3) -> str:
    """Names in a sentence: `a, b, c and 2 more`."""
    known = list(dict.fromkeys(n for n in names if n))
    shown = known[:most]
    if len(known) > most:
        return f"{', '.join(shown)} and {len(known) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def many(count: int, one: str) -> str:
    """`1 alert`, `3 alerts`."""
    return f"{count} {one}" if count == 1 else f"{count} {one}s"


def refs_of(suspect: Suspect) -> tuple[EntityRef, ...]:
    """Every ref of the suspect's change."""
    return tuple(dict.fromkeys(r for r in (suspect.change, *suspect.also) if r is not None))


def by_change(suspects: Sequence[Suspect]) -> dict[EntityRef, list[EntityRef]]:
    """Change ref -> keys of the suspects that it belongs to, in order."""
    keys: dict[EntityRef, list[EntityRef]] = {}
    for suspect in suspects:
        for ref in refs_of(suspect):
            keys.setdefault(ref, []).append(suspect.key)
    return keys
