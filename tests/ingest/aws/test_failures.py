"""What goes wrong on the way ends nothing: broken second pages, denials, throttling, accounts half readable."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug.wrappers import Request, Response

from graph.model import Entity, FactBatch
from graph.store import View
from ingest import names
from ingest.source import SourceDataInvalid, SourceError, SourceUnavailable
from ingest.sources.aws.source import AwsSettings, AwsSource
from ingest.sync import Retry, sync
from tests.contracts.source_contract import KEY, NOW, fresh_store
from tests.ingest.aws.fleet import Shop, shop
from tests.ingest.aws.proxy import Proxy, always, on_page_two
from tests.moto_server import ACCOUNT_ID, REGION, MotoServer, moto_server

LATER = NOW + 3_600_000_000
ONCE = Retry(attempts=1)
TABLE = names.cloud_resource(f"arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:table/carts")
BROKEN = {
    "throttled": Response(json.dumps({"__type": "ThrottlingException"}), 400),
    "down": Response("<html>502 Bad Gateway</html>", 502),
    "a web page": Response("<!doctype html><html>Sign in</html>", 200),
    "cut off": Response('{"TableNames": ["or', 200),
    "empty": Response("", 200),
    "without its list": Response("{}", 200),
    "denied": Response(json.dumps({"__type": "AccessDeniedException"}), 400),
    "expired": Response(json.dumps({"__type": "ExpiredTokenException"}), 400),
    "the first page again": Response(json.dumps({"TableNames": ["carts"], "LastEvaluatedTableName": "page-two"}), 200),
}


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoServer]:
    with moto_server() as server:
        server.do(
            "dynamodb",
            "create_table",
            TableName="carts",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield server


@pytest.fixture(scope="module")
def made(moto: MotoServer) -> Shop:
    return shop(moto)


def _at_once(_backoff: object, _context: object) -> float:
    return 0.0


@pytest.fixture
def proxy(httpserver: HTTPServer, moto: MotoServer, monkeypatch: pytest.MonkeyPatch) -> Proxy:
    # The SDK's own waits between attempts are not what is tested here.
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", _at_once)
    return Proxy(httpserver, moto).start()


def source(proxy: Proxy, *services: str, **other: object) -> AwsSource:
    fields = {"account_id": ACCOUNT_ID, "quotas": (), "services": services, **proxy.settings(), **other}
    return AwsSource(AwsSettings(**fields))  # type: ignore[arg-type]


def pulled(one: AwsSource) -> tuple[list[FactBatch], SourceError | None]:
    """What was delivered, and the error after it."""
    batches: list[FactBatch] = []
    pull = one.pull(None, NOW)
    try:
        while (batch := next(pull, None)) is not None:
            batches.append(batch)
    except SourceError as error:
        return batches, error
    return batches, None


def snapshots(batches: list[FactBatch]) -> set[str]:
    return {b.scope.rpartition("/")[2] for b in batches if b.snapshot}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_second_page_ends_nothing_and_leaves_the_others(
    moto: MotoServer, proxy: Proxy, tmp_path: Path, how: str
) -> None:
    with fresh_store(tmp_path, "store") as store:
        one = source(proxy, "dynamodb", "sqs")
        assert sync(store, one, NOW, KEY, processes="none").error is None
        proxy.broken["ListTables"] = on_page_two(BROKEN[how])
        moto.do("sqs", "create_queue", QueueName=how.replace(" ", "-"))
        report = sync(store, one, LATER, KEY, retry=ONCE, processes="none")
        assert isinstance(report.error, SourceError)
        assert report.error.hint
        assert store.entity(TABLE, View()) is not None, "nothing of an incomplete list ends"
        queue = names.cloud_resource(f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{how.replace(' ', '-')}")
        assert store.entity(queue, View()) is not None, "what could be read was delivered"
        proxy.broken.clear()
        assert sync(store, one, LATER + 1_000_000, KEY, processes="none").error is None


def test_a_second_page_that_is_broken_xml_ends_nothing(proxy: Proxy, made: Shop, tmp_path: Path) -> None:
    with fresh_store(tmp_path, "store") as store:
        one = source(proxy, "elbv2")
        assert sync(store, one, NOW, KEY, processes="none").error is None
        for body in ("<DescribeLoadBalancersResponse><Desc", "<html><body>Sign in</body></html>", ""):
            proxy.broken["DescribeLoadBalancers"] = on_page_two(Response(body, 200))
            assert sync(store, one, LATER, KEY, retry=ONCE, processes="none").error is not None
            for arn in (made.lb, made.listener, made.rule):
                assert store.entity(names.cloud_resource(arn), View()) is not None, "nor what hangs on it"


def test_a_denied_service_is_named_with_its_action_and_the_others_are_read(proxy: Proxy, made: Shop) -> None:
    denied = Response("<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>", 403)
    proxy.broken["DescribeTargetGroups"] = proxy.broken["DescribeVpcs"] = always(denied)
    batches, error = pulled(source(proxy, "elbv2", "ec2"))
    assert {"aws_lb", "aws_lb_listener_rule", "aws_instance"} <= snapshots(batches)
    assert not {"aws_lb_target_group", "aws_vpc"} & snapshots(batches)
    assert isinstance(error, SourceDataInvalid)
    assert "elasticloadbalancing:DescribeTargetGroups" in error.hint
    assert "ec2:DescribeVpcs" in error.hint
    assert "1 more" in str(error)


def test_a_part_that_may_not_be_read_is_not_told_as_absent(proxy: Proxy, made: Shop) -> None:
    proxy.broken["DescribeTags"] = always(
        Response("<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>", 403)
    )
    proxy.broken["DescribeTargetHealth"] = proxy.broken["DescribeTags"]
    batches, error = pulled(source(proxy, "elbv2"))
    assert error is None
    assert "aws_lb" in snapshots(batches)
    notes = {q.reason for b in batches for q in b.quarantined}
    assert any("elasticloadbalancing:DescribeTags" in note for note in notes)
    [group] = [
        a.fact
        for b in batches
        for a in b.assertions
        if isinstance(a.fact, Entity) and a.fact.properties.get("type") == "aws_lb_target_group"
    ]
    attributes = group.properties["attributes"]
    assert isinstance(attributes, dict)
    assert attributes["targets"] == "(may not be read)"


def test_what_goes_away_while_it_is_read_is_not_there(proxy: Proxy, moto: MotoServer) -> None:
    gone = Response(json.dumps({"__type": "ResourceNotFoundException"}), 400)
    proxy.broken["DescribeTable"] = always(gone)
    batches, error = pulled(source(proxy, "dynamodb"))
    assert error is None
    assert not [a for b in batches if b.scope.endswith("aws_dynamodb_table") for a in b.assertions]


def test_a_denied_description_of_what_was_listed_ends_nothing(proxy: Proxy) -> None:
    proxy.broken["DescribeTable"] = always(Response(json.dumps({"__type": "AccessDeniedException"}), 400))
    batches, error = pulled(source(proxy, "dynamodb"))
    assert isinstance(error, SourceDataInvalid)
    assert "dynamodb:DescribeTable" in error.hint
    assert "aws_dynamodb_table" not in snapshots(batches)


def test_trying_again_at_the_same_moment_reads_only_what_is_missing(proxy: Proxy, tmp_path: Path) -> None:
    down = [True]

    def at_first(request: Request, forward: Callable[[], Response]) -> Response:
        return Response("", 503) if down[0] else forward()

    proxy.broken["ListTopics"] = at_first
    with fresh_store(tmp_path, "store") as store:
        retry = Retry(sleep=lambda _: down.__setitem__(0, False))
        report = sync(store, source(proxy, "dynamodb", "sns"), NOW, KEY, retry=retry, processes="none")
        assert report.error is None
        assert report.retries == 1
        assert proxy.asked.count("ListTables") == 1
        assert proxy.asked.count("ListTopics") > 1
        assert store.entity(TABLE, View()) is not None


def test_a_server_that_is_away_is_given_up_soon(proxy: Proxy) -> None:
    def down(request: Request, forward: Callable[[], Response]) -> Response:
        return Response("", 503)

    for name in ("DescribeSecurityGroups", "DescribeSecurityGroupRules", "DescribeVpcs"):
        proxy.broken[name] = down
    batches, error = pulled(source(proxy, "ec2"))
    assert isinstance(error, SourceUnavailable)
    assert "DescribeSubnets" not in proxy.asked, "three in a row are enough"
    assert not [b for b in batches if b.snapshot and "ec2" in b.scope]


def test_quotas_are_told_with_their_values(proxy: Proxy) -> None:
    quota = {
        "ServiceCode": "vpc",
        "QuotaCode": "L-F678F1CE",
        "QuotaName": "VPCs per Region",
        "QuotaArn": f"arn:aws:servicequotas:{REGION}:{ACCOUNT_ID}:vpc/L-F678F1CE",
        "Value": 5.0,
        "Adjustable": True,
        "SomethingNew": {"a": 1},
    }
    proxy.broken["ListServiceQuotas"] = always(Response(json.dumps({"Quotas": [quota]}), 200))
    batches, error = pulled(source(proxy, "nothing", quotas=("vpc",)))
    assert error is None
    [entity] = [a.fact for b in batches for a in b.assertions if a.fact.key.startswith("e\x1fQuota")]
    assert isinstance(entity, Entity)
    assert entity.properties == {
        "service": "vpc",
        "name": "VPCs per Region",
        "code": "L-F678F1CE",
        "value": 5,
        "adjustable": True,
        "account_id": ACCOUNT_ID,
        "region": REGION,
    }
