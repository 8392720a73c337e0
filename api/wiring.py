"""From settings to working parts. The only place that knows stores, sources, embedders and the agent together."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from api.settings import Settings
from graph.clock import SECOND, Instant
from graph.store import GraphStore, View

if TYPE_CHECKING:
    from agent.model import Answer
    from graph.embeddings import Embedder
    from ingest.source import Source
    from ingest.sync import Progress, SyncReport

PATH_SETTINGS = ("path", "location")
"""Settings of sources that are paths: in `lore.yaml` they are relative to that file."""


def wall_clock() -> Instant:
    """Now, in whole seconds."""
    return int(time.time()) * SECOND


class Engine:
    """The parts, each made when first used. A context manager that closes the store."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._store: GraphStore | None = None
        self._embedder: Embedder | None = None

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._store is not None:
            self._store.close()

    @property
    def store(self) -> GraphStore:
        """The store that the settings name, opened."""
        if self._store is None:
            from graph.stores import open_store

            neo4j = self.settings.neo4j
            self._store = open_store(
                self.settings.store, user=neo4j.username, password=neo4j.password, database=neo4j.database
            )
        return self._store

    @property
    def embedder(self) -> Embedder | None:
        """The embedder that the settings name; None when it is `none`."""
        if self._embedder is None and self.settings.embedder != "none":
            from graph.embeddings import open_embedder

            self._embedder = open_embedder(self.settings.embedder)
        return self._embedder

    @property
    def view(self) -> View:
        """Now, as this process's audience."""
        return View(audience=self.settings.audience)

    def configured_sources(self) -> list[Source]:
        """The sources that `lore.yaml` lists, in its order."""
        return [self.source(name, settings) for entry in self.settings.sources for name, settings in entry.items()]

    def source(self, name: str, settings: Mapping[str, object]) -> Source:
        """One source from its settings; relative paths are taken from where `lore.yaml` is."""
        from ingest.registry import open_source

        base = self.settings.config_path.parent if self.settings.config_path else Path()
        resolved = {key: _resolve(base, value) if key in PATH_SETTINGS else value for key, value in settings.items()}
        if name == "terraform_state":
            resolved.setdefault("digest_key", redact_key(self.settings.data_directory).hex())
        return open_source(name, resolved)

    def ingest(
        self, sources: Iterable[Source], on_progress: Callable[[Progress], None] | None = None
    ) -> list[SyncReport]:
        """Read what is new in each source; one that fails does not stop the others."""
        from ingest.sync import sync_all

        return sync_all(self.store, list(sources), wall_clock(), redact_key(self.settings.data_directory), on_progress)

    def embed(self, deadline_s: float) -> int:
        """Embed passages that have no vector yet, newest first, until done or out of time; how many were."""
        if deadline_s <= 0 or self.settings.embedder == "none":
            return 0
        from graph.embeddings import embed_missing

        embedder = self.embedder
        return embed_missing(self.store, embedder, deadline_s=deadline_s) if embedder else 0

    def ask(
        self,
        question: str,
        *,
        as_of: Instant | None = None,
        known_at: Instant | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
    ) -> Answer:
        """Answer a question. `known_at` is a time here: what was recorded by then."""
        from agent.ask import ask

        record = None if known_at is None else self.store.record(known_at)
        return ask(
            self.store,
            question,
            as_of=as_of,
            known_at=record,
            since=since,
            until=until,
            audience=self.settings.audience,
            now=wall_clock(),
        )


def redact_key(directory: Path) -> bytes:
    """The key under which digests stand for secrets: made once, kept beside the user's data, readable by the user alone."""
    path = directory / "redact.key"
    with suppress(FileNotFoundError):
        return path.read_bytes()
    directory.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process made it just now
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        key = secrets.token_bytes(32)
        file.write(key)
    return key


def _resolve(base: Path, value: object) -> object:
    if isinstance(value, str) and "://" not in value and not Path(value).is_absolute():
        return str(base / value)
    return value
