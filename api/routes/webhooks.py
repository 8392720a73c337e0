"""`POST /webhooks/<sender>`: verified, kept on disk, acknowledged; the work is done afterwards."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.inbox import Accepted, Inbox
from api.signatures import SENDERS, Forged, Malformed, Sender
from api.signatures import Request as Webhook
from graph.clock import Instant
from ingest.webhook import Delivery

_LOG = logging.getLogger("lore.webhooks")
MOST_BYTES = 26 * 2**20
"""The largest body; GitHub's cap is 25 MB."""
_KEPT_HEADERS = (
    "content-type",
    "ce-id",
    "ce-type",
    "ce-source",
    "ce-time",
    "ce-subject",
    "ce-specversion",
    "user-agent",
)


class TooLarge(Exception):
    """The body is over `MOST_BYTES`."""


async def read_body(request: Request) -> bytes:
    """The raw body, as far as it may go."""
    told = request.headers.get("content-length", "")
    if told.isascii() and told.isdigit() and int(told[:20]) > MOST_BYTES:
        raise TooLarge
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > MOST_BYTES:
            raise TooLarge
    return bytes(found)


def webhooks(
    inbox: Inbox, settings: Mapping[str, Mapping[str, object]], now: Callable[[], Instant], wake: Callable[[], None]
) -> APIRouter:
    """The endpoint. `wake` is called when something new waits in the inbox."""
    router = APIRouter()

    @router.post("/webhooks/{sender}")
    def receive(sender: str, request: Request, body: Annotated[bytes, Depends(read_body)]) -> Response:
        known = SENDERS.get(sender)
        if known is None or sender not in settings:
            return _say(
                404, f"no webhooks are configured for {sender[:40]!r}" if sender.isascii() else "no such sender"
            )
        if not body:
            return _say(400, "the body is empty")
        hook = Webhook(_headers(request), body, now())
        try:
            known.verify(hook, settings[sender])
        except Forged as error:
            return _say(401, str(error))
        except Malformed as error:
            return _say(400, str(error))
        try:
            return _accept(known, hook)
        except Malformed as error:
            return _say(400, str(error))

    def _accept(known: Sender, hook: Webhook) -> Response:
        payload = _payload(hook.body)
        if known.name == "slack" and payload.get("type") == "url_verification":
            return _say(200, "", challenge=str(payload.get("challenge", ""))[:500])
        if known.name == "cloudwatch" and payload.get("Type") == "SubscriptionConfirmation":
            # Visiting an address that a request brought is for a person to decide.
            _LOG.warning(
                "SNS asks to confirm a subscription of %s: visit %s",
                payload.get("TopicArn"),
                payload.get("SubscribeURL"),
            )
        kept = {name: value for name, value in hook.headers.items() if name in _KEPT_HEADERS}
        delivery = Delivery(known.delivery_id(hook), known.event(hook), hook.body, hook.received_at, kept)
        match inbox.put(known.name, delivery):
            case Accepted.conflict:
                return _say(409, "this delivery id came with another body")
            case Accepted.known:
                return _say(200, "known")
            case Accepted.new:
                wake()
                return _say(202, "accepted")

    del receive  # the router keeps it
    return router


def _payload(body: bytes) -> Mapping[str, object]:
    """The body when it is a JSON object, nothing when it is another JSON value. Raises `Malformed`."""
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("the body is not JSON") from None
    return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _headers(request: Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def _say(status: int, detail: str, **more: str) -> Response:
    content = {**({"detail": detail} if detail else {}), **more}
    return Response(json.dumps(content), status_code=status, media_type="application/json")
