"""What a call changed on each thing that it touched, as far as the record tells: attribute paths with before and after.

A record tells what was asked for, so that mostly the after is known and the before is not. Where more is told (the states of instances,
pending values of a database, records of a zone, rules of a security group) it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from graph.model import Value
from ingest import aws_names
from ingest.redact import REDACTED
from ingest.sources.cloudtrail.parameters import clean_text, flattened
from ingest.sources.cloudtrail.records import Fields, items, lowered, obj, part, text
from ingest.sources.cloudtrail.security_rules import security_group_rules
from ingest.sources.cloudtrail.targets import MAX_TARGETS, Call, Target, targets

MAX_ATTRIBUTES = 80
"""So many attributes of one change are kept."""

_OPTIONS = frozenset({"applyimmediately", "ifmatch", "allowmajorversionupgrade", "publish"})
"""Parameters that say how to do it and not what."""

Attribute = Mapping[str, Value]
ABSENT: Attribute = {"state": "absent"}
UNKNOWN: Attribute = {"state": "unknown"}


@dataclass(frozen=True, slots=True)
class Change:
    """What a call did to one thing."""

    arn: str
    effect: str
    attributes: Sequence[Attribute] = ()


def changes(call: Call) -> tuple[Change, ...]:
    """What the call changed; nothing for one that failed."""
    if call.record.error_code:
        return ()
    touched = targets(call)
    special = _SPECIAL.get((call.record.service, call.name))
    if special is not None and (found := {c.arn: c for c in special(call, touched)}):
        rest = (Change(t.arn, t.effect) for t in touched if t.arn not in found)
        return (*found.values(), *rest)[:MAX_TARGETS]
    own_names = frozenset(name for t in touched for name in _names(t.arn))
    return tuple(Change(t.arn, t.effect, _asked_for(call, t.effect, own_names)) for t in touched)


def attribute(path: str, before: Attribute, after: Attribute) -> Attribute:
    """One attribute of a change."""
    return {"path": path, "before": before, "after": after}


def value(told: Value) -> Attribute:
    """A side of an attribute that is known."""
    return {"state": "redacted"} if told == REDACTED else {"state": "value", "value": told}


# -- any call


def _asked_for(call: Call, effect: str, own_names: frozenset[str]) -> Sequence[Attribute]:
    if effect == "deleted":
        return ()
    before = ABSENT if effect == "created" else UNKNOWN
    found = [
        attribute(path, before, value(told))
        for path, told in flattened(call.record.service, obj(call.record.request_parameters)).items()
        if path.lower() not in _OPTIONS and not _is_name(told, own_names)
    ]
    return found[:MAX_ATTRIBUTES]


def _is_name(told: Value, own_names: frozenset[str]) -> bool:
    if isinstance(told, str):
        return told in own_names or (told.startswith("https://") and told.rpartition("/")[2] in own_names)
    return isinstance(told, list) and all(isinstance(item, str) and item in own_names for item in told)


def _names(arn: str) -> frozenset[str]:
    """What a call may name the thing by: that is not what it changed."""
    parts = aws_names.parse(arn)
    resource = parts.resource if parts is not None else ""
    last = resource.rpartition("/")[2].rpartition(":")[2]
    return frozenset({arn, resource, last, f"/{resource.partition('/')[2]}", aws_names.resource_name(arn)})


# -- calls that tell more


def _instance_states(call: Call, touched: Sequence[Target]) -> Iterator[Change]:
    """Starting, stopping and terminating answer with the state before and after."""
    effects = {t.arn: t.effect for t in touched}
    for item in items(call.response.get("instancesset")):
        arn = aws_names.ec2(call.record.account_id, call.record.region, text(item, "instanceid"), call.partition)
        before, after = (text(obj(item.get(key)), "name") for key in ("previousstate", "currentstate"))
        if arn in effects and before and after:
            yield Change(arn, effects[arn], [attribute("state", value(before), value(after))])


def _tags(call: Call, touched: Sequence[Target]) -> Iterator[Change]:
    removed = call.name.startswith(("Delete", "Remove", "Untag"))
    told = [*items(call.request.get("tagset")), *items(call.request.get("tags")), *items(call.request.get("tagkeys"))]
    attributes: list[Attribute] = []
    for tag in told:
        key, tagged = text(tag, "key"), text(tag, "value")
        if key:
            path = f'tags["{clean_text(key)}"]'
            attributes.append(attribute(path, UNKNOWN, ABSENT if removed else value(clean_text(tagged))))
    for target in touched:
        yield Change(target.arn, "updated", attributes[:MAX_ATTRIBUTES])


def _rule_priorities(call: Call, touched: Sequence[Target]) -> Iterator[Change]:
    for item in items(call.request.get("rulepriorities")):
        priority = item.get("priority")
        if (arn := text(item, "rulearn")) and isinstance(priority, (int, str)):
            yield Change(arn, "updated", [attribute("priority", UNKNOWN, value(priority))])


def _database(call: Call, touched: Sequence[Target]) -> Iterator[Change]:
    """The answer holds the values in force, and beside them those that are pending."""
    answer = obj(call.record.response_elements)
    waiting = obj(part(answer, "pendingModifiedValues"))
    pending = flattened("rds", waiting)
    now = flattened("rds", {k: v for k, v in answer.items() if k in waiting})
    for target in touched:
        attributes = [
            attribute(path, value(now[path]), cast("Attribute", one["after"]))
            if (path := str(one["path"])) in pending and path in now
            else one
            for one in _asked_for(call, target.effect, _names(target.arn))
        ]
        yield Change(target.arn, target.effect, attributes)


def _volume(call: Call, touched: Sequence[Target]) -> Iterator[Change]:
    modification = obj(obj(call.response.get("modifyvolumeresponse")).get("volumemodification"))
    modification = modification or obj(call.response.get("volumemodification"))
    attributes: list[Attribute] = []
    for key in ("size", "iops", "volumetype", "throughput"):
        before, after = modification.get(f"original{key}"), modification.get(f"target{key}")
        if isinstance(before, (str, int)) and isinstance(after, (str, int)) and before != after:
            attributes.append(attribute(key, value(before), value(after)))
    if attributes:
        for target in touched:
            yield Change(target.arn, "updated", attributes)


def _records(call: Call, touched: Sequence[Target]) -> Iterator[Change]:
    """Records of a zone have no ARN; one call may delete a record and create it anew, which is an update."""
    zone = text(call.request, "hostedzoneid")
    found: dict[str, tuple[Attribute, Attribute]] = {}
    sides: dict[str, dict[str, tuple[Attribute, Attribute]]] = {}
    for logged in items(part(call.record.request_parameters, "changeBatch", "changes")):
        item = lowered(logged)
        record = obj(item.get("resourcerecordset"))
        name, kind, action = text(record, "name"), text(record, "type"), text(item, "action").upper()
        if not (zone and name and kind):
            continue
        name = name.replace("\\052", "*")
        arn = aws_names.route53_record(zone, name, kind, text(record, "setidentifier"), call.partition)
        values = sides.setdefault(arn, {})
        for path, told in flattened("route53", _record_values(obj(part(logged, "resourceRecordSet")))).items():
            before, after = values.get(path, (UNKNOWN if action == "UPSERT" else ABSENT, ABSENT))
            values[path] = (value(told), after) if action == "DELETE" else (before, value(told))
        was, will_be = found.get(arn, (UNKNOWN if action == "UPSERT" else ABSENT, ABSENT))
        found[arn] = (value(True), will_be) if action == "DELETE" else (was, value(True))
    for arn, (before, after) in found.items():
        effect = "deleted" if after is ABSENT else "created" if before is ABSENT else "updated"
        attributes = [attribute(path, b, a) for path, (b, a) in sides[arn].items() if b != a]
        yield Change(arn, effect, attributes[:MAX_ATTRIBUTES])
    yield from (Change(t.arn, "updated") for t in touched)


def _record_values(record: Fields) -> Fields:
    own = ("name", "type", "setidentifier", "resourcerecords")
    rest = {key: told for key, told in record.items() if key.lower() not in own}
    if records := [text(lowered(r), "value") for r in items(part(record, "resourceRecords"))]:
        rest["records"] = sorted(records)
    return rest


def _security_group(call: Call, touched: Sequence[Target]) -> Iterator[Change]:
    removed = call.name.startswith("Revoke")
    attributes: list[Attribute] = []
    rules: list[Change] = []
    for rule in security_group_rules(call):
        if removed:
            before, after = value(rule.text) if rule.text else UNKNOWN, ABSENT
        else:
            before, after = UNKNOWN if rule.known_before else ABSENT, value(rule.text)
        attributes.append(attribute(rule.path, before, after))
        if rule.id and (arn := aws_names.ec2(call.record.account_id, call.record.region, rule.id, call.partition)):
            effect = "deleted" if removed else "updated" if rule.known_before else "created"
            rules.append(Change(arn, effect, [attribute("rule", before, after)]))
    for target in touched:
        yield Change(target.arn, "updated", attributes[:MAX_ATTRIBUTES])
    yield from rules


_Special = Callable[[Call, Sequence[Target]], Iterator[Change]]
_SPECIAL: Mapping[tuple[str, str], _Special] = {
    **{("ec2", f"{verb}Instances"): _instance_states for verb in ("Start", "Stop", "Terminate")},
    **{
        ("ec2", f"{verb}SecurityGroup{way}"): _security_group
        for verb in ("Authorize", "Revoke")
        for way in ("Ingress", "Egress")
    },
    ("ec2", "ModifySecurityGroupRules"): _security_group,
    ("ec2", "CreateTags"): _tags,
    ("ec2", "DeleteTags"): _tags,
    ("ec2", "ModifyVolume"): _volume,
    ("elasticloadbalancing", "AddTags"): _tags,
    ("elasticloadbalancing", "RemoveTags"): _tags,
    ("elasticloadbalancing", "SetRulePriorities"): _rule_priorities,
    ("rds", "ModifyDBInstance"): _database,
    ("rds", "ModifyDBCluster"): _database,
    ("route53", "ChangeResourceRecordSets"): _records,
}
