"""How this source speaks of one repository: its name, its refs, its locators and links."""

from __future__ import annotations

from dataclasses import dataclass

from graph.model import EntityRef, ref
from ingest.sources.git.remote import Web


@dataclass(frozen=True, slots=True)
class Site:
    """One repository, named. Locators are `name@sha` and `name@sha:path#Lfirst-Llast`."""

    name: str
    web: Web

    @property
    def repository(self) -> EntityRef:
        """The repository's ref."""
        return ref("Repository", self.name)

    def file(self, path: str) -> EntityRef:
        """The ref of a file."""
        return ref("File", self.name, path)

    def block(self, directory: str, address: str) -> EntityRef:
        """The ref of a block."""
        return ref("Block", self.name, directory, address)

    def module(self, directory: str) -> EntityRef:
        """The ref of a module directory."""
        return ref("Module", self.name, directory)

    def pull_request(self, number: int) -> EntityRef:
        """The ref of a pull or merge request."""
        return ref("PullRequest", self.name, str(number))

    def locator(self, sha: str, path: str | None = None, lines: tuple[int, int] | None = None) -> str:
        """Where a citation points."""
        if path is None:
            return f"{self.name}@{sha}"
        if lines is None:
            return f"{self.name}@{sha}:{path}"
        return f"{self.name}@{sha}:{path}#L{lines[0]}-L{lines[1]}"
