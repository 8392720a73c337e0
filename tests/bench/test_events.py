"""The bench of events a minute: that it counts what was stored and what was delivered."""

from __future__ import annotations

from pathlib import Path

from bench.events import NOW, delivered, pulled
from bench.kills import sqlite_place
from bench.world_deliveries import hooks_of, settings_of
from bench.worlds import write_world


def test_events_are_pulled_and_delivered_and_counted_once(tmp_path: Path) -> None:
    world = write_world(3, tmp_path / "w")
    place = sqlite_place(tmp_path)
    with place.open() as store:
        found = pulled(store, [tmp_path / "w"])
        assert found.events > len(world.pulls) + len(world.deploys) + len(world.audit)
        assert found.assertions > found.events
        again = pulled(store, [tmp_path / "w"])
        assert again.events == found.events
    hooks = hooks_of(tmp_path / "w", NOW)[:300]
    place.empty()
    with place.open() as store:
        told = delivered(store, [(hooks, settings_of(world.organisation))], tmp_path / "inbox.db")
        assert told.events == len(hooks)
        assert store.status().entities["PullRequest"] > 5
    assert "events" not in told.line("x")
    assert f"| x | {len(hooks)} |" in told.line("x")
