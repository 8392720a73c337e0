"""Generations of instances and volumes that have a cheaper successor of the same size.

`ratio` is the successor's price by the old one's, on demand for Linux in us-east-1 by the providers' public price pages as of 2026; it is
used only as a ratio of what is billed. Successors on other processors (Graviton) are named and not counted on: they need other builds.
Previous generations: https://aws.amazon.com/ec2/previous-generation/ · volumes: https://aws.amazon.com/ebs/pricing/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Successor:
    """What to move to. `ratio` is None where the price is about the same, or differs by size."""

    family: str
    ratio: Decimal | None
    also: str = ""


GENERATIONS: Mapping[str, Successor] = {
    "t1": Successor("t3", None, "t4g"),
    "t2": Successor("t3", Decimal("0.897"), "t4g"),
    "m1": Successor("m6i", None, "m7g"),
    "m2": Successor("r6i", None, "r7g"),
    "m3": Successor("m6i", Decimal("0.722"), "m7g"),
    "m4": Successor("m6i", Decimal("0.96"), "m7g"),
    "c1": Successor("c6i", None, "c7g"),
    "c3": Successor("c6i", Decimal("0.81"), "c7g"),
    "c4": Successor("c6i", Decimal("0.854"), "c7g"),
    "r3": Successor("r6i", Decimal("0.759"), "r7g"),
    "r4": Successor("r6i", Decimal("0.947"), "r7g"),
    "i2": Successor("i3", None, "i4g"),
    "g2": Successor("g4dn", None),
    "g3": Successor("g4dn", None),
    "p2": Successor("p3", None),
}
"""Family of instances -> successor; of databases (`db.m4`) and caches (`cache.m4`) by the same families."""
SIZES_OF_SUCCESSORS_DIFFER = frozenset({"t1", "m1", "m2", "m3", "c1", "c3", "i2", "g2", "g3", "p2"})
"""Families with sizes that their successors do not have: what size is right is for a person to say."""
MANAGED: Mapping[str, Mapping[str, Successor]] = {
    "db": {
        "t2": Successor("t3", None, "t4g"),
        "m3": Successor("m6i", None, "m7g"),
        "m4": Successor("m6i", None, "m7g"),
        "r3": Successor("r6i", None, "r7g"),
        "r4": Successor("r6i", None, "r7g"),
    },
    "cache": {
        "t2": Successor("t3", None, "t4g"),
        "m3": Successor("m6g", None),
        "m4": Successor("m6g", None),
        "r3": Successor("r6g", None),
        "r4": Successor("r6g", None),
    },
}
VOLUMES: Mapping[str, Successor] = {
    "gp2": Successor("gp3", Decimal("0.8")),
    "standard": Successor("gp3", None),
}
"""Type of volume -> successor. gp3 brings 3,000 IOPS and 125 MB/s at any size."""


def successor(instance_type: str) -> tuple[str, Successor] | None:
    """The type to move to and what is known of it; None where the generation is current.

    >>> successor("t2.small")[0], successor("db.m4.large")[0], successor("m6i.large")
    ('t3.small', 'db.m6i.large', None)
    """
    parts = instance_type.split(".")
    if len(parts) == 3 and parts[0] in MANAGED:
        found = MANAGED[parts[0]].get(parts[1])
        return (f"{parts[0]}.{found.family}.{parts[2]}", found) if found else None
    if len(parts) != 2 or (found := GENERATIONS.get(parts[0])) is None:
        return None
    size = "…" if parts[0] in SIZES_OF_SUCCESSORS_DIFFER and parts[0] not in ("m3", "c3", "r3") else parts[1]
    return f"{found.family}.{size}", found
