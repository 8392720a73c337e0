"""The section on changes that mattered."""

from __future__ import annotations

from msgspec.structs import replace

from agent.digest.material import Material, section
from agent.digest.matter import Group, groups
from agent.digest.model import Item, Section, Severity
from agent.evidence import inline, text_of
from agent.narrative import minute
from agent.phrasing import attribute_list, listing, plural
from graph.clock import SECOND, rfc3339

_MATTERS = 3.5
"""What ranks below is counted, and listed only where there is room: a service's new version by itself."""
_LISTED = 10
_TITLE = 120
_MINUTE = 60 * SECOND


def changes(material: Material) -> tuple[Section, tuple[Group, ...]]:
    """The section, and all of the window's changes, most important first."""
    found = groups(material)
    chosen = [g for g in found if g.rank >= _MATTERS]
    chosen += [g for g in found if g.rank < _MATTERS][: max(0, _LISTED - len(chosen))]
    items = [_item(material, g) for g in chosen[:_LISTED]]
    hand = sum(1 for g in found if g.hand is not None)
    requests = sum(1 for g in found if g.request is not None)
    versions = len(found) - hand - requests
    parts = [
        plural(requests, "pull request") if requests else "",
        plural(versions, "deployment or commit")
        if versions == 1
        else f"{versions} deployments and commits"
        if versions
        else "",
        f"{plural(hand, 'change')} by hand" if hand else "",
    ]
    told = listing([p for p in parts if p])
    summary = f"{told[:1].upper()}{told[1:]}; what matters most comes first." if told else ""
    made = section(
        "changes",
        "Changes that mattered",
        items,
        "Nothing was merged, deployed, applied or changed by hand.",
        summary=summary,
    )
    return replace(made, more=max(0, len(found) - len(items))), tuple(found)


def name_of(group: Group) -> str:
    """What to call it: `#41 “Only the CDN may reach the edge”`, `payments 1.19.6`."""
    if group.request is not None:
        number = group.request.properties.get("number")
        return f"#{number} “{inline(text_of(group.request.properties, 'title'), _TITLE)}”"
    if group.hand is not None:
        label = group.things[0].label if group.things else "a resource"
        return inline(label, _TITLE)
    one = group.shipments[0] if group.shipments else None
    if one is not None and one.service:
        version = one.version[:12] if len(one.version) == 40 else one.version
        return inline(f"{one.service} {version}", _TITLE)
    if group.key.kind == "Commit":
        named = f" “{inline(group.title, _TITLE)}”" if group.title else ""
        return f"commit {group.key.id[:10]}{named}"
    return inline(f"apply of {one.repository or one.workspace}", _TITLE) if one is not None else group.key.kind


def _item(material: Material, group: Group) -> Item:
    by = f" by {inline(group.by, 60)}" if group.by else ""
    if group.hand is not None:
        where = f" in {inline(group.hand.environment, 40)}" if group.hand.environment else ""
        via = f", by way of {inline(group.hand.door.via, 30)}" if group.hand.door is not None else ""
        others = len(group.things) - 1
        more = f" and {others} more" if others > 0 else ""
        verb = "were" if others > 0 else "was"
        text = f"{minute(group.at)}: {name_of(group)}{more} {verb} changed by hand{where}{by}{via}"
    else:
        text = f"{name_of(group)}{by}{_arrived(material, group)}"
    return Item(
        text=text,
        detail=_detail(material, group),
        severity=_severity(material, group),
        ref=str(group.key),
        citations=_cited(material, group),
    )


def _arrived(material: Material, group: Group) -> str:
    """Where and when it arrived: production last, else where it is so far."""
    took = [s for s in group.shipments if s.took_effect]
    if not took:
        return f": merged on {rfc3339(group.at)[:10]}, not seen to arrive anywhere"
    prod = [s for s in took if material.in_production(s)]
    chosen = prod[0] if prod else took[-1]
    how = (
        "was rolled back to"
        if chosen.action == "rollback"
        else "was applied to"
        if chosen.is_apply
        else "was deployed to"
    )
    return f" {how} {inline(chosen.environment or 'an unnamed place', 40)} on {minute(chosen.at)}"


def _detail(material: Material, group: Group) -> str:
    """Why it matters, and what it changed."""
    said = [f"caused {inline(incident.label, 100)}" for incident in group.caused[:2]]
    for incident in group.followed[:2]:
        arrived = [t for t in (*(x.at for x in group.shipments), group.at) if t <= incident.started_at]
        minutes = (incident.started_at - max(arrived, default=group.at)) // _MINUTE
        said.append(
            f"{plural(minutes, 'minute')} before {inline(incident.label, 100)} began, of which no cause is confirmed"
        )
    if group.endangers:
        said.append(f"deletes {inline(group.endangers, 80)}, which holds data")
    if group.opens:
        said.append(f"opens {inline(group.opens, 80)} to every address")
    if group.rolled_back:
        said.append("rolled back")
    if group.dependents:
        services = (
            f", the services {listing([inline(s, 40) for s in group.services], 4)} among them" if group.services else ""
        )
        said.append(f"{plural(group.dependents, 'thing')} depend{'s' if group.dependents == 1 else ''} on it{services}")
    labels = list(dict.fromkeys(inline(t.label, 80) for t in group.things if t.ref.kind in ("Block", "Resource")))
    told = attribute_list(group.attributes)
    if labels and (group.request is not None or group.hand is not None or not _is_version(group)):
        said.append(f"changes {listing(labels, 3)}{f': {inline(told, 240)}' if told else ''}")
    text = "; ".join(said)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _is_version(group: Group) -> bool:
    """Whether it does nothing but put a version of a service somewhere."""
    return bool(group.shipments) and bool(group.shipments[0].service)


def _severity(material: Material, group: Group) -> Severity:
    if group.caused or group.endangers:
        return "critical"
    if group.opens or group.followed or (group.hand is not None and group.hand.environment in material.production):
        return "high"
    if group.hand is not None or group.rolled_back or group.rank >= _MATTERS + 1:
        return "medium"
    return "info" if group.rank < _MATTERS else "low"


def _cited(material: Material, group: Group) -> tuple[str, ...]:
    cite = material.citations.cite
    found: list[str] = []
    if group.request is not None:
        found.append(cite(max(group.request.statements, key=lambda s: (s.valid_from, s.provenance.source)).provenance))
    prod = [s for s in group.shipments if material.in_production(s)] or group.shipments
    found += [cite(s.said) for s in prod[:2]]
    found += [cite(v.provenance) for v in group.views[: 1 if found else 2]]
    found += [cite(s) for i in (*group.caused, *group.followed) for s in i.said[:1]]
    found += [cite(e.statements[0].provenance) for i in group.caused for e in i.causes[:1]]
    return tuple(dict.fromkeys(found))
