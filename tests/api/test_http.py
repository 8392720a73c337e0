"""The HTTP API on a real server: what is asked is answered, what is wrong is told as a problem, and nobody sees more than they may."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest

from api.errors import SettingsError
from api.http import MOST_JSON_BYTES, application
from api.tokens import SCOPES, new_token
from api.wiring import Engine
from graph.clock import SECOND
from graph.model import Alias, Assertion, Entity, FactBatch, ref
from graph.store import GraphStore, PurgeSelector
from tests.api.answer_shape import faults
from tests.api.http_server import Client, Json, process, serving, settings_of
from tests.api.lore import Lore
from tests.local_server import free_port

WHO = "who changed the LB rule?"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, read: Path) -> Iterator[tuple[Client, Engine]]:
    home = tmp_path_factory.mktemp("http")
    shutil.copyfile(read / "lore.db", home / "lore.db")
    with serving(settings_of(home, home / "lore.db")) as served:
        yield served


@pytest.fixture
def client(served: tuple[Client, Engine]) -> Client:
    return served[0]


def _add(store: GraphStore, name: str, label: str = "public") -> str:
    """A service that one label may read."""
    at = int(time.time()) * SECOND
    service = ref("Service", name)
    said = (Entity(service, {"name": name}), Alias(service, "name", name))
    facts = [Assertion(fact, at, at, f"x#{name}", label=label) for fact in said]
    store.apply(FactBatch(f"add-{name}-{time.time_ns()}", "test", "test", "test/1", facts))
    return service


# -- asking


def test_what_is_asked_by_post_or_in_a_url_is_answered_as_the_command_line_does(client: Client, lore: Lore) -> None:
    posted, got = client.post("/api/v1/ask", {"question": WHO}), client.get(f"/api/v1/ask?q={quote(WHO)}")
    ran = json.loads(lore("ask", WHO, "--output", "json").out)
    for said in (posted, got):
        assert said.status == 200
        assert not faults(said.json)
        assert {**said.json, "usage": 0} == {**ran, "usage": 0}


def test_the_times_of_a_question_count(client: Client) -> None:
    before = client.post("/api/v1/ask", {"question": WHO, "as_of": "2019-01-01"}).json
    assert before["status"] == "not_found"
    assert before["as_of"] == "2019-01-01T00:00:00Z"
    unknown = client.get(f"/api/v1/ask?q={quote(WHO)}&known_at=2001-01-01T00:00:00Z").json
    assert unknown["status"] == "not_found"


def test_an_answer_is_never_older_than_what_was_committed_before_it_was_asked(served: tuple[Client, Engine]) -> None:
    client, engine = served
    for number in range(20):
        name = hashlib.sha256(str(number).encode()).hexdigest()[:12]  # nothing that is spelled alike
        asked = {"question": f"what is {name}?"}
        assert client.post("/api/v1/ask", asked).json["status"] != "answered"
        assert client.post("/api/v1/ask", asked).json["status"] != "answered"
        _add(engine.store, name)
        assert client.post("/api/v1/ask", asked).json["status"] == "answered"


def test_what_another_process_writes_or_purges_ends_the_answers_that_were_kept(
    served: tuple[Client, Engine], lore: Lore
) -> None:
    client, engine = served
    service = _add(engine.store, "to-be-erased")
    asked = {"question": "what is to-be-erased?"}
    assert client.post("/api/v1/ask", asked).json["status"] == "answered"
    with Engine(engine.settings) as other:
        other.store.purge(PurgeSelector((ref("Service", "to-be-erased"),)), "erasure request")
    assert service not in client.post("/api/v1/ask", asked).body.decode()


def test_processes_that_answer_say_the_same(tmp_path: Path, read: Path) -> None:
    shutil.copyfile(read / "lore.db", tmp_path / "lore.db")
    questions = [WHO, "who changed the listener?", "what is aws_lb_listener.front?", "what changed in 2026?"]
    with serving(settings_of(tmp_path, tmp_path / "lore.db"), ask_workers=1) as (client, engine):

        def ask(question: str) -> Json:
            return {**client.post("/api/v1/ask", {"question": question}).json, "usage": 0}

        with ThreadPoolExecutor(8) as pool:
            told = list(pool.map(ask, questions * 4))
        assert told[:4] == told[4:8]
        for question, one in zip(questions, told, strict=False):
            assert one == {**json.loads(engine.ask(question).to_json()), "usage": 0}


# -- reading


def test_changes_of_a_window_are_listed_newest_first(client: Client) -> None:
    whole = client.get("/api/v1/changes").json
    changes = whole["changes"]
    assert isinstance(changes, list)
    times = [str(one["at"]) for one in changes]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    assert times == sorted(times, reverse=True)
    assert times
    first = client.get("/api/v1/changes?limit=1").json
    assert first["changes"] == changes[:1]
    assert first["truncated"] is True
    window = client.get(f"/api/v1/changes?since={times[-1]}&until={times[0]}").json["changes"]
    assert isinstance(window, list)
    assert all(times[-1] <= str(one["at"]) < times[0] for one in window)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    assert client.get("/api/v1/changes?by=nobody-at-all").status == 404
    assert client.get("/api/v1/changes?target=nothing-at-all").status == 404


def test_a_thing_is_told_by_its_ref_and_by_its_name(served: tuple[Client, Engine]) -> None:
    client, engine = served
    service = _add(engine.store, "payments")
    for name in (service, quote(service, safe=""), "aws_lb_listener.front"):
        said = client.get(f"/api/v1/resources/{name}")
        assert said.status == 200, said.body
        assert said.json["schema"] == "lore.resource/1"
        assert said.json["sources"]
        history = client.get(f"/api/v1/resources/{name}/history")
        assert history.status == 200
        assert history.json["ref"] == said.json["ref"]
        assert history.json["versions"]


def test_status_readiness_and_figures_are_told(client: Client) -> None:
    assert client.get("/api/v1/status").json["schema"] == "lore.status/1"
    assert client.get("/healthz").json["status"] == "ok"
    assert client.get("/readyz").json["status"] == "ready"
    client.get("/api/v1/ask?q=x")
    client.get("/api/v1/resources/nothing%22at-all")
    said = client.get("/metrics")
    assert said.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = said.body.decode()
    assert 'lore_http_requests_total{route="/api/v1/ask",method="GET",status="200"}' in text
    assert 'route="/api/v1/resources/{ref:path}",method="GET",status="404"' in text
    for name in (
        "lore_store_up 1",
        "lore_store_record ",
        "lore_investigations{",
        "lore_inbox_deliveries{",
        "lore_source_age_seconds{",
    ):
        assert name in text
    for line in text.splitlines():
        assert line.startswith("#") or line.rpartition(" ")[2].replace(".", "").replace("e-", "").isdigit(), line


def test_the_documentation_is_there_without_another_server(client: Client) -> None:
    page = client.get("/docs")
    assert page.status == 200
    assert b"infralore" in page.body
    assert b"https://cdn" not in page.body
    document = client.get("/openapi.json").json
    paths = document["paths"]
    assert isinstance(paths, dict)
    assert {"/api/v1/ask", "/api/v1/investigations/{identifier}/events", "/api/v1/cost/estimate"} <= paths.keys()
    text = json.dumps(document)
    assert "HTTPValidationError" not in text
    assert '"example"' in text
    home = client.get("/")
    assert (home.status, home.headers["location"]) == (307, "/docs")


# -- what is wrong


PROBLEMS: dict[str, tuple[int, Callable[[Client], object]]] = {
    "no such page": (404, lambda c: c.get("/api/v1/nothing")),
    "another method": (405, lambda c: c.ask("DELETE", "/api/v1/ask", b"", {})),
    "no question": (422, lambda c: c.post("/api/v1/ask", {})),
    "a field too much": (422, lambda c: c.post("/api/v1/ask", {"question": "x", "audience": ["slack:C1"]})),
    "no JSON": (422, lambda c: c.ask("POST", "/api/v1/ask", b"{", {"content-type": "application/json"})),
    "no time": (422, lambda c: c.post("/api/v1/ask", {"question": "x", "as_of": "yesterday"})),
    "a time beyond time": (422, lambda c: c.get("/api/v1/changes?since=99999-01-01")),
    "no such run": (404, lambda c: c.get("/api/v1/investigations/run_0")),
    "no such investigation": (404, lambda c: c.get("/api/v1/investigations/inv_0")),
    "no such run to watch": (404, lambda c: c.get("/api/v1/investigations/run_0/events")),
    "no period": (422, lambda c: c.get("/api/v1/digests/yearly")),
    "no plan": (422, lambda c: c.post("/api/v1/cost/estimate", {"hello": 1})),
    "too large": (413, lambda c: c.post("/api/v1/ask", {"question": "x" * (MOST_JSON_BYTES + 1)})),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_is_wrong_is_told_as_a_problem(client: Client, name: str) -> None:
    from tests.api.http_server import Said

    status, ask = PROBLEMS[name]
    said = ask(client)
    assert isinstance(said, Said)
    assert said.status == status, said.body
    assert said.headers["content-type"] == "application/problem+json"
    told = said.json
    assert told["status"] == status
    assert told["title"]
    assert told["detail"]
    assert told["request_id"] == said.headers["x-request-id"]
    assert "Traceback" not in said.body.decode()
    assert str(Path(__file__).parents[2]) not in said.body.decode()


def test_every_answer_has_an_id_and_headers_that_protect_browsers(client: Client) -> None:
    said = client.get("/healthz", x_request_id="mine-1")
    assert said.headers["x-request-id"] == "mine-1"
    assert client.get("/healthz", x_request_id="not mine\t").headers["x-request-id"] != "not mine"
    for name in ("x-content-type-options", "x-frame-options", "content-security-policy", "referrer-policy"):
        assert said.headers[name]
    assert "access-control-allow-origin" not in client.get("/healthz", origin="https://evil.example").headers


def test_a_name_that_was_rebound_to_this_machine_is_refused(client: Client) -> None:
    for host in ("evil.example", "evil.example:8480", "127.0.0.1.evil.example", ""):
        assert client.get("/api/v1/status", host=host).status in (400, 421), host
    for host in ("localhost", "LOCALHOST:8480", "127.0.0.1", "[::1]:8480"):
        assert client.get("/api/v1/status", host=host).status == 200, host


def test_a_body_that_never_ends_is_refused_where_it_gets_too_large(client: Client) -> None:
    with socket.create_connection(("127.0.0.1", client.port), timeout=20) as connection:
        connection.sendall(
            b"POST /api/v1/ask HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        try:
            for _ in range(40):
                connection.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        except OSError:
            pass
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_store_that_is_away_is_told_and_nothing_of_it(tmp_path: Path, read: Path) -> None:
    database = tmp_path / "lore.db"
    shutil.copyfile(read / "lore.db", database)
    with serving(settings_of(tmp_path, database)) as (client, engine):
        assert client.get("/readyz").status == 200
        engine.store.close()
        for path in ("/readyz", "/api/v1/status", "/api/v1/ask?q=who+owns+x", "/api/v1/changes", "/api/v1/resources/x"):
            said = client.get(path)
            assert said.status == 503, path
            assert said.headers["retry-after"]
            assert str(tmp_path) not in said.body.decode()
        assert client.get("/healthz").status == 200
        assert "lore_store_up 0" in client.get("/metrics").body.decode()


# -- tokens


def _tokens(*entries: Json) -> dict[str, object]:
    return {"tokens": list(entries), "requests_per_minute": 60, "burst": 20}


def _entry(name: str, token: str, **more: object) -> Json:
    return {"name": name, "sha256": hashlib.sha256(token.encode()).hexdigest(), **more}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, read: Path) -> Iterator[tuple[Client, Engine, dict[str, str]]]:
    home = tmp_path_factory.mktemp("guarded")
    shutil.copyfile(read / "lore.db", home / "lore.db")
    tokens = {name: new_token()[0] for name in ("all", "asker", "insider", "ended", "eager")}
    api = _tokens(
        _entry("all", tokens["all"]),
        _entry("asker", tokens["asker"], scopes=["ask"]),
        _entry("insider", tokens["insider"], audience=["public", "slack:C9"]),
        _entry("ended", tokens["ended"], until="2020-01-01"),
        _entry("eager", tokens["eager"]),
    )
    with serving(settings_of(home, home / "lore.db", api=api)) as (client, engine):
        yield client, engine, tokens


def _as(client: Client, token: str) -> Client:
    return Client(client.port, {"authorization": f"Bearer {token}"})


def test_without_a_token_that_holds_nothing_is_told(guarded: tuple[Client, Engine, dict[str, str]]) -> None:
    client, _, tokens = guarded
    paths = (
        "/api/v1/ask?q=x",
        "/api/v1/status",
        "/api/v1/changes",
        "/api/v1/investigations",
        "/metrics",
        "/api/v1/drift",
    )
    wrong = (
        "",
        "Bearer",
        "Bearer x",
        f"Basic {tokens['all']}",
        f"Bearer {tokens['all']}x",
        f"Bearer {tokens['ended']}",
        "Bearer \xff",
    )
    for path in paths:
        for given in wrong:
            said = Client(client.port, {"authorization": given} if given else {}).get(path)
            assert said.status == 401, (path, given)
            assert said.headers["www-authenticate"] == "Bearer"
    assert client.post("/api/v1/ask", {"question": "x"}).status == 401
    for path in ("/healthz", "/readyz", "/docs", "/openapi.json"):
        assert client.get(path).status == 200


def test_a_token_may_do_what_its_scopes_say(guarded: tuple[Client, Engine, dict[str, str]]) -> None:
    client, _, tokens = guarded
    asker = _as(client, tokens["asker"])
    assert asker.get("/api/v1/ask?q=x").status == 200
    for path in ("status", "changes", "resources/x", "drift", "cost", "digests/weekly", "investigations"):
        assert asker.get(f"/api/v1/{path}").status == 403, path
    assert asker.post("/api/v1/investigations", {"symptom": "x"}).status == 403
    assert _as(client, tokens["all"]).get("/metrics").status == 200


def test_a_token_shows_what_its_audience_may_see(guarded: tuple[Client, Engine, dict[str, str]]) -> None:
    client, engine, tokens = guarded
    _add(engine.store, "hushhush", label="slack:C9")
    asked = {"question": "what is hushhush?"}
    insider, outsider = _as(client, tokens["insider"]), _as(client, tokens["all"])
    for _ in range(2):  # an answer that is kept is kept for those who may see it
        assert insider.post("/api/v1/ask", asked).json["status"] == "answered"
        assert outsider.post("/api/v1/ask", asked).json["status"] != "answered"
    assert insider.get("/api/v1/resources/Service:hushhush").status == 200
    assert outsider.get("/api/v1/resources/Service:hushhush").status == 404
    assert outsider.get("/api/v1/resources/Service:hushhush/history").status == 404
    run = str(insider.post("/api/v1/investigations", {"symptom": "hushhush is down"}).json["id"])
    ended = insider.ended(run)
    for path in (run, f"{run}/events", str(ended["investigation"])):
        assert outsider.get(f"/api/v1/investigations/{path}").status == 404
    assert outsider.get("/api/v1/investigations").json["items"] == []


def test_who_asks_too_often_is_told_when_to_come_back_and_others_are_not_held_up(
    guarded: tuple[Client, Engine, dict[str, str]],
) -> None:
    client, _, tokens = guarded
    eager = _as(client, tokens["eager"])
    said = [eager.get("/api/v1/ask?q=x") for _ in range(25)]
    refused = [one for one in said if one.status == 429]
    assert 3 <= len(refused) <= 5
    assert int(refused[0].headers["retry-after"]) >= 1
    assert _as(client, tokens["insider"]).get("/api/v1/ask?q=x").status == 200


def test_without_tokens_nobody_else_is_listened_to(tmp_path: Path) -> None:
    with Engine(settings_of(tmp_path, tmp_path / "lore.db")) as engine:
        for host in ("0.0.0.0", "::", "10.0.0.1", "lore.example"):
            with pytest.raises(SettingsError) as error:
                application(engine, host=host)
            assert "lore token new" in error.value.hint


WRONG: dict[str, Json] = {
    "no digest": {"tokens": [{"name": "a", "sha256": "abc"}]},
    "the same name twice": {"tokens": [{"name": "a", "sha256": "0" * 64}, {"name": "a", "sha256": "1" * 64}]},
    "a scope that is none": {"tokens": [{"name": "a", "sha256": "0" * 64, "scopes": ["root"]}]},
    "an end that is none": {"tokens": [{"name": "a", "sha256": "0" * 64, "until": "soon"}]},
    "a setting that is none": {"cors": True},
    "no requests": {"requests_per_minute": 0},
}


@pytest.mark.parametrize("name", WRONG)
def test_settings_that_cannot_be_meant_are_refused_at_the_start(tmp_path: Path, name: str) -> None:
    engine = Engine(settings_of(tmp_path, tmp_path / "lore.db", api=WRONG[name]))
    with pytest.raises(SettingsError):
        application(engine)


def test_a_new_token_opens_the_server_whose_settings_hold_the_lines_it_came_with(tmp_path: Path, read: Path) -> None:
    import typer
    import yaml
    from typer.testing import CliRunner

    from api.cli_token import add_to
    from api.settings import load

    app = typer.Typer()
    add_to(app)
    ran = CliRunner().invoke(app, ["token", "new", "grafana", "--scope", "ask", "--until", "2999-01-01"])
    assert ran.exit_code == 0, ran.output
    token = ran.stdout.strip()
    assert token.startswith("lore_")
    lines = ran.stderr.partition("lore.yaml:\n")[2]
    assert token not in lines
    config = tmp_path / "lore.yaml"
    config.write_text(yaml.safe_dump({"api": yaml.safe_load(lines)}) + "embedder: none\n")
    shutil.copyfile(read / "lore.db", tmp_path / "lore.db")
    environment = {"LORE_STORE": f"sqlite://{tmp_path / 'lore.db'}", "XDG_DATA_HOME": str(tmp_path)}
    with serving(load(config, environment)) as (client, _):
        assert _as(client, token).get("/api/v1/ask?q=x").status == 200
        assert _as(client, token).get("/api/v1/status").status == 403
        assert client.get("/api/v1/ask?q=x").status == 401
    assert CliRunner().invoke(app, ["token", "new", "x", "--scope", "root"]).exit_code != 0
    assert len(SCOPES) == 6


def test_the_file_of_runs_holds_no_token(guarded: tuple[Client, Engine, dict[str, str]]) -> None:
    client, engine, tokens = guarded
    _as(client, tokens["insider"]).post("/api/v1/investigations", {"symptom": "x"}, idempotency_key="k")
    with sqlite3.connect(engine.settings.data_directory / "runs.db") as connection:
        text = "\n".join(connection.iterdump())
    assert not any(token in text for token in tokens.values())


def _below(pid: int) -> list[int]:
    """Processes that a process started."""
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found.append(int(stat.parent.name))
    return found


def _answering(pid: int) -> list[int]:
    """Those of them that answer questions."""
    return [p for p in _below(pid) if b"spawn_main" in Path(f"/proc/{p}/cmdline").read_bytes()]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_a_process_that_answers_may_be_killed_and_none_outlives_its_server(tmp_path: Path, read: Path) -> None:
    shutil.copyfile(read / "lore.db", tmp_path / "lore.db")
    port = free_port()
    environment = Lore(tmp_path, {"LORE_STORE": f"sqlite://{tmp_path / 'lore.db'}"}).environment
    server = process(environment, port, "--workers", "1", log=tmp_path / "log")
    try:
        client = Client(port)
        assert client.post("/api/v1/ask", {"question": WHO}).json["status"] == "answered"
        (worker,) = _answering(server.pid)
        os.kill(worker, signal.SIGKILL)
        for number in range(3):
            assert client.post("/api/v1/ask", {"question": WHO + " " * number}).json["status"] == "answered"
        (worker,) = _answering(server.pid)
        server.kill()
        server.wait(10)
        until = time.monotonic() + 10
        while Path(f"/proc/{worker}").exists():
            assert time.monotonic() < until, "it outlived its server"
            time.sleep(0.05)
    finally:
        server.kill()
        server.wait(10)


def test_schedules_that_cannot_be_meant_are_refused_at_the_start(tmp_path: Path) -> None:
    engine = Engine(settings_of(tmp_path, tmp_path / "lore.db", digests=({"every": "now and then"},)))
    with pytest.raises(SettingsError):
        application(engine)
