"""Changes that mattered: what took effect or was merged in a window, together by pull request, ranked by what it touched and what came after it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agent.assemble import attributes
from agent.chain import performers, person_name, requests_of
from agent.digest.incidents import Told
from agent.digest.material import Material
from agent.effects import Effect, effects
from agent.evidence import text_of
from agent.lineage import COSMETIC, commits_of
from agent.model import AttributeChange
from agent.shipments import Shipment
from agent.stateful import holds_data
from graph.clock import SECOND, Instant
from graph.lexicon import Thing, former, thing
from graph.model import EntityRef
from graph.store import ChangeQuery, ChangeView, EntityView, Limits

_ROWS = Limits(rows=60_000, deadline_s=20.0)
_GONE_READ = 30
_SOON: Instant = 3_600 * SECOND
_OPEN = ("0.0.0.0/0", "::/0")


@dataclass(slots=True)
class Group:
    """What belongs together: a pull request with all that brought it anywhere, a deployment by itself, or calls made by hand.

    Attributes:
        key: ref of the pull request, commit, deployment or event.
        request: the pull request.
        shipments: what brought it, oldest first.
        views: what it changed.
        hand: the event, when it was made by hand.
        title: of the commit, where no pull request has one.
        rank: the greater, the more it matters; `why` says what counted.
    """

    key: EntityRef
    at: Instant
    request: EntityView | None = None
    shipments: list[Shipment] = field(default_factory=list[Shipment])
    views: list[ChangeView] = field(default_factory=list[ChangeView])
    hand: Effect | None = None
    by: str = ""
    title: str = ""
    things: list[Thing] = field(default_factory=list[Thing])
    dependents: int = 0
    services: tuple[str, ...] = ()
    endangers: str = ""
    opens: str = ""
    caused: tuple[Told, ...] = ()
    followed: tuple[Told, ...] = ()
    rank: float = 0.0

    @property
    def attributes(self) -> tuple[AttributeChange, ...]:
        """Attribute changes of what it touched, what means something first."""
        meant = [v for v in self.views if text_of(v.properties, "effect") not in COSMETIC]
        # The same setting in two environments is one change to a reader.
        unique = {(a.path, repr(a.before), repr(a.after)): a for v in meant for a in attributes(v.properties)}
        # What is told from what to what tells more than what somebody set to a value.
        return tuple(sorted(unique.values(), key=lambda a: "unknown" in (a.before.state, a.after.state)))

    @property
    def rolled_back(self) -> bool:
        """Whether a rollback is among what brought it."""
        return any(s.action == "rollback" for s in self.shipments)


def groups(material: Material) -> list[Group]:
    """All of the window that are the team's, most important first."""
    found = _collect(material)
    _describe(material, found)
    ours = [g for g in found if _is_ours(material, g) and not _is_small(g)]
    for one in ours:
        one.rank = _rank(material, one)
    return sorted(ours, key=lambda g: (-g.rank, -g.at, g.key))


# -- what there is


def _collect(material: Material) -> list[Group]:
    store, view = material.store, material.view
    took = effects(material.context, material.since, material.until)
    shipped = [e.shipment for e in took if e.shipment is not None]
    query = ChangeQuery(since=material.since, until=material.until, target_kinds=frozenset({"Block", "File"}))
    merged = [c for c in store.changes(query, view, _ROWS).items if c.change.kind == "Commit"]
    carried = {s.ref: material.context.reach.carried(s) for s in shipped}
    commits = {c.change for c in merged} | {c.change for some in carried.values() for c in some}
    commits |= {EntityRef(f"Commit:{s.commit}") for s in shipped if s.commit}
    requests = requests_of(store, view, commits, rows=_ROWS.rows)
    entities = {e.ref: e for e in store.entities(sorted({r for some in requests.values() for r in some}), view)}
    found: dict[EntityRef, Group] = {}

    def group_of(commit: EntityRef, at: Instant) -> Group:
        request = next((r for r in requests.get(commit, ()) if r in entities), None)
        key = request or commit
        return found.setdefault(key, Group(key, at, entities.get(key)))

    for one in sorted(shipped, key=lambda s: (s.at, s.ref)):
        changed = carried[one.ref]
        if not changed and one.commit and requests.get(EntityRef(f"Commit:{one.commit}")):
            _ship(group_of(EntityRef(f"Commit:{one.commit}"), one.at), one)
        elif not changed:
            # The same version, wherever it went, is one deployment to a reader.
            twin = next(
                (g for g in found.values() if g.request is None and g.shipments and _alike(g.shipments[0], one)), None
            )
            _ship(twin or found.setdefault(one.ref, Group(one.ref, one.at)), one)
        for change in changed:
            group = group_of(change.change, one.at)
            _ship(group, one)
            group.views.append(change)
    for change in merged:
        group_of(change.change, change.at).views.append(change)
    for effect in took:
        if effect.door is not None and effect.views:
            found[effect.ref] = Group(effect.ref, effect.at, views=list(effect.views), hand=effect)
    together = _one_version(found.values())
    for group in together:
        unique = {(v.change, v.target): v for v in group.views}
        group.views = [unique[k] for k in sorted(unique)]
    return together


