"""Webhooks of alerting systems. Each delivery is read alone; see `incident_facts` for how alerts still become incidents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from graph.model import FactBatch
from ingest.source import SourceDataInvalid
from ingest.sources.alerts.payloads import PROVIDERS, read_payload
from ingest.sources.alerts.reports import PayloadInvalid
from ingest.sources.alerts.settings import AlertsSettings
from ingest.sources.alerts.stated import Stated
from ingest.webhook import Delivery


def read_webhook(delivery: Delivery, settings: Mapping[str, object]) -> Sequence[FactBatch]:
    """The batches of a delivery; none for what says nothing of an alert (the confirmation of an SNS subscription).

    The provider is the setting `provider`, else the delivery's event where that is a provider's name, else told by the shape.

    Raises:
        SourceDataInvalid: the body is not what this provider sends, or a setting has a wrong type.
    """
    try:
        chosen = msgspec.convert(dict(settings), AlertsSettings)
    except msgspec.ValidationError:
        raise SourceDataInvalid(
            "the settings of the alerts webhook cannot be used", "see docs/sources/alerts.md for their types"
        ) from None
    provider = chosen.provider or (delivery.event if delivery.event in PROVIDERS else "")
    stated = Stated(chosen)
    try:
        read_payload(stated, provider, delivery.body, f"webhook {delivery.id}")
    except PayloadInvalid as error:
        raise SourceDataInvalid(
            f"the delivery {delivery.id} cannot be read: {error}",
            "send the webhooks of this provider, unchanged, to this address; or set `provider`",
        ) from None
    if not stated.size and not stated.quarantined:
        return ()
    return tuple(stated.batches(fresh_until=delivery.received_at))
