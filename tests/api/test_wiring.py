"""The parts together: sources from settings, the key for digests, the place of the store."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from api.errors import SettingsError
from api.settings import Settings
from api.wiring import Engine, is_remote, redact_key
from ingest.source import SourceDataInvalid


def test_the_key_is_made_once_and_only_its_user_may_read_it(tmp_path: Path) -> None:
    key = redact_key(tmp_path / "data")
    assert len(key) == 32
    assert redact_key(tmp_path / "data") == key
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["redact.key"]
    assert (tmp_path / "data" / "redact.key").stat().st_mode & 0o777 == 0o600


def test_all_who_make_the_key_at_once_get_the_same(tmp_path: Path) -> None:
    keys: list[bytes] = []
    together = threading.Barrier(8)

    def make() -> None:
        together.wait()
        keys.append(redact_key(tmp_path))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


@pytest.mark.parametrize("found", [b"", b"half"])
def test_a_key_that_is_not_whole_is_refused_and_kept(tmp_path: Path, found: bytes) -> None:
    (tmp_path / "redact.key").write_bytes(found)
    with pytest.raises(SettingsError, match="damaged") as caught:
        redact_key(tmp_path)
    assert caught.value.hint
    assert (tmp_path / "redact.key").read_bytes() == found


def test_a_key_that_cannot_be_read_names_its_place(tmp_path: Path) -> None:
    (tmp_path / "redact.key").mkdir()
    with pytest.raises(SettingsError, match=r"redact\.key"):
        redact_key(tmp_path)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///srv/lore.db", "/srv/lore.db"),
        ("sqlite:////srv/lore.db", "/srv/lore.db"),
        ("sqlite:lore.db", "lore.db"),
        ("neo4j://ann:hunter2@db:7687", "neo4j://db:7687"),
    ],
)
def test_the_store_is_shown_as_its_path_or_without_its_password(url: str, shown: str) -> None:
    assert Engine(Settings(store=url)).shown_store == shown


def test_sources_that_cannot_be_opened_become_reports_and_the_rest_stay_in_order(infra: Path, tmp_path: Path) -> None:
    entries: tuple[dict[str, dict[str, object]], ...] = (
        {"git": {"path": "missing"}},
        {"git": {"path": str(infra)}},
        {"gti": {}},
        {"terraform_state": {"location": "states", "name": "ours"}},
    )
    settings = Settings(
        store="sqlite://:memory:", sources=entries, config_path=tmp_path / "lore.yaml", data_directory=tmp_path / "data"
    )
    sources, unusable = Engine(settings).usable_sources()
    assert [(source.name, source.scope) for source in sources] == [("git", "acme/infra"), ("terraform_state", "ours")]
    assert [(one.source, one.scope) for one in unusable] == [("git", "missing"), ("gti", "?")]
    assert all(isinstance(one.error, SourceDataInvalid) and one.error.hint for one in unusable)
    assert str(tmp_path / "missing") in str(unusable[0].error)


def test_without_an_embedder_nothing_is_embedded_and_no_model_is_loaded(tmp_path: Path) -> None:
    with Engine(Settings(store="sqlite://:memory:", embedder="none", data_directory=tmp_path)) as engine:
        assert engine.embedder is None
        assert engine.embed(10.0) == 0


@pytest.mark.parametrize(
    ("path", "remote"),
    [
        ("https://git.example/x", True),
        ("git@git.example:x/y.git", True),
        ("s3://bucket/prefix", True),
        ("infra", False),
        ("/srv/git@home/infra", False),
        ("./a:b", False),
        ("ann@work", False),
        ("ann@work/infra:old", False),
        (7, False),
    ],
)
def test_a_url_is_told_from_a_path(path: object, remote: bool) -> None:
    assert is_remote(path) is remote


def test_a_path_below_home_is_found_there(infra: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(infra.parent))
    engine = Engine(Settings(store="sqlite://:memory:", config_path=tmp_path / "lore.yaml", data_directory=tmp_path))
    assert engine.source("git", {"path": f"~/{infra.name}"}).scope == "acme/infra"
