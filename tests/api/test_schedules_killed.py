"""Digests whose sender is killed, or whose Slack is away: sent once all the same."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.schedule_office import BEFORE, DUE, Office, opened_office, settle, until


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with opened_office(tmp_path) as opened:
        yield opened


def test_a_worker_killed_after_slack_took_the_message_does_not_send_it_again(office: Office) -> None:
    office.clock(BEFORE)
    worker = office.start()
    settle()
    office.slack.hang.set()
    office.clock(DUE)
    assert office.slack.stored.wait(15)
    office.kill(worker)
    office.slack.release.set()
    office.start()
    settle()
    settle()
    assert len(office.slack.roots) == 1


def test_a_worker_killed_before_slack_took_the_message_has_it_sent_by_the_next(office: Office) -> None:
    office.clock(BEFORE)
    worker = office.start()
    settle()
    office.slack.down = True
    office.clock(DUE)
    time.sleep(0.4)
    office.kill(worker)
    office.slack.down = False
    office.start()
    assert until(lambda: len(office.slack.roots) == 1)
    settle()
    assert len(office.slack.roots) == 1


def test_while_slack_is_away_the_digest_waits_and_is_sent_once_when_it_is_back(office: Office) -> None:
    office.clock(BEFORE)
    office.slack.down = True
    office.start()
    settle()
    office.clock(DUE)
    settle()
    assert not office.slack.posts
    office.slack.down = False
    assert until(lambda: len(office.slack.roots) == 1)
    settle()
    assert len(office.slack.roots) == 1
