"""A cluster from files and from its API: what it holds, what happened in it, and what goes wrong while reading."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import yaml

from graph.clock import instant
from graph.model import Alias, Entity, EntityRef, FactBatch, Passage, Relation, Value
from graph.store import ChangeQuery, Limits, View
from ingest import names
from ingest.source import Source, SourceDataInvalid, SourceError, SourceUnavailable
from ingest.sources.kubernetes import helm
from ingest.sources.kubernetes.api import PATHS
from ingest.sources.kubernetes.source import DOC, KubernetesSettings, KubernetesSource
from ingest.sync import Retry, sync
from tests.contracts.source_contract import CANARY, KEY, NOW, SourceContract, fresh_store, redacted, stored
from tests.ingest.kubernetes import objects as made
from tests.ingest.kubernetes.fake_api import TOKEN, FakeApi


def dump(directory: Path, objects: Sequence[Mapping[str, Value]], name: str = "all.json") -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    return directory


def files(path: Path, **settings: object) -> KubernetesSource:
    return KubernetesSource(KubernetesSettings("eu", path=str(path), **settings))  # type: ignore[arg-type]


def live(api: FakeApi, **settings: object) -> KubernetesSource:
    told = {"server": api.url, "token": TOKEN, **settings}
    return KubernetesSource(KubernetesSettings("eu", **told))  # type: ignore[arg-type]


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi(made.cluster()) as server:
        yield server


def batches(src: Source, cursor: str | None = None, now: int = NOW) -> list[FactBatch]:
    return list(src.pull(cursor, now))


def pulled(src: Source, cursor: str | None = None) -> tuple[list[FactBatch], SourceError | None]:
    found: list[FactBatch] = []
    try:
        found.extend(src.pull(cursor, NOW))
    except SourceError as error:
        return found, error
    return found, None


def shop(tmp_path: Path, *objects: Mapping[str, Value], **settings: object) -> list[FactBatch]:
    return batches(files(dump(tmp_path / "dump", objects or made.cluster()), **settings))


def named(kind: str, name: str, namespace: str = "shop") -> EntityRef:
    return names.cloud_resource(f"k8s:eu/{made.uid(kind, name, namespace)}")


def newest(found: Sequence[FactBatch], ref: EntityRef) -> Mapping[str, Value]:
    told = [a for b in found for a in b.assertions if isinstance(a.fact, Entity) and a.fact.ref == ref]
    assert told, ref
    fact = max(told, key=lambda a: a.valid_from).fact
    assert isinstance(fact, Entity)
    return fact.properties


def attributes(found: Sequence[FactBatch], ref: EntityRef) -> Mapping[str, Value]:
    told = newest(found, ref)["attributes"]
    assert isinstance(told, Mapping)
    return told


def relations(found: Sequence[FactBatch], type_: str) -> list[Relation]:
    return [a.fact for b in found for a in b.assertions if isinstance(a.fact, Relation) and a.fact.type == type_]


def deployments(found: Sequence[FactBatch], tool: str) -> dict[str, Mapping[str, Value]]:
    told = [
        a.fact for b in found for a in b.assertions if isinstance(a.fact, Entity) and a.fact.ref.kind == "Deployment"
    ]
    return {str(e.properties["deployment_id"]): e.properties for e in told if e.properties.get("tool") == tool}


class TestFiles(SourceContract):
    def recorded(self, directory: Path) -> Source:
        dump(directory / "dump", [*made.cluster(), {"kind": "Deployment", "metadata": {"name": CANARY}}])
        (directory / "dump" / "page.json").write_text(f"<html>{CANARY}")
        return files(directory / "dump")

    def broken(self, directory: Path) -> Iterator[Source]:
        yield files(directory / "nowhere")
        yield KubernetesSource(KubernetesSettings("", path=str(directory)))
        yield KubernetesSource(KubernetesSettings("eu", kubeconfig=str(directory / "none.yaml")))
        (directory / "bad.yaml").write_text("clusters: 7")
        yield KubernetesSource(KubernetesSettings("eu", kubeconfig=str(directory / "bad.yaml")))
        yield KubernetesSource(KubernetesSettings("eu", server="http://127.0.0.1:9", timeout_s=1))
        for name, text in {
            "page": "<html>",
            "cut": '{"kind": "List", "items": [',
            "manifest": '{"kind": "Pod"}',
        }.items():
            (directory / f"{name}.json").write_text(text)
            yield files(directory / f"{name}.json")


class TestApi(SourceContract):
    @pytest.fixture(autouse=True)
    def _server(self, api: FakeApi) -> None:
        self.api = api

    def recorded(self, directory: Path) -> Source:
        return live(self.api, page_size=3)

    def broken(self, directory: Path) -> Iterator[Source]:
        yield live(self.api, token="expired")
        path = "/api/v1/namespaces"
        answers: list[tuple[int, Mapping[str, str], bytes]] = [
            (200, {"Content-Type": "text/html"}, b"<html>sign in</html>"),
            (200, {}, b'{"kind": "Status"}'),
            (200, {}, b'{"kind": "NamespaceList", "items": ['),
            (429, {"Retry-After": "7"}, b"{}"),
            (500, {}, b"oops"),
            (302, {"Location": "http://elsewhere"}, b""),
        ]
        for answer in answers:
            self.api.always[path] = answer
            yield live(self.api)


def test_files_and_api_tell_the_same(api: FakeApi, tmp_path: Path) -> None:
    by_api = believed(stored(tmp_path, "api", redacted(live(api, page_size=3), None)))
    by_file = believed(stored(tmp_path, "file", redacted(files(dump(tmp_path / "dump", made.cluster())), None)))
    assert by_api == by_file
    assert any("continue=" in url for url in api.asked)


def believed(lines: Sequence[str]) -> list[str]:
    """The facts of a dump, whenever they were told."""
    rows: list[dict[str, Value]] = [json.loads(line) for line in lines]
    return sorted(json.dumps({**row, "known_from": 0}, sort_keys=True) for row in rows if row["line"] == "fact")


# -- what there is


def test_a_workload_is_told_with_its_pods_and_without_values(tmp_path: Path) -> None:
    found = shop(tmp_path)
    checkout = newest(found, named("Deployment", "checkout"))
    assert checkout["type"] == "kubernetes:Deployment"
    assert checkout["environment"] == "prod"
    assert checkout["cloud_id"] == "k8s:eu/uid-deployment-shop-checkout"
    assert checkout["status"] == "2/3 ready, CrashLoopBackOff, OOMKilled"
    told = attributes(found, named("Deployment", "checkout"))
    assert told["containers.app.image"] == "registry.acme.example/checkout:2.4.1"
    assert told["containers.app.env"] == ["DB_PASSWORD", "DSN", "MODE"]
    assert told["containers.app.readinessProbe"] == "http http /ready"
    assert told["containers.app.resources.limits.cpu"] == "1"
    assert (told["pods.count"], told["pods.restarts"]) == (2, 5)
    assert CANARY not in repr([b for b in found if b.snapshot])


def test_pods_and_replica_sets_are_told_through_what_controls_them(tmp_path: Path) -> None:
    found = shop(tmp_path)
    types = {str(a.fact.properties.get("type")) for b in found for a in b.assertions if isinstance(a.fact, Entity)}
    assert "kubernetes:ReplicaSet" not in types
    assert "kubernetes:Job" not in types
    pods = [b for b in found if b.scope == "eu#Pod"]
    assert {a.fact.ref for b in pods for a in b.assertions if isinstance(a.fact, Entity)} == {
        named("Pod", "debug"),
        names.environment("prod"),
        names.service("checkout"),
    }


def test_other_kinds_tell_what_matters(tmp_path: Path) -> None:
    found = shop(tmp_path)
    assert attributes(found, named("Service", "checkout")) == {
        "type": "ClusterIP",
        "cluster_ip": "10.9.0.4",
        "selector": {"app": "checkout"},
        "ports": ["80->http/TCP"],
    }
    assert attributes(found, named("Ingress", "web"))["rules"] == ["shop.acme.example/pay -> checkout:80"]
    settings = attributes(found, named("ConfigMap", "settings"))
    assert settings["keys"] == ["log_level", "mode"]
    assert len(str(settings["data_sha256"])) == 64
    assert attributes(found, named("Secret", "tls")) == {"type": "kubernetes.io/tls", "keys": ["tls.crt", "tls.key"]}
    assert attributes(found, named("HorizontalPodAutoscaler", "checkout"))["metrics"] == ["Resource cpu 70%"]
    assert newest(found, named("CronJob", "nightly"))["status"] == "suspended"
    node = newest(found, named("Node", "ip-10-0-1-7", ""))
    assert (node["status"], node["region"]) == ("Ready, MemoryPressure", "eu-west-1a")
    assert newest(found, named("Application", "cart", "argocd"))["status"] == "Synced, Healthy"


def test_another_content_of_a_config_map_is_another_hash(tmp_path: Path) -> None:
    one = shop(tmp_path, made.obj("ConfigMap", "settings", data={"mode": "a"}))
    other = shop(tmp_path, made.obj("ConfigMap", "settings", data={"mode": "b"}))
    ref = named("ConfigMap", "settings")
    assert attributes(one, ref)["data_sha256"] != attributes(other, ref)["data_sha256"]


def test_things_are_found_by_the_names_an_engineer_types(tmp_path: Path) -> None:
    found = {(a.fact.ref, a.fact.name) for b in shop(tmp_path) for a in b.assertions if isinstance(a.fact, Alias)}
    checkout = named("Deployment", "checkout")
    for name in ("checkout", "shop/checkout", "Deployment/shop/checkout", "uid-deployment-shop-checkout"):
        assert (checkout, name) in found
    assert (named("Service", "checkout"), "checkout.shop.svc.cluster.local") in found
    assert (named("Ingress", "web"), "shop.acme.example") in found
    assert (named("Ingress", "web"), "lb-1.eu-west-1.elb.amazonaws.com") in found
    assert (named("Node", "ip-10-0-1-7", ""), "i-0abc1234567890def") in found


def test_references_lead_from_the_host_name_to_the_secret(tmp_path: Path) -> None:
    edges = {(r.src, r.dst): r.properties["via"] for r in relations(shop(tmp_path), "DEPENDS_ON")}
    checkout = named("Deployment", "checkout")
    assert edges[(named("Ingress", "web"), named("Service", "checkout"))] == ["shop.acme.example/pay"]
    assert edges[(named("Ingress", "web"), named("Secret", "tls"))] == ["spec.tls"]
    assert edges[(named("Service", "checkout"), checkout)] == ["spec.selector"]
    assert edges[(named("HorizontalPodAutoscaler", "checkout"), checkout)] == ["spec.scaleTargetRef"]
    assert edges[(checkout, named("ConfigMap", "settings"))] == ["containers.app.env.MODE", "containers.app.envFrom"]
    assert edges[(checkout, named("Secret", "db"))] == ["containers.app.env.DSN"]
    assert edges[(checkout, named("Secret", "tls"))] == ["volumes.certs"]
    assert not [src for src, _ in edges if src == named("Service", "headless")]


def test_a_service_runs_on_the_workloads_whose_labels_name_it(tmp_path: Path) -> None:
    runs = {(r.src, r.dst): r.properties for r in relations(shop(tmp_path), "RUNS_ON")}
    assert runs[(names.service("checkout"), named("Deployment", "checkout"))] == {"rule": "label app"}


@pytest.mark.parametrize(
    ("settings", "labels", "namespace", "environment"),
    [
        ({"environments": {"shop": "staging"}, "environment": "test"}, {"env": "dev"}, "shop", "staging"),
        ({"environment": "Production"}, {"env": "dev"}, "shop", "prod"),
        ({"environments": {"*": "qa"}}, {}, "shop", "test"),
        ({}, {"env": "dev"}, "shop", "dev"),
        ({}, {}, "prod", "prod"),
        ({}, {}, "shop", None),
    ],
)
def test_where_it_runs_is_told_by_setting_label_or_name(
    settings: Mapping[str, object], labels: Mapping[str, Value], namespace: str, environment: str | None, tmp_path: Path
) -> None:
    found = shop(
        tmp_path, made.obj("Namespace", namespace, "", labels=labels), made.obj("Service", "x", namespace), **settings
    )
    assert newest(found, named("Service", "x", namespace)).get("environment") == environment


def test_an_object_is_there_from_its_creation_and_like_this_from_now_on(tmp_path: Path) -> None:
    with fresh_store(tmp_path, "store") as store:
        assert sync(store, files(dump(tmp_path / "dump", made.cluster())), NOW, KEY, processes="none").error is None
        checkout = named("Deployment", "checkout")
        earlier = store.entity(checkout, View(as_of=instant("2026-05-02T00:00:00Z")))
        assert earlier is not None
        assert earlier.properties["name"] == "checkout"
        assert "attributes" not in earlier.properties
        assert store.entity(checkout, View(as_of=instant("2026-04-30T00:00:00Z"))) is None
        now = store.entity(checkout, View(as_of=NOW))
        assert now is not None
        assert "attributes" in now.properties


def test_what_is_gone_ends_and_only_its_kind_is_told_again(tmp_path: Path) -> None:
    src = files(dump(tmp_path / "dump", made.cluster()))
    with fresh_store(tmp_path, "store") as store:
        sync(store, src, NOW, KEY, processes="none")
        dump(tmp_path / "dump", [o for o in made.cluster() if o != made.by_kind(made.cluster(), "Service")[1]])
        cursor = store.cursor("kubernetes", "eu")
        assert [b.scope for b in src.pull(cursor, NOW + 5) if b.snapshot] == ["eu#Service"]
        sync(store, src, NOW + 5, KEY, processes="none")
        assert store.entity(named("Service", "headless"), View(as_of=NOW + 6)) is None
        assert store.entity(named("Service", "headless"), View(as_of=NOW + 4)) is not None
        assert store.entity(named("Service", "checkout"), View(as_of=NOW + 6)) is not None


def test_an_empty_list_of_a_kind_ends_all_of_it(tmp_path: Path) -> None:
    src = files(dump(tmp_path / "dump", made.cluster()))
    with fresh_store(tmp_path, "store") as store:
        sync(store, src, NOW, KEY, processes="none")
        dump(tmp_path / "dump", [o for o in made.cluster() if o["kind"] != "CronJob"])
        sync(store, src, NOW + 5, KEY, processes="none")
        assert store.entity(named("CronJob", "nightly"), View(as_of=NOW + 6)) is not None, (
            "no file says that there are none"
        )
        (tmp_path / "dump" / "cron.json").write_text('{"kind": "CronJobList", "items": []}')
        sync(store, src, NOW + 7, KEY, processes="none")
        assert store.entity(named("CronJob", "nightly"), View(as_of=NOW + 8)) is None


def test_namespaces_are_snapshots_of_their_own(api: FakeApi, tmp_path: Path) -> None:
    api.objects.append(made.obj("Service", "other", "billing"))
    for src in (live(api, namespaces=("shop",)), files(dump(tmp_path / "d", api.objects), namespaces=("shop",))):
        found = batches(src)
        assert "eu#Service/shop" in {b.scope for b in found}
        told = {a.fact.ref for b in found for a in b.assertions if isinstance(a.fact, Entity)}
        assert named("Service", "checkout") in told
        assert named("Service", "other", "billing") not in told
    assert not [url for url in api.asked if url.startswith(("/api/v1/nodes", "/api/v1/namespaces?"))]


# -- what happened


def test_each_revision_is_a_deployment(tmp_path: Path) -> None:
    found = shop(tmp_path)
    told = deployments(found, "kubernetes")
    first, second = told["uid-deployment-shop-checkout/2"], told["uid-deployment-shop-checkout/3"]
    assert (first["version"], first.get("previous_version"), first["outcome"]) == ("2.4.0", None, "succeeded")
    assert second == {
        "service": "checkout",
        "environment": "prod",
        "version": "2.4.1",
        "previous_version": "2.4.0",
        "action": "deploy",
        "outcome": "succeeded",
        "started_at": "2026-05-04T14:00:00Z",
        "finished_at": "2026-05-04T14:02:00Z",
        "tool": "kubernetes",
        "title": "ship acme/shop#12",
        "deployment_id": "uid-deployment-shop-checkout/3",
    }
    ref = names.deployment("kubernetes", "eu", "uid-deployment-shop-checkout/3")
    assert {r.dst for r in relations(found, "MENTIONS") if r.src == ref} == {names.pull_request("acme/shop", 12)}
    changed = {r.dst: r.properties["attributes"] for r in relations(found, "CHANGED") if r.src == ref}
    assert changed[named("Deployment", "checkout")] == [
        {
            "path": "containers.app.image",
            "before": {"state": "value", "value": "registry.acme.example/checkout:2.4.0"},
            "after": {"state": "value", "value": "registry.acme.example/checkout:2.4.1"},
        }
    ]
    assert names.service("checkout") in changed


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("ProgressDeadlineExceeded", "failed"),
        ("ReplicaSetUpdated", "in_progress"),
        ("NewReplicaSetAvailable", "succeeded"),
    ],
)
def test_the_latest_revision_tells_how_it_went(reason: str, outcome: str, tmp_path: Path) -> None:
    condition: Value = {"type": "Progressing", "reason": reason, "lastUpdateTime": "2026-05-04T14:10:00Z"}
    latest = made.replica_set(3, "2.4.1", "2026-05-04T14:00:00Z")
    found = shop(tmp_path, made.deployment(conditions=[condition]), latest)
    assert deployments(found, "kubernetes")["uid-deployment-shop-checkout/3"]["outcome"] == outcome
    assert bool(relations(found, "CHANGED")) == (outcome == "succeeded")


def test_a_rollback_has_the_time_of_the_rollback_and_not_of_the_replica_set(tmp_path: Path) -> None:
    back = made.replica_set(4, "2.4.0", "2026-05-02T10:00:00Z", history="2")
    bad = made.replica_set(3, "2.4.1", "2026-05-04T14:00:00Z")
    told = deployments(shop(tmp_path, made.deployment("checkout:2.4.0", "4"), back, bad), "kubernetes")
    assert {key.rpartition("/")[2] for key in told} == {"2", "3", "4"}
    again = told["uid-deployment-shop-checkout/4"]
    assert (again["action"], again["version"], again["previous_version"]) == ("rollback", "2.4.0", "2.4.1")
    assert again["finished_at"] == "2026-05-04T14:02:00Z"
    assert "started_at" not in again


def test_helm_releases_are_deployments_and_their_values_stay_where_they_are(tmp_path: Path) -> None:
    found = shop(tmp_path)
    told = deployments(found, "helm")
    assert told["helm/shop/pay/2"] == {
        "service": "pay",
        "environment": "prod",
        "version": "pay-1.1.0",
        "previous_version": "pay-1.0.0",
        "action": "deploy",
        "outcome": "succeeded",
        "started_at": "2026-05-02T12:00:00Z",
        "tool": "helm",
        "title": "pay revision 2: pay 1.1.0 (app 9.1): Upgrade complete",
        "deployment_id": "helm/shop/pay/2",
    }
    assert told["helm/shop/pay/1"]["outcome"] == "succeeded"
    releases = names.cloud_resource("k8s:eu/" + made.uid("Secret", "sh.helm.release.v1.pay.v2"))
    assert releases not in {a.fact.ref for b in found for a in b.assertions if isinstance(a.fact, Entity)}


@pytest.mark.parametrize(
    ("status", "description", "outcome", "action"),
    [
        ("failed", "Upgrade failed: timed out", "failed", "deploy"),
        ("pending-upgrade", "Preparing upgrade", "in_progress", "deploy"),
        ("deployed", "Rollback to 1", "succeeded", "rollback"),
        ("sideways", "", "sideways", "deploy"),
    ],
)
def test_a_release_tells_its_outcome(status: str, description: str, outcome: str, action: str, tmp_path: Path) -> None:
    one = made.release(5, status, "1.0.0", "2026-05-01T12:00:00Z", description)
    told = deployments(shop(tmp_path, one), "helm")["helm/shop/pay/5"]
    assert (told["outcome"], told["action"]) == (outcome, action)


def test_a_release_that_cannot_be_decoded_is_quarantined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = [
        {**made.release(n, "deployed", "1", "2026-05-01"), "data": {"release": data}}
        for n, data in enumerate(("", "%%%", "bm90IGJhc2U2NCAh", "H4sIAAAA"))
    ]
    monkeypatch.setattr(helm, "MAX_BYTES", 1_000)
    bomb = made.release(9, "deployed", "1" * 100_000, "2026-05-01")
    found = shop(tmp_path, *bad, bomb, made.obj("Service", "x"))
    assert sorted(q.locator.rpartition(".")[2] for b in found for q in b.quarantined) == ["v0", "v1", "v2", "v3", "v9"]
    assert not deployments(found, "helm")


def test_argo_syncs_are_deployments_of_commits(tmp_path: Path) -> None:
    found = shop(tmp_path)
    told = deployments(found, "argo")
    second = told["argo/uid-application-argocd-cart/1"]
    assert second["commit"] == made.SHA
    assert second["repository"] == "acme/deploy"
    assert (second["service"], second["environment"]) == ("cart", "prod"), "the environment is the destination's"
    assert (second["started_at"], second["finished_at"]) == ("2026-05-03T08:00:00Z", "2026-05-03T08:00:30Z")
    assert second["previous_version"] == "fffffff"
    ref = names.deployment("kubernetes", "eu", "argo/uid-application-argocd-cart/1")
    assert [r.dst for r in relations(found, "PERFORMED_BY") if r.src == ref] == [names.account("argocd", "ada")]
    assert [r.dst for r in relations(found, "DEPLOYS") if r.src == ref] == [names.commit(made.SHA)]


def test_a_failed_sync_is_a_failed_deployment(tmp_path: Path) -> None:
    state: Value = {
        "phase": "Failed",
        "startedAt": "2026-05-05T08:00:00Z",
        "finishedAt": "2026-05-05T08:01:00Z",
        "message": "one or more objects failed\nmore",
        "syncResult": {"revision": "bbbb" * 10},
    }
    found = shop(tmp_path, made.application(operationState=state, history=[]))
    [told] = deployments(found, "argo").values()
    assert (told["outcome"], told["commit"]) == ("failed", "bbbb" * 10)
    assert told["title"] == "cart synced to bbbbbbb failed: one or more objects failed"
    assert not relations(found, "CHANGED")


def test_an_event_is_about_the_workload_even_when_its_pod_is_gone(tmp_path: Path) -> None:
    with fresh_store(tmp_path, "store") as store:
        for batch in redacted(files(dump(tmp_path / "dump", made.cluster())), None):
            store.apply(batch)
        found = shop(tmp_path)
        about = {r.src: r.dst for r in relations(found, "ABOUT")}
        assert set(about.values()) == {named("Deployment", "checkout"), named("StatefulSet", "db")}
        [ref] = [src for src, dst in about.items() if dst == named("Deployment", "checkout")]
        early = store.entity(ref, View(as_of=instant("2026-05-04T14:10:00Z")))
        late = store.entity(ref, View(as_of=instant("2026-05-04T14:30:00Z")))
        assert early is not None
        assert late is not None
        assert (early.properties["count"], late.properties["count"]) == (1, 5)
    texts = [
        a.fact.text for b in found for a in b.assertions if isinstance(a.fact, Passage) and a.fact.slot == "message"
    ]
    assert any("Back-off" in text for text in texts)
    assert names.commit(made.SHA) in {r.dst for r in relations(found, "MENTIONS")}


def test_events_of_the_newer_api_are_read_alike(tmp_path: Path) -> None:
    newer = made.obj(
        "Event",
        "n.1",
        regarding={
            "kind": "Deployment",
            "namespace": "shop",
            "name": "checkout",
            "uid": made.uid("Deployment", "checkout"),
        },
        reason="ScalingReplicaSet",
        type="Normal",
        note="Scaled up",
        eventTime="2026-05-04T14:00:00.123456Z",
        series={"count": 3, "lastObservedTime": "2026-05-04T15:00:00.000000Z"},
    )
    found = shop(tmp_path, made.deployment(), newer)
    [about] = relations(found, "ABOUT")
    assert about.dst == named("Deployment", "checkout")
    assert newest(found, about.src)["count"] == 3


def test_what_happened_is_told_once_and_kept_when_the_cluster_forgets_it(tmp_path: Path) -> None:
    src = files(dump(tmp_path / "dump", made.cluster()))
    with fresh_store(tmp_path, "store") as store:
        sync(store, src, NOW, KEY, processes="none")
        rest = [o for o in made.cluster() if o["kind"] not in ("ReplicaSet", "Event", "Application")]
        dump(tmp_path / "dump", [*rest, made.replica_set(3, "2.4.1", "2026-05-04T14:00:00Z")])
        sync(store, src, NOW + 5, KEY, processes="none")
        changes = store.changes(ChangeQuery(targets=[named("Deployment", "checkout")]), View(), Limits()).items
        assert len(changes) == 2
        latest = store.entity(names.deployment("kubernetes", "eu", "uid-deployment-shop-checkout/3"), View())
        assert latest is not None
        assert latest.properties["previous_version"] == "2.4.0"


# -- what goes wrong


SERVICES = "/api/v1/services"


def test_a_kind_that_may_not_be_listed_takes_nothing_away(api: FakeApi, tmp_path: Path) -> None:
    with fresh_store(tmp_path, "store") as store:
        assert sync(store, live(api), NOW, KEY, processes="none").error is None
        api.always["/api/v1/secrets"] = (403, {}, b'{"kind": "Status"}')
        api.objects = [o for o in api.objects if o["kind"] != "CronJob"]
        report = sync(store, live(api), NOW + 5, KEY, retry=Retry(attempts=1), processes="none")
        assert isinstance(report.error, SourceDataInvalid)
        assert "without: [Secret]" in report.error.hint
        view = View(as_of=NOW + 6)
        assert store.entity(named("Secret", "db"), view) is not None
        assert store.entity(named("CronJob", "nightly"), view) is None, "the rest was delivered"
        edges = store.neighbours([named("Deployment", "checkout")], view, Limits(), types=["DEPENDS_ON"]).items
        assert named("Secret", "db") in repr(edges)
        assert sync(store, live(api, without=("Secret",)), NOW + 7, KEY, processes="none").error is None


def test_a_list_that_breaks_in_the_middle_is_no_snapshot(api: FakeApi) -> None:
    api.faults[f"{SERVICES}?continue"] = [(503, {}, b"")]
    found, error = pulled(live(api, page_size=1))
    assert isinstance(error, SourceUnavailable)
    assert "eu#Deployment" in {b.scope for b in found}
    assert "eu#Service" not in {b.scope for b in found}
    assert "eu#to-Service" not in {b.scope for b in found}
    cursor = [b.cursor for b in found if b.cursor][-1]
    again, error = pulled(live(api, page_size=1), cursor)
    assert error is None
    assert "eu#Service" in {b.scope for b in again}
    assert "eu#Deployment" not in {b.scope for b in again}


def test_a_rate_limit_tells_how_long_to_wait_and_tries_do_not_go_on_for_ever(api: FakeApi, tmp_path: Path) -> None:
    api.always[SERVICES] = (429, {"Retry-After": "12"}, b"")
    waits: list[float] = []
    with fresh_store(tmp_path, "store") as store:
        report = sync(store, live(api), NOW, KEY, retry=Retry(attempts=3, sleep=waits.append), processes="none")
    assert isinstance(report.error, SourceUnavailable)
    assert report.error.retry_after_s == 12
    assert len(waits) <= 4
    assert min(waits) >= 12


def test_an_expired_list_begins_anew(api: FakeApi) -> None:
    api.faults[f"{SERVICES}?continue"] = [(410, {}, b'{"kind": "Status"}')]
    found, error = pulled(live(api, page_size=1))
    assert error is None
    told = [a.fact for b in found if b.scope == "eu#Service" for a in b.assertions if isinstance(a.fact, Entity)]
    assert {e.ref for e in told} >= {named("Service", "checkout"), named("Service", "headless")}
    api.always[SERVICES] = (410, {}, b"")
    _, error = pulled(live(api))
    assert isinstance(error, SourceUnavailable)


def test_a_list_that_leads_in_circles_ends(api: FakeApi) -> None:
    page = json.dumps({"kind": "ServiceList", "metadata": {"continue": "1"}, "items": []}).encode()
    api.always[SERVICES] = (200, {}, page)
    _, error = pulled(live(api))
    assert isinstance(error, SourceUnavailable)


def test_a_cluster_without_argo_has_no_applications(api: FakeApi) -> None:
    api.always["/apis/argoproj.io/v1alpha1/applications"] = (404, {}, b"404 page not found")
    _, error = pulled(live(api))
    assert error is None


def test_a_token_is_in_no_message(api: FakeApi) -> None:
    secret = "hunter2-" + "hunter2"
    _, error = pulled(live(api, token=secret))
    assert isinstance(error, SourceDataInvalid)
    assert secret not in f"{error} {error.hint} {KubernetesSettings('eu', token=secret)!r}"


def test_a_kubeconfig_tells_where_and_who(api: FakeApi, tmp_path: Path) -> None:
    config = {
        "apiVersion": "v1",
        "current-context": "other",
        "clusters": [{"name": "c", "cluster": {"server": api.url}}],
        "users": [{"name": "u", "user": {"token": TOKEN}}],
        "contexts": [{"name": "eu", "context": {"cluster": "c", "user": "u"}}],
    }
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    settings = KubernetesSettings("eu", kubeconfig=str(tmp_path / "config"), context="eu")
    assert pulled(KubernetesSource(settings))[1] is None
    wrong, error = pulled(KubernetesSource(KubernetesSettings("eu", kubeconfig=str(tmp_path / "config"))))
    assert not wrong
    assert isinstance(error, SourceDataInvalid)


def test_objects_lie_in_any_number_of_files_and_the_later_version_counts(tmp_path: Path) -> None:
    directory = dump(tmp_path / "dump", made.cluster()[:5])
    old = made.obj("ConfigMap", "x", data={"a": "1"})
    new = {**made.obj("ConfigMap", "x", data={"a": "1", "b": "2"})}
    new["metadata"] = {**_mapping(new["metadata"]), "resourceVersion": "10"}
    (directory / "a.json").write_text(json.dumps(new))
    (directory / "sub").mkdir()
    (directory / "sub" / "b.json.gz").write_bytes(gzip.compress(json.dumps([old]).encode()))
    assert attributes(batches(files(directory)), named("ConfigMap", "x"))["keys"] == ["a", "b"]


def _mapping(value: Value) -> Mapping[str, Value]:
    assert isinstance(value, Mapping)
    return value


def test_the_role_in_the_documentation_lists_all_that_is_read() -> None:
    role = yaml.safe_load(DOC.permissions.partition("```yaml")[2].partition("```")[0])
    granted = {resource for rule in role["rules"] for resource in rule["resources"]}
    assert granted == {plural for _, plural in PATHS.values()}
    assert all(rule["verbs"] == ["list"] for rule in role["rules"])


_JUNK: Sequence[Value] = (None, 7, "x", "", [], {}, [None], {"a": []}, True, 10**40, "0001-01-01T00:00:00Z")


def test_objects_of_any_shape_are_read_or_quarantined(tmp_path: Path) -> None:
    """Each of 150 times some values somewhere become others of another type: nothing but a source's own errors comes of it."""
    chance = random.Random(11)
    for attempt in range(150):
        objects: Value = json.loads(json.dumps(made.cluster()))
        places = [place for place in _places(objects) if place]
        for place in chance.sample(places, 12):
            _put(objects, place, json.loads(json.dumps(chance.choice(_JUNK))))
        (tmp_path / "dump.json").write_text(json.dumps(objects))
        found, error = pulled(files(tmp_path))
        assert error is None, attempt
        assert any(b.assertions for b in found)


def _places(value: Value, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield at
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _places(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, (*at, index))


def _put(value: Value, place: tuple[str | int, ...], new: Value) -> None:
    """Set what stands at a place, if an earlier change has left the place."""
    for step in place[:-1]:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
    last = place[-1]
    keyed = isinstance(value, dict) and isinstance(last, str)
    listed = isinstance(value, list) and isinstance(last, int) and last < len(value)
    if keyed or listed:
        value[last] = new  # type: ignore[index, call-overload]
