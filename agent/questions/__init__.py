"""The kinds of question, one file each: `answer(context) -> Answer`. A kind is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast

from agent.context import Context
from agent.model import Answer, QuestionKind

KINDS: dict[QuestionKind, str] = {
    "who_changed": "who, when or what was the last change: “who changed the LB rule?”",
    "what_changed": "what changed in a place, a time or by a person: “what changed in terraform/dns last week?”",
    "why": "why something changed: “why was aws_lb.main changed?”",
    "owner": "who answers for something: “who owns terraform/dns?”",
    "dependencies": "what depends on it, or it on what: “what depends on aws_vpc.main?”",
    "state_at": "what it was at a time: “what was the port of aws_lb_listener.main on 2024-05-01?”",
    "what_is": "what something is: “what is aws_lb.main?”",
    "refused": "what none of these can answer",
}
"""Every kind, with what it is for and an example; its module has its name."""


def answerer(kind: QuestionKind) -> Callable[[Context], Answer]:
    """The function that answers this kind of question. Imported when first asked."""
    module = import_module(f"agent.questions.{kind}")
    return cast("Callable[[Context], Answer]", module.answer)
