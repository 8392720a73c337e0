"""The performers: each writes one sort of thing on one system, and alone holds the credentials for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.gateway import Gateway

if TYPE_CHECKING:
    from api.settings import Settings


def open_gateway(settings: Settings) -> Gateway:
    """The gateway with a performer for each system that `outward:` gives credentials to. Raises `SettingsError`."""
    del settings
    raise NotImplementedError
