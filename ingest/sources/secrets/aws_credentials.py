"""Credentials of an AWS account: ACM certificates, IAM access keys, Secrets Manager secrets. No call here can return a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias, cast

from graph.clock import Instant, from_datetime, rfc3339
from graph.model import Alias, Entity, EntityRef, Fact, Relation, Value
from ingest import aws_names, names
from ingest.sources.cloudtrail.who import facts_of, from_arn, key_names
from ingest.sources.secrets.items import Item

if TYPE_CHECKING:  # the SDK takes long to import, and files need none
    from ingest.aws_client import Aws, Caller

_Answer = Mapping[str, object]
_KEY_TYPES = [
    *("RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096"),
    *("EC_prime256v1", "EC_secp384r1", "EC_secp521r1"),
]

Inventory: TypeAlias = "Callable[[Aws, Caller, str], Iterator[Item]]"
"""Reads all credentials of a service in a region. Raises `SourceError` when it cannot be read whole."""


def acm(aws: Aws, caller: Caller, region: str) -> Iterator[Item]:
    """Certificates of ACM."""
    # Without the filter only certificates with RSA keys of up to 2048 bits are listed.
    for page in aws.pages("acm", "list_certificates", region, Includes={"keyTypes": _KEY_TYPES}):
        for summary in _list(page, "CertificateSummaryList"):
            arn = str(summary["CertificateArn"])
            answer = aws.call("acm", "describe_certificate", region, CertificateArn=arn)
            yield _certificate(cast("_Answer", answer["Certificate"]), arn, caller, region)


def _certificate(told: _Answer, arn: str, caller: Caller, region: str) -> Item:
    domain = str(told.get("DomainName", ""))
    # AWS does not promise an order: another one is no change.
    domains = sorted(str(d) for d in cast("list[object]", told.get("SubjectAlternativeNames") or [domain]))
    times = _times(told, created_at="CreatedAt ImportedAt", rotated_at="NotBefore IssuedAt", expires_at="NotAfter")
    properties: dict[str, Value] = {
        "type": "certificate",
        "name": domain,
        "status": str(told.get("Status", "")),
        "issuer": str(told.get("Issuer", "")),
        "domains": list(domains),
        **_account(caller, region),
    }
    credential = names.credential("aws", arn)
    facts: list[Fact] = [Alias(credential, "name", domain), Alias(credential, "arn", arn)]
    facts += [Alias(credential, "dns", d) for d in domains]
    facts += _about(credential, arn, "arn")
    for user in sorted(str(u) for u in cast("list[object]", told.get("InUseBy") or [])):
        facts += _about(credential, user, "InUseBy")
    return _item(credential, arn, properties, times, facts)


def iam(aws: Aws, caller: Caller, region: str) -> Iterator[Item]:
    """Access keys of IAM users."""
    for page in aws.pages("iam", "list_users", region):
        for user in _list(page, "Users"):
            name = str(user["UserName"])
            for keys in aws.pages("iam", "list_access_keys", region, UserName=name):
                for key in _list(keys, "AccessKeyMetadata"):
                    used = aws.call("iam", "get_access_key_last_used", region, AccessKeyId=str(key["AccessKeyId"]))
                    yield _access_key(
                        key, cast("_Answer", used.get("AccessKeyLastUsed") or {}), str(user["Arn"]), caller
                    )


def _access_key(told: _Answer, used: _Answer, user_arn: str, caller: Caller) -> Item:
    key_id = str(told["AccessKeyId"])
    credential = names.credential("aws", key_id)
    owner = from_arn(user_arn, (key_id,))
    times = _times({**told, **used}, created_at="CreateDate", last_used_at="LastUsedDate")
    properties: dict[str, Value] = {
        "type": "access_key",
        "name": key_names(key_id)[-1],
        "status": str(told.get("Status", "")),
        **_account(caller, ""),
    }
    facts: list[Fact] = [Alias(credential, "id", name) for name in key_names(key_id)]
    facts += [*facts_of(owner), Relation("OWNED_BY", credential, owner.ref, {"rule": "IAM user of the key"})]
    facts += _about(credential, user_arn, "IAM user of the key")
    return _item(credential, f"{user_arn}/{key_names(key_id)[0]}", properties, times, facts, key=key_id)


def secretsmanager(aws: Aws, caller: Caller, region: str) -> Iterator[Item]:
    """Secrets of Secrets Manager, by what `ListSecrets` tells of them."""
    for page in aws.pages("secretsmanager", "list_secrets", region):
        for told in _list(page, "SecretList"):
            arn, name = str(told["ARN"]), str(told["Name"])
            credential = names.credential("aws", arn)
            times = _times(
                told,
                created_at="CreatedDate",
                rotated_at="LastRotatedDate LastChangedDate",
                last_used_at="LastAccessedDate",
            )
            status = (
                "deleted" if told.get("DeletedDate") else "rotated" if told.get("RotationEnabled") else "not rotated"
            )
            properties: dict[str, Value] = {
                "type": "secret",
                "name": name,
                "status": status,
                **_account(caller, region),
            }
            facts: list[Fact] = [
                Alias(credential, "name", name),
                Alias(credential, "arn", arn),
                *_about(credential, arn, "arn"),
            ]
            yield _item(credential, arn, properties, times, facts)


INVENTORIES: Mapping[str, tuple[Inventory, bool]] = {
    "acm": (acm, True),
    "iam": (iam, False),
    "secretsmanager": (secretsmanager, True),
}
"""Service -> how its credentials are read, and whether each region has its own."""


# -- parts


def _about(credential: EntityRef, arn: str, rule: str) -> list[Fact]:
    """That a credential is of or for a resource, and that this exists."""
    parts = aws_names.parse(arn)
    if parts is None:
        return []
    arn = aws_names.canonical(arn)
    resource = names.cloud_resource(arn)
    properties: dict[str, Value] = {
        "provider": "aws",
        "cloud_id": arn,
        "name": aws_names.resource_name(arn),
        "type": aws_names.resource_type(arn),
        "account_id": parts.account_id,
        "region": parts.region,
    }
    told = {name: value for name, value in properties.items() if value}
    return [
        Entity(resource, told),
        Alias(resource, "arn", arn),
        Relation("ABOUT", credential, resource, {"rule": rule}),
    ]


def _item(
    credential: EntityRef,
    locator: str,
    properties: Mapping[str, Value],
    times: Mapping[str, Instant],
    facts: Sequence[Fact],
    key: str = "",
) -> Item:
    told = {**{k: v for k, v in properties.items() if v}, **{name: rfc3339(at) for name, at in times.items()}}
    since = max((at for name, at in times.items() if name != "expires_at"), default=None)
    return Item(key or locator, [Entity(credential, told), *facts], since, locator)


def _times(told: _Answer, **wanted: str) -> dict[str, Instant]:
    """Property -> the first of these fields that holds a time."""
    found: dict[str, Instant] = {}
    for name, fields in wanted.items():
        at = next((value for f in fields.split() if isinstance(value := told.get(f), datetime)), None)
        if at is not None:
            found[name] = from_datetime(at)
    return found


def _account(caller: Caller, region: str) -> dict[str, Value]:
    return {"account_id": caller.account_id, "region": region}


def _list(page: _Answer, key: str) -> list[_Answer]:
    return cast("list[_Answer]", page.get(key) or [])
