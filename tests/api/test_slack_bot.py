"""The bot against a fake Slack, end to end: what comes in by socket or HTTP is acknowledged in time, answered in its thread, once, and to nobody else."""

from __future__ import annotations

import http.client
import json
import shutil
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

import msgspec
import pytest
from fastapi import FastAPI
from msgspec.structs import replace

from api.errors import SettingsError
from api.routes.slack import slack
from api.settings import Settings, load
from api.slack_bot.bot import BUSY, TAKEN, Bot
from api.slack_bot.directory import METHODS, Directory
from api.slack_bot.lines import of_event
from api.slack_bot.payloads import Command, Envelope, Interaction, read
from api.slack_bot.settings import read_settings
from api.slack_bot.socket import Socket
from api.wiring import Engine
from examples.build import build
from graph.clock import instant
from graph.model import Alias, Entity, Passage, ref
from tests.agent.world import World
from tests.api.http_server import listening
from tests.fake_slack import APP_TOKEN, BOT, BOT_TOKEN, SECRET, FakeSlack, Json, Posted

T = TypeVar("T", bound=msgspec.Struct)
ANN, BEN, GUEST, ROBOT = "U00000ANN", "U00000BEN", "U00000GUEST", "U00000ROBOT"
OPEN, SECRETS, SHARED, MIXED, ELSEWHERE = "C00000OPEN", "C0SECRETS", "C00SHARED", "C000MIXED", "C0ELSEWHERE"
DM_ANN, DM_BEN = "D00000ANN", "D00000BEN"
HUSH = "hush"
QUESTION = f"<@{BOT}> who changed the LB rule?"
NOW = instant("2026-11-01T12:00:00Z")
SYMPTOM = "investigate payment confirmations do not arrive at 2026-05-19 14:25"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled company, read; with one rule, one commit and one message that only a private channel's members may know of."""
    directory = tmp_path_factory.mktemp("company")
    build(directory)
    settings = replace(
        load(directory / "lore.yaml", {}),
        store=f"sqlite:///{directory}/lore.db",
        embedder="none",
        data_directory=directory / "data",
    )
    with Engine(settings) as engine:
        for report in engine.ingest(engine.configured_sources()):
            assert report.error is None
        world = World("tealeaf-shop/secret")
        label = f"slack:{SECRETS}"
        commit = world.commit(f"The {HUSH} rule", "Zoe Hidden", at="2026-10-30T10:00:00Z", label=label)
        world.block(commit, f"aws_lb_listener_rule.{HUSH}", label=label)
        message = ref("Message", "slack", SECRETS, "1.1")
        world.say(Entity(message, {"system": "slack", "title": f"the {HUSH} plan"}), "slack:1", label=label)
        world.say(Passage(message, "message", f"the {HUSH} plan for the LB rule"), "slack:1", label=label)
        account = ref("Account", "slack", ANN)
        world.say(Entity(account, {"system": "slack", "account_id": ANN, "name": "Ann Archer"}), "slack:ann")
        world.say(Alias(account, "id", ANN), "slack:ann")
        world.into(engine.store)
    return directory


@dataclass
class Running:
    """A bot, the Slack it talks to, and the engine behind it."""

    slack: FakeSlack
    bot: Bot
    engine: Engine
    directory: Path

    def asked(self, channel: str, user: str, text: str, **more: str) -> list[Posted]:
        """What is posted for an event."""
        before = len(self.slack.messages())
        self.say(channel, user, text, **more)
        self.bot.settle()
        return self.slack.messages()[before:]

    def say(self, channel: str, user: str, text: str, **more: str) -> bool:
        return self.bot.event(given(self.slack.event(channel, user, text, **more), Envelope))


def workspace() -> FakeSlack:
    slack = FakeSlack()
    slack.user(ANN, "Ann Archer")
    slack.user(BEN, "Ben Bower")
    slack.user(GUEST, "Gus Guest", is_restricted=True)
    slack.user(ROBOT, "robot", is_bot=True)
    slack.user("U0STRANGER", "Sam", team_id="T0OTHER", is_stranger=True)
    slack.channel(OPEN, {ANN, BEN, ROBOT})
    slack.channel(SECRETS, {ANN}, is_private=True)
    slack.channel(SHARED, {ANN, "U0STRANGER"}, is_ext_shared=True)
    slack.channel(MIXED, {ANN, GUEST})
    slack.channel(DM_ANN, {ANN}, is_im=True)
    slack.channel(DM_BEN, {BEN}, is_im=True)
    slack.channels[ELSEWHERE] = {"id": ELSEWHERE}
    slack.members[ELSEWHERE] = {ANN}
    return slack


