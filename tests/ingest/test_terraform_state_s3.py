"""States in S3, on a real HTTP server that speaks S3 (moto)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest
from moto.server import ThreadedMotoServer
from pytest_httpserver import HTTPServer

from graph.model import Entity, FactBatch, Relation
from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.sources.terraform_state.settings import TerraformStateSettings
from ingest.sources.terraform_state.source import TerraformStateSource
from ingest.sync import sync
from tests.contracts.source_contract import KEY, NOW, fresh_store
from tests.ingest.terraform_states import OTHER, SHOP, bucket, resource, state

LATER = NOW * 2
"""After the server's clock, which is the machine's."""


class S3(Protocol):
    def create_bucket(self, *, Bucket: str) -> object: ...

    def put_bucket_versioning(self, *, Bucket: str, VersioningConfiguration: Mapping[str, str]) -> object: ...

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> object: ...


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture
def client(endpoint: str, credentials: None) -> S3:
    connect = boto3.client  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return cast("S3", connect("s3", endpoint_url=endpoint, region_name="us-east-1"))


def source(endpoint: str, location: str, **settings: str) -> TerraformStateSource:
    return TerraformStateSource(TerraformStateSettings(location, endpoint_url=endpoint, region="us-east-1", **settings))  # type: ignore[arg-type]


def resources(found: list[FactBatch]) -> list[Entity]:
    facts = [a.fact for b in found for a in b.assertions]
    return [f for f in facts if isinstance(f, Entity) and f.ref.kind == "Resource"]


def one(name: str, serial: int, lineage: str = SHOP, acl: str = "private") -> bytes:
    return state(resource("aws_s3_bucket.a", bucket(name, acl=acl)), serial=serial, lineage=lineage)


def test_workspaces_lie_beside_the_key_and_other_states_do_not_count(endpoint: str, client: S3) -> None:
    client.create_bucket(Bucket="spaces")
    client.put_object(Bucket="spaces", Key="shop/terraform.tfstate", Body=one("default", 3))
    client.put_object(Bucket="spaces", Key="env:/prod/shop/terraform.tfstate", Body=one("prod", 3, OTHER))
    client.put_object(Bucket="spaces", Key="env:/prod/bank/terraform.tfstate", Body=one("bank", 3, "bank-1"))
    client.put_object(Bucket="spaces", Key="bank/terraform.tfstate", Body=one("bank", 3, "bank-2"))
    client.put_object(Bucket="spaces", Key="shop/notes.txt", Body=b"no state")
    for location in ("s3://spaces/shop", "s3://spaces/shop/terraform.tfstate"):
        found = list(source(endpoint, location).pull(None, LATER))
        assert {str(e.properties["workspace"]) for e in resources(found)} == {"default", "prod"}
        assert len(resources(found)) == 2
    assert {
        a.locator for b in found for a in b.assertions if isinstance(a.fact, Entity) and a.fact.ref.kind == "Resource"
    } == {
        "s3://spaces/shop/terraform.tfstate@3#aws_s3_bucket.a",
        "s3://spaces/env:/prod/shop/terraform.tfstate@3#aws_s3_bucket.a",
    }
    assert len(resources(list(source(endpoint, "s3://spaces").pull(None, LATER)))) == 4


def test_a_key_without_the_usual_ending_is_read_when_it_is_named(endpoint: str, client: S3) -> None:
    client.create_bucket(Bucket="plain")
    client.put_object(Bucket="plain", Key="state/shop", Body=one("x", 3))
    client.put_object(Bucket="plain", Key="state/shop2", Body=one("y", 3, OTHER))
    assert len(resources(list(source(endpoint, "s3://plain/state/shop").pull(None, LATER)))) == 1


def test_the_versions_of_an_object_are_read_oldest_first_and_only_new_ones_again(
    endpoint: str, client: S3, tmp_path: Path
) -> None:
    client.create_bucket(Bucket="versions")
    client.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    for serial, acl in ((3, "private"), (4, "public")):
        client.put_object(Bucket="versions", Key="terraform.tfstate", Body=one("x", serial, acl=acl))
    src = source(endpoint, "s3://versions/terraform.tfstate")
    found = list(src.pull(None, LATER))
    assert [b.snapshot.generation for b in found if b.snapshot] == [3, 4]
    [change] = [a for b in found for a in b.assertions if isinstance(a.fact, Relation) and a.fact.type == "CHANGED"]
    assert "?versionId=" in change.locator
    with fresh_store(tmp_path, "store") as store:
        assert sync(store, src, LATER, KEY, processes="fork").error is None
        client.put_object(Bucket="versions", Key="terraform.tfstate", Body=one("x", 5, acl="private"))
        cursor = store.cursor(src.name, src.scope)
        new = list(src.pull(cursor, LATER))
        assert [b.snapshot.generation for b in new if b.snapshot] == [5]
        [changed] = [
            a.fact for b in new for a in b.assertions if isinstance(a.fact, Relation) and a.fact.type == "CHANGED"
        ]
        attributes = changed.properties["attributes"]
        assert attributes == [
            {
                "path": "acl",
                "before": {"state": "value", "value": "public"},
                "after": {"state": "value", "value": "private"},
            }
        ]


@pytest.mark.parametrize("location", ["s3://not-there/x", "s3:///x", "s3://Bad_Bucket!/x", "s3://empty-bucket/x"])
def test_what_is_not_there_gives_a_sentence_and_a_remedy(endpoint: str, client: S3, location: str) -> None:
    client.create_bucket(Bucket="empty-bucket")
    with pytest.raises(SourceDataInvalid) as caught:
        list(source(endpoint, location).pull(None, LATER))
    assert location in str(caught.value)
    assert caught.value.hint


def test_a_server_that_is_down_or_busy_is_to_be_tried_again(httpserver: HTTPServer) -> None:
    with pytest.raises(SourceUnavailable, match="cannot be reached"):
        list(source("http://127.0.0.1:9", "s3://versions/x").pull(None, LATER))
    httpserver.expect_request("/versions").respond_with_data("<Error><Code>SlowDown</Code></Error>", status=503)
    with pytest.raises(SourceUnavailable, match="busy"):
        list(source(httpserver.url_for(""), "s3://versions/x").pull(None, LATER))


def test_missing_credentials_and_rights_are_told_apart(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    httpserver.expect_request("/closed").respond_with_data("<Error><Code>AccessDenied</Code></Error>", status=403)
    with pytest.raises(SourceDataInvalid, match="may not be read") as caught:
        list(source(httpserver.url_for(""), "s3://closed/x").pull(None, LATER))
    assert "s3:ListBucketVersions" in caught.value.hint
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(SourceDataInvalid, match="no AWS credentials"):
        list(source(httpserver.url_for(""), "s3://closed/x").pull(None, LATER))
