"""An AWS on the loopback that remembers who called what: moto behind a small WSGI application that records calls as CloudTrail does.

moto has no `LookupEvents`; this answers it from what it recorded. The access key that a request is signed with tells the user. Signatures are
not checked: it is a test double of a trail, not of an identity provider.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from types import TracebackType
from typing import cast
from urllib.parse import parse_qsl
from xml.etree import ElementTree

from moto.moto_server.werkzeug_app import (  # pyright: ignore[reportMissingTypeStubs]
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

ACCOUNT = "123456789012"
"""The account that moto plays."""
PAGE = 50

_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
_READ = re.compile(r"(?:Describe|Get|List|Head|Lookup)")
_LISTS = ("member", "item")

Environ = dict[str, object]
StartResponse = Callable[..., object]
Json = dict[str, object]


class _Quiet(MotoRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Says nothing."""


@dataclass
class Recorded:
    """One call, as a CloudTrail record."""

    record: Json
    at: datetime


@dataclass
class CloudRecorder:
    """The server. Use it as a context manager.

    Attributes:
        users: access key id -> name of the IAM user that signs with it.
        calls: what was recorded, oldest first.
    """

    users: Mapping[str, str]
    calls: list[Recorded] = field(default_factory=list[Recorded])

    def __enter__(self) -> CloudRecorder:
        self._lock = threading.Lock()
        self._moto = cast(
            "Callable[[Environ, StartResponse], Iterable[bytes]]", DomainDispatcherApplication(create_backend_app)
        )
        self._server: BaseWSGIServer = make_server(
            "127.0.0.1", 0, self._application, threaded=True, request_handler=_Quiet
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join(timeout=10)
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        """What clients take for AWS."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def writes(self) -> list[Json]:
        """The records of calls that write."""
        with self._lock:
            return [call.record for call in self.calls if not call.record["readOnly"]]

    # -- one request

    def _application(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        body = _body(environ)
        target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
        if target.endswith(".LookupEvents"):
            answer = json.dumps(self._lookup(cast("Json", json.loads(body)))).encode()
            start_response(
                "200 OK", [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(answer)))]
            )
            return [answer]
        status: list[str] = []

        def started(line: str, headers: list[tuple[str, str]], *rest: object) -> object:
            status.append(line)
            return start_response(line, headers, *rest)

        answer = b"".join(self._moto(environ, started))
        self._record(environ, body, target, int(status[0].split()[0]) if status else 500, answer)
        return [answer]

    def _record(self, environ: Environ, body: bytes, target: str, status: int, answer: bytes) -> None:
        signed = _CREDENTIAL.search(str(environ.get("HTTP_AUTHORIZATION", "")))
        if signed is None:
            return
        key, region, service = signed[1], signed[2], signed[3]
        called = _called(target, body, service, environ)
        if called is None:
            return
        name, parameters = called
        now = datetime.now(UTC)
        user = self.users.get(key)
        read = _READ.match(name) is not None
        record: Json = {
            "eventVersion": "1.09",
            "userIdentity": {
                "type": "IAMUser",
                "principalId": "AIDA" + key[-8:],
                "arn": f"arn:aws:iam::{ACCOUNT}:user/{user or 'unknown'}",
                "accountId": ACCOUNT,
                "accessKeyId": key,
                "userName": user or "unknown",
            },
            "eventTime": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "awsRegion": region,
            "sourceIPAddress": str(environ.get("REMOTE_ADDR", "")),
            "userAgent": str(environ.get("HTTP_USER_AGENT", "")),
            "requestParameters": parameters or None,
            "responseElements": None if read or status >= 400 else _answered(answer, service),
            "requestID": str(uuid.uuid4()),
            "eventID": str(uuid.uuid4()),
            "readOnly": read,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": ACCOUNT,
            "eventCategory": "Management",
        }
        if status >= 400:
            record["errorCode"] = _error_code(answer)
        with self._lock:
            self.calls.append(Recorded(record, now))

    # -- LookupEvents

    def _lookup(self, asked: Json) -> Json:
        """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html"""
        with self._lock:
            found = list(reversed(self.calls))
        start, end = asked.get("StartTime"), asked.get("EndTime")
        if isinstance(start, (int, float)):
            found = [c for c in found if c.at.timestamp() >= start]
        if isinstance(end, (int, float)):
            found = [c for c in found if int(c.at.timestamp()) <= end]
        for one in cast("list[dict[str, str]]", asked.get("LookupAttributes", [])):
            found = [c for c in found if _matches(c.record, one["AttributeKey"], one["AttributeValue"])]
        offset = int(str(asked.get("NextToken", "0")))
        page = found[offset : offset + min(int(str(asked.get("MaxResults", PAGE))), PAGE)]
        answer: Json = {"Events": [_event(c) for c in page]}
        if offset + len(page) < len(found):
            answer["NextToken"] = str(offset + len(page))
        return answer


def _event(call: Recorded) -> Json:
    record = call.record
    return {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "ReadOnly": str(record["readOnly"]).lower(),
        "EventTime": int(call.at.timestamp()),
        "EventSource": record["eventSource"],
        "Username": cast("Json", record["userIdentity"])["userName"],
        "Resources": [],
        "CloudTrailEvent": json.dumps(record),
    }


def _matches(record: Json, key: str, value: str) -> bool:
    names = {"ReadOnly": "readOnly", "EventName": "eventName", "EventSource": "eventSource", "EventId": "eventID"}
    return str(record[names[key]]).lower() == value.lower()


# -- what was asked


def _body(environ: Environ) -> bytes:
    length = str(environ.get("CONTENT_LENGTH") or "0")
    body = cast("BytesIO", environ["wsgi.input"]).read(int(length)) if length.isdigit() else b""
    environ["wsgi.input"] = BytesIO(body)
    return body


def _called(target: str, body: bytes, service: str, environ: Environ) -> tuple[str, object] | None:
    """Name and parameters of a call; None for what is not recorded: REST but for the services in `_rest`."""
    if service in ("s3", "lambda"):
        return _rest(service, body, environ)
    if target:
        return target.rpartition(".")[2], _lower_first(json.loads(body or b"{}"))
    if "x-www-form-urlencoded" not in str(environ.get("CONTENT_TYPE", "")):
        return None
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    action = form.pop("Action", "")
    form.pop("Version", None)
    return (action, _nested(form, service)) if action else None


_BUCKET_PARTS = {
    "versioning": "BucketVersioning",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "encryption": "BucketEncryption",
    "policy": "BucketPolicy",
    "tagging": "BucketTagging",
    "acl": "BucketAcl",
    "lifecycle": "BucketLifecycle",
    "logging": "BucketLogging",
}
_FUNCTION = re.compile(r"/\d{4}-\d\d-\d\d/functions(?:/([^/?]+))?(/configuration|/code|/concurrency)?/?")


def _rest(service: str, body: bytes, environ: Environ) -> tuple[str, object] | None:
    """Writes of buckets and functions, which are named by method and path; nothing of objects, which are data events."""
    method, path = str(environ["REQUEST_METHOD"]), str(environ.get("PATH_INFO", ""))
    if method in ("GET", "HEAD", "OPTIONS"):
        return None
    if service == "lambda":
        found = _FUNCTION.fullmatch(path)
        if found is None:
            return None
        asked = cast("Json", _lower_first(json.loads(body or b"{}"))) if body.lstrip()[:1] in (b"{", b"") else {}
        what = {"/configuration": "UpdateFunctionConfiguration20150331v2", "/code": "UpdateFunctionCode20150331v2"}
        verb = {"POST": "CreateFunction20150331", "DELETE": "DeleteFunction20150331"}
        name = what.get(found[2] or "") or verb.get(method)
        return (name, {**asked, **({"functionName": found[1]} if found[1] else {})}) if name else None
    bucket, _, key = path.lstrip("/").partition("/")
    if not bucket or key:
        return None
    part = next((p for p, _ in parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True)), "")
    if part and part not in _BUCKET_PARTS:
        return None
    name = (
        f"{'Delete' if method == 'DELETE' else 'Put'}{_BUCKET_PARTS[part]}"
        if part
        else f"{'Delete' if method == 'DELETE' else 'Create'}Bucket"
    )
    told: Json = {"bucketName": bucket, **({part: ""} if part else {})}
    if body.lstrip().startswith(b"<"):
        root = ElementTree.fromstring(body)
        told[_tag(root)] = _as_written(root)
    elif body.lstrip().startswith(b"{"):
        told["bucketPolicy"] = cast("object", json.loads(body))
    return name, told


def _as_written(element: ElementTree.Element) -> object:
    """An element with its names as they are: CloudTrail keeps those of S3."""
    children = list(element)
    return {_tag(c): _as_written(c) for c in children} if children else _scalar((element.text or "").strip())


def _nested(form: Mapping[str, str], service: str) -> Json:
    """`IpPermissions.1.IpRanges.1.CidrIp=x` as CloudTrail tells it, with `items` around the lists of EC2."""
    tree: Json = {}
    for name, value in form.items():
        node = tree
        *path, last = [step for step in name.split(".") if step not in _LISTS]
        for step in path:
            node = cast("Json", node.setdefault(step, {}))
        node[last] = value
    return cast("Json", _lists(tree, service))


def _lists(node: object, service: str) -> object:
    if not isinstance(node, dict):
        return _scalar(node) if isinstance(node, str) else node
    fields = cast("Json", node)
    if fields and all(key.isdigit() for key in fields):
        items = [_lists(fields[key], service) for key in sorted(fields, key=int)]
        return {"items": items} if service == "ec2" else items
    return {key[:1].lower() + key[1:]: _lists(value, service) for key, value in fields.items()}


def _lower_first(node: object) -> object:
    if isinstance(node, dict):
        return {key[:1].lower() + key[1:]: _lower_first(value) for key, value in cast("Json", node).items()}
    return [_lower_first(item) for item in cast("list[object]", node)] if isinstance(node, list) else node


# -- what was answered


def _answered(answer: bytes, service: str) -> object:
    if answer.lstrip().startswith(b"{"):
        return _lower_first(json.loads(answer))
    try:
        root = ElementTree.fromstring(answer)
    except ElementTree.ParseError:
        return None
    result = next((child for child in root if _tag(child).endswith("Result")), root)
    return _element(result, service) or None


def _element(element: ElementTree.Element, service: str) -> object:
    children = list(element)
    if not children:
        return _scalar((element.text or "").strip())
    if all(_tag(child) in _LISTS for child in children):
        items = [_element(child, service) for child in children]
        return {"items": items} if service == "ec2" else items
    return {_tag(child)[:1].lower() + _tag(child)[1:]: _element(child, service) for child in children}


def _scalar(text: str) -> object:
    if re.fullmatch(r"-?\d{1,9}", text):
        return int(text)
    return {"true": True, "false": False}.get(text, text)


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _error_code(answer: bytes) -> str:
    found = re.search(rb"<Code>([\w.]+)</Code>", answer) or re.search(rb'"__type": ?"([\w.#]+)"', answer)
    return found[1].decode().rpartition("#")[2] if found else "InternalFailure"
