"""Is a webhook from who it says it is: signatures over the raw body, compared in constant time, with a window where the sender has one.

Formats: https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries,
https://docs.gitlab.com/user/project/integrations/webhooks/, https://docs.slack.dev/authentication/verifying-requests-from-slack,
https://developer.pagerduty.com/docs/verifying-webhook-signatures,
https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/,
https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html, https://www.standardwebhooks.com/
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from graph.clock import SECOND, Instant

WINDOW_S = 300
"""How old or how far ahead a signed timestamp may be, in seconds."""

_MESSAGE_FIELDS = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_CERTIFICATE_URL = re.compile(
    r"https://sns\.[a-z0-9-]{3,30}\.amazonaws\.com(?:\.cn)?/SimpleNotificationService-[A-Za-z0-9]+\.pem"
)


class Forged(Exception):
    """The request does not prove who sent it. `str` is a sentence without anything secret."""


class Malformed(Exception):
    """The request is signed, or needs no signature to be refused: its body or headers are not what the sender sends."""


@dataclass(frozen=True, slots=True)
class Request:
    """A webhook as it came in. `headers`: names in lower case, values as sent (Latin-1)."""

    headers: Mapping[str, str]
    body: bytes
    received_at: Instant

    def header(self, name: str) -> bytes:
        """A header's bytes; empty when it is missing."""
        return self.headers.get(name, "").encode("latin-1", "replace")


@dataclass(frozen=True, slots=True)
class Sender:
    """How one sender signs, and names its deliveries and events."""

    name: str
    verify: Callable[[Request, Mapping[str, object]], None]
    delivery_id: Callable[[Request], str]
    event: Callable[[Request], str]
    source: str


def _secret(settings: Mapping[str, object], name: str = "secret") -> bytes:
    value = settings.get(name)
    if not isinstance(value, str) or not value:
        raise Forged("this sender has no secret configured, so nothing from it can be trusted")
    return value.encode()


def _same(given: bytes, expected: bytes) -> bool:
    return hmac.compare_digest(given, expected)


def _hmac(secret: bytes, *parts: bytes) -> bytes:
    return hmac.new(secret, b"".join(parts), hashlib.sha256).hexdigest().encode()


