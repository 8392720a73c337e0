"""The tree by itself: probabilities, what is asked next, when it stops, and how it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isclose, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.incident import Evidence, Suspect
from agent.investigation import Node
from agent.tree import LIVE, NONE, REFUTED, ROOT, Asking, Branch, Leaf, StopRule, Tree, entropy, status
from graph.model import EntityRef

CHEAP = Asking("cheap", "whether it is cheap", 1.0, 0.5)
DEAR = Asking("dear", "whether it is dear", 4.0, 0.5)
TELLING = Asking("telling", "whether it tells", 1.0, 2.0)


def suspect(name: str, at: int = 0, mechanism: str = "") -> Suspect:
    """A suspect of this name."""
    key = EntityRef(f"Commit:{name}")
    return Suspect(key, "change", key, None, at, "merged", f"change {name}", "test", mechanism=mechanism)


def tree(branches: Mapping[str, Sequence[tuple[str, float]]], none: float = 0.0) -> Tree:
    """A tree of branches with leaves, each with its prior log odds."""
    leaves = [
        Leaf(f"{branch}.{n}", suspect(name), branch, odds)
        for branch, some in branches.items()
        for n, (name, odds) in enumerate(some, 1)
    ]
    return Tree("checkout: errors", [Branch(b, f"in {b}") for b in branches], leaves, none, "none of these")


def says(weights: Mapping[str, float], check: str = "cheap") -> dict[EntityRef, Evidence]:
    """What a check finds of suspects, by name."""
    return {
        EntityRef(f"Commit:{name}"): Evidence(
            check, "supports" if w > 0 else "refutes" if w < 0 else "no_data", w, f"{name} says so."
        )
        for name, w in weights.items()
    }


def node(of: Tree, name: str, most: int = 30) -> Node:
    """A node by its id."""
    return next(n for n in of.nodes(most) if n.id == name)


odds = st.floats(-40, 40, allow_nan=False)
shapes = st.dictionaries(
    st.sampled_from(["h1", "h2", "h3"]), st.lists(odds, min_size=1, max_size=6), min_size=1, max_size=3
).map(lambda d: {b: [(f"{b}{i}", o) for i, o in enumerate(some)] for b, some in sorted(d.items())})


@settings(max_examples=150, deadline=None)
@given(shapes, odds, st.lists(odds, min_size=18, max_size=18))
def test_probabilities_sum_to_one_before_and_after_any_evidence(
    shape: dict[str, list[tuple[str, float]]], none: float, weights: list[float]
) -> None:
    grown = tree(shape, none)
    for asking in (None, CHEAP, DEAR):
        if asking is not None:
            for branch in grown.branches:
                found = says(dict(zip((n for n, _ in shape[branch.id]), weights, strict=False)))
                grown.weigh(branch, asking, "", found)
        shares, left = grown.probabilities()
        assert isclose(sum(shares.values()) + left, 1.0, abs_tol=1e-9)
        assert all(0 <= p <= 1 for p in (*shares.values(), left))


@settings(max_examples=100, deadline=None)
@given(shapes, odds, st.integers(0, 20))
def test_a_branch_is_the_sum_of_its_leaves_however_few_of_them_are_shown(
    shape: dict[str, list[tuple[str, float]]], none: float, most: int
) -> None:
    nodes = tree(shape, none).nodes(most)
    ids = [n.id for n in nodes]
    assert len(ids) == len(set(ids))
    for branch in (n for n in nodes if n.sort == "place"):
        own = [n for n in nodes if n.parent == branch.id]
        assert isclose(sum(n.posterior for n in own), branch.posterior, abs_tol=1e-5)
        assert isclose(sum(n.prior for n in own), branch.prior, abs_tol=1e-5)
    top = [n for n in nodes if n.parent == ROOT]
    assert isclose(sum(n.posterior for n in top), 1.0, abs_tol=1e-5)
    assert isclose(sum(n.prior for n in top), 1.0, abs_tol=1e-5)
    shown = [n for n in nodes if n.sort == "change" and n.status != "pruned" and not n.id.endswith(".rest")]
    assert len(shown) <= most


@settings(max_examples=60, deadline=None)
@given(shapes, odds, st.floats(0.01, 5))
def test_evidence_moves_its_own_leaf_only_up_and_the_others_in_proportion(
    shape: dict[str, list[tuple[str, float]]], none: float, weight: float
) -> None:
    grown = tree(shape, none)
    before, none_before = grown.probabilities()
    leaf = grown.leaves[0]
    branch = grown.branches[0]
    grown.weigh(branch, CHEAP, "", says({leaf.suspect.key.id: weight}))
    after, none_after = grown.probabilities()
    assert after[leaf.id] >= before[leaf.id] - 1e-12
    for other in grown.leaves[1:]:
        # Rivals keep their proportion to "none of these".
        assert isclose(after[other.id] * none_before, before[other.id] * none_after, abs_tol=1e-9)


def test_the_prior_stays_what_it_was_when_evidence_comes() -> None:
    grown = tree({"h1": [("a", 0.0), ("b", 0.0)]})
    priors = {n.id: n.prior for n in grown.nodes(9)}
    grown.weigh(grown.branches[0], CHEAP, "", says({"a": 3.0, "b": -3.0}))
    assert {n.id: n.prior for n in grown.nodes(9)} == priors
    assert node(grown, "h1.1").posterior > node(grown, "h1.2").posterior


# -- what is asked next


def test_the_branch_where_least_is_decided_is_asked_the_check_that_tells_most_for_its_cost() -> None:
    grown = tree({"h1": [("a", -4.0)], "h2": [("b", 0.0), ("c", 0.0)]})
    chosen = grown.next([DEAR, CHEAP, TELLING], StopRule())
    assert chosen is not None
    branch, asking, because = chosen
    assert (branch.id, asking.name) == ("h2", "telling")
    assert "66%" in because
    assert TELLING.asks in because


def test_what_was_asked_of_a_branch_is_not_asked_again_but_of_another_branch_it_is() -> None:
    grown = tree({"h1": [("a", 0.0)], "h2": [("b", 0.0)]})
    seen: list[tuple[str, str]] = []
    while (chosen := grown.next([CHEAP, DEAR], StopRule())) is not None:
        branch, asking, because = chosen
        seen.append((branch.id, asking.name))
        grown.weigh(branch, asking, because, {})
    assert sorted(seen) == [("h1", "cheap"), ("h1", "dear"), ("h2", "cheap"), ("h2", "dear")]
    assert seen[:2] == [("h1", "cheap"), ("h2", "cheap")]


def test_ties_go_to_the_first_branch_and_the_first_check() -> None:
    twin = Asking("twin", "the same", 1.0, 0.5)
    grown = tree({"h1": [("a", 0.0)], "h2": [("b", 0.0)]})
    for askings in ([CHEAP, twin], [twin, CHEAP]):
        chosen = grown.next(askings, StopRule())
        assert chosen is not None
        assert (chosen[0].id, chosen[1].name) == ("h1", askings[0].name)


def test_nothing_is_asked_of_branches_without_a_live_leaf_nor_for_too_little_gain() -> None:
    assert tree({"h1": [("a", -20.0)]}).next([CHEAP], StopRule()) is None
    assert tree({"h1": [("a", 20.0)]}).next([CHEAP], StopRule()) is None
    assert tree({"h1": [("a", 0.0)]}).next([CHEAP], StopRule(gain=9.0)) is None
    assert tree({"h1": [("a", 0.0)]}).next([], StopRule()) is None
    assert tree({}).next([CHEAP], StopRule()) is None


# -- when it stops


def test_a_tree_without_leaves_is_exhausted_at_once() -> None:
    assert tree({}).stopped(StopRule()) == "exhausted"
    assert tree({}).probabilities() == ({}, 1.0)


def test_it_stops_on_confidence_only_when_the_needed_checks_were_asked_of_that_branch() -> None:
    rule = StopRule(confidence=0.9, needed=frozenset({"cheap", "dear"}))
    grown = tree({"h1": [("a", 5.0)], "h2": [("b", 0.0)]})
    assert grown.stopped(rule) is None
    grown.weigh(grown.branches[1], CHEAP, "", {})
    grown.weigh(grown.branches[1], DEAR, "", {})
    assert grown.stopped(rule) is None, "asked of the other branch"
    grown.weigh(grown.branches[0], CHEAP, "", {})
    assert grown.stopped(rule) is None
    grown.weigh(grown.branches[0], DEAR, "", {})
    assert grown.stopped(rule) == "confidence"


@pytest.mark.parametrize(("ahead", "stopped"), [(19.0, None), (21.0, "margin")])
def test_it_stops_on_margin_when_the_best_is_that_many_times_as_likely(ahead: float, stopped: str | None) -> None:
    grown = tree({"h1": [("a", log(ahead)), ("b", 0.0)]}, none=-20.0)
    assert grown.stopped(StopRule(confidence=0.999, margin=20.0)) == stopped


def test_none_of_these_is_a_rival_of_the_margin_too() -> None:
    assert tree({"h1": [("a", log(19.0))]}, none=0.0).stopped(StopRule(confidence=0.999, margin=20.0)) is None
    assert tree({"h1": [("a", log(21.0))]}, none=0.0).stopped(StopRule(confidence=0.999, margin=20.0)) == "margin"


def test_it_stops_when_the_steps_are_used_up() -> None:
    grown = tree({"h1": [("a", 0.0)]})
    assert grown.stopped(StopRule(steps=1)) is None
    grown.weigh(grown.branches[0], CHEAP, "", {})
    assert grown.stopped(StopRule(steps=1)) == "budget"


# -- how it is told


def test_equal_leaves_are_in_order_of_what_took_effect_last_and_then_of_their_ref() -> None:
    leaves = [
        Leaf("h1.1", suspect("b", at=5), "h1", 0.0),
        Leaf("h1.2", suspect("a", at=5), "h1", 0.0),
        Leaf("h1.3", suspect("c", at=9), "h1", 0.0),
    ]
    for order in (leaves, leaves[::-1]):
        grown = Tree("x", [Branch("h1", "in h1")], order, 0.0, "none")
        assert [leaf.suspect.key.id for leaf, _ in grown.ranked()] == ["c", "a", "b"]


def test_the_words_of_status() -> None:
    leaf = Leaf("h1.1", suspect("a"), "h1", 0.0)
    assert (status(leaf, LIVE / 2), status(leaf, 0.3), status(leaf, 0.99)) == ("pruned", "open", "open")
    leaf.evidence.append(Evidence("cheap", "inconclusive", 0.0, "?"))
    assert (status(leaf, 0.49), status(leaf, 0.5)) == ("open", "supported")
    leaf.evidence.append(Evidence("dear", "supports", 1.0, "yes"))
    assert (status(leaf, 0.19), status(leaf, 0.2)) == ("open", "supported")
    leaf.evidence.append(Evidence("telling", "refutes", REFUTED - 1.0, "no"))
    assert status(leaf, 0.9) == "refuted"


def test_a_step_tells_what_was_found_and_who_is_ahead() -> None:
    grown = tree({"h1": [("a", 0.0), ("b", 0.0), ("c", 0.0)]})
    found = says({"a": -2.0, "b": 3.0, "c": 0.0})
    step = grown.weigh(grown.branches[0], CHEAP, "for a reason", found)
    assert (step.step, step.check, step.node, step.because) == (1, "cheap", "h1", "for a reason")
    assert step.outcome == "1 supported, 1 refuted, 1 without data: b says so."
    assert step.best == "h1.2"
    assert step.probability == node(grown, "h1.2").posterior
    assert grown.path == [step]
    assert grown.weigh(grown.branches[0], DEAR, "", {}).outcome == "nothing to weigh"


def test_what_is_not_shown_is_pruned_into_its_branch_and_mechanisms_hang_below_their_leaves() -> None:
    leaves = [Leaf(f"h1.{n}", suspect(f"s{n}", mechanism="it waits" if n == 1 else ""), "h1", -n) for n in range(1, 8)]
    grown = Tree("checkout: errors", [Branch("h1", "in checkout itself")], leaves, 0.0, "none of these")
    nodes = grown.nodes(2)
    assert [n.id for n in nodes] == [ROOT, "h1", "h1.1", "h1.1.how", "h1.2", "h1.rest", NONE]
    rest = node(grown, "h1.rest", 2)
    assert (rest.status, rest.claim) == ("pruned", "5 other changes, each unlikely")
    assert node(grown, "h1.1.how", 2).parent == "h1.1"
    assert node(grown, "h1.1.how", 2).claim == "it waits"
    assert (nodes[0].claim, nodes[0].parent, nodes[-1].claim) == ("checkout: errors", None, "none of these")


def test_none_of_these_is_supported_when_it_is_likelier_than_not() -> None:
    assert node(tree({"h1": [("a", 0.0)]}, none=1.0), NONE).status == "supported"
    assert node(tree({"h1": [("a", 1.0)]}, none=0.0), NONE).status == "open"
    refuted = tree({"h1": [("a", 0.0)], "h2": [("b", 3.0)]})
    refuted.weigh(refuted.branches[0], CHEAP, "", says({"a": -2.0}))
    assert (node(refuted, "h1").status, node(refuted, "h2").status) == ("refuted", "supported")


def test_the_same_tree_is_told_the_same_twice() -> None:
    def grow() -> tuple[Node, ...]:
        grown = tree({"h1": [("a", 0.3), ("b", 0.3)], "h2": [("c", 0.3)]})
        while (chosen := grown.next([CHEAP, DEAR, TELLING], StopRule())) is not None:
            grown.weigh(*chosen, says({"a": 0.4, "c": -0.2}))
        return grown.nodes(2)

    assert grow() == grow()


def test_entropy_is_that_of_the_shares() -> None:
    assert entropy([1.0, 0.0]) == 0
    assert isclose(entropy([0.5, 0.5]), log(2))
