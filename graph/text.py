"""Tokens: one idea of what a word is, for names, passages and queries alike, on every store.

Identifiers are kept whole *and* in parts, so that `aws_lb.main` is found by itself, by `main` and by `lb main`; an ARN, a
security group id or a host name is found by itself and by its last parts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_IDENTIFIER = re.compile(r"[^\s\"'`<>()\[\]{},;|=]*[\w]", re.UNICODE)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

MAX_TOKEN_CHARS = 200
"""Longer tokens (encoded blobs) are cut to this many characters."""


@lru_cache(maxsize=65_536)
def name_tokens(name: str) -> tuple[str, ...]:
    """The words of a name in order, lower case: split at everything that is no letter or digit, and at camel case.

    >>> name_tokens("aws_lb_listener_rule.apiGateway-v2")
    ('aws', 'lb', 'listener', 'rule', 'api', 'gateway', 'v2')
    """
    words: list[str] = []
    for word in _WORD.findall(name):
        words.extend(part.casefold()[:MAX_TOKEN_CHARS] for part in _CAMEL.split(word))
    return tuple(words)


def text_tokens(text: str) -> list[str]:
    """The tokens of a passage or query, with repeats: every word, and every identifier that joins several words, whole.

    >>> text_tokens("Open sg-0abc for aws_lb.main.")
    ['open', 'sg-0abc', 'sg', '0abc', 'for', 'aws_lb.main', 'aws', 'lb', 'main']
    """
    tokens: list[str] = []
    for chunk in _IDENTIFIER.findall(text):
        words = (
            name_tokens(chunk)
            if len(chunk) <= 256
            else tuple(w.casefold()[:MAX_TOKEN_CHARS] for w in _WORD.findall(chunk))
        )
        if len(words) != 1 or len(words[0]) != len(chunk):
            whole = chunk.strip("_.:/-#@!?*").casefold()[:MAX_TOKEN_CHARS]
            if whole and (len(words) > 1 or whole not in words):
                tokens.append(whole)
        tokens.extend(words)
    return tokens


def has_identifier(query: str) -> bool:
    """Whether a query holds something that is looked up rather than understood: an address, an ARN, an id, a path.

    >>> has_identifier("why is aws_lb.main slow"), has_identifier("why is checkout slow and/or down")
    (True, False)
    """
    return any(
        not _is_prose(chunk)
        and len(_WORD.findall(chunk)) > 1
        and (chunk.count("/") > 1 or not chunk.replace("/", "").isalpha())
        for chunk in _IDENTIFIER.findall(query)
    )


def _is_prose(chunk: str) -> bool:
    return chunk.replace("'", "").replace("’", "").isalpha()


def contains_in_order(words: Sequence[str], sought: Sequence[str]) -> bool:
    """Whether `sought` occurs in `words` as a contiguous run."""
    n = len(sought)
    return any(tuple(words[i : i + n]) == tuple(sought) for i in range(len(words) - n + 1)) if n else True
