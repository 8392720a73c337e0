"""A digest as requests to the gateway: a message with its replies and pictures on Slack, or a mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec

from agent.digest.model import Chart, Digest
from api.charts import pngs
from api.digest_html import digest_html
from api.digest_settings import Due, Planned
from api.digest_slack import digest_fallback, digest_messages
from api.digest_text import digest_text
from api.digest_words import days, title, told
from api.gateway import ActionRequest, Gateway, Outcome, Yes
from graph.clock import rfc3339

THREAD = "THREAD"
"""Stands in a request for the ts of the first message, which is known when that was sent."""


def digest_key(planned: Planned, due: Due) -> str:
    """The name of one digest, the same for ever."""
    return f"digest:{planned.name}:{rfc3339(due.window.until)}"


def digest_requests(planned: Planned, due: Due, digest: Digest, note: str = "") -> tuple[ActionRequest, ...]:
    """What is to be sent, the message first; replies carry `THREAD` instead of their thread."""
    key = digest_key(planned, due)
    base = ActionRequest(
        action="mail.message" if planned.is_mail else "slack.message",
        target=planned.to,
        key=key,
        payload={},
        reason=f"{digest.period} digest of {days(digest)}",
        requested_by=f"schedule:{planned.name}",
    )
    pictures = pngs(_charts(digest))
    if planned.is_mail:
        return (_mail(base, digest, pictures, note),)
    first, *replies = digest_messages(digest, note)
    found = [replace(base, payload={"text": digest_fallback(digest), "blocks": _json(first)})]
    found += [
        replace(
            base,
            key=f"{key}:{number}",
            payload={"text": f"{title(digest)}: more", "blocks": _json(blocks), "thread_ts": THREAD},
        )
        for number, blocks in enumerate(replies, 2)
    ]
    found += [
        replace(
            base,
            action="slack.file",
            key=f"{key}:{chart.id}",
            payload={"title": chart.title, "text": "", "alt_text": chart.alt, "thread_ts": THREAD},
            files={f"{chart.id}.png": pictures[chart.id]},
        )
        for chart in _charts(digest)
        if chart.id in pictures
    ]
    return tuple(found)


def send(gateway: Gateway, requests: Sequence[ActionRequest], yes: Yes | None = None) -> tuple[Outcome, ...]:
    """Send them in order. What belongs into a thread is sent when the first message is there; its failure does not undo that.

    Raises:
        OutwardUnavailable: it may work later; what was sent is not sent again then.
    """
    outcomes: list[Outcome] = []
    thread = ""
    for request in requests:
        if request.payload.get("thread_ts") == THREAD:
            if not thread:
                continue
            request = replace(request, payload={**request.payload, "thread_ts": thread})
        outcome = gateway.execute(request, yes)
        if not outcomes and outcome.status in ("done", "already") and request.action == "slack.message":
            thread = outcome.id
        outcomes.append(outcome)
    return tuple(outcomes)


def _mail(base: ActionRequest, digest: Digest, pictures: Mapping[str, bytes], note: str) -> ActionRequest:
    files = {f"{name}.png": content for name, content in sorted(pictures.items())}
    html = digest_html(digest, {name: f"cid:{name}.png" for name in pictures}, note=note)
    text = digest_text(digest)
    if note:
        text = f"{note}\n\n{text}"
    payload = {"subject": f"{title(digest)}, {days(digest)}", "text": text, "html": html}
    return replace(base, payload=payload, files=files)


def _charts(digest: Digest) -> tuple[Chart, ...]:
    return tuple(c for s in told(digest) for c in s.charts)


def _json(blocks: Sequence[object]) -> str:
    return msgspec.json.encode(blocks).decode()
