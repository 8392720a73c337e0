"""How a call that was made by hand is taken back: the inverse call where the record tells enough for it, else in words.

Command lines are written for the AWS CLI (https://docs.aws.amazon.com/cli/latest/reference/). Every word of a source that becomes part of
one is checked to be a plain name and quoted; what is not plain gets no command.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agent.assemble import attributes
from agent.evidence import inline, shown
from agent.model import AttributeChange
from graph.model import EntityRef, Properties, Value
from graph.store import ChangeView

_PLAIN = re.compile(r"[\w.:/@+=,*-]{1,300}")


@dataclass(frozen=True, slots=True)
class Undo:
    """A command, empty where none is certain, and the same in words."""

    command: str
    words: str


@dataclass(frozen=True, slots=True)
class Call:
    """An audited call: parameters by name in lower case, and what it changed by the label of the thing."""

    action: str
    region: str
    parameters: Mapping[str, Value]
    changed: Sequence[tuple[str, str, Sequence[AttributeChange]]]
    """Label, effect, attributes."""


def call_of(event: Properties, views: Sequence[ChangeView], labels: Mapping[EntityRef, str]) -> Call:
    """The call that an audit event tells; `labels` by ref of what it touched."""
    told = event.get("parameters")
    parameters = {str(k).lower(): v for k, v in told.items()} if isinstance(told, Mapping) else {}
    action, region = event.get("action"), event.get("region")
    return Call(
        action if isinstance(action, str) else "",
        region if isinstance(region, str) else "",
        parameters,
        [
            (labels.get(v.target, ""), str(v.properties.get("effect") or "updated"), attributes(v.properties))
            for v in views
        ],
    )


def undo(call: Call) -> Undo:
    """How to take it back."""
    rule = _INVERSE.get(call.action)
    command = rule(call) if rule is not None else ""
    if command and call.region and _PLAIN.fullmatch(call.region):
        command += f" --region {shlex.quote(call.region)}"
    return Undo(command, _words(call))


# -- in words


def _words(call: Call) -> str:
    parts: list[str] = []
    for label, effect, changed in call.changed[:3]:
        name = inline(label, 100) or "it"
        back = [_back(a) for a in changed if _worth(a)][:4]
        if effect == "created":
            parts.append(f"remove {name} again")
        elif effect == "deleted":
            had = [f"{inline(a.path, 80)} {shown(a.before.value)}" for a in changed if a.before.state == "value"][:4]
            parts.append(f"create {name} again" + (f" with {', '.join(had)}" if had else ""))
        elif back:
            parts.append(f"on {name}: {', '.join(back)}")
    if not parts:
        return f"Undo {inline(call.action, 80) or 'the call'} by hand; its record does not tell what was there before."
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def _worth(change: AttributeChange) -> bool:
    return change.before.state != "redacted" or change.after.state != "redacted"


def _back(change: AttributeChange) -> str:
    path = inline(change.path, 80)
    match change.before.state:
        case "value":
            return f"set {path} back to {shown(change.before.value)}"
        case "absent":
            return f"take {path} out"
        case _:
            now = f" (now {shown(change.after.value)})" if change.after.state == "value" else ""
            return f"restore {path}{now}, whose value before is not recorded"


# -- as a command


def _cli(*words: str) -> str:
    """A command line of these words; empty when one of them is missing or not a plain word."""
    if not all(_PLAIN.fullmatch(w) and not w.startswith(("@", "*")) for w in words):
        return ""
    return "aws " + " ".join(shlex.quote(w) for w in words)


def _text(call: Call, *names: str) -> str:
    for name in names:
        told = call.parameters.get(name)
        if isinstance(told, int) and not isinstance(told, bool):
            return str(told)
        if isinstance(told, str) and told:
            return told
        if isinstance(told, Sequence) and not isinstance(told, str) and len(told) == 1:
            return str(told[0])
    return ""


def _listed(call: Call, name: str) -> list[str]:
    """Values of a flattened list: `name` as a list, `name[0]`, `name.items[0].x` …"""
    told = call.parameters.get(name)
    if isinstance(told, Sequence) and not isinstance(told, str):
        return [str(v) for v in told]
    if isinstance(told, str):
        return [told]
    pattern = re.compile(rf"{re.escape(name)}(?:\.items)?\[\d+\](?:\.\w+)?")
    return [str(v) for k, v in sorted(call.parameters.items()) if pattern.fullmatch(k) and isinstance(v, str)]


def _named(service: str, verb: str, **options: tuple[str, ...]) -> Callable[[Call], str]:
    """A call that takes back another one with the same names: option -> names of the parameter that fills it."""

    def make(call: Call) -> str:
        words = [service, verb]
        for option, names in options.items():
            words += [f"--{option.replace('_', '-')}", _text(call, *names)]
        return _cli(*words)

    return make


def _instances(verb: str) -> Callable[[Call], str]:
    def make(call: Call) -> str:
        ids = [i for i in _listed(call, "instancesset") or _listed(call, "instanceids") if i.startswith("i-")]
        return _cli("ec2", verb, "--instance-ids", *ids) if ids else ""

    return make


def _rule(verb: str) -> Callable[[Call], str]:
    """One rule of a security group, when the call named exactly one peer."""

    def make(call: Call) -> str:
        group = _text(call, "groupid")
        prefix = next(
            (p for p in ("ippermissions.items[0]", "ippermissions[0]") if f"{p}.ipprotocol" in call.parameters), ""
        )
        dot = f"{prefix}." if prefix else ""
        others = ("cidripv6", "prefixlistid", ".groupid", "sourcesecuritygroupname")
        several = any("[1]" in key or key.endswith(others) for key in call.parameters)
        protocol = _text(call, f"{dot}ipprotocol")
        peers = [str(v) for k, v in sorted(call.parameters.items()) if k.endswith("cidrip") and isinstance(v, str)]
        if several or not group or len(peers) != 1 or protocol not in ("tcp", "udp"):
            return ""
        first, last = _text(call, f"{dot}fromport"), _text(call, f"{dot}toport")
        if not first or not last:
            return ""
        port = first if first == last else f"{first}-{last}"
        return _cli("ec2", verb, "--group-id", group, "--protocol", protocol, "--port", port, "--cidr", peers[0])

    return make


def _before(
    service: str, verb: str, name: tuple[str, ...], option: str, paths: Mapping[str, str]
) -> Callable[[Call], str]:
    """A setting put back to what it was, when every attribute of the change has a known value before and an option of its own."""

    def make(call: Call) -> str:
        back: list[str] = []
        for _, _, changed in call.changed[:1]:
            for one in changed:
                flag = paths.get(one.path.lower())
                value = one.before.value
                if flag is None or one.before.state != "value" or not isinstance(value, str | int):
                    return ""
                back += [f"--{flag}", str(value)]
        return _cli(service, verb, f"--{option}", _text(call, *name), *back) if back else ""

    return make


_GROUP = {"desiredcapacity": "desired-capacity", "minsize": "min-size", "maxsize": "max-size"}

_INVERSE: Mapping[str, Callable[[Call], str]] = {
    "ec2:AuthorizeSecurityGroupIngress": _rule("revoke-security-group-ingress"),
    "ec2:RevokeSecurityGroupIngress": _rule("authorize-security-group-ingress"),
    "ec2:StopInstances": _instances("start-instances"),
    "iam:AttachRolePolicy": _named("iam", "detach-role-policy", role_name=("rolename",), policy_arn=("policyarn",)),
    "iam:DetachRolePolicy": _named("iam", "attach-role-policy", role_name=("rolename",), policy_arn=("policyarn",)),
    "iam:AttachUserPolicy": _named("iam", "detach-user-policy", user_name=("username",), policy_arn=("policyarn",)),
    "iam:DetachUserPolicy": _named("iam", "attach-user-policy", user_name=("username",), policy_arn=("policyarn",)),
    "events:DisableRule": _named("events", "enable-rule", name=("name",)),
    "events:EnableRule": _named("events", "disable-rule", name=("name",)),
    "kms:DisableKey": _named("kms", "enable-key", key_id=("keyid",)),
    "kms:ScheduleKeyDeletion": _named("kms", "cancel-key-deletion", key_id=("keyid",)),
    "secretsmanager:DeleteSecret": _named("secretsmanager", "restore-secret", secret_id=("secretid",)),
    "autoscaling:SetDesiredCapacity": _before(
        "autoscaling", "update-auto-scaling-group", ("autoscalinggroupname",), "auto-scaling-group-name", _GROUP
    ),
    "autoscaling:UpdateAutoScalingGroup": _before(
        "autoscaling", "update-auto-scaling-group", ("autoscalinggroupname",), "auto-scaling-group-name", _GROUP
    ),
    "rds:ModifyDBInstance": _before(
        "rds",
        "modify-db-instance",
        ("dbinstanceidentifier",),
        "db-instance-identifier",
        {
            "dbinstanceclass": "db-instance-class",
            "maxallocatedstorage": "max-allocated-storage",
            "backupretentionperiod": "backup-retention-period",
            "dbparametergroupname": "db-parameter-group-name",
        },
    ),
}
"""Calls with an inverse that needs nothing that their records do not tell."""
