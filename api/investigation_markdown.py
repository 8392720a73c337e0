"""An investigation as Markdown, for a ticket, a pull request or a document. Text of sources is escaped (`agent.markdown`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.investigation import Advice, Investigation, Node
from agent.markdown import code, escaped, mark, marked, marks, web_address
from agent.model import Citation
from api.investigation_words import (
    blind_spots,
    children,
    fate,
    moment,
    names,
    percent,
    safety,
    stopped,
    strongest,
    title,
    verdict,
    weight,
    when,
)
from api.investigation_words import mark as sign

EVIDENCE_SHOWN = 4
NODES_SHOWN = 80
DEPTH_SHOWN = 8


def investigation_markdown(investigation: Investigation) -> str:
    """All of it: verdict, suspects with their evidence, tree, report, citations."""
    cited = {c.id: c for c in investigation.citations}
    place = f" in {investigation.environment}" if investigation.environment else ""
    lines = [
        f"# {escaped(investigation.symptom, 160) or 'Investigation'}",
        "",
        f"**{escaped(verdict(investigation))}**",
        "",
        *(f"> {escaped(n, 400)}\n" for n in investigation.notes),
        f"- Detected: {escaped(moment(investigation.detected_at) + place, 120)}",
        *_first(investigation, cited),
        f"- On call: {escaped(', '.join(investigation.on_call) or 'nobody is known to be', 300)}",
    ]
    lines += _suspects(investigation, cited)
    lines += _tree(investigation)
    lines += _report(investigation, cited)
    if investigation.citations:
        lines += ["", "## Citations", ""]
        for c in investigation.citations:
            url = web_address(c.url)
            lines.append(
                f"- {mark(c.id, {})} {escaped(c.source, 60)}: {code(c.locator, 300)}{f' <{url}>' if url else ''}"
            )
    lines += ["", f"{escaped(investigation.id, 80)} · {escaped(stopped(investigation))}"]
    return "\n".join(lines) + "\n"


def _first(investigation: Investigation, cited: Mapping[str, Citation]) -> list[str]:
    lines: list[str] = []
    first = investigation.causes[0] if investigation.causes else None
    if first is not None and investigation.verdict != "no_cause_found":
        lines.append(f"- Suspect: {escaped(title(first), 200)}{marks(first.citations[:3], cited)}")
        lines.append(f"- By: {escaped(first.by or 'nobody known', 120)}, {escaped(when(first), 160)}")
    back = investigation.rollback if investigation.verdict != "no_cause_found" else None
    if back is not None:
        told = f"{code(back.command)}. " if back.command else ""
        lines.append(
            f"- Take back: {told}**{escaped(safety(investigation, back))}**: {escaped(back.why, 600)}{marks(back.citations, cited)}"
        )
    return lines


def _suspects(investigation: Investigation, cited: Mapping[str, Citation]) -> list[str]:
    lines = ["", "## Suspects", "", "| | probability | suspect | by | when |", "|---|---|---|---|---|"]
    for cause in investigation.causes:
        who, at = escaped(cause.by, 80), escaped(when(cause), 120)
        lines.append(
            f"| {cause.rank} | {escaped(percent(cause.probability))} | {escaped(title(cause), 160)}{marks(cause.citations[:2], cited)} | {who} | {at} |"
        )
    lines.append(f"| | {escaped(percent(investigation.unnamed))} | something that is not listed | | |")
    if investigation.truncated:
        lines += ["", "Others are not listed."]
    for cause in investigation.causes:
        shown = strongest(cause.evidence, EVIDENCE_SHOWN)
        if not shown and not cause.mechanism:
            continue
        lines += ["", f"**{cause.rank}. {escaped(title(cause), 160)}** ({escaped(names(cause) or cause.kind, 160)})"]
        if cause.mechanism:
            lines += ["", escaped(cause.mechanism, 400)]
        if shown:
            lines.append("")
        lines += [f"- {weight(e.weight)}: {escaped(e.reason, 400)}{marks(e.citations, cited)}" for e in shown]
    return lines


def _tree(investigation: Investigation) -> list[str]:
    of = children(investigation.tree.nodes)
    lines: list[str] = []

    def down(parent: str | None, depth: int) -> None:
        for node in of.get(parent, ()):
            if len(lines) >= NODES_SHOWN:
                return
            lines.append("  " * depth + f"- {_node(node)}")
            if depth < DEPTH_SHOWN:
                down(node.id, depth + 1)

    down(None, 0)
    if not lines:
        return []
    rest = len(investigation.tree.nodes) - len(lines)
    more = ["", f"{rest} more are not shown."] if rest > 0 else []
    return ["", f"## Hypotheses ({escaped(stopped(investigation))})", "", *lines, *more]


def _node(node: Node) -> str:
    told = fate(node)
    claim = escaped(node.claim, 200)
    claim = f"~~{claim}~~" if node.status == "refuted" else claim
    return f"{sign(node)} {claim}: {escaped(percent(node.posterior))}{f' ({told})' if told else ''}"


def _report(investigation: Investigation, cited: Mapping[str, Citation]) -> list[str]:
    report = investigation.report
    lines: list[str] = []

    def part(heading: str, items: Sequence[str]) -> None:
        if items:
            lines.extend(["", f"## {heading}", "", *items])

    part("Root cause", [marked(report.root_cause, cited)] if report.root_cause else [])
    part("From cause to symptom", [f"{i}. {escaped(c, 240)}" for i, c in enumerate(report.chain, 1)])
    rows = [
        f"| {escaped(moment(m.at), 40)} | {escaped(m.what, 400)} |{marks(m.citations, cited)} |"
        for m in report.timeline
    ]
    part("Timeline", ["| time | what | |", "|---|---|---|", *rows] if rows else [])
    part(
        "Who else depends on it",
        [
            f"- {escaped(a.label, 160)} ({escaped(a.kind, 40)}, {a.distance} away){marks(a.citations, cited)}"
            for a in report.blast_radius
        ],
    )
    part("Do now", _advice(report.mitigation, cited))
    part("Do later", _advice(report.long_term_fix, cited))
    part(
        "Like it before",
        [
            f"- {escaped(s.id, 80)} ({escaped(percent(s.similarity))} alike): {escaped(s.cause, 300)}"
            f"{f'; fixed by {escaped(s.fix, 300)}' if s.fix else ''}"
            f"{f' (confirmed by {escaped(s.confirmed_by, 80)})' if s.confirmed_by else ''}"
            f"{'; it moved the ranking' if s.used else ''}{marks(s.citations, cited)}"
            for s in investigation.similar_incidents
        ],
    )
    part(
        "Ruled out",
        [f"- {escaped(r.label, 160)}: {escaped(r.why, 400)}{marks(r.citations, cited)}" for r in report.ruled_out],
    )
    part("What could not be seen", [f"- {escaped(n, 400)}" for n in blind_spots(investigation)])
    if report.truncated:
        lines += ["", "Lists of this report were cut."]
    return lines


def _advice(advice: Sequence[Advice], cited: Mapping[str, Citation]) -> list[str]:
    return [
        f"- {escaped(a.text, 800)}{f' {code(a.command)}' if a.command else ''}{marks(a.citations, cited)}"
        for a in advice
    ]
