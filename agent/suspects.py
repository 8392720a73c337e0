"""Changes as suspects: what took effect, or was merged, in a window, each once under all its names.

One change has many names: commits of a branch, the merge, the pull request, the deployment or apply that carried it, the state version that
shows it, the audit events of the apply. The suspect is the change of code when there is one; else what is known of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.assemble import attributes
from agent.before import with_before
from agent.candidate_texts import Texts, read_texts
from agent.doors import Door, covering, doors
from agent.evidence import shown, text_of
from agent.incident import Place, Suspect
from agent.lineage import commits_of, unit_of
from agent.model import AttributeState
from agent.named_service import environment_names, service_names
from agent.reach import Carried, environments_in, mentioned_environment, runs_in, services_in
from agent.scene import Scene
from agent.shipments import Shipment
from graph.clock import SECOND, Instant
from graph.model import EntityRef
from graph.store import ChangeQuery, ChangeView, Limits
from graph.text import contains_in_order, name_tokens

MOST_ROWS = 20_000
"""`CHANGED` relations read of a window; beyond it the newest are looked at, and the investigation says so."""
MOST_SUSPECTS = 2_000
_MARGIN: Instant = 15 * 60 * SECOND
_ROWS = 10_000
_CODE = frozenset({"Commit"})


@dataclass(slots=True)
class _Group:
    """What becomes one suspect."""

    key: EntityRef
    views: list[ChangeView] = field(default_factory=list[ChangeView])
    also: list[EntityRef] = field(default_factory=list[EntityRef])
    arrivals: dict[str, tuple[Instant, str]] = field(default_factory=dict[str, tuple[Instant, str]])
    expected: set[str] = field(default_factory=set[str])
    carriers: list[Shipment] = field(default_factory=list[Shipment])
    by_hand: bool = False
    door: Door | None = None

    def arrive(self, environment: str, at: Instant, basis: str) -> None:
        """Note an arrival, if it is the first."""
        known = self.arrivals.get(environment)
        if known is None or at < known[0]:
            self.arrivals[environment] = (at, basis)


def suspects_between(
    scene: Scene, since: Instant, until: Instant, found_by: str, near: Sequence[Place] | None = None
) -> tuple[Suspect, ...]:
    """Changes that took effect or were merged at `since <= t <= until`, newest first.

    Args:
        near: only changes to these places, and deployments of these services; None takes any.

    Returns:
        The newest `MOST_SUSPECTS` at most; the scene's notes say when there are more.
    """
    targets = None if near is None else sorted({p.ref for p in near})
    query = ChangeQuery(targets=targets, since=since, until=until + 1)
    page = scene.store.changes(query, scene.view, Limits(rows=MOST_ROWS, deadline_s=10.0))
    if page.cut:
        scene.notes.append(f"more than {MOST_ROWS:,} changes lie in the window; only the newest were looked at")
    views = [v for v in page.items if v.change.kind not in ("Plan", "PullRequest")]
    services = None if near is None else frozenset(p.label.casefold() for p in near if p.ref.kind == "Service")
    collected = _Collected(scene, since, until, services)
    collected.code([v for v in views if v.change.kind in _CODE])
    collected.shipped()
    collected.expect_by_version()
    collected.recorded([v for v in views if v.change.kind not in _CODE])
    groups = collected.groups()
    if len(groups) > MOST_SUSPECTS:
        scene.notes.append(f"{len(groups):,} changes lie in the window; only the newest {MOST_SUSPECTS:,} were weighed")
        groups = groups[:MOST_SUSPECTS]
    texts = read_texts(scene.store, scene.view, [(g.key, tuple(g.also)) for g in groups])
    return tuple(_suspect(scene, g, texts, found_by) for g in groups)


class _Collected:
    """Gathers the groups of a window, from code to deployments to what was recorded of their effects."""

    def __init__(self, scene: Scene, since: Instant, until: Instant, services: frozenset[str] | None) -> None:
        self._scene = scene
        self._since = since
        self._until = until
        self._services = services
        self._groups: dict[EntityRef, _Group] = {}
        self._versioned: set[tuple[str, str]] = set()
        self._by_shipment: dict[EntityRef, list[_Group]] = {}
        self._by_instance: dict[EntityRef, list[_Group]] = {}

    def groups(self) -> list[_Group]:
        """Newest first."""
        return sorted(self._groups.values(), key=lambda g: (-_latest(g), g.key))

    # -- code

    def code(self, views: Sequence[ChangeView]) -> None:
        """Commits merged in the window, by what brought them to the mainline."""
        for view in views:
            self._add(view)
        self._arrivals(views)
        self._instances()

    def _add(self, view: ChangeView) -> _Group:
        key = unit_of(view)
        group = self._groups.setdefault(key, _Group(key))
        if view.change != key and view.change not in group.also:
            group.also.append(view.change)
        group.also += [own for own in commits_of(view) if own != key and own not in group.also]
        group.views.append(view)
        return group

    def _arrivals(self, views: Sequence[ChangeView]) -> None:
        reach = self._scene.reach
        found = reach.of(views)
        for view in views:
            group = self._group_of(view)
            for carried in found.get((view.change, view.target), ()):
                self._arrive(group, carried)
            group.expected |= reach.expected(view)

    def _arrive(self, group: _Group, carried: Carried) -> None:
        group.arrive(carried.reached.environment, carried.at, carried.reached.basis)
        if carried.shipment is None:
            if carried.by not in group.also:
                group.also.append(carried.by)
            self._by_shipment.setdefault(carried.by, []).append(group)
            return
        self._carried_by(group, carried.shipment)

    def _carried_by(self, group: _Group, one: Shipment) -> None:
        if one not in group.carriers:
            group.carriers.append(one)
            for ref in one.refs:
                if ref not in group.also:
                    group.also.append(ref)
                self._by_shipment.setdefault(ref, []).append(group)

    def _group_of(self, view: ChangeView) -> _Group:
        return self._groups[unit_of(view)]

    def _instances(self) -> None:
        """Which instances the code of each group stands for, so that what a state recorded of one finds its change."""
        blocks = sorted({v.target for g in self._groups.values() for v in g.views if v.target.kind == "Block"})
        if not blocks:
            return
        edges = self._scene.store.neighbours(
            blocks, self._scene.view, Limits(rows=_ROWS), types=("DECLARES", "CONFIGURES"), direction="out"
        ).items
        of_block: dict[EntityRef, list[EntityRef]] = {}
        for edge in edges:
            of_block.setdefault(edge.src, []).append(edge.dst)
        for group in self._groups.values():
            for view in group.views:
                for instance in of_block.get(view.target, ()):
                    known = self._by_instance.setdefault(instance, [])
                    if group not in known:
                        known.append(group)

    # -- deployments and applies

    def shipped(self) -> None:
        """Deployments and applies of the window: what they carried of older code, or themselves when that is not known."""
        for one in self._scene.reach.shipments.between(self._since, self._until + 1):
            if not one.took_effect or (self._services is not None and one.service.casefold() not in self._services):
                continue
            if not one.commit:
                self._by_version(one)
            older = [v for v in self._scene.reach.carried(one) if v.at < self._since] if one.commit else []
            for view in older:
                group = self._add(view)
                group.arrive(one.environment or one.workspace or "unknown", one.at, _basis(one))
                group.expected.add(one.environment or one.workspace or "unknown")
                self._carried_by(group, one)
            if not any(ref in self._by_shipment for ref in one.refs):
                group = self._groups.setdefault(one.ref, _Group(one.ref, also=[r for r in one.refs if r != one.ref]))
                group.carriers.append(one)
                group.arrive(one.environment or one.workspace or "unknown", one.at, _basis(one))
                for ref in one.refs:
                    self._by_shipment.setdefault(ref, []).append(group)

    def expect_by_version(self) -> None:
        """Where versions tell what was deployed, code of the same service that no version names yet has not arrived."""
        for service, environment in sorted(self._versioned):
            for _, group in self._of_service(service, environment):
                group.expected.add(environment)

    def _by_version(self, one: Shipment) -> None:
        """The code of a deployment that tells no commit: what was merged of that service up to the change that names this version."""
        if not one.service or not _VERSION.fullmatch(one.version.removeprefix("v")):
            return
        own = self._of_service(one.service.casefold(), one.environment)
        names = re.compile(rf"(?<![\w.])v?{re.escape(one.version.removeprefix('v'))}(?![\w.])")
        at = next((i for i, (merged, g) in enumerate(own) if merged <= one.at and names.search(_after(g.views))), None)
        if at is None:
            return
        self._versioned.add((one.service.casefold(), one.environment))
        for merged, group in own[at:]:
            if (merged, group.key) != (own[at][0], own[at][1].key) and _NAMES_A_VERSION.search(_after(group.views)):
                break  # the version before: it and what is older came with that one
            group.arrive(one.environment or "unknown", one.at, _basis(one))
            group.expected.add(one.environment or "unknown")
            self._carried_by(group, one)

    def _of_service(self, service: str, environment: str) -> list[tuple[Instant, _Group]]:
        """Code that lies in a service's directory and in no other environment's, newest first."""
        known = self._scene.reach.shipments
        found: list[tuple[Instant, _Group]] = []
        for group in self._groups.values():
            paths = {p for v in group.views if v.change.kind in _CODE and (p := text_of(v.properties, "path"))}
            theirs = {s for p in paths for s in services_in(p, known.services)}
            where = {e for p in paths for e in environments_in(p, known.environments)}
            if service in theirs and (not where or environment in where):
                found.append((max(v.at for v in group.views if v.change.kind in _CODE), group))
        return sorted(found, key=lambda one: (-one[0], one[1].key))

    # -- what was recorded

    def recorded(self, views: Sequence[ChangeView]) -> None:
        """Audit events and state versions: with the change that they are the effect of, else as suspects of their own."""
        scene = self._scene
        through = doors(scene.store, scene.view, [v for v in views if v.change.kind == "AuditEvent"])
        versions = {v.change for v in views if v.change.kind == "StateVersion"}
        where = runs_in(scene.store, scene.view, versions)
        applies = scene.reach.shipments.applies
        named = self._named_environments([v for v in views if v.change.kind != "Deployment"])
        ordered = sorted(views, key=lambda v: (v.at, v.change, v.target))
        for view in with_before(scene.store, scene.view, ordered):
            if view.change.kind == "Deployment":
                self._deployed(view)
                continue
            door = through.get((view.change, view.target))
            environment = (door.environment if door else where.get(view.change, "")) or named.get(view.target, "")
            explained = door.explained_by if door else covering(applies, view.at, environment, _MARGIN)
            owners = self._owners(view, explained)
            for group in owners:
                # The code says what was before; the call by which it was applied only what was asked for.
                if view.change.kind != "AuditEvent" or not any(v.change.kind in _CODE for v in group.views):
                    group.views.append(view)
                if view.change not in group.also:
                    group.also.append(view.change)
            if owners:
                continue
            key = explained if explained is not None and explained in self._groups else view.change
            group = self._groups.setdefault(key, _Group(key))
            group.views.append(view)
            if view.change != key and view.change not in group.also:
                group.also.append(view.change)
            if environment:
                group.arrive(environment, view.at, "applied")
            group.by_hand = group.by_hand or (door is not None and door.by_hand)
            group.door = group.door or door

    def _named_environments(self, views: Sequence[ChangeView]) -> dict[EntityRef, str]:
        """The environment that an instance's name speaks of, where nothing else tells: `payments-prod`."""
        known = environment_names(self._scene.store, self._scene.view)
        found: dict[EntityRef, str] = {}
        for one in self._scene.store.entities(sorted({v.target for v in views}), self._scene.view):
            names = " ".join(text_of(one.properties, n) for n in ("name", "address", "cloud_id"))
            if environment := mentioned_environment(names, known):
                found.update(dict.fromkeys(one.refs, environment))
        return found

    def _deployed(self, view: ChangeView) -> None:
        for group in self._by_shipment.get(view.change, ()):
            if group.key == view.change or not group.views:
                group.views.append(view)

    def _owners(self, view: ChangeView, explained: EntityRef | None) -> list[_Group]:
        """The groups of code that an effect on an instance belongs to."""
        direct = self._by_shipment.get(view.change, [])
        if direct:
            return list(direct)
        of_instance = self._by_instance.get(view.target, [])
        carried = self._by_shipment.get(explained, []) if explained is not None else []
        if explained is None:
            return []
        both = [g for g in carried if g in of_instance]
        return both or (carried if len(carried) == 1 else [])


