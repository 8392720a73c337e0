"""The gcp source: what exists (Cloud Asset Inventory) and who changed it (Cloud Audit Logs), from files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import msgspec

from graph.clock import Instant
from graph.model import FactBatch, Quarantined
from ingest.source import SourceDataInvalid
from ingest.source_doc import SourceDoc
from ingest.sources.alerts.exports import shape_of
from ingest.sources.gcp.assets import read_asset
from ingest.sources.gcp.audit import read_entry
from ingest.sources.gcp.export_pull import ExportPull, Record
from ingest.sources.gcp.settings import GcpSettings

__all__ = ["DOC", "GcpSettings", "GcpSource"]

EXTRACTOR = "gcp/1"


class GcpSource:
    """Reads exports of Google Cloud."""

    name = "gcp"

    def __init__(self, settings: GcpSettings) -> None:
        self._settings = settings

    @property
    def scope(self) -> str:
        """The setting `name`."""
        return self._settings.name

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        """See `Source.pull`. Records that cannot be read are quarantined; then what an inventory does not list is not gone."""
        if self._settings.path.startswith("gs://"):
            raise SourceDataInvalid(
                "buckets are not read", f"copy it first: gcloud storage cp -r {self._settings.path} DIRECTORY"
            )
        settings = dataclasses.asdict(self._settings)
        yield from ExportPull(
            source=self.name,
            scope=self.scope,
            extractor=EXTRACTOR,
            location=self._settings.path,
            what="exports of Cloud Asset Inventory and Cloud Audit Logs",
            wrappers=("assets", "entries", "results"),
            shape=shape_of(EXTRACTOR, {k: v for k, v in settings.items() if k != "path"}),
            read=self._read,
        ).batches(cursor, now)

    def _read(self, locator: str, body: bytes) -> Record:
        try:
            keys = msgspec.json.decode(body, type=dict[str, msgspec.Raw]).keys()
        except msgspec.DecodeError:
            return Quarantined(locator, "it is no JSON object")
        if keys & {"protoPayload", "logName", "insertId"}:
            return read_entry(locator, body, self._settings)
        if keys & {"assetType", "asset_type"}:
            return read_asset(locator, body, self._settings)
        return Quarantined(locator, "it is neither an asset nor a log entry")


DOC = SourceDoc(
    about="""What exists in Google Cloud and who changed it, from files: exports of Cloud Asset Inventory (`gcloud asset export
--content-type=resource`, or `iam-policy`) and entries of Cloud Audit Logs (`gcloud logging read --format=json`, or what a log sink
writes). Both may lie in one directory.

An export of assets is complete: what an earlier export at the same path (dates in it do not count) listed and this one does not is gone.
It was made at the time in its path (`assets-2026-05-01.json`), at its assets' read time, or else when it is first read. Each asset holds
since its update time. With other settings the newest export of a place is told again; older ones keep what was said of them.

Each call of the audit log is an `AuditEvent` with `CHANGED` to its resource, under the name that the inventory has for it; a call that
failed changed nothing. What was asked for is told as the value after; the value before only where the log tells it (IAM bindings).
Environments, metadata of machines, keys and passwords are never kept.""",
    yields=(
        "Resource",
        "CloudAccount",
        "AuditEvent",
        "Account",
        "Environment",
        "CHANGED",
        "PERFORMED_BY",
        "PART_OF",
        "RUNS_IN",
        "DEPENDS_ON",
        "SAME_AS",
    ),
    permissions="""None at run time: it reads files. To make them: `roles/cloudasset.viewer` and `roles/logging.viewer` (for data access logs
`roles/logging.privateLogViewer`) on the project, folder or organisation, and the right to write where the export goes.

```console
$ for role in roles/cloudasset.viewer roles/logging.viewer; do
    gcloud projects add-iam-policy-binding shop-prod-1 --role="$role" \\
      --member=serviceAccount:infralore-export@shop-ops.iam.gserviceaccount.com
  done
```""",
    example="""sources:
  - gcp:
      path: /var/lib/gcp-exports
      name: shop
      environments: {shop-prod-1: prod, shop-staging-1: staging}""",
    limits=(
        "Buckets (`gs://`) are not read: copy the files with `gcloud storage cp -r`.",
        "A long operation whose first log entry is missing tells no change.",
        "Feeds of assets (temporal assets with `deleted`) are not read.",
    ),
)
