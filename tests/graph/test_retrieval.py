"""Retrieval on a real store with the real model: meaning, identifiers, neighbours, and what is missing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from graph.clock import DAY
from graph.embedders.minilm_onnx import OnnxMiniLM
from graph.embeddings import Embedder, EmbedderUnavailable, RememberingEmbedder, embed_missing
from graph.model import PUBLIC, Alias, Assertion, Entity, EntityRef, Fact, FactBatch, Passage, Relation
from graph.retrieval import MAX_SENTENCES, Retrieved, identifiers_in, retrieve, sentences
from graph.store import GraphStore, Limits, View
from graph.stores import open_store

TEXTS = {
    "Commit:certs": "Renew the TLS certificates of the shop before they expire in March.",
    "Commit:scale": "The checkout was overloaded on Black Friday. Double the number of web servers.",
    "Commit:rule": "Send the traffic of partners to a target group of its own.",
    "Commit:alarm": "Page somebody when the disk of the database is nearly full.",
    "Commit:python": "Move the lambdas from Python 3.8 to 3.12.",
    "Thread:outage": "Customers could not pay.\n\nSomebody had removed a permission. aws_lb_listener_rule.api was fine.",
    "Document:holidays": "The office is closed between Christmas and New Year.",
}
ROOMY = Limits(rows=20, deadline_s=30)


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return RememberingEmbedder(OnnxMiniLM())


def deliver(store: GraphStore, name: str, *facts: Fact, label: str = PUBLIC) -> None:
    assertions = [
        Assertion(fact, valid_from=DAY, observed_at=DAY, locator=f"x/{fact.key}", label=label) for fact in facts
    ]
    store.apply(FactBatch(name, "test", "shop", "test/1", assertions))


@pytest.fixture
def store() -> Iterator[GraphStore]:
    rule, load_balancer, ann = EntityRef("Block:rule"), EntityRef("Block:lb"), EntityRef("Account:ann")
    with open_store("sqlite://:memory:") as opened:
        deliver(
            opened,
            "shop",
            *(Entity(EntityRef(ref), {}) for ref in TEXTS),
            *(Passage(EntityRef(ref), "body", text) for ref, text in TEXTS.items()),
            *(Entity(ref, {}) for ref in (rule, load_balancer, ann)),
            Alias(rule, "address", "aws_lb_listener_rule.api"),
            Alias(load_balancer, "address", "aws_lb.main"),
            Relation("CHANGED", EntityRef("Commit:rule"), rule, {"effect": "updated"}),
            Relation("AUTHORED_BY", EntityRef("Commit:rule"), ann, {}),
            Relation("DEPENDS_ON", rule, load_balancer, {}),
        )
        yield opened


@pytest.fixture
def embedded(store: GraphStore, embedder: Embedder) -> GraphStore:
    embed_missing(store, embedder)
    return store


def refs(found: Retrieved) -> list[str]:
    return [passage.hit.ref for passage in found.passages]


@pytest.mark.parametrize(
    ("query", "ref"),
    [
        ("customers were unable to make payments", "Thread:outage"),
        ("https stopped being trusted", "Commit:certs"),
        ("monitoring of storage running out", "Commit:alarm"),
        ("more capacity for peak load", "Commit:scale"),
        ("newer version of the programming language", "Commit:python"),
    ],
)
def test_meaning_is_found_in_other_words(embedded: GraphStore, embedder: Embedder, query: str, ref: str) -> None:
    found = retrieve(embedded, embedder, query, View(), ROOMY)
    assert refs(found)[0] == ref
    assert found.measure == "cosine"
    assert found.missing == ()
    scores = [passage.score for passage in found.passages]
    assert scores == sorted(scores, reverse=True)


def test_an_identifier_brings_the_text_that_holds_it_and_what_changed_it_before_all_else(
    embedded: GraphStore, embedder: Embedder
) -> None:
    found = retrieve(embedded, embedder, "who touched aws_lb_listener_rule.api?", View(), ROOMY)
    assert set(refs(found)[:2]) == {"Thread:outage", "Commit:rule"}
    assert [passage.literal for passage in found.passages[:3]] == [True, True, False]


def test_an_identifier_is_not_found_within_a_longer_one(embedded: GraphStore, embedder: Embedder) -> None:
    found = retrieve(embedded, embedder, "who touched aws_lb_listener_rule.ap?", View(), ROOMY)
    assert not any(passage.literal for passage in found.passages)


def test_what_the_query_names_comes_first_then_owners_of_passages_then_neighbours(
    embedded: GraphStore, embedder: Embedder
) -> None:
    found = retrieve(embedded, embedder, "AWS_LB_LISTENER_RULE.API", View(), ROOMY)
    via = {str(entity.ref): entity.via for entity in found.entities}
    assert found.entities[0].ref == "Block:rule"
    assert via["Block:rule"] == "name"
    assert via["Commit:rule"] == "passage"
    assert via["Block:lb"] == "neighbour"
    assert via["Account:ann"] == "neighbour"
    order = [entity.via for entity in found.entities]
    assert order == sorted(order, key=["name", "passage", "neighbour"].index)


def test_the_best_sentence_of_a_long_passage_counts(store: GraphStore, embedder: Embedder) -> None:
    filler = "\n\n".join(f"Paragraph {n} is about meetings, lunch and parking at the office." for n in range(12))
    long = f"{filler}\n\nThe queue workers ran out of memory.\n\n{filler}"
    deliver(store, "long", Entity(EntityRef("Document:long"), {}), Passage(EntityRef("Document:long"), "body", long))
    embed_missing(store, embedder)
    query = "queue workers ran out of memory"
    whole = store.search_vector(embedder.id, embedder.embed([query])[0].tolist(), View(), ROOMY)
    cosine = next(hit.score for hit in whole.items if hit.ref == "Document:long")
    best = retrieve(store, embedder, query, View(), ROOMY).passages[0]
    assert best.hit.ref == "Document:long"
    assert best.score > cosine + 0.2


def test_without_an_embedder_full_text_serves(store: GraphStore) -> None:
    found = retrieve(store, None, "TLS certificates", View(), ROOMY)
    assert refs(found) == ["Commit:certs"]
    assert (found.measure, found.missing) == ("bm25", ())


def test_without_vectors_full_text_serves_and_says_so(store: GraphStore, embedder: Embedder) -> None:
    found = retrieve(store, embedder, "TLS certificates", View(), ROOMY)
    assert refs(found) == ["Commit:certs"]
    assert found.measure == "bm25"
    assert "no passage" in found.missing[0]


def test_passages_that_have_no_vector_yet_are_found_beside_those_that_have(
    store: GraphStore, embedder: Embedder
) -> None:
    embed_missing(
        store, embedder, limit=1, passages=[Passage(EntityRef("Document:holidays"), "body", TEXTS["Document:holidays"])]
    )
    found = retrieve(store, embedder, "TLS certificates expire", View(), ROOMY)
    assert refs(found)[0] == "Commit:certs"
    assert found.measure == "cosine"


class MissingModel:
    """An embedder whose model cannot be loaded."""

    id = "all-MiniLM-L6-v2/onnx-int8/384"
    dimension = 384

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise EmbedderUnavailable("The model is damaged.", "Install it again.")


class OtherModel(MissingModel):
    """An embedder that the store was not built with."""

    id = "other/384"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.eye(384, dtype=np.float32)[[0] * len(texts)]


@pytest.mark.parametrize("broken", [MissingModel(), OtherModel()], ids=["missing", "other"])
def test_an_embedder_that_cannot_serve_costs_the_meaning_but_not_the_answer(
    embedded: GraphStore, broken: Embedder
) -> None:
    found = retrieve(embedded, broken, "TLS certificates", View(), ROOMY)
    assert refs(found) == ["Commit:certs"]
    assert found.measure == "bm25"
    assert len(found.missing) == 1


def test_what_the_audience_may_not_read_is_not_found_and_changes_nothing(
    embedded: GraphStore, embedder: Embedder
) -> None:
    query = "TLS certificates aws_lb_listener_rule.api"
    before = retrieve(embedded, embedder, query, View(), ROOMY)
    secret = EntityRef("Thread:secret")
    deliver(
        embedded,
        "secret",
        Entity(secret, {}),
        Passage(secret, "body", "The TLS certificates of aws_lb_listener_rule.api were stolen."),
        Relation("MENTIONS", secret, EntityRef("Block:rule"), {}),
        Alias(secret, "address", "aws_lb_listener_rule.api"),
        label="security",
    )
    embed_missing(embedded, embedder)
    assert retrieve(embedded, embedder, query, View(), ROOMY) == before
    insider = retrieve(embedded, embedder, query, View(audience=frozenset({PUBLIC, "security"})), ROOMY)
    assert refs(insider)[0] == "Thread:secret"


def test_before_a_passage_was_written_it_is_not_found(embedded: GraphStore, embedder: Embedder) -> None:
    assert retrieve(embedded, embedder, "TLS certificates", View(as_of=DAY - 1), ROOMY).passages == ()
    assert retrieve(embedded, embedder, "TLS certificates", View(as_of=DAY), ROOMY).passages != ()


def test_rows_cap_passages_and_entities_and_say_so(embedded: GraphStore, embedder: Embedder) -> None:
    found = retrieve(embedded, embedder, "aws_lb_listener_rule.api", View(), Limits(rows=2, deadline_s=30))
    assert (len(found.passages), len(found.entities), found.cut) == (2, 2, True)
    assert retrieve(embedded, embedder, "anything", View(), Limits(rows=0)).passages == ()
    assert not retrieve(embedded, embedder, "aws_lb_listener_rule.api", View(), ROOMY).cut


def test_joined_things_are_one_entity(embedded: GraphStore, embedder: Embedder) -> None:
    twin = EntityRef("Resource:rule")
    deliver(
        embedded,
        "twin",
        Entity(twin, {}),
        Alias(twin, "address", "aws_lb_listener_rule.api"),
        Relation("SAME_AS", twin, EntityRef("Block:rule"), {"rule": "address"}),
    )
    found = retrieve(embedded, embedder, "aws_lb_listener_rule.api", View(), ROOMY)
    assert len({"Resource:rule", "Block:rule"} & {entity.ref for entity in found.entities}) == 1


@pytest.mark.parametrize(
    "query", ["", " \n", "\0", "\ud800", "'; DROP TABLE x; --", "(((", '* AND "', "a" * 100_000, "🦀"]
)
def test_any_query_is_answered(embedded: GraphStore, embedder: Embedder, query: str) -> None:
    for chosen in (embedder, None):
        found = retrieve(embedded, chosen, query, View(), ROOMY)
        assert len(found.passages) <= ROOMY.rows


class SlowEmbedder:
    """The real vectors, 50 ms a call."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.id = embedder.id
        self.dimension = embedder.dimension

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        time.sleep(0.05)
        return self._embedder.embed(texts)


