"""Where things lie, seen from the symptom."""

from __future__ import annotations

import pytest

from agent import surroundings as module
from agent.incident import Anchor
from agent.surroundings import surroundings
from graph.clock import DAY
from graph.model import Alias, Entity, EntityRef, Relation, ref
from graph.store import GraphStore, View
from tests.agent.investigator.engine_story import AT, LONG_AGO, Story

CHECKOUT = ref("Service", "checkout")


def around(store: GraphStore, *anchors: EntityRef, environment: str = "prod", at: int = AT) -> module.Surroundings:
    said = [Anchor(a, "it", "named", 0.9) for a in anchors or (CHECKOUT,)]
    return surroundings(store, View(as_of=at, known_at=store.record()), said, environment)


def chain() -> Story:
    """web -> checkout -> payments -> ledger -> vault -> safe -> bunker."""
    story = Story()
    names = ("web", "checkout", "payments", "ledger", "vault", "safe", "bunker")
    for name, needed in zip(names, (*names[1:], None), strict=True):
        story.service(name, *([needed] if needed else []))
    return story


def test_what_it_depends_on_lies_upstream_and_what_depends_on_it_downstream() -> None:
    with chain().store() as store:
        found = around(store)
        lies = {p.label: (p.distance, p.direction) for p in found.places.values()}
        assert lies == {
            "checkout": (0.0, "same"),
            "payments": (1.0, "upstream"),
            "ledger": (2.0, "upstream"),
            "vault": (3.0, "upstream"),
            "safe": (4.0, "upstream"),
            "web": (1.5, "downstream"),
        }
        assert found.places[ref("Service", "ledger")].via == (ref("Service", "payments"), ref("Service", "ledger"))
        assert not found.cut


def test_dependencies_of_what_depends_on_it_are_not_upstream() -> None:
    story = chain()
    story.service("web", "adverts")
    story.service("adverts")
    with story.store() as store:
        assert ref("Service", "adverts") not in around(store).places


def test_a_dependency_that_came_later_or_was_gone_by_then_is_not_there() -> None:
    story = chain()
    story.service("search")
    story.service("mail")
    story.say("catalog", AT + DAY, "later", Relation("DEPENDS_ON", CHECKOUT, ref("Service", "search"), {}))
    with story.store() as store:
        assert ref("Service", "search") not in around(store).places
        assert ref("Service", "search") in around(store, at=AT + 2 * DAY).places


def test_instances_of_another_environment_are_left_out_unless_none_is_named() -> None:
    story = Story()
    checkout = story.service("checkout")
    here = story.instance("aws_lb.front", runs=checkout)
    there = story.instance("aws_lb.trial", runs=checkout, environment="staging")
    with story.store() as store:
        assert here in around(store).places
        assert there not in around(store).places
        assert there in around(store, environment="").places
        # What the symptom is about itself is never left out.
        assert around(store, there).places[there].direction == "same"


def test_every_joined_name_of_a_thing_is_the_same_place() -> None:
    story = chain()
    twin = ref("Service", "catalog", "payments")
    story.say("aws", LONG_AGO, "x", Entity(twin, {"name": "payments"}))
    story.say("identity", LONG_AGO, "x", Relation("SAME_AS", twin, ref("Service", "payments"), {"rule": "name"}))
    with story.store() as store:
        found = around(store)
        assert found.places[twin] == found.places[ref("Service", "payments")]
        assert found.of([twin]) == found.places[twin]


def test_the_nearest_of_several_is_the_place_and_of_equals_the_upstream_one() -> None:
    with chain().store() as store:
        found = around(store)
        refs = [ref("Service", n) for n in ("vault", "payments", "web")]
        nearest = found.of(refs)
        assert nearest is not None
        assert nearest.label == "payments"
        assert found.of([ref("Service", "nowhere")]) is None
        assert found.of([]) is None


def test_code_of_an_instance_lies_where_the_instance_does() -> None:
    story = Story()
    checkout = story.service("checkout")
    instance = story.instance("aws_lb.front", runs=checkout)
    block = story.block("aws_lb.front", instance)
    with story.store() as store:
        found = around(store)
        assert found.places[block].distance == found.places[instance].distance == 0.5


def test_what_bears_a_services_name_is_near_although_nothing_says_that_it_runs_there() -> None:
    story = Story()
    story.service("checkout")
    story.instance("aws_ecs_service.checkout")
    story.instance("aws_ecs_service.out")
    with story.store() as store:
        labels = {p.label for p in around(store).places.values()}
        assert "aws_ecs_service.checkout" in labels
        assert "aws_ecs_service.out" not in labels


def test_people_and_chat_are_no_places_not_even_as_anchors() -> None:
    story = Story()
    story.service("checkout")
    team = ref("Team", "shop")
    story.say("catalog", LONG_AGO, "x", Entity(team, {"name": "shop"}), Relation("OWNED_BY", CHECKOUT, team, {}))
    with story.store() as store:
        assert set(around(store).places) == {CHECKOUT}
        assert around(store, team).places == {}


def test_without_anchors_there_are_no_places() -> None:
    with chain().store() as store:
        assert surroundings(store, View(as_of=AT), (), "prod").places == {}


def test_services_are_found_by_their_name_in_lower_case() -> None:
    story = Story()
    this = ref("Service", "Checkout")
    story.say("catalog", LONG_AGO, "x", Entity(this, {"name": "CheckOut"}), Alias(this, "name", "CheckOut"))
    with story.store() as store:
        assert set(around(store, this).services) == {"checkout"}


def test_a_hub_that_everything_depends_on_is_not_gone_through() -> None:
    story = Story()
    story.service("checkout")
    group = story.instance("aws_security_group.all", runs=CHECKOUT)
    for n in range(60):
        rule = story.instance(f"aws_rule.r{n}")
        story.say("terraform_state", LONG_AGO, "x", Relation("DEPENDS_ON", rule, group, {}))
    few = story.instance("aws_security_group.few", runs=CHECKOUT)
    attached = story.instance("aws_rule.attached")
    story.say("terraform_state", LONG_AGO, "x", Relation("DEPENDS_ON", attached, few, {}))
    with story.store() as store:
        places = around(store).places
        assert attached in places
        assert not [p for p in places.values() if p.label.startswith("aws_rule.r")]


def test_what_is_cut_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story()
    story.service("checkout", *(f"part{n}" for n in range(30)))
    for n in range(30):
        story.service(f"part{n}", f"deep{n}")
        story.service(f"deep{n}")
    with story.store() as store:
        assert not around(store).cut
        monkeypatch.setattr(module, "_MOST_PLACES", 10)
        found = around(store)
        assert found.cut
        assert found.places[CHECKOUT].direction == "same"
