"""From a mention in words to things in the graph, or to candidates when the words fit several.

The graph decides between the readings of a mention: the one under which a whole name exists wins. A mention of a type
without a name is the group of all such things in the place it names.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from graph.groups import ABOUT, THERE, Group, by_name_as_place, find_group
from graph.lexicon import Lexicon, Thing, lexicon, past_views, thing, things
from graph.matching import EXACT, WEAK, fit, place_penalty, place_words
from graph.mention import Mention, Reading, content_words, holds_word, names_a_thing, parse, readings
from graph.model import EntityRef
from graph.spelling import corrected
from graph.store import AliasView, ChangeQuery, GraphStore, Limits, View
from graph.text import name_tokens
from graph.vocabulary import Words, phrase_words, senses, singular

NAMED_KINDS = ("Block", "Resource", "Service", "Module", "Team", "Repository", "Environment", "Deployment")
"""Kinds that are found by words of their names; files and commits are found by paths and hashes."""

_PLACES = frozenset({"File", "Directory", "Module", "Repository"})
_NAME_SCHEMES = frozenset({"name", "path", "address", "source"})
"""Schemes of names in words; what has another is an identifier."""
_CLOSE = 0.015
_SHARPNESS = 12.0
_NAME_ROWS = 400
_FETCHED = 60
_TRIED = 16
_PARTLY_GONE = 0.2
_STRICT = 0.75


@dataclass(frozen=True, slots=True)
class Found:
    """A thing that a mention may name. `score` is how well it fits, `confidence` how likely it is meant among all."""

    thing: Thing
    score: float
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a mention names.

    Attributes:
        best: what is most likely meant, None when nothing is or when a group is.
        others: what else fits, best first.
        rivals: how many of the others fit as well as the best; more than none is ambiguous.
        group: for a mention without a name.
        nearest: when nothing was found, names that come close.
        corrected: words that were taken for misspelled, as (said, understood).
        unknown: words that no name in the graph holds; what was found was found without them.
    """

    best: Found | None = None
    others: tuple[Found, ...] = ()
    rivals: int = 0
    group: Group | None = None
    nearest: tuple[Thing, ...] = ()
    corrected: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def ambiguous(self) -> bool:
        """Whether others fit as well as the best."""
        return self.rivals > 0

    @property
    def found(self) -> bool:
        """Whether anything was."""
        return self.best is not None or self.group is not None


NOTHING = Resolution()


def resolve(
    store: GraphStore,
    text: str,
    view: View,
    *,
    kinds: Sequence[str] = NAMED_KINDS,
    exact: bool = False,
    gone_first: bool = False,
) -> Resolution:
    """What the words of a mention name in this view.

    What exists wins; what no longer exists is sought when nothing that exists has the whole name.

    Args:
        kinds: kinds that are sought by name.
        exact: only addresses and whole names of what exists; no groups and nothing near.
        gone_first: whole names of what no longer exists win ("who deleted X").
    """
    mention = parse(text)
    if not (mention.words or mention.literals or mention.paths):
        return NOTHING
    return _Resolver(store, view, tuple(kinds), dead=not exact).resolve(mention, exact=exact, gone_first=gone_first)


