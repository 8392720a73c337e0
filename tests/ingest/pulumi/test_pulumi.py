"""Documents of Pulumi: stacks, previews and histories, and the secrets in them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from graph.clock import instant, rfc3339
from graph.model import Alias, Entity, EntityRef, FactBatch, Relation, Value
from graph.store import View
from ingest import names
from ingest.source import Source, SourceDataInvalid
from ingest.sources.pulumi.source import PulumiSettings, PulumiSource
from ingest.sync import sync
from tests.contracts.source_contract import CANARY, KEY, NOW, SourceContract, fresh_store

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
ARN = "arn:aws:s3:::shop-logs"
SHA = "9c8d" * 10
Json = dict[str, Value]


def urn(type_: str, name: str, stack: str = "prod") -> str:
    return f"urn:pulumi:{stack}::shop::{type_}::{name}"


BUCKET, DB, APP = (
    urn("aws:s3/bucket:Bucket", "logs"),
    urn("aws:rds/instance:Instance", "db"),
    urn("acme:index:App", "app"),
)


def resource(name: str, **fields: Value) -> Json:
    return {"urn": name, "custom": True, "type": name.split("::")[2], **fields}


def sealed(text: str) -> Json:
    return {SIGNATURE: SECRET, "ciphertext": f"v1:{text}"}


def shown(text: str) -> Json:
    return {SIGNATURE: SECRET, "plaintext": json.dumps(text)}


def holding(*resources: Mapping[str, Value], time: str = "2026-05-04T14:00:00Z", **more: Value) -> Json:
    own: list[Value] = [
        resource(urn("pulumi:pulumi:Stack", "shop-prod"), outputs={"dsn": CANARY}),
        resource(urn("pulumi:providers:aws", "default"), inputs={"accessKey": CANARY}),
    ]
    manifest: Json = {"time": time, "magic": "x", "version": "v3.200.0"}
    return {"version": 3, "deployment": {"manifest": manifest, "resources": [*own, *resources]}, **more}


def shop() -> list[Json]:
    return [
        resource(APP, custom=False, parent=urn("pulumi:pulumi:Stack", "shop-prod")),
        resource(
            BUCKET,
            id="shop-logs",
            parent=APP,
            created="2026-04-01T00:00:00Z",
            inputs={"acl": "private", "__defaults": []},
            outputs={"arn": ARN, "bucket": "shop-logs", "region": "eu-west-1", "tags": {"team": "a"}, "__meta": CANARY},
        ),
        resource(
            DB,
            id="db-1",
            dependencies=[BUCKET, BUCKET, urn("pulumi:providers:aws", "default")],
            outputs={
                "password": sealed(CANARY),
                "engine": "postgres",
                "hidden": CANARY,
                "deep": {"x": [sealed(CANARY)]},
            },
            additionalSecretOutputs=["hidden"],
        ),
        resource(DB, delete=True, outputs={"engine": "mysql"}),
    ]


def preview(*steps: Mapping[str, Value], **more: Value) -> Json:
    return {"config": {"shop:token": CANARY}, "steps": list(steps), "duration": 1, "changeSummary": {}, **more}


def step(
    op: str, name: str, before: Mapping[str, Value] | None = None, after: Mapping[str, Value] | None = None
) -> Json:
    told: Json = {"op": op, "urn": name}
    if before is not None:
        told["oldState"] = resource(name, inputs=before, outputs={"arn": ARN} if name == BUCKET else {})
    if after is not None:
        told["newState"] = resource(name, inputs=after)
    return told


def update(version: int, **more: Value) -> Json:
    return {
        "version": version,
        "kind": "update",
        "startTime": f"2026-05-0{version}T14:00:00.000Z",
        "endTime": f"2026-05-0{version}T14:03:00.000Z",
        "message": "resize acme/shop#7\nmore",
        "result": "succeeded",
        "environment": {
            "git.head": SHA,
            "vcs.owner": "acme",
            "vcs.repo": "shop",
            "ci.build.url": "https://github.com/acme/shop/actions/runs/55",
        },
        "config": {"shop:token": {"value": CANARY, "secret": True}},
        "resourceChanges": {"update": 1},
        **more,
    }


def put(directory: Path, **documents: object) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for name, document in documents.items():
        (directory / f"{name}.json").write_text(json.dumps(document))
    return directory


def source(path: Path, **settings: object) -> PulumiSource:
    return PulumiSource(PulumiSettings(str(path), **settings))  # type: ignore[arg-type]


def read(directory: Path, settings: Mapping[str, object] | None = None, **documents: object) -> list[FactBatch]:
    return list(source(put(directory / "documents", **documents), **(settings or {})).pull(None, NOW))


def entities(found: Sequence[FactBatch], kind: str) -> dict[EntityRef, Mapping[str, Value]]:
    told = [a.fact for b in found for a in b.assertions if isinstance(a.fact, Entity)]
    return {e.ref: e.properties for e in told if e.ref.kind == kind}


def relations(found: Sequence[FactBatch], type_: str) -> dict[tuple[EntityRef, EntityRef], Mapping[str, Value]]:
    told = [a.fact for b in found for a in b.assertions if isinstance(a.fact, Relation) and a.fact.type == type_]
    return {(r.src, r.dst): r.properties for r in told}


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


class TestContract(SourceContract):
    def recorded(self, directory: Path) -> Source:
        plain = resource(
            urn("random:index/randomPassword:RandomPassword", "pw"), outputs={"result": CANARY, "length": 3}
        )
        open_ = resource(
            urn("aws:x/y:Y", "open"), outputs={"a": shown(CANARY), "copy": f"user:{CANARY}@host", "list": [CANARY]}
        )
        steps = [step("update", BUCKET, {"a": shown(CANARY), "b": CANARY}, {"a": "[secret]", "b": "x"})]
        place = put(
            directory / "documents",
            stack=holding(*shop(), plain, open_),
            plan=preview(*steps),
            history=[update(1), update(2, result="failed")],
            other={"note": CANARY},
        )
        os.utime(place / "plan.json", (1_777_000_000, 1_777_000_000))
        return source(place, name="acme")

    def broken(self, directory: Path) -> Iterator[Source]:
        yield source(directory / "nowhere")
        texts = ["", "<html>", "[1]", "{}", '{"version": 3, "deployment": 7}', '[{"kind": 1}]']
        texts += [
            json.dumps(holding(version=2)),
            json.dumps([update(1)]),
            json.dumps({"version": 3, "deployment": None}),
        ]
        for index, text in enumerate(texts):
            (directory / f"broken-{index}.json").write_text(text)
            yield source(directory / f"broken-{index}.json")
        yield source(put(directory / "p", plan=preview(step("create", DB))), created_at={"plan.json": "then"})


# -- stacks


def test_a_stack_holds_resources_named_by_their_urn_and_joined_by_their_arn(tmp_path: Path) -> None:
    found = read(tmp_path, stack=holding(*shop()))
    told = entities(found, "Resource")
    bucket, db, app = (names.cloud_resource(u) for u in (BUCKET, DB, APP))
    assert set(told) == {bucket, db, app}
    assert told[bucket] == {
        "type": "aws:s3/bucket:Bucket",
        "name": "logs",
        "address": BUCKET,
        "workspace": "shop/prod",
        "environment": "prod",
        "provider": "aws",
        "cloud_id": BUCKET,
        "region": "eu-west-1",
        "created_at": "2026-04-01T00:00:00Z",
        "attributes": {"arn": ARN, "bucket": "shop-logs", "region": "eu-west-1", "tags.team": "a"},
    }
    assert relations(found, "SAME_AS") == {
        (bucket, names.cloud_resource(ARN)): {"rule": "outputs.arn", "confidence": 1.0}
    }
    assert set(relations(found, "DEPENDS_ON")) == {(db, bucket)}
    assert set(relations(found, "PART_OF")) == {(bucket, app)}
    assert set(relations(found, "RUNS_IN")) == {(r, names.environment("prod")) for r in told}
    aliases = {(a.fact.ref, a.fact.name) for b in found for a in b.assertions if isinstance(a.fact, Alias)}
    assert {(bucket, "logs"), (bucket, "shop-logs"), (bucket, ARN), (bucket, BUCKET), (db, "db-1")} <= aliases
    [snapshot] = [b.snapshot for b in found if b.snapshot]
    assert rfc3339(snapshot.taken_at) == "2026-05-04T14:00:00Z"


def test_secrets_are_dropped_however_they_are_written(tmp_path: Path) -> None:
    told = entities(read(tmp_path, stack=holding(*shop())), "Resource")[names.cloud_resource(DB)]["attributes"]
    assert told == {"password": "[redacted]", "engine": "postgres", "hidden": "[redacted]", "deep.x": "[redacted]"}
    hidden = "copper-" + "meadow"
    spread: Json = {"a": shown(hidden), "b": hidden, "c": f"http://x:{hidden}@y", "d": [hidden], "e": "fine"}
    spread["f"] = {SIGNATURE: "d0e6a833031e9bbcd3f4e8bde6ca49a4", "value": "quartz-lamp", "secret": True}
    spread["g"] = {SIGNATURE: "d0e6a833031e9bbcd3f4e8bde6ca49a4", "value": "seen"}
    spread["h"] = {SIGNATURE: "a-new-sort", "value": "opaque-thing"}
    spread["i"] = {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "hash": "abc", "text": "asset-text"}
    found = read(tmp_path / "more", stack=holding(resource(DB, outputs=spread)))
    for text in (hidden, "quartz-lamp", "opaque-thing", "asset-text"):
        assert text not in repr(found)
    attributes = entities(found, "Resource")[names.cloud_resource(DB)]["attributes"]
    assert isinstance(attributes, Mapping)
    assert (attributes["e"], attributes["g"], attributes["i"]) == ("fine", "seen", "abc")


def test_exports_of_one_stack_are_its_history_in_whatever_order_they_are_read(tmp_path: Path) -> None:
    old = holding(*shop(), time="2026-05-01T00:00:00Z")
    new = holding(shop()[1], time="2026-05-09T00:00:00Z")
    db = names.cloud_resource(DB)
    for name, first, second in (("a", old, new), ("b", new, old)):
        place = tmp_path / name
        with fresh_store(tmp_path, name) as store:
            for index, document in enumerate((first, second)):
                put(place, **{f"export-{index}": document})
                assert sync(store, source(place, name="x"), NOW + index, KEY, processes="none").error is None
            assert store.entity(db, View(as_of=instant("2026-05-02T00:00:00Z"))) is not None
            assert store.entity(db, View(as_of=NOW)) is None
            assert store.entity(names.cloud_resource(BUCKET), View(as_of=NOW)) is not None


def test_two_exports_of_one_time_that_differ_are_not_both_believed(tmp_path: Path) -> None:
    found = read(tmp_path, a=holding(*shop()), b=holding())
    assert len([b for b in found if b.snapshot]) == 1
    assert [q.locator for b in found for q in b.quarantined] == ["b.json"]


def test_an_emptied_stack_holds_nothing_when_the_settings_say_which_it_is(tmp_path: Path) -> None:
    empty: Json = {"version": 3, "deployment": {"manifest": {"time": "2026-05-05T00:00:00Z"}, "resources": None}}
    found = read(tmp_path, {"stacks": {"*": "shop/prod"}}, empty=empty)
    [snapshot] = [b for b in found if b.snapshot]
    assert not entities([snapshot], "Resource")
    assert snapshot.scope.endswith("#shop/prod")


def test_stacks_are_apart_and_environments_may_be_named(tmp_path: Path) -> None:
    other = json.loads(json.dumps(holding(*shop())).replace("urn:pulumi:prod", "urn:pulumi:blue"))
    found = read(tmp_path, {"environments": {"shop/blue": "staging"}}, a=holding(*shop()), b=other)
    told = {str(p["workspace"]): p["environment"] for p in entities(found, "Resource").values()}
    assert told == {"shop/prod": "prod", "shop/blue": "staging"}
    assert len({b.scope for b in found if b.snapshot}) == 2


def test_what_is_empty_may_be_written_as_null(tmp_path: Path) -> None:
    nothing: Json = {"id": None, "parent": None, "outputs": None, "dependencies": None, "created": None}
    found = read(tmp_path, stack=holding(resource(BUCKET, inputs={"acl": None, "x": "1"}, **nothing)))
    assert entities(found, "Resource")[names.cloud_resource(BUCKET)]["attributes"] == {"x": "1"}


# -- previews


def test_a_preview_is_a_plan(tmp_path: Path) -> None:
    steps = [
        step("same", APP, {}, {}),
        step("update", BUCKET, {"acl": "private", "policy": "a"}, {"acl": "public", "policy": UNKNOWN}),
        step("create", urn("aws:x/y:Y", "new"), None, {"size": 1, "pw": "[secret]"}),
        step("create-replacement", DB, {"engine": "mysql"}, {"engine": "postgres"}),
        step("replace", DB, {"engine": "mysql"}, {"engine": "postgres"}),
        step("delete-replaced", DB, {"engine": "mysql"}),
        step("update", urn("pulumi:providers:aws", "default"), {"key": CANARY}, {"key": CANARY + "2"}),
        step("refresh", urn("aws:x/y:Y", "seen"), {}, {}),
    ]
    found = read(tmp_path, {"created_at": {"plan.json": "2026-05-03T10:00:00Z"}}, plan=preview(*steps))
    [plan] = entities(found, "Plan").values()
    assert plan == {
        "tool": "pulumi",
        "created_at": "2026-05-03T10:00:00Z",
        "workspace": "shop/prod",
        "environment": "prod",
        "summary": {"updated": 2, "created": 1, "replaced": 1},
        "complete": True,
    }
    told = {dst: p for (_, dst), p in relations(found, "PLANS").items()}
    new = names.cloud_resource(urn("aws:x/y:Y", "new"))
    assert set(told) == {names.cloud_resource(u) for u in (BUCKET, ARN, DB)} | {new}
    assert told[names.cloud_resource(DB)]["replace"] is True
    assert sides(told[names.cloud_resource(BUCKET)]) == {
        "acl": (value("private"), value("public")),
        "policy": (value("a"), {"state": "unknown"}),
    }
    assert sides(told[new]) == {
        "size": ({"state": "absent"}, value(1)),
        "pw": ({"state": "absent"}, {"state": "redacted"}),
    }
    assert CANARY not in repr(found)


def test_a_preview_that_failed_is_not_complete(tmp_path: Path) -> None:
    found = read(tmp_path, plan=preview(step("create", DB), diagnostics=[{"severity": "error", "message": CANARY}]))
    assert [p["complete"] for p in entities(found, "Plan").values()] == [False]


# -- histories


def test_an_update_is_an_apply(tmp_path: Path) -> None:
    found = read(tmp_path, stack=holding(*shop()), history=[update(1)])
    ref = names.deployment("pulumi", str(tmp_path / "documents"), "shop/prod/1")
    assert entities(found, "Deployment") == {
        ref: {
            "environment": "prod",
            "version": "1",
            "commit": SHA,
            "repository": "acme/shop",
            "action": "apply",
            "outcome": "succeeded",
            "started_at": "2026-05-01T14:00:00Z",
            "finished_at": "2026-05-01T14:03:00Z",
            "tool": "pulumi",
            "workspace": "shop/prod",
            "title": "update shop/prod: resize acme/shop#7",
            "deployment_id": "shop/prod/1",
        }
    }
    assert relations(found, "REACHED")[ref, names.environment("prod")]["basis"] == "applied"
    assert (ref, names.commit(SHA)) in relations(found, "DEPLOYS")
    assert (ref, names.workflow_run("github", "acme/shop", "55")) in relations(found, "TRIGGERED_BY")
    assert (ref, names.pull_request("acme/shop", 7)) in relations(found, "MENTIONS")


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({"result": "failed"}, "failed"),
        ({"result": "in-progress", "endTime": ""}, "in_progress"),
        ({"kind": "destroy"}, "succeeded"),
        ({"kind": "refresh"}, None),
        ({"kind": "preview"}, None),
        ({"kind": "resource-import"}, None),
    ],
)
def test_what_a_history_tells_of(more: Mapping[str, Value], outcome: str | None, tmp_path: Path) -> None:
    found = read(tmp_path, {"stacks": {"history.json": "shop/prod"}}, history=[update(1, **more)])
    assert [p["outcome"] for p in entities(found, "Deployment").values()] == ([] if outcome is None else [outcome])
    assert bool(relations(found, "REACHED")) == (outcome == "succeeded")


def test_a_history_that_grew_adds_what_is_new(tmp_path: Path) -> None:
    settings = {"*": "shop/prod"}
    place = put(tmp_path / "d", history=[update(1)])
    with fresh_store(tmp_path, "store") as store:
        src = source(place, stacks=settings, name="x")
        assert sync(store, src, NOW, KEY, processes="none").error is None
        put(place, history=[update(2, startTime="soon"), update(3), update(1)])
        report = sync(store, src, NOW + 5, KEY, processes="none")
        assert (report.error, report.quarantined) == (None, 1)
        assert store.status().entities["Deployment"] == 2


def test_a_foreign_cursor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceDataInvalid, match="cursor"):
        list(source(put(tmp_path / "d", stack=holding())).pull('{"files": 1}', NOW))
