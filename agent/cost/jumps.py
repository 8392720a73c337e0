"""Jumps of a bill: found at the level that explains them, told as a symptom, and what an investigation of it says.

A jump is put to the investigator as any symptom is: a sentence that names what costs more, so that what is billed is where it looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from statistics import median

from msgspec.structs import replace

from agent.cost.amounts import ZERO, plain
from agent.cost.anomalies import Found, Key, Rules, jumps
from agent.cost.bill import MONTH_DAYS, Bill, Charge, added
from agent.cost.model import Jump
from agent.evidence import inline
from agent.investigation import Cause, Investigation
from agent.phrasing import listing
from graph.clock import DAY, SECOND, Instant, instant
from graph.model import EntityRef

HISTORY_DAYS = 120
"""Days before a window that its jumps are judged by."""
WINDOW_DAYS = 4
"""How far before the end of a jump's first day causes are looked for: a bill is daily, and some things are billed late."""
_SEEN_AFTER: Instant = 3 * 3_600 * SECOND
_SAME_ACT_WITHIN: Instant = 15 * 60 * SECOND
_SURE = 0.8
_UNSURE = {"cause_found": "insufficient_evidence"}
"""What a likely change that touched nothing that is billed comes to."""
_TELLS_ITS_HOUR_DAYS = 3
_LEAST_SHARE = 0.005
_LEAST_A_DAY = 0.5
_MOST_NAMED = 3
_SHARE_OF_A_PART = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class BillJump:
    """A jump, and what it is of.

    Attributes:
        key: from the general to the special: service, environment, resource as billed.
        first: the first day; `end` is the day after the last, None while it lasts.
        expected, actual: a day's amount before and after.
        resources: what was billed, the dearest first: as billed and as the graph knows it.
        usage: the usage types that make up most of it.
        charges: those that make it up.
        first_share: how much of the jump its first day shows: 0.4 of it says that it began when 60 % of the day were over. 0 where that
            cannot be told.
    """

    key: Key
    first: str
    end: str | None
    expected: Decimal
    actual: Decimal
    currency: str
    resources: tuple[tuple[str, EntityRef | None, str], ...]
    usage: tuple[str, ...]
    charges: tuple[Charge, ...]
    first_share: float = 0.0

    @property
    def delta(self) -> Decimal:
        """How much more a day."""
        return self.actual - self.expected

    @property
    def label(self) -> str:
        """What it is of, in words: `AmazonRDS / prod / orders-prod`."""
        named = self.resources[0][2] if len(self.key) > 2 and self.resources else ""
        parts = [*self.key[:2], *(named or told for told in self.key[2:])]
        return " / ".join(inline(p, 120) for p in parts if p)


def find_jumps(bill: Bill, since: str, until: str) -> tuple[BillJump, ...]:
    """The jumps whose first day lies in `since <= day < until`, dearest first. `bill` is of one currency and holds the days before, too.

    Taxes, credits and refunds take no part: they follow what was used, or nothing.
    """
    used = bill.of(lambda c: c.line_type in ("usage", "fee"))
    days = _days(used)
    if len(days) < 2:
        return ()
    by_key: dict[Key, list[Charge]] = {}
    for charge in used.charges:
        for key in _keys(charge):
            by_key.setdefault(key, []).append(charge)
    place = {day: i for i, day in enumerate(days)}
    series = {key: _series(charges, place, len(days)) for key, charges in by_key.items()}
    total = median([sum(series[key][i] for key in series if len(key) == 1) for i in range(len(days))])
    rules = Rules(least=max(_LEAST_A_DAY, _LEAST_SHARE * total))
    found = [
        _jump(f, days, by_key[f.key], used.currencies[0]) for f in jumps(series, date.fromisoformat(days[0]), rules)
    ]
    last = days[-1]
    # The last day of a bill that is not final is a part of a day: what falls there may only not be billed yet.
    settled = [j for j in found if j.delta > 0 or j.first < last or last[:7] not in used.estimated]
    kept = [j for j in settled if since <= j.first < until]
    return tuple(sorted(kept, key=lambda j: (-abs(j.delta), j.key, j.first)))


