"""A plan file as the estimate wants it: each instance's values before and after, its region, and which resources its expressions speak of.

https://developer.hashicorp.com/terraform/internals/json-format#configuration-representation
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import msgspec

from agent.cost.estimate import Sides
from agent.cost.estimate_plan import Planned, Values
from ingest.sources.terraform_plan.document import Plan, ResourceChange, read_plan

_DEPTH = 8
"""How many calls and outputs a reference is followed through."""
_ADDRESS = re.compile(r"[a-z][a-z0-9_]*\.[\w-]+(?:\[[^\]]*\])?")
_MODULE_STEP = re.compile(r"module\.([\w-]+)(?:\[(?:\"[^\"]*\"|\d+)\])?")
_ARN_REGION = re.compile(r"arn:[\w-]+:[\w-]+:([a-z]{2}(?:-[a-z]+)+-\d):")
_ZONE = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d)[a-z]")


class _Resource(msgspec.Struct, frozen=True):
    address: str
    provider_config_key: str = ""
    expressions: dict[str, object] = {}
    for_each_expression: object = None


class _Call(msgspec.Struct, frozen=True):
    expressions: dict[str, object] = {}
    for_each_expression: object = None
    module: _Module = msgspec.field(default_factory=lambda: _Module())


class _Output(msgspec.Struct, frozen=True):
    expression: object = None


class _Module(msgspec.Struct, frozen=True):
    resources: list[_Resource] = []
    module_calls: dict[str, _Call] = {}
    outputs: dict[str, _Output] = {}


class _Provider(msgspec.Struct, frozen=True):
    name: str = ""
    module_address: str = ""
    expressions: dict[str, object] = {}


class _Configuration(msgspec.Struct, frozen=True):
    provider_config: dict[str, _Provider] = {}
    root_module: _Module = msgspec.field(default_factory=_Module)


class _Document(msgspec.Struct, frozen=True):
    configuration: _Configuration = msgspec.field(default_factory=_Configuration)


def read_sides(data: bytes, default_region: str = "") -> Sides:
    """Both sides of a plan. Raises `FileInvalid` when it is none."""
    plan = read_plan(data)
    try:
        configuration = msgspec.json.decode(data, type=_Document).configuration
    except msgspec.DecodeError:
        configuration = _Configuration()  # an odd configuration costs the references, not the plan
    reader = _Reader(plan, configuration, default_region)
    changes = [one for one in plan.resource_changes if one.mode == "managed" and not one.deposed]
    notes = ["the plan ended with an error: what it did not reach is not counted"] if plan.errored else []
    if not plan.complete and not plan.errored:
        notes.append("the plan is not complete (targets, or changes that are put off): the rest is not counted")
    return Sides(
        notes=tuple(notes),
        after=tuple(one for change in changes if (one := reader.after(change)) is not None),
        before=tuple(one for change in changes if (one := reader.before(change)) is not None),
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """A module instance: its address (empty for the root), and the configuration of it and of those around it, outermost first."""

    address: str
    names: tuple[str, ...]
    modules: tuple[_Module, ...]

    @property
    def prefix(self) -> str:
        return f"{self.address}." if self.address else ""


class _Reader:
    def __init__(self, plan: Plan, configuration: _Configuration, default_region: str) -> None:
        self._plan = plan
        self._configuration = configuration
        self._default_region = default_region
        self._places: dict[str, _Place | None] = {}
        self._blocks: dict[int, dict[str, _Resource]] = {}

    def after(self, change: ResourceChange) -> Planned | None:
        told = change.change
        if told.after is None:
            return None
        return self._planned(change, told.after, told.after_unknown, told.after_sensitive)

    def before(self, change: ResourceChange) -> Planned | None:
        told = change.change
        if told.before is None:
            return None
        return self._planned(change, told.before, None, told.before_sensitive)

    def _planned(self, change: ResourceChange, values: object, unknown: object, sensitive: object) -> Planned:
        shown = _mapping(_without(values, sensitive))
        place = self._place(change.module_address)
        block = self._block(place, change)
        references: dict[str, tuple[str, ...]] = {}
        if place is not None and block is not None:
            for name, raw in _expressions(block.expressions):
                found = tuple(dict.fromkeys(self._followed(raw, place, block, _DEPTH)))
                if found:
                    references[name] = (*references.get(name, ()), *found)
        told = Values(shown, _mapping(unknown))
        return Planned(change.address, change.type, self._region(block, told), told, references)

    # -- where

    def _region(self, block: _Resource | None, values: Values) -> str:
        provider = self._configuration.provider_config.get(block.provider_config_key) if block else None
        told = values.text("region")
        if _ZONE.fullmatch(told + "a"):
            return told
        from_provider = self._constant(provider.expressions.get("region")) if provider else ""
        if from_provider:
            return from_provider
        for found in (_ARN_REGION.match(values.text("arn")), _ZONE.fullmatch(values.text("availability_zone"))):
            if found:
                return found[1]
        return self._default_region

    def _constant(self, expression: object) -> str:
        """The text that an expression is: written there, or a variable's value."""
        told = _mapping(expression)
        constant = told.get("constant_value")
        if isinstance(constant, str):
            return constant
        for raw in _texts(told.get("references")):
            if raw.startswith("var."):
                variable = self._plan.variables.get(raw.removeprefix("var."))
                if variable is not None and isinstance(variable.value, str):
                    return variable.value
        return ""

    # -- references

    def _place(self, address: str) -> _Place | None:
        if address not in self._places:
            names = tuple(_MODULE_STEP.findall(address))
            modules = [self._configuration.root_module]
            for name in names:
                call = modules[-1].module_calls.get(name)
                if call is None:
                    break
                modules.append(call.module)
            complete = len(modules) == len(names) + 1
            self._places[address] = _Place(address, names, tuple(modules)) if complete else None
        return self._places[address]

    def _block(self, place: _Place | None, change: ResourceChange) -> _Resource | None:
        if place is None:
            return None
        module = place.modules[-1]
        blocks = self._blocks.get(id(module))
        if blocks is None:
            blocks = self._blocks[id(module)] = {one.address: one for one in module.resources}
        return blocks.get(f"{change.type}.{change.name}")

    def _followed(self, raw: Sequence[str], place: _Place, block: _Resource | None, depth: int) -> Iterator[str]:
        """Full addresses of the resources that these references lead to."""
        if depth == 0:
            return
        for one in raw:
            head, _, rest = one.partition(".")
            if head == "var" and place.names:
                name = rest.partition(".")[0].partition("[")[0]
                outer = self._outer(place)
                call = place.modules[-2].module_calls.get(place.names[-1])
                if outer is not None and call is not None:
                    yield from self._followed(_references(call.expressions.get(name)), outer, None, depth - 1)
            elif head == "each" and block is not None:
                yield from self._followed(_references(block.for_each_expression), place, None, depth - 1)
            elif head == "module":
                yield from self._output(one, place, depth)
            elif head not in ("var", "local", "data", "each", "count", "path", "self", "terraform"):
                found = _ADDRESS.match(one)
                if found:
                    yield f"{place.prefix}{found[0]}"

    def _outer(self, place: _Place) -> _Place | None:
        steps = [found[0] for found in _MODULE_STEP.finditer(place.address)]
        return self._place(".".join(steps[:-1]))

    def _output(self, reference: str, place: _Place, depth: int) -> Iterator[str]:
        step = _MODULE_STEP.match(reference)
        if step is None:
            return
        inner = self._place(f"{place.prefix}{step[0]}")
        if inner is None:
            return
        name = reference[step.end() :].lstrip(".").partition(".")[0].partition("[")[0]
        output = inner.modules[-1].outputs.get(name)
        if output is not None:
            yield from self._followed(_references(output.expression), inner, None, depth - 1)


