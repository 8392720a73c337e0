"""Misspelled words of a mention, put right by the names a graph holds and the type words there are."""

from __future__ import annotations

from collections.abc import Mapping

from graph.vocabulary import Words, phrase_words

_SHORTEST = 4
_LONG = 7


def corrected(
    words: Words, vocabulary: Mapping[str, int], *, types: bool = True
) -> tuple[Words, tuple[tuple[str, str], ...]]:
    """The words with unknown ones replaced by what they probably are, and the replacements as (said, understood).

    Words that belong together (`load` `balancer`) or apart (`cratesio`) in the names are joined or split. Words that resemble
    nothing stay. `types` says whether type words count as known.
    """
    also = phrase_words() if types else frozenset[str]()
    out: list[str] = []
    changes: list[tuple[str, str]] = []
    i = 0
    while i < len(words):
        word = words[i]
        if word in vocabulary or word in also:
            out.append(word)
            i += 1
            continue
        if i + 1 < len(words) and word + words[i + 1] in vocabulary:
            out.append(word + words[i + 1])
            changes.append((f"{word} {words[i + 1]}", word + words[i + 1]))
            i += 2
            continue
        right = _split(word, vocabulary) or _nearest(word, vocabulary, also)
        out.extend(right or (word,))
        if right:
            changes.append((word, " ".join(right)))
        i += 1
    return tuple(out), tuple(changes)


def _split(word: str, vocabulary: Mapping[str, int]) -> Words:
    """The word as two that names hold, both of three letters or more."""
    cuts = [(word[:i], word[i:]) for i in range(2, len(word) - 1)]
    whole = [pair for pair in cuts if pair[0] in vocabulary and pair[1] in vocabulary and len(word) > 5]
    return max(whole, key=lambda pair: min(vocabulary[pair[0]], vocabulary[pair[1]])) if whole else ()


def _nearest(word: str, vocabulary: Mapping[str, int], types: frozenset[str]) -> Words:
    """The likeliest word within one slip, or two in a long word: the closest, of those the most frequent. Type words win a tie."""
    if len(word) < _SHORTEST:
        return ()
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    slips = 1 if len(word) < _LONG else 2
    found: list[tuple[int, bool, int, str]] = []
    for choices in (types, vocabulary):
        near = [c for c in choices if abs(len(c) - len(word)) <= slips and len(c) >= _SHORTEST]
        for right, distance, _ in process.extract(word, near, scorer=OSA.distance, score_cutoff=slips, limit=20):
            found.append((int(distance), choices is not types, -vocabulary.get(right, 0), right))
    return (min(found)[3],) if found else ()
