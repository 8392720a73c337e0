"""What every form of an investigation says in the same words: the verdict, a cause, when it took effect, a node's fate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.investigation import Cause, EvidenceItem, Investigation, Node, Rollback
from agent.model import ChangeId

_MARKS = {"supported": "✓", "refuted": "✗", "pruned": "–", "open": "·"}
_FATES = {"supported": "", "refuted": "ruled out", "pruned": "not followed", "open": ""}
_STOPPED = {
    "confidence": "it was sure enough",
    "margin": "nothing else came near",
    "budget": "its budget was used up",
    "exhausted": "there was nothing left to ask",
}


def percent(probability: float) -> str:
    """A probability as people say it; what is not certain is never 0% or 100%."""
    if 0 < probability < 0.005:
        return "<1%"
    if 0.995 <= probability < 1:
        return ">99%"
    return f"{round(probability * 100)}%"


def verdict(investigation: Investigation) -> str:
    """The verdict in a sentence."""
    first = investigation.causes[0] if investigation.causes else None
    unlisted = percent(investigation.unnamed)
    if investigation.verdict == "cause_found" and first is not None:
        return f"Cause found, {percent(first.probability)} sure."
    if investigation.verdict == "insufficient_evidence" and first is not None:
        count = len(investigation.causes)
        return (
            f"Not sure enough to name a cause. A shortlist of {count}: the first has {percent(first.probability)}, "
            f"{unlisted} that it is something not listed."
        )
    if first is None:
        return f"No cause found in what is known: nothing is listed, {unlisted} that it is something not listed."
    return (
        f"No cause found in what is known: nothing listed is likely enough (the first has {percent(first.probability)}), "
        f"{unlisted} that it is something not listed."
    )


def title(cause: Cause) -> str:
    """What a cause is called."""
    return cause.label or cause.target_label or (cause.change.id if cause.change is not None else cause.target)


def names(cause: Cause) -> str:
    """By which names it can be looked up: `commit 1a2b3c4d5e6f, pull request #12 in acme/infra`."""
    requests = [c for c in cause.also if c.kind == "pull_request"]
    some = [c for c in (cause.change, *(requests[:1] or cause.also[:1])) if c is not None]
    told = [f"{c.kind.replace('_', ' ')} {_short(c)}" for c in some]
    text = ", ".join(dict.fromkeys(told))
    repository = next((c.repository for c in some if c.repository), "")
    return f"{text} in {repository}" if text and repository else text


def _short(change: ChangeId) -> str:
    if change.kind == "pull_request":
        return f"#{change.id}"
    return change.id[:12] if change.kind == "commit" else change.id


def when(cause: Cause) -> str:
    """When it took effect, and what that means: `applied 2026-05-19 14:11 UTC in prod`."""
    if cause.at is None:
        return "when it took effect is not known"
    # What was merged is nowhere in particular yet.
    place = f" in {cause.environment}" if cause.environment and cause.at_means != "merged" else ""
    return f"{cause.at_means or 'happened'} {moment(cause.at)}{place}"


def moment(at: str) -> str:
    """An RFC 3339 time for people: `2026-05-19 14:11 UTC`, with seconds where they are not zero."""
    if len(at) == 20 and at.endswith("Z") and at[10] == "T":
        seconds = "" if at[17:19] == "00" else at[16:19]
        return f"{at[:10]} {at[11:16]}{seconds} UTC"
    return at


def strongest(evidence: Sequence[EvidenceItem], most: int) -> list[EvidenceItem]:
    """The evidence that weighs most, supporting first, and of what speaks against it at least the strongest."""
    weighed = sorted(
        (e for e in evidence if e.verdict in ("supports", "refutes") and e.weight), key=lambda e: -abs(e.weight)
    )
    against = [e for e in weighed if e.weight < 0]
    chosen = weighed[:most]
    if against and against[0] not in chosen and most > 1:
        chosen[-1] = against[0]
    return sorted(chosen, key=lambda e: (e.weight < 0, -abs(e.weight)))


def weight(of: float) -> str:
    """A log likelihood ratio: `+1.2`."""
    return f"{of:+.1f}".replace("-", "−")


def safety(investigation: Investigation, back: Rollback) -> str:
    """Whether taking it back is safe, without a full stop."""
    if not back.command:
        return "No command is known"
    told = "Safe as far as known" if back.safe else "NOT SAFE as it is"
    return told if investigation.verdict == "cause_found" else f"Only if it was that: {told}"


def command(back: Rollback) -> str:
    """The command line with a prompt; words as they are; empty when there is neither."""
    return f"$ {back.command}" if back.command.startswith(("git ", "aws ", "terraform ")) else back.command


def stopped(investigation: Investigation) -> str:
    """How long was searched, and why no longer."""
    tree = investigation.tree
    steps = f"{tree.steps} step{'' if tree.steps == 1 else 's'}"
    return f"{steps}; stopped because {_STOPPED.get(tree.stopped, tree.stopped)}"


def mark(node: Node) -> str:
    """A node's fate as a sign."""
    return _MARKS.get(node.status, "·")


def fate(node: Node) -> str:
    """A node's fate in words; empty when its probability says it all."""
    told = _FATES.get(node.status, "")
    return told or ("not looked at" if node.step == 0 and node.status == "open" and node.parent is not None else "")


def blind_spots(investigation: Investigation) -> tuple[str, ...]:
    """Sources that are stale or missing, and what else could not be seen."""
    told = investigation.report.not_seen
    # The report tells of whole sources; parts of one have the same name before a `#`.
    missing = [
        f"{c.source} could not be read."
        if c.status == "unavailable"
        else f"{c.source} was read up to {c.fresh_until or 'an unknown time'}."
        for c in investigation.coverage
        if c.status != "ok" and not any(c.source.partition("#")[0] in n for n in told)
    ]
    return tuple(dict.fromkeys((*missing, *told)))


def children(nodes: Sequence[Node]) -> Mapping[str | None, Sequence[Node]]:
    """Nodes by parent, likeliest first, ruled out ones last. What has no known parent stands at the top; what leads in a circle is left out."""
    known = {n.id: n for n in nodes}
    found: dict[str | None, list[Node]] = {}
    for node in known.values():
        parent = node.parent if node.parent in known and node.parent != node.id else None
        found.setdefault(parent, []).append(node)
    for some in found.values():
        some.sort(key=lambda n: (n.status in ("refuted", "pruned"), -n.posterior, n.id))
    return found
