"""The questions: enough of them, each with an answer that the judge accepts, and a judge that is strict about content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.world.asking import TEMPLATES, Question
from bench.world.expect import Expect, Reach, score
from bench.world_questions import Outcome, questions, summary
from bench.worlds import write_world

Json = Mapping[str, object]
AT = datetime(2025, 3, 4, 14, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> list[Question]:
    worlds = [write_world(seed, tmp_path_factory.mktemp("world") / str(seed)) for seed in (0, 1, 2, 3, 4, 8)]
    return [question for world in worlds for question in questions(world)]


def ideal(expect: Expect) -> Json:
    """An answer that holds all that is expected, and nothing else."""
    words = [group[0] for group in (*expect.says, *expect.approved_by)] + list(expect.quote[:1])
    words += [f"{reach.latest:%Y-%m-%d %H:%M}" for reach in expect.times]
    changes: list[Json] = []
    for group in expect.contains or ((expect.first,) if expect.first else ()):
        identifier = group[0]
        repository, _, number = identifier.partition("#")
        entry: dict[str, object] = {"change": {"kind": "change", "id": identifier, "repository": None}, "reached": []}
        if number:
            entry = {
                "change": {"kind": "commit", "id": "0" * 40, "repository": repository},
                "pull_request": {"number": int(number)},
                "reached": [],
            }
        changes.append(entry)
    return {
        "status": "not_found" if expect.denies and not expect.says and not expect.cites else "answered",
        "text": ("No. " if expect.denies else "") + "; ".join(words),
        "changes": changes,
        "citations": [{"id": f"c{i}", "source": "x", "locator": group[0], "url": None} for i, group in enumerate(expect.cites, 1)],
        "facts": [],
    }  # fmt: skip


def test_there_are_at_least_sixty_templates_with_several_wordings() -> None:
    assert len(TEMPLATES) >= 60
    assert len({t.name for t in TEMPLATES}) == len(TEMPLATES)
    assert all(len(t.wordings) >= 2 and len(set(t.wordings)) == len(t.wordings) for t in TEMPLATES)


def test_nearly_every_template_finds_something_to_ask(asked: list[Question]) -> None:
    assert {t.name for t in TEMPLATES} - {q.id.rpartition("-")[0] for q in asked} <= {
        "when.staging_only",
        "certificate.incident",
    }


def test_every_question_needs_two_sources(asked: list[Question]) -> None:
    assert all(len(set(q.sources_needed)) >= 2 for q in asked)


def test_what_is_expected_of_each_question_can_be_fulfilled(asked: list[Question]) -> None:
    for question in asked:
        verdict = score(question.expect, ideal(question.expect))
        assert verdict.verdict == "right", (question.seed, question.id, question.question, verdict.reasons)


def test_an_answer_that_says_nothing_is_right_only_where_nothing_is_known(asked: list[Question]) -> None:
    silent: Json = {"status": "not_found", "text": "", "changes": [], "citations": []}
    for question in asked:
        right = score(question.expect, silent).verdict == "right"
        assert right == (question.expect.denies and not question.expect.says and not question.expect.cites)


def test_an_empty_answer_that_claims_to_be_one_is_wrong(asked: list[Question]) -> None:
    hollow: Json = {"status": "answered", "text": "Here you are.", "changes": [], "citations": []}
    assert all(score(question.expect, hollow).verdict == "wrong" for question in asked)


def test_naming_somebody_who_has_nothing_to_do_with_it_is_wrong(asked: list[Question]) -> None:
    for question in asked:
        if question.expect.never and not question.expect.denies:
            answer = dict(ideal(question.expect))
            answer["text"] = f"{answer['text']} {question.expect.never[0]}"
            assert score(question.expect, answer).verdict == "wrong"


def test_leaving_out_any_citation_is_wrong(asked: list[Question]) -> None:
    for question in asked:
        if question.expect.cites and not question.expect.denies:
            assert score(question.expect, {**ideal(question.expect), "citations": []}).verdict == "wrong"


def test_the_same_seed_asks_the_same(tmp_path: Path) -> None:
    once = list(questions(write_world(4, tmp_path / "a")))
    assert once == list(questions(write_world(4, tmp_path / "b")))


def _answer(**more: object) -> Json:
    return {"status": "answered", "text": "", "changes": [], "citations": [], "facts": [], **more}


def _change(identifier: str, **more: object) -> Json:
    return {"change": {"kind": "deployment", "id": identifier, "repository": "org/infra"}, "reached": [], **more}


def test_a_pull_request_is_not_one_whose_number_begins_alike() -> None:
    expect = Expect(cites=(("org/infra#12",),))
    assert score(expect, _answer(citations=[{"locator": "org/infra#12/reviews/9"}])).verdict == "right"
    assert score(expect, _answer(citations=[{"locator": "org/infra#123"}])).verdict == "wrong"


def test_order_is_newest_first_and_staging_is_not_prod() -> None:
    expect = Expect(contains=(("dep-2",), ("dep-1",)), ordered=True, allowed=(), absent=("dep-9",))
    assert score(expect, _answer(changes=[_change("dep-2"), _change("dep-1")])).verdict == "right"
    assert score(expect, _answer(changes=[_change("dep-1"), _change("dep-2")])).verdict == "wrong"
    assert score(expect, _answer(changes=[_change("dep-2"), _change("dep-1"), _change("dep-9")])).verdict == "wrong"


def test_what_happened_in_staging_may_be_told_only_as_such() -> None:
    expect = Expect(denies=True, misplaced=(("e-1", ("Anna Holm",), "staging", "prod"),))
    assert score(expect, _answer(text="No, nobody did in prod; Anna Holm did in staging.")).verdict == "right"
    assert score(expect, _answer(text="Anna Holm did, not through Terraform.")).verdict == "wrong"
    claimed = _change("e-1", reached=[{"environment": "prod", "earliest": "2025-03-04T14:02:00Z", "basis": "happened"}])
    assert score(expect, _answer(text="No, only in staging.", changes=[claimed])).verdict == "wrong"


def test_a_time_counts_to_the_minute_and_a_wrong_one_in_the_structure_is_wrong() -> None:
    expect = Expect(times=(Reach("prod", AT, AT + timedelta(minutes=3)),))
    assert score(expect, _answer(text="It reached prod on 2025-03-04 14:04 UTC.")).verdict == "right"
    assert score(expect, _answer(text="It reached prod at 14:03 on 4 March 2025.")).verdict == "right"
    assert score(expect, _answer(text="It reached prod on 2025-03-04 13:40 UTC.")).verdict == "wrong"
    reached = [{"environment": "prod", "earliest": "2025-03-04T13:40:00Z", "latest": None, "basis": "applied"}]
    assert score(expect, _answer(text="2025-03-04 14:04", changes=[_change("x", reached=reached)])).verdict == "wrong"


def test_a_quote_may_lose_its_edges_but_not_its_middle() -> None:
    expect = Expect(quote=("long polling clients were cut off in the middle of a response",))
    assert score(expect, _answer(text="“…Long polling clients were cut off in the middle of a…”")).verdict == "right"
    assert score(expect, _answer(text="Clients had problems.")).verdict == "wrong"


def test_approvers_are_exactly_those_who_approved() -> None:
    expect = Expect(approved_by=(("Anna Holm", "aholm"),))
    assert score(expect, _answer(changes=[_change("x", approved_by=["Anna Holm"])])).verdict == "right"
    assert score(expect, _answer(changes=[_change("x", approved_by=["Anna Holm", "Tom Vance"])])).verdict == "wrong"
    assert score(expect, _answer(text="Approved by Tom Vance")).verdict == "wrong"
    nobody = Expect(denies=True, nobody_approved=True)
    assert score(nobody, _answer(text="Nobody approved it.")).verdict == "right"
    assert (
        score(nobody, _answer(text="Not clear.", changes=[_change("x", approved_by=["Anna Holm"])])).verdict == "wrong"
    )


def test_an_ambiguous_answer_is_an_abstention() -> None:
    assert score(Expect(says=(("1.2.0",),)), _answer(status="ambiguous", text="1.2.0")).verdict == "abstained"


def test_the_table_has_a_line_for_each_family_with_an_interval(asked: list[Question]) -> None:
    rows = [Outcome(q, {}, score(q.expect, ideal(q.expect))) for q in asked[:50]]
    rows[0] = replace(rows[0], score=score(rows[0].question.expect, {"status": "not_found"}))
    table = summary(rows).splitlines()
    assert len(table) == len({q.family for q in asked[:50]}) + 2
    assert table[-1].startswith("all")
    assert "(" in table[-1]
