"""Things as Terraform code, as state, as ARNs, and as the API calls that change them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from bench.world.model import Organisation
from bench.world.outage_model import ENVIRONMENTS, Thing, Topology, Value
from examples.formats import aws_calls
from examples.formats.aws_calls import ApiCall
from examples.formats.output import hex_id
from examples.formats.terraform_state import Instance, StateResource

Values = dict[tuple[str, str], dict[str, Value]]
"""(address, attribute) -> environment -> value."""
MODULES = ("network", "edge", "data", "compute")


def first_values(topology: Topology) -> Values:
    """What everything is set to in the beginning."""
    return {
        (t.address, name): dict.fromkeys(ENVIRONMENTS, value)
        for t in topology.things
        for name, value in t.attributes.items()
    }


def copy_values(values: Values) -> Values:
    """A copy that can be changed apart."""
    return {key: dict(by_env) for key, by_env in values.items()}


@dataclass(frozen=True, slots=True)
class Cloud:
    """The cloud's names of things in an environment."""

    organisation: Organisation
    environment: str

    def _regional(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.organisation.region}:{self.organisation.accounts[self.environment]}:{resource}"

    def _hex(self, thing: Thing, digits: int = 16) -> str:
        return hex_id(self.organisation.name, self.environment, thing.address, digits=digits)

    def arn(self, thing: Thing) -> str:
        """Its ARN, made up where AWS has none."""
        env, account = self.environment, self.organisation.accounts[self.environment]
        named, code = f"{thing.label}-{env}", self._hex(thing)
        name = self.organisation.name
        match thing.type:
            case "aws_lb":
                return self._regional("elasticloadbalancing", f"loadbalancer/app/{name}-public-{env}/{code}")
            case "aws_lb_listener":
                return self._regional(
                    "elasticloadbalancing", f"listener/app/{name}-public-{env}/{code[:8]}00000000/{code}"
                )
            case "aws_lb_listener_rule":
                return self._regional(
                    "elasticloadbalancing",
                    f"listener-rule/app/{name}-public-{env}/{code[:8]}00000000/0000000000000000/{code}",
                )
            case "aws_lb_target_group":
                return self._regional(
                    "elasticloadbalancing", f"targetgroup/{thing.label.removesuffix('-tg')}-{env}/{code}"
                )
            case "aws_wafv2_rule_group":
                return self._regional("wafv2", f"regional/rulegroup/{named}/{code}")
            case "aws_security_group" | "aws_security_group_rule":
                group = thing.name.removesuffix("_in")
                return self._regional("ec2", f"security-group/sg-0{hex_id(name, env, f'aws_security_group.{group}')}")
            case "aws_subnet":
                return self._regional("ec2", f"subnet/subnet-0{code}")
            case "aws_route_table":
                return self._regional("ec2", f"route-table/rtb-0{code}")
            case "aws_db_instance":
                return self._regional("rds", f"db:{named}")
            case "aws_db_parameter_group":
                return self._regional("rds", f"pg:{thing.label.removesuffix('-params')}-{env}")
            case "aws_elasticache_cluster":
                return self._regional("elasticache", f"cluster:{named}")
            case "aws_sqs_queue":
                return self._regional("sqs", named)
            case "aws_autoscaling_group":
                return self._regional("autoscaling", f"autoScalingGroup:*:autoScalingGroupName/{named}")
            case "aws_lambda_function":
                return self._regional("lambda", f"function:{named}")
            case "aws_s3_bucket":
                return f"arn:aws:s3:::{named}"
            case "aws_iam_role":
                return f"arn:aws:iam::{account}:role/{thing.label.removesuffix('-role')}-{env}"
            case "aws_cloudwatch_log_group":
                return self._regional("logs", f"log-group:/{env}/{thing.label.removesuffix('-logs')}")
            case "aws_cloudwatch_metric_alarm":
                return self._regional("cloudwatch", f"alarm:{thing.label.removesuffix('-alarm')}-{env}")
            case "aws_route53_record":
                return f"arn:aws:route53:::hostedzone/Z{hex_id(name, env, 'zone', digits=12).upper()}"
            case "aws_kms_key":
                return self._regional("kms", f"key/{code[:8]}-0000-4000-8000-{code[:12]}")
            case _:
                raise ValueError(thing.type)

    def id(self, thing: Thing) -> str:
        """Its `id` in a state."""
        arn = self.arn(thing)
        match thing.type:
            case "aws_security_group_rule":
                return f"sgrule-{int(self._hex(thing, 7), 16)}"
            case "aws_security_group" | "aws_subnet" | "aws_route_table" | "aws_kms_key":
                return arn.rpartition("/")[2]
            case "aws_db_parameter_group" | "aws_db_instance" | "aws_elasticache_cluster" | "aws_s3_bucket":
                return arn.rpartition(":")[2]
            case "aws_route53_record":
                return f"{arn.rpartition('/')[2]}_{thing.label}_CNAME"
            case "aws_sqs_queue":
                account = self.organisation.accounts[self.environment]
                return f"https://sqs.{self.organisation.region}.amazonaws.com/{account}/{arn.rpartition(':')[2]}"
            case "aws_autoscaling_group" | "aws_lambda_function" | "aws_iam_role":
                return arn.rpartition("/")[2].rpartition(":")[2]
            case _:
                return arn


