"""Pull requests and comments on GitHub: what is the same, what is updated, what is left alone, and what GitHub's refusals mean."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from api.errors import OutwardUnavailable, SettingsError
from api.gateway import ActionRequest, Gateway, Yes
from api.outward import open_gateway
from api.settings import Settings
from tests.fake_github import TOKEN, Comment, FakeGithub, LostAnswer, Phase, Pull, Refusal, fake_github
from tests.local_server import free_port

ANN = Yes("ann", "--yes")
BRANCH = "infralore/drift_1a2b"
PULL = ActionRequest(
    "github.pull_request",
    "acme/infra",
    "drift_1a2b",
    {"title": "Adopt the new size", "body": "By hand."},
    {"modules/db/main.tf": b"size = 20\n"},
)
COMMENT = ActionRequest("github.comment", "acme/infra#7", "cost", {"body": "It costs 10 more."})


@pytest.fixture
def github() -> Generator[FakeGithub]:
    with fake_github() as running:
        yield running


@pytest.fixture
def gateway(github: FakeGithub, tmp_path: Path) -> Gateway:
    return opened(tmp_path, github.url)


def opened(home: Path, url: str, token: str = TOKEN) -> Gateway:
    given = {"token": token, "base_url": url, "seconds_between_writes": 0, "timeout_s": 2}
    return open_gateway(Settings(store="", outward={"github": given}, data_directory=home))


def with_file(content: bytes) -> ActionRequest:
    return replace(PULL, files={"modules/db/main.tf": content})


# -- pull requests


def test_a_pull_request_holds_the_files_on_top_of_the_base_and_names_its_key(
    github: FakeGithub, gateway: Gateway
) -> None:
    request = replace(
        PULL,
        files={"modules/db/main.tf": b"size = 20\n", "new/deep/x.tf": b"\xff\x00", "README.md": None, "gone.tf": None},
    )
    outcome = gateway.execute(request, ANN)
    assert (outcome.status, outcome.id, outcome.url) == ("done", "1", "https://github.example/acme/infra/pull/1")
    (pull,) = github.pulls
    assert (pull.base, pull.branch, pull.title) == ("main", BRANCH, "Adopt the new size")
    assert pull.body == "By hand.\n\n<!-- infralore:drift_1a2b -->"
    assert github.files(BRANCH) == {
        "main.tf": b"a = 1\n",
        "modules/db/main.tf": b"size = 20\n",
        "new/deep/x.tf": b"\xff\x00",
    }
    assert github.log(BRANCH)[0] == "Adopt the new size\n\nInfralore-Key: drift_1a2b\n"


def test_the_same_again_reads_and_writes_nothing(github: FakeGithub, gateway: Gateway) -> None:
    gateway.execute(PULL, ANN)
    github.requests.clear()
    assert gateway.execute(PULL, ANN).status == "already"
    assert github.writes() == []


def test_a_changed_file_is_a_new_commit_on_the_same_branch_and_pull_request(
    github: FakeGithub, gateway: Gateway
) -> None:
    gateway.execute(PULL, ANN)
    before = github.refs[BRANCH]
    outcome = gateway.execute(with_file(b"size = 30\n"), ANN)
    assert (outcome.status, outcome.id, len(github.pulls)) == ("done", "1", 1)
    assert github.commits[github.refs[BRANCH]].parents == [before]
    assert github.files(BRANCH)["modules/db/main.tf"] == b"size = 30\n"


def test_a_changed_title_or_text_alone_makes_no_commit(github: FakeGithub, gateway: Gateway) -> None:
    gateway.execute(PULL, ANN)
    before = github.refs[BRANCH]
    assert gateway.execute(replace(PULL, payload={"title": "Other", "body": "Because."}), ANN).status == "done"
    assert (github.pulls[0].title, github.pulls[0].body.split("\n")[0]) == ("Other", "Because.")
    assert github.refs[BRANCH] == before


def test_a_file_dropped_from_the_request_is_as_in_the_base_again(github: FakeGithub, gateway: Gateway) -> None:
    gateway.execute(replace(PULL, files={"modules/db/main.tf": b"size = 20\n", "main.tf": b"a = 2\n"}), ANN)
    gateway.execute(with_file(b"size = 21\n"), ANN)
    assert github.files(BRANCH) == {
        "main.tf": b"a = 1\n",
        "modules/db/main.tf": b"size = 21\n",
        "README.md": b"hello\n",
    }


def test_a_base_that_changed_the_same_file_has_the_branch_rebuilt_on_its_head(
    github: FakeGithub, gateway: Gateway
) -> None:
    gateway.execute(PULL, ANN)
    head = github.push({"modules/db/main.tf": b"size = 10\nextra = 1\n"})
    assert gateway.execute(PULL, ANN).status == "done"
    assert github.commits[github.refs[BRANCH]].parents == [head]
    assert len(github.pulls) == 1


def test_a_base_that_went_on_elsewhere_leaves_the_branch_alone(github: FakeGithub, gateway: Gateway) -> None:
    gateway.execute(PULL, ANN)
    before = github.refs[BRANCH]
    github.push({"main.tf": b"a = 5\n"})
    assert gateway.execute(PULL, ANN).status == "already"
    assert github.refs[BRANCH] == before


def test_a_changed_file_on_a_base_that_went_on_is_rebuilt_on_its_head(github: FakeGithub, gateway: Gateway) -> None:
    gateway.execute(PULL, ANN)
    head = github.push({"main.tf": b"a = 5\n"})
    gateway.execute(with_file(b"size = 30\n"), ANN)
    assert github.commits[github.refs[BRANCH]].parents == [head]
    assert github.files(BRANCH)["main.tf"] == b"a = 5\n"


def test_what_a_person_closed_is_not_opened_again_until_it_says_something_else(
    github: FakeGithub, gateway: Gateway
) -> None:
    gateway.execute(PULL, ANN)
    github.pulls[0].state = "closed"
    outcome = gateway.execute(replace(PULL, payload={"title": "Please?"}), ANN)
    assert (outcome.status, outcome.id, len(github.pulls)) == ("refused", "1", 1)
    assert "was closed" in outcome.detail
    assert gateway.execute(with_file(b"size = 30\n"), ANN).status == "done"
    assert [(p.number, p.state) for p in github.pulls] == [(1, "closed"), (2, "open")]


def test_a_closed_pull_request_is_remembered_when_its_branch_is_gone(github: FakeGithub, gateway: Gateway) -> None:
    gateway.execute(PULL, ANN)
    github.pulls[0].state = "closed"
    del github.refs[BRANCH]
    assert gateway.execute(PULL, ANN).status == "refused"


def test_what_is_merged_is_there_already_and_the_same_drift_later_opens_a_new_one(
    github: FakeGithub, gateway: Gateway
) -> None:
    gateway.execute(PULL, ANN)
    github.merge(1)
    outcome = gateway.execute(PULL, ANN)
    assert (outcome.status, outcome.id) == ("already", "1")
    assert "nothing to change" in outcome.detail
    github.push({"modules/db/main.tf": b"size = 10\n"})
    assert (gateway.execute(PULL, ANN).status, len(github.pulls)) == ("done", 2)


def test_what_the_base_holds_already_opens_nothing(github: FakeGithub, gateway: Gateway) -> None:
    assert gateway.execute(with_file(b"size = 10\n"), ANN).status == "already"
    assert (github.pulls, github.writes()) == ([], [])


def test_commits_of_a_person_on_the_branch_are_not_overwritten(github: FakeGithub, gateway: Gateway) -> None:
    gateway.execute(PULL, ANN)
    theirs = github.push({"modules/db/main.tf": b"size = 21\n"}, BRANCH, "I know better")
    outcome = gateway.execute(PULL, ANN)
    assert (outcome.status, github.refs[BRANCH]) == ("refused", theirs)
    assert "somebody else pushed" in outcome.detail


def test_a_program_stays_one_and_a_link_is_not_replaced(github: FakeGithub, gateway: Gateway) -> None:
    tree = github.trees[github.commits[github.refs["main"]].tree]
    tree["run.sh"] = ("100755", github.trees[github.commits[github.refs["main"]].tree]["main.tf"][1])
    tree["link"] = ("120000", tree["main.tf"][1])
    gateway.execute(replace(PULL, files={"run.sh": b"x"}), ANN)
    assert github.trees[github.commits[github.refs[BRANCH]].tree]["run.sh"][0] == "100755"
    assert gateway.execute(replace(PULL, key="other", files={"link": b"x"}), ANN).status == "refused"


@pytest.mark.parametrize("path", ["../x", "/etc/x", ".git/config", "a//b", "a/./b", ""])
def test_a_path_that_leads_out_of_the_repository_is_refused(github: FakeGithub, gateway: Gateway, path: str) -> None:
    assert gateway.execute(replace(PULL, files={path: b"x"}), ANN).status == "refused"
    assert github.pulls == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": "acme"},
        {"target": "acme/infra/x"},
        {"target": "acme/../x"},
        {"files": {}},
        {"payload": {"title": " "}},
        {"payload": {"title": "x", "base": "nowhere"}},
        {"payload": {"title": "x", "branch": "main"}},
        {"payload": {"title": "x", "body": "y" * 66_000}},
    ],
)
def test_a_request_that_cannot_be_meant_is_refused_before_anything_is_written(
    github: FakeGithub, gateway: Gateway, wrong: dict[str, object]
) -> None:
    outcome = gateway.execute(replace(PULL, **wrong), ANN)  # pyright: ignore[reportArgumentType]
    assert outcome.status == "refused"
    assert github.writes() == []


@pytest.mark.parametrize("path", ["/git/refs", "/pulls", "/git/blobs", "/git/commits"])
def test_an_answer_that_is_lost_on_the_way_writes_nothing_twice(
    github: FakeGithub, gateway: Gateway, path: str
) -> None:
    def lose(number: int, method: str, at: str, phase: Phase) -> None:
        if (method, phase) == ("POST", "after") and at.endswith(path):
            github.on_request = None
            raise LostAnswer

    github.on_request = lose
    with pytest.raises(OutwardUnavailable, match="GitHub"):
        gateway.execute(PULL, ANN)
    assert gateway.execute(PULL, ANN).status in ("done", "already")
    assert (len(github.pulls), len(github.log(BRANCH))) == (1, 2)


def test_another_host_that_was_faster_leaves_one_pull_request(
    github: FakeGithub, gateway: Gateway, tmp_path: Path
) -> None:
    other = opened(tmp_path / "other-host", github.url)
    met: list[str] = []

    def overtaken(number: int, method: str, at: str, phase: Phase) -> None:
        if method == "POST" and at.endswith("/pulls") and phase == "before" and not met:
            met.append("here")
            github.pulls.append(
                Pull(
                    1,
                    PULL.payload["title"],
                    "By hand.\n\n<!-- infralore:drift_1a2b -->",
                    "main",
                    BRANCH,
                    github.refs[BRANCH],
                )
            )

    github.on_request = overtaken
    assert gateway.execute(PULL, ANN).id == "1"
    github.on_request = None
    assert (other.execute(PULL, ANN).status, len(github.pulls)) == ("already", 1)


# -- comments


def test_one_comment_for_a_key_is_edited_when_it_changes(github: FakeGithub, gateway: Gateway) -> None:
    github.issues.add(7)
    first = gateway.execute(COMMENT, ANN)
    assert (first.status, first.url) == ("done", "https://github.example/acme/infra/pull/7#issuecomment-1000")
    assert gateway.execute(COMMENT, ANN).status == "already"
    changed = gateway.execute(replace(COMMENT, payload={"body": "It costs 20 more."}), ANN)
    assert (changed.status, changed.id, len(github.comments)) == ("done", first.id, 1)
    assert github.comments[0].body == "It costs 20 more.\n\n<!-- infralore:cost -->"
    gateway.execute(replace(COMMENT, key="other"), ANN)
    assert len(github.comments) == 2


def test_the_comment_is_found_behind_a_hundred_others(github: FakeGithub, gateway: Gateway) -> None:
    github.issues.add(7)
    github.comments += [Comment(i, 7, "bob", f"chat {i}") for i in range(150)]
    gateway.execute(COMMENT, ANN)
    assert gateway.execute(COMMENT, ANN).status == "already"
    assert len(github.comments) == 151


def test_a_mark_that_somebody_else_wrote_or_that_stands_inside_a_text_is_not_ours(
    github: FakeGithub, gateway: Gateway
) -> None:
    github.issues.add(7)
    mark = "<!-- infralore:cost -->"
    github.comments += [
        Comment(1, 7, "mallory", f"mine\n\n{mark}"),
        Comment(2, 7, "lore-bot", f"{mark}\n\n<!-- infralore:x -->"),
    ]
    assert gateway.execute(COMMENT, ANN).status == "done"
    assert [c.edits for c in github.comments] == [0, 0, 0]


# -- what GitHub says


@pytest.mark.parametrize(
    ("refusal", "status", "words"),
    [
        (Refusal(401, "Bad credentials"), "refused", "make a new one"),
        (Refusal(403, "Resource not accessible by personal access token"), "refused", "Pull requests: write"),
        (Refusal(404, "Not Found"), "refused", "does not see it"),
        (Refusal(422, "Repository rule violations found"), "refused", "Repository rule violations"),
        (Refusal(409, "Git Repository is empty."), "refused", "first commit"),
        (Refusal(418, "I am a teapot"), "refused", "base_url"),
        (
            Refusal(403, "You have exceeded a secondary rate limit", {"Retry-After": "17"}),
            "unavailable",
            "try again in 17 s",
        ),
        (
            Refusal(403, "API rate limit exceeded for user", {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}),
            "unavailable",
            "rate limit",
        ),
        (Refusal(429, "Too many"), "unavailable", "60 s"),
        (Refusal(500, "oops"), "unavailable", "500"),
        (Refusal(502, "<html>"), "unavailable", "502"),
    ],
)
def test_what_github_says_becomes_a_sentence_and_a_remedy(
    github: FakeGithub, gateway: Gateway, refusal: Refusal, status: str, words: str
) -> None:
    def refuse(number: int, method: str, at: str, phase: Phase) -> None:
        if phase == "before" and method == "POST":
            raise refusal

    github.on_request = refuse
    if status == "unavailable":
        with pytest.raises(OutwardUnavailable) as caught:
            gateway.execute(PULL, ANN)
        assert words in f"{caught.value} {caught.value.hint}"
        assert (caught.value.retry_after_s is not None) is (refusal.status < 500)
    else:
        outcome = gateway.execute(PULL, ANN)
        assert (outcome.status, words in outcome.detail) == ("refused", True), outcome
    assert len([r for r in github.requests if r[0] == "POST"]) == 1, "no retries behind our back"


def test_a_wrong_token_is_refused_and_not_shown(github: FakeGithub, tmp_path: Path) -> None:
    wrong = "wrong" + "-token"
    outcome = opened(tmp_path, github.url, wrong).execute(PULL, ANN)
    assert outcome.status == "refused"
    assert wrong not in outcome.detail
    assert wrong.encode() not in (tmp_path / "actions.db").read_bytes()


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(OutwardUnavailable, match="cannot be reached"):
        opened(tmp_path, f"http://127.0.0.1:{free_port()}").execute(PULL, ANN)


@pytest.mark.parametrize(
    ("outward", "said"),
    [
        ({"github": {}}, "token"),
        ({"github": {"token": ""}}, "token"),
        ({"github": {"token": "x", "tokn": "y"}}, "tokn"),
        ({"gitlab": {"token": "x"}}, "gitlab"),
        ({"mail": {"host": "x"}}, "from"),
        ({"slack": {"token": "x", "timeout_s": "soon"}}, "timeout_s"),
    ],
)
def test_settings_that_cannot_be_meant_are_told(
    tmp_path: Path, outward: dict[str, dict[str, object]], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        open_gateway(Settings(store="", outward=outward, data_directory=tmp_path))
