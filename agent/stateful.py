"""Which resources hold data that is gone when they are deleted or made anew."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from agent.assemble import attributes
from agent.evidence import text_of
from agent.scene import Scene
from graph.lexicon import Thing, former, things
from graph.model import EntityRef
from graph.store import ChangeView, Limits

_HOLDS_DATA = re.compile(
    r"^(?:aws_(?:db_instance|db_cluster|rds_cluster|rds_cluster_instance|rds_global_cluster|dynamodb_(?:global_)?table|s3_bucket|efs_file_system|fsx_\w+|"
    r"ebs_volume|elasticache_(?:cluster|replication_group|serverless_cache)|memorydb_cluster|elasticsearch_domain|opensearch_domain|redshift_cluster|docdb_cluster|neptune_cluster|"
    r"keyspaces_table|timestreamwrite_\w+|kinesis_stream|sqs_queue|msk_cluster|mq_broker|glacier_vault|backup_vault|kms_key|secretsmanager_secret|"
    r"cognito_user_pool|ecr_repository|cloudwatch_log_group)"
    r"|google_(?:sql_database(?:_instance)?|storage_bucket|bigquery_(?:dataset|table)|spanner_(?:instance|database)|bigtable_(?:instance|table)|filestore_instance|"
    r"compute_disk|redis_instance|pubsub_(?:topic|subscription)|kms_\w+|secret_manager_secret|firestore_database)"
    r"|azurerm_(?:\w*sql\w*|storage_(?:account|container|share)|cosmosdb_\w+|managed_disk|redis_cache|key_vault(?:_key|_secret)?|eventhub|servicebus_queue)"
    r"|kubernetes(?:_|:)(?:persistent_?volume(?:_?claim)?(?:_v1)?|stateful_?set(?:_v1)?)"
    r"|AWS::(?:RDS::\w+|DynamoDB::\w*Table|S3::Bucket|EFS::FileSystem|EC2::Volume|ElastiCache::\w+|OpenSearchService::Domain|Redshift::Cluster|SQS::Queue|Kinesis::Stream|KMS::Key|SecretsManager::Secret)"
    r"|PersistentVolumeClaim|PersistentVolume|StatefulSet)$",
    re.I,
)
_REPLACES = frozenset(
    [
        "allocated_storage_type",
        "availability_zone",
        "availability_zones",
        "bucket",
        "cluster_identifier",
        "creation_token",
        "database_name",
        "db_name",
        "domain_name",
        "encrypted",
        "engine",
        "hash_key",
        "identifier",
        "kms_key_id",
        "location",
        "master_username",
        "name",
        "range_key",
        "snapshot_identifier",
        "storage_encrypted",
        "username",
        "volumeclaimtemplates",
    ]
)
"""Last parts of attribute paths whose change makes a provider delete such a resource and create another."""


def holds_data(type_: str) -> bool:
    """Whether resources of this type hold data."""
    return _HOLDS_DATA.match(type_) is not None


def endangered(scene: Scene, touched: Sequence[ChangeView]) -> tuple[str, str]:
    """The label of a stateful resource that the change created, deleted or replaced, and which of these; empty when there is none."""
    labels = _types(scene, touched)
    replaced = _replaced(scene, touched)
    for view in sorted(touched, key=lambda v: (v.change, v.target)):
        found = labels.get(view.target)
        if found is None or not holds_data(_type(found)):
            continue
        label = found.label
        effect = view.properties.get("effect")
        if effect in ("created", "deleted"):
            return label, str(effect)
        if view.target in replaced:
            return label, "replaced"
        if any(a.path.rpartition(".")[2].split("[")[0].lower() in _REPLACES for a in attributes(view.properties)):
            return label, "replaced"
    return "", ""


def _types(scene: Scene, touched: Sequence[ChangeView]) -> Mapping[EntityRef, Thing]:
    refs = sorted({v.target for v in touched if v.target.kind in ("Block", "Resource")})
    found = {t.ref: t for t in things(scene.store, refs, scene.view)}
    gone = [r for r in refs if r not in found]
    for missing in gone[:50]:
        if (last := former(scene.store, missing, scene.view)) is not None:
            found[missing] = last
    return found


def _type(found: Thing) -> str:
    # A data source or a variable holds nothing, whatever its type.
    return found.text("type") if found.text("block_type") in ("", "resource", "object") else ""


def _replaced(scene: Scene, touched: Sequence[ChangeView]) -> set[EntityRef]:
    """What a plan of this very commit would have deleted and created anew."""
    targets = sorted({v.target for v in touched if v.target.kind in ("Block", "Resource")})
    if not targets:
        return set()
    commits = {v.change.id for v in touched} | {text_of(v.properties, "via") for v in touched}
    declared = scene.store.neighbours(
        targets, scene.view, Limits(rows=2_000), types=("DECLARES",), direction="out"
    ).items
    by_instance = {e.dst: e.src for e in declared}
    every = [*targets, *sorted(by_instance)]
    plans = scene.store.neighbours(every, scene.view, Limits(rows=2_000), types=("PLANS",), direction="in").items
    replacing = [e for e in plans if e.properties.get("replace") is True]
    if not replacing:
        return set()
    made_from = {
        p.ref: text_of(p.properties, "commit")
        for p in scene.store.entities(sorted({e.src for e in replacing}), scene.view)
    }
    return {by_instance.get(e.dst, e.dst) for e in replacing if made_from.get(e.src) in commits}
