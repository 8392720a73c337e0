"""Investigations as an application runs them: sources read first, the answer refined, kept, replayed, confirmed.

The agent reads one view of one store and writes nothing; everything around it is here.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

import msgspec

from agent.investigate import Given, Options, Progress, Run, run
from agent.llm import ModelError
from agent.llm_recording import RecordingModel, ReplayedModel, exchanges_as_json, exchanges_in
from api import memory
from api.errors import SettingsError
from api.wiring import precise_clock
from graph.clock import SECOND, Instant, instant
from graph.errors import GraphError
from graph.model import PUBLIC, EntityRef
from graph.store import GraphStore, View

if TYPE_CHECKING:
    from agent.investigation import Investigation
    from agent.kept import Difference
    from agent.llm_fence import Redact
    from agent.memory_facts import InvestigationInputs
    from api.settings import Settings
    from api.wiring import Engine
    from graph.embeddings import Embedder
    from ingest.sync import SyncReport

SYNC_S = 10.0
"""How long sources are read before the final answer is given, at most."""
_SLACK: Instant = 60 * SECOND

Provisional = Callable[["Investigation"], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is investigated, and how."""

    symptom: str
    at: Instant
    options: Options
    sync: bool = True
    model: bool = True
    remember: bool = True


class Investigations:
    """What `lore investigate` and its siblings do."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # -- running

    def start(
        self, asked: Asked, on_provisional: Provisional | None = None, on_step: Progress | None = None
    ) -> Investigation:
        """Investigate: on what is known at once, and again when the sources that were read meanwhile told something new or a model may help."""
        reading = self._reading(asked) if asked.sync else None
        store, notes = self._engine.store_or_standby()
        # Counting what is in a large store takes its time: once for both runs.
        embedder = self._engine.embedder if store.status(0).vectors else None
        first = self._run(store, asked, notes, on_step, embedder)
        model, away = self._model(asked)
        if reading is None and model is None and not away:
            return self._kept(store, first, asked)
        if on_provisional is not None:
            on_provisional(first.result)
        before = first.inputs.known_at
        unread = (*(reading.wait() if reading is not None else ()), *away)
        notes = (*notes, *unread)
        if store.record() == before and not unread and model is None:
            return self._kept(store, first, asked)
        return self._kept(store, self._run(store, asked, notes, on_step, embedder, model), asked)

    def _model(self, asked: Asked) -> tuple[RecordingModel | None, tuple[str, ...]]:
        """The model that the settings name, with a budget of its own; what stands in its way is a note, and never in the way of an answer."""
        try:
            model = self._engine.model() if asked.model else None
        except ModelError as error:
            return None, (f"done without the model: {error}" + (f" ({error.hint})" if error.hint else ""),)
        return (RecordingModel(model) if model is not None else None), ()

    def _run(
        self,
        store: GraphStore,
        asked: Asked,
        notes: tuple[str, ...],
        on_step: Progress | None,
        embedder: Embedder | None,
        model: RecordingModel | None = None,
    ) -> Run:
        from agent.observations import Recorded

        settings = self._engine.settings
        observations = self._engine.observations()
        recorded = Recorded(observations) if observations is not None else None
        done = run(
            store,
            asked.symptom,
            at=asked.at,
            audience=settings.audience,
            options=asked.options,
            given=Given(
                embedder=embedder,
                observations=recorded,
                model=model,
                redact=_redact() if model is not None else None,
                notes=notes,
            ),
            on_step=on_step,
        )
        inputs = done.inputs
        if recorded is not None:
            inputs = msgspec.structs.replace(inputs, observations=recorded.recording.to_json())
        if model is not None:
            inputs = msgspec.structs.replace(inputs, replies=exchanges_as_json(model.exchanges))
        return Run(done.result, inputs)

    def _kept(self, store: GraphStore, done: Run, asked: Asked) -> Investigation:
        if asked.remember:
            try:
                memory.keep(store, done.result, done.inputs, self._label())
            except GraphError as error:
                note = f"this investigation could not be stored: {error}"
                return msgspec.structs.replace(done.result, notes=(*done.result.notes, note))
        return done.result

    def _label(self) -> str:
        """Who may read it: whoever holds every label that its reader held."""
        return "+".join(sorted(self._engine.settings.audience - {PUBLIC})) or PUBLIC

    def _reading(self, asked: Asked) -> _Reading | None:
        """Sources that have not been read up to the symptom, being read; None when there are none."""
        settings = self._engine.settings
        if not settings.sources:
            return None
        store, notes = self._engine.store_or_standby()
        named = Counter(name for entry in settings.sources for name in entry)
        read = [(s.source, s.fresh_until) for s in store.scopes() if s.source in named and s.fresh_until is not None]
        if all(fresh >= asked.at - _SLACK for _, fresh in read) and named <= Counter(source for source, _ in read):
            return None
        if notes and settings.standby:  # the store is down: whoever stands by is read into
            settings = msgspec.structs.replace(settings, store=settings.standby, standby="")
        return _Reading(settings)

    # -- afterwards

    def of(self, identifier: str) -> Investigation:
        """One that was kept. Raises `UsageError`."""
        store, _ = self._engine.store_or_standby()
        return memory.kept(store, self._engine.view, identifier).result

    def replay(
        self, identifier: str, without: frozenset[str] = frozenset()
    ) -> tuple[Investigation, tuple[Difference, ...]]:
        """The same investigation on the stored data, offline, and where it differs; `without` hides what these sources said.

        Raises:
            UsageError: there is no such investigation, or nothing was read from such a source.
        """
        store, _ = self._engine.store_or_standby()
        what_if = f"without:{','.join(sorted(without))}" if without else ""
        done = memory.replay(store, self._engine.view, identifier, _again(identifier.strip(), without), what_if=what_if)
        return done.after, done.differences

    def confirm(self, identifier: str, cause: str, by: str, fix: str = "") -> str:
        """Say that this (its rank, ref or name) was the cause; the learning's id. Raises `UsageError`."""
        engine = self._engine
        return memory.confirm(
            engine.store, engine.view, identifier, cause, by=by, at=precise_clock(), fix=fix
        ).learning_id

    def propose(self, identifier: str) -> bool:
        """Whether a merged revert followed by recovery suggests a cause, which is then stored, unconfirmed. Raises `UsageError`."""
        return memory.propose(self._engine.store, self._engine.view, identifier)

    def retract(self, learning: str, by: str, reason: str) -> tuple[str, ...]:
        """Take a learning back, with all that came from it; ids of the investigations that had used it. Raises `UsageError`."""
        engine = self._engine
        return memory.retract(engine.store, engine.view, learning, by=by, reason=reason, at=precise_clock())


