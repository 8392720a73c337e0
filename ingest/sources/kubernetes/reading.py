"""What one look at a cluster found: objects, and of which kinds they are all there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from graph.model import Quarantined
from ingest.source import SourceError
from ingest.sources.kubernetes.objects import Object, ObjectInvalid, array, read_object, text


@dataclass(slots=True)
class Reading:
    """Objects of the whole cluster (`namespace` empty) or of one namespace.

    Attributes:
        complete: kinds of which `objects` holds all.
        strict: whether references need all the kinds that they may come from; files hold what somebody chose to export.
        error: why something is missing, raised when the rest is delivered.
    """

    namespace: str = ""
    objects: list[Object] = field(default_factory=list[Object])
    complete: set[str] = field(default_factory=set[str])
    quarantined: list[Quarantined] = field(default_factory=list[Quarantined])
    strict: bool = True
    error: SourceError | None = None

    def take(self, raw: Iterable[object], kind: str, where: str) -> None:
        """Read objects, or quarantine them by their place in `where`."""
        for index, one in enumerate(raw):
            try:
                self.objects.append(read_object(one, kind))
            except ObjectInvalid as error:
                self.quarantined.append(Quarantined(f"{where}#[{index}]", str(error)))

    def knows(self, kinds: Sequence[str], without: Sequence[str]) -> bool:
        """Whether enough is known of these kinds to say all that refers from one to another."""
        needed = set(kinds) - set(without)
        return needed <= self.complete if self.strict else bool(needed & self.complete)


def list_kind(document: object) -> str | None:
    """The kind of a list's members: empty where they tell their own, None when the document is no list."""
    kind = text(document, "kind")
    return kind.removesuffix("List") if kind.endswith("List") else None


def members(document: object) -> list[object]:
    """The members of a list."""
    return array(document, "items")
