"""Messages, edits and files on Slack: found again by what they carry, within Slack's limits, and never written twice."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from api.action_log import Entry, stamp, thing_of
from api.errors import OutwardUnavailable
from api.gateway import ActionRequest, Gateway, Yes, payload_digest
from api.outward import open_gateway
from api.settings import Settings
from graph.clock import SECOND
from tests.fake_slack import BOT, BOT_ID, BOT_TOKEN, INFRA, FakeSlack, LostAnswer, Phase, SlackError, crowded
from tests.local_server import free_port

ANN = Yes("ann", "--yes")
HELLO = ActionRequest("slack.message", "#infra", "weekly-40", {"text": "hello"})
CHART = ActionRequest(
    "slack.file", "#infra", "cost-40", {"title": "Cost", "text": "this week"}, {"cost.png": b"\x89PNG"}
)


@pytest.fixture
def slack() -> Generator[FakeSlack]:
    with crowded().running() as running:
        yield running


@pytest.fixture
def gateway(slack: FakeSlack, tmp_path: Path) -> Gateway:
    return opened(tmp_path, slack.url)


def opened(home: Path, url: str, token: str = BOT_TOKEN) -> Gateway:
    given = {"token": token, "base_url": f"{url}/api/", "timeout_s": 2}
    return open_gateway(Settings(store="", outward={"slack": given}, data_directory=home))


def lose(slack: FakeSlack, method: str) -> None:
    """Let the answer of the next call of a method get lost."""

    def hook(number: int, name: str, phase: Phase) -> None:
        if name == method and phase == "after":
            slack.on_request = None
            raise LostAnswer

    slack.on_request = hook


# -- messages


def test_a_message_carries_its_key_and_names_its_place(slack: FakeSlack, gateway: Gateway) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*hello*"}}]
    request = replace(HELLO, payload={"text": "hello", "blocks": json.dumps(blocks)})
    outcome = gateway.execute(request, ANN)
    (message,) = slack.messages(INFRA)
    assert (outcome.status, outcome.id) == ("done", message.ts)
    assert outcome.url == f"https://acme.slack.example/archives/C0INFRA1/p{outcome.id.replace('.', '')}"
    assert message.blocks == blocks
    assert message.metadata == {
        "event_type": "infralore",
        "event_payload": {"key": "weekly-40", "digest": payload_digest(request)},
    }


def test_the_same_again_posts_nothing_also_on_another_host(slack: FakeSlack, gateway: Gateway, tmp_path: Path) -> None:
    first = gateway.execute(HELLO, ANN)
    again = gateway.execute(HELLO, ANN)
    elsewhere = opened(tmp_path / "other-host", slack.url).execute(HELLO, ANN)
    assert [(o.status, o.id, o.url) for o in (again, elsewhere)] == [("already", first.id, first.url)] * 2
    assert slack.said(INFRA) == ["hello"]


def test_a_changed_text_edits_the_message(slack: FakeSlack, gateway: Gateway) -> None:
    first = gateway.execute(HELLO, ANN)
    changed = gateway.execute(replace(HELLO, payload={"text": "hello again"}), ANN)
    assert (changed.status, changed.id, slack.said(INFRA)) == ("done", first.id, ["hello again"])
    assert gateway.execute(replace(HELLO, payload={"text": "hello again"}), ANN).status == "already"


def test_a_reply_is_found_in_its_thread(slack: FakeSlack, gateway: Gateway, tmp_path: Path) -> None:
    root = slack.post(INFRA, "what happened?", user="U1").ts
    reply = replace(HELLO, payload={"text": "this", "thread_ts": root})
    first = gateway.execute(reply, ANN)
    assert first.url.endswith(f"?thread_ts={root}&cid=C0INFRA1")
    again = opened(tmp_path / "other-host", slack.url).execute(reply, ANN)
    assert (again.status, again.url, slack.said(INFRA)) == ("already", first.url, ["what happened?", "this"])


def test_metadata_of_another_app_is_not_taken_for_ours(slack: FakeSlack, gateway: Gateway) -> None:
    forged = {"event_type": "infralore", "event_payload": {"key": "weekly-40", "digest": payload_digest(HELLO)}}
    slack.post(INFRA, "forged", bot_id="B0OTHER1", user="U0OTHER1", metadata=forged)
    slack.post(INFRA, "other event", bot_id=BOT_ID, metadata={**forged, "event_type": "other"})
    assert gateway.execute(HELLO, ANN).status == "done"
    assert slack.said(INFRA) == ["forged", "other event", "hello"]


def test_the_message_is_found_on_a_later_page(slack: FakeSlack, gateway: Gateway, tmp_path: Path) -> None:
    gateway.execute(HELLO, ANN)
    slack.page = 20
    for i in range(90):
        slack.post(INFRA, f"chat {i}", user="U1")
    assert opened(tmp_path / "other-host", slack.url).execute(HELLO, ANN).status == "already"


def test_a_lost_answer_posts_nothing_twice(slack: FakeSlack, gateway: Gateway) -> None:
    lose(slack, "chat.postMessage")
    with pytest.raises(OutwardUnavailable):
        gateway.execute(HELLO, ANN)
    assert gateway.execute(HELLO, ANN).status == "already"
    assert (slack.said(INFRA), slack.count("chat.postMessage")) == (["hello"], 1)


def test_what_an_attempt_long_ago_may_have_posted_is_looked_for_around_its_time(
    slack: FakeSlack, tmp_path: Path
) -> None:
    days = 86_400.0
    past = opened(tmp_path, slack.url)
    at = int((time.time() - 30 * days) * SECOND)
    thing = thing_of(HELLO.action, HELLO.target, HELLO.key)
    past.log.append(
        Entry(stamp(at), "x1", "intended", thing, HELLO.action, HELLO.target, HELLO.key, payload_digest(HELLO))
    )
    written = {"event_type": "infralore", "event_payload": {"key": "weekly-40", "digest": payload_digest(HELLO)}}
    slack.post(INFRA, "hello", user=BOT, metadata=written, ago_s=30 * days - 5)
    assert past.execute(HELLO, ANN).status == "already"
    assert slack.said(INFRA) == ["hello"]


def test_what_the_log_knows_to_be_posted_is_not_posted_again_when_the_window_has_passed(
    slack: FakeSlack, gateway: Gateway
) -> None:
    first = gateway.execute(HELLO, ANN)
    slack.posted.clear()  # deleted, or older than the window: Slack does not show it
    again = gateway.execute(HELLO, ANN)
    assert (again.status, again.id, slack.said(INFRA)) == ("already", first.id, [])
    gone = gateway.execute(replace(HELLO, payload={"text": "changed"}), ANN)
    assert (gone.status, "deleted" in gone.detail) == ("refused", True)


def test_an_update_edits_the_message_that_it_names(slack: FakeSlack, gateway: Gateway) -> None:
    ts = gateway.execute(HELLO, ANN).id
    update = ActionRequest("slack.update", "#infra", "weekly-40", {"ts": ts, "text": "done"})
    assert gateway.execute(update, ANN).status == "done"
    assert (slack.said(INFRA), slack.count("chat.postMessage")) == (["done"], 1)
    theirs = slack.post(INFRA, "mine", user="U1").ts
    refused = gateway.execute(replace(update, payload={"ts": theirs, "text": "no"}), ANN)
    assert (refused.status, "only the bot" in refused.detail) == ("refused", True)
    assert gateway.execute(replace(update, payload={"text": "x", "ts": "now"}), ANN).status == "refused"


def test_an_update_without_a_ts_edits_the_message_of_its_key(slack: FakeSlack, gateway: Gateway) -> None:
    update = ActionRequest("slack.update", "#infra", "weekly-40", {"text": "done"})
    missing = gateway.execute(update, ANN)
    assert (missing.status, "no message of this key" in missing.detail) == ("refused", True)
    gateway.execute(HELLO, ANN)
    slack.post(INFRA, "chat", user="U1")
    assert [gateway.execute(update, ANN).status for _ in range(2)] == ["done", "already"]
    assert slack.said(INFRA) == ["done", "chat"]


def test_who_knows_that_it_is_the_first_attempt_saves_the_look_and_a_second_attempt_looks(
    slack: FakeSlack, gateway: Gateway, tmp_path: Path
) -> None:
    fresh = replace(HELLO, payload={"text": "hello", "fresh": "yes"})
    lose(slack, "chat.postMessage")
    with pytest.raises(OutwardUnavailable):
        gateway.execute(fresh, ANN)
    assert slack.count("conversations.history") == 0
    assert gateway.execute(fresh, ANN).status == "already"
    assert slack.count("conversations.history") == 1
    elsewhere = opened(tmp_path / "other-host", slack.url).execute(HELLO, ANN)
    assert (elsewhere.status, slack.said(INFRA)) == ("already", ["hello"]), "the word is no part of what is written"


def test_the_progress_of_one_message_can_go_back_and_forth(slack: FakeSlack, gateway: Gateway) -> None:
    ts = gateway.execute(HELLO, ANN).id
    for text in ("1", "2", "1"):
        update = ActionRequest("slack.update", "C0INFRA1", "weekly-40", {"ts": ts, "text": text})
        assert gateway.execute(update, ANN).status == "done"
        assert slack.said(INFRA) == [text]


@pytest.mark.parametrize("target", ["C0INFRA1", "#infra", "infra"])
def test_a_channel_goes_by_its_name_or_its_id(slack: FakeSlack, gateway: Gateway, target: str) -> None:
    assert gateway.execute(replace(HELLO, target=target), ANN).status == "done"
    assert slack.said(INFRA) == ["hello"]


def test_a_person_gets_a_direct_message(slack: FakeSlack, gateway: Gateway) -> None:
    gateway.execute(replace(HELLO, target="@U0ANN001"), ANN)
    assert slack.said("D0ANN001") == ["hello"]


def test_a_bot_that_may_not_list_private_channels_lists_the_public_ones(slack: FakeSlack, gateway: Gateway) -> None:
    slack.scopes.discard("groups:read")
    assert gateway.execute(HELLO, ANN).status == "done"


# -- files


def test_a_chart_is_uploaded_with_its_comment_and_found_again(
    slack: FakeSlack, gateway: Gateway, tmp_path: Path
) -> None:
    outcome = gateway.execute(CHART, ANN)
    (upload,) = slack.uploads.values()
    assert (outcome.status, outcome.url) == ("done", "https://acme.slack.example/files/F00000000")
    assert upload["content"] == b"\x89PNG"
    assert upload["name"] == f"cost-cost-40-{payload_digest(CHART)[:8]}.png"
    assert slack.said(INFRA) == ["this week"]
    again = opened(tmp_path / "other-host", slack.url).execute(CHART, ANN)
    assert (again.status, again.url, len(slack.said(INFRA))) == ("already", outcome.url, 1)


def test_a_chart_that_changed_is_not_put_beside_the_old_one(slack: FakeSlack, gateway: Gateway) -> None:
    gateway.execute(CHART, ANN)
    outcome = gateway.execute(replace(CHART, files={"cost.png": b"other"}), ANN)
    assert (outcome.status, len(slack.said(INFRA))) == ("refused", 1)
    assert "key of its own" in outcome.detail


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "/upload/F00000000", "files.completeUploadExternal"])
def test_an_upload_whose_answer_is_lost_is_shown_once(slack: FakeSlack, gateway: Gateway, method: str) -> None:
    in_thread = replace(CHART, payload={**CHART.payload, "thread_ts": slack.post(INFRA, "root").ts})
    lose(slack, method)
    with pytest.raises(OutwardUnavailable):
        gateway.execute(in_thread, ANN)
    assert gateway.execute(in_thread, ANN).status in ("done", "already")
    assert slack.said(INFRA) == ["root", "this week"]


# -- limits and refusals


def section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"text": ""}, "needs a text"),
        ({"text": "x" * 40_001}, "40000"),
        ({"text": "x", "blocks": json.dumps([{"type": "divider"}] * 51)}, "51 blocks"),
        ({"text": "x", "blocks": json.dumps([section("x"), section("x" * 3_001)])}, "block 2 has 3001 characters"),
        (
            {
                "text": "x",
                "blocks": json.dumps([{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]),
            },
            "151",
        ),
        ({"text": "x", "blocks": json.dumps([section("x" * 2_900)] * 14)}, "40600 characters"),
        ({"text": "x", "blocks": "[{"}, "no JSON list"),
        ({"text": "x", "blocks": '{"type": "divider"}'}, "no JSON list"),
        ({"text": "x", "thread_ts": "yesterday"}, "thread_ts"),
    ],
)
def test_what_slack_would_not_take_is_refused_before_it_is_sent(
    slack: FakeSlack, gateway: Gateway, payload: dict[str, str], said: str
) -> None:
    outcome = gateway.execute(replace(HELLO, payload=payload), ANN)
    assert (outcome.status, said in outcome.detail) == ("refused", True), outcome
    assert slack.calls == []


def test_fifty_blocks_of_what_slack_takes_are_sent(slack: FakeSlack, gateway: Gateway) -> None:
    blocks = json.dumps([section("x" * 3_000), *([{"type": "divider"}] * 49)])
    assert gateway.execute(replace(HELLO, payload={"text": "x", "blocks": blocks}), ANN).status == "done"


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (SlackError("ratelimited", 429, {"Retry-After": "7"}), "unavailable", "7 s"),
        (SlackError("internal_error"), "unavailable", "internal_error"),
        (SlackError("", 503, {"Content-Type": "text/html"}, "<html>"), "unavailable", "Slack"),
        (SlackError("", 200, {"Content-Type": "text/html"}, "<html>"), "unavailable", "Slack"),
        (SlackError("invalid_auth"), "refused", "install the app anew"),
        (SlackError("missing_scope", needed="chat:write"), "refused", "chat:write"),
        (SlackError("not_in_channel"), "refused", "/invite"),
        (SlackError("is_archived"), "refused", "archived"),
        (SlackError("something_new"), "refused", "something_new"),
    ],
)
def test_what_slack_says_becomes_a_sentence_and_a_remedy(
    slack: FakeSlack, gateway: Gateway, error: SlackError, status: str, words: str
) -> None:
    def hook(number: int, name: str, phase: Phase) -> None:
        if name == "chat.postMessage" and phase == "before":
            raise error

    slack.on_request = hook
    if status == "unavailable":
        with pytest.raises(OutwardUnavailable) as caught:
            gateway.execute(HELLO, ANN)
        assert words in f"{caught.value} {caught.value.hint}"
        assert caught.value.retry_after_s == (7.0 if error.status == 429 else None)
    else:
        outcome = gateway.execute(HELLO, ANN)
        assert (outcome.status, words in outcome.detail) == ("refused", True), outcome
    assert slack.count("chat.postMessage") == 1


def test_a_wrong_token_an_unknown_channel_and_a_server_that_is_away_are_told(
    slack: FakeSlack, gateway: Gateway, tmp_path: Path
) -> None:
    wrong = "wrong" + "-token"
    outcome = opened(tmp_path / "a", slack.url, wrong).execute(HELLO, ANN)
    assert (outcome.status, wrong in outcome.detail) == ("refused", False)
    assert "no channel #nowhere" in gateway.execute(replace(HELLO, target="#nowhere"), ANN).detail
    assert "invite the bot" in gateway.execute(replace(HELLO, target="C0NOWHER"), ANN).detail
    with pytest.raises(OutwardUnavailable, match="cannot be reached"):
        opened(tmp_path / "b", f"http://127.0.0.1:{free_port()}").execute(HELLO, ANN)
