"""What the investigator may ask a model. Every answer is checked here: what does not stand up is dropped and counted.

A model reads, proposes, chooses and phrases. It gives no scores, names only what was offered, cites only what was retrieved, and what it says
becomes no query. Each function raises `ModelError` where there is no answer; `attempt` turns that into the deterministic path with a label.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

from agent.claims import CitedFact, check, unsupported
from agent.llm import ChatModel, ModelError, Usage
from agent.llm_fence import Redact, fenced, one_line, prepared
from agent.llm_material import (
    MOST_CHANGES,
    MOST_CHECKS,
    MOST_ENTITIES,
    Offered,
    OfferedChange,
    OfferedCheck,
    change_lines,
    check_lines,
    entity_lines,
    fact_lines,
)
from agent.prompts import prompt
from graph.model import EntityRef

V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)

SYMPTOM_CHARS = 8_000
"""So much of a symptom is shown."""
MOST_PROPOSALS = 8
MOST_CHOSEN = 12
MOST_SENTENCES = 8
_MOST_NAMES = 20
_NAME_CHARS = 200
_MECHANISM_CHARS = 300


@dataclass(frozen=True, slots=True)
class Assisted(Generic[V_co]):
    """What came of asking.

    Attributes:
        value: what stood up, or what stands instead.
        dropped: one reason for each item that did not stand up.
        usage: what it cost.
        left_out: offered items that did not fit into the question.
        failed: a sentence for the reader when there was no usable answer and `value` was made without a model; else empty.
    """

    value: V_co
    dropped: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    left_out: int = 0
    failed: str = ""


@dataclass(frozen=True, slots=True)
class ClassQuoted:
    """A sort of failure, and the words of the report that say so."""

    name: str
    quote: str


@dataclass(frozen=True, slots=True)
class SymptomReading:
    """A symptom as a model read it; every quote and name stands in the text as it is."""

    classes: tuple[ClassQuoted, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A cause to look at. `change` is None when no known change did it; `because` are ids of what was retrieved."""

    change: EntityRef | None
    target: EntityRef
    mechanism: str
    because: tuple[str, ...]


class _Class(msgspec.Struct):
    name: str
    quote: str


class SymptomForm(msgspec.Struct):
    """How a model answers `read_symptom`."""

    classes: list[_Class]
    names: list[str]


class _Cause(msgspec.Struct):
    change: str
    target: str
    mechanism: str
    because: list[str]


class ProposalForm(msgspec.Struct):
    """How a model answers `propose`."""

    proposals: list[_Cause]


class ChecksForm(msgspec.Struct):
    """How a model answers `choose_checks`."""

    checks: list[str]


class TextForm(msgspec.Struct):
    """How a model answers `phrase`."""

    text: str


def attempt(call: Callable[[], Assisted[V]], instead: V) -> Assisted[V]:
    """What the call returns; where the model gives no usable answer, `instead`, labelled with why."""
    try:
        return call()
    except ModelError as error:
        return Assisted(instead, usage=error.usage, failed=f"Done without the model: {str(error).rstrip('.')}.")


def read_symptom(
    model: ChatModel, text: str, vocabulary: Mapping[str, str], *, redact: Redact
) -> Assisted[SymptomReading]:
    """Which sorts of failure a symptom describes and what it names.

    Args:
        model: who is asked.
        text: the symptom as told.
        vocabulary: the sorts of failure there are, each with what it means.
        redact: takes secrets out before the text leaves.
    """
    data = fenced({"the report": text}, redact, SYMPTOM_CHARS)
    listed = "\n".join(f"- `{name}`: {meaning}" for name, meaning in vocabulary.items())
    answer, usage = model.structured(
        prompt("read_symptom").fill(mark=data.mark, data=data.text, vocabulary=listed), SymptomForm
    )
    shown = _folded(prepared(text, redact)[:SYMPTOM_CHARS])
    dropped: list[str] = []
    classes: dict[str, ClassQuoted] = {}
    for item in answer.classes:
        quote = item.quote.strip()
        if item.name not in vocabulary:
            dropped.append("a sort of failure that does not exist")
        elif not quote or _folded(quote) not in shown:
            dropped.append("words that the report does not have")
        else:
            classes.setdefault(item.name, ClassQuoted(item.name, quote[:_NAME_CHARS]))
    names: dict[str, None] = {}
    for name in answer.names:
        if not name.strip() or len(name) > _NAME_CHARS or _folded(name) not in shown or len(names) >= _MOST_NAMES:
            dropped.append("a name that the report does not have")
        else:
            names.setdefault(" ".join(name.split()))
    return Assisted(SymptomReading(tuple(classes.values()), tuple(names)), tuple(dropped), usage, data.cut)


