"""The bench that kills syncs: a small run of it, and that it notices a source that cannot be resumed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from bench.kills import sqlite_place, torture, world_sources
from bench.worlds import write_world
from graph.clock import Instant
from graph.model import Assertion, Entity, FactBatch, ref
from ingest.source import Source

MANY = 40


class Numbered:
    """Delivers a thing a batch. A forgetful one moves its cursor on before it delivers."""

    name = "numbered"
    scope = "s"

    def __init__(self, forgetful: bool) -> None:
        self._ahead = int(forgetful)

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        for n in range(int(cursor or 0), MANY):
            thing = Entity(ref("File", str(n)), {"path": str(n)})
            told = [Assertion(thing, now, now, "here")]
            time.sleep(0.01)  # else a fast machine is done before it can be killed
            yield FactBatch(f"b{n}", self.name, self.scope, "t/1", told, cursor=str(n + 1 + self._ahead))


@pytest.mark.parametrize("name", ["slack", "terraform_state"])
def test_a_source_of_an_organisation_that_is_killed_and_resumed_leaves_the_same_graph(
    tmp_path: Path, name: str
) -> None:
    write_world(3, tmp_path / "world")
    source = next(source for _, source in world_sources(tmp_path / "world") if source.name == name)
    result = torture(name, source, sqlite_place(tmp_path), 4, Random(1))
    assert result.sound, result
    assert result.kills >= 4
    assert result.batches > 10


def test_a_source_whose_cursor_runs_ahead_of_what_it_delivered_is_found_out(tmp_path: Path) -> None:
    forgetful: Source = Numbered(forgetful=True)
    result = torture("forgetful", forgetful, sqlite_place(tmp_path), 12, Random(1))
    assert result.midway
    assert result.different
    assert result.example


def test_a_source_that_delivers_one_by_one_is_sound_and_killed_midway(tmp_path: Path) -> None:
    result = torture("numbered", Numbered(forgetful=False), sqlite_place(tmp_path), 12, Random(1))
    assert result.sound, result
    assert result.midway
