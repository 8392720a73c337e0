"""From a question in words to a cited answer. No model is asked: a table of wordings, a vocabulary and typed reads of the graph."""

from __future__ import annotations

import time
from dataclasses import replace

import msgspec

from agent.context import Context, Search
from agent.intent import understand
from agent.model import Answer, Usage
from agent.questions import answerer
from graph.clock import Instant
from graph.model import PUBLIC
from graph.store import GraphStore, View


def ask(
    store: GraphStore,
    text: str,
    *,
    as_of: Instant | None = None,
    known_at: Instant | None = None,
    since: Instant | None = None,
    until: Instant | None = None,
    audience: frozenset[str] = frozenset({PUBLIC}),
    now: Instant,
    search: Search | None = None,
) -> Answer:
    """Answer a question about the infrastructure.

    Args:
        store: the graph.
        text: the question, in words; anything at all may stand in it.
        as_of: hides what took effect later.
        known_at: hides what was recorded later; the last record when None, and the same one for the whole answer.
        since, until: the window, `since <= t < until`; they win over what the text says.
        audience: the labels that the asker holds.
        now: what "yesterday" is relative to.
        search: finds entities by meaning when no name fits.

    Returns:
        An answer in every case; what cannot be answered has the status `not_found` or `refused`.

    Raises:
        GraphError: the store cannot be read.
    """
    started = time.perf_counter()
    question = understand(text, now if as_of is None else min(now, as_of))
    if since is not None or until is not None:
        question = replace(question, since=since, until=until)
    view = View(as_of, store.record(known_at), audience)
    context = Context(store, question, view, now, as_of, known_at, search)
    answer = answerer(question.kind)(context)
    elapsed_s = round(time.perf_counter() - started, 6)
    text = " ".join([*dict.fromkeys(context.notes), answer.text])
    return msgspec.structs.replace(answer, text=text, usage=Usage(elapsed_s=elapsed_s))
