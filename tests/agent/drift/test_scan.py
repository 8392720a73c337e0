"""Noise, attribution, severity and findings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.drift.findings import finding_batches, known, stored_report
from agent.drift.inventory import inventory_drift
from agent.drift.model import AttributeDrift, Drift
from agent.drift.noise import without_noise
from agent.drift.observed import Observed, Rule
from agent.drift.scan import Scanned, scan
from agent.drift.severity import weigh
from agent.model import AttributeState
from graph.clock import SECOND, rfc3339
from graph.model import EntityRef, Value
from graph.store import GraphStore, View
from tests.agent.drift.graph import NOW, Account, asked


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path)


def _attribute(path: str, desired: Value, actual: Value) -> AttributeDrift:
    def side(value: Value) -> AttributeState:
        return AttributeState(state="absent") if value is None else AttributeState(state="value", value=value)

    return AttributeDrift(path=path, desired=side(desired), actual=side(actual))


def _observed(type_: str, *attributes: AttributeDrift, kind: str = "changed", address: str = "") -> Observed:
    return Observed(
        kind=kind,  # pyright: ignore[reportArgumentType]
        basis="plan",
        scope="terraform/shop",
        ref=EntityRef("Resource:x"),
        address=address or f"{type_}.x",
        type=type_,
        attributes=attributes,
    )


def _scan(store: GraphStore, *, at: int = NOW, view: View | None = None, rules: Sequence[Rule] = ()) -> Scanned:
    view = view or View()
    found = inventory_drift(store, view)
    before = known(store, view)
    first = {id_: one.drift.first_seen_at for id_, one in before.items()}
    told = scan(store, view, found.observed, now=at, first_seen=first, rules=rules)
    for batch in finding_batches(told.report, found.scopes, told.scopes, told.labels, before, at):
        store.apply(batch)
    return told


def _database(account: Account, storage: int = 200) -> str:
    arn = account.arn("rds", "db:orders")
    account.state("aws_db_instance.orders", "aws_db_instance", arn, {"deletion_protection": True, "allocated_storage": 100})  # fmt: skip
    account.there("aws_db_instance", arn, {"deletion_protection": False, "allocated_storage": storage})
    return arn


def _only(told: Scanned) -> Drift:
    [drift] = told.report.drifts
    return drift


# -- noise


@pytest.mark.parametrize(
    ("attribute", "rule"),
    [
        (_attribute("description", "", None), "nothing-is-empty"),
        (_attribute("policy", '{"Action": ["a", "b"]}', '{"Action":["b","a"]}'), "same-json"),
        (_attribute("tags.aws:autoscaling:groupName", None, "x"), "aws-tags"),
        (_attribute("port", 1, "1"), "same-number"),
        (_attribute("ebs_optimized", None, False), "default-added"),
    ],
)
def test_noise_is_taken_away_by_a_declared_rule_and_counted(attribute: AttributeDrift, rule: str) -> None:
    left, ignored = without_noise([_observed("aws_instance", attribute)])
    assert left == ()
    assert [(i.rule, i.count) for i in ignored] == [(rule, 1)]
    assert all(i.reason for i in ignored)


def test_a_change_of_meaning_is_never_taken_for_noise() -> None:
    kept = [
        _attribute("policy", '{"Action": ["a"]}', '{"Action":["a","b"]}'),
        _attribute("deletion_protection", True, False),
        _attribute("tags.team", "a", None),
        _attribute("cidr_blocks", ["10.0.0.0/8"], ["0.0.0.0/0"]),
    ]
    left, ignored = without_noise([_observed("aws_instance", *kept)])
    assert [a.path for a in left[0].attributes] == [a.path for a in kept]
    assert ignored == ()


def test_the_users_rules_take_away_attributes_and_whole_instances_by_glob() -> None:
    rules = [
        Rule("capacity", "the autoscaler sets it", type="aws_autoscaling_group", attribute="desired_capacity"),
        Rule("sandbox", "people play there", address='module.sandbox["*"].*'),
    ]
    group = _observed("aws_autoscaling_group", _attribute("desired_capacity", 4, 2), _attribute("max_size", 6, 4))
    sandbox = _observed("aws_s3_bucket", kind="missing", address='module.sandbox["a"].aws_s3_bucket.b')
    left, ignored = without_noise([group, sandbox], rules)
    assert [[a.path for a in o.attributes] for o in left] == [["max_size"]]
    assert {(i.rule, i.count) for i in ignored} == {("capacity", 1), ("sandbox", 1)}


# -- severity


def _allowing(action: str) -> str:
    return json.dumps({"Statement": [{"Effect": "Allow", "Action": [action], "Resource": "arn:aws:s3:::a"}]})


@pytest.mark.parametrize(
    ("type_", "attribute", "severity", "says"),
    [
        ("aws_security_group", _attribute("ingress", [], [{"cidr_blocks": ["0.0.0.0/0"], "from_port": 22, "to_port": 22, "protocol": "tcp"}]), "critical", "port 22"),
        ("aws_security_group", _attribute("ingress", [], [{"cidr_blocks": ["::/0"], "from_port": 443, "to_port": 443, "protocol": "tcp"}]), "medium", "port 443"),
        ("aws_security_group", _attribute("egress", [], [{"cidr_blocks": ["0.0.0.0/0"]}]), "medium", ""),
        ("aws_db_instance", _attribute("deletion_protection", True, False), "high", "deleted"),
        ("aws_db_instance", _attribute("deletion_protection", False, True), "medium", ""),
        ("aws_db_instance", _attribute("storage_encrypted", True, False), "high", "encrypted"),
        ("aws_db_instance", _attribute("publicly_accessible", False, True), "critical", "internet"),
        ("aws_db_instance", _attribute("backup_retention_period", 14, 0), "high", "14 → 0"),
        ("aws_autoscaling_group", _attribute("min_size", 4, 3), "medium", "load"),
        ("aws_autoscaling_group", _attribute("min_size", 4, 2), "high", "half"),
        ("aws_iam_role_policy", _attribute("policy", _allowing("s3:GetObject"), _allowing("s3:*")), "high", "everything"),
        ("aws_lb_listener", _attribute("ssl_policy", "ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-2016-08"), "high", "TLS"),
        ("aws_s3_bucket_public_access_block", _attribute("block_public_acls", True, False), "critical", "public"),
        ("aws_instance", _attribute("tags.Name", "a", "b"), "info", ""),
    ],
)  # fmt: skip
def test_severity_is_by_what_it_opens_or_breaks(
    type_: str, attribute: AttributeDrift, severity: str, says: str
) -> None:
    weighed = weigh(_observed(type_, attribute))
    assert weighed.severity == severity
    assert says in " ".join(weighed.risks)


def test_a_store_of_data_that_is_gone_is_critical() -> None:
    assert weigh(_observed("aws_dynamodb_table", kind="missing")).severity == "critical"
    assert weigh(_observed("aws_cloudwatch_event_rule", kind="missing")).severity == "medium"


# -- attribution


def test_the_person_the_door_and_the_minute_come_from_the_call_that_set_it(account: Account) -> None:
    arn = _database(account, storage=100)
    account.called("rds:ModifyDBInstance", arn, "mallory", "2026-05-03T09:15:00", attributes=[asked("deletionProtection", False)])  # fmt: skip
    account.called("rds:AddTagsToResource", arn, "bob", "2026-05-03T10:00:00", attributes=[asked('tags["x"]', "y")])
    with account.store() as store:
        drift = _only(_scan(store))
    [cause] = drift.causes
    assert (cause.by.name, cause.via, cause.at) == ("mallory", "console", "2026-05-03T09:15:00Z")
    assert cause.explains == ("deletion_protection",)
    assert drift.severity == "high"


def test_two_people_who_changed_two_attributes_are_both_told(account: Account) -> None:
    arn = _database(account)
    account.called("rds:ModifyDBInstance", arn, "mallory", "2026-05-03T09:15:00", attributes=[asked("deletionProtection", False)])  # fmt: skip
    account.called("rds:ModifyDBInstance", arn, "bob", "2026-05-03T11:00:00", attributes=[asked("allocatedStorage", 200)])  # fmt: skip
    with account.store() as store:
        drift = _only(_scan(store))
    assert [(c.by.name, c.explains) for c in drift.causes] == [
        ("bob", ("allocated_storage",)),
        ("mallory", ("deletion_protection",)),
    ]


def test_an_apply_is_nobodys_drift_and_a_call_before_the_last_apply_is_not_blamed_while_a_later_one_fits(
    account: Account,
) -> None:
    arn = _database(account, storage=100)
    account.called("rds:ModifyDBInstance", arn, "early", "2026-04-20T09:00:00", attributes=[asked("deletionProtection", False)])  # fmt: skip
    account.called("rds:ModifyDBInstance", arn, "ci", "2026-05-02T09:00:00", attributes=[asked("deletionProtection", False)], via="terraform")  # fmt: skip
    account.called("rds:ModifyDBInstance", arn, "late", "2026-05-03T09:00:00", attributes=[asked("deletionProtection", False)])  # fmt: skip
    with account.store() as store:
        drift = _only(_scan(store))
    assert [c.by.name for c in drift.causes] == ["late"]


def test_a_call_on_the_bucket_counts_for_its_versioning_only_when_it_speaks_of_it(account: Account) -> None:
    bucket = "arn:aws:s3:::assets"
    parent = account.state("aws_s3_bucket.assets", "aws_s3_bucket", bucket, {})
    this = account.state("aws_s3_bucket_versioning.assets", "aws_s3_bucket_versioning", "", {}, depends_on=[parent])
    account.called("s3:PutBucketTagging", bucket, "bob", "2026-05-03T12:00:00")
    account.called("s3:PutBucketVersioning", bucket, "grace", "2026-05-03T11:00:00", attributes=[asked("VersioningConfiguration.Status", "Suspended")])  # fmt: skip
    observed = Observed(
        kind="changed",
        basis="plan",
        scope="terraform/shop",
        ref=this,
        address="aws_s3_bucket_versioning.assets",
        type="aws_s3_bucket_versioning",
        attributes=(_attribute("versioning_configuration[0].status", "Enabled", "Suspended"),),
    )
    with account.store() as store:
        drift = _only(scan(store, View(), [observed], now=NOW, first_seen={}))
    assert [(c.by.name, c.action) for c in drift.causes] == [("grace", "s3:PutBucketVersioning")]


def test_whoever_deleted_or_made_a_thing_is_told(account: Account) -> None:
    here, gone, new = (account.arn("rds", f"db:{name}") for name in ("here", "gone", "new"))
    account.state("aws_db_instance.here", "aws_db_instance", here, {})
    account.state("aws_db_instance.gone", "aws_db_instance", gone, {})
    account.there("aws_db_instance", here, {})
    account.there("aws_db_instance", new, {}, name="new")
    account.called("rds:DeleteDBInstance", gone, "erin", "2026-05-03T09:00:00", effect="deleted", via="cli")
    account.called("rds:CreateDBInstance", new, "frank", "2026-05-03T10:00:00", effect="created")
    with account.store() as store:
        told = {d.kind: d for d in _scan(store).report.drifts}
    assert (told["missing"].causes[0].by.name, told["missing"].causes[0].via) == ("erin", "cli")
    assert told["unmanaged"].causes[0].by.name == "frank"
    assert told["unmanaged"].remedies == ("import", "delete")


# -- kept


def test_the_same_drift_keeps_its_id_and_when_it_was_first_seen(account: Account) -> None:
    _database(account)
    with account.store() as store:
        first = _only(_scan(store))
        again = _only(_scan(store, at=NOW + 3_600 * SECOND))
    assert (again.id, again.first_seen_at) == (first.id, rfc3339(NOW))


def test_what_is_no_more_ends_and_is_still_told_of_the_time_when_it_was(account: Account) -> None:
    _database(account)
    with account.store() as store:
        drift = _only(_scan(store))
        found = inventory_drift(store, View())
        later = NOW + 3_600 * SECOND
        empty = scan(store, View(), [], now=later, first_seen={})
        for batch in finding_batches(empty.report, found.scopes, {}, {}, known(store, View()), later):
            store.apply(batch)
        assert stored_report(store, View()).drifts == ()
        assert [d.id for d in stored_report(store, View(as_of=NOW + SECOND)).drifts] == [drift.id]


def test_a_drift_whose_cause_is_confidential_is_not_shown_to_others(account: Account) -> None:
    arn = _database(account, storage=100)
    account.called("rds:ModifyDBInstance", arn, "mallory", "2026-05-03T09:15:00", attributes=[asked("deletionProtection", False)], label="security")  # fmt: skip
    with account.store() as store:
        _scan(store, view=View(audience=frozenset({"public", "security"})))
        assert stored_report(store, View()).drifts == ()
        assert len(stored_report(store, View(audience=frozenset({"public", "security"}))).drifts) == 1


def test_what_is_stored_says_the_same_as_what_was_scanned(account: Account) -> None:
    arn = _database(account, storage=100)
    account.called("rds:ModifyDBInstance", arn, "mallory", "2026-05-03T09:15:00", attributes=[asked("deletionProtection", False)])  # fmt: skip
    with account.store() as store:
        scanned, stored = _scan(store).report, stored_report(store, View())
    assert stored.drifts == scanned.drifts
    assert stored.scanned_at == scanned.scanned_at
    cited = {c.id for c in stored.citations}
    assert {c for d in stored.drifts for cause in d.causes for c in cause.citations} <= cited
