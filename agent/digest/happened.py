"""The section on incidents and their causes: as stated, as investigated, as learned."""

from __future__ import annotations

import re

from agent.digest.incidents import Told
from agent.digest.material import Material, section
from agent.digest.model import Item, Section
from agent.evidence import inline, text_of
from agent.investigation import Investigation
from agent.narrative import minute
from agent.phrasing import plural
from agent.shipments import moment
from graph.clock import SECOND, Instant
from graph.lexicon import thing
from graph.model import EntityRef
from graph.store import EntityView, Limits

_LIMITS = Limits(rows=5_000, deadline_s=10.0)
_NEAR: Instant = 6 * 3_600 * SECOND
_WORST = frozenset({"critical", "sev-1", "sev1", "p1", "1"})
_CAUSE_CHARS = 300


def of_window(material: Material) -> list[Told]:
    """Incidents that began in the window, or were still open when it began."""
    return [
        i
        for i in material.incidents
        if i.started_at < material.until
        and (i.started_at >= material.since or (i.ended_at or material.until) > material.since)
    ]


def happened(material: Material) -> tuple[Section, tuple[Told, ...]]:
    """The section, and the incidents of the window, oldest first."""
    found = of_window(material)
    runs = _investigations(material)
    causes = {
        r: e
        for e in material.store.entities(sorted({c.dst for i in found for c in i.causes}), material.view)
        for r in e.refs
    }
    items = [_incident(material, i, causes, runs) for i in sorted(found, key=lambda i: (-i.started_at, i.refs))]
    items += _learned(material)
    lasted = [i.ended_at - i.started_at for i in found if i.ended_at is not None]
    summary = f"{plural(len(found), 'incident')}, {_span(sum(lasted))} in all." if found else ""
    return section("incidents", "Incidents and their causes", items, "No incident.", summary=summary), tuple(found)


def _incident(
    material: Material, one: Told, causes: dict[EntityRef, EntityView], runs: list[tuple[EntityView, Instant]]
) -> Item:
    cite = material.citations.cite
    cited = [cite(s) for s in one.said[:2]]
    where = ", ".join(inline(w, 40) for w in (one.service, one.environment, one.severity) if w)
    ended = one.ended_at is not None and one.ended_at < material.until
    lasted = f"lasted {_span((one.ended_at or one.started_at) - one.started_at)}" if ended else "is still open"
    text = f"{inline(one.label, 160)}{f' ({where})' if where else ''} began on {minute(one.started_at)} and {lasted}"
    said: list[str] = []
    for edge in one.causes[:2]:
        entity = causes.get(edge.dst)
        cited.append(cite(edge.statements[0].provenance))
        if entity is not None:
            said.append(f"Caused by {_change(entity)}")
            cited.append(cite(entity.statements[0].provenance))
    if one.cause:
        said.append(("As its write-up has it: " if said else "Cause: ") + f"“{_plain_words(one.cause).rstrip('.')}”")
    if one.fix and len(said) < 2:
        said.append(f"Fix: “{_plain_words(one.fix)}”")
    if not said:
        said.append(_investigated(material, one, runs, cited))
    return Item(
        text=text,
        detail=". ".join(s.rstrip(".") for s in said) + ".",
        severity="critical" if one.severity.casefold() in _WORST or not ended else "high",
        ref=str(one.refs[0]),
        citations=tuple(dict.fromkeys(cited)),
    )


def _plain_words(text: str) -> str:
    """A write-up's Markdown as words: a link is what it is called."""
    return inline(re.sub(r"\[([^\]]{1,200})\]\([^)\s]{1,500}\)", r"\1", text).replace("`", ""), _CAUSE_CHARS)


def _change(entity: EntityView) -> str:
    number = entity.properties.get("number")
    title = inline(text_of(entity.properties, "title"), 120)
    named = f"#{number} " if number else ""
    return f"{named}“{title}”" if title else inline(thing(entity).label, 120)


def _investigated(material: Material, one: Told, runs: list[tuple[EntityView, Instant]], cited: list[str]) -> str:
    """What an investigation made of it, for want of a confirmed cause."""
    near = [(abs(at - one.started_at), e) for e, at in runs if -_NEAR <= at - one.started_at <= _NEAR]
    about = [(gap, e) for gap, e in near if _concerns(e, one)]
    if not about:
        return "No cause is confirmed"
    entity = min(about, key=lambda p: (p[0], p[1].ref))[1]
    cited.append(material.citations.cite(entity.statements[0].provenance))
    suspect = inline(text_of(entity.properties, "suspect"), 160)
    if text_of(entity.properties, "verdict") == "cause_found" and suspect:
        return f"No cause is confirmed; the investigation {inline(text_of(entity.properties, 'investigation_id'), 40)} found {suspect}"
    return "No cause is confirmed; an investigation found none either"


def _concerns(entity: EntityView, one: Told) -> bool:
    words = text_of(entity.properties, "symptom").casefold()
    if one.service and one.service.casefold() in words:
        return True
    try:
        result = Investigation.from_json(text_of(entity.properties, "result"))
    except ValueError:
        return False
    refs = {a.ref for a in result.anchors}
    return not refs.isdisjoint(one.refs) or any(one.service and one.service == a.label for a in result.anchors)


def _investigations(material: Material) -> list[tuple[EntityView, Instant]]:
    page = material.store.select("Investigation", {}, material.view, _LIMITS)
    found = [(e, at) for e in page.items if (at := moment(text_of(e.properties, "detected_at"))) is not None]
    return sorted(found, key=lambda p: (p[1], p[0].ref))


def _learned(material: Material) -> list[Item]:
    """Causes that somebody confirmed within the window."""
    page = material.store.select("Learning", {"state": ["confirmed"]}, material.view, _LIMITS)
    items: list[Item] = []
    for entity in page.items:
        said = entity.properties
        at = moment(text_of(said, "confirmed_at")) or min(s.valid_from for s in entity.statements)
        services = said.get("services")
        own = [str(s) for s in services] if isinstance(services, list | tuple) else []
        if not material.since <= at < material.until or (
            material.names and not any(material.is_ours(service=s) for s in own)
        ):
            continue
        by = text_of(said, "confirmed_by")
        items.append(
            Item(
                text=f"Learned{f' from {inline(by, 60)}' if by else ''}: “{inline(text_of(said, 'symptom'), 120)}” was caused by {inline(text_of(said, 'cause') or 'what is recorded', 200)}",
                detail=f"Fix: {inline(text_of(said, 'fix'), 200)}." if text_of(said, "fix") else "",
                ref=str(entity.ref),
                citations=(material.citations.cite(entity.statements[0].provenance),),
            )
        )
    return items


def _span(of: Instant) -> str:
    minutes = round(of / (60 * SECOND))
    if minutes < 120:
        return plural(minutes, "minute")
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours < 48 else plural(round(hours / 24), "day")
