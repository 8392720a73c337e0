"""Both ways to score give the same ranking to the last bit."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from itertools import islice

import pytest

from graph.bm25 import ENTRY, best, idf, passage_terms, query_terms, ranked


def _postings(seed: int, passages: int) -> tuple[list[bytes], int]:
    rng = random.Random(seed)
    lengths = [rng.randrange(1, 60) for _ in range(passages)]
    lists = [
        b"".join(ENTRY.pack(i, rng.randrange(1, 5), lengths[i]) for i in range(passages) if rng.random() < share)
        for share in (0.9, 0.4, 0.01)
    ]
    return lists, sum(lengths)


@pytest.mark.parametrize("seed", range(5))
def test_few_and_many_postings_are_scored_alike(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lists, total = _postings(seed, 6_000)
    with monkeypatch.context() as without:
        without.delitem(sys.modules, "numpy", raising=False)
        plain = list(ranked(lists, 6_000, total))
    import numpy as np

    assert np.__name__ in sys.modules
    assert list(ranked(lists, 6_000, total)) == plain
    assert [score for score, _ in plain] == sorted({score for score, _ in plain}, reverse=True)


class _Term:
    def __init__(self, data: bytes) -> None:
        self._entries = {ENTRY.unpack_from(data, at)[0]: data[at : at + 8] for at in range(0, len(data), 8)}
        self.holding = len(self._entries)
        self.read_all = False

    def all(self) -> bytes:
        self.read_all = True
        return b"".join(self._entries.values())

    def of(self, passages: Sequence[int]) -> bytes:
        return b"".join(self._entries[passage] for passage in passages if passage in self._entries)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("wanted", [1, 7, 40, 5_000])
def test_leaving_out_long_lists_changes_nothing_in_the_ranking(seed: int, wanted: int) -> None:
    lists, total = _postings(seed, 6_000)
    expected = list(ranked(lists, 6_000, total))
    assert list(best([_Term(data) for data in lists], 6_000, total, wanted)) == expected
    terms = [_Term(data) for data in lists]
    assert list(islice(best(terms, 6_000, total, wanted), wanted)) == expected[:wanted]


def test_the_lists_of_common_words_are_left_out_when_a_rare_one_decides() -> None:
    lists, total = _postings(1, 6_000)
    common = [_Term(b"".join(ENTRY.pack(i, 1, 20) for i in range(6_000))) for _ in "ab"]
    terms = [common[0], _Term(lists[2]), common[1]]
    assert len(list(islice(best(terms, 6_000, total, 5), 2))) == 2
    assert [term.read_all for term in terms] == [False, True, False]


def test_nothing_is_ranked_without_postings_or_passages() -> None:
    assert list(ranked([], 5, 10)) == []
    assert list(ranked([b""], 5, 10)) == []
    assert list(ranked([ENTRY.pack(1, 1, 1)], 0, 0)) == []


def test_a_token_in_every_passage_still_counts_a_little() -> None:
    assert 0 < idf(10, 10) < idf(10, 1)


def test_terms_are_counted_and_queries_sorted_without_repeats() -> None:
    assert passage_terms("lb aws_lb.main lb") == ({"lb": 3, "aws_lb.main": 1, "aws": 1, "main": 1}, 6)
    assert query_terms("main lb main") == ["lb", "main"]
