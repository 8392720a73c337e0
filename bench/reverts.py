"""Which change was it? Labelled reverts of two repositories, answered by the prior and by baselines, trained elsewhere.

    python -m bench.revert_mining --repo openstack/nova=PATH … > mined.json      # optional: more to train on
    python -m bench.reverts --cases revert_dev.json --mined mined.json --repo openstack/project-config=PATH … [--ablation] [--misses FILE]

No coefficient is fitted to the repository that is tested: neither its labels nor cases mined from it are trained on. Its past before each
window is read, earlier reverts included; and the choice of features has seen both repositories (docs/adr/0012). Four amounts of
training are told apart: `other`, the labelled cases of the other repository; `other+`, with what was mined from that same one; `third`,
only what was mined from repositories that are never tested; `rest`, all of these. Baselines get the same training (`rest`).
Intervals are bootstrap over cases. `sure` is p ≥ 0.8.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from agent.prior import Model, shipped_model
from agent.prior.logit import Coefficients
from bench.conditional_logit import Vector, softmax
from bench.repositories import add_repository_option, repositories
from bench.revert_cases import Label, read_labels, sampled
from bench.revert_graph import Answered, answer, elsewhen, moments, open_stores
from bench.revert_measured import Measured, measured
from bench.revert_metrics import (
    Ranked,
    area,
    brier_scores,
    calibration,
    log_losses,
    paired,
    ranking,
    risk_coverage,
    share,
    sure,
)
from bench.revert_models import FULL, NONE, SMALL, TEXT, Answering, Fitted, NoneModel, fit, fit_none, reciprocal_fusion
from bench.revert_vectors import KeptEmbedder

MOST_MINED = 150
"""Mined cases of one repository, evenly over its history, so that none outweighs the rest."""

ABLATIONS: dict[str, tuple[str, ...]] = {
    "the repository's own age of what is undone": ("age_here",),
    "all age": ("age_here", "rank", "gap", "dense_age"),
    "words of all sorts": ("words", "soft", "message", "words_z", "spoken_of", "followed", "risk"),
    "parts of words": ("soft",),
    "the message apart": ("message",),
    "words standing out": ("words_z",),
    "earlier changes' words for paths": ("spoken_of",),
    "later changes on the same": ("followed",),
    "words of what was undone before": ("risk",),
    "already taken back": ("undone",),
    "meaning": ("dense", "dense_age"),
    "all of the repository's past": ("age_here", "spoken_of", "risk", "undone"),
}


class Sets:
    """What was measured, by what it may be used for."""

    def __init__(self, cases: Sequence[Label], mined: Sequence[Label], paths: dict[str, Path]) -> None:
        self.labelled = measured(cases, paths)
        self.absent = measured(cases, paths, matched=True)
        known = {label.before for label in cases}
        extra = [label for label in sampled(list(mined), MOST_MINED) if label.before not in known]
        self.mined = measured(extra, paths)
        third = [label for label in extra if label.repo not in self.labelled]
        self.third_absent = measured(third, paths, matched=True)

    def training(self, tested: str) -> dict[str, list[Measured]]:
        """By name of the amount: cases to train on when this repository is tested."""
        others = [repo for repo in self.labelled if repo != tested]
        other = [one for repo in others for one in self.labelled[repo]]
        more = [one for repo in others for one in self.mined.get(repo, [])]
        third = [one for repo, cases in self.mined.items() if repo not in self.labelled for one in cases]
        found = {"other": other, "other+": other + more, "third": third, "rest": other + more + third}
        return {name: cases for name, cases in found.items() if cases}

    def absent_training(self, tested: str) -> tuple[list[Measured], list[Measured]]:
        """Cases with and without their culprit, to train "none of these" on."""
        third = [repo for repo in self.third_absent if repo != tested]
        others = [repo for repo in self.labelled if repo != tested]
        with_it = [one for repo in others for one in self.labelled[repo]]
        with_it += [one for repo in third for one in self.mined[repo]]
        without = [one for repo in others for one in self.absent[repo]]
        return with_it, without + [one for repo in third for one in self.third_absent[repo]]


def row(name: str, answers: Sequence[Ranked], *, probable: bool = True) -> str:
    """A line of the table."""
    top, five, reciprocal = ranking(answers)
    cells = [name, share(top), share(five), share(reciprocal)]
    if not probable:
        return "| " + " | ".join([*cells, "–", "–", "–", "–"]) + " |"
    error, usual, high = calibration(answers)
    count, right = sure(answers)
    precision = f"{right / count:.2f}" if count else "–"
    cells += [
        f"{log_losses(answers).mean():.3f}",
        f"{brier_scores(answers).mean():.3f}",
        f"{error:.3f} ({usual:.3f}, {high:.3f})",
        f"{precision} on {count}/{len(answers)}",
    ]
    return "| " + " | ".join(cells) + " |"


def contestants(sets: Sets, tested: str) -> dict[str, Answering]:
    """Everything that answers the questions of this repository, by name."""
    training = sets.training(tested)
    rest = training["rest"]
    found: dict[str, Answering] = {
        "most recent": fit(rest, ("rank",)).answer,
        "BM25": fit(rest, ("words",)).answer,
        "fusion": reciprocal_fusion,
        "small logit, other": fit(training["other"], SMALL).answer,
        "small logit, rest": fit(rest, SMALL).answer,
    }
    for amount, cases in training.items():
        found[f"prior, {amount}"] = fit(cases, FULL).answer
    found["prior without vectors, rest"] = fit(rest, TEXT).answer
    return found


def report(sets: Sets, tested: str, *, ablation: bool) -> None:
    """The tables of one repository."""
    cases = sets.labelled[tested]
    amounts = ", ".join(f"{name} {len(rows)}" for name, rows in sets.training(tested).items())
    print(f"\n### {tested}: {len(cases)} cases; trained on: {amounts}\n")
    print("| | top-1 | top-5 | MRR | log loss | Brier | ECE (by chance: mean, 95%) | right at p ≥ 0.8 |")
    print("|---|---|---|---|---|---|---|---|")
    everybody = contestants(sets, tested)
    answers = {name: [answer(one) for one in cases] for name, answer in everybody.items()}
    for name, given in answers.items():
        print(row(name, given, probable=name != "fusion"))
    hard = [i for i, one in enumerate(cases) if one.hard]
    print(f"\nHard slice ({len(hard)}): no word of the culprit's title in the symptom, and not the newest.\n")
    print("| | top-1 | top-5 | MRR |\n|---|---|---|---|")
    for name, given in answers.items():
        print("| " + " | ".join([name, *(share(v) for v in ranking([given[i] for i in hard]))]) + " |")
    _compare(answers)
    _none(sets, tested)
    if ablation:
        _ablate(sets, tested)


def _compare(answers: dict[str, list[Ranked]]) -> None:
    ours = [name for name in answers if name.startswith("prior,")]
    theirs = [name for name in answers if not name.startswith("prior")]
    best = max(theirs, key=lambda name: float(ranking(answers[name])[2].mean()))
    print(
        f"\nPaired bootstrap of the reciprocal rank against the best baseline ({best}), and against the small logit, other:\n"
    )
    for name in ours:
        for other in dict.fromkeys((best, "small logit, other")):
            mean, low, high, none = paired(ranking(answers[name])[2], ranking(answers[other])[2])
            print(f"- {name} − {other}: {mean:+.3f} ({low:+.3f} to {high:+.3f}), no better in {none:.1%} of resamples")


def _none(sets: Sets, tested: str) -> None:
    present, absent = sets.labelled[tested], sets.absent[tested]
    choice = fit(sets.training(tested)["rest"], FULL)
    model = fit_none(choice, *sets.absent_training(tested))
    scores = none_scores(model, choice, present), none_scores(model, choice, absent)
    print(
        f"\nNone of these ({len(present)} with, {len(absent)} without their culprit): AUC {area(scores[1], scores[0]):.3f}"
    )
    rng = np.random.default_rng(0)
    draws = [
        area(
            scores[1][rng.integers(0, len(scores[1]), len(scores[1]))],
            scores[0][rng.integers(0, len(scores[0]), len(scores[0]))],
        )
        for _ in range(500)
    ]
    print(f"(95%: {np.quantile(draws, 0.025):.2f}–{np.quantile(draws, 0.975):.2f})")
    answers = [choice.answer(one) for one in present]
    here = 1.0 / (1.0 + np.exp(scores[0])) * np.array([float(a.probabilities.max()) for a in answers])
    gone = 1.0 / (1.0 + np.exp(scores[1])) * np.array([float(_shares(choice, one).max()) for one in absent])
    hits = np.concatenate([np.array([float(a.rank == 1) for a in answers]), np.zeros(len(absent))])
    print("\nRisk and coverage, cases with and without their culprit together (answered: wrong among them): ", end="")
    print(", ".join(f"{c:.0%}: {r:.2f}" for c, r in risk_coverage(np.concatenate([here, gone]), hits)))
    print("Risk and coverage, cases with their culprit: ", end="")
    tops = np.array([float(a.probabilities.max()) for a in answers])
    print(", ".join(f"{c:.0%}: {r:.2f}" for c, r in risk_coverage(tops, hits[: len(answers)])))


def none_scores(
    model: NoneModel, choice: Fitted, cases: Sequence[Measured]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Log odds of "none of these" by case."""
    return np.array([model.score(choice, one) for one in cases])


