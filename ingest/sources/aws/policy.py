"""The least privilege the source needs, out of its table."""

from __future__ import annotations

import json

from ingest.aws_actions import api_name, iam_action
from ingest.sources.aws.collections import ALL
from ingest.sources.aws.table import Collection

_ALWAYS = (
    "ec2:DescribeRegions",
    "iam:ListAccountAliases",
    "servicequotas:ListServiceQuotas",
    "config:ListDiscoveredResources",
    "config:GetResourceConfigHistory",
)


def actions(collections: tuple[Collection, ...] = ALL) -> list[str]:
    """Every policy action, sorted, each once."""
    return sorted({*_ALWAYS, *(action for collection in collections for action in permissions(collection))})


def permissions(collection: Collection) -> list[str]:
    """The policy actions that reading this collection takes."""
    calls = (collection, *collection.batches, *collection.details)
    return [call.action or iam_action(collection.service, api_name(call.operation)) for call in calls]


def policy() -> str:
    """The policy as JSON to copy. `sts:GetCallerIdentity` needs no permission."""
    statement = {"Sid": "InfraloreReadOnly", "Effect": "Allow", "Action": actions(), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2)
