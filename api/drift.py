"""Drift as the application looks for it: Terraform planned where it can run, findings kept, fixes made, pull requests opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.drift.model import DriftReport
    from agent.fix.model import Fix
    from api.gateway import Outcome, Yes
    from api.wiring import Engine
    from graph.clock import Instant


class Drifts:
    """What `lore drift` and its schedule do."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def scan(self, *, environment: str = "", terraform: bool = True) -> DriftReport:
        """Look now, keep what was found, and tell it. Raises `SettingsError`."""
        raise NotImplementedError

    def report(self, *, as_of: Instant | None = None, environment: str = "") -> DriftReport:
        """What the scans found that holds at this time, without looking anew."""
        raise NotImplementedError

    def fix(self, drift: str, how: str = "") -> Fix:
        """What to do about one drift (its id, or the first characters of it). Raises `UsageError`."""
        raise NotImplementedError

    def open_pull_request(self, fix: Fix, yes: Yes | None) -> Outcome:
        """Push the fix's branch and open its pull request, or update the one that is open, through the gateway."""
        raise NotImplementedError
