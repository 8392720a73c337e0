"""SQLite against the replay store."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph.model import FactBatch
from graph.store import PurgeSelector
from graph.stores.sqlite import SqliteStore
from tests.contracts.facts import ALL
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
from tests.replay_store import ReplayStore

QUICK = settings(
    max_examples=40, deadline=None, suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large)
)


@given(batches=histories(), data=st.data())
@QUICK
def test_a_random_history_reads_as_its_replay_does(batches: list[FactBatch], data: st.DataObject) -> None:
    with SqliteStore() as store, ReplayStore() as oracle:
        apply_to_both(store, oracle, batches)
        for one in (store, oracle):
            one.put_vectors(EMBEDDER, vectors())
        assert_same_dump(store, oracle)
        for _ in range(3):
            assert_same_answers(store, oracle, data.draw(views(oracle.record())))


@given(batches=crowded_histories(), data=st.data())
@settings(QUICK, max_examples=250)
def test_a_crowded_timeline_reads_as_its_replay_does(batches: list[FactBatch], data: st.DataObject) -> None:
    with SqliteStore() as store, ReplayStore() as oracle:
        apply_to_both(store, oracle, batches)
        assert_same_dump(store, oracle)
        for _ in range(4):
            view = data.draw(views(oracle.record()))
            assert store.entities(REFS, view) == oracle.entities(REFS, view)
            assert store.history(REFS[0], view, ALL) == oracle.history(REFS[0], view, ALL)
            assert store.search_text("open sg-0abc", view, ALL) == oracle.search_text("open sg-0abc", view, ALL)


@given(batches=histories(), data=st.data())
@QUICK
def test_a_purge_in_a_random_history_leaves_what_a_replay_without_it_has(
    batches: list[FactBatch], data: st.DataObject
) -> None:
    keys = [assertion.fact.key for batch in batches for assertion in batch.assertions]
    selector = PurgeSelector(
        refs=data.draw(st.lists(st.sampled_from(REFS), max_size=1)),
        fact_keys=data.draw(st.lists(st.sampled_from(keys), max_size=2)) if keys else (),
        source=data.draw(st.sampled_from([None, None, "git"])),
        scope=data.draw(st.sampled_from([None, None, "org/a"])),
    )
    middle = data.draw(st.integers(0, len(batches)))
    with SqliteStore() as store, ReplayStore() as oracle:
        apply_to_both(store, oracle, batches[:middle])
        for one in (store, oracle):
            one.put_vectors(EMBEDDER, vectors())
            one.purge(selector, "asked to")
        apply_to_both(store, oracle, batches[middle:])
        assert_same_dump(store, oracle)
        assert_same_answers(store, oracle, data.draw(views(oracle.record())))
