"""The bot: what comes in is written down and acknowledged at once, and worked off by a bounded pool of threads."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from api.errors import OutwardUnavailable
from api.slack_bot.directory import Directory
from api.slack_bot.lines import Line, ids_of, of_command, of_event, of_interaction
from api.slack_bot.memory import Memory
from api.slack_bot.payloads import Command, Envelope, Interaction
from api.slack_bot.pool import Pool
from api.slack_bot.settings import SlackSettings, read_settings
from api.slack_bot.work import Work
from api.slack_bot.writing import Asker, Place, Writer
from api.wiring import precise_clock, wall_clock
from graph.clock import Instant

if TYPE_CHECKING:
    from api.wiring import Engine

_LOG = logging.getLogger("lore.slack")
BUSY = "I have more questions waiting than I can take. Ask again in a minute."
TAKEN = "On it …"


class Bot:
    """One bot of one workspace. `event`, `command` and `interaction` return at once; call them from any thread.

    Raises:
        SettingsError: `slack:` or `outward.slack:` is not complete.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        settings: SlackSettings | None = None,
        directory: Directory | None = None,
        now: Callable[[], Instant] = wall_clock,
    ) -> None:
        self.settings = settings or read_settings(engine.settings)
        self.memory = Memory(engine.settings.data_directory / "slack.db")
        self.directory = directory or Directory(self.settings.token, self.settings.base_url, self.settings.timeout_s)
        _ = engine.store  # opened here, once, and not by the first workers at the same time
        self._engine = engine
        self._now = now
        self._work = Work(engine, self.settings, self.memory, self.directory, now)
        self._pool: Pool[tuple[Line, bool]] = Pool(
            "lore slack", self.settings.workers, self.settings.queue, self._worked
        )
        self._sorry: Pool[Line] = Pool("lore slack busy", 1, 20, self._say_busy)

    def start(self) -> str:
        """Take up what was left by a process that died; the workspace's name. Raises `Unknown` when the token is not taken."""
        me = self.directory.me()
        self.memory.forget(precise_clock())
        for id_, body in self.memory.waiting(precise_clock()):
            try:
                line = msgspec.json.decode(body, type=Line)
            except msgspec.DecodeError:
                self.memory.finish(id_)
                continue
            self._pool.offer((line, False))
        return me.team

    def stop(self) -> None:
        """Take nothing more on."""
        self._pool.stop()
        self._sorry.stop(1.0)
        self.memory.close()

    def settle(self) -> None:
        """Wait until everything that came in is worked off."""
        self._pool.settle()
        self._sorry.settle()

    # -- what comes in

    def event(self, envelope: Envelope) -> bool:
        """An event; whether it was new and is for the bot.

        Raises:
            Unknown: Slack does not tell who the bot is: it should not be acknowledged, so that it comes again.
        """
        line = of_event(envelope, self.directory.me().user_id)
        if line is None or (line.how == "thread" and not self.memory.knows(line.channel, line.thread_ts)):
            return False
        return self._take(line) is not None

    def command(self, command: Command) -> str:
        """A slash command; what to answer at once, to the asker alone."""
        line = of_command(command)
        if line is None:
            return "I did not understand that."
        taken = self._take(line)
        return TAKEN if taken is not False else BUSY

    def interaction(self, given: Interaction) -> bool:
        """A click; whether it was new and is one of ours."""
        line = of_interaction(given)
        return line is not None and self._take(line) is not None

    def _take(self, line: Line) -> bool | None:
        """Write it down and have it worked off: True; None when it came before; False when too many wait, which is said."""
        if not self.memory.take(ids_of(line), msgspec.json.encode(line), precise_clock()):
            return None
        if self._pool.offer((line, True)):
            return True
        self.memory.finish(line.id)
        if line.how != "command":  # a command's answer says it
            self._sorry.offer(line)
        return False

    # -- in the pool

    def _worked(self, item: tuple[Line, bool]) -> None:
        line, fresh = item
        try:
            self._work.off(line, fresh=fresh)
        except OutwardUnavailable as error:
            _LOG.warning("an answer could not be posted to %s: %s", line.channel, error)
        finally:
            self.memory.finish(line.id)

    def _say_busy(self, line: Line) -> None:
        where = Place(line.channel, "" if line.how == "direct" and not line.thread_ts else line.thread_ts or line.ts)
        writer = Writer(self._engine.gateway, where, Asker(line.user, line.how), f"busy:{line.id}")
        try:
            writer.post(BUSY)
        except OutwardUnavailable as error:
            _LOG.warning("could not say that the bot is busy: %s", error)
