"""A real Neo4j without Docker: the server's jars from Maven Central, a home of its own, a free port, a small heap.

In tests: `uri, user, password = neo4j_target` (one server for the whole run, also under pytest-xdist; a test has the database for
itself and finds it empty). On the command line:

    python -m tests.neo4j_server run -- COMMAND …   # NEO4J_* set for the command, the server stopped after it
    python -m tests.neo4j_server start              # prints the settings; `stop` ends it

A `NEO4J_URI` in the environment names a server to use instead. Without it, Java 17 and Maven are needed; where they are missing the
tests skip and say why, or fail when `REQUIRE_NEO4J=1`.
"""

# ruff: noqa: TID251 - the harness reads the environment and looks behind the store
from __future__ import annotations

import atexit
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import IO, TypeVar

import pytest
from neo4j import Driver, GraphDatabase, NotificationMinimumSeverity
from neo4j.exceptions import DriverError, Neo4jError

VERSION = "5.26.26"
USER = "neo4j"
PASSWORD = "only-for-tests"
START_TIMEOUT_S = 90.0
CACHE = Path(__file__).resolve().parent.parent / ".cache" / f"neo4j-{VERSION}"

_COPY_JARS = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies"
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>infralore.tests</groupId><artifactId>neo4j</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.neo4j.app</groupId><artifactId>neo4j-server</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.neo4j</groupId><artifactId>neo4j</artifactId><version>{VERSION}</version></dependency>
  </dependencies>
</project>
"""
_CONFIGURATION = """\
server.directories.data={home}/data
server.directories.logs={home}/logs
server.directories.run={home}/run
server.directories.transaction.logs.root={home}/data/transactions
server.default_listen_address=127.0.0.1
server.bolt.listen_address=127.0.0.1:{port}
server.bolt.advertised_address=127.0.0.1:{port}
server.http.enabled=false
server.https.enabled=false
server.memory.pagecache.size={page_cache}
db.tx_log.preallocate=false
db.tx_log.rotation.retention_policy=keep_none
dbms.usage_report.enabled=false
dbms.cypher.min_replan_interval=10m
"""
# The end of the shell's input comes when its starter closes it or dies in whatever way.
_UNTIL_INPUT_ENDS = """
exec 3<&0
"$@" </dev/null 3<&- & server=$!
{ cat >/dev/null; kill "$server" 2>/dev/null; } <&3 &
exec 3<&-
wait "$server"
"""
_OPENED = ("java.base/java.nio", "java.base/java.io", "java.base/sun.nio.ch", "java.base/java.util.concurrent")
# A database that somebody else filled is never wiped: ours carries this mark, or nothing at all.
_OURS = "MATCH (n) WITH n LIMIT 1 WITH count(n) AS any RETURN any = 0 OR EXISTS { MATCH (:InfraloreTests) } AS ours"
_WIPE = "MATCH (n) WHERE NOT n:InfraloreTests CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS"
_MARK = "MERGE (:InfraloreTests)"


class Neo4jMissing(Exception):
    """No server can be had here; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a Neo4j listens and how to log in."""

    uri: str
    user: str
    password: str
    database: str | None = None

    def environment(self) -> dict[str, str]:
        """The variables by which programs find it."""
        given = {"NEO4J_URI": self.uri, "NEO4J_USERNAME": self.user, "NEO4J_PASSWORD": self.password}
        return given | ({"NEO4J_DATABASE": self.database} if self.database else {})

    def wipe(self) -> None:
        """Empty the database; refuses one that was filled by anything but these tests."""
        driver = _kept_driver(self)
        if not driver.execute_query(_OURS, database_=self.database).records[0]["ours"]:
            pytest.fail(f"{self.uri} holds data that these tests did not write; name an empty server in NEO4J_URI")
        driver.execute_query(_MARK, database_=self.database)
        with driver.session(database=self.database) as session:  # pyright: ignore[reportUnknownMemberType]
            session.run(_WIPE).consume()


class Server:
    """A server of its own in a directory of its own. The process dies with the one that started it.

    A quick one soon runs at its full speed and needs little memory; the other is faster in the end, for measurements.
    """

    def __init__(self, home: Path, *, quick: bool = True, settings: Sequence[str] = ()) -> None:
        self.home = home
        self.port = free_port()
        self._quick = quick
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def target(self) -> Target:
        """How to reach it."""
        return Target(f"bolt://127.0.0.1:{self.port}", USER, PASSWORD)

    @property
    def pid(self) -> int:
        """Process id of what must be stopped to stop it."""
        assert self._process is not None
        return self._process.pid

    def start(self, *, detached: bool = False) -> None:
        """Start, or start again on the same data and port, and wait until it answers. Raises `Neo4jMissing`."""
        jars = _jars()
        configuration = self.home / "conf"
        if not configuration.exists():
            configuration.mkdir(parents=True)
            (self.home / "data" / "dbms").mkdir(parents=True)
            shutil.copy(jars.parent / "auth.ini", self.home / "data" / "dbms" / "auth.ini")
            text = _CONFIGURATION.format(home=self.home, port=self.port, page_cache="128m" if self._quick else "512m")
            (configuration / "neo4j.conf").write_text("\n".join([text, *self._settings]))
        java = [
            *("java", "-Xms256m", f"-Xmx{512 if self._quick else 1024}m", "-XX:-OmitStackTraceInFastThrow"),
            *(("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC") if self._quick else ("-XX:+UseG1GC",)),
            *("-cp", f"{jars}/*"),
            *(f"--add-opens={opened}=ALL-UNNAMED" for opened in _OPENED),
            "-Dio.netty.tryReflectionSetAccessible=true",
            "org.neo4j.server.CommunityEntryPoint",
            *(f"--home-dir={self.home}", f"--config-dir={configuration}"),
        ]
        guarded = ["sh", "-c", _UNTIL_INPUT_ENDS, "neo4j", *java]
        with (self.home / "console.log").open("ab") as log:
            self._process = subprocess.Popen(
                java if detached else guarded,
                stdin=subprocess.DEVNULL if detached else subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_it_answers()

    def stop(self) -> None:
        """Shut down in order."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait(timeout=60)
            self._process = None

    def kill(self) -> None:
        """End it as a power cut would: no shutdown, no checkpoint."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=30)
        self._process = None

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        until = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                with _driver(self.target) as driver:
                    driver.verify_connectivity()  # pyright: ignore[reportUnknownMemberType]
                return
            except (DriverError, Neo4jError, OSError):
                if self._process.poll() is not None or time.monotonic() > until:
                    tail = (self.home / "console.log").read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"Neo4j did not start: {tail}") from None
                time.sleep(0.2)


def _driver(target: Target) -> Driver:
    return GraphDatabase.driver(  # pyright: ignore[reportUnknownMemberType]
        target.uri,
        auth=(target.user, target.password),
        notifications_min_severity=NotificationMinimumSeverity.OFF,
        connection_timeout=5,
    )


_kept_driver = cache(_driver)


def free_port() -> int:
    """A port where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# -- the jars


