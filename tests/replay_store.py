"""A store that keeps the batches and replays them on each read: slow, plain, and what the real stores are compared with."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from math import log, sqrt
from struct import pack, unpack
from typing import TypeVar

from graph.errors import BatchRefused, EmbedderMismatch, StoreUnavailable
from graph.model import PUBLIC, EntityRef, FactBatch, Properties, Value
from graph.rows import encode_value
from graph.schema import ACTOR_RELATIONS, INDEXED, SCHEMA_VERSION
from graph.store import (
    AliasView,
    ChangeQuery,
    ChangeView,
    Direction,
    EntityView,
    Limits,
    Page,
    Provenance,
    PurgeReceipt,
    PurgeSelector,
    QuarantineRow,
    Receipt,
    RelationView,
    ScopeStatus,
    Statement,
    StoreStatus,
    Subgraph,
    TextHit,
    View,
)
from graph.text import name_tokens, text_tokens
from tests.replay_timelines import FOREVER, Span, Timeline, flaw, replay, spans

T = TypeVar("T")

Edge = tuple[str, EntityRef, EntityRef, str]
"""(type, src, dst, discriminator)"""


@dataclass(frozen=True)
class Said:
    """One maximal interval of one timeline."""

    timeline: Timeline
    span: Span

    @property
    def form(self) -> str:
        return self.timeline[0][0]

    @property
    def parts(self) -> list[str]:
        counts = {"e": 1, "r": 4, "a": 3, "p": 2}
        return self.timeline[0].split("\x1f", counts[self.form])[1:]

    @property
    def ref(self) -> EntityRef:
        return EntityRef(self.parts[1] if self.form == "r" else self.parts[0])

    @property
    def edge(self) -> Edge:
        type_, src, dst, discriminator = self.parts
        return type_, EntityRef(src), EntityRef(dst), discriminator

    @property
    def properties(self) -> Properties:
        return json.loads(self.span.body)

    @property
    def provenance(self) -> Provenance:
        _, source, scope, _ = self.timeline
        span = self.span
        return Provenance(source, scope, span.locator, span.observed_at, span.url, span.extractor)

    @property
    def valid_to(self) -> int | None:
        return None if self.span.valid_to == FOREVER else self.span.valid_to

    def statement(self) -> Statement:
        return Statement(
            self.ref, self.properties, self.span.valid_from, self.valid_to, self.timeline[3], self.provenance
        )


class ReplayStore:
    """`graph.store.GraphStore` over a list of batches."""

    def __init__(self, clock: Callable[[], int] | None = None) -> None:
        self._clock = clock or (lambda: time.time_ns() // 1000)
        self._batches: list[FactBatch] = []
        self._at: list[int] = []
        self._purges: list[tuple[PurgeSelector, str]] = []
        self._vectors: dict[str, bytes] = {}
        self._stamp: tuple[str, int] | None = None
        self._memory: dict[int, dict[Timeline, list[Span]]] = {}
        self._closed = False

    # -- writing

    def apply(self, batch: FactBatch) -> Receipt:
        self._open()
        for number, known in enumerate(self._batches, 1):
            if known.id == batch.id:
                if _facts(known) != _facts(batch):
                    raise BatchRefused("same id, other facts")
                return Receipt(number, False, 0)
        new = batch.snapshot
        if new is not None:
            for known in self._batches:
                old = known.snapshot
                if old is not None and (known.source, known.scope) == (batch.source, batch.scope):
                    order = [
                        (a > b) - (a < b) for a, b in ((old.taken_at, new.taken_at), (old.generation, new.generation))
                    ]
                    if order[0] != order[1]:
                        raise BatchRefused("generation and time disagree")
        self._batches.append(batch)
        self._at.append(max([self._clock(), *self._at]))
        return Receipt(len(self._batches), True, 0)

    def put_vectors(self, embedder: str, vectors: Iterable[tuple[str, Sequence[float]]]) -> None:
        for content_hash, vector in list(vectors):
            self._check(embedder, len(vector))
            self._stamp = (embedder, len(vector))
            self._vectors[content_hash] = pack(f"<{len(vector)}f", *vector)

    def purge(self, selector: PurgeSelector, reason: str) -> PurgeReceipt:
        before = self._texts()
        self._purges.append((selector, reason))
        self._memory.clear()
        after = self._texts()
        for text in before - after:
            self._vectors.pop(_hash(text), None)
        return PurgeReceipt(0)

    # -- ledgers

    def cursor(self, source: str, scope: str) -> str | None:
        cursors = [b.cursor for b in self._batches if (b.source, b.scope) == (source, scope) and b.cursor is not None]
        return cursors[-1] if cursors else None

    def labels(self) -> frozenset[str]:
        return frozenset(part for b in self._batches for a in b.assertions for part in a.label.split("+"))

    def record(self, at: int | None = None) -> int:
        return len([moment for moment in self._at if at is None or moment <= at])

    def status(self, quarantine_rows: int = 20) -> StoreStatus:
        public = [said for said in self._visible(View()) if said.timeline[3] == PUBLIC]
        entities = Counter(ref.kind for ref in {said.ref for said in public if said.form == "e"})
        relations = Counter(edge[0] for edge in {said.edge for said in public if said.form == "r"})
        texts = [said for said in public if said.form == "p"]
        scopes, quarantine = self._ledgers()
        return StoreStatus(
            record=len(self._batches),
            schema_version=SCHEMA_VERSION,
            entities=dict(sorted(entities.items())),
            relations=dict(sorted(relations.items())),
            passages=len({(said.timeline, said.span.body) for said in texts}),
            vectors=len(self._vectors),
            backlog=len({_hash(said.span.body) for said in texts} - self._vectors.keys()),
            embedder=self._stamp[0] if self._stamp else None,
            scopes=scopes,
            quarantine=tuple(reversed(quarantine))[:quarantine_rows],
            size_bytes=None,
        )

    def scopes(self) -> tuple[ScopeStatus, ...]:
        return self._ledgers()[0]

    def _ledgers(self) -> tuple[tuple[ScopeStatus, ...], list[QuarantineRow]]:
        scopes: dict[tuple[str, str], ScopeStatus] = {}
        quarantine: list[QuarantineRow] = []
        for number, batch in enumerate(self._batches, 1):
            key = (batch.source, batch.scope)
            old = scopes.get(key) or ScopeStatus(*key, None, 0, None, 0, 0)
            bad = [(q.locator, q.reason) for q in batch.quarantined]
            bad += [(a.locator, "") for a in batch.assertions if flaw(a)]
            quarantine += [QuarantineRow(*key, locator, reason, number) for locator, reason in bad]
            fresh = [at for at in (old.fresh_until, batch.fresh_until) if at is not None]
            scopes[key] = replace(
                old,
                cursor=batch.cursor if batch.cursor is not None else old.cursor,
                last_applied_at=self._at[number - 1],
                fresh_until=max(fresh) if fresh else None,
                batches=old.batches + 1,
                quarantined=old.quarantined + len(bad),
            )
        return tuple(scopes[key] for key in sorted(scopes)), quarantine

    def dump(self) -> Iterator[str]:
        lines: list[str] = []
        for timeline, span, since, until in self._rectangles():
            key, source, scope, label = timeline
            text: object = None
            if span.body:
                text = span.body.decode() if key[0] == "p" else json.loads(span.body)
            lines.append(
                _line(
                    "fact",
                    **{"from": span.valid_from},
                    to=None if span.valid_to == FOREVER else span.valid_to,
                    fact=key,
                    source=source,
                    scope=scope,
                    label=label,
                    known_from=since,
                    known_to=until,
                    body=text,
                    observed_at=span.observed_at,
                    locator=span.locator,
                    url=span.url,
                    extractor=span.extractor,
                )
            )
        lines += self._ledger_lines()
        return iter(sorted(lines))

    def _ledger_lines(self) -> Iterator[str]:
        snapshots = set[tuple[str, str, int, int]]()
        for number, b in enumerate(self._batches, 1):
            yield _line("batch", record=number, id=b.id, source=b.source, scope=b.scope, extractor=b.extractor)
            if b.snapshot is not None:
                snapshots.add((b.source, b.scope, b.snapshot.taken_at, b.snapshot.generation))
        for source, scope, taken_at, generation in snapshots:
            yield _line("snapshot", source=source, scope=scope, taken_at=taken_at, generation=generation)
        for one in self.status().scopes:
            yield _line("scope", source=one.source, scope=one.scope, cursor=one.cursor, fresh_until=one.fresh_until)
        for number, (_, reason) in enumerate(self._purges, 1):
            yield _line("purge", number=number, reason=reason)
        if self._stamp is not None:
            yield _line("embedder", embedder=self._stamp[0], dimension=self._stamp[1])
        for content_hash, data in self._vectors.items():
            yield _line("vector", content_hash=content_hash, digest=blake2b(data, digest_size=16).hexdigest())

    def _rectangles(self) -> Iterator[tuple[Timeline, Span, int, int | None]]:
        shown: dict[tuple[Timeline, Span], int] = {}
        for record in range(1, len(self._batches) + 1):
            now = {(timeline, span) for timeline, found in self._replayed(record).items() for span in found}
            for timeline, span in [key for key in shown if key not in now]:
                yield timeline, span, shown.pop((timeline, span)), record
            for key in now:
                shown.setdefault(key, record)
        for (timeline, span), since in shown.items():
            yield timeline, span, since, None

    # -- entities and names

    def entity(self, ref: EntityRef, view: View) -> EntityView | None:
        found = self.entities([ref], view)
        return found[0] if found else None

    def entities(self, refs: Sequence[EntityRef], view: View) -> tuple[EntityView, ...]:
        views: list[EntityView] = []
        for ref in refs:
            group = self._group(ref, view)
            statements = [s.statement() for s in self._visible(view) if s.form == "e" and s.ref in group]
            if statements:
                ordered = _preferred(statements)
                views.append(EntityView(ref, tuple(sorted(group)), _merged(ordered), tuple(ordered)))
        return tuple(views)

    def select(self, kind: str, where: Mapping[str, Sequence[Value]], view: View, limits: Limits) -> Page[EntityView]:
        _check_indexed(kind, where)
        found = [
            one
            for one, properties in self._things(kind, view)
            if all(
                name in properties and encode_value(properties[name]) in [encode_value(value) for value in values]
                for name, values in where.items()
            )
        ]
        return _page(found, limits)

    def resolve_alias(
        self, name: str, view: View, limits: Limits, *, schemes: Sequence[str] = (), kinds: Sequence[str] = ()
    ) -> Page[AliasView]:
        found = [a for a in self._aliases(view, schemes, kinds) if a.name.casefold() == name.casefold()]
        return _page(sorted(found, key=lambda a: (a.ref, a.scheme, a.name)), limits)

    def aliases(self, refs: Sequence[EntityRef], view: View) -> tuple[AliasView, ...]:
        members = {member for ref in refs for member in self._group(ref, view)}
        found = [a for a in self._aliases(view) if a.ref in members]
        return tuple(sorted(found, key=lambda a: (a.ref, a.scheme, a.name)))

    def search_names(
        self,
        tokens: Sequence[str],
        view: View,
        limits: Limits,
        *,
        kinds: Sequence[str] = (),
        schemes: Sequence[str] = (),
    ) -> Page[AliasView]:
        found = [a for a in self._aliases(view, schemes, kinds) if tokens and set(tokens) <= set(name_tokens(a.name))]
        return _page(sorted(found, key=lambda a: (len(a.name), a.name, a.ref, a.scheme)), limits)

    def name_vocabulary(self, view: View, *, kinds: Sequence[str] = ()) -> Mapping[str, int]:
        names = {a.name for a in self._aliases(view, (), kinds)}
        return Counter(token for name in names for token in set(name_tokens(name)))

    def history(self, ref: EntityRef, view: View, limits: Limits) -> Page[Statement]:
        group = self._group(ref, view)
        found = [
            said.statement()
            for said in self._all(view.known_at)
            if said.form == "e"
            and said.ref in group
            and _may_read(said, view)
            and (view.as_of is None or said.span.valid_from <= view.as_of)
        ]
        return _page(_preferred(found), limits)

    # -- relations

    def changes(self, query: ChangeQuery, view: View, limits: Limits) -> Page[ChangeView]:
        visible = self._visible(view)
        targets, made, actors = (
            None if refs is None else {member for ref in refs for member in self._group(ref, view)}
            for refs in (query.targets, query.changes, query.by)
        )
        if actors is not None:
            theirs = {
                s.edge[1] for s in visible if s.form == "r" and s.edge[0] in ACTOR_RELATIONS and s.edge[2] in actors
            }
            theirs = {member for ref in theirs for member in self._group(ref, view)}
            made = theirs if made is None else made & theirs
        found: list[tuple[object, ChangeView]] = []
        for said in visible:
            if said.form != "r" or said.edge[0] != "CHANGED" or not self._thing_visible(said.edge[1], view):
                continue
            _, change, target, discriminator = said.edge
            at = said.span.valid_from
            if (
                (targets is not None and target not in targets)
                or (made is not None and change not in made)
                or (query.since is not None and at < query.since)
                or (query.until is not None and at >= query.until)
                or (query.effects is not None and said.properties.get("effect") not in query.effects)
                or (query.target_kinds is not None and target.kind not in query.target_kinds)
            ):
                continue
            _, source, scope, label = said.timeline
            order = (-at, change, target, discriminator, source, scope, label)
            found.append((order, ChangeView(change, target, at, said.properties, said.provenance, label)))
        found.sort(key=lambda item: item[0])  # pyright: ignore[reportArgumentType, reportCallIssue]
        return _page([change for _, change in found], limits)

    def neighbours(
        self,
        refs: Sequence[EntityRef],
        view: View,
        limits: Limits,
        *,
        types: Sequence[str] = (),
        direction: Direction = "both",
    ) -> Page[RelationView]:
        near = {member for ref in refs for member in self._group(ref, view)}
        return _page(self._edges(near, view, types, direction), limits)

    def subgraph(
        self,
        refs: Sequence[EntityRef],
        hops: int,
        view: View,
        limits: Limits,
        *,
        types: Sequence[str] = (),
        direction: Direction = "both",
    ) -> Subgraph:
        near = {member for ref in refs for member in self._group(ref, view)}
        distance = dict.fromkeys(near, 0)
        edges: dict[Edge, RelationView] = {}
        for hop in range(1, hops + 1):
            far: dict[EntityRef, int] = {}
            for one in self._edges({ref for ref, at in distance.items() if at == hop - 1}, view, types, direction):
                key = (one.type, one.src, one.dst, one.discriminator)
                if key not in edges and len(edges) == limits.rows:
                    return Subgraph(distance | far, tuple(edges[key] for key in sorted(edges)), True)
                edges[key] = one
                for end in (one.src, one.dst):
                    far.update({ref: hop for ref in self._group(end, view) if ref not in distance})
            distance |= far
        return Subgraph(distance, tuple(edges[key] for key in sorted(edges)), False)

    def paths(
        self,
        src: EntityRef,
        dst: EntityRef,
        view: View,
        limits: Limits,
        *,
        types: Sequence[str] = (),
        max_hops: int = 6,
        direction: Direction = "both",
    ) -> Page[tuple[RelationView, ...]]:
        start, goal = frozenset(self._group(src, view)), frozenset(self._group(dst, view))
        if start & goal:
            return Page(())
        walks: list[tuple[tuple[RelationView, ...], frozenset[EntityRef]]] = [((), start)]
        seen = {start}
        for _ in range(max_hops):
            onward: list[tuple[tuple[RelationView, ...], frozenset[EntityRef]]] = []
            for path, here in walks:
                for one in self._edges(here, view, types, direction):
                    for near, far in ((one.src, one.dst), (one.dst, one.src)):
                        way = "out" if near == one.src else "in"
                        there = frozenset(self._group(far, view))
                        if near in here and direction in (way, "both") and there not in seen:
                            onward.append(((*path, one), there))
            seen |= {there for _, there in onward}
            arrived = [path for path, there in onward if there == goal]
            if arrived:
                arrived.sort(key=lambda path: [(e.type, e.src, e.dst, e.discriminator) for e in path])
                return _page(arrived, limits)
            walks = onward
        return Page(())

    def aggregate(self, kind: str, by: str, view: View, limits: Limits) -> Page[tuple[Value, int]]:
        _check_indexed(kind, [by])
        values = [
            encode_value(properties[by]).decode() for _, properties in self._things(kind, view) if by in properties
        ]
        ordered = sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))
        return _page([(json.loads(value), count) for value, count in ordered], limits)

    # -- text and vectors

    def passages(self, refs: Sequence[EntityRef], view: View) -> tuple[TextHit, ...]:
        wanted = {other for ref in refs for other in self._group(ref, view)}
        scores = {
            (said.timeline, said.span.body): 1.0
            for said in self._visible(view)
            if said.form == "p" and said.ref in wanted
        }
        return self._hits(scores, view, Limits(rows=1 << 40), ()).items

    def search_text(self, query: str, view: View, limits: Limits, *, kinds: Sequence[str] = ()) -> Page[TextHit]:
        documents = {
            (timeline, span.body): text_tokens(span.body.decode())
            for record in range(1, len(self._batches) + 1)
            for timeline, found in self._replayed(record).items()
            if timeline[0][0] == "p" and _permitted(timeline[3], view)
            for span in found
        }
        average = max(sum(map(len, documents.values())), 1) / max(len(documents), 1)
        scores: dict[tuple[Timeline, bytes], float] = {}
        for token in sorted(set(text_tokens(query))):
            holding = sum(token in tokens for tokens in documents.values())
            rarity = log(1.0 + (len(documents) - holding + 0.5) / (holding + 0.5))
            for key, tokens in documents.items():
                if count := tokens.count(token):
                    weight = (
                        rarity * (count * (1.2 + 1.0)) / (count + 1.2 * (1.0 - 0.75 + 0.75 * len(tokens) / average))
                    )
                    scores[key] = scores.get(key, 0.0) + weight
        return self._hits(scores, view, limits, kinds)

    def search_vector(
        self, embedder: str, vector: Sequence[float], view: View, limits: Limits, *, kinds: Sequence[str] = ()
    ) -> Page[TextHit]:
        self._check(embedder, len(vector))
        scores: dict[tuple[Timeline, bytes], float] = {}
        for said in self._visible(view):
            data = self._vectors.get(_hash(said.span.body)) if said.form == "p" else None
            if data is not None:
                other = unpack(f"<{len(vector)}f", data)
                lengths = sqrt(sum(x * x for x in vector)) * sqrt(sum(y * y for y in other))
                scores[(said.timeline, said.span.body)] = (
                    sum(x * y for x, y in zip(vector, other, strict=True)) / lengths
                )
        return self._hits(scores, view, limits, kinds)

    def missing_vectors(self, embedder: str, limits: Limits) -> Page[tuple[str, str]]:
        self._check(embedder, None)
        newest: dict[str, tuple[int, str]] = {}
        for said in self._all(None):
            if said.form == "p" and said.span.valid_to > self._clock():
                key = _hash(said.span.body)
                if key not in self._vectors:
                    at = max(newest.get(key, (said.span.valid_from, ""))[0], said.span.valid_from)
                    newest[key] = (at, said.span.body.decode())
        ordered = sorted(newest.items(), key=lambda item: (-item[1][0], item[0]))
        return _page([(key, text) for key, (_, text) in ordered], limits)

    def close(self) -> None:
        self._closed = True

    def __enter__(self) -> ReplayStore:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # -- what a view sees

    def _replayed(self, record: int) -> dict[Timeline, list[Span]]:
        if record not in self._memory:
            self._memory[record] = {
                timeline: spans(points)
                for timeline, points in replay(self._batches[:record]).items()
                if not self._purged(timeline)
            }
        return self._memory[record]

    def _texts(self) -> set[bytes]:
        return {
            said.span.body for record in range(len(self._batches) + 1) for said in self._all(record) if said.form == "p"
        }

    def _all(self, known_at: int | None) -> Iterator[Said]:
        self._open()
        record = len(self._batches) if known_at is None else min(known_at, len(self._batches))
        for timeline, found in self._replayed(record).items():
            for span in found:
                yield Said(timeline, span)

    def _visible(self, view: View) -> list[Said]:
        return [said for said in self._all(view.known_at) if _may_read(said, view) and self._holds(said.span, view)]

    def _holds(self, span: Span, view: View) -> bool:
        if view.as_of is None:
            return span.valid_to > self._clock()
        return span.valid_from <= view.as_of < span.valid_to

    def _purged(self, timeline: Timeline) -> bool:
        key, source, scope, _ = timeline
        said = Said(timeline, Span(0, 0, b"", 0, "", None, ""))
        refs = {said.edge[1], said.edge[2]} if said.form == "r" else {said.ref}
        return any(
            refs & set(selector.refs)
            or key in selector.fact_keys
            or (
                (selector.source is not None or selector.scope is not None)
                and selector.source in (None, source)
                and selector.scope in (None, scope)
            )
            for selector, _ in self._purges
        )

    def _group(self, ref: EntityRef, view: View) -> set[EntityRef]:
        said = [said.edge for said in self._visible(view) if said.form == "r"]
        split = [{a, b} for type_, a, b, _ in said if type_ == "NOT_SAME_AS"]
        joins = [edge for edge in said if edge[0] == "SAME_AS" and {edge[1], edge[2]} not in split]
        group = {ref}
        while True:
            more = {end for _, a, b, _ in joins if a in group or b in group for end in (a, b)} - group
            if not more:
                return group
            group |= more

    def _thing_visible(self, ref: EntityRef, view: View) -> bool:
        group = self._group(ref, view)
        return any(said.form == "e" and said.ref in group for said in self._visible(view))

    def _edges(
        self, near: Iterable[EntityRef], view: View, types: Sequence[str], direction: Direction
    ) -> list[RelationView]:
        near = set(near)
        edges: dict[Edge, list[Statement]] = {}
        for said in self._visible(view):
            if said.form != "r":
                continue
            type_, src, dst, _ = said.edge
            if type_ not in types and (types or type_ in ("SAME_AS", "NOT_SAME_AS")):
                continue
            out = direction != "in" and src in near and self._thing_visible(dst, view)
            into = direction != "out" and dst in near and self._thing_visible(src, view)
            if out or into:
                edges.setdefault(said.edge, []).append(said.statement())
        views: list[RelationView] = []
        for (type_, src, dst, discriminator), statements in sorted(edges.items()):
            ordered = _preferred(statements)
            views.append(RelationView(type_, src, dst, discriminator, _merged(ordered), tuple(ordered)))
        return views

    def _things(self, kind: str, view: View) -> list[tuple[EntityView, Properties]]:
        things: dict[EntityRef, tuple[EntityView, Properties]] = {}
        for ref in {said.ref for said in self._visible(view) if said.form == "e" and said.ref.kind == kind}:
            whole = self.entity(ref, view)
            assert whole is not None
            of_kind = [one for one in whole.statements if one.ref.kind == kind]
            least = min(one.ref for one in of_kind)
            things[least] = (replace(whole, ref=least), _merged(of_kind))
        return [things[ref] for ref in sorted(things)]

    def _aliases(self, view: View, schemes: Sequence[str] = (), kinds: Sequence[str] = ()) -> list[AliasView]:
        best: dict[tuple[str, ...], tuple[tuple[int, str, str], AliasView]] = {}
        for said in self._visible(view):
            if said.form != "a" or (schemes and said.parts[1] not in schemes) or (kinds and said.ref.kind not in kinds):
                continue
            _, scheme, name = said.parts
            alias = AliasView(said.ref, scheme, name, said.span.valid_from, said.valid_to)
            preference = (-said.span.valid_from, said.timeline[1], said.timeline[2])
            key = tuple(said.parts)
            if key not in best or preference < best[key][0]:
                best[key] = (preference, alias)
        return [alias for _, alias in best.values()]

    def _hits(
        self, scores: Mapping[tuple[Timeline, bytes], float], view: View, limits: Limits, kinds: Sequence[str]
    ) -> Page[TextHit]:
        found: list[tuple[tuple[float, str, str, str, str, str, int], TextHit]] = []
        for said in self._visible(view):
            score = scores.get((said.timeline, said.span.body))
            if score is None or said.form != "p" or (kinds and said.ref.kind not in kinds):
                continue
            _, source, scope, label = said.timeline
            slot, at = said.parts[1], said.span.valid_from
            hit = TextHit(said.ref, slot, said.span.body.decode(), score, at, said.provenance)
            found.append(((-score, said.ref, slot, source, scope, label, at), hit))
        return _page([hit for _, hit in sorted(found, key=lambda item: item[0])], limits)

    def _check(self, embedder: str, dimension: int | None) -> None:
        if self._stamp is not None and (self._stamp[0] != embedder or dimension not in (None, self._stamp[1])):
            raise EmbedderMismatch("another embedder")

    def _open(self) -> None:
        if self._closed:
            raise StoreUnavailable("closed")


def _page(items: Sequence[T], limits: Limits) -> Page[T]:
    return Page(tuple(items[: limits.rows]), len(items) > limits.rows)


def _permitted(label: str, view: View) -> bool:
    return all(part in view.audience for part in label.split("+"))


def _may_read(said: Said, view: View) -> bool:
    return _permitted(said.timeline[3], view)


def _preferred(statements: Iterable[Statement]) -> list[Statement]:
    return sorted(statements, key=lambda s: (-s.valid_from, s.provenance.source, s.provenance.scope, s.label, s.ref))


def _merged(ordered: Sequence[Statement]) -> Properties:
    names = {name for one in ordered for name in one.properties}
    return {name: next(one.properties[name] for one in ordered if name in one.properties) for name in names}


def _check_indexed(kind: str, names: Iterable[str]) -> None:
    if not set(names) <= INDEXED.get(kind, frozenset()):
        raise ValueError("not indexed")


def _facts(batch: FactBatch) -> object:
    return batch.assertions, batch.withdrawals, batch.snapshot


def _hash(text: bytes) -> str:
    return blake2b(text, digest_size=16).hexdigest()


def _line(kind: str, **fields: object) -> str:
    return json.dumps({"line": kind, **fields}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
