"""What the documentation says is executed: doctests, generated pages, and the shell blocks of the README."""

from __future__ import annotations

import doctest
import importlib
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import yaml

from agent.intent import understand
from agent.questions import KINDS as KINDS_OF_QUESTION
from api.render import schema_markdown
from api.settings import load
from api.signatures import SENDERS
from api.source_pages import pages
from graph.clock import instant
from graph.schema import KINDS, RELATIONS
from ingest.identity import read_verified
from ingest.registry import SOURCES, setting_docs, settings_class, source_doc

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


def test_the_pages_of_the_sources_are_what_the_code_says() -> None:
    committed = {page.name: page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "sources").iterdir()}
    assert committed == pages(), "run `make docs`"


@pytest.mark.parametrize("name", SOURCES)
def test_the_example_of_a_source_is_a_lore_yaml_that_opens_it(name: str, tmp_path: Path) -> None:
    doc = source_doc(name)
    assert doc is not None, f"ingest/sources/{name}/source.py has no DOC"
    config = tmp_path / "lore.yaml"
    config.write_text(doc.example, encoding="utf-8")
    variables = dict.fromkeys(re.findall(r"\$\{(\w+)\}", doc.example), "dummy")
    # The reader of lore.yaml refuses keys that it does not know and sources that are no list of mappings.
    settings = load(config, {"HOME": str(tmp_path), **variables})

    assert settings.sources
    assert all(list(entry) == [name] for entry in settings.sources)
    known = {setting.name for setting in setting_docs(name)}
    for given in (entry[name] for entry in settings.sources):
        assert not given.keys() - known
        msgspec.convert(given, settings_class(name))
    for sender, hook in settings.webhooks.items():
        assert SENDERS[sender].source == name
        assert hook["secret"] == "dummy", "a secret comes from the environment"
        assert not hook.keys() - known - {"secret", "topics"}


@pytest.mark.parametrize("name", SOURCES)
def test_what_a_source_yields_is_in_the_schema(name: str) -> None:
    doc = source_doc(name)
    assert doc is not None
    assert doc.yields
    assert [kind for kind in doc.yields if kind not in KINDS and kind not in RELATIONS] == []
    assert len(set(doc.yields)) == len(doc.yields)


@pytest.mark.parametrize("name", SOURCES)
def test_policies_on_the_page_of_a_source_can_be_copied(name: str) -> None:
    doc = source_doc(name)
    assert doc is not None
    assert doc.permissions.strip()
    assert doc.about.strip()
    for language, text in re.findall(r"```(json|yaml)\n(.*?)```", doc.about + doc.permissions, re.DOTALL):
        assert msgspec.json.decode(text) if language == "json" else yaml.safe_load(text), text


def _configurations() -> list[tuple[str, str]]:
    return [
        (page, block)
        for page in ("configuration.md", "webhooks.md")
        for block in re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)
        if re.match(r"(store|sources|webhooks):", block)
    ]


@pytest.mark.parametrize(("page", "block"), _configurations())
def test_configurations_in_the_documentation_can_be_read(page: str, block: str, tmp_path: Path) -> None:
    config = tmp_path / "lore.yaml"
    config.write_text(block, encoding="utf-8")
    variables = dict.fromkeys(re.findall(r"\$\{(\w+)\}", block), "dummy")
    settings = load(config, {"HOME": str(tmp_path), **variables})

    assert settings.sources or settings.webhooks, page
    for name, given in ((name, given) for entry in settings.sources for name, given in entry.items()):
        assert not given.keys() - {setting.name for setting in setting_docs(name)}, name
        msgspec.convert(given, settings_class(name))
    for sender, hook in settings.webhooks.items():
        known = {setting.name for setting in setting_docs(SENDERS[sender].source)}
        assert not hook.keys() - known - {"secret", "topics"}, sender


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


def _wordings() -> list[tuple[str, str]]:
    page = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (“.*?) \|", page, re.MULTILINE)
    return [(kind, wording) for kind, cell in rows for wording in re.findall(r"“(.*?)”", cell)]


@pytest.mark.parametrize(("kind", "wording"), _wordings())
def test_questions_in_the_documentation_are_understood_as_it_says(kind: str, wording: str) -> None:
    assert understand(wording, instant("2026-11-21T12:00:00Z")).kind == kind


def test_every_kind_of_question_is_in_the_documentation() -> None:
    assert {kind for kind, _ in _wordings()} == set(KINDS_OF_QUESTION)


def test_the_file_of_people_in_the_documentation_can_be_read(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(people:\n.*?)```", page, re.DOTALL)
    (tmp_path / "people.yaml").write_text(block, encoding="utf-8")
    verified = read_verified(tmp_path / "people.yaml")
    assert verified.people
    assert verified.not_same


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl")
def test_the_example_of_a_webhook_works_as_printed(tmp_path: Path) -> None:
    section = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8").split("\n## Try it\n", 1)[1]
    blocks = re.findall(r"```(\w+)\n(.*?)```", section, re.DOTALL)
    config, script, shown = ("".join(text for kind, text in blocks if kind == k) for k in ("yaml", "sh", "text"))
    (tmp_path / "lore.yaml").write_text(config, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    ran = subprocess.run(
        [
            "bash",
            "-euc",
            "trap 'kill %1' EXIT\n" + script.replace("8480", port).replace("serve", f"serve --port {port}"),
        ],
        cwd=tmp_path,
        env={
            "HOME": str(tmp_path),
            "LORE_EMBEDDER": "none",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",  # noqa: TID251
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert len(shown.splitlines()) == 2
    for line in shown.splitlines():
        assert line in ran.stdout


def _anchors(page: Path) -> set[str]:
    """What the headings of a page can be linked by, as GitHub makes it."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_to_a_heading_in_the_documentation_leads_to_one() -> None:
    broken: list[str] = []
    anchors: dict[Path, set[str]] = {}
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target, anchor in re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", page.read_text(encoding="utf-8")):
            there = (page.parent / target).resolve() if target else page
            if there not in anchors:
                anchors[there] = _anchors(there)
            if anchor not in anchors[there]:
                broken.append(f"{page.name}: {target}#{anchor}")
    assert anchors
    assert not broken
