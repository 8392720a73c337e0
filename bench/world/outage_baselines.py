"""What simple rules would say of an outage: the newest change in prod, the newest on the service, the one whose text is most like the symptom."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bench.world.outage_model import Change, Hand, Outage, Turn
from bench.world.outage_run import Ran

WINDOW = timedelta(days=7)
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change that was known: when it took effect in prod as far as the sources tell, whom it touches, its words."""

    key: str
    at: datetime
    in_prod: bool
    services: frozenset[str]
    text: str


def ranks(ran: Ran, outage: Outage, missing: frozenset[str]) -> Mapping[str, int]:
    """Of each baseline the rank of the right change; 0 when there is none among the changes."""
    candidates = known(ran, outage, missing)
    newest = sorted((c for c in candidates if c.in_prod), key=lambda c: c.at, reverse=True)
    own = [c for c in newest if outage.service in c.services]
    return {
        "newest in prod": _rank(newest, outage),
        "newest on the service": _rank(own, outage),
        "BM25": _rank([candidates[i] for i in bm25(outage.symptom, [c.text for c in candidates])], outage),
    }


def known(ran: Ran, outage: Outage, missing: frozenset[str]) -> list[Candidate]:
    """What was merged, deployed or done by hand in the week before, as far as this world's sources tell."""
    until, out = outage.detected_at, list[Candidate]()
    for change in ran.tale.changes.values():
        if not until - WINDOW <= change.merged_at < until:
            continue
        told = "deployments" not in missing or ("kubernetes" not in missing and bool(change.service))
        reached = change.reached.get("prod")
        in_prod = not told or (reached is not None and reached[1] < until)
        at = reached[1] if told and reached and in_prod else change.merged_at
        out.append(Candidate(change.key, at, in_prod, _touched(ran, change), _text(ran, change)))
    for hand in ran.tale.hands.values():
        if "cloudtrail" not in missing and until - WINDOW <= hand.at < until:
            services = frozenset(ran.topology.thing(hand.address).users)
            out.append(Candidate(hand.key, hand.at, True, services, _hand_text(ran, hand)))
    return out


def bm25(query: str, texts: Sequence[str]) -> list[int]:
    """Indexes of the texts, the most alike first; equal ones in their order."""
    counts = [Counter(_WORD.findall(t.lower())) for t in texts]
    lengths = [sum(c.values()) for c in counts]
    mean = sum(lengths) / len(lengths) if lengths else 1.0
    frequency = Counter(word for c in counts for word in c)
    scores: list[float] = []
    for count, length in zip(counts, lengths, strict=True):
        score = 0.0
        for word in dict.fromkeys(_WORD.findall(query.lower())):
            n = count[word]
            idf = math.log(1 + (len(texts) - frequency[word] + 0.5) / (frequency[word] + 0.5))
            score += idf * n * 2.2 / (n + 1.2 * (0.25 + 0.75 * length / max(mean, 1.0)))
        scores.append(score)
    return sorted(range(len(texts)), key=lambda i: (-scores[i], i))


def _rank(ordered: Sequence[Candidate], outage: Outage) -> int:
    right = outage.change or outage.hand
    return next((i for i, c in enumerate(ordered, 1) if c.key == right), 0) if right else 0


def _touched(ran: Ran, change: Change) -> frozenset[str]:
    if change.service:
        return frozenset((change.service,))
    return frozenset(u for e in change.edits if isinstance(e, Turn) for u in ran.topology.thing(e.address).users)


def _text(ran: Ran, change: Change) -> str:
    files = ran.files[change.key]
    return "\n".join((change.title, change.body, *(f.path for f in files), *(f.patch for f in files)))


def _hand_text(ran: Ran, hand: Hand) -> str:
    thing = ran.topology.thing(hand.address)
    return f"{thing.type} {thing.label} {hand.attribute} {hand.after}"
