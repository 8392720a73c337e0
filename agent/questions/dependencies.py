"""What depends on something, and on what it depends."""

from __future__ import annotations

from collections.abc import Iterable

from agent.context import Context, named
from agent.evidence import inline
from agent.model import Answer, EntityItem, RelationItem
from agent.phrasing import listing, plural
from agent.questions.owner import item
from agent.target import Target, find_target, not_found
from graph.lexicon import things
from graph.model import EntityRef
from graph.store import Limits, RelationView

_ROWS = 500
_HOPS = 4
_SHOWN = 100


def answer(context: Context) -> Answer:
    """The direct dependencies one by one, and how many there are behind them."""
    target = find_target(context, context.question.mention)
    if target is None:
        return not_found(context, context.question.mention)
    incoming = context.question.direction == "in"
    refs = _refs(context, target)
    page = context.store.neighbours(
        refs[:200],
        context.view,
        Limits(rows=_ROWS),
        types=("DEPENDS_ON", "CONTAINS"),
        direction=context.question.direction,
    )
    edges = [e for e in page.items if _counts(e)]
    near = list(dict.fromkeys(e.src if incoming else e.dst for e in edges))
    found = {t.ref: t for t in things(context.store, near[:_SHOWN], context.view)}
    entities: list[EntityItem] = []
    relations: list[RelationItem] = []
    for edge in edges[:_SHOWN]:
        cited = context.citations.cite(edge.statements[0].provenance)
        other = found.get(edge.src if incoming else edge.dst)
        if other and all(e.ref != other.ref for e in entities):
            entities.append(item(other, cited))
        relations.append(RelationItem(type=edge.type, src=str(edge.src), dst=str(edge.dst), citations=(cited,)))
    label = named(target.thing) if target.sort == "thing" else inline(context.question.mention, 120)
    names = [inline(t.label) for r in near if (t := found.get(r))]
    if names:
        said = f"{label} is used by {listing(names, 8)}." if incoming else f"{label} depends on {listing(names, 8)}."
        text = context.state(said, *dict.fromkeys(c for e in entities[:8] for c in e.citations))
        text += _further(context, refs, len(near))
    else:
        text = f"Nothing known {'depends on' if incoming else 'is depended on by'} {label}."
        context.missing.append(
            "references are known within a module and from module calls, not through remote state or names"
        )
    return context.answer(
        "ambiguous" if target.ambiguous else "answered",
        text,
        confidence=target.confidence * (1.0 if names else 0.6),
        resolved=target.resolved,
        candidates=target.candidates,
        entities=entities,
        relations=relations,
        truncated=page.cut or len(near) > _SHOWN,
    )


def _refs(context: Context, target: Target) -> list[EntityRef]:
    refs = list(target.refs)
    if target.place:
        refs += [r for r in target.place.refs if r.kind in ("Module", "File")]
    return list(dict.fromkeys(refs))


def _counts(edge: RelationView) -> bool:
    """Whether an edge is a dependency: a module's holding its own blocks is not, a block's call of a module is."""
    return edge.type == "DEPENDS_ON" or edge.src.kind == "Block"


def _further(context: Context, refs: Iterable[EntityRef], near: int) -> str:
    """How many things lie behind the direct ones."""
    reach = context.store.subgraph(
        list(refs)[:50],
        _HOPS,
        context.view,
        Limits(rows=5_000),
        types=("DEPENDS_ON",),
        direction=context.question.direction,
    )
    far = sum(1 for hops in reach.distance.values() if hops > 1)
    if not far:
        return ""
    way = "depend on it" if context.question.direction == "in" else "are needed"
    return f" Indirectly, {'at least ' if reach.cut else ''}{plural(far, 'more thing')} {way} ({near} directly)."
