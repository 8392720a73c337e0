"""What an investigation could not see: sources that are stale or missing, and causes that nothing here would show."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from agent.evidence import inline
from agent.incident import SymptomClass
from agent.investigation import Coverage
from agent.scene import Scene
from agent.signals import signals
from graph.clock import DAY
from graph.store import ChangeQuery, Limits

MOST = 10
_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class _Blind:
    """A sort of cause that stays unseen without a sort of source; `classes` empty means with any symptom.

    `sources`: names of sources that would show it, when one of them is read up to the symptom nothing is said.
    """

    kind: str
    text: str
    sources: tuple[str, ...] = ()
    classes: tuple[SymptomClass, ...] = ()


_WHEN_ABSENT: Final = (
    _Blind(
        "AuditEvent",
        "No audit log has anything of this time: what was done by hand, in a console or with a command line, would not show.",
        ("cloudtrail", "gcp", "azure", "kubernetes"),
    ),
    _Blind(
        "Deployment",
        "No deployments are known: when a merged change reached an environment is a guess.",
        ("github", "gitlab", "deployments", "kubernetes", "terraform_state"),
    ),
    _Blind("Alert", "No alerts are known: whether the parts in between were failing cannot be told.", ("alerts",)),
    _Blind("Channel", "No conversations are known: what people said about it is not in here.", ("slack",)),
    _Blind(
        "Credential",
        "No certificates or keys are known: one that expired would not show.",
        ("aws", "secrets", "kubernetes"),
        ("tls", "authentication", "access_denied", "refused", "errors", "unavailable"),
    ),
    _Blind(
        "Quota",
        "No quotas are known: a limit of the cloud that is used up would not show.",
        ("aws",),
        ("throttled", "unscheduled", "connections", "queue_lag", "errors", "build"),
    ),
)

_NEVER_SHOWN: Final[tuple[tuple[tuple[SymptomClass, ...], str], ...]] = (
    (
        ("errors", "timeouts", "latency", "unavailable", "refused"),
        "An outage of a provider, or of a service that belongs to somebody else, shows only in what it breaks here.",
    ),
    (
        ("latency", "timeouts", "cpu", "queue_lag", "connections", "throttled", "cost", "oom"),
        "More or other traffic than usual is no change: without metrics of it nothing here would show it.",
    ),
    (("data",), "What applications or people wrote into a database, and what they ran on it, is in no source here."),
    (("dns",), "Changes at a registrar, or at name servers that belong to somebody else, are in no source here."),
    (("tls",), "Certificates that others serve, and changes of what clients trust, are in no source here."),
    (
        ("disk", "oom", "crash_loop", "cpu"),
        "What grows slowly inside a process or on a disk changes nothing that is recorded.",
    ),
    (
        ("access_denied", "authentication"),
        "Accounts and permissions at an identity provider are read by no source here.",
    ),
    (("build",), "Changes of base images, packages and runners that others publish are in no source here."),
)


def not_seen(scene: Scene, coverage: Sequence[Coverage], seen: Collection[str] = ()) -> tuple[str, ...]:
    """Sentences, sources first; at most `MOST`. `seen`: kinds of entities that the suspects are made of."""
    fresh = {c.source.partition(":")[0] for c in coverage if c.status == "ok"}
    said = _stale([c for c in coverage if c.status != "ok"])
    classes = set(scene.symptom.class_names)
    absent = [
        blind
        for blind in _WHEN_ABSENT
        if (not blind.classes or not classes.isdisjoint(blind.classes))
        and fresh.isdisjoint(blind.sources)
        and blind.kind not in seen
        and not _any(scene, blind.kind)
    ]
    # What hides causes of any sort comes before what hides one sort.
    said += [blind.text for blind in absent if not blind.classes]
    if scene.observations is None:
        said.append("No metrics or logs are connected: nothing was measured, only what changed was compared.")
    said += [
        f"{what[:1].upper()}{what[1:]} could not be read: {inline(why, 200).rstrip('.')}."
        for what, why in sorted(scene.unseen.items())
    ]
    said += [blind.text for blind in absent if blind.classes]
    if scene.surroundings.cut:
        said.append("More depends on what failed than was looked at; something farther away may be left out.")
    if not scene.symptom.anchors:
        said.append("Nothing of the symptom was recognised, so that nothing tells what lies near it.")
    said += [text for sorts, text in _NEVER_SHOWN if not classes.isdisjoint(sorts)]
    return tuple(dict.fromkeys(said))[:MOST]


def _stale(stale: Sequence[Coverage]) -> list[str]:
    """A sentence for each source; its parts (`aws:1111#eu-west-1/ec2`) together, by the one that is farthest behind."""
    whole: dict[str, list[Coverage]] = {}
    for one in stale:
        whole.setdefault(one.source.partition("#")[0], []).append(one)
    said: list[str] = []
    for source, parts in sorted(whole.items()):
        name = inline(source, 100) + (f" ({len(parts)} parts)" if len(parts) > 1 else "")
        known = [p.fresh_until for p in parts if p.fresh_until is not None]
        if any(p.status == "unavailable" for p in parts):
            said.append(f"{name} could not be read.")
        elif len(known) < len(parts):
            said.append(f"How far {name} was read is not known.")
        else:
            said.append(f"{name} was read up to {min(known)}; what came later is not in here.")
    return said


def _any(scene: Scene, kind: str) -> bool:
    """Whether anything of a kind is known, in ways that cost little in a large graph."""
    match kind:
        case "AuditEvent":
            symptom = scene.symptom
            query = ChangeQuery(since=min(symptom.since, symptom.at - 7 * DAY), until=symptom.at + 1)
            page = scene.store.changes(query, scene.view, Limits(rows=_ROWS))
            return any(c.change.kind == "AuditEvent" for c in page.items)
        case "Deployment":
            return bool(scene.reach.shipments.all)
        case "Alert":
            return bool(signals(scene.store, scene.view).all)
        case _:
            return bool(scene.store.select(kind, {}, scene.view, Limits(rows=1)).items)