def _shares(choice: Fitted, one: Measured) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    scores = choice.scores(one)
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


def _ablate(sets: Sets, tested: str) -> None:
    cases, rest = sets.labelled[tested], sets.training(tested)["rest"]
    whole = ranking(_answers(rest, FULL, cases))[2]
    print(
        "\nWithout (trained on rest):\n\n| without | top-1 | top-5 | MRR | loses | log loss |\n|---|---|---|---|---|---|"
    )
    for name, parts in ABLATIONS.items():
        left = tuple(feature for feature in FULL if feature not in parts)
        answers = _answers(rest, left, cases)
        top, five, reciprocal = ranking(answers)
        mean, low, high, _ = paired(whole, reciprocal)
        print(
            f"| {name} | {top.mean():.3f} | {five.mean():.3f} | {reciprocal.mean():.3f} | {mean:+.3f} ({low:+.3f} to {high:+.3f}) | {log_losses(answers).mean():.3f} |"
        )


def _answers(training: Sequence[Measured], names: Sequence[str], cases: Sequence[Measured]) -> list[Ranked]:
    model = fit(training, names)
    return [model.answer(one) for one in cases]


def misses(sets: Sets, tested: str) -> list[dict[str, object]]:
    """What is not first, for reading."""
    model = fit(sets.training(tested)["rest"], FULL)
    found: list[dict[str, object]] = []
    for one in sets.labelled[tested]:
        answer = model.answer(one)
        if answer.rank > 1:
            probability = round(float(answer.probabilities[answer.right]), 3)
            found.append(
                {"id": one.id, "rank": answer.rank, "age": answer.right + 1, "p": probability, "hard": one.hard}
            )
    return found


