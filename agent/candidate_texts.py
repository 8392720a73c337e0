"""What changes say of themselves: titles, messages, texts of their pull requests, read for many changes at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.chain import requests_of
from agent.evidence import text_of
from graph.model import EntityRef
from graph.store import EntityView, GraphStore, Provenance, View

_ROWS = 20_000
_MOST_CHARS = 6_000


@dataclass(frozen=True, slots=True)
class ChangeText:
    """A change's words."""

    title: str = ""
    message: str = ""
    requests: tuple[EntityRef, ...] = ()
    said: tuple[Provenance, ...] = ()


@dataclass(frozen=True, slots=True)
class Texts:
    """The words of many changes, by key."""

    by_key: Mapping[EntityRef, ChangeText]

    def of(self, key: EntityRef) -> ChangeText:
        """A change's words; empty ones when nothing is known."""
        return self.by_key.get(key, ChangeText())

    def said(self, key: EntityRef) -> tuple[Provenance, ...]:
        """Where they can be read."""
        return self.of(key).said


def read_texts(store: GraphStore, view: View, changes: Sequence[tuple[EntityRef, tuple[EntityRef, ...]]]) -> Texts:
    """The words of changes, each given with its other refs: four reads for all of them."""
    if not changes:
        return Texts({})
    own = {r for key, also in changes for r in (key, *also) if r.kind != "StateVersion"}
    requests = requests_of(store, view, (r for r in own if r.kind == "Commit"), _ROWS)
    everything = sorted(own | {r for some in requests.values() for r in some})
    entities = {r: e for e in store.entities(everything, view) for r in e.refs}
    passages: dict[EntityRef, list[str]] = {}
    for hit in store.passages([r for r in everything if r.kind in ("Commit", "PullRequest")], view):
        passages.setdefault(hit.ref, []).append(hit.text)
    found: dict[EntityRef, ChangeText] = {}
    for key, also in changes:
        asked = sorted({r for c in (key, *also) for r in requests.get(c, ())})
        spoken = _spoken(key, also, entities)
        titles = [
            t for r in (*spoken, *asked, *also) if r in entities and (t := text_of(entities[r].properties, "title"))
        ]
        words = [t for r in (*spoken, *asked, *also) for t in passages.get(r, ())]
        said = [
            max(entities[r].statements, key=lambda s: (s.valid_from, s.provenance.source)).provenance
            for r in (key, *asked)
            if r in entities
        ]
        found[key] = ChangeText(
            title=next((t for r in asked if r in entities and (t := text_of(entities[r].properties, "title"))), "")
            or next(iter(titles), ""),
            message="\n\n".join(dict.fromkeys((*titles, *words)))[:_MOST_CHARS],
            requests=tuple(asked),
            said=tuple(said),
        )
    return Texts(found)


def _spoken(
    key: EntityRef, also: Sequence[EntityRef], entities: Mapping[EntityRef, EntityView]
) -> tuple[EntityRef, ...]:
    """Who speaks for a change: itself, or where it only merges one commit (`Merge "Close the pool"`) that one."""
    brought = [r for r in also if r.kind == "Commit" and r in entities]
    own = text_of(entities[key].properties, "title") if key in entities else ""
    return () if len(brought) == 1 and own.startswith("Merge ") else (key,)
