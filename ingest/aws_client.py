"""The one way to AWS: sessions from plain settings, bounded waits and retries, pages that end, and errors that say the remedy.

Whoever reads AWS uses `Aws.call` and `Aws.pages`: they return what botocore parsed, as plain mappings, or raise `SourceUnavailable` or
`SourceDataInvalid`. botocore itself would take an HTML page or a cut answer for an empty one; here that is an error, since an inventory
must not lose what was on a page that never came.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Protocol, cast

from boto3.session import Session  # pyright: ignore[reportMissingTypeStubs]
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]
from botocore.credentials import (  # pyright: ignore[reportMissingTypeStubs]
    RefreshableCredentials,
)
from botocore.session import Session as CoreSession  # pyright: ignore[reportMissingTypeStubs]

from ingest.aws_actions import api_name
from ingest.aws_errors import AnswerBroken, AnswerNotAws, source_error
from ingest.source import SourceUnavailable

MAX_PAGES = 100_000
"""More pages than any collection has: then the other side counts in circles."""
DEFAULT_REGION = "us-east-1"
"""Asked for what is global, when no region is set."""


@dataclass(frozen=True, slots=True)
class AwsAccess:
    """How to get in. Empty fields leave the choice to the SDK: environment, shared files, SSO, instance or container role.

    Attributes:
        profile: profile of the shared configuration files.
        region: region that is asked when a call names none.
        access_key_id: access key, with `secret_access_key`; both or neither.
        secret_access_key: its secret.
        session_token: token of temporary credentials.
        role_arn: role to assume with these credentials; the session is renewed as long as it is used.
        external_id: external id that the role's trust policy asks for.
        endpoint_url: another server that speaks AWS, for every service.
        attempts: how often a call is tried in all.
        connect_timeout_s: longest wait for a connection.
        read_timeout_s: longest wait for an answer.
    """

    profile: str = ""
    region: str = ""
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    role_arn: str = ""
    external_id: str = ""
    endpoint_url: str = ""
    attempts: int = 4
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0


class AwsSettings(Protocol):
    """What the settings of whatever reads AWS have in common."""

    @property
    def profile(self) -> str:
        """Profile of the shared configuration files."""
        ...

    @property
    def region(self) -> str:
        """Region that is asked when a call names none."""
        ...

    @property
    def access_key_id(self) -> str:
        """Access key."""
        ...

    @property
    def secret_access_key(self) -> str:
        """Its secret."""
        ...

    @property
    def session_token(self) -> str:
        """Token of temporary credentials."""
        ...

    @property
    def role_arn(self) -> str:
        """Role to assume."""
        ...

    @property
    def external_id(self) -> str:
        """External id that the role asks for."""
        ...

    @property
    def endpoint_url(self) -> str:
        """Another server that speaks AWS."""
        ...


def access_of(settings: AwsSettings, region: str = "") -> AwsAccess:
    """How settings say to get in. `region`: asked when they name none."""
    return AwsAccess(
        profile=settings.profile,
        region=settings.region or region,
        access_key_id=settings.access_key_id,
        secret_access_key=settings.secret_access_key,
        session_token=settings.session_token,
        role_arn=settings.role_arn,
        external_id=settings.external_id,
        endpoint_url=settings.endpoint_url,
    )


def impatient(access: AwsAccess, timeout_s: float) -> AwsAccess:
    """The same with one attempt a call and no longer waits than this: for what is asked while somebody waits."""
    return replace(access, attempts=1, connect_timeout_s=min(timeout_s, 5.0), read_timeout_s=timeout_s)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who the credentials are: `sts:GetCallerIdentity`, which needs no permission."""

    account_id: str
    arn: str
    partition: str


Response = Mapping[str, object]
"""What botocore parsed: mappings, lists, str, int, float, bool, bytes and aware datetimes."""


