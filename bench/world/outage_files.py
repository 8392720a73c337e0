"""Write a world of outages: every system's files that this world has, `lore.yaml` that names them, `outages.json` with the labels."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import yaml

from bench.world.outage_infra import MODULES, Cloud
from bench.world.outage_labels import STATE_DAYS, kept_versions, label_of
from bench.world.outage_model import ENVIRONMENTS, Change, Deploy, Outage
from bench.world.outage_run import GITHUB, Ran, cloud_names
from examples.formats import alerts, deployments, documents, github, kubernetes
from examples.formats.certificates import certificate_pem, write_certificates
from examples.formats.cloudtrail import write_cloudtrail
from examples.formats.output import hex_id, letters, number_id, stamp, uuid_of, write_json, write_text
from examples.formats.slack import SlackChannel, SlackMessage, write_slack
from examples.formats.terraform_state import write_state_history
from examples.git_writer import GitWriter

OPTIONAL = ("cloudtrail", "slack", "deployments", "states", "catalog", "kubernetes", "secrets", "alerts", "github")
_WEIGHTS = (4, 4, 3, 3, 3, 2, 1, 2, 2)
NAMED = {"states": "terraform_state"}
"""Part of a world -> name of its source, where they differ."""


def missing_parts(random: Random) -> frozenset[str]:
    """What this organisation does not have, or does not show: nothing in four of ten worlds."""
    count = random.choices((0, 1, 2, 3), (42, 34, 18, 6))[0]
    found: set[str] = set()
    while len(found) < count:
        found |= set(random.choices(OPTIONAL, _WEIGHTS))
    return frozenset(found)


def write_all(random: Random, directory: Path, ran: Ran, missing: frozenset[str]) -> list[dict[str, object]]:
    """Write everything but the two code repositories. Returns the labels."""
    tale, organisation = ran.tale, ran.topology.organisation
    if "github" not in missing:
        github.write_github(directory / "github", _github(ran))
    if "slack" not in missing:
        _slack(directory / "slack", ran)
    if "cloudtrail" not in missing:
        write_cloudtrail(directory / "cloudtrail", ran.events)
    if "states" not in missing:
        for environment, versions in ran.states.items():
            kept = kept_versions(versions, tale.start, STATE_DAYS[environment])
            write_state_history(directory / "states" / environment, f"{environment}.{organisation.domain}", kept)
    if "deployments" not in missing:
        rows = [_deployment(ran, d) for d in ran.deploys]
        deployments.write_deployments(directory / "deployments" / "deployments.jsonl", rows)
    if "kubernetes" not in missing:
        _kubernetes(directory / "kubernetes", ran)
    if "secrets" not in missing:
        write_certificates(directory / "secrets", tale.certificates)
        _tls_secrets(directory / "secrets" / "tls.json", ran)
    if "alerts" not in missing:
        _alerts(random, directory / "alerts", ran)
    if "catalog" not in missing:
        _catalog(directory / "catalog", ran)
    _handbook(directory / "handbook", ran)
    _quotas(directory / "quotas.json", ran)
    write_text(directory / "lore.yaml", _lore_yaml(ran, missing))
    labels = [label_of(ran, outage, missing) for outage in tale.outages]
    write_text(directory / "outages.json", json.dumps(labels, indent=1, ensure_ascii=False) + "\n")
    return labels


# GitHub and deployments


def _github(ran: Ran) -> list[github.GitHubRepository]:
    out: list[github.GitHubRepository] = []
    for name in ran.first:
        owner, _, short = name.partition("/")
        pulls = [
            _pull(ran, c) for c in sorted(ran.tale.changes.values(), key=lambda c: -c.number) if c.repository == name
        ]
        out.append(github.GitHubRepository(owner, short, pulls=tuple(pulls)))
    return out


def _pull(ran: Ran, change: Change) -> github.PullRequest:
    organisation = ran.topology.organisation
    author, reviewer = organisation.person(change.author), organisation.person(change.reviewer)
    reviewed = change.created_at + (change.merged_at - change.created_at) * 0.8
    review = github.Review(number_id("review", change.key, change.merge_sha, digits=10), reviewer.github_user, "APPROVED", reviewed.replace(microsecond=0), "", change.head_sha)  # fmt: skip
    at = change.created_at - timedelta(minutes=3)
    commit = github.PullRequestCommit(change.head_sha, change.title if change.style == "merge" else f"{change.title}\n\nwip", author.identity.name, author.identity.email, at, author.github_user)  # fmt: skip
    return github.PullRequest(
        number=change.number, title=change.title, body=change.body, author=author.github_user, branch=f"topic-{change.number}", created_at=change.created_at,
        head_sha=change.head_sha, base_sha=change.base_sha, merged_at=change.merged_at, merged_by=reviewer.github_user, merge_sha=change.merge_sha,
        closed_at=change.merged_at, reviews=(review,), files=ran.files[change.key], commits=(commit,),
    )  # fmt: skip


def _deployment(ran: Ran, deploy: Deploy) -> deployments.Deployment:
    change = ran.tale.changes[deploy.change]
    apply = deploy.kind == "apply"
    what = (
        f"Terraform apply to {deploy.environment}"
        if apply
        else f"{deploy.service} {deploy.version} to {deploy.environment}"
    )
    return deployments.Deployment(
        id=deploy.id, environment=deploy.environment, started_at=deploy.started_at, finished_at=deploy.finished_at, service=deploy.service,
        workspace=deploy.environment if apply else "", version=deploy.version, commit=deploy.sha, repository=change.repository,
        actor=ran.topology.organisation.person(change.author).github, action=deploy.kind, previous_version=deploy.previous_version,
        tool="terraform" if apply else "github-actions", run_url=f"https://github.com/{change.repository}/actions/runs/{deploy.run_id}", title=what,
    )  # fmt: skip


# Kubernetes, credentials, quotas


def cluster_name(ran: Ran) -> str:
    """The cluster's name."""
    return f"{ran.topology.organisation.name}-prod"


