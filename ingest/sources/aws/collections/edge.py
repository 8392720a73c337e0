"""Route 53 zones and records, CloudFront distributions, ACM certificates.

API: https://docs.aws.amazon.com/Route53/latest/APIReference/ and https://docs.aws.amazon.com/cloudfront/latest/APIReference/
"""

from __future__ import annotations

from graph.model import Value
from ingest import aws_names
from ingest.sources.aws.table import Collection, Detail, Place, arn_at, renamed, shaped
from ingest.sources.aws.values import Item, at, items_at, text_at


def _zone(item: Item) -> Item:
    shape = renamed(item, {}, without=("caller_reference", "id", "resource_record_set_count", "config"))
    shape["zone_id"] = text_at(item, "id").rpartition("/")[2]
    shape["comment"] = at(item, "config.comment")
    shape["private_zone"] = at(item, "config.private_zone")
    shape["name"] = text_at(item, "name").rstrip(".")
    return shape


def _record(item: Item) -> Item:
    shape = renamed(item, {"alias_target": "alias", "ttl": "ttl"}, without=("resource_records",))
    # Terraform and people write names without the last dot; `\052` is how the API spells a star.
    shape["name"] = text_at(item, "name").rstrip(".").replace("\\052", "*")
    shape["records"] = sorted(text_at(r, "value") for r in items_at(item, "resource_records"))
    return shape


def _record_arn(item: Item, place: Place) -> str:
    return aws_names.route53_record(
        text_at(item, "zone_id"),
        text_at(item, "name"),
        text_at(item, "type"),
        text_at(item, "set_identifier"),
        place.partition,
    )


def _distribution(item: Item) -> Item:
    shape = renamed(
        item,
        {"aliases": "aliases", "last_modified_time": "last_modified_time"},
        without=("aliases", "origins", "alias_icp_recordals", "e_tag"),
    )
    aliases = at(item, "aliases.items")
    shape["aliases"] = sorted(str(a) for a in aliases) if isinstance(aliases, list) else None
    shape["origin"] = [_origin(one) for one in items_at(item, "origins.items")]
    return shape


def _origin(origin: Item) -> Value:
    """An origin without the values of its custom headers: those are shared secrets as often as not."""
    shape = renamed(origin, {}, without=("custom_headers",))
    names: list[Value] = [text_at(h, "header_name") for h in items_at(origin, "custom_headers.items")]
    if names:
        shape["custom_header_names"] = sorted(names, key=str)
    return shape


EDGE: tuple[Collection, ...] = (
    Collection(
        type="aws_route53_zone",
        service="route53",
        operation="list_hosted_zones",
        items="hosted_zones",
        arn=lambda item, place: aws_names.route53_zone(text_at(item, "zone_id"), place.partition),
        is_global=True,
        names={"name": "dns"},
        id="zone_id",
        name="name",
        shape=_zone,
    ),
    Collection(
        type="aws_route53_record",
        service="route53",
        operation="list_resource_record_sets",
        items="resource_record_sets",
        arn=_record_arn,
        is_global=True,
        parent="aws_route53_zone",
        bind={"HostedZoneId": "zone_id"},
        carry={"zone_id": "zone_id", "zone_arn": "arn"},
        names={"name": "dns"},
        name="name",
        shape=_record,
    ),
    Collection(
        type="aws_cloudfront_distribution",
        service="cloudfront",
        operation="list_distributions",
        items="distribution_list.items",
        arn=arn_at("arn"),
        details=(Detail("list_tags_for_resource", {"Resource": "arn"}, "tags.items", "tags"),),
        is_global=True,
        config_type="AWS::CloudFront::Distribution",
        names={"domain_name": "dns", "aliases": "dns"},
        id="id",
        name="domain_name",
        status="status",
        shape=_distribution,
    ),
    Collection(
        type="aws_acm_certificate",
        service="acm",
        operation="list_certificates",
        items="certificate_summary_list",
        arn=arn_at("arn"),
        details=(
            Detail("describe_certificate", {"CertificateArn": "certificate_arn"}, "certificate"),
            Detail("list_tags_for_certificate", {"CertificateArn": "certificate_arn"}, "tags", "tags"),
        ),
        config_type="AWS::ACM::Certificate",
        names={"domain_name": "dns", "subject_alternative_names": "dns"},
        name="domain_name",
        created="created_at",
        status="status",
        expires="not_after",
        shape=shaped(
            {"certificate_arn": "arn"},
            without=("in_use_by", "in_use", "domain_validation_options", "subject_alternative_name_summaries"),
        ),
    ),
)
