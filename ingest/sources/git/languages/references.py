"""What a block refers to, in the formats that say so. Addresses are candidates: a name may be declared elsewhere or nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

from graph.model import Value
from ingest.sources.git.blocks import Span
from ingest.sources.git.languages.flatten import KUBERNETES_LISTS, join

Found = Iterator[tuple[str, str]]
"""Attribute path, address."""

_MAX_DEPTH = 100
_SUB = re.compile(r"\$\{([A-Za-z0-9]+)(\.[^}!]*)?\}")
_CLUSTER_SCOPED = frozenset(
    [
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "Namespace",
        "PersistentVolume",
        "StorageClass",
        "IngressClass",
        "PriorityClass",
    ]
)
_KUBERNETES_NAMES: Mapping[str, tuple[str, str]] = {
    # member -> (the member of it that holds the name, kind)
    "configMapRef": ("name", "ConfigMap"),
    "configMapKeyRef": ("name", "ConfigMap"),
    "configMap": ("name", "ConfigMap"),
    "secretRef": ("name", "Secret"),
    "secretKeyRef": ("name", "Secret"),
    "secret": ("secretName", "Secret"),
    "persistentVolumeClaim": ("claimName", "PersistentVolumeClaim"),
    "service": ("name", "Service"),
}
_KUBERNETES_TEXTS: Mapping[str, str] = {
    "serviceAccountName": "ServiceAccount",
    "secretName": "Secret",
    "ingressClassName": "IngressClass",
    "storageClassName": "StorageClass",
    "priorityClassName": "PriorityClass",
    "serviceName": "Service",
}
_TYPED_REFERENCES = frozenset({"roleRef", "scaleTargetRef", "targetRef", "sourceRef", "chartRef", "parametersRef"})


def references(span: Span, value: Value) -> dict[str, tuple[str, ...]]:
    """Attribute path -> addresses in the same file, in order and without repeats."""
    finder = _finder(span)
    found: dict[str, dict[str, None]] = {}
    if finder is not None:
        for path, address in finder(value):
            if address != span.address:
                found.setdefault(path, {})[address] = None
    return {path: tuple(addresses) for path, addresses in found.items()}


def _finder(span: Span) -> Callable[[Value], Found] | None:
    if span.block_type == "object":
        parts = span.address.partition("#")[0].split("/")
        return lambda value: _kubernetes(value, parts[1] if len(parts) > 2 else "")
    if span.type.startswith(("AWS::", "Alexa::", "Custom::", "cloudformation:")):
        return _cloudformation
    return _BY_TYPE.get(span.type)


def _each(value: Value, path: str = "", key: str = "", depth: int = 0) -> Iterator[tuple[str, str, Value]]:
    """Every member below a value: its path, its key, its value."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, Mapping):
        for name, member in cast("Mapping[str, Value]", value).items():
            inner = join(path, name)
            yield inner, name, member
            yield from _each(member, inner, name, depth + 1)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        items = cast("Sequence[Value]", value)
        names = [_get(item, "name") for item in items]
        named = key in KUBERNETES_LISTS and all(isinstance(name, str) for name in names)
        for index, item in enumerate(items):
            yield from _each(item, f"{path}[{names[index] if named else index}]", "", depth + 1)


def _get(value: Value, key: str) -> Value:
    return cast("Mapping[str, Value]", value).get(key) if isinstance(value, Mapping) else None


