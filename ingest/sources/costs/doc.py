"""What the reference says of the costs source."""

from __future__ import annotations

from ingest.source_doc import SourceDoc

DOC = SourceDoc(
    about="""\
What the clouds bill. Bills are recognised by their columns, whatever the files are called:

- AWS: the Cost and Usage Report (CSV, gzip) and Data Exports (CUR 2.0, CSV and Parquet). A manifest beside the files says which of them
  are the newest version of a month; older versions beside it are passed over.
- [FOCUS](https://focus.finops.org) 1.x of any provider, CSV and Parquet.
- Google Cloud: the standard and the detailed usage export, taken out of BigQuery as JSON lines (`bq extract --destination_format
  NEWLINE_DELIMITED_JSON`), Parquet or CSV. Credits are lines of their own.
- Azure: actual and amortized cost exports, of all agreements.
- The AWS Cost Explorer API (`cost_explorer: true`): cost by day, by two groups. A month is asked again until ten days after its end.

Each line is added to what it is for: account, service, usage type, region, resource, sort of line (usage, tax, credit, refund, fee,
commitment, discount) and those tags that the settings name. An item has a version a month with the amount of each day, as decimal text;
currencies are never added. A month of a payer is taken over as a whole: an export that comes again replaces what was said, and what it no
longer lists is taken back, so that nothing counts twice. A bill of which a file is cut off is not taken over at all.

Where a line names an ARN or an id, the item is `ABOUT` that resource: the same one that states, inventories and audit logs speak of.
Parquet needs the extra `parquet`.
""",
    yields=("CostItem", "ABOUT"),
    permissions="""\
Files: those that the user who runs infralore may read; copy them with `aws s3 sync s3://BUCKET/PREFIX DIRECTORY` or your cloud's tool.
Cost Explorer:

```json
{
  "Version": "2012-10-17",
  "Statement": [{"Effect": "Allow", "Action": ["ce:GetCostAndUsage"], "Resource": "*"}]
}
```
""",
    example="""\
sources:
  - costs:
      path: /var/lib/bills
      environments: {"444455556666": prod}
      team_tag: [team]
      tags: [cost-center]
""",
    limits=(
        "buckets are not read: copy the export first",
        "one basis (unblended, amortized or net) at a time; a changed setting reads all bills again",
        "tags that no setting names are not kept",
        "Cost Explorer tells no resources: its costs are about a service and a usage type",
    ),
)
