"""The bundled company: the same bytes each time, and every system tells the same story."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from msgspec.structs import replace

from agent.model import Answer
from api.settings import load
from api.wiring import Engine
from examples.build import build
from examples.company import ACCOUNT_IDS, CONFIG_REPOSITORY, PEOPLE, REPOSITORY
from examples.demo import QUESTIONS
from ingest.registry import SOURCES

Object = dict[str, object]
HEAD = "cccbab5876a53a4dcdd264a8ba815e28de70b548"
"""What two years of `infra` come to: citations of its commits are in documentation and in people's heads."""
_LINK = re.compile(r"https://github\.com/([\w-]+/[\w-]+)/pull/(\d+)")
_ARN = re.compile(r"arn:aws:[a-z0-9]+:[a-z0-9-]*:\d*:[^\s\"',]+")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company; nobody writes to it."""
    directory = tmp_path_factory.mktemp("company")
    build(directory)
    return directory


@pytest.fixture(scope="module")
def engine(company: Path) -> Iterator[Engine]:
    """Everything of it in one graph."""
    settings = replace(load(company / "lore.yaml"), store=f"sqlite:///{company}/lore.db", embedder="none")
    with Engine(settings) as engine:
        for report in engine.ingest(engine.configured_sources()):
            assert not report.error, f"{report.source} {report.scope}: {report.error}"
            assert not report.quarantined, f"{report.source} {report.scope}: {report.quarantined}"
        yield engine


def _git(repository: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(repository), *arguments], check=True, capture_output=True, text=True).stdout


def _objects(path: Path) -> list[Object]:
    return cast("list[Object]", json.loads(path.read_text()))


def _lines(path: Path) -> list[Object]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _time(text: object) -> datetime:
    return datetime.fromisoformat(str(text).replace("Z", "+00:00"))


def _repositories(company: Path) -> dict[str, tuple[Path, Path]]:
    """Of each repository on GitHub: where its API answers are, and where its clone is."""
    names = (REPOSITORY, CONFIG_REPOSITORY)
    return {name: (company / "github" / "repos" / name, company / name.partition("/")[2]) for name in names}


def _events(company: Path) -> list[Object]:
    files = sorted((company / "cloudtrail").rglob("*.json.gz"))
    return [event for file in files for event in json.loads(gzip.decompress(file.read_bytes()))["Records"]]


def _changing(company: Path) -> list[Object]:
    return [e for e in _events(company) if not e["readOnly"] and e["eventName"] != "ConsoleLogin"]


def _state(company: Path, account: object) -> str:
    environment = next(name for name, number in ACCOUNT_IDS.items() if number == account)
    return "\n".join(file.read_text() for file in sorted((company / "states" / environment).iterdir()))


def test_the_same_script_writes_the_same_bytes(company: Path, tmp_path: Path) -> None:
    build(tmp_path)

    def content(directory: Path) -> dict[str, bytes]:
        files = [f for f in directory.rglob("*") if f.is_file() and ".git" not in f.parts and "lore.db" not in f.name]
        return {str(f.relative_to(directory)): f.read_bytes() for f in files}

    assert content(tmp_path) == content(company)
    for repository in ("infra", "shop-config", "handbook"):
        assert _git(tmp_path / repository, "rev-parse", "main") == _git(company / repository, "rev-parse", "main")
    for state in (company / "states").rglob("*tfstate*"):
        assert (tmp_path / state.relative_to(company)).stat().st_mtime == state.stat().st_mtime


def test_building_again_into_a_directory_leaves_nothing_of_the_earlier_run(tmp_path: Path) -> None:
    build(tmp_path)
    (tmp_path / "cloudtrail" / "old.json").write_text('{"Records": []}')
    (tmp_path / "lore.db").write_text("old")
    build(tmp_path)
    assert not (tmp_path / "cloudtrail" / "old.json").exists()
    assert not (tmp_path / "lore.db").exists()


def test_the_history_of_infra_has_the_hashes_that_it_always_had(company: Path) -> None:
    assert _git(company / "infra", "rev-parse", "main").strip() == HEAD


def test_every_pull_request_is_merged_in_git_by_the_commit_that_github_names(company: Path) -> None:
    for directory, clone in _repositories(company).values():
        log = _git(clone, "log", "--first-parent", "--format=%H %cI %s", "main").splitlines()
        subjects = {line.split(" ", 2)[0]: line.split(" ", 2)[1:] for line in log}
        pulls = _objects(directory / "pulls.json")
        for pull in pulls:
            at, subject = subjects[str(pull["merge_commit_sha"])]
            assert re.search(rf"#{pull['number']}\b", subject)
            assert _time(at) == _time(pull["merged_at"])
        named = {int(m) for _, subject in subjects.values() for m in re.findall(r"(?:\(#|request #)(\d+)", subject)}
        assert named == {pull["number"] for pull in pulls}


def test_the_files_of_a_pull_request_are_those_that_its_commit_changed(company: Path) -> None:
    for directory, clone in _repositories(company).values():
        for pull in _objects(directory / "pulls.json")[:12]:
            files = {f["filename"] for f in _objects(directory / "pulls" / str(pull["number"]) / "files.json")}
            sha = str(pull["merge_commit_sha"])
            assert files == set(_git(clone, "diff", "--name-only", f"{sha}^1", sha).split())


def test_every_pull_request_was_approved_by_somebody_else_before_it_was_merged(company: Path) -> None:
    for directory, _ in _repositories(company).values():
        for pull in _objects(directory / "pulls.json"):
            reviews = _objects(directory / "pulls" / str(pull["number"]) / "reviews.json")
            approvals = [r for r in reviews if r["state"] == "APPROVED"]
            assert approvals
            for review in approvals:
                assert review["user"] != pull["user"]
                assert _time(pull["created_at"]) < _time(review["submitted_at"]) < _time(pull["merged_at"])


def test_every_link_in_a_thread_leads_to_a_pull_request_that_was_open_by_then(company: Path) -> None:
    opened = {
        (name, pull["number"]): _time(pull["created_at"])
        for name, (directory, _) in _repositories(company).items()
        for pull in _objects(directory / "pulls.json")
    }
    found = 0
    for file in (company / "slack").rglob("????-??-??.json"):
        for message in _objects(file):
            for repository, number in _LINK.findall(str(message["text"])):
                at = datetime.fromtimestamp(float(str(message["ts"])), UTC)
                assert opened[repository, int(number)] <= at
                found += 1
    assert found > 10


def test_every_thread_that_a_pull_request_links_exists(company: Path) -> None:
    stamps = {
        "p" + str(message["ts"]).replace(".", "")
        for file in (company / "slack").rglob("????-??-??.json")
        for message in _objects(file)
    }
    directory, _ = _repositories(company)[REPOSITORY]
    links = [
        link
        for pull in _objects(directory / "pulls.json")
        for link in re.findall(r"slack\.com/archives/\w+/(p\d+)", str(pull["body"]))
    ]
    assert links
    assert set(links) <= stamps


def test_what_the_audit_log_says_was_changed_is_in_the_state_of_that_account(company: Path) -> None:
    keys = ("groupId", "dBInstanceIdentifier", "queueUrl", "bucketName", "alarmName", "cacheClusterId")
    arns = 0
    for event in _changing(company):
        state = _state(company, event["recipientAccountId"])
        told = json.dumps([event["requestParameters"], event["responseElements"]])
        for arn in _ARN.findall(told):
            if ":security-group-rule/" not in arn:  # one that was let in by hand is in no state
                assert f'"{arn}"' in state, event["eventName"]
                arns += 1
        request = cast("Object", event["requestParameters"])
        for key in keys:
            if key in request:
                assert f'"{request[key]}"' in state, event["eventName"]
    assert arns > 20


def test_what_the_inventory_lists_is_in_the_state_or_a_stack_of_that_account(company: Path) -> None:
    files = sorted((company / "aws").rglob("*.json.gz"))
    stacks = "".join(file.read_text() for file in sorted((company / "cloudformation").rglob("*.json")))
    assert len(files) == len(ACCOUNT_IDS)
    for file in files:
        for item in json.loads(gzip.decompress(file.read_bytes()))["configurationItems"]:
            in_stack = item["tags"]["managed-by"] == "cloudformation" and f'"{item["resourceName"]}"' in stacks
            assert in_stack or f'"{item["ARN"]}"' in _state(company, item["awsAccountId"])


def test_every_change_in_the_cloud_was_made_by_an_apply_or_by_a_person(company: Path) -> None:
    applies = {
        (str(d["run_url"]).rpartition("/")[2], d["environment"]): d
        for d in _lines(company / "deployments" / "deployments.jsonl")
        if d.get("action") == "apply"
    }
    names = {name for p in PEOPLE for name in (p.sso, p.iam_user)}
    by_pipeline = by_hand = 0
    for event in _changing(company):
        session = str(cast("Object", event["userIdentity"])["arn"]).rpartition("/")[2]
        environment = next(name for name, number in ACCOUNT_IDS.items() if number == event["recipientAccountId"])
        if session.startswith("gha-"):
            apply = applies[session.removeprefix("gha-"), environment]
            assert _time(apply["started_at"]) < _time(event["eventTime"]) < _time(apply["finished_at"])
            assert ("errorCode" in event) == (apply["outcome"] == "failed")
            by_pipeline += 1
        else:
            assert session in names
            by_hand += 1
    assert by_pipeline > 20
    assert by_hand == 5


def test_every_apply_is_a_run_on_github_and_its_commit_a_merge(company: Path) -> None:
    directory, clone = _repositories(company)[REPOSITORY]
    runs = json.loads((directory / "actions" / "runs.json").read_text())["workflow_runs"]
    by_id = {str(run["id"]): run for run in runs}
    merged = {pull["merge_commit_sha"] for pull in _objects(directory / "pulls.json")}
    known = set(_git(clone, "rev-list", "main").split())
    for deploy in _lines(company / "deployments" / "deployments.jsonl"):
        assert deploy["commit"] in known
        if deploy.get("action") == "apply":
            run = by_id[str(deploy["run_url"]).rpartition("/")[2]]
            assert run["head_sha"] == deploy["commit"]
            assert deploy["commit"] in merged
    assert [run["conclusion"] for run in runs].count("failure") == 1


def test_the_cluster_runs_what_was_deployed_last(company: Path) -> None:
    running: dict[object, object] = {}
    for deploy in _lines(company / "deployments" / "deployments.jsonl"):
        if deploy["environment"] == "prod" and "service" in deploy and deploy["outcome"] == "succeeded":
            running[deploy["service"]] = deploy["version"]
    for item in json.loads((company / "kubernetes" / "deployments.json").read_text())["items"]:
        image = item["spec"]["template"]["spec"]["containers"][0]["image"]
        assert image.endswith(f":{running.pop(item['metadata']['name'])}")
    assert not running


def test_one_channel_is_private_and_has_fewer_members(company: Path) -> None:
    groups = _objects(company / "slack" / "groups.json")
    assert [group["name"] for group in groups] == ["security-private"]
    assert len(cast("list[str]", groups[0]["members"])) < len(PEOPLE)


def _ask(engine: Engine, question: str) -> tuple[Answer, set[str]]:
    answer = engine.ask(question)
    return answer, {citation.source for citation in answer.citations if f"[{citation.id}]" in answer.text}


def test_the_reason_is_told_with_commit_pull_request_thread_apply_and_audit_event(engine: Engine) -> None:
    answer, sources = _ask(engine, "why was the LB rule changed?")
    assert {"git", "github", "slack", "deployments", "cloudtrail"} <= sources
    assert "payments wins whenever both rules match" in answer.text


def test_each_question_of_the_demo_is_answered_from_its_sources(engine: Engine) -> None:
    wanted = (
        ("Ines Duarte", {"git"}),
        ("Ines Duarte", {"git", "slack"}),
        ("Only the CDN may reach the edge", {"deployments"}),
        ("#41", {"documents", "alerts"}),
        ("Omar Haddad", {"cloudtrail"}),
    )
    for question, (words, needed) in zip(QUESTIONS, wanted, strict=True):
        answer, sources = _ask(engine, question)
        assert answer.status == "answered"
        assert words in answer.text, question
        assert needed <= sources, question


def test_the_configuration_names_a_source_of_every_kind(company: Path) -> None:
    configured = {name for entry in load(company / "lore.yaml").sources for name in entry}
    assert configured == set(SOURCES)


def test_what_is_said_in_the_private_channel_is_not_told_to_everybody(engine: Engine) -> None:
    for question in ("who discussed the scrapers?", "when does the penetration test start?", "why was #41 merged?"):
        answer = engine.ask(question).to_json()
        assert "competitor" not in answer
        assert "penetration test starts" not in answer
