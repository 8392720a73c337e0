"""Jumps of a bill: what they are of, what they are asked as, and what an investigation of them may say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from agent.cost.bill import Bill, read_bill
from agent.cost.jumps import asked_at, find_jumps, is_found, symptom_of, told
from agent.investigation import AnchorItem, Cause, Investigation, Tree, Window
from agent.model import ChangeId
from agent.times import read_times
from graph.clock import DAY, instant
from graph.store import GraphStore, View
from graph.stores import open_store
from tests.agent.cost.bills import Billing

STEP = date(2026, 5, 20)


@pytest.fixture
def store() -> Iterator[GraphStore]:
    with open_store("sqlite://:memory:") as opened:
        yield opened


def bill(store: GraphStore, billing: Billing) -> Bill:
    billing.apply(store)
    return read_bill(store, View(), instant("2026-03-01"), instant("2026-06-09"))


def stepped(on: date) -> float:
    """Twelve dollars a day, thirty-two from 14:24 of a day on."""
    return 12 if on < STEP else 12 + 20 * 0.4 if on == STEP else 32


def test_a_step_names_service_environment_and_resource_and_the_hour_it_began(store: GraphStore) -> None:
    billing = Billing()
    billing.bill(
        "AmazonEC2", stepped, resource="i-0123456789abcdef0", environment="prod", usage_type="BoxUsage:m6i.4xlarge"
    )
    billing.bill("AmazonEC2", lambda day: 40, resource="i-00000000000000001", environment="prod")
    billing.bill("AmazonS3", lambda day: 9)
    (jump,) = find_jumps(bill(store, billing), "2026-05-01", "2026-06-09")
    assert jump.key == ("AmazonEC2", "prod", "i-0123456789abcdef0")
    assert (jump.first, jump.end, str(jump.expected), str(jump.actual)) == ("2026-05-20", None, "12", "32")
    assert (
        symptom_of(jump)
        == "cost of AmazonEC2 in prod for i-0123456789abcdef0 rose from 12.00 to 32.00 USD a day on 2026-05-20"
    )
    soon, end = asked_at(jump)
    assert abs(soon - instant("2026-05-20T17:24:00Z")) < 1_000_000
    assert end == instant("2026-05-21")


def test_only_jumps_that_begin_in_the_window_are_told(store: GraphStore) -> None:
    billing = Billing()
    billing.bill("AmazonEC2", stepped, environment="prod")
    whole = bill(store, billing)
    assert find_jumps(whole, "2026-05-21", "2026-06-09") == ()
    assert len(find_jumps(whole, "2026-05-20", "2026-05-21")) == 1


def test_taxes_and_credits_are_no_jumps(store: GraphStore) -> None:
    billing = Billing()
    billing.bill("AmazonEC2", stepped, line_type="tax")
    billing.bill("AmazonEC2", lambda day: -stepped(day), line_type="credit")
    billing.bill("AmazonS3", lambda day: 9)
    assert find_jumps(bill(store, billing), "2026-05-01", "2026-06-09") == ()


def test_a_last_day_that_is_not_billed_whole_is_no_fall(store: GraphStore) -> None:
    billing = Billing()
    billing.bill("AmazonEC2", lambda day: 3 if day == date(2026, 6, 8) else 30, environment="prod", estimated=True)
    assert find_jumps(bill(store, billing), "2026-05-01", "2026-06-09") == ()


def test_the_date_of_a_symptom_is_read_as_a_time_and_its_amounts_are_not(store: GraphStore) -> None:
    billing = Billing()
    billing.bill("AmazonEC2", stepped, environment="prod")
    (jump,) = find_jumps(bill(store, billing), "2026-05-01", "2026-06-09")
    times = read_times(symptom_of(jump), instant("2026-05-21"))
    began = times.since if times.since is not None else times.at
    assert began is not None
    assert instant("2026-05-20") - DAY <= began <= instant("2026-05-21")


def cause(rank: int, probability: float, **said: object) -> Cause:
    base: dict[str, object] = {"kind": "change", "change": ChangeId(kind="commit", id="a" * 40, repository="acme/infra"), "target": "Resource:1", "mechanism": "twice the size", "label": "Bigger machine", "by": "Ann", "at": "2026-05-20T14:24:00Z", "at_means": "applied"}  # fmt: skip
    return Cause(rank=rank, probability=probability, **(base | said))  # type: ignore[arg-type]


def investigation(verdict: str, *causes: Cause) -> Investigation:
    """Four days up to the jump, about `Resource:1`."""
    return Investigation(
        id="inv_1",
        symptom="s",
        detected_at="2026-05-20T17:24:00Z",
        window=Window(since="2026-05-16T17:24:00Z", until="2026-05-20T17:24:00Z"),
        verdict=verdict,  # type: ignore[arg-type]
        confidence=causes[0].probability,
        causes=causes,
        tree=Tree(nodes=(), steps=1, stopped="exhausted"),
        unnamed=0.1,
        anchors=(AnchorItem(ref="Resource:1", label="web", how="named in the symptom", confidence=0.95),),
    )


def test_a_cause_is_told_only_where_the_investigation_is_sure(store: GraphStore) -> None:
    billing = Billing()
    billing.bill("AmazonEC2", stepped, environment="prod")
    (jump,) = find_jumps(bill(store, billing), "2026-05-01", "2026-06-09")
    sure = told(jump, investigation("cause_found", cause(1, 0.9)))
    assert sure.cause == "Bigger machine, applied 2026-05-20 14:24 by Ann: twice the size"
    assert (sure.by, sure.verdict, sure.probability, sure.per_month) == ("Ann", "cause_found", 0.9, "608.00")
    unsure = told(jump, investigation("insufficient_evidence", cause(1, 0.5)))
    assert (unsure.cause, unsure.by, unsure.change, unsure.verdict) == ("", "", None, "insufficient_evidence")


def test_two_records_of_one_act_are_one_cause(store: GraphStore) -> None:
    event = {"kind": "manual", "at": "2026-05-20T14:20:00Z", "change": None}
    assert is_found(investigation("insufficient_evidence", cause(1, 0.6), cause(2, 0.3, **event)))
    assert not is_found(investigation("insufficient_evidence", cause(1, 0.6), cause(2, 0.3, **event, by="Bob")))
    assert not is_found(investigation("insufficient_evidence", cause(1, 0.6), cause(2, 0.3, target="Resource:2")))
    later = {**event, "at": "2026-05-20T18:20:00Z"}
    assert not is_found(investigation("insufficient_evidence", cause(1, 0.6), cause(2, 0.3, **later)))


def test_an_outside_cause_is_no_change(store: GraphStore) -> None:
    assert not is_found(investigation("cause_found", cause(1, 0.95, kind="external", change=None)))


def test_a_change_of_something_else_is_no_cause_however_likely(store: GraphStore) -> None:
    billing = Billing()
    billing.bill("AmazonEC2", stepped, environment="prod")
    (jump,) = find_jumps(bill(store, billing), "2026-05-01", "2026-06-09")
    other = investigation("cause_found", cause(1, 0.95, target="Deployment:2", target_label="search"))
    assert (told(jump, other).cause, told(jump, other).verdict) == ("", "insufficient_evidence")
    assert is_found(investigation("cause_found", cause(1, 0.95)))
    assert not is_found(investigation("cause_found", cause(1, 0.95, target="Deployment:2", target_label="search")))


def test_a_change_from_before_the_days_looked_at_is_no_cause(store: GraphStore) -> None:
    assert not is_found(investigation("cause_found", cause(1, 0.95, at="2026-05-13T10:00:00Z")))
    assert not is_found(investigation("cause_found", cause(1, 0.95, at=None)))
