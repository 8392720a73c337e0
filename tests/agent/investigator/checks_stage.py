"""A shop on a morning as facts, for tests of checks: a test states what happened and asks a check of suspects."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha1
from pathlib import Path
from random import Random

from agent.incident import Anchor, Evidence, Place, ReadClass, Suspect, Symptom, SymptomClass
from agent.investigation import CauseKind
from agent.scene import Check, Scene
from agent.surroundings import Surroundings
from graph.clock import DAY, Instant, instant, rfc3339
from graph.model import Assertion, Entity, EntityRef, Fact, FactBatch, Passage, Relation, Value, ref
from graph.store import ChangeView, GraphStore, Provenance, View
from graph.stores import open_store

REPOSITORY = "shop/code"
DETECTED = instant("2026-03-04T14:05:00Z")
LOCATOR = "the-record"
SHOP = ref("Service", "checkout")
PAYMENTS = ref("Service", "payments")
DATABASE = ref("Resource", "arn:db")
SEARCH = ref("Service", "search")


def at(text: str) -> Instant:
    """`13:50` on the day of the symptom, or a whole time."""
    return instant(f"2026-03-04T{text}:00Z") if len(text) == 5 else instant(text)


class Stage:
    """Facts of one test. Sources are told by name, each a batch of its own."""

    def __init__(self) -> None:
        self._facts: dict[str, list[Assertion]] = {}
        self.service("checkout")

    # -- stating

    def say(self, source: str, fact: Fact, when: Instant, *, locator: str = LOCATOR) -> None:
        self._facts.setdefault(source, []).append(Assertion(fact, when, when, locator))

    def service(self, name: str) -> EntityRef:
        this = ref("Service", name)
        self.say("catalog", Entity(this, {"name": name}), DETECTED - 100 * DAY)
        return this

    def resource(self, name: str, **properties: Value) -> EntityRef:
        this = ref("Resource", f"arn:{name}")
        self.say("aws", Entity(this, {"name": name, "type": "thing", **properties}), DETECTED - 100 * DAY)
        return this

    def relate(self, type_: str, src: EntityRef, dst: EntityRef, *, when: Instant = DETECTED - 90 * DAY) -> None:
        self.say("catalog", Relation(type_, src, dst, {}), when, locator=f"{type_}.yaml")

    def alert(
        self, name: str, began: str, about: EntityRef | None, *, service: str = "", environment: str = "prod", ended: str = "",
        mentions: EntityRef | None = None,
    ) -> EntityRef:  # fmt: skip
        this = ref("Alert", name, began)
        properties: dict[str, Value] = {"name": name, "started_at": rfc3339(at(began)), "state": "firing"}
        properties |= {k: v for k, v in {"service": service, "environment": environment}.items() if v}
        self.say("alerts", Entity(this, properties), at(began), locator=f"alert {name}")
        if ended:
            done: dict[str, Value] = {**properties, "state": "resolved", "ended_at": rfc3339(at(ended))}
            self.say("alerts", Entity(this, done), at(ended), locator=f"alert {name}")
        if about is not None:
            self.say("alerts", Relation("ABOUT", this, about, {}), at(began))
        if mentions is not None:
            self.say("alerts", Relation("MENTIONS", this, mentions, {}), at(began))
        return this

    def event(self, reason: str, seen: str, about: EntityRef) -> EntityRef:
        this = ref("ClusterEvent", reason, seen)
        when = at(seen)
        self.say(
            "kubernetes", Entity(this, {"reason": reason, "type": "Warning", "first_seen_at": rfc3339(when)}), when
        )
        self.say("kubernetes", Relation("ABOUT", this, about, {}), when)
        return this

    def commit(self, title: str, merged: str, *, position: int = 1, reverts: EntityRef | None = None) -> EntityRef:
        this = EntityRef(f"Commit:{sha1(title.encode()).hexdigest()}")
        when = at(merged)
        properties: dict[str, Value] = {
            "repository": REPOSITORY, "title": title, "mainline": this.id, "position": position, "merged_at": rfc3339(when),
        }  # fmt: skip
        self.say("git", Entity(this, properties), when, locator=f"{REPOSITORY}@{this.id}")
        if reverts is not None:
            self.say("git", Relation("REVERTS", this, reverts, {}), when, locator=f"{REPOSITORY}@{this.id}")
        return this

    def changed(
        self, change: EntityRef, target: EntityRef, when: str, attributes: Mapping[str, Value] | None = None
    ) -> ChangeView:
        listed: list[Value] = [
            {"path": p, "before": {"state": "unknown"}, "after": {"state": "value", "value": v}}
            for p, v in (attributes or {}).items()
        ]
        properties: dict[str, Value] = {"effect": "updated", "attributes": listed}
        self.say("git", Relation("CHANGED", change, target, properties), at(when))
        return ChangeView(change, target, at(when), properties, provenance("git"), "public")

    def deployment(
        self, commit: EntityRef | None, finished: str, *, environment: str = "prod", outcome: str = "succeeded", service: str = "checkout",
        version: str = "1.4.0", by: str = "", started: str = "", action: str = "deploy",
    ) -> EntityRef:  # fmt: skip
        this = ref("Deployment", service, environment, finished, version)
        when = at(finished)
        properties: dict[str, Value] = {
            "service": service, "environment": environment, "version": version, "outcome": outcome, "repository": REPOSITORY,
            "commit": commit.id if commit is not None else "", "action": action, "finished_at": rfc3339(when),
            "started_at": rfc3339(at(started or finished)),
        }  # fmt: skip
        self.say("deployments", Entity(this, properties), when, locator=f"deployment {version}")
        if by:
            self.performed(this, by, when)
        return this

    def audit(
        self, action: str, when: str, target: EntityRef, *, by: str = "", via: str = "console", error: str = "",
        turned: tuple[Value, Value] | None = None,
    ) -> ChangeView:  # fmt: skip
        """A call; `turned` is what its attribute `pool` was, and what it was then."""
        this = ref("AuditEvent", action, when)
        properties: dict[str, Value] = {"action": action, "via": via, "event_id": f"{action}-{when}", "title": action}
        if error:
            properties["error"] = error
        self.say("cloudtrail", Entity(this, properties), at(when), locator=f"event {action}")
        change: dict[str, Value] = {"effect": "updated"}
        if turned is not None:
            before, after = ({"state": "value", "value": v} for v in turned)
            change["attributes"] = [{"path": "pool", "before": before, "after": after}]
        self.say("cloudtrail", Relation("CHANGED", this, target, change), at(when))
        if by:
            self.performed(this, by, at(when))
        return ChangeView(this, target, at(when), change, provenance("cloudtrail"), "public")

    def performed(self, change: EntityRef, by: str, when: Instant) -> None:
        account = ref("Account", "aws", by)
        self.say("cloudtrail", Entity(account, {"system": "aws", "login": by, "name": by}), when)
        self.say("cloudtrail", Relation("PERFORMED_BY", change, account, {}), when)

    def message(self, text: str, when: str, mentions: EntityRef) -> EntityRef:
        this = ref("Message", "C1", when, text[:20])
        seconds = at(when) // 1_000_000
        self.say("slack", Entity(this, {"channel": "incidents", "ts": f"{seconds}.000100"}), at(when))
        self.say("slack", Passage(this, "text", text), at(when))
        self.say("slack", Relation("MENTIONS", this, mentions, {}), at(when))
        return this

    def credential(
        self,
        name: str,
        expires: str,
        *,
        created: str = "2025-03-04T00:00:00Z",
        key: str = "",
        sort: str = "certificate",
    ) -> EntityRef:
        this = ref("Credential", name, key or expires)
        properties: dict[str, Value] = {"name": name, "type": sort, "expires_at": rfc3339(at(expires))}
        self.say("secrets", Entity(this, properties), at(created), locator=f"certificate {name}")
        return this

    # -- asking

    @contextmanager
    def scene(self, path: Path, symptom: Symptom, places: Mapping[EntityRef, Place] | None = None) -> Generator[Scene]:
        """The scene of these facts in a store of its own, as of the symptom."""
        with open_store(f"sqlite:///{path / 'graph.db'}") as store:
            self.into(store)
            view = View(as_of=symptom.at, known_at=store.record())
            yield Scene(store, view, symptom, Surroundings(dict(places or {})))

    def into(self, store: GraphStore, fresh: Instant | None = DETECTED) -> None:
        for number, (source, facts) in enumerate(sorted(self._facts.items())):
            store.apply(FactBatch(f"{source}-{number}", source, "shop", "test/1", tuple(facts), fresh_until=fresh))


def provenance(source: str = "git", locator: str = LOCATOR) -> Provenance:
    return Provenance(source, "shop", locator, DETECTED)


def symptom(
    *classes: SymptomClass,
    text: str = "checkout fails",
    anchors: Sequence[EntityRef] = (SHOP,),
    environment: str = "prod",
) -> Symptom:
    """A symptom of the shop's checkout, detected at 14:05."""
    return Symptom(
        text,
        DETECTED,
        DETECTED - 7 * DAY,
        environment,
        tuple(ReadClass(c, "said so", 0.9) for c in (classes or ("errors",))),
        tuple(Anchor(a, "checkout", "named", 0.9) for a in anchors),
    )


