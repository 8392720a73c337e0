"""`lore cost estimate`, `lore cost diff` and `lore prices`, as a user runs them."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from api.cost_plan import read_sides
from tests.api.lore import Lore
from tests.price_list import EC2, offer_file

REGION = {"region": {"constant_value": "eu-west-1"}}


def resource(address: str, **values: object) -> dict[str, object]:
    """A resource that is created."""
    type_, _, name = address.rpartition(".")[0].rpartition(".")[2], "", address.rpartition(".")[2]
    bare = address.rpartition(".")
    type_ = bare[0].rpartition(".")[2]
    name = bare[2].partition("[")[0]
    module = address.removesuffix(f"{type_}.{bare[2]}").rstrip(".")
    return {
        "address": address, "module_address": module or None, "mode": "managed", "type": type_, "name": name,
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "change": {"actions": ["create"], "before": None, "after": values, "after_unknown": {}, "after_sensitive": {}},
    }  # fmt: skip


def block(address: str, provider: str = "aws", **expressions: object) -> dict[str, object]:
    type_, _, name = address.partition(".")
    return {
        "address": address,
        "mode": "managed",
        "type": type_,
        "name": name,
        "provider_config_key": provider,
        "expressions": expressions,
    }


def plan(
    *changes: dict[str, object],
    blocks: list[dict[str, object]] | None = None,
    calls: object = None,
    providers: object = None,
) -> bytes:
    known = blocks if blocks is not None else [block(str(one["address"]).partition("[")[0]) for one in changes]
    return json.dumps(
        {
            "format_version": "1.2", "terraform_version": "1.11.4", "planned_values": {"root_module": {}}, "resource_changes": list(changes),
            "variables": {"where": {"value": "eu-north-1"}},
            "configuration": {
                "provider_config": providers or {"aws": {"name": "aws", "expressions": REGION}},
                "root_module": {"resources": known, "module_calls": calls or {}},
            },
        }
    ).encode()  # fmt: skip


WEB = resource(
    "aws_instance.web", instance_type="m5.large", root_block_device=[{"volume_type": "gp3", "volume_size": 30}]
)
NAT = resource("aws_nat_gateway.out")
ROLE = resource("aws_iam_role.it")
ODD = resource("aws_unheard_of.it")


@pytest.fixture
def priced(fresh: Lore, tmp_path: Path) -> Lore:
    """`lore` with a price file of a few EC2 products, all figures invented."""
    (tmp_path / "AmazonEC2-eu-west-1.json").write_text(offer_file("AmazonEC2", EC2))
    ran = fresh("prices", "sync", "--service", "AmazonEC2", "--region", "eu-west-1", "--from", tmp_path)
    assert ran.code == 0, ran.err
    assert "published 2026-10-01T00:00:00Z" in ran.out
    return fresh


def put(tmp_path: Path, data: bytes, name: str = "plan.json") -> Path:
    (tmp_path / name).write_bytes(data)
    return tmp_path / name


def told(ran: object) -> dict[str, object]:
    return cast("dict[str, object]", json.loads(ran.out))  # type: ignore[attr-defined]


def test_a_plan_is_estimated_with_price_unit_and_dated_source(priced: Lore, tmp_path: Path) -> None:
    ran = priced("cost", "estimate", put(tmp_path, plan(WEB, NAT, ROLE, ODD)), "--output", "json")
    assert ran.code == 0, ran.err
    made = told(ran)
    assert (made["schema"], made["after"], made["currency"], made["free"]) == (
        "lore.cost_estimate/1",
        "192.8",
        "USD",
        1,
    )
    assert made["unpriced"] == ["aws_unheard_of.it"]
    assert made["prices"] == ["aws-price-list AmazonEC2 eu-west-1 2026-10-01T00:00:00Z"]
    web = cast("list[dict[str, object]]", made["resources"])[0]
    line = cast("list[dict[str, object]]", web["lines"])[0]
    assert (line["quantity"], line["unit"], line["price"], line["monthly"]) == ("730", "hours", "0.2", "146")
    assert "sku M5" in str(line["source"])
    assert cast("dict[str, str]", line["alternatives"]) == {
        "standard 1yr Partial Upfront": "73",
        "standard 3yr No Upfront": "58.4",
    }


def test_a_reader_sees_totals_what_is_open_what_has_no_price_and_the_files(priced: Lore, tmp_path: Path) -> None:
    ran = priced("cost", "estimate", put(tmp_path, plan(WEB, NAT, ROLE, ODD)))
    assert ran.code == 0
    for words in (
        "Total: 192.80 USD a month, without 1 resources",
        "depends on usage: 0.06 per GB",
        "aws_unheard_of.it",
        "Free by themselves: 1",
        "2026-10-01",
        "or standard 3yr",
    ):
        assert words in ran.out


def test_without_prices_nothing_is_free_and_the_remedy_is_told(fresh: Lore, tmp_path: Path) -> None:
    ran = fresh("cost", "estimate", put(tmp_path, plan(NAT)))
    assert ran.code == 0
    assert "unpriced" in ran.out
    assert "Without a price, and not counted (1)" in ran.out
    assert "lore prices sync" in ran.err


def test_a_usage_file_is_counted(priced: Lore, tmp_path: Path) -> None:
    usage = tmp_path / "usage.yml"
    usage.write_text("version: 0.1\nresource_usage:\n  aws_nat_gateway.out:\n    monthly_data_processed_gb: 100\n")
    ran = priced("cost", "estimate", put(tmp_path, plan(NAT)), "--usage", usage, "--output", "json")
    assert told(ran)["after"] == str(Decimal("43.8") + 6).rstrip("0")


def test_a_diff_tells_what_changes_and_by_how_much(priced: Lore, tmp_path: Path) -> None:
    grown = resource(
        "aws_instance.web", instance_type="m5.large", root_block_device=[{"volume_type": "gp3", "volume_size": 130}]
    )
    cast("dict[str, object]", grown["change"])["before"] = cast("dict[str, object]", WEB["change"])["after"]
    ran = priced("cost", "diff", put(tmp_path, plan(grown, NAT)))
    assert ran.code == 0
    assert "149.00 → 202.80 USD a month: +53.80" in ran.out
    assert "+ aws_nat_gateway.out" in ran.out
    assert "~ aws_instance.web" in ran.out
    assert "3.00 → 13.00" in ran.out


def test_a_diff_against_another_plan_takes_what_that_one_makes(priced: Lore, tmp_path: Path) -> None:
    base = put(tmp_path, plan(NAT), "base.json")
    ran = priced("cost", "diff", put(tmp_path, plan(WEB)), "--base", base, "--output", "json")
    made = told(ran)
    assert (made["before"], made["after"], made["delta"]) == ("43.8", "149", "105.2")


@pytest.mark.parametrize("data", [b"", b"{}", b"<html>", b'{"format_version": "2.0"}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_plan_is_refused_with_a_remedy(fresh: Lore, tmp_path: Path, data: bytes) -> None:
    fresh("cost", "estimate", put(tmp_path, data)).failed("plan.json", "terraform show -json", code=2)


def test_a_plan_or_usage_file_that_is_not_there_is_said_so(fresh: Lore, tmp_path: Path) -> None:
    fresh("cost", "estimate", tmp_path / "no.json").failed("there is no", code=2)
    fresh("cost", "estimate", put(tmp_path, plan(NAT)), "--usage", tmp_path / "no.yml").failed("there is no", code=2)
    (tmp_path / "usage.yml").write_text("resource_usage: 3")
    fresh("cost", "estimate", put(tmp_path, plan(NAT)), "--usage", tmp_path / "usage.yml").failed(
        "is no mapping", code=2
    )


def test_the_price_files_are_listed_with_their_dates(priced: Lore) -> None:
    ran = priced("prices")
    assert "AmazonEC2" in ran.out
    assert "2026-10-01T00:00:00Z" in ran.out
    files = cast("list[dict[str, object]]", told(priced("prices", "--output", "json"))["files"])
    assert [(one["service"], one["region"]) for one in files] == [("AmazonEC2", "eu-west-1")]


def test_a_service_that_cannot_be_synced_stops_no_other(fresh: Lore, tmp_path: Path) -> None:
    (tmp_path / "AmazonEC2-eu-west-1.json").write_text(offer_file("AmazonEC2", EC2))
    ran = fresh(
        "prices", "sync", "--service", "AmazonS3", "--service", "AmazonEC2", "--region", "eu-west-1", "--from", tmp_path
    )
    assert ran.code == 1
    assert "AmazonEC2 eu-west-1: 8 products" in ran.out
    assert "error: AmazonS3 eu-west-1: there is no offer file" in ran.err
    fresh("prices", "sync", "--service", "AmazonEC2").failed("no region", code=2)


def test_a_price_file_of_ones_own_goes_before_the_synced_one(priced: Lore, tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text(
        "provider,service,region,attributes,unit,price,currency,date\naws,AmazonEC2,eu-west-1,usagetype=NatGateway-Hours,Hrs,0.01,USD,2026-11-01\n"
    )
    ran = priced("cost", "estimate", put(tmp_path, plan(NAT)), "--prices", mine, "--output", "json")
    assert told(ran)["after"] == "7.3"


def test_a_comment_is_only_shown_until_somebody_says_yes(priced: Lore, tmp_path: Path) -> None:
    ran = priced("cost", "comment", put(tmp_path, plan(NAT)), "--repo", "acme/infra", "--pull-request", "7")
    assert ran.code == 0, ran.err
    assert "43.8" in ran.out
    assert "nothing was written" in ran.err
    assert priced("cost", "comment", "--repo", "acme/infra", "--pull-request", "7").code == 0


# -- the plan


def test_the_region_is_that_of_the_provider_of_each_block() -> None:
    providers = {
        "aws": {"name": "aws", "expressions": {"region": {"references": ["var.where"]}}},
        "aws.us": {"name": "aws", "alias": "us", "expressions": {"region": {"constant_value": "us-east-2"}}},
        "module.m:aws": {
            "name": "aws",
            "module_address": "module.m",
            "expressions": {"region": {"constant_value": "sa-east-1"}},
        },
    }
    inner = resource("module.m.aws_nat_gateway.c")
    data = plan(
        resource("aws_nat_gateway.a"), resource("aws_nat_gateway.b"), inner,
        blocks=[block("aws_nat_gateway.a"), block("aws_nat_gateway.b", "aws.us")],
        calls={"m": {"module": {"resources": [block("aws_nat_gateway.c", "module.m:aws")]}}}, providers=providers,
    )  # fmt: skip
    assert {one.address: one.region for one in read_sides(data).after} == {
        "aws_nat_gateway.a": "eu-north-1", "aws_nat_gateway.b": "us-east-2", "module.m.aws_nat_gateway.c": "sa-east-1",
    }  # fmt: skip


def test_a_region_that_the_plan_does_not_tell_is_the_one_of_the_settings_or_none() -> None:
    data = plan(NAT, providers={"aws": {"name": "aws", "expressions": {}}})
    assert [one.region for one in read_sides(data).after] == [""]
    assert [one.region for one in read_sides(data, "eu-central-1").after] == ["eu-central-1"]


def test_references_are_followed_through_variables_of_modules_and_their_outputs() -> None:
    outer = {"references": ["module.net.volume_id", "module.net"]}
    data = plan(
        resource("module.app[0].aws_ebs_snapshot.s"), resource('module.net.aws_ebs_volume.v["a"]', size=40),
        blocks=[],
        calls={
            "app": {"expressions": {"volume": outer}, "module": {"resources": [block("aws_ebs_snapshot.s", volume_id={"references": ["var.volume"]})]}},
            "net": {"module": {"resources": [block("aws_ebs_volume.v")],
                               "outputs": {"volume_id": {"expression": {"references": ['aws_ebs_volume.v["a"].id', 'aws_ebs_volume.v["a"]', "aws_ebs_volume.v"]}}}}},
        },
    )  # fmt: skip
    snapshot = next(one for one in read_sides(data).after if one.type == "aws_ebs_snapshot")
    assert snapshot.references["volume_id"][0] == 'module.net.aws_ebs_volume.v["a"]'


def test_modules_that_refer_to_each_other_in_a_circle_end() -> None:
    data = plan(
        resource("aws_ebs_snapshot.s"), blocks=[block("aws_ebs_snapshot.s", volume_id={"references": ["module.a.x"]})],
        calls={
            "a": {"expressions": {"y": {"references": ["module.a.x"]}}, "module": {"outputs": {"x": {"expression": {"references": ["var.y"]}}}}},
        },
    )  # fmt: skip
    assert read_sides(data).after[0].references == {}


def test_what_is_sensitive_is_neither_shown_nor_priced_by() -> None:
    secret = resource("aws_instance.web", instance_type="m5.secret")
    cast("dict[str, object]", secret["change"])["after_sensitive"] = {"instance_type": True}
    assert read_sides(plan(secret)).after[0].values.text("instance_type") == ""


def test_deposed_objects_and_data_sources_are_not_counted() -> None:
    gone, data = resource("aws_nat_gateway.a"), resource("aws_nat_gateway.b")
    gone["deposed"], data["mode"] = "abc", "data"
    assert read_sides(plan(gone, data)).after == ()
