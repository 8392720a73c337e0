"""What earlier changes say about the files that the suspects touch, and which of them were taken back: the repository's own words and habits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.evidence import text_of
from agent.incident import Suspect
from agent.lineage import commits_of, unit_of
from agent.prior import Later, PastChange, PastChanges, linked
from agent.scene import Scene
from graph.clock import Instant
from graph.model import EntityRef
from graph.store import ChangeQuery, ChangeView, Limits

MOST_ROWS = 6_000
_MOST_CHARS = 1_500
_MOST_PATHS = 40
_EDGES = Limits(rows=20_000)
_SAYS_SO = "revert"
"""What takes another change back says so somewhere in its text; only of such changes the relations are asked for."""


@dataclass(frozen=True, slots=True)
class Past:
    """A corpus of the prior (`agent.prior.Corpus`), and what is known of the window itself.

    Attributes:
        changes: from before the window, newest first, with what took them back.
        undone: suspects that a later change took back before the symptom, and when.
    """

    changes: PastChanges = field(default_factory=PastChanges)
    undone: Mapping[EntityRef, Instant] = field(default_factory=dict[EntityRef, Instant])

    def past(self) -> Sequence[PastChange]:
        """The changes."""
        return self.changes.changes


@dataclass(slots=True)
class _Unit:
    """A change as it came to the mainline: `inner` are the commits that a merge brought."""

    at: Instant
    paths: dict[str, None] = field(default_factory=dict[str, None])
    inner: dict[EntityRef, None] = field(default_factory=dict[EntityRef, None])


def past_changes(scene: Scene, suspects: Sequence[Suspect]) -> Past:
    """Changes of code from before the window, in the repositories of the suspects, newest first."""
    repositories = {s.repository for s in suspects if s.repository}
    if not repositories:
        return Past()
    query = ChangeQuery(until=scene.symptom.since, target_kinds=frozenset({"File"}))
    page = scene.store.changes(query, scene.view, Limits(rows=MOST_ROWS))
    units = _units(v for v in page.items if v.change.kind == "Commit" and v.provenance.scope in repositories)
    texts = _texts(scene, units)
    ordered = sorted(units, key=lambda k: (-units[k].at, k))
    past = [(k, PastChange(units[k].at, texts[k], tuple(units[k].paths)[:_MOST_PATHS])) for k in ordered]
    later = _later(scene, suspects)
    undone_by = _undone_by(scene, units, texts, suspects)
    taken_back = linked(past, later, undone_by).changes
    at = {one.ref: one.at for one in later}
    undone = {ref: at[by] for ref, by in undone_by.items() if ref in at and by in at and at[by] > at[ref]}
    short = [replace(c, message=c.message[:_MOST_CHARS], undone_why=c.undone_why[:_MOST_CHARS]) for c in taken_back]
    return Past(PastChanges(tuple(short)), undone)


def _units(views: Iterable[ChangeView]) -> dict[EntityRef, _Unit]:
    found: dict[EntityRef, _Unit] = {}
    for view in views:
        key = unit_of(view)
        unit = found.setdefault(key, _Unit(view.at))
        unit.paths[text_of(view.properties, "path")] = None
        unit.inner |= dict.fromkeys(r for r in (view.change, *commits_of(view)) if r != key)
    return found


def _texts(scene: Scene, units: Mapping[EntityRef, _Unit]) -> dict[EntityRef, str]:
    """What each unit says: its own words, or in their place those of the one commit that it merged."""
    everything = {
        r for key, unit in units.items() for r in (unit.inner if len(unit.inner) == 1 else (key, *unit.inner))
    }
    said: dict[EntityRef, str] = {}
    for hit in scene.store.passages(sorted(everything), scene.view):
        said.setdefault(hit.ref, hit.text)
    found: dict[EntityRef, str] = {}
    for key, unit in units.items():
        parts = [said[r] for r in unit.inner if r in said]
        own = [said[key]] if key in said else []
        found[key] = "\n\n".join([*own, *parts])
    return found


def _later(scene: Scene, suspects: Sequence[Suspect]) -> list[Later]:
    """The window's own changes of code, in the order in which they came to the mainline, newest first."""
    since = scene.symptom.since
    merged = [(s.merged_at, s) for s in suspects if s.merged_at is not None and s.merged_at >= since]
    ordered = sorted(merged, key=lambda one: (-one[0], one[1].key))
    return [Later(s.key, at, s.text) for at, s in ordered]


def _undone_by(
    scene: Scene, units: Mapping[EntityRef, _Unit], texts: Mapping[EntityRef, str], suspects: Sequence[Suspect]
) -> dict[EntityRef, EntityRef]:
    """Change of the mainline -> the first change of the mainline that took it back."""
    unit_of: dict[EntityRef, EntityRef] = {}
    at: dict[EntityRef, Instant] = {}
    sources: set[EntityRef] = set()
    for key, unit in units.items():
        unit_of |= dict.fromkeys((key, *unit.inner), key)
        at[key] = unit.at
        if _SAYS_SO in texts[key].casefold():
            sources.update((key, *unit.inner))
    for one in suspects:
        if one.merged_at is not None and one.key not in at:
            own = [r for r in (one.key, *one.also) if r.kind == "Commit"]
            unit_of |= dict.fromkeys(own, one.key)
            at[one.key] = one.merged_at
            if _SAYS_SO in one.text.casefold():
                sources.update(own)
    if not sources:
        return {}
    edges = scene.store.neighbours(sorted(sources), scene.view, _EDGES, types=("REVERTS",), direction="out").items
    pairs = {(unit_of[e.dst], unit_of[e.src]) for e in edges if e.dst in unit_of and e.src in unit_of}
    found: dict[EntityRef, EntityRef] = {}
    for undone, by in sorted(pairs, key=lambda p: (at[p[1]], p[1])):
        if at[by] > at[undone]:
            found.setdefault(undone, by)
    return found
