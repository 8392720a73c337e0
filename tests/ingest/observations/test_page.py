"""The page about metrics, logs and traces: its configurations open, its layouts are read, its table is the adapters'."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.settings import load
from graph.clock import instant
from graph.observations import METRIC_CLASSES, WORSE, SeriesQuery
from ingest.observations.files import FilesBackend, FilesSettings
from ingest.observations.registry import BACKENDS, open_observations

PAGE = (Path(__file__).parents[3] / "docs" / "observations.md").read_text(encoding="utf-8")
CONFIGURATIONS: list[str] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_a_configuration_of_the_page_opens(text: str, tmp_path: Path) -> None:
    config = tmp_path / "lore.yaml"
    config.write_text(text, encoding="utf-8")
    settings = load(config, {"HOME": str(tmp_path), "PROMETHEUS_TOKEN": "dummy"})
    assert settings.observations
    for entry in settings.observations:
        for name, given in entry.items():
            assert open_observations(name, given).name == name


def test_the_example_of_a_metrics_file_is_read(tmp_path: Path) -> None:
    (example,) = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "checkout.csv").write_text(example)
    since = instant("2026-03-04T14:00:00Z")
    query = SeriesQuery(("checkout",), "errors", since, since + 3_600_000_000)
    answer = FilesBackend(FilesSettings(str(tmp_path))).series(query)
    assert answer.hint == ""
    assert [v for _, v in answer.series[0].points] == [0.002, 0.31]
    assert answer.series[0].labels == (("zone", "eu-west-1a"),)


def test_the_tables_are_what_the_code_says() -> None:
    adapters = {
        name: cells for name, cells in re.findall(r"^\| `(\w+)` \|(.*)\|$", PAGE, re.MULTILINE) if name in BACKENDS
    }
    assert adapters.keys() == BACKENDS.keys()
    for name, entry in BACKENDS.items():
        module, _, attribute = entry.backend.partition(":")
        holds = getattr(__import__(module, fromlist=[attribute]), attribute).holds
        metrics, logs, graph = (bool(cell.strip()) for cell in adapters[name].split("|")[:3])
        assert holds == {k for k, has in (("series", metrics), ("logs", logs), ("edges", graph)) if has}, name
    classes = {
        told: worse
        for row, worse in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|[^|]*\| ([a-z ]+) \|$", PAGE, re.MULTILINE)
        for told in re.findall(r"`(\w+)`", row)
    }
    assert classes == {m: "either way" if WORSE[m] == "either" else WORSE[m] for m in METRIC_CLASSES}
