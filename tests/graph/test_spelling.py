from __future__ import annotations

import pytest

from graph.spelling import corrected

VOCABULARY = {"bastion": 3, "main": 9, "crates": 2, "io": 2, "healthcheck": 1, "web": 5}


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        (("bastoin",), ("bastion",)),
        (("mian",), ("main",)),
        (("cratesio",), ("crates", "io")),
        (("health", "check"), ("health", "check")),
        (("helth", "chek"), ("health", "check")),
        (("secruity", "gruop"), ("security", "group")),
        (("bastion", "web"), ("bastion", "web")),
    ],
)
def test_a_slip_is_put_right(said: tuple[str, ...], understood: tuple[str, ...]) -> None:
    assert corrected(said, VOCABULARY)[0] == understood


@pytest.mark.parametrize("word", ["xyzzy", "qq", "zzzzzzzzzzzz", "谁", "a" * 5_000])
def test_what_resembles_nothing_stays(word: str) -> None:
    assert corrected((word,), VOCABULARY) == ((word,), ())


def test_the_replacements_are_told() -> None:
    assert corrected(("the", "bastoin"), VOCABULARY)[1] == (("bastoin", "bastion"),)


def test_words_that_names_join_are_joined() -> None:
    assert corrected(("load", "blancer"), {"loadblancer": 1}, types=False)[0] == ("loadblancer",)
