"""Facts of blocks: their versions, names and references through time, and which commit changed them."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from graph.clock import Instant
from graph.model import PUBLIC, Alias, Assertion, Entity, EntityRef, Fact, Properties, Relation, Value, ref
from ingest.redact import REDACTED
from ingest.sources.git.attribution import Attribution, Credit
from ingest.sources.git.blocks import AttributeChange, BlockChange, Meaning, Place
from ingest.sources.git.log import Commit, FileEntry
from ingest.sources.git.site import Site
from ingest.sources.git.withheld import withheld_attribute

_NOTHING: Properties = {}
_ABSENT: Properties = {"state": "absent"}
_WITHHELD: Properties = {"state": "redacted"}


@dataclass(frozen=True, slots=True)
class Links:
    """What a block refers to: address in its directory -> attribute paths; and the module it calls."""

    references: Mapping[str, tuple[str, ...]]
    module_source: str = ""


NO_LINKS = Links({})

LinksBefore = Callable[[Place, Mapping[str, FileEntry]], Links]
"""What the block of this name referred to before a diff, read from the old side of the diff's files."""

_REF_CACHE = 65_536


@dataclass(frozen=True, slots=True)
class _Where:
    at: Instant
    locator: str
    url: str | None


class BlockFacts:
    """States blocks from what a diff did to them."""

    def __init__(
        self, site: Site, out: list[Assertion], now: Instant, links_before: LinksBefore, *, from_the_start: bool
    ) -> None:
        """`from_the_start`: every block there is will be met here, so that `links_before` need not be asked."""
        self._site = site
        self._out = out
        self._now = now
        self._links_before = links_before
        self._from_the_start = from_the_start
        self._links: dict[EntityRef, Links] = {}
        self._modules: set[EntityRef] = set()
        self._ref: Callable[[str, str], EntityRef] = lru_cache(maxsize=_REF_CACHE)(site.block)

    def state(
        self,
        changes: Sequence[BlockChange],
        commit: Commit,
        at: Instant,
        entries: Mapping[str, FileEntry],
        attribution: Attribution | None,
    ) -> None:
        """State what a mainline commit's diff did to blocks; without `attribution` only what they are now."""
        # A rename may free a name that another block takes in the same commit: only names that stay free end.
        placed = {self._ref(c.place.directory, c.place.address) for c in changes if c.effect != "deleted"}
        for change in changes:
            block = self._ref(change.place.directory, change.place.address)
            credit = attribution.block(change, entries) if attribution is not None else None
            where = self._where(change, credit, commit, at)
            before = change.place if change.effect == "deleted" else change.moved_from
            if before is not None and (old := self._ref(before.directory, before.address)) not in placed:
                self._end(old, before, where, entries)
            if change.effect not in ("deleted", "format_only"):
                self._version(block, change, where, entries, moves=credit is not None)
            if credit is not None:
                self._changed(block, change, credit, where)

    def end_module(self, directory: str, at: Instant, locator: str) -> None:
        """State that a directory holds no code any more."""
        module = self._site.module(directory)
        self._modules.discard(module)
        self._state_module(module, directory, "", _Where(at, locator, None), present=False)

    def _where(self, change: BlockChange, credit: Credit | None, commit: Commit, at: Instant) -> _Where:
        place = change.place
        if credit is not None:
            commit, place = credit.commit, credit.place or place
        gone = change.effect == "deleted" and commit.parents
        sha = commit.parents[0] if gone else commit.sha
        lines = (place.start_line, place.end_line)
        return _Where(at, self._site.locator(sha, place.path, lines), self._site.web.file(sha, place.path, lines))

    def _version(
        self, block: EntityRef, change: BlockChange, where: _Where, entries: Mapping[str, FileEntry], *, moves: bool
    ) -> None:
        place, span = change.place, change.span
        properties: Properties = {
            "repository": self._site.name,
            "directory": place.directory,
            "path": place.path,
            "language": change.language,
            "block_type": span.block_type,
            "type": span.type,
            "name": span.name,
            "address": place.address,
            "attributes": _told(span.type, change.meaning.attributes),
        }
        self._say(Entity(block, properties), where)
        before = change.moved_from
        old = self._ref(before.directory, before.address) if before is not None else None
        arrives = change.effect == "created" or (old is not None and old != block)
        if arrives:
            self._say(Alias(block, "address", place.address), where)
            self._contained(block, place, where)
            if old is not None and moves:
                self._say(Relation("MOVED_FROM", block, old, {"score": change.score, "rule": change.rule}), where)
        if arrives or change.references_changed:
            links = links_of(change.meaning)
            known = NO_LINKS if change.effect == "created" else self._known_links(block, place, entries)
            self._relink(block, place.directory, known, links, where)

    def _end(self, block: EntityRef, place: Place, where: _Where, entries: Mapping[str, FileEntry]) -> None:
        properties = {"repository": self._site.name, "directory": place.directory, "address": place.address}
        self._say(Entity(block, properties), where, present=False)
        self._say(Alias(block, "address", place.address), where, present=False)
        if place.directory != place.path:
            module = self._site.module(place.directory)
            self._say(Relation("CONTAINS", module, block, _NOTHING), where, present=False)
        self._relink(block, place.directory, self._known_links(block, place, entries), NO_LINKS, where)

    def _contained(self, block: EntityRef, place: Place, where: _Where) -> None:
        # Where a file is its own namespace (YAML, JSON) the path says it all.
        if place.directory != place.path:
            module = self._site.module(place.directory)
            self._state_module(module, place.directory, "", where)
            self._say(Relation("CONTAINS", module, block, _NOTHING), where)

    def _known_links(self, block: EntityRef, place: Place, entries: Mapping[str, FileEntry]) -> Links:
        known = self._links.get(block)
        if known is not None or self._from_the_start:
            return known or NO_LINKS
        return self._links_before(place, entries)

    def _relink(self, block: EntityRef, directory: str, old: Links, new: Links, where: _Where) -> None:
        for address in old.references:
            if address not in new.references:
                target = self._ref(directory, address)
                self._say(Relation("DEPENDS_ON", block, target, _NOTHING), where, present=False)
        for address, via in new.references.items():
            if old.references.get(address) != via:
                self._say(Relation("DEPENDS_ON", block, self._ref(directory, address), {"via": via}), where)
        if old.module_source != new.module_source:
            if old.module_source:
                called = self._called(directory, old.module_source)[0]
                self._say(Relation("CONTAINS", block, called, _NOTHING), where, present=False)
            if new.module_source:
                called, path = self._called(directory, new.module_source)
                if path is None:
                    self._state_module(called, "", new.module_source, where)
                self._say(Relation("CONTAINS", block, called, _NOTHING), where)
        if new.references or new.module_source or not self._from_the_start:
            self._links[block] = new
        else:
            self._links.pop(block, None)

    def _called(self, directory: str, source: str) -> tuple[EntityRef, str | None]:
        """The module that a source address names, and its directory when it is one of this repository."""
        if source.startswith(("./", "../")) or source in (".", ".."):
            path = posixpath.normpath(posixpath.join(directory, source))
            if path != ".." and not path.startswith(("../", "/")):
                path = "" if path == "." else path
                return self._site.module(path), path
        return ref("Module", "", source), None

    def _state_module(
        self, module: EntityRef, directory: str, source: str, where: _Where, *, present: bool = True
    ) -> None:
        if present and module in self._modules:
            return
        if present:
            self._modules.add(module)
        repository = "" if source else self._site.name
        properties = {"repository": repository, "directory": directory, "source": source}
        self._say(Entity(module, properties), where, present=present)
        if name := source or directory:
            self._say(Alias(module, "source" if source else "path", name), where, present=present)

    def _changed(self, block: EntityRef, change: BlockChange, credit: Credit, where: _Where) -> None:
        place = credit.place or change.place
        properties: dict[str, Value] = {
            "effect": change.effect,
            "attributes": [_attribute(change.span.type, attribute) for attribute in change.attributes],
            "path": place.path,
        }
        if credit.via is not None:
            properties["via"] = credit.via
        if credit.commits:
            properties["commits"] = credit.commits
        if (before := change.moved_from) is not None:
            properties["moved_from"] = {
                "directory": before.directory,
                "address": before.address,
                "path": before.path,
            }
            properties["score"] = change.score
        self._say(Relation("CHANGED", EntityRef("Commit:" + credit.commit.sha), block, properties), where)

    def _say(self, fact: Fact, where: _Where, *, present: bool = True) -> None:
        self._out.append(Assertion(fact, where.at, self._now, where.locator, None, present, PUBLIC, where.url))


def links_of(meaning: Meaning) -> Links:
    """The links that a block's meaning states."""
    if not meaning.references and not meaning.module_source:
        return NO_LINKS
    via: dict[str, list[str]] = {}
    for path, addresses in meaning.references.items():
        for address in addresses:
            via.setdefault(address, []).append(path)
    return Links({address: tuple(sorted(set(paths))) for address, paths in via.items()}, meaning.module_source)


def _told(type_: str, attributes: Mapping[str, Value]) -> Mapping[str, Value]:
    """The attributes as they are stored: of a Secret only that there is a value."""
    if not any(withheld_attribute(type_, path) for path in attributes):
        return attributes
    return {path: REDACTED if withheld_attribute(type_, path) else value for path, value in attributes.items()}


def _attribute(type_: str, change: AttributeChange) -> Value:
    withheld = withheld_attribute(type_, change.path)
    before, after = (_WITHHELD if side and withheld else _side(side) for side in (change.before, change.after))
    return {"path": change.path, "before": before, "after": after}


def _side(value: tuple[Value] | None) -> Value:
    return _ABSENT if value is None else {"state": "value", "value": value[0]}
