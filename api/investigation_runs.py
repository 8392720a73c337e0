"""An investigation as a run of the server: done for its audience, told as it goes."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import msgspec

from agent.investigate import Options
from api.investigations import Asked
from api.run_store import Run
from api.runs import Tell

if TYPE_CHECKING:
    from agent.investigation import Investigation, Step
    from api.wiring import Engine


class StepTold(msgspec.Struct, frozen=True, kw_only=True):
    """A step as it is told: what was asked next and why, what came of it, and who is suspected most now."""

    step: int
    check: str
    because: str
    outcome: str
    suspect: str
    probability: float


class Investigator:
    """Does runs. What is slow to open (the embedder, metrics and logs) is opened once for all."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = Lock()
        self._opened = False

    def __call__(self, run: Run, tell: Tell) -> tuple[str, str]:
        """The investigation's id and its JSON.

        Raises:
            GraphError: the store cannot be read.
        """
        self._open()
        asked = run.request

        def step(done: Step, suspect: str) -> None:
            told = StepTold(
                step=done.step,
                check=done.check,
                because=done.because,
                outcome=done.outcome,
                suspect=suspect,
                probability=done.probability,
            )
            tell("step", msgspec.json.encode(told).decode())

        def provisional(found: Investigation) -> None:
            tell("provisional", found.to_json())

        options = Options(
            window_s=asked.window_s,
            environment=asked.environment,
            steps=asked.steps,
            seconds=asked.seconds,
            confidence=asked.confidence,
            memory=asked.memory,
        )
        found = self._engine.reading_as(run.audience).investigations.start(
            Asked(asked.symptom, asked.at, options, sync=asked.sync, model=asked.model), provisional, step
        )
        return found.id, found.to_json()

    def _open(self) -> None:
        """Readers share what their engine has opened."""
        with self._lock:
            if not self._opened:
                self._engine.observations()
                if self._engine.store.status(0).vectors:
                    _ = self._engine.embedder
                self._opened = True
