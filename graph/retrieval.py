"""From a question in words to passages and the entities behind them.

By meaning first: the passages nearest to the query are ordered by the best match of their sentences. Full text adds what
meaning cannot find (identifiers, passages that have no vector yet); its hits are judged by the same measure instead of mixing
two kinds of scores. Without an embedder or vectors full text serves alone. Figures: docs/adr/0004.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from graph.algorithms import importance
from graph.embeddings import Embedder, EmbedderUnavailable
from graph.errors import EmbedderMismatch
from graph.model import EntityRef
from graph.store import GraphStore, Limits, Page, Subgraph, TextHit, View
from graph.text import has_identifier

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RERANKED = 10
"""So many of the nearest passages are compared sentence by sentence; of the full-text hits too when the query has an
identifier or hardly any passage has a vector."""
RERANKED_TEXT = 3
"""So many full-text hits join them otherwise."""
MAX_SENTENCES = 24
"""Sentences of a passage that are compared; the rest of a longer one counts through its own vector only."""
NEIGHBOURS = 200
"""Relations looked at around the best entities."""

_SENTENCE_END = re.compile(r"(?<=[.!?])(?<!\n\d\.)\s+|\n\s*\n|\n(?=\s*(?:[-*#]|\d+[.)])\s*)")
_CHUNK = re.compile(r"[\s\"'`<>()\[\]{},;|=]+")
_EDGES = "_.:/-#@!?*,;\"'`()<>[]{}"

Measure = Literal["cosine", "bm25"]


@dataclass(frozen=True, slots=True)
class RankedPassage:
    """A passage found.

    Attributes:
        hit: the passage and where it comes from.
        score: by `Retrieved.measure`: the mean of its own cosine to the query and its best sentence's, or BM25.
        literal: it holds an identifier of the query, or belongs to what that names or to one of its neighbours. Ranks first.
    """

    hit: TextHit
    score: float
    literal: bool = False


@dataclass(frozen=True, slots=True)
class RankedEntity:
    """An entity behind the question: `name` when the query names it, `passage` when a passage found belongs to it,
    `neighbour` when it is related to those. Listed in this order, scores compare within one."""

    ref: EntityRef
    via: Literal["name", "passage", "neighbour"]
    score: float


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What was found, best first. `cut`: there is more. `missing`: one sentence for each thing that could not be used."""

    passages: tuple[RankedPassage, ...]
    entities: tuple[RankedEntity, ...]
    measure: Measure
    cut: bool = False
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Dense:
    """The query's vector, one row for each of its sentences, and the passages nearest to it as a whole."""

    sentences: NDArray[np.float32]
    page: Page[TextHit]


def retrieve(
    store: GraphStore, embedder: Embedder | None, query: str, view: View, limits: Limits | None = None
) -> Retrieved:
    """Passages and entities for a query, as the view's audience may see them.

    `limits.rows` (20) caps passages and entities each. After `limits.deadline_s` (2) nothing further is embedded or
    searched; what was found by then is returned.
    """
    limits = limits or Limits(rows=20, deadline_s=2.0)
    ends_at = time.monotonic() + limits.deadline_s
    if not query.strip() or limits.rows <= 0:
        return Retrieved((), (), "bm25")
    identifiers = identifiers_in(query)
    named = _named(store, identifiers, view)
    dense, missing = _dense(store, embedder, query, view, limits, ends_at)
    text = store.search_text(query, view, Limits(max(limits.rows, RERANKED), _left_s(ends_at)))
    about = _with_neighbours(store, named, view, ends_at)

    def is_literal(hit: TextHit) -> bool:
        return hit.ref in about or any(_holds(hit.text, identifier) for identifier in identifiers)

    if dense is None or embedder is None:
        found = [RankedPassage(hit, hit.score, is_literal(hit)) for hit in text.items]
    else:
        meaning_serves = len(dense.page.items) >= RERANKED and not identifiers
        extra = text.items[: RERANKED_TEXT if meaning_serves else RERANKED]
        scored = _by_sentences(embedder, dense, extra, ends_at)
        found = [RankedPassage(hit, score, is_literal(hit)) for hit, score in scored]
    found.sort(key=lambda passage: (not passage.literal, -passage.score, passage.hit.ref, passage.hit.slot))
    entities = _entities(store, named, found[: limits.rows], view, ends_at)
    return Retrieved(
        passages=tuple(found[: limits.rows]),
        entities=tuple(entities[: limits.rows]),
        measure="bm25" if dense is None else "cosine",
        cut=len(found) > limits.rows
        or len(entities) > limits.rows
        or text.cut
        or (dense is not None and dense.page.cut),
        missing=tuple(missing),
    )


def identifiers_in(query: str) -> list[str]:
    """The parts of a query that are looked up rather than understood, as written, longest spelling first, without repeats.

    >>> identifiers_in("Who opened 'aws_lb.main[0]' and sg-0abc?")
    ['aws_lb.main[0]', 'aws_lb.main', 'sg-0abc']
    """
    found: dict[str, None] = {}
    for chunk in query.split():
        whole = chunk.strip(_EDGES.replace("]", "").replace("[", "")).removesuffix("/")
        for part in (whole, *_CHUNK.split(chunk)):
            name = part if part == whole else part.strip(_EDGES)
            # an ARN's part after a slash hides the rest from `has_identifier`
            if name and has_identifier(name.replace("/", " ")):
                found.setdefault(name)
    return list(found)


