"""Did people, or an alert's own text, name this very change when trouble was noticed?

Only a link, a full id or a number with its repository counts as naming, and only words of trouble beside it. What the text asks for, whom it
addresses and how sure it sounds count for nothing, so that text planted to be read by a machine weighs as little as a passing remark.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from agent.checks.onset import onset
from agent.checks.weighing import MINUTE, Asking, Finding, Findings, by_change, clock, found, nothing, span, titled
from agent.evidence import inline, text_of
from agent.incident import Suspect
from agent.shipments import moment
from graph.clock import Instant
from graph.model import EntityRef
from graph.store import EntityView, Limits, TextHit

if TYPE_CHECKING:
    from agent.scene import Scene

TROUBLE = 0.3
"""The most that words can add: people name the newest change first, and are wrong as often as right."""
_BEFORE: Instant = 30 * MINUTE
"""So long before the onset, as it is known, talk can be of this trouble."""
_ROWS = 2_000
_TALK = frozenset({"Message", "Thread", "Alert", "Incident"})
_TROUBLED = re.compile(
    r"\b(?:5\d\ds?|errors?|erroring|fail(?:s|ed|ing|ures?)?|broke(?:n)?|breaks?|breaking|down|outage|incident|alert(?:s|ing)?|"
    r"firing|timeouts?|timing out|latency|slow|crash\w*|oom\w*|unhealthy|unavailable|refused|denied|rollback|roll(?:ed|ing)? back|"
    r"revert\w*|degraded|spike\w*|exceptions?|stuck|page[dr]?|expired)\b",
    re.I,
)


def _weigh(scene: Scene, suspects: Sequence[Suspect]) -> Findings:
    keys = by_change(suspects)
    if not keys:
        return {}
    began = onset(scene).at
    edges = scene.store.neighbours(
        sorted(keys), scene.view, Limits(rows=_ROWS), types=("MENTIONS",), direction="in"
    ).items
    naming: dict[EntityRef, set[EntityRef]] = {}
    for edge in edges:
        if edge.src.kind in _TALK:
            naming.setdefault(edge.src, set()).update(keys.get(edge.dst, ()))
    if not naming:
        return {s.key: nothing("Nobody named it by then.", s.said[:1]) for s in suspects}
    refs = sorted(naming)
    entities = {e.ref: e for e in scene.store.entities(refs, scene.view)}
    texts: dict[EntityRef, list[TextHit]] = {}
    for hit in scene.store.passages(refs, scene.view):
        texts.setdefault(hit.ref, []).append(hit)
    by_key: dict[EntityRef, list[EntityView]] = {}
    for ref in refs:
        for key in sorted(naming[ref]):
            if ref in entities:
                by_key.setdefault(key, []).append(entities[ref])
    return {s.key: _judged(scene, s, by_key.get(s.key, ()), texts, began) for s in suspects}


def _judged(
    scene: Scene,
    one: Suspect,
    named_in: Sequence[EntityView],
    texts: Mapping[EntityRef, Sequence[TextHit]],
    began: Instant,
) -> Finding:
    near = scene.symptom.at
    timed = sorted(((_at(e), e.ref, e) for e in named_in), key=lambda p: (p[0], p[1]))
    timed = [p for p in timed if p[0] <= near]
    if not timed:
        return nothing("Nobody named it by then.", one.said[:1])
    close = [p for p in timed if p[0] >= max(began - _BEFORE, one.at)]
    for at, ref, entity in close:
        if _TROUBLED.search(_text(entity, texts.get(ref, ()))):
            gap = span(at - began)
            side = "after" if at >= began else "before"
            reason = f"{_who(entity)} that tells of trouble named {titled(one)} at {clock(at, near)}, {gap} {side} the symptom began."
            return found(TROUBLE, reason, [s.provenance for s in entity.statements][:1])
    at, _, entity = close[0] if close else timed[-1]
    reason = f"{_who(entity)} named it at {clock(at, near)}, without a word of trouble then."
    return found(0.0, reason, [s.provenance for s in entity.statements][:1])


def _who(entity: EntityView) -> str:
    channel = text_of(entity.properties, "channel").lstrip("#")
    if entity.kind in ("Message", "Thread"):
        return f"A message in #{inline(channel, 60)}" if channel else "A message"
    name = text_of(entity.properties, "name") or text_of(entity.properties, "title")
    return f"The {entity.kind.lower()} {inline(name, 80)}".rstrip()


def _text(entity: EntityView, hits: Sequence[TextHit]) -> str:
    own = [text_of(entity.properties, k) for k in ("name", "title", "summary", "description")]
    if entity.kind in ("Alert", "Incident"):
        own.append("alert firing")  # what it is says that there is trouble
    return "\n".join([*own, *(h.text for h in hits)])[:20_000]


def _at(entity: EntityView) -> Instant:
    seconds, _, rest = text_of(entity.properties, "ts").partition(".")
    if seconds.isascii() and seconds.isdigit() and len(seconds) <= 11:
        return int(seconds) * 1_000_000 + (int(rest[:6]) if rest.isascii() and rest.isdigit() else 0)
    at = moment(text_of(entity.properties, "started_at"))
    return at if at is not None else min(s.valid_from for s in entity.statements)


CHECK = Asking("said", "whether people named it when trouble was noticed", 1.0, 0.1, _weigh)
