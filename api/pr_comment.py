"""One comment on a pull request: what it costs, what it risks, what depends on it, who answers for it. Markdown, the same text for the same facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, TypeVar

from agent.cost.amounts import amount
from agent.evidence import Citations
from agent.markdown import code, escaped, marks, web_address
from agent.pull_request import Planned, Review, review
from api.gateway import ActionRequest, Outcome, Yes
from graph.model import PUBLIC
from graph.store import EntityView, View

if TYPE_CHECKING:
    from agent.cost.model import Estimate, PriceLine, ResourceCost
    from agent.model import Citation
    from api.wiring import Engine

KEY = "review"
"""Of the comment: one on each pull request."""
REQUESTED_BY = "cost-comment"
"""Who asks, where no person says yes: what a grant names."""

_RISKS, _INCIDENTS, _OWNERS, _COSTS = 5, 3, 4, 6
_FOLDED_CHARS = 6_000
"""Of one folded list: all together stay below what GitHub takes."""
_NAMES = 6
_CELL = 120
T = TypeVar("T")


def comment_text(engine: Engine, repository: str, number: int, estimate: Estimate | None) -> str:
    """The comment on a pull request, under 60 lines; details are folded.

    Told is what everybody who sees the pull request may know: what is public, and what bears its own label.
    """
    from ingest.names import pull_request

    ref = pull_request(repository, number)
    found = next(iter(engine.store.entities([ref], engine.view)), None)
    citations = Citations()
    view = _view_of(engine.view, found)
    seen = review(engine.store, view, ref, repository, _planned(estimate), citations)
    parts = [
        ["### What this pull request changes"],
        _unknown(repository, number, found, seen),
        _cost(estimate) if estimate is not None else [],
        _risk(seen, citations),
        _blast(seen, citations),
        _owners(seen, citations),
    ]
    lines = [line for part in parts if part for line in (*part, "")]
    return "\n".join([*lines, *_sources(citations)[1:]]).strip() + "\n"


def post_comment(engine: Engine, repository: str, number: int, text: str, yes: Yes | None) -> Outcome:
    """Write it, or edit the one that is there, through the gateway; without a yes or a grant for `cost-comment` only shown.

    Raises:
        OutwardUnavailable: it may work later.
    """
    return engine.gateway.execute(
        ActionRequest(
            action="github.comment",
            target=f"{repository}#{number}",
            key=KEY,
            payload={"body": text},
            reason="cost, risk, blast radius and owners of a pull request",
            requested_by=yes.by if yes is not None else REQUESTED_BY,
        ),
        yes,
    )


def _view_of(view: View, pull: EntityView | None) -> View:
    """As a reader of the pull request: of this process's labels those that it bears itself, and what is public."""
    own = {part for s in pull.statements for part in s.label.split("+")} if pull is not None else set[str]()
    return View(view.as_of, view.known_at, view.audience & (own | {PUBLIC}))


def _unknown(repository: str, number: int, pull: EntityView | None, seen: Review) -> list[str]:
    name = f"{escaped(repository, 120)}#{number}"
    if pull is None:
        return [f"> The graph does not know {name}: what follows is read from the plan alone. `lore ingest` reads it."]
    if not seen.basis:
        return [
            f"> The graph knows {name}, but neither its commits nor what stands in its files: nothing can be told of what it touches."
        ]
    if seen.basis == "files":
        return [
            "> Its commits are not read yet: what follows is about everything that stands in the files that it changes."
        ]
    return []


# -- cost


def _planned(estimate: Estimate | None) -> list[Planned]:
    """What the plan behind an estimate changes, as far as that shows in cost."""
    if estimate is None:
        return []
    before, after = _by_address(estimate.resources_before), _by_address(estimate.resources)
    compared = estimate.before is not None
    found: list[Planned] = []
    for address in sorted({*before, *after}):
        one, other = before.get(address), after.get(address)
        known = other or one
        if known is not None and not (compared and one is not None and other is not None and one.lines == other.lines):
            effect = "" if not compared else "created" if one is None else "deleted" if other is None else "updated"
            found.append(Planned(address, known.type, effect))
    return found


@dataclass(frozen=True, slots=True)
class _Row:
    """A resource whose cost changes."""

    address: str
    before: ResourceCost | None
    after: ResourceCost | None

    @property
    def delta(self) -> Decimal:
        return amount(self.after.monthly if self.after else "0") - amount(self.before.monthly if self.before else "0")


