"""The vocabulary of outages: how alerts and engineers word a symptom, titles of changes that only sound like one, names of services and vendors.

Placeholders: `{s}` the service that shows the symptom, `{d}` what it calls or stores in (one step towards the cause), `{v}` a vendor, `{n}` `{ms}`
numbers. No symptom names a change.
"""

from __future__ import annotations

SERVICE_NAMES = (
    "cart", "quote-desk", "route-planner", "fraud-screen", "stock-sync", "label-printer", "loyalty", "claims", "document-vault", "rate-card",
    "dispatch", "returns", "onboarding", "statement-export", "media-proxy", "feed-builder", "price-watch", "auth-broker", "session-hub",
    "geo-lookup", "tax-calc", "coupons", "waitlist", "payout", "meter-reader", "roster", "crm-bridge", "thumbnailer",
)  # fmt: skip
VENDORS = (
    "Veridaq",
    "Postling",
    "Acquira",
    "Mapforge",
    "Signoro",
    "Textrelay",
    "Taxonomo",
    "Kurierly",
    "Bankbridge",
    "Faceproof",
)
CACHE_NAMES = ("hot-cache", "session-store", "lookup-cache")
QUEUE_WORDS = ("jobs", "events", "outbox", "imports")

SYMPTOMS: dict[str, tuple[str, ...]] = {
    "5xx": (
        "{s} returns 5xx for about {n}% of requests",
        "HighErrorRate: {s} prod above {n}%, mostly 502 and 503",
        "customers get an error page from {s}, dashboards show 500s climbing",
        "SLO burn: {s} availability dropping fast, {n}% errors",
        "lots of Bad Gateway from {s}",
        "{s} answers 503 Service Unavailable, requests through {d} fail",
        "error budget of {s} is melting, internal server errors everywhere",
        "calls from {s} to {d} come back as 500",
    ),
    "latency": (
        "{s} is slow, p99 at {ms} ms",
        "LatencyHigh {s} prod: p95 {ms} ms for 10 minutes",
        "pages of {s} take forever to load",
        "{s} response times went up tenfold",
        "requests of {s} spend most of their time waiting for {d}",
        "slow queries behind {s}, everything crawls",
        "[FIRING] SlowResponses service={s}",
    ),
    "timeouts": (
        "{s} requests time out",
        "{s}: connect to {d} timed out",
        "context deadline exceeded in {s} when it talks to {d}",
        "UpstreamTimeout on {s}: {n}% of calls hit the deadline",
        "504 Gateway Timeout from {s}",
        "{s} hangs and then gives up, no answer from {d}",
        "dial tcp: i/o timeout all over the logs of {s}",
    ),
    "refused": (
        "{s} cannot get a connection to {d}",
        "connection refused between {s} and {d}",
        "{s}: FATAL: sorry, too many clients already",
        "{s} logs: remaining connection slots are reserved",
        "ECONNREFUSED in {s}",
        "{s} connection pool exhausted, waiting for a free connection",
    ),
    "dns": (
        "{s}: no such host when it calls {d}",
        "name resolution fails in {s}",
        "getaddrinfo ENOTFOUND in {s} logs",
        "{s} cannot resolve {d}",
        "NXDOMAIN for an internal name, {s} is down",
    ),
    "tls": (
        "TLS handshake failures on {s}",
        "clients of {s} complain about SSL errors",
        "x509 error when calling {s}",
        "{s}: remote error: tls: handshake failure",
        "browsers show a security warning on {s}",
        "SSLHandshakeException between {s} and its clients",
    ),
    "access_denied": (
        "{s} gets AccessDenied",
        "403 from AWS in {s}: not authorized to perform this operation",
        "{s} is not allowed to read its objects any more",
        "permission errors in {s} since a while, {d} untouched as far as I know",
        "AccessDeniedException all over {s}",
    ),
    "throttled": (
        "{s} is being throttled",
        "TooManyRequestsException in {s}, rate exceeded",
        "429s from {s} for normal traffic",
        "Throttles alarm: {s} rejected {n}% of invocations",
        "{s}: requests rejected, limit exceeded",
    ),
    "oom": (
        "{s} pods OOMKilled again and again",
        "memory of {s} climbs until the containers are killed",
        "KubePodOOMKilled {s} prod",
        "{s} restarts with exit code 137",
        "container memory of {s} at its limit, out of memory kills",
    ),
    "crash_loop": (
        "{s} is in CrashLoopBackOff",
        "KubePodCrashLooping: {s}",
        "{s} never becomes ready, pods restart every few seconds",
        "back-off restarting failed container {s}",
        "new pods of {s} exit right after start",
    ),
    "disk_full": (
        "{s}: no space left on device",
        "ENOSPC in {s}",
        "disk of {s} is full, writes fail",
        "NodeDiskPressure around {s}, pods evicted",
        "volume of {s} at 100%",
    ),
    "queue_lag": (
        "backlog of {s} keeps growing, {n}k messages waiting",
        "QueueDepth high: {s} does not keep up",
        "oldest message for {s} is {n} minutes old",
        "{s} processes events much later than they arrive",
        "jobs of {s} pile up",
    ),
    "unscheduled": (
        "pods of {s} stuck in Pending",
        "KubePodNotReady: new replicas of {s} are not scheduled",
        "{s} does not scale out, replicas stay Pending",
        "FailedScheduling for {s}",
        "{s} runs with half of its replicas, the rest cannot start",
    ),
    "not_found": (
        "{s} answers 404 for every path",
        "requests for {s} end in the default page, Not Found",
        "mobile app gets 404 from {s}",
        "{s} unreachable from outside: 404 on known-good URLs",
    ),
    "duplicates": (
        "{s} processes the same message twice",
        "customers were notified twice by {s}",
        "duplicate entries in {s}",
        "{s} does the same job several times",
    ),
    "data_loss": (
        "entries missing in {s}, they vanished from {d}",
        "{s} lost records",
        "things that were stored through {s} are gone",
        "ReconciliationMismatch: {s} has fewer items than expected",
    ),
    "stale": (
        "{s} shows outdated values",
        "changes take hours to appear in {s}",
        "cache of {s} does not refresh, stale data on the page",
    ),
}  # fmt: skip
"""Symptom class -> wordings."""

