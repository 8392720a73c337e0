"""Why something was changed, and who approved it."""

from __future__ import annotations

from collections.abc import Iterator

from bench.world.asking import Asked, Case, template
from bench.world.expect import Expect
from bench.world.infrastructure import calls
from bench.world.model import PROD, DeployTruth, Pull

CHAIN = ("git", "github", "slack")
LINKED = ("url_in_thread", "permalink_in_body")


def _why(asked: Asked, pull: Pull, words: dict[str, str], *more: DeployTruth) -> Case:
    thread = asked.world.thread(pull.thread)
    expect = Expect(
        first=(*asked.chain(pull), *(token for d in more for token in asked.deployed(d))),
        spans=asked.spans(pull),
        quote=(pull.reason,),
        never=asked.others(*asked.involved(pull)),
        cites=(asked.cites_code(pull), asked.cites_thread(thread), *(asked.cites_deploy(d) for d in more)),
    )
    return Case(words, expect, CHAIN)


@template(
    "why.thing",
    "why was {thing} changed?",
    "why did we change {thing}?",
    "what was the reason for changing {thing}?",
    "what's the story behind the change to {thing}?",
)
def why_thing(asked: Asked) -> Iterator[Case]:
    """Thread with the pull request's URL in it."""
    for pull in asked.clear("infra"):
        if pull.link == "url_in_thread":
            yield _why(asked, pull, {"thing": asked.thing(pull)})


@template(
    "why.linked_from_pull",
    "why was {thing} changed?",
    "does anybody know why {thing} was changed?",
    "for what reason did someone touch {thing}?",
)
def why_linked(asked: Asked) -> Iterator[Case]:
    """Thread that only the pull request's description names."""
    for pull in asked.clear("infra"):
        if pull.link == "permalink_in_body":
            yield _why(asked, pull, {"thing": asked.thing(pull)})


@template("why.pull", "why did we merge {number}?", "what was {number} for? why did we do it?", "why {number}?")
def why_pull(asked: Asked) -> Iterator[Case]:
    """By the pull request's number."""
    for pull in asked.clear():
        if pull.link in LINKED:
            yield _why(asked, pull, {"number": asked.number(pull)})


@template("why.commit", "why was commit {sha} made?", "what's the reason behind commit {sha}?", "why did {sha} happen?")
def why_commit(asked: Asked) -> Iterator[Case]:
    """By the commit on the mainline."""
    for pull in asked.clear():
        if pull.link in LINKED:
            yield _why(
                asked, pull, {"sha": asked.random.choice((pull.merge_sha[:8], pull.merge_sha[:10], pull.merge_sha))}
            )


@template(
    "why.value",
    "why is {thing} {after} now and not {before}?",
    "why did {thing} go from {before} to {after}?",
    "who decided {thing} should be {after}, and why?",
)
def why_value(asked: Asked) -> Iterator[Case]:
    """By the values."""
    for pull in asked.clear():
        if pull.link in LINKED and pull.things:
            yield _why(asked, pull, {"thing": asked.thing(pull), "after": pull.after, "before": pull.before})


@template(
    "why.service_setting", "why was {thing} changed?", "why did we change {thing}?", "what made us change {thing}?"
)
def why_setting(asked: Asked) -> Iterator[Case]:
    """A service's configuration."""
    for pull in asked.clear("service"):
        if pull.link in LINKED and pull.things:
            yield _why(asked, pull, {"thing": asked.thing(pull)})


@template(
    "why.version",
    "why did we ship {service} {version} to prod?",
    "what was the point of {service} {version}?",
    "why did {service} {version} go out?",
)
def why_version(asked: Asked) -> Iterator[Case]:
    """From a deploy by its pull request to the thread."""
    for deploy in asked.shuffled(asked.service_deploys()):
        if deploy.kind == "deploy" and len(deploy.pulls) == 1:
            pull = asked.world.pull(*deploy.pulls[0])
            if pull.link in LINKED and pull in asked.clear():
                case = _why(asked, pull, {"service": deploy.service, "version": deploy.version})
                staging = [
                    d for d in asked.world.deploys if d.version == deploy.version and d.service == deploy.service
                ]
                first = (*case.expect.first, *(token for d in staging for token in asked.deployed(d)))
                expect = Expect(
                    first=first,
                    quote=case.expect.quote,
                    spans=case.expect.spans,
                    never=case.expect.never,
                    cites=case.expect.cites,
                )
                yield Case(case.words, expect, ("deployments", *CHAIN))