def place(
    of: EntityRef, label: str, distance: float, direction: str = "upstream", via: Sequence[EntityRef] = ()
) -> Place:
    ways = {"same": "same", "upstream": "upstream", "downstream": "downstream"}
    assert direction in ways
    if direction == "same":
        return Place(of, label, distance, "same", tuple(via))
    return Place(of, label, distance, "upstream" if direction == "upstream" else "downstream", tuple(via) or (of,))


HERE = place(SHOP, "checkout", 0, "same")
PLACES: Mapping[EntityRef, Place] = {
    SHOP: HERE,
    PAYMENTS: place(PAYMENTS, "payments", 1),
    DATABASE: place(DATABASE, "orders-db", 2, via=(PAYMENTS, DATABASE)),
    SEARCH: place(SEARCH, "search", 1.5, "downstream"),
}
"""checkout depends on payments, payments on orders-db; search depends on checkout."""


def suspect(
    change: EntityRef, when: str, *, means: str = "deployed", lies: Place | None = HERE, **more: object
) -> Suspect:
    """A change that took effect at a time; `more` are further fields."""
    one = Suspect(
        change,
        "change",
        change,
        lies.ref if lies is not None else None,
        at(when),
        means,
        "raise the limit",
        "test",
        place=lies,
        said=(provenance(),),
    )
    return replace(one, **more)  # pyright: ignore[reportArgumentType]


