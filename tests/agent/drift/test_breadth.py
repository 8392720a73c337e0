"""Every pair of a state and an inventory, from the files of their own formats through the sources themselves: changed, missing, unmanaged, and nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from agent.drift.inventory import inventory_drift
from agent.drift.noise import without_noise
from graph.clock import instant
from graph.model import Value
from graph.store import GraphStore, View
from ingest.source import Source
from ingest.sources.azure.settings import AzureSettings
from ingest.sources.azure.source import AzureSource
from ingest.sources.gcp.source import GcpSettings, GcpSource
from ingest.sources.kubernetes.settings import KubernetesSettings
from ingest.sources.kubernetes.source import KubernetesSource
from ingest.sources.terraform_state.settings import TerraformStateSettings
from ingest.sources.terraform_state.source import TerraformStateSource
from ingest.sync import sync
from tests.contracts.source_contract import KEY, fresh_store
from tests.ingest import terraform_states as tf

APPLIED = instant("2026-05-01T10:00:00")
LOOKED = instant("2026-05-04T10:00:00")
Json = dict[str, Value]
Drifts = list[tuple[str, str, dict[str, tuple[object, object]]]]


class World:
    """What states say and what is there, each as files of its own format."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._states: list[Json] = []
        self._sources: list[Source] = []

    def state(self, address: str, attributes: Mapping[str, Value]) -> None:
        self._states.append(tf.resource(address, tf.instance(attributes)))

    def there(self, source: Source) -> None:
        self._sources.append(source)

    def file(self, name: str, content: object) -> str:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
        return str(path)

    def drift(self) -> Drifts:
        with fresh_store(self.directory, "store") as store:
            if self._states:
                tf.put(self.directory / "tf" / "terraform.tfstate", tf.state(*self._states), APPLIED)
                _read(store, TerraformStateSource(TerraformStateSettings(str(self.directory / "tf"))))
            for source in self._sources:
                _read(store, source)
            left, _ = without_noise(inventory_drift(store, View()).observed)
        told = [
            (o.kind, o.address, {a.path: (_shown(a.desired), _shown(a.actual)) for a in o.attributes}) for o in left
        ]
        return sorted(told, key=lambda one: one[1])


def _shown(state: object) -> object:
    value, kind = getattr(state, "value", None), getattr(state, "state", "")
    return value if kind == "value" else kind


def _read(store: GraphStore, source: Source) -> None:
    report = sync(store, source, LOOKED, KEY, processes="none")
    assert report.error is None, report.error
    assert not report.quarantined, report


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


# -- Kubernetes


def _meta(name: str, kind: str, **more: Value) -> Json:
    return {"name": name, "namespace": "shop", "uid": f"uid-{kind}-{name}".lower(), **more}


def _deployment(**of_container: Value) -> Json:
    container: Json = {
        "name": "app",
        "image": "shop/checkout:1.4",
        "env": [{"name": "MODE", "value": "live"}, {"name": "LEVEL", "value": "info"}],
        "ports": [{"containerPort": 8080}],
        "resources": {"limits": {"cpu": "1", "memory": "512Mi"}, "requests": {"cpu": "500m"}},
        "livenessProbe": {"httpGet": {"path": "/up", "port": 8080}},
        **of_container,
    }
    spec: Json = {"replicas": 3, "strategy": {"type": "RollingUpdate"}, "template": {"spec": {"containers": [container], "serviceAccountName": "checkout"}}}  # fmt: skip
    return {"kind": "Deployment", "metadata": _meta("checkout", "Deployment"), "spec": spec}


def _tf_deployment(**spec: Value) -> Json:
    container: Json = {
        "name": "app",
        "image": "shop/checkout:1.4",
        "env": [{"name": "LEVEL", "value": "info"}, {"name": "MODE", "value": "live"}],
        "port": [{"container_port": 8080, "protocol": "TCP"}],
        "resources": [{"limits": {"cpu": "1000m", "memory": "0.5Gi"}, "requests": {"cpu": "0.5"}}],
        "liveness_probe": [{"http_get": [{"path": "/up", "port": "8080"}]}],
    }
    told: Json = {
        "replicas": "3",
        "strategy": [{"type": "RollingUpdate"}],
        "template": [{"spec": [{"container": [container], "service_account_name": "checkout"}]}],
        **spec,
    }
    return {"id": "shop/checkout", "metadata": [_meta("checkout", "Deployment", labels={"team": "a"})], "spec": [told]}


