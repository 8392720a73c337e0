"""The bench of what a model adds: the perfect one knows the truth and still only proposes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.llm import GIVEN, NONE, PERFECT, Row, measured, summary

SEED = 3


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    home: Path = tmp_path_factory.mktemp("llm")
    (home / "answers").write_text("no JSON\n" * 3)
    model = {"provider": "scripted", "options": {"path": str(home / "answers")}, "output_usd_per_million": 9.0}
    (home / "lore.yaml").write_text(json.dumps({"model": model}))
    return measured(SEED, home / "lore.yaml")


def test_each_outage_is_investigated_by_each(rows: list[Row]) -> None:
    outages = {r.outage for r in rows}
    assert len(outages) >= 5
    assert {(r.outage, r.leg) for r in rows} == {(o, leg) for o in outages for leg in (NONE, PERFECT, GIVEN)}


def test_the_perfect_model_finds_the_truth_among_what_it_is_offered_and_never_where_there_is_none(
    rows: list[Row],
) -> None:
    perfect = [r for r in rows if r.leg == PERFECT]
    assert all(r.named for r in perfect if r.observable)
    assert not any(r.named for r in perfect if not r.observable)
    assert all(r.calls and r.tokens for r in perfect)


def test_a_model_of_no_use_costs_and_changes_nothing(rows: list[Row]) -> None:
    plain, given = ([r for r in rows if r.leg == leg] for leg in (NONE, GIVEN))
    assert [(r.rank, r.abstained) for r in plain] == [(r.rank, r.abstained) for r in given]
    assert all(r.cost_usd > 0 for r in given)
    assert not any(r.calls for r in plain)


def test_the_tables_have_every_leg_with_its_interval_and_price(rows: list[Row]) -> None:
    told = summary(rows)
    for leg in (NONE, PERFECT, GIVEN):
        assert sum(line.startswith(leg) for line in told.splitlines()) == (2 if leg == NONE else 3)
    assert "top-1" in told
    assert "US$" in told


def test_a_difference_is_paired() -> None:
    def row(leg: str, outage: str, rank: int) -> Row:
        return Row(1, outage, leg, True, rank, False, True, 0, 0, 0.0, 0, 0.0)

    made = [row(NONE, "a", 1), row(NONE, "b", 0), row(PERFECT, "b", 1), row(PERFECT, "a", 1)]
    (difference,) = [line for line in summary(made).splitlines() if line.startswith(PERFECT) and "+" in line]
    assert "+0.500" in difference
