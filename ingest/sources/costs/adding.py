"""Lines of a bill added up: by what they are for and by day, in bounded memory, exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from ingest import names
from ingest.sources.costs.line import Line, last_day, tag_key
from ingest.sources.costs.settings import CostsSettings

_SCALE = 12
"""Amounts are added as whole numbers of 10⁻¹² of the currency: bills have ten digits, and whole numbers add up in any order."""


class Slice(NamedTuple):
    """What is replaced as a whole: a month of a payer."""

    provider: str
    payer: str
    month: str


class Key(NamedTuple):
    """What lines are added up by, beside the slice."""

    account: str
    service: str
    usage_type: str
    region: str
    resource_id: str
    line_type: str
    currency: str
    environment: str
    team: str
    workload: str
    tags: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Sum:
    """What lines of one key come to in a month."""

    days: list[int]
    quantity: Decimal = Decimal(0)
    unit: str | None = None
    estimated: bool = False

    def amounts(self, month: str) -> Iterator[tuple[str, Decimal]]:
        """Day and amount, in order, without days on which nothing was billed."""
        for index, amount in enumerate(self.days):
            if amount:
                yield f"{month}-{index + 1:02d}", Decimal(amount).scaleb(-_SCALE)


@dataclass(slots=True)
class Adder:
    """Adds lines up. At most `max_items` keys a slice: what comes later is added to the same without its resource."""

    settings: CostsSettings
    slices: dict[Slice, dict[Key, Sum]] = field(default_factory=dict[Slice, dict[Key, Sum]])
    folded: int = 0
    _reading: TagReader | None = None

    def add(self, line: Line) -> None:
        """Count one line."""
        reading = self._reading = self._reading or TagReader(self.settings)
        of = Slice(line.provider, line.payer, line.month)
        keys = self.slices.setdefault(of, {})
        environment, team, workload, tags = reading.read(line.tags, line.account)
        key = Key(
            line.account,
            line.service,
            line.usage_type,
            line.region,
            line.resource_id,
            line.line_type,
            line.currency,
            environment,
            team,
            workload,
            tags,
        )
        total = keys.get(key)
        if total is None and len(keys) >= self.settings.max_items and key.resource_id:
            self.folded += 1
            key = key._replace(resource_id="")
            total = keys.get(key)
        if total is None:
            total = keys[key] = Sum([0] * last_day(line.month))
        total.days[int(line.day[8:10]) - 1] += int(line.amount.scaleb(_SCALE).to_integral_value())
        if total.unit is None or total.unit == line.unit:
            total.unit = line.unit
            total.quantity += line.quantity
        else:
            total.unit = ""  # hours and gigabytes do not add up
        total.estimated = total.estimated or line.estimated


class TagReader:
    """What tags mean, by the settings; kept per distinct set of tags, of which bills have few."""

    def __init__(self, settings: CostsSettings) -> None:
        self._keys = [
            [tag_key(k) for k in told] for told in (settings.environment_tag, settings.team_tag, settings.service_tag)
        ]
        self._more = sorted({tag_key(k) for k in settings.tags})
        self._environments = {k.lower(): v for k, v in settings.environments.items()}
        self._known: dict[
            tuple[str, tuple[tuple[str, str], ...]], tuple[str, str, str, tuple[tuple[str, str], ...]]
        ] = {}
        self._wanted = {*self._more, *(k for keys in self._keys for k in keys)}

    def read(self, tags: Mapping[str, str], account: str) -> tuple[str, str, str, tuple[tuple[str, str], ...]]:
        """Environment, team, service, and the further tags that are kept."""
        told = tuple(sorted([(k, v) for k, v in tags.items() if k in self._wanted]))
        found = self._known.get((account, told))
        if found is None:
            by = dict(told)
            environment, team, workload = (next((by[k] for k in keys if by.get(k)), "") for keys in self._keys)
            environment = environment or self._environments.get(account.lower(), "")
            found = (
                names.environment_name(environment) if environment else "",
                team,
                names.service_name(workload),
                tuple((k, by[k]) for k in self._more if k in by),
            )
            if len(self._known) < 100_000:
                self._known[account, told] = found
        return found
