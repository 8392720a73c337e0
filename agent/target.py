"""What a question is about: one thing, a group of them, a place, a change, or nothing that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from agent.anchors import apply_at, names_apply, requests_in, shipments_in, without_change_words
from agent.attribute_search import find_setting
from agent.context import Context, match, matches, named
from agent.evidence import inline
from agent.model import Answer, Match
from agent.phrasing import listing
from agent.reach import mentioned_environment, services_in
from agent.shipments import Shipment, shipments
from graph.lexicon import Thing, things
from graph.mention import content_words, parse
from graph.model import EntityRef
from graph.places import Place, near_paths, resolve_place, targets_in
from graph.resolve import Found, Resolution, resolve
from graph.schema import KINDS
from graph.store import Limits, View
from graph.text import name_tokens
from graph.vocabulary import senses

_PLACES = frozenset({"File", "Module", "Directory", "Repository"})
_JOINED = ("DECLARES",)
_SURE = 0.9
_UNKNOWN = 0.5
"""What is left of the confidence when words of the question were left out."""
_MOST_SIDES = 5_000
_MOST_IN_PLACE = 2_000


@dataclass(frozen=True, slots=True)
class Target:
    """What a question is about.

    Attributes:
        sort: a thing, a group without a name, a place, a change (a commit, a pull request).
        things: the one thing, the group's members, or nothing for a place.
        refs: whose changes count: the things and their instances.
        attribute: words of an attribute of the thing that was named with it ("the port of X").
    """

    sort: Literal["thing", "group", "place", "change"]
    resolution: Resolution
    things: tuple[Thing, ...] = ()
    refs: tuple[EntityRef, ...] = ()
    place: Place | None = None
    attribute: str = ""
    resolved: tuple[Match, ...] = field(default=())
    candidates: tuple[Match, ...] = field(default=())
    confidence: float = 0.0

    @property
    def ambiguous(self) -> bool:
        """Whether other things fit as well."""
        return self.sort in ("thing", "change") and self.resolution.ambiguous

    @property
    def thing(self) -> Thing:
        """The one thing, or the group's first."""
        return self.things[0]


def find_target(
    context: Context, mention: str, *, places: bool = True, prefer_place: bool = False, view: View | None = None
) -> Target | None:
    """What a mention is about; None when nothing fits.

    Args:
        places: whether it may be a file, a directory or a repository.
        prefer_place: of a directory and a thing of the same name the directory is meant ("what changed in dns").
        view: to resolve names in, when not the question's.
    """
    seen = view or context.view
    change = _change(context, mention, seen)
    if change:
        return change
    mention = without_change_words(mention)
    resolution = context.resolve(mention, seen)
    best = resolution.best
    sure = best is not None and best.score >= _SURE
    a_place = sure and best is not None and best.thing.ref.kind in _PLACES and best.thing.live
    place = None
    if places and (a_place or (prefer_place and not parse(mention).literals) or not (sure or resolution.group)):
        place = resolve_place(context.store, mention, seen)
    if place and place.sure and (resolution.group is None or prefer_place):
        return Target("place", resolution, place=place, confidence=0.95)
    setting = None if sure else _setting(context, mention, seen)
    if setting and (setting.attribute or not resolution.group):
        return setting
    split = _attribute_of(context, mention, seen)
    if split and (best is None or not sure or split.thing.ref == best.thing.ref):
        return split
    if not sure and not resolution.group and (some := _some_with(context, mention, seen)):
        return some
    if best:
        return _of_thing(context, resolution, best, seen)
    if resolution.group:
        return _of_group(context, resolution, seen)
    if place:
        return Target("place", resolution, place=place, confidence=0.7)
    return _by_meaning(context, mention, resolution, seen)


