"""The store contract: full text and vectors."""

from __future__ import annotations

from math import nan, sqrt

import pytest

from graph.errors import EmbedderMismatch
from graph.store import GraphStore, Limits
from tests.contracts.facts import ALL, NOW, at, batch, block, commit, denies, passage, says

A, B, C = block("a"), block("b"), block("c")
ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/api/50dc6c495c0c9188"
EMBEDDER = "test-embedder"

TEXTS = {
    A: "Open sg-0abc for the listener, see aws_lb.main.",
    B: f"Priority of {ARN} raised",
    C: "The main load balancer of the shop is slow, main reason unknown",
}


def _three_texts(store: GraphStore) -> None:
    store.apply(batch(*(says(passage(ref, text), 10) for ref, text in TEXTS.items())))


def _hash(text: str) -> str:
    return passage(A, text).content_hash


class SearchContract:
    @pytest.mark.parametrize(
        ("query", "first"),
        [
            ("aws_lb.main", A),
            ("AWS_LB.Main", A),
            ("sg-0abc", A),
            (ARN, B),
            ("50dc6c495c0c9188", B),
            ("who opened sg-0abc?", A),
            ("load balancer", C),
        ],
    )
    def test_full_text_finds_identifiers_and_words(self, store: GraphStore, query: str, first: object) -> None:
        _three_texts(store)
        hits = store.search_text(query, NOW, ALL).items
        assert hits[0].ref == first
        assert hits[0].text == TEXTS[hits[0].ref]
        assert hits[0].provenance.locator == "somewhere"

    def test_the_texts_of_an_entity_are_read_by_its_ref_as_of_the_view(self, store: GraphStore) -> None:
        _three_texts(store)
        store.apply(batch(says(passage(A, "said later"), 20)))
        assert [(hit.ref, hit.text, hit.score) for hit in store.passages([B, A], NOW)] == [
            (ref, text, 1.0) for ref, text in sorted([(A, "said later"), (B, TEXTS[B])])
        ]
        assert [hit.text for hit in store.passages([A], at(15))] == [TEXTS[A]]
        assert store.passages([block("nobody")], NOW) == ()

    def test_a_text_that_one_batch_brings_back_to_a_known_entity_is_kept_once(self, store: GraphStore) -> None:
        store.apply(batch(says(passage(A, "first"), 1), says(passage(B, "other"), 1)))
        store.apply(batch(says(passage(A, "open"), 2), says(passage(A, "shut"), 3), says(passage(A, "open"), 4)))
        assert [store.passages([A], at(moment))[0].text for moment in (1, 2, 3, 4)] == ["first", "open", "shut", "open"]
        assert [hit.ref for hit in store.search_text("open", NOW, ALL).items] == [A]

    def test_an_identifier_ranks_above_its_parts(self, store: GraphStore) -> None:
        _three_texts(store)
        hits = store.search_text("aws_lb.main", NOW, ALL).items
        assert (hits[0].ref, {hit.ref for hit in hits}) == (A, {A, B, C})
        assert hits[0].score > 2 * hits[1].score > 0

    def test_words_that_nobody_wrote_find_nothing(self, store: GraphStore) -> None:
        _three_texts(store)
        assert store.search_text("kubernetes", NOW, ALL).items == ()
        assert store.search_text("", NOW, ALL).items == ()
        assert store.search_text("'\" OR TRUE --", NOW, ALL).items == ()

    def test_equal_scores_come_in_order_of_ref_and_slot(self, store: GraphStore) -> None:
        for ref, slot in ((B, "x"), (A, "y"), (A, "x")):
            store.apply(batch(says(passage(ref, "same words", slot), 1)))
        found = store.search_text("words", NOW, ALL).items
        assert [(hit.ref, hit.slot) for hit in found] == [(A, "x"), (A, "y"), (B, "x")]
        first = store.search_text("words", NOW, Limits(rows=2))
        assert (first.items, first.cut) == (found[:2], True)

    def test_a_text_is_found_only_while_it_holds(self, store: GraphStore) -> None:
        store.apply(batch(says(passage(A, "first words"), 10)))
        store.apply(batch(says(passage(A, "second words"), 20)))
        store.apply(batch(denies(passage(A, ""), 30)))
        found = [[hit.text for hit in store.search_text("words", at(t), ALL).items] for t in (9, 10, 19, 20, 30)]
        assert found == [[], ["first words"], ["first words"], ["second words"], []]
        assert [hit.text for hit in store.search_text("words", at(25, known_at=1), ALL).items] == ["first words"]

    def test_text_can_be_searched_by_kind(self, store: GraphStore) -> None:
        store.apply(batch(says(passage(A, "some words"), 1), says(passage(commit("1"), "some more words"), 1)))
        assert [hit.ref.kind for hit in store.search_text("words", NOW, ALL, kinds=["Commit"]).items] == ["Commit"]
        assert store.search_text("words", NOW, ALL, kinds=["Unheard"]).items == ()

    def test_a_long_list_of_passages_ranks_as_a_short_one_does(self, store: GraphStore) -> None:
        """Stores may score many postings another way than few: the ranking must not show it."""
        many = [
            says(passage(block(f"{i:05}"), f"common words number {i % 7}" + " pad" * (i % 5)), 1) for i in range(1_500)
        ]
        store.apply(batch(*many, says(passage(A, "common needle"), 1)))
        hits = store.search_text("common needle words", NOW, Limits(rows=20)).items
        assert hits[0].ref == A
        expected = sorted((-hit.score, hit.ref) for hit in hits)
        assert [(-hit.score, hit.ref) for hit in hits] == expected
        assert hits[1].ref == "Block:00000"

    # -- vectors

    def test_vectors_find_the_nearest_text_that_holds(self, store: GraphStore) -> None:
        _three_texts(store)
        store.apply(batch(denies(passage(B, ""), 20)))
        vectors = {A: [1.0, 0.0], B: [0.8, 0.6], C: [0.0, 1.0]}
        store.put_vectors(EMBEDDER, [(_hash(TEXTS[ref]), vector) for ref, vector in vectors.items()])
        half = sqrt(0.5)
        before = store.search_vector(EMBEDDER, [1.0, 0.0], at(15), ALL).items
        assert [(hit.ref, round(hit.score, 6)) for hit in before] == [(A, 1.0), (B, 0.8), (C, 0.0)]
        now = store.search_vector(EMBEDDER, [half, half], NOW, ALL).items
        assert [(hit.ref, round(hit.score, 6)) for hit in now] == [(A, 0.707107), (C, 0.707107)]
        assert [hit.ref for hit in store.search_vector(EMBEDDER, [0.0, 1.0], NOW, Limits(rows=1)).items] == [C]

    def test_a_vector_belongs_to_a_text_whoever_says_it_and_whenever(self, store: GraphStore) -> None:
        store.put_vectors(EMBEDDER, [(_hash("some words"), [1.0, 0.0])])
        store.apply(batch(says(passage(A, "some words"), 1), says(passage(B, "some words"), 5)))
        assert [hit.ref for hit in store.search_vector(EMBEDDER, [1.0, 0.0], NOW, ALL).items] == [A, B]
        assert [hit.ref for hit in store.search_vector(EMBEDDER, [1.0, 0.0], at(4), ALL).items] == [A]

    def test_another_embedder_or_dimension_is_refused(self, store: GraphStore) -> None:
        _three_texts(store)
        store.put_vectors(EMBEDDER, [(_hash(TEXTS[A]), [1.0, 0.0])])
        with pytest.raises(EmbedderMismatch) as caught:
            store.put_vectors("another", [(_hash(TEXTS[B]), [1.0, 0.0])])
        assert caught.value.hint
        with pytest.raises(EmbedderMismatch):
            store.put_vectors(EMBEDDER, [(_hash(TEXTS[B]), [1.0, 0.0, 0.0])])
        with pytest.raises(EmbedderMismatch):
            store.search_vector("another", [1.0, 0.0], NOW, ALL)
        with pytest.raises(EmbedderMismatch):
            store.missing_vectors("another", ALL)
        assert (store.status().vectors, store.status().embedder) == (1, EMBEDDER)

    def test_without_vectors_nothing_is_near(self, store: GraphStore) -> None:
        _three_texts(store)
        assert store.search_vector(EMBEDDER, [1.0, 0.0], NOW, ALL).items == ()

    @pytest.mark.parametrize("vector", [[nan, 1.0], [float("inf"), 1.0], []])
    def test_what_is_no_vector_is_refused_and_nothing_stored(self, store: GraphStore, vector: list[float]) -> None:
        with pytest.raises(ValueError, match="vector"):
            store.put_vectors(EMBEDDER, [(_hash("x"), vector)])
        assert (store.status().vectors, store.status().embedder) == (0, None)

    def test_what_has_no_vector_yet_is_listed_newest_first_each_text_once(self, store: GraphStore) -> None:
        store.apply(
            batch(
                says(passage(A, "old"), 10),
                says(passage(B, "new"), 30),
                says(passage(C, "old"), 20),
                says(passage(commit("1"), "gone"), 40, until=50),
                says(passage(commit("2"), "done"), 60),
            )
        )
        store.put_vectors(EMBEDDER, [(_hash("done"), [1.0, 0.0])])
        missing = store.missing_vectors(EMBEDDER, ALL)
        assert missing.items == ((_hash("new"), "new"), (_hash("old"), "old"))
        first = store.missing_vectors(EMBEDDER, Limits(rows=1))
        assert (first.items, first.cut) == (missing.items[:1], True)
        assert store.status().backlog == 2
