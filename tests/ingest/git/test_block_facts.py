"""Blocks through time, with the real languages and the real differ."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from graph.model import Assertion, EntityRef, Relation, ref
from tests.ingest.git.repo_builder import BEN, RepoBuilder
from tests.ingest.git.world import NAME, World, said


@pytest.fixture
def repo(tmp_path: Path) -> RepoBuilder:
    return RepoBuilder(tmp_path / "infra")


def bucket(name: str, **attributes: str) -> str:
    lines = "".join(f"  {key} = {value}\n" for key, value in attributes.items())
    return f'resource "aws_s3_bucket" "{name}" {{\n{lines}}}\n'


def block(address: str, directory: str = "") -> EntityRef:
    return ref("Block", NAME, directory, address)


def effects(world: World, target: EntityRef) -> list[tuple[str, object]]:
    return [(sha, properties["effect"]) for sha, properties in map(said, world.changes(target))]


def targets(world: World, type_: str) -> set[tuple[EntityRef, EntityRef]]:
    return {(a.fact.src, a.fact.dst) for a in world.relations(type_) if isinstance(a.fact, Relation)}


def cited(repo: RepoBuilder, assertion: Assertion) -> str:
    """The lines that a locator points at, as `git show` prints them."""
    where, _, lines = assertion.locator.partition("#")
    assert where.startswith(NAME + "@")
    first, last = (int(line[1:]) for line in lines.split("-"))
    shown = subprocess.run(
        ["git", "-C", str(repo.path), "show", where.removeprefix(NAME + "@")], capture_output=True, check=True
    )
    return "".join(shown.stdout.decode().splitlines(keepends=True)[first - 1 : last])


DISTINCT = {
    "bucket": '"shop-uploads-archive"',
    "force_destroy": "true",
    "acl": '"private"',
    "policy": '"uploads-only-from-the-shop"',
    "tags": '{ team = "storage", tier = "cold" }',
}

A, B = block("aws_s3_bucket.a"), block("aws_s3_bucket.b")


def test_a_block_is_created_updated_reformatted_and_deleted(repo: RepoBuilder) -> None:
    created = repo.commit("1", {"main.tf": bucket("a", bucket='"x"')})
    updated = repo.commit("2", {"main.tf": bucket("a", bucket='"y"')})
    spaced = repo.commit("3", {"main.tf": "# why\n\n" + bucket("a", bucket='   "y"')})
    deleted = repo.commit("4", {"main.tf": "# nothing\n"})
    world = World(repo.path)
    world.pull()
    assert effects(world, A) == [
        (created, "created"),
        (updated, "updated"),
        (spaced, "format_only"),
        (deleted, "deleted"),
    ]
    changes = world.changes(A)
    assert said(changes[1])[1]["attributes"] == [
        {"path": "bucket", "before": {"state": "value", "value": "x"}, "after": {"state": "value", "value": "y"}}
    ]
    assert [cited(repo, a) for a in changes] == [
        bucket("a", bucket='"x"'),
        bucket("a", bucket='"y"'),
        bucket("a", bucket='   "y"'),
        bucket("a", bucket='   "y"'),
    ]
    assert world.entity(A) is None
    assert world.names("Block", "address") == []
    versions = [a for a in world.assertions if a.fact.key == "e\x1f" + A]
    assert [a.present for a in versions] == [True, True, False]


def test_a_deleted_block_can_come_back(repo: RepoBuilder) -> None:
    repo.commit("1", {"main.tf": bucket("a", bucket='"x"')})
    repo.commit("2", {"main.tf": None})
    assert not (repo.path / "main.tf").exists()
    again = repo.commit("3", {"main.tf": bucket("a", bucket='"z"')})
    world = World(repo.path)
    world.pull()
    said_of_it = world.entity(A)
    assert said_of_it is not None
    assert said_of_it["attributes"] == {"bucket": "z"}
    assert effects(world, A)[-1] == (again, "created")
    assert (ref("Module", NAME, ""), A) in targets(world, "CONTAINS")
    assert world.names("Block", "address") == ["aws_s3_bucket.a"]
    assert world.entity(ref("File", NAME, "main.tf")) is not None


def test_a_renamed_block_leads_back_to_its_old_name(repo: RepoBuilder) -> None:
    body = DISTINCT
    repo.commit("1", {"main.tf": bucket("a", **body)})
    moved = repo.commit("2", {"main.tf": bucket("b", **body)})
    world = World(repo.path)
    world.pull()
    assert effects(world, B) == [(moved, "moved")]
    assert said(world.changes(B)[0])[1]["moved_from"] == {
        "directory": "",
        "address": "aws_s3_bucket.a",
        "path": "main.tf",
    }
    assert targets(world, "MOVED_FROM") == {(B, A)}
    assert world.entity(A) is None
    assert world.names("Block", "address") == ["aws_s3_bucket.b"]


def test_two_blocks_that_swap_names_both_stay(repo: RepoBuilder) -> None:
    one = {"bucket": '"one"', "force_destroy": "true", "acl": '"private"'}
    two = {"bucket": '"two"', "request_payer": '"Requester"', "policy": '"p"'}
    repo.commit("1", {"main.tf": bucket("a", **one) + bucket("b", **two)})
    repo.commit("2", {"main.tf": bucket("b", **one) + bucket("a", **two)})
    world = World(repo.path)
    world.pull()
    assert ((world.entity(A) or {}).get("attributes"), (world.entity(B) or {}).get("attributes")) == (
        {"bucket": "two", "request_payer": "Requester", "policy": "p"},
        {"bucket": "one", "force_destroy": True, "acl": "private"},
    )
    assert world.names("Block", "address") == ["aws_s3_bucket.a", "aws_s3_bucket.b"]


def test_a_block_that_moves_to_another_file_keeps_its_ref(repo: RepoBuilder) -> None:
    repo.commit("1", {"main.tf": bucket("a", bucket='"x"') + bucket("b", bucket='"y"')})
    repo.commit("2", {"main.tf": bucket("b", bucket='"y"'), "s3.tf": bucket("a", bucket='"x"')})
    world = World(repo.path)
    world.pull()
    assert (world.entity(A) or {})["path"] == "s3.tf"
    assert [effect for _, effect in effects(world, A)] == ["created", "moved"]
    assert targets(world, "MOVED_FROM") == set()


def test_references_follow_the_code(repo: RepoBuilder) -> None:
    repo.commit("1", {"main.tf": bucket("a", bucket="var.x") + 'variable "x" {}\nvariable "y" {}\n'})
    world = World(repo.path)
    world.pull()
    x, y = block("var.x"), block("var.y")
    assert targets(world, "DEPENDS_ON") == {(A, x)}
    repo.commit("2", {"main.tf": bucket("a", bucket="var.y") + 'variable "x" {}\nvariable "y" {}\n'})
    world.pull()
    assert targets(world, "DEPENDS_ON") == {(A, y)}
    repo.commit("3", {"main.tf": 'variable "x" {}\nvariable "y" {}\n'})
    world.pull()
    assert targets(world, "DEPENDS_ON") == set()


def test_a_module_call_contains_the_module_it_calls(repo: RepoBuilder) -> None:
    call = 'module "net" {{\n  source = "{}"\n}}\n'
    repo.commit("1", {"live/prod/main.tf": call.format("../../modules/net"), "modules/net/v.tf": 'variable "x" {}\n'})
    world = World(repo.path)
    world.pull()
    net = block("module.net", "live/prod")
    module = ref("Module", NAME, "modules/net")
    assert (net, module) in targets(world, "CONTAINS")
    assert (module, block("var.x", "modules/net")) in targets(world, "CONTAINS")
    repo.commit("2", {"live/prod/main.tf": call.format("terraform-aws-modules/vpc/aws")})
    world.pull()
    registry = ref("Module", "", "terraform-aws-modules/vpc/aws")
    assert [dst for src, dst in targets(world, "CONTAINS") if src == net] == [registry]
    assert (world.entity(registry) or {})["source"] == "terraform-aws-modules/vpc/aws"
    repo.commit("3", {"modules/net/v.tf": None})
    world.pull()
    assert world.entity(module) is None
    assert world.entity(ref("Module", NAME, "live/prod")) is not None


def merged(repo: RepoBuilder, *versions: str, before: str, name: str = "fix") -> tuple[list[str], str]:
    """A branch off the mainline that takes main.tf through these versions, and its merge."""
    repo.commit("Start", {"main.tf": before})
    repo.branch(name)
    inner = [repo.commit(f"Inner {i}", {"main.tf": text}, author=BEN) for i, text in enumerate(versions)]
    repo.checkout("main")
    return inner, repo.merge(name, f"Merge {name}")


def test_the_one_commit_inside_a_merge_that_did_it_is_the_change(repo: RepoBuilder) -> None:
    a, b = bucket("a", bucket='"1"'), bucket("b", bucket='"1"')
    inner, merge = merged(
        repo,
        bucket("a", bucket='"2"') + b,
        bucket("a", bucket='"2"') + bucket("b", bucket='"2"'),
        before=a + b,
    )
    world = World(repo.path)
    world.pull()
    for target, sha in ((A, inner[0]), (B, inner[1])):
        change = world.changes(target)[-1]
        assert said(change)[0] == sha
        assert said(change)[1]["via"] == merge
        assert '"2"' in cited(repo, change)
        assert change.valid_from == world.now()["e\x1fCommit:" + merge].valid_from


def test_several_commits_that_did_it_leave_the_merge_as_the_change(repo: RepoBuilder) -> None:
    inner, merge = merged(repo, bucket("a", bucket='"2"'), bucket("a", bucket='"3"'), before=bucket("a", bucket='"1"'))
    world = World(repo.path)
    world.pull()
    sha, properties = said(world.changes(A)[-1])
    assert sha == merge
    assert properties["commits"] == (inner[1], inner[0])
    assert "via" not in properties
    assert len(world.changes(A)) == 2
    file_sha, file_properties = said(world.changes(ref("File", NAME, "main.tf"))[-1])
    assert (file_sha, file_properties["commits"]) == (merge, (inner[1], inner[0]))


def test_a_reformat_beside_the_change_is_not_the_change(repo: RepoBuilder) -> None:
    inner, merge = merged(
        repo, bucket("a", bucket='"2"'), bucket("a", bucket='    "2"'), before=bucket("a", bucket='"1"')
    )
    world = World(repo.path)
    world.pull()
    sha, properties = said(world.changes(A)[-1])
    assert (sha, properties["via"], properties["effect"]) == (inner[0], merge, "updated")


def test_what_a_branch_did_and_undid_is_no_change(repo: RepoBuilder) -> None:
    before = bucket("a", bucket='"1"')
    merged(repo, bucket("a", bucket='"2"'), before, before=before)
    world = World(repo.path)
    world.pull()
    assert [effect for _, effect in effects(world, A)] == ["created"]


def test_what_only_the_merge_did_is_the_merges(repo: RepoBuilder) -> None:
    repo.commit("Start", {"main.tf": bucket("a", bucket='"1"')})
    repo.branch("fix")
    repo.commit("Other", {"other.tf": bucket("c", bucket='"1"')})
    repo.checkout("main")
    evil = repo.merge("fix", "Merge fix", files={"main.tf": bucket("a", bucket='"2"')})
    world = World(repo.path)
    world.pull()
    sha, properties = said(world.changes(A)[-1])
    assert sha == evil
    assert "commits" not in properties
    assert "via" not in properties


def test_the_mainline_merged_into_the_branch_brings_nothing(repo: RepoBuilder) -> None:
    a, b = bucket("a", bucket='"1"'), bucket("b", bucket='"1"')
    repo.commit("Start", {"main.tf": a + "\n# far\n# apart\n# enough\n# to\n# merge\n\n" + b})
    repo.branch("fix")
    fix = repo.commit("Fix", {"main.tf": (repo.path / "main.tf").read_text().replace(a, bucket("a", bucket='"2"'))})
    repo.checkout("main")
    meanwhile = repo.commit(
        "Meanwhile",
        {"main.tf": "# longer\n" + (repo.path / "main.tf").read_text().replace(b, bucket("b", bucket='"2"'))},
    )
    repo.checkout("fix")
    repo.merge("main", "Merge main into fix")
    repo.checkout("main")
    merge = repo.merge("fix", "Merge fix")
    world = World(repo.path)
    world.pull()
    assert effects(world, B)[1:] == [(meanwhile, "updated")]
    change = world.changes(A)[-1]
    assert (said(change)[0], said(change)[1]["via"]) == (fix, merge)
    # The branch's own version of the file has other lines than the merge's.
    assert cited(repo, change) == bucket("a", bucket='"2"')
    assert change.locator.endswith(f"{fix}:main.tf#L1-L3")


def test_a_block_deleted_on_a_branch_is_cited_where_it_still_was(repo: RepoBuilder) -> None:
    inner, merge = merged(repo, bucket("b", acl='"x"'), before=bucket("a", bucket='"1"') + bucket("b", acl='"x"'))
    world = World(repo.path)
    world.pull()
    change = world.changes(A)[-1]
    assert (said(change)[0], said(change)[1]["effect"], said(change)[1]["via"]) == (inner[0], "deleted", merge)
    assert cited(repo, change) == bucket("a", bucket='"1"')


def test_a_block_created_by_one_commit_and_renamed_by_another_came_by_both(repo: RepoBuilder) -> None:
    body = DISTINCT
    inner, merge = merged(repo, bucket("a", **body), bucket("b", **body), before="# nothing\n")
    world = World(repo.path)
    world.pull()
    sha, properties = said(world.changes(B)[-1])
    assert (sha, properties["effect"]) == (merge, "created")
    assert properties["commits"] == (inner[1], inner[0])
    assert world.entity(A) is None


def test_links_and_submodules_are_files_and_are_not_read(repo: RepoBuilder) -> None:
    sha = repo.commit("1", {"main.tf": bucket("a", bucket='"x"')})
    (repo.path / "link.tf").symlink_to("main.tf")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{sha},vendor/module.tf")
    repo.git("add", "link.tf")
    repo.git("commit", "--quiet", "--message", "2")
    world = World(repo.path)
    world.pull()
    assert world.rows("File", "path", "mode") == {
        ("main.tf", "100644"),
        ("link.tf", "120000"),
        ("vendor/module.tf", "160000"),
    }
    assert world.names("Block", "address") == ["aws_s3_bucket.a"]
    assert world.quarantined == []


def test_a_change_of_mode_is_a_version_of_the_file_and_not_of_its_blocks(repo: RepoBuilder) -> None:
    repo.commit("1", {"main.tf": bucket("a", bucket='"x"')})
    (repo.path / "main.tf").chmod(0o755)
    sha = repo.commit("2", {})
    world = World(repo.path)
    world.pull()
    assert (world.entity(ref("File", NAME, "main.tf")) or {})["mode"] == "100755"
    assert said(world.changes(ref("File", NAME, "main.tf"))[-1])[0] == sha
    assert len(world.changes(A)) == 1


def test_large_and_binary_files_are_noted_and_their_blocks_left_out(repo: RepoBuilder) -> None:
    repo.commit(
        "1",
        {
            "large.tf": bucket("b", bucket='"x"') + "#" * (6_000_000 - len(bucket("b", bucket='"x"'))),
            "binary.tf": b"\0\1\2" + bucket("c", bucket='"x"').encode(),
            "fine.tf": bucket("a", bucket='"x"'),
        },
    )
    world = World(repo.path)
    world.pull()
    assert world.names("Block", "address") == ["aws_s3_bucket.a"]
    assert sorted((q.locator.rpartition(":")[2], q.reason) for q in world.quarantined) == [
        ("binary.tf", "its blocks were not read: it is binary"),
        ("large.tf", "its blocks were not read: it has 6000000 bytes, more than the 5000000 that are read"),
    ]
    assert world.rows("File", "path") == {("large.tf",), ("binary.tf",), ("fine.tf",)}


def test_a_file_that_does_not_parse_keeps_its_readable_blocks_and_is_noted_once(repo: RepoBuilder) -> None:
    broken = 'resource "aws_s3_bucket" "b" {\n  bucket = = "x"\n'
    repo.commit("1", {"main.tf": bucket("a", bucket='"x"') + broken})
    repo.commit("2", {"main.tf": bucket("a", bucket='"y"') + broken})
    world = World(repo.path)
    world.pull()
    assert (world.entity(A) or {})["attributes"] == {"bucket": "y"}
    assert len({q.locator.partition("@")[2].partition(":")[0] for q in world.quarantined}) == 1
