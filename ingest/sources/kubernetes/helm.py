"""Helm releases: what a release's secret says of itself. Its values and manifests are never read.

The secret holds base64 of gzip of JSON; the API wraps that in base64 once more.
https://helm.sh/docs/topics/advanced/#storage-backends
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator

import msgspec

from graph.clock import Instant, instant
from graph.model import Quarantined
from ingest.sources.deployments.files import FileInvalid, gunzip
from ingest.sources.deployments.record import Record
from ingest.sources.kubernetes.cluster import Cluster
from ingest.sources.kubernetes.happened import Happened, deployed
from ingest.sources.kubernetes.objects import Object, text

MAX_ENCODED_CHARS = 4 * 1024 * 1024
MAX_BYTES = 64 * 1024 * 1024
"""What a release unpacks to at most; a secret holds 1 MiB, and manifests pack well."""
_TYPE = "helm.sh/release.v1"
_OUTCOMES = {
    "deployed": "succeeded",
    "superseded": "succeeded",
    "uninstalled": "succeeded",
    "failed": "failed",
    "pending-install": "in_progress",
    "pending-upgrade": "in_progress",
    "pending-rollback": "in_progress",
    "uninstalling": "succeeded",
}
"""Status of a revision -> outcome of its deployment: what was superseded or removed later had succeeded before."""


class _Info(msgspec.Struct):
    last_deployed: str = ""
    deleted: str = ""
    description: str = ""
    status: str = ""


class _Metadata(msgspec.Struct):
    name: str = ""
    version: str = ""
    appVersion: str = ""


class _Chart(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


class _Release(msgspec.Struct):
    """What is read of a release: msgspec passes over all else, values (`config`) and manifests among it, without keeping it."""

    name: str
    version: int
    namespace: str = ""
    info: _Info = msgspec.field(default_factory=_Info)
    chart: _Chart = msgspec.field(default_factory=_Chart)


def is_release(one: Object) -> bool:
    """Whether an object is the record of a release: a secret, or a config map where Helm was told so."""
    if one.kind == "Secret":
        return text(one.raw, "type") == _TYPE
    return (
        one.kind == "ConfigMap"
        and one.labels.get("owner", "").lower() == "helm"
        and bool(text(one.raw, "data", "release"))
    )


def releases(cluster: Cluster, quarantined: list[Quarantined]) -> Iterator[Happened]:
    """The revisions of all releases as deployments; what cannot be decoded goes to `quarantined`."""
    found: dict[tuple[str, str, int], tuple[Object, _Release]] = {}
    for one in cluster.of("Secret", "ConfigMap"):
        if is_release(one):
            try:
                release = _decode(one)
            except FileInvalid as error:
                quarantined.append(
                    Quarantined(f"{cluster.name}/{one.path}", f"the Helm release cannot be read: {error}")
                )
            else:
                found[(one.namespace, release.name, release.version)] = (one, release)
    for (namespace, name, revision), (one, release) in sorted(found.items()):
        before = found.get((namespace, name, revision - 1))
        yield from _deployments(one, release, before[1] if before is not None else None, cluster)


def _decode(one: Object) -> _Release:
    encoded = text(one.raw, "data", "release")
    if not encoded or len(encoded) > MAX_ENCODED_CHARS:
        raise FileInvalid("it is empty or too large")
    try:
        packed = b64decode(encoded, validate=True) if one.kind == "Secret" else encoded.encode("ascii")
        packed = b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        raise FileInvalid("it is not base64") from None
    data = gunzip(packed, MAX_BYTES) if packed[:2] == b"\x1f\x8b" else packed
    try:
        return msgspec.json.decode(data, type=_Release)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FileInvalid("it is no release of a known form") from None


def _deployments(one: Object, release: _Release, before: _Release | None, cluster: Cluster) -> Iterator[Happened]:
    at = _time(release.info.last_deployed)
    if at is None:
        at = one.created_at
    if at is None:
        return
    chart, status = release.chart.metadata, release.info.status
    about = f"{release.name} revision {release.version}: {chart.name} {chart.version}"
    if chart.appVersion:
        about += f" (app {chart.appVersion})"
    title = f"{about}: {release.info.description}" if release.info.description else about
    description = release.info.description.lower()
    record = Record(
        id=f"helm/{one.namespace}/{release.name}/{release.version}",
        environment=cluster.environment_of(one),
        service=release.name,
        version=_version(release),
        previous_version=_version(before) if before is not None else "",
        outcome=_OUTCOMES.get(status, status or "succeeded"),
        action="rollback" if description.startswith("rollback") else "deploy",
        tool="helm",
        title=title[:2_000],
        started_at=at,
    )
    yield deployed(record, cluster.name, None, {})
    gone = _time(release.info.deleted)
    if gone is not None and status == "uninstalled" and gone >= at:
        removal = Record(
            id=f"helm/{one.namespace}/{release.name}/{release.version}/removed",
            environment=record.environment,
            service=release.name,
            previous_version=record.version,
            action="remove",
            effect="deleted",
            tool="helm",
            title=f"{release.name} uninstalled",
            finished_at=gone,
        )
        yield deployed(removal, cluster.name, None, {})


def _version(release: _Release) -> str:
    """As `helm list` shows it: chart and version."""
    chart = release.chart.metadata
    return "-".join(part for part in (chart.name, chart.version) if part)


def _time(told: str) -> Instant | None:
    try:
        at = instant(told) if told else None
    except ValueError:
        return None
    # Helm writes the year 1 where it means never.
    return at if at is not None and at > 0 else None
