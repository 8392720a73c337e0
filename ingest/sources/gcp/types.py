"""Types of Google Cloud resources under the names that Terraform gives them, which engineers know and state files use."""

from __future__ import annotations

import re
from collections.abc import Mapping

_TYPES: Mapping[str, str] = {
    "compute.googleapis.com/Instance": "google_compute_instance",
    "compute.googleapis.com/InstanceTemplate": "google_compute_instance_template",
    "compute.googleapis.com/InstanceGroup": "google_compute_instance_group",
    "compute.googleapis.com/InstanceGroupManager": "google_compute_instance_group_manager",
    "compute.googleapis.com/Autoscaler": "google_compute_autoscaler",
    "compute.googleapis.com/Disk": "google_compute_disk",
    "compute.googleapis.com/Image": "google_compute_image",
    "compute.googleapis.com/Snapshot": "google_compute_snapshot",
    "compute.googleapis.com/Network": "google_compute_network",
    "compute.googleapis.com/Subnetwork": "google_compute_subnetwork",
    "compute.googleapis.com/Firewall": "google_compute_firewall",
    "compute.googleapis.com/Route": "google_compute_route",
    "compute.googleapis.com/Router": "google_compute_router",
    "compute.googleapis.com/Address": "google_compute_address",
    "compute.googleapis.com/GlobalAddress": "google_compute_global_address",
    "compute.googleapis.com/ForwardingRule": "google_compute_forwarding_rule",
    "compute.googleapis.com/GlobalForwardingRule": "google_compute_global_forwarding_rule",
    "compute.googleapis.com/BackendService": "google_compute_backend_service",
    "compute.googleapis.com/RegionBackendService": "google_compute_region_backend_service",
    "compute.googleapis.com/BackendBucket": "google_compute_backend_bucket",
    "compute.googleapis.com/HealthCheck": "google_compute_health_check",
    "compute.googleapis.com/UrlMap": "google_compute_url_map",
    "compute.googleapis.com/TargetHttpProxy": "google_compute_target_http_proxy",
    "compute.googleapis.com/TargetHttpsProxy": "google_compute_target_https_proxy",
    "compute.googleapis.com/SslCertificate": "google_compute_ssl_certificate",
    "compute.googleapis.com/SecurityPolicy": "google_compute_security_policy",
    "compute.googleapis.com/VpnTunnel": "google_compute_vpn_tunnel",
    "compute.googleapis.com/Project": "google_compute_project",
    "storage.googleapis.com/Bucket": "google_storage_bucket",
    "sqladmin.googleapis.com/Instance": "google_sql_database_instance",
    "container.googleapis.com/Cluster": "google_container_cluster",
    "container.googleapis.com/NodePool": "google_container_node_pool",
    "run.googleapis.com/Service": "google_cloud_run_service",
    "cloudfunctions.googleapis.com/CloudFunction": "google_cloudfunctions_function",
    "cloudfunctions.googleapis.com/Function": "google_cloudfunctions2_function",
    "pubsub.googleapis.com/Topic": "google_pubsub_topic",
    "pubsub.googleapis.com/Subscription": "google_pubsub_subscription",
    "bigquery.googleapis.com/Dataset": "google_bigquery_dataset",
    "bigquery.googleapis.com/Table": "google_bigquery_table",
    "redis.googleapis.com/Instance": "google_redis_instance",
    "spanner.googleapis.com/Instance": "google_spanner_instance",
    "spanner.googleapis.com/Database": "google_spanner_database",
    "dns.googleapis.com/ManagedZone": "google_dns_managed_zone",
    "dns.googleapis.com/ResourceRecordSet": "google_dns_record_set",
    "iam.googleapis.com/ServiceAccount": "google_service_account",
    "iam.googleapis.com/ServiceAccountKey": "google_service_account_key",
    "iam.googleapis.com/Role": "google_project_iam_custom_role",
    "cloudkms.googleapis.com/KeyRing": "google_kms_key_ring",
    "cloudkms.googleapis.com/CryptoKey": "google_kms_crypto_key",
    "secretmanager.googleapis.com/Secret": "google_secret_manager_secret",
    "secretmanager.googleapis.com/SecretVersion": "google_secret_manager_secret_version",
    "cloudresourcemanager.googleapis.com/Project": "google_project",
    "cloudresourcemanager.googleapis.com/Folder": "google_folder",
    "serviceusage.googleapis.com/Service": "google_project_service",
    "artifactregistry.googleapis.com/Repository": "google_artifact_registry_repository",
    "monitoring.googleapis.com/AlertPolicy": "google_monitoring_alert_policy",
    "logging.googleapis.com/LogSink": "google_logging_project_sink",
    "vpcaccess.googleapis.com/Connector": "google_vpc_access_connector",
    "appengine.googleapis.com/Service": "google_app_engine_service",
}
_SELF_LINK = re.compile(
    r"https://(?:www\.googleapis\.com/([a-z]+)|([a-z]+)\.googleapis\.com(?:/[a-z]+)?)/(?:v|beta|alpha)[a-z0-9]*/(.+)"
)
_PROJECT = re.compile(r"/projects/([a-z0-9][a-z0-9:.-]*)")
_PLACE = re.compile(r"/(?:zones|regions|locations)/([a-z0-9-]+)")


def terraform_type(asset_type: str) -> str:
    """The type as Terraform names it; what is not in the list stays as Google names it."""
    return _TYPES.get(asset_type, asset_type)


def full_name(self_link: str) -> str:
    """The full resource name that a self link stands for, as the terraform_state source makes it; empty for what is none."""
    found = _SELF_LINK.fullmatch(self_link)
    return f"//{found[1] or found[2]}.googleapis.com/{found[3]}" if found is not None else ""


def project_in(name: str) -> str:
    """The project that a resource's name tells; empty where it tells none."""
    found = _PROJECT.search(name)
    return found[1] if found is not None else ""


def location_in(name: str) -> str:
    """The zone, region or location that a resource's name tells."""
    found = _PLACE.search(name)
    return found[1] if found is not None else ""