def _cluster(world: World, *objects: Json) -> None:
    for one in objects:
        metadata = one["metadata"]
        assert isinstance(metadata, dict)
        metadata.setdefault("creationTimestamp", "2026-04-01T00:00:00Z")
        metadata.setdefault("labels", {"team": "a"})
    kinds = sorted({str(o["kind"]) for o in objects})
    for kind in kinds:
        items: list[Value] = [{"apiVersion": "v1", **o} for o in objects if o["kind"] == kind]
        world.file(f"k8s/{kind}.json", {"apiVersion": "v1", "kind": f"{kind}List", "items": items})
    world.there(KubernetesSource(KubernetesSettings(cluster="prod", path=str(world.directory / "k8s"))))


CONTAINER = "spec[0].template[0].spec[0].container[0]"


def test_a_deployment_that_is_as_it_was_applied_does_not_drift(world: World) -> None:
    world.state("kubernetes_deployment_v1.checkout", _tf_deployment())
    _cluster(world, _deployment())
    assert world.drift() == []


def test_a_deployment_is_compared_by_container_and_unit(world: World) -> None:
    world.state("kubernetes_deployment.checkout", _tf_deployment())
    there = _deployment(image="shop/checkout:1.5", livenessProbe={"httpGet": {"path": "/", "port": 8080}})
    spec = there["spec"]
    assert isinstance(spec, dict)
    spec["replicas"] = 1
    containers = spec["template"]["spec"]["containers"]  # type: ignore[index,call-overload] # pyright: ignore
    containers[0]["resources"] = {"limits": {"cpu": "2", "memory": "512Mi"}, "requests": {"cpu": "500m"}}  # type: ignore[index,call-overload] # pyright: ignore
    _cluster(world, there)
    assert world.drift() == [
        (
            "changed",
            "kubernetes_deployment.checkout",
            {
                f"{CONTAINER}.image": ("shop/checkout:1.4", "shop/checkout:1.5"),
                f"{CONTAINER}.liveness_probe[0].http_get[0].path": ("/up", "/"),
                f"{CONTAINER}.resources[0].limits.cpu": ("1000m", "2"),
                "spec[0].replicas": ("3", 1),
            },
        )
    ]


def test_replicas_that_an_autoscaler_sets_are_no_drift(world: World) -> None:
    world.state("kubernetes_deployment.checkout", _tf_deployment(replicas="2"))
    target: Json = {"kind": "Deployment", "name": "checkout"}
    scaler: Json = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 9}
    hpa: Json = {"kind": "HorizontalPodAutoscaler", "metadata": _meta("checkout", "hpa"), "spec": scaler}
    _cluster(world, _deployment(), hpa)
    assert world.drift() == []


def _cpu(percent: int) -> Json:
    return {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}}}  # fmt: skip


