"""A first draft of the postmortem, from an investigation. A person confirms the cause: until then the draft names none as confirmed."""

from __future__ import annotations

from collections.abc import Iterable

from agent.investigation import Advice, Investigation
from agent.markdown import code, escaped, mark, marked, marks, web_address

_TODO = "_To be written._"


def draft_postmortem(investigation: Investigation) -> str:
    """The draft as Markdown.

    Its headings are not those under which a postmortem states a cause or a fix, so that nobody reads a draft back as a confirmation: rename
    *Suspected cause* to *Root cause* and *Proposed mitigation* to *Resolution* when it is confirmed.
    """
    citations = {c.id: c for c in investigation.citations}
    report = investigation.report
    first = investigation.causes[0] if investigation.causes else None
    lines = [
        f"# Draft of a postmortem: {escaped(investigation.symptom, 160)}",
        "",
        "- Status: draft, no cause confirmed",
        f"- Investigation: {escaped(investigation.id, 80)}",
        f"- Detected: {escaped(investigation.detected_at, 40)}",
        f"- Environment: {escaped(investigation.environment or 'unknown', 40)}",
        f"- On call: {escaped(', '.join(investigation.on_call) or 'unknown', 200)}",
        "",
        "## Summary",
        "",
        _TODO,
        "",
        "## Suspected cause (to be confirmed)",
        "",
        marked(report.root_cause, citations) or "Nothing is suspected.",
    ]
    if first is not None and investigation.verdict == "cause_found":
        lines += ["", f"The investigation gave it {round(first.probability * 100)}%."]
    lines += ["", "## Timeline", "", "| time | what | |", "|---|---|---|"]
    lines += [
        f"| {escaped(m.at, 40)} | {escaped(m.what, 400)} |{marks(m.citations, citations)} |" for m in report.timeline
    ]
    lines += ["", "## Impact", "", _TODO, ""]
    if report.blast_radius:
        lines += ["What depends on what changed:", ""]
        lines += [
            f"- {escaped(a.label, 160)} ({escaped(a.kind, 40)}, {a.distance} away){marks(a.citations, citations)}"
            for a in report.blast_radius
        ]
    lines += ["", "## Proposed mitigation", "", *_advice(report.mitigation, investigation)]
    back = investigation.rollback
    if back is not None and back.command:
        safe = "nothing known speaks against it" if back.safe else "not safe as it is"
        lines += ["", f"Taking it back ({safe}): {code(back.command)}"]
    lines += ["", "## Follow-up", "", *_advice(report.long_term_fix, investigation, box=True)]
    if report.ruled_out:
        lines += ["", "## Ruled out", ""]
        lines += [
            f"- {escaped(r.label, 160)}: {escaped(r.why, 400)}{marks(r.citations, citations)}" for r in report.ruled_out
        ]
    if report.not_seen:
        lines += ["", "## What could not be seen", "", *(f"- {escaped(n, 400)}" for n in report.not_seen)]
    lines += ["", "## Sources", ""]
    for c in investigation.citations:
        url = web_address(c.url)
        lines.append(
            f"- {mark(c.id, {})} {escaped(c.source, 60)}: {code(c.locator, 300)}" + (f" <{url}>" if url else "")
        )
    return "\n".join(lines).rstrip() + "\n"


def _advice(advice: Iterable[Advice], investigation: Investigation, *, box: bool = False) -> list[str]:
    citations = {c.id: c for c in investigation.citations}
    lines = [
        f"- {'[ ] ' if box else ''}{escaped(a.text, 600)}{f' {code(a.command)}' if a.command else ''}{marks(a.citations, citations)}"
        for a in advice
    ]
    return lines or [_TODO]
