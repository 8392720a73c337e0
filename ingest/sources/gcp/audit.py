"""Cloud Audit Logs: one log entry -> the call, who made it, and what it changed.

Format: https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry and
https://cloud.google.com/logging/docs/reference/audit/auditlog/rest/Shared.Types/AuditLog

A long operation has two entries, of one operation id: the first holds the request, the last its outcome. They are one event: the first
states it and what it changes, the last only that it failed, which takes the changes back from then on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import msgspec

from graph.clock import Instant
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, Quarantined, Relation, Value, ref
from ingest import names
from ingest.sources.alerts.words import maybe_time
from ingest.sources.gcp.assets import account_facts
from ingest.sources.gcp.attributes import flattened
from ingest.sources.gcp.export_pull import Events
from ingest.sources.gcp.settings import GcpSettings
from ingest.sources.gcp.types import full_name, location_in, project_in

_VERSION = re.compile(r"^(?:v\d+(?:(?:alpha|beta)\d*)?|beta|alpha)\.")
_VERB = re.compile(r"[A-Za-z][a-z]+")
_READS = frozenset(
    {"get", "list", "search", "aggregated", "test", "query", "read", "lookup", "watch", "fetch", "check"}
)
_CREATES = frozenset({"insert", "create", "generate"})
_DELETES = frozenset({"delete", "destroy"})
_SERVICE_ACCOUNT = "gserviceaccount.com"
_IN_OBJECTS = ("data", "metadata.annotations", "metadata.managedFields", "status")
"""Of objects of a cluster: values of secrets and config maps, and copies of the whole object."""
_IN_REQUEST = ("@type", "policy", "requestId", "resource.selfLink", "fingerprint", "kind")


class _Authentication(msgspec.Struct):
    principalEmail: str = ""
    principalSubject: str = ""
    serviceAccountDelegationInfo: list[dict[str, object]] = msgspec.field(default_factory=list[dict[str, object]])


class _Request(msgspec.Struct):
    callerIp: str = ""
    callerSuppliedUserAgent: str = ""


class _Status(msgspec.Struct):
    code: int = 0


class _Delta(msgspec.Struct):
    action: str = ""
    role: str = ""
    member: str = ""


class _PolicyDelta(msgspec.Struct):
    bindingDeltas: list[_Delta] = msgspec.field(default_factory=list[_Delta])


class _ServiceData(msgspec.Struct):
    policyDelta: _PolicyDelta = msgspec.field(default_factory=_PolicyDelta)


class _Audit(msgspec.Struct):
    methodName: str = ""
    serviceName: str = ""
    resourceName: str = ""
    authenticationInfo: _Authentication = msgspec.field(default_factory=_Authentication)
    requestMetadata: _Request = msgspec.field(default_factory=_Request)
    request: dict[str, object] | None = None
    response: dict[str, object] | None = None
    status: _Status | None = None
    serviceData: _ServiceData | None = None


class _Operation(msgspec.Struct):
    id: str = ""
    first: bool = False
    last: bool = False


class _Labelled(msgspec.Struct):
    type: str = ""
    labels: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class _Entry(msgspec.Struct):
    protoPayload: _Audit | None = None
    insertId: str = ""
    logName: str = ""
    timestamp: str = ""
    receiveTimestamp: str = ""
    operation: _Operation | None = None
    resource: _Labelled = msgspec.field(default_factory=_Labelled)


def read_entry(locator: str, body: bytes, settings: GcpSettings) -> Events | Quarantined | None:
    """What a log entry says; None for one that is no call, or only reads."""
    try:
        entry = msgspec.json.decode(body, type=_Entry)
    except msgspec.DecodeError:
        return Quarantined(locator, "a field of the log entry has a wrong type")
    audit, at = entry.protoPayload, maybe_time(entry.timestamp or entry.receiveTimestamp)
    if audit is None or not audit.methodName:
        return None
    if at is None or not entry.insertId:
        return Quarantined(locator, "the log entry has no timestamp or no insertId")
    effect = effect_of(audit.methodName)
    if effect == "read" and not settings.reads:
        return None
    call = _Call(entry, audit, at, effect)
    return Events(tuple(call.assertions()), tuple(call.outcome()))


def effect_of(method: str) -> str:
    """created, updated, deleted, or `read` for a call that changes nothing, as the method's last word begins."""
    last = method.rpartition(".")[2]
    words = [w.lower() for w in _VERB.findall(last[:1].upper() + last[1:])]
    verb = words[0] if words else ""
    if verb in _READS:
        return "read"
    # A rule added to a firewall policy or a key removed from an account changes what it belongs to.
    return "created" if verb in _CREATES else "deleted" if verb in _DELETES else "updated"