def _kubernetes(directory: Path, ran: Ran) -> None:
    tale, organisation = ran.tale, ran.topology.organisation
    began = tale.start - timedelta(days=200)
    workloads: list[kubernetes.Workload] = []
    for service in organisation.services:
        image = f"registry.{organisation.domain}/{service.name}"
        rollouts = [kubernetes.Rollout(1, f"{image}:2.0.0", began)]
        for deploy in ran.deploys:
            if deploy.service == service.name and deploy.environment == "prod":
                wanted = f"{image}:{deploy.version}"
                # a rollback takes the old ReplicaSet again
                rollouts = [r for r in rollouts if r.image != wanted]
                number = max((r.revision for r in rollouts), default=0) + 1
                at = deploy.finished_at - timedelta(seconds=1)
                rollouts.append(kubernetes.Rollout(number, wanted, at))
        labels = {"team": service.team, "app.kubernetes.io/name": service.name}
        workloads.append(kubernetes.Workload(service.name, "prod", 4, 8080, began, tuple(rollouts), labels))
    events = [
        kubernetes.KubernetesEvent("prod", "Pod", f"{e.service}-{hex_id(e.service, e.at, digits=9)}-{hex_id(e.at, e.reason, digits=5)}", e.reason, e.message, e.at, "Warning", e.component)
        for e in sorted(tale.events, key=lambda e: (e.at, e.service, e.reason))
    ]  # fmt: skip
    kubernetes.write_kubernetes(directory, cluster_name(ran), workloads, events)


