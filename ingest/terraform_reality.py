"""From a plan and the state before it to what differs between code and reality, and which of that reality did.

A normal plan is read: `before` of a change is what is there (the plan refreshed it), `after` is what the code says. Its `resource_drift` is not
used: it also tells what a provider merely words differently. What is there and in the state alike was not touched by anybody: the code is
ahead of its apply.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

import msgspec

from graph.model import Value
from ingest.redact import redact_text
from ingest.source import SourceDataInvalid
from ingest.sources.deployments.files import FileInvalid
from ingest.sources.terraform_plan.differences import arn_of, differences, secrets_of
from ingest.sources.terraform_plan.document import Plan, ResourceChange, read_plan
from ingest.sources.terraform_state.addresses import Named, named_instances
from ingest.sources.terraform_state.attributes import Attributes, read_attributes
from ingest.sources.terraform_state.document import State, StateInvalid, parse
from ingest.terraform_cli import Planned


@dataclass(frozen=True, slots=True)
class Differing:
    """An attribute path on both sides: `{state, value}` as `graph.schema` describes it."""

    path: str
    desired: Mapping[str, Value]
    actual: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Differs:
    """An instance that is not as the code says.

    Attributes:
        kind: `changed`, or `missing` when the state has it and nothing is there.
        module: module path with keys, empty for the root.
        cloud_id: its id as `import` takes it.
        moved: attributes in which reality left the state.
        pending: attribute paths in which only the code did.
    """

    address: str
    type: str
    name: str
    module: str
    kind: Literal["changed", "missing"]
    cloud_id: str
    arn: str
    moved: tuple[Differing, ...] = ()
    pending: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """What one plan told.

    Attributes:
        lineage, workspace: of the state, which name its instances in the graph.
        serial: of the state that was compared.
        instances: how many instances the state has.
        differing: by address.
        planned: addresses that the code would create, delete or alter where nothing was touched from outside.
        complete: False when Terraform could not plan everything.
    """

    lineage: str
    serial: int
    terraform_version: str
    instances: int
    differing: tuple[Differs, ...] = ()
    planned: tuple[str, ...] = ()
    complete: bool = True


def compared(planned: Planned) -> Compared:
    """What differs. Raises `SourceDataInvalid` when either cannot be read."""
    try:
        plan = read_plan(planned.plan)
        state = parse(planned.state) if planned.state.strip() else None
    except FileInvalid as error:
        raise SourceDataInvalid(f"the plan cannot be read: {error}", "it needs Terraform 0.13 or later") from None
    except StateInvalid as error:
        raise SourceDataInvalid(f"the state cannot be read: {error}", error.hint) from None
    return _compared(plan, state)


def _compared(plan: Plan, state: State | None) -> Compared:
    known = {one.address: one for one in named_instances(state)} if state is not None else {}
    secrets = secrets_of(plan)
    found: list[Differs] = []
    ahead: list[str] = []
    for one in plan.resource_changes:
        actions = set(one.change.actions)
        if one.mode != "managed" or one.deposed or actions <= {"no-op", "read", "forget"}:
            continue
        instance = known.get(one.previous_address or one.address)
        told = _instance(one, instance, secrets)
        if told is None or not (told.moved or told.kind == "missing"):
            ahead.append(one.address)
        if told is not None:
            found.append(told)
    managed = sum(1 for one in known.values() if one.resource.mode == "managed")
    return Compared(
        lineage=state.lineage if state is not None else "",
        serial=state.serial if state is not None else 0,
        terraform_version=plan.terraform_version,
        instances=managed,
        differing=tuple(sorted(found, key=lambda d: d.address)),
        planned=tuple(sorted(ahead)),
        complete=plan.complete and not plan.errored,
    )


def _instance(one: ResourceChange, known: Named | None, secrets: frozenset[str]) -> Differs | None:
    """How an instance differs; None for what the state has not, and what the code merely gave up."""
    actions = set(one.change.actions)
    attributes = known.instance.attributes if known is not None else None
    if known is None or attributes is None or actions == {"delete"}:
        return None
    id_ = attributes.get("id")
    arn = attributes.get("arn")
    told = Differs(
        address=one.address,
        type=one.type,
        name=one.name,
        module=one.module_address,
        kind="missing" if actions == {"create"} else "changed",
        cloud_id=redact_text(id_) if isinstance(id_, str) else "",
        arn=arn_of(one) or (arn if isinstance(arn, str) and arn.startswith("arn:") else ""),
    )
    if told.kind == "missing":
        return told
    change = one.change
    before, marks = _aligned(change.before, change.before_sensitive, change.after)
    straight = msgspec.structs.replace(
        one, change=msgspec.structs.replace(change, before=before, before_sensitive=marks)
    )
    was, _ = _aligned(attributes, False, before)
    stored, real = _plain(one.type, was), _plain(one.type, before)
    moved: list[Differing] = []
    pending: list[str] = []
    for item in differences(straight, secrets):
        fields = cast("Mapping[str, Value]", item)
        path = str(fields["path"])
        if _at(stored, path) == _at(real, path):
            pending.append(path)
        else:
            desired, actual = (
                cast("Mapping[str, Value]", fields["after"]),
                cast("Mapping[str, Value]", fields["before"]),
            )
            moved.append(Differing(path, desired, actual))
    moved = _as_whole(moved, before, change.after, {p.split("[")[0] for p in (*stored.secrets, *real.secrets)})
    return replace(told, moved=tuple(moved), pending=tuple(pending))


def _as_whole(moved: list[Differing], before: object, after: object, secret: set[str]) -> list[Differing]:
    """With one difference for a list of blocks that has more or fewer than the code wants: a block alone says too little to be written down."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return moved
    there, wanted = cast("Mapping[str, object]", before), cast("Mapping[str, object]", after)
    whole: dict[str, Differing] = {}
    for one in moved:
        root, bracket, _ = one.path.partition("[")
        ours, theirs = wanted.get(root), there.get(root)
        if not bracket or root in whole or root in secret or not (_are_blocks(ours) and _are_blocks(theirs)):
            continue
        mine, other = _told_blocks(ours, theirs), _told_blocks(theirs, ours)
        if len(mine) != len(other):
            whole[root] = Differing(root, {"state": "value", "value": mine}, {"state": "value", "value": other})
    left = [one for one in moved if one.path.partition("[")[0] not in whole]
    return sorted([*left, *whole.values()], key=lambda one: one.path)


