"""Schedules of digests by the clock: real workers, a real job database."""

from __future__ import annotations

from tests.api.schedule_office import BEFORE, DUE, LATER, NEXT_WEEK, TUESDAY, Office, settle, until


def test_a_due_digest_is_sent_once_and_not_again_after_a_restart(office: Office) -> None:
    office.clock(BEFORE)
    worker = office.start()
    settle()
    assert not office.slack.messages()
    office.clock(DUE)
    assert until(lambda: len(office.slack.roots) == 1)
    settle()
    office.kill(worker)
    office.start()
    settle()
    assert len(office.slack.roots) == 1
    assert "9 to 15 November 2026" in office.slack.roots[0].text
    assert "late" not in str(office.slack.roots[0].blocks)


def test_what_was_due_before_the_schedule_was_first_seen_is_not_sent(office: Office) -> None:
    office.clock(TUESDAY)
    office.start()
    settle()
    assert not office.slack.messages()


def test_after_downtime_only_the_last_missed_one_is_sent_and_says_that_it_is_late(office: Office) -> None:
    office.clock("2026-11-01T07:00:00Z")
    worker = office.start()
    settle()
    office.kill(worker)
    office.clock(LATER)  # those of 2, 9 and 16 November were missed
    office.start()
    assert until(lambda: len(office.slack.roots) == 1)
    settle()
    assert len(office.slack.roots) == 1
    assert "9 to 15 November 2026" in office.slack.roots[0].text
    assert "This comes late: it was due on 2026-11-16 08:00 UTC" in str(office.slack.roots[0].blocks)


def test_a_clock_that_goes_back_or_forward_sends_nothing_twice(office: Office) -> None:
    office.clock(BEFORE)
    office.start()
    settle()
    office.clock(NEXT_WEEK)  # forward: the digest of the week before was never due
    assert until(lambda: len(office.slack.roots) == 1)
    office.clock(DUE)  # back: that one is older than what was sent
    settle()
    office.clock(BEFORE)
    settle()
    office.clock(NEXT_WEEK)
    settle()
    assert len(office.slack.roots) == 1
    assert "16 to 22 November 2026" in office.slack.roots[0].text
