"""Pull requests that a text numbers."""

from __future__ import annotations

import time
from collections.abc import Generator

import pytest

from agent.anchors import repository_before, requests_in
from agent.context import Context
from agent.model import Question
from graph.model import Assertion, Entity, FactBatch, ref
from graph.store import GraphStore, View
from graph.stores import open_store
from tests.agent.world import NOW


@pytest.fixture(scope="module")
def store() -> Generator[GraphStore]:
    rows = tuple(
        Assertion(
            Entity(ref("PullRequest", name, "12"), {"repository": name, "number": 12, "title": "x"}), NOW, NOW, name
        )
        for name in ("acme/infra", "acme/shop")
    )
    with open_store("sqlite://:memory:") as opened:
        opened.apply(FactBatch("pulls", "github", "acme", "test/1", rows))
        yield opened


def named(store: GraphStore, text: str) -> set[str]:
    context = Context(store, Question("who_changed", text), View(), NOW, None, None, None)
    return {str(e.properties["repository"]) for e in requests_in(context, text)}


@pytest.mark.parametrize(
    ("text", "repositories"),
    [
        ("why #12?", {"acme/infra", "acme/shop"}),
        ("who approved PR 12", {"acme/infra", "acme/shop"}),
        ("pull request #12", {"acme/infra", "acme/shop"}),
        ("PR#12", {"acme/infra", "acme/shop"}),
        ("acme/infra#12", {"acme/infra"}),
        ("see (shop!12)", {"acme/shop"}),
        ("https://git.example/acme/infra#12", {"acme/infra"}),
        ("other/infra#12", set[str]()),
        ("incident #12", set[str]()),
        ("incident#12", set[str]()),
        ("PR 13", set[str]()),
        ("room 12", set[str]()),
        ("spr 12", set[str]()),
    ],
)
def test_a_number_with_its_mark_names_pull_requests_and_a_repository_narrows_them(
    store: GraphStore, text: str, repositories: set[str]
) -> None:
    assert named(store, text) == repositories


@pytest.mark.parametrize(
    ("text", "repository"),
    [
        ("acme/infra#1", "acme/infra"),
        ("a/b/c#1", "a/b/c"),
        ("/infra#1", "infra"),
        ("a//b#1", "b"),
        ("x a.b-c_d#1", "a.b-c_d"),
        ("a/123#1", ""),
        ("123#1", ""),
        ("#1", ""),
        (" #1", ""),
        ("größe#1", "größe"),
        ("a//b/c#1", "b/c"),
    ],
)
def test_a_repository_is_read_backwards_from_its_mark(text: str, repository: str) -> None:
    assert repository_before(text, text.index("#")) == repository


@pytest.mark.parametrize(
    "text",
    ["a" * 100_000, "a/" * 50_000, "a." * 50_000 + "#", "pr " * 30_000, "pr" + " #" * 50_000, "-" * 100_000 + "!x"],
)
def test_a_long_word_takes_no_longer_than_its_length(store: GraphStore, text: str) -> None:
    started = time.perf_counter()
    assert named(store, text) == set()
    assert time.perf_counter() - started < 1.0
