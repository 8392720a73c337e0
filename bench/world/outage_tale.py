"""What happens in a world of outages, before it is known which deployment carried what."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from bench.world.outage_model import Change, Hand, Outage, PodEvent, Said, Signal, Topology, Turn, Write
from bench.world.outage_words import (
    WHY,
)
from examples.formats.certificates import Certificate

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
KINDS = ("config", "deploy", "manual", "expiry", "quota", "external")


@dataclass(frozen=True, slots=True)
class Secret:
    """A TLS secret of the cluster; made anew under another name when it is renewed."""

    name: str
    certificate: Certificate


@dataclass(slots=True)
class Tale:
    """All that happens, before it is known which deployment carried what."""

    random: Random
    topology: Topology
    start: datetime
    blind: frozenset[str] = frozenset()
    """Of `services` and `infra` those whose deployments nothing tells: what is merged there may be in prod."""
    changes: dict[str, Change] = field(default_factory=dict[str, Change])
    hands: dict[str, Hand] = field(default_factory=dict[str, Hand])
    rollbacks: list[tuple[str, datetime]] = field(default_factory=list[tuple[str, datetime]])
    """(change that is rolled back, when)."""
    outages: list[Outage] = field(default_factory=list[Outage])
    signals: list[Signal] = field(default_factory=list[Signal])
    events: list[PodEvent] = field(default_factory=list[PodEvent])
    said: list[Said] = field(default_factory=list[Said])
    certificates: list[Certificate] = field(default_factory=list[Certificate])
    secrets: list[Secret] = field(default_factory=list[Secret])
    used: set[str] = field(default_factory=set[str])
    """What is done at most once: unrelated changes, scale-ups, secret names."""
    counter: int = 0
    end: datetime = datetime.min

    def next(self, prefix: str) -> str:
        """A key that was not given before."""
        self.counter += 1
        return f"{prefix}{self.counter}"

    def between(self, low: datetime, high: datetime, a: float = 0.0, b: float = 1.0) -> datetime:
        """A whole second between two moments, in the part from `a` to `b` of the way."""
        span = max((high - low).total_seconds(), 2.0)
        return (low + timedelta(seconds=max(1, int(span * self.random.uniform(a, b))))).replace(microsecond=0)

    def person(self) -> str:
        """Somebody."""
        return self.random.choice(self.topology.organisation.people).key


def add_pull(tale: Tale, repository: str, title: str, edits: tuple[Turn | Write, ...], merged_at: datetime, *, service: str = "", role: str = "background", body: str = "") -> Change:  # fmt: skip
    random, organisation = tale.random, tale.topology.organisation
    author, reviewer = random.sample([p.key for p in organisation.people], 2)
    created = merged_at - timedelta(minutes=random.randint(6, 600), seconds=random.randint(0, 59))
    name = organisation.infra_repository if repository == "infra" else organisation.service_repository
    style = random.choice(("squash", "squash", "merge"))
    body = body or (random.choice(WHY) if random.random() < 0.6 else "")
    change = Change(tale.next("c"), name, title, body, author, reviewer, created, merged_at, edits, service, {}, style, role)  # fmt: skip
    tale.changes[change.key] = change
    return change
