"""A JSON document (or a row of text) as what it says of deployments: which of the formats it is, and its facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from graph.model import Assertion
from ingest.sources.deployments.cdevents import EnvironmentEvent, is_cdevent, read_cdevent
from ingest.sources.deployments.facts import Origin, deployment, environment_event
from ingest.sources.deployments.record import RecordInvalid, read_record

DEFAULT_SCOPE = "deployments"


def origin_of(name: str, actor_system: str) -> Origin:
    """Who tells, by the settings that files and webhooks share."""
    scope = name.strip() or DEFAULT_SCOPE
    return Origin("deployments", scope, actor_system.strip() or "deployments")


def document_facts(document: object, origin: Origin) -> list[Assertion]:
    """The facts of one document; none for a CDEvent about something else.

    Raises:
        RecordInvalid: it is no deployment and no event.
    """
    if not isinstance(document, dict):
        raise RecordInvalid("it is no JSON object")
    fields = cast("Mapping[str, object]", document)
    if not is_cdevent(fields):
        return list(deployment(read_record(_unwrapped(fields)), origin))
    told = read_cdevent(fields)
    if told is None:
        return []
    if isinstance(told, EnvironmentEvent):
        return list(environment_event(told, origin.scope))
    return list(deployment(told, origin))


def _unwrapped(fields: Mapping[str, object]) -> Mapping[str, object]:
    """Our JSON as the data of a CloudEvent is our JSON."""
    data = fields.get("data")
    return cast("Mapping[str, object]", data) if "specversion" in fields and isinstance(data, dict) else fields
