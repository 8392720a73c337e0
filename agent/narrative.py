"""The way of a change in sentences: who approved it, what was said, when it arrived where, and by which calls."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from agent.chain import Chain, Said, performers, person_name
from agent.context import Context
from agent.doors import Door
from agent.evidence import inline, text_of
from agent.phrasing import listing
from agent.reach import Carried
from graph.clock import Instant, rfc3339
from graph.model import EntityRef
from graph.store import ChangeView

QUOTED = 400
_LINK = re.compile(r"https?://\S+")
_WORD = re.compile(r"[^\W_]{4,}")
REASONS = re.compile(
    r"\b(?:because|since|due to|so that|in order to|root cause|we(?:'re| are) (?:seeing|getting|hitting)|otherwise|"
    r"need(?:ed|s)?|asked|request\w*|requir\w*|prevent\w*|avoid\w*|so we can|instead of|follow-?up|reason|complain\w*|broke\w*|fail\w*|timeout\w*|too (?:low|high|small|slow|many|open)|incident|outage|audit|compliance|migrat\w*|"
    r"cost|capacity|load|launch|deprecat\w*|customer)\b",
    re.I,
)


def minute(at: Instant) -> str:
    """A moment in a sentence: `2026-03-04 14:02 UTC`."""
    text = rfc3339(at)
    return f"{text[:10]} {text[11:16]} UTC"


def approvals(context: Context, chain: Chain) -> list[str]:
    """Who approved and merged it."""
    sentences: list[str] = []
    if chain.approvals:
        names = [inline(s.name, 60) for s in chain.approvals]
        cited = [context.citations.cite(s.said) for s in chain.approvals]
        sentences.append(context.state(f"Approved by {listing(list(dict.fromkeys(names)))}.", *cited))
    return sentences


def quote(context: Context, message: Said) -> str:
    """A message as a sentence."""
    where = f" in #{inline(message.channel.lstrip('#'), 60)}" if message.channel else ""
    cited = context.citations.cite(message.said)
    text = inline(message.text, QUOTED)
    return context.state(f"{inline(message.name, 60)}{where} on {minute(message.at)}: “{text}”.", cited)


def best_messages(chain: Chain, most: int = 2, before: Instant | None = None) -> list[Said]:
    """The messages of a conversation that say why: a decision, reasons, or what is linked; in order of time."""
    some = [m for m in chain.messages if m.text.strip() and (before is None or m.at <= before)] or list(chain.messages)
    roots: dict[EntityRef | None, Instant] = {}
    for message in some:
        roots[message.thread] = min(roots.get(message.thread, message.at), message.at)
    ranked = sorted(some, key=lambda m: (-_weight(m, roots), m.at, m.ref))
    chosen = ranked[:most]
    if most > 1 and chosen:
        # Whoever opens a conversation about a change says what it is for.
        opening = min((m for m in some if m.thread == chosen[0].thread), key=lambda m: (m.at, m.ref))
        if opening not in chosen and len(_WORD.findall(opening.text)) > 3:
            chosen = [*chosen[: most - 1], opening]
    return sorted(chosen, key=lambda m: (m.at, m.ref))


def _weight(message: Said, roots: dict[EntityRef | None, Instant]) -> float:
    words = _WORD.findall(_LINK.sub("", message.text))
    if not words:
        return 0.0
    weight = min(len(words), 20) / 20
    if REASONS.search(message.text):
        weight += 1.5
    if message.decision:
        weight += 1.0
    if message.at == roots[message.thread]:
        weight += 0.6
    if message.linked:
        weight += 0.4
    return weight


def arrivals(context: Context, carried: Sequence[Carried]) -> list[str]:
    """When it arrived in each environment."""
    if not carried:
        return []
    parts: list[str] = []
    cited: list[str] = []
    for one in carried[:4]:
        how = "applied" if one.reached.basis == "applied" else "deployed"
        version = ""
        if one.shipment is not None and one.shipment.service:
            version = f" with {inline(one.shipment.service, 60)} {inline(one.shipment.version[:40], 40)}".rstrip()
        parts.append(f"{how} to {inline(one.reached.environment, 40)} on {minute(one.at)}{version}")
        cited.append(context.citations.cite(one.said))
    return [context.state(f"It was {listing(parts)}.", *cited)]


def calls(
    context: Context, events: Sequence[ChangeView], through: Mapping[tuple[EntityRef, EntityRef], Door]
) -> list[str]:
    """The audited calls that carried a change out, each with the environment it was made in."""
    audits = [e for e in events if e.change.kind == "AuditEvent"]
    if not audits:
        return []
    entities = {e.ref: e for e in context.store.entities(sorted({a.change for a in audits}), context.view)}
    performers = who_performed(context, [a.change for a in audits])
    told: list[str] = []
    cited: list[str] = []
    for audit in audits[:3]:
        entity = entities.get(audit.change)
        name = text_of(entity.properties, "action") if entity else ""
        by = performers.get(audit.change)
        door = through.get((audit.change, audit.target))
        where = f" in {inline(door.environment, 40)}" if door is not None and door.environment else ""
        told.append(
            f"{inline(name, 80) or 'a call'}{f' by {inline(by, 60)}' if by else ''}{where} at {minute(audit.at)}"
        )
        cited.append(context.citations.cite(audit.provenance))
    return [context.state(f"The audit log has {listing(told)}.", *cited)]


def who_performed(context: Context, changes: Sequence[EntityRef]) -> dict[EntityRef, str]:
    """By change: who performed it."""
    return {ref: person_name(account) for ref, account in performers(context.store, context.view, changes).items()}
