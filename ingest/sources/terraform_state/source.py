"""The terraform_state source: each serial of each state is a complete snapshot of its resources.

A version is delivered as two batches. The first has a scope of its own (location, workspace and lineage) and is a snapshot: what it does
not hold is gone. The second has the location's scope and says that the serial was recorded and what it changed, and carries the cursor;
events are not part of a snapshot, else the next one would end them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path

import msgspec

from graph.clock import Instant
from graph.model import Assertion, FactBatch, Quarantined, Snapshot
from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.source_doc import SourceDoc
from ingest.sources.terraform_state.document import StateInvalid, parse
from ingest.sources.terraform_state.facts import (
    Fingerprints,
    Read,
    Version,
    batch_id,
    existing,
    fingerprints,
    read_version,
    recorded,
    unreadable,
)
from ingest.sources.terraform_state.ledger import Known, Ledger
from ingest.sources.terraform_state.places import candidates, content_digest
from ingest.sources.terraform_state.settings import TerraformStateSettings
from ingest.sources.terraform_state.versions import Dated, Head, Survey, survey, to_take

EXTRACTOR = "terraform_state/1"
_LARGE_CURSOR_CHARS = 256 * 1024
_LARGE_CURSOR_EVERY = 8

DOC = SourceDoc(
    about="""\
Which instances Terraform or OpenTofu manages, where, and what each apply changed, from state files of format 4: a file, a directory (backups beside
a state are older versions of it), or an S3 bucket with all object versions it keeps. Each serial of a lineage is a complete snapshot: what it does
not hold is gone. What differs from the serial before is what was changed, attribute by attribute.

With `repository` and `directory` an instance leads to the block of code that declares it. An instance with an ARN, or an id that makes one, is the
same thing as what CloudTrail, the AWS inventory and the others name so.

Values that the state marks as sensitive are never kept; that one of them changed is told by a digest under a key of this machine.
""",
    yields=(
        *("Resource", "StateVersion", "Environment"),
        *("CHANGED", "DECLARES", "CONFIGURES", "DEPENDS_ON", "RUNS_IN", "REACHED", "SAME_AS"),
    ),
    permissions="""\
Files need none but the right to read them; state holds secrets in plain text, so keep it from others. For a bucket (no lock table is touched):

```json
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["s3:ListBucket", "s3:ListBucketVersions"],
      "Resource": "arn:aws:s3:::STATE-BUCKET",
      "Condition": {"StringLike": {"s3:prefix": ["prod/*", "env:/*"]}}
    },
    {
      "Effect": "Allow",
      "Action": ["s3:GetObject", "s3:GetObjectVersion"],
      "Resource": ["arn:aws:s3:::STATE-BUCKET/prod/*", "arn:aws:s3:::STATE-BUCKET/env:/*/prod/*"]
    }
  ]
}
```

Workspaces other than `default` lie below `env:/`. Where the bucket is encrypted with a key of your own, `kms:Decrypt` on that key as well. Credentials are found as by every AWS tool.
""",
    example="""\
sources:
  - terraform_state:
      location: s3://acme-terraform-state/prod/
      environments: {"*": prod}
      repository: acme/infra
      directory: environments/prod
