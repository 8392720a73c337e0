"""A directory of GitHub API answers: what `GET /repos/{owner}/{repo}/pulls/{n}` and its neighbours return.

Format: https://docs.github.com/en/rest (pulls, reviews, deployments, actions runs and jobs, releases).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from examples.formats.output import Json, Plant, maybe, nothing, number_id, stamp, write_json


@dataclass(frozen=True, slots=True)
class GitHubUser:
    """An account; a bot's login ends in `[bot]`."""

    login: str
    id: int
    bot: bool = False


@dataclass(frozen=True, slots=True)
class Review:
    """A submitted review. `state`: APPROVED, CHANGES_REQUESTED, COMMENTED or DISMISSED."""

    id: int
    author: GitHubUser
    state: str
    submitted_at: datetime
    body: str = ""
    commit_sha: str = ""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment in the conversation, or on a line of a file when `path` is given."""

    id: int
    author: GitHubUser
    created_at: datetime
    body: str
    updated_at: datetime | None = None
    path: str = ""
    line: int = 0
    commit_sha: str = ""


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file of a pull request. `status`: added, modified, removed or renamed."""

    path: str
    status: str = "modified"
    additions: int = 1
    deletions: int = 1
    patch: str = ""
    previous_path: str = ""


@dataclass(frozen=True, slots=True)
class PullRequestCommit:
    """A commit of a pull request's branch; it may exist nowhere else after a squash."""

    sha: str
    message: str
    author_name: str
    author_email: str
    at: datetime
    author: GitHubUser | None = None


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request as it stands at the end of the history. Open: neither `merged_at` nor `closed_at`."""

    number: int
    title: str
    body: str
    author: GitHubUser
    branch: str
    created_at: datetime
    head_sha: str
    base_sha: str
    merged_at: datetime | None = None
    merged_by: GitHubUser | None = None
    merge_sha: str = ""
    closed_at: datetime | None = None
    reviews: tuple[Review, ...] = ()
    comments: tuple[Comment, ...] = ()
    review_comments: tuple[Comment, ...] = ()
    files: tuple[ChangedFile, ...] = ()
    commits: tuple[PullRequestCommit, ...] = ()
    labels: tuple[str, ...] = ()
    requested_reviewers: tuple[GitHubUser, ...] = ()
    draft: bool = False

    @property
    def updated_at(self) -> datetime:
        """When anything was last done to it."""
        times = [self.created_at, *(t for t in (self.merged_at, self.closed_at) if t is not None)]
        times += [r.submitted_at for r in self.reviews]
        times += [c.updated_at or c.created_at for c in (*self.comments, *self.review_comments)]
        return max(times)


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    """A state of a deployment: queued, in_progress, success, failure, error, inactive."""

    id: int
    state: str
    at: datetime
    creator: GitHubUser
    description: str = ""
    log_url: str = ""


@dataclass(frozen=True, slots=True)
class GitHubDeployment:
    """A deployment of the Deployments API."""

    id: int
    sha: str
    ref: str
    environment: str
    creator: GitHubUser
    created_at: datetime
    task: str = "deploy"
    description: str = ""
    payload: Mapping[str, object] = field(default_factory=dict[str, object])
    statuses: tuple[DeploymentStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a job."""

    name: str
    conclusion: str
    started_at: datetime
    completed_at: datetime


@dataclass(frozen=True, slots=True)
class Job:
    """A job of a run."""

    id: int
    name: str
    conclusion: str
    started_at: datetime
    completed_at: datetime
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """A run of a workflow; `conclusion` is empty while it runs."""

    id: int
    number: int
    name: str
    path: str
    event: str
    branch: str
    sha: str
    actor: GitHubUser
    title: str
    created_at: datetime
    updated_at: datetime
    conclusion: str
    attempt: int = 1
    jobs: tuple[Job, ...] = ()
    pull_requests: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """A published release."""

    id: int
    tag: str
    name: str
    target: str
    author: GitHubUser
    created_at: datetime
    published_at: datetime
    body: str = ""


