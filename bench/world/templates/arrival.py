"""When a change arrived where, and what went out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bench.world.asking import Asked, Case, template
from bench.world.expect import Expect
from bench.world.model import PROD, STAGING, DeployTruth, Pull


def _when(asked: Asked, pull: Pull, environments: tuple[str, ...], words: dict[str, str]) -> Case:
    deploys = [asked.world.deploy(pull.reached[e]) for e in environments]
    expect = Expect(
        first=asked.chain(pull),
        spans=asked.spans(pull),
        times=tuple(asked.reach(d) for d in deploys),
        cites=(asked.cites_code(pull), *(asked.cites_deploy(d) for d in deploys)),
    )
    return Case(words, expect, ("git", "github", "deployments"))


@template(
    "when.pull_prod",
    "when did {number} reach prod?",
    "when was {number} live in production?",
    "since when is {number} on prod?",
)
def when_pull_prod(asked: Asked) -> Iterator[Case]:
    """A pull request in prod."""
    for pull in asked.clear(reached=PROD):
        if not pull.hotfix:
            yield _when(asked, pull, (PROD,), {"number": asked.number(pull)})


@template(
    "when.pull_staging",
    "when did {number} reach staging?",
    "when was {number} deployed to staging?",
    "when did {number} hit stage?",
)
def when_pull_staging(asked: Asked) -> Iterator[Case]:
    """A pull request in staging."""
    for pull in asked.clear(reached=STAGING):
        yield _when(asked, pull, (STAGING,), {"number": asked.number(pull)})


@template(
    "when.commit_prod",
    "when did commit {sha} get to prod?",
    "when did {sha} go live in prod?",
    "what time was {sha} rolled out to production?",
)
def when_commit(asked: Asked) -> Iterator[Case]:
    """A commit in prod."""
    for pull in asked.clear(reached=PROD):
        if not pull.hotfix:
            yield _when(asked, pull, (PROD,), {"sha": pull.merge_sha[:10]})


@template(
    "when.thing_prod",
    "when did the change of {thing} reach prod?",
    "when was the new {thing} live in prod?",
    "when did prod get the change to {thing}?",
)
def when_thing(asked: Asked) -> Iterator[Case]:
    """A change by what it changes; the apply is later than the merge."""
    for pull in asked.clear("infra", reached=PROD):
        yield _when(
            asked,
            pull,
            (PROD,),
            {"thing": asked.thing(pull).removeprefix("the ") if asked.random.random() < 0.1 else asked.thing(pull)},
        )


@template(
    "when.both",
    "when did the change of {thing} go to staging, and when to prod?",
    "give me the times at which the change to {thing} reached staging and prod",
)
def when_both(asked: Asked) -> Iterator[Case]:
    """Both environments."""
    for pull in asked.clear(reached=PROD):
        if pull.things and STAGING in pull.reached and not pull.hotfix:
            yield _when(asked, pull, (STAGING, PROD), {"thing": asked.thing(pull)})


@template(
    "when.in_prod",
    "is {number} in prod yet?",
    "is {number} live in production already?",
    "did {number} make it to prod?",
)
def when_in_prod(asked: Asked) -> Iterator[Case]:
    """Yes, since then."""
    for pull in asked.clear(reached=PROD):
        if asked.steady(pull) and not pull.hotfix:
            yield _when(asked, pull, (PROD,), {"number": asked.number(pull)})


@template(
    "when.not_in_prod",
    "is {number} in prod yet?",
    "has {number} reached production?",
    "is the change of {number} live in prod?",
)
def when_not_in_prod(asked: Asked) -> Iterator[Case]:
    """Merged, on staging, not on prod."""
    for pull in asked.clear(reached=STAGING):
        if PROD not in pull.reached and PROD in pull.environments:
            expect = Expect(
                denies=True,
                unreached=(PROD,),
                cites=(asked.cites_code(pull),),
                says=((pull.locator, str(pull.number), pull.merge_sha, pull.title),),
            )
            yield Case({"number": asked.number(pull)}, expect, ("github", "deployments"))


@template(
    "when.unmerged", "is {number} in prod?", "has {number} been deployed to prod yet?", "when did {number} reach prod?"
)
def when_unmerged(asked: Asked) -> Iterator[Case]:
    """Never merged."""
    for pull in asked.shuffled(asked.world.pulls):
        if pull.merged_at is None:
            expect = Expect(
                denies=True,
                unreached=(PROD, STAGING),
                cites=(asked.cites_pull(pull),),
                says=((str(pull.number), pull.title),),
            )
            yield Case({"number": asked.number(pull)}, expect, ("github", "deployments"))


@template(
    "when.staging_only",
    "did {number} change anything in prod?",
    "was {number} ever applied to prod?",
    "when did {number} reach production?",
)
def when_staging_only(asked: Asked) -> Iterator[Case]:
    """A change of a value that only staging has: a later apply in prod finds nothing to do for it."""
    for pull in asked.clear("infra", reached=STAGING):
        if pull.environments == (STAGING,):
            yield Case(
                {"number": asked.number(pull)}, Expect(denies=True, unreached=(PROD,)), ("github", "deployments")
            )


@template(
    "when.before_merge",
    "was {number} on prod before it was merged?",
    "when did {number} reach prod? it looks as if that was before the merge",
)
def when_before_merge(asked: Asked) -> Iterator[Case]:
    """A hotfix."""
    for pull in asked.clear(reached=PROD):
        if pull.hotfix:
            yield _when(asked, pull, (PROD,), {"number": asked.number(pull)})


@template(
    "when.version",
    "when did {service} {version} go live in prod?",
    "when was {service} {version} deployed to production?",
    "since when did prod run {service} {version}?",
)
def when_version(asked: Asked) -> Iterator[Case]:
    """A version; it was on staging before."""
    for deploy in asked.shuffled(asked.service_deploys()):
        same = [d for d in asked.service_deploys() if (d.service, d.version) == (deploy.service, deploy.version)]
        if len(same) == 1:
            everywhere = [d for d in asked.world.deploys if (d.service, d.version) == (deploy.service, deploy.version)]
            first = tuple(token for d in everywhere for token in asked.deployed(d))
            expect = Expect(first=first, times=(asked.reach(deploy),), cites=(asked.cites_deploy(deploy),))
            yield Case({"service": deploy.service, "version": deploy.version}, expect, ("deployments", "kubernetes"))


def _windows(asked: Asked, environment: str, low: int, high: int) -> Iterator[tuple[list[DeployTruth], str, str]]:
    """Windows that hold `low` to `high` arrivals and begin and end well away from everything, as times in words."""
    arrivals = asked.arrivals(environment)
    for start in asked.shuffled(list(range(len(arrivals)))):
        for length in asked.shuffled(list(range(low, high + 1))):
            inside = arrivals[start : start + length]
            if len(inside) < length:
                continue
            first = (inside[0].started_at - timedelta(minutes=14)).replace(second=0)
            last = (inside[-1].finished_at + timedelta(minutes=14)).replace(second=0)
            fine = asked.quiet_around(first, 6, environment) and asked.quiet_around(last, 6, environment)
            if fine and asked.in_window(first, last, environment) == inside[::-1] and last - first < timedelta(days=9):
                yield inside[::-1], asked.time(first), asked.time(last)


def _spans(deploys: list[DeployTruth]) -> tuple[tuple[datetime, datetime], ...]:
    gap = timedelta(minutes=1)
    return tuple((d.started_at - gap, d.finished_at + gap) for d in deploys)


def _went_out(asked: Asked, environment: str, deploys: list[DeployTruth], words: dict[str, str]) -> Case | None:
    groups = [asked.deployed(d) for d in deploys]
    tokens = {token for group in groups for token in group}
    if len(tokens) != sum(len(set(group)) for group in groups):
        return None  # a rollback within the window: one commit stands for two arrivals
    low, high = min(d.started_at for d in deploys), max(d.finished_at for d in deploys)
    gap = timedelta(minutes=15)
    events = [a.id for a in asked.world.audit if low - gap <= a.at <= high + gap and a.environment == environment]
    others = [
        d for d in asked.world.deploys if d.environment != environment and low - gap <= d.finished_at <= high + gap
    ]
    absent = tuple(d.id for d in others if d.id not in tokens)
    expect = Expect(
        contains=tuple(groups), ordered=True, allowed=tuple(events), absent=absent, spans=_spans(deploys), cites=tuple(asked.cites_deploy(d) for d in deploys)
    )  # fmt: skip
    return Case(words, expect, ("deployments", "git", "github", "cloudtrail"))


@template(
    "out.between",
    "what went out to prod between {low} and {high}?",
    "what was deployed or applied in prod between {low} and {high}?",
    "list what reached prod between {low} and {high}",
)
def out_between(asked: Asked) -> Iterator[Case]:
    """By arrival, newest first, without staging."""
    for deploys, low, high in _windows(asked, PROD, 2, 5):
        if case := _went_out(asked, PROD, deploys, {"low": low, "high": high}):
            yield case


@template(
    "out.staging",
    "what went out to staging between {low} and {high}?",
    "what was deployed or applied in staging between {low} and {high}?",
)
def out_staging(asked: Asked) -> Iterator[Case]:
    """Staging only."""
    for deploys, low, high in _windows(asked, STAGING, 2, 4):
        if case := _went_out(asked, STAGING, deploys, {"low": low, "high": high}):
            yield case


@template(
    "out.before",
    "what was the last thing that went out to prod before {time}?",
    "what went out to prod right before {time}?",
    "what was the most recent deploy or apply in prod before {time}?",
)
def out_before(asked: Asked) -> Iterator[Case]:
    """The newest arrival before a moment."""
    for deploy in asked.shuffled(asked.arrivals()):
        at = (deploy.finished_at + timedelta(minutes=asked.random.randint(9, 50))).replace(second=0)
        later = [d for d in asked.arrivals() if deploy.finished_at < d.finished_at]
        if asked.quiet_around(at, 5) and all(d.started_at > at for d in later):
            expect = Expect(
                first=(*asked.deployed(deploy), *asked.api_calls(deploy)), cites=(asked.cites_deploy(deploy),)
            )
            yield Case({"time": asked.time(at)}, expect, ("deployments", "git", "github"))


@template(
    "out.after",
    "what was the first thing that went out to prod after {time}?",
    "after {time}, what went out to prod first?",
)
def out_after(asked: Asked) -> Iterator[Case]:
    """The oldest arrival after a moment."""
    for deploy in asked.shuffled(asked.arrivals()):
        at = (deploy.started_at - timedelta(minutes=asked.random.randint(9, 50))).replace(second=0)
        earlier = [d for d in asked.arrivals() if d.finished_at < deploy.finished_at]
        if asked.quiet_around(at, 5) and all(d.finished_at < at for d in earlier):
            expect = Expect(
                says=(
                    (
                        deploy.id,
                        deploy.version,
                        *[str(n) for _, n in deploy.pulls],
                        deploy.sha,
                        deploy.sha[:7],
                        deploy.sha[:8],
                        deploy.sha[:10],
                        str(deploy.run_id),
                    ),
                ),
                cites=(asked.cites_deploy(deploy),),
            )
            yield Case({"time": asked.time(at)}, expect, ("deployments", "git", "github"))


@template(
    "out.service",
    "which versions of {service} went out to prod between {low} and {high}?",
    "what did we deploy for {service} in prod between {low} and {high}?",
)
def out_service(asked: Asked) -> Iterator[Case]:
    """Of one service."""
    for service in asked.shuffled(list(asked.world.organisation.services)):
        deploys = [d for d in asked.service_deploys() if d.service == service.name]
        if len(deploys) < 2:
            continue
        low, high = deploys[0].started_at - timedelta(hours=2), deploys[-1].finished_at + timedelta(hours=2)
        case = _went_out(
            asked, PROD, deploys[::-1], {"service": service.name, "low": asked.time(low), "high": asked.time(high)}
        )
        if case:
            expect = Expect(
                contains=case.expect.contains,
                ordered=True,
                allowed=(),
                spans=case.expect.spans,
                cites=case.expect.cites,
                says=tuple((d.version,) for d in deploys[-1:]),
            )
            yield Case(case.words, expect, case.sources)


@template("out.pulls", "which pull requests reached prod on {day}?", "which PRs went live in prod on {day}?")
def out_pulls(asked: Asked) -> Iterator[Case]:
    """Pull requests by arrival, not by merge."""
    days = {d.finished_at.date() for d in asked.arrivals() if d.pulls}
    for day in asked.shuffled(sorted(days)):
        deploys = [d for d in asked.arrivals() if d.finished_at.date() == day]
        if any(d.started_at.date() != day or d.kind == "rollback" for d in deploys):
            continue
        pulls = [asked.world.pull(*p) for d in deploys for p in d.pulls]
        if not 1 <= len(pulls) <= 5:
            continue
        here = {p.locator for p in pulls}
        tokens = tuple(token for d in deploys for token in (*asked.deployed(d), *asked.api_calls(d)))
        absent = tuple(
            p.locator for p in asked.world.pulls if p.locator not in here and p.merged_at and p.merged_at.date() == day
        )
        expect = Expect(
            contains=tuple(
                asked.change(p)
                + tuple(t for d in deploys if (p.repository, p.number) in d.pulls for t in (d.id, str(d.run_id)))
                for p in pulls
            ),
            allowed=tokens,
            spans=_spans(deploys),
            absent=absent,
            cites=tuple(asked.cites_code(p) for p in pulls),
            says=tuple((str(p.number),) for p in pulls[:1]),
        )
        yield Case({"day": asked.day(deploys[0].finished_at)}, expect, ("deployments", "github"))
