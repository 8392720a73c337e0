"""Certificates and Kubernetes secrets in files."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from graph.clock import DAY, instant
from graph.model import Alias, Entity, FactBatch
from graph.store import View
from ingest import names
from ingest.source import SourceError
from ingest.sources.secrets.source import SecretsSettings, SecretsSource
from ingest.sync import sync
from tests.contracts.source_contract import KEY, NOW, fresh_store
from tests.ingest.secrets.made import certificate, listed, private_key, secret

CERTIFICATE = names.credential("x509", "3e9 CN=Example CA")


def source(place: Path) -> SecretsSource:
    return SecretsSource(SecretsSettings(str(place), cluster="prod", name="secrets"))


def credentials(found: list[FactBatch]) -> dict[str, Entity]:
    facts = [a.fact for b in found for a in b.assertions]
    return {str(f.properties["name"]): f for f in facts if isinstance(f, Entity) and f.ref.kind == "Credential"}


def test_a_certificate_tells_whom_it_is_for_who_issued_it_and_until_when_it_is_good(tmp_path: Path) -> None:
    (tmp_path / "shop.pem").write_bytes(private_key() + certificate("shop.example"))
    found = list(source(tmp_path).pull(None, NOW))
    one = credentials(found)["shop.example"]
    assert one.ref == CERTIFICATE
    assert one.properties == {
        "type": "certificate",
        "name": "shop.example",
        "created_at": "2026-03-01T00:00:00Z",
        "rotated_at": "2026-03-01T00:00:00Z",
        "expires_at": "2026-05-30T00:00:00Z",
        "issuer": "CN=Example CA",
        "domains": ["shop.example", "www.shop.example"],
    }
    facts = [a.fact for b in found for a in b.assertions]
    assert {("dns", "www.shop.example"), ("path", "shop.pem")} <= {
        (f.scheme, f.name) for f in facts if isinstance(f, Alias)
    }
    assert {a.valid_from for b in found for a in b.assertions} == {instant("2026-03-01T00:00:00Z")}


def test_der_is_read_like_pem(tmp_path: Path) -> None:
    pem = certificate("shop.example")
    (tmp_path / "shop.der").write_bytes(x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER))
    assert credentials(list(source(tmp_path).pull(None, NOW)))["shop.example"].ref == CERTIFICATE


def test_of_a_kubernetes_secret_the_certificate_is_read_and_entries_are_named(tmp_path: Path) -> None:
    tls = secret("edge", "kubernetes.io/tls", tls_crt=certificate("shop.example"), tls_key=b"hidden-1")
    (tmp_path / "secrets.json").write_text(listed(tls, secret("db", password=b"hidden-2", user=b"hidden-3")))
    found = list(source(tmp_path).pull(None, NOW))
    told = credentials(found)
    assert told["shop/edge"].properties["type"] == "tls_secret"
    assert told["shop/edge"].properties["expires_at"] == "2026-05-30T00:00:00Z"
    assert told["shop/edge"].properties["created_at"] == "2026-02-01T00:00:00Z"
    assert told["shop/edge"].properties["account_id"] == "prod"
    assert told["shop/db"].properties["entries"] == ["password", "user"]
    assert "hidden" not in repr(found)


def test_a_renewed_certificate_is_a_later_version_and_the_past_stays(tmp_path: Path) -> None:
    def export(days: int, serial: int) -> None:
        crt = certificate("shop.example", days, serial)
        (tmp_path / "secrets.json").write_text(listed(secret("edge", "kubernetes.io/tls", tls_crt=crt)))

    edge = names.credential("kubernetes", "k8s:prod/uid-shop-edge")
    with fresh_store(tmp_path, "store") as store:
        export(90, 1)
        assert sync(store, source(tmp_path), NOW, KEY, processes="none").error is None
        export(180, 2)
        assert sync(store, source(tmp_path), NOW + DAY, KEY, processes="none").error is None
        before, after = (store.entity(edge, View(as_of=at)) for at in (NOW + DAY - 1, NOW + DAY))
        assert before is not None
        assert after is not None
        assert before.properties["expires_at"] == "2026-05-30T00:00:00Z"
        assert after.properties["expires_at"] == "2026-08-28T00:00:00Z"


def test_what_is_gone_has_ended_and_a_file_that_cannot_be_read_ends_nothing(tmp_path: Path) -> None:
    one, two = tmp_path / "one.pem", tmp_path / "two.pem"
    one.write_bytes(certificate("shop.example"))
    two.write_bytes(certificate("b.example", serial=3))
    with fresh_store(tmp_path, "store") as store:
        assert sync(store, source(tmp_path), NOW, KEY, processes="none").error is None
        one.write_bytes(b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n")
        report = sync(store, source(tmp_path), NOW + DAY, KEY, processes="none")
        assert isinstance(report.error, SourceError)
        assert store.entity(CERTIFICATE, View()) is not None
        one.unlink()
        assert sync(store, source(tmp_path), NOW + 2 * DAY, KEY, processes="none").error is None
        assert store.entity(CERTIFICATE, View(as_of=NOW + 2 * DAY)) is None
        assert store.entity(CERTIFICATE, View(as_of=NOW + DAY)) is not None
        assert store.entity(names.credential("x509", "3 CN=Example CA"), View(as_of=NOW + 2 * DAY)) is not None


def test_a_broken_certificate_in_a_bundle_is_set_aside(tmp_path: Path) -> None:
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    (tmp_path / "bundle.pem").write_bytes(certificate("shop.example") + broken)
    found = list(source(tmp_path).pull(None, NOW))
    assert list(credentials(found)) == ["shop.example"]
    assert [q.locator for b in found for q in b.quarantined] == ["bundle.pem"]


@pytest.mark.parametrize("text", ["2026-13-01", ""])
def test_a_secret_without_a_time_counts_from_when_it_was_seen(text: str, tmp_path: Path) -> None:
    one = secret("db", a=b"x")
    assert isinstance(one["metadata"], dict)
    one["metadata"]["creationTimestamp"] = text or None
    (tmp_path / "secrets.json").write_text(listed(one))
    found = list(source(tmp_path).pull(None, NOW))
    assert {a.valid_from for b in found for a in b.assertions} == {NOW}
