"""Texts and settings put into every place of a written world that holds any, for `bench.planted_secrets`."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from api.signatures import SENDERS
from bench.world_deliveries import Hook
from graph.clock import instant
from ingest.source import Source
from ingest.sources.terraform_plan.source import TerraformPlanSettings, TerraformPlanSource
from ingest.webhook import Delivery

Json = dict[str, Any]
_READ_ONLY = ("Describe", "Get", "List", "Filter", "Assume", "Lookup", "ConsoleLogin")


@dataclass(frozen=True, slots=True)
class Planted:
    """Something to plant.

    Attributes:
        kind: its sort.
        secret: the secret, or the id, itself.
        marker: a word that stands beside it and nowhere else.
        text: words or a line of code that hold it.
        name: of a setting that would hold it.
        value: what that setting would hold: the secret, or a URL with it.
    """

    kind: str
    secret: str
    marker: str
    text: str
    name: str
    value: str

    @property
    def marked(self) -> str:
        """The text with its marker."""
        return f"Note {self.marker}.\n{self.text}"


@dataclass(frozen=True, slots=True)
class Slot:
    """A place of one sort that takes things."""

    place: str
    put: Callable[[Planted], None]


def plant(directory: Path, planted: Sequence[Planted], *, broken: bool = True) -> dict[str, str]:
    """Plant them over all sorts of places, as evenly as there are slots. `broken`: also into files that cannot be read.

    Returns the sort of place by marker.
    """
    files = _Files()
    slots: dict[str, list[Slot]] = {}
    for slot in (*_json_slots(directory, files), *_text_slots(directory), *_git_slots(directory), *(_broken_slots(directory) if broken else ())):  # fmt: skip
        slots.setdefault(slot.place, []).append(slot)
    places = list(slots)
    where: dict[str, str] = {}
    turn = dict.fromkeys(places, 0)
    for n, one in enumerate(planted):
        place = places[n % len(places)]
        slot = slots[place][turn[place] % len(slots[place])]
        turn[place] += 1
        slot.put(one)
        where[one.marker] = place
    files.save()
    _commit(directory)
    return where


def plan_source(directory: Path) -> Source:
    """The source on the plan that was planted into."""
    return TerraformPlanSource(
        TerraformPlanSettings(str(directory / "plans"), repository="acme/infra", directory="envs/prod")
    )


def broken_hooks(planted: Sequence[Planted]) -> list[Hook]:
    """Deliveries that cannot be read, of every sender, with these in them."""
    at = instant("2026-06-01T00:00:00Z")
    hooks: list[Hook] = []
    for n, one in enumerate(planted):
        for sender in SENDERS:
            event = {"github": "pull_request"}.get(sender, "")
            for form, body in enumerate(
                (f'{{"text": {json.dumps(one.text)}, ', json.dumps({"object_kind": "note", "event": one.text, "alerts": one.text}))
            ):  # fmt: skip
                hooks.append(Hook(sender, Delivery(f"{sender}-{n}-{form}", event, body.encode(), at, {})))
    return hooks


class _Files:
    """JSON files, loaded once and written back together."""

    def __init__(self) -> None:
        self._loaded: dict[Path, object] = {}

    def load(self, path: Path, empty: object = None) -> Any:
        if path not in self._loaded:
            self._loaded[path] = json.loads(_bytes(path)) if path.exists() else empty
        return self._loaded[path]

    def lines(self, path: Path) -> list[Json]:
        if path not in self._loaded:
            self._loaded[path] = _Lines(map(json.loads, path.read_text().splitlines()))
        return cast("list[Json]", self._loaded[path])

    def save(self) -> None:
        for path, document in self._loaded.items():
            rows = cast("list[object]", document) if isinstance(document, _Lines) else [document]
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


class _Lines(list[object]):
    """A file with a document a line."""


def _bytes(path: Path) -> bytes:
    raw = path.read_bytes()
    return gzip.decompress(raw) if path.suffix == ".gz" else raw


def _appends(holder: Json, key: str) -> Callable[[Planted], None]:
    """To the text that is there."""

    def put(one: Planted) -> None:
        holder[key] = f"{holder.get(key) or ''}\n\n{one.marked}".strip()

    return put


def _sets(holder: Json, note: str = "") -> Callable[[Planted], None]:
    """As a setting of its own; `note` is the setting that keeps the marker."""

    def put(one: Planted) -> None:
        name = one.name
        while name in holder:
            name = f"old_{name}"
        holder[name] = one.value
        if note:
            holder[note] = f"{holder.get(note, '')} {one.marker}".strip()

    return put


def _json_slots(directory: Path, files: _Files) -> Iterator[Slot]:
    yield from _github(directory / "github" / "repos", files)
    yield from _slack(directory / "slack", files)
    yield from _cloudtrail(directory / "cloudtrail", files)
    yield from _alerts(directory / "alerts", files)
    yield from _kubernetes(directory / "kubernetes" / "prod", files)
    yield from _states(directory / "states", files)
    yield from _plans(directory / "plans", files)
    for row in files.lines(directory / "deployments" / "deployments.jsonl"):
        yield Slot("deployment title", _appends(row, "title"))
    for path in sorted((directory / "aws").rglob("*.json.gz")):
        for item in files.load(path)["configurationItems"]:
            yield Slot("AWS Config description", _appends(item["configuration"], "description"))
            yield Slot("AWS Config tag", _appends(item["tags"], "note"))
            yield Slot("AWS Config setting", _sets(item["configuration"], "description"))


def _github(root: Path, files: _Files) -> Iterator[Slot]:
    for path in sorted(root.rglob("*.json")):
        document = files.load(path)
        rows = _rows(document)
        for row in rows:
            match path.name:
                case "pulls.json":
                    yield Slot("pull request body", _appends(row, "body"))
                    yield Slot("pull request title", _in_line(row, "title"))
                case "reviews.json":
                    yield Slot("review body", _appends(row, "body"))
                case "commits.json":
                    yield Slot("pull request commit", _appends(row["commit"], "message"))
                case "deployments.json":
                    yield Slot("GitHub deployment description", _in_line(row, "description"))
                case "releases.json":
                    yield Slot("release body", _appends(row, "body"))
                case "runs.json":
                    yield Slot("workflow run title", _in_line(row, "display_title"))
                case "jobs.json":
                    yield from (Slot("workflow step", _in_line(step, "name")) for step in row["steps"] if step["conclusion"] == "failure")  # fmt: skip
                case _:
                    pass


def _rows(document: Any) -> list[Json]:
    """The rows of an answer: itself, or the list in it (`workflow_runs`, `jobs`)."""
    if isinstance(document, list):
        return cast("list[Json]", document)
    lists: list[list[Json]] = [v for v in document.values() if isinstance(v, list)]
    return lists[0] if lists else []


def _in_line(holder: Json, key: str) -> Callable[[Planted], None]:
    def put(one: Planted) -> None:
        holder[key] = f"{holder.get(key) or ''} {one.marker} {one.text}".strip()

    return put


def _slack(root: Path, files: _Files) -> Iterator[Slot]:
    for path in sorted(root.glob("*/*.json")):
        for message in files.load(path):
            message.pop("blocks", None)
            yield Slot("Slack message", _appends(message, "text"))
    for channel in files.load(root / "channels.json"):
        yield Slot("Slack channel purpose", _appends(channel["purpose"], "value"))


def _cloudtrail(root: Path, files: _Files) -> Iterator[Slot]:
    for path in sorted(root.rglob("*.json.gz")):
        for record in files.load(path)["Records"]:
            if record["eventName"].startswith(_READ_ONLY):
                continue
            if not isinstance(record.get("requestParameters"), dict):
                record["requestParameters"] = {}
            told = record["requestParameters"]
            yield Slot("CloudTrail parameter", _sets(told, "comment"))
            yield Slot("CloudTrail parameter text", _appends(told, "description"))
            yield Slot(
                "CloudTrail nested parameter", _sets(told.setdefault("environment", {}).setdefault("variables", {}))
            )
            yield Slot("CloudTrail error message", _appends(record, "errorMessage"))


def _alerts(root: Path, files: _Files) -> Iterator[Slot]:
    for path in sorted(root.rglob("*.jsonl")):
        for payload in files.lines(path):
            for alert in payload.get("alerts", ()):
                yield Slot("alert annotation", _appends(alert["annotations"], "description"))
                yield Slot("alert summary", _in_line(alert["annotations"], "summary"))
            data = payload.get("event", {}).get("data", {})
            if "title" in data:
                yield Slot("PagerDuty title", _in_line(data, "title"))


def _kubernetes(root: Path, files: _Files) -> Iterator[Slot]:
    for item in files.load(root / "deployments.json")["items"]:
        yield Slot(
            "Kubernetes annotation", _appends(item["metadata"].setdefault("annotations", {}), "example.net/note")
        )
        for container in item["spec"]["template"]["spec"]["containers"]:

            def variable(one: Planted, container: Json = container) -> None:
                container.setdefault("env", []).append({"name": one.name.upper(), "value": one.value})

            def argument(one: Planted, container: Json = container) -> None:
                container.setdefault("args", []).extend((one.marker, one.text))

            yield Slot("Kubernetes variable", variable)
            yield Slot("Kubernetes argument", argument)
    for item in files.load(root / "events.json")["items"]:
        yield Slot("Kubernetes event", _in_line(item, "message"))
    maps: Json = {"apiVersion": "v1", "kind": "List", "items": []}
    for kind in ("ConfigMap", "Secret"):
        data: Json = {}
        metadata: Json = {"name": "planted", "namespace": "prod", "uid": f"{kind}-uid", "creationTimestamp": "2025-01-01T00:00:00Z"}  # fmt: skip
        maps["items"].append({"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": data})
        yield Slot(f"Kubernetes {kind}", _sets(data))
    files.load(root / "maps.json", maps)


def _states(root: Path, files: _Files) -> Iterator[Slot]:
    for path in sorted(root.glob("*/terraform.tfstate")):
        state = files.load(path)
        outputs: Json = {}
        state["outputs"] = outputs

        def output(one: Planted, outputs: Json = outputs) -> None:
            outputs[f"{one.name}_{len(outputs)}"] = {"value": one.value, "type": "string"}

        yield Slot("state output", output)
        for resource in state["resources"]:
            for instance in resource["instances"]:
                held = instance["attributes"]
                yield Slot("state attribute", _sets(held, "comment"))
                yield Slot("state text", _appends(held, "description"))
                yield Slot("state user data", _appends(held, "user_data"))
                yield Slot("state variables", _sets(held.setdefault("environment", {}), "comment"))


def _plans(root: Path, files: _Files) -> Iterator[Slot]:
    changes: list[Json] = []
    for n in range(12):
        before: Json = {"id": f"i-{n}", "size": 1}
        after: Json = {"id": f"i-{n}", "size": 2}
        address = f"aws_instance.planted[{n}]"
        change: Json = {"actions": ["update"], "before": before, "after": after, "after_unknown": {}}
        changes.append({"address": address, "mode": "managed", "type": "aws_instance", "name": "planted", "index": n, "provider_name": "registry.terraform.io/hashicorp/aws", "change": change})  # fmt: skip
        yield Slot("plan attribute", _sets(after, "comment"))
        yield Slot("plan text", _appends(before, "user_data"))
    document: Json = {"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": changes, "timestamp": "2025-05-04T13:00:00Z", "configuration": {"root_module": {}}}  # fmt: skip
    files.load(root / "plan.json", document)


def _text_slots(directory: Path) -> Iterator[Slot]:
    def paragraph(path: Path) -> Callable[[Planted], None]:
        return lambda one: _append(path, f"\n## Step {one.marker}\n\n{one.text}\n")

    def fence(path: Path) -> Callable[[Planted], None]:
        return lambda one: _append(path, f"\nThen, {one.marker}:\n\n```sh\n{one.text}\n```\n")

    for path in sorted((directory / "docs").rglob("*.md")):
        yield Slot("document", paragraph(path))
        yield Slot("code in a document", fence(path))

    def component(one: Planted) -> None:
        metadata = {
            "name": f"planted-{one.marker}",
            "description": one.marked,
            "annotations": {f"example.net/{one.name}": one.value},
        }
        entity = {"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": metadata, "spec": {"type": "service", "lifecycle": "production", "owner": "x"}}  # fmt: skip
        _append(directory / "catalog" / "catalog-info.yaml", "\n---\n" + yaml.safe_dump(entity))

    yield Slot("catalog description", component)


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def _git_slots(directory: Path) -> Iterator[Slot]:
    for repository in sorted((directory / "repos").iterdir()):

        def message(one: Planted, repository: Path = repository) -> None:
            _git(repository, "commit", "-q", "--allow-empty", "-m", f"Change {one.marker}\n\n{one.text}")

        def terraform(one: Planted, repository: Path = repository) -> None:
            body = f'  {one.name} = {json.dumps(one.value)}\n  comment = "{one.marker}"\n  user_data = <<-EOT\n{one.text}\nEOT\n'
            _append(repository / "planted.tf", f'\nresource "aws_instance" "{one.marker}" {{\n{body}}}\n')

        def settings(one: Planted, repository: Path = repository) -> None:
            _append(repository / "planted.yaml", yaml.safe_dump({one.marker: {"note": one.text, one.name: one.value}}))

        def dotenv(one: Planted, repository: Path = repository) -> None:
            _append(repository / ".env", f"# {one.marker}\n{one.name.upper()}={one.value}\n# {one.text}\n")

        yield Slot("commit message", message)
        yield Slot("Terraform code", terraform)
        yield Slot("YAML file", settings)
        yield Slot("env file", dotenv)


def _commit(directory: Path) -> None:
    for repository in sorted((directory / "repos").iterdir()):
        _git(repository, "add", "-A")
        _git(repository, "commit", "-q", "--allow-empty", "-m", "Add what was missing")


def _git(repository: Path, *arguments: str) -> None:
    at = "2025-05-05T00:00:00Z"
    who = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in (("NAME", "Ada"), ("EMAIL", "ada@example.net"), ("DATE", at))}  # fmt: skip
    subprocess.run(["git", "-C", str(repository), *arguments], env=os.environ | who, check=True, capture_output=True)  # noqa: TID251


def _broken_slots(directory: Path) -> Iterator[Slot]:
    def cut(path: Path) -> Callable[[Planted], None]:
        return lambda one: _write(
            path.parent / path.name.format(one.marker), f'{{"title": {json.dumps(one.text)}, "n": '
        )

    def line(path: Path) -> Callable[[Planted], None]:
        return lambda one: _append(
            path, f'{{"environment": "prod", "service": "x", "finished_at": {json.dumps(one.text)}}}\n'
        )

    yield Slot("unreadable alert", cut(directory / "alerts" / "grafana" / "{}.json"))
    yield Slot("unreadable state", cut(directory / "states" / "{}" / "terraform.tfstate"))
    yield Slot("unreadable manifest", cut(directory / "kubernetes" / "prod" / "{}.json"))
    yield Slot("unreadable plan", cut(directory / "plans" / "{}.json"))
    yield Slot("unreadable deployment", line(directory / "deployments" / "odd.jsonl"))
    yield Slot("unreadable audit file", cut(directory / "cloudtrail" / "{}.json"))
    yield Slot(
        "unreadable catalog", lambda one: _write(directory / "catalog" / f"{one.marker}.yaml", f"a: [\n{one.text}\n")
    )
    yield Slot("unreadable sheet", lambda one: _append(directory / "catalog" / "odd.csv", f'name,owner\n"{one.text}'))
    yield Slot("unreadable commit of a pull request", lambda one: _write(directory / "github" / "repos" / "broken" / one.marker / "pulls.json", f'[{{"body": {json.dumps(one.text)}'))  # fmt: skip
    yield Slot("unreadable certificate", lambda one: _write(directory / "certificates" / f"{one.marker}.pem", one.text))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
