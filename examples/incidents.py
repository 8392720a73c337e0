"""Three incidents: one by a security group's rule, one by a setting, one by somebody else's outage; and the alerts that meant nothing."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from examples.audit import PAYWELL_RANGE
from examples.company import (
    CONFIG_REPOSITORY,
    ON_CALL,
    PAGERDUTY,
    PEOPLE,
    REPOSITORY,
    SERVICES,
    TODAY,
    person,
    pull_url,
    service,
)
from examples.config_repository import REVERT, REVERTED
from examples.formats import alerts
from examples.formats.alerts import Alert, PagerDutyIncident, PagerDutyUser
from examples.formats.documents import Postmortem
from examples.formats.output import letters

SEED = 31


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident, the alert that began it, and its write-up, if there is one yet."""

    number: int
    title: str
    service: str
    alert: str
    summary: str
    started_at: datetime
    acknowledged_at: datetime
    resolved_at: datetime
    resolved_by: str
    postmortem: Postmortem | None = None

    @property
    def id(self) -> str:
        """PagerDuty's id."""
        return incident_id(self.number)

    @property
    def paged_at(self) -> datetime:
        """When somebody was paged: so much was known by then."""
        return self.started_at + timedelta(seconds=35)

    @property
    def symptom(self) -> str:
        """What whoever was paged read."""
        return f"{self.alert}: {self.summary}"

    @property
    def on_call(self) -> str:
        """Who was paged."""
        return ON_CALL[service(self.service).team]

    @property
    def fired(self) -> Alert:
        """The alert."""
        labels = {
            "service": self.service,
            "environment": "prod",
            "severity": "critical",
            "team": service(self.service).team,
        }
        return Alert(self.alert, labels, self.started_at, self.resolved_at, {"summary": self.summary})


def incident_id(number: int) -> str:
    """PagerDuty's id of an incident."""
    return "Q" + letters("incident", number, length=13)


def incident_url(number: int) -> str:
    """Its page."""
    return f"https://{PAGERDUTY}.pagerduty.com/incidents/{incident_id(number)}"


def pagerduty_service(name: str) -> str:
    """PagerDuty's id of a service."""
    return "P" + letters("service", name, length=6)


def _at(month: int, day: int, hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, second, tzinfo=UTC)


def incidents() -> list[Incident]:
    """The three, in order."""
    return [_callbacks(), _backlog(), _outage()]


def _callbacks() -> Incident:
    started, resolved = _at(5, 19, 14, 22, 10), _at(5, 19, 15, 7, 40)
    title, cut = "Payment confirmations do not arrive", pull_url(REPOSITORY, 41)
    return Incident(
        31, title, "payments", "PaymentCallbacksMissing", "No callback of the payment provider for five minutes",
        started, _at(5, 19, 14, 26, 3), resolved, "ines",
        Postmortem(
            title=title, incident="#31", severity="SEV-1", started_at=started, resolved_at=resolved, authors=("Tomás Ferreira", "Ines Duarte"),
            service="payments", url=incident_url(31),
            summary="Customers paid, but their orders stayed unpaid: the payment provider could not reach us.",
            impact="412 orders waited for their payment for 45 minutes. No payment was lost: the provider repeats its callbacks for a day.",
            root_cause=f"[#41]({cut}) took `0.0.0.0/0` out of the security group rule `edge_https`, so that only the CDN's ranges reach the edge. Paywell calls back without going through the CDN; nobody remembered that when the change was reviewed. It reached prod at 14:11, eleven minutes before the alert.",
            resolution=f"Ines Duarte let Paywell's range {PAYWELL_RANGE} in again, by hand, at 15:02; the callbacks that had waited came within five minutes. The deploy of payments 1.19.6 at the same time was suspected first and had nothing to do with it.",
            timeline=((_at(5, 19, 14, 11), "the change is applied to prod"), (started, "PaymentCallbacksMissing fires"), (_at(5, 19, 14, 26), "Tomás Ferreira acknowledges"), (_at(5, 19, 15, 2), "Paywell's range is let in by hand"), (resolved, "all waiting callbacks have come")),
            actions=("Bring Paywell's range into Terraform", "List who reaches the edge without the CDN, in the decision about it"),
        ),
    )  # fmt: skip


