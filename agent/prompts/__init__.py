"""The prompts: one Markdown file each, with the parts `# system` and `# user` and `{{placeholders}}`.

Every prompt that shows text of others fences it (`agent.llm_fence`) and holds the rules of `rules.md` for how to treat it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from agent.llm import Message, Role

_PART = re.compile(r"^# (system|user)\n", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
_RULES = "{{rules}}"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt with its placeholders."""

    name: str
    parts: tuple[Message, ...]

    @property
    def placeholders(self) -> frozenset[str]:
        """What must be filled in."""
        return frozenset(name for part in self.parts for name in _PLACEHOLDER.findall(part.content))

    def fill(self, **values: str) -> tuple[Message, ...]:
        """The messages. What a value holds is not looked at again: a `{{name}}` in it stays.

        Raises:
            ValueError: a placeholder has no value, or a value no placeholder.
        """
        if values.keys() != self.placeholders:
            wrong = ", ".join(sorted(values.keys() ^ self.placeholders))
            raise ValueError(f"prompt {self.name}: placeholders and values differ in {wrong}")
        return tuple(
            Message(part.role, _PLACEHOLDER.sub(lambda found: values[found[1]], part.content)) for part in self.parts
        )


@cache
def prompt(name: str) -> Prompt:
    """The prompt of this name."""
    pieces = _PART.split(_text(name))[1:]
    parts: list[Message] = []
    for role, content in zip(pieces[::2], pieces[1::2], strict=True):
        shown: Role = "system" if role == "system" else "user"
        rules = _text("rules").strip() if _RULES in content else ""
        parts.append(Message(shown, content.replace(_RULES, rules).strip()))
    return Prompt(name, tuple(parts))


def _text(name: str) -> str:
    return (resources.files(__name__) / f"{name}.md").read_text(encoding="utf-8")
