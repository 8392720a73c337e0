"""The rules in calls about a security group, in words: `tcp 443 from 10.0.0.0/8`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from ingest.sources.cloudtrail.parameters import clean_text
from ingest.sources.cloudtrail.records import Fields, items, text
from ingest.sources.cloudtrail.targets import Call

_PEERS = (
    # where it stands in `ipPermissions`, and the names of the peer there
    ("ipranges", ("cidrip",)),
    ("ipv6ranges", ("cidripv6",)),
    ("groups", ("groupid", "groupname", "userid")),
    ("prefixlistids", ("prefixlistid",)),
)
_RULE_PEERS = ("cidripv4", "cidripv6", "prefixlistid", "referencedgroupid")
MAX_RULES = 200


@dataclass(frozen=True, slots=True)
class SecurityRule:
    """A rule of a call.

    Attributes:
        path: names the rule among those of its group: `ingress["tcp 22 from 0.0.0.0/0"]`, or by its id where the call names it by that.
        text: the rule in words, with its description; empty when the call does not tell.
        id: `sgr-…`, where told.
        known_before: it was there before and was changed.
    """

    path: str
    text: str
    id: str = ""
    known_before: bool = False


def security_group_rules(call: Call) -> list[SecurityRule]:
    """The rules that a call authorizes, revokes or modifies, in its order."""
    return list(_rules(call))[:MAX_RULES]


def _rules(call: Call) -> Iterator[SecurityRule]:
    if call.name == "ModifySecurityGroupRules":
        yield from _modified(call)
        return
    egress = call.name.endswith("Egress")
    # The answer names the rules by id, one for each peer; the parameters may hold many peers, or only ids.
    answered = items(call.response.get("securitygroupruleset")) or items(
        call.response.get("revokedsecuritygroupruleset")
    )
    if answered:
        for rule in answered:
            words = _words(rule, _peer(rule, _RULE_PEERS), egress)
            yield SecurityRule(_path(egress, words), _described(words, rule), text(rule, "securitygroupruleid"))
        return
    for rule_id in _ids(call.request.get("securitygroupruleids")):
        yield SecurityRule(f'rules["{rule_id}"]', "", rule_id)
    permissions = items(call.request.get("ippermissions"))
    if not permissions and text(call.request, "ipprotocol"):
        words = _words(call.request, _peer(call.request, ("cidrip", "sourcesecuritygroupname")), egress)
        yield SecurityRule(_path(egress, words), words)
    for permission in permissions:
        for where, names in _PEERS:
            for peer in items(permission.get(where)):
                words = _words(permission, _peer(peer, names), egress)
                yield SecurityRule(_path(egress, words), _described(words, peer))


def _modified(call: Call) -> Iterator[SecurityRule]:
    request = call.request.get("modifysecuritygrouprulesrequest")
    request = cast("Fields", request) if isinstance(request, dict) else call.request
    told = request.get("securitygrouprule")
    for item in items(told) or ([cast("Fields", told)] if isinstance(told, dict) else []):
        rule_id, inner = text(item, "securitygroupruleid"), item.get("securitygrouprule")
        if rule_id and isinstance(inner, dict):
            rule = cast("Fields", inner)
            words = _words(rule, _peer(rule, _RULE_PEERS), egress=False).replace(" from ", " with ")
            yield SecurityRule(f'rules["{rule_id}"]', _described(words, rule), rule_id, known_before=True)


def _words(rule: Fields, peer: str, egress: bool) -> str:
    protocol = str(rule.get("ipprotocol", "-1"))
    first, last = rule.get("fromport"), rule.get("toport")
    if protocol == "-1":
        what = "all traffic"
    elif isinstance(first, int) and isinstance(last, int) and (first, last) not in ((-1, -1), (0, 65535)):
        what = f"{protocol} {first}" if first == last else f"{protocol} {first}-{last}"
    else:
        what = f"{protocol} all ports"
    return f"{what} {'to' if egress else 'from'} {peer}"


def _peer(fields: Fields, names: tuple[str, ...]) -> str:
    for name in names:
        if told := text(fields, name):
            return clean_text(told)
    referenced = fields.get("referencedgroupinfo")
    if isinstance(referenced, dict):
        return text(cast("Fields", referenced), "groupid") or "?"
    return "?"


def _described(words: str, rule: Fields) -> str:
    description = text(rule, "description")
    return f"{words} ({clean_text(description)})" if description else words


def _path(egress: bool, words: str) -> str:
    return f'{"egress" if egress else "ingress"}["{words}"]'


def _ids(told: object) -> list[str]:
    found = [text(item, "securitygroupruleid") for item in items(told)]
    if isinstance(told, list):
        found += [item for item in cast("list[object]", told) if isinstance(item, str)]
    return [rule_id for rule_id in found if rule_id]
