"""Slack: threads that decide things, threads of incidents, announcements, a private channel, and all the rest that people say."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from bench.world.history import Story
from bench.world.incidents import Trouble
from bench.world.model import PROD, Organisation, Pull, ThreadTruth
from examples.formats.output import letters
from examples.formats.slack import Reaction, SlackChannel, SlackMessage, permalink

CHATTER = (
    "lunch anyone?", "the coffee machine on the third floor is broken again", "standup in 5", "who is on the support rota this week?",
    "CI is slow today, anyone else?", "I'm out on Friday afternoon", "reminder: please fill in the survey", "demo at 15:00 in the big room",
    "does anyone have a spare USB-C adapter?", "happy birthday!!", "retro notes are in the usual place", "the VPN kicks me out every hour",
    "can somebody review my PR please?", "is the wiki down for you too?", "welcome to the new joiners :wave:", "I'll be 10 minutes late",
)  # fmt: skip
REPLIES = (
    "+1",
    "no objections from me",
    "makes sense",
    "what does it cost us?",
    "are there numbers for this?",
    "ok for me",
    "fine, but not on a Friday please",
    "sounds right",
)
SECRETS = (
    ("Project Marigold", "we agreed to close the Lisbon office in the autumn"),
    ("Project Heron", "go ahead with buying the competitor before summer"),
    ("Project Basalt", "we agreed to move all contracts to the other vendor"),
    ("Project Juniper", "decided: the hosting contract will not be renewed"),
)


@dataclass(slots=True)
class Talk:
    """The workspace's conversations."""

    channels: list[SlackChannel] = field(default_factory=list[SlackChannel])
    messages: list[SlackMessage] = field(default_factory=list[SlackMessage])
    used: set[int] = field(default_factory=set[int])


def make_talk(random: Random, story: Story, troubles: list[Trouble]) -> Talk:
    """All that is said. Fills the world's threads, and completes the pull requests' bodies with links to threads."""
    talk = Talk(_channels(random, story.world.organisation, story.world.start))
    for pull in story.plan.pulls:
        if pull.link in ("url_in_thread", "permalink_in_body", "none"):
            _about_pull(random, story, talk, pull)
        elif pull.kind in ("infra", "service") and not pull.reverts:
            pull.body = _body(random, pull)
            if pull.link == "body":
                pull.body += f"\n\nWhy: {pull.reason}."
    for trouble in troubles:
        _about_incident(random, story, talk, trouble)
    _private(random, story, talk)
    _announcements(random, story, talk)
    _noise(random, story, talk)
    _remember(story, talk)
    return talk


def _channels(random: Random, organisation: Organisation, start: datetime) -> list[SlackChannel]:
    everyone = tuple(p.slack_id for p in organisation.people)
    made = start - timedelta(days=400)

    def channel(name: str, kind: str, members: tuple[str, ...]) -> SlackChannel:
        prefix = {"public": "C0", "private": "G0", "im": "D0"}[kind]
        identifier = prefix + letters(organisation.name, organisation.slack_team, name, length=9)
        return SlackChannel(identifier, name, kind, members, made, members[0])

    names = ["general", "random", "infra", "deploys", "incidents", *sorted({s.channel for s in organisation.services})]
    public = [channel(name, "public", everyone) for name in names]
    leads = tuple(p.slack_id for p in random.sample(organisation.people, 3))
    return [*public, channel("leads-private", "private", leads), channel("dm", "im", leads[:2])]


def _find(talk: Talk, name: str) -> SlackChannel:
    return next(c for c in talk.channels if c.name == name)


def _say(
    random: Random, talk: Talk, channel: SlackChannel, user: str, at: datetime, text: str, thread: str = "",
    reactions: tuple[Reaction, ...] = (), edited_at: datetime | None = None,
) -> SlackMessage:  # fmt: skip
    micro = random.randint(1, 999999)
    while micro in talk.used:
        micro = random.randint(1, 999999)
    talk.used.add(micro)
    message = SlackMessage(channel.id, user, at.replace(microsecond=micro), text, thread, edited_at, reactions)
    talk.messages.append(message)
    return message


