"""When a change of code reached each environment: by the deployment or apply that carried it, else by the state that shows it.

A deployment of a commit carries everything before it on its mainline; of a branch, that branch's commits. What a change touched tells
which deployments can carry it: infrastructure code is applied, a service's directory is deployed with that service, and what lies
in one environment's directory reaches no other.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent.cached import PerView
from agent.evidence import text_of
from agent.model import Reached
from agent.shipments import Places, Shipment, Shipments, moment, places_of, shipments
from graph.clock import DAY, Instant, rfc3339
from graph.model import EntityRef
from graph.store import ChangeQuery, ChangeView, GraphStore, Limits, Provenance, View
from graph.text import name_tokens

_INFRASTRUCTURE = (".tf", ".tf.json", ".tfvars", ".hcl")
_APPLIED_WITHIN = 14 * DAY
_ROWS = 5_000
_CARRIED_ROWS = 2_000
_MERGED_ROWS = 6_000
_RECENT_ROWS = 40_000
_FIRST_CARRIES = 90 * DAY
"""How far back the first known deployment of a service is taken to reach."""
_CLOCKS = DAY
"""How far the clock of whoever wrote a commit may be off from that of what deployed it."""

ENVIRONMENT_WORDS: Mapping[str, str] = {
    alias: name
    for name, aliases in {
        "prod": ("prod", "production", "prd", "live"),
        "staging": ("staging", "stage", "stg"),
        "dev": ("dev", "development"),
        "test": ("test", "testing", "qa"),
    }.items()
    for alias in aliases
}
"""Words of paths and questions that name an environment, with the name that sources keep (`ingest.names.ENVIRONMENTS`)."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A change's arrival in an environment, and what carried it."""

    reached: Reached
    by: EntityRef
    at: Instant
    said: Provenance
    shipment: Shipment | None = None


def environment_of(word: str, known: Iterable[str] = ()) -> str:
    """The environment that a word names: one of those known, or another name of one; empty when it names none."""
    plain = word.strip().casefold()
    if plain in known:
        return plain
    return ENVIRONMENT_WORDS.get(plain, "")


def environments_in(path: str, known: Iterable[str]) -> frozenset[str]:
    """The environments that parts of a path name."""
    parts = [p for part in path.casefold().split("/") for p in (part, part.partition(".")[0])]
    return frozenset(e for p in parts if (e := environment_of(p, known)))


def services_in(path: str, known: frozenset[str]) -> frozenset[str]:
    """The service whose directory a path lies in: the outermost part of it that is a service's name; else the file's own name."""
    *directories, name = path.casefold().split("/")
    for part in (*directories, name, name.partition(".")[0]):
        if part in known:
            return frozenset({part})
    return frozenset()


_NONE: frozenset[str] = frozenset()
_Place = tuple[frozenset[str], frozenset[str], bool]
"""Services and environments that a path names, and whether it is infrastructure code."""


@dataclass(frozen=True, slots=True)
class _Merged:
    """Changes of a repository in order of their place on its mainline.

    Attributes:
        positions: where each stands.
        views: the changes.
        place_of: for each, the index in `places` of where its path lies.
        places: those places, once each: deployments are compared with them instead of with every change.
    """

    positions: Sequence[int]
    views: Sequence[ChangeView]
    place_of: Sequence[int]
    places: Sequence[_Place]


class _Arriving:
    """The environments that deployments of a repository arrive in: by whether they are applies and by service, and by commit."""

    def __init__(self, some: Iterable[Shipment]) -> None:
        self.by_sort: dict[bool, dict[str, set[str]]] = {True: {}, False: {}}
        self.of_commit: dict[str, set[str]] = {}
        for one in some:
            name = one.environment or one.workspace
            if name and one.took_effect:
                self.by_sort[one.is_apply].setdefault(one.service, set()).add(name)
                self.of_commit.setdefault(one.commit, set()).add(name)


def _nothing_yet(_: GraphStore, __: View) -> dict[str, _Merged]:
    return {}


_known_merges = PerView(_nothing_yet)


