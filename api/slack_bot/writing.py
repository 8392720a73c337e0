"""What the bot writes, all of it through the gateway: answers, and a progress message that is edited as the work goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from api.errors import OutwardUnavailable
from api.gateway import ActionRequest, Gateway, Outcome, Yes
from api.slack_blocks import Block, context, section, text

_TRIES = 3
_LONGEST_WAIT_S = 30.0
PROGRESS_CHARS = 280


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked, and how: that is the yes to being answered."""

    user: str
    how: str

    @property
    def yes(self) -> Yes:
        """The explicit yes of the person who asked."""
        return Yes(by=f"slack:{self.user}", how=self.how)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer goes: a channel, and the thread in it; no thread in a direct message."""

    channel: str
    thread_ts: str = ""


@dataclass(slots=True)
class Writer:
    """Writes for one line that was asked. `key` names the line, so that an answer is written once however often it is tried."""

    gateway: Gateway
    place: Place
    asker: Asker
    key: str
    fresh: bool = True
    """It is the first attempt: nothing of it can be there yet."""
    sleep: Callable[[float], None] = time.sleep
    written: int = 0

    def post(self, said: str, blocks: Sequence[Block] = ()) -> Outcome:
        """Post a message into the place. `said` is what notifications show, escaped.

        Raises:
            OutwardUnavailable: Slack did not take it in several attempts.
        """
        self.written += 1
        return self._post(f"{self.key}:{self.written}", said, blocks)

    def _post(self, key: str, said: str, blocks: Sequence[Block]) -> Outcome:
        payload: dict[str, str] = {"text": said}
        if blocks:
            payload["blocks"] = json.dumps(blocks, ensure_ascii=False)
        if self.place.thread_ts:
            payload["thread_ts"] = self.place.thread_ts
        return self._execute("slack.message", key, payload)

    def edit(self, ts: str, said: str, blocks: Sequence[Block] = (), *, tries: int = _TRIES) -> Outcome:
        """Edit a message of ours. Raises `OutwardUnavailable`."""
        payload = {"ts": ts, "text": said, "blocks": json.dumps(blocks, ensure_ascii=False) if blocks else ""}
        return self._execute("slack.update", f"{self.key}:edit:{ts}", payload, tries=tries)

    def _execute(self, action: str, key: str, payload: Mapping[str, str], *, tries: int = _TRIES) -> Outcome:
        if self.fresh and action == "slack.message":
            payload = {**payload, "fresh": "yes"}
        request = ActionRequest(
            action="slack.update" if action == "slack.update" else "slack.message",
            target=self.place.channel,
            key=key,
            payload=payload,
            reason="an answer to somebody who asked",
            requested_by=f"slack:{self.asker.user}",
        )
        for attempt in range(1, tries + 1):
            try:
                return self.gateway.execute(request, self.asker.yes)
            except OutwardUnavailable as error:
                if attempt == tries:
                    raise
                self.sleep(min(error.retry_after_s or 0.5 * attempt, _LONGEST_WAIT_S))
        raise AssertionError("unreachable")


@dataclass(slots=True)
class Progress:
    """A message that tells how far the work is; edited at most once in `every_s`, and never in the way of the work."""

    writer: Writer
    title: str
    every_s: float = 1.0
    clock: Callable[[], float] = time.monotonic
    ts: str = ""
    _last: float = field(default=0.0)
    _broken: bool = False

    def begin(self) -> None:
        """Post it."""
        try:
            outcome = self.writer.post(text(self.title, PROGRESS_CHARS), self._blocks("Looking …"))
        except OutwardUnavailable:
            self._broken = True
            return
        self.ts = outcome.id if outcome.status in ("done", "already") else ""
        self._last = self.clock()

    def tell(self, now_at: str) -> None:
        """Say where the work is, when it is time to."""
        if not self.ts or self._broken or self.clock() - self._last < self.every_s:
            return
        self._edit(now_at)

    def end(self, said: str) -> None:
        """Say that it is done; waits until it may be edited again, and tries as long as an answer is."""
        if self.ts and not self._broken:
            wait = self.every_s - (self.clock() - self._last)
            if wait > 0:
                self.writer.sleep(wait)
            self._edit(said, tries=_TRIES)

    def _edit(self, said: str, tries: int = 1) -> None:
        try:
            self.writer.edit(self.ts, text(said, PROGRESS_CHARS), self._blocks(said), tries=tries)
        except OutwardUnavailable as error:
            self._broken = error.retry_after_s is None
        self._last = self.clock()

    def _blocks(self, said: str) -> list[Block]:
        return [section([f"*{text(self.title, PROGRESS_CHARS)}*"]), context(said)]
