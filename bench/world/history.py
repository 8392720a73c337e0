"""What happens: merges, pipelines, deploys, applies, edits by hand, incidents. Fills a `World` and the audit log's events."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from bench.world.infrastructure import Knob, Values, calls, first_values, state_resources
from bench.world.model import (
    PROD,
    STAGING,
    AuditTruth,
    DeployTruth,
    Pull,
    RunTruth,
    World,
)
from bench.world.plan import Calendar, Plan
from examples.formats import aws_calls
from examples.formats.aws_calls import ApiCall
from examples.formats.cloudtrail import CLI, CONSOLE, TERRAFORM, AuditEvent, Principal, oidc_login
from examples.formats.output import hex_id, number_id, uuid_of
from examples.formats.people import Person
from examples.formats.terraform_state import StateVersion

PIPELINE_ROLE = "terraform-apply"
DEPLOY_ROLE = "service-deploy"


@dataclass(slots=True)
class Story:
    """What the writers need beside the truth."""

    world: World
    plan: Plan
    calendar: Calendar
    code: list[tuple[Pull, Values]] = field(default_factory=list[tuple[Pull, Values]])
    """Of each merged pull request: the values that its merge commit sets."""
    first: Values = field(default_factory=dict[str, dict[str, str]])
    real: Values = field(default_factory=dict[str, dict[str, str]])
    states: dict[str, list[StateVersion]] = field(default_factory=dict[str, list[StateVersion]])
    events: list[AuditEvent] = field(default_factory=list[AuditEvent])
    versions: dict[str, str] = field(default_factory=dict[str, str])
    session_names_run: bool = True


def tell(random: Random, world: World, plan: Plan, calendar: Calendar) -> Story:
    """Everything up to the incidents."""
    story = Story(world, plan, calendar, session_names_run=random.random() < 0.7)
    _merge(story)
    _deploy_services(random, story)
    _run_infrastructure(random, story)
    _noise(random, story)
    return story


def _merge(story: Story) -> None:
    organisation = story.world.organisation
    values = story.first = first_values(organisation, story.plan.knobs)
    counters = {s.name: [1, 0, 0] for s in organisation.services}
    story.versions = dict.fromkeys(counters, "1.0.0")
    for pull in story.plan.pulls:
        if pull.merged_at is None:
            continue
        if pull.kind == "infra":
            changed = dict(values[pull.thing]) | dict.fromkeys(pull.environments, pull.after)
            values = {**values, pull.thing: changed}
        if pull.service:
            number = counters[pull.service]
            number[1 if pull.things else 2] += 1
            if pull.things:
                number[2] = 0
            pull.version = ".".join(map(str, number))
        story.code.append((pull, values))
    story.world.pulls = story.plan.pulls


# services


def _deploy_services(random: Random, story: Story) -> None:
    organisation = story.world.organisation
    for service in organisation.services:
        pulls = [p for p in story.plan.pulls if p.service == service.name and p.merged_at is not None]
        for environment in organisation.environments:
            _roll_out(random, story, service.name, environment, pulls)


def _roll_out(random: Random, story: Story, service: str, environment: str, pulls: list[Pull]) -> None:
    calendar = story.calendar
    running, free_from = "1.0.0", story.world.start
    waiting: list[Pull] = []
    later = {PROD: (40, 2600), STAGING: (6, 16)}.get(environment, (2, 5))
    for pull in pulls:
        if pull.merged_at is None:
            continue
        waiting.append(pull)
        hot = pull.hotfix and environment == PROD
        if hot:
            start = calendar.after(pull.created_at, 12, 30)
            hot = pull.hotfix = start > free_from and len(waiting) == 1
        else:
            start = free_from
        if not hot:
            start = calendar.after(max(pull.merged_at, free_from), *later)
            if environment == PROD and pull.skip_prod:
                continue
        if start > story.world.end - timedelta(days=2):
            continue
        if random.random() < 0.07 and not hot:
            failed = _deploy(random, story, service, environment, pull, running, start, "failure")
            start = calendar.after(failed.finished_at, 15, 45)
        deploy = _deploy(random, story, service, environment, pull, running, start, "success")
        deploy.pulls = [(p.repository, p.number) for p in waiting]
        for carried in waiting:
            carried.reached[environment] = deploy.id
        waiting = []
        running, free_from = pull.version, deploy.finished_at + timedelta(minutes=12)


def _deploy(random: Random, story: Story, service: str, environment: str, pull: Pull, running: str, start: datetime, outcome: str) -> DeployTruth:  # fmt: skip
    organisation = story.world.organisation
    finish = start + timedelta(seconds=random.randint(95, 420))
    by_person = environment == PROD
    actor = (
        random.choice([pull.author, pull.merged_by, random.choice(organisation.people).key])
        if by_person
        else "bot:actions"
    )
    run = RunTruth(
        id=number_id("run", service, environment, pull.number, start, digits=11), repository=pull.repository,
        name=f"Deploy {service}", environment=environment, sha="", pull=pull.number, created_at=start - timedelta(seconds=20),
        finished_at=finish + timedelta(seconds=15), conclusion=outcome,
        failed_step=random.choice(("Wait for rollout", "Push image", "Smoke test")) if outcome == "failure" else "", actor=actor,
    )  # fmt: skip
    story.world.runs.append(run)
    deploy = DeployTruth(
        id=f"dep-{hex_id('deploy', service, environment, start, digits=8)}", kind="deploy", service=service, environment=environment,
        version=pull.version, previous_version=running, sha="", repository=pull.repository, actor=actor, started_at=start,
        finished_at=finish, outcome=outcome, run_id=run.id,
    )  # fmt: skip
    story.world.deploys.append(deploy)
    return deploy


def roll_back(random: Random, story: Story, bad: DeployTruth, at: datetime, actor: str) -> DeployTruth:
    """Deploy the version from before `bad` again."""
    finish = at + timedelta(seconds=random.randint(60, 200))
    before = [
        d
        for d in story.world.deploys
        if d.service == bad.service
        and d.environment == bad.environment
        and d.version == bad.previous_version
        and d.outcome == "success"
    ]
    run = RunTruth(
        number_id("run", "rollback", bad.id, digits=11), bad.repository, f"Deploy {bad.service}", bad.environment, "", 0,
        at - timedelta(seconds=20), finish + timedelta(seconds=10), "success", actor=actor,
    )  # fmt: skip
    story.world.runs.append(run)
    deploy = DeployTruth(
        f"dep-{hex_id('rollback', bad.id, digits=8)}", "rollback", bad.service, bad.environment, bad.previous_version, bad.version,
        before[-1].sha if before else "", bad.repository, actor, at, finish, "success", run.id,
    )  # fmt: skip
    later = [
        d
        for d in story.world.deploys
        if d.service == bad.service and d.environment == bad.environment and d.started_at > at
    ]
    for following in sorted(later, key=lambda d: d.started_at):
        following.previous_version = deploy.version
        if following.outcome == "success":
            break
    story.world.deploys.append(deploy)
    return deploy


# infrastructure


@dataclass(slots=True)
class _Apply:
    environment: str
    start: datetime
    pull: Pull
    values: Values
    succeeds: bool


@dataclass(slots=True)
class _Hand:
    environment: str
    at: datetime
    knob: Knob
    person: Person
    console: bool


def _run_infrastructure(random: Random, story: Story) -> None:
    world, organisation = story.world, story.world.organisation
    story.real = {key: dict(by_env) for key, by_env in story.first.items()}
    for environment in organisation.environments:
        resources = state_resources(organisation, environment, story.first)
        story.states[environment] = [StateVersion(1, world.start - timedelta(days=3), resources)]
    steps: list[_Apply | _Hand] = [*_applies(random, story), *_hands(random, story)]
    for step in sorted(steps, key=lambda s: s.start if isinstance(s, _Apply) else s.at):
        if isinstance(step, _Apply):
            _apply(random, story, step)
        else:
            _by_hand(random, story, step)


def _applies(random: Random, story: Story) -> list[_Apply]:
    out: list[_Apply] = []
    for environment in story.world.organisation.environments:
        free_from = story.world.start
        for pull, values in story.code:
            if pull.kind != "infra" or pull.merged_at is None or (environment == PROD and pull.skip_prod):
                continue
            low, high = {PROD: (15, 2400), STAGING: (3, 9)}.get(environment, (1, 3))
            start = story.calendar.after(max(pull.merged_at, free_from), low, high)
            if start > story.world.end - timedelta(days=2):
                continue
            if random.random() < 0.1:
                out.append(_Apply(environment, start, pull, values, False))
                start = story.calendar.after(start, 20, 90)
            out.append(_Apply(environment, start, pull, values, True))
            free_from = start + timedelta(minutes=20)
    return out


def _apply(random: Random, story: Story, step: _Apply) -> None:
    world, organisation, environment = story.world, story.world.organisation, step.environment
    finish = step.start + timedelta(seconds=random.randint(150, 480))
    infra = organisation.infra_repository
    run = RunTruth(
        id=number_id("run", "apply", environment, step.pull.number, step.start, digits=11), repository=infra, name="Terraform apply",
        environment=environment, sha="", pull=step.pull.number, created_at=step.start - timedelta(seconds=30),
        finished_at=finish + timedelta(seconds=10), conclusion="success" if step.succeeds else "failure",
        failed_step="" if step.succeeds else random.choice(("Terraform init", "Terraform plan")), actor=step.pull.merged_by,
    )  # fmt: skip
    world.runs.append(run)
    principal = pipeline(story, environment, run, PIPELINE_ROLE)
    ip = f"20.{random.randint(40, 90)}.{random.randint(1, 250)}.{random.randint(1, 250)}"
    story.events.append(oidc_login(principal, step.start + timedelta(seconds=20), organisation.region, ip))
    if not step.succeeds:
        return
    deploy = DeployTruth(
        id=f"dep-{hex_id('apply', environment, step.start, digits=8)}", kind="apply", service="", environment=environment, version="",
        previous_version="", sha="", repository=infra, actor=step.pull.merged_by, started_at=step.start, finished_at=finish,
        outcome="success", run_id=run.id, via="github" if world.seed % 3 == 0 else "deployments",
    )  # fmt: skip
    if deploy.via == "github":
        deploy.id = str(number_id("deployment", run.id, digits=10))
    world.deploys.append(deploy)
    reads = (
        ("elasticloadbalancing.amazonaws.com", "DescribeLoadBalancers"),
        ("ec2.amazonaws.com", "DescribeSecurityGroups"),
        ("rds.amazonaws.com", "DescribeDBInstances"),
    )
    at = step.start + timedelta(seconds=45)
    for source, name in reads[: random.randint(1, 2)]:
        _record(story, aws_calls.describe(source, name), at, environment, principal, TERRAFORM, ip, read=True)
        at += timedelta(seconds=2)
    at += timedelta(seconds=random.randint(10, 30))
    for key in sorted(story.real):
        wanted, had = step.values[key][environment], story.real[key][environment]
        if wanted == had:
            continue
        for call in calls(organisation, environment, key, had, wanted):
            event = _record(story, call, at, environment, principal, TERRAFORM, ip)
            world.audit.append(
                AuditTruth(event.id, at, environment, call.name, call.arn, key, "", run.id, manual=False, tool="terraform", before=had, after=wanted, principal=principal.arn)
            )  # fmt: skip
            at += timedelta(seconds=2)
        story.real[key][environment] = wanted
    before = story.states[environment][-1]
    resources = state_resources(organisation, environment, step.values)
    if resources != before.resources:
        story.states[environment].append(StateVersion(before.serial + 1, finish - timedelta(seconds=5), resources))
    for pull, _ in story.code:
        if pull.kind == "infra" and environment in pull.environments and environment not in pull.reached:
            pull.reached[environment] = deploy.id
            deploy.pulls.append((pull.repository, pull.number))
        if pull is step.pull:
            break


def _hands(random: Random, story: Story) -> list[_Hand]:
    organisation, calendar = story.world.organisation, story.calendar
    knobs = [k for k in story.plan.knobs if k.by_hand]
    pairs = [(env, knob) for env in (STAGING, PROD) for knob in knobs]
    chosen = random.sample(pairs, min(len(pairs), random.randint(4, 7)))
    for environment in (STAGING, PROD):
        if all(env != environment for env, _ in chosen):
            chosen.append((environment, random.choice(knobs)))
    out: list[_Hand] = []
    for environment, knob in chosen:
        at = calendar.moment(random.uniform(3, calendar.days - 6))
        out.append(_Hand(environment, at, knob, random.choice(organisation.people), random.random() < 0.6))
    return out


def _by_hand(random: Random, story: Story, step: _Hand) -> None:
    had = story.real[step.knob.key][step.environment]
    wanted = random.choice([v for v in step.knob.values if v != had])
    all_calls = calls(story.world.organisation, step.environment, step.knob.key, had, wanted)
    call = all_calls[0]  # a person edits one queue, not all of them
    edit_by_hand(
        random, story, call, step.at, step.environment, step.person, step.knob.key, had, wanted, console=step.console
    )
    if len(all_calls) == 1:
        story.real[step.knob.key][step.environment] = wanted


def edit_by_hand(
    random: Random, story: Story, call: ApiCall, at: datetime, environment: str, person: Person, thing: str, before: str, after: str,
    *, console: bool, failed: bool = False,
) -> AuditTruth:  # fmt: skip
    """A person's call, by console (through SSO) or by CLI (as an IAM user or through SSO)."""
    account = story.world.organisation.accounts[environment]
    sso = console or random.random() < 0.4
    principal = (
        Principal("sso", account, "AdministratorAccess", person.sso)
        if sso
        else Principal("iam_user", account, person.iam_user)
    )
    command = "".join("-" + c.lower() if c.isupper() else c for c in call.name).lstrip("-")
    service = call.source.split(".")[0]
    agent = CONSOLE if console else CLI.format(command=f"{service}.{command}")
    event = _record(
        story, call, at, environment, principal, agent, f"198.51.100.{random.randint(2, 250)}", failed=failed
    )
    truth = AuditTruth(
        event.id, at, environment, call.name, call.arn, thing, person.key, 0, manual=True, failed=failed,
        tool="console" if console else "cli", before=before, after=after, principal=principal.arn,
    )  # fmt: skip
    story.world.audit.append(truth)
    return truth


