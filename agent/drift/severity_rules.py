"""The rules that weigh one attribute: how bad, of which path, and a test that says what it opens or breaks."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import cast

from agent.drift.model import AttributeDrift, Severity
from agent.drift.observed import Observed
from agent.drift.policies import reaches
from agent.evidence import number_of, shown
from agent.model import AttributeState
from graph.model import Value

Test = Callable[["AttributeDrift", "Observed"], str]
"""What it opens or breaks, a sentence; empty when it does not."""


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


def _reaching(what: str, sentence: str) -> Test:
    """A policy that reaches so far and did not."""

    def test(attribute: AttributeDrift, one: Observed) -> str:
        del one
        gained = reaches(_value(attribute.actual)) - reaches(_value(attribute.desired))
        return sentence if what in gained else ""

    return test


def _wider(attribute: AttributeDrift, one: Observed) -> str:
    """Any other difference of who may do what."""
    del one
    before, after = _text(attribute.desired), _text(attribute.actual)
    if attribute.actual.state == "redacted" or after == before:
        return ""
    gained = reaches(_value(attribute.actual)) - reaches(_value(attribute.desired))
    if "anywhere" in gained or "service" in gained:
        return "it grants everything of a service, or on every resource"
    return "who may do what is not what was reviewed"


def _halved(attribute: AttributeDrift, one: Observed) -> str:
    """Nothing left, or half of it and less."""
    del one
    before, after = number_of(_value(attribute.desired)), number_of(_value(attribute.actual))
    if before is None or before <= 0 or after is None or after > before / 2:
        return ""
    how = "nothing is left" if after == 0 else "half of it or more is gone"
    return f"{how} to carry the load ({before:g} → {after:g})"


def _shorter_logs(attribute: AttributeDrift, one: Observed) -> str:
    """Zero days mean for ever."""
    del one
    before, after = number_of(_value(attribute.desired)), number_of(_value(attribute.actual))
    if before is None or after is None or after == 0 or 0 < before <= after:
        return ""
    return f"logs are kept for fewer days ({f'{before:g}' if before else 'for ever'} → {after:g})"


def _no_longer(wanted: str, what: str) -> Test:
    def test(attribute: AttributeDrift, one: Observed) -> str:
        del one
        return what if attribute.desired.value == wanted and attribute.actual.value != wanted else ""

    return test


def _exposed(attribute: AttributeDrift, one: Observed) -> str:
    """A service of Kubernetes that got an address outside of the cluster."""
    outside = attribute.actual.value in ("LoadBalancer", "NodePort")
    is_service = re.search(r"^kubernetes_service|^kubernetes:.*Service$", one.type) is not None
    return "it can be reached from outside of the cluster" if outside and is_service else ""


def _public_lb(attribute: AttributeDrift, one: Observed) -> str:
    turned = _is_on(attribute.desired) and attribute.actual.value is False
    return "it can be reached from the internet" if turned and re.search(r"lb$|LoadBalancer$", one.type) else ""


def _older_tls(attribute: AttributeDrift, one: Observed) -> str:
    del one
    before, after = _tls(_text(attribute.desired)), _tls(_text(attribute.actual))
    return "older versions of TLS are accepted" if after < before else ""


def _tls(text: str) -> int:
    """The minor version of the oldest TLS 1 that a policy's name accepts; 9 when it does not say."""
    if re.search(r"TLSv1_20\d\d", text):
        return 0  # of CloudFront, by its year
    if (found := re.fullmatch(r"\"?1\.(\d)\"?", text) or re.search(r"-FS-1-(\d)", text)) is not None:
        return int(found[1])
    if (found := re.search(r"TLS(?:13)?[-_vV]*1[-._](\d)", text)) is not None:
        return int(found[1])
    return 0 if re.search(r"SSLv3|TLSv1(?![.\d])|ELBSecurityPolicy-(?:201[56]|FS-2018)", text) else 9


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


