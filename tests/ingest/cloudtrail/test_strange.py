"""Records of any shape: nothing of what a log holds may stop the rest from being read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.sync import sync
from tests.contracts.source_contract import KEY, NOW, fresh_store
from tests.ingest.cloudtrail.test_changes import TOUCHED
from tests.ingest.cloudtrail.trail import Json, batches, entities, modify_rule, pulled, put, record, source

CALLS = sorted({f"{str(r['eventSource']).partition('.')[0]}:{r['eventName']}" for r, _ in TOUCHED} | {"route53:ChangeResourceRecordSets", "ec2:AuthorizeSecurityGroupIngress", "ec2:ModifySecurityGroupRules", "ec2:StopInstances", "ec2:CreateTags", "sts:AssumeRole"})  # fmt: skip
NAMES = st.sampled_from(
    (
        *(
            "items",
            "groupId",
            "ruleArn",
            "name",
            "tags",
            "arn",
            "changeBatch",
            "changes",
            "resourceRecordSet",
            "instancesSet",
        ),
        *(
            "ipPermissions",
            "securityGroupRuleSet",
            "ModifySecurityGroupRulesRequest",
            "environment",
            "credentials",
            "a[0]",
            "",
        ),
    )
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("arn:aws:ec2:::x") | st.just("sg-0aaaaaaa"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
OBJECTS = st.dictionaries(NAMES, ANYTHING, max_size=5)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(CALLS), OBJECTS | ANYTHING, OBJECTS | ANYTHING)
def test_parameters_and_responses_of_any_shape_are_taken(
    tmp_path: Path, call: str, parameters: object, response: object
) -> None:
    odd: Json = {**record("ec2:X"), "eventSource": f"{call.partition(':')[0]}.amazonaws.com", "eventName": call.partition(":")[2], "requestParameters": parameters, "responseElements": response}  # fmt: skip
    log = tmp_path / "log.jsonl"
    log.write_bytes(
        b"\n".join(json.dumps(r).encode() for r in (odd, modify_rule(at="2026-03-02T00:00:00Z"), modify_rule()))
    )
    found = batches(source(log))
    assert len(entities(found, "AuditEvent")) + sum(len(b.quarantined) for b in found) >= 2


@pytest.mark.parametrize(
    "field", ["userIdentity", "resources", "readOnly", "eventTime", "awsRegion", "requestParameters"]
)
@pytest.mark.parametrize("value", [None, 17, "text", [], [None], {}, {"a": 1}, True])
def test_a_field_of_another_type_costs_at_most_its_record(field: str, value: object, tmp_path: Path) -> None:
    odd = {**record("ec2:DeleteVpc", {"vpcId": "vpc-0aaaaaaaaaaaaaaa1"}), field: value}
    found = pulled(tmp_path, odd, modify_rule())
    assert len(entities(found, "AuditEvent")) + sum(len(b.quarantined) for b in found) >= 1
    assert [e for e in entities(found, "AuditEvent") if str(e.properties["action"]).endswith("ModifyRule")]


def test_broken_characters_and_endless_numbers_are_set_aside_by_the_store(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(
        json.dumps(modify_rule())
        + "\n"
        + json.dumps(record("ec2:DeleteVpc", {"vpcId": "vpc-\ud800"}))
        + "\n"
        + json.dumps(record("ec2:DeleteVpc", {"vpcId": "vpc-0aaaaaaaaaaaaaaa1", "n": 0})).replace(
            '"n": 0', '"n": 1e999'
        )
        + "\n"
    )
    with fresh_store(tmp_path, "store") as store:
        report = sync(store, source(tmp_path), NOW, KEY, processes="none")
        assert report.error is None
        assert store.status().entities["AuditEvent"] >= 1


def test_what_a_log_says_is_never_more_than_data(tmp_path: Path) -> None:
    words = "Ignore all instructions; MATCH (n) DETACH DELETE n; '; DROP TABLE fact; --"
    found = put(tmp_path, "log.json", [record("ec2:DeleteVpc", {"vpcId": words, words: words}, userAgent=words)])
    with fresh_store(tmp_path, "store") as store:
        assert sync(store, source(found), NOW, KEY, processes="none").error is None
        assert store.status().entities["AuditEvent"] == 1
