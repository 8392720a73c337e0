"""Credentials in files: certificates in PEM or DER, and Kubernetes secrets as `kubectl get secrets -A -o json` prints them.

Of a Kubernetes secret only `tls.crt` is read; other entries are named, their values are not decoded.
Format: https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from graph.clock import Instant, instant, rfc3339
from graph.model import Alias, Entity, Fact, Quarantined, Value
from ingest import names
from ingest.source import SourceDataInvalid, SourceError, SourceUnavailable
from ingest.sources.secrets.certificates import Certificate, certificates
from ingest.sources.secrets.items import Item

PEM = "pem"
_NAMED = re.compile(r"\.(?:pem|crt|cer|cert|der|json|jsonl)$", re.I)
_JSON = re.compile(r"\.jsonl?$", re.I)
_NOT_KEPT = frozenset({"helm.sh/release.v1", "kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"})
"""Types of secrets that machines make for themselves."""
MAX_BYTES = 256 * 1024 * 1024


@dataclass(slots=True)
class Found:
    """What the files hold, by part of the inventory. `failed`: parts of which some is missing, so that they end nothing."""

    items: dict[str, list[Item]] = field(default_factory=dict[str, list[Item]])
    broken: dict[str, list[Quarantined]] = field(default_factory=dict[str, list[Quarantined]])
    failed: dict[str, SourceError] = field(default_factory=dict[str, SourceError])


class _Meta(msgspec.Struct, rename="camel"):
    name: str
    namespace: str = "default"
    uid: str = ""
    creation_timestamp: str | None = None


class _Secret(msgspec.Struct):
    metadata: _Meta
    type: str = "Opaque"
    data: dict[str, str | None] | None = None


class _Document(msgspec.Struct):
    kind: str = ""
    items: list[msgspec.Raw] | None = None


def read_files(location: str, cluster: str) -> Found:
    """All credentials at a file or directory. Raises `SourceError` when the place itself cannot be read."""
    root = Path(location).expanduser()
    found = Found()
    paths = list(_paths(root))
    if not paths:
        raise SourceDataInvalid(
            f"there are no certificates or secrets at {location}", "files end in .pem, .crt, .cer, .der or .json"
        )
    for path in paths:
        name = path.relative_to(root).as_posix() if path != root else path.name
        part = f"kubernetes/{cluster}" if _JSON.search(name) else PEM
        items, broken = found.items.setdefault(part, []), found.broken.setdefault(part, [])
        try:
            data = _read(path)
            if part == PEM:
                _certificates(data, name, items, broken)
            else:
                _secrets(data, name, cluster, items, broken)
        except SourceError as error:
            found.failed.setdefault(part, error)
    for part, items in found.items.items():
        found.items[part] = list({item.key: item for item in items}.values())
    return found


# -- certificates


def _certificates(data: bytes, name: str, items: list[Item], broken: list[Quarantined]) -> None:
    if data[:200].lstrip().lower().startswith((b"<!doctype", b"<html")):
        raise SourceDataInvalid(f"{name} is a web page, not a certificate", "download it again")
    read, unreadable = certificates(data)
    if not read and unreadable:
        raise SourceDataInvalid(f"{name} holds no certificate that can be read", "give PEM or DER, whole")
    if unreadable:
        broken.append(Quarantined(name, f"{unreadable} of its certificates cannot be read"))
    items += [_certificate(one, name) for one in read]


def _certificate(one: Certificate, path: str) -> Item:
    credential = names.credential("x509", one.id)
    properties: dict[str, Value] = {
        "type": "certificate",
        "name": one.name,
        "created_at": rfc3339(one.issued_at),
        **one.properties(),
    }
    facts: list[Fact] = [
        Entity(credential, properties),
        Alias(credential, "name", one.name),
        Alias(credential, "path", path),
    ]
    facts += [Alias(credential, "dns", domain) for domain in one.domains]
    return Item(one.id, facts, one.issued_at, path)


# -- Kubernetes


def _secrets(data: bytes, name: str, cluster: str, items: list[Item], broken: list[Quarantined]) -> None:
    if not cluster:
        raise SourceDataInvalid(f"the cluster of the secrets in {name} is not known", "set `cluster:`")
    for number, raw in enumerate(_raw_secrets(data, name)):
        try:
            secret = msgspec.json.decode(raw, type=_Secret)
        except msgspec.DecodeError:
            broken.append(Quarantined(f"{name}#{number}", "it is no Secret"))
            continue
        if secret.type not in _NOT_KEPT:
            items.append(_secret(secret, cluster, broken))


def _raw_secrets(data: bytes, name: str) -> Iterator[msgspec.Raw]:
    if data[:200].lstrip().startswith(b"<"):
        raise SourceDataInvalid(f"{name} is a web page, not JSON", "run `kubectl get secrets -A -o json`")
    lines = [line for line in data.splitlines() if line.strip()] if name.lower().endswith(".jsonl") else [data]
    for line in lines:
        try:
            document = msgspec.json.decode(line, type=_Document)
        except msgspec.DecodeError:
            raise SourceDataInvalid(
                f"{name} is not JSON of Kubernetes, or is cut off", "run `kubectl get secrets -A -o json` again"
            ) from None
        if document.items is not None:
            yield from document.items
        elif document.kind == "Secret":
            yield msgspec.Raw(line)
        else:
            raise SourceDataInvalid(f"{name} holds no Secrets", "run `kubectl get secrets -A -o json`")


def _secret(secret: _Secret, cluster: str, broken: list[Quarantined]) -> Item:
    meta = secret.metadata
    locator = f"{cluster}/Secret/{meta.namespace}/{meta.name}"
    credential = names.credential("kubernetes", f"k8s:{cluster}/{meta.uid or f'{meta.namespace}/{meta.name}'}")
    made_at = _time(meta.creation_timestamp)
    properties: dict[str, Value] = {
        "type": "tls_secret" if secret.type == "kubernetes.io/tls" else "secret",
        "name": f"{meta.namespace}/{meta.name}",
        "account_id": cluster,
        "entries": sorted(secret.data or {}),
    }
    if made_at is not None:
        properties["created_at"] = rfc3339(made_at)
    since = made_at
    facts: list[Fact] = [Alias(credential, "name", n) for n in (f"{meta.namespace}/{meta.name}", meta.name)]
    if meta.uid:
        facts.append(Alias(credential, "uid", meta.uid))
    if (certificate := _tls(secret, locator, broken)) is not None:
        properties.update(certificate.properties())
        facts += [Alias(credential, "dns", domain) for domain in certificate.domains]
        since = max(certificate.issued_at, made_at or certificate.issued_at)
    return Item(locator, [Entity(credential, properties), *facts], since, locator)


def _tls(secret: _Secret, locator: str, broken: list[Quarantined]) -> Certificate | None:
    encoded = (secret.data or {}).get("tls.crt")
    if not encoded:
        return None
    try:
        read, _ = certificates(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError):
        read = []
    if not read:
        broken.append(Quarantined(f"{locator}#tls.crt", "its certificate cannot be read"))
    return read[0] if read else None


def _time(told: str | None) -> Instant | None:
    try:
        return instant(told) if told else None
    except ValueError:
        return None


# -- files


def _paths(root: Path) -> Iterator[Path]:
    try:
        if not root.is_dir():
            if not root.exists():
                raise SourceDataInvalid(f"there is no {root}", "give a file or a directory")
            yield root
            return
        for directory, folders, files in os.walk(root, onerror=_raise):
            folders[:] = sorted(f for f in folders if not f.startswith("."))
            yield from (Path(directory) / f for f in sorted(files) if _NAMED.search(f))
    except PermissionError as error:
        raise SourceDataInvalid(f"{error.filename} may not be read", "let the user who runs this read it") from None
    except OSError as error:
        raise SourceUnavailable(f"{root} cannot be read: {error.strerror}", "check the disk or the mount") from None


def _raise(error: OSError) -> None:
    raise error


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise SourceDataInvalid(f"{file.name} is larger than {MAX_BYTES // 1024**2} MiB", "split it")
        return file.read_bytes()
    except PermissionError:
        raise SourceDataInvalid(f"{file} may not be read", "let the user who runs this read it") from None
    except OSError as error:
        raise SourceUnavailable(f"{file} cannot be read: {error.strerror}", "check the disk or the mount") from None
