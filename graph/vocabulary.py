"""Type words: from what people call a kind of infrastructure to the types that code and state know it by.

>>> [sense.pattern for sense in senses(("sg", "rule"))[0].senses][:1]
['aws_security_group_rule']
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from graph.text import name_tokens

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sense:
    """One thing that a type word can mean: a resource type pattern, a block type or an entity kind (the other two are empty)."""

    pattern: str = ""
    block_type: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Rank:
    """Senses of equal standing. A later rank counts only where the earlier ones name nothing."""

    senses: tuple[Sense, ...]

    def types(self, known: Iterable[str]) -> frozenset[str]:
        """Which of the known resource types are meant."""
        patterns = [sense.pattern for sense in self.senses if sense.pattern]
        exact = {pattern for pattern in patterns if "*" not in pattern}
        wild = [pattern for pattern in patterns if "*" in pattern]
        return frozenset(t for t in known if t in exact or any(fnmatchcase(t, pattern) for pattern in wild))

    @property
    def block_types(self) -> frozenset[str]:
        """Block types that are meant by themselves (`variable`, `output`)."""
        return frozenset(sense.block_type for sense in self.senses if sense.block_type)

    @property
    def kinds(self) -> frozenset[str]:
        """Entity kinds that are meant by themselves (`Service`, `File`)."""
        return frozenset(sense.kind for sense in self.senses if sense.kind)


def singular(word: str) -> str:
    """The singular of an English plural, as far as type words need it.

    >>> [singular(w) for w in ("policies", "buckets", "addresses", "dns", "alias", "ingress", "queues")]
    ['policy', 'bucket', 'address', 'dns', 'alias', 'ingress', 'queue']
    """
    if len(word) < 4 or word in _UNCHANGED:
        return word[:-1] if word in _SHORT_PLURALS else word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


_UNCHANGED = frozenset(
    {
        "alias",
        "dns",
        "rds",
        "sqs",
        "sns",
        "ecs",
        "eks",
        "kms",
        "efs",
        "nfs",
        "redis",
        "kinesis",
        "https",
        "tls",
        "aws",
        "gcs",
        "locals",
        "kubernetes",
        "postgres",
        "always",
        "access",
        "status",
    }
)
_SHORT_PLURALS = frozenset({"lbs", "sgs", "vms", "dbs", "ips"})


def senses(words: Sequence[str]) -> tuple[Rank, ...]:
    """The ranked senses of exactly these words, empty when the vocabulary does not hold them. Plurals are understood."""
    phrase = tuple(words)
    return _table().get(phrase) or _table().get(tuple(singular(word) for word in phrase)) or ()


def longest_phrase(words: Sequence[str], start: int) -> int:
    """How many words from `start` on form the longest phrase of the vocabulary; 0 when none does."""
    for length in range(min(_longest(), len(words) - start), 0, -1):
        if senses(words[start : start + length]):
            return length
    return 0


def spellings(types: Iterable[str]) -> dict[Words, frozenset[str]]:
    """How these resource types are spelled in words: each whole, and without the provider's name; also in the singular.

    >>> spellings(["aws_db_instance"])[("db", "instance")]
    frozenset({'aws_db_instance'})
    """
    found: dict[Words, set[str]] = {}
    for type_ in types:
        tokens = name_tokens(type_)
        for words in (tokens, tokens[1:]):
            if words:
                found.setdefault(words, set()).add(type_)
                found.setdefault(tuple(singular(word) for word in words), set()).add(type_)
    return {words: frozenset(types) for words, types in found.items()}


def of_one_provider(words: Sequence[str]) -> bool:
    """Whether one of several words belongs to a single provider's types (`cloudfront`, `redshift`): such words spell a type.

    >>> of_one_provider(("cloudfront", "distribution")), of_one_provider(("load", "balancer"))
    (True, False)
    """
    return len(words) > 1 and any(len(_providers().get(singular(word), ())) == 1 for word in words)


@lru_cache(maxsize=1)
def _providers() -> dict[str, frozenset[str]]:
    """The providers whose types hold a word, by word."""
    found: dict[str, set[str]] = {}
    for ranks in _table().values():
        for pattern in (sense.pattern for rank in ranks for sense in rank.senses):
            provider, *words = name_tokens(pattern) or ("",)
            for word in words:
                found.setdefault(singular(word), set()).add(provider)
    return {word: frozenset(providers) for word, providers in found.items()}


@lru_cache(maxsize=1)
def _table() -> dict[Words, tuple[Rank, ...]]:
    from graph.vocabulary_terms import TERMS

    table: dict[Words, tuple[Rank, ...]] = {}
    for phrases, ranks in TERMS:
        ranked = tuple(Rank(tuple(_sense(pattern) for pattern in rank.split())) for rank in ranks)
        for phrase in phrases.split("|"):
            table.setdefault(name_tokens(phrase), ranked)
    return table


@lru_cache(maxsize=1)
def phrase_words() -> frozenset[str]:
    """Every word that occurs in a phrase of the vocabulary."""
    return frozenset(word for phrase in _table() for word in phrase)


@lru_cache(maxsize=1)
def _longest() -> int:
    return max(map(len, _table()))


def _sense(pattern: str) -> Sense:
    if pattern.startswith("@"):
        return Sense(block_type=pattern[1:])
    if pattern.startswith("#"):
        return Sense(kind=pattern[1:])
    return Sense(pattern=pattern)
