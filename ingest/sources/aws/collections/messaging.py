"""SQS queues, SNS topics and their subscriptions.

API: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/ and https://docs.aws.amazon.com/sns/latest/api/
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

from graph.clock import SECOND, rfc3339
from ingest.sources.aws.table import Collection, Detail, arn_at, renamed
from ingest.sources.aws.values import Item, text_at


def _queue(item: Item) -> Item:
    shape = renamed(item, {"queue_arn": "arn", "value": "url"})
    shape = {k: v for k, v in shape.items() if not k.startswith("approximate_number")}
    shape["name"] = text_at(item, "queue_arn").rpartition(":")[2]
    shape["created_timestamp"] = _epoch(text_at(item, "created_timestamp"))
    shape["last_modified_timestamp"] = _epoch(text_at(item, "last_modified_timestamp"))
    if target := _dead_letter_target(text_at(item, "redrive_policy")):
        shape["dead_letter_target_arn"] = target
    return shape


def _epoch(seconds: str) -> str | None:
    """Seconds since 1970, as the API has them, as RFC 3339."""
    return rfc3339(int(float(seconds)) * SECOND) if re.fullmatch(r"\d{1,11}(\.\d{1,9})?", seconds) else None


def _dead_letter_target(policy: str) -> str:
    try:
        told: object = json.loads(policy) if policy else None
    except ValueError:
        return ""
    target = cast("Mapping[str, object]", told).get("deadLetterTargetArn") if isinstance(told, dict) else None
    return target if isinstance(target, str) else ""


def _topic(item: Item) -> Item:
    without = ("subscriptions_pending", "subscriptions_confirmed", "subscriptions_deleted", "effective_delivery_policy")
    shape = renamed(item, {"topic_arn": "arn"}, without=without)
    shape["name"] = text_at(item, "topic_arn").rpartition(":")[2]
    return shape


def _subscription(item: Item) -> Item:
    shape = renamed(item, {"subscription_arn": "arn"})
    endpoint = text_at(item, "endpoint")
    if endpoint.startswith(("http://", "https://")):
        # What follows the host of a webhook is often its password.
        parts = urlsplit(endpoint)
        shape["endpoint"] = f"{parts.scheme}://{parts.hostname or ''}/…"
    return shape


MESSAGING: tuple[Collection, ...] = (
    Collection(
        type="aws_sqs_queue",
        service="sqs",
        operation="list_queues",
        items="queue_urls",
        may_lack=True,
        arn=arn_at("arn"),
        details=(
            Detail("get_queue_attributes", {"QueueUrl": "value"}, "attributes", parameters={"AttributeNames": ["All"]}),
            Detail("list_queue_tags", {"QueueUrl": "value"}, "tags", "tags"),
        ),
        config_type="AWS::SQS::Queue",
        names={"url": "url"},
        name="name",
        created="created_timestamp",
        shape=_queue,
    ),
    Collection(
        type="aws_sns_topic",
        service="sns",
        operation="list_topics",
        items="topics",
        arn=arn_at("arn"),
        details=(
            Detail("get_topic_attributes", {"TopicArn": "topic_arn"}, "attributes"),
            Detail("list_tags_for_resource", {"ResourceArn": "topic_arn"}, "tags", "tags"),
        ),
        config_type="AWS::SNS::Topic",
        name="name",
        shape=_topic,
    ),
    Collection(
        type="aws_sns_topic_subscription",
        service="sns",
        operation="list_subscriptions",
        items="subscriptions",
        arn=arn_at("arn"),
        shape=_subscription,
    ),
)
