"""Why something changed: what the commit message, the pull request and linked conversations say."""

from __future__ import annotations

import re

from agent.chain import Chain, chain_of
from agent.context import Context
from agent.evidence import inline, paragraph
from agent.lineage import COSMETIC
from agent.model import Answer, Change, Reason
from agent.narrative import REASONS, best_messages, quote
from agent.nearby import said_nearby
from agent.questions.who_changed import told_about
from agent.target import find_target, not_found
from graph.clock import DAY, Instant
from graph.text import name_tokens

_LINK = re.compile(r"https?://[^\s<>\")\]]{4,300}")
_QUOTED = 400
_MESSAGES = 2
_OWN_WORDS = 12
_WHY = re.compile(r"\b(?:why|reason|motivation|context|background)\b", re.I)
_AFTERWARDS: Instant = DAY // 8
"""What is said later than this after a change is about what came of it."""


def answer(context: Context) -> Answer:
    """The newest meaningful change and the reasons that were written down for it: in chat, pull request and commit."""
    import msgspec

    target = find_target(context, context.question.mention)
    if target is None:
        return not_found(context, context.question.mention)
    told = told_about(context, target)
    found, change, view = told.answer, told.change, told.main
    if change is None or view is None or change.effect in COSMETIC:
        return found
    sentences = [found.text]
    chain = chain_of(context.store, context.view, view)
    quoted = best_messages(chain, _MESSAGES, view.at + _AFTERWARDS)
    if not chain.messages:
        quoted = best_messages(Chain(messages=tuple(said_nearby(context, view, change))), _MESSAGES)
    sentences += [quote(context, m) for m in quoted]
    written = [*change.why, *_bodies(context, chain, change)]
    body = next((r for r in written if r.text != (change.pull_request.title if change.pull_request else "")), None)
    titles = {change.title, change.pull_request.title if change.pull_request else ""}
    reasoned = [r for r in written if r.text not in titles and gives_reason(r.text, change)]
    body = next(iter(reasoned), body)
    if body and not reasoned and not quoted:
        context.missing.append("neither the commit nor its pull request says why")
        sentences.append(
            context.state(
                f"No reason is known; the description only says “{inline(body.text, _QUOTED)}”.", body.citation
            )
        )
    elif body and reasoned:
        sentences.append(context.state(f"The reason given: “{inline(body.text, _QUOTED)}”.", body.citation))
        links = list(dict.fromkeys(_LINK.findall(body.text)))[:3]
        if links:
            sentences.append(f"It links {' and '.join(inline(u, 200) for u in links)}.")
    elif not quoted and not body:
        context.missing.append("neither the commit nor its pull request gives a reason beyond a title")
        title = change.pull_request.title if change.pull_request and change.pull_request.title else change.title
        if title:
            sentences.append(f"No reason is given beyond its title, “{inline(title)}”.")
    sentences += _reverts(context, change.change.id)
    reasons = tuple(Reason(text=m.text, citation=context.citations.cite(m.said)) for m in quoted)
    main = msgspec.structs.replace(change, why=(*reasons, *written))
    return msgspec.structs.replace(
        found,
        text=" ".join(sentences),
        changes=tuple(main if c is change else c for c in found.changes),
        facts=tuple(context.facts),
        citations=context.citations.all(),
        missing=tuple(dict.fromkeys(context.missing)),
        confidence=found.confidence if main.why else round(found.confidence * 0.6, 4),
    )


def gives_reason(text: str, change: Change) -> bool:
    """Whether a text says more than what was changed: it words a reason, or uses a dozen words of its own."""
    if REASONS.search(text) or _LINK.search(text) or _WHY.search(text):
        return True
    said = f"{change.title} {change.pull_request.title if change.pull_request else ''} {change.target.label if change.target else ''}"
    values = " ".join(f"{a.path} {a.before.value} {a.after.value}" for a in change.attributes)
    known = set(name_tokens(f"{said} {values}"))
    own = [w for w in name_tokens(_LINK.sub(" ", text)) if w not in known and len(w) > 3]
    return len(own) >= _OWN_WORDS


def _bodies(context: Context, chain: Chain, change: Change) -> list[Reason]:
    """What the pull request's own text says, where it says more than the commit."""
    refs = [e.ref for e in chain.requests]
    known = {r.text for r in change.why}
    found: list[Reason] = []
    for passage in context.store.passages(refs, context.view) if refs else ():
        text = paragraph(passage.text)
        if passage.slot == "body" and text and text not in known:
            known.add(text)
            found.append(Reason(text=text, citation=context.citations.cite(passage.provenance)))
    return found


def _reverts(context: Context, sha: str) -> list[str]:
    """What the change takes back."""
    from graph.lexicon import things
    from graph.model import EntityRef
    from graph.store import Limits

    edges = context.store.neighbours(
        [EntityRef(f"Commit:{sha}")], context.view, Limits(rows=20), types=("REVERTS",), direction="out"
    ).items
    return [
        context.state(
            f"It reverts {inline(t.text('short') or t.ref.id[:10])}, “{inline(t.text('title'))}”.",
            context.citations.cite_thing(t),
        )
        for t in things(context.store, [e.dst for e in edges], context.view)
    ]
