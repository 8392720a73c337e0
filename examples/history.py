"""Two years of Tealeaf's infrastructure repository, as pull requests in order."""

from __future__ import annotations

import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from examples.company import BOT, ENGINEERS, GITHUB, INES, MAYA, OMAR, ORGANISATION, SERVICES, TOMAS, YUKI
from examples.git_writer import GitWriter, Identity
from examples.services_code import CODEOWNERS, RUNBOOK, WORKFLOW, manifest
from examples.terraform_code import Knobs, terraform_files

START = datetime(2024, 11, 4, 9, 0, tzinfo=UTC)
END = datetime(2026, 10, 30, 17, 0, tzinfo=UTC)
SEED = 20241104

Step = tuple[str, Callable[[], None]]
"""A commit inside a pull request: its message and what it turns."""


@dataclass(frozen=True, slots=True)
class Merged:
    """A pull request of the history. Commits are told by their mark in the `GitWriter`.

    `tip` is the mark of the branch's last commit, 0 when it was squashed; `before` and `after` are what Terraform's files said.
    """

    number: int
    title: str
    body: str
    author: Identity
    reviewer: Identity
    merged_at: datetime
    mark: int
    tip: int
    base: int
    messages: tuple[str, ...]
    before: Knobs
    after: Knobs
    files: tuple[str, ...]

    @property
    def squashed(self) -> bool:
        """Whether its commits became one."""
        return not self.tip


@dataclass(frozen=True, slots=True)
class Released:
    """A commit of the bot that sets a service's version in an environment."""

    service: str
    environment: str
    version: str
    previous: str
    at: datetime
    mark: int


@dataclass(slots=True)
class History:
    """The repository being written: knobs, versions of services, and the next pull request's number."""

    git: GitWriter = field(default_factory=GitWriter)
    knobs: Knobs = field(default_factory=Knobs)
    versions: dict[tuple[str, str], str] = field(
        default_factory=lambda: {(s.name, e): "1.0.0" for s in SERVICES for e in ("staging", "prod")}
    )
    replicas: dict[str, int] = field(default_factory=lambda: {s.name: 3 for s in SERVICES})
    memory_mib: dict[str, int] = field(default_factory=lambda: {s.name: 512 for s in SERVICES})
    extra: dict[str, str] = field(default_factory=dict[str, str])
    number: int = 0
    applied: list[tuple[datetime, Knobs]] = field(default_factory=list[tuple[datetime, Knobs]])
    """The knobs as they stood after each pull request: what an apply right after it made real."""
    pulls: list[Merged] = field(default_factory=list[Merged])
    releases: list[Released] = field(default_factory=list[Released])

    def tree(self) -> dict[str, str]:
        """All files as they stand now."""
        files = terraform_files(self.knobs) | self.extra
        for service in SERVICES:
            for environment in ("staging", "prod"):
                count = self.replicas[service.name] if environment == "prod" else 1
                text = manifest(
                    service, environment, self.versions[service.name, environment], count, self.memory_mib[service.name]
                )
                files[f"services/{service.name}/{environment}.yaml"] = text
        return files

    def merge(
        self, title: str, body: str, author: Identity, at: datetime, steps: list[Step], reviewer: Identity
    ) -> None:
        """A pull request with a merge commit; its commits come an hour apart before it."""
        self.number += 1
        branch_tip, first = self.git.tip, self.git.tip
        files, knobs = dict(self.git.files), deepcopy(self.knobs)
        for index, (message, turn) in enumerate(steps):
            turn()
            when = at - timedelta(hours=len(steps) - index)
            branch_tip = self.git.commit(
                message, author, when, self.tree(), parent=branch_tip, branch=f"refs/heads/topic/{self.number}"
            )
        slug = title.lower().replace(" ", "-")[:40]
        message = f"Merge pull request #{self.number} from {ORGANISATION}/{slug}\n\n{title}\n\n{body}\n\nReviewed-by: {reviewer.name} <{reviewer.email}>\n"
        mark = self.git.commit(message, reviewer, at, self.tree(), committer=GITHUB, parent=first, merge=branch_tip)
        said = tuple(message for message, _ in steps)
        self._keep(title, body, author, reviewer, at, (mark, branch_tip, first), said, knobs, files)
        self.applied.append((at + timedelta(minutes=9), deepcopy(self.knobs)))

    def squash(self, title: str, body: str, author: Identity, at: datetime, turn: Callable[[], None]) -> int:
        """A squashed pull request."""
        self.number += 1
        base, files, knobs = self.git.tip, dict(self.git.files), deepcopy(self.knobs)
        turn()
        mark = self.git.commit(f"{title} (#{self.number})\n\n{body}\n", author, at, self.tree(), committer=GITHUB)
        others = [who for who in ENGINEERS if who is not author]
        reviewer = others[self.number % len(others)]
        self._keep(title, body, author, reviewer, at, (mark, 0, base), (title,), knobs, files)
        self.applied.append((at + timedelta(minutes=9), deepcopy(self.knobs)))
        return mark

    def _keep(
        self, title: str, body: str, author: Identity, reviewer: Identity, at: datetime, marks: tuple[int, int, int],
        messages: tuple[str, ...], before: Knobs, files: dict[str, str],
    ) -> None:  # fmt: skip
        now = self.git.files
        changed = tuple(path for path in sorted({*files, *now}) if files.get(path) != now.get(path))
        mark, tip, base = marks
        self.pulls.append(
            Merged(self.number, title, body, author, reviewer, at, mark, tip, base, messages, before, deepcopy(self.knobs), changed)
        )  # fmt: skip