def _backlog() -> Incident:
    started, resolved = _at(9, 24, 11, 41, 20), _at(9, 24, 12, 33, 0)
    title, cause, back = (
        "Orders pile up before the warehouse",
        pull_url(CONFIG_REPOSITORY, REVERTED),
        pull_url(CONFIG_REPOSITORY, REVERT),
    )
    return Incident(
        38, title, "orders", "OrderQueueBacklog", "The order queue holds more than 50 messages for three minutes",
        started, _at(9, 24, 11, 44, 52), resolved, "omar",
        Postmortem(
            title=title, incident="#38", severity="SEV-2", started_at=started, resolved_at=resolved, authors=("Omar Haddad",),
            service="orders", url=incident_url(38),
            summary="Orders were taken again and again and did not reach the warehouse.",
            impact="1,130 orders reached the warehouse up to an hour late. A customer told us before the alarm did.",
            root_cause=f"[shop-config#{REVERTED}]({cause}) set `warehouse_timeout_ms` of orders from 3000 to 300. The warehouse answers small orders in 240 ms, but takes up to 900 ms for orders of more than thirty lines: these were given up, put back and tried again. The configuration reached prod at 11:04.",
            resolution=f"Omar Haddad reverted it with [shop-config#{REVERT}]({back}), which reached prod at 12:24; the queue was empty nine minutes later.",
            timeline=((_at(9, 24, 11, 4), "the configuration of orders is deployed to prod"), (_at(9, 24, 11, 22), "Priya Raman passes a customer's question on"), (started, "OrderQueueBacklog fires"), (_at(9, 24, 12, 24), "the revert reaches prod"), (resolved, "the queue is empty")),
            actions=("Alarm earlier on the order queue", "Look at the slowest tenth, not at the median, before a timeout is cut"),
        ),
    )  # fmt: skip


def _outage() -> Incident:
    return Incident(
        41, "Card payments fail at Paywell", "payments", "PaymentErrorRate", "More than 5% of the calls to the payment provider fail",
        _at(10, 9, 17, 19, 30), _at(10, 9, 17, 23, 12), _at(10, 9, 18, 41, 0), "tomas",
    )  # fmt: skip


def write_alerts(directory: Path) -> None:
    """Write what Alertmanager, Grafana and PagerDuty sent."""
    rng = random.Random(SEED)
    noise = _noise(rng)
    fired = [i.fired for i in incidents()]
    alerts.write_alertmanager(directory / "alertmanager" / "webhooks.jsonl", "on-call", [*fired, *noise[:9]])
    alerts.write_grafana(directory / "grafana" / "webhooks.jsonl", "storefront", noise[9:])
    users = {p.key: PagerDutyUser(p.pagerduty_id, p.pagerduty) for p in PEOPLE}
    events = [
        PagerDutyIncident(
            i.id, i.number, i.title, pagerduty_service(i.service), i.service, i.paged_at,
            users[i.on_call], i.acknowledged_at, users[i.on_call], i.resolved_at, users[person(i.resolved_by).key],
        )
        for i in incidents()
    ]  # fmt: skip
    alerts.write_pagerduty(directory / "pagerduty" / "events.jsonl", PAGERDUTY, events)


def _noise(rng: random.Random) -> list[Alert]:
    """Alerts that went away by themselves, none near an incident."""
    out: list[Alert] = []
    while len(out) < 13:
        where = rng.choice(("prod", "prod", "staging"))
        one = rng.choice(SERVICES)
        name, summary = rng.choice((("DiskFillingUp", "Disk more than 80% full"), ("PodRestarting", "A pod restarted three times"), ("SlowQueries", "p95 of queries above 400 ms")))  # fmt: skip
        at = TODAY - timedelta(seconds=rng.randrange(86400, 180 * 86400))
        labels = {"service": one.name, "environment": where, "severity": "warning", "team": one.team}
        alert = Alert(name, labels, at, at + timedelta(minutes=rng.randrange(6, 90)), {"summary": summary})
        near = any(abs(at - i.started_at) < timedelta(days=2) for i in incidents())
        if not near and all(alert.fingerprint != other.fingerprint for other in out):
            out.append(alert)
    return out
