"""A Slack workspace export, as a directory or a ZIP: users, public and private channels, direct messages, a file a day.

Format: https://slack.com/help/articles/220556107-How-to-read-Slack-data-exports
"""

from __future__ import annotations

import json
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from examples.formats.output import Json, Plant, hex_id, nothing, uuid_of, write_text


@dataclass(frozen=True, slots=True)
class SlackUser:
    """A member of the workspace."""

    id: str
    name: str
    real_name: str
    display_name: str
    email: str
    title: str = ""
    bot: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class SlackChannel:
    """A conversation. `kind`: public, private, im or mpim; an im has no name and its folder is its id."""

    id: str
    name: str
    kind: str
    members: tuple[str, ...]
    created_at: datetime
    creator: str
    topic: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Reaction:
    """An emoji by its name, and who gave it."""

    name: str
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """A message. `thread` is the `ts` of the message it replies to, empty for one of its own.

    `subtype`: empty, `channel_join`, `bot_message`, `thread_broadcast` …; an edited message holds its last text.
    """

    channel: str
    user: str
    at: datetime
    text: str
    thread: str = ""
    edited_at: datetime | None = None
    reactions: tuple[Reaction, ...] = ()
    subtype: str = ""
    bot_id: str = ""
    bot_name: str = ""

    @property
    def ts(self) -> str:
        """Slack's timestamp, which names the message in its channel."""
        return slack_ts(self.at)


def slack_ts(at: datetime) -> str:
    """A time as Slack writes it: seconds and six digits."""
    return f"{int(at.astimezone(UTC).timestamp())}.{at.microsecond:06d}"


def permalink(workspace: str, channel: str, ts: str, thread: str = "") -> str:
    """The link to a message; `workspace` is `https://example.slack.com`."""
    link = f"{workspace}/archives/{channel}/p{ts.replace('.', '')}"
    return f"{link}?thread_ts={thread}&cid={channel}" if thread and thread != ts else link


def write_slack(
    path: Path,
    team_id: str,
    users: list[SlackUser],
    channels: list[SlackChannel],
    messages: list[SlackMessage],
    plant: Plant = nothing,
) -> None:
    """Write an export: a ZIP when `path` ends in `.zip`, else a directory."""
    files = export_files(team_id, users, channels, messages, plant)
    if path.suffix != ".zip":
        for name, text in files.items():
            write_text(path / name, text)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2025, 1, 1, 0, 0, 0)), text.encode())


def export_files(
    team_id: str,
    users: list[SlackUser],
    channels: list[SlackChannel],
    messages: list[SlackMessage],
    plant: Plant = nothing,
) -> dict[str, str]:
    """The files of an export by their name in it."""
    files = {"users.json": _text([_user(team_id, user) for user in users])}
    for kind, name in (("public", "channels"), ("private", "groups"), ("im", "dms"), ("mpim", "mpims")):
        listed = [_channel(channel) for channel in channels if channel.kind == kind]
        if listed or kind in ("public", "private"):
            files[f"{name}.json"] = _text(listed)
    files["integration_logs.json"] = "[]"
    folders = {channel.id: channel.name if channel.kind != "im" else channel.id for channel in channels}
    profiles = {user.id: user for user in users}
    replies: dict[tuple[str, str], list[SlackMessage]] = defaultdict(list)
    for message in messages:
        if message.thread:
            replies[message.channel, message.thread].append(message)
    days: dict[str, list[Json]] = defaultdict(list)
    for message in sorted(messages, key=lambda m: m.at):
        day = message.at.astimezone(UTC).strftime("%Y-%m-%d")
        written = _message(
            team_id, message, profiles.get(message.user), replies.get((message.channel, message.ts), []), plant
        )
        days[f"{folders[message.channel]}/{day}.json"].append(written)
    return files | {name: _text(days[name]) for name in sorted(days)}


