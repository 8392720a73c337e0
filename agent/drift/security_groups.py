"""Rules of security groups: those that code wants, in a group or as resources of their own, against those that are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.drift.model import AttributeDrift
from agent.drift.paths import group_rules, rule_blocks, rule_texts
from agent.evidence import text_of
from agent.model import AttributeState
from graph.model import Value
from graph.store import EntityView, Statement

RULE_TYPES = frozenset(
    ["aws_security_group_rule", "aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule"]
)
_LISTS = ("cidr_blocks", "ipv6_cidr_blocks", "prefix_list_ids")
_ABSENT = AttributeState(state="absent")
Port = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class OwnRule:
    """A rule that is a resource of its own."""

    thing: EntityView
    statement: Statement
    attributes: Mapping[str, Value]

    @property
    def group(self) -> str:
        """Id of the group that it belongs to."""
        return text_of(self.attributes, "security_group_id")

    @property
    def direction(self) -> str:
        """ingress or egress."""
        type_ = text_of(self.statement.properties, "type")
        return "egress" if "egress" in type_ or self.attributes.get("type") == "egress" else "ingress"

    @property
    def texts(self) -> frozenset[str]:
        """The rules that it makes."""
        return frozenset(rule_texts(self.attributes))


@dataclass(frozen=True, slots=True)
class GroupDrift:
    """What differs of a group's rules: told of the group, or of the rule whose resource wants something else."""

    of_group: tuple[AttributeDrift, ...] = ()
    of_rules: tuple[tuple[OwnRule, tuple[AttributeDrift, ...]], ...] = ()


def group_drift(desired: Mapping[str, Value], actual: Mapping[str, Value], own: Sequence[OwnRule]) -> GroupDrift:
    """What differs; nothing of a direction for which code wants no rule, since then it may well leave them open."""
    of_group: list[AttributeDrift] = []
    of_rules: list[tuple[OwnRule, tuple[AttributeDrift, ...]]] = []
    for direction in ("ingress", "egress"):
        mine = [rule for rule in own if rule.direction == direction]
        wanted = group_rules(desired, direction).union(*(rule.texts for rule in mine))
        there = group_rules(actual, direction)
        if not wanted or wanted == there:
            continue
        for rule in mine:
            if (changed := _of_rule(rule, mine, wanted, there)) is not None:
                of_rules.append((rule, changed))
                settled = {t for t in wanted | there if _port_of(t) == _port_of(min(rule.texts))}
                wanted, there = wanted - settled, there - settled
        if wanted != there:
            of_group += _of_group(direction, wanted, there)
    return GroupDrift(tuple(of_group), tuple(of_rules))


def _of_rule(
    rule: OwnRule, every: Sequence[OwnRule], wanted: frozenset[str], there: frozenset[str]
) -> tuple[AttributeDrift, ...] | None:
    """What differs of a rule with lists of sources, when it alone speaks of its ports; None for nothing, or when it is gone altogether."""
    if text_of(rule.statement.properties, "type") != "aws_security_group_rule" or not rule.texts:
        return None
    port = _port_of(min(rule.texts))
    here = frozenset(t for t in there if _port_of(t) == port)
    alone = sum(1 for other in every if any(_port_of(t) == port for t in other.texts)) == 1
    if not alone or not here or here == frozenset(t for t in wanted if _port_of(t) == port):
        return None
    [block] = rule_blocks(here)
    told: list[AttributeDrift] = []
    for name in _LISTS:
        before, after = rule.attributes.get(name), block.get(name)
        if _set(before) != _set(after):
            told.append(AttributeDrift(path=name, desired=_side(before), actual=_side(_kept_order(before, after))))
    return tuple(told) if told and not block.get("security_groups") else None


def _of_group(direction: str, wanted: frozenset[str], there: frozenset[str]) -> list[AttributeDrift]:
    ours, theirs = rule_blocks(wanted), rule_blocks(there)
    if [_port(block) for block in ours] != [_port(block) for block in theirs]:
        return [AttributeDrift(path=direction, desired=_side(ours), actual=_side(theirs))]
    return [
        AttributeDrift(
            path=f"{direction}[{index}].{name}", desired=_side(before.get(name)), actual=_side(after.get(name))
        )
        for index, (before, after) in enumerate(zip(ours, theirs, strict=True))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def _port(block: Mapping[str, Value]) -> Port:
    return block["protocol"], block["from_port"], block["to_port"]


def _port_of(text: str) -> str:
    return text.partition(" from ")[0]


def _set(value: Value) -> frozenset[str]:
    return frozenset(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else frozenset()


def _kept_order(before: Value, after: Value) -> Value:
    """What is there, with what the code has too in the code's order."""
    if (
        not isinstance(before, Sequence)
        or not isinstance(after, Sequence)
        or isinstance(before, str)
        or isinstance(after, str)
    ):
        return after
    return [*(v for v in before if v in after), *(v for v in after if v not in before)]


def _side(value: Value) -> AttributeState:
    return _ABSENT if value is None else AttributeState(state="value", value=value)
