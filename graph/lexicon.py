"""What names and types a graph holds, as of a view: read once per record, kept while the store lives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Final
from weakref import WeakKeyDictionary

from graph.clock import DAY, Instant
from graph.model import EntityRef, Properties
from graph.store import ChangeQuery, ChangeView, EntityView, GraphStore, Limits, Statement, View
from graph.text import name_tokens
from graph.vocabulary import Rank, Words, spellings

DEAD_ROWS: Final = 5_000
"""How many of the newest deletions can be found by name."""
_MORTAL: Final = frozenset({"Block", "Resource", "File"})
_KEPT_VIEWS = 8
_DAYS_BACK = (
    1, 3, 7, 14, 30, 60, 90, 120, 180, 240, 300, 365, 450, 550, 730, 900, 1095, 1300, 1460, 1825, 2200, 2555, 2920, 3650, 4380, 5475,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Thing:
    """An entity as the resolver sees it: what it says last, where that can be read, and whether it still exists in the view."""

    ref: EntityRef
    properties: Properties
    locator: str
    url: str | None
    source: str
    observed_at: Instant
    valid_from: Instant
    live: bool = True

    def text(self, name: str) -> str:
        """A property as text, empty when it is not there."""
        value = self.properties.get(name)
        return value if isinstance(value, str) else ""

    @property
    def label(self) -> str:
        """What to call it: its address, path, name or title."""
        return next(
            (
                t
                for key in ("address", "path", "name", "title", "service", "short", "directory")
                if (t := self.text(key))
            ),
            self.ref,
        )


def thing(view: EntityView) -> Thing:
    """The thing that an entity view shows."""
    newest = max(view.statements, key=lambda s: (s.valid_from, s.provenance.observed_at))
    return _thing(view.ref, view.properties, newest, live=True)


def things(store: GraphStore, refs: Sequence[EntityRef], view: View) -> list[Thing]:
    """The live things of these refs, in order."""
    return [thing(entity) for entity in store.entities(refs, view)] if refs else []


def former(store: GraphStore, ref: EntityRef, view: View) -> Thing | None:
    """A thing as it last was, whether or not it still exists."""
    versions = store.history(ref, view, Limits(rows=1)).items
    return _thing(ref, versions[0].properties, versions[0], live=False) if versions else None


def _thing(ref: EntityRef, properties: Properties, statement: Statement, *, live: bool) -> Thing:
    said = statement.provenance
    return Thing(ref, properties, said.locator, said.url, said.source, said.observed_at, statement.valid_from, live)


@dataclass(slots=True)
class Lexicon:
    """The types a graph knows, how they are spelled, and what no longer exists."""

    types: tuple[str, ...]
    spelled: Mapping[Words, frozenset[str]]
    _by_rank: dict[tuple[Rank, bool], frozenset[str]] = field(default_factory=dict[tuple[Rank, bool], frozenset[str]])
    _all_types: frozenset[str] | None = None
    _gone: tuple[ChangeView, ...] | None = None
    _dead: tuple[Thing, ...] | None = None
    _dead_since: dict[Instant, tuple[Thing, ...]] = field(default_factory=dict[Instant, "tuple[Thing, ...]"])
    _former: tuple[Thing, ...] | None = None
    _by_label: dict[str, list[Thing]] | None = None
    _by_word: dict[str, list[tuple[Thing, int]]] | None = None

    def of_rank(self, rank: Rank, types: frozenset[str] | None = None) -> frozenset[str]:
        """Which types a rank of senses means: of the graph's live ones, or of these."""
        key = (rank, types is None)
        if key not in self._by_rank:
            self._by_rank[key] = rank.types(self.types if types is None else types)
        return self._by_rank[key]

    def types_with_dead(self, store: GraphStore, view: View) -> frozenset[str]:
        """The types of what exists and of what no longer does."""
        if self._all_types is None:
            self._all_types = frozenset(self.types) | {t.text("type") for t in self.dead(store, view)} - {""}
        return self._all_types

    def dead(self, store: GraphStore, view: View) -> tuple[Thing, ...]:
        """What was deleted, newest first, as it last was; up to `DEAD_ROWS`."""
        if self._dead is None:
            self._dead = tuple(_ended(store, view, self._gone_changes(store, view)))
        return self._dead

    @property
    def dead_is_read(self) -> bool:
        """Whether what was deleted has been read already; the first time takes long in a large graph."""
        return self._dead is not None

    def dead_since(self, store: GraphStore, view: View, since: Instant) -> tuple[Thing, ...]:
        """At least what was deleted at `since` or later."""
        if self._dead is not None:
            return self._dead
        covering = [at for at in self._dead_since if at <= since]
        if not covering:
            self._dead_since[since] = tuple(_deleted(store, view, since))
            covering = [since]
        return self._dead_since[max(covering)]

    def former(self, store: GraphStore, view: View) -> tuple[Thing, ...]:
        """Former names of what was moved, newest first; each leads to the thing as it is called now."""
        if self._former is None:
            self._former = tuple(_renamed(self._gone_changes(store, view)))
        return self._former

    def _gone_changes(self, store: GraphStore, view: View) -> tuple[ChangeView, ...]:
        """The newest deletions and moves, read at once: what is sought among the one is sought among the other."""
        if self._gone is None:
            query = ChangeQuery(effects=frozenset({"deleted", "moved"}), target_kinds=_MORTAL)
            self._gone = store.changes(query, view, Limits(rows=2 * DEAD_ROWS)).items
        return self._gone

    def by_label(self, gone: Callable[[], tuple[Thing, ...]]) -> Mapping[str, Sequence[Thing]]:
        """What is gone by its address or path, lower case."""
        if self._by_label is None:
            self._by_label = {}
            for t in gone():
                self._by_label.setdefault(t.label.casefold(), []).append(t)
        return self._by_label

    def gone_like(self, words: Iterable[str], gone: Callable[[], tuple[Thing, ...]]) -> list[Thing]:
        """What is gone and shares at least half the words of its own name with these."""
        if self._by_word is None:
            self._by_word = {}
            for t in gone():
                own = frozenset(own_name(t.properties))
                for word in own:
                    self._by_word.setdefault(word, []).append((t, len(own)))
        shared = Counter[int]()
        met: dict[int, tuple[Thing, int]] = {}
        for word in frozenset(words):
            for entry in self._by_word.get(word, ()):
                shared[id(entry[0])] += 1
                met[id(entry[0])] = entry
        return [t for key, (t, size) in met.items() if shared[key] * 2 >= size]