def _setting(context: Context, mention: str, view: View) -> Target | None:
    """What words of a setting mean: "the rate limit of pricing"."""
    said = parse(mention)
    if said.literals or senses(content_words(said.words)):  # a type alone names no setting
        return None
    known = shipments(context.store, context.view).environments
    environment = mentioned_environment(f"{mention} {context.question.environment}", known)
    found = find_setting(context.store, mention, view, environment)
    code = [s for s in found if s.thing.ref.kind == "Block"]
    attributes = {s.attribute for s in found}
    best = (code or list(found))[:1]
    if not best or len(code) > 1 or (not code and len(attributes) > 1):
        return None
    one = best[0]
    refs = (one.thing.ref, *_instances(context, one.thing, view))
    confidence = round(0.9 * one.score, 4)
    return Target(
        "thing",
        Resolution(Found(one.thing, one.score, confidence)),
        (one.thing,),
        refs,
        attribute=_attribute_name(one.attribute),
        resolved=(match(one.thing, confidence),),
        confidence=confidence,
    )


def _attribute_name(path: str) -> str:
    """An attribute's path as words that are sought in paths of changes: without indices."""
    return " ".join(w for w in name_tokens(path) if not w.isdigit())


def not_found(context: Context, mention: str) -> Answer:
    """The answer when nothing fits: the nearest names."""
    resolution = context.resolve(mention)
    near = resolution.nearest
    paths = parse(mention).paths
    if not near and paths and resolve_place(context.store, paths[0], context.view) is None:
        near = things(context.store, near_paths(context.store, paths[0], context.view), context.view)
    said = content_words(parse(mention).words)
    if len(mention.split()) > 1 and resolution.unknown and set(resolution.unknown) < set(said):
        # Of one word, or of words that are all unknown, the answer says it already.
        context.missing.append(_unknown(resolution))
    known = f"Nothing called “{inline(mention, 120)}” is known"
    if not near:
        text = f"{known}. Try an address such as aws_lb.main, a path, or a type such as “security group”."
        return context.answer("not_found", text, confidence=0.0)
    names = list(dict.fromkeys(named(t) for t in near))
    text = f"{known}; the nearest names are {listing(names)}."
    return context.answer("not_found", text, confidence=0.0, candidates=[match(t, 0.1) for t in near])


def _of_thing(context: Context, resolution: Resolution, best: Found, view: View, attribute: str = "") -> Target:
    found = best.thing
    confidence = best.confidence if resolution.ambiguous else best.score
    if resolution.unknown:
        # Who gives an address or an id means that thing, whatever else is said; else a name may be what is asked about.
        confidence *= 1.0 if best.score >= _SURE else _UNKNOWN
        _note_unknown(context, resolution, sure=best.score >= _SURE)
    return Target(
        "thing",
        resolution,
        (found,),
        (found.ref, *_instances(context, found, view)),
        attribute=attribute,
        resolved=(match(found, confidence),),
        candidates=matches(resolution.others) if resolution.ambiguous or best.score < _SURE else (),
        confidence=confidence,
    )


def _of_group(context: Context, resolution: Resolution, view: View) -> Target:
    group = resolution.group
    assert group is not None
    return _of_members(context, resolution, group.things, view)


def _of_members(
    context: Context, resolution: Resolution, members: tuple[Thing, ...], view: View, attribute: str = ""
) -> Target:
    confidence = 0.9 if len(members) == 1 else 0.6
    refs = tuple(dict.fromkeys((*(t.ref for t in members), *_other_sides(context, members, view))))
    return Target("group", resolution, members, refs, attribute=attribute, confidence=confidence)


def _note_unknown(context: Context, resolution: Resolution, *, sure: bool) -> None:
    """Say which words of the question nothing is called by; before the answer, when it may depend on them."""
    said = _unknown(resolution)
    context.missing.append(said)
    if sure:
        return
    context.notes.append(f"{said}; without {'it' if len(resolution.unknown) == 1 else 'them'}:")


def _unknown(resolution: Resolution) -> str:
    words = listing([f"“{inline(w, 60)}”" for w in resolution.unknown])
    return f"{words} {'is' if len(resolution.unknown) == 1 else 'are'} not known"


