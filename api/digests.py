"""Digests as the application makes and sends them."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import TYPE_CHECKING

from api.errors import SettingsError, UsageError
from graph.clock import DAY, Instant, rfc3339

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.cost.model import CostReport
    from agent.digest.material import Given
    from agent.digest.model import Digest, Period
    from agent.digest.window import Window
    from api.digest_settings import Due, Planned
    from api.gateway import ActionRequest, Outcome, Yes
    from api.wiring import Engine


_TREND_OF: Instant = 31 * DAY
"""Of a longer window's bill the trend of the window before is left out: its jumps would be looked for over years."""


class Digests:
    """What `lore digest` and its schedule do."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def make(
        self, period: Period, *, until: Instant | None = None, team: str = "", zone: tzinfo = UTC, explain: bool = True
    ) -> Digest:
        """The digest of the period that ended last before `until` (default: now), as the engine's audience may see it.

        Raises:
            UsageError: no team of this name is known.
        """
        from agent.digest.window import window_before
        from api.wiring import wall_clock

        return self.of(
            period, window_before(period, wall_clock() if until is None else until, zone), team, explain=explain
        )

    def of(self, period: Period, window: Window, team: str = "", *, explain: bool = True) -> Digest:
        """The digest of a window.

        Args:
            explain: look for the changes behind jumps of the bill, which takes an investigation each.

        Raises:
            UsageError: no team of this name is known.
        """
        from agent.digest.make import make_digest
        from agent.ownership import UnknownTeam

        engine = self._engine
        given = self._given(window, team, explain=explain)
        try:
            return make_digest(engine.store, engine.view, period, window, team, given)
        except UnknownTeam as error:
            known = ", ".join(error.known[:12])
            raise UsageError(
                str(error),
                f"known are {known}" if known else "no team is known at all: the source `catalog` reads them",
            ) from None

    def planned(self) -> tuple[Planned, ...]:
        """The digests that the settings name. Raises `SettingsError`."""
        from api.digest_settings import read_digests

        return read_digests(self._engine.settings.digests)

    def requests(self, planned: Planned, due: Due, note: str = "") -> tuple[ActionRequest, ...]:
        """What is to be sent of a configured digest, as its audience may see it: the message first, then what follows it.

        Raises:
            UsageError: its team is not known.
        """
        from api.digest_requests import digest_requests

        reader = self._engine.reading_as(planned.audience)
        digest = Digests(reader).of(planned.period, due.window, planned.team)
        return digest_requests(planned, due, digest, note)

    def send(self, name: str, yes: Yes | None, *, until: Instant | None = None) -> tuple[Outcome, ...]:
        """Send a configured digest of its last period now, through the gateway. The schedule does not send the same once more.

        Raises:
            SettingsError: there is none of this name.
            OutwardUnavailable: it may work later.
        """
        from api.digest_requests import send
        from api.digest_settings import named
        from api.wiring import wall_clock

        planned = named(self.planned(), name)
        due = planned.latest(wall_clock() if until is None else until)
        return send(self._engine.gateway, self.requests(planned, due), yes)

    def _given(self, window: Window, team: str, *, explain: bool) -> Given:
        from agent.digest.material import Given
        from api.wiring import wall_clock

        cost, why = self._report(window.since, window.until, team, explain=explain)
        before = None
        if cost is not None and not cost.daily:
            cost, why = None, "no bill of this time is known: the source costs reads one"
        if cost is not None and window.until - window.since <= _TREND_OF:
            before, _ = self._report(window.before, window.since, team, explain=False)
        return Given(
            cost=cost,
            cost_before=before,
            why_no_cost=why,
            organisation=self._organisation(),
            seen_until=wall_clock(),
        )

    def _report(self, since: Instant, until: Instant, team: str, *, explain: bool) -> tuple[CostReport | None, str]:
        """The bill, or why there is none: a bill that cannot be read leaves the rest of the digest as it is."""
        try:
            return self._engine.costs.report(since, until, team=team, explain=explain), ""
        except (SettingsError, UsageError) as error:
            return None, f"the bill could not be told: {error}"

    def _organisation(self) -> str:
        """The owner that most repositories have."""
        from collections import Counter

        from graph.store import Limits

        engine = self._engine
        names = [
            str(name).partition("/")[0]
            for name, _ in engine.store.aggregate("Repository", "name", engine.view, Limits(rows=1_000)).items
            if "/" in str(name)
        ]
        return Counter(sorted(names)).most_common(1)[0][0] if names else ""


def summary(outcomes: Sequence[Outcome]) -> str:
    """What became of a digest, in one line."""
    first = outcomes[0]
    rest = len(outcomes) - 1
    return f"{first.status}{f': {first.detail}' if first.detail else ''}{f' (and {rest} more)' if rest else ''}"


def named_until(due: Due) -> str:
    """The end of a due digest's window, as its key has it."""
    return rfc3339(due.window.until)