class _Resolver:
    """One resolution; remembers what it asked the store."""

    def __init__(self, store: GraphStore, view: View, kinds: tuple[str, ...], *, dead: bool) -> None:
        self.store = store
        self.view = view
        self.kinds = kinds
        self.dead = dead
        self.known: Lexicon = lexicon(store, view)
        self._names: dict[frozenset[str], tuple[AliasView, ...]] = {}
        self._things: dict[EntityRef, Thing | None] = {}

    def resolve(self, mention: Mention, *, exact: bool, gone_first: bool) -> Resolution:
        literal = self._literal(mention) or self._identifier(mention)
        if literal:
            return literal
        read = readings(mention.words, self.known.spelled)
        if gone_first and _whole(gone := self._dead(read, mention)):
            return _resolution(gone)
        # A declared type word that is the whole mention, save for a place, is no name, even where something is called so.
        plain = [r for r in read if r.ranks and not r.loose and (r.inside or not r.place)]
        if not exact and (group := self._group(plain, mention.paths, THERE)):
            return Resolution(group=group)
        named = self._named(read, mention.paths)
        if not _whole(named) and self.dead:
            named = _better(named, self._dead(read, mention))
        if exact or _whole(named):
            return _resolution(named)
        # Who gives an address means that one thing, and nothing else of its type.
        address = any(self._is_address(chunk) for chunk in mention.literals)
        if not address and (group := self._group([*read, *by_name_as_place(read)], mention.paths, ABOUT)):
            return Resolution(group=group, others=_ranked(named)[:5])
        if not mention.words and mention.paths:
            return NOTHING
        return self._approximate(mention, named, _STRICT if address else WEAK)

    # -- exact names

    def _literal(self, mention: Mention) -> Resolution | None:
        """What an address, an ARN or an id in the mention names exactly; a path that other words stand beside is only a place."""
        beside = len(mention.literals) > 1 or names_a_thing(mention.words)
        for chunk in mention.literals:
            plain = chunk.removeprefix("./").strip("/")
            paths = tuple(p for p in mention.paths if p != plain)
            a_place = False
            for name in _spellings_of(plain):
                page = self.store.resolve_alias(name, self.view, Limits(rows=200))
                refs = tuple(dict.fromkeys(a.ref for a in page.items))
                a_place = beside and (plain in mention.paths or any(r.kind in _PLACES for r in refs))
                if refs and not (beside and all(r.kind in _PLACES for r in refs)):
                    rest = _without(mention.words, name_tokens(chunk))
                    return self._noting(_resolution([self._placed(t, rest, paths) for t in self._fetch(refs)]), rest)
            if not a_place and (dead := self._dead_literal(plain, paths)):
                return _resolution(dead)
        return None

    def _identifier(self, mention: Mention) -> Resolution | None:
        """What a chunk of any form identifies exactly: a provider's id, an ARN, a log-in; words of names are no identifiers."""
        for chunk in mention.identifiers:
            page = self.store.resolve_alias(chunk, self.view, Limits(rows=200), kinds=self.kinds)
            refs = tuple(dict.fromkeys(a.ref for a in page.items if a.scheme not in _NAME_SCHEMES))
            if refs:
                rest = _without(mention.words, name_tokens(chunk))
                return self._noting(
                    _resolution([self._placed(t, rest, mention.paths) for t in self._fetch(refs)]), rest
                )
        return None

    def _noting(self, found: Resolution, rest: Words) -> Resolution:
        """With those of the other words that neither the thing nor any name in the graph holds."""
        said = tuple(w for w in content_words(rest) if not w.isdigit())
        if not said:
            return found
        shown = frozenset(name_tokens(str(dict(found.best.thing.properties))) if found.best else ())
        names = self.store.name_vocabulary(self.view, kinds=self.kinds)
        unknown = tuple(w for w in dict.fromkeys(said) if w not in shown and not _known(w, names))
        return replace(found, unknown=unknown)

    def _placed(self, found: Thing, rest: Words, paths: tuple[str, ...]) -> Found:
        """A thing named exactly; the other words of the mention may say where."""
        score = 1.0 - place_penalty(found, (), paths)
        where = frozenset(place_words(found))
        score -= 0.0 if not names_a_thing(rest) or any(holds_word(where, word) for word in rest) else 0.02
        return Found(found, max(score, 0.05))

    def _dead_literal(self, chunk: str, paths: tuple[str, ...]) -> list[Found]:
        names = tuple(_spellings_of(chunk))
        found = () if self.known.dead_is_read else self._seen_before(names)
        if not found:
            gone = self.known.by_label(self._gone)
            found = [t for name in names for t in gone.get(name.casefold(), ())]
        return [self._placed(t, (), paths) for t in found]

    def _seen_before(self, names: Sequence[str]) -> list[Thing]:
        """What had one of these names in the past and was deleted, looked for without reading all that ever was."""
        for past in past_views(self.store, self.view):
            for name in names:
                refs = [a.ref for a in self.store.resolve_alias(name, past, Limits(rows=200)).items]
                if found := things(self.store, list(dict.fromkeys(refs)), past):
                    ended = [
                        self.store.changes(ChangeQuery(targets=[t.ref]), self.view, Limits(rows=1)).items for t in found
                    ]
                    deleted = all(page and page[0].properties.get("effect") == "deleted" for page in ended)
                    return [replace(t, live=False) for t in found] if deleted else []
        return []

    # -- names in words

    def _named(self, read: Sequence[Reading], paths: tuple[str, ...]) -> list[Found]:
        best: dict[EntityRef, Found] = {}
        for reading in read:
            if not reading.name:
                continue
            for found in self._fits(reading, paths):
                if found.thing.ref not in best or best[found.thing.ref].score < found.score:
                    best[found.thing.ref] = found
            if any(f.score >= 0.985 for f in best.values()):
                break
        return list(best.values())

    def _fits(self, reading: Reading, paths: tuple[str, ...]) -> Iterable[Found]:
        aliases = self._search(reading.name)
        if len(aliases) >= _FETCHED and reading.typed:
            for words in self._type_words(reading):
                aliases = (*self._search((*words, *reading.name)), *aliases)
        refs = list(dict.fromkeys(a.ref for a in sorted(aliases, key=lambda a: -_rough(reading.name, a.name))))
        for found in self._fetch(refs[:_FETCHED] if not (paths or reading.place) else refs):
            score = fit(found, reading, paths, self.known)
            if score > 0:
                yield Found(found, score)

    def _type_words(self, reading: Reading) -> Iterable[Words]:
        types = reading.types or next(
            (t for rank in reading.ranks if (t := self.known.of_rank(rank))), frozenset[str]()
        )
        for type_ in sorted(types)[:8]:
            yield name_tokens(type_.rpartition(":")[2])

    def _search(self, words: Words) -> tuple[AliasView, ...]:
        key = frozenset(words)
        if key not in self._names:
            page = self.store.search_names(sorted(key), self.view, Limits(rows=_NAME_ROWS), kinds=self.kinds)
            self._names[key] = page.items
        return self._names[key]

    def _fetch(self, refs: Sequence[EntityRef]) -> list[Thing]:
        missing = [r for r in refs if r not in self._things]
        if missing:
            self._things.update(dict.fromkeys(missing))
            for entity in self.store.entities(missing, self.view):
                self._things[entity.ref] = thing(entity)
        found = [t for r in refs if (t := self._things[r]) is not None]
        if len(found) < 2:
            return found
        # Names of one joined thing are one thing, under the first of them.
        joined = {r: e.refs[0] for e in self.store.entities([t.ref for t in found], self.view) for r in e.refs}
        first: dict[EntityRef, Thing] = {}
        for t in found:
            first.setdefault(joined.get(t.ref, t.ref), t)
        return list(first.values())

    def _dead(self, read: Sequence[Reading], mention: Mention) -> list[Found]:
        """What is gone; only a whole name of it counts fully."""
        best: dict[EntityRef, Found] = {}
        tried = [r for r in read if r.name][:_TRIED]
        for gone in self.known.gone_like(mention.words, self._gone):
            if gone.ref.kind not in self.kinds:
                continue
            score = max((fit(gone, r, mention.paths, self.known) for r in tried), default=0.0)
            score -= 0.0 if score >= EXACT else _PARTLY_GONE
            if score >= WEAK and (gone.ref not in best or best[gone.ref].score < score):
                best[gone.ref] = Found(gone, score)
        return list(best.values())

    def _gone(self) -> tuple[Thing, ...]:
        """What no longer exists, and names that are no longer used."""
        return (*self.known.dead(self.store, self.view), *self.known.former(self.store, self.view))

    def _group(self, read: Sequence[Reading], paths: tuple[str, ...], near: float) -> Group | None:
        return find_group(self.store, self.view, self.known, read, paths, near)

    # -- when no whole name was said

    def _approximate(self, mention: Mention, named: list[Found], enough: float) -> Resolution:
        """Misspelled words put right, then part of the words, then what comes near."""
        vocabulary = self.store.name_vocabulary(self.view, kinds=self.kinds)
        words, changes = corrected(mention.words, vocabulary)
        if words != mention.words:
            right = replace(mention, words=words)
            read = readings(words, self.known.spelled)
            again = [replace(f, score=f.score * 0.95) for f in self._named(read, mention.paths)]
            if self.dead and not _whole(again):
                again = _better(again, [replace(f, score=f.score * 0.95) for f in self._dead(read, right)])
            if any(f.score >= 0.8 for f in again):
                return replace(_resolution(again), corrected=changes)
            if enough == WEAK and (group := self._group([*read, *by_name_as_place(read)], mention.paths, ABOUT)):
                return Resolution(group=group, corrected=changes)
            named = named + again
            mention = right
        partial = _better(named, self._partial(mention, vocabulary))
        strong = [f for f in partial if f.score >= enough]
        if strong:
            return self._noting(replace(_resolution(strong), corrected=changes), mention.words)
        near = Resolution(nearest=tuple(f.thing for f in _ranked(partial)[:5]), corrected=changes)
        return self._noting(near, mention.words)

    def _is_address(self, chunk: str) -> bool:
        type_ = chunk.removeprefix("data.").partition(".")[0]
        return "_" in type_ and "/" not in chunk and name_tokens(type_) in self.known.spelled

    def _partial(self, mention: Mention, counts: Mapping[str, int]) -> list[Found]:
        """Things that hold the rarest of the words, scored by how much of the mention they cover."""
        rare = sorted({w for w in mention.words if w in counts}, key=lambda w: (counts[w], w))[:4]
        tried: list[Words] = [tuple(pair) for pair in pairwise(rare)] + [(w,) for w in rare]
        read = readings(tuple(w for w in mention.words if w in counts), self.known.spelled)[:12]
        best: dict[EntityRef, Found] = {}
        for words in tried:
            aliases = self._search(words)[:_FETCHED]
            for found in self._fetch(list(dict.fromkeys(a.ref for a in aliases))):
                score = max((fit(found, r, mention.paths, self.known) for r in read if r.name), default=0.0)
                score *= 0.9 * _known_share(mention.words, counts)
                if found.ref not in best or best[found.ref].score < score:
                    best[found.ref] = Found(found, score)
        return list(best.values())


