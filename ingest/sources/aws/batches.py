"""Sub-scopes and batches, alike for the live inventory and for AWS Config."""

from __future__ import annotations

from collections.abc import Sequence

from graph.clock import Instant
from graph.model import Fact, FactBatch
from ingest.sources.aws.facts import Tagging
from ingest.sources.aws.ledger import Ledger, batch_id
from ingest.sources.aws.settings import AwsSettings
from ingest.sources.aws.table import Collection

SOURCE = "aws"
EXTRACTOR = "aws/1"
GLOBAL = "global"


def part_of(collection: Collection, account_id: str, region: str) -> str:
    """The sub-scope of a collection: `account/region/service/type`."""
    return f"{account_id}/{region or GLOBAL}/{collection.service}/{collection.type}"


def tagging(settings: AwsSettings) -> Tagging:
    """What the settings say of tags."""
    return Tagging(settings.environment, settings.environment_tags, settings.service_tags)


def cursor_batch(scope: str, ledger: Ledger, fresh_until: Instant | None = None) -> FactBatch:
    """A batch that only says where to go on, and up to when all was read."""
    cursor = ledger.dump()
    return FactBatch(
        id=batch_id(scope, cursor, fresh_until),
        source=SOURCE,
        scope=scope,
        extractor=EXTRACTOR,
        cursor=cursor,
        fresh_until=fresh_until,
    )


def set_of(told: Sequence[tuple[str, Fact]]) -> list[tuple[str, Fact]]:
    """Each fact once: the environment of a hundred resources is one fact."""
    once: dict[str, tuple[str, Fact]] = {}
    for locator, fact in told:
        once.setdefault(fact.key, (locator, fact))
    return list(once.values())
