"""What Slack sends an app when somebody writes, clicks or commands, and how it signs that."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any

from tests.fake_slack.blocks import Json
from tests.fake_slack.workspace import TEAM, Posted, Workspace

SECRET = "signing" + "-fake"


class People(Workspace):
    """The workspace, and what its people do in it."""

    def event(
        self, channel: str, user: str, text: str, *, kind: str = "app_mention", thread_ts: str = "", **more: Any
    ) -> Json:
        """The envelope of a message's event, with a ts and an id of its own."""
        ts = self.next_ts()
        if channel in self.channels:
            self.post(channel, text, ts=ts, user=user, thread_ts=thread_ts)
        event: Json = {"type": kind, "channel": channel, "user": user, "text": text, "ts": ts, "event_ts": ts}
        if thread_ts:
            event["thread_ts"] = thread_ts
        if kind == "message":
            found = self.channels[channel]
            event["channel_type"] = "im" if found.get("is_im") else "group" if found.get("is_private") else "channel"
        event.update({k: v for k, v in more.items() if k != "envelope"})
        return {
            "type": "event_callback",
            "team_id": TEAM,
            "event_id": f"Ev{ts.replace('.', '')}",
            "event": event,
            **more.get("envelope", {}),
        }

    def command(self, channel: str, user: str, text: str) -> Json:
        trigger = self.next_ts()
        return {
            "command": "/lore",
            "text": text,
            "channel_id": channel,
            "user_id": user,
            "team_id": TEAM,
            "trigger_id": trigger,
        }

    def click(self, message: Posted, action_id: str, user: str, **more: Any) -> Json:
        button = message.buttons()[action_id]
        action = {"action_id": action_id, "value": button["value"], "action_ts": self.next_ts(), "type": "button"}
        return {
            "type": "block_actions",
            "user": {"id": user},
            "channel": {"id": message.channel},
            "message": {"ts": message.ts, "thread_ts": message.thread_ts or None},
            "actions": [action],
            **more,
        }

    def signed(self, body: bytes, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
        """Headers of a request as Slack signs it."""
        stamp = str(int(time.time() if at is None else at))
        digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}