@dataclass(frozen=True, slots=True)
class GitHubRepository:
    """Everything of one repository."""

    owner: str
    name: str
    pulls: tuple[PullRequest, ...] = ()
    deployments: tuple[GitHubDeployment, ...] = ()
    runs: tuple[WorkflowRun, ...] = ()
    releases: tuple[Release, ...] = ()

    @property
    def full_name(self) -> str:
        """owner/name."""
        return f"{self.owner}/{self.name}"


def write_github(directory: Path, repositories: list[GitHubRepository], plant: Plant = nothing) -> None:
    """Write `directory`/repos/<owner>/<name>/… . Files that would be empty are not written, but pulls.json always is."""
    for repository in repositories:
        _write_repository(directory / "repos" / repository.owner / repository.name, repository, plant)


def user_json(user: GitHubUser) -> Json:
    """A user as the API embeds one."""
    return {
        "login": user.login,
        "id": user.id,
        "node_id": f"U_{user.id}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{user.id}?v=4",
        "url": f"https://api.github.com/users/{user.login}",
        "html_url": f"https://github.com/{'apps/' if user.bot else ''}{user.login.removesuffix('[bot]')}",
        "type": "Bot" if user.bot else "User",
        "site_admin": False,
    }


def pull_json(repository: GitHubRepository, pull: PullRequest, plant: Plant = nothing) -> Json:
    """A pull request as `GET /repos/{owner}/{repo}/pulls/{n}` gives it."""
    name = repository.full_name
    closed = pull.merged_at or pull.closed_at
    html, api = f"https://github.com/{name}", f"https://api.github.com/repos/{name}"
    secret = plant("github.pull.body")
    return {
        "url": f"{api}/pulls/{pull.number}",
        "id": number_id(name, "pull", pull.number),
        "node_id": f"PR_{number_id(name, 'pull', pull.number)}",
        "html_url": f"{html}/pull/{pull.number}",
        "issue_url": f"{api}/issues/{pull.number}",
        "number": pull.number,
        "state": "closed" if closed else "open",
        "locked": False,
        "title": pull.title,
        "user": user_json(pull.author),
        "body": (pull.body + (f"\n\n{secret}" if secret else "")) or None,
        "created_at": stamp(pull.created_at),
        "updated_at": stamp(pull.updated_at),
        "closed_at": maybe(closed),
        "merged_at": maybe(pull.merged_at),
        "merge_commit_sha": pull.merge_sha or None,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [user_json(u) for u in pull.requested_reviewers],
        "requested_teams": [],
        "labels": [{"id": number_id(name, "label", label), "name": label, "color": "ededed", "default": False} for label in pull.labels],
        "milestone": None,
        "draft": pull.draft,
        "head": _branch(repository, pull.branch, pull.head_sha, pull.author),
        "base": _branch(repository, "main", pull.base_sha, None),
        "author_association": "MEMBER",
        "auto_merge": None,
        "merged": pull.merged_at is not None,
        "mergeable": None if closed else True,
        "merged_by": user_json(pull.merged_by) if pull.merged_by else None,
        "comments": len(pull.comments),
        "review_comments": len(pull.review_comments),
        "commits": len(pull.commits),
        "additions": sum(f.additions for f in pull.files),
        "deletions": sum(f.deletions for f in pull.files),
        "changed_files": len(pull.files),
    }  # fmt: skip


def _branch(repository: GitHubRepository, ref: str, sha: str, user: GitHubUser | None) -> Json:
    return {
        "label": f"{repository.owner}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": user_json(user or GitHubUser(repository.owner, number_id("github", repository.owner, digits=7))),
        "repo": {
            "id": number_id("repo", repository.full_name, digits=9),
            "name": repository.name,
            "full_name": repository.full_name,
            "html_url": f"https://github.com/{repository.full_name}",
            "default_branch": "main",
            "private": True,
        },
    }


def review_json(repository: GitHubRepository, pull: PullRequest, review: Review) -> Json:
    """A review as the API gives it."""
    html = f"https://github.com/{repository.full_name}/pull/{pull.number}"
    return {
        "id": review.id,
        "node_id": f"PRR_{review.id}",
        "user": user_json(review.author),
        "body": review.body,
        "state": review.state,
        "html_url": f"{html}#pullrequestreview-{review.id}",
        "pull_request_url": f"https://api.github.com/repos/{repository.full_name}/pulls/{pull.number}",
        "author_association": "MEMBER",
        "submitted_at": stamp(review.submitted_at),
        "commit_id": review.commit_sha or pull.head_sha,
    }


