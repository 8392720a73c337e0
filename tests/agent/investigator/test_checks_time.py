"""Time order, arrival, and the path."""

from __future__ import annotations

from pathlib import Path

from agent.checks.applied import CHECK as APPLIED
from agent.checks.path import CHECK as PATH
from agent.checks.time_order import CHECK as TIME_ORDER
from agent.incident import Suspect
from graph.model import EntityRef
from tests.agent.investigator.checks_stage import (
    DATABASE,
    DETECTED,
    PAYMENTS,
    PLACES,
    SEARCH,
    SHOP,
    Stage,
    asked,
    at,
    condition,
    suspect,
    symptom,
)

# -- time order


def test_what_took_effect_shortly_before_the_alert_fits_and_what_came_after_it_does_not(tmp_path: Path) -> None:
    stage = Stage()
    alert = stage.alert("CheckoutErrors", "14:01", SHOP, service="checkout")
    before = suspect(stage.commit("before", "13:40"), "13:50", reached={"prod": at("13:50")})
    after = suspect(stage.commit("after", "14:02"), "14:04", reached={"prod": at("14:04")})
    with stage.scene(tmp_path, symptom("errors", anchors=(SHOP, alert)), PLACES) as scene:
        fits, late = asked(TIME_ORDER, scene, before, after)
    assert fits.verdict == "supports"
    assert "13:50 UTC" in fits.reason
    assert "11 min before" in fits.reason
    assert "CheckoutErrors" in fits.reason
    assert "alerts" in fits.sources
    assert late.verdict == "refutes"
    assert late.weight <= -3
    assert "after" in late.reason


def test_two_minutes_are_the_difference_of_two_clocks(tmp_path: Path) -> None:
    stage = Stage()
    alert = stage.alert("CheckoutErrors", "14:01", SHOP)
    close = suspect(stage.commit("close", "13:40"), "14:02", reached={"prod": at("14:02")})
    with stage.scene(tmp_path, symptom("errors", anchors=(SHOP, alert)), PLACES) as scene:
        (found,) = asked(TIME_ORDER, scene, close)
    assert found.verdict == "inconclusive"


def test_a_deployment_has_its_effect_from_its_beginning(tmp_path: Path) -> None:
    stage = Stage()
    alert = stage.alert("CheckoutErrors", "14:01", SHOP)
    commit = stage.commit("slow rollout", "13:40")
    shipped = stage.deployment(commit, "14:04", started="13:55")
    one = suspect(commit, "14:04", also=(shipped,), reached={"prod": at("14:04")})
    with stage.scene(tmp_path, symptom("errors", anchors=(SHOP, alert)), PLACES) as scene:
        (found,) = asked(TIME_ORDER, scene, one)
    assert found.verdict != "refutes"


def test_a_time_told_in_the_symptom_is_its_onset(tmp_path: Path) -> None:
    stage = Stage()
    after = suspect(stage.commit("after", "13:55"), "13:58", reached={"prod": at("13:58")})
    with stage.scene(tmp_path, symptom(text="checkout returns 502 since 13:30"), PLACES) as scene:
        (found,) = asked(TIME_ORDER, scene, after)
    assert found.verdict == "refutes"
    assert "13:30 UTC" in found.reason


def test_an_alert_of_the_same_sort_that_fired_before_the_change_and_still_does_refutes(tmp_path: Path) -> None:
    stage = Stage()
    stage.alert("CheckoutErrorRate", "12:00", SHOP, service="checkout")
    stage.alert("CheckoutErrorRate", "09:00", SHOP, service="checkout", ended="09:30")
    stage.alert("CheckoutDiskFull", "08:00", SHOP, service="checkout")
    early = suspect(stage.commit("early", "11:00"), "11:30", reached={"prod": at("11:30")})
    late = suspect(stage.commit("late", "12:00"), "13:30", reached={"prod": at("13:30")})
    with stage.scene(tmp_path, symptom("errors"), PLACES) as scene:
        first, second = asked(TIME_ORDER, scene, early, late)
    assert first.verdict != "refutes" or first.weight > -1
    assert second.weight <= -2
    assert "12:00 UTC" in second.reason


def test_a_refused_connection_does_not_wait_for_days_but_a_full_disk_does(tmp_path: Path) -> None:
    stage = Stage()
    old = suspect(stage.commit("old", "2026-03-02T10:00:00Z"), "2026-03-02T10:00:00Z")
    with stage.scene(tmp_path / "", symptom("refused"), PLACES) as scene:
        (prompt,) = asked(TIME_ORDER, scene, old)
        scene.symptom = symptom("disk")
        (slow,) = asked(TIME_ORDER, scene, old)
    assert prompt.verdict == "refutes"
    assert slow.weight > prompt.weight
    assert "2026-03-02 10:00 UTC" in prompt.reason


def test_when_a_quota_was_seen_to_be_used_up_says_nothing_of_its_beginning(tmp_path: Path) -> None:
    stage = Stage()
    quota = condition(SHOP, "quota", "14:00")
    with stage.scene(tmp_path, symptom(), PLACES) as scene:
        (found,) = asked(TIME_ORDER, scene, quota)
    assert found.verdict == "no_data"


# -- applied


