"""What a text names beyond names of things: pull requests, versions of services, applies at a time, incidents.

An anchor is something a source numbered or dated: it names one thing for certain, whatever else the sentence says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from agent.evidence import text_of
from agent.named_service import environment_in, service_in
from agent.shipments import Shipment, shipments
from agent.times import read_times
from graph.clock import SECOND, Instant
from graph.store import EntityView, Limits

if TYPE_CHECKING:
    from agent.context import Context

_NUMBERED = re.compile(
    r"(?P<mark>[#!])(?P<number>\d{1,9})\b|\b(?:pull request|merge request|pull|pr|mr)s?(?: [ #!]*)?(?P<told>\d{1,9})\b",
    re.I,
)
"""`#12`, `!12`, `PR 12`. A repository before the mark is read backwards: a pattern that begins with it takes cubic time on a long word."""
_VERSION = re.compile(r"(?<![\w./-])v?(\d+\.\d+(?:\.\d+)*(?:[-+][\w.]+)?)(?![\w/])")
_NEAR: Instant = 10 * 60 * SECOND
_INCIDENT = re.compile(r"\b(?:incidents?|outages?|post-?mortems?|alerts?|alarms?|pages?)\b", re.I)
_CHANGE_WORDS = re.compile(
    r"^(?:(?:the|a|an|that|this|our|last|latest|most recent|new|code|config(?:uration)?) )*(?:(?:changes?|modifications?|updates?|edits?|tweaks?|bump|move|switch|decision|pull requests?|prs?|merge requests?)"
    r"(?: (?:that|which|we|somebody|someone|was|were|made|did))* (?:to|of|in|on|for|about|touching|that touched|that changed|with|behind|regarding|which changed) )+",
    re.I,
)
_APPLY = re.compile(r"\bappl(?:y|ies|ied)\b", re.I)
_ARTICLES = re.compile(r"^(?:(?:the|a|an|our|new|current|changing|for) )+", re.I)


def requests_in(context: Context, text: str) -> tuple[EntityView, ...]:
    """The pull requests that a text numbers; several when a number alone fits several repositories."""
    for found in _NUMBERED.finditer(text):
        repository = repository_before(text, found.start()) if found["mark"] else ""
        before = text[: found.start() - len(repository)]
        if _INCIDENT.search(before[-14:]) or _INCIDENT.fullmatch(repository):
            continue
        number = int(found["number"] or found["told"])
        page = context.store.select("PullRequest", {"number": [number]}, context.view, Limits(rows=50))
        named = repository.casefold().strip("/")
        hits = [
            e for e in page.items if not named or _is_repository(text_of(e.properties, "repository").casefold(), named)
        ]
        if hits:
            return tuple(hits)
    return ()


def repository_before(text: str, end: int) -> str:
    """The name of a repository, with its owner perhaps, that ends just before a position; empty when none does. It holds a letter.

    >>> repository_before("see acme/infra#12", 14)
    'acme/infra'
    """
    start = end
    while start and (text[start - 1].isalnum() or text[start - 1] in "_.-/"):
        start -= 1
    path = text[start:end].rpartition("//")[2].lstrip("/")
    return path if any(c.isascii() and c.isalpha() for c in path.rpartition("/")[2]) else ""


def _is_repository(repository: str, named: str) -> bool:
    whole = repository == named or repository.endswith("/" + named) or named.endswith("/" + repository)
    return whole or (named == "pr" or named == "mr")


def version_in(text: str) -> str:
    """The version number in a text; empty when there is none."""
    found = _VERSION.search(text)
    return found[1] if found else ""


def shipments_in(context: Context, text: str) -> tuple[Shipment, ...]:
    """The deployments of a version of a service that a text names ("checkout 1.4.0"), oldest first."""
    version = version_in(text)
    if not version:
        return ()
    service = service_in(context, text)
    environment = environment_in(context, f"{text} {context.question.environment}")
    found = [
        s
        for s in shipments(context.store, context.view).all
        if s.version.removeprefix("v") == version and (not service or s.service == service)
    ]
    return tuple([s for s in found if s.environment == environment] or found) if environment else tuple(found)


def names_version(context: Context, text: str) -> bool:
    """Whether a text names a version of a service, deployed or not."""
    return bool(version_in(text)) and bool(service_in(context, text))


def apply_at(context: Context, text: str, at: Instant | None) -> Shipment | None:
    """The apply in an environment at a moment, as told to the minute; the nearest within ten minutes."""
    if at is None:
        return None
    environment = environment_in(context, f"{text} {context.question.environment}")
    near = [
        s
        for s in shipments(context.store, context.view).all
        if s.is_apply
        and (not environment or s.environment == environment)
        and s.started_at - _NEAR <= at <= s.at + _NEAR
    ]
    return min(near, key=lambda s: (abs(s.at - at), s.ref)) if near else None


def names_apply(text: str) -> bool:
    """Whether a text speaks of an apply."""
    return _APPLY.search(text) is not None


def without_change_words(text: str) -> str:
    """ "the change to the port of X" without what only says that it is a change: "port of X"."""
    while (found := _CHANGE_WORDS.match(text)) is not None and found.end() < len(text):
        text = text[found.end() :]
    return _ARTICLES.sub("", text) or text


def moment_in(context: Context, text: str) -> Instant | None:
    """The moment that a text names."""
    times = read_times(text, context.now)
    return next((t for t in (times.at, times.since, times.until) if t is not None), None)


def first_of(found: Sequence[Shipment], environment: str) -> Shipment | None:
    """The first deployment to an environment, else the first at all."""
    return next((s for s in found if s.environment == environment), found[0] if found else None)
