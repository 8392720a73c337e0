"""Bills of all clouds become the same items, each charge once."""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

import pytest

from graph.clock import DAY, instant
from graph.model import Entity, Relation, Value
from graph.store import EntityView, GraphStore, Limits, View
from ingest import names
from ingest.source import Source, SourceDataInvalid
from ingest.sources.costs.source import CostsSettings, CostsSource
from ingest.sync import SyncReport, sync
from tests.contracts.source_contract import CANARY, KEY, NOW, SourceContract, fresh_store, redacted
from tests.ingest.costs.bills import PROD, as_cur2, csv_bytes, row, write_cur, write_manifest

INSTANCE = f"arn:aws:ec2:eu-west-1:{PROD}:instance/i-0123456789abcdef0"


def costs(path: Path, **settings: object) -> CostsSource:
    return CostsSource(CostsSettings(path=str(path), **settings))  # type: ignore[arg-type]


def read(store: GraphStore, source: Source, now: int = NOW) -> SyncReport:
    return sync(store, source, now, KEY, processes="none")


def items(store: GraphStore, month: str) -> list[EntityView]:
    view = View(as_of=instant(f"{month}-20"))
    return list(store.select("CostItem", {"month": [month]}, view, Limits(rows=1_000)).items)


def total(store: GraphStore, month: str) -> Decimal:
    return sum((Decimal(str(i.properties["amount"])) for i in items(store, month)), Decimal(0))


def days(item: EntityView) -> Mapping[str, Value]:
    return cast("Mapping[str, Value]", item.properties["days"])


class TestContract(SourceContract):
    def recorded(self, directory: Path) -> Source:
        bills = directory / "bills"
        write_cur(
            bills / "2026-04" / "part-1.csv.gz",
            [
                row("2026-04-01", "1.5", note=f"password={CANARY}", LineItemDescription=CANARY),
                row("2026-04-02", "1.25"),
                row("2026-04-02", "0.1", UsageType="EU-EBS:VolumeUsage.gp3", ResourceId="vol-0123456789abcdef0"),
            ],
        )
        write_cur(bills / "2026-05" / "part-1.csv", [row("2026-05-03", "2", InvoiceId="")])
        return costs(bills)

    def broken(self, directory: Path) -> Iterator[Source]:
        def at(name: str, data: bytes) -> Source:
            (directory / "broken").mkdir(exist_ok=True)
            (directory / "broken" / name).write_bytes(data)
            return costs(directory / "broken" / name)

        yield CostsSource(CostsSettings())
        yield costs(directory / "nothing")
        yield at("page.csv", b"<!doctype html><title>Sign in</title>")
        yield at("other.csv", b"a,b,c\n1,2,3\n")
        yield at("empty.csv", b"")
        yield at("cut.csv.gz", gzip.compress(csv_bytes(("a",), [{"a": "x" * 4000}]))[:40])
        yield at("bill.parquet", b"PAR1 no")
        yield at("lines.jsonl", b'{"cost": 1')


def test_an_item_adds_up_lines_of_a_day_and_keeps_the_months_apart(tmp_path: Path) -> None:
    write_cur(
        tmp_path / "b" / "cur.csv",
        [row("2026-04-30", "0.0000000001"), row("2026-04-30", "1.1"), row("2026-05-01", "2.50")],
    )
    with fresh_store(tmp_path, "g") as store:
        assert read(store, costs(tmp_path / "b")).error is None
        (april,) = items(store, "2026-04")
        (may,) = items(store, "2026-05")
    assert april.ref == may.ref
    assert days(april) == {"2026-04-30": "1.1000000001"}
    assert days(may) == {"2026-05-01": "2.5"}
    told = april.properties
    assert (told["environment"], told["team"], told["workload"]) == ("prod", "shop", "checkout-api")
    assert (told["quantity"], told["unit"], told["basis"], told["line_type"]) == ("48", "Hrs", "unblended", "usage")
    (statement,) = april.statements
    assert (statement.valid_from, statement.valid_to) == (instant("2026-04-01"), instant("2026-05-01"))


