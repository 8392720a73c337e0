"""Who owns what, by rule: what is stated, the service that runs on it, the CODEOWNERS line of its code, a tag; and what a team owns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from agent.cached import PerView
from agent.evidence import text_of
from agent.questions.owner import matches_path
from graph.model import EntityRef, Value
from graph.store import EntityView, GraphStore, Limits, Provenance, RelationView, View

_MOST = 200_000
_LIMITS = Limits(rows=_MOST, deadline_s=20.0)
_OWNER_TAGS = ("team", "owner", "owned-by", "owned_by", "owning-team", "squad")


class UnknownTeam(LookupError):
    """No team of this name is known. `known` are those that are, for a hint."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"no team called {name[:80]!r} is known")
        self.known = tuple(known)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whoever answers for a thing: `names` as told, the rule that said so and where."""

    names: tuple[str, ...]
    rule: str
    said: Provenance


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    pattern: str
    names: tuple[str, ...]
    said: Provenance


class Ownership:
    """Owners of services, repositories, instances and code, as of a view."""

    def __init__(self, store: GraphStore, view: View) -> None:
        self._store = store
        self._view = view
        self.cut = False
        """Whether there is more than was read."""
        self.teams = self._all("Team")
        self.services = self._all("Service")
        self.repositories = self._all("Repository")
        self.resources = self._all("Resource")
        self._lines = _code_owners(self._all("OwnershipRule"))
        self._by_path: dict[tuple[str, str], Owner | None] = {}
        self._owners = self._read()

    def _all(self, kind: str) -> tuple[EntityView, ...]:
        page = self._store.select(kind, {}, self._view, _LIMITS)
        self.cut = self.cut or page.cut
        return page.items

    def of(self, ref: EntityRef) -> Owner | None:
        """The owner of a service, repository or instance."""
        return self._owners.get(ref)

    def of_path(self, repository: str, path: str) -> Owner | None:
        """The owner of a file, by the last CODEOWNERS line that matches it."""
        key = (repository, path)
        if key not in self._by_path:
            line = next((one for one in self._lines.get(repository, ()) if matches_path(one.pattern, path)), None)
            found = line is not None and line.names
            self._by_path[key] = Owner(line.names, f"CODEOWNERS {line.pattern}", line.said) if line and found else None
        return self._by_path[key]

    def has_rules(self, repository: str) -> bool:
        """Whether any CODEOWNERS line is known of a repository."""
        return repository in self._lines

    def names_of(self, team: str) -> frozenset[str]:
        """All names of a team, lower case, without a leading @: `payments` and `acme/payments` are taken as one.

        Raises:
            UnknownTeam: there is none.
        """
        wanted = _plain(team)
        found: set[str] = set()
        for one in self.teams:
            own = {_plain(n) for s in one.statements for k in ("name", "title") if (n := text_of(s.properties, k))}
            if wanted in own or wanted in {n.rpartition("/")[2] for n in own}:
                found |= own
        if not found:
            known = sorted({text_of(t.properties, "name").rpartition("/")[2] for t in self.teams} - {""})
            raise UnknownTeam(team, known)
        return frozenset(found | {wanted})

    @cached_property
    def service_owner(self) -> Mapping[str, Owner]:
        """Owners of services by the service's name."""
        return {
            text_of(s.properties, "name"): owner
            for s in self.services
            if (owner := self._owners.get(s.ref)) is not None
        }

    def _read(self) -> dict[EntityRef, Owner]:
        things = [*self.services, *self.repositories, *self.resources]
        refs = [r for t in things for r in t.refs]
        edges = self._edges(refs, ("OWNED_BY", "RUNS_ON", "DECLARES", "BUILT_FROM", "PART_OF"))
        ends = {e.dst for e in edges if e.type == "OWNED_BY"}
        people = {r: _name(e) for e in self._store.entities(sorted(ends), self._view) for r in e.refs}
        joined = {r: t.ref for t in things for r in t.refs}
        owners: dict[EntityRef, Owner] = {}
        for edge in edges:
            if edge.type == "OWNED_BY" and edge.dst in people and edge.src in joined:
                _add(owners, joined[edge.src], people[edge.dst], edge)
        for edge in edges:
            service = joined.get(edge.src)
            if (
                edge.type in ("RUNS_ON", "BUILT_FROM")
                and service is not None
                and service in owners
                and edge.src.kind == "Service"
            ):
                end = joined.get(edge.dst)
                if end is not None and end not in owners:
                    owners[end] = Owner(owners[service].names, "service", edge.statements[0].provenance)
        self._by_code(owners, edges, joined)
        self._by_whole(owners, edges, joined)
        self._by_tag(owners)
        for one in self.repositories:
            owner = self.of_path(text_of(one.properties, "name"), "README.md")
            if one.ref not in owners and owner is not None:
                owners[one.ref] = owner
        return {r: owner for t in things if (owner := owners.get(t.ref)) is not None for r in t.refs}

    def _edges(self, refs: Sequence[EntityRef], types: Sequence[str]) -> Sequence[RelationView]:
        return self._store.neighbours(refs, self._view, _LIMITS, types=types).items if refs else ()

    def _by_code(
        self, owners: dict[EntityRef, Owner], edges: Iterable[RelationView], joined: Mapping[EntityRef, EntityRef]
    ) -> None:
        declared = [e for e in edges if e.type == "DECLARES" and joined.get(e.dst) not in owners]
        blocks = {b.ref: b for b in self._store.entities(sorted({e.src for e in declared}), self._view)}
        for edge in declared:
            block, end = blocks.get(edge.src), joined.get(edge.dst)
            if block is None or end is None or end in owners:
                continue
            owner = self.of_path(text_of(block.properties, "repository"), text_of(block.properties, "path"))
            if owner is not None:
                owners[end] = owner

    def _by_whole(
        self, owners: dict[EntityRef, Owner], edges: Iterable[RelationView], joined: Mapping[EntityRef, EntityRef]
    ) -> None:
        """A part of something owned; an object of a cluster that is called as a service is."""
        for edge in edges:
            part, whole = joined.get(edge.src), joined.get(edge.dst)
            if (
                edge.type == "PART_OF"
                and part is not None
                and part not in owners
                and whole is not None
                and whole in owners
            ):
                owners[part] = Owner(owners[whole].names, "part of", edge.statements[0].provenance)
        services = {text_of(s.properties, "name"): s.ref for s in self.services if s.ref in owners}
        for one in self.resources:
            service = services.get(text_of(one.properties, "name"))
            if (
                one.ref not in owners
                and service is not None
                and text_of(one.properties, "type").startswith("kubernetes")
            ):
                owners[one.ref] = Owner(owners[service].names, "name of the service", one.statements[0].provenance)

    def _by_tag(self, owners: dict[EntityRef, Owner]) -> None:
        for one in self.resources:
            if one.ref in owners:
                continue
            for statement in one.statements:
                tags = statement.properties.get("tags")
                name = _tagged(tags) if tags else ""
                if name:
                    owners[one.ref] = Owner((name,), "tag", statement.provenance)
                    break