def _texts(value: Value) -> list[str]:
    """The texts of a text, of a list of texts, or the keys of a mapping."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return list(cast("Mapping[str, Value]", value))
    if isinstance(value, Sequence):
        return [item for item in cast("Sequence[Value]", value) if isinstance(item, str)]
    return []


def _kubernetes(value: Value, namespace: str) -> Found:
    def named(kind: str, name: Value, other_namespace: Value = None) -> str:
        within = other_namespace if isinstance(other_namespace, str) else namespace
        return "/".join(p for p in (kind, "" if kind in _CLUSTER_SCOPED else within, str(name)) if p)

    for path, key, member in _each(value):
        if key in _KUBERNETES_TEXTS and isinstance(member, str):
            yield path, named(_KUBERNETES_TEXTS[key], member)
        elif key in _KUBERNETES_NAMES and isinstance(member, Mapping):
            inner, kind = _KUBERNETES_NAMES[key]
            name = _get(member, inner)
            if isinstance(name, str):
                yield f"{path}.{inner}", named(kind, name)
        elif (
            key in _TYPED_REFERENCES and isinstance(_get(member, "kind"), str) and isinstance(_get(member, "name"), str)
        ):
            yield f"{path}.name", named(str(_get(member, "kind")), _get(member, "name"), _get(member, "namespace"))
        elif key == "imagePullSecrets" and isinstance(member, Sequence):
            for name in [_get(item, "name") for item in member]:
                if isinstance(name, str):
                    yield f"{path}[{name}].name", named("Secret", name)
        elif key == "subjects" and isinstance(member, Sequence):
            for item in member:
                if _get(item, "kind") == "ServiceAccount" and isinstance(_get(item, "name"), str):
                    yield path, named("ServiceAccount", _get(item, "name"), _get(item, "namespace"))


def _cloudformation(value: Value) -> Found:
    def either(name: str) -> Iterator[str]:
        if "::" not in name:
            yield f"Resources.{name}"
            yield f"Parameters.{name}"

    for path, key, member in _each(value):
        where = path.removesuffix(f".{key}") if key.startswith(("Fn::", "Ref")) else path
        if key == "Ref" and isinstance(member, str):
            yield from ((where, address) for address in either(member))
        elif key == "Fn::GetAtt":
            name = member.split(".", 1)[0] if isinstance(member, str) else next(iter(_texts(member)), "")
            if name:
                yield where, f"Resources.{name}"
        elif key == "Fn::Sub":
            template, own = (
                (member, set[str]()) if isinstance(member, str) else (_first(member), set(_texts(_second(member))))
            )
            for name, attribute in _SUB.findall(template if isinstance(template, str) else ""):
                if name not in own:
                    yield from ((where, a) for a in ([f"Resources.{name}"] if attribute else either(name)))
        elif key == "DependsOn":
            yield from ((path, f"Resources.{name}") for name in _texts(member))
        elif key == "Fn::FindInMap" and isinstance(_first(member), str):
            yield where, f"Mappings.{_first(member)}"
        elif key == "Fn::If" and isinstance(_first(member), str):
            yield where, f"Conditions.{_first(member)}"
        elif key == "Condition" and isinstance(member, str):
            yield path, f"Conditions.{member}"


def _first(value: Value) -> Value:
    return value[0] if isinstance(value, Sequence) and not isinstance(value, str) and value else None


def _second(value: Value) -> Value:
    return value[1] if isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 1 else None


def _under(prefix: str, *keys: str) -> Callable[[Value], Found]:
    """Names given directly under these members are members of `prefix`."""

    def find(value: Value) -> Found:
        for key in keys:
            yield from ((key, f"{prefix}{name}") for name in _texts(_get(value, key)))

    return find


def _gitlab_job(value: Value) -> Found:
    for key in ("extends", "dependencies", "needs"):
        member = _get(value, key)
        yield from ((key, name) for name in _texts(member))
        if key == "needs" and isinstance(member, Sequence) and not isinstance(member, str):
            for index, item in enumerate(member):
                if (
                    isinstance(_get(item, "job"), str)
                    and _get(item, "pipeline") is None
                    and _get(item, "project") is None
                ):
                    yield f"needs[{index}].job", str(_get(item, "job"))


def _compose_service(value: Value) -> Found:
    for key, prefix in (
        ("depends_on", "services"),
        ("links", "services"),
        ("networks", "networks"),
        ("secrets", "secrets"),
        ("configs", "configs"),
        ("volumes_from", "services"),
    ):
        member = _get(value, key)
        yield from ((key, f"{prefix}.{name.partition(':')[0]}") for name in _texts(member))
        if isinstance(member, Sequence) and not isinstance(member, str):
            yield from ((key, f"{prefix}.{_get(i, 'source')}") for i in member if isinstance(_get(i, "source"), str))
    for mount in _texts(_get(value, "volumes")):
        name = mount.partition(":")[0]
        if ":" in mount and re.match(r"[A-Za-z0-9][\w.-]*\Z", name):
            yield "volumes", f"volumes.{name}"
    extended = _get(_get(value, "extends"), "service")
    if isinstance(extended, str) and _get(_get(value, "extends"), "file") is None:
        yield "extends.service", f"services.{extended}"


def _circleci_workflow(value: Value) -> Found:
    jobs = _get(value, "jobs")
    if isinstance(jobs, Sequence) and not isinstance(jobs, str):
        for index, job in enumerate(jobs):
            yield from (
                (f"jobs[{index}]" if isinstance(job, Mapping) else "jobs", f"jobs.{name}") for name in _texts(job)[:1]
            )


def _circleci_job(value: Value) -> Found:
    executor = _get(value, "executor")
    name = executor if isinstance(executor, str) else _get(executor, "name")
    if isinstance(name, str):
        yield "executor", f"executors.{name}"
    steps = _get(value, "steps")
    if isinstance(steps, Sequence) and not isinstance(steps, str):
        for step in steps:
            yield from (("steps", f"commands.{name}") for name in _texts(step)[:1])


def _concourse_job(value: Value) -> Found:
    for path, key, member in _each(value):
        if key in ("get", "put") and isinstance(member, str):
            resource = member
            yield path, f"resources.{resource}"
        elif key == "resource" and isinstance(member, str):
            yield path, f"resources.{member}"
        elif key == "passed":
            yield from ((path, f"jobs.{name}") for name in _texts(member))


_BY_TYPE: Mapping[str, Callable[[Value], Found]] = {
    "github_actions:job": _under("jobs.", "needs"),
    "azure_pipelines:job": _under("jobs.", "dependsOn"),
    "azure_pipelines:stage": _under("stages.", "dependsOn"),
    "gitlab_ci:job": _gitlab_job,
    "compose:service": _compose_service,
    "circleci:workflow": _circleci_workflow,
    "circleci:job": _circleci_job,
    "circleci:command": _circleci_job,
    "concourse:job": _concourse_job,
    "concourse:resource": _under("resource_types.", "type"),
    "ansible:group": lambda value: (("children", f"all.children.{name}") for name in _texts(_get(value, "children"))),
}
