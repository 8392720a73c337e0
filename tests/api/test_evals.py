"""`lore eval`: incidents as folders, scored without the engine seeing what is expected."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from agent.investigation import Cause, CauseKind
from agent.model import ChangeId
from api.cli_eval import eval_text
from api.eval_folder import read_incident, read_settings
from api.evals import Report, Scored, is_named, report
from tests.api.lore import Lore, repository

SHIPPED = Path(__file__).parents[2] / "evals"
SHA = "5c0c8a577a434a1c9c5e2c6f0f1f9b1100000000"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A copy of the incidents that come with the project."""
    shutil.copytree(SHIPPED, tmp_path / "mine")
    return tmp_path / "mine"


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _report(out: str) -> Report:
    return msgspec.json.decode(out, type=Report)


def _by_name(done: Report) -> dict[str, Scored]:
    return {one.name: one for one in done.incidents}


def test_the_incidents_that_come_with_the_project_are_solved_and_the_one_outside_is_left_open(fresh: Lore) -> None:
    ran = fresh("eval", SHIPPED, "--output", "json")
    assert ran.code == 0, ran
    done = _report(ran.out)
    assert (done.schema, done.totals.wrong, done.totals.unusable) == ("lore.eval/1", 0, 0)
    assert (done.totals.causes, done.totals.top_1, done.totals.outside, done.totals.abstained) == (2, 2, 1, 1)
    for one in done.incidents:
        assert one.steps < 25
        assert one.seconds < 2
        assert not one.unread


def test_the_table_has_a_line_for_each_incident_and_the_totals(fresh: Lore) -> None:
    ran = fresh("eval", SHIPPED)
    lines = ran.out.splitlines()
    assert lines[0].split() == ["incident", "expected", "first", "cause", "rank", "p", "verdict", "steps", "seconds"]
    assert [line.split()[0] for line in lines[1:4]] == ["fares-certificate", "kiosks-time-out", "maps-outage"]
    assert all(line.endswith("  ok") for line in lines[1:4])
    assert lines[-1].endswith("1 of 1 abstained; none wrong")
    assert max(map(len, lines)) <= 140


def test_a_cause_other_than_the_expected_one_is_wrong_and_says_why_it_should_be_otherwise(
    fresh: Lore, mine: Path
) -> None:
    _edit(mine / "kiosks-time-out" / "incident.yaml", "5c0c8a57-7a43-4a1c-9c5e-2c6f0f1f9b11", "d-2213")
    ran = fresh("eval", mine / "kiosks-time-out")
    assert ran.code == 3
    assert "wrong" in ran.out
    assert "Rosa tidied the security group" in " ".join(ran.out.split())
    scored = _report(fresh("eval", mine / "kiosks-time-out", "-o", "json").out).incidents[0]
    assert scored.rank is None or scored.rank > 1
    assert not scored.ok


def test_to_name_a_cause_where_none_is_expected_is_wrong(fresh: Lore, mine: Path) -> None:
    _edit(mine / "fares-certificate" / "incident.yaml", "[fares.ferry.example]", "none")
    ran = fresh("eval", mine / "fares-certificate", "-o", "json")
    assert ran.code == 3
    assert _report(ran.out).totals.abstained == 0


def test_what_is_expected_does_not_change_what_is_found(fresh: Lore, mine: Path) -> None:
    other = shutil.copytree(mine / "kiosks-time-out", mine / "other")
    _edit(other / "incident.yaml", "5c0c8a57-7a43-4a1c-9c5e-2c6f0f1f9b11", "d-2211")
    done = _by_name(_report(fresh("eval", mine / "kiosks-time-out", other, "-o", "json").out))
    first, second = done["kiosks-time-out"], done["other"]
    assert first.first_names == second.first_names
    assert (first.first_probability, first.steps, first.verdict) == (
        second.first_probability, second.steps, second.verdict,
    )  # fmt: skip


def test_the_facts_are_read_into_a_store_that_is_thrown_away(fresh: Lore, mine: Path) -> None:
    before = sorted(p.relative_to(mine) for p in mine.rglob("*"))
    assert fresh("eval", mine).code == 0
    assert sorted(p.relative_to(mine) for p in mine.rglob("*")) == before
    assert not fresh.database.exists()
    assert not (fresh.home / "data").exists()


