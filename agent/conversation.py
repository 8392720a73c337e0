"""A line of a conversation understood: a command, a question by itself, or one that only the turns before make whole.

What a line leaves out is filled in from what was answered, in words: the result is a full question that anybody could have asked, and the
reader is told which. When there is nothing to refer to, or several things, it is asked back; nothing is guessed in silence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.conversation_commands import Action, Command, command_of
from agent.conversation_follow_ups import Followed, follow
from agent.conversation_turns import Choice, Turn
from agent.intent import clean
from graph.clock import Instant
from graph.store import GraphStore, View

REMEMBERED = 8
"""How many turns back an "it" can mean something."""
_THANKS = re.compile(
    r"(?:ok(?:ay)?|thanks?(?: you)?(?: a lot| so much)?|thx|ty|cheers|great|perfect|nice|cool|got it|good bot|lgtm|"
    r"hi|hello|hey|good morning|ok thanks|yes|no|yep|nope|right|sure|done|:\w+:|[\s,!.]+)+",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Understood:
    """What is to be done.

    Attributes:
        action: `ask` the question `text`, `investigate` the symptom `text`, ask back `text`, or do the command.
        said: how it was understood, for the reader, when that is not just what was typed.
        choices: what can be picked, when it is asked back.
        command: of a command: its times, environment, team …
        turn: the turn before that it is about: whose tree is shown, whose change is rolled back.
        follow_up: it could only be understood from the turns before.
    """

    action: Action
    text: str = ""
    said: str = ""
    choices: tuple[Choice, ...] = ()
    command: Command = field(default_factory=lambda: Command("nothing"))
    turn: Turn | None = None
    follow_up: bool = False


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
    if picked := _picked(line, turns):
        return picked
    if _THANKS.fullmatch(line):
        return Understood("nothing")
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
        return Understood("ask_back", followed.back, choices=followed.choices, follow_up=True)
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
    return Understood("ask", followed.question, f"Asked: {followed.question}", follow_up=True)


_NUMBER = re.compile(r"(?:(?:number|no\.?|option|the) ?)?(\d{1,2})[.)]?", re.I)
_NTH = {
    "first": 0, "1st": 0, "top": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3, "fifth": 4, "5th": 4,
    "sixth": 5, "last": -1, "latter": -1, "former": 0, "one": 0, "two": 1, "three": 2, "four": 3, "five": 4, "six": 5,
}  # fmt: skip
_ORDINAL = re.compile(
    rf"(?:i (?:mean|meant) |take |pick )?(?:the |number |option |no\.? )?({'|'.join(_NTH)})(?: (?:one|of them|option|candidate))?",
    re.I,
)
_CALLED = re.compile(
    r"(?:i (?:mean|meant) |no,? |take |pick )*(?:the )?(?:one )?(?:(?:in|of|for|on) )?(?:the )?(?P<w>.+?)(?: one)?",
    re.I,
)


def _picked(line: str, turns: Sequence[Turn]) -> Understood | None:
    """What a number, an ordinal or a name picks of what was offered last."""
    choices = turns[-1].choices if turns else ()
    if not choices:
        return None
    line = line.strip(" ?!.,;:")
    found = None
    if number := _NUMBER.fullmatch(line):
        index = int(number[1]) - 1
        if not 0 <= index < len(choices):
            return Understood("ask_back", f"There are {len(choices)} to pick from.", choices=choices, follow_up=True)
        found = choices[index]
    elif nth := _ORDINAL.fullmatch(line):
        index = _NTH[nth[1].casefold()]
        if index >= len(choices):
            return Understood(
                "ask_back", f"There are only {len(choices)} to pick from.", choices=choices, follow_up=True
            )
        found = choices[index]
    elif (called := _CALLED.fullmatch(line)) and len(line.split()) <= 5:
        word = called["w"].casefold()
        exact = [c for c in choices if word == c.label.partition(" (")[0].casefold()]
        holding = exact or [
            c for c in choices if re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", c.label.casefold())
        ]
        if len(holding) == 1:
            found = holding[0]
        elif holding and len(holding) < len(choices):
            return Understood("ask_back", "Which of these?", choices=tuple(holding), follow_up=True)
    if found is None:
        return None
    return Understood("ask", found.question, f"Asked: {found.question}", follow_up=True)
