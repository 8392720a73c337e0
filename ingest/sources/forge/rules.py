"""Which service, environment and action a deployment on a forge is about, as far as settings and its own words say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from ingest import names

_NAMED = re.compile(r"\bservice\s*[=:]\s*[\"'`]?([A-Za-z0-9][\w.-]{0,99})", re.IGNORECASE)
_TASK = re.compile(r"[a-z]{2,20}[:/]([A-Za-z0-9][\w.-]{0,99})")
_ACTIONS = ("rollback", "apply", "config", "restart", "scale")
_VERSION = re.compile(r"v?\d+(?:\.\d+)+[\w.+-]{0,100}")


@dataclass(frozen=True, slots=True)
class DeployRules:
    """Settings that say what deployments are about.

    `services`: glob of a workflow, task, environment or repository -> service; the first that fits, in this order of what is
    tried, wins. `environments`: name as told -> name to keep. `applies`: globs of workflows, tasks or environments whose deployments
    apply infrastructure code.
    """

    services: Mapping[str, str] = field(default_factory=dict[str, str])
    environments: Mapping[str, str] = field(default_factory=dict[str, str])
    applies: tuple[str, ...] = ()

    def environment(self, told: str) -> str:
        """The name that is kept of an environment."""
        return names.environment_name(self.environments.get(told, told))

    def is_apply(self, *, workflow: str, task: str, environment: str) -> bool:
        """Whether it applies infrastructure code."""
        told = [text for text in (workflow, task, environment) if text]
        return task == "apply" or any(fnmatchcase(text, glob) for glob in self.applies for text in told)

    def service(
        self, *, repository: str, workflow: str, task: str, environment: str, stated: str = "", description: str = ""
    ) -> str:
        """The service: by the settings, as stated in the payload, by the task (`deploy:checkout`), the description, the repository."""
        for text in (workflow, task, environment, repository):
            for glob, service in self.services.items():
                if text and fnmatchcase(text, glob):
                    return names.service_name(service)
        task_names = _TASK.fullmatch(task)
        words = _NAMED.search(description[:1000])
        told = stated or (task_names[1] if task_names else "") or (words[1] if words else "")
        return names.service_name(told or repository.rpartition("/")[2])


def action_of(task: str, *, apply: bool) -> str:
    """The action of a deployment: what its task is called, as far as the schema knows it."""
    if apply:
        return "apply"
    return next((action for action in _ACTIONS if task.lower().startswith(action)), "deploy")


def version_of(stated: str, reference: str, sha: str) -> str:
    """The version: as stated, else the git ref when it looks like one, else the commit."""
    short = reference.removeprefix("refs/tags/")
    return stated or (short if _VERSION.fullmatch(short.rpartition("/")[2]) else "") or sha or reference
