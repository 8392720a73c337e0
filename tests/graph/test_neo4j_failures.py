"""What a Neo4j store does when the server is absent, refuses, restarts, loses an answer, or belongs to somebody else."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest
from neo4j import GraphDatabase  # noqa: TID251 - plays the other programs on the server

from graph.errors import StoreFull, StoreIncompatible, StoreUnavailable
from graph.schema import SCHEMA_VERSION
from graph.store import Limits, View
from graph.stores.neo4j import Neo4jStore
from graph.stores.neo4j_text import FEW_VECTORS
from tests import neo4j_server as harness
from tests.contracts.facts import ALL, NOW, batch, block, entity, passage, relation, says
from tests.neo4j_server import Server, Target
from tests.replay_store import ReplayStore

neo4j_server = harness.neo4j_server_fixture
neo4j_target = harness.neo4j_target

A = block("a")


def opened(target: Target, uri: str | None = None) -> Neo4jStore:
    return Neo4jStore(uri or target.uri, user=target.user, password=target.password, database=target.database)


def cypher(target: Target, text: str, **parameters: object) -> list[list[object]]:
    """What another program does on the same server."""
    with GraphDatabase.driver(target.uri, auth=(target.user, target.password)) as driver:  # pyright: ignore[reportUnknownMemberType]
        return [list(r.values()) for r in driver.execute_query(text, parameters, database_=target.database).records]  # pyright: ignore


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that a test may kill, with little memory for a transaction."""

    def start() -> Server:
        server = Server(tmp_path_factory.mktemp("neo4j"), settings=("db.memory.transaction.max=64m",))
        server.start()
        return server

    server = harness.required(start)
    yield server
    server.kill()


# -- opening


@pytest.mark.parametrize("url", ["bolt://127.0.0.1:{port}", "neo4j://127.0.0.1:{port}", "neo4j://nowhere.invalid:7687"])
def test_an_absent_server_is_told_in_seconds_with_what_to_do(url: str) -> None:
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="cannot be reached") as caught:
        Neo4jStore(url.format(port=harness.free_port()), user="neo4j", password="secret")
    assert time.monotonic() - began < 8
    assert "NEO4J_URI" in caught.value.hint
    assert "secret" not in str(caught.value)


def test_a_port_where_something_else_listens_is_told_as_such() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer() -> None:
            while True:
                try:
                    connection, _ = other.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises((StoreUnavailable, StoreIncompatible)) as caught:
            Neo4jStore(f"bolt://127.0.0.1:{other.getsockname()[1]}", user="neo4j", password="x")
    assert "NEO4J_URI" in caught.value.hint


def test_a_wrong_password_is_told_as_such(neo4j_target: Target) -> None:
    if not neo4j_target.password:
        pytest.skip("the given server asks for no password")
    with pytest.raises(StoreUnavailable, match="does not accept this user and password") as caught:
        Neo4jStore(neo4j_target.uri, user=neo4j_target.user, password="a-wrong-one")
    assert "NEO4J_PASSWORD" in caught.value.hint
    assert "a-wrong-one" not in str(caught.value)


def test_an_unknown_database_is_told_by_name(neo4j_target: Target) -> None:
    with pytest.raises(StoreUnavailable, match="has no database nosuch") as caught:
        Neo4jStore(neo4j_target.uri, user=neo4j_target.user, password=neo4j_target.password, database="nosuch")
    assert "NEO4J_DATABASE" in caught.value.hint


def test_a_store_of_a_newer_schema_is_refused(neo4j_target: Target) -> None:
    opened(neo4j_target).close()
    cypher(neo4j_target, "MATCH (c:LoreClock) SET c.schema_version = $version", version=SCHEMA_VERSION + 1)
    with pytest.raises(StoreIncompatible, match="newer infralore"):
        opened(neo4j_target)


def test_a_closed_store_says_so(neo4j_target: Target) -> None:
    store = opened(neo4j_target)
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        store.entity(A, NOW)
    with pytest.raises(StoreUnavailable, match="closed"):
        store.apply(batch(says(entity(A), 1)))


# -- sharing a database


def test_what_others_keep_in_the_database_is_not_touched(neo4j_target: Target) -> None:
    others = """
    CREATE (p:Person {name: 'Ada', id: 1})-[:KNOWS {since: 1815}]->(:Person {name: 'Bob', id: 2}),
      (:Ref {ref: 'Block:a'}), (:T {tid: 'x'}), (p)-[:HAS]->(:V {body: 'theirs'})
    """
    read = """
    MATCH (n) WHERE none(label IN labels(n) WHERE label STARTS WITH 'Lore') AND NOT n:InfraloreTests
    OPTIONAL MATCH (n)-[r]->(m) RETURN labels(n), properties(n), type(r), properties(r), labels(m)
    ORDER BY labels(n)[0], n.name, n.id, type(r)
    """
    cypher(neo4j_target, others)
    before = cypher(neo4j_target, read)
    assert len(before) == 6
    with opened(neo4j_target) as store:
        store.apply(batch(says(entity(A, name="x"), 1), says(passage(A, "words"), 1)))
        store.put_vectors("axes", [(passage(A, "words").content_hash, [1.0, 0.0])])
        list(store.dump())
        assert store.status().entities == {"Block": 1}
    assert cypher(neo4j_target, read) == before


