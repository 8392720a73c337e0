"""An investigation as Slack blocks (https://docs.slack.dev/reference/block-kit/blocks), within Slack's limits.

Text of sources is escaped as Slack asks (https://docs.slack.dev/messaging/formatting-message-text#escaping), so that it names nobody and links
nowhere, and what Slack would take for its own formatting is replaced by a sign that looks alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from agent.evidence import inline
from agent.investigation import Advice, Investigation
from agent.markdown import web_address
from agent.model import Citation
from api.investigation_words import (
    blind_spots,
    moment,
    percent,
    safety,
    stopped,
    strongest,
    title,
    verdict,
    weight,
    when,
)

MAX_BLOCKS = 50
MAX_CHARS = 3_000
MAX_HEADER_CHARS = 150
CAUSES_SHOWN = 10
EVIDENCE_SHOWN = 2
_CITATIONS_SHOWN = 40
_URL_CHARS = 300

Block: TypeAlias = Mapping[str, object]

_LOOKS = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})
_ITALIC = re.compile(r"(?<!\w)_|_(?!\w)")
_QUOTE = re.compile(r"^(?=&gt;)")
_MARK = re.compile(r"\[(c\d+)\]")


def investigation_blocks(investigation: Investigation) -> list[Block]:
    """The blocks: header, verdict, suspects, report, citations; at most 50, no text longer than 3,000 characters."""
    cited = {c.id: c for c in investigation.citations}
    report = investigation.report
    head: list[Block] = [
        {"type": "header", "text": _plain(investigation.symptom or "Investigation", MAX_HEADER_CHARS)},
        _section([f"*{_text(verdict(investigation))}*", *(f"_{_text(n)}_" for n in investigation.notes[:2])]),
        _section(_first(investigation, cited)),
        _context(
            f"Detected {moment(investigation.detected_at)}{f' in {investigation.environment}' if investigation.environment else ''}"
        ),
        {"type": "divider"},
    ]
    body = [_section(_cause(investigation, i, cited)) for i in range(min(len(investigation.causes), CAUSES_SHOWN))]
    body.append(
        _context(f"{percent(investigation.unnamed)} that it is something not listed. {stopped(investigation)}.")
    )
    parts: list[tuple[str, Iterable[str]]] = [
        ("Root cause", [_marked(report.root_cause, cited)] if report.root_cause else []),
        ("From cause to symptom", [f"{'→ ' if i else ''}{_text(c, 240)}" for i, c in enumerate(report.chain)]),
        (
            "Timeline",
            [f"• {_text(moment(m.at), 40)}  {_text(m.what, 300)}{_marks(m.citations, cited)}" for m in report.timeline],
        ),
        ("Do now", _advice(report.mitigation, cited)),
        ("Do later", _advice(report.long_term_fix, cited)),
        ("Who else depends on it", [f"• {_text(a.label, 120)} ({_text(a.kind, 40)})" for a in report.blast_radius]),
        (
            "Like it before",
            [
                f"• {_text(s.id, 80)}: {_text(s.cause, 240)}{'; it moved the ranking' if s.used else ''}"
                for s in investigation.similar_incidents
            ],
        ),
        ("Ruled out", [f"• {_text(r.label, 120)}: {_text(r.why, 240)}" for r in report.ruled_out]),
        ("What could not be seen", [f"• {_text(n, 300)}" for n in blind_spots(investigation)]),
    ]
    for heading, lines in parts:
        told = list(lines)
        if told:
            body += _sections([f"*{heading}*", *told])
    sources = [
        f"[{c.id}] {_link(c, _text(c.locator, 160)) if 0 < len(web_address(c.url)) <= _URL_CHARS else _text(c.locator, 160)}"
        for c in investigation.citations[:_CITATIONS_SHOWN]
    ]
    if sources:
        body += _sections(["*Citations*", *sources])
    last = _context(f"{investigation.id}")
    return [*[*head, *body][: MAX_BLOCKS - 1], last]


def investigation_fallback(investigation: Investigation) -> str:
    """One line for notifications, escaped."""
    return _text(f"{investigation.symptom}: {verdict(investigation)}", 300)


def _first(investigation: Investigation, cited: Mapping[str, Citation]) -> list[str]:
    lines: list[str] = []
    first = investigation.causes[0] if investigation.causes else None
    if first is not None:
        name = "Suspect" if investigation.verdict != "no_cause_found" else "Likeliest"
        lines.append(f"*{name}:* {_text(title(first), 200)}{_marks(first.citations[:3], cited)}")
        lines.append(f"*By:* {_text(first.by or 'nobody known', 120)}, {_text(when(first), 160)}")
    blind = blind_spots(investigation)
    lines += [f"*Not seen:* {_text(b, 240)}" for b in blind[:1]]
    back = investigation.rollback if investigation.verdict != "no_cause_found" else None
    if back is not None:
        if back.command:
            lines.append(f"*Take back:* {_code(back.command)}")
        lines.append(f"*{_text(safety(investigation, back))}:* {_text(back.why, 500)}{_marks(back.citations, cited)}")
    lines.append(f"*On call:* {_text(', '.join(investigation.on_call) or 'nobody is known to be', 300)}")
    return lines


def _cause(investigation: Investigation, i: int, cited: Mapping[str, Citation]) -> list[str]:
    cause = investigation.causes[i]
    lines = [
        f"*{cause.rank}. {_text(percent(cause.probability))}*  {_text(title(cause), 200)}{_marks(cause.citations[:2], cited)}",
        f"{_text(cause.kind)}{f' by {_text(cause.by, 80)}' if cause.by else ''}, {_text(when(cause), 160)}",
    ]
    lines += [
        f"• {weight(e.weight)}: {_text(e.reason, 240)}{_marks(e.citations[:2], cited)}"
        for e in strongest(cause.evidence, EVIDENCE_SHOWN)
    ]
    return lines


def _advice(advice: Sequence[Advice], cited: Mapping[str, Citation]) -> list[str]:
    return [
        f"• {_text(a.text, 600)}{f' {_code(a.command)}' if a.command else ''}{_marks(a.citations, cited)}"
        for a in advice
    ]


# -- blocks and their texts


def _sections(lines: Sequence[str], most: int = 3) -> list[Block]:
    """As many sections as these lines need, up to `most`; the last one says what is left out."""
    found: list[Block] = []
    rest = list(lines)
    while rest and len(found) < most - 1:
        taken, room = 0, MAX_CHARS - 20
        while taken < len(rest) and (room := room - len(rest[taken]) - 1) >= 0:
            taken += 1
        if not taken or taken == len(rest):
            break
        found.append(_section(rest[:taken]))
        rest = rest[taken:]
    return [*found, _section(rest)] if rest else found


def _section(lines: Sequence[str]) -> Block:
    """A section of these lines, as many as there is room for."""
    kept: list[str] = []
    room = MAX_CHARS - 20
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            kept.append(f"… {len(lines) - len(kept)} more")
            break
        kept.append(line)
    text = "\n".join(kept) or "…"
    # `verbatim`: nothing that looks like an address, a channel or a name becomes one
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:MAX_CHARS], "verbatim": True}}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [_plain(text, 1_000)]}


def _plain(text: str, limit: int) -> Mapping[str, object]:
    """A text that Slack formats in no way."""
    return {"type": "plain_text", "text": inline(text, limit) or "…", "emoji": False}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _text(text: str, limit: int = 400) -> str:
    """A text of a source in one line, that formats nothing, names nobody and links nowhere."""
    looks = _ITALIC.sub("ˍ", inline(text, limit).translate(_LOOKS))
    return _QUOTE.sub("\u2060", _escaped(looks))


def _code(text: str) -> str:
    return f"`{_escaped(inline(text, 400).replace('`', 'ˋ'))}`"


def _marked(text: str, cited: Mapping[str, Citation]) -> str:
    """A paragraph of ours with its marks as links."""
    parts = _MARK.split(text)
    told = [_mark(p, cited) if i % 2 else _within(p) for i, p in enumerate(parts)]
    kept: list[str] = []
    room = MAX_CHARS - 100
    for part in told:
        room -= len(part)
        if room < 0:
            return "".join(kept) + "…"
        kept.append(part)
    return "".join(kept)


def _within(text: str) -> str:
    """A part of a paragraph, with the blanks at its ends that stand between it and the marks."""
    told = _escaped(_ITALIC.sub("ˍ", inline(text, MAX_CHARS).translate(_LOOKS)))
    return f"{' ' if text[:1] == ' ' else ''}{told}{' ' if told and text[-1:] == ' ' else ''}"


def _marks(ids: Sequence[str], cited: Mapping[str, Citation]) -> str:
    return "".join(f" {_mark(i, cited)}" for i in list(dict.fromkeys(ids))[:3])


def _mark(id_: str, cited: Mapping[str, Citation]) -> str:
    found = cited.get(id_)
    linked = found is not None and web_address(found.url) and len(web_address(found.url)) <= _URL_CHARS
    return _link(found, f"[{id_}]") if found is not None and linked else f"[{id_}]"


def _link(to: Citation, text: str) -> str:
    return f"<{_escaped(web_address(to.url))}|{text}>"
