"""The gitlab source: merge requests, approvals, pipelines and deployments of a project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from graph.clock import Instant
from graph.model import FactBatch
from ingest.source import SourceDataInvalid
from ingest.source_doc import SourceDoc
from ingest.sources.gitlab.api_pull import ApiPull
from ingest.sources.gitlab.path_pull import path_batches
from ingest.sources.gitlab.settings import GitLabSettings

__all__ = ["DOC", "GitLabSettings", "GitLabSource"]


class GitLabSource:
    """Reads one project from the API, or all projects of a directory of exported answers."""

    name = "gitlab"

    def __init__(self, settings: GitLabSettings) -> None:
        self._settings = settings

    @property
    def scope(self) -> str:
        """The project's full path; for a directory of several projects its name as set, or its absolute path."""
        settings = self._settings
        if settings.project:
            return settings.project
        return settings.name or Path(settings.path).expanduser().absolute().as_posix()

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        """See `Source.pull`."""
        settings = self._settings
        if settings.path:
            yield from path_batches(settings, self.scope, cursor, now)
            return
        if "/" not in settings.project or not all(settings.project.split("/")):
            raise SourceDataInvalid(
                "the gitlab source needs a project or a path",
                "set project to its full path (group/name), or path to a directory",
            )
        yield from ApiPull(settings, cursor, now).batches()


DOC = SourceDoc(
    about=(
        "Reads a project of GitLab (gitlab.com or an instance of your own, REST API v4): merge requests with their approvals, comments, files, "
        "commits and the issues they close; pipelines with the job that failed; deployments.\n\n"
        "What was updated since the last pull is read; a pull that a rate limit stops goes on where it stopped. Webhooks (merge request, "
        "comment, pipeline and deployment events) state the same facts as they happen, as far as they tell them. With `path` a directory of "
        "exported answers is read instead: `projects/<URL-encoded full path>/merge_requests.json` as the API answers, and beside it, each "
        "optional, `merge_requests/<iid>/{approvals,notes,commits,diffs}.json`, `pipelines.json`, `pipelines/<id>/jobs.json`, `deployments.json`."
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
        "A project access token with the scope `read_api` and the role Reporter. A public project can be read without a token, but for its "
        "approvals and deployments. To make one (`$ADMIN_TOKEN` is a Maintainer's, 20 is Reporter, the path is URL-encoded):\n\n"
        "```console\n"
        '$ curl --request POST --header "PRIVATE-TOKEN: $ADMIN_TOKEN" --header "Content-Type: application/json" \\\n'
        '    --data \'{"name": "infralore", "scopes": ["read_api"], "access_level": 20, "expires_at": "2027-01-31"}\' \\\n'
        '    "https://gitlab.example.com/api/v4/projects/shop%2Fplatform%2Finfra/access_tokens"\n'
        "```"
    ),
    example=(
        "sources:\n"
        "  - gitlab:\n"
        "      project: shop/platform/infra\n"
        "      base_url: https://gitlab.example.com\n"
        "      token: ${GITLAB_TOKEN}\n"
        "      applies: [terraform-apply*]\n"
        "webhooks:\n"
        "  gitlab:\n"
        "    secret: ${GITLAB_WEBHOOK_SECRET}\n"
        "    applies: [terraform-apply*]\n"
    ),
    limits=(
        "GitLab does not tell when a title or a description was edited: they count as told last, from the beginning on.",
        "When somebody approved is read from the history of the merge request; where that is not told, the time of the merge or of the last "
        "update counts.",
        "Webhooks of merge requests do not name the author; those of deployments do not name the job. A pull completes them.",
        "Internal notes, releases and issues are not read.",
    ),
)
