"""Sentences about changes. Each says who, when, with which pull request, and what from what to what."""

from __future__ import annotations

from agent.evidence import inline, shown
from agent.model import AttributeChange, AttributeState, Change

_VERB = {
    "created": "created",
    "updated": "changed",
    "deleted": "deleted",
    "moved": "moved",
    "format_only": "reformatted",
}
_MOST_ATTRIBUTES = 3


def who_did(change: Change, label: str) -> str:
    """One sentence about a change: `Ann changed aws_lb.main on 2024-05-01 (#12, "Open port"): port 80 → 443`."""
    verb = _VERB.get(change.effect, "changed")
    sentence = f"{change.by.name or 'Somebody'} {verb} {label} on {change.at[:10]}"
    came = came_with(change)
    if came:
        sentence += f" {came}"
    if change.moved_from and change.effect in ("moved", "updated"):
        sentence += f", {'' if change.effect == 'moved' else 'moving it '}from {inline(change.moved_from, 200)}"
    if change.effect == "updated" and change.attributes:
        sentence += f": {attribute_list(change.attributes)}"
    return sentence


def came_with(change: Change) -> str:
    """Where a change can be looked up: `(#12, "Open port")`, or the commit's short hash and title."""
    request = change.pull_request
    if request:
        title = request.title or change.title
        return f'(#{request.number}, "{inline(title, 100)}")' if title else f"(#{request.number})"
    name = (
        change.change.id[:10]
        if change.change.kind == "commit"
        else f"{change.change.kind.replace('_', ' ')} {inline(change.change.id, 60)}"
    )
    return f'({name}, "{inline(change.title, 100)}")' if change.title else f"({name})"


def attribute_list(attributes: tuple[AttributeChange, ...]) -> str:
    """The first attribute changes: `port 80 → 443, protocol removed`."""
    parts = [attribute(a) for a in attributes[:_MOST_ATTRIBUTES]]
    rest = len(attributes) - len(parts)
    return "; ".join(parts) + (f" and {rest} more" if rest > 0 else "")


def attribute(change: AttributeChange) -> str:
    """One attribute before and after."""
    path = inline(change.path, 100)
    if change.before.state == "absent":
        return f"{path} set to {side(change.after)}"
    if change.after.state == "absent":
        return f"{path} removed (was {side(change.before)})"
    return f"{path} {side(change.before)} → {side(change.after)}"


def side(state: AttributeState) -> str:
    """One side of an attribute change."""
    return shown(state.value) if state.state == "value" else state.state


def afterwards(later: tuple[Change, ...]) -> str:
    """What changes after the meaningful one did, which left the meaning as it was; empty when there are none."""
    if not later:
        return ""
    newest = later[0]
    kinds = {c.effect for c in later}
    what = "moved and reformatted" if len(kinds) > 1 else "only moved" if kinds == {"moved"} else "only reformatted"
    times = "" if len(later) == 1 else f" by {len(later)} changes, the last"
    return f"Since then it was {what}{times} by {newest.by.name or 'somebody'} on {newest.at[:10]} {came_with(newest)}"


def listing(names: list[str], most: int = 5) -> str:
    """A list in a sentence: `a, b and 3 more`."""
    if len(names) <= most:
        return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1] if names else ""
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def plural(count: int, noun: str) -> str:
    """`1 change`, `2 changes`, `2 directories`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun[:-1] + 'ies' if noun.endswith('y') and noun[-2:-1] not in 'aeiou' else noun + 's'}"
