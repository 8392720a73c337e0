"""Databases and caches: RDS instances, clusters and parameter groups, ElastiCache, DynamoDB.

API: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/
"""

from __future__ import annotations

from ingest.sources.aws.table import Collection, Detail, Link, arn_at, block, regional, renamed
from ingest.sources.aws.values import Item, at, items_at, text_at

_CHANGES_BY_ITSELF = ("latest_restorable_time", "earliest_restorable_time", "status_infos", "earliest_backtrack_time")


def _db_instance(item: Item) -> Item:
    shape = renamed(
        item,
        {
            "db_instance_arn": "arn",
            "db_instance_identifier": "identifier",
            "db_instance_class": "instance_class",
            "dbi_resource_id": "resource_id",
            "ca_certificate_identifier": "ca_cert_identifier",
            "tag_list": "tags",
        },
        without=(
            *_CHANGES_BY_ITSELF,
            "vpc_security_groups",
            "db_parameter_groups",
            "db_subnet_group",
            "endpoint",
            "option_group_memberships",
            "db_security_groups",
            "domain_memberships",
            "activity_stream_status",
            "automatic_restart_time",
        ),
    )
    shape["address"] = at(item, "endpoint.address")
    shape["port"] = at(item, "endpoint.port")
    shape["vpc_security_group_ids"] = sorted(
        text_at(g, "vpc_security_group_id") for g in items_at(item, "vpc_security_groups")
    )
    shape["parameter_group_name"] = at(item, "db_parameter_groups.db_parameter_group_name")
    shape["db_subnet_group_name"] = at(item, "db_subnet_group.db_subnet_group_name")
    return shape


def _db_cluster(item: Item) -> Item:
    shape = renamed(
        item,
        {
            "db_cluster_arn": "arn",
            "db_cluster_identifier": "cluster_identifier",
            "db_cluster_parameter_group": "db_cluster_parameter_group_name",
            "db_subnet_group": "db_subnet_group_name",
            "tag_list": "tags",
        },
        without=(*_CHANGES_BY_ITSELF, "vpc_security_groups", "associated_roles", "db_cluster_members"),
    )
    shape["vpc_security_group_ids"] = sorted(
        text_at(g, "vpc_security_group_id") for g in items_at(item, "vpc_security_groups")
    )
    shape["members"] = sorted(text_at(m, "db_instance_identifier") for m in items_at(item, "db_cluster_members"))
    shape["writer"] = next(
        (
            text_at(m, "db_instance_identifier")
            for m in items_at(item, "db_cluster_members")
            if at(m, "is_cluster_writer")
        ),
        None,
    )
    return shape


def _subnet_group(item: Item) -> Item:
    shape = renamed(
        item,
        {"db_subnet_group_arn": "arn", "db_subnet_group_name": "name", "db_subnet_group_description": "description"},
        without=("subnets", "supported_network_types"),
    )
    shape["subnet_ids"] = sorted(text_at(s, "subnet_identifier") for s in items_at(item, "subnets"))
    return shape


def _parameter_group(prefix: str) -> dict[str, str]:
    return {f"{prefix}_arn": "arn", f"{prefix}_name": "name", "db_parameter_group_family": "family"}


def _parameters(item: Item) -> Item:
    """Only what somebody set; the engine's defaults change with its versions."""
    names = {**_parameter_group("db_parameter_group"), **_parameter_group("db_cluster_parameter_group")}
    shape = renamed(item, names, without=("parameters",))
    shape["parameter"] = [
        {"name": name, "value": at(one, "parameter_value"), "apply_method": at(one, "apply_method")}
        for one in sorted(items_at(item, "parameters"), key=lambda p: text_at(p, "parameter_name"))
        if (name := text_at(one, "parameter_name")) and text_at(one, "source") in ("user", "")
    ]
    return shape


def _tags(path: str) -> Detail:
    return Detail("list_tags_for_resource", {"ResourceName": path}, "tag_list", "tags")


def _replication_group(item: Item) -> Item:
    shape = renamed(item, {"replication_group_id": "id"}, without=("node_groups", "log_delivery_configurations"))
    shape["primary_endpoint_address"] = at(item, "node_groups.primary_endpoint.address")
    return shape


def _cache_cluster(item: Item) -> Item:
    shape = renamed(
        item, {"cache_cluster_id": "cluster_id", "cache_node_type": "node_type"}, without=("security_groups",)
    )
    shape["security_group_ids"] = sorted(text_at(g, "security_group_id") for g in items_at(item, "security_groups"))
    shape["parameter_group_name"] = at(item, "cache_parameter_group.cache_parameter_group_name")
    shape.pop("cache_parameter_group", None)
    return shape


