"""Edits by hand, and those that were none or elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bench.world.asking import Asked, Case, template
from bench.world.expect import Expect
from bench.world.model import PROD, STAGING, AuditTruth

HOUR = timedelta(hours=1)


def _noun(asked: Asked, edit: AuditTruth) -> str:
    organisation = asked.world.organisation
    kind, _, service = edit.thing.partition(":")
    db = organisation.database
    names = {
        "idle_timeout": ("the edge load balancer", "aws_lb.edge", "the idle timeout of the edge load balancer"),
        "db_class": (f"the {db} database", f"aws_db_instance.{db}", f"the instance class of the {db} database"),
        "queue_visibility": ("the work queues", "aws_sqs_queue.work", f"the {edit.arn.rpartition(':')[2]} queue"),
        "alarm_threshold": ("the queue depth alarm", "aws_cloudwatch_metric_alarm.queue_depth"),
        "rule_path": (
            f"the {service} listener rule",
            f"aws_lb_listener_rule.{service}",
            f"the listener rule of {service}",
        ),
        "db_group": (f"the {db} database security group", f"aws_security_group.{db}"),
    }
    return asked.random.choice((*names[kind], edit.arn))


def _same_resource(asked: Asked, edit: AuditTruth) -> list[AuditTruth]:
    return [
        a
        for a in asked.world.audit
        if a.thing == edit.thing and a.environment == edit.environment and a.manual and not a.failed
    ]


def _by(asked: Asked, edit: AuditTruth, words: dict[str, str]) -> Case:
    elsewhere = tuple(a.id for a in asked.edits() if a.thing == edit.thing and a.environment != edit.environment)
    refused = tuple(a.id for a in asked.edits(failed=True))
    expect = Expect(
        says=(asked.person(edit.person),), by=asked.person(edit.person), first=(edit.id,), never=asked.others(edit.person),
        absent=(*elsewhere, *refused), cites=((edit.id,),),
    )  # fmt: skip
    return Case(words, expect, ("cloudtrail", "terraform_state", "catalog"))


@template(
    "manual.who",
    "who changed {noun} by hand in {environment}?",
    "who edited {noun} manually in {environment}?",
    "somebody touched {noun} in {environment} outside of terraform. who?",
)
def manual_who(asked: Asked) -> Iterator[Case]:
    """The person behind an edit."""
    for edit in asked.shuffled(asked.edits()):
        if len(_same_resource(asked, edit)) == 1:
            yield _by(asked, edit, {"noun": _noun(asked, edit), "environment": edit.environment})


@template(
    "manual.when",
    "when was {noun} changed by hand in {environment}?",
    "when did somebody edit {noun} manually in {environment}?",
)
def manual_when(asked: Asked) -> Iterator[Case]:
    """The moment of an edit."""
    for edit in asked.shuffled(asked.edits()):
        if len(_same_resource(asked, edit)) == 1:
            case = _by(asked, edit, {})
            told = (
                f"{edit.at:%Y-%m-%d %H:%M}",
                f"{edit.at:%Y-%m-%dT%H:%M}",
                f"{edit.at:%H:%M}",
                f"{edit.at:%Y-%m-%dT%H:%M:%SZ}",
                f"{edit.at:%H:%M:%S}",
            )
            expect = Expect(says=(told,), first=(edit.id,), absent=case.expect.absent, cites=((edit.id,),))
            yield Case({"noun": _noun(asked, edit), "environment": edit.environment}, expect, case.sources)


@template(
    "manual.window",
    "what was changed by hand in {environment} between {low} and {high}?",
    "what changed outside of terraform in {environment} between {low} and {high}?",
    "were there manual changes in {environment} between {low} and {high}? which?",
)
def manual_window(asked: Asked) -> Iterator[Case]:
    """All edits of a window; applies, reads and refused calls are none."""
    for environment in asked.shuffled([PROD, STAGING]):
        edits = asked.edits(environment)
        for start in asked.shuffled(list(range(len(edits)))):
            inside = edits[start : start + asked.random.randint(1, 3)]
            low, high = (
                (inside[0].at - timedelta(hours=asked.random.randint(2, 30))).replace(second=0),
                (inside[-1].at + timedelta(hours=asked.random.randint(2, 30))).replace(second=0),
            )
            inside = [a for a in edits if low <= a.at <= high]
            others = [a.id for a in asked.world.audit if a.id not in {i.id for i in inside}]
            expect = Expect(
                contains=tuple((a.id,) for a in reversed(inside)),
                ordered=True,
                allowed=(),
                absent=tuple(others),
                says=tuple(asked.person(a.person) for a in inside) if len(inside) == 1 else (),
                cites=tuple((a.id,) for a in inside),
            )
            yield Case(
                {"environment": environment, "low": asked.time(low), "high": asked.time(high)},
                expect,
                ("cloudtrail", "terraform_state", "deployments"),
            )


@template(
    "manual.person",
    "what did {person} change by hand in {environment}?",
    "which manual changes did {person} make in {environment}?",
)
def manual_person(asked: Asked) -> Iterator[Case]:
    """A person's edits, under whatever account."""
    for edit in asked.shuffled(asked.edits()):
        mine = [a for a in asked.edits(edit.environment) if a.person == edit.person]
        mine_ids = {a.id for a in mine}
        others = tuple(a.id for a in asked.world.audit if a.id not in mine_ids)
        expect = Expect(
            contains=tuple((a.id,) for a in reversed(mine)),
            ordered=True,
            allowed=(),
            absent=others,
            cites=tuple((a.id,) for a in mine),
        )
        name = asked.world.organisation.person(edit.person).name
        yield Case({"person": name, "environment": edit.environment}, expect, ("cloudtrail", "catalog"))


