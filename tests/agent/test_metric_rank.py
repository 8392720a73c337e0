"""Ranking causes over a service graph by their metrics."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from agent.metric_rank import Signals, most_anomalous, rank
from agent.metric_shift import Points
from graph.clock import SECOND, Instant
from graph.observations import MetricClass

MINUTE: Instant = 60 * SECOND
AT: Instant = 60 * MINUTE
UNTIL: Instant = 75 * MINUTE
CALLS = {"shop": ["checkout", "search"], "checkout": ["orders", "stock"], "search": ["index"], "batch": ["lake"]}
NODES = ("shop", "checkout", "search", "orders", "stock", "index", "batch", "lake")


def metrics(before: float, after: float, traffic: float = 100.0, seed: str = "") -> Mapping[MetricClass, Points]:
    random = Random(seed)
    times = [i * MINUTE for i in range(75)]
    return {
        "latency": [(t, (before if t < AT else after) + random.uniform(-0.002, 0.002)) for t in times],
        "traffic": [(t, traffic) for t in times],
    }


def signals(**slow: float) -> Signals:
    """All at 50 ms, these at so many seconds during the incident."""
    return {n: metrics(0.05, slow.get(n, 0.05), seed=n) for n in NODES}


def names(found: Signals, **other: object) -> list[str]:
    return [r.node for r in rank(CALLS, found, "shop", "latency", AT, UNTIL, **other)]  # type: ignore[arg-type]


def test_the_cause_is_where_the_excess_begins() -> None:
    ranked = rank(CALLS, signals(shop=0.5, checkout=0.5, orders=0.5), "shop", "latency", AT, UNTIL)
    assert ranked[0].node == "orders"
    assert ranked[0].path == ("shop", "checkout", "orders")
    assert ranked[0].own_share > 0.9
    assert ranked[0].score > 5 * ranked[1].score


def test_a_node_with_quiet_callees_is_the_cause_itself() -> None:
    assert names(signals(shop=0.5, checkout=0.5))[0] == "checkout"
    assert names(signals(shop=0.5))[0] == "shop"


def test_a_little_excess_of_a_callee_does_not_explain_a_lot() -> None:
    assert names(signals(shop=0.5, checkout=0.5, orders=0.08))[0] == "checkout"


def test_traffic_weighs_the_excess() -> None:
    found = dict(signals(shop=0.15, checkout=0.15))
    found["index"] = metrics(0.05, 2.0, traffic=0.5, seed="index")
    assert names(found)[0] == "checkout"


def test_what_cannot_be_reached_is_not_named_and_without_the_graph_it_would_be() -> None:
    found = signals(shop=0.15, checkout=0.15, lake=9.0)
    assert "lake" not in names(found)
    assert most_anomalous(found, "shop", "latency", AT, UNTIL, NODES)[0].node == "lake"


def test_what_was_slow_before_is_no_cause() -> None:
    found = dict(signals(shop=0.2, checkout=0.2))
    slow_for_long = [(i * MINUTE, 0.05 if i < 40 else 3.0) for i in range(75)]
    found["search"] = {"latency": slow_for_long, "traffic": metrics(0, 0)["traffic"]}
    ranked = rank(CALLS, found, "shop", "latency", AT, UNTIL)
    assert ranked[0].node == "checkout"
    assert next(r for r in ranked if r.node == "search").score == 0


def test_what_moves_with_the_target_counts_more_than_what_is_odd_at_other_moments() -> None:
    found = dict(signals())
    bad = range(60, 64)
    for node, when in (("shop", bad), ("checkout", bad), ("search", range(66, 75))):
        slow = [(i * MINUTE, 0.5 if i in when else 0.05) for i in range(75)]
        found[node] = {"latency": slow, "traffic": metrics(0, 0)["traffic"]}
    assert names(found)[0] == "checkout"


def test_a_node_without_data_does_not_count_against_what_is_behind_it() -> None:
    found = dict(signals(shop=0.5, checkout=0.5, orders=0.5))
    del found["checkout"]
    ranked = rank(CALLS, found, "shop", "latency", AT, UNTIL)
    assert ranked[0].node == "orders"
    assert "checkout" not in [r.node for r in ranked]
    quiet = rank(CALLS, signals(shop=0.5, orders=0.5), "shop", "latency", AT, UNTIL)
    orders = next(r for r in quiet if r.node == "orders")
    assert 0 < orders.score < ranked[0].score


def test_an_inferred_node_stands_behind_an_instrumented_one() -> None:
    found = signals(shop=0.5, checkout=0.3, search=0.31)
    assert names(found)[0] == "search"
    assert names(found, inferred={"search"})[0] == "checkout"
    only = signals(shop=0.5, search=0.5)
    assert names(only, inferred={"search"})[0] == "search"


def test_availability_is_worse_downwards() -> None:
    times = [i * MINUTE for i in range(75)]
    found: Signals = {
        n: {"availability": [(t, 1.0 if t < AT else left) for t in times]}
        for n, left in (("shop", 0.9), ("checkout", 0.8), ("search", 1.0))
    }
    ranked = rank(CALLS, found, "shop", "availability", AT, UNTIL)
    assert ranked[0].node == "checkout"
    risen: Signals = {**found, "search": {"availability": [(t, 0.5 if t < AT else 1.0) for t in times]}}
    assert next(r for r in rank(CALLS, risen, "shop", "availability", AT, UNTIL) if r.node == "search").score == 0


def test_circles_end_and_nothing_depends_on_an_order() -> None:
    calls = {"a": {"b", "c"}, "b": {"a", "c"}, "c": {"c", "b"}}
    found: Signals = {n: metrics(0.05, 0.5, seed=n) for n in "abc"}
    turned = {n: found[n] for n in reversed("abc")}
    ranked = rank(calls, found, "a", "latency", AT, UNTIL)
    assert ranked == rank(
        {k: sorted(v, reverse=True) for k, v in reversed(calls.items())}, turned, "a", "latency", AT, UNTIL
    )
    assert {r.node for r in ranked} == {"a", "b", "c"}


def test_nothing_after_the_end_is_read_and_a_target_without_data_ranks_nothing() -> None:
    found = signals(shop=0.5, checkout=0.5)
    later: Signals = {
        n: {"latency": [*m["latency"], (UNTIL + MINUTE, 99.0)], "traffic": m["traffic"]} for n, m in found.items()
    }
    assert rank(CALLS, found, "shop", "latency", AT, UNTIL) == rank(CALLS, later, "shop", "latency", AT, UNTIL)
    assert rank(CALLS, {}, "shop", "latency", AT, UNTIL) == ()
    assert rank(CALLS, found, "shop", "latency", UNTIL, UNTIL) == ()
