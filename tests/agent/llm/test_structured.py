"""The shared part of every model: the form, the repair, the retry, the count and the budget."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from agent.llm import (
    BudgetExceeded,
    ChatModel,
    Completion,
    Form,
    Message,
    ModelAnswerInvalid,
    ModelMisconfigured,
    ModelUnavailable,
    Prices,
    Usage,
)
from agent.llm_budget import Amount, Budget, BudgetMeter, MemoryLedger, SqliteLedger, check_priced
from agent.llm_form import answer_in, form_of
from agent.llm_recording import RecordingModel, ReplayedModel
from agent.llm_structured import StructuredModel, estimated_tokens
from agent.providers import ModelSettings, open_model
from agent.providers.scripted import Scripted, ScriptedModel


class Part(msgspec.Struct):
    name: str
    sort: Literal["a", "b"]


class Answer(msgspec.Struct):
    number: int
    parts: list[Part] = []
    note: str | None = None


class Endless(msgspec.Struct):
    more: Endless | None


ASKED = (Message("system", "Count."), Message("user", "How many?"))
GOOD = '{"number": 3, "parts": [{"name": "x", "sort": "a"}], "note": null}'
MADE = Answer(3, [Part("x", "a")])


def test_a_form_is_strict_whatever_the_struct_leaves_open() -> None:
    form = form_of(Answer)
    assert form.name == "Answer"
    text = msgspec.json.encode(form.schema).decode()
    assert "$ref" not in text
    assert "default" not in text
    assert form.schema["required"] == ["number", "parts", "note"]
    assert text.count('"additionalProperties":false') == 2


def test_a_form_that_contains_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="itself"):
        form_of(Endless)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Sure, here it is:\n{GOOD}\nAnything else?",
        f'<think>{{"number": 9}} or rather more</think>\n{GOOD}',
        f'It is not {{braces}} but {{"other": 1}}, so {GOOD}',
        GOOD.replace('"note": null', '"note": null, "extra": [1]'),
    ],
)
def test_the_answer_is_found_in_what_models_put_around_it(text: str) -> None:
    assert answer_in(text, Answer) == MADE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "I cannot say.",
        GOOD[:-9],
        '{"number": "3"}',
        '{"number": 3, "parts": [{"name": "x", "sort": "c"}]}',
        "{" * 5_000,
        '{"number": 3, "parts": [], "note": null, "deep": ' + "[" * 50_000 + "]" * 50_000 + "}",
        "[1]",
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_what_is_no_answer_is_repaired_once_and_then_given_up(text: str) -> None:
    model = ScriptedModel(text, GOOD)
    assert model.structured(ASKED, Answer)[0] == MADE
    assert len(model.script.asked) == 2

    hopeless = ScriptedModel(text, text, GOOD)
    with pytest.raises(ModelAnswerInvalid) as caught:
        hopeless.structured(ASKED, Answer)
    assert len(hopeless.script.asked) == 2
    assert caught.value.usage.calls == 2
    assert caught.value.hint


def test_the_repair_shows_the_model_its_answer_and_what_was_wrong_with_it() -> None:
    model = ScriptedModel('{"number": "three"}', GOOD)
    _, used = model.structured(ASKED, Answer)
    (first, _), (second, _) = model.script.asked
    assert first == ASKED
    assert second[:2] == ASKED
    assert second[2] == Message("assistant", '{"number": "three"}')
    assert second[3].role == "user"
    assert "Expected `int`, got `str`" in second[3].content
    assert used.calls == 2
    assert used.tokens > estimated_tokens(ASKED)


def test_an_answer_of_megabytes_is_neither_read_nor_sent_back_whole() -> None:
    model = ScriptedModel('{"number": 1, "note": "' + "x" * 1_000_000 + '"}', GOOD)
    assert model.structured(ASKED, Answer)[0] == MADE
    (_, (second, _)) = model.script.asked
    assert sum(len(m.content) for m in second) < 6_000


def test_a_question_that_is_too_long_is_not_sent() -> None:
    script = Scripted([GOOD])
    model = StructuredModel(script, max_input_chars=1_000)
    with pytest.raises(BudgetExceeded):
        model.structured([Message("user", "x" * 1_001)], Answer)
    assert not script.asked


class TestRetry:
    def made(self, *lines: str | Exception) -> tuple[StructuredModel, Scripted, list[float]]:
        waited: list[float] = []
        script = Scripted(lines)
        return StructuredModel(script, patience_s=2, sleep=waited.append), script, waited

    def test_a_short_wait_that_is_asked_for_is_waited_once(self) -> None:
        model, _, waited = self.made(ModelUnavailable("full", retry_after_s=1.5), GOOD)
        assert model.structured(ASKED, Answer)[0] == MADE
        assert waited == [1.5]

    def test_not_twice(self) -> None:
        model, script, waited = self.made(*[ModelUnavailable("full", retry_after_s=1)] * 2, GOOD)
        with pytest.raises(ModelUnavailable):
            model.structured(ASKED, Answer)
        assert waited == [1]
        assert len(script.asked) == 2

    @pytest.mark.parametrize("after_s", [None, 60.0])
    def test_a_long_or_unknown_wait_is_not_waited(self, after_s: float | None) -> None:
        model, script, waited = self.made(ModelUnavailable("full", retry_after_s=after_s), GOOD)
        with pytest.raises(ModelUnavailable):
            model.structured(ASKED, Answer)
        assert not waited
        assert len(script.asked) == 1


class Counting:
    """A provider that says how many tokens it took."""

    name = "counting"

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)

    def complete(self, messages: object, form: Form, max_output_tokens: int) -> Completion:
        return Completion(self.texts.pop(0), 1_000, 200)


class TestBudget:
    PRICES = Prices(input_usd=2.0, output_usd=10.0)

    def meter(self, tokens: int | None = None, usd: float | None = None, daily: Budget | None = None) -> BudgetMeter:
        return BudgetMeter(Budget(tokens, usd), daily or Budget(), MemoryLedger(), "2026-03-04")

    def test_the_providers_count_is_what_is_paid(self) -> None:
        meter = self.meter()
        model = StructuredModel(Counting(GOOD), prices=self.PRICES, meter=meter)
        _, used = model.structured(ASKED, Answer)
        assert used == Usage(1, 1_000, 200, pytest.approx(0.004))  # pyright: ignore[reportArgumentType]
        assert meter.spent == Amount(1_200, 4_000)

    def test_a_repair_is_paid_too_and_asked_only_if_it_is_in_the_budget(self) -> None:
        meter = self.meter(tokens=3_000)
        model = StructuredModel(Counting("no", GOOD), meter=meter, max_output_tokens=1_900)
        with pytest.raises(BudgetExceeded) as caught:
            model.structured(ASKED, Answer)
        assert caught.value.usage.tokens == 1_200
        assert meter.spent.tokens == 1_200

    def test_what_could_exceed_the_budget_at_worst_is_not_asked(self) -> None:
        script = Scripted([GOOD])
        for meter in (
            self.meter(tokens=1_000),
            self.meter(usd=0.01),
            self.meter(tokens=0),
            self.meter(daily=Budget(usd=0.01)),
        ):
            model = StructuredModel(script, prices=self.PRICES, meter=meter, max_output_tokens=1_000)
            with pytest.raises(BudgetExceeded) as caught:
                model.structured(ASKED, Answer)
            assert caught.value.hint
            assert meter.spent == Amount()
        assert not script.asked

    def test_nothing_stays_set_aside_when_the_provider_is_not_there_but_a_timeout_is_paid(self) -> None:
        meter = self.meter(tokens=100_000)
        for billed in (False, True):
            script = Scripted([ModelUnavailable("gone", billed=billed)])
            with pytest.raises(ModelUnavailable) as caught:
                StructuredModel(script, meter=meter).structured(ASKED, Answer)
            assert meter.spent.tokens == caught.value.usage.tokens == (estimated_tokens(ASKED) if billed else 0)
        assert meter.spent.tokens > 0

    def test_the_day_is_shared_by_investigations_and_the_next_day_is_new(self, tmp_path: Path) -> None:
        ledger = SqliteLedger(tmp_path / "below" / "spent.db")
        for day, fits in (("2026-03-04", True), ("2026-03-04", False), ("2026-03-05", True)):
            meter = BudgetMeter(Budget(), Budget(tokens=3_500), ledger, day)
            model = StructuredModel(Counting(GOOD), meter=meter)
            if fits:
                model.structured(ASKED, Answer)
            else:
                model = StructuredModel(Counting(GOOD), meter=meter, max_output_tokens=2_400)
                with pytest.raises(BudgetExceeded, match=day):
                    model.structured(ASKED, Answer)
        assert SqliteLedger(tmp_path / "below" / "spent.db").spent("2026-03-04") == Amount(1_200, 0)

    def test_many_at_once_stay_within_the_day_together(self, tmp_path: Path) -> None:
        path = tmp_path / "spent.db"
        granted: list[bool] = []

        def spend() -> None:
            granted.extend(SqliteLedger(path).spend("d", Amount(10), Budget(tokens=45)) for _ in range(3))

        threads = [threading.Thread(target=spend) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(granted) == 4
        assert SqliteLedger(path).spent("d") == Amount(40)

    def test_without_a_ledger_that_works_nothing_is_spent(self, tmp_path: Path) -> None:
        (tmp_path / "spent.db").write_text("this is no database, and it is long enough to be looked at" * 20)
        script = Scripted([GOOD])
        meter = BudgetMeter(Budget(tokens=9_999), Budget(), SqliteLedger(tmp_path / "spent.db"), "d")
        with pytest.raises(ModelMisconfigured, match="ledger"):
            StructuredModel(script, meter=meter).structured(ASKED, Answer)
        assert not script.asked
        assert meter.spent == Amount()

    def test_a_budget_in_money_wants_prices(self) -> None:
        check_priced((Budget(usd=1),), self.PRICES)
        check_priced((Budget(tokens=1),), Prices())
        with pytest.raises(ModelMisconfigured, match="prices"):
            check_priced((Budget(), Budget(usd=1)), Prices())


class TestReplay:
    def test_what_was_said_is_said_again_with_its_price(self) -> None:
        recording = RecordingModel(StructuredModel(Counting(GOOD)))
        first = recording.structured(ASKED, Answer)
        again: ChatModel = ReplayedModel(recording.name, recording.exchanges)
        assert again.structured(ASKED, Answer) == first
        assert again.name == "counting"

    def test_a_failure_is_a_failure_again(self) -> None:
        recording = RecordingModel(ScriptedModel("no", "no"))
        with pytest.raises(ModelAnswerInvalid) as then:
            recording.structured(ASKED, Answer)
        with pytest.raises(ModelAnswerInvalid) as now:
            ReplayedModel("m", recording.exchanges).structured(ASKED, Answer)
        assert str(now.value) == str(then.value)
        assert now.value.usage == then.value.usage

    def test_what_was_not_asked_has_no_answer(self) -> None:
        recording = RecordingModel(ScriptedModel(GOOD))
        recording.structured(ASKED, Answer)
        model = ReplayedModel("m", recording.exchanges)
        with pytest.raises(ModelUnavailable):
            model.structured([*ASKED, Message("user", "More?")], Answer)

    def test_the_question_is_not_kept(self) -> None:
        recording = RecordingModel(ScriptedModel(GOOD))
        recording.structured([Message("user", "private words")], Answer)
        assert b"private" not in msgspec.json.encode(recording.exchanges)


@pytest.mark.parametrize(
    "settings",
    [
        ModelSettings("nothing"),
        ModelSettings("openai"),
        ModelSettings("openai", model="m", base_url="localhost:8000"),
        ModelSettings("openai", model="m", base_url="http://["),
        ModelSettings("openai", model="m", base_url="http://localhost:99999"),
        ModelSettings("openai", model="m", base_url="http:///v1"),
        ModelSettings("openai", model="m", api_key="k\u00e9y"),
        ModelSettings("openai", model="m\ud800"),
        ModelSettings("anthropic", model="m", api_key="k", base_url="ftp://host"),
        ModelSettings("anthropic", api_key="k"),
        ModelSettings("anthropic", model="m"),
        ModelSettings("llama-index", llm_class="os:system"),
        ModelSettings("llama-index", llm_class="llama_index.llms.nowhere:Nothing"),
        ModelSettings("scripted"),
        ModelSettings("scripted", options={"path": "/nowhere"}),
    ],
    ids=lambda s: f"{s.provider}-{s.model!a}-{s.base_url}-{s.llm_class}",
)
def test_a_setting_that_cannot_work_is_told_before_anything_is_sent(settings: ModelSettings) -> None:
    with pytest.raises(ModelMisconfigured) as caught:
        open_model(settings)
    assert caught.value.hint


def test_a_script_in_a_file_answers_offline(tmp_path: Path) -> None:
    (tmp_path / "answers.jsonl").write_text(GOOD + "\n")
    model = open_model(ModelSettings("scripted", options={"path": str(tmp_path / "answers.jsonl")}))
    assert model.structured(ASKED, Answer)[0] == MADE


def test_settings_show_no_key() -> None:
    assert "hush" not in repr(ModelSettings("openai", api_key="hush", options={"api_key": "hush"}))
