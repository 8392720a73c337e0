"""CODEOWNERS files: which paths belong to whom.

Formats: https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
and https://docs.gitlab.com/user/project/codeowners/reference/ (sections with default owners).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ingest.sources.git.remote import Forge

_SPACE = re.compile(r"(?<!\\)\s+")
_SECTION = re.compile(r"\^?\[([^\]]+)\](?:\[\d+\])?(?:\s+(.*))?")


@dataclass(frozen=True, slots=True)
class Rule:
    """One line. `pattern` and `owners` are as written; without owners the paths belong to nobody.

    `occurrence` numbers equal patterns of a section from 0, so that a rule keeps its identity when lines around it change.
    """

    section: str
    pattern: str
    occurrence: int
    line: int
    owners: tuple[str, ...]


def file_order(forge: Forge) -> tuple[str, ...]:
    """The paths where a forge looks for the file; the first that exists counts."""
    if forge == "gitlab":
        return ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
    return (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")


def read_rules(text: str) -> tuple[Rule, ...]:
    """The rules in order. Lines that are no rule are passed over, as the forges do."""
    rules: list[Rule] = []
    seen: dict[tuple[str, str], int] = {}
    section = ""
    default: tuple[str, ...] = ()
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if (found := _SECTION.fullmatch(line)) is not None:
            section, default = found[1].strip(), _owners((found[2] or "").split())
            continue
        pattern, *words = _SPACE.split(line)
        key = (section, pattern)
        occurrence = seen[key] = seen.get(key, -1) + 1
        rules.append(Rule(section, pattern, occurrence, number, _owners(words) or default))
    return tuple(rules)


def _owners(words: list[str]) -> tuple[str, ...]:
    owners: dict[str, None] = {}
    for word in words:
        if word.startswith("#"):
            break
        if "@" in word.rstrip("@"):
            owners[word] = None
    return tuple(owners)
