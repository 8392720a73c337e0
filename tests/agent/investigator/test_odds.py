"""Log odds before any check: by words and age alone, or with the graph, each with its reasons."""

from __future__ import annotations

from dataclasses import replace
from math import exp, isclose, log1p

import pytest

from agent.checks import NAMES
from agent.incident import Place, ReadClass, Suspect, Symptom, SymptomClass
from agent.odds import (
    Weights,
    Worth,
    by_regime,
    candidate,
    graph_features,
    none_features,
    prior_odds,
    release_only,
    text_regime,
    weights,
)
from agent.past import Past
from agent.prior import PastChanges
from graph.clock import DAY, Instant
from graph.model import EntityRef, Value, ref
from graph.store import ChangeView, Provenance
from tests.agent.investigator.engine_story import AT, MINUTE

HOUR = 60 * MINUTE
SERVICE = ref("Service", "payments")
HERE = Place(SERVICE, "payments", 0.0, "same")
UPSTREAM = Place(SERVICE, "payments", 1.0, "upstream")
DOWNSTREAM = Place(SERVICE, "payments", 1.5, "downstream")
SAID = Provenance("git", "shop/code", "x", AT)


def symptom(*classes: SymptomClass, text: str = "payments returns 502 from the gateway") -> Symptom:
    """A symptom of these classes."""
    read = tuple(ReadClass(c, "told", 0.9) for c in classes)
    return Symptom(text, AT, AT - 7 * DAY, "prod", read, (), tuple(text.split()))


def suspect(name: str = "a", *, ago: Instant = HOUR, place: Place | None = UPSTREAM, **more: object) -> Suspect:
    """A change of code."""
    key = EntityRef(f"Commit:{name}")
    one = Suspect(key, "change", key, SERVICE, AT - ago, "deployed", f"change {name}", "changes", place=place)
    return replace(one, **more)  # pyright: ignore[reportArgumentType]


def view(path: str, kind: str = "File", *attributes: tuple[str, Value, Value]) -> ChangeView:
    """What it did to a file or a block."""
    sides = [
        {"path": p, "before": {"state": "value", "value": b}, "after": {"state": "value", "value": a}}
        for p, b, a in attributes
    ]
    told: dict[str, Value] = {"effect": "updated", "path": path, "attributes": sides}
    return ChangeView(EntityRef("Commit:a"), ref(kind, path), AT, told, SAID, "public")


def only(**features: float) -> Weights:
    """Weights of these features and of none else."""
    return Weights(graph=features, checks={}, none={"none": 0.0})


def test_the_checked_in_weights_are_those_of_features_that_exist_and_say_how_they_were_made() -> None:
    trained = weights()
    known = graph_features(symptom("errors"), suspect(), 0.0, 0.0)
    assert set(trained.graph) <= set(known)
    assert set(trained.none) <= set(none_features(symptom("errors"), []))
    assert set(trained.checks) <= set(NAMES)
    assert set(trained.text_checks) <= set(NAMES)
    assert trained.command.startswith("python -m bench.") or "bench" in trained.command
    assert all(w.supports >= 0 and w.refutes >= 0 for w in trained.checks.values())


def test_with_a_place_the_log_odds_are_the_sum_of_their_reasons() -> None:
    some = [
        suspect("a"),
        suspect("b", ago=DAY, place=HERE),
        suspect("c", place=None),
    ]
    odds = prior_odds(symptom("errors"), some, PastChanges(), {})
    for one in some:
        assert isclose(odds.by_key[one.key], sum(p.points for p in odds.reasons[one.key]), abs_tol=1e-9)
        assert all(p.sentence for p in odds.reasons[one.key])
        assert not any("{" in p.sentence for p in odds.reasons[one.key])


