"""The Neo4j store: the whole contract on a real server, random histories against replay, and the same dump as SQLite."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from graph.model import PUBLIC, FactBatch
from graph.store import GraphStore, Limits, PurgeSelector, View
from graph.stores.neo4j import Neo4jStore
from graph.stores.neo4j_text import FEW_VECTORS
from graph.stores.sqlite import SqliteStore
from tests import neo4j_server as harness
from tests.contracts.facts import batch, block, passage, says
from tests.contracts.store_contract import StoreContract
from tests.contracts.store_durability import Address
from tests.contracts.store_histories import (
    EMBEDDER,
    REFS,
    apply_to_both,
    assert_same_answers,
    assert_same_dump,
    crowded_histories,
    histories,
    vectors,
    views,
)
from tests.neo4j_server import Target
from tests.replay_store import ReplayStore

neo4j_server = harness.neo4j_server_fixture
neo4j_target = harness.neo4j_target

QUICK = settings(
    max_examples=12,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    deadline=None,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture),
)


def opened(target: Target) -> Neo4jStore:
    return Neo4jStore(target.uri, user=target.user, password=target.password, database=target.database)


class TestNeo4j(StoreContract):
    @pytest.fixture
    def address(self, neo4j_target: Target) -> Address:
        return Address(neo4j_target.uri, neo4j_target.user, neo4j_target.password, neo4j_target.database)

    @pytest.fixture
    def empty_store(self, neo4j_target: Target, address: Address) -> Iterator[Callable[[], GraphStore]]:
        """Each call wipes the one database there is: the store before it is done with."""
        with ExitStack() as stores:

            def empty() -> GraphStore:
                neo4j_target.wipe()
                return stores.enter_context(address.open())

            yield empty


@pytest.mark.parametrize("audience", [{PUBLIC}, {"few"}, {"few", PUBLIC}])
def test_the_nearest_of_many_vectors_are_those_of_an_exact_comparison(neo4j_target: Target, audience: set[str]) -> None:
    """The server's index is asked, and where it yields too few that the reader may see, all are compared."""
    draw = random.Random(1)
    texts = [passage(block(f"{i % 50}"), f"text {i}", slot=f"s{i}") for i in range(2 * FEW_VECTORS)]
    vectors = [(text.content_hash, [draw.gauss(0, 1) for _ in range(12)]) for text in texts]
    facts = [says(text, 1, label=PUBLIC if i % 20 else "few") for i, text in enumerate(texts)]
    view = View(audience=frozenset(audience))
    with opened(neo4j_target) as store, SqliteStore() as other:
        for one in (store, other):
            one.apply(batch(*facts))
            one.put_vectors("gauss", vectors)
        for rows, kinds in ((10, ()), (15, ("Block",)), (5, ("Commit",)), (1_000, ())):
            query = [draw.gauss(0, 1) for _ in range(12)]
            found, expected = (
                one.search_vector("gauss", query, view, Limits(rows), kinds=kinds) for one in (store, other)
            )
            assert [hit.slot for hit in found.items] == [hit.slot for hit in expected.items]
            assert [hit.score for hit in found.items] == pytest.approx([hit.score for hit in expected.items])
            assert found.cut == expected.cut


@given(batches=histories(), data=st.data())
@QUICK
def test_a_random_history_reads_as_its_replay_does_and_dumps_as_sqlite_does(
    neo4j_target: Target,
    batches: list[FactBatch],
    data: st.DataObject,
) -> None:
    neo4j_target.wipe()
    with opened(neo4j_target) as store, ReplayStore() as oracle, SqliteStore() as other:
        apply_to_both(store, oracle, batches)
        apply_to_both(other, ReplayStore(), batches)
        for one in (store, oracle, other):
            one.put_vectors(EMBEDDER, vectors())
        assert_same_dump(store, oracle)
        assert list(store.dump()) == list(other.dump())
        for _ in range(2):
            assert_same_answers(store, oracle, data.draw(views(oracle.record())))


@given(batches=crowded_histories())
@settings(QUICK, max_examples=25)
def test_a_crowded_timeline_dumps_as_its_replay_does(neo4j_target: Target, batches: list[FactBatch]) -> None:
    neo4j_target.wipe()
    with opened(neo4j_target) as store, ReplayStore() as oracle:
        apply_to_both(store, oracle, batches)
        assert_same_dump(store, oracle)


@given(batches=histories(), data=st.data())
@QUICK
def test_a_purge_in_a_random_history_leaves_what_a_replay_without_it_has(
    neo4j_target: Target,
    batches: list[FactBatch],
    data: st.DataObject,
) -> None:
    keys = [assertion.fact.key for batch in batches for assertion in batch.assertions]
    selector = PurgeSelector(
        refs=data.draw(st.lists(st.sampled_from(REFS), max_size=1)),
        fact_keys=data.draw(st.lists(st.sampled_from(keys), max_size=2)) if keys else (),
        source=data.draw(st.sampled_from([None, None, "git"])),
        scope=data.draw(st.sampled_from([None, None, "org/a"])),
    )
    middle = data.draw(st.integers(0, len(batches)))
    neo4j_target.wipe()
    with opened(neo4j_target) as store, ReplayStore() as oracle:
        apply_to_both(store, oracle, batches[:middle])
        for one in (store, oracle):
            one.put_vectors(EMBEDDER, vectors())
            one.purge(selector, "asked to")
        apply_to_both(store, oracle, batches[middle:])
        assert_same_dump(store, oracle)
        assert_same_answers(store, oracle, data.draw(views(oracle.record())))
