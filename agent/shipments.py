"""What was deployed or applied, when, where: an index over all deployments of a view, read once per record."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from agent.cached import PerView
from agent.evidence import text_of
from graph.clock import SECOND, Instant, instant, rfc3339
from graph.model import EntityRef, ref
from graph.store import EntityView, GraphStore, Limits, Provenance, View

_MOST = 200_000
_SAME_WITHIN: Instant = 30 * 60 * SECOND
FAILED = frozenset(
    {"failed", "failure", "error", "cancelled", "canceled", "in_progress", "pending", "queued", "inactive"}
)
"""Outcomes of deployments that put nothing into effect (or not yet)."""


@dataclass(frozen=True, slots=True)
class Shipment:
    """One deployment or apply. `at` is when it took effect: when it was finished, else when it began."""

    ref: EntityRef
    at: Instant
    started_at: Instant
    service: str
    environment: str
    version: str
    previous_version: str
    commit: str
    repository: str
    action: str
    outcome: str
    tool: str
    workspace: str
    title: str
    deployment_id: str
    said: Provenance
    also: tuple[EntityRef, ...] = ()
    """The same deployment as other sources tell it."""

    @property
    def refs(self) -> tuple[EntityRef, ...]:
        """Every ref it has."""
        return (self.ref, *self.also)

    @property
    def took_effect(self) -> bool:
        """Whether it put anything into effect."""
        return self.outcome not in FAILED

    @property
    def is_apply(self) -> bool:
        """Whether infrastructure code was applied, and not a service deployed."""
        return self.action == "apply" or not self.service


@dataclass(frozen=True, slots=True)
class Placed:
    """A deployed commit on its mainline: `sha` of the commit that brought it there, its index, and whether it is that commit itself."""

    sha: str
    mainline: str
    position: int
    authored_at: str
    repository: str = ""
    merged_at: str = ""

    @property
    def on_mainline(self) -> bool:
        """Whether the mainline holds this very commit."""
        return self.sha == self.mainline


class Shipments:
    """All shipments of a view, oldest first."""

    def __init__(self, found: Sequence[Shipment]) -> None:
        self.all = tuple(sorted(found, key=lambda s: (s.at, s.ref)))
        self._times = [s.at for s in self.all]

    def between(self, since: Instant | None, until: Instant | None) -> tuple[Shipment, ...]:
        """Those that took effect at `since <= at < until`."""
        first = 0 if since is None else bisect_left(self._times, since)
        last = len(self.all) if until is None else bisect_left(self._times, until)
        return self.all[first:last]

    def up_to(self, at: Instant) -> tuple[Shipment, ...]:
        """Those that took effect at this moment or before."""
        return self.all[: bisect_right(self._times, at)]

    @cached_property
    def by_repository(self) -> Mapping[str, tuple[Shipment, ...]]:
        """Those that name a repository, oldest first."""
        found: dict[str, list[Shipment]] = {}
        for one in self.all:
            if one.repository:
                found.setdefault(one.repository, []).append(one)
        return {name: tuple(some) for name, some in found.items()}

    @cached_property
    def applies(self) -> tuple[Shipment, ...]:
        """Applies that took effect, oldest first."""
        return tuple(s for s in self.all if s.is_apply and s.took_effect)

    @cached_property
    def services(self) -> frozenset[str]:
        """Names of all services that were ever deployed."""
        return frozenset(s.service for s in self.all) - {""}

    @cached_property
    def environments(self) -> frozenset[str]:
        """Names of all environments that anything was deployed to."""
        return frozenset(s.environment for s in self.all) - {""}

    def before(self, one: Shipment) -> Shipment | None:
        """The last one before it that took effect on the same service and environment (or workspace, of applies)."""
        place = _place(one)
        earlier = self.all[: bisect_left(self._times, one.at)]
        return next((s for s in reversed(earlier) if s.took_effect and _place(s) == place), None)

    def running(self, service: str, environment: str, at: Instant) -> Shipment | None:
        """What ran of a service in an environment at a moment: the last that took effect by then."""
        for one in reversed(self.up_to(at)):
            if one.service != service or one.environment != environment or not one.took_effect or one.is_apply:
                continue
            if one.action == "remove":
                return None
            if one.action not in ("publish", "scale", "restart"):
                return one
        return None


def _place(one: Shipment) -> tuple[str, ...]:
    if one.is_apply:
        return ("apply", one.environment, one.workspace, one.repository)
    return (one.service, one.environment)


def _read(store: GraphStore, view: View) -> Shipments:
    page = store.select("Deployment", {}, view, Limits(rows=_MOST, deadline_s=20.0))
    return Shipments(_told_once([_shipment(entity) for entity in page.items]))


def _told_once(found: Sequence[Shipment]) -> list[Shipment]:
    """Deployments that several sources tell (a pipeline, the cluster that rolled it out) as one: the telling that knows the commit."""
    kept: list[Shipment] = []
    latest: dict[tuple[str, str], list[int]] = {}
    for one in sorted(found, key=lambda s: (s.at, s.ref)):
        place = (one.service, one.environment)
        twin = next(
            (
                i
                for i in reversed(latest.get(place, ())[-4:])
                if one.service
                and kept[i].said.source != one.said.source
                and one.at - kept[i].at <= _SAME_WITHIN
                and _same_version(kept[i], one)
                and kept[i].took_effect == one.took_effect
            ),
            None,
        )
        if twin is None:
            latest.setdefault(place, []).append(len(kept))
            kept.append(one)
        else:
            first, other = (one, kept[twin]) if _knows_more(one, kept[twin]) else (kept[twin], one)
            kept[twin] = replace(first, also=(*first.also, *other.refs))
    return kept


def _knows_more(one: Shipment, other: Shipment) -> bool:
    return (bool(one.commit), one.tool != "kubernetes") > (bool(other.commit), other.tool != "kubernetes")


def _same_version(one: Shipment, other: Shipment) -> bool:
    """Whether two tell the same version: equal but for a leading `v`, or one of them the other's commit."""
    a, b = one.version.removeprefix("v"), other.version.removeprefix("v")
    if a == b:
        return True
    pairs = ((a, b), (b, a), (a, other.commit), (b, one.commit))
    return any(len(short) >= 7 and full.startswith(short) for short, full in pairs)


