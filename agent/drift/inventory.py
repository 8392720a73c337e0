"""Drift from the graph alone: what states say, against what inventories say is there.

Compared is only what both know: an attribute that one side does not tell is no difference. Missing needs an inventory that was read to its end
for things of this kind, and unmanaged a state that keeps things of this kind in this place: else nothing can be said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agent.drift.compare import changed, of_part, type_in_words
from agent.drift.dialects import PARTS
from agent.drift.model import AttributeDrift
from agent.drift.observed import Observed
from agent.drift.pairs import pairs_of
from agent.drift.places import accounts_of, is_listed, place_of, read_until, read_up_to
from agent.drift.security_groups import RULE_TYPES, OwnRule, group_drift
from agent.drift.sides import INVENTORIES, STATES, Side, side_of
from agent.drift.spelling import snaked
from agent.drift.templates import asked_for, with_asked
from agent.evidence import text_of
from graph.clock import Instant
from graph.model import EntityRef, ref
from graph.store import EntityView, GraphStore, Limits, View

_MOST = 200_000
Place = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InventoryDrift:
    """What the graph tells: what differs, and what a reader must know of how far that goes. `cut` when not all was read."""

    observed: tuple[Observed, ...]
    notes: tuple[str, ...]
    scopes: tuple[str, ...]
    cut: bool = False


def inventory_drift(
    store: GraphStore, view: View, *, environment: str = "", planned: frozenset[str] = frozenset(), most: int = _MOST
) -> InventoryDrift:
    """What differs between states and inventories.

    Args:
        environment: look only there; empty for everywhere.
        planned: lineages whose instances a plan was made of: what it tells counts more, and they are left out but as what is known.
        most: so many resources are read. Of what is read no further nothing is said; then nothing is told as missing or unmanaged either.
    """
    page = store.select("Resource", {}, view, Limits(rows=most, deadline_s=60.0))
    things = sorted({e.refs[0]: e for e in page.items}.values(), key=lambda e: e.refs[0])
    look = _Look(store, view, things, planned)
    for thing in things:
        where = _environment(thing)
        if not environment or where == environment:
            look.at(thing, where)
    observed, notes = look.observed, look.notes()
    if page.cut:
        # What is missing here may stand in what was not read.
        observed = [one for one in observed if one.kind == "changed"]
        notes.append(
            f"there are more than {most} resources: what is beyond was not compared, and nothing is told as missing or unmanaged"
        )
    if look.cut:
        notes.append("there are more changes of stacks than were read: what they ask for may be older than it is")
    places = {_environment(e) for e in things if not environment or _environment(e) == environment}
    scopes = tuple(sorted({scope_of(p) for p in places | {environment}}))
    return InventoryDrift(tuple(observed), tuple(notes), scopes, page.cut or look.cut)


def scope_of(environment: str) -> str:
    """The scope that findings of an environment's inventory are kept in."""
    return f"inventory/{environment or '-'}"


class _Look:
    """What is needed to look at each thing, read once for all."""

    def __init__(self, store: GraphStore, view: View, things: Sequence[EntityView], planned: frozenset[str]) -> None:
        self.observed: list[Observed] = []
        self._behind = self._uncompared = 0
        self._planned = planned
        self._fresh = read_up_to(store)
        self._scopes = [s.scope for s in store.scopes() if s.source in INVENTORIES]
        managed = [e for e in things if side_of(e, STATES) is not None]
        there = [e for e in things if side_of(e, INVENTORIES) is not None]
        self._asked, self.cut = asked_for(store, view, managed)
        self._pairs = pairs_of(things)
        self._accounts = accounts_of(managed)
        self._kept = {self._place(e) for e in managed} - {None}
        self._listed = {_without_namespace(self._place(e)) for e in there} - {None}
        self._rules = _own_rules(managed)
        self._by_ref = {r: e for e in there for r in e.refs}
        self._scaled = _autoscaled(there)

    def at(self, thing: EntityView, where: str) -> None:
        """Look at one thing."""
        state = side_of(thing, STATES)
        beside = self._pairs.there.get(thing.refs[0])
        there = side_of(thing, INVENTORIES) or (side_of(beside, INVENTORIES) if beside is not None else None)
        if state is None:
            unknown = there is not None and not set(thing.refs) & self._pairs.taken
            if there is not None and unknown and self._place(thing) in self._kept and not _is_rule_of_group(thing):
                self.observed.append(_observed(thing, there, "unmanaged", where))
            return
        type_ = text_of(state.statement.properties, "type")
        if _lineage(state) in self._planned or text_of(state.statement.properties, "address").startswith("data."):
            return
        if type_ in PARTS:
            self._part(thing, state, where)
        elif there is None:
            self._gone(thing, state, where, type_)
        else:
            self._compare(thing, with_asked(state, self._asked), there, where, beside)

    def notes(self) -> list[str]:
        """What could not be compared."""
        found: list[str] = []
        if self._uncompared:
            found.append(
                f"{self._uncompared} resources of states are of kinds that no inventory lists: only a plan can tell of them"
            )
        if self._behind:
            found.append(
                f"{self._behind} resources were not compared: their state is newer than the inventory that was read"
            )
        return found

    # -- of one

    def _gone(self, thing: EntityView, state: Side, where: str, type_: str) -> None:
        place = self._place(thing)
        read = read_until(self._fresh, place) if place is not None else None
        if place is None or read is None or not is_listed(place, self._listed, self._scopes, type_):
            self._uncompared += 1
        elif state.statement.valid_from < read:
            self.observed.append(_observed(thing, state, "missing", where))

    def _compare(self, thing: EntityView, state: Side, there: Side, where: str, beside: EntityView | None) -> None:
        if self._newer(state, there):
            return
        told = changed(state, there)
        if type_in_words(text_of(state.statement.properties, "type")) == "aws_security_group":
            rules = self._rules.get(text_of(state.attributes, "id") or text_of(there.attributes, "id"), ())
            wanted = snaked(state.attributes) if state.statement.provenance.source == "pulumi" else state.attributes
            of = group_drift(wanted, there.attributes, rules)
            told += of.of_group
            for rule, differs in of.of_rules:
                one = _observed(rule.thing, Side(rule.statement, rule.attributes), "changed", where, differs)
                self.observed.append(replace(one, cloud_refs=tuple(sorted({*rule.thing.refs, *thing.refs}))))
        if told:
            one = _observed(thing, state, "changed", where, told)
            refs = tuple(sorted({*thing.refs, *(beside.refs if beside is not None else ())}))
            self.observed.append(replace(one, cloud_refs=refs, autoscaled=_scaled_name(there) in self._scaled))

    def _part(self, thing: EntityView, state: Side, where: str) -> None:
        part = PARTS[text_of(state.statement.properties, "type")]
        name = next((text for path in part.parent if (text := text_of(state.attributes, path))), "")
        whole = self._by_ref.get(ref("Resource", "cloud", part.prefix + name)) if name else None
        there = side_of(whole, INVENTORIES) if whole is not None else None
        if whole is None or there is None:
            self._uncompared += 1
            return
        if self._newer(state, there):
            return
        told = of_part(state, there)
        self._uncompared += told is None
        if told:
            one = _observed(thing, state, "changed", where, told)
            self.observed.append(replace(one, cloud_refs=tuple(sorted({*thing.refs, *whole.refs}))))

    def _newer(self, state: Side, there: Side) -> bool:
        read: Instant | None = self._fresh.get(
            (there.statement.provenance.source, there.statement.provenance.scope.partition("#")[0])
        )
        newer = read is not None and state.statement.valid_from > read
        self._behind += newer
        return newer

    def _place(self, thing: EntityView) -> Place | None:
        return place_of(thing, self._accounts, self._pairs.clusters)


