"""What a model said in the course of one investigation or answer, so that it can be gone through again offline and to the byte."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from agent.llm import ChatModel, Message, ModelAnswerInvalid, ModelError, ModelUnavailable, T, Usage
from agent.model import Struct


class Exchange(Struct, frozen=True, kw_only=True):
    """A question's digest and what came of it: the answer as JSON, or one sentence on why there was none.

    The question itself is not kept: it is made of facts that the store has, and only there are they redacted and purged. `gone`: there was
    no answer because the model was not there, and not because the answer was of no use.
    """

    key: str
    answer: str = ""
    failed: str = ""
    gone: bool = False
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0


class RecordingModel:
    """A model whose exchanges are kept."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model
        self._exchanges: list[Exchange] = []

    @property
    def name(self) -> str:
        """The model's own."""
        return self._model.name

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Everything so far, in order."""
        return tuple(self._exchanges)

    def structured(self, messages: Sequence[Message], schema: type[T]) -> tuple[T, Usage]:
        """The model's answer."""
        key = _key(messages, schema)
        try:
            answer, used = self._model.structured(messages, schema)
        except ModelError as error:
            gone = not isinstance(error, ModelAnswerInvalid)
            self._exchanges.append(_exchange(key, error.usage, failed=str(error), gone=gone))
            raise
        self._exchanges.append(_exchange(key, used, answer=msgspec.json.encode(answer).decode()))
        return answer, used


class ReplayedModel:
    """Says again what was said. A question that was not asked then has no answer: the model is not there."""

    def __init__(self, name: str, exchanges: Sequence[Exchange]) -> None:
        self._name = name
        self._left: dict[str, list[Exchange]] = {}
        for exchange in exchanges:
            self._left.setdefault(exchange.key, []).append(exchange)

    @property
    def name(self) -> str:
        """The name of the model that said it."""
        return self._name

    def structured(self, messages: Sequence[Message], schema: type[T]) -> tuple[T, Usage]:
        """What was answered then; the same question again gets its next answer."""
        said = self._left.get(_key(messages, schema))
        if not said:
            raise ModelUnavailable(f"{self._name} was not asked this at the time")
        exchange = said.pop(0)
        used = Usage(exchange.calls, exchange.input_tokens, exchange.output_tokens, exchange.cost_usd)
        if exchange.gone:
            away = ModelUnavailable(exchange.failed)
            away.usage = used
            raise away
        if exchange.failed:
            raise ModelAnswerInvalid(exchange.failed, usage=used)
        try:
            return msgspec.json.decode(exchange.answer, type=schema), used
        except msgspec.MsgspecError:
            raise ModelAnswerInvalid(f"what {self._name} said then is not what is asked for now", usage=used) from None


def exchanges_as_json(exchanges: Sequence[Exchange]) -> tuple[str, ...]:
    """Exchanges as they are kept with an investigation, each a line of JSON."""
    return tuple(msgspec.json.encode(e, order="sorted").decode() for e in exchanges)


def exchanges_in(lines: Sequence[str]) -> tuple[Exchange, ...]:
    """What `exchanges_as_json` wrote.

    Raises:
        ValueError: a line is no exchange.
    """
    return tuple(msgspec.json.decode(line, type=Exchange) for line in lines)


def _exchange(key: str, used: Usage, *, answer: str = "", failed: str = "", gone: bool = False) -> Exchange:
    return Exchange(
        key=key,
        answer=answer,
        failed=failed,
        gone=gone,
        calls=used.calls,
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        cost_usd=used.cost_usd,
    )


def _key(messages: Sequence[Message], schema: type[msgspec.Struct]) -> str:
    text = "\x1e".join([schema.__name__, *(f"{m.role}\x1f{m.content}" for m in messages)])
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
