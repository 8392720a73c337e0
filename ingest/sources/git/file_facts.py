"""Facts of files: that they exist, under which mode, and which commit changed them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from graph.clock import Instant
from graph.model import PUBLIC, Alias, Assertion, Entity, EntityRef, Fact, Properties, Relation
from ingest.sources.git.attribution import Attribution
from ingest.sources.git.blocks import Effect
from ingest.sources.git.changed_lines import NO_LINES, Lines
from ingest.sources.git.log import FileEntry
from ingest.sources.git.mainline import Step
from ingest.sources.git.site import Site

_REF_CACHE = 65_536


class FileFacts:
    """States files. Symbolic links and submodules are files with their mode."""

    def __init__(self, site: Site, out: list[Assertion], now: Instant, language_of: Callable[[str], str]) -> None:
        """`language_of` names the language of a path, empty when none reads it."""
        self._site = site
        self._out = out
        self._now = now
        self._language_of = language_of
        self._ref: Callable[[str], EntityRef] = lru_cache(maxsize=_REF_CACHE)(site.file)

    def state(self, step: Step, attribution: Attribution | None, lines: Mapping[str, Lines] = NO_LINES) -> None:
        """State the step's files, and their changes unless `attribution` is None. `lines`: what changed in them, by path."""
        site = self._site
        at = step.point.at
        for entry in step.commit.files:
            file = self._ref(entry.path)
            commit, via, commits = step.commit, None, ()
            if attribution is not None:
                credit = attribution.file(entry.path)
                commit, via, commits = credit.commit, credit.via, credit.commits
            deleted = entry.new_blob is None
            sha = commit.parents[0] if deleted and commit.parents else commit.sha
            locator = f"{site.name}@{sha}:{entry.path}"
            url = site.web.file(sha, entry.path)
            self.state_file(entry, file, at, locator, url)
            if attribution is None:
                continue
            effect: Effect = "deleted" if deleted else "created" if entry.old_blob is None else "updated"
            properties: dict[str, str | tuple[str, ...]] = {"effect": effect, "path": entry.path}
            if via is not None:
                properties["via"] = via
            if commits:
                properties["commits"] = commits
            if (changed := lines.get(entry.path)) is not None:
                _add_lines(properties, changed)
            change = EntityRef("Commit:" + commit.sha)
            self._say(Relation("CHANGED", change, file, properties), at, locator, url)

    def state_file(self, entry: FileEntry, file: EntityRef, at: Instant, locator: str, url: str | None) -> None:
        """State that a file exists, or that it no longer does, where the diff says so."""
        created, deleted = entry.old_blob is None, entry.new_blob is None
        if not created and not deleted and entry.old_mode == entry.new_mode:
            return
        properties: Properties = {
            "repository": self._site.name,
            "path": entry.path,
            "language": self._language_of(entry.path),
            "mode": entry.old_mode if deleted else entry.new_mode,
        }
        self._say(Entity(file, properties), at, locator, url, present=not deleted)
        if created or deleted:
            self._say(Alias(file, "path", entry.path), at, locator, url, present=not deleted)

    def _say(self, fact: Fact, at: Instant, locator: str, url: str | None, *, present: bool = True) -> None:
        self._out.append(Assertion(fact, at, self._now, locator, None, present, PUBLIC, url))


def _add_lines(properties: dict[str, str | tuple[str, ...]], lines: Lines) -> None:
    said = {"removed": lines.removed, "added": lines.added, "sections": lines.sections}
    properties.update((name, text) for name, text in said.items() if text)
