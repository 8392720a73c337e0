"""A language model in the settings: it helps `lore ask` and `lore investigate`, which do as well without it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import msgspec
import pytest

from agent.llm import BudgetExceeded, ModelMisconfigured
from api.errors import EXIT_ERROR, explain
from api.settings import Settings
from api.wiring import Engine, wall_clock
from graph.clock import rfc3339
from tests.api.lore import Lore

SYMPTOM = "the API answers 502 since noon"
AT = "2024-02-02T12:00:00Z"
SECRET = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
READ = '{"classes": [{"name": "latency", "quote": "since noon"}], "names": []}'
REST = ('{"proposals": []}', '{"checks": ["k2"]}', '{"checks": []}', '{"text": "Mallory did it [c1]."}')
QUERY = '{"queries": [{"kind": "who_changed", "mention": "API rule", "when": "", "by": "", "environment": "", "attribute": "", "effects": [], "direction": "in"}]}'


def configured(lore: Lore, *answers: str, **settings: object) -> Path:
    """A `lore.yaml` whose model gives these answers."""
    script = lore.home / "answers.txt"
    script.write_text("\n".join(answers) + "\n", encoding="utf-8")
    model = {"provider": "scripted", "options": {"path": str(script)}, **settings}
    path = lore.home / "lore.yaml"
    path.write_text(json.dumps({"model": model}), encoding="utf-8")
    return path


def investigated(lore: Lore, *more: str | Path) -> dict[str, object]:
    ran = lore("investigate", SYMPTOM, "--at", AT, "--no-sync", "-o", "json", *more)
    assert ran.code == 0, ran.err
    return msgspec.json.decode(ran.out, type=dict[str, object])


def usage(answer: dict[str, object]) -> dict[str, float]:
    return msgspec.convert(answer["usage"], dict[str, float])


def spent(lore: Lore) -> list[tuple[str, int]]:
    ledger = lore.home / "data" / "infralore" / "models.db"
    if not ledger.exists():
        return []
    with sqlite3.connect(ledger) as database:
        return database.execute("SELECT day, tokens FROM spent").fetchall()


class TestInvestigating:
    def test_what_it_cost_is_told_and_counted_by_day(self, lore: Lore) -> None:
        config = configured(lore, READ, *REST, input_usd_per_million=1.0, output_usd_per_million=2.0)
        found = investigated(lore, "-c", config)
        assert usage(found)["llm_calls"] >= 2
        assert usage(found)["cost_usd"] > 0
        (row,) = spent(lore)
        assert row[1] == usage(found)["tokens"] > 0

    def test_a_replay_is_offline_and_to_the_byte(self, lore: Lore) -> None:
        config = configured(lore, READ, *REST)
        found = investigated(lore, "-c", config)
        assert "latency" in json.dumps(found["symptoms"])
        config.unlink()
        (lore.home / "answers.txt").unlink()
        before = spent(lore)
        ran = lore("replay", str(found["id"]))
        assert ran.code == 0, ran.err
        assert "byte for byte" in ran.err
        assert spent(lore) == before

    def test_without_model_nothing_is_asked(self, lore: Lore) -> None:
        config = configured(lore, READ, *REST)
        found = investigated(lore, "--no-model", "-c", config)
        assert usage(found)["llm_calls"] == 0
        assert spent(lore) == []
        assert "latency" not in json.dumps(found["symptoms"])

    def test_a_budget_of_the_day_that_is_used_up_is_a_note(self, lore: Lore) -> None:
        config = configured(lore, READ, *REST, per_day={"tokens": 100})
        found = investigated(lore, "-c", config)
        assert usage(found)["tokens"] == 0
        assert "the budget for models of" in json.dumps(found["notes"])
        ran = lore("replay", str(found["id"]))
        assert "byte for byte" in ran.err

    def test_a_model_that_cannot_be_opened_is_a_note_and_in_nobodys_way(self, lore: Lore) -> None:
        config = configured(lore, READ)
        (lore.home / "answers.txt").unlink()
        found = investigated(lore, "-c", config)
        assert "done without the model" in json.dumps(found["notes"])
        plain = investigated(lore, "--no-model", "-c", config)
        assert found["causes"] == plain["causes"]
        again = investigated(lore, "-c", config)
        assert again["causes"] == plain["causes"]
        assert lore("replay", str(again["id"])).code == 0

    def test_a_ledger_that_cannot_be_written_spends_nothing(self, lore: Lore) -> None:
        config = configured(lore, READ, *REST)
        ledger = lore.home / "data" / "infralore" / "models.db"
        ledger.mkdir(parents=True)
        found = investigated(lore, "-c", config)
        assert usage(found)["llm_calls"] == 0
        assert "ledger" in json.dumps(found["notes"])

    def test_a_secret_in_the_symptom_is_neither_sent_nor_kept_with_the_replies(self, lore: Lore) -> None:
        config = configured(lore, json.dumps({"classes": [], "names": [SECRET]}), *REST)
        ran = lore("investigate", f"{SYMPTOM} with {SECRET}", "--at", AT, "--no-sync", "-o", "json", "-c", config)
        assert ran.code == 0, ran.err
        found = msgspec.json.decode(ran.out, type=dict[str, object])
        assert usage(found)["dropped"] >= 1


class TestAsking:
    def test_a_question_in_free_language_becomes_a_query(self, lore: Lore) -> None:
        config = configured(lore, QUERY)
        ran = lore("ask", "hey there, the API rule: whose fingers were on it?", "-o", "json", "-c", config)
        assert ran.code == 0, ran.err
        answer = msgspec.json.decode(ran.out, type=dict[str, object])
        assert answer["kind"] == "who_changed"
        assert usage(answer)["llm_calls"] >= 1
        (row,) = spent(lore)
        assert row[1] == usage(answer)["tokens"]

    def test_without_model_it_is_asked_as_ever(self, lore: Lore) -> None:
        question = ("ask", "who changed the API rule?", "-o", "json")
        with_none = lore(*question)
        config = configured(lore, QUERY)
        config_too = lore(*question, "--no-model", "-c", config)
        one, other = (msgspec.json.decode(r.out, type=dict[str, object]) for r in (with_none, config_too))
        assert {**one, "usage": 0} == {**other, "usage": 0}
        assert usage(other)["llm_calls"] == 0
        assert spent(lore) == []

    def test_settings_that_make_no_sense_are_one_sentence_and_a_remedy(self, lore: Lore) -> None:
        configured(lore, QUERY, provider="clever")
        lore("ask", "who changed the API rule?").failed("clever", "model.provider")
        configured(lore, QUERY, tempreture=1)
        lore("ask", "who changed the API rule?").failed("tempreture", "docs/llm.md")


def test_errors_of_models_have_a_hint_and_no_traceback() -> None:
    failure = explain(ModelMisconfigured("the key is refused", "copy it anew"))
    assert (failure.message, failure.hint, failure.exit_code) == ("the key is refused", "copy it anew", EXIT_ERROR)
    assert "internal" not in explain(BudgetExceeded("no")).message


@pytest.mark.parametrize("given", [{}, {"provider": "scripted", "options": {"path": "answers"}}])
def test_an_engine_has_a_model_only_where_the_settings_name_one(tmp_path: Path, given: dict[str, object]) -> None:
    (tmp_path / "answers").write_text(READ + "\n")
    if given:
        given = {**given, "options": {"path": str(tmp_path / "answers")}}
    settings = Settings(store=f"sqlite:///{tmp_path}/lore.db", model=given, data_directory=tmp_path)
    with Engine(settings) as engine:
        assert (engine.model() is not None) == bool(given)


def test_the_clock_of_the_ledger_is_a_day(lore: Lore) -> None:
    config = configured(lore, READ, *REST)
    investigated(lore, "-c", config)
    (row,) = spent(lore)
    assert row[0] == rfc3339(wall_clock())[:10]
