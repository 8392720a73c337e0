"""The turn that is remembered of an answer, and of an investigation."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.conversation.turns import ChangeTopic, Choice, ThingTopic, Turn
from agent.conversation.words import replaced
from agent.evidence import inline, text_of
from agent.intent import understand
from agent.investigation import Investigation
from agent.lineage import COSMETIC
from agent.model import Answer, Change, Match
from graph.clock import SECOND, Instant, instant, rfc3339
from graph.model import EntityRef
from graph.store import GraphStore, View

_MOST_CHOICES = 10
_NAMELESS = frozenset({"audit_event", "state_version"})
_MOST_CHANGES = 20
_PEOPLE = frozenset({"Account", "Person"})
_SAID_BY_ITSELF = frozenset({"incident", "alerts", "running", "owner", "on_call", "expiring"})
"""Kinds of answers that may resolve to nothing although the question named something."""


_SERVICE = re.compile(r"([\w./-]+) v?\d+\.\d")
_AROUND: Instant = 60 * SECOND


def turn_of_answer(answer: Answer, store: GraphStore, view: View, now: Instant) -> Turn:
    """What is remembered of an answered question."""
    question = understand(answer.question, now)
    if answer.status in ("not_found", "refused"):
        return Turn(
            asked=answer.question,
            kind=answer.kind,
            status=answer.status,
            choices=_choices(answer, question.mention),
            environment=question.environment,
        )
    requests = _requests(store, view, answer)
    listed = _listed(answer.changes)
    resolved = answer.resolved[0] if answer.resolved else None
    main = _main(answer, listed, resolved)
    thing = None
    if resolved is not None and resolved.ref.partition(":")[0] not in (*_PEOPLE, "PullRequest", "Commit"):
        thing = thing_of(resolved)
    elif answer.kind == "running" and main is not None and (service := _SERVICE.match(main.name)):
        thing = ThingTopic(name=service[1], kind="Service")
    elif resolved is None and question.mention and answer.kind in _SAID_BY_ITSELF:
        thing = ThingTopic(name=question.mention, kind=_first_kind(answer))
    elif main is not None:
        thing = main.thing
    if main is None and requests:
        main = requests[0]
    named = question.by and any(m.ref.partition(":")[0] in _PEOPLE for m in answer.resolved)
    people = [question.by] if named else [main.by] if main is not None and main.by else []
    people += [e.label for e in answer.entities if e.kind in _PEOPLE]
    people += [m.label for m in answer.resolved if m.ref.partition(":")[0] in _PEOPLE]
    told = next((e for e in answer.entities if e.kind in ("Incident", "Alert")), None)
    happened = str(told.properties.get("started_at") or told.properties.get("at") or "") if told is not None else ""
    return Turn(
        asked=answer.question,
        kind=answer.kind,
        status=answer.status,
        thing=thing,
        change=main,
        changes=listed,
        sure=main is not None or thing is not None or len(listed) < 2,
        people=tuple(dict.fromkeys(inline(p) for p in people if p)),
        choices=_choices(answer, question.mention),
        environment=question.environment or (resolved.environment or "" if resolved is not None else ""),
        at=main.at if main is not None else happened,
        symptom=inline(told.label) if told is not None else "",
    )


def turn_of_investigation(found: Investigation) -> Turn:
    """What is remembered of an investigation: its first cause is "it", its causes can be counted."""
    causes: list[ChangeTopic] = []
    for cause in found.causes:
        ids = [i for i in (cause.change, *cause.also) if i is not None]
        request = next((i for i in ids if i.kind == "pull_request" and i.id.isdecimal()), None)
        commit = next((i for i in ids if i.kind == "commit"), None)
        first = request or commit or cause.change
        if first is None:
            continue
        label = inline(cause.label or first.id)
        name = _change_name(first.kind, first.id, first.repository, label)
        target = cause.target_label
        causes.append(
            ChangeTopic(
                name=name,
                label=label,
                kind=first.kind,
                id=(commit or first).id,
                repository=first.repository,
                at=cause.at or "",
                by=cause.by,
                environments=(cause.environment,) if cause.environment else (),
                thing=ThingTopic(name=inline(target), ref=cause.target) if target else None,
            )
        )
    first = causes[0] if causes and found.verdict != "insufficient_evidence" else None
    return Turn(
        asked=found.symptom,
        kind="investigate",
        status="found" if found.verdict == "cause_found" else "open",
        thing=first.thing if first is not None else None,
        change=first,
        changes=tuple(causes[:_MOST_CHANGES]),
        sure=first is not None,
        people=tuple(dict.fromkeys(c.by for c in causes[:1] if c.by)),
        environment=found.environment,
        at=found.detected_at,
        symptom=inline(found.symptom),
        investigation=found.id,
    )


def thing_of(found: Match) -> ThingTopic:
    """A match by a name that means just it: with its file, or where it runs."""
    label = inline(found.label, 200)
    place = found.locator.partition("@")[0] if "@" in found.locator else found.locator
    place = place.rpartition(":")[2] if "/" in place.rpartition(":")[2] else place
    if found.environment:
        name = f"{label} in {found.environment}"
    elif found.ref.startswith("Block:") and place and place != label and " " not in place:
        name = f"{label} in {place}"
    else:
        name = label
    return ThingTopic(name=name, kind=found.ref.partition(":")[0], ref=found.ref)


def _main(answer: Answer, listed: Sequence[ChangeTopic], resolved: Match | None) -> ChangeTopic | None:
    """The change that the answer's first sentence is about; None when it lists several."""
    if not listed:
        return None
    if answer.kind in ("what_changed", "went_out", "by_hand", "incident", "discussed", "alerts"):
        # Several commits of one pull request are one change to whoever talks of it.
        return listed[0] if len({c.name for c in listed}) == 1 else None
    told = [c for c in answer.changes if c.effect not in COSMETIC]
    of_it = [c for c in told if resolved is not None and c.target is not None and c.target.ref == resolved.ref]
    first = (of_it or told or list(answer.changes))[0]
    return _topic(first)


