"""The webhook endpoint against a real server on loopback: what is forged, replayed or broken never gets in and never breaks it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.http import application
from api.routes.webhooks import MOST_BYTES
from api.settings import Settings
from api.wiring import Engine
from graph.clock import SECOND
from graph.store import Limits
from tests.api.http_server import listening

SECRET = "a-shared-" + "secret"
NAMES = ("github", "gitlab", "slack", "alertmanager", "pagerduty", "grafana", "cloudwatch", "deployments")
DEPLOYED = {
    "id": "d-1",
    "service": "checkout",
    "environment": "prod",
    "version": "1.4.0",
    "actor": "ann@acme.example",
    "outcome": "succeeded",
    "started_at": "2026-03-04T14:00:00Z",
    "finished_at": "2026-03-04T14:02:00Z",
}


@dataclass
class Served:
    """A running server."""

    port: int
    engine: Engine
    directory: Path

    def post(self, sender: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, object]]:
        """Post and read the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest("POST", f"/webhooks/{sender}")
            for name, value in {"content-type": "application/json", **headers}.items():
                connection.putheader(name, value.encode("latin-1"))
            connection.putheader("content-length", str(len(body)))
            connection.endheaders()
            connection.send(body)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else {}
        finally:
            connection.close()

    def settled(self) -> Mapping[str, int]:
        """Wait until nothing waits."""
        for _ in range(200):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            connection.request("GET", "/healthz")
            counts: dict[str, int] = json.loads(connection.getresponse().read())["deliveries"]
            connection.close()
            if not counts.get("pending"):
                return counts
            time.sleep(0.05)
        raise AssertionError("deliveries still wait")


def serve(directory: Path) -> Iterator[Served]:
    """A server on a free port."""
    settings = Settings(
        store=f"sqlite:///{directory / 'lore.db'}",
        embedder="none",
        webhooks={name: {"secret": SECRET} for name in NAMES},
        data_directory=directory,
    )
    with (
        Engine(settings) as engine,
        listening(application(engine, reconcile_every_s=0)) as port,
    ):
        yield Served(port, engine, directory)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    yield from serve(tmp_path_factory.mktemp("served"))


def signature(*parts: bytes) -> str:
    return hmac.new(SECRET.encode(), b"".join(parts), hashlib.sha256).hexdigest()


def signed(sender: str, body: bytes, *, at: int | None = None, number: str = "1") -> dict[str, str]:
    """Headers as the sender signs."""
    stamp = str(int(time.time()) if at is None else at)
    match sender:
        case "github":
            return {
                "x-hub-signature-256": "sha256=" + signature(body),
                "x-github-delivery": number,
                "x-github-event": "ping",
            }
        case "gitlab":
            return {"x-gitlab-token": SECRET, "x-gitlab-event": "Push Hook", "idempotency-key": number}
        case "slack":
            return {
                "x-slack-request-timestamp": stamp,
                "x-slack-signature": "v0=" + signature(b"v0:", stamp.encode(), b":", body),
            }
        case "pagerduty":
            return {"x-pagerduty-signature": f"v1={'0' * 64},v1={signature(body)}"}
        case "grafana":
            return {
                "x-grafana-alerting-signature": signature(stamp.encode(), b":", body),
                "x-grafana-alerting-signature-timestamp": stamp,
            }
        case "deployments":
            return {
                "x-lore-timestamp": stamp,
                "x-lore-signature": "sha256=" + signature(stamp.encode(), b".", body),
                "x-lore-delivery": number,
            }
        case "cloudwatch":
            return {"authorization": "Basic " + base64.b64encode(f"lore:{SECRET}".encode()).decode()}
        case _:
            return {"authorization": f"Bearer {SECRET}"}


SIGNATURES = {
    "github": "x-hub-signature-256",
    "gitlab": "x-gitlab-token",
    "slack": "x-slack-signature",
    "alertmanager": "authorization",
    "pagerduty": "x-pagerduty-signature",
    "grafana": "x-grafana-alerting-signature",
    "cloudwatch": "authorization",
    "deployments": "x-lore-signature",
}


@pytest.mark.parametrize("sender", NAMES)
def test_what_is_signed_is_taken_and_what_is_forged_is_not(served: Served, sender: str) -> None:
    body = json.dumps({"hello": sender}).encode()
    headers = signed(sender, body, number=f"{sender}-signed")
    assert served.post(sender, body, headers)[0] in (200, 202)
    name = SIGNATURES[sender]
    for forged in ("", "x", headers[name][:-1] + "Ä", "sha256=" + "0" * 64, "ÿ" * 50, "v0=", "Basic ÿÿ", "Bearer"):
        status, answer = served.post(sender, body, headers | {name: forged})
        assert status == 401, (forged, answer)
        assert SECRET not in json.dumps(answer)
    without = {key: value for key, value in headers.items() if key != name}
    assert served.post(sender, body, without)[0] == 401
    if sender not in ("gitlab", "alertmanager", "cloudwatch"):
        assert served.post(sender, body + b" ", headers)[0] == 401, "the body is signed"


