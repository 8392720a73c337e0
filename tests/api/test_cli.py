"""Every command on a real repository and a real store: answers, exit codes, and what goes to which stream."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import cast

import pytest

from tests.api.answer_shape import faults
from tests.api.lore import ANN, ESCAPES, LISTENER, NAME, RULE, Lore, day, history, hostile, repository

RULE_NAME = "aws_lb_listener_rule.api"


def answer(lore: Lore, *arguments: str) -> dict[str, object]:
    ran = lore("ask", *arguments, "--output", "json")
    assert (ran.code, ran.err) == (0, "")
    document: object = json.loads(ran.out)
    assert faults(document) == []
    return cast("dict[str, object]", document)


def changes(document: dict[str, object]) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", document["changes"])


# -- ask


def test_an_answer_names_who_when_what_and_where_to_read_it(lore: Lore) -> None:
    ran = lore("ask", f"who changed {RULE_NAME}?")
    assert (ran.code, ran.err) == (0, "")
    for words in ("Bob", "2024-02-01", "#7", "priority", "10", "20", "edge/main.tf", f"github.com/{NAME}/"):
        assert words in ran.out


def test_the_json_answer_is_the_documented_document_and_git_confirms_its_citation(lore: Lore, infra: Path) -> None:
    document = answer(lore, f"who changed {RULE_NAME}?")
    assert document["status"] == "answered"
    newest = next(change for change in changes(document) if change["effect"] == "updated")
    commit = cast("dict[str, str]", newest["change"])["id"]
    shown = subprocess.run(
        ["git", "-C", infra, "show", "-s", "--format=%an %s", commit], capture_output=True, text=True
    )
    assert shown.stdout.strip() == "Bob Raise the API's priority (#7)"
    assert newest["attributes"] == [
        {"path": "priority", "before": {"state": "value", "value": 10}, "after": {"state": "value", "value": 20}}
    ]
    cited = {cast("dict[str, str]", one)["id"] for one in cast("list[object]", document["citations"])}
    assert set(cast("list[str]", newest["citations"])) <= cited


def test_a_format_only_change_is_listed_and_marked(lore: Lore) -> None:
    assert [one["effect"] for one in changes(answer(lore, f"who changed {RULE_NAME}?"))] == [
        "format_only",
        "updated",
        "created",
    ]


@pytest.mark.parametrize(
    "question",
    [
        f"who changed {RULE_NAME}?",
        "who changed the LB rule?",
        "what changed in edge since 2024-01-15?",
        f"why was {RULE_NAME} changed?",
        f"when was {RULE_NAME} changed?",
        "who owns edge/main.tf?",
        f"what depends on {RULE_NAME}?",
        "what does aws_lb_listener_rule.api depend on?",
        f"what was {RULE_NAME} on 2024-01-10?",
        f"what is {RULE_NAME}?",
        "what did Bob change?",
        "who changed aws_nothing.here?",
        "tell me a joke",
        "",
    ],
)
def test_every_kind_of_question_has_exit_code_zero_and_the_documented_shape(lore: Lore, question: str) -> None:
    assert answer(lore, question)["question"] == question


def test_a_question_needs_no_quotes(lore: Lore) -> None:
    assert lore("ask", "who", "changed", RULE_NAME).out == lore("ask", f"who changed {RULE_NAME}").out


def test_the_answer_as_of_a_time_knows_nothing_later(lore: Lore) -> None:
    question = f"who changed {RULE_NAME}?"
    assert [one["effect"] for one in changes(answer(lore, question, "--as-of", "2024-01-15"))] == ["created"]
    assert answer(lore, question, "--as-of", "2024-01-15")["as_of"] == "2024-01-15T00:00:00Z"
    assert answer(lore, question, "--as-of", "2023-12-31")["status"] == "not_found"


def test_as_of_takes_effect_at_the_very_moment_of_the_change(lore: Lore) -> None:
    question = f"who changed {RULE_NAME}?"
    assert len(changes(answer(lore, question, "--as-of", "2024-01-31T23:59:59Z"))) == 1
    assert len(changes(answer(lore, question, "--as-of", "2024-02-01T00:00:00Z"))) == 2
    assert len(changes(answer(lore, question, "--as-of", "2024-02-01T01:00:00+01:00"))) == 2


def test_since_and_until_bound_the_changes_closed_and_open(lore: Lore) -> None:
    question = f"who changed {RULE_NAME}?"
    assert [one["at"] for one in changes(answer(lore, question, "--since", "2024-02-01"))] == [
        "2024-03-01T00:00:00Z",
        "2024-02-01T00:00:00Z",
    ]
    assert [one["at"] for one in changes(answer(lore, question, "--until", "2024-02-01"))] == ["2024-01-01T00:00:00Z"]
    assert changes(answer(lore, question, "--since", "2025-01-01")) == []


def test_what_was_not_yet_read_is_not_known_at_that_time(lore: Lore) -> None:
    question = f"who changed {RULE_NAME}?"
    assert answer(lore, question, "--known-at", "2020-01-01")["status"] == "not_found"
    assert answer(lore, question, "--known-at", "2999-01-01")["status"] == "answered"


def test_an_empty_store_says_so_beside_the_answer(fresh: Lore) -> None:
    ran = fresh("ask", f"who changed {RULE_NAME}?")
    assert ran.code == 0
    assert ran.out.startswith("Nothing called")
    assert "is empty" in ran.err
    assert "lore ingest git" in ran.err
    assert answer_of(fresh("ask", "who changed x?", "-o", "json").out)["status"] == "not_found"


def answer_of(text: str) -> dict[str, object]:
    document: object = json.loads(text)
    assert faults(document) == []
    return cast("dict[str, object]", document)


# -- ingest


def test_a_second_ingest_says_that_nothing_is_new_and_changes_nothing(lore: Lore, infra: Path) -> None:
    before = lore("dump").out
    ran = lore("ingest", "git", infra)
    assert (ran.code, ran.out) == (0, "")
    assert f"git {NAME}: nothing new" in ran.err
    assert lore("dump").out == before


def test_what_was_committed_since_is_read_by_the_next_ingest(fresh: Lore, tmp_path: Path) -> None:
    path = repository(tmp_path / "infra")
    assert fresh("ingest", "git", path).code == 0
    shutil.rmtree(path)
    writer = history()
    writer.commit("Last", ANN, day("2024-04-01"), {"edge/main.tf": LISTENER + RULE.format(priority=30)})
    repository(path, writer)
    assert "1 changes" in fresh("ingest", "git", path).err
    assert changes(answer(fresh, f"who changed {RULE_NAME}?"))[0]["at"] == "2024-04-01T00:00:00Z"


def test_a_given_name_and_revision_are_used(fresh: Lore, infra: Path) -> None:
    assert fresh("ingest", "git", infra, "--name", "other/name", "--rev", "HEAD~2").code == 0
    document = answer(fresh, f"who changed {RULE_NAME}?")
    assert [one["at"] for one in changes(document)] == ["2024-01-01T00:00:00Z"]
    assert cast("dict[str, str]", changes(document)[0]["change"])["repository"] == "other/name"


def test_a_path_with_blanks_and_letters_of_other_scripts_is_read(fresh: Lore, tmp_path: Path) -> None:
    path = repository(tmp_path / "mein Ordner — инфра 'q'")
    assert fresh("ingest", "git", path).code == 0
    assert answer(fresh, f"who changed {RULE_NAME}?")["status"] == "answered"


def test_a_bare_ingest_reads_what_lore_yaml_lists_relative_to_it(fresh: Lore, tmp_path: Path) -> None:
    repository(fresh.home / "conf" / "clones" / "infra")
    (fresh.home / "conf" / "lore.yaml").write_text("store: sqlite:mine.db\nsources:\n- git: {path: clones/infra}\n")
    here = Lore(fresh.home, {"LORE_STORE": ""})
    assert f"git {NAME}: " in here("ingest", "--config", "conf/lore.yaml").err
    assert (fresh.home / "conf" / "mine.db").is_file()
    found = here("ask", f"who changed {RULE_NAME}?", "--config", "conf/lore.yaml")
    assert "Bob" in found.out


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("git: {path: missing}", "missing"),
        ("git: {path: ., name: acme/none}", "acme/none"),
        ("git: {path: ../infra, rev: nosuch}", "nosuch"),
        ("git: {}", "path"),
        ("gti: {path: ../infra}", "gti"),
        ("terraform_state: {location: missing}", "missing"),
    ],
)
def test_one_source_that_fails_leaves_the_others_alone_and_the_exit_code_is_one(
    fresh: Lore, infra: Path, bad: str, said: str
) -> None:
    shutil.copytree(infra, fresh.home.parent / "infra")
    (fresh.home / "lore.yaml").write_text(f"sources:\n- {bad}\n- git: {{path: ../infra, name: good/one}}\n")
    ran = fresh("ingest")
    assert (ran.code, ran.out) == (1, "")
    assert "failed: " in ran.err
    assert "hint: " in ran.err
    assert said in ran.err
    assert "git good/one: " in ran.err
    assert answer(fresh, f"who changed {RULE_NAME}?")["status"] == "answered"


def test_terraform_state_is_read_from_the_command_line(fresh: Lore) -> None:
    instance = {"schema_version": 0, "attributes": {"id": "sg-0123456789abcdef0", "name": "web"}}
    state: dict[str, object] = {
        "version": 4,
        "terraform_version": "1.9.0",
        "serial": 1,
        "lineage": "5c1a8f0e-0000-4000-8000-000000000001",
        "outputs": {},
        "resources": [
            {
                "mode": "managed",
                "type": "aws_security_group",
                "name": "web",
                "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
                "instances": [instance],
            }
        ],
    }
    (fresh.home / "terraform.tfstate").write_text(json.dumps(state))
    ran = fresh("ingest", "terraform-state", "terraform.tfstate", "--environment", "prod")
    assert (ran.code, ran.out) == (0, "")
    assert answer(fresh, "what is sg-0123456789abcdef0?")["status"] == "answered"


# -- status, schema, dump, embed, purge


def test_status_lists_sources_counts_and_the_place_of_the_store(lore: Lore) -> None:
    ran = lore("status")
    assert (ran.code, ran.err) == (0, "")
    for words in (f"git {NAME}: fresh until", "Block", "CHANGED", str(lore.database)):
        assert words in ran.out
    document = cast("dict[str, object]", json.loads(lore("status", "-o", "json").out))
    assert document["schema"] == "lore.status/1"
    assert [cast("dict[str, str]", one)["scope"] for one in cast("list[object]", document["sources"])] == [
        NAME,
        "people",
    ]


def test_status_shows_what_could_not_be_read_and_why(fresh: Lore, tmp_path: Path) -> None:
    path = repository(tmp_path / "hostile", hostile())
    ran = fresh("ingest", "git", path)
    assert ran.code == 0
    assert "could not be read; `lore status` lists them" in ran.err
    assert "broken.tf" in fresh("status").out.partition("quarantine")[2]


def test_schema_prints_every_kind_and_the_reference_page(fresh: Lore) -> None:
    for arguments in ((), ("--markdown",)):
        ran = fresh("schema", *arguments)
        assert (ran.code, ran.err) == (0, "")
        assert "Block" in ran.out
        assert "DEPENDS_ON" in ran.out
    assert not fresh.database.exists()


def test_dump_is_json_lines_and_the_same_for_the_same_facts(lore: Lore, fresh: Lore, infra: Path) -> None:
    lines = lore("dump").out.splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert fresh("ingest", "git", infra).code == 0
    assert len(fresh("dump").out.splitlines()) == len(lines)


def test_embedding_without_an_embedder_is_refused_with_the_remedy(lore: Lore) -> None:
    lore("embed").failed("LORE_EMBEDDER")


def test_purge_does_nothing_without_yes(lore: Lore) -> None:
    ref = cast("list[dict[str, str]]", answer(lore, f"who changed {RULE_NAME}?")["resolved"])[0]["ref"]
    before = lore("dump").out
    lore("purge", "--reason", "leak", "--ref", ref).failed("--yes", code=2)
    assert lore("dump").out == before


def test_purge_destroys_what_was_said_and_leaves_the_rest(lore: Lore) -> None:
    ref = cast("list[dict[str, str]]", answer(lore, f"who changed {RULE_NAME}?")["resolved"])[0]["ref"]
    ran = lore("purge", "--reason", "leak", "--ref", ref, "--yes")
    assert (ran.code, ran.out) == (0, "")
    assert "destroyed" in ran.err
    assert ref not in lore("dump").out
    assert answer(lore, "who changed aws_lb_listener.front?")["status"] == "answered"


def test_purge_says_when_nothing_matches_and_changes_no_fact(lore: Lore) -> None:
    before = lore("dump").out
    ran = lore("purge", "--reason", "leak", "--ref", "Block:none", "--yes")
    assert ran.code == 0
    assert "nothing stored matches" in ran.err
    assert lore("dump").out.startswith(before)


# -- the streams


def test_what_a_terminal_would_act_on_never_reaches_it(fresh: Lore, tmp_path: Path) -> None:
    path = repository(tmp_path / "hostile", hostile())
    texts = [fresh("ingest", "git", path), fresh("status"), fresh("status", "-o", "json")]
    for question in (
        f"who changed {RULE_NAME}?",
        f"why was {RULE_NAME} changed?",
        f"what is {RULE_NAME}?",
        "what changed since 2020-01-01?",
        f"who changed {ESCAPES}?",
    ):
        texts += [fresh("ask", question), fresh("ask", question, "-o", "json")]
    texts += [fresh("ingest", "git", f"no{ESCAPES}where"), fresh("ask", "x", "--since", ESCAPES)]
    texts += [fresh("ask", "x", "--config", ESCAPES), Lore(fresh.home, {"LORE_STORE": ESCAPES})("status")]
    assert any("Mallory" in one.out for one in texts)
    for one in texts:
        assert [c for c in one.out + one.err if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160)] == []


@pytest.mark.parametrize("command", ["dump", "ask 'who changed the LB rule?'", "schema", "status -o json"])
def test_a_reader_that_leaves_early_gets_no_traceback(lore: Lore, command: str) -> None:
    ran = lore.process(shell=f"$LORE {command} | head -c 1")
    assert (len(ran.out), ran.err) == (1, "")


def test_closed_and_full_streams_end_in_silence_or_one_sentence(lore: Lore) -> None:
    full = lore.process(shell="$LORE ask 'who changed the LB rule?' > /dev/full")
    full.failed("No space left")
    closed = lore.process(shell="$LORE status >&- 2>&-; echo $?")
    assert (closed.out, closed.err) == ("0\n", "")


def test_text_of_any_script_is_written_in_a_c_locale(lore: Lore) -> None:
    ran = Lore(lore.home, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}).process(
        "ask", f"who created {RULE_NAME}?"
    )
    assert (ran.code, ran.err) == (0, "")
    assert "Ann Ädams" in ran.out
