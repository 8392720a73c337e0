"""Messages, edits and files on Slack, by its Web API.

A message carries its key as metadata (https://docs.slack.dev/messaging/message-metadata), a file in its name: so an attempt that died after
Slack took it is found in the channel's history by the next one. The history is read for a window: the last hours, and around each attempt of
which this host's audit log does not know how it ended; what is older, the log tells.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from slack_sdk.errors import SlackApiError

from agent.evidence import inline
from api.errors import OutwardRefused
from api.gateway import FRESH, ActionRequest, Outcome, payload_digest, slug
from api.outward.slack_client import Message, Page, body_of, items, mapping, open_client
from api.outward.slack_client import text as text_at
from api.outward.slack_errors import asking, code_of
from api.outward.slack_limits import Blocks, check_text, read_blocks
from graph.clock import SECOND, Instant

if TYPE_CHECKING:
    from api.outward.settings import SlackSettings

EVENT = "infralore"
"""Type of the metadata that our messages carry; its payload holds `key` and `digest`."""

_BEFORE_S, _AFTER_S = 600, 1_800
"""Around an attempt: two clocks may differ, and a request may hang."""
_PAGE = 200
_MOST_PAGES = 50
_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{6,}")
_USER_ID = re.compile(r"@?([UW][A-Z0-9]{6,})")
_TS = re.compile(r"\d{1,12}\.\d{1,6}")

Tried = Callable[[ActionRequest], Sequence[Instant]]


class SlackPerformer:
    """`slack.message`, `slack.update` and `slack.file`; target: `#channel`, a channel's id, or a person's id (a direct message).

    Payload of a message: text (what notifications show), blocks (JSON), thread_ts, fresh (`api.gateway.FRESH`). Of an update: text, blocks, and
    the ts of a message of ours, else that of the same key is meant. Of a file: title, text (the comment above it), alt_text, thread_ts; `files` are
    what is uploaded.
    """

    sight = "window"

    def __init__(self, given: SlackSettings, tried: Tried | None = None) -> None:
        self._client = open_client(given.token, given.base_url, given.timeout_s)
        self._window_s = given.window_h * 3_600
        self._tried: Tried = tried or _never
        self._channels: dict[str, str] = {}
        self._self: tuple[str, str, str] | None = None

    def find(self, request: ActionRequest) -> Outcome | None:
        """The message or file of this key in the window. An update that names its message is not looked for: to edit twice alike is to edit once."""
        _check(request)
        if (request.action == "slack.update" and request.payload.get("ts")) or self._is_first(request):
            return None
        with asking(request.target):
            channel = self._channel(request.target)
            for message in self._messages(request, channel):
                if self._is_ours(message) and (found := self._recognised(request, channel, message)) is not None:
                    return found
        return None

    def perform(self, request: ActionRequest, found: Outcome | None) -> Outcome:
        """Post it, or edit what was found."""
        text, blocks = _check(request)
        with asking(request.target):
            channel = self._channel(request.target)
            self._me()  # what is asked after the write could fail, and hide that it was written
            if request.action == "slack.file":
                return self._upload(request, channel)
            metadata: dict[str, object] = {
                "event_type": EVENT,
                "event_payload": {"key": request.key, "digest": payload_digest(request)},
            }
            if request.action == "slack.update" or found is not None:
                ts = request.payload.get("ts") or (found.id if found is not None else "")
                if not ts:
                    raise OutwardRefused(
                        f"no message of this key is found in {inline(request.target, 80)}",
                        "give its ts, or post it first",
                    )
                self._client.chat_update(channel=channel, ts=ts, text=text, blocks=blocks, metadata=metadata)
                return Outcome("done", ts, self._url(channel, ts), f"edited the message in {request.target}")
            thread = request.payload.get("thread_ts") or None
            answer = self._client.chat_postMessage(
                channel=channel,
                text=text,
                blocks=blocks or None,
                thread_ts=thread,
                metadata=metadata,
                unfurl_links=False,
                unfurl_media=False,
            )
            ts = text_at(body_of(answer), "ts")
            return Outcome("done", ts, self._url(channel, ts, thread), f"posted to {request.target}")

    def _upload(self, request: ActionRequest, channel: str) -> Outcome:
        title, alt = request.payload.get("title", ""), request.payload.get("alt_text", "")
        uploads: list[dict[str, object]] = [
            {
                "content": content,
                "filename": _file_name(request, name),
                "title": title or name,
                "alt_txt": alt or title or name,
            }
            for name, content in sorted(request.files.items())
            if content is not None
        ]
        answer = self._client.files_upload_v2(
            file_uploads=uploads,
            channel=channel,
            initial_comment=request.payload.get("text") or None,
            thread_ts=request.payload.get("thread_ts") or None,
        )
        empty: Message = {}
        first = (*items(body_of(answer), "files"), empty)[0]
        return Outcome("done", text_at(first, "id"), text_at(first, "permalink"), f"uploaded to {request.target}")

    # -- what is there

    def _recognised(self, request: ActionRequest, channel: str, message: Message) -> Outcome | None:
        ts = text_at(message, "ts")
        if request.action == "slack.file":
            stems = {_file_stem(request, name): _file_name(request, name) for name in request.files}
            for file in items(message, "files"):
                name = text_at(file, "name")
                stem = name.rpartition("-")[0]
                if stem in stems:
                    here = Outcome(
                        "already",
                        text_at(file, "id"),
                        text_at(file, "permalink"),
                        f"it was uploaded to {request.target} already",
                    )
                    if stems[stem] == name:
                        return here
                    return Outcome(
                        "refused",
                        here.id,
                        here.url,
                        "it was uploaded already and a file cannot be replaced; what differs needs a key of its own",
                    )
            return None
        metadata = mapping(message, "metadata")
        payload = mapping(metadata, "event_payload")
        if metadata.get("event_type") != EVENT or payload.get("key") != request.key:
            return None
        same = payload.get("digest") == payload_digest(request)
        url = self._url(channel, ts, request.payload.get("thread_ts") or None)
        return Outcome(
            "already" if same else "done", ts, url, f"it was posted to {request.target} already" if same else ""
        )

    def _is_first(self, request: ActionRequest) -> bool:
        """Whether who asks says that it is the first attempt, and this host's log, which holds the one under way, knows no other."""
        return request.payload.get(FRESH) == "yes" and len(self._tried(request)) == 1

    def _messages(self, request: ActionRequest, channel: str) -> Iterator[Message]:
        """The messages of the channel, or of the thread, in the windows."""
        now = time.time()
        recent = now - self._window_s
        around = [t / SECOND for t in self._tried(request)]
        windows = [(recent, None), *((t - _BEFORE_S, t + _AFTER_S) for t in around if t - _BEFORE_S < recent)]
        for oldest, latest in windows:
            yield from self._history(channel, request.payload.get("thread_ts", ""), oldest, latest)

    def _history(self, channel: str, thread: str, oldest: float, latest: float | None) -> Iterator[Message]:
        page: Page = {
            "channel": channel,
            "oldest": f"{oldest:.6f}",
            "latest": None if latest is None else f"{latest:.6f}",
            "limit": _PAGE,
            "cursor": None,
            "include_all_metadata": True,
        }
        for _ in range(_MOST_PAGES):
            client = self._client
            answer = client.conversations_replies(ts=thread, **page) if thread else client.conversations_history(**page)
            body = body_of(answer)
            yield from items(body, "messages")
            page["cursor"] = text_at(mapping(body, "response_metadata"), "next_cursor") or None
            if page["cursor"] is None:
                return

    # -- who and where

    def _me(self) -> tuple[str, str, str]:
        """The bot's id, its user's id, and the workspace's address."""
        if self._self is None:
            body = body_of(self._client.auth_test())
            self._self = (text_at(body, "bot_id"), text_at(body, "user_id"), text_at(body, "url"))
        return self._self

    def _is_ours(self, message: Message) -> bool:
        """Metadata alone could be another app's."""
        bot, user, _ = self._me()
        return (bool(bot) and message.get("bot_id") == bot) or (bool(user) and message.get("user") == user)

    def _url(self, channel: str, ts: str, thread: str | None = None) -> str:
        base = self._me()[2]
        within = f"?thread_ts={thread}&cid={channel}" if thread else ""
        return (
            f"{base.rstrip('/')}/archives/{channel}/p{ts.replace('.', '')}{within}"
            if base.startswith("https://")
            else ""
        )

    def _channel(self, target: str) -> str:
        """The id of a channel by its name, of a person's direct messages by the person's id."""
        if _CHANNEL_ID.fullmatch(target):
            return target
        if target not in self._channels:
            user = _USER_ID.fullmatch(target)
            if user is not None:
                opened = body_of(self._client.conversations_open(users=[user[1]]))
                self._channels[target] = text_at(mapping(opened, "channel"), "id")
            else:
                self._channels[target] = self._named(target.removeprefix("#"))
        return self._channels[target]

    def _named(self, name: str) -> str:
        try:
            return self._listed(name, "public_channel,private_channel")
        except SlackApiError as error:
            if code_of(error) != "missing_scope":
                raise
        return self._listed(name, "public_channel")

    def _listed(self, name: str, types: str) -> str:
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            body = body_of(
                self._client.conversations_list(types=types, exclude_archived=True, limit=_PAGE, cursor=cursor)
            )
            for channel in items(body, "channels"):
                if channel.get("name") == name:
                    return text_at(channel, "id")
            cursor = text_at(mapping(body, "response_metadata"), "next_cursor") or None
            if cursor is None:
                break
        raise OutwardRefused(
            f"Slack shows the bot no channel #{inline(name, 80)}",
            "check the name; a private channel is seen by its members alone: /invite the bot, or name the channel's id",
        )


