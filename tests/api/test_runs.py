"""Investigations over HTTP: they outlive their listeners and the server, are told once, and are one for one key."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import pytest

from api.run_store import QueueFull, Request, Run
from api.runs import MOST_ATTEMPTS, Runs, Tell, Work
from graph.clock import SECOND
from graph.model import PUBLIC
from tests.api.http_server import Client, kinds, process, serving, settings_of
from tests.api.lore import Lore
from tests.local_server import free_port

PUBLIC_ONLY = frozenset({PUBLIC})
SYMPTOM = {"symptom": "the API answers 502 since the LB rule changed", "at": "2026-03-20T12:00:00Z"}


@pytest.fixture
def store(tmp_path: Path, read: Path) -> Path:
    shutil.copyfile(read / "lore.db", tmp_path / "lore.db")
    return tmp_path / "lore.db"


@pytest.fixture
def client(tmp_path: Path, store: Path) -> Iterator[Client]:
    with serving(settings_of(tmp_path, store)) as (client, _):
        yield client


def test_an_investigation_is_started_watched_and_kept(client: Client) -> None:
    started = client.post("/api/v1/investigations", SYMPTOM)
    assert started.status == 202
    run = str(started.json["id"])
    assert started.headers["location"] == f"/api/v1/investigations/{run}"
    events = client.events(run)
    assert [number for number, _, _ in events] == list(range(1, len(events) + 1))
    assert kinds(events)[0] == "state"
    assert kinds(events)[-1] == "final"
    assert set(kinds(events)[1:-1]) <= {"step", "provisional"}
    result = json.loads(events[-1][2])
    assert result["schema"] == "lore.investigation/1"
    found = client.get(started.headers["location"]).json
    assert found["state"] == "done"
    assert found["result"] == result
    assert client.get(f"/api/v1/investigations/{result['id']}").json["id"] == result["id"], (
        "it is kept in the graph too"
    )


def test_who_comes_back_gets_the_rest_and_nothing_twice(client: Client) -> None:
    run = str(client.post("/api/v1/investigations", SYMPTOM).json["id"])
    whole = client.events(run)
    for after in range(len(whole) + 2):
        assert client.events(run, after=after) == whole[after:]
    assert client.events(run, after=10**14) == []


def test_listeners_that_leave_stop_nothing_and_many_hear_the_same(client: Client) -> None:
    runs = [str(client.post("/api/v1/investigations", SYMPTOM).json["id"]) for _ in range(3)]
    client.events(runs[0], most=1)
    with ThreadPoolExecutor(12) as pool:
        heard = list(pool.map(client.events, runs * 4))
    assert all(kinds(one)[-1] == "final" for one in heard)
    assert heard[0] == heard[3] == heard[6]


def test_fifty_at_once_complete(client: Client) -> None:
    def one(number: int) -> list[str]:
        asked = {**SYMPTOM, "symptom": f"the API answers {500 + number % 5} ({number})"}
        return kinds(client.events(str(client.post("/api/v1/investigations", asked).json["id"])))

    with ThreadPoolExecutor(50) as pool:
        heard = list(pool.map(one, range(50)))
    assert [one[-1] for one in heard] == ["final"] * 50


def test_the_same_key_is_the_same_investigation_and_another_request_under_it_a_conflict(client: Client) -> None:
    asked = {"symptom": "checkout is slow"}  # without a time: a retry does not know when the first came
    first = client.post("/api/v1/investigations", asked, idempotency_key="k-1")
    again = client.post("/api/v1/investigations", asked, idempotency_key="k-1")
    assert (first.status, again.status) == (202, 200)
    assert first.json["id"] == again.json["id"]
    assert client.post("/api/v1/investigations", {"symptom": "other"}, idempotency_key="k-1").status == 409
    assert client.post("/api/v1/investigations", asked, idempotency_key="k-2").json["id"] != first.json["id"]


def test_the_list_is_told_page_by_page_newest_first(client: Client) -> None:
    started = [str(client.post("/api/v1/investigations", SYMPTOM).json["id"]) for _ in range(5)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = client.get(f"/api/v1/investigations?limit=2{cursor}").json
        items = page["items"]
        assert isinstance(items, list)
        seen += [str(one["id"]) for one in items]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == started[::-1]


@contextmanager
def _gitlab(hang: Flag) -> Generator[int]:
    """Something that takes requests as GitLab does: it says nothing while `hang` is set, and knows no token afterwards."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            while hang.is_set():
                time.sleep(0.02)
            with suppress(OSError):
                self.send_response(401)
                self.send_header("content-length", "0")
                self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        hang.clear()
        server.shutdown()
        server.server_close()


