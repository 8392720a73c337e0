"""X.509 certificates in PEM or DER: whom they are for, who issued them, and until when they are good. Only certificates are read, no keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from graph.clock import Instant, from_datetime, rfc3339
from graph.model import Value

_PEM = re.compile(
    rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----\s.*?-----END (?:TRUSTED |X509 )?CERTIFICATE-----", re.S
)
MAX_DOMAINS = 100


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says.

    Attributes:
        name: its common name, else its first domain, else its subject.
        domains: names that it covers.
        issuer: who issued it, in RFC 4514 text.
        serial: serial number in hex; with the issuer it names the certificate.
        issued_at, expires_at: between these it is good.
    """

    name: str
    domains: tuple[str, ...]
    issuer: str
    serial: str
    issued_at: Instant
    expires_at: Instant

    @property
    def id(self) -> str:
        """Serial number and issuer, as RFC 5280 identifies certificates."""
        return f"{self.serial} {self.issuer}"

    def properties(self) -> Mapping[str, Value]:
        """What a `Credential` says of it, beside its type and name."""
        return {
            "rotated_at": rfc3339(self.issued_at),
            "expires_at": rfc3339(self.expires_at),
            "issuer": self.issuer,
            "domains": list(self.domains),
        }


def certificates(data: bytes) -> tuple[list[Certificate], int]:
    """The certificates in a file, in its order, and how many could not be read. Whatever else is in it is not looked at."""
    found: list[Certificate] = []
    broken = 0
    blocks = _PEM.findall(data)
    for block in blocks:
        try:
            found.append(_read(x509.load_pem_x509_certificate(block)))
        except (ValueError, x509.UnsupportedGeneralNameType):
            broken += 1
    if not blocks and b"-----BEGIN" not in data:
        try:
            found.append(_read(x509.load_der_x509_certificate(data)))
        except (ValueError, x509.UnsupportedGeneralNameType):
            broken += 1
    return found, broken


def _read(certificate: x509.Certificate) -> Certificate:
    subject = certificate.subject
    common = [str(a.value) for a in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    domains = _domains(certificate)
    return Certificate(
        name=(*common, *domains, subject.rfc4514_string())[0],
        domains=domains,
        issuer=certificate.issuer.rfc4514_string(),
        serial=f"{certificate.serial_number:x}",
        issued_at=from_datetime(certificate.not_valid_before_utc),
        expires_at=from_datetime(certificate.not_valid_after_utc),
    )


def _domains(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    except x509.ExtensionNotFound:
        return ()
    if not isinstance(names, x509.SubjectAlternativeName):
        return ()
    told = [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]
    return tuple(told[:MAX_DOMAINS])
