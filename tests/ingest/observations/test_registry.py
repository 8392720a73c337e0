"""Every adapter: its settings are documented, it satisfies the agent's protocol, and it never raises."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from agent.observations import Observations
from graph.observations import EdgeQuery, LogQuery, SeriesQuery
from ingest.observations.answering import Asking, Backend
from ingest.observations.registry import BACKENDS, open_observations, settings_class
from ingest.source import SourceDataInvalid

NOBODY = "http://127.0.0.1:9"
SETTINGS: Mapping[str, Mapping[str, object]] = {
    "prometheus": {"url": NOBODY},
    "cloudwatch": {"endpoint_url": NOBODY, "region": "eu-west-1", "access_key_id": "a", "secret_access_key": "b"},
    "xray": {"endpoint_url": NOBODY, "region": "eu-west-1", "access_key_id": "a", "secret_access_key": "b"},
    "loki": {"url": NOBODY},
    "kubernetes": {"server": NOBODY},
}


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_each_setting_is_described(name: str) -> None:
    shape = settings_class(name)
    fields = dataclasses.fields(shape)  # type: ignore[arg-type]
    assert "Attributes:" in (shape.__doc__ or "")
    for field in fields:
        assert f"        {field.name}: " in (shape.__doc__ or ""), field.name
        if field.name in ("token", "password", "secret_access_key", "session_token"):
            assert not field.repr


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_an_adapter_whose_server_is_gone_answers_and_does_not_raise(name: str, tmp_path: Path) -> None:
    backend: Observations = open_observations(name, SETTINGS.get(name, {"path": str(tmp_path)}))
    said = {
        backend.series(SeriesQuery(("x",), "errors", 0, 10_000_000)).status,
        backend.logs(LogQuery("x", 0, 10_000_000)).status,
        backend.edges(EdgeQuery(0, 10_000_000)).status,
        backend.resolves(name, "x"),
    }
    assert said <= {"no_data", "unavailable"}
    assert ("unavailable" in said) is (name != "files")


def test_settings_that_are_wrong_are_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceDataInvalid, match="no observations adapter 'nagios'"):
        open_observations("nagios", {})
    with pytest.raises(SourceDataInvalid, match="it needs `url`"):
        open_observations("loki", {})
    with pytest.raises(SourceDataInvalid, match="no setting 'ulr'"):
        open_observations("loki", {"ulr": "x"})
    with pytest.raises(SourceDataInvalid, match="cannot be used"):
        open_observations("prometheus", {"url": NOBODY, "metrics": {"mood": []}})


def test_an_adapter_with_a_defect_is_unavailable_and_its_words_stay_inside() -> None:
    class Broken(Backend):
        holds = frozenset({"series"})
        title = "broken"

        def read_series(self, query: SeriesQuery, asking: Asking) -> list[object]:  # type: ignore[override]
            raise KeyError("the password is 1234")

    answer = Broken("broken").series(SeriesQuery(("x",), "errors", 0, 1))
    assert (answer.status, answer.hint) == ("unavailable", "broken: reading it failed (KeyError)")


def test_listing_the_adapters_imports_none_of_them() -> None:
    code = (
        "import sys, ingest.observations.registry\n"
        "assert not [m for m in sys.modules if m.split('.')[0] in ('boto3', 'botocore', 'lightkube', 'httpx')], 'too much'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
