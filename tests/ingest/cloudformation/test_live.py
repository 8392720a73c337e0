"""Stacks asked of CloudFormation, on moto, and of servers that answer badly."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug.wrappers import Request, Response

from graph.clock import Instant, from_datetime, instant
from graph.model import Entity, FactBatch, Relation
from graph.store import View
from ingest import names
from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.sources.cloudformation.answers import stack_id
from ingest.sources.cloudformation.facts import logical_ref
from ingest.sources.cloudformation.source import CloudFormationSettings, CloudFormationSource
from ingest.sync import Retry, sync
from tests.contracts.source_contract import KEY, fresh_store
from tests.ingest.aws.proxy import Proxy, always
from tests.ingest.cloudformation.answers import STACK_ID, at, created, put, stack
from tests.moto_server import ACCOUNT_ID, MotoServer, moto_server


@pytest.fixture(scope="module")
def server() -> Iterator[MotoServer]:
    with moto_server() as server:
        yield server


@pytest.fixture
def moto(server: MotoServer) -> MotoServer:
    server.reset()
    return server


def now() -> Instant:
    """The clock that moto goes by."""
    return from_datetime(datetime.now(UTC))


def template(**resources: object) -> str:
    web = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "web"}}
    return json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Web": web, **resources}})


def bucket(name: str) -> dict[str, object]:
    return {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}}


def create(moto: MotoServer, name: str = "shop", **resources: object) -> str:
    tags = [{"Key": "environment", "Value": "prod"}]
    made = moto.do("cloudformation", "create_stack", StackName=name, TemplateBody=template(**resources), Tags=tags)
    return str(made["StackId"])


def source(moto: MotoServer | Proxy, **other: object) -> CloudFormationSource:
    fields = {"account_id": ACCOUNT_ID, **moto.settings(), **other}
    return CloudFormationSource(CloudFormationSettings(**fields))  # type: ignore[arg-type]


def kinds(batches: list[FactBatch], kind: str) -> list[Entity]:
    facts = (a.fact for b in batches for a in b.assertions)
    return [f for f in facts if isinstance(f, Entity) and f.ref.kind == kind]


def test_stacks_resources_operations_and_change_sets_are_told(moto: MotoServer) -> None:
    made = create(moto, Logs=bucket("logs-1"))
    moto.do(
        "cloudformation",
        "create_change_set",
        StackName="shop",
        ChangeSetName="more",
        ChangeSetType="UPDATE",
        TemplateBody=template(Logs=bucket("logs-1"), More=bucket("more-1")),
    )
    batches = list(source(moto).pull(None, now()))
    web, logs = (logical_ref(stack_id(made), name) for name in ("Web", "Logs"))
    assert {e.ref for e in kinds(batches, "Resource")} == {names.cloud_resource(made), web, logs}
    same = {
        a.fact.dst for b in batches for a in b.assertions if isinstance(a.fact, Relation) and a.fact.type == "SAME_AS"
    }
    assert names.cloud_resource("arn:aws:s3:::logs-1") in same
    assert len(same) == 2
    assert {str(e.properties["outcome"]) for e in kinds(batches, "Deployment")} == {"in_progress", "succeeded"}
    assert {e.properties["environment"] for e in kinds(batches, "Resource")} == {"prod"}  # pyright: ignore
    [plan] = kinds(batches, "Plan")
    assert plan.properties["workspace"] == "shop"


def test_an_unchanged_account_says_nothing_new(moto: MotoServer) -> None:
    create(moto)
    batches = list(source(moto).pull(None, now()))
    cursor = [b.cursor for b in batches if b.cursor][-1]
    [again] = source(moto).pull(cursor, now())
    assert not again.assertions
    assert again.snapshot is None


def test_what_an_update_removes_and_a_deletion_takes_has_ended(moto: MotoServer, tmp_path: Path) -> None:
    made, other = create(moto, Logs=bucket("logs-1")), create(moto, "other")
    logs, web = (logical_ref(stack_id(made), name) for name in ("Logs", "Web"))
    with fresh_store(tmp_path, "store") as store:
        assert sync(store, source(moto), now(), KEY, processes="none").error is None
        assert store.entity(logs, View()) is not None
        moto.do("cloudformation", "update_stack", StackName="shop", TemplateBody=template())
        assert sync(store, source(moto), now(), KEY, processes="none").error is None
        assert store.entity(logs, View()) is None
        assert store.entity(web, View()) is not None
        before = now()
        moto.do("cloudformation", "delete_stack", StackName="shop")
        after = now()
        report = sync(store, source(moto), after, KEY, processes="none")
        assert report.error is None
        assert report.changes, "the deletion is a deployment"
        for gone in (web, names.cloud_resource(made)):
            assert store.entity(gone, View()) is None
            assert store.entity(gone, View(as_of=before)) is not None
        assert store.entity(names.cloud_resource(other), View()) is not None


BROKEN = {
    "throttled": Response("<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>", 400),
    "down": Response("", 503),
    "a web page": Response("<!doctype html><html></html>", 200),
    "cut off": Response("<DescribeStacksResponse><Descr", 200),
    "empty": Response("", 200),
    "denied": Response("<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>", 403),
}


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("operation", ["DescribeStacks", "ListStackResources"])
def test_broken_answers_end_nothing(
    moto: MotoServer,
    httpserver: HTTPServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    operation: str,
) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", _at_once)
    proxy = Proxy(httpserver, moto).start()
    made = create(moto)
    with fresh_store(tmp_path, "store") as store:
        assert sync(store, source(proxy), now(), KEY, processes="none").error is None
        moto.do("cloudformation", "update_stack", StackName="shop", TemplateBody=template(Logs=bucket("logs-1")))
        proxy.broken[operation] = always(BROKEN[how])
        report = sync(store, source(proxy), now(), KEY, retry=Retry(attempts=1), processes="none")
        assert isinstance(report.error, (SourceUnavailable, SourceDataInvalid))
        assert report.error.hint
        assert store.entity(names.cloud_resource(made), View()) is not None
        assert store.entity(logical_ref(stack_id(made), "Web"), View()) is not None
        proxy.broken.clear()
        assert sync(store, source(proxy), now(), KEY, processes="none").error is None
        assert store.entity(logical_ref(stack_id(made), "Logs"), View()) is not None


def test_a_stack_that_cannot_be_read_leaves_the_others(
    moto: MotoServer, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", _at_once)
    good, bad = create(moto), create(moto, "bad")
    proxy = Proxy(httpserver, moto).start()

    def only_bad(request: Request, forward: Callable[[], Response]) -> Response:
        return Response("", 503) if "%2Fbad%2F" in request.get_data(as_text=True) else forward()

    proxy.broken["DescribeStackEvents"] = only_bad
    batches: list[FactBatch] = []
    pull = source(proxy).pull(None, now())
    with pytest.raises(SourceUnavailable):
        _collect(pull, batches)
    stacks = {
        a.locator.split("/")[1] for b in batches for a in b.assertions if "#" in b.scope and "stack/" in a.locator
    }
    assert stacks >= {"shop"}
    assert logical_ref(stack_id(good), "Web") in {e.ref for e in kinds(batches, "Resource")}
    assert logical_ref(stack_id(bad), "Web") not in {e.ref for e in kinds(batches, "Resource")}


def test_credentials_of_another_account_are_refused(moto: MotoServer) -> None:
    with pytest.raises(SourceDataInvalid, match="not of 999999999999"):
        list(source(moto, account_id="999999999999").pull(None, now()))


def _collect(pull: Iterator[FactBatch], into: list[FactBatch]) -> None:
    """What came before an error counts."""
    while (batch := next(pull, None)) is not None:
        into.append(batch)


def _at_once(_backoff: object, _context: object) -> float:
    return 0.0


def test_the_account_has_the_last_word_over_an_old_file(moto: MotoServer, tmp_path: Path) -> None:
    put(tmp_path / "files" / "old.json", {"Stacks": [stack()], "StackEvents": created()})
    with fresh_store(tmp_path, "store") as store:
        one = source(moto, path=str(tmp_path / "files"), live=True)
        assert sync(store, one, now(), KEY, processes="none").error is None
        for gone in (names.cloud_resource(STACK_ID), logical_ref(stack_id(STACK_ID), "Web")):
            assert store.entity(gone, View()) is None
            assert store.entity(gone, View(as_of=instant(at(30)))) is not None
