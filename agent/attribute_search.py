"""Settings in words: "the rate limit of pricing", "how long the orders backups are kept".

A setting is a thing with one of its attributes. Words are matched against the thing's own name, its type, its place and the attribute's
path; rare words count for more. What covers too few of the words is not found at all: an answer about something else is worse than none.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent.cached import PerView
from graph.lexicon import Thing, things
from graph.mention import content_words
from graph.model import EntityRef
from graph.store import GraphStore, Limits, View
from graph.text import name_tokens
from graph.vocabulary import singular

_ENOUGH = 0.72
_CLOSE = 0.02
_MOST_THINGS = 4_000
_KINDS = ("Block", "Resource")
_DULL = frozenset(
    [
        "change",
        "changed",
        "new",
        "value",
        "values",
        "setting",
        "settings",
        "set",
        "number",
        "count",
        "of",
        "in",
        "on",
        "for",
        "to",
        "from",
        "the",
        "a",
        "an",
        "how",
        "long",
        "kept",
        "keep",
        "is",
        "are",
        "was",
        "should",
        "be",
        "many",
        "much",
        "prod",
        "production",
        "staging",
        "stage",
        "dev",
        "environment",
        "env",
        "service",
        "services",
        "our",
        "that",
        "this",
        "it",
        "its",
        "what",
        "with",
        "and",
        "by",
        "at",
    ]
)
_ALIKE: Mapping[str, str] = {
    alias: word
    for word, aliases in {
        "second": ("s", "sec", "secs", "seconds", "second"),
        "database": ("database", "databases", "db", "rds"),
        "balancer": ("balancer", "lb", "alb", "elb", "nlb", "loadbalancer"),
        "retention": ("retention", "retain", "retained", "kept"),
        "connection": ("connection", "connections", "conn"),
        "replica": ("replica", "replicas", "instances"),
        "thread": ("thread", "threads"),
        "worker": ("worker", "workers"),
        "instance": ("instance", "instances", "ec2", "machine", "machines", "vm", "vms"),
        "bucket": ("bucket", "buckets", "s3"),
        "queue": ("queue", "queues", "sqs"),
        "cache": ("cache", "elasticache", "redis", "caches"),
        "listener": ("listener", "listeners"),
        "versioning": ("versioning", "versions", "versioned"),
        "timeout": ("timeout", "timeouts"),
        "retry": ("retry", "retries"),
        "security": ("security", "sg", "firewall"),
        "memory": ("memory", "ram", "mem"),
        "version": ("version",),
        "size": ("size", "sizes", "sizing"),
        "node": ("node", "nodes"),
        "log": ("log", "logs", "logging"),
    }.items()
    for alias in aliases
}
"""Words that mean the same in names of settings."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A thing, the attribute of it that is meant (empty for the thing itself), and how well they fit: 0 to 1."""

    thing: Thing
    attribute: str
    score: float


def find_setting(store: GraphStore, text: str, view: View, environment: str = "") -> tuple[Setting, ...]:
    """The settings that fit the words best, several when they fit alike; none when nothing covers enough of them."""
    words = [stem(w) for w in content_words(name_tokens(text)) if w not in _DULL]
    words = list(dict.fromkeys(words))
    if len(words) < 2:
        return ()
    index = _index(store, view)
    if index is None:
        return ()
    weights = {w: index.weight(w) for w in words}
    total = sum(weights.values())
    found: list[Setting] = []
    for entry in index.candidates(words):
        attribute, score = entry.best(weights)
        share = score / total
        if share >= _ENOUGH:
            found.append(Setting(entry.thing, attribute, share))
    if not found:
        return ()
    best = max(s.score for s in found)
    top = [s for s in found if s.score >= best - _CLOSE]
    top = _in(top, environment) if environment else top
    with_attribute = [s for s in top if s.attribute]
    return tuple(sorted(with_attribute or top, key=lambda s: (-s.score, s.thing.ref.kind == "Resource", s.thing.ref)))


def stem(word: str) -> str:
    """A word as it is compared: singular, and one spelling for words that mean the same."""
    plain = _ALIKE.get(word)
    if plain is not None:
        return plain
    one = singular(word)
    return _ALIKE.get(one, one)


