"""From a batch to the statements of its timelines: canonical bytes, and what cannot be stored set aside with its reason.

Both stores call `prepare`; nothing that comes out of it can make a store fail or differ from the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from math import isfinite
from typing import NamedTuple, cast

import msgspec

from graph.clock import EARLIEST, LATEST, Instant
from graph.errors import BatchRefused
from graph.merge import ABSENT, OPEN, PRESENT, WITHDRAWN, Mark, Row, mark
from graph.model import (
    Alias,
    Assertion,
    Entity,
    FactBatch,
    Properties,
    Quarantined,
    Relation,
    Value,
)

ENTITY, RELATION, ALIAS, PASSAGE = "e", "r", "a", "p"
"""Forms of a fact; also the first part of its key."""

MAX_BODY_BYTES = 4 * 1024 * 1024
"""Larger property sets and texts are set aside: they are data that was mistaken for a fact."""
MAX_NAME_CHARS = 4096
"""Longest ref, type, scheme, name, slot, discriminator, label, locator and URL."""
MAX_CURSOR_CHARS = 16 * 1024 * 1024
"""Longest cursor: a source may keep a digest of everything it saw in it."""

_SEPARATOR = "\x1f"


class TimelineKey(NamedTuple):
    """Which timeline of a source and scope: the fact's key, taken apart, and the label.

    Attributes:
        form: ENTITY, RELATION, ALIAS or PASSAGE.
        ref: the entity it is about; the relation's source end.
        type: relation type, alias scheme, passage slot; empty for entities.
        other: the relation's far end, the alias's name; else empty.
        discriminator: of a relation; else empty.
        label: who may read it.
    """

    form: str
    ref: str
    type: str
    other: str
    discriminator: str
    label: str

    @property
    def fact_key(self) -> str:
        """The key as `graph.model` spells it."""
        if self.form == RELATION:
            return _SEPARATOR.join((RELATION, self.type, self.ref, self.other, self.discriminator))
        if self.form == ALIAS:
            return _SEPARATOR.join((ALIAS, self.ref, self.type, self.other))
        if self.form == PASSAGE:
            return _SEPARATOR.join((PASSAGE, self.ref, self.type))
        return _SEPARATOR.join((ENTITY, self.ref))


class Prepared(NamedTuple):
    """A batch ready to be merged, timeline by timeline.

    Attributes:
        statements: by timeline, in the batch's order; each PRESENT row already has the `valid_to` it has when it is alone.
        quarantined: the source's own and what could not be stored.
        mark: the batch's snapshot, if it is one.
    """

    statements: dict[TimelineKey, list[Row]]
    quarantined: list[Quarantined]
    mark: Mark | None


def parse_key(fact_key: str, label: str) -> TimelineKey | None:
    """The timeline of a fact key, or None when it is no fact key."""
    form, _, rest = fact_key.partition(_SEPARATOR)
    if form == ENTITY and rest:
        return TimelineKey(ENTITY, rest, "", "", "", label)
    if form == RELATION and rest.count(_SEPARATOR) >= 3:
        type_, src, dst, discriminator = rest.split(_SEPARATOR, 3)
        return TimelineKey(RELATION, src, type_, dst, discriminator, label)
    if form == ALIAS and rest.count(_SEPARATOR) >= 2:
        ref, scheme, name = rest.split(_SEPARATOR, 2)
        return TimelineKey(ALIAS, ref, scheme, name, "", label)
    if form == PASSAGE and _SEPARATOR in rest:
        ref, slot = rest.split(_SEPARATOR, 1)
        return TimelineKey(PASSAGE, ref, slot, "", "", label)
    return None


def prepare(batch: FactBatch, purged: Callable[[TimelineKey], bool] | None = None) -> Prepared:
    """The batch's statements by timeline. `purged` says which timelines hit a tombstone: they are left out silently.

    Raises:
        BatchRefused: the batch's own fields (id, source, scope, cursor …) cannot be stored.
    """
    for name in ("id", "source", "scope", "extractor", "cursor"):
        text = cast(str | None, getattr(batch, name))
        if text and (reason := _text_flaw(text, MAX_CURSOR_CHARS if name == "cursor" else MAX_NAME_CHARS)):
            raise BatchRefused(
                f"The {name} of a batch from {safe_text(batch.source, 80)} {reason}.",
                "This is a defect of the source: report it.",
            )
    for at in (batch.fresh_until, batch.snapshot.taken_at if batch.snapshot is not None else None):
        if at is not None and not EARLIEST <= at <= LATEST:
            raise BatchRefused(
                f"A batch from {safe_text(batch.source, 80)} is dated outside years 1 to 9999.",
                "Correct the time in the input.",
            )
    statements: dict[TimelineKey, list[Row]] = {}
    quarantined = [
        Quarantined(safe_text(q.locator, MAX_NAME_CHARS), safe_text(q.reason, 1000)) for q in batch.quarantined
    ]
    for withdrawal in batch.withdrawals:
        key = parse_key(withdrawal.fact_key, withdrawal.label)
        flawed = key is None or _names_flaw((withdrawal.fact_key, key.label)) or _key_flaw(key)
        if key is None or flawed or not EARLIEST <= withdrawal.valid_from <= LATEST:
            quarantined.append(Quarantined("withdrawal", "its fact key is malformed"))
        else:
            at = withdrawal.valid_from
            statements.setdefault(key, []).append(Row(at, at, WITHDRAWN, b"", 0, "", None, batch.extractor))
    extractor = batch.extractor
    for assertion in batch.assertions:
        key, content = _taken_apart(assertion)
        try:
            flaw = _statement_flaw(assertion, key)
            body = b"" if flaw else _body(content)
        except ValueError as error:
            flaw, body = str(error), b""
        if flaw:
            quarantined.append(Quarantined(safe_text(assertion.locator, MAX_NAME_CHARS), flaw))
            continue
        at = assertion.valid_from
        if assertion.present:
            end = OPEN if assertion.valid_to is None else assertion.valid_to
            row = Row(at, end, PRESENT, body, assertion.observed_at, assertion.locator, assertion.url, extractor, end)
        else:
            row = Row(at, at, ABSENT, b"", assertion.observed_at, assertion.locator, assertion.url, extractor)
        known = statements.get(key)
        if known is None:
            statements[key] = [row]
        else:
            known.append(row)
    if purged is not None:
        statements = {key: rows for key, rows in statements.items() if not purged(key)}
    taken = batch.snapshot
    return Prepared(
        statements,
        quarantined,
        mark(batch.source, batch.scope, taken.taken_at, taken.generation, extractor) if taken is not None else None,
    )


def check_generation(batch: FactBatch, ledger: Sequence[tuple[Instant, int]]) -> None:
    """Refuse a snapshot whose generation and time disagree with the ledger of its source and scope.

    Args:
        batch: the batch, with a snapshot.
        ledger: (taken_at, generation) of the known snapshots.

    Raises:
        BatchRefused: some known snapshot is older by one measure and not by the other.
    """
    if batch.snapshot is None:
        return
    at, generation = batch.snapshot.taken_at, batch.snapshot.generation
    if not -OPEN <= generation <= OPEN:
        raise BatchRefused(
            "A snapshot's generation does not fit 64 bits.", "This is a defect of the source: report it."
        )
    for known_at, known_generation in ledger:
        if (known_at < at) != (known_generation < generation) or (known_at > at) != (known_generation > generation):
            raise BatchRefused(
                f"Snapshot {generation} of {batch.source} {batch.scope} contradicts snapshot {known_generation}: "
                "the later generation is not the later one in time.",
                "Check that both come from the same lineage; nothing of this batch was stored.",
            )


def batch_digest(prepared: Prepared) -> bytes:
    """Digest of the facts of a batch, to tell a redelivery from another batch of the same id.

    What a second reading of the same input may change is left out: provenance, cursor, freshness.
    """
    said = [(key, row[0], row.stated_end, row[2], row[3]) for key, rows in prepared.statements.items() for row in rows]
    taken_at = prepared.mark.taken_at if prepared.mark is not None else None
    return blake2b(msgspec.msgpack.encode((taken_at, said)), digest_size=16).digest()


def encode_value(value: Value) -> bytes:
    """A JSON value in its canonical bytes: sorted keys, no spaces. Raises `ValueError` for what is no finite JSON value."""
    return _encode(value)


def decode_properties(body: bytes) -> Properties:
    """The properties that `encode_value` encoded."""
    return _EMPTY if body in (b"", b"{}") else cast(Properties, _PROPERTIES.decode(body))


def decode_text(body: bytes) -> str:
    """The text of a passage's body."""
    return body.decode()