def lexicon(store: GraphStore, view: View) -> Lexicon:
    """The lexicon of a view, read once per record."""
    record = view.known_at if view.known_at is not None else store.record()
    key = (record, view.as_of, view.audience)
    with _lock:
        kept = _lexicons.setdefault(store, {})
        if key not in kept:
            while len(kept) >= _KEPT_VIEWS:
                del kept[next(iter(kept))]
            known = {str(value) for kind in ("Block", "Resource") for value in _values(store, kind, "type", view)}
            types = tuple(sorted(known - {"", "None"}))
            kept[key] = Lexicon(types, spellings(types))
        return kept[key]


_lock = Lock()
_lexicons: WeakKeyDictionary[GraphStore, dict[tuple[int, Instant | None, frozenset[str]], Lexicon]] = (
    WeakKeyDictionary()
)


def _values(store: GraphStore, kind: str, by: str, view: View) -> Iterable[object]:
    return (value for value, _ in store.aggregate(kind, by, view, Limits(rows=10_000)).items if isinstance(value, str))


def _deleted(store: GraphStore, view: View, since: Instant) -> Iterable[Thing]:
    query = ChangeQuery(since=since, effects=frozenset({"deleted"}), target_kinds=_MORTAL)
    yield from _ended(store, view, store.changes(query, view, Limits(rows=DEAD_ROWS)).items)


def _ended(store: GraphStore, view: View, changes: Sequence[ChangeView]) -> Iterable[Thing]:
    """What the deletions among these changes ended for good, as it last was."""
    ended: dict[EntityRef, Instant] = {}
    for change in [c for c in changes if c.properties.get("effect") == "deleted"][:DEAD_ROWS]:
        ended.setdefault(change.target, change.at)
    live = {ref for entity in store.entities(list(ended), view) for ref in entity.refs} if ended else set[EntityRef]()
    together: dict[Instant, list[EntityRef]] = {}
    for ref, at in ended.items():
        if ref not in live:
            together.setdefault(at, []).append(ref)
    for at, refs in together.items():
        before = View(at - 1, view.known_at, view.audience)
        yield from (replace(last, live=False) for last in things(store, refs, before))


def past_views(store: GraphStore, view: View) -> Iterable[View]:
    """Looks back from the newest change, ever further apart: where most of what no longer exists can still be seen."""
    newest = store.changes(ChangeQuery(), view, Limits(rows=1)).items
    for days in _DAYS_BACK if newest else ():
        yield View(newest[0].at - days * DAY, view.known_at, view.audience)


def _renamed(changes: Sequence[ChangeView]) -> Iterable[Thing]:
    """Former names of what was moved: each leads to the thing as it is called now."""
    for change in changes:
        if change.properties.get("effect") != "moved" or change.target.kind not in ("Block", "File"):
            continue
        before = change.properties.get("moved_from")
        if not isinstance(before, Mapping):
            continue
        address = before.get("address")
        name = _last_part(address) if isinstance(address, str) else ""
        said = change.provenance
        properties: Properties = {
            **before,
            "name": name,
            "type": _type_part(address) if isinstance(address, str) else "",
        }
        yield Thing(
            change.target, properties, said.locator, said.url, said.source, said.observed_at, change.at, live=False
        )


def _last_part(address: str) -> str:
    return address.rpartition(".")[2].rpartition("/")[2]


def _type_part(address: str) -> str:
    """The resource type that an address begins with, where it does (`aws_lb.main`, `data.aws_ami.base`)."""
    return address.removeprefix("data.").partition(".")[0]


def own_name(properties: Properties) -> Words:
    """The words of a thing's own name, without its type."""
    for key in ("name", "path", "address"):
        value = properties.get(key)
        if isinstance(value, str) and value:
            return name_tokens(value)
    return ()
