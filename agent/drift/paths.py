"""Rules of security groups, in groups or as resources of their own, as texts that are equal for equal rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from graph.model import Value

_INDEX = re.compile(r"\[\d+\]")


def group_rules(attributes: Mapping[str, Value], direction: str) -> frozenset[str]:
    """The rules of a security group, one text for each source: `tcp 443 from 10.0.0.0/8`."""
    blocks: dict[str, dict[str, Value]] = {}
    for path, value in attributes.items():
        if (found := re.fullmatch(rf"{direction}\[(\d+)\]\.(\w+)", path)) is not None:
            blocks.setdefault(found[1], {})[found[2]] = value
    return frozenset(text for block in blocks.values() for text in rule_texts(block))


def rule_texts(block: Mapping[str, Value]) -> Iterator[str]:
    """The rules that one block of a group, or one resource that is a rule, makes."""
    protocol = str(block.get("protocol") or block.get("ip_protocol") or "-1")
    low, high = block.get("from_port"), block.get("to_port")
    everything = protocol in ("-1", "all")
    ports = "" if everything or low is None else f" {low}" if low == high else f" {low}-{high}"
    for name in ("cidr_blocks", "ipv6_cidr_blocks", "security_groups", "prefix_list_ids", "source_security_group_id", "cidr_ipv4", "cidr_ipv6", "referenced_security_group_id", "prefix_list_id"):  # fmt: skip
        value = block.get(name)
        for source in value if isinstance(value, Sequence) and not isinstance(value, str) else [value]:
            if isinstance(source, str) and source and " " not in source:
                yield f"{'all' if everything else protocol}{ports} from {source}"
    if block.get("self") is True:
        yield f"{'all' if everything else protocol}{ports} from itself"


_RULE = re.compile(r"(\S+?)(?: (-?\d+)(?:-(-?\d+))?)? from (\S+)")


def rule_blocks(rules: Iterable[str]) -> list[dict[str, Value]]:
    """Such rules as blocks: one for each protocol and range of ports."""
    blocks: dict[tuple[str, int, int], dict[str, list[str]]] = {}
    itself: set[tuple[str, int, int]] = set()
    for text in sorted(rules):
        if (found := _RULE.fullmatch(text)) is None:
            continue
        low = int(found[2]) if found[2] else 0
        key = ("-1" if found[1] == "all" else found[1], low, int(found[3]) if found[3] else low)
        sources = blocks.setdefault(key, {})
        if found[4] == "itself":
            itself.add(key)
            continue
        name = (
            "security_groups"
            if found[4].startswith("sg-")
            else "prefix_list_ids"
            if found[4].startswith("pl-")
            else "ipv6_cidr_blocks"
            if ":" in found[4]
            else "cidr_blocks"
        )
        sources.setdefault(name, []).append(found[4])
    return [
        {
            "protocol": p,
            "from_port": low,
            "to_port": high,
            **sources,
            **({"self": True} if (p, low, high) in itself else {}),
        }
        for (p, low, high), sources in sorted(blocks.items())
    ]


def is_indexed(path: str) -> bool:
    """Whether it goes through a list of blocks, whose order two sources need not share."""
    return _INDEX.search(path) is not None