def _comment(repository: GitHubRepository, pull: PullRequest, comment: Comment) -> Json:
    html = f"https://github.com/{repository.full_name}/pull/{pull.number}"
    anchor = f"discussion_r{comment.id}" if comment.path else f"issuecomment-{comment.id}"
    return {
        "id": comment.id,
        "html_url": f"{html}#{anchor}",
        "user": user_json(comment.author),
        "body": comment.body,
        "created_at": stamp(comment.created_at),
        "updated_at": stamp(comment.updated_at or comment.created_at),
        "author_association": "MEMBER",
        **({"path": comment.path, "line": comment.line, "commit_id": comment.commit_sha or pull.head_sha, "pull_request_review_id": None} if comment.path else {}),
    }  # fmt: skip


def _file(repository: GitHubRepository, pull: PullRequest, file: ChangedFile) -> Json:
    return {
        "sha": f"{number_id(repository.full_name, pull.number, file.path, digits=18):040x}",
        "filename": file.path,
        "status": file.status,
        "additions": file.additions,
        "deletions": file.deletions,
        "changes": file.additions + file.deletions,
        "blob_url": f"https://github.com/{repository.full_name}/blob/{pull.head_sha}/{file.path}",
        **({"patch": file.patch} if file.patch else {}),
        **({"previous_filename": file.previous_path} if file.previous_path else {}),
    }


def _commit(repository: GitHubRepository, commit: PullRequestCommit) -> Json:
    who = {"name": commit.author_name, "email": commit.author_email, "date": stamp(commit.at)}
    user = user_json(commit.author) if commit.author else None
    return {
        "sha": commit.sha,
        "html_url": f"https://github.com/{repository.full_name}/commit/{commit.sha}",
        "commit": {"author": who, "committer": who, "message": commit.message, "comment_count": 0},
        "author": user,
        "committer": user,
        "parents": [],
    }


def deployment_json(repository: GitHubRepository, deployment: GitHubDeployment) -> Json:
    """A deployment as the API gives it."""
    api = f"https://api.github.com/repos/{repository.full_name}/deployments/{deployment.id}"
    last = max((s.at for s in deployment.statuses), default=deployment.created_at)
    return {
        "url": api,
        "id": deployment.id,
        "node_id": f"DE_{deployment.id}",
        "sha": deployment.sha,
        "ref": deployment.ref,
        "task": deployment.task,
        "payload": dict(deployment.payload),
        "original_environment": deployment.environment,
        "environment": deployment.environment,
        "description": deployment.description or None,
        "creator": user_json(deployment.creator),
        "created_at": stamp(deployment.created_at),
        "updated_at": stamp(last),
        "statuses_url": f"{api}/statuses",
        "transient_environment": False,
        "production_environment": deployment.environment.startswith("prod"),
    }


def _status(repository: GitHubRepository, deployment: GitHubDeployment, status: DeploymentStatus) -> Json:
    api = f"https://api.github.com/repos/{repository.full_name}/deployments/{deployment.id}"
    return {
        "url": f"{api}/statuses/{status.id}",
        "id": status.id,
        "state": status.state,
        "creator": user_json(status.creator),
        "description": status.description,
        "environment": deployment.environment,
        "target_url": status.log_url,
        "log_url": status.log_url,
        "environment_url": "",
        "created_at": stamp(status.at),
        "updated_at": stamp(status.at),
        "deployment_url": api,
    }


