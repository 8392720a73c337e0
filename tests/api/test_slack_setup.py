"""The manifest and the page of Slack: what the code needs is what they say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import yaml

from api.slack_bot.directory import METHODS
from api.slack_bot.settings import SlackSettings
from tests.fake_slack import SCOPES

DOCS = Path(__file__).parents[2] / "docs"
HEARD = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
}
"""The scope that each event needs (https://docs.slack.dev/reference/events)."""
WRITTEN = {"chat.postMessage", "chat.update", "conversations.open", "conversations.replies", "conversations.history"}
"""What the gateway's performer calls for messages and edits."""
KINDS = ("channels", "groups", "im", "mpim")


def manifest() -> dict[str, Any]:
    return yaml.safe_load((DOCS / "slack-manifest.yaml").read_text(encoding="utf-8"))


def needed() -> set[str]:
    scopes = {SCOPES[method] for method in METHODS | WRITTEN} - {""}
    found = {"commands", *HEARD.values()}
    for scope in scopes:
        noun, _, verb = scope.partition(":")
        every = noun in ("channels", "groups") and verb in ("read", "history")
        found |= {f"{kind}:{verb}" for kind in KINDS} if every else {scope}
    return found


def test_the_manifest_asks_for_the_scopes_that_the_code_uses_and_no_others() -> None:
    assert set(manifest()["oauth_config"]["scopes"]["bot"]) == needed()


def test_each_event_of_the_manifest_is_heard_and_has_its_scope() -> None:
    events = manifest()["settings"]["event_subscriptions"]["bot_events"]
    assert set(events) == set(HEARD)


def test_the_manifest_is_within_slacks_limits() -> None:
    told = manifest()
    assert len(told["display_information"]["name"]) <= 35
    assert len(told["display_information"]["description"]) <= 140
    assert re.fullmatch(r"#[0-9a-f]{6}", told["display_information"]["background_color"])
    (command,) = told["features"]["slash_commands"]
    assert command["command"] == "/lore"
    assert len(command["usage_hint"]) <= 1_000
    assert told["settings"]["socket_mode_enabled"] is True
    assert told["settings"]["interactivity"]["is_enabled"] is True


def test_the_page_says_what_each_scope_is_for_and_names_every_setting() -> None:
    page = (DOCS / "slack.md").read_text(encoding="utf-8")
    missing = [s for s in needed() if f"`{s}`" not in page]
    assert missing == []
    assert [
        f.name for f in msgspec.structs.fields(SlackSettings) if f"`{f.name}`" not in page and f"{f.name}:" not in page
    ] == []
    assert [m for m in METHODS if f"`{m}`" not in page] == []
