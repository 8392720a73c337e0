"""The configuration languages. A language is one module beside this file that exposes `LANGUAGE`, and one line here."""

from __future__ import annotations

from ingest.sources.git.blocks import Language
from ingest.sources.git.languages import hcl, json_documents, templates, yaml_documents

LANGUAGES: tuple[Language, ...] = (
    hcl.LANGUAGE,
    templates.LANGUAGE,
    yaml_documents.LANGUAGE,
    json_documents.LANGUAGE,
)
"""Every language; the first that matches a path reads the file."""


def language_for(path: str) -> Language | None:
    """The language that reads files at this path, or None when the file is only known as a file."""
    return next((language for language in LANGUAGES if language.matches(path)), None)
