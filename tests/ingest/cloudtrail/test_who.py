"""Who called, and through which door."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.model import Value
from ingest import names
from tests.ingest.cloudtrail.trail import (
    ACCOUNT,
    TERRAFORM,
    Json,
    aliases,
    entities,
    modify_rule,
    pulled,
    record,
    relations,
    session,
    user,
)

STS, IAM = f"arn:aws:sts::{ACCOUNT}:assumed-role", f"arn:aws:iam::{ACCOUNT}"


@pytest.mark.parametrize(
    ("who", "login", "type_", "bot"),
    [
        (user("ana"), f"{IAM}:user/ana", "user", False),
        (user("svc/terraform-ci"), f"{IAM}:user/svc/terraform-ci", "user", True),
        (session("admin", "ana@shop.example"), f"{STS}/admin/ana@shop.example", "role_session", False),
        (session("ci-deployer", "ana@shop.example"), f"{STS}/ci-deployer/ana@shop.example", "role_session", False),
        (
            session("AWSReservedSSO_Admin_0123456789abcdef", "bo@shop.example"),
            f"{STS}/AWSReservedSSO_Admin/bo@shop.example",
            "sso_session",
            False,
        ),
        (session("deploy", "GitHubActions"), f"{STS}/deploy/GitHubActions", "role_session", True),
        (session("web", "i-0aaaaaaaaaaaaaaa1"), f"{STS}/web/i-0aaaaaaaaaaaaaaa1", "role_session", True),
        (session("shop", "aws-go-sdk-1722511821294449000"), f"{STS}/shop/*", "role_session", True),
        (session("shop", "botocore-session-1722511821"), f"{STS}/shop/*", "role_session", True),
        ({"type": "Root", "arn": f"{IAM}:root", "accountId": ACCOUNT}, f"{IAM}:root", "root", False),
        (
            {"type": "FederatedUser", "arn": f"arn:aws:sts::{ACCOUNT}:federated-user/cara"},
            f"arn:aws:sts::{ACCOUNT}:federated-user/cara",
            "federated_user",
            False,
        ),
        (
            {"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com"},
            "autoscaling.amazonaws.com",
            "service",
            True,
        ),
        (
            {"type": "SAMLUser", "userName": "dan@shop.example", "identityProvider": "abc="},
            "abc=/dan@shop.example",
            "federated_user",
            False,
        ),
        (
            {"type": "AWSAccount", "principalId": "AIDA1", "accountId": "999988887777"},
            "999988887777/AIDA1",
            "account",
            False,
        ),
        (
            {
                "type": "IdentityCenterUser",
                "onBehalfOf": {"userId": "u-1", "identityStoreArn": "arn:aws:identitystore::1:identitystore/d-1"},
            },
            "arn:aws:identitystore::1:identitystore/d-1/u-1",
            "sso_user",
            False,
        ),
        ({"type": "FutureUser", "userName": "eve", "accountId": ACCOUNT}, f"{ACCOUNT}/eve", "FutureUser", False),
    ],
)
def test_each_kind_of_identity_is_an_account(who: Json, login: str, type_: str, bot: bool, tmp_path: Path) -> None:
    found = pulled(tmp_path, modify_rule(who=who))
    [account] = entities(found, "Account")
    assert account.properties["login"] == login
    assert (account.properties["type"], account.properties["bot"]) == (type_, bot)
    assert account.ref == names.account("aws", login)
    assert [r.dst for r in relations(found, "PERFORMED_BY")] == [account.ref]


def test_an_account_is_found_by_mail_session_name_and_access_key(tmp_path: Path) -> None:
    found = pulled(tmp_path, modify_rule(who=session("AWSReservedSSO_Admin_0123456789abcdef", "Bo@Shop.example")))
    assert {("email", "bo@shop.example"), ("login", "Bo@Shop.example"), ("id", "ASIA…LE78")} <= aliases(
        found, "Account"
    )
    arns = {name for scheme, name in aliases(found, "Account") if scheme == "arn"}
    assert arns == {f"{STS}/AWSReservedSSO_Admin{end}/Bo@Shop.example" for end in ("", "_0123456789abcdef")}
    found = pulled(tmp_path, modify_rule(who=user("ana")))
    assert {
        ("id", "AKIA…LE12"),
        ("id", "AKIAEXAMPLEEXAMPLE12"),
        ("login", "ana"),
        ("arn", f"{IAM}:user/ana"),
    } == aliases(found, "Account")


def test_who_stands_behind_a_session_is_an_account_too(tmp_path: Path) -> None:
    found = pulled(tmp_path, modify_rule(who=session("deployer", "break-glass", sourceIdentity="ana@shop.example")))
    performers = {str(e.properties["login"]) for e in entities(found, "Account")}
    assert performers == {f"{STS}/deployer/break-glass", f"{ACCOUNT}/source-identity/ana@shop.example"}
    assert len(relations(found, "PERFORMED_BY")) == 2
    assert ("email", "ana@shop.example") in aliases(found, "Account")


def test_an_event_without_an_identity_has_nobody(tmp_path: Path) -> None:
    found = pulled(tmp_path, {**modify_rule(), "userIdentity": None})
    assert entities(found, "AuditEvent")
    assert not relations(found, "PERFORMED_BY")


def _assume(who: Json, **fields: object) -> Json:
    response = {
        "credentials": {"accessKeyId": "ASIA" + "EXAMPLEEXAMPLE99", "expiration": "Mar 1, 2026, 10:00:00\u202fAM"},
        "assumedRoleUser": {"arn": f"{STS}/deployer/ana"},
    }
    return record("sts:AssumeRole", {"roleSessionName": "ana"}, response, who=who, readOnly=True, **fields)  # type: ignore[arg-type]


def test_who_opened_a_session_is_told_for_as_long_as_its_credentials_hold(tmp_path: Path) -> None:
    found = pulled(tmp_path, _assume(user("ana")))
    [assertion] = [a for b in found for a in b.assertions if getattr(a.fact, "type", "") == "ASSUMED_BY"]
    [relation] = relations(found, "ASSUMED_BY")
    assert (relation.src, relation.dst) == (
        names.account("aws", f"{STS}/deployer/ana"),
        names.account("aws", f"{IAM}:user/ana"),
    )
    assert assertion.valid_to is not None
    assert assertion.valid_to - assertion.valid_from == 3600 * 1_000_000
    assert not entities(found, "AuditEvent")


def test_a_pipeline_that_opens_a_session_is_a_bot(tmp_path: Path) -> None:
    provider = f"{IAM}:oidc-provider/token.actions.githubusercontent.com"
    who: Json = {
        "type": "WebIdentityUser",
        "userName": "repo:shop/infra:ref:refs/heads/main",
        "identityProvider": provider,
    }
    found = pulled(tmp_path, {**_assume(who), "eventName": "AssumeRoleWithWebIdentity"})
    by = relations(found, "ASSUMED_BY")[0].dst
    [pipeline] = [e for e in entities(found, "Account") if e.ref == by]
    assert pipeline.properties["bot"] is True
    assert not [name for scheme, name in aliases(found, "Account") if scheme == "arn" and "oidc-provider" in name]


def test_a_service_that_assumes_its_role_and_a_refused_call_open_nothing(tmp_path: Path) -> None:
    service: Json = {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}
    assert not [
        b for b in pulled(tmp_path, _assume(service), _assume(user(), errorCode="AccessDenied")) if b.assertions
    ]


@pytest.mark.parametrize(
    ("agent", "fields", "via"),
    [
        (TERRAFORM, {}, "terraform"),
        ("APN/1.0 HashiCorp/1.0 OpenTofu/1.9.0 terraform-provider-aws/5.1", {}, "terraform"),
        ("APN/1.0 Pulumi/1.0 PulumiAWS/6.0 terraform-provider-aws", {}, "pulumi"),
        ("cloudformation.amazonaws.com", {}, "cloudformation"),
        ("aws-cli/2.15.30 Python/3.11", {}, "cli"),
        ("aws-cli/2.15.30 exec-env/CloudShell", {"sessionCredentialFromConsole": "true"}, "cli"),
        ("Boto3/1.40.1 md/Botocore#1.40.1", {}, "sdk"),
        ("aws-sdk-go-v2/1.30", {}, "sdk"),
        ("Mozilla/5.0 (X11; Linux x86_64)", {}, "console"),
        ("AWS Internal", {"sessionCredentialFromConsole": "true"}, "console"),
        ("[S3Console/0.4, aws-internal/3]", {}, "console"),
        ("autoscaling.amazonaws.com", {}, "service"),
        ("AWS Internal", {}, "service"),
        ("kubectl/v1.30", {}, "kubectl"),
        ("curl/8.1", {}, "unknown"),
        (None, {}, "unknown"),
    ],
)
def test_the_door_is_told_by_the_client(agent: str | None, fields: Json, via: str, tmp_path: Path) -> None:
    [event] = entities(pulled(tmp_path, {**modify_rule(), "userAgent": agent, **fields}), "AuditEvent")
    assert event.properties["via"] == via


def test_a_stack_that_calls_for_a_user_is_the_door(tmp_path: Path) -> None:
    who: Json = {**user("ana"), "invokedBy": "cloudformation.amazonaws.com"}
    found = pulled(tmp_path, {**modify_rule(who=who), "userAgent": "cloudformation.amazonaws.com"})
    properties: dict[str, Value] = dict(entities(found, "AuditEvent")[0].properties)
    assert properties["via"] == "cloudformation"
    assert entities(found, "Account")[0].properties["name"] == "ana"
