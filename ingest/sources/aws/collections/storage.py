"""S3 buckets with their policy, encryption, versioning and public access block.

API: https://docs.aws.amazon.com/AmazonS3/latest/API/
"""

from __future__ import annotations

from ingest import aws_names
from ingest.sources.aws.table import Collection, Detail, Place, renamed
from ingest.sources.aws.values import Item, at, text_at

_BLOCKS = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
_BUCKET = {"Bucket": "name"}


def _bucket(item: Item) -> Item:
    shape = renamed(item, {"name": "bucket"}, without=("location", "bucket_arn"))
    if "location" not in item:
        return {}  # it went away after it was listed
    # No constraint means the first region there was, and `EU` the second.
    place = text_at(item, "location")
    shape["region"] = None if place.startswith("(") else {"": "us-east-1", "EU": "eu-west-1"}.get(place, place)
    shape["server_side_encryption"] = at(item, "encryption.server_side_encryption_configuration.rules")
    shape.pop("encryption", None)
    if (
        "versioning" in item and "logging" in item
    ):  # asked for: then nothing is an answer, and Terraform has words for it
        shape["versioning"] = at(item, "versioning") or "Disabled"
        shape.setdefault("public_access_block", dict.fromkeys(_BLOCKS, False))
    return shape


def _bucket_arn(item: Item, place: Place) -> str:
    name = text_at(item, "bucket")
    return aws_names.s3_bucket(name, place.partition) if name else ""


STORAGE: tuple[Collection, ...] = (
    Collection(
        type="aws_s3_bucket",
        service="s3",
        operation="list_buckets",
        items="buckets",
        arn=_bucket_arn,
        is_global=True,
        details=(
            Detail("get_bucket_location", _BUCKET, "location_constraint", "location"),
            Detail("get_bucket_policy", _BUCKET, "policy", "policy"),
            Detail(
                "get_bucket_encryption",
                _BUCKET,
                "",
                "encryption",
                action="s3:GetEncryptionConfiguration",
            ),
            Detail(
                "get_public_access_block",
                _BUCKET,
                "public_access_block_configuration",
                "public_access_block",
                action="s3:GetBucketPublicAccessBlock",
            ),
            Detail("get_bucket_versioning", _BUCKET, "status", "versioning"),
            Detail("get_bucket_logging", _BUCKET, "logging_enabled", "logging"),
            Detail(
                "get_bucket_ownership_controls",
                _BUCKET,
                "ownership_controls.rules.object_ownership",
                "object_ownership",
            ),
            Detail("get_bucket_tagging", _BUCKET, "tag_set", "tags"),
        ),
        config_type="AWS::S3::Bucket",
        id="bucket",
        name="bucket",
        created="creation_date",
        shape=_bucket,
        action="s3:ListAllMyBuckets",
    ),
)