# Terraform


def terraform_files(topology: Topology, values: Values) -> dict[str, str]:
    """The code that sets these values: four modules and a root module for each environment."""
    organisation = topology.organisation
    files: dict[str, str] = {}
    inputs: dict[str, list[tuple[str, Thing, str]]] = defaultdict(list)
    for module in MODULES:
        by_role: dict[str, list[str]] = defaultdict(list)
        for thing in topology.things:
            if thing.module == module:
                by_role[_file_of(thing)].append(_block(thing, values))
                inputs[module] += [(_input(thing, name), thing, name) for name in thing.per_environment]
        for name, blocks in by_role.items():
            files[f"terraform/modules/{module}/{name}.tf"] = "\n".join(blocks)
        variables = [("environment", "string"), *((name, _type(t.attributes[a])) for name, t, a in inputs[module])]
        files[f"terraform/modules/{module}/variables.tf"] = "\n".join(
            f'variable "{n}" {{\n  type = {kind}\n}}\n' for n, kind in variables
        )
    for env in ENVIRONMENTS:
        calls: list[str] = [f'provider "aws" {{\n  region = "{organisation.region}"\n}}\n']
        for module in MODULES:
            rows = [("source", f'"../../modules/{module}"'), ("environment", f'"{env}"')]
            rows += [(name, _literal(values[t.address, a][env])) for name, t, a in inputs[module]]
            width = max(len(name) for name, _ in rows)
            body = "".join(f"  {name:<{width}} = {value}\n" for name, value in rows)
            calls.append(f'module "{module}" {{\n{body}}}\n')
        files[f"terraform/environments/{env}/main.tf"] = "\n".join(calls)
    return files


def file_of(thing: Thing) -> str:
    """The file that declares a thing."""
    return f"terraform/modules/{thing.module}/{_file_of(thing)}.tf"


def _file_of(thing: Thing) -> str:
    return {
        "database": "databases", "db_group": "databases", "db_rule": "databases", "db_params": "databases", "cache": "caches", "queue": "queues", "bucket": "buckets",
        "key": "keys", "rule": "rules", "target_group": "targets", "role": "roles", "log_group": "logs", "alarm": "alarms", "record": "records",
        "function": "functions", "asg": "nodes",
    }.get(thing.role, "main")  # fmt: skip


def _input(thing: Thing, attribute: str) -> str:
    return f"{thing.name}_{attribute}"


def _type(value: Value) -> str:
    return "string" if isinstance(value, str) else "bool" if isinstance(value, bool) else "number" if isinstance(value, int) else "list(string)"  # fmt: skip


