"""The aws source: the live inventory of an account, AWS Config's history of it, and its quotas."""

from __future__ import annotations

from collections.abc import Iterator

from graph.clock import Instant
from graph.model import FactBatch
from ingest.source_doc import SourceDoc
from ingest.sources.aws.batches import SOURCE, cursor_batch
from ingest.sources.aws.doc import PAGE
from ingest.sources.aws.ledger import Ledger
from ingest.sources.aws.settings import AwsSettings

__all__ = ["DOC", "AwsSettings", "AwsSource"]

DOC: SourceDoc = PAGE


class AwsSource:
    """Reads one AWS account."""

    name = SOURCE

    def __init__(self, settings: AwsSettings) -> None:
        self._settings = settings

    @property
    def scope(self) -> str:
        """The account's id, or the name that was set for it."""
        return self._settings.name or self._settings.account_id

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        """See `Source.pull`. What can be read is delivered before an error is raised for the rest."""
        settings = self._settings
        ledger = Ledger.load(cursor, self.scope)
        if ledger.pull_at != now:
            ledger.pull_at, ledger.done = now, []
        if settings.path:
            from ingest.sources.aws.config_files import file_batches

            yield from file_batches(settings, self.scope, ledger)
        if settings.live if settings.live is not None else not settings.path:
            # Loaded only here: the SDK is large, and files need none of it.
            from ingest.aws_client import Aws, access_of
            from ingest.sources.aws.config_live import history_batches
            from ingest.sources.aws.inventory import Inventory

            first = settings.regions[0] if settings.regions not in ((), ("all",)) else ""
            aws = Aws(access_of(settings, first))
            inventory = Inventory(settings, self.scope, aws, ledger, now)
            yield from inventory.batches()
            yield from history_batches(settings, self.scope, aws, inventory.regions, ledger)
        ledger.done = []
        yield cursor_batch(self.scope, ledger, fresh_until=now)
