"""The Web API through slack_sdk: calls, pages, and what each failure means.

Errors: https://docs.slack.dev/apis/web-api/rate-limits and the `error` values of each method.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from typing import TypeVar, cast

import msgspec
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import WebClient

from ingest.http import PageGuard, error_for, retry_after_s, unreachable
from ingest.source import SourceDataInvalid, SourceError, SourceUnavailable
from ingest.sources.slack.payloads import Channel, User
from ingest.sources.slack.settings import SlackSettings

PAGE_ITEMS = 200
"""As many as Slack recommends."""

_TOKEN_ERRORS = frozenset(
    {
        *("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "no_permission"),
        *("not_allowed_token_type", "org_login_required", "team_access_not_granted", "two_factor_setup_required"),
    }
)
_TRANSIENT_ERRORS = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org", "accesslimited"}
)
_CHANNEL_ERRORS = frozenset(
    {
        *("not_in_channel", "channel_not_found", "thread_not_found", "missing_charset", "is_archived", "access_denied"),
        *("method_not_supported_for_channel_type", "fetch_members_failed", "enterprise_is_restricted"),
    }
)
_ERROR_NAME = re.compile(r"[a-z][a-z0-9_]{1,80}")

_T = TypeVar("_T")


class ChannelRefused(Exception):
    """This channel or thread cannot be read; others can. `reason` is Slack's word for it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Metadata(msgspec.Struct, frozen=True):
    next_cursor: str | None = None


class _Page(msgspec.Struct, frozen=True):
    members: list[object] | None = None
    channels: list[object] | None = None
    messages: list[object] | None = None
    has_more: bool | None = None
    response_metadata: _Metadata | None = None


class WebApi:
    """Reads one workspace. Nothing is tried again here: `ingest.sync` does that."""

    def __init__(self, settings: SlackSettings) -> None:
        """Raises `SourceDataInvalid` when the token cannot be sent or the address is none."""
        if not settings.token.isascii() or not settings.token.isprintable() or " " in settings.token.strip():
            raise SourceDataInvalid(
                "Slack: the token holds characters that cannot be sent", "set it again, without line breaks and quotes"
            )
        if not settings.base_url.lower().startswith(("https://", "http://")):
            raise SourceDataInvalid("Slack: the base address is not an http(s) URL", "write it as https://host/api/")
        # slack_sdk writes answers into its log; they may hold what not everybody may read.
        log = logging.Logger("infralore.slack", level=logging.CRITICAL + 1)
        self._client = WebClient(
            settings.token,
            base_url=settings.base_url,
            timeout=max(1, round(settings.timeout_s)),
            logger=log,
            retry_handlers=[],
        )

    def users(self) -> list[User]:
        """Everybody, those who left and apps included."""
        return [
            user
            for page in self._pages("users.list", {})
            for item in page.members or ()
            if (user := _shaped(item, User)) is not None
        ]

    def channels(self, types: str) -> list[Channel]:
        """The conversations of these kinds that the app can see, archived ones included."""
        return [
            channel
            for page in self._pages("conversations.list", {"types": types, "exclude_archived": "false"})
            for item in page.channels or ()
            if (channel := _shaped(item, Channel)) is not None
        ]

    def members(self, channel_id: str) -> list[str]:
        """The ids of a channel's members. Raises `ChannelRefused`."""
        return [
            item
            for page in self._pages("conversations.members", {"channel": channel_id})
            for item in page.members or ()
            if isinstance(item, str)
        ]

    def history(self, channel_id: str, oldest: str, latest: str) -> Iterator[list[object]]:
        """The messages of a channel without replies, page by page, newest first: from `oldest` on and before `latest`, where given.

        Raises `ChannelRefused`.
        """
        arguments = {"channel": channel_id, "inclusive": "false"}
        arguments |= {"oldest": oldest} if oldest else {}
        arguments |= {"latest": latest} if latest else {}
        for page in self._pages("conversations.history", arguments):
            yield page.messages or []

    def replies(self, channel_id: str, thread_ts: str) -> list[object]:
        """A thread, its first message included. Raises `ChannelRefused`."""
        pages = self._pages("conversations.replies", {"channel": channel_id, "ts": thread_ts})
        return [item for page in pages for item in page.messages or ()]

    def _pages(self, method: str, arguments: Mapping[str, str]) -> Iterator[_Page]:
        guard = PageGuard(f"Slack, {method}")
        cursor = ""
        while True:
            guard.enter(cursor)
            page = self._call(method, {**arguments, "limit": str(PAGE_ITEMS)} | ({"cursor": cursor} if cursor else {}))
            yield page
            cursor = (page.response_metadata.next_cursor if page.response_metadata is not None else None) or ""
            if not cursor:
                if page.has_more:
                    raise SourceUnavailable(
                        f"Slack, {method}: the list is cut off: there is more, but no next page", "try again later"
                    )
                return

    def _call(self, method: str, arguments: Mapping[str, str]) -> _Page:
        what = f"Slack, {method}"
        try:
            data = _data(self._client.api_call(method, params=dict(arguments)))  # pyright: ignore[reportUnknownMemberType]
        except SlackApiError as error:
            raise _meaning(error, what) from None
        except (OSError, HTTPException) as error:
            raise unreachable(error, what) from None
        except (SlackClientError, ValueError, AttributeError, TypeError, RecursionError):
            raise _not_slack(what) from None
        try:
            return msgspec.convert(data, _Page)
        except msgspec.ValidationError:
            raise _not_slack(what) from None