def test_an_autoscaler_a_service_an_ingress_and_a_config_map_are_compared(world: World) -> None:
    metric: Json = {"type": "Resource", "resource": [{"name": "cpu", "target": [{"type": "Utilization", "average_utilization": 60}]}]}  # fmt: skip
    world.state("kubernetes_horizontal_pod_autoscaler_v2.h", {"metadata": [_meta("h", "hpa")], "spec": [{"min_replicas": 2, "max_replicas": 9, "metric": [metric]}]})  # fmt: skip
    ports: list[Value] = [{"port": 80, "target_port": "8080", "protocol": "TCP"}, {"port": 443, "target_port": "8443", "protocol": "TCP"}]  # fmt: skip
    world.state("kubernetes_service.s", {"metadata": [_meta("s", "Service")], "spec": [{"type": "ClusterIP", "selector": {"app": "a"}, "port": ports}]})  # fmt: skip
    backend: Json = {"service": [{"name": "s", "port": [{"number": 80}]}]}
    rule: Json = {"host": "shop.example.com", "http": [{"path": [{"path": "/", "backend": [backend]}]}]}
    world.state("kubernetes_ingress_v1.i", {"metadata": [_meta("i", "Ingress")], "spec": [{"ingress_class_name": "nginx", "rule": [rule]}]})  # fmt: skip
    world.state("kubernetes_config_map.c", {"metadata": [_meta("c", "ConfigMap")], "data": {"mode": "live", "a.b": "1"}})  # fmt: skip
    scaler: Json = {"scaleTargetRef": {"kind": "Deployment", "name": "x"}, "minReplicas": 1, "maxReplicas": 9, "metrics": [_cpu(80)]}  # fmt: skip
    there: list[Value] = [{"port": 80, "targetPort": 8080}, {"port": 443, "targetPort": 9443}]
    api_backend: Json = {"service": {"name": "other", "port": {"number": 80}}}
    api_rule: Json = {"host": "shop.example.com", "http": {"paths": [{"path": "/", "backend": api_backend}]}}
    _cluster(
        world,
        {"kind": "HorizontalPodAutoscaler", "metadata": _meta("h", "hpa"), "spec": scaler},
        {"kind": "Service", "metadata": _meta("s", "Service"), "spec": {"type": "LoadBalancer", "selector": {"app": "a"}, "ports": there}},
        {"kind": "Ingress", "metadata": _meta("i", "Ingress"), "spec": {"ingressClassName": "nginx", "rules": [api_rule]}},
        {"kind": "ConfigMap", "metadata": _meta("c", "ConfigMap"), "data": {"mode": "test", "a.b": "1"}},
    )  # fmt: skip
    found = {address: attributes for kind, address, attributes in world.drift() if kind == "changed"}
    assert found == {
        "kubernetes_horizontal_pod_autoscaler_v2.h": {
            "spec[0].min_replicas": (2, 1),
            "spec[0].metric[0].resource[0].target[0].average_utilization": ([60], [80]),
        },
        "kubernetes_service.s": {
            "spec[0].port.target_port": (["8080", "8443"], ["8080", "9443"]),
            "spec[0].type": ("ClusterIP", "LoadBalancer"),
        },
        "kubernetes_ingress_v1.i": {"spec[0].rule[0].http[0].path[0].backend[0].service[0].name": (["s"], ["other"])},
        "kubernetes_config_map.c": {"data": ("redacted", "redacted")},
    }


def test_a_config_map_with_the_same_data_does_not_drift(world: World) -> None:
    world.state("kubernetes_config_map.c", {"metadata": [_meta("c", "ConfigMap")], "data": {"mode": "live", "a.b": ""}})
    _cluster(world, {"kind": "ConfigMap", "metadata": _meta("c", "ConfigMap"), "data": {"a.b": "", "mode": "live"}})
    assert world.drift() == []


def test_objects_are_missing_and_unmanaged_in_the_namespaces_of_the_state(world: World) -> None:
    world.state("kubernetes_deployment.checkout", _tf_deployment())
    gone = _tf_deployment()
    gone["metadata"] = [_meta("gone", "Deployment")]
    world.state("kubernetes_deployment.gone", gone)
    by_hand, by_helm, elsewhere = _deployment(), _deployment(), _deployment()
    by_hand["metadata"] = _meta("by-hand", "Deployment")
    by_helm["metadata"] = _meta("chart", "Deployment", labels={"app.kubernetes.io/managed-by": "Helm"})
    elsewhere["metadata"] = {**_meta("dns", "Deployment"), "namespace": "kube-system"}
    _cluster(world, _deployment(), by_hand, by_helm, elsewhere)
    assert world.drift() == [("unmanaged", "by-hand", {}), ("missing", "kubernetes_deployment.gone", {})]


def test_what_was_deleted_and_made_anew_by_hand_is_compared_by_its_name(world: World) -> None:
    world.state("kubernetes_deployment.checkout", _tf_deployment())
    world.state("kubernetes_config_map.c", {"metadata": [_meta("c", "ConfigMap")], "data": {"mode": "live"}})
    anew = _deployment(image="shop/checkout:hotfix")
    anew["metadata"] = {**_meta("checkout", "Deployment"), "uid": "another"}
    _cluster(world, anew, {"kind": "ConfigMap", "metadata": _meta("c", "ConfigMap"), "data": {"mode": "live"}})
    [(kind, address, attributes)] = world.drift()
    assert (kind, address, list(attributes)) == ("changed", "kubernetes_deployment.checkout", [f"{CONTAINER}.image"])


