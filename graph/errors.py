"""Errors of the graph, named by what the caller can do. Each has a one-sentence message and a `hint` with the remedy."""

from __future__ import annotations


class GraphError(Exception):
    """Base of all errors of the graph. `str(error)` is one sentence; `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class StoreUnavailable(GraphError):
    """The store cannot be reached or is locked just now. Transient: try again."""


class StoreFull(GraphError):
    """No room to write. Nothing of the batch was stored."""


class StoreIncompatible(GraphError):
    """The store was written by a newer schema, or is not an infralore store. Terminal."""


class BatchRefused(GraphError):
    """The whole batch contradicts the ledger (snapshot generation, same id with other content). Terminal; nothing stored."""


class EmbedderMismatch(GraphError):
    """A vector of another embedder or dimension than the one the index was built with. Terminal."""
