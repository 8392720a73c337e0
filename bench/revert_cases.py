"""Labelled reverts as the prior sees them: each case's symptom, the window's changes, and the history before it, from git.

Nothing of the revert but its symptom and time is read: windows end before it. What was read of a repository is kept under
the temporary directory, keyed by its head.
"""

from __future__ import annotations

import json
import pickle
import re
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from agent.prior.candidate import Asked, Candidate, PastChange
from graph.clock import DAY, SECOND, Instant
from graph.model import EntityRef
from ingest.sources.git.changed_lines import ChangedLines
from ingest.sources.git.command import Git, GitFailed
from ingest.sources.git.log import Commit, FileEntry, read_log
from ingest.sources.git.mainline import ORIGIN, Step, steps
from ingest.sources.git.messages import read_message

REVERTED = re.compile(r"\bThis reverts commit ([0-9a-f]{40})\b", re.IGNORECASE)
"""What `git revert` and Gerrit write."""

WINDOW = 7 * DAY
PAST_CHANGES = 3_000
"""Changes before the window that the corpus holds."""


@dataclass(frozen=True, slots=True)
class Label:
    """A case of the file of labels."""

    id: str
    repo: str
    head: str
    symptom: str
    detected_s: int
    before: str
    accept: frozenset[str]


@dataclass(frozen=True, slots=True)
class Unit:
    """A mainline commit with what it brought. `at` is the mainline's clock, which grows with every commit; `committed_s` is as written."""

    sha: str
    parent: str | None
    committed_s: int
    at: Instant
    title: str
    message: str
    paths: tuple[str, ...]
    inner: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A question: which of the candidates? `right` is the index of the culprit, None when it was left out."""

    label: Label
    asked: Asked
    candidates: tuple[Candidate, ...]
    past: tuple[PastChange, ...]
    right: int | None


def read_labels(path: Path) -> list[Label]:
    """The cases of a file of labels."""
    return [
        Label(
            row["id"],
            row["repo"],
            row["head"],
            row["symptom"],
            int(row["detected_at"]),
            row["before"],
            frozenset({row["culprit_unit"], row["culprit"]}),
        )
        for row in json.loads(path.read_text())
    ]


def sampled(labels: list[Label], most: int) -> list[Label]:
    """At most so many of each repository, evenly spread over its history; of repositories with less than eight none."""
    found: list[Label] = []
    for repo in sorted({label.repo for label in labels}):
        own = [label for label in labels if label.repo == repo]
        if len(own) >= 8:
            count = min(most, len(own))
            found.extend(own[round(i * (len(own) - 1) / max(1, count - 1))] for i in range(count))
    return found


def cache_folder() -> Path:
    """Where read histories and vectors are kept between runs."""
    folder = Path(tempfile.gettempdir()) / "infralore-reverts"
    folder.mkdir(exist_ok=True)
    return folder


def read_units(path: Path, head: str) -> list[Unit]:
    """The mainline, oldest first."""
    kept = cache_folder() / f"units4-{head}.pickle"
    if kept.exists():
        return pickle.loads(kept.read_bytes())
    git = Git(path)
    chain = git.text("rev-list", "--first-parent", head).split()
    units: list[Unit] = []
    try:
        read = steps(read_log(git, (head,)), frozenset(chain), ORIGIN, 1 << 60)
        units.extend(_unit(step) for step in read)
    except GitFailed as error:
        print(f"# {path}: history read up to {len(units)} of {len(chain)} mainline commits: {error.message}")
    kept.write_bytes(pickle.dumps(units))
    return units


def _unit(step: Step) -> Unit:
    commit, inner = step.commit, step.inner
    own = read_message(commit.message)
    brought = [read_message(c.message) for c in inner if len(c.parents) < 2]
    title = brought[0].title if len(brought) == 1 else own.title
    text = "\n\n".join([m.text for m in brought]) or own.text
    if len(brought) > 1:
        text = own.text + "\n\n" + text
    return Unit(
        commit.sha,
        commit.parents[0] if commit.parents else None,
        commit.committed_s,
        step.point.at,
        title,
        text,
        tuple(entry.path for entry in commit.files),
        tuple(c.sha for c in inner),
    )


def build_cases(labels: list[Label], path: Path) -> list[Case]:
    """The cases of one repository."""
    (head,) = {label.head for label in labels}
    units = read_units(path, head)
    place = {unit.sha: number for number, unit in enumerate(units)}
    windows = {label.id: _window(units, place[label.before], label.detected_s) for label in labels}
    undone = undone_by(units)
    past = [_past(unit, number, undone, units) for number, unit in enumerate(units)]
    candidates = _candidates(path, head, sorted({unit for window in windows.values() for unit in window}), units)
    cases: list[Case] = []
    for label in labels:
        window = windows[label.id]
        right = [i for i, unit in enumerate(window) if units[unit].sha in label.accept]
        first = window[-1] if window else place[label.before]
        cases.append(
            Case(
                label,
                Asked(label.symptom, label.detected_s * SECOND),
                tuple(_as_of(candidates[n], units, undone.get(n), place[label.before]) for n in window),
                tuple(reversed(past[max(0, first - PAST_CHANGES) : first])),
                right[0] if right else None,
            )
        )
    return cases


def undone_by(units: list[Unit]) -> dict[int, int]:
    """Number of a change -> number of the first later change whose message says that it takes it back."""
    place = {unit.sha: number for number, unit in enumerate(units)}
    place |= {inner: number for number, unit in enumerate(units) for inner in unit.inner}
    found: dict[int, int] = {}
    for number, unit in enumerate(units):
        for sha in REVERTED.findall(unit.message):
            undone = place.get(sha.lower())
            if undone is not None and undone < number:
                found.setdefault(undone, number)
    return found


def _past(unit: Unit, number: int, undone: dict[int, int], units: list[Unit]) -> PastChange:
    by = undone.get(number)
    at, paths = unit.at, unit.paths[:40]
    if by is None:
        return PastChange(at, unit.message, paths)
    return PastChange(at, unit.message, paths, units[by].at, by - number, units[by].message)


def _as_of(candidate: Candidate, units: list[Unit], by: int | None, before: int) -> Candidate:
    # What took it back counts only when it came before the revert that is asked about.
    if by is None or by >= before:
        return candidate
    return replace(candidate, undone_at=units[by].at)


def _window(units: list[Unit], before: int, detected_s: int) -> list[int]:
    """Newest first: the mainline before the revert, as far as seven days back."""
    since = detected_s - WINDOW // SECOND
    return [i for i in range(before - 1, max(-1, before - 2_000), -1) if since <= units[i].committed_s < detected_s]


def _candidates(path: Path, head: str, wanted: list[int], units: list[Unit]) -> dict[int, Candidate]:
    kept = cache_folder() / f"candidates4-{head}.pickle"
    found: dict[int, Candidate] = pickle.loads(kept.read_bytes()) if kept.exists() else {}
    missing = [number for number in wanted if number not in found]
    if not missing:
        return found
    with ChangedLines(Git(path)) as changed:
        for number in missing:
            unit = units[number]
            lines = changed.read(_commit(unit))
            removed = "\n".join(one.removed for one in lines.values() if one.removed)
            added = "\n".join(one.added for one in lines.values() if one.added)
            found[number] = Candidate(
                EntityRef("Commit:" + unit.sha),
                unit.at,
                unit.title,
                unit.message,
                unit.paths,
                f"{removed}\n{added}".strip(),
                removed,
                added,
                sections="\n".join(dict.fromkeys(one.sections for one in lines.values() if one.sections)),
            )
        if changed.unreadable:
            print(f"# {path}: {len(changed.unreadable)} of {len(missing)} changes could not be read whole")
    kept.write_bytes(pickle.dumps(found))
    return found


def _commit(unit: Unit) -> Commit:
    files = [FileEntry(path, "100644", "100644", None, None) for path in unit.paths]
    return Commit(unit.sha, (unit.parent,) if unit.parent else (), "", "", 0, "", "", unit.committed_s, "", files)
