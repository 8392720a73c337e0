"""The webhooks that a generated organisation's systems would have sent while its story happened, made from what they export.

GitLab, which no organisation has, is told the same story that GitHub tells. Besides what the exports show there is what happened in
between: a first wording before an edit, an approval that was dismissed, a message that was deleted, a reaction taken back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from zlib import crc32

from api.signatures import digest
from bench.world.model import Organisation
from graph.clock import Instant, instant, rfc3339
from ingest.webhook import Delivery

Json = dict[str, Any]
MINUTE: Instant = 60_000_000


@dataclass(frozen=True, slots=True)
class Hook:
    """A delivery and the name of its sender, as `api.signatures.SENDERS` has it."""

    sender: str
    delivery: Delivery


def hooks_of(directory: Path, received_at: Instant) -> list[Hook]:
    """All deliveries of a world that was written to `directory`, each object's in the order in which it happened."""
    told = (*_github(directory), *_gitlab(directory), *_slack(directory), *_alerts(directory), *_deployments(directory))
    hooks: list[Hook] = []
    for sender, event, body in told:
        raw = json.dumps(body, ensure_ascii=False).encode()
        hooks.append(Hook(sender, Delivery(digest(raw)[:32], event, raw, received_at, {})))
    return hooks


def settings_of(organisation: Organisation) -> dict[str, dict[str, object]]:
    """What `lore.yaml` would say below `webhooks`, without the senders' secrets."""
    rules: dict[str, object] = {
        "services": {f"Deploy {s.name}": s.name for s in organisation.services},
        "applies": ["Terraform apply", "terraform"],
    }
    alerts: dict[str, object] = {"name": organisation.name, "group_incidents": False}
    return {
        "github": rules,
        "gitlab": rules,
        "slack": {"workspace": organisation.slack_workspace},
        "deployments": {"name": organisation.name, "actor_system": "github"},
        **dict.fromkeys(("alertmanager", "grafana", "pagerduty"), alerts),
    }


_Told = tuple[str, str, Json]
"""Sender, event, body."""


# GitHub


def _github(directory: Path) -> Iterator[_Told]:
    for repository in sorted((directory / "github" / "repos").glob("*/*")):
        whole = {"full_name": f"{repository.parent.name}/{repository.name}"}
        for event, body in _github_of(repository):
            yield "github", event, {**body, "repository": whole}


def _github_of(repository: Path) -> Iterator[tuple[str, Json]]:
    for pull in _list(repository / "pulls.json"):
        yield from _pull(pull, _list(repository / "pulls" / str(pull["number"]) / "reviews.json"))
    for one in _list(repository / "deployments.json"):
        yield "deployment", {"action": "created", "deployment": one | {"updated_at": one["created_at"]}}
        for status in _list(repository / "deployments" / str(one["id"]) / "statuses.json"):
            yield "deployment_status", {"action": "created", "deployment": one, "deployment_status": status}
    for run in _list(repository / "actions" / "runs.json", "workflow_runs"):
        begun = run | {"status": "in_progress", "conclusion": None, "updated_at": run["created_at"]}
        yield "workflow_run", {"action": "in_progress", "workflow_run": begun}
        if run["status"] == "completed":
            yield "workflow_run", {"action": "completed", "workflow_run": run}
        for job in _list(repository / "actions" / "runs" / str(run["id"]) / "jobs.json", "jobs"):
            yield "workflow_job", {"action": "completed", "workflow_job": job}
    for release in _list(repository / "releases.json"):
        yield "release", {"action": "published", "release": release}


def _pull(pull: Json, reviews: list[Json]) -> Iterator[tuple[str, Json]]:
    created = pull["created_at"]
    opened: Json = pull | {"state": "open", "updated_at": created, "merged": False, "labels": []}
    opened |= dict.fromkeys(("closed_at", "merged_at", "merged_by", "merge_commit_sha"))
    if _some(pull["number"], 3):
        first: Json = opened | {"title": f"WIP: {pull['title']}", "body": "more to come"}
        yield "pull_request", {"action": "opened", "pull_request": first}
        opened |= {"updated_at": _later(created, 1)}
        changes = {"title": {"from": first["title"]}, "body": {"from": first["body"]}}
        yield "pull_request", {"action": "edited", "pull_request": opened, "changes": changes}
    else:
        yield "pull_request", {"action": "opened", "pull_request": opened}
    if pull["labels"]:
        opened |= {"labels": pull["labels"], "updated_at": _later(created, 2)}
        yield "pull_request", {"action": "labeled", "pull_request": opened}
    for review in reviews:
        at = review["submitted_at"]
        seen: Json = {k: v for k, v in opened.items() if k != "merged_by"} | {"updated_at": at}
        yield "pull_request_review", {"action": "submitted", "pull_request": seen, "review": review}
        if review["state"] == "APPROVED" and _some(review["id"], 7) and pull["closed_at"]:
            # dismissed as stale and given again
            seen |= {"updated_at": _later(at, 1)}
            body = {"action": "dismissed", "pull_request": seen, "review": review | {"state": "dismissed"}}
            yield "pull_request_review", body
            again = review | {"id": review["id"] + 1, "submitted_at": _later(at, 2)}
            seen = seen | {"updated_at": _later(at, 2)}
            yield "pull_request_review", {"action": "submitted", "pull_request": seen, "review": again}
    if pull["closed_at"]:
        yield "pull_request", {"action": "closed", "pull_request": pull | {"updated_at": pull["closed_at"]}}


