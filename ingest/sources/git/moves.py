"""Which removed blocks and added blocks of one diff are the same block under another name, file or directory.

Three rules, the surest first; each block takes part in one move at most.

`moved_block`: the new version says so, `moved { from = … to = … }`. Score 1.
`same_body`: equal meaning and type. Among several, one of the same name is preferred, then one of the nearest path. A body
that says little (an empty `variable`, an output, a local) could be anyone's: it is the same block only under its own name,
and in another directory only when more speaks for it (other blocks went the same way). Score 1.
`similar_body`: same type, and either the same name and most of the attributes, or another name and nearly all of the
attributes; the less the names have in common, the more. A block's own name inside its attributes is left aside. Score: the
share of attributes that agree.

Linear in the number of blocks but for groups of one type or one body, whose comparisons are capped.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from graph.model import Value
from graph.text import name_tokens
from ingest.sources.git.blocks import Meaning, Span

MOVED_BLOCK = "moved_block"
SAME_BODY = "same_body"
SIMILAR_BODY = "similar_body"

_BOUND_TO_NAME = frozenset(
    {"variable", "output", "local", "key", "provider", "terraform", "moved", "import", "removed", "check"}
)
"""Block types whose bodies often say the same by chance."""

_DISTINCT, _DISTINCT_WHEN_BOUND, _DISTINCT_BESIDE_NAME = 3.0, 8.0, 2.0
"""From this weight on, a body is taken to be nobody else's; the last without what holds its own name."""
_SAME_NAME_SCORE, _FOLLOWING_SCORE = 0.6, 0.3
"""Least scores of `similar_body` under the same name: by itself, and where other blocks went the same way."""
_LIKE_NAME_SCORE, _OTHER_NAME_SCORE, _ELSEWHERE = 0.75, 0.9, 0.05
"""The same under another name, one that is alike and one that is not; and how much more in another directory."""
_LIKE_NAME = 0.6
_FELLOWS = 3
"""So many weak bodies of equal name going the same way speak for each other."""
_MAX_COMPARISONS = 2_500
_ALIKE_LETTERS = 0.85
_NAME = "\x00"
_ENCODE = msgspec.json.Encoder(order="deterministic").encode

_MODULE_STEP = re.compile(r"^module\.[^.\[]+(?:\[[^\]]*\])?\.")
_LAST_INDEX = re.compile(r"\[[^\]]*\]$")


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One version of a block.

    Attributes:
        identity: the address under which its versions are paired.
        type: the type within which moves are sought.
        digest: equal for blocks that mean the same, whatever their address.
        whole_file: the blob, when the whole file came or went with the block; else empty.
    """

    language: str
    directory: str
    path: str
    span: Span
    identity: str
    type: str
    meaning: Meaning
    digest: bytes
    whole_file: str


@dataclass(frozen=True, slots=True)
class Move:
    """A removed block and the added one that it became."""

    old: Block
    new: Block
    score: float
    rule: str


def find_moves(removed: Sequence[Block], added: Sequence[Block]) -> list[Move]:
    """The moves among the blocks of one diff that have no other version of the same address."""
    if not removed or not added:
        return []
    search = _Search(removed, added)
    search.declared()
    search.same_body()
    search.similar_body()
    return search.moves


def likeness(old: Block, new: Block) -> float:
    """The share of attributes, of both, that agree when each block's own name is left aside."""
    return _share(_nameless(old), _nameless(new))


