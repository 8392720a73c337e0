"""Places of code in words: a directory, a file, a module, a repository, an environment."""

from __future__ import annotations

from dataclasses import dataclass

from graph.lexicon import lexicon
from graph.mention import holds_word, other_environment_names, parse
from graph.model import EntityRef
from graph.spelling import corrected
from graph.store import GraphStore, Limits, View
from graph.text import name_tokens
from graph.vocabulary import Words

_NOUNS = frozenset(
    {"the", "our", "a", "an", "module", "stack", "environment", "env", "directory", "folder", "dir", "file", "repo", "repository",
     "account", "project", "workspace", "area", "code", "in", "of", "under", "inside", "within", "at", "for", "everything",
     "anything", "all", "modules", "files", "tree", "part", "my"}
)  # fmt: skip


_NEAR = 0.6
"""Share of a path's characters that a near one has in common with it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where. Any of the conditions puts something there.

    Attributes:
        label: what to call it.
        prefixes: directories or files; something is there when its path is one of them or lies under one.
        repositories: whole repositories, by name.
        words: words that must all occur in a path, when no directory is called so.
        refs: entities of the place itself (the file, the module).
        sure: it was named by a path or by its whole name.
    """

    label: str
    prefixes: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    words: Words = ()
    refs: tuple[EntityRef, ...] = ()
    sure: bool = False

    def holds(self, path: str, repository: str) -> bool:
        """Whether something at this path of this repository is there."""
        if self.repositories and repository in self.repositories:
            return True
        if any(path == p or path.startswith(p + "/") for p in self.prefixes):
            return True
        return bool(self.words) and all(holds_word(name_tokens(path), word) for word in self.words)


def resolve_place(store: GraphStore, text: str, view: View) -> Place | None:
    """The place that a mention names, or None."""
    mention = parse(text)
    words = tuple(w for w in mention.words if w not in _NOUNS)
    if mention.paths and not words:
        return _path(store, mention.paths[0], view)
    if mention.paths or not words or len(words) > 6:
        return None
    return _repository(store, words, view) or _directory(store, words, view)


def targets_in(store: GraphStore, place: Place, view: View, most: int) -> list[EntityRef] | None:
    """What lies in a place, lies there no longer or was moved away: files and blocks; None when there are more than `most`."""
    if not place.prefixes or place.repositories or place.words:
        return None
    found: dict[EntityRef, None] = dict.fromkeys(place.refs)
    paths: list[str] = []
    for prefix in place.prefixes:
        page = store.search_names(sorted(set(name_tokens(prefix))), view, Limits(rows=most), kinds=("File",))
        if page.cut:
            return None
        for alias in page.items:
            if place.holds(alias.name, ""):
                found.setdefault(alias.ref)
                paths.append(alias.name)
    if len(paths) > most // 10:
        return None
    blocks = store.select("Block", {"path": paths}, view, Limits(rows=most)) if paths else None
    if blocks and blocks.cut:
        return None
    found.update((entity.ref, None) for entity in (blocks.items if blocks else ()))
    known = lexicon(store, view)
    for gone in (*known.dead(store, view), *known.former(store, view)):
        if place.holds(gone.text("path"), gone.text("repository")):
            found.setdefault(gone.ref)
    return list(found) if len(found) <= most else None


def _path(store: GraphStore, path: str, view: View) -> Place | None:
    exact = store.resolve_alias(path, view, Limits(rows=50), kinds=("File", "Module", "Directory")).items
    if exact:
        return Place(path, tuple(dict.fromkeys(a.name for a in exact)), refs=tuple(a.ref for a in exact), sure=True)
    repository = _repository(store, name_tokens(path), view)
    if repository and repository.label.casefold() == path.casefold():
        return repository
    sought = f"/{path.casefold()}/"
    page = store.search_names(
        sorted(set(name_tokens(path))), view, Limits(rows=2_000), kinds=("File", "Module", "Directory")
    )
    roots: dict[str, None] = {}
    for alias in page.items:
        at = f"/{alias.name.casefold()}/".find(sought)
        if at >= 0:
            roots.setdefault(alias.name[: at + len(path)])
    if not roots:
        for gone in lexicon(store, view).dead(store, view):
            at = f"/{gone.text('path').casefold()}/".find(sought)
            if at >= 0:
                roots.setdefault(gone.text("path")[: at + len(path)])
    return Place(path, tuple(roots)[:20], sure=True) if roots else None


