"""What breaks things: attributes of infrastructure, values of services' configuration, code, credentials that end, limits that are reached.

`seen` lists the symptom classes that whoever uses the thing directly may show; services further up show `FURTHER_UP` of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.world.outage_model import Value


@dataclass(frozen=True, slots=True)
class InfraCause:
    """An attribute of a thing. `hand`: people turn it by hand, too. `slow`: it takes hours until it shows."""

    key: str
    role: str
    attribute: str
    after: tuple[Value, ...]
    seen: tuple[str, ...]
    titles: tuple[str, ...]
    text: str
    hand: bool = True
    code: bool = True
    slow: bool = False
    callers: bool = False
    """Only those who call the user are affected."""


@dataclass(frozen=True, slots=True)
class ServiceCause:
    """A value of a service's configuration (`kind` config) or its code (`kind` deploy): in `path` the text `old` becomes `new`."""

    key: str
    kind: str
    path: str
    old: str
    new: str
    seen: tuple[str, ...]
    titles: tuple[str, ...]
    text: str
    slow: bool = False
    callers: bool = False


@dataclass(frozen=True, slots=True)
class ExpiryCause:
    """A credential. `form`: pem or tls_secret; `name` its domain or secret; `{s}` the service that presents it."""

    key: str
    form: str
    name: str
    domain: str
    seen: tuple[str, ...]
    callers: bool = False


@dataclass(frozen=True, slots=True)
class QuotaCause:
    """A limit. `told_by`: alert, event or quota; the words are of the alert's summary or the event's message."""

    key: str
    role: str
    told_by: tuple[str, ...]
    alert: str
    alert_text: str
    reason: str
    message: str
    quota: str
    seen: tuple[str, ...]
    text: str


