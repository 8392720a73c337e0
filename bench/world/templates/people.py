"""What a person did, and who is behind an account."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bench.world.asking import Asked, Case, template
from bench.world.expect import Expect


@template(
    "person.day",
    "what did {person} do on {day}?",
    "what was {person} up to on {day}?",
    "show me everything {person} did on {day}",
)
def person_day(asked: Asked) -> Iterator[Case]:
    """Across systems: merges, approvals, deploys, edits by hand, messages."""
    world = asked.world
    for person in asked.shuffled(list(world.organisation.people)):
        days = {a.at.date() for a in asked.edits() if a.person == person.key} | {
            d.finished_at.date() for d in asked.service_deploys() if d.actor == person.key
        }
        for day in asked.shuffled(sorted(days)):
            acts: list[tuple[str, ...]] = [
                (a.id,) for a in asked.edits() if a.person == person.key and a.at.date() == day
            ]
            systems = {"cloudtrail"} if acts else set[str]()
            for deploy in world.deploys:
                if deploy.actor == person.key and deploy.finished_at.date() == day and deploy.outcome == "success":
                    acts.append(asked.cites_deploy(deploy))
                    systems.add("deployments")
            for pull in world.pulls:
                opened = pull.author == person.key and pull.created_at.date() == day
                merged = pull.merged_by == person.key and pull.merged_at is not None and pull.merged_at.date() == day
                approved = any(
                    r.by == person.key and r.state == "APPROVED" and r.at.date() == day for r in pull.reviews
                )
                if opened or merged or approved:
                    acts.append(asked.cites_code(pull))
                    systems.add("github")
            links = [link for link, _, at in world.messages.get(person.key, []) if at.date() == day]
            if links:
                systems.add("slack")
            if len(systems) >= 2 and 2 <= len(acts) <= 7:
                cites = list(acts)
                if links:
                    cites.append(tuple("p" + link.partition("/p")[2].partition("?")[0] for link in links))
                first_names = [p for p in world.organisation.people if p.name.split()[0] == person.name.split()[0]]
                start = datetime(day.year, day.month, day.day, tzinfo=world.start.tzinfo)
                strange = tuple(a.id for a in world.audit if a.person and a.person != person.key)
                words = {
                    "person": person.name
                    if len(first_names) > 1 or asked.random.random() < 0.7
                    else person.name.split()[0],
                    "day": asked.day(start),
                }
                yield Case(words, Expect(cites=tuple(cites), absent=strange), tuple(sorted(systems)))


@template(
    "person.github",
    "who is {login} on GitHub?",
    "which person is behind the GitHub account {login}?",
    "whose login is {login}?",
)
def person_github(asked: Asked) -> Iterator[Case]:
    """From a login to a person."""
    for person in asked.shuffled(list(asked.world.organisation.people)):
        if person.github in _seen(asked):
            yield Case(
                {"login": person.github},
                Expect(says=((person.name,),), never=asked.others(person.key)),
                ("github", "catalog"),
            )


def _seen(asked: Asked) -> set[str]:
    return {
        asked.world.organisation.person(k).github
        for p in asked.world.pulls
        for k in (p.author, p.merged_by, *(r.by for r in p.reviews))
        if k
    }


@template("person.session", "who is behind {arn}?", "which person is {arn}?", "who is the session {arn}?")
def person_session(asked: Asked) -> Iterator[Case]:
    """From a role session or IAM user in the audit log to a person."""
    for edit in asked.shuffled(asked.edits()):
        yield Case(
            {"arn": edit.principal},
            Expect(says=((asked.world.organisation.person(edit.person).name,),), never=asked.others(edit.person)),
            ("cloudtrail", "catalog"),
        )


@template(
    "person.pipeline_session",
    "which pipeline run was the AWS session {session}?",
    "what did the role session {session} belong to?",
)
def person_pipeline(asked: Asked) -> Iterator[Case]:
    """From a role session of the pipeline to its run, and what it applied."""
    for event in asked.shuffled([a for a in asked.world.audit if a.run_id and str(a.run_id) in a.principal]):
        apply = next(d for d in asked.world.deploys if d.run_id == event.run_id)
        if apply.pulls:
            says = (apply.id, *(token for _, number in apply.pulls for token in (f"#{number}", str(number))))
            expect = Expect(says=(says,), cites=((apply.id, f"runs/{event.run_id}"),))
            yield Case(
                {"session": asked.random.choice((event.principal, event.principal.rpartition("/")[2]))},
                expect,
                ("cloudtrail", "github"),
            )


@template("person.slack", "who is {display} on Slack?", "which person is the Slack user {display}?")
def person_slack(asked: Asked) -> Iterator[Case]:
    """From a Slack handle to a person; the same person's GitHub login."""
    for person in asked.shuffled(list(asked.world.organisation.people)):
        yield Case(
            {"display": asked.random.choice((person.slack_name, f"@{person.slack_name}", person.slack_id))},
            Expect(says=((person.name,),), never=asked.others(person.key)),
            ("slack", "catalog"),
        )


@template(
    "person.accounts", "which accounts does {person} have?", "what are the logins of {person} on GitHub and Slack?"
)
def person_accounts(asked: Asked) -> Iterator[Case]:
    """All accounts of a person."""
    for person in asked.shuffled(list(asked.world.organisation.people)):
        if person.github in _seen(asked):
            says = ((person.github,), (person.email, person.slack_name, person.slack_id))
            yield Case(
                {"person": person.name},
                Expect(says=says, never=asked.others(person.key)),
                ("github", "slack", "catalog"),
            )