def symptom_of(jump: BillJump) -> str:
    """A jump as somebody would report it. What is named in it is where an investigation looks."""
    service, *rest = jump.key
    where = f" in {rest[0]}" if rest and rest[0] else ""
    verb = "rose" if jump.delta > 0 else "fell"
    amounts = f"{plain(jump.expected)} to {plain(jump.actual)} {jump.currency} a day"
    named = [told for told, _, _ in jump.resources[:_MOST_NAMED] if told]
    of = f" for {listing([inline(n, 300) for n in named])}" if named else ""
    return f"cost of {inline(service, 120)}{where}{of} {verb} from {amounts} on {jump.first}"


def asked_at(jump: BillJump) -> tuple[Instant, ...]:
    """The moments as of which its cause is looked for, in order: soon after the hour at which it began by the share of its first day,
    and the end of that day, when a bill could tell it at the earliest.
    """
    begin = instant(jump.first)
    if jump.first_share <= 0:
        return (begin + DAY,)
    onset = begin + int((1.0 - jump.first_share) * DAY)
    return tuple(dict.fromkeys((min(onset + _SEEN_AFTER, begin + DAY), begin + DAY)))


def told(jump: BillJump, found: Investigation | None = None) -> Jump:
    """A jump as it is handed out, with the cause where the investigation is sure of one."""
    last = (date.fromisoformat(jump.end) - timedelta(days=1)).isoformat() if jump.end else None
    made = Jump(
        key=jump.label,
        since=jump.first,
        until=last,
        expected=plain(jump.expected),
        actual=plain(jump.actual),
        per_month=plain(jump.delta * MONTH_DAYS),
    )
    if found is None:
        return made
    sure, act = same_act(found)
    verdict = "cause_found" if is_found(found) else _UNSURE.get(found.verdict, found.verdict)
    made = replace(made, verdict=verdict, probability=round(sure, 4), investigation=found.id)
    if verdict != "cause_found":
        return made
    cause = act[0]
    at = f", {cause.at_means} {cause.at[:16].replace('T', ' ')}" if cause.at else ""
    by = inline(cause.by, 80)
    sentence = f"{inline(cause.label, 200)}{at}{f' by {by}' if by else ''}"
    if cause.mechanism:
        sentence += f": {inline(cause.mechanism, 300)}"
    change = cause.change
    name = f"{change.kind} {change.id}" if change is not None else None
    return replace(made, cause=sentence, by=by, change=name)


def same_act(found: Investigation) -> tuple[float, tuple[Cause, ...]]:
    """The likeliest cause with those that are the same act as another source tells it, and how likely they are together.

    A commit's apply and the call that it made are told by different logs: the same person touched the same thing within minutes. Which
    of the records is "the" cause is no question; that it is one of them is.
    """
    if not found.causes:
        return 0.0, ()
    first, *others = found.causes
    act = [first, *(c for c in others if _is_same(first, c))]
    return min(sum(c.probability for c in act), 1.0), tuple(act)


def is_found(found: Investigation) -> bool:
    """Whether an investigation names the cause of a jump: sure of one act, whichever of its records it is, that lies within the days
    looked at and touched what is billed, or what that depends on.

    What goes wrong has alerts and errors that tell one change from another; what costs more has only its date. So a change that is likely
    by its date alone (a deployment of something else on that afternoon) is no cause here.
    """
    sure, act = same_act(found)
    if not act or act[0].kind not in ("change", "manual") or (found.verdict != "cause_found" and sure < _SURE):
        return False
    first = act[0]
    in_time = bool(first.at and found.window.since) and instant(str(first.at)) >= instant(found.window.since)
    return in_time and sure >= _SURE and _touches(found, first)


