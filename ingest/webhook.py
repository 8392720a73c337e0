"""Webhooks as facts: a delivery, verified elsewhere, becomes batches without a look at anything else.

A source that takes webhooks has a reader beside its `pull`, named in the registry. What it makes of a delivery depends on the delivery
alone, never on what came before: deliveries may come twice, late and in any order, and the graph must be the same.
So `valid_from` and `observed_at` are times that the payload tells (`updated_at`), and not when it came in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from graph.clock import Instant
from graph.model import FactBatch


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook as it came in, its signature checked.

    Attributes:
        id: the sender's delivery id, or a digest of the body where there is none.
        event: the sender's event name (`pull_request`), empty where the body tells it.
        body: the raw bytes.
        received_at: when it came in; for `fresh_until` only.
        headers: other headers, names in lower case; none that hold credentials.
    """

    id: str
    event: str
    body: bytes
    received_at: Instant
    headers: Mapping[str, str]


class WebhookReader(Protocol):
    """A function of a source's module, `read_webhook`, named in the registry."""

    def __call__(self, delivery: Delivery, settings: Mapping[str, object]) -> Sequence[FactBatch]:
        """The batches of a delivery; none for an event that says nothing of interest.

        Their ids follow from their content, and they carry no cursor. `settings` are those of the webhook in `lore.yaml` (mappings of
        names, never credentials).

        Raises:
            SourceDataInvalid: the body is not what this sender sends.
        """
        ...