def trained_without(sets: Sets, tested: str, amount: str) -> Model:
    """The prior as the product loads it, with coefficients that the tested repository had no part in."""
    shipped = shipped_model()
    if amount == "shipped":
        return shipped
    cases = sets.training(tested)[amount]
    full, text = fit(cases, FULL), fit(cases, TEXT)
    present, absent = sets.absent_training(tested)
    without = tuple(name for name in NONE if "dense" not in name)
    return msgspec.structs.replace(
        shipped,
        with_dense=Coefficients(choice=dict(full.weights), none=dict(fit_none(full, present, absent).weights)),
        without_dense=Coefficients(
            choice=dict(text.weights), none=dict(fit_none(text, present, absent, without).weights)
        ),
    )


def from_graph(sets: Sets, labels: Sequence[Label], paths: dict[str, Path], folder: Path, amount: str) -> None:
    """The tables of the whole investigator, beside what the same model says of candidates read from git."""
    embedder = KeptEmbedder()
    for repo, store in open_stores(labels, paths, folder):
        model = trained_without(sets, repo, amount)
        direct = {one.id: one for one in sets.labelled[repo]}
        own = [label for label in labels if label.repo == repo and label.id in direct]
        other = moments(own, paths[repo])
        given = [answer(store, label, model, embedder) for label in own]
        words = [answer(store, label, model, None) for label in own]
        absent = [answer(store, elsewhen(x, other[x.id]), model, embedder) for x in own if x.id in other]
        embedder.save()
        git = [Ranked(_choice_shares(model.with_dense.choice, direct[x.id]), direct[x.id].right or 0) for x in own]
        git_text = [
            Ranked(_choice_shares(model.without_dense.choice, direct[x.id]), direct[x.id].right or 0) for x in own
        ]
        rows = {
            "git, prior": git,
            "graph, prior": [one.prior for one in given],
            "graph, after its checks": [one.whole for one in given],
            "git, prior without vectors": git_text,
            "graph, prior without vectors": [one.prior for one in words],
            "graph, after its checks, without vectors": [one.whole for one in words],
        }
        print(f"\n### {repo}, the whole investigator: {len(own)} cases; trained on: {amount}\n")
        print("| | top-1 | top-5 | MRR | log loss | Brier | ECE (by chance: mean, 95%) | right at p ≥ 0.8 |")
        print("|---|---|---|---|---|---|---|---|")
        for name, answers in rows.items():
            print(row(name, answers))
        hard = [i for i, label in enumerate(own) if direct[label.id].hard]
        print(f"\nHard slice ({len(hard)}):\n\n| | top-1 | top-5 | MRR |\n|---|---|---|---|")
        for name, answers in rows.items():
            print("| " + " | ".join([name, *(share(v) for v in ranking([answers[i] for i in hard]))]) + " |")
        _from_graph_beside(own, git, given, absent)


