"""The PetShop bench on a small set of the same layout, made here."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from bench.petshop import INTERVAL_S, METHODS, SCENARIOS, Row, calls, columns, interval, load, report, run, table, top

NODES = ("Front", "Cart", "Pay", "Cart_remote", "Other")
EDGES = {"Front": ("Cart", "Pay", "Cart_remote"), "Other": ("Cart",)}
TRIGGER = 1_681_855_803
FIRST = TRIGGER - 483
"""The trigger lies in the second interval, as in the real set."""


def metrics_csv(random: Random, times: list[int], slow: dict[str, float], since: int) -> str:
    """Three header lines, the index' name, and an interval a line."""
    keys = [
        (n, m, s) for n in NODES for m, s in (("latency", "Average"), ("availability", "Average"), ("requests", "Sum"))
    ]
    lines = [",".join((name, *(k[i] for k in keys))) for i, name in enumerate(("microservice", "metric", "statistic"))]
    lines.append("unix_timestamp" + "," * len(keys))
    for t in times:
        cells: list[str] = []
        for node, metric, _ in keys:
            added = slow.get(node, 0.0) if t + INTERVAL_S > since else 0.0
            match metric:
                case "latency":
                    cells.append(f"{0.05 + added + random.uniform(0, 0.004):.6f}")
                case "availability":
                    cells.append(f"{100 - 10 * added:.4f}" if node != "Other" else "")
                case _:
                    cells.append("500.0")
        lines.append(f"{float(t)}," + ",".join(cells))
    return "\n".join(lines) + "\n"


def written(root: Path, cause: str = "Cart", *, without_normal: str = "") -> Path:
    random = Random("petshop")
    for scenario in SCENARIOS:
        place = root / "dataset" / scenario
        (place / "noissue").mkdir(parents=True)
        matrix = [",".join(("", *NODES))]
        matrix += [",".join((a, *(str(float(b in EDGES.get(a, ()))) for b in NODES))) for a in NODES]
        (place / "graph.csv").write_text("\n".join(matrix) + "\n")
        if scenario != without_normal:
            # Months later, as there.
            later = [TRIGGER + 10_000_000 + i * INTERVAL_S for i in range(40)]
            (place / "noissue" / "metrics.csv").write_text(metrics_csv(random, later, {}, TRIGGER * 2))
        for split, number, metric in (
            ("train", 0, "latency"),
            ("test", 0, "latency"),
            ("test", 1, "availability"),
            *(("test", i, "latency") for i in range(2, 6)),
        ):
            issue = place / split / f"issue_{number}"
            issue.mkdir(parents=True)
            slow = {"Front": 0.4, cause: 0.4, "Cart_remote": 0.41 if cause == "Cart" else 0.0, "Other": 0.9}
            times = [FIRST + i * INTERVAL_S for i in range(5)]
            (issue / "metrics.csv").write_text(metrics_csv(random, times, slow, TRIGGER))
            labels = {
                "target": {"node": "Front", "metric": metric, "agg": "Average", "timestamp": TRIGGER},
                "root_cause": {"node": cause, "metric": None},
            }
            (issue / "target.json").write_text(json.dumps(labels))
    return root


def test_files_are_read_as_they_are_laid_out() -> None:
    text = "microservice,a,a\nmetric,latency,requests\nstatistic,p90,Sum\nunix_timestamp,,\n100.0,1.5,\n400.0,,7\n"
    assert columns(text) == {
        ("a", "latency", "p90"): [(100_000_000, 1.5)],
        ("a", "requests", "Sum"): [(400_000_000, 7.0)],
    }
    assert calls(",a,b\na,0.0,1.0\nb,0.0,0.0\n") == {"a": ["b"], "b": []}


def test_a_cause_in_the_graph_is_found_and_the_baselines_fall_for_what_is_beside_it(tmp_path: Path) -> None:
    rows = run(list(load(written(tmp_path))), METHODS)
    by_method = {m: [r for r in rows if r.method == m] for m in METHODS}
    assert len(by_method["ours"]) == 28
    assert top(by_method["ours"], 1) == 1.0
    assert top(by_method["anomaly traversal"], 3) == 1.0
    latency = [r for r in by_method["most anomalous node"] if r.issue.metric == "latency"]
    assert top(latency, 1) == 0.0
    assert all(r.named[0] == "Other" for r in latency)


def test_methods_do_not_see_the_label(tmp_path: Path) -> None:
    for scenario in load(written(tmp_path)):
        for issue in scenario.issues:
            lying = replace(issue, cause="Pay")
            for method in METHODS.values():
                assert method(scenario, lying) == method(scenario, issue)


def test_a_bare_repository_is_read_without_a_checkout_and_missing_normal_metrics_are_said(tmp_path: Path) -> None:
    work = written(tmp_path / "work", "Pay", without_normal="temporal_traffic1")
    git = ["git", "-C", str(work), "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *command], check=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(work), str(tmp_path / "bare")], check=True)
    bare = list(load(tmp_path / "bare"))
    assert [s.stand_in for s in bare] == [False, False, True, False]
    assert bare == list(load(work))
    text = report(bare, "all")
    assert "normal metrics not in this clone (temporal_traffic1)" in text
    assert "| published: anomaly traversal |" in text
    assert text.count("| ours | 1.000 / 1.000 |") == 2


def test_an_interval_holds_its_share_and_is_the_same_each_time(tmp_path: Path) -> None:
    issue = next(iter(load(written(tmp_path)))).issues[0]
    rows = [Row("m", issue, place, False, ()) for place in (1, 1, 0, 3, 2, 1, 0, 1, 4, 1)]
    assert (top(rows, 1), top(rows, 3)) == (0.5, 0.7)
    low, high = interval(rows, 1)
    assert low < 0.5 < high
    assert interval(rows, 1) == (low, high)
    assert "0.500 / 0.700" in table(rows, published=False)


def test_a_directory_that_is_something_else_is_told(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="name a clone of the PetShop repository"):
        list(load(tmp_path))
