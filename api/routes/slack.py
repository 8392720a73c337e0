"""`POST /slack/events`, `/slack/commands` and `/slack/interactions`: the bot by HTTP, for those who do not use Socket Mode.

Signed by Slack (https://docs.slack.dev/authentication/verifying-requests-from-slack), written down, acknowledged; the work is done afterwards.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from api.routes.webhooks import read_body
from api.signatures import SENDERS, Forged
from api.signatures import Request as Signed
from api.wiring import wall_clock
from graph.clock import Instant

if TYPE_CHECKING:
    from api.slack_bot.bot import Bot
    from api.wiring import Engine

_LOG = logging.getLogger("lore.slack")


def slack(engine: Engine, *, now: Callable[[], Instant] = wall_clock) -> APIRouter | None:
    """The endpoints; None when the settings have no signing secret.

    Raises:
        SettingsError: there is one, and the rest of `slack:` or `outward.slack:` is not complete.
    """
    secret = engine.settings.slack.get("signing_secret")
    if not isinstance(secret, str) or not secret:
        return None
    from api.slack_bot.settings import read_settings

    read_settings(engine.settings)
    bot = _When(engine)
    router = APIRouter()

    def refused(request: Request, body: bytes) -> Response | None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            SENDERS["slack"].verify(Signed(headers, body, now()), {"secret": secret})
        except Forged as error:
            return _say(401, str(error))
        return None

    @router.post("/slack/events")
    def events(request: Request, body: Annotated[bytes, Depends(read_body)]) -> Response:
        from api.slack_bot.directory import Unknown
        from api.slack_bot.payloads import Envelope, read_json

        if answer := refused(request, body):
            return answer
        envelope = read_json(body, Envelope)
        if envelope is None:
            return _say(400, "this is no event of Slack")
        if envelope.type == "url_verification":
            return JSONResponse({"challenge": envelope.challenge[:500]})
        # A retry (X-Slack-Retry-Num) has the event id of the first: it is known again, whichever process had that.
        try:
            bot.get().event(envelope)
        except Unknown as error:
            _LOG.warning("an event was not taken, Slack sends it again: Slack does not tell who the bot is (%s)", error)
            return _say(503, "not now")
        return Response(status_code=200)

    @router.post("/slack/commands")
    def commands(request: Request, body: Annotated[bytes, Depends(read_body)]) -> Response:
        from api.slack_bot.payloads import Command, read

        if answer := refused(request, body):
            return answer
        command = read(_form(body), Command)
        if command is None or not command.command:
            return _say(400, "this is no slash command of Slack")
        return JSONResponse({"response_type": "ephemeral", "text": bot.get().command(command)})

    @router.post("/slack/interactions")
    def interactions(request: Request, body: Annotated[bytes, Depends(read_body)]) -> Response:
        from api.slack_bot.payloads import Interaction, read_json

        if answer := refused(request, body):
            return answer
        given = read_json(_form(body).get("payload", ""), Interaction)
        if given is None:
            return _say(400, "this is no interaction of Slack")
        bot.get().interaction(given)
        return Response(status_code=200)

    del events, commands, interactions  # the router keeps them
    return router


class _When:
    """The bot, made when the first request that is Slack's comes in: a server that is only started does not ask Slack anything."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._bot: Bot | None = None
        self._lock = Lock()

    def get(self) -> Bot:
        with self._lock:
            if self._bot is None:
                from api.slack_bot.bot import Bot
                from api.slack_bot.directory import Unknown

                bot = Bot(self._engine)
                try:
                    bot.start()
                except Unknown as error:
                    _LOG.warning("Slack does not take the token: %s", error)
                self._bot = bot
            return self._bot


def _form(body: bytes) -> dict[str, str]:
    """The first value of each field of a form; empty for what is no form."""
    try:
        found = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=50)
    except (UnicodeDecodeError, ValueError):
        return {}
    return {name: values[0] for name, values in found.items()}


def _say(status: int, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status_code=status)
