"""An answer as Slack blocks: the paragraph, the changes under it, what else may be meant as buttons, and the citations as links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.conversation import Choice
from agent.model import Answer, Change, Citation
from agent.phrasing import attribute
from api.slack_blocks import (
    MAX_LABEL_CHARS,
    Block,
    actions,
    button,
    context,
    fit,
    marked,
    marks,
    section,
    sections,
    source_line,
    text,
)

CHANGES_SHOWN = 3
_ALL_CHANGES = 20
_ATTRIBUTES = 4
_CITATIONS = 8
_ALL_CITATIONS = 40
_MISSING = 3
BUTTONS = 5
PICK = "lore_pick"
MORE = "lore_more"
_QUIET = ("format_only", "moved")


def answer_blocks(
    answer: Answer, said: str, token: str, choices: Sequence[Choice] = (), *, full: bool = False
) -> list[Block]:
    """The blocks of an answer.

    Args:
        said: how the question was understood; empty when it was taken as typed.
        token: what the buttons carry; empty for none.
        choices: what else may be meant.
        full: all changes and citations, as far as they fit.
    """
    cited = {c.id: c for c in answer.citations}
    blocks: list[Block] = [context(said)] if said else []
    blocks.append(section([marked(answer.text, cited)]))
    groups = _groups(answer.changes) if answer.status in ("answered", "ambiguous") else []
    shown = groups[: _ALL_CHANGES if full else CHANGES_SHOWN]
    blocks += sections([line for group in shown for line in _change(group, cited, full=full)], most=8 if full else 2)
    if len(groups) > len(shown) or answer.truncated:
        rest = len(groups) - len(shown)
        cut = " and others that were cut" if answer.truncated else ""
        blocks.append(context(f"… {rest} more changes{cut}" if rest else f"Not all changes are listed{cut}"))
    used = {m for group in shown for m in group[0].citations}
    sources = [c for c in answer.citations if full or c.id in used or f"[{c.id}]" in answer.text]
    if sources and answer.status in ("answered", "ambiguous"):
        most = _ALL_CITATIONS if full else _CITATIONS
        lines = [source_line(c) for c in sources[:most]]
        if len(sources) > most:
            lines.append(f"… {len(sources) - most} more")
        blocks += sections(["*Citations*", *lines], most=4)
    blocks += [context(f"Not known: {m}") for m in answer.missing[:_MISSING]]
    return fit(blocks, _buttons(answer, token, choices, more=not full and len(groups) > len(shown)))


def choice_blocks(asked_back: str, token: str, choices: Sequence[Choice]) -> list[Block]:
    """A question asked back, with what can be picked."""
    blocks: list[Block] = [section([text(asked_back, 600)])]
    if choices:
        blocks += sections([f"{n}. {text(c.label, 200)}" for n, c in enumerate(choices, 1)])
        blocks.append(actions(pick_buttons(token, choices)))
    return fit(blocks)


def pick_buttons(token: str, choices: Sequence[Choice]) -> list[Block]:
    """A button for each of the first few; the others are picked by their number."""
    return [button(_label(n, c), f"{PICK}_{n}", f"{token}:{n}") for n, c in enumerate(choices[:BUTTONS], 1)]


def fallback(answer: Answer) -> str:
    """One line for notifications, escaped."""
    return text(answer.text, 300) or "An answer"


def _label(number: int, choice: Choice) -> str:
    # The end of a path tells more than its beginning.
    label = f"{number}. {choice.label}"
    return label if len(label) <= MAX_LABEL_CHARS else f"{label[:30]}…{label[-(MAX_LABEL_CHARS - 31) :]}"


def _buttons(answer: Answer, token: str, choices: Sequence[Choice], *, more: bool) -> list[Block]:
    if not token:
        return []
    found: list[Block] = []
    if choices and answer.candidates:
        heading = {"ambiguous": "It may also mean:", "not_found": "Nearest names:"}.get(answer.status, "Among:")
        rest = len(choices) - BUTTONS
        found.append(
            context(heading + (f" ({rest} more can be picked by number, up to {len(choices)})" if rest > 0 else ""))
        )
        found.append(actions(pick_buttons(token, choices)))
    if more:
        found.append(actions([button("Show more", MORE, f"{token}:0")]))
    return found


def _groups(changes: Sequence[Change]) -> list[list[Change]]:
    groups: dict[str, list[Change]] = {}
    for change in changes:
        groups.setdefault(change.change.id, []).append(change)
    return sorted(groups.values(), key=lambda group: all(c.effect in _QUIET for c in group))


def _change(group: Sequence[Change], cited: Mapping[str, Citation], *, full: bool) -> list[str]:
    first = next((c for c in group if c.effect not in _QUIET), group[0])
    by = text(first.by.name, 80) or "somebody unknown"
    request = first.pull_request
    title = f"#{request.number} {request.title}" if request else first.title or first.change.id[:12]
    lines = [
        f"*{text(title, 160)}* by {by}, {text(first.at_means, 20)} {text(first.at[:16].replace('T', ' '), 20)} UTC{marks(first.citations, cited)}"
    ]
    reached = [
        f"{text(r.environment, 40)} {text((r.earliest or '')[:16].replace('T', ' '), 20)}".strip()
        for r in first.reached
    ]
    if reached:
        lines.append(f"reached {', '.join(reached)}")
    if first.approved_by:
        lines.append(f"approved by {text(', '.join(first.approved_by), 160)}")
    for one in group[: 6 if full else 2]:
        label = text(one.target.label, 120) if one.target else ""
        told = "; ".join(text(attribute(a), 160) for a in one.attributes[:_ATTRIBUTES])
        more = len(one.attributes) - _ATTRIBUTES
        lines.append(
            f"• {text(one.effect.replace('_', ' '), 20)} {label}{f': {told}' if told else ''}{f' and {more} more' if more > 0 else ''}"
        )
    rest = len(group) - (6 if full else 2)
    return [*lines, *([f"… {rest} more things in this change"] if rest > 0 else [])]
