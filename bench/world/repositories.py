"""The git repositories of a world: code at each merge, merges and squashes, and the hashes that all other systems name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random

from bench.world.history import Story
from bench.world.model import Organisation, Pull
from bench.world.plan import CONFIG
from bench.world.terraform_code import terraform_files
from examples.formats.catalog import codeowners
from examples.formats.git_ids import mainline_ids
from examples.formats.github import ChangedFile
from examples.git_writer import GitWriter, Identity

GITHUB = Identity("GitHub", "noreply@github.com")


@dataclass(frozen=True, slots=True)
class Code:
    """What the repositories hold: the changed files of each pull request by its locator, and each repository's first commit."""

    files: Mapping[str, tuple[ChangedFile, ...]]
    first: Mapping[str, str]


def write_repositories(random: Random, story: Story, directory: Path) -> Code:
    """Write `directory`/<name> for each repository, and fill in the hashes of pull requests, deploys and runs."""
    organisation = story.world.organisation
    names = list(dict.fromkeys((organisation.infra_repository, organisation.service_repository)))
    changed: dict[str, tuple[ChangedFile, ...]] = {}
    first: dict[str, str] = {}
    for name in names:
        git = GitWriter()
        files = _first_files(story, name)
        founder = organisation.people[0]
        git.commit("Import", founder.identity, story.world.start - timedelta(days=30), files)
        merged: list[Pull] = []
        for pull, values in story.code:
            if pull.repository != name or pull.merged_at is None:
                continue
            files = _with(organisation, dict(git.files), pull, terraform_files(organisation, values), random)
            changed[pull.locator] = _changes(git.files, files)
            _commit(organisation, git, pull, files)
            merged.append(pull)
        path = directory / name.partition("/")[2]
        git.write(path, f"https://github.com/{name}.git")
        ids = mainline_ids(path)
        first[name] = ids[0].sha
        for pull, commit in zip(merged, ids[1:], strict=True):
            pull.merge_sha, pull.base_sha = commit.sha, commit.parents[0]
            if len(commit.parents) > 1:
                pull.head_sha = commit.parents[1]
        for pull in story.plan.pulls:
            if pull.repository == name and pull.merged_at is None:
                wanted = _unmerged_files(story, pull, dict(git.files), random)
                changed[pull.locator] = _changes(git.files, wanted)
    _fill_hashes(story, first)
    return Code(changed, first)


def _fill_hashes(story: Story, first: Mapping[str, str]) -> None:
    world = story.world
    by_run = {run.id: run for run in world.runs}
    shas: dict[int, str] = {}
    for deploy in sorted(world.deploys, key=lambda d: d.finished_at):
        run = by_run[deploy.run_id]
        if deploy.kind == "rollback":
            before = [d for d in world.deploys if d.service == deploy.service and d.environment == deploy.environment and d.version == deploy.version and d.kind == "deploy" and d.outcome == "success"]  # fmt: skip
            deploy.sha = before[0].sha if before else first[deploy.repository]
        else:
            pull = world.pull(run.repository, run.pull)
            hot = pull.hotfix and pull.merged_at is not None and deploy.started_at < pull.merged_at
            deploy.sha = pull.head_sha if hot else pull.merge_sha
        shas[run.id] = deploy.sha
    world.runs = [
        replace(run, sha=shas.get(run.id) or world.pull(run.repository, run.pull).merge_sha)
        for run in sorted(world.runs, key=lambda r: r.created_at)
    ]


def _commit(organisation: Organisation, git: GitWriter, pull: Pull, files: dict[str, str]) -> None:
    if pull.merged_at is None:
        return
    author = organisation.person(pull.author).identity
    body = f"\n\n{pull.body}" if pull.body else ""
    if pull.style == "squash":
        git.commit(f"{pull.title} (#{pull.number}){body}", author, pull.merged_at, files, committer=GITHUB)
        return
    merger = organisation.person(pull.merged_by).identity
    at = pull.created_at - timedelta(minutes=4)
    tip = git.commit(pull.title, author, at, files, branch=f"refs/heads/topic/{pull.number}", parent=git.tip)
    owner = pull.repository.split("/")[0]
    message = f"Merge pull request #{pull.number} from {owner}/{pull.branch}\n\n{pull.title}"
    git.commit(message, merger, pull.merged_at, files, committer=GITHUB, merge=tip)


