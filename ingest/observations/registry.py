"""The adapters there are, by name. One is imported when it is opened. To add one: write its module, and add a line to `BACKENDS`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

import msgspec

from ingest.observations.answering import Backend
from ingest.source import SourceDataInvalid


@dataclasses.dataclass(frozen=True, slots=True)
class BackendEntry:
    """Where an adapter is found: `module:Class` of it and of its settings dataclass, and one line about it."""

    name: str
    backend: str
    settings: str
    doc: str


def _entry(name: str, classes: str, doc: str, settings: str = "") -> BackendEntry:
    module = f"ingest.observations.{name}"
    return BackendEntry(name, f"{module}:{classes}Backend", f"{module}:{settings or classes + 'Settings'}", doc)


BACKENDS: Mapping[str, BackendEntry] = {
    entry.name: entry
    for entry in (
        _entry("prometheus", "Prometheus", "Metrics of Prometheus and of what speaks its API, and its service graph."),
        _entry("cloudwatch", "CloudWatch", "Metrics of Amazon CloudWatch, and logs by Logs Insights."),
        _entry("xray", "XRay", "The service graph of AWS X-Ray, and latency, faults and traffic of its services."),
        _entry("loki", "Loki", "Logs of Grafana Loki."),
        _entry("kubernetes", "Kubernetes", "Logs of pods and events of a cluster.", "KubernetesLogSettings"),
        _entry("files", "Files", "Metrics, logs and a service graph from CSV and JSON lines."),
    )
}


def open_observations(name: str, settings: Mapping[str, object]) -> Backend:
    """The adapter of this name with these settings. Nothing is asked yet.

    Raises:
        SourceDataInvalid: there is no such adapter, or a setting is missing, unknown or of the wrong type; one sentence says which.
    """
    if name not in BACKENDS:
        raise SourceDataInvalid(f"there is no observations adapter {name!r}", f"they are {', '.join(sorted(BACKENDS))}")
    entry = BACKENDS[name]
    shape = _load(entry.settings)
    names = [field.name for field in dataclasses.fields(cast("type[_Dataclass]", shape))]
    hint = f"{name} takes {', '.join(names)}"
    if unknown := sorted(set(map(str, settings)) - set(names)):
        raise SourceDataInvalid(f"the observations adapter {name} has no setting {unknown[0]!r}", hint)
    try:
        converted: object = msgspec.convert(dict(settings), shape)
    except msgspec.ValidationError as error:
        what = _sentence(error)
        raise SourceDataInvalid(
            f"the settings of the observations adapter {name} cannot be used: {what}", hint
        ) from None
    return cast("Callable[[object], Backend]", _load(entry.backend))(converted)


def settings_class(name: str) -> type[object]:
    """The settings dataclass of an adapter. Raises `SourceDataInvalid` when there is no such adapter."""
    if name not in BACKENDS:
        raise SourceDataInvalid(f"there is no observations adapter {name!r}", f"they are {', '.join(sorted(BACKENDS))}")
    return _load(BACKENDS[name].settings)


@dataclasses.dataclass
class _Dataclass:
    """What `dataclasses.fields` accepts."""


def _load(path: str) -> type[object]:
    module, _, attribute = path.partition(":")
    return cast("type[object]", getattr(import_module(module), attribute))


def _sentence(error: msgspec.ValidationError) -> str:
    # msgspec: "Expected `str`, got `int` - at `$.path`" or "Object missing required field `path`"
    what, _, where = str(error).partition(" - at `$.")
    if what.startswith("Object missing required field"):
        return what.replace("Object missing required field", "it needs")
    return f"{where.rstrip('`') or 'it'}: {what[:1].lower()}{what[1:]}"
