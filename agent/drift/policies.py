"""How far a policy document reaches: whether it allows everything, or lets everybody.

Format: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from graph.model import Value

_ALL_POWERFUL = re.compile(r"policy/(?:[\w-]+/)*(?:AdministratorAccess|IAMFullAccess)$|^roles/owner$")
_POWERFUL = re.compile(r"policy/(?:[\w-]+/)*(?:PowerUserAccess|\w+FullAccess)$|^roles/editor$")


def reaches(value: Value) -> frozenset[str]:
    """What of `everything` (all actions), `everybody` (any principal), `service` (all actions of a service), `anywhere` (all resources) is
    allowed by a document, or by the names of managed policies."""
    found: set[str] = set()
    for text in value if isinstance(value, Sequence) and not isinstance(value, str) else [value]:
        if isinstance(text, Mapping):  # an inline policy
            found |= reaches(text.get("policy"))
        elif isinstance(text, str) and text.lstrip().startswith("{"):
            found.update(_of_document(text))
        elif isinstance(text, str):
            if _ALL_POWERFUL.search(text):
                found.add("everything")
            elif _POWERFUL.search(text):
                found.add("service")
    return frozenset(found)


def _of_document(text: str) -> Iterator[str]:
    try:
        document: object = json.loads(text)
    except ValueError:
        return
    for statement in _list(_at(document, "Statement")):
        if _at(statement, "Effect") != "Allow":
            continue
        actions = [str(a) for a in _list(_at(statement, "Action"))]
        if any(a in ("*", "*:*") for a in actions) or _at(statement, "NotAction") is not None:
            yield "everything"
        if any(a.endswith(":*") for a in actions):
            yield "service"
        if "*" in _list(_at(statement, "Resource")):
            yield "anywhere"
        principal = _at(statement, "Principal")
        everybody = "*" in _list(principal) or "*" in _list(_at(principal, "AWS"))
        if (everybody or _at(statement, "NotPrincipal") is not None) and _at(statement, "Condition") is None:
            yield "everybody"


def _at(value: object, key: str) -> object:
    return cast("Mapping[str, object]", value).get(key) if isinstance(value, Mapping) else None


def _list(value: object) -> list[object]:
    return (
        list(cast("Sequence[object]", value)) if isinstance(value, list | tuple) else [] if value is None else [value]
    )
