"""What took effect in the world in a window: deployments, applies and what was done by hand, by the time it arrived."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.assemble import assemble
from agent.chain import performers, person_name, requests_of
from agent.context import Context
from agent.doors import Door, doors
from agent.evidence import inline, text_of
from agent.model import Actor, Change, ChangeId, Match, PullRequest, Reached
from agent.reach import runs_in
from agent.shipments import Shipment, shipments
from graph.clock import SECOND, Instant, rfc3339
from graph.model import EntityRef
from graph.store import ChangeQuery, ChangeView, EntityView, Limits

_ROWS = 5_000
_MARGIN: Instant = 15 * 60 * SECOND
_KINDS = ("AuditEvent", "StateVersion")


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that took effect. Exactly one of `shipment` and `views` tells what; `views` are the changes of one event or state version."""

    at: Instant
    ref: EntityRef
    environment: str
    shipment: Shipment | None = None
    views: tuple[ChangeView, ...] = ()
    door: Door | None = None


def effects(
    context: Context,
    since: Instant | None,
    until: Instant | None,
    *,
    environment: str = "",
    service: str = "",
    targets: Sequence[EntityRef] | None = None,
    by: Sequence[EntityRef] | None = None,
    only_by_hand: bool = False,
) -> tuple[Effect, ...]:
    """What took effect at `since <= t < until`, newest first.

    A state version that an apply explains, and a call that an apply or state version explains, are told with those.
    """
    store, view = context.store, context.view
    shipped = [
        s
        for s in shipments(store, view).between(since, until)
        if s.took_effect
        and (not environment or s.environment == environment)
        and (not service or s.service == service)
        and not only_by_hand
        and targets is None
    ]
    if by is not None and shipped:
        theirs = _performed_by(context, [s.ref for s in shipped], by)
        shipped = [s for s in shipped if s.ref in theirs]
    found = [Effect(s.at, s.ref, s.environment, shipment=s) for s in shipped]
    if service and targets is None:
        return tuple(sorted(found, key=lambda e: (-e.at, e.ref)))
    query = ChangeQuery(targets=targets, since=since, until=until, by=by, target_kinds=frozenset({"Resource"}))
    page = store.changes(query, view, Limits(rows=_ROWS))
    events = [c for c in page.items if c.change.kind in _KINDS]
    known = doors(store, view, events)
    states = runs_in(store, view, {e.change for e in events if e.change.kind == "StateVersion"})
    applies = shipments(store, view).applies
    together: dict[EntityRef, list[ChangeView]] = {}
    for event in events:
        together.setdefault(event.change, []).append(event)
    for ref, views in together.items():
        effect = _event(ref, views, known, states, applies, only_by_hand=only_by_hand)
        if effect is not None and (not environment or effect.environment in (environment, "")):
            found.append(effect)
    return tuple(sorted(found, key=lambda e: (-e.at, e.ref)))


def _event(
    ref: EntityRef,
    views: Sequence[ChangeView],
    known: dict[tuple[EntityRef, EntityRef], Door],
    states: dict[EntityRef, str],
    applies: Iterable[Shipment],
    *,
    only_by_hand: bool,
) -> Effect | None:
    at = views[0].at
    if ref.kind == "AuditEvent":
        through = [d for v in views if (d := known.get((v.change, v.target)))]
        by_hand = next((d for d in through if d.by_hand), None)
        return Effect(at, ref, by_hand.environment, views=tuple(views), door=by_hand) if by_hand else None
    if only_by_hand:
        return None
    where = states.get(ref, "")
    explained = any(
        s.started_at - _MARGIN <= at <= s.at + _MARGIN and (not where or s.environment == where) for s in applies
    )
    return None if explained else Effect(at, ref, where, views=tuple(views))


