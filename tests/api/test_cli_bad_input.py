"""What users get wrong and machines do to them: one sentence, a remedy, an exit code, and nothing half done."""

from __future__ import annotations

import resource
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.sync import Retry
from tests.api.lore import Lore, Ran, repository

QUESTION = "who changed aws_lb_listener_rule.api?"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is locked or full is tried once, with a short wait."""
    monkeypatch.setattr("ingest.sync.Retry", lambda: Retry(attempts=1))
    monkeypatch.setattr("graph.stores.sqlite_file.BUSY_TIMEOUT_S", 0.1)


def failed_report(ran: Ran, *said: str) -> None:
    """Check a source's failure: the report says so in one sentence with a hint, the exit code is 1, standard output is empty."""
    assert (ran.code, ran.out) == (1, ""), ran
    lines = ran.err.splitlines()
    assert len(lines) == 3, ran.err
    assert lines[1].startswith("  failed: ")
    assert lines[2].startswith("  hint: ")
    for words in said:
        assert words in ran.err
    assert "Traceback" not in ran.err


def usage(ran: Ran, *said: str) -> None:
    """Check that the mistake was called one of usage, in words, on standard error."""
    assert (ran.code, ran.out) == (2, "")
    for words in said:
        assert words in ran.err
    assert "Traceback" not in ran.err


# -- what was typed


@pytest.mark.parametrize("option", ["--as-of", "--known-at", "--since", "--until"])
@pytest.mark.parametrize("text", ["tomorrow", "2024-13-45", "", "03/04/2024", "10000-01-01", "0", "2024-01-01T25:00"])
def test_what_is_no_time_is_named_with_its_option(lore: Lore, option: str, text: str) -> None:
    lore("ask", QUESTION, option, text).failed(option, repr(text), "2026-03-04", code=2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Commands"),
        (("bogus",), "bogus"),
        (("ask",), "QUESTION"),
        (("ask", "x", "--bogus"), "--bogus"),
        (("ask", "x", "--output", "xml"), "json"),
        (("ask", "x", "--as-of"), "--as-of"),
        (("ingest",), "lore.yaml"),
        (("ingest", "bogus", "x"), "bogus"),
        (("ingest", "git"), "path"),
        (("ingest", "git", "x", "--embed-seconds", "soon"), "--embed-seconds"),
        (("purge", "--yes"), "--reason"),
        (("purge", "--yes", "--reason", "x"), "--ref"),
        (("purge", "--yes", "--reason", "x", "--source", "git"), "--scope"),
        (("purge", "--yes", "--reason", "x", "--ref", "aws_lb.main"), "Kind:id"),
        (("purge", "--reason", "x", "--ref", "Block:1"), "--yes"),
    ],
)
def test_a_mistake_of_usage_has_exit_code_two_and_touches_nothing(
    fresh: Lore, arguments: tuple[str, ...], said: str
) -> None:
    usage(fresh(*arguments), said)
    assert not fresh.database.exists() or fresh("dump").out == ""


@pytest.mark.parametrize(
    "question",
    [
        "a" * 100_000,
        "who changed " + " " * 100_000 + "x?",
        "who changed api " * 5_000,
        "a.b/" * 25_000,
        "aws_lb." * 15_000,
        "((((" * 10_000,
        'x"; DROP TABLE version; -- \\ %s {0} $(id) `id`',
        "who changed (a|b+?*[",
        "who changed \udcff\udcfe?",
        "\x00\x1b[31m",
        "?",
        "-",
        "who changed 💥?",
    ],
    ids=range(13),
)
def test_no_question_is_too_odd_to_be_answered_in_the_documented_way(lore: Lore, question: str) -> None:
    before = lore("dump").out
    ran = lore("ask", "--", question)
    assert (ran.code, ran.err) == (0, "")
    assert 0 < len(ran.out) < 10_000
    assert lore("dump").out == before


# -- what was to be read


def test_what_is_no_repository_is_said_of_each_kind(lore: Lore, tmp_path: Path) -> None:
    before = lore("dump").out
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    for path in ("folder", "file", "nowhere", "mit Blank é"):
        lore("ingest", "git", tmp_path / path).failed(path, "git repository")
    assert lore("dump").out == before


