"""How like two display names are, and which logins a name gives rise to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum
from functools import lru_cache

from rapidfuzz.distance import DamerauLevenshtein

from ingest.identity.common_names import DENSE_FAMILY, FAMILY, GIVEN, TOP_FAMILY, TOP_GIVEN, WIDE_FAMILY
from ingest.identity.words import Name

MIN_TYPO_LENGTH = 9
"""Letters of a full name from which on one wrong letter is a misspelling and not another name."""


_FEMININE = frozenset(["a", "e", "ah", "et", "ette", "etta", "ia", "ie", "ina", "ine", "la", "na"])
"""Endings that make another person's name of a given name."""


_SYLLABLE = re.compile(r"(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?[aeiou]{1,3}(?:ng?|r)?")
"""One syllable of Pinyin: as a given name thousands have it."""


class Likeness(IntEnum):
    """What two sets of names say about whether they are of one human being."""

    CONFLICT = 0
    UNKNOWN = 1
    POSSIBLE = 2
    LIKELY = 3
    SAME = 4


def likeness(one: Iterable[Name], other: Iterable[Name]) -> Likeness:
    """The best likeness of any two of them; UNKNOWN when either has no name of two words."""
    ones, others = [n for n in one if _tells(n)], [n for n in other if _tells(n)]
    if not ones or not others:
        return Likeness.UNKNOWN
    return max(_between(a, b) for a in ones for b in others)


def _between(a: Name, b: Name) -> Likeness:
    like = alike(a, b)
    return Likeness.UNKNOWN if like is Likeness.CONFLICT and (a.guessed or b.guessed) else like


def _tells(name: Name) -> bool:
    return name.full or name.initialled


@lru_cache(maxsize=262_144)
def alike(a: Name, b: Name) -> Likeness:
    """How like two names are. `Jane Doe`, `Doe Jane`: SAME; `Jane M. Doe`, `Jane Deo`: LIKELY; `J. Doe`: POSSIBLE."""
    if a.keys & b.keys:
        return Likeness.SAME
    words_a, words_b = _words(a), _words(b)
    if a.full and b.full:
        if _middles_clash(a, b):
            return Likeness.CONFLICT
        if words_a == words_b or "".join(a.tokens) == "".join(b.tokens):
            return Likeness.LIKELY
        if _misspelled(a, b):
            return Likeness.LIKELY
        if _less_middle(a, b):
            return Likeness.LIKELY
        short, long = sorted((words_a, words_b), key=len)
        if len(short) >= 2 and set(short) < set(long):
            return Likeness.POSSIBLE
        if len(_in_order(a)) == len(_in_order(b)) == 2 and _short_form(_in_order(a), _in_order(b)):
            return Likeness.POSSIBLE
        if _other_letters(a, b):
            return Likeness.POSSIBLE
        return Likeness.CONFLICT
    return Likeness.POSSIBLE if _initials_fit(a, b) else Likeness.CONFLICT


def _words(name: Name) -> tuple[str, ...]:
    return tuple(sorted(token for token in name.tokens if len(token) > 1))


def _middles_clash(a: Name, b: Name) -> bool:
    """`John A. Smith` is not `John B. Smith`."""
    mine, yours = ({t for t in n.tokens if len(t) == 1} for n in (a, b))
    return bool(mine and yours and not mine & yours) and _words(a) == _words(b)


def _misspelled(a: Name, b: Name) -> bool:
    """One letter of the given name too many, too few or swapped with its neighbour. Another letter makes another name too often."""
    one, other = " ".join(a.tokens), " ".join(b.tokens)
    if min(len(one), len(other)) < MIN_TYPO_LENGTH or len(a.tokens) != len(b.tokens):
        return False
    if DamerauLevenshtein.distance(one, other, score_cutoff=1) > 1 or (
        len(one) == len(other) and sorted(one) != sorted(other)
    ):
        return False
    if a.tokens[-1] != b.tokens[-1]:
        return False  # `Norberg` and `Nordberg` are two families
    # `Daniel Roth` and `Daniela Roth` are two: a known name is no misspelling of another one.
    return all(
        mine == yours or (min(len(mine), len(yours)) >= 4 and not (_known(mine) and _known(yours)))
        for mine, yours in zip(a.tokens, b.tokens, strict=True)
    )


def _less_middle(a: Name, b: Name) -> bool:
    """`Ana Lopez` and `Ana Maria Lopez`: first and last word agree, what is between is in one of them only."""
    short, long = sorted((_in_order(a), _in_order(b)), key=len)
    if len(short) != 2 or len(long) <= 2 or {short[0], short[-1]} != {long[0], long[-1]}:
        return False
    return not all(_known(token) for token in short)


def _in_order(name: Name) -> tuple[str, ...]:
    return tuple(token for token in name.tokens if len(token) > 1)