@pytest.mark.parametrize("sender", ["slack", "grafana", "deployments"])
def test_a_signed_request_is_refused_outside_its_window(served: Served, sender: str) -> None:
    body = json.dumps({"late": sender}).encode()
    now = int(time.time())
    for at in (now - 301 - 5, now + 301 + 5, 0, -5):
        assert served.post(sender, body, signed(sender, body, at=at))[0] == 401, at
    assert served.post(sender, body, signed(sender, body, at=now - 200))[0] == 202
    stamp = {
        "slack": "x-slack-request-timestamp",
        "grafana": "x-grafana-alerting-signature-timestamp",
        "deployments": "x-lore-timestamp",
    }[sender]
    for odd in ("１２３４５", "²", "12e9", "9" * 400, "", " ", "NaN", "\u0661".encode().decode("latin-1")):
        try:
            headers = signed(sender, body) | {stamp: odd.encode("utf-8").decode("latin-1")}
            status = served.post(sender, body, headers)[0]
        except ValueError:
            continue
        assert status == 401, odd


def test_empty_huge_and_broken_bodies_are_refused(served: Served) -> None:
    assert served.post("github", b"", signed("github", b""))[0] == 400
    for body in (b"{", b"\xff\xfe", b"[" * 100_000, b"<html>"):
        assert served.post("github", body, signed("github", body, number="broken"))[0] == 400
        assert served.post("alertmanager", body, signed("alertmanager", body))[0] == 400
    assert served.post("nobody", b"{}", {})[0] == 404
    assert served.post("opsgenie", b"{}", signed("opsgenie", b"{}"))[0] == 404, "known, but not configured"


def test_a_hundred_megabytes_are_refused_without_being_read(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(b"POST /webhooks/github HTTP/1.1\r\nhost: x\r\ncontent-length: 104857600\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:  # chunked: no length is told
        connection.sendall(b"POST /webhooks/github HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        sent, chunk = 0, b"100000\r\n" + b"x" * 2**20 + b"\r\n"
        try:
            while sent < MOST_BYTES + 2 * 2**20:
                connection.sendall(chunk)
                sent += 2**20
        except OSError:
            pass
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_delivery_counts_once_and_its_id_belongs_to_its_body(served: Served) -> None:
    body = json.dumps(DEPLOYED).encode()
    first = served.post("deployments", body, signed("deployments", body, number="once"))
    assert first[0] == 202
    served.settled()
    store = served.engine.store
    # Batches of the sender and not records of the store: people are joined afterwards, in their own time.
    batches = [s.batches for s in store.scopes() if s.source == "deployments"]
    for _ in range(3):
        assert served.post("deployments", body, signed("deployments", body, number="once"))[0] == 200
    served.settled()
    assert [s.batches for s in store.scopes() if s.source == "deployments"] == batches
    other = json.dumps(DEPLOYED | {"version": "6.6.6"}).encode()
    assert served.post("deployments", other, signed("deployments", other, number="once"))[0] == 409
    served.settled()
    found = store.select("Deployment", {"service": ["checkout"]}, served.engine.view, Limits()).items
    assert [e.properties["version"] for e in found] == ["1.4.0"]


def test_a_body_that_no_reader_understands_is_set_aside_and_the_next_goes_on(served: Served) -> None:
    before = served.settled().get("failed", 0)
    odd = json.dumps({"environment": 7, "finished_at": []}).encode()
    assert served.post("deployments", odd, signed("deployments", odd, number="odd"))[0] == 202
    body = json.dumps(DEPLOYED | {"id": "d-2", "service": "search"}).encode()
    assert served.post("deployments", body, signed("deployments", body, number="after"))[0] == 202
    counts = served.settled()
    assert counts.get("failed", 0) - before <= 1
    assert served.engine.store.select("Deployment", {"service": ["search"]}, served.engine.view, Limits()).items


def test_slack_is_answered_its_challenge(served: Served) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c-123"}).encode()
    assert served.post("slack", body, signed("slack", body)) == (200, {"challenge": "c-123"})


def test_what_was_acknowledged_before_a_crash_is_worked_off_after_it(tmp_path: Path) -> None:
    from api.inbox import Inbox
    from ingest.webhook import Delivery

    inbox = Inbox(tmp_path / "inbox.db")
    body = json.dumps(DEPLOYED).encode()
    inbox.put("deployments", Delivery("left", "", body, int(time.time()) * SECOND, {}))
    inbox.close()
    for served in serve(tmp_path):
        assert served.settled() == {"done": 1}
        found = served.engine.store.select("Deployment", {}, served.engine.view, Limits()).items
        assert [e.properties["service"] for e in found] == ["checkout"]
