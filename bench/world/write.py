"""Write a world: every system's files, `lore.yaml` that names them, and `truth.json`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import yaml

from bench.world.history import Story
from bench.world.incidents import Troubles
from bench.world.infrastructure import Names, queues, rule_knob
from bench.world.model import PROD, DeployTruth, Organisation, Pull, RunTruth
from bench.world.repositories import Code
from bench.world.talk import Talk
from examples.formats import alerts, aws_config, catalog, deployments, documents, github, kubernetes
from examples.formats.certificates import write_certificates
from examples.formats.cloudtrail import write_cloudtrail
from examples.formats.output import number_id, stamp, write_text
from examples.formats.slack import write_slack
from examples.formats.terraform_state import write_state_history


def write_files(directory: Path, story: Story, talk: Talk, troubles: Troubles, code: Code) -> None:
    """Everything but the git repositories."""
    world, organisation = story.world, story.world.organisation
    github.write_github(directory / "github", _github(story, code))
    people = [*(p.slack_user for p in organisation.people), *(b.slack_user for b in organisation.bots if b.slack_name)]
    write_slack(directory / "slack", organisation.slack_team, people, talk.channels, talk.messages)
    write_cloudtrail(directory / "cloudtrail", story.events)
    for environment, versions in story.states.items():
        write_state_history(directory / "states" / environment, f"{environment}.{organisation.domain}", versions[-8:])
    rows = [_deployment(organisation, d, world.runs) for d in world.deploys if d.via == "deployments"]
    deployments.write_deployments(directory / "deployments" / "deployments.jsonl", rows)
    for environment in organisation.environments:
        items = _inventory(story, environment)
        aws_config.write_config(directory / "aws" / environment, items, world.end)
    _kubernetes(directory, story)
    _alerts(directory, organisation, troubles)
    _catalog(directory, organisation)
    _documents(directory, organisation, troubles)
    write_certificates(directory / "certificates", world.certificates)
    write_text(directory / "lore.yaml", lore_yaml(organisation))
    write_text(directory / "truth.json", json.dumps(_plain(world), indent=1, ensure_ascii=False) + "\n")


def lore_yaml(organisation: Organisation) -> str:
    """The configuration that names all sources of a world."""
    repositories = dict.fromkeys((organisation.infra_repository, organisation.service_repository))
    workspaces = organisation.layout == "workspaces"
    places = {env: "terraform" if workspaces else f"terraform/environments/{env}" for env in organisation.environments}
    sources: list[Mapping[str, Mapping[str, object]]] = []
    sources += [{"git": {"path": f"repos/{name.partition('/')[2]}", "name": name}} for name in repositories]
    sources.append({
        "terraform_state": {
            "location": "states", "name": f"{organisation.name}-states", "environments": {env: env for env in organisation.environments},
            "repository": organisation.infra_repository, "directories": places,
            "modules": {"module.edge": "terraform/modules/edge", "module.data": "terraform/modules/data"},
        }
    })  # fmt: skip
    services: dict[str, str] = {f"Deploy {s.name}": s.name for s in organisation.services}
    sources.append(
        {
            "github": {
                "path": "github",
                "name": organisation.github,
                "services": services,
                "applies": ["Terraform apply", "terraform"],
            }
        }
    )
    sources.append({"slack": {"path": "slack", "workspace": organisation.slack_workspace}})
    sources.append({"cloudtrail": {"path": "cloudtrail", "name": organisation.name}})
    sources += [
        {"aws": {"path": f"aws/{env}", "account_id": account, "environment": env}}
        for env, account in organisation.accounts.items()
    ]
    sources.append(
        {"kubernetes": {"path": "kubernetes/prod", "cluster": f"{organisation.name}-prod", "environment": PROD}}
    )
    sources.append({"deployments": {"path": "deployments", "name": organisation.name, "actor_system": "github"}})
    sources.append({"alerts": {"path": "alerts", "name": organisation.name, "group_incidents": False}})
    sources.append({"catalog": {"path": "catalog", "name": f"{organisation.name}-catalog"}})
    sources.append({"documents": {"path": "docs", "name": f"{organisation.name}-docs"}})
    sources.append({"secrets": {"path": "certificates", "name": f"{organisation.name}-certificates"}})
    return yaml.safe_dump(
        {"store": "sqlite:lore.db", "embedder": "none", "sources": sources}, sort_keys=False, allow_unicode=True
    )


def run_url(run: RunTruth) -> str:
    """A run's page."""
    return f"https://github.com/{run.repository}/actions/runs/{run.id}"


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in cast("dict[object, object]", value).items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in cast("list[object]", value)]
    return value


