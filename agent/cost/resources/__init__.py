"""How a resource's attributes and its use become quantities of priced components: one file a family of services.

Component names, units and quantities follow the words of Infracost's public examples, so that the two can be compared and its price output used.
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.cost.resources import (
    analytics,
    aurora,
    caches,
    cloudfront,
    compute,
    containers,
    databases,
    declared,
    dns,
    documents_and_graphs,
    messaging,
    network,
    operations,
    search,
    security,
    serverless,
    storage,
    volumes,
)
from agent.cost.resources.lines import Mapper

_FAMILIES = (
    compute, volumes, databases, aurora, documents_and_graphs, caches, network, dns, cloudfront, containers, serverless, storage, messaging,
    analytics, search, security, operations, declared,
)  # fmt: skip
MAPPERS: Mapping[str, Mapper] = {
    type_: mapper for family in _FAMILIES for type_, mapper in family.FAMILY.mappers.items()
}
"""Resource type -> its mapping."""