def _suspect(scene: Scene, group: _Group, texts: Texts, found_by: str) -> Suspect:
    environment = scene.symptom.environment
    place, target = _place(scene, group)
    merged = max((v.at for v in group.views if v.change.kind in _CODE), default=None)
    arrived = group.arrivals.get(environment)
    if arrived is not None:
        at, means = arrived
    elif merged is not None:
        at, means = merged, "merged"
    elif group.arrivals:
        at, means = min(group.arrivals.values())
    else:
        at, means = max((v.at for v in group.views), default=scene.symptom.since), "happened"
    if group.by_hand:
        means = "happened"
    text = texts.of(group.key)
    lines = _attribute_lines(group.views)
    carrier = next(iter(group.carriers), None)
    said = [p for p in (*texts.said(group.key), *(v.provenance for v in group.views[:3])) if p]
    if carrier is not None:
        said.append(carrier.said)
    return Suspect(
        key=group.key,
        kind="manual" if group.by_hand else "change",
        change=group.key,
        target=target,
        at=at,
        at_means=means,
        title=text.title or (carrier.title if carrier else ""),
        found_by=found_by,
        also=tuple(dict.fromkeys((*text.requests, *group.also))),
        views=tuple(group.views),
        reached={name: moment for name, (moment, _) in sorted(group.arrivals.items())},
        expected=frozenset(group.expected),
        place=place,
        text=text.message,
        paths=tuple(dict.fromkeys(p for v in group.views if (p := text_of(v.properties, "path")))),
        added="\n".join(x for x in (_joined(group.views, "added"), *(a for a, _ in lines)) if x),
        removed="\n".join(x for x in (_joined(group.views, "removed"), *(r for _, r in lines)) if x),
        repository=next((v.provenance.scope for v in group.views if v.change.kind in _CODE), "")
        or (carrier.repository if carrier else ""),
        service=next((s.service for s in group.carriers if s.service), ""),
        merged_at=merged,
        by_hand=group.by_hand,
        properties=_properties(scene, group, place),
        said=tuple(dict.fromkeys(said)),
    )