@template(
    "manual.none",
    "did anybody change {noun} by hand in {environment}?",
    "was {noun} edited manually in {environment}? by whom?",
)
def manual_none(asked: Asked) -> Iterator[Case]:
    """It was edited, but in the other environment."""
    for edit in asked.shuffled(asked.edits()):
        other = PROD if edit.environment == STAGING else STAGING
        if not any(a.thing == edit.thing and a.environment == other and a.manual for a in asked.world.audit):
            noun = _noun(asked, edit)
            if noun.startswith("arn:") or noun.endswith("queue"):
                continue
            misplaced = ((edit.id, asked.person(edit.person)[:2], edit.environment, other),)
            yield Case(
                {"noun": noun, "environment": other},
                Expect(denies=True, misplaced=misplaced),
                ("cloudtrail", "terraform_state"),
            )


@template(
    "manual.refused", "did {person} change {noun} in prod on {day}?", "{person} changed {noun} in prod on {day}, right?"
)
def manual_refused(asked: Asked) -> Iterator[Case]:
    """It was tried and refused."""
    for edit in asked.shuffled(asked.edits(failed=True)):
        same_day = [
            a
            for a in asked.world.audit
            if a.thing == edit.thing and a.environment == PROD and a.at.date() == edit.at.date() and not a.failed
        ]
        if not same_day:
            words = {
                "person": asked.world.organisation.person(edit.person).name,
                "noun": _noun(asked, edit),
                "day": asked.day(edit.at),
            }
            yield Case(words, Expect(denies=True), ("cloudtrail", "catalog"))


@template(
    "manual.pipeline",
    "was the change of {arn} at {time} made by hand or by the pipeline?",
    "who or what changed {arn} at {time}: a person or the pipeline?",
)
def manual_pipeline(asked: Asked) -> Iterator[Case]:
    """By the pipeline; the pull request behind it."""
    for event in asked.shuffled([a for a in asked.world.audit if a.run_id]):
        apply = next(d for d in asked.world.deploys if d.run_id == event.run_id)
        near = [a for a in asked.world.audit if a.arn == event.arn and abs(a.at - event.at) < 2 * HOUR]
        if len(near) <= 2 and all(a.run_id == event.run_id for a in near):
            says = ("pipeline", "terraform", "apply", "run", "ci", "github-actions[bot]", str(event.run_id))
            first = (*(a.id for a in near), *asked.deployed(apply))
            expect = Expect(
                says=(says,),
                first=first,
                cites=(
                    tuple(a.id for a in near),
                    (
                        *asked.cites_deploy(apply),
                        *(t for p in apply.pulls for t in asked.cites_code(asked.world.pull(*p))),
                    ),
                ),
            )
            yield Case(
                {"arn": event.arn, "time": asked.time(event.at)}, expect, ("cloudtrail", "deployments", "github")
            )
