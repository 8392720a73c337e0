"""A bill is read by day, exactly, and added up by what it was for."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from agent.cost.amounts import plain
from agent.cost.bill import grouping, months, read_bill, team_of
from graph.clock import instant
from graph.model import Alias, Assertion, Entity, FactBatch, Relation, ref
from graph.store import GraphStore, View
from graph.stores import open_store
from tests.agent.cost.bills import Billing

VIEW = View()


@pytest.fixture
def store() -> Iterator[GraphStore]:
    with open_store("sqlite://:memory:") as opened:
        yield opened


def test_a_window_holds_its_days_and_no_others(store: GraphStore) -> None:
    billing = Billing()
    billing.bill("AmazonEC2", lambda day: "0.1")
    billing.apply(store)
    bill = read_bill(store, VIEW, instant("2026-03-30"), instant("2026-04-02"))
    assert bill.daily() == {d: Decimal("0.1") for d in ("2026-03-30", "2026-03-31", "2026-04-01")}
    assert bill.by(lambda c: c.service) == {"AmazonEC2": Decimal("0.3")}
    assert [p.locator for p in bill.said] == ["bill#2026-03", "bill#2026-04"]


def test_what_lies_after_the_moment_asked_about_is_not_seen(store: GraphStore) -> None:
    billing = Billing()
    billing.bill("AmazonEC2", lambda day: 1)
    billing.apply(store)
    bill = read_bill(store, View(as_of=instant("2026-04-03T12:00:00Z")), instant("2026-03-30"), instant("2026-05-01"))
    assert bill.last_day == "2026-04-03"


def test_currencies_are_named_and_estimated_months_marked(store: GraphStore) -> None:
    billing = Billing()
    billing.bill("AmazonEC2", lambda day: 1, days=31)
    billing.bill("AmazonEC2", lambda day: 1, days=31, region="eu")
    billing.bill("Compute", lambda day: 1, days=31, currency="EUR", estimated=True)
    billing.apply(store)
    bill = read_bill(store, VIEW, instant("2026-03-01"), instant("2026-04-01"))
    assert bill.currencies == ("USD", "EUR")
    assert bill.estimated == ("2026-03",)


def test_a_team_is_told_by_its_tag_else_by_who_owns_the_service(store: GraphStore) -> None:
    service, team = ref("Service", "checkout"), ref("Team", "catalog", "payments")
    facts = [
        Entity(service, {"name": "checkout"}),
        Alias(service, "name", "checkout"),
        Entity(team, {"name": "payments"}),
        Relation("OWNED_BY", service, team, {"rule": "catalog"}),
    ]
    at = instant("2026-01-01")
    store.apply(FactBatch("c", "catalog", "c", "c/1", tuple(Assertion(f, at, at, "catalog.yaml") for f in facts)))
    billing = Billing()
    billing.bill("AmazonEC2", lambda day: 1, days=3, workload="checkout")
    billing.bill("AmazonEC2", lambda day: 2, days=3, workload="checkout", team="platform")
    billing.bill("AmazonS3", lambda day: 4, days=3)
    billing.apply(store)
    bill = read_bill(store, VIEW, instant("2026-03-01"), instant("2026-04-01"))
    assert bill.by(grouping(store, VIEW, bill, "team")) == {"payments": 3, "platform": 6, "": 12}
    assert sorted(team_of(store, VIEW, bill).values()) == ["payments", "platform"]


def test_tags_group_and_what_is_no_grouping_is_refused(store: GraphStore) -> None:
    billing = Billing()
    billing.bill("AmazonEC2", lambda day: 1, days=2, tags={"cost_center": "42"})
    billing.bill("AmazonS3", lambda day: 1, days=2)
    billing.apply(store)
    bill = read_bill(store, VIEW, instant("2026-03-01"), instant("2026-04-01"))
    assert bill.by(grouping(store, VIEW, bill, "tag:Cost-Center")) == {"42": 2, "": 2}
    with pytest.raises(ValueError, match="'colour'"):
        grouping(store, VIEW, bill, "colour")


def test_months_and_amounts_are_written_as_people_do() -> None:
    assert months("2025-11-30", "2026-02-01") == ["2025-11", "2025-12", "2026-01"]
    assert months("2026-02-01", "2026-02-02") == ["2026-02"]
    assert [plain(Decimal(a)) for a in ("0", "1234.5", "0.00042", "-3.005")] == ["0.00", "1234.50", "0.00042", "-3.00"]
