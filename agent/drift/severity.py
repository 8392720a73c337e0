"""How bad a drift is: declared rules on what it opens, breaks or leaves unguarded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from agent.attribute_kinds import kind_of, path_words
from agent.drift.model import SEVERITIES, AttributeDrift, Severity
from agent.drift.observed import Observed
from agent.evidence import number_of, shown
from agent.model import AttributeState
from agent.resource_groups import group_of
from agent.stateful import holds_data
from graph.model import Value

Test = Callable[["AttributeDrift", "Observed"], str]
"""What it opens or breaks, a sentence; empty when it does not."""

_EVERYONE = re.compile(r"(?<![\d.])0\.0\.0\.0/0(?![\d.])|(?<![\w:])::/0")
_ADMIN_PORTS = frozenset({22, 3389, 3306, 5432, 6379, 9200, 27017, 1433, 2379, 5985, 11211})
_WEB_PORTS = frozenset({80, 443})


@dataclass(frozen=True, slots=True)
class Weighed:
    """How bad, and why, worst first."""

    severity: Severity
    risks: tuple[str, ...]


def weigh(one: Observed) -> Weighed:
    """The severity of a drift with the risks behind it."""
    found: list[tuple[int, str]] = [(SEVERITIES.index(level), risk) for level, risk in _risks(one)]
    if not found:
        return Weighed(_without_risk(one), ())
    found.sort(key=lambda pair: pair[0])
    return Weighed(SEVERITIES[found[0][0]], tuple(dict.fromkeys(risk for _, risk in found)))


def _risks(one: Observed) -> Iterator[tuple[Severity, str]]:
    if one.kind == "missing":
        yield from _gone(one)
        return
    if one.kind == "unmanaged":
        yield from _unknown(one)
        return
    for attribute in one.attributes:
        for severity, path, test in _RULES:
            if path.search(attribute.path) and (risk := test(attribute, one)):
                yield severity, risk
        yield from _opened(attribute, one)


def _without_risk(one: Observed) -> Severity:
    if one.kind == "missing":
        return "medium"
    if one.kind == "unmanaged":
        return "low"
    kinds = {kind_of(path_words(a.path), group_of(one.type)) for a in one.attributes}
    return "info" if kinds <= {"cosmetic"} else "low" if kinds <= {"cosmetic", "logging", "alarm"} else "medium"


# -- missing and unmanaged


def _gone(one: Observed) -> Iterator[tuple[Severity, str]]:
    if holds_data(one.type):
        yield "critical", "it held data, and what it held is gone with it"
    elif re.search(r"flow_log|cloudtrail|config_(?:configuration_)?recorder|guardduty|log_group|logging", one.type):
        yield "high", "what happens there is no longer recorded"
    elif re.search(r"alarm|monitor|alert", one.type):
        yield "high", "nobody is told any more when it goes wrong"
    elif re.search(r"security_group|network_acl|firewall|waf|public_access_block", one.type):
        yield "high", "what it kept out is no longer kept out by it"
    else:
        yield "medium", "what relies on it finds nothing there"


def _unknown(one: Observed) -> Iterator[tuple[Severity, str]]:
    if any("ingress" in path and _EVERYONE.search(str(value)) for path, value in one.attributes_there.items()):
        yield "high", "it lets in everybody, and no code knows of it"
    elif re.search(r"iam_(?:user|access_key|role)", one.type):
        yield "medium", "it can be used to act, and no code knows of it"
    else:
        yield "low", "no code knows of it: nobody reviews, renews or removes it"


# -- changed


def _opened(attribute: AttributeDrift, one: Observed) -> Iterator[tuple[Severity, str]]:
    """Everybody let in where nobody or fewer were."""
    outward = one.attributes_there.get("type") == "egress" or "egress" in one.type
    if outward or re.search(r"egress|outbound", attribute.path):
        return
    added = _EVERYONE.search(_text(attribute.actual)) and not _EVERYONE.search(_text(attribute.desired))
    if not added:
        return
    ports = _ports(attribute) or _ports_of(one)
    if ports & _ADMIN_PORTS or not ports:
        where = f" on port {min(ports & _ADMIN_PORTS)}" if ports & _ADMIN_PORTS else ""
        yield "critical", f"the whole internet may come in{where}"
    elif ports <= _WEB_PORTS:
        yield "medium", f"the whole internet may come in on port {', '.join(map(str, sorted(ports)))}"
    else:
        yield "high", f"the whole internet may come in on port {', '.join(map(str, sorted(ports)))}"


def _ports(attribute: AttributeDrift) -> set[int]:
    """Ports of the rules that let everybody in; empty when they are not told or are all."""
    value = attribute.actual.value
    rules = cast("Sequence[object]", value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    found: set[int] = set()
    for rule in rules:
        if not _EVERYONE.search(str(rule)):
            continue
        if isinstance(rule, Mapping):
            fields = cast("Mapping[str, Value]", rule)
            low, high = number_of(fields.get("from_port")), number_of(fields.get("to_port"))
            if low is None or high is None or str(fields.get("protocol")) in ("-1", "all") or high - low > 1_000:
                return set()
            found |= set(range(int(low), int(high) + 1))
        elif isinstance(rule, str) and (told := re.search(r"\b(?:tcp|udp) (\d+)(?:-(\d+))?", rule)):
            found |= set(range(int(told[1]), min(int(told[2] or told[1]), int(told[1]) + 1_000) + 1))
    return found


def _ports_of(one: Observed) -> set[int]:
    """Ports of a rule that is a resource of its own."""
    low, high = (number_of(one.attributes_there.get(name)) for name in ("from_port", "to_port"))
    wide = low is None or high is None or high - low > 1_000 or low < 0
    return set() if wide else set(range(int(low or 0), int(high or 0) + 1))


def _off(what: str) -> Test:
    def test(attribute: AttributeDrift, one: Observed) -> str:
        del one
        return what if _is_on(attribute.desired) and not _is_on(attribute.actual) else ""

    return test


def _on(what: str) -> Test:
    def test(attribute: AttributeDrift, one: Observed) -> str:
        del one
        return what if _is_on(attribute.actual) and not _is_on(attribute.desired) else ""

    return test


def _lower(what: str) -> Test:
    def test(attribute: AttributeDrift, one: Observed) -> str:
        del one
        before, after = number_of(_value(attribute.desired)), number_of(_value(attribute.actual))
        if after is None and attribute.actual.state == "absent":
            after = 0.0
        if before is None or after is None or after >= before:
            return ""
        return f"{what} ({before:g} → {after:g})"

    return test


def _wider(attribute: AttributeDrift, one: Observed) -> str:
    """A policy that allows what it did not: everything, everybody, or simply more."""
    del one
    before, after = _text(attribute.desired), _text(attribute.actual)
    if attribute.actual.state == "redacted" or after == before:
        return ""
    grants = re.compile(r"[\"'](?:[a-z0-9-]+:)?\*[\"']|AdministratorAccess|PowerUserAccess|[\"']?AWS[\"']?: ?[\"']\*")
    if len(grants.findall(after)) > len(grants.findall(before)):
        return "it grants everything of a service, or to everybody"
    return "who may do what is not what was reviewed"


def _older_tls(attribute: AttributeDrift, one: Observed) -> str:
    del one
    before, after = _tls(_text(attribute.desired)), _tls(_text(attribute.actual))
    return "older versions of TLS are accepted" if after < before else ""


def _tls(text: str) -> int:
    """The minor version of the oldest TLS 1 that a policy's name accepts; 9 when it does not say."""
    if (found := re.search(r"TLS(?:13)?[-_vV]*1[-._](\d)", text)) is not None:
        return int(found[1])
    return 0 if re.search(r"SSLv3|TLSv1(?![.\d])|ELBSecurityPolicy-201[56]", text) else 9


