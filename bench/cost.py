"""How far the estimate's components, quantities and units agree with Infracost's public example outputs on the same configurations.

`python -m bench.cost EXAMPLES PLANS [--half seen|held|both] [--verbose]`: EXAMPLES is a directory of that project's `NAME/NAME.tf`, `.usage.yml` and
`.golden`; PLANS is what `bench.cost_plans` made of it. Nothing of either is kept in this repository. Prices are not compared, and none is taken from
the outputs. The half that is `held` (by the hash of the name) was not looked at while the mappings were written.
"""

from __future__ import annotations

import argparse
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

import yaml

from agent.cost.estimate import estimate
from agent.cost.model import Estimate
from agent.cost.prices import Books
from agent.cost.resources import MAPPERS
from agent.cost.usage import Usage
from api.cost_plan import read_sides

TODAY = "2025-06-01"
"""A day on which the versions that the outputs call out of support are, and those that they do not are not."""
_ROW = re.compile(r"^(?P<indent>[ │]*)[├└]─ (?P<rest>.*)$")
_ADDRESS = re.compile(r"^ (?P<address>(?:module\.\S+\.)?[a-z0-9]+_\w+\.\S+)\s*$")
_PATH_INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Row:
    """A component: its path and name, quantity (None: depends on usage) and unit."""

    path: str
    name: str
    quantity: Decimal | None
    unit: str


@dataclass(slots=True)
class Tally:
    cases: int = 0
    not_planned: list[str] = field(default_factory=list[str])
    left_out: list[str] = field(default_factory=list[str])
    resources: int = 0
    unmapped: dict[str, int] = field(default_factory=dict[str, int])
    not_found: list[str] = field(default_factory=list[str])
    refused: list[str] = field(default_factory=list[str])
    lines: int = 0
    both: int = 0
    agree: int = 0
    differ: list[str] = field(default_factory=list[str])
    theirs: list[str] = field(default_factory=list[str])
    ours: list[str] = field(default_factory=list[str])


def half_of(name: str) -> str:
    return "seen" if hashlib.sha256(name.encode()).digest()[0] % 2 == 0 else "held"


def read_golden(text: str) -> dict[str, list[Row]]:
    """Address -> components, of the table up to the total."""
    found: dict[str, list[Row]] = {}
    rows: list[Row] | None = None
    path: list[str] = []
    for line in text.splitlines():
        if "OVERALL TOTAL" in line:
            break
        address = _ADDRESS.match(line)
        if address:
            rows, path = found.setdefault(address["address"], []), []
            continue
        row = _ROW.match(line)
        if row is None or rows is None:
            continue
        depth = len(row["indent"]) // 3
        parts = re.split(r"\s{2,}", row["rest"].strip())
        path = [*path[:depth], parts[0]]
        if len(parts) == 1:
            continue  # a part of the resource, with components of its own
        read = _components(parts)
        if read is not None:
            rows.append(Row(" / ".join(path[:-1]), parts[0], *read))
    return found


def _components(parts: Sequence[str]) -> tuple[Decimal | None, str] | None:
    if parts[1].startswith("Monthly cost depends on usage"):
        return None, parts[1].partition(" per ")[2]
    if len(parts) < 3:
        return None
    try:
        return Decimal(parts[1].replace(",", "")), parts[2]
    except InvalidOperation:
        return None


def our_rows(ours: Estimate) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for resource in ours.resources:
        rows = found.setdefault(resource.address, [])
        for line in resource.lines:
            path, _, name = line.component.rpartition(" / ")
            rows.append(Row(path, name, None if line.quantity is None else Decimal(line.quantity), line.unit))
    return found


def unit_of(text: str) -> str:
    """A unit without plural and case: `1M requests` and `1M request` are one."""
    return " ".join(word.removesuffix("s") for word in text.strip().lower().split()).replace("gb-month", "gb")


def key_of(row: Row) -> tuple[str, str]:
    return _PATH_INDEX.sub("", row.path).lower(), row.name.lower()


def pair(theirs: Sequence[Row], ours: Sequence[Row]) -> tuple[list[tuple[Row, Row]], list[Row], list[Row]]:
    """Components of the same path and name, then of the same name; among several those that agree first. Then what only one side has."""
    left, right = list(theirs), list(ours)
    pairs: list[tuple[Row, Row]] = []
    for by_path in (True, False):
        for strict in (True, False):
            for one in list(left):
                fits = [other for other in right if _same(one, other, by_path) and (agrees(one, other) or not strict)]
                if fits:
                    pairs.append((one, fits[0]))
                    left.remove(one)
                    right.remove(fits[0])
    return pairs, left, right


def _same(one: Row, other: Row, by_path: bool) -> bool:
    return key_of(one) == key_of(other) if by_path else one.name.lower() == other.name.lower()


