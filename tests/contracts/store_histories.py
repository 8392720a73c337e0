"""Random histories: whatever arrives in whatever order, a store holds and answers what replaying the batches does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import strategies as st

from graph.errors import BatchRefused
from graph.model import PUBLIC, Assertion, Entity, EntityRef, Fact, FactBatch, Passage, Snapshot, Value, Withdrawal
from graph.store import ChangeQuery, GraphStore, Limits, Page, TextHit, View
from tests.contracts.facts import account, alias, block, changed, commit, passage, relation
from tests.replay_store import ReplayStore

BLOCKS = [block("a"), block("b"), block("c")]
COMMITS = [commit("1"), commit("2")]
ACCOUNTS = [account("p"), account("q")]
REFS = [*BLOCKS, *COMMITS, *ACCOUNTS]
SCOPES = [("git", "org/a"), ("git", "org/b"), ("slack", "chat")]
LABELS = [PUBLIC, PUBLIC, PUBLIC, "ops", "fin+ops"]
AUDIENCES = [frozenset({PUBLIC}), frozenset({PUBLIC, "ops"}), frozenset({PUBLIC, "ops", "fin"}), frozenset[str]()]
TEXTS = ["open sg-0abc", "aws_lb.main is slow", "open aws_lb.main and sg-0abc", "lb"]
NAMES = ["aws_lb.main", "AWS_LB.Main", "aws_lb.api", "main"]
EMBEDDER = "axes"
MOMENTS = st.integers(0, 12)

_values: st.SearchStrategy[Value] = st.sampled_from(["api", "web", 1, True, None, ["x"]])
_few = st.sampled_from


def _properties() -> st.SearchStrategy[dict[str, Value]]:
    return st.dictionaries(_few(["name", "type", "attributes"]), _values, max_size=2)


def facts() -> st.SearchStrategy[Fact]:
    """Facts over so few things that they meet."""
    return st.one_of(
        st.builds(Entity, _few(REFS), _properties()),
        st.builds(Entity, _few(REFS), _properties()),
        st.builds(relation, _few(["DEPENDS_ON", "CONTAINS"]), _few(BLOCKS), _few(BLOCKS), _few(["", "x"])),
        st.builds(relation, st.just("SAME_AS"), _few(REFS), _few(REFS)),
        st.builds(relation, st.just("NOT_SAME_AS"), _few(REFS), _few(REFS)),
        st.builds(changed, _few(COMMITS), _few(BLOCKS), _few(["updated", "deleted"])),
        st.builds(relation, st.just("AUTHORED_BY"), _few(COMMITS), _few(ACCOUNTS)),
        st.builds(alias, _few(REFS), _few(NAMES), _few(["address", "path"])),
        st.builds(passage, _few(REFS), _few(TEXTS), _few(["body", "title"])),
    )


@st.composite
def assertions(draw: st.DrawFn) -> Assertion:
    """Assertions that may contradict each other at the same moment, and some that have to be quarantined."""
    valid_from = draw(MOMENTS)
    return Assertion(
        draw(facts()),
        valid_from,
        draw(MOMENTS),
        draw(_few(["here", "there"])),
        draw(st.one_of(st.none(), st.none(), st.integers(0, 14))),
        draw(_few([True, True, True, False])),
        draw(_few(LABELS)),
        draw(_few([None, None, "https://example.org/1"])),
    )


@st.composite
def histories(draw: st.DrawFn, most: int = 7) -> list[FactBatch]:
    """Batches with assertions, withdrawals of what was said, and complete snapshots, some of them late or contradictory."""
    batches: list[FactBatch] = []
    said: list[tuple[tuple[str, str], Assertion]] = []
    for number in range(draw(st.integers(1, most))):
        scope = draw(_few(SCOPES))
        new = draw(st.lists(assertions(), max_size=6))
        again = [one for of, one in said if of == scope]
        if again:
            new += [replace(one, observed_at=draw(MOMENTS)) for one in draw(st.lists(_few(again), max_size=2))]
        snapshot = None
        if draw(_few([False, False, True])):
            taken_at = draw(MOMENTS)
            snapshot = Snapshot(taken_at, draw(_few([taken_at, taken_at, taken_at, 3])))
        taken_back = [
            Withdrawal(one.fact.key, one.valid_from, one.label)
            for one in (draw(st.lists(_few(again), max_size=2)) if again else [])
        ]
        if snapshot is not None and draw(st.booleans()):
            taken_back += [replace(one, valid_from=snapshot.taken_at) for one in taken_back]
        batches.append(
            FactBatch(f"batch-{number}", *scope, "test/1", new, taken_back, snapshot, draw(_few([None, f"c{number}"])))
        )
        said += [(scope, one) for one in new]
    return batches


@st.composite
def crowded_histories(draw: st.DrawFn, most: int = 9) -> list[FactBatch]:
    """Histories of two facts in one scope over a few moments: every rule about timelines meets every other."""
    moment = st.integers(0, 6)
    facts: list[Fact] = [Entity(BLOCKS[0], {"name": name}) for name in "xy"]
    facts += [passage(BLOCKS[0], text) for text in TEXTS[:2]]
    assertion = st.builds(
        Assertion,
        _few(facts),
        moment,
        _few([1, 5, 9]),
        st.just("here"),
        st.one_of(st.none(), st.integers(1, 8)),
        _few([True, True, False]),
    )
    batches: list[FactBatch] = []
    for number in range(draw(st.integers(2, most))):
        new = draw(st.lists(assertion, max_size=3))
        taken_back = draw(st.lists(st.builds(Withdrawal, _few([facts[0].key, facts[2].key]), moment), max_size=1))
        taken_at = draw(st.one_of(st.none(), moment))
        snapshot = Snapshot(taken_at, taken_at) if taken_at is not None else None
        batches.append(FactBatch(f"batch-{number}", *SCOPES[0], "test/1", new, taken_back, snapshot))
    return batches


def views(record: int) -> st.SearchStrategy[View]:
    """Views at every boundary of both clocks."""
    return st.builds(View, st.one_of(st.none(), MOMENTS), st.one_of(st.none(), st.integers(0, record)), _few(AUDIENCES))


def apply_to_both(store: GraphStore, oracle: ReplayStore, batches: list[FactBatch]) -> None:
    """Apply to both; what one refuses the other must refuse."""
    for one in batches:
        expected = _applied(oracle, one)
        assert _applied(store, one) == expected


def vectors() -> Iterator[tuple[str, list[float]]]:
    """A vector for most of the texts, far enough from each other that rounding does not order them."""
    for index, text in enumerate(TEXTS[1:]):
        vector = [0.1] * len(TEXTS)
        vector[index] = 1.0
        yield Passage(EntityRef("Block:a"), "body", text).content_hash, vector


def answers(store: GraphStore, view: View) -> Iterator[tuple[str, object]]:
    """Every kind of read in a view, named."""
    wide, narrow = Limits(rows=500, deadline_s=60.0), Limits(rows=2, deadline_s=60.0)
    yield "entities", store.entities(REFS, view)
    for ref in (BLOCKS[0], COMMITS[0], ACCOUNTS[0]):
        yield f"history {ref}", store.history(ref, view, wide)
        yield f"aliases {ref}", store.aliases([ref], view)
        for direction in ("out", "in", "both"):
            yield f"neighbours {direction} {ref}", store.neighbours([ref], view, wide, direction=direction)
            yield f"subgraph {direction} {ref}", store.subgraph([ref], 2, view, wide, direction=direction)
        yield f"joins {ref}", store.neighbours([ref], view, narrow, types=["SAME_AS", "NOT_SAME_AS", "DEPENDS_ON"])
    yield "paths", store.paths(ACCOUNTS[0], BLOCKS[1], view, wide)
    yield "paths out", store.paths(BLOCKS[0], BLOCKS[2], view, wide, types=["DEPENDS_ON"], direction="out")
    for kind, where in (
        ("Block", {"name": ["api", 1]}),
        ("Block", {"name": ["api"], "type": [True, None]}),
        ("Account", {}),
    ):
        yield f"select {kind} {where}", store.select(kind, where, view, wide)
    yield "aggregate", store.aggregate("Block", "name", view, wide)
    for query in (
        ChangeQuery(),
        ChangeQuery(targets=BLOCKS[:2], since=2, until=9),
        ChangeQuery(by=ACCOUNTS[:1]),
        ChangeQuery(changes=COMMITS[:1], effects=frozenset({"deleted"})),
        ChangeQuery(targets=BLOCKS[:1], by=ACCOUNTS, target_kinds=frozenset({"Block"})),
    ):
        yield f"changes {query}", store.changes(query, view, wide)
        yield f"first changes {query}", store.changes(query, view, narrow)
    yield "resolve", store.resolve_alias("aws_lb.MAIN", view, wide, kinds=["Block", "Commit"])
    yield "resolve scheme", store.resolve_alias("main", view, wide, schemes=["path"])
    yield "names", store.search_names(("lb", "main"), view, wide)
    yield "first names", store.search_names(("main",), view, narrow, kinds=["Block"])
    yield "vocabulary", dict(store.name_vocabulary(view))
    for words in ("aws_lb.main", "sg-0abc open", "nowhere"):
        yield f"text {words}", _rounded(store.search_text(words, view, wide))
        yield f"first text {words}", _rounded(store.search_text(words, view, narrow, kinds=["Block"]))
    yield "vector", _rounded(store.search_vector(EMBEDDER, [1.0, 0.5, 0.25, 0.0], view, wide))


def assert_same_answers(store: GraphStore, oracle: GraphStore, view: View) -> None:
    """Compare every read in a view."""
    for (name, found), (_, expected) in zip(answers(store, view), answers(oracle, view), strict=True):
        assert found == expected, f"{name} in {view}"


def assert_same_dump(store: GraphStore, oracle: GraphStore) -> None:
    """Compare canonical dumps; the words of a quarantine's reason are each store's own."""
    found = [line for line in store.dump() if '"line":"quarantine"' not in line]
    assert found == list(oracle.dump())


def _applied(store: GraphStore, one: FactBatch) -> bool | None:
    try:
        return store.apply(one).applied
    except BatchRefused:
        return None


def _rounded(page: Page[TextHit]) -> Page[TextHit]:
    """Scores to nine digits: the last ones of a cosine depend on how it is summed."""
    return Page(tuple(replace(hit, score=round(hit.score, 9)) for hit in page.items), page.cut)
