"""The story of a world of outages: one after the other, some of them again, some like an earlier one by another cause."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from bench.world.outage_binding import Bound, bind, bind_again
from bench.world.outage_making import make_outage
from bench.world.outage_model import Topology
from bench.world.outage_tale import DAY, KINDS, Tale
from examples.formats.certificates import Certificate

_WEIGHTS = (30, 25, 17, 9, 9, 10)


def tell(random: Random, topology: Topology, start: datetime, missing: frozenset[str] = frozenset()) -> Tale:
    """The whole story: six to ten outages, in an organisation without the sources that are `missing`."""
    blind: set[str] = set()
    if "deployments" in missing:
        blind |= {"services"} if "kubernetes" in missing else set()
        blind |= {"infra"} if "cloudtrail" in missing else set()
    tale = Tale(random, topology, start, frozenset(blind))
    kinds = _kinds(random)
    repeats = _pairs(random, kinds)
    at = start + timedelta(hours=random.randint(4, 20))
    bound: list[Bound] = []
    for i, kind in enumerate(kinds):
        first, how = repeats.get(i, (-1, ""))
        cause = bind_again(tale, bound[first], how) if how else None
        cause = cause or bind(tale, kind)
        bound.append(cause)
        outage = make_outage(tale, at, cause, f"o{i + 1}", written=any(f == i for f, _ in repeats.values()))
        if first >= 0 and how == "repeat" and _same(bound[first], cause):
            outage.repeat_of = f"o{first + 1}"
        elif first >= 0 and how == "wrong" and (cause.symptom_service, cause.seen) == (bound[first].symptom_service, bound[first].seen):  # fmt: skip
            outage.wrong_memory_of = f"o{first + 1}"
        recovered = outage.recovered_at or outage.detected_at
        at = (recovered + timedelta(days=3.6, hours=random.randint(0, 40))).replace(microsecond=0)
    tale.end = at + DAY
    _standing_certificates(tale)
    return tale


def _kinds(random: Random) -> list[str]:
    kinds: list[str] = random.choices(KINDS, _WEIGHTS, k=random.randint(6, 10))
    if "external" not in kinds:
        kinds[random.randrange(len(kinds))] = "external"
    for wanted in ("config", "deploy"):
        if wanted not in kinds:
            kinds.append(wanted)
    return kinds[:10] if "external" in kinds[:10] else [*kinds[:9], "external"]


def _pairs(random: Random, kinds: list[str]) -> dict[int, tuple[int, str]]:
    """Index of a later outage -> (an earlier one, `repeat` or `wrong`)."""
    out: dict[int, tuple[int, str]] = {}
    firsts = [i for i, k in enumerate(kinds[:-1]) if k in ("config", "deploy", "manual", "quota")]
    random.shuffle(firsts)
    for how, chance in (("repeat", 0.75), ("wrong", 0.7), ("repeat", 0.3)):
        if random.random() > chance:
            continue
        for first in firsts:
            later = [i for i in range(first + 1, len(kinds)) if i not in out and all(i != f for f, _ in out.values())]
            later = [i for i in later if kinds[i] != "external"]  # of these every world has one
            if how == "repeat":
                later = [i for i in later if kinds[i] == kinds[first]]
            if later and all(f != first for f, _ in out.values()) and first not in out:
                out[random.choice(later)] = (first, how)
                break
    return out


def _same(a: Bound, b: Bound) -> bool:
    return (a.kind, a.cause, a.thing, a.user) == (b.kind, b.cause, b.thing, b.user)


def _standing_certificates(tale: Tale) -> None:
    """Certificates that are good, and one that will soon end and did no harm yet."""
    random, organisation = tale.random, tale.topology.organisation
    taken = {c.domain for c in tale.certificates}
    for service in random.sample(organisation.services, min(3, len(organisation.services))):
        domain = f"{service.name}.{organisation.domain}"
        if domain not in taken:
            end = tale.end + timedelta(days=random.randint(6, 200))
            tale.certificates.append(Certificate(domain, end - timedelta(days=395), end))
