"""The configuration languages. A language is one module beside this file that exposes `LANGUAGE`, and one line here."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module

from ingest.sources.git.blocks import Language
from ingest.sources.git.languages.hcl import LANGUAGE as HCL


def _available() -> tuple[Language, ...]:
    found: list[Language] = [HCL]
    for module in ("templates", "yaml_documents", "json_documents"):
        with suppress(ImportError):
            found.append(import_module(f"{__name__}.{module}").LANGUAGE)
    return tuple(found)


LANGUAGES: tuple[Language, ...] = _available()
"""Every language; the first that matches a path reads the file."""


def language_for(path: str) -> Language | None:
    """The language that reads files at this path, or None when the file is only known as a file."""
    return next((language for language in LANGUAGES if language.matches(path)), None)
