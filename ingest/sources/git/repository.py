"""One repository on disk: whether it is one, what it is called, what of it is here."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from graph.clock import SECOND, Instant
from ingest.source import SourceDataInvalid
from ingest.sources.git.blobs import is_partial
from ingest.sources.git.command import Git, GitFailed
from ingest.sources.git.remote import configuration, remote_url, repository_name, web
from ingest.sources.git.site import Site


@dataclass(frozen=True, slots=True)
class Repository:
    """An opened repository.

    Attributes:
        git: runs git in it.
        site: how it is called.
        partial: blobs may be absent on purpose.
        cuts: commits whose parents are not here (shallow clone).
        folder: git's own directory.
        has_remote: whether it is a copy of another repository.
    """

    git: Git
    site: Site
    partial: bool
    cuts: frozenset[str]
    folder: Path
    has_remote: bool

    def commit(self, revision: str) -> str | None:
        """The full hash of the commit that a revision names, or None."""
        if revision.startswith("-"):
            return None
        try:
            return self.git.text("rev-parse", "--verify", "--quiet", revision + "^{commit}")
        except GitFailed:
            return None

    def fetched_at(self) -> Instant | None:
        """When its remote was last asked for news, or None when that is not recorded."""
        for name in ("FETCH_HEAD", "packed-refs"):
            try:
                return int((self.folder / name).stat().st_mtime * SECOND)
            except OSError:
                continue
        return None


def digest(text: str | bytes) -> str:
    """A short digest to see whether something changed, empty for nothing."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return blake2b(data, digest_size=8).hexdigest() if data else ""


def open_repository(path: Path, name: str | None) -> Repository:
    """Open the repository at or around `path`.

    Raises:
        SourceUnavailable: git is not installed.
        SourceDataInvalid: no repository there, or git is too old.
    """
    git = Git(path)
    git.require_version()
    try:
        shallow, shallow_file, folder = git.text(
            "rev-parse", "--is-shallow-repository", "--git-path", "shallow", "--absolute-git-dir"
        ).split("\n")
    except GitFailed as error:
        raise SourceDataInvalid(
            f"{path} is not a git repository ({error.message}).", "Name a clone, or a bare repository."
        ) from None
    settings = configuration(git)
    url = remote_url(settings)
    site = Site((name or repository_name(url, Path(folder))).strip("/"), web(url))
    cuts = _cuts(path / shallow_file) if shallow == "true" else frozenset[str]()
    return Repository(git, site, is_partial(settings), cuts, Path(folder), url is not None)


def _cuts(shallow_file: Path) -> frozenset[str]:
    try:
        return frozenset(shallow_file.read_text("ascii").split())
    except OSError:
        return frozenset()
