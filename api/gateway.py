"""The one way out: every branch, pull request, message and comment that infralore writes goes through `Gateway.execute`.

A write needs a person's explicit yes or a standing grant; it is written down before and after in an append-only audit log; without either
it is only shown (a dry run). Only the gateway's performers hold credentials to write.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from json import dumps
from secrets import token_hex
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from agent.evidence import inline
from api.action_lock import locked
from api.action_log import LOG_NAME, ActionLog, Entry, State, stamp, thing_of, unfinished
from api.errors import OutwardRefused, OutwardUnavailable, OutwardUnknown
from api.grants import matching, read_grants

if TYPE_CHECKING:
    from api.settings import Settings

Action: TypeAlias = Literal[
    "github.pull_request", "github.comment", "slack.message", "slack.update", "slack.file", "mail.message"
]
Status: TypeAlias = Literal["done", "already", "dry_run", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Yes:
    """A person said yes to this very request. `how` says where: `--yes` on a terminal, a button in Slack, an API call."""

    by: str
    how: str


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """What is to be written.

    Attributes:
        action: what sort of write.
        target: where: `owner/name`, `owner/name#41`, `#channel` or a channel's id, a mail address.
        key: names the thing, not the attempt: the same key updates the same pull request, comment or message and never makes a second.
        payload: what the performer needs: title, body, branch, base, blocks … Text only; structures as JSON.
        files: path -> content, of a branch to push or a file to upload. None removes the file.
        reason: one line for the audit log.
        requested_by: who or what asks: a login, `schedule:weekly-platform`, `slack:U012`.
    """

    action: Action
    target: str
    key: str
    payload: Mapping[str, str]
    files: Mapping[str, bytes | None] = field(default_factory=dict[str, "bytes | None"])
    reason: str = ""
    requested_by: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request.

    Attributes:
        status: `done`: written now. `already`: an earlier attempt had written exactly this. `dry_run`: nobody said yes, nothing was written.
        id: of what was written, on that system: a message's ts, a pull request's number.
        url: where it can be seen.
        detail: a sentence: what was done, what would be, or why not and what to do.
        granted_by: `yes:<who>` or `grant:<who>/<action>/<target>`.
    """

    status: Status
    id: str = ""
    url: str = ""
    detail: str = ""
    granted_by: str = ""


Sight: TypeAlias = Literal["complete", "window", "none"]
"""How well a performer finds what was written: always; for a time, after which the log tells; never, then the log alone tells."""


class Performer(Protocol):
    """Writes one sort of thing on one system, with credentials of its own. Finds what an earlier attempt wrote, by the key it left there.

    One that cannot always find it says so by an attribute `sight`; without one it is `complete`.
    """

    def find(self, request: ActionRequest) -> Outcome | None:
        """What a request with this key wrote before (`already` when it is exactly this, `done` with its id when it is to be updated); None when nothing."""
        ...

    def perform(self, request: ActionRequest, found: Outcome | None) -> Outcome:
        """Write it, or update what was found.

        Raises:
            OutwardUnavailable: it may work later; nothing is known to be written.
            OutwardRefused: it will not work: bad credentials, no such repository or channel.
        """
        ...