def run_json(repository: GitHubRepository, run: WorkflowRun) -> Json:
    """A workflow run as the API gives it."""
    name = repository.full_name
    return {
        "id": run.id,
        "name": run.name,
        "node_id": f"WFR_{run.id}",
        "head_branch": run.branch,
        "head_sha": run.sha,
        "path": run.path,
        "display_title": run.title,
        "run_number": run.number,
        "run_attempt": run.attempt,
        "event": run.event,
        "status": "completed" if run.conclusion else "in_progress",
        "conclusion": run.conclusion or None,
        "workflow_id": number_id(name, run.path, digits=8),
        "url": f"https://api.github.com/repos/{name}/actions/runs/{run.id}",
        "html_url": f"https://github.com/{name}/actions/runs/{run.id}",
        "pull_requests": [{"number": n, "url": f"https://api.github.com/repos/{name}/pulls/{n}"} for n in run.pull_requests],
        "created_at": stamp(run.created_at),
        "updated_at": stamp(run.updated_at),
        "run_started_at": stamp(run.created_at),
        "actor": user_json(run.actor),
        "triggering_actor": user_json(run.actor),
        "repository": {"id": number_id("repo", name, digits=9), "name": repository.name, "full_name": name},
    }  # fmt: skip


def _job(repository: GitHubRepository, run: WorkflowRun, job: Job) -> Json:
    return {
        "id": job.id,
        "run_id": run.id,
        "run_attempt": run.attempt,
        "workflow_name": run.name,
        "head_branch": run.branch,
        "head_sha": run.sha,
        "html_url": f"https://github.com/{repository.full_name}/actions/runs/{run.id}/job/{job.id}",
        "status": "completed",
        "conclusion": job.conclusion,
        "created_at": stamp(job.started_at),
        "started_at": stamp(job.started_at),
        "completed_at": stamp(job.completed_at),
        "name": job.name,
        "labels": ["ubuntu-latest"],
        "runner_name": "GitHub Actions",
        "steps": [
            {
                "name": step.name,
                "status": "completed",
                "conclusion": step.conclusion,
                "number": i,
                "started_at": stamp(step.started_at),
                "completed_at": stamp(step.completed_at),
            }
            for i, step in enumerate(job.steps, 1)
        ],
    }


def _release(repository: GitHubRepository, release: Release) -> Json:
    return {
        "id": release.id,
        "html_url": f"https://github.com/{repository.full_name}/releases/tag/{release.tag}",
        "tag_name": release.tag,
        "target_commitish": release.target,
        "name": release.name,
        "draft": False,
        "prerelease": False,
        "author": user_json(release.author),
        "created_at": stamp(release.created_at),
        "published_at": stamp(release.published_at),
        "assets": [],
        "body": release.body,
    }


def _write_repository(directory: Path, repository: GitHubRepository, plant: Plant) -> None:
    write_json(directory / "pulls.json", [pull_json(repository, pull, plant) for pull in repository.pulls])
    for pull in repository.pulls:
        folder = directory / "pulls" / str(pull.number)
        for name, values in (
            ("reviews", [review_json(repository, pull, r) for r in pull.reviews]),
            ("files", [_file(repository, pull, f) for f in pull.files]),
            ("commits", [_commit(repository, c) for c in pull.commits]),
            ("comments", [_comment(repository, pull, c) for c in pull.review_comments]),
        ):
            if values:
                write_json(folder / f"{name}.json", values)
        if pull.comments:
            write_json(
                directory / "issues" / str(pull.number) / "comments.json",
                [_comment(repository, pull, c) for c in pull.comments],
            )
    if repository.deployments:
        write_json(directory / "deployments.json", [deployment_json(repository, d) for d in repository.deployments])
    for deployment in repository.deployments:
        if deployment.statuses:
            write_json(
                directory / "deployments" / str(deployment.id) / "statuses.json",
                # newest first, as the API lists them
                [_status(repository, deployment, s) for s in reversed(deployment.statuses)],
            )
    if repository.runs:
        runs = [run_json(repository, run) for run in repository.runs]
        write_json(directory / "actions" / "runs.json", {"total_count": len(runs), "workflow_runs": runs})
    for run in repository.runs:
        if run.jobs:
            jobs = [_job(repository, run, job) for job in run.jobs]
            write_json(
                directory / "actions" / "runs" / str(run.id) / "jobs.json", {"total_count": len(jobs), "jobs": jobs}
            )
    if repository.releases:
        write_json(directory / "releases.json", [_release(repository, r) for r in repository.releases])
