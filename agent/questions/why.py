"""Why something changed: what the commit message, the pull request and linked conversations say."""

from __future__ import annotations

import re

from agent.context import Context
from agent.evidence import inline
from agent.lineage import COSMETIC
from agent.model import Answer
from agent.questions.who_changed import answer_about
from agent.target import find_target, not_found

_LINK = re.compile(r"https?://[^\s<>\")\]]{4,300}")
_QUOTED = 400


def answer(context: Context) -> Answer:
    """The newest meaningful change and the reasons that were written down for it."""
    import msgspec

    target = find_target(context, context.question.mention)
    if target is None:
        return not_found(context, context.question.mention)
    found = answer_about(context, target)
    change = next((c for c in found.changes if c.effect not in COSMETIC), None)
    if change is None:
        return found
    sentences = [found.text]
    body = next((r for r in change.why if r.text != (change.pull_request.title if change.pull_request else "")), None)
    if body:
        sentences.append(context.state(f"The reason given: “{inline(body.text, _QUOTED)}”.", body.citation))
        links = list(dict.fromkeys(_LINK.findall(body.text)))[:3]
        if links:
            sentences.append(f"It links {' and '.join(inline(u, 200) for u in links)}.")
    else:
        context.missing.append("the commit message gives no reason beyond its title")
        title = change.pull_request.title if change.pull_request and change.pull_request.title else change.title
        if title:
            sentences.append(f"No reason is given beyond its title, “{inline(title)}”.")
    sentences += _reverts(context, change.change.id)
    return msgspec.structs.replace(
        found,
        text=" ".join(sentences),
        facts=tuple(context.facts),
        citations=context.citations.all(),
        missing=tuple(dict.fromkeys(context.missing)),
        confidence=found.confidence if change.why else round(found.confidence * 0.6, 4),
    )


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
