"""Whole organisations with known truth: nearly all questions are answered right, and both stores give the same answers.

Seeds below 100 are those to develop on; what is reported is measured on others (`bench/RESULTS.md`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace

from api import wiring
from api.settings import Neo4jSettings, Settings, load
from api.wiring import Engine
from bench.world.asking import Question
from bench.world.expect import Json
from bench.world_questions import Outcome, ask_world, shown
from graph.clock import from_datetime, instant
from tests import neo4j_server as harness
from tests.neo4j_server import Target

neo4j_server = harness.neo4j_server_fixture
neo4j_target = harness.neo4j_target

NOW = instant("2026-06-01T00:00:00Z")
SEEDS = (3, 42, 78)
SMALL = 78
RIGHT = 0.9
MANY = 60
"""Fewer questions than that would mean that the templates found nothing to ask."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A world that was written, read into SQLite and asked everything."""

    directory: Path
    outcomes: tuple[Outcome, ...]
    troubles: tuple[str, ...]


@pytest.fixture(scope="module", autouse=True)
def one_clock_and_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """All worlds are read and asked at one moment, with one key of redaction that is not among the user's data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        for clock in ("wall_clock", "precise_clock"):
            patch.setattr(wiring, clock, lambda: NOW)
        yield


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Answered]:
    """The world of a seed, made when first asked for."""
    made: dict[int, Answered] = {}

    def of(seed: int) -> Answered:
        if seed not in made:
            directory = tmp_path_factory.mktemp(f"world-{seed}")
            outcomes, troubles = ask_world(seed, directory, frozenset(), 1)
            made[seed] = Answered(directory, tuple(outcomes), tuple(troubles))
        return made[seed]

    return of


@pytest.mark.parametrize("seed", SEEDS)
def test_nearly_all_questions_over_a_world_are_answered_right_and_cited(
    answered: Callable[[int], Answered], seed: int
) -> None:
    world = answered(seed)
    assert world.troubles == ()
    assert len(world.outcomes) >= MANY
    wrong = [o for o in world.outcomes if o.score.verdict != "right"]
    right = 1 - len(wrong) / len(world.outcomes)
    assert right >= RIGHT, f"{right:.3f} of {len(world.outcomes)}\n" + "\n".join(map(shown, wrong))


def test_neo4j_gives_the_same_answers_as_sqlite(answered: Callable[[int], Answered], neo4j_target: Target) -> None:
    world = answered(SMALL)
    here = {o.question.id: o.answer for o in world.outcomes}
    there = in_neo4j(world, neo4j_target)
    different = [name for name in there if there[name] != without_usage(here[name])]
    assert not different, "\n".join(f"{name}:\n{difference(here[name], there[name])}" for name in different)


def in_neo4j(world: Answered, target: Target) -> dict[str, Json]:
    """The answers to all questions of a world that is read into Neo4j, from the same files, by question."""
    with Engine(on_neo4j(load(world.directory / "lore.yaml"), target)) as engine:
        sources, unusable = engine.usable_sources()
        assert not [r for r in [*unusable, *engine.ingest(sources)] if r.error]
        return {o.question.id: asked(engine, o.question) for o in world.outcomes}


def asked(engine: Engine, question: Question) -> Json:
    """The answer's `lore.answer/1`."""
    as_of = from_datetime(question.as_of) if question.as_of else None
    return without_usage(json.loads(engine.ask(question.question, as_of=as_of).to_json()))


def without_usage(answer: Json) -> Json:
    """All of an answer but what it cost."""
    return {name: value for name, value in answer.items() if name != "usage"}


def difference(one: Json, other: Json) -> str:
    """The fields that differ, each with both sides."""
    fields = [name for name in one.keys() | other.keys() if name != "usage" and one.get(name) != other.get(name)]
    return "\n".join(
        f"  {n}\n    sqlite {str(one.get(n))[:300]}\n    neo4j  {str(other.get(n))[:300]}" for n in sorted(fields)
    )


def on_neo4j(settings: Settings, target: Target) -> Settings:
    """The settings of a world with its facts in Neo4j."""
    login = Neo4jSettings(target.user, target.password, target.database or "neo4j")
    return replace(settings, store=target.uri, neo4j=login, embedder="none")
