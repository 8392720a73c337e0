"""From the table to items: list, go through the pages, ask for details. What is incomplete is an error, never a shorter list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from graph.model import Quarantined, Value
from ingest.aws_actions import api_name
from ingest.aws_client import Aws
from ingest.aws_errors import AccessDenied, ServiceRefused
from ingest.source import SourceUnavailable
from ingest.sources.aws.collections import BY_TYPE
from ingest.sources.aws.table import Batch, Binding, Collection, Detail, Place
from ingest.sources.aws.values import Item, at, item_of, items_at

UNREADABLE = "(may not be read)"
"""Stands where a permission is missing for a part of an item: not known is not the same as not there."""
_GONE = re.compile(r"NotFound|NoSuch|DoesNotExist|NonExistent")
"""Error codes that say: there is none, or it went away after it was listed."""


@dataclass(frozen=True, slots=True)
class Found:
    """An item with its ARN."""

    arn: str
    item: Item


@dataclass(slots=True)
class Reading:
    """A whole collection at one place."""

    found: list[Found] = field(default_factory=list[Found])
    notes: list[Quarantined] = field(default_factory=list[Quarantined])


class Reader:
    """Reads collections of one account; what children need of their parents is read once."""

    def __init__(self, aws: Aws, account_id: str, partition: str) -> None:
        self._aws = aws
        self._account_id = account_id
        self._partition = partition
        self._known: dict[tuple[str, str], Reading] = {}

    def read(self, collection: Collection, region: str) -> Reading:
        """All of a collection; `region` is empty for what is global.

        Raises:
            SourceError: it could not be read to its end.
        """
        key = (collection.type, region)
        if key not in self._known:
            self._known[key] = self._read(collection, region)
        return self._known[key]

    def _read(self, collection: Collection, region: str) -> Reading:
        place = Place(self._account_id, region, self._partition)
        listed = list(self._listed(collection, region))
        reading = Reading()
        for batch in collection.batches:
            self._add_batch(collection, batch, listed, region, reading)
        taken: set[str] = set()
        for item in listed:
            for detail in collection.details:
                self._add_detail(collection, detail, item, region, reading)
            unreadable = [name for name, value in item.items() if value == UNREADABLE]
            shaped = collection.shape(item) if collection.shape is not None else item
            shaped.update(dict.fromkeys(unreadable, UNREADABLE))
            arn = collection.arn(shaped, place)
            if arn and arn not in taken:
                taken.add(arn)
                shaped.setdefault("arn", arn)
                reading.found.append(Found(arn, shaped))
        return reading

    # -- the list

    def _listed(self, collection: Collection, region: str) -> Iterator[Item]:
        if not collection.parent:
            yield from self._pages(collection, region, {})
            return
        asked: set[str] = set()
        for parent in self.read(BY_TYPE[collection.parent], region).found:
            bound = _bound(collection.bind, parent.item)
            if bound is None or repr(bound) in asked:
                continue
            asked.add(repr(bound))
            carried = {name: at(parent.item, path) for name, path in collection.carry.items()}
            try:
                for item in self._pages(collection, region, bound):
                    item.update(carried)
                    yield item
            except ServiceRefused as error:
                if _GONE.search(error.code) is None:
                    raise

    def _pages(self, collection: Collection, region: str, bound: Mapping[str, object]) -> Iterator[Item]:
        parameters = {**collection.parameters, **bound}
        for page in self._aws.pages(collection.service, collection.operation, region, **parameters):
            answer = item_of(_without_metadata(page))
            if not collection.items:
                yield answer
                continue
            first = collection.items.partition(".")[0]
            if first not in answer and not collection.may_lack:
                raise SourceUnavailable(
                    f"{collection.service} {api_name(collection.operation)} was answered without {first}",
                    "an answer that lacks what it is about is broken; try again later",
                )
            yield from _members(answer, collection.items)

    # -- details

    def _add_detail(self, collection: Collection, detail: Detail, item: Item, region: str, reading: Reading) -> None:
        bound = _bound(detail.bind, item)
        if bound is None:
            return
        try:
            value = self._detail(collection, detail, bound, region)
        except AccessDenied as error:
            if not detail.put:
                raise
            _note(reading, collection, error)
            value = UNREADABLE
        except ServiceRefused as error:
            has_none = bool(detail.none_when) and re.search(detail.none_when, error.code) is not None
            if _GONE.search(error.code) is None and not has_none:
                raise
            return
        if detail.put:
            item[detail.put] = value
        elif isinstance(value, Mapping):
            item.update(value)

    def _detail(self, collection: Collection, detail: Detail, bound: Mapping[str, object], region: str) -> Value:
        parameters = {**detail.parameters, **bound}
        collected: list[Value] = []
        value: Value = None
        for page in self._aws.pages(collection.service, detail.operation, region, **parameters):
            answer = item_of(_without_metadata(page))
            value = at(answer, detail.take) if detail.take else answer
            if isinstance(value, list):
                collected.extend(value)
        return collected or value

    def _add_batch(
        self, collection: Collection, batch: Batch, items: Sequence[Item], region: str, reading: Reading
    ) -> None:
        groups: dict[str, list[Item]] = {}
        for item in items:
            if at(item, batch.path) and _bound(batch.bind, item) is not None:
                groups.setdefault(repr(_bound(batch.bind, item)), []).append(item)
        for group in groups.values():
            for start in range(0, len(group), batch.size):
                self._add_answers(collection, batch, group[start : start + batch.size], region, reading)

    def _add_answers(
        self, collection: Collection, batch: Batch, group: Sequence[Item], region: str, reading: Reading
    ) -> None:
        parameters = {
            **batch.parameters,
            **(_bound(batch.bind, group[0]) or {}),
            batch.parameter: [at(item, batch.path) for item in group],
        }
        try:
            pages = [
                item_of(_without_metadata(page))
                for page in self._aws.pages(collection.service, batch.operation, region, **parameters)
            ]
        except AccessDenied as error:
            if not batch.put:
                raise
            _note(reading, collection, error)
            for item in group:
                item[batch.put] = UNREADABLE
            return
        except ServiceRefused as error:
            if _GONE.search(error.code) is None:
                raise
            # One of them went away and takes the answer for the others with it: ask one by one.
            if len(group) > 1:
                for item in group:
                    self._add_answers(collection, batch, [item], region, reading)
            return
        answers = {at(one, batch.match): one for page in pages for one in items_at(page, batch.items)}
        for item in group:
            answer = answers.get(at(item, batch.path))
            value = None if answer is None else at(answer, batch.take) if batch.take else answer
            if batch.put:
                item[batch.put] = value
            elif isinstance(value, Mapping):
                item.update(value)


def _bound(bind: Binding, item: Mapping[str, Value]) -> dict[str, object] | None:
    bound = {parameter: at(item, path) for parameter, path in bind.items()}
    return None if any(value in (None, "") for value in bound.values()) else dict(bound)


def _members(answer: Item, path: str) -> Iterator[Item]:
    first, _, rest = path.partition(".")
    member = answer.get(first)
    if isinstance(member, Mapping):
        yield from _members(dict(member), rest)
    elif isinstance(member, Sequence) and not isinstance(member, str):
        for one in member:
            if rest and isinstance(one, Mapping):
                yield from _members(dict(one), rest)
            elif not rest:
                yield item_of(one)


def _without_metadata(page: Mapping[str, object]) -> Mapping[str, object]:
    return {key: value for key, value in page.items() if key != "ResponseMetadata"}


def _note(reading: Reading, collection: Collection, error: AccessDenied) -> None:
    note = Quarantined(collection.type, f"{error}; {error.hint}")
    if note not in reading.notes:
        reading.notes.append(note)