def _literal(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return '"' + value.replace("{env}", "${var.environment}") + '"'
    return "[" + ", ".join(_literal(v) for v in value) + "]"


def _block(thing: Thing, values: Values) -> str:
    top: list[tuple[str, str]] = []
    nested: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name in thing.attributes:
        if name == "tags":
            continue
        value = f"var.{_input(thing, name)}" if name in thing.per_environment else _literal(values[thing.address, name]["prod"])  # fmt: skip
        block, _, inner = name.rpartition(".")
        (nested[block] if block else top).append((inner, value))
    top += [(name, f"{address}.{what}" if name != "security_groups" and not name.endswith("_ids") else f"[{address}.{what}]") for name, (address, what) in thing.references.items()]  # fmt: skip
    lines = _aligned(top, "  ")
    for block, rows in nested.items():
        lines += ["", f"  {block} {{", *_aligned(rows, "    "), "  }"]
    if "tags" in thing.attributes:
        pairs = [cast("tuple[str, str]", tuple(tag.split("=", 1))) for tag in cast("list[str]", values[thing.address, "tags"]["prod"])]  # fmt: skip
        lines += ["", "  tags = {", *_aligned([(k, f'"{v}"') for k, v in pairs], "    "), "  }"]
    body = "\n".join(lines)
    return f'resource "{thing.type}" "{thing.name}" {{\n{body}\n}}\n'


def _aligned(rows: list[tuple[str, str]], indent: str) -> list[str]:
    width = max((len(name) for name, _ in rows), default=0)
    return [f"{indent}{name:<{width}} = {value}" for name, value in rows]


# states


def state_resources(topology: Topology, environment: str, values: Values) -> tuple[StateResource, ...]:
    """What Terraform's state holds in an environment, with these values."""
    cloud = Cloud(topology.organisation, environment)
    out: list[StateResource] = []
    for thing in topology.things:
        attributes: dict[str, object] = {"id": cloud.id(thing)}
        if thing.type not in ("aws_security_group_rule", "aws_route53_record"):
            attributes["arn"] = cloud.arn(thing)
        for name in thing.attributes:
            value = _real(values[thing.address, name][environment], environment)
            block, _, inner = name.rpartition(".")
            if name == "tags":
                attributes["tags"] = dict(tag.split("=", 1) for tag in cast("list[str]", value))
            elif block:
                rows = cast("list[dict[str, object]]", attributes.setdefault(block, [dict[str, object]()]))
                rows[0][inner] = value
            else:
                attributes[name] = value
        depends: list[str] = []
        for name, (address, what) in thing.references.items():
            other = topology.thing(address)
            named = cloud.arn(other) if what == "arn" else cloud.id(other)
            attributes[name] = [named] if name == "security_groups" or name.endswith("_ids") else named
            depends.append(f"module.{other.module}.{other.address}")
        out.append(StateResource(f"module.{thing.module}", thing.type, thing.name, (Instance(attributes, depends_on=tuple(depends)),)))  # fmt: skip
    return tuple(out)


def _real(value: Value, environment: str) -> Value:
    if isinstance(value, str):
        return value.replace("{env}", environment)
    if isinstance(value, list):
        return [v.replace("{env}", environment) for v in value]
    return value


# calls


def api_calls(
    topology: Topology, environment: str, thing: Thing, attribute: str, before: Value, after: Value
) -> list[ApiCall]:
    """The API calls that turn an attribute; none for what the cloud does not record as a change."""
    cloud = Cloud(topology.organisation, environment)
    arn, name = cloud.arn(thing), cloud.id(thing)
    old, new = _real(before, environment), _real(after, environment)
    if attribute == "tags":
        return _tag(thing, arn, name, cast("list[str]", new))
    match thing.type, attribute:
        case "aws_security_group_rule", "cidr_blocks":
            gone, came = cast("list[str]", old), cast("list[str]", new)
            return [
                *(aws_calls.revoke_ingress(arn, c, 5432) for c in gone if c not in came),
                *(aws_calls.authorize_ingress(arn, c, 5432) for c in came if c not in gone),
            ]
        case "aws_security_group_rule", "description":
            group = arn.rpartition("/")[2]
            return [ApiCall("ec2.amazonaws.com", "UpdateSecurityGroupRuleDescriptionsIngress", {"groupId": group, "ipPermissions": {"items": [{"ipProtocol": "tcp", "fromPort": 5432, "toPort": 5432, "ipRanges": {"items": [{"cidrIp": "10.40.0.0/16", "description": new}]}}]}}, {"_return": True}, arn)]  # fmt: skip
        case "aws_db_instance", _:
            spelled = {"instance_class": "dBInstanceClass", "engine_version": "engineVersion", "backup_retention_period": "backupRetentionPeriod", "allocated_storage": "allocatedStorage"}[attribute]  # fmt: skip
            return [aws_calls.modify_database(arn, **{spelled: new})]
        case "aws_db_parameter_group", _:
            parameter = attribute.rpartition(".")[2].removesuffix("_ms")
            return [ApiCall("rds.amazonaws.com", "ModifyDBParameterGroup", {"dBParameterGroupName": name, "parameters": [{"parameterName": parameter, "parameterValue": str(new), "applyMethod": "immediate"}]}, {"dBParameterGroupName": name}, arn)]  # fmt: skip
        case "aws_lb", "idle_timeout":
            return [aws_calls.modify_idle_timeout(arn, cast("int", new))]
        case "aws_lb_listener", "ssl_policy":
            return [aws_calls.modify_listener(arn, cast("str", new))]
        case "aws_lb_listener_rule", "condition.path_pattern":
            group = topology.thing(thing.references["target_group_arn"][0])
            return [aws_calls.modify_rule(arn, cast("list[str]", new), cloud.arn(group), 100)]
        case "aws_lb_listener_rule", "priority":
            return [aws_calls.set_rule_priority(arn, cast("int", new))]
        case "aws_lb_target_group", _:
            fields: Mapping[str, str] = {"health_check.path": "healthCheckPath", "health_check.interval": "healthCheckIntervalSeconds"}  # fmt: skip
            if attribute in fields:
                return [ApiCall("elasticloadbalancing.amazonaws.com", "ModifyTargetGroup", {"targetGroupArn": arn, fields[attribute]: new}, {"targetGroups": [{"targetGroupArn": arn}]}, arn)]  # fmt: skip
            return [ApiCall("elasticloadbalancing.amazonaws.com", "ModifyTargetGroupAttributes", {"targetGroupArn": arn, "attributes": [{"key": f"{attribute}.timeout_seconds", "value": str(new)}]}, None, arn)]  # fmt: skip
        case "aws_wafv2_rule_group", _:
            return [ApiCall("wafv2.amazonaws.com", "UpdateRuleGroup", {"name": name.split("/")[-2], "scope": "REGIONAL", "id": name.rpartition("/")[2], "rules": [{"name": "ratelimit", "statement": {"rateBasedStatement": {"limit": new, "aggregateKeyType": "IP"}}}], "aRN": arn}, None, arn)]  # fmt: skip
        case "aws_elasticache_cluster", "num_cache_nodes":
            return [aws_calls.modify_cache(arn, cast("int", new))]
        case "aws_elasticache_cluster", _:
            return [ApiCall("elasticache.amazonaws.com", "ModifyCacheCluster", {"cacheClusterId": name, "cacheNodeType": new, "applyImmediately": True}, {"cacheClusterId": name, "aRN": arn, "cacheClusterStatus": "modifying"}, arn)]  # fmt: skip
        case "aws_sqs_queue", _:
            spelled = {"visibility_timeout_seconds": "VisibilityTimeout", "message_retention_seconds": "MessageRetentionPeriod"}[attribute]  # fmt: skip
            return [aws_calls.set_queue_attribute(arn, spelled, str(new))]
        case "aws_autoscaling_group", _:
            spelled = {"max_size": "maxSize", "min_size": "minSize"}[attribute]
            return [ApiCall("autoscaling.amazonaws.com", "UpdateAutoScalingGroup", {"autoScalingGroupName": name, spelled: new}, None, arn)]  # fmt: skip
        case "aws_lambda_function", "reserved_concurrent_executions":
            return [ApiCall("lambda.amazonaws.com", "PutFunctionConcurrency20171031", {"functionName": name, "reservedConcurrentExecutions": new}, {"reservedConcurrentExecutions": new}, arn)]  # fmt: skip
        case "aws_lambda_function", _:
            spelled = {"memory_size": "memorySize", "timeout": "timeout"}[attribute]
            return [ApiCall("lambda.amazonaws.com", "UpdateFunctionConfiguration20150331v2", {"functionName": name, spelled: new}, {"functionName": name, "functionArn": arn, spelled: new}, arn)]  # fmt: skip
        case "aws_s3_bucket", _:
            return [ApiCall("s3.amazonaws.com", "PutBucketLifecycle", {"bucketName": name, "lifecycle": "", "LifecycleConfiguration": {"Rule": {"ID": "expire", "Status": "Enabled", "Expiration": {"Days": new}}}}, None, arn)]  # fmt: skip
        case "aws_iam_role", "inline_policy.actions":
            listed = ", ".join(f'"{a}"' for a in cast("list[str]", new))
            document = f'{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": [{listed}], "Resource": "*"}}]}}'
            return [ApiCall("iam.amazonaws.com", "PutRolePolicy", {"roleName": name, "policyName": "inline", "policyDocument": document}, None, arn)]  # fmt: skip
        case "aws_iam_role", _:
            return [
                ApiCall("iam.amazonaws.com", "UpdateRole", {"roleName": name, "maxSessionDuration": new}, None, arn)
            ]
        case "aws_cloudwatch_log_group", _:
            return [aws_calls.put_retention(arn, cast("int", new))]
        case "aws_cloudwatch_metric_alarm", _:
            return [aws_calls.put_alarm(arn, float(cast("int", new)) if isinstance(new, int) else 50.0, "Errors")]
        case "aws_route53_record", _:
            record = {"name": f"{thing.label.removesuffix('.internal')}.{environment}.internal", "type": "CNAME"}
            told = {"tTL": new} if attribute == "ttl" else {"tTL": 60, "resourceRecords": [{"value": v} for v in cast("list[str]", new)]}  # fmt: skip
            return [ApiCall("route53.amazonaws.com", "ChangeResourceRecordSets", {"hostedZoneId": arn.rpartition("/")[2], "changeBatch": {"changes": [{"action": "UPSERT", "resourceRecordSet": {**record, **told}}]}}, {"changeInfo": {"status": "PENDING"}}, arn)]  # fmt: skip
        case "aws_route_table", _:
            if new:
                return [ApiCall("ec2.amazonaws.com", "ReplaceRoute", {"routeTableId": name, "destinationCidrBlock": new, "natGatewayId": "nat-0aa11bb22cc33dd44"}, {"_return": True}, arn)]  # fmt: skip
            return [ApiCall("ec2.amazonaws.com", "DeleteRoute", {"routeTableId": name, "destinationCidrBlock": old}, {"_return": True}, arn)]  # fmt: skip
        case "aws_kms_key", "enabled":
            return [ApiCall("kms.amazonaws.com", "EnableKey" if new else "DisableKey", {"keyId": name}, None, arn)]
        case _:
            return []


def _tag(thing: Thing, arn: str, name: str, tags: list[str]) -> list[ApiCall]:
    pairs = [dict(zip(("key", "value"), tag.split("=", 1), strict=True)) for tag in tags]
    service = arn.split(":")[2]
    match service:
        case "elasticloadbalancing":
            return [ApiCall("elasticloadbalancing.amazonaws.com", "AddTags", {"resourceArns": [arn], "tags": pairs}, None, arn)]  # fmt: skip
        case "ec2":
            return [ApiCall("ec2.amazonaws.com", "CreateTags", {"resourcesSet": {"items": [{"resourceId": name}]}, "tagSet": {"items": pairs}}, {"_return": True}, arn)]  # fmt: skip
        case "rds":
            return [ApiCall("rds.amazonaws.com", "AddTagsToResource", {"resourceName": arn, "tags": pairs}, None, arn)]
        case "sqs":
            return [ApiCall("sqs.amazonaws.com", "TagQueue", {"queueUrl": name, "tags": dict(t.split("=", 1) for t in tags)}, None, arn)]  # fmt: skip
        case "lambda":
            return [ApiCall("lambda.amazonaws.com", "TagResource20170331v2", {"resource": arn, "tags": dict(t.split("=", 1) for t in tags)}, None, arn)]  # fmt: skip
        case "iam":
            return [ApiCall("iam.amazonaws.com", "TagRole", {"roleName": name, "tags": pairs}, None, arn)]
        case _:
            return []
