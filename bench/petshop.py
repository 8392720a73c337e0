"""Root causes from metrics on PetShop: `python -m bench.petshop DIRECTORY [--split test|train|all] [--issues]`.

DIRECTORY is a clone of amazon-science/petshop-root-cause-analysis (a work tree or a bare repository): 68 injected issues in an application
of 41 parts on AWS, with metrics in 5-minute intervals and the call graph (Hardt et al., 2024, https://arxiv.org/abs/2311.04806; the
data is CC-BY-4.0). The protocol is the paper's, as `code/rca_task.py` there has it: a method gets the call graph, the target (`PetSite`)
with its metric (latency or availability) and statistic, the normal metrics of the scenario and those of the issue, and ranks nodes; an issue
is solved in the top k when the injected node is among the first k. Reported by traffic scenario and metric.

Ours is `agent.metric_rank`; its constants were chosen on the train issues alone. Beside it are two methods computed here, the most anomalous node and
the paper's anomaly traversal (written anew from its description), and what the authors publish of their own run.

An issue's `unix_timestamp` is the beginning of an interval; the interval that holds the trigger counts as during the issue, for us. Normal
metrics were recorded on other days: they are moved to end where the issue's window begins. Where a clone lacks a scenario's normal metrics
(some copies leave large files out) the first intervals of that scenario's issues, all before their triggers, stand in and it is said; that
is not the paper's protocol.
"""

from __future__ import annotations

import argparse
import csv
import io
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import fmean, median, pstdev
from typing import Literal

import msgspec

from agent.metric_rank import most_anomalous, rank
from agent.metric_shift import MAD_TO_SIGMA, Points
from graph.clock import SECOND, Instant
from graph.observations import MetricClass

SCENARIOS = ("low_traffic", "high_traffic", "temporal_traffic1", "temporal_traffic2")
SPLITS = ("train", "test")
CLASSES: Mapping[str, MetricClass] = {"latency": "latency", "availability": "availability", "requests": "traffic"}
INTERVAL_S = 300
MIN_NORMAL = 10
"""The traversal leaves nodes with fewer normal points out."""
TRAVERSAL_LIMIT = 5.0
RESAMPLES = 2_000

PUBLISHED: Mapping[tuple[str, str], tuple[float, float]] = {
    ("low_traffic", "latency"): (0.571, 0.571),
    ("low_traffic", "availability"): (0.833, 1.0),
    ("high_traffic", "latency"): (0.571, 0.786),
    ("high_traffic", "availability"): (0.667, 1.0),
    ("temporal_traffic", "latency"): (1.0, 1.0),
    ("temporal_traffic", "availability"): (0.75, 1.0),
}
"""Top-1 and top-3 of the authors' anomaly traversal, train and test issues together, as `code/RCA-Dataset-Eval.ipynb` of their repository prints them."""

Columns = Mapping[tuple[str, str, str], Points]
"""(node, metric, statistic) -> points."""


class _Place(msgspec.Struct, frozen=True):
    node: str
    metric: str | None = None
    agg: str = "Average"
    timestamp: int = 0


class _Labels(msgspec.Struct, frozen=True):
    target: _Place
    root_cause: _Place


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue. `cause` is the label: no method sees it."""

    scenario: str
    split: str
    name: str
    target: str
    metric: str
    statistic: str
    triggered_at: Instant
    metrics: Columns
    cause: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """A traffic scenario. `stand_in` when its normal metrics are not in the clone."""

    name: str
    calls: Mapping[str, Sequence[str]]
    normal: Columns
    issues: tuple[Issue, ...]
    stand_in: bool


Method = Callable[[Scenario, Issue], Sequence[str]]
"""Nodes, likeliest cause first."""


# -- reading


class Clone:
    """Files of a clone: of its work tree, or of `HEAD` when it has none."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._tree = (directory / "dataset").is_dir()

    def read(self, path: str) -> str | None:
        """A file's text; None when the clone lacks it."""
        if self._tree:
            file = self._directory / path
            return file.read_text(encoding="utf-8") if file.is_file() else None
        found = subprocess.run(
            ["git", "-C", str(self._directory), "cat-file", "blob", f"HEAD:{path}"], capture_output=True, check=False
        )
        return found.stdout.decode() if found.returncode == 0 else None

    def issues(self, scenario: str, split: str) -> list[str]:
        """Names of the issues."""
        place = f"dataset/{scenario}/{split}"
        if self._tree:
            names = [p.name for p in (self._directory / place).glob("issue_*")]
        else:
            command = ["git", "-C", str(self._directory), "ls-tree", "--name-only", f"HEAD:{place}"]
            names = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
        return sorted((n for n in names if n.startswith("issue_")), key=lambda n: int(n.rpartition("_")[2]))


