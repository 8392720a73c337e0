"""EKS, ECS on Fargate, ECR. https://aws.amazon.com/eks/pricing/ · https://aws.amazon.com/fargate/pricing/"""

from __future__ import annotations

import re
from decimal import Decimal

from agent.cost.estimate_plan import Planned
from agent.cost.prices import ONE
from agent.cost.resources.lines import Case, Family, Line, Mapped, Unpriced, hourly, stored
from agent.cost.resources.support import eks_extended

FAMILY = Family()
_MB = Decimal(1_024)


@FAMILY.maps("aws_eks_cluster")
def _eks(case: Case) -> Mapped:
    values = case.planned.values
    extended = eks_extended(values.text("version"), case.today)
    if extended and values.block("upgrade_policy").text("support_type") != "STANDARD":
        query = case.query("AmazonEKS", "Compute", usagetype="~AmazonEKS-Hours:extendedSupport")
        return [hourly("EKS cluster (extended support)", query)]
    return [hourly("EKS cluster", case.query("AmazonEKS", "Compute", usagetype="~AmazonEKS-Hours:perCluster"))]


@FAMILY.maps("aws_eks_fargate_profile")
def _eks_fargate(case: Case) -> Mapped:
    """One pod of the smallest size that is charged a whole unit of each: what runs is known to the cluster alone."""
    return _fargate(case, "AmazonEKS", "Fargate", ONE, ONE, ONE, ("Per GB per hour", "Per vCPU per hour"))


@FAMILY.maps("aws_ecs_service")
def _ecs(case: Case) -> Mapped:
    values, planned, scene = case.planned.values, case.planned, case.scene
    if not _on_fargate(case):
        return []  # its instances are charged on their own
    task = scene.referred(planned, "task_definition", "aws_ecs_task_definition")
    for one in scene.referring(planned, "service", "aws_ecs_task_set"):
        task = task or scene.referred(one, "task_definition", "aws_ecs_task_definition")
    if task is None:
        family = values.text("task_definition").rpartition("/")[2].partition(":")[0]
        task = scene.by_value("family", family, "aws_ecs_task_definition")
    if task is None:
        return Unpriced("its task definition is not in the plan")
    cpu, memory = _size(task.values.text("cpu"), Decimal(1_024)), _size(task.values.text("memory"), _MB)
    if cpu is None or memory is None:
        return Unpriced("its task definition tells no cpu and memory")
    count = values.number("desired_count")
    count = Decimal(0) if count is None else count
    arm = task.values.block("runtime_platform").text("cpu_architecture") == "ARM64"
    lines = _fargate(case, "AmazonECS", "Fargate-ARM" if arm else "Fargate", count, cpu, memory)
    accelerator = task.values.block("inference_accelerator").text("device_type")
    if accelerator:
        query = case.query("AmazonEI", "Elastic Inference", usagetype=f"~{accelerator}")
        lines.append(hourly(f"Inference accelerator ({accelerator})", query, count))
    return lines


def _on_fargate(case: Case) -> bool:
    values = case.planned.values
    kind = values.text("launch_type")
    if kind:
        return kind == "FARGATE"
    providers = [block.text("capacity_provider") for block in values.blocks("capacity_provider_strategy")]
    if not providers:
        cluster = case.scene.referred(case.planned, "cluster", "aws_ecs_cluster")
        if cluster is not None:
            providers = _default_providers(case, cluster)
    return any(name.startswith("FARGATE") for name in providers)


def _default_providers(case: Case, cluster: Planned) -> list[str]:
    found = [block.text("capacity_provider") for block in cluster.values.blocks("default_capacity_provider_strategy")]
    for one in case.scene.referring(cluster, "cluster_name", "aws_ecs_cluster_capacity_providers"):
        found += [block.text("capacity_provider") for block in one.values.blocks("default_capacity_provider_strategy")]
    if found:
        return found
    # without a default strategy: what its providers have in common
    named = {*cluster.values.texts("capacity_providers")}
    for one in case.scene.referring(cluster, "cluster_name", "aws_ecs_cluster_capacity_providers"):
        named |= {*one.values.texts("capacity_providers")}
    return sorted(named) if named and all(name.startswith("FARGATE") for name in named) else []


def _fargate(
    case: Case, service: str, kind: str, count: Decimal, cpu: Decimal, memory: Decimal,
    names: tuple[str, str] = ("Per GB per hour", "Per vCPU per hour"),
) -> list[Line]:  # fmt: skip
    return [
        Line(names[0], "GB", memory * count, case.query(service, "Compute", usagetype=f"~{kind}-GB-Hours"), per=Decimal(730)),
        Line(names[1], "CPU", cpu * count, case.query(service, "Compute", usagetype=f"~{kind}-vCPU-Hours:perCPU"), per=Decimal(730)),
    ]  # fmt: skip


def _size(told: str, single: Decimal) -> Decimal | None:
    """vCPUs or GB of `1024`, `1 vCPU`, `2GB`; `single` is how many of a bare number make one."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(vcpu|gb)?\s*", told.lower())
    if found is None:
        return None
    return Decimal(found[1]) if found[2] else Decimal(found[1]) / single


@FAMILY.maps("aws_ecr_repository")
def _registry(case: Case) -> Mapped:
    return [
        stored(
            "Storage",
            case.usage.number("storage_gb"),
            case.query("AmazonECR", "EC2 Container Registry", usagetype="~TimedStorage-ByteHrs"),
        )
    ]
