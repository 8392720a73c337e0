"""A mention taken apart: what is looked up literally, what may be type words, name words and words of a place.

"the security group rule api egress in terraform/shop" can be read in several ways; `readings` lists them, likeliest first.
Which one is right only the graph can tell, since names hold type words, too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from graph.text import name_tokens
from graph.vocabulary import Rank, Sense, Words, of_one_provider, senses, singular

MAX_WORDS = 48
"""Words of a mention that are read; no name is that long."""

_LONGEST_TYPE = 7
_PREPOSITIONS = frozenset({"in", "of", "under", "inside", "within", "from", "at", "for", "on", "to", "by", "with"})
_WHERE = frozenset({"in", "under", "inside", "within", "at"})
_DETERMINERS = frozenset(
    {"the", "our", "a", "an", "all", "any", "my", "this", "that", "their", "some", "every", "those", "these", "its"}
)
_GENERIC = frozenset(
    {
        "resource",
        "block",
        "object",
        "config",
        "configuration",
        "setting",
        "settings",
        "definition",
        "code",
        "thing",
        "one",
        "called",
        "named",
        "name",
        "entry",
        "terraform",
    }
)
_PLACE_NOUNS = frozenset(
    {
        "module",
        "stack",
        "environment",
        "env",
        "directory",
        "folder",
        "dir",
        "file",
        "repo",
        "repository",
        "account",
        "project",
        "workspace",
        "area",
        "part",
        "state",
        "root",
        "terraform",
        "code",
    }
)
_ENVIRONMENTS: tuple[frozenset[str], ...] = (
    frozenset({"prod", "production", "prd", "live"}),
    frozenset({"staging", "stage", "stg", "preprod"}),
    frozenset({"dev", "development", "devel"}),
    frozenset({"test", "testing"}),
)
_PLURAL_ACRONYM = re.compile(r"[A-Z]{2,}s")
_ALSO = {word: names - {word} for names in _ENVIRONMENTS for word in names}
_STRIP = "\"'`“”‘’«»<>,;:!?…()*"
_EXTENSION = re.compile(
    r"[^\s/]+\.(?:tf|tfvars|hcl|ya?ml|json|py|pp|erb|epp|sh|md|j2|tpl|toml|ini|cfg|conf|txt|sql|xml|lock|tmpl|jsonnet|cue|nix)(?:\.\w{1,6})?",
    re.I,
)
_PROVIDER_ID = re.compile(r"[a-z]{1,10}-[0-9a-f]{6,40}|[0-9a-f]{7,64}|arn:\S+|\S+@\S+\.\S+|\d{12}", re.I)


@dataclass(frozen=True, slots=True)
class Mention:
    """A mention in its parts.

    Attributes:
        words: the words in order, lower case, without what is in `paths`; identifiers are split into theirs.
        literals: chunks that may be an exact name (address, ARN, id), as written, likeliest first.
        identifiers: chunks that may be an identifier of any form, which only the graph can tell.
        paths: chunks that look like a path of a file or directory, without `./` and trailing slashes.
    """

    words: Words
    literals: tuple[str, ...]
    paths: tuple[str, ...]
    identifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a mention.

    Attributes:
        name: words of the name; empty for a nameless mention.
        ranks: ranked senses of the type words, empty when there are none.
        types: resource types that the type words spell out.
        place: words that say where, in lower case.
        inside: the place follows a word like "in": what is meant lies there.
        bent: a preposition of place was left out to read what follows as part of the name.
        loose: words that only lead up to a name, as a rule, were left out.
    """

    name: Words
    ranks: tuple[Rank, ...] = ()
    types: frozenset[str] = frozenset()
    place: Words = ()
    inside: bool = False
    bent: bool = False
    loose: bool = False

    @property
    def typed(self) -> bool:
        """Whether type words were read."""
        return bool(self.ranks or self.types)


def parse(text: str) -> Mention:
    """Take a mention apart. Any text is fine; the empty one gives empty parts."""
    words: list[str] = []
    literals: list[str] = []
    paths: list[str] = []
    identifiers: list[str] = []
    for raw in text.split()[: MAX_WORDS * 2]:
        chunk = raw.strip(_STRIP).rstrip(".")
        if not chunk:
            continue
        if _is_literal(chunk):
            literals.append(chunk[:512])
        elif _may_identify(chunk):
            identifiers.append(chunk[:512])
        if _is_path(chunk):
            paths.append(chunk.removeprefix("./").strip("/")[:512])
        else:
            words.extend(name_tokens(chunk.casefold() if _PLURAL_ACRONYM.fullmatch(chunk) else chunk))
    return Mention(tuple(words[:MAX_WORDS]), tuple(literals[:8]), tuple(paths[:4]), tuple(identifiers[:8]))


