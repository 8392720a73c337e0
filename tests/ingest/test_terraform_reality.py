"""Which of what a plan tells is reality that moved, and which is code that is ahead."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from ingest.source import SourceDataInvalid
from ingest.terraform_cli import Planned
from ingest.terraform_reality import Compared, Differs, compared
from tests.ingest.fake_terraform import Json, change, plan, state

WEB = "aws_instance.web"


def _compared(told: Mapping[str, object], known: Mapping[str, object]) -> Compared:
    return compared(Planned(json.dumps(told).encode(), json.dumps(known).encode()))


def _one(before: Json, after: Json, known: Json, **more: object) -> Differs:
    [found] = _compared(plan(change(WEB, before, after, **more)), state(aws_instance__web=known)).differing  # pyright: ignore[reportArgumentType]
    return found


def _told(found: Differs) -> dict[str, tuple[object, object]]:
    return {
        d.path: (d.desired.get("value", d.desired["state"]), d.actual.get("value", d.actual["state"]))
        for d in found.moved
    }


def test_reality_that_left_the_state_is_drift_and_code_that_is_ahead_is_pending() -> None:
    found = _one({"size": 1, "port": 80}, {"size": 2, "port": 81}, {"id": "i-1", "size": 2, "port": 80})
    assert _told(found) == {"size": (2, 1)}
    assert found.pending == ("port",)


def test_code_that_was_only_not_applied_yet_is_named_and_is_no_drift() -> None:
    told = _compared(
        plan(change(WEB, {"size": 2}, {"size": 3}), change("aws_instance.new", None, {"size": 1}, ["create"])),
        state(aws_instance__web={"id": "i-1", "size": 2}),
    )
    assert [d.moved for d in told.differing] == [()]
    assert told.planned == ("aws_instance.new", WEB)


def test_what_the_state_has_and_a_plan_would_make_anew_is_missing() -> None:
    found = _one(None, {"size": 2}, {"id": "i-1", "size": 2}, actions=["create"])  # pyright: ignore[reportArgumentType]
    assert (found.kind, found.cloud_id) == ("missing", "i-1")


def test_what_code_gave_up_is_not_drift() -> None:
    told = _compared(
        plan(change(WEB, {"size": 2}, None, ["delete"])), state(aws_instance__web={"id": "i-1", "size": 2})
    )
    assert (told.differing, told.planned) == ((), (WEB,))


def test_one_block_more_in_front_does_not_move_the_others() -> None:
    old = [{"port": 443, "from": ["b"]}, {"port": 80, "from": ["c"]}]
    now = [{"port": 22, "from": ["a"]}, *old]
    found = _one({"rule": now}, {"rule": old}, {"id": "i-1", "rule": old})
    assert list(_told(found)) == ["rule"]
    assert found.moved[0].actual["value"] == [*old, {"port": 22, "from": ["a"]}]


def test_a_block_that_was_altered_is_told_by_its_attribute() -> None:
    wanted = [{"port": 443, "from": ["b"]}, {"port": 80, "from": ["c"]}]
    there = [{"port": 80, "from": ["c"]}, {"port": 443, "from": ["b", "everybody"]}]
    found = _one({"rule": there}, {"rule": wanted}, {"id": "i-1", "rule": wanted})
    assert _told(found) == {"rule[0].from": (["b"], ["b", "everybody"])}


def test_a_secret_that_moved_is_told_as_such_and_never_its_value() -> None:
    found = _one(
        {"password": "new-s3cret-value"},
        {"password": "old-s3cret-value"},
        {"id": "i-1", "password": "old-s3cret-value"},
        before_sensitive={"password": True},
        after_sensitive={"password": True},
    )
    assert _told(found) == {"password": ("redacted", "redacted")}
    assert "s3cret" not in repr(found)


def test_a_secret_that_did_not_move_is_not_told() -> None:
    told: Json = {"password": "s3cret-value", "size": 1}
    found = _one(told, {**told, "size": 2}, {"id": "i-1", **told, "size": 2}, before_sensitive={"password": True})
    assert list(_told(found)) == ["size"]


def test_nothing_and_empty_are_one_when_a_state_is_compared() -> None:
    found = _one({"note": None, "size": 1}, {"note": "", "size": 2}, {"id": "i-1", "note": "", "size": 2})
    assert list(_told(found)) == ["size"]


@pytest.mark.parametrize("broken", [b"", b"<html>", b'{"version": 4}', b'{"format_version": "2.0"}'])
def test_what_is_no_plan_is_refused_without_its_content(broken: bytes) -> None:
    with pytest.raises(SourceDataInvalid, match="plan cannot be read"):
        compared(Planned(broken, b""))


def test_without_a_state_everything_is_only_planned() -> None:
    told = compared(Planned(json.dumps(plan(change(WEB, None, {"size": 1}, ["create"]))).encode(), b""))
    assert (told.differing, told.planned, told.lineage) == ((), (WEB,), "")
