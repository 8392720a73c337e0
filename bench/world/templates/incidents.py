"""Alerts, incidents and certificates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bench.world.asking import Asked, Case, template
from bench.world.expect import Expect
from bench.world.model import PROD, STAGING, AlertTruth

HOUR = timedelta(hours=1)


def _named(asked: Asked, alert: AlertTruth) -> str:
    return f"{alert.name} on {alert.service}"


def _single(asked: Asked, alert: AlertTruth) -> bool:
    return sum((a.name, a.service) == (alert.name, alert.service) for a in asked.world.alerts) == 1


@template(
    "alert.after_deploy",
    "which alerts fired after {service} {version} was deployed to prod?",
    "did any alert fire after {service} {version} went out to prod? which?",
    "what alerts came up after the prod deploy of {service} {version}?",
)
def alert_after(asked: Asked) -> Iterator[Case]:
    """An alert of the service within the hour."""
    for incident in asked.world.incidents:
        if incident.cause_kind == "deploy":
            deploy = asked.world.deploy(incident.cause)
            alerts = [
                a
                for a in asked.world.alerts
                if a.service == deploy.service
                and a.environment == PROD
                and deploy.finished_at < a.starts_at < deploy.finished_at + HOUR
            ]
            if (
                len(alerts) == 1
                and sum(d.version == deploy.version and d.service == deploy.service for d in asked.service_deploys())
                == 1
            ):
                cites = ((alerts[0].fingerprint, incident.id), asked.cites_deploy(deploy))
                yield Case(
                    {"service": deploy.service, "version": deploy.version},
                    Expect(says=((alerts[0].name,),), cites=cites),
                    ("alerts", "deployments"),
                )


def _before(asked: Asked, at: datetime, words: dict[str, str], cause: str) -> Case | None:
    """All that changed in prod in the hour before."""
    low = at - HOUR
    deploys = [d for d in asked.arrivals() if d.started_at >= low and d.finished_at <= at]
    edits = [a for a in asked.edits(PROD) if low <= a.at <= at]
    # the hour's edge is not the question
    edge = [t for d in asked.arrivals() for t in (d.started_at, d.finished_at)] + [a.at for a in asked.edits(PROD)]
    if any(abs(t - low) < timedelta(minutes=10) for t in edge) or any(
        d.started_at < at < d.finished_at for d in asked.arrivals()
    ):
        return None
    groups = [(d.finished_at, (*asked.deployed(d), *asked.api_calls(d))) for d in deploys] + [
        (a.at, (a.id,)) for a in edits
    ]
    groups.sort(key=lambda g: g[0], reverse=True)
    if not any(cause in group for _, group in groups):
        return None
    cites = tuple((d.id, str(d.run_id)) for d in deploys if d.id == cause) + tuple(
        (a.id,) for a in edits if a.id == cause
    )
    absent = (
        tuple(d.id for d in asked.world.deploys if d.environment != PROD)
        + tuple(a.id for a in asked.edits(failed=True))
        + tuple(a.id for a in asked.edits(STAGING))
    )
    expect = Expect(contains=tuple(group for _, group in groups), absent=absent, cites=cites)
    return Case(words, expect, ("alerts", "deployments", "cloudtrail"))


@template(
    "alert.changes_before",
    "what changed in prod in the hour before the alert {alert} fired on {day}?",
    "{alert} fired on {day}: what had changed in prod within the hour before?",
)
def alert_changes(asked: Asked) -> Iterator[Case]:
    """Deploys, applies and edits by hand before an alert."""
    for incident in asked.shuffled(asked.world.incidents):
        alert = next(a for a in asked.world.alerts if a.incident == incident.id)
        if incident.cause_kind in ("deploy", "manual", "config"):
            case = _before(
                asked,
                alert.starts_at,
                {"alert": _named(asked, alert), "day": asked.day(alert.starts_at)},
                incident.cause,
            )
            if case and _single(asked, alert):
                yield case


@template(
    "incident.changes_before",
    "what changed in prod within the hour before {incident}?",
    "what changed in production shortly before {incident} began? look at the hour before",
)
def incident_changes(asked: Asked) -> Iterator[Case]:
    """The same, from the incident."""
    for incident in asked.shuffled(asked.world.incidents):
        if incident.cause_kind in ("deploy", "manual", "config"):
            case = _before(asked, incident.created_at, {"incident": asked.incident_name(incident)}, incident.cause)
            if case:
                yield case


@template(
    "incident.nothing_before",
    "what changed in prod in the hour before {incident}?",
    "did anything go out to prod in the hour before {incident}?",
)
def incident_nothing(asked: Asked) -> Iterator[Case]:
    """Nothing of ours had changed."""
    for incident in asked.world.incidents:
        low, high = incident.created_at - HOUR - timedelta(minutes=15), incident.created_at + timedelta(minutes=2)
        times = [t for d in asked.world.deploys if d.environment == PROD for t in (d.started_at, d.finished_at)] + [
            a.at for a in asked.world.audit if a.environment == PROD
        ]
        if not any(low <= t <= high for t in times):
            absent = tuple(d.id for d in asked.world.deploys) + tuple(a.id for a in asked.world.audit)
            yield Case(
                {"incident": asked.incident_name(incident)},
                Expect(denies=True, absent=absent),
                ("alerts", "deployments", "cloudtrail"),
            )


@template(
    "incident.version",
    "which pull request brought the version of {service} that was running when {incident} began?",
    "what PR introduced the {service} version that ran in prod when {incident} started?",
)
def incident_version(asked: Asked) -> Iterator[Case]:
    """From the incident to the version to its pull request."""
    for incident in asked.shuffled(asked.world.incidents):
        before = [
            d for d in asked.service_deploys() if d.service == incident.service and d.finished_at < incident.created_at
        ]
        if before and before[-1].kind == "deploy" and before[-1].pulls:
            deploy = before[-1]
            top = next(p for p in asked.world.pulls if p.service == deploy.service and p.version == deploy.version)
            carried = tuple(token for p in deploy.pulls for token in asked.change(asked.world.pull(*p)))
            expect = Expect(
                says=((f"#{top.number}", str(top.number), top.title),),
                first=(*asked.deployed(deploy), *carried),
                cites=(asked.cites_code(top),),
            )
            yield Case(
                {"service": incident.service, "incident": asked.incident_name(incident)},
                expect,
                ("alerts", "deployments", "github"),
            )


@template(
    "alert.owner",
    "which team owns the service that the alert {alert} is about?",
    "who owns the service behind {alert}?",
)
def alert_owner(asked: Asked) -> Iterator[Case]:
    """From an alert by its service to the team."""
    organisation = asked.world.organisation
    for alert in asked.shuffled(asked.world.alerts):
        team = organisation.team(organisation.service(alert.service).team)
        wrong = tuple(
            t.display_name
            for t in organisation.teams
            if t.name != team.name and t.name not in (alert.service, team.name)
        )
        if team.name not in {s.name for s in organisation.services} and not set(wrong) & {
            s.name.title() for s in organisation.services
        }:
            expect = Expect(
                says=((team.name, team.display_name),),
                never=wrong,
                cites=(("catalog-info.yaml", "services.csv", "org.yaml"),),
            )
            yield Case({"alert": _named(asked, alert)}, expect, ("alerts", "catalog"))


@template(
    "alert.on_call",
    "who is on call for the service that {incident} is about?",
    "who is on call for the service of {incident}?",
)
def alert_on_call(asked: Asked) -> Iterator[Case]:
    """From an incident by its service to a person."""
    organisation = asked.world.organisation
    for incident in asked.shuffled(asked.world.incidents):
        on_call = organisation.service(incident.service).on_call
        never = asked.others(
            on_call,
            incident.assignee,
            incident.resolved_by,
            *organisation.team(organisation.service(incident.service).team).members,
        )
        expect = Expect(says=(asked.person(on_call),), never=never, cites=(("services.csv", incident.id),))
        yield Case({"incident": asked.incident_name(incident)}, expect, ("alerts", "catalog"))


@template("incident.acknowledged", "who acknowledged {incident}?", "who took {incident} first?")
def incident_acknowledged(asked: Asked) -> Iterator[Case]:
    """The person behind the PagerDuty user."""
    for incident in asked.shuffled(asked.world.incidents):
        never = asked.others(incident.assignee, incident.resolved_by)
        expect = Expect(says=(asked.person(incident.assignee),), never=never, cites=((incident.id,),))
        yield Case({"incident": asked.incident_name(incident)}, expect, ("alerts", "catalog"))


@template(
    "incident.cause",
    "what caused {incident}?",
    "what was the root cause of {incident}?",
    "according to the post-mortem, why did {incident} happen?",
)
def incident_cause(asked: Asked) -> Iterator[Case]:
    """What the post-mortem says."""
    for incident in asked.shuffled(asked.world.incidents):
        if incident.postmortem:
            clauses = [i.cause_clause for i in asked.world.incidents if i is not incident]
            expect = Expect(
                quote=(incident.cause_clause,),
                never=tuple(clauses),
                cites=((incident.postmortem.rpartition("/")[2], incident.postmortem),),
            )
            yield Case({"incident": asked.incident_name(incident)}, expect, ("documents", "alerts"))


@template("incident.fix", "how was {incident} fixed?", "what resolved {incident}?", "how did we mitigate {incident}?")
def incident_fix(asked: Asked) -> Iterator[Case]:
    """The fix: post-mortem or thread."""
    for incident in asked.shuffled(asked.world.incidents):
        thread = asked.world.thread(incident.thread)
        cites = (*asked.cites_thread(thread), *filter(None, (incident.postmortem.rpartition("/")[2],)))
        yield Case(
            {"incident": asked.incident_name(incident)},
            Expect(quote=(incident.fix_clause,), cites=(cites,)),
            ("slack", "documents", "alerts"),
        )


@template("incident.thread", "where was {incident} discussed?", "is there a slack thread about {incident}?")
def incident_thread(asked: Asked) -> Iterator[Case]:
    """The thread in the incidents channel."""
    for incident in asked.shuffled(asked.world.incidents):
        thread = asked.world.thread(incident.thread)
        yield Case(
            {"incident": asked.incident_name(incident)},
            Expect(cites=(asked.cites_thread(thread),)),
            ("slack", "alerts"),
        )


@template(
    "incident.by_hand",
    "who made the manual change that caused {incident}?",
    "whose manual edit broke things in {incident}?",
)
def incident_by_hand(asked: Asked) -> Iterator[Case]:
    """From the post-mortem's cause to the audit event to the person."""
    for incident in asked.world.incidents:
        if incident.cause_kind == "manual" and incident.postmortem:
            edit = next(a for a in asked.world.audit if a.id == incident.cause)
            fixer = next((a for a in asked.edits(PROD) if a.thing == "db_group" and a.id != edit.id), edit)
            never = asked.others(edit.person, fixer.person, incident.assignee, incident.resolved_by)
            expect = Expect(
                says=(asked.person(edit.person),), by=asked.person(edit.person), never=never, cites=((edit.id,),)
            )
            yield Case({"incident": asked.incident_name(incident)}, expect, ("documents", "cloudtrail", "catalog"))


