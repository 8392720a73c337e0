"""The settings of models, and that the documentation's examples are ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import pytest
import yaml

from agent.llm import BudgetExceeded, Message, ModelMisconfigured
from agent.llm_budget import Amount, Budget, MemoryLedger
from agent.llm_settings import open_budgeted, read_llm_settings
from tests.agent.llm.extras import need
from tests.agent.llm.test_structured import Answer

PAGE = (Path(__file__).parents[3] / "docs" / "llm.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("package", "extra"), [("anthropic", "anthropic"), ("llama_index.core", "llama-index")])
def test_what_the_other_tests_of_models_need_is_there_or_was_not_asked_for(package: str, extra: str) -> None:
    need(package, extra)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_of_the_documentation_is_valid(example: str) -> None:
    given = cast("dict[str, dict[str, object]]", yaml.safe_load(example))
    assert read_llm_settings(given["model"]).model.provider == given["model"]["provider"]


def test_every_setting_is_documented() -> None:
    fields = read_llm_settings.__globals__["_Given"].__struct_fields__
    table = PAGE.partition("| setting |")[2].partition("\n\n")[0]
    assert [f for f in fields if f"`{f}`" not in table] == []


def test_the_python_example_of_the_documentation_runs() -> None:
    need("llama_index.core", "llama-index")
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, object] = {}
    exec(example, names)
    assert names["nodes"] == []
    assert len(cast("list[object]", names["tools"])) == 3


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({}, "provider"),
        ({"provider": "oracle"}, "oracle"),
        ({"provider": "openai", "modle": "x"}, "modle"),
        ({"provider": "openai", "timeout_s": "soon"}, "timeout_s"),
        ({"provider": "openai", "timeout_s": 0}, "too small"),
        ({"provider": "openai", "per_day": {"tokens": -1}}, "too small"),
        ({"provider": "openai", "per_day": {"usd": 3}}, "prices"),
        ({"provider": "openai", "per_day": {"euro": 3}}, "euro"),
    ],
)
def test_a_wrong_setting_is_told_by_its_name(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ModelMisconfigured, match=says) as caught:
        read_llm_settings(wrong)
    assert caught.value.hint


def test_without_a_word_on_budgets_there_still_are_some() -> None:
    settings = read_llm_settings({"provider": "openai", "model": "m"})
    assert settings.per_investigation.tokens
    assert settings.per_day.tokens


def test_a_key_is_shown_nowhere() -> None:
    assert "hush" not in repr(read_llm_settings({"provider": "openai", "api_key": "hush"}))


def test_the_day_is_shared_by_what_is_opened_with_one_ledger(tmp_path: Path) -> None:
    (tmp_path / "answers").write_text('{"number": 1}\n' * 3)
    settings = read_llm_settings(
        {
            "provider": "scripted",
            "options": {"path": str(tmp_path / "answers")},
            "max_output_tokens": 100,
            "per_day": {"tokens": 250},
        }
    )
    assert settings.per_day == Budget(tokens=250)
    ledger = MemoryLedger()
    first, meter = open_budgeted(settings, ledger, "2026-03-04")
    _, used = first.structured([Message("user", "How many?")], Answer)
    assert meter.spent == ledger.spent("2026-03-04") == Amount(used.tokens)
    ledger.spend("2026-03-04", Amount(200), Budget())
    second, meter = open_budgeted(settings, ledger, "2026-03-04")
    with pytest.raises(BudgetExceeded, match="2026-03-04"):
        second.structured([Message("user", "How many?")], Answer)
    assert meter.spent == Amount()
    third, _ = open_budgeted(settings, ledger, "2026-03-05")
    third.structured([Message("user", "How many?")], Answer)
