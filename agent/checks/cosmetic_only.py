"""Did it change nothing but writing: layout, names, comments, documents, tests, tags and descriptions, who is alerted?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from agent.checks.described import described
from agent.checks.weighing import Asking, Finding, Findings, found, listed, nothing
from agent.incident import Suspect
from agent.touches import MAX_VIEWS, Touch, touches

if TYPE_CHECKING:
    from agent.scene import Scene

WRITING = -2.5
"""Layout, comments and documents are not executed: one in a dozen such changes at most hides something that was missed."""
LABELS = -1.8
"""Tags and descriptions are only read by people and bills, but now and then something selects by a tag."""
MOVED = -1.2
"""A rename means the same, unless what it names is made anew on the way."""
TESTS = -1.5
"""Tests do not run where the symptom is."""
ALARMS = -0.8
"""Who is alerted and when breaks nothing, but a lower threshold can be all there is to an alert."""
OF_BUILDS = 0.3
"""Share of the weight when it is builds that fail: these do read documents and tests."""

_WEIGHTS: Mapping[str, float] = {
    "format": WRITING,
    "comment": WRITING,
    "document": WRITING,
    "cosmetic": LABELS,
    "moved": MOVED,
    "test": TESTS,
    "alarm": ALARMS,
}
_WORDS: Mapping[str, str] = {
    "format": "layout",
    "comment": "comments",
    "document": "documents",
    "cosmetic": "tags or descriptions",
    "moved": "names and places in the code",
    "test": "tests",
    "alarm": "alerts or dashboards",
}


def _weigh(scene: Scene, suspects: Sequence[Suspect]) -> Findings:
    known = described(scene, suspects)
    builds = "build" in scene.symptom.class_names[:2]
    return {s.key: _judged(s, touches(s, known.types, known.labels), builds=builds) for s in suspects}


def _judged(suspect: Suspect, touched: Iterable[Touch], *, builds: bool) -> Finding:
    if suspect.change is None:
        return nothing("A condition is nobody's change.", suspect.said[:1])
    pieces: list[Touch] = []
    for piece in touched if suspect.views else ():
        if piece.kind not in _WEIGHTS:
            return found(0.0, "It changed more than writing.", [piece.said, *suspect.said[:1]])
        pieces.append(piece)
    if any(v.properties.get("effect") not in ("format_only", "moved") for v in suspect.views[MAX_VIEWS:]):
        return nothing("It touched more than was read.", suspect.said[:1])
    if not pieces:
        return nothing("It is not told what it changed.", suspect.said[:1])
    weight = max(_WEIGHTS[p.kind] for p in pieces) * (OF_BUILDS if builds else 1.0)
    words = listed(dict.fromkeys(_WORDS[p.kind] for p in pieces), 4)
    where = listed((p.label for p in pieces if p.label != "it"), 2)
    said = [*(p.said for p in pieces[:2]), *suspect.said[:1]]
    return found(weight, f"It changed nothing but {words}{f' ({where})' if where else ''}, which does not run.", said)


CHECK = Asking(
    "cosmetic_only", "whether it changed nothing but writing", 0.6, 0.3, _weigh, frozenset({"change", "manual"})
)
