"""Files of a directory and of a repository: what is read, since when it is so, and what is left out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from graph.clock import SECOND
from ingest.repository_files import open_files
from ingest.source import SourceDataInvalid, SourceUnavailable
from tests.ingest.git.repo_builder import HOUR_S, START_S, RepoBuilder

DOCS = ("docs/**/*.md", "README.md")


def read(path: Path, include: tuple[str, ...] = DOCS, name: str = "", rev: str = "") -> dict[str, str]:
    return {f.path: f.text() for f in open_files(str(path), name, rev).files(include)}


@pytest.fixture
def repo(tmp_path: Path) -> RepoBuilder:
    return RepoBuilder(tmp_path / "infra")


def test_a_directory_gives_what_matches_in_order_and_tells_no_time(tmp_path: Path) -> None:
    for path in (
        "docs/b.md",
        "docs/deep/er/a.md",
        "README.md",
        "x/README.md",
        "docs/a.txt",
        "node_modules/p/README.md",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    found = list(open_files(str(tmp_path)).files(DOCS))
    assert [f.path for f in found] == ["README.md", "docs/b.md", "docs/deep/er/a.md", "x/README.md"]
    assert {(f.changed_at, f.revision, f.url) for f in found} == {(None, "", None)}
    assert found[1].cite(3, 7) == ("docs/b.md#L3-L7", None)
    assert found[1].cite(3) == ("docs/b.md#L3", None)


def test_what_is_excluded_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "docs/old").mkdir(parents=True)
    (tmp_path / "docs/a.md").write_text("a")
    (tmp_path / "docs/old/b.md").write_text("b")
    assert [f.path for f in open_files(str(tmp_path)).files(DOCS, ("docs/old/",))] == ["docs/a.md"]


def test_a_repository_is_read_as_committed_and_says_when_each_file_was_last_changed(repo: RepoBuilder) -> None:
    repo.commit("one", {"docs/a.md": "a1", "docs/b.md": "b1", "main.tf": ""})
    repo.commit("two", {"docs/a.md": "a2"})
    tip = repo.commit("three", {"main.tf": "x"})
    repo.write("docs/a.md", "not committed")
    place = open_files(str(repo.path), "shop/infra")
    found = {f.path: f for f in place.files(DOCS)}
    assert place.revision == tip
    assert place.committed_at == (START_S + 3 * HOUR_S) * SECOND
    assert {p: f.text() for p, f in found.items()} == {"docs/a.md": "a2", "docs/b.md": "b1"}
    assert found["docs/a.md"].changed_at == (START_S + 2 * HOUR_S) * SECOND
    assert found["docs/b.md"].changed_at == (START_S + HOUR_S) * SECOND
    assert found["docs/a.md"].cite(1, 2)[0] == f"shop/infra@{tip}:docs/a.md#L1-L2"


def test_a_change_counts_from_when_its_merge_reached_the_mainline(repo: RepoBuilder) -> None:
    repo.commit("base", {"docs/a.md": "a1"})
    repo.git("checkout", "-q", "-b", "topic")
    repo.commit("topic", {"docs/a.md": "a2"})
    repo.git("checkout", "-q", "main")
    repo.commit("other", {"x": "x"})
    repo.tick(None)
    repo.git("merge", "-q", "--no-ff", "-m", "merge", "topic")
    [file] = open_files(str(repo.path)).files(DOCS)
    assert file.text() == "a2"
    assert file.changed_at == repo.clock_s * SECOND


def test_a_bare_repository_an_older_revision_and_odd_names_are_read(repo: RepoBuilder, tmp_path: Path) -> None:
    first = repo.commit("one", {"docs/ü ß\n.md": "a1", "docs/-x.md": "x"})
    repo.commit("two", {"docs/ü ß\n.md": "a2"})
    bare = tmp_path / "infra.git"
    RepoBuilder.git_in(tmp_path, "clone", "-q", "--bare", str(repo.path), str(bare))
    assert read(bare) == {"docs/ü ß\n.md": "a2", "docs/-x.md": "x"}
    assert read(bare, rev=first)["docs/ü ß\n.md"] == "a1"
    assert {f.path: f.changed_at for f in open_files(str(bare)).files(DOCS)} == {
        "docs/-x.md": (START_S + HOUR_S) * SECOND,
        "docs/ü ß\n.md": (START_S + 2 * HOUR_S) * SECOND,
    }


def test_links_and_submodules_are_passed_over_and_the_large_and_the_binary_are_noted(
    repo: RepoBuilder, tmp_path: Path
) -> None:
    (tmp_path / "outside.md").write_text("outside")
    (repo.path / "docs").mkdir()
    os.symlink(tmp_path / "outside.md", repo.path / "docs/link.md")
    tip = repo.commit("one", {"docs/a.md": "a", "docs/large.md": "x" * 200, "docs/binary.md": b"\x00\x01"})
    for path in (repo.path, _plain_copy(repo.path, tmp_path / "plain")):
        place = open_files(str(path), "shop/infra")
        assert [f.path for f in place.files(DOCS, max_file_bytes=100)] == ["docs/a.md"]
        prefix = f"shop/infra@{tip}:" if place.is_git else ""
        assert {q.locator: q.reason for q in place.quarantined} == {
            f"{prefix}docs/large.md": "it has 200 bytes, more than the 100 that are read",
            f"{prefix}docs/binary.md": "it is binary",
        }


def _plain_copy(repository: Path, to: Path) -> Path:
    (to / "docs").mkdir(parents=True)
    for file in (repository / "docs").iterdir():
        if file.is_symlink():
            os.symlink(os.readlink(file), to / "docs" / file.name)
        else:
            (to / "docs" / file.name).write_bytes(file.read_bytes())
    return to


def test_a_repository_without_commits_holds_nothing(repo: RepoBuilder) -> None:
    assert read(repo.path) == {}


def test_a_forge_gives_links_to_the_lines(repo: RepoBuilder) -> None:
    tip = repo.commit("one", {"docs/a.md": "a"})
    repo.git("remote", "add", "origin", "https://user:pw@github.com/shop/infra.git")
    place = open_files(str(repo.path))
    [file] = place.files(DOCS)
    assert place.name == "shop/infra"
    assert file.cite(1, 2)[1] == f"https://github.com/shop/infra/blob/{tip}/docs/a.md#L1-L2"


def test_a_shallow_clone_counts_its_oldest_commit(repo: RepoBuilder, tmp_path: Path) -> None:
    repo.commit("one", {"docs/a.md": "a"})
    repo.commit("two", {"x": "x"})
    RepoBuilder.git_in(tmp_path, "clone", "-q", "--depth=1", f"file://{repo.path}", str(tmp_path / "shallow"))
    [file] = open_files(str(tmp_path / "shallow")).files(DOCS)
    assert file.changed_at == (START_S + 2 * HOUR_S) * SECOND


def test_a_damaged_repository_is_an_error_and_not_an_empty_one(repo: RepoBuilder) -> None:
    repo.commit("one", {"docs/a.md": "a"})
    tree = repo.git("rev-parse", "HEAD^{tree}")
    (repo.path / ".git/objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(SourceUnavailable, match="could not be read"):
        read(repo.path)


def test_what_is_not_there_is_told_with_a_remedy(repo: RepoBuilder, tmp_path: Path) -> None:
    repo.commit("one", {"docs/a.md": "a", "docs/b.md": "b"})
    (tmp_path / "file").write_text("x")
    cases = [
        lambda: read(tmp_path / "nowhere"),
        lambda: read(tmp_path / "file"),
        lambda: read(repo.path, rev="no-such-branch"),
        lambda: read(repo.path, rev="--all"),
        lambda: read(tmp_path, rev="main"),
        lambda: read(repo.path, include=("!",)),
        lambda: list(open_files(str(repo.path)).files(DOCS, max_files=1)),
    ]
    for case in cases:
        with pytest.raises(SourceDataInvalid) as caught:
            case()
        assert caught.value.hint