def test_without_any_place_words_and_age_decide_and_none_of_these_is_theirs() -> None:
    some = [
        suspect("a", place=None, title="Change how the gateway answers 502"),
        suspect("b", place=None, title="Spelling"),
    ]
    odds = prior_odds(symptom("errors"), some, PastChanges(), {}, trained=only(here=9.0))
    assert odds.by_key[some[0].key] > odds.by_key[some[1].key]
    assert odds.reasons[some[0].key]
    placed = [replace(s, place=HERE) for s in some]
    by_graph = prior_odds(symptom("errors"), placed, PastChanges(), {}, trained=only(here=9.0))
    assert [by_graph.by_key[s.key] for s in some] == [9.0, 9.0]
    assert by_graph.none == 0.0


@pytest.mark.parametrize(
    ("place", "feature"), [(HERE, "here"), (UPSTREAM, "upstream"), (DOWNSTREAM, "downstream")]
)  # fmt: skip
def test_a_place_counts_by_its_direction(place: Place, feature: str) -> None:
    values = graph_features(symptom("errors"), suspect(place=place), 0.0, 0.0)
    assert {n for n in ("here", "upstream", "downstream") if values[n]} == {feature}
    near = 0.0 if place is DOWNSTREAM else exp(-place.distance)
    assert values["nearness"] == near


def test_age_counts_in_the_logarithm_of_hours_and_apart_for_what_builds_up() -> None:
    fast = graph_features(symptom("errors"), suspect(ago=5 * HOUR), 0.0, 0.0)
    slow = graph_features(symptom("oom"), suspect(ago=5 * HOUR), 0.0, 0.0)
    assert (fast["age"], fast["age_of_slow"]) == (-log1p(5.0), 0.0)
    assert (slow["age"], slow["age_of_slow"]) == (0.0, -log1p(5.0))
    assert graph_features(symptom("errors"), suspect(ago=-HOUR), 0.0, 0.0)["age"] == 0.0
    assert graph_features(symptom("errors"), suspect(ago=HOUR), 0.0, 0.0)["fresh"] == 1.0
    assert graph_features(symptom("errors"), suspect(ago=HOUR + 1), 0.0, 0.0)["fresh"] == 0.0


def test_memory_raises_exactly_whom_it_means() -> None:
    some = [suspect("a"), suspect("b")]
    odds = prior_odds(symptom("errors"), some, PastChanges(), {some[1].key: 0.5}, trained=only(memory=1.2))
    assert (odds.by_key[some[0].key], odds.by_key[some[1].key]) == (0.0, 0.6)
    [reason] = odds.reasons[some[1].key]
    assert reason.sentence == "a confirmed incident was like this"


def test_who_did_it_is_no_feature() -> None:
    features = graph_features(symptom("errors"), suspect(), 0.0, 0.0)
    assert not [f for f in features if "author" in f or "person" in f or "by_whom" in f]
    ann, bob = (replace(suspect(), properties={"by": name}) for name in ("Ann", "Bob"))
    values = [graph_features(symptom("errors"), one, 0.0, 0.0) for one in (ann, bob)]
    assert values[0] == values[1]


def test_odds_do_not_depend_on_the_order_of_the_suspects() -> None:
    some = [
        suspect("a"),
        suspect("b", ago=DAY, place=HERE),
        suspect("c", place=None, title="gateway 502"),
        suspect("d"),
    ]
    odds = prior_odds(symptom("errors"), some, PastChanges(), {})
    turned = prior_odds(symptom("errors"), some[::-1], PastChanges(), {})
    for one in some:
        assert isclose(odds.by_key[one.key], turned.by_key[one.key], abs_tol=1e-9)
    assert isclose(odds.none, turned.none, abs_tol=1e-9)


def test_without_suspects_there_is_only_none_of_these() -> None:
    odds = prior_odds(symptom("errors"), [], PastChanges(), {})
    assert dict(odds.by_key) == {}
    assert odds.none == odds.none


def test_none_of_these_knows_how_many_are_near_and_whether_the_symptom_was_understood() -> None:
    some = [suspect("a"), suspect("b", place=HERE), suspect("c", place=DOWNSTREAM), suspect("d", place=None)]
    assert none_features(symptom("errors"), []) == {"none": 1.0, "near": 0.0, "no_class": 0.0}
    assert none_features(symptom("errors"), some)["near"] == log1p(2)
    assert none_features(symptom(), [])["no_class"] == 1.0


