"""A shop with one incident, stated as facts in a real store, and the scene in which it is reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from agent.incident import Anchor, Evidence, ReadClass, Suspect, Symptom, SymptomClass
from agent.scene import Scene
from agent.surroundings import surroundings
from graph.clock import DAY, SECOND, Instant, instant, rfc3339
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, FactBatch, Passage, Relation, Value, ref
from graph.store import ChangeQuery, GraphStore, Limits, View
from graph.stores import open_store

REPOSITORY = "acme/shop"
AT = instant("2026-03-04T14:05:00Z")
MINUTE: Instant = 60 * SECOND
SERVICE = ref("Service", "checkout")
WEB = ref("Service", "web")

Sides = tuple[Mapping[str, Value], Mapping[str, Value]]
UNKNOWN: Mapping[str, Value] = {"state": "unknown"}
ABSENT: Mapping[str, Value] = {"state": "absent"}


def is_(value: Value) -> Mapping[str, Value]:
    """A side of an attribute that holds a value."""
    return {"state": "value", "value": value}


def ago(minutes: float) -> Instant:
    """So many minutes before the symptom was detected."""
    return AT - int(minutes * MINUTE)


class Stage:
    """States facts into a store, each as a source would, and gives the scene of an investigation."""

    def __init__(self) -> None:
        self.store: GraphStore = open_store("sqlite:///:memory:")
        self._batches = 0
        self._position = 0

    def say(self, source: str, at: Instant, locator: str, *facts: Fact, present: bool = True) -> None:
        """These facts hold from `at` on."""
        self._batches += 1
        said = tuple(
            Assertion(f, at, at, locator, present=present, url=f"https://{source}.example/{self._batches}")
            for f in facts
        )
        self.store.apply(FactBatch(f"b{self._batches}", source, REPOSITORY, "test/1", said, fresh_until=AT))

    def person(self, name: str) -> EntityRef:
        """The account of somebody."""
        this = ref("Account", "git", name)
        self.say("git", ago(90_000), f"git:{name}", Entity(this, {"system": "git", "name": name}))
        return this

    def services(self) -> None:
        """checkout, which runs on a load balancer's target group, and web, which needs checkout."""
        start = ago(90_000)
        self.say(
            "catalog",
            start,
            "catalog:checkout",
            Entity(SERVICE, {"name": "checkout"}),
            Alias(SERVICE, "name", "checkout"),
        )
        self.say(
            "catalog", start, "catalog:web", Entity(WEB, {"name": "web"}), Relation("DEPENDS_ON", WEB, SERVICE, {})
        )

    def block(self, address: str, path: str = "terraform/main.tf") -> EntityRef:
        """The ref of a block."""
        return ref("Block", REPOSITORY, path.rpartition("/")[0], address)

    def commit(
        self,
        title: str,
        at: Instant,
        address: str,
        *,
        effect: str = "updated",
        changed: Mapping[str, Sides] | None = None,
        path: str = "terraform/main.tf",
        by: str = "Ann Archer",
        parents: int = 1,
        number: int = 0,
        lines: tuple[str, str] = ("", ""),
        approved_by: str = "",
    ) -> EntityRef:
        """A commit on the mainline that did this to one block and its file; with a pull request where it has a number."""
        self._position += 1
        sha = f"{self._position:x}" * 40
        this = EntityRef(f"Commit:{sha[:40]}")
        block = self.block(address, path)
        file = ref("File", REPOSITORY, path)
        author = self.person(by)
        type_, _, name = address.partition(".")
        self.say(
            "git", at, f"{REPOSITORY}@{this.id}",
            Entity(this, {"repository": REPOSITORY, "title": title, "position": self._position, "mainline": this.id, "parents": [f"{n}" * 40 for n in range(parents)], "merged_at": rfc3339(at)}),
            Passage(this, "message", title),
            Relation("AUTHORED_BY", this, author, {}),
        )  # fmt: skip
        told: dict[str, Value] = {"effect": effect, "path": path}
        attributes = [{"path": p, "before": b, "after": a} for p, (b, a) in (changed or {}).items()]
        body: dict[str, Value] = {
            "repository": REPOSITORY,
            "directory": "terraform",
            "path": path,
            "address": address,
            "block_type": "resource",
            "type": type_,
            "name": name,
        }
        locator = f"{REPOSITORY}@{this.id}:{path}#L1-L9"
        self.say("git", at, locator, Entity(block, body), Alias(block, "address", address), present=effect != "deleted")
        self.say(
            "git", at, locator,
            Entity(file, {"repository": REPOSITORY, "path": path}),
            Relation("CHANGED", this, block, {**told, "attributes": attributes}),
            Relation("CHANGED", this, file, {"effect": "updated", "path": path, "removed": lines[0], "added": lines[1]}),
        )  # fmt: skip
        if number:
            request = ref("PullRequest", REPOSITORY, str(number))
            self.say(
                "github", at, f"{REPOSITORY}#{number}",
                Entity(request, {"repository": REPOSITORY, "number": number, "title": title, "created_at": rfc3339(at - 60 * MINUTE)}),
                Relation("PART_OF", this, request, {}), Relation("MERGED_AS", request, this, {}),
            )  # fmt: skip
            if approved_by:
                by_whom = self.person(approved_by)
                self.say(
                    "github",
                    at - MINUTE,
                    f"{REPOSITORY}#{number}/reviews/1",
                    Relation("APPROVED_BY", request, by_whom, {}),
                )
        return this

    def instance(
        self, address: str, *, type_: str = "", environment: str = "prod", source: str = "terraform_state"
    ) -> EntityRef:
        """The instance of a block in prod, on which checkout runs."""
        this = ref("Resource", environment, address)
        said: dict[str, Value] = {
            "address": address,
            "type": type_ or address.split(".")[-2],
            "environment": environment,
        }
        self.say(source, ago(80_000), f"state:{address}", Entity(this, said), Alias(this, "address", address))
        self.say(source, ago(80_000), f"state:{address}", Relation("DECLARES", self.block(address), this, {}))
        self.say("catalog", ago(80_000), "catalog:checkout", Relation("RUNS_ON", SERVICE, this, {}))
        return this

    def deployed(
        self,
        version: str,
        at: Instant,
        *,
        commit: EntityRef | None = None,
        service: str = "checkout",
        environment: str = "prod",
        action: str = "deploy",
        previous: str = "",
    ) -> EntityRef:
        """A deployment, or an apply where there is no service."""
        this = ref("Deployment", service or "apply", version, environment, str(at))
        said: dict[str, Value] = {
            "service": service, "environment": environment, "version": version, "previous_version": previous, "action": action,
            "commit": commit.id if commit else "", "repository": REPOSITORY, "outcome": "succeeded", "finished_at": rfc3339(at),
            "deployment_id": f"dep-{version}", "title": f"{service or 'apply'} {version} to {environment}",
        }  # fmt: skip
        self.say("deployments", at, f"deployments:{version}-{environment}", Entity(this, said))
        return this

    def call(
        self,
        action: str,
        at: Instant,
        target: EntityRef,
        changed: Mapping[str, Sides],
        *,
        effect: str = "updated",
        via: str = "console",
        parameters: Mapping[str, Value] | None = None,
        by: str = "Omar Haddad",
    ) -> EntityRef:
        """A call that was made by hand."""
        this = ref("AuditEvent", "cloudtrail", action, str(at))
        said: dict[str, Value] = {
            "action": action,
            "event_id": f"event-{at}",
            "via": via,
            "title": action.partition(":")[2],
            "region": "eu-west-1",
            "account_id": "111122223333",
            "parameters": dict(parameters or {}),
        }
        attributes = [{"path": p, "before": b, "after": a} for p, (b, a) in changed.items()]
        self.say(
            "cloudtrail", at, f"cloudtrail:event-{at}",
            Entity(this, said),
            Relation("PERFORMED_BY", this, self.person(by), {}),
            Relation("CHANGED", this, target, {"effect": effect, "attributes": attributes}),
        )  # fmt: skip
        return this

    def alert(self, name: str, at: Instant, *, service: str = "checkout", environment: str = "prod") -> EntityRef:
        """An alert that began."""
        this = ref("Alert", name, str(at))
        said: dict[str, Value] = {
            "name": name,
            "service": service,
            "environment": environment,
            "started_at": rfc3339(at),
            "state": "firing",
        }
        self.say("alerts", at, f"alertmanager:{name}", Entity(this, said))
        return this

    def message(self, text: str, at: Instant, about: EntityRef) -> None:
        """Something that was said of a change, in a thread of its own."""
        this, thread = ref("Message", "slack", str(at)), ref("Thread", "slack", str(at))
        self.say(
            "slack", at, f"https://slack.example/p{at}",
            Entity(this, {"channel": "ops", "ts": f"{at // SECOND}.000000"}), Passage(this, "text", text),
            Entity(thread, {"channel": "ops"}), Relation("PART_OF", this, thread, {}),
            Relation("POSTED_BY", this, self.person("Cleo Chan"), {}), Relation("MENTIONS", this, about, {}),
        )  # fmt: skip

    def scene(
        self,
        text: str = "checkout returns 502",
        *,
        classes: Sequence[SymptomClass] = ("errors",),
        environment: str = "prod",
    ) -> Scene:
        """The scene at the moment of the symptom, anchored at checkout when it is known."""
        view = View(as_of=AT)
        known = self.store.entity(SERVICE, view) is not None
        anchors = (Anchor(SERVICE, "checkout", "named in the symptom", 0.9),) if known else ()
        read = tuple(ReadClass(c, "“502”", 0.9) for c in classes)
        symptom = Symptom(text, AT, AT - 7 * DAY, environment, read, anchors)
        return Scene(self.store, view, symptom, surroundings(self.store, view, anchors, environment))


