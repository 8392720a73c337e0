"""Which certificates and keys expire, and when."""

from __future__ import annotations

from agent.context import Context
from agent.evidence import inline, text_of
from agent.model import Answer, EntityItem
from agent.narrative import minute
from agent.shipments import moment
from graph.clock import Instant
from graph.store import EntityView, Limits
from graph.text import name_tokens

_SHOWN = 20
_TOLD = 5
_DULL = frozenset(
    [
        "the",
        "a",
        "an",
        "our",
        "any",
        "all",
        "next",
        "soon",
        "first",
        "cert",
        "certificate",
        "certificates",
        "certs",
        "tls",
        "ssl",
        "key",
        "keys",
        "secret",
        "secrets",
        "credential",
        "credentials",
        "expire",
        "expires",
        "expiring",
        "expiry",
        "of",
        "in",
        "for",
    ]
)


def answer(context: Context) -> Answer:
    """Those that are still to expire, soonest first; of one that is named, its own date."""
    question = context.question
    now = min(context.now, context.as_of) if context.as_of is not None else context.now
    found = _dated(context)
    words = {w for w in name_tokens(question.mention) if w not in _DULL}
    named = [(at, e) for at, e in found if words and words <= _own(e)]
    ahead = [
        (at, e)
        for at, e in found
        if at >= now and (question.until is None or at < question.until or question.until <= now)
    ]
    chosen = named or (ahead if not words or not named else [])
    if words and not named:
        context.missing.append(f"nothing called “{inline(question.mention, 60)}” with an expiry is known")
    if not chosen:
        return context.answer(
            "not_found", "No certificate, key or secret that is still to expire is known.", confidence=0.3
        )
    sentences: list[str] = []
    entities: list[EntityItem] = []
    for at, entity in chosen[:_SHOWN]:
        cited = [context.citations.cite(s.provenance) for s in entity.statements]
        label = inline(text_of(entity.properties, "name") or entity.ref.id, 120)
        type_ = inline(text_of(entity.properties, "type") or "credential", 40).replace("_", " ")
        verb = "expires" if at >= now else "expired"
        sentences.append(context.state(f"{label} ({type_}) {verb} on {minute(at)}.", *cited))
        entities.append(
            EntityItem(
                ref=str(entity.ref),
                kind=entity.kind,
                label=label,
                properties={"expires_at": text_of(entity.properties, "expires_at")},
                citations=tuple(cited),
            )
        )
    return context.answer(
        "answered", " ".join(sentences[:_TOLD]), confidence=0.9, entities=entities, truncated=len(chosen) > _SHOWN
    )


def _dated(context: Context) -> list[tuple[Instant, EntityView]]:
    """What has an expiry, soonest first; a certificate that two sources know is told once."""
    credentials = context.store.select("Credential", {}, context.view, Limits(rows=20_000)).items
    resources = context.store.select(
        "Resource", {"type": ["aws_acm_certificate", "aws_iam_server_certificate"]}, context.view, Limits(rows=5_000)
    ).items
    dated = [
        (at, e) for e in (*credentials, *resources) if (at := moment(text_of(e.properties, "expires_at"))) is not None
    ]
    seen: dict[tuple[Instant, str], tuple[Instant, EntityView]] = {}
    for at, entity in dated:
        seen.setdefault((at, text_of(entity.properties, "name")), (at, entity))
    return sorted(seen.values(), key=lambda p: (p[0], p[1].ref))


def _own(entity: EntityView) -> set[str]:
    domains = entity.properties.get("domains")
    listed = " ".join(str(d) for d in domains) if isinstance(domains, list | tuple) else ""
    return set(name_tokens(f"{text_of(entity.properties, 'name')} {listed}"))
