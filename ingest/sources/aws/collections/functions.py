"""Lambda functions, their versions and aliases. Of environment variables only the names.

API: https://docs.aws.amazon.com/lambda/latest/api/
"""

from __future__ import annotations

from ingest.sources.aws.table import Collection, Detail, Place, arn_at, block, renamed, shaped
from ingest.sources.aws.values import Item, at, items_at, text_at


def _function(item: Item) -> Item:
    shape = renamed(
        item,
        {"function_arn": "arn"},
        without=(
            "environment",
            "revision_id",
            "layers",
            "vpc_config",
            "last_update_status_reason",
            "version",
            "concurrency",
        ),
    )
    variables = at(item, "environment.variables")
    shape["environment_names"] = sorted(variables) if isinstance(variables, dict) else None
    shape["layers"] = [text_at(layer, "arn") for layer in items_at(item, "layers")]
    shape["vpc_config"] = block(
        security_group_ids=at(item, "vpc_config.security_group_ids"),
        subnet_ids=at(item, "vpc_config.subnet_ids"),
        vpc_id=at(item, "vpc_config.vpc_id") or None,
    )
    if "concurrency" in item:
        reserved = at(item, "concurrency")
        shape["reserved_concurrent_executions"] = -1 if reserved is None else reserved
    return shape


def _version(item: Item) -> Item:
    shape = _function(item)
    shape["version"] = at(item, "version")
    shape["_name"] = f"{text_at(item, 'function_name')}:{text_at(item, 'version')}"
    return shape


def _version_arn(item: Item, place: Place) -> str:
    return "" if text_at(item, "version") in ("", "$LATEST") else text_at(item, "arn")


def _alias(item: Item) -> Item:
    shape = renamed(item, {"alias_arn": "arn"}, without=("revision_id",))
    shape["_name"] = ":".join(text_at(item, "alias_arn").split(":")[-2:])
    version = text_at(item, "function_version")
    if version.isdigit():
        shape["function_version_arn"] = f"{text_at(item, 'function_arn')}:{version}"
    return shape


FUNCTIONS: tuple[Collection, ...] = (
    Collection(
        type="aws_lambda_function",
        service="lambda",
        operation="list_functions",
        items="functions",
        arn=arn_at("arn"),
        details=(
            Detail("list_tags", {"Resource": "function_arn"}, "tags", "tags"),
            Detail("get_policy", {"FunctionName": "function_name"}, "policy", "policy"),
            Detail(
                "get_function_concurrency",
                {"FunctionName": "function_name"},
                "reserved_concurrent_executions",
                "concurrency",
            ),
        ),
        config_type="AWS::Lambda::Function",
        name="function_name",
        status="state",
        shape=_function,
    ),
    Collection(
        type="aws_lambda_function_version",
        service="lambda",
        operation="list_versions_by_function",
        items="versions",
        arn=_version_arn,
        parent="aws_lambda_function",
        bind={"FunctionName": "function_name"},
        name="_name",
        shape=_version,
    ),
    Collection(
        type="aws_lambda_alias",
        service="lambda",
        operation="list_aliases",
        items="aliases",
        arn=arn_at("arn"),
        parent="aws_lambda_function",
        bind={"FunctionName": "function_name"},
        carry={"function_arn": "arn"},
        names={"name": "name"},
        name="_name",
        shape=_alias,
    ),
    Collection(
        type="aws_lambda_event_source_mapping",
        service="lambda",
        operation="list_event_source_mappings",
        items="event_source_mappings",
        arn=lambda item, place: (
            text_at(item, "event_source_mapping_arn")
            or (
                f"arn:{place.partition}:lambda:{place.region}:{place.account_id}:event-source-mapping:{text_at(item, 'uuid')}"
            )
        ),
        id="uuid",
        status="state",
        shape=shaped(without=("last_processing_result", "last_modified", "state_transition_reason")),
    ),
)
