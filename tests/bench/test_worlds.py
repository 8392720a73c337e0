"""The generated organisations: the same each time, consistent across their systems, in the layouts that sources read."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from bench.world.model import PROD, World
from bench.worlds import write_world

SEEDS = (3, 7, 12)


@pytest.fixture(scope="module", params=SEEDS)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    seed: int = request.param
    directory = tmp_path_factory.mktemp("world") / str(seed)
    return write_world(seed, directory), directory


def _digest(directory: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        if path.is_file() and ".git" not in path.parts:
            digest.update(str(path.relative_to(directory)).encode() + path.read_bytes())
    return digest.hexdigest()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_gives_others(tmp_path: Path) -> None:
    write_world(5, tmp_path / "a")
    write_world(5, tmp_path / "b")
    write_world(6, tmp_path / "c")
    assert _digest(tmp_path / "a") == _digest(tmp_path / "b") != _digest(tmp_path / "c")
    heads = [
        subprocess.run(
            ["git", "-C", str(tmp_path / d / "repos/infra"), "rev-parse", "main"], capture_output=True, check=True
        ).stdout
        for d in ("a", "b")
    ]
    assert heads[0] == heads[1]


def test_a_world_has_the_promised_size(written: tuple[World, Path]) -> None:
    world, directory = written
    organisation = world.organisation
    assert 6 <= len(organisation.people) <= 20
    assert 4 <= len(organisation.services) <= 15
    assert 20 <= len(world.pulls) <= 60
    records = sum(
        len(json.loads(gzip.decompress(p.read_bytes()))["Records"])
        for p in (directory / "cloudtrail").rglob("*.json.gz")
    )
    assert 80 <= records <= 300
    first_names = [p.name.split()[0] for p in organisation.people]
    assert len(set(first_names)) == len(first_names) - 1
    assert {i.cause_kind for i in world.incidents} >= {"manual"}


def test_every_hash_that_a_system_names_is_a_commit_of_its_repository(written: tuple[World, Path]) -> None:
    world, directory = written
    known: dict[str, set[str]] = {}
    for repository in {world.organisation.infra_repository, world.organisation.service_repository}:
        path = directory / "repos" / repository.partition("/")[2]
        out = subprocess.run(
            ["git", "-C", str(path), "rev-list", "--all"], capture_output=True, check=True, text=True
        ).stdout
        known[repository] = set(out.split())
    for pull in world.pulls:
        if pull.merged_at:
            assert pull.merge_sha in known[pull.repository]
    for deploy in world.deploys:
        assert deploy.sha in known[deploy.repository]
    for run in world.runs:
        assert run.sha in known[run.repository]


def test_times_are_consistent_across_systems(written: tuple[World, Path]) -> None:
    world, _ = written
    for pull in world.pulls:
        moments = [pull.created_at, *(r.at for r in pull.reviews)]
        assert moments == sorted(moments)
        assert pull.merged_at is None or pull.merged_at > moments[-1]
        for environment, identifier in pull.reached.items():
            deploy = world.deploy(identifier)
            assert pull.merged_at is not None
            # a hotfix is the one thing that reaches prod before it is merged
            early = deploy.finished_at < pull.merged_at
            assert early == (pull.hotfix and environment == PROD)
    for event in world.audit:
        if event.run_id:
            run = next(r for r in world.runs if r.id == event.run_id)
            assert run.created_at <= event.at <= run.finished_at
            assert run.environment == event.environment
        assert bool(event.run_id) != event.manual
    for incident in world.incidents:
        assert incident.created_at < incident.acknowledged_at < incident.resolved_at


def test_a_version_runs_from_its_deploy_to_the_next_one(written: tuple[World, Path]) -> None:
    world, _ = written
    for service in world.organisation.services:
        for environment in world.organisation.environments:
            running = "1.0.0"
            for deploy in sorted(world.deploys, key=lambda d: d.started_at):
                if (deploy.service, deploy.environment) == (service.name, environment):
                    assert deploy.previous_version == running
                    running = deploy.version if deploy.outcome == "success" else running


def test_the_state_in_the_end_is_what_the_last_apply_set(written: tuple[World, Path]) -> None:
    world, directory = written
    pulls = [p for p in world.pulls if p.thing == "idle_timeout" and PROD in p.reached]
    state = json.loads((directory / "states/prod/terraform.tfstate").read_text())
    edge = next(r for r in state["resources"] if r["type"] == "aws_lb")
    expected = max(pulls, key=lambda p: world.deploy(p.reached[PROD]).finished_at).after if pulls else "60"
    assert edge["instances"][0]["attributes"]["idle_timeout"] == int(expected)


def test_threads_and_pull_requests_link_to_what_is_there(written: tuple[World, Path]) -> None:
    world, directory = written
    messages: dict[str, str] = {}
    channels = {
        c["name"]: c["id"]
        for name in ("channels", "groups")
        for c in json.loads((directory / f"slack/{name}.json").read_text())
    }
    for path in (directory / "slack").glob("*/*.json"):
        for message in json.loads(path.read_text()):
            messages[f"{channels.get(path.parent.name, path.parent.name)}/p{message['ts'].replace('.', '')}"] = message[
                "text"
            ]
    for pull in world.pulls:
        if pull.link == "permalink_in_body":
            link = re.search(r"/archives/(\S+)", pull.body)
            assert link
            assert link[1] in messages
        if pull.link == "url_in_thread":
            assert any(f"github.com/{pull.repository}/pull/{pull.number}" in text for text in messages.values())
        if pull.thread:
            thread = world.thread(pull.thread)
            assert any(
                pull.reason.lower() in messages[f"{thread.channel}/p{ts.replace('.', '')}"].lower()
                for ts in thread.stamps
            )
            assert pull.reason.lower() not in pull.body.lower()


def test_what_is_said_in_private_stands_in_no_public_place(written: tuple[World, Path]) -> None:
    world, directory = written
    for thread in world.threads:
        if thread.private:
            for path in directory.rglob("*"):
                private = "leads-private" in path.parts or path.name == "truth.json" or ".git" in path.parts
                if path.is_file() and not private and path.suffix in (".json", ".md", ".jsonl", ".yaml"):
                    assert thread.reason not in path.read_text(encoding="utf-8")


def test_the_configuration_names_what_was_written(written: tuple[World, Path]) -> None:
    _, directory = written
    config = yaml.safe_load((directory / "lore.yaml").read_text())
    for entry in config["sources"]:
        for settings in entry.values():
            assert (directory / (settings.get("path") or settings["location"])).exists()
