"""The workspace: its people, channels, messages and files, and what the methods of the Web API do to them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from tests.fake_slack.blocks import Json, check_message, texts_of

BOT, BOT_ID = "U0LOREBOT", "B0LOREBOT"
TEAM = "T0TEALEAF"
URL = "https://acme.slack.example/"
SCOPES = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "users.info": "users:read",
    "users.list": "users:read",
    "users.conversations": "groups:read",
    "conversations.info": "channels:read",
    "conversations.members": "channels:read",
    "conversations.replies": "channels:history",
    "conversations.history": "channels:history",
    "conversations.open": "im:write",
    "conversations.list": "channels:read",
    "files.getUploadURLExternal": "files:write",
    "files.completeUploadExternal": "files:write",
    "auth.test": "",
    "apps.connections.open": "connections:write",
}
"""The scope that each method needs, one of those that would do."""
_CHANNELS_PER_PAGE = 10


class SlackError(Exception):
    """Raised by a method or a test's hook: the answer is this error."""

    def __init__(
        self, code: str, status: int = 200, headers: Mapping[str, str] | None = None, body: str = "", **more: object
    ) -> None:
        super().__init__(code)
        self.code, self.status, self.headers, self.body, self.more = code, status, dict(headers or {}), body, more


@dataclass
class Posted:
    """A message in a channel: the bot's, or somebody else's."""

    channel: str
    ts: str
    text: str
    blocks: list[Json] = field(default_factory=list[Json])
    thread_ts: str = ""
    metadata: Json = field(default_factory=dict[str, Any])
    user: str = BOT
    bot_id: str = ""
    files: list[Json] = field(default_factory=list[Json])
    at: float = field(default_factory=time.monotonic)
    edits: list[tuple[float, str, list[Json]]] = field(default_factory=list[tuple[float, str, list[Json]]])

    @property
    def said(self) -> str:
        """Its text now."""
        return self.edits[-1][1] if self.edits else self.text

    @property
    def shown(self) -> list[Json]:
        """Its blocks now."""
        return self.edits[-1][2] if self.edits else self.blocks

    @property
    def words(self) -> str:
        """Everything that a reader sees of it now."""
        return f"{self.said}\n" + "\n".join(texts_of(self.shown))

    def buttons(self) -> dict[str, Json]:
        """Its buttons by action id."""
        return {e["action_id"]: e for b in self.shown if b["type"] == "actions" for e in b["elements"]}

    def told(self, metadata: bool) -> Json:
        """As Slack tells it; its metadata only when they are asked for."""
        fields: Json = {"user": self.user, "bot_id": self.bot_id, "thread_ts": self.thread_ts, "files": self.files}
        if metadata:
            fields["metadata"] = self.metadata
        return {"type": "message", "ts": self.ts, "text": self.said, **{k: v for k, v in fields.items() if v}}