def test_vectors_are_compared_without_an_index_that_is_not_there(neo4j_target: Target) -> None:
    texts = [passage(A, f"text {i}", slot=f"{i:03}") for i in range(FEW_VECTORS + 1)]
    vectors = [(text.content_hash, [1.0, i / 100]) for i, text in enumerate(texts)]
    with opened(neo4j_target) as store:
        store.apply(batch(*(says(text, 1) for text in texts)))
        store.put_vectors("axes", vectors)
        found = store.search_vector("axes", [1.0, 0.0], NOW, Limits(rows=3))
        assert [hit.slot for hit in found.items] == ["000", "001", "002"]
        cypher(neo4j_target, "DROP INDEX lore_vectors")
        assert store.search_vector("axes", [1.0, 0.0], NOW, Limits(rows=3)) == found
        store.put_vectors("axes", vectors[:1])
        assert cypher(neo4j_target, "SHOW INDEXES YIELD name, state WHERE name = 'lore_vectors' RETURN state") == [
            ["ONLINE"]
        ]


# -- what is lost on the way


def test_a_record_that_its_writer_did_not_come_to_publish_is_published_by_the_next(neo4j_target: Target) -> None:
    with opened(neo4j_target) as store:
        store.apply(batch(says(entity(A, name="x"), 1)))
        one = batch(says(entity(A, name="y"), 2), cursor="c2")
        store.apply(one)
        cypher(neo4j_target, "MATCH (p:LorePublished) SET p.record = 1")  # as a writer killed right after its commit
        assert (seen := store.entity(A, NOW)) is not None
        assert seen.properties["name"] == "x"
        assert store.cursor("git", "org/name") == "c2"
        assert (seen := store.entity(A, NOW)) is not None
        assert seen.properties["name"] == "y"
        cypher(neo4j_target, "MATCH (p:LorePublished) SET p.record = 1")
        assert store.apply(one).applied is False
        assert (seen := store.entity(A, NOW)) is not None
        assert seen.properties["name"] == "y"


@contextmanager
def _losing_the_answer_to_a_commit(target: Target) -> Generator[tuple[str, list[int]]]:
    """A way to the server that cuts the connection right after the first COMMIT went through. Yields its address."""
    host, _, port = target.uri.partition("://")[2].rpartition(":")
    commit, cuts = b"\xb0\x12", list[int]()

    def serve(client: socket.socket) -> None:
        with client, socket.create_connection((host, int(port))) as server:

            def back() -> None:
                try:
                    while data := server.recv(65_536):
                        client.sendall(data)
                except OSError:
                    pass

            threading.Thread(target=back, daemon=True).start()
            while data := client.recv(65_536):
                if not cuts and commit in data[-6:]:
                    cuts.append(1)
                    client.shutdown(socket.SHUT_RDWR)
                    server.sendall(data)
                    time.sleep(0.5)  # until it is committed
                    return
                server.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"bolt://127.0.0.1:{listener.getsockname()[1]}", cuts


def test_a_commit_whose_answer_was_lost_is_recognised_and_not_repeated(neo4j_target: Target) -> None:
    opened(neo4j_target).close()
    with _losing_the_answer_to_a_commit(neo4j_target) as (way, cuts), opened(neo4j_target, way) as store:
        receipt = store.apply(batch(says(entity(A, name="x"), 1), says(entity(block("b")), 1)))
        assert cuts == [1]
        assert (receipt.record, receipt.applied, receipt.rows_written) == (1, True, 2)
        assert store.record() == 1
        assert store.entity(A, NOW) is not None


def test_a_server_killed_in_mid_write_leaves_whole_batches_and_the_writer_goes_on(own_server: Server) -> None:
    own_server.target.wipe()
    batches = [
        batch(
            says(entity(A, name=str(number)), number),
            *(says(relation("DEPENDS_ON", A, block(f"{number}-{i}")), number) for i in range(150)),
            says(passage(A, f"words of {number}", slot=str(number)), number),
            cursor=str(number),
        )
        for number in range(30)
    ]
    lost = 0
    with opened(own_server.target) as store:
        killer = threading.Timer(0.7, _restart, [own_server])
        killer.start()
        for one in batches:
            while True:
                try:
                    store.apply(one)
                    break
                except StoreUnavailable:  # told, and applied again as the hint says
                    lost += 1
                    assert lost < 20
                    stored = _stored_after_restart(own_server)
                    assert stored in (int(one.cursor or 0), int(one.cursor or 0) + 1)
        killer.join()
        oracle = ReplayStore()
        for one in batches:
            oracle.apply(one)
        assert list(store.dump()) == list(oracle.dump())
        assert len(store.search_text("words", NOW, ALL).items) == len(batches)


def _restart(server: Server) -> None:
    server.kill()
    server.start()


def _stored_after_restart(server: Server) -> int:
    until = time.monotonic() + 60
    while True:
        try:
            with opened(server.target) as store:
                return store.record()
        except StoreUnavailable:
            assert time.monotonic() < until
            time.sleep(0.5)


def test_a_batch_too_large_for_the_server_is_refused_whole(own_server: Server) -> None:
    own_server.target.wipe()
    with opened(own_server.target) as store:
        store.apply(batch(says(entity(A), 1)))
        before = list(store.dump())
        with pytest.raises(StoreFull, match="not enough memory") as caught:
            store.apply(batch(*(says(entity(block(f"n{i}"), text="x" * 4_000), 1) for i in range(15_000))))
        assert "memory" in caught.value.hint
        assert list(store.dump()) == before
        assert store.entity(block("n1"), View()) is None
