"""Investigations that metrics and logs take part in: from files, from a real Prometheus, from one that hangs; replayed and verified."""

from __future__ import annotations

import socket
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from agent.investigate import Options
from agent.investigation import Investigation
from agent.model import Citation
from api.investigations import Asked
from api.memory import verify
from api.settings import load
from api.verify import Configured, check
from api.wiring import Engine
from graph.clock import DAY, SECOND, Instant, rfc3339
from graph.model import ref
from ingest.source import Source, SourceDataInvalid
from tests.agent.investigator.engine_story import AT, MINUTE, Code, Story, at, told
from tests.prometheus_server import prometheus_server

SYMPTOM = "web returns 502 in prod"
SERVICES = ("web", "checkout", "payments")
BEGAN = at("13:52")
LATE: Mapping[str, Instant] = {"payments": 0, "checkout": MINUTE, "web": MINUTE}
"""web calls checkout, checkout calls payments: the errors of payments show in both a minute later."""


def three() -> tuple[Story, Code]:
    """Each of three services was deployed within the hour, and nothing that the changes say of themselves tells them apart."""
    story = Story()
    for name, needs in (("web", ("checkout",)), ("checkout", ("payments",)), ("payments", ())):
        story.service(name, *needs)
    story.environment("prod")
    codes: dict[str, Code] = {}
    for name, merged, deployed in (
        ("payments", "13:30", "13:51"),
        ("checkout", "13:36", "13:45"),
        ("web", "13:40", "13:56"),
    ):
        codes[name] = story.code(f"Handle the response of {name}", merged, f"{name}/client.py", added="retry(response)")
        story.deployed("1.4.0", deployed, service=name, commit=codes[name].commit)
    story.alert("WebErrors", "14:02", ref("Service", "web"), service="web", summary="web returns 502")
    return story, codes["payments"]


