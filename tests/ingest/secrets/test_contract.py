"""The source contract, on files with keys and values beside what may be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ingest.source import Source
from ingest.sources.secrets.source import SecretsSettings, SecretsSource
from tests.contracts.source_contract import CANARY, SourceContract
from tests.ingest.secrets.made import certificate, listed, private_key, secret


class TestContract(SourceContract):
    def recorded(self, directory: Path) -> Source:
        place = directory / "secrets"
        (place / "tls").mkdir(parents=True, exist_ok=True)
        (place / "tls" / "shop.pem").write_bytes(private_key() + certificate("shop.example"))
        (place / "tls" / "chain.pem").write_bytes(
            certificate("a.example", serial=2) + certificate("b.example", serial=3)
        )
        value = CANARY.encode()
        everything = listed(
            secret("db", password=value),
            secret("edge", "kubernetes.io/tls", tls_crt=certificate("shop.example"), tls_key=value),
            secret("broken", "kubernetes.io/tls", tls_crt=value, tls_key=value),
            secret("sh.helm.release.v1.shop.v1", "helm.sh/release.v1", release=value),
            {"kind": "Secret", "metadata": {"name": 7}, "data": {"x": CANARY}},
        )
        (place / "secrets.json").write_text(everything)
        return SecretsSource(SecretsSettings(str(place), cluster="prod", name="secrets"))

    def broken(self, directory: Path) -> Iterator[Source]:
        yield SecretsSource(SecretsSettings())
        yield SecretsSource(SecretsSettings(aws=True, services=("vault",)))
        yield SecretsSource(SecretsSettings(str(directory / "nowhere")))
        (directory / "empty").mkdir()
        yield SecretsSource(SecretsSettings(str(directory / "empty")))
        cut = certificate("shop.example").replace(b"\nMII", b"\n***")
        for name, data in {
            "cut.json": listed(secret("db", a=b"b"))[:-40].encode(),
            "page.json": b"<html>Sign in</html>",
            "pods.json": b'{"kind": "Pod", "metadata": {"name": "x"}}',
            "page.pem": b"<!DOCTYPE html>",
            "cut.pem": cut,
            "noise.der": b"\x30\x82 no certificate",
        }.items():
            (directory / name).write_bytes(data)
            yield SecretsSource(SecretsSettings(str(directory / name), cluster="prod"))
        (directory / "good.json").write_text(listed(secret("db", a=b"b")))
        yield SecretsSource(SecretsSettings(str(directory / "good.json")))
