"""Webhooks of alerting systems: what each delivery states, and that their order and number do not matter."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from graph.clock import instant, rfc3339
from graph.model import EntityRef, FactBatch
from graph.store import EntityView, GraphStore, Limits, View
from ingest import names
from ingest.source import SourceDataInvalid
from ingest.sources.alerts.webhook import read_webhook
from ingest.webhook import Delivery
from tests.contracts.source_contract import NOW, facts_of, fresh_store
from tests.ingest.alerts import payloads as p

NOW_VIEW = View()


def read(*bodies: bytes, **settings: object) -> list[FactBatch]:
    deliveries = [Delivery(f"d{i}", "", body, NOW, {}) for i, body in enumerate(bodies)]
    return [batch for delivery in deliveries for batch in read_webhook(delivery, settings)]


def filled(directory: Path, bodies: Sequence[bytes], name: str = "store", **settings: object) -> GraphStore:
    store = fresh_store(directory, name)
    for batch in read(*bodies, **settings):
        store.apply(batch)
    return store


def as_of(minute: int) -> View:
    return View(as_of=instant(p.at(minute)))


def alert(system: str, alert_id: str, start: int) -> EntityRef:
    return names.alert(system, "alerts", alert_id, p.at(start))


def entity(store: GraphStore, ref: EntityRef, view: View = NOW_VIEW) -> EntityView:
    found = store.entity(ref, view)
    assert found is not None
    return found


def alerts(store: GraphStore) -> list[EntityView]:
    return list(store.select("Alert", {}, NOW_VIEW, Limits()).items)


def targets(
    store: GraphStore, ref: EntityRef, type_: str, view: View = NOW_VIEW
) -> dict[EntityRef, Mapping[str, object]]:
    page = store.neighbours([ref], view, Limits(), types=[type_], direction="out")
    return {r.dst: r.properties for r in page.items}


# -- one alert from firing to resolved


def test_a_fire_and_its_resolve_are_one_alert_with_two_versions(tmp_path: Path) -> None:
    fire = p.alertmanager(p.prometheus("HighErrors", 2, service="checkout", env="production"))
    over = p.alertmanager(p.prometheus("HighErrors", 2, 12, service="checkout", env="production"))
    with filled(tmp_path, [fire, over]) as store:
        [one] = alerts(store)
        assert one.ref == alert("alertmanager", "higherrors01", 2)
        assert one.properties["state"] == "resolved"
        assert one.properties["ended_at"] == p.at(12)
        before = entity(store, one.ref, as_of(5)).properties
        assert before["state"] == "firing"
        assert "ended_at" not in before
        assert store.entity(one.ref, as_of(1)) is None
        versions = [
            (rfc3339(s.valid_from), s.properties["state"]) for s in store.history(one.ref, NOW_VIEW, Limits()).items
        ]
        assert versions == [(p.at(12), "resolved"), (p.at(2), "firing")]


def test_a_resolve_alone_tells_both_versions(tmp_path: Path) -> None:
    fire = p.alertmanager(p.prometheus("HighErrors", 2))
    over = p.alertmanager(p.prometheus("HighErrors", 2, 12))
    with filled(tmp_path, [over], "a") as late, filled(tmp_path, [fire, over], "b") as whole:
        [one], [other] = alerts(late), alerts(whole)
        for minute in (5, 20):
            assert entity(late, one.ref, as_of(minute)).properties == entity(whole, other.ref, as_of(minute)).properties


def test_firing_again_is_another_alert(tmp_path: Path) -> None:
    bodies = [p.alertmanager(p.prometheus("HighErrors", start, end)) for start, end in ((2, None), (2, 12), (20, None))]
    with filled(tmp_path, bodies) as store:
        found = {str(a.properties["started_at"]): a.properties["state"] for a in alerts(store)}
        assert found == {p.at(2): "resolved", p.at(20): "firing"}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_the_firing_itself_said_counts_more_than_what_its_resolve_says_of_it(
    order: tuple[int, int], tmp_path: Path
) -> None:
    def body(end: int | None, value: str) -> bytes:
        return p.alertmanager(p.prometheus("HighErrors", 2, end, annotations={"description": f"rate is {value}"}))

    for number in range(8):  # with one value alone, luck could decide
        both = [body(None, f"3{number}%"), body(12, f"{number}%")]
        with filled(tmp_path, [both[i] for i in order], str(number)) as store:
            [one] = alerts(store)
            assert entity(store, one.ref, as_of(5)).properties["description"] == f"rate is 3{number}%"
            assert one.properties["description"] == f"rate is {number}%"


def test_a_firing_alert_does_not_end_when_it_would_time_out(tmp_path: Path) -> None:
    with filled(tmp_path, [p.alertmanager({**p.prometheus("X", 2), "endsAt": p.at(7)})]) as store:
        [one] = alerts(store)
        assert one.properties["state"] == "firing"
        assert "ended_at" not in one.properties


# -- what it is about


def test_it_is_about_its_service_its_environment_and_the_resources_its_labels_name(tmp_path: Path) -> None:
    arn = "arn:aws:rds:eu-west-1:111122223333:db:shop"
    body = p.alertmanager(p.prometheus("X", 2, app="Checkout API", job="node", env="production", db=arn))
    with filled(tmp_path, [body]) as store:
        [one] = alerts(store)
        about = targets(store, one.ref, "ABOUT")
        assert about == {
            names.service("checkout-api"): {"rule": "label app"},
            names.environment("prod"): {"rule": "label env"},
            names.cloud_resource(arn): {"rule": "label db"},
        }
        assert one.properties["service"] == "checkout-api"
        assert one.properties["environment"] == "prod"
        assert [a.ref for a in store.resolve_alias("Checkout API", NOW_VIEW, Limits()).items] == [
            names.service("checkout-api")
        ]


def test_settings_map_what_was_told_and_alerts_that_tell_nothing(tmp_path: Path) -> None:
    bodies = [p.alertmanager(p.prometheus("A", 1, service="svc-17")), p.alertmanager(p.prometheus("checkout-slow", 2))]
    services = {"svc-17": "billing", "checkout-*": "checkout", "*": "unknown"}
    with filled(tmp_path, bodies, services=services, environments={"*-slow": "prod"}) as store:
        found = {
            str(a.properties["name"]): (a.properties["service"], a.properties.get("environment")) for a in alerts(store)
        }
        assert found == {"A": ("billing", None), "checkout-slow": ("checkout", "prod")}


def test_links_in_annotations_are_mentions_and_a_runbook_is_a_file(tmp_path: Path) -> None:
    annotations = {
        "description": "since https://github.com/shop/api/pull/12",
        "runbook_url": "https://github.com/shop/docs/blob/main/runbooks/errors.md#first",
    }
    batches = read(p.alertmanager(p.prometheus("X", 2, annotations=annotations)))
    found = {a.fact.dst for b in batches for a in b.assertions if getattr(a.fact, "type", "") == "MENTIONS"}  # type: ignore[union-attr]
    assert found == {names.pull_request("shop/api", 12), names.file("shop/docs", "runbooks/errors.md")}


def test_its_words_are_found(tmp_path: Path) -> None:
    annotations = {"description": "the flux capacitor overheats"}
    with filled(tmp_path, [p.alertmanager(p.prometheus("X", 2, annotations=annotations))]) as store:
        assert [h.slot for h in store.search_text("capacitor", NOW_VIEW, Limits()).items] == ["description"]


# -- groups


def incidents(store: GraphStore, view: View = NOW_VIEW) -> list[EntityView]:
    return list(store.select("Incident", {}, view, Limits()).items)


def test_alerts_of_one_group_are_one_incident_that_ends_when_nothing_of_it_fires(tmp_path: Path) -> None:
    a, b = p.prometheus("HighErrors", 2, service="checkout"), p.prometheus("Slow", 6, service="checkout")
    ended_a, ended_b = (
        p.prometheus("HighErrors", 2, 12, service="checkout"),
        p.prometheus("Slow", 6, 14, service="checkout"),
    )
    bodies = [p.alertmanager(a), p.alertmanager(a, b), p.alertmanager(ended_a, b), p.alertmanager(ended_b)]
    with filled(tmp_path, bodies) as store:
        [incident] = incidents(store)
        assert incident.properties["system"] == "grouped"
        assert incident.properties["state"] == "resolved"
        assert incident.properties["resolved_at"] == p.at(14)
        assert entity(store, incident.ref, as_of(13)).properties["state"] == "triggered"
        assert store.entity(incident.ref, as_of(1)) is None
        for one in alerts(store):
            assert targets(store, one.ref, "PART_OF") == {incident.ref: {"rule": "groupKey"}}
        assert names.service("checkout") in targets(store, incident.ref, "ABOUT")


def test_another_group_or_another_hour_is_another_incident(tmp_path: Path) -> None:
    bodies = [
        p.alertmanager(p.prometheus("HighErrors", 2)),
        p.alertmanager(p.prometheus("Other", 3), key="other"),
        p.alertmanager(p.prometheus("HighErrors", 70)),
    ]
    with filled(tmp_path, bodies) as store:
        assert len(incidents(store)) == 3


def test_the_edge_of_a_window_is_no_border_within_one_notification(tmp_path: Path) -> None:
    a, b = p.prometheus("HighErrors", 58), p.prometheus("Slow", 61)
    with filled(tmp_path, [p.alertmanager(a), p.alertmanager(a, b)]) as store:
        assert len({incident.refs for incident in incidents(store)}) == 1
        assert len(incidents(store)[0].refs) == 2
    with filled(tmp_path, [p.alertmanager(a), p.alertmanager(b)], "apart") as store:
        assert len({incident.refs for incident in incidents(store)}) == 2


def test_a_cut_notification_does_not_say_that_all_is_over(tmp_path: Path) -> None:
    with filled(tmp_path, [p.alertmanager(p.prometheus("X", 2, 12), truncated=3)]) as store:
        [incident] = incidents(store)
        assert incident.properties.get("state") == "triggered"


def test_grouping_can_be_left_to_a_paging_system(tmp_path: Path) -> None:
    with filled(tmp_path, [p.alertmanager(p.prometheus("X", 2))], group_incidents=False) as store:
        assert not incidents(store)
        assert alerts(store)


# -- PagerDuty and Opsgenie


def test_a_pagerduty_incident_goes_through_its_states(tmp_path: Path) -> None:
    bodies = [
        p.pagerduty("incident.resolved", 30, "resolved"),
        p.pagerduty("incident.acknowledged", 5, "acknowledged"),
        p.pagerduty_note(9, "rolled back https://github.com/shop/api/pull/12"),
        p.pagerduty("incident.triggered", 0, priority={"id": "P1", "summary": "P1"}),
        p.pagerduty("incident.reopened", 40, "triggered"),
        p.pagerduty("incident.resolved", 50, "resolved"),
    ]
    with filled(tmp_path, bodies, environments={"Checkout API": "production"}) as store:
        ref = names.incident("pagerduty", "Q2PIGEON")
        states = {m: entity(store, ref, as_of(m)).properties["state"] for m in (1, 6, 31, 41, 51)}
        assert states == {1: "triggered", 6: "acknowledged", 31: "resolved", 41: "triggered", 51: "resolved"}
        assert "resolved_at" not in entity(store, ref, as_of(41)).properties
        assert entity(store, ref).properties["resolved_at"] == p.at(50)
        assert entity(store, ref, as_of(1)).properties["severity"] == "P1"
        ann = names.account("pagerduty", "PANN001")
        assert set(targets(store, ref, "ACKNOWLEDGED_BY")) == set(targets(store, ref, "RESOLVED_BY")) == {ann}
        assert entity(store, ann).properties["name"] == "Ann Berg"
        about = targets(store, ref, "ABOUT")
        assert about == {
            names.service("Checkout API"): {"rule": "service"},
            names.environment("prod"): {"rule": "settings"},
        }
        assert [h.slot for h in store.search_text("rolled back", NOW_VIEW, Limits()).items] == ["note-PNOTE1"]
        assert [a.ref for a in store.resolve_alias("412", NOW_VIEW, Limits()).items] == [ref]
        assert [a.ref for a in store.resolve_alias("PSHOP01", NOW_VIEW, Limits()).items] == [
            names.service("Checkout API")
        ]


def test_an_integration_that_resolves_is_nobody(tmp_path: Path) -> None:
    body = json.loads(p.pagerduty("incident.resolved", 30, "resolved"))
    body["event"]["agent"]["type"] = "events_api_v2_inbound_integration_reference"
    with filled(tmp_path, [json.dumps(body).encode()]) as store:
        assert not targets(store, names.incident("pagerduty", "Q2PIGEON"), "RESOLVED_BY")
        assert not store.select("Account", {}, NOW_VIEW, Limits()).items


def test_a_pagerduty_event_of_something_else_says_nothing() -> None:
    body = json.loads(p.pagerduty("incident.triggered", 0))
    body["event"] |= {"event_type": "service.updated", "data": {"id": "PX", "type": "service"}}
    assert read(json.dumps(body).encode()) == []
    body["event"] |= {"event_type": "pagey.ping", "data": {"message": "Hello", "type": "ping"}}
    assert read(json.dumps(body).encode()) == []


def test_an_opsgenie_alert_keeps_its_details_when_it_is_closed(tmp_path: Path) -> None:
    created = p.opsgenie("Create", 0, description="consumer lag", details={"team": "billing", "env": "prod"})
    bodies = [
        p.opsgenie("Close", 20),
        p.opsgenie("Acknowledge", 4),
        created,
        p.opsgenie("AddNote", 6, note="restarting"),
    ]
    with filled(tmp_path, bodies) as store:
        [one] = alerts(store)
        assert one.properties["state"] == "resolved"
        assert one.properties["description"] == "consumer lag"
        assert one.properties["environment"] == "prod"
        assert one.properties["service"] == "billing"
        assert entity(store, one.ref, as_of(5)).properties["state"] == "acknowledged"
        assert entity(store, one.ref, as_of(2)).properties["state"] == "firing"
        incident = names.incident("opsgenie", "052652ac-5d1c-464a-812a-7dd18bbfba8c")
        assert targets(store, one.ref, "PART_OF") == {incident: {"rule": "opsgenie"}}
        assert entity(store, incident, as_of(2)).properties["state"] == "triggered"
        assert entity(store, incident).properties["resolved_at"] == p.at(20)
        assert set(targets(store, incident, "RESOLVED_BY")) == {names.account("opsgenie", "bo@example.com")}
        assert store.search_text("restarting", NOW_VIEW, Limits()).items


# -- CloudWatch


def test_a_cloudwatch_alarm_fires_until_it_is_over_each_time_as_another_alert(tmp_path: Path) -> None:
    states = [("ALARM", 2), ("OK", 8), ("ALARM", 20)]
    for order in ((0, 1, 2), (2, 1, 0)):
        bodies = [p.sns(p.alarm(*states[i])) for i in order]
        with filled(tmp_path, bodies, str(order), environments={p.ACCOUNT: "prod"}) as store:
            first, second = (alert("cloudwatch", p.ALARM, start) for start in (2, 20))
            assert {a.ref for a in alerts(store)} == {first, second}
            assert entity(store, first, as_of(5)).properties["state"] == "firing"
            assert "state" not in entity(store, first, as_of(9)).properties
            assert entity(store, second).properties["state"] == "firing"
            assert entity(store, second).properties["environment"] == "prod"
            balancer = f"arn:aws:elasticloadbalancing:eu-west-1:{p.ACCOUNT}:loadbalancer/{p.LB}"
            assert targets(store, second, "ABOUT")[names.cloud_resource(balancer)] == {"rule": "dimension LoadBalancer"}
            alarm = names.cloud_resource(p.ALARM)
            assert [entity(store, alarm, as_of(m)).properties["status"] for m in (3, 9, 21)] == ["ALARM", "OK", "ALARM"]


def test_event_bridge_tells_the_beginning_with_the_end(tmp_path: Path) -> None:
    bodies = [p.event_bridge("OK", 8, "ALARM", 2), p.event_bridge("ALARM", 2, "OK", 0)]
    with filled(tmp_path, bodies) as store:
        [one] = alerts(store)
        assert one.ref == alert("cloudwatch", p.ALARM, 2)
        assert one.properties["state"] == "resolved"
        assert one.properties["ended_at"] == p.at(8)
        assert entity(store, one.ref, as_of(5)).properties["state"] == "firing"


def test_both_roads_of_one_alarm_lead_to_one_alert(tmp_path: Path) -> None:
    bodies = [p.sns(p.alarm("ALARM", 2)), p.event_bridge("OK", 8, "ALARM", 2), json.dumps(p.alarm("OK", 8)).encode()]
    with filled(tmp_path, bodies) as store:
        [one] = alerts(store)
        assert one.properties["state"] == "resolved"


def test_the_confirmation_of_a_subscription_says_nothing() -> None:
    assert read(p.sns("You have chosen to subscribe", "SubscriptionConfirmation")) == []


@pytest.mark.parametrize(
    ("namespace", "dimensions", "arn"),
    [
        ("AWS/EC2", {"InstanceId": "i-0abcdef1234567890"}, "ec2:eu-west-1:111122223333:instance/i-0abcdef1234567890"),
        ("AWS/RDS", {"DBInstanceIdentifier": "shop"}, "rds:eu-west-1:111122223333:db:shop"),
        ("AWS/Lambda", {"FunctionName": "f"}, "lambda:eu-west-1:111122223333:function:f"),
        ("AWS/S3", {"BucketName": "b", "StorageType": "x"}, "s3:::b"),
        ("AWS/ECS", {"ClusterName": "c", "ServiceName": "s"}, "ecs:eu-west-1:111122223333:service/c/s"),
        ("AWS/CloudFront", {"DistributionId": "E1", "Region": "Global"}, "cloudfront::111122223333:distribution/E1"),
    ],
)
def test_dimensions_name_resources(namespace: str, dimensions: dict[str, str], arn: str, tmp_path: Path) -> None:
    told: list[object] = [{"name": k, "value": v} for k, v in dimensions.items()]
    trigger = {"MetricName": "m", "Namespace": namespace, "Dimensions": told}
    with filled(tmp_path, [p.sns(p.alarm("ALARM", 2, Trigger=trigger))]) as store:  # type: ignore[arg-type]
        [one] = alerts(store)
        assert names.cloud_resource(f"arn:aws:{arn}") in targets(store, one.ref, "ABOUT")


# -- our own JSON, and what cannot be read


def test_our_own_json_tells_all_in_one(tmp_path: Path) -> None:
    body = p.generic(
        ended_at=p.at(20), acknowledged_at=p.at(4), service="db", environment="prod", system="zabbix", severity=3
    )
    with filled(tmp_path, [body]) as store:
        [one] = alerts(store)
        assert one.properties["system"] == "zabbix"
        assert [entity(store, one.ref, as_of(m)).properties["state"] for m in (1, 5, 21)] == [
            "firing",
            "acknowledged",
            "resolved",
        ]
        [incident] = incidents(store)
        assert targets(store, one.ref, "PART_OF") == {incident.ref: {"rule": "service and environment"}}


def test_a_bad_alert_of_a_notification_is_set_aside_and_the_rest_is_read() -> None:
    bad = {**p.prometheus("Bad", 2), "startsAt": "whenever"}
    batches = read(p.alertmanager(p.prometheus("Good", 2), bad))
    [item] = [q for b in batches for q in b.quarantined]
    assert item.reason == "startsAt is no time"
    assert "alerts[1]" in item.locator
    assert any(
        getattr(a.fact, "ref", None) == alert("alertmanager", "good01", 2) for b in batches for a in b.assertions
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502</html>",
        b"{}",
        b"[1]x",
        b"\xff\xfe",
        b'"text"',
        p.sns("not json"),
        p.sns({"AlarmName": "x"}),
        p.opsgenie("Close", 5, updatedAt=0),
        p.opsgenie("Create", 5, createdAt=0),
        p.generic(started_at=""),
        p.generic(status="resolved"),
        b'{"event": {"event_type": "incident.triggered", "occurred_at": "?", "data": {"type": "incident"}}}',
        b'{"alerts": 5, "receiver": "x"}',
    ],
)
def test_what_is_no_payload_is_refused_in_one_sentence(body: bytes) -> None:
    with pytest.raises(SourceDataInvalid) as caught:
        read(body)
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_a_bad_setting_is_refused() -> None:
    with pytest.raises(SourceDataInvalid, match="settings"):
        read(p.generic(), services=["x"])


# -- order


ALL = (
    p.alertmanager(p.prometheus("HighErrors", 2, service="checkout", env="prod")),
    p.alertmanager(p.prometheus("HighErrors", 2, service="checkout", env="prod", annotations={"summary": "31%"})),
    p.alertmanager(
        p.prometheus("HighErrors", 2, service="checkout", env="prod"), p.prometheus("Slow", 58, service="checkout")
    ),
    p.alertmanager(
        p.prometheus("HighErrors", 2, 59, service="checkout", env="prod", annotations={"summary": "0%"}),
        p.prometheus("Slow", 58, service="checkout"),
        p.prometheus("Late", 62, service="search"),
    ),
    p.alertmanager(p.prometheus("Slow", 58, 70, service="checkout"), p.prometheus("Late", 62, 71, service="search")),
    p.alertmanager(p.prometheus("HighErrors", 80, service="checkout", env="prod")),
    p.grafana(p.prometheus("DiskFull", 3, instance="db-1")),
    p.grafana(p.prometheus("DiskFull", 3, 9, instance="db-1")),
    p.pagerduty("incident.triggered", 0),
    p.pagerduty("incident.priority_updated", 3, priority={"id": "P1", "summary": "P1"}, title="Checkout is down"),
    p.pagerduty("incident.acknowledged", 5, "acknowledged"),
    p.pagerduty_note(9, "see https://github.com/shop/api/pull/12"),
    p.pagerduty("incident.resolved", 30, "resolved"),
    p.opsgenie("Create", 0, description="consumer lag", details={"env": "prod"}),
    p.opsgenie("Acknowledge", 4),
    p.opsgenie("AddNote", 6, note="restarting"),
    p.opsgenie("Close", 20),
    p.sns(p.alarm("ALARM", 2)),
    p.sns(p.alarm("OK", 8)),
    p.sns(p.alarm("ALARM", 20)),
    p.sns(p.alarm("INSUFFICIENT_DATA", 24)),
    p.event_bridge("ALARM", 30, "OK", 8),
    p.event_bridge("OK", 34, "ALARM", 30),
    p.generic(service="db"),
    p.generic(service="db", ended_at=p.at(20)),
)


def known_now(store: GraphStore) -> list[str]:
    """Every fact as last known, without when it became known."""
    rows = [json.loads(line) for line in facts_of(list(store.dump()))]
    return [json.dumps({**row, "known_from": 0}) for row in rows if row.get("known_to") is None]


def test_any_order_and_any_number_of_the_same_deliveries_give_the_same_graph(tmp_path: Path) -> None:
    by_delivery = [read(body) for body in ALL]
    assert all(by_delivery)

    def dump(order: Sequence[int], name: str) -> list[str]:
        with fresh_store(tmp_path, name) as store:
            for index in order:
                for batch in by_delivery[index]:
                    store.apply(batch)
            return known_now(store)

    expected = dump(range(len(ALL)), "in-order")
    shuffled = random.Random(4)
    for number in range(200):
        order = [*range(len(ALL)), *shuffled.choices(range(len(ALL)), k=10)]
        shuffled.shuffle(order)
        assert dump(order, f"s{number}") == expected, order


def test_the_same_words_twice_are_the_same_batches_whenever_they_come() -> None:
    for body in ALL:
        early = read_webhook(Delivery("a", "", body, NOW, {}), {})
        late = read_webhook(Delivery("b", "", body, NOW + 5, {}), {})
        assert [b.id for b in early] == [b.id for b in late]
        assert len({b.id for b in early}) == len(early)
