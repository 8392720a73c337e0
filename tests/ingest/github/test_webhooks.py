"""Webhooks state what a pull states, whatever their order, and however often they come."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest

from graph.model import FactBatch
from graph.schema import KINDS, RELATIONS
from ingest import names
from ingest.source import SourceDataInvalid
from ingest.sources.github.source import GitHubSettings, GitHubSource
from ingest.sources.github.webhook import read_webhook
from tests.contracts.source_contract import CANARY, fresh_store
from tests.ingest.github.reading import current, ends, properties, put, read, view_of
from tests.ingest.github.world import REPO, World, comment, deliveries, delivery

SETTINGS: Mapping[str, object] = {"applies": ["terraform-*"]}


def batches(hooks: list[tuple[str, dict[str, Any]]]) -> list[FactBatch]:
    return [batch for one in deliveries(hooks) for batch in read_webhook(one, SETTINGS)]


def hooks_with_a_deleted_comment() -> list[tuple[str, dict[str, Any]]]:
    hooks = World().hooks()
    gone = comment(72, "carol", "2026-05-01T15:00:00Z", f"oops, the token is {CANARY}, see shop/api#44")
    issue = {"number": 1, "updated_at": "2026-05-01T16:00:00Z", "pull_request": {"url": "x"}}
    hooks.append(("issue_comment", {"action": "created", "issue": issue, "comment": gone}))
    hooks.append(("issue_comment", {"action": "deleted", "issue": issue, "comment": gone}))
    return hooks


def test_shuffled_and_repeated_deliveries_give_the_same_graph(tmp_path: Path) -> None:
    hooks = hooks_with_a_deleted_comment()
    each = [read_webhook(one, SETTINGS) for one in deliveries(hooks)]
    with fresh_store(tmp_path, "in-order") as store:
        for some in each:
            put(store, some)
        expected = current(store)
    assert CANARY not in json.dumps(expected)
    random = Random(0)
    for n in range(8):
        order = [*each, *random.choices(each, k=len(each) // 2)]
        random.shuffle(order)
        with fresh_store(tmp_path, f"shuffled-{n}") as store:
            for i, some in enumerate(order):
                # A repeated delivery that reached the store under another batch id must do no harm either.
                put(store, (replace(b, id=f"{b.id}-{i}") for b in some))
            assert current(store) == expected, n


def test_three_hundred_orders_of_the_deliveries_about_one_pull_request_give_the_same_graph(tmp_path: Path) -> None:
    world = World()
    chosen = [h for h in world.hooks() if h[1].get("pull_request", h[1].get("issue", {})).get("number") == 3]
    review = {"action": "dismissed", "pull_request": world.pulls[3] | {"updated_at": "2026-05-05T14:00:00Z"}}
    chosen.append(("pull_request_review", review | {"review": world.reviews[3][2] | {"state": "dismissed"}}))
    reopened = world.pulls[3] | {"state": "open", "closed_at": None, "updated_at": "2026-05-07T09:00:00Z"}
    chosen.append(("pull_request", {"action": "reopened", "pull_request": reopened}))
    edited = reopened | {"title": "New", "body": "Closes #5", "updated_at": "2026-05-08T09:00:00Z"}
    changes = {"title": {"from": "Change 3"}, "body": {"from": "Closes #4, see shop/api#3"}}
    chosen.append(("pull_request", {"action": "edited", "pull_request": edited, "changes": changes}))
    each = [read_webhook(one, SETTINGS) for one in deliveries(chosen)]
    random = Random(0)
    expected: list[dict[str, Any]] | None = None
    for n in range(300):
        order = [*each, *random.choices(each, k=2)]
        random.shuffle(order)
        with fresh_store(tmp_path, f"order-{n}") as store:
            put(store, (b for some in order for b in some))
            found = current(store)
            if expected is None:
                expected = found
                assert properties(store, names.pull_request(REPO, 3))["state"] == "open"
                assert ends(store, names.pull_request(REPO, 3), "APPROVED_BY") == set()
                assert ends(store, names.pull_request(REPO, 3), "CLOSES") == {names.issue(REPO, 5)}
            assert found == expected, n
        for file in tmp_path.glob(f"order-{n}.db*"):
            file.unlink()


def test_webhooks_and_a_pull_agree_and_neither_takes_anything_from_the_other(tmp_path: Path) -> None:
    World().write(tmp_path / "export")
    source = GitHubSource(GitHubSettings(repository=REPO, path=str(tmp_path / "export"), applies=("terraform-*",)))
    told = batches(World().hooks())
    with (
        fresh_store(tmp_path, "pulled") as pulled,
        fresh_store(tmp_path, "hooked") as hooked,
        fresh_store(tmp_path, "pulled-then-hooked") as one,
        fresh_store(tmp_path, "hooked-then-pulled") as other,
    ):
        assert read(pulled, source).error is None
        put(hooked, told)
        assert read(one, source).error is None
        put(one, told)
        put(other, told)
        assert read(other, source).error is None
        assert current(one) == current(other)
        by_pull, by_hook = view_of(current(pulled)), view_of(current(hooked))
        assert by_hook <= by_pull, by_hook - by_pull
        only_pulled = {fact for fact, _, _ in by_pull - by_hook}
        assert all(
            "PART_OF" in f or f.startswith(("e\x1fPullRequest", "e\x1fCommit", "a\x1fAccount")) for f in only_pulled
        ), only_pulled
        # The webhooks told of what came in between: a first wording, an approval that was taken back.
        assert view_of(current(one)) == by_pull


def test_what_a_webhook_states_is_in_the_schema_and_has_no_cursor() -> None:
    for batch in batches(hooks_with_a_deleted_comment()):
        assert batch.cursor is None
        assert batch.source == "github"
        assert batch.scope.partition("#")[0] == REPO
        for assertion in batch.assertions:
            fact = assertion.fact
            if hasattr(fact, "type"):
                assert fact.type in RELATIONS  # type: ignore[union-attr]
            if hasattr(fact, "properties") and not hasattr(fact, "type"):
                known = {p.name for p in KINDS[fact.ref.kind].properties}  # type: ignore[union-attr]
                assert set(fact.properties) <= known  # type: ignore[union-attr]


def test_a_deleted_comment_is_erased_and_names_nothing_any_more(tmp_path: Path) -> None:
    hooks = hooks_with_a_deleted_comment()[-2:]
    with fresh_store(tmp_path, "store") as store:
        put(store, batches(hooks[:1]))
        assert any("comment-72" in f["fact"] for f in current(store))
        [deleted] = batches(hooks[1:])
        assert [key.split("\x1f")[0] for key in deleted.erased] == ["p"]
        put(store, [deleted])
        assert not [f for f in current(store) if f["fact"].startswith("p")]
        assert not [f for f in current(store) if "MENTIONS" in f["fact"] and f["to"] is None]


@pytest.mark.parametrize("event", ["ping", "push", "star", "check_run", ""])
def test_events_that_say_nothing_of_interest_state_nothing(event: str) -> None:
    assert read_webhook(delivery(event, {"zen": "x"}), {}) == ()


def test_a_comment_on_an_issue_and_a_draft_release_state_nothing() -> None:
    body = {"action": "created", "issue": {"number": 1}, "comment": comment(1, "bob", "2026-05-01T13:00:00Z", "x")}
    assert list(read_webhook(delivery("issue_comment", body), {})) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"<html>",
        b"\xff",
        b'{"action": "opened"}',
        b"payload=x",
        b"[" * 5000,
        b'{"repository": {"full_name": 5}}',
    ],
)
@pytest.mark.parametrize("event", ["pull_request", "deployment_status", "workflow_run"])
def test_a_body_that_is_not_githubs_is_refused_with_a_remedy(event: str, body: bytes) -> None:
    with pytest.raises(SourceDataInvalid) as caught:
        read_webhook(replace(delivery(event, {}), body=body), {})
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_a_time_that_is_none_refuses_the_delivery() -> None:
    pull = World().pulls[1] | {"updated_at": "soon"}
    with pytest.raises(SourceDataInvalid):
        read_webhook(delivery("pull_request", {"action": "opened", "pull_request": pull}), {})


def test_a_form_encoded_delivery_says_the_same() -> None:
    plain = delivery("pull_request", {"action": "opened", "pull_request": World().pulls[1]})
    form = replace(plain, body=urlencode({"payload": plain.body.decode()}).encode())
    assert read_webhook(form, {}) == read_webhook(plain, {})


def test_a_renamed_repository_keeps_the_name_that_the_settings_keep() -> None:
    body = {"action": "opened", "pull_request": World().pulls[1], "repository": {"full_name": "shop/platform"}}
    batches = read_webhook(delivery("pull_request", body), {"renamed": {"shop/platform": REPO}})
    assert {b.scope for b in batches} == {REPO}


def test_settings_that_cannot_be_used_are_named_as_such() -> None:
    with pytest.raises(SourceDataInvalid, match="settings"):
        read_webhook(delivery("pull_request", {"pull_request": World().pulls[1]}), {"services": ["x"]})
