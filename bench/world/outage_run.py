"""What the systems make of the story: commits, deployments with what each carried, applies with their API calls, states."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from bench.world.outage_causes import config_text, manifest_text, source_files
from bench.world.outage_infra import (
    Cloud,
    Values,
    api_calls,
    copy_values,
    first_values,
    state_resources,
    terraform_files,
)
from bench.world.outage_model import ENVIRONMENTS, Change, Deploy, Hand, Topology, Turn, Write
from bench.world.outage_tale import Tale
from examples.formats.aws_calls import ApiCall, describe
from examples.formats.cloudtrail import CLI, CONSOLE, TERRAFORM, AuditEvent, Principal, oidc_login
from examples.formats.git_ids import mainline_ids
from examples.formats.github import ChangedFile
from examples.formats.output import hex_id, number_id, uuid_of
from examples.formats.terraform_state import StateVersion
from examples.git_writer import GitWriter, Identity

GITHUB = Identity("GitHub", "noreply@github.com")


@dataclass(slots=True)
class Ran:
    """What the writers need beside the story."""

    tale: Tale
    deploys: list[Deploy] = field(default_factory=list[Deploy])
    events: list[AuditEvent] = field(default_factory=list[AuditEvent])
    states: dict[str, list[StateVersion]] = field(default_factory=dict[str, list[StateVersion]])
    files: dict[str, tuple[ChangedFile, ...]] = field(default_factory=dict[str, tuple[ChangedFile, ...]])
    first: dict[str, str] = field(default_factory=dict[str, str])
    previous: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def topology(self) -> Topology:
        """The organisation and its things."""
        return self.tale.topology

    def locator(self, key: str) -> str:
        """owner/name#number of a change."""
        change = self.tale.changes[key]
        return f"{change.repository}#{change.number}"

    def fill(self, text: str) -> str:
        """The text with its placeholders as links and numbers."""
        if "{{" not in text:
            return text
        for key, repository, number in ((k, c.repository, c.number) for k, c in self.tale.changes.items()):
            text = text.replace(f"{{{{pr:{key}}}}}", f"https://github.com/{repository}/pull/{number}")
            text = text.replace(f"{{{{number:{key}}}}}", f"{repository}#{number}")
        return text


def run(random: Random, tale: Tale, directory: Path) -> Ran:
    """Write the repositories below `directory` and work out all that follows from the story."""
    ran = Ran(tale)
    _number(random, tale)
    for change in tale.changes.values():
        change.body = ran.fill(change.body)
    code = _commit_all(ran, directory)
    _ship(random, ran)
    _apply_all(random, ran, code)
    return ran


def _number(random: Random, tale: Tale) -> None:
    counters: dict[str, int] = {}
    minors: dict[str, int] = {}
    for change in sorted(tale.changes.values(), key=lambda c: (c.created_at, c.key)):
        counters.setdefault(change.repository, random.randint(40, 900))
        counters[change.repository] += random.randint(1, 3)
        change.number = counters[change.repository]
    for change in _merged(tale):
        if change.service:
            minors[change.service] = minors.get(change.service, 0) + 1
            change.version = f"2.{minors[change.service]}.0"


def _merged(tale: Tale) -> list[Change]:
    return sorted(tale.changes.values(), key=lambda c: (c.merged_at, c.key))


# git