# GitLab


def _gitlab(directory: Path) -> Iterator[_Told]:
    for repository in sorted((directory / "github" / "repos").glob("*/*")):
        path = f"{repository.parent.name}/{repository.name}"
        project = {"path_with_namespace": path, "web_url": f"https://gitlab.example/{path}"}
        for body in _gitlab_of(repository, project["web_url"]):
            yield "gitlab", "", {"project": project, **body}


def _gitlab_of(repository: Path, web: str) -> Iterator[Json]:
    for pull in _list(repository / "pulls.json"):
        yield from _merge_request(pull, _list(repository / "pulls" / str(pull["number"]) / "reviews.json"), web)
    for run in _list(repository / "actions" / "runs.json", "workflow_runs"):
        attributes: Json = {"id": run["id"], "iid": run["run_number"], "name": run["name"], "ref": run["head_branch"], "sha": run["head_sha"], "source": "push", "created_at": _spoken(run["created_at"])}  # fmt: skip
        by = _gitlab_user(run["actor"])
        begun = attributes | {"status": "running", "finished_at": None}
        yield {"object_kind": "pipeline", "user": by, "object_attributes": begun, "builds": []}
        status = "success" if run["conclusion"] == "success" else "failed"
        over = attributes | {"status": status, "finished_at": _spoken(run["updated_at"])}
        yield {"object_kind": "pipeline", "user": by, "object_attributes": over, "builds": []}
    for one in _list(repository / "deployments.json"):
        for status, at in (("running", one["created_at"]), ("success", one["updated_at"])):
            yield {
                "object_kind": "deployment", "deployment_id": one["id"], "status": status, "status_changed_at": _spoken(at),
                "environment": one["environment"], "user": _gitlab_user(one["creator"]), "ref": one["ref"], "commit_url": f"{web}/-/commit/{one['sha']}",
            }  # fmt: skip


def _merge_request(pull: Json, reviews: list[Json], web: str) -> Iterator[Json]:
    author = _gitlab_user(pull["user"])
    attributes: Json = {
        "id": pull["id"], "iid": pull["number"], "title": pull["title"], "description": pull["body"], "url": f"{web}/-/merge_requests/{pull['number']}",
        "source_branch": pull["head"]["ref"], "target_branch": pull["base"]["ref"], "author_id": author["id"], "draft": False, "labels": [],
        "created_at": _spoken(pull["created_at"]), "merge_commit_sha": None,
    }  # fmt: skip

    def told(by: Json, action: str, at: str, **more: object) -> Json:
        now = attributes | {"action": action, "updated_at": _spoken(at), "state": "opened"} | more
        return {"object_kind": "merge_request", "user": by, "object_attributes": now}

    if _some(pull["number"], 3):
        yield told(author, "open", pull["created_at"], title=f"Draft: {pull['title']}", description="later", draft=True)
        yield told(author, "update", _later(pull["created_at"], 1))
    else:
        yield told(author, "open", pull["created_at"])
    for review in reviews:
        by, at = _gitlab_user(review["user"]), review["submitted_at"]
        if review["body"]:
            note: Json = {"id": review["id"], "note": review["body"], "noteable_type": "MergeRequest", "author_id": by["id"], "created_at": _spoken(at), "updated_at": _spoken(at)}  # fmt: skip
            requested = {"iid": pull["number"]}
            noted: Json = {"object_kind": "note", "user": by, "merge_request": requested}
            if _some(review["id"], 4):
                yield noted | {"object_attributes": note | {"note": "first thought"}}
                note["updated_at"] = _spoken(_later(at, 1))
            yield noted | {"object_attributes": note}
        if review["state"] == "APPROVED":
            yield told(by, "approved", at)
            if _some(review["id"], 5):
                yield told(by, "unapproved", _later(at, 1))
    if pull["merged_at"]:
        merged = {"state": "merged", "merge_commit_sha": pull["merge_commit_sha"]}
        yield told(_gitlab_user(pull["merged_by"]), "merge", pull["merged_at"], **merged)
    elif pull["closed_at"]:
        yield told(author, "close", pull["closed_at"], state="closed")


