"""AWS Config's history from the live recorder, of the resource types that the settings name.

API: https://docs.aws.amazon.com/config/latest/APIReference/API_GetResourceConfigHistory.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

from graph.clock import SECOND, Instant
from graph.model import FactBatch, Quarantined
from ingest.aws_client import Aws
from ingest.aws_errors import ServiceRefused
from ingest.sources.aws.batches import EXTRACTOR, SOURCE, cursor_batch, tagging
from ingest.sources.aws.config_files import assertion_batches
from ingest.sources.aws.config_items import ConfigItem, ItemInvalid, config_item, history, part_of_item
from ingest.sources.aws.ledger import Ledger, batch_id
from ingest.sources.aws.settings import AwsSettings


def history_batches(
    settings: AwsSettings, scope: str, aws: Aws, regions: Sequence[str], ledger: Ledger
) -> Iterator[FactBatch]:
    """What is new of each type in each region, each followed by the cursor. Raises `SourceError`."""
    for region in regions:
        for type_ in settings.config_history:
            key = f"{region} {type_}"
            since = ledger.history.get(key)
            newest = since or 0
            delivered = False
            for resource_id in _resources(aws, region, type_):
                items, notes = _items(aws, region, type_, resource_id, since)
                if since is not None:
                    if not any(item.captured_at > since for item in items):
                        continue
                    # What the new items no longer say is told by the ones before.
                    items, notes = _items(aws, region, type_, resource_id, None)
                newest = max([newest, *(item.captured_at for item in items)])
                if notes:
                    yield FactBatch(batch_id(scope, notes), SOURCE, scope, EXTRACTOR, quarantined=tuple(notes))
                if items:
                    delivered = True
                    of_one = list(history(items, tagging(settings)))
                    ledger.parts.pop(part_of_item(items[0]), None)  # the inventory has the last word again
                    yield from assertion_batches(f"{scope}#{part_of_item(items[0])}", of_one)
            if delivered:
                ledger.history[key] = newest
                yield cursor_batch(scope, ledger)


def _resources(aws: Aws, region: str, type_: str) -> list[str]:
    found: list[str] = []
    pages = aws.pages("config", "list_discovered_resources", region, resourceType=type_, includeDeletedResources=True)
    for page in pages:
        listed = cast("Sequence[Mapping[str, object]]", page.get("resourceIdentifiers") or ())
        found.extend(str(one["resourceId"]) for one in listed if one.get("resourceId"))
    return sorted(set(found))


def _items(
    aws: Aws, region: str, type_: str, resource_id: str, since: Instant | None
) -> tuple[list[ConfigItem], list[Quarantined]]:
    items: list[ConfigItem] = []
    notes: list[Quarantined] = []
    bounds = {} if since is None else {"earlierTime": datetime.fromtimestamp(since / SECOND, UTC)}
    parameters = {"resourceType": type_, "resourceId": resource_id, "chronologicalOrder": "Forward", **bounds}
    locator = f"config:{region}/{type_}/{resource_id}"
    try:
        for page in aws.pages("config", "get_resource_config_history", region, **parameters):
            for one in cast("Sequence[Mapping[str, object]]", page.get("configurationItems") or ()):
                try:
                    item = config_item(one, locator)
                except ItemInvalid as error:
                    notes.append(Quarantined(locator, str(error)))
                    continue
                if item is not None:
                    items.append(item)
    except ServiceRefused as error:
        if error.code != "ResourceNotDiscoveredException":
            raise
    return items, notes
