"""CloudTrail records as they are logged.

Format: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import msgspec

Fields = Mapping[str, object]
"""An object of a record whose shape is the called service's, names in lower case (`lowered`)."""


class SessionIssuer(msgspec.Struct, rename="camel"):
    """The role or user that a session's credentials come from."""

    type: str | None = None
    arn: str | None = None
    user_name: str | None = None
    account_id: str | None = None


class WebIdFederation(msgspec.Struct, rename="camel"):
    """The identity provider that a session's credentials were asked for with."""

    federated_provider: str | None = None


class SessionContext(msgspec.Struct, rename="camel"):
    """How a session came about."""

    session_issuer: SessionIssuer | None = None
    web_id_federation_data: WebIdFederation | None = None
    source_identity: str | None = None
    ec2_role_delivery: str | None = None


class OnBehalfOf(msgspec.Struct, rename="camel"):
    """The user of an identity center."""

    user_id: str | None = None
    identity_store_arn: str | None = None


class UserIdentity(msgspec.Struct, rename="camel"):
    """Who called. Fields: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html"""

    type: str | None = None
    arn: str | None = None
    account_id: str | None = None
    user_name: str | None = None
    principal_id: str | None = None
    access_key_id: str | None = None
    invoked_by: str | None = None
    identity_provider: str | None = None
    session_context: SessionContext | None = None
    on_behalf_of: OnBehalfOf | None = None


class LoggedResource(msgspec.Struct):
    """A resource that the record names itself; both spellings of its ARN occur."""

    ARN: str | None = None
    arn: str | None = None
    type: str | None = None


class Record(msgspec.Struct, rename="camel"):
    """One call. Only what is read of it; everything else is ignored."""

    event_id: str = msgspec.field(name="eventID")
    event_time: str
    event_name: str
    event_source: str
    user_identity: UserIdentity | None = None
    aws_region: str | None = None
    source_ip_address: str | None = msgspec.field(name="sourceIPAddress", default=None)
    user_agent: str | None = None
    error_code: str | None = None
    request_parameters: object = None
    response_elements: object = None
    resources: list[LoggedResource] | None = None
    event_type: str | None = None
    event_category: str | None = None
    management_event: bool | None = None
    read_only: bool | str | None = None
    recipient_account_id: str | None = None
    session_credential_from_console: str | bool | None = None

    @property
    def account_id(self) -> str:
        """The account that the call was made in."""
        identity = self.user_identity
        return self.recipient_account_id or (identity.account_id if identity is not None else None) or ""

    @property
    def region(self) -> str:
        """The region of the endpoint that was called."""
        return self.aws_region or ""

    @property
    def service(self) -> str:
        """`elasticloadbalancing` of `elasticloadbalancing.amazonaws.com`."""
        return self.event_source.partition(".")[0]


def read_record(data: object) -> Record:
    """The record in decoded JSON. Raises `msgspec.ValidationError` when it is none."""
    return msgspec.convert(data, Record, strict=False)


def lowered(value: object) -> Fields:
    """An object with its names, at every depth, in lower case: CloudTrail writes `groupId`, `GroupId` and `dBInstanceArn`, `aRN`.

    Anything else than an object is an empty one.
    """
    found = _lowered(value)
    return cast("Fields", found) if isinstance(found, dict) else {}


def _lowered(value: object) -> object:
    if isinstance(value, dict):
        return {str(k).lower(): _lowered(v) for k, v in cast("dict[object, object]", value).items()}
    if isinstance(value, list):
        return [_lowered(item) for item in cast("list[object]", value)]
    return value


def items(told: object) -> list[Fields]:
    """The objects of a list, wrapped in `items` or not."""
    if isinstance(told, dict):
        told = cast("dict[str, object]", told).get("items")
    if not isinstance(told, list):
        return []
    return [cast("Fields", item) for item in cast("list[object]", told) if isinstance(item, dict)]


def obj(told: object) -> Fields:
    """An object as it is, or an empty one."""
    return cast("Fields", told) if isinstance(told, dict) else {}


def text(fields: Fields, key: str) -> str:
    """A text, or an empty one."""
    found = fields.get(key)
    return found if isinstance(found, str) else ""


def part(fields: object, *names: str) -> object:
    """What stands under these names, each looked for without regard to case; None when there is nothing."""
    for name in names:
        found = obj(fields)
        fields = next((value for key, value in found.items() if key.lower() == name.lower()), None)
    return fields
