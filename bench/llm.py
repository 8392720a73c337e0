"""What a language model adds to the investigator over none: `python -m bench.llm --seeds 0-29 [--config lore.yaml] [--jobs 2]`.

Each outage of generated organisations (`bench.outages`) is investigated without a model, with a perfect one, and with the one that a `lore.yaml` names under
`model:` (a local one, say). The perfect one is told the labelled truth by this bench alone: it reads the true sort of failure and proposes the true change
when that is offered. As a model's word weighs nothing, that is the most that typed proposals can add. Solved incidents are left out. Intervals are 95%, by
a bootstrap over worlds; differences are paired.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from agent.investigate import Given, investigate
from agent.investigation import Investigation
from agent.llm import ChatModel
from bench.outages import interval, run_world
from bench.world.outage_judge import FOUND, Json, Judge
from bench.world.perfect_model import PerfectModel
from bench.world.seeds import read_seeds
from graph.clock import instant
from graph.store import GraphStore
from ingest.redact import redact_text

if TYPE_CHECKING:
    from agent.llm_settings import LlmSettings

NONE, PERFECT, GIVEN = "no model", "perfect model", "the model given"


@dataclass(frozen=True, slots=True)
class Row:
    """One investigation of one outage. `named`: a perfect model found the true change among what it was offered."""

    seed: int
    outage: str
    leg: str
    observable: bool
    rank: int
    abstained: bool
    named: bool
    calls: int
    tokens: int
    cost_usd: float
    dropped: int
    seconds: float


def measured(seed: int, config: Path | None = None) -> list[Row]:
    """All investigations of one world."""
    settings = _settings(config)
    with tempfile.TemporaryDirectory(prefix="llm-") as made:
        directory = Path(made)
        rows: list[Row] = []

        def each(store: GraphStore, symptom: str, *, at: int, audience: frozenset[str]) -> Investigation:
            judge = Judge(store, audience)
            label = _label(directory, symptom, at)
            plain = investigate(store, symptom, at=at, audience=audience)
            for leg, model in _models(label, store, settings):
                began = time.perf_counter()
                given = Given(model=model, redact=redact_text)
                found = plain if model is None else investigate(store, symptom, at=at, audience=audience, given=given)
                took = plain.usage.elapsed_s if model is None else time.perf_counter() - began
                named = isinstance(model, PerfectModel) and model.named
                rows.append(_row(seed, leg, label, judge, found, took, named=named))
            return plain

        run_world(seed, directory, each, memory=False)
    return rows


def _settings(config: Path | None) -> LlmSettings | None:
    if config is None:
        return None
    from agent.llm_settings import read_llm_settings
    from api.settings import load

    return read_llm_settings(load(config).model)


def _models(label: Json, store: GraphStore, settings: LlmSettings | None) -> Iterator[tuple[str, ChatModel | None]]:
    yield NONE, None
    yield PERFECT, PerfectModel(label, store)
    if settings is not None:
        from agent.llm_budget import MemoryLedger
        from agent.llm_settings import open_budgeted

        yield GIVEN, open_budgeted(settings, MemoryLedger(), "bench")[0]


def _label(directory: Path, symptom: str, at: int) -> Json:
    """What is labelled of an outage. Only the judge and the perfect model see it."""
    told: object = json.loads((directory / "outages.json").read_text(encoding="utf-8"))
    labels = cast("Sequence[Json]", cast("Json", told)["outages"] if isinstance(told, dict) else told)
    return next(one for one in labels if one["symptom"] == symptom and instant(str(one["detected_at"])) == at)


def _row(seed: int, leg: str, label: Json, judge: Judge, found: Investigation, seconds: float, *, named: bool) -> Row:
    used = found.usage
    return Row(
        seed=seed,
        outage=str(label["id"]),
        leg=leg,
        observable=bool(label["observable"]),
        rank=judge.rank(label, cast("Json", json.loads(found.to_json()))),
        abstained=found.verdict != FOUND,
        named=named,
        calls=used.llm_calls,
        tokens=used.tokens,
        cost_usd=used.cost_usd,
        dropped=used.dropped,
        seconds=seconds,
    )


# figures


def summary(rows: Sequence[Row]) -> str:
    """The tables."""
    legs = list(dict.fromkeys(r.leg for r in rows))
    visible = [r for r in rows if r.observable]
    hidden = [r for r in rows if not r.observable]
    asked = len({(r.seed, r.outage) for r in visible})
    lines = [
        f"{asked} outages whose cause is in the data, {len({(r.seed, r.outage) for r in hidden})} of which nothing tells",
        "",
        f"{'':<18}"
        + "".join(f"{c:>26}" for c in ("top-1", "top-3", "found", "abstained: in data", "abstained: not in it")),
    ]
    for leg in legs:
        own, other = _of(visible, leg), _of(hidden, leg)
        figures = (_figure(own, _first), _figure(own, _third), _figure(own, _found), _figure(own, _abstained), _figure(other, _abstained))  # fmt: skip
        lines.append(f"{leg:<18}" + "".join(figures))
    lines += ["", "difference to no model, paired"]
    for leg in legs[1:]:
        own, other = _paired(visible, leg), _paired(hidden, leg)
        figures = (_change(own, _first), _change(own, _third), _change(own, _found), _change(own, _abstained), _change(other, _abstained))  # fmt: skip
        lines.append(f"{leg:<18}" + "".join(figures))
    lines += ["", f"{'an investigation':<18}{'calls':>10}{'tokens':>12}{'US$':>12}{'dropped':>10}{'seconds':>10}"]
    for leg in legs:
        own = _of(rows, leg)
        count = max(len(own), 1)
        lines.append(
            f"{leg:<18}{sum(r.calls for r in own) / count:>10.1f}{sum(r.tokens for r in own) / count:>12.0f}{sum(r.cost_usd for r in own) / count:>12.5f}"
            f"{sum(r.dropped for r in own) / count:>10.1f}{sum(r.seconds for r in own) / count:>10.2f}"
        )
    perfect = _of(visible, PERFECT)
    lines.append(
        f"\nthe true cause was among what a model may name in {sum(r.named for r in perfect)} of {len(perfect)}"
    )
    return "\n".join(lines)


def _first(row: Row) -> float:
    return float(row.rank == 1)


def _third(row: Row) -> float:
    return float(1 <= row.rank <= 3)


def _found(row: Row) -> float:
    return float(row.rank == 1 and not row.abstained)


def _abstained(row: Row) -> float:
    return float(row.abstained)


def _of(rows: Sequence[Row], leg: str) -> list[Row]:
    return [r for r in rows if r.leg == leg]


def _paired(rows: Sequence[Row], leg: str) -> list[tuple[Row, Row]]:
    plain = {(r.seed, r.outage): r for r in _of(rows, NONE)}
    return [(plain[r.seed, r.outage], r) for r in _of(rows, leg)]


def _figure(rows: Sequence[Row], value: Callable[[Row], float]) -> str:
    by_seed: dict[int, list[float]] = defaultdict(list)
    for row in rows:
        by_seed[row.seed].append(value(row))
    return _shown(by_seed, "")


def _change(pairs: Sequence[tuple[Row, Row]], value: Callable[[Row], float]) -> str:
    by_seed: dict[int, list[float]] = defaultdict(list)
    for before, after in pairs:
        by_seed[before.seed].append(value(after) - value(before))
    return _shown(by_seed, "+")


def _shown(by_seed: Mapping[int, Sequence[float]], sign: str) -> str:
    if not by_seed:
        return f"{'-':>26}"
    mean, low, high = interval(by_seed)
    return f"{mean:{sign}.3f} ({low:{sign}.2f} to {high:{sign}.2f})".rjust(26)


# the command line


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=read_seeds, default=read_seeds("0-9"), help="worlds, as 0-29")
    parser.add_argument("--config", type=Path, help="a lore.yaml whose `model:` is measured besides")
    parser.add_argument("--jobs", type=int, default=1, help="worlds at once")
    options = parser.parse_args()
    one = partial(measured, config=options.config)
    rows: list[Row] = []
    with ProcessPoolExecutor(max(options.jobs, 1)) as pool:
        for done, found in enumerate(pool.map(one, options.seeds), 1):
            rows += found
            if done % 10 == 0:
                print(f"{done}/{len(options.seeds)} worlds", file=sys.stderr)
    print(summary(rows))


if __name__ == "__main__":
    main()
