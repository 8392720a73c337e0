"""What an investigation hands out. An `Investigation` serialises exactly as the documented `lore.investigation/1`."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from agent.model import ChangeId, Citation, Struct

Conclusion: TypeAlias = Literal["cause_found", "no_cause_found", "insufficient_evidence"]
CauseKind: TypeAlias = Literal["change", "manual", "expiry", "quota", "capacity", "external"]
Verdict: TypeAlias = Literal["supports", "refutes", "inconclusive", "no_data"]
Status: TypeAlias = Literal["supported", "refuted", "open", "pruned"]
Stopped: TypeAlias = Literal["confidence", "margin", "budget", "exhausted"]


class Window(Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """The time in which causes were looked for, `from <= t <= to`."""

    since: str
    until: str


class EvidenceItem(Struct, frozen=True, kw_only=True):
    """One thing that speaks for or against a cause. `weight` is a log likelihood ratio (natural log): above zero it supports."""

    check: str
    verdict: Verdict
    weight: float
    reason: str
    citations: tuple[str, ...] = ()


class Cause(Struct, frozen=True, kw_only=True):
    """A possible cause. `probability` is after all evidence; those of all causes and `unnamed` sum to 1."""

    rank: int
    kind: CauseKind
    change: ChangeId | None
    target: str
    mechanism: str
    probability: float
    evidence: tuple[EvidenceItem, ...] = ()
    label: str = ""
    """What to call it: a title, a certificate's name."""
    at: str | None = None
    """When it took effect where the symptom is; None when that is not known."""
    at_means: str = ""
    """applied, deployed, merged, happened, expired …"""
    environment: str = ""
    by: str = ""
    also: tuple[ChangeId, ...] = ()
    """The same change under other names: its pull request, its deployment, its audit events."""
    target_label: str = ""
    hypothesis: str = ""
    """Id of its node in the tree."""
    citations: tuple[str, ...] = ()


class Node(Struct, frozen=True, kw_only=True):
    """A node of the hypothesis tree. `prior` and `posterior` of a branch are the sums of its leaves; `step` is when it was last weighed (0: never)."""

    id: str
    parent: str | None
    claim: str
    prior: float
    posterior: float
    status: Status
    step: int
    sort: str = ""
    """symptom, place, change, mechanism, none"""


class Step(Struct, frozen=True, kw_only=True):
    """One step of the search: a check asked of a branch, and what it changed."""

    step: int
    check: str
    node: str
    because: str
    """Why this was asked next."""
    outcome: str
    """What came of it, a sentence."""
    best: str
    """Id of the likeliest leaf after it."""
    probability: float


class Tree(Struct, frozen=True, kw_only=True):
    """The hypothesis tree when the search stopped."""

    nodes: tuple[Node, ...]
    steps: int
    stopped: Stopped
    path: tuple[Step, ...] = ()


class SimilarIncident(Struct, frozen=True, kw_only=True):
    """A solved incident like this one. `used`: it moved the ranking."""

    id: str
    similarity: float
    cause: str
    fix: str
    used: bool = False
    confirmed_by: str = ""
    citations: tuple[str, ...] = ()


class Moment(Struct, frozen=True, kw_only=True):
    """A line of the timeline."""

    at: str
    what: str
    citations: tuple[str, ...] = ()
    sort: str = ""
    """change, alert, message, expiry, detected …"""


class Affected(Struct, frozen=True, kw_only=True):
    """Something that depends on what failed, so many links away."""

    ref: str
    label: str
    kind: str
    distance: int
    citations: tuple[str, ...] = ()


class Advice(Struct, frozen=True, kw_only=True):
    """Something to do."""

    text: str
    command: str = ""
    citations: tuple[str, ...] = ()


class RuledOut(Struct, frozen=True, kw_only=True):
    """A suspect that was ruled out, and why."""

    label: str
    why: str
    citations: tuple[str, ...] = ()


class Report(Struct, frozen=True, kw_only=True):
    """The report in parts. `root_cause` is a paragraph with citation marks `[c1]`; `chain` goes from the cause to the symptom."""

    timeline: tuple[Moment, ...] = ()
    root_cause: str = ""
    chain: tuple[str, ...] = ()
    blast_radius: tuple[Affected, ...] = ()
    mitigation: tuple[Advice, ...] = ()
    long_term_fix: tuple[Advice, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    not_seen: tuple[str, ...] = ()
    """What could not be seen: sources missing or stale, failures that nothing here would show."""
    truncated: bool = False


class Rollback(Struct, frozen=True, kw_only=True):
    """The command that takes the first cause back, and whether a later change makes that unsafe."""

    command: str
    safe: bool
    why: str
    citations: tuple[str, ...] = ()


class Coverage(Struct, frozen=True, kw_only=True):
    """How far a source had been read."""

    source: str
    fresh_until: str | None
    status: Literal["ok", "stale", "unavailable"]


class AnchorItem(Struct, frozen=True, kw_only=True):
    """What of the symptom was recognised, how, and how sure that is."""

    ref: str
    label: str
    how: str
    confidence: float


class SymptomItem(Struct, frozen=True, kw_only=True):
    """A class of symptom that was read, by which words, and how sure that is."""

    name: str
    how: str
    confidence: float


class InvestigationUsage(Struct, frozen=True, kw_only=True):
    """What the investigation cost."""

    llm_calls: int = 0
    tokens: int = 0
    cost_usd: float = 0.0
    elapsed_s: float = 0.0
    dropped: int = 0
    """Of what a language model said: items that did not stand up to what was retrieved."""


class Investigation(Struct, frozen=True, kw_only=True):
    """An investigation's result. `unnamed` is the probability of everything not listed."""

    schema: Literal["lore.investigation/1"] = "lore.investigation/1"
    id: str
    symptom: str
    detected_at: str
    window: Window
    verdict: Conclusion
    confidence: float
    causes: tuple[Cause, ...]
    tree: Tree
    similar_incidents: tuple[SimilarIncident, ...] = ()
    report: Report = Report()
    unnamed: float
    truncated: bool = False
    on_call: tuple[str, ...] = ()
    rollback: Rollback | None = None
    coverage: tuple[Coverage, ...] = ()
    citations: tuple[Citation, ...] = ()
    usage: InvestigationUsage = InvestigationUsage()
    anchors: tuple[AnchorItem, ...] = ()
    symptoms: tuple[SymptomItem, ...] = ()
    environment: str = ""
    as_of: str = ""
    known_at: int = 0
    """Number of the last record that was visible."""
    notes: tuple[str, ...] = ()
    """What a reader must know first: an export answered, a budget ran out, a model's answer was dropped."""

    def to_json(self, *, indent: int = 0) -> str:
        """The investigation as `lore.investigation/1`, one line, or indented by that many blanks."""
        encoded = msgspec.json.encode(self)
        return (msgspec.json.format(encoded, indent=indent) if indent else encoded).decode()

    @staticmethod
    def from_json(text: str) -> Investigation:
        """The investigation that `to_json` wrote.

        Raises:
            ValueError: the text is not an investigation.
        """
        return msgspec.json.decode(text, type=Investigation)
