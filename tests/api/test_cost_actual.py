"""The bundled company's bill: grouped, its jumps explained by the changes that caused them, and what it pays for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.cost.jumps import is_found
from agent.cost.model import CostReport, WasteReport
from agent.investigate import Options
from api.cost_actual import report, waste
from api.cost_text import bill_text, waste_text
from api.errors import UsageError
from api.investigations import Asked
from api.settings import load
from api.wiring import Engine
from examples.build import build
from graph.clock import DAY, SECOND, instant
from graph.model import Assertion, Entity, FactBatch, Value
from graph.store import Limits, View
from ingest.names import cloud_resource
from tests.agent.cost.bills import Billing

NEEDED = ("git", "terraform_state", "github", "deployments", "cloudtrail", "catalog", "costs")
"""Sources that tell of the changes, the people and the bill."""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The company's store. Reports add investigations and findings to it, and nothing else."""
    home = tmp_path_factory.mktemp("company")
    build(home)
    settings = replace(load(home / "lore.yaml"), store=f"sqlite:///{home}/lore.db", embedder="none", observations=())
    with Engine(settings) as engine:
        reports = engine.ingest([s for s in engine.configured_sources() if s.name in NEEDED])
        assert [r.error for r in reports] == [None] * len(reports)
        yield engine


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Engine]:
    (tmp_path / "lore.yaml").write_text("store: sqlite:lore.db\nembedder: none\n")
    with Engine(load(tmp_path / "lore.yaml")) as engine:
        yield engine


def test_a_month_is_added_up_by_service_beside_the_month_before(company: Engine) -> None:
    told = report(company, instant("2026-09-01"), instant("2026-10-01"), explain=False)
    assert sum((Decimal(r.amount) for r in told.rows), Decimal(0)) == pytest.approx(
        Decimal(told.total), abs=Decimal("0.06")
    )
    assert sum(map(Decimal, told.daily.values())) == pytest.approx(Decimal(told.total), abs=Decimal("0.2"))
    assert len(told.daily) == 30
    assert told.before is not None
    assert [r.key for r in told.rows][:2] == ["AmazonRDS", "AmazonEC2"]
    assert told.jumps == ()
    assert {c.source for c in told.citations} == {"costs"}
    assert told.to_json().startswith('{"schema":"lore.cost/1"')


def test_days_that_are_not_billed_yet_are_not_told_as_saved(company: Engine) -> None:
    # The bill ends on 2026-10-29: eight days of this window.
    told = report(company, instant("2026-10-22"), instant("2026-11-22"), explain=False)
    assert len(told.daily) == 8
    assert told.before is not None
    assert Decimal(told.before) == pytest.approx(Decimal(told.total), rel=Decimal("0.1"))
    assert "the bill ends on 2026-10-29" in told.notes


@pytest.mark.parametrize(
    ("by", "key"),
    [("environment", "prod"), ("team", "fulfilment"), ("account", "444455556666"), ("resource", "module.data.aws_db_instance.orders")],
)  # fmt: skip
def test_it_is_grouped_by_what_is_asked(company: Engine, by: str, key: str) -> None:
    told = report(company, instant("2026-09-01"), instant("2026-10-01"), by=by, explain=False)
    assert key in [r.key for r in told.rows]
    assert sum(r.share for r in told.rows) == pytest.approx(1.0, abs=0.002)


def test_a_team_sees_what_it_answers_for(company: Engine) -> None:
    mine = report(company, instant("2026-09-01"), instant("2026-10-01"), team="fulfilment", explain=False)
    whole = report(company, instant("2026-09-01"), instant("2026-10-01"), by="team", explain=False)
    assert mine.total == next(r.amount for r in whole.rows if r.key == "fulfilment")
    with pytest.raises(UsageError, match="team"):
        report(company, instant("2026-09-01"), instant("2026-10-01"), team="nobody")


