"""Facts of one message, a function of the message alone: they are the same however often, late and in whichever order it is told.

A message that was edited is told with its last text only. So it states its text from the edit on, and of the time before just that it was
there; whoever saw it then says more and wins. A decision by emoji is a version of its own right after the text's: nobody tells when an emoji was
put there, but for events.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from graph.clock import Instant, rfc3339
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, Passage, Relation, Value
from ingest import names
from ingest.mentions import mentions
from ingest.sources.slack.decisions import Decision, by_reactions, by_words
from ingest.sources.slack.directory_facts import BEGINNING, account_ref
from ingest.sources.slack.payloads import Message, ts_instant
from ingest.sources.slack.text import message_text, title, unfurled_text
from ingest.sources.slack.workspace import SYSTEM, WEAK_RANK, Room, Workspace

SILENT = frozenset(
    {
        *("channel_join", "channel_leave", "channel_topic", "channel_purpose", "channel_name", "channel_archive"),
        *(
            "channel_unarchive",
            "channel_convert_to_private",
            "channel_convert_to_public",
            "channel_posting_permissions",
        ),
        *(
            "group_join",
            "group_leave",
            "group_topic",
            "group_purpose",
            "group_name",
            "group_archive",
            "group_unarchive",
        ),
        *("bot_add", "bot_remove", "bot_disable", "bot_enable", "pinned_item", "unpinned_item", "ekm_access_denied"),
        *("reminder_add", "reminder_delete", "message_replied", "assistant_app_thread", "huddle_thread"),
    }
)
"""Subtypes that only say what Slack itself did."""
TOMBSTONE = "tombstone"
"""Subtype of what is left of a deleted message that has replies."""


def message_ref(room: Room, ts: str) -> EntityRef:
    """The message's ref."""
    return names.message(SYSTEM, room.id, ts)


def thread_ref(room: Room, thread_ts: str) -> EntityRef:
    """The ref of the thread that begins with this message."""
    return names.thread(SYSTEM, room.id, thread_ts)


def message_facts(message: Message, room: Room, workspace: Workspace) -> list[Assertion]:
    """What a message states.

    Raises:
        ValueError: one of its timestamps is none.
    """
    if message.subtype in SILENT:
        return []
    if message.subtype == TOMBSTONE:
        # When it was deleted is not told. Its words are gone for good, so it is as if it had never stood.
        at = ts_instant(message.ts) + 2
        return list(_gone(message.ts, room, workspace, at))
    return list(_Facts(message, room, workspace).all())


def deleted_facts(
    ts: str, room: Room, at: Instant, workspace: Workspace, last: Message | None = None
) -> list[Assertion]:
    """That a message is no longer there from `at` on; with its last text also that what it said is not.

    Raises:
        ValueError: `ts` is no timestamp.
    """
    ts_instant(ts)
    gone = list(_gone(ts, room, workspace, at))
    if last is not None and last.subtype not in SILENT:
        said = message_facts(last, room, workspace)
        own = (a for a in said if isinstance(a.fact, Relation) and a.fact.src == message_ref(room, ts))
        gone.extend(_absent(assertion, at) for assertion in own)
    return gone


def vanished_mentions(before: Message, after: Message, room: Room, workspace: Workspace) -> list[Assertion]:
    """What a message named before an edit and does not name any more."""
    if not after.edited_ts or after.edited_ts == before.edited_ts:
        return []
    at = ts_instant(after.edited_ts)
    kept = {a.fact.key for a in message_facts(after, room, workspace)}
    said = message_facts(before, room, workspace)
    return [
        _absent(a, at)
        for a in said
        if isinstance(a.fact, Relation) and a.fact.type == "MENTIONS" and a.fact.key not in kept
    ]


def erased_keys(ts: str, root_ts: str, room: Room, said: Sequence[Assertion] = ()) -> tuple[str, ...]:
    """The facts that hold words of a message: they go for good when it is deleted. `said`: what it stated, where that is known."""
    message = message_ref(room, ts)
    keys = [Passage(message, slot, "").key for slot in ("text", "unfurls")]
    if ts == root_ts:
        keys.append(Entity(thread_ref(room, ts), {}).key)  # its title is the message's first words
    keys += [a.fact.key for a in said if isinstance(a.fact, Relation) and a.fact.type == "MENTIONS"]
    return tuple(dict.fromkeys(keys))


def _gone(ts: str, room: Room, workspace: Workspace, at: Instant) -> Iterator[Assertion]:
    url = workspace.permalink(room.id, ts)
    entity = Entity(message_ref(room, ts), {})
    yield Assertion(entity, at, at, url, present=False, label=room.label, url=url)


def _absent(assertion: Assertion, at: Instant) -> Assertion:
    return replace(assertion, valid_from=at, observed_at=at, present=False)


