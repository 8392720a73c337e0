"""What `lore serve` does by the clock: drift scans and digests, each once.

Every due digest is a DBOS workflow whose id is made of its name and the end of its window, so that it is started once, whoever starts it: another
worker on the same database, this one after a restart, or after the clock was set back. A workflow runs under a lock that dies with its process
and that all workers share; what was cut off is run again, with what it had made, and the gateway looks up what had been sent before it sends
again. Of several that were missed only the last is sent, late, and says so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from hashlib import blake2b
from threading import Event, Thread
from typing import TYPE_CHECKING, Literal

import msgspec

from api.errors import explain
from api.gateway import ActionRequest
from api.jobs import sqlite_database
from api.schedule_lock import held
from api.wiring import wall_clock
from graph.clock import SECOND, Instant, instant, rfc3339
from graph.errors import GraphError

if TYPE_CHECKING:
    from dbos import WorkflowStatus

    from api.digest_settings import Due, Planned
    from api.wiring import Engine

_LOG = logging.getLogger("lore.schedules")
TICK_S = 15.0
_LATE: Instant = 15 * 60 * SECOND
_RETRIES_S = (60, 300, 900, 3_600, 3_600, 3_600, 3_600, 3_600)
"""How long after an attempt that may work later the next one is made. A digest that is due anew ends them."""
_ABANDONED_S = 20.0
_KNOWN = 200


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt ended: `later` may work yet."""

    state: Literal["sent", "shown", "refused", "later"]
    detail: str = ""
    retry_after_s: float = 0.0


