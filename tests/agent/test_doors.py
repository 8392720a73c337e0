"""How an audited change came about: by an apply, by a service of the cloud, or by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.ask import ask
from agent.doors import Door, doors
from agent.model import Answer
from graph.model import Entity, EntityRef
from graph.store import ChangeQuery, GraphStore, Limits, View
from graph.stores import open_store
from ingest import names
from tests.agent.test_reach import NOW, Estate

PUBLIC_VIEW = View()
ACCOUNT = "111111111111"
OTHER_ACCOUNT = "222222222222"


def arn(name: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:rds:eu-west-1:{account}:db:{name}"


@pytest.fixture
def store() -> Iterator[GraphStore]:
    with open_store("sqlite://:memory:") as opened:
        yield opened


@pytest.fixture
def estate(store: GraphStore) -> Estate:
    """A managed database in prod, and one in staging; in the cloud both are called by their ARNs."""
    estate = Estate(store)
    estate.instance("aws_db_instance.main", "prod", arn=arn("main"))
    estate.instance("aws_db_instance.main", "staging", arn=arn("main", OTHER_ACCOUNT))
    return estate


MANAGED = names.cloud_resource(arn("main"))
UNMANAGED = names.cloud_resource(arn("somebodys"))


def unmanaged(estate: Estate) -> EntityRef:
    estate.say(
        "aws", "inventory", 0, arn("somebodys"), Entity(UNMANAGED, {"type": "aws_db_instance", "name": "somebodys"})
    )
    return UNMANAGED


def pipeline(estate: Estate) -> EntityRef:
    return estate.account("GitHubActions", system="aws", bot=True)


def person(estate: Estate) -> EntityRef:
    return estate.account("Bob Baker", system="aws")


def door(estate: Estate, event: EntityRef) -> Door:
    page = estate.store.changes(ChangeQuery(changes=[event]), PUBLIC_VIEW, Limits())
    (found,) = doors(estate.store, PUBLIC_VIEW, page.items).values()
    return found


def by_hand(estate: Estate) -> Answer:
    return ask(estate.store, "what was changed by hand?", now=NOW)


def shown(estate: Estate) -> list[str]:
    """The ids of the events that are told as made by hand."""
    return [c.change.id for c in by_hand(estate).changes]


@pytest.mark.parametrize("via", ["terraform", "sdk", "unknown"])
def test_the_pipelines_role_inside_an_apply_is_explained_by_it(estate: Estate, via: str) -> None:
    applied = estate.apply("a1", 10.5, started=10)
    event = estate.call("e1", 10.2, MANAGED, via=via, by=pipeline(estate))
    found = door(estate, event)
    assert (found.explained_by, found.by_hand, found.managed, found.environment) == (applied, False, True, "prod")
    assert not found.outside_code
    assert shown(estate) == []


@pytest.mark.parametrize("via", ["console", "cli", "unknown"])
def test_a_person_in_the_console_during_an_apply_is_by_hand(estate: Estate, via: str) -> None:
    estate.apply("a1", 10.5, started=10)
    event = estate.call("e1", 10.2, MANAGED, via=via, by=person(estate))
    found = door(estate, event)
    assert (found.explained_by, found.by_hand, found.outside_code) == (None, True, True)
    answer = by_hand(estate)
    assert [(c.by.name, c.door, c.outside_code) for c in answer.changes] == [("Bob Baker", via, True)]
    assert "cloudtrail:e1" in {c.locator for c in answer.citations}


@pytest.mark.parametrize("minutes_after", [-12, 12])
def test_the_pipelines_role_outside_of_every_apply_is_explained_by_none(estate: Estate, minutes_after: float) -> None:
    estate.apply("a1", 10.5, started=10)
    at = 10 + minutes_after / 60 if minutes_after < 0 else 10.5 + minutes_after / 60
    found = door(estate, estate.call("e1", at, MANAGED, via="terraform", by=pipeline(estate)))
    assert (found.explained_by, found.by_hand) == (None, True)


def test_clocks_may_differ_by_a_minute(estate: Estate) -> None:
    applied = estate.apply("a1", 10.5, started=10)
    for n, at in enumerate((10 - 1 / 60, 10.5 + 1 / 60)):
        found = door(estate, estate.call(f"e{n}", at, MANAGED, via="terraform", by=pipeline(estate)))
        assert found.explained_by == applied


def test_an_apply_to_another_environment_explains_nothing(estate: Estate) -> None:
    estate.apply("a1", 10.5, started=10, environment="staging")
    found = door(estate, estate.call("e1", 10.2, MANAGED, via="terraform", by=pipeline(estate)))
    assert (found.explained_by, found.by_hand, found.environment) == (None, True, "prod")


def test_a_failed_apply_explains_nothing(estate: Estate) -> None:
    estate.apply("a1", 10.5, started=10, outcome="failed")
    found = door(estate, estate.call("e1", 10.2, MANAGED, via="terraform", by=pipeline(estate)))
    assert found.explained_by is None


def test_a_deployment_of_a_service_is_no_apply(estate: Estate) -> None:
    estate.deploy("d1", 10.5, started=10)
    found = door(estate, estate.call("e1", 10.2, MANAGED, via="terraform", by=pipeline(estate)))
    assert found.explained_by is None


def test_a_state_that_soon_records_the_change_explains_it_where_no_apply_is_known(estate: Estate) -> None:
    recorded = estate.state(2, 10.5, estate.instance("aws_db_instance.main", "prod", arn=arn("main")))
    found = door(estate, estate.call("e1", 10.2, MANAGED, via="terraform", by=person(estate)))
    assert (found.explained_by, found.by_hand) == (recorded, False)
    late = door(estate, estate.call("e2", 7, MANAGED, via="terraform", by=person(estate)))
    assert (late.explained_by, late.by_hand) == (None, True)


def test_what_the_cloud_does_by_itself_is_neither_by_hand_nor_by_an_apply(estate: Estate) -> None:
    estate.apply("a1", 10.5, started=10)
    event = estate.call("e1", 10.2, MANAGED, via="service", action="rds:RebootDBInstance")
    found = door(estate, event)
    assert (found.via, found.explained_by, found.by_hand, found.outside_code) == ("service", None, False, False)
    estate.call("e2", 30, MANAGED, via="console", by=person(estate))
    assert shown(estate) == ["e2"]


def test_a_resource_that_no_code_manages_is_changed_by_hand_but_not_outside_of_code(estate: Estate) -> None:
    event = estate.call("e1", 10, unmanaged(estate), via="console", by=person(estate))
    found = door(estate, event)
    assert (found.managed, found.by_hand, found.outside_code) == (False, True, False)
    answer = by_hand(estate)
    assert [c.outside_code for c in answer.changes] == [False]
    assert "outside of the code" not in answer.text


def test_terraform_on_what_no_known_state_holds_is_not_by_hand(estate: Estate) -> None:
    event = estate.call("e1", 10, unmanaged(estate), via="terraform", by=person(estate))
    assert not door(estate, event).by_hand
    assert shown(estate) == []


@pytest.mark.parametrize(("shared", "environment"), [(False, "prod"), (True, "")])
def test_the_environment_of_an_unmanaged_resource_is_the_only_one_of_its_account(
    estate: Estate, shared: bool, environment: str
) -> None:
    staging = names.cloud_resource(arn("main", OTHER_ACCOUNT))
    for resource, account in ((MANAGED, ACCOUNT), (staging, ACCOUNT if shared else OTHER_ACCOUNT)):
        estate.say(
            "aws", "inventory", 0, "inventory", Entity(resource, {"type": "aws_db_instance", "account_id": account})
        )
    event = estate.call("e1", 10, unmanaged(estate), by=person(estate), account_id=ACCOUNT)
    assert door(estate, event).environment == environment


@pytest.mark.parametrize(
    ("question", "events"),
    [
        ("what was changed by hand in prod?", ["e2", "e1"]),
        ("what was changed by hand in staging?", ["e3"]),
        ("what did Bob Baker change by hand?", ["e3", "e1"]),
        ("what was changed by hand on 2026-03-03?", ["e2"]),
    ],
)
def test_manual_changes_are_asked_by_environment_person_and_day(
    estate: Estate, question: str, events: list[str]
) -> None:
    staging = names.cloud_resource(arn("main", OTHER_ACCOUNT))
    estate.call("e1", 10, MANAGED, by=person(estate))
    estate.call("e2", 30, MANAGED, via="cli", by=estate.account("Cid Cole", system="aws"))
    estate.call("e3", 60, staging, by=person(estate))
    answer = ask(estate.store, question, now=NOW)
    assert [c.change.id for c in answer.changes] == events, answer.text
