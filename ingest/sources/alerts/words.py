"""How labels, times and texts of all providers are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast

from graph.clock import SECOND, Instant, instant
from ingest.sources.alerts.reports import PayloadInvalid
from ingest.sources.alerts.settings import AlertsSettings

MAX_CHARS = 8_000
"""Texts of alerts are cut here: some carry whole log files."""
_MAX_LABEL_CHARS = 1_000
_NOT_YET = instant("0002-01-01T00:00:00Z")


class Place(NamedTuple):
    """A service or environment, and the label or field that named it."""

    name: str
    rule: str


NOWHERE = Place("", "")


def time_of(told: object, what: str) -> Instant:
    """A time as providers write them: RFC 3339, or a number of seconds, milli-, micro- or nanoseconds since 1970.

    Raises:
        PayloadInvalid: it is none; the message names `what`.
    """
    found = maybe_time(told)
    if found is None:
        raise PayloadInvalid(f"{what} is no time")
    return found


def maybe_time(told: object) -> Instant | None:
    """Like `time_of`; None for what is no time and for the year 1, which Go programs send for "not yet"."""
    if isinstance(told, bool) or not told:
        return None
    if isinstance(told, (int, float)):
        number = int(told)
        if abs(number) >= 10**17:
            return number // 1_000
        if abs(number) >= 10**14:
            return number
        return number * 1_000 if abs(number) >= 10**11 else int(told * SECOND)
    try:
        found = instant(str(told))
    except ValueError:
        return None
    return found if found > _NOT_YET else None


def labels_of(told: object) -> dict[str, str]:
    """Labels as text -> text, sorted; nested values are left out."""
    if not isinstance(told, Mapping):
        return {}
    items = cast("Mapping[object, object]", told).items()
    return {str(k): text_of(v)[:_MAX_LABEL_CHARS] for k, v in sorted(items, key=lambda i: str(i[0])) if _plain(v)}


def text_of(told: object, limit: int = MAX_CHARS) -> str:
    """A text, cut; empty for what is none."""
    if isinstance(told, bool):
        return str(told).lower()
    return str(told).strip()[:limit] if isinstance(told, (str, int, float)) else ""


def service_of(settings: AlertsSettings, labels: Mapping[str, str], alert_name: str, told: str = "") -> Place:
    """The service an alert names, in a field of its own (`told`), in a label, or by a setting for alerts of its name."""
    if told:
        return Place(settings.service(told, alert_name), "service")
    label = next((name for name in settings.service_labels if labels.get(name)), "")
    found = settings.service(labels.get(label, ""), alert_name)
    return Place(found, f"label {label}" if label else "settings") if found else NOWHERE


def environment_of(
    settings: AlertsSettings, labels: Mapping[str, str], alert_name: str, told: str = "", account_id: str = ""
) -> Place:
    """The environment an alert names, like `service_of`; a setting may also know it by the cloud account."""
    if told:
        return Place(settings.environment(told, alert_name), "environment")
    label = next((name for name in settings.environment_labels if labels.get(name)), "")
    found = settings.environment(labels.get(label, ""), alert_name, account_id)
    return Place(found, f"label {label}" if label else "settings") if found else NOWHERE


def resources_in(labels: Mapping[str, str], word: str = "label") -> Iterable[tuple[str, str]]:
    """Labels whose whole value is the strong name of a cloud resource: an ARN, a GCP full resource name, an Azure resource id."""
    for name, value in labels.items():
        if is_cloud_id(value):
            yield value, f"{word} {name}"


def is_cloud_id(value: str) -> bool:
    """Whether this is a name that `ingest.names.cloud_resource` takes."""
    if any(c.isspace() for c in value):
        return False
    if value.startswith("arn:"):
        return value.count(":") >= 5
    gcp = value.startswith("//") and ".googleapis.com/" in value
    return gcp or (value.lower().startswith("/subscriptions/") and value.count("/") >= 4)


def _plain(value: object) -> bool:
    return isinstance(value, (str, int, float)) and value != ""