def test_a_bigger_database_is_the_cause_of_what_it_costs_more(company: Engine) -> None:
    told = report(company, instant("2025-04-01"), instant("2025-05-01"))
    (jump,) = told.jumps
    assert jump.key == "AmazonRDS / prod / module.data.aws_db_instance.orders"
    assert (jump.since, jump.until) == ("2025-04-09", None)
    assert (jump.verdict, jump.by) == ("cause_found", "Omar Haddad")
    assert jump.cause.startswith("Bigger database for spring, applied 2025-04-09 14:1")
    assert jump.change is not None
    assert jump.change.startswith("Commit:")
    assert jump.probability >= 0.8
    cited = {c.id: c.source for c in told.citations}
    assert "costs" in {cited[c] for c in jump.citations}
    assert {"git", "deployments"} & {cited[c] for c in jump.citations}
    assert company.investigations.of(jump.investigation).id == jump.investigation


def test_capacity_for_black_friday_goes_up_and_down_with_its_changes(company: Engine) -> None:
    told = report(company, instant("2025-11-01"), instant("2025-12-20"))
    found = {(j.key.split(" / ")[1], j.since): j for j in told.jumps if j.key.startswith("AmazonElastiCache")}
    assert sorted(found) == [
        ("prod", "2025-11-19"),
        ("prod", "2025-12-06"),
        ("staging", "2025-11-19"),
        ("staging", "2025-12-06"),
    ]
    assert len(told.jumps) == 4
    assert {j.cause.partition(",")[0] for j in found.values()} == {
        "Prepare for Black Friday",
        "Back to normal capacity",
    }
    assert found["prod", "2025-11-19"].until == "2025-12-05"
    assert found["prod", "2025-12-06"].per_month.startswith("-")


def test_a_burst_that_no_change_of_the_thing_itself_explains_has_no_cause(company: Engine) -> None:
    told = report(company, instant("2026-07-01"), instant("2026-08-01"))
    (jump,) = told.jumps
    assert (jump.since, jump.until) == ("2026-07-14", "2026-07-16")
    assert jump.key.startswith("AWSELB / prod")
    assert (jump.cause, jump.by, jump.change) == ("", "", None)
    assert jump.verdict in ("no_cause_found", "insufficient_evidence")
    assert "no cause was found" in bill_text(told)


@pytest.mark.parametrize(
    ("what", "day"),
    [
        ("AWSDataTransfer in prod", "2025-12-28"),
        ("AmazonS3 in prod for tealeaf-receipts-prod", "2026-06-18"),
        ("AWSQueueService in prod for arn:aws:sqs:eu-west-1:444455556666:orders-prod", "2026-01-07"),
        ("AWSQueueService in prod for arn:aws:sqs:eu-west-1:444455556666:orders-prod", "2026-04-21"),
        ("AmazonRDS in prod for arn:aws:rds:eu-west-1:444455556666:db:orders-prod", "2026-07-07"),
    ],
)
def test_what_was_deployed_on_the_day_is_no_cause_of_what_it_does_not_touch(
    company: Engine, what: str, day: str
) -> None:
    symptom = f"cost of {what} rose from 5.00 to 12.00 USD a day on {day}"
    options = Options(window_s=4 * 86_400, environment="prod")
    asked = Asked(symptom, instant(day) + DAY, options, sync=False, model=False, remember=False)
    assert not is_found(company.investigations.start(asked))


def test_asked_again_a_jump_is_not_investigated_again(company: Engine) -> None:
    def ask() -> CostReport:
        return report(company, instant("2025-04-01"), instant("2025-05-01"))

    first, record = ask(), company.store.record()
    assert ask().jumps == first.jumps
    assert company.store.record() == record


