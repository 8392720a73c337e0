"""What a change of code is about, by the words of its lines: which classes of failure such code is apt to bring.

An unspecific change (code, an image) fits any symptom a little. Its own words tell more: who changes how peers are discovered may break names, who
writes to a temporary directory may fill a disk. General vocabulary of programming and operations; stems are compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from agent.attribute_kinds import kind_of
from agent.incident import Suspect, Symptom, SymptomClass
from agent.orders import without_orders
from agent.touches import file_sort
from graph.text import name_tokens

_TOPICS: Mapping[SymptomClass, str] = {
    "errors": "error exception raise throw catch null none nil field schema parse serialize decode encode json validate required missing key type status handler "
    "route router endpoint version contract response payload default flag migrate drop rename import dependency",
    "latency": "query queries loop each for select join index cache sync async await sleep wait lock batch page fetch load lazy eager serial sequential "
    "block blocking call calls per request scan sort compress log trace n+1 render thread pool connection",
    "timeouts": "timeout deadline wait retry attempts backoff connect read socket keepalive pool block blocking lock sleep call sync slow",
    "refused": "port listen bind host address socket route router prefix path url proxy ingress server start grpc http",
    "dns": "dns host hostname resolve resolver resolution discovery headless name names lookup domain zone search ndots svc cluster local address peers srv",
    "tls": "tls ssl cert certificate certs ca bundle verify verification trust chain truststore keystore https cipher sni handshake pem x509",
    "access_denied": "permission permissions role policy iam allow deny acl scope grant authorize authorization assume principal forbidden owner kms encrypt decrypt bucket secret",
    "authentication": "auth token tokens jwt login session secret secrets key keys credential credentials password oauth oidc sign signature issuer audience expire cookie header",
    "throttled": "rate limit limits retry retries attempts backoff poll polling interval loop each call calls burst request requests throttle quota batch prefetch concurrency parallel",
    "oom": "memory cache cached buffer buffers heap load all list append accumulate leak retain keep map dict bytes read whole stream batch size ttl evict lru thumbnail image pool global",
    "crash_loop": "start startup boot init main panic exit config env environment required missing flag probe liveness readiness entrypoint command import migrate version memory",
    "disk": "disk file files write writes writer tmp temp upload download export log logs logging debug dump spool archive volume path storage rotate retention cache persist save",
    "cpu": "loop regex hash crypto compress parse sort spin poll busy while thread threads worker workers encode render serialize json recursion",
    "data": "cache ttl invalidate invalidation stale refresh consistency replica write read update upsert delete migrate migration column field default round currency sync copy "
    "duplicate idempotent idempotency retry deduplicate dedup once twice event ack acknowledge transaction commit key",
    "cost": "instance size scale replicas storage retention transfer log logs nat request requests poll cache tier class",
    "queue_lag": "queue queues consume consumer consumers publish publisher producer broker topic message messages job jobs worker workers prefetch batch ack acknowledge retry attempts "
    "backoff poison visibility partition offset requeue schedule enqueue dequeue while until",
    "unscheduled": "request requests limit limits cpu memory affinity selector toleration taint node nodes replicas resource resources volume zone spread quota",
    "connections": "connection connections connect pool session sessions close open release client clients socket per request each new driver database db engine acquire context",
    "unavailable": "health healthz ready readiness liveness probe start startup shutdown port listen path prefix route router version base url graceful drain",
    "build": "test tests build compile lint job jobs pipeline workflow runner image node nodeset playbook role task dependency version install package script python",
}


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "es", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word.removesuffix("e") if len(word) > 3 else word


_STEMS: Mapping[SymptomClass, frozenset[str]] = {
    name: frozenset(_stem(w) for w in words.split()) for name, words in _TOPICS.items()
}
_SHARED: Mapping[str, int] = {
    stem: sum(stem in other for other in _STEMS.values()) for stems in _STEMS.values() for stem in stems
}
_MOST = 3.0
_MOST_CHARS = 6_000
_SURE = 0.25
_READ = frozenset({"code", "schema", "dependency", "pipeline", "config", "template", "image"})


def topic_fit(symptom: Symptom, suspect: Suspect) -> float:
    """How much a change's own words are of the symptom's classes: 0 to 1, by words that few classes share, in its lines before its title."""
    if not symptom.classes or (suspect.paths and not any(file_sort(p) in _READ for p in suspect.paths)):
        return 0.0
    best = symptom.classes[0].confidence
    sure = [c for c in symptom.classes if c.confidence >= best - _SURE]
    lines = {_stem(t) for t in name_tokens(f"{suspect.added} {suspect.removed}"[:_MOST_CHARS])}
    titled = {_stem(t) for t in name_tokens(without_orders(suspect.title))}
    return max(c.confidence * min((_weight(lines, c.name) + _weight(titled, c.name) / 2) / _MOST, 1.0) for c in sure)


def _weight(words: set[str], name: SymptomClass) -> float:
    return sum(1.0 / _SHARED[w] for w in sorted(words & _STEMS[name]))


def inert(paths: Sequence[str]) -> bool:
    """Whether files are only documents, tests, dashboards, and the name of a version: nothing that runs."""
    told = [p for p in paths if p.rpartition("/")[2].casefold() not in RELEASE_FILES]
    return bool(told) and all(file_sort(p) in ("document", "test", "alarm") for p in told)


_STRING = re.compile(r"\"[^\"]*\"|'[^']*'")
_CONSTANT = re.compile(
    r"^\s*(?:(?:export\s+|const\s+|final\s+|static\s+|public\s+|private\s+|let\s+|var\s+|val\s+)*[\w.\[\]\"'$-]+\s*(?::\s*\w+\s*)?[:=]\s*)?"
    r"(?:_\(S\)|S|\(?S(?:,\s*S)*,?\)?|\[S?(?:,\s*S)*\]|-?\d[\d_.]*|true|false|none|null|[A-Z][A-Z0-9_]+)\s*[,;]?\s*$",
    re.I,
)
_LOGIC = re.compile(
    r"\b(?:if|else|elif|while|for|return|await|async|with|try|except|catch|finally|raise|throw|continue|break|yield|import|from|require|def|func|function|class|new|defer|go|"
    r"select|insert|update|delete|alter|drop|create)\b|\w\s*\(|\[[\"'\w]+\]|=>|->|\+=|-=",
    re.I,
)
_KEY = re.compile(r"^[\s\w]*?([\w.\"'\[\]$-]+)\s*(?::\s*\w+\s*)?[:=]")
_VERSION_LINE = re.compile(r"^\s*v?\d+(?:\.\d+)+\s*$")
_REMARK = re.compile(r"^\s*(?:#|//|/?\*|--|<!--)")


def _code_lines(suspect: Suspect) -> list[tuple[str, str]]:
    """Lines of code that it changed, as they are and with their strings cut; none when it changed no code, or nothing tells its lines."""
    if not any(file_sort(p) == "code" for p in suspect.paths if p.rpartition("/")[2].casefold() not in RELEASE_FILES):
        return []
    lines = f"{suspect.added}\n{suspect.removed}"[:_MOST_CHARS].splitlines()
    told = (x for x in lines if x.strip() and not _VERSION_LINE.match(x) and not _REMARK.match(x))
    return [(x, _STRING.sub("S", x)) for x in told]


def wording_only(suspect: Suspect) -> bool:
    """Whether the code that it changed only names constants: another wording, another number that nothing is known of."""
    lines = _code_lines(suspect)
    return bool(lines) and all(_CONSTANT.match(bare) and not _names_a_setting(line) for line, bare in lines)


def _names_a_setting(line: str) -> bool:
    """Whether a constant is one that is known to matter: a timeout, a pool's size."""
    found = _KEY.match(line)
    return found is not None and kind_of(tuple(name_tokens(found[1]))) not in ("", "cosmetic")


def changes_logic(suspect: Suspect) -> bool:
    """Whether lines of code that it changed call, branch, loop or look something up."""
    return any(_LOGIC.search(bare) for _, bare in _code_lines(suspect) if not _CONSTANT.match(bare))


RELEASE_FILES = frozenset({"version", "version.txt", "chart.yaml", ".version"})
"""Files that name a version and nothing else."""
