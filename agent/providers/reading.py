"""Reading a provider's HTTP answer within a time and a size, and what its failures mean. Shared by the SDKs that speak HTTP."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from typing import TypeVar

import httpx2
import msgspec

from agent.llm import ModelError, ModelMisconfigured, ModelUnavailable

MAX_BODY_BYTES = 4_000_000
"""An answer of some thousand tokens has some ten thousand bytes."""
_TRANSIENT = frozenset({408, 409, 425, 429})

B = TypeVar("B", bound=msgspec.Struct)


def body_of(name: str, chunks: Iterable[bytes], ends_at: float) -> bytes:
    """The whole body.

    Args:
        name: the model's, for messages.
        chunks: the body as it arrives.
        ends_at: when to give up, by `time.monotonic`: a server that sends a byte now and then holds up nobody.

    Raises:
        ModelUnavailable: it took too long, or the connection broke.
        ModelMisconfigured: it is too long to be a model's answer.
    """
    body = bytearray()
    try:
        for chunk in chunks:
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise ModelMisconfigured(
                    f"{name} answered with more than {MAX_BODY_BYTES:,} bytes",
                    "check model.base_url: this is no answer of a model",
                )
            if time.monotonic() > ends_at:
                raise timed_out(name)
    # The SDKs translate what happens until the headers are there, and leave the body to us.
    except httpx2.TimeoutException:
        raise timed_out(name) from None
    except httpx2.HTTPError:
        raise broken_off(name) from None
    return bytes(body)


def read_json(name: str, body: bytes, shape: type[B]) -> B:
    """The body as what the provider's API documents.

    Raises:
        ModelUnavailable: it is JSON that breaks off.
        ModelMisconfigured: it is anything else, as a page of a proxy or of a login.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.ValidationError, RecursionError):
        pass
    except (msgspec.DecodeError, UnicodeDecodeError):
        if body.lstrip().startswith((b"{", b"[")) or not body.strip():
            raise broken_off(name) from None
    raise ModelMisconfigured(
        f"what answered for {name} does not speak its API",
        "check model.base_url: it must be the address of the API, often ending in /v1",
    ) from None


def timed_out(name: str) -> ModelUnavailable:
    """No answer in time."""
    return ModelUnavailable(
        f"{name} did not answer in time", "raise model.timeout_s, or use a faster model", billed=True
    )


def broken_off(name: str) -> ModelUnavailable:
    """An answer that began and did not end."""
    return ModelUnavailable(f"the answer of {name} broke off", "ask again; check the network", billed=True)


def unreachable(name: str) -> ModelUnavailable:
    """No connection, or one that broke."""
    return ModelUnavailable(f"{name} cannot be reached", "check model.base_url, the network and the proxy settings")


def failure(name: str, status: int, headers: Mapping[str, str]) -> ModelError:
    """What an HTTP status other than success means for the caller. Nothing of the body is quoted: it may hold anything."""
    if status in _TRANSIENT or status >= 500:
        why = "has no room for us just now" if status == 429 else "has a fault"
        return ModelUnavailable(
            f"{name} {why} (HTTP {status})",
            "ask again later; the provider's limits may be too low" if status == 429 else "ask again later",
            retry_after_s=retry_after_s(headers),
        )
    if status in (401, 403):
        return ModelMisconfigured(
            f"{name} refuses the key (HTTP {status})", "check model.api_key, and that it may use this model"
        )
    if status == 402:
        return ModelMisconfigured(
            f"the account of {name} has no credit left (HTTP 402)", "see the provider's billing page"
        )
    if status == 404:
        return ModelMisconfigured(f"{name} is not there (HTTP 404)", "check model.model and model.base_url")
    if 300 <= status < 400:
        return ModelMisconfigured(
            f"{name} is somewhere else (HTTP {status}); redirections are not followed, lest a key follow them",
            "set model.base_url to the address itself",
        )
    if status == 413:
        return ModelMisconfigured(f"the question is too long for {name} (HTTP 413)", "lower model.max_input_chars")
    return ModelMisconfigured(
        f"{name} refuses the question (HTTP {status})",
        "check model.model and model.base_url; a question too long for the model is refused like this too: lower model.max_input_chars",
    )


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The seconds of `Retry-After`, or of its finer `retry-after-ms`; None when there are none, also for a date.

    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit_s
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    return None