def agrees(theirs: Row, ours: Row) -> bool:
    if unit_of(theirs.unit) != unit_of(ours.unit) or (theirs.quantity is None) != (ours.quantity is None):
        return False
    if theirs.quantity is None or ours.quantity is None:
        return True
    return abs(theirs.quantity - ours.quantity) <= Decimal("0.0001") * max(Decimal(1), abs(theirs.quantity) / 1_000)


def measure(examples: Path, plans: Path, half: str) -> Tally:
    tally = Tally()
    for directory in sorted(one for one in examples.iterdir() if one.is_dir()):
        name = directory.name
        golden = directory / f"{name}.golden"
        if half_of(name) != half or not golden.is_file():
            continue
        tally.cases += 1
        plan = plans / f"{name}.json"
        if not plan.is_file():
            tally.not_planned.append(name)
            continue
        gone = plans / f"{name}.left_out"
        left_out = set(gone.read_text(encoding="utf-8").split()) if gone.is_file() else set[str]()
        usage = directory / f"{name}.usage.yml"
        told = Usage.of(yaml.safe_load(usage.read_text(encoding="utf-8"))) if usage.is_file() else Usage()
        ours = our_rows(estimate(read_sides(plan.read_bytes()), Books(()), told, today=TODAY))
        _compare(name, read_golden(golden.read_text(encoding="utf-8")), ours, left_out, tally)
    return tally


def _compare(
    case: str, golden: dict[str, list[Row]], ours: dict[str, list[Row]], left_out: set[str], tally: Tally
) -> None:
    for address, rows in golden.items():
        type_ = re.sub(r"^(?:module\.[^.]+\.)*", "", address).partition(".")[0]
        if type_ not in MAPPERS:
            tally.unmapped[type_] = tally.unmapped.get(type_, 0) + len(rows)
            continue
        bare = re.sub(r"\[.*?\]", "", address)
        if bare in left_out or any(bare.startswith(f"{one}.") for one in left_out if one.startswith("module.")):
            tally.left_out.append(f"{case} {address}")
            continue
        if address not in ours and rows:
            tally.not_found.append(f"{case} {address}")
        mine = ours.get(address, [])
        if any(not row.unit for row in mine):
            tally.refused.append(f"{case} {address}: {mine[0].name}")
        tally.resources += 1
        tally.lines += len(rows)
        pairs, theirs_only, ours_only = pair(rows, mine)
        tally.both += len(pairs)
        for theirs, own in pairs:
            if agrees(theirs, own):
                tally.agree += 1
            else:
                tally.differ.append(
                    f"{case} {address} {theirs.path} {theirs.name}: {theirs.quantity} {theirs.unit} | {own.quantity} {own.unit}"
                )
        tally.theirs += [f"{case} {address} {one.path} {one.name}: {one.quantity} {one.unit}" for one in theirs_only]
        tally.ours += [f"{case} {address} {one.path} {one.name}: {one.quantity} {one.unit}" for one in ours_only]


def shown(half: str, tally: Tally, verbose: bool) -> str:
    def share(part: int, whole: int) -> str:
        return f"{100 * part / whole:.1f}%" if whole else "none"

    lines = [
        f"{half}: {tally.cases} cases, {len(tally.not_planned)} not planned, {tally.resources} resources compared "
        f"({len(tally.left_out)} left out: this provider does not know their code; {sum(tally.unmapped.values())} lines of "
        f"{len(tally.unmapped)} types that are not mapped)",
        f"  lines of both: {tally.both}; quantity and unit agree: {tally.agree} ({share(tally.agree, tally.both)})",
        f"  of all {tally.lines} of their lines for types we map: {share(tally.agree, tally.lines)} are there and agree; "
        f"only theirs {len(tally.theirs)}, only ours {len(tally.ours)}, resources without our lines {len(tally.not_found)}",
    ]
    if verbose:
        for title, items in (
            ("differ (theirs | ours)", tally.differ), ("only theirs", tally.theirs), ("only ours", tally.ours),
            ("not found", tally.not_found), ("refused", tally.refused), ("not planned", tally.not_planned), ("left out", tally.left_out),
            ("unmapped", [f"{type_}: {count}" for type_, count in sorted(tally.unmapped.items())]),
        ):  # fmt: skip
            lines += [f"  -- {title}: {len(items)}", *(f"     {item}" for item in items)]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("examples", type=Path)
    parser.add_argument("plans", type=Path)
    parser.add_argument("--half", choices=("seen", "held", "both"), default="both")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    for half in ("seen", "held") if options.half == "both" else (options.half,):
        print(shown(half, measure(options.examples, options.plans, half), options.verbose))


if __name__ == "__main__":
    main()
