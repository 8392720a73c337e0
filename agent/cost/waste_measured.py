"""Waste that was measured: instances and databases that hardly compute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from agent.cost.waste_rule import Finding, Inventory, Rule
from agent.evidence import day, text_of
from graph.clock import DAY
from graph.observations import Series, SeriesQuery
from graph.store import EntityView, Provenance

_DAYS = 14
_LEAST_POINTS = 7 * 24
"""So many hours must have been measured."""
_LOW_PERCENT = 10.0
"""Below this, in 95 of 100 hours, half the size would do."""
_STEP_S = 3_600
_MOST_ASKED = 40
_COMPUTING = (("aws_instance", "BoxUsage", "instance_type"), ("aws_db_instance", "InstanceUsage", "instance_class"))


def _oversized(seen: Inventory) -> Iterator[Finding]:
    for type_, usage, attribute in _COMPUTING:
        things = [t for t in seen.of(type_) if text_of(t.properties, "status") not in ("stopped", "terminated")]
        for start in range(0, len(things), _MOST_ASKED):
            yield from _asked(seen, things[start : start + _MOST_ASKED], usage, attribute)


def _asked(seen: Inventory, things: Sequence[EntityView], usage: str, attribute: str) -> Iterator[Finding]:
    if seen.observations is None:
        return
    refs = [r for t in things for r in t.refs]
    of = {r: t for t in things for r in t.refs}
    names: dict[str, EntityView] = {}
    for alias in seen.store.aliases(refs, seen.view):
        if alias.scheme in ("id", "name", "dns") and alias.ref in of:
            names.setdefault(alias.name, of[alias.ref])
    query = SeriesQuery(
        tuple(sorted(names)), "cpu", seen.at - _DAYS * DAY, seen.at, step_s=_STEP_S, max_series=200, max_points=1_000
    )
    told: set[str] = set()
    for series in seen.observations.series(query).series:
        thing = names.get(series.subject)
        high = _high(series)
        if thing is None or high is None or high >= _LOW_PERCENT or str(thing.ref) in told:
            continue
        told.add(str(thing.ref))
        yield Finding(
            "oversized",
            "cpu",
            thing,
            f"Its processor was used at most {high:.1f}% in 95 of 100 of {len(series.points)} hours since {day(seen.at - _DAYS * DAY)}: half the size would do",
            Decimal("0.5"),
            "",
            f"halve the size of {attribute}",
            usage=(usage,),
            said=(Provenance(series.seen.source, "", series.seen.locator, series.seen.observed_at, series.seen.url),),
        )


def _high(series: Series) -> float | None:
    """The 95th percentile in percent; None where too little was measured, or the unit is not known."""
    if len(series.points) < _LEAST_POINTS:
        return None
    scale = {"%": 1.0, "percent": 1.0, "1": 100.0, "ratio": 100.0}.get(series.unit.lower())
    if scale is None:
        return None
    values = sorted(value for _, value in series.points)
    return values[int(len(values) * 0.95)] * scale


MEASURED_RULES: tuple[Rule, ...] = (_oversized,)
