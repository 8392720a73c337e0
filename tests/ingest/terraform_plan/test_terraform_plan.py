"""Plans as JSON: what they say they would change, and what they must not tell."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from graph.clock import instant, rfc3339
from graph.model import Entity, EntityRef, FactBatch, Passage, Relation, Value, ref
from graph.store import View
from ingest import names
from ingest.source import Source, SourceDataInvalid
from ingest.sources.terraform_plan.source import TerraformPlanSettings, TerraformPlanSource
from tests.contracts.source_contract import CANARY, NOW, SourceContract, fresh_store

ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener-rule/app/web/1/2/3"
RULE = "aws_lb_listener_rule.api"


def source(path: Path, **settings: object) -> TerraformPlanSource:
    told = {"repository": "acme/infra", "directory": "envs/prod", **settings}
    return TerraformPlanSource(TerraformPlanSettings(str(path), **told))  # type: ignore[arg-type]


def change(
    address: str, actions: Sequence[str], before: Value = None, after: Value = None, **more: Value
) -> dict[str, Value]:
    sides = {name: more.pop(name) for name in ("after_unknown", "before_sensitive", "after_sensitive") if name in more}
    last = address.rpartition("module.")[2].split("[")[0].split(".")
    return {
        "address": address,
        "mode": "managed",
        "type": last[-2],
        "name": last[-1],
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "change": {"actions": list(actions), "before": before, "after": after, **sides},
        **more,
    }


def plan(*changes: Mapping[str, Value], **more: Value) -> dict[str, Value]:
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "variables": {"password": {"value": CANARY}},
        "planned_values": {"outputs": {"dsn": {"value": CANARY}}},
        "prior_state": {"values": CANARY},
        "output_changes": {"dsn": {"after": CANARY}},
        "resource_drift": [change("aws_s3_bucket.drifted", ["update"], {"acl": "a"}, {"acl": "b"})],
        "resource_changes": list(changes),
        "configuration": {"root_module": {}},
        "timestamp": "2026-05-04T13:00:00Z",
        "applyable": True,
        "complete": True,
        "errored": False,
        **more,
    }


def written(directory: Path, document: object, name: str = "plan.json") -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(json.dumps(document))
    return directory


def read(directory: Path, document: object, **settings: object) -> list[FactBatch]:
    return list(source(written(directory / "plans", document), **settings).pull(None, NOW))


def plans(found: Sequence[FactBatch]) -> list[Entity]:
    return [a.fact for b in found for a in b.assertions if isinstance(a.fact, Entity) and a.fact.ref.kind == "Plan"]


def planned(found: Sequence[FactBatch]) -> dict[tuple[EntityRef, str], Mapping[str, Value]]:
    told = [a.fact for b in found for a in b.assertions if isinstance(a.fact, Relation) and a.fact.type == "PLANS"]
    return {(r.dst, r.discriminator): r.properties for r in told}


def block(address: str, directory: str = "envs/prod") -> EntityRef:
    return ref("Block", "acme/infra", directory, address)


def sides(properties: Mapping[str, Value]) -> dict[str, tuple[Value, Value]]:
    found = properties["attributes"]
    assert isinstance(found, list)
    told: dict[str, tuple[Value, Value]] = {}
    for item in found:
        assert isinstance(item, Mapping)
        told[str(item["path"])] = (item["before"], item["after"])
    return told


def value(told: Value) -> Value:
    return {"state": "value", "value": told}


UPDATE = change(
    RULE,
    ["update"],
    {"arn": ARN, "priority": 10, "token": CANARY, "tags": {"a": "1"}},
    {"arn": ARN, "priority": 20, "token": CANARY + "2", "tags": {"a": "1"}},
)


class TestContract(SourceContract):
    def recorded(self, directory: Path) -> Source:
        place = directory / "plans"
        marked = change(
            "aws_x.marked",
            ["update"],
            {"note": CANARY, "list": [CANARY], "block": [{"inner": CANARY}]},
            {"note": CANARY + "2", "list": [CANARY + "2"], "block": [{"inner": CANARY + "2"}]},
            before_sensitive={"note": True, "list": [True], "block": True},
            after_sensitive={"note": True, "list": [True], "block": [{"inner": True}]},
        )
        password = change("random_password.db", ["create"], None, {"result": CANARY, "length": 9})
        whole = change("aws_x.whole", ["create"], None, {"anything": CANARY}, after_sensitive=True)
        many = [change(f"aws_x.n[{i}]", ["create"], None, {"id": str(i)}) for i in range(2_500)]
        written(place, plan(UPDATE, marked, password, whole))
        written(place, plan(*many), "big.json")
        written(place, {"note": CANARY}, "other.json")
        return source(place, name="acme", environments={"*": "prod"})

    def broken(self, directory: Path) -> Iterator[Source]:
        yield source(directory / "nowhere.json")
        yield source(written(directory / "early", plan(UPDATE, timestamp="")), created_at={"plan.json": "then"})
        for index, text in enumerate(("", "<html>", '{"format_version": "1.2"', "[]", *map(json.dumps, NO_PLANS))):
            (directory / f"broken-{index}.json").write_text(text)
            yield source(directory / f"broken-{index}.json")


NO_PLANS: Sequence[Mapping[str, Value]] = (
    {"version": 4, "lineage": "x", "serial": 1, "resources": []},
    {"format_version": "1.0", "values": {}},
    plan(format_version="2.0"),
    plan(format_version="1"),
    plan(format_version=1),
    {"format_version": "1.2", "resource_changes": [{"address": 7}]},
)


def test_a_plan_says_what_it_would_change_and_when_it_was_made(tmp_path: Path) -> None:
    found = read(tmp_path, plan(UPDATE), environments={"*": "production"})
    [entity] = plans(found)
    assert entity.properties == {
        "tool": "terraform",
        "created_at": "2026-05-04T13:00:00Z",
        "workspace": "default",
        "environment": "prod",
        "version": "1.11.4",
        "repository": "acme/infra",
        "summary": {"updated": 1},
        "complete": True,
    }
    told = planned(found)
    assert set(told) == {(block(RULE), RULE), (names.cloud_resource(ARN), RULE)}
    assert sides(told[block(RULE), RULE]) == {
        "priority": (value(10), value(20)),
        "token": ({"state": "redacted"}, {"state": "redacted"}),
    }
    assert {rfc3339(a.valid_from) for b in found for a in b.assertions} == {"2026-05-04T13:00:00Z"}


@pytest.mark.parametrize(
    ("actions", "effect", "replaced"),
    [
        (["create"], "created", False),
        (["update"], "updated", False),
        (["delete"], "deleted", False),
        (["delete", "create"], "updated", True),
        (["create", "delete"], "updated", True),
        (["no-op"], None, False),
        (["read"], None, False),
        (["forget"], None, False),
        (["dance"], None, False),
        ([], None, False),
    ],
)
def test_actions_are_effects(actions: list[str], effect: str | None, replaced: bool, tmp_path: Path) -> None:
    found = read(tmp_path, plan(change(RULE, actions, {"a": "1"}, {"a": "2"})))
    told = planned(found)
    assert [p["effect"] for p in told.values()] == ([] if effect is None else [effect])
    assert [p.get("replace", False) for p in told.values()] == ([] if effect is None else [replaced])


def test_a_move_keeps_where_it_came_from(tmp_path: Path) -> None:
    moved = change("aws_x.new", ["no-op"], {"a": "1"}, {"a": "1"}, previous_address="aws_x.old")
    both = change("aws_x.next", ["update"], {"a": "1"}, {"a": "2"}, previous_address="aws_x.last")
    told = planned(read(tmp_path, plan(moved, both), lineages={"*": "line"}))
    properties = told[block("aws_x.new"), "aws_x.new"]
    assert (properties["effect"], properties["moved_from"]) == ("moved", "aws_x.old")
    assert told[block("aws_x.next"), "aws_x.next"]["effect"] == "updated"
    assert (ref("Resource", "line", "default", "aws_x.old"), "aws_x.new") in told


def test_what_is_known_after_the_apply_is_unknown(tmp_path: Path) -> None:
    one = change(
        "aws_x.a",
        ["update"],
        {"id": "1", "list": ["a", "b"], "block": [{"x": "1", "y": "2"}]},
        {"list": ["a"], "block": [{"y": "2"}]},
        after_unknown={"id": True, "list": [False, True], "block": [{"x": True}], "fresh": True, "no": False},
    )
    unknown: Value = {"state": "unknown"}
    assert sides(planned(read(tmp_path, plan(one)))[block("aws_x.a"), "aws_x.a"]) == {
        "id": (value("1"), unknown),
        "list": (value(["a", "b"]), unknown),
        "block[0].x": (value("1"), unknown),
        "fresh": ({"state": "absent"}, unknown),
    }


def test_what_is_sensitive_in_one_place_is_withheld_in_all(tmp_path: Path) -> None:
    hidden = "violet-" + "harbour"
    marked = change("aws_x.a", ["create"], None, {"in": hidden, "size": 1}, after_sensitive={"in": True})
    copied = change("aws_x.b", ["update"], {"out": "x"}, {"out": f"user:{hidden}@host", "list": [hidden], "size": 2})
    variable: Value = {"root_module": {"variables": {"v": {"sensitive": True}, "w": {}}}}
    values: Value = {"v": {"value": {"deep": "amber-lantern"}}, "w": {"value": "eu-west-1"}}
    spread = change("aws_x.c", ["create"], None, {"one": "amber-lantern", "two": "eu-west-1"})
    found = read(tmp_path, plan(marked, copied, spread, configuration=variable, variables=values))
    assert hidden not in repr(found)
    assert "amber-lantern" not in repr(found)
    told = planned(found)
    assert sides(told[block("aws_x.b"), "aws_x.b"])["out"] == (value("x"), {"state": "redacted"})
    assert sides(told[block("aws_x.c"), "aws_x.c"])["two"][1] == value("eu-west-1")


def test_instances_of_one_block_are_told_apart_and_modules_are_followed(tmp_path: Path) -> None:
    inner = 'module.net["a"].module.subnets.aws_subnet.s[0]'
    remote = "module.far.aws_x.y"
    changes = [
        change('aws_x.a["one"]', ["create"], None, {"k": "1"}),
        change('aws_x.a["two"]', ["create"], None, {"k": "1"}),
        change(inner, ["create"], None, {"k": "1"}, module_address='module.net["a"].module.subnets'),
        change(remote, ["create"], None, {"k": "1"}, module_address="module.far"),
    ]
    calls: Value = {
        "net": {"source": "../../modules/net", "module": {"module_calls": {"subnets": {"source": "./subnets"}}}},
        "far": {"source": "terraform-aws-modules/vpc/aws"},
    }
    document = plan(*changes, configuration={"root_module": {"module_calls": calls}})
    told = set(planned(read(tmp_path, document)))
    assert told == {
        (block("aws_x.a"), 'aws_x.a["one"]'),
        (block("aws_x.a"), 'aws_x.a["two"]'),
        (block("aws_subnet.s", "modules/net/subnets"), inner),
    }
    told = set(planned(read(tmp_path, document, modules={"module.far": "vendor/vpc"})))
    assert (block("aws_x.y", "vendor/vpc"), remote) in told


def test_places_tell_workspace_directory_and_environment(tmp_path: Path) -> None:
    written(tmp_path / "plans" / "blue", plan(UPDATE))
    src = source(
        tmp_path / "plans",
        workspaces={"blue": "blue"},
        directories={"blue": "envs/blue"},
        lineages={"blue": "line"},
        commit="ab12" * 10,
    )
    found = list(src.pull(None, NOW))
    [entity] = plans(found)
    assert (entity.properties["workspace"], entity.properties["environment"]) == ("blue", "blue")
    assert (block(RULE, "envs/blue"), RULE) in planned(found)
    assert (ref("Resource", "line", "blue", RULE), RULE) in planned(found)
    from_ = [
        a.fact for b in found for a in b.assertions if isinstance(a.fact, Relation) and a.fact.type == "PLANNED_FROM"
    ]
    assert [r.dst for r in from_] == [names.commit("ab12" * 10)]


def test_a_plan_without_its_code_is_still_found_by_its_words(tmp_path: Path) -> None:
    found = read(tmp_path, plan(UPDATE, change("aws_x.a", ["delete", "create"])), repository="")
    assert set(planned(found)) == {(names.cloud_resource(ARN), RULE)}
    [text] = [a.fact.text for b in found for a in b.assertions if isinstance(a.fact, Passage)]
    assert text == f"{RULE} would be updated\naws_x.a would be replaced"


@pytest.mark.parametrize("head", [{"errored": True}, {"complete": False}])
def test_a_plan_that_is_not_whole_says_so(head: Mapping[str, Value], tmp_path: Path) -> None:
    assert plans(read(tmp_path, plan(UPDATE, **head)))[0].properties["complete"] is False


def test_an_older_plan_without_a_time_has_that_of_the_setting_or_of_its_file(tmp_path: Path) -> None:
    document = {k: v for k, v in plan(UPDATE).items() if k not in ("timestamp", "errored", "complete", "applyable")}
    told = plans(read(tmp_path, document, created_at={"plan.json": "2025-01-02T03:04:05Z"}))
    assert told[0].properties["created_at"] == "2025-01-02T03:04:05Z"
    os.utime(tmp_path / "plans" / "plan.json", (1_700_000_000, 1_700_000_000))
    [entity] = plans(list(source(tmp_path / "plans").pull(None, NOW)))
    assert entity.properties["created_at"] == "2023-11-14T22:13:20Z"


def test_an_empty_plan_changes_nothing(tmp_path: Path) -> None:
    document = {**plan(), "resource_changes": None, "configuration": {"root_module": {"module_calls": None}}}
    found = read(tmp_path, document)
    assert len(plans(found)) == 1
    assert not planned(found)


def test_a_number_of_any_size_is_told(tmp_path: Path) -> None:
    text = json.dumps(plan(change("aws_x.a", ["create"], None, {"n": 0}))).replace('"n": 0', f'"n": {10**30}')
    (tmp_path / "plan.json").write_text(text)
    told = planned(list(source(tmp_path).pull(None, NOW)))
    assert sides(told[block("aws_x.a"), "aws_x.a"])["n"][1] == value(1e30)


def test_what_is_no_plan_is_noted_once(tmp_path: Path) -> None:
    written(tmp_path, plan(UPDATE))
    written(tmp_path, NO_PLANS[0], "state.json")
    first = list(source(tmp_path).pull(None, NOW))
    assert [q.locator for b in first for q in b.quarantined] == ["state.json"]
    assert "a state and no plan" in first[-1].quarantined[0].reason
    again = list(source(tmp_path).pull(first[-1].cursor, NOW))
    assert not [b for b in again if b.quarantined or b.assertions]
    with pytest.raises(SourceDataInvalid, match="cursor"):
        list(source(tmp_path).pull('{"files": []}', NOW))


CODE = """
variable "secret" {
  type      = string
  sensitive = true
}
resource "terraform_data" "each" {
  for_each = toset(["x", "y"])
  input    = { size = 1, hidden = var.secret, list = ["a", each.key] }
}
resource "terraform_data" "after" {
  input            = terraform_data.each["x"].id
  triggers_replace = [SERIAL]
}
module "sub" {
  source = "./modules/sub"
}
"""


@pytest.mark.skipif(shutil.which("terraform") is None, reason="there is no terraform here")
def test_plans_of_a_real_terraform_are_read(tmp_path: Path) -> None:
    code = tmp_path / "code"
    (code / "modules" / "sub").mkdir(parents=True)
    (code / "modules" / "sub" / "main.tf").write_text('resource "terraform_data" "inner" { input = "hi" }\n')

    def terraform(*arguments: str) -> bytes:
        command = ["terraform", f"-chdir={code}", *arguments]
        return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout

    def show(serial: int, name: str) -> list[FactBatch]:
        (code / "main.tf").write_text(CODE.replace("SERIAL", str(serial)).replace("size = 1", f"size = {serial}"))
        terraform("plan", "-input=false", f"-var=secret={CANARY}", "-out=p.bin")
        directory = tmp_path / name
        directory.mkdir()
        (directory / "plan.json").write_bytes(terraform("show", "-json", "p.bin"))
        assert CANARY in (directory / "plan.json").read_text()
        found = list(source(directory, directory="").pull(None, NOW))
        assert CANARY not in repr(found)
        return found

    (code / "main.tf").write_text(CODE.replace("SERIAL", "1"))
    terraform("init", "-input=false")
    first = show(1, "first")
    assert plans(first)[0].properties["summary"] == {"created": 4}
    each = block("terraform_data.each", "")
    told = planned(first)
    assert sides(told[each, 'terraform_data.each["x"]'])["input.list"] == ({"state": "absent"}, value(["a", "x"]))
    assert sides(told[each, 'terraform_data.each["x"]'])["input.hidden"][1] == {"state": "redacted"}
    assert sides(told[block("terraform_data.after", ""), "terraform_data.after"])["input"][1] == {"state": "unknown"}
    assert (block("terraform_data.inner", "modules/sub"), "module.sub.terraform_data.inner") in told
    terraform("apply", "-input=false", "p.bin")
    second = planned(show(2, "second"))
    assert sides(second[each, 'terraform_data.each["y"]'])["input.size"] == (value(1), value(2))
    assert second[block("terraform_data.after", ""), "terraform_data.after"]["replace"] is True
    with fresh_store(tmp_path, "store") as store:
        for batch in first:
            store.apply(batch)
        made = plans(first)[0]
        before = instant(str(made.properties["created_at"])) - 1_000_000
        assert store.entity(made.ref, View()) is not None
        assert store.entity(made.ref, View(as_of=before)) is None
