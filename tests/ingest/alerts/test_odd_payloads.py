"""Payloads in which anything may be anything: they are read or refused in one sentence, never worse."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import cast

from graph.model import FactBatch
from ingest.redact import redact_batch
from ingest.source import SourceDataInvalid
from ingest.sources.alerts.webhook import read_webhook
from ingest.webhook import Delivery
from tests.contracts.source_contract import KEY, NOW, fresh_store
from tests.ingest.alerts.test_webhooks import ALL

_SIMPLE = (None, True, -1, 0, 1e400, 10**30, "", " ", "x" * 20_000, "\ud800", "\x00", "٣", "2026-13-01")
_TIMES_AND_NAMES = ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "arn:", "arn:aws:a:b:c:d", "//x.googleapis.com/y")
_NESTED = ("[]", "{}", "[[]]", '{"a": {"b": [1]}}', '["x"]')
ODD: tuple[object, ...] = (*_SIMPLE, *_TIMES_AND_NAMES, *(cast("object", json.loads(text)) for text in _NESTED))


def mutated(value: object, chance: random.Random) -> object:
    """The value with, here and there, something else in it."""
    if chance.random() < 0.04:
        return chance.choice(ODD)
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return {key: mutated(item, chance) for key, item in items if chance.random() > 0.02}
    if isinstance(value, list):
        return [mutated(item, chance) for item in cast("list[object]", value)]
    if isinstance(value, str) and value.startswith("{"):
        return (
            json.dumps(mutated(json.loads(value), chance))
            if value.endswith("}") and ":" in value[:40] and '"' in value[:3]
            else value
        )
    return value


def read(body: bytes) -> tuple[list[FactBatch], str]:
    """The batches, or why there are none."""
    try:
        return [redact_batch(b, KEY) for b in read_webhook(Delivery("d", "", body, NOW, {}), {})], ""
    except SourceDataInvalid as error:
        return [], f"{error}; {error.hint}"


def test_odd_payloads_are_read_and_stored_or_refused(tmp_path: Path) -> None:
    chance = random.Random(7)
    readable = refused = 0
    with fresh_store(tmp_path, "odd") as store:
        for _ in range(40):
            for body in ALL:
                found, reason = read(json.dumps(mutated(json.loads(body), chance)).encode())
                assert "\n" not in reason
                refused += bool(reason)
                for batch in found:
                    readable += store.apply(batch).applied
    assert readable > 200
    assert refused > 60
