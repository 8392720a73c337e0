"""Why an edit cannot be made."""

from __future__ import annotations


class InTheWay(Exception):
    """Why an edit cannot be made, as a sentence that names the file and line."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Missing(InTheWay):
    """A map has not the key, a list not the item."""
