"""`slack:` of lore.yaml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from api.errors import SettingsError

if TYPE_CHECKING:
    from api.settings import Settings

_CHANNEL = re.compile(r"[CDG][A-Z0-9]{6,}")
_USER = re.compile(r"[UW][A-Z0-9]{6,}")
_HINT = "docs/slack.md shows the section"


class SlackSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The bot.

    Attributes:
        app_token: `xapp-…` with connections:write, for Socket Mode (`lore slack`).
        signing_secret: of the app, for the HTTP endpoints of `lore serve`.
        token: a bot token to *look up* people and channels; nothing is written with it (that is `outward.slack.token`, which may be the same).
        audiences: by channel id: the labels that everybody in it may read, beside `public` and, of a private channel, its own. For a channel
            with guests or people of another organisation these are all there is, `public` included only when it is listed.
        people: by user id: labels that this person holds, in direct messages.
        workers: how many lines are worked on at once.
        queue: how many may wait; what comes then is told so.
        progress_s: seconds between two edits of a progress message, at least 1.
        base_url: of the Web API.
        timeout_s: of one look-up.
        model: whether the language model that the settings name may help.
    """

    app_token: str = ""
    signing_secret: str = ""
    token: str = ""
    audiences: dict[str, tuple[str, ...]] = {}
    people: dict[str, tuple[str, ...]] = {}
    workers: int = 4
    queue: int = 50
    progress_s: float = 1.0
    base_url: str = "https://slack.com/api/"
    timeout_s: int = 10
    model: bool = True


def read_settings(settings: Settings) -> SlackSettings:
    """The bot's settings.

    Raises:
        SettingsError: one is unknown or of the wrong type, a channel or a person is not named by id, a token is missing.
    """
    given: Mapping[str, object] = settings.slack
    try:
        found = msgspec.convert(given, SlackSettings)
    except msgspec.ValidationError as error:
        raise SettingsError(f"slack: {error}", _HINT) from None
    for name in found.audiences:
        if not _CHANNEL.fullmatch(name):
            # Whoever may rename a channel could give it another's labels.
            raise SettingsError(f"slack.audiences: {name[:40]!r} is no channel's id", "write C0123ABCD, not a name")
    for name in found.people:
        if not _USER.fullmatch(name):
            raise SettingsError(f"slack.people: {name[:40]!r} is no person's id", "write U0123ABCD, not a name")
    if not found.token:
        raise SettingsError("slack.token is missing", "give the bot token (xoxb-…), as `${SLACK_BOT_TOKEN}`; " + _HINT)
    if not settings.outward.get("slack"):
        raise SettingsError(
            "outward.slack is missing, so the bot could not answer", "docs/slack.md shows both sections"
        )
    if not 1 <= found.workers <= 64 or not 1 <= found.queue <= 10_000 or found.progress_s < 1:
        raise SettingsError("slack: workers (1-64), queue (1-10000) or progress_s (at least 1) is out of range", _HINT)
    return found
