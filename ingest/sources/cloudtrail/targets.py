"""What a call touched: resources by ARN, with the effect that it had on each.

The rules of `target_rules` know the calls that matter; for any other the record's own `resources`, then ARNs and EC2 ids among parameters and
response that fit the call's name are taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from ingest import aws_names
from ingest.sources.cloudtrail.records import Fields, Record
from ingest.sources.cloudtrail.target_rules import RULES, Rule

_VERSION = re.compile(r"(?:\d{8}(?:v\d+)?|\d{4}_\d{2}_\d{2})$")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+")
_CREATED = frozenset(
    {"Create", "Run", "Allocate", "Import", "Register", "Request", "Copy", "Clone", "Restore", "Upload"}
)
_DELETED = frozenset({"Delete", "Terminate", "Release", "Deregister", "Purge", "Destroy"})
_PART_OF = (
    *(
        "Policy",
        "Policies",
        "Tags",
        "Tagging",
        "Permission",
        "Permissions",
        "Attribute",
        "Attributes",
        "Targets",
        "Configuration",
        "Encryption",
    ),
    *(
        "Lifecycle",
        "Cors",
        "Website",
        "Replication",
        "Version",
        "Boundary",
        "PublicAccessBlock",
        "LoginProfile",
        "Rules",
        "Tag",
    ),
)
"""Endings of a call's name that speak of a part of the thing: deleting that updates the thing."""
MAX_TARGETS = 100
"""So many things touched by one call are kept."""


@dataclass(frozen=True, slots=True)
class Target:
    """A thing that a call touched."""

    arn: str
    effect: str


