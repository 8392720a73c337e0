"""Words of symptoms and changes: identifiers whole and in parts, plain endings cut, and a revert spoken of by what it takes back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import log

from graph.text import text_tokens

_STOP_WORDS = (
    "a an the and or of to in on at by for from with without is are was were be been being it its this that these those "
    "there here as but not no if then than so do does did done can could should would will may might must have has had i "
    "we you he she they them our us my your their his her also just only very more most some any all each other into out "
    "up down over under again still yet now when where which who what why how due because about after before since until "
    "while via per etc revert reverts reverted reverting commit change changes changed patch"
)
_STOP = frozenset(_STOP_WORDS.split())
_CHUNK = re.compile(r"[^\s\"'`<>()\[\]{},;|=$@!?*&]+")
_SPLIT = re.compile(r"[/:]+")
_REVERT = re.compile(r"\s*revert(?:s|ed)?\b[\s:\"']*(.*?)[\"'.\s]*$", re.IGNORECASE | re.DOTALL)
_MOST_CHARS = 8_000
_MOST_SOUGHT = 80
_PART_CHARS, _PART_WORTH = 5, 0.6
K1, B = 1.2, 0.75


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """A word without the plainest English endings: `caches`, `cached` and `caching` become one.

    >>> [stem(w) for w in ("caches", "cached", "caching", "logos", "queries", "class")]
    ['cach', 'cach', 'cach', 'logo', 'query', 'class']
    """
    if len(word) <= 4:
        return word
    for ending, instead in (("ies", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: -len(ending)] + instead
            if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl":
                word = word[:-1]
            break
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


@lru_cache(maxsize=32_768)
def words(text: str) -> tuple[str, ...]:
    """The words of a text with repeats: stems without stop words, and the parts of paths and addresses that join several words."""
    text = text[:_MOST_CHARS]
    found = [
        stem(token)
        for token in text_tokens(text)
        if len(token) > 1 and token not in _STOP and not (len(token) < 3 and token.isdigit())
    ]
    for chunk in _CHUNK.findall(text):
        if "/" in chunk or ":" in chunk:
            parts = (part.strip("_.-#").casefold() for part in _SPLIT.split(chunk))
            found.extend(part for part in parts if len(part) > 3 and any(mark in part for mark in "._-"))
    return tuple(found)


@lru_cache(maxsize=32_768)
def path_words(paths: tuple[str, ...]) -> tuple[str, ...]:
    """The words of paths, and each file's name."""
    found: list[str] = []
    for path in paths:
        found.extend(words(path))
        found.append(path.casefold().rpartition("/")[2])
    return tuple(found)


def told(title: str, message: str) -> tuple[str, str]:
    """Title and message to compare with. A revert is spoken of by what it takes back: its reason is another incident's symptom."""
    found = _REVERT.match(title)
    return (found[1], found[1]) if found is not None else (title, message)


class Rarity:
    """How much each word of a symptom says, from how many changes hold it."""

    def __init__(self, sought: Iterable[str], documents: int, holding: Mapping[str, int]) -> None:
        self.words: Sequence[str] = sorted(set(sought))
        self.of: dict[str, float] = {
            word: max(0.01, log(1.0 + (documents - holding.get(word, 0) + 0.5) / (holding.get(word, 0) + 0.5)))
            for word in self.words
        }

    def bm25(self, texts: Sequence[Mapping[str, int]]) -> list[float]:
        """BM25 of the symptom in each text, lengths measured against these texts' mean."""
        lengths = [sum(text.values()) for text in texts]
        average = max(1.0, sum(lengths) / max(1, len(lengths)))
        return [
            sum(
                self.of[word] * text[word] * (K1 + 1.0) / (text[word] + K1 * (1.0 - B + B * length / average))
                for word in self.words
                if word in text
            )
            for text, length in zip(texts, lengths, strict=True)
        ]

    def likely(self, texts: Sequence[Mapping[str, int]]) -> list[float]:
        """How much each text says of the symptom when a part of a word counts, too: `wikidata` in `wikidatawiki`, once each."""
        sought = sorted(self.words, key=lambda word: (-self.of[word], word))[:_MOST_SOUGHT]
        every = sorted({word for text in texts for word in text if len(word) >= _PART_CHARS - 1})
        parts = {word: _holding(word, every) if len(word) >= _PART_CHARS else frozenset[str]() for word in sought}
        return [
            sum(
                self.of[word] if word in text else _PART_WORTH * self.of[word]
                for word in sought
                if word in text or not parts[word].isdisjoint(text)
            )
            for text in texts
        ]

    def rarest(self, text: Mapping[str, int]) -> tuple[float, str]:
        """The rarest shared word's rarity, and the word; 0 and empty when none is shared."""
        return max(((self.of[word], word) for word in self.words if word in text), default=(0.0, ""))


def _holding(word: str, every: Sequence[str]) -> frozenset[str]:
    return frozenset(
        other for other in every if word in other or (len(other) >= _PART_CHARS and word.startswith(other))
    )


def counted(*parts: Iterable[str]) -> Counter[str]:
    """Words of several parts, counted together."""
    found: Counter[str] = Counter()
    for part in parts:
        found.update(part)
    return found