# -- Google Cloud

PROJECT = "shop-prod-1"
LINKS = f"https://www.googleapis.com/compute/v1/projects/{PROJECT}"


def _asset(name: str, type_: str, /, **data: Value) -> Json:
    return {"name": f"//{name}", "asset_type": type_, "ancestors": ["projects/1"], "update_time": "2026-05-03T08:00:00Z", "resource": {"version": "v1", "data": data}}  # fmt: skip


def _gcp(world: World, *assets: Json) -> None:
    path = world.directory / "gcp" / "assets.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(a) for a in assets))
    world.there(GcpSource(GcpSettings(str(path.parent))))


def _firewall(name: str, **data: Value) -> Json:
    told: Json = {"name": name, "selfLink": f"{LINKS}/global/firewalls/{name}", "network": f"{LINKS}/global/networks/main", "direction": "INGRESS", "priority": 1000, "disabled": False, "sourceRanges": ["10.0.0.0/8"], "allowed": [{"IPProtocol": "tcp", "ports": ["443"]}], **data}  # fmt: skip
    return _asset(f"compute.googleapis.com/projects/{PROJECT}/global/firewalls/{name}", "compute.googleapis.com/Firewall", **told)  # fmt: skip


def _tf_firewall(name: str) -> Json:
    return {"id": f"projects/{PROJECT}/global/firewalls/{name}", "name": name, "project": PROJECT, "self_link": f"{LINKS}/global/firewalls/{name}", "network": f"{LINKS}/global/networks/main", "direction": "INGRESS", "priority": 1000, "disabled": False, "source_ranges": ["10.0.0.0/8"], "allow": [{"protocol": "tcp", "ports": ["443"]}]}  # fmt: skip


def _sql(**settings: Value) -> Json:
    told: Json = {"tier": "db-custom-2-7680", "availabilityType": "REGIONAL", "dataDiskSizeGb": "100", "dataDiskType": "PD_SSD", "storageAutoResize": True, "deletionProtectionEnabled": True, "backupConfiguration": {"enabled": True, "pointInTimeRecoveryEnabled": True}, "ipConfiguration": {"ipv4Enabled": False}, "databaseFlags": [{"name": "max_connections", "value": "300"}], **settings}  # fmt: skip
    return _asset(f"cloudsql.googleapis.com/projects/{PROJECT}/instances/orders", "sqladmin.googleapis.com/Instance", name="orders", project=PROJECT, databaseVersion="POSTGRES_16", settings=told, selfLink=f"https://sqladmin.googleapis.com/sql/v1beta4/projects/{PROJECT}/instances/orders")  # fmt: skip


def _tf_sql() -> Json:
    settings: Json = {"tier": "db-custom-2-7680", "availability_type": "REGIONAL", "disk_size": 100, "disk_type": "PD_SSD", "disk_autoresize": True, "deletion_protection_enabled": True, "backup_configuration": [{"enabled": True, "point_in_time_recovery_enabled": True}], "ip_configuration": [{"ipv4_enabled": False}], "database_flags": [{"name": "max_connections", "value": "300"}]}  # fmt: skip
    return {"id": "orders", "name": "orders", "project": PROJECT, "database_version": "POSTGRES_16", "self_link": f"https://sqladmin.googleapis.com/sql/v1beta4/projects/{PROJECT}/instances/orders", "settings": [settings]}  # fmt: skip


def _vm(**data: Value) -> Json:
    told: Json = {"name": "web", "selfLink": f"{LINKS}/zones/europe-west1-b/instances/web", "machineType": f"{LINKS}/zones/europe-west1-b/machineTypes/e2-medium", "zone": f"{LINKS}/zones/europe-west1-b", "canIpForward": False, "deletionProtection": True, "tags": {"items": ["web", "ssh"]}, "labels": {"team": "a"}, "networkInterfaces": [{"network": f"{LINKS}/global/networks/main", "networkIP": "10.0.0.5"}], "scheduling": {"preemptible": False}, **data}  # fmt: skip
    return _asset(f"compute.googleapis.com/projects/{PROJECT}/zones/europe-west1-b/instances/web", "compute.googleapis.com/Instance", **told)  # fmt: skip