def _never(request: ActionRequest) -> Sequence[Instant]:
    del request
    return ()


def _check(request: ActionRequest) -> tuple[str, Blocks]:
    """Text and blocks, within Slack's limits. Raises `OutwardRefused`."""
    payload = request.payload
    text = payload.get("text", "")
    check_text(text)
    blocks = read_blocks(payload.get("blocks", ""))
    for name in ("ts", "thread_ts"):
        given = payload.get(name, "")
        if given and not _TS.fullmatch(given):
            raise OutwardRefused(f"`{name}` is no message's ts", "give it as Slack does: 1700000000.000100")
    if request.action == "slack.file":
        if not any(request.files.values()):
            raise OutwardRefused("there is no file to upload", "give one that is not empty")
    elif not text.strip():
        raise OutwardRefused("a message needs a text, also beside blocks: notifications show it", "give one")
    return text, blocks


def _file_stem(request: ActionRequest, name: str) -> str:
    return f"{PurePosixPath(name).stem}-{slug(request.key)}"


def _file_name(request: ActionRequest, name: str) -> str:
    """`cost.png` of key `weekly-40` -> `cost-weekly-40-1a2b3c4d.png`: by this it is found again; people see the title."""
    return f"{_file_stem(request, name)}-{payload_digest(request)[:8]}{PurePosixPath(name).suffix}"
