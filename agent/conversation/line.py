"""A line being understood: what it can refer to of the turns before, and the questions that come of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from agent.conversation.turns import ChangeTopic, Choice, Turn
from agent.conversation.words import ORDER
from agent.evidence import inline, text_of
from agent.reach import environment_of
from agent.shipments import moment
from graph.clock import Instant
from graph.resolve import NAMED_KINDS
from graph.store import GraphStore, Limits, View

_COMMANDS = frozenset({"investigate", "drift", "cost", "waste", "digest", "status", "help"})

Unsure: TypeAlias = Literal["", "wording", "subject"]


@dataclass(frozen=True, slots=True)
class Followed:
    """A full question; or why it is asked back, with what may be picked; or a change to show the way back of; or a symptom.

    A full question may have `choices` as well: how else the line could be read. `stands`: the line asks by itself, and of no turn before.
    `unsure`: what it is asked back for: its `wording` is not known, or nothing tells what is asked of its `subject`.
    """

    question: str = ""
    back: str = ""
    choices: tuple[Choice, ...] = ()
    rollback: Turn | None = None
    symptom: str = ""
    at: Instant | None = None
    stands: bool = False
    unsure: Unsure = ""


@dataclass(slots=True)
class Line:
    """A line being understood, and what it can refer to."""

    text: str
    turns: Sequence[Turn]
    store: GraphStore
    view: View
    now: Instant
    continued: bool = False
    _known: frozenset[str] | None = field(default=None)

    @property
    def last(self) -> Turn | None:
        """The turn before."""
        return self.turns[-1] if self.turns else None

    @property
    def subject(self) -> Turn | None:
        """The newest turn that is about something."""
        return next((t for t in reversed(self.turns) if t.has_subject), None)

    @property
    def people(self) -> Turn | None:
        """The newest turn that names people."""
        return next((t for t in reversed(self.turns) if t.people), None)

    @property
    def listing(self) -> Turn | None:
        """The newest turn that lists changes."""
        return next((t for t in reversed(self.turns) if t.changes), None)

    @property
    def question(self) -> Turn | None:
        """The newest turn that asks a question, and is no command."""
        return next((t for t in reversed(self.turns) if t.asked and t.kind not in _COMMANDS), None)

    @property
    def environments(self) -> frozenset[str]:
        """The names of environments that the reader may see."""
        if self._known is None:
            page = self.store.select("Environment", {}, self.view, Limits(rows=200))
            self._known = frozenset(text_of(e.properties, "name").casefold() for e in page.items) - {""}
        return self._known

    def is_name(self, word: str) -> bool:
        """Whether a word is a part of any name in the graph."""
        return word.casefold() in self.store.name_vocabulary(self.view, kinds=NAMED_KINDS)

    def environment_spelled(self, word: str) -> str:
        """The environment that a word of some length names when one letter of it is wrong."""
        from rapidfuzz.distance import OSA

        plain = word.casefold()
        names = {e for e in (*self.environments, "production", "staging") if len(e) >= 5 and self.environment(e)}
        near = {e for e in names if OSA.distance(e, plain, score_cutoff=1) <= 1}
        return self.environment(min(near)) if len(near) == 1 else ""

    def environment(self, word: str) -> str:
        """The environment that a word names."""
        plain = word.strip().casefold()
        plain = re.sub(r"^the | (?:environment|env|account|cluster|one)$", "", plain)
        return environment_of(plain, self.environments) if plain else ""


def not_named(what: str) -> Followed:
    """Asked back: nothing was talked about that a word could mean."""
    return Followed(back=f"{what} Nothing was asked here that it could refer to: name the thing or the change.")


def about(line: Line, question: Callable[[str], str], *, change: bool, what: str) -> Followed:
    """The question about the change, or the thing, of the turns before; asked back when there is none or there are several."""
    turn = line.subject
    if turn is None:
        return not_named(what)
    if change:
        if turn.change is not None:
            return Followed(question(turn.change.name))
        if len(turn.changes) > 1 and turn.thing is None:
            return which(turn.changes, question)
        if turn.thing is not None:
            return Followed(question(turn.thing.name))
        return Followed(question(turn.changes[0].name)) if turn.changes else not_named(what)
    if turn.thing is not None:
        return Followed(question(turn.thing.name))
    if turn.change is not None:
        return Followed(question(turn.change.thing.name if turn.change.thing else turn.change.name))
    things = {c.thing.name: c.thing for c in turn.changes if c.thing is not None}
    if len(things) == 1:
        return Followed(question(next(iter(things))))
    if things:
        choices = tuple(Choice(label=inline(name, 160), question=question(name)) for name in list(things)[:10])
        return Followed(back=f"Which of these {len(choices)}?", choices=choices)
    return which(turn.changes, question)


def which(changes: Sequence[ChangeTopic], question: Callable[[str], str]) -> Followed:
    """Asked back which of several changes is meant."""
    choices = tuple(
        Choice(label=inline(f"{c.label} ({c.at[:10]}{f', {c.by}' if c.by else ''})", 160), question=question(c.name))
        for c in changes[:10]
    )
    return Followed(back=f"{len(changes)} changes were named. Which one?", choices=choices)


def instant_of(turn: Turn) -> Instant | None:
    """When what a turn is about happened: its change, else the earliest that it lists."""
    told = turn.change.at if turn.change is not None else turn.at
    if not told and turn.changes:
        told = min((c.at for c in turn.changes if c.at), default="")
    return moment(told)


def nth_of(turn: Turn, word: str) -> ChangeTopic | None:
    """The listed change that an ordinal or a number means; None past the end."""
    plain = word.casefold()
    index = ORDER.get(plain)
    if index is None:
        index = int(plain) - 1 if plain.isdecimal() else len(turn.changes)
    return turn.changes[index] if -len(turn.changes) <= index < len(turn.changes) else None