# GitHub


def _github(story: Story, code: Code) -> list[github.GitHubRepository]:
    world, organisation = story.world, story.world.organisation
    out: list[github.GitHubRepository] = []
    for name in code.first:
        owner, _, short = name.partition("/")
        out.append(
            github.GitHubRepository(
                owner, short,
                pulls=tuple(_pull(organisation, p, code) for p in sorted(world.pulls, key=lambda p: -p.number) if p.repository == name),
                deployments=tuple(_github_deployment(organisation, d, world.runs) for d in sorted(world.deploys, key=lambda d: d.started_at, reverse=True) if d.via == "github" and d.repository == name),
                runs=tuple(_run(organisation, r, i) for i, r in reversed(list(enumerate((r for r in world.runs if r.repository == name), 41)))),
                releases=_releases(story, name),
            )
        )  # fmt: skip
    return out


def _pull(organisation: Organisation, pull: Pull, code: Code) -> github.PullRequest:
    author = organisation.person(pull.author)
    reviews = tuple(
        github.Review(
            number_id("review", pull.locator, i, digits=10),
            organisation.person(r.by).github_user,
            r.state,
            r.at,
            r.body,
            pull.head_sha,
        )
        for i, r in enumerate(pull.reviews)
    )
    message = pull.title if pull.style == "merge" else f"{pull.title}\n\nwip"
    at = pull.created_at - timedelta(minutes=4)
    commit = github.PullRequestCommit(
        pull.head_sha, message, author.identity.name, author.identity.email, at, author.github_user
    )
    waiting = not reviews and pull.merged_at is None
    return github.PullRequest(
        number=pull.number, title=pull.title, body=pull.body, author=author.github_user, branch=pull.branch, created_at=pull.created_at,
        head_sha=pull.head_sha, base_sha=pull.base_sha, merged_at=pull.merged_at,
        merged_by=organisation.person(pull.merged_by).github_user if pull.merged_by else None, merge_sha=pull.merge_sha, closed_at=pull.closed_at,
        reviews=reviews, files=code.files.get(pull.locator, ()), commits=(commit,),
        labels=("dependencies",) if pull.kind == "bump" else (pull.kind,),
        requested_reviewers=(organisation.people[0].github_user,) if waiting else (),
    )  # fmt: skip


def _run(organisation: Organisation, run: RunTruth, number: int) -> github.WorkflowRun:
    end = run.finished_at
    steps = ["Set up job", "actions/checkout", *(("Configure AWS credentials", "Terraform init", "Terraform plan", "Terraform apply") if run.name == "Terraform apply" else ("Build image", "Push image", "Wait for rollout", "Smoke test"))]  # fmt: skip
    rows: list[github.Step] = []
    failed = False
    for i, step in enumerate(steps):
        at = run.created_at + (end - run.created_at) * i / len(steps)
        then = run.created_at + (end - run.created_at) * (i + 1) / len(steps)
        conclusion = "skipped" if failed else "failure" if step == run.failed_step else "success"
        failed = failed or conclusion == "failure"
        rows.append(github.Step(step, conclusion, at, then))
    job = github.Job(number_id("job", run.id, digits=11), f"{'apply' if run.name == 'Terraform apply' else 'deploy'} ({run.environment})", run.conclusion, run.created_at + timedelta(seconds=5), end - timedelta(seconds=2), tuple(rows))  # fmt: skip
    path = ".github/workflows/terraform.yml" if run.name == "Terraform apply" else ".github/workflows/deploy.yml"
    actor = organisation.person(run.actor or "bot:actions")
    return github.WorkflowRun(
        id=run.id, number=number, name=run.name, path=path, event="push" if run.environment != PROD else "workflow_dispatch", branch="main", sha=run.sha,
        actor=actor.github_user, title=f"{run.name} to {run.environment}", created_at=run.created_at, updated_at=end, conclusion=run.conclusion, jobs=(job,),
    )  # fmt: skip


