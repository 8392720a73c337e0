"""Accuracy of "who changed X?" on labelled questions over real repositories.

    python -m bench.who_changed --cases who_changed_dev.json --repo rust-lang/simpleinfra=PATH … [--misses misses.json]

A case: `kind` block or nameless, `repo`, `rev`, `question` (and `question_exact` for block), `accept`: the hashes of right
answers. *strict* = the first change in the answer whose effect is neither format_only nor moved is in `accept`. For block
questions an answer that asks back counts apart. Intervals are bootstrap over clusters of questions that share a commit.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.ask import ask
from bench.repositories import add_repository_option, ingest_git, repositories
from graph.clock import SECOND
from graph.stores import open_store

RESAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one question went."""

    case: str
    repo: str
    form: str
    cluster: str
    verdict: str
    """right, wrong, asked_back_right, asked_back_wrong, not_found"""
    question: str
    answered: str | None
    elapsed_ms: float


def judge(answer: Any, accept: set[str], *, nameless: bool) -> tuple[str, str | None]:
    """The verdict on an answer (as `lore.answer/1`) and the hash it gave."""
    first = next((c for c in answer["changes"] if c["effect"] not in ("format_only", "moved")), None)
    given = first["change"]["id"] if first else None
    right = given in accept
    if answer["status"] == "ambiguous" and not nameless:
        return ("asked_back_right" if right else "asked_back_wrong"), given
    if answer["status"] == "not_found" or given is None:
        return "not_found", given
    return ("right" if right else "wrong"), given


def run(cases: list[dict[str, Any]], paths: dict[str, Path], errata: set[str]) -> list[Outcome]:
    """Ingest each repository at its labelled revision and ask everything."""
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as scratch:
        for repo in sorted({c["repo"] for c in cases if c["repo"] in paths}):
            mine = [c for c in cases if c["repo"] == repo and c["id"] not in errata]
            (rev,) = {c["rev"] for c in mine}
            db = Path(scratch) / (repo.replace("/", "+") + ".db")
            done = ingest_git(paths[repo], repo, rev, db)
            print(f"# {repo}: ingested in {done.elapsed_s:.1f} s", flush=True)
            with open_store(f"sqlite:///{db}") as store:
                for case in mine:
                    forms = ("question_exact", "question") if case["kind"] == "block" else ("nameless",)
                    for form in forms:
                        question = case["question" if form == "nameless" else form]
                        started = time.perf_counter()
                        answer = ask(store, question, now=time.time_ns() // 1000 // SECOND * SECOND)
                        elapsed = (time.perf_counter() - started) * 1000
                        document = json.loads(answer.to_json())
                        verdict, given = judge(document, set(case["accept"]), nameless=form == "nameless")
                        outcomes.append(
                            Outcome(case["id"], repo, form, min(case["accept"]), verdict, question, given, elapsed)
                        )
    return outcomes


def interval(outcomes: list[Outcome], hit: frozenset[str]) -> tuple[float, float]:
    """95% bootstrap interval of the share of `hit` verdicts, resampling clusters."""
    clusters: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for o in outcomes:
        clusters[o.repo, o.cluster].append(o.verdict in hit)
    groups = list(clusters.values())
    rng = random.Random(0)
    shares: list[float] = []
    for _ in range(RESAMPLES):
        drawn = rng.choices(groups, k=len(groups))
        shares.append(sum(map(sum, drawn)) / sum(map(len, drawn)))
    shares.sort()
    return shares[int(0.025 * RESAMPLES)], shares[int(0.975 * RESAMPLES) - 1]


def report(outcomes: list[Outcome], cases: list[dict[str, Any]]) -> None:
    """Print the Markdown tables."""
    print(
        "\n| form | repository | n | strict right | 95% | asked back | (best right) | wrong | not found | p50 ms | p95 ms |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for form in ("question_exact", "question", "nameless"):
        of_form = [o for o in outcomes if o.form == form]
        for repo in (*sorted({o.repo for o in of_form}), "all"):
            rows = [o for o in of_form if repo in ("all", o.repo)]
            if not rows:
                continue
            n = len(rows)
            verdicts = Counter(o.verdict for o in rows)
            asked = verdicts["asked_back_right"] + verdicts["asked_back_wrong"]
            low, high = interval(rows, frozenset({"right"}))
            times = sorted(o.elapsed_ms for o in rows)
            print(
                f"| {form} | {repo} | {n} | **{verdicts['right'] / n:.3f}** | {low:.3f}–{high:.3f} | {asked / n:.3f} | {verdicts['asked_back_right'] / n:.3f}"
                f" | {verdicts['wrong'] / n:.3f} | {verdicts['not_found'] / n:.3f} | {statistics.median(times):.1f} | {times[int(0.95 * (n - 1))]:.1f} |"
            )
    blocks = [c for c in cases if c["kind"] == "block"]
    baseline = sum(c["git_log_L"] in c["accept"] for c in blocks) / max(1, len(blocks))
    print(f"\nBaseline on block questions, `git log -L` given the exact lines: {baseline:.3f} strict.")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument(
        "--errata",
        type=Path,
        default=Path(__file__).with_name("label_errata.json"),
        help="labels shown to be wrong; left out with --without-errata",
    )
    parser.add_argument("--without-errata", action="store_true")
    parser.add_argument("--misses", type=Path, help="write every answer that is not right to this JSON file")
    add_repository_option(parser)
    options = parser.parse_args()
    cases: list[dict[str, Any]] = json.loads(options.cases.read_text())
    errata = (
        {e["id"] for e in json.loads(options.errata.read_text())}
        if options.without_errata and options.errata.exists()
        else set[str]()
    )
    outcomes = run(cases, repositories(options.repo), errata)
    report(outcomes, cases)
    if options.misses:
        by_id = {c["id"]: c for c in cases}
        misses = [
            {
                "id": o.case,
                "form": o.form,
                "repo": o.repo,
                "question": o.question,
                "verdict": o.verdict,
                "answered": o.answered,
                "accept": by_id[o.case]["accept"],
                "only_moved_by": by_id[o.case].get("only_moved_by"),
            }
            for o in outcomes
            if o.verdict != "right"
        ]
        options.misses.write_text(json.dumps(misses, indent=1))


if __name__ == "__main__":
    main()
