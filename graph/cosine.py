"""Exact cosine, the same for a vector whatever others are compared beside it, so that what is hidden shifts no score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from struct import pack, unpack
from typing import TYPE_CHECKING

from graph.bm25 import descending

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ERROR = 1e-5
"""More than a float32 product of unit vectors can be wrong by."""
_MARGIN = 1e-4


def pack_vector(vector: Sequence[float]) -> bytes:
    """A vector as little-endian float32. Raises `ValueError` when it is empty or not finite."""
    if not len(vector) or not all(map(isfinite, vector)):
        raise ValueError("a vector must have finite components")
    try:
        return pack(f"<{len(vector)}f", *vector)
    except OverflowError:
        raise ValueError("a vector's components must fit float32") from None


def unpack_vector(data: bytes) -> tuple[float, ...]:
    """The vector that `pack_vector` packed."""
    return unpack(f"<{len(data) // 4}f", data)


def nearest(
    matrix: NDArray[np.float32], numbers: NDArray[np.int64], query: Sequence[float], wanted: int
) -> Iterator[tuple[float, list[int]]]:
    """(cosine, numbers of that cosine in ascending order), best first, for at least the best `wanted` rows.

    Args:
        matrix: unit vectors, one a row.
        numbers: what to call each row by.
        query: a vector of the same dimension.
        wanted: rows that are scored exactly; the rest follows only when it is read.
    """
    import numpy as np

    target = np.asarray(query, dtype=np.float64)
    length = float(np.sqrt((target * target).sum()))
    if not len(matrix) or length == 0.0:
        return
    target = target / length
    rough = matrix @ target.astype(np.float32)
    while len(rough):
        if len(rough) > wanted:
            least = np.partition(rough, len(rough) - wanted)[len(rough) - wanted] - _MARGIN
            head = rough >= least
        else:
            head = np.ones(len(rough), dtype=bool)
            least = -np.inf
        chosen = matrix[head].astype(np.float64)
        lengths = np.sqrt((chosen * chosen).sum(axis=1))
        exact = (chosen * target).sum(axis=1) / np.where(lengths == 0.0, 1.0, lengths)
        certain = exact >= least + _ERROR  # no row that was left out can score as much
        yield from descending(numbers[head][certain], exact[certain])
        rest = ~head
        rest[np.nonzero(head)[0][~certain]] = True
        matrix, numbers, rough = matrix[rest], numbers[rest], rough[rest]
        wanted *= 8
