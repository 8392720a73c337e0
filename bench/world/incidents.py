"""Incidents with their causes, the alerts around them, alerts that mean nothing, and certificates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from bench.world.history import Story, edit_by_hand, roll_back
from bench.world.infrastructure import Names
from bench.world.model import PROD, AlertTruth, DeployTruth, IncidentTruth
from examples.formats import aws_calls
from examples.formats.alerts import Alert
from examples.formats.certificates import Certificate
from examples.formats.documents import Postmortem, postmortem_name
from examples.formats.output import letters

RISKY = (
    "idle_timeout",
    "rule_path",
    "rule_priority",
    "queue_visibility",
    "edge_cidr",
    "db_cidr",
    "ssl_policy",
    "cache_nodes",
    "db_class",
)
HOUR = timedelta(hours=1)


@dataclass(slots=True)
class Trouble:
    """What the writers need of an incident beside its truth."""

    truth: IncidentTruth
    alert: Alert
    system: str
    postmortem: Postmortem | None


@dataclass(slots=True)
class Troubles:
    """All incidents, and the alerts that belong to none."""

    incidents: list[Trouble]
    others: list[tuple[str, Alert]]


@dataclass(slots=True)
class _Draft:
    service: str
    alert: str
    at: datetime
    until: datetime
    title: str
    cause_kind: str
    cause: str
    summary: str
    cause_text: str
    clause: str
    fix: str
    fixer: str


def make_incidents(random: Random, story: Story) -> Troubles:
    """Add incidents to the world: always one by a deploy and one by hand when the history allows it, and one or two others."""
    world = story.world
    makers: list[Callable[[Random, Story, list[datetime]], _Draft | None]] = [_by_deploy, _by_hand]
    makers += random.sample([_by_apply, _by_expiry, _from_outside], random.randint(1, 3))
    taken: list[datetime] = []
    drafts: list[_Draft] = []
    for make in makers:
        draft = make(random, story, taken)
        if draft is not None:
            drafts.append(draft)
            taken.append(draft.at)
    drafts.sort(key=lambda d: d.at)
    number = random.randint(11, 140)
    troubles: list[Trouble] = []
    for i, draft in enumerate(drafts):
        number += random.randint(1, 9)
        # the last one has no post-mortem yet
        troubles.append(_trouble(random, story, draft, number, written=i < len(drafts) - 1 or random.random() < 0.4))
    world.incidents = [t.truth for t in troubles]
    others = _other_alerts(random, story, taken)
    _certificates(random, story)
    return Troubles(troubles, others)


def _apart(at: datetime, taken: list[datetime]) -> bool:
    return all(abs(at - other) > timedelta(days=3) for other in taken)


def _by_deploy(random: Random, story: Story, taken: list[datetime]) -> _Draft | None:
    found: list[DeployTruth] = []
    deploys = [
        d for d in story.world.deploys if d.environment == PROD and d.kind == "deploy" and d.outcome == "success"
    ]
    for deploy in deploys:
        later = [
            d
            for d in story.world.deploys
            if d.service == deploy.service and d.environment == PROD and d.started_at > deploy.finished_at
        ]
        hot = any(story.world.pull(*p).hotfix for p in deploy.pulls)
        if (
            all(d.started_at > deploy.finished_at + 5 * HOUR for d in later)
            and not hot
            and _apart(deploy.finished_at, taken)
        ):
            found.append(deploy)
    found = [d for d in found if d.previous_version != "1.0.0"] or found
    if not found:
        return None
    bad = random.choice(found)
    at = story.calendar.after(bad.finished_at, 4, 12)
    actor = random.choice(story.world.organisation.people).key
    back = roll_back(random, story, bad, story.calendar.after(at, 22, 40), actor)
    s = bad.service
    clause = random.choice((
        f"version {bad.version} of {s} opened a new database connection for every request",
        f"{s} {bad.version} no longer answered the health check while it warmed its cache",
        f"{s} {bad.version} rejected sessions that the version before it had issued",
    ))  # fmt: skip
    return _Draft(
        s, random.choice(("HighErrorRate", "HighLatency")), at, story.calendar.after(back.finished_at, 4, 10), f"{s.title()} errors above 5%", "deploy", bad.id,
        f"Customers saw errors from {s} after a deploy.", f"The cause was the deploy: {clause}. It had passed staging because load there is low.", clause,
        f"{s} was rolled back to {bad.previous_version}", actor,
    )  # fmt: skip


def _quiet_moment(
    random: Random, story: Story, taken: list[datetime], before: timedelta, after: timedelta
) -> datetime | None:
    busy = [d.finished_at for d in story.world.deploys if d.environment == PROD]
    busy += [a.at for a in story.world.audit if a.environment == PROD]
    for _ in range(200):
        at = story.calendar.start + timedelta(days=random.randint(8, story.calendar.days - 12), minutes=random.randint(360, 1320), seconds=random.randint(0, 59))  # fmt: skip
        if _apart(at, taken) and all(not at - before < b < at + after for b in busy):
            return story.calendar.free(at)
    return None


def _by_hand(random: Random, story: Story, taken: list[datetime]) -> _Draft | None:
    organisation = story.world.organisation
    edited_at = _quiet_moment(random, story, taken, 2 * HOUR, 4 * HOUR)
    if edited_at is None:
        return None
    who, fixer = random.choice(organisation.people), random.choice(organisation.people)
    group = Names(organisation, PROD).group(organisation.database)
    cidr, port = "10.96.0.0/16", 5432
    console = random.random() < 0.6
    thing = "db_group"
    edit = edit_by_hand(
        random,
        story,
        aws_calls.revoke_ingress(group, cidr, port),
        edited_at,
        PROD,
        who,
        thing,
        cidr,
        "",
        console=console,
    )
    at = story.calendar.after(edited_at, 3, 11)
    fixed_at = story.calendar.after(at, 25, 55)
    edit_by_hand(
        random,
        story,
        aws_calls.authorize_ingress(group, cidr, port),
        fixed_at,
        PROD,
        fixer,
        thing,
        "",
        cidr,
        console=True,
    )
    s = random.choice(organisation.services).name
    clause = random.choice((
        f"the rule that lets the cluster reach the {organisation.database} database was removed by hand from its security group",
        f"somebody tidied up the {organisation.database} security group by hand and took away the range of the cluster",
    ))  # fmt: skip
    return _Draft(
        s, "DatabaseConnectionsFailing", at, story.calendar.after(fixed_at, 2, 8), f"{s.title()} cannot reach its database", "manual", edit.id,
        f"{s} lost its connections to the database.", f"The cause was a manual change: {clause}. Terraform did not know the rule.", clause,
        f"the range {cidr} was allowed again by hand", fixer.key,
    )  # fmt: skip


def _by_apply(random: Random, story: Story, taken: list[datetime]) -> _Draft | None:
    world = story.world
    found: list[tuple[DeployTruth, str]] = []
    for deploy in world.deploys:
        if (
            deploy.kind != "apply"
            or deploy.environment != PROD
            or len(deploy.pulls) != 1
            or not _apart(deploy.finished_at, taken)
        ):
            continue
        pull = world.pull(*deploy.pulls[0])
        if pull.thing.partition(":")[0] in RISKY and not pull.reverts:
            found.append((deploy, pull.thing))
    if not found:
        return None
    deploy, _ = random.choice(found)
    pull = world.pull(*deploy.pulls[0])
    s = pull.thing.partition(":")[2] or random.choice(world.organisation.services).name
    at = story.calendar.after(deploy.finished_at, 3, 14)
    fixer = random.choice(world.organisation.people).key
    clause = f"{pull.things[0]} went from {pull.before} to {pull.after}, which {s} could not cope with"
    return _Draft(
        s, "HighLatency", at, story.calendar.after(at, 40, 90), f"{s.title()} slow for a part of the customers", "config", deploy.id,
        f"{s} answered slowly after a configuration change.", f"The cause was a configuration change: {clause}.", clause,
        f"the pods of {s} were restarted so that they picked up the new setting", fixer,
    )  # fmt: skip


def _by_expiry(random: Random, story: Story, taken: list[datetime]) -> _Draft | None:
    world = story.world
    expired_at = _quiet_moment(random, story, taken, HOUR, 2 * HOUR)
    if expired_at is None:
        return None
    s = random.choice(world.organisation.services).name
    domain = f"{s}.{world.organisation.domain}"
    at = story.calendar.after(expired_at, 1, 4)
    until = story.calendar.after(at, 45, 80)
    world.certificates.append(Certificate(domain, expired_at - timedelta(days=90), expired_at))
    world.certificates.append(Certificate(domain, until - timedelta(minutes=10), until + timedelta(days=365)))
    clause = f"the certificate of {domain} expired and nobody had renewed it"
    return _Draft(
        s, "CertificateExpired", at, until, f"TLS errors on {domain}", "expiry", domain,
        f"Clients refused to connect to {domain}.", f"The cause was an expired certificate: {clause}. Its renewal job had been switched off in a migration.", clause,
        f"a new certificate was issued for {domain}", random.choice(world.organisation.people).key,
    )  # fmt: skip


def _from_outside(random: Random, story: Story, taken: list[datetime]) -> _Draft | None:
    world = story.world
    at = _quiet_moment(random, story, taken, 4 * HOUR, HOUR)
    if at is None:
        return None
    s = random.choice(world.organisation.services).name
    vendor = random.choice(("Paywell", "Mapstone", "Sendcraft", "Identora"))
    clause = f"{vendor}, which {s} depends on, had an outage of its own"
    return _Draft(
        s, "DependencyDown", at, story.calendar.after(at, 30, 100), f"{s.title()} fails on calls to {vendor}", "outside", "",
        f"Calls from {s} to {vendor} failed.", f"Nothing of ours had changed: {clause}. Their status page confirmed it an hour later.", clause,
        f"{vendor} recovered and the queued calls of {s} were sent again", random.choice(world.organisation.people).key,
    )  # fmt: skip


def _trouble(random: Random, story: Story, draft: _Draft, number: int, *, written: bool) -> Trouble:
    world, organisation = story.world, story.world.organisation
    service = organisation.service(draft.service)
    created = draft.at + timedelta(seconds=random.randint(20, 90))
    acknowledged = created + timedelta(seconds=random.randint(90, 500))
    identifier = "Q" + letters("incident", organisation.name, number, length=13)
    labels = {"service": draft.service, "environment": PROD, "severity": "critical", "team": service.team}
    summary = f"{draft.title} ({draft.service}, prod)"
    alert = Alert(
        draft.alert,
        labels,
        draft.at,
        draft.until,
        {"summary": summary, "runbook_url": f"https://wiki.{organisation.domain}/runbooks/{draft.service}"},
    )
    system = "grafana" if random.random() < 0.2 else "alertmanager"
    postmortem = None
    if written:
        authors = tuple(
            dict.fromkeys((organisation.person(draft.fixer).name, organisation.person(service.on_call).name))
        )
        postmortem = Postmortem(
            title=draft.title, incident=f"#{number}", severity=random.choice(("SEV-1", "SEV-2")), started_at=draft.at, resolved_at=draft.until,
            authors=authors, service=draft.service, summary=draft.summary,
            impact=f"About {random.randint(2, 40)}% of the requests to {draft.service} failed for {int((draft.until - draft.at).total_seconds() // 60)} minutes.",
            root_cause=draft.cause_text, resolution=f"We mitigated it at {draft.until:%H:%M}: {draft.fix}.",
            timeline=((draft.at, f"alert {draft.alert} fires"), (acknowledged, f"{organisation.person(service.on_call).name} acknowledges"), (draft.until, "resolved")),
            actions=("Alert earlier", f"Add a test for {draft.service}"),
            url=f"https://{organisation.name}.pagerduty.com/incidents/{identifier}",
        )  # fmt: skip
    truth = IncidentTruth(
        id=identifier, number=number, title=draft.title, service=draft.service, created_at=created, acknowledged_at=acknowledged, resolved_at=draft.until,
        assignee=service.on_call, resolved_by=draft.fixer, cause_kind=draft.cause_kind, cause=draft.cause, cause_clause=draft.clause, fix_clause=draft.fix,
        postmortem=f"postmortems/{postmortem_name(postmortem)}" if postmortem else "", thread=f"incident:{number}", alert=alert.fingerprint,
    )  # fmt: skip
    world.alerts.append(
        AlertTruth(alert.name, draft.service, PROD, alert.fingerprint, system, draft.at, draft.until, identifier)
    )
    return Trouble(truth, alert, system, postmortem)


def _other_alerts(random: Random, story: Story, taken: list[datetime]) -> list[tuple[str, Alert]]:
    world, organisation = story.world, story.world.organisation
    out: list[tuple[str, Alert]] = []
    for _ in range(random.randint(4, 8)):
        service = random.choice(organisation.services)
        environment = random.choice((PROD, PROD, "staging"))
        name = random.choice(("DiskFillingUp", "PodRestarting", "SlowQueries", "QueueBacklog"))
        at = story.calendar.free(
            story.calendar.start
            + timedelta(days=random.randint(2, story.calendar.days - 5), seconds=random.randint(0, 86399))
        )
        if not _apart(at, taken):
            continue
        until = at + timedelta(minutes=random.randint(5, 120))
        labels = {"service": service.name, "environment": environment, "severity": "warning", "team": service.team}
        alert = Alert(name, labels, at, until, {"summary": f"{name} on {service.name}"})
        if any(a.fingerprint == alert.fingerprint for a in world.alerts):
            continue
        world.alerts.append(AlertTruth(name, service.name, environment, alert.fingerprint, "alertmanager", at, until))
        out.append(("alertmanager", alert))
    return out


def _certificates(random: Random, story: Story) -> None:
    world, organisation = story.world, story.world.organisation
    names = [
        s.name for s in organisation.services if all(not c.domain.startswith(s.name + ".") for c in world.certificates)
    ]
    days = random.sample(range(20, 300), 3)
    domains = [f"{name}.{organisation.domain}" for name in random.sample(names, min(2, len(names)))] + [
        f"*.{organisation.domain}"
    ]
    for domain, day in zip(domains, days, strict=False):
        end = (world.end + timedelta(days=day)).replace(hour=12, minute=0, second=0, microsecond=0)
        world.certificates.append(Certificate(domain, end - timedelta(days=395), end))
