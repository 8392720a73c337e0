"""Drift from the graph alone: what states say, against what inventories say is there.

Compared is only what both know: an attribute that one side does not tell is no difference. Missing needs an inventory that was read to its end
for things of this kind, and unmanaged a state that keeps things of this kind in this place: else nothing can be said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agent.drift.model import AttributeDrift
from agent.drift.observed import Observed
from agent.drift.paths import comparable, is_indexed, renamed, snake_case
from agent.drift.places import accounts_of, is_listed, place_of, read_until, read_up_to
from agent.drift.security_groups import RULE_TYPES, OwnRule, group_drift
from agent.drift.sides import INVENTORIES, STATES, Side, side_of
from agent.evidence import text_of
from agent.model import AttributeState
from graph.model import EntityRef, Value
from graph.store import EntityView, GraphStore, Limits, View

_MOST = 200_000
_NEVER_COMPARED = frozenset({"id", "arn", "region", "owner_id", "account_id", "status", "tags", "tags_all", "timeouts"})
_ABSENT = AttributeState(state="absent")
_REDACTED = "[redacted]"
_EC2_ID = re.compile(r"[a-z]{1,9}-(?:[0-9a-f]{8}|[0-9a-f]{17})")


@dataclass(frozen=True, slots=True)
class InventoryDrift:
    """What the graph tells: what differs, and what a reader must know of how far that goes."""

    observed: tuple[Observed, ...]
    notes: tuple[str, ...]
    scopes: tuple[str, ...]


def inventory_drift(
    store: GraphStore, view: View, *, environment: str = "", planned: frozenset[str] = frozenset()
) -> InventoryDrift:
    """What differs between states and inventories.

    Args:
        environment: look only there; empty for everywhere.
        planned: lineages whose instances a plan was made of: what it tells counts more, and they are left out but as what is known.
    """
    page = store.select("Resource", {}, view, Limits(rows=_MOST, deadline_s=60.0))
    things = {e.refs[0]: e for e in page.items}
    fresh = read_up_to(store)
    managed = [e for e in things.values() if side_of(e, STATES) is not None]
    accounts = accounts_of(managed)
    kept = {place_of(e, accounts) for e in managed} - {None}
    listed = {place_of(e, accounts) for e in things.values() if side_of(e, INVENTORIES) is not None} - {None}
    # A provider that was not asked for its account writes ARNs without it, which join with nothing; ids of EC2 are one of a kind.
    ids = {
        i
        for e in managed
        if (s := side_of(e, STATES)) is not None and _EC2_ID.fullmatch(i := text_of(s.attributes, "id"))
    }
    listed_ids = {
        i
        for e in things.values()
        if (s := side_of(e, INVENTORIES)) is not None and _EC2_ID.fullmatch(i := text_of(s.attributes, "id"))
    }
    scopes = [s.scope for s in store.scopes() if s.source in INVENTORIES]
    rules = _own_rules(managed)
    observed: list[Observed] = []
    behind = uncompared = 0
    for thing in sorted(things.values(), key=lambda e: e.refs[0]):
        where = _environment(thing)
        if environment and where != environment:
            continue
        state, there = side_of(thing, STATES), side_of(thing, INVENTORIES)
        if state is not None and there is None:
            place = place_of(thing, accounts)
            if _lineage(state) in planned or text_of(state.statement.properties, "address").startswith("data."):
                continue
            read = read_until(fresh, place) if place is not None else None
            if (
                place is None
                or read is None
                or not is_listed(place, listed, scopes, text_of(state.statement.properties, "type"))
            ):
                uncompared += 1
            elif state.statement.valid_from < read and text_of(state.attributes, "id") not in listed_ids:
                observed.append(_observed(thing, state, "missing", where))
        elif state is not None and there is not None and _lineage(state) not in planned:
            read = fresh.get((there.statement.provenance.source, there.statement.provenance.scope.partition("#")[0]))
            if read is not None and state.statement.valid_from > read:
                behind += 1
                continue
            changed = _changed(state, there)
            if text_of(state.statement.properties, "type") == "aws_security_group":
                of = group_drift(state.attributes, there.attributes, rules.get(text_of(state.attributes, "id"), ()))
                changed += of.of_group
                for rule, told in of.of_rules:
                    side = Side(rule.statement, rule.attributes)
                    one = _observed(rule.thing, side, "changed", where, told)
                    observed.append(replace(one, cloud_refs=tuple(sorted({*rule.thing.refs, *thing.refs}))))
            if changed:
                observed.append(_observed(thing, state, "changed", where, changed))
        elif (
            state is None
            and there is not None
            and place_of(thing, accounts) in kept
            and not _is_rule_of_group(thing)
            and text_of(there.attributes, "id") not in ids
        ):
            observed.append(_observed(thing, there, "unmanaged", where))
    notes: list[str] = []
    if uncompared:
        notes.append(
            f"{uncompared} resources of states are of kinds that no inventory lists: only a plan can tell of them"
        )
    if behind:
        notes.append(f"{behind} resources were not compared: their state is newer than the inventory that was read")
    if page.cut:
        notes.append("there are more resources than were compared")
    places = {_environment(e) for e in things.values() if not environment or _environment(e) == environment}
    return InventoryDrift(tuple(observed), tuple(notes), tuple(sorted({scope_of(p) for p in places | {environment}})))


def scope_of(environment: str) -> str:
    """The scope that findings of an environment's inventory are kept in."""
    return f"inventory/{environment or '-'}"


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