def _commit_all(ran: Ran, directory: Path) -> dict[str, Values]:
    """Write both repositories. Returns the values that the code sets after each infrastructure change, by its key."""
    tale, organisation = ran.tale, ran.topology.organisation
    values, code = first_values(ran.topology), dict[str, Values]()
    extra: dict[str, str] = {}
    for name in (organisation.infra_repository, organisation.service_repository):
        git = GitWriter()
        infra = name == organisation.infra_repository
        files = _infra_files(ran.topology, values, extra) if infra else _service_files(ran.topology)
        founder = organisation.people[0]
        git.commit("Import", founder.identity, tale.start - timedelta(days=40), files)
        merged = [c for c in _merged(tale) if c.repository == name]
        for change in merged:
            before = dict(git.files)
            if infra:
                values = _turned(values, change)
                for edit in change.edits:
                    if isinstance(edit, Write):
                        extra[edit.path] = extra.get(edit.path, "") + edit.new
                code[change.key] = values
                after = _infra_files(ran.topology, values, extra)
            else:
                after = _written(before, change)
            ran.files[change.key] = _changed(before, after)
            _commit(ran.topology, git, change, after)
        path = directory / name.partition("/")[2]
        git.write(path, f"https://github.com/{name}.git")
        ids = mainline_ids(path)
        ran.first[name] = ids[0].sha
        mainline = [(tale.start - timedelta(days=40), ids[0].sha)]
        for change, commit in zip(merged, ids[1:], strict=True):
            mainline.append((change.merged_at, commit.sha))
            change.merge_sha = commit.sha
            change.head_sha = commit.parents[1] if len(commit.parents) > 1 else hex_id("head", commit.sha, digits=40)
        for change in merged:  # what it was branched from: nothing that came later
            change.base_sha = [sha for at, sha in mainline if at <= change.created_at][-1]
    return code


def _infra_files(topology: Topology, values: Values, extra: Mapping[str, str]) -> dict[str, str]:
    files = {"README.md": "# Infrastructure\n", **terraform_files(topology, values)}
    return {path: extra.get(path, "") + text for path, text in files.items()}


def _service_files(topology: Topology) -> dict[str, str]:
    files = {"README.md": "# Services\n"}
    sources = source_files()
    for service in topology.organisation.services:
        folder = f"services/{service.name}"
        called, needed = topology.calls[service.name], topology.needs[service.name]
        files[f"{folder}/config.yaml"] = config_text(
            service.name, called, needed, topology.vendors.get(service.name, "")
        )
        files[f"{folder}/VERSION"] = "2.0.0\n"
        files[f"{folder}/deploy.yaml"] = manifest_text(service.name, f"registry.{topology.organisation.domain}")
        files |= {f"{folder}/{path}": text for path, text in sources.items()}
    return files


def _turned(values: Values, change: Change) -> Values:
    values = copy_values(values)
    for edit in change.edits:
        if isinstance(edit, Turn):
            for environment in edit.environments:
                values[edit.address, edit.attribute][environment] = edit.after
    return values


def _written(files: dict[str, str], change: Change) -> dict[str, str]:
    out = dict(files)
    for edit in change.edits:
        if not isinstance(edit, Write):
            continue
        text = out.get(edit.path, "")
        if not edit.old or edit.path not in out:
            out[edit.path] = text + edit.new
        elif edit.old in text:
            out[edit.path] = text.replace(edit.old, edit.new, 1)
        else:
            raise ValueError(f"{edit.path} does not hold what {change.key} replaces")
    out[f"services/{change.service}/VERSION"] = f"{change.version}\n"
    return out


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[ChangedFile, ...]:
    out: list[ChangedFile] = []
    for path in sorted(after):
        if before.get(path) == after[path]:
            continue
        diff = list(
            difflib.unified_diff(before.get(path, "").splitlines(), after[path].splitlines(), lineterm="", n=2)
        )[2:]
        added, removed = sum(d.startswith("+") for d in diff), sum(d.startswith("-") for d in diff)
        out.append(ChangedFile(path, "modified" if path in before else "added", added, removed, "\n".join(diff)))
    return tuple(out)


