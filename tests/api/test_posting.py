"""What infralore posts of its own accord, with all its real parts: alerts that are looked into, and drift that is new. Each once, whatever dies."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import cast

import pytest

from agent.drift.model import AttributeDrift, Cause, Drift, DriftReport, Said
from agent.model import Actor, AttributeState
from api.drift_announcements import announcements
from api.drift_settings import read_drift_settings
from api.gateway import ActionRequest
from api.outward import open_gateway
from api.schedules import Schedules
from api.settings import Settings
from api.wiring import Engine
from graph.clock import SECOND, Instant, instant
from tests.api.alerts_sent import CHANNEL, GRANT, RULE, SECRET, alert, fire, notify
from tests.api.http_server import Client, process, serving, settings_of
from tests.api.lore import Lore
from tests.api.schedule_office import scheduled
from tests.fake_slack import BOT_TOKEN, FakeSlack, LostAnswer, Phase
from tests.gateway_writer import YES
from tests.ingest.fake_terraform import change, plan, state, write_terraform
from tests.local_server import free_port

INCIDENTS, OPS = "C0INCIDENT", "C0OPSOPS1"
START = instant("2026-11-16T10:00:00Z")


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    fake = FakeSlack()
    fake.channel(INCIDENTS, set(), name=CHANNEL.removeprefix("#"))
    fake.channel(OPS, set(), name="ops")
    with fake.running():
        yield fake
        assert fake.violations == []


def outward(slack: FakeSlack) -> dict[str, dict[str, object]]:
    return {"slack": {"token": BOT_TOKEN, "base_url": slack.base_url}}


# -- alerts


@pytest.fixture
def home(tmp_path: Path, read: Path) -> Path:
    shutil.copyfile(read / "lore.db", tmp_path / "lore.db")
    return tmp_path


@contextmanager
def watching(home: Path, slack: FakeSlack, data: str = "data") -> Generator[Client]:
    """A server with a rule for alerts."""
    settings = settings_of(
        home / data,
        home / "lore.db",
        alerts=(RULE,),
        grants=(GRANT,),
        webhooks={"alertmanager": {"secret": SECRET}},
        outward=outward(slack),
    )
    with serving(settings) as (client, _):
        yield client


def test_an_alert_is_announced_at_once_and_edited_to_what_was_found_and_not_again_after_a_restart(
    home: Path, slack: FakeSlack
) -> None:
    fired = alert("ErrorsHigh <!channel> *now*", "checkout")
    with watching(home, slack) as client:
        fire(client, fired)
        slack.wait(lambda: slack.count("chat.update"))
        (message,) = slack.messages()
        assert message.channel == INCIDENTS
        assert message.text.startswith("Looking into it: ErrorsHigh &lt;!channel&gt; ∗now∗")
        slack.wait(lambda: message.edits)
        assert message.shown[0]["type"] == "header"
        assert "Looking into it" not in message.words
        assert "something not listed" in message.words
    with watching(home, slack) as client:
        fire(client, {**fired, "annotations": {"summary": "told again"}})
        fire(client, alert("Slow", "search"))
        slack.wait(lambda: len(slack.messages()) == 2 and slack.messages()[1].edits)
    assert (slack.count("chat.postMessage"), slack.count("chat.update")) == (2, 2)


class Servers:
    """Servers as processes of their own, one after the other on the same data."""

    def __init__(self, home: Path, slack: FakeSlack) -> None:
        self.home, self.slack = home, slack
        config = {
            "alerts": [RULE],
            "grants": [GRANT],
            "webhooks": {"alertmanager": {"secret": SECRET}},
            "outward": outward(slack),
        }
        (home / "lore.yaml").write_text(json.dumps(config))
        self._environment = {**Lore(home).environment, "LORE_CONFIG": str(home / "lore.yaml")}

    @contextmanager
    def running(self, *, dies_at: str = "") -> Generator[Client]:
        """One. It is killed when Slack has worked on this method and before it is answered; else at the end."""
        known, port = Event(), free_port()
        started: list[subprocess.Popen[bytes]] = []

        def hook(number: int, method: str, phase: Phase) -> None:
            if (method, phase) == (dies_at, "after"):
                self.slack.on_request = None
                assert known.wait(30)
                started[0].kill()
                raise LostAnswer

        self.slack.on_request = hook
        started.append(process(self._environment, port, log=self.home / "log"))
        known.set()
        try:
            yield Client(port)
            if dies_at:
                started[0].wait(20)
        finally:
            started[0].kill()
            started[0].wait(10)

    def states(self) -> list[str]:
        """How far the posts of the alerts are."""
        (path,) = self.home.glob("data/**/runs.db")
        with closing(sqlite3.connect(path)) as runs:
            return [state for (state,) in runs.execute("SELECT state FROM alert_run")]


def test_a_server_killed_as_soon_as_slack_took_it_posts_once_and_edits_once(home: Path, slack: FakeSlack) -> None:
    servers = Servers(home, slack)
    with servers.running(dies_at="chat.postMessage") as client:
        notify(client, alert("ErrorsHigh", "checkout"))
    assert servers.states() == ["new"]
    with servers.running(dies_at="chat.update"):
        pass
    assert servers.states() == ["announced"]
    with servers.running():
        slack.wait(lambda: servers.states() == ["posted"])
    (message,) = slack.messages()
    assert (slack.count("chat.postMessage"), slack.count("chat.update"), len(message.edits)) == (1, 1, 1)
    assert "something not listed" in message.words


# -- drift

WANTED = {"instance_type": "t3.large", "disable_api_termination": True}
THERE = {"instance_type": "t3.small", "disable_api_termination": False}


@dataclass
class Shop:
    """A root module that drifted, and servers' schedules on it with a clock that tests move."""

    home: Path
    slack: FakeSlack
    now: list[Instant] = field(default_factory=lambda: [START])

    def plan(self, **there: object) -> Path:
        """What a plan tells from now on."""
        known = state(aws_instance__web={"id": "i-1", **WANTED})
        differs = change("aws_instance.web", {"id": "i-1", **THERE, **there}, {"id": "i-1", **WANTED})
        return write_terraform(self.home / "bin", plan=plan(differs), state=known)

    def settings(self, data: str) -> Settings:
        root = {
            "directory": str(self.home / "code"),
            "repository": "acme/infra",
            "path": "envs/prod",
            "environment": "prod",
            "program": str(self.plan()),
        }
        grant = {"who": "schedule:drift", "action": "slack.message", "target": "#ops", "until": "2999-01-01"}
        (self.home / "code").mkdir(exist_ok=True)
        return settings_of(
            self.home / data,
            self.home / "lore.db",
            drift={"every_s": 3600, "channel": "#ops", "terraform": [root]},
            grants=(grant,),
            outward=outward(self.slack),
        )

    @contextmanager
    def scheduled(self, data: str = "data") -> Generator[Schedules]:
        """A server's schedules, with a data directory of its own."""
        (self.home / data).mkdir(exist_ok=True)
        with (
            Engine(self.settings(data)) as engine,
            scheduled(engine, self.home / data, lambda: self.now[0]) as schedules,
        ):
            yield schedules

    def scan(self, schedules: Schedules) -> str:
        """The scan of the next hour; how it ended."""
        from dbos import DBOS

        self.now[0] += 3_600 * SECOND
        schedules.look()
        slot = f"drift:every:3600:{self.now[0] // (3_600 * SECOND)}"
        return cast("str", DBOS.retrieve_workflow(slot).get_result(polling_interval_sec=0.05))  # pyright: ignore[reportUnknownMemberType]


