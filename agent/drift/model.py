"""What a scan for drift hands out: `lore.drift/1`."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from agent.investigation import Coverage
from agent.model import Actor, AttributeState, Citation, Struct

DriftKind: TypeAlias = Literal["changed", "missing", "unmanaged"]
Severity: TypeAlias = Literal["critical", "high", "medium", "low", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")
"""Worst first."""
Basis: TypeAlias = Literal["plan", "inventory"]


class AttributeDrift(Struct, frozen=True, kw_only=True):
    """One attribute path: what the code and the state want, and what is there."""

    path: str
    desired: AttributeState
    actual: AttributeState


class Said(Struct, frozen=True, kw_only=True):
    """What somebody said of it."""

    text: str
    by: str
    at: str
    citation: str


class Cause(Struct, frozen=True, kw_only=True):
    """Who made it drift.

    Attributes:
        by: the person, or the account where nobody is known to own it.
        via: the door: console, cli, sdk …
        at: when, RFC 3339.
        action: the call: `ec2:AuthorizeSecurityGroupIngress`.
        event: ref of the audit event.
        explains: the attribute paths that this event set; empty for all.
    """

    by: Actor
    via: str
    at: str
    action: str
    event: str
    explains: tuple[str, ...] = ()
    citations: tuple[str, ...] = ()


class Drift(Struct, frozen=True, kw_only=True):
    """One resource that is not as it should be.

    Attributes:
        id: `drift_…`, the same for the same drift in every scan: from the resource, the kind and the attribute paths with their actual values.
        address: full instance address; what the provider calls it when it is unmanaged.
        type: resource type, `aws_security_group`.
        cloud_id: what the provider knows it by, for `import`.
        basis: whether Terraform's plan told it or an inventory did.
        risks: what it opens or breaks, a sentence each, worst first.
        causes: newest first; several when several calls made it.
        alerts: alerts on it since: sentences.
        owners: who answers for it.
        remedies: what could be done: adopt (the code follows), revert (an apply puts it back), import, delete.
        first_seen_at: of the scan that saw it first.
    """

    id: str
    kind: DriftKind
    ref: str
    address: str
    type: str
    environment: str = ""
    repository: str = ""
    directory: str = ""
    cloud_id: str = ""
    basis: Basis
    severity: Severity
    attributes: tuple[AttributeDrift, ...] = ()
    risks: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    said: tuple[Said, ...] = ()
    alerts: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    first_seen_at: str
    citations: tuple[str, ...] = ()


class Ignored(Struct, frozen=True, kw_only=True):
    """Differences that a rule says are no drift, by rule."""

    rule: str
    reason: str
    count: int


class DriftReport(Struct, frozen=True, kw_only=True):
    """What a scan found, worst first, then by environment and address.

    Attributes:
        scanned_at: when it was looked, RFC 3339.
        gone: ids of drifts of the scan before that are no more.
        coverage: how far each source that was compared had been read.
        notes: what a reader must know: what could not be compared, and why.
    """

    schema: Literal["lore.drift/1"] = "lore.drift/1"
    scanned_at: str
    drifts: tuple[Drift, ...] = ()
    gone: tuple[str, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    notes: tuple[str, ...] = ()
    truncated: bool = False
    citations: tuple[Citation, ...] = ()

    def to_json(self) -> str:
        """One line of `lore.drift/1`."""
        return msgspec.json.encode(self).decode()
