"""What is kept of an object: attribute path -> value, by kind. Values of variables, config maps and secrets are never among them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256

from graph.model import Value
from ingest.sources.kubernetes.objects import (
    Object,
    array,
    at,
    containers,
    mapping,
    mappings,
    number,
    pod_template,
    scalar,
    string_map,
    text,
)

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod")
_TROUBLE = ("CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError", "OOMKilled", "Error")


def attributes_of(one: Object, pods: Sequence[Object]) -> dict[str, Value]:
    """What is kept of an object. `pods` are those that it controls, directly or through replica sets and jobs."""
    if one.kind in WORKLOADS:
        found = {**dict(_workload(one)), **dict(_pods(pods))}
    elif one.kind in _BY_KIND:
        found = dict(_BY_KIND[one.kind](one))
    else:
        found = {}
    return {path: value for path, value in found.items() if value not in ("", None, [], {})}


def status_of(one: Object, pods: Sequence[Object]) -> str:
    """How it is, in a few words; empty where nothing is told."""
    match one.kind:
        case "Deployment" | "StatefulSet" | "ReplicaSet":
            wanted = number(one.raw, "spec", "replicas")
            words = [f"{number(one.raw, 'status', 'readyReplicas') or 0}/{1 if wanted is None else wanted} ready"]
        case "DaemonSet":
            ready, wanted = (
                number(one.raw, "status", "numberReady"),
                number(one.raw, "status", "desiredNumberScheduled"),
            )
            words = [f"{ready or 0}/{wanted or 0} ready"]
        case "Job":
            words = [
                text(c, "type").lower()
                for c in mappings(one.raw, "status", "conditions")
                if text(c, "status") == "True"
            ]
        case "CronJob":
            words = ["suspended"] if at(one.raw, "spec", "suspend") is True else []
        case "Node":
            words = _node_words(one)
        case "Application":
            words = [text(one.raw, "status", "sync", "status"), text(one.raw, "status", "health", "status")]
        case _:
            words = [text(one.raw, "status", "phase")]
    return ", ".join(word for word in (*words, *_troubles(pods)) if word)


# -- workloads


def _workload(one: Object) -> Iterator[tuple[str, Value]]:
    spec, pod = mapping(one.raw, "spec"), mapping(pod_template(one), "spec")
    yield "replicas", number(spec, "replicas")
    yield "strategy", text(spec, "strategy", "type") or text(spec, "updateStrategy", "type")
    yield "schedule", text(spec, "schedule")
    yield "suspend", True if at(spec, "suspend") is True else None
    yield "revision", one.annotations.get("deployment.kubernetes.io/revision")
    yield "service_account", text(pod, "serviceAccountName")
    yield "node_selector", dict(string_map(pod, "nodeSelector"))
    for container in containers(one):
        stem = f"containers.{text(container, 'name')}"
        yield f"{stem}.image", text(container, "image")
        yield f"{stem}.env", [text(v, "name") for v in mappings(container, "env") if text(v, "name")]
        yield f"{stem}.ports", [scalar(p, "containerPort") for p in mappings(container, "ports")]
        for side in ("requests", "limits"):
            for resource, _ in sorted(mapping(container, "resources", side).items()):
                yield f"{stem}.resources.{side}.{resource}", scalar(container, "resources", side, resource)
        for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
            yield f"{stem}.{probe}", _probe(mapping(container, probe))


def _probe(probe: Mapping[str, object]) -> str:
    if http := mapping(probe, "httpGet"):
        # Without its query: that may hold a token.
        return f"http {scalar(http, 'port')} {text(http, 'path').partition('?')[0]}".strip()
    for kind in ("tcpSocket", "grpc"):
        if found := mapping(probe, kind):
            return f"{kind} {scalar(found, 'port')}"
    return "exec" if mapping(probe, "exec") else ""


def _pods(pods: Sequence[Object]) -> Iterator[tuple[str, Value]]:
    if pods:
        yield "pods.count", len(pods)
        yield "pods.restarts", sum(number(c, "restartCount") or 0 for pod in pods for c in _container_states(pod))
        yield "pods.trouble", _troubles(pods)


def _troubles(pods: Sequence[Object]) -> list[str]:
    """What is wrong with pods: why a container waits or last ended, and phases that are not good."""
    found: set[str] = set()
    for pod in pods:
        phase = text(pod.raw, "status", "phase")
        if phase in ("Pending", "Failed", "Unknown"):
            found.add(text(pod.raw, "status", "reason") or phase)
        for container in _container_states(pod):
            for path in (("state", "waiting"), ("state", "terminated"), ("lastState", "terminated")):
                reason = text(container, *path, "reason")
                if reason in _TROUBLE:
                    found.add(reason)
    return sorted(found)


def _container_states(pod: Object) -> list[Mapping[str, object]]:
    return [*mappings(pod.raw, "status", "initContainerStatuses"), *mappings(pod.raw, "status", "containerStatuses")]


# -- other kinds


def _service(one: Object) -> Iterator[tuple[str, Value]]:
    spec = mapping(one.raw, "spec")
    yield "type", text(spec, "type")
    yield "cluster_ip", text(spec, "clusterIP")
    yield "external_name", text(spec, "externalName")
    yield "selector", dict(string_map(spec, "selector"))
    yield "ports", [_port(p) for p in mappings(spec, "ports")]
    yield "load_balancer", addresses(one)


def _port(port: Mapping[str, object]) -> str:
    target = scalar(port, "targetPort") or scalar(port, "port")
    return f"{scalar(port, 'port')}->{target}/{text(port, 'protocol') or 'TCP'}"


def addresses(one: Object) -> list[str]:
    """Host names and addresses of the load balancer before a Service or Ingress."""
    told = mappings(one.raw, "status", "loadBalancer", "ingress")
    return [host for entry in told if (host := text(entry, "hostname") or text(entry, "ip"))]


def ingress_rules(one: Object) -> Iterator[tuple[str, str, str, str]]:
    """Host, path, service and port of each rule of an Ingress, its default backend included."""
    default = mapping(one.raw, "spec", "defaultBackend", "service")
    if default:
        yield "*", "/", text(default, "name"), scalar(default, "port", "number") or text(default, "port", "name")
    for rule in mappings(one.raw, "spec", "rules"):
        for path in mappings(rule, "http", "paths"):
            backend = mapping(path, "backend", "service")
            port = scalar(backend, "port", "number") or text(backend, "port", "name")
            yield text(rule, "host") or "*", text(path, "path") or "/", text(backend, "name"), port


def _ingress(one: Object) -> Iterator[tuple[str, Value]]:
    yield "class", text(one.raw, "spec", "ingressClassName") or one.annotations.get("kubernetes.io/ingress.class")
    rules = list(ingress_rules(one))
    yield "hosts", sorted({host for host, _, _, _ in rules if host != "*"})
    yield "rules", [f"{host}{path} -> {service}:{port}" for host, path, service, port in rules]
    yield "tls_secrets", [text(t, "secretName") for t in mappings(one.raw, "spec", "tls") if text(t, "secretName")]
    yield "load_balancer", addresses(one)


def _config_map(one: Object) -> Iterator[tuple[str, Value]]:
    data, binary = mapping(one.raw, "data"), mapping(one.raw, "binaryData")
    yield "keys", sorted({*data, *binary})
    canonical = json.dumps([dict(data), dict(binary)], sort_keys=True, separators=(",", ":"))
    yield "data_sha256", sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _secret(one: Object) -> Iterator[tuple[str, Value]]:
    yield "type", text(one.raw, "type")
    yield "keys", sorted({*mapping(one.raw, "data"), *mapping(one.raw, "stringData")})


def _autoscaler(one: Object) -> Iterator[tuple[str, Value]]:
    spec = mapping(one.raw, "spec")
    yield "target", f"{text(spec, 'scaleTargetRef', 'kind')}/{text(spec, 'scaleTargetRef', 'name')}"
    yield "min_replicas", number(spec, "minReplicas")
    yield "max_replicas", number(spec, "maxReplicas")
    yield "target_cpu_percent", number(spec, "targetCPUUtilizationPercentage")
    yield "current_replicas", number(one.raw, "status", "currentReplicas")
    yield "metrics", sorted(_metric(m) for m in mappings(spec, "metrics"))


def _metric(metric: Mapping[str, object]) -> str:
    kind = text(metric, "type")
    told = mapping(metric, kind[:1].lower() + kind[1:])
    name = text(told, "name") or text(told, "metric", "name")
    target = mapping(told, "target")
    value = next((scalar(target, k) for k in ("averageUtilization", "averageValue", "value") if scalar(target, k)), "")
    return f"{kind} {name} {value}{'%' if 'averageUtilization' in target else ''}".strip()


def _node(one: Object) -> Iterator[tuple[str, Value]]:
    labels = one.labels
    yield "instance_type", labels.get("node.kubernetes.io/instance-type")
    yield "provider_id", text(one.raw, "spec", "providerID")
    yield "unschedulable", True if at(one.raw, "spec", "unschedulable") is True else None
    yield "taints", [f"{text(t, 'key')}:{text(t, 'effect')}" for t in mappings(one.raw, "spec", "taints")]
    for name in ("kubeletVersion", "osImage", "architecture", "containerRuntimeVersion"):
        yield name, text(one.raw, "status", "nodeInfo", name)
    for resource in ("cpu", "memory", "pods"):
        yield f"capacity.{resource}", scalar(one.raw, "status", "capacity", resource)


def _node_words(one: Object) -> list[str]:
    words: list[str] = []
    for condition in mappings(one.raw, "status", "conditions"):
        kind, status = text(condition, "type"), text(condition, "status")
        if kind == "Ready":
            words.append("Ready" if status == "True" else "NotReady")
        elif status == "True":
            words.append(kind)
    if at(one.raw, "spec", "unschedulable") is True:
        words.append("SchedulingDisabled")
    return words


def _application(one: Object) -> Iterator[tuple[str, Value]]:
    spec = mapping(one.raw, "spec")
    sources = mappings(spec, "sources") or [mapping(spec, "source")]
    yield "project", text(spec, "project")
    yield "destination", text(spec, "destination", "namespace")
    for index, source in enumerate(sources):
        stem = f"sources[{index}]" if len(sources) > 1 else "source"
        for name in ("path", "chart", "targetRevision"):
            yield f"{stem}.{name}", text(source, name)
        yield f"{stem}.repo_url", text(source, "repoURL")
    yield "automated", True if isinstance(at(spec, "syncPolicy", "automated"), dict) else None
    yield "images", [i for i in array(one.raw, "status", "summary", "images") if isinstance(i, str)]


_BY_KIND: Mapping[str, Callable[[Object], Iterator[tuple[str, Value]]]] = {
    "Service": _service,
    "Ingress": _ingress,
    "ConfigMap": _config_map,
    "Secret": _secret,
    "HorizontalPodAutoscaler": _autoscaler,
    "Node": _node,
    "Application": _application,
}
