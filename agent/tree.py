"""The hypothesis tree: what failed -> where -> which change -> by which mechanism, with "none of these" always beside. Pure: no reads, no clock.

Leaves are rival explanations of one symptom, so their probabilities and that of "none of these" sum to one; a branch has the sum of its leaves.
A leaf's log odds are its prior's plus the weights of its evidence. A step asks one check of one branch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, log

from agent.evidence import inline
from agent.incident import Evidence, Suspect
from agent.investigation import Node, Status, Step, Stopped
from graph.model import EntityRef

NONE = "none"
ROOT = "h0"
_CLAIM = 200
LIVE = 0.004
"""A leaf below this probability is not worth a check of its own; it is weighed again when the others fall."""
LEADS = 0.5
"""From this probability on a leaf leads, and the checks that are needed are asked of it."""
REFUTED = -1.5
"""Evidence of this weight together rules a leaf out, in the words of the report."""
SUPPORTED = 1.0


@dataclass(slots=True)
class Leaf:
    """A suspect in the tree."""

    id: str
    suspect: Suspect
    branch: str
    prior: float
    """Log odds before evidence."""
    evidence: list[Evidence] = field(default_factory=list[Evidence])
    step: int = 0

    @property
    def weight(self) -> float:
        """What its evidence weighs together."""
        return sum(e.weight for e in self.evidence)

    @property
    def odds(self) -> float:
        """Log odds after evidence."""
        return self.prior + self.weight


@dataclass(frozen=True, slots=True)
class Branch:
    """A place where the cause may lie."""

    id: str
    claim: str


@dataclass(frozen=True, slots=True)
class Asking:
    """What a check is expected to tell: its cost, the information of one undecided suspect, in nats, and the kinds of suspects that it is about (any when None)."""

    name: str
    asks: str
    cost: float
    power: float
    kinds: frozenset[str] | None = None

    def about(self, suspect: Suspect) -> bool:
        """Whether it can tell anything of a suspect."""
        return self.kinds is None or suspect.kind in self.kinds


@dataclass(frozen=True, slots=True)
class Offer:
    """A step that could be made: a check of a branch, the information expected of it per cost, and how likely the branch is."""

    branch: Branch
    asking: Asking
    gain: float
    mass: float


@dataclass(frozen=True, slots=True)
class StopRule:
    """When to stop.

    Attributes:
        confidence: stop when the likeliest leaf, weighed by every `needed` check, has this probability.
        margin: or when it is this many times as likely as the next and likelier than not.
        steps: at most so many.
        gain: a step that is expected to tell less than this, in nats per cost, is not worth it.
        needed: checks that must have been asked of a branch before it is trusted or ends the search.
    """

    confidence: float = 0.9
    margin: float = 20.0
    steps: int = 24
    gain: float = 0.002
    needed: frozenset[str] = frozenset()


class Tree:
    """A tree being searched."""

    def __init__(
        self, claim: str, branches: Sequence[Branch], leaves: Sequence[Leaf], none: float, none_claim: str
    ) -> None:
        self.claim = claim
        self.branches = tuple(branches)
        self.leaves = tuple(leaves)
        self.none = none
        self.none_claim = none_claim
        self.path: list[Step] = []
        self._asked: set[tuple[str, str]] = set()
        self._answers: dict[str, tuple[int, int]] = {}
        self._of_branch: dict[str, list[Leaf]] = {b.id: [] for b in self.branches}
        for leaf in self.leaves:
            self._of_branch[leaf.branch].append(leaf)
        self._priors = _softmax([leaf.prior for leaf in self.leaves], none)

    def probabilities(self) -> tuple[dict[str, float], float]:
        """By leaf's id, and of "none of these"."""
        shares, none = _softmax([leaf.odds for leaf in self.leaves], self.none)
        return dict(zip((leaf.id for leaf in self.leaves), shares, strict=True)), none

    def ranked(self) -> list[tuple[Leaf, float]]:
        """Leaves, likeliest first; equal ones by what took effect last, then by ref."""
        shares, _ = self.probabilities()
        found = [(leaf, shares[leaf.id]) for leaf in self.leaves]
        return sorted(found, key=lambda p: (-p[1], -p[0].suspect.at, p[0].suspect.key))

    def offers(self, askings: Sequence[Asking], rule: StopRule) -> list[Offer]:
        """Every step that is expected to tell enough for its cost, by branch and check in their order."""
        shares, _ = self.probabilities()
        likeliest = next((leaf for leaf, p in self.ranked()[:1] if p >= LEADS), None)
        found: list[Offer] = []
        for branch in self.branches:
            own = [(leaf, shares[leaf.id]) for leaf in self._of_branch[branch.id]]
            live = [(leaf.suspect, p * (1 - p)) for leaf, p in own if p >= LIVE]
            for asking in askings:
                if not live or (branch.id, asking.name) in self._asked:
                    continue
                undecided = sum(weight for suspect, weight in live if asking.about(suspect))
                gain = undecided * asking.power * self._answering(asking.name) / asking.cost
                if likeliest is not None and likeliest.branch == branch.id and asking.name in rule.needed:
                    gain = max(gain, rule.gain)  # nothing is believed before these were asked
                if gain >= rule.gain:
                    found.append(Offer(branch, asking, gain, sum(p for _, p in own)))
        return found

    def next(self, askings: Sequence[Asking], rule: StopRule) -> tuple[Branch, Asking, str] | None:
        """The branch and check of the most expected information per cost, and why; None when nothing is worth it."""
        best = max(self.offers(askings, rule), key=lambda o: o.gain, default=None)
        if best is None:
            return None
        return best.branch, best.asking, f"{best.mass:.0%} lies there and {best.asking.asks} tells most for its cost"

    def _answering(self, check: str) -> float:
        """How readily a check has found anything to go by so far: what no source tells here is not told there either."""
        answered, asked = self._answers.get(check, (0, 0))
        return (answered + 1.0) / (asked + 1.0)

    def recognise(self, leaf: Leaf, because: str, found: Sequence[Evidence]) -> Step:
        """Take in what several checks found of one leaf at once: the one that a solved incident speaks for."""
        leaf.evidence.extend(found)
        leaf.step = len(self.path) + 1
        ranked = self.ranked()
        step = Step(
            step=len(self.path) + 1,
            check="memory",
            node=leaf.branch,
            because=because,
            outcome=_outcome(found),
            best=ranked[0][0].id,
            probability=_rounded(ranked[0][1]),
        )
        self.path.append(step)
        return step

    def suspects(self, branch: Branch) -> list[Suspect]:
        """All suspects of a branch."""
        return [leaf.suspect for leaf in self._of_branch[branch.id]]

    def weigh(self, branch: Branch, asking: Asking, because: str, found: Mapping[EntityRef, Evidence]) -> Step:
        """Take in what a check found."""
        number = len(self.path) + 1
        self._asked.add((branch.id, asking.name))
        for leaf in self._of_branch[branch.id]:
            evidence = found.get(leaf.suspect.key)
            if evidence is not None and all(e.check != evidence.check for e in leaf.evidence):
                leaf.evidence.append(evidence)
                leaf.step = number
        ranked = self.ranked()
        best, probability = ranked[0]
        told = [e for leaf in self._of_branch[branch.id] if (e := found.get(leaf.suspect.key)) is not None]
        answered, asked = self._answers.get(asking.name, (0, 0))
        self._answers[asking.name] = (answered + any(e.verdict != "no_data" for e in told), asked + 1)
        step = Step(
            step=number,
            check=asking.name,
            node=branch.id,
            because=because,
            outcome=_outcome(told),
            best=best.id,
            probability=_rounded(probability),
        )
        self.path.append(step)
        return step

    def stopped(self, rule: StopRule) -> Stopped | None:
        """Why the search is over; None when it is not."""
        ranked = self.ranked()
        if not ranked:
            return "exhausted"
        best, probability = ranked[0]
        second = max(ranked[1][1] if len(ranked) > 1 else 0.0, self.probabilities()[1], 1e-9)
        asked = {name for branch, name in self._asked if branch == best.branch} | {e.check for e in best.evidence}
        if rule.needed <= asked:
            if probability >= rule.confidence:
                return "confidence"
            if probability > 0.5 and probability / second >= rule.margin:
                return "margin"
        return "budget" if len(self.path) >= rule.steps else None

    def nodes(self, most: int) -> tuple[Node, ...]:
        """The tree as nodes: the `most` likeliest leaves and all that was weighed and refuted among the next; the rest is pruned into its branch."""
        shares, none = self.probabilities()
        found = [
            Node(
                id=ROOT,
                parent=None,
                claim=inline(self.claim, _CLAIM),
                prior=1.0,
                posterior=1.0,
                status="open",
                step=0,
                sort="symptom",
            )
        ]
        kept = {leaf.id for leaf, _ in self.ranked()[:most]}
        before = dict(zip((leaf.id for leaf in self.leaves), self._priors[0], strict=True))
        for branch in self.branches:
            own = self._of_branch[branch.id]
            mass = sum(shares[leaf.id] for leaf in own)
            found.append(
                Node(
                    id=branch.id, parent=ROOT, claim=inline(branch.claim, _CLAIM), prior=_rounded(sum(before[leaf.id] for leaf in own)), posterior=_rounded(mass),
                    status=_branch_status(own, mass), step=max((leaf.step for leaf in own), default=0), sort="place",
                )
            )  # fmt: skip
            for leaf in sorted(own, key=lambda x: (-shares[x.id], x.id)):
                if leaf.id in kept:
                    found += _leaf_nodes(leaf, before[leaf.id], shares[leaf.id])
            rest = [leaf for leaf in own if leaf.id not in kept]
            if rest:
                found.append(
                    Node(
                        id=f"{branch.id}.rest", parent=branch.id, claim=f"{len(rest)} other changes, each unlikely", prior=_rounded(sum(before[leaf.id] for leaf in rest)),
                        posterior=_rounded(sum(shares[leaf.id] for leaf in rest)), status="pruned", step=0, sort="change",
                    )
                )  # fmt: skip
        found.append(
            Node(id=NONE, parent=ROOT, claim=self.none_claim, prior=_rounded(self._priors[1]), posterior=_rounded(none), status="supported" if none >= 0.5 else "open", step=len(self.path), sort="none")
        )  # fmt: skip
        return tuple(found)


