"""What a text names for certain: links, full ids and numbers with their repository. No guesses: `#12` alone names nothing here.

Slack and commit messages, pull request bodies, documents and alert annotations all go through `mentions`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from graph.model import EntityRef
from ingest import names

MAX_CHARS = 100_000
"""What follows is not read."""

_REPOSITORY = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_GITHUB = re.compile(
    rf"https?://[A-Za-z0-9.-]{{1,120}}/({_REPOSITORY}/{_REPOSITORY})/(?:(pull|issues)/(\d{{1,9}})|commit/([0-9a-f]{{40}})|actions/runs/(\d{{1,18}}))(?![\w/]*\.\w)"
)
_GITLAB = re.compile(
    rf"https?://[A-Za-z0-9.-]{{1,120}}/({_REPOSITORY}(?:/{_REPOSITORY}){{1,8}}?)/-/(?:(merge_requests|issues)/(\d{{1,9}})|commit/([0-9a-f]{{40}})|pipelines/(\d{{1,18}}))"
)
_NUMBER = re.compile(rf"(?<![\w/.-])({_REPOSITORY}/{_REPOSITORY})([#!])(\d{{1,9}})(?!\w)")
_SLACK = re.compile(
    r"https://[A-Za-z0-9-]{1,80}\.slack\.com/archives/([A-Z0-9]{6,20})/p(\d{10})(\d{6})(?:\?thread_ts=(\d{10}\.\d{6}))?"
)
_SHA = re.compile(r"(?<![0-9A-Za-z/:._-])([0-9a-f]{40})(?![0-9A-Za-z])")
_ARN = re.compile(r"(?<![\w:])arn:aws[a-z-]*:[a-z0-9-]{2,40}:[a-z0-9-]{0,30}:\d{0,12}:[^\s\"'<>|,;)\]}`]{1,400}")
_PAGERDUTY = re.compile(r"https://[A-Za-z0-9-]{1,80}\.pagerduty\.com/incidents/([A-Z0-9]{6,24})")


class Mention(NamedTuple):
    """A thing named, the words that name it, and where they begin."""

    ref: EntityRef
    text: str
    start: int


def mentions(text: str) -> tuple[Mention, ...]:
    """What the text names, in its order, each thing once."""
    text = text[:MAX_CHARS]
    found: dict[EntityRef, Mention] = {}
    for mention in sorted(_all(text), key=lambda m: (m.start, m.ref)):
        found.setdefault(mention.ref, mention)
    return tuple(found.values())


def _all(text: str) -> Iterator[Mention]:
    # Each test for a plain substring spares most texts a regular expression.
    if "://" in text:
        for m in _GITHUB.finditer(text):
            yield _forge(m, "github")
        if "/-/" in text:
            for m in _GITLAB.finditer(text):
                yield _forge(m, "gitlab")
        for m in _SLACK.finditer(text):
            channel, ts = m[1], f"{m[2]}.{m[3]}"
            thread_ts = m[4] or ts
            yield Mention(names.thread("slack", channel, thread_ts), m[0], m.start())
            yield Mention(names.message("slack", channel, ts), m[0], m.start())
        for m in _PAGERDUTY.finditer(text):
            yield Mention(names.incident("pagerduty", m[1]), m[0], m.start())
    if "#" in text or "!" in text:
        for m in _NUMBER.finditer(text):
            yield Mention(names.pull_request(m[1], int(m[3])), m[0], m.start())
    if "arn:" in text:
        for m in _ARN.finditer(text):
            arn = m[0].rstrip(".:?!*_~")
            yield Mention(names.cloud_resource(arn), arn, m.start())
    for m in _SHA.finditer(text):
        yield Mention(names.commit(m[1]), m[1], m.start())


def _forge(m: re.Match[str], system: str) -> Mention:
    repository = m[1]
    if m[2]:
        number = int(m[3])
        # GitHub and GitLab number both alike and lead from one to the other only on GitHub; an issue is asked for by its own word.
        one = names.issue(repository, number) if m[2] == "issues" else names.pull_request(repository, number)
        return Mention(one, m[0], m.start())
    if m[4]:
        return Mention(names.commit(m[4]), m[0], m.start())
    return Mention(names.workflow_run(system, repository, m[5]), m[0], m.start())
