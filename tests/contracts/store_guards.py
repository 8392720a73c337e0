"""The store contract: who may see what, caps, hostile input, purge."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import inf, nan

import pytest

from graph.clock import LATEST
from graph.errors import BatchRefused, StoreUnavailable
from graph.model import Assertion, EntityRef, FactBatch, Passage, Properties, Relation, Withdrawal
from graph.store import ChangeQuery, GraphStore, Limits, PurgeSelector, View
from tests.contracts.facts import (
    ALL,
    NOW,
    SLACK,
    account,
    alias,
    at,
    batch,
    block,
    changed,
    commit,
    denies,
    entity,
    passage,
    relation,
    says,
)
from tests.contracts.store_histories import EMBEDDER, answers, vectors

A, B, C = block("a"), block("b"), block("c")
ONE, TWO = commit("1"), commit("2")
P, Q = account("p"), account("q")

HOSTILE = [
    "'; DROP TABLE version; --",
    '"}) MATCH (n) DETACH DELETE n //',
    "$where %s {0} {{x}} ?1 :name @p",
    "../../etc/passwd\n\r\t",
    "ünï¢ødé 🔥 \u202e right-to-left",
    "a" * 4_000,
    "\\u0000 \\x1f",
    "%_*?[]^$",
    "__proto__",
    "+",
    " ",
]


class AudienceContract:
    def test_a_hidden_fact_is_seen_only_with_its_label(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A, name="x"), 1, label="ops"), says(entity(B), 1, label="fin+ops")))
        seen = [
            [one.ref for one in store.entities([A, B], view)] for view in (NOW, at(None, "ops"), at(None, "ops", "fin"))
        ]
        assert seen == [[], [A], [A, B]]
        assert store.entities([A, B], View(audience=frozenset({"ops"}))) != ()

    def test_public_facts_need_the_public_label_too(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A), 1)))
        assert store.entity(A, View(audience=frozenset())) is None

    def test_what_is_hidden_does_not_end_what_is_visible(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A, name="x"), 10), says(entity(A, name="secret"), 20, label="ops")))
        found = store.entity(A, at(25))
        assert found is not None
        assert (found.properties["name"], found.statements[0].valid_to) == ("x", None)

    def test_a_changed_label_is_a_withdrawal_here_and_an_assertion_there(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A, name="x"), 10)))
        store.apply(batch(says(entity(A, name="x"), 10, label="ops"), withdrawals=(Withdrawal(entity(A).key, 10),)))
        assert store.entity(A, NOW) is None
        assert store.entity(A, at(None, "ops")) is not None

    def test_an_outsider_gets_exactly_what_a_graph_without_the_hidden_part_answers(
        self, empty_store: Callable[[], GraphStore]
    ) -> None:
        with_hidden = empty_store()
        for one in _mixed(hidden=True):
            with_hidden.apply(one)
        with_hidden.put_vectors(EMBEDDER, vectors())
        outsiders = [View(moment, audience=frozenset({"public"})) for moment in (None, 4, 7)]
        found = [repr(answer) for view in outsiders for answer in answers(with_hidden, view)]
        insiders = [repr(answer) for answer in answers(with_hidden, at(None, "ops"))]
        without = empty_store()
        for one in _mixed(hidden=False):
            without.apply(one)
        without.put_vectors(EMBEDDER, vectors())
        assert found == [repr(answer) for view in outsiders for answer in answers(without, view)]
        assert insiders != found[: len(insiders)]

    def test_counts_leave_out_what_is_hidden(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A, name="x"), 1), says(entity(B, name="x"), 1, label="ops")))
        assert store.aggregate("Block", "name", NOW, ALL).items == (("x", 1),)
        assert store.aggregate("Block", "name", at(None, "ops"), ALL).items == (("x", 2),)
        assert store.status().entities == {"Block": 1}


class LimitsContract:
    @pytest.mark.parametrize("rows", [1, 3])
    def test_a_cap_on_rows_cuts_and_says_so(self, store: GraphStore, rows: int) -> None:
        many = [block(str(i)) for i in range(5)]
        for one in many:
            store.apply(
                batch(
                    says(entity(one, name="x"), int(one.id)),
                    says(entity(ONE), 1),
                    says(changed(ONE, one), 1),
                    says(alias(one, "same"), 1),
                    says(passage(one, "same words"), 1),
                    says(entity(A, name=one.id), 10 + int(one.id)),
                )
            )
        store.put_vectors(EMBEDDER, [(passage(A, "same words").content_hash, [1.0, 0.0])])
        few = Limits(rows=rows)
        pages = [
            store.select("Block", {"name": ["x"]}, NOW, few),
            store.changes(ChangeQuery(), NOW, few),
            store.changes(ChangeQuery(targets=many), NOW, few),
            store.neighbours([ONE], NOW, few),
            store.resolve_alias("same", NOW, few),
            store.search_names(("same",), NOW, few),
            store.search_text("words", NOW, few),
            store.search_vector(EMBEDDER, [1.0, 0.0], NOW, few),
            store.history(A, NOW, few),
        ]
        assert [(len(page.items), page.cut) for page in pages] == [(rows, True)] * len(pages)
        graph = store.subgraph([ONE], 1, NOW, few)
        assert (len(graph.relations), graph.cut) == (rows, True)

    def test_a_cap_that_is_just_enough_cuts_nothing(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A, name="x"), 1), says(entity(ONE), 1), says(changed(ONE, A), 1)))
        one = Limits(rows=1)
        pages = [
            store.select("Block", {"name": ["x"]}, NOW, one),
            store.changes(ChangeQuery(), NOW, one),
            store.neighbours([ONE], NOW, one),
            store.history(A, NOW, one),
        ]
        assert [(len(page.items), page.cut) for page in pages] == [(1, False)] * 4
        assert not store.subgraph([ONE], 1, NOW, one).cut

    def test_a_deadline_that_has_passed_cuts_and_says_so(self, store: GraphStore) -> None:
        refs = [block(str(i)) for i in range(20)]
        store.apply(
            batch(
                *(says(entity(ref, name="x"), 1) for ref in refs),
                *(says(relation("DEPENDS_ON", a, b), 1) for a, b in pairwise(refs)),
                *(says(passage(ref, "same words"), 1) for ref in refs),
                says(entity(ONE), 1),
                says(changed(ONE, refs[0]), 1),
                says(alias(refs[0], "same"), 1),
            )
        )
        late = Limits(deadline_s=0.0)
        assert store.select("Block", {"name": ["x"]}, NOW, late).cut
        assert store.changes(ChangeQuery(), NOW, late).cut
        assert store.neighbours(refs[:1], NOW, late).cut
        assert store.subgraph(refs[:1], 5, NOW, late).cut
        assert store.paths(refs[0], refs[5], NOW, late).cut
        assert store.search_text("words", NOW, late).cut
        assert store.search_names(("same",), NOW, late).cut
        assert store.aggregate("Block", "name", NOW, late).cut


class HostileContract:
    @pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
    def test_hostile_strings_are_data_in_every_field(self, store: GraphStore, text: str) -> None:
        ref, other, change = (
            EntityRef(f"Block:{text[:2000]}"),
            EntityRef("Block:other"),
            EntityRef(f"Commit:{text[:99]}"),
        )
        label = f"public+{text}"
        reader = View(audience=frozenset({"public", *label.split("+")}))
        props: dict[str, object] = {"name": text, text: text, "deep": {text: [text]}}
        facts = [
            entity(ref, **props),  # pyright: ignore[reportArgumentType]
            entity(other),
            entity(change),
            Relation(text, ref, other, {text: text}, text),
            changed(change, ref, text),
            alias(ref, text, scheme=text),
            Passage(ref, text, f"{text} needle"),
        ]
        one = FactBatch(
            text, text, text, text, [says(f, 1, label=label, locator=text, url=text) for f in facts], cursor=text
        )
        store.apply(one)
        assert not store.apply(one).applied
        found = store.entity(ref, reader)
        assert found is not None
        assert dict(found.properties) == props
        assert found.statements[0].provenance.locator == text
        assert store.entity(ref, NOW) is None
        edges = store.neighbours([ref], reader, ALL, types=[text])
        assert [(edge.type, edge.discriminator, dict(edge.properties)) for edge in edges.items] == [
            (text, text, {text: text})
        ]
        assert [one.change for one in store.changes(ChangeQuery(effects=frozenset({text})), reader, ALL).items] == [
            change
        ]
        assert [one.name for one in store.resolve_alias(text, reader, ALL, schemes=[text]).items] == [text]
        assert [hit.slot for hit in store.search_text("needle", reader, ALL).items] == [text]
        assert [one.ref for one in store.select("Block", {"name": [text]}, reader, ALL).items] == [ref]
        assert store.cursor(text, text) == text
        store.search_text(text, reader, ALL)
        store.search_names((text,), reader, ALL)
        store.apply(batch(denies(entity(ref), 5, label=label), source=text, scope=text))
        assert store.entity(ref, reader) is None

    @pytest.mark.parametrize(
        "bad",
        [
            {"name": "\ud800"},
            {"\udfff": 1},
            {"name": nan},
            {"name": [{"x": inf}]},
            {"name": "nul \0"},
            {"name": "x" * 5_000_000},
        ],
        ids=["surrogate", "surrogate key", "nan", "infinity", "nul", "large"],
    )
    def test_what_cannot_be_stored_is_quarantined_and_the_rest_kept(self, store: GraphStore, bad: Properties) -> None:
        store.apply(batch(says(entity(A, **bad), 1, locator="a.tf:1"), says(entity(B), 1), cursor="next"))
        assert [one.ref for one in store.entities([A, B], NOW)] == [B]
        (row,) = store.status().quarantine
        assert (row.locator, bool(row.reason), "xxxx" in row.reason) == ("a.tf:1", True, False)
        assert store.cursor("git", "org/name") == "next"

    @pytest.mark.parametrize(
        "bad",
        [
            says(alias(A, "lone \ud800"), 1),
            says(alias(A, "nul \0"), 1),
            says(alias(A, "x" * 10_000), 1),
            says(passage(A, "lone \udc00"), 1),
            says(entity(A), 1, locator="lone \ud800"),
            says(entity(A), 1, label="lone \ud800"),
            says(entity(A), 1, url="lone \ud800"),
            says(entity(EntityRef("Block:\ud800")), 1),
            says(relation("DEPENDS_ON", A, EntityRef("Block:\0")), 1),
            says(entity(A), LATEST + 1),
            says(entity(A), 2**70),
        ],
    )
    def test_names_and_times_that_cannot_be_stored_are_quarantined(self, store: GraphStore, bad: Assertion) -> None:
        store.apply(batch(bad, says(entity(B), 1)))
        assert [one.ref for one in store.entities([A, B], NOW)] == [B]
        assert len(store.status().quarantine) == 1
        list(store.dump())

    def test_withdrawals_that_cannot_be_stored_are_quarantined(self, store: GraphStore) -> None:
        bad = (
            Withdrawal("e\x1fBlock:\ud800", 1),
            Withdrawal(entity(A).key, 2**70),
            Withdrawal(entity(A).key, 1, label="nul \0"),
        )
        store.apply(batch(says(entity(B), 1), withdrawals=bad))
        assert store.entity(B, NOW) is not None
        assert len(store.status().quarantine) == 3

    @pytest.mark.parametrize(
        "bad",
        [
            batch(id="lone \ud800"),
            batch(source="nul \0"),
            batch(scope="x" * 5_000),
            batch(cursor="lone \ud800"),
            batch(extractor="nul \0"),
            batch(fresh_until=2**70),
            batch(snapshot=(2**70, 1)),
            batch(snapshot=(1, 2**70)),
        ],
        ids=range(8),
    )
    def test_a_batch_whose_own_fields_cannot_be_stored_is_refused(self, store: GraphStore, bad: FactBatch) -> None:
        with pytest.raises(BatchRefused) as caught:
            store.apply(bad)
        assert caught.value.hint
        assert store.record() == 0

    def test_questions_that_no_store_could_hold_find_nothing(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A), 1), says(passage(A, "words"), 1)))
        for text in ("\ud800", "nul \0"):
            assert store.entity(EntityRef(f"Block:{text}"), NOW) is None
            assert store.resolve_alias(text, NOW, ALL).items == ()
            assert store.search_text(text, NOW, ALL).items == ()
            assert store.search_names((text,), NOW, ALL).items == ()
            assert store.changes(ChangeQuery(targets=[EntityRef(f"Block:{text}")]), NOW, ALL).items == ()
            assert store.neighbours([A], NOW, ALL, types=[text]).items == ()
            assert store.cursor(text, text) is None

    def test_a_closed_store_says_that_it_is_closed(self, store: GraphStore) -> None:
        store.close()
        with pytest.raises(StoreUnavailable):
            store.entity(A, NOW)


class PurgeContract:
    def test_a_purged_entity_is_gone_from_every_time_and_record(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A, name="leaked"), 1), says(entity(B), 1), says(relation("DEPENDS_ON", B, A), 1)))
        store.apply(batch(says(entity(A, name="rotated"), 5), says(alias(A, "leaked-name"), 1)))
        store.apply(batch(says(passage(A, "the leaked words"), 1)))
        store.put_vectors(EMBEDDER, [(passage(A, "the leaked words").content_hash, [1.0, 0.0])])
        receipt = store.purge(PurgeSelector(refs=[A]), "secret in state")
        assert receipt.versions >= 4
        for view in (NOW, at(2), at(2, known_at=1)):
            assert store.entity(A, view) is None
            assert store.neighbours([B], view, ALL).items == ()
        assert store.history(A, NOW, ALL).items == ()
        assert store.select("Block", {"name": ["leaked"]}, at(2), ALL).items == ()
        assert store.resolve_alias("leaked-name", NOW, ALL).items == ()
        assert store.search_names(("leaked",), NOW, ALL).items == ()
        assert dict(store.name_vocabulary(NOW)) == {}
        assert store.search_text("leaked", NOW, ALL).items == ()
        assert store.search_vector(EMBEDDER, [1.0, 0.0], NOW, ALL).items == ()
        assert store.status().vectors == 0
        assert store.entity(B, NOW) is not None
        lines = list(store.dump())
        assert not any("leaked" in line or "rotated" in line for line in lines)
        assert any("secret in state" in line for line in lines)

    def test_a_purged_thing_stays_away_whatever_arrives_later(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A), 1), says(alias(B, "secret"), 1), says(entity(B), 1)))
        store.purge(PurgeSelector(refs=[A], fact_keys=[alias(B, "secret").key]), "erasure")
        store.apply(batch(says(entity(A), 9), says(alias(B, "secret"), 9), says(alias(B, "open"), 9)))
        store.apply(batch(says(entity(A), 9), says(relation("DEPENDS_ON", B, A), 1), source=SLACK))
        assert store.entity(A, NOW) is None
        assert store.neighbours([B], NOW, ALL).items == ()
        assert [one.name for one in store.aliases([B], NOW)] == ["open"]

    def test_everything_that_a_source_said_of_a_scope_can_be_purged(self, store: GraphStore) -> None:
        store.apply(batch(says(entity(A, name="git"), 1)))
        store.apply(batch(says(entity(A, name="chat"), 2), says(entity(B), 2), source=SLACK, scope="room"))
        store.apply(batch(says(entity(C), 2), source=SLACK, scope="other"))
        store.purge(PurgeSelector(source=SLACK, scope="room"), "left the company")
        store.apply(batch(says(entity(B), 3), source=SLACK, scope="room"))
        found = store.entity(A, NOW)
        assert found is not None
        assert (found.properties["name"], len(found.statements)) == ("git", 1)
        assert [one.ref for one in store.entities([B, C], NOW)] == [C]

    def test_a_purge_keeps_what_others_say_with_the_same_words(self, store: GraphStore) -> None:
        store.apply(batch(says(passage(A, "same words"), 1), says(passage(B, "same words"), 1)))
        store.apply(batch(says(alias(A, "same.name"), 1), says(alias(B, "same.name"), 1)))
        store.put_vectors(EMBEDDER, [(passage(A, "same words").content_hash, [1.0, 0.0])])
        alone = store.search_text("same", NOW, ALL).items[0].score
        store.purge(PurgeSelector(refs=[A]), "gone")
        (hit,) = store.search_text("same", NOW, ALL).items
        assert hit.ref == B
        assert hit.score != alone
        assert [one.ref for one in store.search_vector(EMBEDDER, [1.0, 0.0], NOW, ALL).items] == [B]
        assert [one.ref for one in store.search_names(("same",), NOW, ALL).items] == [B]


def _mixed(*, hidden: bool) -> list[FactBatch]:
    """Two batches in which hidden facts touch everything that is visible."""
    visible = [
        says(entity(A, name="api", type="lb"), 1),
        says(entity(B, name="web", type="lb"), 1),
        says(entity(ONE), 1),
        says(entity(P, system="git"), 1),
        says(relation("DEPENDS_ON", A, B), 1),
        says(changed(ONE, A), 5),
        says(relation("AUTHORED_BY", ONE, P), 5),
        says(alias(A, "aws_lb.main"), 1),
        says(passage(ONE, "open aws_lb.main and sg-0abc"), 5),
        says(passage(A, "aws_lb.main is slow"), 5),
    ]
    secret = [
        says(entity(A, name="secret"), 3, label="ops"),
        says(entity(C, name="api", type="lb"), 1, label="ops"),
        says(entity(TWO), 1, label="ops"),
        says(relation("SAME_AS", A, C), 1, label="ops"),
        says(relation("SAME_AS", P, Q), 1, label="ops"),
        says(relation("DEPENDS_ON", C, B), 1, label="ops"),
        says(relation("DEPENDS_ON", A, B, via="secret"), 2, label="ops"),
        says(changed(TWO, A), 6, label="ops"),
        says(relation("AUTHORED_BY", TWO, P), 6, label="ops"),
        says(alias(C, "aws_lb.main"), 1, label="ops"),
        says(alias(A, "main"), 1, label="ops"),
        *(says(passage(block(str(i)), f"aws_lb.main open sg-0abc {i}"), 1, label="ops") for i in range(5)),
        says(passage(A, "lb"), 6, label="ops"),
    ]
    ended = [says(entity(B, name="web", type="sg"), 6)]
    if not hidden:
        return [batch(*visible), batch(*ended)]
    return [batch(*visible, *secret), batch(*ended, denies(entity(B), 7, label="ops"))]