ownership = PerView(Ownership)
"""Who owns what in a view; kept while nothing new is recorded."""


def owned(owner: Owner | None, names: frozenset[str]) -> bool:
    """Whether a team of these names (`Ownership.names_of`) owns it."""
    return owner is not None and any(_plain(n) in names for n in owner.names)


def _add(owners: dict[EntityRef, Owner], end: EntityRef, name: str, edge: RelationView) -> None:
    said = edge.statements[0].provenance
    known = owners.get(end)
    names = (*known.names, name) if known is not None and name not in known.names else (name,)
    owners[end] = Owner(names, text_of(edge.properties, "rule") or "stated", known.said if known is not None else said)


def _code_owners(rules: Iterable[EntityView]) -> dict[str, tuple[_Line, ...]]:
    """The lines of each repository's file, the last first: it wins."""
    found: dict[str, list[_Line]] = {}
    for rule in rules:
        told = rule.properties.get("owners")
        names = tuple(str(n) for n in told) if isinstance(told, list | tuple) else ()
        number = rule.properties.get("line")
        line = int(number) if isinstance(number, int) or (isinstance(number, str) and number.isdigit()) else 0
        said = rule.statements[0].provenance
        found.setdefault(text_of(rule.properties, "repository"), []).append(
            _Line(line, text_of(rule.properties, "pattern"), names, said)
        )
    return {name: tuple(sorted(some, key=lambda x: (-x.number, x.pattern))) for name, some in found.items()}


def _tagged(tags: Value) -> str:
    if not isinstance(tags, Mapping):
        return ""
    plain = {str(k).casefold(): v for k, v in tags.items()}
    return next((v for k in _OWNER_TAGS if isinstance(v := plain.get(k), str) and v.strip()), "")


def _name(entity: EntityView) -> str:
    said = entity.properties
    return text_of(said, "name") or text_of(said, "login") or text_of(said, "email") or entity.ref.id


def _plain(name: str) -> str:
    return name.strip().lstrip("@").casefold()
