"""A small project as GitLab tells it: by REST answers, by exported files and by webhooks, all from the same objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from graph.clock import instant
from ingest.webhook import Delivery
from tests.contracts.source_contract import CANARY

PROJECT = "shop/platform/infra"
WEB = f"https://gitlab.example.com/{PROJECT}"
RECEIVED = instant("2026-05-30T00:00:00Z")
Json = dict[str, Any]


def sha(n: int) -> str:
    return f"{n:040x}"


def user(login: str) -> Json:
    ids = {"alice": 1, "bob": 2, "carol": 3, "project_7_bot_ab": 4}
    return {
        "id": ids[login],
        "username": login,
        "name": login.title(),
        "web_url": f"https://gitlab.example.com/{login}",
    }


def merge_request(iid: int, created: str, updated: str, **more: Any) -> Json:
    return {
        "id": 9000 + iid,
        "iid": iid,
        "state": "opened",
        "title": f"Change {iid}",
        "description": None,
        "web_url": f"{WEB}/-/merge_requests/{iid}",
        "author": user("alice"),
        "source_branch": f"topic-{iid}",
        "target_branch": "main",
        "draft": False,
        "labels": [],
        "created_at": created,
        "updated_at": updated,
        "merged_at": None,
        "closed_at": None,
        "merge_user": None,
        "sha": sha(iid),
        "merge_commit_sha": None,
        "squash_commit_sha": None,
        "upvotes": 3,
        **more,
    }


def note(note_id: int, who: str | None, at: str, body: str, updated: str = "", *, system: bool = False) -> Json:
    author = user(who) if who else None
    return {
        "id": note_id,
        "author": author,
        "body": body,
        "created_at": at,
        "updated_at": updated or at,
        "system": system,
        "noteable_type": "MergeRequest",
    }


def deployment(deployment_id: int, created: str, ended: str, status: str, environment: str, job: str) -> Json:
    return {
        "id": deployment_id,
        "iid": deployment_id,
        "ref": "main",
        "sha": sha(deployment_id),
        "status": status,
        "created_at": created,
        "updated_at": ended or created,
        "finished_at": ended or None,
        "user": user("bob"),
        "environment": {"id": 1, "name": environment},
        "deployable": {"id": 5, "name": job, "stage": "deploy", "pipeline": {"id": 101}},
    }


class World:
    """The objects. Change them between two pulls as GitLab would."""

    def __init__(self) -> None:
        self.requests: dict[int, Json] = {
            1: merge_request(
                1,
                "2026-05-01T10:00:00.123Z",
                "2026-05-02T12:00:00.456Z",
                state="merged",
                title="Open port 443",
                description=f"Closes #12, fixes shop/api#7. See {WEB}/-/merge_requests/9\n\nexport DB_PASSWORD={CANARY}",
                merged_at="2026-05-02T12:00:00.100Z",
                merge_user=user("bob"),
                merge_commit_sha=sha(500),
                labels=["network"],
            ),
            2: merge_request(2, "2026-05-03T09:00:00Z", "2026-05-04T09:00:00Z", author=None, draft=True),
            3: merge_request(
                3,
                "2026-05-05T09:00:00Z",
                "2026-05-06T09:00:00Z",
                state="closed",
                closed_at="2026-05-06T09:00:00Z",
                author=user("project_7_bot_ab"),
            ),
        }
        self.approvals: dict[int, Json] = {
            1: {"approved": True, "approved_by": [{"user": user("bob")}, {"user": user("carol")}]},
            2: {"approved": False, "approved_by": []},
        }
        self.notes: dict[int, list[Json]] = {
            1: [
                note(11, "carol", "2026-05-01T11:00:00Z", "Why 443? See shop/api#9"),
                note(12, "bob", "2026-05-01T12:00:00Z", "approved this merge request", system=True),
                note(13, "bob", "2026-05-01T12:00:01Z", "changed the description", system=True),
                note(14, "alice", "2026-05-01T13:00:00Z", "now narrower", "2026-05-01T14:00:00Z"),
            ],
            3: [
                note(31, "bob", "2026-05-05T10:00:00Z", "approved this merge request", system=True),
                note(32, "bob", "2026-05-05T11:00:00Z", "unapproved this merge request", system=True),
            ],
        }
        self.commits: dict[int, list[Json]] = {
            1: [
                {"id": sha(1), "committed_date": "2026-05-01T09:00:00.000+00:00", "web_url": f"{WEB}/-/commit/{sha(1)}"}
            ]
        }
        self.diffs: dict[int, list[Json]] = {
            1: [{"new_path": "lb.tf", "old_path": "lb.tf"}, {"new_path": "b", "old_path": "a"}]
        }
        self.pipelines: dict[int, Json] = {
            101: self._pipeline(101, "2026-05-02T12:01:00Z", "2026-05-02T12:09:00Z", "success"),
            102: self._pipeline(102, "2026-05-03T12:01:00Z", "2026-05-03T12:09:00Z", "failed"),
            103: self._pipeline(103, "2026-05-04T12:01:00Z", None, "running"),
        }
        self.jobs: dict[int, list[Json]] = {
            102: [
                {
                    "id": 1,
                    "name": "lint",
                    "stage": "test",
                    "status": "failed",
                    "allow_failure": True,
                    "finished_at": "2026-05-03T12:08:30Z",
                },
                {
                    "id": 2,
                    "name": "plan",
                    "stage": "terraform",
                    "status": "failed",
                    "allow_failure": False,
                    "finished_at": "2026-05-03T12:08:00Z",
                },
            ]
        }
        self.deployments: dict[int, Json] = {
            5: deployment(5, "2026-05-02T12:05:00Z", "2026-05-02T12:08:00Z", "success", "production", "deploy"),
            6: deployment(6, "2026-05-03T12:05:00Z", "2026-05-03T12:08:00Z", "failed", "staging", "deploy"),
            7: deployment(7, "2026-05-04T12:05:00Z", "", "running", "production", "deploy"),
            8: deployment(8, "2026-05-05T12:05:00Z", "2026-05-05T12:08:00Z", "success", "tf-prod", "apply"),
        }

    @staticmethod
    def _pipeline(number: int, created: str, finished: str | None, status: str) -> Json:
        return {
            "id": number,
            "iid": number % 100,
            "sha": sha(number),
            "ref": "main",
            "source": "push",
            "status": status,
            "name": None,
            "created_at": created,
            "updated_at": finished or created,
            "finished_at": finished,
            "web_url": f"{WEB}/-/pipelines/{number}",
            "user": user("alice"),
        }

    # -- as files

    def write(self, root: Path, name: str = PROJECT) -> Path:
        base = root / "projects" / quote(name, safe="")

        def put(path: str, value: object) -> None:
            file = base / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(value))

        put("merge_requests.json", list(self.requests.values()))
        for iid in self.requests:
            for what in ("approvals", "notes", "commits", "diffs"):
                put(f"merge_requests/{iid}/{what}.json", self.answer(f"merge_requests/{iid}/{what}"))
        put("pipelines.json", list(self.pipelines.values()))
        for number, jobs in self.jobs.items():
            put(f"pipelines/{number}/jobs.json", jobs)
        put("deployments.json", list(self.deployments.values()))
        return root

    # -- as REST answers

    def serve(self, server: HTTPServer, per_page: int = 2) -> list[str]:
        asked: list[str] = []
        prefix = f"/api/v4/projects/{PROJECT}"

        def answer(request: Request) -> Response:
            asked.append(request.full_path)
            found = self.answer(request.path.removeprefix(prefix).strip("/"))
            if found is None:
                return Response('{"message": "404 Not found"}', 404, content_type="application/json")
            if not isinstance(found, list):
                return Response(json.dumps(found), content_type="application/json")
            items = cast("list[Json]", found)
            if after := request.args.get("updated_after"):
                items = [x for x in items if instant(x["updated_at"]) > instant(after)]
            headers: dict[str, str] = {}
            page = int(request.args.get("page", "1"))
            if page * per_page < len(items):
                args = {**request.args.to_dict(), "page": str(page + 1)}
                query = "&".join(f"{k}={quote(v)}" for k, v in args.items())
                path = f"/api/v4/projects/{quote(PROJECT, safe='')}{request.path.removeprefix(prefix)}"
                headers["Link"] = f'<{server.url_for(path)}?{query}>; rel="next"'
            told = json.dumps(items[(page - 1) * per_page : page * per_page])
            return Response(told, headers=headers, content_type="application/json")

        server.expect_request(re.compile("/api/v4/.*")).respond_with_handler(answer)
        return asked

    def answer(self, path: str) -> Any:
        parts = path.split("/") if path else []
        match parts:
            case []:
                return {"id": 7, "path_with_namespace": PROJECT, "web_url": WEB}
            case ["merge_requests"]:
                return sorted(self.requests.values(), key=lambda m: m["updated_at"], reverse=True)
            case ["merge_requests", n, "approvals"]:
                return self.approvals.get(int(n), {"approved_by": []})
            case ["merge_requests", n, what]:
                found: Mapping[str, dict[int, list[Json]]] = {
                    "notes": self.notes,
                    "commits": self.commits,
                    "diffs": self.diffs,
                }
                return found[what].get(int(n), [])
            case ["pipelines"]:
                hidden = ("user", "finished_at")
                listed = sorted(self.pipelines.values(), key=lambda p: -p["id"])
                return [{k: v for k, v in p.items() if k not in hidden} for p in listed]
            case ["pipelines", n]:
                return self.pipelines.get(int(n))
            case ["pipelines", n, "jobs"]:
                return self.jobs.get(int(n), [])
            case ["deployments"]:
                return sorted(self.deployments.values(), key=lambda d: d["updated_at"], reverse=True)
            case _:
                return None

    # -- as webhooks

    def hooks(self) -> Iterator[Json]:
        """What GitLab would have sent while all this happened, in order of objects."""
        for iid, one in self.requests.items():
            actor = one["author"]
            opened = self._attributes(one, "open", one["created_at"], "opened")
            yield {"object_kind": "merge_request", "user": actor, "object_attributes": opened}
            for said in self.notes.get(iid, []):
                words = {"approved this merge request": "approved", "unapproved this merge request": "unapproved"}
                if said["system"] and said["body"] in words:
                    changed = self._attributes(one, words[said["body"]], said["created_at"], "opened")
                    yield {"object_kind": "merge_request", "user": said["author"], "object_attributes": changed}
                elif not said["system"]:
                    attributes = {k: v for k, v in said.items() if k not in ("body", "author")}
                    attributes |= {"note": said["body"], "author_id": said["author"]["id"]}
                    yield {
                        "object_kind": "note",
                        "user": said["author"],
                        "object_attributes": attributes,
                        "merge_request": {"iid": iid},
                    }
            if one["state"] != "opened":
                action = "merge" if one["state"] == "merged" else "close"
                ended = self._attributes(one, action, one["updated_at"], one["state"])
                yield {"object_kind": "merge_request", "user": user("bob"), "object_attributes": ended}
        for number, one in self.pipelines.items():
            attributes = {k: v for k, v in one.items() if k not in ("user", "web_url", "updated_at")}
            begun = attributes | {"status": "running", "finished_at": None, "created_at": _spoken(one["created_at"])}
            yield {"object_kind": "pipeline", "user": one["user"], "object_attributes": begun, "builds": []}
            over = attributes | {"created_at": _spoken(one["created_at"])}
            builds = self.jobs.get(number, [])
            yield {"object_kind": "pipeline", "user": one["user"], "object_attributes": over, "builds": builds}
        for number, one in self.deployments.items():
            for status, at in (("running", one["created_at"]), (one["status"], one["finished_at"])):
                if at:
                    yield {
                        "object_kind": "deployment",
                        "deployment_id": number,
                        "status": status,
                        "status_changed_at": at.replace("T", " ").replace("Z", " +0000"),
                        "environment": one["environment"]["name"],
                        "user": one["user"],
                        "ref": one["ref"],
                        "short_sha": one["sha"][:8],
                        "commit_url": f"{WEB}/-/commit/{one['sha']}",
                    }

    @staticmethod
    def _attributes(one: Json, action: str, at: str, state: str) -> Json:
        return {
            "id": one["id"],
            "iid": one["iid"],
            "title": one["title"],
            "description": one["description"],
            "url": one["web_url"],
            "source_branch": one["source_branch"],
            "target_branch": one["target_branch"],
            "author_id": (one["author"] or {"id": 99})["id"],
            "created_at": _spoken(one["created_at"]),
            "updated_at": _spoken(at),
            "state": state,
            "action": action,
            "draft": one["draft"],
            "labels": [{"id": 1, "title": label} for label in one["labels"]],
            "merge_commit_sha": one["merge_commit_sha"] if state == "merged" else None,
        }


def _spoken(at: str) -> str:
    """A time as webhooks write it: `2026-05-01 10:00:00 UTC`."""
    return at[:19].replace("T", " ") + " UTC"


def delivery(body: Mapping[str, Any], n: int = 0) -> Delivery:
    project = {"path_with_namespace": PROJECT, "web_url": WEB, "name": "infra"}
    return Delivery(f"delivery-{n}", "", json.dumps({"project": project, **body}).encode(), RECEIVED, {})
