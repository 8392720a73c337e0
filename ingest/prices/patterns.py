"""How a wanted attribute fits a product's."""

from __future__ import annotations

import re
from functools import lru_cache

_PREFIX = re.compile(r"(?:[A-Z]{2,5}[0-9]?|[a-z]{2}(?:-[a-z]+)+-[0-9])-")
"""`EUW1-`, `EU-`, and the whole name of the region with KMS."""


def tail(usagetype: str) -> str:
    """A usage type without the code of its region: `NatGateway-Hours` of `EUW1-NatGateway-Hours`."""
    return _PREFIX.sub("", usagetype, count=1) if _PREFIX.match(usagetype) else usagetype


def fits(wanted: str, told: str) -> bool:
    """Whether a value is the wanted one: equal; with `*` in it for any characters; after `~`, also behind a region's code."""
    if wanted.startswith("~"):
        return fits(wanted[1:], told) or fits(wanted[1:], tail(told))
    if "*" not in wanted:
        return wanted == told
    return _compiled(wanted).fullmatch(told) is not None


@lru_cache(maxsize=4_096)
def _compiled(wanted: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in wanted.split("*")))