def load(directory: Path) -> Iterator[Scenario]:
    """The scenarios of a clone."""
    clone = Clone(directory)
    for scenario in SCENARIOS:
        graph = clone.read(f"dataset/{scenario}/graph.csv")
        if graph is None:
            raise SystemExit(f"{directory} has no dataset/{scenario}/graph.csv: name a clone of the PetShop repository")
        issues = tuple(
            _issue(clone, scenario, split, name) for split in SPLITS for name in clone.issues(scenario, split)
        )
        normal = clone.read(f"dataset/{scenario}/noissue/metrics.csv")
        usual = columns(normal) if normal is not None else _before_triggers(issues)
        yield Scenario(scenario, calls(graph), usual, issues, normal is None)


def _issue(clone: Clone, scenario: str, split: str, name: str) -> Issue:
    place = f"dataset/{scenario}/{split}/{name}"
    labels, metrics = clone.read(f"{place}/target.json"), clone.read(f"{place}/metrics.csv")
    if labels is None or metrics is None:
        raise SystemExit(f"{place} is not whole")
    told = msgspec.json.decode(labels, type=_Labels)
    return Issue(
        scenario,
        split,
        name,
        told.target.node,
        told.target.metric or "",
        told.target.agg,
        told.target.timestamp * SECOND,
        columns(metrics),
        told.root_cause.node,
    )


def columns(text: str) -> Columns:
    """A metrics file: three lines name node, metric and statistic, one names the index, then an interval a line. Empty cells are left out."""
    rows = list(csv.reader(io.StringIO(text)))
    found: dict[tuple[str, str, str], list[tuple[Instant, float]]] = {}
    for i, key in enumerate(zip(*rows[:3], strict=True)):
        if i:
            found[key] = [(int(float(r[0])) * SECOND, float(r[i])) for r in rows[4:] if r[i]]
    return found


def calls(text: str) -> Mapping[str, Sequence[str]]:
    """An adjacency matrix, caller by line and callee by column."""
    rows = list(csv.reader(io.StringIO(text)))
    names = rows[0]
    return {r[0]: sorted(names[i] for i, cell in enumerate(r) if i and float(cell)) for r in rows[1:]}


def _before_triggers(issues: Sequence[Issue]) -> Columns:
    found: dict[tuple[str, str, str], list[tuple[Instant, float]]] = {}
    for issue in issues:
        for key, points in issue.metrics.items():
            found.setdefault(key, []).extend((t, v) for t, v in points if t + INTERVAL_S * SECOND <= issue.triggered_at)
    return found


# -- methods


def ours(scenario: Scenario, issue: Issue) -> Sequence[str]:
    """`agent.metric_rank` on the target's metric."""
    metric, at, until, signals = _signals(scenario, issue)
    return [
        r.node
        for r in rank(scenario.calls, signals, issue.target, metric, at, until, inferred=inferred(signals))
        if r.score > 0
    ]


def uninferred(scenario: Scenario, issue: Issue) -> Sequence[str]:
    """The same, not told which nodes are seen from their callers only."""
    metric, at, until, signals = _signals(scenario, issue)
    return [r.node for r in rank(scenario.calls, signals, issue.target, metric, at, until) if r.score > 0]


def our_z(scenario: Scenario, issue: Issue) -> Sequence[str]:
    """The same anomaly without the graph."""
    metric, at, until, signals = _signals(scenario, issue)
    return [r.node for r in most_anomalous(signals, issue.target, metric, at, until, sorted(signals))]


def inferred(signals: Mapping[str, object]) -> frozenset[str]:
    """X-Ray names a node after its type; `remote` and `client` are those it knows from the other side of a call only."""
    return frozenset(n for n in signals if n.endswith(("_remote", "_client")))


def _signals(
    scenario: Scenario, issue: Issue
) -> tuple[MetricClass, Instant, Instant, Mapping[str, Mapping[MetricClass, Points]]]:
    """The normal metrics, moved to end where the issue's window begins, and the issue's; the beginning and the end of the issue."""
    times = sorted({t for points in issue.metrics.values() for t, _ in points})
    last = max((t for points in scenario.normal.values() for t, _ in points), default=0)
    moved = times[0] - INTERVAL_S * SECOND - last
    at = next((t for t in times if t + INTERVAL_S * SECOND > issue.triggered_at), times[-1])
    found: dict[str, dict[MetricClass, Points]] = {}
    for (node, metric, statistic), points in issue.metrics.items():
        if metric == "requests" or statistic == issue.statistic:
            usual = [(t + moved, v) for t, v in scenario.normal.get((node, metric, statistic), ())]
            share = 100.0 if metric == "availability" else 1.0
            found.setdefault(node, {})[CLASSES[metric]] = [(t, v / share) for t, v in (*usual, *points)]
    return CLASSES[issue.metric], at, times[-1] + INTERVAL_S * SECOND, found


