"""The git source: the whole history of one repository as facts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from graph.clock import Instant
from graph.model import FactBatch
from ingest.sources.git.blocks import BlockDiffer, Language
from ingest.sources.git.pull import Reading, pull
from ingest.sources.git.repository import Repository, open_repository


@dataclass(frozen=True, slots=True)
class GitSettings:
    """Which repository, up to which revision, under which name.

    Attributes:
        path: a clone or a bare repository on this machine.
        rev: branch, tag or hash whose history is read; nothing that it cannot reach is.
        name: `owner/name`; None reads it from the remote's URL or takes the folder's name.
    """

    path: str
    rev: str = "HEAD"
    name: str | None = None


class GitSource:
    """Reads a repository by running git. See `ingest.source.Source`."""

    def __init__(self, settings: GitSettings, reading: Reading | None = None) -> None:
        """`reading` gives the languages and a differ for one pull; by default all languages there are."""
        self.settings = settings
        self._reading = reading or _all_languages

    @property
    def name(self) -> str:
        """`git`."""
        return "git"

    @property
    def scope(self) -> str:
        """The repository's name, `owner/name`. Raises as `pull` does when there is no repository."""
        return self._repository.site.name

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        """Facts in mainline order, cut only between mainline commits. See `ingest.source.Source`."""
        return pull(self._repository, self.settings.rev, cursor, now, self._reading)

    @cached_property
    def _repository(self) -> Repository:
        return open_repository(Path(self.settings.path), self.settings.name)


def _all_languages() -> tuple[Sequence[Language], BlockDiffer]:
    # Parsers are loaded only when there is something to read.
    from ingest.sources.git.block_diff import Differ
    from ingest.sources.git.languages import LANGUAGES

    return LANGUAGES, Differ(LANGUAGES)
