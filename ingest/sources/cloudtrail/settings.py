"""Settings of the cloudtrail source."""

from __future__ import annotations

from dataclasses import dataclass, field

QUIET = (
    "logs:CreateLogStream",
    "ssm:UpdateInstanceInformation",
    "ssm:UpdateInstanceAssociationStatus",
    "ssm:PutInventory",
    "ssm:PutComplianceItems",
    "ssmmessages:*",
    "ec2messages:*",
    "ecr:InitiateLayerUpload",
    "ecr:UploadLayerPart",
    "ecr:CompleteLayerUpload",
    "kms:GenerateDataKey*",
    "kms:CreateGrant",
    "kms:RetireGrant",
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncrypt",
    "sts:*",
    "health:*",
    "notifications:*",
)
"""Calls that write in name only, or that machines make all the time for each other."""


@dataclass(frozen=True, slots=True)
class CloudTrailSettings:
    """Where the records come from: files, LookupEvents, or both.

    Attributes:
        path: a file or a directory of log files (`*.json.gz`, `*.json`, `*.jsonl`), or `s3://bucket/prefix`; empty for none.
        lookup: ask LookupEvents, which knows the last 90 days of an account without a trail.
        regions: regions to ask LookupEvents in; global services (IAM, Route 53, CloudFront) are told in us-east-1. Empty: `region`.
        days: how many days the first lookup goes back, at most 90.
        name: name of the scope; sources of one name share their facts. Default: the path, or `lookup:` with the regions.
        data_events: also keep data events (objects of S3, invocations of functions), which are many.
        ignore: calls to leave out, as `service:Call` with `*`.
        region: region of the S3 bucket, or to ask in when `regions` names none.
        profile: profile of the shared AWS configuration files.
        access_key_id: access key; empty for the SDK's own chain.
        secret_access_key: its secret.
        session_token: token of temporary credentials.
        role_arn: role to assume.
        external_id: external id that the role asks for.
        endpoint_url: another server that speaks S3 and CloudTrail.
    """

    path: str = ""
    lookup: bool = False
    regions: tuple[str, ...] = ()
    days: int = 30
    name: str = ""
    data_events: bool = False
    ignore: tuple[str, ...] = QUIET
    region: str = ""
    profile: str = ""
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    role_arn: str = ""
    external_id: str = ""
    endpoint_url: str = ""
