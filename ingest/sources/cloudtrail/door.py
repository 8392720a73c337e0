"""Through which door a call came: the console, a tool, an SDK or a service, by what the record tells of its client."""

from __future__ import annotations

import re

from ingest.sources.cloudtrail.records import Record

_DOORS = (
    # Tools name themselves in front of the SDK that they are built on, so they are asked for first.
    ("cloudformation", re.compile(r"cloudformation\.amazonaws\.com", re.I)),
    ("pulumi", re.compile(r"pulumi", re.I)),
    ("terraform", re.compile(r"terraform|opentofu|terragrunt", re.I)),
    ("kubectl", re.compile(r"\bkubectl/", re.I)),
    ("cli", re.compile(r"\baws-cli/|\baws-shell|CloudShell|aws-vault|\bsaml2aws|PowerShell", re.I)),
)
_CONSOLE = re.compile(
    r"^(?:console\.|signin\.)|console\.amazonaws\.com|console\.aws|S3Console|^Mozilla/|AWS Console|aws-management-console",
    re.I,
)
_SDK = re.compile(
    r"boto3?/|botocore/|aws-sdk|APN/|aws-chalice|\bgo-http-client|python-requests|okhttp|ruby|jets3t|stratus|eksctl|ansible|crossplane",
    re.I,
)
_SERVICE = re.compile(r"\.amazonaws\.com(?:\.cn)?$|^AWS Internal$|^aws-internal/", re.I)


def door(record: Record) -> str:
    """console, terraform, pulumi, cloudformation, cli, sdk, kubectl, service or unknown."""
    agent = record.user_agent or ""
    identity = record.user_identity
    invoked_by = (identity.invoked_by if identity is not None else None) or ""
    for name, pattern in _DOORS:
        if pattern.search(agent) or pattern.search(invoked_by):
            return name
    if record.event_type in ("AwsConsoleSignIn", "AwsConsoleAction"):
        return "console"
    if str(record.session_credential_from_console).lower() == "true" or _CONSOLE.search(agent):
        return "console"
    if invoked_by or record.event_type == "AwsServiceEvent" or (identity is not None and identity.type == "AWSService"):
        return "service"
    if _SERVICE.search(agent) or _SERVICE.search(record.source_ip_address or ""):
        return "service"
    return "sdk" if _SDK.search(agent) else "unknown"
