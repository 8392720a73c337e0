"""What a call touched and what it changed there."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.clock import instant
from graph.model import EntityRef, Relation
from graph.store import View
from ingest import aws_names, names
from ingest.sync import sync
from tests.contracts.source_contract import KEY, NOW, fresh_store
from tests.ingest.cloudtrail.trail import (
    ACCOUNT,
    LISTENER,
    REGION,
    RULE,
    Json,
    aliases,
    attributes,
    entities,
    modify_rule,
    pulled,
    put,
    record,
    relations,
    source,
)

SG, INSTANCE = "sg-0aaaaaaaaaaaaaaa1", "i-0aaaaaaaaaaaaaaa1"


def arn(service: str, resource: str, region: str = REGION, account: str = ACCOUNT) -> str:
    return f"arn:aws:{service}:{region}:{account}:{resource}"


TG = arn("elasticloadbalancing", "targetgroup/api/73e2d6bc24d8a067")
KEY_ARN = arn("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab")
CERTIFICATE = arn("acm", "certificate/12345678-1234-1234-1234-123456789012")
SERVICE = {"service": {"serviceArn": arn("ecs", "service/prod/checkout")}}
ZONE, RECORDS = "/hostedzone/Z1", aws_names.route53_record("Z1", "api.shop.example", "A")

TOUCHED: list[tuple[Json, dict[str, str]]] = [
    (modify_rule(), {RULE: "updated"}),
    (
        record("elasticloadbalancing:CreateRule", {"listenerArn": LISTENER}, {"rules": [{"ruleArn": RULE}]}),
        {RULE: "created"},
    ),
    (record("elasticloadbalancing:DeleteRule", {"ruleArn": RULE}), {RULE: "deleted"}),
    (record("elasticloadbalancing:ModifyListener", {"listenerArn": LISTENER, "port": 443}), {LISTENER: "updated"}),
    (
        record("elasticloadbalancing:RegisterTargets", {"targetGroupArn": TG, "targets": [{"id": INSTANCE}]}),
        {TG: "updated"},
    ),
    (
        record("elasticloadbalancing:DeregisterTargets", {"targetGroupArn": TG, "targets": [{"id": INSTANCE}]}),
        {TG: "updated"},
    ),
    (record("elasticloadbalancing:DeleteTargetGroup", {"targetGroupArn": TG}), {TG: "deleted"}),
    (
        record("elasticloadbalancing:ModifyLoadBalancerAttributes", {"loadBalancerName": "old"}),
        {arn("elasticloadbalancing", "loadbalancer/old"): "updated"},
    ),
    (record("ec2:DeleteSecurityGroup", {"groupId": SG}), {arn("ec2", f"security-group/{SG}"): "deleted"}),
    (
        record(
            "ec2:RunInstances", {"instanceType": "t3.small"}, {"instancesSet": {"items": [{"instanceId": INSTANCE}]}}
        ),
        {arn("ec2", f"instance/{INSTANCE}"): "created"},
    ),
    (
        record("ec2:ModifyInstanceAttribute", {"instanceId": INSTANCE, "instanceType": {"value": "m5.large"}}),
        {arn("ec2", f"instance/{INSTANCE}"): "updated"},
    ),
    (
        record("ec2:CreateRoute", {"routeTableId": "rtb-0aaaaaaaaaaaaaaa1", "gatewayId": "igw-0aaaaaaaaaaaaaaa1"}),
        {arn("ec2", "route-table/rtb-0aaaaaaaaaaaaaaa1"): "updated"},
    ),
    (
        record("ec2:DeleteNatGateway", {"DeleteNatGatewayRequest": {"NatGatewayId": "nat-0aaaaaaaaaaaaaaa1"}}),
        {arn("ec2", "natgateway/nat-0aaaaaaaaaaaaaaa1"): "deleted"},
    ),
    (
        record("autoscaling:UpdateAutoScalingGroup", {"autoScalingGroupName": "web", "maxSize": 9}),
        {arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/web"): "updated"},
    ),
    (
        record("autoscaling:SetDesiredCapacity", {"autoScalingGroupName": "web", "desiredCapacity": 5}),
        {arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/web"): "updated"},
    ),
    (record("rds:ModifyDBInstance", {"dBInstanceIdentifier": "shop"}), {arn("rds", "db:shop"): "updated"}),
    (record("rds:DeleteDBCluster", {"dBClusterIdentifier": "shop"}), {arn("rds", "cluster:shop"): "deleted"}),
    (record("rds:ModifyDBParameterGroup", {"dBParameterGroupName": "pg15"}), {arn("rds", "pg:pg15"): "updated"}),
    (
        record("lambda:UpdateFunctionCode20150331v2", {"functionName": "checkout"}),
        {arn("lambda", "function:checkout"): "updated"},
    ),
    (
        record("lambda:UpdateAlias20150331", {"functionName": arn("lambda", "function:checkout:live")}),
        {arn("lambda", "function:checkout"): "updated"},
    ),
    (
        record("ecs:UpdateService", {"cluster": "prod", "service": "checkout", "desiredCount": 3}, SERVICE),
        {arn("ecs", "service/prod/checkout"): "updated"},
    ),
    (
        record("ecs:UpdateService", {"cluster": arn("ecs", "cluster/prod"), "service": "checkout"}),
        {arn("ecs", "service/prod/checkout"): "updated"},
    ),
    (record("eks:UpdateClusterVersion", {"name": "prod", "version": "1.31"}), {arn("eks", "cluster/prod"): "updated"}),
    (record("s3:PutBucketPolicy", {"bucketName": "assets", "bucketPolicy": {}}), {"arn:aws:s3:::assets": "updated"}),
    (record("s3:DeleteBucketPolicy", {"bucketName": "assets"}), {"arn:aws:s3:::assets": "updated"}),
    (record("s3:DeleteBucket", {"bucketName": "assets"}), {"arn:aws:s3:::assets": "deleted"}),
    (
        record("iam:AttachRolePolicy", {"roleName": "api", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        {f"arn:aws:iam::{ACCOUNT}:role/api": "updated"},
    ),
    (
        record("iam:DeleteRolePolicy", {"roleName": "api", "policyName": "x"}),
        {f"arn:aws:iam::{ACCOUNT}:role/api": "updated"},
    ),
    (
        record("iam:CreatePolicyVersion", {"policyArn": f"arn:aws:iam::{ACCOUNT}:policy/p"}),
        {f"arn:aws:iam::{ACCOUNT}:policy/p": "updated"},
    ),
    (
        record("iam:CreateAccessKey", None, {"accessKey": {"userName": "bo"}}),
        {f"arn:aws:iam::{ACCOUNT}:user/bo": "updated"},
    ),
    (record("iam:DeleteUser", {"userName": "bo"}), {f"arn:aws:iam::{ACCOUNT}:user/bo": "deleted"}),
    (
        record("cloudfront:UpdateDistribution", {"id": "E1", "distributionConfig": {"enabled": True}}),
        {f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1": "updated"},
    ),
    (
        record("elasticache:ModifyReplicationGroup", {"replicationGroupId": "cart"}),
        {arn("elasticache", "replicationgroup:cart"): "updated"},
    ),
    (
        record("sqs:SetQueueAttributes", {"queueUrl": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/orders"}),
        {arn("sqs", "orders"): "updated"},
    ),
    (
        record("sns:Subscribe", {"topicArn": arn("sns", "alerts"), "protocol": "email"}),
        {arn("sns", "alerts"): "updated"},
    ),
    (record("acm:DeleteCertificate", {"certificateArn": CERTIFICATE}), {CERTIFICATE: "deleted"}),
    (record("kms:ScheduleKeyDeletion", {"keyId": "1234abcd-12ab-34cd-56ef-1234567890ab"}), {KEY_ARN: "updated"}),
    (record("kms:DisableKey", {"keyId": "alias/shop"}), {arn("kms", "alias/shop"): "updated"}),
    (
        record(
            "secretsmanager:PutSecretValue",
            {"secretId": "shop/db"},
            {"arn": arn("secretsmanager", "secret:shop/db-aBcDeF")},
        ),
        {arn("secretsmanager", "secret:shop/db-aBcDeF"): "updated"},
    ),
    (record("dynamodb:UpdateTable", {"tableName": "carts"}), {arn("dynamodb", "table/carts"): "updated"}),
    (record("ssm:PutParameter", {"name": "/shop/flag"}), {arn("ssm", "parameter/shop/flag"): "updated"}),
    (
        record("monitoring:DeleteAlarms", {"alarmNames": ["a", "b"]}),
        {arn("cloudwatch", "alarm:a"): "deleted", arn("cloudwatch", "alarm:b"): "deleted"},
    ),
    # services without a rule
    (
        record(
            "athena:UpdateWorkGroup",
            {"workGroup": "x"},
            resources=[{"ARN": arn("athena", "workgroup/x"), "accountId": ACCOUNT}],
        ),
        {arn("athena", "workgroup/x"): "updated"},
    ),
    (
        record("mq:CreateBroker", {"brokerName": "q"}, {"brokerArn": arn("mq", "broker:q:b-1"), "brokerId": "b-1"}),
        {arn("mq", "broker:q:b-1"): "created"},
    ),
    (
        record("ec2:DeleteVpnGateway", {"vpnGatewayId": "vgw-0aaaaaaa"}),
        {arn("ec2", "vpn-gateway/vgw-0aaaaaaa"): "deleted"},
    ),
    (record("organizations:LeaveOrganization"), {}),
]


@pytest.mark.parametrize(
    ("logged", "touched"), TOUCHED, ids=[f"{r['eventSource']}-{r['eventName']}-{n}" for n, (r, _) in enumerate(TOUCHED)]
)
def test_the_resource_is_known_by_its_arn(logged: Json, touched: dict[str, str], tmp_path: Path) -> None:
    found = pulled(tmp_path, logged)
    effects = {r.dst: r.properties["effect"] for r in relations(found, "CHANGED")}
    assert effects == {names.cloud_resource(a): effect for a, effect in touched.items()}
    assert {str(e.properties["cloud_id"]) for e in entities(found, "Resource")} == set(touched)
    assert {("arn", a) for a in touched} <= aliases(found, "Resource")


def test_an_event_says_what_was_asked_for_and_the_resource_what_it_is(tmp_path: Path) -> None:
    found = pulled(tmp_path, modify_rule())
    [event] = entities(found, "AuditEvent")
    assert event.properties["title"] == "ModifyRule on listener-rule/app/edge/…"
    assert event.properties["action"] == "elasticloadbalancing:ModifyRule"
    assert event.properties["parameters"] == {
        "ruleArn": RULE,
        "conditions[0].field": "path-pattern",
        "conditions[0].values": ["/api/*", "/beta/*"],
    }
    assert (event.properties["account_id"], event.properties["region"]) == (ACCOUNT, REGION)
    assert event.properties["source_ip"] == "198.51.100.7"
    [resource] = entities(found, "Resource")
    assert resource.properties == {
        "provider": "aws",
        "cloud_id": RULE,
        "name": "edge",
        "type": "aws_lb_listener_rule",
        "account_id": ACCOUNT,
        "region": REGION,
    }
    assert attributes(relations(found, "CHANGED")[0])["conditions[0].values"] == ("<unknown>", ["/api/*", "/beta/*"])
    assert {(r.src, r.dst) for r in relations(found, "PART_OF")} == {
        (resource.ref, names.cloud_account("aws", ACCOUNT))
    }


def test_a_failed_call_is_told_and_changed_nothing(tmp_path: Path) -> None:
    found = pulled(tmp_path, modify_rule(errorCode="AccessDenied", errorMessage="not you"))
    [event] = entities(found, "AuditEvent")
    assert event.properties["error"] == "AccessDenied"
    assert event.properties["title"] == "ModifyRule failed: AccessDenied"
    assert not relations(found, "CHANGED")
    assert not entities(found, "Resource")
    assert len(relations(found, "PERFORMED_BY")) == 1


def test_sign_ins_are_kept_and_change_nothing(tmp_path: Path) -> None:
    fields: Json = {"eventType": "AwsConsoleSignIn", "userAgent": "Mozilla/5.0"}
    good = record("signin:ConsoleLogin", None, {"ConsoleLogin": "Success"}, **fields)  # type: ignore[arg-type]
    bad = record("signin:ConsoleLogin", None, {"ConsoleLogin": "Failure"}, at="2026-03-01T09:00:01Z", **fields)  # type: ignore[arg-type]
    found = pulled(tmp_path, good, bad)
    assert [(e.properties.get("error"), e.properties["via"]) for e in entities(found, "AuditEvent")] == [
        (None, "console"),
        ("Failure", "console"),
    ]
    assert not relations(found, "CHANGED")


# -- before and after


def changed(found: list[Relation], ref: EntityRef) -> Relation:
    [relation] = [r for r in found if r.dst == ref]
    return relation


def test_rules_of_a_security_group_are_told_in_words(tmp_path: Path) -> None:
    permission = {
        "ipProtocol": "tcp",
        "fromPort": 5432,
        "toPort": 5433,
        "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0", "description": "temporary"}]},
        "groups": {"items": [{"groupId": "sg-0bbbbbbbbbbbbbbb2"}]},
        "ipv6Ranges": {},
    }
    call = {"groupId": SG, "ipPermissions": {"items": [permission]}}
    group = names.cloud_resource(arn("ec2", f"security-group/{SG}"))
    opened = relations(pulled(tmp_path, record("ec2:AuthorizeSecurityGroupIngress", call)), "CHANGED")
    anyone, peer = "tcp 5432-5433 from 0.0.0.0/0", "tcp 5432-5433 from sg-0bbbbbbbbbbbbbbb2"
    assert attributes(changed(opened, group)) == {
        f'ingress["{anyone}"]': ("<absent>", f"{anyone} (temporary)"),
        f'ingress["{peer}"]': ("<absent>", peer),
    }
    closed = relations(
        pulled(
            tmp_path,
            record(
                "ec2:RevokeSecurityGroupEgress",
                {
                    "groupId": SG,
                    "ipPermissions": {
                        "items": [{"ipProtocol": "-1", "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}}]
                    },
                },
            ),
        ),
        "CHANGED",
    )
    assert changed(closed, group).properties["effect"] == "updated"
    assert attributes(changed(closed, group)) == {
        'egress["all traffic to 0.0.0.0/0"]': ("all traffic to 0.0.0.0/0", "<absent>")
    }


def test_a_security_group_rule_with_an_id_of_its_own_is_created_changed_and_deleted(tmp_path: Path) -> None:
    rule = {
        "securityGroupRuleId": "sgr-0ccccccccccccccc3",
        "groupId": SG,
        "isEgress": False,
        "ipProtocol": "tcp",
        "fromPort": 22,
        "toPort": 22,
        "cidrIpv4": "10.0.0.0/8",
    }
    calls = [
        record("ec2:AuthorizeSecurityGroupIngress", {"groupId": SG}, {"securityGroupRuleSet": {"items": [rule]}}),
        record(
            "ec2:ModifySecurityGroupRules",
            {
                "ModifySecurityGroupRulesRequest": {
                    "GroupId": SG,
                    "SecurityGroupRule": {
                        "SecurityGroupRuleId": rule["securityGroupRuleId"],
                        "tag": 1,
                        "SecurityGroupRule": {
                            "IpProtocol": "tcp",
                            "FromPort": 22,
                            "ToPort": 22,
                            "CidrIpv4": "0.0.0.0/0",
                        },
                    },
                }
            },
        ),
        record(
            "ec2:RevokeSecurityGroupIngress",
            {"groupId": SG, "securityGroupRuleIds": {"items": [{"securityGroupRuleId": rule["securityGroupRuleId"]}]}},
        ),
    ]
    found = relations(pulled(tmp_path, *calls), "CHANGED")
    own = names.cloud_resource(arn("ec2", "security-group-rule/sgr-0ccccccccccccccc3"))
    assert [r.properties["effect"] for r in found if r.dst == own] == ["created", "updated", "deleted"]
    group = [attributes(r) for r in found if r.dst == names.cloud_resource(arn("ec2", f"security-group/{SG}"))]
    assert group[1] == {'rules["sgr-0ccccccccccccccc3"]': ("<unknown>", "tcp 22 with 0.0.0.0/0")}


def test_records_of_a_zone_are_resources_of_their_own(tmp_path: Path) -> None:
    def batch(*changes: tuple[str, str, str]) -> Json:
        listed = [
            {
                "action": action,
                "resourceRecordSet": {"name": name, "type": "A", "tTL": 60, "resourceRecords": [{"value": ip}]},
            }
            for action, name, ip in changes
        ]
        return record("route53:ChangeResourceRecordSets", {"hostedZoneId": "Z1", "changeBatch": {"changes": listed}})

    calls = batch(
        ("UPSERT", "API.shop.example.", "192.0.2.1"),
        ("CREATE", "new.shop.example.", "192.0.2.2"),
        ("DELETE", "old.shop.example.", "192.0.2.3"),
        ("DELETE", "moved.shop.example.", "192.0.2.4"),
        ("CREATE", "moved.shop.example.", "192.0.2.5"),
    )
    found = pulled(tmp_path, calls)
    by = {r.dst: r for r in relations(found, "CHANGED")}

    def of(name: str) -> Relation:
        return by[names.cloud_resource(aws_names.route53_record("Z1", name, "A"))]

    assert of("api.shop.example").properties["effect"] == "updated"
    assert attributes(of("api.shop.example"))["records"] == ("<unknown>", ["192.0.2.1"])
    assert of("new.shop.example").properties["effect"] == "created"
    assert attributes(of("old.shop.example"))["records"] == (["192.0.2.3"], "<absent>")
    assert of("moved.shop.example").properties["effect"] == "updated"
    assert attributes(of("moved.shop.example")) == {"records": (["192.0.2.4"], ["192.0.2.5"])}
    assert by[names.cloud_resource(aws_names.route53_zone("Z1"))].properties["effect"] == "updated"
    assert ("dns", "new.shop.example") in aliases(found, "Resource")


def test_states_pending_values_sizes_priorities_and_tags_tell_before_and_after(tmp_path: Path) -> None:
    stop = record(
        "ec2:StopInstances",
        {"instancesSet": {"items": [{"instanceId": INSTANCE}]}},
        {
            "instancesSet": {
                "items": [
                    {"instanceId": INSTANCE, "previousState": {"name": "running"}, "currentState": {"name": "stopping"}}
                ]
            }
        },
    )
    grow = record(
        "rds:ModifyDBInstance",
        {"dBInstanceIdentifier": "shop", "dBInstanceClass": "db.r6g.large", "backupRetentionPeriod": 7},
        {"dBInstanceClass": "db.t3.medium", "pendingModifiedValues": {"dBInstanceClass": "db.r6g.large"}},
    )
    volume = record(
        "ec2:ModifyVolume",
        {"ModifyVolumeRequest": {"VolumeId": "vol-0aaaaaaaaaaaaaaa1", "Size": 200}},
        {"ModifyVolumeResponse": {"volumeModification": {"originalSize": 100, "targetSize": 200}}},
    )
    order = record("elasticloadbalancing:SetRulePriorities", {"rulePriorities": [{"ruleArn": RULE, "priority": 5}]})
    tags = record(
        "ec2:CreateTags",
        {
            "resourcesSet": {"items": [{"resourceId": INSTANCE}]},
            "tagSet": {"items": [{"key": "team", "value": "shop"}]},
        },
    )
    found = [attributes(r) for r in relations(pulled(tmp_path, stop, grow, volume, order, tags), "CHANGED")]
    assert found == [
        {"state": ("running", "stopping")},
        {"dbInstanceClass": ("db.t3.medium", "db.r6g.large"), "backupRetentionPeriod": ("<unknown>", 7)},
        {"size": (100, 200)},
        {"priority": ("<unknown>", 5)},
        {'tags["team"]': ("<unknown>", "shop")},
    ]


def test_what_is_secret_by_its_place_is_told_without_its_value(tmp_path: Path) -> None:
    call = record(
        "ecs:RegisterTaskDefinition",
        {
            "family": "shop",
            "containerDefinitions": [
                {"name": "app", "environment": [{"name": "MODE", "value": "x1"}, {"name": "A", "value": "x2"}]}
            ],
        },
        {"taskDefinition": {"taskDefinitionArn": arn("ecs", "task-definition/shop:7")}},
    )
    [change] = relations(pulled(tmp_path, call), "CHANGED")
    assert attributes(change)["containerDefinitions[0].environment.names"] == ("<absent>", ["A", "MODE"])
    environment = {"image": "std:7", "environmentVariables": [{"name": "MODE", "value": "x"}]}
    [change] = relations(
        pulled(
            tmp_path,
            record("codebuild:UpdateProject", {"arn": arn("codebuild", "project/b"), "environment": environment}),
        ),
        "CHANGED",
    )
    assert attributes(change) == {
        "environment.image": ("<unknown>", "std:7"),
        "environment.environmentVariables.names": ("<unknown>", ["MODE"]),
    }
    [change] = relations(
        pulled(
            tmp_path,
            record(
                "rds:ModifyDBInstance",
                {"dBInstanceIdentifier": "shop", "masterUserPassword": "****", "manageMasterUserPassword": False},
            ),
        ),
        "CHANGED",
    )
    assert attributes(change) == {
        "masterUserPassword": ("<unknown>", "<redacted>"),
        "manageMasterUserPassword": ("<unknown>", False),
    }


def test_a_deleted_thing_is_gone_and_its_past_is_not(tmp_path: Path) -> None:
    calls = [
        record("ec2:CreateSecurityGroup", {"groupName": "db"}, {"groupId": SG}, at="2026-03-01T09:00:00Z"),
        record("ec2:CreateTags", {"resourcesSet": {"items": [{"resourceId": SG}]}}, at="2026-03-02T09:00:00Z"),
        record("ec2:DeleteSecurityGroup", {"groupId": SG}, at="2026-03-02T09:00:00Z"),
    ]
    group = names.cloud_resource(arn("ec2", f"security-group/{SG}"))
    for order in (calls, calls[::-1]):
        with fresh_store(tmp_path, f"store-{order is calls}") as store:
            assert sync(store, source(put(tmp_path, "log.json", order)), NOW, KEY, processes="none").error is None
            assert store.entity(group, View(as_of=instant("2026-03-01T08:59:59Z"))) is None
            assert store.entity(group, View(as_of=instant("2026-03-01T09:00:00Z"))) is not None
            assert store.entity(group, View(as_of=instant("2026-03-02T09:00:00Z"))) is not None
            assert store.entity(group, View(as_of=instant("2026-03-02T09:00:01Z"))) is None
    assert ("name", "db") in aliases(pulled(tmp_path, *calls), "Resource")


def test_pairs_of_name_and_value_are_attributes_and_options_of_the_call_are_none(tmp_path: Path) -> None:
    lb = arn("elasticloadbalancing", "loadbalancer/app/edge/50dc6c495c0c9188")
    told = [{"key": "idle_timeout.timeout_seconds", "value": "300"}]
    idle = record("elasticloadbalancing:ModifyLoadBalancerAttributes", {"loadBalancerArn": lb, "attributes": told})
    grow = record("rds:ModifyDBInstance", {"dBInstanceIdentifier": "shop", "applyImmediately": True, "vPCId": "x"})
    url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/orders"
    queue = record("sqs:SetQueueAttributes", {"queueUrl": url, "attributes": {"VisibilityTimeout": "60"}})
    assert [attributes(r) for r in relations(pulled(tmp_path, idle, grow, queue), "CHANGED")] == [
        {'attributes["idle_timeout.timeout_seconds"]': ("<unknown>", "300")},
        {"vpcId": ("<unknown>", "x")},
        {"attributes.VisibilityTimeout": ("<unknown>", "60")},
    ]
    hidden = {
        "taskRoleArn": "r",
        "options": [{"name": "admin_password", "value": "x-1"}, {"name": "mode", "value": "y"}],
    }
    [change] = relations(pulled(tmp_path, record("dms:ModifyThing", {"arn": arn("dms", "t:1"), **hidden})), "CHANGED")
    assert attributes(change)['options["admin_password"]'] == ("<unknown>", "<redacted>")
    assert attributes(change)['options["mode"]'] == ("<unknown>", "y")
