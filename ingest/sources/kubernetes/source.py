"""The kubernetes source: what a cluster holds as snapshots, one a kind, and what happened in it, told once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

import msgspec

from graph.clock import Instant
from graph.model import Assertion, FactBatch, Quarantined, Snapshot
from ingest.source import SourceDataInvalid, SourceError
from ingest.source_doc import SourceDoc
from ingest.sources.deployments.batching import BATCH_ASSERTIONS, content_batch
from ingest.sources.kubernetes.api import read_api
from ingest.sources.kubernetes.argo import syncs
from ingest.sources.kubernetes.attributes import WORKLOADS
from ingest.sources.kubernetes.cluster import Cluster, gather
from ingest.sources.kubernetes.events import events
from ingest.sources.kubernetes.exports import read_files
from ingest.sources.kubernetes.happened import Happened
from ingest.sources.kubernetes.helm import releases
from ingest.sources.kubernetes.inventory import INVENTORY, LINKS, links_to, objects_of
from ingest.sources.kubernetes.reading import Reading
from ingest.sources.kubernetes.rollouts import rollouts
from ingest.sources.kubernetes.settings import KubernetesSettings

__all__ = ["DOC", "KubernetesSettings", "KubernetesSource"]

EXTRACTOR = "kubernetes/1"

DOC = SourceDoc(
    about="""\
What runs in a cluster: Deployments, StatefulSets, DaemonSets, Jobs and CronJobs (their pods told in a few words: how many are ready, restarts,
`CrashLoopBackOff`, `OOMKilled`), Services, Ingresses, HorizontalPodAutoscalers, Nodes, Namespaces; ConfigMaps by the names of their keys and
a hash of their content; Secrets by name, type and keys. What refers to what: an Ingress to Services, a Service to the workloads that its
selector selects, a workload to ConfigMaps and Secrets, an autoscaler to its target. A service runs on the workloads whose labels
`app.kubernetes.io/name`, `app` or `k8s-app` name it.

What happened: each revision of a Deployment, each revision of a Helm release and each sync of an Argo CD application is a deployment; events
of the cluster are about the workload that they concern.

It reads the API, all lists in pages, or files that `kubectl get … -o json` wrote. Each kind is a complete snapshot of its own; a kind that
cannot be listed takes nothing away from what is known. Files together are taken for all there is of the kinds that are in them.

Values are never taken: neither of variables, config maps, secrets, Helm values nor annotations.
""",
    yields=(
        "Resource",
        "Deployment",
        "ClusterEvent",
        "Service",
        "Environment",
        "Account",
        "Commit",
        "DEPENDS_ON",
        "RUNS_ON",
        "RUNS_IN",
        "CHANGED",
        "REACHED",
        "DEPLOYS",
        "PERFORMED_BY",
        "ABOUT",
        "MENTIONS",
    ),
    permissions="""\
`list` on these resources, nothing else. Leave `secrets` out and set `without: [Secret]` where Helm releases are not wanted.

```yaml
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: infralore-reader}
rules:
  - apiGroups: [""]
    resources: [namespaces, nodes, pods, services, configmaps, secrets, events]
    verbs: [list]
  - apiGroups: [apps]
    resources: [deployments, statefulsets, daemonsets, replicasets]
    verbs: [list]
  - apiGroups: [batch]
    resources: [jobs, cronjobs]
    verbs: [list]
  - apiGroups: [networking.k8s.io]
    resources: [ingresses]
    verbs: [list]
  - apiGroups: [autoscaling]
    resources: [horizontalpodautoscalers]
    verbs: [list]
  - apiGroups: [argoproj.io]
    resources: [applications]
    verbs: [list]
```

Saved as `infralore-reader.yaml`, for a service account of its own:

```console
$ kubectl apply -f infralore-reader.yaml
$ kubectl create namespace infralore
$ kubectl create serviceaccount infralore --namespace infralore
$ kubectl create clusterrolebinding infralore-reader --clusterrole=infralore-reader --serviceaccount=infralore:infralore
$ kubectl create token infralore --namespace infralore --duration=24h    # for `token`, with `server` and `ca_file`
```
""",
    example="""\
sources:
  - kubernetes:
      cluster: prod-eu
      context: prod-eu
      environment: prod
  - kubernetes:
      cluster: staging
      path: /var/lib/kubectl-dumps/staging