def test_a_deadline_ends_the_comparison_by_sentences_and_keeps_what_was_found(
    embedded: GraphStore, embedder: Embedder
) -> None:
    query = "TLS certificates aws_lb_listener_rule.api"
    started = time.monotonic()
    found = retrieve(embedded, SlowEmbedder(embedder), query, View(), Limits(rows=20, deadline_s=0.01))
    assert time.monotonic() - started < 1
    assert {"Commit:certs", "Thread:outage"} <= set(refs(found))


def test_the_same_query_gives_the_same_result(embedded: GraphStore, embedder: Embedder) -> None:
    query = "why was the listener rule aws_lb_listener_rule.api changed"
    assert retrieve(embedded, embedder, query, View(), ROOMY) == retrieve(embedded, embedder, query, View(), ROOMY)


def test_identifiers_are_taken_from_a_query_as_written() -> None:
    assert identifiers_in("who changed (module.vpc.aws_subnet.a[0]), and `sg-0abc`?") == [
        "module.vpc.aws_subnet.a[0]",
        "module.vpc.aws_subnet.a",
        "sg-0abc",
    ]
    assert identifiers_in("arn:aws:iam::123456789012:role/deploy was removed.") == [
        "arn:aws:iam::123456789012:role/deploy"
    ]
    assert identifiers_in("who changed the load balancer?") == []
    assert identifiers_in("sg-0abc sg-0abc") == ["sg-0abc"]


def test_sentences_end_at_stops_paragraphs_and_list_items_and_are_bounded() -> None:
    assert sentences("One thing. Another!\n\n- a first point\n- a second\n2. a third") == [
        "One thing.",
        "Another!",
        "- a first point",
        "- a second",
        "2. a third",
    ]
    assert sentences("") == [""]
    assert sentences("version 1.2.3 of aws_lb.main") == ["version 1.2.3 of aws_lb.main"]
    assert len(sentences("A sentence. " * 1_000)) == MAX_SENTENCES