def sentences(text: str) -> list[str]:
    """The sentences, list items and paragraphs of a text, at most `MAX_SENTENCES`; the text itself when there is no other."""
    parts = (part.strip() for part in _SENTENCE_END.split(text))
    return [part for part in parts if len(part) > 2][:MAX_SENTENCES] or [text]


def _dense(
    store: GraphStore, embedder: Embedder | None, query: str, view: View, limits: Limits, ends_at: float
) -> tuple[_Dense | None, list[str]]:
    if embedder is None:
        return None, []
    try:
        parts = sentences(query)
        vectors = embedder.embed([query, *parts])
        page = store.search_vector(
            embedder.id, vectors[0].tolist(), view, Limits(max(limits.rows, RERANKED), _left_s(ends_at))
        )
    except (EmbedderUnavailable, EmbedderMismatch) as error:
        return None, [f"Searched by full text only: {error} {error.hint}".rstrip()]
    if not page.items:
        return None, ["Searched by full text only: no passage that may be read has a vector yet."]
    return _Dense(vectors if len(parts) > 1 else vectors[:1], page), []


def _by_sentences(
    embedder: Embedder, dense: _Dense, extra: Iterable[TextHit], ends_at: float
) -> list[tuple[TextHit, float]]:
    """The nearest passages and the extra ones with their scores: the mean of the whole and of the sentences.

    What time does not allow to compare keeps its whole cosine, an extra one without any scores 0.
    """
    whole = {_key(hit): hit.score for hit in dense.page.items}
    scores = {_key(hit): (hit, whole.get(_key(hit), 0.0)) for hit in (*dense.page.items, *extra)}
    for key, hit in {_key(hit): hit for hit in (*dense.page.items[:RERANKED], *extra)}.items():
        if time.monotonic() >= ends_at:
            break
        if key not in whole:
            whole[key] = float(dense.sentences[0] @ embedder.embed([hit.text])[0])
        scores[key] = hit, (whole[key] + _max_sim(embedder, dense.sentences, hit.text)) / 2
    return list(scores.values())


def _max_sim(embedder: Embedder, query: NDArray[np.float32], text: str) -> float:
    """How well the query's sentences are matched, each by its best counterpart (https://arxiv.org/abs/2004.12832, by sentences
    instead of tokens); the first row is the query as a whole, which counts alone when that is more."""
    best = (query @ embedder.embed(sentences(text)).T).max(axis=1)
    return float(max(best[0], best[1:].mean())) if len(best) > 1 else float(best[0])


def _named(store: GraphStore, identifiers: Sequence[str], view: View) -> list[EntityRef]:
    """What the identifiers name exactly."""
    found: dict[EntityRef, None] = {}
    for identifier in identifiers:
        for alias in store.resolve_alias(identifier, view, Limits(rows=20)).items:
            found.setdefault(alias.ref)
    return list(found)


def _with_neighbours(store: GraphStore, named: Sequence[EntityRef], view: View, ends_at: float) -> frozenset[EntityRef]:
    if not named:
        return frozenset()
    near = store.neighbours(named, view, Limits(NEIGHBOURS, _left_s(ends_at)))
    joined = [ref for entity in store.entities(named, view) for ref in entity.refs]
    ends = [end for relation in near.items for end in (relation.src, relation.dst)]
    return frozenset([*named, *joined, *ends])


def _entities(
    store: GraphStore, named: Sequence[EntityRef], passages: Sequence[RankedPassage], view: View, ends_at: float
) -> list[RankedEntity]:
    """Named, then those the passages belong to, then their neighbours; joined refs appear once."""
    top = max((passage.score for passage in passages), default=0.0)
    owners: dict[EntityRef, float] = {}
    for passage in passages:
        owners.setdefault(passage.hit.ref, passage.score / top if top > 0 else 0.0)
    seeds = {**owners, **dict.fromkeys(named, 1.0)}
    around = _neighbourhood(store, seeds, view, ends_at)
    near = [ranked for ranked in importance(around, seeds) if ranked.ref not in seeds]
    ranked = [
        *(RankedEntity(ref, "name", 1.0) for ref in named),
        *(RankedEntity(ref, "passage", score) for ref, score in owners.items() if ref not in named),
        *(RankedEntity(entity.ref, "neighbour", entity.score) for entity in near),
    ]
    return _once(store, ranked, view)


def _neighbourhood(store: GraphStore, seeds: Mapping[EntityRef, float], view: View, ends_at: float) -> Subgraph:
    if not seeds:
        return Subgraph({}, ())
    page = store.neighbours(list(seeds)[:RERANKED], view, Limits(NEIGHBOURS, _left_s(ends_at)))
    return Subgraph(dict.fromkeys(seeds, 0), page.items, page.cut)


def _once(store: GraphStore, ranked: Sequence[RankedEntity], view: View) -> list[RankedEntity]:
    """The first of each joined thing."""
    thing = {
        ref: entity.refs[0]
        for entity in store.entities([entity.ref for entity in ranked], view)
        for ref in (entity.ref, *entity.refs)
    }
    first: dict[EntityRef, RankedEntity] = {}
    for entity in ranked:
        first.setdefault(thing.get(entity.ref, entity.ref), entity)
    return list(first.values())


def _holds(text: str, identifier: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(identifier)}(?!\w)", text, re.IGNORECASE) is not None


def _key(hit: TextHit) -> tuple[EntityRef, str, str]:
    return hit.ref, hit.slot, hit.text


def _left_s(ends_at: float) -> float:
    return max(ends_at - time.monotonic(), 0.01)
