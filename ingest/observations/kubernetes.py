"""Logs of pods and events of a cluster, by its API. Events are given as lines of the log of what they are about.

https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.31/#read-log-pod-v1-core
Permissions: `list` on `pods` and `events`, `get` on `pods/log`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

import msgspec

from graph.clock import Instant, instant, rfc3339
from graph.observations import LogLine, LogQuery, Seen
from ingest.http import decode_json, error_for, retry_after_s, unreachable
from ingest.observations.answering import Asking, Backend, not_ours
from ingest.source import SourceDataInvalid

if TYPE_CHECKING:
    from httpx2 import Client

__all__ = ["KubernetesBackend", "KubernetesLogSettings"]

SERVICE_LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/instance", "app", "k8s-app")
_GENERATED = frozenset("bcdfghjklmnpqrstvwxz2456789")
"""What Kubernetes makes the ends of names from: no vowels, so no words (`k8s.io/apimachinery/pkg/util/rand`)."""
_MOST_PODS = 20
"""Pods of one service whose logs are read; of more, those first by name."""
_MOST_BYTES = 4 * 1024 * 1024
_PAGE = 500


@dataclass(frozen=True, slots=True)
class KubernetesLogSettings:
    """Which cluster, as for the kubernetes source.

    Attributes:
        name: tells it apart from another one in citations.
        kubeconfig: kubeconfig file; left out, the service account of the pod this runs in, else `~/.kube/config`.
        context: context in it, the current one when left out.
        server: address of the API, instead of a kubeconfig.
        token: bearer token for `server`.
        ca_file: certificate authority of `server`.
        namespaces: only these; all when left out.
        timeout_s: longest wait for one request; a question's own deadline may be shorter.
    """

    name: str = "kubernetes"
    kubeconfig: str = ""
    context: str = ""
    server: str = ""
    token: str = field(default="", repr=False)
    ca_file: str = ""
    namespaces: tuple[str, ...] = ()
    timeout_s: float = 10.0


class _Meta(msgspec.Struct, frozen=True):
    name: str = ""
    namespace: str = ""
    labels: dict[str, str] | None = None


class _Container(msgspec.Struct, frozen=True):
    name: str = ""


class _Spec(msgspec.Struct, frozen=True):
    containers: tuple[_Container, ...] = ()


class _Pod(msgspec.Struct, frozen=True):
    metadata: _Meta = _Meta()
    spec: _Spec = _Spec()


class _About(msgspec.Struct, frozen=True):
    kind: str = ""
    name: str = ""


class _Event(msgspec.Struct, frozen=True, rename="camel"):
    metadata: _Meta = _Meta()
    involved_object: _About = _About()
    type: str = ""
    reason: str = ""
    message: str = ""
    last_timestamp: str | None = None
    event_time: str | None = None
    count: int | None = None


class _ListMeta(msgspec.Struct, frozen=True, rename={"following": "continue"}):
    following: str = ""


class _Pods(msgspec.Struct, frozen=True):
    items: tuple[_Pod, ...] = ()
    metadata: _ListMeta = _ListMeta()


class _Events(msgspec.Struct, frozen=True):
    items: tuple[_Event, ...] = ()
    metadata: _ListMeta = _ListMeta()


class KubernetesBackend(Backend):
    """Asks one cluster."""

    holds = frozenset({"logs"})
    title = "Kubernetes"

    def __init__(self, settings: KubernetesLogSettings) -> None:
        super().__init__(settings.name)
        self._settings = settings

    def read_logs(self, query: LogQuery, asking: Asking) -> Iterator[LogLine]:
        """Lines of the pods of the service, and events about these and about workloads of its name."""
        client = self._client()
        try:
            for namespace in sorted(set(self._settings.namespaces)) or [""]:
                base = f"/api/v1/namespaces/{quote(namespace, safe='')}" if namespace else "/api/v1"
                pods = [p for p in self._pods(client, base, asking) if _is_of(p, query.service)]
                pods.sort(key=lambda p: (p.metadata.namespace, p.metadata.name))
                names = {p.metadata.name for p in pods}
                yield from self._events(client, base, query, names, asking)
                asking.cut = asking.cut or len(pods) > _MOST_PODS
                for pod in pods[:_MOST_PODS]:
                    for container in pod.spec.containers:
                        yield from self._log(client, pod, container.name, query, asking)
        finally:
            client.close()

    def read_again(self, locator: str, asking: Asking) -> bool:
        """Asks for a pod's log from that moment on, or for an event, again."""
        path, _, rest = locator.partition("?")
        if not path.startswith("/api/v1/namespaces/") or ".." in path:
            raise not_ours(locator)
        client = self._client()
        try:
            body = self._get(client, path, dict(parse_qsl(rest)), asking)
        except SourceDataInvalid as error:
            if "not found" in str(error):
                return False
            raise
        finally:
            client.close()
        return bool(body.strip())

    # -- pods and their logs

    def _pods(self, client: Client, base: str, asking: Asking) -> Iterator[_Pod]:
        following = ""
        while True:
            params = {"limit": str(_PAGE), **({"continue": following} if following else {})}
            page = _decoded(self._get(client, f"{base}/pods", params, asking), _Pods, f"{base}/pods")
            yield from page.items
            following = page.metadata.following
            if not following:
                return

    def _log(self, client: Client, pod: _Pod, container: str, query: LogQuery, asking: Asking) -> Iterator[LogLine]:
        meta = pod.metadata
        path = f"/api/v1/namespaces/{quote(meta.namespace, safe='')}/pods/{quote(meta.name, safe='')}/log"
        params = {
            "container": container,
            "sinceTime": rfc3339(query.since),
            "timestamps": "true",
            "limitBytes": str(_MOST_BYTES),
        }
        try:
            body = self._get(client, path, params, asking)
        except SourceDataInvalid as error:
            # A container that has not started has no log (400), one that may not be read must be said.
            asking.notes.append(f"{self.name}: the log of pod {meta.name} cannot be read; {error.hint}")
            return
        asking.cut = asking.cut or len(body) >= _MOST_BYTES
        for line in body.decode("utf-8", "replace").splitlines():
            told, _, text = line.partition(" ")
            at = _moment(told)
            if at is not None:
                again = {"container": container, "sinceTime": told, "timestamps": "true", "limitBytes": "1000"}
                yield LogLine(at, text, Seen(self.name, f"{path}?{urlencode(again)}", None, at))

    # -- events

    def _events(self, client: Client, base: str, query: LogQuery, pods: set[str], asking: Asking) -> Iterator[LogLine]:
        following = ""
        while True:
            params = {"limit": str(_PAGE), **({"continue": following} if following else {})}
            page = _decoded(self._get(client, f"{base}/events", params, asking), _Events, f"{base}/events")
            for event in page.items:
                about = event.involved_object
                at = _moment(event.last_timestamp or event.event_time or "")
                if at is not None and (about.name in pods or _named(about.name, query.service)):
                    place = f"/api/v1/namespaces/{quote(event.metadata.namespace, safe='')}/events/{quote(event.metadata.name, safe='')}"
                    times = f" ({event.count} times)" if (event.count or 0) > 1 else ""
                    text = f"{event.type} {event.reason} {about.kind}/{about.name}: {event.message}{times}"
                    yield LogLine(at, text, Seen(self.name, place, None, at))
            following = page.metadata.following
            if not following:
                return

    # -- the API

    def _get(self, client: Client, path: str, params: Mapping[str, str], asking: Asking) -> bytes:
        import httpx2

        what = f"Kubernetes, {path}"
        try:
            answer = client.get(path, params=dict(params), timeout=asking.remaining_s(self._settings.timeout_s))
        except (httpx2.HTTPError, OSError) as error:
            raise unreachable(error, what) from None
        if answer.status_code >= 300:
            raise error_for(
                answer.status_code,
                what,
                retry_after_s=retry_after_s(answer.headers),
                hint="grant `list` on pods and events and `get` on pods/log" if answer.status_code == 403 else "",
            )
        return answer.content

    def _client(self) -> Client:
        from ingest.sources.kubernetes.api import _client as open_client  # pyright: ignore[reportPrivateUsage] - one way in
        from ingest.sources.kubernetes.settings import KubernetesSettings

        told = self._settings
        return open_client(
            KubernetesSettings(
                cluster=told.name,
                kubeconfig=told.kubeconfig,
                context=told.context,
                server=told.server,
                token=told.token,
                ca_file=told.ca_file,
                timeout_s=told.timeout_s,
            )
        )