class _Facts:
    """One message, read."""

    def __init__(self, message: Message, room: Room, workspace: Workspace) -> None:
        self._message = message
        self._room = room
        self._workspace = workspace
        self._ref = message_ref(room, message.ts)
        self._thread = thread_ref(room, message.root_ts)
        self._posted_at = ts_instant(message.ts)
        self._root_at = ts_instant(message.root_ts)
        self._edited = bool(message.edited_ts)
        self._said_at = ts_instant(message.edited_ts) if self._edited else self._posted_at
        self._url = workspace.permalink(room.id, message.ts, message.root_ts)
        self._text = message_text(message, workspace.directory)

    def all(self) -> Iterator[Assertion]:
        """Every fact, what is stated only weakly included."""
        message = self._message
        words = by_words(message.text or "") if self._is_human() else None
        yield from self._versions(words)
        yield from self._conversation()
        yield from self._author()
        yield from self._texts()
        for mention in mentions(f"{self._text}\n{unfurled_text(message, self._workspace.directory)}"):
            if mention.ref not in (self._ref, self._thread):
                yield self._state(
                    Relation("MENTIONS", self._ref, mention.ref, {"text": mention.text[:500]}), self._said_at
                )
        for reaction in message.reactions or ():
            for user_id in sorted(set(reaction.users)):
                yield reacted(user_id, reaction.name, message.ts, self._room, self._posted_at, self._workspace)

    def _versions(self, words: Decision | None) -> Iterator[Assertion]:
        base = self._properties(None)
        if self._edited:
            yield self._state(Entity(self._ref, base), self._posted_at, WEAK_RANK)
            base = base | {"edited_at": rfc3339(self._said_at)}
        yield self._state(Entity(self._ref, base | _decided(words)), self._said_at)
        reactions = self._message.reactions or ()
        if words is None and (emoji := by_reactions(reactions, self._message.text or "", self._message.user or "")):
            # The more emoji, the later it was seen.
            count = sum(max(reaction.count or 0, len(reaction.users)) for reaction in reactions)
            yield self._state(Entity(self._ref, base | _decided(emoji)), self._said_at + 1, count)

    def _conversation(self) -> Iterator[Assertion]:
        yield self._state(Relation("PART_OF", self._ref, self._thread, {}), self._posted_at)
        yield self._state(Relation("PART_OF", self._thread, self._room.ref, {}), self._root_at)
        url = self._workspace.permalink(self._room.id, self._message.root_ts)
        thread = self._properties(self._message.root_ts)
        if not self._message.is_root or self._edited:
            yield self._state(Entity(self._thread, thread), self._root_at, WEAK_RANK, url)
        if self._message.is_root:
            told = thread | {"title": title(self._text)} if self._text else thread
            yield self._state(Entity(self._thread, told), self._said_at)
        else:
            yield self._state(Alias(self._ref, "url", self._url), self._posted_at)
        yield self._state(Alias(self._thread, "url", url), self._root_at, 0, url)

    def _author(self) -> Iterator[Assertion]:
        message = self._message
        account_id = message.user or message.bot_id
        if not account_id:
            return
        if account_id not in self._workspace.directory.users:
            yield from self._unlisted(account_id)
        yield self._state(Relation("POSTED_BY", self._ref, account_ref(account_id), {}), self._posted_at)

    def _unlisted(self, account_id: str) -> Iterator[Assertion]:
        """An account that the list of users does not hold: a bot, a guest from elsewhere, or any in an event."""
        message = self._message
        properties: dict[str, Value] = {"system": SYSTEM, "login": account_id}
        if account_id == message.bot_id:
            bot = message.username or (message.bot_profile.name if message.bot_profile is not None else "")
            properties |= {"bot": True} | ({"name": bot} if bot else {})
        elif (profile := message.user_profile) is not None and (name := profile.display_name or profile.real_name):
            properties["name"] = name
        account, name = account_ref(account_id), properties.get("name")
        facts: list[Fact] = [Entity(account, properties)]
        if isinstance(name, str):
            facts += [Alias(account, "login", account_id), Alias(account, "name", name)]
        observed_at = BEGINNING if len(facts) > 1 else BEGINNING + WEAK_RANK
        for fact in facts:
            yield Assertion(fact, BEGINNING, observed_at, f"slack:{account_id}", label=self._room.label)

    def _texts(self) -> Iterator[Assertion]:
        if self._text:
            yield self._state(Passage(self._ref, "text", self._text), self._said_at)
        unfurled = unfurled_text(self._message, self._workspace.directory)
        for slot, text in (("text", self._text), ("unfurls", unfurled)):
            if self._edited and not text:
                gone = self._state(Passage(self._ref, slot, ""), self._said_at, WEAK_RANK)
                yield replace(gone, present=False)
        if unfurled:
            yield self._state(Passage(self._ref, "unfurls", unfurled), self._said_at)

    def _properties(self, thread_ts: str | None) -> dict[str, Value]:
        """Of the message, or of the thread that begins with `thread_ts`."""
        properties: dict[str, Value] = {}
        if self._room.name:
            properties["channel"] = self._room.name
        if thread_ts is None:
            properties |= {"ts": self._message.ts, "url": self._url}
        else:
            url = self._workspace.permalink(self._room.id, thread_ts)
            properties |= {"thread_ts": thread_ts, "url": url}
        return properties

    def _is_human(self) -> bool:
        return bool(self._message.user) and not self._message.bot_id and self._message.subtype != "bot_message"

    def _state(self, fact: Fact, at: Instant, rank: Instant = 0, url: str = "") -> Assertion:
        observed_at = at + rank + (self._workspace.rank if rank >= 0 else 0)
        url = url or self._url
        return Assertion(fact, at, observed_at, url, label=self._room.label, url=url)


def reacted(
    user_id: str, emoji: str, ts: str, room: Room, at: Instant, workspace: Workspace, *, present: bool = True
) -> Assertion:
    """That an account put an emoji on a message, or took it back."""
    relation = Relation("REACTED", account_ref(user_id), message_ref(room, ts), {"emoji": emoji}, emoji)
    url = workspace.permalink(room.id, ts)
    return Assertion(relation, at, at, url, present=present, label=room.label, url=url)


def _decided(decision: Decision | None) -> dict[str, Value]:
    if decision is None:
        return {}
    return {"decision": decision.kind, "decision_words": decision.words}
