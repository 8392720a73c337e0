"""A deployment as told: our documented JSON, checked and normalised.

The same fields come as a webhook's body, as a line of JSON, as an element of a JSON array and as a row of CSV, where everything is text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

from graph.clock import DAY, EARLIEST, LATEST, SECOND, Instant, instant, rfc3339
from ingest import names

MAX_FIELD_CHARS = 2_000
_MAX_TITLE_CHARS = 20_000
_MILLISECONDS_FROM = 100_000_000_000
"""A number above this is a time in milliseconds: as seconds it would lie beyond the year 5138."""

OUTCOMES: Mapping[str, str] = {
    told: outcome
    for outcome, words in {
        "succeeded": (
            "succeeded",
            "success",
            "successful",
            "ok",
            "completed",
            "complete",
            "finished",
            "deployed",
            "done",
        ),
        "failed": ("failed", "failure", "error", "errored"),
        "in_progress": (
            "in_progress",
            "in-progress",
            "inprogress",
            "running",
            "started",
            "pending",
            "queued",
            "deploying",
        ),
        "cancelled": ("cancelled", "canceled", "aborted", "skipped"),
    }.items()
    for told in words
}
"""Words for an outcome -> the word we keep; others stay as told, in lower case."""


class RecordInvalid(ValueError):
    """This is no deployment. `str(error)` says why and holds nothing of its content."""


@dataclass(frozen=True, slots=True)
class Record:
    """One statement about a deployment. Empty texts and None mean that it was not told.

    Attributes:
        id: its id where it comes from; `identified` gives those without one a digest.
        environment: as told.
        service: as told; empty for an apply that names only a workspace.
        commit: full hash in lower case.
        outcome: one of `OUTCOMES`' values, or as told.
        action: deploy, rollback, apply, config, restart, scale, remove, publish, or as told.
        effect: what it does to the service when it succeeds.
        run_url: the pipeline run that made it; `url` is looked at too.
        updated_at: when this statement was made, where told; decides between two statements about the same moment.
    """

    id: str
    environment: str
    service: str = ""
    workspace: str = ""
    version: str = ""
    previous_version: str = ""
    commit: str = ""
    repository: str = ""
    actor: str = ""
    outcome: str = "succeeded"
    action: str = "deploy"
    effect: str = "updated"
    tool: str = ""
    title: str = ""
    url: str = ""
    run_url: str = ""
    started_at: Instant | None = None
    finished_at: Instant | None = None
    updated_at: Instant | None = None

    @property
    def in_progress(self) -> bool:
        """Whether it had not ended when this was said."""
        return self.outcome == "in_progress"

    @property
    def at(self) -> Instant:
        """Since when this statement holds: the end, or the beginning of what has not ended."""
        first, second = self.finished_at, self.started_at
        if self.in_progress:
            first, second = second, first
        found = first if first is not None else second
        if found is None:  # `read_record` lets none through, other makers of records must not either
            raise RecordInvalid("it tells no time")
        return found


def read_record(fields: Mapping[str, object]) -> Record:
    """The record of these fields (`DeploymentsSource`'s documentation lists them); unknown ones are ignored.

    Raises:
        RecordInvalid: a required field is missing or one is of no use; the reason names the field only.
    """
    commit = _text(fields, "commit").lower()
    service, workspace = _text(fields, "service"), _text(fields, "workspace")
    told = _text(fields, "action").lower()
    outcome = _text(fields, "outcome").lower()
    record = Record(
        id=_text(fields, "id"),
        environment=_text(fields, "environment"),
        service=service,
        workspace=workspace,
        version=_text(fields, "version") or commit,
        previous_version=_text(fields, "previous_version"),
        commit=commit if names.is_commit_hash(commit) else "",
        repository=_text(fields, "repository"),
        actor=_text(fields, "actor"),
        outcome=OUTCOMES.get(outcome, outcome) or "succeeded",
        action=told or ("deploy" if service else "apply"),
        tool=_text(fields, "tool"),
        title=_text(fields, "title", _MAX_TITLE_CHARS),
        url=_link(fields, "url"),
        run_url=_link(fields, "run_url"),
        started_at=_time(fields, "started_at"),
        finished_at=_time(fields, "finished_at"),
        updated_at=_time(fields, "updated_at"),
    )
    return identified(checked(record))


def checked(record: Record) -> Record:
    """The record itself, when it tells enough. Raises `RecordInvalid`."""
    if not record.environment.strip():
        raise RecordInvalid("it names no environment")
    if record.service and not names.service_name(record.service):
        raise RecordInvalid("service has no letter or digit of a name")
    if not record.service and not record.workspace:
        raise RecordInvalid("it names neither a service nor a workspace")
    if record.started_at is None and record.finished_at is None:
        raise RecordInvalid("it tells neither started_at nor finished_at")
    if record.started_at is not None and record.finished_at is not None and record.finished_at < record.started_at:
        raise RecordInvalid("finished_at is before started_at")
    return record


def identified(record: Record) -> Record:
    """The record with an id: its own, else a digest of service, environment, beginning and version, equal for each statement about it."""
    if record.id:
        return record
    began = record.started_at if record.started_at is not None else record.at
    parts = (
        names.service_name(record.service),
        record.workspace,
        names.environment_name(record.environment),
        rfc3339(began),
        record.version,
    )
    digest = blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return replace(record, id=digest)


def _text(fields: Mapping[str, object], name: str, longest: int = MAX_FIELD_CHARS) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise RecordInvalid(f"{name} is no text")
    text = str(value).strip()
    if len(text) > longest:
        raise RecordInvalid(f"{name} is longer than {longest} characters")
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        raise RecordInvalid(f"{name} holds a broken character")
    return text


def _link(fields: Mapping[str, object], name: str) -> str:
    """A web link; anything else is left out, so that no page ever offers another scheme to click on."""
    text = _text(fields, name)
    return text if text.startswith(("https://", "http://")) else ""


def _time(fields: Mapping[str, object], name: str) -> Instant | None:
    value = fields.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        return moment(value)
    except ValueError:
        raise RecordInvalid(f"{name} is no time (RFC 3339, or seconds since 1970)") from None


def moment(value: object) -> Instant:
    """A time as RFC 3339 text or as a number of seconds or milliseconds since 1970. Raises `ValueError`."""
    if isinstance(value, str) and value.isascii() and value.strip().isdigit() and len(value.strip()) in (10, 13):
        return moment(int(value))
    if isinstance(value, str):
        at = instant(value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15:
        at = int(value * 1_000) if abs(value) > _MILLISECONDS_FROM else int(value * SECOND)
    else:
        raise ValueError("no time")
    if not EARLIEST + DAY <= at <= LATEST - DAY:
        raise ValueError("out of range")
    return at
