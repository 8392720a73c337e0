"""BM25 over postings, the same to the last bit on every store.

Statistics belong to labels: how many passages a label has, how long they are together, and (as the length of a posting
list) how many hold a token. A reader's statistics are the sum over the labels they may read, so what is hidden shifts no
score. They count every passage that was ever recorded and not purged, so a past view ranks as a present one does.

Formula: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with an idf that is
never negative.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from math import log
from operator import itemgetter
from struct import Struct
from typing import TYPE_CHECKING, Protocol

from graph.text import text_tokens

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

K1 = 1.2
B = 0.75

_SHORT = 4_000
"""Postings that are read without looking for a way around them."""

ENTRY = Struct("<IHH")
"""One posting: number of the passage, how often it holds the token, and its length in tokens."""

_CAP = 65_535
_VECTORISE_FROM, _IMPORT_FROM = 2_000, 60_000
"""Postings from which numpy is the faster way, when it is loaded anyway and when it has to be loaded first."""


def passage_terms(text: str) -> tuple[dict[str, int], int]:
    """How often each token occurs, and the number of tokens, both as postings hold them."""
    tokens = text_tokens(text)
    counts = Counter(tokens)
    if len(tokens) > _CAP:
        counts = {token: min(count, _CAP) for token, count in counts.items()}
    return counts, min(len(tokens), _CAP)


def query_terms(query: str) -> list[str]:
    """The distinct tokens of a query in the order in which their scores are summed."""
    return sorted(set(text_tokens(query)))


def idf(documents: int, holding: int) -> float:
    """How much a token says that `holding` of `documents` passages hold."""
    return log(1.0 + (documents - holding + 0.5) / (holding + 0.5))


def weight(idf_: float, count: float, length: float, average: float) -> float:
    """What a token adds to a passage's score. `length` and `average` are in tokens."""
    return idf_ * (count * (K1 + 1.0)) / (count + K1 * (1.0 - B + B * length / average))


class TermPostings(Protocol):
    """The postings of one query term over all readable labels, read as far as needed."""

    @property
    def holding(self) -> int:
        """How many passages hold the term."""
        ...

    def all(self) -> bytes:
        """Every entry, packed as `ENTRY`."""
        ...

    def of(self, passages: Sequence[int]) -> bytes:
        """The entries of these passages only."""
        ...


def best(
    terms: Sequence[TermPostings], documents: int, total_length: int, wanted: int
) -> Iterator[tuple[float, list[int]]]:
    """As `ranked`, without reading long lists whose terms can no longer lift a passage among the best `wanted`.

    The rarest terms are read first. Once the `wanted`-th of what they found scores more than all other terms together
    could add, those only score what was found (Turtle and Flood, "Query evaluation: strategies and optimizations",
    1995). When more than that is read, everything is ranked.
    """
    terms = [term for term in terms if term.holding]
    found = _found_by_rare(terms, documents, total_length, wanted)
    if found is None:
        yield from ranked([term.all() for term in terms], documents, total_length)
        return
    passages, least = found
    average = max(total_length, 1) / documents
    chosen = [(idf(documents, term.holding), term.of(passages)) for term in terms]
    for score, group in _ranked_plainly(chosen, average):
        if score >= least:
            yield score, group
    for score, group in ranked([term.all() for term in terms], documents, total_length):
        if score < least:
            yield score, group


def _found_by_rare(
    terms: Sequence[TermPostings], documents: int, total_length: int, wanted: int
) -> tuple[list[int], float] | None:
    """Passages among which are all that score at least so much, from the rarest terms; None when that saves nothing."""
    if sum(term.holding for term in terms) < _SHORT or not documents:
        return None
    average = max(total_length, 1) / documents
    partial: dict[int, float] = {}
    rarest = sorted(terms, key=lambda term: term.holding)
    read = 0
    for number, term in enumerate(rarest[:-1], 1):
        read += term.holding
        if read > _SHORT:
            return None
        rarity = idf(documents, term.holding)
        for passage, count, length in ENTRY.iter_unpack(term.all()):
            partial[passage] = partial.get(passage, 0.0) + weight(rarity, count, length, average)
        rest = sum(idf(documents, other.holding) * (K1 + 1.0) for other in rarest[number:])
        if len(partial) >= wanted:
            least = sorted(partial.values(), reverse=True)[wanted - 1] * (1.0 - 1e-9)  # sums differ in the last digits
            if least > rest * (1.0 + 1e-9):
                return [passage for passage, score in partial.items() if score + rest >= least], least
    return None


def ranked(postings: Sequence[bytes], documents: int, total_length: int) -> Iterator[tuple[float, list[int]]]:
    """Passages that hold at least one token, best first, those of equal score together in ascending number.

    Args:
        postings: one for each query term in order, entries packed as `ENTRY`, over all readable labels.
        documents, total_length: the reader's statistics; `total_length` in tokens.
    """
    postings = [data for data in postings if data]
    if not postings or not documents:
        return iter(())
    average = max(total_length, 1) / documents
    weighed = [(idf(documents, len(data) // ENTRY.size), data) for data in postings]
    enough = _VECTORISE_FROM if "numpy" in sys.modules else _IMPORT_FROM
    if sum(map(len, postings)) < enough * ENTRY.size:
        return _ranked_plainly(weighed, average)
    return _ranked_in_bulk(weighed, average)


def _ranked_plainly(weighed: Sequence[tuple[float, bytes]], average: float) -> Iterator[tuple[float, list[int]]]:
    scores: dict[int, float] = {}
    for rarity, data in weighed:
        for passage, count, length in ENTRY.iter_unpack(data):
            scores[passage] = scores.get(passage, 0.0) + weight(rarity, count, length, average)
    ordered = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    for score, group in groupby(ordered, key=itemgetter(1)):
        yield score, [passage for passage, _ in group]


def _ranked_in_bulk(weighed: Sequence[tuple[float, bytes]], average: float) -> Iterator[tuple[float, list[int]]]:
    import numpy as np

    entry = np.dtype([("passage", "<u4"), ("count", "<u2"), ("length", "<u2")])
    lists = [(rarity, np.frombuffer(data, dtype=entry)) for rarity, data in weighed]
    size = max(int(one["passage"].max()) for _, one in lists) + 1
    scores = np.zeros(size)
    for rarity, one in lists:
        count, length = one["count"].astype(np.float64), one["length"].astype(np.float64)
        scores[one["passage"]] += rarity * (count * (K1 + 1.0)) / (count + K1 * (1.0 - B + B * length / average))
    passages = np.nonzero(scores)[0]
    yield from descending(passages, scores[passages])


def descending(
    numbers: NDArray[np.int64], scores: NDArray[np.float64], first: int = 256
) -> Iterator[tuple[float, list[int]]]:
    """Numbers by descending score, equal scores together in ascending number; sorts no more than is read."""
    import numpy as np

    while len(numbers):
        if len(numbers) > first:
            least = np.partition(scores, len(scores) - first)[len(scores) - first]
            head = scores >= least
            now, now_scores = numbers[head], scores[head]
            numbers, scores = numbers[~head], scores[~head]
        else:
            now, now_scores = numbers, scores
            numbers, scores = numbers[:0], scores[:0]
        order = np.lexsort((now, -now_scores))
        pairs = zip(now_scores[order].tolist(), now[order].tolist(), strict=True)
        for score, group in groupby(pairs, key=itemgetter(0)):
            yield score, [number for _, number in group]
        first *= 8
