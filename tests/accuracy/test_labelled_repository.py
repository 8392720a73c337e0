"""Guards the accuracy of "who changed X?" on a repository whose answers are known."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.ask import ask
from graph.clock import instant
from graph.store import GraphStore
from graph.stores import open_store
from ingest.sources.git.source import GitSettings, GitSource
from ingest.sync import sync
from tests.accuracy.labelled_repository import QUESTIONS, Labelled, write

NOW = instant("2024-01-01")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("labelled") / "repository"
    write(path)
    return path


@pytest.fixture(scope="module")
def store(repository: Path) -> Iterator[GraphStore]:
    with open_store(f"sqlite:///{repository.parent / 'lore.db'}") as opened:
        report = sync(opened, GitSource(GitSettings(path=str(repository), name="org/labelled")), NOW, b"key")
        assert report.error is None
        yield opened


@pytest.fixture(scope="module")
def titles(repository: Path) -> dict[str, str]:
    log = subprocess.run(
        ["git", "-C", str(repository), "log", "--all", "--format=%H %s"], check=True, capture_output=True, text=True
    )
    return dict(line.split(" ", 1) for line in log.stdout.splitlines())


@pytest.mark.parametrize("labelled", QUESTIONS, ids=lambda q: q.question)
def test_the_newest_change_that_means_something_is_named(
    labelled: Labelled, store: GraphStore, titles: dict[str, str]
) -> None:
    answer = ask(store, labelled.question, now=NOW)
    meant = [change for change in answer.changes if change.effect not in ("format_only", "moved")]
    if not labelled.titles:
        assert answer.status == "not_found"
        return
    assert meant, answer.text
    assert titles[meant[0].change.id] in labelled.titles, answer.text
    assert answer.status == "answered", answer.text


def test_every_citation_is_confirmed_by_git(store: GraphStore, repository: Path) -> None:
    confirmed = 0
    for labelled in QUESTIONS:
        answer = ask(store, labelled.question, now=NOW)
        cited = {mark for change in answer.changes for mark in change.citations}
        for citation in answer.citations:
            if citation.id not in cited or "#L" not in citation.locator:
                continue
            place, _, lines = citation.locator.partition("#L")
            revision, _, path = place.partition("@")[2].partition(":")
            text = subprocess.run(
                ["git", "-C", str(repository), "show", f"{revision}:{path}"], check=True, capture_output=True, text=True
            ).stdout.splitlines()
            first, last = (int(n.lstrip("L")) for n in lines.split("-"))
            assert 1 <= first <= last <= len(text), citation.locator
            assert text[first - 1].strip(), citation.locator
            assert text[last - 1].strip(), citation.locator
            confirmed += 1
    assert confirmed >= len(QUESTIONS)
