"""`lore digest`: what it prints, writes, sends, and what it says when it cannot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.digests import Digests
from api.settings import Settings
from api.wiring import Engine
from graph.clock import instant
from graph.model import Entity, ref
from graph.stores import open_store
from tests.agent.digest.week import Company, at
from tests.api.lore import Lore
from tests.fake_slack import BOT_TOKEN, FakeSlack

WEEK = ("--until", "2026-03-10", "--no-explain")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A directory with a store in which a week has happened."""
    place = tmp_path / "home"
    place.mkdir()
    with open_store(f"sqlite:///{place}/lore.db") as store:
        company = Company(store)
        company.service("checkout", "payments")
        company.say("git", Entity(ref("Repository", "acme/infra"), {"name": "acme/infra"}), at("2025-01-01"))
        commit = company.pull_request(7, "Open the edge", at("Tue 13:00"), "main.tf")
        company.deployment(at("Tue 14:00"), commit)
        company.drift("secret", at("Wed 10:00"), label="security")
        company.apply()
    return place


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack().running() as running:
        running.channel("C0OPSOPS1", set(), name="ops")
        yield running


def configured(home: Path, slack: FakeSlack, more: str = "", audience: str = "[public]") -> Path:
    path = home / "lore.yaml"
    path.write_text(
        f"store: sqlite:lore.db\nembedder: none\naudience: {audience}\n"
        f'outward:\n  slack: {{token: "{BOT_TOKEN}", base_url: "{slack.base_url}"}}\n'
        f'digests:\n  - {{name: weekly, to: "#ops"{more}}}\n'
    )
    return path


def test_it_prints_the_week_that_had_ended_by_then(home: Path) -> None:
    ran = Lore(home)("digest", "weekly", *WEEK)
    assert ran.code == 0, ran.err
    assert ran.out.startswith("Weekly digest of acme, 2 to 8 March 2026\n")
    assert "#7 “Open the edge” was applied to prod on 2026-03-03 14:00 UTC [c1" in " ".join(ran.out.split())


def test_json_is_the_documented_shape_and_markdown_html_and_slack_are_written(home: Path, tmp_path: Path) -> None:
    told = json.loads(Lore(home)("digest", "weekly", *WEEK, "--output", "json").out)
    assert told["schema"] == "lore.digest/1"
    assert (told["since"], told["until"]) == ("2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z")
    out = tmp_path / "digest.html"
    ran = Lore(home)("digest", "weekly", *WEEK, "--output", "html", "--write", out, "--charts", tmp_path / "charts")
    assert ran.code == 0, ran.err
    assert out.read_text().startswith("<!DOCTYPE html>")
    assert Lore(home)("digest", "weekly", *WEEK, "--output", "markdown").out.startswith("# Weekly digest of acme")
    assert (
        json.loads(Lore(home)("digest", "weekly", *WEEK, "--output", "slack").out)[0]["blocks"][0]["type"] == "header"
    )


def test_days_are_those_of_the_time_zone(home: Path) -> None:
    told = json.loads(
        Lore(home)(
            "digest",
            "daily",
            "--until",
            "2026-03-04T03:00:00Z",
            "--timezone",
            "America/New_York",
            "--no-explain",
            "-o",
            "json",
        ).out
    )
    assert (told["since"], told["until"]) == ("2026-03-02T05:00:00Z", "2026-03-03T05:00:00Z")


@pytest.mark.parametrize("wrong", [("--until", "soon"), ("--timezone", "Mars"), ("--team", "plumbers")])
def test_what_cannot_be_meant_is_a_usage_error_with_a_remedy(home: Path, wrong: tuple[str, str]) -> None:
    ran = Lore(home)("digest", "weekly", *wrong)
    assert ran.code == 2
    assert "hint:" in ran.err
    assert "Traceback" not in ran.err


def test_without_a_yes_or_a_grant_nothing_is_sent(home: Path, slack: FakeSlack) -> None:
    configured(home, slack)
    ran = Lore(home)("digest", "send", "weekly", "--until", "2026-03-10T00:00:00Z")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("dry_run")
    assert not slack.messages()


def test_with_a_yes_it_is_sent_once_however_often_it_is_asked_for(home: Path, slack: FakeSlack) -> None:
    configured(home, slack)
    for _ in range(2):
        ran = Lore(home)("digest", "send", "weekly", "--until", "2026-03-10T00:00:00Z", "--yes")
        assert ran.code == 0, ran.err + ran.out
    assert len(slack.roots) == 1
    assert "2 to 8 March 2026" in slack.roots[0].text


def test_a_channel_reads_what_its_audience_may_and_not_what_whoever_sends_may(home: Path, slack: FakeSlack) -> None:
    configured(home, slack, audience="[public, security]")
    assert "aws_security_group.secret" in Lore(home)("digest", "weekly", *WEEK).out
    Lore(home)("digest", "send", "weekly", "--until", "2026-03-10T00:00:00Z", "--yes")
    assert len(slack.roots) == 1
    assert "aws_security_group.secret" not in slack.seen()
    configured(home, slack, more=", audience: [public, security]", audience="[public]")
    Lore(home)("digest", "send", "weekly", "--until", "2026-03-17T00:00:00Z", "--yes")
    assert "aws_security_group.secret" in slack.seen(1)


def test_an_unknown_digest_names_those_that_are_known(home: Path, slack: FakeSlack) -> None:
    configured(home, slack)
    ran = Lore(home)("digest", "send", "monthly")
    assert ran.code == 1
    assert "weekly" in ran.err


def test_the_schedule_tells_when_each_is_due_next(home: Path, slack: FakeSlack) -> None:
    configured(home, slack, ", at: Tue 06:30, timezone: Europe/Lisbon")
    ran = Lore(home)("digest", "schedule")
    assert ran.code == 0, ran.err
    assert "weekly: weekly to #ops, last due " in ran.out
    assert "(Europe/Lisbon)" in ran.out


def test_a_digest_that_goes_by_mail_has_its_charts_inside(home: Path) -> None:
    with Engine(
        Settings(
            store=f"sqlite:///{home}/lore.db",
            embedder="none",
            digests=({"name": "weekly", "to": "ops@acme.example"},),
            data_directory=home,
        )
    ) as engine:
        digests = Digests(engine)
        (planned,) = digests.planned()
        (request,) = digests.requests(planned, planned.latest(instant("2026-03-10")), "This comes late.")
    assert (request.action, request.target) == ("mail.message", "ops@acme.example")
    assert request.key == "digest:weekly:2026-03-09T00:00:00Z"
    assert request.payload["subject"] == "Weekly digest of acme, 2 to 8 March 2026"
    assert request.payload["text"].startswith("This comes late.")
    assert "This comes late." in request.payload["html"]
    assert all(f'src="cid:{name}"' in request.payload["html"] for name in request.files)
