"""Models behind the API that OpenAI made usual: OpenAI, Azure, vLLM, llama.cpp, Ollama, LM Studio, gateways. The only user of its SDK.

https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import msgspec
import openai  # noqa: TID251 - the one module that does

from agent.llm import Completion, Form, Message, ModelMisconfigured, ModelUnavailable
from agent.prompts import prompt
from agent.providers import ModelSettings
from agent.providers.reading import body_of, failure, read_json, timed_out, unreachable

DEFAULT_BASE_URL = "https://api.openai.com/v1"
_ADAPTATIONS = 3


@dataclass(frozen=True, slots=True)
class _Dialect:
    """What a server understands. Starts with everything and gives up what is refused."""

    schema: bool = True
    temperature: bool = True
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"


class _Said(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Said
    finish_reason: str | None = None


class _Counted(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Answer(msgspec.Struct):
    choices: list[_Choice]
    usage: _Counted | None = None


class OpenAICompatible:
    """One model of one server. What the server refused once is not tried again."""

    def __init__(self, model: str, base_url: str, api_key: str, timeout_s: float) -> None:
        self._model = model
        self._timeout_s = timeout_s
        self._dialect = _Dialect()
        self._client = openai.OpenAI(
            # Every value is given, so that the SDK takes none from the environment; a local server wants no key, the SDK does.
            api_key=api_key or "none",
            base_url=base_url or DEFAULT_BASE_URL,
            organization="",
            project="",
            timeout=timeout_s,
            max_retries=0,
            http_client=openai.DefaultHttpxClient(timeout=timeout_s, follow_redirects=False),
        )
        self._client.organization = self._client.project = None  # no empty headers either

    @property
    def name(self) -> str:
        """`openai/` and the model."""
        return f"openai/{self._model}"

    def complete(self, messages: Sequence[Message], form: Form, max_output_tokens: int) -> Completion:
        """Ask, by a schema where the server takes one, else in words."""
        dialect = self._dialect
        for _ in range(_ADAPTATIONS):
            try:
                completion = self._sent(messages, form, max_output_tokens, dialect)
            except openai.APIStatusError as error:
                simpler = _simpler(dialect, error)
                if simpler is None:
                    raise failure(self.name, error.status_code, error.response.headers) from None
                dialect = simpler
                continue
            self._dialect = dialect
            return completion
        raise ModelMisconfigured(f"{self.name} refuses every form of question", "check model.model and model.base_url")

    def _sent(self, messages: Sequence[Message], form: Form, max_output_tokens: int, dialect: _Dialect) -> Completion:
        ends_at = time.monotonic() + self._timeout_s
        try:
            with self._client.chat.completions.with_streaming_response.create(
                model=self._model, messages=(), extra_body=self._request(messages, form, max_output_tokens, dialect)
            ) as response:
                body = body_of(self.name, response.iter_bytes(), ends_at)
        except openai.APITimeoutError:
            raise timed_out(self.name) from None
        except openai.APIConnectionError:
            raise unreachable(self.name) from None
        return self._read(body)

    def _request(
        self, messages: Sequence[Message], form: Form, max_output_tokens: int, dialect: _Dialect
    ) -> dict[str, object]:
        if not dialect.schema:
            messages = [*prompt("json_only").fill(schema=_shown(form.schema)), *messages]
        request: dict[str, object] = {
            "model": self._model,
            "messages": [{"role": m.role, "content": m.content} for m in messages],
            dialect.limit: max_output_tokens,
        }
        if dialect.temperature:
            request["temperature"] = 0
        if dialect.schema:
            shape = {"name": form.name, "schema": form.schema, "strict": True}
            request["response_format"] = {"type": "json_schema", "json_schema": shape}
        return request

    def _read(self, body: bytes) -> Completion:
        answer = read_json(self.name, body, _Answer)
        if not answer.choices:
            raise ModelUnavailable(f"{self.name} returned no answer", "ask again")
        choice = answer.choices[0]
        used = answer.usage or _Counted()
        # A call of a tool is no text: nothing was offered that could be called.
        return Completion(
            choice.message.content or "",
            used.prompt_tokens,
            used.completion_tokens,
            cut=choice.finish_reason in ("length", "content_filter"),
        )


def opened(settings: ModelSettings) -> OpenAICompatible:
    """The provider of these settings.

    Raises:
        ModelMisconfigured: no model is named.
    """
    if not settings.model:
        raise ModelMisconfigured("no model is named for the provider openai", "set model.model")
    return OpenAICompatible(settings.model, settings.base_url, settings.api_key, settings.timeout_s)


def _simpler(dialect: _Dialect, error: openai.APIStatusError) -> _Dialect | None:
    """The dialect without what a server refused, when there is anything left to give up."""
    if error.status_code not in (400, 415, 422, 501):
        return None
    said = str(error.message).casefold()[:2_000]
    if dialect.temperature and "temperature" in said:
        return replace(dialect, temperature=False)
    if dialect.limit == "max_tokens" and "max_completion_tokens" in said:
        return replace(dialect, limit="max_completion_tokens")
    return replace(dialect, schema=False) if dialect.schema else None


def _shown(schema: Mapping[str, object]) -> str:
    return msgspec.json.encode(schema).decode()
