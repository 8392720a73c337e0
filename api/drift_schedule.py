"""Drift scans by the clock, and soon after audit events that touch what code manages; what is new is told once."""

from __future__ import annotations

import logging
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from api.drift_settings import read_drift_settings
from api.errors import OutwardUnavailable, explain
from api.gateway import ActionRequest
from api.schedule_lock import held
from graph.clock import SECOND, Instant
from graph.model import PUBLIC, EntityRef
from graph.store import ChangeQuery, Limits

if TYPE_CHECKING:
    from agent.drift.model import DriftReport
    from api.wiring import Engine

_LOG = logging.getLogger("lore.schedules")
_LOOK_BACK: Instant = 6 * 3_600 * SECOND
"""Audit logs come late, by minutes or an hour."""
_SETTLE: Instant = 60 * SECOND
"""Calls come in groups: so long after the last one a scan is made."""
_LONGEST: Instant = 300 * SECOND
"""A scan waits no longer than this for calls to end."""
_ROWS = Limits(rows=5_000, deadline_s=10.0)
_MOST_SEEN = 50_000


class DriftSchedule:
    """The scans of one server process.

    Args:
        engine: the parts.
        database: of jobs, for the lock that two workers share.
        directory: where lock files are.
    """

    def __init__(self, engine: Engine, database: str, directory: Path) -> None:
        self._engine = engine
        self._database = database
        self._directory = directory
        self._every_s = read_drift_settings(engine.settings.drift).every_s or 0
        self._record = -1
        self._seen: dict[EntityRef, None] = {}
        self._waiting: dict[EntityRef, None] = {}
        self._first_at: Instant = 0
        self._last_at: Instant = 0

    def register(self) -> None:
        """Register the workflows with DBOS."""
        from dbos import DBOS

        @DBOS.step(name="lore.drift_scanned")
        def step(why: str) -> str:
            return self.scan(why)

        def scan(why: str) -> str:
            with held(self._database, self._directory, "drift scan", wait_s=3_600.0):
                return step(why)

        self._scan = DBOS.workflow(name="lore.drift_scan")(scan)

    def look(self, now: Instant) -> None:
        """Start what is due. Does nothing where `drift.every_s` is not set."""
        if self._every_s <= 0:
            return
        self._begin(f"drift:every:{self._every_s}:{now // (self._every_s * SECOND)}", "by the clock")
        self._look_at_events(now)

    def scan(self, why: str) -> str:
        """Look for drift and tell what is new, each once, by its key; how it went, a sentence."""
        try:
            report = self._for_all(self._engine.drifts.scan())
        except Exception as error:
            failure = explain(error)
            if failure.message.startswith("internal error"):
                _LOG.exception("the drift scan failed")
            else:
                _LOG.warning("the drift scan failed: %s %s", failure.message, failure.hint)
            return failure.message
        told: list[str] = []
        for one in self._engine.drifts.announcements(report):
            request = ActionRequest(
                action="slack.message",
                target=one.channel,
                key=f"drift:{one.key}",
                payload={"text": one.text},
                reason=f"new drift {one.drift}",
                requested_by="schedule:drift",
            )
            try:
                outcome = self._engine.gateway.execute(request)
                told.append(outcome.status)
                if outcome.status in ("refused", "failed"):
                    _LOG.warning("drift was not told in %s: %s", one.channel, outcome.detail)
            except OutwardUnavailable as error:  # the next scan tells it: its key is the same
                _LOG.warning("drift is not told yet: %s", error)
        return f"{why}: {len(report.drifts)} for everybody to see, told {len(told)}"

    def _for_all(self, report: DriftReport) -> DriftReport:
        """Of what was found, what everybody may see, as everybody sees it: it is told in channels."""
        from msgspec.structs import replace

        public = self._engine.reading_as(frozenset({PUBLIC})).drifts.report()
        seen = {d.id: d for d in public.drifts}
        return replace(
            report, drifts=tuple(seen[d.id] for d in report.drifts if d.id in seen), citations=public.citations
        )

    def _begin(self, id_: str, why: str) -> None:
        from dbos import DBOS, SetWorkflowID

        if not DBOS.list_workflows(workflow_ids=[id_], load_input=False, load_output=False):
            with SetWorkflowID(id_):
                DBOS.start_workflow(self._scan, why)

    # -- audit events

    def _look_at_events(self, now: Instant) -> None:
        record = self._engine.store.record()
        if record != self._record:
            first = self._record < 0
            self._record = record
            fresh = [r for r in self._events(now) if r not in self._seen]
            self._seen.update(dict.fromkeys(fresh))
            while len(self._seen) > _MOST_SEEN:
                del self._seen[next(iter(self._seen))]
            if fresh and not first:  # what was there when the server began, the scan by the clock sees
                self._first_at = self._first_at or now
                self._last_at = now
                self._waiting.update(dict.fromkeys(fresh))
        due = self._waiting and (now - self._last_at >= _SETTLE or now - self._first_at >= _LONGEST)
        if due:
            named = blake2b("\n".join(sorted(self._waiting)).encode(), digest_size=10).hexdigest()
            self._waiting.clear()
            self._first_at = 0
            self._begin(f"drift:events:{named}", "after calls on what code manages")

    def _events(self, now: Instant) -> list[EntityRef]:
        """Calls of the last hours that nothing but a person explains, on what code manages."""
        from agent.doors import doors

        store, view = self._engine.store, self._engine.view
        query = ChangeQuery(since=now - _LOOK_BACK, target_kinds=frozenset({"Resource"}))
        events = [c for c in store.changes(query, view, _ROWS).items if c.change.kind == "AuditEvent"]
        return sorted({ref for (ref, _), door in doors(store, view, events).items() if door.outside_code})
