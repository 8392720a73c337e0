"""One line worked off: who reads there, what is meant, what is answered, with which buttons; and what a click does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from agent.conversation import Choice, Understood
from agent.people import find_people
from api.chat import EXAMPLES, Conversation, Told, turns_after
from api.digest_slack import digest_fallback, digest_messages
from api.errors import SettingsError, UsageError, explain
from api.investigation_slack import investigation_fallback
from api.slack_answer import MORE, PICK, answer_blocks, choice_blocks, fallback
from api.slack_blocks import Block, actions, context, section, text
from api.slack_bot.audience import Readers, readers
from api.slack_bot.directory import Directory
from api.slack_bot.lines import Line
from api.slack_bot.memory import Memory
from api.slack_bot.settings import SlackSettings
from api.slack_bot.writing import Asker, Place, Progress, Writer
from api.slack_reports import (
    RIGHT,
    TREE,
    WRONG,
    cause_buttons,
    cost_blocks,
    drift_blocks,
    help_blocks,
    investigated_blocks,
    rollback_blocks,
    status_blocks,
    tree_blocks,
    waste_blocks,
)
from graph.clock import SECOND, Instant
from graph.errors import GraphError
from graph.model import PUBLIC

if TYPE_CHECKING:
    from agent.investigation import Investigation, Step
    from api.gateway import Outcome
    from api.wiring import Engine

_LOG = logging.getLogger("lore.slack")
TURNS_KEPT = 12
_DIRECT_FOR: Instant = 8 * 3_600 * SECOND
"""How long a direct message is taken as the same conversation."""
_SLOW = frozenset({"investigate", "drift", "cost", "waste", "digest"})
_DIRECT = "direct"
_GONE = "What this button offered is not known any more: ask again."
_EVERYWHERE = "That is told only where everybody may see what is public."


class Work:
    """Works lines off; usable from several threads."""

    def __init__(
        self, engine: Engine, settings: SlackSettings, memory: Memory, directory: Directory, now: Callable[[], Instant]
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._memory = memory
        self._directory = directory
        self._now = now
        self._locks: WeakValueDictionary[tuple[str, str], Lock] = WeakValueDictionary()
        self._guard = Lock()

    def off(self, line: Line, *, fresh: bool) -> None:
        """Answer a line. `fresh`: it was not begun before.

        Raises:
            OutwardUnavailable: Slack did not take the answer.
        """
        who = readers(self._directory, self._settings, line.channel, line.user, shared=line.shared)
        if who is None:
            return
        direct = who.direct or line.how == "direct"
        thread = line.thread_ts or ("" if direct else line.ts)
        writer = Writer(
            self._engine.gateway, Place(line.channel, thread), Asker(line.user, line.how), f"slack:{line.id}", fresh
        )
        if not who.audience:
            if line.how != "thread" and writer.post(text(who.why, 600)).status == "refused" and line.how == "command":
                # A command can be used where the bot is not, and cannot even look: a talk of two others.
                writer.place = Place(line.user)
                self._written(writer.post("I cannot see that channel: ask me here."))
            return
        with self._one_at_a_time(line.channel, thread or _DIRECT):
            if line.how == "button":
                _Clicked(self, line, who, writer).work()
                return
            if line.how == "command":
                self._announce(line, writer)
            self._answer(line, who, writer, direct=direct)

    def _one_at_a_time(self, channel: str, key: str) -> Lock:
        """Lines of one thread are answered one after the other: the second may mean what the first was told."""
        with self._guard:
            lock = self._locks.get((channel, key))
            if lock is None:
                lock = self._locks[channel, key] = Lock()
            return lock

    def _announce(self, line: Line, writer: Writer) -> None:
        """A command is seen by nobody: what was asked is said first, and the answer goes into its thread."""
        outcome = writer.post(f"<@{line.user}> asked: {text(line.text, 300)}")
        if outcome.status == "refused":
            writer.place = Place(line.user)
            self._written(writer.post("I am not in that channel: invite me, or ask me here."))
        elif outcome.id:
            writer.place = Place(writer.place.channel, outcome.id)

    def _answer(self, line: Line, who: Readers, writer: Writer, *, direct: bool) -> None:
        key = writer.place.thread_ts or _DIRECT
        since = self._now() - _DIRECT_FOR if key == _DIRECT else 0
        engine = self._engine.reading_as(who.audience)
        turns = self._memory.turns(line.channel, key, who.audience, since)
        talk = Conversation(engine, turns, self._now, use_model=self._settings.model)
        try:
            understood = talk.understand(line.text)
        except GraphError as error:
            self._fail(writer, explain(error).message, explain(error).hint)
            return
        if line.how == "thread" and not _meant(line.text, understood):
            return
        if understood.action == "nothing":
            return
        self.carry_out(line.text, understood, talk, who, writer, key)

    def carry_out(
        self, said: str, understood: Understood, talk: Conversation, who: Readers, writer: Writer, key: str
    ) -> None:
        """Do what was understood, tell it, and remember the turn."""
        if understood.action == "status" and PUBLIC not in who.audience:
            writer.post(_EVERYWHERE)
            return
        if understood.action in _SLOW:
            told = self._slowly(said, understood, talk, writer)
        else:
            told = talk.carry_out(said, understood)
        self._tell(told, talk, writer, key)
        self._memory.keep(writer.place.channel, key, who.audience, turns_after(talk.turns, TURNS_KEPT), self._now())

    def _slowly(self, said: str, understood: Understood, talk: Conversation, writer: Writer) -> Told:
        title = {
            "investigate": f"Investigating: {understood.text}",
            "drift": "Looking for drift",
            "cost": "Reading the bill",
            "waste": "Looking for what is idle",
            "digest": "Writing the digest",
        }[understood.action]
        progress = Progress(writer, title, self._settings.progress_s)
        progress.begin()

        def stepped(step: Step, likeliest: str) -> None:
            progress.tell(
                f"Step {step.step}: {step.check} · likeliest now: {likeliest} ({round(step.probability * 100)}%)"
            )

        def provisional(found: Investigation) -> None:
            progress.tell(f"{found.tree.steps} steps done; reading what is new in the sources …")

        told = talk.carry_out(said, understood, stepped, provisional)
        progress.end(_done(told))
        return told

    def _tell(self, told: Told, talk: Conversation, writer: Writer, key: str) -> None:
        if told.failed:
            self._fail(writer, told.text, told.hint)
            return
        if told.digest is not None:
            for part in digest_messages(told.digest):
                self._written(writer.post(digest_fallback(told.digest), part))
            return
        said, blocks = self._shown(told, talk, writer, key)
        self._written(writer.post(said, blocks))

    def _shown(self, told: Told, talk: Conversation, writer: Writer, key: str) -> tuple[str, list[Block]]:
        """What notifications show, and the blocks."""
        how = told.understood.said
        if told.answer is not None:
            choices = talk.turns[-1].choices if talk.turns and not told.full else ()
            # The question itself comes last: "show more" asks it again.
            token = self._offer(writer, key, (*choices, Choice(label="more", question=told.understood.text)))
            blocks = answer_blocks(told.answer, how, "" if told.full else token, choices, full=told.full)
            return fallback(told.answer), blocks
        if told.investigation is not None:
            if told.full:
                return "The tree of the investigation", tree_blocks(told.investigation)
            return investigation_fallback(told.investigation), investigated_blocks(told.investigation)
        if told.rollback is not None:
            return "How to take it back", rollback_blocks(told.rollback, told.citations, how)
        if told.drift is not None:
            return f"Drift: {len(told.drift.drifts)} resources", drift_blocks(told.drift)
        if told.cost is not None:
            return "Cost", cost_blocks(told.cost)
        if told.waste is not None:
            return "What is idle", waste_blocks(told.waste)
        if told.status is not None:
            return "Status", status_blocks(told.status, self._now())
        if told.understood.action == "help":
            return "What you can ask", help_blocks(told.text, EXAMPLES)
        choices = told.understood.choices
        token = self._offer(writer, key, choices) if choices else ""
        return text(told.text, 300) or "…", choice_blocks(told.text, token, choices)

    def _offer(self, writer: Writer, key: str, choices: tuple[Choice, ...]) -> str:
        return self._memory.offer(writer.place.channel, key, choices, self._now())

    def _fail(self, writer: Writer, message: str, hint: str) -> None:
        self._written(
            writer.post(text(message, 300), [section([text(message, 600)]), *([context(hint)] if hint else [])])
        )

    @staticmethod
    def _written(outcome: Outcome) -> None:
        if outcome.status not in ("done", "already"):
            _LOG.warning("an answer was not posted: %s", outcome.detail)

    # -- for clicks

    @property
    def memory(self) -> Memory:
        """What is remembered on disk."""
        return self._memory

    def talk(self, who: Readers, channel: str, key: str) -> Conversation:
        """The conversation of a thread, for those who read there."""
        turns = self._memory.turns(channel, key, who.audience)
        return Conversation(self._engine.reading_as(who.audience), turns, self._now, use_model=self._settings.model)

    def now(self) -> Instant:
        """The clock."""
        return self._now()


class _Clicked:
    """One click."""

    def __init__(self, work: Work, line: Line, who: Readers, writer: Writer) -> None:
        self._work = work
        self._line = line
        self._who = who
        self._writer = writer
        self._key = writer.place.thread_ts or _DIRECT
        self._talk = work.talk(who, line.channel, self._key)

    def work(self) -> None:
        """Do it; what fails is told."""
        action, value = self._line.action, self._line.value
        try:
            if action.startswith((PICK, MORE)):
                self._pick(value, full=action.startswith(MORE))
            elif action == TREE:
                found = self._talk.engine.investigations.of(value)
                self._post("The tree of the investigation", tree_blocks(found))
            elif action.startswith(RIGHT):
                self._right(*_numbered(value))
            elif action == WRONG:
                self._wrong(_numbered(value)[0])
        except (UsageError, SettingsError, GraphError) as error:
            failure = explain(error)
            self._post(
                text(failure.message, 300), [section([text(failure.message, 600)]), context(failure.hint or "…")]
            )

    def _pick(self, value: str, *, full: bool) -> None:
        token, number = _numbered(value)
        offer = self._work.memory.offered(token)
        # A button that was offered to the readers of one channel shows nothing in another.
        index = number - 1 if not full else len(offer.choices) - 1 if offer is not None else -1
        if offer is None or offer.channel != self._line.channel or not 0 <= index < len(offer.choices):
            self._post(_GONE, [])
            return
        question = offer.choices[index].question
        if full:
            told = Told(
                Understood("more", question), answer=self._talk.engine.ask(question, use_model=False), full=True
            )
            answer = told.answer
            assert answer is not None
            self._post(fallback(answer), answer_blocks(answer, f"All of: {question}", "", full=True))
            return
        understood = Understood("ask", question, f"Asked: {question}", follow_up=True)
        self._work.carry_out(question, understood, self._talk, self._who, self._writer, self._key)

    def _right(self, investigation: str, rank: int) -> None:
        by = self._person()
        before = self._work.memory.learned(investigation)
        investigations = self._talk.engine.investigations
        if before:
            investigations.retract(before, by, "another cause was confirmed")
            self._work.memory.unlearn(investigation)
        learning = investigations.confirm(investigation, str(rank), by)
        self._work.memory.learn(investigation, learning, by, self._work.now())
        said = f"{text(by, 80)} confirmed cause {rank}: learned as {text(learning, 80)}. “Wrong” takes it back."
        self._post(said, [section([said])])

    def _wrong(self, investigation: str) -> None:
        by = self._person()
        found = self._talk.engine.investigations.of(investigation)
        learning = self._work.memory.learned(investigation)
        said = f"{text(by, 80)} says it was not that; nothing had been learned of it."
        if learning:
            used = self._talk.engine.investigations.retract(learning, by, "said to be wrong in Slack")
            self._work.memory.unlearn(investigation)
            moved = f" It had moved the ranking of {len(used)} others." if used else ""
            said = f"{text(by, 80)} took back {text(learning, 80)}.{moved}"
        others = cause_buttons(found)
        self._post(said, [section([said]), *([context("What was it?"), actions(others)] if others else [])])

    def _person(self) -> str:
        """The person who clicked, as the graph knows them; else by their name in Slack, else by id."""
        engine = self._talk.engine
        known = find_people(engine.store, self._line.user, engine.view)
        person = next((p for p in known if p.ref.kind == "Person"), known[0] if known else None)
        asker = self._who.asker
        return person.label if person is not None else (asker.name if asker is not None else "") or self._line.user

    def _post(self, said: str, blocks: list[Block]) -> None:
        self._writer.post(said, blocks)


def _meant(said: str, understood: Understood) -> bool:
    """Whether a line in a thread is for the bot: people talk to each other there too."""
    if understood.action == "nothing":
        return False
    if understood.follow_up or understood.action not in ("ask", "help"):
        offered = bool(understood.choices) and not understood.unsure
        return understood.action != "ask_back" or said.rstrip().endswith("?") or offered
    return said.rstrip().endswith("?")


def _done(told: Told) -> str:
    found = told.investigation
    if found is not None:
        return f"Done: {found.verdict.replace('_', ' ')} after {found.tree.steps} steps."
    return told.text if told.failed else "Done."


def _numbered(value: str) -> tuple[str, int]:
    name, _, number = value.rpartition(":")
    return name, int(number) if number.isascii() and number.isdecimal() and len(number) < 4 else -1
