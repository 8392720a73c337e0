"""Was it taken back before the symptom, or did the same trouble end before when a change like it was taken back?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.checks.alarms import Alarm, alarms
from agent.checks.around import Around
from agent.checks.likeness import Earlier, earlier_changes, undone_later
from agent.checks.onset import Onset, onset
from agent.checks.trouble import WITHIN
from agent.checks.weighing import (
    HOUR,
    Asking,
    Finding,
    Findings,
    by_change,
    clock,
    found,
    nothing,
    quoted,
    refs_of,
    titled,
)
from agent.evidence import inline, text_of
from agent.incident import Suspect
from graph.clock import Instant
from graph.model import EntityRef
from graph.store import ChangeView, EntityView, Limits, Provenance

if TYPE_CHECKING:
    from agent.scene import Scene

TAKEN_BACK = -3.0
"""Undone before the symptom began: what remains is a revert that did not arrive, or did not take all back."""
TAKEN_BACK_MERGED = -1.5
"""The revert was merged before; nothing tells that it arrived."""
RECOVERED = 0.9
"""The same trouble ended before when the same thing was turned back."""
_RECOVERED_WITHIN: Instant = 3 * HOUR
_ROWS = 3_000
_IN_EFFECT = frozenset({"AuditEvent", "StateVersion"})


@dataclass(frozen=True, slots=True)
class _Revert:
    """What took a change back; `at` is when it was merged or, of what `arrived` by itself, when it happened."""

    ref: EntityRef
    at: Instant
    arrived: bool
    title: str
    said: Provenance


def _weigh(scene: Scene, suspects: Sequence[Suspect]) -> Findings:
    began = onset(scene)
    earlier = earlier_changes(scene, suspects)
    past = {e.view.change for some in earlier.values() for e in some}
    reverts = _reverts(scene, {*by_change(suspects), *past})
    undone = undone_later(scene, suspects)
    arrived = _arrived(scene, [r for some in reverts.values() for r in some])
    around = Around(scene)
    findings: dict[EntityRef, Finding] = {}
    for one in suspects:
        findings[one.key] = (
            _taken_back(scene, one, _of(one, reverts, undone.get(one.key, ())), arrived, began)
            or _recovered_before(scene, one, earlier.get(one.key, ()), reverts, around)
            or nothing("No revert of it or of a change like it is known by then.", one.said[:1])
        )
    return findings


def _of(one: Suspect, reverts: Mapping[EntityRef, Sequence[_Revert]], undone: Sequence[ChangeView]) -> list[_Revert]:
    """What took it back: commits that say so, and what turned its attributes back in the world (of code only a commit's word counts)."""
    own = refs_of(one)
    some = {r.ref: r for ref in own for r in reverts.get(ref, ()) if r.ref not in own}
    for view in undone:
        if view.change.kind in _IN_EFFECT:
            some.setdefault(view.change, _Revert(view.change, view.at, True, "", view.provenance))
    return sorted(some.values(), key=lambda r: (r.at, r.ref))


def _taken_back(
    scene: Scene, one: Suspect, reverts: Sequence[_Revert], arrived: Mapping[EntityRef, Instant], began: Onset
) -> Finding | None:
    near = scene.symptom.at
    after = [r for r in reverts if r.at >= one.at]
    if not after:
        return None
    revert = after[0]
    at = arrived.get(revert.ref)
    known = at is not None or revert.arrived
    when = at if at is not None else revert.at
    said = [revert.said, *one.said[:1]]
    what = f"{titled(one)} was taken back by {quoted(revert.title) if revert.title else 'another change of the same attributes'}"
    if when >= began.at:
        reason = f"{_capital(what)} at {clock(when, near)}, after {began.what} at {clock(began.at, near)}."
        return found(0.0, reason, said)
    expected = scene.symptom.environment in one.expected
    if known or not expected:
        how = "which arrived" if known else "merged"
        weight = TAKEN_BACK if known or not one.reached else TAKEN_BACK_MERGED
        return found(weight, f"{_capital(what)}, {how} at {clock(when, near)}, before {began.what}.", said)
    # It was merged, and its arrival would have been seen: the change itself is still in effect.
    return found(
        0.0, f"{_capital(what)} at {clock(when, near)}, which had not arrived in {scene.symptom.environment}.", said
    )


def _recovered_before(
    scene: Scene,
    one: Suspect,
    earlier: Sequence[Earlier],
    reverts: Mapping[EntityRef, Sequence[_Revert]],
    around: Around,
) -> Finding | None:
    if not earlier:
        return None
    environment = scene.symptom.environment
    about = alarms(scene.store, scene.view).about(around.parts(one))
    near = scene.symptom.at
    for past in earlier:
        for revert in reverts.get(past.view.change, ()):
            ended = [a for a in about if a.in_environment(environment) and _ended_with(a, past.view, revert)]
            if ended:
                alarm = ended[0]
                end = alarm.signal.ended_at
                reason = (
                    f"{inline(alarm.signal.label, 80)} of {clock(alarm.at, near)} ended at {clock(end if end is not None else revert.at, near)}, "
                    f"after a change like this one was taken back at {clock(revert.at, near)}."
                )
                return found(RECOVERED, reason, [alarm.signal.said, revert.said, past.view.provenance])
    return None


def _ended_with(alarm: Alarm, change: ChangeView, revert: _Revert) -> bool:
    """Whether an alert began after a change and ended soon after its revert."""
    end = alarm.signal.ended_at
    if end is None:
        return False
    return (
        change.at <= alarm.at <= max(revert.at, change.at + WITHIN)
        and revert.at <= end <= revert.at + _RECOVERED_WITHIN
    )


def _reverts(scene: Scene, changes: set[EntityRef]) -> dict[EntityRef, list[_Revert]]:
    """By change: the commits that revert it, as they were merged by the time of the symptom, oldest first."""
    commits = sorted(r for r in changes if r.kind == "Commit")
    if not commits:
        return {}
    edges = scene.store.neighbours(commits, scene.view, Limits(rows=_ROWS), types=("REVERTS",), direction="in").items
    seen = {e.ref: e for e in scene.store.entities(sorted({e.src for e in edges}), scene.view)} if edges else {}
    found_: dict[EntityRef, list[_Revert]] = {}
    for edge in edges:
        by = seen.get(edge.src)
        if by is None:
            continue
        at = _merged(by)
        if at <= scene.symptom.at:
            revert = _Revert(edge.src, at, False, text_of(by.properties, "title"), edge.statements[0].provenance)
            found_.setdefault(edge.dst, []).append(revert)
    return {ref: sorted(some, key=lambda r: (r.at, r.ref)) for ref, some in found_.items()}


def _merged(commit: EntityView) -> Instant:
    from agent.shipments import moment

    at = moment(text_of(commit.properties, "merged_at"))
    return at if at is not None else min(s.valid_from for s in commit.statements)


def _arrived(scene: Scene, reverts: Sequence[_Revert]) -> dict[EntityRef, Instant]:
    """When each revert was first in effect where the symptom is, of those of which that is known."""
    environment = scene.symptom.environment
    shipped = [s for s in scene.reach.shipments.all if s.took_effect and s.commit]
    shipped = [s for s in shipped if not environment or s.environment == environment]
    if not reverts or not shipped:
        return {}
    first = min(r.at for r in reverts)
    later = [s for s in shipped if s.at >= first]
    scene.reach.places.read([*(r.ref.id for r in reverts), *(s.commit for s in later)])
    found_: dict[EntityRef, Instant] = {}
    for revert in reverts:
        carrier = next((s for s in later if s.at >= revert.at and scene.reach.carries(s, revert.ref.id)), None)
        if carrier is not None:
            found_[revert.ref] = carrier.at
    return found_


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


CHECK = Asking(
    "recovered",
    "whether it was taken back before, or trouble like this ended with such a revert",
    1.5,
    0.25,
    _weigh,
    frozenset({"change", "manual"}),
)
