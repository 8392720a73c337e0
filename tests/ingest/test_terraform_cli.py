"""Terraform as a program: how it is called, and how its failures are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.terraform_cli import TerraformCli, TerraformRoot
from tests.ingest.fake_terraform import calls, plan, state, write_terraform


def _cli(program: Path, directory: Path, **given: object) -> TerraformCli:
    directory.mkdir(exist_ok=True)
    return TerraformCli(TerraformRoot(directory, program=str(program), **given))  # pyright: ignore[reportArgumentType]


def test_it_is_initialised_once_planned_without_a_lock_and_never_applied(tmp_path: Path) -> None:
    program = write_terraform(tmp_path / "bin", plan=plan(), state=state())
    cli = _cli(program, tmp_path / "root", variables={"size": "2"}, var_files=("prod.tfvars",), workspace="blue")
    cli.planned()
    told = cli.planned()
    assert b"lineage-1" in told.state
    commands = [call.arguments[0] for call in calls(program)]
    assert commands == ["init", "plan", "state", "show", "plan", "state", "show"]
    planned = str(calls(program)[1].arguments)
    for word in ("-lock=false", "-input=false", "-var=size=2", "-var-file=prod.tfvars"):
        assert word in planned
    assert calls(program)[1].environment["TF_WORKSPACE"] == "blue"


def test_its_environment_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-somebody-else")
    program = write_terraform(tmp_path / "bin", plan=plan(), state=state())
    _cli(program, tmp_path / "root", environment_variables={"AWS_PROFILE": "reader"}).planned()
    environment = calls(program)[1].environment
    assert environment["AWS_PROFILE"] == "reader"
    assert "AWS_SECRET_ACCESS_KEY" not in environment


def test_a_failure_is_told_by_its_title_without_secrets(tmp_path: Path) -> None:
    secret = "hunter2-" + "hunter2"
    said = f"╷\n│ Error: cannot log in with {secret}\n│ \n│   on main.tf line 1:\n│ value {secret}\n╵\n"
    program = write_terraform(tmp_path / "bin", answers={"plan": {"code": 1, "err": said}})
    with pytest.raises(SourceDataInvalid) as told:
        _cli(program, tmp_path / "root", environment_variables={"TOKEN": secret}).planned()
    assert "cannot log in with ***" in str(told.value)
    assert secret not in f"{told.value} {told.value.hint}"
    assert "main.tf" not in str(told.value)


@pytest.mark.parametrize(
    ("said", "kind", "hint"),
    [
        ("Error: ExpiredToken: the token is too old", SourceDataInvalid, "credentials"),
        ("Error: dial tcp 10.0.0.1:443: i/o timeout", SourceUnavailable, "again"),
        ("Error: Invalid reference", SourceDataInvalid, "terraform plan"),
    ],
)
def test_failures_say_whether_trying_again_may_help(
    tmp_path: Path, said: str, kind: type[Exception], hint: str
) -> None:
    program = write_terraform(tmp_path / "bin", answers={"plan": {"code": 1, "err": said}})
    with pytest.raises(kind) as told:
        _cli(program, tmp_path / "root").planned()
    assert hint in getattr(told.value, "hint", "")


def test_what_takes_too_long_is_ended_and_told(tmp_path: Path) -> None:
    program = write_terraform(tmp_path / "bin", answers={"plan": {"sleep": 30}})
    with pytest.raises(SourceUnavailable, match=r"longer than 1 s"):
        _cli(program, tmp_path / "root", timeout_s=1.0).planned()


def test_a_program_or_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceDataInvalid, match="was not found"):
        _cli(tmp_path / "nowhere", tmp_path / "root")
    with pytest.raises(SourceDataInvalid, match="no directory"):
        TerraformCli(TerraformRoot(tmp_path / "not-there", program=str(write_terraform(tmp_path / "bin"))))


def test_text_is_formatted_as_terraform_would(tmp_path: Path) -> None:
    cli = _cli(write_terraform(tmp_path / "bin"), tmp_path / "root")
    assert cli.formatted(b"a  = 1\n") == b"a = 1\n"