def _tls_secrets(path: Path, ran: Ran) -> None:
    items: list[dict[str, object]] = []
    for secret in ran.tale.secrets:
        encoded = base64.b64encode(certificate_pem(secret.certificate).encode()).decode()
        items.append({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {"name": secret.name, "namespace": "prod", "uid": uuid_of("secret", secret.name, secret.certificate.not_before), "creationTimestamp": stamp(secret.certificate.not_before)},
            "data": {"tls.crt": encoded},
        })  # fmt: skip
    if items:
        write_json(path, {"apiVersion": "v1", "kind": "List", "items": items})


def _quotas(path: Path, ran: Ran) -> None:
    """What `aws service-quotas list-service-quotas` prints, by service."""
    organisation = ran.topology.organisation
    account, region = organisation.accounts["prod"], organisation.region
    rows = {
        "lambda": (("L-B99A9384", "Concurrent executions", 1000.0),),
        "vpc": (
            ("L-DF5E4CA3", "Network interfaces per Region", 5000.0),
            ("L-0EA8095F", "Inbound or outbound rules per security group", 60.0),
        ),
        "ec2": (("L-0263D0A3", "EC2-VPC Elastic IPs", 5.0),),
        "rds": (("L-7B6409FD", "DB instances", 40.0),),
    }
    told = {
        service: {"Quotas": [{"ServiceCode": service, "QuotaArn": f"arn:aws:servicequotas:{region}:{account}:{service}/{code}", "QuotaCode": code, "QuotaName": name, "Value": value, "Unit": "None", "Adjustable": True, "GlobalQuota": False} for code, name, value in quotas]}
        for service, quotas in rows.items()
    }  # fmt: skip
    write_json(path, {"account_id": account, "region": region, "answers": told})


# alerts and talk


def _alerts(random: Random, directory: Path, ran: Ran) -> None:
    tale, organisation = ran.tale, ran.topology.organisation
    system = random.choice(("alertmanager", "alertmanager", "grafana"))
    rows: list[alerts.Alert] = []
    for signal in sorted(tale.signals, key=lambda s: (s.starts_at, s.name, s.service)):
        labels = {"environment": "prod", "severity": signal.severity, **signal.labels}
        if signal.service:
            labels |= {"service": signal.service, "team": organisation.service(signal.service).team}
        rows.append(alerts.Alert(signal.name, labels, signal.starts_at, signal.ends_at, {"summary": signal.summary}))
    write = alerts.write_grafana if system == "grafana" else alerts.write_alertmanager
    write(directory / system / "webhooks.jsonl", "on-call", rows)
    if random.random() < 0.6:
        incidents: list[alerts.PagerDutyIncident] = []
        number = random.randint(20, 400)
        for outage in tale.outages:
            number += random.randint(1, 4)
            on_call = organisation.person(organisation.service(outage.service).on_call)
            user = alerts.PagerDutyUser(on_call.pagerduty_id, on_call.pagerduty)
            created = outage.detected_at - timedelta(seconds=1)
            resolved = outage.recovered_at or created + timedelta(hours=1)
            incidents.append(alerts.PagerDutyIncident(
                "Q" + letters("outage", organisation.name, outage.id, number, length=13), number, outage.symptom, "P" + letters("service", outage.service, length=6),
                outage.service, created, user, created + timedelta(minutes=3), user, resolved, user,
            ))  # fmt: skip
        alerts.write_pagerduty(directory / "pagerduty" / "events.jsonl", organisation.name, incidents)


