"""What a set of file changes did to blocks.

Within a directory, versions of a block are paired by address. A pair of equal meaning is `format_only`, or `moved` when its
file or its address changed; any other pair is `updated`, with the attributes that differ. What stays unpaired is compared
by `ingest.sources.git.moves`; the rest was created or deleted.

An attribute that refers to a block which was renamed in the same diff has changed: its block is `updated`.

A block that stands in a part of the new file which cannot be read is not deleted: nothing is said of it until it can be
read again, and then it is compared with what it said before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol, runtime_checkable

import msgspec

from ingest.sources.git.attribute_diff import all_added, all_removed, attribute_changes, raw_changes
from ingest.sources.git.blocks import AttributeChange, BlockChange, FileChange, Language, Meaning, Place, Span, Split
from ingest.sources.git.bounded_cache import BoundedCache
from ingest.sources.git.moves import SAME_BODY, SIMILAR_BODY, Block, find_moves, likeness

SPLIT_CACHE_BYTES = 48 << 20
MEANING_CACHE_BYTES = 48 << 20
CARRIED_CACHE_BYTES = 4 << 20
_MAX_PATHS = 100_000

_ENCODE = msgspec.json.Encoder(order="deterministic").encode

Read = Callable[[str], bytes | None]


@runtime_checkable
class Outlining(Protocol):
    """A language that can outline a file without making spans, so that untouched parts cost next to nothing."""

    def outline(self, data: bytes) -> object:
        """The outline of a file, whatever its path."""
        ...

    def spans(self, path: str, outline: object, known: object = None) -> Split:
        """The spans of an outline that the outline `known` does not hold; more are allowed, fewer are not."""
        ...


@runtime_checkable
class Discerning(Protocol):
    """A language that decides by more than equal attributes whether two spans mean the same."""

    def discern(self, span: Span) -> tuple[Meaning, bytes]:
        """The meaning, and a digest equal for spans that mean the same, whatever their addresses."""
        ...

    def identity(self, span: Span) -> tuple[str, str]:
        """The address under which versions of a block are paired, and the type within which moves are sought."""
        ...


@dataclass(frozen=True, slots=True)
class _Tongue:
    """A language, and the same as what more it can do."""

    language: Language
    outlining: Outlining | None
    discerning: Discerning | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A part of a file that could not be read as blocks: where it begins in which blob, and why."""

    path: str
    blob: str
    line: int
    reason: str


