"""Waste that an inventory tells: what is attached to nothing, empty, stopped, old, or of an old generation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from agent.cost.waste_generations import VOLUMES, successor
from agent.cost.waste_rule import Finding, Inventory, Rule, attributes_of
from agent.evidence import inline, number_of, text_of
from graph.clock import DAY, Instant, instant
from graph.model import EntityRef
from graph.store import EntityView, Limits

_LIMITS = Limits(rows=200_000, deadline_s=30.0)
SNAPSHOT_DAYS = 180
"""A snapshot older than this is old."""


def _volumes(seen: Inventory) -> Iterator[Finding]:
    stopped = {v for i in seen.of("aws_instance") if _status(i) == "stopped" for v in _volume_ids(i)}
    for volume in seen.of("aws_ebs_volume"):
        attributes = attributes_of(volume)
        size = number_of(attributes.get("size"))
        kind = text_of(attributes, "type")
        sized = f"{size:g} GiB {kind}".strip() if size else kind or "volume"
        if text_of(volume.properties, "status") == "available":
            name = _cloud_name(volume)
            yield Finding(
                "unattached",
                "",
                volume,
                f"The {sized} volume is attached to nothing",
                Decimal(1),
                f"aws ec2 create-snapshot --volume-id {name} && aws ec2 delete-volume --volume-id {name}",
                "remove it",
                _status_since(seen, volume),
            )
        elif (better := VOLUMES.get(kind)) is not None and _cloud_name(volume) not in stopped:
            yield Finding(
                "old_generation",
                kind,
                volume,
                f"The {sized} volume is of an old type; {better.family} is faster"
                + (" and costs a fifth less" if better.ratio == Decimal("0.8") else ""),
                None if better.ratio is None else 1 - better.ratio,
                f"aws ec2 modify-volume --volume-id {_cloud_name(volume)} --volume-type {better.family}",
                f'set type = "{better.family}"',
                usage=("VolumeUsage",),
            )


def _addresses(seen: Inventory) -> Iterator[Finding]:
    for address in seen.of("aws_eip"):
        attributes = attributes_of(address)
        told = any(k in attributes for k in ("public_ip", "allocation_id", "id"))
        used = any(
            attributes.get(k)
            for k in ("association_id", "instance_id", "instance", "network_interface_id", "network_interface")
        )
        if told and not used and _from_inventory(address):
            yield Finding(
                "unattached",
                "",
                address,
                f"The address {text_of(attributes, 'public_ip')} is assigned to nothing".replace("  ", " "),
                Decimal(1),
                f"aws ec2 release-address --allocation-id {_cloud_name(address)}",
                "remove it",
                _status_since(seen, address),
            )


def _balancers(seen: Inventory) -> Iterator[Finding]:
    """Load balancers whose target groups are all empty, or that nothing listens on."""
    balancers = [b for b in seen.of("aws_lb") if _from_inventory(b)]
    if not balancers:
        return
    parts = _dependants(seen, [r for b in balancers for r in b.refs])
    below = _dependants(seen, [p for some in parts.values() for p in some])
    listening = {b.ref: {p for r in b.refs for p in parts.get(r, ())} for b in balancers}
    asked = sorted({p for some in parts.values() for p in some} | {p for some in below.values() for p in some})
    edges = (
        seen.store.neighbours(asked, seen.view, _LIMITS, types=("DEPENDS_ON",), direction="out").items if asked else ()
    )
    groups = {e.ref: e for e in seen.store.entities(sorted({e.dst for e in edges}), seen.view)}
    for balancer in balancers:
        mine = listening[balancer.ref] | {q for p in listening[balancer.ref] for q in below.get(p, ())}
        targets = {e.dst for e in edges if e.src in mine and e.dst in groups}
        counts = [
            number_of(attributes_of(groups[t]).get("target_count"))
            for t in sorted(targets)
            if text_of(groups[t].properties, "type") == "aws_lb_target_group"
        ]
        if counts and all(c == 0 for c in counts):
            name = inline(text_of(balancer.properties, "name"), 100)
            yield Finding(
                "idle",
                "",
                balancer,
                f"The load balancer {name} has no targets: its {len(counts)} target group{'s are' if len(counts) > 1 else ' is'} empty",
                Decimal(1),
                f"aws elbv2 delete-load-balancer --load-balancer-arn {text_of(balancer.properties, 'cloud_id')}",
                "remove it",
            )


def _instances(seen: Inventory) -> Iterator[Finding]:
    """Stopped instances: their volumes are paid for. And old generations."""
    volumes = {_cloud_name(v): v for v in seen.of("aws_ebs_volume")}
    for instance in seen.of("aws_instance"):
        if _status(instance) == "stopped":
            mine = [volumes[v] for v in _volume_ids(instance) if v in volumes]
            size = sum(number_of(attributes_of(v).get("size")) or 0 for v in mine)
            paid = f"; {len(mine)} volume{'s' if len(mine) > 1 else ''} of {size:g} GiB in all still cost"
            since = _status_since(seen, instance)
            after = f" for {(seen.at - since) // DAY} days" if since is not None and seen.at - since >= DAY else ""
            yield Finding(
                "stopped",
                "",
                instance,
                f"The instance is stopped{after}{paid if mine else ''}",
                Decimal(1),
                f"aws ec2 create-image --instance-id {_cloud_name(instance)} --name kept && aws ec2 terminate-instances --instance-ids {_cloud_name(instance)}",
                "remove it",
                since,
                paid=tuple(mine),
            )
    for type_, key, attribute in (
        ("aws_instance", "BoxUsage", "instance_type"),
        ("aws_db_instance", "InstanceUsage", "instance_class"),
        ("aws_elasticache_cluster", "NodeUsage", "node_type"),
    ):
        for one in seen.of(type_):
            size = text_of(attributes_of(one), attribute)
            better = successor(size)
            if better is None or text_of(one.properties, "status") in ("stopped", "terminated"):
                continue
            target, known = better
            also = f" ({known.also} on Graviton for less, with other builds)" if known.also else ""
            yield Finding(
                "old_generation",
                size,
                one,
                f"{size} is of an old generation; {target} is its successor{also}",
                None if known.ratio is None else 1 - known.ratio,
                "",
                f'set {attribute} = "{target}"',
                usage=(key,),
            )


def _snapshots(seen: Inventory) -> Iterator[Finding]:
    for type_ in ("aws_ebs_snapshot", "aws_db_snapshot"):
        for snapshot in seen.of(type_):
            made = _moment(text_of(snapshot.properties, "created_at") or text_of(attributes_of(snapshot), "start_time"))
            if made is None or seen.at - made < SNAPSHOT_DAYS * DAY:
                continue
            name = _cloud_name(snapshot)
            command = (
                f"aws ec2 delete-snapshot --snapshot-id {name}"
                if type_ == "aws_ebs_snapshot"
                else f"aws rds delete-db-snapshot --db-snapshot-identifier {name}"
            )
            days = (seen.at - made) // DAY
            yield Finding(
                "old", "", snapshot, f"The snapshot is {days} days old", Decimal(1), command, "remove it", made
            )


INVENTORY_RULES: tuple[Rule, ...] = (_volumes, _addresses, _balancers, _instances, _snapshots)


# -- reading


def _from_inventory(entity: EntityView) -> bool:
    return any(s.provenance.source == "aws" for s in entity.statements)


def _cloud_name(entity: EntityView) -> str:
    """Its id, as commands take it: the end of its ARN."""
    arn = next((a for s in entity.statements if (a := text_of(s.properties, "cloud_id"))), "")
    return (
        arn.replace("/", ":").rpartition(":")[2]
        or text_of(attributes_of(entity), "id")
        or text_of(entity.properties, "name")
    )


def _status_since(seen: Inventory, entity: EntityView) -> Instant | None:
    """Since when its status is what it is, as far as inventories were kept."""
    now = text_of(entity.properties, "status")
    since: Instant | None = None
    for statement in seen.store.history(entity.ref, seen.view, Limits(rows=200)).items:
        if statement.provenance.source != "aws":
            continue
        if text_of(statement.properties, "status") != now:
            break
        since = statement.valid_from
    return since


def _dependants(seen: Inventory, refs: Sequence[EntityRef]) -> dict[EntityRef, list[EntityRef]]:
    """What depends on each of these, among resources."""
    found: dict[EntityRef, list[EntityRef]] = {}
    edges = seen.store.neighbours(refs, seen.view, _LIMITS, types=("DEPENDS_ON",), direction="in").items if refs else ()
    for edge in edges:
        if edge.src.kind == "Resource":
            found.setdefault(edge.dst, []).append(edge.src)
    return found


def _moment(text: str) -> Instant | None:
    try:
        return instant(text) if text else None
    except ValueError:
        return None


def _status(instance: EntityView) -> str:
    return text_of(instance.properties, "status") or text_of(attributes_of(instance), "state.name")


def _volume_ids(instance: EntityView) -> list[str]:
    told = attributes_of(instance).get("volume_ids")
    return [v for v in told if isinstance(v, str)] if isinstance(told, Sequence) and not isinstance(told, str) else []
