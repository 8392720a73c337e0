"""The one way out: every branch, pull request, message and comment that infralore writes goes through `Gateway.execute`.

A write needs a person's explicit yes or a standing grant; it is written down before and after in an append-only audit log; without either
it is only shown (a dry run). Only the gateway's performers hold credentials to write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

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


class Performer(Protocol):
    """Writes one sort of thing on one system, with credentials of its own. Finds what an earlier attempt wrote, by the key it left there."""

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


class OutwardUnavailable(Exception):
    """The other side cannot be reached now; `retry_after_s` when it said so."""

    def __init__(self, message: str, hint: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.retry_after_s = retry_after_s


class OutwardRefused(Exception):
    """The other side says no."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Gateway:
    """Executes requests."""

    def execute(self, request: ActionRequest, yes: Yes | None = None) -> Outcome:
        """Write it when a person said yes or a grant covers it; else show what would be written. Both ways the audit log tells.

        The same key twice writes once. What was under way when the process died is looked up at the other side before it is written again.

        Raises:
            OutwardUnavailable: it may work later.
        """
        raise NotImplementedError