def _is_on(state: AttributeState) -> bool:
    value = state.value
    return value is True or (isinstance(value, str) and value.casefold() in ("true", "enabled", "on", "required", "active", "1")) or (
        isinstance(value, list | tuple) and bool(cast("Sequence[object]", value))
    )  # fmt: skip


def _value(state: AttributeState) -> Value:
    return cast("Value", state.value)


def _text(state: AttributeState) -> str:
    return shown(state.value, 100_000) if state.state == "value" else ""


def _p(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.I)


_RULES: tuple[tuple[Severity, re.Pattern[str], Test], ...] = (
    ("high", _p(r"deletion_?protection|disable_api_termination|termination_protection|prevent_destroy"), _off("nothing keeps it from being deleted")),
    ("high", _p(r"(?<!skip_)encrypt(?:ed|ion)(?!.*key)|sse_?enabled|server_side_encryption|kms_key"), _off("what is stored there is no longer encrypted")),
    ("high", _p(r"transit_encryption|https_only|require_ssl|force_ssl|tls_required"), _off("traffic may go over the wire in the clear")),
    ("critical", _p(r"publicly_accessible|public_access_enabled|endpoint_public_access|public_network_access"), _on("it can be reached from the internet")),
    ("high", _p(r"map_public_ip_on_launch|associate_public_ip"), _on("new machines get a public address")),
    ("critical", _p(r"block_public_(?:acls|policy)|ignore_public_acls|restrict_public_buckets"), _off("what is in it may be made public")),
    ("high", _p(r"backup_retention|backups?_(?:count|days)|retention_period(?!.*log)|snapshot_retention"), _lower("fewer days can be restored")),
    ("medium", _p(r"retention_in_days|log_retention"), _lower("logs are kept for fewer days")),
    ("medium", _p(r"versioning.*status|versioning.*enabled|point_in_time_recovery|pitr"), _off("what is overwritten or deleted cannot be had back")),
    ("high", _p(r"enable_logging|logging.*enabled|access_logs.*enabled|enable_log_file_validation|is_multi_region_trail"), _off("what happens there is no longer recorded")),
    ("medium", _p(r"enable_key_rotation|rotation_enabled"), _off("the key is never replaced")),
    ("medium", _p(r"image_tag_mutability"), lambda a, o: "an image under a tag can be replaced by another unnoticed" if a.actual.value == "MUTABLE" else ""),
    ("medium", _p(r"scan_on_push"), _off("images are no longer looked through for known holes")),
    ("medium", _p(r"(?:desired|min|max)_(?:capacity|size|count|instances|replicas)|^replicas$|spec\.replicas|desired_count|num_cache|instance_count|node_count"), _lower("there is less to carry the load")),
    ("medium", _p(r"multi_az|automatic_failover"), _off("there is nothing to fail over to")),
    ("high", _p(r"(?:^|\.)(?:assume_role_)?policy(?:_document)?$|managed_policy_arns|inline_policy|policy_arn|permissions_boundary|^policies"), _wider),
    ("high", _p(r"ssl_policy|minimum_protocol_version|min_tls|minimum_tls|security_policy"), _older_tls),
    ("medium", _p(r"certificate"), lambda a, o: "another certificate is shown" if a.actual.state == "value" else "no certificate is shown"),
    ("medium", _p(r"actions_enabled|alarm_actions|^enabled$|^is_enabled$|(?:^|\.)state$"), _off("it is switched off")),
    ("high", _p(r"http_tokens"), lambda a, o: "the metadata service gives credentials without a token" if a.actual.value == "optional" else ""),
)  # fmt: skip
"""(how bad, attribute path, what it is when so)."""
