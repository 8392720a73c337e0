"""Facts of catalog entries. Each file speaks for itself: what two files say of one service is merged by whoever reads the graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from graph.model import Alias, Assertion, Entity, EntityRef, Fact, Passage, Relation, Value, ref
from ingest import names
from ingest.mentions import mentions
from ingest.sources.catalog.entries import Entry, Origin, Target
from ingest.sources.git.codeowners import Rule

SYSTEM = "catalog"


@dataclass(slots=True)
class Whole:
    """What entries of one file may refer to in others.

    Attributes:
        scope: the catalog's name.
        owners: owner as written -> name of the team.
        people: mail address -> user's name.
        providers: API -> components that provide it.
    """

    scope: str
    owners: Mapping[str, str] = field(default_factory=dict[str, str])
    people: Mapping[str, str] = field(default_factory=dict[str, str])
    providers: Mapping[Target, tuple[str, ...]] = field(default_factory=dict[Target, tuple[str, ...]])


def whole(scope: str, owners: Mapping[str, str], entries: Iterable[Entry]) -> Whole:
    """What the entries of all files say that others refer to."""
    people: dict[str, str] = {}
    providers: dict[Target, tuple[str, ...]] = {}
    for entry in entries:
        if entry.kind == "user" and entry.email:
            people.setdefault(entry.email, entry.name)
        for api in entry.provides:
            providers[api] = (*providers.get(api, ()), entry.name)
    return Whole(scope, owners, people, providers)


def facts_of(entries: Sequence[Entry], context: Whole) -> list[Assertion]:
    """The facts of a file's entries. Of several entries of one thing the first that says something counts."""
    said: dict[str, Assertion] = {}
    for entry in entries:
        for fact in _facts(entry, context):
            assertion = Assertion(fact, entry.origin.at, entry.origin.at, entry.origin.locator, url=entry.origin.url)
            before = said.get(fact.key)
            if before is not None and isinstance(fact, Entity) and isinstance(before.fact, Entity):
                both = Entity(fact.ref, {**fact.properties, **before.fact.properties})
                assertion = Assertion(both, before.valid_from, before.observed_at, before.locator, url=before.url)
                said[fact.key] = assertion
            else:
                said.setdefault(fact.key, assertion)
    return list(said.values())


def codeowners_facts(name: str, rules: Sequence[tuple[Rule, Origin]]) -> Iterator[Assertion]:
    """The rules of a CODEOWNERS file outside of git, as the git source states those inside."""
    for rule, origin in rules:
        this = ref("OwnershipRule", name, rule.section, rule.pattern, str(rule.occurrence))
        told = {"repository": name, "pattern": rule.pattern, "line": rule.line, "owners": rule.owners}
        facts: list[Fact] = [Entity(this, told)]
        for owner in rule.owners:
            account, stated = _code_owner(owner)
            facts += [*stated, Relation("OWNED_BY", this, account, {"rule": "CODEOWNERS"})]
        for fact in facts:
            yield Assertion(fact, origin.at, origin.at, origin.locator, url=origin.url)


def _facts(entry: Entry, context: Whole) -> Iterator[Fact]:
    match entry.kind:
        case "component":
            yield from _service(entry, context)
        case "group":
            yield from _group(entry)
        case "user":
            yield from _user(entry)
        case _:
            yield from _other(entry, context)


# -- services


