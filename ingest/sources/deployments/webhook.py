"""Deployments as webhook: our JSON, a CDEvent in structured or binary mode, or an array of either."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from graph.model import Assertion, FactBatch, Quarantined
from ingest.source import SourceDataInvalid
from ingest.sources.deployments.batching import chunks, content_batch
from ingest.sources.deployments.cdevents import binary
from ingest.sources.deployments.documents import document_facts, origin_of
from ingest.sources.deployments.files import FileInvalid, decode_json
from ingest.sources.deployments.record import RecordInvalid
from ingest.sources.deployments.source import EXTRACTOR
from ingest.webhook import Delivery

_HINT = "send JSON with environment, service (or workspace) and finished_at or started_at, or a CDEvent"


def read_webhook(delivery: Delivery, settings: Mapping[str, object]) -> Sequence[FactBatch]:
    """The batches of a delivery.

    Args:
        delivery: its body is one document or an array of them.
        settings: `name` and `actor_system` as the source's own (`DeploymentsSettings`): the same give the same facts.

    Raises:
        SourceDataInvalid: the body is no JSON, or nothing in it is a deployment or an event.
    """
    try:
        body = decode_json(delivery.body)
    except FileInvalid as error:
        raise SourceDataInvalid(f"the webhook's body cannot be read: {error}", _HINT) from None
    origin = origin_of(_setting(settings, "name"), _setting(settings, "actor_system"))
    documents: list[object] = cast("list[object]", body) if isinstance(body, list) else [body]
    facts: list[list[Assertion]] = []
    quarantined: list[Quarantined] = []
    for index, document in enumerate(documents):
        try:
            if isinstance(document, dict):
                document = binary(delivery.headers, cast("Mapping[str, object]", document))
            facts.append(document_facts(document, origin))
        except RecordInvalid as error:
            quarantined.append(Quarantined(f"webhook {delivery.id}#{index}", str(error)))
    if quarantined and len(quarantined) == len(documents):
        raise SourceDataInvalid(f"the webhook is no deployment: {quarantined[0].reason}", _HINT)
    parts: list[list[Assertion]] = list(chunks([group for group in facts if group]))
    if not parts and quarantined:
        parts.append([])
    return [
        content_batch(
            "deployments",
            origin.scope,
            EXTRACTOR,
            part,
            quarantined=quarantined if index == 0 else (),
            fresh_until=delivery.received_at,
        )
        for index, part in enumerate(parts)
    ]


def _setting(settings: Mapping[str, object], name: str) -> str:
    value = settings.get(name)
    return value if isinstance(value, str) else ""
