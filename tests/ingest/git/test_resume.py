"""Going on from a cursor: what is new, what a rewritten history takes back, what a shallow or partial clone lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.model import Assertion, EntityRef, Relation, ref
from ingest.sources.git.batches import Batches
from tests.ingest.git.repo_builder import BEN, RepoBuilder
from tests.ingest.git.test_block_facts import DISTINCT, block, bucket, effects, targets
from tests.ingest.git.world import NAME, NOW, World, statements

A, B = block("aws_s3_bucket.a"), block("aws_s3_bucket.b")
ANEW = frozenset({"Account", "Module", "Team"})
"""Kinds that each pull states anew when it first meets them."""


@pytest.fixture
def repo(tmp_path: Path) -> RepoBuilder:
    return RepoBuilder(tmp_path / "infra")


def eventful(repo: RepoBuilder) -> list[str]:
    """A history with one of everything; the mainline commits in order."""
    refers = 'resource "aws_s3_bucket" "user" {{\n  bucket = aws_s3_bucket.{}.id\n}}\n'
    mainline = [
        repo.commit("Start", {"main.tf": bucket("a", bucket='"1"') + refers.format("a"), "README": "x"}),
        repo.commit("CODEOWNERS (#2)", {"CODEOWNERS": "*.tf @shop/infra\n/docs @ann\n"}),
    ]
    repo.branch("one")
    repo.commit("Inner", {"b/main.tf": bucket("b", **DISTINCT)}, author=BEN)
    repo.commit("Inner again", {"main.tf": bucket("a", bucket='"2"') + refers.format("a")})
    repo.checkout("main")
    mainline.append(repo.merge("one", "Merge pull request #3 from ben/one\n\nOne"))
    mainline.append(repo.commit("Move", {"b/main.tf": None, "c/main.tf": bucket("c", **DISTINCT)}))
    mainline.append(repo.commit("Refer", {"main.tf": bucket("z", bucket='"2"') + refers.format("z")}))
    mainline.append(repo.commit("Owners", {"CODEOWNERS": "# ours\n*.tf @shop/infra @ben\n"}))
    mainline.append(repo.commit("Clear", {"c/main.tf": None, "README": None}))
    mainline.append(repo.commit("Back", {"c/main.tf": bucket("c", acl='"x"')}))
    return mainline


def test_pulling_commit_by_commit_says_what_one_pull_says(repo: RepoBuilder) -> None:
    mainline = eventful(repo)
    whole, stepwise = World(repo.path), World(repo.path)
    whole.pull()
    for sha in mainline:
        stepwise.pull(rev=sha)
    assert statements(stepwise.assertions, without=ANEW) == statements(whole.assertions, without=ANEW)
    assert stepwise.facts_now() == whole.facts_now()
    assert len(stepwise.batches) == len(mainline)


def test_the_same_input_gives_the_same_batches(repo: RepoBuilder) -> None:
    eventful(repo)
    one, two = World(repo.path).pull(), World(repo.path).pull()
    assert one == two
    assert len({batch.id for batch in one}) == len(one)


def test_an_unchanged_repository_has_nothing_new(repo: RepoBuilder) -> None:
    eventful(repo)
    world = World(repo.path)
    world.pull()
    assert world.pull() == []
    later = world.pull(NOW + 5)
    assert [(b.assertions, b.fresh_until) for b in later] == [((), NOW + 5)]


def test_a_pinned_revision_is_no_fresher_than_itself_and_hides_what_came_later(repo: RepoBuilder) -> None:
    mainline = eventful(repo)
    world = World(repo.path, rev=mainline[2])
    world.pull()
    assert world.batches[-1].fresh_until == world.now()[f"e\x1fCommit:{mainline[2]}"].valid_from
    assert world.entity(ref("Commit", mainline[3])) is None
    assert world.pull(NOW + 5) == []


def test_a_pull_can_stop_between_any_two_batches(repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.sources.git.batches.BATCH_ASSERTIONS", 5)
    eventful(repo)
    whole = World(repo.path)
    whole.pull()
    assert len(whole.batches) > 8
    assert [batch.cursor is not None for batch in whole.batches].count(True) == 9
    for stop in range(1, len(whole.batches)):
        resumed = World(repo.path)
        for batch in whole.batches[:stop]:
            resumed.batches.append(batch)
            resumed.cursor = batch.cursor or resumed.cursor
        resumed.pull()
        assert resumed.facts_now() == whole.facts_now()
        assert statements(resumed.assertions, without=ANEW) == statements(whole.assertions, without=ANEW)


def test_a_batch_with_the_cursor_holds_whole_mainline_commits() -> None:
    batches = Batches("x", None, "t", NOW)
    fact = Assertion(Relation("X", EntityRef("A:1"), EntityRef("A:2"), {}), 1, 1, "x")
    batches.out.extend([fact] * 20_000)
    parts = list(batches.cut("cursor", 1))
    assert [part.cursor for part in parts] == [*[None] * (len(parts) - 1), "cursor"]
    assert sum(len(part.assertions) for part in parts) == 20_000


def force_push(repo: RepoBuilder, keep: str) -> None:
    repo.git("reset", "--quiet", "--hard", keep)


def as_of_now(world: World) -> dict[str, object]:
    """What holds, without what only says who is who."""
    return {
        key: fact
        for key, fact in world.facts_now().items()
        if not key.startswith(("e\x1fAccount", "a\x1fAccount", "e\x1fModule", "a\x1fModule", "e\x1fTeam", "a\x1fTeam"))
    }


def test_a_force_push_leaves_what_the_new_history_says(repo: RepoBuilder) -> None:
    mainline = eventful(repo)
    world = World(repo.path)
    world.pull()
    repo.git("tag", "kept", mainline[1])
    force_push(repo, mainline[2])
    repo.tick(repo.clock_s - 100 * 3600)
    new = repo.commit("Another way", {"main.tf": bucket("a", bucket='"9"'), "n.tf": bucket("n", acl='"x"')})
    assert all(b.cursor is None for b in world.pull(NOW + 1)[:-1])
    fresh = World(repo.path)
    fresh.pull()
    assert as_of_now(world) == as_of_now(fresh)
    assert effects(world, A)[-1] == (new, "updated")
    # The facts of the lost commits were not deleted but ended, when that was noticed.
    ends = [a for a in world.batches[-1].assertions if a.fact.key == f"e\x1fCommit:{mainline[-1]}"]
    assert [(a.present, a.valid_from) for a in ends] == [(False, NOW + 1)]
    assert world.pull(NOW + 1) == []
    after = repo.commit("And on", {"main.tf": bucket("a", bucket='"10"')})
    world.pull(NOW + 2)
    assert effects(world, A)[-1] == (after, "updated")
    assert (world.entity(A) or {})["attributes"] == {"bucket": 10}


def test_a_branch_set_back_ends_what_came_after(repo: RepoBuilder) -> None:
    mainline = eventful(repo)
    world = World(repo.path)
    world.pull()
    force_push(repo, mainline[3])
    world.pull(NOW + 1)
    fresh = World(repo.path)
    fresh.pull()
    assert as_of_now(world) == as_of_now(fresh)


def test_a_history_with_no_commit_in_common_replaces_the_old(repo: RepoBuilder) -> None:
    eventful(repo)
    world = World(repo.path)
    world.pull()
    repo.git("checkout", "--quiet", "--orphan", "other")
    repo.commit("Anew", {"main.tf": bucket("a", bucket='"7"')})
    world.pull(NOW + 1)
    fresh = World(repo.path)
    fresh.pull()
    assert as_of_now(world) == as_of_now(fresh)


def test_a_mainline_that_became_a_side_branch_is_read_that_way(repo: RepoBuilder) -> None:
    repo.commit("Start", {"main.tf": bucket("a", bucket='"1"')})
    repo.branch("theirs")
    theirs = repo.commit("Theirs", {"main.tf": bucket("a", bucket='"2"')})
    repo.checkout("main")
    repo.commit("Ours", {"o.tf": bucket("b", acl='"x"')})
    repo.checkout("theirs")
    world = World(repo.path)
    world.pull()
    repo.checkout("main")
    merge = repo.merge("theirs", "Merge theirs")
    world.pull(NOW + 1)
    fresh = World(repo.path)
    fresh.pull()
    assert as_of_now(world) == as_of_now(fresh)
    assert (world.entity(ref("Commit", theirs)) or {})["mainline"] == merge


def test_when_the_old_commits_are_gone_all_is_read_again_as_a_snapshot(repo: RepoBuilder, tmp_path: Path) -> None:
    eventful(repo)
    world = World(repo.path)
    world.pull()
    other = RepoBuilder(tmp_path / "other")
    other.commit("Anew", {"main.tf": bucket("a", bucket='"7"')})
    other.git("tag", "v1")
    world.path = other.path
    world.pull(NOW + 1)
    snapshot = world.batches[-1].snapshot
    assert snapshot is not None
    assert (snapshot.taken_at, snapshot.generation) == (NOW + 1, NOW + 1)
    fresh = World(other.path)
    fresh.pull()
    assert world.facts_now() == fresh.facts_now()
    after = other.commit("And on", {"main.tf": bucket("a", bucket='"8"')})
    world.pull(NOW + 2)
    assert effects(world, A)[-1] == (after, "updated")


@pytest.mark.parametrize("cursor", ["", "{}", "no json", '{"format": 0, "cursor": {}}', '{"format": 1, "cursor": 5}'])
def test_a_cursor_of_another_format_has_everything_read_again(repo: RepoBuilder, cursor: str) -> None:
    eventful(repo)
    world, fresh = World(repo.path), World(repo.path)
    world.cursor = cursor
    world.pull()
    fresh.pull()
    assert world.batches[-1].snapshot is not None
    assert world.facts_now() == fresh.facts_now()


def clone(repo: RepoBuilder, path: Path, *options: str) -> None:
    repo.git("clone", "--quiet", "--bare", *options, f"file://{repo.path}", str(path))


def test_a_shallow_clone_is_read_as_far_as_it_goes_and_says_so(repo: RepoBuilder, tmp_path: Path) -> None:
    mainline = eventful(repo)
    clone(repo, tmp_path / "shallow", "--depth=3")
    world = World(tmp_path / "shallow")
    world.pull()
    assert len(world.entities("Commit")) == 3
    assert [q.locator for q in world.quarantined] == [f"{NAME}@{mainline[-3]}"]
    assert "shallow" in world.quarantined[0].reason
    # What was there at the cut exists, but nobody is said to have made it.
    z = block("aws_s3_bucket.z")
    assert world.entity(z) is not None
    assert world.changes(z) == []
    assert [sha for sha, _ in effects(world, block("aws_s3_bucket.c", "c"))] == [mainline[-2], mainline[-1]]


def test_a_shallow_clone_that_is_deepened_is_read_again(repo: RepoBuilder, tmp_path: Path) -> None:
    eventful(repo)
    clone(repo, tmp_path / "shallow", "--depth=3")
    world = World(tmp_path / "shallow")
    world.pull()
    RepoBuilder.git_in(tmp_path / "shallow", "fetch", "--quiet", "--unshallow")
    world.pull(NOW + 1)
    fresh = World(repo.path)
    fresh.pull()
    assert world.batches[-1].snapshot is not None
    assert as_of_now(world) == as_of_now(fresh)


def test_a_shallow_clone_made_anew_takes_nothing_back(repo: RepoBuilder, tmp_path: Path) -> None:
    mainline = eventful(repo)
    world = World(repo.path)
    world.pull()
    for number in range(4):
        repo.commit(f"More {number}", {"more.tf": bucket("b", bucket=f'"{number}"')})
    clone(repo, tmp_path / "shallow", "--depth=2")
    world.path = tmp_path / "shallow"
    world.pull(NOW + 1)
    assert world.entity(ref("Commit", mainline[0])) is not None
    assert (world.entity(B) or {})["attributes"] == {"bucket": 3}
    assert [effect for _, effect in effects(world, B)] == ["updated"]


def test_a_partial_clone_says_which_files_it_lacks_and_asks_no_network(repo: RepoBuilder, tmp_path: Path) -> None:
    eventful(repo)
    repo.git("config", "uploadpack.allowFilter", "true")
    clone(repo, tmp_path / "partial", "--filter=blob:none")
    repo.path.rename(tmp_path / "gone")
    world = World(tmp_path / "partial")
    world.pull()
    assert world.entities("Block") == []
    assert world.rows("File", "path") == {("main.tf",), ("CODEOWNERS",), ("c/main.tf",)}
    assert len(world.entities("Commit")) == 10
    reasons = {q.reason for q in world.quarantined}
    assert reasons == {
        "its blocks were not read: its content is not in this partial clone",
        "its owners were not read: its content is not in this partial clone",
    }


def test_a_missing_blob_leaves_the_rest_readable(repo: RepoBuilder) -> None:
    repo.commit("1", {"lost.tf": bucket("a", bucket='"1"'), "main.tf": bucket("b", bucket='"1"')})
    lost = repo.git("rev-parse", "HEAD:lost.tf")
    repo.commit("2", {"main.tf": bucket("b", bucket='"2"')})
    (repo.path / ".git/objects" / lost[:2] / lost[2:]).unlink()
    world = World(repo.path)
    world.pull()
    assert [effect for _, effect in effects(world, B)] == ["created", "updated"]
    assert [q.locator.rpartition(":")[2] for q in world.quarantined] == ["lost.tf"]
    assert world.entity(A) is None


def test_a_damaged_blob_leaves_the_rest_readable(repo: RepoBuilder) -> None:
    files = {f"f{n}.tf": bucket(f"n{n}", bucket=f'"{n}"') for n in range(30)}
    repo.commit("1", {**files, "main.tf": bucket("b", bucket='"1"')})
    for name in ("f3.tf", "f17.tf"):
        blob = repo.git("rev-parse", f"HEAD:{name}")
        file = repo.path / ".git/objects" / blob[:2] / blob[2:]
        file.chmod(0o644)
        file.write_bytes(file.read_bytes()[:5])
    world = World(repo.path)
    world.pull()
    assert len(world.entities("Block")) == 29
    assert sorted(q.locator.rpartition(":")[2] for q in world.quarantined) == ["f17.tf", "f3.tf"]


def test_references_are_ended_after_a_resume_too(repo: RepoBuilder) -> None:
    repo.commit("1", {"main.tf": bucket("a", bucket="var.x")})
    world = World(repo.path)
    world.pull()
    repo.commit("2", {"main.tf": bucket("b", bucket='"y"')})
    world.pull()
    assert targets(world, "DEPENDS_ON") == set()