def _tf_vm() -> Json:
    return {"id": f"projects/{PROJECT}/zones/europe-west1-b/instances/web", "name": "web", "project": PROJECT, "self_link": f"{LINKS}/zones/europe-west1-b/instances/web", "machine_type": "e2-medium", "zone": "europe-west1-b", "can_ip_forward": False, "deletion_protection": True, "tags": ["ssh", "web"], "labels": {"team": "a"}, "network_interface": [{"network": f"{LINKS}/global/networks/main", "network_ip": "10.0.0.5"}], "scheduling": [{"preemptible": False}]}  # fmt: skip


def _bucket(**data: Value) -> Json:
    told: Json = {"name": "shop-logs", "selfLink": "https://www.googleapis.com/storage/v1/b/shop-logs", "location": "EU", "storageClass": "STANDARD", "versioning": {"enabled": True}, "iamConfiguration": {"publicAccessPrevention": "enforced", "uniformBucketLevelAccess": {"enabled": True}}, **data}  # fmt: skip
    return _asset("storage.googleapis.com/shop-logs", "storage.googleapis.com/Bucket", **told)


def _tf_bucket() -> Json:
    return {"id": "shop-logs", "name": "shop-logs", "project": PROJECT, "self_link": "https://www.googleapis.com/storage/v1/b/shop-logs", "location": "EU", "storage_class": "STANDARD", "versioning": [{"enabled": True}], "public_access_prevention": "enforced", "uniform_bucket_level_access": True}  # fmt: skip


def _topic(**data: Value) -> Json:
    name = f"projects/{PROJECT}/topics/paid"
    return _asset(f"pubsub.googleapis.com/{name}", "pubsub.googleapis.com/Topic", name=name, **{"messageRetentionDuration": "600s", **data})  # fmt: skip


def _tf_google(world: World) -> None:
    world.state("google_compute_firewall.web", _tf_firewall("web"))
    world.state("google_sql_database_instance.orders", _tf_sql())
    world.state("google_compute_instance.web", _tf_vm())
    world.state("google_storage_bucket.logs", _tf_bucket())
    world.state("google_pubsub_topic.paid", {"id": f"projects/{PROJECT}/topics/paid", "name": "paid", "project": PROJECT, "message_retention_duration": "600s"})  # fmt: skip


def test_google_as_it_was_applied_does_not_drift(world: World) -> None:
    _tf_google(world)
    _gcp(world, _firewall("web"), _sql(), _vm(), _bucket(), _topic())
    assert world.drift() == []


def test_google_is_compared_under_terraforms_names(world: World) -> None:
    _tf_google(world)
    _gcp(
        world,
        _firewall("web", sourceRanges=["10.0.0.0/8", "0.0.0.0/0"], allowed=[{"IPProtocol": "tcp", "ports": ["443", "22"]}]),
        _sql(dataDiskSizeGb="200", deletionProtectionEnabled=False, ipConfiguration={"ipv4Enabled": True}, databaseFlags=[{"name": "max_connections", "value": "500"}]),
        _vm(machineType=f"{LINKS}/zones/europe-west1-b/machineTypes/e2-small", tags={"items": ["web"]}, labels={"team": "b"}),
        _bucket(versioning={"enabled": False}, iamConfiguration={"publicAccessPrevention": "inherited", "uniformBucketLevelAccess": {"enabled": True}}),
        _topic(messageRetentionDuration="60s"),
    )  # fmt: skip
    assert {address: attributes for _, address, attributes in world.drift()} == {
        "google_compute_firewall.web": {
            "allow[0].ports": (["443"], ["443", "22"]),
            "source_ranges": (["10.0.0.0/8"], ["10.0.0.0/8", "0.0.0.0/0"]),
        },
        "google_sql_database_instance.orders": {
            "settings[0].database_flags[0].value": ("300", "500"),
            "settings[0].deletion_protection_enabled": (True, False),
            "settings[0].disk_size": (100, "200"),
            "settings[0].ip_configuration[0].ipv4_enabled": (False, True),
        },
        "google_compute_instance.web": {
            "machine_type": ("e2-medium", "e2-small"),
            "tags": (["ssh", "web"], ["web"]),
            "labels.team": ("a", "b"),
        },
        "google_storage_bucket.logs": {
            "public_access_prevention": ("enforced", "inherited"),
            "versioning[0].enabled": (True, False),
        },
        "google_pubsub_topic.paid": {"message_retention_duration": ("600s", "60s")},
    }


