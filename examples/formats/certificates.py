"""Certificates as PEM files, the same bytes each time: Ed25519 keys that follow from the name, whose signatures hold no randomness."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from examples.formats.output import number_id


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate of a domain, issued by a made-up authority."""

    domain: str
    not_before: datetime
    not_after: datetime
    issuer: str = "Example Trust CA"
    names: tuple[str, ...] = ()

    @property
    def serial(self) -> int:
        """Its serial number."""
        return number_id("certificate", self.domain, self.not_before, digits=18)


def certificate_pem(certificate: Certificate) -> str:
    """The certificate; no key."""
    issuer_key = _key(certificate.issuer)
    names = [certificate.domain, *certificate.names]
    built = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, certificate.domain)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, certificate.issuer)]))
        .public_key(_key(certificate.domain).public_key())
        .serial_number(certificate.serial)
        .not_valid_before(certificate.not_before)
        .not_valid_after(certificate.not_after)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(issuer_key, None)
    )
    return built.public_bytes(Encoding.PEM).decode()


def write_certificates(directory: Path, certificates: list[Certificate]) -> None:
    """Write `<domain>[-<year of expiry>].pem` for each; `*` in a domain is written `wildcard`."""
    directory.mkdir(parents=True, exist_ok=True)
    for certificate in certificates:
        name = certificate.domain.replace("*", "wildcard")
        path = directory / f"{name}-{certificate.not_after:%Y%m%d}.pem"
        path.write_text(certificate_pem(certificate))


def _key(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(blake2b(name.encode(), digest_size=32).digest())
