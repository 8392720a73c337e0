"""What is true in a world. Everything that the questions are made from; `truth.json` is these, as JSON.

Persons are named by their `key`; a pull request by (repository, number); times are UTC, whole seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from examples.formats.certificates import Certificate
from examples.formats.people import Person

PROD, STAGING = "prod", "staging"


@dataclass(frozen=True, slots=True)
class Team:
    """A team and its members' keys."""

    name: str
    display_name: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """A service; `on_call` is a person's key."""

    name: str
    team: str
    tier: str
    port: int
    on_call: str
    channel: str
    repository: str


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who and what there is."""

    name: str
    domain: str
    github: str
    slack_workspace: str
    slack_team: str
    region: str
    accounts: dict[str, str]
    """Environment -> AWS account id."""
    environments: tuple[str, ...]
    people: tuple[Person, ...]
    bots: tuple[Person, ...]
    teams: tuple[Team, ...]
    services: tuple[Service, ...]
    infra_repository: str
    service_repository: str
    layout: str
    """`directories` (a root module for each environment) or `workspaces` (one, with a variable file for each)."""
    database: str
    """Name of the database, and of the work that the queues carry."""

    def person(self, key: str) -> Person:
        """The person or bot of this key."""
        return next(p for p in (*self.people, *self.bots) if p.key == key)

    def service(self, name: str) -> Service:
        """The service of this name."""
        return next(s for s in self.services if s.name == name)

    def team(self, name: str) -> Team:
        """The team of this name."""
        return next(t for t in self.teams if t.name == name)


@dataclass(frozen=True, slots=True)
class ReviewTruth:
    """A review: APPROVED, CHANGES_REQUESTED or COMMENTED."""

    by: str
    state: str
    at: datetime
    body: str = ""


@dataclass(slots=True)
class Pull:
    """A pull request and the change it makes.

    Attributes:
        kind: infra, service, bump or docs.
        thing: key of the knob that it turns; empty for none.
        things: how people call the thing.
        environments: which environments the change can reach.
        reason: the clause that says why, word for word in the thread (or in the body when there is no thread).
        link: how thread and pull request are joined: `url_in_thread`, `permalink_in_body`, `none`, or `body` (no thread, reason in the body).
        reached: environment -> deployment id that first brought it there.
    """

    repository: str
    number: int
    kind: str
    title: str
    body: str
    author: str
    branch: str
    created_at: datetime
    reviews: list[ReviewTruth] = field(default_factory=list[ReviewTruth])
    merged_by: str = ""
    merged_at: datetime | None = None
    closed_at: datetime | None = None
    style: str = "squash"
    merge_sha: str = ""
    head_sha: str = ""
    base_sha: str = ""
    files: dict[str, str] = field(default_factory=dict[str, str])
    service: str = ""
    thing: str = ""
    things: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    before: str = ""
    after: str = ""
    reason: str = ""
    thread: str = ""
    link: str = ""
    version: str = ""
    reverts: int = 0
    hotfix: bool = False
    skip_prod: bool = False
    reached: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def approvers(self) -> list[str]:
        """Keys of who approved, in order."""
        return list(dict.fromkeys(r.by for r in self.reviews if r.state == "APPROVED"))

    @property
    def locator(self) -> str:
        """owner/name#number."""
        return f"{self.repository}#{self.number}"


@dataclass(frozen=True, slots=True)
class RunTruth:
    """A pipeline run; `environment` is empty for a build."""

    id: int
    repository: str
    name: str
    environment: str
    sha: str
    pull: int
    created_at: datetime
    finished_at: datetime
    conclusion: str
    failed_step: str = ""
    actor: str = ""


@dataclass(slots=True)
class DeployTruth:
    """A deploy of a service, or an apply of a workspace (`service` empty).

    `pulls`: the pull requests (repository, number) that it was the first to bring to its environment.
    """

    id: str
    kind: str
    service: str
    environment: str
    version: str
    previous_version: str
    sha: str
    repository: str
    actor: str
    started_at: datetime
    finished_at: datetime
    outcome: str
    run_id: int
    pulls: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    via: str = "deployments"
    """`deployments` (JSON lines) or `github` (the Deployments API)."""


@dataclass(frozen=True, slots=True)
class AuditTruth:
    """An audit event that changes, or tries to change, something. `person` is empty for the pipeline; `principal` is the caller's ARN."""

    id: str
    at: datetime
    environment: str
    name: str
    arn: str
    thing: str
    person: str
    run_id: int
    manual: bool
    failed: bool = False
    tool: str = ""
    before: str = ""
    after: str = ""
    principal: str = ""


@dataclass(frozen=True, slots=True)
class ThreadTruth:
    """A conversation: `permalinks` of all its messages, the first one's first. `decision` is the deciding message's text."""

    key: str
    channel: str
    channel_name: str
    private: bool
    permalinks: tuple[str, ...]
    stamps: tuple[str, ...]
    people: tuple[str, ...]
    started_at: datetime
    topic: str
    reason: str = ""
    decision: str = ""
    decided_by: str = ""
    pull: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class AlertTruth:
    """A firing of an alert."""

    name: str
    service: str
    environment: str
    fingerprint: str
    system: str
    starts_at: datetime
    ends_at: datetime
    incident: str = ""


@dataclass(frozen=True, slots=True)
class IncidentTruth:
    """An incident and its cause.

    `cause_kind`: deploy, config, manual, expiry or outside. `cause`: id of the deployment or audit event, domain of the certificate,
    or empty. `cause_clause`: words of the post-mortem that name it.
    """

    id: str
    number: int
    title: str
    service: str
    created_at: datetime
    acknowledged_at: datetime
    resolved_at: datetime
    assignee: str
    resolved_by: str
    cause_kind: str
    cause: str
    cause_clause: str
    fix_clause: str
    postmortem: str
    thread: str
    alert: str


@dataclass(slots=True)
class World:
    """An organisation and all that happened."""

    seed: int
    organisation: Organisation
    start: datetime
    end: datetime
    pulls: list[Pull] = field(default_factory=list[Pull])
    runs: list[RunTruth] = field(default_factory=list[RunTruth])
    deploys: list[DeployTruth] = field(default_factory=list[DeployTruth])
    audit: list[AuditTruth] = field(default_factory=list[AuditTruth])
    threads: list[ThreadTruth] = field(default_factory=list[ThreadTruth])
    alerts: list[AlertTruth] = field(default_factory=list[AlertTruth])
    incidents: list[IncidentTruth] = field(default_factory=list[IncidentTruth])
    certificates: list[Certificate] = field(default_factory=list[Certificate])
    messages: dict[str, list[tuple[str, str, datetime]]] = field(
        default_factory=dict[str, list[tuple[str, str, datetime]]]
    )
    """Person's key -> their messages in public channels: permalink, text, time."""

    def pull(self, repository: str, number: int) -> Pull:
        """The pull request of this number."""
        return next(p for p in self.pulls if (p.repository, p.number) == (repository, number))

    def deploy(self, identifier: str) -> DeployTruth:
        """The deployment of this id."""
        return next(d for d in self.deploys if d.id == identifier)

    def thread(self, key: str) -> ThreadTruth:
        """The thread of this key."""
        return next(t for t in self.threads if t.key == key)