def write_history() -> History:
    """Play the two years."""
    h = History()
    h.git.commit(
        "Import the shop's infrastructure\n\nMoved from the console by hand, module by module.\n", MAYA, START, h.tree()
    )
    h.extra[".github/workflows/deploy.yml"] = WORKFLOW
    h.extra[".github/CODEOWNERS"] = CODEOWNERS
    h.extra["docs/runbooks/checkout-502.md"] = RUNBOOK
    h.git.commit("Add owners, the deploy workflow and a first runbook\n", MAYA, START + timedelta(days=1), h.tree())
    planned = sorted(_milestones(h), key=lambda item: item[0])
    rng = random.Random(SEED)
    now = START + timedelta(days=3)
    while now < END:
        while planned and planned[0][0] <= now:
            planned.pop(0)[1]()
        _deploy(h, rng, now)
        now += timedelta(days=rng.choice((1, 2, 2, 3)), minutes=rng.randrange(-180, 180))
    for _, play in planned:
        play()
    return h


def _deploy(h: History, rng: random.Random, at: datetime) -> None:
    """A release of one service: staging first, then prod an hour later."""
    service = rng.choice(SERVICES)
    major, minor, patch = map(int, h.versions[service.name, "prod"].split("."))
    version = f"{major}.{minor + 1}.0" if rng.random() < 0.3 else f"{major}.{minor}.{patch + 1}"
    for index, environment in enumerate(("staging", "prod")):
        previous = h.versions[service.name, environment]
        h.versions[service.name, environment] = version
        when = at + timedelta(hours=index)
        mark = h.git.commit(f"Deploy {service.name} {version} to {environment}\n", BOT, when, h.tree())
        h.releases.append(Released(service.name, environment, version, previous, when, mark))
    if rng.random() < 0.08:
        who = rng.choice(ENGINEERS)

        def turn() -> None:
            h.memory_mib[service.name] += 128

        h.squash(
            f"Give {service.name} more memory", "It was OOM-killed twice this week.", who, at + timedelta(hours=3), turn
        )


