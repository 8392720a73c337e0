"""A symptom and its candidate changes as numbers: one mapping of feature to value for each candidate, with the words to explain it.

All are comparisons within one window, so that a model trained on one repository speaks of another. Who made a change is none of them,
nor whether it is a revert itself.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log, log1p, sqrt

from agent.prior.age import age_scores, typical_age
from agent.prior.candidate import Asked, Candidate, Corpus
from agent.prior.history import History
from agent.prior.words import Rarity, counted, path_words, told, words
from graph.clock import SECOND
from graph.model import EntityRef

_MOST_PATHS = 60
_HOUR = 3_600 * SECOND
_LONG_WORD = 5
_LATER = 60
"""Later changes of a file that are looked at, the nearest in time."""


@dataclass(frozen=True, slots=True)
class Features:
    """What was measured.

    Attributes:
        rows: by candidate, in their order: feature to value.
        said: by candidate: what a sentence about a feature may name (`{word}`, `{path}`).
        whole: of the question itself: how much text, how many candidates; for "none of these".
        dense: whether likeness by meaning was at hand.
    """

    rows: tuple[Mapping[str, float], ...]
    said: tuple[Mapping[str, str], ...]
    whole: Mapping[str, float] = field(default_factory=dict[str, float])
    dense: bool = False


@dataclass(frozen=True, slots=True)
class _Texts:
    """The words of one candidate, field by field."""

    title: Mapping[str, int]
    message: Mapping[str, int]
    paths: Mapping[str, int]
    removed: Mapping[str, int]
    added: Mapping[str, int]
    sections: Mapping[str, int]
    whole: Mapping[str, int]


def measure(
    asked: Asked, candidates: Sequence[Candidate], corpus: Corpus, dense: Mapping[EntityRef, float] | None = None
) -> Features:
    """The features of candidates, which may come in any order; `dense` is the cosine of their texts to the symptom, by ref."""
    order = sorted(range(len(candidates)), key=lambda i: (-candidates[i].at, candidates[i].ref))
    newest_first = [candidates[i] for i in order]
    past = [p for p in corpus.past() if p.at <= asked.at]
    sought = frozenset(words(asked.text))
    history = History(past, sought, asked.at)
    texts = [_texts(candidate) for candidate in newest_first]
    rarity = _rarity(sought, history, texts)
    rows: list[dict[str, float]] = [{} for _ in newest_first]
    said: list[dict[str, str]] = [{} for _ in newest_first]
    _age(rows, said, asked, newest_first, history)
    _words(rows, said, rarity, texts)
    _past(rows, said, newest_first, history, rarity)
    _followed(rows, newest_first, texts)
    known = _meaning(rows, newest_first, dense or {})
    _graph(rows, newest_first)
    whole = _whole(rows, rarity, texts, asked, newest_first)
    place = {number: position for position, number in enumerate(order)}
    return Features(
        tuple(rows[place[i]] for i in range(len(candidates))),
        tuple(said[place[i]] for i in range(len(candidates))),
        whole,
        known,
    )


def _texts(candidate: Candidate) -> _Texts:
    title, message = told(candidate.title, candidate.message)
    removed, added = words(candidate.before_text), words(candidate.after_text)
    if not removed and not added:
        added = words(candidate.changed)
    paths, sections, all_words = path_words(candidate.paths[:_MOST_PATHS]), words(candidate.sections), words(message)
    return _Texts(
        Counter(words(title)),
        Counter(all_words),
        Counter(paths),
        Counter(removed),
        Counter(added),
        Counter(sections),
        counted(all_words, paths, removed, added, sections),
    )


def _rarity(sought: frozenset[str], history: History, texts: Sequence[_Texts]) -> Rarity:
    holding = Counter(history.holding)
    for text in texts:
        holding.update(sought & text.whole.keys())
    return Rarity(sought, len(history) + len(texts), holding)


def _age(
    rows: Sequence[dict[str, float]],
    said: list[dict[str, str]],
    asked: Asked,
    candidates: Sequence[Candidate],
    history: History,
) -> None:
    changes = history.past
    ages = age_scores(len(candidates), changes, asked.at)
    count, typical = typical_age(changes, asked.at)
    for i, (row, candidate) in enumerate(zip(rows, candidates, strict=True)):
        hours = max(0.0, (asked.at - candidate.at) / _HOUR)
        row["age_here"] = ages[i]
        row["rank"] = log(i + 1.0)
        row["gap"] = log(hours + 0.25)
        row["undone"] = 1.0 if candidate.undone_at is not None and candidate.undone_at < asked.at else 0.0
        said[i] |= {"rank": str(i + 1), "undone_count": str(count), "typical": str(typical), "ago": _ago(hours)}


def _words(
    rows: Sequence[dict[str, float]], said: list[dict[str, str]], rarity: Rarity, texts: Sequence[_Texts]
) -> None:
    fields = {
        "words": rarity.bm25([t.whole for t in texts]),
        "title": rarity.bm25([t.title for t in texts]),
        "message": rarity.bm25([t.message for t in texts]),
        "path": rarity.bm25([t.paths for t in texts]),
        "removed": rarity.bm25([t.removed for t in texts]),
        "added": rarity.bm25([t.added for t in texts]),
        "section": rarity.bm25([t.sections for t in texts]),
    }
    best = max(3.0, *fields["words"]) if texts else 3.0
    usual = sum(fields["words"]) / max(1, len(texts))
    deviation = sqrt(sum((value - usual) ** 2 for value in fields["words"]) / max(1, len(texts)))
    likely = rarity.likely([t.whole for t in texts])
    ranks = _ranks(fields["words"])
    for i, (row, text) in enumerate(zip(rows, texts, strict=True)):
        row |= {name: log1p(scores[i]) for name, scores in fields.items()}
        row["soft"] = likely[i]
        row["words_share"] = fields["words"][i] / best
        row["words_z"] = (fields["words"][i] - usual) / (deviation + 0.3)
        row["words_rank"] = -log(ranks[i] + 1.0)
        row["words_age"] = row["words"] * row["rank"]
        row["rarest"], word = rarity.rarest(text.whole)
        shared = sorted((w for w in rarity.words if w in text.whole), key=lambda w: (-rarity.of[w], w))
        said[i] |= {"word": word, "shared": ", ".join(shared[:4])}


def _past(
    rows: Sequence[dict[str, float]],
    said: list[dict[str, str]],
    candidates: Sequence[Candidate],
    history: History,
    rarity: Rarity,
) -> None:
    spoken_of, undone_for = history.spoken_of(rarity), history.undone_for(rarity)
    for i, candidate in enumerate(candidates):
        value, path = history.touching(candidate.paths, spoken_of)
        rows[i]["spoken_of"], said[i]["spoken_path"] = log1p(value), path
        value, path = history.touching(candidate.paths, undone_for)
        rows[i]["risk"], said[i]["risk_word"] = history.risk(told(candidate.title, "")[0])
        rows[i]["undone_for"], said[i]["undone_path"] = log1p(value), path


def _followed(rows: Sequence[dict[str, float]], candidates: Sequence[Candidate], texts: Sequence[_Texts]) -> None:
    """How much a later change of the same files speaks of the same things: somebody was mending."""
    long = [{word for word in text.message if len(word) >= _LONG_WORD} for text in texts]
    paths = [frozenset(candidate.paths[:_MOST_PATHS]) for candidate in candidates]
    touching: dict[str, list[int]] = {}
    for i, some in enumerate(paths):
        later = {j for path in some for j in touching.get(path, ())[-_LATER:]}
        most = max((len(long[i] & long[j]) for j in later), default=0)
        rows[i]["followed"] = log1p(most / sqrt(1.0 + len(texts[i].message)))
        for path in some:
            touching.setdefault(path, []).append(i)


def _meaning(
    rows: Sequence[dict[str, float]], candidates: Sequence[Candidate], dense: Mapping[EntityRef, float]
) -> bool:
    known = [dense[c.ref] for c in candidates if c.ref in dense]
    if not known:
        return False
    usual = sum(known) / len(known)
    for row, candidate in zip(rows, candidates, strict=True):
        row["dense"] = dense.get(candidate.ref, usual)
        row["dense_age"] = row["dense"] * row["rank"]
    return True


def _graph(rows: Sequence[dict[str, float]], candidates: Sequence[Candidate]) -> None:
    for row, candidate in zip(rows, candidates, strict=True):
        near = candidate.distance is not None and candidate.direction != "downstream"
        row["near"] = 1.0 / (1.0 + (candidate.distance or 0.0)) if near else 0.0
        row["downstream"] = 1.0 if candidate.direction == "downstream" else 0.0
        row["fit"] = candidate.fit
        row["environment"] = candidate.environment_match
        row["memory"] = candidate.memory
        row["format_only"] = 1.0 if candidate.format_only else 0.0


def _whole(
    rows: Sequence[Mapping[str, float]],
    rarity: Rarity,
    texts: Sequence[_Texts],
    asked: Asked,
    candidates: Sequence[Candidate],
) -> dict[str, float]:
    total = sum(rarity.of.values())
    held = {word for word in rarity.words if any(word in text.whole for text in texts)}
    best = sorted((row["words"] for row in rows), reverse=True)
    meant = sorted((row["dense"] for row in rows if "dense" in row), reverse=True)
    return {
        "symptom_words": log1p(len(rarity.words)),
        "symptom_rarity": log1p(total),
        "covered": sum(rarity.of[word] for word in held) / total if total else 0.0,
        "best_words": best[0] if best else 0.0,
        "words_margin": best[0] - best[1] if len(best) > 1 else 0.0,
        "best_rarest": max((row["rarest"] for row in rows), default=0.0),
        "best_title": max((row["title"] for row in rows), default=0.0),
        "best_dense": meant[0] if meant else 0.0,
        "dense_margin": meant[0] - meant[1] if len(meant) > 1 else 0.0,
        "dense_typical": meant[len(meant) // 2] if meant else 0.0,
        "count": log1p(len(candidates)),
        "newest": log(max(0.0, (asked.at - candidates[0].at) / _HOUR) + 0.25) if candidates else 0.0,
    }


def _ranks(scores: Sequence[float]) -> list[float]:
    """How many score more, those of equal score sharing their places."""
    ordered = sorted(scores)
    return [
        len(ordered)
        - bisect_right(ordered, score)
        + (bisect_right(ordered, score) - bisect_left(ordered, score) - 1) / 2
        for score in scores
    ]


def _ago(hours: float) -> str:
    if hours < 1.0:
        return f"{max(1, round(hours * 60))} min"
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"