def door(user_agent: str, principal: str) -> str:
    """Through which door a call came, as its user agent tells."""
    agent = user_agent.lower()
    for word, via in (
        ("terraform", "terraform"),
        ("pulumi", "pulumi"),
        ("kubectl", "kubectl"),
        ("cloud-sdk", "cli"),
        ("gcloud", "cli"),
        ("gsutil", "cli"),
        ("mozilla/", "console"),
        ("cloud console", "console"),
        ("google-api-", "sdk"),
        ("gcloud-", "sdk"),
        ("grpc-", "sdk"),
        ("gl-", "sdk"),
    ):
        if word in agent:
            return via
    if agent.startswith("gce") or "managed instance group" in agent or "google." in principal:
        return "service"
    return "unknown"


class _Call:
    """One entry, on its way to facts."""

    def __init__(self, entry: _Entry, audit: _Audit, at: Instant, effect: str) -> None:
        self._entry, self._audit, self._at, self._effect = entry, audit, at, effect
        operation = entry.operation or _Operation(first=True, last=True)
        # Entries of one long operation share its id; for all others it is their own.
        self._long = bool(operation.id) and operation.first != operation.last
        self._begins = not self._long or operation.first
        self._id = operation.id if self._long else entry.insertId
        self._failed = audit.status.code if audit.status is not None else 0
        self._ref = ref("AuditEvent", "gcp", project_of(entry), self._id)
        skip = (*_IN_REQUEST, *(_IN_OBJECTS if audit.serviceName == "k8s.io" else ()))
        self._request = flattened(audit.request or {}, skip=skip)

    def assertions(self) -> Iterator[Assertion]:
        """The event, who made it and what it changed."""
        if not self._begins:
            if self._failed and (target := self._target()):
                yield self._say(self._changed(target), present=False)
            return
        yield self._say(self._event())
        for account, facts in _who(self._audit.authenticationInfo):
            for fact in facts:
                yield self._say(fact)
            yield self._say(Relation("PERFORMED_BY", self._ref, account, {}))
        project = project_of(self._entry)
        if project:
            account, facts = account_facts(project)
            for fact in facts:
                yield self._say(fact)
            yield self._say(Relation("PART_OF", self._ref, account, {}))
        if not self._failed and self._effect != "read" and (target := self._target()):
            for fact in _named(target):
                yield self._say(fact)
            yield self._say(self._changed(target))

    def outcome(self) -> Iterator[Assertion]:
        """That a long operation failed in the end; its last entry tells nothing else anew."""
        if not self._begins and self._failed:
            yield self._say(Entity(self._ref, {"event_id": self._id, "error": _code(self._failed)}))

    def _event(self) -> Entity:
        audit, entry = self._audit, self._entry
        action = _VERSION.sub("", audit.methodName)
        principal = audit.authenticationInfo.principalEmail
        agent = audit.requestMetadata.callerSuppliedUserAgent
        name = audit.resourceName.rpartition("/")[2]
        told: dict[str, Value] = {
            "user_agent": agent[:300],
            "source_ip": audit.requestMetadata.callerIp,
            "error": _code(self._failed),
            "account_id": project_of(entry),
            "region": entry.resource.labels.get("zone", "")
            or entry.resource.labels.get("location", "")
            or location_in("/" + audit.resourceName),
            "parameters": self._request,
        }
        return Entity(
            self._ref,
            {
                "action": action,
                "event_id": self._id,
                "via": door(agent, principal),
                "title": f"{action} {name}".strip(),
                **{k: v for k, v in told.items() if v},
            },
        )

    def _target(self) -> str:
        return target_of(self._audit, self._entry)

    def _changed(self, target: str) -> Relation:
        attributes = list(_deltas(self._audit.serviceData)) or list(_asked(self._request, self._effect))
        told: dict[str, Value] = {"effect": self._effect, **({"attributes": attributes} if attributes else {})}
        return Relation("CHANGED", self._ref, names.cloud_resource(target), told)

    def _say(self, fact: Fact, *, present: bool = True) -> Assertion:
        return Assertion(fact, self._at, self._at, f"gcp-audit:{self._entry.insertId}", present=present)


def project_of(entry: _Entry) -> str:
    """The project that an entry belongs to, or the folder's or organisation's path."""
    labelled = entry.resource.labels.get("project_id", "")
    owner = entry.logName.partition("/logs/")[0]
    return labelled or owner.removeprefix("projects/")


