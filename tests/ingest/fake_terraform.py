"""A program that takes Terraform's arguments and answers as it is told, for tests of who runs it."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

Json = dict[str, object]

_PROGRAM = """#!{python}
import json, os, pathlib, sys, time
told = json.loads(pathlib.Path({answers!r}).read_text())
calls = pathlib.Path({calls!r})
command = sys.argv[1]
with calls.open("a") as file:
    file.write(json.dumps({{"arguments": sys.argv[1:], "environment": dict(os.environ)}}) + "\\n")
if command == "init":
    pathlib.Path(".terraform").mkdir(exist_ok=True)
answer = told.get(command, {{}})
time.sleep(answer.get("sleep", 0))
if command == "fmt":
    sys.stdout.write(sys.stdin.read().replace("  ", " "))
sys.stdout.write(answer.get("out", ""))
sys.stderr.write(answer.get("err", ""))
sys.exit(answer.get("code", 0))
"""


def write_terraform(
    directory: Path,
    *,
    plan: Mapping[str, object] | None = None,
    state: Mapping[str, object] | None = None,
    answers: Mapping[str, Json] | None = None,
) -> Path:
    """The program; what it was called with stands in `calls.jsonl` beside it."""
    directory.mkdir(parents=True, exist_ok=True)
    told: Json = dict(answers or {})
    if plan is not None:
        told.setdefault("show", {"out": json.dumps(plan)})
    if state is not None:
        told.setdefault("state", {"out": json.dumps(state)})
    (directory / "answers.json").write_text(json.dumps(told))
    program = directory / "terraform"
    program.write_text(_PROGRAM.format(python=sys.executable, answers=str(directory / "answers.json"), calls=str(directory / "calls.jsonl")))  # fmt: skip
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


class Called(msgspec.Struct):
    """One call."""

    arguments: list[str]
    environment: dict[str, str]


def calls(program: Path) -> list[Called]:
    """What it was called with, oldest first."""
    lines = (program.parent / "calls.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Called) for line in lines]


def plan(*changes: Mapping[str, object]) -> Json:
    """A plan with these changes of resources."""
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.0",
        "planned_values": {},
        "resource_changes": list(changes),
    }


def change(address: str, before: object, after: object, actions: list[str] | None = None, **more: object) -> Json:
    """A change of a resource in a plan: `before` is what is there, `after` what the code says."""
    type_, name = address.split(".")[-2:]
    told: Json = {"actions": actions or ["update"], "before": before, "after": after, "after_unknown": {}, **more}
    return {"address": address, "type": type_, "name": name, "mode": "managed", "change": told}


def state(serial: int = 3, **instances: Mapping[str, object]) -> Json:
    """A state: `aws_instance__web={...}` is the instance aws_instance.web."""
    resources: list[Json] = []
    for name, attributes in instances.items():
        type_, _, label = name.partition("__")
        instance: Json = {"attributes": dict(attributes), "sensitive_attributes": []}
        resources.append({"mode": "managed", "type": type_, "name": label, "provider": "p", "instances": [instance]})
    return {
        "version": 4,
        "terraform_version": "1.11.0",
        "serial": serial,
        "lineage": "lineage-1",
        "resources": resources,
    }
