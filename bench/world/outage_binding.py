"""Which cause strikes where: the thing or service that breaks, who uses it, and who shows it up to three steps away."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from bench.world.outage_causes import (
    EXPIRY,
    FURTHER_UP,
    INFRA,
    QUOTA,
    SERVICE,
    ExpiryCause,
    InfraCause,
    QuotaCause,
    ServiceCause,
)
from bench.world.outage_model import Thing, Topology, Value
from bench.world.outage_tale import Tale
from bench.world.outage_words import (
    EXTERNAL,
)


@dataclass(frozen=True, slots=True)
class Bound:
    """A cause bound to its place: what breaks, which service uses it directly and who shows it."""

    kind: str
    cause: InfraCause | ServiceCause | ExpiryCause | QuotaCause | None
    thing: Thing | None
    user: str
    symptom_service: str
    up: tuple[str, ...]
    """Services from the symptom to the user, both included."""
    seen: str
    hops: int
    after: Value = ""


def bind_again(tale: Tale, first: Bound, how: str) -> Bound | None:
    if how == "repeat":
        return first
    if tale.random.random() < 0.3 and first.seen in EXTERNAL:
        vendors = tale.topology.vendors
        if first.symptom_service in vendors:
            return Bound("external", None, None, first.symptom_service, first.symptom_service, (first.symptom_service,), first.seen, 0)  # fmt: skip
    for _ in range(250):
        found = bind(tale, tale.random.choice(("config", "deploy", "manual", "quota")))
        if (found.symptom_service, found.seen) == (first.symptom_service, first.seen) and found.cause is not first.cause:  # fmt: skip
            return found
    return None


def bind(tale: Tale, kind: str) -> Bound:
    random, topology = tale.random, tale.topology
    if kind == "external":
        service = random.choice(sorted(topology.vendors))
        return Bound(kind, None, None, service, service, (service,), random.choice(sorted(EXTERNAL)), 0)
    names = [s.name for s in topology.organisation.services]
    for _ in range(400):
        thing: Thing | None = None
        cause: InfraCause | ServiceCause | ExpiryCause | QuotaCause
        if kind == "expiry":
            cause, user = random.choice(EXPIRY), random.choice(names)
            if cause.key == "client_certificate" and not topology.of_role("database", user):
                continue
            if f"{cause.key}:{user}" in tale.used:
                continue
        elif kind == "quota":
            cause = random.choice(QUOTA)
            things = topology.of_role(cause.role) if cause.role else []
            if cause.role and not things:
                continue
            thing = random.choice(things) if things else None
            user = random.choice(thing.users if thing else names)
        elif kind == "manual" or (kind == "config" and random.random() < 0.6):
            cause = random.choice([c for c in INFRA if (c.hand if kind == "manual" else c.code)])
            things = topology.of_role(cause.role)
            if not things:
                continue
            thing = random.choice(things)
            user = random.choice(thing.users or tuple(names))
        else:
            cause = random.choice([c for c in SERVICE if c.kind == kind])
            user = random.choice(names)
            if not fits(topology, cause, user):
                continue
        callers_only = isinstance(cause, InfraCause | ServiceCause | ExpiryCause) and cause.callers
        edge = thing is not None and thing.role in ("lb", "listener", "waf", "rule", "target_group")
        edge = edge or (
            isinstance(cause, ExpiryCause) and cause.form == "pem"
        )  # only who comes from outside goes through it
        found = _place(
            tale, user, callers_only, thing is not None and thing.role not in ("role", "target_group", "rule"), edge
        )
        if found is None:
            continue
        up, hops = found
        steps = len(up) - 1 - callers_only
        seen = random.choice(cause.seen)
        for _ in range(min(steps, 1)):
            seen = random.choice(FURTHER_UP[seen])
        if steps > 1:
            seen = random.choice(("5xx", "latency", "timeouts"))
        after: Value = ""
        if isinstance(cause, InfraCause):
            after = filled(random.choice(cause.after), user)
        return Bound(kind, cause, thing, user, up[0], up, seen, hops, after)
    return bind(tale, "deploy")


def fits(topology: Topology, cause: ServiceCause, user: str) -> bool:
    """Whether the service has what the cause is about."""
    needs = {"pool_max": "database", "conn_leak": "database", "n_plus_one": "database", "prefetch": "queue", "retry_storm": "queue", "ack_late": "queue", "bucket_prefix": "bucket"}  # fmt: skip
    if cause.key in needs and not topology.of_role(needs[cause.key], user):
        return False
    return not (cause.key in ("deadline", "discovery", "search_domain", "ca_bundle") and not topology.calls[user])


def filled(value: Value, service: str) -> Value:
    return [v.replace("{s}", service) for v in value] if isinstance(value, list) else value


def _place(tale: Tale, user: str, callers_only: bool, infra: bool, edge: bool) -> tuple[tuple[str, ...], int] | None:
    """Services from the one that shows it down to the user, and the hops to the cause; at most three."""
    topology, random = tale.topology, tale.random
    callers: dict[str, list[str]] = {n: [] for n in topology.calls}
    for caller, called in topology.calls.items():
        for one in called:
            callers[one].append(caller)
    chains: dict[int, list[tuple[str, ...]]] = {0: [(user,)]}
    queue: deque[tuple[str, ...]] = deque()
    queue.append((user,))
    while queue:
        chain = queue.popleft()
        steps = len(chain)
        for caller in callers[chain[0]] if steps <= 3 else ():
            if caller not in chain:
                longer = (caller, *chain)
                chains.setdefault(steps, []).append(longer)
                queue.append(longer)
    extra = 1 if infra else 0
    lengths = [n for n in chains if n + extra <= 3 and not (callers_only and n == 0) and not (edge and n > 0)]
    if not lengths:
        return None
    weights = {0: 38, 1: 36, 2: 22, 3: 14}
    length = random.choices(lengths, [weights[n] for n in lengths])[0]
    return random.choice(chains[length]), length + extra
