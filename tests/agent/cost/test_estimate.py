"""The estimate: quantities of the mappings, prices of a book, and what is said where there is none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.cost import resources
from agent.cost.estimate import Sides, estimate
from agent.cost.estimate_plan import Planned, Values
from agent.cost.model import Estimate, PriceLine
from agent.cost.prices import Books, Offer, Query, quote
from agent.cost.resources import MAPPERS
from agent.cost.usage import Usage


@dataclass(frozen=True)
class AtTier:
    start: Decimal
    end: Decimal | None
    price: Decimal


@dataclass(frozen=True)
class Made:
    tiers: tuple[AtTier, ...]
    unit: str = "Hrs"
    sku: str = "SKU1"
    options: tuple[tuple[str, Decimal], ...] = ()
    source: str = "a file of 2026-10-01"
    currency: str = "USD"
    by_component: bool = False


def flat(price: str, unit: str = "Hrs", **other: object) -> Made:
    return Made((AtTier(Decimal(0), None, Decimal(price)),), unit, **other)  # type: ignore[arg-type]


class EveryPrice:
    """Knows one price for everything that is asked of a service, and remembers the questions."""

    def __init__(self, by_service: Mapping[str, Sequence[Offer]]) -> None:
        self.by_service = by_service
        self.asked: list[Query] = []
        self.calls = 0

    def offers(self, queries: Sequence[Query]) -> Sequence[Sequence[Offer]]:
        self.calls += 1
        self.asked += queries
        return [self.by_service.get(query.service, ()) for query in queries]


def planned(
    type_: str, name: str = "it", references: Mapping[str, tuple[str, ...]] | None = None, **values: object
) -> Planned:
    return Planned(f"{type_}.{name}", type_, "eu-west-1", Values(values), references or {})


def cost_of(
    *resources: Planned, book: object = None, usage: Mapping[str, Mapping[str, object]] | None = None, **kw: str
) -> Estimate:
    return estimate(Sides(resources), book or Books(()), Usage(usage), **kw)  # type: ignore[arg-type]


def lines_of(made: Estimate, address: str) -> dict[str, PriceLine]:
    return {line.component: line for one in made.resources if one.address == address for line in one.lines}


def test_an_hourly_component_runs_730_hours_and_tells_price_unit_and_source() -> None:
    made = cost_of(planned("aws_nat_gateway"), book=EveryPrice({"AmazonEC2": [flat("0.048")]}))
    line = lines_of(made, "aws_nat_gateway.it")["NAT gateway"]
    assert (line.quantity, line.unit, line.price, line.monthly, line.state) == (
        "730",
        "hours",
        "0.048",
        "35.04",
        "priced",
    )
    assert line.source == "a file of 2026-10-01 sku SKU1"
    assert made.prices == ("a file of 2026-10-01",)
    assert made.after == "35.04"


def test_what_use_makes_is_open_without_a_usage_file_and_counted_with_one() -> None:
    book = EveryPrice({"AmazonEC2": [flat("0.05")]})
    data = lines_of(
        cost_of(planned("aws_nat_gateway"), book=EveryPrice({"AmazonEC2": [flat("0.05", "GB")]})), "aws_nat_gateway.it"
    )["Data processed"]
    assert (data.state, data.quantity, data.monthly, data.price) == ("usage", None, None, "0.05")
    told = cost_of(
        planned("aws_nat_gateway"), book=book, usage={"aws_nat_gateway.it": {"monthly_data_processed_gb": 10}}
    )
    assert lines_of(told, "aws_nat_gateway.it")["Data processed"].state == "unpriced"  # that price is by the hour


def test_a_resource_without_a_price_is_listed_and_makes_nothing_free() -> None:
    made = cost_of(
        planned("aws_instance", instance_type="m5.large"), planned("aws_unheard_of"), planned("aws_iam_role")
    )
    assert made.after == "0"
    assert made.unpriced == ("aws_instance.it", "aws_unheard_of.it")
    assert made.free == 1
    instance = next(one for one in made.resources if one.type == "aws_instance")
    assert not instance.complete
    assert lines_of(made, "aws_instance.it")["Instance usage (Linux/UNIX, on-demand, m5.large)"].source == (
        "no price of AmazonEC2 in eu-west-1 is known"
    )


def test_a_type_that_is_not_known_is_unpriced_even_when_its_name_begins_like_a_free_one() -> None:
    assert cost_of(planned("aws_vpc_endpoint", vpc_endpoint_type="Interface")).unpriced
    assert cost_of(planned("aws_vpc_ipam")).unpriced
    assert cost_of(planned("aws_security_group"), planned("aws_vpc"), planned("random_id")).free == 3


def test_prices_that_fit_and_differ_are_no_price() -> None:
    made = cost_of(planned("aws_nat_gateway"), book=EveryPrice({"AmazonEC2": [flat("0.1"), flat("0.2", sku="SKU2")]}))
    line = lines_of(made, "aws_nat_gateway.it")["NAT gateway"]
    assert (line.state, line.monthly, line.source) == ("unpriced", None, "2 prices fit and differ")


def test_the_same_price_in_two_products_is_a_price() -> None:
    made = cost_of(planned("aws_nat_gateway"), book=EveryPrice({"AmazonEC2": [flat("0.1"), flat("0.1", sku="SKU2")]}))
    assert lines_of(made, "aws_nat_gateway.it")["NAT gateway"].monthly == "73"


def test_a_price_in_another_currency_is_not_added_up() -> None:
    book = EveryPrice({"AmazonEC2": [flat("0.1")], "AWSELB": [flat("9", currency="CNY")]})
    made = cost_of(planned("aws_nat_gateway"), planned("aws_elb"), book=book)
    assert made.currency == "USD"
    assert made.after == "73"
    assert lines_of(made, "aws_elb.it")["Classic load balancer"].source == "its price is in CNY"


def test_purchase_options_stand_beside_the_price_on_demand() -> None:
    options = (("standard 1yr No Upfront", Decimal("0.06")),)
    book = EveryPrice({"AmazonEC2": [flat("0.1", options=options)]})
    made = cost_of(planned("aws_instance", instance_type="m5.large"), book=book)
    line = lines_of(made, "aws_instance.it")["Instance usage (Linux/UNIX, on-demand, m5.large)"]
    assert line.monthly == "73"
    assert line.alternatives == {"standard 1yr No Upfront": "43.8"}


def test_an_option_that_the_usage_file_tells_is_the_price() -> None:
    options = (("standard 1yr No Upfront", Decimal("0.06")),)
    told = {
        "reserved_instance_type": "standard",
        "reserved_instance_term": "1_year",
        "reserved_instance_payment_option": "no_upfront",
    }
    book = EveryPrice({"AmazonEC2": [flat("0.1", options=options)]})
    made = cost_of(planned("aws_instance", instance_type="m5.large"), book=book, usage={"aws_instance.it": told})
    assert lines_of(made, "aws_instance.it")["Instance usage (Linux/UNIX, reserved, m5.large)"].monthly == "43.8"
    dear = cost_of(
        planned("aws_instance", instance_type="m5.large"),
        book=EveryPrice({"AmazonEC2": [flat("0.1")]}),
        usage={"aws_instance.it": told},
    )
    assert lines_of(dear, "aws_instance.it")["Instance usage (Linux/UNIX, reserved, m5.large)"].state == "unpriced"


def test_tiers_of_the_price_file_count_whatever_the_lines_are_called() -> None:
    tiers = (
        AtTier(Decimal(0), Decimal(400_000_000), Decimal("0.000004")),
        AtTier(Decimal(400_000_000), None, Decimal("0.000002")),
    )
    book = EveryPrice({"AmazonApiGateway": [Made(tiers, "Requests")]})
    usage = {"aws_api_gateway_rest_api.it": {"monthly_requests": 500_000_000}}
    made = cost_of(planned("aws_api_gateway_rest_api"), book=book, usage=usage)
    lines = lines_of(made, "aws_api_gateway_rest_api.it")
    assert lines["Requests (first 333M)"].monthly == "1332"
    assert lines["Requests (next 667M)"].quantity == "167"
    assert made.after == "1800"


def test_a_free_beginning_of_an_account_is_not_given_to_every_resource() -> None:
    tiers = (AtTier(Decimal(0), Decimal(18_600), Decimal(0)), AtTier(Decimal(18_600), None, Decimal("0.001")))
    book = EveryPrice({"AmazonDynamoDB": [Made(tiers, "WriteCapacityUnit-Hrs")]})
    made = cost_of(
        planned("aws_dynamodb_table", billing_mode="PROVISIONED", write_capacity=10, read_capacity=0), book=book
    )
    assert lines_of(made, "aws_dynamodb_table.it")["Write capacity unit (WCU)"].monthly == "7.3"


def test_a_component_that_is_free_altogether_costs_nothing() -> None:
    made = cost_of(planned("aws_nat_gateway"), book=EveryPrice({"AmazonEC2": [flat("0")]}))
    assert lines_of(made, "aws_nat_gateway.it")["NAT gateway"].monthly == "0"


def test_throughput_is_priced_by_the_unit_that_the_file_has() -> None:
    disk = planned("aws_ebs_volume", type="gp3", size=10, throughput=225)
    for unit, price in (("GiBps-mo", "40.96"), ("MiBps-Mo", "0.04")):
        made = cost_of(disk, book=EveryPrice({"AmazonEC2": [flat(price, unit)]}))
        assert lines_of(made, "aws_ebs_volume.it")["Provisioned throughput"].monthly == "4"


def test_before_and_after_are_told_with_their_difference() -> None:
    was, will = planned("aws_nat_gateway"), planned("aws_nat_gateway", "new")
    made = estimate(Sides((was, will), (was,)), EveryPrice({"AmazonEC2": [flat("0.1")]}), Usage())
    assert (made.before, made.after, made.delta) == ("73", "146", "73")


def test_all_prices_are_asked_for_at_once() -> None:
    book = EveryPrice({"AmazonEC2": [flat("0.1")]})
    cost_of(*(planned("aws_nat_gateway", f"n{number}") for number in range(50)), book=book)
    assert book.calls == 1
    assert len(book.asked) == 100


def test_an_instance_takes_from_its_launch_template_what_it_does_not_say_itself() -> None:
    template = planned(
        "aws_launch_template", "t", instance_type="c5.xlarge", monitoring=[{"enabled": True}],
        block_device_mappings=[{"device_name": "/dev/sdb", "ebs": [{"volume_type": "gp3", "volume_size": 50}]}],
    )  # fmt: skip
    machine = planned("aws_instance", references={"launch_template.id": ("aws_launch_template.t",)})
    lines = lines_of(cost_of(template, machine), "aws_instance.it")
    assert lines["Instance usage (Linux/UNIX, on-demand, c5.xlarge)"].quantity == "730"
    assert lines["EC2 detailed monitoring"].quantity == "7"
    assert lines["ebs_block_device[0] / Storage (general purpose SSD, gp3)"].quantity == "50"


def test_a_root_volume_whose_size_is_not_told_is_assumed_and_said_so() -> None:
    made = cost_of(planned("aws_instance", instance_type="m5.large"))
    assert made.notes == ("assumed for 1 component: 8 GB for a root volume whose size the plan does not tell",)


def test_an_instance_whose_type_is_not_known_yet_is_unpriced_with_the_reason() -> None:
    made = cost_of(planned("aws_instance"))
    assert made.unpriced == ("aws_instance.it",)
    assert made.resources[0].lines[0].source == "its instance type is known only after the apply"


def test_a_mixed_group_splits_its_capacity_into_on_demand_and_spot() -> None:
    template = planned("aws_launch_template", "t", instance_type="m5.large")
    policy: dict[str, object] = {
        "launch_template": [
            {"launch_template_specification": [{"version": "1"}], "override": [{"instance_type": "m5a.large"}]}
        ],
        "instances_distribution": [{"on_demand_base_capacity": 1, "on_demand_percentage_above_base_capacity": 50}],
    }
    where = {
        "mixed_instances_policy.launch_template.launch_template_specification.launch_template_id": (
            "aws_launch_template.t",
        )
    }
    group = planned("aws_autoscaling_group", references=where, desired_capacity=6, mixed_instances_policy=[policy])
    lines = lines_of(cost_of(template, group), "aws_autoscaling_group.it")
    assert lines["aws_launch_template.t / Instance usage (Linux/UNIX, on-demand, m5a.large)"].quantity == str(4 * 730)
    assert lines["aws_launch_template.t / Instance usage (Linux/UNIX, spot, m5a.large)"].quantity == str(2 * 730)


def test_a_version_out_of_support_costs_more_from_its_day_on() -> None:
    cluster = planned("aws_eks_cluster", version="1.30")
    assert "EKS cluster" in lines_of(cost_of(cluster, today="2025-07-23"), "aws_eks_cluster.it")
    assert "EKS cluster (extended support)" in lines_of(cost_of(cluster, today="2025-07-24"), "aws_eks_cluster.it")


def test_usage_that_is_no_number_or_below_zero_does_not_count() -> None:
    for told in ("many", -4, float("nan"), "1e99999", True, [1]):
        made = cost_of(planned("aws_nat_gateway"), usage={"aws_nat_gateway.it": {"monthly_data_processed_gb": told}})
        assert lines_of(made, "aws_nat_gateway.it")["Data processed"].quantity is None


def test_defaults_of_a_type_stand_below_what_is_told_of_an_instance() -> None:
    usage = Usage({"aws_elb.a[*]": {"monthly_data_processed_gb": 5}}, {"aws_elb": {"monthly_data_processed_gb": 1}})
    assert usage.values("aws_elb.b", "aws_elb").number("monthly_data_processed_gb") == 1
    assert usage.values('aws_elb.a["x"]', "aws_elb").number("monthly_data_processed_gb") == 5


def test_amounts_are_decimal_and_exact() -> None:
    book = EveryPrice({"AmazonEC2": [flat("0.0000000001")]})
    made = cost_of(planned("aws_nat_gateway"), book=book)
    assert lines_of(made, "aws_nat_gateway.it")["NAT gateway"].price == "0.0000000001"
    tenth = cost_of(
        *(planned("aws_nat_gateway", f"n{n}") for n in range(3)), book=EveryPrice({"AmazonEC2": [flat("0.1")]})
    )
    assert tenth.after == "219"


@given(
    st.lists(st.integers(1, 10_000), min_size=1, max_size=5, unique=True),
    st.integers(0, 20_000),
    st.integers(0, 20_000),
)
def test_parts_of_a_tiered_quantity_cost_what_the_whole_costs(bounds: list[int], first: int, second: int) -> None:
    edges = [0, *sorted(bounds)]
    tiers = tuple(
        AtTier(Decimal(start), Decimal(end) if end else None, Decimal(100 - number))
        for number, (start, end) in enumerate(zip(edges, [*edges[1:], None], strict=True))
    )
    offers = [Made(tiers, "Requests")]

    def monthly(quantity: int, start: int) -> Decimal:
        told = quote(offers, unit="requests", quantity=Decimal(quantity), per=Decimal(1), start=Decimal(start)).monthly
        assert told is not None
        return told

    assert monthly(first, 0) + monthly(second, first) == monthly(first + second, 0)


ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**12)
    | st.floats(allow_nan=True)
    | st.text(max_size=6)
    | st.just("1e99999"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=6,
)
SOURCES_OF_NAMES = {
    path.stem: re.findall(
        r'(?:text|number|flag|block|blocks|texts|count|told)\("(\w+)"', path.read_text(encoding="utf-8")
    )
    for path in Path(resources.__file__).parent.glob("*.py")
}


@pytest.mark.parametrize("type_", sorted(MAPPERS))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_plan_and_no_usage_file_can_break_a_mapping(type_: str, data: st.DataObject) -> None:
    module = MAPPERS[type_].__module__.rpartition(".")[2]
    names = st.sampled_from([*SOURCES_OF_NAMES[module], "x"])
    told = data.draw(st.dictionaries(names, ODD, max_size=8))
    used = data.draw(st.dictionaries(names, ODD, max_size=6))
    resource = Planned(f"{type_}.it", type_, "eu-west-1", Values(told))
    made = cost_of(resource, usage={resource.address: used}, book=EveryPrice({"AmazonEC2": [flat("0.1")]}))
    assert Decimal(made.after) >= 0
