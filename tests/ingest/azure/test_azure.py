"""Azure from files: rows of Resource Graph become resources, the records of an operation one audit event."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from pathlib import Path

import pytest

from graph.clock import SECOND, Instant, instant
from graph.model import Entity, EntityRef, FactBatch, Relation, Value
from graph.store import ChangeQuery, GraphStore, Limits, View
from ingest import names
from ingest.source import Source
from ingest.sources.azure.ids import terraform_type, type_of
from ingest.sources.azure.source import AzureSettings, AzureSource
from ingest.sync import Retry, SyncReport, sync
from tests.contracts.source_contract import CANARY, KEY, NOW, SourceContract, fresh_store

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop-prod"
VM = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/web-1"
NIC = f"{GROUP}/providers/Microsoft.Network/networkInterfaces/web-1-nic"
RULE = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/web/securityRules/allow"
WRITE = "Microsoft.Network/networkSecurityGroups/securityRules/write"


def row(resource_id: str, /, **fields: Value) -> dict[str, Value]:
    """A row of the table `resources`."""
    return {
        "id": resource_id,
        "name": resource_id.rpartition("/")[2],
        "type": type_of(resource_id),
        "location": "westeurope",
        "resourceGroup": "shop-prod",
        "subscriptionId": SUBSCRIPTION,
        "tenantId": "t",
        "kind": "",
        "tags": None,
        "properties": {},
        **fields,
    }


def vm(**properties: Value) -> dict[str, Value]:
    told: dict[str, Value] = {
        "provisioningState": "Succeeded",
        "timeCreated": "2026-04-01T00:00:00Z",
        "hardwareProfile": {"vmSize": "Standard_B2s"},
        "networkProfile": {"networkInterfaces": [{"id": NIC, "properties": {"primary": True}}]},
        **properties,
    }
    return row(VM, properties=told, tags={"Environment": "Production", "team": "shop"})


def record(status: str, at: str, resource: str = RULE, operation: str = WRITE, /, **fields: Value) -> dict[str, Value]:
    """A record as `az monitor activity-log list` prints it."""
    return {
        "authorization": {"action": operation, "scope": resource},
        "caller": "Ann@Example.com",
        "category": {"value": "Administrative", "localizedValue": "Administrative"},
        "claims": {"name": "Ann Berg", "appid": "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "idtyp": "user"},
        "correlationId": "c-1",
        "eventDataId": f"e-{status}",
        "eventTimestamp": f"2026-05-02T{at}:00.1234567Z",
        "httpRequest": {"clientIpAddress": "203.0.113.9", "method": "PUT"},
        "operationId": "o-1",
        "operationName": {"value": operation, "localizedValue": "Create or Update Security Rule"},
        "resourceId": resource,
        "status": {"value": status, "localizedValue": status},
        "subStatus": {"value": "OK" if status == "Succeeded" else ""},
        "subscriptionId": SUBSCRIPTION,
        **fields,
    }


def started(at: str = "10:00", /, port: str = "22", **fields: Value) -> dict[str, Value]:
    body = {"properties": {"access": "Allow", "destinationPortRange": port, "parameters": {"x": {"value": "hidden"}}}}
    return record("Started", at, properties={"requestbody": json.dumps(body)}, **fields)


def put(file: Path, *records: Mapping[str, Value], **wrapper: Value) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"data": records, **wrapper} if wrapper else records))
    return file


def source(path: Path, **settings: object) -> AzureSource:
    return AzureSource(AzureSettings(str(path), **settings))  # type: ignore[arg-type]


def batches(src: Source, cursor: str | None = None, now: Instant = NOW) -> list[FactBatch]:
    return list(src.pull(cursor, now))


def read(store: GraphStore, src: Source, now: Instant = NOW) -> SyncReport:
    return sync(store, src, now, KEY, retry=Retry(attempts=1), processes="none")


def properties(store: GraphStore, this: EntityRef) -> Mapping[str, Value]:
    found = store.entity(this, View())
    assert found is not None
    return found.properties


def mapping(value: Value) -> Mapping[str, Value]:
    assert isinstance(value, Mapping)
    return value


def changes(found: Sequence[FactBatch]) -> dict[EntityRef, Relation]:
    facts = [a.fact for b in found for a in b.assertions]
    return {f.dst: f for f in facts if isinstance(f, Relation) and f.type == "CHANGED"}


class TestContract(SourceContract):
    def recorded(self, directory: Path) -> Source:
        place = directory / "exports"
        secret = vm(
            osProfile={"customData": CANARY, "adminPassword": CANARY, "computerName": "web-1"},
            userData=CANARY,
        )
        secrets = [
            row(f"{GROUP}/providers/Microsoft.KeyVault/vaults/v/secrets/s", properties={"value": CANARY}),
            row(
                f"{GROUP}/providers/Microsoft.Web/sites/api",
                properties={"siteConfig": {"appSettings": [{"name": "X", "value": CANARY}]}},
            ),
            row(
                f"{GROUP}/providers/Microsoft.ContainerInstance/containerGroups/c",
                properties={
                    "containers": [
                        {
                            "properties": {
                                "environmentVariables": [{"name": "X", "secureValue": CANARY, "value": CANARY}]
                            }
                        }
                    ]
                },
            ),
            row(f"{GROUP}/providers/Microsoft.Cache/Redis/r", properties={"accessKeys": {"primaryKey": CANARY}}),
        ]
        put(place / "resources-2026-05-01.json", secret, *secrets)
        put(place / "resources-2026-05-03.json", vm(hardwareProfile={"vmSize": "Standard_B4s"}), total_records=1)
        body = {"properties": {"parameters": {"p": {"value": CANARY}}, "connectionString": CANARY, "access": "Allow"}}
        begin = record("Started", "10:00", properties={"requestbody": json.dumps(body)})
        settings = f"{GROUP}/providers/Microsoft.Web/sites/api/config/appsettings"
        app = record(
            "Succeeded",
            "11:00",
            settings,
            "Microsoft.Web/sites/config/write",
            properties={"requestbody": json.dumps({"properties": {"X": CANARY}}), "responseBody": CANARY},
            claims={"uti": CANARY, "name": "Ann"},
        )
        run = record(
            "Succeeded",
            "12:00",
            VM,
            "Microsoft.Compute/virtualMachines/runCommand/action",
            properties={"requestbody": json.dumps({"commandId": "RunShellScript", "script": [CANARY]})},
        )
        put(place / "activity.json", run, begin, record("Succeeded", "10:01"), app)
        (place / "broken.jsonl").write_text(f'{{"operationName": "{CANARY}"}}\n{{"id": "{CANARY}"\n')
        return source(place)

    def broken(self, directory: Path) -> Iterator[Source]:
        yield source(directory / "nowhere")
        yield AzureSource(AzureSettings("https://shop.blob.core.windows.net/insights"))
        (directory / "empty").mkdir()
        yield source(directory / "empty")
        page = directory / "page.json"
        page.write_text("<!doctype html>\n<html></html>")
        yield source(page)
        yield source(put(directory / "other.json", {"hello": "world"}))


# -- resources


def test_a_row_is_a_resource_under_its_id_whatever_its_case(tmp_path: Path) -> None:
    put(tmp_path / "e" / "resources.json", vm(), row(NIC, properties={"ipConfigurations": []}))
    with fresh_store(tmp_path, "store") as store:
        assert read(store, source(tmp_path / "e")).error is None
        told = properties(store, names.cloud_resource(VM.upper().replace("/SUBSCRIPTIONS", "/subscriptions")))
        assert {
            k: told[k] for k in ("type", "name", "account_id", "region", "environment", "status", "created_at")
        } == {
            "type": "azurerm_virtual_machine",
            "name": "web-1",
            "account_id": SUBSCRIPTION,
            "region": "westeurope",
            "environment": "prod",
            "status": "Succeeded",
            "created_at": "2026-04-01T00:00:00Z",
        }
        assert mapping(told["attributes"])["hardwareProfile.vmSize"] == "Standard_B2s"
        for name in ("web-1", VM, VM.lower()):
            assert names.cloud_resource(VM) in {a.ref for a in store.resolve_alias(name, View(), Limits()).items}
        edges = store.neighbours([names.cloud_resource(VM)], View(), Limits(), direction="out").items
        assert {(r.type, r.dst) for r in edges} == {
            ("DEPENDS_ON", names.cloud_resource(NIC)),
            ("PART_OF", names.cloud_account("azure", SUBSCRIPTION)),
            ("RUNS_IN", names.environment("prod")),
        }


def test_a_place_tells_the_environment_where_no_tag_does(tmp_path: Path) -> None:
    put(tmp_path / "e" / "r.json", row(NIC))
    for environments in (
        {"SHOP-prod": "live"},
        {SUBSCRIPTION: "prod"},
        {f"{SUBSCRIPTION}/shop-prod": "prod", "shop-prod": "x"},
    ):
        found = batches(source(tmp_path / "e", environments=environments))
        [one] = [
            a.fact for b in found for a in b.assertions if isinstance(a.fact, Entity) and a.fact.ref.kind == "Resource"
        ]
        assert one.properties["environment"] == "prod"


def test_what_a_later_result_does_not_list_is_gone_but_not_after_one_page(tmp_path: Path) -> None:
    place = tmp_path / "e"
    put(place / "resources.json", vm(), row(NIC))
    with fresh_store(tmp_path, "store") as store:
        read(store, source(place))
        put(place / "resources.json", vm(hardwareProfile={"vmSize": "Standard_B4s"}), skip_token="more")
        report = read(store, source(place), NOW + SECOND)
        assert report.quarantined == 1
        assert store.entity(names.cloud_resource(NIC), View()) is not None
        put(place / "resources.json", vm(), skip_token=None)
        read(store, source(place), NOW + 2 * SECOND)
        assert store.entity(names.cloud_resource(NIC), View()) is None
        assert store.entity(names.cloud_resource(NIC), View(as_of=NOW + SECOND)) is not None
        assert store.entity(names.cloud_resource(VM), View()) is not None


# -- the activity log


def test_the_records_of_an_operation_are_one_event_that_changed_its_resource_when_it_succeeded(tmp_path: Path) -> None:
    put(tmp_path / "e" / "activity.json", record("Succeeded", "10:02"), started(), record("Accepted", "10:01"))
    put(tmp_path / "e" / "rules.json", row(RULE))
    with fresh_store(tmp_path, "store") as store:
        assert read(store, source(tmp_path / "e")).error is None
        [event] = store.select("AuditEvent", {}, View(), Limits()).items
        told = {k: event.properties[k] for k in ("action", "via", "source_ip", "account_id", "event_id")}
        assert told == {
            "action": WRITE,
            "via": "cli",
            "source_ip": "203.0.113.9",
            "account_id": SUBSCRIPTION,
            "event_id": "c-1",
        }
        [change] = store.changes(ChangeQuery(targets=[names.cloud_resource(RULE)]), View(), Limits()).items
        assert change.at // SECOND == instant("2026-05-02T10:02:00Z") // SECOND
        assert change.properties == {
            "effect": "updated",
            "attributes": [
                {
                    "path": "properties.access",
                    "before": {"state": "unknown"},
                    "after": {"state": "value", "value": "Allow"},
                },
                {
                    "path": "properties.destinationPortRange",
                    "before": {"state": "unknown"},
                    "after": {"state": "value", "value": "22"},
                },
            ],
        }
        ann = names.account("azure", "ann@example.com")
        assert properties(store, ann)["name"] == "Ann Berg"
        assert store.changes(ChangeQuery(by=[ann]), View(), Limits()).items == (change,)


def test_a_failed_operation_changed_nothing_and_tells_why(tmp_path: Path) -> None:
    message = json.dumps({"error": {"code": "AuthorizationFailed", "message": "no"}})
    put(tmp_path / "e" / "a.json", started(), record("Failed", "10:02", properties={"statusMessage": message}))
    with fresh_store(tmp_path, "store") as store:
        read(store, source(tmp_path / "e"))
        [event] = store.select("AuditEvent", {}, View(), Limits()).items
        assert event.properties["error"] == "AuthorizationFailed"
        assert event.properties["action"] == WRITE
        assert not store.changes(ChangeQuery(), View(), Limits()).items


@pytest.mark.parametrize("port", [str(number) for number in range(22, 28)])
def test_records_that_lie_in_several_files_in_any_order_make_the_same_event(port: str, tmp_path: Path) -> None:
    begin, accepted, done = started(port=port), record("Accepted", "10:01"), record("Succeeded", "10:02")
    files = ([begin], [accepted, done], [begin, done])
    seen: set[str] = set()
    for number, order in enumerate(permutations(range(3))):
        with fresh_store(tmp_path, f"store-{number}") as store:
            for at, index in enumerate(order):
                put(tmp_path / f"e-{number}" / f"{index}.json", *files[index])
                read(store, source(tmp_path / f"e-{number}"), NOW + at)
            [event] = store.select("AuditEvent", {}, View(), Limits()).items
            [change] = store.changes(ChangeQuery(), View(), Limits()).items
            assert change.properties["attributes"], "the file that holds the request counts more"
            seen.add(repr((sorted(event.properties.items()), change.at, change.properties)))
    assert len(seen) == 1


def test_what_diagnostic_settings_write_is_read_as_the_same_event(tmp_path: Path) -> None:
    written: dict[str, Value] = {
        "time": "2026-05-02T10:02:00.1234567Z",
        "resourceId": RULE.upper(),
        "operationName": WRITE.upper(),
        "category": "Administrative",
        "resultType": "Success",
        "resultSignature": "Succeeded.Created",
        "callerIpAddress": "203.0.113.9",
        "correlationId": "c-1",
        "identity": {"claims": {"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name": "ann@example.com"}},
        "properties": {"statusCode": "Created"},
    }
    place = tmp_path / "insights" / "PT1H.json"
    place.parent.mkdir()
    place.write_text(json.dumps(written) + "\n" + json.dumps({**written, "resultType": "Start"}) + "\n")
    found = batches(source(tmp_path / "insights"))
    [change] = changes(found).values()
    listed = batches(source(put(tmp_path / "listed" / "a.json", started(), record("Succeeded", "10:02")).parent))
    [other] = changes(listed).values()
    assert (change.src, change.dst) == (other.src, other.dst)
    assert change.properties["effect"] == "created"


@pytest.mark.parametrize(
    ("operation", "category", "told"),
    [
        ("Microsoft.Compute/virtualMachines/restart/action", "Administrative", "updated"),
        ("Microsoft.Compute/virtualMachines/delete", "Administrative", "deleted"),
        ("Microsoft.Storage/storageAccounts/listKeys/action", "Administrative", None),
        ("Microsoft.Compute/virtualMachines/read", "Administrative", None),
        ("Microsoft.Insights/AutoscaleSettings/Scaleup/Action", "Autoscale", "updated"),
        ("Microsoft.Resourcehealth/healthevent/Activated/action", "ResourceHealth", None),
    ],
)
def test_operations_that_change_something_are_told(
    operation: str, category: str, told: str | None, tmp_path: Path
) -> None:
    place = put(tmp_path / "a.json", record("Succeeded", "10:02", VM, operation, category={"value": category}))
    found = [c.properties["effect"] for c in changes(batches(source(place))).values()]
    assert found == ([told] if told else [])


def test_an_application_is_a_machine(tmp_path: Path) -> None:
    principal = "99999999-0000-0000-0000-000000000000"
    place = put(
        tmp_path / "a.json", record("Succeeded", "10:02", caller=principal, claims={"appid": "x", "idtyp": "app"})
    )
    accounts = [
        a.fact
        for b in batches(source(place))
        for a in b.assertions
        if isinstance(a.fact, Entity) and a.fact.ref == names.account("azure", principal)
    ]
    assert accounts
    assert accounts[0].properties["bot"] is True


def test_wrong_records_are_set_aside(tmp_path: Path) -> None:
    bad: list[dict[str, Value]] = [
        {**record("Succeeded", "10:00"), "eventTimestamp": "never"},
        {**record("Succeeded", "10:00"), "correlationId": 5},
        {"id": "x", "type": "y"},
        {"id": VM, "type": "y", "properties": []},
        {"operationName": "x/write"},
    ]
    place = put(tmp_path / "a.json", vm(), *bad)
    assert [q.locator for b in batches(source(place)) for q in b.quarantined] == [f"a.json[{n}]" for n in range(1, 6)]


@pytest.mark.parametrize(
    ("resource_id", "type_"),
    [
        (VM, "azurerm_virtual_machine"),
        (RULE, "azurerm_network_security_rule"),
        (GROUP, "azurerm_resource_group"),
        (f"{VM}/providers/Microsoft.Insights/diagnosticSettings/d", "microsoft.insights/diagnosticsettings"),
    ],
)
def test_an_id_tells_its_type(resource_id: str, type_: str) -> None:
    assert terraform_type(type_of(resource_id)) == type_
