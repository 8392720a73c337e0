"""The one way out: who may write, what the audit log tells before and after, and that one key writes once."""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pytest

from api.action_lock import locked
from api.action_log import ActionLog
from api.errors import OutwardRefused, OutwardUnavailable, OutwardUnknown, SettingsError
from api.gateway import ActionRequest, Gateway, Outcome, Performer, Sight, Yes, slug
from api.grants import read_grants
from api.outward import open_gateway, performers
from api.settings import Settings, load
from graph.clock import instant
from tests.api.lore import Lore

NOW = instant("2026-10-05T08:00:00Z")
ANN = Yes("ann", "--yes")
SECRET = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"
HELLO = ActionRequest(
    "slack.message", "#infra", "weekly-40", {"text": "hello"}, reason="weekly digest", requested_by="schedule:weekly"
)


@dataclass
class Wall:
    """A system that remembers by key, in memory."""

    sight: Sight = "complete"
    written: dict[str, str] = field(default_factory=dict[str, str])
    writes: list[str] = field(default_factory=list[str])
    fails: list[Exception] = field(default_factory=list[Exception])
    meanwhile: Callable[[], None] = lambda: None

    def find(self, request: ActionRequest) -> Outcome | None:
        assert self.sight != "none", "nobody can be asked"
        there = self.written.get(request.key)
        if there is None:
            return None
        return Outcome("already" if there == request.payload["text"] else "done", request.key)

    def perform(self, request: ActionRequest, found: Outcome | None) -> Outcome:
        self.meanwhile()
        if self.fails:
            raise self.fails.pop(0)
        self.written[request.key] = request.payload["text"]
        self.writes.append(request.payload["text"])
        return Outcome("done", request.key, f"https://chat.example/{request.key}", "edited" if found else "posted")


def gateway(home: Path, performer: Performer | None = None, *grants: Mapping[str, object]) -> Gateway:
    settings = Settings(store="", grants=grants, data_directory=home)
    return Gateway(settings, {"slack": performer or Wall(), "github": Wall(), "mail": Wall()}, clock=lambda: NOW)


def grant(**changed: object) -> dict[str, object]:
    return {"who": "schedule:*", "action": "slack.message", "target": "#infra", "until": "2027-01-01", **changed}


def states(opened: Gateway) -> list[str]:
    return [e.state for e in opened.log.entries()]


# -- by what right


def test_without_a_yes_or_a_grant_nothing_is_written_and_the_outcome_says_how_to_allow_it(tmp_path: Path) -> None:
    wall = Wall()
    opened = gateway(tmp_path, wall)
    outcome = opened.execute(HELLO)
    assert (outcome.status, wall.writes) == ("dry_run", [])
    for words in ("post “hello” to #infra", "--yes", '"schedule:weekly"', "slack.message", '"#infra"'):
        assert words in outcome.detail
    assert states(opened) == ["dry_run"]


def test_a_yes_writes_and_the_log_tells_before_and_after_by_whose(tmp_path: Path) -> None:
    opened = gateway(tmp_path)
    outcome = opened.execute(HELLO, ANN)
    assert (outcome.status, outcome.granted_by) == ("done", "yes:ann (--yes)")
    before, after = opened.log.entries()
    assert (before.state, after.state) == ("intended", "done")
    assert before.attempt == after.attempt
    assert (after.id, after.url, after.reason) == ("weekly-40", "https://chat.example/weekly-40", "weekly digest")
    assert before.at == "2026-10-05T08:00:00.000000Z"


@pytest.mark.parametrize("by", ["", "  ", "schedule:weekly"])
def test_a_yes_that_names_no_person_is_none(tmp_path: Path, by: str) -> None:
    wall = Wall()
    outcome = gateway(tmp_path, wall, grant()).execute(HELLO, Yes(by, "--yes"))
    assert (outcome.status, wall.writes) == ("refused", [])
    assert "person" in outcome.detail


