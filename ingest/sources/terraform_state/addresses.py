"""Addresses of instances, and which instances a dependency on a block means.

Grammar: https://developer.hashicorp.com/terraform/cli/state/resource-addressing
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.sources.terraform_state.document import Instance, State, StateResource

_STEP = re.compile(r"module\.([^.\[\]]+)(\[(?:\"(?:[^\"\\]|\\.)*\"|[^\]]*)\])?(?:\.|$)")


@dataclass(frozen=True, slots=True)
class Named:
    """An instance with its names.

    Attributes:
        address: full instance address, `module.vpc["a"].aws_subnet.private[0]`; with ` (deposed x)` for an object that awaits deletion.
        block: address in its module, `aws_subnet.private`, `data.aws_ami.base`.
        module: module path without keys, `module.vpc`, empty for the root.
        steps: the module path's steps with their keys, `(("vpc", '["a"]'),)`.
    """

    resource: StateResource
    instance: Instance
    address: str
    block: str
    module: str
    steps: tuple[tuple[str, str], ...]


def named_instances(state: State) -> list[Named]:
    """Every instance of the state, in its order."""
    named: list[Named] = []
    for resource in state.resources:
        steps = module_steps(resource.module)
        module = ".".join(f"module.{name}" for name, _ in steps)
        block = f"{'data.' if resource.mode == 'data' else ''}{resource.type}.{resource.name}"
        prefix = f"{resource.module}." if resource.module else ""
        for instance in resource.instances:
            address = f"{prefix}{block}{_key(instance.index_key)}"
            if instance.deposed:
                address += f" (deposed {instance.deposed})"
            named.append(Named(resource, instance, address, block, module, steps))
    return named


def module_steps(module: str) -> tuple[tuple[str, str], ...]:
    """`module.a["x"].module.b` as `(("a", '["x"]'), ("b", ""))`."""
    return tuple((found[1], found[2] or "") for found in _STEP.finditer(module))


def _key(index_key: str | int | None) -> str:
    if index_key is None:
        return ""
    if isinstance(index_key, int):
        return f"[{index_key}]"
    return f"[{json.dumps(index_key, ensure_ascii=False)}]"


class Dependencies:
    """Finds the instances that a dependency, which names a block, stands for."""

    def __init__(self, named: Sequence[Named]) -> None:
        self._by_block: dict[str, list[Named]] = {}
        for one in named:
            full = f"{one.module}.{one.block}" if one.module else one.block
            self._by_block.setdefault(full, []).append(one)

    def of(self, dependent: Named) -> list[Named]:
        """What this instance depends on, without repeats, in order.

        Of a block in the same module, or in one around it, only the instances in the same module instance count. Which of several
        `count` or `for_each` instances is meant the state does not say: all of them are.
        """
        found: dict[str, Named] = {}
        for dependency in dependent.instance.dependencies:
            for candidate in self._by_block.get(dependency, ()):
                if candidate is not dependent and _reachable(dependent, candidate):
                    found.setdefault(candidate.address, candidate)
        return list(found.values())


def _reachable(dependent: Named, candidate: Named) -> bool:
    # Walk down the modules both share: where the names agree the keys must too, after that anything goes.
    for (name, key), (other_name, other_key) in zip(dependent.steps, candidate.steps, strict=False):
        if name != other_name:
            return True
        if key != other_key:
            return False
    return True