def settings_for(slack: FakeSlack, company: Path, directory: Path, **bot: object) -> Settings:
    shutil.copy(company / "lore.db", directory / "lore.db")
    return Settings(
        store=f"sqlite:///{directory}/lore.db",
        embedder="none",
        data_directory=directory / "data",
        slack={
            "token": BOT_TOKEN,
            "app_token": APP_TOKEN,
            "signing_secret": SECRET,
            "base_url": slack.base_url,
            "workers": 2,
            **bot,
        },
        outward={"slack": {"token": BOT_TOKEN, "base_url": slack.base_url}},
    )


@contextmanager
def started(company: Path, directory: Path, slack: FakeSlack | None = None, **bot: object) -> Generator[Running]:
    fake = slack or workspace()
    with (
        fake.running() if not fake.port else _same(fake),
        Engine(settings_for(fake, company, directory, **bot)) as engine,
    ):
        made = Bot(engine, now=lambda: NOW)
        made.start()
        try:
            yield Running(fake, made, engine, directory)
        finally:
            made.settle()
            made.stop()
            assert fake.violations == []


@contextmanager
def _same(fake: FakeSlack) -> Generator[FakeSlack]:
    yield fake


@pytest.fixture
def running(company: Path, tmp_path: Path) -> Iterator[Running]:
    with started(company, tmp_path) as found:
        yield found


# -- asking


def test_a_mention_is_answered_in_its_thread_with_links_to_what_it_cites(running: Running) -> None:
    (answer,) = running.asked(OPEN, ANN, QUESTION)
    assert answer.thread_ts
    assert "aws_lb_listener_rule.payments" in answer.words
    assert "<https://github.com/tealeaf-shop/infra/" in answer.words
    assert answer.metadata["event_type"] == "infralore"


def test_a_follow_up_in_the_thread_needs_no_mention_and_says_how_it_was_understood(running: Running) -> None:
    (answer,) = running.asked(OPEN, ANN, QUESTION)
    (second,) = running.asked(OPEN, BEN, "and who approved it?", kind="message", thread_ts=answer.thread_ts)
    assert second.thread_ts == answer.thread_ts
    assert "Asked: who approved tealeaf-shop/infra#47?" in second.words
    assert "Tomás Ferreira" in second.words
    (third,) = running.asked(OPEN, BEN, "what about staging?", kind="message", thread_ts=answer.thread_ts)
    assert "when did tealeaf-shop/infra#47 reach staging?" in third.words


def test_a_thread_in_which_the_bot_did_not_answer_is_not_its_own(running: Running) -> None:
    assert running.asked(OPEN, ANN, "who changed the LB rule?", kind="message", thread_ts="1790000000.000001") == []
    assert running.asked(OPEN, ANN, "who changed the LB rule?", kind="message") == []


def test_people_who_talk_to_each_other_in_the_thread_are_left_alone(running: Running) -> None:
    (answer,) = running.asked(OPEN, ANN, QUESTION)
    for text in ("thanks!", "I will look at it tomorrow", f"<@{BEN}> can you check?", "<!here> anyone?", ":tada:"):
        assert running.asked(OPEN, ANN, text, kind="message", thread_ts=answer.thread_ts) == [], text


def test_a_question_that_refers_to_nothing_is_asked_back(running: Running) -> None:
    (answer,) = running.asked(OPEN, ANN, f"<@{BOT}> and who approved it?")
    assert "Nothing was asked here that it could refer to" in answer.words


def test_several_meanings_are_buttons_and_a_click_asks_the_one(running: Running) -> None:
    (answer,) = running.asked(OPEN, ANN, f"<@{BOT}> who changed warehouse_timeout_ms?")
    buttons = answer.buttons()
    picked = next(a for a, b in buttons.items() if "prod" in b["text"]["text"])
    before = len(running.slack.messages())
    assert click(running, answer, picked, BEN)
    (second,) = running.slack.messages()[before:]
    assert "Asked: who changed warehouse_timeout_ms in orders/prod.yaml?" in second.words
    (third,) = running.asked(OPEN, BEN, "what was it before?", kind="message", thread_ts=answer.thread_ts)
    assert "3000" in third.words


