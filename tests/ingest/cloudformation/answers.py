"""Answers of CloudFormation as its command line prints them, made here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.moto_server import ACCOUNT_ID, REGION

STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT_ID}:stack/shop/1a2b3c4d-0000-1111-2222-333344445555"
LISTENER_RULE = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT_ID}:listener-rule/app/shop/1/2/3"
GROUP_ID, NEW_GROUP_ID = "sg-0a1b2c3d4e5f60718", "sg-0ffffffffffffffff"


def at(minute: int, day: int = 3) -> str:
    return f"2026-05-{day:02}T10:{minute:02}:00.123000+00:00"


def event(
    minute: int, logical_id: str, status: str, physical_id: str = "", type_: str = "", day: int = 3, **other: object
) -> dict[str, object]:
    of_stack = logical_id == "shop"
    return {
        "StackId": STACK_ID,
        "StackName": "shop",
        "EventId": f"{logical_id}-{status}-{day}-{minute}-{physical_id[-4:]}",
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": STACK_ID if of_stack else physical_id,
        "ResourceType": "AWS::CloudFormation::Stack" if of_stack else type_,
        "Timestamp": at(minute, day),
        "ResourceStatus": status,
        "SomethingNew": {"a": 1},
        **other,
    }


def group(minute: int, status: str, cidr: str, physical_id: str = GROUP_ID, day: int = 3) -> dict[str, object]:
    properties = {"GroupDescription": "web", "SecurityGroupIngress": [{"CidrIp": cidr, "FromPort": "443"}]}
    return event(
        minute, "Web", status, physical_id, "AWS::EC2::SecurityGroup", day, ResourceProperties=json.dumps(properties)
    )


def rule(minute: int, status: str, day: int = 3) -> dict[str, object]:
    return event(minute, "Rule", status, LISTENER_RULE, "AWS::ElasticLoadBalancingV2::ListenerRule", day)


def created() -> list[dict[str, object]]:
    return [
        event(0, "shop", "CREATE_IN_PROGRESS", ResourceStatusReason="User Initiated", ClientRequestToken="token-1"),
        group(1, "CREATE_IN_PROGRESS", "10.0.0.0/8"),
        group(2, "CREATE_COMPLETE", "10.0.0.0/8"),
        rule(3, "CREATE_COMPLETE"),
        event(4, "shop", "CREATE_COMPLETE"),
    ]


def updated() -> list[dict[str, object]]:
    return [
        event(0, "shop", "UPDATE_IN_PROGRESS", day=4, ResourceStatusReason="User Initiated"),
        group(1, "UPDATE_COMPLETE", "0.0.0.0/0", day=4),
        event(2, "shop", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", day=4),
        event(3, "shop", "UPDATE_COMPLETE", day=4),
    ]


def failed() -> list[dict[str, object]]:
    reason = f"Properties validation failed for {LISTENER_RULE}"
    return [
        event(0, "shop", "UPDATE_IN_PROGRESS", day=5, ResourceStatusReason="User Initiated"),
        {**rule(1, "UPDATE_FAILED", day=5), "ResourceStatusReason": reason},
        event(2, "shop", "UPDATE_ROLLBACK_IN_PROGRESS", day=5),
        rule(3, "UPDATE_COMPLETE", day=5),
        event(4, "shop", "UPDATE_ROLLBACK_COMPLETE", day=5),
    ]


def deleted() -> list[dict[str, object]]:
    return [
        event(0, "shop", "DELETE_IN_PROGRESS", day=6, ResourceStatusReason="User Initiated"),
        rule(1, "DELETE_COMPLETE", day=6),
        group(2, "DELETE_COMPLETE", "0.0.0.0/0", day=6),
        event(3, "shop", "DELETE_COMPLETE", day=6),
    ]


def stack(status: str = "CREATE_COMPLETE", **other: object) -> dict[str, object]:
    return {
        "StackId": STACK_ID,
        "StackName": "shop",
        "Description": "the shop",
        "CreationTime": at(0),
        "StackStatus": status,
        "Parameters": [
            {"ParameterKey": "ImageTag", "ParameterValue": "1.4.2"},
            {"ParameterKey": "Pin", "ParameterValue": "****"},
        ],
        "Outputs": [{"OutputKey": "Url", "OutputValue": "https://shop.example.com"}],
        "Tags": [{"Key": "environment", "Value": "production"}, {"Key": "service", "Value": "Shop"}],
        **other,
    }


def change_set() -> dict[str, object]:
    return {
        "ChangeSetName": "open-up",
        "ChangeSetId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT_ID}:changeSet/open-up/9",
        "StackId": STACK_ID,
        "StackName": "shop",
        "CreationTime": at(50),
        "ExecutionStatus": "AVAILABLE",
        "Status": "CREATE_COMPLETE",
        "Changes": [
            {
                "Type": "Resource",
                "ResourceChange": {
                    "Action": "Modify",
                    "LogicalResourceId": "Web",
                    "PhysicalResourceId": GROUP_ID,
                    "ResourceType": "AWS::EC2::SecurityGroup",
                    "Replacement": "True",
                    "Details": [{"Target": {"Attribute": "Properties", "Name": "SecurityGroupIngress"}}],
                },
            },
            {"Type": "Resource", "ResourceChange": {"Action": "Remove", "LogicalResourceId": "Rule"}},
        ],
    }


def put(path: Path, answer: Mapping[str, object] | Sequence[object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(answer))
    return path