def test_an_item_is_about_the_resource_that_other_sources_speak_of(tmp_path: Path) -> None:
    write_cur(
        tmp_path / "cur.csv",
        [
            row("2026-04-01", "1"),
            row("2026-04-01", "1", ProductCode="AmazonS3", ResourceId="receipts-prod"),
            row("2026-04-01", "1", ProductCode="AmazonRDS", ResourceId=f"arn:aws:rds:eu-west-1:{PROD}:db:orders"),
            row("2026-04-01", "1", ProductCode="AmazonCloudFront", ResourceId="a plain name"),
        ],
    )
    found = {
        a.fact.dst
        for b in redacted(costs(tmp_path / "cur.csv"), None)
        for a in b.assertions
        if isinstance(a.fact, Relation)
    }
    expected = (INSTANCE, "arn:aws:s3:::receipts-prod", f"arn:aws:rds:eu-west-1:{PROD}:db:orders")
    assert found == {names.cloud_resource(arn) for arn in expected}


def test_a_month_that_is_exported_again_replaces_what_was_said(tmp_path: Path) -> None:
    file = tmp_path / "b" / "cur.csv"
    gone = {"UsageType": "EU-NatGateway-Bytes", "ResourceId": "nat-0123456789abcdef0"}
    write_cur(file, [row("2026-04-01", "1", InvoiceId=""), row("2026-04-01", "7", **gone)])
    with fresh_store(tmp_path, "g") as store:
        read(store, costs(tmp_path / "b"))
        assert total(store, "2026-04") == 8
        assert sorted(str(i.properties.get("estimated")) for i in items(store, "2026-04")) == ["None", "True"]
        before = store.record()
        write_cur(file, [row("2026-04-01", "1.2"), row("2026-04-02", "1")])
        read(store, costs(tmp_path / "b"), NOW + DAY)
        assert total(store, "2026-04") == Decimal("2.2")
        assert [i.properties.get("estimated") for i in items(store, "2026-04")] == [None]
        known = View(as_of=instant("2026-04-20"), known_at=before)
        then = store.select("CostItem", {"month": ["2026-04"]}, known, Limits()).items
        assert sum(Decimal(str(i.properties["amount"])) for i in then) == 8, "what was known then is still told"


def test_of_two_versions_beside_a_manifest_the_one_it_lists_counts(tmp_path: Path) -> None:
    period = tmp_path / "cur" / "20260401-20260501"
    write_cur(period / "first" / "cur-00001.csv.gz", [row("2026-04-01", "5")])
    write_manifest(period / "first" / "cur-Manifest.json", ["p/cur/20260401-20260501/first/cur-00001.csv.gz"])
    keys = [f"p/cur/20260401-20260501/second/cur-0000{n}.csv.gz" for n in (1, 2)]
    write_cur(period / "second" / "cur-00001.csv.gz", [row("2026-04-01", "6")])
    write_cur(period / "second" / "cur-00002.csv.gz", [row("2026-04-02", "6")])
    write_manifest(period / "second" / "cur-Manifest.json", keys)
    write_manifest(period / "cur-Manifest.json", keys)
    with fresh_store(tmp_path, "g") as store:
        assert read(store, costs(tmp_path / "cur")).error is None
        assert total(store, "2026-04") == 12


