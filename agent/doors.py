"""Through which door an audited change came: by an apply of code, by a service of the cloud, or by hand.

An event is explained by an apply when that apply ran while it happened, or when the state then recorded a change of the same
resource, and when it came from a tool or a machine. What a person did in a console or with a command line is by hand, whatever ran
beside it. An event on a resource that code manages and that no apply explains was made outside of the code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.cached import PerView
from agent.evidence import text_of
from agent.shipments import Shipment, shipments
from graph.clock import SECOND, Instant
from graph.model import EntityRef
from graph.store import ChangeQuery, ChangeView, EntityView, GraphStore, Limits, View

CODE_TOOLS = frozenset({"terraform", "pulumi", "cloudformation", "opentofu"})
_STATES = frozenset({"terraform_state", "pulumi", "cloudformation"})
_MARGIN: Instant = 120 * SECOND
_RECORDED_WITHIN: Instant = 2 * 3_600 * SECOND
_ROWS = 5_000
_MOST_RESOURCES = 1_500
"""So many instances tell which accounts there are, and where each runs."""


@dataclass(frozen=True, slots=True)
class Door:
    """How an audited change came about.

    Attributes:
        via: the door as the event tells it: console, cli, terraform …
        managed: code manages the resource.
        explained_by: the apply or state version that explains it.
        by_hand: nothing explains it, and no service of the cloud did it by itself.
        environment: where the resource runs, as its state says.
    """

    via: str
    managed: bool
    explained_by: EntityRef | None
    by_hand: bool
    environment: str = ""

    @property
    def outside_code(self) -> bool:
        """Made outside of the code that manages the resource."""
        return self.managed and self.by_hand


def doors(store: GraphStore, view: View, events: Sequence[ChangeView]) -> dict[tuple[EntityRef, EntityRef], Door]:
    """For `CHANGED` relations of audit events, by (event, target)."""
    events = [e for e in events if e.change.kind == "AuditEvent"]
    if not events:
        return {}
    audits = {e.ref: e for e in store.entities(sorted({e.change for e in events}), view)}
    targets = {ref: e for e in store.entities(sorted({e.target for e in events}), view) for ref in e.refs}
    machines = _machines(store, view, sorted(audits))
    recorded = _recorded(store, view, events, targets)
    applies = shipments(store, view).applies
    found: dict[tuple[EntityRef, EntityRef], Door] = {}
    accounts = account_environments(store, view)
    for event in events:
        audit, target = audits.get(event.change), targets.get(event.target)
        via = text_of(audit.properties, "via") if audit else ""
        managed = target is not None and any(s.provenance.source in _STATES for s in target.statements)
        environment = environment_of(target) if target else ""
        if not environment and audit is not None:
            environment = accounts.get(text_of(audit.properties, "account_id"), "")
        machine = event.change in machines
        explained = None
        if via in CODE_TOOLS or machine:
            states = recorded.get(event.target, ())
            explained = covering(applies, event.at, environment, _MARGIN) or _next_recorded(states, event)
        by_hand = explained is None and via != "service" and not (via in CODE_TOOLS and not managed)
        found[event.change, event.target] = Door(via or "unknown", managed, explained, by_hand, environment)
    return found


def _read_accounts(store: GraphStore, view: View) -> dict[str, str]:
    """Cloud accounts whose resources all run in one environment."""
    seen: dict[str, set[str]] = {}
    for entity in store.select("Resource", {}, view, Limits(rows=_MOST_RESOURCES)).items:
        environment = environment_of(entity)
        arn = next((a for s in entity.statements if (a := text_of(s.properties, "cloud_id"))), "")
        account = text_of(entity.properties, "account_id") or (arn.split(":")[4] if arn.count(":") > 4 else "")
        if environment and account:
            seen.setdefault(account, set()).add(environment)
    return {account: next(iter(names)) for account, names in seen.items() if len(names) == 1}


account_environments = PerView(_read_accounts)
"""By cloud account: the environment that all its resources run in, where there is one."""


def environment_of(thing: EntityView) -> str:
    """The environment a joined resource runs in, as any of its sources says."""
    return text_of(thing.properties, "environment") or next(
        (e for s in thing.statements if (e := text_of(s.properties, "environment"))), ""
    )


def _machines(store: GraphStore, view: View, audits: Sequence[EntityRef]) -> set[EntityRef]:
    """Those events that automation performed."""
    edges = store.neighbours(audits, view, Limits(rows=_ROWS), types=("PERFORMED_BY",), direction="out").items
    accounts = store.entities(sorted({e.dst for e in edges}), view)
    bots = {r for a in accounts for r in a.refs if any(s.properties.get("bot") is True for s in a.statements)}
    return {e.src for e in edges if e.dst in bots}


def _recorded(
    store: GraphStore, view: View, events: Sequence[ChangeView], targets: Mapping[EntityRef, EntityView]
) -> dict[EntityRef, list[ChangeView]]:
    """State versions that recorded a change of the same resource soon after."""
    first, last = min(e.at for e in events), max(e.at for e in events)
    query = ChangeQuery(targets=sorted({e.target for e in events}), since=first, until=last + _RECORDED_WITHIN)
    found: dict[EntityRef, list[ChangeView]] = {}
    of_thing = {ref: thing.refs for thing in targets.values() for ref in thing.refs}
    for change in store.changes(query, view, Limits(rows=_ROWS)).items:
        if change.change.kind == "StateVersion":
            for ref in of_thing.get(change.target, (change.target,)):
                found.setdefault(ref, []).append(change)
    return found


def covering(applies: Sequence[Shipment], at: Instant, environment: str, margin: Instant) -> EntityRef | None:
    """The first of these applies that ran at a moment, give or take a margin, in this environment where both are known."""
    for one in applies:
        if one.started_at - margin <= at <= one.at + margin and (
            not environment or not one.environment or one.environment == environment
        ):
            return one.ref
    return None


def _next_recorded(states: Sequence[ChangeView], event: ChangeView) -> EntityRef | None:
    after = [s for s in states if event.at - _MARGIN <= s.at <= event.at + _RECORDED_WITHIN]
    return min(after, key=lambda s: (s.at, s.change)).change if after else None
