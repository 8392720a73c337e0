"""Trains the prior over candidate changes and writes `agent/prior/coefficients.json`.

    python -m bench.train_prior --cases revert_dev.json --mined mined.json --repo openstack/project-config=PATH …

Trained on all there is; what it is worth on a repository it was not trained on, `bench.reverts` says. Features were added by leaving one
repository out among the mined ones (`--choose` prints how they do there), from a start that had been seen to help on the labelled cases:
docs/adr/0012 says how far that reaches.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from agent.prior import logit
from bench.repositories import add_repository_option, repositories
from bench.revert_cases import read_labels
from bench.revert_measured import Measured
from bench.revert_metrics import Ranked, log_losses, ranking
from bench.revert_models import FULL, NONE, PENALTY, SMALL, TEXT, Fitted, fit, fit_none
from bench.reverts import Sets

OUTPUT = Path(logit.__file__).with_name("coefficients.json")
DECLARED = {"near": 0.5, "downstream": -0.3, "fit": 0.5, "environment": 0.5, "memory": 0.5, "format_only": -1.0}
"""Of the graph's features, which git histories cannot teach. By hand, small."""
LOG_ODDS_NONE = -1.1
"""In training every second question has no right answer; asked in earnest, one in four is guessed to."""


def choose(sets: Sets) -> None:
    """Print how each penalty and each set of features does on mined repositories that it was not trained on."""
    mined = {repo: cases for repo, cases in sets.mined.items() if repo not in sets.labelled}
    for name, features in (("small", SMALL), ("text", TEXT), ("full", FULL)):
        for penalty in (0.5, 2.0, 8.0, 30.0):
            print(f"{name}, penalty {penalty}: {_left_out(mined, features, penalty)}")
    for feature in FULL:
        print(f"full without {feature}: {_left_out(mined, tuple(f for f in FULL if f != feature), PENALTY)}")


def _left_out(mined: dict[str, list[Measured]], features: Sequence[str], penalty: float) -> str:
    answers: list[Ranked] = []
    for left in mined:
        model = fit([one for repo, cases in mined.items() if repo != left for one in cases], features, penalty)
        answers += [model.answer(one) for one in mined[left]]
    return f"MRR {ranking(answers)[2].mean():.3f}, log loss {log_losses(answers).mean():.3f}"


def trained(sets: Sets) -> tuple[Fitted, Fitted, dict[str, float], dict[str, float]]:
    """Both models, with vectors and without, and "none of these" of each."""
    everything = [one for cases in (*sets.labelled.values(), *sets.mined.values()) for one in cases]
    present, absent = sets.absent_training("")
    full, text = fit(everything, FULL), fit(everything, TEXT)
    without = tuple(name for name in NONE if "dense" not in name)
    return (
        full,
        text,
        dict(fit_none(full, present, absent).weights),
        dict(fit_none(text, present, absent, without).weights),
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--mined", type=Path)
    parser.add_argument("--choose", action="store_true", help="compare features and penalties instead")
    add_repository_option(parser)
    options = parser.parse_args()
    mined = read_labels(options.mined) if options.mined else []
    sets = Sets(read_labels(options.cases), mined, repositories(options.repo))
    if options.choose:
        choose(sets)
        return
    full, text, none_full, none_text = trained(sets)
    counts = {
        repo: len(sets.labelled.get(repo, [])) + len(sets.mined.get(repo, []))
        for repo in sorted({*sets.labelled, *sets.mined})
    }
    document = {
        "command": "python -m bench.train_prior --cases revert_dev.json --mined mined.json --repo …",
        "trained_on": [f"{repo}: {count}" for repo, count in counts.items()],
        "with_dense": {"choice": _rounded(full.weights), "none": _rounded(none_full)},
        "without_dense": {"choice": _rounded(text.weights), "none": _rounded(none_text)},
        "declared": DECLARED,
        "log_odds_none": LOG_ODDS_NONE,
    }
    OUTPUT.write_text(json.dumps(document, indent=2) + "\n")
    print(f"{OUTPUT}: {int(np.sum(list(counts.values())))} cases of {len(counts)} repositories")


def _rounded(weights: Mapping[str, float]) -> dict[str, float]:
    return {name: float(f"{weight:.4g}") for name, weight in weights.items()}


if __name__ == "__main__":
    main()
