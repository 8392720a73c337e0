"""Who changed it, when, and what was the last change."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from agent.assemble import SHOWN, assemble, with_reasons
from agent.chain import chain_of
from agent.context import CANDIDATES, Context, match, named
from agent.doors import Door
from agent.evidence import inline
from agent.fold import Folded, fold
from agent.lineage import COSMETIC, Lineage, changes_of, effect
from agent.model import Answer, Change, Match
from agent.narrative import approvals, arrivals, best_messages, calls, quote
from agent.people import find_people, made_by
from agent.phrasing import afterwards, plural, who_did
from agent.reach import environment_of, mentioned_environment
from agent.shipments import shipments
from agent.target import Target, find_target, not_found
from graph.groups import gone_since
from graph.lexicon import Thing, things
from graph.model import EntityRef
from graph.store import ChangeQuery, ChangeView, Limits
from graph.text import name_tokens

_ROWS = 50
_ROWS_FOR_ATTRIBUTE = 1_000
_SEEN = 400
_NUMBER = frozenset({"count", "for", "each", "number"})
"""Words of the attributes that say how many instances there are: a change of one creates or deletes some."""


def answer(context: Context) -> Answer:
    """The newest meaningful change of what is asked about, the later cosmetic ones marked, the earlier ones listed."""
    target = find_target(context, context.question.mention)
    if target is None:
        return not_found(context, context.question.mention)
    return answer_about(context, target)


@dataclass(frozen=True, slots=True)
class Told:
    """An answer, with the change that it is about as the store has it (None when there is none)."""

    answer: Answer
    main: ChangeView | None = None
    change: Change | None = None


def answer_about(context: Context, target: Target) -> Answer:
    """The same for a target that was found before."""
    return told_about(context, target).answer


def told_about(context: Context, target: Target) -> Told:
    """The same, with the change itself."""
    target = _where(context, target)
    lineage, known = history_of(context, target)
    lineage = _by_person(context, lineage)
    if target.attribute:
        lineage = _of_attribute(lineage, target.attribute)
    folded = fold(context.store, context.view, lineage)
    lineage = folded.lineage
    shown = _shown(lineage)
    main = next((i for i, c in enumerate(shown) if effect(c) not in COSMETIC), 0 if shown else None)
    changes = _assembled(context, shown, main, known)
    candidates = target.candidates
    resolved = target.resolved
    confidence = target.confidence
    if target.sort == "group" and main is not None:
        resolved, candidates = _of_group(target, changes, main)
    if main is None:
        return Told(_nothing(context, target))
    changes = (*changes[:main], with_reasons(context, changes[main], shown[main]), *changes[main + 1 :])
    note_coverage(context, changes[main])
    text = _text(context, target, changes, main, len(lineage.changes))
    text = " ".join([text, *_way(context, shown[main], changes[main], folded)])
    ambiguous = target.ambiguous
    if ambiguous:
        text += f" {plural(target.resolution.rivals, 'other thing')} may be meant, too."
    found = context.answer(
        "ambiguous" if ambiguous else "answered",
        text,
        confidence=confidence,
        resolved=resolved,
        candidates=candidates,
        changes=changes,
        truncated=lineage.cut or len(lineage.changes) > len(shown),
    )
    return Told(found, shown[main], changes[main])


def _where(context: Context, target: Target) -> Target:
    """The target in the environments that the question is about: those of the instances it names, or the one named beside it.

    What was done in staging is never told of prod.
    """
    instances = [t for t in target.things if t.ref.kind == "Resource"]
    if instances and len(instances) == len(target.things):
        context.environments = frozenset(e for t in instances if (e := t.text("environment") or t.text("workspace")))
        return target
    known = shipments(context.store, context.view).environments
    asked = context.question.environment or mentioned_environment(context.question.mention, known)
    if not asked or target.sort not in ("thing", "group"):
        return target
    others = things(context.store, [r for r in target.refs if r.kind == "Resource"], context.view)
    where = {t.ref: environment_of(t.text("environment") or t.text("workspace"), known) for t in others}
    if asked not in where.values():
        return target
    context.environments = frozenset({asked})
    return replace(target, refs=tuple(r for r in target.refs if where.get(r, asked) == asked))


def _way(context: Context, view: ChangeView, change: Change, folded: Folded) -> list[str]:
    """How the change came about and arrived, as far as the sources tell."""
    events = folded.carried.get((view.change, view.target), ())
    sentences: list[str] = []
    if view.change.kind == "AuditEvent" and (door := folded.doors.get((view.change, view.target))):
        sentences.append(door_sentence(context, view, door))
    chain = chain_of(context.store, context.view, view)
    sentences += approvals(context, chain)
    if context.question.kind != "why" and chain.messages:
        sentences += [quote(context, m) for m in best_messages(chain, 1)]
    carried = context.reach.of([view], context.environments).get((view.change, view.target), ())
    sentences += arrivals(context, carried)
    return [*sentences, *calls(context, events, folded.doors)]


def door_sentence(context: Context, view: ChangeView, door: Door) -> str:
    """That a change was made by hand, and whether code manages what it changed."""
    cited = context.citations.cite(view.provenance)
    how = {"console": "in the console", "cli": "on the command line", "kubectl": "with kubectl"}.get(
        door.via, f"by way of {inline(door.via, 30)}" if door.via != "unknown" else "by a direct call"
    )
    where = f" in {inline(door.environment, 40)}" if door.environment else ""
    if door.outside_code:
        return context.state(
            f"It was made by hand{where}, {how}: no apply of the code that manages it explains it.", cited
        )
    if door.by_hand:
        return context.state(f"It was made{where} {how}.", cited)
    return context.state(f"It was made{where} by an apply ({inline(door.via, 30)}).", cited)


def _assembled(
    context: Context, shown: tuple[ChangeView, ...], main: int | None, known: dict[EntityRef, Thing]
) -> tuple[Change, ...]:
    """These changes for the answer; the main one is cited first, since the text begins with it."""
    if not main:
        return assemble(context, shown, known)
    told = assemble(context, (shown[main], *shown[:main], *shown[main + 1 :]), known)
    return (*told[1 : main + 1], told[0], *told[main + 1 :])


def history_of(context: Context, target: Target) -> tuple[Lineage, dict[EntityRef, Thing]]:
    """The changes of a target over all its names, newest first, and the things that are known already."""
    question = context.question
    known = {t.ref: t for t in target.things}
    window = {"since": question.since, "until": question.until}
    if target.sort == "change":
        query = ChangeQuery(changes=target.refs)
        page = context.store.changes(query, context.view, Limits(rows=_SEEN))
        return Lineage(page.items, page.cut), {}
    if target.sort == "place":
        return _in_place(context, target), {}
    rows = _ROWS_FOR_ATTRIBUTE if target.attribute else _ROWS
    found = changes_of(context.store, target.refs, context.view, rows=rows, effects=question.effects, **window)
    group = target.resolution.group
    if target.sort == "group" and group is not None:
        # Only deletions that are newer than the newest change of what exists can be the last change.
        newest = found.meaningful.at if found.meaningful else 0
        gone = [t for t in gone_since(context.store, context.view, group, newest) if t.ref not in known]
        if gone:
            known.update((t.ref, t) for t in gone)
            refs = list(dict.fromkeys((*target.refs, *known)))
            found = changes_of(context.store, refs, context.view, rows=rows, effects=question.effects, **window)
    return found, known


def _in_place(context: Context, target: Target) -> Lineage:
    from agent.questions.what_changed import in_place

    question = context.question
    query = ChangeQuery(since=question.since, until=question.until, effects=question.effects or None)
    assert target.place is not None
    return in_place(context, query, target.place, rows=_ROWS)


def _by_person(context: Context, lineage: Lineage) -> Lineage:
    by = context.question.by
    if not by or not lineage.changes:
        return lineage
    people = find_people(context.store, by, context.view)
    if not people:
        context.missing.append(f"nobody called “{inline(by, 60)}” is known")
        return Lineage(())
    return Lineage(made_by(context.store, people, lineage.changes, context.view), lineage.cut)


def _of_attribute(lineage: Lineage, attribute: str) -> Lineage:
    """The changes that touched an attribute; all of them when none did."""
    words = set(name_tokens(attribute))
    touching: list[ChangeView] = []
    for change in lineage.changes:
        listed = change.properties.get("attributes")
        if effect(change) in COSMETIC or not isinstance(listed, list | tuple):
            continue
        paths = [item.get("path") for item in listed if isinstance(item, dict)]
        of_number = words <= _NUMBER and change.target.kind == "Resource" and effect(change) in ("created", "deleted")
        if of_number or any(isinstance(p, str) and words <= set(name_tokens(p)) for p in paths):
            touching.append(change)
    return Lineage(tuple(touching), lineage.cut) if touching else lineage


def _shown(lineage: Lineage) -> tuple[ChangeView, ...]:
    """The newest changes, far enough back to hold one that is meaningful."""
    main = next((i for i, c in enumerate(lineage.changes) if effect(c) not in COSMETIC), 0)
    if main < SHOWN:
        return lineage.changes[:SHOWN]
    return (*lineage.changes[: SHOWN - 1], lineage.changes[main])


def _of_group(target: Target, changes: tuple[Change, ...], main: int) -> tuple[tuple[Match, ...], tuple[Match, ...]]:
    """Of a group: the thing that changed last is the answer's, the next ones stand beside it."""
    recent = list(dict.fromkeys(c.target for c in changes[main:] if c.target))
    known = {m.ref for m in recent}
    others = sorted((t for t in target.things if t.ref not in known), key=lambda t: (-t.valid_from, t.ref))
    confidence = target.confidence
    ranked = [*recent, *(match(t, 0.0) for t in others)]
    best = msgspec.structs.replace(ranked[0], confidence=confidence) if ranked else None
    beside = [
        msgspec.structs.replace(m, confidence=round((1 - confidence) / (i + 2), 4))
        for i, m in enumerate(ranked[1 : CANDIDATES + 1])
    ]
    return ((best,) if best else ()), tuple(beside)