def _first_files(story: Story, name: str) -> dict[str, str]:
    organisation = story.world.organisation
    files: dict[str, str] = {"README.md": f"# {name}\n"}
    if name == organisation.infra_repository:
        files |= terraform_files(organisation, story.first)
        files[".github/workflows/terraform.yml"] = _workflow(4, 3, 4)
        files["CODEOWNERS"] = codeowners(
            [
                ("*", (f"@{organisation.github}/platform",)),
                ("/terraform/modules/data/", (f"@{organisation.github}/platform",)),
            ]
        )
    if name == organisation.service_repository:
        for service in organisation.services:
            folder = f"services/{service.name}"
            files[f"{folder}/config.yaml"] = _config(story.plan.config[service.name])
            files[f"{folder}/VERSION"] = "1.0.0\n"
            files[f"{folder}/src/main.py"] = (
                f'"""{service.name}."""\n\n\ndef handle(request):\n    return {{"service": "{service.name}"}}\n'
            )
            files[f"{folder}/deploy.yaml"] = _manifest(organisation, service.name, service.port)
    return files


def _config(values: Mapping[str, str]) -> str:
    return "".join(f"{key}: {value}\n" for key, value in sorted(values.items()))


def _manifest(organisation: Organisation, service: str, port: int) -> str:
    return f"""apiVersion: apps/v1
kind: Deployment
metadata:
  name: {service}
  labels:
    app: {service}
    team: {organisation.service(service).team}
spec:
  replicas: 3
  selector:
    matchLabels:
      app: {service}
  template:
    metadata:
      labels:
        app: {service}
    spec:
      containers:
        - name: {service}
          image: registry.{organisation.domain}/{service}
          ports:
            - containerPort: {port}
"""


def _workflow(checkout: int, terraform: int, credentials: int) -> str:
    return f"""name: Terraform apply
on:
  push:
    branches: [main]
jobs:
  apply:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v{checkout}
      - uses: hashicorp/setup-terraform@v{terraform}
      - uses: aws-actions/configure-aws-credentials@v{credentials}
      - run: terraform apply -auto-approve
"""


def _with(
    organisation: Organisation, files: dict[str, str], pull: Pull, terraform: Mapping[str, str], random: Random
) -> dict[str, str]:
    """The files after a pull request."""
    if pull.kind == "infra":
        return files | dict(terraform)
    if pull.kind == "bump":
        path = ".github/workflows/terraform.yml"
        name, version = pull.title.split(" update ")[1].split(" action to v")
        lines = [
            f"{line.split('@')[0]}@v{version}" if name in line else line for line in files.get(path, _workflow(4, 3, 4)).splitlines()
        ]  # fmt: skip
        return {**files, path: "\n".join(lines) + "\n# keep the versions above current\n" * (path not in files)}
    if pull.kind == "docs":
        service = pull.thing.partition(":")[2]
        return {
            **files,
            f"docs/restart-{service}.md": f"# Restart {service}\n\n1. Look at the dashboard.\n2. Restart the pods one by one.\n",
        }
    folder = f"services/{pull.service}"
    out = dict(files)
    if pull.version:
        out[f"{folder}/VERSION"] = f"{pull.version}\n"
    if pull.things:
        key = pull.thing.partition(".")[2]
        assert key in CONFIG
        path = f"{folder}/config.yaml"
        out[path] = "".join(
            f"{key}: {pull.after}\n" if line.startswith(f"{key}:") else f"{line}\n" for line in files[path].splitlines()
        )
    else:
        word = pull.thing.partition(":")[2]
        out[f"{folder}/src/{word}.py"] = f'"""{word.title()} in {pull.service}."""\n\nLIMIT = {random.randint(2, 90)}\n'
    return out


def _unmerged_files(story: Story, pull: Pull, files: dict[str, str], random: Random) -> dict[str, str]:
    organisation = story.world.organisation
    values = story.code[-1][1] if story.code else story.first
    if pull.kind == "infra":
        values = {**values, pull.thing: dict(values[pull.thing]) | dict.fromkeys(pull.environments, pull.after)}
    return _with(organisation, files, pull, terraform_files(organisation, values), random)


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[ChangedFile, ...]:
    out: list[ChangedFile] = []
    for path in sorted(after):
        if before.get(path) == after[path]:
            continue
        old, new = before.get(path, "").splitlines(), after[path].splitlines()
        diff = list(difflib.unified_diff(old, new, lineterm="", n=2))[2:]
        added, removed = sum(d.startswith("+") for d in diff), sum(d.startswith("-") for d in diff)
        out.append(ChangedFile(path, "modified" if path in before else "added", added, removed, "\n".join(diff)))
    return tuple(out)