@pytest.mark.parametrize(
    ("changed", "target", "holds"),
    [
        ({}, "#infra", True),
        ({"who": "schedule:weekly"}, "#infra", True),
        ({"who": "schedule:daily"}, "#infra", False),
        ({"who": "slack:*"}, "#infra", False),
        ({"action": "slack.*"}, "#infra", True),
        ({"action": "slack.file"}, "#infra", False),
        ({"action": "github.*"}, "#infra", False),
        ({"target": "#infra-*"}, "#infra-eu", True),
        ({"target": "#infra"}, "#infra-eu", False),
        ({"target": "#INFRA"}, "#infra", True),
        ({"until": "2026-10-05"}, "#infra", True),
        ({"until": "2026-10-04"}, "#infra", False),
        ({"until": date(2026, 10, 5)}, "#infra", True),
        ({"until": date(2026, 10, 4)}, "#infra", False),
        ({"until": "2026-10-05T08:00:00Z"}, "#infra", False),
        ({"until": "2026-10-05T10:00:01+02:00"}, "#infra", True),
    ],
)
def test_a_grant_covers_who_what_where_and_until_when_it_says(
    tmp_path: Path, changed: dict[str, object], target: str, holds: bool
) -> None:
    outcome = gateway(tmp_path, Wall(), grant(**changed)).execute(replace(HELLO, target=target))
    assert (outcome.status == "done") is holds
    assert outcome.granted_by.startswith("grant:") is holds


@pytest.mark.parametrize(
    ("target", "holds"), [("acme/infra#41", True), ("acme/infra", True), ("acme/infra-eu#41", False)]
)
def test_a_grant_for_a_repository_covers_its_pull_requests(tmp_path: Path, target: str, holds: bool) -> None:
    opened = gateway(tmp_path, None, grant(who="ann", action="github.comment", target="acme/infra"))
    request = ActionRequest("github.comment", target, "cost", {"text": "x"}, requested_by="ann")
    assert (opened.execute(request).status == "done") is holds


def test_a_grant_that_ran_out_is_named_as_the_reason(tmp_path: Path) -> None:
    outcome = gateway(tmp_path, Wall(), grant(until="2026-09-30")).execute(HELLO)
    assert outcome.status == "dry_run"
    assert "schedule:*/slack.message/#infra ran out at 2026-10-01T00:00:00Z" in outcome.detail


def test_who_asks_for_nobody_is_covered_by_no_grant(tmp_path: Path) -> None:
    assert gateway(tmp_path, Wall(), grant()).execute(replace(HELLO, requested_by="")).status == "dry_run"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"who": "*"}, "anybody"),
        ({"who": "s*:weekly"}, "anybody"),
        ({"who": ""}, "who"),
        ({"action": "slack.mesage"}, "no action"),
        ({"action": "*"}, "no action"),
        ({"until": None}, "until"),
        ({"until": "soon"}, "until"),
        ({"target": 7}, "target"),
        ({"whom": "x"}, "whom"),
    ],
)
def test_a_grant_that_cannot_be_meant_stops_everything_with_a_remedy(
    tmp_path: Path, wrong: dict[str, object], said: str
) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        gateway(tmp_path, Wall(), grant(**wrong))
    assert caught.value.hint


def test_what_no_credentials_are_set_for_is_refused_with_the_setting_to_make(tmp_path: Path) -> None:
    outcome = Gateway(Settings(store="", data_directory=tmp_path), {}).execute(HELLO, ANN)
    assert outcome.status == "refused"
    assert "outward.slack" in outcome.detail


# -- once


def test_the_same_key_writes_once_and_a_changed_payload_updates(tmp_path: Path) -> None:
    wall = Wall()
    opened = gateway(tmp_path, wall)
    found = [opened.execute(r, ANN).status for r in (HELLO, HELLO, replace(HELLO, payload={"text": "changed"}))]
    assert found == ["done", "already", "done"]
    assert wall.writes == ["hello", "changed"]
    assert states(opened) == ["intended", "done", "intended", "already", "intended", "done"]


