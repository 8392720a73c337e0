"""Changes as suspects: each once, under all its names, with when it took effect and where it lies."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from agent import suspects as module
from agent.incident import Suspect
from agent.scene import Scene
from agent.suspects import suspects_between
from graph.clock import DAY, rfc3339
from graph.model import EntityRef, Relation, ref
from graph.store import GraphStore
from graph.stores import open_store
from tests.agent.investigator.engine_story import AT, MINUTE, REPOSITORY, Story, at, scene

CHECKOUT = ref("Service", "checkout")


def found(store: GraphStore, *, days: float = 7, environment: str = "prod") -> dict[EntityRef, Suspect]:
    """The suspects of a window, by key."""
    return {s.key: s for s in listed(scene(store, CHECKOUT, days=days, environment=environment))}


def listed(one: Scene) -> tuple[Suspect, ...]:
    """The suspects of the scene's window, each key once."""
    some = suspects_between(one, one.symptom.since, one.symptom.at, "changes")
    assert len({s.key for s in some}) == len(some)
    return some


def shop() -> Story:
    """Services, of which checkout needs payments, and two environments."""
    story = Story()
    story.service("checkout", "payments")
    story.service("payments")
    story.service("search")
    story.environment("prod")
    story.environment("staging")
    return story


# -- one change, many names


def test_one_change_is_one_suspect_under_all_its_names() -> None:
    story = shop()
    instance = story.instance("aws_lb.front", runs=CHECKOUT)
    block = story.block("aws_lb.front", instance)
    change = story.code(
        "Shorten the idle timeout", "13:00", "infra/main.tf", branch=("One", "Two"), request=9, block=block,
        attribute=("idle_timeout", 60, 1),
    )  # fmt: skip
    applied = story.deployed(
        "apply-1", "13:30", service="", action="apply", tool="terraform", commit=change.commit, started="13:28"
    )
    version = story.recorded("StateVersion", "serial7", "13:29", instance, attribute=("idle_timeout", 60, 1))
    event = story.recorded(
        "AuditEvent", "ModifyLoadBalancer", "13:29", instance, via="terraform", attribute=("idle_timeout", 60, 1)
    )
    with story.store() as store:
        [one] = found(store).values()
        assert one.key == one.change == change.commit
        names = {one.key, *one.also}
        assert {change.commit, change.branch[-1], change.request, applied, version, event} <= names
        assert change.branch[0] in names
        assert (one.kind, one.by_hand) == ("change", False)
        assert (one.at, one.at_means) == (at("13:30"), "applied")
        assert one.merged_at == at("13:00")
        assert one.title == "Shorten the idle timeout"
        assert one.repository == REPOSITORY
        assert one.paths == ("infra/main.tf",)
        assert "idle_timeout: 1" in one.added
        assert "idle_timeout: 60" in one.removed
        assert one.place is not None
        assert (one.place.label, one.place.direction) == ("aws_lb.front", "upstream")


def test_a_state_version_without_a_change_of_code_is_a_suspect_of_its_own() -> None:
    story = shop()
    instance = story.instance("aws_lb.front", runs=CHECKOUT)
    version = story.recorded("StateVersion", "serial7", "13:29", instance, attribute=("idle_timeout", 60, 1))
    with story.store() as store:
        [one] = found(store).values()
        assert (one.key, one.at, one.at_means) == (version, at("13:29"), "applied")
        assert dict(one.reached) == {"prod": at("13:29")}


def test_what_was_done_by_hand_is_said_to_be() -> None:
    story = shop()
    instance = story.instance("aws_lb.front", runs=CHECKOUT)
    event = story.recorded("AuditEvent", "ModifyLoadBalancer", "13:29", instance, via="console", by="Omar Haddad")
    with story.store() as store:
        [one] = found(store).values()
        assert (one.key, one.kind, one.by_hand, one.at_means) == (event, "manual", True, "happened")
        assert one.at == at("13:29")
        assert one.properties["door"] == "console"


# -- whether it arrived


def test_what_a_deployment_carried_took_effect_with_it() -> None:
    story = shop()
    change = story.code("Retry", "12:00", "payments/client.py")
    deployment = story.deployed("1.2.0", "13:30", service="payments", commit=change.commit)
    with story.store() as store:
        [one] = found(store).values()
        assert (one.key, one.at, one.at_means) == (change.commit, at("13:30"), "deployed")
        assert deployment in one.also
        assert one.service == "payments"
        assert dict(one.reached) == {"prod": at("13:30")}
        assert one.place is not None
        assert one.place.label == "payments"


