"""Changes that are not it: what went on before, and what is newer than the cause on the same path."""

from __future__ import annotations

import re
from datetime import datetime

from bench.world.outage_binding import Bound, filled, fits
from bench.world.outage_causes import (
    INFRA,
    SERVICE,
    InfraCause,
    ServiceCause,
)
from bench.world.outage_infra import file_of
from bench.world.outage_model import Change, Hand, Outage, Thing, Turn, Write
from bench.world.outage_tale import MINUTE, Tale, add_pull
from bench.world.outage_words import (
    LURES,
    QUOTES,
    UNRELATED,
)
from examples.formats.output import hex_id

_SINCE = re.compile(r"(?: since|, started around) \d.*| in prod$")
_WORD = re.compile(r"[a-z0-9]+")


def _nearer(symptom: str, one: Change, other: Change | None) -> bool:
    """Whether `one` shares more words with the symptom than `other` does."""

    def shared(change: Change) -> int:
        texts = [change.title, change.body]
        for edit in change.edits:
            texts += [edit.path, edit.new] if isinstance(edit, Write) else [edit.address, edit.attribute]
        return len(set(_WORD.findall(" ".join(texts).lower())) & set(_WORD.findall(symptom.lower())))

    return other is None or shared(one) > shared(other) + 1


def add_background(tale: Tale, begin: datetime, end: datetime, bound: Bound) -> None:
    """What goes on before: all of it is in prod long before the cause."""
    random = tale.random
    names = [s.name for s in tale.topology.organisation.services]
    for _ in range(random.randint(4, 8)):
        merged = tale.between(begin, end, 0.0, 0.7)
        reached = tale.between(merged, end, 0.05, 0.55)
        service = random.choice([*names, *bound.up])
        makers = (_unrelated, _unrelated, _tag_change, _other_service, _scale_up, _comment, _mild)
        random.choice(makers)(tale, service, bound, merged, reached, "background")
    for _ in range(random.randint(0, 2)):
        _harmless_hand(tale, random.choice(names), tale.between(begin, end, 0.0, 0.8), "background")


def add_distractors(tale: Tale, outage: Outage, bound: Bound, merged_at: datetime, effect_at: datetime, detected_at: datetime) -> list[str]:  # fmt: skip
    """At least three changes on the path that are newer than the cause. Returns the harmful ones that prod has not seen yet."""
    random = tale.random
    services = list(bound.up)
    hold_at = tale.between(effect_at, detected_at, 0.55, 0.9)  # what is merged from here on stays out of prod
    found: list[Change | Hand | None] = []

    def times() -> tuple[datetime, datetime]:
        reached = tale.between(effect_at, detected_at, 0.02, 0.95)
        return tale.between(merged_at, min(reached, hold_at), 0.1, 0.9), reached

    lure = _lure(tale, outage, *times())
    said = _SINCE.sub("", outage.symptom)
    other = random.choice(LURES[outage.symptom_class]).format(s=outage.service)
    lure.body = random.choice(QUOTES).format(q=said if random.random() < 0.5 else other)
    if outage.hand or not _nearer(outage.symptom, lure, tale.changes.get(outage.change)):
        lure.body = random.choice(QUOTES).format(q=said)
    found.append(lure)
    pending: list[str] = []
    for maker in random.sample((_not_deployed, _staging_only), random.choice((1, 1, 2))):
        one = maker(tale, bound, outage, hold_at, detected_at)
        found.append(one)
        if one is not None:
            pending.append(one.key)
    applies = bound.kind != "manual"  # an apply would have undone what was done by hand
    menu = [
        _unrelated,
        _unrelated,
        *([_tag_change, _other_service, _scale_up, _comment, _mild, _mild] if applies else []),
    ]
    wanted = random.randint(3, 6)
    while sum(one is not None for one in found) < wanted:
        if random.random() < 0.18:
            found.append(_harmless_hand(tale, random.choice(services), times()[1], "by_hand"))
        else:
            found.append(random.choice(menu)(tale, random.choice(services), bound, *times(), ""))
    outage.distractors = [one.key for one in found if one is not None]
    return pending