def target_of(audit: _Audit, entry: _Entry) -> str:
    """The full resource name of what a call is about, as the inventory names it; empty when it is not told."""
    response = audit.response or {}
    for field in ("targetLink", "selfLink"):
        link = response.get(field)
        if isinstance(link, str) and (found := full_name(link)) and "/operations/" not in found:
            return found
    path, service = audit.resourceName.strip("/"), audit.serviceName
    if not path or not service:
        return ""
    if service == "storage.googleapis.com":
        bucket = re.fullmatch(r"projects/[^/]+/buckets/([^/]+)(?:/objects/(.+))?", path)
        return f"//{service}/{bucket[1]}" if bucket is not None else ""
    if service == "k8s.io":
        return _kubernetes(path, entry)
    created = response.get("name")
    if isinstance(created, str) and created.startswith(path + "/") and "/operations/" not in created:
        path = created
    return f"//{service}/{path}"


def _kubernetes(path: str, entry: _Entry) -> str:
    """An object of a cluster as the inventory names it: `core/v1/namespaces/shop/pods/api` below its cluster."""
    labels = entry.resource.labels
    parts = path.split("/")
    if len(parts) < 4 or not labels.get("cluster_name"):
        return ""
    group, rest = parts[0], parts[2:]
    if group != "core" and rest[0] == "namespaces" and len(rest) > 3:
        rest = [*rest[:2], group.removesuffix(".k8s.io"), *rest[2:]]
    kind = "zones" if re.fullmatch(r".+-[a-z]", labels.get("location", "")) else "locations"
    cluster = (
        f"projects/{labels.get('project_id', '')}/{kind}/{labels.get('location', '')}/clusters/{labels['cluster_name']}"
    )
    return f"//container.googleapis.com/{cluster}/k8s/{'/'.join(rest)}"


def _who(told: _Authentication) -> Iterator[tuple[EntityRef, list[Fact]]]:
    """The account that called, and the people or accounts that acted through it."""
    logins = [told.principalEmail or told.principalSubject.rpartition("/")[2] or told.principalSubject]
    for info in told.serviceAccountDelegationInfo:
        first = info.get("firstPartyPrincipal") or info.get("principalSubject")
        email = cast("Mapping[str, object]", first).get("principalEmail") if isinstance(first, dict) else first
        if isinstance(email, str):
            logins.append(email.rpartition(":")[2])
    for login in dict.fromkeys(filter(None, logins)):
        account = names.account("gcp", login)
        machine = login.endswith(_SERVICE_ACCOUNT)
        mail = {"email": login.lower()} if "@" in login else {}
        told_of = {"system": "gcp", "login": login, **mail, "type": "service" if machine else "user", "bot": machine}
        facts: list[Fact] = [Entity(account, told_of), Alias(account, "login", login)]
        facts += [Alias(account, "email", address) for address in mail.values()]
        yield account, facts


def _named(target: str) -> Sequence[Fact]:
    resource = names.cloud_resource(target)
    project, name = project_in(target), target.rpartition("/")[2]
    told = {"cloud_id": target, "name": name, "provider": "gcp", "account_id": project, "region": location_in(target)}
    properties = {k: v for k, v in told.items() if v}
    return Entity(resource, properties), Alias(resource, "name", name), Alias(resource, "id", target)


def _deltas(told: _ServiceData | None) -> Iterator[Mapping[str, Value]]:
    """Members who came to a role or went from it."""
    absent: Value = {"state": "absent"}
    for delta in told.policyDelta.bindingDeltas if told is not None else ():
        member: Value = {"state": "value", "value": delta.member}
        before, after = (absent, member) if delta.action == "ADD" else (member, absent)
        yield {"path": f"iam.{delta.role}", "before": before, "after": after}


def _asked(request: Mapping[str, Value], effect: str) -> Iterator[Mapping[str, Value]]:
    """What was asked for: the value after; before is not told, but for what was created."""
    if effect == "deleted":
        return
    before: Value = {"state": "absent" if effect == "created" else "unknown"}
    for path, value in request.items():
        if path not in ("updateMask", "name"):
            yield {"path": path, "before": before, "after": {"state": "value", "value": value}}


_CODES = {
    3: "INVALID_ARGUMENT",
    5: "NOT_FOUND",
    6: "ALREADY_EXISTS",
    7: "PERMISSION_DENIED",
    8: "RESOURCE_EXHAUSTED",
    9: "FAILED_PRECONDITION",
    10: "ABORTED",
    13: "INTERNAL",
    14: "UNAVAILABLE",
    16: "UNAUTHENTICATED",
}


def _code(code: int) -> str:
    return _CODES.get(code, f"code {code}") if code else ""
