"""The bench that shuffles webhooks: a small run of it, and that it notices and reduces what depends on arrival."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from bench.permutations import NOW, Read, graph_after, in_order, read_all, reduced, shuffled, some
from bench.world_deliveries import Hook, counts, hooks_of, settings_of
from bench.worlds import write_world
from graph.model import Assertion, Entity, FactBatch, ref
from ingest.webhook import Delivery


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> list[Read]:
    directory = tmp_path_factory.mktemp("world") / "w"
    world = write_world(3, directory)
    return read_all(hooks_of(directory, NOW), settings_of(world.organisation))


def test_a_world_has_deliveries_of_every_sender_and_each_says_something(reads: list[Read], tmp_path: Path) -> None:
    said = counts([hook for hook, _ in reads])
    assert set(said) >= {"github", "gitlab", "slack", "alertmanager", "pagerduty", "deployments"}
    actions = {json.loads(hook.delivery.body).get("action") for hook, _ in reads if hook.sender == "github"}
    assert actions >= {"opened", "edited", "closed", "submitted", "published", "completed"}
    subtypes = {json.loads(h.delivery.body)["event"].get("subtype") for h, _ in reads if h.sender == "slack"}
    assert subtypes >= {"message_changed", "message_deleted"}


def test_shuffled_and_repeated_deliveries_one_at_a_time_give_the_same_graph(reads: list[Read]) -> None:
    random = Random(5)
    chosen = some(reads, 200, random)
    assert 150 <= len(chosen) <= 250
    expected = graph_after([[one] for one in chosen])
    assert len(expected) > 300
    for _ in range(4):
        order = [*chosen, *random.sample(chosen, len(chosen) // 2)]
        random.shuffle(order)
        assert graph_after([[one] for one in order]) == expected


def test_shuffling_keeps_every_delivery_and_repeats_half_of_them(reads: list[Read]) -> None:
    chunks = shuffled(reads, Random(1))
    ids = [hook.delivery.id for chunk in chunks for hook, _ in chunk]
    assert len(ids) == len(reads) + len(reads) // 2
    assert set(ids) == {hook.delivery.id for hook, _ in reads}


def test_deliveries_that_depend_on_their_arrival_are_found_and_reduced() -> None:
    thing = ref("File", "x")

    def told(n: int, title: str, observed_at: int) -> Read:
        fact = Entity(thing if title else ref("File", str(n)), {"path": title or str(n)})
        batch = FactBatch(f"b{n}", "x", "s", "x/1", [Assertion(fact, 1, observed_at, "here")])
        return Hook("x", Delivery(f"d{n}", "", b"{}", 0, {})), [batch]

    # Two that erase one another's statement of a moment: only what is first in time may do that.
    first, second = told(1, "a", 5), told(2, "b", 5)
    second = second[0], [replace(second[1][0], id="b1")]  # the same batch id with other content: refused
    reads = [first, *(told(n, "", 1) for n in range(10, 20)), second]
    wrong = [[one] for one in reversed(reads)]
    assert graph_after(wrong) != graph_after(in_order(wrong, reads))
    least = reduced(wrong, reads)
    assert {hook.delivery.id for chunk in least for hook, _ in chunk} == {"d1", "d2"}
