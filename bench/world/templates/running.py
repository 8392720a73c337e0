"""Which version ran when, and who deployed it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bench.world.asking import Asked, Case, template
from bench.world.expect import Expect
from bench.world.model import PROD, STAGING, DeployTruth

HOUR = timedelta(hours=1)


def _running(asked: Asked, environment: str) -> Iterator[tuple[DeployTruth, datetime]]:
    """A deploy and a moment at which what it brought was running, well away from other deploys of the service."""
    deploys = asked.service_deploys(environment)
    failed = asked.service_deploys(environment, outcome="failure")
    for deploy in asked.shuffled(deploys):
        following = [
            d for d in (*deploys, *failed) if d.service == deploy.service and d.started_at > deploy.finished_at
        ]
        until = min((d.started_at for d in following), default=asked.world.end)
        if until - deploy.finished_at < 2 * HOUR:
            continue
        at = deploy.finished_at + (until - deploy.finished_at) * asked.random.uniform(0.2, 0.8)
        yield deploy, at.replace(second=0, microsecond=0)


def _version(asked: Asked, deploy: DeployTruth, words: dict[str, str], *, commit: bool = False) -> Case:
    wanted = tuple(deploy.sha[:n] for n in (7, 8, 9, 10, 12, 40)) if commit else (deploy.version,)
    expect = Expect(says=(wanted,), first=_same_version(asked, deploy), cites=(asked.cites_deploy(deploy),))
    return Case({"service": deploy.service, **words}, expect, ("deployments", "kubernetes"))


def _same_version(asked: Asked, deploy: DeployTruth) -> tuple[str, ...]:
    same = [d for d in asked.world.deploys if (d.service, d.version) == (deploy.service, deploy.version)]
    return tuple(token for d in (deploy, *same) for token in asked.deployed(d))


@template(
    "version.at",
    "which version of {service} was running in prod at {time}?",
    "what version of {service} did prod run at {time}?",
    "{service} in prod at {time}: which version was that?",
)
def version_at(asked: Asked) -> Iterator[Case]:
    """What ran at a moment."""
    for deploy, at in _running(asked, PROD):
        yield _version(asked, deploy, {"time": asked.time(at)})


@template(
    "version.staging_at",
    "which version of {service} was on staging at {time}?",
    "what version of {service} did staging run at {time}?",
)
def version_staging(asked: Asked) -> Iterator[Case]:
    """What ran on staging, where it is another than on prod."""
    for deploy, at in _running(asked, STAGING):
        there = [d for d in asked.service_deploys(PROD) if d.service == deploy.service and d.finished_at < at]
        if not there or there[-1].version != deploy.version:
            yield _version(asked, deploy, {"time": asked.time(at)})


@template(
    "version.commit_at",
    "which commit of {service} was running in prod at {time}?",
    "from which commit was {service} in prod at {time}?",
)
def version_commit(asked: Asked) -> Iterator[Case]:
    """The commit that ran at a moment."""
    for deploy, at in _running(asked, PROD):
        yield _version(asked, deploy, {"time": asked.time(at)}, commit=True)


@template(
    "version.now",
    "which version of {service} is running in prod?",
    "what version of {service} is live in production right now?",
    "what's the current prod version of {service}?",
)
def version_now(asked: Asked) -> Iterator[Case]:
    """What runs at the end."""
    last = {d.service: d for d in asked.service_deploys()}
    for deploy in asked.shuffled(list(last.values())):
        yield _version(asked, deploy, {})


@template(
    "version.author",
    "who wrote the change that {service} {version} brought to prod?",
    "whose code went out with {service} {version}?",
)
def version_author(asked: Asked) -> Iterator[Case]:
    """The author, who is not always the one who deployed."""
    for deploy in asked.shuffled(asked.service_deploys()):
        if deploy.kind == "deploy" and len(deploy.pulls) == 1:
            pull = asked.world.pull(*deploy.pulls[0])
            same = [d.actor for d in asked.world.deploys if (d.service, d.version) == (deploy.service, deploy.version)]
            expect = Expect(
                says=(asked.person(pull.author),),
                never=asked.others(*asked.involved(pull), *same),
                cites=(asked.cites_code(pull),),
            )
            yield Case({"service": deploy.service, "version": deploy.version}, expect, ("deployments", "git", "github"))


def _actor(asked: Asked, deploy: DeployTruth, words: dict[str, str]) -> Case:
    people = [
        key
        for d in asked.world.deploys
        if (d.service, d.version) == (deploy.service, deploy.version)
        for key in (d.actor, *(k for p in d.pulls for k in asked.involved(asked.world.pull(*p))))
    ]
    expect = Expect(
        says=(asked.person(deploy.actor),),
        never=asked.others(deploy.actor, *people),
        cites=(asked.cites_deploy(deploy),),
        first=_same_version(asked, deploy),
    )
    return Case(words, expect, ("deployments", "github", "catalog"))


@template(
    "deployer.last",
    "who deployed {service} to prod last?",
    "who did the last prod deploy of {service}?",
    "who was the last one to ship {service} to production?",
)
def deployer_last(asked: Asked) -> Iterator[Case]:
    """The newest deploy's person."""
    last = {d.service: d for d in asked.service_deploys()}
    for deploy in asked.shuffled(list(last.values())):
        if deploy.kind == "deploy":
            yield _actor(asked, deploy, {"service": deploy.service})


@template(
    "deployer.version",
    "who deployed {service} {version} to prod?",
    "who shipped {service} {version} to production?",
    "who pushed {service} {version} out to prod?",
)
def deployer_version(asked: Asked) -> Iterator[Case]:
    """A version's person: on staging it was the pipeline."""
    for deploy in asked.shuffled(asked.service_deploys()):
        same = [
            d
            for d in asked.world.deploys
            if (d.service, d.version, d.environment) == (deploy.service, deploy.version, PROD)
        ]
        if len({d.actor for d in same}) == 1 and all(d.kind == "deploy" for d in same):
            yield _actor(asked, deploy, {"service": deploy.service, "version": deploy.version})


@template(
    "deployer.rollback", "who rolled back {service} on {day}?", "{service} was rolled back on {day}. who did that?"
)
def deployer_rollback(asked: Asked) -> Iterator[Case]:
    """A rollback's person."""
    for deploy in asked.shuffled(asked.service_deploys()):
        if deploy.kind == "rollback":
            yield _actor(asked, deploy, {"service": deploy.service, "day": asked.day(deploy.finished_at)})


@template(
    "deployer.rolled_to",
    "to which version was {service} rolled back on {day}?",
    "what did we roll {service} back to on {day}?",
)
def deployer_rolled_to(asked: Asked) -> Iterator[Case]:
    """A rollback's version."""
    for deploy in asked.shuffled(asked.service_deploys()):
        if deploy.kind == "rollback":
            yield _version(asked, deploy, {"day": asked.day(deploy.finished_at)})


@template("deployer.apply", "who ran the terraform apply in prod at {time}?", "who triggered the prod apply at {time}?")
def deployer_apply(asked: Asked) -> Iterator[Case]:
    """The person behind an apply, which the audit log knows as a role."""
    for deploy in asked.shuffled(asked.arrivals()):
        if deploy.kind == "apply":
            people = [key for p in deploy.pulls for key in asked.involved(asked.world.pull(*p))]
            expect = Expect(
                says=(asked.person(deploy.actor),),
                never=asked.others(deploy.actor, *people),
                cites=(asked.cites_deploy(deploy),),
            )
            yield Case({"time": asked.time(deploy.finished_at)}, expect, ("deployments", "github", "cloudtrail"))