def _touches(found: Investigation, cause: Cause) -> bool:
    """Whether a cause lies in what the symptom is about, or in what that depends on: by its branch of the tree."""
    if any(cause.target == a.ref or cause.target_label == a.label for a in found.anchors):
        return True
    nodes = {n.id: n for n in found.tree.nodes}
    leaf = nodes.get(cause.hypothesis)
    branch = nodes.get(leaf.parent or "") if leaf is not None else None
    return branch is not None and branch.claim.startswith("in what it depends on: ")


def _is_same(one: Cause, other: Cause) -> bool:
    same = one.target == other.target or (one.target_label and one.target_label == other.target_label)
    if not (same and one.at and other.at and one.by and one.by == other.by):
        return False
    return abs(instant(one.at) - instant(other.at)) <= _SAME_ACT_WITHIN


# -- series


def _keys(charge: Charge) -> list[Key]:
    keys: list[Key] = [(charge.service,), (charge.service, charge.environment)]
    if charge.resource_id:
        keys.append((charge.service, charge.environment, charge.resource_id))
    return keys


def _days(bill: Bill) -> list[str]:
    """Every day from the first to the last that anything was billed for."""
    there = {day for c in bill.charges for day in c.days}
    if not there:
        return []
    first, last = date.fromisoformat(min(there)), date.fromisoformat(max(there))
    return [(first + timedelta(days=i)).isoformat() for i in range((last - first).days + 1)]


def _series(charges: Sequence[Charge], place: Mapping[str, int], length: int) -> list[float]:
    sums = [ZERO] * length
    for charge in charges:
        for day, amount in charge.days.items():
            sums[place[day]] += amount
    return [float(s) for s in sums]


def _jump(found: Found, days: Sequence[str], charges: Sequence[Charge], currency: str) -> BillJump:
    """Amounts as they were billed: medians of as many days before as it lasts, at most two weeks."""
    shift = found.shift
    end = shift.end if shift.end is not None else len(days)
    length = min(end - shift.first, 14)
    after = days[shift.first : shift.first + length]
    before = days[max(shift.first - max(length, 7), 0) : shift.first]
    by_day = added(c.days for c in charges)
    if len(after) > _TELLS_ITS_HOUR_DAYS or shift.end is not None:  # the first day may be a part of a day
        after = after[1:] or after
    expected, actual = _middle([by_day.get(d, ZERO) for d in before]), _middle([by_day.get(d, ZERO) for d in after])
    if (actual > expected) != (shift.delta > 0):  # a short jump against its weekdays: as the season has it
        expected, actual = Decimal(str(round(shift.expected, 4))), Decimal(str(round(shift.actual, 4)))
    share = 0.0
    if length > _TELLS_ITS_HOUR_DAYS and actual != expected:  # a short burst does not tell what its whole days are
        share = float((by_day.get(days[shift.first], ZERO) - expected) / (actual - expected))
    parts = sorted(((abs(_delta(c, before, after)), c) for c in charges), key=lambda p: (-p[0], p[1].ref))
    most = parts[0][0] if parts else ZERO
    mine = [c for delta, c in parts if delta >= most * _SHARE_OF_A_PART]
    resources = {c.resource_id: (c.resource_id, c.resource, c.resource_label) for c in reversed(mine) if c.resource_id}
    return BillJump(
        found.key,
        days[shift.first],
        days[shift.end] if shift.end is not None and shift.end < len(days) else None,
        expected,
        actual,
        currency,
        tuple(reversed(resources.values())),
        tuple(dict.fromkeys(c.usage_type for c in mine if c.usage_type))[:_MOST_NAMED],
        tuple(mine),
        min(max(share, 0.0), 1.0),
    )


def _delta(charge: Charge, before: Sequence[str], after: Sequence[str]) -> Decimal:
    return _middle([charge.days.get(d, ZERO) for d in after]) - _middle([charge.days.get(d, ZERO) for d in before])


def _middle(amounts: Sequence[Decimal]) -> Decimal:
    return median(amounts) if amounts else ZERO
