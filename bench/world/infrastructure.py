"""What can be changed: knobs of Terraform resources, the code that sets them, the instances they end up in, the API calls that set them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from bench.world.model import Organisation
from examples.formats import aws_calls
from examples.formats.aws_calls import ApiCall
from examples.formats.output import hex_id
from examples.formats.terraform_state import Instance, StateResource

Values = dict[str, dict[str, str]]
"""Knob's key -> environment -> value, as text."""


@dataclass(frozen=True, slots=True)
class Knob:
    """A setting that people change.

    Attributes:
        things: how people call it, in words; the first is the plainest.
        address: the block that declares it, without its module.
        scope: `module` (one value for all environments) or `environment`.
        values: what it can be; the first two are drawn from.
        reasons: clauses that say why it was raised or changed.
        nouns: the resource alone, as people call it when they ask who touched it.
    """

    key: str
    module: str
    address: str
    attribute: str
    scope: str
    values: tuple[str, ...]
    things: tuple[str, ...]
    nouns: tuple[str, ...]
    reasons: tuple[str, ...]
    by_hand: bool = False


def make_knobs(random: Random, organisation: Organisation) -> list[Knob]:
    """The knobs of an organisation. A service has a knob for its rule's path or for its priority, never both."""
    db, services = organisation.database, organisation.services
    some = random.sample([s.name for s in services], 3)
    n = random.randint(3, 48)
    knobs = [
        Knob("idle_timeout", "edge", "aws_lb.edge", "idle_timeout", "module", ("60", "75", "90", "120", "180", "300"),
             ("the idle timeout of the edge load balancer", "the edge LB idle timeout", "idle_timeout on aws_lb.edge"),
             ("the edge load balancer", "the edge LB", "aws_lb.edge"),
             (f"long polling clients of {some[0]} were cut off in the middle of a response",
              f"report exports from {some[1]} stay silent for longer than a minute",
              f"{n} customers complained about dropped websocket sessions"), True),
        Knob("ssl_policy", "edge", "aws_lb_listener.https", "ssl_policy", "module",
             ("ELBSecurityPolicy-2016-08", "ELBSecurityPolicy-TLS-1-2-2017-01", "ELBSecurityPolicy-TLS13-1-2-2021-06"),
             ("the TLS policy of the https listener", "the SSL policy on the https listener", "ssl_policy of aws_lb_listener.https"),
             ("the https listener", "aws_lb_listener.https"),
             ("the penetration test flagged weak ciphers on the public endpoint",
              "our acquirer stops accepting anything below TLS 1.2 next quarter",
              "the insurance auditor wants TLS 1.3 offered on every public endpoint")),
        Knob("edge_cidr", "edge", "aws_security_group_rule.edge_https", "cidr_blocks", "module", ("0.0.0.0/0", "198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24"),
             ("the ingress range of the edge security group", "the CIDR of the edge_https security group rule", "cidr_blocks of aws_security_group_rule.edge_https"),
             ("the edge security group", "aws_security_group.edge"),
             ("scanners from all over the world were hammering the login page",
              "only the CDN should be able to reach the load balancer directly",
              "the origin was found in a public scan and bypassed the firewall")),
        Knob("db_class", "data", f"aws_db_instance.{db}", "instance_class", "environment", ("db.t4g.medium", "db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge"),
             (f"the instance class of the {db} database", f"the {db} DB instance size", f"instance_class of aws_db_instance.{db}"),
             (f"the {db} database", f"aws_db_instance.{db}"),
             ("CPU credits ran out every evening during the settlement batch",
              f"p99 of {some[2]} queries doubled since the winter sale",
              "the freeable memory alarm went off four nights in a row"), True),
        Knob("db_version", "data", f"aws_db_instance.{db}", "engine_version", "module", ("14.9", "15.4", "15.7", "16.2"),
             (f"the engine version of the {db} database", f"the Postgres version of {db}", f"engine_version of aws_db_instance.{db}"),
             (f"the {db} database engine",),
             ("the old major version leaves standard support in the autumn",
              "a planner bug makes the nightly rollup scan the whole table",
              "we need logical replication slots that survive a failover")),
        Knob("backup_days", "data", f"aws_db_instance.{db}", "backup_retention_period", "module", ("7", "14", "21", "35"),
             (f"the backup retention of the {db} database", f"the retention of the {db} backups", f"backup_retention_period of aws_db_instance.{db}"),
             (f"the backups of {db}",),
             ("the regulator asks for a month of point in time recovery",
              "last month's bad import was noticed only after the backups were gone",
              "finance wants to be able to reopen a closed billing period")),
        Knob("db_cidr", "data", f"aws_security_group_rule.{db}_in", "cidr_blocks", "module", ("10.0.0.0/8", "10.20.0.0/16", "10.20.32.0/19", "10.64.0.0/14"),
             (f"the ingress range of the {db} database security group", f"the CIDR of the {db}_in security group rule", f"cidr_blocks of aws_security_group_rule.{db}_in"),
             (f"the {db} database security group", f"aws_security_group.{db}"),
             ("the whole corporate network could reach the database directly",
              "the new cluster subnets were not covered by the old range",
              "the audit found build agents talking to the database")),
        Knob("cache_nodes", "data", "aws_elasticache_cluster.sessions", "num_cache_nodes", "environment", ("1", "2", "3", "4"),
             ("the number of session cache nodes", "the size of the sessions cache cluster", "num_cache_nodes of aws_elasticache_cluster.sessions"),
             ("the sessions cache", "aws_elasticache_cluster.sessions"),
             ("a single node restart logged every customer out",
              "evictions climbed past a thousand a minute at peak",
              f"{some[0]} moved its carts into the session store")),
        Knob("queue_visibility", "data", "aws_sqs_queue.work", "visibility_timeout_seconds", "module", ("30", "45", "60", "90", "120"),
             ("the visibility timeout of the work queues", "the SQS visibility timeout", "visibility_timeout_seconds of aws_sqs_queue.work"),
             ("the work queues", "aws_sqs_queue.work"),
             ("slow consumers handed the same message to two workers",
              f"{n} customers were charged twice after a retry storm",
              "the fraud check takes longer than the queue waits"), True),
        Knob("log_days", "data", "aws_cloudwatch_log_group.service", "retention_in_days", "module", ("7", "14", "30", "60", "90"),
             ("the log retention of the services", "the retention of the service logs", "retention_in_days of aws_cloudwatch_log_group.service"),
             ("the service log groups",),
             ("the CloudWatch bill grew by a third in one quarter",
              "an investigation needed logs that had been dropped a week before",
              "the privacy team caps personal data in logs")),
        Knob("alarm_threshold", "data", "aws_cloudwatch_metric_alarm.queue_depth", "threshold", "module", ("50", "100", "150", "200", "400"),
             ("the threshold of the queue depth alarm", "the queue_depth alarm threshold", "threshold of aws_cloudwatch_metric_alarm.queue_depth"),
             ("the queue depth alarm", "aws_cloudwatch_metric_alarm.queue_depth"),
             ("the alarm woke people up for every newsletter",
              "a stuck consumer went unnoticed for three hours",
              "half of the pages last month came from harmless bursts"), True),
        Knob("versioning", "data", "aws_s3_bucket_versioning.receipts", "status", "module", ("Suspended", "Enabled"),
             ("versioning of the receipts bucket", "receipts bucket versioning", "aws_s3_bucket_versioning.receipts"),
             ("the receipts bucket",),
             ("a cleanup script overwrote two days of receipts",
              "the tax office wants originals that nobody can replace",
              "a restore test failed because nothing older was kept")),
        Knob("worker_count", "data", "aws_instance.worker", "count", "environment", ("2", "3", "4", "5"),
             ("the number of worker instances", "the worker count", "count of aws_instance.worker"),
             ("the worker fleet",),
             ("the nightly batch ran into the morning peak",
              "one worker alone cannot keep up when another is replaced",
              f"{some[1]} doubled the jobs it submits")),
    ]  # fmt: skip
    for i, service in enumerate(services):
        s = service.name
        if random.random() < 0.5:
            knobs.append(
                Knob(f"rule_path:{s}", "edge", f"aws_lb_listener_rule.{s}", "condition[0].path_pattern[0].values", "module", (f"/{s}/*", f"/api/{s}/*", f"/v2/{s}/*"),
                     (f"the listener rule of {s}", f"the {s} LB rule", f"aws_lb_listener_rule.{s}"),
                     (f"the {s} listener rule", f"aws_lb_listener_rule.{s}"),
                     (f"mobile clients call {s} through the versioned prefix since release {n}",
                      f"partners kept getting 404 from {s} on the documented path",
                      f"the old {s} prefix clashes with the marketing site"), True)
            )  # fmt: skip
        else:
            knobs.append(
                Knob(f"rule_priority:{s}", "edge", f"aws_lb_listener_rule.{s}", "priority", "module", (str(100 + 10 * i), str(15 + i), str(400 + i)),
                     (f"the priority of the {s} listener rule", f"the {s} LB rule priority", f"priority of aws_lb_listener_rule.{s}"),
                     (f"the {s} listener rule", f"aws_lb_listener_rule.{s}"),
                     (f"a broader rule swallowed the requests meant for {s}",
                      f"{s} must win over the static fallback",
                      f"the canary rule of {s} was never reached"), False)
            )  # fmt: skip
    return knobs


