"""A state file of format 4, read strictly.

The format is described nowhere but in its reader: https://github.com/hashicorp/terraform/blob/main/internal/states/statefile/version4.go.
What contradicts it is refused with one sentence; what merely is not known here is ignored.
"""

from __future__ import annotations

import json
import math
from typing import Annotated, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from graph.model import Value

MAX_BYTES = 512 * 1024 * 1024
_MAX_SERIAL = 2**63 - 1


class StateInvalid(ValueError):
    """This is no state that can be read. `str(error)` says why, without anything of its content; `hint` what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Instance(_Model):
    """One instance of a resource. `private` and `identity` are left where they are: they are the provider's own."""

    index_key: str | int | None = None
    deposed: str = ""
    attributes: dict[str, object] | None = None
    attributes_flat: dict[str, str] | None = None
    sensitive_attributes: list[object] = []
    dependencies: list[str] = []


class StateResource(_Model):
    """A resource block of the configuration with its instances."""

    mode: Literal["managed", "data"]
    type: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(min_length=1)]
    provider: str = ""
    module: str = ""
    instances: list[Instance] = []


class State(_Model):
    """A whole state."""

    version: Literal[4]
    terraform_version: str = ""
    serial: Annotated[int, Field(ge=0, le=_MAX_SERIAL)]
    lineage: Annotated[str, Field(min_length=1)]
    resources: list[StateResource] = []


def parse(data: bytes) -> State:
    """The state in these bytes. Raises `StateInvalid`."""
    if not data.strip():
        raise StateInvalid("the file is empty", "an interrupted write leaves this; restore it from its backup")
    if len(data) > MAX_BYTES:
        raise StateInvalid(f"the file is larger than {MAX_BYTES >> 20} MiB", "split the state")
    document = _json(data)
    if not isinstance(document, dict):
        raise StateInvalid(
            "the file is JSON but not a state", "point the source at a state file (terraform state pull)"
        )
    _check_version(cast("dict[str, object]", document))
    try:
        state = State.model_validate(document)
    except ValidationError as error:
        raise _refusal(error) from None
    _check_names(state)
    return state


def _check_version(document: dict[str, object]) -> None:
    version = document.get("version")
    if version == 4 and not isinstance(version, bool):
        return
    if "format_version" in document:
        raise StateInvalid(
            "this is the output of `terraform show -json`, not a state", "use the output of `terraform state pull`"
        )
    if isinstance(version, int) and not isinstance(version, bool) and 0 < version < 4:
        raise StateInvalid(
            f"the state has format {version}, only 4 can be read",
            "run `terraform apply` with Terraform 0.12 or later once: it upgrades the state",
        )
    if isinstance(version, int) and version > 4:
        raise StateInvalid("the state has a newer format than 4", "it needs a newer infralore")
    raise StateInvalid("the file is JSON but not a state", "point the source at a state file (terraform state pull)")


def _check_names(state: State) -> None:
    seen: set[tuple[str, str, str, str]] = set()
    for resource in state.resources:
        for text in (resource.module, resource.type, resource.name):
            if not _encodable(text):
                raise StateInvalid("the state holds a broken character in a resource's name", _REWRITE)
        block = (resource.module, resource.mode, resource.type, resource.name)
        if block in seen:
            raise StateInvalid("the state lists one resource twice", _REWRITE)
        seen.add(block)
        keys = [(repr(i.index_key), i.deposed) for i in resource.instances]
        if len(set(keys)) != len(keys):
            raise StateInvalid("the state lists one instance twice", _REWRITE)
        if not all(_encodable(key) for pair in keys for key in pair) or not all(
            _encodable(i.index_key) for i in resource.instances if isinstance(i.index_key, str)
        ):
            raise StateInvalid("the state holds a broken character in an instance's key", _REWRITE)
    if not _encodable(state.lineage) or not _encodable(state.terraform_version):
        raise StateInvalid("the state holds a broken character in its head", _REWRITE)


_REWRITE = "write it anew with `terraform state pull`, or restore it from its backup"


def _refusal(error: ValidationError) -> StateInvalid:
    # Never the input itself: pydantic would quote values, which may be secrets, and keys of maps.
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(step) for step in first["loc"] if isinstance(step, int) or step in _FIELDS)
    return StateInvalid(f"{where or 'the state'}: {first['msg'][:1].lower()}{first['msg'][1:]}", _REWRITE)


_FIELDS = frozenset({*Instance.model_fields, *StateResource.model_fields, *State.model_fields})


# -- strict JSON


def _json(data: bytes) -> Value:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise StateInvalid(f"the file is not UTF-8 at byte {error.start}", _REWRITE) from None
    try:
        return json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite, parse_int=_integer
        )
    except json.JSONDecodeError as error:
        hint = "it was cut while being written or copied; " + _REWRITE
        raise StateInvalid(f"the file is not whole JSON: {error.msg.lower()} at line {error.lineno}", hint) from None
    except RecursionError:
        raise StateInvalid("the file is nested too deeply", _REWRITE) from None


def _unique(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise StateInvalid("the file has an object with the same key twice", _REWRITE)
    return found


def _no_constant(name: str) -> Value:
    raise StateInvalid(f"the file holds {name}, which is no JSON", _REWRITE)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise StateInvalid("the file holds a number that is too large", _REWRITE)
    return value


def _integer(text: str) -> int | float:
    if len(text) <= 19 and -(2**63) <= (value := int(text)) < 2**63:
        return value
    # Terraform's numbers have any size, the graph's whole numbers 64 bits.
    return _finite(text)


def _encodable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text)