@pytest.mark.parametrize(
    "url", ["https://ann:hunter2@git.example/x/y", "git@git.example:x/y.git", "ssh://git.example/x"]
)
def test_a_url_in_place_of_a_clone_is_answered_with_how_to_clone_it(fresh: Lore, url: str) -> None:
    ran = fresh("ingest", "git", url)
    ran.failed("git clone")
    (fresh.home / "lore.yaml").write_text(f"sources:\n- git: {{path: '{url}'}}\n")
    listed = fresh("ingest")
    failed_report(listed, "git clone")
    assert "hunter2" not in ran.err + listed.err


def test_a_repository_without_commits_and_an_unknown_revision_are_named(
    lore: Lore, infra: Path, tmp_path: Path
) -> None:
    before = lore("dump").out
    subprocess.run(["git", "init", "--quiet", tmp_path / "empty"], check=True)
    failed_report(lore("ingest", "git", tmp_path / "empty"), "empty has no commits")
    failed_report(lore("ingest", "git", infra, "--rev", "nosuch"), "no revision nosuch")
    failed_report(lore("ingest", "git", infra, "--rev", "--output=/tmp/x"))
    assert lore("dump").out == before


def test_a_state_that_is_no_state_is_named(lore: Lore, tmp_path: Path) -> None:
    before = lore("dump").out
    (tmp_path / "cut.tfstate").write_text('{"version": 4, "serial":')
    (tmp_path / "old.tfstate").write_text('{"version": 3, "serial": 1, "lineage": "x", "modules": []}')
    (tmp_path / "folder").mkdir()
    for path, said in (("cut.tfstate", "JSON"), ("old.tfstate", "3"), ("folder", "no Terraform state"), ("none", "no")):
        failed_report(lore("ingest", "terraform-state", tmp_path / path), said)
    assert lore("dump").out.startswith(before.rstrip("\n")[:1000])


# -- the configuration


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"store: [1]\n", "store"),
        (b"stores: sqlite:x.db\n", "stores"),
        (b"sources:\n- git:\n", "sources"),
        (b"sources: git\n", "sources"),
        (b"a: b: c\n", "line 1"),
        (b"\xff\xfe", "UTF-8"),
        (b'!!python/object/apply:os.system ["touch owned"]\n', "YAML"),
        (b"embedder: gpt\n", "gpt"),
    ],
)
def test_a_mistake_in_lore_yaml_is_named_by_every_command(fresh: Lore, text: bytes, said: str) -> None:
    (fresh.home / "lore.yaml").write_bytes(text)
    set_by_file = Lore(fresh.home, {"LORE_EMBEDDER": ""})
    for arguments in (("status",), ("ask", QUESTION), ("ingest",), ("embed",), ("dump",)):
        set_by_file(*arguments).failed(said)
    assert not (fresh.home / "owned").exists()
    assert not fresh.database.exists()


def test_a_config_that_is_missing_or_a_folder_is_named(fresh: Lore) -> None:
    fresh("status", "--config", "none.yaml").failed("none.yaml")
    fresh("status", "--config", str(fresh.home)).failed(str(fresh.home))


def test_a_data_directory_that_cannot_be_made_is_named_before_anything_is_read(fresh: Lore, infra: Path) -> None:
    (fresh.home / "data").write_text("in the way")
    fresh("ingest", "git", infra).failed("redact.key", "XDG_DATA_HOME")
    assert fresh("dump").out == ""


