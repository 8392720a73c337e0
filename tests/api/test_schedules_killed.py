"""Digests whose sender is killed, or whose Slack is away: sent once all the same."""

from __future__ import annotations

import time

from tests.api.schedule_office import BEFORE, DUE, Office, settle, until


def test_a_worker_killed_after_slack_took_the_message_does_not_send_it_again(office: Office) -> None:
    office.clock(BEFORE)
    worker = office.start()
    settle()
    office.hang_when_due()
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
    office.slack.away = True
    office.clock(DUE)
    time.sleep(0.4)
    office.kill(worker)
    office.slack.away = False
    office.start()
    assert until(lambda: len(office.slack.roots) == 1)
    settle()
    assert len(office.slack.roots) == 1


def test_while_slack_is_away_the_digest_waits_and_is_sent_once_when_it_is_back(office: Office) -> None:
    office.clock(BEFORE)
    office.slack.away = True
    office.start()
    settle()
    office.clock(DUE)
    settle()
    assert not office.slack.messages()
    office.slack.away = False
    assert until(lambda: len(office.slack.roots) == 1)
    settle()
    assert len(office.slack.roots) == 1