def _run_of(deploy: DeployTruth, runs: list[RunTruth]) -> RunTruth:
    return next(r for r in runs if r.id == deploy.run_id)


def _github_deployment(
    organisation: Organisation, deploy: DeployTruth, runs: list[RunTruth]
) -> github.GitHubDeployment:
    who = organisation.person(deploy.actor or "bot:actions").github_user
    url = run_url(_run_of(deploy, runs))
    moments = (
        ("queued", deploy.started_at),
        ("in_progress", deploy.started_at + timedelta(seconds=5)),
        (deploy.outcome, deploy.finished_at),
    )
    statuses = tuple(
        github.DeploymentStatus(number_id("status", deploy.id, state, digits=10), state, at, who, "", url)
        for state, at in moments
    )
    return github.GitHubDeployment(
        int(deploy.id), deploy.sha, "main", deploy.environment, who, deploy.started_at, task="terraform", description=f"Terraform apply to {deploy.environment}", payload={"workspace": deploy.environment}, statuses=statuses
    )  # fmt: skip


def _releases(story: Story, repository: str) -> tuple[github.Release, ...]:
    organisation = story.world.organisation
    if repository != organisation.service_repository:
        return ()
    service = organisation.services[0].name
    rows: list[github.Release] = []
    for pull in story.world.pulls:
        if pull.service == service and pull.merged_at is not None:
            tag = f"{service}-v{pull.version}"
            at = pull.merged_at + timedelta(minutes=2)
            rows.append(github.Release(number_id("release", tag, digits=9), tag, tag, pull.merge_sha, organisation.person("bot:actions").github_user, at, at, f"* {pull.title} (#{pull.number})"))  # fmt: skip
    return tuple(reversed(rows))


# deploys


def _deployment(organisation: Organisation, deploy: DeployTruth, runs: list[RunTruth]) -> deployments.Deployment:
    apply = deploy.kind == "apply"
    return deployments.Deployment(
        id=deploy.id, environment=deploy.environment, started_at=deploy.started_at, finished_at=deploy.finished_at, service=deploy.service,
        workspace=deploy.environment if apply else "", version=deploy.version, commit=deploy.sha, repository=deploy.repository,
        actor=organisation.person(deploy.actor or "bot:actions").github, outcome="succeeded" if deploy.outcome == "success" else "failed",
        action=deploy.kind, previous_version=deploy.previous_version, tool="terraform" if apply else "github-actions", run_url=run_url(_run_of(deploy, runs)),
        title=f"Terraform apply to {deploy.environment}" if apply else f"{deploy.service} {deploy.version} to {deploy.environment}",
    )  # fmt: skip