class Aws:
    """Clients of one account, made when first used and kept. Not shared between threads or forked processes."""

    def __init__(self, access: AwsAccess) -> None:
        self._access = access
        self._clients: dict[tuple[str, str], _Client] = {}
        self._session: Session | None = None

    @property
    def region(self) -> str:
        """The region asked when a call names none: as set, as the SDK is configured, else `DEFAULT_REGION`."""
        if self._access.region:
            return self._access.region
        with explained("sts", "GetCallerIdentity"):
            return _region(self._opened()) or DEFAULT_REGION

    def caller(self) -> Caller:
        """The account that these credentials belong to. Raises `SourceError`."""
        answer = self.call("sts", "get_caller_identity")
        arn = str(answer.get("Arn", ""))
        return Caller(str(answer.get("Account", "")), arn, arn.split(":")[1] if arn.startswith("arn:") else "aws")

    def call(self, service: str, operation: str, region: str = "", **parameters: object) -> Response:
        """One call: `call("ec2", "describe_regions", AllRegions=False)`; no paging. Raises `SourceError`."""
        with explained(service, api_name(operation)):
            client = self._client(service, region)
            return _method(client, operation)(**parameters)

    def pages(self, service: str, operation: str, region: str = "", **parameters: object) -> Iterator[Response]:
        """Every page of a collection; an operation that has no pages is called once.

        Raises:
            SourceError: a page could not be had. What was yielded before is not the whole collection.
        """
        with explained(service, api_name(operation)):
            client = self._client(service, region)
            if not client.can_paginate(operation):
                yield _method(client, operation)(**parameters)
                return
            seen: set[bytes] = set()
            for page in client.get_paginator(operation).paginate(**parameters):
                mark = _mark(page)
                if mark in seen or len(seen) >= MAX_PAGES:
                    raise SourceUnavailable(
                        f"the pages of {service} {api_name(operation)} go in a circle",
                        "a proxy or an endpoint_url repeats an answer; try again later",
                    )
                seen.add(mark)
                yield page

    def object_body(self, bucket: str, key: str, region: str = "") -> bytes:
        """The bytes of an S3 object. Raises `SourceError`."""
        with explained("s3", "GetObject"):
            return cast(
                "_Body", _method(self._client("s3", region), "get_object")(Bucket=bucket, Key=key)["Body"]
            ).read()

    # -- sessions

    def _client(self, service: str, region: str) -> _Client:
        key = (service, region or self.region)
        if key not in self._clients:
            self._clients[key] = self._new_client(self._opened(), service, key[1])
        return self._clients[key]

    def _opened(self) -> Session:
        if self._session is None:
            access = self._access
            session = Session(
                aws_access_key_id=access.access_key_id or None,
                aws_secret_access_key=access.secret_access_key or None,
                aws_session_token=access.session_token or None,
                region_name=access.region or None,
                profile_name=access.profile or None,
            )
            self._session = self._assumed(session) if access.role_arn else session
        return self._session

    def _assumed(self, session: Session) -> Session:
        access = self._access
        sts = self._new_client(session, "sts", access.region or _region(session) or DEFAULT_REGION)
        external = {"ExternalId": access.external_id} if access.external_id else {}

        def renew() -> Mapping[str, str]:
            with explained("sts", "AssumeRole"):
                answer = _method(sts, "assume_role")(RoleArn=access.role_arn, RoleSessionName="infralore", **external)
            given = cast("Mapping[str, object]", answer["Credentials"])
            return {
                "access_key": str(given["AccessKeyId"]),
                "secret_key": str(given["SecretAccessKey"]),
                "token": str(given["SessionToken"]),
                "expiry_time": str(given["Expiration"]),
            }

        core = CoreSession()
        create = cast("Callable[..., object]", RefreshableCredentials.create_from_metadata)  # pyright: ignore[reportUnknownMemberType]
        # botocore has no public way to hand renewable credentials to a session; its own tests and most tools use this attribute.
        core.__dict__["_credentials"] = create(metadata=renew(), refresh_using=renew, method="sts-assume-role")
        return Session(botocore_session=core, region_name=access.region or _region(session))

    def _new_client(self, session: Session, service: str, region: str) -> _Client:
        access = self._access
        config = Config(
            connect_timeout=access.connect_timeout_s,
            read_timeout=access.read_timeout_s,
            retries={"total_max_attempts": max(access.attempts, 1), "mode": "standard"},
            user_agent_appid="infralore",
        )
        connect = cast("_Connect", session.client)  # pyright: ignore[reportUnknownMemberType] - boto3 has no types
        client = connect(service, endpoint_url=access.endpoint_url or None, region_name=region, config=config)
        client.meta.events.register("before-parse.*", _check_answer)
        return client


@contextmanager
def explained(service: str, operation: str) -> Generator[None, None, None]:
    """Turn the SDK's errors into `SourceUnavailable` and `SourceDataInvalid`, with the remedy."""
    try:
        yield
    except Exception as error:
        ours = source_error(error, service, operation)
        if ours is None:
            raise
        raise ours from None


# -- answers


def _check_answer(operation_model: _Operation, response_dict: Mapping[str, object], **_: object) -> None:
    """Before botocore parses a good answer: is it one? A broken JSON body would be parsed as an answer that says nothing."""
    if response_dict.get("status_code") != 200 or operation_model.has_streaming_output:
        return
    body = response_dict.get("body")
    if not isinstance(body, bytes):
        return
    start = body[:512].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        raise AnswerNotAws
    protocol = operation_model.service_model.resolved_protocol
    if not body.strip():
        if operation_model.http.get("method") != "HEAD" and _says_something(operation_model):
            raise AnswerBroken
    elif protocol in ("json", "rest-json") and not _holds_payload(operation_model):
        try:
            json.loads(body)
        except ValueError:
            raise AnswerBroken from None


def _says_something(operation: _Operation) -> bool:
    shape = operation.output_shape
    return shape is not None and any("location" not in m.serialization for m in shape.members.values())


def _holds_payload(operation: _Operation) -> bool:
    # The body is one member as it is (a text, a blob), not a document.
    shape = operation.output_shape
    return shape is not None and "payload" in shape.serialization


def _mark(page: Response) -> bytes:
    rest = {k: v for k, v in page.items() if k != "ResponseMetadata"}
    return blake2b(repr(rest).encode("utf-8", "surrogatepass"), digest_size=16).digest()


# -- what is used of botocore, which has no types


class _Body(Protocol):
    def read(self) -> bytes: ...


class _Paginator(Protocol):
    def paginate(self, **parameters: object) -> Iterator[Response]: ...


class _Events(Protocol):
    def register(self, event_name: str, handler: Callable[..., None]) -> None: ...


class _Meta(Protocol):
    events: _Events


class _Client(Protocol):
    meta: _Meta

    def can_paginate(self, operation_name: str) -> bool: ...

    def get_paginator(self, operation_name: str) -> _Paginator: ...


class _Connect(Protocol):
    def __call__(self, service: str, *, endpoint_url: str | None, region_name: str, config: Config) -> _Client: ...


class _Shape(Protocol):
    serialization: Mapping[str, object]
    members: Mapping[str, _Shape]


class _Service(Protocol):
    resolved_protocol: str


class _Operation(Protocol):
    name: str
    http: Mapping[str, object]
    service_model: _Service
    output_shape: _Shape | None
    has_streaming_output: bool


def _region(session: Session) -> str | None:
    return cast("str | None", session.region_name)  # pyright: ignore[reportUnknownMemberType]


def _method(client: _Client, operation: str) -> Callable[..., Response]:
    return cast("Callable[..., Response]", getattr(client, operation))
