"""Alerts and incidents: Alertmanager, Grafana, PagerDuty, Opsgenie, CloudWatch alarms and a plain JSON of our own."""