def first_values(organisation: Organisation, knobs: list[Knob]) -> Values:
    """What everything is set to in the beginning."""
    out: Values = {}
    for knob in knobs:
        out[knob.key] = dict.fromkeys(organisation.environments, knob.values[0])
        if knob.scope == "environment":
            out[knob.key]["prod"] = knob.values[1]
    return out


def rule_knob(values: Values, service: str, environment: str) -> tuple[str, str]:
    """Path and priority of a service's rule."""
    port = int(hex_id("priority", service, digits=4), 16) % 900 + 50
    path = values.get(f"rule_path:{service}", {}).get(environment, f"/{service}/*")
    return path, values.get(f"rule_priority:{service}", {}).get(environment, str(port))


def arn(organisation: Organisation, environment: str, service: str, resource: str) -> str:
    """A regional ARN in the environment's account."""
    return f"arn:aws:{service}:{organisation.region}:{organisation.accounts[environment]}:{resource}"


@dataclass(frozen=True, slots=True)
class Names:
    """The cloud's names of an environment's resources."""

    organisation: Organisation
    environment: str

    def _id(self, *parts: str) -> str:
        return hex_id(self.organisation.name, self.environment, *parts)

    def _arn(self, service: str, resource: str) -> str:
        return arn(self.organisation, self.environment, service, resource)

    @property
    def lb(self) -> str:
        """The load balancer."""
        name = f"{self.organisation.name}-{self.environment}"
        return self._arn("elasticloadbalancing", f"loadbalancer/app/{name}/{self._id('lb')}")

    @property
    def listener(self) -> str:
        """Its HTTPS listener."""
        return self.lb.replace(":loadbalancer/", ":listener/") + f"/{self._id('https')}"

    def rule(self, service: str) -> str:
        """A service's listener rule."""
        return self.listener.replace(":listener/", ":listener-rule/") + f"/{self._id('rule', service)}"

    def target_group(self, service: str) -> str:
        """A service's target group."""
        return self._arn("elasticloadbalancing", f"targetgroup/{self.environment}-{service}/{self._id('tg', service)}")

    def group(self, name: str) -> str:
        """A security group: `edge`, or the database's name."""
        return self._arn("ec2", f"security-group/sg-0{self._id('sg', name)}")

    @property
    def database(self) -> str:
        """The database."""
        return self._arn("rds", f"db:{self.organisation.database}-{self.environment}")

    @property
    def cache(self) -> str:
        """The cache cluster."""
        return self._arn("elasticache", f"cluster:sessions-{self.environment}")

    def queue(self, name: str) -> str:
        """A work queue."""
        return self._arn("sqs", f"{name}-{self.environment}")

    def log_group(self, service: str) -> str:
        """A service's log group."""
        return self._arn("logs", f"log-group:/{self.environment}/{service}")

    @property
    def alarm(self) -> str:
        """The queue depth alarm."""
        return self._arn("cloudwatch", f"alarm:queue-depth-{self.environment}")

    @property
    def bucket(self) -> str:
        """The receipts bucket."""
        return f"arn:aws:s3:::{self.organisation.name}-receipts-{self.environment}"

    def worker(self, index: int) -> str:
        """A worker instance."""
        return self._arn("ec2", f"instance/i-0{self._id('worker', str(index))}")