def test_a_killed_server_goes_on_where_it_was_and_tells_the_rest_once(tmp_path: Path, store: Path) -> None:
    port, hang = free_port(), Flag()
    hang.set()
    client = Client(port)
    with _gitlab(hang) as gitlab:
        config = tmp_path / "lore.yaml"
        address = f"http://127.0.0.1:{gitlab}"
        config.write_text(f"sources:\n  - gitlab: {{project: acme/other, base_url: '{address}', token: none}}\n")
        environment = Lore(tmp_path, {"LORE_STORE": f"sqlite://{store}"}).environment
        start = partial(process, environment, port, "--workers", "0", "--config", str(config), log=tmp_path / "log")
        server = start()
        try:
            # Two run, and hang where the sources are read; one waits.
            asked = {**SYMPTOM, "options": {"sync": True}}
            runs = [str(client.post("/api/v1/investigations", asked).json["id"]) for _ in range(3)]
            heard = {run: client.events(run, until="provisional") for run in runs[:2]}
            os.kill(server.pid, signal.SIGKILL)
            server.wait(10)
            hang.clear()
            server = start()
            for run in runs:
                before = heard.get(run, [])
                told = [*before, *client.events(run, after=before[-1][0] if before else 0)]
                assert [number for number, _, _ in told] == list(range(1, len(told) + 1)), "none missing, none twice"
                assert kinds(told).count("state") == kinds(told).count("provisional") == kinds(told).count("final") == 1
                assert client.events(run) == told
                result = client.get(f"/api/v1/investigations/{run}").json
                assert result["state"] == "done"
                assert json.dumps(result["result"]).count("could not be read") >= 1, "the sources were tried again"
        finally:
            server.kill()
            server.wait(10)


# -- the queue by itself


def _request(number: int = 0) -> Request:
    return Request(symptom=f"s{number}", at=number)


def _runs(path: Path, work: Work, *, at_once: int = 2, waiting: int = 200) -> Runs:
    return Runs(path / "runs.db", work, lambda: int(time.time()) * SECOND, at_once=at_once, waiting=waiting)


def _until(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_what_is_beyond_the_queue_is_not_taken(tmp_path: Path) -> None:
    go = Flag()

    def work(run: Run, tell: Tell) -> tuple[str, str]:
        go.wait(10)
        return "inv_1", "{}"

    runs = _runs(tmp_path, work, at_once=1, waiting=2)
    runs.start()
    taken = [runs.add(_request(i), "", PUBLIC_ONLY)[0].id for i in range(3)]
    with pytest.raises(QueueFull):
        runs.add(_request(9), "", PUBLIC_ONLY)
    go.set()
    _until(lambda: all((run := runs.get(i)) is not None and run.state == "done" for i in taken))
    runs.add(_request(9), "", PUBLIC_ONLY)
    runs.stop()


def test_a_run_that_fails_says_so_in_a_sentence_and_the_next_goes_on(tmp_path: Path) -> None:
    def work(run: Run, tell: Tell) -> tuple[str, str]:
        if run.request.symptom == "s0":
            raise ValueError("/some/path/of/the/server")
        return "inv_1", "{}"

    runs = _runs(tmp_path, work, at_once=1)
    runs.start()
    first, second = (runs.add(_request(i), "", PUBLIC_ONLY)[0].id for i in range(2))
    _until(lambda: (run := runs.get(second)) is not None and run.state == "done")
    failed = runs.get(first)
    assert failed is not None
    assert failed.state == "failed"
    assert "/some/path" not in failed.problem
    assert runs.events(first, 0)[-1].kind == "failed"
    runs.stop()


def test_a_run_that_always_takes_the_server_down_is_given_up(tmp_path: Path) -> None:
    runs = _runs(tmp_path, lambda run, tell: ("inv_1", "{}"))
    poison = runs.add(_request(), "", PUBLIC_ONLY)[0].id
    runs.connection.execute("UPDATE run SET state='running', attempts=?", (MOST_ATTEMPTS,))
    runs.start()
    _until(lambda: (run := runs.get(poison)) is not None and run.state == "failed")
    runs.stop()


def test_who_holds_fewer_labels_sees_neither_the_run_nor_that_it_is_there(tmp_path: Path) -> None:
    runs = _runs(tmp_path, lambda run, tell: ("inv_1", "{}"))
    secret = runs.add(_request(1), "a", frozenset({PUBLIC, "slack:C1"}))[0]
    open_ = runs.add(_request(2), "b", PUBLIC_ONLY)[0]
    assert [run.id for run in runs.newest(PUBLIC_ONLY, None, 10)] == [open_.id]
    assert [run.id for run in runs.newest(frozenset({PUBLIC, "slack:C1"}), None, 10)] == [open_.id, secret.id]
    runs.stop()