def _instances(context: Context, found: Thing, view: View) -> tuple[EntityRef, ...]:
    """The other side of the code: the instances of a block, the block of an instance."""
    return _other_sides(context, (found,), view)


def _other_sides(context: Context, found: Sequence[Thing], view: View) -> tuple[EntityRef, ...]:
    refs = {t.ref for t in found if t.ref.kind in ("Block", "Resource")}
    if not refs:
        return ()
    edges = context.store.neighbours(sorted(refs), view, Limits(rows=_MOST_SIDES), types=_JOINED).items
    return tuple(dict.fromkeys(end for e in edges for end in (e.src, e.dst) if end not in refs))


def _attribute_of(context: Context, mention: str, view: View) -> Target | None:
    """The mention as an attribute of a thing: "the port of X", "X's port"."""
    for attribute, rest in _splits(mention):
        words = [w for w in name_tokens(attribute) if w not in _ARTICLES]
        said = parse(attribute)
        if not words or len(words) > 6 or said.literals or said.paths:
            continue
        resolution = resolve(context.store, rest, view, exact=True)
        if not resolution.best or resolution.best.score < _SURE:
            continue
        if _has_attribute(resolution.best.thing, words):
            return _of_thing(context, resolution, resolution.best, view, attribute=" ".join(words))
    return None


def _some_with(context: Context, mention: str, view: View) -> Target | None:
    """What is meant by an attribute of unnamed things: "the instance_type of the dev desktops", "the database class in prod"."""
    for attribute, rest in (*_splits(mention), *_splits(mention, (" in ",)), *_compounds(mention)):
        words = [w for w in name_tokens(attribute) if w not in _ARTICLES]
        if not words or len(words) > 6 or parse(attribute).literals:
            continue
        resolution = resolve(context.store, rest, view)
        members = resolution.group.things if resolution.group else _in_place(context, rest, view)
        some = tuple(t for t in members if _has_attribute(t, words))
        if some:
            return _of_members(context, Resolution(), some, view, attribute=" ".join(words))
    return None


def _in_place(context: Context, mention: str, view: View) -> tuple[Thing, ...]:
    """The code in the place that a mention names."""
    place = resolve_place(context.store, mention, view)
    refs = targets_in(context.store, place, view, _MOST_IN_PLACE) if place else None
    return tuple(things(context.store, [r for r in refs or () if r.kind == "Block"], view))


def _compounds(mention: str) -> list[tuple[str, str]]:
    """The last words of a name, before its place, as an attribute: "database class in prod" is the class of a database in prod."""
    before, cut, after = mention.rpartition(" in ")
    words = (before if cut else mention).split()
    return [
        (" ".join(words[-n:]), " ".join(words[:-n]) + (f" in {after}" if cut else ""))
        for n in (1, 2)
        if len(words) > n and parse(" ".join(words[:-n])).words
    ]


def _has_attribute(found: Thing, words: Sequence[str]) -> bool:
    """Whether a thing has an attribute of these words."""
    return any(set(words) <= path for path in _attribute_words(found))


_ARTICLES = frozenset({"the", "a", "an", "value", "values", "of", "current", "attribute", "setting", "its"})


def _splits(mention: str, separators: Sequence[str] = (" of ", " on ", " for ")) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for separator in separators:
        before, cut, after = mention.partition(separator)
        if cut and before and after:
            found.append((before, after))
    for separator in ("'s ", "’s "):
        before, cut, after = mention.partition(separator)
        if cut and before and after:
            found.append((after, before))
    return found


def _attribute_words(found: Thing) -> list[set[str]]:
    attributes = found.properties.get("attributes")
    return [set(name_tokens(path)) for path in attributes] if isinstance(attributes, dict) else []


# -- commits and pull requests


def find_change(context: Context, mention: str) -> Target | None:
    """The commit or pull request that a mention names; None when it names none."""
    return _change(context, mention, context.view)


