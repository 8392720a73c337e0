"""Keys, certificates, firewalls and directories."""

from __future__ import annotations

from decimal import Decimal

from agent.cost.estimate_plan import Values
from agent.cost.prices import ONE
from agent.cost.resources.lines import HOURS, Case, Family, Line, Mapped, hourly, tiered, used

FAMILY = Family()
_CERTIFICATES = [("first 1K", 1_000), ("next 9K", 9_000), ("over 10K", None)]


@FAMILY.maps("aws_cloudhsm_v2_hsm")
def _hsm(case: Case) -> Mapped:
    return [
        hourly("HSM usage", case.query("CloudHSM", usagetype="~CloudHSMv2Usage"), ONE, case.usage.number("monthly_hrs"))
    ]


@FAMILY.maps("aws_kms_key")
def _key(case: Case) -> Mapped:
    spec = case.planned.values.text("customer_master_key_spec", "SYMMETRIC_DEFAULT")

    def requests(name: str, usagetype: str) -> Line:
        return used(
            name,
            "10k requests",
            case.usage.number("monthly_requests"),
            case.query("awskms", usagetype=usagetype),
            10_000,
        )

    lines = [Line("Customer master key", "months", ONE, case.query("awskms", usagetype="~KMS-Keys"))]
    if spec == "RSA_2048":
        return [*lines, requests("Requests (RSA 2048)", "~KMS-Requests-Asymmetric-RSA_2048")]
    if not spec.startswith(("SYMMETRIC", "HMAC")):
        return [*lines, requests("Requests (asymmetric)", "~KMS-Requests-Asymmetric")]
    return [
        *lines,
        requests("Requests", "~KMS-Requests"),
        requests("ECC GenerateDataKeyPair requests", "~KMS-Requests-GenerateDatakeyPair-ECC"),
        requests("RSA GenerateDataKeyPair requests", "~KMS-Requests-GenerateDatakeyPair-RSA"),
    ]


@FAMILY.maps("aws_acmpca_certificate_authority")
def _authority(case: Case) -> Mapped:
    requests = case.usage.number("monthly_requests")
    service = "AWSCertificateManager"
    if case.planned.values.text("usage_mode") == "SHORT_LIVED_CERTIFICATE":
        return [
            Line("Private certificate authority (short-lived certificate mode)", "months", ONE, case.query(service, usagetype="~ShortLivedCertificatePrivateCA")),
            Line("Certificates (short-lived)", "requests", requests, case.query(service, usagetype="~ShortLivedCertificatesIssued")),
        ]  # fmt: skip
    query = case.query(service, usagetype="~PrivateCertificatesIssued")
    return [
        Line("Private certificate authority", "months", ONE, case.query(service, usagetype="~PaidPrivateCA")),
        *tiered("Certificates", "requests", requests, query, _CERTIFICATES),
    ]


@FAMILY.maps("aws_acm_certificate")
def _certificate(case: Case) -> Mapped:
    if not case.planned.values.text("certificate_authority_arn") and not case.planned.references.get(
        "certificate_authority_arn"
    ):
        return []  # public certificates are free
    query = case.query("AWSCertificateManager", usagetype="~PrivateCertificatesIssued")
    return [Line("Certificate", "requests", ONE, query)]


@FAMILY.maps("aws_waf_web_acl", "aws_wafv2_web_acl")
def _firewall(case: Case) -> Mapped:
    values, usage = case.planned.values, case.usage
    v2 = case.planned.type == "aws_wafv2_web_acl"
    service = "awswaf"
    version = "V2" if v2 else ""
    blocks = values.blocks("rule") if v2 else values.blocks("rules")
    groups = [one for one in blocks if _is_group(one, v2)]
    managed = [one for one in groups if one.block("statement").told("managed_rule_group_statement")]
    own = len(groups) - len(managed)
    inside = usage.number("rule_group_rules"), usage.number("managed_rule_group_rules")
    rules = Decimal(len(blocks) - len(groups)) + sum((one for one in inside if one is not None), Decimal(0))
    per_rule = case.query(service, usagetype=f"~Rule{version}")
    lines = [Line("Web ACL usage", "months", ONE, case.query(service, usagetype=f"~WebACL{version}"))]
    if rules:
        lines.append(Line("Rules", "rules", rules, per_rule))
    if own:
        lines.append(Line("Rule groups", "groups", Decimal(own), per_rule))
    if managed:
        lines.append(Line("Managed rule groups", "groups", Decimal(len(managed)), per_rule))
    requests = case.query(service, usagetype=f"~Request{version}-Tier1")
    lines.append(used("Requests", "1M requests", usage.number("monthly_requests"), requests, 1_000_000))
    return lines


def _is_group(block: Values, v2: bool) -> bool:
    if not v2:
        return block.text("type") == "GROUP"
    statement = block.block("statement")
    return statement.told("rule_group_reference_statement") or statement.told("managed_rule_group_statement")


@FAMILY.maps("aws_directory_service_directory")
def _directory(case: Case) -> Mapped:
    values, usage = case.planned.values, case.usage
    kind, service = values.text("type", "SimpleAD"), "AWSDirectoryService"
    size = values.text("edition", "Enterprise") if kind == "MicrosoftAD" else values.text("size", "Large")
    name = {"MicrosoftAD": "Microsoft AD", "SimpleAD": "Simple AD", "ADConnector": "AD Connector"}.get(kind, kind)
    query = case.query(service, "AWS Directory Service", directorySize=size, directoryType=name)
    lines = [Line(f"Directory service ({name}, {size})", "controllers", Decimal(2), query, per=HOURS)]
    if kind == "MicrosoftAD":
        more, shared = usage.number("additional_domain_controllers"), usage.number("shared_accounts")
        if more is not None:
            lines.append(Line("Additional domain controllers", "controllers", more, query, per=HOURS))
        if shared is not None:
            sharing = case.query(service, "AWS Directory Service", directorySize=size, usagetype="~*SharedDirectory*")
            lines.append(Line("Directory sharing", "accounts", shared, sharing, per=HOURS))
    return lines
