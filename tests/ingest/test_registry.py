"""Sources by name, and what a wrong setting says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ingest.registry import SOURCES, open_source, setting_docs
from ingest.source import SourceDataInvalid
from tests.ingest.terraform_states import put, state


@pytest.mark.parametrize("name", SOURCES)
def test_every_registered_source_can_be_imported_and_describes_its_settings(name: str) -> None:
    docs = setting_docs(name)
    assert docs
    assert SOURCES[name].doc.endswith(".")


def test_a_source_is_opened_with_its_settings(tmp_path: Path) -> None:
    put(tmp_path / "terraform.tfstate", state())
    source = open_source(
        "terraform_state", {"location": str(tmp_path), "name": "shop", "environments": {"default": "prod"}}
    )
    assert (source.name, source.scope) == ("terraform_state", "shop")


@pytest.mark.parametrize(
    ("name", "settings", "sentence", "hint"),
    [
        ("gti", {}, "there is no source 'gti'", "the sources are alerts, aws, azure"),
        (
            "terraform_state",
            {},
            "the settings of the source terraform_state cannot be used: it needs `location`",
            "location",
        ),
        ("terraform_state", {"location": 7}, "location: expected `str`, got `int`", "location"),
        ("terraform_state", {"location": "x", "environments": {"a": 1}}, "environments", "environments"),
        (
            "terraform_state",
            {"location": "x", "locaton": "y"},
            "the source terraform_state has no setting 'locaton'",
            "location",
        ),
        (
            "terraform_state",
            {"location": "x", "accept_lineage": "abc"},
            "accept_lineage: expected `array`, got `str`",
            "accept_lineage",
        ),
        ("git", {"path": None}, "path: expected `str`", "path"),
    ],
)
def test_a_wrong_setting_gives_one_sentence(name: str, settings: dict[str, object], sentence: str, hint: str) -> None:
    with pytest.raises(SourceDataInvalid) as caught:
        open_source(name, settings)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert hint in caught.value.hint


def test_a_settings_value_is_never_quoted_back() -> None:
    with pytest.raises(SourceDataInvalid) as caught:
        open_source("terraform_state", {"location": "x", "digest_key": ["s3cret"]})
    assert "s3cret" not in str(caught.value) + caught.value.hint


def test_listing_sources_imports_none_of_them() -> None:
    code = "import sys, ingest.registry; print([m for m in sys.modules if m.startswith(('ingest.sources.', 'boto', 'pydantic', 'tree_sitter'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
