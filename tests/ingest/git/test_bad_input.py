from __future__ import annotations

from pathlib import Path

import pytest

from graph.clock import SECOND
from ingest.source import SourceDataInvalid, SourceError, SourceUnavailable
from ingest.sources.git.command import Git
from ingest.sources.git.source import GitSettings, GitSource
from tests.ingest.git.repo_builder import RepoBuilder
from tests.ingest.git.world import NOW, World


def refusal(path: Path, rev: str = "HEAD", name: str | None = None) -> SourceError:
    with pytest.raises(SourceError) as caught:
        list(GitSource(GitSettings(str(path), rev, name)).pull(None, NOW))
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    assert caught.value.hint
    return caught.value


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path)
    assert isinstance(error, SourceDataInvalid)
    assert "not a git repository" in str(error)


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_a_path_that_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    assert "is not a folder" in str(refusal(tmp_path / name))


def test_a_repository_without_commits_is_refused(tmp_path: Path) -> None:
    RepoBuilder(tmp_path / "infra")
    assert "has no commits" in str(refusal(tmp_path / "infra"))


@pytest.mark.parametrize("rev", ["nowhere", "--output=/tmp/x", "0" * 40, "HEAD~7", "", "a b", "HEAD:main.tf"])
def test_an_unknown_revision_is_refused(tmp_path: Path, rev: str) -> None:
    repo = RepoBuilder(tmp_path / "infra")
    repo.commit("Start", {"main.tf": "x"})
    assert "has no revision" in str(refusal(repo.path, rev))


def test_a_machine_without_git_is_told_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    error = refusal(tmp_path)
    assert "git was not found" in str(error)
    assert not isinstance(error, SourceUnavailable)


def test_a_git_that_is_too_old_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "bin" / "git"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho git version 2.30.9\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(old.parent))
    assert str(refusal(tmp_path)) == "git 2.30 is too old."


def test_a_missing_tree_keeps_what_came_before_and_is_an_error(tmp_path: Path) -> None:
    repo = RepoBuilder(tmp_path / "infra")
    for title in ("One", "Two", "Three"):
        repo.commit(title, {"main.tf": f'variable "{title}" {{}}\n'})
    tree = repo.git("rev-parse", "HEAD^{tree}")
    repo.commit("Four", {"main.tf": 'variable "z" {}\n'})
    (repo.path / ".git/objects" / tree[:2] / tree[2:]).unlink()
    world = World(repo.path)
    with pytest.raises(SourceDataInvalid, match="could not read all"):
        world.pull()
    # The last commit before it may have been cut off in the middle, and does not count.
    assert [c["title"] for c in world.entities("Commit")] == ["One"]
    with pytest.raises(SourceDataInvalid, match="could not read all"):
        world.pull()
    assert [c["title"] for c in world.entities("Commit")] == ["One"]


def test_the_callers_environment_and_the_repositorys_configuration_are_not_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = RepoBuilder(tmp_path / "infra")
    repo.commit("One", {"main.tf": 'variable "x" {}\n', "sub/b.tf": 'variable "y" {}\n'})
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    for key, value in {
        "log.showSignature": "true",
        "gpg.program": str(program),
        "core.fsmonitor": str(program),
        "core.pager": str(program),
        "diff.external": str(program),
        "diff.renames": "copies",
        "diff.relative": "true",
        "diff.noprefix": "true",
        "diff.orderFile": str(tmp_path / "missing"),
        "log.showRoot": "false",
        "log.follow": "true",
        "format.pretty": "oneline",
        "core.quotePath": "true",
    }.items():
        repo.git("config", key, value)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(program))
    monkeypatch.setenv("GIT_TRACE", "1")
    world = World(repo.path / "sub")
    world.pull()
    assert world.rows("File", "path") == {("main.tf",), ("sub/b.tf",)}
    assert not ran.exists()


def test_a_repository_of_somebody_else_is_read(tmp_path: Path) -> None:
    repo = RepoBuilder(tmp_path / "infra")
    repo.commit("One", {"main.tf": "x"})
    assert "safe.directory=*" in " ".join(Git(repo.path)._command)  # pyright: ignore[reportPrivateUsage]


def test_times_that_make_no_sense_are_taken_as_they_come(tmp_path: Path) -> None:
    repo = RepoBuilder(tmp_path / "infra")
    repo.commit("One", {"a": "1"})
    headers = repo.git("cat-file", "commit", "HEAD")
    for stamp in ("99999999999999999999", "-5", "", "x"):
        raw = (
            headers.replace(f" {repo.clock_s} +0000", f" {stamp} +0000").replace("One", f"At {stamp}").encode() + b"\n"
        )
        sha = repo.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=raw)
        world = World(repo.path, rev=sha)
        world.pull()
        assert [c["title"] for c in world.entities("Commit")] == [f"At {stamp}".strip()]
        assert all(a.valid_from <= NOW for a in world.assertions)


def test_pulling_does_not_write_to_the_repository(tmp_path: Path) -> None:
    repo = RepoBuilder(tmp_path / "infra")
    repo.commit("One", {"main.tf": 'variable "x" {}\n'})
    before = {p: p.stat().st_mtime_ns for p in repo.path.rglob("*")}
    World(repo.path).pull(NOW + SECOND)
    assert {p: p.stat().st_mtime_ns for p in repo.path.rglob("*")} == before
