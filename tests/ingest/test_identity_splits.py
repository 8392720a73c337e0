"""Splits that stay, and why two names are one thing."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.clock import DAY, instant
from graph.model import Assertion, Entity, EntityRef, FactBatch, Relation, ref
from graph.store import GraphStore, View
from ingest.identity import split, unsplit, why_same
from ingest.source import SourceDataInvalid
from tests.ingest.identity_accounts import (
    NOW,
    SINCE,
    Told,
    forge,
    git,
    people,
    person_of,
    resolve,
    slack,
    store_at,
    tell,
)

WORK, HOME = git("jane@acme.io", "Jane Quinlan"), git("jane@home.org", "Jane Quinlan")
CHAT = slack("U01AAAAAA", "JQ", "jane@home.org")


def joined(directory: Path, *accounts: Told) -> GraphStore:
    """A store with these accounts, resolved."""
    store = store_at(directory)
    tell(store, accounts)
    resolve(store)
    return store


def test_two_that_were_split_are_two_persons_from_then_on(tmp_path: Path) -> None:
    with joined(tmp_path, WORK, HOME, CHAT) as store:
        assert len(people(store)) == 1
        store.apply(split(store, WORK.ref, HOME.ref, "ann", "two people", NOW))
        resolve(store, at=NOW + 1)
        assert people(store) == {frozenset({WORK.ref}), frozenset({HOME.ref, CHAT.ref})}
        assert resolve(store, at=NOW + 2) == []


def test_a_split_holds_through_other_accounts_as_well(tmp_path: Path) -> None:
    with joined(tmp_path, WORK, HOME) as store:
        store.apply(split(store, WORK.ref, HOME.ref, "ann", "two people", NOW))
        resolve(store, at=NOW + 1)
        bridge = slack("U02BBBBBB", "Jane Quinlan", "jane@acme.io", "jane@home.org")
        tell(store, [bridge])
        resolve(store, at=NOW + 2)
        assert person_of(store, WORK) != person_of(store, HOME)
        assert person_of(store, bridge) in {person_of(store, WORK), person_of(store, HOME)}
        assert resolve(store, at=NOW + 3) == []


def test_an_account_split_from_its_person_leaves_all_its_other_accounts(tmp_path: Path) -> None:
    with joined(tmp_path, WORK, HOME, CHAT) as store:
        person = person_of(store, WORK)
        assert person is not None
        store.apply(split(store, WORK.ref, person, "ann", "not her", NOW))
        resolve(store, at=NOW + 1)
        assert people(store) == {frozenset({WORK.ref}), frozenset({HOME.ref, CHAT.ref})}
        assert person_of(store, HOME) == person
        assert resolve(store, at=NOW + 2) == []


def test_of_two_accounts_the_one_split_from_the_person_never_keeps_it(tmp_path: Path) -> None:
    with joined(tmp_path, WORK, HOME) as store:
        person = person_of(store, WORK)
        assert person is not None
        for account in (WORK, HOME):
            with store_at(tmp_path, f"copy-{account.login}") as copy:
                tell(copy, [WORK, HOME])
                resolve(copy)
                copy.apply(split(copy, account.ref, person, "ann", "not her", NOW))
                resolve(copy, at=NOW + 1)
                other = HOME if account is WORK else WORK
                assert person_of(copy, other) == person
                assert person_of(copy, account) not in (None, person)


def test_two_persons_that_were_split_do_not_become_one(tmp_path: Path) -> None:
    one, other = forge("blueotter", "Jane Quinlan"), git("xy@home.org", "J")
    with joined(tmp_path, one, other) as store:
        first, second = person_of(store, one), person_of(store, other)
        assert first is not None
        assert second is not None
        store.apply(split(store, first, second, "ann", "different", NOW))
        tell(store, [git("xy@home.org", "Jane Quinlan")])
        resolve(store, at=NOW + 1)
        assert person_of(store, one) != person_of(store, other)


def test_what_was_split_can_be_taken_back(tmp_path: Path) -> None:
    with joined(tmp_path, WORK, HOME, CHAT) as store:
        person = person_of(store, WORK)
        store.apply(split(store, WORK.ref, HOME.ref, "ann", "two people", NOW))
        resolve(store, at=NOW + 1)
        store.apply(unsplit(store, HOME.ref, WORK.ref, NOW + 2))
        resolve(store, at=NOW + 3)
        assert people(store) == {frozenset({WORK.ref, HOME.ref, CHAT.ref})}
        assert person_of(store, WORK) == person
        again = split(store, WORK.ref, HOME.ref, "ann", "after all", NOW + 4)
        store.apply(again)
        resolve(store, at=NOW + 5)
        assert person_of(store, WORK) != person_of(store, HOME)
        assert not unsplit(store, WORK.ref, CHAT.ref, NOW + 6).withdrawals


def test_a_split_is_true_of_the_past_and_known_since_it_was_said(tmp_path: Path) -> None:
    with joined(tmp_path, WORK, HOME) as store:
        before = store.record()
        store.apply(split(store, WORK.ref, HOME.ref, "ann", "two people", NOW))
        resolve(store, at=NOW + 1)
        past = SINCE + DAY
        assert person_of(store, WORK, View(as_of=past)) != person_of(store, HOME, View(as_of=past))
        then = View(as_of=past, known_at=before)
        assert person_of(store, WORK, then) == person_of(store, HOME, then)


def test_one_ref_cannot_be_split_from_itself(tmp_path: Path) -> None:
    with joined(tmp_path, WORK) as store, pytest.raises(SourceDataInvalid):
        split(store, WORK.ref, WORK.ref, "ann", "", NOW)


class TestWhySame:
    def test_the_chain_names_rules_and_confidences(self, tmp_path: Path) -> None:
        with joined(tmp_path, WORK, HOME, CHAT) as store:
            why = why_same(store, WORK.ref, CHAT.ref, View())
            assert why.outcome == "joined"
            assert why.chain[0].src == WORK.ref
            assert why.chain[-1].dst == CHAT.ref
            assert {link.source for link in why.chain} == {"identity"}
            assert {link.rule for link in why.chain} <= {"own_account", "same_full_name", "same_mail"}
            assert why.confidence == 0.93
            assert why_same(store, CHAT.ref, WORK.ref, View()).confidence == why.confidence

    def test_a_split_says_who_and_why(self, tmp_path: Path) -> None:
        with joined(tmp_path, WORK, HOME) as store:
            store.apply(split(store, WORK.ref, HOME.ref, "ann", "two people", NOW))
            resolve(store, at=NOW + 1)
            why = why_same(store, WORK.ref, HOME.ref, View())
            assert (why.outcome, why.splits[0].by, why.splits[0].reason) == ("split", "ann", "two people")
            assert why.confidence == 0

    def test_two_people_are_named_as_two(self, tmp_path: Path) -> None:
        piet = git("piet@acme.io", "Piet Hoekstra")
        with joined(tmp_path, WORK, piet) as store:
            why = why_same(store, WORK.ref, piet.ref, View())
            assert why.outcome == "different_people"
            assert why.people == (person_of(store, WORK), person_of(store, piet))

    def test_what_is_not_there_is_unknown_and_one_ref_is_itself(self, tmp_path: Path) -> None:
        with joined(tmp_path, WORK) as store:
            assert why_same(store, WORK.ref, EntityRef("Account:none"), View()).outcome == "unknown"
            assert why_same(store, WORK.ref, WORK.ref, View()).outcome == "same_ref"

    def test_resources_have_chains_too_by_the_surest_way(self, tmp_path: Path) -> None:
        state, arn, note = (ref("Resource", name) for name in ("state one", "arn one", "note one"))
        at = instant("2026-01-01T00:00:00Z")

        def said(a: EntityRef, b: EntityRef, rule: str, confidence: float) -> Assertion:
            return Assertion(Relation("SAME_AS", a, b, {"rule": rule, "confidence": confidence}), at, at, "here")

        with store_at(tmp_path) as store:
            facts = [Assertion(Entity(one, {"name": one.id}), at, at, "here") for one in (state, arn, note)]
            joins = [said(state, arn, "state_arn", 1.0), said(note, arn, "named", 0.6), said(state, note, "guess", 0.3)]
            store.apply(FactBatch("b", "test", "t", "test/1", [*facts, *joins]))
            why = why_same(store, state, note, View())
            assert [link.rule for link in why.chain] == ["state_arn", "named"]
            assert why.confidence == 0.6
            store.apply(split(store, state, note, "ann", "no", NOW))
            assert why_same(store, state, note, View()).outcome == "joined"

    def test_things_joined_by_way_of_others_are_split_at_the_wrong_join(self, tmp_path: Path) -> None:
        one, between, other = (ref("Resource", name) for name in ("one 1", "two 2", "three 3"))
        at = instant("2026-01-01T00:00:00Z")
        with store_at(tmp_path) as store:
            joins = [
                Relation("SAME_AS", one, between, {"rule": "x"}),
                Relation("SAME_AS", between, other, {"rule": "y"}),
            ]
            facts = [Entity(r, {"name": r.id}) for r in (one, between, other)]
            store.apply(FactBatch("b", "t", "t", "t/1", [Assertion(f, at, at, "here") for f in (*facts, *joins)]))
            with pytest.raises(SourceDataInvalid) as refused:
                split(store, one, other, "ann", "no", NOW)
            assert "join" in refused.value.hint
            store.apply(split(store, one, between, "ann", "no", NOW))
            assert why_same(store, one, other, View()).outcome == "split"
            assert why_same(store, between, other, View()).outcome == "joined"
            alone = ref("Resource", "alone 4")
            store.apply(FactBatch("c", "t", "t", "t/1", [Assertion(Entity(alone, {"name": "x"}), at, at, "here")]))
            assert why_same(store, one, alone, View()).outcome == "nothing_joins"
