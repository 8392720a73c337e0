"""What changed: in a thing or a place, in a time, by a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.assemble import assemble
from agent.chain import read_messages
from agent.context import Context, match, named
from agent.evidence import inline
from agent.lineage import COSMETIC, Lineage, changes_of, effect
from agent.model import Answer, Change, EntityItem
from agent.people import find_people, made_by
from agent.phrasing import came_with, listing, plural
from agent.target import Target, find_change, find_target, not_found
from graph.clock import rfc3339
from graph.lexicon import Thing
from graph.places import Place, resolve_place, targets_in
from graph.store import ChangeQuery, ChangeView, Limits

SHOWN = 50
_MESSAGES = 20
_CODE = frozenset({"Block", "File", "Resource", "Service", "Module", "Document"})
_TOLD = 5
_FIRST_ROWS = 2_000
_MOST_ROWS = 50_000
_FEW_TARGETS = 4_000


def answer(context: Context) -> Answer:
    """The changes asked for, newest first, and a sentence about them."""
    question = context.question
    people: list[Thing] = []
    inside = find_change(context, question.by) if question.by else None
    if question.by and inside is None:
        people = find_people(context.store, question.by, context.view)
        if not people:
            context.missing.append(f"nobody called “{inline(question.by, 60)}” is known")
            return context.answer("not_found", f"Nobody called “{inline(question.by, 60)}” is known.", confidence=0.0)
    target = inside
    if inside is None and question.mention and not _everything(question.mention):
        target = find_target(context, question.mention, prefer_place=True)
        if target is None:
            return not_found(context, question.mention)
    lineage = _changes(context, target, people)
    shown = lineage.changes[:SHOWN]
    known = {t.ref: t for t in target.things} if target else {}
    changes = assemble(context, shown, known)
    text = _text(context, target, people, changes, len(lineage.changes), cut=lineage.cut)
    also, entities = _also(context, people) if people and target is None else ([], [])
    text = " ".join([text, *also])
    confidence = target.confidence if target else 0.95
    ambiguous = target is not None and target.ambiguous
    return context.answer(
        "ambiguous" if ambiguous else "answered",
        text,
        confidence=confidence,
        resolved=[*(target.resolved if target else ()), *(match(p, 0.9) for p in people[:3])],
        candidates=target.candidates if target else (),
        changes=changes,
        entities=entities,
        truncated=lineage.cut or len(lineage.changes) > SHOWN,
    )


_ALSO = {
    "APPROVED_BY": "approved",
    "REVIEWED_BY": "reviewed",
    "MERGED_BY": "merged",
    "ACKNOWLEDGED_BY": "acknowledged",
    "RESOLVED_BY": "resolved",
}


def _also(context: Context, people: Sequence[Thing]) -> tuple[list[str], list[EntityItem]]:
    """What people did beside changes in a window: what they wrote, approved, merged, started and acknowledged."""
    question = context.question
    if question.since is None or question.until is None:
        return [], []
    refs = sorted({r for e in context.store.entities([p.ref for p in people], context.view) for r in e.refs})
    edges = context.store.neighbours(
        refs, context.view, Limits(rows=5_000), types=("POSTED_BY", "PERFORMED_BY", *_ALSO), direction="in"
    ).items
    dated = [(min(s.valid_from for s in e.statements), e) for e in edges]
    inside = sorted(((at, e.src, e) for at, e in dated if question.since <= at < question.until), key=lambda p: p[:2])
    seen = {r: t for t in context.store.entities([src for _, src, _ in inside], context.view) for r in t.refs}
    sentences: list[str] = []
    entities: list[EntityItem] = []
    told: set[tuple[str, str]] = set()
    for _, src, edge in inside:
        entity = seen.get(src)
        verb = (
            "started"
            if edge.type == "PERFORMED_BY" and src.kind in ("WorkflowRun", "Deployment")
            else _ALSO.get(edge.type, "")
        )
        if entity is None or not verb or (edge.type == "REVIEWED_BY" and (src, "APPROVED_BY") in told):
            continue
        told.add((src, edge.type))
        name = f"#{entity.properties['number']} " if entity.properties.get("number") else ""
        title = inline(str(entity.properties.get("title") or entity.properties.get("name") or ""), 100)
        cited = context.citations.cite(edge.statements[0].provenance)
        sentences.append(context.state(f"{verb.capitalize()} {name}“{title}”.", cited))
    posted = [src for _, src, e in inside if e.type == "POSTED_BY"]
    for message in read_messages(context.store, context.view, posted[:_MESSAGES], {}, set()):
        cited = context.citations.cite(message.said)
        sentences.append(
            context.state(f"Wrote in #{inline(message.channel.lstrip('#'), 60)}: “{inline(message.text, 160)}”.", cited)
        )
        entities.append(
            EntityItem(
                ref=str(message.ref), kind="Message", label=inline(message.text, 120), properties={}, citations=(cited,)
            )
        )
    return sentences, entities


def _everything(mention: str) -> bool:
    return mention.casefold().strip() in {
        "everything",
        "anything",
        "all",
        "it",
        "there",
        "here",
        "the infrastructure",
        "infrastructure",
        "our infrastructure",
        "the code",
        "general",
        "total",
    }


def _changes(context: Context, target: Target | None, people: Sequence[Thing]) -> Lineage:
    question = context.question
    by = [p.ref for p in people] or None
    query = ChangeQuery(since=question.since, until=question.until, by=by, effects=question.effects or None)
    if target is None:
        return _several(_read(context, query, _FIRST_ROWS))
    if target.sort == "place" and target.place:
        return in_place(context, query, target.place, rows=SHOWN + 1)
    if target.sort == "change":
        page = context.store.changes(ChangeQuery(changes=target.refs), context.view, Limits(rows=_FIRST_ROWS))
        return _inside(context, _several(Lineage(page.items, page.cut)))
    found = changes_of(
        context.store,
        target.refs,
        context.view,
        rows=500,
        since=question.since,
        until=question.until,
        effects=question.effects,
    )
    if by and found.changes:
        found = Lineage(made_by(context.store, people, found.changes, context.view), found.cut)
    return found


def _inside(context: Context, found: Lineage) -> Lineage:
    """Of a change's parts those in the place that was named beside it ("what did #12 change in dns")."""
    mention = context.question.mention if context.question.by else ""
    place = resolve_place(context.store, mention, context.view) if mention else None
    if mention and place is None:
        context.missing.append(f"no place called “{inline(mention, 60)}” is known: all parts of the change are listed")
    return Lineage(tuple(c for c in found.changes if place is None or _is_at(c, place)), found.cut)