def _lure(tale: Tale, outage: Outage, merged: datetime, reached: datetime) -> Change:
    random, s = tale.random, outage.service
    title = random.choice(LURES[outage.symptom_class]).format(s=s)
    mark = hex_id(title, merged, digits=5)
    words = title.lower()
    if words.startswith(("runbook", "docs")) or "document" in words:
        path, text = f"services/{s}/docs/{mark}.md", f"# {title}\n\nWhat you see: {outage.symptom_class}. Look at the dashboard first, then ask in the channel.\n"  # fmt: skip
    elif words.startswith("dashboard"):
        path, text = f"services/{s}/dashboards/{mark}.json", '{"title": "' + title + '", "panels": []}\n'
    elif "test" in words:
        path, text = f"services/{s}/tests/test_{mark}.py", f'"""{title}."""\n\n\ndef test_{mark}():\n    assert True\n'
    else:
        path, text = f"services/{s}/src/messages.py", f'MESSAGE_{mark.upper()} = "{title}"\n'
    change = add_pull(tale, "services", title, (Write(path, "", text),), merged, service=s, role="lure")
    change.reach = {"prod": reached, "staging": merged + 4 * MINUTE}
    return change


def _not_deployed(tale: Tale, bound: Bound, outage: Outage, hold_at: datetime, until: datetime) -> Change | None:
    """A change that would break the service, merged and tried in staging, but not in prod."""
    random = tale.random
    service = random.choice(bound.up)
    if (
        "services" in tale.blind
    ):  # nobody could tell that it is not in prod, so it is one that does no harm there either
        one = _unrelated(tale, service, bound, tale.between(hold_at, until, 0.1, 0.9), until, "not_deployed")
        if one is not None:
            one.reach = {"staging": one.merged_at + 4 * MINUTE}
        return one
    same = [
        c
        for c in SERVICE
        if c is not bound.cause and outage.symptom_class in c.seen and fits(tale.topology, c, service)
    ]
    other = [c for c in SERVICE if c is not bound.cause and fits(tale.topology, c, service)]
    taken = bound.cause.path if isinstance(bound.cause, ServiceCause) else ""
    pool = [c for c in (same if same and random.random() < 0.7 else other) if c.path != taken or c.kind == "config"]
    if not pool:
        return None
    cause = random.choice(pool)
    write = Write(f"services/{service}/{cause.path}", cause.old, cause.new)
    merged = tale.between(hold_at, until, 0.1, 0.9)
    change = add_pull(tale, "services", random.choice(cause.titles).format(s=service, l=service), (write,), merged, service=service, role="not_deployed")  # fmt: skip
    if random.random() < 0.7:
        change.reach = {"staging": merged + 4 * MINUTE}
    return change


def _staging_only(tale: Tale, bound: Bound, outage: Outage, hold_at: datetime, until: datetime) -> Change | None:
    """A change of infrastructure on the path that would break it, applied in staging only."""
    random, topology = tale.random, tale.topology
    service = random.choice(bound.up)
    taken = (bound.thing.address, bound.cause.attribute) if bound.thing and isinstance(bound.cause, InfraCause) else ("", "")  # fmt: skip
    blind = "infra" in tale.blind  # then only what names staging alone can be told apart
    pool = [(c, t) for c in INFRA if c.code for t in topology.of_role(c.role) if (service in t.users or not t.users) and (t.address, c.attribute) != taken and bound.thing is not t and (not blind or c.attribute in t.per_environment)]  # fmt: skip
    fitting = [p for p in pool if outage.symptom_class in p[0].seen]
    if not pool:
        return None
    cause, thing = random.choice(fitting if fitting and random.random() < 0.7 else pool)
    merged = tale.between(hold_at, until, 0.1, 0.9)
    label = thing.label.removesuffix("-ingress").removesuffix("-params")
    forever = cause.attribute in thing.per_environment
    title = random.choice(cause.titles).format(s=service, l=label) + (" in staging" if forever else "")
    turn = Turn(thing.address, cause.attribute, filled(random.choice(cause.after), service), ("staging",) if forever else ("staging", "prod"))  # fmt: skip
    change = add_pull(tale, "infra", title, (turn,), merged, role="staging_only")
    change.reach = {"staging": tale.between(merged, max(until, merged + 3 * MINUTE), 0.1, 0.9)}
    return change