def propose(
    model: ChatModel,
    symptom: str,
    entities: Sequence[Offered],
    changes: Sequence[OfferedChange],
    *,
    redact: Redact,
    facts: Sequence[CitedFact] = (),
    most: int = MOST_PROPOSALS,
) -> Assisted[tuple[Proposal, ...]]:
    """Causes to look at, over what is offered.

    Args:
        model: who is asked.
        symptom: the symptom as told.
        entities, changes: what may be named, best first; read with the reader's view (`agent.llm_material`).
        redact: takes secrets out before anything leaves.
        facts: what else was retrieved and may be cited.
        most: how many proposals are taken.
    """
    targets = {f"e{i}": item for i, item in enumerate(entities[:MOST_ENTITIES], 1)}
    suspects = {f"h{i}": item for i, item in enumerate(changes[:MOST_CHANGES], 1)}
    data = fenced(
        {
            "the symptom": prepared(symptom, redact)[:SYMPTOM_CHARS],
            "things": entity_lines(targets, redact),
            "changes": change_lines(suspects, redact),
            "other findings": fact_lines(facts, redact),
        },
        redact,
        60_000,
    )
    answer, usage = model.structured(
        prompt("propose").fill(mark=data.mark, data=data.text, most=str(most)), ProposalForm
    )
    retrieved = _retrieved(suspects.values(), facts)
    dropped: list[str] = []
    kept: dict[tuple[EntityRef | None, EntityRef], Proposal] = {}
    for cause in answer.proposals:
        made = _proposal(cause, symptom, targets, suspects, retrieved)
        if isinstance(made, str):
            dropped.append(made)
        elif (made.change, made.target) in kept or len(kept) >= most:
            dropped.append("more than was asked for")
        else:
            kept[made.change, made.target] = made
    left_out = max(0, len(entities) - MOST_ENTITIES) + max(0, len(changes) - MOST_CHANGES)
    return Assisted(tuple(kept.values()), tuple(dropped), usage, left_out)


def choose_checks(
    model: ChatModel, symptom: str, offered: Sequence[OfferedCheck], *, redact: Redact, most: int = MOST_CHOSEN
) -> Assisted[tuple[str, ...]]:
    """The ids of the checks to make first, in order. The others remain to be made afterwards."""
    checks = {f"k{i}": item for i, item in enumerate(offered[:MOST_CHECKS], 1)}
    data = fenced(
        {"the symptom": prepared(symptom, redact)[:SYMPTOM_CHARS], "checks": check_lines(checks, redact)},
        redact,
        60_000,
    )
    answer, usage = model.structured(
        prompt("choose_checks").fill(mark=data.mark, data=data.text, most=str(most)), ChecksForm
    )
    dropped: list[str] = []
    chosen: dict[str, None] = {}
    for handle in answer.checks:
        item = checks.get(handle.strip())
        if item is None:
            dropped.append("a check that was not offered")
        elif item.id in chosen or len(chosen) >= most:
            dropped.append("more than was asked for")
        else:
            chosen[item.id] = None
    return Assisted(tuple(chosen), tuple(dropped), usage, max(0, len(offered) - MOST_CHECKS))


def phrase(
    model: ChatModel,
    facts: Sequence[CitedFact],
    instead: str,
    *,
    redact: Redact,
    must_cite: frozenset[str] = frozenset(),
    most: int = MOST_SENTENCES,
) -> Assisted[str]:
    """The facts in prose with citation marks, or `instead` when a single sentence is not borne out by what it cites.

    Args:
        model: who is asked.
        facts: all that may be said.
        instead: the deterministic text.
        redact: takes secrets out before anything leaves.
        must_cite: what the text may not leave out.
        most: how many sentences it may have.
    """
    data = fenced({"findings": fact_lines(facts, redact)}, redact, 60_000)
    answer, usage = model.structured(prompt("phrase").fill(mark=data.mark, data=data.text, most=str(most)), TextForm)
    checked = check(one_line(answer.text, redact, 20_000), facts)
    wrong = tuple(s.wrong for s in checked.sentences if s.wrong)
    cited = {i for s in checked.sentences for i in s.citations}
    if not checked.sentences:
        wrong = ("no sentence at all",)
    elif len(checked.sentences) > most:
        wrong = (*wrong, "more than was asked for")
    elif not must_cite <= cited:
        wrong = (*wrong, "the main finding is left out")
    if wrong:
        failed = f"Worded without the model: its text did not stand up ({wrong[0]})."
        return Assisted(instead, wrong, usage, failed=failed)
    return Assisted(checked.kept, (), usage)


def _proposal(
    cause: _Cause,
    symptom: str,
    targets: Mapping[str, Offered],
    suspects: Mapping[str, OfferedChange],
    retrieved: Mapping[str, str],
) -> Proposal | str:
    """The proposal, or why it does not stand."""
    handle = cause.change.strip()
    change = suspects.get(handle)
    if handle and change is None:
        return "a change that was not offered"
    target = targets.get(cause.target.strip())
    if target is None:
        return "a thing that was not offered"
    because = tuple(dict.fromkeys(i.strip(" []") for i in cause.because))
    if not because or any(i not in retrieved for i in because):
        return "a citation of what was not retrieved" if because else "no citation"
    mechanism = one_line(cause.mechanism, str, _MECHANISM_CHARS)
    if not mechanism:
        return "no mechanism"
    told = [symptom, target.label, *(retrieved[i] for i in because)]
    if change is not None:
        told += [change.label, change.at, change.text]
    # A mechanism is a guess and may say “causes”; what it names and counts is no guess.
    if wrong := unsupported(mechanism, told, names_only=True):
        return f"a mechanism with {wrong}"
    return Proposal(change.ref if change else None, target.ref, mechanism, because)


def _retrieved(changes: Iterable[OfferedChange], facts: Sequence[CitedFact]) -> dict[str, str]:
    """What each citation id says."""
    said: dict[str, list[str]] = {}
    for change in changes:
        for i in change.citations:
            said.setdefault(i, []).append(f"{change.at} {change.label}\n{change.text}")
    for fact in facts:
        said.setdefault(fact.id, []).append(fact.text)
    return {i: "\n".join(texts) for i, texts in said.items()}


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
