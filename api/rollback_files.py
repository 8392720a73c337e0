"""The revert of an investigation's first cause as a patch, and the draft of its post-mortem, as files. Nothing is applied."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from api.render import plain
from api.verify import clones_of, configured
from ingest.source import SourceError
from ingest.sources.git.command import Git, GitFailed

if TYPE_CHECKING:
    from agent.investigation import Cause, Investigation
    from api.wiring import Engine

_SHA = re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{40})\b")
_UNFIT = re.compile(r"[^\w.-]+", re.ASCII)
_LATER = 3
_PATHS = 500


@dataclass(frozen=True, slots=True)
class _Patch:
    """A patch, and what must be said of it."""

    content: bytes
    remarks: tuple[str, ...]


def write_rollback(engine: Engine, investigation: Investigation, directory: Path) -> list[str]:
    """Write what takes the first cause back, and the post-mortem's draft, into the directory, which is made when it is not there.

    A commit of a configured clone is reversed by git itself; of anything else what is stored tells what to put back. A draft that is there
    already stays, for somebody may have written in it.

    Returns:
        What to tell the user, line by line.

    Raises:
        OSError: the directory cannot be written.
    """
    from agent.postmortem import draft_postmortem

    directory.mkdir(parents=True, exist_ok=True)
    name = _UNFIT.sub("-", investigation.id)[:80]
    lines = _doubts(investigation)
    patch = _patch(engine, investigation)
    if patch is None:
        lines.append(_in_words(investigation))
    else:
        file = directory / f"rollback-{name}.patch"
        file.write_bytes(patch.content)
        lines += [f"wrote {file}", *patch.remarks]
    draft = directory / f"postmortem-{name}.md"
    if draft.exists():
        lines.append(f"{draft} is there already and was left as it is")
    else:
        draft.write_text(draft_postmortem(investigation), encoding="utf-8")
        lines.append(f"wrote {draft}")
    lines.append("nothing was applied")
    return lines


def _doubts(investigation: Investigation) -> list[str]:
    """What a reader must know before using it."""
    first = investigation.causes[0] if investigation.causes else None
    if first is None:
        return ["no cause is suspected, so there is nothing to take back"]
    lines: list[str] = []
    if investigation.verdict != "cause_found":
        lines.append(f"not sure enough to be called the cause ({first.probability:.0%}): {plain(first.label)}")
    back = investigation.rollback
    if back is not None and not back.safe:
        lines.append(f"not safe as it is: {plain(back.why)}")
    return lines


def _in_words(investigation: Investigation) -> str:
    back = investigation.rollback
    if back is None:
        return "no patch: the cause is not a change that could be taken back"
    return f"no patch, the cause is not a change of code; instead: {plain(back.command or back.why)}"


# -- the patch


def _patch(engine: Engine, investigation: Investigation) -> _Patch | None:
    from agent.revert_patch import revert_patch

    first = investigation.causes[0] if investigation.causes else None
    if first is None or first.change is None:
        return None
    clone, why = _clone(engine, first)
    sha = _landed(investigation, first)
    if clone is not None and sha:
        try:
            return _reversed(Git(clone), sha, first.change.repository)
        except (GitFailed, SourceError) as error:
            why = f"git could not reverse it in {clone}: {plain(str(error))}"
    store, _ = engine.store_or_standby()
    text = revert_patch(store, engine.view, investigation)
    if not text:
        return None
    return _Patch(text.encode("utf-8", "replace"), (f"{why}: the patch is to be read, not to be applied",))


def _clone(engine: Engine, cause: Cause) -> tuple[Path | None, str]:
    """The clone of the cause's repository, and why there is none."""
    assert cause.change is not None
    repository = cause.change.repository
    found = clones_of(configured(engine)).path(repository)
    return found, "" if found else f"no clone of {plain(repository) or 'its repository'} is named in lore.yaml"


def _landed(investigation: Investigation, cause: Cause) -> str:
    """The full hash of what brought it to the mainline: the rollback's command names it."""
    back = investigation.rollback
    if back is not None and back.command.startswith("git revert ") and (named := _SHA.search(back.command)):
        return named[0]
    commits = [c.id for c in (cause.change, *cause.also) if c is not None and c.kind == "commit"]
    return next((c for c in commits if _SHA.fullmatch(c)), "")


def _reversed(git: Git, sha: str, repository: str) -> _Patch:
    """What git says takes the commit back, and whether that fits what the clone's HEAD is now."""
    git.run("rev-parse", "--verify", "--quiet", f"{sha}^{{commit}}")
    parents = git.run("rev-list", "--parents", "-n", "1", sha).split()[1:]
    before = parents[0].decode() if parents else git.run("hash-object", "-t", "tree", "--stdin").decode().strip()
    between = ("--no-ext-diff", "--no-textconv", "--no-renames", "--no-color", sha, before)
    changed = git.run("diff", "--binary", "--full-index", "--src-prefix=a/", "--dst-prefix=b/", *between)
    if not changed:
        return _Patch(b"", (f"{sha[:12]} changed no file: there is nothing to take back",))
    names = git.run("diff", "--name-only", "-z", *between).decode("utf-8", "surrogateescape")
    paths = [p for p in names.split("\0") if p]
    told = f"Takes back {sha} of {plain(repository)}. To apply it: git apply --index FILE\n\n"
    return _Patch(told.encode() + changed, tuple(_fit(git, sha, changed, paths)))


def _fit(git: Git, sha: str, changed: bytes, paths: list[str]) -> list[str]:
    """Whether the patch applies to HEAD, tried on an index of its own, and which later commits touch the same files."""
    try:
        git.run("merge-base", "--is-ancestor", sha, "HEAD")
    except GitFailed:
        return [f"{sha[:12]} is not part of what HEAD of {git.path} is: fetch first, or it is gone already"]
    later = _later(git, sha, paths)
    touched = f"; later commits that touch the same files: {', '.join(later)}" if later else ""
    with tempfile.TemporaryDirectory() as place:
        index = Path(place) / "index"
        try:
            git.run("read-tree", "HEAD", index=index)
            git.run("apply", "--check", "--cached", "-", given=changed, index=index)
        except GitFailed as failed:
            return [f"it does NOT apply cleanly to HEAD of {git.path} ({plain(failed.message)}){touched}"]
    return [f"it applies cleanly to HEAD of {git.path}{touched}"]


def _later(git: Git, sha: str, paths: list[str]) -> list[str]:
    """The newest commits after it that touch one of the paths."""
    listed = git.run("log", f"-n{_LATER}", "--format=%h %s", f"{sha}..HEAD", "--", *paths[:_PATHS])
    return [f"“{plain(line)[:80]}”" for line in listed.decode("utf-8", "replace").splitlines()]