class Schedules:
    """The schedules of one server process. DBOS must be configured before `register` and launched before `start`.

    Args:
        engine: the parts; its gateway sends.
        database: URL of DBOS's system database, as `Jobs` has it; a SQLite file beside the user's data by default.
        now: the clock on the wall, by which things are due. How long ago a run ended is told by the database's clock, and so compared with ours.
        tick_s: how often it is looked at.
        retries_s: how long after an attempt that may work later the next one is made.
        abandoned_s: a run that began so long ago, and whose lock nobody holds, was cut off.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        database: str = "",
        now: Callable[[], Instant] = wall_clock,
        tick_s: float = TICK_S,
        retries_s: Sequence[float] = _RETRIES_S,
        abandoned_s: float = _ABANDONED_S,
    ) -> None:
        self._engine = engine
        directory = engine.settings.data_directory
        self._database = database or sqlite_database(directory)
        self._directory = directory / "locks"
        self._now = now
        self._tick_s = tick_s
        self._retries_s = tuple(retries_s)
        self._abandoned = int(abandoned_s * SECOND)
        self._stopped = Event()
        self._thread: Thread | None = None
        self._planned: tuple[Planned, ...] = ()
        self._first: dict[str, Instant] = {}
        self._drift = None

    def register(self) -> None:
        """Register the workflows with DBOS.

        Raises:
            SettingsError: `digests:` or `drift:` cannot be meant: better now than on Monday.
        """
        from dbos import DBOS

        from api.drift_schedule import DriftSchedule

        self._planned = self._engine.digests.planned()

        # Functions and no methods: DBOS notes what it knows at them.
        @DBOS.step(name="lore.digest_made")
        def made(name: str, end: str, note: str) -> str:
            return self._make(name, end, note)

        @DBOS.step(name="lore.digest_sent")
        def sent(requests: str) -> str:
            return self._send(requests)

        def digest(name: str, end: str, note: str) -> str:
            # Outside of the steps: a second run of this very workflow waits here, and then finds what the first one recorded.
            with held(self._database, self._directory, f"digest:{name}:{end}", wait_s=600.0):
                return sent(made(name, end, note))

        def first_seen(at: int) -> int:
            return at

        self._digest = DBOS.workflow(name="lore.digest")(digest)
        self._first_seen = DBOS.workflow(name="lore.schedule")(first_seen)
        self._drift = DriftSchedule(self._engine, self._database, self._directory)
        self._drift.register()

    def start(self) -> None:
        """Begin to look at the clock."""
        self._stopped.clear()
        self._thread = Thread(target=self._watch, name="lore-schedules", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; a run that is under way is left to its recovery."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def look(self) -> None:
        """Look at the clock once, and start what is due. One schedule that fails stands in no other's way."""
        now = self._now()
        for planned in self._planned:
            try:
                self._look_at(planned, now)
            except Exception:
                _LOG.exception("the schedule of the digest %s failed", planned.name)
        if self._drift is not None:
            try:
                self._drift.look(now)
            except GraphError as error:  # the store is away
                _LOG.warning("drift is not looked for: %s", error)
            except Exception:
                _LOG.exception("the schedule of drift scans failed")

    def _watch(self) -> None:
        while not self._stopped.is_set():
            self.look()
            self._stopped.wait(self._tick_s)

    # -- what is due

    def _look_at(self, planned: Planned, now: Instant) -> None:
        due = planned.latest(now)
        if due.at < self._since(planned, now):
            return  # it was due before anybody asked for it
        known = self._runs(planned)
        if any(_end_of(one) > due.window.until for one in known):
            return  # a newer one was begun: this one was missed, or the clock went back
        of_this = sorted((o for o in known if _end_of(o) == due.window.until), key=_attempt)
        if not of_this:
            self._begin(planned, due, 1, _note(due, now))
            return
        last = of_this[-1]
        if last.status in ("PENDING", "ENQUEUED", "DELAYED"):
            self._take_up(planned, due, last)
            return
        ended = _ended(last)
        if ended is None or ended.state != "later" or _attempt(last) > len(self._retries_s):
            return
        wait = max(self._retries_s[_attempt(last) - 1], ended.retry_after_s)
        if _since_update(last) >= wait * SECOND:
            self._begin(planned, due, _attempt(last) + 1, _note(due, now))

    def _since(self, planned: Planned, now: Instant) -> Instant:
        """When this schedule was seen first by any worker: what was due before is nobody's. Written down durably, as a workflow."""
        from dbos import DBOS, SetWorkflowID

        if planned.name in self._first:
            return self._first[planned.name]
        told = f"{planned.period} {planned.day} {planned.hour}:{planned.minute} {planned.zone.key}"
        id_ = f"schedule:{planned.name}:{blake2b(told.encode(), digest_size=6).hexdigest()}"
        with SetWorkflowID(id_):
            self._first[planned.name] = int(DBOS.start_workflow(self._first_seen, now).get_result())
        return self._first[planned.name]

    def _runs(self, planned: Planned) -> list[WorkflowStatus]:
        from dbos import DBOS

        return [
            one
            for one in DBOS.list_workflows(
                name="lore.digest", workflow_id_prefix=f"digest:{planned.name}:", sort_desc=True, limit=_KNOWN
            )
            if _end_of(one)
        ]

    def _begin(self, planned: Planned, due: Due, attempt: int, note: str) -> None:
        from dbos import DBOS, SetWorkflowID

        end = rfc3339(due.window.until)
        with SetWorkflowID(f"digest:{planned.name}:{end}#{attempt}"):
            DBOS.start_workflow(self._digest, planned.name, end, note)

    def _take_up(self, planned: Planned, due: Due, run: WorkflowStatus) -> None:
        """Run again what another worker left when it died: its lock is free, and it began a while ago."""
        from dbos import DBOS

        if run.status != "PENDING" or _since_update(run) < self._abandoned:
            return
        key = f"digest:{planned.name}:{rfc3339(due.window.until)}"
        with held(self._database, self._directory, key, wait_s=0.0, must=False) as free:
            if not free:
                return
        _LOG.warning("the digest %s was cut off; it is taken up", run.workflow_id)
        DBOS.resume_workflow(run.workflow_id)

    # -- the steps

    def _make(self, name: str, end: str, note: str) -> str:
        """The requests of a digest as JSON; what cannot be made says why."""
        from api.digest_settings import named

        try:
            planned = named(self._engine.digests.planned(), name)
            until = instant(end)
            due = planned.latest(until + 40 * 86_400 * SECOND)
            while due.window.until > until:
                due = planned.latest(due.at - 1)
            return _Made(requests=self._engine.digests.requests(planned, due, note)).to_json()
        except Exception as error:
            failure = explain(error)
            later = isinstance(error, GraphError | OSError)
            if not later and failure.message.startswith("internal error"):
                _LOG.exception("the digest %s could not be made", name)
            return _Made(problem=failure.message, later=later).to_json()

    def _send(self, made: str) -> str:
        """Sends them; how it ended, as JSON."""
        from api.digest_requests import send
        from api.errors import OutwardUnavailable

        found = msgspec.json.decode(made, type=_Made)
        if found.problem:
            _LOG.warning("a digest was not made: %s", found.problem)
            return _told(Ended(state="later" if found.later else "refused", detail=found.problem))
        try:
            outcomes = send(self._engine.gateway, found.requests)
        except OutwardUnavailable as error:
            _LOG.warning("a digest waits: %s", error)
            return _told(Ended(state="later", detail=str(error), retry_after_s=error.retry_after_s or 0.0))
        state: Literal["sent", "shown", "refused"] = "sent"
        worst = next((o for o in outcomes if o.status in ("refused", "failed")), outcomes[0])
        if outcomes[0].status == "dry_run":
            state = "shown"
        elif worst.status in ("refused", "failed"):
            state = "refused"
        if state != "sent":
            _LOG.warning("the digest %s: %s", found.requests[0].key, worst.detail)
        return _told(Ended(state=state, detail=worst.detail))


class _Made(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt sends, kept by DBOS: a second run of it sends the same."""

    requests: tuple[ActionRequest, ...] = ()
    problem: str = ""
    later: bool = False

    def to_json(self) -> str:
        """One line."""
        return msgspec.json.encode(self).decode()


def _told(ended: Ended) -> str:
    return msgspec.json.encode(ended).decode()


def _ended(run: WorkflowStatus) -> Ended | None:
    """How a run ended, as it recorded it; None of one that failed."""
    output: object = run.output
    try:
        return msgspec.json.decode(output, type=Ended) if isinstance(output, str) else None
    except msgspec.DecodeError:
        return None


def _end_of(run: WorkflowStatus) -> Instant:
    """The end of the window of a digest's run, from its id; 0 where that is none."""
    try:
        return instant(run.workflow_id.split(":", 2)[2].rpartition("#")[0])
    except (ValueError, IndexError):
        return 0


def _attempt(run: WorkflowStatus) -> int:
    number = run.workflow_id.rpartition("#")[2]
    return int(number) if number.isdigit() else 0


def _since_update(run: WorkflowStatus) -> Instant:
    return wall_clock() - (run.updated_at or 0) * 1_000


def _note(due: Due, now: Instant) -> str:
    if now - due.at <= _LATE:
        return ""
    return f"This comes late: it was due on {rfc3339(due.at)[:16].replace('T', ' ')} UTC, when infralore did not run or could not send."
