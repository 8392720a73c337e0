"""The loop of drift, small: Terraform applies, people edit by hand, a scan tells who did what, and the code is made to follow.

`python -m bench.drift` is the large one. One test and not several: an apply takes its time, and must not run once in each worker.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.drift_loop import Loop
from bench.drift_world import EDITS, FILES, Edit
from tests.cloud.terraform import missing

NAMES = ("aws_cloudwatch_log_group.audit", 'aws_ssm_parameter.flag["checkout"]', "aws_cloudwatch_event_rule.nightly")
KEPT = ("envs/prod/variables.tf", "envs/prod/prod.auto.tfvars", "envs/prod/locals.tf")
CODE = """\
resource "aws_cloudwatch_log_group" "audit" {
  name              = "/shop/audit"
  retention_in_days = var.log_retention_days
}

resource "aws_ssm_parameter" "flag" {
  for_each       = local.flags
  name           = "/shop/flags/${each.key}"
  type           = "String"
  insecure_value = each.value
}

resource "aws_sns_topic" "alerts" {
  for_each     = local.topics
  name         = "shop-${each.key}"
  display_name = each.value.name
}

resource "aws_cloudwatch_event_rule" "nightly" {
  name                = "shop-nightly"
  schedule_expression = "rate(1 day)"
}
"""
NOT_YET = """
resource "aws_ssm_parameter" "planned" {
  name           = "/shop/planned"
  type           = "String"
  insecure_value = "soon"
}
"""


def _edits() -> tuple[Edit, ...]:
    chosen = {edit.address: edit for edit in EDITS if edit.address in NAMES}
    created = Edit("frank", "created", "sns", "create_topic", {"Name": "by-hand"}, "by-hand", "unmanaged")
    return (*(chosen[name] for name in NAMES), created)


@pytest.mark.timeout(280)
def test_edits_by_hand_are_found_told_of_the_right_person_and_taken_into_the_code(tmp_path: Path) -> None:
    if reason := missing():
        if os.environ.get("REQUIRE_TERRAFORM_AWS") == "1":  # noqa: TID251 - the harness, not the product
            pytest.fail(reason)
        pytest.skip(reason)
    edits = _edits()
    loop = Loop(tmp_path, {**{path: FILES[path] for path in KEPT}, "envs/prod/main.tf": CODE}, edits)
    loop.before_scan = lambda: _write_more(loop)
    outcome = loop.run(check=False)
    assert outcome.report is not None
    assert (outcome.missed, outcome.spurious, outcome.wrong) == ([], [], {})
    assert [c.via for d in outcome.found.values() for c in d.causes] == ["sdk"] * len(edits)
    assert "1 pending in code, not applied yet: aws_ssm_parameter.planned" in " ".join(outcome.report.notes)
    assert outcome.mended == [0, 1, 2, 3], outcome.not_mended
    assert outcome.left == ["aws_ssm_parameter.planned"]
    tfvars = (loop.root / "prod.auto.tfvars").read_text()
    assert tfvars == FILES["envs/prod/prod.auto.tfvars"].replace("= 365 #", "= 30 #")


def _write_more(loop: Loop) -> None:
    """Code that nobody has applied yet: no drift."""
    file = loop.root / "main.tf"
    file.write_text(file.read_text() + NOT_YET)