def _text(value: object) -> str:
    return json.dumps(value, indent=4, ensure_ascii=False)


def _user(team_id: str, user: SlackUser) -> Json:
    first, _, last = user.real_name.partition(" ")
    return {
        "id": user.id,
        "team_id": team_id,
        "name": user.name,
        "deleted": user.deleted,
        "color": hex_id(user.id, digits=6),
        "real_name": user.real_name,
        "tz": "Europe/London",
        "tz_label": "Greenwich Mean Time",
        "tz_offset": 0,
        "profile": {
            "title": user.title,
            "phone": "",
            "skype": "",
            "real_name": user.real_name,
            "real_name_normalized": user.real_name,
            "display_name": user.display_name,
            "display_name_normalized": user.display_name,
            "fields": {},
            "status_text": "",
            "status_emoji": "",
            "avatar_hash": hex_id(user.id, "avatar", digits=12),
            **({} if user.bot else {"email": user.email}),
            "first_name": first,
            "last_name": last,
            "team": team_id,
            **({"bot_id": "B" + user.id[1:], "api_app_id": "A" + user.id[1:]} if user.bot else {}),
        },
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": user.bot,
        "is_app_user": False,
        "updated": 1735689600,
        "is_email_confirmed": not user.bot,
        "who_can_share_contact_card": "EVERYONE",
    }


def _channel(channel: SlackChannel) -> Json:
    created = int(channel.created_at.timestamp())
    if channel.kind == "im":
        return {"id": channel.id, "created": created, "members": list(channel.members)}
    about = {"creator": channel.creator, "last_set": created}
    return {
        "id": channel.id,
        "name": channel.name,
        "created": created,
        "creator": channel.creator,
        "is_archived": False,
        "is_general": channel.name == "general",
        "members": list(channel.members),
        "topic": {"value": channel.topic, **about},
        "purpose": {"value": channel.purpose, **about},
    }


def _message(
    team_id: str, message: SlackMessage, user: SlackUser | None, replies: list[SlackMessage], plant: Plant
) -> Json:
    secret = plant("slack.message")
    text = f"{message.text} {secret}" if secret else message.text
    out: dict[str, object] = {}
    if message.subtype:
        out["subtype"] = message.subtype
    if message.bot_id:
        out |= {"bot_id": message.bot_id, "username": message.bot_name}
    else:
        out |= {"user": message.user, "client_msg_id": uuid_of(message.channel, message.ts)}
    out |= {"type": "message", "ts": message.ts, "text": text, "team": team_id}
    if user and not message.bot_id:
        out |= {
            "user_team": team_id,
            "source_team": team_id,
            "user_profile": {
                "avatar_hash": hex_id(user.id, "avatar", digits=12),
                "first_name": user.real_name.split(" ")[0],
                "real_name": user.real_name,
                "display_name": user.display_name,
                "team": team_id,
                "name": user.name,
                "is_restricted": False,
                "is_ultra_restricted": False,
            },
        }
    if not message.subtype:
        element = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
        out["blocks"] = [{"type": "rich_text", "block_id": hex_id(message.ts, digits=5), "elements": [element]}]
    if message.edited_at:
        out["edited"] = {"user": message.user, "ts": slack_ts(message.edited_at)}
    if message.thread:
        out |= {"thread_ts": message.thread}
    elif replies:
        ordered = sorted(replies, key=lambda m: m.at)
        who = list(dict.fromkeys(m.user for m in ordered))
        out |= {
            "thread_ts": message.ts,
            "reply_count": len(ordered),
            "reply_users_count": len(who),
            "latest_reply": ordered[-1].ts,
            "reply_users": who,
            "replies": [{"user": m.user, "ts": m.ts} for m in ordered],
            "is_locked": False,
            "subscribed": False,
        }
    if message.reactions:
        out["reactions"] = [{"name": r.name, "users": list(r.users), "count": len(r.users)} for r in message.reactions]
    return out
