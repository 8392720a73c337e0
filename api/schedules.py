"""What `lore serve` does by the clock: drift scans and digests, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.wiring import Engine


class Schedules:
    """The schedules of one server process. DBOS must be configured before `register` and launched before `start`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def register(self) -> None:
        """Register the workflows with DBOS."""

    def start(self) -> None:
        """Begin to look at the clock."""

    def stop(self) -> None:
        """End; a run that is under way is left to its recovery."""