@template(
    "why.instance",
    "why was {arn} changed?",
    "what is the reason for the last change of {arn}?",
    "why did somebody change {arn}?",
)
def why_instance(asked: Asked) -> Iterator[Case]:
    """From the instance in the cloud to the thread: audit log or state, apply, pull request."""
    for pull in asked.clear("infra", reached=PROD):
        apply = asked.world.deploy(pull.reached[PROD])
        wanted = calls(asked.world.organisation, PROD, pull.thing, pull.before, pull.after)
        arns = {call.arn for call in wanted}
        if (
            pull.link not in LINKED
            or len(arns) != 1
            or len(apply.pulls) != 1
            or pull.thing in ("worker_count", "versioning")
        ):
            continue
        arn = next(iter(arns))
        if any(a.arn == arn and a.run_id != apply.run_id for a in asked.world.audit):
            continue
        case = _why(asked, pull, {"arn": arn})
        events = tuple(a.id for a in asked.world.audit if a.arn == arn)
        expect = Expect(
            first=(*case.expect.first, *asked.deployed(apply), *events),
            quote=case.expect.quote,
            spans=case.expect.spans,
            never=case.expect.never,
            cites=case.expect.cites,
        )
        yield Case(case.words, expect, ("terraform_state", "cloudtrail", *CHAIN))


@template(
    "approver.thing",
    "who approved the change of {thing}?",
    "who signed off on changing {thing}?",
    "who reviewed and approved the change to {thing}?",
)
def approver_thing(asked: Asked) -> Iterator[Case]:
    """By what was changed."""
    for pull in asked.clear():
        if pull.things and pull.approvers:
            yield _approved(asked, pull, {"thing": asked.thing(pull)})


def _approved(
    asked: Asked, pull: Pull, words: dict[str, str], sources: tuple[str, ...] = ("git", "github"), *more: DeployTruth
) -> Case:
    expect = Expect(
        first=(*asked.chain(pull), *(token for d in more for token in asked.deployed(d))),
        spans=asked.spans(pull),
        approved_by=tuple(asked.person(key) for key in pull.approvers),
        never=asked.others(*asked.involved(pull), *(d.actor for d in more)),
        cites=(asked.cites_pull(pull),),
    )
    return Case(words, expect, sources)


@template(
    "approver.commit", "who approved commit {sha}?", "who signed off on {sha}?", "which reviewer let {sha} through?"
)
def approver_commit(asked: Asked) -> Iterator[Case]:
    """By the commit."""
    for pull in asked.clear():
        if pull.approvers:
            yield _approved(asked, pull, {"sha": pull.merge_sha[:9]})


@template(
    "approver.pull",
    "who approved {number}?",
    "whose approval did {number} have?",
    "who gave the thumbs up on {number}?",
)
def approver_pull(asked: Asked) -> Iterator[Case]:
    """By the number; the answer is a person, known from other systems."""
    for pull in asked.clear():
        if pull.approvers:
            yield _approved(asked, pull, {"number": asked.number(pull)}, ("github", "catalog"))


@template(
    "approver.version",
    "who approved the change that went out with {service} {version}?",
    "who approved what {service} {version} brought to prod?",
)
def approver_version(asked: Asked) -> Iterator[Case]:
    """From a version."""
    for deploy in asked.shuffled(asked.service_deploys()):
        if deploy.kind == "deploy" and len(deploy.pulls) == 1:
            pull = asked.world.pull(*deploy.pulls[0])
            same = [d for d in asked.world.deploys if d.service == deploy.service and d.version == deploy.version]
            if pull.approvers and pull.version == deploy.version:
                yield _approved(
                    asked,
                    pull,
                    {"service": deploy.service, "version": deploy.version},
                    ("deployments", "github"),
                    *same,
                )


@template(
    "approver.apply",
    "who approved what was applied to prod at {time}?",
    "the terraform apply in prod at {time}: who approved that change?",
)
def approver_apply(asked: Asked) -> Iterator[Case]:
    """From an apply."""
    for deploy in asked.shuffled(asked.arrivals()):
        if deploy.kind == "apply" and len(deploy.pulls) == 1:
            pull = asked.world.pull(*deploy.pulls[0])
            if pull.approvers:
                yield _approved(
                    asked, pull, {"time": asked.time(deploy.finished_at)}, ("deployments", "github"), deploy
                )


@template("approver.merger", "who merged the change to {thing}?", "who pressed merge on the change of {thing}?")
def approver_merger(asked: Asked) -> Iterator[Case]:
    """Who merged, which is not always who wrote it."""
    for pull in asked.clear():
        if pull.things:
            expect = Expect(
                says=(asked.person(pull.merged_by),),
                first=asked.chain(pull),
                spans=asked.spans(pull),
                never=asked.others(*asked.involved(pull)),
                cites=(asked.cites_pull(pull),),
            )
            yield Case({"thing": asked.thing(pull)}, expect, ("git", "github"))


@template(
    "approver.objected",
    "who asked for changes on the pull request about {thing}?",
    "did a reviewer object to the change of {thing}? who?",
)
def approver_objected(asked: Asked) -> Iterator[Case]:
    """Who requested changes."""
    for pull in asked.clear():
        objectors = [r.by for r in pull.reviews if r.state == "CHANGES_REQUESTED"]
        if pull.things and objectors and objectors[0] not in pull.approvers:
            expect = Expect(
                says=(asked.person(objectors[0]),),
                never=asked.others(*asked.involved(pull)),
                cites=(asked.cites_pull(pull),),
            )
            yield Case({"thing": asked.thing(pull)}, expect, ("git", "github"))