def note_coverage(context: Context, change: Change) -> None:
    """Say what the sources cannot tell about a change."""
    if change.at_means == "merged" and all(r.basis in ("merged", "unknown") for r in change.reached):
        context.missing.append(
            "no deployment or state source covers this change: when it reached an environment is not known"
        )
    if not change.by.name:
        context.missing.append("the change names no author")


def _text(context: Context, target: Target, changes: tuple[Change, ...], main: int, count: int) -> str:
    change = changes[main]
    label = label_of(change, target)
    sentences = [context.state(who_did(change, label) + ".", *change.citations)]
    if target.sort == "group" and len(target.things) > 1:
        sentences.insert(0, f"Of {plural(len(target.things), 'thing')} that this may mean, the last change was this:")
    if change.effect == "format_only":
        sentences.append("No change of its meaning is known.")
    later = tuple(
        c for c in changes[:main] if c.effect in COSMETIC and (target.sort == "thing" or c.target == change.target)
    )
    if later:
        sentences.append(context.state(afterwards(later) + ".", later[0].citations[0]))
    if change.reverted_by:
        sentences.append(f"It was reverted by {inline(change.reverted_by[0][:10])}.")
    if target.sort == "change" and count > 1:
        sentences.append(f"It changed {plural(count, 'thing')}.")
    if target.sort == "thing" and not target.thing.live and change.effect != "deleted":
        sentences.append("It no longer exists under this name.")
    return " ".join(sentences)