INFRA = (
    InfraCause("db_cidr", "db_rule", "cidr_blocks", (["10.41.0.0/16"], ["10.40.16.0/20"]), ("timeouts",), ("Narrow the range in front of {l}", "Tighten ingress of {l}", "Least privilege for the {l} network"), "the ingress rule of {l} no longer held the range of the applications"),
    InfraCause("db_connections", "db_params", "parameter.max_connections", (40, 60, 80), ("refused",), ("Right-size max_connections of {l}", "Lower the connection ceiling of {l}"), "max_connections of {l} was too low for all its clients"),
    InfraCause("db_statement", "db_params", "parameter.statement_timeout_ms", (400, 900), ("timeouts", "5xx"), ("Kill long statements on {l}", "Stricter statement timeout for {l}"), "the statement timeout of {l} cut off normal queries"),
    InfraCause("db_class", "database", "instance_class", ("db.t4g.medium", "db.t4g.large"), ("latency", "timeouts"), ("Save money on {l}", "Move {l} to a burstable class", "Downsize {l}"), "the instance class of {l} was too small"),
    InfraCause("lb_idle", "lb", "idle_timeout", (3, 5), ("5xx",), ("Close idle connections earlier", "Shorter idle timeout at the edge"), "the idle timeout of the load balancer was shorter than the keep-alive of the services"),
    InfraCause("ssl_policy", "listener", "ssl_policy", ("ELBSecurityPolicy-TLS13-1-3-2021-06",), ("tls",), ("Newer ssl policy on the public listener", "Drop TLS 1.2 at the edge"), "the listener's policy no longer offered what clients speak"),
    InfraCause("waf_limit", "waf", "requests_per_5m", (150, 300), ("throttled",), ("Stricter limit against crawlers", "Cut abusive clients at the edge"), "the rate limit at the edge was below normal traffic"),
    InfraCause("rule_path", "rule", "condition.path_pattern", (["/v3/{s}/*"], ["/internal/{s}/*"]), ("not_found",), ("New prefix for {s}", "Move {s} behind another path"), "the listener rule of {s} no longer matched what clients call"),
    InfraCause("health_path", "target_group", "health_check.path", ("/readyz", "/status/live"), ("5xx",), ("Health check of {s} on the new endpoint", "Unify health check paths, {s} first"), "the health check of {s} asked for a path that does not exist, so that all targets were taken out"),
    InfraCause("cache_nodes", "cache", "num_cache_nodes", (1,), ("latency",), ("Fewer nodes for {l}", "Shrink {l}"), "{l} had too few nodes and evicted everything"),
    InfraCause("cache_type", "cache", "node_type", ("cache.t4g.micro",), ("latency",), ("Smaller node type for {l}", "Cheaper {l}"), "the node type of {l} was too small"),
    InfraCause("queue_visibility", "queue", "visibility_timeout_seconds", (5, 10), ("duplicates",), ("Redeliver faster on {l}", "Shorter visibility timeout of {l}"), "messages of {l} were handed out again before they were done"),
    InfraCause("queue_retention", "queue", "message_retention_seconds", (120, 300), ("data_loss",), ("Keep messages of {l} shorter", "Retention of {l} down"), "messages of {l} were dropped before anybody took them", slow=True),
    InfraCause("bucket_expiry", "bucket", "lifecycle_rule.expiration_days", (1,), ("data_loss",), ("Expire old objects in {l}", "Lifecycle of {l} saves storage"), "the lifecycle rule of {l} deleted what was still needed", slow=True),
    InfraCause("role_actions", "role", "inline_policy.actions", (["s3:PutObject", "sqs:SendMessage"], ["s3:GetObject", "sqs:SendMessage", "sqs:ReceiveMessage"]), ("access_denied",), ("Trim the policy of {s}", "Remove unused actions from the role of {s}"), "the role of {s} lacked actions that it needs"),
    InfraCause("record", "record", "records", (["{s}-blue.svc.cluster.local"], ["{s}.svc.old.local"]), ("dns",), ("Point {s}.internal to the new name", "Repoint the internal record of {s}"), "the record of {s} pointed to a name that does not exist", callers=True),
    InfraCause("asg_max", "asg", "max_size", (4, 6), ("unscheduled", "queue_lag"), ("Cap the node group", "Lower the ceiling of the cluster nodes"), "the node group could not grow any more"),
    InfraCause("function_memory", "function", "memory_size", (128,), ("oom",), ("Right-size {l}", "Smaller memory for {l}"), "{l} had too little memory"),
    InfraCause("function_timeout", "function", "timeout", (3, 5), ("timeouts", "queue_lag"), ("Fail fast in {l}", "Shorter timeout for {l}"), "{l} was stopped before it was done"),
    InfraCause("function_concurrency", "function", "reserved_concurrent_executions", (1, 2), ("throttled", "queue_lag"), ("Reserve less for {l}", "Limit the concurrency of {l}"), "{l} was allowed too few executions at once"),
    InfraCause("key_disabled", "key", "enabled", (False,), ("access_denied",), (), "the key that encrypts application data was switched off", code=False),
    InfraCause("route_gone", "route", "route.nat_gateway_cidr", ("",), ("timeouts",), (), "the private subnets lost their default route", code=False),
)  # fmt: skip

