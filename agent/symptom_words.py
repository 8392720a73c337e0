"""The wordings of failure: by which words, error strings, status codes and names of alert rules each class of symptom is told.

A wording is one or more words in the order in which they stand; `|` separates wordings. Words are compared by their stems, names of
alert rules by their parts (`KubePodCrashLooping` is `kube pod crash looping`), so every wording here is in plain lower case. The number
beside them says how sure the class is when only that is read. A longer wording wins over the shorter ones inside it.

Status codes follow RFC 9110, `ECONNREFUSED` and the like errno(3), `NXDOMAIN` RFC 8020; the rest is what the usual programs write.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from agent.incident import ReadClass, SymptomClass
from graph.text import name_tokens

WORDINGS: tuple[tuple[SymptomClass, float, str], ...] = (
    # -- requests fail
    ("errors", 0.85, "http 500|internal server error|server errors|5xx|5xxs|5 xx|5xx count|code elb 5xx|code target 5xx|http errors"),
    ("errors", 0.8, "bad gateway|error rate|high error rate|error ratio|error spike|errors spike|exceptions|exception|stack trace|traceback|null pointer|panic"),
    ("errors", 0.7, "error budget burn|budget burn|slo burn|slo violation|success rate|availability slo|failure rate|failing requests|requests fail|requests failing|failed requests"),
    ("errors", 0.55, "error|errors|errored|failing|fails|fail|failed|failure|failures|faulty|4xx|4xxs|4 xx|bad request"),
    ("errors", 0.4, "broken|broke|breaks|break|does not work|not working|doesn t work|don t work|no longer works|no longer work|stopped working|is wrong|misbehaves|bug|regression"),
    ("errors", 0.4, "cannot|can t|could not|couldn t|unable|won t|aborted|aborts|rejected|rejects"),
    (
        "errors",
        0.85,
        "fatal error|fatal errors|fatals|undefined method|undefined function|undefined index|undefined variable|type error|runtime error|unhandled|uncaught|unexpected error|internal error|error page|error pages|stacktrace",
    ),
    ("errors", 0.5, "thrown|throws|throwing|warnings|notices|borked|messed up|does not render|doesn t render|not displayed|not showing|not shown|invalid"),
    ("cpu", 0.7, "handle the load|under load|too much load|load is too high"),
    ("unavailable", 0.85, "server failure|hardware failure|depool|depooled|failover"),
    # -- slow
    ("latency", 0.9, "latency|high latency|latencies|p50|p90|p95|p99|p999|response time|response times|slow response|slow responses|slow requests|slow queries|slow query|request duration|long running query|long running queries"),
    ("latency", 0.8, "slow|slower|slowly|sluggish|slowness|lagging responses|laggy|takes too long|take too long|taking too long|takes long|takes minutes|takes seconds|degraded performance|performance degradation|slow down|slowdown|hangs|hanging|page load"),
    ("latency", 0.5, "degraded|degradation|performance|stall|stalls|stalled|apdex"),
    # -- time runs out
    ("timeouts", 0.95, "504|gateway timeout|gateway time out|etimedout|deadline exceeded|context deadline exceeded|i o timeout|read timeout|connect timeout|connection timed out|request timeout|request timed out|timeout exception|upstream request timeout|socket timeout|statement timeout|lock wait timeout|408"),
    ("timeouts", 0.85, "timeout|timeouts|time out|times out|timed out|timing out|task timed out|499"),
    # -- nothing answers, or the way is closed
    ("refused", 0.95, "econnrefused|connection refused|connect refused|no route to host|ehostunreach|enetunreach|network unreachable|network is unreachable|host unreachable|host is unreachable|connection reset|econnreset|reset by peer|connection reset by peer|epipe|broken pipe|socket hang up"),
    ("refused", 0.7, "refused|refuses|unreachable|not reachable|cannot reach|can t reach|could not reach|cannot connect|can t connect|could not connect|couldn t connect|failed to connect|unable to connect|unable to reach|connectivity|connection error|connection errors|connection failed|connection failures|packet loss|packets dropped|blocked by firewall|connection closed|no connection|lost connection"),
    ("refused", 0.6, "no callback|no callbacks|callbacks missing|callback missing|missing callbacks|do not reach us|does not reach us|cannot get through|do not arrive|does not arrive|never arrive|not arriving|no traffic|traffic dropped to zero|no requests|no inbound|webhooks missing|no webhooks"),
    ("refused", 0.45, "network|blocked|dropped connections|reset|partition"),
    # -- names
    ("dns", 0.95, "nxdomain|servfail|enotfound|eai again|getaddrinfo|no such host|name or service not known|could not resolve|could not resolve host|cannot resolve|can t resolve|name resolution|temporary failure in name resolution|dns probe finished|dns lookup|unknown host|unknownhostexception|core dns errors|coredns"),
    ("dns", 0.85, "dns|does not resolve|doesn t resolve|not resolving|resolves to|domain not found|nameserver|nameservers|name server|hostname not found"),
    # -- transport security
    ("tls", 0.95, "x509|certificate has expired|certificate expired|expired certificate|certificate expiry|certificate expiration|certificate expires|certificate expiring|cert expired|cert expires|cert expiry|cert expiring|cert expiring soon|ssl cert|ssl certificate|tls handshake|ssl handshake|handshake failure|handshake failed|certificate signed by unknown authority|unknown authority|certificate verify failed|self signed certificate|err cert|certificate is not valid|hostname mismatch|certificate mismatch|not yet valid|sslv3 alert|526|525|495"),
    ("tls", 0.85, "certificate|certificates|tls|ssl|handshake|mtls|cert|certs|cipher|sni"),
    # -- not allowed
    ("access_denied", 0.95, "accessdenied|access denied|accessdeniedexception|access denied exception|permission denied|not authorized to perform|unauthorizedoperation|unauthorized operation|403|403s|forbidden|eacces|eperm|operation not permitted|rbac|insufficient permissions|missing permission|missing permissions|permission_denied|authorizationfailed|authorization failed|is not authorized|explicit deny|psp"),
    ("access_denied", 0.6, "permission|permissions|denied|denies|not allowed|no access|lost access|not permitted|policy violation|cannot access|can t access|unable to access"),
    # -- not believed
    ("authentication", 0.95, "401|401s|unauthorized|unauthenticated|invalid credentials|expired token|token expired|token has expired|expiredtoken|expired token exception|invalid token|invalidclienttokenid|invalid client token id|invalid access key|signaturedoesnotmatch|signature does not match|password authentication failed|authentication failed|auth failed|login failed|invalid api key|bad credentials|wrong password|invalid signature|jwt expired|invalid grant|access denied for user|imagepullsecret|unrecognizedclientexception"),
    ("authentication", 0.75, "authentication|authenticate|cannot log in|can t log in|cannot login|can t login|can not log in|log in fails|login|logins|sign in|signin|logged out|sso|oauth|oidc|saml|credentials|credential|password|api key|secret expired|key rotated"),
    # -- too much for a limit
    ("throttled", 0.95, "429|429s|too many requests|rate exceeded|throttled|throttling|throttlingexception|throttling exception|throttle|throttles|rate limit|rate limited|rate limiting|ratelimit|request limit exceeded|requestlimitexceeded|slow down please|slowdown error|provisionedthroughputexceeded|provisioned throughput exceeded|provisionedthroughputexceededexception|limitexceeded|limit exceeded|limitexceededexception|quota exceeded|quotaexceeded|resource exhausted|resource_exhausted|toomanyrequestsexception|concurrent invocations|reserved concurrency|backpressure"),
    ("throttled", 0.7, "quota|quotas|service limit|service quota|over limit|limits reached|limit reached|maximum number of|vcpulimitexceeded|exceeds the limit"),
    # -- memory
    ("oom", 0.95, "oom|ooms|oomkilled|oom killed|oom kill|oom killer|out of memory|outofmemory|outofmemoryerror|out of memory error|java heap space|heap space|exit code 137|exit 137|137|cannot allocate memory|enomem|memory limit exceeded|heap out of memory|gc overhead limit|memory exhausted|host out of memory|evicted for memory"),
    ("oom", 0.75, "memory|high memory|memory usage|memory leak|memory pressure|swap|swapping|heap|rss"),
    # -- starting over and over
    ("crash_loop", 0.95, "crashloopbackoff|crash loop back off|crash loop|crash looping|crashlooping|crash loops|crashloop|back off restarting|backoff restarting|restarting failed container|kube pod crash looping|restart loop|restarts repeatedly|essential container in task exited|exited with code|exit code|segfault|segmentation fault|sigsegv|core dump|core dumped|createcontainerconfigerror|create container config error|runcontainererror|container cannot run"),
    ("crash_loop", 0.75, "crash|crashes|crashed|crashing|restarting|restarts|restarted|pod restarting|restart|keeps dying|dies|died|killed|does not start|doesn t start|won t start|cannot start|can t start|fails to start|failed to start|not starting|fails on startup|does not boot|liveness probe failed|liveness"),
    # -- room on disks
    ("disk", 0.95, "no space left on device|no space left|enospc|disk full|disk is full|disk filling up|disk filling|disk space|filesystem full|filesystem space filling up|filesystem almost out of space|out of disk space|out of disk|out of space|free storage space|storage full|storage is full|storage space|kube persistent volume filling up|persistent volume filling up|volume full|disk pressure|diskpressure|low disk|disk usage|disk quota exceeded|edquot|inodes|out of inodes|inode|read only file system|read only filesystem|erofs|507"),
    ("disk", 0.7, "disk|disks|filesystem|iops|io wait|iowait|disk io|volume|storage|burst balance|ebs"),
    # -- processor
    ("cpu", 0.95, "cpu|high cpu|cpu usage|cpu utilization|cpu throttling|cpu throttling high|cpu credits|cpu credit balance|cpu load|cpu saturation|cpu steal|load average|node high load|cpu spike|cpu at"),
    ("cpu", 0.6, "processor|high load|overloaded|overload|saturated|saturation"),
    # -- content
    ("data", 0.9, "data loss|lost data|data corruption|corrupt|corrupted|corruption|missing data|missing rows|missing records|data missing|deleted data|data deleted|wrong data|stale data|outdated data|duplicate key|duplicates|duplicated|inconsistent data|checksum mismatch|integrity|replication lag|replica lag|rows missing|records missing|wrong prices|wrong price|wrong amounts|wrong totals|wrong results|nosuchkey|no such key|nosuchbucket|no such bucket|relation does not exist|unknown column|column does not exist|table does not exist|table doesn t exist|no such table|does not exist|undefined column|schema mismatch|deserialization|deserialize"),
    ("data", 0.6, "stale|outdated|wrong content|wrong value|wrong values|incorrect|lost|missing|disappeared|vanished|empty results|mismatch|not found|404|404s|410|garbled|double charged|charged twice|no results|duplicate|cached content|old version"),
    # -- money
    ("cost", 0.95, "cost|costs|cost anomaly|cost spike|bill|billing|estimated charges|monthly spend|daily spend|cloud spend|spending|budget exceeded|over budget|cloud bill|cost explorer|expensive"),
    # -- queues
    ("queue_lag", 0.95, "consumer lag|queue lag|queue backlog|backlog|backlogs|queue depth|queue length|queue size|queue filling|queue is growing|queue grows|queue growing|messages pile up|pile up|piles up|piling up|age of oldest message|oldest message|approximate age of oldest message|approximate number of messages|messages visible|dead letter|dead letter queue|dlq|too many messages|too many messages in queue|unacked messages|unprocessed messages|iterator age|kafka lag|kafka consumer group lag|kafka consumer lag|lag|not consumed|not consuming|stuck messages|messages stuck|stuck in queue|jobs queued|jobs pile up"),
    ("queue_lag", 0.7, "queue|queues|queued|messages|consumers|consumer|stuck|delayed|not processed|events delayed|late events|delay|delays|not delivered|not arriving|do not arrive|does not arrive|no longer arrive"),
    # -- no place, no growth
    ("unscheduled", 0.95, "failedscheduling|failed scheduling|unschedulable|pods pending|pod pending|pending pods|stuck in pending|stuck pending|insufficient cpu|insufficient memory|insufficient capacity|insufficientinstancecapacity|insufficient instance capacity|insufficient pods|node s available|nodes are available|0 nodes are available|taint|taints|did not tolerate|no nodes available|cannot be scheduled|can t be scheduled|not scheduled|nothing scheduled|kube pod not scheduled|unable to place a task|was unable to place|exceeded quota|hpa maxed out|kube hpa maxed out|hpa replicas mismatch|kube hpa replicas mismatch|does not scale|doesn t scale|not scaling|failed to scale|scaling failed|kube cpu overcommit|kube memory overcommit|failedcreate|ip exhaustion|insufficient free addresses|failed to assign an ip"),
    ("unscheduled", 0.6, "pending|deployment replicas mismatch|kube deployment replicas mismatch|statefulset replicas mismatch|kube stateful set replicas mismatch|scheduling|evicted|eviction|too few replicas|no capacity|capacity"),
    # -- pools
    ("connections", 0.95, "too many connections|toomanyconnections|too many clients|sorry too many clients already|remaining connection slots|connection slots|connection pool|pool exhausted|connection pool exhausted|pool timeout|queuepool limit|queuepool|max connections|max_connections|hikaripool|connection is not available|connection limit|connections exhausted|out of connections|emfile|too many open files|postgresql too many connections|mysql too many connections|port exhaustion|snat port exhaustion|database connections|unable to acquire connection|could not get a connection|connection storm"),
    ("connections", 0.6, "connections|pool|pools|sockets|file descriptors"),
    # -- down
    ("unavailable", 0.95, "503|503s|service unavailable|temporarily unavailable|no healthy upstream|no healthy targets|no healthy hosts|unhealthy targets|unhealthy hosts|un healthy host count|unhealthy host|no healthy|target down|targets down|instance down|is down|are down|went down|goes down|site down|service down|host down|node down|endpoint down|blackbox probe failed|probe failed|probe success|kube pod not ready|pod not ready|kube node not ready|node not ready|not ready|endpoints not available|no endpoints|no endpoints available|no available server|outage|job missing|absent|kube deployment generation mismatch|kube api down|healthcheck failed|health check failed|health checks fail|health check fails|health checks failing|health check failing|failed health checks|failing health checks|520|521|522|523"),
    ("unavailable", 0.8, "down|unavailable|offline|dead|unhealthy|not available|not responding|does not respond|doesn t respond|no response|unresponsive|not reachable from outside|no traffic|gone|disappeared from|nothing works|502|502s|readiness probe failed|readiness|all targets|does not load|doesn t load|not loading|blank page"),
    # -- jobs and pipelines
    ("build", 0.95, "build failed|build fails|build failure|builds fail|builds failing|build broken|broken build|pipeline failed|pipeline fails|pipeline failing|pipelines fail|ci fails|ci failed|ci failing|ci is red|job failed|jobs failed|job fails|jobs fail|jobs failing|job failing|kube job failed|kube job completion|cron job failed|cronjob failed|deployment failed|deploy failed|deploy fails|deploys fail|deployment fails|deployment stuck|rollout stuck|rollout failed|progress deadline exceeded|terraform apply failed|apply failed|plan failed|tests fail|tests failing|test failures|lint fails|merge conflict|imagepullbackoff|image pull back off|errimagepull|err image pull|manifest unknown|syntax error|parse error|compilation error|yaml error|invalid syntax|workflow failed|gate fails|gate is broken|jobs are failing|jobs never run"),
    ("build", 0.65, "build|builds|pipeline|pipelines|ci|jenkins|zuul|workflow|workflows|job|jobs|deploys|deploy|rollout|compile|playbook|cron"),
)  # fmt: skip

CODES: dict[str, tuple[tuple[SymptomClass, float], ...]] = {
    "500": (("errors", 0.9),),
    "501": (("errors", 0.7),),
    "502": (("errors", 0.85), ("unavailable", 0.8)),
    "503": (("unavailable", 0.9), ("errors", 0.75)),
    "504": (("timeouts", 0.95), ("errors", 0.6), ("latency", 0.5)),
    "401": (("authentication", 0.95),),
    "403": (("access_denied", 0.95),),
    "404": (("data", 0.6), ("errors", 0.5)),
    "408": (("timeouts", 0.85),),
    "410": (("data", 0.5),),
    "429": (("throttled", 0.95),),
    "495": (("tls", 0.8),),
    "499": (("timeouts", 0.6), ("latency", 0.6)),
    "507": (("disk", 0.7),),
    "520": (("unavailable", 0.7), ("errors", 0.7)),
    "521": (("refused", 0.8), ("unavailable", 0.8)),
    "522": (("timeouts", 0.85), ("refused", 0.6)),
    "523": (("refused", 0.8),),
    "524": (("timeouts", 0.9),),
    "525": (("tls", 0.9),),
    "526": (("tls", 0.95),),
    "530": (("dns", 0.6),),
    "137": (("oom", 0.75), ("crash_loop", 0.6)),
    "139": (("crash_loop", 0.8),),
}
"""Three digits that mean a failure where nothing says that they count or number something."""

IMPLIED: dict[str, tuple[tuple[SymptomClass, float], ...]] = {
    "bad gateway": (("unavailable", 0.75),),
    "gateway timeout": (("errors", 0.5), ("latency", 0.5)),
    "gateway time out": (("errors", 0.5), ("latency", 0.5)),
    "service unavailable": (("errors", 0.7),),
    "kube pod crash looping": (("unavailable", 0.5),),
    "oomkilled": (("crash_loop", 0.6),),
    "oom killed": (("crash_loop", 0.6),),
    "error budget burn": (("latency", 0.3),),
    "cpu throttling": (("latency", 0.4),),
    "cpu throttling high": (("latency", 0.4),),
    "connection timed out": (("refused", 0.6),),
    "connect timeout": (("refused", 0.6),),
    "etimedout": (("refused", 0.6),),
    "kube pod not ready": (("crash_loop", 0.4), ("unscheduled", 0.35)),
    "imagepullbackoff": (("crash_loop", 0.5), ("unavailable", 0.4)),
    "errimagepull": (("crash_loop", 0.5), ("unavailable", 0.4)),
    "pool exhausted": (("timeouts", 0.4),),
    "replication lag": (("latency", 0.3),),
    "quota exceeded": (("unscheduled", 0.3),),
    "password authentication failed": (("access_denied", 0.3),),
    "slow queries": (("cpu", 0.25), ("connections", 0.2)),
    "unable to access": (("refused", 0.3),),
    "liveness probe failed": (("unavailable", 0.4),),
}
"""What a wording says beside its own class."""


def words_of(text: str) -> frozenset[str]:
    """The words of a declared list, which is easier to read as a sentence than as one word a line."""
    return frozenset(text.split())


_COUNTED_BEFORE = words_of("# incident incidents pr mr pull request issue ticket port ports version step line build")
_COUNTED_AFTER = words_of(
    "ms s sec secs seconds minutes min hours days mb gb tb mib gib kb percent pods nodes instances users requests messages rows rps qps usd eur times"
)
_NOT = frozenset({"no", "not", "without", "never", "non", "zero", "isn", "aren"})


def read_classes(text: str, said_by: str = "", names: frozenset[str] = frozenset()) -> tuple[ReadClass, ...]:
    """The classes of symptom that a text tells, surest first.

    `said_by`: who says it, as part of a sentence ('the alert X'). `names`: words that are names here (a service called `billing`).
    """
    words = name_tokens(text)
    found: dict[SymptomClass, list[tuple[float, str]]] = {}
    i = 0
    while i < len(words):
        length, told = _at(words, i)
        phrase = " ".join(words[i : i + length])
        if told and not (i and words[i - 1] in _NOT) and not names.issuperset(words[i : i + length]):
            for name, confidence in told:
                found.setdefault(name, []).append((confidence, phrase))
        i += max(length, 1)
    classes = [_read(name, told, said_by) for name, told in found.items()]
    return tuple(sorted(classes, key=lambda c: (-c.confidence, c.name)))


def _read(name: SymptomClass, told: Sequence[tuple[float, str]], said_by: str) -> ReadClass:
    best = sorted(dict.fromkeys(told), key=lambda t: (-t[0], t[1]))
    missing = 1.0 - best[0][0]
    for confidence, _ in best[1:3]:
        missing *= 1.0 - confidence / 3
    quoted = ", ".join(f"'{phrase}'" for _, phrase in best[:3])
    many = len(best) > 1 or " " in best[0][1]
    how = f"{said_by} says {quoted}" if said_by else f"the word{'s' if many else ''} {quoted}"
    return ReadClass(name, how, round(min(1.0 - missing, 0.98), 3))


def _at(words: Sequence[str], i: int) -> tuple[int, tuple[tuple[SymptomClass, float], ...]]:
    """How many words at a position form the longest wording, and what it tells."""
    table = _table()
    first = stem(words[i])
    code = words[i].removesuffix("s")
    if code in CODES:
        return (1, CODES[code]) if _is_code(words, i) else (1, ())
    for length in range(min(_longest().get(first, 0), len(words) - i), 0, -1):
        told = table.get(tuple(stem(w) for w in words[i : i + length]))
        if told:
            return length, told
    return 1, ()


def _is_code(words: Sequence[str], i: int) -> bool:
    before = words[i - 1] if i else ""
    after = words[i + 1] if i + 1 < len(words) else ""
    return before not in _COUNTED_BEFORE and after not in _COUNTED_AFTER and not before.isdigit()


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """A word without the ending of its number or tense: good enough to compare words with words.

    >>> [stem(w) for w in ("timeouts", "timing", "times", "dropped", "crashes", "dns")]
    ['timeout', 'tim', 'tim', 'drop', 'crash', 'dns']
    """
    if not word.isascii() or not word.isalpha() or len(word) < 4:
        return word
    for ending in ("ing", "ies", "es", "ed", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not (ending == "s" and word.endswith("ss")):
            word = word[: -len(ending)] + ("y" if ending == "ies" else "")
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeious" else word


@lru_cache(maxsize=1)
def _table() -> dict[tuple[str, ...], tuple[tuple[SymptomClass, float], ...]]:
    table: dict[tuple[str, ...], dict[SymptomClass, float]] = {}
    for name, confidence, wordings in WORDINGS:
        for wording in wordings.split("|"):
            key = _key(wording)
            known = table.setdefault(key, {})
            known[name] = max(known.get(name, 0.0), confidence)
    for wording, more in IMPLIED.items():
        known = table.setdefault(_key(wording), {})
        for name, confidence in more:
            known.setdefault(name, confidence)
    return {key: tuple(told.items()) for key, told in table.items()}


def _key(wording: str) -> tuple[str, ...]:
    return tuple(stem(w) for w in name_tokens(wording))


@lru_cache(maxsize=1)
def _longest() -> dict[str, int]:
    """The length of the longest wording by its first stem."""
    longest: dict[str, int] = {}
    for key in _table():
        longest[key[0]] = max(longest.get(key[0], 0), len(key))
    return longest


@lru_cache(maxsize=1)
def symptom_stems() -> frozenset[str]:
    """The stems of every single word by which a symptom may be told: such a word by itself hardly names a thing."""
    return frozenset(key[0] for key in _table() if len(key) == 1)