def _unrelated(tale: Tale, service: str, bound: Bound, merged: datetime, reached: datetime, role: str) -> Change | None:
    del bound
    random = tale.random
    left = [u for u in UNRELATED if f"{service}/{u[1]}" not in tale.used]
    if not left:
        return None
    title, file, old, new = random.choice(left)
    tale.used.add(f"{service}/{file}")
    change = add_pull(tale, "services", title.format(s=service), (Write(f"services/{service}/src/{file}", old + "\n", new + "\n"),), merged, service=service, role=role or "unrelated")  # fmt: skip
    change.reach = {"prod": reached, "staging": merged + 5 * MINUTE}
    return change


def _things_near(tale: Tale, service: str) -> list[Thing]:
    return [t for t in tale.topology.things if service in t.users and len(t.users) < 12]


def _tag_change(
    tale: Tale, service: str, bound: Bound, merged: datetime, reached: datetime, role: str
) -> Change | None:
    random = tale.random
    near = [t for t in _things_near(tale, service) if "tags" in t.attributes]
    if bound.thing is not None and "tags" in bound.thing.attributes:
        near.append(bound.thing)
    thing = random.choice(near)
    code = f"cc-{random.randint(101, 999)}"
    title = random.choice(
        (
            f"Cost centre of {thing.label}",
            f"Tag {thing.label} for the cost report",
            f"{thing.label}: new cost_center tag",
        )
    )
    owner = str(thing.attributes["tags"][0] if isinstance(thing.attributes["tags"], list) else "owner=platform")
    change = add_pull(tale, "infra", title, (Turn(thing.address, "tags", [owner, f"cost_center={code}"]),), merged, role=role or "tags")  # fmt: skip
    change.reach = {"staging": merged + 5 * MINUTE, "prod": reached}
    return change


def _other_service(
    tale: Tale, service: str, bound: Bound, merged: datetime, reached: datetime, role: str
) -> Change | None:
    """Another service's part of the same module."""
    del service
    random, topology = tale.random, tale.topology
    others = [s.name for s in topology.organisation.services if s.name not in bound.up]
    callers = {c for c, called in topology.calls.items() if c in bound.up for c in called} | set(bound.up)
    others = [o for o in others if o not in callers] or others
    if not others:
        return None
    other = random.choice(others)
    kind, attribute, value, words = random.choice((
        ("target_group", "deregistration_delay", random.randint(10, 280), "Drain targets of {o} at another pace"),
        ("target_group", "health_check.interval", random.randint(5, 60), "Check the health of {o} at another interval"),
        ("rule", "priority", random.randint(900, 4900), "Another priority for the listener rule of {o}"),
        ("log_group", "retention_in_days", random.choice((7, 14, 60, 90)), "Keep logs of {o} for another time"),
        ("role", "max_session_duration", random.choice((7200, 10800, 14400)), "Longer sessions for the role of {o}"),
    ))  # fmt: skip
    thing = topology.of_role(kind, other)[0]
    if _done_before(tale, Turn(thing.address, attribute, value)):
        return None
    change = add_pull(tale, "infra", words.format(o=other), (Turn(thing.address, attribute, value),), merged, role=role or "other_service")  # fmt: skip
    change.reach = {"staging": merged + 5 * MINUTE, "prod": reached}
    return change


