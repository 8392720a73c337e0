"""The writers of `examples.formats`: a secret can be planted where one could stand, and ZIP and directory hold the same."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from examples.formats import alerts, cloudtrail, github, kubernetes, slack, terraform_state
from examples.formats.output import Plant

AT = datetime(2025, 3, 4, 14, 2, tzinfo=UTC)
CANARY = "planted-" + "canary"
USER = github.GitHubUser("aholm", 1234567)
MEMBER = slack.SlackUser("U01", "aholm", "Anna Holm", "anna", "anna@example.com")
CHANNEL = slack.SlackChannel("C01", "infra", "public", ("U01",), AT, "U01")
ALERT = alerts.Alert("HighLatency", {"service": "shop"}, AT, AT)


def _github(directory: Path, plant: Plant) -> None:
    pull = github.PullRequest(1, "Change it", "", USER, "fix", AT, "a" * 40, "b" * 40)
    github.write_github(directory, [github.GitHubRepository("org", "infra", (pull,))], plant)


def _slack(directory: Path, plant: Plant) -> None:
    slack.write_slack(directory, "T01", [MEMBER], [CHANNEL], [slack.SlackMessage("C01", "U01", AT, "hello")], plant)


def _cloudtrail(directory: Path, plant: Plant) -> None:
    who = cloudtrail.Principal("iam_user", "111122223333", "aholm")
    event = cloudtrail.AuditEvent("e-1", AT, who, "ec2.amazonaws.com", "RunInstances", "eu-west-1", {})
    cloudtrail.write_cloudtrail(directory, [event], plant)


def _kubernetes(directory: Path, plant: Plant) -> None:
    workload = kubernetes.Workload("shop", "prod", 3, 8080, AT, (kubernetes.Rollout(1, "shop:1.0.0", AT),))
    kubernetes.write_kubernetes(directory, "main", [workload], [], plant)


def _state(directory: Path, plant: Plant) -> None:
    instance = terraform_state.Instance({"id": "db-1"}, sensitive=("password",))
    resource = terraform_state.StateResource("", "aws_db_instance", "shop", (instance,))
    terraform_state.write_state_history(
        directory, "x.example", [terraform_state.StateVersion(1, AT, (resource,))], plant
    )


def _alertmanager(directory: Path, plant: Plant) -> None:
    alerts.write_alertmanager(directory / "alertmanager.jsonl", "on-call", [ALERT], plant)


def _grafana(directory: Path, plant: Plant) -> None:
    alerts.write_grafana(directory / "grafana.jsonl", "on-call", [ALERT], plant)


def _pagerduty(directory: Path, plant: Plant) -> None:
    anna = alerts.PagerDutyUser("P01", "Anna Holm")
    alerts.write_pagerduty(
        directory / "pagerduty.jsonl",
        "org",
        [alerts.PagerDutyIncident("Q01", 1, "Slow", "P02", "shop", AT, anna)],
        plant,
    )


WRITERS = (_github, _slack, _cloudtrail, _kubernetes, _state, _alertmanager, _grafana, _pagerduty)


def _text(directory: Path) -> str:
    files = [p for p in sorted(directory.rglob("*")) if p.is_file()]
    return "\n".join((gzip.decompress(p.read_bytes()) if p.suffix == ".gz" else p.read_bytes()).decode() for p in files)


@pytest.mark.parametrize("write", WRITERS)
def test_a_planted_secret_is_written_and_none_without_a_plant(
    write: Callable[[Path, Plant], None], tmp_path: Path
) -> None:
    places: list[str] = []

    def plant(place: str) -> str:
        places.append(place)
        return CANARY

    write(tmp_path / "planted", plant)
    write(tmp_path / "plain", lambda place: "")
    assert places
    assert CANARY in _text(tmp_path / "planted")
    assert CANARY not in _text(tmp_path / "plain")


def test_a_zip_holds_what_the_directory_holds(tmp_path: Path) -> None:
    _slack(tmp_path / "export", lambda place: "")
    slack.write_slack(
        tmp_path / "export.zip", "T01", [MEMBER], [CHANNEL], [slack.SlackMessage("C01", "U01", AT, "hello")]
    )
    with zipfile.ZipFile(tmp_path / "export.zip") as archive:
        zipped = {name: archive.read(name).decode() for name in archive.namelist()}
    assert zipped == {
        str(p.relative_to(tmp_path / "export")): p.read_text() for p in (tmp_path / "export").rglob("*.json")
    }
    assert json.loads(zipped["infra/2025-03-04.json"])[0]["text"] == "hello"
