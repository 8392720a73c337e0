"""A small repository as GitHub tells it: by REST answers, by exported files and by webhooks, all from the same objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from graph.clock import instant
from ingest.webhook import Delivery
from tests.contracts.source_contract import CANARY

REPO = "shop/infra"
WEB = f"https://github.com/{REPO}"
RECEIVED = instant("2026-05-30T00:00:00Z")
Json = dict[str, Any]


def sha(n: int) -> str:
    return f"{n:040x}"


def user(login: str) -> Json:
    kind = "Bot" if login.endswith("[bot]") else "User"
    return {
        "login": login,
        "id": len(login),
        "type": kind,
        "html_url": f"https://github.com/{login}",
        "site_admin": False,
    }


def pull(number: int, created: str, updated: str, **more: Any) -> Json:
    return {
        "id": 9000 + number,
        "number": number,
        "state": "open",
        "title": f"Change {number}",
        "html_url": f"{WEB}/pull/{number}",
        "body": None,
        "user": user("alice"),
        "head": {"ref": f"topic-{number}", "sha": sha(number), "repo": {"full_name": REPO}},
        "base": {"ref": "main", "sha": sha(0), "repo": {"full_name": REPO, "stargazers_count": 5}},
        "draft": False,
        "labels": [],
        "created_at": created,
        "updated_at": updated,
        "closed_at": None,
        "merged_at": None,
        "merge_commit_sha": sha(999),
        "merged_by": None,
        "comments": 0,
        "review_comments": 0,
        "some_field_of_tomorrow": {"x": 1},
        **more,
    }


def review(number: int, review_id: int, who: str | None, state: str, at: str, body: str = "") -> Json:
    return {
        "id": review_id,
        "user": user(who) if who else None,
        "state": state,
        "body": body,
        "submitted_at": at,
        "html_url": f"{WEB}/pull/{number}#pullrequestreview-{review_id}",
    }


def comment(comment_id: int, who: str | None, at: str, body: str, updated: str = "", **more: Any) -> Json:
    return {
        "id": comment_id,
        "user": user(who) if who else None,
        "body": body,
        "created_at": at,
        "updated_at": updated or at,
        "html_url": f"{WEB}/comments/{comment_id}",
        **more,
    }


def commit(n: int, who: str | None, at: str) -> Json:
    person = {"name": "x", "email": f"{who or 'nobody'}@shop.example", "date": at}
    return {"sha": sha(n), "commit": {"author": person, "committer": person}, "author": user(who) if who else {}}


def deployment(deployment_id: int, at: str, **more: Any) -> Json:
    return {
        "id": deployment_id,
        "sha": sha(deployment_id),
        "ref": "main",
        "task": "deploy",
        "payload": {},
        "original_environment": "production",
        "environment": "production",
        "description": None,
        "creator": user("deployer[bot]"),
        "created_at": at,
        "updated_at": at,
        **more,
    }


def status(status_id: int, state: str, at: str, run: int | None = None) -> Json:
    url = f"{WEB}/actions/runs/{run}/job/7" if run else ""
    return {"id": status_id, "state": state, "created_at": at, "updated_at": at, "log_url": url, "target_url": url}


def run(run_id: int, at: str, ended: str | None, conclusion: str | None, **more: Any) -> Json:
    return {
        "id": run_id,
        "name": "terraform",
        "display_title": f"Change {run_id}",
        "run_number": run_id % 100,
        "run_attempt": 1,
        "run_started_at": at,
        "event": "push",
        "status": "completed" if ended else "in_progress",
        "conclusion": conclusion,
        "head_branch": "main",
        "head_sha": sha(run_id),
        "html_url": f"{WEB}/actions/runs/{run_id}",
        "created_at": at,
        "updated_at": ended or at,
        "actor": user("alice"),
        "triggering_actor": user("alice"),
        **more,
    }


def job(job_id: int, run_id: int, name: str, conclusion: str, at: str, step: str = "") -> Json:
    steps = [{"name": "Set up job", "conclusion": "success"}]
    if step:
        steps.append({"name": step, "conclusion": conclusion})
    return {
        "id": job_id,
        "run_id": run_id,
        "name": name,
        "conclusion": conclusion,
        "completed_at": at,
        "steps": steps,
        "html_url": f"{WEB}/actions/runs/{run_id}/job/{job_id}",
    }


class World:
    """The objects. Change them between two pulls as GitHub would."""

    def __init__(self) -> None:
        self.pulls: dict[int, Json] = {
            1: pull(
                1,
                "2026-05-01T10:00:00Z",
                "2026-05-02T12:00:00Z",
                state="closed",
                title="Open port 443",
                body=f"Closes #12 and fixes shop/api#7.\n\nSee shop/api#8.\n\nexport DB_PASSWORD={CANARY}",
                closed_at="2026-05-02T11:00:00Z",
                merged_at="2026-05-02T11:00:00Z",
                merge_commit_sha=sha(500),
                merged_by=user("bob"),
                comments=1,
                review_comments=1,
                labels=[{"name": "network"}],
            ),
            2: pull(2, "2026-05-03T09:00:00Z", "2026-05-04T09:00:00Z", user=None, draft=True, comments=0),
            3: pull(
                3,
                "2026-05-05T09:00:00Z",
                "2026-05-06T09:00:00Z",
                state="closed",
                closed_at="2026-05-06T09:00:00Z",
                user=user("dependabot[bot]"),
                head={"ref": "bump", "sha": sha(3), "repo": None},
            ),
        }
        self.reviews: dict[int, list[Json]] = {
            1: [
                review(1, 11, "carol", "COMMENTED", "2026-05-01T11:00:00Z", "Why 443? See shop/api#9"),
                review(1, 12, "bob", "APPROVED", "2026-05-01T12:00:00Z", "go ahead"),
            ],
            2: [review(2, 21, "bob", "DISMISSED", "2026-05-03T10:00:00Z")],
            3: [
                review(3, 31, "bob", "APPROVED", "2026-05-05T10:00:00Z"),
                review(3, 32, "bob", "CHANGES_REQUESTED", "2026-05-05T12:00:00Z", "not yet"),
                review(3, 33, None, "APPROVED", "2026-05-05T13:00:00Z"),
            ],
        }
        self.events: dict[int, list[Json]] = {
            2: [
                {
                    "id": 1,
                    "event": "review_dismissed",
                    "created_at": "2026-05-04T08:00:00Z",
                    "dismissed_review": {"review_id": 21, "state": "approved"},
                }
            ]
        }
        self.files: dict[int, list[Json]] = {
            1: [{"filename": "lb.tf"}, {"filename": "sg.tf", "previous_filename": "old.tf"}],
            2: [{"filename": "README.md"}],
            3: [],
        }
        self.commits: dict[int, list[Json]] = {
            1: [commit(1, "alice", "2026-05-01T09:00:00Z"), commit(41, None, "2026-05-01T10:30:00Z")],
            2: [commit(2, None, "2026-05-03T08:00:00Z")],
            3: [commit(3, "dependabot[bot]", "2026-05-05T08:00:00Z")],
        }
        self.comments: dict[int, list[Json]] = {
            1: [comment(71, "carol", "2026-05-01T13:00:00Z", "now with shop/api#10", "2026-05-01T14:00:00Z")]
        }
        self.review_comments: dict[int, list[Json]] = {
            1: [comment(81, "bob", "2026-05-01T12:00:00Z", "narrow this", path="sg.tf")]
        }
        self.deployments: dict[int, Json] = {
            5: deployment(
                5, "2026-05-02T12:00:00Z", payload={"service": "Checkout API", "version": "v1.4.0", "password": CANARY}
            ),
            6: deployment(
                6, "2026-05-03T12:00:00Z", original_environment="staging", environment="staging", ref="v1.5.0"
            ),
            7: deployment(7, "2026-05-04T12:00:00Z", task="deploy:search", payload=""),
            8: deployment(8, "2026-05-05T12:00:00Z", description="apply the network"),
        }
        self.statuses: dict[int, list[Json]] = {
            5: [
                status(51, "in_progress", "2026-05-02T12:01:00Z", 101),
                status(52, "success", "2026-05-02T12:05:00Z", 101),
                status(53, "inactive", "2026-05-09T12:05:00Z"),
            ],
            6: [status(61, "failure", "2026-05-03T12:05:00Z")],
            7: [status(71, "in_progress", "2026-05-04T12:01:00Z")],
            8: [status(81, "success", "2026-05-05T12:02:00Z", 102)],
        }
        self.runs: dict[int, Json] = {
            101: run(101, "2026-05-02T11:59:00Z", "2026-05-02T12:06:00Z", "success", name="deploy"),
            102: run(102, "2026-05-05T11:59:00Z", "2026-05-05T12:06:00Z", "success", name="terraform-apply"),
            103: run(103, "2026-05-06T08:00:00Z", "2026-05-06T08:10:00Z", "failure"),
            104: run(104, "2026-05-07T08:00:00Z", None, None),
        }
        self.jobs: dict[int, list[Json]] = {
            103: [
                job(1, 103, "lint", "success", "2026-05-06T08:03:00Z"),
                job(2, 103, "plan", "failure", "2026-05-06T08:09:00Z", "terraform plan"),
            ]
        }
        self.releases: list[Json] = [
            {
                "id": 301,
                "tag_name": "v1.4.0",
                "name": "May",
                "body": "Port 443, shop/api#8",
                "html_url": f"{WEB}/releases/tag/v1.4.0",
                "draft": False,
                "prerelease": False,
                "author": user("alice"),
                "created_at": "2026-05-01T09:00:00Z",
                "published_at": "2026-05-02T13:00:00Z",
            },
            {"id": 302, "tag_name": "v2", "name": None, "draft": True, "author": None, "published_at": None},
        ]

    # -- as files

    def write(self, root: Path, name: str = REPO) -> Path:
        base = root / "repos" / name

        def put(path: str, value: object) -> None:
            file = base / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(value))

        put("pulls.json", list(self.pulls.values()))
        for number in self.pulls:
            put(f"pulls/{number}/reviews.json", self.reviews.get(number, []))
            put(f"pulls/{number}/files.json", self.files.get(number, []))
            put(f"pulls/{number}/commits.json", self.commits.get(number, []))
            put(f"pulls/{number}/comments.json", self.review_comments.get(number, []))
            put(f"pulls/{number}/events.json", self.events.get(number, []))
            put(f"issues/{number}/comments.json", self.comments.get(number, []))
        put("deployments.json", list(self.deployments.values()))
        for number, statuses in self.statuses.items():
            put(f"deployments/{number}/statuses.json", statuses)
        put("actions/runs.json", {"total_count": len(self.runs), "workflow_runs": list(self.runs.values())})
        for number, jobs in self.jobs.items():
            put(f"actions/runs/{number}/jobs.json", {"jobs": jobs})
        put("releases.json", self.releases)
        return root

    # -- as REST answers

    def serve(self, server: HTTPServer, per_page: int = 2) -> list[str]:
        """Answer the API's questions with small pages. Returns the list of paths asked for, which grows."""
        asked: list[str] = []

        def answer(request: Request) -> Response:
            asked.append(request.path)
            found = self.answer(request.path.removeprefix(f"/repos/{REPO}").strip("/"))
            if found is None:
                return Response('{"message": "Not Found"}', 404, content_type="application/json")
            key = "" if isinstance(found, list) else next((k for k in ("jobs", "workflow_runs") if k in found), None)
            if key is None:
                return Response(json.dumps(found), content_type="application/json; charset=utf-8")
            items = cast("list[Json]", cast("Json", found)[key] if key else found)
            headers: dict[str, str] = {}
            page = int(request.args.get("page", "1"))
            if page * per_page < len(items):
                args = {**request.args.to_dict(), "page": str(page + 1)}
                query = "&".join(f"{k}={v}" for k, v in args.items())
                headers["Link"] = f'<{request.base_url}?{query}>; rel="next", <{request.base_url}>; rel="first"'
            chosen = items[(page - 1) * per_page : page * per_page]
            told = json.dumps({key: chosen} if key else chosen)
            return Response(told, headers=headers, content_type="application/json; charset=utf-8")

        server.expect_request(re.compile(r"/repos/.*")).respond_with_handler(answer)
        return asked

    def answer(self, path: str) -> Any:
        parts = path.split("/") if path else []
        match parts:
            case []:
                return {"full_name": REPO, "html_url": WEB}
            case ["pulls"]:
                listed = sorted(self.pulls.values(), key=lambda p: p["updated_at"], reverse=True)
                only_full = ("merged_by", "comments", "review_comments")
                return [{k: v for k, v in p.items() if k not in only_full} for p in listed]
            case ["pulls", n]:
                return self.pulls.get(int(n))
            case ["pulls", n, what]:
                found: Mapping[str, dict[int, list[Json]]] = {
                    "reviews": self.reviews,
                    "files": self.files,
                    "commits": self.commits,
                    "comments": self.review_comments,
                }
                return found[what].get(int(n), [])
            case ["issues", n, "comments"]:
                return self.comments.get(int(n), [])
            case ["issues", n, "events"]:
                return self.events.get(int(n), [])
            case ["deployments"]:
                return sorted(self.deployments.values(), key=lambda d: -d["id"])
            case ["deployments", n]:
                return self.deployments.get(int(n))
            case ["deployments", n, "statuses"]:
                return list(reversed(self.statuses.get(int(n), [])))
            case ["actions", "runs"]:
                return {"workflow_runs": sorted(self.runs.values(), key=lambda r: -r["id"])}
            case ["actions", "runs", n]:
                return self.runs.get(int(n))
            case ["actions", "runs", n, "jobs"]:
                return {"jobs": self.jobs.get(int(n), [])}
            case ["releases"]:
                return self.releases
            case _:
                return None

    # -- as webhooks

    def hooks(self) -> list[tuple[str, Json]]:
        """What GitHub would have sent while all this happened, in order of objects."""
        return list(self._hooks())

    def _hooks(self) -> Iterator[tuple[str, Json]]:
        for number, final in self.pulls.items():
            opened = deepcopy(final)
            opened |= {"state": "open", "updated_at": final["created_at"], "closed_at": None, "merged_at": None}
            opened |= {"merged_by": None, "merge_commit_sha": None, "labels": []}
            yield "pull_request", {"action": "opened", "number": number, "pull_request": opened}
            if final["labels"]:
                at = {"updated_at": "2026-05-01T10:05:00Z", "labels": final["labels"]}
                yield "pull_request", {"action": "labeled", "pull_request": opened | at}
            for one in self.reviews.get(number, []):
                yield from self._review_hooks(number, one, opened)
            for one in self.comments.get(number, []):
                first = one | {"body": "first shop/api#11", "updated_at": one["created_at"]}
                issue = {"number": number, "updated_at": one["created_at"], "pull_request": {"url": "x"}}
                yield "issue_comment", {"action": "created", "issue": issue, "comment": first}
                if one["updated_at"] != one["created_at"]:
                    changes = {"body": {"from": first["body"]}}
                    yield "issue_comment", {"action": "edited", "issue": issue, "comment": one, "changes": changes}
            for one in self.review_comments.get(number, []):
                seen = _simple(opened) | {"updated_at": one["created_at"]}
                yield "pull_request_review_comment", {"action": "created", "comment": one, "pull_request": seen}
            if final["state"] == "closed":
                yield "pull_request", {"action": "closed", "pull_request": final | {"updated_at": final["closed_at"]}}
            yield "pull_request", {"action": "unlabeled", "pull_request": final}
        for number, one in self.deployments.items():
            workflow = self._workflow(number)
            yield "deployment", {"action": "created", "deployment": one, **workflow}
            for state in self.statuses[number]:
                body = {"action": "created", "deployment": one, "deployment_status": state, **workflow}
                yield "deployment_status", body
        for one in self.runs.values():
            started = one | {"status": "in_progress", "conclusion": None, "updated_at": one["created_at"]}
            yield "workflow_run", {"action": "in_progress", "workflow_run": started}
            if one["status"] == "completed":
                yield "workflow_run", {"action": "completed", "workflow_run": one}
        for jobs in self.jobs.values():
            for one in jobs:
                yield "workflow_job", {"action": "completed", "workflow_job": one}
        for one in self.releases:
            yield "release", {"action": "published", "release": one}

    def _review_hooks(self, number: int, one: Json, opened: Json) -> Iterator[tuple[str, Json]]:
        was = "APPROVED" if one["state"] == "DISMISSED" else one["state"]
        seen = _simple(opened) | {"updated_at": one["submitted_at"]}
        submitted = one | {"state": was.lower()}
        yield "pull_request_review", {"action": "submitted", "review": submitted, "pull_request": seen}
        if one["state"] == "DISMISSED":
            seen = seen | {"updated_at": "2026-05-04T08:00:00Z"}
            body = {"action": "dismissed", "review": one | {"state": "dismissed"}, "pull_request": seen}
            yield "pull_request_review", body

    def _workflow(self, deployment_id: int) -> Json:
        for one in self.statuses[deployment_id]:
            if one["log_url"]:
                run_id = int(one["log_url"].split("/")[-3])
                return {"workflow_run": {"id": run_id, "name": self.runs[run_id]["name"]}}
        return {"workflow_run": None}


def _simple(full: Json) -> Json:
    """A pull request as events of other things hold it."""
    return {k: v for k, v in full.items() if k not in ("merged_by", "comments", "review_comments")}


def delivery(event: str, body: Mapping[str, Any], n: int = 0) -> Delivery:
    raw = json.dumps({"repository": {"full_name": REPO, "html_url": WEB}, "sender": user("alice"), **body})
    return Delivery(f"delivery-{n}", event, raw.encode(), RECEIVED, {})


def deliveries(hooks: Sequence[tuple[str, Json]]) -> list[Delivery]:
    return [delivery(event, body, n) for n, (event, body) in enumerate(hooks)]