""",
    limits=(
        "State files hold no time: the time of last modification counts, or `taken_at`.",
        "Who applied, and from which commit, is told by the github, gitlab, deployments and cloudtrail sources.",
        "Other backends (HCP Terraform, GCS, azurerm, http): `terraform state pull > prod.tfstate`, and read the file.",
        "Resources of modules that `modules` does not list lead to no code: a state does not say where it is.",
    ),
)


class TerraformStateSource:
    """Reads Terraform and OpenTofu states of format 4."""

    name = "terraform_state"

    def __init__(self, settings: TerraformStateSettings) -> None:
        self._settings = settings
        self._key = settings.digest_key.encode()[:64]

    @property
    def scope(self) -> str:
        """The location's name: as set, or the `s3://` address, or the absolute path."""
        settings = self._settings
        if settings.name or settings.location.startswith("s3://"):
            return settings.name or settings.location.rstrip("/")
        return Path(settings.location).expanduser().absolute().as_posix()

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        """See `Source.pull`. What can be read is delivered before `SourceDataInvalid` is raised for the rest."""
        try:
            ledger = Ledger.load(cursor)
        except msgspec.DecodeError:
            raise SourceDataInvalid(
                f"the cursor of {self.scope} is not one of this source",
                "purge this source and scope, then read it again",
            ) from None
        found = survey(candidates(self._settings), ledger, self._settings)
        taken = 0
        for key in sorted(found.heads):
            if not found.heads[key]:
                continue
            new = to_take(key, found, ledger, self._settings, now)
            if not new:
                yield from self._again(key, found, ledger, now)
            before = self._before(key, found, ledger)
            for dated in new:
                taken += 1
                version = self._version(dated, dated.taken_at)
                read = read_version(version)
                yield self._snapshot(version, read)
                ledger.states[key] = self._known(dated, read)
                yield self._events(version, read, before, ledger, taken)
                before = read
        yield from self._ended(found, ledger, now)
        ledger.places = found.places
        notes = self._notes(found.notes)
        if found.notes and ledger.notes != notes.id:
            yield notes
        ledger.notes = notes.id if found.notes else ""
        yield self._finish(ledger, now)
        if found.refusals:
            raise found.refusals[0]

    # -- one version

    def _version(self, dated: Dated, observed_at: Instant) -> Version:
        candidate = dated.head.candidate
        data = candidate.read()
        if content_digest(data) != dated.head.seen.digest:
            raise SourceUnavailable(f"{candidate.locator} was written while it was read", "read it again")
        try:
            state = parse(data)
        except StateInvalid as error:
            raise SourceDataInvalid(f"{candidate.locator} cannot be read: {error}", error.hint) from None
        return Version(state, candidate.path, candidate.workspace, candidate.locator, dated.taken_at, observed_at)

    def _before(self, key: str, found: Survey, ledger: Ledger) -> Read | Fingerprints | None:
        """The version taken last: itself when a backup or an object version still holds it, else what the cursor remembers."""
        known = ledger.states.get(key)
        if known is None:
            return None
        for head in found.heads[key]:
            if head.seen.serial == known.serial and head.seen.digest == known.digest:
                return read_version(self._version(Dated(head, known.taken_at), known.taken_at))
        return known.prints if known.key == self._key_mark() else None

    def _again(self, key: str, found: Survey, ledger: Ledger, now: Instant) -> Iterator[FactBatch]:
        """The newest version once more, because other settings or a newer extractor make other facts of it."""
        known = ledger.states.get(key)
        if known is None or known.shape == self._shape():
            return
        head: Head | None = next((h for h in found.heads[key] if h.seen.serial == known.serial), None)
        if head is None:
            return
        dated = Dated(head, known.taken_at)
        version = self._version(dated, max(now, known.taken_at))
        read = read_version(version)
        yield self._snapshot(version, read)
        ledger.states[key] = self._known(dated, read)
        yield self._batch(list(recorded(version, read, None, self._settings, self._key)))

    def _known(self, dated: Dated, read: Read) -> Known:
        head = dated.head.seen
        prints = fingerprints(read, self._key)
        return Known(head.serial, dated.taken_at, head.digest, self._shape(), self._key_mark(), prints)

    # -- batches

    def _snapshot(self, version: Version, read: Read) -> FactBatch:
        assertions = list(existing(version, read, self._settings))
        quarantined = tuple(unreadable(version, read))
        scope = self._state_scope(version.workspace, version.state.lineage)
        snapshot = Snapshot(version.taken_at, version.state.serial)
        return FactBatch(
            id=batch_id(scope, snapshot, quarantined, assertions=assertions),
            source=self.name,
            scope=scope,
            extractor=EXTRACTOR,
            assertions=assertions,
            snapshot=snapshot,
            quarantined=quarantined,
        )

    def _events(
        self, version: Version, read: Read, before: Read | Fingerprints | None, ledger: Ledger, taken: int
    ) -> FactBatch:
        assertions = list(recorded(version, read, before, self._settings, self._key))
        cursor = ledger.dump()
        # A large cursor with every one of many versions would be most of what is written; what is read twice changes nothing.
        keep = len(cursor) < _LARGE_CURSOR_CHARS or taken % _LARGE_CURSOR_EVERY == 0
        return self._batch(assertions, cursor=cursor if keep else None)

    def _ended(self, found: Survey, ledger: Ledger, now: Instant) -> Iterator[FactBatch]:
        """Nothing exists any more of a state whose place holds another, accepted, lineage."""
        for key, successor in sorted(found.replaced.items()):
            known = ledger.states.pop(key)
            after = ledger.states.get(successor)
            taken_at = max(after.taken_at if after is not None else now, known.taken_at + 1)
            scope = self._state_scope(*key.split("\x1f", 1))
            snapshot = Snapshot(taken_at, known.serial + 1)
            yield FactBatch(
                id=batch_id(scope, snapshot, "replaced"),
                source=self.name,
                scope=scope,
                extractor=EXTRACTOR,
                snapshot=snapshot,
            )

    def _notes(self, notes: list[Quarantined]) -> FactBatch:
        return self._batch([], quarantined=tuple(sorted(notes, key=lambda n: (n.locator, n.reason))))

    def _finish(self, ledger: Ledger, now: Instant) -> FactBatch:
        return self._batch([], cursor=ledger.dump(), fresh_until=now)

    def _batch(
        self,
        assertions: list[Assertion],
        cursor: str | None = None,
        fresh_until: Instant | None = None,
        quarantined: tuple[Quarantined, ...] = (),
    ) -> FactBatch:
        return FactBatch(
            id=batch_id(self.scope, cursor, fresh_until, quarantined, assertions=assertions),
            source=self.name,
            scope=self.scope,
            extractor=EXTRACTOR,
            assertions=assertions,
            cursor=cursor,
            fresh_until=fresh_until,
            quarantined=quarantined,
        )

    # -- names

    def _state_scope(self, workspace: str, lineage: str) -> str:
        return f"{self.scope}#{workspace}/{lineage}"

    def _shape(self) -> str:
        """Digest of all that shapes facts beside the states themselves."""
        s = self._settings
        shape: Mapping[str, object] = {
            "extractor": EXTRACTOR,
            "environments": dict(sorted(s.environments.items())),
            "code": (s.repository, s.directory, sorted(s.directories.items()), sorted(s.modules.items())),
        }
        return blake2b(repr(shape).encode(), digest_size=8).hexdigest()

    def _key_mark(self) -> str:
        return blake2b(b"terraform_state", key=self._key, digest_size=8).hexdigest()
