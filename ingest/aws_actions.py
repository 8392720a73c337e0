"""Names of AWS API operations and of the policy actions that allow them."""

from __future__ import annotations

_CAPITALS = {"db": "DB", "ssl": "SSL", "mfa": "MFA", "saml": "SAML", "sms": "SMS", "ssh": "SSH"}
_NAMESPACES = {
    "elbv2": "elasticloadbalancing",
    "elb": "elasticloadbalancing",
    "service-quotas": "servicequotas",
    "efs": "elasticfilesystem",
    "stepfunctions": "states",
}
"""boto3's name of a service -> its name in policies, where they differ."""
_SPELLING = {"s3:ListBuckets": "s3:ListAllMyBuckets"}


def api_name(operation: str) -> str:
    """The API's name of an operation: `describe_db_instances` is `DescribeDBInstances`."""
    return "".join(_CAPITALS.get(part) or part[:1].upper() + part[1:] for part in operation.split("_"))


def iam_action(service: str, operation: str) -> str:
    """The policy action of an API call as far as both are spelled alike: `elbv2`, `DescribeRules`."""
    action = f"{_NAMESPACES.get(service, service)}:{operation}"
    return _SPELLING.get(action, action)