def _told_blocks(value: object, beside: object) -> list[Value]:
    """Blocks without what is empty, and without switches that are off in all of them: those stand for not being set."""
    blocks = cast("list[Mapping[str, object]]", value)
    every = [*blocks, *cast("list[Mapping[str, object]]", beside)]
    off = {key for block in every for key in block if all(other.get(key) in (False, None) for other in every)}
    pruned = [_pruned({k: v for k, v in block.items() if k not in off}) for block in blocks]
    return [cast("Value", _clean(item)) for item in pruned if item]


def _clean(value: object) -> object:
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        return [_clean(item) for item in cast("list[object]", value)]
    return redact_text(value) if isinstance(value, str) else value


def _plain(type_: str, values: object) -> Attributes:
    return read_attributes(type_, cast("Mapping[str, object]", values) if isinstance(values, dict) else {}, [])


def _at(attributes: Attributes, path: str) -> Value:
    """The real value, nothing and empty alike: it is compared and never told."""
    value = attributes.secrets.get(path, attributes.values.get(path))
    return None if value in ("", None) else value


# -- blocks that stand in another order


def _aligned(value: object, marks: object, like: object) -> tuple[object, object]:
    """The value, and its marks of what is sensitive, with the blocks of its lists at the places of those of `like` that they are.

    Blocks of a set are told in an order of their own, so that one block more moves all behind it.
    """
    if isinstance(value, dict) and isinstance(like, dict):
        other = cast("Mapping[str, object]", like)
        told: dict[str, object] = {}
        marked: dict[str, object] = {}
        for key, item in cast("Mapping[str, object]", value).items():
            mark = cast("Mapping[str, object]", marks).get(key, False) if isinstance(marks, dict) else marks is True
            told[key], marked[key] = _aligned(item, mark, other.get(key))
        return told, True if marks is True else marked
    if isinstance(value, list) and _are_blocks(cast("list[object]", value)) and _are_blocks(like):
        return _blocks(cast("list[object]", value), marks, cast("list[object]", like))
    return cast("object", value), marks


def _are_blocks(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in cast("list[object]", value))


def _blocks(value: list[object], marks: object, like: list[object]) -> tuple[object, object]:
    texts, others = [_text(item) for item in value], [_text(item) for item in like]
    if Counter(texts) == Counter(others):  # the same in another order: of a list that matters
        return value, marks
    marked = cast("list[object]", marks) if isinstance(marks, list) else [marks is True] * len(value)
    marked = [*marked, *([False] * (len(value) - len(marked)))]
    place = _places(value, texts, like, others)
    size = max([len(like), *(i + 1 for i in place)], default=0)
    told: list[object] = [{} for _ in range(size)]
    told_marks: list[object] = [False] * size
    for index, at in enumerate(place):
        model = like[at] if at < len(like) else None
        told[at], told_marks[at] = _aligned(value[index], marked[index], model)
    return told, told_marks


def _places(value: Sequence[object], texts: Sequence[str], like: Sequence[object], others: Sequence[str]) -> list[int]:
    """For each block: the place of its equal, else of the most alike that is free, else one behind the last."""
    free = dict.fromkeys(range(len(like)))
    place: dict[int, int] = {}
    for index, text in enumerate(texts):
        same = next((at for at in free if others[at] == text), None)
        if same is not None:
            place[index] = same
            del free[same]
    pairs = [
        (-_likeness(value[index], like[at]), index, at)
        for index in range(len(value))
        if index not in place
        for at in free
    ]
    for likeness, index, at in sorted(pairs):
        if likeness < 0 and index not in place and at in free:
            place[index] = at
            del free[at]
    behind = len(like)
    for index in range(len(value)):
        if index not in place and free and len(value) == len(like):
            place[index] = min(free)  # as many as before: this one was altered beyond likeness
            del free[place[index]]
        elif index not in place:
            place[index] = behind
            behind += 1
    return [place[index] for index in range(len(value))]


def _likeness(one: object, other: object) -> int:
    """How many members that hold something are equal."""
    a, b = cast("Mapping[str, object]", one), cast("Mapping[str, object]", other)
    return sum(
        1 for key, item in a.items() if item not in (None, "", [], {}, False) and _text(b.get(key)) == _text(item)
    )


def _text(value: object) -> str:
    """Equal for what Terraform's providers take for equal: nothing and empty are one."""
    return msgspec.json.encode(_pruned(value), order="sorted").decode()


def _pruned(value: object) -> object:
    if isinstance(value, dict):
        pruned = {key: _pruned(item) for key, item in cast("Mapping[str, object]", value).items()}
        return {key: item for key, item in pruned.items() if item not in (None, "", [], {})}
    if isinstance(value, list):
        return [_pruned(item) for item in cast("list[object]", value)]
    return value