def _properties(scene: Scene, group: _Group, place: Place | None) -> dict[str, str]:
    found = {"door": group.door.via} if group.door else {}
    paths = {p for v in group.views if v.change.kind in _CODE and (p := text_of(v.properties, "path"))}
    known = environment_names(scene.store, scene.view)
    where = [environments_in(p, known) for p in sorted(paths)]
    environment = scene.symptom.environment
    if environment and where and all(w and environment not in w for w in where):
        found["elsewhere"] = ", ".join(sorted({e for w in where for e in w}))
    if place is not None and place.direction == "upstream":
        foreign = _foreign(scene, group, place)
        if foreign:
            found["foreign"] = foreign
    return found


def _foreign(scene: Scene, group: _Group, place: Place) -> str:
    """The service that the thing touched is named after, when nothing here depends on that service: a rule of another on the shared load balancer."""
    near = scene.surroundings
    words = name_tokens(place.label)
    every = service_names(scene.store, scene.view)
    named = [s for s in every if (own := name_tokens(s)) and contains_in_order(words, own)]
    theirs = [s for s in named if (p := near.services.get(s.casefold())) is None or p.direction == "downstream"]
    return min(theirs, key=lambda s: (-len(s), s)) if named and len(theirs) == len(named) else ""


def _place(scene: Scene, group: _Group) -> tuple[Place | None, EntityRef | None]:
    """The nearest place of anything that it touched, and what that is."""
    around = scene.surroundings
    best: tuple[float, EntityRef, Place] | None = None
    for view in group.views:
        place = around.of([view.target])
        if place is not None and place.ref.kind not in ("Repository",):
            option = (place.distance, view.target, place)
            best = option if best is None or option[:2] < best[:2] else best
    names = {s.service for s in group.carriers if s.service}
    paths = {p for v in group.views if (p := text_of(v.properties, "path"))}
    for path in sorted(paths):
        names |= services_in(path, around.service_names)
    for name in sorted(names):
        place = around.services.get(name.casefold())
        if place is not None and (best is None or place.distance < best[0]):
            target = next((v.target for v in group.views), place.ref)
            best = (place.distance, target, place)
    target = best[1] if best else next((v.target for v in group.views if v.target.kind != "File"), None)
    return (best[2] if best else None), target or next((v.target for v in group.views), None)