def test_what_is_older_than_a_performer_can_see_is_told_by_the_log(tmp_path: Path) -> None:
    wall = Wall(sight="window")
    opened = gateway(tmp_path, wall)
    opened.execute(HELLO, ANN)
    wall.written.clear()
    assert opened.execute(HELLO, ANN).status == "already"
    changed = opened.execute(replace(HELLO, payload={"text": "changed"}), ANN)
    assert (changed.status, changed.detail) == ("done", "edited")
    assert wall.writes == ["hello", "changed"]


def test_two_threads_with_one_key_write_once(tmp_path: Path) -> None:
    wall = Wall(meanwhile=lambda: time.sleep(0.1))
    opened = gateway(tmp_path, wall)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(opened.execute(HELLO, ANN).status)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["already", "already", "already", "done"]
    assert wall.writes == ["hello"]


@dataclass
class Folder:
    """A system of several processes: a file for each write, slow enough that they meet."""

    home: Path

    def find(self, request: ActionRequest) -> Outcome | None:
        return Outcome("already") if any(self.home.glob(f"{request.key}*")) else None

    def perform(self, request: ActionRequest, found: Outcome | None) -> Outcome:
        time.sleep(0.3)
        (self.home / f"{request.key}-{time.monotonic_ns()}").touch()
        return Outcome("done")


def _write_in_a_process(home: Path) -> None:
    (home / "wall").mkdir(exist_ok=True)
    gateway(home, Folder(home / "wall")).execute(HELLO, ANN)