def _from_graph_beside(
    labels: Sequence[Label], git: Sequence[Ranked], given: Sequence[Answered], absent: Sequence[Answered]
) -> None:
    for i, name in enumerate(("prior", "after its checks")):
        yes, no = (np.array([one.none[i] for one in some]) for some in (absent, given))
        print(f"\nNone of these, {name} ({len(given)} with, {len(absent)} without): AUC {area(yes, no):.3f}")
    lost = [one.id for one in given if float(one.prior.probabilities[one.prior.right]) == 0.0]
    print(f"\nNot proposed: {len(lost)} {lost}; placed by the graph: {sum(one.placed for one in given)}")
    apart = [
        f"{label.id} {a.rank}→{b.prior.rank}→{b.whole.rank}"
        for label, a, b in zip(labels, git, given, strict=True)
        if not a.rank == b.prior.rank == b.whole.rank
    ]
    print(f"Rank in git → prior of the graph → after checks, where they differ ({len(apart)}): {', '.join(apart)}")
    past = np.array([one.past_s for one in given])
    spent = np.array([one.elapsed_s for one in given])
    print(
        f"The past: median {np.median(past):.3f} s, p95 {np.quantile(past, 0.95):.3f} s; a whole case: median {np.median(spent):.2f} s, "
        f"p95 {np.quantile(spent, 0.95):.2f} s; steps: median {np.median([one.steps for one in given]):.0f}"
    )


def _choice_shares(choice: Mapping[str, float], one: Measured) -> Vector:
    return softmax(Fitted(choice).scores(one))


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--mined", type=Path)
    parser.add_argument("--ablation", action="store_true")
    parser.add_argument("--graph", type=Path, help="ask the whole investigator, of stores that are kept in this folder")
    parser.add_argument(
        "--train",
        choices=("other", "other+", "third", "rest", "shipped"),
        default="rest",
        help="what --graph trains on",
    )
    parser.add_argument("--misses", type=Path, help="write what is not ranked first to this JSON file")
    add_repository_option(parser)
    options = parser.parse_args()
    paths = repositories(options.repo)
    labels = read_labels(options.cases)
    sets = Sets(labels, read_labels(options.mined) if options.mined else [], paths)
    if options.graph:
        from_graph(sets, labels, paths, options.graph, options.train)
        return
    for tested in sets.labelled:
        report(sets, tested, ablation=options.ablation)
    if options.misses:
        options.misses.write_text(json.dumps({repo: misses(sets, repo) for repo in sets.labelled}, indent=1))


if __name__ == "__main__":
    main()
