"""The Web API: pages, threads, what is new since the last pull, and everything that goes wrong on the way."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from graph.clock import SECOND
from graph.model import Entity, FactBatch, Passage
from graph.store import Limits, View
from ingest import names
from ingest.source import Source, SourceDataInvalid, SourceUnavailable
from ingest.sources.slack.source import SlackSettings, SlackSource
from ingest.sync import Retry, sync
from tests.contracts.source_contract import CANARY, KEY, NOW, SourceContract, facts_of, fresh_store
from tests.ingest.slack.fake_slack import TOKEN, FakeSlack, refuse, reply
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

TYPES = ("public_channel", "private_channel", "im")
INFRA = names.channel("slack", PUBLIC_CHANNEL)


@pytest.fixture(scope="module")
def server() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", port=0, threaded=True) as running:
        yield running


@pytest.fixture
def slack(server: HTTPServer) -> FakeSlack:
    server.clear()
    return FakeSlack(server)


def source(slack: FakeSlack, **settings: object) -> SlackSource:
    settings = {"types": TYPES, "timeout_s": 5.0, **settings}
    return SlackSource(SlackSettings("example", token=TOKEN, base_url=slack.url, **settings))  # type: ignore[arg-type]


def pulled(slack: FakeSlack, cursor: str | None = None, now: int = NOW, **settings: object) -> list[FactBatch]:
    return list(source(slack, **settings).pull(cursor, now))


def texts(found: list[FactBatch]) -> set[str]:
    return {
        a.fact.text
        for b in found
        for a in b.assertions
        if isinstance(a.fact, Passage) and a.fact.slot == "text" and a.present
    }


class TestContract(SourceContract):
    @pytest.fixture(autouse=True)
    def _fake(self, slack: FakeSlack) -> None:
        self.slack = slack

    def recorded(self, directory: Path) -> Source:
        self.slack.messages[PRIVATE_CHANNEL] = [
            *MESSAGES[PRIVATE_CHANNEL],
            message(700, f"it is postgres://app:{CANARY}@db/shop now, password: {CANARY}"),
        ]
        return source(self.slack)

    def broken(self, directory: Path) -> Iterator[Source]:
        yield SlackSource(SlackSettings("example", token=TOKEN, base_url="http://127.0.0.1:9/api/"))
        yield SlackSource(SlackSettings("example", token=TOKEN + "\n x", base_url=self.slack.url))
        yield SlackSource(SlackSettings("example", token=TOKEN, base_url="ftp://x/"))
        yield source(self.slack, channels=("no-such-channel",))
        self.slack.trouble["users.list"] = refuse("invalid_auth")
        yield source(self.slack)


def test_the_web_api_and_an_export_tell_the_same_facts(slack: FakeSlack, tmp_path: Path) -> None:
    dumps: list[set[str]] = []
    export = SlackSource(SlackSettings("example", str(write_export(tmp_path / "e", export_files()))))
    for name, one in (("api", source(slack)), ("export", export)):
        with fresh_store(tmp_path, name) as store:
            assert sync(store, one, NOW, KEY, processes="none").error is None
            # Members are a snapshot of when they were asked for; all else is equal to the byte.
            lines = (
                line for line in facts_of(list(store.dump())) if "MEMBER_OF" not in line and "#members/" not in line
            )
            dumps.append({line for line in lines if '"line":"fact"' in line and "Channel" not in line})
    strip = [{line.partition('"known_from"')[0] for line in dump} for dump in dumps]
    assert strip[0] == strip[1]
    assert len(strip[0]) > 40


def test_every_page_is_read(slack: FakeSlack) -> None:
    slack.messages[PUBLIC_CHANNEL] += [message(1000 + i, f"note {i}") for i in range(7)]
    slack.messages[PUBLIC_CHANNEL] += [message(1500 + i, f"reply {i}", BEN, ROOT) for i in range(5)]
    found = texts(pulled(slack))
    assert {f"note {i}" for i in range(7)} | {f"reply {i}" for i in range(5)} <= found


def test_the_next_pull_tells_what_is_new_edited_and_answered_late(slack: FakeSlack) -> None:
    first = pulled(slack)
    calls = len(slack.calls)
    told = slack.messages[PUBLIC_CHANNEL]
    told.append(message(450, "new"))
    told.append(message(460, "late answer", BEN, ROOT))
    told[2] = {**told[2], "text": "We agreed to wait", "edited": {"user": BEN, "ts": ts(470)}}
    later = pulled(slack, first[-1].cursor)
    assert texts(later) == {"new", "late answer", "We agreed to wait"}
    assert not [c for c in slack.calls[calls:] if c[0] == "conversations.history" and "oldest" not in c[1]]


def test_what_lies_before_the_look_back_is_not_asked_for_again(slack: FakeSlack) -> None:
    slack.messages[PUBLIC_CHANNEL].append(message(86_400 * 30, "much later"))
    first = pulled(slack, lookback_days=1.0)
    slack.calls.clear()
    assert pulled(slack, first[-1].cursor, lookback_days=1.0)
    asked = [c for c in slack.calls if c[0] == "conversations.history" and c[1]["channel"] == PUBLIC_CHANNEL]
    assert {float(told["oldest"]) for _, told in asked} == {T0 + 86_400 * 29 + 0.0001}
    assert not [c for c in slack.calls if c[0] == "conversations.replies" and c[1]["ts"] == ROOT], "a quiet thread"


def test_a_message_that_is_gone_is_erased_and_its_words_with_it(slack: FakeSlack, tmp_path: Path) -> None:
    slack.messages[PUBLIC_CHANNEL] += [message(410, "zebra crossing"), message(420, "zebra reply", BEN, ROOT)]
    gone = [names.message("slack", PUBLIC_CHANNEL, ts(at)) for at in (410, 420)]
    with fresh_store(tmp_path, "store") as store:
        assert sync(store, source(slack), NOW, KEY, processes="none").error is None
        assert all(store.entity(ref, View()) is not None for ref in gone)
        del slack.messages[PUBLIC_CHANNEL][-2:]
        report = sync(store, source(slack), NOW + SECOND, KEY, processes="none")
        assert report.error is None
        assert all(store.entity(ref, View()) is None for ref in gone)
        assert "zebra" not in "\n".join(store.dump())
        assert store.search_text("listener rule", View(), Limits()).items


def test_nothing_counts_as_deleted_when_the_look_back_was_made_shorter_or_pages_fail(slack: FakeSlack) -> None:
    first = pulled(slack)
    assert not [b for b in pulled(slack, first[-1].cursor, lookback_days=0.0001) if b.erased]

    def second_page(told: dict[str, str]) -> object:
        return reply({"ok": False, "error": "internal_error"}) if told.get("cursor") else None

    slack.trouble["conversations.history"] = second_page  # type: ignore[assignment]
    found: list[FactBatch] = []
    with pytest.raises(SourceUnavailable):
        found.extend(source(slack).pull(first[-1].cursor, NOW))
    assert not [b for b in found if b.erased]


def test_a_rate_limit_waits_as_told_and_goes_on_where_it_stopped(slack: FakeSlack, tmp_path: Path) -> None:
    slack.messages[PUBLIC_CHANNEL] += [message(1000 + i, f"note {i}") for i in range(9)]
    count = 0

    def limited(_: object) -> object:
        nonlocal count
        count += 1
        return reply({"ok": False, "error": "ratelimited"}, 429, Retry_After="7") if count % 3 == 0 else None

    slack.trouble["conversations.history"] = limited  # type: ignore[assignment]
    waited: list[float] = []
    with fresh_store(tmp_path, "store") as store, fresh_store(tmp_path, "calm") as calm:
        retry = Retry(attempts=4, sleep=waited.append)
        assert sync(store, source(slack), NOW, KEY, retry=retry, processes="none").error is None
        slack.trouble.clear()
        assert sync(calm, source(slack), NOW, KEY, processes="none").error is None
        assert len(waited) > 2
        assert min(waited) >= 7
        strip = [
            {line.partition('"known_from"')[0] for line in facts_of(list(s.dump())) if '"line":"fact"' in line}
            for s in (store, calm)
        ]
        assert strip[0] == strip[1]


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (refuse("invalid_auth"), SourceDataInvalid, "invalid_auth"),
        (refuse("token_revoked"), SourceDataInvalid, "token_revoked"),
        (refuse("token_expired"), SourceDataInvalid, "expired"),
        (
            refuse("missing_scope", needed="channels:history", provided="users:read"),
            SourceDataInvalid,
            "channels:history",
        ),
        (refuse("internal_error"), SourceUnavailable, "internal_error"),
        (refuse("ratelimited"), SourceUnavailable, "rate limit"),
        (refuse("a_new_error"), SourceDataInvalid, "a_new_error"),
        (lambda _: reply("<html><body>Sign in</body></html>"), SourceDataInvalid, "not that of Slack"),  # type: ignore[misc]
        (lambda _: reply('{"ok": true, "members": [{"id": "U'), SourceUnavailable, "cut off"),  # type: ignore[misc]
        (lambda _: reply("[]"), SourceDataInvalid, "not that of Slack"),  # type: ignore[misc]
        (lambda _: reply({"ok": True, "messages": "many", "members": 5}), SourceDataInvalid, "not that of Slack"),  # type: ignore[misc]
        (lambda _: reply("busy", 503), SourceUnavailable, "503"),  # type: ignore[misc]
        (lambda _: reply("<html>", 502), SourceUnavailable, "502"),  # type: ignore[misc]
        (lambda _: reply("no", 404), SourceDataInvalid, "404"),  # type: ignore[misc]
        (lambda _: reply({"ok": True, "messages": [], "members": [], "has_more": True}), SourceUnavailable, "cut off"),  # type: ignore[misc]
        (
            lambda _: reply({"ok": True, "messages": [], "members": [], "response_metadata": {"next_cursor": "same"}}),  # type: ignore[misc]
            SourceUnavailable,
            "pages",
        ),
    ],
)
@pytest.mark.parametrize("method", ["users.list", "conversations.history"])
def test_each_failure_is_one_sentence_with_a_remedy_and_without_the_token(
    slack: FakeSlack, method: str, answer: object, error: type[Exception], words: str
) -> None:
    slack.trouble[method] = answer  # type: ignore[assignment]
    with pytest.raises(error, match=words) as caught:
        pulled(slack)
    told = f"{caught.value} {getattr(caught.value, 'hint', '')}"
    assert TOKEN not in told
    assert "\n" not in told
    assert "Sign in" not in told
    assert getattr(caught.value, "hint", "")


def test_a_slow_server_is_tried_again_later(slack: FakeSlack) -> None:
    import time

    slack.trouble["users.list"] = lambda _: time.sleep(1.5)  # type: ignore[assignment, return-value]
    with pytest.raises(SourceUnavailable, match="in time"):
        pulled(slack, timeout_s=1.0)


def test_a_channel_that_the_app_may_not_read_is_noted_and_the_others_are_read(slack: FakeSlack) -> None:
    def not_in_infra(told: dict[str, str]) -> object:
        return reply({"ok": False, "error": "not_in_channel"}) if told["channel"] == PUBLIC_CHANNEL else None

    slack.trouble["conversations.history"] = not_in_infra  # type: ignore[assignment]
    found = pulled(slack)
    assert [(q.locator, q.reason) for b in found for q in b.quarantined] == [
        (f"slack:{PUBLIC_CHANNEL}", "Slack refuses to read it: not_in_channel; invite the app to it")
    ]
    assert "between us" in texts(found)
    assert not [q for b in pulled(slack, found[-1].cursor) for q in b.quarantined], "noted once"


def test_only_channels_asked_for_are_read(slack: FakeSlack) -> None:
    found = pulled(slack, channels=("#secret-merger", DM))
    assert texts(found) == {"between us", "the merger is approved, see shop/infra#14"}


def test_channels_that_the_app_is_not_in_are_left_alone(slack: FakeSlack) -> None:
    slack.channels[0]["is_member"] = False
    assert "We agreed to move the listener rule, go ahead" not in texts(pulled(slack))


def test_a_member_who_left_is_no_member_after_the_next_pull(slack: FakeSlack, tmp_path: Path) -> None:
    with fresh_store(tmp_path, "store") as store:
        sync(store, source(slack), NOW, KEY, processes="none")
        slack.channels[0]["members"] = [ADA]
        sync(store, source(slack), NOW + 60 * SECOND, KEY, processes="none")
        for at, ids in ((NOW + SECOND, {ADA, BEN}), (NOW + 61 * SECOND, {ADA})):
            edges = store.neighbours([INFRA], View(as_of=at), Limits(), types=("MEMBER_OF",), direction="in")
            assert {e.src for e in edges.items} == {names.account("slack", i) for i in ids}


def test_a_channel_made_private_takes_its_public_past_back(slack: FakeSlack, tmp_path: Path) -> None:
    root = names.message("slack", PUBLIC_CHANNEL, ROOT)
    with fresh_store(tmp_path, "store") as store:
        sync(store, source(slack, lookback_days=0.0), NOW, KEY, processes="none")
        assert store.entity(root, View()) is not None
        slack.channels[0]["is_private"] = True
        assert sync(store, source(slack, lookback_days=0.0), NOW + SECOND, KEY, processes="none").error is None
        for view in (View(), View(as_of=NOW - SECOND)):
            assert store.entity(root, view) is None
            assert store.entity(INFRA, view) is None
            assert store.search_text("listener", view, Limits()).items == ()


def test_a_first_message_deleted_under_its_replies_leaves_no_word(slack: FakeSlack, tmp_path: Path) -> None:
    slack.messages[PUBLIC_CHANNEL] = [copy.deepcopy(m) for m in slack.messages[PUBLIC_CHANNEL]]
    slack.messages[PUBLIC_CHANNEL][1]["text"] = "zebra?"
    with fresh_store(tmp_path, "store") as store:
        sync(store, source(slack), NOW, KEY, processes="none")
        assert "zebra" in "\n".join(store.dump())
        slack.messages[PUBLIC_CHANNEL][1] |= {
            "subtype": "tombstone",
            "text": "This message was deleted.",
            "user": "USLACKBOT",
            "reactions": [],
        }
        sync(store, source(slack), NOW + SECOND, KEY, processes="none")
        assert "zebra" not in "\n".join(store.dump())
        assert store.entity(names.message("slack", PUBLIC_CHANNEL, ts(200)), View()) is not None
        assert store.entity(names.message("slack", PUBLIC_CHANNEL, ROOT), View()) is None


def test_a_private_channel_is_labelled_in_all_it_yields(slack: FakeSlack) -> None:
    found = pulled(slack, channels=(PRIVATE_CHANNEL,))
    public = [a.fact for b in found for a in b.assertions if a.label == "public"]
    assert {f.ref.kind for f in public if isinstance(f, Entity)} == {"Account"}
    assert "merger" not in repr(public)
    assert CHANNELS[1]["name"] not in repr(public)


def test_a_channel_made_private_in_the_middle_of_its_first_reading_leaves_nothing_public(
    slack: FakeSlack, tmp_path: Path
) -> None:
    slack.messages[PUBLIC_CHANNEL] += [message(1000 + i, f"note {i}") for i in range(9)]

    def fails_at_the_third_page(told: dict[str, str]) -> object:
        return reply({"ok": False, "error": "internal_error"}) if told.get("cursor") == "4" else None

    slack.trouble["conversations.history"] = fails_at_the_third_page  # type: ignore[assignment]
    with fresh_store(tmp_path, "store") as store:
        assert sync(store, source(slack), NOW, KEY, retry=Retry(attempts=1), processes="none").error is not None
        assert store.search_text("note", View(), Limits()).items
        slack.trouble.clear()
        slack.channels[0]["is_private"] = True
        assert sync(store, source(slack), NOW + SECOND, KEY, processes="none").error is None
        assert store.search_text("note", View(), Limits()).items == ()
        member = View(audience=frozenset({"public", f"slack:{PUBLIC_CHANNEL}"}))
        assert len(store.search_text("note", member, Limits(rows=50)).items) == 9


def test_what_a_first_reading_remembers_does_not_grow_with_the_channel(slack: FakeSlack) -> None:
    slack.messages[PUBLIC_CHANNEL] = [message(3600 * i, f"note {i}") for i in range(60)]
    found = pulled(slack, channels=(PUBLIC_CHANNEL,), lookback_days=0.1)
    assert len(texts(found)) == 60
    assert max(len(b.cursor) for b in found if b.cursor) < 1_500
