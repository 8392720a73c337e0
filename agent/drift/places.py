"""Where things are and of what sort, by their strong names, and how far the inventories of these places were read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.drift.compare import type_in_words
from agent.drift.pairs import kubernetes_name, state_key
from agent.drift.sides import INVENTORIES, STATES, Side, attributes_of
from agent.evidence import text_of
from graph.clock import Instant
from graph.store import EntityView, GraphStore, Statement


def accounts_of(managed: Sequence[EntityView]) -> dict[tuple[str, str], str]:
    """Provenance of a state (scope, lineage) -> the one AWS account that its resources name; for names that tell none, as a bucket's."""
    found: dict[tuple[str, str], set[str]] = {}
    for thing in managed:
        for statement in thing.statements:
            if statement.provenance.source in STATES and (account := _account(_arn(statement))):
                found.setdefault(_origin(statement), set()).add(account)
    return {origin: next(iter(some)) for origin, some in found.items() if len(some) == 1}


def _origin(statement: Statement) -> tuple[str, str]:
    return statement.provenance.scope, text_of(statement.properties, "lineage")


def _arn(statement: Statement) -> str:
    return text_of(statement.properties, "cloud_id") or text_of(attributes_of(statement), "arn")


def _account(arn: str) -> str:
    return arn.split(":", 5)[4] if arn.startswith("arn:") and arn.count(":") >= 5 else ""


def place_of(
    thing: EntityView, accounts: Mapping[tuple[str, str], str], clusters: Mapping[tuple[str, str], str]
) -> tuple[str, ...] | None:
    """Where a thing is and of what sort, by its strong name; None when nothing tells. Of Kubernetes the namespace comes last.

    Args:
        accounts: see `accounts_of`.
        clusters: (scope, lineage or workspace) of a state -> the cluster of its objects.
    """
    for statement in thing.statements:
        properties, attributes = statement.properties, attributes_of(statement)
        type_ = type_in_words(text_of(properties, "type"))
        if type_.startswith("kubernetes:"):
            side = Side(statement, attributes)
            cluster = text_of(properties, "cluster") or clusters.get(state_key(side), "")
            namespace = text_of(properties, "namespace") or kubernetes_name(side).partition("/")[0]
            return ("kubernetes", cluster, type_, namespace) if cluster else None
        if type_.startswith("google_"):
            name = text_of(properties, "cloud_id") or text_of(attributes, "self_link") or text_of(attributes, "id")
            project = text_of(properties, "account_id") or text_of(attributes, "project") or _project(name)
            return ("gcp", project, type_) if project else None
        for name in (text_of(properties, "cloud_id"), text_of(attributes, "arn"), text_of(attributes, "id")):
            told = text_of(properties, "account_id") or accounts.get(_origin(statement), "")
            if name and (place := _place_by_name(name, told)) is not None:
                return place
    return None


def _project(name: str) -> str:
    return name.partition("projects/")[2].partition("/")[0]


def _place_by_name(name: str, account: str) -> tuple[str, ...] | None:
    if name.startswith("arn:") and name.count(":") >= 5:
        _, _, service, region, own, resource = name.split(":", 5)
        sort = resource.replace("/", ":").partition(":")[0] if "/" in resource or ":" in resource else ""
        return ("aws", own or account, region, service, sort) if own or account else None
    if name.lower().startswith("/subscriptions/"):
        subscription, _, rest = name.lower().removeprefix("/subscriptions/").partition("/")
        provider, *parts = rest.rpartition("/providers/")[2].split("/") if "/providers/" in rest else ["", "group"]
        return "azure", subscription, "/".join((provider, *parts[::2]))
    return None


def is_listed(place: tuple[str, ...], listed: set[tuple[str, ...] | None], scopes: Sequence[str], type_: str) -> bool:
    """Whether an inventory lists things of this sort there: others of it are told, or its part was read and was empty."""
    if place in listed or (place[0] == "kubernetes" and place[:3] in listed):
        return True
    if place[0] == "kubernetes":  # `cluster#Deployment`, with `/namespace` where only some are read
        kind = place[2].partition(":")[2]
        return bool({f"{place[1]}#{kind}", f"{place[1]}#{kind}/{place[3]}"} & set(scopes))
    type_ = type_in_words(type_)
    return place[0] == "aws" and any(
        scope.endswith(f"/{type_}") and place[1] in scope and (place[2] in scope or not place[2]) for scope in scopes
    )


def read_up_to(store: GraphStore) -> dict[tuple[str, str], Instant]:
    """(source, scope) of each inventory -> up to when it was read."""
    return {
        (s.source, s.scope): s.fresh_until
        for s in store.scopes()
        if s.fresh_until is not None and s.source in INVENTORIES
    }


def read_until(fresh: Mapping[tuple[str, str], Instant], place: tuple[str, ...]) -> Instant | None:
    """Up to when the inventory of a place was read: of its account where a scope names it, else the latest of its cloud."""
    cloud, account = place[0], place[1] if len(place) > 1 else ""
    told = {scope: at for (source, scope), at in fresh.items() if source == cloud}
    return max(
        (at for scope, at in told.items() if account and account in scope), default=max(told.values(), default=None)
    )