def _data(response: object) -> object:
    """The body of slack_sdk's response, whose type it does not say in full."""
    return cast("object", getattr(response, "data", None))


def _meaning(error: SlackApiError, what: str) -> SourceError | ChannelRefused:
    # slack_sdk does not say of what type its response is.
    response = cast("object", error.response)  # pyright: ignore[reportUnknownMemberType]
    status = cast("int", getattr(response, "status_code", 0))
    headers = {str(k): str(v) for k, v in cast("Mapping[object, object]", getattr(response, "headers", {})).items()}
    data = _data(response)
    told = cast("Mapping[str, object]", data) if isinstance(data, dict) else dict[str, object]()
    name = str(told.get("error", ""))
    wait_s = retry_after_s(headers)
    if status == 429 or name in ("ratelimited", "rate_limited"):
        return SourceUnavailable(
            f"{what}: the rate limit is reached", "nothing to do: the next run goes on where this one stopped", wait_s
        )
    if _ERROR_NAME.fullmatch(name) is None:
        return _no_answer(status, headers, what, wait_s, unreadable=bool(name))
    if name in _TOKEN_ERRORS:
        return SourceDataInvalid(
            f"{what}: the token is expired, revoked or not valid ({name})",
            "install the app into the workspace again and set its new token",
        )
    if name == "missing_scope":
        needed = str(told.get("needed", "")) or "what the source's page lists"
        return SourceDataInvalid(
            f"{what}: the app lacks the scope {needed}",
            f"add {needed} under OAuth & Permissions and install the app again, or leave that kind out of `types`",
        )
    if name in _TRANSIENT_ERRORS:
        return SourceUnavailable(f"{what}: the server answers {name}", "try again later", wait_s)
    if name in _CHANNEL_ERRORS:
        return ChannelRefused(name)
    return SourceDataInvalid(f"{what}: the server refuses the request ({name})", "check the settings of the source")


def _no_answer(
    status: int, headers: Mapping[str, str], what: str, wait_s: float | None, *, unreadable: bool
) -> SourceError:
    if status >= 300:
        return error_for(status, what, retry_after_s=wait_s)
    kinds = [value for name, value in headers.items() if name.lower() == "content-type"]
    # What is no JSON, slack_sdk puts into words of its own.
    if unreadable and kinds and "json" in kinds[0].lower():
        return SourceUnavailable(f"{what}: the answer is cut off", "try again; a proxy may cut long answers")
    return _not_slack(what)


def _not_slack(what: str) -> SourceDataInvalid:
    return SourceDataInvalid(
        f"{what}: the answer is not that of Slack's API",
        "check `base_url`; a login page or a proxy may stand in front of it",
    )


def _shaped(item: object, shape: type[_T]) -> _T | None:
    try:
        return msgspec.convert(item, shape)
    except msgspec.ValidationError:
        return None
