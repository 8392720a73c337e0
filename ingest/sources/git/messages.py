"""What a commit message says by convention: trailers, pull request numbers, reverts and cherry-picks.

Formats: https://git-scm.com/docs/git-interpret-trailers and the merge and squash messages that GitHub, GitLab, Bitbucket,
Azure DevOps, bors and homu write. Everything else in a message is prose and stays prose.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PERSON_TRAILERS = {
    "co-authored-by": "CO_AUTHORED_BY",
    "reviewed-by": "REVIEWED_BY",
    "acked-by": "APPROVED_BY",
    "approved-by": "APPROVED_BY",
}
_TRAILER = re.compile(
    r"^(Co-authored-by|Reviewed-by|Acked-by|Approved-by|Signed-off-by|Tested-by|Reported-by|Suggested-by|Helped-by"
    r"|Cc|Change-Id|git-svn-id):[ \t]*(.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_PERSON = re.compile(r"\s*\"?([^<\"]*?)\"?\s*<\s*([^<>\s]+)\s*>")
_CHANGE_ID = re.compile(r"I[0-9a-f]{8,64}", re.IGNORECASE)
_REVERTS = re.compile(r"\bThis reverts commit ([0-9a-f]{7,64})\b", re.IGNORECASE)
_PICKED = re.compile(r"^\(cherry picked from commit ([0-9a-f]{7,64})\)", re.IGNORECASE | re.MULTILINE)

_SQUASH = re.compile(r"\([#!](\d{1,9})\)$")
_SEE_MERGE_REQUEST = re.compile(r"^See merge request (?:\S*?)!(\d{1,9})\s*$", re.MULTILINE)
_MERGE_BRANCH = re.compile(r"Merge (?:remote-tracking )?branch '([^']+)'")
_MERGES = (
    # GitHub; Bitbucket Server says `in`
    re.compile(r"Merge pull request #(?P<number>\d{1,9}) (?:from (?P<branch>\S+)|in \S+ from (?P<branch_b>\S+))"),
    # Bitbucket Cloud
    re.compile(r"Merged in (?P<branch>.+?) \(pull request #(?P<number>\d{1,9})\)"),
    # homu and bors
    re.compile(r"Auto merge of #(?P<number>\d{1,9}) - (?P<branch>[^\s,]+)"),
    re.compile(r"Merge #(?P<number>\d{1,9})(?::\s*(?P<title>.+))?$"),
)
_TITLED = (
    # Bitbucket Server, Azure DevOps
    re.compile(r"Pull request #(?P<number>\d{1,9}): (?P<title>.+)"),
    re.compile(r"Merged PR (?P<number>\d{1,9}): (?P<title>.+)"),
)


@dataclass(frozen=True, slots=True)
class PullRequestNote:
    """A pull or merge request as a message names it. `squashed`: not a merge of its own."""

    number: int
    title: str
    branch: str = ""
    squashed: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A commit message, read.

    Attributes:
        title: the first line.
        text: the whole message without trailers, for people and search.
        people: (relation type, name, mail address or empty) from trailers.
        change_ids: Gerrit's ids.
        reverts, picked_from: hashes as written, perhaps abbreviated.
        pull_request: from a merge's or a squash's subject.
    """

    title: str
    text: str
    people: tuple[tuple[str, str, str], ...] = ()
    change_ids: tuple[str, ...] = ()
    reverts: tuple[str, ...] = ()
    picked_from: tuple[str, ...] = ()
    pull_request: PullRequestNote | None = None


def read_message(raw: str) -> Message:
    """Read a commit message. Any text is a message."""
    text = raw.strip()
    title, _, rest = text.partition("\n")
    title = title.rstrip()
    people: tuple[tuple[str, str, str], ...] = ()
    change_ids: tuple[str, ...] = ()
    reverts: tuple[str, ...] = ()
    picked_from: tuple[str, ...] = ()
    if rest:
        # Each test for a plain substring spares most messages a regular expression.
        if ":" in rest:
            rows = _TRAILER.findall(rest)
            if rows:
                people = tuple(dict.fromkeys(row for row in map(_person, rows) if row is not None))
                change_ids = tuple(
                    dict.fromkeys(
                        v.strip() for k, v in rows if k.lower() == "change-id" and _CHANGE_ID.fullmatch(v.strip())
                    )
                )
                text = _collapse(f"{title}\n{_TRAILER.sub('', rest)}")
        if "reverts commit" in rest:
            reverts = tuple(dict.fromkeys(sha.lower() for sha in _REVERTS.findall(rest)))
        if "(cherry picked" in rest:
            picked_from = tuple(dict.fromkeys(sha.lower() for sha in _PICKED.findall(rest)))
    return Message(title, text, people, change_ids, reverts, picked_from, _pull_request(title, rest))


def _person(row: tuple[str, str]) -> tuple[str, str, str] | None:
    relation = _PERSON_TRAILERS.get(row[0].lower())
    if relation is None:
        return None
    value = row[1].strip()
    if (found := _PERSON.match(value)) is not None:
        return relation, found[1], found[2]
    return (relation, "", value) if "@" in value and " " not in value else (relation, value, "") if value else None


def _pull_request(title: str, rest: str) -> PullRequestNote | None:
    # Only the end is searched: a title may be endless.
    if title.endswith(")") and (found := _SQUASH.search(title, max(0, len(title) - 12))) is not None:
        return PullRequestNote(int(found[1]), title[: found.start()].rstrip(), squashed=True)
    if title.startswith(("Merge", "Auto merge", "Pull request")):
        for pattern in _MERGES:
            if (found := pattern.match(title)) is not None:
                said = found.groupdict()
                branch = said.get("branch") or said.get("branch_b") or ""
                return PullRequestNote(int(found["number"]), said.get("title") or _first_line(rest) or title, branch)
        for pattern in _TITLED:
            if (found := pattern.match(title)) is not None:
                return PullRequestNote(int(found["number"]), found["title"], squashed=True)
    if "See merge request" in rest and (found := _SEE_MERGE_REQUEST.search(rest)) is not None:
        number = int(found[1])
        if (branch := _MERGE_BRANCH.match(title)) is not None:
            return PullRequestNote(number, _first_line(rest) or title, branch[1])
        return PullRequestNote(number, title, squashed=True)
    return None


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _collapse(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", text).strip()
