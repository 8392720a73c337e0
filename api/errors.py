"""From an exception to one sentence, a remedy and an exit code. A user never sees a traceback."""

from __future__ import annotations

from dataclasses import dataclass

from agent.llm import ModelError
from graph.errors import GraphError
from ingest.source import SourceError

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_FINDINGS = 3


class UsageError(Exception):
    """What the user typed cannot be meant: exit code 2."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class SettingsError(Exception):
    """A setting or `lore.yaml` cannot be used: exit code 1, and the hint says which line to change."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class OutwardError(Exception):
    """Something could not be written outward. `str(error)` is one sentence; `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class OutwardUnavailable(OutwardError):
    """The other side cannot be reached now; `retry_after_s` when it said so."""

    def __init__(self, message: str, hint: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s


class OutwardUnknown(OutwardError):
    """It was cut off where nobody can tell whether it was written, and nobody can look: it must not be written again."""


class OutwardRefused(OutwardError):
    """The other side says no."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What to tell the user."""

    message: str
    hint: str
    exit_code: int


def explain(error: BaseException) -> Failure:
    """The failure to show for an exception that reached the outside."""
    if isinstance(error, UsageError):
        return Failure(str(error), error.hint, EXIT_USAGE)
    if isinstance(error, (GraphError, SourceError, SettingsError, ModelError, OutwardError)):
        return Failure(str(error), error.hint, EXIT_ERROR)
    if isinstance(error, MemoryError):
        return Failure("out of memory", "ingest fewer sources at once, or use a machine with more memory", EXIT_ERROR)
    if isinstance(error, OSError):
        name = f" ({error.filename})" if error.filename else ""
        return Failure(
            f"{error.strerror or error}{name}", "check that the path exists, is readable and has room", EXIT_ERROR
        )
    return Failure(
        f"internal error: {type(error).__name__}: {error}",
        "this is a defect in infralore; run again with LORE_DEBUG=1 for the traceback and report it",
        EXIT_ERROR,
    )