def _commit(topology: Topology, git: GitWriter, change: Change, files: dict[str, str]) -> None:
    author = topology.organisation.person(change.author).identity
    body = f"\n\n{change.body}" if change.body else ""
    if change.style == "squash":
        git.commit(f"{change.title} (#{change.number}){body}", author, change.merged_at, files, committer=GITHUB)
        return
    at = change.created_at - timedelta(minutes=3)
    tip = git.commit(
        f"{change.title}{body}", author, at, files, branch=f"refs/heads/topic/{change.number}", parent=git.tip
    )
    owner = change.repository.partition("/")[0]
    message = f"Merge pull request #{change.number} from {owner}/topic-{change.number}\n\n{change.title}"
    merger = topology.organisation.person(change.reviewer).identity
    git.commit(message, merger, change.merged_at, files, committer=GITHUB, merge=tip)


# deployments


def _ship(random: Random, ran: Ran) -> None:
    """Deploys and applies with what each was the first to carry. One that would bring nothing new does not happen."""
    tale = ran.tale
    streams: dict[tuple[str, str], list[tuple[datetime, str, str]]] = {}
    for change in tale.changes.values():
        for environment, at in change.reach.items():
            streams.setdefault((change.service, environment), []).append((at, "deploy", change.key))
    for key, at in tale.rollbacks:
        change = tale.changes[key]
        streams.setdefault((change.service, "prod"), []).append((at, "rollback", key))
    for (service, environment), steps in sorted(streams.items()):
        _stream(random, ran, service, environment, sorted(steps))
    ran.deploys.sort(key=lambda d: (d.finished_at, d.id))


def _stream(random: Random, ran: Ran, service: str, environment: str, steps: list[tuple[datetime, str, str]]) -> None:
    tale = ran.tale
    own = [c for c in _merged(tale) if c.service == service]
    shipped: set[str] = set()
    head: Change | None = None
    before: Change | None = None
    running = "2.0.0"
    for at, kind, key in steps:
        change = tale.changes[key]
        if kind == "rollback":
            if head is None or head.key != key:
                continue  # something newer is there already
            target = before
        elif key in shipped:
            continue
        else:
            target = change
        finish = at
        start = finish - timedelta(seconds=random.randint(70, 280))
        start = max(start, change.merged_at + timedelta(seconds=1)) if start <= change.merged_at < finish - timedelta(seconds=2) else min(start, finish - timedelta(seconds=1))  # fmt: skip
        version = target.version if target else "2.0.0"
        deploy = Deploy(
            f"d-{hex_id(kind, environment, key, finish, digits=10)}", kind if service else "apply", service, environment, key, start, finish,
            tale.topology.organisation.person(change.author).key, target.merge_sha if target else ran.first[change.repository],
            version if service else "", running if service else "", number_id("run", kind, environment, key, digits=11),
        )  # fmt: skip
        if kind != "rollback":
            deploy.carried = [c.key for c in own if c.merged_at <= change.merged_at and c.key not in shipped]
            for carried in deploy.carried:
                tale.changes[carried].reached[environment] = (deploy.id, finish)
            shipped |= set(deploy.carried)
            before, head = head, change
        else:
            head = before
        running = version
        ran.deploys.append(deploy)


# applies and edits by hand


def _apply_all(random: Random, ran: Ran, code: Mapping[str, Values]) -> None:
    tale, topology = ran.tale, ran.topology
    names_run = random.random() < 0.7
    for environment in ENVIRONMENTS:
        real, coded = first_values(topology), first_values(topology)
        versions = [StateVersion(1, tale.start - timedelta(days=30), state_resources(topology, environment, coded))]
        steps: list[tuple[datetime, Deploy | Hand]] = [(d.finished_at, d) for d in ran.deploys if not d.service and d.environment == environment]  # fmt: skip
        steps += [(h.at, h) for h in tale.hands.values() if h.environment == environment]
        for _, step in sorted(steps, key=lambda s: s[0]):
            if isinstance(step, Hand):
                _by_hand(random, ran, step, real)
                continue
            coded = code[step.change]
            principal = _pipeline(ran, step, names_run)
            ip = f"20.{random.randint(40, 90)}.{random.randint(1, 250)}.{random.randint(1, 250)}"
            region = topology.organisation.region
            ran.events.append(oidc_login(principal, step.started_at, region, ip))
            for (address, attribute), by_env in coded.items():
                had, wanted = real[address, attribute][environment], by_env[environment]
                if had == wanted:
                    continue
                for call in api_calls(topology, environment, topology.thing(address), attribute, had, wanted):
                    span = (step.finished_at - step.started_at).total_seconds()
                    at = step.started_at + timedelta(seconds=int(span * 0.8))
                    event = _record(ran, call, at, environment, principal, TERRAFORM, ip)
                    step.events.append(event.id)
                real[address, attribute][environment] = wanted
            resources = state_resources(topology, environment, coded)
            if resources != versions[-1].resources:
                versions.append(StateVersion(versions[-1].serial + 1, step.finished_at, resources))
                step.serial = versions[-1].serial
        ran.states[environment] = versions
    _reads(random, ran)