_POLICY = r"(?:^|\.)(?:assume_role_)?policy(?:_document)?$|managed_policy_arns|inline_policy|policy_arn|^policies"
_CAPACITY = r"(?:desired|min|max)_(?:capacity|size|count|instances|replicas)|(?:^|\.)replicas$|desired_count|num_cache|instance_count|(?:^|[._])(?:min_|max_)?node_count|worker_count"
_BACKUPS = r"backup_retention|backups?_(?:count|days)|retention_period(?!.*log)|snapshot_retention"
RULES: tuple[tuple[Severity, re.Pattern[str], Test], ...] = (
    ("high", _p(r"deletion_?protection|disable_api_termination|termination_protection|purge_protection|prevent_destroy"), _off("nothing keeps it from being deleted")),
    ("high", _p(r"(?<!skip_)encrypt(?:ed|ion)(?!.*key)|sse_?enabled|server_side_encryption|kms_key"), _off("what is stored there is no longer encrypted")),
    ("high", _p(r"transit_encryption|https_only|https_traffic_only|require_ssl|force_ssl|tls_required"), _off("traffic may go over the wire in the clear")),
    ("critical", _p(r"publicly_accessible|public_access_enabled|endpoint_public_access|public_network_access|ipv4_enabled|to_be_public|blob_public_access|public_ip_enabled"), _on("it can be reached from the internet")),
    ("high", _p(r"map_public_ip_on_launch|associate_public_ip"), _on("new machines get a public address")),
    ("critical", _p(r"block_public_(?:acls|policy)|ignore_public_acls|restrict_public_buckets"), _off("what is in it may be made public")),
    ("critical", _p(r"public_access_prevention"), _no_longer("enforced", "what is in it may be made public")),
    ("critical", _p(r"^internal$"), _public_lb),
    ("high", _p(r"(?:^|\.)type$"), _exposed),
    ("high", _p(r"backup_configuration.*\.enabled$"), _off("no more backups are made")),
    ("high", _p(_BACKUPS), _lower("fewer days can be restored")),
    ("medium", _p(r"retention_in_days|log_retention"), _shorter_logs),
    ("medium", _p(r"versioning.*status|versioning.*enabled|point_in_time_recovery|pitr"), _off("what is overwritten or deleted cannot be had back")),
    ("high", _p(r"enable_logging|logging.*enabled|access_logs.*enabled|enable_log_file_validation|is_multi_region_trail"), _off("what happens there is no longer recorded")),
    ("medium", _p(r"enable_key_rotation|rotation_enabled"), _off("the key is never replaced")),
    ("medium", _p(r"image_tag_mutability"), lambda a, o: "an image under a tag can be replaced by another unnoticed" if a.actual.value == "MUTABLE" else ""),
    ("medium", _p(r"scan_on_push"), _off("images are no longer looked through for known holes")),
    ("high", _p(_CAPACITY), _halved),
    ("medium", _p(_CAPACITY), _lower("there is less to carry the load")),
    ("medium", _p(r"multi_az|automatic_failover"), _off("there is nothing to fail over to")),
    ("critical", _p(_POLICY), _reaching("everything", "it may do everything")),
    ("critical", _p(_POLICY), _reaching("everybody", "everybody is let in, from any account")),
    ("high", _p(_POLICY + r"|permissions_boundary"), _wider),
    ("high", _p(r"ssl_policy|minimum_protocol_version|min_tls|minimum_tls|security_policy"), _older_tls),
    ("medium", _p(r"certificate"), lambda a, o: "another certificate is shown" if a.actual.state == "value" else "no certificate is shown"),
    ("medium", _p(r"actions_enabled|alarm_actions|^enabled$|^is_enabled$|(?:^|\.)state$"), _off("it is switched off")),
    ("high", _p(r"http_tokens"), lambda a, o: "the metadata service gives credentials without a token" if a.actual.value == "optional" else ""),
)  # fmt: skip
"""(how bad, attribute path, what it is when so)."""
