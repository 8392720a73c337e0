"""CloudTrail log files: `AWSLogs/<account>/CloudTrail/<region>/<year>/<month>/<day>/….json.gz`.

Format: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from examples.formats.output import Json, Plant, hex_id, letters, nothing, stamp, uuid_of, write_json

CONSOLE = "AWS Internal"
CLI = "aws-cli/2.15.30 Python/3.11.8 Linux/6.5.0-1014-aws exe/x86_64.ubuntu.22 prompt/off command/{command}"
TERRAFORM = "APN/1.0 HashiCorp/1.0 Terraform/1.11.4 (+https://www.terraform.io) terraform-provider-aws/5.100.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.36.3 os/linux lang/go#1.23.9 md/GOOS#linux md/GOARCH#amd64"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls. `kind`:

    - iam_user: `name` is the IAM user;
    - role: `name` is the role and `session` its session name;
    - sso: `name` is the permission set, `session` the user's name or mail address in IAM Identity Center;
    - oidc: a role of GitHub Actions: `name` is the role, `session` the session name, `subject` the token's subject;
    - root; service: `name` is the service (`autoscaling.amazonaws.com`).
    """

    kind: str
    account_id: str
    name: str = ""
    session: str = ""
    subject: str = ""

    @property
    def role(self) -> str:
        """The role's name, with the suffix that permission sets get."""
        if self.kind == "sso":
            return f"AWSReservedSSO_{self.name}_{hex_id('sso', self.account_id, self.name)}"
        return self.name

    @property
    def arn(self) -> str:
        """The ARN that the event's identity has; empty for a service."""
        if self.kind == "iam_user":
            return f"arn:aws:iam::{self.account_id}:user/{self.name}"
        if self.kind == "root":
            return f"arn:aws:iam::{self.account_id}:root"
        return (
            "" if self.kind == "service" else f"arn:aws:sts::{self.account_id}:assumed-role/{self.role}/{self.session}"
        )


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One API call. `region` is us-east-1 for global services; an `error_code` makes it a failed one."""

    id: str
    at: datetime
    principal: Principal
    source: str
    name: str
    region: str
    request: Json | None = None
    response: Json | None = None
    user_agent: str = TERRAFORM
    source_ip: str = "203.0.113.10"
    read_only: bool = False
    resources: tuple[tuple[str, str], ...] = ()
    error_code: str = ""
    error_message: str = ""
    extra: Mapping[str, object] = field(default_factory=dict[str, object])


def write_cloudtrail(directory: Path, events: list[AuditEvent], plant: Plant = nothing) -> None:
    """Write one file for each account, region and day."""
    files: dict[str, list[AuditEvent]] = defaultdict(list)
    for event in sorted(events, key=lambda e: (e.at, e.id)):
        account, at = event.principal.account_id, event.at.astimezone(UTC)
        name = f"{account}_CloudTrail_{event.region}_{at:%Y%m%d}T2355Z_{letters(account, event.region, at.date(), length=16)}.json.gz"
        files[f"AWSLogs/{account}/CloudTrail/{event.region}/{at:%Y/%m/%d}/{name}"].append(event)
    for name in sorted(files):
        write_json(directory / name, {"Records": [record(event, plant) for event in files[name]]}, indent=None)


def record(event: AuditEvent, plant: Plant = nothing) -> Json:
    """An event as a log file holds it."""
    request: dict[str, object] | None = dict(event.request) if event.request is not None else None
    if request is not None and (secret := plant("cloudtrail.request")):
        request["environment"] = {"variables": {"API_TOKEN": secret}}
    console = event.user_agent == CONSOLE
    return {
        "eventVersion": "1.10",
        "userIdentity": identity(event.principal, event.at, console=console),
        "eventTime": stamp(event.at),
        "eventSource": event.source,
        "eventName": event.name,
        "awsRegion": event.region,
        "sourceIPAddress": event.source_ip,
        "userAgent": event.user_agent,
        **({"errorCode": event.error_code, "errorMessage": event.error_message} if event.error_code else {}),
        "requestParameters": request,
        "responseElements": event.response,
        "requestID": uuid_of(event.id, "request"),
        "eventID": event.id,
        "readOnly": event.read_only,
        **(
            {
                "resources": [
                    {"accountId": event.principal.account_id, "type": kind, "ARN": arn} for kind, arn in event.resources
                ]
            }
            if event.resources
            else {}
        ),
        "eventType": "AwsConsoleSignIn" if event.name == "ConsoleLogin" else "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": event.principal.account_id,
        "eventCategory": "Management",
        **({"sessionCredentialFromConsole": "true"} if console and event.name != "ConsoleLogin" else {}),
        **event.extra,
    }


def identity(principal: Principal, at: datetime, *, console: bool = False) -> Json:
    """The `userIdentity` element."""
    account = principal.account_id
    if principal.kind == "service":
        return {"type": "AWSService", "invokedBy": principal.name}
    if principal.kind == "root":
        return {"type": "Root", "principalId": account, "arn": principal.arn, "accountId": account}
    key = ("ASIA" if principal.kind != "iam_user" or console else "AKIA") + letters(account, principal.arn, length=16)
    attributes = {
        "creationDate": stamp(at - timedelta(minutes=4)),
        "mfaAuthenticated": "true" if principal.kind == "iam_user" else "false",
    }
    if principal.kind == "iam_user":
        return {
            "type": "IAMUser",
            "principalId": "AIDA" + letters(account, principal.name, length=17),
            "arn": principal.arn,
            "accountId": account,
            "accessKeyId": key,
            "userName": principal.name,
            **({"sessionContext": {"attributes": attributes}} if console else {}),
        }
    role_id = "AROA" + letters(account, principal.role, length=17)
    path = f"aws-reserved/sso.amazonaws.com/eu-west-1/{principal.role}" if principal.kind == "sso" else principal.role
    context: dict[str, object] = {
        "sessionIssuer": {
            "type": "Role",
            "principalId": role_id,
            "arn": f"arn:aws:iam::{account}:role/{path}",
            "accountId": account,
            "userName": principal.role,
        },
        "attributes": attributes,
    }
    if principal.kind == "oidc":
        provider = f"arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com"
        context["webIdFederationData"] = {"federatedProvider": provider, "attributes": {}}
    else:
        context["webIdFederationData"] = {}
    return {
        "type": "AssumedRole",
        "principalId": f"{role_id}:{principal.session}",
        "arn": principal.arn,
        "accountId": account,
        "accessKeyId": key,
        "sessionContext": context,
    }


def oidc_login(principal: Principal, at: datetime, region: str, source_ip: str) -> AuditEvent:
    """The `AssumeRoleWithWebIdentity` call with which a GitHub Actions job begins its session."""
    account, provider = principal.account_id, "token.actions.githubusercontent.com"
    arn = f"arn:aws:iam::{account}:role/{principal.name}"
    event = AuditEvent(
        id=uuid_of("oidc", account, principal.session, stamp(at)),
        at=at,
        principal=principal,
        source="sts.amazonaws.com",
        name="AssumeRoleWithWebIdentity",
        region=region,
        request={"roleArn": arn, "roleSessionName": principal.session, "durationSeconds": 3600},
        response={
            "subjectFromWebIdentityToken": principal.subject,
            "assumedRoleUser": {
                "assumedRoleId": f"AROA{letters(account, principal.role, length=17)}:{principal.session}",
                "arn": principal.arn,
            },
            "provider": f"arn:aws:iam::{account}:oidc-provider/{provider}",
            "audience": "sts.amazonaws.com",
        },
        user_agent="aws-sdk-nodejs/3.0 configure-aws-credentials-for-github-actions",
        source_ip=source_ip,
        read_only=True,
        resources=(("AWS::IAM::Role", arn),),
    )
    who = {
        "type": "WebIdentityUser",
        "principalId": f"arn:aws:iam::{account}:oidc-provider/{provider}:sts.amazonaws.com:{principal.subject}",
        "userName": principal.subject,
        "identityProvider": f"arn:aws:iam::{account}:oidc-provider/{provider}",
    }
    return replace(event, extra={"userIdentity": who})