def _in(found: Sequence[Setting], environment: str) -> list[Setting]:
    """Those in an environment, and code, which has none."""
    inside = [s for s in found if s.thing.text("environment") in ("", environment)]
    return inside or list(found)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A thing's words: of its name, place and type, and of each attribute."""

    thing: Thing
    own: frozenset[str]
    attributes: tuple[tuple[str, frozenset[str]], ...]

    def best(self, weights: Mapping[str, float]) -> tuple[str, float]:
        """The attribute that covers most of the words together with the thing's own, and how much is covered."""
        own = sum(weight for word, weight in weights.items() if word in self.own)
        best, gained, extra = "", 0.0, 0
        for path, words in self.attributes:
            gain = sum(weight for word, weight in weights.items() if word in words and word not in self.own)
            both = sum(weight for word, weight in weights.items() if word in words and word in self.own) / 4
            if gain + both > gained + 1e-9 or (gain and abs(gain + both - gained) < 1e-9 and len(words) < extra):
                best, gained, extra = path, gain + both, len(words)
        new = sum(
            weight
            for word, weight in weights.items()
            if word not in self.own and any(path == best and word in words for path, words in self.attributes)
        )
        return (best if new else ""), own + new


class _Index:
    """All settings of a view by their words."""

    def __init__(self, entries: Sequence[_Entry]) -> None:
        self._by_word: dict[str, list[_Entry]] = {}
        seen = Counter[str]()
        for entry in entries:
            words = set(entry.own).union(*(words for _, words in entry.attributes))
            seen.update(words)
            for word in words:
                self._by_word.setdefault(word, []).append(entry)
        self._count = len(entries)
        self._seen = seen

    def weight(self, word: str) -> float:
        """How much a word tells; one that no thing has tells as much as the rarest."""
        return 1.0 + math.log((self._count + 1) / (self._seen.get(word, 0) + 1)) / 2

    def candidates(self, words: Iterable[str]) -> list[_Entry]:
        """What has any of the words."""
        found: dict[EntityRef, _Entry] = {}
        for word in words:
            for entry in self._by_word.get(word, ()):
                found[entry.thing.ref] = entry
        return list(found.values())


def _read(store: GraphStore, view: View) -> _Index | None:
    """Read every block and instance; None when there are too many for that."""
    found: list[Thing] = []
    for kind in _KINDS:
        page = store.select(kind, {}, view, Limits(rows=_MOST_THINGS, deadline_s=3.0))
        if page.cut:
            if kind == "Block":
                return None
            continue
        found += things(store, [e.ref for e in page.items], view)
    return _Index([_entry(t) for t in found])


_index = PerView(_read)


def _entry(thing: Thing) -> _Entry:
    type_ = thing.text("type")
    own = set(
        map(
            stem,
            name_tokens(f"{thing.text('name')} {thing.text('address')} {thing.text('path')} {type_.replace('_', ' ')}"),
        )
    )
    own |= {stem(w) for w in _type_words(type_)}
    listed = thing.properties.get("attributes")
    paths = list(listed) if isinstance(listed, Mapping) else []
    return _Entry(thing, frozenset(own), tuple((p, frozenset(map(stem, name_tokens(p)))) for p in paths))


def _type_words(type_: str) -> tuple[str, ...]:
    """Words that people say for a resource type."""
    return _SAID.get(type_, ())


_SAID: Mapping[str, tuple[str, ...]] = {
    "aws_lb_listener_rule": ("lb", "rule", "listener", "load", "balancer", "routing"),
    "aws_lb_listener": ("lb", "listener", "https", "http", "load", "balancer"),
    "aws_lb": ("lb", "load", "balancer", "alb"),
    "aws_lb_target_group": ("lb", "target", "group", "health", "load", "balancer"),
    "aws_db_instance": ("database", "db", "rds", "postgres", "backups", "backup"),
    "aws_rds_cluster": ("database", "db", "rds", "aurora", "cluster"),
    "aws_elasticache_cluster": ("cache", "redis", "cluster", "memcached", "size"),
    "aws_elasticache_replication_group": ("cache", "redis", "cluster", "size"),
    "aws_sqs_queue": ("queue", "sqs"),
    "aws_s3_bucket": ("bucket", "s3"),
    "aws_s3_bucket_versioning": ("bucket", "s3", "versioning"),
    "aws_security_group": ("security", "group", "sg", "firewall"),
    "aws_instance": ("instance", "machine", "worker", "ec2", "vm", "count"),
    "aws_autoscaling_group": ("autoscaling", "group", "asg", "size", "capacity"),
    "aws_cloudwatch_log_group": ("log", "logs", "retention"),
    "aws_route53_record": ("dns", "record", "domain"),
    "aws_iam_role": ("role", "iam", "permission"),
    "aws_iam_policy": ("policy", "iam", "permission"),
    "aws_ecs_service": ("ecs", "service"),
    "aws_lambda_function": ("lambda", "function"),
    "kubernetes:Deployment": ("deployment", "replica", "pod", "replicas", "pods", "image"),
    "kubernetes:HorizontalPodAutoscaler": ("hpa", "autoscaler", "replica"),
}
"""What people call the things of the commonest types, beside what the type's own name says."""
