"""Did a service begin to log errors that name what was changed: a host, a table, a key, a path?

Only identifiers count that are in a changed line and, whole, in a line of the log, and that no error had named before. Whatever else a line of a
log says, whom it addresses or blames, counts for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from agent.checks.arrivals import arrived_at
from agent.checks.measured import DEADLINE_S, hint_of, shown_names, side_by_side
from agent.checks.onset import onset
from agent.checks.weighing import HOUR, MINUTE, Asking, Finding, Findings, clock, found, nothing, quoted, span, titled
from agent.evidence import inline
from agent.incident import Suspect
from graph.clock import Instant
from graph.observations import LogAnswer, LogLine, LogQuery
from graph.store import Provenance
from graph.text import text_tokens

if TYPE_CHECKING:
    from agent.scene import Scene

NAMED = 1.2
"""An error names what was changed, none did before, and the first came soon after: a line of code seldom shares such a name by chance."""
NAMED_LATER = 0.6
"""The same, but not soon after."""
UNDATED = 0.4
"""It took effect before the lines that were read begin: whether errors had named it before is not known."""
_SHARED = 0.5
"""What is left when a change is so large that it shares names with anything."""
_SOON: Instant = 15 * MINUTE
_EARLY: Instant = 2 * MINUTE
"""Clocks of logs and of deployers differ."""
_BEFORE: Instant = 2 * HOUR
"""Lines are read from so long before the symptom began."""
_LINES = 500
_SERVICES = 8
_LARGE = 150
_MOST = 2_000
_TEXT = 60_000
_SHORTEST = 5
ERRORS = (
    "error",
    "exception",
    "fail",
    "fatal",
    "panic",
    "critical",
    "refused",
    "denied",
    "timeout",
    "timed",
    "unable",
    "cannot",
    "invalid",
    "missing",
    "unknown",
    "unavailable",
    "unreachable",
    "traceback",
)
"""A line with one of these tells of an error."""
_VERSION = re.compile(r"v?\d+(?:\.\d+){0,2}(?:[-+.]\w+)?", re.ASCII)
_MOMENT = re.compile(r"\d{2,4}[-:/]\d\d[-:/t]\d\d?[\d:.,tz+-]*", re.ASCII | re.I)
_NUMBER = re.compile(r"[\d_.,:%+-]*(?:ms|s|m|h|kb|mb|gb|ki|mi|gi|k)?", re.ASCII | re.I)
_LINE_OF_FILE = re.compile(r":\d+(?::\d+)?$", re.ASCII)
_COMMON = frozenset(
    [
        *(
            "__init__.py",
            "main.py",
            "app.py",
            "index.js",
            "index.ts",
            "main.go",
            "main.tf",
            "variables.tf",
            "outputs.tf",
        ),
        *(
            "config.yaml",
            "config.yml",
            "config.json",
            "values.yaml",
            "values.yml",
            "package.json",
            "go.mod",
            "dockerfile",
        ),
        *(
            "readme.md",
            "changelog.md",
            "settings.py",
            "setup.py",
            "utils.py",
            "application/json",
            "text/plain",
            "utf-8",
        ),
        *("http/1.1", "http/2", "127.0.0.1", "0.0.0.0", "0.0.0.0/0", "content-type", "user-agent", "stack_trace"),
        *("error_code", "status_code", "request_id", "trace_id", "e.g", "i.e", "and/or", "n/a"),
    ]
)


def _weigh(scene: Scene, suspects: Sequence[Suspect]) -> Findings:
    observations = scene.observations
    if observations is None:
        return {s.key: nothing("No logs are connected.") for s in suspects}
    asked = _services(scene)
    if not asked:
        return {s.key: nothing("No service is known whose log could be read.") for s in suspects}
    since, until = onset(scene).at - _BEFORE, scene.symptom.at
    queries = [LogQuery(n, since, until, ERRORS, _LINES, DEADLINE_S) for n in asked]
    answers = dict(
        zip(asked, side_by_side(scene, "logs", [partial(observations.logs, q) for q in queries]), strict=True)
    )
    named = {
        n: [(line, names_in(line.text)) for line in a.lines if since <= line.at < until] for n, a in answers.items()
    }
    return {s.key: _judged(scene, s, since, answers, named) for s in suspects}


def _services(scene: Scene) -> tuple[str, ...]:
    """What the symptom is about, then the nearest that it depends on; the same whoever is asked of, so that each log is read once."""
    near = {p.ref: p for p in scene.surroundings.services.values() if p.direction != "downstream"}
    ordered = sorted(near.values(), key=lambda p: (p.distance, p.label, p.ref))
    anchors = [a.label for a in scene.symptom.anchors if a.ref.kind == "Service"]
    return tuple(dict.fromkeys([*anchors, *(p.label for p in ordered if p.label)]))[:_SERVICES]


def _judged(
    scene: Scene,
    one: Suspect,
    since: Instant,
    answers: Mapping[str, LogAnswer],
    named: Mapping[str, Sequence[tuple[LogLine, frozenset[str]]]],
) -> Finding:
    touched = names_of(one)
    if not touched:
        return nothing("It changed nothing whose name would stand in a log.")
    if not any(named.values()):
        return nothing(f"No error was logged by {shown_names(answers)}{hint_of(list(answers.values()))}.")
    effect = arrived_at(one, scene.symptom.environment)
    at = effect if effect is not None else one.at
    near = scene.symptom.at
    names = {*touched} - {n.casefold() for n in answers} - {one.service.casefold(), one.repository.casefold()}
    before = {n for lines in named.values() for line, told in lines if line.at < at - _EARLY for n in told & names}
    fits = [
        (line.at, service, line.text, line, told & (names - before))
        for service, lines in named.items()
        for line, told in lines
        if line.at >= at - _EARLY and told & (names - before)
    ]
    if not fits:
        if before:
            name = quoted(min(before, key=lambda n: (-len(n), n)), 60)
            return found(0.0, f"Errors named {name} before {titled(one)} took effect, too.")
        return found(0.0, f"No error of {shown_names(answers)} names what it changed.")
    first_at, service, _, line, shared = min(fits, key=lambda f: (f[0], f[1], f[2]))
    name = quoted(min(shared, key=lambda n: (-len(n), n)), 60)
    gap = max(first_at - at, 0)
    weight = UNDATED if at < since else NAMED if gap <= _SOON else NAMED_LATER
    if len(touched) > _LARGE:
        weight *= _SHARED
    reason = (
        f"{inline(service, 60)} logged an error that names {name}, which it changed, at {clock(first_at, near)}, "
        f"{span(gap)} after it took effect: {quoted(line.text, 120)}."
    )
    seen = line.seen
    return found(weight, reason, [Provenance(seen.source, service, seen.locator, seen.observed_at, seen.url)])


# -- names


def names_of(one: Suspect) -> frozenset[str]:
    """What a change touched, as a log may call it: identifiers of its changed lines, and its files."""
    return _names_of(one.changed[:_TEXT], one.paths)


@lru_cache(maxsize=4_096)
def _names_of(changed: str, paths: tuple[str, ...]) -> frozenset[str]:
    removed_and_added = names_in(changed)
    files = {p.casefold().rpartition("/")[2] for p in paths[:_LARGE]}
    return frozenset([*sorted(removed_and_added)[:_MOST], *(f for f in files if _is_name(f) and "." in f)])


def names_in(text: str) -> frozenset[str]:
    """The identifiers of a text, lower case: those that join several words or hold a digit, and are no number, time or version.

    >>> sorted(names_in('dial tcp orders-db.internal:5432: refused after 300 ms, see "Pool.java:45"'))
    ['orders-db.internal', 'orders-db.internal:5432', 'pool.java', 'pool.java:45']
    """
    found: set[str] = set()
    for token in text_tokens(text):
        plain = _LINE_OF_FILE.sub("", token)
        forms = {token, plain}
        if "/" in plain:
            forms.add(plain.rpartition("/")[2])
        if "://" in plain:
            forms.add(_LINE_OF_FILE.sub("", plain.partition("://")[2].partition("/")[0]))
        found.update(f for f in forms if _is_name(f))
    return frozenset(found)


def _is_name(token: str) -> bool:
    joined = not token.isalnum() and any(c.isalpha() for c in token)
    address = token.count(".") == 3 and token.replace(".", "").partition("/")[0].partition(":")[0].isdigit()
    return (
        (joined or address)
        and _SHORTEST <= len(token) <= 200
        and token not in _COMMON
        and (address or not _VERSION.fullmatch(token))
        and not _MOMENT.fullmatch(token)
        and not (_NUMBER.fullmatch(token) and not address)
    )


CHECK = Asking("logs", "whether errors that were logged name what it changed", 4.0, 0.6, _weigh)
