"""The gitlab source: what every source must keep, what it says, and how it fares on bad days."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from graph.clock import instant
from graph.model import EntityRef
from graph.schema import KINDS, RELATIONS
from graph.store import ChangeQuery, GraphStore, Limits, View
from ingest import names
from ingest.source import Source, SourceDataInvalid, SourceUnavailable
from ingest.sources.gitlab.source import GitLabSettings, GitLabSource
from ingest.sources.gitlab.webhook import read_webhook
from tests.contracts.source_contract import NOW, SourceContract, fresh_store
from tests.ingest.github.reading import current, ends, properties, put, read
from tests.ingest.gitlab.world import PROJECT, World, delivery, merge_request, note, sha, user

TOKEN = "glp" + "at-" + "z8" * 10


class TestOneProjectInADirectory(SourceContract):
    def recorded(self, directory: Path) -> Source:
        World().write(directory / "export")
        return GitLabSource(GitLabSettings(project=PROJECT, path=str(directory / "export")))

    def broken(self, directory: Path) -> Iterator[Source]:
        yield GitLabSource(GitLabSettings(path=str(directory / "nowhere")))
        (directory / "empty").mkdir()
        yield GitLabSource(GitLabSettings(path=str(directory / "empty")))
        for i, text in enumerate(("<html></html>", '[{"iid": 1', "{}", "")):
            file = directory / f"bad-{i}" / "projects" / "a%2Fb" / "merge_requests.json"
            file.parent.mkdir(parents=True)
            file.write_text(text)
            yield GitLabSource(GitLabSettings(project="a/b", path=str(directory / f"bad-{i}")))
        yield GitLabSource(GitLabSettings())
        yield GitLabSource(GitLabSettings(project="a/b", base_url="ftp://nowhere"))
        yield GitLabSource(GitLabSettings(project="a/b", token="a\nb"))


class TestSeveralProjectsInADirectory(SourceContract):
    def recorded(self, directory: Path) -> Source:
        World().write(directory / "export")
        World().write(directory / "export", "shop/other")
        return GitLabSource(GitLabSettings(path=str(directory / "export"), name="export"))

    def broken(self, directory: Path) -> Iterator[Source]:
        yield GitLabSource(GitLabSettings(path=str(directory / "nowhere"), name="export"))


def files(root: Path, **settings: Any) -> GitLabSource:
    return GitLabSource(GitLabSettings(project=PROJECT, path=str(root), **settings))


def api(server: HTTPServer, **settings: Any) -> GitLabSource:
    base_url = settings.pop("base_url", server.url_for("/"))
    return GitLabSource(GitLabSettings(project=PROJECT, base_url=base_url, token=TOKEN, **settings))


def request_(iid: int) -> EntityRef:
    return names.pull_request(PROJECT, iid)


def deployed(number: int) -> EntityRef:
    return names.deployment("gitlab", PROJECT, str(number))


def pipeline(number: int) -> EntityRef:
    return names.workflow_run("gitlab", PROJECT, str(number))


def who(login: str) -> EntityRef:
    return names.account("gitlab", login)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    World().write(tmp_path / "export")
    with fresh_store(tmp_path, "store") as opened:
        report = read(opened, files(tmp_path / "export", applies=("apply*",)))
        assert report.error is None
        assert report.quarantined == 0
        yield opened


def test_a_merge_request_is_open_until_it_was_merged(store: GraphStore) -> None:
    before = properties(store, request_(1), "2026-05-02T11:59:59Z")
    assert before["state"] == "open"
    assert not {"merged_at", "merge_commit", "labels", "files"} & set(before)
    after = properties(store, request_(1))
    assert (after["state"], after["merged_at"], after["merge_commit"]) == ("merged", "2026-05-02T12:00:00Z", sha(500))
    assert (after["labels"], after["files"]) == (["network"], ["a", "b", "lb.tf"])
    assert ends(store, request_(1), "MERGED_BY") == {who("bob")}
    assert ends(store, request_(1), "MERGED_AS") == {names.commit(sha(500))}
    assert ends(store, request_(1), "CLOSES") == {names.issue(PROJECT, 12), names.issue("shop/api", 7)}
    assert ends(store, request_(2), "AUTHORED_BY") == {who("ghost")}
    assert properties(store, who("project_7_bot_ab"))["bot"] is True
    assert [a.ref for a in store.resolve_alias(f"{PROJECT}!1", View(), Limits()).items] == [request_(1)]


def test_approvals_hold_from_when_the_history_says_until_they_are_taken_back(store: GraphStore) -> None:
    assert ends(store, request_(1), "APPROVED_BY", "2026-05-01T11:59:59Z") == set()
    assert ends(store, request_(1), "APPROVED_BY", "2026-05-01T12:00:00Z") == {who("bob")}
    assert ends(store, request_(1), "APPROVED_BY") == {who("bob"), who("carol")}, "carol's has no line in the history"
    assert ends(store, request_(3), "APPROVED_BY", "2026-05-05T10:30:00Z") == {who("bob")}
    assert ends(store, request_(3), "APPROVED_BY") == set()


def test_pipelines_name_the_job_that_failed_and_deployments_what_they_changed(store: GraphStore) -> None:
    assert properties(store, pipeline(101))["conclusion"] == "success"
    assert properties(store, pipeline(102))["conclusion"] == "failure"
    assert properties(store, pipeline(102))["failing_step"] == "terraform / plan"
    assert properties(store, pipeline(102), "2026-05-03T12:05:00Z")["conclusion"] == ""
    assert properties(store, pipeline(103))["conclusion"] == ""
    assert ends(store, pipeline(101), "RAN_ON") == {names.commit(sha(101))}
    assert ends(store, pipeline(101), "PERFORMED_BY") == {who("alice")}
    found = properties(store, deployed(5))
    assert (found["service"], found["environment"], found["outcome"]) == ("infra", "prod", "succeeded")
    assert ends(store, deployed(5), "TRIGGERED_BY") == {pipeline(101)}
    [change] = store.changes(ChangeQuery(targets=[names.service("infra")]), View(), Limits()).items
    assert (change.change, change.at) == (deployed(5), instant("2026-05-02T12:08:00Z"))
    assert properties(store, deployed(6))["outcome"] == "failed"
    assert properties(store, deployed(7))["outcome"] == "in_progress"
    found = properties(store, deployed(8))
    assert (found["action"], found["service"]) == ("apply", "")
    [reached] = store.neighbours([deployed(8)], View(), Limits(), types=["REACHED"], direction="out").items
    assert reached.properties["basis"] == "applied"


def test_the_api_and_exported_files_say_the_same(httpserver: HTTPServer, tmp_path: Path) -> None:
    world = World()
    world.serve(httpserver)
    world.write(tmp_path / "export")
    with fresh_store(tmp_path, "api") as one, fresh_store(tmp_path, "files") as other:
        assert read(one, api(httpserver)).error is None
        assert read(other, files(tmp_path / "export")).error is None
        assert current(one)
        assert current(one) == current(other)
    for seen, _ in httpserver.log:
        assert seen.headers["Private-Token"] == TOKEN
        assert seen.headers["User-Agent"] == "infralore"


def test_a_second_pull_reads_only_what_is_new(httpserver: HTTPServer, tmp_path: Path) -> None:
    world = World()
    asked = world.serve(httpserver)
    with fresh_store(tmp_path, "store") as store:
        assert read(store, api(httpserver)).error is None
        again = list(api(httpserver).pull(store.cursor("gitlab", PROJECT), NOW + 1))
        assert [len(b.assertions) for b in again] == [0]
        world.requests[2] |= {"title": "Renamed", "updated_at": "2026-05-20T09:00:00Z"}
        world.requests[4] = merge_request(4, "2026-05-21T09:00:00Z", "2026-05-21T09:00:00Z")
        world.pipelines[103] |= {"status": "success", "finished_at": "2026-05-04T12:30:00Z"}
        world.deployments[7] |= {
            "status": "success",
            "finished_at": "2026-05-04T12:40:00Z",
            "updated_at": "2026-05-20T12:40:00Z",
        }
        asked.clear()
        assert read(store, api(httpserver)).error is None
        assert {m[1] for a in asked if (m := re.search(r"/merge_requests/(\d+)/notes", a))} == {"2", "4"}
        assert properties(store, request_(2))["title"] == "Renamed"
        assert properties(store, pipeline(103))["conclusion"] == "success"
        assert properties(store, deployed(7))["outcome"] == "succeeded"


def test_pulls_that_stop_after_any_batch_go_on_to_the_same_graph(httpserver: HTTPServer, tmp_path: Path) -> None:
    world = World()
    for n in range(10, 50):
        world.requests[n] = merge_request(n, "2026-05-10T00:00:00Z", f"2026-05-11T00:00:{n:02d}Z")
        world.notes[n] = [note(1000 * n + i, "carol", "2026-05-10T01:00:00Z", f"note {i}") for i in range(8)]
    world.serve(httpserver, per_page=100)
    batches = list(api(httpserver).pull(None, NOW))
    assert len([b for b in batches if b.cursor]) >= 4
    with fresh_store(tmp_path, "whole") as whole:
        put(whole, batches)
        expected = current(whole)
    for stop in range(1, len(batches)):
        with fresh_store(tmp_path, f"stop-{stop}") as store:
            put(store, batches[:stop])
            put(store, api(httpserver).pull(store.cursor("gitlab", PROJECT), NOW))
            assert current(store) == expected, stop


def _failing(when: Callable[[str], bool], respond: Callable[[], Response]) -> Callable[[Request], Response]:
    world = World()

    def handler(request: Request) -> Response:
        path = request.path.removeprefix(f"/api/v4/projects/{PROJECT}").strip("/")
        if when(path):
            return respond()
        return Response(json.dumps(world.answer(path)), content_type="application/json")

    return handler


def _json(status: int, **headers: str) -> Callable[[], Response]:
    return lambda: Response('{"message": "x"}', status, headers, content_type="application/json")


PLACES = ("", "merge_requests", "merge_requests/1/notes", "pipelines/101", "deployments")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("respond", "wait_s"),
    [
        (_json(429, **{"Retry-After": "7"}), 7.0),
        (_json(500), None),
        (lambda: Response("<html>Bad gateway</html>", 502, content_type="text/html"), None),
        (lambda: Response('[{"iid": 1, "tit', content_type="application/json"), None),
    ],
)
def test_what_passes_is_unavailable(
    httpserver: HTTPServer, place: str, respond: Callable[[], Response], wait_s: float | None
) -> None:
    httpserver.expect_request(re.compile("/api/.*")).respond_with_handler(_failing(lambda p: p == place, respond))
    with pytest.raises(SourceUnavailable) as caught:
        list(api(httpserver).pull(None, NOW))
    assert caught.value.retry_after_s == wait_s
    assert caught.value.hint
    assert TOKEN not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "respond",
    [_json(401), _json(403), lambda: Response("<!doctype html><p>Sign in", content_type="text/html")],
)
def test_what_does_not_pass_is_refused_with_a_remedy_after_the_rest_was_read(
    httpserver: HTTPServer, tmp_path: Path, place: str, respond: Callable[[], Response]
) -> None:
    httpserver.expect_request(re.compile("/api/.*")).respond_with_handler(_failing(lambda p: p == place, respond))
    with fresh_store(tmp_path, "store") as store:
        report = read(store, api(httpserver))
        assert isinstance(report.error, SourceDataInvalid)
        assert report.error.hint
        assert "\n" not in str(report.error)
        if place == "deployments":
            assert properties(store, pipeline(102))["conclusion"] == "failure"
        if place.startswith("merge_requests"):
            assert properties(store, deployed(5))["outcome"] == "succeeded"


def test_pages_that_lead_in_circles_and_servers_that_do_not_answer_are_unavailable(httpserver: HTTPServer) -> None:
    world = World()
    httpserver.expect_request(re.compile("/api/v4/projects/[^/]+/[^/]+/infra$")).respond_with_json(world.answer(""))

    def endless(request: Request) -> Response:
        page = int(request.args.get("page", "1")) + 1
        link = f'<{httpserver.url_for("/api/v4/projects/x/merge_requests")}?page={page}>; rel="next"'
        return Response(json.dumps(world.answer("merge_requests")), headers={"Link": link})

    httpserver.expect_request(re.compile(".*/merge_requests$")).respond_with_handler(endless)
    with pytest.raises(SourceUnavailable, match="do not end"):
        list(api(httpserver).pull(None, NOW))
    httpserver.clear()

    def slow(_: Request) -> Response:
        time.sleep(0.5)
        return Response("{}")

    httpserver.expect_request(re.compile(".*")).respond_with_handler(slow)
    with pytest.raises(SourceUnavailable, match="in time"):
        list(api(httpserver, timeout_s=0.1).pull(None, NOW))
    with pytest.raises(SourceUnavailable, match="connection failed"):
        list(api(httpserver, base_url="http://127.0.0.1:9").pull(None, NOW))


def test_objects_that_are_not_as_expected_are_quarantined_and_the_others_are_read(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    world = World()
    world.requests[2]["created_at"] = "yesterday"
    world.requests[3]["iid"] = "three"
    world.pipelines[101]["iid"] = "one"
    world.serve(httpserver)
    with fresh_store(tmp_path, "store") as store:
        report = read(store, api(httpserver))
        assert report.error is None
        assert report.quarantined >= 3
        assert properties(store, request_(1))["state"] == "merged"
        assert "yesterday" not in "\n".join(store.dump())


# -- webhooks


def test_shuffled_and_repeated_deliveries_give_the_same_graph(tmp_path: Path) -> None:
    each = [read_webhook(delivery(body, n), {}) for n, body in enumerate(World().hooks())]
    assert all(each)
    random = Random(0)
    expected: list[dict[str, Any]] | None = None
    for n in range(200):
        order = [*each, *random.choices(each, k=3)]
        if n:
            random.shuffle(order)
        with fresh_store(tmp_path, f"order-{n}") as store:
            put(store, (replace(b, id=f"{b.id}-{i}") for i, some in enumerate(order) for b in some))
            found = current(store)
        expected = expected or found
        assert found == expected, n
        for file in tmp_path.glob(f"order-{n}.db*"):
            file.unlink()


def test_webhooks_and_a_pull_agree_and_neither_takes_anything_from_the_other(tmp_path: Path) -> None:
    World().write(tmp_path / "export")
    source = files(tmp_path / "export")
    told = [b for body in World().hooks() for b in read_webhook(delivery(body), {})]
    with (
        fresh_store(tmp_path, "pulled") as pulled,
        fresh_store(tmp_path, "hooked") as hooked,
        fresh_store(tmp_path, "pulled-then-hooked") as one,
        fresh_store(tmp_path, "hooked-then-pulled") as other,
    ):
        assert read(pulled, source).error is None
        put(hooked, told)
        assert read(one, source).error is None
        put(one, told)
        put(other, told)
        assert read(other, source).error is None
        assert current(one) == current(other)
        for ref in (*map(request_, (1, 2, 3)), *map(pipeline, (101, 102, 103)), *map(deployed, (5, 6, 7, 8))):
            by_pull, by_hook = properties(pulled, ref), properties(hooked, ref)
            assert by_hook
            assert properties(one, ref) == by_pull, ref
            assert {k: by_pull[k] for k in by_hook if k != "started_at"} == {
                k: v for k, v in by_hook.items() if k != "started_at"
            }
            kinds = ("APPROVED_BY", "MERGED_BY", "MERGED_AS", "RUNS_IN", "REACHED", "CHANGED", "DEPLOYS", "RAN_ON")
            for kind in (*kinds, "PERFORMED_BY", "COMMENTED_BY", "CLOSES", "AUTHORED_BY"):
                assert ends(one, ref, kind) == ends(pulled, ref, kind), (ref, kind)
                assert ends(hooked, ref, kind) <= ends(pulled, ref, kind), (ref, kind)
        assert ends(hooked, request_(1), "APPROVED_BY") == {who("bob")}
        assert ends(hooked, request_(1), "MERGED_BY") == {who("bob")}
        assert ends(hooked, deployed(5), "CHANGED") == {names.service("infra")}


def test_what_a_webhook_states_is_in_the_schema_and_has_no_cursor() -> None:
    for body in World().hooks():
        for batch in read_webhook(delivery(body), {}):
            assert batch.cursor is None
            assert batch.scope.partition("#")[0] == PROJECT
            for assertion in batch.assertions:
                fact: Any = assertion.fact
                if hasattr(fact, "type"):
                    assert fact.type in RELATIONS
                elif hasattr(fact, "properties"):
                    assert set(fact.properties) <= {p.name for p in KINDS[fact.ref.kind].properties}


def test_a_deployment_event_says_nothing_of_the_service_where_settings_ask_for_the_job(tmp_path: Path) -> None:
    [body] = [b for b in World().hooks() if b.get("deployment_id") == 5 and b["status"] == "success"]
    for settings in ({"applies": ["apply*"]}, {"services": {"deploy-*": "checkout"}}):
        found = [a.fact for b in read_webhook(delivery(body), settings) for a in b.assertions]
        assert not [f for f in found if getattr(f, "type", "") in ("CHANGED", "REACHED")]
    named = read_webhook(delivery(body), {"services": {"prod*": "checkout"}})
    changed = [a.fact for b in named for a in b.assertions if getattr(a.fact, "type", "") == "CHANGED"]
    assert [getattr(f, "dst", None) for f in changed] == [names.service("checkout")]


def test_an_internal_note_is_not_read(tmp_path: Path) -> None:
    world = World()
    world.notes[1][0]["internal"] = True
    world.write(tmp_path / "export")
    with fresh_store(tmp_path, "store") as store:
        assert read(store, files(tmp_path / "export")).error is None
        for body in world.hooks():
            put(store, read_webhook(delivery(body), {}))
        assert "Why 443" not in "\n".join(store.dump())
        assert "now narrower" in "\n".join(store.dump())


def test_who_approves_a_blocked_deployment_does_not_change_its_outcome(tmp_path: Path) -> None:
    hooks = [b for b in World().hooks() if b.get("deployment_id") == 7]
    hooks.append({**hooks[-1], "status": "approved", "status_changed_at": "2026-05-04 14:06:00 +0200"})
    with fresh_store(tmp_path, "store") as store:
        put(store, (b for body in hooks for b in read_webhook(delivery(body), {})))
        assert properties(store, deployed(7))["outcome"] == "in_progress"
        assert ends(store, deployed(7), "APPROVED_BY") == {who("bob")}
        assert ends(store, deployed(7), "APPROVED_BY", "2026-05-04T12:05:59Z") == set()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"<html>", b"\xff", b'{"object_kind": "pipeline"}'])
def test_a_body_that_is_not_gitlabs_is_refused_with_a_remedy(body: bytes) -> None:
    with pytest.raises(SourceDataInvalid) as caught:
        read_webhook(replace(delivery({}), body=body), {})
    assert caught.value.hint


def test_events_that_say_nothing_of_interest_state_nothing() -> None:
    assert read_webhook(delivery({"object_kind": "push"}), {}) == ()
    on_an_issue = {"id": 1, "created_at": "2026-05-01T00:00:00Z", "noteable_type": "Issue", "note": "x"}
    body = {"object_kind": "note", "object_attributes": on_an_issue, "user": user("bob")}
    assert list(read_webhook(delivery(body), {})) == []
