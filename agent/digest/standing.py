"""The sections on what stands there: what expires, what nobody owns, which sources are no longer read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from agent.checks.sources import INVENTORIES, OURS
from agent.digest.material import Material, section
from agent.digest.model import Item, Section
from agent.evidence import inline, text_of
from agent.phrasing import listing, plural
from agent.shipments import moment
from graph.clock import DAY, Instant, rfc3339
from graph.lexicon import thing
from graph.model import EntityRef
from graph.store import EntityView, Limits

_LIMITS = Limits(rows=50_000, deadline_s=20.0)
_CERTIFICATES = ("aws_acm_certificate", "aws_iam_server_certificate")
_OLD: Instant = 365 * DAY
_EVENTS_STALE: Instant = DAY
_INVENTORY_STALE: Instant = 3 * DAY
_QUIET_STALE: Instant = 14 * DAY
_BY_CONTENT = frozenset({"git"})
"""Sources that say how far they were read by the newest thing they hold: a quiet one looks old."""
_SLOW = frozenset({"costs", "drift", "waste"})
"""A bill comes a day or two late; scans run when they run."""
_UNOWNED_SHOWN = 4


# -- what expires


def expiring(material: Material) -> Section:
    """Certificates and secrets that expire within the next windows, or have; keys that are older than a year."""
    now = material.now
    ahead = (
        max(30 * DAY, 2 * (material.until - material.since)) if material.until - material.since < 32 * DAY else 60 * DAY
    )
    dated = _dated(material)
    items = [_expiring(material, at, e, now) for at, e in dated if now - 30 * DAY <= at < now + ahead]
    items += _old_keys(material, now)
    days = ahead // DAY
    return section("expiring", "Certificates and secrets", items, f"Nothing expires within {days} days.")


def _dated(material: Material) -> list[tuple[Instant, EntityView]]:
    """What has an expiry, soonest first; of those of one name the last to expire, since that replaces the others."""
    store, view = material.store, material.view
    credentials = store.select("Credential", {}, view, _LIMITS).items
    resources = store.select("Resource", {"type": list(_CERTIFICATES)}, view, _LIMITS).items
    newest: dict[str, tuple[Instant, EntityView]] = {}
    dated = [e for e in (*credentials, *resources) if text_of(e.properties, "expires_at")]
    for entity in _ours(material, dated):
        at = moment(text_of(entity.properties, "expires_at"))
        created = moment(text_of(entity.properties, "created_at"))
        if at is None or (created is not None and created >= material.until):
            continue
        name = text_of(entity.properties, "name") or str(entity.ref)
        if name not in newest or at > newest[name][0]:
            newest[name] = (at, entity)
    return sorted(newest.values(), key=lambda p: (p[0], p[1].ref))


def _ours(material: Material, entities: Sequence[EntityView]) -> list[EntityView]:
    """Those that the team owns, or whose service or owner it is; one read for all."""
    if not material.names or not entities:
        return list(entities)
    refs = [e.ref for e in entities]
    ends: dict[EntityRef, list[EntityRef]] = {}
    edges = material.store.neighbours(refs, material.view, _LIMITS, types=("ABOUT", "OWNED_BY"), direction="out")
    for edge in edges.items:
        ends.setdefault(edge.src, []).append(edge.dst)
    return [e for e in entities if material.is_ours([e.ref, *ends.get(e.ref, ())])]


def _expiring(material: Material, at: Instant, entity: EntityView, now: Instant) -> Item:
    label = inline(text_of(entity.properties, "name") or thing(entity).label, 120)
    type_ = inline(text_of(entity.properties, "type") or "credential", 40).replace("_", " ")
    days = (at - now) // DAY
    severity: Literal["critical", "high", "medium", "low"] = (
        "critical" if at <= now else "high" if days < 7 else "medium" if days < 21 else "low"
    )
    when = f"expired on {rfc3339(at)[:10]}" if at <= now else f"expires on {rfc3339(at)[:10]}, in {plural(days, 'day')}"
    issuer = text_of(entity.properties, "issuer")
    return Item(
        text=f"{label} ({type_}) {when}",
        detail=f"Issued by {inline(issuer, 100)}." if issuer else "",
        severity=severity,
        ref=str(entity.ref),
        citations=_cited(material, entity),
    )


def _old_keys(material: Material, now: Instant) -> list[Item]:
    keys = material.store.select("Credential", {"type": ["access_key", "secret"]}, material.view, _LIMITS).items
    items: list[tuple[Instant, Item]] = []
    told = ((e, moment(text_of(e.properties, "rotated_at") or text_of(e.properties, "created_at"))) for e in keys)
    old = {e.ref: at for e, at in told if at is not None and now - at >= _OLD}
    for entity in _ours(material, [e for e in keys if e.ref in old]):
        rotated = old[entity.ref]
        label = inline(text_of(entity.properties, "name") or entity.ref.id, 120)
        type_ = text_of(entity.properties, "type").replace("_", " ")
        text = f"{label} ({type_}) was last changed on {rfc3339(rotated)[:10]}, {plural((now - rotated) // DAY, 'day')} ago"
        items.append(
            (rotated, Item(text=text, severity="low", ref=str(entity.ref), citations=_cited(material, entity)))
        )
    return [i for _, i in sorted(items, key=lambda p: (p[0], p[1].ref))]


def _cited(material: Material, entity: EntityView) -> tuple[str, ...]:
    return tuple(dict.fromkeys(material.citations.cite(s.provenance) for s in entity.statements[:2]))


# -- what nobody owns


def unowned(material: Material) -> Section:
    """Services and repositories without an owner by any rule, and instances by type and environment."""
    if material.names:
        return section("unowned", "What nobody owns", [], "Told in the digest for all teams.")
    own = material.ownership
    items: list[Item] = []
    for kind, some in (("service", own.services), ("repository", own.repositories)):
        for one in some:
            name = text_of(one.properties, "name")
            if own.of(one.ref) is None and not (kind == "repository" and own.has_rules(name)):
                why = (
                    "no owner is stated and no CODEOWNERS line covers it"
                    if kind == "repository"
                    else "no owner is stated for it"
                )
                items.append(
                    Item(
                        text=f"The {kind} {inline(name or str(one.ref), 100)} has no owner: {why}",
                        severity="medium",
                        ref=str(one.ref),
                        citations=_cited(material, one),
                    )
                )
    groups: dict[tuple[str, str], list[EntityView]] = {}
    for one in own.resources:
        if own.of(one.ref) is None:
            groups.setdefault((text_of(one.properties, "environment"), text_of(one.properties, "type")), []).append(one)
    for (environment, type_), some in sorted(groups.items(), key=lambda p: (-len(p[1]), p[0])):
        labels = [inline(thing(e).label, 80) for e in some[:_UNOWNED_SHOWN]]
        where = f" in {inline(environment, 40)}" if environment else ""
        count = f"{len(some)} × " if len(some) > 1 else ""
        items.append(
            Item(
                text=f"{count}{inline(type_ or 'resource', 80)}{where}: {listing(labels, _UNOWNED_SHOWN) if len(some) <= _UNOWNED_SHOWN else ', '.join(labels) + f' and {len(some) - len(labels)} more'}",
                severity="low",
                ref=str(some[0].ref),
                citations=tuple(dict.fromkeys(c for e in some[:_UNOWNED_SHOWN] for c in _cited(material, e)[:1])),
            )
        )
    orphans = sum(len(s) for s in groups.values())
    total = len(own.resources)
    summary = f"{orphans} of {plural(total, 'resource')} have no owner by any rule." if orphans else ""
    return section(
        "unowned", "What nobody owns", items, "Everything that is known has an owner.", summary=summary, most=8
    )


# -- sources gone stale


def stale(material: Material) -> Section:
    """Sources that had not been read up to the window's end, the oldest first."""
    if material.names:
        return section("stale", "Sources gone stale", [], "Told in the digest for all teams.")
    now = material.now
    by_source: dict[tuple[str, str], list[tuple[Instant | None, Instant]]] = {}
    for one in material.store.scopes():
        if one.source not in OURS:
            scope = one.scope.partition("#")[0]
            by_source.setdefault((one.source, scope), []).append((one.fresh_until, one.last_applied_at))
    items: list[tuple[Instant, Item]] = []
    for (source, scope), some in sorted(by_source.items()):
        fresh = [f for f, _ in some if f is not None]
        applied = max(a for _, a in some)
        if not fresh or max(fresh) >= now - _allowed(source):
            continue
        last = max(fresh)
        name = f"{source}:{scope}" if scope else source
        quiet = source in _BY_CONTENT
        text = f"{inline(name, 120)} {'holds nothing newer than' if quiet else 'was last read up to'} {rfc3339(last)[:16].replace('T', ' ')} UTC, {plural(max(1, (now - last) // DAY), 'day')} before"
        cited = material.citations.add(source, scope or source, None, min(applied, material.until))
        severity: Literal["medium", "low"] = "low" if quiet else "medium"
        items.append(
            (
                last,
                Item(
                    text=text,
                    detail="It may be quiet: nothing newer is told."
                    if quiet
                    else "What came later is not in this digest.",
                    severity=severity,
                    ref=str(EntityRef("")),
                    citations=(cited,),
                ),
            )
        )
    ordered = [i for _, i in sorted(items, key=lambda p: (p[0], p[1].text))]
    return section("stale", "Sources gone stale", ordered, "Every source was read up to the end.")


def _allowed(source: str) -> Instant:
    if source in _BY_CONTENT:
        return _QUIET_STALE
    return _INVENTORY_STALE if source in INVENTORIES or source in _SLOW else _EVENTS_STALE
