"""The one `ChatModel`: any provider, with one retry, one repair, a count of tokens and a budget. Shared by all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from agent.llm import (
    BudgetExceeded,
    Completion,
    Form,
    Message,
    Meter,
    ModelAnswerInvalid,
    ModelError,
    ModelUnavailable,
    Prices,
    Provider,
    T,
    Usage,
)
from agent.llm_form import NotTheForm, answer_in, form_of
from agent.prompts import prompt

_CHARS_PER_TOKEN = 2.5
"""Errs upwards for English and JSON, where a token is rather four."""
_REPEATED_CHARS = 4_000
"""So much of a malformed answer is shown to the model again."""


class StructuredModel:
    """A model behind a provider.

    Args:
        provider: sends one request.
        prices: what tokens cost.
        meter: guards the budget; None asks without one.
        max_output_tokens: how long an answer may be.
        max_input_chars: how long a question may be; a longer one is not sent.
        patience_s: a provider that asks to wait is asked once more after at most so many seconds.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        prices: Prices | None = None,
        meter: Meter | None = None,
        max_output_tokens: int = 2_000,
        max_input_chars: int = 120_000,
        patience_s: float = 3.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._provider = provider
        self._prices = prices or Prices()
        self._meter = meter
        self._max_output_tokens = max_output_tokens
        self._max_input_chars = max_input_chars
        self._patience_s = patience_s
        self._sleep = sleep

    @property
    def name(self) -> str:
        """The provider and the model."""
        return self._provider.name

    def structured(self, messages: Sequence[Message], schema: type[T]) -> tuple[T, Usage]:
        """The answer as a `schema`, repaired once when it was malformed."""
        form = form_of(schema)
        used = Usage()
        try:
            first, cost = self._call(messages, form)
            used += cost
            try:
                return self._read(first, schema), used
            except NotTheForm as wrong:
                second, cost = self._call(_asked_again(messages, first, wrong), form)
                used += cost
            return self._read(second, schema), used
        except NotTheForm as wrong:
            raise ModelAnswerInvalid(
                f"{self.name} did not fill in the form, also when asked again: {wrong}",
                "a model with structured output or tools does better; the answer without a model stands",
                usage=used,
            ) from None
        except ModelError as error:
            error.usage = used + error.usage
            raise

    @staticmethod
    def _read(completion: Completion, schema: type[T]) -> T:
        try:
            return answer_in(completion.text, schema)
        except NotTheForm as wrong:
            raise NotTheForm(f"{wrong} (it was cut off)" if completion.cut else str(wrong)) from None

    def _call(self, messages: Sequence[Message], form: Form) -> tuple[Completion, Usage]:
        try:
            return self._paid(messages, form)
        except ModelUnavailable as error:
            wait_s = error.retry_after_s
            if wait_s is None or wait_s > self._patience_s:
                raise
            self._sleep(wait_s)
        return self._paid(messages, form)

    def _paid(self, messages: Sequence[Message], form: Form) -> tuple[Completion, Usage]:
        chars = sum(len(message.content) for message in messages)
        if chars > self._max_input_chars:
            raise BudgetExceeded(
                f"the question to {self.name} would have {chars:,} characters, more than the {self._max_input_chars:,} allowed",
                "raise model.max_input_chars, or ask about less",
            )
        estimate = estimated_tokens(messages)
        worst = self._usage(estimate, self._max_output_tokens)
        if self._meter:
            self._meter.reserve(worst)
        used = Usage(calls=1)
        try:
            completion = self._provider.complete(messages, form, self._max_output_tokens)
            used = self._usage(
                estimate if completion.input_tokens is None else completion.input_tokens,
                _tokens(len(completion.text)) if completion.output_tokens is None else completion.output_tokens,
            )
            return completion, used
        except ModelError as error:
            if isinstance(error, ModelUnavailable) and error.billed:
                used = self._usage(estimate, 0)
            error.usage = used
            raise
        finally:
            if self._meter:
                self._meter.settle(worst, used)

    def _usage(self, input_tokens: int, output_tokens: int) -> Usage:
        return Usage(1, input_tokens, output_tokens, self._prices.cost(input_tokens, output_tokens))


def estimated_tokens(messages: Sequence[Message]) -> int:
    """How many tokens messages have, rather too many than too few."""
    return sum(_tokens(len(m.content.encode("utf-8", "replace"))) + 8 for m in messages)


def _tokens(size: int) -> int:
    return int(size / _CHARS_PER_TOKEN) + 1


def _asked_again(messages: Sequence[Message], answer: Completion, wrong: NotTheForm) -> tuple[Message, ...]:
    """The conversation with the malformed answer, and what was wrong with it."""
    (again,) = prompt("repair").fill(wrong=str(wrong)[:300])
    # Some servers refuse an empty message.
    said = answer.text[:_REPEATED_CHARS].strip().encode("utf-8", "replace").decode() or "(nothing)"
    return (*messages, Message("assistant", said), again)
