"""A company in which everything a digest tells happens in one week, as facts of a source each."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha1

import msgspec

from agent.cost.model import Waste
from agent.digest.make import make_digest
from agent.digest.material import Given
from agent.digest.model import Digest, Item, Measure, Section
from agent.digest.window import Window
from agent.drift.model import AttributeDrift, Cause, Drift
from agent.model import Actor, AttributeState, Citation
from graph.clock import DAY, SECOND, Instant, instant, rfc3339
from graph.model import Assertion, Entity, EntityRef, Fact, FactBatch, Relation, Value, ref
from graph.store import GraphStore, View

SINCE = instant("2026-03-02")
UNTIL = instant("2026-03-09")
WEEK = Window(SINCE, UNTIL, SINCE - 7 * DAY)
REPOSITORY = "acme/infra"
HOUR: Instant = 3_600 * SECOND


def at(text: str) -> Instant:
    """`Tue 14:00` of the week; a date for any other."""
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    name, _, clock = text.partition(" ")
    if name not in days:
        return instant(text)
    hour, _, minute = clock.partition(":")
    return SINCE + days.index(name) * DAY + int(hour) * HOUR + int(minute) * 60 * SECOND


@dataclass
class Company:
    """Collects facts and applies them."""

    store: GraphStore
    _facts: dict[str, list[Assertion]] = field(default_factory=dict[str, list[Assertion]])
    _batches: int = 0

    def say(
        self,
        source: str,
        fact: Fact,
        since: Instant,
        *,
        until: Instant | None = None,
        label: str = "public",
        locator: str = "",
    ) -> None:
        """State a fact."""
        told = locator or f"{source}:{fact.key[-40:]}"
        self._facts.setdefault(source, []).append(Assertion(fact, since, since, told, valid_to=until, label=label))

    def apply(self) -> None:
        """Store what was said."""
        for source, facts in self._facts.items():
            self._batches += 1
            fresh = max(UNTIL, *(f.valid_from for f in facts))
            self.store.apply(
                FactBatch(f"{source}-{self._batches}", source, "acme", "test/1", tuple(facts), fresh_until=fresh)
            )
        self._facts = {}

    # -- things

    def service(self, name: str, team: str = "") -> EntityRef:
        """A service, owned by a team when one is named."""
        this, since = ref("Service", name), instant("2025-01-01")
        self.say("catalog", Entity(this, {"name": name}), since)
        if team:
            owner = ref("Team", team)
            self.say("catalog", Entity(owner, {"name": team}), since)
            self.say("catalog", Relation("OWNED_BY", this, owner, {"rule": "catalog spec.owner"}), since)
        return this

    def pull_request(
        self,
        number: int,
        title: str,
        merged: Instant,
        path: str,
        *,
        effect: str = "updated",
        attributes: list[Value] | None = None,
        type_: str = "aws_lb",
        label: str = "public",
    ) -> EntityRef:
        """A merged pull request of one commit that touches one block; the commit."""
        sha = sha1(f"{number}".encode()).hexdigest()
        commit, request = EntityRef(f"Commit:{sha}"), ref("PullRequest", REPOSITORY, str(number))
        locator = f"{REPOSITORY}@{sha}:{path}#L1-L9"
        properties: dict[str, Value] = {
            "repository": REPOSITORY, "short": sha[:7], "title": title, "authored_at": rfc3339(merged - HOUR), "mainline": sha,
            "position": number, "merged_at": rfc3339(merged),
        }  # fmt: skip
        self.say("git", Entity(commit, properties), merged, locator=f"{REPOSITORY}@{sha}", label=label)
        block = ref("Block", REPOSITORY, path)
        self.say(
            "git",
            Entity(
                block,
                {
                    "repository": REPOSITORY,
                    "path": path,
                    "block_type": "resource",
                    "type": type_,
                    "name": "main",
                    "address": f"{type_}.main",
                },
            ),
            instant("2025-01-01"),
            locator=locator,
        )
        change: dict[str, Value] = {"effect": effect, "path": path, "attributes": attributes or []}
        self._facts.setdefault("git", []).append(
            Assertion(Relation("CHANGED", commit, block, change), merged, merged, locator, label=label)
        )
        url = f"https://git.example/{REPOSITORY}/pull/{number}"
        self.say(
            "git",
            Entity(
                request, {"repository": REPOSITORY, "number": number, "title": title, "url": url, "state": "merged"}
            ),
            merged,
            locator=f"{REPOSITORY}#{number}",
            label=label,
        )
        self.say("git", Relation("PART_OF", commit, request, {}), merged, label=label)
        self.say("git", Relation("MERGED_AS", request, commit, {}), merged, label=label)
        return commit

    def deployment(
        self,
        when: Instant,
        commit: EntityRef | None = None,
        *,
        service: str = "",
        environment: str = "prod",
        action: str = "",
        version: str = "1",
    ) -> EntityRef:
        """A deployment of a service, or an apply when none is named."""
        this = ref("Deployment", f"{service}-{environment}-{when}")
        properties: dict[str, Value] = {
            "service": service, "environment": environment, "version": version, "action": action or ("deploy" if service else "apply"),
            "outcome": "succeeded", "repository": "acme/infra", "started_at": rfc3339(when - 60 * SECOND), "finished_at": rfc3339(when),
            "commit": commit.id if commit is not None else "",
        }  # fmt: skip
        self.say(
            "deployments", Entity(this, properties), when, locator=f"deployments:{service or 'apply'}-{rfc3339(when)}"
        )
        return this

    def incident(
        self,
        number: str,
        title: str,
        start: Instant,
        end: Instant,
        *,
        service: str = "",
        cause: EntityRef | None = None,
        told: Instant | None = None,
    ) -> EntityRef:
        """An incident; its cause is stated at `told`."""
        this = ref("Incident", number)
        said: dict[str, Value] = {
            "incident_id": number,
            "system": "pagerduty",
            "title": title,
            "severity": "high",
            "service": service,
            "started_at": rfc3339(start),
        }
        self.say(
            "alerts", Entity(this, {**said, "state": "triggered"}), start, until=end, locator=f"pagerduty:{number}"
        )
        self.say(
            "alerts",
            Entity(this, {**said, "state": "resolved", "resolved_at": rfc3339(end)}),
            end,
            locator=f"pagerduty:{number}",
        )
        if cause is not None:
            self.say(
                "documents",
                Relation("CAUSED_BY", this, cause, {"rule": "postmortem", "text": "as written"}),
                told or end,
                locator="handbook@x:postmortem.md#L3",
            )
        return this

    def drift(
        self,
        name: str,
        seen: Instant,
        *,
        gone: Instant | None = None,
        severity: str = "high",
        owners: tuple[str, ...] = (),
        label: str = "public",
    ) -> EntityRef:
        """A stored finding of a scan."""
        this = ref("Finding", f"drift_{name}")
        cause = Cause(
            by=Actor(name="Ann Archer", accounts=()),
            via="console",
            at=rfc3339(seen - HOUR),
            action="ec2:X",
            event="AuditEvent:1",
            citations=("c1",),
        )
        result = Drift(
            id=f"drift_{name}", kind="changed", ref=f"Resource:{name}", address=f"aws_security_group.{name}", type="aws_security_group", environment="prod",
            basis="plan", severity="high", first_seen_at=rfc3339(seen), owners=owners, causes=(cause,), risks=("opens port 22 to everybody",),
            attributes=(AttributeDrift(path="ingress", desired=AttributeState(state="value", value="10.0.0.0/8"), actual=AttributeState(state="value", value="0.0.0.0/0")),),
        )  # fmt: skip
        cited = (
            Citation(id="c1", source="cloudtrail", locator=f"cloudtrail:{name}", url=None, observed_at=rfc3339(seen)),
        )
        properties: dict[str, Value] = {
            "finding_id": f"drift_{name}", "type": "drift", "kind": "changed", "state": "open", "severity": severity, "environment": "prod", "title": name,
            "first_seen_at": rfc3339(seen), "result": msgspec.json.encode(result).decode(), "citations": msgspec.json.encode(cited).decode(),
        }  # fmt: skip
        self.say("drift", Entity(this, properties), seen, until=gone, locator=f"drift:{name}", label=label)
        return this

    def waste(self, name: str, seen: Instant, saving: str | None) -> None:
        """A stored finding of waste."""
        result = Waste(
            id=f"waste_{name}",
            kind="idle",
            ref=f"Resource:{name}",
            label=f"aws_lb.{name}",
            type="aws_lb",
            reason="no request in 30 days",
            saving=saving,
        )
        properties: dict[str, Value] = {
            "finding_id": f"waste_{name}", "type": "waste", "kind": "idle", "state": "open", "severity": "low", "environment": "prod", "title": name,
            "first_seen_at": rfc3339(seen), "result": msgspec.json.encode(result).decode(),
        }  # fmt: skip
        self.say("costs", Entity(ref("Finding", f"waste_{name}"), properties), seen, locator=f"waste:{name}")

    def certificate(self, name: str, created: Instant, expires: Instant) -> None:
        """A certificate that is known from when it was made on."""
        properties = {
            "type": "certificate",
            "name": name,
            "created_at": rfc3339(created),
            "expires_at": rfc3339(expires),
        }
        self.say(
            "secrets", Entity(ref("Credential", name, rfc3339(created)), properties), created, locator=f"secrets:{name}"
        )


def digest(
    store: GraphStore,
    team: str = "",
    window: Window = WEEK,
    given: Given | None = None,
    audience: frozenset[str] = frozenset({"public"}),
) -> Digest:
    """The week's digest."""
    return make_digest(store, View(audience=audience), "weekly", window, team, given or Given(seen_until=window.until))


def section(of: Digest, name: str) -> Section:
    """One section."""
    return next(s for s in of.sections if s.name == name)


def items(of: Digest, name: str) -> tuple[Item, ...]:
    """The lines of one section."""
    return section(of, name).items


def measure(of: Digest, name: str) -> Measure:
    """One measure."""
    return next(m for m in of.measures if m.name == name)
