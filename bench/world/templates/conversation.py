"""Where something was discussed, what was decided, and which pipeline run did it."""

from __future__ import annotations

from collections.abc import Iterator

from bench.world.asking import Asked, Case, template
from bench.world.expect import Expect
from bench.world.model import PROD, STAGING

LINKED = ("url_in_thread", "permalink_in_body")


@template(
    "discuss.where",
    "where was {thing} discussed?",
    "where did we talk about changing {thing}?",
    "is there a slack thread about {thing}?",
)
def discuss_where(asked: Asked) -> Iterator[Case]:
    """Also threads without any link."""
    for pull in asked.clear():
        if pull.thread and pull.things:
            thread = asked.world.thread(pull.thread)
            expect = Expect(
                says=(("#" + thread.channel_name, thread.channel_name, *asked.cites_thread(thread)),),
                cites=(asked.cites_thread(thread),),
            )
            yield Case({"thing": asked.thing(pull)}, expect, ("slack", "git"))


@template(
    "discuss.decided",
    "what was decided about {thing}?",
    "what did we agree on for {thing}?",
    "what was the decision on {thing}?",
)
def discuss_decided(asked: Asked) -> Iterator[Case]:
    """The decision in its words."""
    for pull in asked.clear():
        if pull.thread and pull.things:
            thread = asked.world.thread(pull.thread)
            expect = Expect(
                says=((pull.after,),),
                quote=(thread.decision,),
                never=asked.others(*asked.involved(pull)),
                cites=(asked.cites_thread(thread),),
            )
            yield Case({"thing": asked.thing(pull)}, expect, ("slack", "git"))


@template(
    "discuss.who_decided",
    "who gave the go-ahead for changing {thing} on slack?",
    "who decided that {thing} should be changed to {after}?",
)
def discuss_who(asked: Asked) -> Iterator[Case]:
    """The person behind the deciding message."""
    for pull in asked.clear():
        if pull.link in LINKED and pull.things:
            thread = asked.world.thread(pull.thread)
            expect = Expect(
                says=(asked.person(thread.decided_by),),
                never=asked.others(*asked.involved(pull)),
                cites=(asked.cites_thread(thread),),
            )
            yield Case({"thing": asked.thing(pull), "after": pull.after}, expect, ("slack", "git", "catalog"))


@template(
    "discuss.pull",
    "where was {number} discussed on slack?",
    "which slack thread led to {number}?",
    "is there a thread about {number}?",
)
def discuss_pull(asked: Asked) -> Iterator[Case]:
    """By a link in either direction."""
    for pull in asked.clear():
        if pull.link in LINKED:
            thread = asked.world.thread(pull.thread)
            yield Case({"number": asked.number(pull)}, Expect(cites=(asked.cites_thread(thread),)), ("slack", "github"))


@template(
    "run.applied",
    "which pipeline run applied {number} to {environment}?",
    "what run brought {number} to {environment}?",
    "which workflow run applied {number} in {environment}?",
)
def run_applied(asked: Asked) -> Iterator[Case]:
    """The run behind the apply."""
    for pull in asked.clear("infra"):
        for environment in asked.shuffled([e for e in (STAGING, PROD) if e in pull.reached]):
            deploy = asked.world.deploy(pull.reached[environment])
            expect = Expect(says=((str(deploy.run_id),),), cites=((str(deploy.run_id),),))
            yield Case({"number": asked.number(pull), "environment": environment}, expect, ("github", "deployments"))


@template(
    "run.last_applied",
    "which commit was last applied in {environment}?",
    "what is the last commit that terraform applied to {environment}?",
    "up to which commit is {environment} applied?",
)
def run_last(asked: Asked) -> Iterator[Case]:
    """The newest apply's commit."""
    for environment in asked.shuffled([PROD, STAGING]):
        applies = [d for d in asked.arrivals(environment) if d.kind == "apply"]
        if applies:
            last = applies[-1]
            forms = tuple(last.sha[:n] for n in (7, 8, 9, 10, 12, 40))
            expect = Expect(
                says=(forms,),
                first=(*asked.deployed(last), *asked.api_calls(last)),
                cites=((*asked.cites_deploy(last), last.sha),),
            )
            yield Case({"environment": environment}, expect, ("deployments", "git"))


@template(
    "run.failed",
    "at which step did the pipeline for {number} fail in {environment}?",
    "the {environment} run for {number} failed. at which step?",
)
def run_failed(asked: Asked) -> Iterator[Case]:
    """The failing step of a failed run."""
    world = asked.world
    for run in asked.shuffled([r for r in world.runs if r.conclusion == "failure"]):
        pull = world.pull(run.repository, run.pull)
        again = [
            r for r in world.runs if r.conclusion == "failure" and r.sha == run.sha and r.environment == run.environment
        ]
        if len(again) == 1:
            expect = Expect(says=((run.failed_step,),), cites=((str(run.id),),))
            yield Case({"number": asked.number(pull), "environment": run.environment}, expect, ("github", "git"))


@template(
    "run.calls",
    "which API calls did the apply of {number} in prod make?",
    "what did the prod apply of {number} really change in AWS?",
)
def run_calls(asked: Asked) -> Iterator[Case]:
    """From the pull request by its run to the audit events."""
    for pull in asked.clear("infra", reached=PROD):
        apply = asked.world.deploy(pull.reached[PROD])
        events = [a for a in asked.world.audit if a.run_id == apply.run_id]
        if len(apply.pulls) == 1 and 1 <= len(events) <= 3 and all(a.thing == pull.thing for a in events):
            expect = Expect(
                says=tuple((name,) for name in sorted({a.name for a in events})), cites=tuple((a.id,) for a in events)
            )
            yield Case({"number": asked.number(pull)}, expect, ("github", "deployments", "cloudtrail"))
