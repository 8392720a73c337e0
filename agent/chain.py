"""What stands around a change: pull request, approvals, pipeline, conversation, apply and audit events, each with its source.

thread -> pull request -> merge -> pipeline -> deployment or apply -> audit event. A chain is read for one change; it is as long as
the sources make it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from agent.evidence import text_of
from agent.lineage import commits_of
from graph.clock import Instant
from graph.model import EntityRef
from graph.store import ChangeView, Direction, EntityView, GraphStore, Limits, Provenance, RelationView, View

_ROWS = 1_000
_PERFORMER_ROWS = 5_000
_CONVERSATION = frozenset({"Message", "Thread"})
_MOST_MESSAGES = 200
AROUND: Instant = 21 * 86_400_000_000
"""How far from a change what is said without a link can be about it."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a conversation."""

    ref: EntityRef
    thread: EntityRef | None
    author: EntityRef | None
    name: str
    channel: str
    text: str
    at: Instant
    decision: str
    linked: bool
    said: Provenance


@dataclass(frozen=True, slots=True)
class Step:
    """Somebody's part in a change: an approval, a merge, a run. `entity` is the account or the run."""

    entity: EntityView
    at: Instant
    said: Provenance
    edge: RelationView

    @property
    def name(self) -> str:
        """Who or what."""
        return person_name(self.entity)


@dataclass(frozen=True, slots=True)
class Chain:
    """What stands around one change."""

    requests: tuple[EntityView, ...] = ()
    approvals: tuple[Step, ...] = ()
    reviews: tuple[Step, ...] = ()
    merged: tuple[Step, ...] = ()
    runs: tuple[Step, ...] = ()
    issues: tuple[EntityView, ...] = ()
    messages: tuple[Said, ...] = field(default=())


def chain_of(store: GraphStore, view: View, change: ChangeView) -> Chain:
    """The chain of a change made by a commit or a pull request; of others, the conversations that mention them."""
    commits = [change.change, *commits_of(change)]
    via = text_of(change.properties, "via")
    if via:
        commits.append(EntityRef(f"Commit:{via}"))
    return chain_around(store, view, commits, [change.target])


def chain_around(
    store: GraphStore, view: View, changes: Sequence[EntityRef], targets: Sequence[EntityRef] = ()
) -> Chain:
    """The chain around these commits, pull requests, deployments or events; `targets` are what they touched."""
    start = list(dict.fromkeys(changes))
    edges = _edges(store, view, start, ("PART_OF", "MERGED_AS", "RAN_ON", "MENTIONS", "DEPLOYS"))
    requests = [
        end for e in edges if e.type in ("PART_OF", "MERGED_AS") for end in (e.src, e.dst) if end.kind == "PullRequest"
    ]
    requests = list(dict.fromkeys([*(r for r in start if r.kind == "PullRequest"), *requests]))
    about = (
        _edges(
            store,
            view,
            requests,
            ("APPROVED_BY", "REVIEWED_BY", "MERGED_BY", "MENTIONS", "CLOSES", "MERGED_AS", "PART_OF"),
        )
        if requests
        else ()
    )
    landed = [e.dst for e in about if e.type == "MERGED_AS" and e.dst not in start]
    own = [e.src for e in about if e.type == "PART_OF" and e.src.kind == "Commit" and e.src not in start]
    more = _edges(store, view, [*landed, *own], ("RAN_ON", "MENTIONS")) if landed or own else ()
    every = (*edges, *about, *more)
    runs = [e for e in every if e.type == "RAN_ON"]
    people = [
        e
        for e in (*edges, *about)
        if e.type in ("APPROVED_BY", "REVIEWED_BY", "MERGED_BY") and e.src in {*requests, *start}
    ]
    ends = {e.dst for e in people} | {e.src for e in runs} | set(requests)
    closes = [e.dst for e in about if e.type == "CLOSES"]
    seen = {r: e for e in store.entities(sorted(ends | set(closes)), view) for r in e.refs}
    threads, linked = _talked(every)
    return Chain(
        requests=tuple(seen[r] for r in requests if r in seen),
        approvals=_steps(people, "APPROVED_BY", seen),
        reviews=_steps(people, "REVIEWED_BY", seen),
        merged=_steps(people, "MERGED_BY", seen),
        runs=tuple(_step(e, seen[e.src]) for e in runs if e.src in seen),
        issues=tuple(seen[r] for r in closes if r in seen),
        messages=tuple(conversation(store, view, threads, linked)),
    )


def conversation(
    store: GraphStore, view: View, threads: Iterable[EntityRef], linked: Iterable[EntityRef]
) -> list[Said]:
    """The messages of these threads and of the threads of these messages, in order of time."""
    linked = set(linked)
    of_thread = set(threads)
    if linked:
        edges = store.neighbours(sorted(linked), view, Limits(rows=_ROWS), types=("PART_OF",), direction="out").items
        of_thread |= {e.dst for e in edges if e.dst.kind == "Thread"}
    inside = (
        store.neighbours(sorted(of_thread), view, Limits(rows=_ROWS), types=("PART_OF",), direction="in").items
        if of_thread
        else ()
    )
    thread_of = {e.src: e.dst for e in inside if e.src.kind == "Message"}
    refs = sorted({*thread_of, *linked})[:_MOST_MESSAGES]
    return read_messages(store, view, refs, thread_of, linked)


