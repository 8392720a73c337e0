"""The github source: pull requests, reviews, deployments, workflow runs and releases of a repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from graph.clock import Instant
from graph.model import FactBatch
from ingest.source import SourceDataInvalid
from ingest.source_doc import SourceDoc
from ingest.sources.github.api_pull import ApiPull
from ingest.sources.github.path_pull import path_batches
from ingest.sources.github.settings import GitHubSettings

__all__ = ["DOC", "GitHubSettings", "GitHubSource"]


class GitHubSource:
    """Reads one repository from the API, or all repositories of a directory of exported answers."""

    name = "github"

    def __init__(self, settings: GitHubSettings) -> None:
        self._settings = settings

    @property
    def scope(self) -> str:
        """owner/name; for a directory of several repositories its name as set, or its absolute path."""
        settings = self._settings
        if settings.repository:
            return settings.repository
        return settings.name or Path(settings.path).expanduser().absolute().as_posix()

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        """See `Source.pull`."""
        settings = self._settings
        if settings.path:
            yield from path_batches(settings, self.scope, cursor, now)
            return
        if settings.repository.count("/") != 1 or not all(settings.repository.split("/")):
            raise SourceDataInvalid(
                "the github source needs a repository or a path", "set repository to owner/name, or path to a directory"
            )
        yield from ApiPull(settings, cursor, now).batches()


DOC = SourceDoc(
    about=(
        "Reads a repository of GitHub or GitHub Enterprise Server: pull requests with their reviews, comments, files, commits and the issues "
        "they close; workflow runs with the step that failed; deployments with their statuses; releases.\n\n"
        "From the REST API what was updated since the last pull is read; a pull that a rate limit stops goes on where it stopped. Webhooks "
        "(`pull_request`, `pull_request_review`, `pull_request_review_comment`, `issue_comment`, `deployment`, `deployment_status`, "
        "`workflow_run`, `workflow_job`, `release`) state the same facts as they happen. With `path` a directory of exported answers is read "
        "instead: `repos/<owner>/<name>/pulls.json` as the API answers, and beside it, each optional, "
        "`pulls/<n>/{reviews,files,commits,comments,events}.json`, `issues/<n>/comments.json`, `deployments.json`, "
        "`deployments/<id>/statuses.json`, `actions/runs.json`, `actions/runs/<id>/jobs.json`, `releases.json`."
    ),
    yields=(
        "PullRequest",
        "Issue",
        "Commit",
        "Repository",
        "Account",
        "Deployment",
        "Environment",
        "Service",
        "WorkflowRun",
        "Release",
        "AUTHORED_BY",
        "REVIEWED_BY",
        "APPROVED_BY",
        "MERGED_BY",
        "MERGED_AS",
        "PART_OF",
        "CLOSES",
        "MENTIONS",
        "COMMENTED_BY",
        "DEPLOYS",
        "RUNS_IN",
        "REACHED",
        "CHANGED",
        "PERFORMED_BY",
        "TRIGGERED_BY",
        "RAN_ON",
    ),
    permissions=(
        "A fine-grained token for the repository, read-only:\n\n"
        "| permission | access |\n|---|---|\n| Metadata | read |\n| Pull requests | read |\n| Issues | read |\n| Contents | read (commits and releases) "
        "|\n| Deployments | read |\n| Actions | read |\n\n"
        "A classic token needs `repo` for a private repository and no scope for a public one. Where a permission is missing the rest is "
        "read, and `lore status` says what was refused. This link fills in GitHub's form; choose the owner and the repository in it:\n\n"
        "```text\n"
        "https://github.com/settings/personal-access-tokens/new?name=infralore&pull_requests=read&issues=read&contents=read&deployments=read"
        "&actions=read\n"
        "```\n\n"
        "A webhook needs no permission: its events are chosen in the settings of the repository or organisation, with the content type "
        "`application/json`."
    ),
    example=(
        "sources:\n"
        "  - github:\n"
        "      repository: shop/infra\n"
        "      token: ${GITHUB_TOKEN}\n"
        "      applies: [terraform-*]\n"
        "      services: {deploy-checkout*: checkout}\n"
        "webhooks:\n"
        "  github:\n"
        "    secret: ${GITHUB_WEBHOOK_SECRET}\n"
        "    applies: [terraform-*]\n"
        "    services: {deploy-checkout*: checkout}\n"
    ),
    limits=(
        "GitHub does not tell when a title or a body was edited: they count as told last, from the beginning on. Comments have their time of edit.",
        "A pull request read by webhook alone has no list of files and commits until the next pull.",
        "The API is not asked for later attempts of runs that had ended; their webhooks tell.",
        "Other settings of `services`, `environments` or `applies` count for what is read from then on; purge the source and scope to read all again.",
        "Issues are known by what refers to them only.",
    ),
)