def in_place(context: Context, query: ChangeQuery, place: Place, *, rows: int) -> Lineage:
    """The newest changes in a place, up to `rows`, one of which is meaningful when any is."""
    targets = targets_in(context.store, place, context.view, _FEW_TARGETS)
    if targets is not None:
        query = replace(query, targets=targets)
    read = _FIRST_ROWS if targets is None else rows * 4
    while True:
        found = _read(context, query, read)
        here = _several(Lineage(tuple(c for c in found.changes if _is_at(c, place)), found.cut))
        if len(here.changes) >= rows and any(effect(c) not in COSMETIC for c in here.changes[:rows]):
            return Lineage(here.changes, cut=True) if found.cut else here
        if not found.cut or read >= _MOST_ROWS:
            return here
        read *= 5


def _is_at(change: ChangeView, place: Place) -> bool:
    path = change.properties.get("path")
    return change.target in place.refs or (isinstance(path, str) and place.holds(path, change.provenance.scope))


def _read(context: Context, query: ChangeQuery, rows: int) -> Lineage:
    page = context.store.changes(query, context.view, Limits(rows=rows))
    return Lineage(page.items, page.cut)


def _several(found: Lineage) -> Lineage:
    """Without what is said twice: a file's change when the same change of its blocks is told."""
    told = {(c.change, c.properties.get("path")) for c in found.changes if c.target.kind == "Block"}
    kept = tuple(
        c
        for c in found.changes
        if c.target.kind in _CODE and not (c.target.kind == "File" and (c.change, c.properties.get("path")) in told)
    )
    return Lineage(kept, found.cut)


def _text(
    context: Context,
    target: Target | None,
    people: Sequence[Thing],
    changes: tuple[Change, ...],
    count: int,
    *,
    cut: bool,
) -> str:
    where = _where(context, target, people)
    if not changes:
        return f"No change{where} is known."
    commits = list(dict.fromkeys((c.change.kind, c.change.id) for c in changes))
    number = f"more than {count}" if cut else str(count)
    head = f"{number[0].upper() + number[1:] if count > 1 or cut else 'One'} change{'s' if count > 1 or cut else ''}{where}"
    sentences = [f"{head}, the newest first:" if count > 1 or cut else f"{head}:"]
    for kind, key in commits[:_TOLD]:
        of_it = [c for c in changes if (c.change.kind, c.change.id) == (kind, key)]
        newest = of_it[0]
        names = [f"{c.target.label if c.target else 'something'}{_EFFECT.get(c.effect, '')}" for c in of_it]
        sentence = f"{newest.by.name or 'Somebody'} on {newest.at[:10]} {came_with(newest)}: {listing(list(dict.fromkeys(names)), 3)}."
        sentences.append(context.state(sentence, *newest.citations))
    if len(commits) > _TOLD or count > len(changes):
        sentences.append(
            "Older ones are listed in the answer's changes." if len(commits) > _TOLD else "The list is cut."
        )
    return " ".join(sentences)


_EFFECT = {"created": " (created)", "deleted": " (deleted)", "moved": " (moved)", "format_only": " (reformatted)"}


def _where(context: Context, target: Target | None, people: Sequence[Thing]) -> str:
    question = context.question
    parts: list[str] = []
    if target and target.place:
        parts.append(f"in {inline(target.place.label, 120)}")
    elif target and target.sort == "group":
        parts.append(f"to {plural(len(target.things), 'thing')} meant by “{inline(question.mention, 80)}”")
    elif target:
        parts.append(f"{'in' if target.sort == 'change' else 'to'} {named(target.thing)}")
    if people:
        parts.append(f"by {inline(people[0].text('name') or people[0].label, 60)}")
    if question.since is not None and question.until is not None:
        parts.append(f"between {rfc3339(question.since)[:16]} and {rfc3339(question.until)[:16]} UTC")
    elif question.since is not None:
        parts.append(f"since {rfc3339(question.since)[:16]} UTC")
    elif question.until is not None:
        parts.append(f"before {rfc3339(question.until)[:16]} UTC")
    return "".join(f" {p}" for p in parts)
