"""CDEvents: what happened to services and environments, in the words of a standard.

Format: https://github.com/cdevents/spec/blob/main/continuous-deployment.md, carried by CloudEvents
(https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md) or bare. An event says that something has
happened, so each is a finished deployment, but for those of the `deployment` subject, which begin and end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast
from urllib.parse import parse_qs, unquote

from graph.clock import Instant
from ingest.sources.deployments.record import OUTCOMES, Record, RecordInvalid, checked, identified, moment, read_record

_PREFIX = "dev.cdevents."
_SERVICE = {
    "deployed": ("deploy", "updated"),
    "upgraded": ("deploy", "updated"),
    "rolledback": ("rollback", "updated"),
    "removed": ("remove", "deleted"),
    "published": ("publish", "updated"),
}
"""Predicate of a `service` event -> action, and effect. `deployed` says nothing of whether it was the first time, so not `created`."""
_CUSTOM = (
    "version",
    "previous_version",
    "commit",
    "repository",
    "actor",
    "url",
    "run_url",
    "title",
    "tool",
    "started_at",
)
"""Fields of our own that are taken from `customData`."""


@dataclass(frozen=True, slots=True)
class EnvironmentEvent:
    """An environment was created, modified or deleted."""

    id: str
    name: str
    present: bool
    at: Instant
    url: str


def is_cdevent(document: Mapping[str, object]) -> bool:
    """Whether this is a CDEvent, bare or within a structured CloudEvent."""
    return _type(document).startswith(_PREFIX)


def read_cdevent(document: Mapping[str, object]) -> Record | EnvironmentEvent | None:
    """What an event says; None for one about something else (a build, a test, a change).

    Raises:
        RecordInvalid: it is one of the events that are read, and says too little.
    """
    subject_type, _, rest = _type(document).removeprefix(_PREFIX).partition(".")
    predicate = rest.partition(".")[0]
    event = _mapping(document.get("data")) if "specversion" in document and "data" in document else document
    if subject_type == "service" and predicate in _SERVICE:
        return _service(document, event, predicate)
    if subject_type == "deployment" and predicate in ("started", "finished"):
        return _deployment(document, event, predicate)
    if subject_type == "environment" and predicate in ("created", "modified", "deleted"):
        return _environment(document, event, predicate)
    return None


def binary(headers: Mapping[str, str], body: Mapping[str, object]) -> Mapping[str, object]:
    """A CloudEvent in binary mode (attributes in `ce-*` headers) as a structured one; other bodies as they are."""
    if "ce-type" not in headers:
        return body
    attributes = {name[3:]: unquote(value) for name, value in headers.items() if name.startswith("ce-")}
    return {"specversion": "1.0", **attributes, "data": body}


def _service(document: Mapping[str, object], event: Mapping[str, object], predicate: str) -> Record:
    action, effect = _SERVICE[predicate]
    subject = _mapping(event.get("subject"))
    content = _mapping(subject.get("content"))
    fields = _custom(event)
    fields |= {
        "id": _id(document, event),
        "service": _last(_string(subject.get("id"))),
        "environment": _environment_name(content),
        "action": action,
        "finished_at": _timestamp(document, event),
    }
    return replace(_recorded(fields, content), effect=effect)


def _deployment(document: Mapping[str, object], event: Mapping[str, object], predicate: str) -> Record:
    subject = _mapping(event.get("subject"))
    content = _mapping(subject.get("content"))
    at = _timestamp(document, event)
    outcome = _string(content.get("outcome")).lower()
    fields = _custom(event)
    fields |= {
        # Its own id, not the event's: beginning and end are about the same deployment.
        "id": _string(subject.get("id")) or _id(document, event),
        "service": fields.get("service") or _artifact_name(_string(content.get("artifactId"))),
        "environment": _environment_name(content),
        "outcome": "in_progress" if predicate == "started" else OUTCOMES.get(outcome, outcome),
        "started_at" if predicate == "started" else "finished_at": at,
    }
    return _recorded(fields, content)


def _environment(document: Mapping[str, object], event: Mapping[str, object], predicate: str) -> EnvironmentEvent:
    subject = _mapping(event.get("subject"))
    content = _mapping(subject.get("content"))
    name = _string(content.get("name")) or _last(_string(subject.get("id")))
    if not name:
        raise RecordInvalid("it names no environment")
    try:
        at = moment(_timestamp(document, event))
    except ValueError:
        raise RecordInvalid("its timestamp is no time") from None
    url = _string(content.get("url")) or _string(content.get("uri"))
    url = url if url.startswith(("https://", "http://")) else ""
    return EnvironmentEvent(_id(document, event), name, predicate != "deleted", at, url)


def _recorded(fields: dict[str, object], content: Mapping[str, object]) -> Record:
    if not fields.get("version"):
        fields["version"] = _artifact_version(_string(content.get("artifactId")))
    fields.setdefault("tool", "cdevents")
    return identified(checked(read_record(fields)))


def _custom(event: Mapping[str, object]) -> dict[str, object]:
    custom = _mapping(event.get("customData"))
    return {name: custom[name] for name in (*_CUSTOM, "service") if custom.get(name) not in (None, "")}


def _type(document: Mapping[str, object]) -> str:
    return _string(document.get("type")) or _string(_mapping(document.get("context")).get("type"))


def _id(document: Mapping[str, object], event: Mapping[str, object]) -> str:
    return _string(_mapping(event.get("context")).get("id")) or _string(document.get("id"))


def _timestamp(document: Mapping[str, object], event: Mapping[str, object]) -> str:
    return _string(_mapping(event.get("context")).get("timestamp")) or _string(document.get("time"))


def _environment_name(content: Mapping[str, object]) -> str:
    environment = content.get("environment")
    if isinstance(environment, str):
        return _last(environment)
    told = _mapping(environment)
    return _string(told.get("name")) or _last(_string(told.get("id")))


def _artifact_version(purl: str) -> str:
    """The version of a package URL: its `tag` qualifier (images are versioned by digest), else what follows the `@`."""
    path, _, qualifiers = purl.partition("#")[0].partition("?")
    if tags := parse_qs(qualifiers).get("tag"):
        return tags[0]
    return unquote(path.rpartition("@")[2]) if "@" in path else ""


def _artifact_name(purl: str) -> str:
    path = purl.partition("#")[0].partition("?")[0]
    return unquote(path.rpartition("@")[0] if "@" in path else path).rpartition("/")[2]


def _last(path: str) -> str:
    """The name in an id that is a path: `service/checkout`."""
    return path.rstrip("/").rpartition("/")[2]


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}
