"""Stack events grouped into operations: each create, update or delete of a stack from its first event to its last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from graph.clock import Instant
from ingest.sources.cloudformation.answers import Event, StackId

_STARTS = {
    "CREATE_IN_PROGRESS": "create",
    "UPDATE_IN_PROGRESS": "update",
    "DELETE_IN_PROGRESS": "delete",
    "IMPORT_IN_PROGRESS": "import into",
    "UPDATE_ROLLBACK_IN_PROGRESS": "roll back",
    "ROLLBACK_IN_PROGRESS": "roll back",
}
"""Status of a stack that begins an operation -> what it does. The last two only when nothing is going on."""
_ROLLBACKS = frozenset({"UPDATE_ROLLBACK_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "IMPORT_ROLLBACK_IN_PROGRESS"})
_SUCCEEDED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE", "IMPORT_COMPLETE"})
_FAILED = frozenset(
    {
        "CREATE_FAILED",
        "ROLLBACK_COMPLETE",
        "ROLLBACK_FAILED",
        "UPDATE_FAILED",
        "UPDATE_ROLLBACK_COMPLETE",
        "UPDATE_ROLLBACK_FAILED",
        "DELETE_FAILED",
        "IMPORT_ROLLBACK_COMPLETE",
        "IMPORT_ROLLBACK_FAILED",
    }
)
# A failure after which CloudFormation rolls back is not the end; the rollback's is.
_GOES_ON = frozenset({"CREATE_FAILED", "UPDATE_FAILED"})


@dataclass(slots=True)
class Operation:
    """What was done to a stack at once.

    Attributes:
        events: in order of time; the first is of the stack itself and names the operation.
        verb: create, update, delete, import into, roll back.
        finished: its last event, None while it goes on.
    """

    stack: StackId
    verb: str
    events: list[Event] = field(default_factory=list[Event])
    finished: Event | None = None

    @property
    def id(self) -> str:
        """The id of its first event."""
        return self.events[0].id

    @property
    def started_at(self) -> Instant:
        """When it began."""
        return self.events[0].at

    @property
    def outcome(self) -> str:
        """succeeded, failed, in_progress."""
        if self.finished is None:
            return "in_progress"
        return "succeeded" if self.finished.status in _SUCCEEDED and self.verb != "roll back" else "failed"

    @property
    def reasons(self) -> list[str]:
        """Why things failed, in order, as told."""
        failed = (e for e in self.events if e.status.endswith("_FAILED") and e.reason)
        return list(dict.fromkeys(f"{e.logical_id}: {e.reason}" for e in failed))


def operations(events: Iterable[Event]) -> list[Operation]:
    """The operations of one stack, oldest first. Events from before the first beginning that is known belong to none."""
    found: list[Operation] = []
    for event in in_order(events):
        going_on = found[-1] if found and found[-1].finished is None else None
        verb = _STARTS.get(event.status, "") if event.of_stack else ""
        begins = bool(verb) and not (going_on is not None and event.status in _ROLLBACKS)
        if begins and going_on is not None and going_on.verb == verb and going_on.events[-1].of_stack:
            begins = False  # CloudFormation says twice that it begins when it takes the stack out of a queue
        if begins:
            found.append(Operation(event.stack, verb))
        elif going_on is None:
            # Cleaning up goes on after the end.
            if found and not event.of_stack:
                found[-1].events.append(event)
            continue
        found[-1].events.append(event)
        if event.of_stack and _ends(event):
            found[-1].finished = event
    return found


def in_order(events: Iterable[Event]) -> Sequence[Event]:
    """Each event once, by time. Of the same moment: the stack's beginning first and its end last, else by id."""
    once = {event.id: event for event in events}
    return sorted(once.values(), key=lambda e: (e.at, _rank(e), e.id))


def _rank(event: Event) -> int:
    if not event.of_stack:
        return 1
    return 0 if event.status.endswith("_IN_PROGRESS") else 2


def _ends(event: Event) -> bool:
    return event.status in _SUCCEEDED or (event.status in _FAILED and event.status not in _GOES_ON)
