"""The pipeline's applies: what each merged pull request did to each environment, call by call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from examples.arns import Arns
from examples.company import ACCOUNT_IDS, REPOSITORY, SERVICES
from examples.formats import aws_calls
from examples.formats.aws_calls import ApiCall
from examples.formats.cloudtrail import Principal
from examples.formats.output import hex_id, number_id
from examples.history import Merged
from examples.terraform_code import Knobs

PIPELINE_ROLE = "terraform-apply"
REFUSED = 34
"""The pull request whose first apply to prod failed: the major upgrade of the database had to be allowed."""


@dataclass(frozen=True, slots=True)
class Apply:
    """One `terraform apply` of the pipeline. `calls` change something; an apply without any found nothing to do."""

    pull: Merged
    environment: str
    run_id: int
    started_at: datetime
    finished_at: datetime
    calls: tuple[ApiCall, ...]
    after: Knobs
    succeeded: bool = True

    @property
    def id(self) -> str:
        """The deployment's id."""
        return f"apply-{hex_id('apply', self.pull.number, self.environment, self.run_id, digits=8)}"

    @property
    def written_at(self) -> datetime:
        """When the new state was written."""
        return self.finished_at - timedelta(seconds=5)

    @property
    def principal(self) -> Principal:
        """The pipeline's session in the environment's account: its name holds the run's id."""
        subject = f"repo:{REPOSITORY}:environment:{self.environment}"
        return Principal("oidc", ACCOUNT_IDS[self.environment], PIPELINE_ROLE, f"gha-{self.run_id}", subject)


def make_applies(pulls: list[Merged]) -> list[Apply]:
    """In order: staging first, then prod, a few minutes after the merge. Only pull requests that touch Terraform are applied."""
    out: list[Apply] = []
    for pull in pulls:
        if not any(path.startswith("terraform/") for path in pull.files):
            continue
        run = number_id("run", "apply", pull.number, digits=11)
        at = pull.merged_at
        for environment, begin, end in (("staging", 70, 235), ("prod", 300, 540)):
            calls = tuple(changes(environment, pull.before, pull.after))
            start, finish = at + timedelta(seconds=begin), at + timedelta(seconds=end)
            apply = Apply(pull, environment, run, start, finish, calls, pull.after)
            if pull.number == REFUSED and environment == "prod":
                out.append(replace(apply, succeeded=False))
                later = timedelta(minutes=46)
                apply = replace(
                    apply,
                    run_id=number_id("run", "apply again", pull.number, digits=11),
                    started_at=start + later,
                    finished_at=finish + later + timedelta(minutes=7),
                )
            out.append(apply)
    return out


def changes(environment: str, before: Knobs, after: Knobs) -> list[ApiCall]:
    """The calls with which Terraform turns `before` into `after`."""
    arns = Arns(environment)
    return [*_edge(arns, before, after), *_security(arns, before, after), *_data(arns, before, after)]


def _edge(arns: Arns, before: Knobs, after: Knobs) -> list[ApiCall]:
    out: list[ApiCall] = []
    if before.ssl_policy != after.ssl_policy:
        out.append(aws_calls.modify_listener(arns.listener, after.ssl_policy))
    for s in SERVICES:
        paths, priority = after.rule_paths[s.name], after.rule_priorities[s.name]
        if before.rule_priorities[s.name] != priority:
            out.append(aws_calls.set_rule_priority(arns.rule(s.name), priority))
        if before.rule_paths[s.name] != paths:
            out.append(aws_calls.modify_rule(arns.rule(s.name), paths, arns.target_group(s.name), priority))
    if before.deregistration_s != after.deregistration_s:
        out += [_drain(arns.target_group(s.name), after.deregistration_s) for s in SERVICES]
    return out


def _drain(group: str, seconds: int) -> ApiCall:
    attributes = [{"key": "deregistration_delay.timeout_seconds", "value": str(seconds)}]
    return ApiCall(
        "elasticloadbalancing.amazonaws.com",
        "ModifyTargetGroupAttributes",
        {"targetGroupArn": group, "attributes": attributes},
        {"attributes": attributes},
        group,
    )


def _security(arns: Arns, before: Knobs, after: Knobs) -> list[ApiCall]:
    out: list[ApiCall] = []
    if before.ssh_cidr and before.ssh_cidr != after.ssh_cidr:
        out.append(aws_calls.revoke_ingress(arns.edge_group, before.ssh_cidr, 22))
    out += [aws_calls.revoke_ingress(arns.edge_group, c, 443) for c in before.edge_cidrs if c not in after.edge_cidrs]
    out += [
        aws_calls.authorize_ingress(arns.edge_group, c, 443) for c in after.edge_cidrs if c not in before.edge_cidrs
    ]
    return out


def _data(arns: Arns, before: Knobs, after: Knobs) -> list[ApiCall]:
    out: list[ApiCall] = []
    turns: tuple[tuple[str, object, object], ...] = (
        ("backupRetentionPeriod", before.backup_days, after.backup_days),
        ("dBInstanceClass", before.db_class[arns.environment], after.db_class[arns.environment]),
        ("deletionProtection", before.db_deletion_protection, after.db_deletion_protection),
        ("engineVersion", before.db_version, after.db_version),
        ("allocatedStorage", before.db_storage_gb, after.db_storage_gb),
    )
    turned = {name: wants for name, had, wants in turns if had != wants}
    if turned:
        out.append(aws_calls.modify_database(arns.database, **turned))
    if before.versioned_bucket != after.versioned_bucket:
        out.append(aws_calls.put_versioning(arns.bucket, "Enabled" if after.versioned_bucket else "Suspended"))
    if before.cache_nodes != after.cache_nodes:
        out.append(aws_calls.modify_cache(arns.cache, after.cache_nodes))
    if before.queue_visibility_s != after.queue_visibility_s:
        out.append(aws_calls.set_queue_attribute(arns.queue, "VisibilityTimeout", str(after.queue_visibility_s)))
    if before.alarm_threshold != after.alarm_threshold:
        out.append(aws_calls.put_alarm(arns.alarm, after.alarm_threshold, "ApproximateNumberOfMessagesVisible"))
    return out