def _keep(
    story: Story, channel: SlackChannel, key: str, messages: list[SlackMessage], topic: str, *, reason: str = "", decision: SlackMessage | None = None,
    pull: Pull | None = None,
) -> ThreadTruth:  # fmt: skip
    organisation = story.world.organisation
    by_id = {p.slack_id: p.key for p in (*organisation.people, *organisation.bots)}
    root = messages[0].ts
    truth = ThreadTruth(
        key=key, channel=channel.id, channel_name=channel.name, private=channel.kind != "public",
        permalinks=tuple(permalink(organisation.slack_workspace, channel.id, m.ts, m.thread) for m in messages),
        stamps=tuple(m.ts for m in messages), people=tuple(dict.fromkeys(by_id[m.user] for m in messages)), started_at=messages[0].at,
        topic=topic, reason=reason, decision=decision.text if decision else "", decided_by=by_id[decision.user] if decision else "",
        pull=(pull.repository, pull.number) if pull else None,
    )  # fmt: skip
    assert root == truth.stamps[0]
    story.world.threads.append(truth)
    return truth


def _body(random: Random, pull: Pull) -> str:
    if pull.things:
        return random.choice((
            f"Sets {pull.things[0]} from `{pull.before}` to `{pull.after}`.", f"{pull.before} -> {pull.after}, plan output attached by CI.", "See title.",
        ))  # fmt: skip
    return random.choice(("Includes a regression test.", "See title.", "Small fix, no migration."))


def _about_pull(random: Random, story: Story, talk: Talk, pull: Pull) -> None:
    organisation = story.world.organisation
    channel = _find(talk, "infra" if pull.kind == "infra" else organisation.service(pull.service).channel)
    people = [
        organisation.person(pull.author),
        *random.sample([p for p in organisation.people if p.key != pull.author], 2),
    ]
    asker = random.choice(people)
    at = pull.created_at - timedelta(minutes=random.randint(40, 1500))
    topic = pull.things[0] if pull.things else _topic(pull)
    reason = pull.reason[0].upper() + pull.reason[1:]
    if pull.things:
        opening = random.choice((
            f"{reason}. Should we change {topic} from {pull.before} to {pull.after}?",
            f"I'd like to change {topic}: {pull.reason}. Proposal: {pull.after} instead of {pull.before}.",
            f"About {topic}: {pull.reason}. Any objections to {pull.after}?",
        ))  # fmt: skip
    else:
        opening = random.choice(
            (
                f"{reason}. Can we get this into {pull.service} soon? ({topic})",
                f"{topic}: {pull.reason}. Who can take it?",
            )
        )
    edited = at + timedelta(minutes=3) if random.random() < 0.15 else None
    root = _say(random, talk, channel, asker.slack_id, at, opening, edited_at=edited)
    said = [root]
    for _ in range(random.randint(0, 3)):
        at += timedelta(minutes=random.randint(1, 6))
        said.append(_say(random, talk, channel, random.choice(people).slack_id, at, random.choice(REPLIES), root.ts))
    decider = random.choice([p for p in people if p is not asker])
    at += timedelta(minutes=random.randint(2, 9))
    if pull.things:
        words = random.choice((
            f"We agreed to set {topic} to {pull.after}.", f"Agreed, go ahead with {pull.after}.", f"Decision: {topic} goes to {pull.after}.", f"Go ahead, let's take {pull.after}.",
        ))  # fmt: skip
    else:
        words = random.choice(
            (
                "Agreed, let's fix it this week.",
                f"Go ahead, {organisation.person(pull.author).name.split()[0]} takes it.",
                "Decision: we fix it now, not next sprint.",
            )
        )
    thumbs = (Reaction("+1", tuple(p.slack_id for p in people if p is not decider)),) if random.random() < 0.6 else ()
    decision = _say(random, talk, channel, decider.slack_id, at, words, root.ts, thumbs)
    said.append(decision)
    url = f"https://github.com/{pull.repository}/pull/{pull.number}"
    if pull.link == "url_in_thread":
        at = pull.created_at + timedelta(minutes=random.randint(1, 15))
        text = random.choice(
            (f"PR is up: <{url}>", f"<{url}> please review", f"here it is <{url}|{pull.repository}#{pull.number}>")
        )
        said.append(_say(random, talk, channel, organisation.person(pull.author).slack_id, at, text, root.ts))
    pull.body = _body(random, pull)
    if pull.link == "permalink_in_body":
        link = permalink(organisation.slack_workspace, channel.id, root.ts)
        pull.body += random.choice((f"\n\nContext: {link}", f"\n\nAs discussed in {link}", f"\n\nSlack: {link}"))
    pull.thread = f"pull:{pull.repository}#{pull.number}"
    _keep(story, channel, pull.thread, said, topic, reason=pull.reason, decision=decision, pull=pull)


def _topic(pull: Pull) -> str:
    return f"{pull.thing.partition(':')[2]} in {pull.service}"