def _cost(estimate: Estimate) -> list[str]:
    currency = escaped(estimate.currency, 10)
    before, after = _by_address(estimate.resources_before), _by_address(estimate.resources)
    every = [_Row(a, before.get(a), after.get(a)) for a in sorted({*before, *after})]
    rows = sorted((r for r in every if _differs(r)), key=lambda r: (-abs(r.delta), r.address))
    partly = bool(estimate.unpriced) or any(
        one is not None and not one.complete for r in rows for one in (r.before, r.after)
    )
    of = " of what has a price" if partly else ""
    if estimate.delta is not None and estimate.before is not None:
        both = f"{_money(estimate.before)} → {_money(estimate.after)}"
        head = f"**Cost**: {_signed(estimate.delta)} {currency} a month{of} ({both})"
    else:
        head = f"**Cost**: {_money(estimate.after)} {currency} a month{of}; there is nothing to compare it with"
    left_out = [
        f"{len(estimate.unpriced)} without a price, which are not counted" if estimate.unpriced else "",
        "some depend on usage" if any(line.state == "usage" for r in rows for line in _lines(r)) else "",
    ]
    said = "; ".join(one for one in left_out if one)
    lines = [f"{head}{f'; {said}' if said else ''}"]
    if rows:
        lines += ["", "| resource | before | after | change |", "|---|--:|--:|--:|"]
        lines += [_table_row(r) for r in rows[:_COSTS]]
        if len(rows) > _COSTS:
            rest = sum((r.delta for r in rows[_COSTS:]), Decimal(0))
            lines.append(f"| {len(rows) - _COSTS} more | | | {_signed(str(rest))} |")
    if estimate.notes:
        lines += ["", " ".join(f"_{escaped(note, 300)}._" for note in estimate.notes[:3])]
    details = [_price_line(r, line) for r in rows for line in _lines(r) if line.state != "free"]
    unpriced = [code(a, _CELL) for a in estimate.unpriced]
    lines += _folded(("Lines and where their prices are from", details), ("Without a price, not counted", unpriced))
    return lines


def _differs(row: _Row) -> bool:
    return row.before is None or row.after is None or row.before.lines != row.after.lines or row.delta != 0


def _table_row(row: _Row) -> str:
    def cell(one: ResourceCost | None) -> str:
        return "" if one is None else _partly(_money(one.monthly), one.complete, amount(one.monthly))

    complete = all(one is None or one.complete for one in (row.before, row.after))
    change = _partly(_signed(str(row.delta)), complete, row.delta)
    address = code(row.address.replace("|", "¦"), _CELL)
    return f"| {address} | {cell(row.before)} | {cell(row.after)} | {change} |"


def _partly(told: str, complete: bool, value: Decimal) -> str:
    """An amount of which a part is not known: never counted as nothing."""
    return told if complete else f"{told} + ?" if value else "?"


def _lines(row: _Row) -> Sequence[PriceLine]:
    one = row.after or row.before
    return one.lines if one is not None else ()


def _price_line(row: _Row, line: PriceLine) -> str:
    what = f"{code(row.address, _CELL)} {escaped(line.component, 160)}"
    if line.state == "priced" and line.monthly is not None:
        of = f"{_figure(line.quantity)} {escaped(line.unit, 40)} × {_figure(line.price)}"
        return f"{what}: {_money(line.monthly)} = {of} ({escaped(line.source, 200)})"
    if line.state == "usage":
        price = f", {_figure(line.price)} per {escaped(line.unit, 40)}" if line.price else ""
        return f"{what}: depends on usage{price}"
    return f"{what}: no price is known"


def _by_address(found: Iterable[ResourceCost]) -> dict[str, ResourceCost]:
    return {r.address: r for r in found}


def _figure(text: str | None) -> str:
    """A figure as it is told; what is none is text."""
    try:
        return str(Decimal(text)) if text else "?"
    except InvalidOperation:
        return escaped(text or "", 40)


def _money(text: str) -> str:
    return f"{amount(text):,.2f}"


def _signed(text: str) -> str:
    value = amount(text)
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{abs(value):,.2f}"


# -- risk, blast radius, owners