def test_google_missing_and_unmanaged(world: World) -> None:
    world.state("google_compute_firewall.web", _tf_firewall("web"))
    world.state("google_compute_firewall.gone", _tf_firewall("gone"))
    world.state("google_storage_bucket.logs", _tf_bucket())  # no bucket is listed: nothing can be said
    _gcp(world, _firewall("web"), _firewall("by-hand"), _vm())
    assert world.drift() == [("unmanaged", "by-hand", {}), ("missing", "google_compute_firewall.gone", {})]


# -- Azure

GROUP = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shop-prod"


def _row(path: str, type_: str, **fields: Value) -> Json:
    return {"id": f"{GROUP}/providers/{path}", "name": path.rpartition("/")[2], "type": type_, "location": "westeurope", "resourceGroup": "shop-prod", "subscriptionId": GROUP.split("/")[2], "tags": None, **fields}  # fmt: skip


def _azure(world: World, *rows: Json) -> None:
    world.file("azure/rows.json", {"data": rows})
    world.there(AzureSource(AzureSettings(str(world.directory / "azure"))))


def _nsg_rule(name: str, **properties: Value) -> Json:
    told: Json = {"access": "Allow", "direction": "Inbound", "priority": 100, "protocol": "TCP", "sourceAddressPrefix": "10.0.0.0/8", "destinationPortRange": "443", **properties}  # fmt: skip
    return {"name": name, "id": f"{GROUP}/x/{name}", "properties": told}


def _tf_nsg_rule(name: str, **more: Value) -> Json:
    return {"name": name, "access": "Allow", "direction": "Inbound", "priority": 100, "protocol": "Tcp", "source_address_prefix": "10.0.0.0/8", "destination_port_range": "443", **more}  # fmt: skip


