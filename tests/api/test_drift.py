"""`lore drift` as a user runs it, with a program that answers as Terraform would."""

from __future__ import annotations

import json
import re

import msgspec
import pytest

from agent.drift.model import Drift, DriftReport
from agent.fix.model import Fix
from api.drift_announcements import announcements
from api.drift_settings import read_drift_settings
from api.errors import SettingsError
from tests.api.lore import Lore
from tests.fake_github import TOKEN, fake_github
from tests.ingest.fake_terraform import Json, calls, change, plan, state, write_terraform

MAIN = """\
# What carries the shop.
resource "aws_instance" "web" {
  instance_type           = "t3.large" # measured in May
  disable_api_termination = true
}
"""
WANTED = {"instance_type": "t3.large", "disable_api_termination": True}
THERE = {"instance_type": "t3.small", "disable_api_termination": False}
SETTINGS = """\
drift:
  channel: "#infra"
  terraform:
    - directory: code/envs/prod
      repository: acme/infra
      path: envs/prod
      environment: prod
      program: {program}
      environment_variables: {{TOKEN: "${{SHOP_TOKEN}}"}}
  ignore: {ignore}
"""


class Shop:
    """A root module with a fake Terraform, and `lore` with a configuration that names it."""

    def __init__(self, lore: Lore, ignore: str = "[]") -> None:
        self.lore = Lore(lore.home, {"SHOP_TOKEN": "tok-" + "en-of-the-shop"})
        self.root = lore.home / "code" / "envs" / "prod"
        self.root.mkdir(parents=True)
        (self.root / "main.tf").write_text(MAIN)
        self.bin = lore.home / "bin"
        self.program = write_terraform(self.bin)
        self.configure(ignore)
        self.drifted()

    def configure(self, ignore: str) -> None:
        config = SETTINGS.format(program=self.program, ignore=ignore)
        (self.lore.home / "lore.yaml").write_text(config)

    def answers(self, *changes: Json, **answers: Json) -> None:
        known = state(aws_instance__web={"id": "i-1", **WANTED})
        write_terraform(self.bin, plan=plan(*changes), state=known, answers=answers)

    def drifted(self) -> None:
        self.answers(change("aws_instance.web", {"id": "i-1", **THERE}, {"id": "i-1", **WANTED}))

    def scan(self, *more: str) -> DriftReport:
        ran = self.lore("drift", "-o", "json", *more)
        assert ran.code in (0, 3), ran
        report = msgspec.json.decode(ran.out, type=DriftReport)
        assert (ran.code == 3) == bool(report.drifts)
        return report


@pytest.fixture
def shop(fresh: Lore) -> Shop:
    return Shop(fresh)


def test_drift_is_told_worst_first_with_what_it_opens_and_what_to_do_and_exits_3(shop: Shop) -> None:
    ran = shop.lore("drift")
    assert ran.code == 3
    assert "1 drift (1 high)" in ran.out
    assert "HIGH     aws_instance.web" in ran.out
    assert "instance_type: t3.large → t3.small" in ran.out
    assert "nothing keeps it from being deleted" in ran.out
    assert re.search(r"adopt or revert: lore drift fix drift_[0-9a-f]{16}", ran.out)


def test_nothing_that_differs_exits_0(shop: Shop) -> None:
    shop.answers()
    ran = shop.lore("drift")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("No drift at ")


def test_the_same_drift_keeps_its_id_and_first_time_and_ends_when_it_is_gone(shop: Shop) -> None:
    [first] = shop.scan().drifts
    [again] = shop.scan().drifts
    assert (again.id, again.first_seen_at) == (first.id, first.first_seen_at)
    shop.answers()
    after = shop.scan()
    assert (after.drifts, after.gone) == ((), (first.id,))
    assert shop.scan("--stored").drifts == ()


def test_a_root_module_that_cannot_be_planned_ends_no_finding_and_tells_no_secret(shop: Shop) -> None:
    [drift] = shop.scan().drifts
    shop.answers(plan={"code": 1, "err": "Error: no luck with tok-en-of-the-shop\n"})
    report = shop.scan()
    assert "acme/infra:envs/prod was not compared" in report.notes[0]
    assert "tok-en" not in report.to_json()
    assert ([d.id for d in report.drifts], report.gone) == ([drift.id], ())
    assert [d.id for d in shop.scan("--stored").drifts] == [drift.id]


def test_without_terraform_what_it_found_before_stands(shop: Shop) -> None:
    [drift] = shop.scan().drifts
    before = len(calls(shop.program))
    report = shop.scan("--no-terraform")
    assert len(calls(shop.program)) == before
    assert any("not run" in note for note in report.notes)
    assert [d.id for d in report.drifts] == [drift.id]
    assert [d.id for d in shop.scan("--stored").drifts] == [drift.id]


def test_another_environment_is_not_looked_at(shop: Shop) -> None:
    assert shop.scan("--env", "staging").drifts == ()


def test_what_the_user_says_is_no_drift_is_counted(fresh: Lore) -> None:
    shop = Shop(fresh, "[{type: aws_instance, attribute: instance_type, reason: a scheduler sizes it}]")
    report = shop.scan()
    assert [[a.path for a in d.attributes] for d in report.drifts] == [["disable_api_termination"]]
    assert [(i.reason, i.count) for i in report.ignored] == [("a scheduler sizes it", 1)]


