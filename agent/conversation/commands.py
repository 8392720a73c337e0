"""What a line asks to be done, beside questions: investigate, drift, cost, digest, status, help, show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from agent.times import read_times
from graph.clock import DAY, Instant

Action: TypeAlias = Literal[
    "ask", "investigate", "drift", "cost", "waste", "digest", "status", "help", "tree", "more", "rollback", "ask_back", "nothing"
]  # fmt: skip
COST_DAYS = 30
_BY = ("service", "team", "environment", "resource", "account")


@dataclass(frozen=True, slots=True)
class Command:
    """What to do. `text` is the symptom; `by` how cost is grouped; `period` that of a digest."""

    action: Action
    text: str = ""
    at: Instant | None = None
    since: Instant | None = None
    until: Instant | None = None
    environment: str = ""
    team: str = ""
    by: str = ""
    period: Literal["daily", "weekly", "monthly"] = "weekly"


_POLITE = r"(?:(?:please|pls|can you|could you|now|ok|so|and|then|just|show me|show|give me|list|run|make|get|tell me about|what(?:'s| is| about)?|how about|any|is there(?: any)?|the|our|current|open) )*"
_TABLE: tuple[tuple[Action, re.Pattern[str]], ...] = (
    ("help", re.compile(r"(?:help|usage|commands|what can (?:you|i|it|we) (?:do|ask)(?: you)?|how does this work|\?)", re.I)),
    ("tree", re.compile(r"(?:show |see |open )?(?:me )?(?:the )?(?:hypothesis |whole |full )?(?:tree|hypotheses|steps)", re.I)),
    ("more", re.compile(r"(?:show |see |tell |give )?(?:me )?(?:more|the rest|everything|all of (?:it|them)|the whole (?:thing|answer))", re.I)),
    ("status", re.compile(rf"{_POLITE}(?:status|sources|how fresh(?: is (?:the|your) (?:data|graph))?|freshness|what do you know)", re.I)),
    ("drift", re.compile(rf"{_POLITE}(?:drift(?:s|ed)?|what(?: has| have|'s)? drifted)(?: (?:report|now))?(?: (?:in|on|of|for) (?:the )?(?P<e>[\w-]+))?", re.I)),
    ("waste", re.compile(rf"{_POLITE}(?:waste|idle(?: resources)?|unused(?: resources)?|savings?)", re.I)),
    ("cost", re.compile(rf"{_POLITE}(?:costs?|spend(?:ing)?|bill(?:ing)?|(?:did|do|does) (?:we|it|this|all this) (?:spend|pay|cost))(?: report)?(?: (?:per|by) (?P<by>\w+))?(?: (?:of|for) (?:(?:the )?team )?(?P<team>[\w-]+))?(?: (?:per|by) (?P<by2>\w+))?", re.I)),
    ("digest", re.compile(rf"{_POLITE}(?:(?P<p>daily|weekly|monthly) )?digest(?: (?P<p2>daily|weekly|monthly))?(?: (?:of|for) (?:(?:the )?team )?(?P<team>[\w-]+))?", re.I)),
)  # fmt: skip
_MUCH = re.compile(r"^(?:how much|what) (?=did|do|does)", re.I)
_INVESTIGATE = re.compile(
    r"(?:(?:please|pls|can you|could you|and|now|ok) )*(?:investigate|look into|rca|root[- ]cause)(?: why| that| what happened(?: to| with)?)?[\s:]+(?P<s>.+)",
    re.I,
)
_AT = re.compile(
    r"\s+(?:at|as of|on) (?P<t>\d{4}-\d{2}-\d{2}[ T]\d{1,2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:?\d{2})?)$", re.I
)


def command_of(text: str, now: Instant) -> Command | None:
    """The command of a line; None when it is a question."""
    line = text.strip().strip("?!. ").removeprefix("/lore").strip()
    if not line:
        return Command("help") if text.strip() else None
    if found := _INVESTIGATE.fullmatch(line):
        return _investigate(found["s"], now)
    times = read_times(line, now)
    rest = _MUCH.sub("", times.rest.strip(" ?!.,"))
    for action, pattern in _TABLE:
        if not (found := pattern.fullmatch(rest)):
            continue
        said = {name: value or "" for name, value in found.groupdict().items()}
        by = (said.get("by") or said.get("by2") or "service").casefold().removesuffix("s")
        if action == "cost" and by not in _BY:
            return None
        since, until = times.since, times.until
        if action in ("cost", "digest") and since is None and times.at is not None:
            until = times.at
        if action == "cost":
            until = now if until is None else until
            since = until - COST_DAYS * DAY if since is None else since
        period = said.get("p") or said.get("p2") or "weekly"
        return Command(
            action,
            since=since,
            until=until,
            at=times.at,
            environment=said.get("e", "").casefold(),
            team=said.get("team", ""),
            by=by,
            period="daily" if period == "daily" else "monthly" if period == "monthly" else "weekly",
        )
    return None


def _investigate(symptom: str, now: Instant) -> Command:
    """The symptom, and when it was detected when an exact time stands at its end."""
    at = None
    if found := _AT.search(symptom):
        at = read_times(f"on {found['t']}", now).at
        if at is not None:
            symptom = symptom[: found.start()]
    return Command("investigate", symptom.strip(), at=min(at, now) if at is not None else None)
