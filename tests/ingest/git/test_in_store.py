"""The same through a real store: what a reader sees after a history was rewritten or read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.model import ref
from graph.store import ChangeQuery, GraphStore, Limits, View
from graph.stores import open_store
from tests.ingest.git.repo_builder import RepoBuilder
from tests.ingest.git.test_block_facts import block, bucket
from tests.ingest.git.test_resume import clone, eventful, force_push
from tests.ingest.git.world import NOW, World

A = block("aws_s3_bucket.a")


class Stored:
    """A store that is fed by pulls of one repository."""

    def __init__(self, path: Path, repository: Path) -> None:
        self.store: GraphStore = open_store(f"sqlite:///{path}")
        self.world = World(repository)

    def pull(self, now: int) -> None:
        for batch in self.world.pull(now):
            self.store.apply(batch)
        assert self.store.cursor("git", self.world.name or "") == self.world.cursor

    def sees(self) -> dict[str, object]:
        """Counts, and the changes and properties of every block and file, as of now."""
        view, limits = View(), Limits(rows=10_000)
        status = self.store.status()
        changes = self.store.changes(ChangeQuery(), view, limits).items
        seen: dict[str, object] = {f"{c.change} {c.target}": (c.at, dict(c.properties)) for c in changes}
        for kind in ("Block", "File", "Commit", "PullRequest", "OwnershipRule"):
            seen[kind] = status.entities.get(kind, 0)
        for change in changes:
            entity = self.store.entity(change.target, view)
            seen[change.target] = dict(entity.properties) if entity is not None else None
            edges = self.store.neighbours([change.target], view, limits, types=("DEPENDS_ON", "CONTAINS")).items
            seen[f"edges of {change.target}"] = [(e.type, e.src, e.dst) for e in edges]
        return seen


@pytest.fixture
def repo(tmp_path: Path) -> RepoBuilder:
    return RepoBuilder(tmp_path / "infra")


def fresh(tmp_path: Path, repo: RepoBuilder) -> dict[str, object]:
    stored = Stored(tmp_path / "fresh.db", repo.path)
    stored.pull(NOW + 5)
    return stored.sees()


def test_a_force_push_shows_the_new_history_and_keeps_the_old(repo: RepoBuilder, tmp_path: Path) -> None:
    mainline = eventful(repo)
    stored = Stored(tmp_path / "lore.db", repo.path)
    stored.pull(NOW)
    before = stored.sees()
    force_push(repo, mainline[2])
    repo.commit("Another way", {"main.tf": bucket("a", bucket='"x"'), "n.tf": bucket("n", acl='"x"')})
    stored.pull(NOW + 1)
    assert stored.sees() == fresh(tmp_path, repo)
    assert stored.store.entity(ref("Commit", mainline[-1]), View()) is None
    assert stored.store.entity(ref("Commit", mainline[-1]), View(as_of=NOW)) is not None
    assert stored.store.entity(ref("Commit", mainline[-1]), View(known_at=1)) is not None
    assert before != stored.sees()


def test_an_unshallowed_clone_shows_what_the_whole_history_says(repo: RepoBuilder, tmp_path: Path) -> None:
    eventful(repo)
    clone(repo, tmp_path / "shallow", "--depth=3")
    stored = Stored(tmp_path / "lore.db", tmp_path / "shallow")
    stored.pull(NOW)
    RepoBuilder.git_in(tmp_path / "shallow", "fetch", "--quiet", "--unshallow")
    stored.pull(NOW + 1)
    assert stored.sees() == fresh(tmp_path, repo)


def test_commit_by_commit_shows_what_one_pull_shows(repo: RepoBuilder, tmp_path: Path) -> None:
    mainline = eventful(repo)
    stored = Stored(tmp_path / "lore.db", repo.path)
    for number, sha in enumerate(mainline):
        stored.world.rev = sha
        stored.pull(NOW + number)
    assert stored.sees() == fresh(tmp_path, repo)