def test_two_processes_with_one_key_write_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    both = [context.Process(target=_write_in_a_process, args=(tmp_path,)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(30)
    assert [one.exitcode for one in both] == [0, 0]
    assert len(list((tmp_path / "wall").iterdir())) == 1
    log = ActionLog(tmp_path / "actions.db")
    assert sorted(e.state for e in log.entries()) == ["already", "done", "intended", "intended"]
    assert log.verify().broken_at is None


def test_a_lock_that_is_not_given_back_in_time_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    with locked(tmp_path, "x") as first, locked(tmp_path, "x", wait_s=0.05) as second, locked(tmp_path, "y") as other:
        assert (first, second, other) == (True, False, True)


# -- what goes wrong


def test_unavailable_is_logged_and_raised_and_the_next_attempt_writes(tmp_path: Path) -> None:
    wall = Wall(fails=[OutwardUnavailable("the rate limit is reached", "wait", 30.0)])
    opened = gateway(tmp_path, wall)
    with pytest.raises(OutwardUnavailable) as caught:
        opened.execute(HELLO, ANN)
    assert caught.value.retry_after_s == 30.0
    assert opened.execute(HELLO, ANN).status == "done"
    assert states(opened) == ["intended", "failed", "intended", "done"]
    assert opened.log.entries()[1].detail == "the rate limit is reached: wait"


def test_refused_is_an_outcome_with_the_remedy(tmp_path: Path) -> None:
    opened = gateway(tmp_path, Wall(fails=[OutwardRefused("no such channel", "invite the bot")]))
    outcome = opened.execute(HELLO, ANN)
    assert (outcome.status, outcome.detail) == ("refused", "no such channel: invite the bot")
    assert states(opened) == ["intended", "refused"]


def test_a_defect_is_logged_and_raised(tmp_path: Path) -> None:
    opened = gateway(tmp_path, Wall(fails=[ZeroDivisionError("secret " + SECRET)]))
    with pytest.raises(ZeroDivisionError):
        opened.execute(HELLO, ANN)
    assert opened.log.entries()[1].detail == "internal error: ZeroDivisionError"


def test_what_cannot_be_looked_up_is_not_sent_again_after_it_was_cut_off(tmp_path: Path) -> None:
    wall = Wall(sight="none", fails=[OutwardUnknown("the connection broke")])
    opened = gateway(tmp_path, wall)
    assert opened.execute(HELLO, ANN).status == "failed"
    outcome = opened.execute(HELLO, ANN)
    assert (outcome.status, wall.writes) == ("refused", [])
    assert "unknown whether it was sent" in outcome.detail
    assert states(opened) == ["intended", "unknown", "intended", "refused"]
    assert opened.execute(HELLO, ANN).status == "refused", "still"
    assert opened.execute(replace(HELLO, key="weekly-40-again"), ANN).status == "done"


def test_what_cannot_be_looked_up_is_sent_again_when_it_surely_was_not_sent(tmp_path: Path) -> None:
    wall = Wall(sight="none", fails=[OutwardUnavailable("no connection")])
    opened = gateway(tmp_path, wall)
    with pytest.raises(OutwardUnavailable):
        opened.execute(HELLO, ANN)
    assert [opened.execute(HELLO, ANN).status for _ in range(2)] == ["done", "already"]
    changed = opened.execute(replace(HELLO, payload={"text": "changed"}), ANN)
    assert (changed.status, wall.writes) == ("refused", ["hello"])


@pytest.mark.parametrize("changed", [{"key": " "}, {"target": ""}, {"key": "a\nb"}, {"target": "#x\x1b[31m"}])
def test_a_request_without_a_plain_target_and_key_is_refused(tmp_path: Path, changed: dict[str, str]) -> None:
    wall = Wall()
    assert gateway(tmp_path, wall).execute(replace(HELLO, **changed), ANN).status == "refused"
    assert wall.writes == []


# -- the log


def test_nothing_is_written_outward_when_the_log_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "actions.db").mkdir()
    wall = Wall()
    with pytest.raises(SettingsError, match="audit log"):
        gateway(tmp_path, wall).execute(HELLO, ANN)
    assert wall.writes == []


def test_the_log_holds_no_secret_and_no_payload(tmp_path: Path) -> None:
    opened = gateway(tmp_path, Wall(fails=[OutwardRefused(f"it says {SECRET}")]))
    request = replace(HELLO, key=f"k {SECRET}", reason=f"because {SECRET}", payload={"text": f"the body {SECRET}"})
    opened.execute(request, Yes("ann", f"token {SECRET}"))
    opened.execute(replace(request, target="#other"))
    stored = (tmp_path / "actions.db").read_bytes()
    assert SECRET.encode() not in stored
    assert b"the body" not in stored
    assert b"[redacted]" in stored


def test_the_log_cannot_be_changed_shortened_or_replaced_in_place(tmp_path: Path) -> None:
    opened = gateway(tmp_path)
    opened.execute(HELLO, ANN)
    database = sqlite3.connect(tmp_path / "actions.db")
    for statement in (
        "UPDATE actions SET granted_by = 'yes:eve'",
        "DELETE FROM actions",
        "INSERT OR REPLACE INTO actions SELECT * FROM actions WHERE number = 1",
        "INSERT INTO actions SELECT 7, at, attempt, state, thing, action, target, key, payload, requested_by, reason, granted_by, id, url, detail, previous, digest FROM actions WHERE number = 1",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="only grows"):
            database.execute(statement)
    database.close()
    assert opened.log.verify().broken_at is None


def _behind_its_back(path: Path, statement: str) -> None:
    database = sqlite3.connect(path)
    for trigger in ("actions_no_update", "actions_no_delete", "actions_append"):
        database.execute(f"DROP TRIGGER {trigger}")
    database.execute(statement)
    database.commit()
    database.close()


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("UPDATE actions SET granted_by = 'yes:eve' WHERE number = 2", 2),
        ("UPDATE actions SET at = '2020-01-01T00:00:00Z' WHERE number = 1", 1),
        ("DELETE FROM actions WHERE number = 2", 2),
        ("DELETE FROM actions WHERE number = 1", 1),
        ("UPDATE actions SET digest = previous WHERE number = 3", 3),
    ],
)
def test_what_was_changed_behind_the_triggers_shows(tmp_path: Path, statement: str, broken_at: int) -> None:
    opened = gateway(tmp_path)
    opened.execute(HELLO, ANN)
    opened.execute(HELLO)
    assert opened.log.verify().entries == 3
    _behind_its_back(tmp_path / "actions.db", statement)
    assert opened.log.verify().broken_at == broken_at


