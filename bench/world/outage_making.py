"""One outage: its times, its words, its cause."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from bench.world.outage_aftermath import add_chatter, add_repair, add_signals
from bench.world.outage_binding import Bound
from bench.world.outage_causes import (
    ExpiryCause,
    InfraCause,
    QuotaCause,
    ServiceCause,
)
from bench.world.outage_distractors import add_background, add_distractors
from bench.world.outage_model import Hand, Outage, Turn, Write
from bench.world.outage_tale import MINUTE, Secret, Tale, add_pull
from bench.world.outage_words import (
    EXTERNAL,
    SYMPTOMS,
)
from examples.formats.certificates import Certificate


def make_outage(tale: Tale, begin: datetime, bound: Bound, identifier: str, *, written: bool) -> Outage:
    random = tale.random
    slow = isinstance(bound.cause, InfraCause | ServiceCause) and bound.cause.slow
    lag = _lag(random, slow)
    if bound.kind == "expiry":
        lag = random.choice((random.randint(8, 90), random.randint(90, 1500)))
    if bound.kind in ("quota", "external"):
        lag = random.randint(4 * 3600, 40 * 3600)  # the time for which distractors are spread
    merged_at = begin + timedelta(hours=random.randint(26, 50), minutes=random.randint(0, 59), seconds=random.randint(0, 59))  # fmt: skip
    gap = timedelta(minutes=random.randint(14, 170) if random.random() < 0.65 else random.randint(170, 1900))
    effect_at = merged_at + gap
    detected_at = effect_at + timedelta(seconds=lag)
    path = _path(bound)
    outage = Outage(
        identifier, "", detected_at, bound.kind, bound.cause.key if bound.cause else "third_party", bound.seen, bound.symptom_service, bound.hops,
        effect_at if bound.kind not in ("quota", "external") else None, path=path,
    )  # fmt: skip
    outage.symptom = _symptom(tale, bound, detected_at)
    add_background(tale, begin, merged_at, bound)
    pending = _cause(tale, outage, bound, merged_at, effect_at)
    pending += add_distractors(tale, outage, bound, merged_at, effect_at, detected_at)
    add_signals(tale, outage, bound)
    add_repair(tale, outage, bound, pending)
    outage.postmortem = written or random.random() < 0.45
    add_chatter(tale, outage)
    tale.outages.append(outage)
    return outage


def _lag(random: Random, slow: bool) -> int:
    if slow:
        return random.randint(5 * 3600, 60 * 3600)
    draw = random.random()
    if draw < 0.15:
        return random.randint(25, 110)
    if draw < 0.8:
        return random.randint(110, 45 * 60)
    return random.randint(45 * 60, 7 * 3600)


def _path(bound: Bound) -> tuple[str, ...]:
    return (*bound.up, bound.thing.label) if bound.thing else bound.up


def _symptom(tale: Tale, bound: Bound, at: datetime) -> str:
    random = tale.random
    below = bound.up[1] if len(bound.up) > 1 else bound.thing.label if bound.thing and bound.thing.role in ("database", "cache", "queue", "function", "bucket") else ""  # fmt: skip
    if bound.thing and bound.thing.role in ("db_rule", "db_params", "db_group") and len(bound.up) == 1:
        below = bound.thing.label.removesuffix("-ingress").removesuffix("-params").removesuffix("-sg")
    if not below:
        below = random.choice([*tale.topology.calls[bound.symptom_service], *tale.topology.needs[bound.symptom_service], "its backend"])  # fmt: skip
    words = {"s": bound.symptom_service, "d": below, "n": random.randint(6, 64), "ms": random.randint(21, 190) * 100, "v": tale.topology.vendors.get(bound.symptom_service, "the provider")}  # fmt: skip
    wordings = EXTERNAL[bound.seen] if bound.kind == "external" else SYMPTOMS[bound.seen]
    text = random.choice(wordings).format(**words)
    ending = random.random()
    began = at - timedelta(seconds=random.randint(0, 50))
    if ending < 0.3:
        text += f" since {began:%H:%M}"
    elif ending < 0.4:
        text += f", started around {began:%H:%M} UTC"
    elif ending < 0.5:
        text += " in prod"
    return text


def _cause(tale: Tale, outage: Outage, bound: Bound, merged_at: datetime, effect_at: datetime) -> list[str]:
    random, cause = tale.random, bound.cause
    words = {
        "s": bound.user,
        "l": bound.thing.label.removesuffix("-ingress").removesuffix("-params") if bound.thing else bound.user,
    }
    if isinstance(cause, InfraCause) and bound.thing is not None:
        outage.cause_text = cause.text.format(**words)
        outage.targets = (bound.thing.label, bound.thing.address)
        if bound.kind == "manual":
            hand = Hand(
                tale.next("h"), effect_at, bound.thing.address, cause.attribute, bound.after, tale.person(), "cause"
            )
            tale.hands[hand.key] = hand
            outage.hand = hand.key
            return []
        environments = ("prod",) if cause.attribute in bound.thing.per_environment and random.random() < 0.5 else ("staging", "prod")  # fmt: skip
        title = random.choice(cause.titles).format(**words)
        change = add_pull(tale, "infra", title, (Turn(bound.thing.address, cause.attribute, bound.after, environments),), merged_at, role="cause")  # fmt: skip
        change.reach = {"prod": effect_at} | ({"staging": merged_at + 6 * MINUTE} if "staging" in environments else {})
        outage.change = change.key
    elif isinstance(cause, ServiceCause):
        outage.cause_text = cause.text.format(**words)
        outage.targets = (bound.user,)
        write = Write(f"services/{bound.user}/{cause.path}", cause.old, cause.new)
        change = add_pull(tale, "services", random.choice(cause.titles).format(**words), (write,), merged_at, service=bound.user, role="cause")  # fmt: skip
        change.reach = {"prod": effect_at, "staging": merged_at + 5 * MINUTE}
        outage.change = change.key
    elif isinstance(cause, ExpiryCause):
        _expire(tale, outage, bound, cause, effect_at)
    elif isinstance(cause, QuotaCause):
        label = words["l"]
        outage.cause_text = cause.text.format(**words)
        outage.targets = tuple(
            filter(None, (bound.thing.label if bound.thing else "", bound.thing.address if bound.thing else "", label))
        )
        outage.names = tuple(dict.fromkeys(filter(None, (cause.quota, *outage.targets, cause.reason, cause.alert))))
        outage.evidence = tuple(
            {"alert": "alerts", "event": "kubernetes", "quota": ""}[t] for t in cause.told_by if t != "quota"
        )
    else:
        outage.cause_text = f"{tale.topology.vendors[bound.symptom_service]} had an outage of its own"
    return []


def _expire(tale: Tale, outage: Outage, bound: Bound, cause: ExpiryCause, at: datetime) -> None:
    words = {"s": bound.user, "domain": tale.topology.organisation.domain}
    name, domain = cause.name.format(**words), cause.domain.format(**words)
    tale.used.add(f"{cause.key}:{bound.user}")
    age = tale.random.choice((90, 180, 365))
    old = Certificate(domain, at - timedelta(days=age), at)
    renewed_at = outage.detected_at + timedelta(minutes=tale.random.randint(20, 70))
    new = Certificate(domain, renewed_at, renewed_at + timedelta(days=365))
    if cause.form == "pem":
        tale.certificates += [old, new]
    else:
        tale.secrets += [Secret(f"{name}-{old.not_before:%Y%m}", old), Secret(f"{name}-{renewed_at:%Y%m%d}", new)]
        name = f"{name}-{old.not_before:%Y%m}"
    outage.names = tuple(dict.fromkeys((domain, name)))
    outage.targets = (bound.user,)
    outage.evidence = ("secrets",)
    outage.cause_text = f"the certificate of {domain} had run out"
    outage.fix_text = f"a new certificate was issued for {domain}"
