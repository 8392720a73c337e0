"""What may be shown to a model, and the lists in which it is shown.

Facts get in through a reader's `View` only, so a model never sees what its reader may not. Every item is one line that begins with an id of
ours, so nothing that a source wrote can look like another item.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent.claims import MARK, CitedFact
from agent.evidence import Citations
from agent.incident import Suspect
from agent.llm_fence import Redact, one_line
from graph.clock import rfc3339
from graph.lexicon import things
from graph.model import EntityRef
from graph.store import GraphStore, View

MOST_ENTITIES = 150
MOST_CHANGES = 80
MOST_CHECKS = 80
MOST_FACTS = 120
"""So many of each are shown; the caller puts the best first."""
LINE_CHARS = 500


@dataclass(frozen=True, slots=True)
class Offered:
    """A thing that a model may name."""

    ref: EntityRef
    label: str
    kind: str


@dataclass(frozen=True, slots=True)
class OfferedChange:
    """A change that a model may name. `at` is when it took effect, RFC 3339; `citations` are the ids of where it can be read."""

    ref: EntityRef
    label: str
    at: str
    text: str
    citations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OfferedCheck:
    """A check that a model may choose: of which hypothesis, which check, and what it would tell."""

    id: str
    hypothesis: str
    check: str
    what: str


def offered_entities(store: GraphStore, refs: Sequence[EntityRef], view: View) -> tuple[Offered, ...]:
    """Those of the things that the view's reader may see, in the order given."""
    return tuple(Offered(t.ref, t.label, t.ref.kind) for t in things(store, refs, view))


def offered_changes(
    store: GraphStore, refs: Sequence[EntityRef], view: View, citations: Citations
) -> tuple[OfferedChange, ...]:
    """Those of the changes (commits, audit events …) that the view's reader may see, with their texts; each is cited."""
    texts: dict[EntityRef, list[str]] = {}
    seen = things(store, refs, view)
    for passage in store.passages([t.ref for t in seen], view) if seen else ():
        texts.setdefault(passage.ref, []).append(passage.text)
    return tuple(
        OfferedChange(
            t.ref, t.label, rfc3339(t.valid_from), "\n".join(texts.get(t.ref, ())), (citations.cite_thing(t),)
        )
        for t in seen
    )


def offered_suspects(suspects: Sequence[Suspect], citations: Citations) -> tuple[OfferedChange, ...]:
    """Suspects of an investigation as changes that a model may name, by their `key`; what they changed comes before what they say of
    themselves. They were read with the investigation's view."""
    return tuple(
        OfferedChange(
            s.key,
            s.title,
            rfc3339(s.at),
            f"{s.changed[:LINE_CHARS]}\n{s.text}".strip(),
            tuple(dict.fromkeys(citations.cite(said) for said in s.said)),
        )
        for s in suspects
    )


def entity_lines(handles: Mapping[str, Offered], redact: Redact) -> str:
    """The things, one a line: `e1 Service checkout`."""
    return _lines(f"{handle} {item.kind} {_plain(item.label, redact)}" for handle, item in handles.items())


def change_lines(handles: Mapping[str, OfferedChange], redact: Redact) -> str:
    """The changes, one a line: `h1 [c3] 2026-03-04T14:00:00Z Lower the pool: …`."""
    return _lines(
        f"{handle} {_ids(item.citations)} {item.at} {_plain(item.label, redact)}: {_plain(item.text, redact)}"
        for handle, item in handles.items()
    )


def check_lines(handles: Mapping[str, OfferedCheck], redact: Redact) -> str:
    """The checks, one a line: `k1 time_order of “Lower the pool”: …`."""
    return _lines(
        f"{handle} {_plain(item.check, redact)} of “{_plain(item.hypothesis, redact)}”: {_plain(item.what, redact)}"
        for handle, item in handles.items()
    )


def fact_lines(facts: Sequence[CitedFact], redact: Redact) -> str:
    """The facts, one a line: `[c1][c2] Ann changed …`; equal texts with all their ids."""
    ids: dict[str, list[str]] = {}
    for fact in facts:
        ids.setdefault(fact.text, []).append(fact.id)
    return _lines(f"{_ids(marks)} {_plain(text, redact)}" for text, marks in list(ids.items())[:MOST_FACTS])


def _plain(text: str, redact: Redact) -> str:
    """A text in one line in which nothing looks like one of our ids in brackets."""
    return MARK.sub(r"(\1)", one_line(text, redact, LINE_CHARS))


def _ids(citations: Iterable[str]) -> str:
    return "".join(f"[{i}]" for i in dict.fromkeys(citations))


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines) or "(none)"
