"""What the reference says of a source, written beside the source and rendered to `docs/sources/`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SourceDoc:
    """A source's page: `DOC` of its module. Its settings come from the settings dataclass.

    Attributes:
        about: a paragraph or two, in Markdown: what it reads, from where, and how it stays up to date.
        yields: the entity kinds and relation types that it states.
        permissions: the least privilege that it needs, in Markdown, with a policy to copy (IAM JSON, RBAC YAML, OAuth scopes).
        example: its entry in `lore.yaml`, as YAML.
        limits: what it does not read, or not yet.
    """

    about: str
    yields: tuple[str, ...]
    permissions: str
    example: str
    limits: tuple[str, ...] = ()
