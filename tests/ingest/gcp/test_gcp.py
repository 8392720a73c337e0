"""Google Cloud from files: assets become resources, log entries become audit events."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from pathlib import Path

import pytest

from graph.clock import SECOND, Instant, instant
from graph.model import Entity, EntityRef, FactBatch, Relation, Value, ref
from graph.store import ChangeQuery, GraphStore, Limits, View
from ingest import names
from ingest.source import Source
from ingest.sources.gcp.attributes import flattened
from ingest.sources.gcp.audit import door, effect_of
from ingest.sources.gcp.source import GcpSettings, GcpSource
from ingest.sync import Retry, SyncReport, sync
from tests.contracts.source_contract import CANARY, KEY, NOW, SourceContract, fresh_store

PROJECT = "shop-prod-1"
BASE = f"//compute.googleapis.com/projects/{PROJECT}"
VM = f"{BASE}/zones/europe-west1-b/instances/web-1"
FIREWALL = f"{BASE}/global/firewalls/allow-web"
LINKS = f"https://www.googleapis.com/compute/v1/projects/{PROJECT}"


def asset(name: str, type_: str, updated: str = "2026-05-01T08:00:00Z", /, **data: Value) -> dict[str, Value]:
    """An asset as `gcloud asset export` writes it."""
    return {
        "name": name,
        "asset_type": type_,
        "ancestors": ["projects/123456789", "folders/1", "organizations/2"],
        "update_time": updated,
        "resource": {"version": "v1", "discovery_name": type_.rpartition("/")[2], "data": data},
    }


def vm(updated: str = "2026-05-01T08:00:00Z", **data: Value) -> dict[str, Value]:
    told: dict[str, Value] = {
        "name": "web-1",
        "id": "4711",
        "selfLink": f"{LINKS}/zones/europe-west1-b/instances/web-1",
        "status": "RUNNING",
        "creationTimestamp": "2026-04-01T00:00:00Z",
        "labels": {"env": "production", "team": "shop"},
        "machineType": "e2-medium",
        "networkInterfaces": [{"network": f"{LINKS}/global/networks/main", "networkIP": "10.0.0.5"}],
    }
    return asset(VM, "compute.googleapis.com/Instance", updated, **{**told, **data})


def entry(method: str, resource: str, at: str = "2026-05-02T10:00:00Z", /, **payload: Value) -> dict[str, Value]:
    """A log entry; `insertId` follows from what it is about."""
    operation = payload.pop("operation", None)
    service = str(payload.pop("service", "compute.googleapis.com"))
    labels = payload.pop("labels", {"project_id": PROJECT, "zone": "europe-west1-b"})
    return {
        "insertId": f"id-{method}-{at}",
        "logName": f"projects/{PROJECT}/logs/cloudaudit.googleapis.com%2Factivity",
        "timestamp": at,
        "receiveTimestamp": at,
        "severity": "NOTICE",
        "resource": {"type": "gce_instance", "labels": labels},
        **({"operation": operation} if operation else {}),
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "serviceName": service,
            "methodName": method,
            "resourceName": resource,
            "authenticationInfo": {"principalEmail": "Ann@Example.com"},
            "requestMetadata": {
                "callerIp": "203.0.113.9",
                "callerSuppliedUserAgent": "google-cloud-sdk gcloud/470.0.0 command/gcloud.compute.firewall-rules.update",
            },
            "status": {},
            **payload,
        },
    }


def put(file: Path, *records: Mapping[str, Value], array: bool = False) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(records) if array else "\n".join(json.dumps(r) for r in records)
    file.write_text(text)
    return file


def source(path: Path, **settings: object) -> GcpSource:
    return GcpSource(GcpSettings(str(path), **settings))  # type: ignore[arg-type]


def batches(src: Source, cursor: str | None = None, now: Instant = NOW) -> list[FactBatch]:
    return list(src.pull(cursor, now))


def read(store: GraphStore, src: Source, now: Instant = NOW) -> SyncReport:
    return sync(store, src, now, KEY, retry=Retry(attempts=1), processes="none")


def properties(store: GraphStore, this: EntityRef, view: View | None = None) -> Mapping[str, Value]:
    found = store.entity(this, view or View())
    assert found is not None
    return found.properties


def events(found: Sequence[FactBatch]) -> list[Entity]:
    facts = [a.fact for b in found for a in b.assertions]
    return [f for f in facts if isinstance(f, Entity) and f.ref.kind == "AuditEvent"]


def changes(found: Sequence[FactBatch]) -> dict[EntityRef, Relation]:
    facts = [a.fact for b in found for a in b.assertions]
    return {f.dst: f for f in facts if isinstance(f, Relation) and f.type == "CHANGED"}


def mapping(value: Value) -> Mapping[str, Value]:
    assert isinstance(value, Mapping)
    return value


class TestContract(SourceContract):
    def recorded(self, directory: Path) -> Source:
        place = directory / "exports"
        secret = vm(
            metadata={
                "items": [{"key": "startup-script", "value": f"export X={CANARY}"}, {"key": "k", "value": CANARY}]
            }
        )
        run = asset(
            f"//run.googleapis.com/projects/{PROJECT}/locations/europe-west1/services/api",
            "run.googleapis.com/Service",
            spec={"template": {"spec": {"containers": [{"env": [{"name": "X", "value": CANARY}], "image": "api:1"}]}}},
        )
        cluster = asset(
            f"//container.googleapis.com/projects/{PROJECT}/zones/z/clusters/c",
            "container.googleapis.com/Cluster",
            masterAuth={"clientKey": CANARY, "password": CANARY},
        )
        put(place / "assets-2026-05-01.jsonl", secret, run, cluster)
        put(place / "assets-2026-05-03.json", vm("2026-05-02T09:00:00Z", machineType="e2-large"), run)
        create = entry(
            "v1.compute.instances.insert",
            f"projects/{PROJECT}/zones/europe-west1-b/instances/web-1",
            request={"metadata": {"items": [{"key": "user-data", "value": CANARY}]}, "name": "web-1"},
        )
        user = entry(
            "cloudsql.users.update",
            f"projects/{PROJECT}/instances/db",
            service="cloudsql.googleapis.com",
            request={"body": {"name": "app", "password": CANARY}},
        )
        common = entry(
            "v1.compute.projects.setCommonInstanceMetadata",
            f"projects/{PROJECT}",
            request={"items": [{"key": "k", "value": CANARY}]},
        )
        version = entry(
            "google.cloud.secretmanager.v1.SecretManagerService.AddSecretVersion",
            "projects/1/secrets/s",
            service="secretmanager.googleapis.com",
            request={"parent": "projects/1/secrets/s", "payload": {"data": CANARY}},
        )
        settings = entry(
            "io.k8s.core.v1.configmaps.update",
            "core/v1/namespaces/shop/configmaps/settings",
            service="k8s.io",
            request={
                "kind": "ConfigMap",
                "data": {"X": CANARY},
                "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": CANARY}},
            },
        )
        put(place / "audit.json", create, user, common, version, settings, array=True)
        (place / "broken.jsonl").write_text(f'{{"insertId": "{CANARY}"\n{{"name": "{CANARY}"}}\n')
        return source(place, environments={PROJECT: "prod"})

    def broken(self, directory: Path) -> Iterator[Source]:
        yield source(directory / "nowhere")
        yield GcpSource(GcpSettings("gs://bucket/assets"))
        (directory / "empty").mkdir()
        yield source(directory / "empty")
        page = directory / "page.json"
        page.write_text("<html>\n<body>403</body></html>")
        yield source(page)
        yield source(put(directory / "other.json", {"hello": "world"}))
        cut = directory / "cut.json.gz"
        cut.write_bytes(gzip.compress(json.dumps(vm()).encode())[:30])
        yield source(cut)


# -- assets


def test_an_asset_is_a_resource_under_its_full_name_with_the_type_that_terraform_has(tmp_path: Path) -> None:
    put(tmp_path / "e" / "assets.json", vm(), asset(f"{BASE}/x/y", "compute.googleapis.com/Novelty"))
    with fresh_store(tmp_path, "store") as store:
        assert read(store, source(tmp_path / "e")).error is None
        told = properties(store, names.cloud_resource(VM))
        assert {k: told[k] for k in ("type", "name", "account_id", "region", "environment", "status", "cloud_id")} == {
            "type": "google_compute_instance",
            "name": "web-1",
            "account_id": PROJECT,
            "region": "europe-west1-b",
            "environment": "prod",
            "status": "RUNNING",
            "cloud_id": VM,
        }
        assert mapping(told["attributes"])["networkInterfaces[0].networkIP"] == "10.0.0.5"
        assert told["tags"] == {"env": "production", "team": "shop"}
        assert properties(store, names.cloud_resource(f"{BASE}/x/y"))["type"] == "compute.googleapis.com/Novelty"
        for name in ("web-1", "4711", VM, f"{LINKS}/zones/europe-west1-b/instances/web-1"):
            assert names.cloud_resource(VM) in {a.ref for a in store.resolve_alias(name, View(), Limits()).items}
        found = store.entity(names.cloud_resource(VM), View())
        assert found is not None
        assert found.statements[0].valid_from == instant("2026-05-01T08:00:00Z")
        edges = store.neighbours([names.cloud_resource(VM)], View(), Limits(), direction="out").items
        assert {(r.type, r.dst) for r in edges} == {
            ("PART_OF", names.cloud_account("gcp", PROJECT)),
            ("RUNS_IN", names.environment("prod")),
        }


def test_what_links_name_otherwise_is_the_same_resource(tmp_path: Path) -> None:
    link = "https://www.googleapis.com/storage/v1/b/shop-logs"
    bucket = asset(
        "//storage.googleapis.com/shop-logs", "storage.googleapis.com/Bucket", selfLink=link, name="shop-logs"
    )
    put(tmp_path / "e" / "assets.json", bucket)
    with fresh_store(tmp_path, "store") as store:
        read(store, source(tmp_path / "e"))
        joined = store.entity(names.cloud_resource("//storage.googleapis.com/shop-logs"), View())
        assert joined is not None
        assert names.cloud_resource("//storage.googleapis.com/b/shop-logs") in joined.refs


def test_an_iam_policy_says_who_has_which_role(tmp_path: Path) -> None:
    policy: dict[str, Value] = {
        "bindings": [{"role": "roles/editor", "members": ["user:bo@example.com", "user:ann@example.com"]}]
    }
    name = f"//cloudresourcemanager.googleapis.com/projects/{PROJECT}"
    put(
        tmp_path / "iam.json",
        {"name": name, "assetType": "cloudresourcemanager.googleapis.com/Project", "iamPolicy": policy},
    )
    [found] = [a.fact for b in batches(source(tmp_path)) for a in b.assertions if isinstance(a.fact, Entity)]
    assert found.ref == ref("Resource", "gcp", "iam_policy", name)
    assert found.properties["attributes"] == {"roles/editor": ["user:ann@example.com", "user:bo@example.com"]}


def test_what_a_later_export_does_not_list_is_gone_and_what_it_lists_anew_has_changed(tmp_path: Path) -> None:
    place = tmp_path / "e"
    disk = asset(f"{BASE}/zones/z/disks/d", "compute.googleapis.com/Disk")
    firewall = asset(FIREWALL, "compute.googleapis.com/Firewall", name="allow-web")
    put(place / "assets-2026-05-01.json", vm(), disk, firewall)
    with fresh_store(tmp_path, "store") as store:
        read(store, source(place))
        put(place / "assets-2026-05-03.json", vm("2026-05-02T09:00:00Z", machineType="e2-large"), firewall)
        assert read(store, source(place), NOW + SECOND).error is None
        assert store.entity(names.cloud_resource(f"{BASE}/zones/z/disks/d"), View()) is None
        before = View(as_of=instant("2026-05-02T00:00:00Z"))
        assert store.entity(names.cloud_resource(f"{BASE}/zones/z/disks/d"), before) is not None
        assert mapping(properties(store, names.cloud_resource(VM))["attributes"])["machineType"] == "e2-large"
        assert mapping(properties(store, names.cloud_resource(VM), before)["attributes"])["machineType"] == "e2-medium"
        scopes = {b.scope for b in batches(source(place), store.cursor("gcp", "gcp")) if b.snapshot}
        assert not scopes


def test_exports_in_any_order_give_the_same_graph(tmp_path: Path) -> None:
    disk = asset(f"{BASE}/zones/z/disks/d", "compute.googleapis.com/Disk")
    exports = ([vm(), disk], [vm("2026-05-02T09:00:00Z", machineType="e2-large")], [vm()], [disk])

    def read_in_order(order: Sequence[int], name: str) -> list[tuple[object, ...]]:
        place = tmp_path / name
        with fresh_store(tmp_path, name) as store:
            for number, index in enumerate(order):
                put(place / f"assets-2026-05-0{1 + 2 * index}.json", *exports[index])
                assert read(store, source(place), NOW + number * SECOND).error is None
            seen: list[tuple[object, ...]] = []
            for day in range(1, 9):
                view = View(as_of=instant(f"2026-05-0{day}T12:00:00Z"))
                for name_ in (VM, f"{BASE}/zones/z/disks/d"):
                    found = store.entity(names.cloud_resource(name_), view)
                    seen.append((day, name_, found.properties if found is not None else None))
            return seen

    in_order = read_in_order(range(4), "in-order")
    assert [found is None for _, name, found in in_order if name == VM] == [False] * 6 + [True] * 2
    for number, order in enumerate(permutations(range(4))):
        assert read_in_order(order, f"order-{number}") == in_order, order


def test_an_export_with_a_broken_line_ends_nothing(tmp_path: Path) -> None:
    place = tmp_path / "e"
    put(place / "assets.json", vm(), asset(f"{BASE}/zones/z/instances/b", "compute.googleapis.com/Instance"))
    with fresh_store(tmp_path, "store") as store:
        read(store, source(place))
        (place / "assets.json").write_text(json.dumps(vm()) + "\n{ cut")
        report = read(store, source(place), NOW + SECOND)
        assert report.quarantined == 1
        assert store.entity(names.cloud_resource(f"{BASE}/zones/z/instances/b"), View()) is not None
        (place / "assets.json").write_text(json.dumps(vm()))
        read(store, source(place), NOW + 2 * SECOND)
        assert store.entity(names.cloud_resource(f"{BASE}/zones/z/instances/b"), View()) is None


# -- the audit log


def test_a_call_is_an_event_with_who_from_where_by_which_door_and_what_it_changed(tmp_path: Path) -> None:
    patch = entry(
        "v1.compute.firewalls.patch",
        f"projects/{PROJECT}/global/firewalls/allow-web",
        request={"@type": "x", "sourceRanges": ["0.0.0.0/0"], "name": "allow-web"},
    )
    put(tmp_path / "e" / "audit.json", patch, array=True)
    put(tmp_path / "e" / "assets.json", asset(FIREWALL, "compute.googleapis.com/Firewall", name="allow-web"))
    with fresh_store(tmp_path, "store") as store:
        assert read(store, source(tmp_path / "e")).error is None
        [change] = store.changes(ChangeQuery(targets=[names.cloud_resource(FIREWALL)]), View(), Limits()).items
        assert change.at == instant("2026-05-02T10:00:00Z")
        assert change.properties["effect"] == "updated"
        assert change.properties["attributes"] == [
            {
                "path": "sourceRanges",
                "before": {"state": "unknown"},
                "after": {"state": "value", "value": ["0.0.0.0/0"]},
            }
        ]
        assert change.provenance.locator.startswith("gcp-audit:id-")
        told = properties(store, change.change)
        assert {k: told[k] for k in ("action", "via", "source_ip", "account_id")} == {
            "action": "compute.firewalls.patch",
            "via": "cli",
            "source_ip": "203.0.113.9",
            "account_id": PROJECT,
        }
        ann = names.account("gcp", "ann@example.com")
        [by] = store.neighbours([change.change], View(), Limits(), types=["PERFORMED_BY"]).items
        assert by.dst == ann
        assert store.changes(ChangeQuery(by=[ann]), View(), Limits()).items == (change,)


def test_a_failed_call_changed_nothing_and_a_read_is_left_out_unless_asked_for(tmp_path: Path) -> None:
    denied = entry(
        "v1.compute.instances.delete", f"projects/{PROJECT}/zones/z/instances/a", status={"code": 7, "message": "no"}
    )
    seen = entry("v1.compute.instances.get", f"projects/{PROJECT}/zones/z/instances/a")
    put(tmp_path / "audit.json", denied, seen)
    found = batches(source(tmp_path))
    assert [e.properties["error"] for e in events(found)] == ["PERMISSION_DENIED"]
    assert not changes(found)
    assert len(events(batches(source(tmp_path, reads=True)))) == 2


@pytest.mark.parametrize("code", [0, 10])
def test_both_entries_of_a_long_operation_are_one_event(code: int, tmp_path: Path) -> None:
    path = f"projects/{PROJECT}/zones/europe-west1-b/instances/web-1"
    operation = {"id": "operation-1", "producer": "compute.googleapis.com"}
    first = entry(
        "v1.compute.instances.insert", path, request={"machineType": "e2"}, operation={**operation, "first": True}
    )
    last = entry(
        "v1.compute.instances.insert",
        path,
        "2026-05-02T10:05:00Z",
        operation={**operation, "last": True},
        status={"code": code},
    )
    for number, order in enumerate(([first, last], [last, first])):
        put(tmp_path / "e" / "audit.json", *order)
        with fresh_store(tmp_path, f"store-{number}") as store:
            read(store, source(tmp_path / "e"))
            [event] = store.select("AuditEvent", {}, View(), Limits()).items
            assert event.properties.get("error") == ("ABORTED" if code else None)
            assert event.properties["via"] == "cli"
            found = store.changes(ChangeQuery(targets=[names.cloud_resource(VM)]), View(), Limits()).items
            assert len(found) == (0 if code else 1)


def test_bindings_tell_before_and_after(tmp_path: Path) -> None:
    deltas: Value = [
        {"action": "ADD", "role": "roles/owner", "member": "user:bo@example.com"},
        {"action": "REMOVE", "role": "roles/viewer", "member": "user:cy@example.com"},
    ]
    call = entry(
        "SetIamPolicy",
        f"projects/{PROJECT}",
        service="cloudresourcemanager.googleapis.com",
        serviceData={"policyDelta": {"bindingDeltas": deltas}},
        request={"policy": {"bindings": []}},
    )
    put(tmp_path / "audit.json", call)
    [change] = changes(batches(source(tmp_path))).values()
    assert change.properties["attributes"] == [
        {
            "path": "iam.roles/owner",
            "before": {"state": "absent"},
            "after": {"state": "value", "value": "user:bo@example.com"},
        },
        {
            "path": "iam.roles/viewer",
            "before": {"state": "value", "value": "user:cy@example.com"},
            "after": {"state": "absent"},
        },
    ]


@pytest.mark.parametrize(
    ("service", "resource", "extra", "target"),
    [
        ("storage.googleapis.com", "projects/_/buckets/logs", {}, "//storage.googleapis.com/logs"),
        ("storage.googleapis.com", "projects/_/buckets/logs/objects/a/b", {}, "//storage.googleapis.com/logs"),
        (
            "pubsub.googleapis.com",
            f"projects/{PROJECT}/topics",
            {"response": {"name": f"projects/{PROJECT}/topics/orders"}},
            f"//pubsub.googleapis.com/projects/{PROJECT}/topics/orders",
        ),
        (
            "k8s.io",
            "apps/v1/namespaces/shop/deployments/api",
            {"labels": {"project_id": PROJECT, "location": "europe-west1-b", "cluster_name": "c"}},
            f"//container.googleapis.com/projects/{PROJECT}/zones/europe-west1-b/clusters/c/k8s/namespaces/shop/apps/deployments/api",
        ),
        (
            "compute.googleapis.com",
            f"projects/{PROJECT}/zones/z/operations/op",
            {"response": {"targetLink": f"{LINKS}/zones/z/instances/i"}},
            f"{BASE}/zones/z/instances/i",
        ),
    ],
)
def test_a_call_leads_to_the_resource_as_the_inventory_names_it(
    service: str, resource: str, extra: dict[str, Value], target: str, tmp_path: Path
) -> None:
    put(tmp_path / "audit.json", entry("x.update", resource, service=service, **extra))
    assert list(changes(batches(source(tmp_path)))) == [names.cloud_resource(target)]


def test_who_acts_through_a_service_account_is_told_too(tmp_path: Path) -> None:
    info: Value = {
        "principalEmail": f"ci@{PROJECT}.iam.gserviceaccount.com",
        "serviceAccountDelegationInfo": [{"firstPartyPrincipal": {"principalEmail": "bo@example.com"}}],
    }
    put(tmp_path / "audit.json", entry("x.update", "projects/p/things/t", authenticationInfo=info))
    found = [a.fact for b in batches(source(tmp_path)) for a in b.assertions]
    by = {f.dst for f in found if isinstance(f, Relation) and f.type == "PERFORMED_BY"}
    machine = names.account("gcp", f"ci@{PROJECT}.iam.gserviceaccount.com")
    assert by == {machine, names.account("gcp", "bo@example.com")}
    [bot] = [f for f in found if isinstance(f, Entity) and f.ref == machine]
    assert bot.properties["bot"] is True


@pytest.mark.parametrize(
    ("method", "effect"),
    [
        ("v1.compute.instances.insert", "created"),
        ("google.pubsub.v1.Publisher.CreateTopic", "created"),
        ("storage.buckets.delete", "deleted"),
        ("google.iam.admin.v1.SetIAMPolicy", "updated"),
        ("compute.instances.aggregatedList", "read"),
        ("google.cloud.secretmanager.v1.SecretManagerService.ListSecrets", "read"),
        ("", "updated"),
    ],
)
def test_the_methods_verb_tells_the_effect(method: str, effect: str) -> None:
    assert effect_of(method) == effect


@pytest.mark.parametrize(
    ("agent", "via"),
    [
        ("google-api-go-client/0.5 Terraform/1.5.7 terraform-provider-google/5", "terraform"),
        ("Mozilla/5.0 (X11; Linux)", "console"),
        ("google-cloud-sdk gcloud/470", "cli"),
        ("kubectl/v1.29", "kubectl"),
        ("google-api-python-client", "sdk"),
        ("GCE Managed Instance Group", "service"),
        ("", "unknown"),
    ],
)
def test_the_user_agent_tells_the_door(agent: str, via: str) -> None:
    assert door(agent, "ann@example.com") == via


def test_wrong_types_are_set_aside(tmp_path: Path) -> None:
    bad: list[dict[str, Value]] = [
        {"name": "no-slashes", "assetType": "x"},
        {"name": "//x/y", "assetType": 5},
        {**entry("x.update", "projects/p/t"), "timestamp": "never", "receiveTimestamp": ""},
        {**entry("x.update", "projects/p/t"), "protoPayload": []},
    ]
    put(tmp_path / "bad.jsonl", vm(), *bad)
    reasons = [q.locator for b in batches(source(tmp_path)) for q in b.quarantined]
    assert reasons == [f"bad.jsonl#L{n}" for n in range(2, 6)]


def test_attributes_are_flat_and_hold_nothing_from_secret_places() -> None:
    told = {
        "a": {"b.c": 1, "d": [1, 2], "e": [{"f": None}, {"f": "x"}], "g": ""},
        "metadata": {"items": [{"key": "k", "value": "hidden"}]},
        "rootPassword": "hidden",
        "serviceConfig": {"environmentVariables": {"X": "hidden"}},
        "nan": float("nan"),
        "big": 10**30,
    }
    assert flattened(told) == {'a["b.c"]': 1, "a.d": [1, 2], "a.e[1].f": "x", "metadata.items[0].key": "k", "big": 1e30}


def test_many_entries_come_in_batches_of_bearable_size(tmp_path: Path) -> None:
    put(
        tmp_path / "audit.jsonl",
        *({**entry("x.update", f"projects/p/things/{i}"), "insertId": f"i{i}"} for i in range(1500)),
    )
    found = batches(source(tmp_path))
    assert len(found) > 4
    assert max(len(b.assertions) for b in found) <= 2_000
    assert len(events(found)) == 1500
