"""The bench of causes: windows hide the revert, mined cases are what they say, figures are computed as described."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from bench import revert_cases
from bench.conditional_logit import fit_choice, fit_logit
from bench.revert_cases import Case, Label, build_cases, read_units, sampled
from bench.revert_measured import without_culprit
from bench.revert_metrics import (
    Ranked,
    area,
    brier_scores,
    calibration,
    calibration_error,
    log_losses,
    paired,
    ranking,
    risk_coverage,
    sure,
)
from bench.revert_mining import mine
from graph.clock import SECOND
from tests.ingest.git.repo_builder import RepoBuilder

REASON = "Checkout answered with errors after it, see https://example.org/x"


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RepoBuilder:
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setattr(revert_cases, "cache_folder", lambda: cache)
    return RepoBuilder(tmp_path / "infra")


def history(repo: RepoBuilder) -> tuple[str, str, str]:
    """A culprit, a bystander and the culprit's revert, with changes before and after; their hashes."""
    for number in range(5):
        repo.commit(f"Old {number}", {"a.conf": f"{number}\n"})
    culprit = repo.commit("Lower the pool", {"pool.conf": "size = 20\n"})
    bystander = repo.commit("Update a page", {"page": "x\n"})
    text = f'Revert "Lower the pool"\n\nThis reverts commit {culprit}.\n\n{REASON}\n\nChange-Id: I0123456789\n'
    revert = repo.commit(text, {"pool.conf": None})
    repo.commit("Later", {"page": "y\n"})
    return culprit, bystander, revert


def label(repo: RepoBuilder, culprit: str, revert: str) -> Label:
    head = repo.git("rev-parse", "HEAD")
    detected = int(repo.git("show", "-s", "--format=%ct", revert))
    return Label("c1", "org/infra", head, "Checkout errors", detected, revert, frozenset({culprit}))


def test_a_window_ends_before_the_revert_and_holds_what_changes_say(repo: RepoBuilder) -> None:
    culprit, bystander, revert = history(repo)
    (case,) = build_cases([label(repo, culprit, revert)], repo.path)
    refs = [candidate.ref for candidate in case.candidates]
    assert refs[:2] == [f"Commit:{bystander}", f"Commit:{culprit}"]
    assert f"Commit:{revert}" not in refs
    assert case.right == 1
    assert case.candidates[1].after_text == "size = 20"
    assert all(candidate.at < case.asked.at for candidate in case.candidates)


def test_nothing_of_the_revert_but_its_time_is_in_a_case(repo: RepoBuilder) -> None:
    culprit, _, revert = history(repo)
    (case,) = build_cases([label(repo, culprit, revert)], repo.path)
    assert "Checkout answered" not in repr((case.candidates, case.past))
    assert all(candidate.undone_at is None for candidate in case.candidates)
    assert all(past.undone_at is None for past in case.past)


def test_mining_finds_the_revert_and_leaves_templates_out(repo: RepoBuilder) -> None:
    culprit, _, revert = history(repo)
    head = repo.git("rev-parse", "HEAD")
    (found,) = mine("org/infra", head, read_units(repo.path, head))
    assert (found["culprit"], found["before"]) == (culprit, revert)
    assert found["symptom"] == "Checkout answered with errors after it, see"


def test_a_revert_of_a_revert_is_not_mined(repo: RepoBuilder) -> None:
    _, _, revert = history(repo)
    again = f'Revert "Revert "Lower the pool""\n\nThis reverts commit {revert}.\n\n{REASON}\n'
    repo.commit(again, {"pool.conf": "size = 20\n"})
    head = repo.git("rev-parse", "HEAD")
    assert len(mine("org/infra", head, read_units(repo.path, head))) == 1


