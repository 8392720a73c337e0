"""Anthropic's models: the form is the one tool, and the model must use it. The only user of its SDK.

No temperature is sent: since version 2026-10-21 the API refuses requests that name one, and the SDK has no such argument.
https://docs.anthropic.com/en/api/messages
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import anthropic  # noqa: TID251 - the one module that does
import msgspec

from agent.llm import Completion, Form, Message, ModelMisconfigured
from agent.providers import ModelSettings
from agent.providers.reading import body_of, failure, read_json, timed_out, unreachable

DEFAULT_BASE_URL = "https://api.anthropic.com"


class _Block(msgspec.Struct):
    type: str
    text: str = ""
    name: str = ""
    input: object = None


class _Counted(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None


class _Answer(msgspec.Struct):
    content: list[_Block]
    stop_reason: str | None = None
    usage: _Counted | None = None


class Anthropic:
    """One of Anthropic's models."""

    def __init__(self, model: str, base_url: str, api_key: str, timeout_s: float) -> None:
        self._model = model
        self._timeout_s = timeout_s
        self._forced = True
        self._client = anthropic.Anthropic(
            # Every value is given, so that the SDK takes none from the environment.
            api_key=api_key,
            base_url=base_url or DEFAULT_BASE_URL,
            timeout=timeout_s,
            max_retries=0,
            # A redirection would carry the key along.
            http_client=anthropic.DefaultHttpxClient(timeout=timeout_s, follow_redirects=False),
        )

    @property
    def name(self) -> str:
        """`anthropic/` and the model."""
        return f"anthropic/{self._model}"

    def complete(self, messages: Sequence[Message], form: Form, max_output_tokens: int) -> Completion:
        """Ask; what the model gives the tool is the answer."""
        try:
            return self._sent(messages, form, max_output_tokens)
        except anthropic.BadRequestError as error:
            # A model that thinks first may not be made to use a tool; it is left to it then, here and from now on.
            if not self._forced or "tool_choice" not in str(error.message)[:2_000]:
                raise failure(self.name, error.status_code, error.response.headers) from None
        self._forced = False
        try:
            return self._sent(messages, form, max_output_tokens)
        except anthropic.BadRequestError as error:
            raise failure(self.name, error.status_code, error.response.headers) from None

    def _sent(self, messages: Sequence[Message], form: Form, max_output_tokens: int) -> Completion:
        ends_at = time.monotonic() + self._timeout_s
        try:
            with self._client.messages.with_streaming_response.create(
                model=self._model,
                messages=(),
                max_tokens=max_output_tokens,
                extra_body=self._request(messages, form, max_output_tokens),
            ) as response:
                body = body_of(self.name, response.iter_bytes(), ends_at)
        except anthropic.APITimeoutError:
            raise timed_out(self.name) from None
        except anthropic.APIConnectionError:
            raise unreachable(self.name) from None
        except anthropic.BadRequestError:
            raise
        except anthropic.APIStatusError as error:
            raise failure(self.name, error.status_code, error.response.headers) from None
        answer = read_json(self.name, body, _Answer)
        used = answer.usage or _Counted()
        return Completion(
            _given(answer, form.name),
            used.input_tokens,
            used.output_tokens,
            cut=answer.stop_reason in ("max_tokens", "refusal"),
        )

    def _request(self, messages: Sequence[Message], form: Form, max_output_tokens: int) -> dict[str, object]:
        return {
            "model": self._model,
            "max_tokens": max_output_tokens,
            "system": "\n\n".join(m.content for m in messages if m.role == "system"),
            "messages": [{"role": m.role, "content": m.content} for m in messages if m.role != "system"],
            "tools": [{"name": form.name, "description": "Takes the answer.", "input_schema": form.schema}],
            "tool_choice": {"type": "tool", "name": form.name} if self._forced else {"type": "auto"},
        }


def opened(settings: ModelSettings) -> Anthropic:
    """The provider of these settings.

    Raises:
        ModelMisconfigured: the model or the key is missing.
    """
    if not settings.model:
        raise ModelMisconfigured("no model is named for the provider anthropic", "set model.model")
    if not settings.api_key:
        raise ModelMisconfigured("the provider anthropic needs a key", "set model.api_key: ${ANTHROPIC_API_KEY}")
    return Anthropic(settings.model, settings.base_url, settings.api_key, settings.timeout_s)


def _given(answer: _Answer, tool: str) -> str:
    """What our tool was given; a call of any other is none. Text is taken where the model used no tool."""
    for block in answer.content:
        if block.type == "tool_use" and block.name == tool:
            return msgspec.json.encode(block.input).decode()
    return "".join(block.text for block in answer.content if block.type == "text")
