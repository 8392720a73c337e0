"""The bundled company's weeks: every line of every week cites, nothing of later is in it, and every surface takes it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from agent.digest.make import make_digest
from agent.digest.material import Given
from agent.digest.model import Digest
from agent.digest.window import Window
from api.digest_slack import digest_messages
from examples.build import build
from graph.clock import DAY, instant
from graph.store import GraphStore, View
from graph.stores import open_store

FIRST = instant("2025-12-01")
_DAY = re.compile(r"\b20\d\d-\d\d-\d\d\b")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    directory: Path = tmp_path_factory.mktemp("company")
    build(directory)
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("LORE_", "NEO4J_"))}  # noqa: TID251 - what a shell hands on
    subprocess.run(
        [sys.executable, "-m", "api.cli", "ingest", "--config", str(directory / "lore.yaml")],
        check=True,
        env={**environ, "XDG_DATA_HOME": str(directory / "data"), "LORE_EMBEDDER": "none"},
        capture_output=True,
    )
    with open_store(f"sqlite:///{directory}/lore.db") as opened:
        yield opened


@pytest.fixture(scope="module")
def weeks(store: GraphStore) -> list[Digest]:
    starts = [FIRST + n * 7 * DAY for n in range(0, 48, 2)]
    return [
        make_digest(store, View(), "weekly", Window(s, s + 7 * DAY, s - 7 * DAY), given=Given(seen_until=s + 7 * DAY))
        for s in starts
    ]


def test_every_line_of_every_week_cites_a_place_that_is_listed(weeks: list[Digest]) -> None:
    lines = 0
    for week in weeks:
        listed = {c.id for c in week.citations if c.locator}
        for section in week.sections:
            for item in section.items:
                lines += 1
                assert item.citations, item
                assert set(item.citations) <= listed
    assert lines > 200


def test_no_week_tells_of_a_day_after_its_end(weeks: list[Digest]) -> None:
    for week in weeks:
        end = week.until[:10]
        for section in week.sections:
            if section.name != "expiring":
                told = [f"{i.text} {i.detail}" for i in section.items] + [section.summary]
                assert not [day for text in told for day in _DAY.findall(text) if day >= end], (week.since, told)


def test_the_weeks_of_the_incidents_name_their_causes(store: GraphStore) -> None:
    for since, cause, broke in (
        ("2026-05-18", "#41 “Only the CDN may reach the edge”", "Payment confirmations do not arrive"),
        ("2026-09-21", "#7 “Fail fast when the warehouse is slow”", "Orders pile up before the warehouse"),
    ):
        start = instant(since)
        week = make_digest(store, View(), "weekly", Window(start, start + 7 * DAY, start - 7 * DAY))
        assert f"{cause} caused " in week.headline
        incident = next(s for s in week.sections if s.name == "incidents").items
        assert len(incident) == 1
        assert broke in incident[0].text
        assert f"Caused by {cause}" in incident[0].detail


def test_every_week_fits_into_slack(weeks: list[Digest]) -> None:
    for week in weeks:
        for blocks in digest_messages(week):
            assert len(blocks) <= 50
            for block in msgspec.to_builtins(blocks):
                assert len(str(block.get("text", {}).get("text", ""))) <= 3_000


def test_a_year_is_one_digest_within_its_time(store: GraphStore) -> None:
    import time

    until = instant("2026-10-30")
    started = time.process_time()
    year = make_digest(store, View(), "monthly", Window(until - 365 * DAY, until, until - 730 * DAY))
    assert time.process_time() - started < 3
    assert "3 incidents" in year.headline
