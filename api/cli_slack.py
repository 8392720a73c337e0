"""`lore slack` and what belongs to it."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli_base import ConfigOption, engine, say
from api.errors import SettingsError


def slack(
    check: Annotated[bool, typer.Option("--check", help="look whether tokens and settings are right, and end")] = False,
    config: ConfigOption = None,
) -> None:
    """Answer in Slack, by Socket Mode, until it is interrupted."""
    from threading import Event

    from slack_sdk.errors import SlackApiError, SlackClientError

    from api.slack_bot.bot import Bot
    from api.slack_bot.directory import Unknown
    from api.slack_bot.socket import Socket

    with engine(config) as opened:
        bot = Bot(opened)
        if not bot.settings.app_token:
            raise SettingsError(
                "slack.app_token is missing",
                "Socket Mode needs one (xapp-…, connections:write); docs/slack.md says where to make it",
            )
        try:
            team = bot.start()
        except Unknown as error:
            bot.stop()
            raise SettingsError(
                f"Slack does not take slack.token ({error})", "install the app anew and copy the bot token"
            ) from None
        _ = opened.gateway  # what it needs is missing: said now, and not with the first answer
        socket = Socket(bot)
        try:
            socket.open()
        except (SlackApiError, SlackClientError, OSError) as error:
            bot.stop()
            raise SettingsError(
                f"Slack opens no socket ({type(error).__name__})",
                "check slack.app_token (xapp-…) and that Socket Mode is on in the app's settings",
            ) from None
        say(f"connected to {team}; mention the bot, write to it, or use /lore. Ctrl-C ends it.")
        try:
            if not check:
                Event().wait()
        finally:
            socket.close()
            bot.stop()


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(slack)
