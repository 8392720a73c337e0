"""Events: one by one, in any order, twice and late, beside a pull."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from graph.clock import SECOND, instant
from graph.model import PUBLIC, Alias, Entity, FactBatch, Passage, Relation
from graph.store import GraphStore, Limits, View
from ingest import names
from ingest.source import SourceDataInvalid
from ingest.sources.slack.source import SlackSettings, SlackSource
from ingest.sources.slack.webhook import read_webhook
from ingest.sync import erase, sync
from ingest.webhook import Delivery
from tests.contracts.source_contract import KEY, NOW, fresh_store
from tests.ingest.slack.workspace_data import (
    ADA,
    BEN,
    PUBLIC_CHANNEL,
    T0,
    Json,
    export_files,
    message,
    ts,
    write_export,
)
from tests.replay_store import ReplayStore

SETTINGS: Mapping[str, object] = {"workspace": "example", "public_channels": [PUBLIC_CHANNEL]}
MESSAGE = names.message("slack", PUBLIC_CHANNEL, ts(10))


def event(**fields: object) -> Json:
    return fields


def posted(told: Json, channel: str = PUBLIC_CHANNEL, channel_type: str = "channel") -> Json:
    return {**told, "channel": channel, "channel_type": channel_type, "event_ts": told["ts"]}


def changed(before: Json, after: Json, at_s: int, **more: object) -> Json:
    return event(
        type="message",
        subtype="message_changed",
        channel=PUBLIC_CHANNEL,
        channel_type="channel",
        message=after,
        previous_message=before,
        ts=ts(at_s),
        event_ts=ts(at_s),
        hidden=True,
        **more,
    )


def deleted(last: Json, at_s: int, *, told: bool = True) -> Json:
    known = {"previous_message": last} if told else {}
    return event(
        type="message",
        subtype="message_deleted",
        channel=PUBLIC_CHANNEL,
        channel_type="channel",
        deleted_ts=last["ts"],
        ts=ts(at_s),
        event_ts=ts(at_s),
        **known,
    )


def reaction(kind: str, emoji: str, at_s: int, channel: str = PUBLIC_CHANNEL) -> Json:
    item = {"type": "message", "channel": channel, "ts": ts(10)}
    return event(type=f"reaction_{kind}", user=BEN, reaction=emoji, item=item, event_ts=ts(at_s))


def member(kind: str, at_s: int, channel: str = PUBLIC_CHANNEL, channel_type: str = "C") -> Json:
    return event(type=f"member_{kind}_channel", user=BEN, channel=channel, channel_type=channel_type, event_ts=ts(at_s))


def body(told: Json) -> bytes:
    outer = {"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event_time": T0, "event": told}
    return json.dumps(outer).encode()


def read(told: Json, settings: Mapping[str, object] = SETTINGS) -> list[FactBatch]:
    return list(read_webhook(Delivery("d", "", body(told), NOW, {}), settings))


def apply(store: GraphStore, told: Sequence[Json]) -> None:
    for one in told:
        for batch in read(one):
            if batch.erased:
                erase(store, batch)
            store.apply(batch)


def facts(store: GraphStore) -> list[str]:
    """What the store holds to be true of the world, without when it learned it."""
    lines = [json.loads(line) for line in store.dump()]
    now = [line for line in lines if line["line"] not in ("batch", "scope", "purge") and line.get("known_to") is None]
    return sorted(json.dumps({k: v for k, v in line.items() if k != "known_from"}, sort_keys=True) for line in now)


def edited(text: str, at_s: int) -> Json:
    return message(10, text, edited={"user": ADA, "ts": ts(at_s)})


ORIGINAL = message(10, "we agreed to move it, see shop/infra#1")
SECOND_TEXT = edited("let's wait, see shop/infra#2", 60)
THIRD_TEXT = edited("do not merge shop/infra#3", 90)
REPLY = message(40, "go ahead", BEN, ts(10))
UNFURLED = {**ORIGINAL, "attachments": [{"from_url": "https://x.example", "title": "Widen shop/infra#4"}]}

HISTORY = [
    event(type="channel_created", channel={"id": PUBLIC_CHANNEL, "name": "infra", "created": T0}, event_ts=ts(0)),
    member("joined", 1),
    posted(ORIGINAL),
    changed(ORIGINAL, UNFURLED, 11),
    reaction("added", "+1", 20),
    reaction("removed", "+1", 30),
    reaction("added", "x", 35),
    posted(REPLY),
    changed(UNFURLED, SECOND_TEXT, 60),
    changed(SECOND_TEXT, THIRD_TEXT, 90),
    event(type="channel_rename", channel={"id": PUBLIC_CHANNEL, "name": "platform", "created": T0}, event_ts=ts(100)),
    member("left", 110),
    event(
        type="user_change",
        user={"id": ADA, "name": "ada", "updated": T0 + 5, "profile": {"display_name": "Ada", "email": "a@x.org"}},
        event_ts=ts(5),
    ),
    event(
        type="user_change",
        user={"id": ADA, "name": "ada", "updated": T0 + 120, "profile": {"display_name": "Countess"}},
        event_ts=ts(120),
    ),
    event(type="channel_archive", channel=PUBLIC_CHANNEL, user=ADA, event_ts=ts(130)),
]


def permuted(rng: random.Random, told: Sequence[Json]) -> list[Json]:
    out = [*told, *rng.sample(list(told), rng.randrange(len(told)))]
    rng.shuffle(out)
    return out


@pytest.mark.parametrize("ending", ["kept", "deleted", "deleted untold"])
def test_any_order_with_duplicates_gives_the_same_graph(ending: str, tmp_path: Path) -> None:
    told = list(HISTORY)
    if ending != "kept":
        told += [deleted(THIRD_TEXT, 140, told=ending == "deleted"), deleted(REPLY, 150)]
    rng = random.Random(ending)
    plain = ReplayStore()
    apply(plain, told)
    wanted = facts(plain)
    assert len(wanted) > 30
    for number in range(80):
        store = ReplayStore()
        apply(store, permuted(rng, told))
        assert facts(store) == wanted, f"order {number}"
    for number in range(4):
        with fresh_store(tmp_path, f"store-{number}") as store:
            apply(store, permuted(rng, told))
            assert facts(store) == wanted, f"order {number} in SQLite"


def test_a_pull_and_the_events_give_the_same_graph_whichever_comes_first(tmp_path: Path) -> None:
    told = [posted(ORIGINAL), posted(REPLY), changed(ORIGINAL, SECOND_TEXT, 60)]
    export = write_export(tmp_path / "e", export_files(messages={PUBLIC_CHANNEL: [SECOND_TEXT, REPLY]}))
    found: list[list[str]] = []
    for order in ("events first", "export first"):
        with fresh_store(tmp_path, order) as store:
            source = SlackSource(SlackSettings("example", str(export)))
            if order == "events first":
                apply(store, told)
            sync(store, source, NOW, KEY, processes="none")
            if order == "export first":
                apply(store, told)
            found.append(facts(store))
            then = store.entity(MESSAGE, View(as_of=(T0 + 30) * SECOND))
            assert then is not None
            assert then.properties["decision"] == "agreed", "the event saw it before the edit"
            now = store.entity(MESSAGE, View())
            assert now is not None
            assert now.properties.get("decision") is None
            assert now.properties["channel"] == "infra", "the pull knows names"
    assert found[0] == found[1]


def test_an_edit_is_a_new_version_and_what_it_no_longer_names_is_not_named(tmp_path: Path) -> None:
    with fresh_store(tmp_path, "store") as store:
        apply(store, [changed(ORIGINAL, SECOND_TEXT, 60), posted(ORIGINAL)])
        for at_s, number, text in ((30, 1, "we agreed to move it"), (70, 2, "let's wait")):
            view = View(as_of=(T0 + at_s) * SECOND)
            edges = store.neighbours([MESSAGE], view, Limits(), types=("MENTIONS",)).items
            told = {e.dst for e in edges}
            assert told <= {names.pull_request("shop/infra", number)}
            assert [h.text[: len(text)] for h in store.search_text("shop infra", view, Limits()).items] == [text]


def test_a_deleted_message_leaves_no_word_behind_even_when_it_comes_after_its_deletion(tmp_path: Path) -> None:
    secret = message(10, "the zebra migration, see shop/zebra#5. we agreed to keep zebra quiet")
    for order in ([posted(secret), deleted(secret, 50)], [deleted(secret, 50, told=False), posted(secret)]):
        with fresh_store(tmp_path, f"store-{len(list(tmp_path.iterdir()))}") as store:
            apply(store, order)
            assert store.entity(MESSAGE, View()) is None
            assert store.entity(MESSAGE, View(as_of=(T0 + 20) * SECOND)) is not None, "that it stood there is known"
            # What it linked to is known to go only where the event of its deletion tells its text.
            untold = order[0]["type"] == "message" and "previous_message" not in order[0] and order[0].get("deleted_ts")
            dump = "\n".join(line for line in store.dump() if not untold or "MENTIONS" not in line)
            assert "zebra" not in dump
            assert store.search_text("zebra", View(as_of=(T0 + 20) * SECOND), Limits()).items == ()


def test_what_a_deleted_message_linked_to_is_destroyed_when_the_event_tells_its_text() -> None:
    secret = message(10, "see shop/zebra#5")
    [batch] = read(deleted(secret, 50))
    key = Relation("MENTIONS", MESSAGE, names.pull_request("shop/zebra", 5), {}).key
    thread = Entity(names.thread("slack", PUBLIC_CHANNEL, ts(10)), {}).key
    assert {key, thread, Passage(MESSAGE, "text", "").key} <= set(batch.erased)


def test_the_rest_of_a_deleted_first_message_counts_as_its_deletion() -> None:
    gone = {
        "type": "message",
        "subtype": "tombstone",
        "ts": ts(10),
        "text": "This message was deleted.",
        "user": "USLACKBOT",
    }
    [batch] = read(changed(ORIGINAL, {**gone, "thread_ts": ts(10)}, 50))
    assert Passage(MESSAGE, "text", "").key in batch.erased
    assert [a.valid_from for a in batch.assertions if a.fact.key == Entity(MESSAGE, {}).key] == [instant_of(50)]


def instant_of(offset_s: int) -> int:
    return (T0 + offset_s) * SECOND + 100


def test_an_app_that_changes_its_message_makes_a_version_though_it_is_not_marked_as_edited(tmp_path: Path) -> None:
    before = message(10, "deploy started", bot_id="B1")
    after = message(10, "deploy finished", bot_id="B1")
    for order in ([posted(before), changed(before, after, 60)], [changed(before, after, 60), posted(before)]):
        with fresh_store(tmp_path, f"store-{len(list(tmp_path.iterdir()))}") as store:
            apply(store, order)
            for at_s, text in ((30, "deploy started"), (61, "deploy finished")):
                view = View(as_of=(T0 + at_s) * SECOND)
                assert [h.text for h in store.search_text("deploy", view, Limits()).items] == [text]


@pytest.mark.parametrize("channel_type", ["group", "im", "mpim", "", "something new"])
def test_nothing_of_an_event_from_a_channel_not_said_to_be_public_is_public(channel_type: str) -> None:
    told = [
        posted(message(10, "go ahead with shop/infra#1", "U0STRANGE"), "C0HIDDEN1", channel_type),
        posted(message(20, "", "", bot_id="B1", username="bot", subtype="bot_message"), "C0HIDDEN1", channel_type),
        {**changed(ORIGINAL, SECOND_TEXT, 60), "channel": "C0HIDDEN1", "channel_type": channel_type},
        {**deleted(ORIGINAL, 60), "channel": "C0HIDDEN1", "channel_type": channel_type},
        reaction("added", "x", 30, "C0HIDDEN1"),
        reaction("removed", "x", 30, "C0HIDDEN1"),
        member("joined", 1, "C0HIDDEN1", "G"),
        member("left", 2, "C0HIDDEN1", ""),
        event(type="group_rename", channel={"id": "C0HIDDEN1", "name": "x"}, event_ts=ts(1)),
        event(type="channel_rename", channel={"id": "C0HIDDEN1", "name": "x", "is_private": True}, event_ts=ts(1)),
        event(type="group_archive", channel="C0HIDDEN1", event_ts=ts(1)),
    ]
    for one in told:
        found = [a for batch in read(one) for a in batch.assertions]
        assert found
        assert {a.label for a in found} == {"slack:C0HIDDEN1"}, one


def test_a_reaction_in_a_channel_the_settings_do_not_call_public_is_for_its_members() -> None:
    [batch] = read(reaction("added", "x", 30), {"workspace": "example"})
    assert [a.label for a in batch.assertions] == [f"slack:{PUBLIC_CHANNEL}"]
    [batch] = read(reaction("added", "x", 30))
    assert [a.label for a in batch.assertions] == [PUBLIC]


def test_members_come_and_go_where_the_pull_keeps_its_list(tmp_path: Path) -> None:
    export = write_export(tmp_path / "e", export_files())
    infra, ben = names.channel("slack", PUBLIC_CHANNEL), names.account("slack", BEN)
    after = instant("2026-01-10T00:00:00Z")
    with fresh_store(tmp_path, "store") as store:
        sync(store, SlackSource(SlackSettings("example", str(export))), NOW, KEY, processes="none")
        left = {**member("left", 0), "event_ts": f"{after // SECOND}.000000"}
        apply(store, [left])
        for at, is_member in ((after - SECOND, True), (after + SECOND, False)):
            edges = store.neighbours([infra], View(as_of=at), Limits(), types=("MEMBER_OF",), direction="in").items
            assert (ben in {e.src for e in edges}) is is_member


@pytest.mark.parametrize(
    "told",
    [
        {"type": "app_mention", "channel": PUBLIC_CHANNEL, "ts": ts(1), "text": "hi"},
        {"type": "message", "subtype": "channel_topic", "channel": PUBLIC_CHANNEL, "ts": ts(1), "user": ADA},
        {
            "type": "reaction_added",
            "user": BEN,
            "reaction": "x",
            "item": {"type": "file", "file": "F1"},
            "event_ts": ts(1),
        },
        {"type": "some_new_event", "anything": [1, 2]},
    ],
)
def test_events_without_interest_give_nothing(told: Json) -> None:
    assert read(told) == []


def test_a_url_verification_gives_nothing() -> None:
    raw = json.dumps({"type": "url_verification", "challenge": "abc", "token": "x"}).encode()
    assert list(read_webhook(Delivery("d", "", raw, NOW, {}), SETTINGS)) == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"event": {}}',
        b'{"type": "event_callback"}',
        b'{"type": "event_callback", "event": {"type": "message"}}',
        b"[" * 100_000,
        body({"type": "message", "channel": PUBLIC_CHANNEL, "ts": "１７６７.1", "text": "x"}),
        body({"type": "message", "channel": PUBLIC_CHANNEL, "ts": "now", "text": "x"}),
        body({"type": "user_change", "user": {"name": "no id"}}),
        body({"type": "message", "channel": PUBLIC_CHANNEL, "ts": ts(1), "text": {"not": "text"}}),
    ],
)
def test_a_body_that_is_no_event_is_refused_with_a_remedy(raw: bytes) -> None:
    with pytest.raises(SourceDataInvalid) as caught:
        read_webhook(Delivery("d", "", raw, NOW, {}), SETTINGS)
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_the_settings_must_name_the_workspace() -> None:
    with pytest.raises(SourceDataInvalid, match="workspace"):
        read(posted(ORIGINAL), {})


def test_a_renamed_channel_is_found_by_both_names(tmp_path: Path) -> None:
    found = [a.fact for one in HISTORY for b in read(one) for a in b.assertions if isinstance(a.fact, Alias)]
    channel = names.channel("slack", PUBLIC_CHANNEL)
    assert {a.name for a in found if a.ref == channel and a.scheme == "name"} == {
        "infra",
        "#infra",
        "platform",
        "#platform",
    }
