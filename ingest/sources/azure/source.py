"""The azure source: what exists (Resource Graph) and who changed it (Activity Log), from files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import msgspec

from graph.clock import Instant
from graph.model import FactBatch, Quarantined
from ingest.source import SourceDataInvalid
from ingest.source_doc import SourceDoc
from ingest.sources.alerts.exports import shape_of
from ingest.sources.azure.activity import Activity
from ingest.sources.azure.resources import read_resource
from ingest.sources.azure.settings import AzureSettings
from ingest.sources.gcp.export_pull import ExportPull, Record

__all__ = ["DOC", "AzureSettings", "AzureSource"]

EXTRACTOR = "azure/1"


class AzureSource:
    """Reads exports of Azure."""

    name = "azure"

    def __init__(self, settings: AzureSettings) -> None:
        self._settings = settings

    @property
    def scope(self) -> str:
        """The setting `name`."""
        return self._settings.name

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        """See `Source.pull`. Records that cannot be read are quarantined; then what an inventory does not list is not gone."""
        if self._settings.path.startswith(("https://", "http://", "abfss://", "wasbs://")):
            raise SourceDataInvalid(
                "storage accounts are not read", "copy the container first: azcopy copy URL DIRECTORY"
            )
        settings = dataclasses.asdict(self._settings)
        activity = Activity()

        def read(locator: str, body: bytes) -> Record:
            try:
                keys = msgspec.json.decode(body, type=dict[str, msgspec.Raw]).keys()
            except msgspec.DecodeError:
                return Quarantined(locator, "it is no JSON object")
            if "operationName" in keys:
                return activity.read(locator, body)
            if "id" in keys and keys & {"type", "properties", "location"}:
                return read_resource(locator, body, self._settings)
            return Quarantined(locator, "it is neither a resource nor a record of the Activity Log")

        yield from ExportPull(
            source=self.name,
            scope=self.scope,
            extractor=EXTRACTOR,
            location=self._settings.path,
            what="results of Resource Graph and records of the Activity Log",
            wrappers=("data", "value", "records"),
            shape=shape_of(EXTRACTOR, {k: v for k, v in settings.items() if k != "path"}),
            read=read,
            end_file=activity.end,
        ).batches(cursor, now)


DOC = SourceDoc(
    about="""What exists in Azure and who changed it, from files: results of Resource Graph (`az graph query -q 'resources' --first 1000
-o json`, an array or an object with `data`) and the Activity Log (`az monitor activity-log list -o json`, or what diagnostic settings write
to a storage account). Both may lie in one directory.

A result of Resource Graph is taken to be complete: what an earlier result at the same path (dates in it do not count) listed and this one
does not is gone. A page that says that the list goes on ends nothing. It was made at the time in its path (`resources-2026-05-01.json`), or
when it is first read; a resource that tells when it last changed holds since then.

The records of one operation (started, accepted, succeeded or failed) are one `AuditEvent`; it has `CHANGED` its resource since it
succeeded. An operation that only reads, or lists keys, is left out. What was asked for is told as the value after, as far as the log holds
the request. Values of template parameters, application settings, connection strings, keys and user data are never kept.""",
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
    ),
    permissions="""None at run time: it reads files. To make them: the role `Reader` on the subscriptions or the management group.

```console
$ az role assignment create --role Reader --assignee <object id of the exporting identity> --scope /subscriptions/<subscription id>
```""",
    example="""sources:
  - azure:
      path: /var/lib/azure-exports
      name: shop
      environments: {shop-prod-rg: prod}""",
    limits=(
        "Storage accounts are not read: copy the container with `azcopy`.",
        "Resource Graph delivers pages of 1,000 rows: put all pages of a result into one file of JSON lines.",
        "An operation whose outcome is missing tells no change.",
        "Records of service health, policies, alerts and recommendations are left out.",
    ),
)