def _slack(directory: Path, ran: Ran) -> None:
    tale, organisation = ran.tale, ran.topology.organisation
    people = [p.slack_user for p in organisation.people]
    members = tuple(p.slack_id for p in organisation.people)
    names = ["incidents", *(f"team-{t.name}" for t in organisation.teams)]
    began = tale.start - timedelta(days=300)
    channels = {
        n: SlackChannel(
            "C0" + letters("channel", organisation.name, n, length=9), n, "public", members, began, members[0]
        )
        for n in names
    }
    messages = [
        SlackMessage(channels[s.channel].id, organisation.person(s.person).slack_id, s.at, ran.fill(s.text))
        for s in tale.said
    ]
    for change in tale.changes.values():
        if int(hex_id("talk", change.key, change.merge_sha, digits=4), 16) % 10 < 3:
            link = f"https://github.com/{change.repository}/pull/{change.number}"
            team = organisation.person(change.author).team
            at = change.created_at + timedelta(minutes=2)
            messages.append(
                SlackMessage(
                    channels[f"team-{team}"].id,
                    organisation.person(change.author).slack_id,
                    at,
                    f"{change.title}: {link} please",
                )
            )
    seen: set[tuple[str, datetime]] = set()
    unique: list[SlackMessage] = []
    for message in sorted(messages, key=lambda m: (m.at, m.text)):
        at = message.at
        while (message.channel, at) in seen:
            at += timedelta(microseconds=1000)
        seen.add((message.channel, at))
        unique.append(dataclasses.replace(message, at=at))
    write_slack(directory, organisation.slack_team, people, list(channels.values()), unique)


# catalog and handbook, as repositories: there entries hold since they were committed


def _catalog(directory: Path, ran: Ran) -> None:
    topology = ran.topology
    organisation = topology.organisation
    cloud = Cloud(organisation, "prod")
    documents_: list[dict[str, object]] = []
    public, nodes = topology.of_role("lb")[0], topology.of_role("asg")[0]
    for service in organisation.services:
        depends = [f"component:default/{n}" for n in topology.calls[service.name]]
        depends += [f"resource:default/{n}" for n in (*topology.needs[service.name], public.label, nodes.label)]
        annotations = {"github.com/project-slug": service.repository, "slack.com/channel": f"#{service.channel}"}
        described = {
            "name": service.name,
            "description": f"The {service.name} service",
            "labels": {"tier": service.tier},
        }
        spec: dict[str, object] = {
            "type": "service",
            "lifecycle": "production",
            "owner": f"group:default/{service.team}",
        }
        documents_.append(
            _entity("Component", {**described, "annotations": annotations}, {**spec, "dependsOn": depends})
        )
    known = {label for labels in topology.needs.values() for label in labels} | {public.label, nodes.label}
    for thing in (t for t in topology.things if t.label in known):
        metadata = {"name": thing.label, "annotations": {"aws.amazon.com/arn": cloud.arn(thing)}}
        documents_.append(_entity("Resource", metadata, {"type": thing.type, "owner": "group:default/platform"}))
    for team in organisation.teams:
        members = [organisation.person(m).catalog for m in team.members]
        spec = {"type": "team", "profile": {"displayName": team.display_name}, "children": [], "members": members}
        documents_.append(_entity("Group", {"name": team.name}, spec))
    text = yaml.safe_dump_all(documents_, sort_keys=False, explicit_start=True, allow_unicode=True)
    git = GitWriter()
    git.commit(
        "Catalog", organisation.people[0].identity, ran.tale.start - timedelta(days=35), {"catalog-info.yaml": text}
    )
    git.write(directory, f"https://github.com/{organisation.github}/catalog.git")


def _entity(kind: str, metadata: Mapping[str, object], spec: Mapping[str, object]) -> dict[str, object]:
    return {"apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": dict(metadata), "spec": dict(spec)}


