"""What a payload says, in the same words for every provider: firings, incidents, groups and the states of alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graph.clock import Instant
from graph.model import Quarantined


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody on the provider's system. `login` is the id or login there."""

    login: str
    name: str = ""
    email: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Phase:
    """From `at` on the alert or incident is in this state.

    `deduced`: the payload was sent later, and tells of this phase in passing; what was sent in the phase itself counts more.
    `scope`: set where not every payload tells all of the thing, or an end without its beginning: the state is then stated in this
    sub-scope, apart from the rest, and reads merge the two.
    """

    state: str
    at: Instant
    deduced: bool = False
    by: Actor | None = None
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A comment on an incident."""

    id: str
    text: str
    at: Instant
    by: Actor | None = None


@dataclass(frozen=True, slots=True)
class Firing:
    """One firing of an alert, as far as one payload tells.

    Attributes:
        alert_id: fingerprint or id, the same for each firing of one alert.
        started_at: when it began; with `alert_id` it names the firing.
        phases: firing, acknowledged, resolved, in order; the first is at `started_at`.
        texts: slot -> text: summary, description.
        annotations: other texts, searched for what they mention.
        resources: (strong name in its cloud, what said so).
        incident_id: set where the system itself calls it an incident.
    """

    system: str
    alert_id: str
    name: str
    started_at: Instant
    phases: tuple[Phase, ...]
    severity: str = ""
    service: str = ""
    service_rule: str = ""
    environment: str = ""
    environment_rule: str = ""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    texts: Mapping[str, str] = field(default_factory=dict[str, str])
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    resources: Sequence[tuple[str, str]] = ()
    url: str = ""
    incident_id: str = ""


@dataclass(frozen=True, slots=True)
class IncidentReport:
    """An incident of a system that has them, as far as one payload tells."""

    system: str
    incident_id: str
    title: str = ""
    severity: str = ""
    service: str = ""
    service_id: str = ""
    service_rule: str = ""
    environment: str = ""
    environment_rule: str = ""
    started_at: Instant | None = None
    number: str = ""
    url: str = ""
    phases: tuple[Phase, ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Firings that a provider without incidents sent as one notification.

    Attributes:
        key: the provider's name of the group, the same in each of its notifications.
        title: what its alerts have in common.
        complete: whether all that fires in the group is listed, so that what is not listed does not.
    """

    system: str
    key: str
    title: str
    rule: str
    firings: tuple[Firing, ...]
    complete: bool
    url: str = ""


@dataclass(frozen=True, slots=True)
class AlarmState:
    """A standing alarm (a CloudWatch alarm has an ARN) is in this state from `at` on.

    `quiet`: it does not fire, and whatever is stated in `state_scope` holds no more.
    """

    arn: str
    name: str
    state: str
    at: Instant
    account_id: str
    region: str
    state_scope: str
    quiet: bool


@dataclass(frozen=True, slots=True)
class OnCall:
    """A shift. Times are open where the provider tells none."""

    actor: Actor
    policy: str
    service_names: tuple[str, ...]
    schedule: str
    level: int
    start: Instant | None
    end: Instant | None


@dataclass(frozen=True, slots=True)
class Reports:
    """All that one payload says."""

    firings: tuple[Firing, ...] = ()
    incidents: tuple[IncidentReport, ...] = ()
    groups: tuple[Group, ...] = ()
    alarms: tuple[AlarmState, ...] = ()
    on_calls: tuple[OnCall, ...] = ()
    people: tuple[Actor, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()


class PayloadInvalid(Exception):
    """The payload is not what this provider sends; the message is one sentence without content."""
