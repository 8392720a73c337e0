"""Scores the engine on incidents of which the cause is known: each is read into a store of its own, investigated and compared.

The engine never sees what is expected; that is read here and compared with what it says.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from api.errors import Failure, SettingsError, explain
from api.eval_folder import Incident, read_incident, read_settings
from api.settings import debug
from api.wiring import Engine, redact_key
from graph.clock import DAY, SECOND, rfc3339

if TYPE_CHECKING:
    from agent.investigation import Cause, Investigation

FIRST_FEW = 3
_HASH = re.compile(r"[0-9a-f]{7,64}")
_RAN_OUT = frozenset({"expiry", "quota", "capacity"})


class Scored(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """How the engine did on one incident.

    Attributes:
        expected: names of the cause, of which any is right; empty when no cause is to be named.
        first: what the engine put first, "" when it had nothing; `first_names` are the names under which it can be looked up.
        rank: rank of the expected cause among those listed; None when it is not there, or when none is to be named.
        probability: of the expected cause; when none is to be named, that it is something outside or not listed.
        ok: the expected cause is first and the verdict does not deny it; or no cause was named where none is to be.
        seconds: of the investigation, without reading the sources.
        error, hint: why the folder could not be scored; then all else is empty.
    """

    name: str
    folder: str
    at: str = ""
    expected: tuple[str, ...] = ()
    why: str = ""
    verdict: str = ""
    first: str = ""
    first_names: tuple[str, ...] = ()
    first_probability: float = 0.0
    rank: int | None = None
    probability: float = 0.0
    steps: int = 0
    seconds: float = 0.0
    unread: int = 0
    """Items of the sources that could not be read."""
    ok: bool = False
    error: str = ""
    hint: str = ""


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Counts. `causes` is how many incidents have a cause to be named, `outside` how many have none; `abstained` how many of the latter named none."""

    incidents: int
    causes: int
    top_1: int
    top_3: int
    outside: int
    abstained: int
    wrong: int
    unusable: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What `lore eval --output json` prints."""

    schema: Literal["lore.eval/1"] = "lore.eval/1"
    engine: str
    totals: Totals
    incidents: tuple[Scored, ...]


def evaluate(folders: Iterable[Path], *, embed_seconds: float = 0.0) -> Iterator[Scored]:
    """Score the engine on each folder, in their order. A folder that cannot be used is told and stops no other.

    Args:
        folders: of incidents, as `find_folders` gives them.
        embed_seconds: how long texts are embedded before the investigation; 0 goes without likeness by meaning.
    """
    for folder in folders:
        try:
            yield _score(read_incident(folder), embed_seconds)
        except Exception as error:
            if debug():
                raise
            failure = explain(error)
            yield _unusable(folder, failure)


def report(scored: Sequence[Scored]) -> Report:
    """The scores with their totals."""
    from agent.investigate import ENGINE

    used = [s for s in scored if not s.error]
    with_cause = [s for s in used if s.expected]
    outside = [s for s in used if not s.expected]
    return Report(
        engine=ENGINE,
        totals=Totals(
            incidents=len(scored),
            causes=len(with_cause),
            top_1=sum(s.rank == 1 for s in with_cause),
            top_3=sum(s.rank is not None and s.rank <= FIRST_FEW for s in with_cause),
            outside=len(outside),
            abstained=sum(s.ok for s in outside),
            wrong=sum(not s.ok for s in used),
            unusable=len(scored) - len(used),
        ),
        incidents=tuple(scored),
    )


def _unusable(folder: Path, failure: Failure) -> Scored:
    return Scored(name=folder.resolve().name, folder=str(folder), error=failure.message, hint=failure.hint)


def _score(incident: Incident, embed_seconds: float) -> Scored:
    from agent.investigate import Options
    from api.investigations import Asked

    with tempfile.TemporaryDirectory(prefix="lore-eval-") as directory:
        settings = read_settings(incident, Path(directory))
        with Engine(settings) as engine:
            unread = _read(engine, incident)
            engine.embed(embed_seconds)
            asked = Asked(
                symptom=incident.symptom,
                at=incident.at,
                options=Options(
                    window_s=int(incident.window_days * DAY / SECOND), environment=incident.environment, seconds=None
                ),
                sync=False,
                remember=False,
            )
            started = time.perf_counter()
            found = engine.investigations.start(asked)
            return compare(incident, found, seconds=time.perf_counter() - started, unread=unread)


def _read(engine: Engine, incident: Incident) -> int:
    """Read the incident's sources; how many items could not be. What tells no time of its own counts as read at the incident's time.

    Raises:
        SettingsError: a source cannot be read, or there is nothing in any.
    """
    from ingest.sync import sync_all

    sources, unusable = engine.usable_sources()
    reports = [*unusable]
    if not unusable:
        reports += sync_all(engine.store, sources, incident.at, redact_key(engine.settings.data_directory))
    for one in reports:
        if one.error is not None:
            failure = explain(one.error)
            raise SettingsError(f"its source {one.source} cannot be read: {failure.message}", failure.hint)
    if not any(one.rows_written for one in reports):
        raise SettingsError("its sources hold no facts", "check the paths in its lore.yaml")
    engine.update_people()
    return sum(one.quarantined for one in reports)


def compare(incident: Incident, found: Investigation, *, seconds: float = 0.0, unread: int = 0) -> Scored:
    """What an investigation found beside what was expected."""
    right = next((c for c in found.causes if any(is_named(c, name) for name in incident.expected)), None)
    first = found.causes[0] if found.causes else None
    if incident.expected:
        ok = right is not None and right.rank == 1 and found.verdict != "no_cause_found"
        probability = right.probability if right is not None else 0.0
    else:
        ok = found.verdict != "cause_found"
        probability = found.unnamed + sum(c.probability for c in found.causes if c.kind == "external")
    return Scored(
        name=incident.name,
        folder=str(incident.folder),
        at=rfc3339(incident.at),
        expected=incident.expected,
        why=incident.why,
        verdict=found.verdict,
        first=first.label if first is not None else "",
        first_names=tuple(names_of(first)) if first is not None else (),
        first_probability=first.probability if first is not None else 0.0,
        rank=right.rank if right is not None else None,
        probability=round(probability, 6),
        steps=found.tree.steps,
        seconds=round(seconds, 3),
        unread=unread,
        ok=ok,
    )


def is_named(cause: Cause, name: str) -> bool:
    """Whether a cause is the one of this name: a commit's hash or its first seven or more digits, `owner/name#12`, the id of a deployment, an audit
    event or whatever else it is; of what ran out, the name of the certificate, key or quota."""
    name = name.strip()
    ids = [c for c in (cause.change, *cause.also) if c is not None]
    if _HASH.fullmatch(name) and any(c.kind == "commit" and c.id.startswith(name) for c in ids):
        return True
    if name in (cause.target, *names_of(cause)):
        return True
    if cause.kind not in _RAN_OUT:
        return False
    whole = re.compile(rf"(?<![\w.*-]){re.escape(name.casefold())}(?![\w-]|\.\w)")
    return any(whole.search(text.casefold()) for text in (cause.target_label, cause.label))


def names_of(cause: Cause) -> Iterator[str]:
    """The names under which a cause can be looked up, its own first."""
    for one in (cause.change, *cause.also):
        if one is not None:
            yield f"{one.repository}#{one.id}" if one.kind == "pull_request" else one.id
    if cause.change is None and cause.target_label:
        yield cause.target_label
