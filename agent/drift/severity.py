"""How bad a drift is: declared rules on what it opens, breaks or leaves unguarded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from agent.attribute_kinds import kind_of, path_words
from agent.drift.model import SEVERITIES, AttributeDrift, Severity
from agent.drift.observed import Observed
from agent.drift.severity_rules import RULES
from agent.evidence import number_of, shown
from agent.model import AttributeState
from agent.resource_groups import group_of
from agent.stateful import holds_data
from graph.model import Value

_EVERYONE = re.compile(r"(?<![\d.])0\.0\.0\.0/0(?![\d.])|(?<![\w:])::/0")
_EVERY_SOURCE = re.compile(r"(?:^|[\s\"'\[])(?:\*|Internet|Any)(?:$|[\s\"'\],])", re.I)
"""How Azure says everybody, in a rule's source."""
_USERS_OWN = re.compile(
    r"(?:tags|tags_all|labels|effective_labels|metadata(?:\[0\])?\.(?:labels|annotations))(?:$|[.\[])"
)
"""Mappings whose keys are the user's own: whatever they are called, they open nothing."""
_ADMIN_PORTS = frozenset({22, 3389, 3306, 5432, 6379, 9200, 27017, 1433, 2379, 5985, 11211})
_WEB_PORTS = frozenset({80, 443})


@dataclass(frozen=True, slots=True)
class Weighed:
    """How bad, and why, worst first."""

    severity: Severity
    risks: tuple[str, ...]


def weigh(one: Observed) -> Weighed:
    """The severity of a drift with the risks behind it."""
    found: list[tuple[int, str]] = [(SEVERITIES.index(level), risk) for level, risk in _risks(one)]
    if not found:
        return Weighed(_without_risk(one), ())
    found.sort(key=lambda pair: pair[0])
    return Weighed(SEVERITIES[found[0][0]], tuple(dict.fromkeys(risk for _, risk in found)))


def _risks(one: Observed) -> Iterator[tuple[Severity, str]]:
    if one.kind == "missing":
        yield from _gone(one)
        return
    if one.kind == "unmanaged":
        yield from _unknown(one)
        return
    for attribute in one.attributes:
        if _USERS_OWN.match(attribute.path):
            continue
        for severity, path, test in RULES:
            if path.search(attribute.path) and (risk := test(attribute, one)):
                yield severity, risk
        yield from _opened(attribute, one)


def _without_risk(one: Observed) -> Severity:
    if one.kind == "missing":
        return "medium"
    if one.kind == "unmanaged":
        return "low"
    kinds = {
        "cosmetic" if _USERS_OWN.match(a.path) else kind_of(path_words(a.path), group_of(one.type))
        for a in one.attributes
    }
    return "info" if kinds <= {"cosmetic"} else "low" if kinds <= {"cosmetic", "logging", "alarm"} else "medium"


# -- missing and unmanaged


def _gone(one: Observed) -> Iterator[tuple[Severity, str]]:
    if holds_data(one.type):
        yield "critical", "it held data, and what it held is gone with it"
    elif re.search(r"flow_log|cloudtrail|config_(?:configuration_)?recorder|guardduty|log_group|logging", one.type):
        yield "high", "what happens there is no longer recorded"
    elif re.search(r"alarm|monitor|alert", one.type):
        yield "high", "nobody is told any more when it goes wrong"
    elif re.search(r"security_group|network_acl|firewall|waf|public_access_block", one.type):
        yield "high", "what it kept out is no longer kept out by it"
    else:
        yield "medium", "what relies on it finds nothing there"


def _unknown(one: Observed) -> Iterator[tuple[Severity, str]]:
    if any("ingress" in path and _EVERYONE.search(str(value)) for path, value in one.attributes_there.items()):
        yield "high", "it lets in everybody, and no code knows of it"
    elif re.search(r"iam_(?:user|access_key|role)", one.type):
        yield "medium", "it can be used to act, and no code knows of it"
    else:
        yield "low", "no code knows of it: nobody reviews, renews or removes it"


# -- changed


def _opened(attribute: AttributeDrift, one: Observed) -> Iterator[tuple[Severity, str]]:
    """Everybody let in where nobody or fewer were."""
    outward = one.attributes_there.get("type") == "egress" or "egress" in one.type
    if outward or re.search(r"egress|outbound", attribute.path):
        return
    if (
        _denies(attribute, one)
        or not _everybody(attribute, attribute.actual)
        or _everybody(attribute, attribute.desired)
    ):
        return
    ports = _ports(attribute) or _ports_of(one)
    if ports & _ADMIN_PORTS or not ports:
        where = f" on port {min(ports & _ADMIN_PORTS)}" if ports & _ADMIN_PORTS else ""
        yield "critical", f"the whole internet may come in{where}"
    elif ports <= _WEB_PORTS:
        yield "medium", f"the whole internet may come in on port {', '.join(map(str, sorted(ports)))}"
    else:
        yield "high", f"the whole internet may come in on port {', '.join(map(str, sorted(ports)))}"


def _everybody(attribute: AttributeDrift, state: AttributeState) -> bool:
    """Whether all addresses are among these; of blocks those count that allow."""
    value = state.value
    if isinstance(value, list | tuple):
        value = [one for one in cast("Sequence[Value]", value) if not (isinstance(one, Mapping) and _is_denial(one))]
    text = shown(value, 100_000) if state.state == "value" else ""
    azure = "source_address_prefix" in attribute.path and _EVERY_SOURCE.search(text) is not None
    return azure or _EVERYONE.search(text) is not None


def _is_denial(rule: Mapping[str, Value]) -> bool:
    return any(str(rule.get(name, "")).casefold() == "deny" for name in ("action", "rule_action", "access"))


def _denies(attribute: AttributeDrift, one: Observed) -> bool:
    """Whether the rule that this is a part of keeps out."""
    there = one.attributes_there
    block, inside, _ = attribute.path.rpartition("].")
    if _is_denial({n: there.get(f"{block}{inside}{n}") for n in ("action", "rule_action", "access")}):
        return True
    return any(p.startswith("deny[") for p in there) and not any(p.startswith("allow[") for p in there)


def _ports(attribute: AttributeDrift) -> set[int]:
    """Ports of the rules that let everybody in; empty when they are not told or are all."""
    value = attribute.actual.value
    rules = cast("Sequence[object]", value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    found: set[int] = set()
    for rule in rules:
        if not _EVERYONE.search(str(rule)):
            continue
        if isinstance(rule, Mapping):
            fields = cast("Mapping[str, Value]", rule)
            low, high = number_of(fields.get("from_port")), number_of(fields.get("to_port"))
            if low is None or high is None or str(fields.get("protocol")) in ("-1", "all") or high - low > 1_000:
                return set()
            found |= set(range(int(low), int(high) + 1))
        elif isinstance(rule, str) and (told := re.search(r"\b(?:tcp|udp) (\d+)(?:-(\d+))?", rule)):
            found |= set(range(int(told[1]), min(int(told[2] or told[1]), int(told[1]) + 1_000) + 1))
    return found


def _ports_of(one: Observed) -> set[int]:
    """Ports of a rule that is a resource of its own."""
    low, high = (number_of(one.attributes_there.get(name)) for name in ("from_port", "to_port"))
    wide = low is None or high is None or high - low > 1_000 or low < 0
    return set() if wide else set(range(int(low or 0), int(high or 0) + 1))