SERVICE = (
    ServiceCause("pool_max", "config", "config.yaml", "  pool_max: 30\n", "  pool_max: 2\n", ("refused", "latency"), ("{s}: smaller database pool", "Tune pool_max of {s}"), "the database pool of {s} was too small"),
    ServiceCause("deadline", "config", "config.yaml", "  deadline_ms: 5000\n", "  deadline_ms: 40\n", ("timeouts",), ("{s}: tighter deadline for upstream calls", "Tune deadline_ms in {s}"), "the deadline of {s} for upstream calls was far too short"),
    ServiceCause("memory_limit", "config", "deploy.yaml", "              memory: 512Mi\n", "              memory: 96Mi\n", ("oom",), ("{s}: right-size containers", "Lower the memory limit of {s}"), "the memory limit of {s} was below what it uses"),
    ServiceCause("readiness", "config", "deploy.yaml", "              path: /healthz\n", "              path: /health/v2\n", ("5xx", "crash_loop"), ("{s}: probe the new path", "New readiness probe for {s}"), "the probe of {s} asked for a path that does not exist"),
    ServiceCause("cache_ttl", "config", "config.yaml", "  ttl_s: 60\n", "  ttl_s: 86400\n", ("stale",), ("{s}: cache longer", "Raise ttl_s of {s}"), "{s} kept cached values for a day"),
    ServiceCause("prefetch", "config", "config.yaml", "  prefetch: 50\n", "  prefetch: 1\n", ("queue_lag",), ("{s}: take messages one by one", "Tune prefetch of {s}"), "{s} took one message at a time"),
    ServiceCause("tls_min", "config", "config.yaml", '  min_version: "1.2"\n', '  min_version: "1.3"\n', ("tls",), ("{s}: raise the minimum TLS version", "{s} speaks TLS 1.3 only"), "{s} refused clients that speak TLS 1.2", callers=True),
    ServiceCause("search_domain", "config", "config.yaml", "  domain: svc.cluster.local\n", "  domain: svc.cluster\n", ("dns",), ("{s}: new discovery domain", "Shorter discovery domain in {s}"), "{s} looked names up in a domain that does not exist"),
    ServiceCause("rate", "config", "config.yaml", "  requests_per_s: 400\n", "  requests_per_s: 4\n", ("throttled",), ("{s}: stricter limit per client", "Tune requests_per_s of {s}"), "{s} rejected normal traffic"),
    ServiceCause("cpu_request", "config", "deploy.yaml", "              cpu: 250m\n", '              cpu: "14"\n', ("unscheduled",), ("{s}: guaranteed CPU", "Raise the CPU request of {s}"), "pods of {s} asked for more CPU than any node has"),
    ServiceCause("log_level", "config", "config.yaml", "  level: info\n", "  level: trace\n", ("disk_full",), ("{s}: more detail in the logs", "Verbose logs for {s}"), "trace logs of {s} filled the disk", slow=True),
    ServiceCause("conn_leak", "deploy", "src/database.py", "    with engine.connect() as connection:\n        return connection.execute(statement)\n", "    connection = engine.connect()\n    return connection.execute(statement)\n", ("refused",), ("{s}: simplify the database helper", "{s}: one code path for statements"), "{s} never gave connections back", slow=True),
    ServiceCause("memory_leak", "deploy", "src/fragments.py", "@lru_cache(maxsize=500)\ndef render", "_RENDERED = {}\n\n\n@cached(_RENDERED)\ndef render", ("oom",), ("{s}: keep rendered fragments in process memory", "{s}: unbounded fragment cache"), "{s} kept every rendered fragment in memory", slow=True),
    ServiceCause("n_plus_one", "deploy", "src/loading.py", "    return session.query(Line).filter(Line.order_id.in_(ids)).all()\n", "    return [session.query(Line).filter_by(order_id=i).all() for i in ids]\n", ("latency",), ("{s}: load lines lazily", "{s}: readable loading of lines"), "{s} asked the database once for each line"),
    ServiceCause("strict_settings", "deploy", "src/settings.py", '    return os.environ.get("REGION", "eu")\n', '    return os.environ["REGION_CODE"]\n', ("crash_loop",), ("{s}: read settings strictly", "{s}: fail early on missing settings"), "{s} wanted a setting that nobody sets and exited at start"),
    ServiceCause("dropped_field", "deploy", "src/serializer.py", '    return {"id": row.id, "amount": row.amount, "amount_minor": row.minor}\n', '    return {"id": row.id, "amount_minor": row.minor}\n', ("5xx",), ("{s}: drop the deprecated field from the response", "{s}: smaller payload"), "{s} no longer sent a field that its callers read", callers=True),
    ServiceCause("retry_storm", "deploy", "src/publishing.py", "    publish(message, attempts=3, backoff_s=2)\n", "    while not publish(message):\n        continue\n", ("queue_lag", "throttled"), ("{s}: never lose a publish", "{s}: retry until the broker takes it"), "{s} retried without a pause and flooded the broker"),
    ServiceCause("ca_bundle", "deploy", "src/transport.py", "CA_BUNDLE = certifi.where()\n", 'CA_BUNDLE = "/etc/ssl/private-ca.pem"\n', ("tls",), ("{s}: verify peers against our own CA", "{s}: own trust store"), "{s} trusted an authority that signed none of its peers"),
    ServiceCause("discovery", "deploy", "src/discovery.py", '    return f"http://{name}.prod:8080"\n', '    return f"http://{name}-headless.prod.local:8080"\n', ("dns",), ("{s}: find peers through the headless service", "{s}: new discovery"), "{s} looked for names that no service has"),
    ServiceCause("tmp_files", "deploy", "src/export.py", "    upload_stream(chunks)\n", '    path = write_chunks("/tmp", chunks)\n    upload_file(path)\n', ("disk_full",), ("{s}: write export chunks to a file before upload", "{s}: resumable exports"), "{s} left its temporary files behind", slow=True),
    ServiceCause("blocking_call", "deploy", "src/handler.py", "    enqueue(enrich, request)\n", "    enrich(request)\n", ("latency", "timeouts"), ("{s}: enrich requests right away", "{s}: no background step for enrichment"), "{s} did slow work within the request"),
    ServiceCause("bucket_prefix", "deploy", "src/storage.py", 'PREFIX = "uploads/"\n', 'PREFIX = "shared/uploads/"\n', ("access_denied",), ("{s}: common prefix for objects", "{s}: share the upload folder"), "{s} wrote below a prefix that its role may not touch"),
    ServiceCause("route_prefix", "deploy", "src/routes.py", 'router = Router(prefix="/")\n', 'router = Router(prefix="/v2")\n', ("not_found",), ("{s}: versioned routes", "{s}: prefix for the router"), "{s} answered below a prefix that nobody calls"),
    ServiceCause("ack_late", "deploy", "src/consumer.py", "    handle(message)\n    message.ack()\n", "    handle(message)\n    if message.final:\n        message.ack()\n", ("duplicates",), ("{s}: acknowledge final messages", "{s}: cleaner consumer loop"), "{s} did not acknowledge messages, so that they came again"),
    ServiceCause("cache_key", "deploy", "src/caching.py", '    return f"{tenant}:{name}:{version}"\n', '    return f"{tenant}:{name}"\n', ("stale",), ("{s}: shorter cache keys", "{s}: same key for all versions"), "{s} did not see new versions because its cache key left the version out"),
)  # fmt: skip

