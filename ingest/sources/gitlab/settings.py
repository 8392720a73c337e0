"""Settings of the gitlab source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class GitLabSettings:
    """Which project is read, from where, and what its deployments are about.

    Attributes:
        project: full path, group/subgroup/name. May be left out with `path`: then every project of the directory is read.
        path: a directory of exported API answers (`projects/<URL-encoded full path>/merge_requests.json` …) to read instead of the API.
        base_url: of the GitLab instance.
        token: an access token that may read the API.
        name: what to call the directory at `path` when it holds several projects; give it one to be able to move it.
        since: RFC 3339 time or date; what was updated (merge requests, deployments) or created (pipelines) before is not read from the API.
        services: what deployments deploy: glob of a job, environment or full path -> service. Without an entry it is the project's name.
        environments: name of an environment as GitLab tells it -> name to keep.
        applies: globs of jobs or environments whose deployments apply Terraform and do not deploy a service.
        renamed: full path as GitLab tells it now -> full path to keep, for a project that was moved after it was read.
        timeout_s: seconds to wait for an answer.
    """

    project: str = ""
    path: str = ""
    base_url: str = "https://gitlab.com"
    token: str = field(default="", repr=False)
    name: str = ""
    since: str = ""
    services: Mapping[str, str] = field(default_factory=dict[str, str])
    environments: Mapping[str, str] = field(default_factory=dict[str, str])
    applies: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])
    timeout_s: float = 30.0