def _jars() -> Path:
    """The directory of the server's jars, fetched once. Raises `Neo4jMissing`."""
    jars = CACHE / "lib"
    if shutil.which("java") is None:
        raise Neo4jMissing("no java on the path (Java 17 runs Neo4j), and NEO4J_URI is not set")
    with _locked(CACHE / "lock"):
        if not (CACHE / "auth.ini").exists():
            if shutil.which("mvn") is None:
                raise Neo4jMissing("no mvn on the path (Maven fetches Neo4j), and NEO4J_URI is not set")
            shutil.rmtree(jars, ignore_errors=True)
            (CACHE / "pom.xml").write_text(_POM)
            _run(["mvn", "-B", "-q", _COPY_JARS, f"-DoutputDirectory={jars}", "-DincludeScope=runtime"])
            _hash_password(jars)
    return jars


def _hash_password(jars: Path) -> None:
    """Write `auth.ini`, the initial password as a server reads it. Written last: it says that the jars are complete."""
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "conf").mkdir()
        (Path(home) / "conf" / "neo4j.conf").write_text(f"server.directories.data={home}/data\n")
        set_password = ["java", "-cp", f"{jars}/*", "org.neo4j.cli.AdminTool", "dbms", "set-initial-password", PASSWORD]
        _run(set_password, NEO4J_HOME=home, NEO4J_CONF=f"{home}/conf")
        shutil.copy(f"{home}/data/dbms/auth.ini", CACHE / "auth.ini.new")
    (CACHE / "auth.ini.new").rename(CACHE / "auth.ini")