def label_of(change: Change, target: Target) -> str:
    """What to call the changed thing."""
    if change.target:
        place = change.target.environment or change.target.locator
        return change.target.label if place == change.target.label else f"{change.target.label} ({place})"
    return named(target.thing) if target.things else (target.place.label if target.place else "it")


def _told(target: Target, mention: str) -> str:
    """What to call a target of which nothing is told."""
    if target.sort == "change" and (title := target.thing.text("title")):
        return f"{inline(target.thing.label)} (“{inline(title, 100)}”)"
    if target.sort in ("thing", "change"):
        return named(target.thing)
    return inline(target.place.label if target.place else mention)


def _nothing(context: Context, target: Target) -> Answer:
    question = context.question
    label = _told(target, question.mention)
    limits = [
        text
        for text, given in (
            (f"by {inline(question.by, 60)}", question.by),
            ("in that time", question.since is not None or question.until is not None),
            (f"of that kind ({', '.join(sorted(question.effects))})", question.effects),
        )
        if given
    ]
    context.missing.append("no change is known" + "".join(f" {t}" for t in limits))
    text = f"No change of {label} {' '.join(limits) + ' ' if limits else ''}is known."
    cited = [context.citations.cite_thing(target.thing)] if target.sort in ("thing", "change") else []
    text = context.state(text, *cited)
    return context.answer(
        "ambiguous" if target.ambiguous else "answered",
        text,
        confidence=target.confidence * (0.8 if limits else 0.3),
        resolved=target.resolved,
        candidates=target.candidates,
    )