def test_what_was_merged_and_not_deployed_is_expected_and_has_not_arrived() -> None:
    story = shop()
    before = story.code("Earlier", "2026-03-01T08:00:00Z", "payments/client.py")
    story.deployed("1.1.0", "2026-03-01T09:00:00Z", service="payments", commit=before.commit)
    merged = story.code("Retry", "13:50", "payments/client.py")
    with story.store() as store:
        one = found(store)[merged.commit]
        assert dict(one.reached) == {}
        assert one.expected == {"prod"}
        assert (one.at, one.at_means) == (at("13:50"), "merged")


def test_what_reached_staging_only_has_not_reached_prod() -> None:
    story = shop()
    before = story.code("Earlier", "2026-03-01T08:00:00Z", "payments/client.py")
    story.deployed("1.1.0", "2026-03-01T09:00:00Z", service="payments", commit=before.commit)
    change = story.code("Retry", "12:00", "payments/client.py")
    story.deployed("1.2.0", "13:30", service="payments", environment="staging", commit=change.commit)
    with story.store() as store:
        one = found(store)[change.commit]
        assert dict(one.reached) == {"staging": at("13:30")}
        assert "prod" in one.expected
        assert (one.at, one.at_means) == (at("12:00"), "merged")


def test_what_was_merged_before_the_window_and_deployed_in_it_is_a_suspect() -> None:
    story = shop()
    change = story.code("Retry", "2026-02-20T12:00:00Z", "payments/client.py")
    story.deployed("1.2.0", "13:30", service="payments", commit=change.commit)
    with story.store() as store:
        [one] = found(store, days=1).values()
        assert (one.key, one.at, one.at_means) == (change.commit, at("13:30"), "deployed")
        assert one.merged_at == at("2026-02-20T12:00:00Z")
        assert one.title == "Retry"


def test_a_deployment_of_which_no_code_is_known_is_a_suspect_itself() -> None:
    story = shop()
    deployment = story.deployed("1.2.0", "13:30", service="payments")
    with story.store() as store:
        [one] = found(store).values()
        assert (one.key, one.change, one.at_means) == (deployment, deployment, "deployed")
        assert one.title == "Deploy payments 1.2.0 to prod"
        assert one.place is not None
        assert one.place.label == "payments"


def test_a_deployment_that_was_made_after_the_symptom_carried_nothing_yet() -> None:
    story = shop()
    change = story.code("Retry", "12:00", "payments/client.py")
    story.deployed("1.2.0", "14:10", service="payments", commit=change.commit)
    with story.store() as store:
        [one] = found(store).values()
        assert dict(one.reached) == {}
        assert one.at_means == "merged"


# -- versions without commits


def versions() -> tuple[Story, Mapping[str, EntityRef]]:
    """Deployments that tell a version only; the code says which version it is."""
    story = shop()
    story.code("Release 1.1.0", "2026-03-02T08:00:00Z", "payments/VERSION", added="1.1.0", removed="1.0.0")
    change = story.code("Retry", "12:00", "payments/client.py", added="retries = 9")
    release = story.code("Release 1.2.0", "12:10", "payments/VERSION", added="1.2.0", removed="1.1.0")
    late = story.code("Log more", "13:00", "payments/client.py", added="log = True")
    other = story.code("Sort", "12:05", "search/main.py", added="sorted")
    story.deployed("1.2.0", "13:30", service="payments")
    return story, {"change": change.commit, "release": release.commit, "late": late.commit, "other": other.commit}


def test_a_version_links_a_deployment_with_the_code_merged_up_to_whoever_names_it() -> None:
    story, names = versions()
    with story.store() as store:
        suspects = found(store)
        for name in ("change", "release"):
            one = suspects[names[name]]
            assert dict(one.reached) == {"prod": at("13:30")}, name
            assert one.at_means == "deployed"
            assert one.service == "payments"
        assert dict(suspects[names["late"]].reached) == {}
        assert suspects[names["late"]].expected == {"prod"}
        assert dict(suspects[names["other"]].reached) == {}
        assert not [s for s in suspects.values() if s.key.kind == "Deployment"]


def test_the_version_before_ends_what_a_version_carries() -> None:
    story, names = versions()
    with story.store() as store:
        [older] = [s for s in found(store).values() if s.title == "Release 1.1.0"]
        assert dict(older.reached) == {}
        assert names["release"] in found(store)


@pytest.mark.parametrize("version", ["1.2", "11.2.0", "1.2.01", "latest", ""])
def test_a_version_that_no_code_names_links_nothing(version: str) -> None:
    story = shop()
    code = story.code("Release 1.2.0", "12:10", "payments/VERSION", added="1.2.0", removed="1.1.0")
    deployment = story.deployed(version, "13:30", service="payments")
    with story.store() as store:
        suspects = found(store)
        assert dict(suspects[code.commit].reached) == {}
        assert deployment in suspects


