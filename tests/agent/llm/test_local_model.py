"""A real model, if you have one: LORE_TEST_LLM_BASE_URL=http://localhost:11434/v1 LORE_TEST_LLM_MODEL=qwen3:8b (and LORE_TEST_LLM_KEY).

What is asserted holds for any model: what stands up was offered, retrieved or said, and something does stand up.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from agent.assist import propose, read_symptom
from agent.free_language import ask_freely
from agent.llm import ChatModel
from agent.llm_material import Offered, OfferedChange
from agent.providers import ModelSettings, open_model
from graph.model import EntityRef
from graph.store import GraphStore
from graph.stores.sqlite import SqliteStore
from ingest.redact import redact_text
from tests.agent.world import NOW, World, value

BASE_URL = os.environ.get("LORE_TEST_LLM_BASE_URL", "")  # noqa: TID251 - opt-in
MODEL = os.environ.get("LORE_TEST_LLM_MODEL", "")  # noqa: TID251
KEY = os.environ.get("LORE_TEST_LLM_KEY", "")  # noqa: TID251

pytestmark = [
    pytest.mark.skipif(
        not (BASE_URL and MODEL), reason="no local model: set LORE_TEST_LLM_BASE_URL and LORE_TEST_LLM_MODEL"
    ),
    pytest.mark.timeout(600),
]


@pytest.fixture
def model() -> ChatModel:
    return open_model(
        ModelSettings("openai", model=MODEL, base_url=BASE_URL, api_key=KEY, timeout_s=180, max_output_tokens=4_000)
    )


@pytest.fixture
def store() -> Iterator[GraphStore]:
    world = World()
    made = world.commit("Payments first", "Bob Baker", at="2024-03-04T10:00:00")
    changed = {"priority": (value(10), value(5))}
    world.block(made, "aws_lb_listener_rule.shop", attributes={"priority": 5}, changed=changed)
    with SqliteStore() as opened:
        yield world.into(opened)


def test_a_symptom_is_read(model: ChatModel) -> None:
    sorts = {"errors": "requests that fail, HTTP 5xx", "latency": "slow answers", "disk": "disks that are full"}
    found = read_symptom(model, "checkout returns 502 since 14:02", sorts, redact=redact_text)
    assert "errors" in [c.name for c in found.value.classes]
    assert "checkout" in found.value.names


def test_a_cause_is_proposed(model: ChatModel) -> None:
    checkout = Offered(EntityRef("Service:a"), "checkout", "Service")
    pool = OfferedChange(
        EntityRef("Commit:1"),
        "Cut database pool of checkout",
        "2026-03-04T13:50:00Z",
        "max_connections 200 → 2",
        ("c1",),
    )
    docs = OfferedChange(
        EntityRef("Commit:2"), "Fix typo in README", "2026-03-04T13:55:00Z", "README.md: teh → the", ("c2",)
    )
    found = propose(model, "checkout returns 502: too many connections", [checkout], [docs, pool], redact=redact_text)
    assert found.value
    assert found.value[0].change == pool.ref


def test_a_question_is_answered(model: ChatModel, store: GraphStore) -> None:
    answer = ask_freely(model, store, "which of us fiddled with the shop's listener rule?", redact=redact_text, now=NOW)
    assert answer.changes[0].by.name == "Bob Baker"
    assert answer.usage.llm_calls > 0
