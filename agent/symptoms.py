"""Reads a symptom: a sentence, the name of an alert, a service, a resource, an error string -> what it is about and what sort of failure.

The text is data: its words are compared with declared wordings and with names that the graph holds, and do nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from agent.evidence import text_of
from agent.incident import Anchor, ReadClass, Symptom, SymptomClass
from agent.named_service import environment_names
from agent.orders import before_orders
from agent.reach import ENVIRONMENT_WORDS, environment_of, runs_in
from agent.signals import Signal
from agent.symptom_anchors import AnchorReader
from agent.symptom_words import read_classes, words_of
from agent.times import read_times
from graph.clock import DAY, SECOND, Instant
from graph.model import EntityRef
from graph.store import GraphStore, View
from graph.text import name_tokens

MAX_CHARS = 4_000
"""Of a symptom's text; what comes after is not read."""
MAX_WORDS = 200
WINDOW_S = 7 * 86_400
_FARTHEST = 28 * DAY
"""How far before the detection a told beginning may lie to move the window."""
_SAID_BY_ALERT = 0.7
_SURE = 0.75
_LIKELY = 0.4
_ELSEWHERE = 0.4

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_BLANKS = re.compile(r"\s+")
_STOP = words_of(
    "a about after again all also am an and any are as at be because been before being between both but by came can come "
    "could did do does doing done during each even every few for from get gets getting got had has have having he her "
    "here him his how i if in into is it its itself just keep keeps like made make makes many may me might more most much "
    "must my no nor not now of off on once one only onto or other our out over own per please same see seeing seen seems "
    "she should since so some still such t than that the their them then there these they this those through to too "
    "under until up us very was we were what when where which while who whole whose why will with within without would "
    "you your utc gmt am pm s re ve ll d m"
)
_WEAK_ENVIRONMENTS = frozenset({"live", "test", "testing", "stage", "development", "dev", "qa"})
"""Words that name an environment and much else."""
_INTO = frozenset({"in", "on", "to", "at", "of", "environment", "env", "from", "for"})
_AFTER_ENVIRONMENT = frozenset({"environment", "env", "cluster", "account", "stack"})


def read_symptom(
    store: GraphStore, view: View, text: str, at: Instant, *, window_s: int = WINDOW_S, environment: str = ""
) -> Symptom:
    """The symptom that a text tells, as of a view.

    Args:
        store: the graph.
        view: which facts may be seen.
        text: what somebody or an alert says; of any length and in any language. What in it gives orders to its reader is not read.
        at: when it was detected.
        window_s: how many seconds before it causes are looked for.
        environment: where it shows, when that is known otherwise.

    Returns:
        The symptom; without anchors where nothing in the graph is named and no alert fires, without classes where no wording is known.
    """
    text = cleaned(text)
    text = before_orders(text) or text
    times = read_times(text, at)
    rest = times.rest
    known = environment_names(store, view)
    read = AnchorReader(store, view, rest, at, environment or environment_in(rest, known))
    anchors = read.anchors()
    running = _running_in(store, view, [a.ref for a in anchors])
    where = environment or _environment(rest, known, read.matching, anchors, running)
    anchors = _nearest_first(anchors, running, where)
    return Symptom(
        text=text,
        at=at,
        since=_since(at, window_s, times.since if times.since is not None else times.at),
        environment=where,
        classes=_classes(rest, read.matching, read.names),
        anchors=anchors,
        words=meaning_words(rest),
    )


def cleaned(text: str) -> str:
    """The text in one line without control characters and terminal escapes, cut to `MAX_CHARS`."""
    text = unicodedata.normalize("NFC", _ESCAPE.sub("", text[: MAX_CHARS * 2]))
    text = "".join(c if unicodedata.category(c)[0] != "C" else " " if c in "\t\r\n\v\f\x85" else "" for c in text)
    return _BLANKS.sub(" ", text).strip()[:MAX_CHARS].rstrip()