def _handbook(directory: Path, ran: Ran) -> None:
    tale, organisation = ran.tale, ran.topology.organisation
    git = GitWriter()
    files = {"README.md": "# Handbook\n"}
    for service in organisation.services[:4]:
        runbook = documents.Runbook(f"{service.name} answers slowly or with errors", service.name, f"An alert of {service.name} fires.", ("Look at the dashboard.", "Look at what it depends on.", "Roll back what fits in time."))  # fmt: skip
        files[f"runbooks/{service.name}.md"] = documents.runbook_markdown(runbook)
    git.commit("Handbook", organisation.people[0].identity, tale.start - timedelta(days=34), files)
    for outage in tale.outages:
        if not outage.postmortem:
            continue
        recovered = outage.recovered_at or outage.detected_at
        written = recovered + timedelta(
            hours=20 + int(hex_id("postmortem", organisation.name, outage.id, digits=3), 16) % 40
        )
        postmortem = _postmortem(ran, outage, recovered)
        files = {
            **files,
            f"postmortems/{documents.postmortem_name(postmortem)}": documents.postmortem_markdown(postmortem),
        }
        author = organisation.person(organisation.service(outage.service).on_call)
        git.commit(f"Post-mortem of {outage.detected_at:%Y-%m-%d}", author.identity, written, files, committer=GITHUB)
    git.write(directory, f"https://github.com/{organisation.github}/handbook.git")


def _postmortem(ran: Ran, outage: Outage, recovered: datetime) -> documents.Postmortem:
    organisation = ran.topology.organisation
    on_call = organisation.person(organisation.service(outage.service).on_call).name
    form = ("It came with {{{{number:{key}}}}}.", "Pull request: {{{{pr:{key}}}}}")[
        int(hex_id(outage.symptom, digits=2), 16) % 2
    ]
    link = f" {ran.fill(form.format(key=outage.change))}" if outage.change else ""
    if outage.hand:
        hand = ran.tale.hands[outage.hand]
        arn = cloud_names(ran, hand.address)[0]
        link = f" It was changed by hand at {hand.at:%H:%M}: {arn}."
    return documents.Postmortem(
        title=f"{outage.service}: {outage.symptom}", incident=outage.id, severity="SEV-2", started_at=outage.detected_at.replace(second=0), resolved_at=recovered.replace(second=0),
        authors=(on_call,), service=outage.service, summary=f"{outage.symptom}.", impact=f"Users of {outage.service} were affected.",
        root_cause=f"{outage.cause_text[:1].upper()}{outage.cause_text[1:]}.{link}", resolution=f"Mitigated at {recovered:%H:%M}: {outage.fix_text}.",
        actions=("Alert earlier",),
    )  # fmt: skip


# configuration


def _lore_yaml(ran: Ran, missing: frozenset[str]) -> str:
    organisation = ran.topology.organisation
    name = organisation.name
    sources: list[dict[str, dict[str, object]]] = [
        {"git": {"path": f"repos/{r.partition('/')[2]}", "name": r}} for r in ran.first
    ]
    optional: dict[str, dict[str, object]] = {
        "states": {"location": "states", "name": f"{name}-states", "environments": {e: e for e in ENVIRONMENTS}, "repository": organisation.infra_repository, "directories": {e: f"terraform/environments/{e}" for e in ENVIRONMENTS}, "modules": {f"module.{m}": f"terraform/modules/{m}" for m in MODULES}},
        "github": {"path": "github", "name": organisation.github},
        "slack": {"path": "slack", "workspace": organisation.slack_workspace},
        "cloudtrail": {"path": "cloudtrail", "name": name},
        "kubernetes": {"path": "kubernetes", "cluster": cluster_name(ran), "environment": "prod"},
        "deployments": {"path": "deployments", "name": name, "actor_system": "github"},
        "alerts": {"path": "alerts", "name": name, "group_incidents": False},
        "catalog": {"path": "catalog", "name": f"{organisation.github}/catalog"},
        "secrets": {"path": "secrets", "name": f"{name}-secrets", "cluster": cluster_name(ran)},
    }  # fmt: skip
    sources += [{NAMED.get(part, part): settings} for part, settings in optional.items() if part not in missing]
    sources.append({"documents": {"path": "handbook", "name": f"{organisation.github}/handbook"}})
    return yaml.safe_dump({"store": "sqlite:lore.db", "embedder": "none", "sources": sources}, sort_keys=False, allow_unicode=True)  # fmt: skip
