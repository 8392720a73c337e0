"""A cluster by its API: lists of each kind, page by page. lightkube reads the kubeconfig and authenticates; what it answers is read as it is.

https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ingest.http import PageGuard, decode_json, error_for, retry_after_s, unreachable
from ingest.source import SourceDataInvalid, SourceError, SourceUnavailable
from ingest.sources.kubernetes.objects import text
from ingest.sources.kubernetes.reading import Reading, members
from ingest.sources.kubernetes.settings import KubernetesSettings

if TYPE_CHECKING:
    from httpx2 import Client
    from lightkube.config.kubeconfig import SingleConfig

PATHS: Mapping[str, tuple[str, str]] = {
    "Namespace": ("/api/v1", "namespaces"),
    "Node": ("/api/v1", "nodes"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "StatefulSet": ("/apis/apps/v1", "statefulsets"),
    "DaemonSet": ("/apis/apps/v1", "daemonsets"),
    "ReplicaSet": ("/apis/apps/v1", "replicasets"),
    "Job": ("/apis/batch/v1", "jobs"),
    "CronJob": ("/apis/batch/v1", "cronjobs"),
    "Pod": ("/api/v1", "pods"),
    "Service": ("/api/v1", "services"),
    "Ingress": ("/apis/networking.k8s.io/v1", "ingresses"),
    "ConfigMap": ("/api/v1", "configmaps"),
    "Secret": ("/api/v1", "secrets"),
    "HorizontalPodAutoscaler": ("/apis/autoscaling/v2", "horizontalpodautoscalers"),
    "Application": ("/apis/argoproj.io/v1alpha1", "applications"),
    "Event": ("/api/v1", "events"),
}
"""Kind -> group and version, and plural."""
_CLUSTER_WIDE = ("Namespace", "Node")
_MAY_BE_MISSING = ("Application",)
"""Kinds of an extension: where it is not installed there are none."""
_RESTARTS = 3


class _Gone(Exception):
    """The list's continue token has expired: the list begins anew."""


def read_api(settings: KubernetesSettings) -> Iterator[Reading]:
    """What the API tells, for each namespace of the settings or for the whole cluster.

    A kind that may not be listed is left out, its reading has an error. Anything else that fails ends the reading there: what is complete
    by then is in it.

    Raises:
        SourceDataInvalid: the settings or credentials are of no use.
        SourceUnavailable: the API cannot be reached, and nothing was read.
    """
    client = _client(settings)
    try:
        for namespace in sorted(set(settings.namespaces)) or [""]:
            reading = _read(client, settings, namespace)
            if reading.error is not None and not reading.complete:
                raise reading.error
            yield reading
            if isinstance(reading.error, SourceUnavailable):
                return
    finally:
        client.close()


def _read(client: Client, settings: KubernetesSettings, namespace: str) -> Reading:
    reading = Reading(namespace)
    for kind, (group, plural) in PATHS.items():
        if kind in settings.without or (namespace and kind in _CLUSTER_WIDE):
            continue
        path = f"{group}/namespaces/{namespace}/{plural}" if namespace else f"{group}/{plural}"
        try:
            found = _list(client, path, kind, settings.page_size)
        except _Forbidden as error:
            reading.error = reading.error or SourceDataInvalid(str(error), error.hint)
            continue
        except SourceError as error:
            reading.error = error
            break
        reading.take(found, kind, f"{settings.cluster}/{kind}")
        reading.complete.add(kind)
    return reading


def _list(client: Client, path: str, kind: str, page_size: int) -> list[object]:
    for _ in range(_RESTARTS):
        try:
            return _all_pages(client, path, kind, page_size)
        except _Gone:
            continue
    raise SourceUnavailable(
        f"Kubernetes, {path}: the list expires faster than it can be read (410)",
        "try again later, or set a larger page_size",
    )


def _all_pages(client: Client, path: str, kind: str, page_size: int) -> list[object]:
    found: list[object] = []
    guard = PageGuard(f"Kubernetes, {path}")
    following = ""
    while True:
        guard.enter(following)
        document = _get(client, path, kind, page_size, following)
        if document is None:
            return []
        found += members(document)
        following = text(document, "metadata", "continue")
        if not following:
            return found


def _get(client: Client, path: str, kind: str, page_size: int, following: str) -> object:
    import httpx2

    what = f"Kubernetes, {path}"
    params = {"limit": str(page_size), **({"continue": following} if following else {})}
    try:
        answer = client.get(path, params=params)
    except (httpx2.HTTPError, OSError) as error:
        raise unreachable(error, what) from None
    status = answer.status_code
    if status == 404 and kind in _MAY_BE_MISSING:
        return None
    if status == 410:
        raise _Gone
    if status == 403 and retry_after_s(answer.headers) is None:
        raise _Forbidden(kind, path)
    if status >= 300:
        hint = "make a new token or log in again, and see that the kubeconfig holds it" if status == 401 else ""
        raise error_for(status, what, retry_after_s=retry_after_s(answer.headers), hint=hint)
    document = decode_json(answer.content, what, answer.headers.get("content-type", ""))
    if not text(document, "kind").endswith("List"):
        raise SourceDataInvalid(f"{what}: the answer is JSON but no list of objects", "check the address of the API")
    return document


class _Forbidden(SourceDataInvalid):
    def __init__(self, kind: str, path: str) -> None:
        super().__init__(
            f"Kubernetes, {path}: this may not be listed (403)",
            f"grant `list` on it (see the page of this source), or set `without: [{kind}]`",
        )


def _client(settings: KubernetesSettings) -> Client:
    """An HTTP client with the API's address, certificates and credentials."""
    from lightkube.config.client_adapter import Client, ConnectionParams
    from lightkube.core.exceptions import ConfigError

    try:
        config = _config(settings)
        if config.user is None:
            from lightkube.config.models import User

            config = config._replace(user=User())
        import httpx2

        return Client(config, ConnectionParams(timeout=httpx2.Timeout(settings.timeout_s), trust_env=False))
    except ConfigError as error:
        raise SourceDataInvalid(f"the kubeconfig cannot be used: {_one_line(error)}", _CONFIG_HINT) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise SourceDataInvalid("the kubeconfig cannot be used: it is of no form that is known", _CONFIG_HINT) from None


_CONFIG_HINT = "set kubeconfig and context, or server with token and ca_file, or path for exported files"


def _config(settings: KubernetesSettings) -> SingleConfig:
    from lightkube.config.kubeconfig import DEFAULT_KUBECONFIG, KubeConfig
    from lightkube.config.models import Cluster, User
    from lightkube.core.exceptions import ConfigError

    if settings.server:
        cluster = Cluster(server=settings.server, certificate_auth=settings.ca_file or None)
        found = KubeConfig.from_one(cluster=cluster, user=User(token=settings.token or None)).get()
    elif settings.kubeconfig:
        found = KubeConfig.from_file(settings.kubeconfig).get(settings.context or None)
    else:
        try:
            found = KubeConfig.from_service_account().get()
        except (ConfigError, KeyError):
            found = KubeConfig.from_file(DEFAULT_KUBECONFIG).get(settings.context or None)
    if found is None:
        raise ConfigError("it has no current context")
    return found


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