def _known(token: str) -> bool:
    return token in GIVEN or token in FAMILY


def _other_letters(a: Name, b: Name) -> bool:
    """One wrong letter in a long word that is no known name: another spelling, or another name."""
    one, other = " ".join(a.tokens), " ".join(b.tokens)
    if len(a.tokens) != len(b.tokens) or min(len(one), len(other)) < MIN_TYPO_LENGTH:
        return False
    differing = [(mine, yours) for mine, yours in zip(a.tokens, b.tokens, strict=True) if mine != yours]
    return (
        len(differing) == 1
        and all(min(len(mine), len(yours)) >= 5 and not (_known(mine) and _known(yours)) for mine, yours in differing)
        and DamerauLevenshtein.distance(one, other, score_cutoff=1) <= 1
    )


def _short_form(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """`Alex Morozov` and `Alexander Morozov`: same family name, one given name begins the other. Not `Daniel` and `Daniela`."""
    if a[-1] != b[-1]:
        return False
    short, long = sorted((a[0], b[0]), key=len)
    return len(short) >= 2 and long.startswith(short) and long.removeprefix(short) not in _FEMININE


def _initials_fit(a: Name, b: Name) -> bool:
    """`J. Doe`, `Jane D` against `Jane Doe`."""
    short, long = (a, b) if not a.full else (b, a)
    if len(short.tokens) > len(long.tokens):
        return False
    rest = list(long.tokens)
    for token in sorted(short.tokens, key=len, reverse=True):
        fit = next((t for t in rest if t == token or (len(token) == 1 and t.startswith(token))), None)
        if fit is None:
            return False
        rest.remove(fit)
    return True


def is_common(name: Name) -> bool:
    """Whether so many people bear the name that it alone tells nobody apart."""
    words = [token for token in name.tokens if len(token) > 1]
    if len(words) == 1:
        return True
    if len(words) > 2:
        return False
    pairs = ((words[0], words[1]), (words[1], words[0]))
    return any(
        last in WIDE_FAMILY
        or (first in TOP_GIVEN and last in TOP_FAMILY)
        or (
            last in DENSE_FAMILY
            and (first in TOP_GIVEN or first in DENSE_FAMILY or len(first) <= 4 or _SYLLABLE.fullmatch(first))
        )
        for first, last in pairs
    )


def is_frequent(name: Name) -> bool:
    """Whether it is likely enough that two organisations have somebody of this name. A middle initial makes that unlikely."""
    if len(name.tokens) != 2:
        return False
    pairs = ((name.tokens[0], name.tokens[1]), (name.tokens[1], name.tokens[0]))
    return any(first in TOP_GIVEN and last in FAMILY for first, last in pairs)


def whole_logins(name: Name) -> frozenset[str]:
    """Logins that hold the whole name: `janedoe`, `jane.doe`, `doejane` …"""
    words = [token for token in name.tokens if len(token) > 1]
    if len(words) < 2:
        return frozenset()
    first, last = words[0], words[-1]
    pairs = [(first, last), (last, first)]
    found = {joint.join(pair) for pair in pairs for joint in ("", ".", "-", "_")}
    if len(words) > 2:
        found |= {joint.join(words) for joint in ("", ".", "-", "_")}
    return frozenset(found)


def short_logins(name: Name) -> frozenset[str]:
    """Logins that hold a part of it: `jdoe`, `j.doe`, `janed`, `doej`, `jane.d` …"""
    words = [token for token in name.tokens if len(token) > 1]
    if len(words) < 2:
        return frozenset()
    first, last = words[0], words[-1]
    initials = "".join(token[0] for token in name.tokens)
    found = {
        first[0] + last,
        f"{first[0]}.{last}",
        first + last[0],
        f"{first}.{last[0]}",
        last + first[0],
        initials[:-1] + last,
    }
    found |= {f"{last}.{first[0]}", f"{first[0]}-{last}", f"{first[0]}_{last}"}
    return frozenset(found)


def tells_family(name: Name, login: str) -> bool:
    """Whether a short login holds the whole of a family name that few bear: `dhuard` of `David Huard`."""
    last = name.tokens[-1]
    return len(last) >= 5 and last not in FAMILY and last not in GIVEN and last in login


def fits(name: Name, login: str) -> bool:
    """Whether a login is made of this name, with up to two digits at its end. More digits are one's own."""
    bare = login.rstrip("0123456789")
    if len(login) - len(bare) > 2:
        return False
    if len(name.tokens) > 3 and bare == "".join(t[0] for t in name.tokens[:-1]) + name.tokens[-1]:
        return False  # `jehturner`: nobody else has these initials
    return bare in whole_logins(name) or bare in short_logins(name) or bare in name.tokens