def test_a_direct_message_needs_no_mention_and_is_not_answered_in_a_thread(running: Running) -> None:
    (answer,) = running.asked(DM_ANN, ANN, "who changed the LB rule?", kind="message")
    assert answer.thread_ts == ""
    (second,) = running.asked(DM_ANN, ANN, "who approved tealeaf-shop/infra#47?", kind="message")
    assert "Tomás Ferreira" in second.words


def test_the_way_back_is_shown_and_not_done(running: Running) -> None:
    (answer,) = running.asked(OPEN, ANN, f"<@{BOT}> who changed warehouse_timeout_ms in orders/prod.yaml?")
    (second,) = running.asked(OPEN, ANN, "roll it back?", kind="message", thread_ts=answer.thread_ts)
    assert "git revert --no-edit" in second.words
    assert "infralore takes nothing back" in second.words


# -- investigating


def test_an_investigation_shows_its_progress_and_is_confirmed_and_taken_back_by_buttons(running: Running) -> None:
    progress, answer = running.asked(OPEN, ANN, f"<@{BOT}> {SYMPTOM}")
    assert "Investigating: payment confirmations do not arrive" in progress.words
    assert progress.edits
    assert "Done: cause found" in progress.words
    assert "Only the CDN may reach the edge" in answer.words
    assert answer.thread_ts == progress.thread_ts
    (right,) = clicked(running, answer, "lore_right", ANN)
    assert "Ann Archer confirmed cause 1: learned as lrn_" in right.words
    (wrong,) = clicked(running, answer, "lore_wrong", BEN)
    assert "took back lrn_" in wrong.words
    assert "What was it?" in wrong.words
    (tree,) = clicked(running, answer, "lore_tree", BEN)
    assert "Hypotheses" in tree.words
    (who,) = running.asked(OPEN, ANN, "who approved it?", kind="message", thread_ts=answer.thread_ts)
    assert "Asked: who approved tealeaf-shop/infra#41?" in who.words


def test_a_progress_message_is_edited_at_most_once_a_second(running: Running) -> None:
    progress, _ = running.asked(OPEN, ANN, f"<@{BOT}> {SYMPTOM}")
    times = [progress.at, *(at for at, _, _ in progress.edits)]
    assert all(later - earlier >= 0.95 for earlier, later in pairwise(times))


