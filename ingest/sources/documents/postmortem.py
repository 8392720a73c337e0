"""A post-mortem's facts, from its front matter, its list of facts at the top and its sections."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from graph.clock import Instant, from_datetime, instant
from ingest.sources.documents.markdown import Markdown, Section, plain

CAUSE = (
    "root cause",
    "root causes",
    "cause",
    "causes",
    "root cause analysis",
    "why it happened",
    "trigger",
    "contributing factors",
)
FIX = (
    "resolution",
    "fix",
    "mitigation",
    "remediation",
    "resolution and recovery",
    "recovery",
    "how it was fixed",
    "what fixed it",
)
_STARTED = (
    "started",
    "started_at",
    "start",
    "start time",
    "began",
    "incident start",
    "from",
    "detected",
    "detected at",
)
_RESOLVED = (
    "resolved",
    "resolved_at",
    "end",
    "ended",
    "ended_at",
    "end time",
    "incident end",
    "mitigated",
    "recovered",
    "to",
)
_SEVERITY = ("severity", "sev", "priority", "impact level")
_SERVICE = ("service", "services", "affected service", "affected services", "component")
_ENVIRONMENT = ("environment", "env")
_INCIDENT = ("incident", "incident_id", "incident id", "id")

_FACT = re.compile(
    r"\s*(?:[-*+]\s+)?(?:\|\s*)?[*_]{0,2}([A-Za-z][A-Za-z _-]{1,30}?)[*_]{0,2}\s*(?::|\|)[*_]{0,2}\s*(\S.*?)\s*\|?\s*"
)
_NUMBERING = re.compile(r"^[\d.)\s]+|[\s:?!.]+$")
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[T ,]+(?:at )?(\d{1,2}:\d{2}(?::\d{2})?)\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?", re.I)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_FACT_CHARS = 1_000
_TEXT_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class Postmortem:
    """What a post-mortem tells. Texts are empty and times None where it does not.

    `cause` and `fix` are the words of their sections; `causes` and `fixes` these sections.
    """

    incident: str
    severity: str
    services: tuple[str, ...]
    environment: str
    started_at: Instant | None
    resolved_at: Instant | None
    cause: str
    fix: str
    causes: Sequence[Section]
    fixes: Sequence[Section]


def read_postmortem(document: Markdown, path: str) -> Postmortem:
    """What it tells; without a time of its beginning the date in its name counts."""
    told = stated_facts(document)
    causes, fixes = list(_named(document, CAUSE)), list(_named(document, FIX))
    started_at = moment(_first(told, _STARTED)) or moment(_first(told, ("date",)))
    if started_at is None and (found := _DATE.search(path.rpartition("/")[2])):
        started_at = moment(found[0])
    resolved_at = moment(_first(told, _RESOLVED))
    if started_at is not None and resolved_at is not None and resolved_at < started_at:
        resolved_at = None
    return Postmortem(
        incident=plain(_first(told, _INCIDENT)),
        severity=plain(_first(told, _SEVERITY)),
        services=split_names(_first(told, _SERVICE)),
        environment=plain(_first(told, _ENVIRONMENT)),
        started_at=started_at,
        resolved_at=resolved_at,
        cause=_words(causes),
        fix=_words(fixes),
        causes=causes,
        fixes=fixes,
    )


def stated_facts(document: Markdown) -> dict[str, str]:
    """`Name: value` lines and table rows at the top of the document, names in lower case; the front matter counts first."""
    facts: dict[str, str] = dict(document.fields)
    for section in document.sections[:2]:
        if len(section.headings) > 1:
            break
        for line in section.text.split("\n")[:60]:
            if len(line) <= _FACT_CHARS and (found := _FACT.fullmatch(line)) is not None:
                facts.setdefault(found[1].strip().lower(), found[2].strip())
    return facts


def split_names(text: str) -> tuple[str, ...]:
    """Names that a text lists by commas, without marks."""
    return tuple(dict.fromkeys(filter(None, (plain(part) for part in re.split(r",| and |;", text)))))


def moment(text: str) -> Instant | None:
    """The first time that a text names, in UTC where it tells no zone; a date alone is its midnight. None when there is none."""
    if found := _TIME.search(text):
        zone = found[3] or ""
        zone = (
            "+00:00" if zone.upper() in ("", "Z", "UTC", "GMT") else zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
        )
        try:
            return from_datetime(datetime.fromisoformat(f"{found[1]}T{found[2].zfill(5)}{zone}").astimezone(UTC))
        except (ValueError, OverflowError):
            return None
    if found := _DATE.search(text):
        try:
            return instant(found[0])
        except ValueError:
            return None
    return None


def _named(document: Markdown, names: Sequence[str]) -> Iterator[Section]:
    """Sections of one of these names, and those under them."""
    for section in document.sections:
        if any(_NUMBERING.sub("", heading).strip().lower() in names for heading in section.headings):
            yield section


def _words(sections: Sequence[Section]) -> str:
    return "\n\n".join(filter(None, (section.text.strip() for section in sections)))[:_TEXT_CHARS]


def _first(told: Mapping[str, str], names: Sequence[str]) -> str:
    return next((told[name] for name in names if told.get(name)), "")
