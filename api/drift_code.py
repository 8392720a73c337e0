"""Where the code of a drift is, and its files as `agent.fix` reads them: of a work tree, or of a commit of a clone."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from agent.drift.model import Drift
from agent.fix.model import Code
from api.drift_settings import DriftSettings, RootSettings, root_of
from ingest.sources.git.command import Git, GitFailed

if TYPE_CHECKING:
    from api.wiring import Engine

_MOST_BYTES = 4 * 1024 * 1024


class WorkTree:
    """Files below a directory of this machine. A path that leads out of it is not there."""

    def __init__(self, top: Path) -> None:
        self.top = top.resolve()

    def read(self, path: str) -> bytes | None:
        """A file's bytes, None when there is none."""
        file = self._inside(path)
        try:
            if file is None or not file.is_file() or file.stat().st_size > _MOST_BYTES:
                return None
            return file.read_bytes()
        except OSError:
            return None

    def list(self, directory: str) -> tuple[str, ...]:
        """Paths of the files right in a directory, sorted."""
        folder = self._inside(directory)
        if folder is None or not folder.is_dir():
            return ()
        return tuple(sorted(str(PurePosixPath(directory) / f.name) for f in folder.iterdir() if f.is_file()))

    def _inside(self, path: str) -> Path | None:
        found = (self.top / path).resolve()
        return found if found.is_relative_to(self.top) else None


class Commit:
    """Files of one commit of a clone."""

    def __init__(self, clone: Path, revision: str = "HEAD") -> None:
        self._git = Git(clone)
        self._revision = revision

    def read(self, path: str) -> bytes | None:
        """A file's bytes, None when there is none."""
        if path.startswith(("/", "../")) or "/../" in path:
            return None
        try:
            return self._git.run("cat-file", "blob", f"{self._revision}:{path}")
        except GitFailed:
            return None

    def list(self, directory: str) -> tuple[str, ...]:
        """Paths of the files right in a directory, sorted."""
        where = f"{directory.strip('/')}/" if directory.strip("/") else "."
        try:
            told = self._git.run("ls-tree", "-z", self._revision, "--", where)
        except GitFailed:
            return ()
        entries = [line.split(b"\t", 1) for line in told.split(b"\0") if b"\t" in line]
        return tuple(sorted(name.decode("utf-8", "replace") for head, name in entries if b" blob " in head))


def root_for(settings: DriftSettings, drift: Drift) -> RootSettings | None:
    """The configured root module that makes it; of what nobody makes, the one of its environment."""
    fitting = [
        r
        for r in settings.terraform
        if (not drift.repository or r.repository == drift.repository)
        and (not drift.directory or r.path == drift.directory)
        and (not drift.environment or not r.environment or r.environment == drift.environment)
    ]
    return fitting[0] if len(fitting) == 1 or (fitting and drift.directory) else None


def top_of(root: RootSettings, engine: Engine) -> Path:
    """The top of the repository that a root module's directory is in."""
    directory = root_of(root, engine.settings).directory
    parts = Path(root.path).parts
    if parts and directory.parts[-len(parts) :] == parts:
        return directory.parents[len(parts) - 1]
    return directory


def code_of(engine: Engine, root: RootSettings | None, drift: Drift) -> Code | None:
    """The files that a drift's code is in: the configured work tree, else a configured clone; None when neither is at hand."""
    if root is not None:
        return WorkTree(top_of(root, engine))
    if not drift.repository:
        return None
    path = _clone(engine, drift.repository)
    return Commit(path) if path is not None else None


def _clone(engine: Engine, repository: str) -> Path | None:
    from api.verify import clones_of, configured

    return clones_of(configured(engine)).path(repository)


def no_code(drift: Drift) -> str:
    """Why there is no edit, a sentence."""
    where = f" {drift.repository}" if drift.repository else ""
    return f"the code{where} is not at hand: name a clone under `sources: git:`, or its root module under `drift: terraform:`"