@template(
    "certificate.next",
    "which certificate expires next?",
    "which of our certificates runs out first?",
    "what certificate do we have to renew next, and by when?",
)
def certificate_next(asked: Asked) -> Iterator[Case]:
    """Seen from the end of the world's history; expired ones do not count."""
    left = sorted((c for c in asked.world.certificates if c.not_after > asked.world.end), key=lambda c: c.not_after)
    if len(left) > 1:
        first = left[0]
        day = (f"{first.not_after:%Y-%m-%d}", f"{first.not_after.day} {first.not_after:%B %Y}")
        expect = Expect(
            says=((first.domain, first.domain.replace("*", "wildcard")), day),
            cites=(
                (
                    f"{first.domain.replace('*', 'wildcard')}-{first.not_after:%Y%m%d}.pem",
                    str(first.serial),
                    f"{first.serial:x}",
                ),
            ),
        )
        yield Case({}, expect, ("secrets", "catalog"), asked.world.end)


@template(
    "certificate.incident",
    "which certificate had expired when {incident} began?",
    "{incident}: which certificate was it, and when did it expire?",
)
def certificate_incident(asked: Asked) -> Iterator[Case]:
    """The expired certificate behind an incident."""
    for incident in asked.world.incidents:
        if incident.cause_kind == "expiry":
            old = next(c for c in asked.world.certificates if c.domain == incident.cause)
            cites = (
                (
                    f"{old.domain}-{old.not_after:%Y%m%d}.pem",
                    str(old.serial),
                    f"{old.serial:x}",
                    incident.postmortem.rpartition("/")[2],
                ),
            )
            yield Case(
                {"incident": asked.incident_name(incident)},
                Expect(says=((old.domain,),), cites=cites),
                ("secrets", "alerts", "documents"),
            )