def _kubernetes(directory: Path, story: Story) -> None:
    world, organisation = story.world, story.world.organisation
    cluster, began = f"{organisation.name}-prod", world.start - timedelta(days=200)
    workloads: list[kubernetes.Workload] = []
    for service in organisation.services:
        image = f"registry.{organisation.domain}/{service.name}"
        rollouts = [kubernetes.Rollout(1, f"{image}:1.0.0", began)]
        done = [
            d for d in world.deploys if d.service == service.name and d.environment == PROD and d.outcome == "success"
        ]
        for deploy in sorted(done, key=lambda d: d.finished_at):
            at = deploy.started_at + timedelta(seconds=40)
            rollouts = [
                r for r in rollouts if r.image != f"{image}:{deploy.version}"
            ]  # a rollback takes the old ReplicaSet again
            rollouts.append(
                kubernetes.Rollout(
                    len(rollouts) + 1 if not rollouts else max(r.revision for r in rollouts) + 1,
                    f"{image}:{deploy.version}",
                    at,
                )
            )
        workloads.append(
            kubernetes.Workload(service.name, PROD, 3, service.port, began, tuple(rollouts), {"team": service.team, "app.kubernetes.io/name": service.name})
        )  # fmt: skip
    events: list[kubernetes.KubernetesEvent] = []
    for deploy in world.deploys:
        if deploy.service and deploy.environment == PROD and deploy.outcome == "success":
            at = deploy.started_at + timedelta(seconds=41)
            events.append(
                kubernetes.KubernetesEvent(PROD, "Deployment", deploy.service, "ScalingReplicaSet", f"Scaled up replica set {deploy.service} to 3", at, component="deployment-controller")
            )  # fmt: skip
    kubernetes.write_kubernetes(
        directory / "kubernetes" / "prod", cluster, workloads, sorted(events, key=lambda e: e.at)[-15:]
    )


# inventory


