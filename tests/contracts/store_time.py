"""The store contract: what arrives, and what holds when."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from graph.clock import LATEST
from graph.errors import BatchRefused
from graph.model import Assertion, EntityRef, Quarantined, Withdrawal
from graph.store import GraphStore, View
from tests.contracts.facts import ALL, NOW, SLACK, at, batch, block, denies, entity, relation, says

A, B = block("a"), block("b")


def name_of(store: GraphStore, view: View, ref: EntityRef = A) -> object:
    """The entity's `name` in a view; None when it is not there."""
    found = store.entity(ref, view)
    return found.properties.get("name") if found is not None else None


def named(name: str, since: int, *, until: int | None = None, seen: int | None = None) -> Assertion:
    return says(entity(A, name=name), since, until=until, seen=seen)


class TimeContract:
    # -- apply

    def test_an_empty_store_knows_nothing(self, store: GraphStore) -> None:
        assert store.entity(A, NOW) is None
        assert store.record() == 0
        assert store.cursor("git", "org/name") is None
        assert list(store.dump()) == []

    def test_a_batch_is_stored_with_its_cursor_and_gets_the_next_record_number(self, store: GraphStore) -> None:
        first = store.apply(batch(named("x", 1), cursor="one"))
        second = store.apply(batch(named("y", 2)))
        assert (first.record, first.applied, second.record) == (1, True, 2)
        assert first.rows_written > 0
        assert store.cursor("git", "org/name") == "one"
        assert store.cursor("git", "other") is None
        assert store.record() == 2

    def test_the_same_batch_again_changes_nothing(self, store: GraphStore) -> None:
        one = batch(named("x", 1), cursor="one")
        store.apply(one)
        before = list(store.dump())
        again = store.apply(one)
        assert (again.record, again.applied, again.rows_written) == (1, False, 0)
        assert list(store.dump()) == before

    def test_the_same_id_with_other_facts_is_refused(self, store: GraphStore) -> None:
        store.apply(batch(named("x", 1), id="b"))
        with pytest.raises(BatchRefused) as caught:
            store.apply(batch(named("y", 1), id="b"))
        assert caught.value.hint
        assert name_of(store, NOW) == "x"

    def test_a_refused_batch_leaves_nothing_behind(self, store: GraphStore) -> None:
        store.apply(batch(named("x", 1), snapshot=(5, 5), cursor="one"))
        before = list(store.dump())
        with pytest.raises(BatchRefused):
            store.apply(batch(named("y", 6), says(entity(B), 6), snapshot=(6, 4), cursor="two"))
        assert list(store.dump()) == before
        assert store.cursor("git", "org/name") == "one"
        assert store.record() == 1

    def test_known_facts_in_another_batch_write_no_rows(self, store: GraphStore) -> None:
        store.apply(batch(named("x", 1), says(relation("DEPENDS_ON", A, B), 1)))
        again = store.apply(batch(named("x", 1), says(relation("DEPENDS_ON", A, B), 1)))
        assert (again.applied, again.rows_written) == (True, 0)

    def test_the_record_clock_numbers_batches_by_when_they_came(self, store: GraphStore) -> None:
        store.apply(batch(named("x", 1)))
        assert store.record(at=0) == 0
        assert store.record(at=LATEST) == 1

    # -- the world's clock

    def test_a_fact_holds_from_its_beginning_until_just_before_its_end(self, store: GraphStore) -> None:
        store.apply(batch(named("x", 10, until=20)))
        assert [name_of(store, at(t)) for t in (9, 10, 19, 20)] == [None, "x", "x", None]

    def test_a_fact_without_an_end_holds_now_and_one_that_ended_does_not(self, store: GraphStore) -> None:
        store.apply(batch(named("x", 10), says(entity(B, name="b"), 10, until=20)))
        assert (name_of(store, NOW), name_of(store, NOW, B)) == ("x", None)

    def test_a_fact_whose_end_lies_ahead_of_the_wall_clock_holds_now(self, store: GraphStore) -> None:
        store.apply(batch(named("x", 10, until=LATEST)))
        assert name_of(store, NOW) == "x"

    def test_the_next_assertion_ends_a_fact(self, store: GraphStore) -> None:
        store.apply(batch(named("x", 10)))
        store.apply(batch(named("y", 20)))
        assert [name_of(store, at(t)) for t in (10, 19, 20)] == ["x", "x", "y"]

    def test_a_later_end_does_not_revive_an_earlier_fact(self, store: GraphStore) -> None:
        store.apply(batch(named("x", 10), named("y", 20, until=30)))
        assert [name_of(store, at(t)) for t in (19, 29, 30, 40)] == ["x", "y", None, None]

    def test_a_late_fact_ends_at_the_next_assertion(self, store: GraphStore) -> None:
        store.apply(batch(named("y", 20)))
        store.apply(batch(named("x", 10)))
        assert [name_of(store, at(t)) for t in (9, 10, 19, 20, 30)] == [None, "x", "x", "y", "y"]

    def test_a_late_fact_ends_at_an_end_that_was_redundant_when_it_came(self, store: GraphStore) -> None:
        store.apply(batch(named("x", 10, until=15)))
        store.apply(batch(denies(entity(A), 20)))
        store.apply(batch(named("y", 17)))
        assert [name_of(store, at(t)) for t in (16, 17, 19, 20)] == [None, "y", "y", None]

    def test_the_order_of_arrival_does_not_matter(self, empty_store: Callable[[], GraphStore]) -> None:
        facts = [named("x", 10), named("y", 20, until=25), denies(entity(A), 40), named("z", 30), named("x", 15)]
        answers: list[list[object]] = []
        for order in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3]):
            store = empty_store()
            for index in order:
                store.apply(batch(facts[index]))
            answers.append([name_of(store, at(t)) for t in range(9, 42)])
        assert answers[0] == answers[1] == answers[2]

    def test_of_two_assertions_at_one_moment_the_later_observed_wins(
        self, empty_store: Callable[[], GraphStore]
    ) -> None:
        first, second = named("x", 10, seen=50), named("y", 10, seen=40)
        for order in ((first, second), (second, first)):
            store = empty_store()
            for fact in order:
                store.apply(batch(fact))
            assert name_of(store, at(10)) == "x"

    def test_a_tie_is_broken_by_content_and_not_by_arrival(self, empty_store: Callable[[], GraphStore]) -> None:
        first, second = named("x", 10), named("y", 10)
        winners = set[object]()
        for order in ((first, second), (second, first)):
            store = empty_store()
            for fact in order:
                store.apply(batch(fact))
            winners.add(name_of(store, at(10)))
        assert len(winners) == 1

    def test_an_interval_of_equal_content_is_one_statement_from_the_first_source_place(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A, name="x"), 20, locator="second")))
        store.apply(batch(says(entity(A, name="x"), 10, locator="first"), named("y", 30)))
        found = store.entity(A, at(25))
        assert found is not None
        (one,) = found.statements
        assert (one.valid_from, one.valid_to, one.provenance.locator) == (10, 30, "first")

    def test_an_interval_stays_one_when_a_later_fact_ends_it(self, store: GraphStore) -> None:
        store.apply(batch(named("x", 10)))
        store.apply(batch(named("x", 20)))
        for later in (40, 30):
            store.apply(batch(named("y", later)))
        for moment in (15, 25):
            found = store.entity(A, at(moment))
            assert found is not None
            assert [(one.valid_from, one.valid_to) for one in found.statements] == [(10, 30)]

    # -- our clock

    def test_an_earlier_record_sees_what_was_known_then(self, store: GraphStore) -> None:
        store.apply(batch(named("x", 10)))
        store.apply(batch(named("y", 10, seen=20)))
        store.apply(batch(named("z", 5)))
        assert [name_of(store, at(10, known_at=k)) for k in (0, 1, 2, 3)] == [None, "x", "y", "y"]
        assert [name_of(store, at(7, known_at=k)) for k in (2, 3)] == [None, "z"]
        assert name_of(store, at(None, known_at=1)) == "x"

    def test_history_lists_versions_newest_first_as_known(self, store: GraphStore) -> None:
        store.apply(batch(named("x", 10), named("y", 20), named("y", 25), named("z", 30, until=40)))
        store.apply(batch(named("w", 35)))
        known = [(s.properties["name"], s.valid_from, s.valid_to) for s in store.history(A, NOW, ALL).items]
        assert known == [("w", 35, None), ("z", 30, 35), ("y", 20, 30), ("x", 10, 20)]
        before = [(s.properties["name"], s.valid_to) for s in store.history(A, at(29, known_at=1), ALL).items]
        assert before == [("y", 30), ("x", 20)]

    # -- snapshots and silence

    def test_a_complete_snapshot_ends_what_it_does_not_hold(self, store: GraphStore) -> None:
        store.apply(batch(named("x", 10), says(entity(B, name="b"), 10), snapshot=10))
        store.apply(batch(says(entity(B, name="b"), 20), snapshot=20))
        assert [name_of(store, at(t)) for t in (19, 20)] == ["x", None]
        assert name_of(store, NOW, B) == "b"

    def test_a_snapshot_without_news_writes_no_rows(self, store: GraphStore) -> None:
        store.apply(batch(named("x", 10), says(entity(B), 10), snapshot=10))
        assert store.apply(batch(named("x", 20), says(entity(B), 20), snapshot=20)).rows_written == 0
        assert store.apply(batch(named("x", 10, seen=30), says(entity(B), 10, seen=30), snapshot=30)).rows_written == 0

    def test_a_late_fact_ends_at_the_next_snapshot_where_the_old_state_resumes(self, store: GraphStore) -> None:
        store.apply(batch(named("x", 10), snapshot=10))
        store.apply(batch(named("x", 20), snapshot=20))
        store.apply(batch(named("y", 15)))
        assert [name_of(store, at(t)) for t in (14, 15, 19, 20)] == ["x", "y", "y", "x"]

    def test_a_late_new_key_ends_at_the_next_snapshot_that_does_not_hold_it(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(B), 20), snapshot=20))
        store.apply(batch(named("x", 15)))
        assert [name_of(store, at(t)) for t in (15, 19, 20)] == ["x", "x", None]

    def test_an_older_snapshot_lands_in_the_past_and_holds_until_the_next(self, store: GraphStore) -> None:
        store.apply(batch(named("x", 10), says(entity(B, name="b"), 10), snapshot=10))
        store.apply(batch(named("x", 30), says(entity(B, name="b"), 30), snapshot=30))
        store.apply(batch(named("y", 20), snapshot=20))
        assert [name_of(store, at(t)) for t in (19, 20, 29, 30)] == ["x", "y", "y", "x"]
        assert [name_of(store, at(t), B) for t in (19, 20, 29, 30)] == ["b", None, None, "b"]

    def test_a_snapshot_ends_only_in_its_own_source_and_scope(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A, name="git"), 10), scope="org/one"))
        store.apply(batch(says(entity(B, name="chat"), 10), source=SLACK))
        store.apply(batch(snapshot=20, scope="org/two"))
        assert (name_of(store, NOW), name_of(store, NOW, B)) == ("git", "chat")

    def test_a_snapshot_covers_every_label_of_its_scope(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A, name="x"), 10, label="ops")))
        store.apply(batch(snapshot=20))
        assert [name_of(store, at(t, "ops")) for t in (19, 20)] == ["x", None]

    def test_a_batch_that_is_no_snapshot_ends_nothing(self, store: GraphStore) -> None:
        store.apply(batch(named("x", 10)))
        store.apply(batch(says(entity(B), 20)))
        assert name_of(store, NOW) == "x"

    @pytest.mark.parametrize("pair", [(20, 9), (5, 11), (10, 11), (11, 10)])
    def test_a_snapshot_whose_generation_and_time_disagree_is_refused(
        self, store: GraphStore, pair: tuple[int, int]
    ) -> None:
        store.apply(batch(named("x", 10), snapshot=(10, 10)))
        with pytest.raises(BatchRefused):
            store.apply(batch(snapshot=pair))
        assert name_of(store, NOW) == "x"

    def test_one_sources_silence_or_end_does_not_remove_anothers_fact(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A, name="git"), 10)))
        store.apply(batch(says(entity(A, name="chat"), 10), source=SLACK, snapshot=10))
        store.apply(batch(source=SLACK, snapshot=20))
        assert name_of(store, at(25)) == "git"

    # -- taking back

    def test_a_withdrawn_statement_is_gone_and_its_predecessor_goes_on(self, store: GraphStore) -> None:
        store.apply(batch(named("x", 10), named("y", 20), named("z", 30)))
        store.apply(batch(withdrawals=(Withdrawal(entity(A).key, 20),)))
        assert [name_of(store, at(t)) for t in (19, 20, 29, 30)] == ["x", "x", "x", "z"]
        assert name_of(store, at(20, known_at=1)) == "y"

    def test_the_withdrawn_statement_does_not_come_back_with_a_redelivery_but_with_a_later_observation(
        self, store: GraphStore
    ) -> None:
        store.apply(batch(named("x", 10)))
        store.apply(batch(withdrawals=(Withdrawal(entity(A).key, 10),)))
        store.apply(batch(named("x", 10)))
        assert name_of(store, NOW) is None
        store.apply(batch(named("x", 10, seen=50)))
        assert name_of(store, NOW) == "x"

    def test_withdrawing_what_was_never_said_changes_nothing(self, store: GraphStore) -> None:
        store.apply(batch(named("x", 10)))
        taken_back = (Withdrawal(entity(A).key, 11), Withdrawal(entity(B).key, 1), Withdrawal("nonsense", 1))
        store.apply(batch(withdrawals=taken_back))
        assert name_of(store, NOW) == "x"

    def test_a_join_that_is_taken_back_parts_again_and_an_earlier_record_still_sees_it(self, store: GraphStore) -> None:
        join = relation("SAME_AS", A, B, rule="same arn")
        store.apply(batch(named("x", 1), says(entity(B, size=2), 1), says(join, 5)))
        store.apply(batch(withdrawals=(Withdrawal(join.key, 5),)))
        joined, parted = store.entity(A, at(6, known_at=1)), store.entity(A, at(6))
        assert joined is not None
        assert parted is not None
        assert (joined.refs, dict(joined.properties)) == ((A, B), {"name": "x", "size": 2})
        assert (parted.refs, dict(parted.properties)) == ((A,), {"name": "x"})

    # -- quarantine

    def test_an_end_that_is_not_after_the_beginning_is_quarantined_and_the_rest_stored(self, store: GraphStore) -> None:
        store.apply(batch(named("x", 10, until=10), says(entity(B, name="b"), 10)))
        assert (name_of(store, at(10)), name_of(store, at(10), B)) == (None, "b")
        (row,) = store.status().quarantine
        assert row.reason

    def test_the_sources_own_quarantine_is_kept_newest_first(self, store: GraphStore) -> None:
        store.apply(batch(quarantined=(Quarantined("a.tf:1", "does not parse"),)))
        store.apply(batch(quarantined=(Quarantined("b.tf:2", "too large"), Quarantined("c.tf:3", "binary"))))
        status = store.status(quarantine_rows=2)
        assert [(row.locator, row.reason, row.record) for row in status.quarantine] == [
            ("c.tf:3", "binary", 2),
            ("b.tf:2", "too large", 2),
        ]
        assert status.scopes[0].quarantined == 3

    def test_scopes_are_told_by_source_and_scope_as_the_status_tells_them(self, store: GraphStore) -> None:
        assert store.scopes() == ()
        for scope, cursor, fresh in (("b", "c1", 5), ("a", None, None), ("b", None, 9), ("b", "c2", 7)):
            store.apply(batch(scope=scope, fresh_until=fresh, cursor=cursor))
        told = [(s.source, s.scope, s.cursor, s.fresh_until, s.batches, s.quarantined) for s in store.scopes()]
        assert told == [("git", "a", None, None, 1, 0), ("git", "b", "c2", 9, 3, 0)]
        assert store.scopes() == store.status().scopes
