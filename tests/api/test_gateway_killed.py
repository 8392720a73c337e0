"""A writer killed by SIGKILL at every request, before and after GitHub or Slack works on it, and started again: nothing is ever written twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from api.action_log import unfinished
from api.gateway import ActionRequest, Outcome
from api.outward import open_gateway
from tests.fake_github import TOKEN, FakeGithub, LostAnswer, Phase, fake_github
from tests.fake_slack import BOT_TOKEN, INFRA, FakeSlack, crowded
from tests.fake_slack import LostAnswer as SlackLostAnswer
from tests.gateway_writer import YES, Killer, at_every_point, settings, start

PULL = ActionRequest(
    "github.pull_request",
    "acme/infra",
    "drift_1a2b",
    {"title": "Adopt the new size", "body": "It was changed by hand."},
    {"modules/db/main.tf": b"size = 20\n", "new.tf": b"b = 2\n", "README.md": None},
)
COMMENT = ActionRequest("github.comment", "acme/infra#7", "cost", {"body": "It costs 10 more."})


def outward(github: FakeGithub) -> dict[str, dict[str, object]]:
    return {"github": {"token": TOKEN, "base_url": github.url, "seconds_between_writes": 0}}


def killed_and_started_again(github: FakeGithub, home: Path, request: ActionRequest, killer: Killer) -> Outcome:
    def hook(number: int, method: str, path: str, phase: Phase) -> None:
        if killer.seen(number, phase, writes=method != "GET"):
            raise LostAnswer

    github.requests.clear()
    github.on_request = hook
    killer.run(start(home, outward(github), request))
    github.on_request = None
    gateway = open_gateway(settings(home, outward(github)))
    if killer.killed:
        assert len(unfinished(gateway.log.entries())) == 1
    outcome = gateway.execute(request, YES)
    assert gateway.log.verify().broken_at is None
    return outcome


def test_a_pull_request_is_opened_once_wherever_the_writer_dies(tmp_path: Path) -> None:
    seen: list[str] = []

    def one(killer: Killer) -> None:
        with fake_github() as github:
            home = tmp_path / f"{killer.at}-{killer.phase}"
            outcome = killed_and_started_again(github, home, PULL, killer)
            seen.append(outcome.status)
            assert [(p.number, p.state, p.title) for p in github.pulls] == [(1, "open", "Adopt the new size")]
            assert outcome.id == "1"
            assert github.files("infralore/drift_1a2b") == {
                "main.tf": b"a = 1\n",
                "modules/db/main.tf": b"size = 20\n",
                "new.tf": b"b = 2\n",
            }
            assert len(github.log("infralore/drift_1a2b")) == 2, "one commit on top of the base"
            assert set(github.refs) == {"main", "infralore/drift_1a2b"}
            assert open_gateway(settings(home, outward(github))).execute(PULL, YES).status == "already"
            shutil.rmtree(home)

    kills, after_writes = at_every_point(one)
    assert kills >= 18
    assert after_writes == 6, "two blobs, tree, commit, branch, pull request"
    assert set(seen) == {"done", "already"}


def test_a_changed_pull_request_is_updated_once_wherever_the_writer_dies(tmp_path: Path) -> None:
    changed = ActionRequest(
        PULL.action,
        PULL.target,
        PULL.key,
        {"title": "Adopt size 30", "body": "Again."},
        {**PULL.files, "modules/db/main.tf": b"size = 30\n"},
    )

    def one(killer: Killer) -> None:
        with fake_github() as github:
            home = tmp_path / f"{killer.at}-{killer.phase}"
            open_gateway(settings(home, outward(github))).execute(PULL, YES)
            killed_and_started_again(github, home, changed, killer)
            assert [(p.number, p.state, p.title) for p in github.pulls] == [(1, "open", "Adopt size 30")]
            assert "Again." in github.pulls[0].body
            assert github.files("infralore/drift_1a2b")["modules/db/main.tf"] == b"size = 30\n"
            assert len(github.log("infralore/drift_1a2b")) == 3, "one more commit"
            shutil.rmtree(home)

    assert at_every_point(one)[1] == 6, "two blobs, tree, commit, branch, pull request"


def test_a_comment_is_written_once_wherever_the_writer_dies(tmp_path: Path) -> None:
    def one(killer: Killer) -> None:
        with fake_github() as github:
            github.issues.add(7)
            home = tmp_path / f"{killer.at}-{killer.phase}"
            killed_and_started_again(github, home, COMMENT, killer)
            assert [(c.issue, c.edits) for c in github.comments] == [(7, 0)]
            shutil.rmtree(home)

    assert at_every_point(one)[1] == 1


ROOT_TS = "1700000000.000100"
CHART = ActionRequest(
    "slack.file",
    "#infra",
    "cost-40",
    {"title": "Cost", "text": "this week"},
    {"cost.png": b"png", "trend.png": b"png2"},
)


def posted_and_started_again(slack: FakeSlack, home: Path, request: ActionRequest, killer: Killer) -> Outcome:
    def hook(number: int, method: str, phase: Phase) -> None:
        writes = method.startswith(("chat.", "files.", "/upload"))
        if killer.seen(number, phase, writes=writes):
            raise SlackLostAnswer

    given: dict[str, dict[str, object]] = {"slack": {"token": BOT_TOKEN, "base_url": slack.base_url}}
    slack.calls.clear()
    slack.on_request = hook
    killer.run(start(home, given, request))
    slack.on_request = None
    return open_gateway(settings(home, given)).execute(request, YES)


@pytest.mark.parametrize(
    "request_",
    [
        ActionRequest("slack.message", "#infra", "weekly-40", {"text": "hello"}),
        ActionRequest("slack.message", "#infra", "answer", {"text": "hello", "thread_ts": ROOT_TS}),
        CHART,
    ],
    ids=["message", "reply", "charts"],
)
def test_slack_gets_it_once_wherever_the_writer_dies(tmp_path: Path, request_: ActionRequest) -> None:
    def one(killer: Killer) -> None:
        with crowded().running() as slack:
            slack.post(INFRA, "root", ts=ROOT_TS)
            home = tmp_path / f"{killer.at}-{killer.phase}"
            posted_and_started_again(slack, home, request_, killer)
            assert slack.said(INFRA) == ["root", request_.payload["text"]]
            shutil.rmtree(home)

    assert at_every_point(one)[1] == (5 if request_ is CHART else 1)


def test_two_hosts_that_die_one_after_the_other_leave_one_message(tmp_path: Path) -> None:
    request = ActionRequest("slack.message", "#infra", "weekly-40", {"text": "hello"})
    with crowded().running() as slack:
        for host in ("a", "b"):
            killer = Killer(7, "after")
            posted_and_started_again(slack, tmp_path / host, request, killer)
        assert slack.said(INFRA) == ["hello"]