def meaning_words(text: str) -> tuple[str, ...]:
    """The words of a text that carry meaning: lower case, in order, once each, without those that every text has.

    >>> meaning_words("The checkout returns a 502, checkout is down")
    ('checkout', 'returns', '502', 'down')
    """
    words = (w for w in name_tokens(text) if w not in _STOP and (len(w) > 1 or not w.isascii()))
    return tuple(dict.fromkeys(words))[:MAX_WORDS]


def environment_in(text: str, known: Iterable[str]) -> str:
    """The environment that words of a symptom name; empty when none do.

    A word that means other things, too ("live", "test", an environment called `warehouse`), counts only where the words beside it say so.
    """
    names = frozenset(known)
    words = name_tokens(text)
    for i, word in enumerate(words):
        name = environment_of(word, names)
        if not name:
            continue
        before, after = words[i - 1] if i else "", words[i + 1] if i + 1 < len(words) else ""
        plain = word in ENVIRONMENT_WORDS and word not in _WEAK_ENVIRONMENTS
        if plain or after in _AFTER_ENVIRONMENT or before in _INTO:
            return name
    return ""


def _since(at: Instant, window_s: int, began: Instant | None) -> Instant:
    """From when on causes are looked for: further back where the text says that it began long before it was told."""
    window = max(window_s, 0) * SECOND
    if began is None or not at - _FARTHEST <= began < at - window:
        return at - window
    return began - window


def _classes(text: str, matching: Sequence[Signal], names: frozenset[str]) -> tuple[ReadClass, ...]:
    """What the text says; beside it, less surely, what the alert says that fits."""
    found: dict[SymptomClass, ReadClass] = {c.name: c for c in read_classes(text, names=names)}
    weight = 0.5 if any(c.confidence >= _SURE for c in found.values()) else 1.0
    for signal in matching[:3]:
        said_by = f"the {'incident' if signal.is_incident else 'alert'} {signal.label[:60]}"
        for read in read_classes(f"{signal.name} {signal.title[:400]}", said_by, names):
            told = ReadClass(read.name, read.how, round(read.confidence * _SAID_BY_ALERT * weight, 3))
            if told.name not in found or found[told.name].confidence < told.confidence:
                found[told.name] = told
    return tuple(sorted(found.values(), key=lambda c: (-c.confidence, c.name)))


def _environment(
    text: str,
    known: frozenset[str],
    matching: Sequence[Signal],
    anchors: Sequence[Anchor],
    running: Mapping[EntityRef, str],
) -> str:
    """Named in the text, else that of the alert, else of the anchors when all run in one, else prod when there is one."""
    if named := environment_in(text, known):
        return named
    if told := next((s.environment for s in matching if s.environment), ""):
        return environment_of(told, known) or told
    sure = {running[a.ref] for a in anchors if a.confidence >= _LIKELY and a.ref in running}
    if len(sure) == 1:
        return next(iter(sure))
    return "prod" if "prod" in known else ""


def _running_in(store: GraphStore, view: View, refs: Sequence[EntityRef]) -> dict[EntityRef, str]:
    """The environment of each of these that runs in one."""
    resources = [r for r in refs if r.kind == "Resource"]
    found: dict[EntityRef, str] = {}
    for entity in store.entities(resources, view) if resources else ():
        if name := text_of(entity.properties, "environment"):
            found[entity.ref] = name
    missing = [r for r in resources if r not in found]
    return found | {ref: name for ref, name in runs_in(store, view, missing).items() if name}


def _nearest_first(anchors: Sequence[Anchor], running: Mapping[EntityRef, str], where: str) -> tuple[Anchor, ...]:
    """Of things with one name those that run elsewhere are hardly meant."""
    if not where:
        return tuple(anchors)
    weighed = [
        replace(a, confidence=round(a.confidence * _ELSEWHERE, 3)) if running.get(a.ref, where) != where else a
        for a in anchors
    ]
    return tuple(sorted(weighed, key=lambda a: (-a.confidence, a.ref)))