def test_what_is_not_there_yet_is_said_and_breaks_nothing(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr("api.drift.Drifts.report", missing)
    said = running.asked(OPEN, ANN, f"<@{BOT}> drift")
    assert "drift is not available" in said[-1].words


# -- who reads


def test_what_a_private_channel_said_is_shown_in_it_and_to_its_members_and_nowhere_else(running: Running) -> None:
    (inside,) = running.asked(SECRETS, ANN, QUESTION)
    (to_ann,) = running.asked(DM_ANN, ANN, "who changed the LB rule?", kind="message")
    assert HUSH in inside.words
    assert HUSH in to_ann.words
    shown = len(running.slack.messages())
    for channel, user in ((OPEN, ANN), (OPEN, BEN)):
        for text in (
            "who changed the LB rule?",
            f"what is aws_lb_listener_rule.{HUSH[:3]}?",
            "where was the LB rule discussed?",
            "what changed on 2026-10-30?",
            "status",
        ):
            running.asked(channel, user, f"<@{BOT}> {text}")
    running.asked(DM_BEN, BEN, "who changed the LB rule?", kind="message")
    outside = json.dumps([[m.text, m.blocks] for m in running.slack.messages()[shown:]])
    assert running.slack.messages()[shown:]
    assert HUSH not in outside
    assert "Zoe" not in outside
    assert "Of 15 things" in outside
    assert "Of 16 things" not in outside
    assert "Of 16 things" in inside.words


def test_who_left_a_private_channel_is_not_shown_what_it_says(running: Running) -> None:
    running.slack.members[SECRETS] = {BOT}
    (answer,) = running.asked(DM_ANN, ANN, "who changed the LB rule?", kind="message")
    assert HUSH not in answer.words


def test_a_thread_of_more_readers_does_not_remember_what_fewer_were_told(running: Running) -> None:
    (inside,) = running.asked(SECRETS, ANN, QUESTION)
    running.slack.channels[SECRETS]["is_private"] = False
    running.bot.directory.clock = lambda: time.monotonic() + 1_000
    (second,) = running.asked(SECRETS, ANN, f"<@{BOT}> why?", thread_ts=inside.thread_ts)
    assert HUSH not in second.words
    assert "Nothing was asked here" in second.words


def test_a_button_of_one_channel_opens_nothing_in_another(running: Running) -> None:
    (inside,) = running.asked(SECRETS, ANN, QUESTION)
    action = next(iter(inside.buttons()))
    given = running.slack.click(inside, action, BEN)
    given["channel"] = {"id": OPEN}
    before = len(running.slack.messages())
    assert interact(running, given)
    (told,) = running.slack.messages()[before:]
    assert HUSH not in told.words
    assert "not known any more" in told.words


def test_an_investigation_of_a_private_channel_is_told_nowhere_else(running: Running) -> None:
    investigated = running.asked(SECRETS, ANN, f"<@{BOT}> {SYMPTOM}")[-1]
    given = running.slack.click(investigated, "lore_tree", BEN)
    before = len(running.slack.messages())
    assert interact(running, {**given, "channel": {"id": OPEN}})
    (told,) = running.slack.messages()[before:]
    assert "Hypotheses" not in told.words
    (tree,) = clicked(running, investigated, "lore_tree", ANN)
    assert "Hypotheses" in tree.words


def test_more_of_an_answer_is_shown_when_it_is_asked_for(running: Running) -> None:
    (answer,) = running.asked(OPEN, ANN, QUESTION)
    (more,) = clicked(running, answer, "lore_more", BEN)
    assert len(more.words) > len(answer.words)
    (typed,) = running.asked(OPEN, BEN, "show more", kind="message", thread_ts=answer.thread_ts)
    assert len(typed.words) > len(answer.words)


@pytest.mark.parametrize("text", ["drift", "cost last month", "weekly digest", "waste"])
def test_reports_are_told_after_a_word_that_they_are_under_way(running: Running, text: str) -> None:
    progress, *told = running.asked(OPEN, ANN, f"<@{BOT}> {text}")
    assert told
    assert "Done" in progress.words or "not available" in told[-1].words


@pytest.mark.parametrize("channel", [SHARED, MIXED])
def test_where_outsiders_read_nothing_is_shown_that_was_not_opened(running: Running, channel: str) -> None:
    (answer,) = running.asked(channel, ANN, QUESTION)
    assert "aws_lb_listener_rule" not in answer.words
    assert "slack.audiences" in answer.words


def test_where_outsiders_read_the_labels_of_the_settings_are_all_there_is(company: Path, tmp_path: Path) -> None:
    with started(company, tmp_path, audiences={SHARED: ["public"], MIXED: ["nothing"]}) as running:
        (answer,) = running.asked(SHARED, ANN, QUESTION)
        assert "aws_lb_listener_rule.payments" in answer.words
        (status,) = running.asked(MIXED, ANN, f"<@{BOT}> status")
        assert "only where everybody may see" in status.words


@pytest.mark.parametrize("user", [ROBOT, "U0STRANGER", BOT, "USLACKBOT", "U0NOBODY"])
def test_bots_strangers_and_itself_are_not_answered(running: Running, user: str) -> None:
    assert not any("aws_lb" in m.words for m in running.asked(OPEN, user, QUESTION))


@pytest.mark.parametrize(
    "more", [{"bot_id": "B0X"}, {"subtype": "message_changed"}, {"app_id": "A0X"}, {"hidden": True}]
)
def test_what_no_person_just_said_is_not_answered(running: Running, more: Json) -> None:
    assert running.asked(OPEN, ANN, QUESTION, **more) == []


def test_when_slack_does_not_tell_who_reads_nothing_is_shown(running: Running) -> None:
    running.slack.down.add("conversations.members")
    (answer,) = running.asked(OPEN, ANN, QUESTION)
    assert "aws_lb" not in answer.words
    assert "could not look up who reads here" in answer.words


def test_the_status_names_no_scope_and_so_no_channel(running: Running) -> None:
    (answer,) = running.asked(OPEN, ANN, f"<@{BOT}> status")
    assert "slack" in answer.words
    assert "members/" not in answer.words


# -- coming in


def test_the_same_event_twice_is_answered_once_also_by_another_process(company: Path, tmp_path: Path) -> None:
    slack = workspace()
    with slack.running():
        event = slack.event(OPEN, ANN, QUESTION)
        envelope = given(event, Envelope)
        with started(company, tmp_path, slack) as running:
            assert running.bot.event(envelope)
            assert not running.bot.event(envelope)
            as_message = {**event, "event_id": "Ev2", "event": {**event["event"], "type": "message"}}
            assert not running.bot.event(given(as_message, Envelope))
        with started(company, tmp_path, slack) as again:
            assert not again.bot.event(envelope)
        assert len(slack.messages()) == 1


def test_what_a_dead_process_left_is_answered_by_the_next_and_not_twice(company: Path, tmp_path: Path) -> None:
    slack = workspace()
    with slack.running():
        envelope = given(slack.event(OPEN, ANN, QUESTION), Envelope)
        line = of_event(envelope, BOT)
        assert line is not None
        with started(company, tmp_path, slack) as running:
            running.bot.event(envelope)
            running.bot.settle()
            # As if it had died between the post and the note that it is done.
            running.bot.memory._connection.execute(  # pyright: ignore[reportPrivateUsage]
                "UPDATE came SET state = 'pending', body = ? WHERE id = ?",
                (msgspec.json.encode(line), line.id),
            )
        with started(company, tmp_path, slack):
            pass
        assert len(slack.messages()) == 1


def test_too_many_at_once_are_told_so(company: Path, tmp_path: Path) -> None:
    with started(company, tmp_path, workers=1, queue=1) as running:
        running.slack.slow_s = 0.2
        for _ in range(6):
            running.say(OPEN, ANN, QUESTION)
        command = running.slack.command(OPEN, ANN, "ask who changed the LB rule?")
        assert running.bot.command(given(command, Command)) == BUSY
        running.bot.settle()
        busy = [m for m in running.slack.messages() if BUSY in m.words]
        answered = [m for m in running.slack.messages() if "aws_lb_listener_rule" in m.words]
        assert busy
        assert answered
        assert len(busy) + len(answered) == 6


def test_a_rate_limit_is_waited_for(running: Running) -> None:
    running.slack.limited = 2
    (answer,) = running.asked(OPEN, ANN, QUESTION)
    assert "aws_lb_listener_rule.payments" in answer.words


def test_a_command_is_told_in_the_channel_and_answered_in_its_thread(running: Running) -> None:
    given = running.slack.command(OPEN, ANN, "ask who changed the LB rule?")
    assert command(running, given) == TAKEN
    asked, answer = running.slack.messages()
    assert asked.text == f"<@{ANN}> asked: who changed the LB rule?"
    assert answer.thread_ts == asked.ts


def test_a_command_where_the_bot_is_not_is_answered_to_the_asker(running: Running) -> None:
    running.slack.down.discard("conversations.members")
    assert command(running, running.slack.command(ELSEWHERE, ANN, "help")) == TAKEN
    said = running.slack.messages()
    assert said[0].channel == DM_ANN
    assert "invite me" in said[0].words


def test_a_command_in_a_talk_of_two_others_is_answered_to_the_asker(running: Running) -> None:
    assert command(running, running.slack.command("D00OTHERS", ANN, "who changed the LB rule?")) == TAKEN
    (said,) = running.slack.messages()
    assert (said.channel, said.words.strip()) == (DM_ANN, "I cannot see that channel: ask me here.")


def test_what_sources_say_mentions_nobody_and_links_nowhere(company: Path, tmp_path: Path) -> None:
    with started(company, tmp_path) as running:
        world = World("tealeaf-shop/evil")
        evil = "<!channel> *now* <https://evil.example|click> & `x` <@U00000BEN> ~gone~ _it_"
        commit = world.commit(evil, "Eve <!here>", at="2026-10-31T10:00:00Z")
        world.block(
            commit,
            "aws_sqs_queue.evil_rule",
            changed={f"tags.{evil}": ({"state": "absent"}, {"state": "value", "value": evil})},
            effect="updated",
        )
        world.block(commit, "aws_sqs_queue.evil_rule")
        world.into(running.engine.store)
        (answer,) = running.asked(OPEN, ANN, f"<@{BOT}> who changed aws_sqs_queue.evil_rule?")
        assert "evil_rule" in answer.words
        assert "<!" not in running.slack.seen()
        assert "<https://evil" not in running.slack.seen()
        (typed,) = running.asked(OPEN, ANN, f"<@{BOT}> who changed &lt;!channel&gt; *it*?")
        assert "<!" not in typed.words


# -- Socket Mode


@contextmanager
def connected(running: Running) -> Generator[Socket]:
    socket = Socket(running.bot, ping_s=0.3)
    socket.open()
    try:
        running.slack.wait(lambda: running.slack.connected)
        yield socket
    finally:
        socket.close()


def test_by_socket_each_request_is_acknowledged_within_three_seconds_and_then_answered(running: Running) -> None:
    slack = running.slack
    with connected(running):
        began = time.monotonic()
        sent = [
            slack.send("events_api", slack.event(OPEN, ANN, f"<@{BOT}> {SYMPTOM}")),
            slack.send("slash_commands", slack.command(OPEN, BEN, "who changed the LB rule?")),
            slack.send("events_api", slack.event(OPEN, ANN, QUESTION)),
        ]
        slack.wait(lambda: all(s in slack.acks for s in sent), 3.0)
        assert max(slack.acks[s][0] for s in sent) - began < 3
        assert slack.acks[sent[1]][1]["text"] == TAKEN
        slack.wait(lambda: any("lore_right" in m.buttons() for m in slack.messages()))
        slack.wait(lambda: sum("priority" in m.words for m in slack.messages()) == 2)
        answer = next(m for m in slack.messages() if "lore_right" in m.buttons())
        slack.send("interactive", slack.click(answer, "lore_right", ANN))
        slack.wait(lambda: any("learned as lrn_" in m.words for m in slack.messages()))


def test_a_socket_that_drops_is_opened_again_and_what_comes_again_is_known(running: Running) -> None:
    slack = running.slack
    with connected(running):
        event = slack.event(OPEN, ANN, QUESTION)
        slack.send("events_api", event)
        slack.wait(lambda: slack.messages())
        slack.drop()
        slack.wait(lambda: slack.connected, 15)
        again = slack.send("events_api", event)
        slack.wait(lambda: again in slack.acks)
        slack.send("events_api", slack.event(OPEN, BEN, QUESTION))
        slack.wait(lambda: len(slack.messages()) == 2)


def test_what_cannot_be_read_does_not_break_the_socket(running: Running) -> None:
    slack = running.slack
    with connected(running):
        for raw in ("{", "[]", '{"type":"what"}', '{"type":"events_api","envelope_id":"e","payload":{"event":7}}'):
            slack.send_raw(raw)
        odd = slack.send("events_api", {"type": "event_callback", "event": {"type": "app_mention", "user": 7}})
        slack.wait(lambda: odd in slack.acks)
        slack.send("interactive", {"type": "block_actions", "actions": []})
        slack.send("slash_commands", {"text": None})
        slack.send("events_api", slack.event(OPEN, ANN, QUESTION))
        slack.wait(lambda: slack.messages())


# -- HTTP


@dataclass
class Served:
    """The endpoints on a real server."""

    port: int
    slack: FakeSlack

    def post(self, path: str, body: bytes, headers: dict[str, str], kind: str = "application/json") -> tuple[int, Json]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", path, body, {"content-type": kind, **headers})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else {}
        finally:
            connection.close()

    def event(self, event: Json, **headers: str) -> tuple[int, Json]:
        body = json.dumps(event).encode()
        return self.post("/slack/events", body, {**self.slack.signed(body), **headers})

    def form(self, path: str, fields: Json) -> tuple[int, Json]:
        body = urlencode(fields).encode()
        return self.post(path, body, self.slack.signed(body), "application/x-www-form-urlencoded")


@pytest.fixture
def served(company: Path, tmp_path: Path) -> Iterator[Served]:
    fake = workspace()
    with fake.running(), Engine(settings_for(fake, company, tmp_path)) as engine:
        router = slack(engine)
        assert router is not None
        app = FastAPI()
        app.include_router(router)
        with listening(app) as port:
            yield Served(port, fake)
        assert fake.violations == []


def test_by_http_slack_is_told_the_challenge_and_its_events_are_answered_once(served: Served) -> None:
    assert served.event({"type": "url_verification", "challenge": "abc"}) == (200, {"challenge": "abc"})
    event = served.slack.event(OPEN, ANN, QUESTION)
    began = time.monotonic()
    assert served.event(event)[0] == 200
    assert served.event(event, **{"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"})[0] == 200
    assert time.monotonic() - began < 3
    served.slack.wait(lambda: served.slack.messages())
    status, told = served.form("/slack/commands", served.slack.command(OPEN, BEN, "help"))
    assert (status, told["text"]) == (200, TAKEN)
    served.slack.wait(lambda: len(served.slack.messages()) == 3)
    picked = served.slack.messages()[0]
    given = served.slack.click(picked, next(iter(picked.buttons())), BEN)
    assert served.form("/slack/interactions", {"payload": json.dumps(given)})[0] == 200
    served.slack.wait(lambda: len(served.slack.messages()) == 4)


def test_an_event_that_cannot_be_taken_is_not_acknowledged_and_is_taken_when_it_comes_again(served: Served) -> None:
    served.slack.down.add("auth.test")
    event = served.slack.event(OPEN, ANN, QUESTION)
    assert served.event(event)[0] == 503
    served.slack.down.clear()
    assert served.event(event, **{"X-Slack-Retry-Num": "1"})[0] == 200
    served.slack.wait(lambda: served.slack.messages())


def test_what_is_not_signed_by_slack_now_is_refused(served: Served) -> None:
    body = json.dumps(served.slack.event(OPEN, ANN, QUESTION)).encode()
    for headers in (
        {},
        served.slack.signed(body, secret="another"),
        served.slack.signed(body + b" "),
        served.slack.signed(body, at=time.time() - 400),
        served.slack.signed(body, at=time.time() + 400),
        {**served.slack.signed(body), "X-Slack-Request-Timestamp": "soon"},
    ):
        assert served.post("/slack/events", body, headers)[0] == 401
    assert served.slack.messages() == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"type": 7}', b"\xff", b"[" * 5_000])