def pipeline(story: Story, environment: str, run: RunTruth, role: str) -> Principal:
    """The session of a pipeline run in an environment's account."""
    organisation = story.world.organisation
    session = f"gha-{run.id}" if story.session_names_run else "GitHubActions"
    subject = f"repo:{run.repository}:environment:{environment}"
    return Principal("oidc", organisation.accounts[environment], role, session, subject)


def _record(
    story: Story, call: ApiCall, at: datetime, environment: str, principal: Principal, agent: str, ip: str, *, read: bool = False, failed: bool = False
) -> AuditEvent:  # fmt: skip
    event = AuditEvent(
        id=uuid_of("event", story.world.seed, environment, call.name, at, principal.arn, len(story.events)), at=at, principal=principal,
        source=call.source, name=call.name, region=story.world.organisation.region, request=call.request,
        response=None if failed else call.response, user_agent=agent, source_ip=ip, read_only=read,
    )  # fmt: skip
    if failed:
        message = f"User: {principal.arn} is not authorized to perform this action"
        event = replace(event, error_code="AccessDenied", error_message=message)
    story.events.append(event)
    return event


# what is always going on


def _noise(random: Random, story: Story) -> None:
    organisation, calendar = story.world.organisation, story.calendar
    reads = (
        ("ec2.amazonaws.com", "DescribeInstances"), ("ec2.amazonaws.com", "DescribeSecurityGroups"), ("rds.amazonaws.com", "DescribeDBInstances"),
        ("elasticloadbalancing.amazonaws.com", "DescribeRules"), ("logs.amazonaws.com", "FilterLogEvents"), ("sts.amazonaws.com", "GetCallerIdentity"),
    )  # fmt: skip
    for _ in range(random.randint(40, 60)):
        person, environment = random.choice(organisation.people), random.choice(organisation.environments)
        source, name = random.choice(reads)
        at = calendar.start + timedelta(seconds=random.randint(0, calendar.days * 86400 - 7200))
        principal = Principal("sso", organisation.accounts[environment], "ReadOnlyAccess", person.sso)
        ip = f"198.51.100.{random.randint(2, 250)}"
        _record(story, aws_calls.describe(source, name), at, environment, principal, CONSOLE, ip, read=True)
    for _ in range(random.randint(5, 12)):
        person, environment = random.choice(organisation.people), random.choice(organisation.environments)
        principal = Principal("iam_user", organisation.accounts[environment], person.iam_user)
        call = ApiCall("signin.amazonaws.com", "ConsoleLogin", {}, {"ConsoleLogin": "Success"})
        at = calendar.start + timedelta(seconds=random.randint(0, calendar.days * 86400 - 7200))
        event = _record(
            story,
            call,
            at,
            environment,
            principal,
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
            "198.51.100.9",
        )
        story.events[-1] = replace(event, request=None)
    # refused attempts: they change nothing
    knobs = [k for k in story.plan.knobs if k.by_hand]
    for _ in range(2):
        knob, person = random.choice(knobs), random.choice(organisation.people)
        had = story.real[knob.key][PROD]
        wanted = random.choice([v for v in knob.values if v != had])
        call = calls(organisation, PROD, knob.key, had, wanted)[0]
        at = calendar.moment(random.uniform(3, calendar.days - 6))
        edit_by_hand(random, story, call, at, PROD, person, knob.key, had, wanted, console=False, failed=True)
