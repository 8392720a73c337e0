"""The cloudtrail source: who called which AWS API on what, from log files and from LookupEvents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import translate
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from graph.clock import Instant
from graph.model import FactBatch, Quarantined
from ingest.source import SourceDataInvalid, SourceError
from ingest.source_doc import SourceDoc
from ingest.sources.cloudtrail.batches import Collected
from ingest.sources.cloudtrail.documents import Document, DocumentInvalid, read_document
from ingest.sources.cloudtrail.facts import Stated, audit_event, opened_session
from ingest.sources.cloudtrail.ledger import Ledger
from ingest.sources.cloudtrail.lookup import LOOK_BACK, windows
from ingest.sources.cloudtrail.places import places
from ingest.sources.cloudtrail.records import Record
from ingest.sources.cloudtrail.sessions import OPENING
from ingest.sources.cloudtrail.settings import CloudTrailSettings
from ingest.sources.cloudtrail.targets import plain_name

if TYPE_CHECKING:  # the SDK takes long to import, and files need none
    from ingest.aws_client import Aws

__all__ = ["DOC", "CloudTrailSettings", "CloudTrailSource"]

_READ = re.compile(r"(?:Describe|Get|List|Head|Lookup|Search|BatchGet|Select|Preview|Validate|Check)(?=[A-Z]|$)")
_SIGN_IN = "signin.amazonaws.com"


class CloudTrailSource:
    """Reads CloudTrail log files and LookupEvents."""

    name = "cloudtrail"

    def __init__(self, settings: CloudTrailSettings) -> None:
        self._settings = settings
        self._ignored = re.compile("|".join(translate(p) for p in settings.ignore) or r"(?!)")

    @property
    def scope(self) -> str:
        """As set, or the `s3://` address, or the absolute path, or `lookup:` with the regions."""
        settings = self._settings
        if settings.name:
            return settings.name
        if settings.path.startswith("s3://"):
            return settings.path.rstrip("/")
        if settings.path:
            return Path(settings.path).expanduser().absolute().as_posix()
        return "lookup:" + ",".join(settings.regions or (settings.region,))

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        """See `Source.pull`. What can be read is delivered before the error of what cannot is raised."""
        settings = self._settings
        if not settings.path and not settings.lookup:
            raise SourceDataInvalid("cloudtrail has nothing to read", "set `path:` to log files, or `lookup: true`")
        try:
            ledger = Ledger.load(cursor)
        except msgspec.DecodeError:
            raise SourceDataInvalid(
                f"the cursor of {self.scope} is not one of this source",
                "purge this source and scope, then read it again",
            ) from None
        collected = Collected(self.scope, cursor)
        failures: list[SourceError] = []
        if settings.path:
            try:
                yield from self._from_files(ledger, collected, failures)
            except SourceError as error:
                failures.append(error)
        if settings.lookup:
            yield from self._from_lookup(ledger, collected, failures, now)
        # Events show up in LookupEvents late: it is not known yet that nothing else happened until now.
        fresh_until = now - LOOK_BACK if settings.lookup else now
        yield from collected.last(ledger, None if failures else fresh_until)
        if failures:
            raise failures[0]

    # -- files

    def _from_files(self, ledger: Ledger, collected: Collected, failures: list[SourceError]) -> Iterator[FactBatch]:
        known = bool(ledger.series or ledger.files)
        invalid: list[tuple[str, DocumentInvalid]] = []
        read = 0
        for place in places(self._settings.path, ledger, self._aws):
            if place.version and ledger.files.get(place.path) == place.version:
                continue
            try:
                data = place.read()
            except SourceDataInvalid as error:  # this one may not be read; the others may
                failures.append(error)
                ledger.could_not_read(place.path, "")
                continue
            digest = place.version or blake2b(data, digest_size=8).hexdigest()
            if ledger.files.get(place.path) == digest:
                continue
            try:
                document = read_document(data, place.path)
            except DocumentInvalid as error:
                invalid.append((place.path, error))
                if ledger.could_not_read(place.path, digest):
                    collected.broken(Quarantined(place.path, f"it {error}"))
                continue
            read += 1
            yield from self._document(document, ledger, collected)
            ledger.has_read(place.path, digest)
            yield from collected.full(ledger)
        if invalid and not read and not known:
            path, error = invalid[0]
            failures.append(SourceDataInvalid(f"{self._where(path)} {error}", error.hint))
        elif not read and not known and not failures:
            failures.append(
                SourceDataInvalid(
                    f"there are no CloudTrail logs at {self._settings.path}",
                    "log files end in .json.gz or .json; check the path, the bucket and the prefix",
                )
            )

    def _where(self, path: str) -> str:
        location = self._settings.path
        return f"{location.rstrip('/')}/{path}" if Path(location).is_dir() else location

    # -- LookupEvents

    def _from_lookup(
        self, ledger: Ledger, collected: Collected, failures: list[SourceError], now: Instant
    ) -> Iterator[FactBatch]:
        settings, aws = self._settings, self._aws()
        for region in settings.regions or (settings.region or aws.region,):
            try:
                for window in windows(aws, region, ledger, settings.days, now):
                    yield from self._document(window.found, ledger, collected)
                    ledger.regions[region] = window.known
                    yield from collected.full(ledger)
            except SourceError as error:
                failures.append(error)

    # -- records

    def _document(self, document: Document, ledger: Ledger, collected: Collected) -> Iterator[FactBatch]:
        for item in document.broken:
            collected.broken(item)
        for record in document.records:
            try:
                collected.add(self._facts(record, ledger))
            except ValueError:
                collected.broken(Quarantined(f"cloudtrail:{record.event_id}", "its eventTime is no time"))
            yield from collected.overfull()

    def _facts(self, record: Record, ledger: Ledger) -> Iterable[Stated]:
        if record.event_name in OPENING:
            ledger.pass_over("session")
            return list(opened_session(record))
        if why := self._left_out(record):
            ledger.pass_over(why)
            return ()
        return list(audit_event(record))

    def _left_out(self, record: Record) -> str:
        """Why a record is left out; empty for one that is kept."""
        if record.event_category == "Insight" or record.event_type == "AwsCloudTrailInsight":
            return "insight"
        name = plain_name(record.event_name)
        if str(record.read_only).lower() == "true" or (_READ.match(name) and record.event_source != _SIGN_IN):
            return "read"
        data = record.event_category in ("Data", "NetworkActivity") or record.management_event is False
        if data and not self._settings.data_events:
            return "data"
        return "ignored" if self._ignored.fullmatch(f"{record.service}:{name}") else ""

    def _aws(self) -> Aws:
        from ingest.aws_client import Aws, access_of

        return Aws(access_of(self._settings))


DOC = SourceDoc(
    about="""CloudTrail logs every call to an AWS API. This source keeps those that write: who made the call (user, role session, SSO user,
root, service), through which door (console, Terraform, CLI, SDK, a service), from where, what it asked for, and the resources that it touched by
their ARN, with the effect and, as far as the record tells, attributes before and after. Sign-ins to the console are kept too. A call that failed
is kept with its error code and changed nothing. The same event in several files and regions is one event.