def test_a_log_that_lost_its_end_shows_to_who_noted_its_head(tmp_path: Path) -> None:
    opened = gateway(tmp_path)
    opened.execute(HELLO, ANN)
    head = opened.log.verify().head
    _behind_its_back(tmp_path / "actions.db", "DELETE FROM actions WHERE number = 2")
    assert opened.log.verify().broken_at is None
    assert opened.log.verify(head).broken_at == 2


# -- the command line


def test_lore_actions_lists_and_verifies(fresh: Lore) -> None:
    home = fresh.home / "data" / "infralore"
    assert "nothing was written" in fresh("actions").out
    opened = gateway(home)
    opened.execute(replace(HELLO, reason="\x1b[31mred"), ANN)
    listed = fresh("actions")
    assert listed.code == 0
    assert "slack.message  #infra  weekly-40 for schedule:weekly, yes:ann (--yes)" in listed.out
    assert "\x1b" not in listed.out
    told = json.loads(fresh("actions", "--output", "json").out)
    assert (told["schema"], [a["state"] for a in told["actions"]]) == ("lore.actions/1", ["intended", "done"])
    assert json.loads(fresh("actions", "--since", "2026-10-06", "-o", "json").out)["actions"] == []
    fresh("actions", "--since", "yesterday").failed("not a time", code=2)
    assert fresh("actions", "verify").code == 0
    _behind_its_back(home / "actions.db", "UPDATE actions SET target = '#other' WHERE number = 2")
    broken = fresh("actions", "verify")
    assert (broken.code, broken.out) == (3, "")
    assert "entry 2 is not as it was written" in broken.err


def test_lore_grants_tells_which_hold(fresh: Lore) -> None:
    assert "no grants" in fresh("grants").out
    (fresh.home / "lore.yaml").write_text(
        "grants:\n- {who: ann, action: slack.*, target: '#infra', until: 2999-01-01}\n- {who: bob, action: slack.file, target: '#x', until: 2020-01-01}\n"
    )
    lines = fresh("grants").out.splitlines()
    assert [line.split()[0] for line in lines] == ["holds", "ran"]
    told = json.loads(fresh("grants", "-o", "json").out)
    assert [(g["who"], g["until"], g["holds"]) for g in told["grants"]] == [
        ("ann", "2999-01-02T00:00:00Z", True),
        ("bob", "2020-01-02T00:00:00Z", False),
    ]
    (fresh.home / "lore.yaml").write_text(
        "grants: [{who: '*', action: slack.*, target: '#infra', until: 2999-01-01}]\n"
    )
    fresh("grants").failed("anybody")


def test_the_settings_in_the_documentation_open_a_gateway(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "gateway.md").read_text(encoding="utf-8")
    (tmp_path / "lore.yaml").write_text(page.partition("```yaml\n")[2].partition("```")[0])
    variables = dict.fromkeys(("LORE_GITHUB_TOKEN", "LORE_SLACK_BOT_TOKEN", "LORE_MAIL_PASSWORD"), "dummy")
    settings = load(tmp_path / "lore.yaml", {"HOME": str(tmp_path), **variables})
    assert set(performers(settings)) == {"github", "slack", "mail"}
    weekly = open_gateway(settings).execute(replace(HELLO, target="#other", requested_by="schedule:weekly"))
    assert weekly.status == "dry_run"
    assert [g.who for g in read_grants(settings.grants)] == ["schedule:*", "cost-comment", "ann"]


def test_a_key_becomes_part_of_a_branch_and_two_keys_never_the_same() -> None:
    keys = ["drift_1a2b", "weekly 40", "weekly-40", "a/b", "a..b", "x.lock", "-x", "ä", "", "a" * 200, ".x", "x."]
    found = [slug(k) for k in keys]
    assert found[0] == "drift_1a2b"
    assert len(set(found)) == len(keys)
    assert all(
        s.replace("-", "").replace("_", "").replace(".", "").isalnum() and ".." not in s and len(s) <= 80 for s in found
    )