def _again(identifier: str, without: frozenset[str]) -> memory.Investigate:
    """The investigator on what was recorded, asking nobody."""
    from agent.observations import Recorded, Recording

    def again(store: GraphStore, view: View, inputs: InvestigationInputs) -> Investigation:
        scopes = inputs.scopes
        given = Given(
            dense={EntityRef(ref): value for ref, value in inputs.dense.items()},
            observations=Recorded(None, Recording.from_json(inputs.observations)) if inputs.observations else None,
            model=ReplayedModel("the model", exchanges_in(inputs.replies)) if inputs.replies else None,
            redact=_redact() if inputs.replies else None,
            notes=inputs.notes,
            scopes=None if scopes is None else tuple(s for s in scopes if s.source not in without),
        )
        done = run(
            store,
            inputs.symptom,
            at=instant(inputs.at),
            audience=view.audience,
            record=view.known_at,
            options=msgspec.convert({**inputs.options, "seconds": None}, Options),
            given=given,
        )
        return msgspec.structs.replace(done.result, id=identifier)

    return again


def _redact() -> Redact:
    """Takes out the secrets that somebody typed; those of sources are out already."""
    from ingest.redact import redact_text

    return redact_text


class _Reading:
    """Sources being read beside, with a connection of their own: what hangs there does not hold up the answer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._done: dict[str, bool] = {}
        self._failed: list[str] = []
        self._ends_at = time.monotonic() + SYNC_S
        self._thread = Thread(target=self._read, name="reading sources", daemon=True)
        self._thread.start()

    def wait(self) -> tuple[str, ...]:
        """Wait until everything is read or time is up; what was not read, a sentence each."""
        self._thread.join(max(self._ends_at - time.monotonic(), 0.0))
        late = sorted(name for name, done in list(self._done.items()) if not done)
        hanging = (f"sources were still being read after {SYNC_S:.0f} s: {', '.join(late)}",) if late else ()
        return (*sorted(dict.fromkeys(self._failed)), *hanging)

    def _read(self) -> None:
        from api.wiring import Engine

        try:
            with Engine(self._settings) as own:
                sources, unusable = own.usable_sources()
                self._note(unusable)
                self._done.update((s.name, False) for s in sources)
                for source in sources:
                    if time.monotonic() >= self._ends_at:
                        return
                    self._note(own.ingest([source]))
                    self._done[source.name] = True
        except (GraphError, SettingsError) as error:
            self._failed.append(f"the sources could not be read: {error}")
            self._done.clear()

    def _note(self, reports: Sequence[SyncReport]) -> None:
        for one in reports:
            if one.error is not None:
                self._failed.append(f"{one.source} {one.scope} could not be read: {one.error}")
