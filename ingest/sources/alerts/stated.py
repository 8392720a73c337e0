"""Where facts of payloads are gathered: by scope, in order, each with its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graph.clock import Instant, rfc3339
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, FactBatch, Properties, Quarantined, Snapshot
from ingest import names
from ingest.sources.alerts.reports import Actor, Phase
from ingest.sources.alerts.settings import AlertsSettings
from ingest.sources.terraform_state.facts import batch_id

SOURCE = "alerts"
EXTRACTOR = "alerts/1"
MAX_ASSERTIONS = 2_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where what is stated can be read."""

    locator: str
    url: str | None = None


class Stated:
    """The facts of some payloads. A snapshot may stand for a sub-scope beside single facts."""

    def __init__(self, settings: AlertsSettings) -> None:
        self.settings = settings
        self.quarantined: list[Quarantined] = []
        self._facts: dict[str, dict[str, Assertion]] = {}
        self._snapshots: dict[tuple[str, Instant], tuple[Assertion, ...]] = {}

    @property
    def size(self) -> int:
        """How many assertions and snapshots there are."""
        return sum(map(len, self._facts.values())) + len(self._snapshots)

    def add(
        self,
        fact: Fact,
        at: Instant,
        place: Place,
        *,
        deduced: bool = False,
        until: Instant | None = None,
        scope: str = "",
    ) -> None:
        """State a fact from `at` on. What was only deduced yields to what was told at the time: it is observed a moment earlier."""
        assertion = Assertion(fact, at, at - deduced, place.locator, valid_to=until, url=place.url)
        self._facts.setdefault(scope or self.settings.name, {})[repr(assertion)] = assertion

    def snapshot(self, scope: str, taken_at: Instant, assertions: tuple[Assertion, ...] = ()) -> None:
        """All that holds in a sub-scope at this moment."""
        self._snapshots[(scope, taken_at)] = assertions

    def service(self, name: str, at: Instant, place: Place, told_id: str = "") -> EntityRef | None:
        """The service of this name, stated; None when nothing is left of the name."""
        kept = names.service_name(name)
        if not kept:
            return None
        service = names.service(name)
        self.add(Entity(service, {"name": kept}), at, place)
        for alias in dict.fromkeys((kept, name)):
            self.add(Alias(service, "name", alias), at, place)
        if told_id:
            self.add(Alias(service, "id", told_id), at, place)
        return service

    def environment(self, name: str, at: Instant, place: Place) -> EntityRef:
        """The environment, stated."""
        kept = names.environment_name(name)
        environment = names.environment(name)
        self.add(Entity(environment, {"name": kept}), at, place)
        for alias in dict.fromkeys((kept, name)):
            self.add(Alias(environment, "name", alias), at, place)
        return environment

    def account(self, system: str, actor: Actor, at: Instant, place: Place, scope: str = "") -> EntityRef:
        """The account of somebody, stated."""
        account = names.account(system, actor.login)
        told = {"name": actor.name, "email": actor.email, "url": actor.url}
        properties = {"system": system, "login": actor.login, **{k: v for k, v in told.items() if v}}
        self.add(Entity(account, properties), at, place, scope=scope)
        for scheme, name in (("login", actor.login), ("name", actor.name), ("email", actor.email)):
            if name:
                self.add(Alias(account, scheme, name), at, place, scope=scope)
        return account

    def phase(self, ref: EntityRef, lasting: Properties, phase: Phase, ended: str, place: Place) -> None:
        """The entity as of a phase: all of it, or only its state where that is stated apart. `ended` names the property of the end."""
        state = {"state": phase.state} | ({ended: rfc3339(phase.at)} if phase.state == "resolved" else {})
        whole = state if phase.scope else {**lasting, **state}
        self.add(Entity(ref, whole), phase.at, place, deduced=phase.deduced, scope=phase.scope)

    def batches(self, cursor: str | None = None, fresh_until: Instant | None = None) -> Iterator[FactBatch]:
        """Everything as batches; the last, of the source's own scope, carries the cursor."""
        for (scope, taken_at), assertions in sorted(self._snapshots.items(), key=lambda s: s[0]):
            yield self._batch(scope, list(assertions), snapshot=Snapshot(taken_at, taken_at))
        own = list(self._facts.pop(self.settings.name, {}).values())
        for scope, facts in sorted(self._facts.items()):
            for part in _parts(list(facts.values())):
                yield self._batch(scope, part)
        *others, last = _parts(own) or [[]]
        for part in others:
            yield self._batch(self.settings.name, part)
        if last or self.quarantined or cursor is not None or fresh_until is not None:
            yield self._batch(self.settings.name, last, None, cursor, fresh_until, tuple(self.quarantined))
        self._facts, self._snapshots, self.quarantined = {}, {}, []

    def _batch(
        self,
        scope: str,
        assertions: list[Assertion],
        snapshot: Snapshot | None = None,
        cursor: str | None = None,
        fresh_until: Instant | None = None,
        quarantined: tuple[Quarantined, ...] = (),
    ) -> FactBatch:
        # A webhook's id follows from what is said, not from when it came in; a pull's last batch must count again each time.
        pulled_at = fresh_until if cursor is not None else None
        return FactBatch(
            id=batch_id(SOURCE, scope, snapshot, cursor, pulled_at, quarantined, assertions=assertions),
            source=SOURCE,
            scope=scope,
            extractor=EXTRACTOR,
            assertions=assertions,
            snapshot=snapshot,
            cursor=cursor,
            fresh_until=fresh_until,
            quarantined=quarantined,
        )


def _parts(assertions: list[Assertion]) -> list[list[Assertion]]:
    return [assertions[i : i + MAX_ASSERTIONS] for i in range(0, len(assertions), MAX_ASSERTIONS)]