def _inventory(story: Story, environment: str) -> list[aws_config.ConfigurationItem]:
    world, organisation = story.world, story.world.organisation
    names, db = Names(organisation, environment), organisation.database
    account, region = organisation.accounts[environment], organisation.region
    tags = {"environment": environment, "managed-by": "terraform"}

    def value(key: str) -> str:
        return story.real[key][environment]

    def item(
        arn: str, kind: str, identifier: str, name: str, configuration: dict[str, object]
    ) -> aws_config.ConfigurationItem:
        return aws_config.ConfigurationItem(
            arn, kind, identifier, name, account, region, world.end - timedelta(hours=2), world.start - timedelta(days=300), configuration, tags=tags
        )  # fmt: skip

    group, edge = names.group(db).rpartition("/")[2], names.group("edge").rpartition("/")[2]
    items = [
        item(names.lb, "AWS::ElasticLoadBalancingV2::LoadBalancer", names.lb, f"{organisation.name}-{environment}", {"loadBalancerArn": names.lb, "loadBalancerName": f"{organisation.name}-{environment}", "scheme": "internet-facing", "type": "application", "securityGroups": [edge], "state": {"code": "active"}}),
        item(names.listener, "AWS::ElasticLoadBalancingV2::Listener", names.listener, "", {"ListenerArn": names.listener, "LoadBalancerArn": names.lb, "Port": 443, "Protocol": "HTTPS", "SslPolicy": value("ssl_policy")}),
        item(names.group("edge"), "AWS::EC2::SecurityGroup", edge, f"{organisation.name}-edge-{environment}", {"groupId": edge, "groupName": f"{organisation.name}-edge-{environment}", "ipPermissions": [{"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "ipv4Ranges": [{"cidrIp": value("edge_cidr")}]}]}),
        item(names.group(db), "AWS::EC2::SecurityGroup", group, f"{organisation.name}-{db}-{environment}", {"groupId": group, "groupName": f"{organisation.name}-{db}-{environment}", "ipPermissions": [{"ipProtocol": "tcp", "fromPort": 5432, "toPort": 5432, "ipv4Ranges": [{"cidrIp": cidr} for cidr in (value("db_cidr"), "10.96.0.0/16")[: 2 if environment == PROD else 1]]}]}),
        item(names.database, "AWS::RDS::DBInstance", f"db-{db}", f"{db}-{environment}", {"dBInstanceIdentifier": f"{db}-{environment}", "dBInstanceArn": names.database, "dBInstanceClass": value("db_class"), "engine": "postgres", "engineVersion": value("db_version"), "backupRetentionPeriod": int(value("backup_days"))}),
    ]  # fmt: skip
    for queue in queues(organisation):
        url = f"https://sqs.{region}.amazonaws.com/{account}/{queue}-{environment}"
        items.append(item(names.queue(queue), "AWS::SQS::Queue", url, f"{queue}-{environment}", {"QueueName": f"{queue}-{environment}", "QueueUrl": url, "Arn": names.queue(queue)}))  # fmt: skip
    bucket = names.bucket.rpartition(":")[2]
    items.append(item(names.bucket, "AWS::S3::Bucket", bucket, bucket, {"name": bucket}))
    for service in organisation.services:
        path, priority = rule_knob(story.real, service.name, environment)
        rule = names.rule(service.name)
        items.append(item(rule, "AWS::ElasticLoadBalancingV2::ListenerRule", rule, "", {"RuleArn": rule, "Priority": priority, "Conditions": [{"Field": "path-pattern", "Values": [path]}]}))  # fmt: skip
    return items


# alerts, catalog, documents


def _alerts(directory: Path, organisation: Organisation, troubles: Troubles) -> None:
    by_system: dict[str, list[alerts.Alert]] = {}
    for system, alert in (*((t.system, t.alert) for t in troubles.incidents), *troubles.others):
        by_system.setdefault(system, []).append(alert)
    for system, rows in sorted(by_system.items()):
        write = alerts.write_grafana if system == "grafana" else alerts.write_alertmanager
        write(directory / "alerts" / system / "webhooks.jsonl", "on-call", rows)
    incidents: list[alerts.PagerDutyIncident] = []
    for t in (trouble.truth for trouble in troubles.incidents):
        assignee, resolver = organisation.person(t.assignee), organisation.person(t.resolved_by)
        on_call = alerts.PagerDutyUser(assignee.pagerduty_id, assignee.pagerduty)
        incidents.append(
            alerts.PagerDutyIncident(
                t.id, t.number, t.title, "P" + service_id(organisation, t.service), t.service, t.created_at, on_call, t.acknowledged_at, on_call,
                t.resolved_at, alerts.PagerDutyUser(resolver.pagerduty_id, resolver.pagerduty),
            )
        )  # fmt: skip
    alerts.write_pagerduty(directory / "alerts" / "pagerduty" / "events.jsonl", organisation.name, incidents)


def service_id(organisation: Organisation, service: str) -> str:
    """A service's id at PagerDuty, without its first letter."""
    return str(number_id("pagerduty", organisation.name, service, digits=6))


def _catalog(directory: Path, organisation: Organisation) -> None:
    components = [
        catalog.Component(
            name=s.name, owner=s.team, description=f"The {s.name} service", tier=s.tier, system="shop", repository=s.repository,
            slack_channel=f"#{s.channel}", on_call=organisation.person(s.on_call).email, pagerduty_service="P" + service_id(organisation, s.name),
        )
        for s in organisation.services
    ]  # fmt: skip
    groups = [
        catalog.Group(t.name, t.display_name, tuple(organisation.person(m).catalog for m in t.members))
        for t in organisation.teams
    ]
    users = [
        catalog.CatalogUser(p.catalog, p.name, p.email, (p.team,), p.github, p.slack_id) for p in organisation.people
    ]
    write_text(directory / "catalog" / "catalog-info.yaml", catalog.catalog_info(components))
    write_text(directory / "catalog" / "org.yaml", catalog.organisation(groups, users))
    write_text(directory / "catalog" / "services.csv", catalog.services_csv(components))


def _documents(directory: Path, organisation: Organisation, troubles: Troubles) -> None:
    for trouble in troubles.incidents:
        if trouble.postmortem:
            write_text(directory / "docs" / trouble.truth.postmortem, documents.postmortem_markdown(trouble.postmortem))
    for service in organisation.services[:3]:
        runbook = documents.Runbook(
            f"{service.name.title()} returns errors", service.name, f"The alert HighErrorRate fires for {service.name}.",
            ("Look at the last deploys.", f"Look at the listener rule of {service.name}.", "Roll back when a deploy fits the time."),
        )  # fmt: skip
        write_text(directory / "docs" / "runbooks" / f"{service.name}.md", documents.runbook_markdown(runbook))
