"""A digest as Slack messages: one for the channel, and replies in its thread with what it has no room for.

Slack's limits hold for each: 50 blocks, 3,000 characters a text (https://docs.slack.dev/reference/block-kit/blocks). Text of sources is escaped as
for an investigation: it names nobody, links nowhere and formats nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from agent.digest.model import Digest, Item, Measure, Section
from agent.model import Citation
from api.digest_words import SIGNS, basis, days, figure, more, title, told, trend
from api.slack_blocks import MAX_BLOCKS, Block, context, has_link, header, link, marks, section, sections, text

MAX_MESSAGE_CHARS = 12_000
"""Of all texts of one message: longer ones are cut by clients."""
_PARTS = 200
"""So many blocks may one part of a digest take."""
_FIRST_ITEMS = 3
"""So many lines of a section stand in the channel; the thread has all."""


def digest_messages(digest: Digest, note: str = "") -> list[list[Block]]:
    """The channel's message first, then the replies. Only one when everything fits, or nothing happened.

    Args:
        note: a sentence before it: that it comes late.
    """
    cited = {c.id: c for c in digest.citations}
    head: list[Block] = [header(f"{title(digest)}, {days(digest)}")]
    if note:
        head.append(context(note))
    if digest.quiet:
        return [[*head, section([text(digest.headline, 600)])]]
    head.append(section([f"*{text(digest.headline, 900)}*"]))
    head += [context(n) for n in digest.notes[:2]]
    if digest.measures:
        head += _fields(digest.measures)
    whole = [b for s in told(digest) for b in _whole(s, cited)]
    computed = [f"*{text(m.title)}* {text(basis(m), 500)}{marks(m.citations, cited)}" for m in digest.measures]
    how = sections(["*How the measures were computed*", *computed], _PARTS) if computed else []
    sources = sections(["*Citations*", *(_source(c) for c in digest.citations)], _PARTS)
    if (
        len(head) + len(whole) + len(how) + len(sources) <= MAX_BLOCKS
        and _chars([*head, *whole, *how, *sources]) <= MAX_MESSAGE_CHARS
    ):
        return [[*head, *whole, *how, *sources]]
    short = [b for s in told(digest) if s.items for b in _short(s, cited)]
    quiet = [s.empty for s in told(digest) if s.empty]
    if quiet:
        short.append(context(" ".join(quiet)))
    short.append(context("All lines, how the measures were computed and what is cited: in the thread."))
    return [[*head, *short][:MAX_BLOCKS], *_packed([*whole, *how, *sources])]


def digest_fallback(digest: Digest) -> str:
    """One line for notifications, escaped."""
    return text(f"{title(digest)}, {days(digest)}: {digest.headline}", 600)


def _field(said: str) -> Block:
    return {"type": "mrkdwn", "text": said, "verbatim": True}


def _packed(blocks: Sequence[Block]) -> list[list[Block]]:
    """Blocks in messages, in order, each within the limits."""
    messages: list[list[Block]] = []
    for block in blocks:
        last = messages[-1] if messages else None
        if last is None or len(last) >= MAX_BLOCKS or _chars([*last, block]) > MAX_MESSAGE_CHARS:
            messages.append([block])
        else:
            last.append(block)
    return messages


def _fields(measures: Sequence[Measure]) -> list[Block]:
    fields = [
        _field(f"*{text(m.title, 60)}*\n{text(figure(m), 60)}{f' ({text(trend(m), 80)})' if trend(m) else ''}")
        for m in measures
    ]
    return [{"type": "section", "fields": fields[i : i + 10]} for i in range(0, len(fields), 10)]


def _short(section: Section, cited: Mapping[str, Citation]) -> list[Block]:
    rest = len(section.items) - _FIRST_ITEMS + section.more
    lines = [f"*{text(section.title, 120)}*{f'  {text(section.summary, 300)}' if section.summary else ''}"]
    lines += [_line(i, cited) for i in section.items[:_FIRST_ITEMS]]
    return sections([*lines, f"… {rest} more"] if rest > 0 else lines)


def _whole(section: Section, cited: Mapping[str, Citation]) -> list[Block]:
    lines = [
        f"*{text(section.title, 120)}*{f'  {text(section.summary, 300)}{marks(section.citations, cited)}' if section.summary else ''}"
    ]
    if section.empty:
        return sections([*lines, text(section.empty, 400)], _PARTS)
    for item in section.items:
        lines.append(_line(item, cited))
        if item.detail:
            lines.append(f"      {text(item.detail, 700)}")
    lines += [text(c.alt, 300) for c in section.charts]
    return sections([*lines, f"… {more(section)}"] if section.more else lines, _PARTS)


def _line(item: Item, cited: Mapping[str, Citation]) -> str:
    said = text(item.text, 500)
    strong = item.severity in ("critical", "high")
    return f"{SIGNS[item.severity]} {f'*{said}*' if strong else said}{marks(item.citations, cited)}"


def _source(citation: Citation) -> str:
    shown = text(citation.locator, 160)
    return f"[{citation.id}] {text(citation.source, 40)}: {link(citation, shown) if has_link(citation) else shown}"


def _chars(value: object) -> int:
    """Characters of all texts within."""
    if isinstance(value, Mapping):
        items = cast("Mapping[str, object]", value).items()
        return sum(len(v) if k == "text" and isinstance(v, str) else _chars(v) for k, v in items)
    return sum(_chars(v) for v in cast("list[object]", value)) if isinstance(value, list) else 0
