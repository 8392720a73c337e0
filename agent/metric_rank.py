"""Which node of a service graph started it: metrics of each node, and the calls between them, ranked from the target down.

Four ideas, all pure functions:

* *Anomaly.* A node's level during the incident against the worse of two references: its long baseline (median) and its last level before.
  What was already off before the incident is no sign of its cause. The spread is the baseline's (`agent.metric_shift`).
* *The same moments.* Levels are means weighted by how bad the target was at each point, so that what moves with the target counts.
* *Own excess.* A slow callee makes its callers slow. What counts is the excess that a node has and its callees have not: added seconds
  (or failures) times traffic, less those of anomalous callees, as a share of the target's. The cause is where excess begins.
* *A path.* From the target to the cause the nodes in between should be anomalous too. One without data does not count against it.

A node that is only *inferred*, seen from its callers and without instruments of its own (a load balancer's name, a remote host), shows what
somebody behind it does; it counts `INFERRED` of an instrumented one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from statistics import median

from agent.metric_shift import BAND, Points, badness, baseline_of
from graph.clock import SECOND, Instant
from graph.observations import WORSE, MetricClass

Calls = Mapping[str, Collection[str]]
"""Caller -> callees."""
Signals = Mapping[str, Mapping[MetricClass, Points]]
"""Node -> its metrics, from the beginning of the baseline to the end of the incident."""

INFERRED = 0.5
"""Share of its score that a node without instruments of its own keeps."""
QUIET = 0.25
"""What is left of a path for each node on it that has data and is not anomalous."""
RECENT_S = 900
"""The last level before the incident is that of so many seconds before it."""
MAX_HOPS = 10


@dataclass(frozen=True, slots=True)
class Ranked:
    """A possible cause.

    Attributes:
        node: its name.
        score: between 0 and 1, for ranking; no probability.
        z: spreads by which its target metric got worse, at the target's worst moments.
        own_share: its own excess as a share of the target's, 0 to 1.
        path: from the target to it, both included.
    """

    node: str
    score: float
    z: float
    own_share: float
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _State:
    """A node during the incident. `excess` is what got worse (seconds, failures) over all its traffic, zero when it got better."""

    z: float
    excess: float

    @property
    def anomalous(self) -> float:
        """0 within the band, 1 at twice the band and above."""
        return min(max(self.z / BAND - 1.0, 0.0), 1.0)


def rank(
    calls: Calls,
    signals: Signals,
    target: str,
    metric: MetricClass,
    at: Instant,
    until: Instant,
    *,
    inferred: Collection[str] = (),
) -> tuple[Ranked, ...]:
    """Nodes reachable from the target by calls, the target included, likeliest cause first; ties by name.

    Args:
        calls: the service graph.
        signals: metrics by node. `traffic` weighs a node's excess where it is there.
        target: the node that the symptom is about.
        metric: the metric of the target that got worse; the same one is compared everywhere.
        at: beginning of the incident: points before it are what is usual.
        until: nothing at or after it is read.
        inferred: nodes that have no instruments of their own.

    Returns:
        Empty when the target has no data after `at`. Nodes without data of this metric are not ranked.
    """
    weights = _weights(signals.get(target, {}), metric, at, until)
    if not weights:
        return ()
    paths = _paths(calls, target)
    states: dict[str, _State] = {}
    for node in paths:
        state = _state(signals.get(node, {}), metric, at, until, weights)
        if state is not None:
            states[node] = state
    connected = _path_strengths(calls, target, states)
    ranked: list[Ranked] = []
    whole = max(states[target].excess, 1e-12) if target in states else 1.0
    for node, state in states.items():
        own = _own_excess(node, calls, states)
        share = min(own / whole, 1.0)
        score = state.anomalous * share * connected[node] * (INFERRED if node in inferred else 1.0)
        ranked.append(Ranked(node, round(score, 9), round(state.z, 4), round(share, 6), paths[node]))
    return tuple(sorted(ranked, key=lambda r: (-r.score, -r.z, r.node)))


def most_anomalous(
    signals: Signals, target: str, metric: MetricClass, at: Instant, until: Instant, nodes: Collection[str]
) -> tuple[Ranked, ...]:
    """The nodes by their z alone, without the graph: what ranking by it has to beat."""
    weights = _weights(signals.get(target, {}), metric, at, until)
    found: list[Ranked] = []
    for node in nodes:
        state = _state(signals.get(node, {}), metric, at, until, weights)
        if state is not None:
            found.append(Ranked(node, state.z, round(state.z, 4), 1.0, (node,)))
    return tuple(sorted(found, key=lambda r: (-r.z, r.node)))


# -- a node


def _weights(
    metrics: Mapping[MetricClass, Points], metric: MetricClass, at: Instant, until: Instant
) -> dict[Instant, float]:
    """How bad the target was at each point of the incident, summing to 1; alike for all when it never was."""
    points = metrics.get(metric, ())
    known = [(t, v) for t, v in points if at <= t < until]
    usual = baseline_of(points, metric, at)
    if not known or usual is None:
        return {}
    bad = {t: max(badness(usual.z(v), WORSE[metric]), 0.0) for t, v in known}
    total = sum(bad.values())
    return {t: b / total for t, b in bad.items()} if total > 0 else {t: 1 / len(known) for t, _ in known}


def _state(
    metrics: Mapping[MetricClass, Points],
    metric: MetricClass,
    at: Instant,
    until: Instant,
    weights: Mapping[Instant, float],
) -> _State | None:
    points = metrics.get(metric, ())
    usual = baseline_of(points, metric, at)
    level = _level(points, at, until, weights)
    if usual is None or level is None:
        return None
    way = WORSE[metric]
    recent = [v for t, v in points if at - RECENT_S * SECOND <= t < at]
    references = [usual.centre, median(recent)] if recent else [usual.centre]
    z, reference = min((badness(usual.z(level) - usual.z(r), way), r) for r in references)
    traffic = _level(metrics.get("traffic", ()), at, until, weights)
    excess = abs(level - reference) * (1.0 if traffic is None else max(traffic, 0.0))
    return _State(z, excess if z > 0 else 0.0)


def _level(points: Points, at: Instant, until: Instant, weights: Mapping[Instant, float]) -> float | None:
    """The mean over the incident, weighted; None without a point at a moment that counts."""
    known = [(weights.get(t, 0.0), v) for t, v in points if at <= t < until]
    total = sum(w for w, _ in known)
    return sum(w * v for w, v in known) / total if total > 0 else None


# -- the graph


def _own_excess(node: str, calls: Calls, states: Mapping[str, _State]) -> float:
    passed_on = sum(
        states[c].excess * states[c].anomalous for c in sorted(set(calls.get(node, ()))) if c in states and c != node
    )
    return max(states[node].excess - passed_on, 0.0)


def _paths(calls: Calls, target: str) -> dict[str, tuple[str, ...]]:
    """A shortest path from the target to each node within `MAX_HOPS`; of several the first by name."""
    paths: dict[str, tuple[str, ...]] = {target: (target,)}
    edge = [target]
    for _ in range(MAX_HOPS):
        following: list[str] = []
        for caller in edge:
            for callee in sorted(set(calls.get(caller, ()))):
                if callee not in paths:
                    paths[callee] = (*paths[caller], callee)
                    following.append(callee)
        edge = following
    return paths


def _path_strengths(calls: Calls, target: str, states: Mapping[str, _State]) -> dict[str, float]:
    """For each node the best product over a path of what its inner nodes leave: 1 when anomalous or unknown, down to `QUIET`."""

    def left(node: str) -> float:
        state = states.get(node)
        return 1.0 if node == target or state is None else QUIET + (1 - QUIET) * state.anomalous

    best: dict[str, float] = {target: 1.0}
    for _ in range(MAX_HOPS):
        moved = False
        for caller in sorted(best):
            through = best[caller] * left(caller)
            for callee in sorted(set(calls.get(caller, ()))):
                if through > best.get(callee, -1.0):
                    best[callee] = through
                    moved = True
        if not moved:
            break
    return best
