"""The graph without some of its sources reads like one that never had them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.memory import investigation_facts, stored
from agent.recall import recall
from agent.without import Without, hidden_sources
from graph.errors import GraphError
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, FactBatch, Passage, Relation
from graph.store import ChangeQuery, GraphStore, Limits, PurgeReceipt, PurgeSelector, Receipt, View
from graph.stores import open_store
from tests.agent.investigator.memory_story import investigated, scene, suspects, tell
from tests.contracts.store_contract import MeaningContract

NOW = View()


class Writable(Without):
    """Hides nothing and passes writes on, so that a store's contract can be asked of the reading."""

    def apply(self, batch: FactBatch) -> Receipt:
        return self._store.apply(batch)

    def put_vectors(self, embedder: str, vectors: Iterable[tuple[str, Sequence[float]]]) -> None:
        self._store.put_vectors(embedder, vectors)

    def purge(self, selector: PurgeSelector, reason: str) -> PurgeReceipt:
        return self._store.purge(selector, reason)

    def dump(self) -> Iterator[str]:
        return self._store.dump()

    def close(self) -> None:
        self._store.close()


class TestHidingNothing(MeaningContract):
    """Whoever hides nothing reads what the store has."""

    @pytest.fixture
    def empty_store(self) -> Iterator[Callable[[], GraphStore]]:
        opened: list[GraphStore] = []

        def open_empty() -> GraphStore:
            opened.append(Writable(open_store("sqlite://:memory:"), ["nobody"]))
            return opened[-1]

        yield open_empty
        for store in opened:
            store.close()


# -- against a store that never had it

REFS = [EntityRef(f"{kind}:{n}") for kind in ("Resource", "Block", "Commit") for n in range(3)]
_refs = st.sampled_from(REFS)


@st.composite
def _told(draw: st.DrawFn) -> list[tuple[str, Fact, int]]:
    """Up to so many statements of two sources."""
    return [_statement(draw) for _ in range(draw(st.integers(0, 25)))]


def _statement(draw: st.DrawFn) -> tuple[str, Fact, int]:
    one, other, n = draw(_refs), draw(_refs), draw(st.integers(0, 2))
    facts: list[Fact] = [
        Entity(one, {"name": f"n{n}", "type": f"t{n}"}),
        Relation(draw(st.sampled_from(["DEPENDS_ON", "SAME_AS", "RUNS_ON"])), one, other, {}),
        Relation("CHANGED", draw(st.sampled_from(REFS[6:])), other, {"effect": "updated"}),
        Passage(one, "text", f"words number {n}"),
    ]
    return draw(st.sampled_from(["git", "slack"])), draw(st.sampled_from(facts)), draw(st.integers(1, 9))


def _spoken_of(told: list[tuple[str, Fact, int]]) -> list[tuple[str, Fact, int]]:
    """Whoever joins two things also speaks of them."""
    joins = [(source, f, at) for source, f, at in told if isinstance(f, Relation) and f.type == "SAME_AS"]
    return [*((source, Entity(end, {}), 0) for source, f, _ in joins for end in (f.src, f.dst)), *told]


_stated = _told().map(_spoken_of)