def safe_text(text: str, limit: int) -> str:
    """The text with everything escaped that a store or terminal could not hold, cut to `limit` characters."""
    if text.isascii() and text.isprintable():
        return text[:limit]
    cleaned = text.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in cleaned)[:limit]


_EMPTY: Properties = {}
_PROPERTIES = msgspec.json.Decoder()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(cast(Mapping[object, object], value))
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Sequence):
        return list(cast(Sequence[object], value))
    raise ValueError(f"it holds a {type(value).__name__}, which is no JSON value")


_ENCODER = msgspec.json.Encoder(order="sorted", enc_hook=_plain)


def _encode(value: object) -> bytes:
    try:
        data = _ENCODER.encode(value)
    except UnicodeEncodeError:
        raise ValueError("it holds text that is not valid Unicode") from None
    except (TypeError, RecursionError):
        data = _encode_plainly(value)
    if len(data) > MAX_BODY_BYTES:
        raise ValueError(f"it is larger than {MAX_BODY_BYTES} bytes")
    if b"null" in data or b"\\u0000" in data:  # a float that is not finite is written as null: look closer
        _check_leaves(value)
    return data


def _encode_plainly(value: object) -> bytes:
    """The slow way, for mappings whose keys are a subclass of `str`."""
    try:
        return _ENCODER.encode(_all_plain(value))
    except UnicodeEncodeError:
        raise ValueError("it holds text that is not valid Unicode") from None
    except (TypeError, RecursionError):
        raise ValueError("it holds something that is no JSON value") from None


