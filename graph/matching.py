"""How well a thing fits one reading of a mention: its name, its type and its place. Scores lie between 0 and 1."""

from __future__ import annotations

from collections.abc import Collection

from graph.lexicon import Lexicon, Thing, own_name
from graph.mention import Reading, holds_word
from graph.text import contains_in_order, name_tokens
from graph.vocabulary import Words

EXACT = 0.9
"""From this score on the whole name was said."""
WEAK = 0.45
"""Below this score nothing was recognised."""

_WRONG_TYPE = 0.3
_WRONG_PLACE = 0.5
_IN_NAME = 0.05
_LATER_RANK = 0.04
_BENT = 0.15
_DEAD = 0.03
_LESS_LIKELY = {
    "data": 0.02,
    "variable": 0.03,
    "local": 0.03,
    "output": 0.03,
    "provider": 0.03,
    "moved": 0.06,
    "import": 0.06,
    "key": 0.03,
}


_WHERE = ("directory", "repository", "environment", "workspace", "lineage")
_DULL_FILES = frozenset(
    {"main", "variables", "vars", "outputs", "output", "versions", "index", "data", "locals", "default", "values"}
)
"""Files that every module has: their names say nothing of a place."""


def fit(found: Thing, reading: Reading, paths: Collection[str], known: Lexicon) -> float:
    """The score of a thing under a reading of a mention with these paths."""
    score = name_score(reading.name, own_name(found.properties), name_tokens(found.label))
    if score <= 0:
        return 0.0
    score -= type_penalty(found, reading, known)
    score -= place_penalty(found, reading.place, paths)
    score -= _LESS_LIKELY.get(found.text("block_type"), 0.0) if not _says_block_type(found, reading) else 0.0
    score -= _BENT if reading.bent else 0.0
    score -= 0.0 if found.live else _DEAD
    return max(score, 0.0)


def name_score(said: Words, own: Words, whole: Words) -> float:
    """How much of a name was said: `own` are the words of the name itself, `whole` those of the address."""
    if not said or not whole:
        return 0.0
    if said in (own, whole):
        return 1.0
    if len(said) > len(own) > 0 and contains_in_order(whole, said) and whole[-len(said) :] == said:
        return 0.99
    if sorted(said) == sorted(own) or sorted(said) == sorted(whole):
        return 0.94
    said_set, own_set = set(said), set(own)
    if own and own_set <= said_set <= set(whole):
        return 0.88
    share = len("".join(said)) / max(len("".join(own)), 1)
    if contains_in_order(own, said):
        return 0.55 + 0.3 * min(share, 1.0)
    if said_set <= own_set:
        return 0.5 + 0.3 * min(share, 1.0)
    if said_set <= set(whole):
        return 0.45 + 0.3 * len(said) / len(whole)
    shared = said_set & set(whole)
    covered = len("".join(shared)) / len("".join(said_set))
    return 0.6 * covered * (0.6 + 0.4 * len(own_set & said_set) / max(len(own_set), 1))


def type_penalty(found: Thing, reading: Reading, known: Lexicon) -> float:
    """What a thing loses for not being of the type that was said."""
    if not reading.typed:
        return 0.0
    type_, block_type = found.text("type"), found.text("block_type")
    if type_ in reading.types:
        return 0.0
    for number, rank in enumerate(reading.ranks):
        if type_ in known.of_rank(rank) or block_type in rank.block_types or found.ref.kind in rank.kinds:
            return _LATER_RANK * number
    return _WRONG_TYPE


def place_penalty(found: Thing, place: Words, paths: Collection[str]) -> float:
    """What a thing loses for not being in the place that was said."""
    penalty = sum(_path_penalty(found, path) for path in paths)
    if place:
        where = frozenset(place_words(found))
        if all(holds_word(where, word) for word in place):
            return penalty
        named = where.union(name_tokens(found.label))
        penalty += _IN_NAME if all(holds_word(named, word) for word in place) else _WRONG_PLACE
    return penalty


def place_words(found: Thing) -> Words:
    """The words of where a thing is: directory, file, repository, environment, workspace."""
    words = [word for key in _WHERE for word in name_tokens(found.text(key))]
    stem = found.text("path").rpartition("/")[2].partition(".")[0]
    if stem not in _DULL_FILES:
        words += name_tokens(stem)
    return tuple(words)


def _path_penalty(found: Thing, path: str) -> float:
    directory, file, repository = found.text("directory"), found.text("path"), found.text("repository")
    if path.casefold() in (directory.casefold(), file.casefold()):
        return 0.0
    sought, where = f"/{path.casefold()}/", f"/{directory.casefold()}/"
    if where.endswith(sought) or f"/{file.casefold()}/".endswith(sought):
        return 0.005
    if repository and path.casefold() in (repository.casefold(), repository.casefold().rpartition("/")[2]):
        return 0.0
    if sought in where or sought in f"/{file.casefold()}/":
        return 0.02
    return _WRONG_PLACE


def _says_block_type(found: Thing, reading: Reading) -> bool:
    block_type = found.text("block_type")
    return any(block_type in rank.block_types for rank in reading.ranks)
