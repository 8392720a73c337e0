"""What `kubectl get … -o json` prints: Lists of Deployments with their ReplicaSets, Services, and events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from examples.formats.output import Json, Plant, hex_id, letters, nothing, stamp, uuid_of, write_json


@dataclass(frozen=True, slots=True)
class Rollout:
    """A revision of a workload: one ReplicaSet."""

    revision: int
    image: str
    at: datetime
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment with its rollouts, oldest first; the last one runs."""

    name: str
    namespace: str
    replicas: int
    port: int
    created_at: datetime
    rollouts: tuple[Rollout, ...]
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class KubernetesEvent:
    """An event about a pod or a Deployment. `type`: Normal or Warning."""

    namespace: str
    kind: str
    name: str
    reason: str
    message: str
    at: datetime
    type: str = "Normal"
    component: str = "kubelet"
    count: int = 1


def write_kubernetes(
    directory: Path, cluster: str, workloads: list[Workload], events: list[KubernetesEvent], plant: Plant = nothing
) -> None:
    """Write deployments.json, replicasets.json, services.json and events.json."""
    lists = {
        "deployments": [_deployment(cluster, w, plant) for w in workloads],
        "replicasets": [_replica_set(cluster, w, r, plant) for w in workloads for r in w.rollouts],
        "services": [_service(cluster, w) for w in workloads],
        "events": [_event(cluster, e) for e in events],
    }
    for name, items in lists.items():
        write_json(
            directory / f"{name}.json",
            {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}},
        )


def workload_uid(cluster: str, namespace: str, name: str) -> str:
    """The UID of a Deployment."""
    return uuid_of(cluster, "Deployment", namespace, name)


def _metadata(cluster: str, kind: str, namespace: str, name: str, at: datetime, **more: object) -> Json:
    return {
        "name": name,
        "namespace": namespace,
        "uid": uuid_of(cluster, kind, namespace, name),
        "resourceVersion": str(int(hex_id(cluster, kind, namespace, name, digits=7), 16)),
        "creationTimestamp": stamp(at),
        **more,
    }


def _template(workload: Workload, image: str, plant: Plant) -> Json:
    environment = dict(workload.environment)
    if secret := plant("kubernetes.env"):
        environment["API_TOKEN"] = secret
    return {
        "metadata": {"labels": {"app": workload.name, **workload.labels}},
        "spec": {
            "containers": [
                {
                    "name": workload.name,
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "env": [{"name": name, "value": value} for name, value in environment.items()],
                    "ports": [{"containerPort": workload.port, "protocol": "TCP"}],
                    "resources": {"limits": {"memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "256Mi"}},
                }
            ],
            "restartPolicy": "Always",
        },
    }


def _deployment(cluster: str, workload: Workload, plant: Plant) -> Json:
    last = workload.rollouts[-1]
    notes = {"deployment.kubernetes.io/revision": str(last.revision)} | (
        {"kubernetes.io/change-cause": last.cause} if last.cause else {}
    )
    labels = {"app": workload.name, **workload.labels}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(cluster, "Deployment", workload.namespace, workload.name, workload.created_at, generation=len(workload.rollouts), labels=labels, annotations=notes),
        "spec": {
            "replicas": workload.replicas,
            "selector": {"matchLabels": {"app": workload.name}},
            "template": _template(workload, last.image, plant),
        },
        "status": {
            "observedGeneration": len(workload.rollouts),
            "replicas": workload.replicas,
            "updatedReplicas": workload.replicas,
            "readyReplicas": workload.replicas,
            "availableReplicas": workload.replicas,
            "conditions": [{"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable", "lastUpdateTime": stamp(last.at), "lastTransitionTime": stamp(last.at), "message": "Deployment has minimum availability."}],
        },
    }  # fmt: skip


def _replica_set(cluster: str, workload: Workload, rollout: Rollout, plant: Plant) -> Json:
    pod_hash = letters(
        workload.namespace, workload.name, rollout.revision, rollout.image, alphabet="bcdf456789ghjklmnpqrstvwxz"
    )
    name = f"{workload.name}-{pod_hash}"
    running = workload.replicas if rollout is workload.rollouts[-1] else 0
    owner = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": workload.name,
        "uid": workload_uid(cluster, workload.namespace, workload.name),
        "controller": True,
        "blockOwnerDeletion": True,
    }
    notes = {"deployment.kubernetes.io/revision": str(rollout.revision)} | (
        {"kubernetes.io/change-cause": rollout.cause} if rollout.cause else {}
    )
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": _metadata(cluster, "ReplicaSet", workload.namespace, name, rollout.at, labels={"app": workload.name, "pod-template-hash": pod_hash}, annotations=notes, ownerReferences=[owner]),
        "spec": {
            "replicas": running,
            "selector": {"matchLabels": {"app": workload.name, "pod-template-hash": pod_hash}},
            "template": _template(workload, rollout.image, plant),
        },
        "status": {"replicas": running, "readyReplicas": running, "observedGeneration": 1},
    }  # fmt: skip


def _service(cluster: str, workload: Workload) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(cluster, "Service", workload.namespace, workload.name, workload.created_at, labels={"app": workload.name}),
        "spec": {
            "type": "ClusterIP",
            "clusterIP": f"10.100.{int(hex_id(workload.namespace, workload.name, digits=2), 16)}.{workload.port % 250}",
            "selector": {"app": workload.name},
            "ports": [{"port": 80, "targetPort": workload.port, "protocol": "TCP"}],
        },
    }  # fmt: skip


def _event(cluster: str, event: KubernetesEvent) -> Json:
    name = f"{event.name}.{hex_id(event.name, event.reason, event.at)}"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": _metadata(cluster, "Event", event.namespace, name, event.at),
        "involvedObject": {"kind": event.kind, "namespace": event.namespace, "name": event.name, "uid": uuid_of(cluster, event.kind, event.namespace, event.name)},
        "reason": event.reason,
        "message": event.message,
        "source": {"component": event.component},
        "firstTimestamp": stamp(event.at),
        "lastTimestamp": stamp(event.at),
        "count": event.count,
        "type": event.type,
        "eventTime": None,
        "reportingComponent": event.component,
        "reportingInstance": "",
    }  # fmt: skip
