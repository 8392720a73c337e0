"""Rules by which an alert that comes in is investigated at once, and the result is posted where people look: `alerts:` of lore.yaml.

An alert is one firing of it; each is looked at once. Alerts of the same service and environment within some minutes are one storm, and one
investigation. What was posted, and what is still to be, stands in the file of the runs, so that a killed server goes on with it.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, cast

import msgspec

from agent.evidence import inline, text_of
from agent.investigation import Investigation
from api.errors import OutwardUnavailable, SettingsError
from api.gateway import ActionRequest
from api.investigation_slack import investigation_blocks, investigation_fallback
from api.run_store import QueueFull, Request
from api.runs import Runs
from api.slack_blocks import text as text_for_slack
from graph.clock import SECOND, Instant, instant
from graph.model import PUBLIC
from graph.store import EntityView, GraphStore, Limits, View

if TYPE_CHECKING:
    from api.gateway import Gateway

_LOG = logging.getLogger("lore.alerts")
CALLER = "alert-rule"
YOUNG: Instant = 3_600 * SECOND
"""An alert that began earlier is history: what a first read of an alert system brings starts nothing."""
_MOST_FIRING = 2_000
_RETRY_S = 30.0
_FIELDS = ("name", "system", "severity", "service", "environment")


class AlertRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule.

    Attributes:
        match: labels of the alert, or its name, system, severity, service or environment: each has this value, or one of these. Empty: all.
        environment: where it shows, when the alert does not say.
        post: the Slack channel for the result; empty posts nothing, the investigation is kept all the same.
        audience: labels that everybody in that channel holds: the investigation reads no more than that.
    """

    match: dict[str, str | tuple[str, ...]] = {}
    environment: str = ""
    post: str = ""
    audience: tuple[str, ...] = (PUBLIC,)


@dataclass(frozen=True, slots=True)
class _Due:
    """A post that is to be made."""

    alert: str
    run: str
    target: str
    state: str


def read_rules(given: Sequence[Mapping[str, object]]) -> tuple[AlertRule, ...]:
    """The rules of the settings.

    Raises:
        SettingsError: one cannot be meant.
    """
    try:
        return tuple(msgspec.convert(one, AlertRule) for one in given)
    except msgspec.ValidationError as error:
        raise SettingsError(f"alerts: {error}", "see docs/api.md for what a rule may hold") from None