def _in_window(stamp: bytes, now: Instant) -> None:
    """Raises `Forged` for a timestamp (Unix seconds, ASCII digits only) outside the window."""
    if not (stamp.isdigit() and len(stamp) <= 12):
        raise Forged("the timestamp is not a number of seconds")
    if abs(int(stamp) - now // SECOND) > WINDOW_S:
        raise Forged("the timestamp is too old or ahead; the request may be a replay")


def _github(request: Request, settings: Mapping[str, object]) -> None:
    expected = b"sha256=" + _hmac(_secret(settings), request.body)
    if not _same(request.header("x-hub-signature-256"), expected):
        raise Forged("the signature does not fit the body")


def _gitlab(request: Request, settings: Mapping[str, object]) -> None:
    if request.header("webhook-signature"):
        _standard(request, settings)
    elif not _same(request.header("x-gitlab-token"), _secret(settings)):
        raise Forged("the token is not the one configured")


def _standard(request: Request, settings: Mapping[str, object]) -> None:
    secret = _secret(settings)
    if secret.startswith(b"whsec_"):
        try:
            secret = base64.b64decode(secret.removeprefix(b"whsec_"), validate=True)
        except binascii.Error:
            raise Forged("the secret configured for this sender is not base64 after whsec_") from None
    stamp = request.header("webhook-timestamp")
    _in_window(stamp, request.received_at)
    signed = b".".join((request.header("webhook-id"), stamp, request.body))
    expected = b"v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest())
    if not _any(request.header("webhook-signature").split(b" "), expected):
        raise Forged("the signature does not fit the body")


def _any(given: list[bytes], expected: bytes) -> bool:
    # All are compared, whichever fits: how long it takes tells nothing.
    return sum([_same(one.strip(), expected) for one in given[:10]]) > 0


def _slack(request: Request, settings: Mapping[str, object]) -> None:
    stamp = request.header("x-slack-request-timestamp")
    _in_window(stamp, request.received_at)
    expected = b"v0=" + _hmac(_secret(settings), b"v0:", stamp, b":", request.body)
    if not _same(request.header("x-slack-signature"), expected):
        raise Forged("the signature does not fit the body")


def _pagerduty(request: Request, settings: Mapping[str, object]) -> None:
    expected = b"v1=" + _hmac(_secret(settings), request.body)
    if not _any(request.header("x-pagerduty-signature").split(b","), expected):
        raise Forged("the signature does not fit the body")


def _authorized(request: Request, settings: Mapping[str, object]) -> None:
    """A bearer token, or the password of basic authentication, that is the secret."""
    secret = _secret(settings)
    scheme, _, credentials = request.header("authorization").partition(b" ")
    given = credentials.strip()
    if scheme.lower() == b"basic":
        try:
            given = base64.b64decode(given, validate=True).partition(b":")[2]
        except binascii.Error:
            given = b""
    if scheme.lower() not in (b"bearer", b"basic") or not _same(given, secret):
        raise Forged("the Authorization header is missing or does not hold the secret")


def _grafana(request: Request, settings: Mapping[str, object]) -> None:
    signature = request.header("x-grafana-alerting-signature")
    if not signature:
        _authorized(request, settings)
        return
    stamp = request.header("x-grafana-alerting-signature-timestamp")
    if stamp:
        _in_window(stamp, request.received_at)
    signed = (stamp, b":", request.body) if stamp else (request.body,)
    if not _same(signature, _hmac(_secret(settings), *signed)):
        raise Forged("the signature does not fit the body")


def _deployments(request: Request, settings: Mapping[str, object]) -> None:
    signature = request.header("x-lore-signature")
    if not signature:
        _authorized(request, settings)
        return
    stamp = request.header("x-lore-timestamp")
    _in_window(stamp, request.received_at)
    if not _same(signature, b"sha256=" + _hmac(_secret(settings), stamp, b".", request.body)):
        raise Forged("the signature does not fit the body")


def _cloudwatch(request: Request, settings: Mapping[str, object]) -> None:
    """SNS: the secret as basic authentication in the endpoint's URL, or the message's own signature for a topic that is listed."""
    if request.header("authorization") or not settings.get("topics"):
        _authorized(request, settings)
        return
    message = json_object(request.body)
    topics = settings["topics"]
    if not isinstance(topics, list) or message.get("TopicArn") not in topics:
        raise Forged("the message is of a topic that is not listed")
    verify_sns(message, cast("Callable[[str], bytes] | None", settings.get("fetch_certificate")) or _fetch_certificate)


def verify_sns(message: Mapping[str, object], fetch: Callable[[str], bytes]) -> None:
    """Check the signature of an SNS message with the certificate that `fetch` brings. Raises `Forged`."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    url = message.get("SigningCertURL")
    if not isinstance(url, str) or _CERTIFICATE_URL.fullmatch(url) is None:
        raise Forged("the message's certificate is not one of SNS")
    fields = _MESSAGE_FIELDS.get(str(message.get("Type")), ())
    signed = "".join(f"{name}\n{message[name]}\n" for name in fields if message.get(name) is not None)
    algorithm = hashes.SHA256() if message.get("SignatureVersion") == "2" else hashes.SHA1()
    try:
        key = x509.load_pem_x509_certificate(fetch(url)).public_key()
        signature = base64.b64decode(str(message.get("Signature")), validate=True)
        if not isinstance(key, rsa.RSAPublicKey) or not fields:
            raise Forged("the message's signature cannot be checked")
        key.verify(signature, signed.encode(), padding.PKCS1v15(), algorithm)
    except (InvalidSignature, ValueError, binascii.Error):
        raise Forged("the message's signature does not fit") from None


def _fetch_certificate(url: str) -> bytes:
    from ingest.http import HttpClient
    from ingest.source import SourceError

    try:
        with HttpClient(url, "SNS", timeout_s=5) as client:
            return client.get(url).body
    except SourceError:
        raise Forged("the certificate of the message's signature cannot be fetched") from None


def json_object(body: bytes) -> dict[str, object]:
    """The body as a JSON object.

    Raises:
        Malformed: it is something else.
    """
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("the body is not JSON") from None
    if not isinstance(found, dict):
        raise Malformed("the body is not a JSON object")
    return cast("dict[str, object]", found)


def digest(body: bytes) -> str:
    """What names a delivery that has no id of its own."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def _header_id(*names: str) -> Callable[[Request], str]:
    def read(request: Request) -> str:
        for name in names:
            if given := request.headers.get(name, "").strip():
                if not (given.isascii() and given.isprintable() and len(given) <= 200):
                    raise Malformed(f"the header {name} is not an id")
                return given
        return digest(request.body)

    return read


def _body_id(*path: str) -> Callable[[Request], str]:
    def read(request: Request) -> str:
        inside: Mapping[str, object] = json_object(request.body)
        for key in path[:-1]:
            deeper = inside.get(key)
            inside = cast("dict[str, object]", deeper) if isinstance(deeper, dict) else {}
        found = inside.get(path[-1])
        return found if isinstance(found, str) and 0 < len(found) <= 200 else digest(request.body)

    return read


def _header_event(name: str) -> Callable[[Request], str]:
    return lambda request: request.headers.get(name, "")[:100]


def _cdevents(request: Request) -> str:
    return request.headers.get("ce-type", "")[:100]


SENDERS: Mapping[str, Sender] = {
    sender.name: sender
    for sender in (
        Sender("github", _github, _header_id("x-github-delivery"), _header_event("x-github-event"), "github"),
        Sender(
            "gitlab", _gitlab, _header_id("idempotency-key", "webhook-id"), _header_event("x-gitlab-event"), "gitlab"
        ),
        Sender("slack", _slack, _body_id("event_id"), lambda _: "", "slack"),
        Sender("alertmanager", _authorized, lambda r: digest(r.body), lambda _: "alertmanager", "alerts"),
        Sender("pagerduty", _pagerduty, _body_id("event", "id"), lambda _: "pagerduty", "alerts"),
        Sender("grafana", _grafana, lambda r: digest(r.body), lambda _: "grafana", "alerts"),
        Sender("opsgenie", _authorized, lambda r: digest(r.body), lambda _: "opsgenie", "alerts"),
        Sender("cloudwatch", _cloudwatch, _body_id("MessageId"), lambda _: "cloudwatch", "alerts"),
        Sender("generic", _authorized, lambda r: digest(r.body), lambda _: "generic", "alerts"),
        Sender("deployments", _deployments, _header_id("x-lore-delivery", "ce-id"), _cdevents, "deployments"),
    )
}
"""Who may send webhooks: the last part of `/webhooks/<name>`."""
