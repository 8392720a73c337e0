"""CloudWatch alarms: as SNS notifications, as SNS delivers them raw, and as EventBridge events.

Formats: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html

The notification that an alarm is over does not tell when it began, so that it names no firing. It says instead that the alarm is quiet: a
complete snapshot of the alarm's own sub-scope, which ends the state `firing` there. EventBridge tells the beginning, and with it the
firing is `resolved`.
"""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from graph.clock import Instant
from ingest.sources.alerts.dimensions import resources_of
from ingest.sources.alerts.reports import AlarmState, Firing, PayloadInvalid, Phase, Reports
from ingest.sources.alerts.settings import AlertsSettings
from ingest.sources.alerts.words import environment_of, maybe_time, service_of, text_of, time_of

SYSTEM = "cloudwatch"
_ALARM = "ALARM"
_SILENT = ("SubscriptionConfirmation", "UnsubscribeConfirmation")


class _Envelope(msgspec.Struct):
    Type: str = ""
    Message: str = ""


class _Dimension(msgspec.Struct):
    name: str = ""
    value: str = ""


class _Trigger(msgspec.Struct):
    MetricName: str = ""
    Namespace: str = ""
    Dimensions: list[_Dimension] = msgspec.field(default_factory=list[_Dimension])
    Metrics: list[_MetricOfTrigger] = msgspec.field(default_factory=list["_MetricOfTrigger"])


class _MetricStat(msgspec.Struct):
    Metric: _Trigger = msgspec.field(default_factory=_Trigger)


class _MetricOfTrigger(msgspec.Struct):
    MetricStat: _MetricStat | None = None


class _Notification(msgspec.Struct):
    AlarmName: str
    NewStateValue: str
    StateChangeTime: str
    AlarmArn: str = ""
    AlarmDescription: str | None = ""
    AWSAccountId: str = ""
    NewStateReason: str | None = ""
    Trigger: _Trigger | None = None


class _State(msgspec.Struct):
    value: str = ""
    timestamp: str = ""
    reason: str | None = ""


class _Metric(msgspec.Struct):
    namespace: str = ""
    name: str = ""
    dimensions: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class _Stat(msgspec.Struct):
    metric: _Metric = msgspec.field(default_factory=_Metric)


class _MetricEntry(msgspec.Struct):
    metricStat: _Stat | None = None


class _Configuration(msgspec.Struct):
    description: str | None = ""
    metrics: list[_MetricEntry] = msgspec.field(default_factory=list[_MetricEntry])


class _Detail(msgspec.Struct):
    alarmName: str
    state: _State
    previousState: _State | None = None
    configuration: _Configuration = msgspec.field(default_factory=_Configuration)


class _Event(msgspec.Struct):
    detail: _Detail
    resources: list[str] = msgspec.field(default_factory=list[str])
    account: str = ""
    region: str = ""


class _Alarm(msgspec.Struct, frozen=True):
    """What both forms tell. `began_at` is when it began to fire, None where an end does not tell."""

    arn: str
    name: str
    description: str
    state: str
    reason: str
    at: Instant
    began_at: Instant | None
    account_id: str
    metrics: tuple[tuple[str, str, dict[str, str]], ...]


def read(body: bytes, settings: AlertsSettings) -> Reports:
    """The state of an alarm, and its firing; nothing for the confirmation of a subscription.

    Raises:
        PayloadInvalid: it is none of the three forms.
    """
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
    except msgspec.DecodeError:
        raise PayloadInvalid("it is no notification of SNS") from None
    if envelope.Type in _SILENT:
        return Reports()
    alarm = _alarm(envelope.Message.encode() if envelope.Type == "Notification" else body)
    return _reports(alarm, settings)