class Reach:
    """Answers for one view; what it reads of deployments is shared between changes."""

    def __init__(
        self, store: GraphStore, view: View, only: frozenset[str] = frozenset(), since: Instant | None = None
    ) -> None:
        """`only`: environments that count; none given means all. `since`: deployments before this are not looked through."""
        self._store = store
        self._view = view
        self._only = only
        self._since = since
        self._all: Shipments = shipments(store, view)
        self._places = places_of(store, view)
        self._paths: dict[str, _Place] = {}
        self._kinds: dict[str, tuple[bool, bool]] = {}
        # What was read without a bound serves the next reader of the same view, too.
        shared = view.known_at is not None and since is None
        self._merged: dict[str, _Merged] = _known_merges(store, view) if shared else {}
        self._carried: dict[EntityRef, list[ChangeView]] = {}
        self._expected: dict[tuple[str, _Place], frozenset[str]] = {}
        self._arriving: dict[str, _Arriving] = {}
        self._by_repository: Mapping[str, tuple[Shipment, ...]] = {
            name: some if since is None else tuple(s for s in some if s.at >= since)
            for name, some in self._all.by_repository.items()
        }
        self._environments_of = {
            name: len({s.environment or s.workspace or "unknown" for s in some if s.took_effect})
            for name, some in self._by_repository.items()
        }

    @property
    def shipments(self) -> Shipments:
        """All deployments and applies of the view."""
        return self._all

    @property
    def places(self) -> Places:
        """Where commits stand on their mainlines."""
        return self._places

    def of(
        self, changes: Sequence[ChangeView], only: frozenset[str] | None = None
    ) -> dict[tuple[EntityRef, EntityRef], tuple[Carried, ...]]:
        """For changes made by commits: by (change, target), the first arrival in each environment, oldest first.

        `only`: environments that count this time, instead of those it was made with.
        """
        only = self._only if only is None else only
        code = [c for c in changes if c.change.kind == "Commit"]
        if not code:
            return {}
        found: dict[tuple[EntityRef, EntityRef], tuple[Carried, ...]] = {}
        relevant = self._by_repository
        self._places.read(
            [
                *(c.change.id for c in code),
                *(s.commit for c in code for s in relevant.get(c.provenance.scope, ()) if s.commit),
            ]
        )
        states = self._by_state(code)
        for change in code:
            carried = self._by_shipment(change)
            for other in states.get((change.change, change.target), ()):
                carried.setdefault(other.reached.environment, other)
            if only:
                carried = {name: one for name, one in carried.items() if name in only}
            if carried:
                found[change.change, change.target] = tuple(sorted(carried.values(), key=lambda c: (c.at, c.by)))
        return found

    def carried(self, one: Shipment) -> list[ChangeView]:
        """The changes of code that came into effect with a deployment: those merged since what ran before it, newest first.

        Of the first deployment that is known, the newer commits to its own directory.
        """
        if one.ref not in self._carried:
            self._carried[one.ref] = self._carried_by(one)
        return self._carried[one.ref]

    def _carried_by(self, one: Shipment) -> list[ChangeView]:
        new = self._places.of(one.commit) if one.commit else None
        if new is None:
            return []
        before = self._all.before(one)
        old = self._places.of(before.commit) if before is not None and before.commit else None
        merged = self._merged_by(one)
        first = bisect_right(merged.positions, old.position if old is not None else -1)
        last = bisect_right(merged.positions, new.position)
        own = EntityRef(f"Commit:{one.commit}")
        fits = [self._fits(one, place) for place in merged.places]
        some = zip(merged.views[first:last], merged.place_of[first:last], strict=True)
        found = [c for c, i in some if c.at <= one.at and (fits[i] is True or (fits[i] is None and c.change == own))]
        found.sort(key=lambda c: (-c.at, c.change, c.target))
        if old is not None or not found:
            return found
        own = [c for c in found if one.service in services_in(text_of(c.properties, "path"), self._all.services)]
        recent = [
            c
            for c in own
            if c.at >= one.at - _FIRST_CARRIES and (p := self._places.of(c.change.id)) is not None and p.position > 0
        ]
        return recent or [c for c in own or found if c.change == (own or found)[0].change]

    def _merged_by(self, one: Shipment) -> _Merged:
        """The newest changes of a deployment's repository, by their place on its mainline."""
        if one.repository not in self._merged:
            since = None if self._since is None else self._since - _FIRST_CARRIES
            query = ChangeQuery(target_kinds=frozenset({"Block", "File"}), since=since)
            page = self._store.changes(query, self._view, Limits(rows=_MERGED_ROWS if since is None else _RECENT_ROWS))
            views = [c for c in page.items if c.provenance.scope == one.repository and c.change.kind == "Commit"]
            if not page.cut or (views and views[-1].at < one.at - _FIRST_CARRIES):
                self._merged[one.repository] = self._placed(views)
                return self._merged[one.repository]
            # A long history: what was merged shortly before this one only.
            query = ChangeQuery(target_kinds=frozenset({"Block", "File"}), until=one.at + 1)
            page = self._store.changes(query, self._view, Limits(rows=_CARRIED_ROWS))
            return self._placed(
                [c for c in page.items if c.provenance.scope == one.repository and c.change.kind == "Commit"]
            )
        return self._merged[one.repository]

    def _placed(self, views: Sequence[ChangeView]) -> _Merged:
        self._places.read([c.change.id for c in views])
        placed = [(p.position, c) for c in views if (p := self._places.of(c.change.id)) is not None]
        placed.sort(key=lambda one: one[0])
        numbers: dict[_Place, int] = {}
        place_of = [numbers.setdefault(self._place(text_of(c.properties, "path")), len(numbers)) for _, c in placed]
        return _Merged([position for position, _ in placed], [c for _, c in placed], place_of, list(numbers))

    def expected(self, change: ChangeView) -> frozenset[str]:
        """Environments in which changes like this are seen to arrive, by deployments of what it touched."""
        repository = change.provenance.scope
        place = self._place(text_of(change.properties, "path"))
        key = (repository, place)
        if key not in self._expected:
            self._expected[key] = self._expected_at(repository, place, change.change)
        return self._expected[key]

    def _expected_at(self, repository: str, place: _Place, change: EntityRef) -> frozenset[str]:
        if repository not in self._arriving:
            self._arriving[repository] = _Arriving(self._by_repository.get(repository, ()))
        arriving = self._arriving[repository]
        services, inside, infrastructure = place
        applies, deploys = self._sorts(repository)
        names = set(arriving.of_commit.get(change.id, _NONE))
        by_service = arriving.by_sort[applies if infrastructure else not deploys]
        for service in by_service if infrastructure or not services else services:
            names |= by_service.get(service, _NONE)
        return frozenset(names & inside if inside else names)

    # -- by a deployment or apply

    def _by_shipment(self, change: ChangeView) -> dict[str, Carried]:
        carried: dict[str, Carried] = {}
        placed = self._places.of(change.change.id)
        written = moment(placed.authored_at) if placed is not None else None
        every = self._environments_of.get(change.provenance.scope, 0)
        for one in self._candidates(change, written):
            name = one.environment or one.workspace or "unknown"
            if name in carried or not one.took_effect or not self.can_carry(one, change):
                continue
            if not self.carries(one, change.change.id):
                continue
            reached = Reached(
                environment=name,
                earliest=rfc3339(one.started_at),
                latest=rfc3339(one.at),
                basis="applied" if one.is_apply else "deployed",
            )
            carried[name] = Carried(reached, one.ref, one.at, one.said, one)
            if len(carried) == every:
                break
        return carried

    def _candidates(self, change: ChangeView, written: Instant | None) -> Sequence[Shipment]:
        """Shipments of its repository, oldest first, from when it was written on: before that nothing can hold it."""
        some = self._by_repository.get(change.provenance.scope, ())
        if written is None:
            return some
        return some[bisect_left(some, written - _CLOCKS, key=lambda s: s.at) :]

    def can_carry(self, one: Shipment, change: ChangeView) -> bool:
        """Whether a deployment of this service or environment can hold what the change touched."""
        if one.repository != change.provenance.scope:
            return False
        fits = self._fits(one, self._place(text_of(change.properties, "path")))
        return one.commit == change.change.id if fits is None else fits

    def _fits(self, one: Shipment, place: _Place) -> bool | None:
        """Whether a deployment can hold a change of its repository at this place; None: only of the very commit that was deployed."""
        services, inside, infrastructure = place
        if inside and (one.environment or one.workspace) not in inside:
            return False
        # What was deployed with this very commit holds it, whatever its directory is called.
        applies, deploys = self._sorts(one.repository)
        if one.is_apply != (applies if infrastructure else not deploys):
            return None
        return True if infrastructure or not services or one.service in services else None

    def _place(self, path: str) -> _Place:
        """Services and environments that a path names, and whether it is infrastructure code."""
        if path not in self._paths:
            self._paths[path] = (
                services_in(path, self._all.services),
                environments_in(path, self._all.environments),
                path.endswith(_INFRASTRUCTURE),
            )
        return self._paths[path]

    def _sorts(self, repository: str) -> tuple[bool, bool]:
        """Whether there are applies, and deployments of services, of a repository."""
        if repository not in self._kinds:
            some = self._all.by_repository.get(repository, ())
            self._kinds[repository] = (any(s.is_apply for s in some), any(not s.is_apply for s in some))
        return self._kinds[repository]

    def carries(self, one: Shipment, sha: str) -> bool:
        """Whether what was deployed holds a commit."""
        if not one.commit:
            return False
        if one.commit == sha:
            return True
        deployed, asked = self._places.of(one.commit), self._places.of(sha)
        if deployed is None or asked is None or deployed.repository != asked.repository:
            return False
        if deployed.on_mainline:
            return asked.position <= deployed.position
        if asked.mainline == deployed.mainline:
            # The branch's own commits up to the one deployed; its merge says the same as the branch did.
            return asked.on_mainline or asked.authored_at <= deployed.authored_at
        # Of the mainline a branch holds at most what was merged before it was deployed.
        return asked.position < deployed.position and (not asked.merged_at or asked.merged_at <= rfc3339(one.at))

    # -- by a state that shows it

    def _by_state(self, code: Sequence[ChangeView]) -> dict[tuple[EntityRef, EntityRef], list[Carried]]:
        """The first state version after a commit that changed an instance of its block, before the block changed again."""
        blocks = sorted({c.target for c in code if c.target.kind == "Block"})
        if not blocks:
            return {}
        edges = self._store.neighbours(
            blocks, self._view, Limits(rows=_ROWS), types=("DECLARES",), direction="out"
        ).items
        instances: dict[EntityRef, list[EntityRef]] = {}
        for edge in edges:
            instances.setdefault(edge.src, []).append(edge.dst)
        if not instances:
            return {}
        everything = sorted({i for some in instances.values() for i in some})
        of_instance: dict[EntityRef, list[ChangeView]] = {}
        oldest = min(c.at for c in code)
        query = ChangeQuery(targets=everything, since=oldest)
        for seen in self._store.changes(query, self._view, Limits(rows=_ROWS)).items:
            if seen.change.kind == "StateVersion":
                of_instance.setdefault(seen.target, []).append(seen)
        versions = {c.change for some in of_instance.values() for c in some}
        environments = self._environments(versions)
        found: dict[tuple[EntityRef, EntityRef], list[Carried]] = {}
        times: dict[EntityRef, list[Instant]] = {}
        for change in code:
            times.setdefault(change.target, []).append(change.at)
        for change in code:
            later = [at for at in times[change.target] if at > change.at]
            until = min(later, default=change.at + _APPLIED_WITHIN)
            for instance in instances.get(change.target, ()):
                after = [s for s in of_instance.get(instance, ()) if change.at <= s.at < max(until, change.at + 1)]
                if not after:
                    continue
                first = min(after, key=lambda s: (s.at, s.change))
                at = rfc3339(first.at)
                name = environments.get(first.change, "unknown")
                reached = Reached(environment=name, earliest=at, latest=at, basis="applied")
                found.setdefault((change.change, change.target), []).append(
                    Carried(reached, first.change, first.at, first.provenance)
                )
        for some in found.values():
            some.sort(key=lambda c: (c.at, c.by))
        return found

    def _environments(self, versions: set[EntityRef]) -> dict[EntityRef, str]:
        found = {ref: name or "unknown" for ref, name in runs_in(self._store, self._view, versions).items()}
        missing = sorted(versions - found.keys())
        for version in self._store.entities(missing, self._view) if missing else ():
            found[version.ref] = text_of(version.properties, "workspace") or "unknown"
        return found


def runs_in(store: GraphStore, view: View, refs: Collection[EntityRef]) -> dict[EntityRef, str]:
    """The environment that each of these is stated to run in, empty where it has no name; those of which none is stated are left out."""
    if not refs:
        return {}
    edges = store.neighbours(sorted(refs), view, Limits(rows=_ROWS), types=("RUNS_IN",), direction="out").items
    names = {e.ref: text_of(e.properties, "name") for e in store.entities(sorted({e.dst for e in edges}), view)}
    return {e.src: names.get(e.dst, "") for e in edges}


def mentioned_environment(text: str, known: Iterable[str]) -> str:
    """The environment that words of a question name; empty when none do."""
    known = frozenset(known)
    return next((e for word in name_tokens(text) if (e := environment_of(word, known))), "")
