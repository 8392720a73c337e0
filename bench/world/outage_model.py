"""What is true of a world of outages: its topology, its changes and its labelled outages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from bench.world.model import Organisation

Value: TypeAlias = "str | int | bool | list[str]"
ENVIRONMENTS = ("staging", "prod")


@dataclass(frozen=True, slots=True)
class Thing:
    """A cloud resource that exists in each environment and is declared in a module.

    Attributes:
        role: what it is to the services: database, db_rule, cache, queue, listener, …
        name: its name in Terraform; `label` is the name people use.
        attributes: name -> first value. A name with a dot (`health_check.path`) is an attribute of a nested block. `{env}` in a text is the environment.
        per_environment: attributes that the root module of each environment passes in.
        references: attribute -> (name of another thing, `id` or `arn`).
        users: services that depend on it directly, or for a listener rule, the service behind it.
    """

    role: str
    module: str
    type: str
    name: str
    label: str
    attributes: dict[str, Value]
    per_environment: tuple[str, ...] = ()
    references: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    users: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """Address within its module."""
        return f"{self.type}.{self.name}"


@dataclass(frozen=True, slots=True)
class Topology:
    """Services, what they call and what they need."""

    organisation: Organisation
    shape: str
    calls: dict[str, tuple[str, ...]]
    """Service -> services that it calls."""
    things: tuple[Thing, ...]
    needs: dict[str, tuple[str, ...]]
    """Service -> labels of the things that it depends on."""
    vendors: dict[str, str]
    """Service -> the third party that it calls."""

    def thing(self, address: str) -> Thing:
        """The thing of this address."""
        return next(t for t in self.things if t.address == address)

    def of_role(self, role: str, user: str = "") -> list[Thing]:
        """Things of a role, of one user when one is named."""
        return [t for t in self.things if t.role == role and (not user or user in t.users)]


@dataclass(frozen=True, slots=True)
class Turn:
    """An attribute of a thing takes another value in code, for these environments (all: the module's code)."""

    address: str
    attribute: str
    after: Value
    environments: tuple[str, ...] = ENVIRONMENTS


@dataclass(frozen=True, slots=True)
class Write:
    """A file's text is replaced: `old` by `new`; an empty `old` appends (or makes the file)."""

    path: str
    old: str
    new: str


@dataclass(slots=True)
class Change:
    """A pull request. `reach`: environment -> when it was planned to take effect; absent: it is not brought there by itself."""

    key: str
    repository: str
    title: str
    body: str
    author: str
    reviewer: str
    created_at: datetime
    merged_at: datetime
    edits: tuple[Turn | Write, ...]
    service: str = ""
    reach: dict[str, datetime] = field(default_factory=dict[str, datetime])
    style: str = "squash"
    role: str = "background"
    """cause, fix, background, or which kind of distractor."""
    number: int = 0
    version: str = ""
    merge_sha: str = ""
    head_sha: str = ""
    base_sha: str = ""
    reached: dict[str, tuple[str, datetime]] = field(default_factory=dict[str, tuple[str, datetime]])
    """Environment -> the deployment that first carried it there and when that finished."""


@dataclass(slots=True)
class Hand:
    """A call by hand in prod. `attribute` empty: it turns nothing that Terraform knows."""

    key: str
    at: datetime
    address: str
    attribute: str
    after: Value
    person: str
    role: str = "background"
    environment: str = "prod"
    event_id: str = ""


@dataclass(slots=True)
class Deploy:
    """A deploy of a service or (`service` empty) an apply of an environment."""

    id: str
    kind: str
    service: str
    environment: str
    change: str
    started_at: datetime
    finished_at: datetime
    actor: str
    sha: str = ""
    version: str = ""
    previous_version: str = ""
    run_id: int = 0
    carried: list[str] = field(default_factory=list[str])
    events: list[str] = field(default_factory=list[str])
    serial: int = 0


@dataclass(frozen=True, slots=True)
class Signal:
    """An alert of some service or resource."""

    name: str
    service: str
    starts_at: datetime
    ends_at: datetime
    summary: str
    severity: str = "critical"
    labels: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class PodEvent:
    """A warning of the cluster about a service's pods."""

    service: str
    reason: str
    message: str
    at: datetime
    component: str = "kubelet"


@dataclass(frozen=True, slots=True)
class Said:
    """A message in a channel; placeholders `{{pr:KEY}}` become links."""

    channel: str
    person: str
    at: datetime
    text: str


@dataclass(slots=True)
class Outage:
    """A labelled outage."""

    id: str
    symptom: str
    detected_at: datetime
    kind: str
    mechanism: str
    symptom_class: str
    service: str
    hops: int
    effect_at: datetime | None
    change: str = ""
    hand: str = ""
    names: tuple[str, ...] = ()
    """Of an expiry: the credential's names; of a quota: names of what ran out."""
    targets: tuple[str, ...] = ()
    distractors: list[str] = field(default_factory=list[str])
    path: tuple[str, ...] = ()
    """Services and labels of things from the symptom to the cause."""
    cause_text: str = ""
    fix_text: str = ""
    recovered_at: datetime | None = None
    postmortem: bool = False
    repeat_of: str = ""
    wrong_memory_of: str = ""
    observable: bool = True
    why_not_observable: str = ""
    evidence: tuple[str, ...] = ()
    """Sources of which one must be there for the cause to be seen, when no change is it."""