class Gateway:
    """Executes requests. May be shared between threads.

    Args:
        settings: its `grants` and `data_directory` (the audit log is `actions.db` there).
        performers: by action (`slack.message`) or by system (`slack`); an action's own goes first. `api.outward.open_gateway` makes those that
            `outward:` has credentials for; a test gives its own.
        clock: the time in microseconds; for tests.

    Raises:
        SettingsError: a grant cannot be meant.
    """

    def __init__(
        self,
        settings: Settings,
        performers: Mapping[str, Performer] | None = None,
        *,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self._grants = read_grants(settings.grants)
        self._performers = dict(performers or {})
        self._locks = settings.data_directory / "locks"
        self._clock = clock or (lambda: time.time_ns() // 1_000)
        self.log = ActionLog(settings.data_directory / LOG_NAME)

    def execute(self, request: ActionRequest, yes: Yes | None = None) -> Outcome:
        """Write it when a person said yes or a grant covers it; else show what would be written. Both ways the audit log tells.

        The same key twice writes once. What was under way when the process died is looked up at the other side before it is written again.
        Processes that share a data directory take turns; between hosts only the look-up protects.

        Raises:
            OutwardUnavailable: it may work later.
            SettingsError: the audit log cannot be written; then nothing is.
        """
        entry = self._entry(request)
        problem = _problem(request, yes)
        if problem:
            return self._end(entry, "refused", Outcome("refused", detail=problem))
        right, why_not = self._right(request, yes)
        if not right:
            shown = Outcome("dry_run", detail=_how_to_allow(request, why_not))
            self._end(entry, "dry_run", replace(shown, detail=why_not))  # the log keeps nothing of what it would say
            return shown
        entry = replace(entry, granted_by=right)
        performer = self._performers.get(request.action) or self._performers.get(request.action.partition(".")[0])
        if performer is None:
            return self._end(entry, "refused", Outcome("refused", detail=_no_performer(request.action)))
        with locked(self._locks, f"{request.action.partition('.')[0]}-{entry.thing[:2]}") as mine:
            if not mine:
                raise OutwardUnavailable(
                    f"another process is writing {inline(request.key, 80)} just now",
                    "try again when it is through",
                    5.0,
                )
            return self._write(request, entry, performer)

    def _write(self, request: ActionRequest, entry: Entry, performer: Performer) -> Outcome:
        """The entry before, the look for what is there, the write, the entry after. A process that dies in between leaves the first alone."""
        earlier = self.log.of(entry.thing)
        self._append(replace(entry, state="intended"))
        try:
            found = _found(performer, request, entry.payload, earlier)
            outcome = (
                found
                if found is not None and found.status in ("already", "refused")
                else performer.perform(request, found)
            )
        except OutwardUnavailable as error:
            self._end(entry, "failed", Outcome("failed", detail=_told(error, error.hint)))
            raise
        except OutwardRefused as error:
            return self._end(entry, "refused", Outcome("refused", detail=_told(error, error.hint)))
        except OutwardUnknown as error:
            return self._end(entry, "unknown", Outcome("failed", detail=_told(error, error.hint)))
        except Exception as error:
            # A defect of ours. Whether it was written is not known; the next attempt looks.
            unknown = getattr(performer, "sight", "complete") == "none"
            self._end(
                entry,
                "unknown" if unknown else "failed",
                Outcome("failed", detail=f"internal error: {type(error).__name__}"),
            )
            raise
        return self._end(entry, outcome.status, outcome)

    def _right(self, request: ActionRequest, yes: Yes | None) -> tuple[str, str]:
        """By what right it may be written; else why it may not."""
        if yes is not None:
            how = " ".join(yes.how.split())
            return f"yes:{' '.join(yes.by.split())}{f' ({how})' if how else ''}", ""
        grant = matching(self._grants, request.requested_by, request.action, request.target, self._clock())
        return ("", grant) if isinstance(grant, str) else (grant.name, "")

    def _entry(self, request: ActionRequest) -> Entry:
        return Entry(
            at="",
            attempt=token_hex(8),
            state="intended",
            thing=thing_of(request.action, request.target, request.key),
            action=request.action,
            target=request.target,
            key=request.key,
            payload=payload_digest(request),
            requested_by=request.requested_by,
            reason=request.reason,
        )

    def _end(self, entry: Entry, state: State, outcome: Outcome) -> Outcome:
        outcome = replace(outcome, granted_by=entry.granted_by)
        self._append(replace(entry, state=state, id=outcome.id, url=outcome.url, detail=outcome.detail))
        return outcome

    def _append(self, entry: Entry) -> None:
        self.log.append(replace(entry, at=stamp(self._clock())))


FRESH = "fresh"
"""In a payload, `yes`: who asks knows that this is the first attempt anywhere, so a performer need not look for another host's. Nothing that is written."""


def payload_digest(request: ActionRequest) -> str:
    """Digest of what is to be written: equal for the same action, target, payload and files."""
    files = {path: None if content is None else sha256(content).hexdigest() for path, content in request.files.items()}
    payload = {name: text for name, text in request.payload.items() if name != FRESH}
    said = dumps([request.action, request.target, payload, files], sort_keys=True, ensure_ascii=True)
    return sha256(said.encode("ascii")).hexdigest()


def slug(key: str) -> str:
    """A key as part of a branch's or a file's name: itself where it is plain, else its plain part and a digest that keeps it apart."""
    if re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?=[A-Za-z0-9_-])){0,79}", key) and not key.endswith(".lock"):
        return key
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", key).strip("-_")[:60]
    return f"{plain or 'key'}-{sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:10]}"