def _scale_up(tale: Tale, service: str, bound: Bound, merged: datetime, reached: datetime, role: str) -> Change | None:
    """More of something."""
    random, topology = tale.random, tale.topology
    options: list[tuple[Thing, str, int]] = []
    for kind, attribute, first in (
        ("database", "allocated_storage", 200),
        ("function", "memory_size", 1024),
        ("cache", "num_cache_nodes", 3),
    ):
        for thing in topology.of_role(kind, service):
            key = f"up:{thing.address}"
            if key not in tale.used and bound.thing is not thing:
                options.append((thing, attribute, first * 2))
    if not options:
        return None
    thing, attribute, value = random.choice(options)
    if any(isinstance(e, Turn) and e.address == thing.address for c in tale.changes.values() for e in c.edits):
        return None
    tale.used.add(f"up:{thing.address}")
    title = random.choice(
        (f"More room for {thing.label}", f"Scale {thing.label} up before the campaign", f"Grow {thing.label}")
    )
    change = add_pull(tale, "infra", title, (Turn(thing.address, attribute, value),), merged, role=role or "scale_up")
    change.reach = {"staging": merged + 6 * MINUTE, "prod": reached}
    return change


_MILD: tuple[tuple[str, str, tuple[int, ...], str], ...] = (
    ("database", "backup_retention_period", (10, 14, 21), "Keep backups of {l} longer"),
    ("lb", "idle_timeout", (75, 90, 120), "A bit more patience at the edge"),
    ("queue", "visibility_timeout_seconds", (360, 420, 600), "More time for each message of {l}"),
    ("function", "timeout", (120, 150), "More time for {l}"),
    ("waf", "requests_per_5m", (24000, 30000), "Room for the partner imports at the edge"),
    ("record", "ttl", (90, 120), "Longer ttl for {l}"),
    ("asg", "min_size", (4, 5), "One node more at night"),
    ("db_params", "parameter.max_connections", (450, 500), "A few more connections for {l}"),
    ("target_group", "health_check.interval", (10, 20), "Another health check interval for {l}"),
)
"""Changes of what could break it, by an amount or in a direction that does not: (role, attribute, values, title)."""


def _mild(tale: Tale, service: str, bound: Bound, merged: datetime, reached: datetime, role: str) -> Change | None:
    random = tale.random
    kind, attribute, values, words = random.choice(_MILD)
    things = [t for t in tale.topology.of_role(kind) if (not t.users or service in t.users) and t is not bound.thing]
    if not things:
        return None
    thing = random.choice(things)
    label = thing.label.removesuffix("-params").removesuffix("-tg")
    turn = Turn(thing.address, attribute, random.choice(values))
    if _done_before(tale, turn):
        return None
    change = add_pull(tale, "infra", words.format(l=label), (turn,), merged, role=role or "mild")
    change.reach = {"staging": merged + 5 * MINUTE, "prod": reached}
    return change


def _done_before(tale: Tale, turn: Turn) -> bool:
    return any(turn in change.edits for change in tale.changes.values())


def _comment(tale: Tale, service: str, bound: Bound, merged: datetime, reached: datetime, role: str) -> Change | None:
    """Comments in the very file."""
    random = tale.random
    thing = bound.thing or random.choice(_things_near(tale, service))
    title = random.choice(
        (f"Explain {thing.label} in a comment", f"Comment on {thing.label}", f"Note who to ask about {thing.label}")
    )
    text = f"# {thing.label}: ask in the platform channel before touching this ({hex_id(title, merged, digits=4)})\n"
    change = add_pull(tale, "infra", title, (Write(file_of(thing), "", text),), merged, role=role or "comment")
    change.reach = {"staging": merged + 5 * MINUTE, "prod": reached}
    return change


def _harmless_hand(tale: Tale, service: str, at: datetime, role: str) -> Hand | None:
    random = tale.random
    kind, attribute, value = random.choice((("alarm", "threshold", random.randint(60, 400)), ("log_group", "retention_in_days", random.choice((3, 5, 120, 180))), ("target_group", "tags", [f"owner={service}", f"cost_center=cc-{random.randint(101, 999)}"])))  # fmt: skip
    thing = tale.topology.of_role(kind, service)[0]
    hand = Hand(tale.next("h"), at, thing.address, attribute, value, tale.person(), role)
    tale.hands[hand.key] = hand
    return hand
