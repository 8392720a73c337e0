"""What a platform is watched, kept and built with: alarms, Grafana, Systems Manager, CodeBuild."""

from __future__ import annotations

from decimal import Decimal

from agent.cost.prices import ONE
from agent.cost.resources.lines import HOURS, Case, Family, Line, Mapped, hourly, used

FAMILY = Family()


@FAMILY.maps("aws_cloudwatch_metric_alarm")
def _alarm(case: Case) -> Mapped:
    values = case.planned.values
    metrics = [block.block("metric") for block in values.blocks("metric_query") if block.told("metric")]
    periods = [metric.number("period") for metric in metrics] or [values.number("period")]
    anomaly = values.told("threshold_metric_id")
    high = any(period is not None and period < 60 for period in periods)
    kind = "High resolution" if high else "Standard resolution"
    count = Decimal(max(1, len(metrics))) * (3 if anomaly else 1)  # an anomaly alarm watches its band too
    name = f"{kind} anomaly detection" if anomaly else kind
    query = case.query(
        "AmazonCloudWatch", "Alarm", usagetype="~CW:HighResAlarmMonitorUsage" if high else "~CW:AlarmMonitorUsage"
    )
    return [Line(name, "alarms" if anomaly else "alarm metrics", count, query)]


@FAMILY.maps("aws_cloudwatch_composite_alarm")
def _composite(case: Case) -> Mapped:
    return [
        Line(
            "Composite alarm",
            "alarms",
            ONE,
            case.query("AmazonCloudWatch", "Alarm", usagetype="~CW:CompositeAlarmMonitorUsage"),
        )
    ]


@FAMILY.maps("aws_grafana_workspace")
def _grafana(case: Case) -> Mapped:
    """A workspace has an editor at least, who is charged."""
    usage, service = case.usage, "AmazonGrafana"
    editors = usage.number("editors_administrator_licenses")
    viewers = usage.number("viewer_licenses")
    lines = [
        Line(
            "Editor/administrator licenses",
            "users",
            ONE if editors is None else editors,
            case.query(service, usagetype="~Grafana:EditorUser"),
        ),
        Line("Viewer licenses", "users", viewers, case.query(service, usagetype="~Grafana:ViewerUser")),
    ]
    if case.planned.values.told("license_type"):
        both = None if editors is None or viewers is None else editors + viewers
        lines.append(
            Line("Enterprise plugins licenses", "users", both, case.query(service, usagetype="~Grafana:EnterpriseUser"))
        )
    return lines


@FAMILY.maps("aws_ssm_parameter")
def _parameter(case: Case) -> Mapped:
    usage = case.usage
    limit = usage.text("api_throughput_limit", "standard")
    lines: list[Line] = []
    if case.planned.values.text("tier") == "Advanced":
        query = case.query("AWSSystemsManager", usagetype="~PS-Advanced-Param-Tier1")
        lines.append(hourly("Parameter storage (advanced)", query, ONE, usage.number("parameter_storage_hrs")))
    if limit in ("advanced", "higher") or lines:
        query = case.query("AWSSystemsManager", usagetype="~PS-Param-Processed-Tier2")
        lines.append(
            used(
                f"API interactions ({limit if limit != 'standard' else 'advanced'})",
                "10k interactions",
                usage.number("monthly_api_interactions"),
                query,
                10_000,
            )
        )
    return lines


@FAMILY.maps("aws_ssm_activation")
def _activation(case: Case) -> Mapped:
    if case.usage.text("instance_tier", "advanced") != "advanced":
        return []
    instances = case.usage.number("instances")
    query = case.query("AWSSystemsManager", usagetype="~MI-AdvInstances-Hrs")
    hours = None if instances is None else instances * HOURS
    return [Line("On-prem managed instances (advanced)", "hours", hours, query)]


@FAMILY.maps("aws_codebuild_project")
def _builds(case: Case) -> Mapped:
    environment = case.planned.values.block("environment")
    size = environment.text("compute_type").removeprefix("BUILD_").lower().replace("general1_", "general1.")
    system = (
        "Windows"
        if environment.text("type").startswith("WINDOWS")
        else "ARM"
        if environment.text("type").startswith("ARM")
        else "Linux"
    )
    gpu = "GPU" in environment.text("type")
    kind = {"Linux": "linux", "Windows": "windows", "ARM": "arm"}[system] + (" gpu" if gpu else "")
    query = case.query(
        "CodeBuild",
        usagetype=f"~Build-Min:{'Linux' if system == 'Linux' else system}:{'g1' if size.startswith('general1') else 'l1'}.{size.rpartition('.')[2]}",
    )
    return [Line(f"{kind.capitalize()} ({size})", "minutes", case.usage.number("monthly_build_mins"), query)]