def _known_share(words: Words, counts: Mapping[str, int]) -> float:
    words = content_words(words) or words
    known = sum(len(w) for w in words if w in counts)
    return known / max(sum(map(len, words)), 1)


def _known(word: str, names: Mapping[str, int]) -> bool:
    """Whether a word is part of a name, a type word or an environment."""
    return word in names or singular(word) in names or singular(word) in phrase_words() or bool(senses((word,)))


def _spellings_of(chunk: str) -> Iterable[str]:
    """A chunk as an alias may have it: as written, without instance keys, without a trailing attribute, the last of a module's."""
    yield chunk
    plain = _without_keys(chunk)
    if plain != chunk:
        yield plain
    parts = plain.split(".")
    if len(parts) > 2 and "/" not in plain:
        head = 3 if parts[0] == "data" else 2
        if parts[0] != "module":
            yield ".".join(parts[:head])
        else:
            rest = parts
            while len(rest) > 2 and rest[0] == "module":
                rest = rest[2:]
            if rest != parts and len(rest) > 1:
                yield ".".join(rest)
            yield ".".join(parts[:2])


def _without_keys(chunk: str) -> str:
    out: list[str] = []
    depth = 0
    for c in chunk:
        depth += c == "["
        if depth == 0:
            out.append(c)
        depth -= c == "]" and depth > 0
    return "".join(out)


