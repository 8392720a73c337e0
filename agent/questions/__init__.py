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
    "approved": "who approved a change: “who approved the change to the LB rule?”",
    "reached": "when a change reached an environment: “when did #12 reach prod?”",
    "went_out": "what took effect in a time, as it arrived: “what went out to prod before 14:02?”",
    "running": "which version ran where: “which version of checkout ran in prod on 2026-03-04 14:00?”",
    "by_hand": "what was changed outside of the code: “what was changed by hand last week?”",
    "discussed": "where something was talked about and decided: “where was the LB rule discussed?”",
    "alerts": "which alerts fired: “which alerts fired after checkout was deployed?”",
    "incident": "what stands before an alert or incident: “what changed before HighErrorRate fired?”",
    "pipeline": "which pipeline run did it: “which pipeline run applied #12?”",
    "expiring": "what expires: “which certificate expires next?”",
    "who_is": "who an account belongs to: “who is U012AB3CD?”",
    "on_call": "who is on call: “who is on call for checkout?”",
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