def readings(words: Words, spelled: Mapping[Words, frozenset[str]]) -> tuple[Reading, ...]:
    """All ways to read these words, likeliest first: without a place, then with the last preposition's words as the place.

    `spelled` holds the graph's own types by their words (`graph.vocabulary.spellings`).
    """
    found: dict[Reading, None] = {}
    for thing, place, inside, bent in _places(words):
        for core in dict.fromkeys((_trim(thing, tail=False), _trim(thing, tail=True))):
            # All words as the name come first: the search for all of them is the narrowest.
            for name in _names(core):
                found.setdefault(Reading(name, (), frozenset(), place, inside, bent, loose=name != core))
            for rest, ranks, types in _typed(core, spelled):
                for name in _names(rest) or ((),):
                    found.setdefault(Reading(name, ranks, types, place, inside, bent, loose=name != rest))
    return tuple(found)


def content_words(words: Iterable[str]) -> Words:
    """The words that say something: neither articles nor prepositions, nor words for a place or for things at large."""
    dull = _DETERMINERS | _PREPOSITIONS | _PLACE_NOUNS | _GENERIC
    return tuple(w for w in words if w not in dull)


def other_environment_names(word: str) -> frozenset[str]:
    """Other names of the environment that a word names; none when it names none."""
    return frozenset(_ALSO.get(word, ()))


def names_a_thing(words: Iterable[str]) -> bool:
    """Whether any of these words is more than an article, a preposition or a word for a place."""
    return any(w not in _DETERMINERS and w not in _PREPOSITIONS and w not in _PLACE_NOUNS for w in words)


def holds_word(words: Collection[str], word: str) -> bool:
    """Whether a word is among these, environments understood (`prod` is `production`)."""
    return word in words or any(other in words for other in _ALSO.get(word, ()))


def _is_literal(chunk: str) -> bool:
    return any(c in chunk[1:] for c in "./:#[@") or bool(_PROVIDER_ID.fullmatch(chunk))


def _may_identify(chunk: str) -> bool:
    """Whether a chunk is more than a word: it holds a digit, or words joined by signs."""
    return len(chunk) > 2 and any(not c.isalpha() for c in chunk)


def _is_path(chunk: str) -> bool:
    if chunk.startswith("arn:") or "://" in chunk:
        return False
    return "/" in chunk or bool(_EXTENSION.fullmatch(chunk))


def _places(words: Words) -> Iterable[tuple[Words, Words, bool, bool]]:
    """Thing and place, whether the thing lies inside it, and whether a preposition of place was left out."""
    yield words, (), False, False
    cuts = [i for i, word in enumerate(words) if word in _PREPOSITIONS]
    for i in reversed(cuts[-3:]):
        if i == len(words) - 1:
            yield words[:i], (), False, False
            continue
        place = tuple(w for w in words[i + 1 :] if w not in _DETERMINERS and w not in _PREPOSITIONS)
        plain = tuple(w for w in place if w not in _PLACE_NOUNS)
        yield words[:i], plain or place, words[i] in _WHERE, False
        if i > 0:
            yield words[:i] + words[i + 1 :], (), False, words[i] in _WHERE
    if words and words[0] in _PREPOSITIONS:
        yield words[1:], (), False, False


def _trim(words: Words, *, tail: bool) -> Words:
    """Without articles before and, with `tail`, without prepositions whose place was a path."""
    start, end = 0, len(words)
    while start < end and words[start] in _DETERMINERS:
        start += 1
    while tail and end > start and words[end - 1] in _PREPOSITIONS:
        end -= 1
    return words[start:end]


def _typed(
    words: Words, spelled: Mapping[Words, frozenset[str]]
) -> Iterable[tuple[Words, tuple[Rank, ...], frozenset[str]]]:
    """Name, senses and types for type words before or after the name, the longest first."""
    for length in range(min(len(words), _LONGEST_TYPE), 0, -1):
        for phrase, name in ((words[:length], words[length:]), (words[-length:], words[:-length])):
            ranks = senses(phrase)
            types = spelled.get(phrase) or spelled.get(tuple(singular(w) for w in phrase)) or frozenset[str]()
            if ranks and types and of_one_provider(phrase):
                # Who spells a type of one provider out means that type before others of its category.
                ranks = (Rank(tuple(Sense(type_) for type_ in sorted(types))), *ranks)
            if ranks or types:
                yield name, ranks, types
            if length == len(words):
                break


def _names(words: Words) -> tuple[Words, ...]:
    """The words as a name: as they are, and without what may only lead up to it ("rule called api", "the bucket resource")."""
    start, end = 0, len(words)
    while start < end and (words[start] in _DETERMINERS or words[start] in _GENERIC):
        start += 1
    while end > start and words[end - 1] in _GENERIC:
        end -= 1
    return tuple(dict.fromkeys((words, words[start:end]))) if words else ()
