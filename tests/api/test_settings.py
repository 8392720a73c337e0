"""Settings: precedence, defaults, and mistakes that are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.errors import SettingsError
from api.settings import load


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_without_anything_the_store_is_a_file_under_the_users_data_directory() -> None:
    assert load(environ={"HOME": "/home/ann"}).store == "sqlite:////home/ann/.local/share/infralore/lore.db"
    assert load(environ={"XDG_DATA_HOME": "/data"}).store == "sqlite:////data/infralore/lore.db"


def test_the_environment_wins_over_the_file_and_the_file_over_neo4j_uri(tmp_path: Path) -> None:
    config = write(tmp_path / "lore.yaml", "store: sqlite:///file.db\nembedder: none\n")
    assert load(config, {"LORE_STORE": "sqlite:///env.db"}).store == "sqlite:///env.db"
    assert load(config, {"NEO4J_URI": "neo4j://db:7687"}).store == "sqlite:///file.db"
    assert load(None, {"NEO4J_URI": "neo4j://db:7687"}).store == "neo4j://db:7687"
    assert load(config, {}).embedder == "none"
    assert load(config, {"LORE_EMBEDDER": "onnx"}).embedder == "onnx"


@pytest.mark.parametrize("name", ["NEO4J_USERNAME", "NEO4J_USER"])
def test_both_spellings_of_the_neo4j_user_are_understood(name: str) -> None:
    neo4j = load(environ={name: "ann", "NEO4J_PASSWORD": "p", "NEO4J_DATABASE": "lore"}).neo4j
    assert (neo4j.username, neo4j.password, neo4j.database) == ("ann", "p", "lore")


def test_sources_are_read_in_their_order(tmp_path: Path) -> None:
    config = write(tmp_path / "lore.yaml", "sources:\n- git: {path: a}\n- terraform_state: {location: b}\n")
    assert [name for entry in load(config, {}).sources for name in entry] == ["git", "terraform_state"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("store: [1]\n", "store"),
        ("stores: x\n", "stores"),
        ("sources: {git: {path: a}}\n", "sources"),
        ("a: b: c\n", "line 1"),
        ("- just\n- a list\n", "object"),
        ("embedder: gpt\n", "gpt"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_a_remedy(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        load(write(tmp_path / "lore.yaml", text), {})
    assert caught.value.hint


def test_a_named_file_that_is_missing_is_an_error_and_an_unnamed_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match="there is no"):
        load(tmp_path / "no.yaml", {})
    monkeypatch.chdir(tmp_path)
    assert load(None, {}).config_path is None


def test_credentials_come_from_the_environment_and_a_missing_one_is_named(tmp_path: Path) -> None:
    config = tmp_path / "lore.yaml"
    config.write_text(
        "sources:\n  - github: {repository: acme/infra, token: '${GITHUB_TOKEN}', services: {'deploy-*': '${WHO}-api'}}\n"
        "webhooks:\n  github: {secret: '${HOOK}'}\n"
    )
    given = {"HOME": str(tmp_path), "GITHUB_TOKEN": "t-1", "WHO": "shop", "HOOK": "h-1"}
    settings = load(config, given)
    assert settings.sources[0]["github"]["token"] == "t-1"
    assert settings.sources[0]["github"]["services"] == {"deploy-*": "shop-api"}
    assert settings.webhooks["github"]["secret"] == "h-1"
    with pytest.raises(SettingsError, match="GITHUB_TOKEN"):
        load(config, {"HOME": str(tmp_path)})
