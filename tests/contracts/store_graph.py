"""The store contract: things said by several sources, their relations, names and properties."""

from __future__ import annotations

import pytest

from graph.store import ChangeQuery, GraphStore, Limits
from tests.contracts.facts import (
    ALL,
    NOW,
    SLACK,
    account,
    alias,
    at,
    batch,
    block,
    changed,
    commit,
    denies,
    entity,
    relation,
    says,
)

A, B, C, D = block("a"), block("b"), block("c"), block("d")
ONE, TWO, THREE = commit("1"), commit("2"), commit("3")
ADA, BOB = account("ada"), account("bob")


def _chain(store: GraphStore) -> None:
    """a → b → c → d, and a → c from 50 on."""
    store.apply(
        batch(
            *(says(entity(ref, name=ref.id), 1) for ref in (A, B, C, D)),
            says(relation("DEPENDS_ON", A, B), 1),
            says(relation("DEPENDS_ON", B, C), 1),
            says(relation("CONTAINS", C, D), 1),
            says(relation("DEPENDS_ON", A, C), 50),
        )
    )


def _three_changes(store: GraphStore) -> None:
    store.apply(
        batch(
            *(says(entity(ref), 1) for ref in (A, B, ONE, TWO, THREE, ADA, BOB)),
            says(changed(ONE, A), 10),
            says(changed(TWO, A, "format_only"), 20),
            says(changed(TWO, B), 20),
            says(changed(THREE, B, "deleted"), 30),
            says(relation("AUTHORED_BY", ONE, ADA), 10),
            says(relation("AUTHORED_BY", TWO, BOB), 20),
            says(relation("COMMITTED_BY", THREE, ADA), 30),
        )
    )