def _service(entry: Entry, context: Whole) -> Iterator[Fact]:
    kept = names.service_name(entry.name)
    if not kept:
        return
    service = names.service(entry.name)
    repository = entry.repositories[0][0] if entry.repositories else ""
    told = {
        "title": entry.title,
        "description": entry.description,
        "tier": entry.tier,
        "lifecycle": entry.lifecycle,
        "type": entry.type,
        "system": entry.system.name if entry.system is not None else "",
        "repository": repository,
        "channel": entry.channel,
        "url": entry.url,
    }
    yield Entity(service, {"name": kept, **{k: v for k, v in told.items() if v}})
    for name in dict.fromkeys((kept, entry.name, entry.title, *entry.names)):
        if name:
            yield Alias(service, "name", name)
    for known_as in entry.ids:
        yield Alias(service, "id", known_as)
    yield from _words(service, entry)
    yield from _owner(service, entry, context)
    for name, rule in entry.repositories:
        yield Entity(names.repository(name), {"name": name})
        yield Alias(names.repository(name), "name", name)
        yield Relation("BUILT_FROM", service, names.repository(name), {"rule": rule})
    if entry.system is not None:
        yield from _named(entry.system, context)
        yield Relation("PART_OF", service, _ref(entry.system, context), {"rule": "catalog spec.system"})
    for told_environment in entry.environments:
        environment = names.environment(told_environment)
        yield Entity(environment, {"name": names.environment_name(told_environment)})
        yield Alias(environment, "name", names.environment_name(told_environment))
        yield Relation("RUNS_IN", service, environment, {})
    yield from _depends(service, entry, context)
    yield from _on_call(service, entry, context)


def _depends(service: EntityRef, entry: Entry, context: Whole) -> Iterator[Fact]:
    for one in entry.depends_on:
        yield from _named(one, context)
        yield Relation("DEPENDS_ON", service, _ref(one, context), {"rule": "catalog dependsOn"})
    for one in entry.dependency_of:
        yield from _named(one, context)
        yield Relation("DEPENDS_ON", _ref(one, context), service, {"rule": "catalog dependencyOf"})
    for api in entry.provides:
        yield from _named(api, context)
        yield Relation("PROVIDES", service, _ref(api, context), {"rule": "catalog providesApis"})
    for api in entry.consumes:
        yield from _named(api, context)
        rule = {"rule": f"catalog consumesApis {api.name}"}
        yield Relation("DEPENDS_ON", service, _ref(api, context), rule)
        for provider in context.providers.get(api, ()):
            if names.service(provider) != service:
                yield Relation("DEPENDS_ON", service, names.service(provider), rule)


def _on_call(service: EntityRef, entry: Entry, context: Whole) -> Iterator[Fact]:
    for told in entry.on_call:
        login = context.people.get(told.lower(), told)
        account = names.account(SYSTEM, login)
        mail = {"email": told.lower()} if "@" in told else {}
        yield Entity(account, {"system": SYSTEM, "login": login, **mail})
        yield Alias(account, "login", login)
        for address in mail.values():
            yield Alias(account, "email", address)
        yield Relation("ON_CALL_FOR", account, service, {})


# -- people


def _group(entry: Entry) -> Iterator[Fact]:
    team = names.team(SYSTEM, entry.name)
    told = {"title": entry.title, "email": entry.email, "channel": entry.channel, "url": entry.url}
    yield Entity(team, {"name": entry.name, **{k: v for k, v in told.items() if v}})
    for name in dict.fromkeys((entry.name, entry.title)):
        if name:
            yield Alias(team, "name", name)
    if entry.email:
        yield Alias(team, "email", entry.email)
    yield from _words(team, entry)
    for system, handle in entry.accounts:
        rule: dict[str, Value] = {"rule": "catalog annotation", "confidence": 1.0}
        yield Relation("SAME_AS", team, names.team(system, handle), rule)
    for member in entry.members:
        account = names.account(SYSTEM, member)
        yield Entity(account, {"system": SYSTEM, "login": member})
        yield Alias(account, "login", member)
        yield Relation("MEMBER_OF", account, team, {})
    if entry.part_of is not None:
        parent = names.team(SYSTEM, entry.part_of.name)
        yield Entity(parent, {"name": entry.part_of.name})
        yield Relation("PART_OF", team, parent, {"rule": "catalog spec.parent"})


def _user(entry: Entry) -> Iterator[Fact]:
    account = names.account(SYSTEM, entry.name)
    told = {"name": entry.title, "email": entry.email, "url": entry.url}
    properties = {"system": SYSTEM, "login": entry.name, "type": "user", **{k: v for k, v in told.items() if v}}
    yield Entity(account, properties)
    for scheme, name in (("login", entry.name), ("name", entry.title), ("email", entry.email)):
        if name:
            yield Alias(account, scheme, name)
    for system, login in entry.accounts:
        rule: dict[str, Value] = {"rule": "catalog annotation", "confidence": 1.0}
        yield Relation("SAME_AS", account, names.account(system, login), rule)
    for group in entry.member_of:
        team = names.team(SYSTEM, group.name)
        yield Entity(team, {"name": group.name})
        yield Relation("MEMBER_OF", account, team, {})


