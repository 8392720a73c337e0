"""Service quotas: how much of what an account may have in a region.

API: https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html
"""

from __future__ import annotations

from collections.abc import Iterator

from graph.model import Alias, Entity, Fact, Relation, Value, ref
from ingest import names
from ingest.aws_client import Aws
from ingest.sources.aws.table import Place
from ingest.sources.aws.values import at, item_of, items_at, text_at


def quota_facts(aws: Aws, service: str, place: Place) -> Iterator[tuple[str, Fact]]:
    """The quotas of one service in one region, each with its ARN as locator. Raises `SourceError`."""
    for page in aws.pages("service-quotas", "list_service_quotas", place.region, ServiceCode=service):
        for quota in items_at(item_of({"quotas": page.get("Quotas")}), "quotas"):
            code, name = text_at(quota, "quota_code"), text_at(quota, "quota_name")
            if not code:
                continue
            arn = text_at(quota, "quota_arn") or f"{place.account_id}/{place.region}/{service}/{code}"
            entity = ref("Quota", "aws", place.account_id, place.region, service, code)
            told: dict[str, Value] = {
                "service": service,
                "name": name,
                "code": code,
                "value": at(quota, "value"),
                "adjustable": at(quota, "adjustable"),
                "account_id": place.account_id,
                "region": place.region,
            }
            yield arn, Entity(entity, {k: v for k, v in told.items() if v is not None})
            if name:
                yield arn, Alias(entity, "name", name)
            yield arn, Relation("PART_OF", entity, names.cloud_account("aws", place.account_id), {})
