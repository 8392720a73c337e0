"""What happened in a cluster, told once: not part of any snapshot, and kept when the cluster forgets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from graph.model import Assertion, Relation, Value
from ingest.sources.deployments.facts import Origin, deployment, deployment_ref
from ingest.sources.deployments.record import Record
from ingest.sources.kubernetes.objects import Object, ref_of


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happened: facts, and a key that is equal when the same is told again."""

    key: str
    assertions: Sequence[Assertion]


def key_of(*parts: object) -> str:
    """A short key of what identifies a happening."""
    return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def deployed(
    record: Record,
    cluster: str,
    target: Object | None,
    changed: Mapping[str, tuple[str, str]],
    actor_system: str = "kubernetes",
) -> Happened:
    """A deployment in a cluster.

    Args:
        record: what is told; its environment may be empty.
        cluster: the scope that numbers it.
        target: the object that it changed, where there is one.
        changed: attribute path of the target -> value before (empty: not known) and after.
        actor_system: where its actor has an account.
    """
    origin = Origin("kubernetes", cluster, actor_system)
    locator = (
        f"{cluster}/{target.path}@{record.id.rpartition('/')[2]}" if target is not None else f"{cluster}:{record.id}"
    )
    assertions = list(deployment(record, origin, locator))
    if target is not None and record.outcome == "succeeded":
        attributes: list[Value] = [
            {
                "path": path,
                "before": {"state": "value", "value": before} if before else {"state": "unknown"},
                "after": {"state": "value", "value": after},
            }
            for path, (before, after) in sorted(changed.items())
        ]
        touched = Relation(
            "CHANGED",
            deployment_ref(record, origin),
            ref_of(cluster, target.uid),
            {"effect": "updated", "attributes": attributes},
        )
        assertions.append(Assertion(touched, record.at, assertions[0].observed_at, locator))
    return Happened(key_of(record.id, record.outcome), assertions)