def _owner(thing: EntityRef, entry: Entry, context: Whole) -> Iterator[Fact]:
    owner = entry.owner
    if owner is None:
        return
    if owner.kind == "user":
        account = names.account(SYSTEM, owner.name)
        yield Entity(account, {"system": SYSTEM, "login": owner.name})
        yield Alias(account, "login", owner.name)
        yield Relation("OWNED_BY", thing, account, {"rule": entry.owner_rule})
        return
    name = context.owners.get(owner.name, owner.name)
    team = names.team(SYSTEM, name)
    yield Entity(team, {"name": name})
    yield Alias(team, "name", name)
    yield Relation("OWNED_BY", thing, team, {"rule": entry.owner_rule})


def _code_owner(owner: str) -> tuple[EntityRef, list[Fact]]:
    if not owner.startswith("@"):
        account = names.account("git", owner)
        told = {"system": "git", "email": owner.lower()}
        return account, [Entity(account, told), Alias(account, "email", owner.lower())]
    handle = owner.lstrip("@")
    if "/" in handle:
        team = names.team("github", handle)
        return team, [Entity(team, {"name": handle}), Alias(team, "name", handle)]
    account = names.account("github", handle)
    return account, [Entity(account, {"system": "github", "login": handle}), Alias(account, "login", handle)]


# -- systems, resources, interfaces


def _other(entry: Entry, context: Whole) -> Iterator[Fact]:
    me = Target(entry.kind, entry.namespace, entry.name)
    this = _ref(me, context)
    told = {"type": entry.type, "lifecycle": entry.lifecycle, "title": entry.title, "description": entry.description}
    known = ("type",) if entry.kind == "resource" else tuple(told)
    yield Entity(this, {"name": entry.name, **_kind_of(me), **{k: told[k] for k in known if told[k]}})
    for name in dict.fromkeys((entry.name, entry.title)):
        if name:
            yield Alias(this, "name", name)
    yield from _words(this, entry)
    yield from _owner(this, entry, context)
    for cloud_id in entry.cloud_ids:
        rule: dict[str, Value] = {"rule": "catalog annotation", "confidence": 1.0}
        yield Relation("SAME_AS", this, names.cloud_resource(cloud_id), rule)
    for parent in filter(None, (entry.system, entry.part_of)):
        yield from _named(parent, context)
        yield Relation("PART_OF", this, _ref(parent, context), {"rule": f"catalog spec.{parent.kind}"})
    yield from _depends(this, entry, context)


def _ref(one: Target, context: Whole) -> EntityRef:
    match one.kind:
        case "component":
            return names.service(one.name)
        case "group":
            return names.team(SYSTEM, one.name)
        case "user":
            return names.account(SYSTEM, one.name)
        case "resource":
            return ref("Resource", SYSTEM, context.scope, one.namespace, one.name)
        case "api":
            return ref("Api", context.scope, one.namespace, one.name)
        case _:
            return ref("System", context.scope, one.kind, one.namespace, one.name)


def _named(one: Target, context: Whole) -> Iterator[Fact]:
    """A thing that an entry refers to: it exists, even where its own entry is not in this catalog."""
    this = _ref(one, context)
    name = names.service_name(one.name) if one.kind == "component" else one.name
    yield Entity(this, {"name": name, **_kind_of(one)})
    yield Alias(this, "name", name)


def _kind_of(one: Target) -> Mapping[str, str]:
    return {"kind": one.kind} if one.kind in ("system", "domain") else {}


def _words(thing: EntityRef, entry: Entry) -> Iterator[Fact]:
    if entry.description:
        yield Passage(thing, "description", entry.description)
    for link in entry.links:
        yield Alias(thing, "url", link)
    for mention in mentions("\n".join((entry.description, *entry.links))):
        if mention.ref != thing:
            yield Relation("MENTIONS", thing, mention.ref, {"text": mention.text})
