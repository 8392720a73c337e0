"""The terraform_plan source: plans in files, each told once."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from graph.clock import Instant, instant
from graph.model import Assertion, FactBatch, Quarantined
from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.source_doc import SourceDoc
from ingest.sources.deployments.batching import BATCH_ASSERTIONS, content_batch
from ingest.sources.deployments.files import FileInvalid, InputFile, content_digest, find_files
from ingest.sources.terraform_plan.document import Plan, read_plan
from ingest.sources.terraform_plan.facts import Read, plan_facts
from ingest.sources.terraform_plan.settings import TerraformPlanSettings

__all__ = ["DOC", "TerraformPlanSettings", "TerraformPlanSource"]

EXTRACTOR = "terraform_plan/1"

DOC = SourceDoc(
    about="""\
Plans of Terraform and OpenTofu as JSON (`terraform plan -out=p && terraform show -json p > plan.json`): which instances would be created, updated,
replaced, deleted or moved, with attributes before and after. A plan is an intention, not a change: it `PLANS`, it never `CHANGED`.

A plan leads to the block of code that declares an instance when `repository` and `directory` are set (local modules are followed by the calls that
the plan holds), to the real thing when an ARN is told, and to the instance that a state knows when `lineages` names the state. Sensitive values
are left out, values that are known only after the apply are unknown.
""",
    yields=("Plan", "Environment", "Commit", "PLANS", "PLANNED_FROM"),
    permissions="It reads files that the user who runs infralore may read. Plan files hold secrets in plain text: keep them from others.",
    example="""\
sources:
  - terraform_plan:
      path: /var/lib/plans
      repository: acme/infra
      directory: envs/prod
      environments: {"*": prod}
""",
    limits=(
        "binary plan files: convert them with `terraform show -json`",
        "drift (`resource_drift`), changes of outputs and data sources are passed over; drift is told from states and inventories",
        "other settings (environments, repository) count for what is read from then on: plans already told are told anew only after a purge",
        "instances that are only imported or forgotten are not told: nothing of them would change",
    ),
)


class _Ledger(msgspec.Struct):
    """The cursor's content: path -> digest of the plan told, and why the others could not be read."""

    files: dict[str, str] = {}
    refused: dict[str, str] = {}


class TerraformPlanSource:
    """Reads plans as JSON, format 1.x."""

    name = "terraform_plan"

    def __init__(self, settings: TerraformPlanSettings) -> None:
        self._settings = settings

    @property
    def scope(self) -> str:
        """The location's name: as set, or the absolute path."""
        return self._settings.scope

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        """See `Source.pull`. A file that is no plan is quarantined; when none is one, `SourceDataInvalid` is raised."""
        ledger = self._ledger(cursor)
        found = find_files(self._settings.path, (".json", ".json.gz"), "plans")
        refused: dict[str, str] = {}
        quarantined: list[Quarantined] = []
        for file in found:
            try:
                yield from self._plan(file, ledger)
            except FileInvalid as error:
                refused[file.path] = str(error)
                if ledger.refused.get(file.path) != str(error):
                    quarantined.append(Quarantined(file.path, str(error)))
        ledger.files = {f.path: ledger.files[f.path] for f in found if f.path in ledger.files}
        ledger.refused = refused
        yield self._batch([], ledger, quarantined, now)
        if len(refused) == len(found):
            path, reason = min(refused.items())
            raise SourceDataInvalid(
                f"{path} cannot be read: {reason}", "write it with `terraform show -json PLANFILE > plan.json`"
            )

    def _plan(self, file: InputFile, ledger: _Ledger) -> Iterator[FactBatch]:
        data = file.read()
        digest = content_digest(data)
        if ledger.files.get(file.path) == digest:
            return
        plan = read_plan(data)
        read = Read(plan, file.path, digest, self.scope, self._created_at(file, plan))
        part: list[Assertion] = []
        for assertion in plan_facts(read, self._settings):
            part.append(assertion)
            if len(part) >= BATCH_ASSERTIONS:
                yield self._batch(part, ledger)
                part = []
        ledger.files[file.path] = digest
        yield self._batch(part, ledger)

    def _created_at(self, file: InputFile, plan: Plan) -> Instant:
        stated = self._settings.created_at.get(file.path, "")
        for told in (plan.timestamp, stated):
            try:
                if told:
                    return instant(told)
            except ValueError:
                if told is stated:
                    raise SourceDataInvalid(
                        f"created_at of {file.path} is no time", "write it as 2026-05-04T14:00:00Z"
                    ) from None
        try:
            return file.file.stat().st_mtime_ns // 1_000
        except OSError:
            raise SourceUnavailable(f"{file.path} is gone", "read it again") from None

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
        assertions: list[Assertion],
        ledger: _Ledger,
        quarantined: list[Quarantined] | None = None,
        fresh_until: Instant | None = None,
    ) -> FactBatch:
        return content_batch(
            self.name,
            self.scope,
            EXTRACTOR,
            assertions,
            quarantined=quarantined or (),
            cursor=msgspec.json.encode(ledger, order="sorted").decode(),
            fresh_until=fresh_until,
        )
