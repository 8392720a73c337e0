"""A question in free language: a model turns it into typed queries, the same answerers as always answer them, and a model may word the answer.

The model sees the question and, afterwards, the facts of the answer; it writes no query and decides nothing: kinds and fields are closed, what it
quotes must stand in the question, times are read by our own reader, and each sentence of its wording is checked against what it cites.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from agent.ask import ask
from agent.assist import Assisted, attempt
from agent.claims import CitedFact, check, sentences_of
from agent.context import Context, Search
from agent.evidence import Citations
from agent.intent import clean, understand
from agent.llm import ChatModel
from agent.llm_fence import Redact, fenced, one_line, prepared
from agent.llm_material import fact_lines
from agent.model import Answer, Question, QuestionKind
from agent.model import Usage as AnswerUsage
from agent.prompts import prompt
from agent.questions import KINDS, answerer
from agent.times import Times, read_times
from graph.clock import Instant
from graph.model import PUBLIC
from graph.store import GraphStore, View

MOST_QUERIES = 3
MOST_SENTENCES = 8
_FIELD_CHARS = 300
_ASKABLE: dict[str, QuestionKind] = {kind: kind for kind in KINDS if kind != "refused"}


class _Query(msgspec.Struct):
    kind: str
    mention: str
    when: str
    by: str
    environment: str
    attribute: str
    effects: list[Literal["created", "updated", "deleted", "moved"]]
    direction: Literal["in", "out"]


class QuestionForm(msgspec.Struct):
    """How a model answers `read_question`."""

    queries: list[_Query]


class WordingForm(msgspec.Struct):
    """How a model answers `phrase_answer`."""

    text: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """What everything about one question shares."""

    store: GraphStore
    text: str
    view: View
    now: Instant
    as_of: Instant | None
    known_at: Instant | None
    since: Instant | None
    until: Instant | None
    search: Search | None

    @property
    def today(self) -> Instant:
        """What "yesterday" is relative to."""
        return self.now if self.as_of is None else min(self.now, self.as_of)


def ask_freely(
    model: ChatModel,
    store: GraphStore,
    text: str,
    *,
    redact: Redact,
    now: Instant,
    as_of: Instant | None = None,
    known_at: Instant | None = None,
    since: Instant | None = None,
    until: Instant | None = None,
    audience: frozenset[str] = frozenset({PUBLIC}),
    search: Search | None = None,
    word: bool = True,
) -> Answer:
    """Answer a question with a model's help; without a usable answer of the model as `ask` does, and `missing` says so.

    Args:
        model: who reads the question.
        redact: takes secrets out of what leaves.
        word: whether the model may also word the answer.
        store, text, now, as_of, known_at, since, until, audience, search: as `agent.ask.ask`.

    Raises:
        GraphError: the store cannot be read.
    """
    started = time.perf_counter()
    view = View(as_of, store.record(known_at), audience)
    asked = _Asked(store, clean(text), view, now, as_of, known_at, since, until, search)
    plain = understand(asked.text, asked.today)
    if plain.kind == "refused":  # an order, or nothing at all: no model makes a question of it
        return _plain(asked)
    reading = attempt(lambda: read_question(model, asked.text, asked.today, redact=redact), ())
    answer = _answered(asked, reading.value) if reading.value else None
    used, missing = reading.usage, _said_of(reading)
    if answer is None:
        if not reading.failed:
            missing.append("The model's reading of the question found nothing; it was read without.")
        answer = _plain(asked)
    elif word and answer.status in ("answered", "ambiguous"):
        found = answer
        wording = attempt(lambda: worded(model, asked.text, found, redact=redact), answer.text)
        answer = msgspec.structs.replace(answer, text=wording.value)
        used += wording.usage
        missing += _said_of(wording)
    return msgspec.structs.replace(
        answer,
        missing=tuple(dict.fromkeys((*answer.missing, *missing))),
        usage=AnswerUsage(llm_calls=used.calls, tokens=used.tokens, elapsed_s=round(time.perf_counter() - started, 6)),
    )


def read_question(model: ChatModel, text: str, now: Instant, *, redact: Redact) -> Assisted[tuple[Question, ...]]:
    """The typed queries that answer a question, the best first; those that do not stand up are dropped and counted."""
    data = fenced({"the question": text}, redact, _FIELD_CHARS * 20)
    kinds = "\n".join(f"- `{kind}`: {what}" for kind, what in KINDS.items() if kind in _ASKABLE)
    answer, usage = model.structured(
        prompt("read_question").fill(mark=data.mark, data=data.text, kinds=kinds, most=str(MOST_QUERIES)), QuestionForm
    )
    shown = prepared(text, redact)
    plain = understand(text, now)
    dropped: list[str] = []
    questions: dict[Question, None] = {}
    for query in answer.queries:
        made = _question(query, text, shown, plain, now)
        if isinstance(made, str):
            dropped.append(made)
        elif made in questions or len(questions) >= MOST_QUERIES:
            dropped.append("more than was asked for")
        else:
            questions[made] = None
    return Assisted(tuple(questions), tuple(dropped), usage)


def worded(model: ChatModel, text: str, answer: Answer, *, redact: Redact) -> Assisted[str]:
    """An answer in the model's words: those sentences that what they cite bears out, the others dropped and counted.

    The answer's own text stands where that leaves out its first fact, and where it says something that no fact says. What it says
    before its first fact (which of several things is meant) stays in front.
    """
    facts = [CitedFact(i, fact.statement) for fact in answer.facts for i in fact.citations]
    lead = _lead(answer)
    if not facts or lead is None:
        return Assisted(answer.text)
    data = fenced({"the question": text, "findings": fact_lines(facts, redact)}, redact, 40_000)
    said, usage = model.structured(
        prompt("phrase_answer").fill(mark=data.mark, data=data.text, most=str(MOST_SENTENCES)), WordingForm
    )
    checked = check(" ".join(sentences_of(one_line(said.text, redact, 20_000))[:MOST_SENTENCES]), facts)
    wrong = tuple(s.wrong for s in checked.sentences if s.wrong)
    kept = {i for s in checked.sentences if not s.wrong for i in s.citations}
    if not kept & set(answer.facts[0].citations):
        return Assisted(
            answer.text, wrong, usage, failed="Worded without the model: its text did not say the main finding."
        )
    return Assisted(f"{lead} {checked.kept}".strip(), wrong, usage)


def _lead(answer: Answer) -> str | None:
    """What an answer's text says before its first fact; None when it says anything else than its facts after that."""
    rest = answer.text
    for fact in answer.facts:
        if not fact.citations:
            return None
        shown = f"{fact.statement.rstrip('.')} {''.join(f'[{i}]' for i in fact.citations)}."
        rest = rest.replace(shown, "\0", 1)
    lead, *others = rest.split("\0")
    return None if any(c.isalnum() for other in others for c in other) else lead.strip()


