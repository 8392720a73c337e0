from __future__ import annotations

from pathlib import Path

import pytest

from graph.model import Relation, ref
from ingest.sources.git.remote import repository_name, web
from ingest.sources.git.source import GitSettings, GitSource
from tests.ingest.git.repo_builder import RepoBuilder
from tests.ingest.git.world import World


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/shop/infra.git", "shop/infra"),
        ("https://ann:secret@github.com/shop/infra", "shop/infra"),
        ("git@github.com:shop/infra.git", "shop/infra"),
        ("ssh://git@git.example.org:2222/shop/deep/infra.git", "shop/deep/infra"),
        ("/srv/git/infra.git", "infra"),
        ("file:///srv/git/infra.git", "infra"),
        ("../infra", "infra"),
        (None, "folder"),
        ("", "folder"),
        ("http://[bad", "folder"),
    ],
)
def test_a_repository_is_named_by_its_remote_or_its_folder(url: str | None, name: str, tmp_path: Path) -> None:
    assert repository_name(url, tmp_path / "folder.git") == name
    assert repository_name(url, tmp_path / "folder" / ".git") == name


@pytest.mark.parametrize(
    ("url", "commit", "lines", "request_url"),
    [
        (
            "git@github.com:shop/infra.git",
            "https://github.com/shop/infra/commit/abc",
            "https://github.com/shop/infra/blob/abc/a%20b.tf#L1-L2",
            "https://github.com/shop/infra/pull/5",
        ),
        (
            "https://token@gitlab.example.org/shop/deep/infra.git",
            "https://gitlab.example.org/shop/deep/infra/-/commit/abc",
            "https://gitlab.example.org/shop/deep/infra/-/blob/abc/a%20b.tf#L1-2",
            "https://gitlab.example.org/shop/deep/infra/-/merge_requests/5",
        ),
        (
            "https://bitbucket.org/shop/infra",
            "https://bitbucket.org/shop/infra/commits/abc",
            "https://bitbucket.org/shop/infra/src/abc/a%20b.tf#lines-1:2",
            "https://bitbucket.org/shop/infra/pull-requests/5",
        ),
        ("https://git.example.org/shop/infra", None, None, None),
        (None, None, None, None),
    ],
)
def test_links_lead_into_the_forge_without_its_credentials(
    url: str | None, commit: str | None, lines: str | None, request_url: str | None
) -> None:
    site = web(url)
    assert site.commit("abc") == commit
    assert site.file("abc", "a b.tf", (1, 2)) == lines
    assert site.pull_request(5) == request_url


def test_the_name_and_links_of_a_clone_come_from_its_remote(tmp_path: Path) -> None:
    repo = RepoBuilder(tmp_path / "x")
    sha = repo.commit("Start (#1)", {"main.tf": 'variable "x" {}\n'})
    repo.git("remote", "add", "origin", "https://ann:hunter2@github.com/shop/infra.git")
    source = GitSource(GitSettings(str(repo.path)))
    assert (source.name, source.scope) == ("git", "shop/infra")
    world = World(repo.path, name=None)
    world.pull()
    assert "hunter2" not in repr(world.batches)
    request = world.entity(ref("PullRequest", "shop/infra", "1"))
    assert (request or {})["url"] == "https://github.com/shop/infra/pull/1"
    urls = {a.url for a in world.relations("CHANGED")}
    assert urls == {
        f"https://github.com/shop/infra/blob/{sha}/main.tf",
        f"https://github.com/shop/infra/blob/{sha}/main.tf#L1-L1",
    }


def test_owners_are_read_from_the_file_in_force_and_follow_its_edits(tmp_path: Path) -> None:
    repo = RepoBuilder(tmp_path / "x")
    world = World(repo.path)

    def owners() -> dict[object, set[str]]:
        found: dict[object, set[str]] = {}
        for a in world.relations("OWNED_BY"):
            assert isinstance(a.fact, Relation)
            rule = world.entity(a.fact.src)
            assert rule is not None
            found.setdefault((rule["pattern"], rule["line"]), set()).add(str((world.entity(a.fact.dst) or {})["name"]))
        return found

    repo.commit("1", {"CODEOWNERS": "# all\n* @shop/infra Eve@example.org\n/docs/ @ben # later\n/free/\n"})
    world.pull()
    assert owners() == {("*", 2): {"shop/infra", "eve@example.org"}, ("/docs/", 3): {"ben"}}
    assert world.rows("OwnershipRule", "pattern") == {("*",), ("/docs/",), ("/free/",)}
    repo.commit("2", {"CODEOWNERS": "/docs/ @cy\n"})
    world.pull()
    assert owners() == {("/docs/", 1): {"cy"}}
    repo.commit("3", {".github/CODEOWNERS": "*.tf @dee\n"})
    world.pull()
    assert owners() == {("*.tf", 1): {"dee"}}
    repo.commit("4", {".github/CODEOWNERS": None})
    world.pull()
    assert owners() == {("/docs/", 1): {"cy"}}
    assert world.relations("OWNED_BY")[0].locator.endswith(":CODEOWNERS#L1-L1")


def test_sections_lend_their_owners_to_rules_without(tmp_path: Path) -> None:
    repo = RepoBuilder(tmp_path / "x")
    repo.git("remote", "add", "origin", "https://gitlab.com/shop/infra.git")
    repo.commit("1", {"CODEOWNERS": "[Ops][2] @shop/ops\n*.tf\n*.md @ann\n^[Docs]\n*.md @ben\n/a\\ b @cy\n"})
    world = World(repo.path)
    world.pull()
    assert world.rows("OwnershipRule", "pattern", "line", "owners") == {
        ("*.tf", "2", "('@shop/ops',)"),
        ("*.md", "3", "('@ann',)"),
        ("*.md", "5", "('@ben',)"),
        ("/a\\ b", "6", "('@cy',)"),
    }
    assert world.rows("Team", "name") == {("shop/ops",)}
