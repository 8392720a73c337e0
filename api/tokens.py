"""Who may ask: API tokens with scopes, an audience and an end. Only the SHA-256 of a token is kept, in `lore.yaml`."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias, cast, get_args

import msgspec
from fastapi import Request

from api.errors import SettingsError
from api.limits import Buckets
from api.problems import Problem
from api.wiring import Engine
from graph.clock import Instant, instant
from graph.model import PUBLIC

Scope: TypeAlias = Literal["ask", "investigate", "read", "drift", "cost", "digest"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[\w .@/-]{1,80}")


class TokenSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One token, as `lore.yaml` has it."""

    name: str
    sha256: str
    scopes: tuple[Scope, ...] = SCOPES
    audience: tuple[str, ...] = (PUBLIC,)
    until: str | None = None


class ApiSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`api:` in `lore.yaml`.

    Attributes:
        tokens: who may ask. Without any, only this machine may, and sees what everybody may see.
        requests_per_minute, burst: for each token.
        hosts: names under which the server may be called, beside localhost; with any, no other `Host` is answered.
        investigations_at_once, investigations_waiting: how many run, and how many wait for that.
        ask_workers: processes that answer questions; 0 answers in the server's own.
        alert_same_within_minutes: alerts of one service within this time are one storm, investigated once.
    """

    tokens: tuple[TokenSettings, ...] = ()
    requests_per_minute: float = 600
    burst: int = 120
    hosts: tuple[str, ...] = ()
    investigations_at_once: int = 2
    investigations_waiting: int = 200
    ask_workers: int | None = None
    alert_same_within_minutes: float = 15


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a token's name, what it may do and what it may see."""

    name: str
    scopes: frozenset[str]
    audience: frozenset[str]
    everything: Engine

    @property
    def engine(self) -> Engine:
        """The engine that sees what the caller may see. Opens the store, so not for the event loop."""
        return self.everything.reading_as(self.audience)


def read_api_settings(given: Mapping[str, object]) -> ApiSettings:
    """`api:` of the settings, checked.

    Raises:
        SettingsError: a setting is not known or cannot be meant.
    """
    try:
        settings = msgspec.convert(_plain(given), ApiSettings)
    except msgspec.ValidationError as error:
        raise SettingsError(f"api: {error}", "see docs/api.md for what it may hold") from None
    names: set[str] = set()
    for token in settings.tokens:
        if not _NAME.fullmatch(token.name) or token.name in names:
            raise SettingsError(
                f"api.tokens: {token.name[:80]!r} is not a name, or is used twice", "give each token a name of its own"
            )
        names.add(token.name)
        if not _SHA256.fullmatch(token.sha256):
            raise SettingsError(
                f"api.tokens: sha256 of {token.name} is not 64 hexadecimal digits",
                f"`lore token new {token.name}` prints the lines to paste",
            )
        _end_of(token)
    if settings.requests_per_minute <= 0 or settings.burst < 1:
        raise SettingsError("api: requests_per_minute and burst must be above zero", "leave them out for the defaults")
    if not (0 < settings.investigations_at_once <= 64) or settings.investigations_waiting < 0:
        raise SettingsError(
            "api: investigations_at_once must be 1 to 64, investigations_waiting not below zero",
            "leave them out for the defaults",
        )
    return settings


def new_token() -> tuple[str, str]:
    """A new token, and its SHA-256 in hex."""
    token = "lore_" + secrets.token_urlsafe(32)
    return token, hashlib.sha256(token.encode()).hexdigest()


class Access:
    """Tells who asks, and lets them or not."""

    def __init__(self, settings: ApiSettings, engine: Engine, now: Callable[[], Instant]) -> None:
        self._tokens = [(token, _end_of(token)) for token in settings.tokens]
        self._engine = engine
        self._now = now
        self._buckets = Buckets(settings.requests_per_minute, settings.burst)

    @property
    def open(self) -> bool:
        """Whether no token is needed."""
        return not self._tokens

    def caller(self, request: Request, scope: Scope) -> Caller:
        """Who asks, who may do this.

        Raises:
            Problem: 401 without a token that holds, 403 when it may not, 429 when it asked too often.
        """
        found = self._caller(request)
        if scope not in found.scopes:
            raise Problem(403, f"this token may not do that: it needs the scope {scope}")
        return found

    def _caller(self, request: Request) -> Caller:
        if self.open:
            return Caller("", frozenset(SCOPES), frozenset({PUBLIC}), self._engine)
        sort, _, given = request.headers.get("authorization", "").partition(" ")
        if sort.lower() != "bearer" or not given.strip():
            raise _unknown("a token is needed")
        found = self._token(given.strip())
        if found is None:
            raise _unknown("this token is not known, or has ended")
        self._buckets.demand(found.name)
        return Caller(found.name, frozenset(found.scopes), frozenset(found.audience), self._engine)

    def _token(self, given: str) -> TokenSettings | None:
        """The token that this is; all are compared, each in constant time."""
        digest = hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()
        found: TokenSettings | None = None
        for token, end in self._tokens:
            same = hmac.compare_digest(digest, token.sha256)
            if same and (end is None or self._now() < end):
                found = token
        return found


def needs(scope: Scope) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency of routes: the caller, who may do this. The application keeps its `Access` in its state."""

    async def caller(request: Request) -> Caller:
        return cast(Access, request.app.state.access).caller(request, scope)

    return caller


def _unknown(detail: str) -> Problem:
    return Problem(
        401,
        detail,
        "send it as `Authorization: Bearer …`; `lore token new NAME` makes one",
        headers={"www-authenticate": "Bearer"},
    )


def _end_of(token: TokenSettings) -> Instant | None:
    try:
        return None if token.until is None else instant(token.until)
    except ValueError:
        raise SettingsError(
            f"api.tokens: until of {token.name} is not a time", "write it like 2027-01-01 or 2027-01-01T12:00:00Z"
        ) from None


def _plain(value: object) -> object:
    """What YAML read, with its dates as text again."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in cast("Mapping[object, object]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in cast("list[object]", value)]
    return value