# -- the store


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite://{home}/folder", "folder"),
        ("sqlite://{home}/text.db", "text.db"),
        ("sqlite://{home}/other.db", "other.db"),
        ("sqlite://{home}/newer.db", "newer"),
        ("sqlite://{home}/cut.db", "cut.db"),
        ("sqlite:///proc/nowhere/lore.db", "/proc/nowhere"),
        ("sqlite:///proc/version", "/proc/version"),
        ("sqlite:///dev/full", "/dev/full"),
        ("{home}/lore.db", "sqlite:///"),
        ("postgres://ann:hunter2@db/x", "postgres://db/x"),
        ("redis", "sqlite:///"),
    ],
)
def test_a_store_that_cannot_be_used_is_named_and_left_as_it_was(lore: Lore, infra: Path, url: str, said: str) -> None:
    home = lore.home
    (home / "folder").mkdir()
    (home / "text.db").write_text("this is no database\n" * 100)
    shutil.copy(lore.database, home / "newer.db")
    for name, sql in (("other.db", "CREATE TABLE t(x)"), ("newer.db", "PRAGMA user_version=99")):
        connection = sqlite3.connect(home / name)
        connection.execute(sql)
        connection.close()
    (home / "cut.db").write_bytes(lore.database.read_bytes()[:20_000])
    before = _files(home)
    there = Lore(home, {"LORE_STORE": url.format(home=home)})
    for arguments in (
        ("status",),
        ("ask", QUESTION),
        ("dump",),
        ("purge", "--yes", "--reason", "x", "--ref", "Block:1"),
    ):
        ran = there(*arguments)
        ran.failed(said)
        assert "hunter2" not in ran.err
    ran = there("ingest", "git", infra)
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err
    after = _files(home)
    assert {name: after.get(name) for name in before} == before


def _files(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()}


@contextmanager
def _writer_elsewhere(database: Path) -> Generator[None]:
    """Another process inside a write transaction."""
    hold = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE');"
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield
        finally:
            process.communicate("")


@pytest.mark.usefixtures("impatient")
def test_while_another_process_writes_questions_are_answered_and_writes_say_it_is_locked(
    lore: Lore, tmp_path: Path
) -> None:
    before, answered = lore("dump").out, lore("ask", QUESTION).out
    path = repository(tmp_path / "more")
    with _writer_elsewhere(lore.database):
        assert lore("ask", QUESTION).out == answered
        failed_report(lore("ingest", "git", path, "--name", "acme/more"), "locked", "run it again")
        lore("purge", "--yes", "--reason", "x", "--ref", "Block:1").failed("locked")
    assert lore("dump").out == before
    assert lore("ingest", "git", path, "--name", "acme/more").code == 0


@contextmanager
def _files_at_most(limit_bytes: int) -> Generator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("impatient")
def test_without_room_to_write_nothing_is_half_done_and_the_next_run_goes_on(lore: Lore, tmp_path: Path) -> None:
    path = repository(tmp_path / "more")
    before = lore("dump").out
    with _files_at_most(40_000):  # room to open it, none for the batch
        failed_report(lore("ingest", "git", path, "--name", "acme/more"), "lore.db")
    assert lore("dump").out == before
    assert lore("ingest", "git", path, "--name", "acme/more").code == 0
    assert "acme/more" in lore("status").out


def test_without_room_no_store_is_made_and_none_is_left_in_the_way(fresh: Lore, infra: Path) -> None:
    with _files_at_most(1024):
        ran = fresh("status")
    ran.failed("lore.db")
    assert fresh("ingest", "git", infra).code == 0


def test_a_server_that_nobody_runs_is_named_without_its_password(lore: Lore, infra: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        there = Lore(lore.home, {"LORE_STORE": f"neo4j://127.0.0.1:{port}", "NEO4J_PASSWORD": "hunter2"})
        for arguments in (("status",), ("ask", QUESTION), ("ingest", "git", str(infra)), ("dump",)):
            ran = there(*arguments)
            assert (ran.code, ran.out) == (1, "")
            assert "cannot be reached" in ran.err
            assert "hint: " in ran.err
            assert "hunter2" not in ran.err
            assert "Traceback" not in ran.err


# -- defects


def test_a_defect_is_one_sentence_and_its_traceback_is_there_on_request(
    lore: Lore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr("agent.ask.ask", broken)
    lore("ask", QUESTION).failed("internal error: KeyError", "LORE_DEBUG=1")
    with pytest.raises(KeyError):
        Lore(lore.home, {"LORE_DEBUG": "1"})("ask", QUESTION)


def test_an_interrupt_says_that_what_was_stored_stays(lore: Lore, infra: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ingest.sync.sync_all", interrupted)
    before = lore("dump").out
    ran = lore("ingest", "git", infra)
    assert (ran.code, ran.out) == (130, "")
    assert ran.err == "interrupted; what was stored stays, run it again to go on\n"
    assert lore("dump").out == before
