"""People and joins on the command line: listed, explained, split, and staying split."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.api.lore import Lore

MESSAGES = [{"type": "message", "user": "U01ANN", "text": "the pool is too small", "ts": "1709560000.000100"}]


@pytest.fixture
def company(fresh: Lore, tmp_path: Path) -> Lore:
    """Two deployments by an engineer and her Slack account, and one by somebody who only shares her first name."""
    deploys = tmp_path / "deploys.jsonl"
    rows = [
        {"id": "d1", "actor": "ann.archer@acme.example", "version": "1.0.0"},
        {"id": "d2", "actor": "ann@other.example", "version": "1.0.1"},
    ]
    deploys.write_text(
        "".join(
            json.dumps(
                {
                    "service": "checkout",
                    "environment": "prod",
                    "started_at": f"2024-03-0{n}T10:00:00Z",
                    "finished_at": f"2024-03-0{n}T10:05:00Z",
                    **row,
                }
            )
            + "\n"
            for n, row in enumerate(rows, 1)
        )
    )
    export = tmp_path / "slack"
    (export / "infra").mkdir(parents=True)
    profile = {"real_name": "Ann Archer", "display_name": "ann", "email": "ann.archer@acme.example"}
    (export / "users.json").write_text(
        json.dumps([{"id": "U01ANN", "team_id": "T1", "name": "ann", "real_name": "Ann Archer", "profile": profile}])
    )
    (export / "channels.json").write_text(json.dumps([{"id": "C0INFRA1", "name": "infra", "members": ["U01ANN"]}]))
    (export / "infra" / "2024-03-04.json").write_text(json.dumps(MESSAGES))
    for ran in (
        fresh("ingest", "deployments", deploys, "--set", "name=acme"),
        fresh("ingest", "slack", export, "--set", "workspace=https://acme.slack.com"),
    ):
        assert ran.code == 0, ran.err
    return fresh


def test_accounts_with_one_mail_address_are_one_person_and_a_first_name_joins_nobody(company: Lore) -> None:
    lines = company("people", "list").out.splitlines()
    (ann,) = [line for line in lines if "U01ANN" in line]
    assert "Ann Archer" in ann
    assert "ann.archer@acme.example" in ann
    assert "ann@other.example" not in ann


def test_why_two_names_are_one_is_said_with_the_rule(company: Lore) -> None:
    said = company("why-same", "U01ANN", "ann.archer@acme.example")
    assert said.code == 0, said.err
    assert said.out.startswith(("They are one", "They are one and the same"))
    assert "mail" in said.out


def test_a_split_stays_split_after_the_next_ingest_and_can_be_taken_back(company: Lore, tmp_path: Path) -> None:
    refs = _accounts(company)
    split = company("people", "split", refs["slack"], refs["deployments"], "--reason", "two people", "--by", "Bob")
    assert split.code == 0, split.err
    assert company("people", "update").code == 0
    said = company("why-same", refs["slack"], refs["deployments"]).out
    assert "two people" in said or "They are two people" in said
    assert company("people", "unsplit", refs["slack"], refs["deployments"]).code == 0
    assert company("why-same", refs["slack"], refs["deployments"]).out.startswith("They are one")


def test_who_is_asked_for_with_an_account_of_one_system_is_told_with_those_of_the_others(company: Lore) -> None:
    answer = json.loads(company("ask", "who is U01ANN on Slack?", "-o", "json").out)
    assert answer["status"] == "answered"
    assert "Ann Archer" in answer["text"]
    assert {c["source"] for c in answer["citations"]} >= {"slack", "deployments"}


def test_a_name_that_nothing_has_is_a_usage_error(company: Lore) -> None:
    ran = company("why-same", "U01ANN", "nobody-at-all")
    assert ran.code == 2
    assert "nobody-at-all" in ran.err


def _accounts(lore: Lore) -> dict[str, str]:
    """The refs of Ann's accounts by system."""
    found: dict[str, str] = {}
    for line in lore("dump").out.splitlines():
        said = json.loads(line)
        text = json.dumps(said)
        for system in ("slack", "deployments"):
            if f'"system": "{system}"' in text and ("U01ANN" in text or "ann.archer@" in text) and "Account:" in text:
                found[system] = next(part for part in _strings(said) if part.startswith("Account:"))
    assert set(found) == {"slack", "deployments"}
    return found


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value[2:] if value.startswith("e\x1f") else value]
    if isinstance(value, dict):
        return [s for v in value.values() for s in _strings(v)]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list):
        return [s for v in value for s in _strings(v)]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return []
