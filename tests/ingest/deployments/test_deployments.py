"""Deployments: our JSON, CDEvents and CSV, as files and as webhook."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from graph.clock import instant, rfc3339
from graph.model import Alias, Entity, FactBatch, Relation, Value
from graph.store import ChangeQuery, Limits, View
from ingest import names
from ingest.redact import redact_batch
from ingest.registry import open_source
from ingest.source import Source, SourceDataInvalid
from ingest.sources.deployments.source import DOC, DeploymentsSettings, DeploymentsSource
from ingest.sources.deployments.webhook import read_webhook
from ingest.sync import sync
from ingest.webhook import Delivery
from tests.contracts.source_contract import CANARY, KEY, NOW, SourceContract, facts_of, fresh_store, stored

SHA = "5f3c" * 10
CHECKOUT: Mapping[str, Value] = {
    "id": "d-1",
    "service": "Checkout API",
    "environment": "production",
    "version": "2.4.1",
    "previous_version": "2.4.0",
    "commit": SHA,
    "repository": "acme/shop",
    "actor": "Ada@acme.example",
    "outcome": "succeeded",
    "started_at": "2026-05-04T14:00:00Z",
    "finished_at": "2026-05-04T14:02:00Z",
    "tool": "spinnaker",
    "title": "Checkout 2.4.1 (acme/shop#12)",
    "url": "https://ci.acme.example/acme/shop/actions/runs/77",
}


def source(path: Path, **settings: str) -> DeploymentsSource:
    return DeploymentsSource(DeploymentsSettings(str(path), **settings))


def lines(*documents: Mapping[str, Value]) -> str:
    return "".join(json.dumps(document) + "\n" for document in documents)


def batches(src: Source, cursor: str | None = None) -> list[FactBatch]:
    return list(src.pull(cursor, NOW))


def entities(found: Sequence[FactBatch], kind: str) -> list[Entity]:
    return [a.fact for b in found for a in b.assertions if isinstance(a.fact, Entity) and a.fact.ref.kind == kind]


def relations(found: Sequence[FactBatch], type_: str) -> list[Relation]:
    return [a.fact for b in found for a in b.assertions if isinstance(a.fact, Relation) and a.fact.type == type_]


def ids(found: Sequence[FactBatch]) -> set[str]:
    return {str(e.properties["deployment_id"]) for e in entities(found, "Deployment")}


def quarantine(found: Sequence[FactBatch]) -> list[tuple[str, str]]:
    return [(q.locator, q.reason) for b in found for q in b.quarantined]


def hook(body: object, headers: Mapping[str, str] | None = None, **settings: str) -> list[FactBatch]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return list(read_webhook(Delivery("x-1", "", data, NOW, headers or {}), settings))


def told(tmp_path: Path, **changed: Value) -> list[FactBatch]:
    return hook({name: value for name, value in {**CHECKOUT, **changed}.items() if value is not None})


def cdevent(type_: str, name: str = "service/checkout", /, **content: Value) -> dict[str, Value]:
    return {
        "context": {
            "version": "0.4.1",
            "id": "e-" + type_,
            "source": "/argo/prod",
            "type": f"dev.cdevents.{type_}.0.2.0",
            "timestamp": "2026-05-05T10:00:00.5Z",
        },
        "subject": {"id": name, "source": "/argo/prod", "type": type_.partition(".")[0], "content": content},
    }


UPGRADED = cdevent(
    "service.upgraded", environment={"id": "prod"}, artifactId="pkg:oci/checkout@sha256%3Aabcd?tag=2.5.0&arch=amd64"
)


class TestContract(SourceContract):
    def recorded(self, directory: Path) -> Source:
        place = directory / "deploys"
        (place / "old").mkdir(parents=True, exist_ok=True)
        many = [
            {**CHECKOUT, "id": f"n-{i}", "version": f"1.{i}", "finished_at": f"2026-04-{1 + i % 28:02}T14:02:00Z"}
            | {"started_at": f"2026-04-{1 + i % 28:02}T14:00:00Z"}
            for i in range(200)
        ]
        secret = {**CHECKOUT, "id": "d-2", "title": f"deployed with password={CANARY}", "token": CANARY}
        (place / "a.jsonl").write_text(lines(CHECKOUT, secret, *many) + f'{{"service": "{CANARY}"\n')
        (place / "b.json").write_text(json.dumps([UPGRADED, {"service": "x", "api_key": CANARY}]))
        (place / "old" / "c.csv").write_text(
            "service,environment,version,finished_at\npay,prod,1,2026-05-01\npay,,1,\n"
        )
        (place / "d.json").write_text(f"<html>{CANARY}")
        return source(place, name="acme")

    def broken(self, directory: Path) -> Iterator[Source]:
        yield source(directory / "nowhere.jsonl")
        (directory / "empty").mkdir()
        yield source(directory / "empty")
        for name, text in {
            "page.jsonl": "<!doctype html><title>Sign in</title>",
            "page.json": "<html>",
            "cut.json": '[{"service": "x"',
            "blank.json": "",
            "bad.csv": "a,b\n1,2\n",
            "bad.json.gz": "no gzip",
        }.items():
            (directory / name).write_text(text)
            yield source(directory / name)


def test_a_deployment_says_who_put_what_where_and_when(tmp_path: Path) -> None:
    found = told(tmp_path)
    [deployment] = entities(found, "Deployment")
    assert deployment.ref == names.deployment("deployments", "deployments", "d-1")
    assert deployment.properties == {
        "service": "checkout-api",
        "environment": "prod",
        "version": "2.4.1",
        "previous_version": "2.4.0",
        "commit": SHA,
        "repository": "acme/shop",
        "action": "deploy",
        "outcome": "succeeded",
        "started_at": "2026-05-04T14:00:00Z",
        "finished_at": "2026-05-04T14:02:00Z",
        "tool": "spinnaker",
        "title": "Checkout 2.4.1 (acme/shop#12)",
        "url": CHECKOUT["url"],
        "deployment_id": "d-1",
    }
    ends = {(r.type, r.dst) for b in found for a in b.assertions if isinstance(r := a.fact, Relation)}
    assert ends == {
        ("RUNS_IN", names.environment("prod")),
        ("REACHED", names.environment("prod")),
        ("DEPLOYS", names.commit(SHA)),
        ("PERFORMED_BY", names.account("deployments", "ada@acme.example")),
        ("CHANGED", names.service("checkout-api")),
        ("TRIGGERED_BY", names.workflow_run("github", "acme/shop", "77")),
        ("MENTIONS", names.pull_request("acme/shop", 12)),
    }
    [changed] = relations(found, "CHANGED")
    assert changed.properties == {
        "effect": "updated",
        "attributes": [
            {
                "path": "version",
                "before": {"state": "value", "value": "2.4.0"},
                "after": {"state": "value", "value": "2.4.1"},
            }
        ],
    }
    [reached] = relations(found, "REACHED")
    assert reached.properties == {
        "earliest": "2026-05-04T14:00:00Z",
        "latest": "2026-05-04T14:02:00Z",
        "basis": "deployed",
    }
    assert {rfc3339(a.valid_from) for b in found for a in b.assertions} == {"2026-05-04T14:02:00Z"}
    assert {a.locator for b in found for a in b.assertions} == {"deployments:d-1"}
    aliases = {
        (a.fact.ref.kind, a.fact.scheme, a.fact.name) for b in found for a in b.assertions if isinstance(a.fact, Alias)
    }
    assert {("Service", "name", "Checkout API"), ("Service", "name", "checkout-api")} <= aliases
    assert {
        ("Account", "email", "ada@acme.example"),
        ("Environment", "name", "prod"),
        ("Deployment", "id", "d-1"),
    } <= aliases


@pytest.mark.parametrize("outcome", ["failed", "FAILURE", "cancelled", "in_progress", "rejected by policy"])
def test_what_did_not_succeed_changed_nothing_and_reached_nothing(outcome: str, tmp_path: Path) -> None:
    found = told(tmp_path, outcome=outcome)
    assert entities(found, "Deployment")
    assert relations(found, "RUNS_IN")
    assert not relations(found, "CHANGED")
    assert not relations(found, "REACHED")


def test_a_beginning_holds_nothing_of_its_end(tmp_path: Path) -> None:
    begun = told(tmp_path, outcome="running", finished_at=None)
    [first] = entities(begun, "Deployment")
    assert first.properties["outcome"] == "in_progress"
    assert "finished_at" not in first.properties
    ended = told(tmp_path)
    with fresh_store(tmp_path, "store") as store:
        for batch in (*ended, *begun):
            store.apply(batch)
        during = store.entity(first.ref, View(as_of=instant("2026-05-04T14:01:00Z")))
        after = store.entity(first.ref, View(as_of=instant("2026-05-04T14:03:00Z")))
        assert during is not None
        assert after is not None
        assert (during.properties["outcome"], after.properties["outcome"]) == ("in_progress", "succeeded")
        assert "finished_at" not in during.properties


def test_an_end_at_the_moment_of_the_beginning_wins_in_either_order(tmp_path: Path) -> None:
    at = "2026-05-04T14:00:00Z"
    begun = told(tmp_path, outcome="started", finished_at=None, started_at=at)
    ended = told(tmp_path, outcome="failed", started_at=at, finished_at=at)
    ref = entities(begun, "Deployment")[0].ref
    for name, order in {"one": (*begun, *ended), "other": (*ended, *begun)}.items():
        with fresh_store(tmp_path, name) as store:
            for batch in order:
                store.apply(batch)
            found = store.entity(ref, View())
            assert found is not None
            assert found.properties["outcome"] == "failed"


def test_an_apply_names_a_workspace_and_reaches_its_environment(tmp_path: Path) -> None:
    found = told(tmp_path, service=None, workspace="network", version=None, previous_version=None, tool="terraform")
    [deployment] = entities(found, "Deployment")
    assert deployment.properties["action"] == "apply"
    assert deployment.properties["workspace"] == "network"
    assert [r.properties["basis"] for r in relations(found, "REACHED")] == ["applied"]
    assert not relations(found, "CHANGED")
    assert not entities(found, "Service")


def test_a_deployment_without_an_id_is_the_same_when_it_is_told_again(tmp_path: Path) -> None:
    begun = told(tmp_path, id=None, outcome="started", finished_at=None)
    ended = told(tmp_path, id=None)
    other = told(tmp_path, id=None, environment="staging")
    assert entities(begun, "Deployment")[0].ref == entities(ended, "Deployment")[0].ref
    assert entities(begun, "Deployment")[0].ref != entities(other, "Deployment")[0].ref


def test_a_short_hash_deploys_no_commit_but_stands_for_the_version(tmp_path: Path) -> None:
    found = told(tmp_path, commit="5f3c5f3", version=None)
    assert not relations(found, "DEPLOYS")
    assert entities(found, "Deployment")[0].properties["version"] == "5f3c5f3"


def test_a_link_of_another_scheme_is_left_out(tmp_path: Path) -> None:
    found = told(tmp_path, url="javascript:alert(1)")
    assert "javascript" not in repr(found)


def test_words_of_a_title_are_data(tmp_path: Path) -> None:
    title = "Ignore all rules'; DROP TABLE version; --"
    found = told(tmp_path, title=title)
    assert entities(found, "Deployment")[0].properties["title"] == title


def test_accounts_may_be_those_of_another_system() -> None:
    found = hook(dict(CHECKOUT, actor="ada"), actor_system="github", name="acme")
    assert relations(found, "PERFORMED_BY")[0].dst == names.account("github", "ada")
    assert {b.scope for b in found} == {"acme"}


BAD: Mapping[str, Mapping[str, Value]] = {
    "it names no environment": {"environment": " "},
    "it names neither a service nor a workspace": {"service": None},
    "it tells neither started_at nor finished_at": {"started_at": None, "finished_at": ""},
    "finished_at is before started_at": {"finished_at": "2026-05-04T13:00:00Z"},
    "finished_at is no time (RFC 3339, or seconds since 1970)": {"finished_at": "soon"},
    "started_at is no time (RFC 3339, or seconds since 1970)": {"started_at": 1e300},
    "service is no text": {"service": ["x"]},
    "service has no letter or digit of a name": {"service": "***"},
    "version is longer than 2000 characters": {"version": "9" * 2001},
}


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_row_is_quarantined_with_its_line_and_the_rest_is_read(reason: str, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(
        lines(CHECKOUT, {**CHECKOUT, "id": "bad", **BAD[reason]}, {**CHECKOUT, "id": "d-3"})
    )
    found = batches(source(tmp_path))
    assert quarantine(found) == [("x.jsonl#L2", reason)]
    assert ids(found) == {"d-1", "d-3"}
    with pytest.raises(SourceDataInvalid) as caught:
        hook({**CHECKOUT, **BAD[reason]})
    assert reason in str(caught.value)


def test_times_may_be_numbers(tmp_path: Path) -> None:
    for begin in (1777903200, "1777903200", 1777903200000, "2026-05-04T16:00:00+02:00"):
        found = told(tmp_path, started_at=begin)
        assert entities(found, "Deployment")[0].properties["started_at"] == "2026-05-04T14:00:00Z"


# -- CDEvents


@pytest.mark.parametrize(
    ("predicate", "action", "effect", "paths"),
    [
        ("deployed", "deploy", "updated", ["version"]),
        ("upgraded", "deploy", "updated", ["version"]),
        ("rolledback", "rollback", "updated", ["version"]),
        ("removed", "remove", "deleted", ["version"]),
        ("published", "publish", "updated", []),
    ],
)
def test_what_happened_to_a_service(predicate: str, action: str, effect: str, paths: list[str]) -> None:
    artifact = "" if predicate == "removed" else "pkg:golang/acme.example/checkout@v2.5.0"
    event = cdevent(f"service.{predicate}", environment={"id": "clusters/staging"}, artifactId=artifact)
    found = hook(event)
    [deployment] = entities(found, "Deployment")
    assert deployment.properties["service"] == "checkout"
    assert deployment.properties["environment"] == "staging"
    assert deployment.properties["action"] == action
    assert deployment.properties["tool"] == "cdevents"
    assert deployment.properties.get("version") == (None if predicate == "removed" else "v2.5.0")
    [changed] = relations(found, "CHANGED")
    assert changed.properties["effect"] == effect
    attributes = changed.properties["attributes"]
    assert isinstance(attributes, list)
    assert [item["path"] for item in attributes if isinstance(item, Mapping)] == paths


def test_an_image_is_versioned_by_its_tag_and_custom_data_tells_the_rest() -> None:
    event = {
        **UPGRADED,
        "customData": {"commit": SHA, "actor": "ada", "environment": "nonsense", "previous_version": "2.4.1"},
    }
    found = hook(event)
    [deployment] = entities(found, "Deployment")
    assert deployment.properties["version"] == "2.5.0"
    assert deployment.properties["environment"] == "prod"
    assert relations(found, "DEPLOYS")[0].dst == names.commit(SHA)


def test_structured_binary_and_bare_events_say_the_same() -> None:
    bare = hook(UPGRADED)
    kind = "dev.cdevents.service.upgraded.0.2.0"
    head = {"specversion": "1.0", "id": "e-service.upgraded", "source": "/argo/prod", "type": kind}
    head["time"] = "2026-05-05T10:00:00.5Z"
    structured = hook({**head, "datacontenttype": "application/json", "data": UPGRADED})
    binary = hook(UPGRADED, {f"ce-{name}": value for name, value in head.items()})
    assert bare[0].assertions == structured[0].assertions == binary[0].assertions
    assert hook([UPGRADED, CHECKOUT])[0].assertions[: len(bare[0].assertions)] == bare[0].assertions


def test_an_environment_ends_when_it_is_deleted(tmp_path: Path) -> None:
    created = cdevent("environment.created", "env-1", name="Preview-7", url="https://p7.acme.example")
    deleted = json.loads(
        json.dumps(cdevent("environment.deleted", "env-1", name="preview-7")).replace("05-05", "05-06")
    )
    with fresh_store(tmp_path, "store") as store:
        for batch in (*hook(deleted), *hook(created)):
            store.apply(batch)
        where = names.environment("preview-7")
        assert store.entity(where, View(as_of=instant("2026-05-05T12:00:00Z"))) is not None
        assert store.entity(where, View(as_of=instant("2026-05-07T00:00:00Z"))) is None


def test_a_deployment_event_begins_and_ends_one_deployment() -> None:
    artifact: dict[str, Value] = {"environment": {"id": "prod"}, "artifactId": "pkg:oci/checkout@sha256%3Aabcd"}
    begun = hook(cdevent("deployment.started", "dep-9", **artifact))
    ended = hook(cdevent("deployment.finished", "dep-9", outcome="failure", **artifact))
    assert entities(begun, "Deployment")[0].ref == entities(ended, "Deployment")[0].ref
    assert entities(begun, "Deployment")[0].properties["service"] == "checkout"
    assert [entities(f, "Deployment")[0].properties["outcome"] for f in (begun, ended)] == ["in_progress", "failed"]


def test_events_about_other_things_say_nothing() -> None:
    assert hook(cdevent("pipelinerun.finished", outcome="success")) == []
    assert hook(cdevent("environment.vanished", name="x")) == []


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]x", b"7", b'"x"', b"[" * 100_000, b"\xff", b'{"a": NaN}'])
def test_a_body_that_is_nothing_is_refused_with_one_sentence(body: bytes) -> None:
    with pytest.raises(SourceDataInvalid) as caught:
        hook(body)
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_an_array_keeps_what_is_good_and_names_what_is_not() -> None:
    found = hook([CHECKOUT, {"service": CANARY}, 7])
    assert quarantine(found) == [
        ("webhook x-1#1", "it names no environment"),
        ("webhook x-1#2", "it is no JSON object"),
    ]
    assert entities(found, "Deployment")
    assert CANARY not in repr(found)
    assert hook([]) == []


# -- files


def test_file_json_csv_and_webhook_state_the_same(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.jsonl").write_text(lines(CHECKOUT))
    (tmp_path / "b.json").write_text(json.dumps(CHECKOUT))
    head = ";".join(CHECKOUT)
    row = ";".join(f'"{value}"' for value in CHECKOUT.values())
    (tmp_path / "c.csv").write_bytes(f"\ufeff{head.upper().replace('_', ' ')}\r\n{row}\r\n".encode())
    (tmp_path / "d.json.gz").write_bytes(gzip.compress(json.dumps([CHECKOUT]).encode()))
    by_hook = stored(tmp_path, "hook", hook(CHECKOUT))
    for path in ("a", "b.json", "c.csv", "d.json.gz"):
        assert facts_of(stored(tmp_path, f"{path}-store", batches(source(tmp_path / path)))) == facts_of(by_hook), path


def test_a_file_of_lines_goes_on_where_it_was_left(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text(lines(CHECKOUT) + '{"id": "d-2", "serv')
    src = source(file)
    first = batches(src)
    assert quarantine(first) == [("x.jsonl#L2", "the last line is cut off; it is read when it is whole")]
    assert first[-1].cursor is not None
    assert not [b for b in batches(src, first[-1].cursor) if b.assertions or b.quarantined]
    file.write_text(lines(CHECKOUT, {**CHECKOUT, "id": "d-2"}))
    second = batches(src, first[-1].cursor)
    assert ids(second) == {"d-2"}
    file.write_text(lines({**CHECKOUT, "id": "d-0"}, {**CHECKOUT, "id": "d-2"}))
    assert second[-1].cursor is not None
    third = batches(src, second[-1].cursor)
    assert ids(third) == {"d-0", "d-2"}


def test_a_last_line_without_an_end_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text(lines(CHECKOUT).rstrip("\n"))
    first = batches(source(file))
    assert entities(first, "Deployment")
    assert not [b for b in batches(source(file), first[-1].cursor) if b.assertions]


def test_rows_of_csv_are_told_by_their_line_even_after_a_cell_of_two_lines(tmp_path: Path) -> None:
    text = 'service,environment,version,finished_at,title\npay,prod,1,2026-05-01,"two\nlines"\npay,prod,1,soon,\n,,,,\npay,prod,1,2026-05-02,,,,\n'
    (tmp_path / "x.csv").write_text(text)
    found = batches(source(tmp_path))
    assert [locator for locator, _ in quarantine(found)] == ["x.csv#L4", "x.csv#L6"]
    assert len(entities(found, "Deployment")) == 1


def test_an_unreadable_file_beside_readable_ones_is_noted_once(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("<html>")
    (tmp_path / "b.jsonl").write_text(lines(CHECKOUT))
    with fresh_store(tmp_path, "store") as store:
        assert sync(store, source(tmp_path), NOW, KEY, processes="none").quarantined == 1
        report = sync(store, source(tmp_path), NOW + 1, KEY, processes="none")
        assert (report.quarantined, report.assertions, report.error) == (0, 0, None)


def test_a_foreign_cursor_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text(lines(CHECKOUT))
    with pytest.raises(SourceDataInvalid, match="cursor"):
        batches(source(tmp_path), '{"files": 1}')


def test_the_registry_opens_it_and_its_page_has_an_example(tmp_path: Path) -> None:
    assert open_source("deployments", {"path": str(tmp_path)}).scope == "deployments"
    assert "deployments:" in DOC.example


# -- any order


def test_deliveries_twice_and_in_any_order_give_one_graph(tmp_path: Path) -> None:
    """Beginnings, ends, corrections, events and environments, from 60 shuffles with duplicates, each in a store of its own."""
    same = "2026-05-04T15:00:00Z"
    bodies: list[object] = [
        CHECKOUT,
        {**CHECKOUT, "outcome": "in_progress", "finished_at": None},
        {**CHECKOUT, "id": "d-2", "outcome": "failed", "started_at": same, "finished_at": same},
        {**CHECKOUT, "id": "d-2", "outcome": "started", "started_at": same, "finished_at": None},
        {
            **CHECKOUT,
            "id": "d-2",
            "outcome": "succeeded",
            "started_at": same,
            "finished_at": same,
            "updated_at": "2026-05-05",
        },
        {**CHECKOUT, "id": "d-3", "action": "rollback", "version": "2.4.0", "finished_at": "2026-05-04T16:00:00Z"},
        {"service": "pay", "environment": "staging", "started_at": "2026-05-01T00:00:00Z", "version": "7"},
        {"workspace": "net", "environment": "prod", "finished_at": "2026-05-01T00:00:00Z", "actor": "ada"},
        UPGRADED,
        cdevent("environment.created", "p7", name="p7"),
        json.loads(json.dumps(cdevent("environment.deleted", "p7", name="p7")).replace("05-05", "05-06")),
        [CHECKOUT, UPGRADED],
    ]
    deliveries = [redact_batch(batch, KEY) for body in bodies for batch in hook(body)]
    expected = believed(stored(tmp_path, "expected", deliveries))
    chance = random.Random(7)
    for attempt in range(60):
        shuffled = deliveries + chance.choices(deliveries, k=8)
        chance.shuffle(shuffled)
        assert believed(stored(tmp_path, f"shuffled-{attempt}", shuffled)) == expected


def believed(dump: Sequence[str]) -> list[str]:
    """What a store believes now, whenever it was told."""
    rows: list[dict[str, Value]] = [json.loads(line) for line in facts_of(dump)]
    return sorted(
        json.dumps({**row, "known_from": None}, sort_keys=True) for row in rows if row.get("known_to") is None
    )


def test_changes_are_found_by_their_service_and_their_time(tmp_path: Path) -> None:
    with fresh_store(tmp_path, "store") as store:
        for batch in (*hook(CHECKOUT), *hook(UPGRADED)):
            store.apply(batch)
        query = ChangeQuery(targets=[names.service("checkout api")], until=instant("2026-05-05T00:00:00Z"))
        [change] = store.changes(query, View(), Limits()).items
        assert rfc3339(change.at) == "2026-05-04T14:02:00Z"
