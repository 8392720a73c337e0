"""Credentials of an AWS account, on a real HTTP server that speaks AWS (moto)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import Request as Post
from urllib.request import urlopen

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from graph.clock import DAY, Instant
from graph.model import Entity, FactBatch, Relation
from graph.store import View
from ingest import names
from ingest.aws_client import Aws, AwsAccess
from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.sources.secrets.source import SecretsSettings, SecretsSource
from ingest.sync import Retry, sync
from tests.cloud_recorder import ACCOUNT, CloudRecorder
from tests.contracts.source_contract import CANARY, KEY, fresh_store

REGION = "eu-west-1"
LATER: Instant = 2**50
"""After the server's clock, which is the machine's."""


@pytest.fixture
def recorder() -> Iterator[CloudRecorder]:
    with CloudRecorder({}) as server:
        yield server
        # moto keeps one world for the whole process.
        urlopen(Post(f"{server.endpoint}/moto-api/reset", method="POST")).close()


def _access(endpoint: str) -> AwsAccess:
    return AwsAccess(region=REGION, access_key_id="test", secret_access_key="test", endpoint_url=endpoint)


def source(endpoint: str, **settings: object) -> SecretsSource:
    access = {"access_key_id": "test", "secret_access_key": "test", "region": REGION, "endpoint_url": endpoint}
    return SecretsSource(SecretsSettings(aws=True, name="aws", **{**access, **settings}))  # type: ignore[arg-type]


def credentials(found: list[FactBatch], type_: str) -> list[Entity]:
    facts = [a.fact for b in found for a in b.assertions]
    return [f for f in facts if isinstance(f, Entity) and f.ref.kind == "Credential" and f.properties["type"] == type_]


def relations(found: list[FactBatch], type_: str) -> list[Relation]:
    facts = [a.fact for b in found for a in b.assertions]
    return [f for f in facts if isinstance(f, Relation) and f.type == type_]


def test_certificates_keys_and_secrets_are_told_without_a_value(recorder: CloudRecorder, tmp_path: Path) -> None:
    aws = Aws(_access(recorder.endpoint))
    arn = str(
        aws.call("acm", "request_certificate", DomainName="shop.example", SubjectAlternativeNames=["www.shop.example"])[
            "CertificateArn"
        ]
    )
    aws.call("iam", "create_user", UserName="ana")
    made = aws.call("iam", "create_access_key", UserName="ana")["AccessKey"]
    assert isinstance(made, dict)
    secret_arn = str(
        aws.call("secretsmanager", "create_secret", Name="shop/db", SecretString=CANARY, Description="d")["ARN"]
    )
    src = source(recorder.endpoint)
    found = list(src.pull(None, LATER))
    [certificate] = credentials(found, "certificate")
    assert certificate.ref == names.credential("aws", arn)
    assert certificate.properties["domains"] == ["shop.example", "www.shop.example"]
    assert certificate.properties["account_id"] == ACCOUNT
    assert "expires_at" in certificate.properties
    [key] = credentials(found, "access_key")
    key_id = str(made["AccessKeyId"])  # pyright: ignore[reportUnknownArgumentType]
    assert key.ref == names.credential("aws", key_id)
    assert key.properties["status"] == "Active"
    assert "created_at" in key.properties
    [owned] = relations(found, "OWNED_BY")
    assert (owned.src, owned.dst) == (key.ref, names.account("aws", f"arn:aws:iam::{ACCOUNT}:user/ana"))
    [secret] = credentials(found, "secret")
    assert (secret.ref, secret.properties["name"]) == (names.credential("aws", secret_arn), "shop/db")
    about = {(r.src, r.dst) for r in relations(found, "ABOUT")}
    assert (secret.ref, names.cloud_resource(secret_arn)) in about
    assert (certificate.ref, names.cloud_resource(arn)) in about
    scopes = {b.scope for b in found if b.snapshot}
    assert scopes == {
        f"aws#aws/{ACCOUNT}/{part}" for part in (f"{REGION}/acm", "global/iam", f"{REGION}/secretsmanager")
    }
    for hidden in (CANARY, str(made["SecretAccessKey"])):  # pyright: ignore[reportUnknownArgumentType]
        assert hidden not in repr(found)
    # No call that could return a value was made.
    assert not {str(c.record["eventName"]) for c in recorder.calls} & {
        "GetSecretValue",
        "BatchGetSecretValue",
        "ExportCertificate",
    }
    with fresh_store(tmp_path, "store") as store:
        assert sync(store, src, LATER, KEY, processes="none").error is None
        assert CANARY not in "\n".join(store.dump())
        assert sync(store, src, LATER + DAY, KEY, processes="none").assertions == 0


def test_a_key_that_was_deactivated_was_active_before_and_one_deleted_is_gone(
    recorder: CloudRecorder, tmp_path: Path
) -> None:
    aws = Aws(_access(recorder.endpoint))
    aws.call("iam", "create_user", UserName="ana")
    made = aws.call("iam", "create_access_key", UserName="ana")["AccessKey"]
    assert isinstance(made, dict)
    key_id = str(made["AccessKeyId"])  # pyright: ignore[reportUnknownArgumentType]
    ref = names.credential("aws", key_id)
    src = source(recorder.endpoint, services=("iam",))

    def status(at: Instant) -> object:
        entity = store.entity(ref, View(as_of=at))
        return entity.properties["status"] if entity is not None else None

    with fresh_store(tmp_path, "store") as store:
        assert sync(store, src, LATER, KEY, processes="none").error is None
        aws.call("iam", "update_access_key", UserName="ana", AccessKeyId=key_id, Status="Inactive")
        assert sync(store, src, LATER + DAY, KEY, processes="none").error is None
        aws.call("iam", "delete_access_key", UserName="ana", AccessKeyId=key_id)
        assert sync(store, src, LATER + 2 * DAY, KEY, processes="none").error is None
        assert [status(LATER + days * DAY) for days in range(3)] == ["Active", "Inactive", None]


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [("AccessDeniedException", 400, SourceDataInvalid), ("ServiceUnavailableException", 503, SourceUnavailable)],
)
def test_a_service_that_does_not_answer_ends_nothing_and_keeps_no_other_back(
    recorder: CloudRecorder, httpserver: HTTPServer, tmp_path: Path, code: str, status: int, error: type[Exception]
) -> None:
    aws = Aws(_access(recorder.endpoint))
    arn = str(aws.call("secretsmanager", "create_secret", Name="shop/db", SecretString="x")["ARN"])
    with fresh_store(tmp_path, "store") as store:
        assert sync(store, source(recorder.endpoint), LATER, KEY, processes="none").error is None
        httpserver.expect_request("/", method="POST").respond_with_handler(_refusing(code, status))
        src = source(httpserver.url_for(""), services=("secretsmanager", "acm"))
        report = sync(store, src, LATER + DAY, KEY, retry=Retry(attempts=1), processes="none")
        assert isinstance(report.error, error)
        assert store.entity(names.credential("aws", arn), View(as_of=LATER + DAY)) is not None


def _refusing(code: str, status: int) -> Callable[[Request], Response]:
    """An AWS that tells who calls and has no certificates, but refuses Secrets Manager."""

    def answer(request: Request) -> Response:
        target = request.headers.get("X-Amz-Target", "")
        if target.startswith("secretsmanager"):
            return Response(f'{{"__type": "{code}"}}', status, content_type="application/x-amz-json-1.1")
        if target.startswith("CertificateManager"):
            return Response('{"CertificateSummaryList": []}', content_type="application/x-amz-json-1.1")
        return Response(
            f"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::{ACCOUNT}:user/x</Arn><UserId>U</UserId>"
            f"<Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
            content_type="text/xml",
        )

    return answer