def _about_incident(random: Random, story: Story, talk: Talk, trouble: Trouble) -> None:
    organisation, truth = story.world.organisation, trouble.truth
    channel = _find(talk, "incidents")
    assignee, fixer = organisation.person(truth.assignee), organisation.person(truth.resolved_by)
    at = truth.acknowledged_at + timedelta(seconds=30)
    link = f"https://{organisation.name}.pagerduty.com/incidents/{truth.id}"
    root = _say(
        random, talk, channel, assignee.slack_id, at, f"Incident #{truth.number}: {truth.title}. I'm looking. <{link}>"
    )
    said = [root]
    at += timedelta(minutes=3)
    said.append(
        _say(
            random,
            talk,
            channel,
            assignee.slack_id,
            at,
            f"{truth.service} in prod is affected, staging looks fine",
            root.ts,
        )
    )
    if truth.cause_kind != "outside":
        at += timedelta(minutes=5)
        said.append(
            _say(
                random,
                talk,
                channel,
                fixer.slack_id,
                at,
                random.choice(("did anything go out before it started?", "checking what changed")),
                root.ts,
            )
        )
    said.append(
        _say(
            random,
            talk,
            channel,
            fixer.slack_id,
            truth.resolved_at + timedelta(seconds=40),
            f"Resolved: {truth.fix_clause}.",
            root.ts,
        )
    )
    _keep(story, channel, truth.thread, said, truth.title)


def _private(random: Random, story: Story, talk: Talk) -> None:
    organisation = story.world.organisation
    channel = _find(talk, "leads-private")
    people = [p for p in organisation.people if p.slack_id in channel.members]
    for code, decision in random.sample(SECRETS, 2):
        at = story.calendar.moment(random.uniform(2, story.calendar.days - 5))
        root = _say(random, talk, channel, people[0].slack_id, at, f"{code}: we need an answer by tomorrow.")
        reply = _say(
            random, talk, channel, people[1].slack_id, at + timedelta(minutes=6), f"{code}: {decision}.", root.ts
        )
        _keep(story, channel, f"private:{code}", [root, reply], code, reason=decision, decision=reply)
    direct = _find(talk, "dm")
    at = story.calendar.moment(random.uniform(2, story.calendar.days - 5))
    _say(random, talk, direct, direct.members[0], at, "do you have a minute?")
    _say(random, talk, direct, direct.members[1], at + timedelta(minutes=2), "sure, calling you")


def _announcements(random: Random, story: Story, talk: Talk) -> None:
    organisation = story.world.organisation
    channel, bot = _find(talk, "deploys"), next(b for b in organisation.bots if b.key == "bot:deploys")
    for deploy in story.world.deploys:
        if deploy.environment != PROD or deploy.kind == "apply" or random.random() < 0.5:
            continue
        words = "rolled back to" if deploy.kind == "rollback" else "deployed"
        result = "succeeded" if deploy.outcome == "success" else "FAILED"
        text = f"{deploy.service} {words} {deploy.version} in {deploy.environment} by {organisation.person(deploy.actor).github}: {result}"
        message = _say(random, talk, channel, bot.slack_id, deploy.finished_at + timedelta(seconds=5), text)
        talk.messages[-1] = SlackMessage(
            message.channel, message.user, message.at, text, subtype="bot_message", bot_id="B" + bot.slack_id[1:], bot_name="deploybot"
        )  # fmt: skip


def _noise(random: Random, story: Story, talk: Talk) -> None:
    organisation = story.world.organisation
    rooms = [c for c in talk.channels if c.kind == "public" and c.name not in ("deploys", "incidents")]
    left = max(0, 135 - len(talk.messages))
    for _ in range(min(left, random.randint(25, 45))):
        at = story.calendar.start + timedelta(
            days=random.randint(0, story.calendar.days - 2),
            hours=random.randint(7, 17),
            seconds=random.randint(0, 3599),
        )
        who, room = random.choice(organisation.people), random.choice(rooms)
        root = _say(random, talk, room, who.slack_id, at, random.choice(CHATTER))
        if random.random() < 0.2:
            other = random.choice(organisation.people)
            _say(
                random,
                talk,
                room,
                other.slack_id,
                at + timedelta(minutes=random.randint(1, 30)),
                random.choice(REPLIES),
                root.ts,
            )


def _remember(story: Story, talk: Talk) -> None:
    organisation = story.world.organisation
    by_id = {p.slack_id: p.key for p in organisation.people}
    public = {c.id for c in talk.channels if c.kind == "public"}
    for message in sorted(talk.messages, key=lambda m: m.at):
        if message.channel in public and (key := by_id.get(message.user)) and not message.subtype:
            link = permalink(organisation.slack_workspace, message.channel, message.ts, message.thread)
            story.world.messages.setdefault(key, []).append((link, message.text, message.at))