def _expressions(told: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, list[str]]]:
    """Each attribute with what its expression speaks of; `block.attribute` for what stands in blocks."""
    for name, value in told.items():
        path = f"{prefix}{name}"
        if isinstance(value, list):
            for one in cast("list[object]", value):
                yield from _expressions(_mapping(one), f"{path}.")
        elif isinstance(value, dict):
            raw = _references(cast("object", value))
            if raw:
                yield path, raw
            elif "constant_value" not in value:
                yield from _expressions(cast("dict[str, object]", value), f"{path}.")


def _references(expression: object) -> list[str]:
    return _texts(_mapping(expression).get("references"))


def _texts(value: object) -> list[str]:
    return [one for one in cast("list[object]", value) if isinstance(one, str)] if isinstance(value, list) else []


def _mapping(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _without(value: object, sensitive: object) -> object:
    """The value without what is marked sensitive: it is neither shown nor priced by."""
    if sensitive is True:
        return None
    if isinstance(value, dict) and isinstance(sensitive, dict):
        marks = _mapping(cast("object", sensitive))
        return {name: _without(one, marks.get(name)) for name, one in cast("dict[str, object]", value).items()}
    if isinstance(value, list) and isinstance(sensitive, list):
        places = cast("list[object]", sensitive)
        return [
            _without(one, places[number] if number < len(places) else None)
            for number, one in enumerate(cast("list[object]", value))
        ]
    return cast("object", value)