def _without_namespace(place: Place | None) -> Place | None:
    return place[:3] if place is not None and place[0] == "kubernetes" else place


def _autoscaled(there: Sequence[EntityView]) -> frozenset[str]:
    """Names of the workloads whose replicas an autoscaler sets."""
    found: set[str] = set()
    for thing in there:
        side = side_of(thing, INVENTORIES)
        if side is not None and text_of(side.statement.properties, "type") == "kubernetes:HorizontalPodAutoscaler":
            told = side.statement.properties
            found.add(f"{text_of(told, 'cluster')} {text_of(told, 'namespace')} {text_of(side.attributes, 'target')}")
    return frozenset(found)


def _scaled_name(there: Side) -> str:
    told = there.statement.properties
    kind = text_of(told, "type").partition(":")[2]
    return f"{text_of(told, 'cluster')} {text_of(told, 'namespace')} {kind}/{text_of(told, 'name')}"


# -- one thing


def _environment(thing: EntityView) -> str:
    return next((e for s in thing.statements if (e := text_of(s.properties, "environment"))), "")


def _lineage(state: Side) -> str:
    return text_of(state.statement.properties, "lineage")


def _observed(
    thing: EntityView, side: Side, kind: str, environment: str, attributes: Sequence[AttributeDrift] = ()
) -> Observed:
    said = side.statement.properties
    cloud = next((c for s in thing.statements if (c := text_of(s.properties, "cloud_id"))), "")
    id_ = side.attributes.get("id")
    tags = said.get("tags")
    return Observed(
        kind="missing" if kind == "missing" else "unmanaged" if kind == "unmanaged" else "changed",
        basis="inventory",
        scope=scope_of(environment),
        ref=side.statement.ref,
        address=text_of(said, "address") or text_of(said, "name") or cloud,
        type=text_of(said, "type"),
        cloud_refs=thing.refs,
        environment=environment,
        cloud_id=id_ if isinstance(id_, str) and kind != "unmanaged" else cloud,
        attributes=tuple(attributes),
        since=side.statement.valid_from if kind != "unmanaged" else None,
        tags=tags if isinstance(tags, Mapping) else None,
        properties=said,
    )


def _own_rules(managed: Sequence[EntityView]) -> dict[str, list[OwnRule]]:
    """Security group id -> its rules that are resources of their own, by ref."""
    found: dict[str, list[OwnRule]] = {}
    for thing in sorted(managed, key=lambda e: e.refs[0]):
        side = side_of(thing, STATES)
        if side is not None and text_of(side.statement.properties, "type") in RULE_TYPES:
            rule = OwnRule(thing, side.statement, side.attributes)
            found.setdefault(rule.group, []).append(rule)
    return found


def _is_rule_of_group(thing: EntityView) -> bool:
    """Rules are told with their group."""
    return any(text_of(s.properties, "type").startswith("aws_security_group_rule") for s in thing.statements)


def refs_of(observed: Sequence[Observed]) -> list[EntityRef]:
    """Every ref that these speak of."""
    return sorted({r for one in observed for r in (one.ref, *one.cloud_refs)})
