"""From workflow runs, their jobs, and releases to facts."""

from __future__ import annotations

from graph.clock import rfc3339
from graph.model import Alias, Entity, EntityRef, Value, ref
from ingest import names
from ingest.sources.forge.statements import Statements
from ingest.sources.github.payloads import Job, Release, Run, moment
from ingest.sources.github.pull_facts import account

FAILURES = frozenset({"failure", "timed_out", "startup_failure"})
"""Conclusions of runs and jobs that failed."""


def state_run(said: Statements, run: Run) -> None:
    """State a workflow run: a version for its beginning, one for the beginning of a later attempt, one for its end.

    GitHub tells no time of completion: a completed run was updated last when it completed.
    """
    this = run_ref(said, run.id)
    locator = f"{said.repository}/actions/runs/{run.id}"
    url = run.html_url or None
    created = moment(run.created_at)
    said.itself(created)
    begun: dict[str, Value] = {
        "repository": said.repository,
        "name": run.name or run.path or "workflow",
        "event": run.event,
        "branch": run.head_branch or "",
        "commit": run.head_sha if names.is_commit_hash(run.head_sha) else "",
        "conclusion": "",
        "started_at": rfc3339(created),
        "attempt": 1,
        "url": run.html_url,
    }
    if run.run_number is not None:
        begun["number"] = run.run_number
    begun = {k: v for k, v in begun.items() if v != "" or k == "conclusion"}
    versions = {created: begun}
    last = begun
    if run.run_attempt > 1 and run.run_started_at:
        again = max(created, moment(run.run_started_at))
        last = versions[again] = begun | {"started_at": rfc3339(again), "attempt": run.run_attempt}
        # What failed in the attempt before is told by its jobs, on a timeline of their own.
        said.state(Entity(this, {"failing_step": ""}), again, locator, url=url, part="jobs")
        if run.triggering_actor is not None and run.triggering_actor != run.actor:
            said.relate("PERFORMED_BY", this, account(said, run.triggering_actor, again), again, locator, url=url)
    if run.status == "completed" and run.updated_at:
        ended = max(*versions, moment(run.updated_at))
        versions[ended] = last | {"conclusion": run.conclusion or "unknown", "completed_at": rfc3339(ended)}
    for at, properties in versions.items():
        said.state(Entity(this, properties), at, locator, url=url)
    if url:
        said.state(Alias(this, "url", url), created, locator, url=url)
    if run.display_title:
        said.text(this, "title", run.display_title.strip(), created, locator, url=url)
    said.relate("PERFORMED_BY", this, account(said, run.actor, created), created, locator, url=url)
    if (commit := said.commit(run.head_sha, created)) is not None:
        said.relate("RAN_ON", this, commit, created, locator, url=url)


def state_job(said: Statements, job: Job) -> None:
    """State the step that failed in a job, if one did. Of several jobs that failed the last one counts."""
    if job.conclusion not in FAILURES or not job.completed_at:
        return
    at = moment(job.completed_at)
    step = next((s.name for s in job.steps if s.conclusion in FAILURES), "")
    failing = f"{job.name} / {step}" if step else job.name
    locator = f"{said.repository}/actions/runs/{job.run_id}"
    said.state(
        Entity(run_ref(said, job.run_id), {"failing_step": failing}), at, locator, url=job.html_url or None, part="jobs"
    )


def state_release(said: Statements, release: Release) -> None:
    """State a published release."""
    if release.draft or not release.published_at:
        return
    at = moment(release.published_at)
    updated = max(at, moment(release.updated_at or release.published_at))
    this = ref("Release", "github", said.repository, str(release.id))
    locator = f"{said.repository}/releases/{release.id}"
    url = release.html_url or None
    said.itself(at)
    title = release.name or release.tag_name
    properties: dict[str, Value] = {
        "repository": said.repository,
        "name": title,
        "tag": release.tag_name,
        "url": release.html_url,
        "prerelease": release.prerelease,
    }
    said.state(Entity(this, properties), at, locator, observed_at=updated, url=url)
    for name in dict.fromkeys((title, release.tag_name)):
        if name:
            said.state(Alias(this, "name", name), at, locator, url=url)
    said.relate("AUTHORED_BY", this, account(said, release.author, at), at, locator, url=url)
    said.text(this, "notes", (release.body or "").strip(), at, locator, observed_at=updated, url=url)


def run_ref(said: Statements, run_id: int) -> EntityRef:
    """The ref of a run of this repository."""
    return names.workflow_run("github", said.repository, str(run_id))
