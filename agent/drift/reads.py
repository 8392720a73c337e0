"""Reads that were cut are said: a report must not look whole when it is not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from agent.context import Context
from graph.store import Page

_T = TypeVar("_T")
_CUT = "not all was read: there are more "


def whole(context: Context, page: Page[_T], what: str) -> tuple[_T, ...]:
    """The items of a page; that there are more is noted. `what` they are, and what may be wrong of it."""
    if page.cut:
        context.missing.append(_CUT + what)
    return page.items


def was_cut(notes: Iterable[str]) -> bool:
    """Whether one of these notes says that a read was cut."""
    return any(note.startswith(_CUT) for note in notes)
