"""`POST /slack/events` and `/slack/interactions`: the bot by HTTP, for those who do not use Socket Mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

if TYPE_CHECKING:
    from api.wiring import Engine


def slack(engine: Engine) -> APIRouter | None:
    """The endpoints; None when the settings have no signing secret."""
    del engine
    return None