def _alarm(body: bytes) -> _Alarm:
    try:
        told = msgspec.json.decode(body, type=_Notification)
    except msgspec.DecodeError:
        return _alarm_of_event(body)
    at = time_of(told.StateChangeTime, "StateChangeTime")
    trigger = told.Trigger or _Trigger()
    stats = [m.MetricStat.Metric for m in trigger.Metrics if m.MetricStat is not None]
    metrics = tuple((t.Namespace, t.MetricName, {d.name: d.value for d in t.Dimensions}) for t in (trigger, *stats))
    return _Alarm(
        arn=told.AlarmArn or told.AlarmName,
        name=told.AlarmName,
        description=told.AlarmDescription or "",
        state=told.NewStateValue,
        reason=told.NewStateReason or "",
        at=at,
        began_at=at if told.NewStateValue == _ALARM else None,
        account_id=told.AWSAccountId,
        metrics=metrics,
    )


def _alarm_of_event(body: bytes) -> _Alarm:
    try:
        event = msgspec.json.decode(body, type=_Event)
    except msgspec.DecodeError:
        raise PayloadInvalid("it is no state change of a CloudWatch alarm") from None
    detail = event.detail
    at = time_of(detail.state.timestamp, "the state's timestamp")
    before = detail.previousState
    began_at = at if detail.state.value == _ALARM else None
    if began_at is None and before is not None and before.value == _ALARM:
        began_at = maybe_time(before.timestamp)
    stats = [m.metricStat.metric for m in detail.configuration.metrics if m.metricStat is not None]
    return _Alarm(
        arn=event.resources[0] if event.resources else detail.alarmName,
        name=detail.alarmName,
        description=detail.configuration.description or "",
        state=detail.state.value,
        reason=detail.state.reason or "",
        at=at,
        began_at=began_at,
        account_id=event.account,
        metrics=tuple((m.namespace, m.name, m.dimensions) for m in stats),
    )


def _reports(alarm: _Alarm, settings: AlertsSettings) -> Reports:
    parts = alarm.arn.split(":")
    partition, region, account_id = (parts[1], parts[3], parts[4]) if len(parts) > 5 else ("", "", alarm.account_id)
    scope = f"{settings.name}#cloudwatch/{alarm.arn}"
    quiet = alarm.state != _ALARM
    states: tuple[AlarmState, ...] = ()
    if alarm.arn.startswith("arn:"):
        states = (AlarmState(alarm.arn, alarm.name, alarm.state, alarm.at, account_id, region, scope, quiet),)
    if alarm.began_at is None:
        return Reports(alarms=states)
    phases = [Phase("firing", alarm.began_at, deduced=quiet, scope=scope)]
    if quiet:
        phases.append(Phase("resolved", alarm.at, scope=f"{settings.name}#cloudwatch"))
    labels = {k: v for _, _, dimensions in alarm.metrics for k, v in sorted(dimensions.items())}
    namespaces = [namespace for namespace, _, _ in alarm.metrics if namespace]
    told = labels.get("ServiceName", "") if any("ECS" in n or "Signals" in n for n in namespaces) else ""
    service = service_of(settings, labels, alarm.name, told)
    environment = environment_of(settings, labels, alarm.name, account_id=account_id)
    metric = " ".join(dict.fromkeys(f"{namespace}/{name}" for namespace, name, _ in alarm.metrics if name))
    summary = text_of(alarm.description) or alarm.name
    firing = Firing(
        system=SYSTEM,
        alert_id=alarm.arn,
        name=alarm.name,
        started_at=alarm.began_at,
        phases=tuple(phases),
        service=service.name,
        service_rule=service.rule,
        environment=environment.name,
        environment_rule=environment.rule,
        labels=labels | ({"metric": metric} if metric else {}),
        # The reason of an end tells of the end.
        texts={"summary": summary} | ({} if quiet or not alarm.reason else {"description": text_of(alarm.reason)}),
        annotations={"summary": summary},
        resources=(
            *((s.arn, "alarm") for s in states),
            *resources_of(alarm.metrics, account_id, region, partition),
        ),
        url=_console(region, alarm.name) if region else "",
    )
    return Reports(firings=(firing,), alarms=states)


def _console(region: str, name: str) -> str:
    return f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#alarmsV2:alarm/{quote(name)}"
