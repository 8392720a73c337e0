"""ARNs and what they name."""

from __future__ import annotations

import pytest

from ingest import aws_names

A, R = "111122223333", "eu-west-1"


@pytest.mark.parametrize(
    ("arn", "type_", "name"),
    [
        (f"arn:aws:elasticloadbalancing:{R}:{A}:loadbalancer/app/edge/50dc", "aws_lb", "edge"),
        (f"arn:aws:elasticloadbalancing:{R}:{A}:loadbalancer/old", "aws_elb", "old"),
        (f"arn:aws:elasticloadbalancing:{R}:{A}:listener/app/edge/50dc/f2f7", "aws_lb_listener", "edge"),
        (f"arn:aws:elasticloadbalancing:{R}:{A}:listener-rule/app/edge/50dc/f2f7/9683", "aws_lb_listener_rule", "edge"),
        (f"arn:aws:elasticloadbalancing:{R}:{A}:targetgroup/api/73e2", "aws_lb_target_group", "api"),
        (f"arn:aws:ec2:{R}:{A}:security-group/sg-1", "aws_security_group", "sg-1"),
        (f"arn:aws:rds:{R}:{A}:db:shop", "aws_db_instance", "shop"),
        (f"arn:aws:rds:{R}:{A}:cluster:shop", "aws_rds_cluster", "shop"),
        (f"arn:aws:lambda:{R}:{A}:function:checkout:live", "aws_lambda_function", "checkout"),
        (f"arn:aws:ecs:{R}:{A}:service/prod/checkout", "aws_ecs_service", "checkout"),
        (f"arn:aws:ecs:{R}:{A}:task-definition/checkout:42", "aws_ecs_task_definition", "checkout"),
        (f"arn:aws:eks:{R}:{A}:nodegroup/prod/workers/aac0", "aws_eks_node_group", "workers"),
        ("arn:aws:s3:::assets", "aws_s3_bucket", "assets"),
        ("arn:aws:s3:::assets/a/b", "aws_s3_object", "assets/a/b"),
        (f"arn:aws:iam::{A}:role/service/api", "aws_iam_role", "api"),
        ("arn:aws:route53:::hostedzone/Z1", "aws_route53_zone", "Z1"),
        (aws_names.route53_record("Z1", "API.shop.example.", "a"), "aws_route53_record", "api.shop.example"),
        (f"arn:aws:sqs:{R}:{A}:orders", "aws_sqs_queue", "orders"),
        (f"arn:aws:sns:{R}:{A}:alerts", "aws_sns_topic", "alerts"),
        (f"arn:aws:sns:{R}:{A}:alerts:1-2", "aws_sns_topic_subscription", "1-2"),
        (f"arn:aws:secretsmanager:{R}:{A}:secret:shop/db-aBcDeF", "aws_secretsmanager_secret", "shop/db"),
        (f"arn:aws:ssm:{R}:{A}:parameter/shop/flag", "aws_ssm_parameter", "/shop/flag"),
        (f"arn:aws:logs:{R}:{A}:log-group:/aws/lambda/x:*", "aws_cloudwatch_log_group", "/aws/lambda/x"),
        (f"arn:aws:autoscaling:{R}:{A}:autoScalingGroup:u-u:autoScalingGroupName/web", "aws_autoscaling_group", "web"),
        (f"arn:aws:future:{R}:{A}:thing/x", "", "x"),
        ("not an arn", "", ""),
        ("arn:aws:s3", "", ""),
    ],
)
def test_an_arn_tells_type_and_name(arn: str, type_: str, name: str) -> None:
    assert (aws_names.resource_type(arn), aws_names.resource_name(arn)) == (type_, name)


def test_an_auto_scaling_group_is_named_by_its_name() -> None:
    full = f"arn:aws:autoscaling:{R}:{A}:autoScalingGroup:0-0-0:autoScalingGroupName/web"
    assert aws_names.canonical(full) == aws_names.auto_scaling_group("web", A, R)
    assert aws_names.canonical(aws_names.canonical(full)) == aws_names.canonical(full)
    assert aws_names.canonical("arn:aws:s3:::a") == "arn:aws:s3:::a"


def test_sessions_with_made_up_names_are_one_account_and_others_are_not() -> None:
    session = f"arn:aws:sts::{A}:assumed-role/shop/"
    assert aws_names.principal(session + "aws-go-sdk-1722511821294449000") == session + "*"
    assert aws_names.principal(session + "botocore-session-1722511821") == session + "*"
    for name in ("ana@shop.example", "i-0aaaaaaaaaaaaaaa1", "build-1722511821", "session-7"):
        assert aws_names.principal(session + name) == session + name
