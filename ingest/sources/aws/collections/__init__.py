"""The table of what the inventory holds. A file a subject; another service is one more entry in one of them."""

from __future__ import annotations

from ingest.sources.aws.collections.compute import COMPUTE
from ingest.sources.aws.collections.containers import CONTAINERS
from ingest.sources.aws.collections.data import DATA
from ingest.sources.aws.collections.edge import EDGE
from ingest.sources.aws.collections.functions import FUNCTIONS
from ingest.sources.aws.collections.identity import IDENTITY
from ingest.sources.aws.collections.load_balancing import LOAD_BALANCING
from ingest.sources.aws.collections.messaging import MESSAGING
from ingest.sources.aws.collections.network import NETWORK
from ingest.sources.aws.collections.operations import OPERATIONS
from ingest.sources.aws.collections.security_groups import SECURITY_GROUPS
from ingest.sources.aws.collections.storage import STORAGE
from ingest.sources.aws.table import Collection

ALL: tuple[Collection, ...] = (
    *LOAD_BALANCING,
    *SECURITY_GROUPS,
    *NETWORK,
    *COMPUTE,
    *CONTAINERS,
    *FUNCTIONS,
    *DATA,
    *STORAGE,
    *IDENTITY,
    *EDGE,
    *MESSAGING,
    *OPERATIONS,
)
"""Parents come before their children."""

BY_TYPE = {collection.type: collection for collection in ALL}
BY_CONFIG_TYPE = {collection.config_type: collection for collection in ALL if collection.config_type}