def _one_version(found: Iterable[Group]) -> list[Group]:
    """Commits that do nothing but put a version of a service into one environment after another, as one."""
    kept: list[Group] = []
    of_version: dict[tuple[str, str, str], Group] = {}
    for group in sorted(found, key=lambda g: (g.at, g.key)):
        first = group.shipments[0] if group.shipments else None
        if group.request is not None or group.hand is not None or first is None or not first.service:
            kept.append(group)
            continue
        twin = of_version.setdefault((first.service, first.version, first.action), group)
        if twin is group:
            kept.append(group)
            continue
        twin.views += group.views
        for one in group.shipments:
            _ship(twin, one)
    return kept


def _ship(group: Group, one: Shipment) -> None:
    if one not in group.shipments:
        group.shipments.append(one)
    group.at = max(group.at, one.at)


def _alike(a: Shipment, b: Shipment) -> bool:
    return bool(a.service) and (a.service, a.version, a.action) == (b.service, b.version, b.action)


# -- what is known of it


def _describe(material: Material, found: Sequence[Group]) -> None:
    store, view = material.store, material.view
    targets = sorted({v.target for g in found for v in g.views if v.target.kind in ("Block", "Resource")})
    known: dict[EntityRef, Thing] = {r: thing(e) for e in store.entities(targets, view) for r in e.refs}
    for gone in [t for t in targets if t not in known][:_GONE_READ]:
        if (last := former(store, gone, view)) is not None:
            known[gone] = last
    reached, services = _dependents(material, targets)
    people = _people(material, found)
    commits = [g.key for g in found if g.key.kind == "Commit"]
    titles = {r: text_of(e.properties, "title") for e in store.entities(commits, view) for r in e.refs}
    causes = _causes(material)
    for one in found:
        own = {v.target for v in one.views}
        one.things = [known[t] for t in dict.fromkeys(v.target for v in one.views) if t in known]
        one.dependents = len({d for t in own for d in reached.get(t, ())} - own)
        one.services = tuple(sorted({s for t in own for s in services.get(t, ())}))
        one.endangers = _endangers(one, known)
        one.opens = _opens(one)
        one.by = people.get(one.key, "")
        one.title = titles.get(one.key, "")
        keys = {one.key, *(v.change for v in one.views), *(r for s in one.shipments for r in s.refs)}
        keys |= {c for v in one.views for c in commits_of(v)} | {EntityRef(f"Commit:{s.commit}") for s in one.shipments}
        one.caused = tuple(i for i, refs in causes if not refs.isdisjoint(keys))
        one.followed = () if one.caused else tuple(i for i in material.incidents if _came_before(material, one, i))


def _dependents(
    material: Material, targets: Sequence[EntityRef]
) -> tuple[Mapping[EntityRef, set[EntityRef]], Mapping[EntityRef, set[str]]]:
    """What depends on each of these, by two links, and the services that run there: three reads for all."""
    if not targets:
        return {}, {}
    store, view = material.store, material.view
    types = ("DEPENDS_ON", "DECLARES", "RUNS_ON")
    first = store.neighbours(targets, view, _ROWS, types=types).items
    start = set(targets)
    near: dict[EntityRef, set[EntityRef]] = {}
    for edge in first:
        cause, effect = (edge.src, edge.dst) if edge.type == "DECLARES" else (edge.dst, edge.src)
        if cause in start:
            near.setdefault(cause, set()).add(effect)
    between = sorted({r for some in near.values() for r in some} - start)
    second = store.neighbours(between, view, _ROWS, types=types).items if between else ()
    next_: dict[EntityRef, set[EntityRef]] = {}
    for edge in (*first, *second):
        cause, effect = (edge.src, edge.dst) if edge.type == "DECLARES" else (edge.dst, edge.src)
        next_.setdefault(cause, set()).add(effect)
    names = {r: text_of(s.properties, "name") for s in material.ownership.services for r in s.refs}
    reached = {t: some | {f for n in some for f in next_.get(n, ())} for t, some in near.items()}
    services = {t: {names[r] for r in some if names.get(r)} for t, some in reached.items()}
    return reached, services