@pytest.fixture
def shop(tmp_path: Path, slack: FakeSlack) -> Shop:
    return Shop(tmp_path, slack)


def test_new_drift_is_told_once_also_when_the_answer_is_lost_after_a_restart_and_by_another_host(shop: Shop) -> None:
    def lose(number: int, method: str, phase: Phase) -> None:
        if (method, phase) == ("chat.postMessage", "after"):
            shop.slack.on_request = None
            raise LostAnswer

    shop.slack.on_request = lose
    with shop.scheduled() as schedules:
        assert shop.scan(schedules).endswith("1 for everybody to see, told 0")
        assert shop.scan(schedules).endswith("1 for everybody to see, told 1")
        shop.scan(schedules)
    with shop.scheduled() as schedules:
        shop.scan(schedules)
    with shop.scheduled("another host") as schedules:
        shop.scan(schedules)
    (message,) = shop.slack.messages()
    assert (message.channel, message.edits) == (OPS, [])
    assert "`instance_type`: `t3.large` → `t3.small`" in message.text


def test_what_sources_say_of_drift_mentions_nobody_and_formats_nothing_that_slack_refuses(
    slack: FakeSlack, tmp_path: Path
) -> None:
    evil = ">>> <!channel> <@U123> <https://evil.example|x> & `c` *b* > q\n> " * 3
    value = AttributeState(state="value", value=evil)
    drift = Drift(
        id="drift_1", kind="changed", ref="Resource:1", address=evil, type=evil, environment="prod", basis="plan", severity="high",
        first_seen_at="2026-11-16T10:00:00Z", risks=(evil,) * 3, attributes=(AttributeDrift(path=evil, desired=value, actual=value),) * 9,
        causes=(Cause(by=Actor(name=evil, accounts=()), via=evil, at="2026-11-16T09:00:00Z", action=evil, event="AuditEvent:1", citations=()),),
        said=(Said(text=evil, by=evil, at="2026-11-16T09:00:00Z", citation="c1"),),
    )  # fmt: skip
    report = DriftReport(scanned_at="2026-11-16T10:00:00Z", drifts=(drift,))
    (told,) = announcements(read_drift_settings({"channel": "#ops"}), report, report.drifts)
    gateway = open_gateway(Settings(store="", outward=outward(slack), data_directory=tmp_path))
    outcome = gateway.execute(ActionRequest("slack.message", told.channel, told.key, {"text": told.text}), YES)
    assert outcome.status == "done", outcome
    (message,) = slack.messages()
    outside_code = re.sub(r"`[^`\n]+`", "", message.text).replace("*Drift in prod*", "")
    assert not set("<>*`") & set(outside_code), message.text
