"""Two workers on one PostgreSQL: each digest is sent once."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.schedule_office import BEFORE, DUE, NEXT_WEEK, Office, settle, until
from tests.local_server import free_port


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """A server of our own, under an account that may run one."""
    if shutil.which("initdb") is None or shutil.which("pg_ctl") is None:
        pytest.skip("no PostgreSQL on this machine")
    # Not below pytest's own directories, which nobody but their owner may enter: the server runs under another account.
    base = Path(tempfile.mkdtemp(prefix="lore-postgres-"))
    data = base / "data"
    port = free_port()
    as_root = os.geteuid() == 0
    if as_root:
        shutil.chown(base, "postgres")

    def run(*command: str) -> None:
        prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if as_root else []
        done = subprocess.run([*prefix, *command], capture_output=True, text=True, cwd=base)
        assert done.returncode == 0, done.stdout + done.stderr

    run("initdb", "-D", str(data), "-U", "lore", "-A", "trust", "--no-sync")
    options = f"-p {port} -k {base} -c listen_addresses=127.0.0.1 -c fsync=off"
    run("pg_ctl", "-D", str(data), "-l", str(base / "log"), "-w", "-o", options, "start")
    yield f"postgresql://lore@127.0.0.1:{port}"
    run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def shared(office: Office, postgres: str, request: pytest.FixtureRequest) -> Office:
    import psycopg
    from psycopg import sql

    name = f"jobs_{abs(hash(request.node.name)) % 10**9}"
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    office.database = f"{postgres}/{name}"
    return office


def test_two_workers_on_one_postgres_send_a_digest_once(shared: Office) -> None:
    shared.clock(BEFORE)
    shared.start()
    shared.start()
    settle()
    shared.clock(DUE)
    assert until(lambda: len(shared.slack.roots) == 1)
    settle()
    shared.clock(NEXT_WEEK)
    assert until(lambda: len(shared.slack.roots) == 2)
    settle()
    assert len(shared.slack.roots) == 2
    texts = [p.text for p in shared.slack.roots]
    assert "9 to 15 November" in texts[0]
    assert "16 to 22 November" in texts[1]


def test_a_third_worker_that_starts_in_mid_send_does_not_send_beside_the_first(shared: Office) -> None:
    shared.clock(BEFORE)
    shared.start()
    settle()
    shared.hang_when_due()
    shared.start()  # DBOS takes up what it believes to be left behind
    settle()
    assert len(shared.slack.messages()) == 1
    shared.slack.release.set()
    settle()
    assert len(shared.slack.roots) == 1


def test_what_a_killed_worker_left_another_that_lives_takes_up_and_sends_once(shared: Office) -> None:
    shared.clock(BEFORE)
    first = shared.start()
    settle()
    shared.hang_when_due()
    second = shared.start()
    shared.kill(first)
    shared.slack.release.set()
    assert until(lambda: "SUCCESS" in str(_states(shared)), 20), _states(shared)
    assert second.poll() is None
    assert len(shared.slack.roots) == 1


def _states(office: Office) -> list[tuple[object, ...]]:
    import psycopg

    with psycopg.connect(office.database) as connection:
        rows = connection.execute("SELECT status, output FROM dbos.workflow_status WHERE name = 'lore.digest'")
        return rows.fetchall()
