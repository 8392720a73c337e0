"""The prior over candidate changes: what it prefers, that it abstains, explains itself, and cannot be talked into anything."""

from __future__ import annotations

import random
from dataclasses import replace
from math import exp, isclose

import pytest

from agent.prior import Asked, Candidate, Later, PastChange, PastChanges, linked, score, shipped_model
from agent.prior.age import age_scores
from agent.prior.features import measure
from agent.prior.words import stem, told, words
from graph.clock import DAY, SECOND
from graph.model import EntityRef

NOON = 1_700_000_000 * SECOND
HOUR = 3_600 * SECOND
NOTHING = PastChanges()


def change(name: str, hours: float, title: str, **more: object) -> Candidate:
    """A change so many hours before noon."""
    plain = Candidate(EntityRef(f"Commit:{name}"), NOON - int(hours * HOUR), title, title)
    return replace(plain, **more)  # pyright: ignore[reportArgumentType]


def week() -> list[Candidate]:
    """A busy week without anything special."""
    topics = ("billing export", "search index", "mail relay", "login page", "image cache", "report queue")
    return [change(f"w{i:02}", 2.0 + 5 * i, f"Update {topics[i % 6]} settings {i}") for i in range(24)]


def best(asked: Asked, candidates: list[Candidate], past: PastChanges = NOTHING) -> EntityRef:
    """The ref ranked first."""
    scored = score(asked, candidates, past)
    return candidates[max(range(len(candidates)), key=lambda i: scored.log_odds[i])].ref


def test_a_change_that_names_what_fails_stands_before_newer_ones() -> None:
    named = change("cert", 60, "Renew the checkout certificate", paths=("tls/checkout.pem.yaml",))
    assert best(Asked("TLS error: the checkout certificate is not trusted", NOON), [*week(), named]) == named.ref


def test_a_symptom_without_words_leaves_the_newest_first() -> None:
    assert best(Asked("This broke things.", NOON), week()) == week()[0].ref


def test_the_changed_lines_tell_where_the_message_does_not() -> None:
    lines = change("lines", 30, "Tidy up", after_text="max_connections = 20", before_text="max_connections = 200")
    assert best(Asked("checkout fails: max_connections reached", NOON), [*week(), lines]) == lines.ref


def test_part_of_a_compound_word_is_recognised() -> None:
    lines = change("part", 8, "Roll out", after_text='"wikidatawiki": "php-9",')
    rows = measure(Asked("Wikidata is down", NOON), [lines, *week()], NOTHING).rows
    assert rows[0]["soft"] > max(row["soft"] for row in rows[1:])


def test_a_repository_that_undoes_late_makes_age_count_less() -> None:
    def undone(after: int) -> PastChanges:
        at = NOON - 30 * DAY
        return PastChanges(tuple(PastChange(at + i, f"Change {i}", (), at + i + HOUR, after) for i in range(60)))

    quick, slow = age_scores(60, undone(1).past(), NOON), age_scores(60, undone(40).past(), NOON)
    assert quick[0] - quick[39] > slow[0] - slow[39]
    assert slow[47] > slow[0]
    assert quick[47] < quick[0]


def test_what_was_undone_after_the_symptom_teaches_nothing() -> None:
    later = PastChanges(tuple(PastChange(NOON - DAY, f"Change {i}", (), NOON + HOUR, 40) for i in range(60)))
    assert age_scores(60, later.past(), NOON) == age_scores(60, (), NOON)


def test_a_path_of_which_earlier_changes_spoke_in_the_symptoms_words_is_preferred() -> None:
    about = [PastChange(NOON - (20 + i) * DAY, f"Fix thumbnails {i}", ("conf/render.ini",)) for i in range(5)]
    other = [PastChange(NOON - (20 + i) * DAY, f"Tune the pool {i}", ("conf/pool.ini",)) for i in range(40)]
    render = change("a", 20, "Bump values", paths=("conf/render.ini",))
    pool = change("b", 20, "Bump values", paths=("conf/pool.ini",))
    rows = measure(Asked("thumbnails are blank", NOON), [render, pool], PastChanges((*about, *other))).rows
    assert rows[0]["spoken_of"] > rows[1]["spoken_of"] == 0


def test_a_revert_is_spoken_of_by_what_it_takes_back() -> None:
    assert told('Revert "Add the pool"', 'Revert "Add the pool"\n\nCheckout was slow.')[1] == "Add the pool"
    assert told("Reverse the order", "Reverse the order\n\nWhy not")[1] == "Reverse the order\n\nWhy not"


def test_probabilities_and_none_of_these_sum_to_one_and_are_those_of_the_log_odds() -> None:
    scored = score(Asked("login page is broken", NOON), week(), NOTHING)
    shares = scored.probabilities()
    none = exp(scored.none_log_odds) / (sum(exp(one) for one in scored.log_odds) + exp(scored.none_log_odds))
    assert isclose(sum(shares) + none, 1.0)
    assert all(0 < share < 1 for share in shares)


