"""Who is who, as jobs of the engine: run identity after an ingest, split and join by hand, say why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.errors import UsageError
from graph.clock import Instant
from graph.model import EntityRef
from graph.store import GraphStore, Limits, View

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.identity import Verified, Why

_CANDIDATES = 5


def verified_file(path: Path | None) -> Verified | None:
    """What the team's file says; None without one. Raises `SourceDataInvalid`."""
    if path is None:
        return None
    from ingest.identity import read_verified

    return read_verified(path)


def everything(store: GraphStore) -> View:
    """The view of somebody who may read all: identity joins what only some may see, under their labels."""
    return View(audience=store.labels() | {"public"})


def update_people(store: GraphStore, now: Instant, verified: Verified | None) -> int:
    """Bring the joins of accounts to people up to date; how many facts are new or taken back."""
    from ingest.identity import resolve_people

    facts = 0
    for batch in resolve_people(store, now, everything(store).audience, verified):
        store.apply(batch)
        facts += len(batch.assertions) + len(batch.withdrawals)
    return facts


def named(store: GraphStore, text: str, view: View, kinds: tuple[str, ...] = ()) -> EntityRef:
    """The one thing that a ref, an exact name or a name in words means.

    Raises:
        UsageError: nothing or several things are called so.
    """
    if all(text.partition(":")) and store.entity(EntityRef(text), view) is not None:
        return EntityRef(text)
    page = store.resolve_alias(text.strip(), view, Limits(rows=200), kinds=kinds)
    refs = list(dict.fromkeys(a.ref for a in page.items))
    groups = {entity.refs: entity for entity in store.entities(refs, view)}
    if len(groups) > 1 and len(refs) > 1:
        some = ", ".join(sorted(map(str, refs))[:_CANDIDATES])
        raise UsageError(f"{text!r} names several things", f"give one of their refs: {some}")
    if not refs:
        raise UsageError(f"nothing is called {text!r}", "give a ref (Kind:id), or an exact name, login, address or ARN")
    return refs[0]


def why_text(why: Why) -> str:
    """Why two refs are one thing, or are not, in lines."""
    if why.outcome == "same_ref":
        return "They are one and the same reference."
    if why.outcome == "joined":
        lines = [f"They are one, with confidence {why.confidence:.2f}:"]
        for link in why.chain:
            evidence = f" ({link.evidence})" if link.evidence else ""
            lines.append(
                f"  {link.src} is {link.dst}: {link.rule}, {link.confidence:.2f}, says {link.source}{evidence}"
            )
        return "\n".join(lines)
    if why.outcome == "split":
        return "\n".join(
            [
                "They were split:",
                *(f"  {s.a} is not {s.b}: {s.reason or 'no reason given'} (by {s.by})" for s in why.splits),
            ]
        )
    if why.outcome == "different_people":
        return f"They are two people: {why.people[0]} and {why.people[1]}."
    return "Nothing joins them." if why.outcome == "nothing_joins" else "One of them is not known."
