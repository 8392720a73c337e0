"""Services and environments that words of a question name."""

from __future__ import annotations

from collections.abc import Iterable

from agent.cached import PerView
from agent.context import Context
from agent.evidence import text_of
from agent.reach import mentioned_environment
from agent.shipments import shipments
from agent.signals import signals
from graph.store import GraphStore, Limits, View
from graph.text import contains_in_order, name_tokens


def _read(store: GraphStore, view: View) -> frozenset[str]:
    stated = store.select("Service", {}, view, Limits(rows=20_000)).items
    names = {text_of(e.properties, "name") for e in stated} | set(shipments(store, view).services)
    return frozenset(n for n in names if n)


service_names = PerView(_read)
"""The names of all services that a view knows."""


def _read_environments(store: GraphStore, view: View) -> frozenset[str]:
    stated = store.select("Environment", {}, view, Limits(rows=1_000)).items
    names = {text_of(e.properties, "name") for e in stated} | set(shipments(store, view).environments)
    return frozenset(n for n in names if n) | {s.environment for s in signals(store, view).all if s.environment}


environment_names = PerView(_read_environments)
"""The names of all environments that a view knows."""


def service_in(context: Context, text: str) -> str:
    """The service that a text names: by its whole name, the longest when several; empty when none does."""
    return longest_name(text, service_names(context.store, context.view))


def longest_name(text: str, names: Iterable[str]) -> str:
    """The longest of the names whose words stand together in the text."""
    words = name_tokens(text)
    best = ""
    for name in names:
        own = name_tokens(name)
        if own and len(name) > len(best) and contains_in_order(words, own):
            best = name
    return best


def environment_in(context: Context, text: str) -> str:
    """The environment that a text names, by any of its names; empty when none does."""
    return mentioned_environment(text, environment_names(context.store, context.view))
