"""What changed in a file is told in its own words: the lines that went and came, the section they stand in, and no secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.model import Properties, Relation
from ingest.redact import redact_batch
from ingest.sources.git.changed_lines import MAX_COMMIT_CHARS, MAX_FILE_CHARS
from tests.ingest.git.repo_builder import RepoBuilder
from tests.ingest.git.world import World

CANARY = "canary-Zx9" + "Qw7Lk2Vb"


@pytest.fixture
def repo(tmp_path: Path) -> RepoBuilder:
    return RepoBuilder(tmp_path / "infra")


def changes(world: World, sha: str) -> dict[str, Properties]:
    """Path to the properties of the file's change by this commit."""
    return {
        str(fact.properties["path"]): fact.properties
        for assertion in world.assertions
        if isinstance(fact := assertion.fact, Relation)
        and fact.type == "CHANGED"
        and fact.src == f"Commit:{sha}"
        and fact.dst.kind == "File"
    }


def told(repo: RepoBuilder) -> str:
    """What the changes of files say, as a store would hold it."""
    world = World(repo.path)
    world.pull()
    facts = (
        assertion.fact for batch in world.batches for assertion in redact_batch(batch, b"0123456789abcdef").assertions
    )
    return "\n".join(repr(fact) for fact in facts if isinstance(fact, Relation) and fact.dst.kind == "File")


def test_a_change_says_which_lines_went_and_came_and_where(repo: RepoBuilder) -> None:
    settings = "<?php\n$settings = [\n'wgLogo' => [\n\t'default' => 'a.png',\n\t'dewiki' => 'b.png',\n],\n];\n"
    repo.commit(
        "Start", {"settings.php": settings, "hosts.yaml": "- name: web1\n  port: 80\n- name: web2\n  port: 80\n"}
    )
    sha = repo.commit(
        "Logo",
        {
            "settings.php": settings.replace("b.png", "c.png"),
            "hosts.yaml": "- name: web1\n  port: 80\n- name: web2\n  port: 81\n",
        },
    )
    world = World(repo.path)
    world.pull()
    php, yaml = changes(world, sha)["settings.php"], changes(world, sha)["hosts.yaml"]
    assert (php["removed"], php["added"]) == ("'dewiki' => 'b.png',", "'dewiki' => 'c.png',")
    assert php["sections"] == "'wgLogo' => ["
    assert (yaml["removed"], yaml["added"], yaml["sections"]) == ("port: 80", "port: 81", "- name: web2")


def test_the_first_commit_a_deletion_and_odd_names_are_told_too(repo: RepoBuilder) -> None:
    odd = 'dir/na me\t"ü".conf'
    first = repo.commit("Start", {odd: "one\n", "b": "-- two\n++ three\n"})
    last = repo.commit("Gone", {odd: None, "b": "-- two\n"})
    world = World(repo.path)
    world.pull()
    assert changes(world, first)[odd]["added"] == "one"
    assert changes(world, first)["b"]["added"] == "-- two\n++ three"
    assert changes(world, last)[odd]["removed"] == "one"
    assert "added" not in changes(world, last)[odd]
    assert changes(world, last)["b"]["removed"] == "++ three"


