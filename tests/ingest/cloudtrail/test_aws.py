"""Straight from AWS: a trail's bucket on a real HTTP server that speaks S3, and LookupEvents."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from graph.clock import SECOND, Instant
from graph.model import FactBatch
from ingest import names
from ingest.aws_client import Aws, AwsAccess
from ingest.source import SourceDataInvalid, SourceError, SourceUnavailable
from ingest.sources.cloudtrail.source import CloudTrailSettings, CloudTrailSource
from ingest.sync import Retry, sync
from tests.cloud_recorder import ACCOUNT, CloudRecorder
from tests.contracts.source_contract import KEY, NOW, facts_of, fresh_store
from tests.ingest.cloudtrail.trail import cursor_of, entities, log_name, modify_rule, put, relations

REGION = "eu-west-1"
JSON = "application/x-amz-json-1.1"
ANA, BO = "AKIA" + "ANAANAANAANAANAA", "AKIA" + "BOBOBOBOBOBOBOBO"


@pytest.fixture(scope="module")
def recorder() -> Iterator[CloudRecorder]:
    with CloudRecorder({ANA: "ana", BO: "bo"}) as server:
        yield server


def connect(recorder: CloudRecorder, key: str = ANA) -> Aws:
    return Aws(AwsAccess(region=REGION, access_key_id=key, secret_access_key="test", endpoint_url=recorder.endpoint))


def source(endpoint: str, **settings: object) -> CloudTrailSource:
    access = {"access_key_id": ANA, "secret_access_key": "test", "region": REGION, "endpoint_url": endpoint}
    return CloudTrailSource(CloudTrailSettings(**{**access, **settings}))  # type: ignore[arg-type]


# -- a bucket


def upload(aws: Aws, bucket: str, key: str, minute: int) -> None:
    log = gzip.compress(json.dumps({"Records": [modify_rule(at=f"2026-03-01T10:{minute:02d}:00Z")]}).encode())
    aws.call("s3", "put_object", Bucket=bucket, Key=key, Body=log)


@pytest.mark.parametrize("prefix", ["", "AWSLogs/", "org/AWSLogs/o-1/111122223333/CloudTrail/"])
def test_a_bucket_is_read_region_by_region_and_only_what_is_new(recorder: CloudRecorder, prefix: str) -> None:
    aws, bucket = connect(recorder), f"trail-{len(prefix)}"
    aws.call("s3", "create_bucket", Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    root = "org/AWSLogs/o-1" if prefix.startswith("org") else "AWSLogs"
    upload(aws, bucket, log_name("20260301T1000", root=root), 0)
    upload(aws, bucket, log_name("20260301T1005", root=root, region="us-east-1"), 1)
    upload(aws, bucket, log_name("20260301T1000", root=root).replace("/CloudTrail/", "/CloudTrail-Digest/"), 2)
    aws.call("s3", "put_object", Bucket=bucket, Key=f"{root}/readme.txt", Body=b"hello")
    src = source(recorder.endpoint, path=f"s3://{bucket}/{prefix}")
    found = list(src.pull(None, NOW))
    assert len(entities(found, "AuditEvent")) == 2
    upload(aws, bucket, log_name("20260301T1010", root=root), 3)
    upload(aws, bucket, log_name("20260301T0955", "late", root=root), 4)
    again = list(src.pull(cursor_of(found), NOW))
    assert len(entities(again, "AuditEvent")) == 2
    assert not [a for b in src.pull(cursor_of(again), NOW) for a in b.assertions]


def test_a_copy_of_the_bucket_states_the_same(recorder: CloudRecorder, tmp_path: Path) -> None:
    aws = connect(recorder)
    aws.call("s3", "create_bucket", Bucket="copied", CreateBucketConfiguration={"LocationConstraint": REGION})
    record = modify_rule(at="2026-03-01T10:00:00Z")
    put(tmp_path, log_name("20260301T1000"), [record])
    upload(aws, "copied", log_name("20260301T1000"), 0)
    dumps: list[list[str]] = []
    for path in (str(tmp_path), "s3://copied"):
        with fresh_store(tmp_path, f"store-{len(dumps)}") as store:
            assert (
                sync(store, source(recorder.endpoint, path=path, name="trail"), NOW, KEY, processes="none").error
                is None
            )
            dumps.append(facts_of(list(store.dump())))
    assert dumps[0] == dumps[1]


def test_a_bucket_that_is_not_there_is_an_error_with_a_remedy(recorder: CloudRecorder) -> None:
    for path in ("s3://nowhere/AWSLogs", "s3://"):
        with pytest.raises(SourceDataInvalid) as caught:
            list(source(recorder.endpoint, path=path).pull(None, NOW))
        assert caught.value.hint


# -- LookupEvents


def now_of(later: Instant = 0) -> Instant:
    return (int(time.time()) + 1) * SECOND + later


def test_lookup_tells_writes_with_who_and_what_and_each_once(recorder: CloudRecorder) -> None:
    group = str(connect(recorder).call("ec2", "create_security_group", GroupName="g", Description="d")["GroupId"])
    connect(recorder).call("ec2", "describe_security_groups", GroupIds=[group])
    rule = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "192.0.2.0/24"}]}]
    connect(recorder, BO).call("ec2", "authorize_security_group_ingress", GroupId=group, IpPermissions=rule)
    src = source(recorder.endpoint, lookup=True, regions=(REGION,))
    found = list(src.pull(None, now_of()))
    mine = names.cloud_resource(f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/{group}")
    changes = {r.src: r for r in relations(found, "CHANGED") if r.dst == mine}
    performed = {r.src: r.dst for r in relations(found, "PERFORMED_BY")}
    by = {str(r.properties["effect"]): performed[event] for event, r in changes.items()}
    assert by == {
        "created": names.account("aws", f"arn:aws:iam::{ACCOUNT}:user/ana"),
        "updated": names.account("aws", f"arn:aws:iam::{ACCOUNT}:user/bo"),
    }
    assert "tcp 22 from 192.0.2.0/24" in repr(changes)
    cursor = cursor_of(found)
    assert not [a for b in src.pull(cursor, now_of(60 * SECOND)) for a in b.assertions], "looked back, told once"
    connect(recorder, BO).call("ec2", "delete_security_group", GroupId=group)
    now = now_of(60 * SECOND)
    later = list(src.pull(cursor, now))
    assert [r.properties["effect"] for r in relations(later, "CHANGED")] == ["deleted"]
    assert later[-1].fresh_until == now - 15 * 60 * SECOND


class Scripted:
    """A LookupEvents that answers from events ten minutes apart; `refuse` turns a request into an error of this type."""

    def __init__(self, httpserver: HTTPServer, count: int, refuse: Callable[[Request, int], str]) -> None:
        start = NOW // SECOND - 3 * 86_400
        self.times = [start + n * 600 for n in range(count)]
        self.asked = 0
        self._refuse = refuse
        httpserver.expect_request("/", method="POST").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.asked += 1
        if error := self._refuse(request, self.asked):
            return Response(json.dumps({"__type": error}), 400, content_type=JSON)
        told: dict[str, object] = json.loads(request.data)
        start, end = float(str(told["StartTime"])), float(str(told["EndTime"]))
        found = [t for t in reversed(self.times) if start <= t <= end]
        offset = int(str(told.get("NextToken", 0)))
        answer: dict[str, object] = {"Events": [_event(t) for t in found[offset : offset + 50]]}
        if offset + 50 < len(found):
            answer["NextToken"] = str(offset + 50)
        return Response(json.dumps(answer), content_type=JSON)


def _event(at: int) -> dict[str, object]:
    record = modify_rule(at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)))
    return {"EventId": record["eventID"], "EventTime": at, "CloudTrailEvent": json.dumps(record)}


def until_refused(src: CloudTrailSource, cursor: str | None) -> tuple[list[FactBatch], SourceError | None]:
    """What is delivered before the error, and the error."""
    found: list[FactBatch] = []
    pulled = src.pull(cursor, NOW)
    while True:
        try:
            found.append(next(pulled))
        except StopIteration:
            return found, None
        except SourceError as error:
            return found, error


def test_a_lookup_that_is_throttled_delivers_what_it_has_and_goes_on_from_there(httpserver: HTTPServer) -> None:
    trail = Scripted(httpserver, 420, lambda request, asked: "ThrottlingException" if asked > limit else "")
    limit = 6
    src = source(httpserver.url_for(""), lookup=True, days=4)
    first, error = until_refused(src, None)
    assert isinstance(error, SourceUnavailable)
    before = {e.ref for e in entities(first, "AuditEvent")}
    assert 0 < len(before) < 420
    assert first[-1].fresh_until is None, "it is not known what happened since"
    limit = trail.asked + 100
    rest, error = until_refused(src, cursor_of(first))
    assert error is None
    after = {e.ref for e in entities(rest, "AuditEvent")}
    assert len(before | after) == 420
    assert not before & after, "nothing is told twice"


def test_an_outage_that_lasts_ends_the_sync(httpserver: HTTPServer, tmp_path: Path) -> None:
    Scripted(httpserver, 5, lambda request, asked: "ExpiredTokenException" if asked > 2 else "")
    src = source(httpserver.url_for(""), lookup=True, days=4)
    with fresh_store(tmp_path, "store") as store:
        report = sync(store, src, NOW, KEY, retry=Retry(attempts=3, first_s=0), processes="none")
        assert report.error is not None
        assert sync(store, src, NOW, KEY, retry=Retry(attempts=3, first_s=0), processes="none").batches == 0


def test_one_region_that_is_refused_keeps_no_other_back(httpserver: HTTPServer) -> None:
    Scripted(
        httpserver,
        5,
        lambda request, asked: "AccessDeniedException" if "/us-east-1/" in request.headers["Authorization"] else "",
    )
    src = source(httpserver.url_for(""), lookup=True, days=4, regions=("us-east-1", REGION))
    found, error = until_refused(src, None)
    assert isinstance(error, SourceDataInvalid)
    assert "cloudtrail:LookupEvents" in error.hint
    assert len(entities(found, "AuditEvent")) == 5


@pytest.mark.parametrize(
    ("body", "status"),
    [('{"__type": "ExpiredTokenException"}', 400), ("<!DOCTYPE html><html>Sign in</html>", 200)],
)
def test_expired_credentials_and_a_web_page_are_final(httpserver: HTTPServer, body: str, status: int) -> None:
    httpserver.expect_request("/", method="POST").respond_with_data(body, status, content_type=JSON)
    _, error = until_refused(source(httpserver.url_for(""), lookup=True, days=1), None)
    assert isinstance(error, SourceDataInvalid)
    assert error.hint


def test_a_server_that_is_not_there_may_come_back() -> None:
    _, error = until_refused(source("http://127.0.0.1:9", lookup=True, days=1), None)
    assert isinstance(error, SourceUnavailable)
