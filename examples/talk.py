"""What Tealeaf says on Slack: threads that decide about the pull requests, threads of incidents, a private channel, announcements and chatter."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from examples.company import (
    CONFIG_REPOSITORY,
    PEOPLE,
    REPOSITORY,
    SLACK_TEAM,
    SLACK_WORKSPACE,
    TEALEAF_BOT,
    TODAY,
    person,
    pull_url,
)
from examples.config_repository import REVERT, REVERTED
from examples.formats.deployments import Deployment
from examples.formats.output import letters, number_id
from examples.formats.slack import Reaction, SlackChannel, SlackMessage, permalink
from examples.incidents import incident_url

SEED = 47
_CHATTER = (
    "lunch anyone?", "the kettle on the second floor leaks again", "standup in 5", "is CI slow for you too?", "I'm out on Friday afternoon",
    "demo at 15:00 in the tasting room", "does anyone have a spare USB-C adapter?", "happy birthday Yuki!!", "retro notes are in the usual place",
    "the VPN kicks me out every hour", "new oolong samples at reception", "welcome Lena :wave:", "I'll be 10 minutes late", "can somebody water the camellia?",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A message: who, how many minutes after the thread began, what, and who put a thumb up."""

    who: str
    after: float
    text: str
    thumbs: tuple[str, ...] = ()
    edited: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    """A thread, or a single message. `pull`: the infra pull request whose description links it."""

    channel: str
    at: datetime
    lines: tuple[Line, ...]
    pull: int = 0


@dataclass(slots=True)
class Talk:
    """The workspace. `links`: pull request -> permalink of the thread that its description names."""

    channels: list[SlackChannel] = field(default_factory=list[SlackChannel])
    messages: list[SlackMessage] = field(default_factory=list[SlackMessage])
    links: dict[int, str] = field(default_factory=dict[int, str])