def test_inside_a_merge_the_commit_that_made_the_change_is_told_the_lines(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a.conf": "one\n"})
    repo.branch("side")
    inner = repo.commit("Inner", {"a.conf": "two\n"})
    repo.checkout("main")
    repo.commit("Other", {"b.conf": "x\n"})
    repo.merge("side", "Merge side")
    world = World(repo.path)
    world.pull()
    assert changes(world, inner)["a.conf"]["added"] == "two"


def test_long_changes_are_cut_at_whole_lines_and_a_commit_has_its_own_limit(repo: RepoBuilder) -> None:
    line = "key = some value of a setting\n"
    files: dict[str, str | bytes | None] = {f"f{number:02}.conf": line * 1_000 for number in range(20)}
    sha = repo.commit("Much", files)
    world = World(repo.path)
    world.pull()
    texts = [str(properties.get("added", "")) for properties in changes(world, sha).values()]
    assert len(texts) == 20
    assert 0 < len(texts[0]) <= MAX_FILE_CHARS
    assert set(texts[0].split("\n")) == {line.strip()}
    assert sum(map(len, texts)) <= MAX_COMMIT_CHARS
    assert texts[-1] == ""


def test_what_nobody_wrote_by_hand_is_not_told(repo: RepoBuilder) -> None:
    files: dict[str, str | bytes | None] = {
        "package-lock.json": "{}\n",
        "vendor/x.go": "package x\n",
        "app.min.js": "a\n",
        "logo.png": b"\x89PNG\0\0",
        "terraform.tfstate": "{}\n",
        "one-line.json": "x" * 5_000 + "\n",
        "deploy/secrets.yaml": "a: b\n",
    }
    sha = repo.commit("Generated", files)
    world = World(repo.path)
    world.pull()
    assert set(changes(world, sha)) == set(files)
    assert not [p for p, properties in changes(world, sha).items() if "added" in properties]


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("main.tf", "", f'password = "{CANARY}"\n'),
        ("main.tf", "", f'variable "api_token" {{\n  default = "{CANARY}"\n}}\n'),
        (
            "main.tf",
            'variable "api_token" {\n  default = "x"\n}\n',
            f'variable "api_token" {{\n  default = "{CANARY}"\n}}\n',
        ),
        ("values.yaml", "", f"password: >\n  {CANARY}\nreplicas: 2\n"),
        ("env.yaml", "", f"env:\n- name: DB_PASSWORD\n  value: {CANARY}\n"),
        ("env.yaml", "- name: DB_PASSWORD\n  value: x\n", f"- name: DB_PASSWORD\n  value: {CANARY}\n"),
        ("manifest.yaml", "", f"kind: Secret\nstringData:\n  plain: {CANARY}\n"),
        ("manifest.yaml", "stringData:\n  plain: x\n", f"stringData:\n  plain: {CANARY}\n"),
        ("settings.php", "", f"'wgSecretKey' => [\n\t'default' => '{CANARY}',\n],\n"),
        (".env", "", f"FOO={CANARY}\n"),
        ("settings.yaml", "", f"here:\n  auth_token: {CANARY}\n  note: 'authorization: bearer x'\n"),
    ],
)
def test_a_secret_that_only_its_surroundings_give_away_is_not_told(
    repo: RepoBuilder, path: str, before: str, after: str
) -> None:
    repo.commit("Start", {path: before, "other": "x\n"} if before else {"other": "x\n"})
    repo.commit("Change", {path: after})
    assert CANARY not in told(repo)


def test_what_stands_beside_a_secret_is_still_told(repo: RepoBuilder) -> None:
    sha = repo.commit("Start", {"values.yaml": f"password: >\n  {CANARY}\nreplicas: 2\n"})
    world = World(repo.path)
    world.pull()
    assert changes(world, sha)["values.yaml"]["added"] == "password: >\nreplicas: 2"


def test_a_content_that_git_cannot_read_costs_its_commit_a_note_and_no_other_anything(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a.conf": "one\n", "b.conf": "one\n"})
    damaged = repo.commit("Damaged", {"a.conf": "two\n", "b.conf": "two b\n"})
    blob = repo.git("rev-parse", f"{damaged}:b.conf")
    repo.commit("Between", {"b.conf": "three\n"})
    last = repo.commit("Last", {"a.conf": "three\n"})
    (repo.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    world = World(repo.path)
    world.pull()
    assert changes(world, last)["a.conf"]["added"] == "three"
    assert set(changes(world, damaged)) == {"a.conf", "b.conf"}
    assert any("changed lines were not all read" in q.reason and damaged in q.locator for q in world.quarantined)


def test_a_repository_cannot_choose_the_program_that_shows_its_changes(repo: RepoBuilder, tmp_path: Path) -> None:
    flag = tmp_path / "ran"
    repo.git("config", "diff.evil.command", f"touch {flag}")
    repo.git("config", "diff.evil.textconv", f"touch {flag}; cat")
    sha = repo.commit("Start", {".gitattributes": "* diff=evil\n", "a.conf": "one\n"})
    world = World(repo.path)
    world.pull()
    assert changes(world, sha)["a.conf"]["added"] == "one"
    assert not flag.exists()
