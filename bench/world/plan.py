"""Which pull requests there are: who changes what, when, reviewed and merged by whom. Times and people only; nothing is deployed here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from bench.world.infrastructure import Knob, Values
from bench.world.model import PROD, Organisation, Pull, ReviewTruth, Service
from examples.formats.output import hex_id

CONFIG = {
    "http_timeout_s": ("HTTP timeout", ("5", "10", "15", "30"), ("upstream calls gave up while the bank was still answering", "a hung partner blocked every request thread")),
    "db_pool_size": ("database pool size", ("10", "20", "30", "40"), ("requests queued for a connection at every full hour", "we were the noisiest client of the database")),
    "retry_limit": ("retry limit", ("1", "2", "3", "5"), ("one dropped packet surfaced as an error to customers", "retries piled up and kept a sick backend down")),
    "cache_ttl_s": ("cache TTL", ("30", "60", "300", "900"), ("stale prices stayed on the page for too long", "the same lookup hit the database forty times a second")),
    "worker_threads": ("worker thread count", ("4", "8", "12", "16"), ("half of the cores were idle while work waited", "memory grew with every thread that we added")),
    "rate_limit_rps": ("rate limit", ("50", "100", "200", "400"), ("a crawler took all of the capacity", "our largest partner ran into the limit every morning")),
    "batch_size": ("batch size", ("50", "100", "250", "500"), ("transactions held locks for several seconds", "the export could not finish before opening hours")),
}  # fmt: skip
"""Configuration key -> (what people call it, values, reasons)."""

FIXES = (
    ("Fix rounding of totals in {s}", "rounding", "totals differed by a cent from what the invoice showed"),
    ("{s}: accept addresses without a postcode", "addresses", "customers in Ireland could not finish the form"),
    ("{s}: stop logging request bodies", "logging", "personal data showed up in the log search"),
    ("Handle empty pages in {s}", "paging", "the last page crashed when it held nothing"),
    ("{s}: time out idle database sessions", "sessions", "forgotten transactions kept the vacuum from running"),
    ("Add a health endpoint to {s}", "health", "the load balancer sent traffic to pods that were still warming up"),
)


@dataclass(slots=True)
class Plan:
    """Pull requests in the order in which they are merged, then those that are not; and what each knob and configuration key begins as."""

    pulls: list[Pull] = field(default_factory=list[Pull])
    config: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    knobs: list[Knob] = field(default_factory=list[Knob])


@dataclass(slots=True)
class Calendar:
    """Working hours of the world. No two moments that it gives are within the same minute."""

    random: Random
    start: datetime
    days: int
    _used: set[int] = field(default_factory=set[int])

    def moment(self, day: float) -> datetime:
        """A moment in the working hours of this day of the world, or of the next weekday."""
        at = self.start + timedelta(
            days=int(day),
            hours=self.random.randint(8, 16),
            minutes=self.random.randint(0, 59),
            seconds=self.random.randint(0, 59),
        )
        while at.weekday() > 4:
            at += timedelta(days=1)
        return self.free(at)

    def after(self, at: datetime, low_min: float, high_min: float) -> datetime:
        """A moment so many minutes later."""
        return self.free(at + timedelta(seconds=self.random.randint(int(low_min * 60), int(high_min * 60))))

    def free(self, at: datetime) -> datetime:
        """This moment, or the first later one whose minute nothing else took."""
        while int(at.timestamp()) // 60 in self._used:
            at += timedelta(seconds=61)
        self._used.add(int(at.timestamp()) // 60)
        return at.replace(microsecond=0)


def make_plan(
    random: Random, organisation: Organisation, knobs: list[Knob], values: Values, calendar: Calendar
) -> Plan:
    """The pull requests of a world."""
    config: dict[str, dict[str, str]] = {}
    for service in organisation.services:
        keys = sorted(random.sample(sorted(CONFIG), 4))
        config[service.name] = {key: random.choice(CONFIG[key][1]) for key in keys}
    plan = Plan(config=config, knobs=knobs)
    # nothing is changed twice but by a revert: then "why was it changed" has one answer
    left = {s.name: [*sorted(config[s.name]), *FIXES] for s in organisation.services}
    chosen = random.sample(knobs, min(len(knobs), random.randint(11, 15)))
    makers: list[Callable[[datetime], Pull]] = []
    makers += [_maker(_infra, random, organisation, knob, values) for knob in chosen]
    for _ in range(random.randint(14, 22)):
        service = random.choice([s for s in organisation.services if left[s.name]])
        what = left[service.name].pop(random.randrange(len(left[service.name])))
        makers.append(_maker(_service, random, organisation, service, config, what))
    makers += [
        _maker(_bump, random, organisation, organisation.infra_repository, i) for i in range(random.randint(1, 3))
    ]
    makers += [
        _maker(_docs, random, organisation, organisation.infra_repository, i) for i in range(random.randint(1, 2))
    ]
    random.shuffle(makers)
    last = calendar.days - 16
    days = sorted(random.uniform(1, last) for _ in makers)
    for maker, day in zip(makers, days, strict=True):
        plan.pulls.append(_reviewed(random, organisation, calendar, maker(calendar.moment(day))))
    _revert(random, organisation, calendar, plan)
    # the last weeks: some that are still open, one that was given up
    unused = [knob for knob in knobs if knob not in chosen]
    for i, knob in enumerate(unused[:2]):
        pull = _infra(random, organisation, knob, values, calendar.moment(calendar.days - 9 + i))
        if i == 0:
            pull.closed_at = calendar.after(pull.created_at, 600, 2000)
        plan.pulls.append(_only_looked_at(random, organisation, calendar, pull))
    service = random.choice([s for s in organisation.services if left[s.name]])
    what = random.choice(left[service.name])
    late = _service(random, organisation, service, config, what, calendar.moment(calendar.days - 6))
    plan.pulls.append(_only_looked_at(random, organisation, calendar, late))
    _number(random, plan)
    return plan


def _maker(make: Callable[..., Pull], *arguments: object) -> Callable[[datetime], Pull]:
    return lambda at: make(*arguments, at)


def _infra(random: Random, organisation: Organisation, knob: Knob, values: Values, at: datetime) -> Pull:
    environments = organisation.environments
    if knob.scope == "environment":
        environments = ("prod",) if random.random() < 0.7 else ("staging",)
    before = values[knob.key][environments[-1]]
    after = random.choice([v for v in knob.values if v != before])
    author = random.choice(organisation.people)
    thing = knob.things[0]
    where = f" in {environments[0]}" if knob.scope == "environment" else ""
    title = random.choice((
        f"Change {thing}{where} to {after}",
        f"{knob.module}: {knob.things[1].removeprefix('the ')}{where} {before} -> {after}",
        f"Set {thing}{where} from {before} to {after}",
    ))  # fmt: skip
    return Pull(
        organisation.infra_repository, 0, "infra", title, "", author.key, _branch(random, author.key, knob.key), at,
        thing=knob.key, things=tuple(f"{t}{where}" for t in knob.things), environments=environments, before=before, after=after,
        reason=random.choice(knob.reasons), link=random.choice(("url_in_thread", "url_in_thread", "permalink_in_body", "permalink_in_body", "none", "body")),
        style=random.choice(("squash", "squash", "merge")), skip_prod=random.random() < 0.15,
    )  # fmt: skip


def _service(
    random: Random,
    organisation: Organisation,
    service: Service,
    config: dict[str, dict[str, str]],
    what: str | tuple[str, str, str],
    at: datetime,
) -> Pull:
    author = random.choice(organisation.people)
    common = {
        "link": random.choice(("url_in_thread", "permalink_in_body", "none", "body", "")),
        "style": random.choice(("squash", "squash", "merge")),
        "skip_prod": random.random() < 0.2,
        "hotfix": random.random() < 0.08,
    }
    if isinstance(what, str):
        key = what
        called, choices, reasons = CONFIG[key]
        before = config[service.name][key]
        after = random.choice([v for v in choices if v != before])
        title = random.choice(
            (f"{service.name}: {key} {before} -> {after}", f"Change the {called} of {service.name} to {after}")
        )
        things = (f"the {called} of {service.name}", f"{key} of {service.name}", f"the {service.name} {called}")
        thing, reason = f"{service.name}.{key}", random.choice(reasons)
    else:
        pattern, word, reason = what
        title, thing, things, before, after = pattern.format(s=service.name), f"{service.name}:{word}", (), "", ""
    pull = Pull(
        organisation.service_repository, 0, "service", title, "", author.key, _branch(random, author.key, thing), at,
        service=service.name, thing=thing, things=things, environments=organisation.environments, before=before, after=after, reason=reason,
    )  # fmt: skip
    for name, value in common.items():
        setattr(pull, name, value)
    if pull.hotfix:
        pull.style = "merge"
    return pull


def _bump(random: Random, organisation: Organisation, repository: str, index: int, at: datetime) -> Pull:
    name = ("actions/checkout", "hashicorp/setup-terraform", "aws-actions/configure-aws-credentials")[index % 3]
    return Pull(
        repository, 0, "bump", f"chore(deps): update {name} action to v{random.randint(4, 9)}", "This PR contains the following updates.",
        "bot:renovate", f"renovate/{name.replace('/', '-')}", at, thing=f"bump:{name}",
    )  # fmt: skip


def _docs(random: Random, organisation: Organisation, repository: str, index: int, at: datetime) -> Pull:
    author = random.choice(organisation.people)
    service = organisation.services[index].name
    return Pull(
        repository, 0, "docs", f"docs: how to restart {service}", "Notes from the last rotation.",
        author.key, _branch(random, author.key, f"docs-{service}"), at, thing=f"docs:{service}",
    )  # fmt: skip


def _branch(random: Random, key: str, thing: str) -> str:
    slug = "".join(c if c.isalnum() else "-" for c in thing.lower()).strip("-")
    return f"{random.choice(('feature', 'fix', key.split('.')[0]))}/{slug}"


def _others(organisation: Organisation, key: str) -> list[str]:
    return [p.key for p in organisation.people if p.key != key]


def _reviewed(random: Random, organisation: Organisation, calendar: Calendar, pull: Pull) -> Pull:
    at = pull.created_at
    names = random.sample(_others(organisation, pull.author), min(3, len(organisation.people) - 1))
    alone = pull.kind == "docs" and random.random() < 0.7
    if pull.hotfix:
        at = calendar.after(at, 50, 70)  # it is on prod before anybody has looked at it
    if not alone:
        if random.random() < 0.2:
            at = calendar.after(at, 20, 300)
            body = random.choice(
                ("Please add a note why.", "Does staging need this as well?", "Let's wait for the numbers.")
            )
            pull.reviews.append(ReviewTruth(names[2], "CHANGES_REQUESTED", at, body))
        elif random.random() < 0.2:
            at = calendar.after(at, 10, 200)
            pull.reviews.append(ReviewTruth(names[2], "COMMENTED", at, "Nit: sort these."))
        for name in names[: random.choice((1, 1, 2))]:
            at = calendar.after(at, 8, 20) if pull.hotfix else calendar.after(at, 15, 900)
            pull.reviews.append(
                ReviewTruth(name, "APPROVED", at, random.choice(("", "LGTM", "Looks good", "Thanks, ship it")))
            )
    pull.merged_at = calendar.after(at, 3, 10 if pull.hotfix else 180)
    merger = (
        random.choice([pull.author, pull.author, *pull.approvers]) if not pull.author.startswith("bot:") else names[0]
    )
    pull.merged_by = merger
    return pull


def _only_looked_at(random: Random, organisation: Organisation, calendar: Calendar, pull: Pull) -> Pull:
    if random.random() < 0.5:
        who = random.choice(_others(organisation, pull.author))
        pull.reviews.append(
            ReviewTruth(who, "COMMENTED", calendar.after(pull.created_at, 30, 300), "I need to think about this.")
        )
    pull.hotfix = pull.skip_prod = False
    return pull


def _revert(random: Random, organisation: Organisation, calendar: Calendar, plan: Plan) -> None:
    candidates = [
        p
        for p in plan.pulls
        if p.kind == "infra"
        and p.merged_at
        and (calendar.start + timedelta(days=calendar.days - 30)) > p.merged_at
        and not p.skip_prod
    ]
    if not candidates or random.random() < 0.25:
        return
    old = random.choice(candidates)
    if old.merged_at is None:
        return
    author = random.choice(organisation.people)
    created = calendar.moment((old.merged_at - calendar.start).days + random.randint(4, 9))
    pull = Pull(
        old.repository, 0, "infra", f'Revert "{old.title}"', "", author.key, f"revert-{old.branch.replace('/', '-')}", created,
        thing=old.thing, things=old.things, environments=old.environments, before=old.after, after=old.before,
        reason="the change made things worse and nobody could say why", link="", reverts=-1,
    )  # fmt: skip
    plan.pulls.append(_reviewed(random, organisation, calendar, pull))
    pull.body = old.title  # replaced when numbers are known


def _number(random: Random, plan: Plan) -> None:
    counters: dict[str, int] = {}
    for pull in sorted(plan.pulls, key=lambda p: p.created_at):
        if pull.repository not in counters:
            counters[pull.repository] = random.randint(120, 900)
        counters[pull.repository] += random.choice((1, 1, 1, 2, 3))
        pull.number = counters[pull.repository]
        pull.head_sha = hex_id("head", pull.repository, pull.number, digits=40)
        pull.base_sha = hex_id("base", pull.repository, pull.number, digits=40)
    for pull in plan.pulls:
        if pull.reverts:
            old = next(p for p in plan.pulls if p.thing == pull.thing and p is not pull)
            pull.reverts = old.number
            pull.body = f"Reverts {pull.repository}#{old.number}"
    plan.pulls.sort(key=lambda p: (p.merged_at is None, p.merged_at or p.created_at))


def reaches(pull: Pull, environment: str) -> bool:
    """Whether the change is one that can reach this environment."""
    return environment in pull.environments and (environment != PROD or pull.kind in ("infra", "service"))
