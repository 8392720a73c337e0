"""The secrets source: names, ages, last rotation and expiry of certificates, access keys and secrets; never a value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from graph.clock import Instant
from graph.model import FactBatch
from ingest.source import SourceDataInvalid, SourceError
from ingest.source_doc import SourceDoc
from ingest.sources.secrets.aws_credentials import INVENTORIES
from ingest.sources.secrets.files import Found, read_files
from ingest.sources.secrets.items import EXTRACTOR, SOURCE, Item, Ledger, snapshot

if TYPE_CHECKING:  # the SDK takes long to import, and files need none
    from ingest.aws_client import Aws


@dataclass(frozen=True, slots=True)
class SecretsSettings:
    """Where credentials are: files, an AWS account, or both.

    Attributes:
        path: a file or a directory of certificates (`.pem`, `.crt`, `.cer`, `.der`) and of what `kubectl get secrets -A -o json` prints
            (`.json`); empty for none.
        cluster: name of the cluster that the Kubernetes secrets are of.
        aws: read the AWS account that the credentials below belong to.
        regions: regions to read; empty: `region`.
        services: which of acm, iam and secretsmanager to read.
        name: name of the scope. Default: the path, or `aws/` with the region.
        region: region to ask when `regions` names none.
        profile: profile of the shared AWS configuration files.
        access_key_id: access key; empty for the SDK's own chain.
        secret_access_key: its secret.
        session_token: token of temporary credentials.
        role_arn: role to assume.
        external_id: external id that the role asks for.
        endpoint_url: another server that speaks AWS.
    """

    path: str = ""
    cluster: str = ""
    aws: bool = False
    regions: tuple[str, ...] = ()
    services: tuple[str, ...] = tuple(INVENTORIES)
    name: str = ""
    region: str = ""
    profile: str = ""
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    role_arn: str = ""
    external_id: str = ""
    endpoint_url: str = ""


class SecretsSource:
    """Reads what is known of credentials."""

    name = SOURCE

    def __init__(self, settings: SecretsSettings) -> None:
        self._settings = settings

    @property
    def scope(self) -> str:
        """As set, or the absolute path, or `aws/` with the profile or region."""
        settings = self._settings
        if settings.name:
            return settings.name
        if settings.path:
            return Path(settings.path).expanduser().absolute().as_posix()
        return f"aws/{settings.profile or ','.join(settings.regions) or settings.region}"

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        """See `Source.pull`. Each part is a snapshot of its own; one that cannot be read whole ends nothing, and its error comes last."""
        settings = self._settings
        if not settings.path and not settings.aws:
            raise SourceDataInvalid("secrets has nothing to read", "set `path:` to files, or `aws: true`")
        if unknown := sorted(set(settings.services) - set(INVENTORIES)):
            raise SourceDataInvalid(
                f"secrets knows no service {unknown[0]!r}", f"the services are {', '.join(INVENTORIES)}"
            )
        try:
            ledger = Ledger.load(cursor)
        except msgspec.DecodeError:
            raise SourceDataInvalid(
                f"the cursor of {self.scope} is not one of this source",
                "purge this source and scope, then read it again",
            ) from None
        failures: list[SourceError] = []
        if settings.path:
            yield from self._files(ledger, failures, now)
        if settings.aws:
            yield from self._aws(ledger, failures, now)
        told = ledger.dump()
        # After a failure nothing is delivered for its own sake: whoever applies batches takes each for progress.
        if not failures or told != cursor:
            yield self._last(told, None if failures else now)
        if failures:
            raise failures[0]

    def _files(self, ledger: Ledger, failures: list[SourceError], now: Instant) -> Iterator[FactBatch]:
        try:
            found = read_files(self._settings.path, self._settings.cluster)
        except SourceError as error:
            failures.append(error)
            return
        failures += found.failed.values()
        # A part of which no file is left holds nothing any more.
        gone = [p for p in ledger.parts if p not in found.items and not p.startswith("aws/")]
        for part in (*found.items, *gone):
            if part not in found.failed:
                yield from self._part(part, found, ledger, now)

    def _part(self, part: str, found: Found, ledger: Ledger, now: Instant) -> Iterator[FactBatch]:
        batch = snapshot(self.scope, part, found.items.get(part, []), found.broken.get(part, []), ledger, now)
        if batch is not None:
            yield batch

    def _aws(self, ledger: Ledger, failures: list[SourceError], now: Instant) -> Iterator[FactBatch]:
        settings = self._settings
        try:
            aws = self._client()
            caller = aws.caller()
            regions = settings.regions or (aws.region,)
        except SourceError as error:
            failures.append(error)
            return
        for service in settings.services:
            inventory, regional = INVENTORIES[service]
            for region in regions if regional else regions[:1]:
                part = f"aws/{caller.account_id}/{region if regional else 'global'}/{service}"
                try:
                    items: list[Item] = list(inventory(aws, caller, region))
                except SourceError as error:
                    failures.append(error)
                    continue
                batch = snapshot(self.scope, part, items, (), ledger, now)
                if batch is not None:
                    yield batch

    def _last(self, cursor: str, fresh_until: Instant | None) -> FactBatch:
        digest = blake2b(repr((self.scope, cursor, fresh_until)).encode("utf-8", "surrogatepass"), digest_size=16)
        return FactBatch(
            id=digest.hexdigest(),
            source=SOURCE,
            scope=self.scope,
            extractor=EXTRACTOR,
            cursor=cursor,
            fresh_until=fresh_until,
        )

    def _client(self) -> Aws:
        from ingest.aws_client import Aws, access_of

        return Aws(access_of(self._settings))


DOC = SourceDoc(
    about="""What expires and what was not rotated: certificates (ACM, Kubernetes TLS secrets, PEM and DER files), access keys of IAM users with
their last use, and secrets of Secrets Manager and Kubernetes. Of each its name, since when it exists, when it was rotated or issued last, when it
expires, and whom or what it is for. Values are never read: AWS is asked for descriptions only, of a Kubernetes secret only `tls.crt` is decoded, and
of files only certificates.

Each service and region, each cluster and the files are inventories of their own: what is gone from one has ended, and one that cannot be read whole
ends nothing.""",
    yields=("Credential", "Account", "Resource", "ABOUT", "OWNED_BY"),
    permissions="""Files need none. An AWS account, without any permission to read a value:

```json
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "acm:ListCertificates",
        "acm:DescribeCertificate",
        "iam:ListUsers",
        "iam:ListAccessKeys",
        "iam:GetAccessKeyLastUsed",
        "secretsmanager:ListSecrets"
      ],
      "Resource": "*"
    }
  ]
}
```

For `kubectl get secrets -A -o json` Kubernetes has no permission that leaves the values out; where that matters export only what is needed:
`kubectl get secrets -A --field-selector type=kubernetes.io/tls -o json | jq 'del(.items[].data["tls.key"])'`.""",
    example="""\
sources:
  - secrets:
      aws: true
      regions: [eu-west-1, us-east-1]
  - secrets:
      path: exports/secrets/
      cluster: prod
""",
    limits=(
        "SSM parameters, GCP and Azure vaults are not read.",
        "An access key is named by its first and last four characters where redaction takes whole key ids for secrets.",
        "When something changed of which AWS tells no time (a key deactivated), it counts from when it was seen.",
    ),
)
"""Its page in the reference."""