def test_a_change_that_a_deployment_brought_there_is_told_with_it(tmp_path: Path) -> None:
    stage = Stage()
    commit = stage.commit("raise", "13:00")
    shipped = stage.deployment(commit, "13:50", by="ann")
    one = suspect(commit, "13:50", also=(shipped,), reached={"prod": at("13:50")}, expected=frozenset({"prod"}))
    with stage.scene(tmp_path, symptom(), PLACES) as scene:
        (found,) = asked(APPLIED, scene, one)
    assert found.verdict == "supports"
    assert "checkout 1.4.0 by ann" in found.reason
    assert "13:50 UTC" in found.reason
    assert "deployments" in found.sources


def test_a_change_that_reached_staging_only_is_not_the_cause_in_prod(tmp_path: Path) -> None:
    stage = Stage()
    one = suspect(
        stage.commit("raise", "13:00"), "13:00", means="merged", reached={"staging": at("13:20")},
        expected=frozenset({"prod", "staging"}),
    )  # fmt: skip
    unseen = suspect(
        stage.commit("other", "13:00"), "13:00", means="merged", reached={"staging": at("13:20")},
        expected=frozenset({"staging"}),
    )  # fmt: skip
    with stage.scene(tmp_path, symptom(), PLACES) as scene:
        strong, weak = asked(APPLIED, scene, one, unseen)
    assert strong.weight <= -2.5
    assert "staging at 13:20 UTC" in strong.reason
    assert strong.weight < weak.weight < 0


def test_what_was_merged_and_not_deployed_is_refuted_where_deployments_are_known_and_nowhere_else(
    tmp_path: Path,
) -> None:
    stage = Stage()
    known = suspect(
        stage.commit("known", "13:00"), "13:00", means="merged", expected=frozenset({"prod"}), merged_at=at("13:00")
    )
    unknown = suspect(stage.commit("unknown", "13:00"), "13:00", means="merged")
    with stage.scene(tmp_path, symptom(), PLACES) as scene:
        first, second = asked(APPLIED, scene, known, unknown)
    assert first.weight <= -2.5
    assert "13:00 UTC" in first.reason
    assert second.verdict == "no_data"
    assert second.weight == 0


def test_a_failed_deployment_put_nothing_into_effect(tmp_path: Path) -> None:
    stage = Stage()
    commit = stage.commit("raise", "13:00")
    stage.deployment(commit, "13:50", outcome="failed")
    one = suspect(commit, "13:00", means="merged", expected=frozenset({"prod"}))
    with stage.scene(tmp_path, symptom(), PLACES) as scene:
        (found,) = asked(APPLIED, scene, one)
    assert found.verdict == "refutes"
    assert "failed" in found.reason
    assert "13:50 UTC" in found.reason


def test_what_was_rolled_back_before_the_symptom_is_refuted(tmp_path: Path) -> None:
    stage = Stage()
    old, new = stage.commit("old", "2026-03-01T10:00:00Z", position=1), stage.commit("new", "12:00", position=2)
    stage.deployment(old, "2026-03-01T11:00:00Z", version="1.3.0")
    shipped = stage.deployment(new, "12:30", version="1.4.0")
    stage.deployment(old, "13:00", version="1.3.0", action="rollback", by="ann")
    one = suspect(new, "12:30", also=(shipped,), reached={"prod": at("12:30")}, expected=frozenset({"prod"}))
    with stage.scene(tmp_path, symptom(), PLACES) as scene:
        (found,) = asked(APPLIED, scene, one)
        scene.symptom = symptom(text="checkout fails since 12:40")
        (before,) = asked(APPLIED, scene, one)
    assert found.weight <= -2
    assert "rollback of checkout to 1.3.0" in found.reason
    assert before.verdict == "inconclusive"


def test_a_refused_call_changed_nothing(tmp_path: Path) -> None:
    stage = Stage()
    view = stage.audit("ec2:RevokeIngress", "13:59", SHOP, error="AccessDenied")
    one = suspect(view.change, "13:59", means="happened", views=(view,), reached={"prod": at("13:59")})
    with stage.scene(tmp_path, symptom(), PLACES) as scene:
        (found,) = asked(APPLIED, scene, one)
    assert found.verdict == "refutes"
    assert "AccessDenied" in found.reason


# -- path


def test_upstream_supports_by_distance_downstream_hardly_and_nowhere_speaks_against(tmp_path: Path) -> None:
    stage = Stage()
    stage.service("payments")
    stage.relate("DEPENDS_ON", SHOP, PAYMENTS)
    stage.relate("DEPENDS_ON", PAYMENTS, stage.resource("db"))
    stage.service("search")

    def of(name: str, where: EntityRef | None) -> Suspect:
        return suspect(stage.commit(name, "13:00"), "13:00", lies=PLACES[where] if where is not None else None)

    here, near, far = of("here", SHOP), of("near", PAYMENTS), of("far", DATABASE)
    down, nowhere = of("down", SEARCH), of("nowhere", None)
    with stage.scene(tmp_path, symptom(), PLACES) as scene:
        found = asked(PATH, scene, here, near, far, down, nowhere)
    weights = [f.weight for f in found]
    assert weights[0] > weights[1] > weights[2] > 0
    assert weights[3] < 0.05
    assert weights[4] < 0
    assert "checkout → payments → orders-db" in found[2].reason
    assert "DEPENDS_ON.yaml" in {p.locator for p in found[2].evidence.said}


def test_without_anchors_no_path_can_be_missed(tmp_path: Path) -> None:
    stage = Stage()
    one = suspect(stage.commit("x", "13:00"), "13:00", lies=None)
    with stage.scene(tmp_path, symptom(anchors=()), {}) as scene:
        (found,) = asked(PATH, scene, one)
        assert found.verdict == "no_data"
        assert scene.symptom.at == DETECTED