def queues(organisation: Organisation) -> list[str]:
    """Names of the work queues: the `for_each` of aws_sqs_queue.work."""
    return [s.name for s in organisation.services[:2]]


def calls(organisation: Organisation, environment: str, key: str, before: str, after: str) -> list[ApiCall]:
    """The API calls that turn a knob in an environment."""
    names, kind, service = Names(organisation, environment), key.partition(":")[0], key.partition(":")[2]
    db = organisation.database
    if kind == "idle_timeout":
        return [aws_calls.modify_idle_timeout(names.lb, int(after))]
    if kind == "ssl_policy":
        return [aws_calls.modify_listener(names.listener, after)]
    if kind in ("edge_cidr", "db_cidr"):
        group, port = (names.group("edge"), 443) if kind == "edge_cidr" else (names.group(db), 5432)
        return [aws_calls.revoke_ingress(group, before, port), aws_calls.authorize_ingress(group, after, port)]
    if kind == "db_class":
        return [aws_calls.modify_database(names.database, dBInstanceClass=after)]
    if kind == "db_version":
        return [aws_calls.modify_database(names.database, engineVersion=after, allowMajorVersionUpgrade=True)]
    if kind == "backup_days":
        return [aws_calls.modify_database(names.database, backupRetentionPeriod=int(after))]
    if kind == "cache_nodes":
        return [aws_calls.modify_cache(names.cache, int(after))]
    if kind == "queue_visibility":
        return [aws_calls.set_queue_attribute(names.queue(q), "VisibilityTimeout", after) for q in queues(organisation)]
    if kind == "log_days":
        return [aws_calls.put_retention(names.log_group(s.name), int(after)) for s in organisation.services]
    if kind == "alarm_threshold":
        return [aws_calls.put_alarm(names.alarm, float(after), "ApproximateNumberOfMessagesVisible")]
    if kind == "versioning":
        return [aws_calls.put_versioning(names.bucket, after)]
    if kind == "rule_path":
        return [aws_calls.modify_rule(names.rule(service), [after], names.target_group(service), 100)]
    if kind == "rule_priority":
        return [aws_calls.set_rule_priority(names.rule(service), int(after))]
    low, high = sorted((int(before), int(after)))
    if int(after) > int(before):
        return [aws_calls.run_instance(names.worker(i), "m6g.large", f"worker-{i}") for i in range(low, high)]
    return [aws_calls.terminate_instance(names.worker(i)) for i in range(low, high)]


