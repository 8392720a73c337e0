"""The alerts source on files: the source contract, and that files and webhooks state the same."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.model import Alias, Entity, FactBatch
from graph.store import Limits, View
from ingest import names
from ingest.source import Source, SourceDataInvalid
from ingest.sources.alerts.source import AlertsSettings, AlertsSource
from ingest.sources.alerts.webhook import read_webhook
from ingest.sync import sync
from ingest.webhook import Delivery
from tests.contracts.source_contract import CANARY, KEY, NOW, SourceContract, facts_of, fresh_store, redacted
from tests.ingest.alerts import payloads as p
from tests.ingest.alerts.test_webhooks import ALL, known_now


def put(file: Path, *bodies: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"\n".join(bodies))
    return file


def source(path: Path, **settings: object) -> AlertsSource:
    return AlertsSource(AlertsSettings(str(path), **settings))  # type: ignore[arg-type]


class TestContract(SourceContract):
    def recorded(self, directory: Path) -> Source:
        place = directory / "payloads"
        secret = p.prometheus(
            "HighErrors",
            2,
            service="checkout",
            db_password=CANARY,
            annotations={
                "description": f"postgres://app:{CANARY}@db/shop refuses",
                "api_token": CANARY,
                "dashboard": f"https://admin:{CANARY}@grafana.example.com/d/1",
            },
        )
        put(place / "alertmanager" / "1.json", p.alertmanager(secret, externalURL=f"https://u:{CANARY}@am.example.com"))
        put(place / "alertmanager.jsonl", p.alertmanager(p.prometheus("HighErrors", 2, 12)), b"", b"{ broken")
        bridge = {"conference_url": f"https://meet.example.com/?pwd={CANARY}", "conference_number": CANARY}
        put(place / "pagerduty-1.json", p.pagerduty("incident.triggered", 0, conference_bridge=bridge))
        put(place / "pagerduty-oncalls.json", p.oncalls(p.oncall("PANN", p.at(0), p.at(90), ["Checkout API"])))
        put(
            place / "opsgenie.json",
            p.opsgenie("Create", 0, details={"password": CANARY}, description=f"token={CANARY}"),
        )
        put(place / "cloudwatch.jsonl", p.sns(p.alarm("ALARM", 2)), p.sns(p.alarm("OK", 8)))
        put(
            place / "generic.json", p.generic(labels={"secret": CANARY}, url=f"https://u:{CANARY}@zabbix.example.com/1")
        )
        put(place / "notes.txt", CANARY.encode())
        return source(place)

    def broken(self, directory: Path) -> Iterator[Source]:
        yield source(directory / "nowhere")
        yield AlertsSource(AlertsSettings())
        (directory / "empty").mkdir()
        yield source(directory / "empty")
        yield source(put(directory / "page.json", b"<html>502 Bad Gateway</html>"))
        yield source(put(directory / "cut.json.gz", gzip.compress(p.generic())[:20]))
        yield source(put(directory / "alertmanager.json", p.generic()))


def batches(src: Source, cursor: str | None = None) -> list[FactBatch]:
    return list(src.pull(cursor, NOW))


def entities(found: list[FactBatch], kind: str) -> list[Entity]:
    return [a.fact for b in found for a in b.assertions if isinstance(a.fact, Entity) and a.fact.ref.kind == kind]


def test_files_and_webhooks_state_the_same_facts(tmp_path: Path) -> None:
    put(tmp_path / "files" / "all.jsonl", *ALL)
    with fresh_store(tmp_path, "files") as files, fresh_store(tmp_path, "hooks") as hooks:
        assert sync(files, source(tmp_path / "files"), NOW, KEY, processes="none").error is None
        for number, body in enumerate(ALL):
            for batch in read_webhook(Delivery(str(number), "", body, NOW, {}), {}):
                hooks.apply(batch)
        assert known_now(files) == known_now(hooks)
        before = facts_of(list(files.dump()))
        for body in ALL:
            for batch in read_webhook(Delivery("again", "", body, NOW, {}), {}):
                files.apply(batch)
        assert facts_of(list(files.dump())) == before


def test_the_provider_is_told_by_the_file_by_its_directory_or_by_the_shape(tmp_path: Path) -> None:
    body = p.alertmanager(p.prometheus("X", 2))
    for name in ("grafana-1.json", "grafana/alertmanagers/1.json", "grafana/1.json", "1.json"):
        [found] = entities(
            batches(source(put(tmp_path / name.replace("/", "_") / name, body).parents[name.count("/")])), "Alert"
        )
        expected = "alertmanager" if "alertmanager" in name or name == "1.json" else "grafana"
        assert found.properties["system"] == expected, name


def test_a_file_that_grew_is_read_again_and_others_are_not(tmp_path: Path) -> None:
    log = put(tmp_path / "alertmanager.jsonl", p.alertmanager(p.prometheus("A", 2)))
    put(tmp_path / "other.json", p.generic())
    cursor = batches(source(tmp_path))[-1].cursor
    put(log, p.alertmanager(p.prometheus("A", 2)), p.alertmanager(p.prometheus("B", 3)))
    found = entities(batches(source(tmp_path), cursor), "Alert")
    assert [e.properties["name"] for e in found] == ["A", "B"]


def test_bad_lines_and_damaged_files_are_set_aside_once_with_their_place(tmp_path: Path) -> None:
    put(tmp_path / "a.jsonl", p.generic(), b"{}", b"<html>")
    put(tmp_path / "b.json.gz", b"\x1f\x8bdamaged")
    found = batches(source(tmp_path))
    assert [q.locator for b in found for q in b.quarantined] == ["a.jsonl#L2", "a.jsonl#L3", "b.json.gz"]
    assert not [q for b in batches(source(tmp_path), found[-1].cursor) for q in b.quarantined]


def test_packed_files_are_read(tmp_path: Path) -> None:
    put(tmp_path / "generic.jsonl.gz", gzip.compress(p.generic() + b"\n" + p.generic(id="2", name="Other")))
    assert len(entities(batches(source(tmp_path)), "Alert")) == 2


def test_other_settings_read_everything_again(tmp_path: Path) -> None:
    put(tmp_path / "generic.json", p.generic(labels={"svc": "shop"}))
    cursor = batches(source(tmp_path))[-1].cursor
    [found] = entities(batches(source(tmp_path, service_labels=("svc",)), cursor), "Alert")
    assert found.properties["service"] == "shop"


def test_a_foreign_cursor_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "generic.json", p.generic())
    with pytest.raises(SourceDataInvalid, match="cursor"):
        batches(source(tmp_path), "[1]")


def test_many_payloads_come_in_batches_of_bearable_size(tmp_path: Path) -> None:
    put(tmp_path / "generic.jsonl", *(p.generic(id=str(i), name=f"Alert {i}") for i in range(1_000)))
    found = redacted(source(tmp_path), None)
    assert len(found) > 3
    assert max(len(b.assertions) for b in found) <= 2_000


def test_a_shift_holds_from_its_start_to_its_end(tmp_path: Path) -> None:
    put(tmp_path / "pagerduty-oncalls.json", p.oncalls(p.oncall("PANN", p.at(0), p.at(90), ["Checkout API"])))
    with fresh_store(tmp_path, "store") as store:
        sync(store, source(tmp_path), NOW, KEY, processes="none")
        from tests.ingest.alerts.test_webhooks import as_of, targets

        ann, checkout = names.account("pagerduty", "PANN"), names.service("Checkout API")
        assert targets(store, ann, "ON_CALL_FOR", as_of(30)) == {checkout: {"schedule": "Primary", "level": 1}}
        assert not targets(store, ann, "ON_CALL_FOR", as_of(91))


def test_who_is_always_on_call_is_so_until_an_export_says_otherwise(tmp_path: Path) -> None:
    file = put(
        tmp_path / "pagerduty-oncalls.json", p.oncalls(p.oncall("PANN", None, None), p.oncall("PBO", None, None))
    )
    with fresh_store(tmp_path, "store") as store:
        sync(store, source(tmp_path), NOW, KEY, processes="none")
        put(file, p.oncalls(p.oncall("PBO", None, None)))
        sync(store, source(tmp_path), NOW + 60_000_000, KEY, processes="none")
        from tests.ingest.alerts.test_webhooks import targets

        team = names.team("pagerduty", "Checkout on call")
        assert not targets(store, names.account("pagerduty", "PANN"), "ON_CALL_FOR")
        assert set(targets(store, names.account("pagerduty", "PBO"), "ON_CALL_FOR")) == {team}
        assert set(targets(store, names.account("pagerduty", "PANN"), "ON_CALL_FOR", View(as_of=NOW + 1))) == {team}


def test_an_export_of_users_tells_their_mail_addresses(tmp_path: Path) -> None:
    users = {"users": [{"id": "PANN001", "name": "Ann Berg", "email": "Ann@Example.com", "type": "user"}, {"id": 5}]}
    put(tmp_path / "pagerduty-users.json", json.dumps(users).encode())
    put(tmp_path / "pagerduty.json", p.pagerduty("incident.acknowledged", 5, "acknowledged"))
    with fresh_store(tmp_path, "store") as store:
        report = sync(store, source(tmp_path), NOW, KEY, processes="none")
        assert report.quarantined == 1
        found = store.resolve_alias("ann@example.com", View(), Limits()).items
        assert [a.ref for a in found] == [names.account("pagerduty", "PANN001")]


def test_names_that_an_engineer_would_type_are_aliases(tmp_path: Path) -> None:
    put(tmp_path / "pagerduty.json", p.pagerduty("incident.triggered", 0))
    found = {
        (a.fact.scheme, a.fact.name)
        for b in batches(source(tmp_path))
        for a in b.assertions
        if isinstance(a.fact, Alias) and a.fact.ref.kind == "Incident"
    }
    assert found == {("id", "Q2PIGEON"), ("number", "412"), ("url", "https://shop.pagerduty.com/incidents/Q2PIGEON")}