EXPIRY = (
    ExpiryCause("public_certificate", "pem", "{s}.{domain}", "{s}.{domain}", ("tls",)),
    ExpiryCause("partner_certificate", "pem", "partners-{s}.{domain}", "partners-{s}.{domain}", ("tls",)),
    ExpiryCause("mesh_certificate", "tls_secret", "{s}-mesh-tls", "{s}.prod.internal", ("tls",), callers=True),
    ExpiryCause("client_certificate", "tls_secret", "{s}-db-client", "{s}-client.prod.internal", ("tls", "refused")),
)

QUOTA = (
    QuotaCause("subnet_addresses", "subnet", ("event",), "", "", "FailedCreatePodSandBox", 'failed to setup network for sandbox: plugin type="aws-cni" failed (add): add cmd: failed to assign an IP address to container', "", ("unscheduled", "latency"), "the subnet of the pods had no free addresses"),
    QuotaCause("connections_used_up", "db_params", ("alert",), "DatabaseConnectionsNearLimit", "{l}: {n} of 400 connections in use", "", "", "", ("refused", "timeouts"), "growth of traffic used up the connections of {l}"),
    QuotaCause("node_group_full", "asg", ("event",), "", "", "NotTriggerScaleUp", "pod didn't trigger scale-up: 1 max node group size reached", "", ("unscheduled", "queue_lag"), "the node group was at its maximum"),
    QuotaCause("account_concurrency", "function", ("alert", "quota"), "ServiceQuotaUsage", "Lambda Concurrent executions at 100% of the account limit", "", "", "Concurrent executions", ("throttled", "queue_lag"), "the account's limit of concurrent executions was reached"),
    QuotaCause("namespace_quota", "", ("event",), "", "", "FailedCreate", 'Error creating: pods is forbidden: exceeded quota: compute-resources, requested: limits.memory=512Mi, used: limits.memory=64Gi, limited: limits.memory=64Gi', "compute-resources", ("unscheduled",), "the namespace's quota was used up"),
    QuotaCause("volume_full", "database", ("alert",), "FreeStorageLow", "free storage of {l} below {n} percent", "", "", "", ("5xx", "disk_full"), "the storage of {l} was full"),
    QuotaCause("interfaces", "subnet", ("event", "quota"), "", "", "FailedCreatePodSandBox", "NetworkInterfaceLimitExceeded: You have reached the maximum number of network interfaces for this region", "Network interfaces per Region", ("unscheduled", "timeouts"), "the region's limit of network interfaces was reached"),
)  # fmt: skip