def _all_plain(value: object) -> object:
    if isinstance(value, Mapping):
        items = cast(Mapping[object, object], value).items()
        if not all(isinstance(key, str) for key, _ in items):
            raise ValueError("it holds a key that is no text")
        return {str(key): _all_plain(inner) for key, inner in items}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Sequence):
        return [_all_plain(inner) for inner in cast(Sequence[object], value)]
    return value


def _check_leaves(value: object) -> None:
    if isinstance(value, float):
        if not isfinite(value):
            raise ValueError("it holds a number that is not finite")
    elif isinstance(value, str):
        if "\0" in value:
            raise ValueError("it holds a NUL character")
    elif isinstance(value, Mapping):
        for key, inner in cast(Mapping[object, object], value).items():
            _check_leaves(key)
            _check_leaves(inner)
    elif isinstance(value, Sequence):
        for inner in cast(Sequence[object], value):
            _check_leaves(inner)


def _taken_apart(assertion: Assertion) -> tuple[TimelineKey, Properties | str | None]:
    fact = assertion.fact
    label = assertion.label
    if isinstance(fact, Relation):
        key = TimelineKey(RELATION, str(fact.src), fact.type, str(fact.dst), fact.discriminator, label)
        return key, fact.properties
    if isinstance(fact, Entity):
        return TimelineKey(ENTITY, str(fact.ref), "", "", "", label), fact.properties
    if isinstance(fact, Alias):
        return TimelineKey(ALIAS, str(fact.ref), fact.scheme, fact.name, "", label), None
    return TimelineKey(PASSAGE, str(fact.ref), fact.slot, "", "", label), fact.text


def _body(content: Properties | str | None) -> bytes:
    if content is None:
        return b""
    if isinstance(content, str):
        if "\0" in content:
            raise ValueError("it holds a NUL character")
        try:
            data = content.encode()
        except UnicodeEncodeError:
            raise ValueError("it holds text that is not valid Unicode") from None
        if len(data) > MAX_BODY_BYTES:
            raise ValueError(f"it is larger than {MAX_BODY_BYTES} bytes")
        return data
    if not content:
        return b"{}"
    return _encode(content)


def _statement_flaw(assertion: Assertion, key: TimelineKey) -> str | None:
    """Why an assertion cannot be stored."""
    if flaw := _names_flaw((assertion.locator, assertion.url or "", *key)):
        return flaw
    if flaw := _key_flaw(key):
        return flaw
    if not (EARLIEST <= assertion.valid_from <= LATEST and EARLIEST <= assertion.observed_at <= LATEST):
        return "its time lies outside years 1 to 9999"
    if assertion.valid_to is not None and assertion.present:
        if assertion.valid_to <= assertion.valid_from:
            return "its end is not after its beginning"
        if assertion.valid_to > LATEST:
            return "its time lies outside years 1 to 9999"
    return None


def _key_flaw(key: TimelineKey) -> str | None:
    if ":" not in key.ref or (key.form == RELATION and ":" not in key.other):
        return "a ref in it has no kind"
    if not key.type and key.form in (RELATION, ALIAS):
        return "its type is empty"
    if _SEPARATOR not in "".join(key):
        return None
    if _SEPARATOR in key.ref or (key.form != PASSAGE and _SEPARATOR in key.type):
        return "a name in it holds a separator character"
    if key.form == RELATION and _SEPARATOR in key.other:
        return "a name in it holds a separator character"
    return None


def _names_flaw(names: Sequence[str]) -> str | None:
    together = "".join(names)
    if together.isascii() and "\0" not in together and len(together) <= MAX_NAME_CHARS:
        return None  # nearly always
    for name in names:
        if flaw := _text_flaw(name):
            return f"a name in it {flaw}"
    return None


def _text_flaw(text: str, longest: int = MAX_NAME_CHARS) -> str | None:
    if len(text) > longest:
        return f"is longer than {longest} characters"
    if text.isascii():
        return "holds a NUL character" if "\0" in text else None
    try:
        text.encode()
    except UnicodeEncodeError:
        return "is not valid Unicode"
    return "holds a NUL character" if "\0" in text else None
