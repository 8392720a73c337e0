"""Files on top of a commit through GitHub's git data API (https://docs.github.com/en/rest/git): blobs, a tree, a commit. No clone."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha1
from typing import TYPE_CHECKING

from github import InputGitTreeElement

from agent.evidence import inline
from api.errors import OutwardRefused

if TYPE_CHECKING:
    from github.GitCommit import GitCommit
    from github.GitTree import GitTree
    from github.GitTreeElement import GitTreeElement
    from github.Repository import Repository

Files = Mapping[str, "bytes | None"]

_FILE, _PROGRAM = "100644", "100755"
TRAILER = "Infralore-Key"
"""Stands in the message of every commit of ours: what has it may be replaced, what has not is somebody else's work."""


class Tree:
    """The tree of a commit, read directory by directory as far as it is asked for."""

    def __init__(self, repository: Repository, sha: str) -> None:
        self._repository = repository
        self._levels: dict[str, Mapping[str, GitTreeElement]] = {}
        self.root: GitTree = repository.get_git_tree(sha)
        self._levels[""] = {e.path: e for e in self.root.tree}

    def entry(self, path: str) -> GitTreeElement | None:
        """What stands at this path; None when nothing does."""
        directory, _, name = path.rpartition("/")
        return self._level(directory).get(name)

    def holds(self, files: Files) -> bool:
        """Whether every one of these files is there with exactly this content, and none of those that are to go."""
        return all(
            self._sha(path) == (None if content is None else blob_sha(content)) for path, content in files.items()
        )

    def agrees(self, other: Tree, paths: Files) -> bool:
        """Whether both have the same at these paths."""
        return all(self._sha(path) == other._sha(path) for path in paths)

    def _sha(self, path: str) -> str | None:
        found = self.entry(path)
        return found.sha if found is not None else None

    def _level(self, directory: str) -> Mapping[str, GitTreeElement]:
        known = self._levels.get(directory)
        if known is None:
            found = self.entry(directory)
            inside = self._repository.get_git_tree(found.sha).tree if found is not None and found.type == "tree" else []
            known = self._levels[directory] = {e.path: e for e in inside}
        return known


def blob_sha(content: bytes) -> str:
    """The name that git gives this content."""
    return sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def commit_on(repository: Repository, base: Tree, parent: GitCommit, files: Files, message: str) -> GitCommit:
    """A commit with the base's tree and these files in it; no branch holds it yet.

    Raises:
        OutwardRefused: a path is no file, or leads out of the repository.
    """
    elements = [e for path in sorted(files) if (e := _element(repository, base, path, files[path])) is not None]
    tree = repository.create_git_tree(elements, base.root)
    return repository.create_git_commit(message, tree, [parent])


def _element(repository: Repository, base: Tree, path: str, content: bytes | None) -> InputGitTreeElement | None:
    parts = path.split("/")
    if any(p in ("", ".", "..") or p.lower() == ".git" for p in parts) or "\0" in path:
        raise OutwardRefused(
            f"{inline(path, 120)} is no path in a repository", "a path is relative to the repository's root"
        )
    there = base.entry(path)
    if there is not None and there.mode not in (_FILE, _PROGRAM):
        raise OutwardRefused(
            f"{inline(path, 120)} is no file but a link, a directory or a submodule", "name the file itself"
        )
    mode = there.mode if there is not None else _FILE
    if content is None:
        return InputGitTreeElement(path, mode, "blob", sha=None) if there is not None else None
    if there is not None and there.sha == blob_sha(content):
        return None
    blob = repository.create_git_blob(b64encode(content).decode("ascii"), "base64")
    return InputGitTreeElement(path, mode, "blob", sha=blob.sha)