def _by_hand(random: Random, ran: Ran, hand: Hand, real: Values) -> None:
    topology = ran.topology
    thing, person = topology.thing(hand.address), topology.organisation.person(hand.person)
    had = real[hand.address, hand.attribute][hand.environment]
    calls = api_calls(topology, hand.environment, thing, hand.attribute, had, hand.after)
    account = topology.organisation.accounts[hand.environment]
    console = random.random() < 0.6
    if console or random.random() < 0.4:
        principal = Principal("sso", account, "AdministratorAccess", person.sso)
    else:
        principal = Principal("iam_user", account, person.iam_user)
    agent = CONSOLE if console else CLI.format(command="configure")
    ip = f"198.51.100.{random.randint(2, 250)}"
    for call in calls[:1]:
        hand.event_id = _record(ran, call, hand.at, hand.environment, principal, agent, ip).id
    real[hand.address, hand.attribute][hand.environment] = hand.after


def _pipeline(ran: Ran, deploy: Deploy, names_run: bool) -> Principal:
    organisation = ran.topology.organisation
    session = f"gha-{deploy.run_id}" if names_run else "GitHubActions"
    subject = f"repo:{organisation.infra_repository}:environment:{deploy.environment}"
    return Principal("oidc", organisation.accounts[deploy.environment], "infra-apply", session, subject)


def _record(ran: Ran, call: ApiCall, at: datetime, environment: str, principal: Principal, agent: str, ip: str) -> AuditEvent:  # fmt: skip
    organisation = ran.topology.organisation
    event = AuditEvent(
        id=uuid_of("outage event", organisation.name, environment, call.name, at, len(ran.events)), at=at, principal=principal, source=call.source,
        name=call.name, region="us-east-1" if ".iam." in f".{call.source}" or call.source.startswith(("iam.", "route53.")) else organisation.region,
        request=call.request, response=call.response, user_agent=agent, source_ip=ip,
    )  # fmt: skip
    ran.events.append(event)
    return event


def _reads(random: Random, ran: Ran) -> None:
    tale, organisation = ran.tale, ran.topology.organisation
    span = (tale.end - tale.start).total_seconds()
    calls = (("ec2.amazonaws.com", "DescribeInstances"), ("rds.amazonaws.com", "DescribeDBInstances"), ("logs.amazonaws.com", "FilterLogEvents"))  # fmt: skip
    for _ in range(random.randint(8, 20)):
        person = random.choice(organisation.people)
        source, name = random.choice(calls)
        at = (tale.start + timedelta(seconds=random.uniform(0, span))).replace(microsecond=0)
        principal = Principal("sso", organisation.accounts["prod"], "ReadOnlyAccess", person.sso)
        event = _record(ran, describe(source, name), at, "prod", principal, CONSOLE, "198.51.100.77")
        ran.events[-1] = replace(event, read_only=True)


def cloud_names(ran: Ran, address: str) -> tuple[str, ...]:
    """ARN and id of a thing in prod."""
    cloud, thing = Cloud(ran.topology.organisation, "prod"), ran.topology.thing(address)
    return (cloud.arn(thing), cloud.id(thing))
