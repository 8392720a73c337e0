"""Runbooks, decisions and post-mortems in Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Postmortem:
    """What an incident's write-up says. `incident` is its id in the alerting system, `title` its title there."""

    title: str
    incident: str
    severity: str
    started_at: datetime
    resolved_at: datetime
    authors: tuple[str, ...]
    service: str
    summary: str
    impact: str
    root_cause: str
    resolution: str
    timeline: tuple[tuple[datetime, str], ...] = ()
    actions: tuple[str, ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class Runbook:
    """Steps for a symptom of a service."""

    title: str
    service: str
    symptom: str
    steps: tuple[str, ...]


def postmortem_name(postmortem: Postmortem) -> str:
    """Its file name: date and slug."""
    slug = "".join(c if c.isalnum() else "-" for c in postmortem.title.lower())
    return f"{postmortem.started_at:%Y-%m-%d}-{'-'.join(filter(None, slug.split('-')))}.md"


def postmortem_markdown(p: Postmortem) -> str:
    """The write-up."""
    reference = f"[{p.incident}]({p.url})" if p.url else p.incident
    lines = [
        f"# Post-mortem: {p.title}",
        "",
        f"- **Incident:** {reference}",
        f"- **Severity:** {p.severity}",
        f"- **Service:** {p.service}",
        f"- **Started:** {p.started_at:%Y-%m-%d %H:%M} UTC",
        f"- **Resolved:** {p.resolved_at:%Y-%m-%d %H:%M} UTC",
        f"- **Authors:** {', '.join(p.authors)}",
        "",
    ]
    for heading, text in (
        ("Summary", p.summary),
        ("Impact", p.impact),
        ("Root cause", p.root_cause),
        ("Resolution", p.resolution),
    ):
        lines += [f"## {heading}", "", text, ""]
    if p.timeline:
        lines += ["## Timeline (UTC)", "", *(f"- {at:%H:%M} {what}" for at, what in p.timeline), ""]
    if p.actions:
        lines += ["## Action items", "", *(f"- [ ] {action}" for action in p.actions), ""]
    return "\n".join(lines)


def runbook_markdown(r: Runbook) -> str:
    """The runbook."""
    steps = [f"{i}. {step}" for i, step in enumerate(r.steps, 1)]
    return "\n".join(
        [f"# {r.title}", "", f"Service: {r.service}", "", "## When", "", r.symptom, "", "## What to do", "", *steps, ""]
    )
