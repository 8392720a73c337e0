"""Generators of suspects, one a file. Their order decides which one's name a suspect carries that several propose."""

from __future__ import annotations

from agent.hypotheses import changes, earlier, expiry, external, limits
from agent.scene import Generator

GENERATORS: tuple[tuple[str, Generator], ...] = (
    (changes.NAME, changes.propose),
    (earlier.NAME, earlier.propose),
    (expiry.NAME, expiry.propose),
    (limits.NAME, limits.propose),
    (external.NAME, external.propose),
)
"""By name, in the order in which they are asked."""
