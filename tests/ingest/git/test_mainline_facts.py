from __future__ import annotations

from pathlib import Path

import pytest

from graph.clock import SECOND, rfc3339
from graph.model import EntityRef, Relation, ref
from tests.ingest.git.repo_builder import ANN, BEN, HOUR_S, START_S, RepoBuilder
from tests.ingest.git.world import NAME, NOW, World


@pytest.fixture
def repo(tmp_path: Path) -> RepoBuilder:
    return RepoBuilder(tmp_path / "infra")


def commit_ref(sha: str) -> EntityRef:
    return ref("Commit", sha)


def test_a_commit_says_who_when_and_where_it_stands(repo: RepoBuilder) -> None:
    first = repo.commit("Start\n\nFor the shop.", {"a.txt": "a"})
    second = repo.commit("Go on", {"a.txt": "b"}, author=BEN, committer=ANN)
    world = World(repo.path)
    world.pull()
    said = world.entity(commit_ref(second))
    assert said is not None
    assert {k: said[k] for k in ("title", "short", "parents", "mainline", "position")} == {
        "title": "Go on",
        "short": second[:7],
        "parents": (first,),
        "mainline": second,
        "position": 1,
    }
    assert said["merged_at"] == rfc3339(repo.clock_s * SECOND) == said["committed_at"] == said["authored_at"]
    assert world.message(first) == "Start\n\nFor the shop."
    by = {a.fact.dst for a in world.relations("COMMITTED_BY") if isinstance(a.fact, Relation)}
    assert by == {ref("Account", "git", "ann@example.org")}
    assert world.entity(ref("Account", "git", "ben@example.org")) == {
        "system": "git",
        "email": "ben@example.org",
        "name": "Ben Baker",
        "bot": False,
    }


