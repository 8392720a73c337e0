"""AWS Config snapshot and history files: what was configured how, when.

Format: https://docs.aws.amazon.com/config/latest/developerguide/example-s3-snapshot.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from examples.formats.output import Json, hex_id, number_id, stamp_ms, uuid_of, write_json


@dataclass(frozen=True, slots=True)
class ConfigurationItem:
    """One resource as it was at `captured_at`. `status`: OK, ResourceDiscovered or ResourceDeleted."""

    arn: str
    type: str
    id: str
    name: str
    account_id: str
    region: str
    captured_at: datetime
    created_at: datetime
    configuration: Json
    status: str = "OK"
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    relationships: tuple[tuple[str, str, str], ...] = ()
    """Of each related resource: its type, its id, and how it is related (`Is associated with SecurityGroup`)."""


def write_config(directory: Path, items: list[ConfigurationItem], taken_at: datetime) -> None:
    """Write one snapshot file for each account and region."""
    places: dict[tuple[str, str], list[ConfigurationItem]] = defaultdict(list)
    for item in items:
        places[item.account_id, item.region].append(item)
    for (account, region), found in sorted(places.items()):
        snapshot = uuid_of("snapshot", account, region, taken_at)
        name = f"{account}_Config_{region}_ConfigSnapshot_{taken_at:%Y%m%dT%H%M%SZ}_{snapshot}.json.gz"
        write_json(
            directory / "AWSLogs" / account / "Config" / region / f"{taken_at:%Y/%-m/%-d}" / "ConfigSnapshot" / name,
            {"fileVersion": "1.0", "configSnapshotId": snapshot, "configurationItems": [item_json(i) for i in found]},
            indent=None,
        )


def item_json(item: ConfigurationItem) -> Json:
    """A configuration item."""
    return {
        "relatedEvents": [],
        "relationships": [
            {"resourceType": kind, "resourceId": identifier, "name": how}
            for kind, identifier, how in item.relationships
        ],
        "configuration": item.configuration,
        "supplementaryConfiguration": {},
        "tags": dict(item.tags),
        "configurationItemVersion": "1.3",
        "configurationItemCaptureTime": stamp_ms(item.captured_at),
        "configurationStateId": number_id(item.arn, item.captured_at, digits=13),
        "awsAccountId": item.account_id,
        "configurationItemStatus": item.status,
        "resourceType": item.type,
        "resourceId": item.id,
        "resourceName": item.name,
        "ARN": item.arn,
        "awsRegion": item.region,
        "availabilityZone": "Not Applicable",
        "configurationStateMd5Hash": hex_id(item.arn, item.captured_at, digits=32),
        "resourceCreationTime": stamp_ms(item.created_at),
    }
