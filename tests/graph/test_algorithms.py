"""Reach, routes and importance: on subgraphs written by hand, and on a store."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from graph.algorithms import blast_radius, dependencies, dependency_paths, importance, reach, routes
from graph.clock import DAY
from graph.model import Assertion, Entity, EntityRef, Fact, FactBatch, Relation
from graph.store import GraphStore, Limits, RelationView, Subgraph, View
from graph.stores import open_store

WIDE = Limits(rows=1_000, deadline_s=10)


def block(name: str) -> EntityRef:
    return EntityRef(f"Block:{name}")


def edge(src: str, dst: str, relation_type: str = "DEPENDS_ON", discriminator: str = "") -> RelationView:
    return RelationView(relation_type, block(src), block(dst), discriminator, {}, ())


def subgraph(*relations: RelationView, cut: bool = False) -> Subgraph:
    return Subgraph(dict.fromkeys([r.src for r in relations], 0), relations, cut)


def test_what_depends_on_a_thing_is_found_transitively_with_distance_and_path() -> None:
    found = reach(subgraph(edge("app", "lb"), edge("lb", "vpc"), edge("vpc", "account")), [block("vpc")])
    assert [(item.ref, item.distance) for item in found.items] == [(block("lb"), 1), (block("app"), 2)]
    assert [(r.src, r.dst) for r in found.items[1].path] == [(block("lb"), block("vpc")), (block("app"), block("lb"))]
    assert not found.cut


def test_dependencies_are_the_other_direction() -> None:
    found = reach(
        subgraph(edge("app", "lb"), edge("lb", "vpc"), edge("other", "vpc")), [block("app")], towards="dependencies"
    )
    assert [(item.ref, item.distance) for item in found.items] == [(block("lb"), 1), (block("vpc"), 2)]


def test_a_container_fails_with_its_content_and_an_instance_with_its_code() -> None:
    found = reach(
        subgraph(
            edge("module", "lb", "CONTAINS"), edge("lb", "instance", "DECLARES"), edge("author", "lb", "OWNED_BY")
        ),
        [block("lb")],
    )
    assert {item.ref for item in found.items} == {block("module"), block("instance")}


def test_a_cycle_ends_and_the_start_is_not_reached() -> None:
    found = reach(subgraph(edge("a", "b"), edge("b", "c"), edge("c", "a"), edge("a", "a")), [block("a")])
    assert [(item.ref, item.distance) for item in found.items] == [(block("c"), 1), (block("b"), 2)]


def test_the_nearest_of_several_starts_counts() -> None:
    found = reach(subgraph(edge("b", "a"), edge("c", "b"), edge("d", "c")), [block("a"), block("c")])
    assert [(item.ref, item.distance) for item in found.items] == [(block("b"), 1), (block("d"), 1)]


@pytest.mark.parametrize(
    ("hops", "items", "expected", "cut"),
    [(3, 9, 3, False), (2, 9, 2, True), (3, 2, 2, True), (3, 3, 3, False)],
)
def test_reach_says_when_hops_or_items_cut_it(hops: int, items: int, expected: int, cut: bool) -> None:
    chain = subgraph(edge("b", "a"), edge("c", "b"), edge("d", "c"))
    found = reach(chain, [block("a")], max_hops=hops, max_items=items)
    assert (len(found.items), found.cut) == (expected, cut)


def test_a_cut_subgraph_makes_every_result_cut() -> None:
    part = subgraph(edge("b", "a"), cut=True)
    assert reach(part, [block("a")]).cut
    assert routes(part, block("b"), block("a")).cut
    assert reach(part, [block("nowhere")]).cut


def test_a_start_outside_the_subgraph_reaches_nothing() -> None:
    assert reach(subgraph(edge("b", "a")), [block("z")]).items == ()
    assert reach(subgraph(), []).items == ()


def test_the_order_of_relations_and_starts_changes_nothing() -> None:
    relations = [edge("d", "b"), edge("d", "c"), edge("b", "a"), edge("c", "a"), edge("d", "b", discriminator="x")]
    there = reach(subgraph(*relations), [block("a"), block("b")])
    back = reach(subgraph(*reversed(relations)), [block("b"), block("a")])
    assert there == back


def test_routes_are_loop_free_and_shortest_first() -> None:
    diamond = subgraph(
        edge("app", "lb"),
        edge("lb", "vpc"),
        edge("app", "vpc"),
        edge("vpc", "app"),
        edge("lb", "vpc", discriminator="2"),
    )
    found = routes(diamond, block("app"), block("vpc"))
    assert [[(r.src, r.dst) for r in route] for route in found.items] == [
        [(block("app"), block("vpc"))],
        [(block("app"), block("lb")), (block("lb"), block("vpc"))],
    ]
    assert not found.cut
    assert routes(diamond, block("app"), block("vpc"), max_paths=1).cut


def test_there_is_no_route_against_the_direction_nor_to_itself_nor_to_the_unknown() -> None:
    line = subgraph(edge("a", "b"))
    assert routes(line, block("b"), block("a")).items == ()
    assert routes(line, block("a"), block("a")).items == ()
    assert routes(line, block("a"), block("z")).items == ()
    assert len(routes(line, block("b"), block("a"), towards="dependents").items) == 1


def test_many_routes_are_cut_without_listing_them_all() -> None:
    layers = [edge(f"n{i}.{a}", f"n{i + 1}.{b}") for i in range(12) for a in range(4) for b in range(4)]
    found = routes(subgraph(*layers), block("n0.0"), block("n12.0"), max_paths=5)
    assert (len(found.items), found.cut) == (5, True)


def test_importance_adds_up_to_one_and_prefers_what_lies_near_the_seeds() -> None:
    star = subgraph(*(edge(f"leaf{i}", "hub") for i in range(5)), edge("far", "leaf0"), edge("island1", "island2"))
    ranked = importance(star, {block("leaf1"): 1.0, block("leaf2"): 1.0})
    score = {item.ref: item.score for item in ranked}
    assert math.isclose(sum(score.values()), 1.0, abs_tol=1e-6)
    assert ranked[0].ref == block("hub")
    assert score[block("leaf1")] > score[block("leaf3")] > score[block("far")]
    assert score[block("island1")] == pytest.approx(0, abs=1e-6)


def test_importance_of_a_pair_is_the_closed_form() -> None:
    # a <-> b, all restarts at a: a = 0.15 + 0.85 b, b = 0.85 a
    ranked = {item.ref: item.score for item in importance(subgraph(edge("a", "b")), {block("a"): 3.0})}
    assert ranked[block("a")] == pytest.approx(1 / 1.85, abs=1e-6)
    assert ranked[block("b")] == pytest.approx(0.85 / 1.85, abs=1e-6)


def test_importance_without_seeds_is_empty_and_a_lone_seed_keeps_everything() -> None:
    assert importance(subgraph(edge("a", "b")), {}) == ()
    assert importance(subgraph(edge("a", "b")), {block("a"): 0.0}) == ()
    lone = importance(Subgraph({block("z"): 0}, ()), {block("z"): 2.0})
    assert [(item.ref, item.score) for item in lone] == [(block("z"), pytest.approx(1.0))]


def test_a_relation_type_of_no_weight_is_not_walked() -> None:
    ranked = importance(
        subgraph(edge("a", "b"), edge("a", "c", "OWNED_BY")), {block("a"): 1.0}, weights={"OWNED_BY": 0.0}
    )
    assert {item.ref: item.score for item in ranked}.get(block("c"), 0.0) == pytest.approx(0.0)


def fact_batch(batch_id: str, *facts: Fact) -> FactBatch:
    return FactBatch(
        batch_id,
        "test",
        "shop",
        "test/1",
        tuple(Assertion(fact, valid_from=DAY, observed_at=DAY, locator="x") for fact in facts),
    )


def relation(src: str, dst: str, relation_type: str = "DEPENDS_ON") -> Relation:
    return Relation(relation_type, EntityRef(src), EntityRef(dst), {})


@pytest.fixture
def store() -> Iterator[GraphStore]:
    with open_store("sqlite://:memory:") as opened:
        names = ("Block:vpc", "Block:lb", "Block:app", "Block:call", "Module:net", "Repository:shop")
        instances = ("Resource:vpc0", "Resource:lb0", "Resource:db0")
        opened.apply(
            fact_batch(
                "1",
                *(Entity(EntityRef(name), {"name": name}) for name in (*names, *instances)),
                relation("Block:lb", "Block:vpc"),
                relation("Block:app", "Block:lb"),
                relation("Module:net", "Block:vpc", "CONTAINS"),
                relation("Block:call", "Module:net", "CONTAINS"),
                relation("Block:vpc", "Resource:vpc0", "DECLARES"),
                relation("Resource:db0", "Resource:vpc0"),
                relation("Block:lb", "Resource:lb0", "DECLARES"),
            )
        )
        yield opened


def test_the_blast_radius_crosses_modules_and_comes_down_to_instances(store: GraphStore) -> None:
    found = blast_radius(store, [EntityRef("Block:vpc")], View(), WIDE)
    assert {item.ref: item.distance for item in found.items} == {
        "Block:lb": 1,
        "Module:net": 1,
        "Resource:vpc0": 1,
        "Block:app": 2,
        "Block:call": 2,
        "Resource:db0": 2,
        "Resource:lb0": 2,
    }
    assert not found.cut


def test_the_blast_radius_of_an_instance_does_not_climb_to_its_code(store: GraphStore) -> None:
    found = blast_radius(store, [EntityRef("Resource:vpc0")], View(), WIDE)
    assert [item.ref for item in found.items] == ["Resource:db0"]


def test_a_row_limit_cuts_the_blast_radius_and_says_so(store: GraphStore) -> None:
    found = blast_radius(store, [EntityRef("Block:vpc")], View(), Limits(rows=2, deadline_s=10))
    assert len(found.items) <= 2
    assert found.cut


def test_hops_cut_the_blast_radius_and_say_so(store: GraphStore) -> None:
    found = blast_radius(store, [EntityRef("Block:vpc")], View(), WIDE, max_hops=1)
    assert {item.distance for item in found.items} == {1}
    assert found.cut


def test_what_a_thing_needs_and_how(store: GraphStore) -> None:
    needs = dependencies(store, [EntityRef("Block:app")], View(), WIDE)
    assert [(item.ref, item.distance) for item in needs.items] == [("Block:lb", 1), ("Block:vpc", 2)]
    chains = dependency_paths(store, EntityRef("Block:app"), EntityRef("Block:vpc"), View(), WIDE)
    assert [[r.dst for r in chain] for chain in chains.items] == [["Block:lb", "Block:vpc"]]
    assert dependency_paths(store, EntityRef("Block:vpc"), EntityRef("Block:app"), View(), WIDE).items == ()


def test_joined_refs_are_one_thing_in_the_blast_radius(store: GraphStore) -> None:
    store.apply(
        fact_batch(
            "2",
            Entity(EntityRef("Block:vpc-other-name"), {}),
            relation("Block:vpc-other-name", "Block:vpc", "SAME_AS"),
        )
    )
    found = blast_radius(store, [EntityRef("Block:vpc-other-name")], View(), WIDE)
    assert {"Block:lb", "Block:app", "Resource:db0"} <= {item.ref for item in found.items}
    assert "Block:vpc" not in {item.ref for item in found.items}


def test_an_unknown_ref_has_no_blast_radius(store: GraphStore) -> None:
    found = blast_radius(store, [EntityRef("Block:nothing")], View(), WIDE)
    assert (found.items, found.cut) == ((), False)


def test_before_the_facts_there_is_no_blast_radius(store: GraphStore) -> None:
    assert blast_radius(store, [EntityRef("Block:vpc")], View(as_of=0), WIDE).items == ()