def _fill(store: GraphStore, told: Sequence[tuple[str, Fact, int]]) -> GraphStore:
    for number, (source, fact, at) in enumerate(told):
        said = Assertion(fact, at * 1_000_000, number, f"{source}:{number}")
        store.apply(FactBatch(f"b{number}", source, "x", "test/1", (said,)))
    return store


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_stated, st.sampled_from([None, 4_000_000]))
def test_reads_equal_those_of_a_store_that_never_had_the_source(
    told: list[tuple[str, Fact, int]], as_of: int | None
) -> None:
    view = View(as_of)
    limits = Limits(rows=3)
    with open_store("sqlite://:memory:") as both, open_store("sqlite://:memory:") as alone:
        hiding = Without(_fill(both, told), ["slack"])
        _fill(alone, [t if t[0] == "git" else ("git", Entity(EntityRef("Team:x"), {}), 1) for t in told])
        assert hiding.entities(REFS, view) == alone.entities(REFS, view)
        for kind in ("Resource", "Block", "Commit"):
            assert hiding.select(kind, {}, view, limits) == alone.select(kind, {}, view, limits)
            where = {"type": ["t1", "t2"]} if kind != "Commit" else {"short": ["x"]}
            assert hiding.select(kind, where, view, limits) == alone.select(kind, where, view, limits)
        assert hiding.aggregate("Block", "type", view, limits) == alone.aggregate("Block", "type", view, limits)
        for ref in REFS:
            for direction in ("out", "in", "both"):
                one = hiding.neighbours([ref], view, limits, direction=direction)
                assert one == alone.neighbours([ref], view, limits, direction=direction), (ref, direction)
            assert hiding.history(ref, view, limits) == alone.history(ref, view, limits)
            assert hiding.passages([ref], view) == alone.passages([ref], view)
            assert hiding.subgraph([ref], 2, view, Limits()) == alone.subgraph([ref], 2, view, Limits())
            query = ChangeQuery(targets=[ref])
            assert hiding.changes(query, view, limits) == alone.changes(query, view, limits)
        assert hiding.paths(REFS[0], REFS[4], view, limits) == alone.paths(REFS[0], REFS[4], view, limits)
        found = [(h.ref, h.text) for h in hiding.search_text("words", view, Limits()).items]
        assert sorted(found) == sorted((h.ref, h.text) for h in alone.search_text("words", view, Limits()).items)


def test_names_of_what_only_a_hidden_source_speaks_of_are_gone(store: GraphStore) -> None:
    one, other = EntityRef("Resource:1"), EntityRef("Resource:2")
    facts = [
        ("git", Entity(one, {})),
        ("slack", Alias(one, "name", "api")),
        ("slack", Entity(other, {})),
        ("slack", Alias(other, "name", "api")),
    ]
    _fill(store, [(source, fact, 1) for source, fact in facts])
    hiding = Without(store, ["slack"])
    assert [a.ref for a in hiding.resolve_alias("api", NOW, Limits()).items] == [one]
    assert [a.ref for a in hiding.search_names(["api"], NOW, Limits()).items] == [one]
    assert [a.ref for a in hiding.aliases([one, other], NOW)] == [one]


def test_it_is_for_reading_and_tells_of_no_hidden_source(store: GraphStore) -> None:
    _fill(store, [("slack", Entity(EntityRef("Resource:1"), {}), 1), ("git", Entity(EntityRef("Resource:2"), {}), 1)])
    hiding = Without(store, ["slack"])
    assert [s.source for s in hiding.status().scopes] == ["git"]
    with pytest.raises(GraphError, match="only be read"):
        hiding.apply(FactBatch("x", "git", "x", "test/1"))
    hiding.close()
    assert store.record() == 2


def test_without_the_memory_nothing_is_recalled(store: GraphStore) -> None:
    from agent.memory import confirm
    from graph.clock import DAY
    from tests.agent.investigator.memory_story import FIRST

    told = tell(store)
    store.apply(investigation_facts(*investigated(told), "public"))
    store.apply(confirm(store, NOW, "inv_first", 1, by="Ann", at=FIRST + DAY))
    with_memory, without = scene(store), scene(Without(store, ["investigator"]))
    assert recall(with_memory, suspects(with_memory, [told.again])).similar
    assert not recall(without, suspects(without, [told.again])).similar
    assert stored(store, NOW, "inv_first")


@pytest.mark.parametrize("text", ["", "slack", "without:", "without: ,", "with:slack"])
def test_a_what_if_names_what_to_leave_out(text: str) -> None:
    assert hidden_sources("without: slack,cloudtrail") == {"slack", "cloudtrail"}
    with pytest.raises(ValueError, match="without:SOURCE"):
        hidden_sources(text)


@pytest.fixture
def store() -> Iterator[GraphStore]:
    """An empty store."""
    with open_store("sqlite://:memory:") as opened:
        yield opened