def _risk(seen: Review, citations: Citations) -> list[str]:
    if not seen.basis:
        return []
    cited = _cited(citations)
    lines = ["**Risk**"]
    lines += [f"- {_level(r.severity)}{escaped(r.text, 300)}{marks(r.citations, cited)}" for r in seen.risks[:_RISKS]]
    if not seen.risks:
        lines[0] += f": none that is known, in {_count(seen.touched, 'thing')} that it touches"
    for one in seen.before[:_INCIDENTS]:
        about = "this very change" if one.itself else f"a change of {escaped(one.label, 120)}"
        when = f" on {escaped(one.day, 10)}" if one.day else ""
        lines.append(f"- **incident**: {about} caused “{escaped(one.title, 160)}”{when}{marks(one.citations, cited)}")
    more = [f"{_level(r.severity)}{escaped(r.text, 300)}" for r in seen.risks[_RISKS:]]
    more += [f"“{escaped(b.title, 160)}” {escaped(b.day, 10)}" for b in seen.before[_INCIDENTS:]]
    return [*lines, *_folded(("More", more))]


def _level(severity: str) -> str:
    return f"**{severity}**: " if severity in ("critical", "high", "medium") else ""


def _blast(seen: Review, citations: Citations) -> list[str]:
    if not seen.touched:
        return []
    cited = _cited(citations)
    services = [escaped(a.label, 80) for a in seen.depending if a.kind == "Service"]
    of = f" of {_some([escaped(s, 80) for s in seen.services])}" if seen.services else ""
    it = "it" if len(seen.touched) == 1 else "them"
    head = f"**Blast radius**: it touches {_count(seen.touched, 'thing')}{of}; "
    if not seen.depending:
        head += f"nothing is known to depend on {it}"
    else:
        head += f"{'more than ' if seen.cut else ''}{_count(seen.depending, 'thing')} depend on {it}"
        head += f", among them the services {_some(services)}" if services else ""
    touched = [
        f"{code(t.label, _CELL)}{f' {t.effect}' if t.effect else ''}{marks(t.citations, cited)}" for t in seen.touched
    ]
    depending = [
        f"{escaped(a.label, 160)} ({escaped(a.kind, 40)}, {a.distance} away){marks(a.citations, cited)}"
        for a in seen.depending
    ]
    return [head, *_folded(("What it touches", touched), ("What depends on that", depending))]


def _owners(seen: Review, citations: Citations) -> list[str]:
    if not (seen.owners or seen.unowned):
        return []
    cited = _cited(citations)
    lines = ["**Owners**"]
    for one in seen.owners[:_OWNERS]:
        what = _some([code(label, _CELL) for label in one.labels], 3)
        lines.append(
            f"- {_some([escaped(n, 80) for n in one.names])}: {what} ({escaped(one.rule, 120)}){marks(one.citations, cited)}"
        )
    if len(seen.owners) > _OWNERS:
        lines.append(f"- {len(seen.owners) - _OWNERS} more")
    if seen.unowned:
        lines.append(f"- nobody is known to answer for {_some([code(u, _CELL) for u in seen.unowned], 3)}")
    return lines


# -- words


def _sources(citations: Citations) -> list[str]:
    shown = [
        f"\\[{c.id}\\] {f'[{escaped(c.locator, 200)}]({url})' if (url := web_address(c.url)) else escaped(c.locator, 200)}"
        for c in citations.all()
    ]
    return _folded(("Sources", shown))


def _folded(*lists: tuple[str, Sequence[str]]) -> list[str]:
    """Details in five lines, whatever they hold: a forge folds them, and a reader of the source is not swamped."""
    some = [(title, items) for title, items in lists if items]
    if not some:
        return []
    shown: list[str] = []
    for title, items in some:
        shown += [f"**{title}**"] if len(some) > 1 else []
        kept = _fitting(items)
        shown += kept
        shown += [f"{len(items) - len(kept)} more"] if len(items) > len(kept) else []
    summary = "; ".join(f"{title} ({len(items)})" for title, items in some)
    return ["", f"<details><summary>{summary}</summary>", "", "<br>".join(shown), "</details>"]


def _fitting(items: Sequence[str]) -> Sequence[str]:
    room = _FOLDED_CHARS
    for i, item in enumerate(items):
        room -= len(item)
        if room < 0:
            return items[:i]
    return items


def _cited(citations: Citations) -> Mapping[str, Citation]:
    return {c.id: c for c in citations.all()}


def _count(found: Sequence[T], noun: str) -> str:
    return f"{len(found)} {noun}{'' if len(found) == 1 else 's'}"


def _some(names: Sequence[str], most: int = _NAMES) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