EXTERNAL: dict[str, tuple[str, ...]] = {
    "timeouts": (
        "{s}: calls to {v} time out", "{s} waits for {v} until the deadline", "third-party calls of {s} hang",
        "{v} does not answer, {s} degraded", "outgoing requests of {s} time out",
    ),
    "5xx": (
        "{v} returns 503 to {s}", "{s} fails {n}% of requests, upstream provider answers with errors", "{s}: 502 from {v}",
        "errors in {s} whenever it needs {v}", "{s} error rate at {n}%",
    ),
    "latency": ("{s} slow, {v} answers after {ms} ms", "responses from {v} to {s} take seconds", "{s} p95 at {ms} ms, external calls dominate"),
    "throttled": ("{v} rejects calls of {s} with 429", "{s} gets 'rate limited' from its provider"),
    "dns": ("{s} cannot resolve the API host of {v}", "api host of {v} does not resolve from {s}"),
    "tls": ("{s} cannot verify the certificate that {v} presents", "TLS errors towards {v} from {s}"),
}  # fmt: skip
"""Symptom class -> wordings when a third party fails."""

PRECISE_ALERTS = {
    "5xx": "HttpErrorsHigh", "latency": "LatencyHigh", "timeouts": "UpstreamTimeout", "refused": "ConnectionPoolExhausted", "dns": "DnsLookupFailures",
    "tls": "TlsHandshakeErrors", "access_denied": "AwsAccessDenied", "throttled": "RequestsThrottled", "oom": "ContainerOomKilled",
    "crash_loop": "PodCrashLooping", "disk_full": "DiskFull", "queue_lag": "ConsumerLag", "unscheduled": "PodsPending", "not_found": "NotFoundRatio",
    "duplicates": "DuplicatesDetected", "data_loss": "ReconciliationMismatch", "stale": "StaleReads",
}  # fmt: skip

