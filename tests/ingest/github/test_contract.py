"""The github source keeps what every source must keep, from files and from the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ingest.source import Source
from ingest.sources.github.source import GitHubSettings, GitHubSource
from tests.contracts.source_contract import SourceContract
from tests.ingest.github.world import REPO, World


class TestOneRepositoryInADirectory(SourceContract):
    def recorded(self, directory: Path) -> Source:
        World().write(directory / "export")
        return GitHubSource(GitHubSettings(repository=REPO, path=str(directory / "export")))

    def broken(self, directory: Path) -> Iterator[Source]:
        yield GitHubSource(GitHubSettings(path=str(directory / "nowhere")))
        (directory / "empty").mkdir()
        yield GitHubSource(GitHubSettings(path=str(directory / "empty")))
        for i, text in enumerate(("<html></html>", '[{"number": 1', "{}", "")):
            file = directory / f"bad-{i}" / "repos" / "a" / "b" / "pulls.json"
            file.parent.mkdir(parents=True)
            file.write_text(text)
            yield GitHubSource(GitHubSettings(repository="a/b", path=str(directory / f"bad-{i}")))
        yield GitHubSource(GitHubSettings())
        yield GitHubSource(GitHubSettings(repository="no-slash"))
        yield GitHubSource(GitHubSettings(repository="a/b", base_url="ftp://nowhere"))


class TestSeveralRepositoriesInADirectory(SourceContract):
    def recorded(self, directory: Path) -> Source:
        World().write(directory / "export")
        World().write(directory / "export", "shop/other")
        return GitHubSource(GitHubSettings(path=str(directory / "export"), name="export"))

    def broken(self, directory: Path) -> Iterator[Source]:
        yield GitHubSource(GitHubSettings(path=str(directory / "nowhere"), name="export"))
