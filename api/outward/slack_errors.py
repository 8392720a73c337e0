"""What Slack's errors mean, and what to do about them (https://docs.slack.dev/apis/web-api#responses)."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from typing import cast

from slack_sdk.errors import SlackApiError, SlackClientError

from agent.evidence import inline
from api.errors import OutwardRefused, OutwardUnavailable

_LATER = frozenset(
    {
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
        "ratelimited",
        "rate_limited",
    }
)
_TOKEN = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "token_revoked",
        "token_expired",
        "account_inactive",
        "no_permission",
        "not_allowed_token_type",
    }
)
_REMEDIES = {
    "channel_not_found": "check the channel's name or id; a private channel is seen by its members alone: /invite the bot",
    "not_in_channel": "/invite the bot into the channel, or give it chat:write.public",
    "is_archived": "name a channel that is not archived",
    "restricted_action": "an admin restricted who posts there: allow the bot",
    "message_not_found": "it was deleted, or is of another channel",
    "cant_update_message": "only the bot that wrote it can edit it",
    "edit_window_closed": "the workspace allows no edits so late",
    "thread_not_found": "the message that is answered was deleted",
    "msg_too_long": "shorten it",
    "msg_blocks_too_long": "shorten it",
    "invalid_blocks": "a block is not as Slack wants it",
    "user_not_found": "check the user's id",
}


@contextmanager
def asking(target: str) -> Generator[None]:
    """Turn what Slack and the network say into what can be done about it."""
    try:
        yield
    except SlackApiError as error:
        raise _meaning(error, inline(target, 120)) from None
    except SlackClientError as error:
        raise OutwardUnavailable(
            f"Slack did not take it ({inline(str(error).split('(')[0], 80)})",
            "try again; what was written will be found",
        ) from None
    except TimeoutError:
        raise OutwardUnavailable("Slack did not answer in time", "try again; what was written will be found") from None
    except (OSError, HTTPException, ValueError):
        # ValueError: an answer that is no JSON, of a proxy in between
        raise OutwardUnavailable(
            "Slack cannot be reached", "check the network and `outward.slack.base_url`, then try again"
        ) from None


def code_of(error: SlackApiError) -> str:
    """Slack's own name of an error."""
    return str(_body(error).get("error") or "")


def _response(error: SlackApiError) -> object:
    return cast("object", error.response)  # pyright: ignore[reportUnknownMemberType]


def _body(error: SlackApiError) -> Mapping[str, object]:
    response = _response(error)
    data: object = getattr(response, "data", response)
    return cast("Mapping[str, object]", data) if isinstance(data, Mapping) else {}


def _meaning(error: SlackApiError, target: str) -> OutwardUnavailable | OutwardRefused:
    code = code_of(error)
    status = int(getattr(_response(error), "status_code", 200) or 200)
    if status == 429 or code in ("ratelimited", "rate_limited"):
        headers = cast("Mapping[str, object]", getattr(_response(error), "headers", {}))
        told = str(next((v for k, v in headers.items() if k.lower() == "retry-after"), ""))
        wait = float(told) if told.isdigit() else 30.0
        return OutwardUnavailable("Slack's rate limit is reached", f"try again in {round(wait)} s", wait)
    if status >= 500 or code in _LATER or " " in code:  # a blank: no code of Slack, but what a proxy answered
        return OutwardUnavailable(
            f"Slack answers with an error ({code or status})", "try again later; what was written will be found"
        )
    if code in _TOKEN:
        return OutwardRefused(
            f"Slack refuses the token ({code})",
            "`outward.slack.token` is wrong or revoked: install the app anew and copy the bot token",
        )
    if code == "missing_scope":
        need = inline(str(_body(error).get("needed") or "another scope"), 80)
        return OutwardRefused(f"Slack's token lacks a scope: {need}", "add it to the app, and install the app anew")
    remedy = _REMEDIES.get(code, "https://docs.slack.dev/reference/methods says what it means")
    return OutwardRefused(f"Slack does not take it for {target} ({inline(code or str(status), 60)})", remedy)