class AlertRules:
    """Starts investigations of new alerts and posts them.

    Args:
        gateway: opened when something is to be posted; a grant must cover it, else it is only shown in the audit log.
        same_within_s: alerts of one service and environment within this time are one storm.
    """

    def __init__(
        self,
        rules: Sequence[AlertRule],
        runs: Runs,
        gateway: Callable[[], Gateway],
        now: Callable[[], Instant],
        *,
        same_within_s: float = 900.0,
    ) -> None:
        self._rules = rules
        self._runs = runs
        self._gateway = gateway
        self._now = now
        self._same_within = int(same_within_s * SECOND)
        self._looking = Lock()
        self._news = Event()
        self._stopped = False
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin to post; what an earlier process left first."""
        if self._rules:
            self._thread = Thread(target=self._post_all, name="lore-alert-posts", daemon=True)
            self._news.set()
            self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopped = True
        self._news.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def look(self, store: GraphStore) -> int:
        """Start an investigation for each firing alert that was not looked at yet and that a rule matches; how many were started.

        Raises:
            GraphError: the store cannot be read.
        """
        with self._looking:  # deliveries and the reconcile both look
            return self._look(store)

    def _look(self, store: GraphStore) -> int:
        started = 0
        done: set[str] = set()
        for rule in self._rules:
            view = View(audience=frozenset(rule.audience))
            firing = store.select("Alert", {"state": ["firing"]}, view, Limits(rows=_MOST_FIRING)).items
            for alert in firing:
                # The first rule that matches has it.
                if alert.ref not in done and _matches(rule, alert):
                    done.add(alert.ref)
                    started += self._take(rule, alert)
        return started

    def ended(self) -> None:
        """A run ended: there may be something to post."""
        self._news.set()

    # -- starting

    def _take(self, rule: AlertRule, alert: EntityView) -> bool:
        """Whether an investigation was started for it."""
        now = self._now()
        began = _began(alert, now)
        storm = f"{text_of(alert.properties, 'service') or text_of(alert.properties, 'name')}\x1f{_environment(rule, alert)}"
        with self._runs.writing() as connection:
            if connection.execute("SELECT 1 FROM alert_run WHERE alert=?", (alert.ref,)).fetchone() is not None:
                return False
            if now - began > YOUNG:
                connection.execute("INSERT INTO alert_run VALUES (?,NULL,?,?,'old','')", (alert.ref, storm, began))
                return False
            same = connection.execute(
                "SELECT run FROM alert_run WHERE storm=? AND run IS NOT NULL AND state!='storm' AND abs(at-?)<=? ORDER BY at DESC",
                (storm, began, self._same_within),
            ).fetchone()
            if same is not None:
                connection.execute(
                    "INSERT INTO alert_run VALUES (?,?,?,?,'storm','')", (alert.ref, same[0], storm, began)
                )
                return False
        request = Request(symptom=_symptom(alert), at=began, environment=_environment(rule, alert))
        try:
            # The alert is the key: a server that was killed here finds the same run again.
            run, _ = self._runs.add(request, CALLER, frozenset(rule.audience), idempotency=alert.ref)
        except QueueFull:
            _LOG.warning("too many investigations wait: the alert %s waits too", inline(str(alert.ref), 80))
            return False
        with self._runs.writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO alert_run VALUES (?,?,?,?,?,?)",
                (alert.ref, run.id, storm, began, "new" if rule.post else "quiet", rule.post),
            )
        self._news.set()
        return True

    # -- posting

    def _post_all(self) -> None:
        while not self._stopped:
            self._news.wait()
            self._news.clear()
            if self._stopped:
                return
            try:
                again = self._post_due()
            except Exception:
                _LOG.exception("posting investigations failed")
                again = True
            if again and not self._stopped:
                time.sleep(0.1)
                self._news.wait(_RETRY_S)
                self._news.set()

    def _post_due(self) -> bool:
        """Make the posts that are due; whether one must be tried again."""
        with self._runs.writing() as connection:
            rows = connection.execute(
                "SELECT alert, run, target, state FROM alert_run WHERE state IN ('new', 'announced') ORDER BY at"
            ).fetchall()
        again = False
        for due in [_Due(*row) for row in rows]:
            try:
                self._post(due)
            except OutwardUnavailable as error:
                _LOG.warning("%s cannot be posted now: %s", due.run, error)
                again = True
        return again

    def _post(self, due: _Due) -> None:
        run = self._runs.get(due.run)
        if run is None:
            self._mark(due, "gone")
            return
        if due.state == "new":
            text = f"Looking into it: {text_for_slack(run.request.symptom, 300)}"
            if not self._execute(due, "slack.message", {"text": text}):
                return
            self._mark(due, "announced")
        if run.state == "done" and run.result is not None:
            found = Investigation.from_json(run.result)
            blocks = json.dumps(list(investigation_blocks(found)), ensure_ascii=False)
            if self._execute(due, "slack.update", {"text": investigation_fallback(found), "blocks": blocks}):
                self._mark(due, "posted")
        elif run.state == "failed":
            text = f"The investigation of “{text_for_slack(run.request.symptom, 300)}” failed: {text_for_slack(run.problem, 300)}"
            if self._execute(due, "slack.update", {"text": text}):
                self._mark(due, "posted")

    def _execute(self, due: _Due, action: str, payload: Mapping[str, str]) -> bool:
        """Whether it is written. What nobody allowed, or what the other side refuses, is not tried again."""
        request = ActionRequest(
            action="slack.message" if action == "slack.message" else "slack.update",
            target=due.target,
            key=f"investigation:{due.run}",
            payload=payload,
            reason="an alert came in, and a rule of alerts: says to investigate it",
            requested_by=CALLER,
        )
        outcome = self._gateway().execute(request)
        if outcome.status in ("done", "already"):
            return True
        _LOG.warning("%s was not posted to %s: %s", due.run, due.target, outcome.detail or outcome.status)
        self._mark(due, outcome.status)
        return False

    def _mark(self, due: _Due, state: str) -> None:
        with self._runs.writing() as connection:
            connection.execute("UPDATE alert_run SET state=? WHERE alert=?", (state, due.alert))


def _matches(rule: AlertRule, alert: EntityView) -> bool:
    labels = alert.properties.get("labels")
    told: dict[str, str] = {}
    if isinstance(labels, Mapping):
        told = {name: str(value) for name, value in cast("Mapping[str, object]", labels).items()}
    told |= {name: value for name in _FIELDS if (value := text_of(alert.properties, name))}
    return all(
        told.get(name) == wanted if isinstance(wanted, str) else told.get(name) in wanted
        for name, wanted in rule.match.items()
    )


def _environment(rule: AlertRule, alert: EntityView) -> str:
    return text_of(alert.properties, "environment") or rule.environment


def _symptom(alert: EntityView) -> str:
    """What the alert says, as the symptom. It is data: the investigator obeys nothing in it."""
    said = [text_of(alert.properties, name) for name in ("name", "summary", "description")]
    service = text_of(alert.properties, "service")
    text = ": ".join(dict.fromkeys(inline(one, 500) for one in said if one)) or "An alert fired"
    return text if not service or service in text else f"{text} ({inline(service, 100)})"


def _began(alert: EntityView, now: Instant) -> Instant:
    try:
        return min(instant(text_of(alert.properties, "started_at")), now)
    except (ValueError, OverflowError):
        return now