def _milestones(h: History) -> list[tuple[datetime, Callable[[], None]]]:
    """What people did on purpose, by date."""
    k = h.knobs

    def day(year: int, month: int, date: int, hour: int = 14) -> datetime:
        return datetime(year, month, date, hour, 2, tzinfo=UTC)

    def at(when: datetime, play: Callable[[datetime], object]) -> tuple[datetime, Callable[[], None]]:
        return when, lambda: (play(when), None)[1]

    def put(**values: object) -> Callable[[], None]:
        def turn() -> None:
            for name, value in values.items():
                setattr(k, name, value)

        return turn

    def rule(service: str, *, paths: list[str] | None = None, priority: int | None = None) -> Callable[[], None]:
        def turn() -> None:
            if paths is not None:
                k.rule_paths[service] = paths
            if priority is not None:
                k.rule_priorities[service] = priority

        return turn

    return [
        at(
            day(2024, 12, 2),
            lambda t: h.squash(
                "Keep database backups for 14 days", "The auditors ask for two weeks.", YUKI, t, put(backup_days=14)
            ),
        ),
        at(
            day(2025, 1, 15),
            lambda t: h.merge(
                "Split listener rules into their own file",
                "No change meant: main.tf had become too long to review.",
                TOMAS,
                t,
                [("Move listener rules to rules.tf", put(rules_file="rules.tf"))],
                MAYA,
            ),
        ),
        at(
            day(2025, 2, 20),
            lambda t: h.merge(
                "Close SSH on the edge",
                "Nobody has used the bastion since December. Agreed in #platform.",
                MAYA,
                t,
                [("Remove the SSH rule", put(ssh_cidr=None))],
                INES,
            ),
        ),
        at(
            day(2025, 4, 9),
            lambda t: h.squash(
                "Bigger database for spring",
                "p95 of order queries passed 400 ms.",
                OMAR,
                t,
                lambda: k.db_class.update(prod="db.r6g.xlarge"),
            ),
        ),
        at(
            day(2025, 6, 3),
            lambda t: h.squash(
                "Turn on deletion protection", "After the staging scare.", YUKI, t, put(db_deletion_protection=True)
            ),
        ),
        at(
            day(2025, 7, 22),
            lambda t: h.merge(
                "TLS 1.3 at the edge",
                "Old clients are below 0.1% of requests.",
                INES,
                t,
                [("Use the TLS 1.3 policy", put(ssl_policy="ELBSecurityPolicy-TLS13-1-2-2021-06"))],
                MAYA,
            ),
        ),
        at(
            day(2025, 9, 30),
            lambda t: h.squash(
                "Version the receipts bucket", "Legal wants to undo deletions.", OMAR, t, put(versioned_bucket=True)
            ),
        ),
        at(
            day(2025, 11, 18),
            lambda t: h.squash(
                "Prepare for Black Friday",
                "More cache, more tasks.",
                TOMAS,
                t,
                lambda: (put(cache_nodes=2)(), k.desired.update(prod=6), None)[2],
            ),
        ),
        at(
            day(2025, 12, 5),
            lambda t: h.squash(
                "Back to normal capacity",
                "Black Friday is over.",
                TOMAS,
                t,
                lambda: (put(cache_nodes=1)(), k.desired.update(prod=3), None)[2],
            ),
        ),
        at(
            day(2026, 1, 27),
            lambda t: h.squash(
                "PostgreSQL 15",
                "14 leaves standard support this year.",
                YUKI,
                t,
                put(db_version="15.8", db_storage_gb=200),
            ),
        ),
        at(
            day(2026, 3, 4, 13),
            lambda t: h.merge(
                "Route express checkout through the checkout service",
                "The express button posts to /express; it answered 404 since the redesign.",
                TOMAS,
                t,
                [("Send /express to checkout", rule("checkout", paths=["/checkout/*", "/express/*"]))],
                INES,
            ),
        ),
        at(
            day(2026, 4, 14),
            lambda t: h.squash(
                "Longer visibility for the order queue",
                "Orders were taken twice when the warehouse API was slow.",
                OMAR,
                t,
                put(queue_visibility_s=120),
            ),
        ),
        at(
            day(2026, 5, 19),
            lambda t: h.merge(
                "Only the CDN may reach the edge",
                "Direct requests are scrapers.",
                INES,
                t,
                [("Restrict the edge to the CDN's ranges", put(edge_cidrs=["120.52.22.96/27", "205.251.249.0/24"]))],
                MAYA,
            ),
        ),
        at(
            day(2026, 6, 30),
            lambda t: h.squash(
                "Drain connections faster",
                "Deploys waited five minutes for nothing.",
                TOMAS,
                t,
                put(deregistration_s=60),
            ),
        ),
        at(
            day(2026, 8, 25),
            lambda t: h.merge(
                "Payments before checkout",
                "/pay/* under /checkout matched the wrong rule when both did.",
                INES,
                t,
                [
                    ("Raise the payments rule's priority", rule("payments", priority=5)),
                    ("Take /checkout/pay too", rule("payments", paths=["/pay/*", "/checkout/pay/*"])),
                ],
                TOMAS,
            ),
        ),
        at(day(2026, 9, 15), lambda t: h.git.commit("Align by hand\n", OMAR, t, (put(formatted=False)(), h.tree())[1])),
        at(day(2026, 9, 16), lambda t: h.git.commit("terraform fmt\n", BOT, t, (put(formatted=True)(), h.tree())[1])),
        at(
            day(2026, 10, 6),
            lambda t: h.squash(
                "Alarm earlier on the order queue",
                "We heard from a customer before the alarm.",
                YUKI,
                t,
                put(alarm_threshold=20),
            ),
        ),
    ]