class GraphContract:
    # -- joined things

    def test_two_sources_are_kept_apart_and_merged_with_the_newest_first(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A, name="old", size=1), 10)))
        store.apply(batch(says(entity(A, name="new", zone="b"), 20), source=SLACK))
        found = store.entity(A, NOW)
        assert found is not None
        assert dict(found.properties) == {"name": "new", "size": 1, "zone": "b"}
        assert [s.provenance.source for s in found.statements] == [SLACK, "git"]
        assert [dict(s.properties) for s in found.statements] == [
            {"name": "new", "zone": "b"},
            {"name": "old", "size": 1},
        ]

    def test_of_equally_new_statements_the_first_source_by_name_is_preferred(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A, name="chat"), 10), source=SLACK))
        store.apply(batch(says(entity(A, name="git"), 10)))
        found = store.entity(A, NOW)
        assert found is not None
        assert found.properties["name"] == "git"

    def test_a_join_holds_only_while_it_is_true(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A, name="a"), 1), says(entity(B, size=1), 1)))
        store.apply(batch(says(relation("SAME_AS", B, A), 10, until=20)))
        refs = [found.refs if (found := store.entity(A, at(t))) else None for t in (9, 10, 19, 20)]
        assert refs == [(A,), (A, B), (A, B), (A,)]

    def test_joins_reach_across_several_refs(self, store: GraphStore) -> None:
        store.apply(batch(*(says(entity(ref), 1) for ref in (A, B, C))))
        store.apply(batch(says(relation("SAME_AS", A, B), 1), says(relation("SAME_AS", C, B), 1)))
        found = store.entity(C, NOW)
        assert found is not None
        assert (found.ref, found.refs) == (C, (A, B, C))

    def test_a_split_undoes_a_join_either_way_round_while_it_holds(self, store: GraphStore) -> None:
        store.apply(batch(*(says(entity(ref), 1) for ref in (A, B, C))))
        store.apply(batch(says(relation("SAME_AS", A, B), 1), says(relation("SAME_AS", C, B), 1)))
        store.apply(batch(says(relation("NOT_SAME_AS", B, A, reason="two of one name"), 10, until=20)))
        refs = [found.refs if (found := store.entity(B, at(t))) else None for t in (9, 10, 19, 20)]
        assert refs == [(A, B, C), (B, C), (B, C), (A, B, C)]
        assert [found.refs for found in store.entities([A, C], at(15))] == [(A,), (B, C)]
        assert store.neighbours([A], at(15), ALL).items == ()
        (split,) = store.neighbours([A], at(15), ALL, types=["NOT_SAME_AS"]).items
        assert split.properties == {"reason": "two of one name"}

    def test_all_labels_are_known_one_by_one(self, store: GraphStore) -> None:
        assert store.labels() == frozenset()
        store.apply(batch(says(entity(A), 1), says(entity(B), 1, label="ops"), says(entity(C), 1, label="hr+legal")))
        assert store.labels() == {"public", "ops", "hr", "legal"}

    def test_a_split_that_a_reader_may_not_see_splits_nothing_for_them(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A), 1), says(entity(B), 1), says(relation("SAME_AS", A, B), 1)))
        store.apply(batch(says(relation("NOT_SAME_AS", A, B), 1, label="ops")))
        assert [found.refs for found in store.entities([A], NOW)] == [(A, B)]

    def test_entities_come_in_the_order_asked_for_without_the_unknown(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A), 1), says(entity(B), 1)))
        assert [one.ref for one in store.entities([B, C, A, B], NOW)] == [B, A, B]

    # -- relations

    def test_neighbours_are_those_of_the_moment(self, store: GraphStore) -> None:
        _chain(store)
        ends = [[(edge.src, edge.dst) for edge in store.neighbours([A], at(t), ALL).items] for t in (0, 1, 49, 50)]
        assert ends == [[], [(A, B)], [(A, B)], [(A, B), (A, C)]]

    def test_neighbours_go_by_direction_and_type(self, store: GraphStore) -> None:
        _chain(store)
        found = {
            direction: [
                (edge.type, edge.src, edge.dst) for edge in store.neighbours([C], NOW, ALL, direction=direction).items
            ]
            for direction in ("out", "in")
        }
        assert found["out"] == [("CONTAINS", C, D)]
        assert found["in"] == [("DEPENDS_ON", A, C), ("DEPENDS_ON", B, C)]
        assert [edge.dst for edge in store.neighbours([C], NOW, ALL, types=["CONTAINS"]).items] == [D]
        assert store.neighbours([C], NOW, ALL, types=["UNHEARD_OF"]).items == ()

    def test_an_edge_to_what_is_not_visible_is_not_visible_and_comes_back_with_it(self, store: GraphStore) -> None:
        _chain(store)
        store.apply(batch(denies(entity(B), 20)))
        store.apply(batch(says(entity(B, name="b"), 30)))
        seen = [[edge.dst for edge in store.neighbours([A], at(t), ALL).items] for t in (19, 20, 29, 30)]
        assert seen == [[B], [], [], [B]]

    def test_an_edge_is_visible_through_what_its_far_end_is_joined_with(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A), 1), says(entity(C), 1), says(relation("DEPENDS_ON", A, B), 1)))
        assert store.neighbours([A], NOW, ALL).items == ()
        store.apply(batch(says(relation("SAME_AS", B, C), 1)))
        assert [edge.dst for edge in store.neighbours([A], NOW, ALL).items] == [B]
        assert [edge.src for edge in store.neighbours([C], NOW, ALL, direction="in").items] == [A]

    def test_joins_are_listed_only_when_asked_for(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A), 1), says(entity(B), 1), says(relation("SAME_AS", A, B, rule="arn"), 1)))
        assert store.neighbours([A], NOW, ALL).items == ()
        (join,) = store.neighbours([A], NOW, ALL, types=["SAME_AS"]).items
        assert join.properties == {"rule": "arn"}

    def test_parallel_edges_are_told_apart_by_their_discriminator(self, store: GraphStore) -> None:
        prod, staging = relation("REACHED", ONE, A, "prod"), relation("REACHED", ONE, A, "staging", basis="merged")
        store.apply(batch(says(entity(ONE), 1), says(entity(A), 1), says(prod, 5), says(staging, 3)))
        found = store.neighbours([ONE], NOW, ALL).items
        assert [(edge.discriminator, edge.statements[0].valid_from) for edge in found] == [("prod", 5), ("staging", 3)]

    def test_an_edge_of_two_sources_is_one_edge_with_two_statements(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A), 1), says(entity(B), 1), says(relation("DEPENDS_ON", A, B, via="x"), 1)))
        store.apply(batch(says(relation("DEPENDS_ON", A, B, note="y"), 2), source=SLACK))
        (edge,) = store.neighbours([A], NOW, ALL).items
        assert dict(edge.properties) == {"via": "x", "note": "y"}
        assert [s.provenance.source for s in edge.statements] == [SLACK, "git"]

    def test_a_subgraph_counts_hops_and_lists_the_relations_walked(self, store: GraphStore) -> None:
        _chain(store)
        two = store.subgraph([A], 2, at(1), ALL)
        assert dict(two.distance) == {A: 0, B: 1, C: 2}
        assert [(edge.src, edge.dst) for edge in two.relations] == [(A, B), (B, C)]
        later = store.subgraph([A], 2, NOW, ALL, direction="out")
        assert dict(later.distance) == {A: 0, B: 1, C: 1, D: 2}
        assert dict(store.subgraph([A], 0, NOW, ALL).distance) == {A: 0}

    def test_paths_are_the_shortest_of_the_moment(self, store: GraphStore) -> None:
        _chain(store)
        before = store.paths(A, D, at(49), ALL).items
        after = store.paths(A, D, at(50), ALL).items
        assert [[edge.dst for edge in path] for path in before] == [[B, C, D]]
        assert [[edge.dst for edge in path] for path in after] == [[C, D]]
        assert store.paths(D, A, NOW, ALL, direction="out").items == ()
        assert len(store.paths(D, A, NOW, ALL, direction="in").items) == 1
        assert store.paths(A, D, at(1), ALL, max_hops=2).items == ()
        assert store.paths(A, A, NOW, ALL).items == ()

    def test_all_paths_of_the_least_length_are_listed(self, store: GraphStore) -> None:
        store.apply(batch(*(says(entity(ref), 1) for ref in (A, B, C, D))))
        for middle in (B, C):
            store.apply(batch(says(relation("DEPENDS_ON", A, middle), 1), says(relation("DEPENDS_ON", middle, D), 1)))
        found = store.paths(A, D, NOW, ALL)
        assert [[edge.dst for edge in path] for path in found.items] == [[B, D], [C, D]]
        first = store.paths(A, D, NOW, Limits(rows=1))
        assert (first.items, first.cut) == (found.items[:1], True)

    # -- changes

    def test_changes_come_newest_first(self, store: GraphStore) -> None:
        _three_changes(store)
        found = store.changes(ChangeQuery(), NOW, ALL)
        assert [(one.at, one.change, one.target) for one in found.items] == [
            (30, THREE, B),
            (20, TWO, A),
            (20, TWO, B),
            (10, ONE, A),
        ]
        assert not found.cut

    def test_changes_in_a_window_begin_at_its_start_and_end_before_its_end(self, store: GraphStore) -> None:
        _three_changes(store)
        assert [one.at for one in store.changes(ChangeQuery(since=10, until=30), NOW, ALL).items] == [20, 20, 10]

    def test_changes_meet_every_condition_of_the_query(self, store: GraphStore) -> None:
        _three_changes(store)

        def found(query: ChangeQuery) -> list[tuple[str, str]]:
            return [(one.change.id, one.target.id) for one in store.changes(query, NOW, ALL).items]

        assert found(ChangeQuery(targets=[A])) == [("2", "a"), ("1", "a")]
        assert found(ChangeQuery(targets=[])) == []
        assert found(ChangeQuery(by=[ADA])) == [("3", "b"), ("1", "a")]
        assert found(ChangeQuery(by=[ADA], targets=[A])) == [("1", "a")]
        assert found(ChangeQuery(changes=[TWO])) == [("2", "a"), ("2", "b")]
        assert found(ChangeQuery(effects=frozenset({"deleted"}))) == [("3", "b")]
        assert found(ChangeQuery(target_kinds=frozenset({"File"}))) == []

    def test_changes_are_those_known_and_true_in_the_view(self, store: GraphStore) -> None:
        _three_changes(store)
        store.apply(batch(denies(changed(ONE, A), 40)))
        assert [one.at for one in store.changes(ChangeQuery(targets=[A]), at(15), ALL).items] == [10]
        assert [one.at for one in store.changes(ChangeQuery(targets=[A]), NOW, ALL).items] == [20]
        assert [one.at for one in store.changes(ChangeQuery(targets=[A]), at(None, known_at=1), ALL).items] == [20, 10]

    def test_a_deleted_target_keeps_its_changes(self, store: GraphStore) -> None:
        _three_changes(store)
        store.apply(batch(denies(entity(B), 30)))
        assert [one.at for one in store.changes(ChangeQuery(targets=[B]), NOW, ALL).items] == [30, 20]

    def test_changes_follow_joined_targets_and_joined_actors(self, store: GraphStore) -> None:
        _three_changes(store)
        store.apply(batch(says(relation("SAME_AS", C, A), 1), says(relation("SAME_AS", ADA, BOB), 1)))
        assert [one.at for one in store.changes(ChangeQuery(targets=[C]), NOW, ALL).items] == [20, 10]
        assert len(store.changes(ChangeQuery(by=[BOB]), NOW, ALL).items) == 4

    # -- names

    def test_a_name_is_found_whatever_its_case_while_it_holds(self, store: GraphStore) -> None:
        store.apply(batch(says(alias(A, "aws_lb.Main"), 10, until=20), says(alias(B, "AWS_LB.main", "path"), 1)))
        assert [(one.ref, one.name) for one in store.resolve_alias("aws_lb.MAIN", at(15), ALL).items] == [
            (A, "aws_lb.Main"),
            (B, "AWS_LB.main"),
        ]
        assert [one.ref for one in store.resolve_alias("aws_lb.main", at(20), ALL).items] == [B]
        assert [one.ref for one in store.resolve_alias("aws_lb.main", at(15), ALL, schemes=["path"]).items] == [B]
        assert store.resolve_alias("aws_lb.main", at(15), ALL, kinds=["File"]).items == ()
        assert store.resolve_alias("aws_lb", NOW, ALL).items == ()

    def test_the_names_of_a_joined_thing_are_listed_together(self, store: GraphStore) -> None:
        store.apply(batch(says(alias(A, "two"), 1), says(alias(A, "one"), 1), says(alias(B, "three", "arn"), 1)))
        store.apply(batch(says(relation("SAME_AS", A, B), 1)))
        assert [(one.ref, one.name) for one in store.aliases([B], NOW)] == [(A, "one"), (A, "two"), (B, "three")]

    def test_names_are_found_by_all_their_words_shortest_first(self, store: GraphStore) -> None:
        names = ["module.edge.aws_lb_listener.api", "aws_lb.api", "aws_lb.web", "apiGateway"]
        store.apply(batch(*(says(alias(block(str(i)), name), 1) for i, name in enumerate(names))))
        assert [one.name for one in store.search_names(("api", "lb"), NOW, ALL).items] == [names[1], names[0]]
        assert [one.name for one in store.search_names(("gateway",), NOW, ALL).items] == ["apiGateway"]
        assert store.search_names(("api", "nothing"), NOW, ALL).items == ()
        assert store.search_names((), NOW, ALL).items == ()
        first = store.search_names(("lb",), NOW, Limits(rows=2))
        assert ([one.name for one in first.items], first.cut) == (["aws_lb.api", "aws_lb.web"], True)

    def test_the_vocabulary_counts_the_names_that_hold_a_word(self, store: GraphStore) -> None:
        store.apply(
            batch(says(alias(A, "aws_lb.api"), 1), says(alias(B, "aws_lb.web"), 1), says(alias(B, "gone"), 1, until=2))
        )
        assert dict(store.name_vocabulary(NOW)) == {"aws": 2, "lb": 2, "api": 1, "web": 1}
        assert dict(store.name_vocabulary(NOW, kinds=["File"])) == {}
        store.apply(batch(says(alias(C, "aws"), 1)))
        assert store.name_vocabulary(NOW)["aws"] == 3

    # -- properties

    def test_entities_are_selected_by_indexed_properties(self, store: GraphStore) -> None:
        store.apply(
            batch(
                says(entity(A, type="aws_lb", name="api"), 1),
                says(entity(B, type="aws_lb", name="web"), 1),
                says(entity(C, type="aws_sg", name="api"), 1, until=9),
            )
        )
        found = store.select("Block", {"type": ["aws_lb", "aws_sg"], "name": ["api"]}, at(5), ALL)
        assert [one.ref for one in found.items] == [A, C]
        assert [one.ref for one in store.select("Block", {}, NOW, ALL).items] == [A, B]
        assert store.select("Block", {"type": []}, NOW, ALL).items == ()
        assert store.select("File", {}, NOW, ALL).items == ()

    def test_a_property_that_is_not_indexed_cannot_be_selected_by(self, store: GraphStore) -> None:
        with pytest.raises(ValueError, match="attributes"):
            store.select("Block", {"attributes": ["x"]}, NOW, ALL)
        with pytest.raises(ValueError, match="attributes"):
            store.aggregate("Block", "attributes", NOW, ALL)

    def test_a_changed_property_is_found_at_its_own_time_only(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A, name="old"), 10)))
        store.apply(batch(says(entity(A, name="new"), 20)))
        found = [len(store.select("Block", {"name": ["old"]}, at(t), ALL).items) for t in (9, 10, 19, 20)]
        assert found == [0, 1, 1, 0]

    def test_a_joined_thing_is_selected_and_counted_once_by_its_merged_properties(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A, name="old", type="lb"), 10), says(relation("SAME_AS", A, B), 1)))
        store.apply(batch(says(entity(B, name="new"), 20), source=SLACK))
        (found,) = store.select("Block", {"name": ["new"], "type": ["lb"]}, NOW, ALL).items
        assert (found.ref, found.refs) == (A, (A, B))
        assert store.select("Block", {"name": ["old"]}, NOW, ALL).items == ()
        assert store.aggregate("Block", "name", NOW, ALL).items == (("new", 1),)

    def test_counts_per_value_come_most_first(self, store: GraphStore) -> None:
        types = ["sg", "lb", "lb", None]
        store.apply(
            batch(*(says(entity(block(str(i)), type=type_), 1) for i, type_ in enumerate(types)), says(entity(D), 1))
        )
        assert store.aggregate("Block", "type", NOW, ALL).items == (("lb", 2), ("sg", 1), (None, 1))
        first = store.aggregate("Block", "type", NOW, Limits(rows=1))
        assert (first.items, first.cut) == ((("lb", 2),), True)

    def test_the_first_of_a_long_list_are_the_same_as_of_all_of_it(self, store: GraphStore) -> None:
        blocks = [block(f"{i:04}") for i in range(1_100)]
        facts = [says(entity(one, name=one.id), 1) for one in blocks[1:]]
        # The first is only another name of the last, and the last but one another name of the third.
        facts += [says(relation("SAME_AS", blocks[a], blocks[b]), 1) for a, b in ((0, 1_099), (2, 1_098))]
        store.apply(batch(*facts, says(entity(account("x"), name="x"), 1)))
        everything = store.select("Block", {}, NOW, Limits(rows=2_000))
        assert ([e.ref for e in everything.items], everything.cut) == ([*blocks[1:1_098], blocks[1_099]], False)
        for rows in (3, 600, 1_097, 1_098):
            page = store.select("Block", {}, NOW, Limits(rows=rows))
            assert (page.items, page.cut) == (everything.items[:rows], rows < 1_098)
        assert store.select("Blo", {}, NOW, ALL).items == ()

    def test_status_counts_what_is_current_and_public(self, store: GraphStore) -> None:
        _three_changes(store)
        store.apply(batch(denies(entity(A), 40), says(entity(C), 1, label="ops"), fresh_until=77))
        status = store.status()
        assert dict(status.entities) == {"Account": 2, "Block": 1, "Commit": 3}
        assert dict(status.relations) == {"AUTHORED_BY": 2, "CHANGED": 4, "COMMITTED_BY": 1}
        (scope,) = status.scopes
        assert (scope.source, scope.scope, scope.batches, scope.fresh_until) == ("git", "org/name", 2, 77)
        assert store.scopes() == status.scopes
        assert status.record == 2
