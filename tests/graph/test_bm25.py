"""Both ways to score give the same ranking to the last bit."""

from __future__ import annotations

import random
import sys

import pytest

from graph.bm25 import ENTRY, idf, passage_terms, query_terms, ranked


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


def test_nothing_is_ranked_without_postings_or_passages() -> None:
    assert list(ranked([], 5, 10)) == []
    assert list(ranked([b""], 5, 10)) == []
    assert list(ranked([ENTRY.pack(1, 1, 1)], 0, 0)) == []


def test_a_token_in_every_passage_still_counts_a_little() -> None:
    assert 0 < idf(10, 10) < idf(10, 1)


def test_terms_are_counted_and_queries_sorted_without_repeats() -> None:
    assert passage_terms("lb aws_lb.main lb") == ({"lb": 3, "aws_lb.main": 1, "aws": 1, "main": 1}, 6)
    assert query_terms("main lb main") == ["lb", "main"]