_VERSION = re.compile(r"\d+(?:\.\d+)+(?:[-+][\w.]+)?")
_NAMES_A_VERSION = re.compile(r"(?<![\w.])v?\d+\.\d+\.\d+(?![\w.])")


def _after(views: Sequence[ChangeView]) -> str:
    """What the code says after it: added lines and values."""
    values = [side for v in views for a in attributes(v.properties) if (side := _side(a.path, a.after))]
    return "\n".join([*(t for v in views if (t := text_of(v.properties, "added"))), *values])


def _latest(group: _Group) -> Instant:
    times = [at for at, _ in group.arrivals.values()] + [v.at for v in group.views]
    return max(times, default=0)


def _basis(one: Shipment) -> str:
    return "applied" if one.is_apply else "deployed"


def _joined(views: Sequence[ChangeView], name: str, limit: int = 16_000) -> str:
    seen = dict.fromkeys(t for v in views if (t := text_of(v.properties, name)))
    return "\n".join(seen)[:limit]


def _attribute_lines(views: Sequence[ChangeView]) -> list[tuple[str, str]]:
    """Attributes after and before, as `path: value` lines, once each."""
    found = {
        (_side(a.path, a.after), _side(a.path, a.before)): None for view in views for a in attributes(view.properties)
    }
    return list(found)


def _side(path: str, side: AttributeState) -> str:
    return f"{path}: {shown(side.value, 400)}" if side.state == "value" else ""
