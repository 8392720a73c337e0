"""A repository and a store that has read it; workers that send digests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.lore import Lore, repository
from tests.api.schedule_office import Office, opened_office


@pytest.fixture(scope="session")
def infra(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository; nobody writes to it."""
    return repository(tmp_path_factory.mktemp("world") / "infra")


@pytest.fixture(scope="session")
def read(tmp_path_factory: pytest.TempPathFactory, infra: Path) -> Path:
    """A directory with a store that has read it; nobody writes to it."""
    home = tmp_path_factory.mktemp("read")
    ran = Lore(home)("ingest", "git", infra)
    assert ran.code == 0, ran.err
    return home


@pytest.fixture
def lore(tmp_path: Path, read: Path) -> Lore:
    """`lore` on a copy of that store."""
    shutil.copytree(read, tmp_path / "home")
    return Lore(tmp_path / "home")


@pytest.fixture
def fresh(tmp_path: Path) -> Lore:
    """`lore` on a store that does not exist yet."""
    (tmp_path / "fresh").mkdir()
    return Lore(tmp_path / "fresh")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A configuration with a digest, its Slack, and workers that a test starts."""
    with opened_office(tmp_path) as opened:
        yield opened
