"""A plan as `terraform show -json` prints it, format 1.x.

https://developer.hashicorp.com/terraform/internals/json-format#plan-representation. Only the changes of resources, the head and the calls
of modules are read, and of variables what is marked sensitive, to withhold it: planned values, prior state and outputs hold secrets in plain text.
"""

from __future__ import annotations

import re

import msgspec

from ingest.sources.deployments.files import FileInvalid, decode_json, without_nulls

_VERSION = re.compile(r"(\d{1,4})\.\d{1,4}")
_HINT = "a file made with `terraform show -json PLANFILE` is needed"


class Change(msgspec.Struct, frozen=True):
    """What would happen to an instance. `*_sensitive` and `after_unknown` are trees of true in the shape of the values."""

    actions: list[str] = []
    before: object = None
    after: object = None
    after_unknown: object = None
    before_sensitive: object = None
    after_sensitive: object = None
    importing: object = None


class ResourceChange(msgspec.Struct, frozen=True):
    """An instance that the plan speaks of."""

    address: str
    type: str
    name: str
    mode: str = "managed"
    previous_address: str = ""
    module_address: str = ""
    deposed: str = ""
    provider_name: str = ""
    action_reason: str = ""
    change: Change = msgspec.field(default_factory=Change)


class ModuleCall(msgspec.Struct, frozen=True):
    """A call of a module in the configuration."""

    source: str = ""
    module: Module = msgspec.field(default_factory=lambda: Module())


class Declared(msgspec.Struct, frozen=True):
    """A variable as the configuration declares it."""

    sensitive: bool = False


class Module(msgspec.Struct, frozen=True):
    """A module of the configuration."""

    module_calls: dict[str, ModuleCall] = {}
    variables: dict[str, Declared] = {}


class Variable(msgspec.Struct, frozen=True):
    """A variable's value. Read only to know what must not be told."""

    value: object = None


class Configuration(msgspec.Struct, frozen=True):
    """The code that was planned."""

    root_module: Module = msgspec.field(default_factory=Module)


class Plan(msgspec.Struct, frozen=True):
    """A plan. `errored` and `complete` are told since format 1.2."""

    format_version: str
    terraform_version: str = ""
    timestamp: str = ""
    errored: bool = False
    complete: bool = True
    resource_changes: list[ResourceChange] = []
    configuration: Configuration = msgspec.field(default_factory=Configuration)
    variables: dict[str, Variable] = {}


class _Head(msgspec.Struct):
    format_version: object = None
    version: object = None
    planned_values: object = None
    resource_changes: object = None
    configuration: object = None
    values: object = None


def read_plan(data: bytes) -> Plan:
    """The plan in these bytes. Raises `FileInvalid`, without anything of its content."""
    document = without_nulls(decode_json(data))
    try:
        head = msgspec.convert(document, _Head)
    except msgspec.ValidationError:
        raise FileInvalid(f"it is JSON but no plan; {_HINT}") from None
    if not isinstance(head.format_version, str):
        state = isinstance(head.version, int)
        raise FileInvalid(f"it is a state and no plan; {_HINT}" if state else f"it is JSON but no plan; {_HINT}")
    version = _VERSION.fullmatch(head.format_version)
    if version is None or version[1] != "1":
        raise FileInvalid("its format is not 1.x, the only one that can be read")
    if head.planned_values is None and head.resource_changes is None and head.configuration is None:
        raise FileInvalid(f"it shows a state and no plan; {_HINT}")
    try:
        return msgspec.convert(document, Plan)
    except msgspec.ValidationError as error:
        where = re.sub(r"`|\[\.\.\.\]", "", str(error).rpartition(" - at ")[2]).removeprefix("$.")
        raise FileInvalid(f"{where or 'it'} is not of the form of a plan") from None