def _people(material: Material, found: Sequence[Group]) -> dict[EntityRef, str]:
    store, view = material.store, material.view
    authored = [g.key for g in found if g.key.kind in ("PullRequest", "Commit")]
    edges = store.neighbours(authored, view, _ROWS, types=("AUTHORED_BY",), direction="out").items if authored else ()
    accounts = {r: a for a in store.entities(sorted({e.dst for e in edges}), view) for r in a.refs}
    names = {e.src: person_name(accounts[e.dst]) for e in edges if e.dst in accounts}
    others = [g.key for g in found if g.key.kind not in ("PullRequest", "Commit")]
    return names | {r: person_name(a) for r, a in performers(store, view, others).items()}


def _causes(material: Material) -> list[tuple[Told, set[EntityRef]]]:
    return [(i, {e.dst for e in i.causes}) for i in material.incidents if i.causes]


def _came_before(material: Material, one: Group, incident: Told) -> bool:
    """Whether it arrived where the incident was within the hour before it: nearness, no cause."""
    if incident.causes:
        return False
    arrivals = [
        s.at for s in one.shipments if material.in_production(s) and _may_touch(s.service, one.services, incident)
    ]
    if one.hand is not None and one.hand.environment in material.production:
        arrivals.append(one.at)
    return any(0 <= incident.started_at - at <= _SOON for at in arrivals)


def _may_touch(service: str, services: tuple[str, ...], incident: Told) -> bool:
    return not incident.service or incident.service in (service, *services)


def _endangers(one: Group, known: Mapping[EntityRef, Thing]) -> str:
    """What holds data and was deleted or created anew by it."""
    for view in one.views:
        found = known.get(view.target)
        effect = text_of(view.properties, "effect")
        if found is None or effect != "deleted" or found.text("block_type") not in ("", "resource", "object"):
            continue
        if holds_data(found.text("type")):
            return found.label
    return ""


def _opens(one: Group) -> str:
    """The attribute by which it opened something to everybody."""
    for change in one.attributes:
        before, after = (str(s.value) if s.state == "value" else "" for s in (change.before, change.after))
        if any(o in after and o not in before for o in _OPEN):
            return change.path
    return ""


# -- which matter


def _is_small(one: Group) -> bool:
    """Nothing but moves and formatting, or files that deploy nowhere."""
    if one.hand is not None or (one.shipments and not one.views):
        return False
    # A file's bytes change also where what stands in it means the same.
    meant = [v for v in one.views if v.target.kind != "File"] or one.views
    return all(text_of(v.properties, "effect") in COSMETIC for v in meant)


def _is_ours(material: Material, one: Group) -> bool:
    if not material.names:
        return True
    places = {(v.provenance.scope, path) for v in one.views if (path := text_of(v.properties, "path"))}
    places |= {(t.text("repository"), t.text("path")) for t in one.things if t.text("repository")}
    if one.caused or one.followed:  # an incident of theirs
        return True
    targets = [v.target for v in one.views]
    return material.is_ours(targets, places=places) or any(
        material.is_ours(service=s.service) for s in one.shipments if s.service
    )


def _rank(material: Material, one: Group) -> float:
    prod = any(material.in_production(s) for s in one.shipments)
    rank = 2.0 if prod else 0.5 if one.shipments else 0.0
    if one.hand is not None:
        rank += (
            3.0
            + (1.5 if one.hand.environment in material.production else 0.0)
            + (0.5 if one.hand.door and one.hand.door.outside_code else 0.0)
        )
    rank += 8.0 * len(one.caused) + 2.5 * len(one.followed)
    rank += 4.0 if one.endangers else 0.0
    rank += 4.0 if one.opens else 0.0
    rank += 2.0 if any(holds_data(t.text("type")) for t in one.things) else 0.0
    rank += 1.0 if any(t.ref.kind in ("Block", "Resource") for t in one.things) else 0.0
    rank += 2.0 if one.rolled_back else 0.0
    return rank + min(3.0, math.log2(1 + one.dependents) / 2)
