"""What came after a change and would be lost, broken or contradicted by taking it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from agent.assemble import attributes
from agent.culprit import joined_refs
from agent.doors import doors
from agent.evidence import text_of
from agent.incident import Suspect
from agent.lineage import commits_of
from agent.scene import Scene
from graph.clock import Instant
from graph.lexicon import former, things
from graph.model import EntityRef, ref
from graph.store import ChangeQuery, ChangeView, Limits, Provenance

_ROWS = 2_000
_TARGETS = frozenset({"Block", "File", "Resource"})
_DEPENDENT = ("DEPENDS_ON", "CONFIGURES")

Clash = Literal["reverts", "attribute", "block", "lines", "file", "resource", "depends"]
_ORDER: Mapping[Clash, int] = {
    "reverts": 0,
    "attribute": 1,
    "block": 2,
    "lines": 3,
    "resource": 4,
    "depends": 5,
    "file": 6,
}


@dataclass(frozen=True, slots=True)
class Later:
    """A later change, what it has in common with the first, and of which thing."""

    change: EntityRef
    at: Instant
    clash: Clash
    target: EntityRef
    label: str
    attribute: str
    said: Provenance


def whole(scene: Scene, suspect: Suspect) -> tuple[ChangeView, ...]:
    """Everything that the change touched, not only what lies near the symptom: taking it back takes all of it back."""
    if suspect.change is None:
        return ()
    kind = suspect.change.kind
    own = [suspect.change, *(r for r in suspect.also if r.kind == kind)]
    page = scene.store.changes(ChangeQuery(changes=sorted(set(own))), scene.view, Limits(rows=_ROWS))
    known = {(v.change, v.target) for v in page.items}
    rest = [v for v in suspect.views if (v.change, v.target) not in known and v.change.kind == kind]
    return tuple(v for v in (*page.items, *rest) if v.target.kind in _TARGETS)


def later_changes(scene: Scene, suspect: Suspect, touched: Sequence[ChangeView]) -> tuple[Later, ...]:
    """Changes after it that touch the same attributes, blocks, lines, files or resources, or depend on what it made; worst first."""
    if not touched:
        return ()
    store, view = scene.store, scene.view
    own = {r for r in (suspect.change, *suspect.also) if r is not None}
    own |= {c for v in touched for c in (v.change, *commits_of(v))}
    own |= {ref("Commit", via) for v in touched if (via := text_of(v.properties, "via"))}
    since = min(v.at for v in touched)
    blocks = sorted({v.target for v in touched if v.target.kind == "Block"})
    real = sorted({v.target for v in touched if v.target.kind == "Resource"})
    edges = (
        store.neighbours([*blocks, *real], view, Limits(rows=_ROWS), types=("DECLARES",)).items
        if blocks or real
        else ()
    )
    twins = {r for e in edges for r in (e.src, e.dst)} - set(blocks) - set(real)
    mine = sorted({*(v.target for v in touched), *twins})
    page = store.changes(ChangeQuery(targets=mine, since=since), view, Limits(rows=_ROWS))
    after = [c for c in page.items if c.change not in own and _later(scene, c, touched)]
    found = list(_reverts(scene, own, after))
    found += _clashes(scene, suspect, touched, after)
    found += _dependents(scene, touched, own, since)
    one_each: dict[EntityRef, Later] = {}
    for one in sorted(found, key=lambda x: (_ORDER[x.clash], -x.at, x.change, x.target)):
        one_each.setdefault(one.change, one)
    return tuple(sorted(one_each.values(), key=lambda x: (_ORDER[x.clash], -x.at, x.change)))


def _later(scene: Scene, one: ChangeView, touched: Sequence[ChangeView]) -> bool:
    """Whether it came after; of commits of the same moment the mainline tells which was first."""
    first = min((v for v in touched), key=lambda v: (v.at, v.change))
    if one.at != first.at:
        return one.at > first.at
    places = scene.reach.places
    mine, theirs = places.of(first.change.id), places.of(one.change.id)
    return mine is not None and theirs is not None and theirs.position > mine.position


def _reverts(scene: Scene, own: Iterable[EntityRef], after: Sequence[ChangeView]) -> Iterable[Later]:
    """Whether it was taken back already."""
    commits = sorted(r for r in own if r.kind == "Commit")
    if not commits:
        return
    edges = scene.store.neighbours(commits, scene.view, Limits(rows=50), types=("REVERTS",), direction="in").items
    times = {c.change: c.at for c in after}
    for edge in edges:
        said = edge.statements[0]
        at = times.get(edge.src, min(s.valid_from for s in edge.statements))
        yield Later(edge.src, at, "reverts", edge.dst, "", "", said.provenance)


def _clashes(
    scene: Scene, suspect: Suspect, touched: Sequence[ChangeView], after: Sequence[ChangeView]
) -> Iterable[Later]:
    by_hand = suspect.change is not None and suspect.change.kind == "AuditEvent"
    through = doors(scene.store, scene.view, after)
    mine = joined_refs(scene, [v.target for v in touched])
    refs = {r for some in mine.values() for r in some}
    paths: dict[EntityRef, set[str]] = {}
    for view in touched:
        for r in mine[view.target]:
            paths.setdefault(r, set()).update(a.path for a in attributes(view.properties))
    labels = _labels(scene, [c.target for c in after])
    for one in after:
        said = (one.change, one.at)
        label = labels.get(one.target, "")
        told = {a.path for a in attributes(one.properties)}
        same = sorted(told & paths.get(one.target, set()))
        if one.change.kind == "AuditEvent":
            door = through.get((one.change, one.target))
            if not by_hand and (door is None or not door.by_hand):
                continue  # the effect of a change of code, which is looked at itself
            if by_hand and told and paths.get(one.target) and not same:
                continue  # another attribute: a call takes back what it set and nothing else
            clash: Clash = "attribute" if same else "resource"
            yield Later(*said, clash, one.target, label, same[0] if same else "", one.provenance)
        elif one.change.kind != "Commit":
            continue
        elif one.target.kind == "File":
            clash = "lines" if _same_lines(one, touched) else "file"
            if not by_hand:
                yield Later(*said, clash, one.target, label, "", one.provenance)
        elif one.target in refs or by_hand:
            clash = "attribute" if same else "block"
            yield Later(*said, clash, one.target, label, same[0] if same else "", one.provenance)


def _same_lines(one: ChangeView, touched: Sequence[ChangeView]) -> bool:
    """Whether it took out or put back lines that the first change put in or took out, as far as lines are known."""
    gone, came = _lines(one, "removed"), _lines(one, "added")
    mine = [v for v in touched if v.target == one.target]
    return any(gone & _lines(v, "added") or came & _lines(v, "removed") for v in mine)


def _lines(view: ChangeView, name: str) -> set[str]:
    return {line for line in text_of(view.properties, name).split("\n") if len(line.strip()) > 3}


def _dependents(
    scene: Scene, touched: Sequence[ChangeView], own: Iterable[EntityRef], since: Instant
) -> Iterable[Later]:
    """Changes since then to what refers to a thing that the change created."""
    made = sorted({v.target for v in touched if v.properties.get("effect") == "created" and v.target.kind != "File"})
    if not made:
        return
    mine = {v.target for v in touched}
    edges = scene.store.neighbours(made, scene.view, Limits(rows=_ROWS), types=_DEPENDENT, direction="in").items
    on = {e.src: e.dst for e in edges if e.src not in mine}
    if not on:
        return
    query = ChangeQuery(targets=sorted(on), since=since)
    page = scene.store.changes(query, scene.view, Limits(rows=_ROWS))
    labels = _labels(scene, list(on))
    skipped = set(own)
    for one in page.items:
        if one.change not in skipped and one.change.kind in ("Commit", "AuditEvent") and one.target in on:
            yield Later(one.change, one.at, "depends", one.target, labels.get(one.target, ""), "", one.provenance)


def _labels(scene: Scene, refs: Sequence[EntityRef]) -> dict[EntityRef, str]:
    wanted = sorted(set(refs))
    found = {t.ref: t.label for t in things(scene.store, wanted, scene.view)}
    for missing in [r for r in wanted if r not in found][:20]:
        if (last := former(scene.store, missing, scene.view)) is not None:
            found[missing] = last.label
    return found
