"""The part `model:` of the settings: which model, and how much may be spent on it. docs/llm.md is its reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from agent.llm import ChatModel, ModelMisconfigured, Prices
from agent.llm_budget import Budget, BudgetMeter, Ledger, check_priced
from agent.providers import PROVIDERS, ModelSettings, open_model

DEFAULT_PER_INVESTIGATION_TOKENS = 100_000
DEFAULT_PER_DAY_TOKENS = 2_000_000


class _Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tokens: int | None = None
    usd: float | None = None


class _Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    provider: str
    model: str = ""
    base_url: str = ""
    api_key: str = ""
    timeout_s: float = 30.0
    max_output_tokens: int = 2_000
    max_input_chars: int = 120_000
    input_usd_per_million: float = 0.0
    output_usd_per_million: float = 0.0
    per_investigation: _Budget = _Budget(DEFAULT_PER_INVESTIGATION_TOKENS)
    per_day: _Budget = _Budget(DEFAULT_PER_DAY_TOKENS)
    llm_class: str = ""
    options: dict[str, object] = {}


@dataclass(frozen=True, slots=True)
class LlmSettings:
    """Which model is asked, and its budgets: of one investigation or answer, and of one day (UTC)."""

    model: ModelSettings
    per_investigation: Budget
    per_day: Budget


def read_llm_settings(given: Mapping[str, object]) -> LlmSettings:
    """The settings as they stand in `lore.yaml` under `model:`, with `${…}` expanded.

    Raises:
        ModelMisconfigured: a setting is unknown, missing, of the wrong sort or makes no sense.
    """
    try:
        read = msgspec.convert(dict(given), _Given)
    except msgspec.ValidationError as error:
        raise ModelMisconfigured(f"model: {error}", "docs/llm.md lists the settings") from None
    if read.provider not in PROVIDERS:
        raise ModelMisconfigured(
            f"there is no provider of models called {read.provider!r}",
            f"set model.provider to one of {', '.join(PROVIDERS)}",
        )
    numbers = (read.timeout_s, read.max_output_tokens, read.max_input_chars)
    limits = (read.per_investigation.tokens, read.per_investigation.usd, read.per_day.tokens, read.per_day.usd)
    prices = Prices(read.input_usd_per_million, read.output_usd_per_million)
    if min(numbers) <= 0 or min(prices.input_usd, prices.output_usd, *(n for n in limits if n is not None)) < 0:
        raise ModelMisconfigured(
            "model: a time, a length, a price or a budget is too small", "docs/llm.md lists the settings"
        )
    settings = LlmSettings(
        ModelSettings(
            provider=read.provider,
            model=read.model,
            base_url=read.base_url,
            api_key=read.api_key,
            timeout_s=read.timeout_s,
            max_output_tokens=read.max_output_tokens,
            max_input_chars=read.max_input_chars,
            prices=prices,
            llm_class=read.llm_class,
            options=read.options,
        ),
        Budget(read.per_investigation.tokens, read.per_investigation.usd),
        Budget(read.per_day.tokens, read.per_day.usd),
    )
    check_priced((settings.per_investigation, settings.per_day), prices)
    return settings


def open_budgeted(settings: LlmSettings, ledger: Ledger, day: str) -> tuple[ChatModel, BudgetMeter]:
    """The model for one investigation or answer, and the meter that counts what it spends.

    Args:
        settings: which model.
        ledger: what was spent on days; shared by everybody who is to stay within the day's budget together.
        day: today in UTC, `2026-03-04`.

    Raises:
        ModelMisconfigured: what the provider needs is missing.
    """
    meter = BudgetMeter(settings.per_investigation, settings.per_day, ledger, day)
    return open_model(settings.model, meter), meter