""",
    limits=(
        "revisions of StatefulSets and DaemonSets are not told",
        "a rollback is told only when the cluster is read while it is the latest revision: Kubernetes keeps no time of it",
        "an older revision of a Deployment counts as succeeded: Kubernetes keeps no outcome of it",
        "other settings (environments) count for what is read from then on: rollouts, releases and syncs already told are told anew only after a purge",
        "exec plugins of kubeconfigs must speak client.authentication.k8s.io/v1beta1",
        "files that no longer hold any object of a kind say nothing of it, unless they hold an empty list of that kind (`DeploymentList`)",
    ),
)


class _Ledger(msgspec.Struct):
    """The cursor's content.

    Attributes:
        parts: sub-scope -> digest of its last snapshot.
        told: keys of what happened and was told, as long as the cluster tells it.
        notes: digest of what was last quarantined.
    """

    parts: dict[str, str] = {}
    told: list[str] = []
    notes: str = ""


class KubernetesSource:
    """Reads a cluster."""

    name = "kubernetes"

    def __init__(self, settings: KubernetesSettings) -> None:
        self._settings = settings

    @property
    def scope(self) -> str:
        """The cluster's name."""
        return self._settings.cluster.strip()

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        """See `Source.pull`. What could be read is delivered before the error of what could not is raised."""
        if not self.scope:
            raise SourceDataInvalid("the cluster has no name", "set `cluster` to what you call it")
        ledger = self._ledger(cursor)
        before = _dump(ledger)
        happened: list[Happened] = []
        quarantined: list[Quarantined] = []
        error: SourceError | None = None
        for reading in self._readings():
            cluster = gather(self.scope, reading.objects, self._settings.environment, self._settings.environments)
            quarantined += reading.quarantined
            yield from self._snapshots(reading, cluster, ledger, now)
            if self._whole(reading, "Deployment", "ReplicaSet", "Pod"):
                happened += _happened(cluster, quarantined)
            error = error or reading.error
        yield from self._told(happened, ledger, keep=error is not None)
        notes = _digest(repr((q.locator, q.reason)) for q in quarantined) if quarantined else ""
        fresh = () if notes == ledger.notes else quarantined
        ledger.notes = notes
        # After an error a batch only when there is something to keep: each batch that is stored begins the count of retries anew.
        if error is None or fresh or _dump(ledger) != before:
            yield content_batch(
                self.name,
                self.scope,
                EXTRACTOR,
                quarantined=fresh,
                cursor=_dump(ledger),
                fresh_until=now if error is None else None,
            )
        if error is not None:
            raise error

    def _readings(self) -> Iterable[Reading]:
        settings = self._settings
        if settings.path:
            return read_files(settings.path, settings.namespaces, settings.without)
        return read_api(settings)

    def _snapshots(self, reading: Reading, cluster: Cluster, ledger: _Ledger, now: Instant) -> Iterator[FactBatch]:
        for kind in INVENTORY:
            around = ("Pod", "ReplicaSet", "Job") if kind in WORKLOADS else ()
            if kind in reading.complete and self._whole(reading, *around):
                yield from self._snapshot(kind, reading, list(objects_of(kind, cluster, now)), ledger, now)
        for part, needed in LINKS.items():
            if part not in self._settings.without and reading.knows(needed, self._settings.without):
                yield from self._snapshot(f"to-{part}", reading, list(links_to(part, cluster, now)), ledger, now)

    def _whole(self, reading: Reading, *kinds: str) -> bool:
        """Whether what must be known to tell rightly of a thing is: its namespace's labels, and these kinds."""
        needed = {*kinds, *(() if reading.namespace else ("Namespace",))} - set(self._settings.without)
        return not reading.strict or needed <= reading.complete

    def _snapshot(
        self, part: str, reading: Reading, assertions: Sequence[Assertion], ledger: _Ledger, now: Instant
    ) -> Iterator[FactBatch]:
        scope = f"{self.scope}#{part}" + (f"/{reading.namespace}" if reading.namespace else "")
        digest = _digest(repr((a.fact, a.locator, "now" if a.valid_from == now else a.valid_from)) for a in assertions)
        if ledger.parts.get(scope) == digest:
            return
        ledger.parts[scope] = digest
        yield content_batch(self.name, scope, EXTRACTOR, assertions, snapshot=Snapshot(now, now))

    def _told(self, happened: Sequence[Happened], ledger: _Ledger, *, keep: bool) -> Iterator[FactBatch]:
        """What was not told before, in batches that carry the cursor."""
        told = set(ledger.told)
        assertions: list[Assertion] = []
        for one in happened:
            if one.key in told:
                continue
            told.add(one.key)
            assertions += one.assertions
            if len(assertions) >= BATCH_ASSERTIONS:
                ledger.told = sorted(told)
                yield content_batch(self.name, self.scope, EXTRACTOR, assertions, cursor=_dump(ledger))
                assertions = []
        if not keep:
            told &= {one.key for one in happened}
        ledger.told = sorted(told)
        if assertions:
            yield content_batch(self.name, self.scope, EXTRACTOR, assertions, cursor=_dump(ledger))

    def _ledger(self, cursor: str | None) -> _Ledger:
        try:
            return msgspec.json.decode(cursor, type=_Ledger) if cursor else _Ledger()
        except msgspec.DecodeError:
            raise SourceDataInvalid(
                f"the cursor of {self.scope} is not one of this source",
                "purge this source and scope, then read it again",
            ) from None


def _happened(cluster: Cluster, quarantined: list[Quarantined]) -> list[Happened]:
    return [*rollouts(cluster), *releases(cluster, quarantined), *syncs(cluster), *events(cluster)]


def _dump(ledger: _Ledger) -> str:
    return msgspec.json.encode(ledger, order="sorted").decode()


def _digest(parts: Iterable[str]) -> str:
    digest = blake2b(digest_size=8)
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass") + b"\x1f")
    return digest.hexdigest()
