"""The page of the aws source."""

from __future__ import annotations

from ingest.source_doc import SourceDoc
from ingest.sources.aws.collections import ALL
from ingest.sources.aws.policy import policy

PAGE = SourceDoc(
    about=f"""What really runs in an AWS account, asked of AWS itself: {len(ALL)} kinds of resources, from load balancers with
their listeners, rules and targets to IAM roles and certificates, with the quotas of the services. Each kind in each region is a
snapshot of its own: what is no longer there ends, and a kind that could not be read to its last page ends nothing.

With `path:` it reads AWS Config's snapshot and history files as they lie in the delivery bucket: each configuration item is a
version of the same resource, valid from when Config captured it. With `config_history:` it asks the recorder itself.

Resource types and attributes are named as Terraform names them, so that code, state and reality can be compared:
{", ".join(f"`{c.type}`" for c in ALL)}.""",
    yields=(
        "Resource",
        "CloudAccount",
        "Environment",
        "Service",
        "Quota",
        "DEPENDS_ON",
        "PART_OF",
        "RUNS_IN",
        "RUNS_ON",
        "MENTIONS",
    ),
    permissions=f"""Reading only. `sts:GetCallerIdentity` needs no permission. A service that is not allowed is named with the
missing action, and the others are read; leave it out for good with `exclude:`.

```json
{policy()}
```""",
    example="""sources:
  - aws:
      account_id: "123456789012"
      role_arn: arn:aws:iam::123456789012:role/infralore-read
      regions: [eu-west-1, us-east-1]
      environment: prod""",
    limits=(
        "Values of environment variables (Lambda, ECS), user data, custom headers of CloudFront origins and the paths of web "
        "hooks that topics call are never read into the graph; their names are.",
        "Of ECS task definitions only those that a service runs.",
        "Of SSM parameters, secrets and KMS keys only what they are, never what is in them; of targets of rules not what they are sent; of "
        "rules only those of the default event bus.",
        "Parameters of database parameter groups only where somebody set them.",
        "Counters that move by themselves (queue depth, free addresses, running tasks' events) are left out.",
        "AWS Config files: all files of the directory are read when one of them is new.",
    ),
)
