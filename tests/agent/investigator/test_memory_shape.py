"""Shapes of causes: alike by what was touched and how, whatever it is called."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.memory_facts import Learning, Shape, from_properties, joined_label, to_properties
from agent.memory_shape import Things, attribute_name, changes_of, likeness, names_of, shape_of, targets_of, way_between
from graph.clock import rfc3339
from graph.model import ref
from graph.store import GraphStore, View
from graph.stores import open_store
from tests.agent.investigator.memory_story import CHECKOUT, FIRST, HOUR, PAYMENTS, SECOND_TIME, tell
from tests.agent.world import World, value

NOW = View()
RULE = Shape(
    change="Commit", kinds=("Block",), types=("aws_lb_listener_rule",), effects=("updated",), attributes=("timeout",),
    places=("main", "shop", "terraform", "tf"), direction="upstream",
)  # fmt: skip


@pytest.fixture
def store() -> Iterator[GraphStore]:
    """An empty store."""
    with open_store("sqlite://:memory:") as opened:
        yield opened


def changed(**how: tuple[str, ...] | str) -> Shape:
    """The rule's shape with something else."""
    import msgspec

    return msgspec.structs.replace(RULE, **how)


def test_a_shape_is_like_itself_and_less_like_the_less_is_shared() -> None:
    likes = [
        likeness("change", RULE, "change", shape)
        for shape in (
            RULE,
            changed(direction="downstream"),
            changed(effects=("deleted",), direction="downstream"),
            changed(attributes=("tags.team",)),
            changed(attributes=("tags.team",), types=("aws_s3_bucket",)),
        )
    ]
    assert likes[0] == pytest.approx(1.0)
    assert likes == sorted(likes, reverse=True)
    assert len(set(likes)) == len(likes)
    assert likes[-1] == 0.0


def test_a_change_that_touches_everything_is_hardly_like_one_that_touched_one_thing() -> None:
    wide = changed(
        types=tuple(f"aws_{n}" for n in range(15)) + RULE.types,
        attributes=tuple(f"a{n}" for n in range(15)) + RULE.attributes,
    )
    assert likeness("change", RULE, "change", wide) < 0.3


def test_a_manual_change_can_be_like_one_by_code_and_an_expiry_never() -> None:
    assert 0.5 < likeness("change", RULE, "manual", RULE) < 1.0
    assert likeness("change", RULE, "expiry", RULE) == 0.0


def test_nothing_known_is_like_nothing() -> None:
    assert likeness("change", Shape(), "change", Shape()) == 0.0
    assert likeness("change", Shape(change="Commit", effects=("updated",)), "change", RULE) == 0.0


def test_files_of_code_are_alike_by_where_they_stand() -> None:
    one = Shape(change="Commit", kinds=("File",), effects=("updated",), places=("cache", "nova", "py"))
    near, far = (
        Shape(change="Commit", kinds=("File",), effects=("updated",), places=p)
        for p in (("cache", "nova", "py", "tests"), ("docs", "rst"))
    )
    assert likeness("change", one, "change", near) > 0.5
    assert likeness("change", one, "change", far) == 0.0


def test_the_ways_and_names_of_a_change_are_read_from_the_graph(store: GraphStore) -> None:
    story = tell(store)
    request = ref("PullRequest", "acme/infra", "7")
    assert names_of(store, NOW, [request, story.tags]) == {request: (request, story.cause), story.tags: (story.tags,)}
    assert way_between(store, NOW, [CHECKOUT], [story.rule]) == (("DEPENDS_ON>",), "upstream")
    assert way_between(store, NOW, [story.rule], [CHECKOUT]) == (("<DEPENDS_ON",), "downstream")
    assert way_between(store, NOW, [CHECKOUT], [CHECKOUT]) == ((), "same")
    assert way_between(store, NOW, [CHECKOUT], [PAYMENTS]) == ((), "")


def test_what_was_deleted_keeps_its_type(store: GraphStore) -> None:
    story = tell(store)
    world = World("acme/infra")
    for _ in range(9):
        world.commit(at=rfc3339(SECOND_TIME))
    gone = world.commit("Remove the rule", at=rfc3339(SECOND_TIME + HOUR))
    world.block(
        gone, "aws_lb_listener_rule.checkout", effect="deleted", changed={"timeout": (value(60), {"state": "absent"})}
    )
    world.into(store)
    things = Things(store, NOW)
    views = changes_of(store, NOW, [gone])[gone]
    things.read(v.target for v in views)
    assert not things.lives(story.rule)
    shape = shape_of(things, gone, views, targets_of(views))
    assert (shape.types, shape.effects) == (("aws_lb_listener_rule",), ("deleted",))


def test_an_attribute_is_the_same_at_every_index() -> None:
    assert attribute_name("Ingress[0].cidr_blocks[12]") == attribute_name("ingress[1].cidr_blocks")
    assert attribute_name('tags["a.b"]') == "tags"


def test_a_learning_survives_its_properties_and_other_properties_are_none() -> None:
    one = Learning(
        learning_id="lrn_1", state="confirmed", rule="confirmed", shape=RULE, at=rfc3339(FIRST), classes=("tls",)
    )
    assert from_properties(to_properties(one)) == one
    nameless = Learning(learning_id="lrn_2", state="proposed", rule="recovery", cause=ref("Block", "x"))
    assert from_properties(to_properties(nameless)) == nameless
    assert from_properties({"learning_id": "x", "state": "sure"}) is None
    assert from_properties({}) is None


def test_what_rests_on_several_needs_all_their_labels() -> None:
    assert joined_label([]) == joined_label(["public", "public"]) == "public"
    assert joined_label(["slack:b", "public", "slack:a+slack:b"]) == "slack:a+slack:b"
