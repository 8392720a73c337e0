"""What a YAML, JSON or template file is, judged by its path alone."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

Syntax = Literal["yaml", "json", "template"]

MAX_FILE_BYTES = 2_000_000
"""Larger files are data, not configuration written by hand; they stay at the level of files."""

_NOT_CONFIGURATION = re.compile(
    r"""(?:^|/)(?:
        (?:package-lock|npm-shrinkwrap|packages\.lock|project\.assets|deno\.lock|composer\.lock)\.json
      | (?:pnpm-lock|yarn-lock|conda-lock)\.ya?ml
      | [^/]*[.-]lock\.(?:json|ya?ml)
      | [^/]*\.(?:min|bundle)\.json
      | [^/]*\.tfstate(?:\.[^/]*)?\.json
    )$
    | (?:^|/)(?:node_modules|\.terraform|bower_components)/""",
    re.VERBOSE | re.IGNORECASE,
)
_YAML = re.compile(r"\.(?:ya?ml|eyaml)$", re.IGNORECASE)
_JSON = re.compile(r"\.(?:json|jsonc|json5)$", re.IGNORECASE)
_INNER = r"\.(?:ya?ml|eyaml|json)"
_TEMPLATE = re.compile(
    rf"""
      {_INNER}(?:\.[\w-]+)*\.(?:j2|jinja2?|erb|tpl|tmpl|tftpl|tftmpl|gotmpl|gotpl|epp|mustache|hbs|ctmpl|in|template)$
    | \.(?:j2|jinja2?|erb|tpl|tmpl|tftpl|gotmpl){_INNER}$
    | \.(?:tpl|template)$
    | (?:^|/)templates/.*{_INNER}$""",
    re.VERBOSE | re.IGNORECASE,
)

_FAMILIES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (family, re.compile(pattern, re.IGNORECASE))
    for family, pattern in (
        ("github_workflow", r"(?:^|/)\.(?:github|gitea|forgejo)/workflows/[^/]+\.ya?ml$"),
        ("gitlab_ci", r"(?:^|[/.])gitlab-ci\.ya?ml$|(?:^|/)\.gitlab/(?:ci|workflows)/.*\.ya?ml$"),
        ("circleci", r"(?:^|/)\.circleci/[^/]+\.ya?ml$"),
        ("azure_pipelines", r"(?:^|/)(?:[^/]*azure[-_]?pipelines?[^/]*|\.azure(?:-pipelines)?/.*)\.ya?ml$"),
        ("compose", r"(?:^|/)(?:docker-)?compose(?:[.-][^/]*)?\.ya?ml$|(?:^|/)docker-stack[^/]*\.ya?ml$"),
        ("helm_chart", r"(?:^|/)Chart\.ya?ml$"),
        ("helm_values", r"(?:^|/)(?:[^/]*[.-])?values(?:[.-][^/]*)?\.ya?ml(?:\.gotmpl)?$"),
        ("serverless", r"(?:^|/)serverless[^/]*\.(?:ya?ml|json)$"),
        ("terraform", r"\.(?:tf|tofu)\.json$"),
        ("terraform_values", r"\.tfvars\.json$"),
        ("ansible_variables", r"(?:^|/)(?:group_vars|host_vars)/"),
        ("ansible_variables", r"(?:^|/)roles/[^/]+/(?:defaults|vars)/"),
        ("ansible_tasks", r"(?:^|/)(?:tasks|handlers|pre_tasks|post_tasks)/[^/]+\.ya?ml$"),
        ("ansible_tasks", r"(?:^|/)roles/[^/]+/(?:tasks|handlers)/.*\.ya?ml$"),
        ("ansible_inventory", r"(?:^|/)(?:inventor(?:y|ies))(?:/.*)?\.ya?ml$|(?:^|/)hosts\.ya?ml$"),
        ("hiera", r"(?:^|/)(?:hiera|hieradata|hiera-data|hiera_data)/.*\.(?:ya?ml|eyaml|json)$"),
    )
)


@lru_cache(maxsize=16_384)
def syntax(path: str) -> Syntax | None:
    """The language that reads this path, None when it is no configuration that has blocks."""
    if _NOT_CONFIGURATION.search(path):
        return None
    if _TEMPLATE.search(path):
        return "template"
    if _YAML.search(path):
        return "yaml"
    return "json" if _JSON.search(path) else None


@lru_cache(maxsize=16_384)
def family(path: str) -> str:
    """The format a path promises (`github_workflow`, `compose` …), empty when only the content can tell."""
    return next((name for name, pattern in _FAMILIES if pattern.search(path)), "")


def holds_json(path: str) -> bool:
    """Whether a template's path says that it renders JSON."""
    return re.search(r"\.json(?:\.|$)", path, re.IGNORECASE) is not None
