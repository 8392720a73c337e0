"""A service catalog: Backstage entities, CODEOWNERS, and a CSV as OpsLevel and spreadsheets have it.

Format: https://backstage.io/docs/features/software-catalog/descriptor-format
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml


@dataclass(frozen=True, slots=True)
class Component:
    """A service. `owner` is a group's name; `on_call` a mail address, empty when the catalog does not say."""

    name: str
    owner: str
    description: str = ""
    lifecycle: str = "production"
    tier: str = ""
    system: str = ""
    repository: str = ""
    slack_channel: str = ""
    on_call: str = ""
    pagerduty_service: str = ""
    depends_on: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Group:
    """A team."""

    name: str
    display_name: str
    members: tuple[str, ...]
    email: str = ""


@dataclass(frozen=True, slots=True)
class CatalogUser:
    """A person; `github` and `slack` become annotations."""

    name: str
    display_name: str
    email: str
    groups: tuple[str, ...]
    github: str = ""
    slack: str = ""


def catalog_info(components: list[Component]) -> str:
    """A `catalog-info.yaml` of components."""
    return _documents([_component(c) for c in components])


def organisation(groups: list[Group], users: list[CatalogUser]) -> str:
    """An `org.yaml` of groups and users."""
    return _documents([_group(g) for g in groups] + [_user(u) for u in users])


def services_csv(components: list[Component]) -> str:
    """`services.csv`: name, description, owner, tier, lifecycle, on_call, repository, slack_channel."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", "description", "owner", "tier", "lifecycle", "on_call", "repository", "slack_channel"])
    for c in components:
        writer.writerow([c.name, c.description, c.owner, c.tier, c.lifecycle, c.on_call, c.repository, c.slack_channel])
    return text.getvalue()


def codeowners(rules: list[tuple[str, tuple[str, ...]]]) -> str:
    """A CODEOWNERS file of patterns and their owners (`@org/team`, `@login`, a mail address)."""
    return "# Who reviews what\n" + "".join(f"{pattern}  {' '.join(owners)}\n" for pattern, owners in rules)


def _documents(documents: list[dict[str, object]]) -> str:
    return yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True, allow_unicode=True)


def _component(c: Component) -> dict[str, object]:
    annotations = {
        "github.com/project-slug": c.repository,
        "pagerduty.com/service-id": c.pagerduty_service,
        "slack.com/channel": c.slack_channel,
    }
    spec: dict[str, object] = {"type": "service", "lifecycle": c.lifecycle, "owner": f"group:default/{c.owner}"}
    if c.system:
        spec["system"] = c.system
    if c.depends_on:
        spec["dependsOn"] = [f"component:default/{name}" for name in c.depends_on]
    metadata: dict[str, object] = {"name": c.name, "description": c.description}
    if kept := {key: value for key, value in annotations.items() if value}:
        metadata["annotations"] = kept
    if c.tier:
        metadata["labels"] = {"tier": c.tier}
    if c.links:
        metadata["links"] = [{"title": title, "url": url} for title, url in c.links.items()]
    return {"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": metadata, "spec": spec}


def _group(g: Group) -> dict[str, object]:
    profile = {"displayName": g.display_name} | ({"email": g.email} if g.email else {})
    spec: dict[str, object] = {"type": "team", "profile": profile, "children": [], "members": list(g.members)}
    return {"apiVersion": "backstage.io/v1alpha1", "kind": "Group", "metadata": {"name": g.name}, "spec": spec}


def _user(u: CatalogUser) -> dict[str, object]:
    annotations = {"github.com/user-login": u.github, "slack.com/user-id": u.slack}
    metadata: dict[str, object] = {"name": u.name}
    if kept := {key: value for key, value in annotations.items() if value}:
        metadata["annotations"] = kept
    spec: dict[str, object] = {
        "profile": {"displayName": u.display_name, "email": u.email},
        "memberOf": list(u.groups),
    }
    return {"apiVersion": "backstage.io/v1alpha1", "kind": "User", "metadata": metadata, "spec": spec}
