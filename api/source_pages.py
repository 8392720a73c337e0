"""The reference pages of the sources, from what stands beside their code."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from ingest.registry import SOURCES, setting_docs, settings_class, source_doc


def index(*, markdown: bool = False) -> str:
    """All sources in a line each."""
    if not markdown:
        return "\n".join(f"{name:<16} {entry.doc}" for name, entry in SOURCES.items())
    lines = ["# Sources", "", "Generated from the code by `make docs`.", "", "| source | reads |", "|---|---|"]
    lines += [f"| [`{name}`]({name}.md) | {entry.doc} |" for name, entry in SOURCES.items()]
    return "\n".join(lines) + "\n"


def page(name: str) -> str:
    """One source's page, in Markdown. Raises `SourceDataInvalid` when there is no such source."""
    doc = source_doc(name)
    entry = SOURCES[name]
    described = _described(settings_class(name))
    lines = [f"# `{name}`", "", entry.doc, ""]
    if doc is not None:
        lines += [doc.about.strip(), "", "## In `lore.yaml`", "", "```yaml", doc.example.strip("\n"), "```", ""]
    lines += ["## Settings", "", "| setting | type | default | |", "|---|---|---|---|"]
    for setting in setting_docs(name):
        type_ = setting.type.replace("|", "\\|")
        default = f"`{setting.default}`" if setting.default else "must be given"
        lines.append(f"| `{setting.name}` | `{type_}` | {default} | {described.get(setting.name, '')} |")
    if doc is not None:
        lines += ["", "## Permissions", "", doc.permissions.strip()]
        lines += ["", "## Yields", "", ", ".join(f"[{kind}](../schema.md#{_anchor(kind)})" for kind in doc.yields)]
        if doc.limits:
            lines += ["", "## Limits", "", *(f"- {limit}" for limit in doc.limits)]
    if entry.webhook:
        lines += ["", "It also takes webhooks; see [webhooks](../webhooks.md)."]
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """Every page by its file name."""
    return {"README.md": index(markdown=True), **{f"{name}.md": page(name) for name in SOURCES}}


def write_pages(directory: Path) -> None:
    """Write every page."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (directory / name).write_text(text, encoding="utf-8")


def _anchor(kind: str) -> str:
    return kind.lower().replace("_", "_")


def _described(settings: type[object]) -> dict[str, str]:
    """What the docstring's `Attributes:` says of each field, in one line."""
    text = inspect.cleandoc(settings.__doc__ or "")
    found: dict[str, str] = {}
    names: list[str] = []
    inside = False
    for line in text.splitlines():
        if line.strip() == "Attributes:":
            inside = True
            continue
        if not inside:
            continue
        if (field := re.match(r"^ {4}(\w+(?:, \w+)*):\s*(.*)$", line)) is not None:
            names = field[1].split(", ")
            for name in names:
                found[name] = field[2].strip()
        elif names and line.startswith(" " * 8):
            for name in names:
                found[name] = f"{found[name]} {line.strip()}".strip()
        elif line.strip():
            inside = False
    return {name: text.replace("|", "\\|") for name, text in found.items()}