def _share(one: frozenset[tuple[str, str]], other: frozenset[tuple[str, str]]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one or other else 1.0


class _Search:
    def __init__(self, removed: Sequence[Block], added: Sequence[Block]) -> None:
        self.moves: list[Move] = []
        self._removed = list(removed)
        self._added = list(added)
        self._gone: set[Block] = set()
        self._went = Counter[tuple[str, str]]()
        """Directory before, directory after -> how many distinct bodies went that way."""

    # -- rules

    def declared(self) -> None:
        """Moves that `moved` blocks of the new version declare."""
        statements = [block for block in self._added if block.span.block_type == "moved"]
        if not statements:
            return
        olds = _by(self._removed, lambda block: _unindexed(block.span.address))
        news = _by(self._added, lambda block: _unindexed(block.span.address))
        for statement in statements:
            said = statement.meaning.attributes
            source, target = said.get("from"), said.get("to")
            if isinstance(source, str) and isinstance(target, str):
                old = self._spoken_of(olds, source, statement.directory)
                new = self._spoken_of(news, target, statement.directory)
                if old is not None and new is not None and old.span.block_type == new.span.block_type:
                    self._move(old, new, 1.0, MOVED_BLOCK)

    def same_body(self) -> None:
        """Moves of blocks that say exactly the same: first bodies that tell who they are, then those that do not."""
        weak: list[tuple[list[Block], list[Block]]] = []
        for olds, news in self._pools(lambda block: (block.language, block.span.block_type, block.type, block.digest)):
            if _is_distinct(olds[0]):
                self._assign(olds, news)
            else:
                weak.append((olds, news))
        fellows = Counter(
            (old.directory, new.directory)
            for olds, news in weak
            if len(olds) * len(news) <= _MAX_COMPARISONS
            for old in olds
            for new in news
            if old.span.name == new.span.name
        )
        for olds, news in weak:
            self._assign_weak(olds, news, fellows)

    def similar_body(self) -> None:
        """Moves of blocks that were changed at the same time."""
        for olds, news in self._pools(lambda block: (block.language, block.span.block_type, block.type)):
            bound = olds[0].span.block_type in _BOUND_TO_NAME
            if not bound and len(olds) * len(news) <= _MAX_COMPARISONS:
                pairs = [(old, new) for old in olds for new in news]
            else:
                named = _by(olds, lambda block: block.span.name)
                pairs = [(old, new) for new in news for old in named.get(new.span.name, ())[:20]]
            said = {block: _nameless(block) for pair in pairs for block in pair}
            ranked: list[tuple[float, float, int]] = []
            for number, (old, new) in enumerate(pairs):
                score = _share(said[old], said[new])
                if score >= _FOLLOWING_SCORE and score >= self._least_score(old, new, bound=bound):
                    ranked.append((-score, -_nearness(old, new), number))
            for score, _, number in sorted(ranked):
                old, new = pairs[number]
                if old not in self._gone and new not in self._gone:
                    self._move(old, new, round(-score, 4), SIMILAR_BODY)

    # -- choosing

    def _least_score(self, old: Block, new: Block, *, bound: bool) -> float:
        follows = self._went[old.directory, new.directory] > 0 or _same_file_elsewhere(old, new)
        if old.span.name == new.span.name:
            if follows:
                return _FOLLOWING_SCORE
            return 2.0 if bound else _SAME_NAME_SCORE
        if bound:
            return 2.0
        like = _name_likeness(old.span.name, new.span.name) >= _LIKE_NAME
        if not like and min(_nameless_weight(old), _nameless_weight(new)) < _DISTINCT_BESIDE_NAME:
            return 2.0
        least = _LIKE_NAME_SCORE if like else _OTHER_NAME_SCORE
        return least if old.directory == new.directory else least + _ELSEWHERE

    def _assign(self, olds: list[Block], news: list[Block]) -> None:
        """Pairs equal distinct bodies one to one, in rounds of falling likeness of place."""
        if len(olds) == len(news) == 1:
            self._move(olds[0], news[0], 1.0, SAME_BODY)
            return
        rounds: tuple[Callable[[Block], Hashable], ...] = (
            lambda block: (block.span.name, block.path.rpartition("/")[2]),
            lambda block: block.span.name,
            lambda block: block.directory,
            lambda block: None,
        )
        for key in rounds:
            left = _by((old for old in olds if old not in self._gone), key)
            for new in news:
                candidates = left.get(key(new))
                if candidates and new not in self._gone:
                    old = max(candidates[:50], key=lambda block: _nearness(block, new))
                    candidates.remove(old)
                    self._move(old, new, 1.0, SAME_BODY)

    def _assign_weak(self, olds: list[Block], news: list[Block], fellows: Counter[tuple[str, str]]) -> None:
        """Pairs equal bodies that say little: of one name, where something else speaks for it too."""
        named = _by(olds, lambda block: block.span.name)
        for new in news:
            best: tuple[int, float, Block] | None = None
            for old in named.get(new.span.name, ())[:50]:
                if old in self._gone:
                    continue
                way = (old.directory, new.directory)
                support = self._went[way] + (fellows[way] if fellows[way] >= _FELLOWS else 0)
                support += old.directory == new.directory or _same_file_elsewhere(old, new)
                if support and (best is None or (support, _nearness(old, new)) > best[:2]):
                    best = (support, _nearness(old, new), old)
            if best is not None:
                self._move(best[2], new, 1.0, SAME_BODY)
        if len(olds) == len(news) == 1 and olds[0].directory == news[0].directory and _weight(olds[0]) >= _DISTINCT:
            self._move(olds[0], news[0], 1.0, SAME_BODY)

    def _spoken_of(self, blocks: dict[str, list[Block]], address: str, directory: str) -> Block | None:
        """The block that an address in a `moved` block of this directory means; one inside a module lies elsewhere."""
        inside = _MODULE_STEP.match(address)
        here = [block for block in blocks.get(_unindexed(address), ()) if block.directory == directory]
        if here or inside is None:
            return here[0] if here else None
        while inside is not None:
            address = address[inside.end() :]
            inside = _MODULE_STEP.match(address)
        elsewhere = [block for block in blocks.get(_unindexed(address), ()) if block.directory != directory]
        return elsewhere[0] if len(elsewhere) == 1 else None

    def _move(self, old: Block, new: Block, score: float, rule: str) -> None:
        if old in self._gone or new in self._gone:
            return
        self._gone.update((old, new))
        self.moves.append(Move(old, new, score, rule))
        if _is_distinct(new):
            self._went[old.directory, new.directory] += 1

    def _pools(self, key: Callable[[Block], Hashable]) -> list[tuple[list[Block], list[Block]]]:
        """The blocks still unmatched that share a key, removed and added, where there are both."""
        olds = _by((block for block in self._removed if block not in self._gone), key)
        news = _by((block for block in self._added if block not in self._gone), key)
        return [(blocks, news[shared]) for shared, blocks in olds.items() if shared in news]


K = TypeVar("K", bound=Hashable)


def _by(blocks: Iterable[Block], key: Callable[[Block], K]) -> dict[K, list[Block]]:
    index: defaultdict[K, list[Block]] = defaultdict(list)
    for block in blocks:
        index[key(block)].append(block)
    return dict(index)


def _is_distinct(block: Block) -> bool:
    bound = block.span.block_type in _BOUND_TO_NAME
    return _weight(block) >= (_DISTINCT_WHEN_BOUND if bound else _DISTINCT)


def _weight(block: Block) -> float:
    """How much a body says."""
    return sum(_value_weight(value) for value in block.meaning.attributes.values())


def _nameless_weight(block: Block) -> float:
    """How much a body says beside its own name."""
    name = block.span.name
    return sum(
        _value_weight(value)
        for value in block.meaning.attributes.values()
        if _NAME not in _without(value, _spellings(name))
    )


def _value_weight(value: Value) -> float:
    """Two for a longer text or a list, one for a word, half for a number, a switch or nothing."""
    if isinstance(value, str):
        return 2.0 if len(value) >= 8 else 1.0
    return 2.0 if isinstance(value, (list, dict)) and value else 0.5


def _name_likeness(one: str, other: str) -> float:
    """The share of words that two names have in common; or how alike they are letter by letter, if that is very much."""
    from rapidfuzz import fuzz  # takes longer to load than most diffs need it

    words, others = frozenset(name_tokens(one)), frozenset(name_tokens(other))
    shared = len(words & others) / len(words | others) if words or others else 0.0
    letters = fuzz.ratio(one, other) / 100
    return max(shared, letters if letters >= _ALIKE_LETTERS else 0.0)


def _nameless(block: Block) -> frozenset[tuple[str, str]]:
    """Path and value of each attribute, with the block's own name left out of texts."""
    spellings = _spellings(block.span.name)
    return frozenset((path, _without(value, spellings)) for path, value in block.meaning.attributes.items())


def _spellings(name: str) -> tuple[str, ...]:
    return tuple({name, name.replace("_", "-"), name.replace("-", "_")}) if len(name) > 2 else ()


def _without(value: Value, names: tuple[str, ...]) -> str:
    text = '"' + value if isinstance(value, str) else _ENCODE(value).decode()
    for name in names:
        text = text.replace(name, _NAME)
    return text


def _nearness(old: Block, new: Block) -> float:
    """How much the paths have in common: the share of equal folders and file name, plus one for an equal file."""
    if old.path == new.path:
        return 2.0
    one, other = Counter(old.path.split("/")), Counter(new.path.split("/"))
    return 2 * (one & other).total() / (one.total() + other.total())


def _same_file_elsewhere(old: Block, new: Block) -> bool:
    """Whether the whole file went and came again elsewhere, byte by byte."""
    return old.whole_file != "" and old.whole_file == new.whole_file


def _unindexed(address: str) -> str:
    return _LAST_INDEX.sub("", address)
