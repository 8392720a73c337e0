"""The last 90 days from LookupEvents, region by region, in windows of time so that a long first pull can be stopped and resumed.

API: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from graph.clock import DAY, SECOND, Instant
from ingest.sources.cloudtrail.documents import Document, read_text
from ingest.sources.cloudtrail.ledger import Ledger, Lookup, mark

if TYPE_CHECKING:  # the SDK takes long to import, and files need none
    from ingest.aws_client import Aws

LOOK_BACK: Instant = 15 * 60 * SECOND
"""Events show up so late at most, as AWS says."""
_KEPT_DAYS = 90
_WINDOW: Instant = DAY
_WRITES = [{"AttributeKey": "ReadOnly", "AttributeValue": "false"}]


@dataclass(frozen=True, slots=True)
class Window:
    """What was found in a span of time in one region, oldest first, without what was read before; `known` goes into the ledger then."""

    region: str
    found: Document
    known: Lookup


def windows(aws: Aws, region: str, ledger: Ledger, days: int, now: Instant) -> Iterator[Window]:
    """The spans since the last pull, in order.

    Raises:
        SourceError: a page could not be had; the spans before it are complete.
    """
    known = ledger.regions.get(region)
    earliest = now - min(max(days, 1), _KEPT_DAYS) * DAY
    start = max(known.until, earliest) if known is not None and known.until else earliest
    while start < now:
        end = min(start + _WINDOW, now)
        seen = frozenset(known.seen) if known is not None else frozenset[str]()
        found, known = _window(aws, region, start - LOOK_BACK, end, seen)
        yield Window(region, found, known)
        start = end


def _window(aws: Aws, region: str, start: Instant, end: Instant, seen: frozenset[str]) -> tuple[Document, Lookup]:
    found = Document()
    again: set[str] = set()
    since, until = _moment(start), _moment(end)
    for page in aws.pages(
        "cloudtrail", "lookup_events", region, StartTime=since, EndTime=until, LookupAttributes=_WRITES
    ):
        for event in cast("list[Mapping[str, object]]", page.get("Events", [])):
            event_id, at = str(event.get("EventId", "")), event.get("EventTime")
            if isinstance(at, datetime) and at >= _moment(end - LOOK_BACK):
                again.add(mark(event_id))
            if mark(event_id) not in seen:
                read_text(str(event.get("CloudTrailEvent", "")), f"cloudtrail:{event_id}", found)
    found.records.sort(key=lambda r: (r.event_time, r.event_id))
    return found, Lookup(end, sorted(again))


def _moment(at: Instant) -> datetime:
    return datetime.fromtimestamp(at // SECOND, UTC)
