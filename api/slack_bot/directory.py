"""Who somebody is and what a channel is, looked up by the Web API. Only methods that read are ever called with this token."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from threading import Lock
from typing import Protocol, TypeVar, cast

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import WebClient

METHODS = frozenset(
    {"auth.test", "users.info", "users.list", "users.conversations", "conversations.info", "conversations.members"}
)
"""All that this token is used for."""
KEPT_S = 60.0
"""How long a look-up holds: who left a channel a minute ago may still be counted as in it."""
PEOPLE_KEPT_S = 600.0
_MOST_MEMBERS = 5_000
_MOST_PEOPLE = 20_000
_PAGE = 200
_MOST_KEPT = 5_000

_CODE = re.compile(r"[a-z][a-z_]{1,60}")

T = TypeVar("T")


class _Answer(Protocol):
    @property
    def data(self) -> object: ...


class _Api(Protocol):
    def api_call(self, api_method: str, *, params: dict[str, str]) -> _Answer: ...


class Unknown(Exception):
    """Slack does not tell, or cannot be reached; then nothing is assumed. `str` is Slack's word for it."""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody: `human` members of this workspace count, guests see only what is opened to them."""

    id: str
    name: str
    human: bool
    guest: bool
    stranger: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A channel: `direct` is a conversation with one person."""

    id: str
    private: bool
    direct: bool
    shared: bool


@dataclass(frozen=True, slots=True)
class Self:
    """The bot in its workspace."""

    user_id: str
    bot_id: str
    team_id: str
    team: str


@dataclass(slots=True)
class Directory:
    """Look-ups with a short memory; usable from any thread."""

    token: str = field(repr=False)
    base_url: str
    timeout_s: int = 10
    clock: Callable[[], float] = time.monotonic
    _kept: dict[tuple[str, str], tuple[float, object]] = field(
        default_factory=dict[tuple[str, str], tuple[float, object]]
    )
    _lock: Lock = field(default_factory=Lock)
    _client: WebClient | None = None

    def me(self) -> Self:
        """Who the token belongs to. Raises `Unknown`."""

        def look() -> Self:
            body = self._call("auth.test", {})
            return Self(_text(body, "user_id"), _text(body, "bot_id"), _text(body, "team_id"), _text(body, "team"))

        return self._remembered("me", "", look, 86_400)

    def member(self, user: str) -> Member:
        """A user. Raises `Unknown`."""
        return self._remembered(
            "user", user, lambda: self._member(_map(self._call("users.info", {"user": user}), "user")), KEPT_S
        )

    def place(self, channel: str) -> Place:
        """A channel. Raises `Unknown`."""

        def look() -> Place:
            found = _map(self._call("conversations.info", {"channel": channel}), "channel")
            shared = any(found.get(k) is True for k in ("is_ext_shared", "is_pending_ext_shared", "is_org_shared"))
            direct = found.get("is_im") is True
            private = direct or any(found.get(k) is True for k in ("is_private", "is_mpim", "is_group"))
            return Place(channel, private, direct, shared)

        return self._remembered("channel", channel, look, KEPT_S)

    def has_outsiders(self, channel: str) -> bool:
        """Whether a guest or somebody of another workspace is in the channel; also when there are too many to tell. Raises `Unknown`."""

        def look() -> bool:
            members = self._pages("conversations.members", {"channel": channel}, "members", _MOST_MEMBERS)
            if members is None:
                return True
            insiders = self._remembered("insiders", "", self._insiders, PEOPLE_KEPT_S)
            missing = [str(m) for m in members if str(m) not in insiders]
            # Who joined since the list was read is looked up one by one; bots see nothing that a person would not be shown.
            return len(missing) > 20 or any(self._is_outsider(m) for m in missing)

        return self._remembered("outsiders", channel, look, KEPT_S)

    def private_channels_of(self, user: str) -> frozenset[str]:
        """Private channels that both this person and the bot are in. Raises `Unknown`."""

        def look() -> frozenset[str]:
            given = {"user": user, "types": "private_channel,mpim", "exclude_archived": "false"}
            found = self._pages("users.conversations", given, "channels", _MOST_MEMBERS)
            return frozenset(
                _text(cast("Mapping[str, object]", c), "id") for c in found or () if isinstance(c, Mapping)
            )

        return self._remembered("private", user, look, KEPT_S)

    def _is_outsider(self, user: str) -> bool:
        found = self.member(user)
        return found.human and (found.guest or found.stranger)

    def _insiders(self) -> frozenset[str]:
        """Everybody who is no guest and no stranger, bots included."""
        found = self._pages("users.list", {}, "members", _MOST_PEOPLE) or ()
        people = [self._member(cast("Mapping[str, object]", m)) for m in found if isinstance(m, Mapping)]
        return frozenset(p.id for p in people if not (p.guest or p.stranger))

    def _member(self, found: Mapping[str, object]) -> Member:
        flag = {k for k, v in found.items() if v is True}
        profile = _map(found, "profile")
        name = _text(profile, "real_name") or _text(found, "real_name") or _text(found, "name")
        team = _text(found, "team_id")
        return Member(
            id=_text(found, "id"),
            name=name,
            human=not flag & {"is_bot", "deleted", "is_workflow_bot"} and _text(found, "id") != "USLACKBOT",
            guest=bool(flag & {"is_restricted", "is_ultra_restricted"}),
            stranger="is_stranger" in flag or (bool(team) and team != self.me().team_id),
        )

    # -- calls

    def _pages(self, method: str, given: Mapping[str, str], key: str, most: int) -> list[object] | None:
        """All items; None when there are more than `most`."""
        found: list[object] = []
        cursor = ""
        while len(found) <= most:
            body = self._call(method, {**given, "limit": str(_PAGE), **({"cursor": cursor} if cursor else {})})
            page = body.get(key)
            found += cast("list[object]", page) if isinstance(page, list) else []
            following = _text(_map(body, "response_metadata"), "next_cursor")
            if not following or following == cursor:
                return found
            cursor = following
        return None

    def _call(self, method: str, given: Mapping[str, str]) -> Mapping[str, object]:
        if method not in METHODS:
            raise ValueError(f"{method} is no look-up")
        with self._lock:
            if self._client is None:
                # slack_sdk writes answers into its log; they may hold what not everybody may read.
                log = logging.Logger("infralore.slack", level=logging.CRITICAL + 1)
                url = self.base_url if self.base_url.endswith("/") else self.base_url + "/"
                self._client = WebClient(self.token, url, timeout=self.timeout_s, logger=log)
            client = self._client
        try:
            body = cast("_Api", client).api_call(method, params=dict(given)).data
        except SlackApiError as error:
            data = cast("_Answer", error.response).data
            told = _text(cast("Mapping[str, object]", data), "error") if isinstance(data, Mapping) else ""
            # An answer that is none of Slack's (a proxy's page) comes with its text.
            raise Unknown(told if _CODE.fullmatch(told) else "error") from None
        except (SlackClientError, OSError, HTTPException, ValueError) as error:
            raise Unknown(type(error).__name__) from None
        return cast("Mapping[str, object]", body) if isinstance(body, Mapping) else {}

    def _remembered(self, sort: str, key: str, look: Callable[[], T], for_s: float) -> T:
        now = self.clock()
        with self._lock:
            kept = self._kept.get((sort, key))
            if kept is not None and kept[0] > now:
                return cast("T", kept[1])
        found = look()
        with self._lock:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[sort, key] = (now + for_s, found)
        return found


def _text(value: Mapping[str, object], key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""


def _map(value: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = value.get(key)
    return cast("Mapping[str, object]", found) if isinstance(found, Mapping) else {}
