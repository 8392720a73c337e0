"""What the agent knows of language models: a typed question goes in, a typed answer and its price come out.

Everything works without a model. Where one is set, it may read, propose, choose and phrase (`agent.assist`); it never scores, queries or
acts, and whoever asks it can go on without an answer: every failure is a `ModelError`. docs/llm.md tells a user how to set one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What asking cost. Tokens are the provider's count, or an estimate that errs upwards when it gives none; money is in US dollars."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost_usd + other.cost_usd,
        )


@dataclass(frozen=True, slots=True)
class Prices:
    """What a model costs, in US dollars per million tokens. Zero for one that costs nothing."""

    input_usd: float = 0.0
    output_usd: float = 0.0

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """The price of so many tokens, in US dollars."""
        return (input_tokens * self.input_usd + output_tokens * self.output_usd) / 1_000_000


class ModelError(Exception):
    """A model gave no answer that can be used. `str(error)` is one sentence, `hint` the remedy, `usage` what it cost all the same."""

    def __init__(self, message: str, hint: str = "", *, usage: Usage | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.usage = usage or Usage()


class ModelUnavailable(ModelError):
    """It cannot be reached or has no room just now. Transient; `retry_after_s` is how long the provider asks to wait, if it does."""

    def __init__(
        self, message: str, hint: str = "", *, retry_after_s: float | None = None, billed: bool = False
    ) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s
        self.billed = billed
        """Whether the provider may charge for the question though no answer arrived (a timeout)."""


class ModelMisconfigured(ModelError):
    """Asking again cannot help until a setting is changed: a key that is refused, a model that is unknown, an address that is no model's."""


class ModelAnswerInvalid(ModelError):
    """It answered, and also after one repair the answer was not of the form that was asked for."""


class BudgetExceeded(ModelError):
    """The question was not asked: it could cost more than what is left of a budget."""


class ChatModel(Protocol):
    """A language model that fills in forms."""

    @property
    def name(self) -> str:
        """What it is called in reports: the provider and the model."""
        ...

    def structured(self, messages: Sequence[Message], schema: type[T]) -> tuple[T, Usage]:
        """The model's answer as a `schema`: its shape is right, what it says is not to be believed before it was checked.

        Raises:
            ModelUnavailable, ModelMisconfigured, ModelAnswerInvalid, BudgetExceeded: all of them `ModelError`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Form:
    """The form of an answer, as providers are told it: a name of letters and underscores, and a JSON schema whose root is an object."""

    name: str
    schema: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Completion:
    """What a provider returned: text that should hold one JSON object, and its token counts when it gave any.

    `cut`: the answer ended at the limit of its length, or was refused midway.
    """

    text: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    cut: bool = False


class Provider(Protocol):
    """Sends one request to one model, once. Retrying, repairing, counting and paying are done by `agent.llm_structured`."""

    @property
    def name(self) -> str:
        """The provider and the model: `anthropic/claude-…`."""
        ...

    def complete(self, messages: Sequence[Message], form: Form, max_output_tokens: int) -> Completion:
        """The model's answer, at temperature 0 where the API has one.

        Raises:
            ModelUnavailable, ModelMisconfigured.
        """
        ...


class Meter(Protocol):
    """Guards a budget. `agent.llm_budget` has one."""

    def reserve(self, worst: Usage) -> None:
        """Set aside what a call may cost at worst. Raises `BudgetExceeded`; then nothing was set aside."""
        ...

    def settle(self, worst: Usage, used: Usage) -> None:
        """Replace what was set aside by what the call cost."""
        ...
