"""Things of states and of inventories that are one, where no source could join them: by ids that are one of a kind, by place and name.

A state does not know the name of its cluster, a provider that was not asked for its account writes ARNs without it, and some of Google's
resources have no link. What is paired here is compared as if it were joined.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.drift.compare import type_in_words
from agent.drift.sides import INVENTORIES, STATES, Side, side_of
from agent.evidence import text_of
from graph.model import EntityRef
from graph.store import EntityView

_EC2_ID = re.compile(r"[a-z]{1,9}-(?:[0-9a-f]{8}|[0-9a-f]{17})")


@dataclass(frozen=True, slots=True)
class Pairs:
    """What belongs together.

    Attributes:
        there: ref of a thing of a state -> the thing of an inventory that it is.
        taken: refs of things of inventories that a state knows.
        clusters: (scope, lineage or workspace) of a state -> the cluster that its objects are in, where one is known.
    """

    there: Mapping[EntityRef, EntityView]
    taken: frozenset[EntityRef]
    clusters: Mapping[tuple[str, str], str]


def pairs_of(things: Sequence[EntityView]) -> Pairs:
    """The pairs among these."""
    listed = [(t, s) for t in things if (s := side_of(t, INVENTORIES)) is not None]
    wanted = [
        (t, s) for t in things if side_of(t, INVENTORIES) is None and (s := side_of(t, STATES)) is not None
    ]  # fmt: skip
    by_name: dict[str, EntityView] = {}
    for thing, side in listed:
        for name in _names_there(side):
            by_name.setdefault(name, thing)
    there: dict[EntityRef, EntityView] = {}
    clusters: dict[tuple[str, str], Counter[str]] = {}
    for thing, side in wanted:
        for name in _names_wanted(side):
            if (found := by_name.get(name)) is not None:
                there[thing.refs[0]] = found
                if cluster := text_of(found.properties, "cluster"):
                    clusters.setdefault(state_key(side), Counter())[cluster] += 1
                break
    of = {key: max(sorted(count), key=lambda c: count[c]) for key, count in clusters.items()}
    for thing, side in wanted:
        cluster, named = of.get(state_key(side), ""), kubernetes_name(side)
        # Deleted and made anew by hand: another uid under the same name.
        found = by_name.get(f"k8s {cluster} {type_in_words(_type(side))} {named}") if cluster and named else None
        if found is not None and thing.refs[0] not in there:
            there[thing.refs[0]] = found
    return Pairs(there, frozenset(r for t in there.values() for r in t.refs), of)


def state_key(side: Side) -> tuple[str, str]:
    """Which state a statement is of."""
    told = side.statement.properties
    return side.statement.provenance.scope, text_of(told, "lineage") or text_of(told, "workspace")


def kubernetes_name(side: Side) -> str:
    """`namespace/name` of an object of Kubernetes as a state tells it; empty for anything else."""
    if not _type(side).startswith(("kubernetes_", "kubernetes:")):
        return ""
    for stem in ("metadata[0].", "metadata."):
        if name := text_of(side.attributes, f"{stem}name"):
            namespace = text_of(side.attributes, f"{stem}namespace")
            return f"{namespace}/{name}"
    return ""


def _type(side: Side) -> str:
    return text_of(side.statement.properties, "type")


def _names_wanted(side: Side) -> Iterator[str]:
    id_ = text_of(side.attributes, "id")
    if _EC2_ID.fullmatch(id_):
        yield id_
    for path in ("metadata[0].uid", "metadata.uid"):
        if uid := text_of(side.attributes, path):
            yield f"k8s {uid}"
    if id_.startswith("projects/"):
        yield f"{type_in_words(_type(side))} {id_}"


def _names_there(side: Side) -> Iterator[str]:
    told = side.statement.properties
    id_, cloud_id = text_of(side.attributes, "id"), text_of(told, "cloud_id")
    if _EC2_ID.fullmatch(id_):
        yield id_
    if cloud_id.startswith("k8s:"):
        yield f"k8s {cloud_id.rpartition('/')[2]}"
        yield f"k8s {text_of(told, 'cluster')} {_type(side)} {text_of(told, 'namespace')}/{text_of(told, 'name')}"
    if cloud_id.startswith("//"):
        yield f"{_type(side)} {cloud_id[2:].partition('/')[2]}"
        # Service accounts are listed by number, and tell the name that everybody uses in `name`.
        if (name := text_of(side.attributes, "name")).startswith("projects/"):
            yield f"{_type(side)} {name}"
