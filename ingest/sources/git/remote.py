"""Where a repository lives in the world: its `owner/name`, and the web pages of its commits, files and pull requests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

from ingest.sources.git.command import Git, GitFailed

_SCP = re.compile(r"(?:[^@/]+@)?([^:/@]+):(?!//)(.+)", re.DOTALL)

Forge = Literal["github", "gitlab", "bitbucket", ""]


@dataclass(frozen=True, slots=True)
class Web:
    """Permalinks into a forge. `base` is the repository's page, without credentials; empty when there is none."""

    forge: Forge = ""
    base: str = ""

    def commit(self, sha: str) -> str | None:
        """The page of a commit."""
        if not self.forge:
            return None
        return f"{self.base}/{_COMMIT[self.forge]}/{sha}"

    def file(self, sha: str, path: str, lines: tuple[int, int] | None = None) -> str | None:
        """The page of a file as of a commit, at these lines."""
        if not self.forge:
            return None
        url = f"{self.base}/{_FILE[self.forge]}/{sha}/{_quoted(path)}"
        if lines is None:
            return url
        first, last = lines
        if self.forge == "bitbucket":
            return f"{url}#lines-{first}:{last}"
        return f"{url}#L{first}-{'L' if self.forge == 'github' else ''}{last}"

    def pull_request(self, number: int) -> str | None:
        """The page of a pull or merge request."""
        if not self.forge:
            return None
        return f"{self.base}/{_PULL[self.forge]}/{number}"


_COMMIT = {"github": "commit", "gitlab": "-/commit", "bitbucket": "commits"}
_FILE = {"github": "blob", "gitlab": "-/blob", "bitbucket": "src"}
_PULL = {"github": "pull", "gitlab": "-/merge_requests", "bitbucket": "pull-requests"}


@lru_cache(maxsize=4_096)
def _quoted(path: str) -> str:
    return quote(path)


def configuration(git: Git) -> dict[str, str]:
    """The repository's own configuration, keys as git prints them; of a repeated key the last value."""
    try:
        output = git.run("config", "--local", "--list", "-z")
    except GitFailed:  # a bare directory may do without a config file
        return {}
    rows = (row.partition("\n") for row in output.decode("utf-8", "replace").split("\0") if row)
    return {key: value for key, _, value in rows}


def remote_url(settings: dict[str, str]) -> str | None:
    """The URL of `origin`, or else of the first remote."""
    if url := settings.get("remote.origin.url"):
        return url
    return next((v for k, v in settings.items() if k.startswith("remote.") and k.endswith(".url") and v), None)


def web(url: str | None) -> Web:
    """The forge behind a remote's URL, told by its host's name. Credentials in the URL are left out."""
    host, path = _host_and_path(url or "")
    forge: Forge = ""
    for known in ("github", "gitlab", "bitbucket"):
        if known in host.split(".") or host == known:
            forge = known
    return Web(forge, f"https://{host}/{quote(path)}") if forge and path else Web()


def repository_name(url: str | None, folder: Path) -> str:
    """`owner/name` from a remote's URL, or else the folder's name."""
    host, path = _host_and_path(url or "")
    if host and path:
        return path
    name = Path(path).name if path else folder.resolve().name
    if name == ".git":
        name = folder.resolve().parent.name
    return name.removesuffix(".git") or "repository"


def _host_and_path(url: str) -> tuple[str, str]:
    # Two forms: a URL, and the scp-like user@host:path (https://git-scm.com/docs/git-clone#_git_urls).
    if "://" in url:
        try:
            parts = urlsplit(url)
            host, path = parts.hostname or "", parts.path
        except ValueError:
            return "", ""
        if parts.scheme == "file":
            host = ""
    elif (found := _SCP.fullmatch(url)) is not None:
        host, path = found[1].lower(), found[2]
    else:
        host, path = "", url
    path = path.strip("/") if host else path.rstrip("/")
    return host, path.removesuffix(".git")