def test_a_body_that_is_no_event_is_refused_and_breaks_nothing(served: Served, body: bytes) -> None:
    for path in ("/slack/events", "/slack/commands", "/slack/interactions"):
        assert served.post(path, body, served.slack.signed(body))[0] == 400


# -- settings


def test_without_a_signing_secret_there_are_no_endpoints(tmp_path: Path) -> None:
    assert slack(Engine(Settings(store="sqlite:///:memory:", data_directory=tmp_path))) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tokn": "x"}, "tokn"),
        ({}, "slack.token is missing"),
        ({"token": "x", "audiences": {"#platform": ["public"]}}, "no channel's id"),
        ({"token": "x", "people": {"ann": ["public"]}}, "no person's id"),
        ({"token": "x", "progress_s": 0.1}, "out of range"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(given: Json, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        read_settings(Settings(store="", slack=given, outward={"slack": {"token": "x"}}))


def test_the_tokens_that_look_up_are_used_for_nothing_else(running: Running) -> None:
    with pytest.raises(ValueError, match="no look-up"):
        Directory(BOT_TOKEN, running.slack.base_url)._call("chat.postMessage", {})  # pyright: ignore[reportPrivateUsage]
    assert not any(m.startswith(("chat.", "files.")) for m in METHODS)
    assert BOT_TOKEN not in repr(running.bot.directory)


def click(running: Running, message: Posted, action: str, user: str) -> bool:
    return interact(running, running.slack.click(message, action, user))


def clicked(running: Running, message: Posted, action: str, user: str) -> list[Posted]:
    before = len(running.slack.messages())
    assert click(running, message, action, user)
    return running.slack.messages()[before:]


def interact(running: Running, sent: Json) -> bool:
    taken = running.bot.interaction(given(sent, Interaction))
    running.bot.settle()
    return taken


def command(running: Running, sent: Json) -> str:
    answer = running.bot.command(given(sent, Command))
    running.bot.settle()
    return answer


def given(sent: Json, shape: type[T]) -> T:
    """What Slack sent, as the bot reads it."""
    found = read(sent, shape)
    assert found is not None
    return found