def test_code_that_is_not_applied_yet_is_a_note(shop: Shop) -> None:
    shop.answers(change("aws_instance.web", {"id": "i-1", **WANTED}, {"id": "i-1", **WANTED, "instance_type": "t3.xlarge"}))  # fmt: skip
    report = shop.scan()
    assert report.drifts == ()
    assert report.notes[0].startswith("acme/infra:envs/prod: 1 pending in code, not applied yet: aws_instance.web")


def test_a_drift_is_shown_by_the_first_characters_of_its_id(shop: Shop) -> None:
    [drift] = shop.scan().drifts
    ran = shop.lore("drift", "show", drift.id[:14], "-o", "json")
    assert msgspec.json.decode(ran.out, type=Drift) == drift
    assert "a plan of Terraform" in shop.lore("drift", "show", drift.id).out
    shop.lore("drift", "show", "drift_none00").failed("no drift", code=2)


def test_a_fix_is_only_shown_until_it_is_to_be_written(shop: Shop) -> None:
    [drift] = shop.scan().drifts
    shop.answers()  # what a plan of the edited copy tells
    ran = shop.lore("drift", "fix", drift.id, "-o", "json")
    fix = msgspec.json.decode(ran.out, type=Fix)
    assert fix.safe, fix.why
    assert (shop.root / "main.tf").read_text() == MAIN
    assert "plan: nothing left to do for it" in fix.checked
    wrote = shop.lore("drift", "fix", drift.id, "--write")
    assert wrote.code == 0, wrote
    edited = MAIN.replace("t3.large", "t3.small").replace("= true", "= false")
    assert (shop.root / "main.tf").read_text() == edited


def test_a_fix_after_which_a_plan_still_tells_something_is_not_safe_and_is_not_written(shop: Shop) -> None:
    [drift] = shop.scan().drifts
    ran = shop.lore("drift", "fix", drift.id, "-o", "json")  # the program plans the same, whatever the code says
    fix = msgspec.json.decode(ran.out, type=Fix)
    assert (fix.safe, ran.code) == (False, 3)
    assert "still tells" in fix.why
    shop.lore("drift", "fix", drift.id, "--write")
    assert (shop.root / "main.tf").read_text() == MAIN


def test_a_revert_names_the_apply_and_edits_nothing(shop: Shop) -> None:
    [drift] = shop.scan().drifts
    ran = shop.lore("drift", "fix", drift.id, "--how", "revert", "-o", "json")
    fix = msgspec.json.decode(ran.out, type=Fix)
    assert fix.how == "revert"
    assert any("-target=" in c and "aws_instance.web" in c for c in fix.commands)
    assert fix.files == ()


def test_a_pull_request_is_opened_after_a_yes_once_for_a_drift_and_holds_the_whole_edit(shop: Shop) -> None:
    [drift] = shop.scan().drifts
    shop.answers()
    with fake_github() as github:
        outward = {"github": {"token": TOKEN, "base_url": github.url, "seconds_between_writes": 0}}
        with (shop.lore.home / "lore.yaml").open("a") as file:
            file.write(f"outward: {json.dumps(outward)}\n")
        shown = shop.lore("drift", "fix", drift.id, "--open-pr")
        assert github.pulls == []
        assert "nothing was written" in shown.err
        for _ in range(2):
            opened = shop.lore("drift", "fix", drift.id, "--open-pr", "--yes")
            assert opened.code == 0, opened
        [pull] = github.pulls
        assert pull.title == "Adopt what is there: aws_instance.web: disable api termination, instance type changed"
        assert "| `instance_type` | t3.large | t3.small |" in pull.body
        assert "plan: nothing left to do for it" in pull.body
        edited = MAIN.replace("t3.large", "t3.small").replace("= true", "= false")
        assert github.files(pull.branch)["envs/prod/main.tf"].decode() == edited
    assert (shop.root / "main.tf").read_text() == MAIN


def test_new_drift_is_told_once_where_its_owners_are(shop: Shop) -> None:
    report = shop.scan()
    settings = read_drift_settings({"channel": "#infra", "channels": {"prod": "#prod-infra"}})
    [told] = announcements(settings, report, report.drifts)
    assert (told.channel, told.key) == ("#prod-infra", f"{report.drifts[0].id}:{report.drifts[0].first_seen_at}")
    assert "t3.large" in told.text
    assert announcements(read_drift_settings({"channel": "#x", "least": "critical"}), report, report.drifts) == ()
    assert announcements(read_drift_settings({}), report, report.drifts) == ()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"terraform": [{"dir": "x"}]}, "drift"),
        ({"ignore": [{"type": "aws_instance"}]}, "reason"),
        ({"ignore": [{"type": "aws_instance", "reason": " "}]}, "reason"),
        ({"terraform": [{"directory": "x"}, {"directory": "x"}]}, "name"),
        ({"every": 3}, "drift"),
    ],
)
def test_settings_that_make_no_sense_are_told(given: Json, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        read_drift_settings(given)


def test_json_is_one_line_of_the_documented_schema(shop: Shop) -> None:
    ran = shop.lore("drift", "-o", "json")
    assert ran.out.count("\n") == 1
    assert json.loads(ran.out)["schema"] == "lore.drift/1"


def test_who_never_looked_is_told_so(fresh: Lore) -> None:
    ran = fresh("drift", "--stored")
    assert (ran.code, ran.out.strip()) == (0, "Nobody has looked for drift yet: run `lore drift`.")
