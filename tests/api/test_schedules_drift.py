"""Drift scans by the clock and after calls on what code manages; what is new is told once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from agent.drift.model import Drift, DriftReport
from api.drift import Drifts
from api.drift_announcements import Announcement
from api.schedules import Schedules
from api.settings import Settings
from api.wiring import Engine
from graph.clock import SECOND, Instant, instant
from graph.model import Assertion, Entity, FactBatch, Relation, ref
from tests.agent.digest.week import Company, at
from tests.api.schedule_office import scheduled
from tests.fake_slack import BOT_TOKEN, FakeSlack

START = instant("2026-11-16T10:00:00Z")


@dataclass
class Scans:
    """Scans that find what they are told to."""

    found: tuple[Announcement, ...] = ()
    count: int = 0
    broken: bool = False
    drifts: tuple[Drift, ...] = ()

    def scan(self) -> DriftReport:
        self.count += 1
        if self.broken:
            raise RuntimeError("a defect")
        return DriftReport(scanned_at="2026-11-16T10:00:00Z", drifts=self.drifts)

    def announcements(self, report: DriftReport) -> tuple[Announcement, ...]:
        return (*self.found, *(Announcement("#ops", d.id, f"Drift of {d.address}", d.id) for d in report.drifts))


class _Engine(Engine):
    scans: Scans

    def __enter__(self) -> _Engine:
        return self

    @property
    def drifts(self) -> Drifts:
        return cast("Drifts", self.scans)


@dataclass
class Place:
    """Schedules in this process, with a clock that tests move."""

    engine: _Engine
    scans: Scans
    slack: FakeSlack
    schedules: Schedules
    now: list[Instant] = field(default_factory=lambda: [START])

    def look(self, at_s: float) -> None:
        self.now[0] = START + int(at_s * SECOND)
        self.schedules.look()


def until(told: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while time.monotonic() < end and not told():
        time.sleep(0.02)
    return told()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with FakeSlack().running() as slack:
        slack.channel("C0OPSOPS1", set(), name="ops")
        settings = Settings(
            store=f"sqlite:///{tmp_path}/lore.db",
            embedder="none",
            drift={"every_s": 3600},
            outward={"slack": {"token": BOT_TOKEN, "base_url": slack.base_url}},
            grants=({"who": "schedule:drift", "action": "slack.message", "target": "#ops", "until": "2099-01-01"},),
            data_directory=tmp_path,
        )
        with _Engine(settings) as engine:
            engine.scans = Scans()
            now = [START]
            with scheduled(engine, tmp_path, lambda: now[0]) as schedules:
                yield Place(engine, engine.scans, slack, schedules, now)


def test_a_scan_is_made_once_in_each_slot_of_the_clock(place: Place) -> None:
    for at_s in (0, 15, 1800, 3599):
        place.look(at_s)
    assert until(lambda: place.scans.count == 1)
    place.look(3600)
    assert until(lambda: place.scans.count == 2)
    place.look(1800)  # the clock goes back
    time.sleep(0.3)
    assert place.scans.count == 2


def test_what_is_new_is_told_once_where_its_owners_are(place: Place) -> None:
    place.scans.found = (Announcement("#ops", "drift_1:2026-11-16T10:00:00Z", "Drift in prod", "drift_1"),)
    place.look(0)
    place.look(3600)
    assert until(lambda: place.scans.count == 2)
    time.sleep(0.3)
    assert [p.text for p in place.slack.messages()] == ["Drift in prod"]


def test_what_no_grant_covers_is_not_told_and_stands_in_nothings_way(place: Place) -> None:
    place.scans.found = (
        Announcement("#private", "drift_1:x", "no", "drift_1"),
        Announcement("#ops", "drift_2:x", "yes", "drift_2"),
    )
    place.look(0)
    assert until(lambda: len(place.slack.messages()) == 1)
    assert place.slack.messages()[0].text == "yes"


def test_while_slack_is_away_it_is_told_after_the_next_scan(place: Place) -> None:
    place.scans.found = (Announcement("#ops", "drift_1:x", "late", "drift_1"),)
    place.slack.away = True
    place.look(0)
    assert until(lambda: place.scans.count == 1)
    time.sleep(0.3)
    place.slack.away = False
    place.look(3600)
    assert until(lambda: len(place.slack.messages()) == 1)


def test_what_not_everybody_may_see_is_not_told_in_a_channel(place: Place) -> None:
    company = Company(place.engine.store)
    company.drift("hidden", at("Mon 10:00"), label="security")
    company.drift("plain", at("Mon 10:00"))
    company.apply()
    wide = place.engine.reading_as(frozenset({"public", "security"}))
    place.scans.drifts = wide.drifts.report().drifts
    assert len(place.scans.drifts) == 2
    place.look(0)
    assert until(lambda: len(place.slack.messages()) == 1)
    time.sleep(0.3)
    assert [p.text for p in place.slack.messages()] == ["Drift of aws_security_group.plain"]


def test_a_scan_that_fails_does_not_end_the_schedule(place: Place) -> None:
    place.scans.broken = True
    place.look(0)
    assert until(lambda: place.scans.count == 1)
    place.scans.broken = False
    place.look(3600)
    assert until(lambda: place.scans.count == 2)


def _call(place: Place, number: int, at_s: float, *, managed: bool = True, via: str = "console") -> None:
    """An audit event arrives."""
    when = START + int(at_s * SECOND)
    this, group = ref("AuditEvent", str(number)), ref("Resource", "managed" if managed else "free")
    source = "terraform_state" if managed else "aws"
    known = Assertion(
        Entity(group, {"type": "aws_security_group", "environment": "prod"}), START - 10**12, when, "state"
    )
    place.engine.store.apply(FactBatch(f"state-{number}", source, "acme", "test/1", (known,)))
    told = (
        Assertion(Entity(this, {"action": "ec2:X", "via": via}), when, when, f"cloudtrail:{number}"),
        Assertion(Relation("CHANGED", this, group, {"effect": "updated"}), when, when, f"cloudtrail:{number}"),
    )
    place.engine.store.apply(FactBatch(f"event-{number}", "cloudtrail", "acme", "test/1", told))


def test_soon_after_calls_by_hand_on_what_code_manages_a_scan_is_made(place: Place) -> None:
    place.look(10)
    assert until(lambda: place.scans.count == 1)
    _call(place, 1, 20)
    _call(place, 2, 25)
    place.look(30)
    place.look(60)  # more may come
    time.sleep(0.2)
    assert place.scans.count == 1
    place.look(95)
    assert until(lambda: place.scans.count == 2)
    place.look(300)
    time.sleep(0.2)
    assert place.scans.count == 2


def test_calls_on_what_no_code_manages_start_none(place: Place) -> None:
    place.look(10)
    assert until(lambda: place.scans.count == 1)
    _call(place, 1, 20, managed=False)
    place.look(30)
    place.look(300)
    time.sleep(0.3)
    assert place.scans.count == 1


def test_without_a_schedule_nothing_is_scanned(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path}/lore.db", embedder="none", data_directory=tmp_path)
    with _Engine(settings) as engine:
        engine.scans = Scans()
        schedules = Schedules(engine, now=lambda: START)
        schedules.register()
        schedules.look()
        assert engine.scans.count == 0
