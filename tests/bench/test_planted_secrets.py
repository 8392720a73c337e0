"""The bench that plants secrets: a small run of it, and that it would notice one that is kept."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from bench import planted_secrets
from bench.planted_secrets import (
    IDS,
    SECRETS,
    damage_ids,
    harmless,
    ingest,
    keep_secrets,
    redact_alone,
    secrets,
    traces,
)
from bench.planting import plant
from bench.world_deliveries import settings_of
from bench.worlds import write_world


def test_every_text_with_a_secret_is_clean_whatever_stands_around_it() -> None:
    assert len(SECRETS) >= 12
    assert redact_alone(1, 5, times=2) == 0


def test_no_planted_secret_is_kept_anywhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert keep_secrets(5, 110, 5) == 0
    assert "110 secrets in 5" in capsys.readouterr().out, "all fifty sorts of places were planted into"


def test_hardly_any_id_is_damaged() -> None:
    assert len(IDS) > 20
    assert damage_ids(5, 300, 5) < 3


def test_a_secret_that_is_kept_is_found_in_store_and_dump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.redact.secret_spans", lambda _text: [])  # type: ignore[arg-type]
    monkeypatch.setattr("ingest.redact.is_secret_name", lambda _name: False)  # type: ignore[arg-type]
    planted = secrets(Random(8), 56)
    world = write_world(6, tmp_path / "world")
    plant(tmp_path / "world", planted)
    left = ingest(tmp_path, planted[:5], settings_of(world.organisation))
    kept = {p for one in planted for p, text in left.places.items() if any(t in text for t in traces(one.secret))}
    assert {"dump", "embedded texts", "file lore.db"} <= kept


def test_what_is_looked_for_holds_the_secret_and_its_long_runs() -> None:
    secret = "AbCdEfGhIjKl" + "-" + "short" + "/" + "0123456789zz"
    assert traces(secret) == [secret.lower(), "abcdefghijkl", "0123456789zz"]
    assert len({one.marker for one in harmless(Random(1), 200)}) == 200
    assert planted_secrets.KEY
