"""What GitHub's refusals mean, and what to do about them (https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api)."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import cast

import requests
from github import GithubException

from agent.evidence import inline
from api.errors import OutwardRefused, OutwardUnavailable
from ingest.redact import redact_text

_PERMISSIONS = "give it `Contents: write`, `Pull requests: write` and `Issues: write` for this repository (a classic token: the scope `repo`)"


@contextmanager
def asking(target: str) -> Generator[None]:
    """Turn what GitHub and the network say into what can be done about it."""
    try:
        yield
    except GithubException as error:
        raise _meaning(error, target) from None
    except requests.exceptions.Timeout:
        raise OutwardUnavailable("GitHub did not answer in time", "try again; what was written will be found") from None
    except requests.exceptions.RequestException:
        raise OutwardUnavailable(
            "GitHub cannot be reached", "check the network and `outward.github.base_url`, then try again"
        ) from None


def is_missing(error: GithubException) -> bool:
    """Whether it says that there is no such thing."""
    return error.status == 404


def said(error: GithubException) -> str:
    """GitHub's own words, on one line and without secrets."""
    data: object = error.data
    if not isinstance(data, Mapping):
        return inline(redact_text(str(data or "")), 200)
    body = cast("Mapping[str, object]", data)
    parts = [str(body.get("message") or "")]
    errors = body.get("errors")
    for one in cast("list[object]", errors) if isinstance(errors, list) else []:
        told = cast("Mapping[str, object]", one).get("message") if isinstance(one, Mapping) else one
        parts.append(str(told or ""))
    return inline(redact_text("; ".join(p for p in parts if p)), 200)


def _meaning(error: GithubException, target: str) -> OutwardUnavailable | OutwardRefused:
    status, told, where = error.status, said(error), inline(target, 120)
    headers = {k.lower(): str(v) for k, v in (error.headers or {}).items()}
    if status in (403, 429) and (wait := _wait(headers, told, status)) is not None:
        return OutwardUnavailable("GitHub's rate limit is reached", f"try again in {round(wait)} s", wait)
    if status == 401:
        return OutwardRefused(
            "GitHub refuses the token", "`outward.github.token` is wrong, expired or revoked: make a new one"
        )
    if status == 403:
        return OutwardRefused(f"GitHub's token may not do this in {where} ({told})", _PERMISSIONS)
    if status == 404:
        return OutwardRefused(
            f"GitHub knows no {where}, or the token does not see it",
            f"check the name; a token sees it when you {_PERMISSIONS}",
        )
    if status == 409:
        return OutwardRefused(
            f"GitHub cannot do this in {where} as it is ({told})", "an empty repository needs a first commit"
        )
    if status in (410, 422, 451):
        return OutwardRefused(
            f"GitHub does not take it: {told}", "change what is to be written, or allow it in the repository's rules"
        )
    if status >= 500:
        return OutwardUnavailable(
            f"GitHub answers with an error ({status})", "try again later; what was written will be found"
        )
    return OutwardRefused(
        f"GitHub answers {status}: {told}",
        "check `outward.github.base_url`: for a server of your own it ends in /api/v3",
    )


def _wait(headers: Mapping[str, str], told: str, status: int) -> float | None:
    """Seconds to wait when it is a rate limit; None when it is something else."""
    if (after := headers.get("retry-after", "")).isdigit():
        return float(after)
    if headers.get("x-ratelimit-remaining") == "0":
        reset = headers.get("x-ratelimit-reset", "")
        return max(1.0, float(reset) - time.time()) if reset.isdigit() else 60.0
    return 60.0 if status == 429 or "rate limit" in told.lower() else None