def test_an_address_that_is_billed_as_idle_is_waste_and_kept_as_a_finding(company: Engine) -> None:
    at = instant("2026-10-30T18:00:00Z")
    told = waste(company, at)
    (found,) = told.wastes
    assert (found.kind, found.type, found.environment, found.saving) == ("unattached", "aws_eip", "prod", "3.65")
    assert told.saving == "3.65"
    record = company.store.record()
    again = waste(company, at + DAY)
    assert company.store.record() == record, "a scan that finds the same writes nothing"
    assert again.wastes[0].since == "2026-10-30T18:00:00Z"
    kept = company.store.select("Finding", {"type": ["waste"]}, View(as_of=at + SECOND), Limits()).items
    assert [k.properties["finding_id"] for k in kept] == [found.id]
    assert isinstance(told, WasteReport)
    assert "aws ec2 release-address" in waste_text(told)


def test_a_window_without_a_bill_says_so(empty: Engine) -> None:
    told = report(empty, instant("2026-09-01"), instant("2026-10-01"))
    assert (told.total, told.rows, told.jumps, told.before) == ("0.00", (), (), None)
    assert "nothing is billed for this time" in told.notes[0]
    assert waste(empty).wastes == ()
    assert "nothing is known" in waste_text(waste(empty))
    assert "nothing is billed" in bill_text(told)


def test_an_empty_window_and_an_unknown_grouping_are_mistakes_of_the_user(empty: Engine) -> None:
    at = instant("2026-09-01")
    with pytest.raises(UsageError, match="empty"):
        report(empty, at, at)
    with pytest.raises(UsageError, match="'colour'"):
        report(empty, at, at + DAY, by="colour")


def test_currencies_are_never_added(empty: Engine) -> None:
    billing = Billing()
    billing.bill("AmazonEC2", lambda day: 1, days=40)
    billing.bill("AmazonS3", lambda day: 1, days=40)
    billing.bill("Compute Engine", lambda day: 5, days=40, currency="EUR")
    billing.apply(empty.store)
    dollars = report(empty, instant("2026-03-01"), instant("2026-04-01"))
    euros = report(empty, instant("2026-03-01"), instant("2026-04-01"), currency="eur")
    assert (dollars.currency, dollars.total) == ("USD", "62.00")
    assert (euros.currency, euros.total) == ("EUR", "155.00")
    assert "155.00 EUR were billed beside, and are not added" in dollars.notes
    with pytest.raises(UsageError, match="nothing is billed in JPY"):
        report(empty, instant("2026-03-01"), instant("2026-04-01"), currency="JPY")


def test_a_text_shows_amounts_bars_causes_and_where_it_can_be_read(company: Engine) -> None:
    text = bill_text(report(company, instant("2025-04-01"), instant("2025-05-01")), width=90)
    assert "Bigger database for spring" in text
    assert "lore show inv_" in text
    assert "tealeaf-cur/20250401-20250501" in text
    assert max(map(len, text.split("\n"))) <= 130


def test_what_no_bill_tells_is_saved_by_the_price_file_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text(
        "provider,service,region,unit,price,currency,date,attributes\n"
        "aws,AmazonEC2,eu-west-1,GB-Mo,0.11,USD,2026-06-01,"
        "productFamily=Storage;volumeApiName=gp2;usagetype=EU-EBS:VolumeUsage.gp2\n"
    )
    (tmp_path / "lore.yaml").write_text("store: sqlite:lore.db\nembedder: none\ncost: {prices: [prices.csv]}\n")
    with Engine(load(tmp_path / "lore.yaml")) as engine:
        arn = "arn:aws:ec2:eu-west-1:444455556666:volume/vol-0123456789abcdef0"
        told: dict[str, Value] = {"type": "aws_ebs_volume", "name": "vol-1", "region": "eu-west-1", "cloud_id": arn, "status": "available", "attributes": {"type": "gp2", "size": 200}}  # fmt: skip
        at = instant("2026-06-01")
        fact = Assertion(Entity(cloud_resource(arn), told), at, at, "ec2:vol-1")
        engine.store.apply(FactBatch("v", "aws", "1", "aws/1", (fact,)))
        (found,) = waste(engine).wastes
    assert found.saving == "22.00"
    assert "2026-06-01" in found.saving_from
