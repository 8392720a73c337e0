"""From settings to working parts. The only place that knows stores, sources, embedders and the agent together."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from api.errors import SettingsError
from api.settings import Settings
from graph.clock import SECOND, Instant, rfc3339
from graph.store import GraphStore, View

if TYPE_CHECKING:
    from agent.llm import ChatModel
    from agent.model import Answer
    from agent.observations import Observations
    from api.cost import Costs
    from api.digests import Digests
    from api.drift import Drifts
    from api.gateway import Gateway
    from api.investigations import Investigations
    from graph.embeddings import Embedder
    from ingest.source import Source
    from ingest.sync import Progress, SyncReport

KEY_BYTES = 32
PATH_SETTINGS = ("path", "location")
"""Settings of sources that are paths: in `lore.yaml` they are relative to that file."""


def wall_clock() -> Instant:
    """Now, in whole seconds."""
    return int(time.time()) * SECOND


def precise_clock() -> Instant:
    """Now, in microseconds: two things a person says within one second are two, in their order."""
    return time.time_ns() // 1_000


class Engine:
    """The parts, each made when first used. A context manager that closes the store."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._store: GraphStore | None = None
        self._embedder: Embedder | None = None
        self._standby: GraphStore | None = None
        self._observations: Observations | None = None
        self._gateway: Gateway | None = None
        self._lender: Engine | None = None

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *exc: object) -> None:
        for store in (self._store, self._standby):
            if store is not None:
                store.close()

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

    def store_or_standby(self) -> tuple[GraphStore, tuple[str, ...]]:
        """The store; when it is down and a standby is named, that one, with what a reader must know of it.

        Raises:
            StoreUnavailable: the store is down, and nothing stands by.
        """
        from graph.errors import StoreUnavailable

        try:
            store = self.store
            store.record()
            return store, ()
        except StoreUnavailable:
            if not self.settings.standby:
                raise
        from graph.stores import open_store

        if self._standby is None:
            self._standby = open_store(self.settings.standby)
        fresh = [s.fresh_until for s in self._standby.scopes() if s.fresh_until is not None]
        until = f", read up to {rfc3339(min(fresh))}" if fresh else ""
        note = f"{self.shown_store} is down (it may be the incident): the standby answers, stale{until}"
        return self._standby, (note,)

    def observations(self) -> Observations | None:
        """The metrics, logs and traces that the settings name, opened once: one that hangs is known to; None when they name none.

        Relative paths are taken from where `lore.yaml` is.
        """
        if self._observations is None and self.settings.observations:
            from agent.observations import Several
            from ingest.observations.registry import open_observations

            named = [(name, given) for entry in self.settings.observations for name, given in entry.items()]
            self._observations = Several([open_observations(name, self._placed(given)) for name, given in named])
        return self._observations

    def model(self) -> ChatModel | None:
        """The language model that the settings name, with a budget for one investigation or answer; None when they name none.

        What is spent in a day is counted in the data directory, for everybody who shares it.

        Raises:
            ModelMisconfigured: its settings make no sense, or what its provider needs is not installed.
        """
        if not self.settings.model:
            return None
        from agent.llm_budget import SqliteLedger
        from agent.llm_settings import open_budgeted, read_llm_settings

        ledger = SqliteLedger(self.settings.data_directory / "models.db")
        model, _ = open_budgeted(read_llm_settings(self.settings.model), ledger, rfc3339(wall_clock())[:10])
        return model

    @property
    def investigations(self) -> Investigations:
        """What `lore investigate` and its siblings do."""
        from api.investigations import Investigations

        return Investigations(self)

    @property
    def drifts(self) -> Drifts:
        """What `lore drift` does."""
        from api.drift import Drifts

        return Drifts(self)

    @property
    def costs(self) -> Costs:
        """What `lore cost` does."""
        from api.cost import Costs

        return Costs(self)

    @property
    def digests(self) -> Digests:
        """What `lore digest` does."""
        from api.digests import Digests

        return Digests(self)

    @property
    def gateway(self) -> Gateway:
        """The one way out, with the performers that the settings give credentials to."""
        if self._lender is not None:
            return self._lender.gateway
        if self._gateway is None:
            from api.outward import open_gateway

            self._gateway = open_gateway(self.settings)
        return self._gateway

    def reading_as(self, audience: frozenset[str]) -> Engine:
        """The same parts for a reader who holds these labels: a channel, an API token. Closing it closes nothing."""
        other = _Reader(replace(self.settings, audience=audience))
        other.share(self)
        return other

    def share(self, parts: Engine) -> None:
        """Use the opened parts of another engine."""
        self._store = parts.store
        self._embedder, self._standby = parts._embedder, parts._standby
        self._observations, self._lender = parts._observations, parts

    @property
    def shown_store(self) -> str:
        """Where the store is, fit to be shown."""
        from graph.stores import sqlite_path, url_without_password

        url = self.settings.store
        return str(sqlite_path(url) or url) if url.startswith("sqlite:") else url_without_password(url)

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

    def usable_sources(self) -> tuple[list[Source], list[SyncReport]]:
        """The configured sources that can be opened, and a report for each that cannot, so that one mistake stops no other."""
        from ingest.source import SourceError
        from ingest.sync import SyncReport

        sources: list[Source] = []
        unusable: list[SyncReport] = []
        for entry in self.settings.sources:
            for name, settings in entry.items():
                try:
                    source = self.source(name, settings)
                    _ = source.scope  # a repository is opened for its name
                    sources.append(source)
                except SourceError as error:
                    shown = [settings[key] for key in ("name", *PATH_SETTINGS) if key in settings]
                    scope = next((str(one) for one in shown if not is_remote(one)), "?")
                    unusable.append(SyncReport(name, scope, error=error))
        return sources, unusable

    def source(self, name: str, settings: Mapping[str, object]) -> Source:
        """One source from its settings; relative paths are taken from where `lore.yaml` is."""
        from ingest.registry import open_source, setting_docs
        from ingest.source import SourceDataInvalid

        if name == "git" and is_remote(settings.get("path")):  # not echoed: there may be a password in it
            raise SourceDataInvalid(
                "a git repository is read from a clone, not from a URL",
                "clone it first (`git clone --mirror URL`), then name the clone's folder",
            )
        resolved = self._placed(settings)
        if any(setting.name == "digest_key" for setting in setting_docs(name)):
            resolved.setdefault("digest_key", redact_key(self.settings.data_directory).hex())
        return open_source(name, resolved)

    def _placed(self, settings: Mapping[str, object]) -> dict[str, object]:
        """Settings with their paths from where `lore.yaml` is."""
        base = self.settings.config_path.parent if self.settings.config_path else Path()
        return {key: _resolve(base, value) if key in PATH_SETTINGS else value for key, value in settings.items()}

    def ingest(
        self, sources: Iterable[Source], on_progress: Callable[[Progress], None] | None = None
    ) -> list[SyncReport]:
        """Read what is new in each source; one that fails does not stop the others."""
        from ingest.sync import sync_all

        sources = list(sources)
        reports = sync_all(self.store, sources, wall_clock(), redact_key(self.settings.data_directory), on_progress)
        if any(report.rows_written for report in reports):
            self.update_people()
        if self.settings.standby:
            self._bring_up(sources)
        return reports

    def _bring_up(self, sources: Iterable[Source]) -> None:
        """Read the same sources into the standby, which has cursors of its own; its failure is not the store's."""
        from graph.errors import GraphError
        from graph.stores import open_store
        from ingest.sync import sync_all

        with suppress(GraphError), open_store(str(self.settings.standby)) as standby:
            sync_all(standby, list(sources), wall_clock(), redact_key(self.settings.data_directory))

    def update_people(self) -> int:
        """Join accounts to people anew, with what the team's file says; how many facts are new or taken back."""
        from api.people import update_people, verified_file

        return update_people(self.store, precise_clock(), verified_file(self.settings.people))

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
        use_model: bool = True,
    ) -> Answer:
        """Answer a question, with the model's help when the settings name one. `known_at` is a time here: what was recorded by then.

        Raises:
            ModelMisconfigured: as `model`.
        """
        model = self.model() if use_model else None
        if model is not None:
            from agent.free_language import ask_freely
            from ingest.redact import redact_text

            return ask_freely(
                model,
                self.store,
                question,
                redact=redact_text,
                as_of=as_of,
                known_at=known_at,
                since=since,
                until=until,
                audience=self.settings.audience,
                now=wall_clock(),
            )
        from agent.ask import ask

        return ask(
            self.store,
            question,
            as_of=as_of,
            known_at=known_at,
            since=since,
            until=until,
            audience=self.settings.audience,
            now=wall_clock(),
        )


