"""The cloudformation source: stacks and their resources, what each operation did and when, and change sets."""

from __future__ import annotations

from collections.abc import Iterator

from graph.clock import Instant
from graph.model import FactBatch
from ingest.source_doc import SourceDoc
from ingest.sources.cloudformation.batches import SOURCE, Ledger, cursor_batch
from ingest.sources.cloudformation.settings import CloudFormationSettings

__all__ = ["DOC", "CloudFormationSettings", "CloudFormationSource"]

DOC = SourceDoc(
    about="""Stacks with their tags, parameters and outputs; their resources, each joined to the physical resource where its ARN is
known; every operation of the last 90 days (which is what CloudFormation keeps) as a deployment with what it created, updated and
deleted, property by property where the events tell; and change sets as plans.

It asks the account, or reads what `aws cloudformation describe-stacks`, `describe-stack-events`, `describe-stack-resources` and
`describe-change-set` printed, as JSON or one answer a line. Both state the same facts.""",
    yields=(
        "Resource",
        "Deployment",
        "Plan",
        "CloudAccount",
        "Environment",
        "Service",
        "CHANGED",
        "PLANS",
        "SAME_AS",
        "PART_OF",
        "RUNS_IN",
        "RUNS_ON",
        "REACHED",
        "MENTIONS",
    ),
    permissions="""Reading only. `sts:GetCallerIdentity` needs no permission.

```json
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "InfraloreReadStacks",
      "Effect": "Allow",
      "Action": [
        "cloudformation:DescribeChangeSet",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeStacks",
        "cloudformation:ListChangeSets",
        "cloudformation:ListStackResources",
        "cloudformation:ListStacks"
      ],
      "Resource": "*"
    }
  ]
}
```""",
    example="""sources:
  - cloudformation:
      account_id: "123456789012"
      role_arn: arn:aws:iam::123456789012:role/infralore-read
      regions: [eu-west-1]
      environments: {shop-live: prod}""",
    limits=(
        "Templates are read by the git source, where they are code.",
        "Who started an operation is not told by CloudFormation; audit events of the same moment tell it.",
        "Environment variables, user data and other properties that often hold secrets are left out of what changed.",
        "IAM roles and users in a path of their own are not joined: their physical id does not tell the path.",
    ),
)


class CloudFormationSource:
    """Reads the stacks of one account."""

    name = SOURCE

    def __init__(self, settings: CloudFormationSettings) -> None:
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
            from ingest.sources.cloudformation.files import file_batches

            yield from file_batches(settings, self.scope, ledger)
        if settings.live if settings.live is not None else not settings.path:
            # Loaded only here: the SDK is large, and files need none of it.
            from ingest.aws_client import Aws, access_of
            from ingest.sources.cloudformation.live import Live

            access = access_of(settings, settings.regions[0] if settings.regions else "")
            yield from Live(settings, self.scope, Aws(access), ledger, now).batches()
        ledger.done = []
        yield cursor_batch(self.scope, ledger, fresh_until=now)
