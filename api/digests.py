"""Digests as the application makes and sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.digest.model import Digest, Period
    from api.wiring import Engine
    from graph.clock import Instant


class Digests:
    """What `lore digest` and its schedule do."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def make(self, period: Period, *, until: Instant | None = None, team: str = "") -> Digest:
        """The digest of the period that ended last before `until` (default: now), as the engine's audience may see it."""
        raise NotImplementedError
