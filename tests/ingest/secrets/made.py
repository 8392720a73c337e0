"""Certificates and secrets made for tests. Times are fixed, so that they are the same each time but for their keys."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.contracts.source_contract import CANARY

ISSUED = datetime(2026, 3, 1)


@cache
def certificate(domain: str, days: int = 90, serial: int = 1001) -> bytes:
    """A certificate in PEM."""
    key = ec.derive_private_key(serial, ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain)])
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example CA")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(ISSUED)
        .not_valid_after(ISSUED + timedelta(days=days))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(domain), x509.DNSName(f"www.{domain}")]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)


def private_key() -> bytes:
    """What stands beside a certificate in many files, with a canary where the key is."""
    kind = "PRIVATE" + " KEY"
    return f"-----BEGIN {kind}-----\n{CANARY}\n-----END {kind}-----\n".encode()


def secret(name: str, type_: str = "Opaque", namespace: str = "shop", **data: bytes) -> dict[str, object]:
    """A Kubernetes secret as `kubectl get -o json` prints it; `_` in names of entries stands for a dot."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{namespace}-{name}",
            "creationTimestamp": "2026-02-01T00:00:00Z",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": f'{{"stringData":{{"a":"{CANARY}"}}}}'},
        },
        "type": type_,
        "data": {key.replace("_", "."): base64.b64encode(value).decode() for key, value in data.items()},
    }


def listed(*secrets: object) -> str:
    """What `kubectl get secrets -A -o json` prints."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": secrets})
