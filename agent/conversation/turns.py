"""What a conversation remembers of each turn: what was asked, and the subjects that a later "it" or "the second one" can mean."""

from __future__ import annotations

from msgspec.structs import replace

from agent.model import Struct


class ThingTopic(Struct, frozen=True, kw_only=True):
    """A thing that was talked about. `name` is what a question can call it by so that just this is meant."""

    name: str
    kind: str = ""
    ref: str = ""


class ChangeTopic(Struct, frozen=True, kw_only=True):
    """A change that was talked about. `name` is what a question can call it by, `label` what a person calls it."""

    name: str
    label: str
    kind: str
    id: str
    repository: str = ""
    at: str = ""
    by: str = ""
    environments: tuple[str, ...] = ()
    thing: ThingTopic | None = None


class Choice(Struct, frozen=True, kw_only=True):
    """One of several that may be meant: what to call it, and what is asked when it is picked."""

    label: str
    question: str


class Turn(Struct, frozen=True, kw_only=True):
    """One turn.

    Attributes:
        asked: the full question, or the symptom.
        kind: the kind of the question, or what was done: investigate, drift, cost …
        status: of the answer; `found` of an investigation.
        thing, change: what the answer is about.
        changes: what it listed, in its order.
        sure: it is about one change, or one thing, and does not only list several.
        people: who did it, first, then others that were named.
        choices: what else may have been meant.
        at: of the change, the incident or the answer, RFC 3339.
        symptom: words of an alert or incident that can be investigated.
        investigation: its id.
    """

    asked: str
    kind: str
    status: str = "answered"
    thing: ThingTopic | None = None
    change: ChangeTopic | None = None
    changes: tuple[ChangeTopic, ...] = ()
    sure: bool = True
    people: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    environment: str = ""
    at: str = ""
    symptom: str = ""
    investigation: str = ""

    @property
    def has_subject(self) -> bool:
        """Whether a later "it" can mean something of this turn."""
        return self.thing is not None or self.change is not None or bool(self.changes)


def continued(turn: Turn, before: Turn | None) -> Turn:
    """A turn that followed up on another: what it did not tell again of the same change or thing still holds."""
    if before is None:
        return turn
    if turn.change is None and not turn.changes and turn.thing is not None and before.thing is not None:
        if before.change is not None and _same(turn.thing, before.thing):
            return replace(turn, change=before.change, changes=before.changes, at=turn.at or before.at)
    elif turn.thing is None and turn.change is not None and before.change is not None:
        same = turn.change.name == before.change.name
        return replace(turn, thing=before.thing, people=turn.people or before.people) if same else turn
    return turn


def asked_back(line: str, choices: tuple[Choice, ...]) -> Turn:
    """A turn in which it was asked back: only what can be picked is remembered of it."""
    return Turn(asked=line, kind="ask_back", status="ambiguous", choices=choices)


def _same(one: ThingTopic, other: ThingTopic) -> bool:
    return one.name == other.name or (bool(one.ref) and one.ref == other.ref)
