"""A small account as facts: what a state says, what an inventory says, who called what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from graph.clock import Instant, instant
from graph.model import Assertion, Entity, EntityRef, Fact, FactBatch, Relation, Snapshot, Value, ref
from graph.store import GraphStore
from graph.stores import open_store

APPLIED = instant("2026-05-01T10:00:00")
LOOKED = instant("2026-05-04T10:00:00")
NOW = instant("2026-05-04T12:00:00")
ACCOUNT = "444455556666"


class Account:
    """Collects what each source says; `store` applies it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._said: dict[tuple[str, str], list[Assertion]] = {}
        self._fresh: dict[tuple[str, str], Instant] = {}

    def say(self, source: str, scope: str, fact: Fact, at: Instant, label: str = "public") -> None:
        """One statement."""
        self._said.setdefault((source, scope), []).append(Assertion(fact, at, at, f"{source}:{scope}", label=label))

    def arn(self, service: str, resource: str) -> str:
        """An ARN in this account."""
        return f"arn:aws:{service}:eu-west-1:{ACCOUNT}:{resource}"

    def cloud(self, arn: str) -> EntityRef:
        """The ref of an ARN."""
        return ref("Resource", "cloud", arn)

    def state(
        self,
        address: str,
        type_: str,
        arn: str,
        attributes: Mapping[str, Value],
        *,
        at: Instant = APPLIED,
        depends_on: Sequence[EntityRef] = (),
    ) -> EntityRef:
        """What the state says of an instance."""
        this = ref("Resource", "lineage-1", "default", address)
        properties: dict[str, Value] = {
            "type": type_,
            "address": address,
            "lineage": "lineage-1",
            "workspace": "default",
            "environment": "prod",
            "attributes": {**attributes, **({"arn": arn} if arn else {})},
        }
        self.say("terraform_state", "states", Entity(this, properties), at)
        if arn:
            self.say("terraform_state", "states", Relation("SAME_AS", this, self.cloud(arn), {"rule": "state_arn"}), at)
        for other in depends_on:
            self.say("terraform_state", "states", Relation("DEPENDS_ON", this, other, {}), at)
        return this

    def there(
        self,
        type_: str,
        arn: str,
        attributes: Mapping[str, Value],
        *,
        name: str = "",
        tags: Mapping[str, Value] | None = None,
        at: Instant = LOOKED,
    ) -> EntityRef:
        """What the inventory says is there."""
        this = self.cloud(arn)
        properties: dict[str, Value] = {
            "type": type_,
            "name": name or arn.rpartition("/")[2],
            "cloud_id": arn,
            "account_id": ACCOUNT,
            "environment": "prod",
            "attributes": attributes,
        }
        if tags is not None:
            properties["tags"] = tags
        self.say("aws", f"{ACCOUNT}#{ACCOUNT}/eu-west-1/{type_}", Entity(this, properties), at)
        return this

    def called(
        self,
        action: str,
        arn: str,
        by: str,
        at: str,
        *,
        effect: str = "updated",
        attributes: Sequence[Mapping[str, Value]] = (),
        via: str = "console",
        label: str = "public",
    ) -> EntityRef:
        """An audited call."""
        event = ref("AuditEvent", "cloudtrail", f"{action}{at}{by}")
        account = ref("Account", "aws", by)
        when = instant(at)
        scope = "trail"
        told: dict[str, Value] = {"action": action, "via": via, "account_id": ACCOUNT}
        self.say("cloudtrail", scope, Entity(event, told), when, label)
        self.say("cloudtrail", scope, Entity(account, {"system": "aws", "name": by}), when)
        self.say("cloudtrail", scope, Relation("PERFORMED_BY", event, account, {}), when, label)
        changed: dict[str, Value] = {"effect": effect, "attributes": list(attributes)}
        self.say("cloudtrail", scope, Relation("CHANGED", event, self.cloud(arn), changed), when, label)
        return event

    def store(self) -> GraphStore:
        """All of it in a store."""
        store = open_store(f"sqlite:///{self._directory}/drift.db")
        for (source, scope), said in self._said.items():
            snapshot = Snapshot(LOOKED, LOOKED) if source == "aws" else None
            store.apply(FactBatch(f"{source}{scope}", source, scope, "test/1", said, snapshot=snapshot))
        if any(source == "aws" for source, _ in self._said):
            store.apply(FactBatch("fresh", "aws", ACCOUNT, "test/1", fresh_until=LOOKED))
        return store


def asked(path: str, value: Value) -> dict[str, Value]:
    """An attribute that a call set."""
    return {"path": path, "before": {"state": "unknown"}, "after": {"state": "value", "value": value}}
