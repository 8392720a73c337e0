"""How a suspect is taken back: the command for each kind of change, and what makes it unsafe."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

import pytest

from agent.evidence import Citations
from agent.investigation import Rollback
from agent.rollback import rollback
from graph.model import Entity, EntityRef, Relation, Value, ref
from tests.agent.investigator.report_stage import (
    ABSENT,
    REPOSITORY,
    UNKNOWN,
    Sides,
    Stage,
    ago,
    condition,
    is_,
    suspect,
)

GROUP = "aws_lb_target_group.checkout"
PATH: Mapping[str, Sides] = {"health_check.path": (is_("/up"), is_("/ready"))}


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    with made.store:
        made.services()
        made.commit("Create the target group", ago(80_000), GROUP, effect="created")
        yield made


def back(stage: Stage, change: EntityRef, *also: EntityRef) -> Rollback:
    """How it is taken back at the moment of the symptom."""
    scene = stage.scene()
    found = rollback(scene, suspect(scene, change, also=also), Citations())
    assert found is not None
    return found


# -- commits


def test_a_commit_is_reverted_in_its_repository_and_that_is_safe_when_nothing_came_after(stage: Stage) -> None:
    change = stage.commit("Tighten", ago(30), GROUP, changed=PATH)
    found = back(stage, change)
    assert found.command == f"git revert --no-edit {change.id}"
    assert found.safe
    assert found.why == f"In {REPOSITORY}. No later change up to 2026-03-04 14:05 UTC touches or needs it"
    assert found.citations


def test_a_merge_is_reverted_against_its_first_parent(stage: Stage) -> None:
    change = stage.commit("Merge pull request #47", ago(30), GROUP, changed=PATH, parents=2)
    assert back(stage, change).command == f"git revert --no-edit -m 1 {change.id}"


def test_a_later_change_of_the_same_attribute_makes_it_unsafe_and_is_named(stage: Stage) -> None:
    change = stage.commit("Tighten", ago(30), GROUP, changed=PATH)
    later = stage.commit(
        "Loosen a little", ago(20), GROUP, changed={"health_check.path": (is_("/ready"), is_("/live"))}
    )
    found = back(stage, change)
    assert found.command == f"git revert --no-edit {change.id}"
    assert not found.safe
    assert (
        f"commit {later.id[:12]} (“Loosen a little”) of 2026-03-04 13:45 UTC changes health_check.path of {GROUP} again"
        in found.why.replace("Commit ", "commit ")
    )
    assert len(found.citations) > 1


def test_a_later_change_of_another_attribute_of_the_block_makes_it_unsafe(stage: Stage) -> None:
    change = stage.commit("Tighten", ago(30), GROUP, changed=PATH)
    stage.commit("Slow start", ago(20), GROUP, changed={"slow_start": (is_(0), is_(30))})
    found = back(stage, change)
    assert not found.safe
    assert f"changes {GROUP} as well" in found.why


def test_a_later_change_of_the_same_file_makes_it_unsafe_and_one_of_another_file_does_not(stage: Stage) -> None:
    change = stage.commit("Tighten", ago(30), GROUP, changed=PATH)
    stage.commit("A queue elsewhere", ago(25), "aws_sqs_queue.a", effect="created", path="terraform/queues.tf")
    assert back(stage, change).safe
    stage.commit("A queue here", ago(20), "aws_sqs_queue.b", effect="created")
    found = back(stage, change)
    assert not found.safe
    assert "touches terraform/main.tf as well" in found.why


def test_a_later_change_of_the_same_lines_is_told_as_such(stage: Stage) -> None:
    change = stage.commit(
        "Tighten", ago(30), "local.x", changed={}, lines=("path = /up", "path = /ready"), path="app/config.yaml"
    )
    stage.commit(
        "Again", ago(20), "local.y", changed={}, lines=("path = /ready", "path = /live"), path="app/config.yaml"
    )
    assert "touches the same lines of app/config.yaml" in back(stage, change).why


def test_what_came_before_it_never_makes_it_unsafe(stage: Stage) -> None:
    stage.commit("Before", ago(40), GROUP, changed={"health_check.path": (is_("/"), is_("/up"))})
    assert back(stage, stage.commit("Tighten", ago(30), GROUP, changed=PATH)).safe


def test_of_two_commits_of_one_second_the_mainline_tells_which_came_later(stage: Stage) -> None:
    first = stage.commit("First", ago(30), GROUP, changed=PATH)
    second = stage.commit("Second", ago(30), GROUP, changed={"slow_start": (is_(0), is_(30))})
    assert not back(stage, first).safe
    assert back(stage, second).safe


def test_what_comes_after_the_symptom_is_not_known_yet(stage: Stage) -> None:
    change = stage.commit("Tighten", ago(30), GROUP, changed=PATH)
    stage.commit("Afterwards", ago(-30), GROUP, changed={"health_check.path": (is_("/ready"), is_("/up"))})
    assert back(stage, change).safe


def test_something_that_needs_what_it_made_makes_it_unsafe(stage: Stage) -> None:
    rule = "aws_lb_listener_rule.checkout"
    change = stage.commit(
        "Add a target group", ago(30), "aws_lb_target_group.new", effect="created", path="terraform/new.tf"
    )
    stage.commit("Point the rule at it", ago(20), rule, effect="created", path="terraform/rules.tf")
    stage.say(
        "git",
        ago(20),
        "acme/shop@x",
        Relation(
            "DEPENDS_ON",
            stage.block(rule, "terraform/rules.tf"),
            stage.block("aws_lb_target_group.new", "terraform/new.tf"),
            {},
        ),
    )
    found = back(stage, change)
    assert not found.safe
    assert f"needs what it made: {rule}" in found.why


def test_a_later_change_by_hand_of_the_instance_makes_it_unsafe(stage: Stage) -> None:
    target = stage.instance(GROUP)
    change = stage.commit("Tighten", ago(30), GROUP, changed=PATH)
    stage.call("elasticloadbalancing:ModifyTargetGroup", ago(4), target, {"healthCheckPath": (UNKNOWN, is_("/up"))})
    found = back(stage, change)
    assert not found.safe
    assert "call elasticloadbalancing:ModifyTargetGroup" in found.why.replace("Call ", "call ")


def test_the_effects_of_an_apply_are_no_changes_of_their_own(stage: Stage) -> None:
    target = stage.instance(GROUP)
    change = stage.commit("Tighten", ago(30), GROUP, changed=PATH)
    stage.deployed("run-9", ago(5), commit=change, service="", action="apply")
    stage.call(
        "elasticloadbalancing:ModifyTargetGroup",
        ago(5),
        target,
        {"healthCheckPath": (UNKNOWN, is_("/ready"))},
        via="terraform",
    )
    assert back(stage, change).safe


def test_what_was_reverted_already_gets_no_command(stage: Stage) -> None:
    change = stage.commit("Tighten", ago(30), GROUP, changed=PATH)
    revert = stage.commit(
        "Revert “Tighten”", ago(10), GROUP, changed={"health_check.path": (is_("/ready"), is_("/up"))}
    )
    stage.say("git", ago(10), f"acme/shop@{revert.id}", Relation("REVERTS", revert, change, {}))
    found = back(stage, change)
    assert found.command == ""
    assert not found.safe
    assert "taken back already by commit" in found.why


@pytest.mark.parametrize(
    ("type_", "effect", "changed", "says"),
    [
        ("aws_db_instance", "created", {}, "holds data: taking it back deletes that"),
        ("aws_s3_bucket", "deleted", {}, "held data: taking it back makes a new and empty one"),
        ("aws_db_instance", "updated", {"storage_encrypted": (is_(False), is_(True))}, "is replaced for"),
        ("google_sql_database_instance", "created", {}, "holds data"),
    ],
)
def test_a_stateful_resource_that_it_made_deleted_or_replaced_is_never_safe(
    stage: Stage, type_: str, effect: str, changed: Mapping[str, Sides], says: str
) -> None:
    stage.commit("Before", ago(50_000), f"{type_}.orders", effect="created", path="terraform/data.tf")
    change = stage.commit("Data", ago(30), f"{type_}.orders", effect=effect, changed=changed, path="terraform/data.tf")
    found = back(stage, change)
    assert not found.safe
    assert says in found.why
    assert f"{type_}.orders" in found.why


def test_a_harmless_attribute_of_a_database_is_safe_to_take_back(stage: Stage) -> None:
    stage.commit("Before", ago(50_000), "aws_db_instance.orders", effect="created", path="terraform/data.tf")
    change = stage.commit(
        "Smaller",
        ago(30),
        "aws_db_instance.orders",
        changed={"instance_class": (is_("db.r6g.xlarge"), is_("db.t4g.micro"))},
        path="terraform/data.tf",
    )
    assert back(stage, change).safe


def test_a_replacement_that_a_plan_of_the_commit_foresaw_is_never_safe(stage: Stage) -> None:
    stage.commit("Before", ago(50_000), "aws_db_instance.orders", effect="created")
    target = stage.instance("aws_db_instance.orders")
    change = stage.commit("Move", ago(30), "aws_db_instance.orders", changed={"port": (is_(5432), is_(5433))})
    plan = ref("Plan", "p1")
    stage.say(
        "plans",
        ago(31),
        "plan.json",
        Entity(plan, {"tool": "terraform", "commit": change.id}),
        Relation("PLANS", plan, target, {"effect": "updated", "replace": True}),
    )
    assert not back(stage, change).safe


def test_a_change_of_which_nothing_is_known_but_its_name_is_not_called_safe(stage: Stage) -> None:
    change = EntityRef("Commit:" + "c" * 40)
    stage.say("git", ago(30), "acme/shop@c", Entity(change, {"repository": REPOSITORY, "title": "Unknown"}))
    found = back(stage, change)
    assert found.command.endswith("c" * 40)
    assert not found.safe


# -- deployments


def test_a_deployment_is_taken_back_by_the_version_before_in_the_same_place(stage: Stage) -> None:
    stage.deployed("1.41.0", ago(9_000))
    stage.deployed("1.40.0", ago(8_000), environment="staging")
    found = back(stage, stage.deployed("1.42.0", ago(8)))
    assert found.command == "redeploy checkout 1.41.0 to prod"
    assert found.safe


def test_a_deployment_over_it_makes_that_unsafe(stage: Stage) -> None:
    stage.deployed("1.41.0", ago(9_000))
    change = stage.deployed("1.42.0", ago(8))
    stage.deployed("1.43.0", ago(2))
    found = back(stage, change)
    assert not found.safe
    assert "1.43.0" in found.why


def test_the_first_deployment_that_is_known_has_no_version_before(stage: Stage) -> None:
    found = back(stage, stage.deployed("1.42.0", ago(8)))
    assert found.command == ""
    assert not found.safe


def test_a_deployment_with_a_migration_is_not_safe(stage: Stage) -> None:
    old = stage.commit("Before", ago(9_100), "local.a", path="checkout/app.py")
    stage.deployed("1.41.0", ago(9_000), commit=old)
    new = stage.commit("Drop a column", ago(20), "local.b", path="checkout/migrations/0042_drop.py")
    found = back(stage, stage.deployed("1.42.0", ago(8), commit=new))
    assert not found.safe
    assert "checkout/migrations/0042_drop.py" in found.why


def test_an_apply_of_which_no_change_is_known_is_taken_back_by_applying_the_code_before(stage: Stage) -> None:
    before = stage.commit("Before", ago(9_100), "local.a")
    stage.deployed("run-1", ago(9_000), commit=before, service="", action="apply")
    found = back(stage, stage.deployed("run-2", ago(8), service="", action="apply"))
    assert found.command == f"apply {REPOSITORY} as of {before.id[:12]} to prod"
    assert found.safe


# -- by hand


def by_hand(
    stage: Stage,
    action: str,
    changed: Mapping[str, Sides],
    parameters: Mapping[str, Value],
    *,
    known_to_code: bool = False,
    effect: str = "updated",
) -> Rollback:
    target = ref("Resource", "arn:thing")
    stage.say(
        "aws", ago(9_000), "arn:thing", Entity(target, {"name": "thing", "type": "aws_thing", "environment": "prod"})
    )
    if known_to_code:
        target = stage.instance(GROUP)
    return back(stage, stage.call(action, ago(9), target, changed, parameters=parameters, effect=effect))


@pytest.mark.parametrize(
    ("action", "parameters", "changed", "command"),
    [
        (
            "ec2:AuthorizeSecurityGroupIngress",
            {"groupId": "sg-1", "ipPermissions[0].ipProtocol": "tcp", "ipPermissions[0].fromPort": 443, "ipPermissions[0].toPort": 443, "ipPermissions[0].ipRanges[0].cidrIp": "10.0.0.0/8"},
            {},
            "aws ec2 revoke-security-group-ingress --group-id sg-1 --protocol tcp --port 443 --cidr 10.0.0.0/8 --region eu-west-1",
        ),
        (
            "iam:DetachRolePolicy",
            {"roleName": "shop", "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
            {},
            "aws iam attach-role-policy --role-name shop --policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess --region eu-west-1",
        ),
        ("ec2:StopInstances", {"instancesSet.items[0].instanceId": "i-0abc"}, {}, "aws ec2 start-instances --instance-ids i-0abc --region eu-west-1"),
        (
            "autoscaling:UpdateAutoScalingGroup",
            {"autoScalingGroupName": "shop", "desiredCapacity": 1},
            {"desiredCapacity": (is_(6), is_(1))},
            "aws autoscaling update-auto-scaling-group --auto-scaling-group-name shop --desired-capacity 6 --region eu-west-1",
        ),
    ],
)  # fmt: skip
def test_a_call_with_an_inverse_is_taken_back_by_it(
    stage: Stage, action: str, parameters: Mapping[str, Value], changed: Mapping[str, Sides], command: str
) -> None:
    found = by_hand(stage, action, changed, parameters)
    assert found.command == command
    assert found.safe


@pytest.mark.parametrize(
    "parameters",
    [
        {"roleName": "shop; rm -rf ~", "policyArn": "arn:aws:iam::aws:policy/X"},
        {"roleName": "$(reboot)", "policyArn": "arn:aws:iam::aws:policy/X"},
        {"roleName": "--profile", "policyArn": "arn with blanks"},
        {"roleName": "shop"},
        {},
    ],
)
def test_names_that_are_not_plain_never_become_part_of_a_command(stage: Stage, parameters: Mapping[str, Value]) -> None:
    assert not by_hand(stage, "iam:DetachRolePolicy", {}, parameters).command.startswith("aws")


def test_a_value_before_that_is_not_recorded_gives_words_and_no_command(stage: Stage) -> None:
    found = by_hand(
        stage,
        "autoscaling:UpdateAutoScalingGroup",
        {"desiredCapacity": (UNKNOWN, is_(1))},
        {"autoScalingGroupName": "shop"},
    )
    assert not found.command.startswith("aws")
    assert "restore desiredCapacity (now 1), whose value before is not recorded" in found.command


def test_words_tell_the_values_before(stage: Stage) -> None:
    found = by_hand(stage, "x:Modify", {"port": (is_(80), is_(81)), "tag": (ABSENT, is_("a"))}, {})
    assert found.command == "On thing: set port back to 80, take tag out"


def test_what_was_deleted_by_hand_is_to_be_created_again_with_what_is_recorded(stage: Stage) -> None:
    found = by_hand(stage, "x:DeleteRule", {"port": (is_(80), ABSENT)}, {}, effect="deleted")
    assert found.command == "Create thing again with port 80"


def test_what_code_manages_is_put_back_by_an_apply_of_that_code(stage: Stage) -> None:
    found = by_hand(stage, "x:Modify", {"port": (UNKNOWN, is_(81))}, {}, known_to_code=True)
    assert shlex.split(found.command) == ["terraform", "apply", f"-target={GROUP}"]
    assert found.safe


def test_a_later_call_on_another_attribute_leaves_it_safe_and_one_on_the_same_does_not(stage: Stage) -> None:
    target = stage.instance(GROUP)
    change = stage.call("x:Modify", ago(20), target, {"port": (is_(80), is_(81))})
    stage.call("x:Modify", ago(10), target, {"timeout": (is_(3), is_(5))})
    assert back(stage, change).safe
    stage.call("x:Modify", ago(5), target, {"port": (is_(81), is_(82))})
    found = back(stage, change)
    assert not found.safe
    assert "changes port of" in found.why


def test_what_only_the_state_shows_is_edited_back_and_applied(stage: Stage) -> None:
    target = stage.instance(GROUP)
    version = ref("StateVersion", "lineage", "7")
    stage.say(
        "terraform_state",
        ago(9),
        "state#7",
        Entity(version, {"lineage": "lineage", "serial": 7}),
        Relation(
            "CHANGED",
            version,
            target,
            {"effect": "updated", "attributes": [{"path": "port", "before": is_(80), "after": is_(81)}]},
        ),
    )
    found = back(stage, version)
    assert found.command == f"set port of {GROUP} back to 80 in the code, then apply"


# -- conditions


def test_a_quota_is_raised_by_a_command_when_its_codes_are_known(stage: Stage) -> None:
    quota = ref("Quota", "L-1")
    stage.say(
        "aws",
        ago(90),
        "quota:L-1",
        Entity(
            quota,
            {
                "service": "ec2",
                "code": "L-1216C47A",
                "name": "vCPUs",
                "value": 32.0,
                "adjustable": True,
                "region": "eu-west-1",
            },
        ),
    )
    scene = stage.scene()
    found = rollback(scene, condition(scene, "quota", "vCPUs", quota), Citations())
    assert found is not None
    assert (
        found.command
        == "aws service-quotas request-service-quota-increase --service-code ec2 --quota-code L-1216C47A --desired-value 48 --region eu-west-1"
    )


def test_a_quota_that_cannot_be_raised_says_so(stage: Stage) -> None:
    quota = ref("Quota", "L-2")
    stage.say(
        "aws",
        ago(90),
        "quota:L-2",
        Entity(quota, {"service": "ec2", "code": "L-2", "name": "Things", "value": 5, "adjustable": False}),
    )
    scene = stage.scene()
    found = rollback(scene, condition(scene, "quota", "Things", quota), Citations())
    assert found is not None
    assert found.command == ""
    assert not found.safe


@pytest.mark.parametrize("kind", ["external", "capacity"])
def test_what_is_no_change_has_nothing_to_take_back(stage: Stage, kind: str) -> None:
    scene = stage.scene()
    assert (
        rollback(scene, condition(scene, "external" if kind == "external" else "capacity", "Something"), Citations())
        is None
    )