@pytest.mark.parametrize(
    ("views", "release"),
    [
        ((view("payments/VERSION"),), True),
        ((view("deploy/values.yaml", "Block", ("image.tag", "1.0", "1.1")), view("deploy/values.yaml")), True),
        ((view("deploy/values.yaml", "Block", ("image.tag", "1.0", "1.1"), ("replicas", 3, 1)),), False),
        ((view("payments/VERSION"), view("payments/client.py")), False),
        ((view("payments/client.py"),), False),
        ((), False),
    ],
)
def test_a_release_names_another_version_and_nothing_else(views: tuple[ChangeView, ...], release: bool) -> None:
    assert release_only(suspect(views=views)) is release


def test_a_place_in_code_alone_leaves_the_odds_to_words_and_age_and_counts_nowhere() -> None:
    code = Place(ref("Block", "shop", "main.tf", "a"), "a", 0.0, "same")
    some = [suspect("a", place=None, title="gateway 502"), suspect("b", place=None, title="Spelling")]
    placed = [replace(some[0], place=code), replace(some[1], place=replace(code, direction="downstream"))]
    assert text_regime(placed)
    assert not text_regime([replace(some[0], place=HERE), placed[1]])
    plain, with_code = (
        prior_odds(symptom("errors"), x, PastChanges(), {}, trained=only(here=9.0)) for x in (some, placed)
    )
    assert plain.by_key == with_code.by_key


def test_beside_the_graph_words_and_age_do_not_count_places_and_memory_again() -> None:
    some = [suspect("a", place=HERE), suspect("b", place=DOWNSTREAM)]
    one = prior_odds(symptom("errors"), some, PastChanges(), {}, trained=only(words_and_age=1.0))
    two = prior_odds(symptom("errors"), some, PastChanges(), {some[1].key: 1.0}, trained=only(words_and_age=1.0))
    turned = [replace(some[0], place=DOWNSTREAM), replace(some[1], place=HERE)]
    three = prior_odds(symptom("errors"), turned, PastChanges(), {}, trained=only(words_and_age=1.0))
    assert one.by_key == two.by_key == three.by_key


def test_without_a_graph_checks_weigh_what_they_were_found_to_be_worth_there() -> None:
    trained = Weights(
        graph={}, none={}, checks={"time_order": Worth(power=0.4)}, text_checks={"time_order": Worth(supports=0.0)}
    )
    here, nowhere = [suspect("a", place=HERE)], [suspect("a", place=None)]
    assert by_regime(trained, here) is trained
    assert by_regime(trained, nowhere).checks == {"time_order": Worth(supports=0.0, power=0.4)}


def test_what_was_taken_back_before_the_symptom_is_less_likely() -> None:
    some = [suspect("a", place=None), suspect("b", place=None), suspect("c", place=None)]
    plain = prior_odds(symptom("errors"), some, Past(), {})
    undone = prior_odds(symptom("errors"), some, Past(undone={some[0].key: AT - MINUTE}), {})
    assert undone.by_key[some[0].key] < plain.by_key[some[0].key]


def test_a_candidate_tells_its_files_lines_once_and_where_it_arrived() -> None:
    lines: dict[str, Value] = {
        "effect": "updated",
        "path": "a.tf",
        "removed": "x = 1",
        "added": "x = 2",
        "sections": "a {",
    }
    views = (replace(view("a.tf"), properties=lines), view("a.tf", "Block", ("x", 1, 2)))
    one = suspect(views=views, added="x = 2\nx: 2", removed="x = 1\nx: 1", reached={"prod": AT})
    read = candidate(one, environment="prod")
    assert (read.before_text, read.after_text, read.sections) == ("x = 1", "x = 2", "a {")
    assert read.environment_match == 1.0
    assert candidate(one, environment="staging").environment_match == -1.0
    assert candidate(replace(one, reached={}), environment="staging").environment_match == 0.0
    assert candidate(one).environment_match == 0.0