FURTHER_UP = {
    "5xx": ("5xx", "latency"), "latency": ("latency", "timeouts"), "timeouts": ("timeouts", "5xx", "latency"), "refused": ("5xx", "timeouts"), "dns": ("5xx",),
    "tls": ("5xx",), "access_denied": ("5xx",), "throttled": ("5xx", "latency"), "oom": ("5xx", "timeouts"), "crash_loop": ("5xx", "timeouts"),
    "disk_full": ("5xx",), "queue_lag": ("stale", "latency"), "unscheduled": ("latency", "5xx"), "not_found": ("5xx",), "duplicates": ("duplicates",), "data_loss": ("data_loss",), "stale": ("stale",),
}  # fmt: skip
"""What a service shows when something that it calls shows a symptom."""


def config_text(service: str, calls: Sequence[str] = (), needs: Sequence[str] = (), vendor: str = "") -> str:
    """A service's first configuration, which also lists what it calls."""
    listed = "".join(f"    - http://{name}.prod:8080\n" for name in calls)
    stores = "".join(f"  - {name}\n" for name in needs)
    return (
        f"name: {service}\ndatabase:\n  pool_max: 30\nupstream:\n  deadline_ms: 5000\n"
        + (f"  hosts:\n{listed}" if listed else "")
        + (f"stores:\n{stores}" if stores else "")
        + (f"provider: https://api.{vendor.lower()}.example\n" if vendor else "")
        + "cache:\n  ttl_s: 60\nconsumer:\n  prefetch: 50\n"
        'tls:\n  min_version: "1.2"\ndiscovery:\n  domain: svc.cluster.local\nlimits:\n  requests_per_s: 400\nlog:\n  level: info\n'
    )


def manifest_text(service: str, registry: str) -> str:
    """A service's first Kubernetes manifest."""
    return f"""apiVersion: apps/v1
kind: Deployment
metadata:
  name: {service}
spec:
  replicas: 4
  selector:
    matchLabels:
      app: {service}
  template:
    metadata:
      labels:
        app: {service}
    spec:
      containers:
        - name: {service}
          image: {registry}/{service}
          readinessProbe:
            httpGet:
              path: /healthz
              port: 8080
          resources:
            limits:
              memory: 512Mi
            requests:
              cpu: 250m
"""


def source_files() -> dict[str, str]:
    """The first code of every service: path below its folder -> text."""
    return {
        c.path: f'"""{c.path.rpartition("/")[2].removesuffix(".py").title()} of this service."""\n\n\ndef main_part(*given):\n{c.old}'
        if c.old.startswith("    ")
        else f'"""{c.path.rpartition("/")[2].removesuffix(".py").title()} of this service."""\n\n{c.old}'
        for c in SERVICE
        if c.kind == "deploy"
    }