# -- where it lies


def test_what_is_named_after_another_service_on_a_shared_thing_is_foreign() -> None:
    story = shop()
    shared = story.instance("aws_lb.front", runs=CHECKOUT)
    other = story.instance("aws_lb_listener_rule.search")
    own = story.instance("aws_lb_listener_rule.payments")
    for rule in (other, own):
        story.say("terraform_state", at("12:00") - DAY, "x", Relation("DEPENDS_ON", rule, shared, {}))
    foreign = story.recorded("StateVersion", "serial8", "13:00", other, attribute=("priority", 1, 2))
    ours = story.recorded("StateVersion", "serial9", "13:10", own, attribute=("priority", 1, 2))
    with story.store() as store:
        suspects = found(store)
        assert suspects[foreign].properties.get("foreign") == "search"
        assert "foreign" not in suspects[ours].properties


def test_a_change_of_what_no_path_leads_to_has_no_place() -> None:
    story = shop()
    change = story.code("Sort", "12:00", "search/main.py")
    with story.store() as store:
        assert found(store)[change.commit].place is None


def test_near_takes_only_changes_of_these_places() -> None:
    story = shop()
    front = story.instance("aws_lb.front", runs=CHECKOUT)
    far = story.instance("aws_lb.far")
    near = story.recorded("StateVersion", "serial1", "12:00", front)
    story.recorded("StateVersion", "serial2", "12:30", far)
    story.deployed("1.0.0", "12:40", service="search")
    ours = story.deployed("2.0.0", "12:50", service="checkout")
    with story.store() as store:
        one = scene(store, CHECKOUT)
        places = [p for p in one.surroundings.places.values() if p.distance <= 1]
        some = suspects_between(one, one.symptom.since, one.symptom.at, "earlier", places)
        assert {s.key for s in some} == {near, ours}
        assert {s.found_by for s in some} == {"earlier"}


# -- the window


def test_the_window_is_closed_at_both_ends() -> None:
    story = shop()
    moments = {n: AT - 7 * DAY + n * MINUTE for n in (-1, 0, 1)} | {n: AT + (n - 11) * MINUTE for n in (10, 11, 12)}
    codes = {n: story.code(f"Change {n}", rfc3339(m), f"f{n}.py").commit for n, m in moments.items()}
    with story.store() as store:
        assert set(found(store)) == {codes[n] for n in (0, 1, 10, 11)}


def test_an_empty_window_has_no_suspects() -> None:
    with shop().store() as store:
        assert found(store) == {}


def test_suspects_come_newest_first_and_equal_ones_in_order_of_their_refs() -> None:
    story = shop()
    codes = [story.code(f"Change {n}", "12:00", f"f{n}.py").commit for n in range(5)]
    last = story.code("Last", "13:00", "g.py").commit
    with story.store() as store:
        assert [s.key for s in listed(scene(store, CHECKOUT))] == [last, *sorted(codes)]


def test_a_window_with_too_many_changes_is_cut_to_the_newest_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    story = shop()
    codes = [story.code(f"Change {n}", f"1{n // 10}:{n % 10:02}", f"f{n}.py").commit for n in range(30)]
    with story.store() as store:
        monkeypatch.setattr(module, "MOST_SUSPECTS", 10)
        one = scene(store, CHECKOUT)
        assert [s.key for s in listed(one)] == codes[:-11:-1]
        assert one.notes == ["30 changes lie in the window; only the newest 10 were weighed"]
        monkeypatch.setattr(module, "MOST_ROWS", 5)
        one = scene(store, CHECKOUT)
        assert [s.key for s in listed(one)] == codes[:-6:-1]
        assert one.notes == ["more than 5 changes lie in the window; only the newest were looked at"]


def test_the_same_facts_in_any_order_give_the_same_suspects() -> None:
    story, _ = versions()
    instance = story.instance("aws_lb.front", runs=CHECKOUT)
    story.recorded("AuditEvent", "ModifyLoadBalancer", "13:29", instance, via="console", by="Omar Haddad")
    seen: list[object] = []
    for seed in (1, 2, 3):
        with open_store("sqlite:///:memory:") as store:
            story.into(store, seed=seed)
            seen.append(
                [
                    (s.key, s.also, s.at, s.reached, s.expected, s.title, s.added, s.place, s.said)
                    for s in listed(scene(store, CHECKOUT))
                ]
            )
    assert seen[0] == seen[1] == seen[2]
