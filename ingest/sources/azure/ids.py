"""What an Azure resource id tells: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules"""

from __future__ import annotations

import re
from collections.abc import Mapping

from graph.model import Alias, Entity, EntityRef, Fact
from ingest import names

_PARTS = re.compile(r"/subscriptions/([^/]+)(?:/resourcegroups/([^/]+))?", re.IGNORECASE)
_TYPES: Mapping[str, str] = {
    "microsoft.compute/virtualmachines": "azurerm_virtual_machine",
    "microsoft.compute/virtualmachinescalesets": "azurerm_virtual_machine_scale_set",
    "microsoft.compute/disks": "azurerm_managed_disk",
    "microsoft.compute/images": "azurerm_image",
    "microsoft.compute/snapshots": "azurerm_snapshot",
    "microsoft.network/virtualnetworks": "azurerm_virtual_network",
    "microsoft.network/virtualnetworks/subnets": "azurerm_subnet",
    "microsoft.network/networksecuritygroups": "azurerm_network_security_group",
    "microsoft.network/networksecuritygroups/securityrules": "azurerm_network_security_rule",
    "microsoft.network/networkinterfaces": "azurerm_network_interface",
    "microsoft.network/publicipaddresses": "azurerm_public_ip",
    "microsoft.network/loadbalancers": "azurerm_lb",
    "microsoft.network/applicationgateways": "azurerm_application_gateway",
    "microsoft.network/routetables": "azurerm_route_table",
    "microsoft.network/natgateways": "azurerm_nat_gateway",
    "microsoft.network/azurefirewalls": "azurerm_firewall",
    "microsoft.network/privateendpoints": "azurerm_private_endpoint",
    "microsoft.network/dnszones": "azurerm_dns_zone",
    "microsoft.network/privatednszones": "azurerm_private_dns_zone",
    "microsoft.network/frontdoors": "azurerm_frontdoor",
    "microsoft.storage/storageaccounts": "azurerm_storage_account",
    "microsoft.keyvault/vaults": "azurerm_key_vault",
    "microsoft.sql/servers": "azurerm_mssql_server",
    "microsoft.sql/servers/databases": "azurerm_mssql_database",
    "microsoft.dbforpostgresql/servers": "azurerm_postgresql_server",
    "microsoft.dbforpostgresql/flexibleservers": "azurerm_postgresql_flexible_server",
    "microsoft.dbformysql/flexibleservers": "azurerm_mysql_flexible_server",
    "microsoft.documentdb/databaseaccounts": "azurerm_cosmosdb_account",
    "microsoft.cache/redis": "azurerm_redis_cache",
    "microsoft.containerservice/managedclusters": "azurerm_kubernetes_cluster",
    "microsoft.containerregistry/registries": "azurerm_container_registry",
    "microsoft.containerinstance/containergroups": "azurerm_container_group",
    "microsoft.app/containerapps": "azurerm_container_app",
    "microsoft.web/sites": "azurerm_app_service",
    "microsoft.web/serverfarms": "azurerm_service_plan",
    "microsoft.eventhub/namespaces": "azurerm_eventhub_namespace",
    "microsoft.servicebus/namespaces": "azurerm_servicebus_namespace",
    "microsoft.operationalinsights/workspaces": "azurerm_log_analytics_workspace",
    "microsoft.insights/components": "azurerm_application_insights",
    "microsoft.insights/metricalerts": "azurerm_monitor_metric_alert",
    "microsoft.managedidentity/userassignedidentities": "azurerm_user_assigned_identity",
    "microsoft.authorization/roleassignments": "azurerm_role_assignment",
    "microsoft.cdn/profiles": "azurerm_cdn_profile",
    "microsoft.resources/subscriptions/resourcegroups": "azurerm_resource_group",
}


def terraform_type(azure_type: str) -> str:
    """The type as Terraform names it; what is not in the list stays as Azure names it."""
    return _TYPES.get(azure_type.lower(), azure_type)


def subscription_of(resource_id: str) -> str:
    """The subscription of a resource id, in lower case; empty where it tells none."""
    found = _PARTS.match(resource_id)
    return found[1].lower() if found is not None else ""


def group_of(resource_id: str) -> str:
    """The resource group of a resource id; empty where it tells none."""
    found = _PARTS.match(resource_id)
    return found[2] or "" if found is not None else ""


def type_of(resource_id: str) -> str:
    """The type that a resource id tells: every other part after its last provider, in lower case."""
    before, found, rest = resource_id.lower().rpartition("/providers/")
    if not found:
        return "microsoft.resources/subscriptions/resourcegroups" if group_of(before or resource_id) else ""
    provider, *parts = rest.strip("/").split("/")
    return "/".join((provider, *parts[::2]))


def account_facts(subscription: str) -> tuple[EntityRef, list[Fact]]:
    """A subscription, as an account of the cloud."""
    account = names.cloud_account("azure", subscription)
    told = {"provider": "azure", "account_id": subscription}
    return account, [Entity(account, told), Alias(account, "id", subscription)]