class _Reader(Engine):
    """An engine on another's parts."""

    def __exit__(self, *exc: object) -> None:
        return None


def redact_key(directory: Path) -> bytes:
    """The key under which digests stand for secrets: made once, kept beside the user's data, readable by the user alone.

    Raises:
        SettingsError: it can neither be read nor made, or what is there is no key.
    """
    path = directory / "redact.key"
    try:
        key = _read_or_make(path)
    except OSError as error:
        raise SettingsError(
            f"the key for digests of secrets, {path}, cannot be read or made: {error.strerror}",
            "make its directory writable, or set XDG_DATA_HOME to one that is",
        ) from None
    if len(key) != KEY_BYTES:
        raise SettingsError(
            f"{path} is damaged", "restore it from a backup, or remove it: then known secrets look changed once"
        )
    return key


def _read_or_make(path: Path) -> bytes:
    with suppress(FileNotFoundError):
        return path.read_bytes()
    import secrets
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # readable by the user alone
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        _publish(draft, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(draft)
    return path.read_bytes()


def _publish(draft: str, path: Path) -> None:
    """The file appears whole or not at all, and never in place of another process's."""
    with suppress(FileExistsError):
        try:
            os.link(draft, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            os.replace(draft, path)


def is_remote(path: object) -> bool:
    """Whether this is a URL, or `git@host:path`, and no path of this machine."""
    if not isinstance(path, str):
        return False
    host, colon, _ = path.partition("/")[0].partition(":")
    return "://" in path or (colon == ":" and "@" in host)


def _resolve(base: Path, value: object) -> object:
    if isinstance(value, str) and not is_remote(value):
        return str(base / Path(value).expanduser())
    return value