def state_resources(organisation: Organisation, environment: str, values: Values) -> tuple[StateResource, ...]:
    """What Terraform's state holds in an environment, with these values."""
    names, db = Names(organisation, environment), organisation.database

    def value(key: str) -> str:
        return values[key][environment]

    rules: list[StateResource] = []
    for s in organisation.services:
        path, priority = rule_knob(values, s.name, environment)
        rule = names.rule(s.name)
        rules.append(
            StateResource("module.edge", "aws_lb_listener_rule", s.name, (
                Instance({"id": rule, "arn": rule, "listener_arn": names.listener, "priority": int(priority), "action": [{"type": "forward", "order": 1, "target_group_arn": names.target_group(s.name)}], "condition": [{"path_pattern": [{"values": [path]}]}]}, depends_on=("module.edge.aws_lb_listener.https", "module.edge.aws_lb_target_group.service")),
            ))
        )  # fmt: skip
    edge_id, db_id = names.group("edge").rpartition("/")[2], names.group(db).rpartition("/")[2]
    account, region = organisation.accounts[environment], organisation.region
    return (
        StateResource("module.edge", "aws_lb", "edge", (Instance({"id": names.lb, "arn": names.lb, "name": f"{organisation.name}-{environment}", "idle_timeout": int(value("idle_timeout")), "security_groups": [edge_id]}, depends_on=("module.edge.aws_security_group.edge",)),)),
        StateResource("module.edge", "aws_lb_listener", "https", (Instance({"id": names.listener, "arn": names.listener, "load_balancer_arn": names.lb, "port": 443, "protocol": "HTTPS", "ssl_policy": value("ssl_policy")}, depends_on=("module.edge.aws_lb.edge",)),)),
        *rules,
        StateResource("module.edge", "aws_lb_target_group", "service", tuple(Instance({"id": names.target_group(s.name), "arn": names.target_group(s.name), "name": f"{environment}-{s.name}", "port": s.port}, key=s.name) for s in organisation.services)),
        StateResource("module.edge", "aws_security_group", "edge", (Instance({"id": edge_id, "arn": names.group("edge"), "name": f"{organisation.name}-edge-{environment}"}),)),
        StateResource("module.edge", "aws_security_group_rule", "edge_https", (Instance({"id": f"sgrule-{int(hex_id(edge_id, digits=7), 16)}", "security_group_id": edge_id, "type": "ingress", "protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": [value("edge_cidr")]}, depends_on=("module.edge.aws_security_group.edge",)),)),
        StateResource("module.data", "aws_db_instance", db, (Instance({"id": f"db-{hex_id(environment, db).upper()}", "arn": names.database, "identifier": f"{db}-{environment}", "engine": "postgres", "engine_version": value("db_version"), "instance_class": value("db_class"), "backup_retention_period": int(value("backup_days")), "password": "not-a-real-password", "vpc_security_group_ids": [db_id]}, depends_on=(f"module.data.aws_security_group.{db}",), sensitive=("password",)),)),
        StateResource("module.data", "aws_security_group", db, (Instance({"id": db_id, "arn": names.group(db), "name": f"{organisation.name}-{db}-{environment}"}),)),
        StateResource("module.data", "aws_security_group_rule", f"{db}_in", (Instance({"id": f"sgrule-{int(hex_id(db_id, digits=7), 16)}", "security_group_id": db_id, "type": "ingress", "protocol": "tcp", "from_port": 5432, "to_port": 5432, "cidr_blocks": [value("db_cidr")]}, depends_on=(f"module.data.aws_security_group.{db}",)),)),
        StateResource("module.data", "aws_elasticache_cluster", "sessions", (Instance({"id": f"sessions-{environment}", "arn": names.cache, "cluster_id": f"sessions-{environment}", "num_cache_nodes": int(value("cache_nodes"))}),)),
        StateResource("module.data", "aws_sqs_queue", "work", tuple(Instance({"id": f"https://sqs.{region}.amazonaws.com/{account}/{q}-{environment}", "url": f"https://sqs.{region}.amazonaws.com/{account}/{q}-{environment}", "arn": names.queue(q), "name": f"{q}-{environment}", "visibility_timeout_seconds": int(value("queue_visibility"))}, key=q) for q in queues(organisation))),
        StateResource("module.data", "aws_cloudwatch_log_group", "service", tuple(Instance({"id": f"/{environment}/{s.name}", "arn": names.log_group(s.name), "name": f"/{environment}/{s.name}", "retention_in_days": int(value("log_days"))}, key=s.name) for s in organisation.services)),
        StateResource("module.data", "aws_cloudwatch_metric_alarm", "queue_depth", (Instance({"id": f"queue-depth-{environment}", "arn": names.alarm, "alarm_name": f"queue-depth-{environment}", "threshold": int(value("alarm_threshold"))}),)),
        StateResource("module.data", "aws_s3_bucket", "receipts", (Instance({"id": names.bucket.rpartition(":")[2], "arn": names.bucket, "bucket": names.bucket.rpartition(":")[2]}),)),
        StateResource("module.data", "aws_s3_bucket_versioning", "receipts", (Instance({"id": names.bucket.rpartition(":")[2], "bucket": names.bucket.rpartition(":")[2], "versioning_configuration": [{"status": value("versioning")}]}),)),
        StateResource("module.data", "aws_instance", "worker", tuple(Instance({"id": names.worker(i).rpartition("/")[2], "arn": names.worker(i), "instance_type": "m6g.large"}, key=i) for i in range(int(value("worker_count"))))),
    )  # fmt: skip