# -- attribute by attribute


def _changed(state: Side, there: Side) -> list[AttributeDrift]:
    type_ = text_of(state.statement.properties, "type")
    desired, actual = dict(state.attributes), renamed(type_, there.attributes)
    if state.statement.provenance.source != "terraform_state":
        desired = {snake_case(path): value for path, value in desired.items()}
    found: list[AttributeDrift] = []
    for path in sorted(desired.keys() & actual.keys()):
        first = path.partition(".")[0].partition("[")[0]
        if first in _NEVER_COMPARED or is_indexed(path):
            continue
        if comparable(desired[path]) != comparable(actual[path]):
            found.append(AttributeDrift(path=path, desired=_value(desired[path]), actual=_value(actual[path])))
    found += _tags(desired, there)
    return found if type_ == "aws_security_group" else [*found, *_blocks(desired, actual)]


def _tags(desired: Mapping[str, Value], there: Side) -> list[AttributeDrift]:
    """Tags, where both tell some."""
    told = there.statement.properties.get("tags")
    wanted = _tags_in(desired, "tags_all") or _tags_in(desired, "tags")
    if not wanted or not isinstance(told, Mapping):
        return []
    found: list[AttributeDrift] = []
    for key in sorted(wanted.keys() | told.keys()):
        if (key in wanted) != (key in told) or comparable(wanted.get(key)) != comparable(told.get(key)):
            path = f"tags.{key}" if key.replace("_", "a").replace("-", "a").isalnum() else f'tags["{key}"]'
            before = _value(wanted[key]) if key in wanted else _ABSENT
            found.append(
                AttributeDrift(path=path, desired=before, actual=_value(told[key]) if key in told else _ABSENT)
            )
    return found


def _tags_in(attributes: Mapping[str, Value], name: str) -> dict[str, Value]:
    return {
        path[len(name) :].removeprefix(".").removeprefix('["').removesuffix('"]'): value
        for path, value in attributes.items()
        if path.startswith((name + ".", name + "["))
    }


def _blocks(desired: Mapping[str, Value], actual: Mapping[str, Value]) -> list[AttributeDrift]:
    """Blocks that both tell with the same members: compared as a whole, whatever their order."""
    found: list[AttributeDrift] = []
    roots = {p.partition("[")[0] for p in desired if is_indexed(p)} & {
        p.partition("[")[0] for p in actual if is_indexed(p)
    }
    for root in sorted(roots):
        if "." in root:
            continue
        ours, theirs = _members(desired, root), _members(actual, root)
        both = ours.keys() & theirs.keys()
        for member in sorted(both):
            if sorted(map(comparable, ours[member])) != sorted(map(comparable, theirs[member])):
                one = len(ours[member]) == len(theirs[member]) == 1
                path = f"{root}[0].{member}" if one else f"{root}.{member}"
                before = _value(ours[member][0] if one else ours[member])
                after = _value(theirs[member][0] if one else theirs[member])
                found.append(AttributeDrift(path=path, desired=before, actual=after))
    return found


def _members(attributes: Mapping[str, Value], root: str) -> dict[str, list[Value]]:
    told: dict[str, list[Value]] = {}
    for path, value in attributes.items():
        if path.startswith(root + "["):
            told.setdefault(path.partition("].")[2], []).append(value)
    return {member: values for member, values in told.items() if member and not is_indexed(member)}


def _value(value: Value) -> AttributeState:
    if isinstance(value, str) and value == _REDACTED:
        return AttributeState(state="redacted")
    return AttributeState(state="value", value=value)


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