LURES: dict[str, tuple[str, ...]] = {
    "5xx": ("{s}: show a friendlier page when a 5xx error happens", "Dashboard panel for 502 and 503 errors of {s}", "{s}: log the request id of internal server errors"),
    "latency": ("{s}: record p99 latency per route", "Runbook: what to do when {s} is slow", "Dashboard: response times of {s}, slow queries first"),
    "timeouts": ("{s}: name the upstream in the message when a call timed out", "{s}: test for requests that time out", "Runbook for upstream timeouts of {s}"),
    "refused": ("{s}: count connection refused errors", "{s}: log when the connection pool is exhausted", "Runbook: too many clients on the database of {s}"),
    "dns": ("{s}: log the host when name resolution fails", "Test that {s} survives an unresolvable host", "Runbook: no such host errors in {s}"),
    "tls": ("{s}: document TLS handshake failures for partners", "Count SSL errors of {s} by client", "Runbook: certificate and handshake errors on {s}"),
    "access_denied": ("{s}: clearer log line for AccessDenied", "Docs: which permissions {s} needs and how a 403 looks", "{s}: metric for not authorized responses"),
    "throttled": ("{s}: count throttled requests", "Dashboard for 429 rate exceeded in {s}", "Docs: limits of {s} and what being throttled looks like"),
    "oom": ("{s}: export container memory as a metric", "Runbook: {s} pods OOMKilled", "Docs: how to read a memory profile of {s}"),
    "crash_loop": ("Runbook: {s} in CrashLoopBackOff", "{s}: print the version when the container starts", "Docs: why pods of {s} restart"),
    "disk_full": ("Runbook: no space left on device in {s}", "{s}: metric for free disk space", "Docs: what fills the disk of {s}"),
    "queue_lag": ("{s}: metric for the age of the oldest message", "Dashboard: backlog of {s}", "Runbook: messages of {s} pile up"),
    "unscheduled": ("Runbook: pods of {s} stuck in Pending", "Dashboard for replicas of {s} that are not scheduled", "Docs: FailedScheduling and what it means for {s}"),
    "not_found": ("{s}: friendlier page for 404 Not Found", "Dashboard: 404 ratio of {s}", "Docs: paths of {s}"),
    "duplicates": ("{s}: report duplicate messages in the nightly check", "Docs: how {s} tells a message apart that comes twice", "Test for duplicate entries in {s}"),
    "data_loss": ("{s}: report missing records in the nightly check", "Docs: where {s} stores entries and how lost ones are found", "Test for missing entries in {s}"),
    "stale": ("{s}: show the age of cached values in the debug header", "Docs: how stale data in {s} is found", "Dashboard: cache age of {s}"),
}  # fmt: skip
"""Symptom class -> titles of harmless changes of a service that share the symptom's words: documentation, tests, log texts, dashboards."""

UNRELATED = (
    ("{s}: sort the overview by date", "overview.py", 'ORDER = "name"', 'ORDER = "created"'),
    ("{s}: round totals half to even", "totals.py", "ROUNDING = ROUND_HALF_UP", "ROUNDING = ROUND_HALF_EVEN"),
    ("{s}: translate the footer", "footer.py", 'FOOTER = "All rights reserved"', 'FOOTER = _("All rights reserved")'),
    ("Accept two-letter country codes in {s}", "country.py", "LENGTH = 3", "LENGTH = 2"),
    ("{s}: new wording of the confirmation mail", "mail_text.py", 'SUBJECT = "Your request"', 'SUBJECT = "We got your request"'),
    ("{s}: hide archived entries in the list", "listing.py", "SHOW_ARCHIVED = True", "SHOW_ARCHIVED = False"),
    ("{s}: add the customer's reference to the export", "export_columns.py", 'COLUMNS = ("id", "date")', 'COLUMNS = ("id", "date", "reference")'),
    ("Show currency symbols in {s}", "currency.py", "SYMBOLS = False", "SYMBOLS = True"),
)  # fmt: skip
"""Deploys whose code does something else: (title, file, before, after)."""

CHATTER = (
    "is {s} slow for anyone else?", "getting weird errors on {s}, anyone deploying?", "is it the deploy of {o}?", "did somebody touch {o} today?",
    "I bet it is {o} again", "{s} looks odd on my side, checking", "support got three tickets about {s} in ten minutes",
)  # fmt: skip
"""What people write before anybody knows; `{o}` is something that changed lately, mostly the wrong thing."""

AFTER_CHATTER = ("found it: {cause}", "mitigating now: {fix}", "{s} is back, {fix}", "ok so it was this: {cause}")

WHY = (
    "Came up in the last review.", "Asked for by finance.", "Part of the clean-up of this quarter.", "We agreed on this in planning.", "Less to think about.",
    "Follows what the other services do.", "Small, but it has annoyed me for months.", "The old way was copied from a template.", "Tried in staging for a day.",
    "Support asked twice.", "See the notes of the platform meeting.", "No functional change expected.", "First of a few.",
)  # fmt: skip
"""What pull requests say below their title, whatever they do."""

QUOTES = (
    'So that nobody has to search when it says "{q}".', 'Last month the alert said "{q}" and it took us an hour.', '"{q}" should lead here.',
    "Helps the next time we see this: {q}.",
)  # fmt: skip
