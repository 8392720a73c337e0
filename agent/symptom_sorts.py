"""What each sort of failure (`agent.incident.SymptomClass`) means, in words: the closed list from which a model may read a symptom (`agent.assist.read_symptom`)."""

from __future__ import annotations

from collections.abc import Mapping

SORTS: Mapping[str, str] = {
    "errors": "requests or jobs fail: HTTP 5xx, exceptions, error rates, without a clearer sort",
    "latency": "slow answers, rising response times",
    "timeouts": "requests or connections time out",
    "refused": "connections are refused, hosts unreachable, no route",
    "dns": "names do not resolve, or to the wrong address",
    "tls": "certificates are expired, wrong or not trusted; handshakes fail",
    "access_denied": "permissions are missing: HTTP 403, AccessDenied, not authorised",
    "authentication": "credentials, tokens or keys are not accepted: HTTP 401, login fails",
    "throttled": "rate limits: HTTP 429, throttling, quota exceeded",
    "oom": "out of memory, OOMKilled",
    "crash_loop": "processes or pods crash and restart again and again",
    "disk": "disks, volumes or inodes are full or slow",
    "cpu": "processors are saturated or throttled",
    "data": "data is lost, corrupt, wrong or stale",
    "cost": "the bill or a spending rises",
    "queue_lag": "queues, topics or replication fall behind",
    "unscheduled": "pods or tasks find no place to run, scaling does not happen",
    "connections": "connection pools or limits are exhausted",
    "unavailable": "a service is down, has no healthy targets, or does not answer at all",
    "build": "pipelines, builds or deployments fail",
}