@dataclass(frozen=True, slots=True)
class Call:
    """A record with its parameters and its response in lower-case names, to look things up; `record` has them as they are logged."""

    record: Record
    name: str
    request: Fields
    response: Fields

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn`, `aws-us-gov`."""
        region = self.record.region
        return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


def plain_name(event_name: str) -> str:
    """The API's name without the version that some services add: `UpdateFunctionCode20150331v2` -> `UpdateFunctionCode`."""
    return _VERSION.sub("", event_name) or event_name


def targets(call: Call) -> tuple[Target, ...]:
    """What the call touched, each thing once, in order of the record."""
    found: dict[str, Target] = {}
    for rule in RULES.get(call.record.service, ()):
        if rule.calls.fullmatch(call.name):
            for arn in _by_rule(rule, call):
                found.setdefault(arn, Target(arn, rule.effect or effect_of(call.name)))
            if found and not rule.more:
                break
    if not found:
        for arn in (*_logged(call), *_guessed(call)):
            found.setdefault(arn, Target(arn, effect_of(call.name)))
            if call.record.resources is None and len(found) >= 20:
                break
    return tuple(found.values())[:MAX_TARGETS]


def effect_of(name: str) -> str:
    """created, updated or deleted, by the verb that a call's name begins with."""
    words = _WORDS.findall(name)
    verb = words[0] if words else ""
    part = name.endswith(_PART_OF)
    if verb in _DELETED and not part:
        return "deleted"
    if verb in _CREATED and not part:
        return "created"
    return "updated"


def values_at(fields: Fields, path: str) -> Iterator[str]:
    """The texts at a path of lower-case names; a list anywhere on the way (also one wrapped in `items`) stands for each of its items."""
    yield from _values(fields, path.split("."))


def _values(value: object, steps: Sequence[str]) -> Iterator[str]:
    if isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _values(item, steps)
    elif isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        if steps and steps[0] in fields:
            yield from _values(fields[steps[0]], steps[1:])
        elif "items" in fields:
            yield from _values(fields["items"], steps)
    elif not steps and isinstance(value, str) and value:
        yield value


# -- by rule


def _by_rule(rule: Rule, call: Call) -> Iterator[str]:
    for path in rule.paths:
        where, _, rest = path.partition(".")
        found = [_arn(value, rule, call) for value in values_at(call.request if where == "p" else call.response, rest)]
        if named := [arn for arn in found if arn]:
            yield from named
            return


def _arn(value: str, rule: Rule, call: Call) -> str:
    """The ARN that a value is, or that the rule's template makes of it; empty when it makes none."""
    value = value.strip()
    if value.startswith("arn:"):
        return aws_names.canonical(_whole(value, rule)) if aws_names.parse(value) is not None else ""
    account, region = call.record.account_id, call.record.region
    if rule.template == "ec2":
        return aws_names.ec2(account, region, value, call.partition)
    if not rule.template or not value or len(value) > 512:
        return ""
    if rule.template == "sqs":
        return _queue(value, call)
    others = {name: next(values_at(call.request, path), "") for name, path in rule.others.items()}
    if not all(others.values()):
        return ""
    others = {name: told.rpartition("/")[2] if told.startswith("arn:") else told for name, told in others.items()}
    template = rule.template
    if value.startswith("alias/"):  # a KMS key by one of its aliases
        template = template.replace(":key/", ":")
    elif ":function:" in template:  # `name`, `name:version` or `account:function:name`
        value = value.partition("function:")[2] or value
        value = value.partition(":")[0]
    if rule.last_step:
        value = value.rpartition("/")[2]
    elif template.endswith("/{v}"):  # a parameter's slash is the ARN's own; a log group's belongs to its name
        value = value.lstrip("/")
    return template.format(v=value, p=call.partition, a=account, r=region, **others)


def _queue(url: str, call: Call) -> str:
    path = url.removeprefix("https://").removeprefix("http://").partition("/")[2]
    owner, _, name = path.rpartition("/")
    return (
        aws_names.regional("sqs", owner or call.record.account_id, call.record.region, name, call.partition)
        if name
        else ""
    )


def _whole(arn: str, rule: Rule) -> str:
    # A function's version or alias, and a log group's `:*`, are parts of the thing's ARN that inventories do not have.
    parts = aws_names.parse(arn)
    if parts is not None and parts.service == "lambda" and parts.resource.startswith("function:"):
        return aws_names.regional(
            "lambda", parts.account_id, parts.region, ":".join(parts.resource.split(":")[:2]), parts.partition
        )
    return arn.removesuffix(":*")


# -- by looking


def _logged(call: Call) -> Iterator[str]:
    for resource in call.record.resources or ():
        arn = (resource.ARN or resource.arn or "").strip()
        if aws_names.parse(arn) is not None and "*" not in arn:
            yield aws_names.canonical(arn)


def _guessed(call: Call) -> Iterator[str]:
    """ARNs and EC2 ids that fit the call's name, or the only ones there are."""
    noun = "".join(_WORDS.findall(call.name)[1:]).lower()
    fitting: list[str] = []
    others: list[str] = []
    for fields in (call.request, call.response):
        for key, value in _named_texts(fields, 3):
            arn = _own_arn(value, call) if value.startswith("arn:") else _ec2_arn(value, call)
            if not arn:
                continue
            stem = key.removesuffix("arn").removesuffix("id").removesuffix("identifier")
            (fitting if key == "arn" or key == "resourcearn" or (stem and stem in noun) else others).append(arn)
    yield from dict.fromkeys(fitting or others[:1])


def _own_arn(value: str, call: Call) -> str:
    parts = aws_names.parse(value)
    return aws_names.canonical(value) if parts is not None and parts.service == call.record.service else ""


def _ec2_arn(value: str, call: Call) -> str:
    if call.record.service != "ec2":
        return ""
    return aws_names.ec2(call.record.account_id, call.record.region, value, call.partition)


def _named_texts(value: object, depth: int, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if depth > 0:
            for key, item in cast("dict[str, object]", value).items():
                yield from _named_texts(item, depth - (key != "items"), name if key == "items" else key)
    elif isinstance(value, list):
        for item in cast("list[object]", value)[:MAX_TARGETS]:
            yield from _named_texts(item, depth, name)
    elif isinstance(value, str) and value:
        yield name, value