def _plain(asked: _Asked) -> Answer:
    return ask(
        asked.store,
        asked.text,
        as_of=asked.as_of,
        known_at=asked.known_at,
        since=asked.since,
        until=asked.until,
        audience=asked.view.audience,
        now=asked.now,
        search=asked.search,
    )


def _question(query: _Query, text: str, shown: str, plain: Question, now: Instant) -> Question | str:
    """The question that a query means, or why it does not stand."""
    kind = _ASKABLE.get(query.kind.strip())
    if kind is None:
        return "a kind of query that does not exist"
    quotes = (query.mention, query.when, query.by, query.environment, query.attribute)
    if any(len(quote) > _FIELD_CHARS or _folded(quote) not in _folded(shown) for quote in quotes):
        return "words that the question does not have"
    times = read_times(clean(query.when), now) if query.when.strip() else Times("")
    if query.when.strip() and times.at is None and times.since is None and times.until is None:
        times = read_times(text, now)
        if times.at is None and times.since is None and times.until is None:
            return "a time that was not understood"
    return Question(
        kind,
        text,
        mention=clean(query.mention),
        since=times.since,
        until=times.until,
        at=times.at,
        by=clean(query.by),
        effects=frozenset(query.effects),
        attribute=clean(query.attribute),
        direction=query.direction,
        environment=clean(query.environment).casefold(),
        wanted=plain.wanted if plain.kind == kind else "",
    )


def _answered(asked: _Asked, questions: Sequence[Question]) -> Answer | None:
    """The answers to all of them as one; None when none found anything."""
    citations = Citations()
    answers: list[Answer] = []
    for question in questions:
        if asked.since is not None or asked.until is not None:
            question = _within(question, asked)
        context = Context(
            asked.store,
            question,
            asked.view,
            asked.now,
            asked.as_of,
            asked.known_at,
            asked.search,
            citations=citations,
        )
        answer = answerer(question.kind)(context)
        if answer.status in ("answered", "ambiguous"):
            text = " ".join([*dict.fromkeys(context.notes), answer.text])
            answers.append(msgspec.structs.replace(answer, text=text))
    return _joined(answers, citations) if answers else None


def _within(question: Question, asked: _Asked) -> Question:
    return replace(question, since=asked.since, until=asked.until)


def _joined(answers: Sequence[Answer], citations: Citations) -> Answer:
    """Several answers in one, whose kind, status and confidence are the first's; they share their citations."""
    first = answers[0]
    return msgspec.structs.replace(
        first,
        resolved=tuple({m.ref: m for a in reversed(answers) for m in reversed(a.resolved)}.values())[::-1],
        changes=tuple(change for a in answers for change in a.changes),
        entities=tuple({e.ref: e for a in answers for e in a.entities}.values()),
        relations=tuple(dict.fromkeys(r for a in answers for r in a.relations)),
        truncated=any(a.truncated for a in answers),
        text=" ".join(dict.fromkeys(a.text for a in answers)),
        facts=tuple(dict.fromkeys(f for a in answers for f in a.facts)),
        citations=citations.all(),
        missing=tuple(dict.fromkeys(m for a in answers for m in a.missing)),
    )


def _said_of(assisted: Assisted[tuple[Question, ...]] | Assisted[str]) -> list[str]:
    """What a reader must know of a model's part."""
    said = [assisted.failed] if assisted.failed else []
    if assisted.dropped:
        count = len(assisted.dropped)
        what = "thing" if count == 1 else "things"
        said.append(
            f"{count} {what} that the model said did not stand up and {'was' if count == 1 else 'were'} left out ({assisted.dropped[0]})."
        )
    return said


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
