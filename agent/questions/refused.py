"""What cannot be answered: said so, with what can."""

from __future__ import annotations

from agent.context import Context
from agent.model import Answer
from agent.questions import KINDS


def answer(context: Context) -> Answer:
    """Why not, and what can be asked."""
    examples = "; ".join(doc for kind, doc in KINDS.items() if kind != "refused")
    context.notes.clear()
    context.missing.clear()
    reason = context.question.reason or "This is not a question that infralore can answer."
    return context.answer("refused", f"{reason} It can tell {examples}.", confidence=1.0)
