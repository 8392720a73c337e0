"""A report says so when it is not whole."""

from __future__ import annotations

from pathlib import Path

import msgspec

from agent.drift.inventory import inventory_drift
from agent.drift.model import Drift, DriftReport
from agent.drift.scan import capped, scan
from graph.store import View
from tests.agent.drift.graph import NOW, Account


def _account(tmp_path: Path) -> Account:
    account = Account(tmp_path)
    for name in ("a", "b", "c"):
        arn = account.arn("rds", f"db:{name}")
        account.state(f"aws_db_instance.{name}", "aws_db_instance", arn, {"port": 1})
        account.there("aws_db_instance", arn, {"port": 2})
    account.state("aws_db_instance.gone", "aws_db_instance", account.arn("rds", "db:gone"), {})
    return account


def test_a_read_that_was_cut_tells_no_absence_and_marks_the_report(tmp_path: Path) -> None:
    with _account(tmp_path).store() as store:
        listed = inventory_drift(store, View(), most=3)
        assert listed.cut
        assert {o.kind for o in listed.observed} <= {"changed"}, "what is missing may stand in what was not read"
        report = scan(store, View(), listed.observed, now=NOW, first_seen={}, notes=listed.notes, cut=listed.cut).report
    assert report.truncated
    assert any("more than 3 resources" in note for note in report.notes)


def test_a_read_to_the_end_is_not_marked(tmp_path: Path) -> None:
    with _account(tmp_path).store() as store:
        listed = inventory_drift(store, View())
        report = scan(store, View(), listed.observed, now=NOW, first_seen={}, cut=listed.cut).report
    assert [d.kind for d in report.drifts].count("missing") == 1
    assert not report.truncated


def test_a_report_lists_the_worst_and_counts_the_rest() -> None:
    one = Drift(id="drift_0", kind="changed", ref="Resource:a", address="a", type="t", basis="plan", severity="high", first_seen_at="")  # fmt: skip
    drifts = tuple(msgspec.structs.replace(one, id=f"drift_{i}", severity="high" if i < 3 else "low") for i in range(5))
    whole = DriftReport(scanned_at="", drifts=drifts)
    cut = capped(whole, 2)
    assert [d.id for d in cut.drifts] == ["drift_0", "drift_1"]
    assert cut.truncated
    assert "3 more drifts (1 high, 2 low)" in cut.notes[-1]
    assert capped(whole, 5) == whole
