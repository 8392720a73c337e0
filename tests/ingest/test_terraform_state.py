"""Reading Terraform states: what becomes a fact, and the rules of lineage and serial."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from graph.clock import Instant, rfc3339
from graph.model import Alias, Entity, EntityRef, FactBatch, Relation, Value, ref
from graph.store import ChangeQuery, GraphStore, Limits, View
from ingest.source import Source, SourceDataInvalid, SourceUnavailable
from ingest.sources.terraform_state.attributes import read_attributes
from ingest.sources.terraform_state.settings import TerraformStateSettings
from ingest.sources.terraform_state.source import TerraformStateSource
from ingest.sync import Retry, SyncReport, sync
from tests.contracts.source_contract import CANARY, KEY, NOW, SourceContract, fresh_store
from tests.ingest.terraform_states import DAY, OTHER, SHOP, T0, bucket, document, instance, put, resource, state

PUBLIC_VIEW = View()


def source(location: Path, **settings: object) -> TerraformStateSource:
    return TerraformStateSource(TerraformStateSettings(str(location), **settings))  # type: ignore[arg-type]


def read(store: GraphStore, src: Source, now: Instant = NOW) -> SyncReport:
    return sync(store, src, now, KEY, retry=Retry(attempts=1), processes="none")


def batches(src: Source, cursor: str | None = None, now: Instant = NOW) -> list[FactBatch]:
    return list(src.pull(cursor, now))


def entities(found: Sequence[FactBatch], kind: str) -> list[Entity]:
    return [a.fact for b in found for a in b.assertions if isinstance(a.fact, Entity) and a.fact.ref.kind == kind]


def relations(found: Sequence[FactBatch], type_: str) -> list[Relation]:
    return [a.fact for b in found for a in b.assertions if isinstance(a.fact, Relation) and a.fact.type == type_]


def aliases(found: Sequence[FactBatch]) -> set[tuple[str, str]]:
    return {(a.fact.scheme, a.fact.name) for b in found for a in b.assertions if isinstance(a.fact, Alias)}


def attributes(entity: Entity) -> Mapping[str, Value]:
    found = entity.properties["attributes"]
    assert isinstance(found, Mapping)
    return found


def changed(relation: Relation) -> dict[str, tuple[Value, Value]]:
    found = relation.properties["attributes"]
    assert isinstance(found, list)
    sides: dict[str, tuple[Value, Value]] = {}
    for item in found:
        assert isinstance(item, Mapping)
        sides[str(item["path"])] = (item["before"], item["after"])
    return sides


def resource_of(address: str, workspace: str = "default", lineage: str = SHOP) -> EntityRef:
    return ref("Resource", lineage, workspace, address)


def cursor_of(found: Sequence[FactBatch]) -> str:
    return [b.cursor for b in found if b.cursor][-1]


class TestContract(SourceContract):
    def recorded(self, directory: Path) -> Source:
        place = directory / "states"
        password = instance(
            {
                "id": "db-1",
                "username": "app",
                "password": CANARY,
                "connection": [{"dsn": f"postgres://app:{CANARY}@db/shop"}],
                "marked": CANARY,
                "user_data": f"#!/bin/sh\nexport DB_PASSWORD={CANARY}\n",
                "environment": [{"name": "API_TOKEN", "value": CANARY}],
                "tags": {"Name": "shop-db", "secret": CANARY},
            },
            sensitive=[[{"type": "get_attr", "value": "marked"}]],
        )
        password["private"] = CANARY
        old = state(
            resource("aws_db_instance.main", password),
            resource("random_password.db", instance({"result": CANARY, "id": "none"})),
            serial=4,
        )
        new = state(
            resource("aws_db_instance.main", password), resource("aws_s3_bucket.logs", bucket("shop-logs")), serial=5
        )
        put(place / "terraform.tfstate.backup", old, T0)
        put(place / "terraform.tfstate", new, T0 + DAY)
        put(place / "other" / "terraform.tfstate", state(resource("aws_s3_bucket.x", bucket("x")), lineage=OTHER), T0)
        put(place / "bad.tfstate", f'{{"version": 4, "lineage": "{CANARY}"'.encode(), T0)
        return source(place, name="shop", environments={"default": "prod"}, repository="shop/infra", directory="infra")

    def broken(self, directory: Path) -> Iterator[Source]:
        yield source(directory / "nowhere.tfstate")
        (directory / "empty").mkdir()
        yield source(directory / "empty")
        for i, data in enumerate(BROKEN.values()):
            yield source(put(directory / f"broken-{i}.tfstate", data))


def _with(**fields: Value) -> bytes:
    return json.dumps({**document(resource("aws_s3_bucket.a", bucket("a"))), **fields}).encode()


GOOD = state(resource("aws_s3_bucket.a", bucket("a")))
BROKEN: Mapping[str, bytes] = {
    "empty": b"",
    "blank": b" \n",
    "cut": GOOD[: len(GOOD) // 2],
    "not json": b"resource {}",
    "not utf-8": b'{"version": 4, "x": "\xff"}',
    "list": b"[]",
    "version 3": _with(version=3),
    "version 5": _with(version=5),
    "version true": _with(version=True),
    "no version": b'{"serial": 1}',
    "plan": b'{"format_version": "1.0", "values": {}}',
    "NaN": GOOD.replace(b'"force_destroy": false', b'"force_destroy": NaN'),
    "infinity": GOOD.replace(b'"force_destroy": false', b'"force_destroy": -Infinity'),
    "huge float": GOOD.replace(b'"force_destroy": false', b'"force_destroy": 1e999'),
    "huge integer": GOOD.replace(b'"force_destroy": false', b'"force_destroy": ' + b"9" * 5000),
    "huge serial": _with(serial=2**63),
    "duplicate key": GOOD.replace(b'"force_destroy": false', b'"force_destroy": false, "force_destroy": true'),
    "surrogate in a key": state(resource("aws_s3_bucket.a", bucket("a", key="\ud800"))),
    "surrogate in a name": state(resource("aws_s3_bucket.\udfff", bucket("a"))),
    "deep": b'{"version": 4, "a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "serial is text": _with(serial="1"),
    "negative serial": _with(serial=-1),
    "no lineage": _with(lineage=""),
    "lineage is a number": _with(lineage=7),
    "resources is a map": _with(resources={}),
    "attributes is a list": _with(resources=[resource("aws_s3_bucket.a", {"attributes": []})]),
    "unknown mode": _with(resources=[resource("aws_s3_bucket.a", mode="magic")]),
    "twice the same instance": state(resource("aws_s3_bucket.a", bucket("a"), bucket("b"))),
    "twice the same resource": state(resource("aws_s3_bucket.a"), resource("aws_s3_bucket.a")),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_state_is_refused_with_a_sentence_and_a_remedy_and_none_of_its_content(
    kind: str, tmp_path: Path
) -> None:
    file = put(tmp_path / "terraform.tfstate", BROKEN[kind])
    with pytest.raises(SourceDataInvalid) as caught:
        batches(source(file))
    assert str(caught.value).startswith("terraform.tfstate cannot be read: ")
    assert "\n" not in str(caught.value)
    assert "force_destroy" not in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_state_among_others_is_quarantined_and_the_others_are_read(kind: str, tmp_path: Path) -> None:
    put(tmp_path / "a" / "terraform.tfstate", BROKEN[kind])
    put(tmp_path / "b" / "terraform.tfstate", GOOD)
    found = batches(source(tmp_path))
    assert len(entities(found, "Resource")) == 1
    [item] = [q for b in found for q in b.quarantined]
    assert item.locator == "a/terraform.tfstate"


def test_two_workspaces_of_a_module_with_for_each_of_three_are_six_resources_and_staging_never_shows_as_prods(
    tmp_path: Path,
) -> None:
    def workspace(name: str, size: str, serial: int, lineage: str) -> None:
        buckets = [bucket(f"{name}-{key}", key=key, size=size) for key in ("a", "b", "c")]
        data = state(resource("aws_s3_bucket.store", *buckets, module="module.storage"), serial=serial, lineage=lineage)
        put(tmp_path / "terraform.tfstate.d" / name / "terraform.tfstate", data, T0 + serial * DAY)

    workspace("staging", "small", 1, OTHER)
    workspace("prod", "large", 1, SHOP)
    src = source(tmp_path, repository="shop/infra", directory="infra", modules={"module.storage": "modules/storage"})
    block = ref("Block", "shop/infra", "modules/storage", "aws_s3_bucket.store")
    with fresh_store(tmp_path, "store") as store:
        assert read(store, src).error is None
        declared = store.neighbours([block], PUBLIC_VIEW, Limits(), types=["DECLARES"], direction="out").items
        assert len(declared) == 6
        workspace("staging", "huge", 2, OTHER)
        assert read(store, src, NOW + 1).error is None
        for workspace_name, size in (("staging", "huge"), ("prod", "large")):
            page = store.select("Resource", {"environment": [workspace_name]}, PUBLIC_VIEW, Limits())
            assert len(page.items) == 3
            for item in page.items:
                found = item.properties["attributes"]
                assert isinstance(found, Mapping)
                assert found["size"] == size
        changes = store.changes(ChangeQuery(since=T0 + 2 * DAY), PUBLIC_VIEW, Limits()).items
        targets = {c.target for c in changes}
        assert targets == {resource_of(f'module.storage.aws_s3_bucket.store["{k}"]', "staging", OTHER) for k in "abc"}
        [environment] = {
            r.dst
            for c in changes
            for r in store.neighbours([c.change], PUBLIC_VIEW, Limits(), types=["REACHED"], direction="out").items
        }
        assert environment == ref("Environment", "staging")


def test_a_resource_says_what_the_state_says_under_all_its_names(tmp_path: Path) -> None:
    lb = instance(
        {
            "id": "arn:aws:elb:eu-west-1:123456789012:loadbalancer/app/api/1",
            "arn": "arn:aws:elb:eu-west-1:123456789012:loadbalancer/app/api/1",
            "name": "api",
            "dns_name": "api-1.elb.amazonaws.com",
            "internal": True,
            "ports": [80, 443],
            "access_logs": [{"bucket": "logs", "enabled": False}],
            "tags": {"Name": "public api", "kubernetes.io/name": "x"},
            "nothing": None,
            "no_list": [],
            "no_map": {},
        }
    )
    found = batches(source(put(tmp_path / "terraform.tfstate", state(resource("aws_lb.api", lb)))))
    [entity] = entities(found, "Resource")
    assert entity.ref == resource_of("aws_lb.api")
    assert entity.properties["type"] == "aws_lb"
    assert attributes(entity) == {
        "id": "arn:aws:elb:eu-west-1:123456789012:loadbalancer/app/api/1",
        "arn": "arn:aws:elb:eu-west-1:123456789012:loadbalancer/app/api/1",
        "name": "api",
        "dns_name": "api-1.elb.amazonaws.com",
        "internal": True,
        "ports": [80, 443],
        "access_logs[0].bucket": "logs",
        "access_logs[0].enabled": False,
        "tags.Name": "public api",
        'tags["kubernetes.io/name"]': "x",
    }
    assert {
        ("address", "aws_lb.api"),
        ("arn", "arn:aws:elb:eu-west-1:123456789012:loadbalancer/app/api/1"),
        ("name", "api"),
        ("name", "public api"),
        ("dns", "api-1.elb.amazonaws.com"),
    } < aliases(found)
    [locator] = {a.locator for b in found for a in b.assertions if a.fact is entity}
    assert locator == "terraform.tfstate@1#aws_lb.api"


def test_sensitive_private_and_known_secret_values_are_withheld(tmp_path: Path) -> None:
    one = instance(
        {
            "id": "x",
            "password": "hunter2hunter2",
            "nested": [{"deep": {"value": "marked-a", "other": "open"}}],
            "listed": ["marked-b", "c"],
            "manage_master_user_password": True,
            "secret_arn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf",
        },
        sensitive=[
            [
                {"type": "get_attr", "value": "nested"},
                {"type": "index", "value": {"value": 0, "type": "number"}},
                {"type": "get_attr", "value": "deep"},
                {"type": "get_attr", "value": "value"},
            ],
            [{"type": "get_attr", "value": "listed"}, {"type": "index", "value": {"value": 0, "type": "number"}}],
        ],
    )
    secret = resource("random_password.db", instance({"id": "none", "result": "r4ndom-r3sult", "length": 16}))
    found = batches(source(put(tmp_path / "terraform.tfstate", state(resource("aws_db_instance.main", one), secret))))
    text = repr(found)
    for gone in ("hunter2", "marked-a", "marked-b", "r4ndom", "eyJzY2hlbWFfdmVyc2lvbiI6IjEifQ", "output-secret"):
        assert gone not in text
    by_address = {str(e.properties["address"]): attributes(e) for e in entities(found, "Resource")}
    assert by_address["aws_db_instance.main"]["nested[0].deep.other"] == "open"
    assert by_address["aws_db_instance.main"]["manage_master_user_password"] is True
    assert str(by_address["aws_db_instance.main"]["secret_arn"]).startswith("arn:")
    assert by_address["random_password.db"]["length"] == 16


def test_an_unknown_form_of_sensitive_path_withholds_the_whole_instance(tmp_path: Path) -> None:
    one = instance({"id": "x", "thing": "perhaps-secret"}, sensitive=["thing"])
    found = batches(source(put(tmp_path / "terraform.tfstate", state(resource("x_y.z", one)))))
    assert "perhaps-secret" not in repr(found)
    assert [q for b in found for q in b.quarantined]


def test_a_broken_character_in_a_value_costs_that_value_only(tmp_path: Path) -> None:
    file = put(tmp_path / "terraform.tfstate", state(resource("aws_s3_bucket.a", bucket("a", note="bad \ud800"))))
    found = batches(source(file))
    [entity] = entities(found, "Resource")
    assert "note" not in attributes(entity)
    [item] = [q for b in found for q in b.quarantined]
    assert item.locator == "terraform.tfstate@1#aws_s3_bucket.a.note"


def test_an_integer_beyond_64_bits_is_read_as_a_float(tmp_path: Path) -> None:
    file = put(tmp_path / "terraform.tfstate", state(resource("aws_s3_bucket.a", bucket("a", big=10**30))))
    [entity] = entities(batches(source(file)), "Resource")
    assert attributes(entity)["big"] == 1e30


def test_a_dependency_means_the_instances_in_the_same_module_instance(tmp_path: Path) -> None:
    resources: list[Mapping[str, Value]] = [resource("aws_vpc.main", bucket("vpc"))]
    for key in ("a", "b"):
        module = f'module.net["{key}"]'
        resources += [
            resource("aws_subnet.s", bucket(f"{key}0", key=0), bucket(f"{key}1", key=1), module=module),
            resource(
                "aws_instance.i",
                instance({"id": key}, dependencies=["aws_vpc.main", "module.net.aws_subnet.s", "module.gone.x.y"]),
                module=module,
            ),
        ]
    resources.append(resource("aws_lb.lb", instance({"id": "lb"}, dependencies=["module.net.aws_subnet.s"])))
    found = batches(source(put(tmp_path / "terraform.tfstate", state(*resources))))
    edges = {(r.src, r.dst) for r in relations(found, "DEPENDS_ON")}
    in_a = resource_of('module.net["a"].aws_instance.i')
    assert {dst for src, dst in edges if src == in_a} == {
        resource_of("aws_vpc.main"),
        resource_of('module.net["a"].aws_subnet.s[0]'),
        resource_of('module.net["a"].aws_subnet.s[1]'),
    }
    assert len({dst for src, dst in edges if src == resource_of("aws_lb.lb")}) == 4


def test_a_data_source_is_marked_by_its_address_and_has_neither_names_of_its_own_nor_changes(tmp_path: Path) -> None:
    ami = resource("data.aws_ami.base", instance({"id": "ami-1"}), mode="data")
    put(tmp_path / "terraform.tfstate", state(ami, serial=1))
    src = source(tmp_path / "terraform.tfstate", repository="shop/infra")
    found = batches(src)
    [entity] = entities(found, "Resource")
    assert entity.properties["address"] == "data.aws_ami.base"
    assert aliases(found) == {("address", "data.aws_ami.base")}
    assert not relations(found, "CHANGED")
    assert [r.src for r in relations(found, "DECLARES")] == [ref("Block", "shop/infra", "", "data.aws_ami.base")]


def test_a_resource_of_a_module_whose_code_is_not_known_is_not_tied_to_code(tmp_path: Path) -> None:
    file = put(
        tmp_path / "terraform.tfstate", state(resource("aws_s3_bucket.a", bucket("a"), module="module.x.module.y[0]"))
    )
    assert not relations(batches(source(file, repository="shop/infra")), "DECLARES")
    [declares] = relations(
        batches(source(file, repository="shop/infra", modules={"module.x.module.y": "m/y/"})), "DECLARES"
    )
    assert declares.src == ref("Block", "shop/infra", "m/y", "aws_s3_bucket.a")


def test_places_are_mapped_by_the_longest_path_before_the_workspace() -> None:
    settings = TerraformStateSettings(
        "x", environments={"envs/prod": "prod", "envs": "other", "default": "base", "*": "rest"}
    )
    assert settings.environment("envs/prod/terraform.tfstate", "default") == "prod"
    assert settings.environment("envs/production/terraform.tfstate", "default") == "other"
    assert settings.environment("terraform.tfstate", "default") == "base"
    assert settings.environment("terraform.tfstate", "blue") == "rest"
    assert TerraformStateSettings("x").environment("a", "blue") == "blue"
    assert TerraformStateSettings("x").environment("a", "default") is None


# -- through time


def _serial(
    directory: Path,
    serial: int,
    *names: str,
    at: Instant | None = None,
    name: str = "terraform.tfstate",
    **extra: str,
) -> Path:
    resources = [resource(f"aws_s3_bucket.{n}", bucket(n, **extra)) for n in names]
    return put(directory / name, state(*resources, serial=serial), T0 + serial * DAY if at is None else at)


def test_the_next_serial_says_what_was_created_updated_and_deleted(tmp_path: Path) -> None:
    _serial(tmp_path, 3, "a", "b", acl="private", name="terraform.tfstate.backup")
    _serial(tmp_path, 4, "b", "c", acl="public")
    found = batches(source(tmp_path))
    assert [b.snapshot.generation for b in found if b.snapshot] == [3, 4]
    changes = {r.dst: r for r in relations(found, "CHANGED")}
    assert {dst: r.properties["effect"] for dst, r in changes.items()} == {
        resource_of("aws_s3_bucket.a"): "deleted",
        resource_of("aws_s3_bucket.b"): "updated",
        resource_of("aws_s3_bucket.c"): "created",
    }
    assert changed(changes[resource_of("aws_s3_bucket.b")]) == {
        "acl": ({"state": "value", "value": "private"}, {"state": "value", "value": "public"})
    }
    assert {r.src for r in changes.values()} == {ref("StateVersion", SHOP, "default", "4")}
    assert [e.properties["serial"] for e in entities(found, "StateVersion")] == [3, 4]


def test_the_first_serial_read_claims_no_creation_unless_it_is_the_states_first(tmp_path: Path) -> None:
    assert not relations(batches(source(_serial(tmp_path, 7, "a"))), "CHANGED")
    [created] = relations(batches(source(_serial(tmp_path, 1, "a"))), "CHANGED")
    assert created.properties["effect"] == "created"


def test_between_pulls_a_change_is_told_with_an_unknown_before(tmp_path: Path) -> None:
    file = _serial(tmp_path, 3, "a", "b", acl="private")
    src = source(file, digest_key="k")
    cursor = cursor_of(batches(src))
    assert "private" not in cursor
    _serial(tmp_path, 5, "b", "c", acl="public", added="x")
    changes = {r.dst: r for r in relations(batches(src, cursor), "CHANGED")}
    assert {dst: r.properties["effect"] for dst, r in changes.items()} == {
        resource_of("aws_s3_bucket.a"): "deleted",
        resource_of("aws_s3_bucket.b"): "updated",
        resource_of("aws_s3_bucket.c"): "created",
    }
    assert changed(changes[resource_of("aws_s3_bucket.b")]) == {
        "acl": ({"state": "unknown"}, {"state": "value", "value": "public"}),
        "added": ({"state": "absent"}, {"state": "value", "value": "x"}),
    }


def test_between_pulls_the_before_is_known_when_the_backup_still_holds_it(tmp_path: Path) -> None:
    _serial(tmp_path, 3, "a", acl="private")
    src = source(tmp_path)
    cursor = cursor_of(batches(src))
    _serial(tmp_path, 3, "a", acl="private", name="terraform.tfstate.backup", at=T0 + 4 * DAY - 5)
    _serial(tmp_path, 4, "a", acl="public")
    [change] = relations(batches(src, cursor), "CHANGED")
    assert changed(change) == {"acl": ({"state": "value", "value": "private"}, {"state": "value", "value": "public"})}


@pytest.mark.parametrize("key", ["", "k"])
def test_a_rotated_secret_is_a_change_only_with_a_key_and_its_value_is_never_told(key: str, tmp_path: Path) -> None:
    def rotate(serial: int, password: str) -> None:
        put(
            tmp_path / "terraform.tfstate",
            state(resource("aws_db_instance.db", instance({"id": "db", "password": password})), serial=serial),
            T0 + serial,
        )

    rotate(3, "first-one-1")
    src = source(tmp_path / "terraform.tfstate", digest_key=key)
    cursor = cursor_of(batches(src))
    rotate(4, "second-one-2")
    found = batches(src, cursor)
    assert "second-one" not in repr(found)
    assert len(relations(found, "CHANGED")) == (1 if key else 0)
    if key:
        [(before, after)] = changed(relations(found, "CHANGED")[0]).values()
        assert isinstance(after, Mapping)
        assert before == {"state": "unknown"}
        assert after["state"] == "redacted"


def test_a_destroyed_state_ends_everything_it_held_and_keeps_its_past(tmp_path: Path) -> None:
    file = _serial(tmp_path, 3, "a")
    src = source(file)
    with fresh_store(tmp_path, "store") as store:
        read(store, src)
        _serial(tmp_path, 4)
        assert read(store, src).error is None
        gone = ref("Resource", SHOP, "default", "aws_s3_bucket.a")
        assert store.entity(gone, PUBLIC_VIEW) is None
        assert store.entity(gone, View(as_of=T0 + 3 * DAY)) is not None
        [change] = store.changes(ChangeQuery(targets=[gone]), PUBLIC_VIEW, Limits()).items
        assert change.properties["effect"] == "deleted"
        assert rfc3339(change.at) == rfc3339(T0 + 4 * DAY)


def test_changes_of_older_serials_are_still_told_after_newer_snapshots(tmp_path: Path) -> None:
    with fresh_store(tmp_path, "store") as store:
        for serial in range(1, 5):
            src = source(_serial(tmp_path, serial, "a", acl=f"v{serial}"))
            assert read(store, src, NOW + serial).error is None
        changes = store.changes(
            ChangeQuery(targets=[ref("Resource", SHOP, "default", "aws_s3_bucket.a")]), PUBLIC_VIEW, Limits()
        ).items
        assert [c.properties["effect"] for c in changes] == ["updated", "updated", "updated", "created"]


def test_a_rollback_to_a_lower_serial_is_ignored_and_noted(tmp_path: Path) -> None:
    src = source(_serial(tmp_path, 7, "a"))
    cursor = cursor_of(batches(src))
    _serial(tmp_path, 6, "b", at=T0 + 9 * DAY)
    found = batches(src, cursor)
    assert not entities(found, "Resource")
    [note] = [q for b in found for q in b.quarantined]
    assert "rollback is ignored" in note.reason


def test_the_same_serial_with_other_bytes_is_a_conflict(tmp_path: Path) -> None:
    src = source(_serial(tmp_path, 7, "a"))
    with fresh_store(tmp_path, "store") as store:
        assert read(store, src).error is None
        _serial(tmp_path, 7, "b")
        report = read(store, src)
        assert isinstance(report.error, SourceDataInvalid)
        assert "serial 7" in str(report.error)
        assert report.error.hint
        assert report.quarantined == 1
        assert store.entity(ref("Resource", SHOP, "default", "aws_s3_bucket.b"), PUBLIC_VIEW) is None
        assert store.entity(ref("Resource", SHOP, "default", "aws_s3_bucket.a"), PUBLIC_VIEW) is not None


def test_a_conflict_between_two_files_takes_neither_and_the_other_states_are_read(tmp_path: Path) -> None:
    _serial(tmp_path, 7, "a", name="one/terraform.tfstate")
    _serial(tmp_path, 7, "b", name="two/terraform.tfstate")
    put(tmp_path / "three" / "terraform.tfstate", state(resource("aws_s3_bucket.c", bucket("c")), lineage=OTHER))
    with fresh_store(tmp_path, "store") as store:
        assert isinstance(read(store, source(tmp_path)).error, SourceDataInvalid)
        assert store.status().entities["Resource"] == 1


def test_another_lineage_at_the_same_place_asks_and_is_taken_when_accepted(tmp_path: Path) -> None:
    file = _serial(tmp_path, 7, "a")
    old, new = ref("Resource", SHOP, "default", "aws_s3_bucket.a"), ref("Resource", OTHER, "default", "aws_s3_bucket.b")
    with fresh_store(tmp_path, "store") as store:
        assert read(store, source(file)).error is None
        put(file, state(resource("aws_s3_bucket.b", bucket("b")), serial=2, lineage=OTHER), T0 + 9 * DAY)
        report = read(store, source(file))
        assert isinstance(report.error, SourceDataInvalid)
        assert "accept_lineage" in report.error.hint
        assert OTHER in report.error.hint
        assert store.entity(new, PUBLIC_VIEW) is None
        assert store.entity(old, PUBLIC_VIEW) is not None
        assert read(store, source(file, accept_lineage=(OTHER,)), NOW + 1).error is None
        assert store.entity(new, PUBLIC_VIEW) is not None
        assert store.entity(old, PUBLIC_VIEW) is None, "its place belongs to another now"
        assert store.entity(old, View(as_of=T0 + 8 * DAY)) is not None
        assert read(store, source(file), NOW + 2).error is None, "once accepted it needs no setting"


def test_a_copy_with_a_wrong_file_time_keeps_the_order_of_serials(tmp_path: Path) -> None:
    _serial(tmp_path, 3, "a", name="x.tfstate.backup", at=T0 + 9 * DAY)
    _serial(tmp_path, 4, "b", name="x.tfstate", at=T0 + 8 * DAY)
    src = source(tmp_path)
    found = batches(src)
    times = [b.snapshot.taken_at for b in found if b.snapshot]
    assert times == [T0 + 8 * DAY - 1, T0 + 8 * DAY]
    _serial(tmp_path, 5, "c", name="x.tfstate", at=T0)
    [later] = [b.snapshot.taken_at for b in batches(src, cursor_of(found)) if b.snapshot]
    assert later == T0 + 8 * DAY + 1


def test_a_stated_time_counts_before_the_files(tmp_path: Path) -> None:
    file = _serial(tmp_path, 3, "a")
    [found] = [
        b.snapshot for b in batches(source(file, taken_at={"terraform.tfstate": "2025-12-24T18:00:00Z"})) if b.snapshot
    ]
    assert rfc3339(found.taken_at) == "2025-12-24T18:00:00Z"
    with pytest.raises(SourceDataInvalid, match="is no time"):
        batches(source(file, taken_at={"terraform.tfstate": "yesterday"}))


def test_other_settings_tell_the_newest_version_again(tmp_path: Path) -> None:
    file = _serial(tmp_path, 3, "a")
    resource_ref = ref("Resource", SHOP, "default", "aws_s3_bucket.a")
    with fresh_store(tmp_path, "store") as store:
        assert read(store, source(file)).error is None
        assert read(store, source(file, environments={"default": "prod"}), NOW + 1).error is None
        found = store.entity(resource_ref, PUBLIC_VIEW)
        assert found is not None
        assert found.properties["environment"] == "prod"
        assert read(store, source(file, environments={"default": "prod"}), NOW + 2).assertions == 0


def test_a_touched_file_of_unchanged_bytes_states_nothing(tmp_path: Path) -> None:
    src = source(_serial(tmp_path, 3, "a"))
    cursor = cursor_of(batches(src))
    _serial(tmp_path, 3, "a", at=T0 + 20 * DAY)
    assert not [a for b in batches(src, cursor) for a in b.assertions]


def test_backend_settings_and_the_git_directory_are_no_states(tmp_path: Path) -> None:
    put(tmp_path / ".terraform" / "terraform.tfstate", _with(version=3))
    put(tmp_path / ".git" / "x.tfstate", GOOD)
    put(tmp_path / "terraform.tfstate", GOOD)
    found = batches(source(tmp_path))
    assert len(entities(found, "Resource")) == 1
    assert not [q for b in found for q in b.quarantined]


def test_a_file_that_changes_while_it_is_read_is_tried_again(tmp_path: Path) -> None:
    _serial(tmp_path, 3, "a", name="one.tfstate")
    put(tmp_path / "two.tfstate", state(serial=1, lineage=OTHER))
    pulled = source(tmp_path).pull(None, NOW)
    next(pulled)
    put(tmp_path / "one.tfstate", state(serial=4))
    put(tmp_path / "two.tfstate", state(serial=2, lineage=OTHER))
    with pytest.raises(SourceUnavailable, match="while it was read"):
        list(pulled)


def test_a_deposed_object_is_told_apart_from_the_one_that_replaced_it(tmp_path: Path) -> None:
    one = resource("aws_instance.i", instance({"id": "i-new"}), instance({"id": "i-old"}, deposed="00c0ffee"))
    found = batches(source(put(tmp_path / "terraform.tfstate", state(one))))
    assert {str(e.properties["address"]) for e in entities(found, "Resource")} == {
        "aws_instance.i",
        "aws_instance.i (deposed 00c0ffee)",
    }


def test_a_foreign_cursor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceDataInvalid, match="cursor"):
        batches(source(_serial(tmp_path, 3, "a")), '{"states": 1}')


def test_the_output_of_terraform_data_is_as_sensitive_as_the_input_that_it_copies() -> None:
    attributes = {"id": "1", "input": {"value": "hush-hush", "type": "string"}, "output": {"value": "hush-hush"}}
    marked = [[{"type": "get_attr", "value": "input"}]]
    read = read_attributes("terraform_data", attributes, marked)
    assert "hush-hush" not in repr(read.values)
    assert read.values["id"] == "1"
    assert read_attributes("terraform_data", attributes, []).values["output.value"] == "hush-hush"
