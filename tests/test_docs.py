"""What the documentation says is executed: doctests, generated pages, and the shell blocks of the README."""

from __future__ import annotations

import doctest
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from api.render import schema_markdown

ROOT = Path(__file__).parent.parent
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for package in ("agent", "api", "graph", "ingest")
    for path in (ROOT / package).rglob("*.py")
    if ">>>" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_hold(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.attempted
    assert not result.failed


def test_the_schema_page_is_what_the_code_says() -> None:
    assert (ROOT / "docs" / "schema.md").read_text(encoding="utf-8") == schema_markdown(), "run `make docs`"


def test_the_answers_in_the_readme_are_what_the_demo_prints(tmp_path: Path) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "examples.demo", ".demo", "--embedder", "none"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "PATH": os.environ["PATH"]},  # noqa: TID251
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    shown = (ROOT / "README.md").read_text(encoding="utf-8").split("```text\n", 1)[1].split("\n```", 1)[0].splitlines()
    assert len(shown) > 20
    assert [line for line in shown if line not in printed] == []


def test_every_local_link_in_the_documentation_leads_somewhere() -> None:

    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not broken