def _listed(changes: Sequence[Change]) -> tuple[ChangeTopic, ...]:
    """The changes by themselves, in the order in which they are shown: what only reformatted or moved comes last."""
    groups: dict[str, list[Change]] = {}
    for change in changes:
        groups.setdefault(change.change.id, []).append(change)
    ordered = sorted(groups.values(), key=lambda group: all(c.effect in COSMETIC for c in group))
    return tuple(_topic(next((c for c in g if c.effect not in COSMETIC), g[0])) for g in ordered[:_MOST_CHANGES])


def _topic(change: Change) -> ChangeTopic:
    request = change.pull_request
    kind, identifier, repository = change.change.kind, change.change.id, change.change.repository
    target = thing_of(change.target) if change.target is not None else None
    title = inline(change.title or (request.title if request else ""), 120)
    if request is not None and repository:
        name, label = f"{repository}#{request.number}", f"#{request.number} {inline(request.title, 100)}"
    else:
        name = _change_name(kind, identifier, repository, change.target.label if change.target else title)
        label = title or name
        if kind in _NAMELESS and target is not None:
            # It has no name that a question could hold: the thing and the minute mean it.
            at = instant(change.at)
            name = f"{target.name} between {rfc3339(at - _AROUND)} and {rfc3339(at + _AROUND)}"
    return ChangeTopic(
        name=name,
        label=label,
        kind=kind,
        id=identifier,
        repository=repository,
        at=change.at,
        by=change.by.name,
        environments=tuple(r.environment for r in change.reached),
        thing=target,
    )


def _change_name(kind: str, identifier: str, repository: str, label: str) -> str:
    if kind == "pull_request" and repository:
        return f"{repository}#{identifier}"
    if kind == "commit":
        return identifier[:12]
    return inline(label, 120) or identifier


def _requests(store: GraphStore, view: View, answer: Answer) -> list[ChangeTopic]:
    """The pull requests and commits that the answer resolved to."""
    refs = [EntityRef(m.ref) for m in answer.resolved if m.ref.startswith(("PullRequest:", "Commit:"))]
    found: list[ChangeTopic] = []
    for entity in store.entities(refs, view) if refs else ():
        title = inline(text_of(entity.properties, "title"), 100)
        repository = text_of(entity.properties, "repository")
        number = entity.properties.get("number")
        if entity.kind == "PullRequest" and number is not None:
            merge = text_of(entity.properties, "merge_commit")
            found.append(
                ChangeTopic(
                    name=f"{repository}#{number}",
                    label=f"#{number} {title}".strip(),
                    kind="commit" if merge else "pull_request",
                    id=merge or str(number),
                    repository=repository,
                    at=text_of(entity.properties, "merged_at") or text_of(entity.properties, "created_at"),
                )
            )
        elif entity.kind == "Commit":
            sha = entity.ref.id
            found.append(ChangeTopic(name=sha[:12], label=title, kind="commit", id=sha, repository=repository))
    return found


def _choices(answer: Answer, mention: str) -> tuple[Choice, ...]:
    """What else the question may have meant, each as the question that means just that."""
    if not answer.candidates or not mention:
        return ()
    offered = [*(answer.resolved[:1] if answer.status == "ambiguous" else ()), *answer.candidates]
    seen: dict[str, Choice] = {}
    for one in offered:
        name = thing_of(one).name
        label = inline(f"{one.label} ({one.environment or one.locator})", 160)
        seen.setdefault(name, Choice(label=label, question=replaced(answer.question, mention, name)))
    return tuple(list(seen.values())[:_MOST_CHOICES])


def _first_kind(answer: Answer) -> str:
    return answer.entities[0].kind if answer.entities else ""
