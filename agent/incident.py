"""What the investigator thinks in: a symptom as read, suspects, evidence. Nothing here reads the graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from agent.investigation import CauseKind, Verdict
from graph.clock import Instant
from graph.model import EntityRef
from graph.store import ChangeView, Provenance

SymptomClass: TypeAlias = Literal[
    "errors",  # 5xx, exceptions, failing requests without a clearer class
    "latency",
    "timeouts",
    "refused",  # connection refused, unreachable, no route
    "dns",
    "tls",
    "access_denied",
    "authentication",  # credentials, tokens or keys that are not accepted
    "throttled",
    "oom",
    "crash_loop",
    "disk",
    "cpu",
    "data",  # loss, corruption, wrong or stale content
    "cost",
    "queue_lag",
    "unscheduled",  # pods or tasks that find no place, scaling that does not happen
    "connections",  # pools and connection limits
    "unavailable",  # down, no healthy targets
    "build",  # jobs, pipelines and deployments that fail
]


@dataclass(frozen=True, slots=True)
class ReadClass:
    """A class of symptom and the words by which it was read; `confidence` is between 0 and 1."""

    name: SymptomClass
    how: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Anchor:
    """An entity that the symptom is about.

    Attributes:
        how: how it was recognised, as part of a sentence: 'named in the symptom', 'the alert that fired at 14:02 is about it'.
        confidence: between 0 and 1.
        said: where that can be read, when a source says so.
    """

    ref: EntityRef
    label: str
    how: str
    confidence: float
    said: Provenance | None = None


@dataclass(frozen=True, slots=True)
class Symptom:
    """A symptom as read.

    Attributes:
        text: as told, cleaned and cut.
        at: when it was detected; nothing that took effect later is looked at.
        since: from when on causes are looked for.
        environment: where it shows; empty when that is not known.
        classes: what sort of failure, surest first.
        anchors: what it is about, surest first.
        words: the words of the text that carry meaning, lower case, in order, once each.
    """

    text: str
    at: Instant
    since: Instant
    environment: str = ""
    classes: tuple[ReadClass, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def class_names(self) -> tuple[SymptomClass, ...]:
        """The classes by name, surest first."""
        return tuple(c.name for c in self.classes)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something lies, seen from the symptom.

    Attributes:
        ref: the component (service or resource) that it belongs to.
        label: what to call it.
        distance: links from the nearest anchor; 0 is the anchor itself.
        direction: `upstream` is what the anchor depends on, `downstream` what depends on it, `same` the anchor itself.
        via: refs from the anchor to it, in order.
    """

    ref: EntityRef
    label: str
    distance: float
    direction: Literal["same", "upstream", "downstream"]
    via: tuple[EntityRef, ...] = ()


@dataclass(frozen=True, slots=True)
class Suspect:
    """Something that may be the cause: a change with all its names, or a condition (an expiry, a quota).

    Attributes:
        key: identity in this investigation and the tie break; the ref of `change`, or of `target` for conditions.
        kind: the contract's kind of cause.
        change: the change that answers for it: the mainline commit, else the audit event, state version or deployment; None for conditions.
        also: other refs of the same change: commits of the branch, pull request, deployments that carried it, audit events of its apply.
        views: its `CHANGED` relations.
        target: what it touched, as near to the symptom as there is.
        at: when it took effect where the symptom is; else when it was merged or happened; of a condition, when it came about.
        at_means: applied, deployed, merged, happened, expired, …
        reached: environments that it is known to have reached by the time of the symptom, with the moment.
        expected: environments in which such changes are normally seen to arrive (by deployments or applies); empty when no source tells.
        place: where it lies; None when no path to an anchor is known.
        title, text, paths, changed: what it says of itself; `changed` are changed lines and attributes with values.
        found_by: name of the generator.
        said: where it can be read.
    """

    key: EntityRef
    kind: CauseKind
    change: EntityRef | None
    target: EntityRef | None
    at: Instant
    at_means: str
    title: str
    found_by: str
    also: tuple[EntityRef, ...] = ()
    views: tuple[ChangeView, ...] = ()
    reached: Mapping[str, Instant] = field(default_factory=dict[str, Instant])
    expected: frozenset[str] = frozenset()
    place: Place | None = None
    text: str = ""
    paths: tuple[str, ...] = ()
    added: str = ""
    removed: str = ""
    repository: str = ""
    service: str = ""
    merged_at: Instant | None = None
    by_hand: bool = False
    mechanism: str = ""
    properties: Mapping[str, str] = field(default_factory=dict[str, str])
    said: tuple[Provenance, ...] = ()

    @property
    def changed(self) -> str:
        """Removed and added text together."""
        return f"{self.removed}\n{self.added}".strip()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a check found of one suspect.

    Attributes:
        check: the check's name.
        verdict: `no_data` has weight 0 always.
        weight: log likelihood ratio, natural log; above zero it supports.
        reason: a sentence, without citation marks.
        said: where it can be read.
    """

    check: str
    verdict: Verdict
    weight: float
    reason: str
    said: tuple[Provenance, ...] = ()
