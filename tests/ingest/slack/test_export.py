"""Slack exports: what becomes a fact, who may read it, and what a second export adds."""

from __future__ import annotations

import copy
import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from graph.clock import SECOND, instant
from graph.model import PUBLIC, Alias, Assertion, Entity, FactBatch, Passage, Relation
from graph.store import GraphStore, Limits, View
from ingest import names
from ingest.source import Source, SourceDataInvalid
from ingest.sources.slack.source import SlackSettings, SlackSource
from ingest.sync import Retry, sync
from tests.contracts.source_contract import CANARY, KEY, NOW, SourceContract, facts_of, fresh_store
from tests.ingest.slack.workspace_data import (
    ADA,
    BEN,
    CHANNELS,
    DM,
    MESSAGES,
    PRIVATE_CHANNEL,
    PUBLIC_CHANNEL,
    ROOT,
    T0,
    export_files,
    message,
    ts,
    write_export,
)

INFRA = names.channel("slack", PUBLIC_CHANNEL)


def source(path: Path, **settings: object) -> SlackSource:
    return SlackSource(SlackSettings("example", str(path), **settings))  # type: ignore[arg-type]


def pulled(path: Path, cursor: str | None = None) -> list[FactBatch]:
    return list(source(path).pull(cursor, NOW))


def assertions(found: Sequence[FactBatch]) -> list[Assertion]:
    return [a for batch in found for a in batch.assertions]


