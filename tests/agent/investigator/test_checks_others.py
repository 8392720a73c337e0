"""What other parts, other places and earlier changes tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.checks.between import CHECK as BETWEEN
from agent.checks.earlier_same import CHECK as EARLIER_SAME
from agent.checks.elsewhere import CHECK as ELSEWHERE
from agent.checks.recovered import CHECK as RECOVERED
from agent.checks.victims import CHECK as VICTIMS
from agent.scene import Check
from tests.agent.investigator.checks_stage import (
    DATABASE,
    HERE,
    PAYMENTS,
    PLACES,
    SHOP,
    Stage,
    asked,
    at,
    place,
    suspect,
    symptom,
)

DB = PLACES[DATABASE]


def shop() -> Stage:
    """checkout → payments → orders-db ← billing."""
    stage = Stage()
    for name in ("payments", "billing", "search"):
        stage.service(name)
    db = stage.resource("db")
    assert db == DATABASE
    stage.relate("DEPENDS_ON", SHOP, PAYMENTS)
    stage.relate("DEPENDS_ON", PAYMENTS, DATABASE)
    stage.relate("DEPENDS_ON", stage.service("billing"), DATABASE)
    return stage


@pytest.mark.parametrize("check", [VICTIMS, ELSEWHERE, EARLIER_SAME, BETWEEN], ids=lambda c: c.name)
def test_without_alerts_nothing_is_told_of_others(tmp_path: Path, check: Check) -> None:
    stage = shop()
    change = stage.commit("raise", "13:00")
    one = suspect(change, "13:50", lies=DB, reached={"prod": at("13:50"), "staging": at("09:00")})
    with stage.scene(tmp_path, symptom(), PLACES) as scene:
        (found,) = asked(check, scene, one)
    assert found.verdict == "no_data"
    assert found.weight == 0


# -- victims


def test_another_part_on_the_same_database_that_failed_after_the_change_supports_it(tmp_path: Path) -> None:
    stage = shop()
    billing = stage.service("billing")
    stage.alert("BillingErrors", "13:58", billing, service="billing")
    stage.alert("BillingErrors", "13:59", billing, service="billing", environment="staging")
    change = stage.commit("raise", "13:00")
    unrelated = suspect(stage.commit("search", "13:00"), "13:50", lies=place(stage.service("search"), "search", 1))
    stage.alert("SearchErrors", "13:59", stage.service("search"), service="search")
    one = suspect(change, "13:50", lies=DB)
    with stage.scene(tmp_path, symptom(), PLACES) as scene:
        found, other = asked(VICTIMS, scene, one, unrelated)
    assert found.verdict == "supports"
    assert "BillingErrors of billing at 13:58 UTC" in found.reason
    assert "SearchErrors" not in found.reason
    assert "alerts" in found.sources
    assert other.verdict == "no_data"


def test_other_parts_that_stayed_well_speak_slightly_against_and_those_that_failed_before_strongly(
    tmp_path: Path,
) -> None:
    stage = shop()
    billing = stage.service("billing")
    stage.alert("BillingErrors", "2026-02-20T10:00:00Z", billing, service="billing", ended="2026-02-20T11:00:00Z")
    change = stage.commit("raise", "13:00")
    one = suspect(change, "13:50", lies=DB)
    with stage.scene(tmp_path, symptom(), PLACES) as scene:
        (well,) = asked(VICTIMS, scene, one)
    stage.alert("BillingErrors", "13:30", billing, service="billing")
    (tmp_path / "second").mkdir()
    with stage.scene(tmp_path / "second", symptom(), PLACES) as scene:
        (before,) = asked(VICTIMS, scene, one)
    assert -0.5 < well.weight < 0
    assert "billing" in well.reason
    assert before.weight <= -0.9
    assert "13:30 UTC" in before.reason


def test_the_symptoms_own_alerts_are_no_other_victims(tmp_path: Path) -> None:
    stage = shop()
    alert = stage.alert("CheckoutErrors", "14:00", SHOP, service="checkout")
    one = suspect(stage.commit("raise", "13:00"), "13:50", lies=DB)
    with stage.scene(tmp_path, symptom(anchors=(SHOP, alert)), PLACES) as scene:
        (found,) = asked(VICTIMS, scene, one)
    assert found.verdict == "no_data"


# -- between


def test_a_part_on_the_way_that_told_of_trouble_after_the_change_supports_it(tmp_path: Path) -> None:
    stage = shop()
    stage.alert("PaymentsSlow", "13:55", PAYMENTS, service="payments")
    stage.event("OOMKilled", "13:56", DATABASE)
    stage.event("Scheduled", "13:57", DATABASE)
    one = suspect(stage.commit("raise", "13:00"), "13:50", lies=DB)
    here = suspect(stage.commit("here", "13:00"), "13:50", lies=HERE)
    with stage.scene(tmp_path, symptom(), PLACES) as scene:
        found, own = asked(BETWEEN, scene, one, here)
    assert found.verdict == "supports"
    assert "PaymentsSlow of payments at 13:55 UTC" in found.reason
    assert "the event OOMKilled of orders-db at 13:56 UTC" in found.reason
    assert "Scheduled" not in found.reason
    assert {"alerts", "kubernetes"} <= found.sources
    assert own.verdict == "no_data"


def test_parts_on_the_way_that_are_watched_and_quiet_speak_slightly_against(tmp_path: Path) -> None:
    stage = shop()
    stage.alert("PaymentsSlow", "2026-02-20T10:00:00Z", PAYMENTS, service="payments", ended="2026-02-20T11:00:00Z")
    one = suspect(stage.commit("raise", "13:00"), "13:50", lies=DB)
    with stage.scene(tmp_path, symptom(), PLACES) as scene:
        (found,) = asked(BETWEEN, scene, one)
    assert -0.5 < found.weight < 0
    assert "payments" in found.reason


def test_a_part_on_the_way_that_had_been_failing_before_speaks_against(tmp_path: Path) -> None:
    stage = shop()
    stage.alert("PaymentsSlow", "12:00", PAYMENTS, service="payments")
    one = suspect(stage.commit("raise", "13:00"), "13:50", lies=DB)
    with stage.scene(tmp_path, symptom(), PLACES) as scene:
        (found,) = asked(BETWEEN, scene, one)
    assert found.verdict == "refutes"
    assert "12:00 UTC" in found.reason


# -- elsewhere


def test_harm_in_staging_hours_before_supports_and_none_there_speaks_slightly_against(tmp_path: Path) -> None:
    stage = shop()
    stage.alert("CheckoutErrors", "09:20", SHOP, service="checkout", environment="staging")
    harmful = suspect(stage.commit("a", "08:00"), "13:50", reached={"prod": at("13:50"), "staging": at("09:10")})
    harmless = suspect(stage.commit("b", "08:00"), "13:50", reached={"prod": at("13:50"), "staging": at("11:00")})
    unseen = suspect(stage.commit("c", "08:00"), "13:50", reached={"prod": at("13:50"), "lab": at("09:10")})
    at_once = suspect(stage.commit("d", "08:00"), "13:50", reached={"prod": at("13:50"), "staging": at("13:45")})
    with stage.scene(tmp_path, symptom(), PLACES) as scene:
        bad, good, dark, same = asked(ELSEWHERE, scene, harmful, harmless, unseen, at_once)
    assert bad.verdict == "supports"
    assert "staging at 09:20 UTC" in bad.reason
    assert -0.5 < good.weight < 0
    assert "11:00 UTC" in good.reason
    assert dark.verdict == "no_data"
    assert same.verdict == "no_data"


def test_the_same_value_set_on_another_thing_before_is_the_same_change_elsewhere(tmp_path: Path) -> None:
    stage = shop()
    other = stage.resource("other-db")
    stage.alert("OtherDown", "2026-03-01T10:20:00Z", other, ended="2026-03-01T12:00:00Z")
    first = stage.commit("first", "2026-03-01T10:00:00Z")
    stage.changed(first, other, "2026-03-01T10:00:00Z", {"max_connections": 10})
    change = stage.commit("second", "13:00")
    view = stage.changed(change, DATABASE, "13:00", {"max_connections": 10})
    different = stage.commit("third", "13:00")
    other_view = stage.changed(different, DATABASE, "13:00", {"max_connections": 99})
    one = suspect(change, "13:50", lies=DB, views=(view,))
    not_alike = suspect(different, "13:50", lies=DB, views=(other_view,))
    with stage.scene(tmp_path, symptom(), PLACES) as scene:
        found, none = asked(ELSEWHERE, scene, one, not_alike)
    assert found.verdict == "supports"
    assert "OtherDown" in found.reason
    assert none.verdict == "no_data"


# -- the same before


def test_an_earlier_change_of_the_same_attribute_that_was_followed_by_an_alert_supports(tmp_path: Path) -> None:
    stage = shop()
    stage.alert("CheckoutErrors", "2026-02-01T10:30:00Z", SHOP, ended="2026-02-01T11:00:00Z")
    stage.changed(
        stage.commit("then", "2026-02-01T10:00:00Z"), DATABASE, "2026-02-01T10:00:00Z", {"pool": 5, "name": "x"}
    )
    stage.changed(stage.commit("dull", "2026-02-10T10:00:00Z"), DATABASE, "2026-02-10T10:00:00Z", {"tags": "x"})
    troubled, quiet, fresh = (stage.commit(n, "13:00") for n in ("troubled", "quiet", "fresh"))
    first = suspect(troubled, "13:50", lies=DB, views=(stage.changed(troubled, DATABASE, "13:00", {"pool": 9}),))
    second = suspect(quiet, "13:50", lies=DB, views=(stage.changed(quiet, DATABASE, "13:00", {"tags": "y"}),))
    third = suspect(fresh, "13:50", lies=DB, views=(stage.changed(fresh, DATABASE, "13:00", {"engine": 9}),))
    with stage.scene(tmp_path, symptom(), PLACES) as scene:
        found, harmless, new = asked(EARLIER_SAME, scene, first, second, third)
    assert found.verdict == "supports"
    assert "pool" in found.reason
    assert "2026-02-01 10:30 UTC" in found.reason
    assert -0.5 < harmless.weight < 0
    assert new.verdict == "no_data"


def test_what_is_changed_every_day_is_near_an_alert_by_chance(tmp_path: Path) -> None:
    stage = shop()
    stage.alert("CheckoutErrors", "2026-02-03T10:30:00Z", SHOP, ended="2026-02-03T11:00:00Z")
    for day in range(1, 7):
        when = f"2026-02-{day:02}T10:00:00Z"
        stage.changed(stage.commit(f"bump {day}", when), DATABASE, when, {"image": day})
    change = stage.commit("bump", "13:00")
    one = suspect(change, "13:50", lies=DB, views=(stage.changed(change, DATABASE, "13:00", {"image": 9}),))
    with stage.scene(tmp_path, symptom(), PLACES) as scene:
        (found,) = asked(EARLIER_SAME, scene, one)
    assert found.verdict == "inconclusive"
    assert "by chance" in found.reason or "than chance" in found.reason


def test_an_earlier_change_before_any_alert_is_known_tells_nothing(tmp_path: Path) -> None:
    stage = shop()
    stage.alert("CheckoutErrors", "2026-02-20T10:30:00Z", SHOP, ended="2026-02-20T11:00:00Z")
    stage.changed(stage.commit("then", "2025-06-01T10:00:00Z"), DATABASE, "2025-06-01T10:00:00Z", {"pool": 5})
    change = stage.commit("now", "13:00")
    one = suspect(change, "13:50", lies=DB, views=(stage.changed(change, DATABASE, "13:00", {"pool": 9}),))
    with stage.scene(tmp_path, symptom(), PLACES) as scene:
        (found,) = asked(EARLIER_SAME, scene, one)
    assert found.verdict == "no_data"


# -- taken back


def test_what_was_reverted_before_the_symptom_began_is_refuted_and_what_was_reverted_after_is_not(
    tmp_path: Path,
) -> None:
    stage = shop()
    alert = stage.alert("CheckoutErrors", "13:30", SHOP)
    early, late = stage.commit("early", "10:00", position=1), stage.commit("late", "13:00", position=2)
    undone = stage.commit("Revert early", "11:00", position=3, reverts=early)
    stage.deployment(undone, "11:30", version="3")
    stage.commit("Revert late", "14:00", position=4, reverts=late)
    kept = suspect(stage.commit("kept", "12:00", position=5), "12:00")
    first = suspect(early, "10:30", reached={"prod": at("10:30")}, expected=frozenset({"prod"}))
    second = suspect(late, "13:20", reached={"prod": at("13:20")}, expected=frozenset({"prod"}))
    with stage.scene(tmp_path, symptom(anchors=(SHOP, alert)), PLACES) as scene:
        gone, open_, untouched = asked(RECOVERED, scene, first, second, kept)
    assert gone.weight <= -2.5
    assert "Revert early" in gone.reason
    assert "11:30 UTC" in gone.reason
    assert open_.verdict == "inconclusive"
    assert untouched.verdict == "no_data"


def test_what_was_turned_back_by_hand_before_the_symptom_is_refuted(tmp_path: Path) -> None:
    stage = shop()
    alert = stage.alert("CheckoutErrors", "13:30", SHOP)
    first = stage.audit("Modify", "12:00", DATABASE, turned=(10, 5))
    back = stage.audit("Restore", "12:30", DATABASE, turned=(5, 10))
    one = suspect(first.change, "12:00", means="happened", lies=DB, views=(first,), reached={"prod": at("12:00")})
    last = suspect(back.change, "12:30", means="happened", lies=DB, views=(back,), reached={"prod": at("12:30")})
    with stage.scene(tmp_path, symptom(anchors=(SHOP, alert)), PLACES) as scene:
        gone, stays = asked(RECOVERED, scene, one, last)
    assert gone.weight <= -2.5
    assert "12:30 UTC" in gone.reason
    assert stays.verdict == "no_data"


def test_a_revert_that_has_not_arrived_takes_nothing_back(tmp_path: Path) -> None:
    stage = shop()
    alert = stage.alert("CheckoutErrors", "13:30", SHOP)
    early = stage.commit("early", "10:00", position=1)
    stage.deployment(early, "10:30", version="1")
    stage.commit("Revert early", "11:00", position=3, reverts=early)
    one = suspect(early, "10:30", reached={"prod": at("10:30")}, expected=frozenset({"prod"}))
    with stage.scene(tmp_path, symptom(anchors=(SHOP, alert)), PLACES) as scene:
        (found,) = asked(RECOVERED, scene, one)
    assert found.verdict == "inconclusive"
    assert "had not arrived" in found.reason


def test_trouble_that_ended_when_a_like_change_was_taken_back_supports(tmp_path: Path) -> None:
    stage = shop()
    stage.alert("CheckoutErrors", "2026-02-01T10:30:00Z", SHOP, ended="2026-02-01T12:20:00Z")
    then = stage.commit("then", "2026-02-01T10:00:00Z")
    stage.changed(then, DATABASE, "2026-02-01T10:00:00Z", {"pool": 5})
    stage.commit("Revert then", "2026-02-01T12:00:00Z", reverts=then)
    change = stage.commit("now", "13:00")
    one = suspect(change, "13:50", lies=DB, views=(stage.changed(change, DATABASE, "13:00", {"pool": 5}),))
    with stage.scene(tmp_path, symptom(), PLACES) as scene:
        (found,) = asked(RECOVERED, scene, one)
    assert found.verdict == "supports"
    assert "2026-02-01 12:20 UTC" in found.reason
    assert {"alerts", "git"} <= found.sources
