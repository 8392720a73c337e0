"""What a repository's pull requests, deployments and runs become."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graph.clock import instant
from graph.model import EntityRef, ref
from graph.store import ChangeQuery, GraphStore, Limits, View
from ingest import names
from ingest.sources.github.source import GitHubSettings, GitHubSource
from tests.contracts.source_contract import fresh_store
from tests.ingest.github.reading import ends, properties, read
from tests.ingest.github.world import REPO, World, pull, review, sha, status, user


def source(root: Path, **settings: Any) -> GitHubSource:
    return GitHubSource(GitHubSettings(repository=REPO, path=str(root), **settings))


def request(number: int) -> EntityRef:
    return names.pull_request(REPO, number)


def deployed(number: int) -> EntityRef:
    return names.deployment("github", REPO, str(number))


def who(login: str) -> EntityRef:
    return names.account("github", login)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    World().write(tmp_path / "export")
    with fresh_store(tmp_path, "store") as opened:
        report = read(opened, source(tmp_path / "export", applies=("terraform-*",)))
        assert report.error is None
        assert report.quarantined == 0
        yield opened


def test_a_pull_request_is_open_until_it_was_merged_and_then_says_by_whom_and_as_what(store: GraphStore) -> None:
    before = properties(store, request(1), "2026-05-02T10:59:59Z")
    assert before["state"] == "open"
    assert not {"merged_at", "merge_commit", "closed_at", "labels", "files"} & set(before)
    assert ends(store, request(1), "MERGED_BY", "2026-05-02T10:59:59Z") == set()
    after = properties(store, request(1), "2026-05-02T11:00:00Z")
    assert (after["state"], after["merged_at"], after["merge_commit"]) == ("merged", "2026-05-02T11:00:00Z", sha(500))
    assert after["files"] == ["lb.tf", "old.tf", "sg.tf"]
    assert "labels" not in after
    assert properties(store, request(1))["labels"] == ["network"]
    assert ends(store, request(1), "MERGED_BY") == {who("bob")}
    assert ends(store, request(1), "MERGED_AS") == {names.commit(sha(500))}
    assert ends(store, request(1), "AUTHORED_BY") == {who("alice")}


def test_a_pull_request_names_the_issues_it_closes_its_commits_and_what_its_texts_mention(store: GraphStore) -> None:
    assert ends(store, request(1), "CLOSES") == {names.issue(REPO, 12), names.issue("shop/api", 7)}
    in_it = store.neighbours([request(1)], View(), Limits(), types=["PART_OF"], direction="in").items
    assert {r.src for r in in_it} == {names.commit(sha(1)), names.commit(sha(41))}
    dumped = "\n".join(store.dump())
    for number in (7, 8, 9, 10):
        assert f"MENTIONS\\u001f{request(1)}\\u001f{names.pull_request('shop/api', number)}" in dumped


def test_a_commit_is_not_known_before_something_speaks_of_it(store: GraphStore) -> None:
    merged, inside = names.commit(sha(500)), names.commit(sha(1))
    assert store.entity(merged, View(as_of=instant("2026-05-02T10:59:59Z"))) is None
    assert store.entity(merged, View(as_of=instant("2026-05-02T11:00:00Z"))) is not None
    [part] = store.neighbours([inside], View(), Limits(), types=["PART_OF"], direction="out").items
    since = part.statements[0].valid_from
    assert store.entity(inside, View(as_of=since - 1)) is None
    assert store.entity(inside, View(as_of=since)) is not None


def test_an_approval_holds_until_changes_are_requested_or_it_is_dismissed(store: GraphStore) -> None:
    assert ends(store, request(1), "APPROVED_BY") == {who("bob")}
    assert ends(store, request(1), "APPROVED_BY", "2026-05-01T11:59:59Z") == set()
    assert ends(store, request(3), "APPROVED_BY", "2026-05-05T11:00:00Z") == {who("bob")}
    assert ends(store, request(3), "APPROVED_BY", "2026-05-05T12:30:00Z") == set()
    assert ends(store, request(3), "APPROVED_BY") == {who("ghost")}
    assert ends(store, request(2), "APPROVED_BY") == set()
    reviews = store.neighbours([request(2)], View(), Limits(), types=["REVIEWED_BY"], direction="out").items
    assert [(r.properties["state"], r.statements[0].valid_from) for r in reviews] == [
        ("dismissed", instant("2026-05-04T08:00:00Z"))
    ]


def test_a_dismissal_without_a_time_counts_from_the_last_update_and_never_ends_a_later_approval(tmp_path: Path) -> None:
    world = World()
    world.events.clear()
    world.pulls = {2: world.pulls[2], 4: pull(4, "2026-05-03T09:00:00Z", "2026-05-08T09:00:00Z")}
    world.reviews[4] = [
        review(4, 41, "bob", "DISMISSED", "2026-05-03T10:00:00Z"),
        review(4, 42, "bob", "APPROVED", "2026-05-04T10:00:00Z"),
    ]
    world.write(tmp_path / "export")
    with fresh_store(tmp_path, "store") as store:
        assert read(store, source(tmp_path / "export")).error is None
        [edge] = store.neighbours([request(2)], View(), Limits(), types=["REVIEWED_BY"], direction="out").items
        assert edge.statements[0].valid_from == instant("2026-05-04T09:00:00Z")
        assert ends(store, request(4), "APPROVED_BY") == {who("bob")}


def test_deleted_users_are_ghosts_and_bots_are_bots(store: GraphStore) -> None:
    assert ends(store, request(2), "AUTHORED_BY") == {who("ghost")}
    assert ends(store, request(3), "AUTHORED_BY") == {who("dependabot[bot]")}
    assert properties(store, who("dependabot[bot]"))["bot"] is True
    assert properties(store, who("alice"))["bot"] is False
    assert properties(store, request(2))["draft"] is True


def test_the_mail_address_of_a_commit_is_a_name_of_the_account_that_github_ties_it_to(store: GraphStore) -> None:
    found = store.resolve_alias("alice@shop.example", View(), Limits()).items
    assert [a.ref for a in found] == [who("alice")]
    assert store.resolve_alias("nobody@shop.example", View(), Limits()).items == ()


def test_a_pull_request_that_was_reopened_is_open_again(tmp_path: Path) -> None:
    world = World()
    world.pulls = {3: world.pulls[3]}
    world.write(tmp_path / "export")
    with fresh_store(tmp_path, "store") as store:
        assert read(store, source(tmp_path / "export")).error is None
        assert properties(store, request(3))["state"] == "closed"
        world.pulls[3] |= {"state": "open", "closed_at": None, "updated_at": "2026-05-07T09:00:00Z"}
        world.write(tmp_path / "export")
        assert read(store, source(tmp_path / "export")).error is None
        assert properties(store, request(3))["state"] == "open"
        assert properties(store, request(3), "2026-05-06T12:00:00Z")["state"] == "closed"
        assert "closed_at" not in properties(store, request(3))


def test_an_edited_comment_has_its_text_since_the_edit(store: GraphStore) -> None:
    passages = [json.loads(line) for line in store.dump() if '"p\\u001f' in line and "comment-71" in line]
    assert [(p["from"], p["body"]) for p in passages] == [(instant("2026-05-01T14:00:00Z"), "now with shop/api#10")]


def test_a_deployment_says_what_went_where_and_changes_its_service_when_it_succeeded(store: GraphStore) -> None:
    this = deployed(5)
    assert properties(store, this, "2026-05-02T12:04:00Z")["outcome"] == "in_progress"
    found = properties(store, this)
    assert found["outcome"] == "succeeded"
    assert found["finished_at"] == "2026-05-02T12:05:00Z"
    assert (found["service"], found["environment"], found["version"]) == ("checkout-api", "prod", "v1.4.0")
    assert ends(store, this, "DEPLOYS") == {names.commit(sha(5))}
    assert ends(store, this, "PERFORMED_BY") == {who("deployer[bot]")}
    assert ends(store, this, "TRIGGERED_BY") == {names.workflow_run("github", REPO, "101")}
    assert ends(store, this, "RUNS_IN") == ends(store, this, "REACHED") == {names.environment("prod")}
    [change] = store.changes(ChangeQuery(targets=[names.service("checkout-api")]), View(), Limits()).items
    assert (change.change, change.at) == (this, instant("2026-05-02T12:05:00Z"))
    assert change.properties["effect"] == "updated"


def test_what_failed_or_still_runs_changed_nothing_and_what_applies_is_no_deployment_of_a_service(
    store: GraphStore,
) -> None:
    assert properties(store, deployed(6))["outcome"] == "failed"
    assert properties(store, deployed(6))["version"] == "v1.5.0"
    assert properties(store, deployed(7))["outcome"] == "in_progress"
    assert properties(store, deployed(7))["service"] == "search"
    found = properties(store, deployed(8))
    assert (found["action"], found["service"], found["outcome"]) == ("apply", "", "succeeded")
    for number in (6, 7, 8):
        assert ends(store, deployed(number), "CHANGED") == set()
    assert ends(store, deployed(6), "REACHED") == ends(store, deployed(7), "REACHED") == set()
    [reached] = store.neighbours([deployed(8)], View(), Limits(), types=["REACHED"], direction="out").items
    assert reached.properties["basis"] == "applied"


def test_the_settings_name_services_and_environments_before_anything_else(tmp_path: Path) -> None:
    World().write(tmp_path / "export")
    settings = {"services": {"deploy": "Payments", "stag*": "edge"}, "environments": {"production": "prod-eu"}}
    with fresh_store(tmp_path, "store") as store:
        assert read(store, source(tmp_path / "export", **settings)).error is None
        assert properties(store, deployed(5))["service"] == "payments"
        assert properties(store, deployed(5))["environment"] == "prod-eu"
        assert properties(store, deployed(7))["service"] == "search"


def test_a_run_that_failed_names_the_step_and_one_that_runs_has_no_conclusion(store: GraphStore) -> None:
    failed = names.workflow_run("github", REPO, "103")
    assert properties(store, failed)["conclusion"] == "failure"
    assert properties(store, failed)["failing_step"] == "plan / terraform plan"
    assert properties(store, failed, "2026-05-06T08:05:00Z")["conclusion"] == ""
    assert "failing_step" not in properties(store, failed, "2026-05-06T08:05:00Z")
    assert ends(store, failed, "RAN_ON") == {names.commit(sha(103))}
    assert properties(store, names.workflow_run("github", REPO, "104"))["conclusion"] == ""


def test_a_second_attempt_that_succeeds_leaves_the_failure_in_the_past(tmp_path: Path) -> None:
    world = World()
    world.write(tmp_path / "export")
    failed = names.workflow_run("github", REPO, "103")
    with fresh_store(tmp_path, "store") as store:
        assert read(store, source(tmp_path / "export")).error is None
        world.runs[103] |= {
            "run_attempt": 2,
            "run_started_at": "2026-05-06T09:00:00Z",
            "updated_at": "2026-05-06T09:10:00Z",
            "conclusion": "success",
            "triggering_actor": user("bob"),
        }
        world.write(tmp_path / "export")
        assert read(store, source(tmp_path / "export")).error is None
        assert properties(store, failed)["conclusion"] == "success"
        assert properties(store, failed)["failing_step"] == ""
        assert properties(store, failed, "2026-05-06T08:30:00Z")["conclusion"] == "failure"
        assert ends(store, failed, "PERFORMED_BY") == {who("alice"), who("bob")}


def test_a_published_release_is_found_by_its_tag_and_a_draft_is_not(store: GraphStore) -> None:
    [found] = store.resolve_alias("v1.4.0", View(), Limits()).items
    assert found.ref == ref("Release", "github", REPO, "301")
    assert properties(store, found.ref)["name"] == "May"
    assert store.resolve_alias("v2", View(), Limits()).items == ()


def test_a_pull_request_is_found_by_its_number_with_repository_and_by_its_link(store: GraphStore) -> None:
    for name in (f"{REPO}#1", f"https://github.com/{REPO}/pull/1"):
        assert [a.ref for a in store.resolve_alias(name, View(), Limits()).items] == [request(1)]


def test_one_object_that_cannot_be_read_is_quarantined_without_its_content_and_the_others_are_read(
    tmp_path: Path,
) -> None:
    world = World()
    world.pulls[2]["created_at"] = "yesterday"
    world.pulls[3]["number"] = "three"
    world.statuses[6] = [status(61, "failure", "later")]
    world.write(tmp_path / "export")
    (tmp_path / "export" / "repos" / REPO / "pulls/1/reviews.json").write_text("<html>")
    with fresh_store(tmp_path, "store") as store:
        report = read(store, source(tmp_path / "export"))
        assert report.error is None
        assert report.quarantined == 4
        assert properties(store, request(1))["state"] == "merged"
        assert properties(store, deployed(5))["outcome"] == "succeeded"
        dumped = "\n".join(store.dump())
        assert "yesterday" not in dumped
        assert "<html>" not in dumped


def test_unknown_states_and_odd_payloads_are_kept_as_told(tmp_path: Path) -> None:
    world = World()
    world.reviews[2] = [review(2, 25, "bob", "PONDERED", "2026-05-03T10:00:00Z"), {"id": 26, "state": "PENDING"}]
    world.statuses[6] = [status(61, "exploded", "2026-05-03T12:05:00Z")]
    world.deployments[6]["payload"] = '{"service": "pay", "version": 7}'
    world.deployments[7]["payload"] = "not { json"
    world.write(tmp_path / "export")
    with fresh_store(tmp_path, "store") as store:
        assert read(store, source(tmp_path / "export")).error is None
        [edge] = store.neighbours([request(2)], View(), Limits(), types=["REVIEWED_BY"], direction="out").items
        assert edge.properties["state"] == "pondered"
        found = properties(store, deployed(6))
        assert (found["outcome"], found["service"], found["version"]) == ("exploded", "pay", "7")


def test_a_repository_that_changed_is_read_again_and_another_one_is_not(tmp_path: Path) -> None:
    world = World()
    world.write(tmp_path / "export")
    world.write(tmp_path / "export", "shop/other")
    both = GitHubSource(GitHubSettings(path=str(tmp_path / "export"), name="export"))
    with fresh_store(tmp_path, "store") as store:
        assert read(store, both).error is None
        world.pulls[1] |= {"title": "Open 8443", "updated_at": "2026-05-10T00:00:00Z"}
        world.write(tmp_path / "export", "shop/other")
        again = list(both.pull(store.cursor("github", "export"), 1))
        assert {b.scope for b in again if b.assertions} == {"shop/other", "shop/other#files", "shop/other#jobs"}
        assert read(store, both).error is None
        assert properties(store, names.pull_request("shop/other", 1))["title"] == "Open 8443"
        assert properties(store, request(1))["title"] == "Open port 443"
