"""The whole investigator on labelled cases: the store tells the same past as git, and the future stays unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.investigate import Options, investigate, propose
from agent.odds import candidate
from agent.past import past_changes
from agent.scene import Scene
from agent.surroundings import surroundings
from agent.symptoms import read_symptom
from bench import revert_cases
from bench.repositories import ingest_git
from bench.revert_cases import WINDOW, Case, Label, build_cases
from bench.revert_graph import answer, elsewhen
from graph.clock import DAY, SECOND
from graph.model import PUBLIC, EntityRef
from graph.store import GraphStore, View
from graph.stores import open_store
from tests.ingest.git.repo_builder import RepoBuilder

T0 = 1_700_000_000


def _text(sha: str, title: str) -> str:
    return f'Revert "{title}"\n\nThis reverts commit {sha}.\n\nCheckout answered with errors.\n'


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Label, str]:
    """A repository with a change undone before the window, one inside it and the case; and the change undone inside."""
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setattr(revert_cases, "cache_folder", lambda: cache)
    repo = RepoBuilder(tmp_path / "infra")
    repo.clock_s = T0
    repo.commit("Begin", {"a.conf": "0\n"})
    repo.branch("topic")
    first = repo.commit("Widen the search index", {"index.conf": "wide = 1\n"})
    repo.checkout("main")
    repo.merge("topic", 'Merge "Widen the search index"')
    repo.commit("Between", {"b.conf": "1\n"})
    repo.commit(_text(first, "Widen the search index"), {"index.conf": None})
    repo.tick(T0 + 20 * DAY // SECOND)
    undone = repo.commit("Raise the cache", {"cache.conf": "size = 9\n"})
    repo.commit(_text(undone, "Raise the cache"), {"cache.conf": None})
    culprit = repo.commit("Lower the pool of checkout", {"pool.conf": "size = 20\n"})
    repo.commit("Update a page", {"page": "x\n"})
    revert = repo.commit(_text(culprit, "Lower the pool of checkout"), {"pool.conf": None})
    repo.commit("Later", {"page": "checkout errors\n"})
    head = repo.git("rev-parse", "HEAD")
    detected = int(repo.git("show", "-s", "--format=%ct", revert))
    label = Label("c1", "org/infra", head, "Checkout answers with errors", detected, revert, frozenset({culprit}))
    return repo.path, label, undone


@pytest.fixture
def store(asked: tuple[Path, Label, str], tmp_path: Path) -> GraphStore:
    path, label, _ = asked
    ingest_git(path, label.repo, label.head, tmp_path / "s.db")
    return open_store(f"sqlite:///{tmp_path / 's.db'}")


def scene_of(store: GraphStore, label: Label) -> Scene:
    at = label.detected_s * SECOND - 1
    view = View(at, store.record(None), frozenset({PUBLIC}))
    read = read_symptom(store, view, label.symptom, at, window_s=WINDOW // SECOND, environment="")
    return Scene(store, view, read, surroundings(store, view, read.anchors, read.environment))


def test_the_store_tells_the_same_past_and_the_same_candidates_as_git(
    asked: tuple[Path, Label, str], store: GraphStore
) -> None:
    path, label, undone = asked
    (case,) = build_cases([label], path)
    assert isinstance(case, Case)
    scene = scene_of(store, label)
    suspects = propose(scene)
    past = past_changes(scene, suspects)
    assert [(p.at, p.message, p.paths, p.undone_at, p.undone_after, p.undone_why) for p in past.past()] == [
        (p.at, p.message, p.paths, p.undone_at, p.undone_after, p.undone_why) for p in case.past
    ]
    assert [p.undone_after for p in past.past() if p.undone_at is not None] == [2]
    known = {c.ref: c for c in case.candidates}
    assert {s.key for s in suspects if s.change is not None} == set(known)
    assert set(past.undone) == {EntityRef(f"Commit:{undone}")}
    for one in suspects:
        ours, theirs = candidate(one, undone_at=past.undone.get(one.key)), known.get(one.key)
        if theirs is None:
            continue
        assert (ours.at, ours.title, ours.paths, ours.undone_at) == (
            theirs.at,
            theirs.title,
            theirs.paths,
            theirs.undone_at,
        )
        assert (ours.before_text, ours.after_text, ours.sections) == (
            theirs.before_text,
            theirs.after_text,
            theirs.sections,
        )


def test_the_bench_finds_what_the_investigator_finds(asked: tuple[Path, Label, str], store: GraphStore) -> None:
    _, label, _ = asked
    given = answer(store, label, None, None)
    found = investigate(
        store, label.symptom, at=label.detected_s * SECOND - 1, options=Options(seconds=None, window_s=WINDOW // SECOND)
    )
    assert given.whole.rank == 1
    assert found.causes[0].change is not None
    assert found.causes[0].change.id in label.accept
    assert found.causes[0].probability == pytest.approx(
        float(given.whole.probabilities[given.whole.right]) * (1 - given.none[1]), abs=1e-3
    )


def test_a_culprit_that_nothing_proposes_stands_behind_all(asked: tuple[Path, Label, str], store: GraphStore) -> None:
    _, label, _ = asked
    given = answer(store, elsewhen(label, label.detected_s - 3 * 3_600), None, None)
    assert given.prior.probabilities[given.prior.right] == 0.0
    assert given.prior.rank == len(given.prior.probabilities)