def most_deviating(scenario: Scenario, issue: Issue) -> Sequence[str]:
    """Baseline: nodes by the deviation that the traversal uses, without the graph."""
    scores, _ = _deviations(scenario, issue)
    return sorted(scores, key=lambda n: (-scores[n], n))


def traversal(scenario: Scenario, issue: Issue) -> Sequence[str]:
    """Baseline: anomaly traversal. Anomalous nodes none of whose callees is anomalous, by the greatest sum of deviations over a path of
    anomalous nodes only that leads to them from the target."""
    scores, limits = _deviations(scenario, issue)
    odd = {n for n, score in scores.items() if score > limits[n]}
    if issue.target not in odd:
        return []
    roots = {n for n in odd if not odd & set(scenario.calls.get(n, ()))}
    best: dict[str, float] = {}

    def walk(node: str, path: frozenset[str], total: float) -> None:
        if node in roots and node != issue.target:
            best[node] = max(best.get(node, total), total)
        for callee in scenario.calls.get(node, ()):
            if callee in odd and callee not in path:
                walk(callee, path | {callee}, total + scores[callee])

    walk(issue.target, frozenset({issue.target}), scores[issue.target])
    return sorted(best, key=lambda n: (-best[n], n))


def _deviations(scenario: Scenario, issue: Issue) -> tuple[dict[str, float], dict[str, float]]:
    """Per node: how many median absolute deviations from the normal median at one interval, and the limit above which that is anomalous.

    The interval is the third, or the first one after it at which the target is anomalous. Where the normal metrics never vary any
    deviation is one.
    """
    times = sorted({t for points in issue.metrics.values() for t, _ in points})
    by_time: list[dict[str, float]] = [{} for _ in times]
    limits: dict[str, float] = {}
    for (node, metric, statistic), points in issue.metrics.items():
        usual = [v for _, v in scenario.normal.get((node, metric, statistic), ())]
        few = len(usual) < (5 if scenario.stand_in else MIN_NORMAL)
        if metric != issue.metric or statistic != issue.statistic or few:
            continue
        constant = pstdev(usual) == 0
        centre = fmean(usual) if constant else median(usual)
        spread = 1.0 if constant else MAD_TO_SIGMA * median(abs(v - centre) for v in usual)
        limits[node] = 0.0 if constant else TRAVERSAL_LIMIT
        told = dict(points)
        for i, t in enumerate(times):
            away = abs(told.get(t, centre) - centre)
            by_time[i][node] = away / spread if spread else (float("inf") if away else 0.0)
    target = issue.target
    chosen = next((s for s in by_time[2:] if s.get(target, 0.0) > limits.get(target, 0.0)), by_time[2])
    return chosen, limits


METHODS: Mapping[str, Method] = {
    "ours": ours,
    "ours, any node alike": uninferred,
    "ours without the graph": our_z,
    "anomaly traversal": traversal,
    "most anomalous node": most_deviating,
}


# -- scoring


@dataclass(frozen=True, slots=True)
class Row:
    """One issue by one method: the place of the cause, 0 when it was not named."""

    method: str
    issue: Issue
    place: int
    stand_in: bool
    named: tuple[str, ...]


def run(scenarios: Sequence[Scenario], methods: Mapping[str, Method]) -> list[Row]:
    """Every issue by every method."""
    rows: list[Row] = []
    for scenario in scenarios:
        for issue in scenario.issues:
            for name, method in methods.items():
                nodes = list(method(scenario, issue))
                place = nodes.index(issue.cause) + 1 if issue.cause in nodes else 0
                rows.append(Row(name, issue, place, scenario.stand_in, tuple(nodes[:5])))
    return rows


def top(rows: Sequence[Row], k: int) -> float:
    """The share of issues whose cause is among the first k."""
    return fmean(0 < r.place <= k for r in rows) if rows else 0.0


def interval(rows: Sequence[Row], k: int) -> tuple[float, float]:
    """95% interval of `top` by resampling issues."""
    random = Random("petshop")
    tops = sorted(top(random.choices(rows, k=len(rows)), k) for _ in range(RESAMPLES))
    return tops[int(0.025 * RESAMPLES)], tops[int(0.975 * RESAMPLES)]


