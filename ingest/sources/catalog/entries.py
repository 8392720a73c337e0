"""What a catalog says, whatever it is written in: services, teams, people and what they depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graph.clock import Instant


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an entry stands and since when its file is as it is."""

    locator: str
    url: str | None
    at: Instant


@dataclass(frozen=True, slots=True)
class Target:
    """A reference to another entry: kind (`component`, `resource`, `api`, `group` …, lower case), namespace and name."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. Fields that its kind does not have stay empty.

    Attributes:
        kind: component, system, domain, resource, api, group or user.
        names: further names that mean it: what other systems call it.
        ids: ids of it on other systems.
        repositories: (owner/name, what said so).
        accounts: (system, login) of a user on other systems, by annotation.
        cloud_ids: strong names of the instance that a resource is.
        members: users of a group; `member_of`: groups of a user.
        on_call: mail addresses or logins.
    """

    kind: str
    name: str
    origin: Origin
    namespace: str = "default"
    title: str = ""
    description: str = ""
    type: str = ""
    lifecycle: str = ""
    tier: str = ""
    system: Target | None = None
    owner: Target | None = None
    owner_rule: str = ""
    channel: str = ""
    url: str = ""
    email: str = ""
    names: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    repositories: tuple[tuple[str, str], ...] = ()
    accounts: tuple[tuple[str, str], ...] = ()
    cloud_ids: tuple[str, ...] = ()
    depends_on: tuple[Target, ...] = ()
    dependency_of: tuple[Target, ...] = ()
    provides: tuple[Target, ...] = ()
    consumes: tuple[Target, ...] = ()
    part_of: Target | None = None
    members: tuple[str, ...] = ()
    member_of: tuple[Target, ...] = ()
    on_call: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


def target(reference: str, kind: str, namespace: str = "default") -> Target | None:
    """A reference as Backstage writes it, `[kind:][namespace/]name`; None for what is none. Case of the kind does not count.

    https://backstage.io/docs/features/software-catalog/references
    """
    told, colon, rest = reference.strip().partition(":")
    if not colon:
        told, rest = kind, told
    space, slash, name = rest.partition("/")
    if not slash:
        space, name = namespace, space
    return Target(told.strip().lower(), space.strip(), name.strip()) if name.strip() else None
