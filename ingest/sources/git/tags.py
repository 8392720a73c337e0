"""Facts of tags: which there are, and what they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graph.clock import SECOND, Instant
from graph.model import Alias, Assertion, Entity, Fact, Properties, Relation, ref
from ingest.sources.git.repository import Repository, digest

_FORMAT = "%(objectname) %(objecttype) %(*objectname) %(*objecttype) %(creatordate:unix) %(refname:lstrip=2)"
_NOTHING: Properties = {}


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag that names a commit. `at` is when it was made; of a lightweight tag, when its commit was."""

    name: str
    commit: str
    at: Instant


def tags_digest(repository: Repository) -> str:
    """A digest of all tags there are, to see whether any changed. Empty when there are none."""
    return digest(repository.git.run("for-each-ref", "--format=%(objectname) %(refname)", "refs/tags"))


def tags_within(repository: Repository, tip: str) -> dict[str, Tag]:
    """The tags whose commits `tip` can reach, by name."""
    rows = repository.git.run("for-each-ref", f"--merged={tip}", f"--format={_FORMAT}", "refs/tags")
    found: dict[str, Tag] = {}
    for row in rows.decode("utf-8", "backslashreplace").splitlines():
        own, own_type, peeled, peeled_type, seconds, name = row.split(" ", 5)
        commit = own if own_type == "commit" else peeled if peeled_type == "commit" else ""
        if commit:
            found[name] = Tag(name, commit, int(seconds or 0) * SECOND)
    return found


def tag_assertions(
    repository: Repository, before: Mapping[str, str], after: Mapping[str, Tag], now: Instant
) -> list[Assertion]:
    """What became of the tags since `before` (name -> commit)."""
    out: list[Assertion] = []
    for name, commit in before.items():
        tag = after.get(name)
        if tag is None:
            _state(repository, out, Tag(name, commit, now), now, present=False)
        elif tag.commit != commit:
            # When it was moved is known to nobody: it is noticed now.
            _name(repository, out, Tag(name, commit, now), now, present=False)
            _name(repository, out, Tag(name, tag.commit, now), now)
    for name, tag in after.items():
        if name not in before:
            _state(repository, out, Tag(name, tag.commit, min(tag.at, now)), now)
    return out


def _state(repository: Repository, out: list[Assertion], tag: Tag, now: Instant, *, present: bool = True) -> None:
    site = repository.site
    this = ref("Tag", site.name, tag.name)
    facts: tuple[Fact, ...] = (
        Entity(this, {"repository": site.name, "name": tag.name}),
        Alias(this, "name", tag.name),
    )
    locator, url = site.locator(tag.commit), site.web.commit(tag.commit)
    out.extend(Assertion(fact, tag.at, now, locator, present=present, url=url) for fact in facts)
    _name(repository, out, tag, now, present=present)


def _name(repository: Repository, out: list[Assertion], tag: Tag, now: Instant, *, present: bool = True) -> None:
    site = repository.site
    relation = Relation("TAGS", ref("Tag", site.name, tag.name), ref("Commit", tag.commit), _NOTHING)
    out.append(
        Assertion(relation, tag.at, now, site.locator(tag.commit), present=present, url=site.web.commit(tag.commit))
    )