def _without(words: Words, chunk: Words) -> Words:
    gone = set(chunk)
    return tuple(w for w in words if w not in gone)


def _rough(name: Words, alias: str) -> float:
    """A cheap guess of the name score from an alias alone, to decide which entities to fetch."""
    words = name_tokens(alias)
    n = len(name)
    return (2.0 if words[-n:] == name else 0.0) + n / max(len(words), 1)


def _whole(found: Sequence[Found]) -> bool:
    return any(f.score >= EXACT for f in found)


def _better(first: list[Found], second: list[Found]) -> list[Found]:
    """Both, each thing once with its better score."""
    best: dict[EntityRef, Found] = {}
    for found in (*first, *second):
        if found.thing.ref not in best or best[found.thing.ref].score < found.score:
            best[found.thing.ref] = found
    return list(best.values())


def _ranked(found: Iterable[Found]) -> tuple[Found, ...]:
    """Best first; of equals the one that changed last, then by ref. Confidences share what the scores leave."""

    def order(f: Found) -> tuple[float, bool, bool, int, str]:
        return (-round(f.score, 3), not f.thing.live, f.thing.ref.kind != "Block", -f.thing.valid_from, f.thing.ref)

    ordered = sorted(found, key=order)
    if not ordered:
        return ()
    weights = [math.exp(_SHARPNESS * (f.score - ordered[0].score) / 0.3) for f in ordered]
    total = sum(weights)
    return tuple(
        replace(f, confidence=round(f.score * weight / total, 4)) for f, weight in zip(ordered, weights, strict=True)
    )


def _without_instances(found: list[Found]) -> list[Found]:
    """Without instances of code that is there as well and fits as well: they are the same thing to who asks."""
    code = {(f.thing.text("type"), f.thing.text("name")): f.score for f in found if f.thing.ref.kind == "Block"}
    return [
        f
        for f in found
        if f.thing.ref.kind != "Resource" or f.score > code.get((f.thing.text("type"), f.thing.text("name")), 0.0)
    ]


def _resolution(found: Sequence[Found]) -> Resolution:
    ranked = _ranked(_without_instances([f for f in found if f.score >= min(WEAK, max(g.score for g in found))]))
    if not ranked:
        return NOTHING
    best, others = ranked[0], ranked[1:]
    close = [f for f in others if f.score >= best.score - _CLOSE and f.thing.live == best.thing.live]
    return Resolution(best, others[:20], len(close))
