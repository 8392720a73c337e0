"""A conversation with an engine: a line is understood, carried out and remembered. The terminal and Slack both talk through this."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec.structs import replace

from agent.conversation import (
    Turn,
    Understood,
    asked_back,
    continued,
    turn_of_answer,
    turn_of_investigation,
    understand,
)
from agent.llm import ModelError
from api.errors import SettingsError, UsageError, explain
from api.wiring import wall_clock
from graph.clock import Instant
from graph.errors import GraphError
from ingest.source import SourceError

if TYPE_CHECKING:
    from agent.cost.model import CostReport, WasteReport
    from agent.digest.model import Digest
    from agent.drift.model import DriftReport
    from agent.investigate import Progress
    from agent.investigation import Investigation, Rollback
    from agent.model import Answer, Citation
    from api.investigations import Provisional
    from api.wiring import Engine
    from graph.store import StoreStatus

EXAMPLES = (
    "who changed the LB rule?",
    "and who approved it?",
    "what about staging?",
    "why?",
    "what else changed then?",
    "roll it back?",
    "investigate checkout returns 502 since 14:02",
    "drift in prod",
    "cost last month by team",
    "digest",
    "status",
)
"""What can be said, as the help shows it."""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a line: one of the results, or `text` alone. `full`: all of it was asked for."""

    understood: Understood
    text: str = ""
    hint: str = ""
    failed: bool = False
    full: bool = False
    answer: Answer | None = None
    investigation: Investigation | None = None
    drift: DriftReport | None = None
    cost: CostReport | None = None
    waste: WasteReport | None = None
    digest: Digest | None = None
    status: StoreStatus | None = None
    rollback: Rollback | None = None
    citations: tuple[Citation, ...] = ()


@dataclass(slots=True)
class Conversation:
    """One conversation of one reader. Not for several threads at once.

    Attributes:
        engine: its audience is what this reader may see; the turns must come from it.
        turns: oldest first.
    """

    engine: Engine
    turns: list[Turn] = field(default_factory=list[Turn])
    now: Callable[[], Instant] = wall_clock
    sync: bool = True
    use_model: bool = True

    def understand(self, line: str) -> Understood:
        """What a line means here. Raises `GraphError`."""
        return understand(line, self.turns, self.engine.store, self.engine.view, self.now())

    def say(self, line: str, on_step: Progress | None = None, on_provisional: Provisional | None = None) -> Told:
        """Understand a line and carry it out. What fails is told, not raised."""
        try:
            understood = self.understand(line)
        except GraphError as error:
            failure = explain(error)
            return Told(Understood("nothing"), failure.message, failure.hint, failed=True)
        return self.carry_out(line, understood, on_step, on_provisional)

    def carry_out(
        self,
        line: str,
        understood: Understood,
        on_step: Progress | None = None,
        on_provisional: Provisional | None = None,
    ) -> Told:
        """Do what was understood and remember the turn. What fails is told, not raised."""
        try:
            return self._carried_out(line, understood, on_step, on_provisional)
        except (NotImplementedError, ModuleNotFoundError):
            return Told(understood, f"{understood.action} is not available in this installation.", failed=True)
        except (GraphError, SettingsError, UsageError, SourceError, ModelError) as error:
            failure = explain(error)
            return Told(understood, failure.message, failure.hint, failed=True)

    def _carried_out(
        self, line: str, understood: Understood, on_step: Progress | None, on_provisional: Provisional | None
    ) -> Told:
        command, engine = understood.command, self.engine
        match understood.action:
            case "ask":
                return self._ask(understood)
            case "investigate":
                return self._investigate(understood, on_step, on_provisional)
            case "ask_back":
                if understood.unsure == "wording" and self.use_model and engine.model() is not None:
                    return self._ask(Understood("ask", line))
                self.turns.append(asked_back(line, understood.choices))
                return Told(understood, understood.text)
            case "rollback":
                return self._rollback(understood)
            case "tree":
                return Told(understood, investigation=engine.investigations.of(understood.text), full=True)
            case "more":
                return self._more(understood)
            case "drift":
                return Told(understood, drift=engine.drifts.report(environment=command.environment))
            case "cost":
                now = self.now()
                since, until = command.since or now, command.until or now
                return Told(understood, cost=engine.costs.report(since, until, by=command.by, team=command.team))
            case "waste":
                return Told(understood, waste=engine.costs.waste())
            case "digest":
                return Told(
                    understood, digest=engine.digests.make(command.period, until=command.until, team=command.team)
                )
            case "status":
                return Told(understood, status=engine.store.status(0))
            case "help":
                return Told(understood, HELP)
            case "nothing":
                return Told(understood, understood.text)

    def _ask(self, understood: Understood) -> Told:
        answer = self.engine.ask(understood.text, use_model=self.use_model)
        turn = turn_of_answer(answer, self.engine.store, self.engine.view, self.now())
        if understood.follow_up:
            turn = continued(turn, next((t for t in reversed(self.turns) if t.has_subject), None))
        if understood.choices and not turn.choices:
            turn = replace(turn, choices=understood.choices)
        self.turns.append(turn)
        return Told(understood, answer=answer)

    def _investigate(
        self, understood: Understood, on_step: Progress | None, on_provisional: Provisional | None
    ) -> Told:
        from agent.investigate import Options
        from api.investigations import Asked

        at = understood.command.at
        asked = Asked(
            symptom=understood.text,
            at=self.now() if at is None else at,
            options=Options(),
            sync=self.sync,
            model=self.use_model,
        )
        found = self.engine.investigations.start(asked, on_provisional, on_step)
        self.turns.append(turn_of_investigation(found))
        return Told(understood, investigation=found)

    def _rollback(self, understood: Understood) -> Told:
        turn = understood.turn
        if turn is None or turn.change is None:
            return Told(understood, "There is no change to take back.")
        if turn.investigation:
            found = self.engine.investigations.of(turn.investigation)
            if found.rollback is not None:
                return Told(understood, rollback=found.rollback, citations=found.citations)
        from agent.conversation.rollback import way_back

        back, citations = way_back(self.engine.store, self.engine.view, turn.change)
        return Told(understood, rollback=back, citations=citations)

    def _more(self, understood: Understood) -> Told:
        turn = understood.turn
        if turn is not None and turn.investigation:
            return Told(understood, investigation=self.engine.investigations.of(turn.investigation), full=True)
        return Told(understood, answer=self.engine.ask(understood.text, use_model=False), full=True)


HELP = (
    "Ask who changed what, when and why; a line may follow up on the one before. "
    "Nothing is changed from here: a rollback is shown, never done."
)


def turns_after(turns: Sequence[Turn], most: int) -> list[Turn]:
    """The newest turns, as many as are kept."""
    return list(turns[-most:])
