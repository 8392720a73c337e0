"""What a cluster holds: one entity an object, its names, where it runs and which service runs on it; and what refers to what.

Each kind is a snapshot of its own, and so are the references to each kind: a kind that may not be listed takes nothing away from others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from graph.clock import Instant, rfc3339
from graph.model import Alias, Assertion, Entity, Fact, Relation, Value
from ingest import names
from ingest.sources.deployments.facts import environment_facts, service_facts
from ingest.sources.kubernetes.attributes import WORKLOADS, addresses, attributes_of, ingress_rules, status_of
from ingest.sources.kubernetes.cluster import Cluster
from ingest.sources.kubernetes.helm import is_release
from ingest.sources.kubernetes.objects import (
    Object,
    containers,
    mapping,
    mappings,
    pod_template,
    ref_of,
    selects,
    string_map,
    text,
)

INVENTORY = (
    "Namespace",
    "Node",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "Job",
    "CronJob",
    "Pod",
    "Service",
    "Ingress",
    "ConfigMap",
    "Secret",
    "HorizontalPodAutoscaler",
    "Application",
)
"""Kinds that become entities; of replica sets, jobs and pods only those that nothing controls."""
LINKS: Mapping[str, tuple[str, ...]] = {
    "workloads": ("Service", "HorizontalPodAutoscaler", *WORKLOADS),
    "Service": ("Ingress", "Service"),
    "ConfigMap": (*WORKLOADS, "ConfigMap"),
    "Secret": (*WORKLOADS, "Ingress", "Secret"),
}
"""To what references lead -> the kinds that must be known for them to be complete."""


def is_entity(one: Object, cluster: Cluster) -> bool:
    """Whether an object is kept as itself: replica sets, jobs and pods are told through what controls them, releases of Helm by themselves."""
    if one.kind not in INVENTORY or is_release(one):
        return False
    return one.kind not in ("ReplicaSet", "Job", "Pod") or one.owner is None


def objects_of(kind: str, cluster: Cluster, now: Instant) -> Iterator[Assertion]:
    """All that exists of a kind."""
    for one in cluster.of(kind):
        if is_entity(one, cluster):
            yield from _object(one, cluster, now)


def links_to(part: str, cluster: Cluster, now: Instant) -> Iterator[Assertion]:
    """All references that lead to one part of `LINKS`."""
    for src, dst, properties in _LINKS[part](cluster):
        if is_entity(src, cluster) and is_entity(dst, cluster) and src is not dst:
            fact = Relation("DEPENDS_ON", ref_of(cluster.name, src.uid), ref_of(cluster.name, dst.uid), properties)
            yield Assertion(fact, now, now, f"{cluster.name}/{src.path}")


# -- objects


def _object(one: Object, cluster: Cluster, now: Instant) -> Iterator[Assertion]:
    ref, locator = ref_of(cluster.name, one.uid), f"{cluster.name}/{one.path}"
    began = min(one.created_at, now) if one.created_at is not None else now
    pods = cluster.pods_of.get(one.uid, ()) if one.kind != "Pod" else (one,)
    environment = cluster.environment_of(one)
    fixed = _fixed(one, cluster, environment)
    # From its creation on it has been there under its names; what it is like is known from now on.
    for fact in (Entity(ref, fixed), *_names(one, cluster), *_runs_in(one, environment, cluster)):
        yield Assertion(fact, began, began, locator)
    told: dict[str, Value] = {
        **fixed,
        "status": status_of(one, pods),
        "tags": dict(one.labels),
        "attributes": attributes_of(one, pods),
    }
    if one.kind == "Node":
        told["region"] = one.labels.get("topology.kubernetes.io/zone") or one.labels.get(
            "topology.kubernetes.io/region"
        )
    properties = {name: value for name, value in told.items() if value not in ("", None, {})}
    yield Assertion(Entity(ref, properties), now, max(now, began), locator)
    for fact in (*_addresses(one, cluster), *_runs_on(one, cluster)):
        yield Assertion(fact, now, now, locator)


def _fixed(one: Object, cluster: Cluster, environment: str) -> dict[str, Value]:
    told = {
        "type": f"kubernetes:{one.kind}",
        "name": one.name,
        "namespace": one.namespace,
        "cluster": cluster.name,
        "provider": "kubernetes",
        "cloud_id": f"k8s:{cluster.name}/{one.uid}",
        "environment": names.environment_name(environment),
        "created_at": rfc3339(one.created_at) if one.created_at is not None else "",
    }
    return {name: value for name, value in told.items() if value}


def _names(one: Object, cluster: Cluster) -> Iterator[Fact]:
    ref = ref_of(cluster.name, one.uid)
    yield Alias(ref, "name", one.name)
    yield Alias(ref, "path", one.path)
    yield Alias(ref, "uid", one.uid)
    if one.namespace:
        yield Alias(ref, "path", f"{one.namespace}/{one.name}")
    if one.kind == "Service" and one.namespace:
        for host in (f"{one.name}.{one.namespace}", f"{one.name}.{one.namespace}.svc.cluster.local"):
            yield Alias(ref, "dns", host)


def _addresses(one: Object, cluster: Cluster) -> Iterator[Fact]:
    ref = ref_of(cluster.name, one.uid)
    hosts = set(addresses(one)) if one.kind in ("Service", "Ingress") else set[str]()
    if one.kind == "Ingress":
        hosts |= {host for host, _, _, _ in ingress_rules(one) if host != "*"}
    for host in sorted(hosts):
        yield Alias(ref, "dns", host)
    if one.kind == "Node":
        told = {text(a, "address") for a in mappings(one.raw, "status", "addresses")} - {"", one.name}
        for address in sorted(told):
            yield Alias(ref, "address", address)
        if instance := text(one.raw, "spec", "providerID").rpartition("/")[2]:
            yield Alias(ref, "id", instance)


def _runs_in(one: Object, environment: str, cluster: Cluster) -> Iterator[Fact]:
    if environment:
        yield from environment_facts(environment)
        yield Relation("RUNS_IN", ref_of(cluster.name, one.uid), names.environment(environment), {})


def _runs_on(one: Object, cluster: Cluster) -> Iterator[Fact]:
    if one.kind not in WORKLOADS:
        return
    service, label = cluster.service_of(one)
    if service:
        yield from service_facts(service)
        rule = {"rule": f"label {label}"}
        yield Relation("RUNS_ON", names.service(service), ref_of(cluster.name, one.uid), rule)


# -- references

_Link = tuple[Object, Object, dict[str, Value]]


def _to_workloads(cluster: Cluster) -> Iterator[_Link]:
    by_namespace: dict[str, list[tuple[Object, dict[str, str]]]] = {}
    for one in cluster.of(*WORKLOADS):
        if is_entity(one, cluster):
            labels = string_map(pod_template(one), "metadata", "labels")
            by_namespace.setdefault(one.namespace, []).append((one, labels))
    for service in cluster.of("Service"):
        selector = string_map(service.raw, "spec", "selector")
        for one, labels in by_namespace.get(service.namespace, ()):
            if selects(selector, labels):
                yield service, one, {"via": ["spec.selector"]}
    for scaler in cluster.of("HorizontalPodAutoscaler"):
        target = mapping(scaler.raw, "spec", "scaleTargetRef")
        found = cluster.by_path.get(f"{text(target, 'kind')}/{scaler.namespace}/{text(target, 'name')}")
        if found is not None:
            yield scaler, found, {"via": ["spec.scaleTargetRef"]}


def _to_services(cluster: Cluster) -> Iterator[_Link]:
    for ingress in cluster.of("Ingress"):
        via: dict[str, set[Value]] = {}
        for host, path, service, _ in ingress_rules(ingress):
            via.setdefault(service, set()).add(f"{host}{path}")
        for service, routes in sorted(via.items()):
            found = cluster.by_path.get(f"Service/{ingress.namespace}/{service}")
            if found is not None:
                yield ingress, found, {"via": sorted(routes, key=str)}


def _to_config_maps(cluster: Cluster) -> Iterator[_Link]:
    yield from _references(cluster, "ConfigMap")


def _to_secrets(cluster: Cluster) -> Iterator[_Link]:
    yield from _references(cluster, "Secret")
    for ingress in cluster.of("Ingress"):
        for tls in mappings(ingress.raw, "spec", "tls"):
            found = cluster.by_path.get(f"Secret/{ingress.namespace}/{text(tls, 'secretName')}")
            if found is not None:
                yield ingress, found, {"via": ["spec.tls"]}


def _references(cluster: Cluster, kind: str) -> Iterator[_Link]:
    for one in cluster.of(*WORKLOADS):
        via: dict[str, list[Value]] = {}
        for name, path in _named(one, kind):
            if path not in via.setdefault(name, []):
                via[name].append(path)
        for name, paths in sorted(via.items()):
            found = cluster.by_path.get(f"{kind}/{one.namespace}/{name}")
            if found is not None:
                yield one, found, {"via": paths}


def _named(one: Object, kind: str) -> Iterator[tuple[str, str]]:
    """Names of the config maps or secrets that a workload refers to, and where."""
    config = kind == "ConfigMap"
    for container in containers(one):
        stem = f"containers.{text(container, 'name')}"
        for variable in mappings(container, "env"):
            told = mapping(variable, "valueFrom", "configMapKeyRef" if config else "secretKeyRef")
            if text(told, "name"):
                yield text(told, "name"), f"{stem}.env.{text(variable, 'name')}"
        for told in mappings(container, "envFrom"):
            if name := text(told, "configMapRef" if config else "secretRef", "name"):
                yield name, f"{stem}.envFrom"
    pod = mapping(pod_template(one), "spec")
    for volume in mappings(pod, "volumes"):
        name = text(volume, "configMap", "name") if config else text(volume, "secret", "secretName")
        if name:
            yield name, f"volumes.{text(volume, 'name')}"
        for part in mappings(volume, "projected", "sources"):
            if name := text(part, "configMap" if config else "secret", "name"):
                yield name, f"volumes.{text(volume, 'name')}"
    if not config:
        for told in mappings(pod, "imagePullSecrets"):
            if name := text(told, "name"):
                yield name, "imagePullSecrets"


_LINKS = {
    "workloads": _to_workloads,
    "Service": _to_services,
    "ConfigMap": _to_config_maps,
    "Secret": _to_secrets,
}