def _change(context: Context, mention: str, view: View) -> Target | None:
    for chunk in mention.split()[:12]:
        plain = chunk.strip("\"'`.,;:()[]“”").casefold()
        if 7 <= len(plain) <= 64 and all(c in "0123456789abcdef" for c in plain) and any(c.isdigit() for c in plain):
            page = context.store.select("Commit", {"short": [plain[:7]]}, view, Limits(rows=20))
            hits = [e.ref for e in page.items if e.ref.id.startswith(plain)]
            if hits:
                return _of_change(context, things(context.store, hits[:1], view)[0], view, ambiguous=len(hits) > 1)
    requests = requests_in(context, mention)
    if requests:
        found = things(context.store, [e.ref for e in requests], view)
        return _of_change(context, found[0], view, ambiguous=len(found) > 1)
    return _of_version(context, mention, view)


def _of_version(context: Context, mention: str, view: View) -> Target | None:
    """The change that a version of a service brought: the pull requests that its first deployment carried."""
    from agent.effects import carried_requests

    shipped = shipments_in(context, mention)
    if not shipped and names_apply(mention):
        applied = apply_at(context, mention, context.question.at)
        shipped = (applied,) if applied else ()
    if not shipped:
        return None
    first = shipped[0]
    requests = carried_requests(context, first)
    refs = [r.ref for r in requests] or ([EntityRef(f"Commit:{first.commit}")] if first.commit else [])
    found = things(context.store, refs, view)
    context.citations.cite(first.said)
    own = [t for t in found if first.service in name_tokens(t.text("title")) or first.service in _services_of(t, first)]
    chosen = (own or found)[:1]
    return _of_change(context, chosen[0], view, ambiguous=False) if chosen else None


def _services_of(request: Thing, shipped: Shipment) -> frozenset[str]:
    files = request.properties.get("files")
    paths = [str(f) for f in files] if isinstance(files, list | tuple) else []
    return frozenset(s for path in paths for s in services_in(path, frozenset({shipped.service})))


def _of_change(context: Context, found: Thing, view: View, *, ambiguous: bool) -> Target:
    refs: tuple[EntityRef, ...] = (found.ref,)
    requests = [found.ref] if found.ref.kind == "PullRequest" else []
    if found.ref.kind == "Commit" and len(_parents(found)) > 1:
        # A merge changed what the commits did that came with it.
        edges = context.store.neighbours([found.ref], view, Limits(rows=10), types=("PART_OF",), direction="out").items
        requests = [e.dst for e in edges]
    if requests:
        edges = context.store.neighbours(requests, view, Limits(rows=500), types=("PART_OF",), direction="in").items
        refs = tuple(dict.fromkeys((found.ref, *(e.src for e in edges))))
    confidence = 0.5 if ambiguous else 1.0
    best = Found(found, 1.0, confidence)
    return Target(
        "change",
        Resolution(best, (), int(ambiguous)),
        (found,),
        refs,
        resolved=(match(found, confidence),),
        confidence=confidence,
    )


def _parents(commit: Thing) -> tuple[str, ...]:
    parents = commit.properties.get("parents")
    return tuple(str(p) for p in parents) if isinstance(parents, list | tuple) else ()


def _by_meaning(context: Context, mention: str, resolution: Resolution, view: View) -> Target | None:
    """What the search by meaning brings up first, when there is one; never sure."""
    if context.search is None:
        return None
    refs = [r for r in context.search(mention) if not (r.kind in KINDS and KINDS[r.kind].change)][:10]
    found = things(context.store, refs, view)
    if not found:
        return None
    ranked = [Found(t, 0.4 - 0.02 * i, 0.3 - 0.02 * i) for i, t in enumerate(found)]
    guess = Resolution(
        ranked[0], tuple(ranked[1:]), max(len(ranked) - 1, 1), nearest=resolution.nearest, unknown=resolution.unknown
    )
    return _of_thing(context, guess, ranked[0], view)


def refs_of(found: Sequence[Thing]) -> tuple[EntityRef, ...]:
    """Their refs."""
    return tuple(t.ref for t in found)