def test_a_symptom_without_its_culprit_is_asked_in_another_window(repo: RepoBuilder) -> None:
    culprit, _, revert = history(repo)
    (case,) = build_cases([label(repo, culprit, revert)], repo.path)
    assert without_culprit(case, [case]) is None
    later = Case(case.label, case.asked, case.candidates[:1], (), 0)
    far = Case(
        Label("c2", "org/infra", "", "x", 0, "", frozenset()),
        type(case.asked)("Other", case.asked.at + 9 * 86_400 * SECOND),
        (case.candidates[0],),
        (),
        0,
    )
    other = without_culprit(case, [case, later, far])
    assert other is not None
    assert (other.right, other.asked.text, other.asked.at) == (None, "Checkout errors", far.asked.at)


def test_a_sample_is_spread_over_a_history_and_small_repositories_are_left_out() -> None:
    many = [Label(f"m{i:03}", "a/b", "", "", i, "", frozenset()) for i in range(100)]
    few = [Label(f"f{i}", "c/d", "", "", i, "", frozenset()) for i in range(7)]
    chosen = sampled([*many, *few], 10)
    assert [one.detected_s for one in chosen] == [0, 11, 22, 33, 44, 55, 66, 77, 88, 99]


def answer(right: int, *shares: float) -> Ranked:
    return Ranked(np.array(shares), right)


def test_ranks_count_newer_equals_before() -> None:
    assert [answer(i, 0.2, 0.4, 0.2, 0.2).rank for i in range(4)] == [2, 1, 3, 4]


def test_figures_of_two_answers_are_what_they_are_by_hand() -> None:
    answers = [answer(0, 0.9, 0.1), answer(0, 0.25, 0.75)]
    top, five, reciprocal = ranking(answers)
    assert (top.tolist(), five.tolist(), reciprocal.tolist()) == ([1, 0], [1, 1], [1, 0.5])
    assert np.allclose(log_losses(answers), [-math.log(0.9), -math.log(0.25)])
    assert np.allclose(brier_scores(answers), [0.02, 1.125])
    assert sure(answers) == (1, 1)


def test_calibration_is_judged_against_what_chance_gives() -> None:
    rng = np.random.default_rng(1)
    tops = rng.uniform(0.5, 1.0, 400)
    honest = [answer(0 if rng.random() < p else 1, p, 1 - p) for p in tops]
    boasting = [answer(0 if rng.random() < 0.5 else 1, p, 1 - p) for p in tops]
    error, _, high = calibration(honest)
    assert error < high * 1.3
    assert calibration(boasting)[0] > calibration(boasting)[2]
    assert calibration_error(np.array([1.0, 1.0]), np.array([1.0, 1.0])) == 0


def test_area_and_risk_are_what_they_are_by_hand() -> None:
    assert area(np.array([2.0, 1.0]), np.array([1.0, 0.0])) == 0.875
    assert risk_coverage(np.array([0.9, 0.1]), np.array([1.0, 0.0]))[-1] == (1.0, 0.5)
    assert risk_coverage(np.array([0.9, 0.1]), np.array([1.0, 0.0]))[0] == (0.5, 0.0)


def test_a_paired_difference_of_nothing_is_no_better() -> None:
    same = np.array([1.0, 0.5, 0.2])
    assert paired(same, same) == (0.0, 0.0, 0.0, 1.0)


def test_the_fitted_choice_is_where_the_slope_is_nothing() -> None:
    rng = np.random.default_rng(2)
    rows = [rng.normal(size=(6, 2)) for _ in range(80)]
    chosen = [int(np.argmax(part[:, 0] + rng.gumbel(size=6))) for part in rows]
    weights = fit_choice(rows, chosen, 1.0)
    slope = -weights.copy()
    for part, index in zip(rows, chosen, strict=True):
        shares = np.exp(part @ weights) / np.exp(part @ weights).sum()
        slope += part[index] - shares @ part
    assert np.abs(slope).max() < 1e-3
    assert weights[0] > 0.5 > abs(weights[1])


def test_features_of_no_use_get_no_weight() -> None:
    rows = np.column_stack([np.ones(100), np.tile([0.0, 1.0], 50)])
    weights = fit_logit(rows, np.repeat([0.0, 1.0], 50), 1.0)
    assert abs(weights[1]) < 1e-6
