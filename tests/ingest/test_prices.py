"""Price files: streamed, kept with their dates, and asked."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from ingest.prices.infracost import InfracostPrices
from ingest.prices.json_stream import JsonStream, NotThatJson
from ingest.prices.model import PriceOffer
from ingest.prices.patterns import fits
from ingest.prices.price_file import PriceFile
from ingest.prices.store import PriceStore, listed
from ingest.prices.sync import sync
from ingest.source import SourceDataInvalid, SourceUnavailable
from tests.price_list import EC2, PUBLISHED, Invented, offer_file


@dataclass(frozen=True)
class Asked:
    service: str = "AmazonEC2"
    region: str = "eu-west-1"
    family: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    provider: str = "aws"
    resource_type: str = ""
    address: str = ""
    component: str = ""
    unit: str = ""


SHARED = (("instanceType", "m5.large"), ("operatingSystem", "Linux"), ("preInstalledSw", "NA"), ("tenancy", "Shared"))
KEEP = {"preInstalledSw": ("NA",)}


@pytest.fixture
def store(tmp_path: Path) -> PriceStore:
    return PriceStore(tmp_path / "prices.db")


def written(directory: Path, text: str, name: str = "AmazonEC2-eu-west-1.json") -> Path:
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(text, encoding="utf-8")
    return directory


def one(store: PriceStore, asked: Asked) -> PriceOffer:
    (offers,) = store.offers([asked])
    (offer,) = offers
    return offer


def test_a_file_is_kept_with_its_date_and_answers_by_attributes(store: PriceStore, tmp_path: Path) -> None:
    done = sync(
        store,
        "AmazonEC2",
        "eu-west-1",
        origin=str(written(tmp_path / "o", offer_file("AmazonEC2", EC2))),
        keep=KEEP,
        now="2026-10-02T00:00:00Z",
    )
    assert (done.head.published_at, done.head.products, done.already) == (PUBLISHED, 8, False)
    offer = one(store, Asked(attributes=SHARED))
    assert offer.tiers[0].price == Decimal("0.2")
    assert offer.source == "aws-price-list AmazonEC2 eu-west-1 2026-10-01T00:00:00Z"
    assert [head.region for head in store.files()] == ["eu-west-1"]


def test_what_is_paid_upfront_is_spread_over_the_term(store: PriceStore, tmp_path: Path) -> None:
    sync(store, "AmazonEC2", "eu-west-1", origin=str(written(tmp_path / "o", offer_file("AmazonEC2", EC2))), keep=KEEP)
    options = dict(one(store, Asked(attributes=SHARED)).options)
    assert options["standard 1yr Partial Upfront"] == Decimal("0.05") + Decimal(438) / 8760
    assert options["standard 3yr No Upfront"] == Decimal("0.08")


def test_products_that_nothing_can_ask_for_are_left_out(store: PriceStore, tmp_path: Path) -> None:
    sync(store, "AmazonEC2", "eu-west-1", origin=str(written(tmp_path / "o", offer_file("AmazonEC2", EC2))), keep=KEEP)
    assert store.offers([Asked(attributes=(("preInstalledSw", "SQL Web"),))]) == [()]


def test_the_same_file_twice_changes_nothing_and_an_older_one_stays(store: PriceStore, tmp_path: Path) -> None:
    old = written(tmp_path / "old", offer_file("AmazonEC2", EC2, published="2026-04-01T00:00:00Z"))
    new = written(
        tmp_path / "new",
        offer_file(
            "AmazonEC2", [Invented("N", "NAT Gateway", {"usagetype": "NatGateway-Hours"}, "Hrs", [("0", "0.07")])]
        ),
    )
    for origin in (old, new, new):
        done = sync(store, "AmazonEC2", "eu-west-1", origin=str(origin))
    assert done.already
    assert [head.published_at for head in store.files()] == [PUBLISHED, "2026-04-01T00:00:00Z"]
    assert one(store, Asked(attributes=(("usagetype", "~NatGateway-Hours"),))).tiers[0].price == Decimal("0.07")


def test_prices_as_of_a_day_come_from_the_file_of_then(tmp_path: Path) -> None:
    with PriceStore(tmp_path / "prices.db") as store:
        for published, price in (("2026-04-01T00:00:00Z", "0.05"), (PUBLISHED, "0.07")):
            text = offer_file(
                "AmazonEC2",
                [Invented("N", "NAT Gateway", {"usagetype": "NatGateway-Hours"}, "Hrs", [("0", price)])],
                published=published,
            )
            sync(store, "AmazonEC2", "eu-west-1", origin=str(written(tmp_path / published[:4], text)))
    with PriceStore(tmp_path / "prices.db", until="2026-05-01T00:00:00Z") as then:
        assert one(then, Asked(attributes=(("usagetype", "~NatGateway-Hours"),))).tiers[0].price == Decimal("0.05")


def test_a_region_is_not_answered_with_the_price_of_another(store: PriceStore, tmp_path: Path) -> None:
    sync(store, "AmazonEC2", "eu-west-1", origin=str(written(tmp_path / "o", offer_file("AmazonEC2", EC2))))
    assert store.offers([Asked(region="us-east-1", attributes=SHARED), Asked(region="", attributes=SHARED)]) == [(), ()]


def test_tiers_are_in_order_with_their_ends(store: PriceStore, tmp_path: Path) -> None:
    tiered = Invented(
        "S3",
        "Storage",
        {"usagetype": "EUW1-TimedStorage-ByteHrs"},
        "GB-Mo",
        [("0", "0.03"), ("51200", "0.02"), ("512000", "0.01")],
    )
    sync(
        store,
        "AmazonS3",
        "eu-west-1",
        origin=str(written(tmp_path / "o", offer_file("AmazonS3", [tiered]), "AmazonS3-eu-west-1.json")),
    )
    offer = one(store, Asked("AmazonS3", attributes=(("usagetype", "~TimedStorage-ByteHrs"),)))
    assert [(str(t.start), str(t.end), str(t.price)) for t in offer.tiers] == [
        ("0", "51200", "0.03"),
        ("51200", "512000", "0.02"),
        ("512000", "None", "0.01"),
    ]


def test_a_packed_file_is_read_too(store: PriceStore, tmp_path: Path) -> None:
    (tmp_path / "ec2.json.gz").write_bytes(gzip.compress(offer_file("AmazonEC2", EC2).encode()))
    assert sync(store, "AmazonEC2", "eu-west-1", origin=str(tmp_path / "ec2.json.gz")).head.products == 9


def test_a_file_that_ends_early_leaves_nothing_behind(store: PriceStore, tmp_path: Path) -> None:
    text = offer_file("AmazonEC2", EC2)
    for length in (10, len(text) // 3, len(text) // 2, len(text) - 30):
        with pytest.raises(SourceDataInvalid):
            sync(store, "AmazonEC2", "eu-west-1", origin=str(written(tmp_path / "o", text[:length])))
    assert store.files() == []


@pytest.mark.parametrize(
    "text", ["", "<html>", "[]", "{}", '{"products": 3}', '{"offerCode": "AmazonEC2", "products": {}}']
)
def test_what_is_no_offer_file_is_refused_with_a_remedy(store: PriceStore, tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceDataInvalid) as caught:
        sync(store, "AmazonEC2", "eu-west-1", origin=str(written(tmp_path / "o", text)))
    assert caught.value.hint
    assert store.files() == []


def test_a_file_of_another_service_is_refused(store: PriceStore, tmp_path: Path) -> None:
    with pytest.raises(SourceDataInvalid, match="AmazonS3, not of AmazonEC2"):
        sync(store, "AmazonEC2", "eu-west-1", origin=str(written(tmp_path / "o", offer_file("AmazonS3", []))))


def test_single_bad_entries_are_told_and_the_rest_is_kept(store: PriceStore, tmp_path: Path) -> None:
    document = json.loads(offer_file("AmazonEC2", EC2))
    document["products"]["BAD"] = {"sku": None}
    next(iter(document["terms"]["OnDemand"]["T3"].values()))["priceDimensions"] = {
        "x": {"pricePerUnit": {"USD": "dear"}}
    }
    done = sync(store, "AmazonEC2", "eu-west-1", origin=str(written(tmp_path / "o", json.dumps(document))))
    assert [refused.locator.split("/")[0] for refused in done.refused] == ["products", "terms"]
    assert "dear" not in str(done.refused)
    assert done.head.products == 8  # the one whose price cannot be read has none


def test_a_file_comes_by_http_in_the_layout_of_aws(store: PriceStore, httpserver: HTTPServer) -> None:
    path = "/offers/v1.0/aws/AmazonEC2/current/eu-west-1/index.json"
    httpserver.expect_request(path).respond_with_data(offer_file("AmazonEC2", EC2), content_type="application/json")
    assert sync(store, "AmazonEC2", "eu-west-1", origin=httpserver.url_for("")).head.products == 9


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, SourceDataInvalid), (403, SourceDataInvalid), (503, SourceUnavailable), (429, SourceUnavailable)],
)
def test_what_a_server_refuses_is_told_as_what_can_be_done(
    store: PriceStore, httpserver: HTTPServer, status: int, error: type[Exception]
) -> None:
    httpserver.expect_request("/offers/v1.0/aws/AmazonEC2/current/eu-west-1/index.json").respond_with_data(
        "no", status=status, headers={"Retry-After": "7"} if status == 429 else {}
    )
    with pytest.raises(error) as caught:
        sync(store, "AmazonEC2", "eu-west-1", origin=httpserver.url_for(""))
    if status == 429:
        assert isinstance(caught.value, SourceUnavailable)
        assert caught.value.retry_after_s == 7


def test_a_web_page_instead_of_the_file_is_said_so(store: PriceStore, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/offers/v1.0/aws/AmazonEC2/current/eu-west-1/index.json").respond_with_data(
        "<html>", content_type="text/html"
    )
    with pytest.raises(SourceDataInvalid, match="web page"):
        sync(store, "AmazonEC2", "eu-west-1", origin=httpserver.url_for(""))


def test_a_server_that_is_not_there_may_work_later(store: PriceStore) -> None:
    with pytest.raises(SourceUnavailable):
        sync(store, "AmazonEC2", "eu-west-1", origin="http://127.0.0.1:9")


def test_a_store_that_is_another_file_is_not_overwritten(tmp_path: Path) -> None:
    other = tmp_path / "prices.db"
    other.write_text(
        "my diary, which is longer than the head of a SQLite file, and so on and so forth for a hundred bytes or more"
    )
    with pytest.raises(SourceDataInvalid):
        PriceStore(other)
    assert other.read_text().startswith("my diary")


def test_no_store_holds_no_files(tmp_path: Path) -> None:
    assert listed(tmp_path / "prices.db") == []
    assert not (tmp_path / "prices.db").exists()


@pytest.mark.parametrize("size", [1, 2, 7, 1 << 20])
def test_a_document_reads_the_same_in_pieces_of_any_size(size: int) -> None:
    text = '{"a": {"b": [1, {"c": "}\\"{"}]}, "n": 12.50, "d": {"x": 1, "y": null}, "e": {}, "s": "z"}'
    at = 0

    def read(_: int) -> str:
        nonlocal at
        at += size
        return text[at - size : at]

    stream = JsonStream(read)
    found: dict[str, object] = {}
    for name in stream.members():
        if name == "a":
            stream.skip()
        else:
            found[name] = stream.value()
    assert found == {"n": "12.50", "d": {"x": "1", "y": None}, "e": {}, "s": "z"}


def test_a_document_that_stops_within_a_name_is_no_json() -> None:
    parts = iter(['{"a', ""])
    with pytest.raises(NotThatJson):
        list(JsonStream(lambda _: next(parts, "")).members())


@pytest.mark.parametrize(
    ("wanted", "told", "expected"),
    [
        ("~NatGateway-Hours", "EUW1-NatGateway-Hours", True),
        ("~NatGateway-Hours", "NatGateway-Hours", True),
        ("~NatGateway-Hours", "EU-Regional-NatGateway-Hours", False),
        ("~DNS-Queries", "DNS-Queries", True),
        ("CF-HTTP-*", "CF-HTTP-Proxy", True),
        ("CF-HTTP-*", "CF-HTTPS-Proxy", False),
        ("a.b", "axb", False),
    ],
)
def test_a_usage_type_fits_behind_the_code_of_its_region_only(wanted: str, told: str, expected: bool) -> None:
    assert fits(wanted, told) is expected


# -- other price files


CSV = """provider,service,region,attributes,unit,price,currency,date,option,start
aws,AmazonEC2,eu-west-1,instanceType=m5.large,Hrs,0.11,USD,2026-09-01,,
aws,AmazonEC2,eu-west-1,instanceType=m5.large,Hrs,0.04,USD,2026-09-01,spot,
google,Compute Engine,,resource_type=google_compute_instance;machine_type=n1-standard-1;component=VM,hours,0.05,USD,2026-09-01,,
aws,AmazonEC2,eu-west-1,instanceType=m5.xlarge,Hrs,dear,USD,2026-09-01,,
"""


def test_a_price_file_of_anybodys_answers_with_its_date_and_options(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(CSV)
    book = PriceFile(path)
    ((offer,), dedicated) = book.offers(
        [Asked(attributes=SHARED), Asked(attributes=(("instanceType", "m5.large"), ("tenancy", "Dedicated")))]
    )
    assert (offer.tiers[0].price, dict(offer.options), offer.source) == (
        Decimal("0.11"),
        {"spot": Decimal("0.04")},
        "aws-price-list AmazonEC2 eu-west-1 2026-09-01",
    )
    assert dedicated == []
    assert [refused.locator for refused in book.refused] == ["mine.csv:4"]


def test_a_row_for_a_resource_type_prices_another_clouds_resources(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(CSV)
    asked = Asked(
        "",
        "europe-west1",
        attributes=(("machine_type", "n1-standard-1"),),
        provider="",
        resource_type="google_compute_instance",
    )
    other = Asked(
        "",
        "europe-west1",
        attributes=(("machine_type", "n2-standard-2"),),
        provider="",
        resource_type="google_compute_instance",
    )
    (found, none) = PriceFile(path).offers([asked, other])
    assert [(offer.sku, offer.unit, str(offer.tiers[0].price)) for offer in found] == [("VM", "hours", "0.05")]
    assert none == []


def test_a_price_file_as_json_is_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    row = {
        "provider": "aws",
        "service": "AmazonEC2",
        "region": "eu-west-1",
        "attributes": {"instanceType": "m5.large"},
        "unit": "Hrs",
        "price": "0.11",
        "currency": "USD",
        "date": "2026-09-01",
    }
    path.write_text(json.dumps({"prices": [row, {"provider": "aws"}]}))
    book = PriceFile(path)
    assert len(book.offers([Asked(attributes=SHARED)])[0]) == 1
    assert len(book.refused) == 1


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "{", '{"prices": 3}', "\x00"])
def test_what_is_no_price_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(SourceDataInvalid):
        PriceFile(path)


def infracost(*resources: Mapping[str, object]) -> str:
    return json.dumps(
        {
            "version": "0.2",
            "currency": "USD",
            "timeGenerated": "2026-09-01T10:00:00Z",
            "projects": [{"name": "p", "breakdown": {"resources": resources}}],
        }
    )


def test_prices_of_infracost_answer_by_component(tmp_path: Path) -> None:
    path = tmp_path / "infracost.json"

    def nat(name: str, price: str) -> dict[str, object]:
        return {
            "name": name,
            "resourceType": "aws_nat_gateway",
            "costComponents": [{"name": "NAT gateway", "unit": "hours", "price": price}],
        }

    disk = {"name": "root_block_device", "costComponents": [{"name": "Storage (gp2)", "unit": "GB", "price": "0.3"}]}
    machine = {"name": "aws_instance.a", "resourceType": "aws_instance", "costComponents": [], "subresources": [disk]}
    path.write_text(infracost(nat("aws_nat_gateway.a", "0.05"), nat("aws_nat_gateway.b", "0.06"), machine))
    book = InfracostPrices(path)

    def asked(type_: str, address: str, component: str, unit: str) -> Asked:
        return Asked(resource_type=type_, address=address, component=component, unit=unit)

    own, unsure, part = book.offers(
        [
            asked("aws_nat_gateway", "aws_nat_gateway.a", "NAT gateway", "hours"),
            asked("aws_nat_gateway", "aws_nat_gateway.new", "NAT gateway", "hours"),
            asked("aws_instance", "aws_instance.b", "root_block_device / Storage (gp2)", "GB"),
        ]
    )  # fmt: skip
    assert own[0].tiers[0].price == Decimal("0.05")
    assert own[0].source == "infracost 2026-09-01T10:00:00Z"
    assert unsure == []  # two prices are known for it
    assert part[0].tiers[0].price == Decimal("0.3")


def test_what_infracost_did_not_write_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"projects": 3}')
    with pytest.raises(SourceDataInvalid):
        InfracostPrices(path)
