from __future__ import annotations

from collections.abc import Iterator

import pytest

from graph.model import Alias, Entity, Relation, ref
from graph.resolve import resolve
from graph.store import GraphStore, View
from graph.stores import open_store
from tests.agent.world import World

VIEW = View()


@pytest.fixture
def store() -> Iterator[GraphStore]:
    with open_store("sqlite://:memory:") as opened:
        yield opened


@pytest.fixture
def world() -> World:
    return World()


def best(store: GraphStore, mention: str) -> str:
    """The address and directory of what a mention most likely means."""
    found = resolve(store, mention, VIEW).best
    return f"{found.thing.text('directory')}:{found.thing.text('address')}" if found else ""


def group(store: GraphStore, mention: str) -> set[str]:
    found = resolve(store, mention, VIEW).group
    return {t.text("address") for t in found.things} if found else set()


def shop(world: World) -> World:
    commit = world.commit()
    for address in (
        "aws_lb.main",
        "aws_lb_listener_rule.api",
        "aws_security_group.web",
        "aws_security_group_rule.web_elb_external_egress_any_https",
        "aws_security_group_rule.web_elb_internal_egress_any_https",
        "aws_db_instance.orders",
        "data.aws_ami.base",
        "module.vpc",
        "var.region",
    ):
        world.block(commit, address)
    world.block(commit, "aws_security_group.bastion", "terraform/bastion")
    return world


@pytest.mark.parametrize(
    ("mention", "address"),
    [
        ("aws_lb.main", "aws_lb.main"),
        ("`AWS_LB.Main`.", "aws_lb.main"),
        ('aws_lb.main["blue"]', "aws_lb.main"),
        ("aws_lb.main.arn", "aws_lb.main"),
        ("module.shop.aws_lb.main", "aws_lb.main"),
        ("data.aws_ami.base", "data.aws_ami.base"),
        ("the load balancer main", "aws_lb.main"),
        ("main load balancer", "aws_lb.main"),
        ("the LB rule api", "aws_lb_listener_rule.api"),
        ("the api listener rule", "aws_lb_listener_rule.api"),
        ("listener rule called api", "aws_lb_listener_rule.api"),
        ("LB rule for api", "aws_lb_listener_rule.api"),
        ("SG bastion", "aws_security_group.bastion"),
        (
            "the security group rule web elb external egress any https",
            "aws_security_group_rule.web_elb_external_egress_any_https",
        ),
        ("web elb internal egress any https", "aws_security_group_rule.web_elb_internal_egress_any_https"),
        ("web_elb_internal_egress_any_https", "aws_security_group_rule.web_elb_internal_egress_any_https"),
        ("orders database", "aws_db_instance.orders"),
        ("the variable region", "var.region"),
        ("module vpc", "module.vpc"),
    ],
)
def test_a_whole_name_in_words_or_as_an_address_is_found(
    store: GraphStore, world: World, mention: str, address: str
) -> None:
    shop(world).into(store)
    found = resolve(store, mention, VIEW)
    assert found.best is not None
    assert found.best.thing.text("address") == address
    assert not found.ambiguous
    assert found.best.score >= 0.9


def test_type_words_inside_a_name_are_part_of_the_name(store: GraphStore, world: World) -> None:
    commit = world.commit()
    world.block(commit, "aws_elb.graph_elb_external")
    world.block(commit, "aws_security_group.graph_elb_external")
    world.into(store)
    assert (
        best(store, "the security group graph elb external") == "terraform/shop:aws_security_group.graph_elb_external"
    )
    assert best(store, "the classic load balancer graph elb external") == "terraform/shop:aws_elb.graph_elb_external"


def test_a_preposition_inside_a_name_is_part_of_the_name(store: GraphStore, world: World) -> None:
    commit = world.commit()
    world.block(commit, "aws_security_group_rule.traffic_from_office_in")
    world.block(commit, "aws_security_group_rule.traffic", "terraform/office")
    world.into(store)
    assert best(store, "security group rule traffic from office in") == (
        "terraform/shop:aws_security_group_rule.traffic_from_office_in"
    )


