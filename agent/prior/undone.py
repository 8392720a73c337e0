"""Which past changes were taken back, by which, and how soon: from `REVERTS` relations and the order of changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agent.prior.candidate import PastChange, PastChanges
from graph.clock import Instant
from graph.model import EntityRef


@dataclass(frozen=True, slots=True)
class Later:
    """A change of the window, which may have taken back one from before it."""

    ref: EntityRef
    at: Instant
    message: str


def linked(
    past: Sequence[tuple[EntityRef, PastChange]], later: Sequence[Later], undone_by: Mapping[EntityRef, EntityRef]
) -> PastChanges:
    """The past changes with what took them back.

    Args:
        past: by the ref of the mainline change, newest first.
        later: the window's changes, newest first.
        undone_by: mainline change -> the mainline change that took it back; refs that are in neither list are passed over.
    """
    order = [*((one.ref, one.at, one.message) for one in later), *((ref, one.at, one.message) for ref, one in past)]
    place = {ref: number for number, (ref, _, _) in enumerate(order)}
    found: list[PastChange] = []
    for ref, change in past:
        number = place.get(undone_by.get(ref, ref), place[ref])
        if number < place[ref]:
            _, at, message = order[number]
            found.append(replace(change, undone_at=at, undone_after=place[ref] - number, undone_why=message))
        else:
            found.append(change)
    return PastChanges(tuple(found))
