"""What is paid for nothing: in an inventory that moto answers, in the bill, and in what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from agent.cost.bill import Bill, read_bill
from agent.cost.model import Waste
from agent.cost.waste import find_wastes
from agent.cost.waste_facts import scan_facts, standing
from agent.cost.waste_generations import successor
from agent.cost.waste_prices import Priced
from agent.evidence import Citations
from graph.clock import DAY, SECOND, Instant, instant
from graph.model import Alias, Assertion, Entity, EntityRef, FactBatch, Relation, Value, ref
from graph.observations import EdgeAnswer, EdgeQuery, LogAnswer, LogQuery, Seen, Series, SeriesAnswer, SeriesQuery
from graph.store import EntityView, GraphStore, View
from graph.stores import open_store
from ingest.names import cloud_resource
from ingest.sources.aws.source import AwsSettings, AwsSource
from ingest.sync import sync
from tests.agent.cost.bills import Billing
from tests.contracts.source_contract import KEY, fresh_store
from tests.moto_server import ACCOUNT_ID, REGION, MotoServer, moto_server

AT = instant("2026-06-09T00:00:00Z")
VIEW = View()
NO_BILL = Bill((), "2026-05-10", "2026-06-09")


@pytest.fixture
def store() -> Iterator[GraphStore]:
    with open_store("sqlite://:memory:") as opened:
        yield opened


def known(store: GraphStore, type_: str, name: str, status: str = "", **attributes: Value) -> EntityRef:
    """A resource of an inventory."""
    arn = f"arn:aws:ec2:{REGION}:{ACCOUNT_ID}:{type_}/{name}"
    thing = cloud_resource(arn)
    told: dict[str, Value] = {"type": type_, "name": name, "provider": "aws", "cloud_id": arn, "status": status, "attributes": attributes}  # fmt: skip
    facts = (Entity(thing, told), Alias(thing, "id", name))
    at = instant("2026-01-01")
    store.apply(
        FactBatch(f"{type_}{name}", "aws", name, "aws/1", tuple(Assertion(f, at, at, f"ec2:{name}") for f in facts))
    )
    return thing


def wastes(store: GraphStore, bill: Bill = NO_BILL, observations: object = None) -> tuple[Waste, ...]:
    return find_wastes(store, VIEW, AT, bill, Citations(), observations)  # type: ignore[arg-type]


def bill_of(store: GraphStore, billing: Billing) -> Bill:
    billing.apply(store)
    return read_bill(store, VIEW, instant("2026-05-10"), AT)


def test_an_inventory_tells_what_is_unattached_stopped_empty_and_old(tmp_path: Path) -> None:
    with moto_server() as moto, fresh_store(tmp_path, "g") as store:
        own = _make(moto)
        source = AwsSource(AwsSettings(account_id=ACCOUNT_ID, quotas=(), services=("ec2", "elbv2"), **moto.settings()))  # type: ignore[arg-type]
        now = instant("2026-06-01")
        assert sync(store, source, now, KEY, processes="none").error is None
        found = find_wastes(store, VIEW, now + 400 * DAY, NO_BILL, Citations())
    # moto has made snapshots of the images it plays itself.
    found = tuple(w for w in found if w.type != "aws_ebs_snapshot" or own in w.label)
    kinds = sorted((w.type, w.kind) for w in found)
    assert kinds == [
        ("aws_ebs_snapshot", "old"),
        ("aws_ebs_volume", "old_generation"),  # of the instance that runs; the stopped one's goes with it
        ("aws_ebs_volume", "unattached"),
        ("aws_eip", "unattached"),
        ("aws_instance", "stopped"),
        ("aws_lb", "idle"),
    ]
    assert all(w.saving is None and w.patch and w.reason.endswith(".") for w in found)
    (volume,) = (w for w in found if w.kind == "unattached" and w.type == "aws_ebs_volume")
    assert "40 GiB gp2" in volume.reason
    (stopped,) = (w for w in found if w.kind == "stopped")
    assert "1 volume of 8 GiB in all still cost" in stopped.reason


def _make(moto: MotoServer) -> str:
    """Make what costs for nothing and what does not; the id of the one snapshot."""

    def ec2(operation: str, **told: object) -> Mapping[str, object]:
        return moto.do("ec2", operation, REGION, **told)

    def first(answer: Mapping[str, object], name: str) -> dict[str, str]:
        return cast("list[dict[str, str]]", answer[name])[0]

    loose = ec2("create_volume", AvailabilityZone=f"{REGION}a", Size=40, VolumeType="gp2")
    snapshot = str(ec2("create_snapshot", VolumeId=loose["VolumeId"])["SnapshotId"])
    ec2("allocate_address", Domain="vpc")
    image = first(ec2("describe_images", Owners=["amazon"]), "Images")["ImageId"]
    made = ec2("run_instances", ImageId=image, MinCount=2, MaxCount=2, InstanceType="t3.micro")["Instances"]
    instances = [i["InstanceId"] for i in cast("list[dict[str, str]]", made)]
    ec2("stop_instances", InstanceIds=instances[:1])
    vpc = first(ec2("describe_vpcs"), "Vpcs")["VpcId"]
    subnets = [s["SubnetId"] for s in cast("list[dict[str, str]]", ec2("describe_subnets")["Subnets"])][:2]
    for name in ("empty", "busy"):
        balancer = first(moto.do("elbv2", "create_load_balancer", Name=name, Subnets=subnets), "LoadBalancers")
        made = moto.do("elbv2", "create_target_group", Name=name, Protocol="HTTP", Port=80, VpcId=vpc)
        group = first(made, "TargetGroups")["TargetGroupArn"]
        if name == "busy":
            moto.do("elbv2", "register_targets", TargetGroupArn=group, Targets=[{"Id": instances[1]}])
        action = [{"Type": "forward", "TargetGroupArn": group}]
        arn = balancer["LoadBalancerArn"]
        moto.do("elbv2", "create_listener", LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=action)
    return snapshot


def test_the_saving_is_what_the_bill_says_and_a_share_of_it_for_a_better_type(store: GraphStore) -> None:
    loose = known(store, "aws_ebs_volume", "vol-1", "available", size=100, type="gp2")
    used = known(store, "aws_ebs_volume", "vol-2", "in-use", size=100, type="gp2")
    billing = Billing()
    for thing, name in ((loose, "vol-1"), (used, "vol-2")):
        billing.bill("AmazonEC2", lambda day: 1, resource=name, about=thing, usage_type="EU-EBS:VolumeUsage.gp2")
        billing.bill("AmazonEC2", lambda day: 3, resource=name, about=thing, usage_type="EU-EBS:SnapshotUsage")
    first, second = wastes(store, bill_of(store, billing))
    assert (first.kind, first.saving, first.label) == ("unattached", "121.60", "vol-1")
    assert (second.kind, second.saving) == ("old_generation", "6.08")
    assert "list price" in second.saving_from
    assert "bill" in first.saving_from
    assert "121.60 USD a month" in first.reason


def test_what_no_bill_tells_is_priced_by_the_list_where_there_is_one(store: GraphStore) -> None:
    known(store, "aws_ebs_volume", "vol-1", "available", size=100, type="gp2")

    def prices(things: Sequence[tuple[EntityView, Mapping[str, Value]]]) -> dict[EntityRef, Priced]:
        return {t.ref: Priced(Decimal("0.11") * int(str(a["size"])), "USD", "price list 2026-06-01") for t, a in things}

    (found,) = find_wastes(store, VIEW, AT, NO_BILL, Citations(), None, prices)
    assert (found.saving, found.saving_from) == ("11.00", "price list 2026-06-01")
    billing = Billing()
    billing.bill("Compute Engine", lambda day: 5, currency="EUR")
    (found,) = find_wastes(store, VIEW, AT, bill_of(store, billing), Citations(), None, prices)
    assert (found.saving, found.saving_from) == (None, ""), "dollars are not added to euros"


def test_a_stopped_instance_saves_what_its_volumes_cost(store: GraphStore) -> None:
    volume = known(store, "aws_ebs_volume", "vol-1", "in-use", size=50, type="gp2")
    known(store, "aws_instance", "i-1", "stopped", instance_type="m6i.large", volume_ids=["vol-1"])
    billing = Billing()
    billing.bill("AmazonEC2", lambda day: 0.25, resource="vol-1", about=volume, usage_type="EBS:VolumeUsage.gp2")
    (found,) = wastes(store, bill_of(store, billing))
    assert (found.label, found.kind, found.saving) == ("i-1", "stopped", "7.60")


def test_what_code_declares_is_changed_there_and_its_owner_is_named(store: GraphStore) -> None:
    thing = known(store, "aws_instance", "i-1", "running", instance_type="t2.small")
    block, team = ref("Block", "acme/infra", "web"), ref("Team", "catalog", "web")
    at = instant("2026-01-01")
    facts = [
        Entity(block, {"repository": "acme/infra", "path": "web.tf", "address": "aws_instance.web"}),
        Relation("DECLARES", block, thing, {}),
        Entity(team, {"name": "web-team"}),
        Relation("OWNED_BY", thing, team, {"rule": "tag"}),
    ]
    store.apply(FactBatch("git", "git", "acme/infra", "git/1", tuple(Assertion(f, at, at, "acme/infra@abc:web.tf#L12-L20") for f in facts)))  # fmt: skip
    (found,) = wastes(store)
    assert found.patch == 'set instance_type = "t3.small" in web.tf:12'
    assert found.owners == ("web-team",)


def test_a_gateway_that_is_billed_for_hours_and_no_traffic_is_idle(store: GraphStore) -> None:
    billing = Billing()
    for name, traffic in (("nat-1", 0), ("nat-2", 2)):
        gateway = known(store, "aws_nat_gateway", name, "available")
        billing.bill("AmazonEC2", lambda day: 1.2, resource=name, about=gateway, usage_type="EU-NatGateway-Hours")
        billing.bill("AmazonEC2", lambda day, traffic=traffic: traffic, resource=name, about=gateway, usage_type="EU-NatGateway-Bytes")  # fmt: skip
    (found,) = wastes(store, bill_of(store, billing))
    assert (found.label, found.kind, found.saving) == ("nat-1", "idle", "36.48")


def test_an_address_that_is_billed_as_idle_is_told_without_any_inventory(store: GraphStore) -> None:
    billing = Billing()
    billing.bill(
        "AmazonVPC", lambda day: "0.12", resource="eipalloc-0abc", usage_type="EU-PublicIPv4:IdleAddress", region=REGION
    )
    billing.bill("AmazonVPC", lambda day: "0.12", resource="eipalloc-0def", usage_type="EU-PublicIPv4:InUseAddress")
    (found,) = wastes(store, bill_of(store, billing))
    assert (found.label, found.saving) == ("eipalloc-0abc", "3.65")
    assert found.patch == f"aws ec2 release-address --allocation-id eipalloc-0abc --region {REGION}"


class Metrics:
    """A backend with one series of each instance: `used` percent of its processor."""

    def __init__(self, used: dict[str, float], unit: str = "%", hours: int = 336) -> None:
        self._used, self._unit, self._hours = used, unit, hours

    def series(self, query: SeriesQuery, /) -> SeriesAnswer:
        def points(value: float) -> tuple[tuple[Instant, float], ...]:
            return tuple((query.since + i * 3_600 * SECOND, value) for i in range(self._hours))

        found = [
            Series(n, "cpu", (), self._unit, "up", points(v), Seen("files", f"cpu.csv#{n}", None, query.until - 1))
            for n, v in self._used.items()
            if n in query.names
        ]
        return SeriesAnswer("ok" if found else "no_data", tuple(found))

    def logs(self, query: LogQuery, /) -> LogAnswer:
        return LogAnswer("no_data")

    def edges(self, query: EdgeQuery, /) -> EdgeAnswer:
        return EdgeAnswer("no_data")

    def resolves(self, source: str, locator: str, /) -> None:
        return None


@pytest.mark.parametrize(
    ("metrics", "told"),
    [
        (Metrics({"i-1": 3.0, "i-2": 60.0}), ["i-1"]),
        (Metrics({"i-1": 0.03}, unit="ratio"), ["i-1"]),
        (Metrics({"i-1": 3.0}, hours=24), []),
        (Metrics({"i-1": 3.0}, unit="cores"), []),
    ],
)
def test_an_instance_that_hardly_computes_is_too_large(store: GraphStore, metrics: Metrics, told: list[str]) -> None:
    for name in ("i-1", "i-2"):
        known(store, "aws_instance", name, "running", instance_type="m6i.xlarge")
    found = wastes(store, observations=metrics)
    assert [(w.label, w.kind) for w in found] == [(name, "oversized") for name in told]


def test_what_no_inventory_tells_is_no_waste(store: GraphStore) -> None:
    known(store, "aws_ebs_volume", "vol-1", "in-use", size=8, type="gp3")
    known(store, "aws_lb", "plain", "active")
    known(store, "aws_instance", "i-1", "running", instance_type="m7g.large")
    assert wastes(store) == ()


def test_findings_are_kept_once_and_end_when_they_are_gone(store: GraphStore) -> None:
    known(store, "aws_ebs_volume", "vol-1", "available", size=8, type="gp3")
    found = wastes(store)
    batch = scan_facts(store, VIEW, found, AT, "USD")
    assert batch is not None
    store.apply(batch)
    assert scan_facts(store, VIEW, found, AT + DAY, "USD") is None, "nothing changed"
    (kept,) = standing(store, VIEW).values()
    assert (kept.properties["finding_id"], kept.properties["kind"]) == (found[0].id, "unattached")
    batch = scan_facts(store, VIEW, (), AT + 2 * DAY, "USD")
    assert batch is not None
    store.apply(batch)
    assert not standing(store, View(as_of=AT + 3 * DAY))
    assert standing(store, View(as_of=AT + DAY))


def test_a_scan_tells_the_same_ids_each_time(store: GraphStore) -> None:
    known(store, "aws_ebs_volume", "vol-1", "available", size=8, type="gp3")
    assert [w.id for w in wastes(store)] == [w.id for w in wastes(store)]


def test_successors_keep_the_size_where_there_is_one() -> None:
    assert [s[0] if (s := successor(t)) else None for t in ("t2.micro", "m4.2xlarge", "db.r4.large", "m1.small", "t3.micro", "x")] == [
        "t3.micro", "m6i.2xlarge", "db.r6i.large", "m6i.…", None, None,
    ]  # fmt: skip
    ratio = successor("t2.micro")
    assert ratio is not None
    assert ratio[1].ratio == Decimal("0.897")
