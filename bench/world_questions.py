"""How well questions are answered that need two or more sources, over generated organisations: `python -m bench.world_questions --seeds 0-99`.

Each seed's world is written, ingested and asked; each answer is judged by its `lore.answer/1` JSON alone (`bench.world.expect`). Printed for each family:
right, wrong, abstained, and the share of right ones with a 95% interval from a bootstrap over seeds (a world's questions stand or fall together).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from random import Random
from typing import cast

from msgspec.structs import replace

from api.settings import Settings
from bench.world import templates
from bench.world.asking import TEMPLATES, Asked, Question
from bench.world.expect import Json, Score, score
from bench.world.model import World
from bench.world.seeds import read_seeds
from bench.worlds import write_world

__all__ = ["templates"]  # importing them registers the templates
BOOTSTRAPS = 1000


def questions(world: World, *, per_template: int = 1) -> Iterator[Question]:
    """The questions of a world: of each template up to `per_template` that have one answer there. The same seed asks the same."""
    for template in TEMPLATES:
        random = Random(f"question {world.seed} {template.name}")
        asked: set[str] = set()
        for case in template.find(Asked(world, random)):
            text = random.choice(template.wordings).format(**case.words)
            if text in asked:
                continue
            asked.add(text)
            identifier = f"{template.name}-{len(asked)}"
            yield Question(identifier, world.seed, template.family, text, case.expect, case.sources, case.as_of)
            if len(asked) == per_template:
                break


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """A question with what was answered and how that was judged."""

    question: Question
    answer: Json
    score: Score


def ask_world(
    seed: int, directory: Path, families: frozenset[str], per_template: int
) -> tuple[list[Outcome], list[str]]:
    """Write, ingest and ask a world. Returns the outcomes, and sentences about sources that could not be read."""
    from api.settings import load
    from api.wiring import Engine
    from graph.clock import from_datetime

    world = write_world(seed, directory)
    settings = replace(load(directory / "lore.yaml"), store=f"sqlite:///{directory.resolve()}/lore.db", embedder="none")
    outcomes: list[Outcome] = []
    settings, troubles = _readable(settings)
    with Engine(settings) as engine:
        sources, reports = engine.usable_sources()
        reports = [*reports, *engine.ingest(sources)]
        troubles += [f"{report.source}: {report.error}" for report in reports if report.error]
        for question in questions(world, per_template=per_template):
            if families and question.family not in families and question.id.rpartition("-")[0] not in families:
                continue
            as_of = from_datetime(question.as_of) if question.as_of else None
            answer: Json = json.loads(engine.ask(question.question, as_of=as_of).to_json())
            outcomes.append(Outcome(question, answer, score(question.expect, answer)))
    return outcomes, troubles


def _readable(settings: Settings) -> tuple[Settings, list[str]]:
    """The settings without sources whose module is not there, and a sentence about each of those."""
    from ingest.registry import setting_docs

    kept: list[dict[str, dict[str, object]]] = []
    missing: dict[str, str] = {}
    for entry in settings.sources:
        try:
            for name in entry:
                setting_docs(name)
        except ModuleNotFoundError as error:
            missing |= {name: f"{name}: left out, {error}" for name in entry}
            continue
        kept.append(entry)
    return replace(settings, sources=tuple(kept)), list(missing.values())


def interval(by_seed: dict[int, list[bool]], random: Random) -> tuple[float, float]:
    """The 95% interval of the share of true ones, by drawing whole seeds."""
    seeds = sorted(by_seed)
    shares: list[float] = []
    for _ in range(BOOTSTRAPS):
        drawn = [by_seed[random.choice(seeds)] for _ in seeds]
        count = sum(map(len, drawn))
        shares.append(sum(map(sum, drawn)) / count if count else 0.0)
    shares.sort()
    return shares[int(0.025 * BOOTSTRAPS)], shares[int(0.975 * BOOTSTRAPS) - 1]


def summary(outcomes: list[Outcome], by: str = "family") -> str:
    """A table: a line for each family (or template) and one for all."""
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        groups[outcome.question.family if by == "family" else outcome.question.id.rpartition("-")[0]].append(outcome)
    lines = [f"{'':<24}{'asked':>7}{'right':>7}{'wrong':>7}{'abst.':>7}   share right (95%)"]
    for name, rows in [*sorted(groups.items()), ("all", outcomes)]:
        verdicts = [row.score.verdict for row in rows]
        by_seed: dict[int, list[bool]] = defaultdict(list)
        for row in rows:
            by_seed[row.question.seed].append(row.score.verdict == "right")
        low, high = interval(by_seed, Random("bootstrap"))
        right = verdicts.count("right")
        lines.append(
            f"{name:<24}{len(rows):>7}{right:>7}{verdicts.count('wrong'):>7}{verdicts.count('abstained'):>7}   "
            f"{right / len(rows):.3f} ({low:.3f}-{high:.3f})"
        )
    return "\n".join(lines)


def shown(outcome: Outcome) -> str:
    """A failure, for reading."""
    question, answer = outcome.question, outcome.answer
    return (
        f"seed {question.seed} {question.id}: {question.question}\n"
        f"  {outcome.score.verdict}: {'; '.join(outcome.score.reasons)[:600]}\n"
        f"  {answer.get('status')} {answer.get('kind')}: {str(answer.get('text'))[:400]}\n"
    )


def plain(value: object) -> object:
    """A question as JSON; empty expectations are left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {
            name: field for name, field in fields.items() if field not in ([], (), "", None, False) or name == "allowed"
        }
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [plain(item) for item in cast("tuple[object, ...]", value)]
    return value


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=read_seeds, default=read_seeds("0-99"), help="as 0-99 or 3,5,8-11")
    parser.add_argument(
        "--family", action="append", default=[], help="only this family or template; may be given several times"
    )
    parser.add_argument("--per-template", type=int, default=1, help="questions of each template in each world")
    parser.add_argument("--by", choices=("family", "template"), default="family")
    parser.add_argument("--show-failures", type=int, default=0, metavar="N")
    parser.add_argument(
        "--dump",
        type=Path,
        help="write the questions with what is expected to this file, as JSON lines, and ask nothing",
    )
    options = parser.parse_args()
    families: frozenset[str] = frozenset(options.family)
    outcomes: list[Outcome] = []
    dumped: list[str] = []
    started = last = time.monotonic()
    for done, seed in enumerate(options.seeds, 1):
        with tempfile.TemporaryDirectory(prefix="world-") as directory:
            if options.dump:
                world = write_world(seed, Path(directory))
                dumped += [
                    json.dumps(plain(q), ensure_ascii=False)
                    for q in questions(world, per_template=options.per_template)
                ]
                continue
            found, troubles = ask_world(seed, Path(directory), families, options.per_template)
        for trouble in troubles if done == 1 else ():
            print(trouble, file=sys.stderr)
        outcomes += found
        if time.monotonic() - last > 10:
            last = time.monotonic()
            right = sum(o.score.verdict == "right" for o in outcomes)
            print(
                f"{done}/{len(options.seeds)} worlds, {right}/{len(outcomes)} right, {last - started:.0f} s",
                file=sys.stderr,
            )
    if options.dump:
        options.dump.write_text("".join(line + "\n" for line in dumped), encoding="utf-8")
        print(f"{len(dumped)} questions written to {options.dump}")
        return
    if not outcomes:
        raise SystemExit("no question was asked")
    for failure in [o for o in outcomes if o.score.verdict != "right"][: options.show_failures]:
        print(shown(failure))
    print(summary(outcomes, options.by))


if __name__ == "__main__":
    main()