@pytest.mark.parametrize("name", ["x_always_block", "cloud_gov_a", "terraform_yaml", "resource_one", "in_and_out"])
def test_words_that_usually_lead_up_to_a_name_may_belong_to_it(store: GraphStore, world: World, name: str) -> None:
    commit = world.commit()
    world.block(commit, f"aws_route53_record.{name}")
    world.block(commit, f"aws_route53_record.{name}aa")
    world.block(commit, f"aws_route53_record.{name}_other")
    world.into(store)
    said = name.replace("_", " ")
    assert best(store, f"the route53 record {said}") == f"terraform/shop:aws_route53_record.{name}"
    assert best(store, f"{said} dns record in terraform/shop") == f"terraform/shop:aws_route53_record.{name}"


def test_the_same_name_in_two_directories_is_ambiguous_with_the_newer_one_first(
    store: GraphStore, world: World
) -> None:
    world.block(world.commit(), "aws_lb.main", "terraform/old")
    world.block(world.commit(), "aws_lb.main", "terraform/new")
    world.into(store)
    found = resolve(store, "aws_lb.main", VIEW)
    assert found.ambiguous
    assert found.best is not None
    assert found.best.thing.text("directory") == "terraform/new"
    assert [f.thing.text("directory") for f in found.others] == ["terraform/old"]
    assert found.best.confidence == pytest.approx(0.5)


@pytest.mark.parametrize(
    "mention",
    [
        "aws_lb.main in terraform/old",
        "aws_lb.main (terraform/old/main.tf)",
        "terraform/old/main.tf aws_lb.main",
        "load balancer main in old",
        "the main load balancer in the old stack",
        "aws_lb.main in old",
    ],
)
def test_a_place_decides_between_equal_names(store: GraphStore, world: World, mention: str) -> None:
    world.block(world.commit(), "aws_lb.main", "terraform/old")
    world.block(world.commit(), "aws_lb.main", "terraform/new")
    world.into(store)
    found = resolve(store, mention, VIEW)
    assert found.best is not None
    assert found.best.thing.text("directory") == "terraform/old"
    assert not found.ambiguous


def test_an_environment_is_understood_in_its_other_spelling(store: GraphStore, world: World) -> None:
    commit = world.commit()
    world.block(commit, "aws_lb.main", "live/prod")
    world.block(commit, "aws_lb.main", "live/staging")
    world.into(store)
    assert best(store, "the load balancer main in production") == "live/prod:aws_lb.main"
    assert best(store, "the load balancer main in stage") == "live/staging:aws_lb.main"


def test_type_words_without_a_name_mean_all_such_things_of_the_place(store: GraphStore, world: World) -> None:
    shop(world).into(store)
    assert group(store, "the security group") == {"aws_security_group.web", "aws_security_group.bastion"}
    assert group(store, "a security group in terraform/bastion") == {"aws_security_group.bastion"}
    assert group(store, "security groups in bastion") == {"aws_security_group.bastion"}
    assert group(store, "the database") == {"aws_db_instance.orders"}


def test_a_name_with_type_words_that_only_names_a_place_means_the_things_there(store: GraphStore, world: World) -> None:
    commit = world.commit()
    world.block(commit, "aws_s3_bucket.logs", "terraform/docs-rs")
    world.block(commit, "aws_s3_bucket.static", "terraform/crates-io")
    world.block(commit, "datadog_role.docs_rs", "terraform/team")
    world.into(store)
    assert group(store, "the docs-rs bucket") == {"aws_s3_bucket.logs"}
    assert group(store, "the bucket for crates.io") == {"aws_s3_bucket.static"}


def test_a_lookup_of_a_thing_is_not_one_of_the_things_of_its_type(store: GraphStore, world: World) -> None:
    commit = world.commit()
    world.block(commit, "aws_route53_zone.main")
    world.block(commit, "data.aws_route53_zone.other")
    world.block(commit, "data.aws_ami.base")
    world.into(store)
    assert group(store, "the dns zone") == {"aws_route53_zone.main"}
    assert group(store, "the ami") == {"data.aws_ami.base"}


def test_a_type_of_which_only_deleted_things_are_left_is_found(store: GraphStore, world: World) -> None:
    shop(world)
    world.block(world.commit(), "aws_sqs_queue.jobs")
    world.block(world.commit(), "aws_sqs_queue.jobs", effect="deleted")
    world.into(store)
    assert group(store, "the queue") == {"aws_sqs_queue.jobs"}