It reads log files as a trail delivers them, from a directory or straight from the bucket, and what `aws cloudtrail lookup-events` prints; or it
asks LookupEvents, which needs no trail. Files are read once; LookupEvents is asked for what is new, with fifteen minutes of overlap, since events
show up late. Who opened a role session is read from the `AssumeRole` records of log files.""",
    yields=(
        *("AuditEvent", "Account", "Resource", "CloudAccount"),
        *("PERFORMED_BY", "CHANGED", "PART_OF", "ASSUMED_BY"),
    ),
    permissions="""Log files in a directory need none. For a bucket and for LookupEvents:

```json
{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "cloudtrail:LookupEvents", "Resource": "*"},
    {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::TRAIL-BUCKET"},
    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::TRAIL-BUCKET/AWSLogs/*"}
  ]
}
```

Where the bucket is encrypted with a key of your own, `kms:Decrypt` on that key as well.""",
    example="""\
sources:
  - cloudtrail:
      path: s3://acme-trail/AWSLogs/111122223333/CloudTrail/
      region: eu-west-1
  - cloudtrail:
      lookup: true
      regions: [eu-west-1, us-east-1]
""",
    limits=(
        "Reads, data events (unless `data_events`), Insights and the calls in `ignore` are left out.",
        "Values that may be secret by their place (passwords, user data, environment variables, parameter values, headers) are not kept.",
        "A role or user with a path is named without it where a call tells only its name.",
        "LookupEvents is asked for writes only: role sessions opened are known from log files alone.",
    ),
)
"""Its page in the reference."""
