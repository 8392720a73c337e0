"""What the repository's past says of a symptom's words: which paths such words were about, and what was undone for such reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import log, sqrt

from agent.prior.age import undone_in_time
from agent.prior.candidate import PastChange
from agent.prior.words import K1, Rarity, counted, path_words, told, words
from graph.clock import Instant

_ALIKE = 20
_REASONS = 10
_PATHS = 15
_TYPICAL_WORDS = 40.0
_NOISE = ("this reverts", 'revert "', "bug:", 'merge "')


@dataclass(frozen=True, slots=True)
class _Read:
    title: frozenset[str]
    words: Mapping[str, int]
    paths: frozenset[str]
    reason: Mapping[str, int]


@lru_cache(maxsize=16_384)
def _read(change: PastChange) -> _Read:
    title, _, _ = change.message.partition("\n")
    _, message = told(title, change.message)
    lines = change.undone_why.split("\n")[1:]
    reason = [line for line in lines if not line.casefold().startswith(_NOISE)]
    return _Read(
        frozenset(words(title)),
        Counter(words(message)),
        frozenset(path_words(change.paths)),
        counted(*(words(line) for line in reason)),
    )


class History:
    """Statistics over the changes before the window, for one symptom."""

    def __init__(self, past: Sequence[PastChange], sought: frozenset[str], at: Instant) -> None:
        self.past = past
        self._sought = sought
        self._at = at
        self._rows = [_read(change) for change in past]
        self.holding: Counter[str] = Counter()
        """How many past changes hold each sought word."""
        for row in self._rows:
            self.holding.update(sought & row.words.keys() | sought & row.paths)
        self._of_path: Counter[str] = Counter()
        for change in past:
            self._of_path.update(set(change.paths))

    def __len__(self) -> int:
        return len(self.past)

    def spoken_of(self, rarity: Rarity) -> dict[str, float]:
        """Path to how much the past changes that speak like the symptom touched it. Weights of those changes sum to 1."""
        scored = ((_score(row.words, rarity, self._sought, _TYPICAL_WORDS), i) for i, row in enumerate(self._rows))
        return self._profile(sorted((s for s in scored if s[0] > 0), key=lambda s: (-s[0], s[1]))[:_ALIKE])

    def undone_for(self, rarity: Rarity) -> dict[str, float]:
        """Path to how much it was touched by what was undone for reasons like the symptom."""
        place = {id(change): i for i, change in enumerate(self.past)}
        numbers = [place[id(change)] for change in undone_in_time(self.past, self._at) if change.undone_why]
        scored = ((_score(self._rows[i].reason, rarity, self._sought, 30.0), i) for i in numbers)
        return self._profile(sorted((s for s in scored if s[0] > 0), key=lambda s: (-s[0], s[1]))[:_REASONS])

    def touching(self, paths: Sequence[str], profile: Mapping[str, float]) -> tuple[float, str]:
        """How much these paths are those of the profile, and the path that says most; everyday paths say little."""
        if not profile:
            return 0.0, ""
        some = paths[:_PATHS]
        parts = [(profile[path] * self._path_rarity(path), path) for path in some if path in profile]
        return sum(part for part, _ in parts) / sqrt(max(1, len(some))), max(parts, default=(0.0, ""))[1]

    def risk(self, title: str) -> tuple[float, str]:
        """How much oftener changes with such words in their titles were undone than others (log odds, shared out over the
        words), and the word that says most. The word "revert" is none of them."""
        undone, kept, count = self._fates
        base = (count + 0.5) / max(1.0, len(self.past) - count + 0.5)
        expected = 4.0 * base / (1.0 + base)
        parts: list[tuple[float, str]] = []
        for word in sorted(set(words(title))):
            if word in undone or word in kept:
                bad = (undone[word] + expected) / (count + 0.5 + 4.0 * base)
                good = (kept[word] + 4.0 - expected) / (len(self.past) - count + 4.5)
                parts.append((log(bad / good), word))
        return sum(part for part, _ in parts) / sqrt(max(1, len(parts))), max(parts, default=(0.0, ""))[1]

    @cached_property
    def _fates(self) -> tuple[Counter[str], Counter[str], int]:
        """In how many titles of undone and of other changes each word stands, and how many were undone."""
        bad = {id(change) for change in undone_in_time(self.past, self._at)}
        undone: Counter[str] = Counter()
        kept: Counter[str] = Counter()
        for change, row in zip(self.past, self._rows, strict=True):
            (undone if id(change) in bad else kept).update(row.title)
        return undone, kept, len(bad)

    def _path_rarity(self, path: str) -> float:
        return log((len(self.past) + 1) / (self._of_path[path] + 1))

    def _profile(self, alike: Sequence[tuple[float, int]]) -> dict[str, float]:
        total = sum(score for score, _ in alike)
        found: dict[str, float] = {}
        for score, number in alike:
            some = self.past[number].paths[:_PATHS]
            for path in some:
                found[path] = found.get(path, 0.0) + score / total / sqrt(len(some))
        return found


def _score(text: Mapping[str, int], rarity: Rarity, sought: frozenset[str], typical: float) -> float:
    shared = sought & text.keys()
    if not shared:
        return 0.0
    length = sum(text.values())
    return sum(
        rarity.of[word] * text[word] * (K1 + 1.0) / (text[word] + K1 * (0.25 + 0.75 * length / typical))
        for word in sorted(shared)
    )