def test_a_bill_of_which_a_part_is_cut_off_changes_nothing(tmp_path: Path) -> None:
    write_cur(tmp_path / "b" / "one.csv.gz", [row("2026-04-01", "1")])
    write_cur(tmp_path / "b" / "two.csv.gz", [row("2026-04-02", "1")])
    with fresh_store(tmp_path, "g") as store:
        read(store, costs(tmp_path / "b"))
        whole = gzip.compress(b"x" * 5000)
        (tmp_path / "b" / "two.csv.gz").write_bytes(whole[: len(whole) // 2])
        report = read(store, costs(tmp_path / "b"), NOW + DAY)
        assert report.quarantined == 1
        assert report.error is not None, "nothing else could be read"
        assert total(store, "2026-04") == 2


def test_a_row_that_is_no_line_is_quarantined_and_the_rest_counts(tmp_path: Path) -> None:
    write_cur(tmp_path / "cur.csv", [row("2026-04-01", "1"), row("2026-04-02", "one"), row("someday", "1")])
    batches = redacted(costs(tmp_path / "cur.csv"), None)
    told = [q for b in batches for q in b.quarantined]
    assert [q.reason for q in told] == ["an amount is no number", "its day is no date"]
    assert [q.locator for q in told] == ["cur.csv#L3", "cur.csv#L4"]


def test_taxes_credits_and_refunds_are_items_of_their_own(tmp_path: Path) -> None:
    rows = [
        row("2026-04-01", "10"),
        *(row("2026-04-01", a, LineItemType=t) for t, a in (("Tax", "2"), ("Credit", "-3"), ("Refund", "-1"))),
    ]
    write_cur(tmp_path / "cur.csv", rows)
    with fresh_store(tmp_path, "g") as store:
        read(store, costs(tmp_path / "cur.csv"))
        by = {str(i.properties["line_type"]): i.properties["amount"] for i in items(store, "2026-04")}
    assert by == {"usage": "10", "tax": "2", "credit": "-3", "refund": "-1"}


def test_the_amortized_basis_spreads_commitments_over_what_they_cover(tmp_path: Path) -> None:
    rows = [
        row("2026-04-01", "0", LineItemType="DiscountedUsage", EffectiveCost="1.4"),
        row("2026-04-01", "2", LineItemType="SavingsPlanCoveredUsage", SavingsPlanEffectiveCost="1.3", ResourceId=""),
        row("2026-04-01", "-2", LineItemType="SavingsPlanNegation", ResourceId=""),
        row("2026-04-01", "42", LineItemType="RIFee", ResourceId=""),
    ]
    write_cur(tmp_path / "cur.csv", rows)
    with fresh_store(tmp_path, "unblended") as store:
        read(store, costs(tmp_path / "cur.csv"))
        assert total(store, "2026-04") == 42
    with fresh_store(tmp_path, "amortized") as store:
        read(store, costs(tmp_path / "cur.csv", basis="amortized"))
        assert total(store, "2026-04") == Decimal("2.7")
        assert {str(i.properties["basis"]) for i in items(store, "2026-04")} == {"amortized"}


def test_another_basis_replaces_the_first_one(tmp_path: Path) -> None:
    write_cur(tmp_path / "cur.csv", [row("2026-04-01", "9", LineItemType="DiscountedUsage", EffectiveCost="1.4")])
    with fresh_store(tmp_path, "g") as store:
        read(store, costs(tmp_path / "cur.csv"))
        read(store, costs(tmp_path / "cur.csv", basis="amortized"), NOW + DAY)
        assert total(store, "2026-04") == Decimal("1.4")


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_cur_2_tells_what_the_old_report_tells(tmp_path: Path, form: str) -> None:
    rows = [row("2026-04-01", "1.5"), row("2026-04-02", "2.25", ResourceId="i-0fedcba9876543210")]
    write_cur(tmp_path / "old.csv", rows)
    new = [as_cur2(r) for r in rows]
    if form == "csv":
        (tmp_path / "new.csv").write_bytes(csv_bytes(list(new[0]), cast("list[dict[str, str]]", new)))
    else:
        _parquet(tmp_path / "new.parquet", new)
    old = redacted(costs(tmp_path / "old.csv"), None)
    again = redacted(costs(tmp_path / f"new.{form}"), None)
    assert [a.fact for b in old for a in b.assertions] == [a.fact for b in again for a in b.assertions]


class _Arrow(Protocol):
    """What is called of pyarrow, which has no types."""

    def table(self, columns: object) -> object: ...
    def array(self, values: object, type_: object = None, /) -> object: ...
    def string(self) -> object: ...
    def map_(self, key: object, value: object) -> object: ...


class _ArrowParquet(Protocol):
    def write_table(self, table: object, where: object) -> None: ...


def _parquet(file: Path, rows: list[dict[str, object]]) -> None:
    pa = cast("_Arrow", import_module("pyarrow"))
    pq = cast("_ArrowParquet", import_module("pyarrow.parquet"))
    tags = [list(json.loads(str(r["resource_tags"])).items()) for r in rows]
    amounts = [float(str(r["line_item_unblended_cost"])) for r in rows]
    others = {c: [r[c] for r in rows] for c in rows[0] if c not in ("resource_tags", "line_item_unblended_cost")}
    map_type = pa.map_(pa.string(), pa.string())
    columns = {**others, "line_item_unblended_cost": pa.array(amounts), "resource_tags": pa.array(tags, map_type)}
    pq.write_table(pa.table(columns), file)


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cur.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SourceDataInvalid, match="pyarrow is not installed") as caught:
        list(costs(tmp_path / "cur.parquet").pull(None, NOW))
    assert "infralore[parquet]" in caught.value.hint


def test_focus_is_read_whoever_wrote_it(tmp_path: Path) -> None:
    columns = ("BillingAccountId", "SubAccountId", "BillingPeriodStart", "ChargePeriodStart", "BilledCost", "EffectiveCost", "BillingCurrency", "ServiceName", "SkuId", "ChargeCategory", "ResourceId", "RegionId", "Tags", "ProviderName", "ConsumedQuantity", "ConsumedUnit")  # fmt: skip
    charge = {"BillingAccountId": "b", "SubAccountId": "s", "BillingPeriodStart": "2026-04-01T00:00:00Z", "ChargePeriodStart": "2026-04-05T00:00:00Z", "BilledCost": "0", "EffectiveCost": "3.5", "BillingCurrency": "EUR", "ServiceName": "Virtual Machines", "SkuId": "D2s", "ChargeCategory": "Usage", "ResourceId": "/subscriptions/S/x", "RegionId": "westeurope", "Tags": '{"env": "stg"}', "ProviderName": "Microsoft", "ConsumedQuantity": "24", "ConsumedUnit": "Hours"}  # fmt: skip
    (tmp_path / "focus.csv").write_bytes(
        csv_bytes(columns, [charge, charge | {"ChargeCategory": "Tax", "EffectiveCost": "1"}])
    )
    with fresh_store(tmp_path, "g") as store:
        read(store, costs(tmp_path / "focus.csv", basis="amortized"))
        found = items(store, "2026-04")
    assert sorted(str(i.properties["line_type"]) for i in found) == ["tax", "usage"]
    (usage,) = (i.properties for i in found if i.properties["line_type"] == "usage")
    assert (usage["provider"], usage["currency"], usage["amount"]) == ("azure", "EUR", "3.5")
    assert usage["environment"] == "staging"


def test_google_clouds_export_keeps_credits_apart(tmp_path: Path) -> None:
    charge: dict[str, object] = {
        "billing_account_id": "01-02",
        "service": {"id": "6F81", "description": "Compute Engine"},
        "sku": {"id": "1", "description": "N2 Instance Core"},
        "usage_start_time": "2026-04-03 10:00:00 UTC",
        "project": {"id": "shop-prod", "labels": []},
        "labels": [{"key": "env", "value": "prod"}, {"key": "team", "value": "data"}],
        "location": {"region": "europe-west1"},
        "resource": {"name": "vm-1", "global_name": "//compute.googleapis.com/projects/shop-prod/zones/europe-west1-b/instances/1"},
        "cost": "12.50",
        "currency": "EUR",
        "usage": {"amount_in_pricing_units": 24, "pricing_unit": "hour"},
        "credits": [{"name": "Committed use", "amount": -2.5}],
        "cost_type": "regular",
    }  # fmt: skip
    (tmp_path / "gcp.jsonl").write_text(
        "\n".join(json.dumps(c) for c in (charge, charge | {"credits": list[object]()})) + "\n"
    )
    with fresh_store(tmp_path, "g") as store:
        read(store, costs(tmp_path / "gcp.jsonl"))
        by = {str(i.properties["line_type"]): i.properties for i in items(store, "2026-04")}
    assert (by["usage"]["amount"], by["credit"]["amount"]) == ("25", "-2.5")
    assert (by["usage"]["environment"], by["usage"]["team"], by["usage"]["account_id"]) == ("prod", "data", "shop-prod")


@pytest.mark.parametrize(
    ("columns", "date"),
    [
        (("Date", "BillingAccountId", "SubscriptionId", "MeterCategory", "MeterSubCategory", "MeterName", "ResourceId", "ResourceLocation", "CostInBillingCurrency", "BillingCurrencyCode", "ChargeType", "Quantity", "UnitOfMeasure", "Tags"), "04/03/2026"),
        (("date", "billingAccountId", "subscriptionId", "meterCategory", "meterSubCategory", "meterName", "ResourceId", "resourceLocation", "costInBillingCurrency", "billingCurrency", "chargeType", "quantity", "unitOfMeasure", "tags"), "2026-04-03"),
    ],
)  # fmt: skip
def test_azures_exports_are_read_in_either_spelling(tmp_path: Path, columns: tuple[str, ...], date: str) -> None:
    values = (date, "acc", "SUB-1", "Virtual Machines", "Dsv3", "D2s v3", "/subscriptions/SUB-1/VM", "westeurope", "2.4", "EUR", "Usage", "24", "1 Hour", '"env": "prod","team": "shop"')  # fmt: skip
    (tmp_path / "azure.csv").write_bytes(csv_bytes(columns, [dict(zip(columns, values, strict=True))]))
    with fresh_store(tmp_path, "g") as store:
        read(store, costs(tmp_path / "azure.csv"))
        (item,) = items(store, "2026-04")
    told = item.properties
    assert (told["service"], told["usage_type"], told["amount"]) == ("Virtual Machines", "Dsv3: D2s v3", "2.4")
    assert (told["environment"], told["team"]) == ("prod", "shop")
    assert days(item) == {"2026-04-03": "2.4"}


def test_azures_month_so_far_is_not_added_to_itself(tmp_path: Path) -> None:
    columns = ("Date", "SubscriptionId", "MeterCategory", "MeterName", "Cost", "Currency")
    one = {"Date": "2026-04-01", "SubscriptionId": "s", "MeterCategory": "Storage", "MeterName": "LRS", "Cost": "1", "Currency": "EUR"}  # fmt: skip
    directory = tmp_path / "costs" / "20260401-20260430"
    directory.mkdir(parents=True)
    guid = "0c5d0b32-0000-4000-8000-00000000000"
    for number, rows in enumerate(([one], [one, one | {"Date": "2026-04-02"}])):
        file = directory / f"daily_{guid}{number}.csv"
        file.write_bytes(csv_bytes(columns, rows))
        os.utime(file, (1_700_000_000 + number, 1_700_000_000 + number))
    with fresh_store(tmp_path, "g") as store:
        read(store, costs(tmp_path / "costs"))
        assert total(store, "2026-04") == 2


def test_two_files_with_the_same_bytes_count_once(tmp_path: Path) -> None:
    for name in ("a.csv", "a-copy.csv"):
        write_cur(tmp_path / "b" / name, [row("2026-04-01", "1")])
    with fresh_store(tmp_path, "g") as store:
        read(store, costs(tmp_path / "b"))
        assert total(store, "2026-04") == 1


def test_beyond_the_limit_lines_are_added_up_without_their_resource_and_nothing_is_lost(tmp_path: Path) -> None:
    rows = [row("2026-04-01", "0.5", ResourceId=f"i-{n:017x}") for n in range(40)]
    write_cur(tmp_path / "cur.csv", rows)
    with fresh_store(tmp_path, "g") as store:
        report = read(store, costs(tmp_path / "cur.csv", max_items=10))
        assert total(store, "2026-04") == 20
        assert len(items(store, "2026-04")) == 11
        assert report.quarantined == 1


def test_environments_come_from_the_account_where_no_tag_tells(tmp_path: Path) -> None:
    write_cur(tmp_path / "cur.csv", [row("2026-04-01", "1", environment="")])
    facts = [
        a.fact for b in redacted(costs(tmp_path / "cur.csv", environments={PROD: "live"}), None) for a in b.assertions
    ]
    assert [f.properties["environment"] for f in facts if isinstance(f, Entity)] == ["prod"]
