"""The way to AWS: against moto, and against servers that misbehave."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer
from werkzeug.wrappers import Request, Response

from ingest.aws_client import Aws, AwsAccess
from ingest.aws_errors import AccessDenied, ServiceRefused
from ingest.source import SourceDataInvalid, SourceError, SourceUnavailable
from tests.moto_server import ACCOUNT_ID, MotoServer, moto_server

SECRET = "not-a-" + "real-key"


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoServer]:
    with moto_server() as server:
        yield server


def aws(url: str, **other: object) -> Aws:
    fields = {"region": "eu-west-1", "access_key_id": "testing", "secret_access_key": SECRET, "attempts": 1}
    return Aws(AwsAccess(endpoint_url=url, **{**fields, **other}))  # type: ignore[arg-type]


def answering(server: HTTPServer, *bodies: tuple[int, str]) -> Aws:
    """One answer after the other, the last one for ever."""
    left = list(bodies)

    def answer(request: Request) -> Response:
        status, body = left.pop(0) if len(left) > 1 else left[0]
        return Response(body, status, {"Content-Type": "application/x-amz-json-1.1", "Retry-After": "7"})

    server.expect_request("/").respond_with_handler(answer)
    return aws(server.url_for(""))


def error_of(reader: Aws, service: str = "acm", operation: str = "list_certificates") -> SourceError:
    with pytest.raises(SourceError) as caught:
        list(reader.pages(service, operation))
    assert caught.value.hint
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value) + caught.value.hint
    return caught.value


def refusal(code: str, message: str = "") -> tuple[int, str]:
    return 400, json.dumps({"__type": code, "message": message})


def test_pages_are_gone_through_and_a_call_without_pages_is_one(moto: MotoServer) -> None:
    moto.reset()
    for name in ("a", "b", "c"):
        moto.do("dynamodb", "create_table", TableName=f"table-{name}", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST")  # fmt: skip
    reader = Aws(moto.access())
    pages = list(reader.pages("dynamodb", "list_tables", Limit=1))
    assert [p["TableNames"] for p in pages] == [["table-a"], ["table-b"], ["table-c"]]
    assert len(list(reader.pages("sts", "get_caller_identity"))) == 1


def test_the_caller_is_told_and_a_role_is_assumed(moto: MotoServer) -> None:
    moto.reset()
    moto.do("iam", "create_role", RoleName="read", AssumeRolePolicyDocument="{}")
    assert Aws(moto.access()).caller().account_id == ACCOUNT_ID
    caller = Aws(moto.access(role_arn=f"arn:aws:iam::{ACCOUNT_ID}:role/read")).caller()
    assert caller.arn == f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/read/infralore"
    assert caller.partition == "aws"


def test_credentials_are_not_shown(moto: MotoServer) -> None:
    assert SECRET not in repr(AwsAccess(secret_access_key=SECRET, session_token=SECRET))


@pytest.mark.parametrize("code", ["ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"])
def test_throttling_is_transient_and_keeps_the_servers_wait(httpserver: HTTPServer, code: str) -> None:
    error = error_of(answering(httpserver, refusal(code)))
    assert isinstance(error, SourceUnavailable)
    assert error.retry_after_s == 7.0


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_a_server_in_trouble_is_transient(httpserver: HTTPServer, status: int) -> None:
    assert isinstance(error_of(answering(httpserver, (status, "<html>busy</html>"))), SourceUnavailable)


def test_what_is_transient_is_tried_again_before_it_is_told(httpserver: HTTPServer) -> None:
    good = (200, json.dumps({"CertificateSummaryList": []}))
    answering(httpserver, (503, ""), good)
    reader = aws(httpserver.url_for(""), attempts=3)
    assert [p["CertificateSummaryList"] for p in reader.pages("acm", "list_certificates")] == [[]]


def test_a_server_that_is_not_there_is_transient() -> None:
    assert isinstance(error_of(aws("http://127.0.0.1:9")), SourceUnavailable)


def test_a_server_that_never_answers_is_given_up(httpserver: HTTPServer) -> None:
    import time

    def slow(request: Request) -> Response:
        time.sleep(1)
        return Response("{}")

    httpserver.expect_request("/").respond_with_handler(slow)
    assert isinstance(error_of(aws(httpserver.url_for(""), read_timeout_s=0.2)), SourceUnavailable)


@pytest.mark.parametrize("code", ["ExpiredTokenException", "ExpiredToken", "RequestExpired"])
def test_an_expired_token_is_terminal_and_says_to_renew(httpserver: HTTPServer, code: str) -> None:
    error = error_of(answering(httpserver, refusal(code, f"the token {SECRET} is expired")))
    assert isinstance(error, SourceDataInvalid)
    assert "expired" in str(error)
    assert "renew" in error.hint


@pytest.mark.parametrize("code", ["UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException"])
def test_wrong_credentials_are_terminal(httpserver: HTTPServer, code: str) -> None:
    error = error_of(answering(httpserver, refusal(code)))
    assert isinstance(error, SourceDataInvalid)
    assert "access_key_id" in error.hint


def test_no_credentials_are_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", f"{tmp_path}/none")
    monkeypatch.setenv("AWS_CONFIG_FILE", f"{tmp_path}/none")
    error = error_of(Aws(AwsAccess(endpoint_url="http://127.0.0.1:9")))
    assert isinstance(error, SourceDataInvalid)
    assert "no AWS credentials" in str(error)
    assert isinstance(error_of(Aws(AwsAccess(profile="nobody"))), SourceDataInvalid)


def test_a_denial_names_the_action_that_is_missing(httpserver: HTTPServer) -> None:
    told = "User: arn:aws:iam::1:user/x is not authorized to perform: acm:ListCertificates on resource: *"
    error = error_of(answering(httpserver, refusal("AccessDeniedException", told)))
    assert isinstance(error, AccessDenied)
    assert "acm:ListCertificates" in error.hint


def test_a_denial_that_names_no_action_is_helped_out(httpserver: HTTPServer) -> None:
    body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
    httpserver.expect_request("/").respond_with_data(body, 403, content_type="text/xml")
    error = error_of(aws(httpserver.url_for("")), "elbv2", "describe_rules")
    assert "elasticloadbalancing:DescribeRules" in error.hint
    error = error_of(aws(httpserver.url_for("")), "rds", "describe_db_instances")
    assert "rds:DescribeDBInstances" in error.hint


def test_another_refusal_keeps_its_code(httpserver: HTTPServer) -> None:
    error = error_of(answering(httpserver, refusal("ResourceNotFoundException")))
    assert isinstance(error, ServiceRefused)
    assert error.code == "ResourceNotFoundException"


@pytest.mark.parametrize(("service", "operation"), [("acm", "list_certificates"), ("rds", "describe_db_instances")])
def test_a_web_page_is_not_taken_for_an_answer(httpserver: HTTPServer, service: str, operation: str) -> None:
    reader = answering(httpserver, (200, "<!DOCTYPE html><html><body>Sign in</body></html>"))
    error = error_of(reader, service, operation)
    assert isinstance(error, SourceDataInvalid)
    assert "web page" in str(error)


@pytest.mark.parametrize("body", ["", "  ", '{"CertificateSummaryList": [{"Certifica', "null garbage"])
def test_a_cut_answer_is_not_taken_for_an_empty_one(httpserver: HTTPServer, body: str) -> None:
    assert isinstance(error_of(answering(httpserver, (200, body))), SourceUnavailable)


def test_a_cut_xml_answer_is_not_taken_for_an_empty_one(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data(
        "<DescribeDBInstancesResponse><DescribeDBIn", content_type="text/xml"
    )
    assert isinstance(error_of(aws(httpserver.url_for("")), "rds", "describe_db_instances"), SourceUnavailable)


def test_an_empty_body_of_s3_is_not_taken_for_no_buckets(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data("", content_type="text/xml")
    assert isinstance(error_of(aws(httpserver.url_for("")), "s3", "list_buckets"), SourceUnavailable)


def page(number: int, following: str) -> tuple[int, str]:
    one = {"CertificateArn": f"arn:aws:acm:eu-west-1:1:certificate/{number}"}
    return 200, json.dumps({"CertificateSummaryList": [one], "NextToken": following})


def test_pages_that_go_in_a_circle_are_noticed(httpserver: HTTPServer) -> None:
    assert "circle" in str(error_of(answering(httpserver, page(1, "a"))))
    httpserver.clear()
    error = error_of(answering(httpserver, page(1, "a"), page(2, "b"), page(1, "a"), page(2, "b")))
    assert isinstance(error, SourceUnavailable)
    assert "circle" in str(error)