def _tf_azure(world: World) -> None:
    world.state("azurerm_storage_account.logs", {"id": f"{GROUP}/providers/Microsoft.Storage/storageAccounts/shoplogs", "name": "shoplogs", "account_tier": "Standard", "account_replication_type": "ZRS", "https_traffic_only_enabled": True, "min_tls_version": "TLS1_2", "public_network_access_enabled": True, "allow_nested_items_to_be_public": False, "tags": {"team": "a"}})  # fmt: skip
    world.state("azurerm_network_security_group.web", {"id": f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/web", "name": "web", "security_rule": [_tf_nsg_rule("https"), _tf_nsg_rule("http", destination_port_range="80", priority=110)]})  # fmt: skip
    world.state("azurerm_linux_virtual_machine.web", {"id": f"{GROUP}/providers/Microsoft.Compute/virtualMachines/web", "name": "web", "size": "Standard_B2s", "disable_password_authentication": True, "os_disk": [{"caching": "ReadWrite", "disk_size_gb": 64, "storage_account_type": "Premium_LRS"}]})  # fmt: skip
    world.state("azurerm_postgresql_flexible_server.orders", {"id": f"{GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders", "name": "orders", "sku_name": "GP_Standard_D2s_v3", "storage_mb": 65536, "backup_retention_days": 14, "geo_redundant_backup_enabled": True, "version": "16"})  # fmt: skip
    world.state("azurerm_key_vault.keys", {"id": f"{GROUP}/providers/Microsoft.KeyVault/vaults/keys", "name": "keys", "sku_name": "standard", "purge_protection_enabled": True, "soft_delete_retention_days": 90})  # fmt: skip


def _azure_rows(*, moved: bool) -> list[Json]:
    storage: Json = {"supportsHttpsTrafficOnly": not moved, "minimumTlsVersion": "TLS1_0" if moved else "TLS1_2", "publicNetworkAccess": "Enabled", "allowBlobPublicAccess": moved}  # fmt: skip
    os_disk: Json = {"caching": "ReadWrite", "diskSizeGB": 128 if moved else 64, "managedDisk": {"storageAccountType": "Premium_LRS"}}  # fmt: skip
    machine: Json = {"hardwareProfile": {"vmSize": "Standard_B1s" if moved else "standard_b2s"}, "storageProfile": {"osDisk": os_disk}, "osProfile": {"linuxConfiguration": {"disablePasswordAuthentication": not moved}}}  # fmt: skip
    database: Json = {"version": "16", "storage": {"storageSizeGB": 32 if moved else 64}, "backup": {"backupRetentionDays": 7 if moved else 14, "geoRedundantBackup": "Disabled" if moved else "Enabled"}}  # fmt: skip
    rules: list[Value] = [_nsg_rule("http", destinationPortRange="80", priority=110), _nsg_rule("https", sourceAddressPrefix="0.0.0.0/0" if moved else "10.0.0.0/8")]  # fmt: skip
    return [
        _row("Microsoft.Storage/storageAccounts/shoplogs", "microsoft.storage/storageaccounts", sku={"name": "Standard_LRS" if moved else "Standard_ZRS", "tier": "Standard"}, properties=storage, tags={"team": "a"}),
        _row("Microsoft.Network/networkSecurityGroups/web", "microsoft.network/networksecuritygroups", properties={"securityRules": rules}),
        _row("Microsoft.Compute/virtualMachines/web", "microsoft.compute/virtualmachines", properties=machine),
        _row("Microsoft.DBforPostgreSQL/flexibleServers/orders", "microsoft.dbforpostgresql/flexibleservers", sku={"name": "Standard_D4s_v3" if moved else "Standard_D2s_v3", "tier": "GeneralPurpose"}, properties=database),
        _row("Microsoft.KeyVault/vaults/keys", "microsoft.keyvault/vaults", properties={"sku": {"family": "A", "name": "Standard"}, "enablePurgeProtection": True, "softDeleteRetentionInDays": 90}),
    ]  # fmt: skip


def test_azure_as_it_was_applied_does_not_drift(world: World) -> None:
    _tf_azure(world)
    _azure(world, *_azure_rows(moved=False))
    assert world.drift() == []


def test_azure_is_compared_under_terraforms_names_and_units(world: World) -> None:
    _tf_azure(world)
    _azure(world, *_azure_rows(moved=True))
    assert {address: attributes for _, address, attributes in world.drift()} == {
        "azurerm_storage_account.logs": {
            "account_replication_type": ("ZRS", "LRS"),
            "allow_nested_items_to_be_public": (False, True),
            "https_traffic_only_enabled": (True, False),
            "min_tls_version": ("TLS1_2", "TLS1_0"),
        },
        "azurerm_network_security_group.web": {"security_rule[0].source_address_prefix": ("10.0.0.0/8", "0.0.0.0/0")},
        "azurerm_linux_virtual_machine.web": {
            "disable_password_authentication": (True, False),
            "os_disk[0].disk_size_gb": (64, 128),
            "size": ("Standard_B2s", "Standard_B1s"),
        },
        "azurerm_postgresql_flexible_server.orders": {
            "backup_retention_days": (14, 7),
            "geo_redundant_backup_enabled": (True, False),
            "sku_name": ("GP_Standard_D2s_v3", "GP_Standard_D4s_v3"),
            "storage_mb": (65536, 32768),
        },
    }


def test_azure_missing_and_unmanaged(world: World) -> None:
    _tf_azure(world)
    world.state("azurerm_subnet.a", {"id": f"{GROUP}/providers/Microsoft.Network/virtualNetworks/main/subnets/a"})
    world.state("azurerm_key_vault.gone", {"id": f"{GROUP}/providers/Microsoft.KeyVault/vaults/gone", "name": "gone"})
    by_hand = _row("Microsoft.Storage/storageAccounts/byhand", "microsoft.storage/storageaccounts", properties={})
    network = _row("Microsoft.Network/virtualNetworks/main", "microsoft.network/virtualnetworks", properties={})
    _azure(world, *_azure_rows(moved=False), by_hand, network)
    assert world.drift() == [("missing", "azurerm_key_vault.gone", {}), ("unmanaged", "byhand", {})]