def _at(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def _infra(number: int) -> str:
    return f"<{pull_url(REPOSITORY, number)}>"


def _config(number: int) -> str:
    return f"<{pull_url(CONFIG_REPOSITORY, number)}>"


def conversations() -> list[Conversation]:
    """Everything that matters, by hand."""
    return [*_about_edge(), *_about_data(), *_about_settings(), *_about_incidents(), *_private()]


def _about_edge() -> Iterable[Conversation]:
    yield Conversation("platform", _at(2025, 2, 19, 10, 12), (
        Line("maya", 0, "The bastion had its last login on 3 December. Any reason to keep port 22 open on the edge?"),
        Line("omar", 4, "I use the session manager for everything now"),
        Line("ines", 9, "We agreed last quarter that nobody opens a shell over the internet. Go ahead and close it.", ("omar", "tomas")),
        Line("maya", 1630, f"PR is up: {_infra(9)}"),
    ))  # fmt: skip
    yield Conversation("platform", _at(2025, 7, 21, 13, 5), (
        Line("ines", 0, "TLS 1.2 only clients are down to 0.08% of the requests, and the auditors want 1.3 by autumn. I'd like to change the listener's policy."),
        Line("tomas", 6, "Paywell speaks 1.3 since May, so no objections from payments"),
        Line("maya", 12, "Agreed, go ahead with ELBSecurityPolicy-TLS13-1-2-2021-06.", ("tomas",)),
        Line("ines", 1447, f"here it is {_infra(20)}"),
    ))  # fmt: skip
    yield Conversation("platform", _at(2026, 3, 3, 15, 31), (
        Line("lena", 0, "The express button on the new product page posts to /express and gets a 404: no listener rule takes that path since the redesign. We lose about forty orders a day."),
        Line("tomas", 5, "checkout can answer it, it only has to arrive there"),
        Line("ines", 8, "Decision: /express/* goes to checkout, by its existing rule. No rule of its own, we have too many already.", ("lena", "tomas")),
        Line("tomas", 15, "will do it tomorrow before noon"),
    ), pull=36)  # fmt: skip
    yield Conversation("platform", _at(2026, 5, 18, 9, 40), (
        Line("ines", 0, "Two thirds of yesterday's requests came straight to the load balancer, past the CDN: scrapers that copy our prices. I want the edge's security group to let only the CDN's ranges in."),
        Line("maya", 7, "does anything of ours go around the CDN?"),
        Line("ines", 11, "health checks don't, the apps don't. I found nothing in the logs of the last hour"),
        Line("maya", 13, "Then go ahead.", ("ines",)),
        Line("ines", 1646, f"{_infra(41)} please review"),
    ))  # fmt: skip
    yield Conversation("platform", _at(2026, 6, 29, 16, 2), (
        Line("tomas", 0, "Every deploy waits five minutes for connections that were gone after ten seconds. Can we drain for 60 s instead of 300?"),
        Line("omar", 3, "+1, our longest request is the warehouse export with 40 s"),
        Line("maya", 10, "Agreed, 60 it is."),
        Line("tomas", 1290, f"PR: {_infra(45)}"),
    ))  # fmt: skip
    yield Conversation("platform", _at(2026, 8, 24, 13, 47), (
        Line("lena", 0, "Since payments 1.26.1 went out on Saturday the payment page posts to /checkout/pay/…, and 3% of the card payments end in a 405: the checkout rule takes the path before the payments rule is asked."),
        Line("tomas", 4, "that's 90 orders a day. I tried it on staging, with the payments rule in front everything works"),
        Line("ines", 9, "Then the payments rule should come first and take /checkout/pay/* too. Its priority is 10, the first free one before everything is 5."),
        Line("tomas", 14, "We agreed: payments wins whenever both rules match. Ines writes it, I review, not before tomorrow because orders goes out this afternoon.", ("ines", "lena", "maya")),
        Line("ines", 1399, f"PR is up: {_infra(47)}"),
        Line("tomas", 1452, "approved and merging", edited=True),
        Line("ines", 1478, "applied to staging and prod, no 405 for ten minutes :tada:", ("lena",)),
    ))  # fmt: skip


def _about_data() -> Iterable[Conversation]:
    yield Conversation("platform", _at(2025, 4, 8, 14, 20), (
        Line("omar", 0, "p95 of the order queries is at 430 ms and spring is not even here. Proposal: the next bigger class for the orders database in prod."),
        Line("yuki", 8, "CPU is at 85% at noon, memory is fine. db.r6g.xlarge costs us 210 a month more."),
        Line("maya", 16, "Agreed, take the xlarge. Staging stays as it is."),
        Line("omar", 1275, f"{_infra(12)}"),
    ))  # fmt: skip
    yield Conversation("platform", _at(2025, 5, 30, 17, 11), (
        Line("yuki", 0, "I nearly deleted the staging database with a wrong variable file. Nothing stopped me but a typo in my password."),
        Line("ines", 2, "ouch. deletion protection is off everywhere?"),
        Line("yuki", 3, "yes. Let's use it in both environments, I'll write it on Tuesday", ("ines", "maya")),
    ), pull=17)  # fmt: skip
    yield Conversation("platform", _at(2026, 1, 26, 9, 15), (
        Line("yuki", 0, "PostgreSQL 14 leaves standard support in autumn and then costs twice. 15.8 has run on my copy of prod since Wednesday without a complaint. I'd take 200 GB at the same time, we are at 83%."),
        Line("omar", 20, "orders' tests are green on 15"),
        Line("maya", 31, "Go ahead, Tuesday afternoon, and tell #incidents before."),
        Line("yuki", 1610, f"{_infra(34)}"),
        Line("yuki", 1803, "the first apply to prod was refused (AllowMajorVersionUpgrade was not set), I allowed it and ran it again: 15.8 it is"),
    ))  # fmt: skip
    yield Conversation("platform", _at(2026, 4, 13, 11, 3), (
        Line("omar", 0, "Eleven orders were packed twice last week: the warehouse API took 40 s, and after 30 s the queue gave the message to the next worker."),
        Line("yuki", 6, "longer visibility then. 120?"),
        Line("omar", 7, "Agreed, 120 seconds."),
        Line("omar", 1460, f"{_infra(38)}"),
    ))  # fmt: skip
    yield Conversation("platform", _at(2026, 10, 5, 9, 30), (
        Line("yuki", 0, "From the post-mortem of #38: the alarm on the order queue came nineteen minutes after the customer. Threshold 20 instead of 50?"),
        Line("omar", 5, "At 20 we had been woken up twice in the whole year without a reason. Fine with me, go ahead.", ("maya",)),
        Line("yuki", 1528, f"PR is up: {_infra(49)}"),
    ))  # fmt: skip
    yield Conversation("platform", _at(2026, 7, 14, 16, 44), (
        Line("omar", 0, "Heads up: for the load test I let /suggest/* go to search in prod, by hand in the console. I'll take it out on Thursday."),
        Line("maya", 6, "please write such things here *before* you do them"),
        Line("omar", 2430, "and out again"),
    ))  # fmt: skip


def _about_settings() -> Iterable[Conversation]:
    yield Conversation("fulfilment", _at(2026, 9, 24, 8, 52), (
        Line("omar", 0, "Workers wait three seconds for a warehouse that answers in 240 ms or not at all. I'd cut warehouse_timeout_ms to 300."),
        Line("lena", 11, "makes sense. is that p99 of all orders?"),
        Line("omar", 13, "of last night's"),
        Line("lena", 15, "Go ahead."),
        Line("omar", 42, f"{_config(REVERTED)}"),
    ))  # fmt: skip
    yield Conversation("fulfilment", _at(2026, 10, 19, 15, 10), (
        Line("omar", 0, "Again about the warehouse's timeout: the largest order of September took 310 ms in the median and 900 ms at worst. 1500 ms then?"),
        Line("maya", 9, "Agreed, with the alarm at 20 we will see it in time."),
        Line("omar", 1015, f"{_config(9)}"),
    ))  # fmt: skip
    yield Conversation("payments", _at(2026, 4, 1, 10, 0), (
        Line("tomas", 0, "0.5% of the calls to Paywell fail once and work the second time. Let's use two retries."),
        Line("maya", 25, "ok for me"),
        Line("tomas", 1580, f"{_config(4)}"),
    ))  # fmt: skip


def _about_incidents() -> Iterable[Conversation]:
    yield Conversation("incidents", _at(2026, 5, 19, 14, 27), (
        Line("tomas", 0, f"Incident #31: Payment confirmations do not arrive. I'm looking. <{incident_url(31)}>"),
        Line("tomas", 4, "payments 1.19.6 went to staging a quarter of an hour ago, but prod still runs 1.19.5. Rolling nothing back yet."),
        Line("maya", 9, "did anything else go out before it started?"),
        Line("ines", 21, f"{_infra(41)} reached prod at 14:11. Paywell's callbacks do not come through the CDN, do they?"),
        Line("tomas", 24, "they do not. That's it."),
        Line("ines", 36, "I let 203.0.113.64/26 in again, by hand in prod. It has to go into Terraform later."),
        Line("tomas", 41, "Resolved: all waiting callbacks have come."),
    ))  # fmt: skip
    yield Conversation("incidents", _at(2026, 9, 24, 11, 45), (
        Line("omar", 0, f"Incident #38: Orders pile up before the warehouse. I'm looking. <{incident_url(38)}>"),
        Line("priya", 3, "is that why a customer asked at 11:20 where her order is?"),
        Line("omar", 8, "probably. The warehouse answers, but our workers give up on large orders"),
        Line("ines", 19, f"that's {_config(REVERTED)}, in prod since 11:04"),
        Line("omar", 21, "We'll revert it."),
        Line("omar", 25, f"{_config(REVERT)}"),
        Line("omar", 49, "Resolved: the queue is empty."),
    ))  # fmt: skip
    yield Conversation("incidents", _at(2026, 10, 9, 17, 24), (
        Line("tomas", 0, f"Incident #41: Card payments fail at Paywell. I'm looking. <{incident_url(41)}>"),
        Line("lena", 2, "search 1.19.2 just went out, can that be it?"),
        Line("tomas", 5, "no, payments does not call search. Nothing of ours was changed."),
        Line("tomas", 12, "https://status.paywell.example says: card processing down in the EU since 17:15"),
        Line("tomas", 77, "Resolved: Paywell recovered, nothing to do on our side."),
    ))  # fmt: skip
    yield Conversation("orders-questions", _at(2026, 9, 24, 11, 22), (
        Line("priya", 0, "a customer asks where her order of 10:50 is, it still says 'paid'"),
        Line("lena", 6, "I'll ask fulfilment"),
    ))  # fmt: skip


def _private() -> Iterable[Conversation]:
    yield Conversation("security-private", _at(2026, 5, 15, 17, 20), (
        Line("maya", 0, "The scrapers come from a competitor's network, legal knows. Not a word outside this channel."),
        Line("ines", 5, "Decision: we block them at the edge and tell nobody why in public.", ("maya",)),
    ))  # fmt: skip
    yield Conversation("security-private", _at(2026, 10, 16, 16, 0), (
        Line("yuki", 0, "The penetration test starts on 9 November. Only the three of us know."),
        Line("maya", 2, "agreed, no announcement"),
    ))  # fmt: skip
    yield Conversation("dm", _at(2026, 9, 25, 9, 0), (Line("maya", 0, "do you have a minute about yesterday?"),))
    yield Conversation("dm", _at(2026, 9, 25, 9, 2), (Line("omar", 0, "sure, calling you"),))


def make_talk(deploys: list[Deployment]) -> Talk:
    """The whole workspace; `deploys` are announced in #deploys."""
    talk = Talk(_channels())
    places = {channel.name: channel.id for channel in talk.channels}
    for conversation in conversations():
        root = _thread(talk, places[conversation.channel], conversation)
        if conversation.pull:
            talk.links[conversation.pull] = permalink(SLACK_WORKSPACE, root.channel, root.ts)
    _announce(talk, places["deploys"], deploys)
    _chatter(talk, [places["general"], places["random"], places["platform"]])
    return talk


def _channels() -> list[SlackChannel]:
    everyone = tuple(p.slack_id for p in PEOPLE)
    made = datetime(2024, 10, 1, tzinfo=UTC)

    def channel(name: str, kind: str, members: tuple[str, ...], topic: str = "") -> SlackChannel:
        prefix = {"public": "C0", "private": "G0", "im": "D0"}[kind]
        return SlackChannel(prefix + letters(SLACK_TEAM, name, length=9), name, kind, members, made, members[0], topic)

    def ids(*keys: str) -> tuple[str, ...]:
        return tuple(person(key).slack_id for key in keys)

    return [
        channel("general", "public", everyone),
        channel("random", "public", everyone),
        channel("platform", "public", everyone, "Terraform, clusters, the edge"),
        channel("payments", "public", everyone),
        channel("fulfilment", "public", everyone),
        channel("orders-questions", "public", everyone, "Customer care asks"),
        channel("deploys", "public", everyone),
        channel("incidents", "public", everyone),
        channel("security-private", "private", ids("maya", "ines", "yuki")),
        channel("dm", "im", ids("maya", "omar")),
    ]


def _message(
    channel: str, who: str, at: datetime, text: str, thread: str = "", edited_at: datetime | None = None,
    reactions: tuple[Reaction, ...] = (),
) -> SlackMessage:  # fmt: skip
    exact = at.replace(microsecond=number_id(channel, at.isoformat(), text, digits=6))
    return SlackMessage(channel, person(who).slack_id, exact, text, thread, edited_at, reactions)


def _thread(talk: Talk, channel: str, conversation: Conversation) -> SlackMessage:
    root: SlackMessage | None = None
    for line in conversation.lines:
        at = conversation.at + timedelta(minutes=line.after)
        thumbs = (Reaction("+1", tuple(person(key).slack_id for key in line.thumbs)),) if line.thumbs else ()
        edited = at + timedelta(minutes=2) if line.edited else None
        message = _message(
            channel, line.who, at, line.text, root.ts if root else "", reactions=thumbs, edited_at=edited
        )
        talk.messages.append(message)
        root = root or message
    assert root is not None
    return root


def _announce(talk: Talk, channel: str, deploys: list[Deployment]) -> None:
    for deploy in deploys:
        if deploy.environment != "prod" or not deploy.service or deploy.finished_at < TODAY - timedelta(days=45):
            continue
        who = person(next(p.key for p in PEOPLE if p.github == deploy.actor)).name
        result = "is live" if deploy.outcome == "succeeded" else "FAILED"
        text = f"{deploy.service} {deploy.version} {result} in prod ({who})"
        at = deploy.finished_at.replace(microsecond=number_id("announced", deploy.id, digits=6)) + timedelta(seconds=4)
        talk.messages.append(
            SlackMessage(channel, TEALEAF_BOT.slack_id, at, text, subtype="bot_message", bot_id="B" + TEALEAF_BOT.slack_id[1:], bot_name="deploybot")
        )  # fmt: skip


def _chatter(talk: Talk, rooms: list[str]) -> None:
    rng = random.Random(SEED)
    for _ in range(40):
        at = (TODAY - timedelta(days=rng.randrange(1, 200))).replace(hour=rng.randrange(8, 17), minute=rng.randrange(60), second=rng.randrange(60))  # fmt: skip
        root = _message(rng.choice(rooms), rng.choice(PEOPLE).key, at, rng.choice(_CHATTER))
        talk.messages.append(root)
        if rng.random() < 0.25:
            later = at + timedelta(minutes=rng.randrange(1, 30))
            talk.messages.append(_message(root.channel, rng.choice(PEOPLE).key, later, rng.choice(("+1", ":tea:", "same here", "thanks!")), root.ts))  # fmt: skip
