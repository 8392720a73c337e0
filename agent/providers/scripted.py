"""A model that says what it was told to say: for tests, for trying out settings, and for going through a conversation again offline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from agent.llm import Completion, Form, Message, ModelMisconfigured, ModelUnavailable
from agent.llm_structured import StructuredModel
from agent.providers import ModelSettings

Line: TypeAlias = "str | msgspec.Struct | Exception | Callable[[Sequence[Message]], str | msgspec.Struct]"
"""What is answered: a text as it is, a struct as JSON, an error that is raised, or what a function makes of the question."""


class Scripted:
    """A provider that answers line by line, and remembers what it was asked."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = list(lines)
        self.asked: list[tuple[tuple[Message, ...], Form]] = []

    @property
    def name(self) -> str:
        """Always the same."""
        return "scripted"

    def complete(self, messages: Sequence[Message], form: Form, max_output_tokens: int) -> Completion:
        """The next line; after the last one the model is not there."""
        self.asked.append((tuple(messages), form))
        if not self._lines:
            raise ModelUnavailable("the script has no more lines")
        line = self._lines.pop(0)
        if isinstance(line, Exception):
            raise line
        if callable(line) and not isinstance(line, msgspec.Struct):
            line = line(messages)
        text = line if isinstance(line, str) else msgspec.json.encode(line).decode()
        return Completion(text)


class ScriptedModel(StructuredModel):
    """The model behind `Scripted`, with the repair that any model gets."""

    def __init__(self, *lines: Line) -> None:
        self.script = Scripted(lines)
        super().__init__(self.script, sleep=_at_once)

    @property
    def seen(self) -> str:
        """Everything that was sent so far."""
        return "\n".join(message.content for messages, _ in self.script.asked for message in messages)


def opened(settings: ModelSettings) -> Scripted:
    """The lines of the file that `options.path` names, one answer a line.

    Raises:
        ModelMisconfigured: there is no such file.
    """
    path = settings.options.get("path")
    if not isinstance(path, str):
        raise ModelMisconfigured("the provider scripted needs a file of answers", "set model.options.path")
    try:
        return Scripted(Path(path).read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        raise ModelMisconfigured(f"the answers in {path} cannot be read", "it must be a readable UTF-8 file") from None


def _at_once(seconds: float) -> None:
    """No time passes in a script."""
