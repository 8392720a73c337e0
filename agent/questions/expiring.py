"""Which certificates and keys expire, and when."""

from __future__ import annotations

from agent.context import Context
from agent.evidence import inline, text_of
from agent.model import Answer, EntityItem
from agent.narrative import minute
from agent.shipments import moment
from agent.signals import signals
from graph.clock import DAY, Instant
from graph.store import EntityView, Limits
from graph.text import name_tokens

_SHOWN = 20
_BEFORE: Instant = 7 * DAY
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
    if question.wanted == "incident":
        return _at_incident(context)
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
        return context.answer(
            "not_found", f"No expiry of anything called “{inline(question.mention, 80)}” is known.", confidence=0.2
        )
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


def _at_incident(context: Context) -> Answer:
    """The certificate that had expired when an incident began: the last to expire before it, of its service first."""
    found = signals(context.store, context.view).named(context.question.mention)
    if not found:
        return context.answer("not_found", "No incident of that name is known.", confidence=0.0)
    signal = found[0]
    expired = [(at, e) for at, e in _dated(context) if signal.started_at - _BEFORE <= at <= signal.started_at]
    words = set(name_tokens(f"{signal.service} {signal.title}"))
    expired.sort(key=lambda p: (-len(words & _own(p[1])), signal.started_at - p[0]))
    cited = context.citations.cite(signal.said)
    if not expired:
        context.missing.append("no certificate that expired before it is known")
        return context.answer(
            "answered",
            context.state(f"No certificate is known to have expired before {inline(signal.label, 100)} began.", cited),
            confidence=0.5,
        )
    at, entity = expired[0]
    label = inline(text_of(entity.properties, "name") or entity.ref.id, 120)
    own = context.citations.cite(entity.statements[0].provenance)
    text = context.state(
        f"{label} had expired on {minute(at)}; {inline(signal.label, 100)} began on {minute(signal.started_at)}.",
        own,
        cited,
    )
    item = EntityItem(
        ref=str(entity.ref),
        kind=entity.kind,
        label=label,
        properties={"expires_at": text_of(entity.properties, "expires_at")},
        citations=(own,),
    )
    return context.answer("answered", text, confidence=0.85, entities=[item])


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
