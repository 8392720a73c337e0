"""Socket Mode: Slack's events over a websocket that this process opens (https://docs.slack.dev/apis/events-api/using-socket-mode).

Each request is written down, then acknowledged, then worked off. The client comes back by itself when the socket drops.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol, cast

from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web import WebClient

from api.slack_bot.bot import Bot
from api.slack_bot.payloads import Command, Envelope, Interaction, read

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOG = logging.getLogger("lore.slack")
PING_S = 5.0


class _Request(Protocol):
    type: str
    envelope_id: str
    payload: object


class _Client(Protocol):
    socket_mode_request_listeners: list[object]

    def connect(self) -> None: ...

    def close(self) -> None: ...

    def is_connected(self) -> bool: ...

    def send_socket_mode_response(self, response: object) -> None: ...


class Socket:
    """The connection. `open` returns once it stands; a drop is mended within about `ping_s`."""

    def __init__(self, bot: Bot, *, ping_s: float = PING_S) -> None:
        settings = bot.settings
        # The SDK writes what comes in into its log; it may hold what not everybody may read.
        log = logging.Logger("infralore.slack.socket", level=logging.CRITICAL + 1)
        url = settings.base_url if settings.base_url.endswith("/") else settings.base_url + "/"
        web = WebClient(base_url=url, timeout=settings.timeout_s, logger=log)
        made = SocketModeClient(settings.app_token, logger=log, web_client=web, ping_interval=ping_s, concurrency=4)
        self._bot = bot
        self._client = cast("_Client", made)
        self._client.socket_mode_request_listeners.append(self._received)

    def open(self) -> None:
        """Connect. Raises what slack_sdk raises when the app token is not taken."""
        self._client.connect()

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    @property
    def connected(self) -> bool:
        """Whether the socket stands."""
        return self._client.is_connected()

    def _received(self, client: object, request: _Request) -> None:
        """Take a request and acknowledge it. What cannot be read is acknowledged too: it would only come again."""
        del client
        answer: Mapping[str, object] | None = None
        try:
            answer = self._taken(request.type, request.payload)
        except Exception as error:  # not acknowledged, so that Slack sends it again
            _LOG.exception("a request from Slack could not be taken: %s", type(error).__name__)
            return
        self._client.send_socket_mode_response(
            SocketModeResponse(envelope_id=request.envelope_id, payload=dict(answer) if answer else None)
        )

    def _taken(self, sort: str, payload: object) -> Mapping[str, object] | None:
        if sort == "events_api" and (envelope := read(payload, Envelope)) is not None:
            self._bot.event(envelope)
        elif sort == "slash_commands" and (command := read(payload, Command)) is not None:
            return {"text": self._bot.command(command), "response_type": "ephemeral"}
        elif sort == "interactive" and (given := read(payload, Interaction)) is not None:
            self._bot.interaction(given)
        return None
