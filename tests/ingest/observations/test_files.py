"""The adapter of CSV and JSON lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.clock import SECOND, Instant, instant
from graph.observations import EdgeQuery, LogQuery, SeriesQuery
from ingest.observations.files import FilesBackend, FilesSettings

SINCE: Instant = instant("2026-03-04T14:00:00Z")
UNTIL: Instant = instant("2026-03-04T14:30:00Z")


def write(root: Path, name: str, text: str) -> None:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def backend(root: Path) -> FilesBackend:
    return FilesBackend(FilesSettings(str(root)))


def ask(metric: str = "errors", *names: str) -> SeriesQuery:
    return SeriesQuery(names or ("checkout",), metric, SINCE, UNTIL)  # type: ignore[arg-type]


def test_a_series_is_one_service_class_metric_and_set_of_labels(tmp_path: Path) -> None:
    write(
        tmp_path,
        "metrics/a.csv",
        "at,service,class,value,zone\n"
        "2026-03-04T13:59:59Z,checkout,errors,0.9,a\n"
        "2026-03-04T14:00:00Z,Checkout,errors,0.1,a\n"
        "2026-03-04T14:01:00Z,checkout,errors,0.2,b\n"
        "2026-03-04T14:30:00Z,checkout,errors,0.9,a\n"
        "2026-03-04T14:01:00Z,checkout,latency,5,a\n",
    )
    write(
        tmp_path,
        "metrics/b.jsonl",
        f'{{"at": {SINCE // SECOND + 120}, "service": "checkout", "class": "errors", "value": 0.3, "zone": "a"}}\n'
        '{"at": "2026-03-04T14:05:00Z", "service": "checkout", "class": "errors", "value": 1, "metric": "5xx", "unit": "1/s"}\n',
    )
    answer = backend(tmp_path).series(ask())
    assert answer.hint == ""
    told = [(s.name, s.labels, s.unit, [v for _, v in s.points]) for s in answer.series]
    assert told == [
        ("5xx", (), "1/s", [1.0]),
        ("errors", (("zone", "a"),), "", [0.1, 0.3]),
        ("errors", (("zone", "b"),), "", [0.2]),
    ]
    assert answer.series[1].seen.locator == "metrics/a.csv#L3"


def test_a_metric_may_say_which_way_is_worse(tmp_path: Path) -> None:
    write(tmp_path, "metrics/m.csv", f"at,service,class,value,worse\n{SINCE // SECOND},db,disk,10,down\n")
    assert backend(tmp_path).series(ask("disk", "db")).series[0].worse == "down"


def test_lines_that_cannot_be_read_are_left_out_and_counted(tmp_path: Path) -> None:
    write(
        tmp_path,
        "metrics/m.csv",
        "at,service,class,value\n"
        "yesterday,checkout,errors,1\n"
        "2026-03-04T14:00:00Z,checkout,errors,many\n"
        "2026-03-04T14:00:00Z,checkout,errors,nan\n"
        "2026-03-04T14:00:00Z,checkout,mistakes,1\n"
        "2026-03-04T14:00:00Z,checkout,errors,1,2,3\n"
        "2026-03-04T14:02:00Z,checkout,errors,1\n",
    )
    write(tmp_path, "metrics/n.jsonl", 'not json\n{"at": []}\n')
    answer = backend(tmp_path).series(ask())
    assert [len(s.points) for s in answer.series] == [1]
    assert "4 lines cannot be read" in answer.hint  # two of metrics/n.jsonl, a time, a line too long
    assert "3 lines cannot be read" in answer.hint  # two values, a class


def test_logs_and_their_words(tmp_path: Path) -> None:
    write(
        tmp_path,
        "logs/l.jsonl",
        '{"at": "2026-03-04T14:02:00Z", "service": "checkout", "text": "pool exhausted"}\n'
        '{"at": "2026-03-04T14:01:00Z", "service": "checkout", "text": "Pool grows"}\n'
        '{"at": "2026-03-04T14:01:00Z", "service": "search", "text": "pool"}\n'
        '{"at": "2026-03-04T14:01:00Z", "service": "checkout", "text": "quiet"}\n',
    )
    answer = backend(tmp_path).logs(LogQuery("checkout", SINCE, UNTIL, contains=("pool",)))
    assert [(line.text, line.seen.locator) for line in answer.lines] == [
        ("Pool grows", "logs/l.jsonl#L2"),
        ("pool exhausted", "logs/l.jsonl#L1"),
    ]


def test_edges_of_a_window_are_added_up(tmp_path: Path) -> None:
    write(
        tmp_path,
        "edges/e.csv",
        "at,caller,callee,calls,errors,latency_s\n"
        "2026-03-04T14:00:00Z,shop,checkout,100,1,0.1\n"
        "2026-03-04T14:05:00Z,shop,checkout,300,9,0.5\n"
        "2026-03-04T14:05:00Z,shop,search,5,,\n"
        "2026-03-04T15:05:00Z,shop,checkout,1000,0,9\n"
        "2026-03-04T14:05:00Z,,search,5,,\n",
    )
    answer = backend(tmp_path).edges(EdgeQuery(SINCE, UNTIL))
    told = [(e.callee, e.calls, e.errors, e.latency_s) for e in answer.edges]
    assert told == [("checkout", 400.0, 10.0, pytest.approx(0.4)), ("search", 5.0, 0.0, None)]
    assert "1 line cannot be read" in answer.hint


def test_citations_lead_to_a_line_and_never_out_of_the_directory(tmp_path: Path) -> None:
    write(tmp_path, "in/logs/l.jsonl", '{"at": 1, "service": "a", "text": "b"}\n\n')
    write(tmp_path, "secret.csv", "a\n")
    reading = backend(tmp_path / "in")
    assert reading.resolves("files", "logs/l.jsonl#L1") == "ok"
    assert reading.resolves("files", "logs/l.jsonl#L2") == "no_data"
    assert reading.resolves("files", "logs/gone.jsonl#L1") == "no_data"
    assert reading.resolves("files", "../secret.csv#L1") == "no_data"
    assert reading.resolves("files", "logs/l.jsonl") == "no_data"


def test_an_empty_directory_has_no_data_and_a_missing_one_is_told(tmp_path: Path) -> None:
    assert backend(tmp_path).series(ask()).status == "no_data"
    assert backend(tmp_path).logs(LogQuery("checkout", SINCE, UNTIL)).status == "no_data"
    assert backend(tmp_path).edges(EdgeQuery(SINCE, UNTIL)).status == "no_data"
    missing = backend(tmp_path / "none").series(ask())
    assert missing.status == "unavailable"
    assert "does not exist; set `path`" in missing.hint


def test_the_same_files_give_the_same_answer_in_any_order_of_lines(tmp_path: Path) -> None:
    lines = [f"{SINCE // SECOND + i},checkout,errors,{i}\n" for i in range(50)]
    write(tmp_path, "a/metrics/m.csv", "at,service,class,value\n" + "".join(lines))
    write(tmp_path, "b/metrics/m.csv", "at,service,class,value\n" + "".join(reversed(lines)))
    (one,), (two,) = (backend(tmp_path / d).series(ask()).series for d in ("a", "b"))
    assert one.points == two.points