def _gitlab_user(user: Json) -> Json:
    return {"id": user["id"], "username": user["login"], "name": user["login"]}


# Slack


def _slack(directory: Path) -> Iterator[_Told]:
    root = directory / "slack"
    users = _list(root / "users.json")
    for user in users:
        yield _event("team_join", int(user.get("updated") or 1_700_000_000), user=user)
    for file, kind in (("channels", "channel"), ("groups", "group"), ("dms", "im"), ("mpims", "mpim")):
        for channel in _list(root / f"{file}.json"):
            if kind == "channel":
                yield _event("channel_created", channel["created"], channel=channel)
            for member in channel["members"] if kind in ("channel", "group") else ():
                yield _event(
                    "member_joined_channel",
                    channel["created"] + 60,
                    user=member,
                    channel=channel["id"],
                    channel_type=kind[0].upper().replace("I", "D"),
                )
            folder = root / str(channel.get("name") or channel["id"])
            for day in sorted(folder.glob("*.json")):
                for message in _list(day):
                    yield from _message(message, channel["id"], kind)


def _message(final: Json, channel: str, kind: str) -> Iterator[_Told]:
    # An event tells a message as it is then: without reactions and without the replies that are still to come.
    own = ("reactions", "edited", "reply_count", "reply_users", "reply_users_count", "latest_reply", "replies")
    message: Json = {k: v for k, v in final.items() if k not in own}
    at = float(message["ts"])
    where: Json = {"channel": channel, "channel_type": kind}
    if edited := final.get("edited"):
        first = message | {"text": f"{message['text']} (first wording)"}
        yield _event("message", at, **(first | where))
        now = message | {"edited": edited}
        yield _event("message", float(edited["ts"]), subtype="message_changed", message=now, previous_message=first, hidden=True, ts=edited["ts"], **where)  # fmt: skip
    else:
        yield _event("message", at, **(message | where))
    item = {"type": "message", "channel": channel, "ts": message["ts"]}
    for reaction in final.get("reactions", ()):
        for n, user in enumerate(reaction["users"]):
            yield _event("reaction_added", at + 5 + n, user=user, reaction=reaction["name"], item=item)
    if _some(message["ts"], 9) and message.get("user"):
        yield _event("reaction_added", at + 30, user=message["user"], reaction="eyes", item=item)
        yield _event("reaction_removed", at + 90, user=message["user"], reaction="eyes", item=item)
    if _some(message["ts"], 11) and "reply_count" not in final:
        gone: Json = {} if _some(message["ts"], 2) else {"previous_message": message}
        ts = f"{at + 3600:.6f}"
        yield _event("message", at + 3600, subtype="message_deleted", deleted_ts=message["ts"], hidden=True, ts=ts, **(gone | where))  # fmt: skip


def _event(kind: str, at_s: float, **fields: object) -> _Told:
    event: Json = {"type": kind, "event_ts": f"{at_s:.6f}", **fields}
    body: Json = {"type": "event_callback", "event": event, "event_time": int(at_s)}
    mark = crc32(json.dumps(event, sort_keys=True).encode())
    return "slack", "", body | {"event_id": f"Ev{mark:010X}"}


# the rest


def _alerts(directory: Path) -> Iterator[_Told]:
    for folder in sorted((directory / "alerts").iterdir()):
        for file in sorted(folder.glob("*.jsonl")):
            for line in file.read_text().splitlines():
                yield folder.name, folder.name, json.loads(line)


def _deployments(directory: Path) -> Iterator[_Told]:
    for line in (directory / "deployments" / "deployments.jsonl").read_text().splitlines():
        told: Json = json.loads(line)
        begun = {k: v for k, v in told.items() if k not in ("finished_at", "outcome")} | {"outcome": "in_progress"}
        yield "deployments", "", begun
        yield "deployments", "", told


# what they share


def _list(path: Path, key: str = "") -> list[Json]:
    if not path.exists():
        return []
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:  # a file that was broken on purpose
        return []
    return cast("list[Json]", found[key] if key else found)


def _some(name: object, of: int) -> bool:
    """One in so many, the same each time."""
    return crc32(str(name).encode()) % of == 0


def _later(at: str, minutes: int) -> str:
    return rfc3339(instant(at) + minutes * MINUTE)


def _spoken(at: str) -> str:
    """A time as GitLab's webhooks write it."""
    return at[:19].replace("T", " ") + " UTC"


def counts(hooks: list[Hook]) -> Mapping[str, int]:
    """How many deliveries each sender has."""
    found: dict[str, int] = {}
    for hook in hooks:
        found[hook.sender] = found.get(hook.sender, 0) + 1
    return found