def _table(item: Item) -> Item:
    # Size and count are told every six hours and are not what the table is.
    shape = renamed(
        item,
        {"table_arn": "arn", "table_name": "name"},
        without=("value", "item_count", "table_size_bytes", "provisioned_throughput", "recovery", "time_to_live"),
    )
    shape["read_capacity"] = at(item, "provisioned_throughput.read_capacity_units")
    shape["write_capacity"] = at(item, "provisioned_throughput.write_capacity_units")
    if "recovery" in item:
        shape["point_in_time_recovery"] = block(enabled=at(item, "recovery") == "ENABLED")
    if "time_to_live" in item:
        on = at(item, "time_to_live.time_to_live_status") == "ENABLED"
        shape["ttl"] = block(enabled=on, attribute_name=at(item, "time_to_live.attribute_name"))
    # Without a description the key is the service's own: what Terraform calls not enabled.
    shape["server_side_encryption"] = block(
        enabled=at(item, "sse_description.status") == "ENABLED",
        kms_key_arn=at(item, "sse_description.kms_master_key_arn"),
    )
    return shape


DATA: tuple[Collection, ...] = (
    Collection(
        type="aws_db_instance",
        service="rds",
        operation="describe_db_instances",
        items="db_instances",
        arn=arn_at("arn"),
        config_type="AWS::RDS::DBInstance",
        names={"address": "dns", "resource_id": "id"},
        id="identifier",
        name="identifier",
        created="instance_create_time",
        status="db_instance_status",
        shape=_db_instance,
        links=(
            Link("parameter_group_name", regional("rds", "pg:")),
            Link("db_subnet_group_name", regional("rds", "subgrp:")),
            Link("db_cluster_identifier", regional("rds", "cluster:")),
            Link("read_replica_source_db_instance_identifier", regional("rds", "db:")),
        ),
    ),
    Collection(
        type="aws_rds_cluster",
        service="rds",
        operation="describe_db_clusters",
        items="db_clusters",
        arn=arn_at("arn"),
        config_type="AWS::RDS::DBCluster",
        names={"endpoint": "dns", "reader_endpoint": "dns"},
        id="cluster_identifier",
        name="cluster_identifier",
        created="cluster_create_time",
        status="status",
        shape=_db_cluster,
        links=(
            Link("db_cluster_parameter_group_name", regional("rds", "cluster-pg:")),
            Link("db_subnet_group_name", regional("rds", "subgrp:")),
        ),
    ),
    Collection(
        type="aws_db_subnet_group",
        service="rds",
        operation="describe_db_subnet_groups",
        items="db_subnet_groups",
        arn=arn_at("arn"),
        config_type="AWS::RDS::DBSubnetGroup",
        name="name",
        shape=_subnet_group,
    ),
    Collection(
        type="aws_db_parameter_group",
        service="rds",
        operation="describe_db_parameter_groups",
        items="db_parameter_groups",
        arn=arn_at("arn"),
        details=(
            Detail(
                "describe_db_parameters",
                {"DBParameterGroupName": "db_parameter_group_name"},
                "parameters",
                "parameters",
                parameters={"Source": "user"},
            ),
        ),
        name="name",
        shape=_parameters,
    ),
    Collection(
        type="aws_rds_cluster_parameter_group",
        service="rds",
        operation="describe_db_cluster_parameter_groups",
        items="db_cluster_parameter_groups",
        arn=arn_at("arn"),
        details=(
            Detail(
                "describe_db_cluster_parameters",
                {"DBClusterParameterGroupName": "db_cluster_parameter_group_name"},
                "parameters",
                "parameters",
                parameters={"Source": "user"},
            ),
        ),
        name="name",
        shape=_parameters,
    ),
    Collection(
        type="aws_elasticache_replication_group",
        service="elasticache",
        operation="describe_replication_groups",
        items="replication_groups",
        arn=arn_at("arn"),
        names={"primary_endpoint_address": "dns"},
        id="id",
        name="id",
        created="replication_group_create_time",
        status="status",
        shape=_replication_group,
        links=(Link("member_clusters", regional("elasticache", "cluster:")),),
    ),
    Collection(
        type="aws_elasticache_cluster",
        service="elasticache",
        operation="describe_cache_clusters",
        items="cache_clusters",
        arn=arn_at("arn"),
        parameters={"ShowCacheNodeInfo": False},
        details=(_tags("arn"),),
        id="cluster_id",
        name="cluster_id",
        created="cache_cluster_create_time",
        status="cache_cluster_status",
        shape=_cache_cluster,
        links=(
            Link("cache_subnet_group_name", regional("elasticache", "subnetgroup:")),
            Link("parameter_group_name", regional("elasticache", "parametergroup:")),
        ),
    ),
    Collection(
        type="aws_dynamodb_table",
        service="dynamodb",
        operation="list_tables",
        items="table_names",
        arn=arn_at("arn"),
        details=(
            Detail("describe_table", {"TableName": "value"}, "table"),
            Detail(
                "describe_continuous_backups",
                {"TableName": "value"},
                "continuous_backups_description.point_in_time_recovery_description.point_in_time_recovery_status",
                "recovery",
            ),
            Detail("describe_time_to_live", {"TableName": "value"}, "time_to_live_description", "time_to_live"),
            Detail("list_tags_of_resource", {"ResourceArn": "table_arn"}, "tags", "tags"),
        ),
        config_type="AWS::DynamoDB::Table",
        name="name",
        created="creation_date_time",
        status="table_status",
        shape=_table,
    ),
)
