"""A small cluster as its API tells it: a shop in `prod`, with everything that a source should see, and secrets where they stand."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence

from graph.model import Value
from tests.contracts.source_contract import CANARY

Json = dict[str, Value]
APPS = {"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"}
SHA = "0a1b" * 10


def obj(
    kind: str, name: str, namespace: str = "shop", *, created: str = "2026-05-01T09:00:00Z", **fields: Value
) -> Json:
    labels = fields.pop("labels", None)
    annotations = fields.pop("annotations", None)
    owners = fields.pop("owners", None)
    metadata: Json = {
        "name": name,
        "uid": uid(kind, name, namespace),
        "creationTimestamp": created,
        "resourceVersion": "7",
    }
    if namespace:
        metadata["namespace"] = namespace
    for key, value in (("labels", labels), ("annotations", annotations), ("ownerReferences", owners)):
        if value is not None:
            metadata[key] = value
    metadata["managedFields"] = [{"manager": CANARY}]
    version = "apps/v1" if kind in APPS else "argoproj.io/v1alpha1" if kind == "Application" else "v1"
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def uid(kind: str, name: str, namespace: str = "shop") -> str:
    return f"uid-{kind}-{namespace}-{name}".lower()


def owner(kind: str, name: str) -> Value:
    return [{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid(kind, name), "controller": True}]


def pod_spec(image: str) -> Json:
    return {
        "serviceAccountName": "checkout",
        "imagePullSecrets": [{"name": "pull"}],
        "containers": [
            {
                "name": "app",
                "image": image,
                "args": [f"--token={CANARY}"],
                "env": [
                    {"name": "DB_PASSWORD", "value": CANARY},
                    {"name": "DSN", "valueFrom": {"secretKeyRef": {"name": "db", "key": "dsn"}}},
                    {"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "mode"}}},
                ],
                "envFrom": [{"configMapRef": {"name": "settings"}}],
                "ports": [{"containerPort": 8080}],
                "resources": {"limits": {"memory": "256Mi", "cpu": 1}},
                "readinessProbe": {"httpGet": {"path": f"/ready?key={CANARY}", "port": "http"}},
            }
        ],
        "volumes": [{"name": "certs", "secret": {"secretName": "tls"}}],
    }


def deployment(image: str = "registry.acme.example/checkout:2.4.1", revision: str = "3", **status: Value) -> Json:
    labels: Json = {"app": "checkout"}
    template: Json = {"metadata": {"labels": labels}, "spec": pod_spec(image)}
    progressing: Json = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
    progressing["lastUpdateTime"] = "2026-05-04T14:02:00Z"
    told: Json = {
        "readyReplicas": 2,
        "updatedReplicas": 3,
        "availableReplicas": 2,
        "conditions": [progressing],
        **status,
    }
    return obj(
        "Deployment",
        "checkout",
        labels={"app": "checkout", "team": "payments"},
        annotations={
            "deployment.kubernetes.io/revision": revision,
            "kubectl.kubernetes.io/last-applied-configuration": json.dumps({"env": CANARY}),
        },
        spec={
            "replicas": 3,
            "strategy": {"type": "RollingUpdate"},
            "selector": {"matchLabels": labels},
            "template": template,
        },
        status=told,
    )


def replica_set(revision: int, tag: str, created: str, *, history: str = "", cause: str = "") -> Json:
    annotations: Json = {"deployment.kubernetes.io/revision": str(revision)}
    if history:
        annotations["deployment.kubernetes.io/revision-history"] = history
    if cause:
        annotations["kubernetes.io/change-cause"] = cause
    template: Json = {
        "metadata": {"labels": {"app": "checkout"}},
        "spec": pod_spec(f"registry.acme.example/checkout:{tag}"),
    }
    return obj(
        "ReplicaSet",
        f"checkout-7c9d6f{revision:04}",
        created=created,
        owners=owner("Deployment", "checkout"),
        annotations=annotations,
        spec={"replicas": 0, "template": template},
    )


def pod(name: str, restarts: int = 0, waiting: str = "", ended: str = "", owned_by: Value = None) -> Json:
    container: Json = {"name": "app", "restartCount": restarts, "state": {}, "lastState": {}}
    if waiting:
        container["state"] = {"waiting": {"reason": waiting, "message": CANARY}}
    if ended:
        container["lastState"] = {"terminated": {"reason": ended, "exitCode": 137}}
    status: Json = {"phase": "Running", "containerStatuses": [container]}
    return obj("Pod", name, owners=owned_by, labels={"app": "checkout"}, spec=pod_spec("checkout:2.4.1"), status=status)


def event(name: str, kind: str, about: str, first: str, last: str, count: int, message: str) -> Json:
    return obj(
        "Event",
        name,
        involvedObject={"kind": kind, "namespace": "shop", "name": about, "uid": "gone"},
        reason="BackOff",
        type="Warning",
        message=message,
        firstTimestamp=first,
        lastTimestamp=last,
        count=count,
    )


def release(
    revision: int, status: str, version: str, at: str, description: str = "Upgrade complete", name: str = "pay"
) -> Json:
    document = {
        "name": name,
        "namespace": "shop",
        "version": revision,
        "info": {
            "first_deployed": at,
            "last_deployed": at,
            "deleted": "",
            "status": status,
            "description": description,
        },
        "chart": {"metadata": {"name": name, "version": version, "appVersion": "9.1"}, "values": {"password": CANARY}},
        "config": {"database": {"password": CANARY}},
        "manifest": f"kind: Secret\nstringData:\n  password: {CANARY}\n",
    }
    packed = base64.b64encode(gzip.compress(json.dumps(document).encode(), mtime=0))
    return obj(
        "Secret",
        f"sh.helm.release.v1.{name}.v{revision}",
        type="helm.sh/release.v1",
        labels={"owner": "helm", "name": name, "status": status},
        data={"release": base64.b64encode(packed).decode()},
    )


def application(**status: Value) -> Json:
    source: Json = {"repoURL": "https://github.com/acme/deploy.git", "path": "apps/cart", "targetRevision": "main"}
    first: Json = {"id": 0, "revision": "ffff" * 10, "deployedAt": "2026-05-02T08:00:10Z", "source": source}
    second: Json = {
        "id": 1,
        "revision": SHA,
        "deployStartedAt": "2026-05-03T08:00:00Z",
        "deployedAt": "2026-05-03T08:00:30Z",
    }
    return obj(
        "Application",
        "cart",
        "argocd",
        spec={"project": "shop", "source": source, "destination": {"namespace": "shop"}},
        status={
            "sync": {"status": "Synced"},
            "health": {"status": "Healthy"},
            "history": [first, {**second, "source": source, "initiatedBy": {"username": "ada"}}],
            **status,
        },
    )


def cluster() -> list[Json]:
    """Everything."""
    return [
        obj("Namespace", "shop", "", labels={"environment": "production"}),
        obj("Namespace", "argocd", ""),
        obj(
            "Node",
            "ip-10-0-1-7",
            "",
            labels={"node.kubernetes.io/instance-type": "m5.large", "topology.kubernetes.io/zone": "eu-west-1a"},
            spec={"providerID": "aws:///eu-west-1a/i-0abc1234567890def"},
            status={
                "conditions": [{"type": "Ready", "status": "True"}, {"type": "MemoryPressure", "status": "True"}],
                "addresses": [{"type": "InternalIP", "address": "10.0.1.7"}],
                "capacity": {"cpu": "2", "memory": "8Gi"},
            },
        ),
        deployment(),
        replica_set(2, "2.4.0", "2026-05-02T10:00:00Z"),
        replica_set(3, "2.4.1", "2026-05-04T14:00:00Z", cause="ship acme/shop#12"),
        pod(
            "checkout-7c9d6f0003-abcde", 4, "CrashLoopBackOff", "OOMKilled", owner("ReplicaSet", "checkout-7c9d6f0003")
        ),
        pod("checkout-7c9d6f0003-fghij", 1, owned_by=owner("ReplicaSet", "checkout-7c9d6f0003")),
        pod("debug"),
        obj(
            "StatefulSet",
            "db",
            spec={"replicas": 1, "template": {"spec": {"containers": []}}},
            status={"readyReplicas": 1},
        ),
        obj("CronJob", "nightly", spec={"schedule": "0 3 * * *", "suspend": True, "jobTemplate": {}}),
        obj("Job", "nightly-1", owners=owner("CronJob", "nightly")),
        obj(
            "Service",
            "checkout",
            spec={
                "type": "ClusterIP",
                "clusterIP": "10.9.0.4",
                "selector": {"app": "checkout"},
                "ports": [{"port": 80, "targetPort": "http"}],
            },
        ),
        obj("Service", "headless", spec={"selector": {}}),
        obj(
            "Ingress",
            "web",
            spec={
                "ingressClassName": "nginx",
                "tls": [{"secretName": "tls", "hosts": ["shop.acme.example"]}],
                "rules": [
                    {
                        "host": "shop.acme.example",
                        "http": {
                            "paths": [
                                {"path": "/pay", "backend": {"service": {"name": "checkout", "port": {"number": 80}}}}
                            ]
                        },
                    }
                ],
            },
            status={"loadBalancer": {"ingress": [{"hostname": "lb-1.eu-west-1.elb.amazonaws.com"}]}},
        ),
        obj("ConfigMap", "settings", data={"mode": CANARY, "log_level": "info"}),
        obj("Secret", "db", type="Opaque", data={"dsn": base64.b64encode(CANARY.encode()).decode()}),
        obj("Secret", "tls", type="kubernetes.io/tls", data={"tls.key": CANARY, "tls.crt": "x"}),
        obj(
            "HorizontalPodAutoscaler",
            "checkout",
            spec={
                "minReplicas": 2,
                "maxReplicas": 9,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"},
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
                    }
                ],
            },
        ),
        event(
            "checkout.1",
            "Pod",
            "checkout-7c9d6f0003-zzzzz",
            "2026-05-04T14:05:00Z",
            "2026-05-04T14:20:00Z",
            5,
            f"Back-off restarting failed container, password={CANARY}",
        ),
        event("db.1", "Pod", "db-0", "2026-05-04T14:05:00Z", "2026-05-04T14:05:00Z", 1, "Pulled acme/db@" + SHA),
        release(1, "superseded", "1.0.0", "2026-05-01T12:00:00.5Z", "Install complete"),
        release(2, "deployed", "1.1.0", "2026-05-02T12:00:00Z"),
        application(),
    ]


def by_kind(objects: Sequence[Mapping[str, Value]], kind: str) -> list[Mapping[str, Value]]:
    return [one for one in objects if one["kind"] == kind]
