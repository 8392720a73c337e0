"""The last question again for another environment, time, thing or person: "what about staging?", "and last week?"."""

from __future__ import annotations

import re

from agent.conversation.line import Followed, Line, not_named
from agent.conversation.referring import has_reference
from agent.conversation.turns import Turn
from agent.conversation.words import IT, PERSON, replaced
from agent.evidence import inline
from agent.intent import understand
from agent.model import Question
from agent.people import find_people
from agent.times import read_times

_QUESTION = re.compile(
    r"(?:who|whom|whose|what|which|when|where|why|how|is|are|was|were|did|does|do|has|have|had|can|could|should|would|will|any|"
    r"show|list|tell|give|investigate|find|describe|explain|by|at|in which|since when|what's|who's)\b",
    re.I,
)
_RUNS_THERE = re.compile(
    r"(?:what|which version)(?: is| does| do|'s)? (?:the )?(?P<e>[\w-]+) (?:run(?:ning|s)?|have|has|on|use|using)", re.I
)
_SAME = re.compile(
    r"(?P<lead>(?:what|how) about|(?:and )?(?:the )?same(?: thing| question)? (?:for|in|on|of)|for|and)?\s*(?:in |on |to |at |for |with )?(?P<x>.+)",
    re.I,
)


def switched(line: Line) -> Followed | None:
    """The last question again with one thing in it replaced."""
    if (there := _RUNS_THERE.fullmatch(line.text)) and (named := line.environment(there["e"])):
        running = line.last is not None and line.last.kind == "running"
        return _elsewhere(line, line.question, named) if running and line.question is not None else None
    found = _SAME.fullmatch(line.text)
    if found is None:
        return None
    lead = (found["lead"] or "").casefold().strip()
    asked = bool(lead) or line.continued
    short = len(line.text.split()) <= 4
    turn = line.question
    environment = line.environment(found["x"]) if len(found["x"].split()) <= 3 else ""
    if environment and (asked or short):
        return _elsewhere(line, turn, environment) if turn is not None else not_named(f"What about {environment}?")
    told = line.text[found.end("lead") :].strip() if found["lead"] else line.text
    times = read_times(told, line.now)
    timed = not times.rest.strip(" ?,.") and (times.since, times.until, times.at) != (None, None, None)
    if timed:
        if turn is None:
            return not_named("What about that time?")
        rest = read_times(turn.asked, line.now).rest.strip(" ?")
        if turn.kind == "running":
            rest = re.sub(r"\b(?:runs|is running)\b", "ran", rest, count=1, flags=re.I)
        return Followed(f"{rest} {told}?")
    if not asked or _QUESTION.match(told) or (not lead and has_reference(told)):
        return None
    if re.fullmatch(rf"{IT}|{PERSON}|there|then", told, re.I):
        return None
    if turn is None:
        return (
            Followed(back=f"What about {inline(told, 80)}? Ask a full question: “who changed {inline(told, 80)}?”.")
            if lead
            else None
        )
    return _another(line, turn, told)


def _elsewhere(line: Line, turn: Turn, environment: str) -> Followed:
    """The last question for another environment."""
    question = understand(turn.asked, line.now)
    asked_of_change = question.kind in ("approved", "why", "discussed", "who_is", "owner", "pipeline")
    if turn.change is not None and (asked_of_change or turn.change.name.casefold() in turn.asked.casefold()):
        return Followed(f"when did {turn.change.name} reach {environment}?")
    words = [w for w in re.findall(r"[\w-]+", turn.asked) if line.environment(w) and line.environment(w) != environment]
    for word in words:
        # An environment that stands by itself, and not inside a path or an address.
        swapped, count = re.subn(
            rf"(?<![\w/.\-]){re.escape(word)}(?![\w/.\-](?!\s|$))", environment, turn.asked, flags=re.I
        )
        if count:
            return Followed(f"{swapped.rstrip(' ?')}?")
    twin = _twin(line, turn, question, environment)
    if twin:
        return Followed(replaced(turn.asked, question.mention, twin))
    return Followed(f"{turn.asked.rstrip(' ?')} in {environment}?")


def _twin(line: Line, turn: Turn, question: Question, environment: str) -> str:
    """The same file or address of another environment: `orders/staging.yaml` to `orders/prod.yaml`."""
    if turn.thing is None or not question.mention:
        return ""
    for choice in turn.choices:
        label = choice.label.casefold()
        if any(line.environment(w) == environment for w in re.findall(r"[a-z0-9]+", label)):
            before, _, _ = turn.asked.partition(question.mention)
            after = turn.asked[len(before) + len(question.mention) :]
            middle = choice.question.removeprefix(before)
            return middle[: len(middle) - len(after)] if after else middle
    # The path's end tells more than the thing's own name.
    for word in reversed(re.findall(r"[A-Za-z0-9]+", turn.thing.name)):
        if (named := line.environment(word)) and named != environment:
            return re.sub(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])", environment, turn.thing.name)
    return ""


def _another(line: Line, turn: Turn, told: str) -> Followed | None:
    """The last question about another thing or person."""
    question = understand(turn.asked, line.now)
    plain = re.sub(r"^(?:the|our|a|an) ", "", told, flags=re.I)
    if question.by and find_people(line.store, plain, line.view):
        return Followed(replaced(turn.asked, question.by, plain))
    if question.mention:
        return Followed(
            replaced(turn.asked, question.mention, told if told != plain and "the " not in turn.asked else plain)
        )
    if question.kind in ("what_changed", "went_out", "alerts"):
        return Followed(f"{turn.asked.rstrip(' ?')} in {plain}?")
    return None
