"""Facts of incidents: those of PagerDuty and Opsgenie, and those that alerts of systems without incidents make up together.

How alerts are grouped. An incident must follow from each delivery alone: deliveries come twice, late and in any order, and the graph must
be the same. So an alert belongs to the incident of (system, group, time window in which *it* began); the group is Alertmanager's
`groupKey`, elsewhere service and environment, or the alert's name where it names no service. A window's edge is no border: when one
notification lists two alerts of a group that began less than a window apart, on either side of an edge, it states that the two incidents
are the same (`SAME_AS`). All of this is only ever added to, so that order cannot matter.

When it is over is told where a notification lists everything that fires in its group: an incident of which nothing fires any more
is resolved at the last end. Single alerts tell nothing of the others, so that such an incident has no state: its alerts have.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from graph.clock import SECOND, Instant, rfc3339
from graph.model import Alias, Entity, EntityRef, Passage, Relation, Value
from ingest import names
from ingest.mentions import mentions
from ingest.sources.alerts.alert_facts import alert_ref
from ingest.sources.alerts.reports import Firing, Group, IncidentReport, Phase
from ingest.sources.alerts.stated import Place, Stated

GROUPED = "grouped"


def state_incident(stated: Stated, report: IncidentReport) -> None:
    """State an incident of a system that has them."""
    incident = names.incident(report.system, report.incident_id)
    place = Place(f"{report.system}:{report.incident_id}", report.url or None)
    lasting: dict[str, Value] = {
        "system": report.system,
        "incident_id": report.incident_id,
        **_told(report),
    }
    began = report.phases[0] if report.phases else None
    if began is not None and began.scope:
        stated.add(Entity(incident, lasting), began.at, place, deduced=began.deduced)
    for phase in report.phases:
        stated.phase(incident, lasting, phase, "resolved_at", place)
        _by(stated, report, incident, phase, place)
    if began is not None:
        _named(stated, report, incident, began, place)
    for note in report.notes:
        # The note may come alone: then at least the incident's id is known.
        known = {"system": report.system, "incident_id": report.incident_id}
        stated.add(Entity(incident, known), note.at, place, scope=f"{stated.settings.name}#notes")
        slot = f"note-{note.id}"
        stated.add(Passage(incident, slot, note.text), note.at, place)
        _mention(stated, incident, note.text, note.at, place)
        if note.by is not None:
            stated.account(report.system, note.by, note.at, place)


def state_group(stated: Stated, group: Group) -> None:
    """State the incidents that the alerts of one notification belong to."""
    window = max(stated.settings.incident_window_s, 1) * SECOND
    episodes: dict[Instant, list[Firing]] = {}
    for firing in sorted(group.firings, key=lambda f: (f.started_at, f.alert_id)):
        episodes.setdefault(firing.started_at // window * window, []).append(firing)
    for start, firings in episodes.items():
        _state_episode(stated, group, start, firings)
    for (start, before), (later, after) in pairwise(episodes.items()):
        if after[0].started_at - before[-1].started_at < window:
            one, other = _episode_ref(stated, group, start), _episode_ref(stated, group, later)
            same = Relation("SAME_AS", other, one, {"rule": "notified together", "confidence": 1.0})
            stated.add(same, after[0].started_at, _group_place(group, later))


def group_of(firing: Firing) -> Group:
    """The group of an alert whose system has none."""
    if firing.service:
        kept = names.service_name(firing.service), names.environment_name(firing.environment)
        title = " in ".join(filter(None, kept))
        return Group(firing.system, "/".join(kept), title, "service and environment", (firing,), False)
    return Group(firing.system, "name/" + firing.name, firing.name, "alert name", (firing,), False)


# -- incidents of a system


def _told(report: IncidentReport) -> dict[str, Value]:
    told = {
        "title": report.title,
        "severity": report.severity,
        "service": names.service_name(report.service),
        "environment": names.environment_name(report.environment),
        "started_at": rfc3339(report.started_at) if report.started_at is not None else "",
        "url": report.url,
    }
    return {k: v for k, v in told.items() if v}


def _by(stated: Stated, report: IncidentReport, incident: EntityRef, phase: Phase, place: Place) -> None:
    if phase.by is None or phase.deduced:
        return
    account = stated.account(report.system, phase.by, phase.at, place)
    if phase.state in ("acknowledged", "resolved"):
        stated.add(Relation(f"{phase.state.upper()}_BY", incident, account, {}), phase.at, place)


def _named(stated: Stated, report: IncidentReport, incident: EntityRef, began: Phase, place: Place) -> None:
    at = began.at
    stated.add(Alias(incident, "id", report.incident_id), at, place)
    if report.number:
        stated.add(Alias(incident, "number", report.number), at, place)
    if report.url:
        stated.add(Alias(incident, "url", report.url), at, place)
    if report.title:
        for phase in report.phases:
            if phase is began or not phase.scope:
                stated.add(Passage(incident, "title", report.title), phase.at, place, deduced=phase.deduced)
        _mention(stated, incident, report.title, at, place)
    if (service := stated.service(report.service, at, place, report.service_id)) is not None:
        stated.add(Relation("ABOUT", incident, service, {"rule": report.service_rule}), at, place)
    if report.environment:
        environment = stated.environment(report.environment, at, place)
        stated.add(Relation("ABOUT", incident, environment, {"rule": report.environment_rule}), at, place)


def _mention(stated: Stated, incident: EntityRef, text: str, at: Instant, place: Place) -> None:
    for mention in mentions(text):
        if mention.ref != incident:
            stated.add(Relation("MENTIONS", incident, mention.ref, {"text": mention.text}), at, place)


# -- incidents made of alerts


def _state_episode(stated: Stated, group: Group, start: Instant, firings: Sequence[Firing]) -> None:
    incident = _episode_ref(stated, group, start)
    place = _group_place(group, start)
    services = {names.service_name(f.service) for f in firings} - {""}
    environments = {names.environment_name(f.environment) for f in firings} - {""}
    lasting: dict[str, Value] = {
        "system": GROUPED,
        "incident_id": f"{group.system} {group.key} {rfc3339(start)}",
        "title": group.title,
        **({"service": services.pop()} if len(services) == 1 else {}),
        **({"environment": environments.pop()} if len(environments) == 1 else {}),
    }
    for firing in firings:
        # Nothing that depends on which of its alerts a notification lists: then each of them would tell another beginning.
        state = {"state": "triggered"} if group.complete or group.rule == "groupKey" else {}
        at = firing.started_at
        stated.add(Entity(incident, {**lasting, **state}), at, place)
        stated.add(Passage(incident, "title", group.title), at, place)
        part_of = Relation("PART_OF", alert_ref(firing, stated.settings.name), incident, {"rule": group.rule})
        stated.add(part_of, at, place)
        for name in filter(None, [names.service_name(firing.service)]):
            stated.add(Relation("ABOUT", incident, names.service(name), {"rule": "its alerts"}), at, place)
        for name in filter(None, [firing.environment]):
            stated.add(Relation("ABOUT", incident, names.environment(name), {"rule": "its alerts"}), at, place)
    ends = [f.phases[-1].at for f in firings if f.phases[-1].state == "resolved"]
    if group.complete and len(ends) == len(firings):
        over = Phase("resolved", max(ends))
        stated.phase(incident, lasting, over, "resolved_at", place)


def _episode_ref(stated: Stated, group: Group, start: Instant) -> EntityRef:
    return names.incident(GROUPED, f"{group.system}\x1f{stated.settings.name}\x1f{group.key}\x1f{rfc3339(start)}")


def _group_place(group: Group, start: Instant) -> Place:
    return Place(f"{group.system}:{group.key}@{rfc3339(start)}", group.url or None)