def test_an_address_that_does_not_exist_is_not_taken_for_another_type(store: GraphStore, world: World) -> None:
    world.block(world.commit(), "aws_vpc.main")
    world.block(world.commit(), "aws_lb.front")
    world.into(store)
    found = resolve(store, "aws_lb.main", VIEW)
    assert not found.found
    assert "aws_vpc.main" in {t.text("address") for t in found.nearest}


def test_a_type_of_a_provider_outside_the_vocabulary_is_understood(store: GraphStore, world: World) -> None:
    world.block(world.commit(), "frobnicate_widget_set.blue")
    world.into(store)
    assert group(store, "the frobnicate_widget_set") == {"frobnicate_widget_set.blue"}
    assert group(store, "the widget sets") == {"frobnicate_widget_set.blue"}
    assert best(store, "widget set blue") == "terraform/shop:frobnicate_widget_set.blue"


@pytest.mark.parametrize(
    ("mention", "address"),
    [
        ("secruity group bastoin", "aws_security_group.bastion"),
        ("ordres database", "aws_db_instance.orders"),
        ("the loadbalancer mian", "aws_lb.main"),
    ],
)
def test_misspelled_words_are_understood(store: GraphStore, world: World, mention: str, address: str) -> None:
    shop(world).into(store)
    found = resolve(store, mention, VIEW)
    assert found.best is not None
    assert found.best.thing.text("address") == address
    assert found.corrected


def test_part_of_a_name_is_found_with_less_confidence(store: GraphStore, world: World) -> None:
    shop(world).into(store)
    found = resolve(store, "elb external egress", VIEW)
    assert found.best is not None
    assert found.best.thing.text("name") == "web_elb_external_egress_any_https"
    assert 0.45 <= found.best.score < 0.9


def test_what_lives_wins_over_what_was_deleted(store: GraphStore, world: World) -> None:
    commit = world.commit()
    world.block(commit, "aws_lb.main", "terraform/gone")
    world.block(commit, "aws_lb.main", "terraform/here")
    world.block(world.commit(), "aws_lb.main", "terraform/gone", effect="deleted")
    world.into(store)
    found = resolve(store, "aws_lb.main", VIEW)
    assert found.best is not None
    assert found.best.thing.text("directory") == "terraform/here"
    assert not found.ambiguous


@pytest.mark.parametrize("mention", ["aws_lb.gone", "the load balancer gone", "aws_lb.gone in terraform/shop"])
def test_what_was_deleted_is_found_when_nothing_else_fits(store: GraphStore, world: World, mention: str) -> None:
    shop(world)
    world.block(world.commit(), "aws_lb.gone")
    world.block(world.commit(), "aws_lb.gone", effect="deleted")
    world.into(store)
    found = resolve(store, mention, VIEW)
    assert found.best is not None
    assert found.best.thing.text("address") == "aws_lb.gone"
    assert not found.best.thing.live


def test_a_former_name_leads_to_the_thing_as_it_is_called_now(store: GraphStore, world: World) -> None:
    world.block(world.commit(), "aws_alb.front")
    now = world.block(world.commit(), "aws_lb.public", effect="moved", moved_from=("terraform/shop", "aws_alb.front"))
    world.into(store)
    found = resolve(store, "aws_alb.front", VIEW)
    assert found.best is not None
    assert found.best.thing.ref == now


def test_a_view_of_the_past_resolves_names_as_they_were(store: GraphStore, world: World) -> None:
    world.block(world.commit(), "aws_lb.gone")
    before = world.at + 1
    world.block(world.commit(), "aws_lb.gone", effect="deleted")
    world.into(store)
    found = resolve(store, "aws_lb.gone", View(as_of=before))
    assert found.best is not None
    assert found.best.thing.live


def test_an_instance_is_found_by_its_arn_and_provider_id(store: GraphStore, world: World) -> None:
    instance = ref("Resource", "lineage", "default", "aws_security_group.web")
    arn = "arn:aws:ec2:eu-west-1:123456789012:security-group/sg-0abc1234"
    properties = {
        "type": "aws_security_group",
        "name": "web",
        "address": "aws_security_group.web",
        "workspace": "default",
    }
    world.say(Entity(instance, properties), "state")
    world.say(Alias(instance, "arn", arn), "state")
    world.say(Alias(instance, "id", "sg-0abc1234"), "state")
    world.into(store)
    for mention in (arn, "sg-0abc1234", "the security group sg-0abc1234"):
        found = resolve(store, mention, VIEW)
        assert found.best is not None
        assert found.best.thing.ref == instance


