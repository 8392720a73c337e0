"""Records as CloudTrail logs them, and files of them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from graph.model import Alias, Entity, FactBatch, Relation, Value
from ingest.sources.cloudtrail.source import CloudTrailSettings, CloudTrailSource
from tests.contracts.source_contract import CANARY, NOW

ACCOUNT = "111122223333"
REGION = "eu-west-1"
RULE = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:listener-rule/app/edge/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee"
LISTENER = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:listener/app/edge/50dc6c495c0c9188/f2f7dc8efc522ab2"
TERRAFORM = "APN/1.0 HashiCorp/1.0 Terraform/1.11.4 (+https://www.terraform.io) terraform-provider-aws/5.100.0 (+https://registry.terraform.io) aws-sdk-go-v2/1.36.3"
ACCESS_KEY = "AKIA" + "EXAMPLEEXAMPLE12"

Json = dict[str, object]


def user(name: str = "ana", key: str = ACCESS_KEY) -> Json:
    """An IAM user."""
    return {
        "type": "IAMUser",
        "principalId": "AIDA" + "EXAMPLEEXAMPLE34",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}",
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "userName": name,
    }


def session(role: str, name: str, **context: object) -> Json:
    """A session of an assumed role."""
    return {
        "type": "AssumedRole",
        "principalId": "AROA" + f"EXAMPLEEXAMPLE56:{name}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}",
        "accountId": ACCOUNT,
        "accessKeyId": "ASIA" + "EXAMPLEEXAMPLE78",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "arn": f"arn:aws:iam::{ACCOUNT}:role/{role}",
                "accountId": ACCOUNT,
                "userName": role,
            },
            "attributes": {"creationDate": "2026-03-01T09:00:00Z", "mfaAuthenticated": "false"},
            **context,
        },
    }


def record(
    call: str,
    parameters: object = None,
    response: object = None,
    *,
    at: str = "2026-03-01T09:00:00Z",
    who: Json | None = None,
    **fields: object,
) -> Json:
    """A record of `service:Call`. Its id follows from what it says, unless given."""
    service, _, name = call.partition(":")
    told: Json = {
        "eventVersion": "1.09",
        "userIdentity": who or user(),
        "eventTime": at,
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": REGION,
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "aws-cli/2.15.30 Python/3.11.8 Linux/6.1 exe/x86_64 prompt/off",
        "requestParameters": parameters,
        "responseElements": response,
        "eventID": f"{abs(hash_of(call, parameters, at)):032x}",
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
        "someFutureField": {"a": [1]},
    }
    return {**told, **fields}


def hash_of(*parts: object) -> int:
    """The same number for the same parts, in every process."""
    from zlib import crc32

    return crc32(json.dumps(parts, sort_keys=True).encode())


def modify_rule(*, at: str = "2026-03-01T09:00:00Z", who: Json | None = None, **fields: object) -> Json:
    """Somebody edits the rule of a load balancer."""
    parameters = {
        "ruleArn": RULE,
        "conditions": [{"field": "path-pattern", "values": ["/api/*", "/beta/*"]}],
    }
    response = {"rules": [{"ruleArn": RULE, "priority": "10"}]}
    return record("elasticloadbalancing:ModifyRule", parameters, response, at=at, who=who, **fields)


def put(directory: Path, name: str, records: Sequence[object]) -> Path:
    """A log file, packed when its name ends in `.gz`."""
    file = directory / name
    file.parent.mkdir(parents=True, exist_ok=True)
    data = json.dumps({"Records": records}).encode()
    file.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
    return file


def log_name(delivered: str, tail: str = "aAbBcC", region: str = REGION, root: str = "AWSLogs") -> str:
    """A path as CloudTrail lays files out: `delivered` as `20260301T0915`."""
    day = f"{delivered[:4]}/{delivered[4:6]}/{delivered[6:8]}"
    return f"{root}/{ACCOUNT}/CloudTrail/{region}/{day}/{ACCOUNT}_CloudTrail_{region}_{delivered}Z_{tail}.json.gz"


def source(path: Path | str, **settings: object) -> CloudTrailSource:
    """The source on files."""
    return CloudTrailSource(CloudTrailSettings(str(path), name="trail", **settings))  # type: ignore[arg-type]


def batches(src: CloudTrailSource, cursor: str | None = None) -> list[FactBatch]:
    """What a pull gives."""
    return list(src.pull(cursor, NOW))


def pulled(directory: Path, *records: object, **settings: object) -> list[FactBatch]:
    """What one file of these records gives."""
    return batches(source(put(directory, "log.json", records), **settings))


def cursor_of(found: Sequence[FactBatch]) -> str:
    """The last cursor."""
    return [b.cursor for b in found if b.cursor][-1]


def entities(found: Sequence[FactBatch], kind: str) -> list[Entity]:
    facts = [a.fact for b in found for a in b.assertions]
    return [f for f in facts if isinstance(f, Entity) and f.ref.kind == kind]


def relations(found: Sequence[FactBatch], type_: str) -> list[Relation]:
    facts = [a.fact for b in found for a in b.assertions]
    return [f for f in facts if isinstance(f, Relation) and f.type == type_]


def aliases(found: Sequence[FactBatch], kind: str) -> set[tuple[str, str]]:
    facts = [a.fact for b in found for a in b.assertions]
    return {(f.scheme, f.name) for f in facts if isinstance(f, Alias) and f.ref.kind == kind}


def attributes(relation: Relation) -> dict[str, tuple[Value, Value]]:
    """Path -> values before and after, or the states where no value is told."""

    def side(told: object) -> Value:
        assert isinstance(told, Mapping)
        return told["value"] if told["state"] == "value" else f"<{told['state']}>"  # type: ignore[no-any-return]

    listed = relation.properties.get("attributes", [])
    assert isinstance(listed, list)
    return {str(a["path"]): (side(a["before"]), side(a["after"])) for a in listed}  # type: ignore[index,call-overload]


def with_secrets() -> list[Json]:
    """Calls that carry secrets, as services that do not hide them log them."""
    return [
        record("rds:ModifyDBInstance", {"dBInstanceIdentifier": "shop", "masterUserPassword": CANARY}),
        record(
            "secretsmanager:PutSecretValue", {"secretId": "shop/db", "secretString": CANARY, "secretBinary": CANARY}
        ),
        record("ssm:PutParameter", {"name": "/shop/token", "type": "String", "value": CANARY}),
        record("ec2:ModifyInstanceAttribute", {"instanceId": "i-0aaaaaaaaaaaaaaa1", "userData": CANARY}),
        record(
            "lambda:UpdateFunctionConfiguration20150331v2",
            {"functionName": "checkout", "environment": {"variables": {"MODE": CANARY}}},
            {
                "environment": {"variables": {"MODE": CANARY}},
                "functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:checkout",
            },
        ),
        record(
            "ecs:RegisterTaskDefinition",
            {
                "family": "checkout",
                "containerDefinitions": [{"name": "app", "environment": [{"name": "MODE", "value": CANARY}]}],
            },
        ),
        record(
            "ssm:SendCommand", {"instanceIds": ["i-0aaaaaaaaaaaaaaa1"], "parameters": {"commands": [f"login {CANARY}"]}}
        ),
        record(
            "cloudfront:UpdateDistribution",
            {
                "id": "E1",
                "distributionConfig": {
                    "origins": {
                        "items": [{"customHeaders": {"items": [{"headerName": "x-origin", "headerValue": CANARY}]}}]
                    }
                },
            },
        ),
        record(
            "iam:CreateAccessKey",
            {"userName": "ana"},
            {"accessKey": {"userName": "ana", "secretAccessKey": CANARY, "accessKeyId": ACCESS_KEY}},
        ),
        record("iam:UpdateLoginProfile", {"userName": "ana", "password": CANARY}),
        record("elasticache:ModifyReplicationGroup", {"replicationGroupId": "cart", "authToken": CANARY}),
        record(
            "cloudformation:CreateStack",
            {"stackName": "x", "parameters": [{"parameterKey": "Mode", "parameterValue": CANARY}]},
        ),
        record(
            "codebuild:UpdateProject",
            {"name": "b", "environment": {"environmentVariables": [{"name": "MODE", "value": CANARY}]}},
        ),
        record(
            "batch:RegisterJobDefinition",
            {"containerProperties": {"environment": {"items": [{"name": "MODE", "value": CANARY}]}}},
        ),
        record("amplify:UpdateApp", {"app": "x", "environmentVariables": {"MODE": CANARY}}),
        record(
            "apprunner:UpdateService",
            {"imageConfiguration": {"runtimeEnvironmentVariables": {"MODE": CANARY}, "port": "1"}},
        ),
        record("apigateway:UpdateStage", {"variables": {"mode": CANARY}}),
        record("someservice:PutThing", {"thing": {"clientSecret": CANARY}}),
        record(
            "sts:AssumeRole",
            {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/deployer", "roleSessionName": "ana"},
            {
                "credentials": {
                    "sessionToken": CANARY,
                    "secretAccessKey": CANARY,
                    "expiration": "Mar 1, 2026, 10:00:00 AM",
                },
                "assumedRoleUser": {"arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/ana"},
            },
            readOnly=True,
        ),
        record("iam:CreateUser", {"userName": "bo"}, errorCode="AccessDenied", errorMessage=f"no {CANARY}"),
    ]