_BAD: Sequence[tuple[str, str, str]] = (
    ("incident.yaml", "", "symptom"),
    ("incident.yaml", "symptom: [\n", "is not YAML at line"),
    ("incident.yaml", "symptom: x\nat: yesterday\nexpected: {cause: none}\n", "'yesterday' is not a time"),
    ("incident.yaml", "symptom: x\nat: 2026-01-01\n", "expected"),
    ("incident.yaml", "symptom: x\nat: 2026-01-01\nexpected: {cause: []}\n", "expected.cause names nothing"),
    ("incident.yaml", "symptom: x\nat: 2026-01-01\nexpected: {cause: [none, d-1]}\n", "expected.cause names nothing"),
    ("incident.yaml", "symptom: x\nat: 2026-01-01\nexpected: {cause: d-1}\nwindow_days: 0\n", "window_days"),
    ("incident.yaml", "symptom: x\nat: 2026-01-01\nexpected: {cause: d-1}\nwindow_days: .inf\n", "window_days"),
    ("incident.yaml", "symptom: x\nat: 2026-01-01\nexpected: {cause: d-1}\nwindow_days: 1e300\n", "at most"),
    ("incident.yaml", "symptom: x\nat: 2026-01-01\nexpected: {cause: d-1}\ncauses: d-1\n", "causes"),
    ("lore.yaml", "store: sqlite:x.db\n", "names no sources"),
    ("lore.yaml", "sources:\n  - deployments: {path: gone.csv}\n", "its source deployments cannot be read"),
    ("lore.yaml", "sources:\n  - nothing: {path: x}\n", "nothing"),
    ("lore.yaml", "sources:\n  - git: {path: gone.bundle}\n", "no git bundle"),
    ("lore.yaml", 'sources:\n  - slack: {token: "${NOT_SET_ANYWHERE}"}\n', "NOT_SET_ANYWHERE"),
)


@pytest.mark.parametrize(("file", "text", "said"), _BAD, ids=[said for _, _, said in _BAD])
def test_a_folder_that_cannot_be_used_is_told_in_one_sentence_and_the_others_go_on(
    fresh: Lore, mine: Path, file: str, text: str, said: str
) -> None:
    (mine / "maps-outage" / file).write_text(text)
    ran = fresh("eval", mine / "maps-outage", mine / "fares-certificate")
    assert ran.code == 1
    told, hint = ran.err.splitlines()
    assert told.startswith("maps-outage: ")
    assert said in told
    assert len(hint) > len("hint: ")
    assert ran.out.splitlines()[1].endswith("unusable")
    assert "none wrong; 1 unusable" in ran.out
    assert ran.out.splitlines()[2].split()[0] == "fares-certificate"


@pytest.mark.parametrize("gone", ["incident.yaml", "lore.yaml"])
def test_a_folder_without_one_of_its_two_files_says_which(fresh: Lore, mine: Path, gone: str) -> None:
    (mine / "maps-outage" / gone).unlink()
    ran = fresh("eval", mine)
    assert ran.code == 1
    assert f"has no {gone}" in ran.err
    assert "2 of 2 first" in ran.out


def test_a_place_without_incidents_is_a_mistake_of_who_typed_it(fresh: Lore, tmp_path: Path) -> None:
    fresh("eval").failed("there is no folder evals", code=2)
    (tmp_path / "empty").mkdir()
    fresh("eval", tmp_path / "empty").failed("holds no incidents", code=2)


