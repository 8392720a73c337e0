"""Log files: forms, what is left out, what is new, and what cannot be read."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import msgspec
import pytest

from ingest.source import SourceDataInvalid
from ingest.sources.cloudtrail.ledger import Ledger
from ingest.sync import sync
from tests.contracts.source_contract import KEY, NOW, facts_of, fresh_store
from tests.ingest.cloudtrail.trail import (
    ACCOUNT,
    REGION,
    Json,
    batches,
    cursor_of,
    entities,
    log_name,
    modify_rule,
    pulled,
    put,
    record,
    relations,
    session,
    source,
)


def at(minute: int) -> Json:
    return modify_rule(at=f"2026-03-01T{minute // 60:02d}:{minute % 60:02d}:00Z")


def test_records_come_in_many_wrappings(tmp_path: Path) -> None:
    one, two, three, four, five = (at(n) for n in range(5))
    put(tmp_path, "a.json.gz", [one])
    (tmp_path / "lines.jsonl").write_text("\n".join(json.dumps(r) for r in (one, two)))
    lookup = {"Events": [{"EventId": "x", "CloudTrailEvent": json.dumps(three)}]}
    (tmp_path / "lookup-events.json").write_text(json.dumps(lookup))
    (tmp_path / "bridge.json").write_text(json.dumps({"detail-type": "AWS API Call via CloudTrail", "detail": four}))
    (tmp_path / "list.json").write_text("\ufeff" + json.dumps([five]))
    found = batches(source(tmp_path))
    assert len({e.ref for e in entities(found, "AuditEvent")}) == 5
    assert not [q for b in found for q in b.quarantined]


def test_gzip_members_one_after_the_other_are_one_file(tmp_path: Path) -> None:
    lines = [gzip.compress(json.dumps(at(n)).encode() + b"\n") for n in range(3)]
    (tmp_path / "log.jsonl.gz").write_bytes(b"".join(lines))
    assert len(entities(batches(source(tmp_path)), "AuditEvent")) == 3


def test_reads_data_events_insights_digests_and_quiet_calls_are_left_out_and_counted(tmp_path: Path) -> None:
    put(
        tmp_path,
        "log.json",
        [
            at(0),
            record("ec2:DescribeInstances", readOnly=True),
            record("s3:GetBucketPolicy", readOnly=None),
            record("ec2:ListThings", readOnly=False),
            record("s3:PutObject", {"bucketName": "b", "key": "k"}, eventCategory="Data", managementEvent=False),
            record("logs:CreateLogStream", {"logGroupName": "g"}),
            record("ec2:RunInstances", eventCategory="Insight", eventType="AwsCloudTrailInsight"),
        ],
    )
    put(tmp_path, f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/{REGION}/2026/03/01/x.json.gz", [at(1)])
    put(tmp_path, f"AWSLogs/{ACCOUNT}/CloudTrail-Insight/{REGION}/2026/03/01/x.json.gz", [at(2)])
    (tmp_path / "digest.json").write_text(json.dumps({"digestStartTime": "2026-03-01T00:00:00Z", "logFiles": []}))
    found = batches(source(tmp_path))
    assert len(entities(found, "AuditEvent")) == 1
    assert not [q for b in found for q in b.quarantined]
    counts = msgspec.json.decode(cursor_of(found), type=Ledger).passed_over
    assert counts == {"read": 3, "data": 1, "ignored": 1, "insight": 1}
    kept = batches(source(tmp_path, data_events=True, ignore=()))
    actions = {str(e.properties["action"]) for e in entities(kept, "AuditEvent")}
    assert actions == {"elasticloadbalancing:ModifyRule", "s3:PutObject", "logs:CreateLogStream"}


def test_the_same_event_in_several_files_and_regions_is_one(tmp_path: Path) -> None:
    event = record("iam:CreateUser", {"userName": "bo"}, awsRegion="us-east-1")
    put(tmp_path, log_name("20260301T0900", region="us-east-1"), [event])
    put(tmp_path, log_name("20260301T0905", region="us-east-1"), [event, event])
    put(tmp_path, log_name("20260301T0900", region="eu-west-1"), [event])
    with fresh_store(tmp_path, "store") as store:
        assert sync(store, source(tmp_path), NOW, KEY, processes="none").error is None
        assert store.status().entities["AuditEvent"] == 1


def test_what_cannot_be_read_is_set_aside_and_the_rest_is_delivered(tmp_path: Path) -> None:
    put(tmp_path, log_name("20260301T0900"), [at(0), {"eventID": "1"}, "text", {**at(1), "eventTime": "soon"}])
    cut = put(tmp_path, log_name("20260301T0905"), [at(2)])
    whole = cut.read_bytes()
    cut.write_bytes(whole[:-20])
    (tmp_path / "page.json").write_text("<html>no</html>")
    src = source(tmp_path)
    found = batches(src)
    assert len(entities(found, "AuditEvent")) == 1
    reasons = {q.locator: q.reason for b in found for q in b.quarantined}
    assert len(reasons) == 5
    assert reasons[log_name("20260301T0905")] == "it is cut off"
    assert "web page" in reasons["page.json"]
    cursor = cursor_of(found)
    assert not [q for b in batches(src, cursor) for q in b.quarantined], "told once"
    cut.write_bytes(whole)
    assert len(entities(batches(src, cursor), "AuditEvent")) == 1, "the copy was finished later"


def test_only_new_files_are_read_and_late_ones_are_not_missed(tmp_path: Path) -> None:
    src = source(tmp_path)
    for minute in range(0, 24 * 60, 5):
        put(tmp_path, log_name(f"20260301T{minute // 60:02d}{minute % 60:02d}"), [at(minute)])
    first = batches(src)
    assert len(entities(first, "AuditEvent")) == 288
    cursor = cursor_of(first)
    [series] = msgspec.json.decode(cursor, type=Ledger).series.values()
    assert len(series.after) < 288, "what is long read is not remembered one by one"
    assert not [a for b in batches(src, cursor) for a in b.assertions]
    put(tmp_path, log_name("20260301T2300", "late"), [at(24 * 60 - 1)])
    put(tmp_path, log_name("20260302T0000"), [modify_rule(at="2026-03-02T00:00:00Z")])
    again = batches(src, cursor)
    assert len(entities(again, "AuditEvent")) == 2
    assert not [a for b in batches(src, cursor_of(again)) for a in b.assertions]


def test_a_file_of_another_name_is_read_again_when_it_grew(tmp_path: Path) -> None:
    log = tmp_path / "export.jsonl"
    log.write_text("\n".join(json.dumps(at(n)) for n in (0, 1)) + "\n")
    src = source(log)
    cursor = cursor_of(batches(src))
    with log.open("a") as file:
        file.write(json.dumps(at(2)) + "\n")
    assert len(entities(batches(src, cursor), "AuditEvent")) == 3


def test_order_and_distribution_over_files_do_not_matter(tmp_path: Path) -> None:
    calls = [
        record("ec2:CreateSecurityGroup", {"groupName": "a"}, {"groupId": "sg-0aaaaaaaaaaaaaaa1"}, at="2026-03-01T09:00:00Z"),
        record("ec2:AuthorizeSecurityGroupIngress", {"groupId": "sg-0aaaaaaaaaaaaaaa1", "ipProtocol": "tcp", "cidrIp": "10.0.0.0/8", "fromPort": 1, "toPort": 1}, at="2026-03-01T09:00:00Z"),
        record("ec2:DeleteSecurityGroup", {"groupId": "sg-0aaaaaaaaaaaaaaa1"}, at="2026-03-01T10:00:00Z"),
        *(modify_rule(at=f"2026-03-01T09:0{n}:00Z", who=session("deployer", "ci")) for n in range(6)),
    ]  # fmt: skip
    dumps: list[list[str]] = []
    for seed in range(12):
        rng = random.Random(seed)
        mixed = [*calls, *rng.sample(calls, 4)]
        rng.shuffle(mixed)
        directory = tmp_path / f"logs-{seed}"
        with fresh_store(tmp_path, f"store-{seed}") as store:
            for part in range(3):  # each file is pulled before the next one is there
                put(directory, log_name(f"20260301T100{part}"), mixed[part::3])
                assert sync(store, source(directory), NOW, KEY, processes="none").error is None
            current = [line for line in facts_of(list(store.dump())) if json.loads(line).get("known_to") is None]
            dumps.append(sorted(_without_records(line) for line in current))
    assert dumps[0]
    assert all(dump == dumps[0] for dump in dumps)


def _without_records(line: str) -> str:
    fields: Json = json.loads(line)
    return json.dumps({k: v for k, v in fields.items() if k not in ("known_from", "record")}, sort_keys=True)


def test_a_batch_holds_no_more_than_a_store_takes_at_once(tmp_path: Path) -> None:
    found = pulled(tmp_path, *(at(n) for n in range(1200)))
    assert len(found) > 1
    assert max(len(b.assertions) for b in found) < 2_100
    assert len(relations(found, "CHANGED")) == 1200


def test_a_file_that_may_not_be_read_keeps_no_other_back_and_is_read_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for minute in (0, 5, 10):
        put(tmp_path, log_name(f"20260301T00{minute:02d}"), [at(minute)])
    locked = log_name("20260301T0005")
    read_bytes = Path.read_bytes

    def refuse(file: Path) -> bytes:
        if file.as_posix().endswith(locked):
            raise PermissionError(13, "denied", str(file))
        return read_bytes(file)

    src = source(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", refuse)
        with fresh_store(tmp_path, "store") as store:
            report = sync(store, src, NOW, KEY, processes="none")
            assert isinstance(report.error, SourceDataInvalid)
            assert "may not be read" in str(report.error)
            assert store.status().entities["AuditEvent"] == 2
            cursor = store.cursor("cloudtrail", "trail")
            assert sync(store, src, NOW, KEY, processes="none").batches == 0
    assert len(entities(batches(src, cursor), "AuditEvent")) == 1