def condition(of: EntityRef, kind: CauseKind, when: str, *, lies: Place | None = HERE, **properties: str) -> Suspect:
    """Something that is no change: an expiry, a quota."""
    return Suspect(
        of,
        kind,
        None,
        of,
        at(when),
        "reached",
        "a condition",
        "test",
        place=lies,
        properties=properties,
        said=(provenance(),),
    )


@dataclass(frozen=True)
class Weighed:
    """What a check said of one suspect."""

    evidence: Evidence

    @property
    def verdict(self) -> str:
        return self.evidence.verdict

    @property
    def weight(self) -> float:
        return self.evidence.weight

    @property
    def reason(self) -> str:
        return self.evidence.reason

    @property
    def sources(self) -> set[str]:
        return {p.source for p in self.evidence.said}


def asked(check: Check, scene: Scene, *suspects: Suspect) -> list[Weighed]:
    """What the check says of each, in the order given. Whatever their order and company, it must say the same."""
    found = check.weigh(scene, suspects)
    assert set(found) == {s.key for s in suspects}
    shuffled = list(suspects)
    Random(7).shuffle(shuffled)
    for order in (shuffled, list(reversed(suspects))):
        assert check.weigh(scene, order) == found
    for one in suspects:
        assert check.weigh(scene, [one])[one.key] == found[one.key]
    for evidence in found.values():
        assert evidence.check == check.name
        assert evidence.reason.endswith(".")
        assert "None" not in evidence.reason
        assert (evidence.weight > 0) == (evidence.verdict == "supports")
        assert (evidence.weight < 0) == (evidence.verdict == "refutes")
    return [Weighed(found[s.key]) for s in suspects]