def suspect(
    scene: Scene,
    change: EntityRef,
    *,
    kind: Literal["change", "manual"] = "change",
    at: Instant | None = None,
    at_means: str = "merged",
    reached: Mapping[str, Instant] | None = None,
    also: Sequence[EntityRef] = (),
    mechanism: str = "",
) -> Suspect:
    """A change of the store as a suspect, with what its relations say."""
    views = scene.store.changes(ChangeQuery(changes=[change]), scene.view, Limits(rows=200)).items
    entity = scene.store.entity(change, scene.view)
    assert entity is not None
    title = entity.properties.get("title")
    targets = sorted((v.target for v in views), key=lambda t: (t.kind == "File", t))
    place = scene.surroundings.of(targets)
    moment = at if at is not None else (views[0].at if views else AT)
    return Suspect(
        key=change,
        kind=kind,
        change=change,
        target=targets[0] if targets else None,
        at=moment,
        at_means=at_means,
        title=title if isinstance(title, str) else "",
        found_by="test",
        also=tuple(also),
        views=views,
        reached=dict(reached or {}),
        place=place,
        repository=REPOSITORY if change.kind == "Commit" else "",
        merged_at=views[0].at if views and change.kind == "Commit" else None,
        by_hand=kind == "manual",
        mechanism=mechanism,
        paths=("terraform/main.tf",) if change.kind == "Commit" else (),
        said=tuple(s.provenance for s in entity.statements[:1]),
    )


def condition(
    scene: Scene, kind: Literal["expiry", "quota", "capacity", "external"], title: str, target: EntityRef | None = None
) -> Suspect:
    """A condition as a suspect."""
    entity = scene.store.entity(target, scene.view) if target is not None else None
    return Suspect(
        key=target or EntityRef(f"Finding:{kind}"),
        kind=kind,
        change=None,
        target=target,
        at=ago(20),
        at_means="expired" if kind == "expiry" else "reached",
        title=title,
        found_by="test",
        said=tuple(s.provenance for s in entity.statements[:1]) if entity is not None else (),
    )


def speaks(check: str, weight: float, reason: str, said: Suspect | None = None) -> Evidence:
    """Evidence of a check, for when its weight is above zero."""
    return Evidence(
        check, "supports" if weight > 0 else "refutes", weight, reason, said.said if said is not None else ()
    )