def test_a_block_and_its_instance_are_not_two_things(store: GraphStore, world: World) -> None:
    block = world.block(world.commit(), "aws_lb.main")
    instance = ref("Resource", "lineage", "default", "aws_lb.main")
    world.say(
        Entity(instance, {"type": "aws_lb", "name": "main", "address": "aws_lb.main", "workspace": "default"}), "state"
    )
    world.say(Alias(instance, "address", "aws_lb.main"), "state")
    world.say(Relation("DECLARES", block, instance, {}), "state")
    world.into(store)
    for mention in ("aws_lb.main", "the load balancer main"):
        found = resolve(store, mention, VIEW)
        assert found.best is not None
        assert found.best.thing.ref == block
        assert not found.ambiguous


def test_nothing_that_fits_gives_the_nearest_names(store: GraphStore, world: World) -> None:
    shop(world).into(store)
    found = resolve(store, "zyxwv orders quux blah foo", VIEW)
    assert not found.found
    assert [t.text("name") for t in found.nearest] == ["orders"]


@pytest.mark.parametrize(
    "mention",
    [
        "",
        "  ",
        "???",
        "the",
        "in",
        "🙂",
        "谁",
        "' OR 1=1 --",
        "MATCH (n) DETACH DELETE n",
        "\x00",
        "%",
        "*",
        "a" * 5_000,
        "../" * 500,
    ],
)
def test_a_mention_of_nothing_finds_nothing_and_harms_nothing(store: GraphStore, world: World, mention: str) -> None:
    shop(world).into(store)
    assert not resolve(store, mention, VIEW).found
    assert best(store, "aws_lb.main") == "terraform/shop:aws_lb.main"


def test_an_empty_graph_has_nothing(store: GraphStore) -> None:
    assert not resolve(store, "aws_lb.main", VIEW).found
    assert not resolve(store, "the LB rule", VIEW).found


def test_what_an_audience_may_not_see_is_not_found(store: GraphStore, world: World) -> None:
    commit = world.commit()
    world.block(commit, "aws_lb.secret", label="team-x")
    world.block(commit, "aws_lb.open")
    world.into(store)
    assert not resolve(store, "aws_lb.secret", VIEW).found
    assert group(store, "load balancers") == {"aws_lb.open"}
    found = resolve(store, "aws_lb.secret", View(audience=frozenset({"public", "team-x"})))
    assert found.best is not None


def test_new_facts_are_found_at_once(store: GraphStore, world: World) -> None:
    shop(world).into(store)
    assert group(store, "queue") == set()
    world.block(world.commit(), "aws_sqs_queue.jobs")
    world.into(store)
    assert group(store, "queue") == {"aws_sqs_queue.jobs"}


def test_a_spelled_out_type_of_one_provider_wins_over_the_rest_of_its_category(store: GraphStore, world: World) -> None:
    commit = world.commit()
    world.block(commit, "aws_cloudfront_distribution.static", "terraform/crates-io")
    world.block(commit, "fastly_service_vcl.static", "terraform/crates-io")
    world.block(commit, "aws_cloudfront_distribution.other", "terraform/other")
    world.into(store)
    assert group(store, "the crates.io cloudfront distribution") == {"aws_cloudfront_distribution.static"}
    assert best(store, "the cloudfront distribution static") == "terraform/crates-io:aws_cloudfront_distribution.static"
    assert group(store, "the cdn in crates-io") == {"aws_cloudfront_distribution.static", "fastly_service_vcl.static"}


def test_a_category_spelled_like_one_providers_type_still_means_all_of_it(store: GraphStore, world: World) -> None:
    commit = world.commit()
    world.block(commit, "aws_lb.main")
    world.block(commit, "cloudflare_load_balancer.edge")
    world.into(store)
    assert group(store, "the load balancers") == {"aws_lb.main", "cloudflare_load_balancer.edge"}
