"""A repository, and a store that has read it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.api.lore import Lore, repository


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
