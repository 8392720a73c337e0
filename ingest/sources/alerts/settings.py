"""Settings of the alerts source, for files and webhooks alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class AlertsSettings:
    """Where payloads lie and how their words are to be read. A webhook takes the same settings, without `path`.

    A webhook and a source of files that deliver the same alerts must agree in `name` and in everything that shapes facts.

    Attributes:
        path: a file or a directory (read recursively) of payloads as the webhooks sent them, `*.json` (one) and `*.jsonl` (one a line);
            the provider is told by the file's or a directory's name (`alertmanager…`, `grafana…`, `pagerduty…`, `opsgenie…`,
            `cloudwatch…`, `generic…`), else by the payload's shape.
        name: what these alerts are called as a scope; fingerprints are told apart by it, so give each Alertmanager its own.
        provider: which system sends, when neither the file's name nor the payload's shape is to decide.
        service_labels: labels (or details) that name the service; the first that an alert has counts.
        environment_labels: labels (or details) that name the environment; the first that an alert has counts.
        services: service as told, or a pattern of alert names (`checkout-*`), -> name of the service.
        environments: environment as told, AWS account id, or a pattern of names (`*-prod`; of alerts, with PagerDuty of services),
            -> environment.
        incident_window_s: alerts of one group that began in the same window of this length, counted from 1970, are one incident.
        group_incidents: whether alerts of systems without incidents are grouped into incidents; turn it off where all of them are also
            sent to PagerDuty or Opsgenie, whose incidents then count.
    """

    path: str = ""
    name: str = "alerts"
    provider: str = ""
    service_labels: tuple[str, ...] = ("service", "service_name", "app", "application", "component", "job")
    environment_labels: tuple[str, ...] = ("environment", "env", "stage")
    services: Mapping[str, str] = field(default_factory=dict[str, str])
    environments: Mapping[str, str] = field(default_factory=dict[str, str])
    incident_window_s: int = 3600
    group_incidents: bool = True

    def service(self, told: str, alert_name: str) -> str:
        """The service that is meant by what was told, or by the alert's name; empty when neither says."""
        return _meant(self.services, told, alert_name)

    def environment(self, told: str, alert_name: str, account_id: str = "") -> str:
        """The environment that is meant by what was told, by the alert's name or by its cloud account; empty when nothing says."""
        return _meant(self.environments, told, alert_name) or self.environments.get(account_id, "")


def _meant(mapping: Mapping[str, str], told: str, alert_name: str) -> str:
    if told:
        return mapping.get(told, told)
    if alert_name in mapping:
        return mapping[alert_name]
    matching = [p for p in mapping if "*" in p and fnmatchcase(alert_name, p)]
    return mapping[max(matching, key=lambda p: (len(p), p))] if matching else ""
