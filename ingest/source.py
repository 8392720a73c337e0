"""The Source protocol: what every source is to the rest of infralore.

A source reads one part of the world and yields fact batches. It knows nothing of stores. Each batch carries the cursor to
go on from, so that whoever applies batches one by one can be killed between any two and resume.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from graph.clock import Instant
from graph.model import FactBatch


class Source(Protocol):
    """One source with its scope. Built from a settings dataclass; see `ingest.registry`."""

    @property
    def name(self) -> str:
        """The registered name, `git`."""
        ...

    @property
    def scope(self) -> str:
        """What of it this instance reads, `org/name`; stable between runs."""
        ...

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        """Yield what is new since `cursor` (None: everything) in an order that is safe to stop between any two batches.

        A pull with nothing new yields nothing, or one batch without assertions that only moves `fresh_until`. The same
        input and cursor give the same batches with the same ids.

        Raises:
            SourceUnavailable: cannot be read now; trying again may help.
            SourceDataInvalid: cannot be read at all; the hint says what to change.
        """
        ...


class SourceError(Exception):
    """Base of source errors. `str(error)` is one sentence; `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class SourceUnavailable(SourceError):
    """Transient: the network, a lock, a rate limit. `retry_after_s` when the other side said so."""

    def __init__(self, message: str, hint: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s


class SourceDataInvalid(SourceError):
    """Terminal: this input cannot be read. Nothing is lost; what could be read was."""
