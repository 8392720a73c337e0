"""ECS clusters, services and the task definitions they run; EKS clusters and node groups.

API: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ and https://docs.aws.amazon.com/eks/latest/APIReference/
"""

from __future__ import annotations

from collections.abc import Mapping

from graph.model import Value
from ingest.sources.aws.table import Batch, Collection, Detail, arn_at, renamed, shaped
from ingest.sources.aws.values import Item, at, items_at, text_at


def _service(item: Item) -> Item:
    # Events, task sets and deployments move by themselves while the service is what it was.
    shape = renamed(
        item,
        {"service_name": "name", "service_arn": "arn", "cluster_arn": "cluster"},
        without=("events", "deployments", "task_sets", "pending_count", "value", "load_balancers", "service_revisions"),
    )
    shape["load_balancer"] = sorted(items_at(item, "load_balancers"), key=str)
    return shape


def _task_definition(item: Item) -> Item:
    told = at(item, "task_definition")
    definition: Item = dict(told) if isinstance(told, Mapping) else item
    shape = renamed(
        definition,
        {"task_definition_arn": "arn"},
        without=("container_definitions", "requires_attributes", "compatibilities", "registered_by"),
    )
    shape["container_definitions"] = [_container(one) for one in items_at(definition, "container_definitions")]
    shape["tags"] = at(item, "tags")
    shape["_id"] = f"{text_at(definition, 'family')}:{text_at(definition, 'revision')}"
    return shape


def _container(container: Item) -> Value:
    """A container without the values of its environment: names only. `secrets` say where a secret is, not what it is."""
    shape = renamed(container, {}, without=("environment", "environment_files", "repository_credentials"))
    names: list[Value] = [text_at(one, "name") for one in items_at(container, "environment")]
    shape["environment_names"] = sorted(names, key=str)
    return shape


def _node_group(item: Item) -> Item:
    shape = renamed(
        item,
        {"nodegroup_arn": "arn", "nodegroup_name": "node_group_name", "nodegroup_id": "node_group_id"},
        without=("value", "health", "modified_at"),
    )
    shape["autoscaling_group_names"] = [text_at(g, "name") for g in items_at(item, "resources.auto_scaling_groups")]
    shape.pop("resources", None)
    return shape


CONTAINERS: tuple[Collection, ...] = (
    Collection(
        type="aws_ecs_cluster",
        service="ecs",
        operation="list_clusters",
        items="cluster_arns",
        arn=arn_at("arn"),
        batches=(
            Batch(
                "describe_clusters",
                "clusters",
                "value",
                100,
                "clusters",
                "cluster_arn",
                parameters={"include": ["TAGS", "SETTINGS"]},
            ),
        ),
        config_type="AWS::ECS::Cluster",
        name="name",
        status="status",
        shape=shaped(
            {"cluster_arn": "arn", "cluster_name": "name"},
            without=(
                "value",
                "statistics",
                "running_tasks_count",
                "pending_tasks_count",
                "registered_container_instances_count",
                "active_services_count",
                "attachments",
            ),
        ),
    ),
    Collection(
        type="aws_ecs_service",
        service="ecs",
        operation="list_services",
        items="service_arns",
        arn=arn_at("arn"),
        parent="aws_ecs_cluster",
        bind={"cluster": "arn"},
        carry={"cluster_arn": "arn"},
        batches=(
            Batch(
                "describe_services",
                "services",
                "value",
                10,
                "services",
                "service_arn",
                bind={"cluster": "cluster_arn"},
                parameters={"include": ["TAGS"]},
            ),
        ),
        config_type="AWS::ECS::Service",
        name="name",
        created="created_at",
        status="status",
        shape=_service,
        service_name="name",
    ),
    Collection(
        # Only those that a service runs: an account keeps every revision there ever was.
        type="aws_ecs_task_definition",
        service="ecs",
        operation="describe_task_definition",
        items="",
        arn=arn_at("arn"),
        parameters={"include": ["TAGS"]},
        parent="aws_ecs_service",
        bind={"taskDefinition": "task_definition"},
        config_type="AWS::ECS::TaskDefinition",
        id="_id",
        name="family",
        created="registered_at",
        status="status",
        shape=_task_definition,
    ),
    Collection(
        type="aws_eks_cluster",
        service="eks",
        operation="list_clusters",
        items="clusters",
        arn=arn_at("arn"),
        details=(Detail("describe_cluster", {"name": "value"}, "cluster"),),
        config_type="AWS::EKS::Cluster",
        id="name",
        name="name",
        created="created_at",
        status="status",
        shape=shaped(without=("value", "certificate_authority", "health")),
    ),
    Collection(
        type="aws_eks_node_group",
        service="eks",
        operation="list_nodegroups",
        items="nodegroups",
        arn=arn_at("arn"),
        parent="aws_eks_cluster",
        bind={"clusterName": "name"},
        carry={"cluster_name": "name", "cluster_arn": "arn"},
        details=(Detail("describe_nodegroup", {"clusterName": "cluster_name", "nodegroupName": "value"}, "nodegroup"),),
        config_type="AWS::EKS::Nodegroup",
        name="node_group_name",
        created="created_at",
        status="status",
        shape=_node_group,
    ),
)
