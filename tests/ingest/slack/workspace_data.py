"""A small workspace, as an export, as a Web API and as events: the same people, channels and messages."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Json = dict[str, Any]

T0 = 1_767_000_000  # 2025-12-29T09:20:00Z
PUBLIC_CHANNEL, PRIVATE_CHANNEL, DM = "C0PUBLIC1", "C0SECRET1", "D0DIRECT1"
ADA, BEN, BOT = "U0ADA0001", "U0BEN0001", "B0DEPLOY1"


def ts(offset_s: int) -> str:
    return f"{T0 + offset_s}.000100"


def user(user_id: str, name: str, real_name: str, email: str = "", updated: int = T0 - 1000) -> Json:
    profile = {"display_name": name.title(), "real_name": real_name, "email": email}
    return {"id": user_id, "name": name, "is_bot": False, "updated": updated, "profile": profile, "color": "abcdef"}


def message(offset_s: int, text: str, by: str = ADA, thread: str = "", **more: object) -> Json:
    told: Json = {"type": "message", "user": by, "ts": ts(offset_s), "text": text, "client_msg_id": "x", **more}
    return told | ({"thread_ts": thread} if thread else {})


USERS = [user(ADA, "ada", "Ada Lovelace", "Ada@Example.org"), user(BEN, "ben", "Ben Baker", "ben@example.org")]
CHANNELS: list[Json] = [
    {
        "id": PUBLIC_CHANNEL,
        "name": "infra",
        "created": T0 - 9000,
        "creator": ADA,
        "is_private": False,
        "is_member": True,
        "members": [ADA, BEN],
        "topic": {"value": "Load balancers", "creator": ADA, "last_set": T0 - 5000},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    },
    {
        "id": PRIVATE_CHANNEL,
        "name": "secret-merger",
        "created": T0 - 8000,
        "is_private": True,
        "is_member": True,
        "members": [ADA],
    },
    {"id": DM, "created": T0 - 7000, "is_im": True, "user": BEN, "members": [ADA, BEN]},
]
ROOT = ts(100)
MESSAGES: Mapping[str, Sequence[Json]] = {
    PUBLIC_CHANNEL: (
        message(0, "", subtype="channel_join"),
        message(
            100,
            f"<@{BEN}> can you review <https://github.com/shop/infra/pull/12|#12>? &lt;5 min, see <#{PUBLIC_CHANNEL}>",
            reply_count=2,
            latest_reply=ts(300),
            thread_ts=ROOT,
            reactions=[{"name": "+1", "users": [BEN], "count": 1}],
        ),
        message(200, "We agreed to move the listener rule, go ahead", BEN, ROOT),
        message(300, "done, rolled out as shop/infra#13", ADA, ROOT, edited={"user": ADA, "ts": ts(350)}),
        message(
            400,
            "",
            "",
            subtype="bot_message",
            bot_id=BOT,
            username="deploy",
            attachments=[{"fallback": "f", "title": "Deployed checkout", "text": "approved by nobody"}],
        ),
    ),
    PRIVATE_CHANNEL: (
        message(500, "the merger is approved, see shop/infra#14", reactions=[{"name": "x", "users": [BEN]}]),
    ),
    DM: (message(600, "between us", BEN),),
}


def folder(channel: Json) -> str:
    return channel.get("name") or channel["id"]


def export_files(
    users: Sequence[Json] = USERS,
    channels: Sequence[Json] = CHANNELS,
    messages: Mapping[str, Sequence[Json]] = MESSAGES,
) -> dict[str, bytes]:
    lists: dict[str, list[Json]] = {"channels": [], "groups": [], "dms": [], "mpims": []}
    files: dict[str, bytes] = {"users.json": json.dumps(users).encode()}
    for channel in channels:
        kind = "dms" if channel.get("is_im") else "groups" if channel.get("is_private") else "channels"
        lists[kind].append({k: v for k, v in channel.items() if not k.startswith("is_")})
        if found := messages.get(channel["id"]):
            files[f"{folder(channel)}/2025-12-29.json"] = json.dumps(found).encode()
    return files | {f"{name}.json": json.dumps(items).encode() for name, items in lists.items()}


def write_export(path: Path, files: Mapping[str, bytes]) -> Path:
    if path.suffix == ".zip":
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return path
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path
