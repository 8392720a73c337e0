"""The sections on drift and waste, from the findings that scans stored."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Literal, TypeVar

import msgspec

from agent.cost.amounts import amount
from agent.cost.model import Waste
from agent.digest.findings import SEVERITIES, Findings, Kept, findings
from agent.digest.material import Material, section
from agent.digest.model import Item, Section, Severity
from agent.drift.model import Drift
from agent.evidence import inline
from agent.model import AttributeChange, Citation
from agent.phrasing import attribute, listing, plural
from graph.model import EntityRef

T = TypeVar("T")
_ATTRIBUTES = 2
_CITED = 4


def drift(material: Material) -> tuple[Section, Findings]:
    """New drift with who did it, what is still open with its age, what is gone."""
    found = _ours(material, findings(material.store, material.view, "drift", material.since, material.until), _drift)
    items = [_drifted(material, k, "new") for k in found.new]
    items += [_drifted(material, k, "open") for k in found.old if k.state != "accepted"]
    items += [_gone(material, k) for k in found.gone]
    parts = [
        f"{len(found.new)} new" if found.new else "",
        f"{len(found.old)} still open" if found.old else "",
        f"{len(found.gone)} gone" if found.gone else "",
    ]
    summary = f"{listing([p for p in parts if p])}.".capitalize() if items else ""
    return section("drift", "Drift", items, "No drift is known.", summary=summary), found


def waste(material: Material) -> tuple[Section, Findings]:
    """What is paid for and not used, the dearest first."""
    found = _ours(material, findings(material.store, material.view, "waste", material.since, material.until), _waste)
    told = [(k, _waste(k)) for k in found.open]
    told.sort(key=lambda p: (-amount(p[1].saving if p[1] else None), p[0].ref))
    new = {k.ref for k in found.new}
    items = [_wasted(material, k, w, k.ref in new) for k, w in told]
    totals: dict[str, Decimal] = {}
    for kept, one in told:
        if one is not None and one.saving is not None:
            totals[kept.currency] = totals.get(kept.currency, Decimal(0)) + amount(one.saving)
    # Currencies are not added up.
    sums = listing([f"{total:,.2f} {currency}".strip() for currency, total in sorted(totals.items())])
    summary = f"{plural(len(items), 'finding')}{f', {sums} a month in all' if sums else ''}." if items else ""
    return section("waste", "Paid for and not used", items, "No waste is known.", summary=summary), found


def _ours(material: Material, found: Findings, read: Callable[[Kept], Drift | Waste | None]) -> Findings:
    """Those of the team that the digest is for."""
    if not material.names:
        return found
    parts = (found.new, found.old, found.gone, found.at_begin)
    return Findings(*(tuple(k for k in some if _is_ours(material, read(k))) for some in parts))


def _is_ours(material: Material, told: Drift | Waste | None) -> bool:
    refs = [EntityRef(told.ref)] if told is not None and told.ref else []
    return material.is_ours(refs, names=told.owners if told is not None else ())


def _drifted(material: Material, kept: Kept, state: Literal["new", "open"]) -> Item:
    told = _drift(kept)
    label = inline((told.address if told is not None else "") or kept.title or kept.finding_id, 140)
    where = f" in {inline(kept.environment, 40)}" if kept.environment else ""
    what = {
        "changed": "differs from its code",
        "missing": "is gone, though the code wants it",
        "unmanaged": "is in no code",
    }.get(kept.kind, "drifted")
    age = round(kept.age_days(material.now))
    head = "New" if state == "new" else f"Open for {plural(age, 'day')}" if age else "Open since today"
    text = f"{head}: {label}{where} {what}"
    said: list[str] = []
    if told is not None:
        if told.risks:
            said.append(f"{told.risks[0][:1].upper()}{inline(told.risks[0][1:], 200)}")
        changed = [
            attribute(AttributeChange(path=a.path, before=a.desired, after=a.actual))
            for a in told.attributes[:_ATTRIBUTES]
        ]
        rest = len(told.attributes) - len(changed)
        if changed:
            said.append("; ".join(changed) + (f" and {rest} more" if rest > 0 else ""))
        if told.causes:
            cause = told.causes[0]
            said.append(
                f"By {inline(cause.by.name or 'somebody', 60)}, by way of {inline(cause.via or 'an unknown door', 30)}, on {inline(cause.at, 20)[:16].replace('T', ' ')} UTC"
            )
        if told.said:
            said.append(f"{inline(told.said[0].by, 60)} said: “{inline(told.said[0].text, 140).rstrip('.')}”")
    elif kept.title:
        said.append(inline(kept.title, 240))
    detail = ". ".join(s.rstrip(".") for s in said)
    return Item(
        text=text,
        detail=f"{detail}." if detail else "",
        severity=_severity(kept),
        ref=str(kept.ref),
        citations=_cited(material, kept, told),
    )


def _gone(material: Material, kept: Kept) -> Item:
    told = _drift(kept)
    label = inline((told.address if told is not None else "") or kept.title or kept.finding_id, 140)
    where = f" in {inline(kept.environment, 40)}" if kept.environment else ""
    return Item(
        text=f"Gone: {label}{where} is as its code says again", ref=str(kept.ref), citations=_cited(material, kept)
    )


def _wasted(material: Material, kept: Kept, told: Waste | None, new: bool) -> Item:
    label = inline((told.label if told is not None else "") or kept.title or kept.finding_id, 140)
    saving = f": {_money(amount(told.saving), kept)} a month" if told is not None and told.saving is not None else ""
    reason = inline(told.reason, 240) if told is not None else inline(kept.title, 240)
    patch = f" {inline(told.patch, 200)}" if told is not None and told.patch else ""
    return Item(
        text=f"{'New: ' if new else ''}{label} ({inline(kept.kind.replace('_', ' '), 40)}){saving}",
        detail=f"{reason}{patch}",
        severity=_severity(kept),
        ref=str(kept.ref),
        citations=_cited(material, kept, told),
    )


def _money(value: Decimal, kept: Kept) -> str:
    return f"{value:,.2f} {inline(kept.currency, 8)}".strip()


def _cited(material: Material, kept: Kept, told: Drift | Waste | None = None) -> tuple[str, ...]:
    """Where the finding is kept, and first of what it rests on: the call that made it drift, what was said, the resource."""
    own = [c for cause in told.causes[:1] for c in cause.citations] if isinstance(told, Drift) else []
    own += [s.citation for s in told.said[:1]] if isinstance(told, Drift) else []
    own += told.citations[:2] if told is not None else ()
    cited = _decoded(kept.citations, tuple[Citation, ...]) or ()
    return tuple(dict.fromkeys((*material.borrowed(own[:_CITED], cited), material.citations.cite(kept.said))))


def _severity(kept: Kept) -> Severity:
    return kept.severity if kept.severity in SEVERITIES else "info"


def _drift(kept: Kept) -> Drift | None:
    return _decoded(kept.result, Drift)


def _waste(kept: Kept) -> Waste | None:
    return _decoded(kept.result, Waste)


def _decoded(text: str, type_: type[T]) -> T | None:
    """The finding as its scan wrote it; None when another version did, which the stored properties make up for."""
    try:
        return msgspec.json.decode(text, type=type_) if text else None
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
