"""What was said of a drift, alerts since, and who answers for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.drift.inventory import inventory_drift
from agent.drift.model import Drift
from agent.drift.scan import scan
from graph.clock import instant, rfc3339
from graph.model import Entity, Passage, Relation, ref
from graph.store import View
from tests.agent.drift.graph import APPLIED, NOW, Account, asked

AT = "2026-05-03T09:15:00"


@pytest.fixture
def account(tmp_path: Path) -> Account:
    made = Account(tmp_path)
    arn = made.arn("rds", "db:orders")
    made.state("aws_db_instance.orders", "aws_db_instance", arn, {"allocated_storage": 100})
    made.there("aws_db_instance", arn, {"allocated_storage": 200})
    made.called("rds:ModifyDBInstance", arn, "mallory", AT, attributes=[asked("allocatedStorage", 200)])
    return made


def _drift(account: Account) -> Drift:
    with account.store() as store:
        [drift] = scan(store, View(), inventory_drift(store, View()).observed, now=NOW, first_seen={}).report.drifts
    return drift


def _message(account: Account, by: str, at: str, text: str) -> None:
    message, author = ref("Message", "slack", at), ref("Account", "aws", by)
    when = instant(at)
    account.say("slack", "acme", Entity(message, {"channel": "infra"}), when)
    account.say("slack", "acme", Passage(message, "message", text), when)
    account.say("slack", "acme", Relation("POSTED_BY", message, author, {}), when)


def _alert(account: Account, name: str, at: str) -> None:
    alert, when = ref("Alert", name), instant(at)
    told = {"name": name, "state": "firing", "started_at": rfc3339(when)}
    account.say("alerts", "acme", Entity(alert, told), when)
    account.say("alerts", "acme", Relation("ABOUT", alert, account.cloud(account.arn("rds", "db:orders")), {}), when)


def test_what_whoever_did_it_said_within_hours_is_quoted_with_its_source(account: Account) -> None:
    _message(account, "mallory", "2026-05-03T09:20:00", "orders was full, I gave it 200 by hand")
    _message(account, "mallory", "2026-05-01T09:20:00", "orders looks full, 200 by hand would do")
    _message(account, "bob", "2026-05-03T09:21:00", "lunch?")
    [said] = _drift(account).said
    assert (said.by, said.text) == ("mallory", "orders was full, I gave it 200 by hand")
    assert said.citation


def test_alerts_since_are_told_and_earlier_ones_are_not(account: Account) -> None:
    _alert(account, "OrdersSlow", "2026-05-03T10:00:00")
    _alert(account, "OrdersFull", "2026-05-03T08:00:00")
    drift = _drift(account)
    assert drift.alerts == ("OrdersSlow since 2026-05-03 10:00 UTC, firing",)
    assert drift.citations


def test_the_owner_of_the_service_that_runs_on_it_answers_for_it(account: Account) -> None:
    service, team = ref("Service", "orders"), ref("Team", "payments")
    account.say("catalog", "acme", Entity(service, {"name": "orders"}), APPLIED)
    account.say("catalog", "acme", Entity(team, {"name": "Payments"}), APPLIED)
    account.say("catalog", "acme", Relation("RUNS_ON", service, account.cloud(account.arn("rds", "db:orders")), {}), APPLIED)  # fmt: skip
    account.say("catalog", "acme", Relation("OWNED_BY", service, team, {}), APPLIED)
    assert _drift(account).owners == ("Payments",)


def test_without_words_alerts_or_owners_nothing_is_made_up(account: Account) -> None:
    drift = _drift(account)
    assert (drift.said, drift.alerts, drift.owners) == ((), (), ())
