"""The bill as the application tells it: what was paid for what, jumps with the changes behind them, and what is paid for nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as changed
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from agent.cost.amounts import ZERO, plain
from agent.cost.bill import UNTOLD, Bill, added, day_of, grouping, read_bill, team_of
from agent.cost.jumps import HISTORY_DAYS, WINDOW_DAYS, BillJump, asked_at, find_jumps, symptom_of, told
from agent.cost.model import CostReport, CostRow, Jump, WasteReport
from agent.evidence import Citations, inline
from agent.investigate import Options
from api.errors import SettingsError, UsageError
from api.wiring import wall_clock
from graph.clock import DAY, Instant, instant, rfc3339
from graph.errors import GraphError
from graph.model import PUBLIC, EntityRef
from graph.store import Limits, View
from ingest.source import SourceError

if TYPE_CHECKING:
    from agent.cost.model import Waste
    from agent.cost.waste_prices import Prices
    from agent.investigation import Investigation
    from api.wiring import Engine

MOST_EXPLAINED = 8
"""Jumps that are investigated, the dearest first: each takes a fraction of a second."""
MOST_ROWS = 500
_CITED = 24
_CONFIDENCE = 0.8
_SECONDS = 5.0
_INVESTIGATIONS = Limits(rows=20_000, deadline_s=10.0)


def report(
    engine: Engine,
    since: Instant,
    until: Instant,
    *,
    by: str = "service",
    team: str = "",
    explain: bool = True,
    currency: str = "",
) -> CostReport:
    """The bill of `since <= day < until`, grouped, beside as many days before as are billed of it, with the jumps in it.

    Args:
        by: one of `agent.cost.bill.GROUPS`, or `tag:KEY`.
        team: only what this team answers for.
        explain: whether the cause of each jump is looked for; what is found is kept as an investigation.
        currency: which one to tell where a bill has several; empty for the one with most lines.

    Raises:
        UsageError: there is no such grouping, team or currency, or the window is empty.
    """
    if until <= since:
        raise UsageError("the window is empty", "give a `since` before `until`")
    store, view = engine.store, engine.view
    first, end = day_of(since), day_of(until - 1 + DAY)
    earlier = (date.fromisoformat(first) - timedelta(days=_days_between(first, end))).isoformat()
    history = min(instant(earlier), since - HISTORY_DAYS * DAY)
    everything = read_bill(store, view, history, until)
    notes: list[str] = []
    if team:
        everything = _of_team(engine, view, everything, team)
    window = everything.between(first, end)
    chosen = _currency(window, everything, currency, notes)
    mine = everything.of(lambda c: c.currency == chosen)
    window = mine.between(first, end)
    # What is not billed yet was not saved: the window before is as long as the days that are told.
    missing = _days_between(window.last_day, end) - 1 if window.last_day else 0
    earlier = (date.fromisoformat(earlier) + timedelta(days=missing)).isoformat()
    before = mine.between(earlier, first)
    covered = bool(before.charges) and _begins(mine) <= earlier
    try:
        key = grouping(store, view, mine, by)
    except ValueError as error:
        raise UsageError(str(error), "take service, team, environment, resource, account, region or tag:KEY") from None
    sums, earlier_sums = window.by(key), before.by(key)
    total = sum(sums.values(), ZERO)
    citations = Citations()
    for said in window.said[-_CITED:]:
        citations.cite(said)
    jumps = find_jumps(mine, first, end) if not team or mine.charges else ()
    told_jumps = [_explained(engine, jump, citations, explain and i < MOST_EXPLAINED) for i, jump in enumerate(jumps)]
    if explain and len(jumps) > MOST_EXPLAINED:
        notes.append(f"the causes of the {MOST_EXPLAINED} dearest of {len(jumps)} jumps were looked for")
    _note_coverage(window, first, end, notes)
    rows = _rows(sums, earlier_sums if covered else None, total)
    return CostReport(
        since=first,
        until=end,
        currency=chosen,
        total=plain(total),
        before=plain(sum(earlier_sums.values(), ZERO)) if covered else None,
        by=by,
        rows=tuple(rows[:MOST_ROWS]),
        daily=_daily(window),
        jumps=tuple(told_jumps),
        notes=tuple(notes),
        truncated=everything.cut or len(rows) > MOST_ROWS,
        citations=citations.all(),
    )


def waste(engine: Engine, at: Instant | None = None) -> WasteReport:
    """What is paid for nothing, at `at` (now), the dearest first; what was found is kept, and ended when it is gone."""
    from agent.cost.waste import BILL_DAYS, find_wastes
    from agent.cost.waste_facts import scan_facts, standing

    store, view = engine.store, engine.view
    now = wall_clock() if at is None else at
    if at is not None:
        view = changed(view, as_of=at)
    notes: list[str] = []
    bill = read_bill(store, view, now - 75 * DAY, now)
    last = bill.last_day
    bill = _settled(bill, BILL_DAYS)
    if not last:
        notes.append("no bill was read: savings are not known; add the source `costs`")
    elif instant(last) < now - 10 * DAY:
        notes.append(f"the bill ends on {last}")
    if len(bill.currencies) > 1:
        main = bill.currencies[0]
        notes.append(f"savings are in {main}; what is billed in {', '.join(bill.currencies[1:])} is not counted")
        bill = bill.of(lambda c: c.currency == main)
    citations = Citations()
    observations = engine.observations()
    if observations is None:
        notes.append("no metrics are connected: what is too large cannot be seen")
    wastes = _with_prices(
        engine, notes, lambda prices: find_wastes(store, view, now, bill, citations, observations, prices)
    )
    currency = bill.currencies[0] if bill.currencies else "USD"
    seen = standing(store, view)
    try:
        batch = scan_facts(store, view, wastes, now, currency, _label(engine))
        if batch is not None:
            store.apply(batch)
    except GraphError as error:
        notes.append(f"these findings could not be stored: {error}")
    since = {i: str(e.properties.get("first_seen_at", "")) for i, e in seen.items()}
    wastes = tuple(msgspec.structs.replace(w, since=w.since or since.get(w.id) or None) for w in wastes)
    return WasteReport(
        scanned_at=rfc3339(now),
        currency=currency,
        saving=plain(sum((Decimal(w.saving) for w in wastes if w.saving), ZERO)),
        wastes=wastes,
        notes=tuple(notes),
        truncated=bill.cut,
        citations=citations.all(),
    )


def _with_prices(
    engine: Engine, notes: list[str], find: Callable[[Prices | None], tuple[Waste, ...]]
) -> tuple[Waste, ...]:
    """With the price books of the settings; where they cannot be opened, without."""
    from agent.cost.waste_prices import by_list_price
    from api.cost_prices import price_book

    said: list[str] = []
    try:
        with price_book(engine.settings, (), said) as book:
            return find(by_list_price(book, rfc3339(wall_clock())[:10]))
    except (SourceError, SettingsError) as error:
        notes.append(f"list prices are not known: {error}")
        return find(None)


# -- the bill


def _days_between(first: str, end: str) -> int:
    return (date.fromisoformat(end) - date.fromisoformat(first)).days


def _of_team(engine: Engine, view: View, bill: Bill, team: str) -> Bill:
    teams = team_of(engine.store, view, bill)
    wanted = team.strip().lstrip("@").rpartition("/")[2].casefold()
    found = {ref for ref, name in teams.items() if name.casefold() == wanted}
    if not found and bill.charges:
        from agent.ownership import UnknownTeam, ownership

        try:
            names = ownership(engine.store, view).names_of(team)
        except UnknownTeam as error:
            known = sorted({*error.known, *teams.values()})
            raise UsageError(str(error), f"teams are {', '.join(known[:20])}" if known else "") from None
        found = {ref for ref, name in teams.items() if name.casefold() in names}
    return bill.of(lambda c: c.ref in found)


def _currency(window: Bill, everything: Bill, wanted: str, notes: list[str]) -> str:
    known = window.currencies or everything.currencies
    if wanted and wanted.upper() not in known:
        raise UsageError(f"nothing is billed in {wanted}", f"currencies are {', '.join(known)}" if known else "")
    chosen = wanted.upper() or (known[0] if known else "USD")
    for other in known:
        if other != chosen:
            amount = sum((c.amount for c in window.charges if c.currency == other), ZERO)
            notes.append(f"{plain(amount)} {other} were billed beside, and are not added")
    return chosen


def _begins(bill: Bill) -> str:
    return min(min(c.days) for c in bill.charges)


def _daily(window: Bill) -> dict[str, str]:
    """Every day from the first to the last that was billed."""
    days = added(c.days for c in window.charges)
    if not days:
        return {}
    first, last = date.fromisoformat(window.since), date.fromisoformat(max(days))
    every = [(first + timedelta(days=i)).isoformat() for i in range((last - first).days + 1)]
    return {day: plain(days.get(day, ZERO)) for day in every}


def _rows(sums: dict[str, Decimal], before: dict[str, Decimal] | None, total: Decimal) -> list[CostRow]:
    every: set[str] = set(sums) | set(before or ())
    keys = sorted(every, key=lambda k: (-sums.get(k, ZERO), k))
    return [
        CostRow(
            key=inline(key, 300) if key != UNTOLD else "",
            amount=plain(sums.get(key, ZERO)),
            before=plain(before.get(key, ZERO)) if before is not None else None,
            share=round(float(sums.get(key, ZERO) / total), 4) if total else 0.0,
        )
        for key in keys
    ]


def _note_coverage(window: Bill, first: str, end: str, notes: list[str]) -> None:
    if not window.charges:
        notes.append("nothing is billed for this time: read bills with the source `costs`")
        return
    last_wanted = (date.fromisoformat(end) - timedelta(days=1)).isoformat()
    if window.last_day < last_wanted:
        notes.append(f"the bill ends on {window.last_day}")
    estimated = [m for m in window.estimated if any(d[:7] == m for c in window.charges for d in c.days)]
    if estimated:
        notes.append(f"not final yet: {', '.join(estimated)}")
    basis = sorted({c.basis for c in window.charges if c.basis})
    if basis != ["unblended"] and basis:
        notes.append(f"amounts are {' and '.join(basis)}")


def _settled(bill: Bill, days: int) -> Bill:
    """The last so many days that are billed whole."""
    if not bill.last_day:
        return bill
    last = date.fromisoformat(bill.last_day)
    end = last if bill.estimated else last + timedelta(days=1)  # the last day of an open bill may be a part of one
    return bill.between((end - timedelta(days=days)).isoformat(), end.isoformat())


# -- jumps


def _explained(engine: Engine, jump: BillJump, citations: Citations, explain: bool) -> Jump:
    cited = [citations.cite(c.said_on(jump.first)) for c in jump.charges[:2]]
    if not explain:
        return msgspec.structs.replace(told(jump), citations=tuple(dict.fromkeys(cited)))
    found = _investigated(engine, jump)
    made = told(jump, found)
    if found is not None and made.cause:
        by_id = {c.id: c for c in found.citations}
        said = [by_id[one] for one in found.causes[0].citations[:6] if one in by_id]
        cited += [citations.add(c.source, c.locator, c.url, instant(c.observed_at)) for c in said]
        made = msgspec.structs.replace(made, change=_change(engine, found) or made.change)
    return msgspec.structs.replace(made, citations=tuple(dict.fromkeys(cited)))


def _investigated(engine: Engine, jump: BillJump) -> Investigation | None:
    """The first investigation that is sure of a cause, else the last one."""
    from agent.cost.jumps import is_found
    from api.investigations import Asked

    symptom = symptom_of(jump)
    found: Investigation | None = None
    environment = jump.key[1] if len(jump.key) > 1 else ""
    for at in asked_at(jump):
        found = _kept(engine, symptom, at)
        if found is None:
            options = Options(
                window_s=WINDOW_DAYS * 86_400, environment=environment, confidence=_CONFIDENCE, seconds=_SECONDS
            )
            asked = Asked(symptom, at, options, sync=False, model=False)
            found = engine.investigations.start(asked)
        if is_found(found):
            return found
    return found


def _kept(engine: Engine, symptom: str, at: Instant) -> Investigation | None:
    """The same as asked before: where a cause was found, or nothing was read since."""
    from agent.cost.jumps import is_found
    from agent.investigation import Investigation

    store = engine.store
    read = [s.last_applied_at for s in store.scopes() if s.fresh_until is not None]
    newest = store.record(max(read)) if read else 0
    page = store.select("Investigation", {}, View(audience=engine.view.audience), _INVESTIGATIONS)
    for item in page.items:
        told_ = item.properties
        if told_.get("symptom") != symptom or told_.get("detected_at") != rfc3339(at):
            continue
        result = told_.get("result")
        if not isinstance(result, str):
            continue
        try:
            found = Investigation.from_json(result)
        except ValueError:
            continue
        if is_found(found) or found.known_at >= newest:
            return found
    return None


def _change(engine: Engine, found: Investigation) -> str | None:
    """The ref of the change that is ranked first."""
    store, view = engine.store, View(audience=engine.view.audience)
    items = store.select("Investigation", {"investigation_id": [found.id]}, view, Limits(rows=1)).items
    if not items:
        return None
    edges = store.neighbours([items[0].ref], view, Limits(rows=200), types=("SUSPECTS",), direction="out").items
    ranked = [e for e in edges if e.properties.get("role") == "change" and e.properties.get("rank") == 1]
    return str(EntityRef(ranked[0].dst)) if ranked else None


def _label(engine: Engine) -> str:
    """Who may read it: whoever holds every label that its reader held."""
    return "+".join(sorted(engine.settings.audience - {PUBLIC})) or PUBLIC
