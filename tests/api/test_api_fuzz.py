"""Every operation of the API is called with whatever its description allows, and with what it does not: the server never fails."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownParameterType=false, reportMissingTypeArgument=false
# (schemathesis leaves its types open)
from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.api.http_server import Client, serving, settings_of


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, read: Path) -> Iterator[Client]:
    home = tmp_path_factory.mktemp("fuzzed")
    shutil.copyfile(read / "lore.db", home / "lore.db")
    # What it starts must not fill the queue: that is told as 503, as it should be.
    api = {"investigations_waiting": 1_000_000}
    with serving(settings_of(home, home / "lore.db", api=api)) as (client, _):
        yield client


def test_no_request_that_the_description_allows_makes_the_server_fail(client: Client) -> None:
    base = f"http://127.0.0.1:{client.port}"
    described = schemathesis.openapi.from_url(f"{base}/openapi.json")
    operations = [one.ok() for one in described.get_all_operations() if isinstance(one, Ok)]
    assert {f"{one.method.upper()} {one.path}" for one in operations} >= EXPECTED
    missing: set[str] = set()
    both = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
    for operation, mode in ((one, mode) for one in operations for mode in both):

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large),
        )
        def ask(case: schemathesis.Case) -> None:
            answer = case.call(base_url=base, timeout=30)
            if answer.status_code == 501:
                missing.add(case.operation.path)
                return
            case.validate_response(
                answer, checks=[not_a_server_error, response_schema_conformance, content_type_conformance]
            )

        with suppress(Unsatisfiable):  # nothing that is wrong can be made of it
            ask()
    assert not missing & NEVER_MISSING


EXAMPLES = 20
NEVER_MISSING = {
    "/api/v1/ask",
    "/api/v1/investigations",
    "/api/v1/changes",
    "/api/v1/resources/{ref}",
    "/api/v1/status",
}
EXPECTED = {f"GET {path}" for path in NEVER_MISSING} | {
    "POST /api/v1/ask", "POST /api/v1/investigations", "POST /api/v1/cost/estimate", "GET /api/v1/drift", "GET /api/v1/cost",
    "GET /api/v1/digests/{period}", "GET /healthz", "GET /readyz", "GET /metrics", "GET /api/v1/investigations/{identifier}/events",
}  # fmt: skip


HOSTILE = (
    "%00", "%FF%FE", "%ED%A0%80", "9" * 400, "-1", "1e309", "NaN", "0000-00-00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00%2B23:59",
    "2026-13-40", "../../etc/passwd", "%2e%2e%2f", "Kind:", ":", "Resource:%00", "'%20OR%201=1--", "%F0%9F%92%A5", "a" * 3_000,
)  # fmt: skip
QUERIES = (
    "/api/v1/ask?q={0}", "/api/v1/ask?q=who+owns+x&as_of={0}", "/api/v1/ask?q=x&since={0}&until={0}", "/api/v1/ask?q=x&known_at={0}",
    "/api/v1/changes?since={0}", "/api/v1/changes?target={0}", "/api/v1/changes?by={0}", "/api/v1/changes?limit={0}",
    "/api/v1/changes?environment={0}&as_of={0}", "/api/v1/resources/{0}", "/api/v1/resources/{0}/history", "/api/v1/investigations/{0}",
    "/api/v1/investigations/inv_{0}", "/api/v1/investigations/{0}/events", "/api/v1/investigations?cursor={0}", "/docs/{0}", "/{0}",
)  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_hostile_words_in_a_url_are_refused_or_answered(client: Client, query: str) -> None:
    for word in HOSTILE:
        said = client.get(query.format(word))
        assert said.status < 500, (query, word[:50], said.body)
        if said.status >= 400:
            assert said.headers["content-type"] == "application/problem+json"


BODIES = (
    b"", b"{", b"null", b"[]", b'""', b"[" * 50_000, b"\xff\xfe", b'{"question": "\\ud800"}', b'{"question": "a\\u0000b"}',
    b'{"question": 1e999}', b'{"question": {"a": 1}}', b'{"question": "x", "as_of": "\\ud800"}', b'{"\\ud800": 1}',
    b'{"question": "x", "question": "y"}', b'{"question": ' + b"9" * 5_000 + b"}", b'{"symptom": "x", "at": "9999-99-99"}',
    b'{"symptom": "\\ud83d", "options": {"seconds": NaN}}', b'{"symptom": "x\\u0000y", "options": {"steps": 1}}',
    b'{"symptom": "x", "options": {"window_days": 1e308}}', b'{"format_version": 1, "resource_changes": [[]]}',
    b'{"format_version": "1.2", "resource_changes": [{"change": {"after": 7}}]}', b'{"format_version": "\\ud800", "resource_changes": []}',
)  # fmt: skip


@pytest.mark.parametrize("path", ["/api/v1/ask", "/api/v1/investigations", "/api/v1/cost/estimate"])
def test_hostile_bodies_are_refused_or_answered(client: Client, path: str) -> None:
    for body in BODIES:
        for sort in ("application/json", "text/plain", "application/json; charset=utf-16", "x"):
            said = client.ask("POST", path, body, {"content-type": sort})
            if said.status == 501:
                continue
            assert said.status < 500, (path, body[:80], said.body)
