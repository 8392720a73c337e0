"""The github source against a server that answers as GitHub's REST API does, on good days and on bad ones."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from graph.model import FactBatch
from ingest import names
from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.sources.github.source import GitHubSettings, GitHubSource
from tests.contracts.source_contract import NOW, fresh_store
from tests.ingest.github.reading import current, properties, read
from tests.ingest.github.world import REPO, World, pull, sha, status

TOKEN = "ghp" + "_" + "x1" * 18


def source(server: HTTPServer, **settings: Any) -> GitHubSource:
    base_url = settings.pop("base_url", server.url_for("/").rstrip("/"))
    return GitHubSource(GitHubSettings(repository=REPO, base_url=base_url, token=TOKEN, **settings))


def said(batches: list[FactBatch]) -> int:
    return sum(len(b.assertions) for b in batches)


def test_the_api_and_exported_files_say_the_same(httpserver: HTTPServer, tmp_path: Path) -> None:
    world = World()
    asked = world.serve(httpserver)
    world.write(tmp_path / "export")
    files = GitHubSource(GitHubSettings(repository=REPO, path=str(tmp_path / "export"), applies=("terraform-*",)))
    with fresh_store(tmp_path, "api") as one, fresh_store(tmp_path, "files") as other:
        assert read(one, source(httpserver, applies=("terraform-*",))).error is None
        assert read(other, files).error is None
        assert current(one)
        assert current(one) == current(other)
    assert f"/repos/{REPO}/issues/2/events" in asked
    assert f"/repos/{REPO}/issues/2/comments" not in asked, "it has none"
    for request, _ in httpserver.log:
        assert request.headers["User-Agent"] == "infralore"
        assert request.headers["Authorization"] == f"token {TOKEN}"
        assert request.args.get("per_page") == "100" or not request.path.endswith("s")


def test_a_second_pull_of_the_same_says_nothing_and_asks_for_little(httpserver: HTTPServer, tmp_path: Path) -> None:
    world = World()
    asked = world.serve(httpserver, per_page=100)
    with fresh_store(tmp_path, "store") as store:
        assert read(store, source(httpserver)).error is None
        asked.clear()
        again = list(source(httpserver).pull(store.cursor("github", REPO), NOW + 1))
    assert len(again) == 1
    assert said(again) == 0
    assert again[0].fresh_until == NOW + 1
    assert not [a for a in asked if "/pulls/" in a]
    assert len(asked) <= 8


def test_a_second_pull_reads_what_was_updated_and_what_had_not_ended(httpserver: HTTPServer, tmp_path: Path) -> None:
    world = World()
    asked = world.serve(httpserver)
    run = names.workflow_run("github", REPO, "104")
    shipped = names.deployment("github", REPO, "7")
    with fresh_store(tmp_path, "store") as store, fresh_store(tmp_path, "whole") as whole:
        assert read(store, source(httpserver)).error is None
        world.pulls[2] |= {
            "state": "closed",
            "closed_at": "2026-05-20T09:00:00Z",
            "merged_at": "2026-05-20T09:00:00Z",
            "updated_at": "2026-05-20T09:00:00Z",
        }
        world.pulls[4] = pull(4, "2026-05-21T09:00:00Z", "2026-05-21T09:00:00Z")
        world.runs[104] |= {"status": "completed", "conclusion": "success", "updated_at": "2026-05-07T08:30:00Z"}
        world.statuses[7].append(status(72, "success", "2026-05-07T08:20:00Z", 104))
        asked.clear()
        assert read(store, source(httpserver)).error is None
        assert {a for a in asked if re.search(r"/pulls/\d+$", a)} == {f"/repos/{REPO}/pulls/{n}" for n in (2, 4)}
        assert properties(store, names.pull_request(REPO, 2))["state"] == "merged"
        assert properties(store, names.pull_request(REPO, 4))["state"] == "open"
        assert properties(store, run)["conclusion"] == "success"
        assert properties(store, shipped)["outcome"] == "succeeded"
        assert read(whole, source(httpserver)).error is None
        # What was told of a request while it was open is history that a later reader does not get.
        assert {f["fact"] for f in current(whole)} <= {f["fact"] for f in current(store)}


def test_nothing_older_than_since_is_read(httpserver: HTTPServer) -> None:
    World().serve(httpserver)
    batches = list(source(httpserver, since="2026-05-04").pull(None, NOW))
    dumped = repr(batches)
    assert f"{REPO}#1'" not in dumped
    assert f"{REPO}#3'" in dumped
    assert f"{REPO}/deployments/8'" in dumped
    assert f"{REPO}/deployments/6'" not in dumped
    with pytest.raises(SourceDataInvalid, match="since"):
        list(source(httpserver, since="last week").pull(None, NOW))


def test_what_was_read_before_a_rate_limit_is_kept_and_the_next_pull_goes_on(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    world = World()
    asked: list[str] = []
    limited = {"on": True}
    httpserver.expect_request(re.compile("/repos/.*")).respond_with_handler(
        _failing(world, asked, lambda path: limited["on"] and path == f"/repos/{REPO}/pulls/3", _rate_limit)
    )
    with fresh_store(tmp_path, "store") as store, fresh_store(tmp_path, "whole") as whole:
        report = read(store, source(httpserver))
        assert isinstance(report.error, SourceUnavailable)
        assert 0 < (report.error.retry_after_s or 0) <= 61
        assert TOKEN not in str(report.error) + report.error.hint
        assert properties(store, names.pull_request(REPO, 1))["state"] == "merged"
        limited["on"] = False
        asked.clear()
        assert read(store, source(httpserver)).error is None
        assert f"/repos/{REPO}/pulls/1" not in asked, "it was read before"
        assert read(whole, source(httpserver)).error is None
        assert current(store) == current(whole)


Respond = Callable[[], Response]


def _failing(
    world: World, asked: list[str], when: Callable[[str], bool], respond: Respond
) -> Callable[[Request], Response]:
    def handler(request: Request) -> Response:
        asked.append(request.path)
        if when(request.path):
            return respond()
        found = world.answer(request.path.removeprefix(f"/repos/{REPO}").strip("/"))
        if found is None:
            return Response('{"message": "Not Found"}', 404, content_type="application/json")
        return Response(json.dumps(found), content_type="application/json")

    return handler


def _rate_limit() -> Response:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 60)}
    return Response('{"message": "API rate limit exceeded for user"}', 403, headers, content_type="application/json")


def _json(status_: int, **headers: str) -> Respond:
    return lambda: Response('{"message": "x"}', status_, headers, content_type="application/json")


TRANSIENT: dict[str, tuple[Respond, float | None]] = {
    "429 with Retry-After": (_json(429, **{"Retry-After": "7"}), 7.0),
    "secondary rate limit": (_json(403, **{"Retry-After": "30"}), 30.0),
    "a rate limit that only the body tells": (
        lambda: Response(
            '{"message": "You have exceeded a secondary rate limit"}', 403, content_type="application/json"
        ),
        None,
    ),
    "500": (_json(500), None),
    "502 in HTML": (lambda: Response("<html>Bad gateway</html>", 502, content_type="text/html"), None),
    "503 with Retry-After": (_json(503, **{"Retry-After": "2"}), 2.0),
    "truncated JSON": (lambda: Response('[{"number": 1, "tit', content_type="application/json"), None),
    "an empty answer": (lambda: Response("", content_type="application/json"), None),
}
TERMINAL: dict[str, Respond] = {
    "expired token": _json(401),
    "no permission": _json(403),
    "HTML instead of JSON": lambda: Response("<!doctype html><title>Sign in</title>", content_type="text/html"),
    "HTML that calls itself JSON": lambda: Response("\n <html></html>", content_type="application/json"),
    "not JSON": lambda: Response("hello", content_type="application/json"),
    "an object instead of a list": lambda: Response('{"a": 1}', content_type="application/json"),
    "a redirect to another host": lambda: Response("", 301, {"Location": "https://elsewhere.example/x"}),
}
PLACES = (f"/repos/{REPO}", f"/repos/{REPO}/pulls", f"/repos/{REPO}/pulls/1/reviews", f"/repos/{REPO}/deployments")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", TRANSIENT)
def test_what_passes_is_unavailable_with_the_wait_that_was_asked_for(
    httpserver: HTTPServer, kind: str, place: str
) -> None:
    respond, wait_s = TRANSIENT[kind]
    handler = _failing(World(), [], lambda path: path == place, respond)
    httpserver.expect_request(re.compile("/repos/.*")).respond_with_handler(handler)
    with pytest.raises(SourceUnavailable) as caught:
        list(source(httpserver).pull(None, NOW))
    assert caught.value.retry_after_s == wait_s
    _is_a_sentence(caught.value)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", TERMINAL)
def test_what_does_not_pass_is_refused_with_a_remedy(httpserver: HTTPServer, kind: str, place: str) -> None:
    if kind == "an object instead of a list" and place == PLACES[0]:
        pytest.skip("the repository is an object")
    handler = _failing(World(), [], lambda path: path == place, TERMINAL[kind])
    httpserver.expect_request(re.compile("/repos/.*")).respond_with_handler(handler)
    with pytest.raises(SourceDataInvalid) as caught:
        list(source(httpserver).pull(None, NOW))
    _is_a_sentence(caught.value)
    if kind == "expired token":
        assert "expired" in str(caught.value)
        assert "token" in caught.value.hint


def _is_a_sentence(error: SourceUnavailable | SourceDataInvalid) -> None:
    assert "\n" not in str(error)
    assert error.hint
    assert TOKEN not in str(error) + error.hint
    assert "<html" not in str(error)


def test_a_list_that_is_refused_does_not_keep_the_others_from_being_read(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    handler = _failing(World(), [], lambda path: path.endswith("/deployments"), _json(403))
    httpserver.expect_request(re.compile("/repos/.*")).respond_with_handler(handler)
    with fresh_store(tmp_path, "store") as store:
        report = read(store, source(httpserver))
        assert isinstance(report.error, SourceDataInvalid)
        assert "deployments" in report.error.hint
        assert properties(store, names.pull_request(REPO, 1))["state"] == "merged"
        assert properties(store, names.workflow_run("github", REPO, "103"))["conclusion"] == "failure"
        assert store.resolve_alias("v1.4.0", _now(), _limits()).items


def _now() -> Any:
    from graph.store import View

    return View()


def _limits() -> Any:
    from graph.store import Limits

    return Limits()


def test_pages_that_lead_in_circles_are_an_error(httpserver: HTTPServer) -> None:
    world = World()
    httpserver.expect_request(f"/repos/{REPO}").respond_with_json(world.answer(""))
    link = f'<{httpserver.url_for(f"/repos/{REPO}/pulls")}?page=1>; rel="next"'
    httpserver.expect_request(f"/repos/{REPO}/pulls").respond_with_json(world.answer("pulls"), headers={"Link": link})
    with pytest.raises(SourceUnavailable, match="do not end"):
        list(source(httpserver).pull(None, NOW))


def test_pages_that_repeat_under_new_addresses_are_an_error(httpserver: HTTPServer) -> None:
    world = World()
    httpserver.expect_request(f"/repos/{REPO}").respond_with_json(world.answer(""))

    def endless(request: Request) -> Response:
        page = int(request.args.get("page", "1")) + 1
        link = f'<{request.base_url}?page={page}>; rel="next"'
        return Response(json.dumps(world.answer("pulls")), headers={"Link": link}, content_type="application/json")

    httpserver.expect_request(f"/repos/{REPO}/pulls").respond_with_handler(endless)
    with pytest.raises(SourceUnavailable, match="do not end"):
        list(source(httpserver).pull(None, NOW))


def test_a_server_that_does_not_answer_in_time_is_unavailable(httpserver: HTTPServer) -> None:
    def slow(_: Request) -> Response:
        time.sleep(1.5)
        return Response("{}")

    httpserver.expect_request(f"/repos/{REPO}").respond_with_handler(slow)
    with pytest.raises(SourceUnavailable, match="in time"):
        list(source(httpserver, timeout_s=1.0).pull(None, NOW))


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:9", "http://host.invalid"])
def test_a_server_that_is_not_there_is_unavailable(httpserver: HTTPServer, base_url: str) -> None:
    with pytest.raises(SourceUnavailable, match="connection failed"):
        list(source(httpserver, base_url=base_url).pull(None, NOW))


@pytest.mark.parametrize("token", ["a\nb", "ghpé", "日本"])
def test_a_token_that_cannot_be_sent_is_refused(httpserver: HTTPServer, token: str) -> None:
    World().serve(httpserver)
    settings = GitHubSettings(repository=REPO, base_url=httpserver.url_for("/").rstrip("/"), token=token)
    with pytest.raises(SourceDataInvalid) as caught:
        list(GitHubSource(settings).pull(None, NOW))
    assert token not in str(caught.value)


def test_a_renamed_repository_is_read_under_its_new_name_and_keeps_the_old_one(httpserver: HTTPServer) -> None:
    world = World()

    def moved(request: Request) -> Response:
        if request.path == f"/repos/{REPO}":
            return Response("{}", 301, {"Location": httpserver.url_for("/repositories/1")})
        if request.path == "/repositories/1":
            return Response(json.dumps({"full_name": "shop/platform"}), content_type="application/json")
        assert request.path.startswith("/repos/shop/platform/"), request.path
        found = world.answer(request.path.removeprefix("/repos/shop/platform/"))
        return Response(json.dumps(found), content_type="application/json")

    httpserver.expect_request(re.compile("/.*")).respond_with_handler(moved)
    batches = list(source(httpserver).pull(None, NOW))
    httpserver.check_assertions()
    refs = {getattr(a.fact, "ref", None) for b in batches for a in b.assertions}
    assert names.pull_request(REPO, 1) in refs
    assert names.pull_request("shop/platform", 1) not in refs


def test_a_pull_request_that_vanished_between_list_and_read_is_left_out(httpserver: HTTPServer) -> None:
    handler = _failing(World(), [], lambda path: path.endswith("/pulls/2"), _json(404))
    httpserver.expect_request(re.compile("/repos/.*")).respond_with_handler(handler)
    batches = list(source(httpserver).pull(None, NOW))
    assert batches[-1].fresh_until == NOW
    assert f"{REPO}#2'" not in repr(batches)


def test_objects_that_are_not_as_expected_are_quarantined_once(httpserver: HTTPServer, tmp_path: Path) -> None:
    world = World()
    world.pulls[2]["created_at"] = "yesterday"
    world.runs[101]["run_attempt"] = "first"
    world.serve(httpserver)
    with fresh_store(tmp_path, "store") as store:
        first = read(store, source(httpserver))
        assert first.error is None
        assert first.quarantined == 2
        assert properties(store, names.pull_request(REPO, 1))["state"] == "merged"
        again = read(store, source(httpserver))
        assert again.error is None
        assert again.assertions == 0


def test_a_pull_request_that_is_told_in_another_shape_does_not_stop_those_after_it(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    def odd() -> Response:
        return Response('{"number": 1, "created_at": 7, "html_url": null}', content_type="application/json")

    handler = _failing(World(), [], lambda path: path.endswith("/pulls/1"), odd)
    httpserver.expect_request(re.compile("/repos/.*")).respond_with_handler(handler)
    with fresh_store(tmp_path, "store") as store:
        report = read(store, source(httpserver))
        assert report.error is None
        assert report.quarantined == 1
        assert properties(store, names.pull_request(REPO, 3))["state"] == "closed"


def test_nulls_where_texts_are_expected_count_as_missing(httpserver: HTTPServer, tmp_path: Path) -> None:
    world = World()
    world.pulls[1] |= {"html_url": None, "title": None}
    world.deployments[5] |= {"task": None, "ref": None}
    world.jobs[103][1]["steps"] = None
    world.serve(httpserver)
    with fresh_store(tmp_path, "store") as store:
        report = read(store, source(httpserver))
        assert (report.error, report.quarantined) == (None, 0)
        assert properties(store, names.pull_request(REPO, 1))["state"] == "merged"
        assert properties(store, names.deployment("github", REPO, "5"))["outcome"] == "succeeded"
        assert properties(store, names.workflow_run("github", REPO, "103"))["failing_step"] == "plan"


def test_a_cursor_of_something_else_is_refused(httpserver: HTTPServer) -> None:
    with pytest.raises(SourceDataInvalid, match="cursor"):
        list(source(httpserver).pull("[1]", NOW))


def test_pulls_that_stop_after_any_batch_go_on_to_the_same_graph(httpserver: HTTPServer, tmp_path: Path) -> None:
    world = World()
    for n in range(10, 60):
        world.pulls[n] = pull(n, "2026-05-10T00:00:00Z", f"2026-05-11T00:00:{n:02d}Z", merge_commit_sha=sha(n))
        world.commits[n] = deepcopy(world.commits[1])
    world.serve(httpserver, per_page=100)
    batches = list(source(httpserver).pull(None, NOW))
    assert len([b for b in batches if b.cursor]) >= 4
    with fresh_store(tmp_path, "whole") as whole:
        for batch in batches:
            whole.apply(batch)
        expected = current(whole)
    for stop in range(1, len(batches)):
        with fresh_store(tmp_path, f"stop-{stop}") as store:
            for batch in batches[:stop]:
                store.apply(batch)
            for batch in source(httpserver).pull(store.cursor("github", REPO), NOW):
                store.apply(batch)
            assert current(store) == expected, stop


@pytest.fixture(autouse=True)
def no_handler_failed(httpserver: HTTPServer) -> Iterator[None]:
    yield
    httpserver.check_handler_errors()