class Differ:
    """Compares. Its caches hold at most about 100 MB; they only save time, except what `carried` remembers of broken files."""

    def __init__(self, languages: Sequence[Language]) -> None:
        self._tongues = tuple(
            _Tongue(
                language,
                language if isinstance(language, Outlining) else None,
                language if isinstance(language, Discerning) else None,
            )
            for language in languages
        )
        self._tongue_of: dict[str, _Tongue | None] = {}
        self._splits: BoundedCache[tuple[str, str, str], Split] = BoundedCache(SPLIT_CACHE_BYTES)
        self._outlines: BoundedCache[tuple[str, str], object] = BoundedCache(SPLIT_CACHE_BYTES)
        self._meanings: BoundedCache[tuple[str, str, str, bytes], tuple[Meaning, bytes]] = BoundedCache(
            MEANING_CACHE_BYTES
        )
        self._carried: BoundedCache[tuple[str, str], tuple[Span, ...]] = BoundedCache(CARRIED_CACHE_BYTES)
        self._unreadable: list[Unreadable] = []

    def take_unreadable(self) -> list[Unreadable]:
        """What could not be read in new versions of files since the last call, for the quarantine."""
        taken, self._unreadable = self._unreadable, []
        return taken

    def changes(self, files: Sequence[FileChange], read: Read) -> list[BlockChange]:
        """What this set of file changes did to blocks, ordered by path and line.

        Asks `read` only for blobs that it does not remember. A file that cannot be read is taken as unchanged.
        """
        removed: list[Block] = []
        added: list[Block] = []
        for file in files:
            tongue = self._tongue(file.path)
            if tongue is not None and file.old_blob != file.new_blob:
                gone, came = self._touched(tongue, file, read)
                directory = tongue.language.directory(file.path)
                whole = file.old_blob or "" if file.new_blob is None else file.new_blob if file.old_blob is None else ""
                removed.extend(self._block(tongue, directory, file.path, span, whole) for span in gone)
                added.extend(self._block(tongue, directory, file.path, span, whole) for span in came)
        pairs, removed, added = _paired(removed, added)
        changes = [change for old, new in pairs if (change := _compared(old, new)) is not None]
        if removed and added:
            moved: set[Block] = set()
            for move in find_moves(removed, added):
                moved.update((move.old, move.new))
                changes.append(_moved(move.old, move.new, move.score, move.rule))
            removed = [block for block in removed if block not in moved]
            added = [block for block in added if block not in moved]
        changes.extend(_deleted(block) for block in removed)
        changes.extend(_created(block) for block in added)
        changes.sort(key=_order)
        return changes

    # -- versions of a file

    def _touched(self, tongue: _Tongue, file: FileChange, read: Read) -> tuple[list[Span], list[Span]]:
        """The spans that differ in address or text between the two versions of a file."""
        olds, news, readable = self._versions(tongue, file, read)
        carried = self._carried.get((file.path, file.old_blob)) if file.old_blob is not None else None
        if carried:
            known = {span.address for span in olds}
            olds = [*olds, *(span for span in carried if span.address not in known)]
        texts = {span.address: span.text for span in olds}
        untouched = {span.address for span in news if texts.get(span.address) == span.text}
        gone = [span for span in olds if span.address not in untouched]
        came = [span for span in news if span.address not in untouched]
        if not readable and file.new_blob is not None:
            gone = self._without_hidden(tongue.language, file, gone, came, read)
        return gone, came

    def _versions(self, tongue: _Tongue, file: FileChange, read: Read) -> tuple[Sequence[Span], Sequence[Span], bool]:
        """The spans of both versions, perhaps without some that are in both, and whether all of the new one was read."""
        language, outlining = tongue.language, tongue.outlining
        if outlining is not None:
            before = self._outline(outlining, language.name, file.old_blob, read)
            after = self._outline(outlining, language.name, file.new_blob, read)
            old = outlining.spans(file.path, before, after) if before is not None else None
            new = outlining.spans(file.path, after, before) if after is not None else None
        else:
            old = self._split(language, file.path, file.old_blob, read)
            new = self._split(language, file.path, file.new_blob, read)
        if new is not None and new.unreadable and file.new_blob is not None:
            self._unreadable.extend(
                Unreadable(file.path, file.new_blob, line, reason) for line, reason in new.unreadable
            )
        readable = file.new_blob is None or (new is not None and not new.unreadable)
        return old.spans if old else (), new.spans if new else (), readable

    def _outline(self, language: Outlining, name: str, blob: str | None, read: Read) -> object | None:
        if blob is None:
            return None
        outline = self._outlines.get((name, blob))
        if outline is None:
            data = read(blob)
            if data is None:
                return None
            outline = self._outlines.put((name, blob), language.outline(data), 500 + len(data) // 4)
        return outline

    def _split(self, language: Language, path: str, blob: str | None, read: Read) -> Split | None:
        if blob is None:
            return None
        key = (language.name, path, blob)
        split = self._splits.get(key)
        if split is None:
            data = read(blob)
            if data is None:
                return None
            made = language.split(path, data)
            # A span's text may be longer than its stretch of the file: YAML puts the anchors it uses before it.
            split = self._splits.put(key, made, 500 + sum(300 + len(span.text) for span in made.spans))
        return split

    def _without_hidden(
        self, language: Language, file: FileChange, gone: list[Span], came: list[Span], read: Read
    ) -> list[Span]:
        """The removed spans without those that may stand in what cannot be read of the new file; these are remembered."""
        blob = file.new_blob or ""
        data = read(blob)
        if data is None:
            split = self._split(language, file.path, file.old_blob, read)
            self._carry(file.path, blob, [*(split.spans if split else ()), *gone])
            return []
        rest = _outside(data, language.split(file.path, data).spans)
        present = {span.address for span in came}
        hidden = [span for span in gone if span.address not in present and span.name.encode() in rest]
        self._carry(file.path, blob, hidden)
        return [span for span in gone if span not in hidden]

    def _carry(self, path: str, blob: str, spans: Iterable[Span]) -> None:
        kept = tuple({span.address: span for span in spans}.values())
        self._carried.put((path, blob), kept, 100 + sum(200 + len(span.text) for span in kept))

    # -- blocks

    def _block(self, tongue: _Tongue, directory: str, path: str, span: Span, whole_file: str) -> Block:
        language, discerning = tongue.language, tongue.discerning
        key = (language.name, span.block_type, span.type, span.text)
        known = self._meanings.get(key)
        if known is None:
            known = self._meanings.put(key, _discerned(tongue, span), 1_000 + 4 * len(span.text))
        identity, kind = discerning.identity(span) if discerning is not None else (span.address, span.type)
        return Block(language.name, directory, path, span, identity, kind, known[0], known[1], whole_file)

    def _tongue(self, path: str) -> _Tongue | None:
        if path not in self._tongue_of:
            if len(self._tongue_of) >= _MAX_PATHS:
                self._tongue_of.clear()
            self._tongue_of[path] = next((each for each in self._tongues if each.language.matches(path)), None)
        return self._tongue_of[path]


def _discerned(tongue: _Tongue, span: Span) -> tuple[Meaning, bytes]:
    if tongue.discerning is not None:
        return tongue.discerning.discern(span)
    meaning = tongue.language.meaning(span)
    return meaning, blake2b(_ENCODE(meaning.attributes), digest_size=16).digest()


def _outside(data: bytes, spans: Iterable[Span]) -> bytes:
    """The lines of a file that no span covers."""
    lines = data.split(b"\n")
    for span in spans:
        for number in range(span.start_line - 1, min(span.end_line, len(lines))):
            lines[number] = b""
    return b"\n".join(lines)


def _paired(removed: list[Block], added: list[Block]) -> tuple[list[tuple[Block, Block]], list[Block], list[Block]]:
    """Removed and added blocks of one directory and address; and what stays alone on either side.

    An address that occurs in several files is paired within its file first, then by equal meaning.
    """
    waiting: dict[tuple[str, str, str], list[Block]] = {}
    for old in removed:
        waiting.setdefault((old.language, old.directory, old.identity), []).append(old)
    pairs: list[tuple[Block, Block]] = []
    alone: list[Block] = []
    for new in added:
        olds = waiting.get((new.language, new.directory, new.identity))
        if olds is None:
            alone.append(new)
        elif len(olds) == 1 and olds[0].path == new.path:
            pairs.append((olds.pop(), new))
            del waiting[new.language, new.directory, new.identity]
        else:
            alone.append(new)
    if waiting and alone:
        more, alone = _paired_across(waiting, alone)
        pairs.extend(more)
    return pairs, [old for olds in waiting.values() for old in olds], alone


def _paired_across(
    waiting: dict[tuple[str, str, str], list[Block]], news: list[Block]
) -> tuple[list[tuple[Block, Block]], list[Block]]:
    """Pairs what changed its file within its directory, surest first; takes what it pairs out of `waiting`."""
    pairs: list[tuple[Block, Block]] = []
    rounds: tuple[Callable[[Block, Block], bool], ...] = (
        lambda old, new: old.path == new.path,
        lambda old, new: old.digest == new.digest,
        lambda old, new: True,
    )
    for matches in rounds:
        left: list[Block] = []
        for new in news:
            olds = waiting.get((new.language, new.directory, new.identity), [])
            old = next((each for each in olds if matches(each, new)), None)
            if old is None:
                left.append(new)
            else:
                olds.remove(old)
                pairs.append((old, new))
        news = left
    return pairs, news


# -- changes


def _compared(old: Block, new: Block) -> BlockChange | None:
    """The change from one version to the next under the same address; None when nothing about it changed."""
    if old.path == new.path and old.span.address == new.span.address:
        if old.span.text == new.span.text:
            return None
        return _changed(old, new)
    if old.digest == new.digest:
        return _moved(old, new, 1.0, SAME_BODY)
    return _moved(old, new, round(likeness(old, new), 4), SIMILAR_BODY)


def _changed(old: Block, new: Block) -> BlockChange:
    attributes = _attributes(old, new)
    return BlockChange(
        "updated" if attributes else "format_only",
        new.language,
        _place(new),
        new.span,
        new.meaning,
        attributes,
        references_changed=_references_changed(old, new),
    )


def _moved(old: Block, new: Block, score: float, rule: str) -> BlockChange:
    attributes = _attributes(old, new)
    if not attributes and rule == SIMILAR_BODY:
        score, rule = 1.0, SAME_BODY
    return BlockChange(
        "updated" if attributes else "moved",
        new.language,
        _place(new),
        new.span,
        new.meaning,
        attributes,
        _place(old),
        score,
        rule,
        _references_changed(old, new),
    )


def _created(new: Block) -> BlockChange:
    attributes = all_added(new.meaning.attributes)
    return BlockChange("created", new.language, _place(new), new.span, new.meaning, attributes, references_changed=True)


def _deleted(old: Block) -> BlockChange:
    attributes = all_removed(old.meaning.attributes)
    return BlockChange(
        "deleted",
        old.language,
        _place(old),
        old.span,
        old.meaning,
        attributes,
        references_changed=bool(old.meaning.references or old.meaning.module_source),
    )


def _attributes(old: Block, new: Block) -> tuple[AttributeChange, ...]:
    """The attributes that differ; none when the two mean the same."""
    if old.digest == new.digest:
        return ()
    before, after = old.meaning.attributes, new.meaning.attributes
    return attribute_changes(before, after) or raw_changes(before, after)


def _references_changed(old: Block, new: Block) -> bool:
    return old.meaning.references != new.meaning.references or old.meaning.module_source != new.meaning.module_source


def _place(block: Block) -> Place:
    span = block.span
    return Place(block.directory, span.address, block.path, span.start_line, span.end_line)


def _order(change: BlockChange) -> tuple[str, int, str]:
    return change.place.path, change.place.start_line, change.place.address
