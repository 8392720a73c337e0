"""Exact cosine, the same for a vector whatever others are compared beside it, so that what is hidden shifts no score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from struct import pack, unpack
from typing import TYPE_CHECKING

from graph.bm25 import descending
from graph.errors import EmbedderMismatch

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
    matrix: NDArray[np.float32],
    numbers: NDArray[np.int64],
    query: Sequence[float],
    wanted: int,
    rows: NDArray[np.int64] | None = None,
) -> Iterator[tuple[float, list[int]]]:
    """(cosine, numbers of that cosine in ascending order), best first.

    Args:
        matrix: unit vectors, one a row.
        numbers: what to call each row (each of `rows`) by.
        query: a vector of the same dimension.
        wanted: how many are likely to be read. More may be; they are scored as they are asked for.
        rows: which rows take part, when not all.
    """
    import numpy as np

    if rows is None:
        rows = np.arange(len(matrix))
    target = np.asarray(query, dtype=np.float64)
    length = float(np.sqrt((target * target).sum()))
    if not len(rows) or length == 0.0:
        return
    target = target / length
    single = target.astype(np.float32)
    rough = (matrix @ single)[rows] if 2 * len(rows) > len(matrix) else matrix[rows] @ single
    while len(rough):
        if len(rough) > wanted:
            least = np.partition(rough, len(rough) - wanted)[len(rough) - wanted] - _MARGIN
            head = rough >= least
        else:
            head = np.ones(len(rough), dtype=bool)
            least = -np.inf
        chosen = matrix[rows[head]].astype(np.float64)
        lengths = np.sqrt((chosen * chosen).sum(axis=1))
        exact = (chosen * target).sum(axis=1) / np.where(lengths == 0.0, 1.0, lengths)
        certain = exact >= least + _ERROR  # no row that was left out can score as much
        yield from descending(numbers[head][certain], exact[certain])
        rest = ~head
        rest[np.nonzero(head)[0][~certain]] = True
        rows, numbers, rough = rows[rest], numbers[rest], rough[rest]
        wanted *= 8


def check_stamp(stamped: tuple[str, int] | None, embedder: str, dimension: int | None) -> None:
    """Raise `EmbedderMismatch` when the store's vectors are another embedder's or of another dimension."""
    if stamped is not None and (stamped[0] != embedder or dimension not in (None, stamped[1])):
        raise EmbedderMismatch(
            f"The store's vectors are of {stamped[0]} with {stamped[1]} dimensions, not of {embedder}"
            + (f" with {dimension}." if dimension is not None else "."),
            "Use the same embedder, or ingest into a new store.",
        )
