"""An investigation as Slack blocks, within Slack's limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from agent.investigation import Advice, Investigation
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
from api.slack_blocks import MAX_BLOCKS, MAX_CHARS, MAX_HEADER_CHARS, Block, source_line
from api.slack_blocks import code as _code
from api.slack_blocks import context as _context
from api.slack_blocks import marked as _marked
from api.slack_blocks import marks as _marks
from api.slack_blocks import plain as _plain
from api.slack_blocks import section as _section
from api.slack_blocks import sections as _sections
from api.slack_blocks import text as _text

__all__ = ["MAX_BLOCKS", "MAX_CHARS", "Block", "investigation_blocks", "investigation_fallback"]

CAUSES_SHOWN = 10
EVIDENCE_SHOWN = 2
_CITATIONS_SHOWN = 40


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
    sources = [source_line(c) for c in investigation.citations[:_CITATIONS_SHOWN]]
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
