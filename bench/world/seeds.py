"""Which worlds: seeds as they are typed."""

from __future__ import annotations


def read_seeds(text: str) -> list[int]:
    """Seeds from `0-99` or `3,5,8-11`.

    Raises:
        ValueError: it is neither.
    """
    out: list[int] = []
    for part in text.split(","):
        low, _, high = part.partition("-")
        out += range(int(low), int(high or low) + 1)
    return out
