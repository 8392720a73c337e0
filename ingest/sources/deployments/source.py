"""The deployments source: files of deployments that any tool has written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from graph.clock import Instant
from graph.model import Assertion, FactBatch, Quarantined
from ingest.source import SourceDataInvalid
from ingest.source_doc import SourceDoc
from ingest.sources.deployments.batching import BATCH_ASSERTIONS, content_batch
from ingest.sources.deployments.documents import document_facts, origin_of
from ingest.sources.deployments.files import find_files
from ingest.sources.deployments.record import RecordInvalid
from ingest.sources.deployments.rows import Read, Step, steps

EXTRACTOR = "deployments/1"
_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".jsonl.gz", ".json.gz", ".csv.gz")


@dataclass(frozen=True, slots=True)
class DeploymentsSettings:
    """Where deployments are told of.

    Attributes:
        path: a file or a directory (read recursively) of `*.jsonl`, `*.json` (an array or one object) and `*.csv`, each also as `.gz`.
        name: the scope that numbers these deployments. The webhook's `name` must be the same for files and webhook to speak of the same
            deployments. Give one to each of several sources of this kind.
        actor_system: the system on which `actor` is a login (`github`, `slack`, `aws` …), where all come from one. Left out, an actor is
            an account of its own, which the identity rules join to a person by its mail address or login.
    """

    path: str
    name: str = "deployments"
    actor_system: str = "deployments"


DOC = SourceDoc(
    about="""\
Deployments, rollbacks, applies and restarts, whatever tool made them. Two formats are understood, both in files and as webhook
(`POST /webhooks/deployments`): our own JSON and [CDEvents](https://cdevents.dev).

Our JSON has these fields; `environment`, `service` or `workspace`, and `finished_at` or `started_at` are required:

| field | meaning |
| --- | --- |
| `id` | its id where it comes from, unique within this source; without one a digest of service, environment, beginning and version |
| `service` | what was deployed |
| `environment` | where: `prod`, `staging` … |
| `version`, `previous_version` | version, image tag or commit, and the one it replaced |
| `commit`, `repository` | full hash of the code, and `owner/name` of its repository |
| `actor` | who: a login or a mail address |
| `outcome` | `succeeded` (also when left out), `failed`, `in_progress`, `cancelled` |
| `started_at`, `finished_at` | RFC 3339, or seconds since 1970 |
| `updated_at` | when this was said, where the same moment may be told twice and differently |
| `action` | `deploy`, `rollback`, `apply`, `config`, `restart`, `scale` |
| `workspace` | Terraform workspace or stack of an `apply` |
| `tool`, `title` | what made it, and one line about it |
| `url`, `run_url` | its page, and the pipeline run that made it |

A line of JSON may be a record or a CDEvent; a CSV has the same names in its first line. Of CDEvents the predicates of `service`
(deployed, upgraded, rolledback, removed, published), of `environment` and `deployment.started`/`finished` are read; our fields in
`customData` are taken over. The webhook takes one document or an array, CloudEvents in structured or binary mode.

A beginning and an end of the same `id` are two versions of one deployment, and may come twice, late and in any order. A deployment that
did not succeed changed nothing. Files are read again from where they were left: a file of JSON lines may grow.
""",
    yields=(
        "Deployment",
        "Environment",
        "Service",
        "Account",
        "Commit",
        "WorkflowRun",
        "RUNS_IN",
        "DEPLOYS",
        "PERFORMED_BY",
        "CHANGED",
        "REACHED",
        "TRIGGERED_BY",
        "MENTIONS",
    ),
    permissions="""\
It reads files that the user who runs infralore may read. The webhook needs its shared secret, which `openssl rand -hex 32` makes.
""",
    example="""\
sources:
  - deployments:
      path: /var/lib/deploys
webhooks:
  deployments:
    secret: ${DEPLOYMENTS_WEBHOOK_SECRET}
""",
    limits=(
        "CDEvents about builds, tests, changes and pipelines are passed over",
        "what is taken out of a file stays in the graph: a file is a log, not an inventory",
    ),
)


class _Ledger(msgspec.Struct):
    """The cursor's content: path -> how far it was read."""

    files: dict[str, Read] = {}


class DeploymentsSource:
    """Reads files of deployments."""

    name = "deployments"

    def __init__(self, settings: DeploymentsSettings) -> None:
        self._settings = settings
        self._origin = origin_of(settings.name, settings.actor_system)

    @property
    def scope(self) -> str:
        """The name of the settings."""
        return self._origin.scope

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        """See `Source.pull`. A file that cannot be read is quarantined; when none can be, `SourceDataInvalid` is raised."""
        ledger = self._ledger(cursor)
        found = find_files(self._settings.path, _SUFFIXES, "deployments")
        ledger.files = {f.path: ledger.files[f.path] for f in found if f.path in ledger.files}
        facts: list[Assertion] = []
        quarantined: list[Quarantined] = []
        for file in found:
            for step in steps(file, ledger.files.get(file.path)):
                self._take(step, facts, quarantined)
                if step.read is not None:
                    ledger.files[file.path] = step.read
                if len(facts) + len(quarantined) >= BATCH_ASSERTIONS:
                    yield self._batch(facts, quarantined, ledger)
                    facts, quarantined = [], []
        yield self._batch(facts, quarantined, ledger, now)
        if all(read.refused for read in ledger.files.values()):
            path, read = min(ledger.files.items())
            raise SourceDataInvalid(
                f"{path} cannot be read: {read.refused}",
                "give JSON lines, a JSON array, or a CSV with a line of column names",
            )

    def _take(self, step: Step, facts: list[Assertion], quarantined: list[Quarantined]) -> None:
        if step.reason:
            quarantined.append(Quarantined(step.locator, step.reason))
        elif step.document is not None:
            try:
                facts += document_facts(step.document, self._origin)
            except RecordInvalid as error:
                quarantined.append(Quarantined(step.locator, str(error)))

    def _ledger(self, cursor: str | None) -> _Ledger:
        try:
            return msgspec.json.decode(cursor, type=_Ledger) if cursor else _Ledger()
        except msgspec.DecodeError:
            raise SourceDataInvalid(
                f"the cursor of {self.scope} is not one of this source",
                "purge this source and scope, then read it again",
            ) from None

    def _batch(
        self,
        facts: list[Assertion],
        quarantined: list[Quarantined],
        ledger: _Ledger,
        fresh_until: Instant | None = None,
    ) -> FactBatch:
        return content_batch(
            self.name,
            self.scope,
            EXTRACTOR,
            facts,
            quarantined=quarantined,
            cursor=msgspec.json.encode(ledger, order="sorted").decode(),
            fresh_until=fresh_until,
        )
