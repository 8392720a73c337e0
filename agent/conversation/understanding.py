"""A line of a conversation understood: a command, a question by itself, or one that only the turns before make whole.

What a line leaves out is filled in from what was answered, in words: the result is a full question that anybody could have asked, and the
reader is told which. When there is nothing to refer to, or several things, it is asked back; nothing is guessed in silence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.conversation.commands import Action, Command, command_of
from agent.conversation.follow_ups import follow
from agent.conversation.line import Followed, Unsure
from agent.conversation.picking import picked
from agent.conversation.remarks import is_remark, reply_to
from agent.conversation.turns import Choice, Turn
from agent.intent import clean
from graph.clock import Instant
from graph.store import GraphStore, View

REMEMBERED = 8
"""How many turns back an "it" can mean something."""


@dataclass(frozen=True, slots=True)
class Understood:
    """What is to be done.

    Attributes:
        action: `ask` the question `text`, `investigate` the symptom `text`, ask back `text`, or do the command; of `nothing`, `text` is a reply.
        said: how it was understood, for the reader, when that is not just what was typed.
        choices: what can be picked when it is asked back; of a question, how else the line could be read.
        command: of a command: its times, environment, team …
        turn: the turn before that it is about: whose tree is shown, whose change is rolled back.
        follow_up: it could only be understood from the turns before.
        unsure: why it is asked back when nothing of it was understood: a `wording` that is not known may still be known to a model.
    """

    action: Action
    text: str = ""
    said: str = ""
    choices: tuple[Choice, ...] = ()
    command: Command = field(default_factory=lambda: Command("nothing"))
    turn: Turn | None = None
    follow_up: bool = False
    unsure: Unsure = ""


def understand(text: str, turns: Sequence[Turn], store: GraphStore, view: View, now: Instant) -> Understood:
    """What a line means after these turns.

    Args:
        text: as typed; anything at all may stand in it.
        turns: oldest first; they must come from answers that this reader may see.
        store, view: to tell names of people and environments from other words.
        now: what "yesterday" is relative to.

    Returns:
        What to do in every case; `ask_back` when a word refers to something that is not there, or to several.
    """
    line = clean(text)
    turns = turns[-REMEMBERED:]
    if not any(c.isalnum() for c in line):
        return Understood("help" if line else "nothing", command=Command("help"))
    if (choice := picked(line, turns)) is not None:
        return _made(choice)
    if is_remark(line):
        return Understood("nothing", reply_to(line))
    command = command_of(line, now)
    if command is not None and not (command.action == "investigate" and _PRONOUN.fullmatch(command.text)):
        return _commanded(command, turns)
    followed = follow(line, turns, store, view, now)
    if followed is None:
        if command is not None:
            return _commanded(command, turns)
        return Understood("ask", line)
    return _made(followed)


_PRONOUN = re.compile(r"(?:it|that|this|them|(?:that|this|the) (?:incident|alert|outage|one))", re.I)


def _commanded(command: Command, turns: Sequence[Turn]) -> Understood:
    if command.action == "investigate" and _PRONOUN.fullmatch(command.text):
        return Understood("ask_back", "Investigate what? Tell the symptom: “investigate checkout returns 502”.")
    if command.action == "tree":
        before = next((t for t in reversed(turns) if t.investigation), None)
        if before is None:
            return Understood(
                "ask_back",
                "There is no investigation here whose tree could be shown: “investigate SYMPTOM” starts one.",
            )
        return Understood("tree", before.investigation, f"The tree of “{before.asked}”.", command=command, turn=before)
    if command.action == "more":
        if not turns:
            return Understood("ask_back", "More of what? Nothing was asked here before.")
        return Understood("more", turns[-1].asked, command=command, turn=turns[-1])
    return Understood(command.action, command.text, command=command)


def _made(followed: Followed) -> Understood:
    if followed.back:
        return Understood("ask_back", followed.back, choices=followed.choices, follow_up=True, unsure=followed.unsure)
    if followed.rollback is not None:
        turn = followed.rollback
        label = turn.change.label if turn.change is not None else ""
        return Understood(
            "rollback", turn.change.name if turn.change else "", f"How to take back {label}.", turn=turn, follow_up=True
        )
    if followed.symptom:
        command = Command("investigate", followed.symptom, at=followed.at)
        said = f"Investigating: {followed.symptom}"
        return Understood("investigate", followed.symptom, said, command=command, follow_up=True)
    return Understood("ask", followed.question, f"Asked: {followed.question}", followed.choices, follow_up=True)
