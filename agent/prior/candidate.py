"""What the prior is asked: a symptom, the changes that may have caused it, and what earlier changes say about their paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from graph.clock import Instant
from graph.model import EntityRef


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change as the prior sees it: a mainline change, a deployment, an audit event.

    Attributes:
        ref: the change.
        at: when it took effect where the symptom is, else when it was merged.
        title: its first line.
        message: whole commit messages or pull request text, without trailers of people.
        paths: what it touched, as files name it.
        changed: changed lines, or attribute paths with their values, as text, capped.
        before_text, after_text: removed and added lines apart, when they are known apart.
        distance: hops in the dependency graph from the nearest anchor; 0 is the symptomatic thing itself, None unknown.
        direction: `upstream`, `downstream`, `same`, or empty.
        fit: 0 to 1, how well the kind of change fits the class of symptom; 0 unknown.
        environment_match: 1 reached the symptom's environment, 0 unknown, -1 reached only others or none.
        memory: likeness to confirmed past incidents, 0 to 1.
        format_only: other bytes, same meaning.
        sections: lines that open or name what the changed lines stand in: the key, the job, the resource.
        undone_at: when a later change took it back, None when none did. The future of the question must not be in it.
    """

    ref: EntityRef
    at: Instant
    title: str = ""
    message: str = ""
    paths: tuple[str, ...] = ()
    changed: str = ""
    before_text: str = ""
    after_text: str = ""
    distance: float | None = None
    direction: str = ""
    fit: float = 0.0
    environment_match: float = 0.0
    memory: float = 0.0
    format_only: bool = False
    undone_at: Instant | None = None
    sections: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A symptom: its text, when it was noticed, the classes it was read as, and the names found in it."""

    text: str
    at: Instant
    classes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PastChange:
    """A change from before the window: what was said of it and what it touched.

    Attributes:
        undone_at: when a later change took it back, None when none did.
        undone_after: how many mainline changes came between, both ends counted: 1 when the very next one took it back.
        undone_why: what the change that took it back says of the reason.
    """

    at: Instant
    message: str
    paths: tuple[str, ...]
    undone_at: Instant | None = None
    undone_after: int = 0
    undone_why: str = ""


class Corpus(Protocol):
    """What past changes say about paths."""

    def past(self) -> Sequence[PastChange]:
        """Changes before the window, newest first, as many as are affordable; may be empty."""
        ...


@dataclass(frozen=True, slots=True)
class PastChanges:
    """A corpus that is at hand."""

    changes: tuple[PastChange, ...] = ()

    def past(self) -> Sequence[PastChange]:
        """The changes."""
        return self.changes
