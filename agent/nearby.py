"""What was said about a thing without a link to its change: messages near it in time that name it."""

from __future__ import annotations

import re

from agent.anchors import without_change_words
from agent.attribute_search import stem
from agent.chain import AROUND, Said, conversation, read_messages
from agent.context import Context
from agent.model import Change
from agent.named_service import service_names
from agent.reach import services_in
from graph.model import EntityRef
from graph.store import ChangeView, Limits
from graph.text import name_tokens

_READ = 60
_HOURS = 12 * 3_600_000_000
_TELLING = 2
_BY_HAND = re.compile(r"\b(?:by hand|manual(?:ly)?|in the console|myself|quick fix|hot-?fix)\b", re.I)
_SHARE = 0.75
_COMMON = frozenset(
    [
        "of",
        "in",
        "to",
        "on",
        "at",
        "is",
        "it",
        "aws",
        "azurerm",
        "google",
        "resource",
        "module",
        "the",
        "and",
        "for",
        "with",
        "from",
        "into",
        "main",
        "this",
        "that",
        "prod",
        "production",
        "staging",
        "dev",
        "default",
        "example",
        "rule",
        "group",
        "change",
        "update",
        "add",
        "remove",
        "fix",
        "terraform",
        "config",
        "service",
        "api",
        "app",
        "lb",
    ]
)


def said_nearby(context: Context, view: ChangeView, change: Change, most: int = 1) -> list[Said]:
    """Messages around a change that use most of the words of its thing's own name, or its pull request's number."""
    if view.change.kind == "AuditEvent":
        return _said_by_hand(context, view, change)
    label = change.target.label if change.target else ""
    path = view.properties.get("path")
    services = (
        services_in(path, service_names(context.store, context.view)) if isinstance(path, str) else frozenset[str]()
    )
    found = talk_about(context, [" ".join([label, *services])], view.at - AROUND, view.at + AROUND // 10, most, change)
    return [m for m in found if all(s in name_tokens(m.text) for s in services) or not services]


def _said_by_hand(context: Context, view: ChangeView, change: Change) -> list[Said]:
    """What whoever did something by hand said about it within hours: with its own words, or that it was by hand."""
    edges = context.store.neighbours(
        [view.change], context.view, Limits(rows=20), types=("PERFORMED_BY",), direction="out"
    ).items
    accounts = sorted({r for e in context.store.entities([e.dst for e in edges], context.view) for r in e.refs})
    posted = (
        context.store.neighbours(accounts, context.view, Limits(rows=2_000), types=("POSTED_BY",), direction="in").items
        if accounts
        else ()
    )
    near = [e.src for e in posted if abs(min(s.valid_from for s in e.statements) - view.at) <= _HOURS]
    values = " ".join(f"{a.before.value or ''} {a.after.value or ''}" for a in change.attributes)
    own = set(map(stem, name_tokens(f"{change.target.label if change.target else ''} {values}"))) - _COMMON
    found = read_messages(context.store, context.view, near[:_READ], {}, set())
    scored = [(len(own & set(map(stem, name_tokens(m.text)))) + 2 * bool(_BY_HAND.search(m.text)), m) for m in found]
    best = max(scored, key=lambda p: (p[0], -abs(p[1].at - view.at)), default=None)
    return [best[1]] if best is not None and best[0] >= _TELLING else []


def talk_about(
    context: Context, names: list[str], since: int | None, until: int | None, most: int, change: Change | None = None
) -> list[Said]:
    """Messages of a window that use most of the telling words of one of these names; best first."""
    said = [w for name in names for w in name_tokens(without_change_words(name))]
    words = [w for w in dict.fromkeys(map(stem, said)) if w not in _COMMON and len(w) > 1]
    number = f"#{change.pull_request.number}" if change and change.pull_request else ""
    if not words and not number:
        return []
    query = " ".join([*dict.fromkeys([*said, *words]), *([number.lstrip("#")] if number else [])])
    hits = context.store.search_text(query, context.view, Limits(rows=_READ), kinds=("Message",)).items
    found: dict[EntityRef, float] = {}
    for hit in hits:
        in_time = (since is None or hit.valid_from >= since) and (until is None or hit.valid_from <= until)
        told = set(map(stem, name_tokens(hit.text)))
        share = len(told.intersection(words)) / len(words) if words else 0.0
        if number and number in hit.text:
            share = 1.0
        if in_time and share >= _SHARE:
            found[hit.ref] = max(found.get(hit.ref, 0.0), share + hit.score / 1_000)
    if not found:
        return []
    refs = sorted(found, key=lambda r: (-found[r], r))[: most * 4]
    edges = context.store.neighbours(refs, context.view, Limits(rows=200), types=("PART_OF",), direction="out").items
    threads = {e.src: e.dst for e in edges if e.dst.kind == "Thread"}
    read = read_messages(context.store, context.view, sorted(refs), threads, set())
    best = sorted(read, key=lambda m: (-found[m.ref], -m.at, m.ref))[:1]
    # What is said in one conversation is about one thing: the rest of the best message's thread belongs to it.
    around = conversation(context.store, context.view, [m.thread for m in best if m.thread], [m.ref for m in best])
    return sorted(around or best, key=lambda m: (m.at, m.ref))
