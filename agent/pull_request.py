"""What a pull request would do to what runs: what it touches, what that risks, what depends on it, who answers for it.

Read from its commits' changes and the plans made from them; where the graph holds neither, from the files that it lists and the addresses that
a plan at hand names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from agent.assemble import attributes
from agent.blast import affected
from agent.chain import requests_of
from agent.drift.model import SEVERITIES, AttributeDrift, Severity
from agent.drift.observed import Observed
from agent.drift.severity import weigh
from agent.evidence import Citations, inline, text_of
from agent.incident import Suspect, Symptom
from agent.investigation import Affected
from agent.lineage import commits_of
from agent.mechanisms import explain
from agent.named_service import service_names
from agent.ownership import Owner, ownership
from agent.scene import Scene
from agent.stateful import holds_data
from agent.surroundings import Surroundings
from graph.clock import Instant
from graph.lexicon import Thing, former, thing, things
from graph.model import EntityRef, Value
from graph.store import ChangeQuery, ChangeView, GraphStore, Limits, Provenance, RelationView, View
from graph.text import name_tokens

_ROWS = 4_000
_STARTS = 10
_MOST_STARTS = 40
_MOST_FILES = 300
_MOST_FORMER = 50
_MATTERS = 0.3
"""What fits less is not known to break anything."""
_KINDS = frozenset({"Block", "Resource", "Service", "Module"})


@dataclass(frozen=True, slots=True)
class Planned:
    """An instance that a plan at hand would change. `effect` as of `CHANGED`; empty when it is not told."""

    address: str
    type: str
    effect: str


@dataclass(frozen=True, slots=True)
class Touched:
    """Something that it touches. `path` is its file, where known."""

    ref: EntityRef | None
    label: str
    type: str
    effect: str
    path: str
    citations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Risk:
    """What may go wrong, a sentence without a full stop."""

    severity: Severity
    text: str
    citations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Before:
    """An incident that a change of the same thing caused; `itself`: that this very pull request did."""

    title: str
    day: str
    label: str
    citations: tuple[str, ...]
    itself: bool = False


@dataclass(frozen=True, slots=True)
class Owned:
    """Who answers for which of it, and by what rule."""

    names: tuple[str, ...]
    rule: str
    labels: tuple[str, ...]
    citations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """What is known of a pull request.

    Attributes:
        basis: what it was read from: `changes`, `plan`, `files`; empty when the graph does not know what it touches.
        touched: by label.
        risks: worst first.
        before: newest first.
        services: those that what it touches is called after.
        depending: what depends on it, nearest first; `cut` when there is more.
        unowned: labels of what nobody answers for.
    """

    basis: str
    touched: tuple[Touched, ...] = ()
    risks: tuple[Risk, ...] = ()
    before: tuple[Before, ...] = ()
    services: tuple[str, ...] = ()
    depending: tuple[Affected, ...] = ()
    cut: bool = False
    owners: tuple[Owned, ...] = ()
    unowned: tuple[str, ...] = ()


def review(
    store: GraphStore, view: View, pull: EntityRef, repository: str, planned: Sequence[Planned], citations: Citations
) -> Review:
    """What the pull request of this ref does, as far as the graph tells; it may not know it at all."""
    found = next(iter(store.entities([pull], view)), None)
    views = _changes(store, view, pull)
    basis = "changes" if any(v.target.kind in _KINDS for v in views) else "files" if views else ""
    listed = _files(found.properties) if found is not None else ()
    views, named = _planned(store, view, pull, repository, planned, listed, views)
    basis = basis if basis == "changes" or not planned else "plan"
    if not any(v.target.kind in _KINDS for v in views) and listed:
        views = [*views, *_in_files(store, view, pull, repository, listed)]
        basis = basis or "files"
    known = _known(store, view, views)
    touched = _touched(views, known, named, citations)
    services = _services(store, view, touched, known)
    depending, cut = _depending(store, view, pull, views, services, citations)
    owners, unowned = _owners(store, view, repository, touched, listed, citations)
    return Review(
        basis,
        touched,
        _risks(views, known, named, pull, citations),
        _before(store, view, pull, views, known, citations),
        services,
        depending,
        cut,
        owners,
        unowned,
    )


# -- what it touches


def _changes(store: GraphStore, view: View, pull: EntityRef) -> list[ChangeView]:
    """What its commits changed and what plans made from them would change, as changes of the pull request."""
    edges = store.neighbours([pull], view, Limits(rows=_ROWS), types=("PART_OF", "MERGED_AS")).items
    commits = list(dict.fromkeys(end for e in edges for end in (e.src, e.dst) if end.kind == "Commit"))
    found = list(store.changes(ChangeQuery(changes=[pull, *commits]), view, Limits(rows=_ROWS)).items)
    if commits:
        made = store.neighbours(commits, view, Limits(rows=200), types=("PLANNED_FROM",), direction="in").items
        plans = sorted({e.src for e in made})
        edges = (
            store.neighbours(plans, view, Limits(rows=_ROWS), types=("PLANS",), direction="out").items if plans else ()
        )
        found += [_as_change(pull, e) for e in edges]
    return [replace(v, change=pull) for v in found if v.properties.get("effect") != "format_only"]


def _as_change(pull: EntityRef, edge: RelationView) -> ChangeView:
    said = edge.statements[0]
    return ChangeView(pull, edge.dst, said.valid_from, edge.properties, said.provenance, said.label)


def _planned(
    store: GraphStore,
    view: View,
    pull: EntityRef,
    repository: str,
    planned: Sequence[Planned],
    listed: Sequence[str],
    views: list[ChangeView],
) -> tuple[list[ChangeView], list[Planned]]:
    """The views with what a plan at hand names added, and those of it that the graph does not know for certain.

    An address stands in one of several roots and states: what it means is certain only where one thing of this repository has it, or one in
    the files that the pull request changes.
    """
    if not planned:
        return views, []
    addresses = sorted({p.address for p in planned})
    codes = {"repository": [repository], "address": sorted({_code(a) for a in addresses})}
    blocks = store.select("Block", codes, view, Limits(rows=_ROWS)).items
    instances = store.select("Resource", {"address": addresses}, view, Limits(rows=_ROWS)).items
    refs = [i.ref for i in instances]
    edges = store.neighbours(refs, view, Limits(rows=_ROWS), types=("DECLARES",), direction="in").items if refs else ()
    homes = {b.ref: b for b in store.entities(sorted({e.src for e in edges}), view)}
    ours = {e.dst for e in edges if e.src in homes and text_of(homes[e.src].properties, "repository") == repository}
    seen = {v.target for v in views}
    added: list[ChangeView] = []
    unknown: list[Planned] = []
    for one in planned:
        exact = [i for i in instances if text_of(i.properties, "address") == one.address and i.ref in ours]
        code = [b for b in blocks if text_of(b.properties, "address") == _code(one.address)]
        here = [b for b in code if text_of(b.properties, "path") in listed]
        meant = next((some[0] for some in (exact, here, code) if len(some) == 1), None)
        if meant is None:
            unknown.append(one)
        elif meant.ref not in seen:
            said = meant.statements[0]
            told = {"effect": one.effect or "updated"}
            added.append(ChangeView(pull, meant.ref, said.valid_from, told, said.provenance, said.label))
    return [*views, *added], unknown


def _code(address: str) -> str:
    """The address of the code of an instance in its own directory: of one inside a module, the call of that module."""
    if address.startswith("module."):
        return ".".join(re.sub(r"\[.*", "", address).split(".")[:2])
    return re.sub(r"\[[^\[\]]*\]$", "", address)


def _in_files(
    store: GraphStore, view: View, pull: EntityRef, repository: str, paths: Sequence[str]
) -> list[ChangeView]:
    """What stands in the files that it changes: it may touch any of it."""
    page = store.select("Block", {"repository": [repository], "path": list(paths)}, view, Limits(rows=_ROWS))
    found: list[ChangeView] = []
    for block in page.items:
        if text_of(block.properties, "block_type") in ("resource", "module", "object", "job"):
            said = block.statements[0]
            found.append(
                ChangeView(
                    pull,
                    block.ref,
                    said.valid_from,
                    {"path": text_of(block.properties, "path")},
                    said.provenance,
                    said.label,
                )
            )
    return found


def _files(properties: Mapping[str, Value]) -> tuple[str, ...]:
    listed = properties.get("files")
    some = listed if isinstance(listed, Sequence) and not isinstance(listed, str) else ()
    return tuple(p for p in some if isinstance(p, str))[:_MOST_FILES]


def _known(store: GraphStore, view: View, views: Iterable[ChangeView]) -> dict[EntityRef, Thing]:
    """What it touches, as it is, or as it last was."""
    refs = sorted({v.target for v in views})
    found = {r: thing(e) for e in store.entities(refs, view) for r in (e.ref, *e.refs)} if refs else {}
    for gone in [r for r in refs if r not in found][:_MOST_FORMER]:
        if (last := former(store, gone, view)) is not None:
            found[gone] = last
    return found


def _touched(
    views: Sequence[ChangeView], known: Mapping[EntityRef, Thing], named: Sequence[Planned], citations: Citations
) -> tuple[Touched, ...]:
    found: dict[str, Touched] = {}
    # An instance before its code: a plan says of it what the code alone does not.
    for view in sorted(views, key=lambda v: (v.target.kind != "Resource", v.target)):
        one = known.get(view.target)
        if view.target.kind not in _KINDS or one is None:
            continue
        label = inline(one.label, 160)
        path = text_of(view.properties, "path") or one.text("path")
        there = found.get(label)
        if there is None:
            effect = "replaced" if view.properties.get("replace") is True else text_of(view.properties, "effect")
            cited = (citations.cite(view.provenance),)
            found[label] = Touched(view.target, label, _type(one), effect, path, cited)
        elif path and not there.path:
            found[label] = replace(there, path=path)
    for plan in named:
        found.setdefault(plan.address, Touched(None, inline(plan.address, 160), plan.type, plan.effect, "", ()))
    return tuple(sorted(found.values(), key=lambda t: t.label))


def _type(one: Thing) -> str:
    # A data source or a variable is nothing that runs, whatever its type.
    return one.text("type") if one.text("block_type") in ("", "resource", "object", "job") else ""


# -- what that risks


def _risks(
    views: Sequence[ChangeView],
    known: Mapping[EntityRef, Thing],
    named: Sequence[Planned],
    pull: EntityRef,
    citations: Citations,
) -> tuple[Risk, ...]:
    found: dict[str, Risk] = {}
    types = {ref: _type(one) for ref, one in known.items()}
    labels = {ref: inline(one.label, 100) for ref, one in known.items()}
    told_of = {text_of(v.properties, "path") for v in views if v.target.kind != "File"}
    for view in sorted(views, key=lambda v: (v.target.kind != "Resource", v.target, -v.at)):
        if view.target.kind == "File" and text_of(view.properties, "path") in told_of:
            continue  # what stands in it tells more
        label, type_ = labels.get(view.target, ""), types.get(view.target, "")
        told: list[tuple[Severity, str]] = []
        if view.target.kind in _KINDS and label:
            told += _data(label, type_, view)
            told += _opens(label, type_, view)
        if not told and (mechanism := _mechanism(view, pull, types, labels)):
            told = [("low", mechanism)]
        for level, text in told:
            if text not in found:
                found[text] = Risk(level, text, (citations.cite(view.provenance),))
    for plan in named:
        if plan.effect == "deleted" and holds_data(plan.type):
            text = f"{inline(plan.address, 160)} is deleted, and it holds data"
            found.setdefault(text, Risk("critical", text, ()))
    return tuple(sorted(found.values(), key=lambda r: (SEVERITIES.index(r.severity), r.text)))


def _data(label: str, type_: str, view: ChangeView) -> list[tuple[Severity, str]]:
    if not holds_data(type_):
        return []
    if view.properties.get("replace") is True:
        return [("critical", f"{label} is deleted and made anew, and it holds data")]
    if view.properties.get("effect") == "deleted":
        return [("critical", f"{label} is deleted, and it holds data")]
    return []


def _opens(label: str, type_: str, view: ChangeView) -> list[tuple[Severity, str]]:
    """By the rules by which a drift is judged: the side before is what was wanted, the side after what would be."""
    changed = tuple(AttributeDrift(path=a.path, desired=a.before, actual=a.after) for a in attributes(view.properties))
    if not changed or view.properties.get("effect") == "deleted":
        return []
    seen = Observed("changed", "plan", "", view.target, label, type_, attributes=changed)
    weighed = weigh(seen)
    return [(weighed.severity, f"{label}: {risk}") for risk in weighed.risks]


def _mechanism(
    view: ChangeView, pull: EntityRef, types: Mapping[EntityRef, str], labels: Mapping[EntityRef, str]
) -> str:
    """By which declared failure mode such a change is known to break things; empty when by none."""
    alone = _suspect(pull, view.target, [view])
    fit = explain(_nothing(view.at), alone, types, labels)
    if not fit.known or fit.harmless or fit.score < _MATTERS:
        return ""
    how = fit.mechanism.removeprefix(fit.what).removeprefix(": ")
    return f"{fit.what}; how such a change breaks things: {how}" if how else fit.what


def _suspect(pull: EntityRef, target: EntityRef | None, views: Sequence[ChangeView]) -> Suspect:
    return Suspect(pull, "change", pull, target, views[0].at, "proposed", "", "pull request", views=tuple(views))


def _nothing(at: Instant) -> Symptom:
    return Symptom("", at, at)


def _before(
    store: GraphStore,
    view: View,
    pull: EntityRef,
    views: Sequence[ChangeView],
    known: Mapping[EntityRef, Thing],
    citations: Citations,
) -> tuple[Before, ...]:
    """Incidents whose confirmed cause was an earlier change of the same things, or one of these things itself."""
    targets = sorted({v.target for v in views})
    if not targets:
        return ()
    declared = store.neighbours(targets, view, Limits(rows=_ROWS), types=("DECLARES",)).items
    stands_for = {end: one for e in declared for one, end in ((e.src, e.dst), (e.dst, e.src)) if one in known}
    every = sorted({*targets, *stands_for})
    earlier = store.changes(ChangeQuery(targets=every), view, Limits(rows=_ROWS)).items
    about: dict[EntityRef, EntityRef] = {t: stands_for.get(t, t) for t in every}
    for one in earlier:
        for change in (one.change, *commits_of(one)):
            about.setdefault(change, stands_for.get(one.target, one.target))
    commits = [c for c in about if c.kind == "Commit"]
    for commit, requests in requests_of(store, view, commits).items():
        for request in requests:
            about.setdefault(request, about[commit])
    about[pull] = pull
    edges = store.neighbours(sorted(about), view, Limits(rows=_ROWS), types=("CAUSED_BY",), direction="in").items
    told = {t.ref: t for t in things(store, sorted({e.src for e in edges if e.src.kind == "Incident"}), view)}
    found: dict[EntityRef, Before] = {}
    for edge in sorted(edges, key=lambda e: (e.src, e.dst)):
        incident, thing_ = told.get(edge.src), known.get(about.get(edge.dst, edge.dst))
        if incident is None or (edge.src in found and edge.dst != pull):
            continue
        cited = tuple(dict.fromkeys((citations.cite_thing(incident), citations.cite(edge.statements[0].provenance))))
        label = inline(thing_.label, 120) if thing_ is not None else ""
        found[edge.src] = Before(
            inline(incident.label, 160), incident.text("started_at")[:10], label, cited, itself=edge.dst == pull
        )
    return tuple(sorted(found.values(), key=lambda b: (b.day, b.title), reverse=True))


# -- what depends on it, who answers for it


def _depending(
    store: GraphStore,
    view: View,
    pull: EntityRef,
    views: Sequence[ChangeView],
    services: Sequence[str],
    citations: Citations,
) -> tuple[tuple[Affected, ...], bool]:
    own = sorted({v.target: v for v in views if v.target.kind in _KINDS}.items())
    cut = len(own) > _MOST_STARTS
    nearest: dict[tuple[str, str], Affected] = {}
    chunks = [[v for _, v in own[i : i + _STARTS]] for i in range(0, min(len(own), _MOST_STARTS), _STARTS)]
    # each service that something here is called after is a start of its own
    for i in range(max(len(chunks), len(services[:_MOST_STARTS]) if chunks else 0)):
        some = chunks[i] if i < len(chunks) else chunks[0][:1]
        scene = Scene(store, view, _nothing(some[0].at), Surroundings({}))
        service = services[i] if i < len(services) else ""
        found, more = affected(scene, replace(_suspect(pull, some[0].target, some), service=service), citations)
        cut = cut or more
        for one in found:
            there = nearest.get((one.kind, one.label))
            if there is None or one.distance < there.distance:
                nearest[one.kind, one.label] = one
    touched = {ref for ref, _ in own}
    rest = [a for a in nearest.values() if EntityRef(a.ref) not in touched]
    return tuple(sorted(rest, key=lambda a: (a.distance, a.kind != "Service", a.kind, a.label))), cut


def _services(
    store: GraphStore, view: View, touched: Sequence[Touched], known: Mapping[EntityRef, Thing]
) -> tuple[str, ...]:
    """Services that something it touches is called after: `Deployment/prod/checkout` is of checkout."""
    by_tokens = {tuple(name_tokens(name)): name for name in sorted(service_names(store, view))}
    called = [known[t.ref].text("name") for t in touched if t.ref is not None and t.type and t.ref in known]
    return tuple(sorted({by_tokens[key] for name in called if (key := tuple(name_tokens(name))) in by_tokens}))


def _owners(
    store: GraphStore,
    view: View,
    repository: str,
    touched: Sequence[Touched],
    files: Sequence[str],
    citations: Citations,
) -> tuple[tuple[Owned, ...], tuple[str, ...]]:
    owning = ownership(store, view)
    found: dict[tuple[tuple[str, ...], str], tuple[list[str], Provenance]] = {}
    unowned: list[str] = []

    def add(owner: Owner | None, label: str) -> None:
        if owner is None:
            unowned.append(label)
        else:
            found.setdefault((owner.names, owner.rule), ([], owner.said))[0].append(label)

    for one in touched:
        owner = owning.of(one.ref) if one.ref is not None else None
        add(owner or (owning.of_path(repository, one.path) if one.path else None), one.label)
    covered = {t.path for t in touched}
    for path in files:
        if path not in covered:
            add(owning.of_path(repository, path), path)
    owned = [
        Owned(
            tuple(inline(n, 80) for n in names),
            inline(rule, 120),
            tuple(dict.fromkeys(labels)),
            (citations.cite(said),),
        )
        for (names, rule), (labels, said) in sorted(found.items())
    ]
    return tuple(owned), tuple(dict.fromkeys(unowned))
