"""What the agent hands out: answers with citations. An `Answer` serialises exactly as the documented `lore.answer/1`.

Structs of msgspec: frozen, checked when decoded, and quick to import, since the command line starts cold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from graph.clock import Instant

Status: TypeAlias = Literal["answered", "ambiguous", "not_found", "refused"]
QuestionKind: TypeAlias = Literal[
    "who_changed",
    "what_changed",
    "why",
    "approved",
    "reached",
    "went_out",
    "running",
    "by_hand",
    "discussed",
    "alerts",
    "incident",
    "pipeline",
    "expiring",
    "who_is",
    "on_call",
    "owner",
    "dependencies",
    "state_at",
    "what_is",
    "refused",
]
AtMeans: TypeAlias = Literal["merged", "applied", "deployed", "authored", "happened"]


@dataclass(frozen=True, slots=True)
class Question:
    """A question as understood.

    Attributes:
        text: as asked, without what a terminal would act on.
        mention: the words that name the thing, as asked; empty when none do.
        since, until: the window asked for, `since <= at < until`.
        at: the moment asked about ("on 2024-05-01").
        by: the person named ("what did Ann change").
        effects: only these effects ("who deleted X"); empty means any.
        attribute: words of the attribute asked about ("the port of X"), when that is clear from the wording.
        direction: of dependencies: `in` is what depends on it, `out` what it depends on. Of events: `out` is after, `in` before.
        environment: the environment named ("to prod"), as asked.
        wanted: what is asked for of several ("who", "when", "what", "version", "is it"), where the wording tells.
        reason: why it was refused, a sentence.
    """

    kind: QuestionKind
    text: str
    mention: str = ""
    since: Instant | None = None
    until: Instant | None = None
    at: Instant | None = None
    by: str = ""
    effects: frozenset[str] = frozenset()
    attribute: str = ""
    direction: Literal["in", "out"] = "in"
    environment: str = ""
    wanted: str = ""
    reason: str = ""


class Struct(msgspec.Struct, frozen=True):
    """Base of everything below: immutable."""


class Citation(Struct, frozen=True, kw_only=True):
    """Where a statement can be read. `id` is the mark in the text: `c1`."""

    id: str
    source: str
    locator: str
    url: str | None
    observed_at: str


class Match(Struct, frozen=True, kw_only=True):
    """A thing that a mention names, or may name. `confidence` is between 0 and 1."""

    ref: str
    label: str
    locator: str
    confidence: float
    environment: str | None = None


class ChangeId(Struct, frozen=True, kw_only=True):
    """Which change: a commit by its full hash, a pull request by its number, a state version …"""

    kind: str
    id: str
    repository: str


class Actor(Struct, frozen=True, kw_only=True):
    """Who did it: the person's name, or the account's, and the accounts known."""

    name: str
    accounts: tuple[str, ...]


class PullRequest(Struct, frozen=True, kw_only=True):
    """The pull request that a change came with."""

    number: int
    title: str
    url: str | None


class Reached(Struct, frozen=True, kw_only=True):
    """When a change took effect in an environment; `latest` is None while it is open."""

    environment: str
    earliest: str | None
    latest: str | None
    basis: Literal["applied", "deployed", "merged", "unknown"]


class AttributeState(Struct, frozen=True, kw_only=True):
    """An attribute's value on one side of a change. `value` is None unless the state is `value`."""

    state: Literal["value", "absent", "redacted", "unknown"]
    value: object = None


class AttributeChange(Struct, frozen=True, kw_only=True):
    """One attribute path before and after."""

    path: str
    before: AttributeState
    after: AttributeState


class Reason(Struct, frozen=True, kw_only=True):
    """A text that says why."""

    text: str
    citation: str


class Change(Struct, frozen=True, kw_only=True):
    """One change to one thing."""

    change: ChangeId
    at: str
    at_means: AtMeans
    reached: tuple[Reached, ...]
    by: Actor
    approved_by: tuple[str, ...]
    pull_request: PullRequest | None
    title: str
    effect: str
    attributes: tuple[AttributeChange, ...]
    why: tuple[Reason, ...]
    citations: tuple[str, ...]
    target: Match | None = None
    moved_from: str | None = None
    commits: tuple[str, ...] = ()
    reverted_by: tuple[str, ...] = ()
    door: str | None = None
    """How an audited change came in: console, cli, terraform …"""
    outside_code: bool = False
    """An audited change of what code manages that no apply explains."""


class EntityItem(Struct, frozen=True, kw_only=True):
    """A thing of the answer."""

    ref: str
    kind: str
    label: str
    properties: dict[str, object]
    citations: tuple[str, ...]


class RelationItem(Struct, frozen=True, kw_only=True, rename={"src": "from", "dst": "to"}):
    """A relation of the answer, between refs."""

    type: str
    src: str
    dst: str
    citations: tuple[str, ...]


class StatedFact(Struct, frozen=True, kw_only=True):
    """One sentence of the answer by itself, with what it rests on."""

    statement: str
    citations: tuple[str, ...]


class Usage(Struct, frozen=True, kw_only=True):
    """What the answer cost."""

    llm_calls: int = 0
    tokens: int = 0
    elapsed_s: float = 0.0


class Answer(Struct, frozen=True, kw_only=True):
    """An answer. `text` is one short paragraph whose marks `[c1]` are ids of `citations`."""

    schema: Literal["lore.answer/1"] = "lore.answer/1"
    question: str
    kind: QuestionKind
    as_of: str | None
    known_at: str | None
    status: Status
    resolved: tuple[Match, ...] = ()
    candidates: tuple[Match, ...] = ()
    changes: tuple[Change, ...] = ()
    entities: tuple[EntityItem, ...] = ()
    relations: tuple[RelationItem, ...] = ()
    truncated: bool = False
    text: str
    facts: tuple[StatedFact, ...] = ()
    citations: tuple[Citation, ...] = ()
    confidence: float = 0.0
    missing: tuple[str, ...] = ()
    usage: Usage = Usage()

    def to_json(self, *, indent: int = 0) -> str:
        """The answer as `lore.answer/1`, one line, or indented by that many blanks."""
        encoded = msgspec.json.encode(self)
        return (msgspec.json.format(encoded, indent=indent) if indent else encoded).decode()

    @staticmethod
    def from_json(text: str) -> Answer:
        """The answer that `to_json` wrote.

        Raises:
            ValueError: the text is not an answer.
        """
        return msgspec.json.decode(text, type=Answer)