class Workspace:
    """What is there. `page` is how many messages a page holds at the most; `scopes` are what the bot was granted."""

    def __init__(self) -> None:
        self.users: dict[str, Json] = {}
        self.channels: dict[str, Json] = {}
        self.members: dict[str, set[str]] = {}
        self.posted: list[Posted] = []
        self.uploads: dict[str, Json] = {}
        self.violations: list[str] = []
        self.scopes = set(SCOPES.values())
        self.page = 200
        self.lock = threading.RLock()
        self._last_us = 0
        self.user(BOT, "lore", is_bot=True)

    # -- for tests

    def user(self, id_: str, name: str, **flags: Any) -> str:
        self.users[id_] = {"id": id_, "team_id": TEAM, "name": name, "profile": {"real_name": name}, **flags}
        return id_

    def channel(self, id_: str, members: set[str], **flags: Any) -> str:
        self.channels[id_] = {"id": id_, **flags}
        self.members[id_] = {*members, BOT}
        return id_

    def post(self, channel: str, text: str, *, ts: str = "", ago_s: float = 0, **more: Any) -> Posted:
        """Somebody's message, as if it had been there."""
        posted = Posted(channel, ts or self.next_ts(ago_s), text, **more)
        with self.lock:
            self.posted.append(posted)
        return posted

    def messages(self, channel: str = "") -> list[Posted]:
        """What the bot posted, in order."""
        with self.lock:
            return [m for m in self.posted if m.bot_id == BOT_ID and channel in ("", m.channel)]

    @property
    def roots(self) -> list[Posted]:
        """The bot's messages that are in no thread."""
        return [m for m in self.messages() if not m.thread_ts]

    def said(self, channel: str) -> list[str]:
        """The texts in a channel as they are now, everybody's."""
        with self.lock:
            return [m.said for m in self.posted if m.channel == channel]

    def seen(self, since: int = 0) -> str:
        """Everything that the bot ever showed to anybody, from its n-th message on."""
        return json.dumps([[m.text, m.blocks, m.edits] for m in self.messages()[since:]], ensure_ascii=False)

    def next_ts(self, ago_s: float = 0) -> str:
        """A ts of its own."""
        with self.lock:
            self._last_us = max(self._last_us + 1, int(time.time() * 1_000_000))
            seconds, us = divmod(self._last_us - int(ago_s * 1_000_000), 1_000_000)
            return f"{seconds}.{us:06d}"

    # -- the Web API

    def answer(self, method: str, given: Json) -> Json:
        """What a method answers. Raises `SlackError`."""
        if SCOPES[method] and SCOPES[method] not in self.scopes:
            raise SlackError("missing_scope", needed=SCOPES[method])
        answers: dict[str, Callable[[Json], Json]] = {
            "auth.test": self._auth,
            "users.info": self._user,
            "users.list": lambda _: {"members": list(self.users.values())},
            "users.conversations": self._shared,
            "conversations.info": lambda given: {"channel": self.channels[self._known(given)]},
            "conversations.members": lambda given: {"members": sorted(self.members[self._known(given)])},
            "conversations.open": self._open,
            "conversations.list": self._list,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "files.getUploadURLExternal": self._upload,
            "files.completeUploadExternal": self._uploaded,
        }
        return answers[method](given)

    def _auth(self, _: Json) -> Json:
        return {"user_id": BOT, "bot_id": BOT_ID, "team_id": TEAM, "team": "tealeaf", "url": URL}

    def _user(self, given: Json) -> Json:
        if given["user"] not in self.users:
            raise SlackError("user_not_found")
        return {"user": self.users[given["user"]]}

    def _shared(self, given: Json) -> Json:
        private = [c for c, told in self.channels.items() if told.get("is_private")]
        return {"channels": [{"id": c} for c in private if given["user"] in self.members[c]]}

    def _known(self, given: Json) -> str:
        channel = str(given.get("channel", ""))
        if channel not in self.channels:
            raise SlackError("channel_not_found")
        return channel

    def _open(self, given: Json) -> Json:
        """The person's direct messages with the bot, opened when there were none."""
        user = str(json.loads(given["users"])[0] if given["users"].startswith("[") else given["users"])
        talks = (c for c, told in self.channels.items() if told.get("is_im") and user in self.members[c])
        return {"channel": {"id": next(talks, "") or self.channel(f"D{user[1:]}", {user}, is_im=True)}}

    def _list(self, given: Json) -> Json:
        types = str(given.get("types") or "public_channel").split(",")
        if "private_channel" in types and "groups:read" not in self.scopes:
            raise SlackError("missing_scope", needed="groups:read")
        listed = [
            told
            for told in self.channels.values()
            if not told.get("is_im") and ("private_channel" if told.get("is_private") else "public_channel") in types
        ]
        return _paged("channels", listed, given, _CHANNELS_PER_PAGE)

    def _history(self, given: Json) -> Json:
        return self._told([m for m in self._in(given) if m.thread_ts in ("", m.ts)][::-1], given)

    def _replies(self, given: Json) -> Json:
        found = [m for m in self._in(given) if given["ts"] in (m.ts, m.thread_ts)]
        if not found:
            raise SlackError("thread_not_found")
        return self._told(found, given)

    def _in(self, given: Json) -> list[Posted]:
        channel = self._known(given)
        with self.lock:
            return sorted((m for m in self.posted if m.channel == channel), key=lambda m: float(m.ts))

    def _told(self, found: list[Posted], given: Json) -> Json:
        oldest, latest = float(given.get("oldest") or 0), float(given.get("latest") or "inf")
        metadata = given.get("include_all_metadata") in ("1", "true", True)
        told = [m.told(metadata) for m in found if oldest < float(m.ts) < latest]
        return _paged("messages", told, given, self.page)

    def _post(self, given: Json) -> Json:
        channel = self._known(given)
        if BOT not in self.members[channel]:
            raise SlackError("not_in_channel")
        text, blocks = self._checked(given)
        metadata = cast("Json", _read(given.get("metadata")) or {})
        thread = given.get("thread_ts") or ""
        message = self.post(channel, text, blocks=blocks, thread_ts=thread, metadata=metadata, bot_id=BOT_ID)
        return {"ts": message.ts, "channel": channel, "message": message.told(metadata=True)}

    def _update(self, given: Json) -> Json:
        found = next((m for m in self._in(given) if m.ts == given["ts"]), None)
        if found is None:
            raise SlackError("message_not_found")
        if found.bot_id != BOT_ID:
            raise SlackError("cant_update_message")
        text, blocks = self._checked(given)
        with self.lock:
            found.edits.append((time.monotonic(), text, blocks))
            found.metadata = cast("Json", _read(given.get("metadata")) or found.metadata)
        return {"ts": found.ts, "channel": found.channel}

    def _checked(self, given: Json) -> tuple[str, list[Json]]:
        """Text and blocks, as Slack takes them."""
        text, blocks = str(given.get("text", "")), cast("list[Json]", _read(given.get("blocks")) or [])
        try:
            check_message(text, blocks, known=set(self.users))
        except AssertionError as error:
            self.violations.append(str(error))
            raise SlackError("invalid_blocks", response_metadata={"messages": [str(error)]}) from None
        return text, blocks

    def _upload(self, given: Json) -> Json:
        name = f"F{len(self.uploads):08d}"
        self.uploads[name] = {"name": given["filename"], "length": int(given["length"])}
        return {"file_id": name}

    def _uploaded(self, given: Json) -> Json:
        channel = self._known({"channel": given["channel_id"]})
        shown: list[Json] = []
        for file in cast("list[Json]", _read(given["files"])):
            upload = self.uploads[file["id"]]
            if len(upload.get("content") or b"") != upload["length"]:
                raise SlackError("file_not_found")
            link = f"{URL}files/{file['id']}"
            shown.append({"id": file["id"], "name": upload["name"], "title": file["title"], "permalink": link})
        comment, thread = given.get("initial_comment") or "", given.get("thread_ts") or ""
        self.post(channel, comment, files=shown, thread_ts=thread, bot_id=BOT_ID)
        return {"files": shown}


def _paged(name: str, found: list[Json], given: Json, most: int) -> Json:
    at, size = int(given.get("cursor") or 0), min(most, int(given.get("limit") or 100))
    more = str(at + size) if at + size < len(found) else ""
    return {name: found[at : at + size], "response_metadata": {"next_cursor": more}}


def _read(value: object) -> object:
    """A structure: in a form it is JSON."""
    return json.loads(value) if isinstance(value, str) and value else value
