"""The bundled company's three incidents, investigated as whoever was paged would: by the alert's text, with what was known then."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.investigation import Cause, Investigation
from api.settings import load
from api.wiring import Engine
from examples.build import build
from examples.company import CONFIG_REPOSITORY, REPOSITORY
from examples.config_repository import REVERTED
from examples.demo import INCIDENT, investigate
from examples.incidents import Incident, incidents
from examples.readme import README, excerpt, section
from tests.api.lore import Lore, Ran

CAUSES = {31: (REPOSITORY, "41"), 38: (CONFIG_REPOSITORY, str(REVERTED))}
"""By incident: the pull request that brought it about, as the post-mortems have it."""
OUTSIDE = 41
"""Paywell was down; nothing of the company's had a part in it."""
BY_NUMBER = {i.number: i for i in incidents()}
_MARK = re.compile(r"\[(c\d+)\]")
_MOMENT = re.compile(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")


@pytest.fixture(scope="module")
def lore(tmp_path_factory: pytest.TempPathFactory) -> Lore:
    """`lore` on a store that has read everything of the company."""
    company = tmp_path_factory.mktemp("company")
    build(company)
    home = tmp_path_factory.mktemp("home")
    lore = Lore(home, {"LORE_CONFIG": str(company / "lore.yaml"), "LORE_STORE": f"sqlite:///{company}/lore.db"})
    ran = lore("ingest")
    assert ran.code == 0, ran.err
    return lore


def _at(incident: Incident) -> str:
    return f"{incident.paged_at:%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture(scope="module")
def found(lore: Lore) -> dict[int, Investigation]:
    """What `lore investigate` found, by the incident's number."""
    return {i.number: Investigation.from_json(_ran(lore, i, "--output", "json").out) for i in incidents()}


def _ran(lore: Lore, incident: Incident, *options: str) -> Ran:
    ran = lore("investigate", incident.symptom, "--at", _at(incident), *options)
    assert ran.code == 0, ran.err
    return ran


def _pulls(cause: Cause) -> set[tuple[str, str]]:
    return {(c.repository, c.id) for c in (cause.change, *cause.also) if c is not None and c.kind == "pull_request"}


@pytest.mark.parametrize("number", CAUSES)
def test_the_cause_is_found(found: dict[int, Investigation], number: int) -> None:
    result = found[number]
    assert result.verdict == "cause_found", [(c.label, c.probability) for c in result.causes]
    assert CAUSES[number] in _pulls(result.causes[0])


@pytest.mark.parametrize("number", CAUSES)
def test_what_takes_the_cause_back_and_what_prevents_it_is_told(
    found: dict[int, Investigation], number: int, lore: Lore
) -> None:
    result = found[number]
    company = Path(lore.set["LORE_CONFIG"]).parent / CAUSES[number][0].partition("/")[2]
    assert result.rollback is not None
    assert result.rollback.safe
    revert = re.fullmatch(r"git revert --no-edit (?:-m 1 )?([0-9a-f]{40})", result.rollback.command)
    assert revert is not None
    assert revert[1] in {c.id for c in (result.causes[0].change, *result.causes[0].also) if c is not None}
    assert (company / ".git" / "objects").is_dir()
    assert result.report.mitigation
    assert result.report.long_term_fix
    assert result.report.chain[-1] == BY_NUMBER[number].symptom


def test_no_cause_is_named_when_somebody_else_is_down(found: dict[int, Investigation]) -> None:
    result = found[OUTSIDE]
    assert result.verdict != "cause_found", (result.causes[0].label, result.causes[0].probability)
    assert all(c.probability < 0.8 for c in result.causes if c.kind != "external")


@pytest.mark.parametrize("number", BY_NUMBER)
def test_it_takes_less_than_two_seconds_and_twenty_five_steps(found: dict[int, Investigation], number: int) -> None:
    assert found[number].tree.steps < 25
    assert found[number].usage.elapsed_s < 2


@pytest.mark.parametrize("number", BY_NUMBER)
def test_the_probabilities_of_what_is_listed_and_of_the_rest_are_one(
    found: dict[int, Investigation], number: int
) -> None:
    result = found[number]
    assert sum(c.probability for c in result.causes) + result.unnamed == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("number", BY_NUMBER)
def test_every_mark_has_its_citation_and_every_citation_resolves(
    lore: Lore, found: dict[int, Investigation], number: int
) -> None:
    result = found[number]
    known = {c.id for c in result.citations}
    assert set(_MARK.findall(result.to_json())) <= known
    told = {mark for c in result.causes for mark in c.citations} | {
        mark for c in result.causes for e in c.evidence for mark in e.citations
    }
    assert told
    assert told <= known
    ran = lore("verify", result.id)
    assert ran.code == 0, ran
    assert f"{len(known)} of {len(known)} citations resolve" in ran.err + ran.out


@pytest.mark.parametrize("number", BY_NUMBER)
def test_nothing_is_told_that_came_later(found: dict[int, Investigation], number: int) -> None:
    incident = BY_NUMBER[number]
    # How far sources had been read, and when each fact was, is of the day on which they were.
    told = replace(found[number], coverage=(), citations=()).to_json()
    assert max(_MOMENT.findall(told)) <= _at(incident)
    text = found[number].to_json()
    assert "Resolved" not in text
    assert "postmortems/" + f"{incident.started_at:%Y-%m-%d}" not in text
    assert "status.paywell" not in text


@pytest.mark.parametrize("number", BY_NUMBER)
def test_the_same_data_gives_the_same_tree(lore: Lore, found: dict[int, Investigation], number: int) -> None:
    ran = lore("replay", found[number].id)
    assert ran.code == 0, ran
    assert "byte for byte" in ran.err + ran.out


@pytest.mark.parametrize("number", CAUSES)
def test_the_first_fifteen_lines_are_what_somebody_woken_at_night_needs(lore: Lore, number: int) -> None:
    incident = BY_NUMBER[number]
    lines = _ran(lore, incident).out.split("\n\n", 1)[0].splitlines()
    assert len(lines) <= 15
    assert lines[0].startswith("Cause found, ")
    names = [line[:12].rstrip() for line in lines[1:] if line[:12].strip()]
    assert names == ["Symptom", "Suspect", "What", "By", "When", "Not seen", "Take back", "On call"]
    fields = {line[:12].rstrip(): line[12:] for line in lines if line[:12].strip()}
    assert fields["Symptom"].startswith(incident.alert)
    assert fields["Take back"].startswith("$ git revert ")
    assert "in prod" in fields["When"]
    assert fields["On call"] == {31: "Tomás Ferreira", 38: "Omar Haddad"}[number]


def test_what_was_deployed_at_the_same_time_and_only_to_staging_is_ruled_out(found: dict[int, Investigation]) -> None:
    ruled_out = {r.label: r.why for r in found[31].report.ruled_out}
    assert "not prod" in ruled_out["Deploy payments 1.19.6 to staging"]


def test_the_tree_is_shown_when_it_is_asked_for(lore: Lore) -> None:
    text = _ran(lore, BY_NUMBER[31], "--tree").out
    assert "└─ ✓ Only the CDN may reach the edge" in text
    assert "none of these" in text


def test_the_demo_ends_with_cause_mitigation_fix_replay_and_verification(
    lore: Lore, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = replace(load(Path(lore.set["LORE_CONFIG"])), store=lore.set["LORE_STORE"], embedder="none")
    with Engine(settings) as engine:
        investigate(engine, "")
    printed = capsys.readouterr().out
    parts = ("Cause found, ", "Suspect ", "Take back ", "Hypotheses (", "└─ ", "Timeline\n", "Root cause\n", "Do now\n", "Do later\n", "[c1] ", "$ lore replay inv_", ": the same, byte for byte", "$ lore verify inv_", " citations resolve")  # fmt: skip
    places = [printed.find(part) for part in parts]
    assert -1 not in places, dict(zip(parts, places, strict=True))
    assert places == sorted(places)


def test_the_incident_in_the_readme_is_what_the_company_gives(lore: Lore) -> None:
    printed = excerpt(_ran(lore, INCIDENT, "--tree").out)
    assert section(README.read_text(encoding="utf-8")) == printed, "write it anew with `make docs`"