_Listed = TypeVar("_Listed", _Pods, _Events)


def _decoded(body: bytes, shape: type[_Listed], what: str) -> _Listed:
    try:
        return msgspec.convert(decode_json(body, f"Kubernetes, {what}"), shape)
    except msgspec.ValidationError:
        raise SourceDataInvalid(
            f"Kubernetes, {what}: the answer is JSON but no list of objects", "check the address of the API"
        ) from None


def _is_of(pod: _Pod, service: str) -> bool:
    labels = pod.metadata.labels or {}
    return any(labels.get(label) == service for label in SERVICE_LABELS) or _named(pod.metadata.name, service)


def _named(name: str, service: str) -> bool:
    """`checkout-7d9c5b8f6d-x2x9p`, `checkout-0` and `checkout` are of `checkout`; `checkout-worker-7d9c5b8f6d-x2x9p` is not."""
    if name == service:
        return True
    parts = name.removeprefix(f"{service}-").split("-") if name.startswith(f"{service}-") else []
    return 1 <= len(parts) <= 2 and all(p.isdigit() or (len(p) >= 5 and _GENERATED.issuperset(p)) for p in parts)


def _moment(text: str) -> Instant | None:
    if not text[:4].isdigit():
        return None
    # The kubelet writes nanoseconds; six digits are what an instant has.
    head, dot, tail = text.partition(".")
    digits = tail.rstrip("Z").partition("+")[0]
    try:
        return instant(f"{head}.{digits[:6].ljust(6, '0')}Z") if dot else instant(text)
    except ValueError:
        return None