def paired(rows: Sequence[Row], better: str, than: str, k: int) -> tuple[float, float, float]:
    """How much more often one method has the cause among its first k than another on the same issues, with its 95% interval."""
    hits = [{_key(r): 0 < r.place <= k for r in rows if r.method == m} for m in (better, than)]
    gains = [int(hit) - int(hits[1][issue]) for issue, hit in hits[0].items()]
    random = Random("petshop")
    means = sorted(fmean(random.choices(gains, k=len(gains))) for _ in range(RESAMPLES))
    return fmean(gains), means[int(0.025 * RESAMPLES)], means[int(0.975 * RESAMPLES)]


def _key(row: Row) -> tuple[str, str, str]:
    return row.issue.scenario, row.issue.split, row.issue.name


def _family(scenario: str) -> str:
    return scenario.rstrip("12")


def table(rows: Sequence[Row], *, published: bool) -> str:
    """Top-1/top-3 by scenario and metric, then of all with intervals, as Markdown."""
    groups = [(s, m) for s, m in PUBLISHED if any((_family(r.issue.scenario), r.issue.metric) == (s, m) for r in rows)]
    lines = ["| top-1 / top-3 | " + " | ".join(f"{s.replace('_traffic', '')} {m}" for s, m in groups) + " | all |"]
    lines.append("|---" * (len(groups) + 2) + "|")
    for name in dict.fromkeys(r.method for r in rows):
        mine = [r for r in rows if r.method == name]
        cells = [f"{top(part, 1):.3f} / {top(part, 3):.3f}" for part in (_part(mine, *g) for g in groups)]
        spans = [f"{top(mine, k):.3f} ({'–'.join(f'{x:.3f}' for x in interval(mine, k))})" for k in (1, 3)]
        lines.append(f"| {name} | {' | '.join(cells)} | {' / '.join(spans)} |")
    if published:
        told = [PUBLISHED[g] for g in groups]
        counts = [len({_key(r) for r in _part(rows, *g)}) for g in groups]
        whole = [sum(n * t[i] for n, t in zip(counts, told, strict=True)) / sum(counts) for i in (0, 1)]
        cells = [f"{one:.3f} / {three:.3f}" for one, three in told]
        lines.append(f"| published: anomaly traversal | {' | '.join(cells)} | {whole[0]:.3f} / {whole[1]:.3f} |")
    lines.append(
        "| issues | "
        + " | ".join(str(len(_part(rows, *g)) // _methods(rows)) for g in groups)
        + f" | {len(rows) // _methods(rows)} |"
    )
    return "\n".join(lines)


def _part(rows: Sequence[Row], family: str, metric: str) -> list[Row]:
    return [r for r in rows if _family(r.issue.scenario) == family and r.issue.metric == metric]


def _methods(rows: Sequence[Row]) -> int:
    return max(len({r.method for r in rows}), 1)


def report(scenarios: Sequence[Scenario], split: Literal["train", "test", "all"]) -> str:
    """The tables of a run."""
    rows = [r for r in run(scenarios, METHODS) if split in ("all", r.issue.split)]
    whole = [r for r in rows if not r.stand_in]
    other = [r for r in rows if r.stand_in]
    parts = [f"{split} issues", table(whole, published=split == "all"), _gain(whole)] if whole else []
    if other:
        lacking = ", ".join(s.name for s in scenarios if s.stand_in)
        parts += [
            f"normal metrics not in this clone ({lacking}), first intervals stand in",
            table(other, published=split == "all"),
        ]
    return "\n\n".join(parts)


def _gain(rows: Sequence[Row]) -> str:
    told = [paired(rows, "ours", "anomaly traversal", k) for k in (1, 3)]
    spans = " / ".join(f"{mean:+.3f} ({low:+.3f} to {high:+.3f})" for mean, low, high in told)
    return f"ours over anomaly traversal, paired, top-1 / top-3: {spans}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--split", choices=("train", "test", "all"), default="test")
    parser.add_argument("--issues", action="store_true", help="show what was named for each issue")
    options = parser.parse_args()
    scenarios = list(load(options.directory))
    print(report(scenarios, options.split))
    if options.issues:
        for r in run(scenarios, METHODS):
            if options.split in ("all", r.issue.split):
                issue = r.issue
                print(
                    f"{issue.scenario} {issue.split} {issue.name} {issue.metric}: {issue.cause}\n"
                    f"  {r.method}: place {r.place}; {', '.join(r.named)}"
                )


if __name__ == "__main__":
    main()
