"""Settings of the kubernetes source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class KubernetesSettings:
    """Which cluster, and how it is read: from files when `path` is set, else from its API.

    Attributes:
        cluster: the cluster's name, stable: objects are told apart by it and their UID.
        path: a file or a directory of `kubectl get … -o json`, instead of the API.
        kubeconfig: kubeconfig file; left out, the service account of the pod this runs in, else `~/.kube/config`.
        context: context in it, the current one when left out.
        server: address of the API, instead of a kubeconfig.
        token: bearer token for `server`.
        ca_file: certificate authority of `server`.
        namespaces: only these; then nodes and namespaces are not read. All when left out.
        without: kinds that are not read (`Secret`, where it may not list them).
        environment: environment of all that runs there.
        environments: namespace -> environment; `*` for all others. Without an entry here or above, labels `environment` or `env` of the
            namespace or of the object tell, or the namespace's own name when it is one like `prod`.
        page_size: objects a page of the API.
        timeout_s: seconds for connecting and for each read.
    """

    cluster: str
    path: str = ""
    kubeconfig: str = ""
    context: str = ""
    server: str = ""
    token: str = field(default="", repr=False)
    ca_file: str = ""
    namespaces: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    environment: str = ""
    environments: Mapping[str, str] = field(default_factory=dict[str, str])
    page_size: int = 500
    timeout_s: float = 30.0