def versions(found: Sequence[FactBatch], offset_s: int, channel: str = PUBLIC_CHANNEL) -> list[tuple[int, Entity]]:
    """(seconds after T0, entity) of a message, in order."""
    wanted = names.message("slack", channel, ts(offset_s))
    told = [a for a in assertions(found) if isinstance(a.fact, Entity) and a.fact.ref == wanted and a.present]
    return [
        (a.valid_from // SECOND - T0, a.fact)
        for a in sorted(told, key=lambda a: a.valid_from)
        if isinstance(a.fact, Entity)
    ]


def text_of(found: Sequence[FactBatch], offset_s: int, channel: str = PUBLIC_CHANNEL) -> str:
    wanted = names.message("slack", channel, ts(offset_s))
    [passage] = [
        a.fact
        for a in assertions(found)
        if isinstance(a.fact, Passage) and a.fact.ref == wanted and a.fact.slot == "text" and a.present
    ]
    return passage.text


def relations(found: Sequence[FactBatch], type_: str) -> list[Assertion]:
    return [a for a in assertions(found) if isinstance(a.fact, Relation) and a.fact.type == type_]


def one_message(path: Path, *told: dict[str, object]) -> list[FactBatch]:
    return pulled(write_export(path, export_files(messages={PUBLIC_CHANNEL: told})))


class TestContract(SourceContract):
    def recorded(self, directory: Path) -> Source:
        messages = {
            PUBLIC_CHANNEL: [
                *MESSAGES[PUBLIC_CHANNEL],
                message(700, f"it is at <postgres://app:{CANARY}@db/shop> now"),
                message(800, f"password: {CANARY}", attachments=[{"fields": [{"title": "api_key", "value": CANARY}]}]),
            ],
            PRIVATE_CHANNEL: [*MESSAGES[PRIVATE_CHANNEL], message(900, f'export DB_PASSWORD="{CANARY}"')],
        }
        return source(write_export(directory / "export.zip", export_files(messages=messages)))

    def broken(self, directory: Path) -> Iterator[Source]:
        yield source(directory / "nowhere")
        (directory / "empty").mkdir()
        yield source(directory / "empty")
        (directory / "no.zip").write_bytes(b"PK\x03\x04 not a zip")
        yield source(directory / "no.zip")
        yield source(write_export(directory / "html", {"users.json": b"<html>", "channels.json": b"<html>"}))
        with zipfile.ZipFile(directory / "other.zip", "w") as archive:
            archive.writestr("readme.json", "[]")
        yield source(directory / "other.zip")
        yield SlackSource(SlackSettings("example"))
        yield SlackSource(SlackSettings("https://not a name", "x"))


def test_a_message_has_its_text_author_thread_channel_and_permalink(tmp_path: Path) -> None:
    found = pulled(write_export(tmp_path / "export", export_files()))
    root, reply = names.message("slack", PUBLIC_CHANNEL, ROOT), names.message("slack", PUBLIC_CHANNEL, ts(200))
    thread = names.thread("slack", PUBLIC_CHANNEL, ROOT)
    assert text_of(found, 100) == "@Ben can you review #12 (https://github.com/shop/infra/pull/12)? <5 min, see #infra"
    edges = {(a.fact.type, a.fact.src, a.fact.dst) for a in assertions(found) if isinstance(a.fact, Relation)}
    assert edges >= {
        ("PART_OF", root, thread),
        ("PART_OF", reply, thread),
        ("PART_OF", thread, INFRA),
        ("POSTED_BY", reply, names.account("slack", BEN)),
        ("MENTIONS", root, names.pull_request("shop/infra", 12)),
        ("REACTED", names.account("slack", BEN), root),
        ("MEMBER_OF", names.account("slack", ADA), INFRA),
    }
    base = "https://example.slack.com/archives/C0PUBLIC1"
    [(_, told)] = versions(found, 200)
    assert told.properties["url"] == f"{base}/p{T0 + 200}000100?thread_ts={ROOT}&cid={PUBLIC_CHANNEL}"
    titles = [
        a.fact.properties.get("title") for a in assertions(found) if isinstance(a.fact, Entity) and a.fact.ref == thread
    ]
    assert "@Ben can you review #12 (https://github.com/shop/infra/pull/12)? <5 min, see…" in titles


def test_people_have_the_names_and_the_address_that_others_know_them_by(tmp_path: Path) -> None:
    found = pulled(write_export(tmp_path / "export", export_files()))
    ada = names.account("slack", ADA)
    aliases = {
        (a.fact.scheme, a.fact.name) for a in assertions(found) if isinstance(a.fact, Alias) and a.fact.ref == ada
    }
    assert aliases == {
        ("login", ADA),
        ("name", "Ada"),
        ("name", "ada"),
        ("name", "Ada Lovelace"),
        ("email", "ada@example.org"),
    }


@pytest.mark.parametrize("kind", ["groups", "dms", "mpims"])
def test_nothing_of_what_is_private_is_public(kind: str, tmp_path: Path) -> None:
    hidden: dict[str, object] = {"id": "C0HIDDEN1", "created": T0 - 100, "members": [ADA, "U0STRANGE"]}
    if kind != "dms":
        hidden["name"] = "project-x"
    files = export_files(channels=[CHANNELS[0]], messages={PUBLIC_CHANNEL: [message(50, "see <#C0HIDDEN1>")]})
    files[f"{kind}.json"] = json.dumps([hidden]).encode()
    told = [
        message(100, "hello shop/infra#9", reactions=[{"name": "x", "users": [BEN]}], reply_count=1, thread_ts=ts(100)),
        message(200, "go ahead", "U0STRANGE", ts(100), edited={"ts": ts(250), "user": ADA}),
        message(
            300,
            "",
            "",
            subtype="bot_message",
            bot_id="B0HIDDEN",
            username="bot",
            attachments=[{"text": "hi", "from_url": "https://x"}],
        ),
        message(400, "", subtype="channel_join"),
    ]
    files[f"{hidden.get('name', 'C0HIDDEN1')}/2025-12-29.json"] = json.dumps(told).encode()
    everything = assertions(pulled(write_export(tmp_path / "with", files)))
    without = assertions(
        pulled(
            write_export(
                tmp_path / "without",
                export_files(channels=[CHANNELS[0]], messages={PUBLIC_CHANNEL: [message(50, "see <#C0HIDDEN1>")]}),
            )
        )
    )
    labels = {a.label for a in everything}
    assert labels == {PUBLIC, "slack:C0HIDDEN1"}
    assert {repr(a.fact) for a in everything if a.label == PUBLIC} == {repr(a.fact) for a in without}
    assert len([a for a in everything if a.label != PUBLIC]) > 30
    forms = {type(a.fact).__name__ for a in everything if a.label != PUBLIC}
    assert forms == {"Entity", "Relation", "Alias", "Passage"}


def test_only_a_reader_with_the_label_sees_what_is_private(tmp_path: Path) -> None:
    with fresh_store(tmp_path, "store") as store:
        assert (
            sync(store, source(write_export(tmp_path / "e.zip", export_files())), NOW, KEY, processes="none").error
            is None
        )
        private = names.message("slack", PRIVATE_CHANNEL, ts(500))
        assert store.entity(private, View()) is None
        assert store.search_text("merger", View(), Limits()).items == ()
        reader = View(audience=frozenset({PUBLIC, f"slack:{PRIVATE_CHANNEL}"}))
        assert store.entity(private, reader) is not None
        assert len(store.search_text("merger", reader, Limits()).items) == 1


def test_a_folder_that_no_list_names_is_not_read_because_nobody_knows_who_may_read_it(tmp_path: Path) -> None:
    files = export_files() | {"mystery/2025-12-29.json": json.dumps([message(1, "what is this")]).encode()}
    found = pulled(write_export(tmp_path / "export", files))
    assert "what is this" not in repr(found)
    assert [q.locator for b in found for q in b.quarantined] == ["mystery/2025-12-29.json"]


def test_words_and_emoji_decide_and_the_edit_knows_nothing_of_the_time_before_it(tmp_path: Path) -> None:
    found = pulled(write_export(tmp_path / "export", export_files()))
    asked = versions(found, 100)
    assert [(e.properties.get("decision"), e.properties.get("decision_words")) for _, e in asked] == [
        (None, None),
        ("approved", ":+1:"),
    ]
    assert [e.properties.get("decision") for _, e in versions(found, 200)] == ["agreed"]
    assert [(at, e.properties.get("edited_at")) for at, e in versions(found, 300)] == [
        (300, None),
        (350, "2025-12-29T09:25:50Z"),
    ]
    [text] = [
        a
        for a in assertions(found)
        if isinstance(a.fact, Passage) and a.fact.ref == names.message("slack", PUBLIC_CHANNEL, ts(300)) and a.present
    ]
    assert text.valid_from // SECOND == T0 + 350
    assert versions(found, 400)[0][1].properties.get("decision") is None, "a bot decides nothing"


def test_the_newest_reading_of_emoji_counts(tmp_path: Path) -> None:
    ask = "can someone approve shop/infra#1?"
    before = one_message(tmp_path / "a", message(10, ask, reactions=[{"name": "+1", "users": [BEN], "count": 1}]))
    after = one_message(
        tmp_path / "b",
        message(
            10, ask, reactions=[{"name": "+1", "users": [BEN], "count": 1}, {"name": "x", "users": ["U9"], "count": 1}]
        ),
    )
    for order in ((before, after), (after, before)):
        with fresh_store(tmp_path, f"store-{order[0] is before}") as store:
            for batch in (b for found in order for b in found):
                store.apply(batch)
            entity = store.entity(names.message("slack", PUBLIC_CHANNEL, ts(10)), View())
            assert entity is not None
            assert entity.properties["decision"] == "rejected"


def test_blocks_attachments_files_and_shown_links_are_read(tmp_path: Path) -> None:
    found = one_message(
        tmp_path / "e",
        message(
            10,
            "plan for <https://github.com/shop/infra/pull/7>",
            blocks=[
                {
                    "type": "rich_text",
                    "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "again"}]}],
                },
                {"type": "section", "text": {"type": "mrkdwn", "text": "*2* to change, 0 to destroy"}},
                {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Press"}}]},
            ],
            attachments=[
                {"title": "Run", "title_link": "https://ci.example/9", "fields": [{"title": "Env", "value": "prod"}]},
                {
                    "from_url": "https://github.com/shop/infra/pull/8",
                    "title": "Widen the group",
                    "text": "shop/infra#5",
                },
            ],
            files=[{"name": "plan.txt", "title": "plan.txt"}],
        ),
    )
    assert text_of(found, 10).splitlines() == [
        "plan for https://github.com/shop/infra/pull/7",
        "*2* to change, 0 to destroy",
        "Run https://ci.example/9",
        "Env: prod",
        "[file: plan.txt]",
    ]
    mentioned = {a.fact.dst for a in relations(found, "MENTIONS") if isinstance(a.fact, Relation)}
    assert mentioned == {names.pull_request("shop/infra", n) for n in (5, 7, 8)}


def test_a_message_with_blocks_only_has_their_text(tmp_path: Path) -> None:
    elements = [
        {"type": "text", "text": "see "},
        {"type": "link", "url": "https://x.example/1", "text": "the page"},
        {"type": "user", "user_id": BEN},
    ]
    block = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}
    assert (
        text_of(one_message(tmp_path / "e", message(10, "", blocks=[block])), 10)
        == "see the page (https://x.example/1)@Ben"
    )


def test_a_bad_message_is_left_out_and_the_rest_is_told(tmp_path: Path) -> None:
    files = export_files(messages={})
    told = [message(10, "good"), {"ts": "yesterday", "text": "bad"}, "worse", {"text": 5}]
    files["infra/2025-12-29.json"] = json.dumps(told).encode()
    files["infra/2025-12-30.json"] = b'[{"ts": "17670'
    found = pulled(write_export(tmp_path / "e", files))
    assert text_of(found, 10) == "good"
    assert sorted(q.locator for b in found for q in b.quarantined) == [
        "infra/2025-12-29.json#1",
        "infra/2025-12-29.json#2",
        "infra/2025-12-29.json#3",
        "infra/2025-12-30.json",
    ]
    assert not [q for b in pulled(tmp_path / "e", found[-1].cursor) for q in b.quarantined], "it is noted once"


def test_a_damaged_file_in_a_zip_is_noted_and_the_others_are_read(tmp_path: Path) -> None:
    path = write_export(tmp_path / "e.zip", export_files())
    data = path.read_bytes()
    at = data.index(b"between us")
    path.write_bytes(data[:at] + b"BETWEEN" + data[at + 7 :])
    found = pulled(path)
    assert [q.locator for b in found for q in b.quarantined] == [f"{DM}/2025-12-29.json"]
    assert text_of(found, 200)


def test_an_export_inside_a_folder_of_its_zip_is_found(tmp_path: Path) -> None:
    files = {f"example export/{name}": data for name, data in export_files().items()}
    assert text_of(pulled(write_export(tmp_path / "e.zip", files)), 200)


def test_a_later_export_tells_only_what_changed(tmp_path: Path) -> None:
    first = pulled(write_export(tmp_path / "e", export_files()))
    messages = {**MESSAGES, PRIVATE_CHANNEL: [*MESSAGES[PRIVATE_CHANNEL], message(5000, "news")]}
    later = pulled(write_export(tmp_path / "e", export_files(messages=messages)), first[-1].cursor)
    assert {a.label for a in assertions(later)} == {f"slack:{PRIVATE_CHANNEL}"}
    assert text_of(later, 5000, PRIVATE_CHANNEL) == "news"


def test_a_member_who_left_is_no_member_after_the_next_export(tmp_path: Path) -> None:
    ben, moment = names.account("slack", BEN), instant("2026-03-01T00:00:00Z")
    with fresh_store(tmp_path, "store") as store:
        path = write_export(tmp_path / "e", export_files())
        sync(store, source(path), NOW, KEY, processes="none")
        assert _members(store, moment) >= {ben}
        channels = copy.deepcopy(CHANNELS)
        channels[0]["members"] = [ADA]
        messages = {PUBLIC_CHANNEL: [message(86_400 * 30, "later")]}
        files = export_files(channels=channels, messages=messages)
        files["infra/2026-01-28.json"] = files.pop("infra/2025-12-29.json")
        sync(store, source(write_export(tmp_path / "e2", files)), NOW, KEY, processes="none")
        assert _members(store, moment) == {names.account("slack", ADA)}
        assert ben in _members(store, instant("2026-01-05T00:00:00Z"))


def _members(store: GraphStore, at: int) -> set[str]:
    edges = store.neighbours([INFRA], View(as_of=at), Limits(), types=("MEMBER_OF",), direction="in")
    return {edge.src for edge in edges.items}


def test_a_channel_made_private_takes_its_public_past_back(tmp_path: Path) -> None:
    with fresh_store(tmp_path, "store") as store:
        path = write_export(tmp_path / "e", export_files())
        assert sync(store, source(path), NOW, KEY, processes="none").error is None
        root = names.message("slack", PUBLIC_CHANNEL, ROOT)
        assert store.entity(root, View()) is not None
        channels = copy.deepcopy(CHANNELS)
        channels[0]["is_private"] = True
        for name in os.listdir(path):
            if name.endswith(".json"):
                (path / name).unlink()
        write_export(path, export_files(channels=channels))
        assert sync(store, source(path), NOW + SECOND, KEY, retry=Retry(attempts=1), processes="none").error is None
        assert store.entity(root, View()) is None
        assert store.search_text("listener rule", View(), Limits()).items == ()
        assert store.entity(root, View(audience=frozenset({PUBLIC, f"slack:{PUBLIC_CHANNEL}"}))) is not None


def test_a_foreign_cursor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceDataInvalid, match="cursor"):
        pulled(write_export(tmp_path / "e", export_files()), '{"files": 1}')


def test_a_workspace_may_be_given_as_its_address(tmp_path: Path) -> None:
    path = write_export(tmp_path / "e", export_files())
    assert SlackSource(SlackSettings("https://Example.slack.com/", str(path))).scope == "example"


def test_the_same_facts_come_from_a_zip_and_from_a_directory(tmp_path: Path) -> None:
    dumps: list[list[str]] = []
    for name in ("e.zip", "e"):
        with fresh_store(tmp_path, f"store-{name}") as store:
            sync(store, source(write_export(tmp_path / name, export_files())), NOW, KEY, processes="none")
            dumps.append(facts_of(list(store.dump())))
    assert dumps[0] == dumps[1]