def read_messages(
    store: GraphStore,
    view: View,
    refs: Sequence[EntityRef],
    thread_of: dict[EntityRef, EntityRef],
    linked: set[EntityRef],
) -> list[Said]:
    """These messages with who said them, in order of time."""
    if not refs:
        return []
    entities = {e.ref: e for e in store.entities(refs, view)}
    texts = {p.ref: p for p in store.passages(refs, view)}
    posted = {
        e.src: e.dst
        for e in store.neighbours(refs, view, Limits(rows=_ROWS), types=("POSTED_BY",), direction="out").items
    }
    authors = {r: a for a in store.entities(sorted(set(posted.values())), view) for r in a.refs}
    found: list[Said] = []
    for ref in refs:
        entity, passage = entities.get(ref), texts.get(ref)
        if entity is None or passage is None:
            continue
        author = authors.get(posted[ref]) if ref in posted else None
        first = min(s.valid_from for s in entity.statements)
        found.append(
            Said(
                ref=ref,
                thread=thread_of.get(ref),
                author=author.ref if author else None,
                name=person_name(author) if author else "somebody",
                channel=text_of(entity.properties, "channel"),
                text=passage.text,
                at=_posted_at(entity) or first,
                decision=text_of(entity.properties, "decision"),
                linked=ref in linked,
                said=passage.provenance,
            )
        )
    return sorted(found, key=lambda m: (m.at, m.ref))


def _posted_at(entity: EntityView) -> Instant | None:
    seconds, _, rest = text_of(entity.properties, "ts").partition(".")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 11):
        return None
    return int(seconds) * 1_000_000 + (int(rest[:6]) if rest.isascii() and rest.isdigit() else 0)


def performers(store: GraphStore, view: View, changes: Iterable[EntityRef]) -> dict[EntityRef, EntityView]:
    """By change: the account that performed it, joined with its person."""
    refs = sorted(set(changes))
    limits = Limits(rows=_PERFORMER_ROWS)
    edges = store.neighbours(refs, view, limits, types=("PERFORMED_BY",), direction="out").items if refs else ()
    accounts = {r: a for a in store.entities(sorted({e.dst for e in edges}), view) for r in a.refs}
    return {e.src: accounts[e.dst] for e in edges if e.dst in accounts}


def landed_as(store: GraphStore, view: View, requests: Iterable[EntityRef]) -> list[EntityRef]:
    """The commits by which these pull requests were merged."""
    return [e.dst for e in _edges(store, view, sorted(set(requests)), ("MERGED_AS",), direction="out")]


def requests_of(
    store: GraphStore, view: View, commits: Iterable[EntityRef], rows: int = _PERFORMER_ROWS
) -> dict[EntityRef, list[EntityRef]]:
    """By commit: the pull requests that it came with or that were merged as it, in the store's order; commits without one are left out."""
    refs = sorted(set(commits))
    if not refs:
        return {}
    found: dict[EntityRef, list[EntityRef]] = {}
    for edge in store.neighbours(refs, view, Limits(rows=rows), types=("PART_OF", "MERGED_AS")).items:
        commit, request = (edge.src, edge.dst) if edge.type == "PART_OF" else (edge.dst, edge.src)
        if request.kind == "PullRequest":
            found.setdefault(commit, []).append(request)
    return found


def person_name(entity: EntityView) -> str:
    """What to call whoever an account belongs to: the person's name, else the account's own."""
    person = next((s for s in entity.statements if s.ref.kind == "Person" and text_of(s.properties, "name")), None)
    said = person.properties if person else entity.properties
    name = text_of(said, "name")
    if not _is_full(name):  # a login or a mail address; an account may know the name
        name = next((n for s in entity.statements if _is_full(n := text_of(s.properties, "name"))), name)
    return name or text_of(said, "login") or text_of(said, "email") or entity.ref.id


def _is_full(name: str) -> bool:
    return " " in name.strip() and "@" not in name and ":" not in name


def _talked(edges: Sequence[RelationView]) -> tuple[set[EntityRef], set[EntityRef]]:
    """Threads and messages at either end of a mention."""
    ends = {end for e in edges if e.type == "MENTIONS" for end in (e.src, e.dst) if end.kind in _CONVERSATION}
    return {r for r in ends if r.kind == "Thread"}, {r for r in ends if r.kind == "Message"}


def _steps(edges: Sequence[RelationView], type_: str, seen: dict[EntityRef, EntityView]) -> tuple[Step, ...]:
    found = {e.dst: _step(e, seen[e.dst]) for e in edges if e.type == type_ and e.dst in seen}
    one_each = {s.entity.refs: s for s in found.values()}
    return tuple(sorted(one_each.values(), key=lambda s: (s.at, s.entity.ref)))


def _step(edge: RelationView, entity: EntityView) -> Step:
    first = min(edge.statements, key=lambda s: (s.valid_from, s.provenance.source, s.provenance.locator))
    return Step(entity, first.valid_from, first.provenance, edge)


def _edges(
    store: GraphStore, view: View, refs: Sequence[EntityRef], types: Sequence[str], direction: Direction = "both"
) -> tuple[RelationView, ...]:
    return store.neighbours(refs, view, Limits(rows=_ROWS), types=types, direction=direction).items if refs else ()
