"""Who opened a role session: STS tells the caller and the session in one record, which later records of the session do not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from graph.clock import Instant, from_datetime
from ingest.sources.cloudtrail.records import Record, lowered, obj, text
from ingest.sources.cloudtrail.who import Actor, caller, from_arn

OPENING = frozenset({"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"})
"""Calls that open a role session."""
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Opened:
    """A role session with who opened it, and until when its credentials are good."""

    session: Actor
    by: Actor
    until: Instant | None


def session_opened(record: Record) -> Opened | None:
    """The session that a call opened; None when it failed, is another call, or a service made it for itself."""
    if record.event_name not in OPENING or record.event_source != "sts.amazonaws.com" or record.error_code:
        return None
    by = caller(record)
    response = lowered(record.response_elements)
    arn = text(obj(response.get("assumedroleuser")), "arn")
    if by is None or by.type in ("service", "account") or not arn:
        return None
    session = from_arn(arn)
    if session.ref == by.ref:
        return None
    return Opened(session, by, _time(text(obj(response.get("credentials")), "expiration")))


def _time(told: str) -> Instant | None:
    """`Jul 30, 2024 9:53:13 PM`, with or without a comma after the year and a narrow space before PM, or RFC 3339."""
    told = _SPACES.sub(" ", told.replace("\u202f", " ").replace(",", "")).strip()
    for form in ("%b %d %Y %I:%M:%S %p", "%Y-%m-%dT%H:%M:%SZ"):
        try:
            return from_datetime(datetime.strptime(told, form).replace(tzinfo=UTC))
        except ValueError:
            continue
    return None