def would(request: ActionRequest) -> str:
    """What a request would do, in words."""
    payload = request.payload
    title = inline(payload.get("title") or payload.get("subject") or payload.get("text") or "", 80)
    about = f" “{title}”" if title else ""
    files = f" with {len(request.files)} file{'s' if len(request.files) != 1 else ''}" if request.files else ""
    what = {
        "github.pull_request": f"open a pull request{about}{files} in",
        "github.comment": f"comment{about} on",
        "slack.message": f"post{about} to",
        "slack.update": f"edit a message{about} in",
        "slack.file": f"post{files.removeprefix(' with')}{about} to",
        "mail.message": f"send{about} to",
    }[request.action]
    return f"{what} {inline(request.target, 120)}"


def _found(performer: Performer, request: ActionRequest, payload: str, earlier: Sequence[Entry]) -> Outcome | None:
    """What was written before: as the other side shows it; where that cannot be looked at, as the log tells."""
    sight = getattr(performer, "sight", "complete")
    if sight != "none":
        found = performer.find(request)
        if found is not None or sight == "complete":
            return found
    written = next((e for e in reversed(earlier) if e.state in ("done", "already")), None)
    if written is not None:
        if written.payload == payload:
            return Outcome(
                "already", written.id, written.url, f"it was written at {written.at}, as the audit log tells"
            )
        if sight == "none":
            return Outcome(
                "refused",
                written.id,
                written.url,
                f"it was sent at {written.at} and cannot be changed; what differs needs a key of its own",
            )
        return Outcome("done", written.id, written.url)
    cut_off = unfinished(earlier) if sight == "none" else ()
    if cut_off:
        return Outcome(
            "refused",
            detail=f"not sent: an attempt at {cut_off[-1].at} was cut off, and it is unknown whether it was sent; ask a recipient, and use a new key to send it again",
        )
    return None


def _problem(request: ActionRequest, yes: Yes | None) -> str:
    """Why a request cannot be meant; empty when it can."""
    if not request.key.strip() or not request.target.strip():
        return "a request needs a target and a key"
    if any(not c.isprintable() for c in request.key + request.target):
        return "a target or a key is one line of text"
    if yes is not None and (not yes.by.strip() or yes.by.strip().startswith("schedule:")):
        return "a yes is a person's: it must say whose (`by`), and a schedule is none"
    return ""


def _how_to_allow(request: ActionRequest, why_not: str) -> str:
    who, target = dumps(request.requested_by or "WHO"), dumps(request.target, ensure_ascii=False)
    grant = f"{{who: {who}, action: {request.action}, target: {target}, until: DATE}}"
    return f"nothing was written: {why_not}. It would {would(request)}. To allow it say yes (--yes), or grant it in lore.yaml: {grant}"


def _no_performer(action: str) -> str:
    system = action.partition(".")[0]
    need = "host and from" if system == "mail" else "a token"
    return (
        f"nothing can be written to {system}: `outward.{system}` in lore.yaml needs {need}; docs/gateway.md tells which"
    )


def _told(error: Exception, hint: str) -> str:
    return f"{error}: {hint}" if hint else str(error)