def status(leaf: Leaf, probability: float) -> Status:
    """How a leaf stands."""
    if leaf.weight <= REFUTED:
        return "refuted"
    if probability >= 0.5 and leaf.evidence:
        return "supported"
    if not leaf.evidence:
        return "pruned" if probability < LIVE else "open"
    return "supported" if leaf.weight >= SUPPORTED and probability >= 0.2 else "open"


def _leaf_nodes(leaf: Leaf, before: float, now: float) -> list[Node]:
    own = Node(
        id=leaf.id, parent=leaf.branch, claim=inline(leaf.suspect.title, _CLAIM) or "a change without a title", prior=_rounded(before), posterior=_rounded(now),
        status=status(leaf, now), step=leaf.step, sort="change",
    )  # fmt: skip
    if not leaf.suspect.mechanism:
        return [own]
    how = Node(
        id=f"{leaf.id}.how", parent=leaf.id, claim=inline(leaf.suspect.mechanism, 2 * _CLAIM), prior=own.prior, posterior=own.posterior, status=own.status,
        step=leaf.step, sort="mechanism",
    )  # fmt: skip
    return [own, how]


def _branch_status(leaves: Sequence[Leaf], mass: float) -> Status:
    if mass >= 0.5:
        return "supported"
    if leaves and all(leaf.weight <= REFUTED for leaf in leaves):
        return "refuted"
    return "open" if any(leaf.evidence for leaf in leaves) else "pruned" if mass < LIVE else "open"


def _outcome(told: Sequence[Evidence]) -> str:
    counts = {v: sum(e.verdict == v for e in told) for v in ("supports", "refutes", "inconclusive", "no_data")}
    parts = [
        f"{n} {words}"
        for verdict, words in (("supports", "supported"), ("refutes", "refuted"), ("inconclusive", "undecided"), ("no_data", "without data"))
        if (n := counts[verdict])
    ]  # fmt: skip
    telling = max(told, key=lambda e: (abs(e.weight), e.reason), default=None)
    said = f": {telling.reason}" if telling is not None and telling.weight else ""
    return f"{', '.join(parts) or 'nothing to weigh'}{said}"


def _softmax(odds: Sequence[float], none: float) -> tuple[list[float], float]:
    top = max((*odds, none))
    weights = [exp(o - top) for o in odds]
    last = exp(none - top)
    total = sum(weights) + last
    return [w / total for w in weights], last / total


def _rounded(value: float) -> float:
    return round(value, 6)


def entropy(shares: Sequence[float]) -> float:
    """Of a distribution, in nats."""
    return -sum(p * log(p) for p in shares if p > 0)
