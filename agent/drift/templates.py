"""What CloudFormation's stacks ask for: no answer tells the whole, each operation's events tell what they changed; here that is added up."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from agent.drift.sides import STATES, Side, side_of
from graph.model import EntityRef, Value
from graph.store import ChangeQuery, EntityView, GraphStore, Limits, View

_ROWS = 200_000
_RULES = {
    "SecurityGroupIngress": "ingress",
    "SecurityGroupEgress": "egress",
    "IpProtocol": "protocol",
    "FromPort": "from_port",
    "ToPort": "to_port",
    "CidrIp": "cidr_blocks",
    "CidrIpv6": "ipv6_cidr_blocks",
    "SourceSecurityGroupId": "security_groups",
    "DestinationSecurityGroupId": "security_groups",
    "SourcePrefixListId": "prefix_list_ids",
    "DestinationPrefixListId": "prefix_list_ids",
}
"""Parts of a security group's rules in templates -> Terraform's."""
_RULE = re.compile(r"(SecurityGroup(?:In|E)gress)(\[\d+\])\.(\w+)")


def asked_for(store: GraphStore, view: View, things: Sequence[EntityView]) -> tuple[dict[EntityRef, dict[str, Value]], bool]:  # fmt: skip
    """By ref of a stack's resource: attribute path -> value, as last asked for; and whether the reading was cut."""
    refs = [s.statement.ref for t in things if (s := side_of(t, STATES)) is not None and _is_of_stack(s)]
    if not refs:
        return {}, False
    page = store.changes(ChangeQuery(targets=sorted(set(refs))), view, Limits(rows=_ROWS, deadline_s=60.0))
    asked: dict[EntityRef, dict[str, Value]] = {}
    for change in reversed(page.items):
        told = change.properties.get("attributes")
        if not change.change.id or not isinstance(told, Sequence) or isinstance(told, str):
            continue
        known = asked.setdefault(change.target, {})
        for one in told:
            path, after = (one.get("path"), one.get("after")) if isinstance(one, Mapping) else (None, None)
            if not isinstance(path, str) or not isinstance(after, Mapping):
                continue
            if after.get("state") == "value":
                known[path] = after.get("value")
            else:
                known.pop(path, None)
    return asked, page.cut


def with_asked(side: Side, asked: Mapping[EntityRef, Mapping[str, Value]]) -> Side:
    """The side with what its stack asks for; any other as it is."""
    told = asked.get(side.statement.ref) if _is_of_stack(side) else None
    return side if told is None else Side(side.statement, {**side.attributes, **dict(map(_rule, told.items()))})  # fmt: skip


def _is_of_stack(side: Side) -> bool:
    return side.statement.provenance.source == "cloudformation"


def _rule(item: tuple[str, Value]) -> tuple[str, Value]:
    """An attribute of a security group's rule in Terraform's words; any other as it is."""
    path, value = item
    if (found := _RULE.fullmatch(path)) is None or found[3] not in _RULES:
        return item
    name = _RULES[found[3]]
    several = name not in ("protocol", "from_port", "to_port")
    return f"{_RULES[found[1]]}{found[2]}.{name}", [value] if several else value
