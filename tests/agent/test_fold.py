"""One intent is told once: what a commit or a hand brought about is told with it, and what stands for itself stays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.ask import ask
from agent.fold import Folded, fold
from agent.lineage import changes_of
from agent.model import Answer
from graph.model import EntityRef, Relation
from graph.store import GraphStore, View
from graph.stores import open_store
from ingest import names
from tests.agent.test_reach import NOW, Estate

PUBLIC_VIEW = View()
ARN = "arn:aws:rds:eu-west-1:111111111111:db:main"
ADDRESS = "aws_db_instance.main"
PATH = "terraform/main.tf"
CLOUD = names.cloud_resource(ARN)
SIZE = "instance_class"


@pytest.fixture
def store() -> Iterator[GraphStore]:
    with open_store("sqlite://:memory:") as opened:
        yield opened


@pytest.fixture
def estate(store: GraphStore) -> Estate:
    return Estate(store)


def declared(estate: Estate) -> EntityRef:
    """The instance in prod, which the code of the repository declares and the cloud knows."""
    return estate.instance(ADDRESS, "prod", arn=ARN, of=estate.block(ADDRESS, PATH))


def apply(
    estate: Estate, n: int, at: float, instance: EntityRef, commit: str, before: str, after: str
) -> list[EntityRef]:
    """An apply of a commit with the serial that it recorded and the call that it made."""
    robot = estate.account("GitHubActions", system="aws", bot=True)
    change = ((SIZE, before, after),)
    estate.apply(f"a{n}", at + 0.2, started=at, commit=commit, by=estate.account("Rob Release", system="github"))
    return [
        estate.call(f"by pipeline {n}", at + 0.1, CLOUD, via="terraform", by=robot, action="rds:ModifyDBInstance", attributes=change),
        estate.state(n, at + 0.2, instance, attributes=change),
    ]  # fmt: skip


def commit(
    estate: Estate, name: str, position: int, at: float, before: str, after: str, by: str = "Ann Archer"
) -> EntityRef:
    return estate.commit(name, position, at, blocks={ADDRESS: PATH}, attributes=[(SIZE, before, after)], by=by)


def by_hand(estate: Estate, at: float, before: str, after: str, id_: str = "hand") -> EntityRef:
    bob = estate.account("Bob Baker", system="aws")
    change = [(SIZE, before, after)]
    return estate.call(id_, at, CLOUD, via="console", by=bob, action="rds:ModifyDBInstance", attributes=change)


def folded(estate: Estate, *targets: EntityRef) -> Folded:
    return fold(estate.store, PUBLIC_VIEW, changes_of(estate.store, targets, PUBLIC_VIEW, rows=100))


def kept(found: Folded) -> list[EntityRef]:
    """What is told for itself, newest first."""
    return [c.change for c in found.lineage.changes]


def carried(found: Folded, intent: EntityRef) -> list[EntityRef]:
    """What is told with it, oldest first."""
    return [c.change for (change, _), some in found.carried.items() if change == intent for c in some]


def who(estate: Estate) -> Answer:
    return ask(estate.store, f"who changed {ADDRESS} in prod?", now=NOW)


def test_commit_state_version_and_audit_event_of_one_apply_are_one_change(estate: Estate) -> None:
    instance = declared(estate)
    code = commit(estate, "Bigger", 1, 1, "small", "large")
    brought = apply(estate, 2, 3, instance, "Bigger", "small", "large")
    found = folded(estate, estate.block(ADDRESS, PATH), instance)
    assert kept(found) == [code]
    assert carried(found, code) == brought
    answer = who(estate)
    assert [(c.change.kind, c.by.name) for c in answer.changes] == [("commit", "Ann Archer")]
    assert [(r.environment, r.basis) for r in answer.changes[0].reached] == [("prod", "applied")]
    assert "cloudtrail:by pipeline 2" in {c.locator for c in answer.citations}, "what it did is cited with it"


def test_each_of_two_commits_has_what_its_own_apply_brought_about(estate: Estate) -> None:
    instance = declared(estate)
    first = commit(estate, "Bigger", 1, 1, "small", "large")
    of_first = apply(estate, 2, 3, instance, "Bigger", "small", "large")
    second = commit(estate, "Huge", 2, 30, "large", "huge", by="Cid Cole")
    of_second = apply(estate, 3, 33, instance, "Huge", "large", "huge")
    found = folded(estate, estate.block(ADDRESS, PATH), instance)
    assert kept(found) == [second, first]
    assert (carried(found, first), carried(found, second)) == (of_first, of_second)


def test_a_manual_edit_between_two_applies_stays_a_change_of_its_own(estate: Estate) -> None:
    instance = declared(estate)
    first = commit(estate, "Bigger", 1, 1, "small", "large")
    of_first = apply(estate, 2, 3, instance, "Bigger", "small", "large")
    hand = by_hand(estate, 20, "large", "huge")
    second = commit(estate, "Medium", 2, 30, "large", "medium", by="Cid Cole")
    of_second = apply(estate, 3, 33, instance, "Medium", "huge", "medium")
    found = folded(estate, estate.block(ADDRESS, PATH), instance)
    assert kept(found) == [second, hand, first]
    assert (carried(found, first), carried(found, hand), carried(found, second)) == (of_first, [], of_second)
    assert [c.by.name for c in who(estate).changes] == ["Cid Cole", "Bob Baker", "Ann Archer"]
    assert [c.outside_code for c in who(estate).changes] == [False, True, False]


def test_a_manual_edit_that_the_state_refreshes_soon_after_is_told_once_and_as_the_hands(estate: Estate) -> None:
    instance = declared(estate)
    commit(estate, "Bigger", 1, 1, "small", "large")
    apply(estate, 2, 3, instance, "Bigger", "small", "large")
    hand = by_hand(estate, 900, "large", "huge")
    seen = estate.state(3, 900.5, instance, attributes=[(SIZE, "large", "huge")])
    found = folded(estate, estate.block(ADDRESS, PATH), instance)
    assert kept(found)[0] == hand
    assert carried(found, hand) == [seen]
    assert who(estate).changes[0].by.name == "Bob Baker"


def test_the_apply_that_puts_a_manual_edit_back_is_not_credited_to_whoever_made_it(estate: Estate) -> None:
    instance = declared(estate)
    commit(estate, "Bigger", 1, 1, "small", "large")
    apply(estate, 2, 3, instance, "Bigger", "small", "large")
    hand = by_hand(estate, 900, "large", "huge")
    back = apply(estate, 3, 924, instance, "Bigger", "huge", "large")
    found = folded(estate, estate.block(ADDRESS, PATH), instance)
    assert carried(found, hand) == []
    assert not set(back) & set(carried(found, hand))


@pytest.mark.parametrize("written", ["large", "var.size"], ids=["literal", "variable"])
def test_who_put_a_manual_edit_back_is_who_started_the_apply(estate: Estate, written: str) -> None:
    instance = declared(estate)
    commit(estate, "Bigger", 1, 1, "small", written)
    apply(estate, 2, 3, instance, "Bigger", "small", "large")
    by_hand(estate, 900, "large", "huge")
    apply(estate, 3, 924, instance, "Bigger", "huge", "large")
    newest = who(estate).changes[0]
    assert newest.at.startswith("2026-04-09T12"), newest
    assert newest.by.name == "Rob Release", newest


def test_the_change_of_a_variable_explains_what_its_apply_did_to_the_instance(estate: Estate) -> None:
    instance = declared(estate)
    commit(estate, "Import", 1, 1, "", "var.size")
    estate.commit(
        "Bigger in prod", 2, 1_000, blocks={"variable.size": "terraform/prod.tfvars"}, attributes=[("value", "small", "large")],
        by="Cid Cole",
    )  # fmt: skip
    brought = apply(estate, 2, 1_003, instance, "Bigger in prod", "small", "large")
    answer = who(estate)
    assert answer.changes[0].by.name == "Cid Cole", answer.text
    assert answer.changes[0].title == "Bigger in prod"
    found = folded(estate, estate.block(ADDRESS, PATH), instance)
    cause = found.lineage.changes[0]
    assert cause.target == estate.block("variable.size", "terraform/prod.tfvars")
    assert carried(found, cause.change) == brought


def test_another_value_that_the_same_apply_carried_explains_nothing(estate: Estate) -> None:
    instance = declared(estate)
    commit(estate, "Import", 1, 1, "", "var.size")
    estate.commit(
        "More of them",
        2,
        1_000,
        blocks={"variable.count": "terraform/prod.tfvars"},
        attributes=[("value", "2", "3")],
        by="Cid Cole",
    )
    apply(estate, 2, 1_003, instance, "More of them", "small", "large")
    assert "Cid Cole" not in {c.by.name for c in who(estate).changes}


def test_the_change_of_a_variable_of_staging_explains_nothing_in_prod(estate: Estate) -> None:
    instance = declared(estate)
    commit(estate, "Import", 1, 1, "", "var.size")
    estate.commit(
        "Bigger in staging", 2, 1_000, blocks={"variable.size": "terraform/staging.tfvars"}, attributes=[("value", "small", "large")],
        by="Cid Cole",
    )  # fmt: skip
    apply(estate, 2, 1_003, instance, "Bigger in staging", "small", "large")
    assert "Cid Cole" not in {c.by.name for c in who(estate).changes}


def test_an_argument_of_the_module_call_explains_what_happened_to_an_instance_inside(estate: Estate) -> None:
    block = estate.block(ADDRESS, "modules/data/main.tf")
    instance = estate.instance(ADDRESS, "prod", arn=ARN, of=block)
    call = estate.commit(
        "Bigger", 2, 10, blocks={"module.data": PATH}, attributes=[("size", "small", "large")], by="Cid Cole"
    )
    around = Relation("CONFIGURES", estate.block("module.data", PATH), instance, {})
    estate.say("terraform_state", "states#prod", 0, "prod.tfstate@1", around)
    seen = estate.state(2, 12, instance, attributes=[(SIZE, "small", "large")])
    found = folded(estate, block, instance)
    assert kept(found) == [call]
    assert carried(found, call) == [seen]


def test_a_state_version_that_nothing_explains_stands_for_itself(estate: Estate) -> None:
    instance = declared(estate)
    code = commit(estate, "Bigger", 1, 1, "small", "large")
    later = estate.state(2, 24 * 40, instance, attributes=[("port", "5432", "5433")])
    found = folded(estate, estate.block(ADDRESS, PATH), instance)
    assert kept(found) == [later, code]
    assert carried(found, code) == []


def two_instances(estate: Estate) -> tuple[EntityRef, EntityRef, Folded]:
    """A manual edit in prod, the state version that recorded another change in staging half an hour later, and both folded."""
    block = estate.block(ADDRESS, PATH)
    prod, staging = declared(estate), estate.instance(ADDRESS, "staging", of=block)
    hand = by_hand(estate, 10, "large", "huge")
    other = estate.state(2, 10.5, staging, environment="staging", attributes=[(SIZE, "large", "huge")])
    return hand, other, folded(estate, block, prod, staging)


def test_what_happened_to_one_instance_is_not_folded_into_the_edit_of_another(estate: Estate) -> None:
    hand, other, found = two_instances(estate)
    assert kept(found)[0] == other
    assert carried(found, hand) == []


def test_a_manual_edit_stays_whatever_happened_to_another_instance_soon_after(estate: Estate) -> None:
    hand, other, found = two_instances(estate)
    assert kept(found) == [other, hand]