def _repository(store: GraphStore, words: Words, view: View) -> Place | None:
    names = [str(e.properties.get("name", "")) for e in store.select("Repository", {}, view, Limits(rows=500)).items]
    fitting = [n for n in names if words in (name_tokens(n), name_tokens(n.rpartition("/")[2]))]
    return Place(fitting[0], repositories=tuple(fitting), sure=True) if fitting else None


def _directory(store: GraphStore, words: Words, view: View) -> Place | None:
    page = store.search_names(sorted(set(words)), view, Limits(rows=1_000), kinds=("Module", "File", "Directory"))
    whole: dict[str, None] = {}
    partly = False
    for alias in page.items:
        parts = alias.name.split("/")
        for depth, part in enumerate(parts, 1):
            own = name_tokens(part.partition(".")[0] if depth == len(parts) and alias.ref.kind == "File" else part)
            if own == words:
                whole.setdefault("/".join(parts[:depth]))
                break
        partly = True
    if whole:
        shortest = min(p.count("/") for p in whole)
        prefixes = tuple(p for p in whole if p.count("/") == shortest) if len(whole) > 20 else tuple(whole)
        return Place(" ".join(words), prefixes, sure=len(whole) <= 20)
    gone = _gone_directory(store, words, view)
    if gone:
        return Place(" ".join(words), gone, sure=True)
    if partly or any(_held(store, other, view) for other in _other_words(words)):
        return Place(" ".join(words), words=words)
    return None


def _other_words(words: Words) -> list[Words]:
    """The words with an environment by each of its other names."""
    return [
        (*words[:i], other, *words[i + 1 :])
        for i, word in enumerate(words)
        for other in sorted(other_environment_names(word))
    ]


def _held(store: GraphStore, words: Words, view: View) -> bool:
    page = store.search_names(sorted(set(words)), view, Limits(rows=1), kinds=("Module", "File", "Directory"))
    return bool(page.items)


def near_paths(store: GraphStore, path: str, view: View, most: int = 5) -> list[EntityRef]:
    """Files and directories whose paths come nearest to one that does not exist, nearest first."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    kinds = ("File", "Module")
    parent, _, name = path.casefold().rpartition("/")
    right, _ = corrected(name_tokens(path.casefold()), store.name_vocabulary(view, kinds=kinds), types=False)
    found: dict[str, EntityRef] = {}
    for words in (right, name_tokens(parent), name_tokens(name), name_tokens(name.partition(".")[0])):
        page = store.search_names(sorted(set(words)), view, Limits(rows=2_000), kinds=kinds) if words else None
        for alias in page.items if page else ():
            found.setdefault(alias.name, alias.ref)
    ranked = process.extract(path.casefold(), list(found), scorer=OSA.normalized_similarity, limit=most)
    return list(dict.fromkeys(found[near] for near, score, _ in ranked if score >= _NEAR))


def _gone_directory(store: GraphStore, words: Words, view: View) -> tuple[str, ...]:
    """Directories of these words that hold nothing any more."""
    found: dict[str, None] = {}
    for gone in lexicon(store, view).dead(store, view):
        parts = gone.text("path").split("/")[:-1]
        for depth, part in enumerate(parts, 1):
            if name_tokens(part) == words:
                found.setdefault("/".join(parts[:depth]))
                break
    return tuple(found)[:20]
