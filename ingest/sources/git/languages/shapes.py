"""Which members of which format are blocks. Data, and the rules that recognise a format by its top-level keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ingest.sources.git.languages.readers import Children, Entry

Look = Callable[[Entry], Children]
"""What an entry holds, without raising: `empty` where it is unclear."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How the members of a mapping, or the items of a list, become blocks.

    Attributes:
        block_type, type: what a member is. `type_key` names a member of it that holds its type instead.
        inside: members whose own members or items are the blocks.
        others: members that are of another block and type than the rest: key -> (block_type, type).
        by: for list items, the keys that may name them, in order of preference.
        separator: between the containing key and the name in an address.
        keep_head: whether what stands before a member of `inside` (a rule group's interval) is a block too.
    """

    block_type: str = "key"
    type: str = ""
    type_key: str = ""
    inside: Mapping[str, Shape] = field(default_factory=dict[str, "Shape"])
    others: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    by: tuple[str, ...] = ("name", "id", "key")
    separator: str = "."
    keep_head: bool = False


GENERIC = Shape()
ITEMS = Shape("item", by=("name", "id", "key", "title", "job_name", "alert", "record", "path", "hosts", "project"))

_RULES = Shape("alert", "prometheus:alert", by=("alert", "record"), separator="/")
_RULE_GROUPS = Shape("rule_group", "prometheus:rule_group", inside={"rules": _RULES}, by=("name",), keep_head=True)
_PROMETHEUS_RULES = Shape(inside={"groups": _RULE_GROUPS})
_PROMETHEUS = Shape(
    inside={"scrape_configs": Shape("scrape_config", "prometheus:scrape_config", by=("job_name",))},
)
_ALERTMANAGER = Shape("section", inside={"receivers": Shape("receiver", "alertmanager:receiver", by=("name",))})
_CONCOURSE = Shape(
    inside={
        "jobs": Shape("job", "concourse:job", by=("name",)),
        "resources": Shape("resource", "concourse:resource", by=("name",)),
        "resource_types": Shape("resource_type", "concourse:resource_type", by=("name",)),
        "groups": Shape("group", "concourse:group", by=("name",)),
    }
)
_CLOUDFORMATION = Shape(
    inside={
        "Resources": Shape("resource", type_key="Type"),
        "Parameters": Shape("parameter", "cloudformation:parameter"),
        "Outputs": Shape("output", "cloudformation:output"),
        "Mappings": Shape("mapping", "cloudformation:mapping"),
        "Conditions": Shape("condition", "cloudformation:condition"),
        "Rules": Shape("rule", "cloudformation:rule"),
    }
)
_GITLAB_KEYWORDS = [
    "stages",
    "variables",
    "default",
    "include",
    "workflow",
    "image",
    "services",
    "cache",
    "before_script",
    "after_script",
    "types",
    "spec",
]
_INVENTORY_GROUPS = Shape("group", "ansible:group")

FAMILIES: Mapping[str, Shape] = {
    "github_workflow": Shape(inside={"jobs": Shape("job", "github_actions:job")}),
    "gitlab_ci": Shape("job", "gitlab_ci:job", others=dict.fromkeys(_GITLAB_KEYWORDS, ("key", ""))),
    "circleci": Shape(
        inside={
            "jobs": Shape("job", "circleci:job"),
            "workflows": Shape("workflow", "circleci:workflow"),
            "commands": Shape("command", "circleci:command"),
            "executors": Shape("executor", "circleci:executor"),
        }
    ),
    "azure_pipelines": Shape(
        inside={
            "stages": Shape("stage", "azure_pipelines:stage", by=("stage", "template")),
            "jobs": Shape("job", "azure_pipelines:job", by=("job", "deployment", "template")),
        }
    ),
    "compose": Shape(
        inside={
            "services": Shape("service", "compose:service"),
            "networks": Shape("network", "compose:network"),
            "volumes": Shape("volume", "compose:volume"),
            "secrets": Shape("secret", "compose:secret"),
            "configs": Shape("config", "compose:config"),
        }
    ),
    "helm_values": Shape("value"),
    "terraform_values": Shape("value"),
    "serverless": Shape(
        inside={
            "functions": Shape("function", "serverless:function"),
            "resources": Shape(inside={"Resources": _CLOUDFORMATION.inside["Resources"]}),
        }
    ),
    "ansible_variables": Shape("variable"),
    "ansible_inventory": Shape("group", "ansible:group", inside={"all": Shape(inside={"children": _INVENTORY_GROUPS})}),
}

TASKS = Shape("task", "ansible:task", by=("name",))
PLAYS = Shape(
    "play", "ansible:play", by=("name", "hosts", "import_playbook", "ansible.builtin.import_playbook", "include")
)


def shape_of_mapping(family: str, members: Mapping[str, Entry], look: Look) -> Shape:
    """The shape of a mapping document: what its path promises, else what its keys say."""
    if family in FAMILIES:
        return FAMILIES[family]
    if "Resources" in members and _is_cloudformation(members, look):
        return _CLOUDFORMATION
    if "groups" in members and _is_list(members["groups"], look) and len(members) <= 3:
        groups = look(members["groups"]).entries
        if any(key in ("rules", "interval") for group in groups[:1] for key in _keys(group, look)):
            return _PROMETHEUS_RULES
    if "route" in members and "receivers" in members:
        return _ALERTMANAGER
    if "scrape_configs" in members:
        return _PROMETHEUS
    if "jobs" in members and ("resources" in members or "groups" in members) and _is_list(members["jobs"], look):
        return _CONCOURSE
    return GENERIC


def shape_of_list(family: str, items: tuple[Entry, ...], look: Look) -> Shape:
    """The shape of a list document: Ansible plays and tasks, else named items."""
    if family == "ansible_tasks":
        return TASKS
    first = _keys(items[0], look) if items else frozenset[str]()
    if first & {"hosts", "import_playbook", "ansible.builtin.import_playbook"} and "targets" not in first:
        return PLAYS
    return ITEMS


def _is_cloudformation(members: Mapping[str, Entry], look: Look) -> bool:
    if "AWSTemplateFormatVersion" in members:
        return True
    for resource in look(members["Resources"]).entries[:3]:
        for member in look(resource).entries:
            if member.key == "Type":
                return look(member).text.startswith(("AWS::", "Alexa::", "Custom::"))
    return False


def _is_list(entry: Entry, look: Look) -> bool:
    return look(entry).kind == "list"


def _keys(entry: Entry, look: Look) -> frozenset[str]:
    return frozenset(member.key for member in look(entry).entries if member.key)
