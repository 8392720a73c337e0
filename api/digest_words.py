"""What every surface of a digest says alike: its title, its days, its measures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from agent.digest.model import Digest, Measure, Section
from graph.clock import instant

ORDER = ("critical", "high", "medium", "low", "info")
SIGNS = {"critical": "●", "high": "◆", "medium": "▲", "low": "·", "info": "·"}
"""Shapes and not only colours tell how bad it is."""
_PERIODS = {"daily": "Daily", "weekly": "Weekly", "monthly": "Monthly"}


def title(digest: Digest) -> str:
    """`Weekly digest of Tealeaf, team payments`."""
    of = f" of {digest.organisation}" if digest.organisation else ""
    return f"{_PERIODS[digest.period]} digest{of}{f', team {digest.team}' if digest.team else ''}"


def days(digest: Digest, zone: tzinfo = UTC) -> str:
    """The days it is about, the last one included: `18 to 24 May 2026`."""
    first = _day(digest.since, zone, 0)
    last = _day(digest.until, zone, -1)
    if first.date() == last.date():
        return f"{first.day} {first:%B %Y}"
    if first.year != last.year:
        return f"{first.day} {first:%B %Y} to {last.day} {last:%B %Y}"
    return f"{first.day}{f' {first:%B}' if first.month != last.month else ''} to {last.day} {last:%B %Y}"


def _day(text: str, zone: tzinfo, seconds: int) -> datetime:
    at = datetime.fromtimestamp(instant(text) / 1_000_000, tz=UTC) + timedelta(seconds=seconds)
    return at.astimezone(zone)


def figure(measure: Measure) -> str:
    """`45 minutes`, `5 per week`, `+4.2%`, `not known`."""
    if measure.value is None:
        return "not known"
    sign = "+" if measure.name == "cost_trend" and measure.value > 0 else ""
    return f"{sign}{_with_unit(measure.value, measure.unit)}"


def trend(measure: Measure) -> str:
    """`before: 4 per week`; empty where nothing is known of before."""
    if measure.value is None or measure.previous is None:
        return ""
    sign = "+" if measure.name == "cost_trend" and measure.previous > 0 else ""
    return f"before: {sign}{_with_unit(measure.previous, measure.unit)}"


def is_better(measure: Measure) -> bool | None:
    """Whether it went the right way; None when it stayed, or nobody can say."""
    if (
        measure.value is None
        or measure.previous is None
        or measure.value == measure.previous
        or measure.better == "neither"
    ):
        return None
    return (measure.value < measure.previous) == (measure.better == "lower")


def basis(measure: Measure) -> str:
    """How it was computed and from how much; why not, where it was not."""
    if measure.value is None:
        return f"{measure.why[:1].upper()}{measure.why[1:].rstrip('.')}. {measure.how}"
    return f"{measure.how} From {measure.count}."


def _with_unit(value: float, unit: str) -> str:
    if unit == "hours":
        return (
            f"{round(value * 60)} minutes"
            if value < 2
            else f"{value:.1f} hours"
            if value < 72
            else f"{value / 24:.1f} days"
        )
    if unit == "%":
        return f"{value:g}%"
    number = f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
    return f"{number} {unit}"


def told(digest: Digest) -> tuple[Section, ...]:
    """The sections that a surface shows: all of them, or none of a quiet time."""
    return () if digest.quiet else digest.sections


def more(section: Section) -> str:
    """`7 more`; empty when all are listed."""
    return f"{section.more} more" if section.more else ""
