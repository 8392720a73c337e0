"""The source contract, on a directory of logs and on what LookupEvents answers."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

from ingest.source import Source
from ingest.sources.cloudtrail.source import CloudTrailSettings, CloudTrailSource
from tests.contracts.source_contract import SourceContract
from tests.ingest.cloudtrail.trail import Json, log_name, modify_rule, put, record, session, source, with_secrets


def many(count: int) -> list[Json]:
    """Events enough for several batches."""
    return [
        modify_rule(at=f"2026-03-02T{n // 60:02d}:{n % 60:02d}:00Z", who=session("deployer", "ci"))
        for n in range(count)
    ]


class TestContract(SourceContract):
    def recorded(self, directory: Path) -> Source:
        logs = directory / "logs"
        put(logs, log_name("20260301T0900"), with_secrets())
        put(logs, log_name("20260302T0000"), many(400))
        put(logs, log_name("20260302T0100", "other"), many(300))
        put(logs, "exported.json", [record("ec2:DeleteVpc", {"vpcId": "vpc-0aaaaaaaaaaaaaaa1"}), {"eventID": "x"}])
        return source(logs)

    def broken(self, directory: Path) -> Iterator[Source]:
        yield CloudTrailSource(CloudTrailSettings())
        yield source(directory / "nowhere")
        (directory / "empty").mkdir()
        yield source(directory / "empty")
        whole = gzip.compress(b'{"Records": []}' * 100)
        for name, data in {
            "cut.json.gz": whole[: len(whole) // 2],
            "bad.json.gz": b"\x1f\x8b\x08 no gzip",
            "page.json": b"<!DOCTYPE html><html>Sign in</html>",
            "error.json": b"<Error><Code>AccessDenied</Code></Error>",
            "nothing.json": b"",
            "cut.json": b'{"Records": [{"eventID": "1", ',
            "other.json": b'{"planned_values": {}}',
            "number.json": b"17",
        }.items():
            (directory / name).write_bytes(data)
            yield source(directory / name)