def _run(command: list[str], **environment: str) -> None:
    done = subprocess.run(
        command, cwd=CACHE, env=os.environ | environment, capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode != 0:
        raise Neo4jMissing(f"`{command[0]}` failed to prepare Neo4j: {(done.stdout + done.stderr).strip()[-800:]}")


@contextmanager
def _locked(path: Path) -> Generator[IO[str]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


# -- one server for a run of tests


def given_target() -> Target | None:
    """The server that the environment names."""
    uri = os.environ.get("NEO4J_URI")
    if not uri:
        return None
    user = os.environ.get("NEO4J_USERNAME") or os.environ.get("NEO4J_USER") or USER
    return Target(uri, user, os.environ.get("NEO4J_PASSWORD", ""), os.environ.get("NEO4J_DATABASE"))


def shared_target() -> Target:
    """The server of this run of tests, started by whoever asks first. Raises `Neo4jMissing`."""
    return given_target() or _shared.target()


class _Shared:
    """One server for all workers of a run: the first starts it, and stops it when no other worker uses it any more."""

    def __init__(self) -> None:
        self._target: Target | None = None
        self._missing: Neo4jMissing | None = None
        self._users: IO[str] | None = None
        self._server: Server | None = None
        run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"{os.getpid()}-{time.time_ns()}"
        self.directory = Path(tempfile.gettempdir()) / f"infralore-neo4j-{os.getuid()}-{run}"

    def target(self) -> Target:
        if self._missing is not None:
            raise self._missing
        if self._target is None:
            with _locked(self.directory / "lock"):
                self._target = self._join() or self._begin()
        return self._target

    def _join(self) -> Target | None:
        self._users = (self.directory / "users").open("a+")
        fcntl.flock(self._users, fcntl.LOCK_SH)
        note = self.directory / "target.json"
        return Target(**json.loads(note.read_text())) if note.exists() else None

    def _begin(self) -> Target:
        server = Server(self.directory / "server")
        try:
            server.start()
        except Neo4jMissing as missing:
            self._missing = missing
            raise
        self._server = server
        (self.directory / "target.json").write_text(json.dumps(asdict(server.target)))
        return server.target

    def leave(self) -> None:
        if self._users is None:
            return
        if self._server is not None:
            fcntl.flock(self._users, fcntl.LOCK_EX)  # waits for the other workers
            self._server.kill()  # its data goes anyway
            shutil.rmtree(self.directory, ignore_errors=True)
        self._users.close()
        self._target = self._users = self._server = None


_shared = _Shared()
atexit.register(_shared.leave)


@pytest.fixture(scope="session", name="neo4j_server")
def neo4j_server_fixture() -> Iterator[Target]:
    """A running Neo4j, or the reason why there is none."""
    yield required(shared_target)
    _shared.leave()


@pytest.fixture
def neo4j_target(neo4j_server: Target) -> Iterator[Target]:
    """An empty Neo4j that this test has for itself."""
    with _locked((CACHE if given_target() else _shared.directory) / "in-use"):
        neo4j_server.wipe()
        yield neo4j_server


T = TypeVar("T")


def required(start: Callable[[], T]) -> T:
    """What `start` returns; without a Neo4j the test is skipped, or fails when `REQUIRE_NEO4J` is set."""
    try:
        return start()
    except Neo4jMissing as missing:
        reason = f"Neo4j: {missing}"
        if os.environ.get("REQUIRE_NEO4J", "") not in ("", "0"):
            pytest.fail(f"{reason} (REQUIRE_NEO4J is set)")
        pytest.skip(reason)


# -- the command


def main(arguments: list[str]) -> int:
    """`start`, `stop` or `run -- COMMAND …`."""
    try:
        match arguments:
            case ["start"]:
                return _start()
            case ["stop"]:
                return _stop()
            case ["run", *command] if command := command[1:] if command[:1] == ["--"] else command:
                return _run_with_server(command)
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except (Neo4jMissing, RuntimeError) as error:
        print(f"neo4j: {error}", file=sys.stderr)
        return 1


_NOTE = CACHE / "started.json"


def _start() -> int:
    if _NOTE.exists():
        print(f"neo4j: already started; `stop` it first, or remove {_NOTE}", file=sys.stderr)
        return 1
    server = Server(Path(tempfile.mkdtemp(prefix="infralore-neo4j-")), quick=False)
    server.start(detached=True)
    _NOTE.write_text(json.dumps({"pid": server.pid, "home": str(server.home)}))
    for name, value in server.target.environment().items():
        print(f"export {name}={value}")
    return 0


def _stop() -> int:
    if not _NOTE.exists():
        print("neo4j: none was started", file=sys.stderr)
        return 1
    note = json.loads(_NOTE.read_text())
    pid, home = int(note["pid"]), str(note["home"])
    if _runs(pid, home):
        os.kill(pid, signal.SIGKILL)  # its data goes anyway
        until = time.monotonic() + 60
        while _runs(pid, home) and time.monotonic() < until:
            time.sleep(0.1)
    shutil.rmtree(home, ignore_errors=True)
    _NOTE.unlink()
    return 0


def _runs(pid: int, home: str) -> bool:
    """Whether this process is still the server of this home, and not another one that got its number."""
    listed = subprocess.run(["ps", "-p", str(pid), "-o", "args="], capture_output=True, text=True, check=False)
    return home in listed.stdout


def _run_with_server(command: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="infralore-neo4j-") as home:
        server = Server(Path(home), quick=False)
        server.start()
        try:
            return subprocess.run(command, env=os.environ | server.target.environment(), check=False).returncode
        finally:
            server.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
