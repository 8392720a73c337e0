"""The git source keeps what every source must keep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ingest.source import Source
from ingest.sources.git.source import GitSettings, GitSource
from tests.contracts.source_contract import CANARY, SourceContract
from tests.ingest.git.repo_builder import RepoBuilder

DATABASE = f'''resource "aws_db_instance" "shop" {{
  username = "app"
  password = "{CANARY}"
}}

variable "api_token" {{
  default = "{CANARY}"
}}
'''


class TestContract(SourceContract):
    def recorded(self, directory: Path) -> Source:
        path = directory / "repository"
        if not path.exists():
            repository = RepoBuilder(path)
            repository.write("main.tf", DATABASE)
            repository.commit("Shop")
            repository.write("main.tf", DATABASE.replace('"app"', '"shop"'))
            repository.commit(f"Another user\n\nTry it with postgres://app:{CANARY}@db/shop\n")
            repository.write("values.yaml", f"password: {CANARY}\nreplicas: 2\n")
            repository.commit("Values")
        return GitSource(GitSettings(str(path), name="org/shop"))

    def broken(self, directory: Path) -> Iterator[Source]:
        nothing = directory / "nothing"
        nothing.mkdir()
        yield GitSource(GitSettings(str(nothing), name="org/nothing"))
        empty = RepoBuilder(directory / "empty")
        yield GitSource(GitSettings(str(empty.path), name="org/empty"))
        self.recorded(directory)
        yield GitSource(GitSettings(str(directory / "repository"), rev="no-such-branch", name="org/shop"))