def test_a_commit_inside_a_merge_counts_from_the_merge(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a.txt": "a"})
    repo.branch("fix")
    inner = repo.commit("Fix", {"b.txt": "b"})
    repo.checkout("main")
    between = repo.commit("Meanwhile", {"c.txt": "c"})
    merge = repo.merge("fix", "Merge pull request #5 from ann/fix\n\nFix it")
    world = World(repo.path)
    world.pull()
    said = world.entity(commit_ref(inner))
    assert said is not None
    assert (said["mainline"], said["position"]) == (merge, 2)
    held = world.now()
    assert held["e\x1f" + commit_ref(inner)].valid_from == held["e\x1f" + commit_ref(merge)].valid_from
    assert held["e\x1f" + commit_ref(inner)].valid_from > held["e\x1f" + commit_ref(between)].valid_from
    request = ref("PullRequest", NAME, "5")
    assert world.entity(request) == {"repository": NAME, "number": 5, "title": "Fix it", "branch": "ann/fix"}
    part = {a.fact.src for a in world.relations("PART_OF") if isinstance(a.fact, Relation)}
    assert part == {commit_ref(inner), commit_ref(merge)}


def test_a_commit_of_a_nested_pull_request_is_part_of_the_innermost(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a.txt": "a"})
    repo.branch("develop")
    own = repo.commit("On develop", {"d.txt": "d"})
    repo.branch("fix")
    deep = repo.commit("Deep", {"b.txt": "b"})
    repo.checkout("develop")
    inner_merge = repo.merge("fix", "Merge pull request #5 from ann/fix\n\nFix it")
    repo.checkout("main")
    outer = repo.merge("develop", "Merge pull request #6 from ann/develop\n\nRelease")
    world = World(repo.path)
    world.pull()
    part = {a.fact.src.id: a.fact.dst for a in world.relations("PART_OF") if isinstance(a.fact, Relation)}
    five, six = ref("PullRequest", NAME, "5"), ref("PullRequest", NAME, "6")
    assert part == {deep: five, inner_merge: five, own: six, outer: six}


def test_merging_the_mainline_into_a_branch_moves_no_commit(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a.txt": "a"})
    repo.branch("fix")
    inner = repo.commit("Fix", {"b.txt": "b"})
    repo.checkout("main")
    between = repo.commit("Meanwhile", {"c.txt": "c"})
    repo.checkout("fix")
    back = repo.merge("main", "Merge branch 'main' into fix")
    repo.checkout("main")
    merge = repo.merge("fix", "Merge fix")
    world = World(repo.path)
    world.pull()
    mainline = {sha: (world.entity(commit_ref(sha)) or {})["mainline"] for sha in (inner, between, back, merge)}
    assert mainline == {inner: merge, between: between, back: merge, merge: merge}


def test_an_octopus_brings_all_its_branches(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a.txt": "a"})
    inner: list[str] = []
    for name in ("one", "two", "three"):
        repo.branch(name, "main")
        inner.append(repo.commit(name, {f"{name}.txt": name}))
    repo.checkout("main")
    merge = repo.merge("one two three", "Octopus")
    assert len(repo.git("rev-list", "--parents", "-1", merge).split()) == 5
    world = World(repo.path)
    world.pull()
    assert [(world.entity(commit_ref(sha)) or {})["mainline"] for sha in inner] == [merge] * 3
    created = [a for name in ("one", "two", "three") for a in world.changes(ref("File", NAME, f"{name}.txt"))]
    assert {a.fact.src.id for a in created if isinstance(a.fact, Relation)} == set(inner)


def test_the_mainline_clock_always_grows(repo: RepoBuilder) -> None:
    shas = [
        repo.commit("Start", {"a": "1"}, at_s=START_S),
        repo.commit("Same second", {"a": "2"}, at_s=START_S),
        repo.commit("Earlier", {"a": "3"}, at_s=START_S - HOUR_S),
        repo.commit("Later", {"a": "4"}, at_s=START_S + HOUR_S),
        repo.commit("In the future", {"a": "5"}, at_s=4_000_000_000),
        repo.commit("After that", {"a": "6"}, at_s=START_S + 2 * HOUR_S),
    ]
    world = World(repo.path)
    world.pull()
    held = world.now()
    start = START_S * SECOND
    hour = HOUR_S * SECOND
    assert [held["e\x1f" + commit_ref(sha)].valid_from for sha in shas] == [
        *(start, start + 1, start + 2),
        *(start + hour, start + hour + 1, start + 2 * hour),
    ]
    assert max(a.valid_from for a in world.assertions) < NOW


def test_a_squash_keeps_its_title_and_its_number(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a.txt": "a"})
    squash = repo.commit("Open port 443 (#12)", {"a.txt": "b"}, committer="GitHub <noreply@github.com>")
    world = World(repo.path)
    world.pull()
    assert (world.entity(ref("PullRequest", NAME, "12")) or {})["title"] == "Open port 443"
    assert [a.fact.src.id for a in world.relations("PART_OF") if isinstance(a.fact, Relation)] == [squash]
    assert world.relations("COMMITTED_BY") == []


def test_reverts_and_cherry_picks_are_relations_also_by_short_hash(repo: RepoBuilder) -> None:
    first = repo.commit("Start", {"a.txt": "a"})
    second = repo.commit("Break", {"a.txt": "b"})
    revert = repo.commit(f'Revert "Break"\n\nThis reverts commit {second[:10]}.', {"a.txt": "a"})
    pick = repo.commit(f"Again\n\n(cherry picked from commit {second})", {"a.txt": "b"})
    world = World(repo.path)
    world.pull()
    pairs = {
        (a.fact.type, a.fact.src.id, a.fact.dst.id)
        for type_ in ("REVERTS", "CHERRY_PICKED_FROM")
        for a in world.relations(type_)
        if isinstance(a.fact, Relation)
    }
    assert pairs == {("REVERTS", revert, second), ("CHERRY_PICKED_FROM", pick, second)}
    assert first not in {b for _, _, b in pairs}


def test_trailers_become_accounts(repo: RepoBuilder) -> None:
    sha = repo.commit(
        "Start\n\nBody\n\nChange-Id: I0123456789abcdef\nCo-authored-by: Ben Baker <BEN@example.org>\n"
        "Reviewed-by: Cy <cy@example.org>\nAcked-by: Dee <dee@example.org>\nCo-authored-by: Ann Archer <ann@example.org>",
        {"a": "1"},
    )
    world = World(repo.path)
    world.pull()
    accounts = {
        type_: {a.fact.dst for a in world.relations(type_) if isinstance(a.fact, Relation)}
        for type_ in ("AUTHORED_BY", "CO_AUTHORED_BY", "REVIEWED_BY", "APPROVED_BY")
    }
    assert accounts == {
        "AUTHORED_BY": {ref("Account", "git", "ann@example.org")},
        "CO_AUTHORED_BY": {ref("Account", "git", "ben@example.org")},
        "REVIEWED_BY": {ref("Account", "git", "cy@example.org")},
        "APPROVED_BY": {ref("Account", "git", "dee@example.org")},
    }
    assert world.names("Commit", "change_id") == ["I0123456789abcdef"]
    assert world.message(sha) == "Start\n\nBody"


@pytest.mark.parametrize(
    ("author", "bot"),
    [
        ("dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>", True),
        ("Renovate <bot@renovateapp.com>", True),
        ("PuppetBot <p@example.org>", True),
        ("jenkins-bot <jenkins-bot@example.org>", True),
        ("Tom Talbot <talbot@example.org>", False),
        ("Robotham <r@example.org>", False),
    ],
)
def test_automation_is_told_by_its_name(repo: RepoBuilder, author: str, bot: bool) -> None:
    repo.commit("Start", {"a": "1"}, author=author)
    world = World(repo.path)
    world.pull()
    assert [account["bot"] for account in world.entities("Account")] == [bot]


def test_hostile_messages_and_names_stay_data(repo: RepoBuilder) -> None:
    hostile = (
        b"\n:100644 100644 "
        + b"a" * 40
        + b" "
        + b"b" * 40
        + b" M\nx\tfoo\n%x00%H\x1b[31m'; DROP TABLE facts; --\xff\xfe"
    )
    repo.commit("Start", {"a": "1"})
    first = repo.reword(b"Title \xe9" + hostile)
    second = repo.commit("", {'we"ird\n\tname; $(x).tf': 'variable "a" {}\n'})
    third = repo.commit(":000000 100644", {"a": "2"}, author="<> \u202e`x` <a b@c>")
    world = World(repo.path)
    world.pull()
    assert [(world.entity(commit_ref(sha)) or {})["position"] for sha in (first, second, third)] == [0, 1, 2]
    assert (world.message(first) or "").startswith("Title \\xe9")
    assert world.message(second) is None
    assert world.entity(ref("File", NAME, 'we"ird\n\tname; $(x).tf')) is not None
    assert len(world.entities("File")) == 2
    for assertion in world.assertions:
        repr(assertion).encode("utf-8")


def test_a_message_in_another_encoding_is_read_as_its_header_says(repo: RepoBuilder) -> None:
    repo.git("config", "i18n.commitEncoding", "ISO-8859-1")
    sha = repo.commit("Caf\u00e9".encode("latin-1"), {"a": "1"})
    world = World(repo.path)
    world.pull()
    assert world.message(sha) == "Caf\u00e9"


def test_paths_that_are_no_utf8_stay_apart(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a": "1"})
    for name in (b"caf\xe9.txt", b"caf\xe8.txt"):
        (repo.path / "x").write_bytes(b"x")
        Path(str(repo.path) + "/" + name.decode("utf-8", "surrogateescape")).write_bytes(b"x")
    repo.commit("Two", {})
    world = World(repo.path)
    world.pull()
    assert world.rows("File", "path") == {("a",), ("x",), ("caf\\xe9.txt",), ("caf\\xe8.txt",)}


def test_tags_name_commits_and_go_with_them(repo: RepoBuilder) -> None:
    first = repo.commit("Start", {"a": "1"})
    repo.git("tag", "v1")
    second = repo.commit("Go on", {"a": "2"})
    repo.git("tag", "-a", "-m", "Second", "v2")
    repo.branch("elsewhere")
    repo.commit("Elsewhere", {"a": "3"})
    repo.git("tag", "v3")
    repo.checkout("main")
    world = World(repo.path)
    world.pull()
    assert {(a.fact.src, a.fact.dst.id) for a in world.relations("TAGS") if isinstance(a.fact, Relation)} == {
        (ref("Tag", NAME, "v1"), first),
        (ref("Tag", NAME, "v2"), second),
    }
    repo.git("tag", "--delete", "v1")
    repo.git("tag", "--force", "v2", first)
    world.pull(NOW + 1)
    assert {(a.fact.src, a.fact.dst.id) for a in world.relations("TAGS") if isinstance(a.fact, Relation)} == {
        (ref("Tag", NAME, "v2"), first)
    }
    assert world.names("Tag", "name") == ["v2"]
    assert world.pull(NOW + 1) == []
