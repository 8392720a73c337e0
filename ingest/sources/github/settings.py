"""Settings of the github source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class GitHubSettings:
    """Which repository is read, from where, and what its deployments are about.

    Attributes:
        repository: owner/name. May be left out with `path`: then every repository of the directory is read.
        path: a directory of exported API answers (`repos/<owner>/<name>/pulls.json` …) to read instead of the API.
        base_url: of the API; of GitHub Enterprise Server `https://<host>/api/v3`.
        token: a token that may read the repository.
        name: what to call the directory at `path` when it holds several repositories; give it one to be able to move it.
        since: RFC 3339 time or date; what was updated (pull requests) or created (the rest) before is not read from the API.
        services: what deployments deploy: glob of a workflow, task, environment or owner/name -> service. Without an entry it is what the
            deployment's payload, task or description says, else the repository's name.
        environments: name of an environment as GitHub tells it -> name to keep.
        applies: globs of workflows, tasks or environments whose deployments apply Terraform and do not deploy a service.
        renamed: owner/name as GitHub tells it now -> owner/name to keep, for a repository that was renamed after it was read.
        timeout_s: seconds to wait for an answer.
    """

    repository: str = ""
    path: str = ""
    base_url: str = "https://api.github.com"
    token: str = field(default="", repr=False)
    name: str = ""
    since: str = ""
    services: Mapping[str, str] = field(default_factory=dict[str, str])
    environments: Mapping[str, str] = field(default_factory=dict[str, str])
    applies: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])
    timeout_s: float = 30.0
