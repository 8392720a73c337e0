"""Cost as the application tells it: prices and usage files opened, plans read, bills reported, jumps explained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.cost.model import CostReport, Estimate, WasteReport
    from api.wiring import Engine
    from graph.clock import Instant


class Costs:
    """What `lore cost` does."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def estimate(self, plan: Path, usage: Path | None = None) -> Estimate:
        """The monthly cost of a plan file, or of a directory that Terraform can plan. Raises `UsageError`, `SettingsError`."""
        from api.cost_estimate import estimate

        return estimate(self._engine, plan, usage)

    def report(
        self, since: Instant, until: Instant, *, by: str = "service", team: str = "", explain: bool = True
    ) -> CostReport:
        """The bill of `since <= day < until`, with the jumps in it and the changes that explain them."""
        from api.cost_actual import report

        return report(self._engine, since, until, by=by, team=team, explain=explain)

    def waste(self) -> WasteReport:
        """What is paid for nothing now."""
        from api.cost_actual import waste

        return waste(self._engine)