def test_a_git_bundle_beside_the_incident_is_read_and_a_commit_is_named_by_its_first_digits(
    fresh: Lore, tmp_path: Path
) -> None:
    folder = tmp_path / "rule-took-over"
    folder.mkdir()
    clone = repository(tmp_path / "clone")
    bundle = folder / "infra.bundle"
    subprocess.run(["git", "-C", str(clone), "bundle", "create", "--quiet", str(bundle), "HEAD", "--all"], check=True)
    sha = subprocess.run(
        ["git", "-C", str(clone), "log", "--format=%h", "--abbrev=9", "--grep", "Raise", "main"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    (folder / "lore.yaml").write_text("sources:\n  - git: {path: infra.bundle, name: acme/infra}\n")
    (folder / "incident.yaml").write_text(
        f"symptom: the api's listener rule lost its priority, checkout does not win any more\nat: 2024-02-02T09:00:00Z\nexpected:\n  cause: [{sha}]\n"
    )
    ran = fresh("eval", folder, "-o", "json")
    scored = _report(ran.out).incidents[0]
    assert not scored.error, scored.error
    assert scored.rank == 1
    assert any(name.startswith(sha) for name in scored.first_names)
    assert list(folder.iterdir()) == [p for p in folder.iterdir() if p.suffix in (".bundle", ".yaml")]


def test_metrics_beside_the_incident_are_found_from_where_its_lore_yaml_is(mine: Path, tmp_path: Path) -> None:
    with (mine / "maps-outage" / "lore.yaml").open("a") as file:
        file.write("observations:\n  - files: {path: metrics}\n  - prometheus: {url: http://localhost:9}\n")
    settings = read_settings(read_incident(mine / "maps-outage"), tmp_path)
    assert settings.observations[0]["files"]["path"] == str(mine / "maps-outage" / "metrics")
    assert settings.observations[1]["prometheus"]["url"] == "http://localhost:9"


def test_who_is_who_is_kept_and_the_folders_own_store_is_not_used(mine: Path, tmp_path: Path) -> None:
    with (mine / "maps-outage" / "lore.yaml").open("a") as file:
        file.write("store: sqlite:mine.db\nstandby: sqlite:other.db\npeople: people.yaml\n")
    settings = read_settings(read_incident(mine / "maps-outage"), tmp_path)
    assert settings.store == f"sqlite:///{tmp_path}/lore.db"
    assert settings.standby is None
    assert settings.people == mine / "maps-outage" / "people.yaml"


def _cause(kind: CauseKind = "change", change: ChangeId | None = None, also: tuple[ChangeId, ...] = (), label: str = "", target: str = "") -> Cause:  # fmt: skip
    return Cause(
        rank=1, kind=kind, change=change, target="Thing:1", mechanism="", probability=0.9, label=label, target_label=target, also=also,
    )  # fmt: skip


_COMMIT = ChangeId(kind="commit", id=SHA, repository="acme/infra")
_PULL = ChangeId(kind="pull_request", id="12", repository="acme/infra")
_DEPLOYMENT = ChangeId(kind="deployment", id="d-2213", repository="")


@pytest.mark.parametrize(
    ("name", "right"),
    [
        (SHA, True),
        (SHA[:7], True),
        (SHA[:6], False),
        ("c0c8a57", False),
        ("acme/infra#12", True),
        ("acme/infra#1", False),
        ("other/infra#12", False),
        ("12", False),
        ("d-2213", True),
        ("d-22", False),
        ("Thing:1", True),
        ("Deploy timetable", False),
    ],
)
def test_a_change_is_named_by_its_own_names_and_those_of_what_it_came_with(name: str, right: bool) -> None:
    assert is_named(_cause(change=_COMMIT, also=(_PULL, _DEPLOYMENT), label="Deploy timetable"), name) is right


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("fares.ferry.example", True),
        ("Fares.Ferry.Example", True),
        ("ferry.example", False),
        ("fares.ferry", False),
        ("fares", False),
    ],
)
def test_what_ran_out_is_named_by_its_whole_name(name: str, right: bool) -> None:
    cause = _cause("expiry", label="certificate fares.ferry.example expired", target="fares.ferry.example")
    assert is_named(cause, name) is right
    assert not is_named(_cause("change", label="Renew fares.ferry.example", change=_DEPLOYMENT), name)


def test_hostile_names_do_not_reach_the_terminal() -> None:
    one = Scored(name="x\x1b[31m", folder="x", first="\x1b]0;title\x07 blame d-1\n" * 9, expected=("a" * 400,), ok=False, why="\x1b[2J why")  # fmt: skip
    text = eval_text(report([one]))
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 150
