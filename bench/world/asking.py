"""What all question templates share: a question, ways to say times and people, the tokens by which an answer may name a thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

from bench.world.expect import Expect, Group, Reach
from bench.world.model import PROD, AuditTruth, DeployTruth, IncidentTruth, Pull, RunTruth, ThreadTruth, World

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Question:
    """A question to a world. `as_of`: the moment from which it is asked, when that matters."""

    id: str
    seed: int
    family: str
    question: str
    expect: Expect
    sources_needed: tuple[str, ...]
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """What a template found in a world: the words to fill in, and what is right."""

    words: dict[str, str]
    expect: Expect
    sources: tuple[str, ...]
    as_of: datetime | None = None


Finder = Callable[["Asked"], Iterator[Case]]


@dataclass(frozen=True, slots=True)
class Template:
    """A way of asking: `name` is `family.particular`; `wordings` are what people say, one is drawn for each question."""

    name: str
    wordings: tuple[str, ...]
    find: Finder

    @property
    def family(self) -> str:
        """What kind of question it is."""
        return self.name.partition(".")[0]


TEMPLATES: list[Template] = []


def template(name: str, *wordings: str) -> Callable[[Finder], Finder]:
    """Register a finder as a template."""

    def keep(find: Finder) -> Finder:
        TEMPLATES.append(Template(name, wordings, find))
        return find

    return keep


@dataclass(slots=True)
class Asked:
    """A world with a source of chance of its own, and the helpers that finders use."""

    world: World
    random: Random
    hand_edited: set[str] = field(default_factory=set[str])
    reverted: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])

    def __post_init__(self) -> None:
        self.hand_edited = {
            "db_cidr" if a.thing == "db_group" else a.thing for a in self.world.audit if a.manual and not a.failed
        }
        for pull in self.world.pulls:
            if pull.reverts:
                self.reverted |= {(pull.repository, pull.reverts), (pull.repository, pull.number)}

    # words

    def day(self, at: datetime) -> str:
        """A date, as people write it."""
        return self.random.choice((f"{at:%Y-%m-%d}", f"{at.day} {at:%B %Y}", f"{at:%B} {at.day}, {at.year}"))

    def time(self, at: datetime) -> str:
        """A moment, as people write it, in UTC."""
        return self.random.choice(
            (
                f"{at:%Y-%m-%d %H:%M}",
                f"{at:%Y-%m-%d %H:%M} UTC",
                f"{at:%H:%M} on {at:%Y-%m-%d}",
                f"{at:%Y-%m-%dT%H:%M}Z",
            )
        )

    def number(self, pull: Pull) -> str:
        """A pull request, as people write it, unmistakably."""
        short = pull.repository.partition("/")[2]
        same = [p for p in self.world.pulls if p.number == pull.number]
        forms = [f"{pull.repository}#{pull.number}", f"{short}#{pull.number}", f"PR #{pull.number} in {short}"]
        if len(same) == 1:
            forms += [f"PR #{pull.number}", f"PR {pull.number}", f"pull request #{pull.number}"]
        return self.random.choice(forms)

    def thing(self, pull: Pull) -> str:
        """What the pull request changes, in words."""
        return self.random.choice(pull.things)

    def shuffled(self, items: list[_T]) -> list[_T]:
        """The items in an order of chance."""
        out = list(items)
        self.random.shuffle(out)
        return out

    # people

    def person(self, key: str) -> Group:
        """The names by which an answer may tell a person."""
        person = self.world.organisation.person(key)
        return tuple(
            dict.fromkeys(
                filter(
                    None,
                    (
                        person.name,
                        person.github,
                        person.email,
                        person.git_name,
                        person.catalog,
                        person.iam_user,
                        person.sso,
                    ),
                )
            )
        )

    def others(self, *involved: str) -> tuple[str, ...]:
        """Names and logins of everybody who is not involved."""
        known = {token.lower() for key in involved for token in self.person(key)}
        people = [p for p in self.world.organisation.people if p.key not in involved]
        return tuple(token for p in people for token in (p.name, p.github) if token.lower() not in known)

    def involved(self, pull: Pull) -> list[str]:
        """Everybody who has to do with a pull request."""
        world = self.world
        out = [pull.author, pull.merged_by, *(r.by for r in pull.reviews)]
        if pull.thread:
            out += world.thread(pull.thread).people
        # those who brought it anywhere, and who else's work went with it
        for deploy in world.deploys:
            if (pull.repository, pull.number) in deploy.pulls:
                out.append(deploy.actor)
        return list(dict.fromkeys(key for key in out if key))

    # tokens

    def change(self, pull: Pull) -> Group:
        """The tokens of a pull request as a change."""
        return tuple(filter(None, (pull.locator, pull.merge_sha, pull.head_sha if pull.style == "merge" else "")))

    def chain(self, pull: Pull) -> Group:
        """The tokens of a pull request and of all that it led to: deploys, applies, their API calls."""
        deploys = [self.world.deploy(i) for i in pull.reached.values()]
        return (*self.change(pull), *(token for d in deploys for token in (*self.deployed(d), *self.api_calls(d))))

    def spans(self, pull: Pull) -> tuple[tuple[datetime, datetime], ...]:
        """When it was being deployed or applied: what changed then is the same change, as another system tells it."""
        gap = timedelta(minutes=1)
        deploys = [self.world.deploy(i) for i in pull.reached.values()]
        return tuple((d.started_at - gap, d.finished_at + gap) for d in deploys)

    def deployed(self, deploy: DeployTruth) -> Group:
        """The tokens of a deploy or apply as a change, with what it brought."""
        pulls = [self.world.pull(*p) for p in deploy.pulls]
        return (deploy.id, str(deploy.run_id), deploy.sha, *(token for p in pulls for token in self.change(p)))

    def cites_pull(self, pull: Pull) -> Group:
        """The citations of a pull request: itself, a review of it."""
        return (pull.locator, f"{pull.repository}/pull/{pull.number}")

    def cites_code(self, pull: Pull) -> Group:
        """The citations of a pull request or its commit."""
        return (*self.cites_pull(pull), pull.merge_sha, pull.head_sha)

    def cites_thread(self, thread: ThreadTruth) -> Group:
        """The citations of a thread: any of its messages."""
        return tuple("p" + ts.replace(".", "") for ts in thread.stamps) + thread.stamps

    def cites_deploy(self, deploy: DeployTruth) -> Group:
        """The citations of a deploy: itself, or the run that made it."""
        return (deploy.id, str(deploy.run_id))

    def api_calls(self, deploy: DeployTruth) -> Group:
        """The audit events of a deploy's run."""
        return tuple(a.id for a in self.world.audit if a.run_id == deploy.run_id)

    def reach(self, deploy: DeployTruth) -> Reach:
        """When a deploy reached its environment."""
        return Reach(deploy.environment, deploy.started_at, deploy.finished_at)

    # the world

    def run(self, deploy: DeployTruth) -> RunTruth:
        """The run that made a deploy."""
        return next(r for r in self.world.runs if r.id == deploy.run_id)

    def clear(self, kind: str = "", *, reached: str = "") -> list[Pull]:
        """Merged pull requests with nothing that could be mistaken for them: no edit by hand of the same thing, no revert, no shared thing."""
        out: list[Pull] = []
        for pull in self.world.pulls:
            if pull.merged_at is None or pull.kind not in ("infra", "service") or (kind and pull.kind != kind):
                continue
            if (
                pull.thing in self.hand_edited
                or (pull.repository, pull.number) in self.reverted
                or (reached and reached not in pull.reached)
            ):
                continue
            if any(p is not pull and p.thing == pull.thing for p in self.world.pulls):
                continue
            out.append(pull)
        return self.shuffled(out)

    def steady(self, pull: Pull) -> bool:
        """Whether nothing that brought it to prod was rolled back."""
        if PROD not in pull.reached:
            return True
        deploy = self.world.deploy(pull.reached[PROD])
        return not any(d.kind == "rollback" and d.service == deploy.service for d in self.world.deploys)

    def service_deploys(self, environment: str = PROD, *, outcome: str = "success") -> list[DeployTruth]:
        """Deploys of services, rollbacks too, in the order in which they finished."""
        return [d for d in self.world.deploys if d.service and d.environment == environment and d.outcome == outcome]

    def arrivals(self, environment: str = PROD) -> list[DeployTruth]:
        """Everything that reached an environment through a pipeline: deploys, rollbacks, applies."""
        return [d for d in self.world.deploys if d.environment == environment and d.outcome == "success"]

    def in_window(self, low: datetime, high: datetime, environment: str = PROD) -> list[DeployTruth]:
        """What finished in a window, newest first."""
        return [d for d in reversed(self.arrivals(environment)) if low <= d.finished_at <= high]

    def quiet_around(self, at: datetime, minutes: float, environment: str = PROD) -> bool:
        """Whether nothing changed in an environment around a moment."""
        gap = timedelta(minutes=minutes)
        deploys = [t for d in self.world.deploys if d.environment == environment for t in (d.started_at, d.finished_at)]
        edits = [a.at for a in self.world.audit if a.environment == environment]
        return all(abs(t - at) > gap for t in (*deploys, *edits))

    def edits(self, environment: str = "", *, failed: bool = False) -> list[AuditTruth]:
        """Edits by hand."""
        return [
            a
            for a in self.world.audit
            if a.manual and a.failed == failed and (not environment or a.environment == environment)
        ]

    def incident_name(self, incident: IncidentTruth) -> str:
        """An incident, as people write it."""
        return self.random.choice(
            (
                f"incident #{incident.number}",
                f'incident {incident.number} ("{incident.title}")',
                f"incident {incident.id}",
            )
        )