def test_no_candidates_is_none_of_these() -> None:
    scored = score(Asked("login page is broken", NOON), [], NOTHING)
    assert (scored.log_odds, scored.contributions, scored.probabilities()) == ((), (), ())


def test_the_order_of_candidates_changes_nothing() -> None:
    candidates = [*week(), change("cert", 60, "Renew the checkout certificate")]
    asked = Asked("checkout certificate is not trusted", NOON)
    plain = dict(zip((c.ref for c in candidates), score(asked, candidates, NOTHING).log_odds, strict=True))
    random.Random(3).shuffle(candidates)
    assert dict(zip((c.ref for c in candidates), score(asked, candidates, NOTHING).log_odds, strict=True)) == plain


def test_reasons_add_up_to_the_difference_from_the_average() -> None:
    candidates = [*week(), change("cert", 60, "Renew the checkout certificate")]
    scored = score(Asked("checkout certificate is not trusted", NOON), candidates, NOTHING)
    told_points = sum(c.points for c in scored.contributions[-1])
    average = sum(scored.log_odds) / len(candidates)
    assert abs(told_points - (scored.log_odds[-1] - average)) < 0.6  # trifles are not told
    assert any("certificate" in c.sentence for c in scored.contributions[-1])


def test_reasons_are_the_weightiest_first_and_hold_no_open_slots() -> None:
    for reasons in score(Asked("{path} {word} login", NOON), week(), NOTHING).contributions:
        sizes = [abs(reason.points) for reason in reasons]
        assert sizes == sorted(sizes, reverse=True)
        assert not any("{" in reason.sentence and "}" in reason.sentence for reason in reasons)


def test_likeness_by_meaning_counts_when_there_is_an_embedder_and_is_not_missed_without() -> None:
    candidates = week()
    asked = Asked("people cannot sign in", NOON)
    dense = {c.ref: 0.8 if "login" in c.title else 0.05 for c in candidates}
    with_it, without = score(asked, candidates, NOTHING, dense=dense), score(asked, candidates, NOTHING)
    login = next(i for i, c in enumerate(candidates) if "login" in c.title)
    assert with_it.probabilities()[login] > without.probabilities()[login]
    assert all(one == one for one in without.log_odds)


def test_a_candidate_without_a_vector_is_taken_for_average() -> None:
    candidates = week()
    dense = {c.ref: 0.5 for c in candidates[1:]}
    rows = measure(Asked("login", NOON), candidates, NOTHING, dense).rows
    assert rows[0]["dense"] == pytest.approx(0.5)  # pyright: ignore[reportUnknownMemberType]


@pytest.mark.parametrize(
    "text", ["", "?", "数据库连接失败", "x" * 100_000, "word " * 20_000, "\0\ud800", "{0} %s \\1 (("]
)
def test_any_text_is_a_symptom(text: str) -> None:
    scored = score(Asked(text, NOON), week(), NOTHING)
    assert isclose(sum(scored.probabilities()), 1.0, abs_tol=0.999)


def test_clocks_that_run_ahead_do_no_harm() -> None:
    ahead = [change("ahead", -3, "From the future"), *week()]
    assert len(score(Asked("login page", NOON), ahead, NOTHING).log_odds) == 25


def test_who_made_a_change_is_no_feature_and_neither_is_being_a_revert() -> None:
    names = {*shipped_model().with_dense.choice, *shipped_model().without_dense.choice}
    assert not [name for name in names if "author" in name or "revert" in name]


def test_endings_are_cut_alike() -> None:
    assert len({stem(word) for word in ("caches", "cached", "caching")}) == 1
    assert "php-1.29.0-wmf.9" in words("undefined method in php-1.29.0-wmf.9/extensions/Hooks.php")


def test_what_took_a_change_back_is_found_in_the_past_and_in_the_window() -> None:
    refs = [EntityRef(f"Commit:{name}") for name in "abcde"]
    past = [(ref, PastChange(NOON - (i + 2) * DAY, f"Change {i}", ())) for i, ref in enumerate(refs)]
    window = [Later(EntityRef("Commit:y"), NOON - HOUR, "Y"), Later(EntityRef("Commit:z"), NOON - DAY, "Not good")]
    undone_by = {
        refs[1]: EntityRef("Commit:z"),
        refs[4]: refs[2],
        refs[0]: EntityRef("Commit:unknown"),
        refs[2]: refs[3],
    }
    changes = linked(past, window, undone_by).past()
    assert [(c.undone_after, c.undone_why) for c in changes] == [
        (0, ""),
        (2, "Not good"),
        (0, ""),
        (0, ""),
        (2, "Change 2"),
    ]
    assert changes[1].undone_at == NOON - DAY
