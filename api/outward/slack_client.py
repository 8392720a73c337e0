"""Slack's Web API as far as it is used here, with types; the SDK's client has every one of these methods."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol, TypedDict, Unpack, cast

from slack_sdk import WebClient

Message = Mapping[str, object]


class Answer(Protocol):
    """What a method answers."""

    @property
    def data(self) -> object:
        """The JSON body."""
        ...


class Page(TypedDict):
    """Which messages of a channel, or of a thread, are asked for."""

    channel: str
    oldest: str
    latest: str | None
    limit: int
    cursor: str | None
    include_all_metadata: bool


class Client(Protocol):
    """https://docs.slack.dev/reference/methods"""

    def auth_test(self) -> Answer: ...  # noqa: D102

    def conversations_open(self, *, users: Sequence[str]) -> Answer: ...  # noqa: D102

    def conversations_list(self, *, types: str, exclude_archived: bool, limit: int, cursor: str | None) -> Answer: ...  # noqa: D102

    def conversations_history(self, **page: Unpack[Page]) -> Answer: ...  # noqa: D102

    def conversations_replies(self, *, ts: str, **page: Unpack[Page]) -> Answer: ...  # noqa: D102

    def chat_postMessage(  # noqa: D102
        self,
        *,
        channel: str,
        text: str,
        blocks: Sequence[dict[str, object]] | None,
        thread_ts: str | None,
        metadata: dict[str, object],
        unfurl_links: bool,
        unfurl_media: bool,
    ) -> Answer: ...

    def chat_update(  # noqa: D102
        self, *, channel: str, ts: str, text: str, blocks: Sequence[dict[str, object]], metadata: dict[str, object]
    ) -> Answer: ...

    def files_upload_v2(  # noqa: D102
        self, *, file_uploads: list[dict[str, object]], channel: str, initial_comment: str | None, thread_ts: str | None
    ) -> Answer: ...


def open_client(token: str, base_url: str, timeout_s: int) -> Client:
    """A client without retries of its own: it would repeat a message whose answer was lost, and post twice."""
    silent = logging.getLogger("infralore.slack")
    silent.setLevel(logging.CRITICAL)  # it would write its own lines about what is raised anyway
    url = base_url if base_url.endswith("/") else base_url + "/"
    return cast("Client", WebClient(token, url, timeout=timeout_s, retry_handlers=[], logger=silent))


def body_of(answer: Answer) -> Message:
    """The answer's JSON object; empty when it is none."""
    body = answer.data
    return cast("Message", body) if isinstance(body, Mapping) else {}


def mapping(value: Message, key: str) -> Message:
    """The object under a key; empty when there is none."""
    found = value.get(key)
    return cast("Message", found) if isinstance(found, Mapping) else {}


def items(value: Message, key: str) -> list[Message]:
    """The objects in the list under a key."""
    found = value.get(key)
    if not isinstance(found, list):
        return []
    return [cast("Message", one) for one in cast("list[object]", found) if isinstance(one, Mapping)]


def text(value: Message, key: str) -> str:
    """The text under a key; empty when there is none."""
    found = value.get(key)
    return found if isinstance(found, str) else ""