def share(service: str, moment: Instant) -> float:
    """The share of failing requests."""
    noise = 0.0004 * ((moment // MINUTE) % 4)
    return (0.31 if moment >= BEGAN + LATE[service] else 0.004) + noise


def write_files(folder: Path) -> Path:
    """A day of metrics, an hour of calls and some lines of a log, as `files` reads them."""
    for name in ("metrics", "edges", "logs"):
        (folder / name).mkdir(parents=True)
    rows = [
        f"{rfc3339(t)},{service},errors,{share(service, t):.4f},1"
        for service in SERVICES
        for t in range(AT - DAY // 4, AT + 30 * MINUTE, 2 * MINUTE)
    ]
    (folder / "metrics" / "errors.csv").write_text("\n".join(["at,service,class,value,unit", *rows]) + "\n")
    calls = [f"{rfc3339(AT - 30 * MINUTE)},{a},{b},900,90" for a, b in (("web", "checkout"), ("checkout", "payments"))]
    (folder / "edges" / "calls.csv").write_text("\n".join(["at,caller,callee,calls,errors", *calls]) + "\n")
    lines = ["13:53,payments,ERROR in /app/payments/client.py: gave up", "13:20,web,INFO all is well"]
    logged = [f"2026-03-04T{line[:5]}:10Z{line[5:]}" for line in lines]
    (folder / "logs" / "payments.csv").write_text("\n".join(["at,service,text", *logged]) + "\n")
    return folder


@contextmanager
def engine(home: Path, observations: Sequence[Mapping[str, Mapping[str, object]]]) -> Generator[Engine]:
    """The story in a store, and a `lore.yaml` beside it that names these backends."""
    config = home / "lore.yaml"
    written = {"store": "sqlite:lore.db", "embedder": "none", "observations": [dict(o) for o in observations]}
    config.write_text(yaml.safe_dump(written))
    environment = {"XDG_DATA_HOME": str(home / "data"), "HOME": str(home)}
    new = not (home / "lore.db").exists()
    with Engine(load(config, environment)) as opened:
        if new:
            three()[0].into(opened.store)
        yield opened


def investigated(opened: Engine) -> Investigation:
    return opened.investigations.start(Asked(SYMPTOM, AT, Options(), sync=False))


def probability_of(found: Investigation, code: Code) -> float:
    names = {code.commit.id}
    ids = [(c, {i.id for i in (c.change, *c.also) if i is not None}) for c in found.causes]
    return sum(c.probability for c, own in ids if own & names)


def evidence(found: Investigation, check: str) -> dict[str, float]:
    return {c.label: e.weight for c in found.causes for e in c.evidence if e.check == check}


def test_metrics_point_to_the_part_upstream_where_without_them_there_are_doubts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, guilty = three()
    write_files(tmp_path / "incident")
    with engine(tmp_path, []) as plain:
        blind = investigated(plain)
    monkeypatch.chdir("/")  # paths are relative to lore.yaml, wherever one stands
    with engine(tmp_path, [{"files": {"path": "incident"}}]) as opened:
        seeing = investigated(opened)
        verified = verify(opened, seeing.id)
    assert blind.verdict != "cause_found"
    assert seeing.verdict == "cause_found"
    assert probability_of(seeing, guilty) > probability_of(blind, guilty) + 0.4
    assert seeing.causes[0].change is not None
    assert guilty.commit.id in {i.id for i in (seeing.causes[0].change, *seeing.causes[0].also)}
    assert evidence(seeing, "where")["Handle the response of payments"] > 1
    assert evidence(seeing, "where").get("Handle the response of checkout", 0.0) <= 0
    assert not evidence(blind, "where")
    assert not {s.check for s in blind.tree.path} & {"metric_shift", "where", "logs"}
    assert any("No metrics or logs are connected" in s for s in blind.report.not_seen)
    assert not any("metrics" in s.lower() and "connected" in s for s in seeing.report.not_seen)
    seen = [v for v in verified if v.source == "files"]
    assert seen
    assert {v.status for v in seen} == {"resolves"}


def test_what_files_held_is_replayed_without_them(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "incident")
    with engine(tmp_path, [{"files": {"path": "incident"}}]) as opened:
        found = investigated(opened)
        for file in folder.rglob("*.csv"):
            file.unlink()
        again, differences = opened.investigations.replay(found.id)
        gone = verify(opened, found.id)
    assert not differences
    assert told(again) == told(found)
    assert {v.status for v in gone if v.source == "files"} == {"missing"}


# -- a real Prometheus


def counters() -> dict[str, list[tuple[Instant, float]]]:
    """Requests by status, ten a second."""
    series: dict[str, list[tuple[Instant, float]]] = {}
    for service in SERVICES:
        good, bad = 0.0, 0.0
        told_of = {
            code: series.setdefault(f'http_requests_total{{service="{service}",code="{code}"}}', [])
            for code in (200, 502)
        }
        for t in range(AT - 6 * 3_600 * SECOND, AT + 10 * MINUTE, MINUTE):
            told_of[200].append((t, good))
            told_of[502].append((t, bad))
            failed = share(service, t)
            good, bad = good + 600 * (1 - failed), bad + 600 * failed
    return series


def test_a_real_prometheus_points_to_it_and_the_replay_needs_no_server(tmp_path: Path) -> None:
    _, guilty = three()
    with prometheus_server(counters()) as url:
        backend: Mapping[str, Mapping[str, object]] = {"prometheus": {"url": url}}
        with engine(tmp_path, [backend]) as opened:
            started = time.perf_counter()
            found = investigated(opened)
            assert time.perf_counter() - started < 4
            verified = verify(opened, found.id)
    with engine(tmp_path, [backend]) as opened:
        again, differences = opened.investigations.replay(found.id)
        down = verify(opened, found.id)
    assert found.causes[0].change is not None
    assert guilty.commit.id in {i.id for i in (found.causes[0].change, *found.causes[0].also)}
    assert evidence(found, "where")["Handle the response of payments"] > 1
    assert {v.status for v in verified if v.source == "prometheus"} == {"resolves"}
    assert not differences
    assert told(again) == told(found)
    assert {v.status for v in down if v.source == "prometheus"} == {"cannot_check"}


@contextmanager
def hanging() -> Generator[str]:
    """A server that takes every connection and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_backend_that_hangs_costs_little_time_and_no_evidence_and_the_report_says_so(tmp_path: Path) -> None:
    with engine(tmp_path, []) as plain:
        blind = investigated(plain)
    with hanging() as one, hanging() as other:
        named = [{"prometheus": {"url": one}}, {"loki": {"url": other}}]
        with engine(tmp_path, named) as opened:
            started = time.perf_counter()
            found = investigated(opened)
            took = time.perf_counter() - started
            started = time.perf_counter()
            investigated(opened)
            second = time.perf_counter() - started
    assert took < 4
    assert second < 1.5  # it is known to hang
    assert {w for check in ("metric_shift", "where", "logs") for w in evidence(found, check).values()} <= {0.0}
    # Asking costs steps, so that other checks may be left unasked; what was asked finds the same.
    assert [c.label for c in found.causes][:1] == [c.label for c in blind.causes][:1]
    assert found.causes[0].probability == pytest.approx(blind.causes[0].probability, abs=0.02)
    unseen = [s for s in found.report.not_seen if "could not be read: prometheus" in s]
    assert any(s.startswith("Metrics could not be read") for s in unseen)
    assert all("answer" in s for s in unseen)
    with engine(tmp_path, named) as opened:
        again, differences = opened.investigations.replay(found.id)
    assert not differences
    assert told(again) == told(found)


def test_a_name_that_a_source_and_a_backend_share_is_looked_up_with_both(tmp_path: Path) -> None:
    """`kubernetes` is a source of facts and a backend of logs: what the one does not know the other may."""

    def closed() -> Source:
        raise SourceDataInvalid("it is not here", "look elsewhere")

    write_files(tmp_path / "incident")
    with engine(tmp_path, [{"files": {"path": "incident", "name": "kubernetes"}}]) as opened:
        cited = [
            Citation(id=f"c{i}", source="kubernetes", locator=locator, url=None, observed_at=rfc3339(AT))
            for i, locator in enumerate(("metrics/errors.csv#L2", "prod/Deployment/checkout"), 1)
        ]
        found = check(
            cited,
            opened.store,
            [Configured("kubernetes", None, closed)],
            now=AT,
            redact_key=b"0" * 32,
            observations=opened.observations(),
        )
    assert found["c1"] == ("resolves", "")
    assert found["c2"][0] == "cannot_check"