shipments = PerView(_read)
"""All deployments that are visible in a view; kept while nothing new is recorded."""


def _shipment(entity: EntityView) -> Shipment:
    said = entity.properties
    newest = max(entity.statements, key=lambda s: (s.valid_from, s.provenance.observed_at))
    started = moment(text_of(said, "started_at"))
    finished = moment(text_of(said, "finished_at"))
    at = finished if finished is not None else newest.valid_from
    return Shipment(
        ref=entity.ref,
        at=at,
        started_at=started if started is not None else at,
        service=text_of(said, "service"),
        environment=text_of(said, "environment"),
        version=text_of(said, "version"),
        previous_version=text_of(said, "previous_version"),
        commit=text_of(said, "commit"),
        repository=text_of(said, "repository"),
        action=text_of(said, "action") or "deploy",
        outcome=text_of(said, "outcome") or "succeeded",
        tool=text_of(said, "tool"),
        workspace=text_of(said, "workspace"),
        title=text_of(said, "title"),
        deployment_id=text_of(said, "deployment_id"),
        said=newest.provenance,
    )


def moment(text: str) -> Instant | None:
    """A time in a property; None when it is none."""
    try:
        return instant(text) if text else None
    except ValueError:
        return None


@dataclass(slots=True)
class Places:
    """Where commits stand on their mainlines, read from the graph as they are asked for."""

    store: GraphStore
    view: View
    _known: dict[str, Placed | None] = field(default_factory=dict[str, "Placed | None"])

    def read(self, shas: Iterable[str]) -> None:
        """Read these at once."""
        missing = [sha for sha in dict.fromkeys(shas) if sha and sha not in self._known]
        if not missing:
            return
        found = {e.ref: e for e in self.store.entities([ref("Commit", sha) for sha in missing], self.view)}
        squashed = [
            sha for sha in missing if ref("Commit", sha) not in found or not _has_place(found[ref("Commit", sha)])
        ]
        into = self._merged_as(squashed) if squashed else {}
        for sha in missing:
            entity = found.get(ref("Commit", sha))
            if entity is not None and _has_place(entity):
                self._known[sha] = _placed(sha, entity)
            else:
                self._known[sha] = into.get(sha)

    def of(self, sha: str) -> Placed | None:
        """Where a commit stands; None when the graph does not know."""
        if sha and sha not in self._known:
            self.read([sha])
        return self._known.get(sha)

    def _merged_as(self, shas: Sequence[str]) -> dict[str, Placed]:
        """Commits of a branch that was squashed: they stand where their pull request was merged, without being on the mainline."""
        refs = [ref("Commit", sha) for sha in shas]
        part_of = self.store.neighbours(refs, self.view, Limits(rows=5_000), types=("PART_OF",), direction="out").items
        requests = {e.src: e.dst for e in part_of if e.dst.kind == "PullRequest"}
        if not requests:
            return {}
        merged = self.store.neighbours(
            sorted(set(requests.values())), self.view, Limits(rows=5_000), types=("MERGED_AS",), direction="out"
        ).items
        landed = {e.src: e.dst for e in merged}
        entities = {e.ref: e for e in self.store.entities(sorted(set(landed.values())), self.view)}
        found: dict[str, Placed] = {}
        for commit, request in requests.items():
            target = landed.get(request)
            if target is not None and target in entities and _has_place(entities[target]):
                place = _placed(target.id, entities[target])
                found[commit.id] = replace(place, sha=commit.id)
        return found


def _nothing_yet(_: GraphStore, __: View) -> dict[str, Placed | None]:
    return {}


_known_places = PerView(_nothing_yet)


def places_of(store: GraphStore, view: View) -> Places:
    """Where commits stand, with what was read of the same view before: a third of an answer's time went into reading it again."""
    if view.known_at is None:  # what is recorded meanwhile would come in between
        return Places(store, view)
    return Places(store, view, _known_places(store, view))


def _has_place(entity: EntityView) -> bool:
    return isinstance(entity.properties.get("position"), int)


def _placed(sha: str, entity: EntityView) -> Placed:
    position = entity.properties.get("position")
    return Placed(
        sha,
        text_of(entity.properties, "mainline") or sha,
        position if isinstance(position, int) else -1,
        text_of(entity.properties, "authored_at"),
        text_of(entity.properties, "repository"),
        text_of(entity.properties, "merged_at") or rfc3339(min(s.valid_from for s in entity.statements)),
    )