def told(context: Context, found: Sequence[Effect]) -> list[Change]:
    """These effects as changes of an answer, in their order; of several parts of one event the first is told."""
    views = [e.views[0] for e in found if e.views]
    shipped = [e.shipment for e in found if e.shipment]
    people = performers(context.store, context.view, [s.ref for s in shipped])
    requests = _requests(context, shipped)
    changes: list[Change] = []
    by_view = {v.change: c for v, c in zip(views, assemble(context, views), strict=True)} if views else {}
    for effect in found:
        if effect.shipment:
            changes.append(_shipped(context, effect.shipment, people.get(effect.ref), requests.get(effect.ref)))
        elif effect.ref in by_view:
            changes.append(by_view[effect.ref])
    return changes


def _shipped(context: Context, one: Shipment, by: EntityView | None, request: tuple[EntityView, str] | None) -> Change:
    cited = [context.citations.cite(one.said)]
    pull_request = None
    if request is not None:
        entity, citation = request
        number = entity.properties.get("number")
        if isinstance(number, int):
            cited.append(citation)
            pull_request = PullRequest(
                number=number,
                title=inline(text_of(entity.properties, "title"), 300),
                url=text_of(entity.properties, "url") or None,
            )
    what = f"{one.service} {one.version}".strip() if one.service else f"apply {one.workspace or one.repository}".strip()
    at = rfc3339(one.at)
    return Change(
        change=ChangeId(kind="deployment", id=one.deployment_id or one.ref.id, repository=one.repository),
        at=at,
        at_means="applied" if one.is_apply else "deployed",
        reached=(
            Reached(
                environment=one.environment or "unknown",
                earliest=rfc3339(one.started_at),
                latest=at,
                basis="applied" if one.is_apply else "deployed",
            ),
        ),
        by=Actor(name=inline(person_name(by)) if by else "", accounts=_accounts(by)),
        approved_by=(),
        pull_request=pull_request,
        title=inline(one.title or what, 300),
        effect="updated",
        attributes=(),
        why=(),
        citations=tuple(cited),
        target=Match(
            ref=str(one.ref),
            label=inline(what, 120),
            locator=inline(one.said.locator, 200),
            confidence=1.0,
            environment=one.environment or None,
        ),
    )


def _accounts(entity: EntityView | None) -> tuple[str, ...]:
    if entity is None:
        return ()
    names = [inline(v) for s in entity.statements for k in ("email", "login") if (v := text_of(s.properties, k))]
    return tuple(dict.fromkeys(names))


def _requests(context: Context, shipped: Sequence[Shipment]) -> dict[EntityRef, tuple[EntityView, str]]:
    """The pull request that the deployed commit came with, by deployment."""
    commits = [EntityRef(f"Commit:{s.commit}") for s in shipped if s.commit]
    of_commit = {c: some[0] for c, some in requests_of(context.store, context.view, commits).items()}
    if not of_commit:
        return {}
    entities = {e.ref: e for e in context.store.entities(sorted(set(of_commit.values())), context.view)}
    found: dict[EntityRef, tuple[EntityView, str]] = {}
    for one in shipped:
        request = of_commit.get(EntityRef(f"Commit:{one.commit}"))
        if request is not None and request in entities:
            entity = entities[request]
            found[one.ref] = (entity, context.citations.cite(entity.statements[0].provenance))
    return found


def _performed_by(context: Context, refs: Sequence[EntityRef], by: Sequence[EntityRef]) -> set[EntityRef]:
    theirs = {r for e in context.store.entities(sorted(set(by)), context.view) for r in e.refs} | set(by)
    return {
        ref
        for ref, account in performers(context.store, context.view, refs).items()
        if not theirs.isdisjoint(account.refs)
    }


def carried_requests(context: Context, one: Shipment) -> list[EntityView]:
    """The pull requests that came into effect with a deployment, newest first."""
    commits = dict.fromkeys(c.change for c in context.reach.carried(one))
    return _requests_of(context, list(commits) or ([EntityRef(f"Commit:{one.commit}")] if one.commit else []))


def _requests_of(context: Context, commits: Sequence[EntityRef]) -> list[EntityView]:
    refs = {r for some in requests_of(context.store, context.view, commits).values() for r in some}
    found = context.store.entities(sorted(refs), context.view) if refs else ()
    return sorted(found, key=lambda e: -int(str(e.properties.get("number") or 0)))
