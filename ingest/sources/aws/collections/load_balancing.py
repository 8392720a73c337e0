"""Load balancers with listeners, rules, target groups and the health of targets.

API: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/
"""

from __future__ import annotations

from collections.abc import Mapping

from graph.model import Value
from ingest.sources.aws.table import Batch, Collection, Detail, Place, arn_at, block, renamed
from ingest.sources.aws.values import Item, at, items_at, text_at, texts_at


def _tags(path: str) -> Batch:
    return Batch("describe_tags", "ResourceArns", path, 20, "tag_descriptions", "resource_arn", "tags", "tags")


def _attributes(item: Item) -> dict[str, str]:
    """The attributes that are asked for apart: key -> value."""
    return {text_at(one, "key"): text_at(one, "value") for one in items_at(item, "attributes")}


_LOAD_BALANCER_ATTRIBUTES = {
    "deletion_protection.enabled": "enable_deletion_protection",
    "idle_timeout.timeout_seconds": "idle_timeout",
    "client_keep_alive.seconds": "client_keep_alive",
    "routing.http2.enabled": "enable_http2",
    "routing.http.drop_invalid_header_fields.enabled": "drop_invalid_header_fields",
    "routing.http.preserve_host_header.enabled": "preserve_host_header",
    "routing.http.desync_mitigation_mode": "desync_mitigation_mode",
    "routing.http.xff_header_processing.mode": "xff_header_processing_mode",
    "load_balancing.cross_zone.enabled": "enable_cross_zone_load_balancing",
    "waf.fail_open.enabled": "enable_waf_fail_open",
}
_TARGET_GROUP_ATTRIBUTES = {
    "deregistration_delay.timeout_seconds": "deregistration_delay",
    "slow_start.duration_seconds": "slow_start",
    "load_balancing.algorithm.type": "load_balancing_algorithm_type",
    "proxy_protocol_v2.enabled": "proxy_protocol_v2",
    "preserve_client_ip.enabled": "preserve_client_ip",
}
"""Key of an attribute -> Terraform's name."""


def _said(told: Mapping[str, str], names: Mapping[str, str]) -> dict[str, Value]:
    return {ours: _scalar(told[key]) for key, ours in names.items() if key in told}


def _scalar(text: str | None) -> Value:
    return {"true": True, "false": False}.get(text or "", int(text) if text and text.isdigit() else text or None)


def _load_balancer(item: Item) -> Item:
    zones = items_at(item, "availability_zones")
    shape = renamed(
        item,
        {
            "load_balancer_arn": "arn",
            "load_balancer_name": "name",
            "type": "load_balancer_type",
            "canonical_hosted_zone_id": "zone_id",
        },
        without=("availability_zones", "attributes"),
    )
    told = _attributes(item)
    shape.update(_said(told, _LOAD_BALANCER_ATTRIBUTES))
    shape["access_logs"] = block(
        enabled=_scalar(told.get("access_logs.s3.enabled")),
        bucket=_scalar(told.get("access_logs.s3.bucket")),
        prefix=_scalar(told.get("access_logs.s3.prefix")),
    )
    shape["internal"] = text_at(item, "scheme") == "internal"
    shape["subnets"] = sorted(subnet for zone in zones if (subnet := text_at(zone, "subnet_id")))
    return shape


def _action(action: Item) -> Value:
    """An action as Terraform has it; a client's secret is never told by the API, other parameters are kept."""
    shape: dict[str, Value] = {"type": at(action, "type"), "order": at(action, "order")}
    groups = items_at(action, "forward_config.target_groups")
    arn = at(action, "target_group_arn") or (at(groups[0], "target_group_arn") if len(groups) == 1 else None)
    if arn is not None:
        shape["target_group_arn"] = arn
    if len(groups) > 1:
        shape["forward"] = block(
            target_group=[{"arn": at(g, "target_group_arn"), "weight": at(g, "weight")} for g in groups],
            stickiness=at(action, "forward_config.target_group_stickiness_config"),
        )
    for told, ours in (
        ("redirect_config", "redirect"),
        ("fixed_response_config", "fixed_response"),
        ("authenticate_oidc_config", "authenticate_oidc"),
        ("authenticate_cognito_config", "authenticate_cognito"),
    ):
        config = at(action, told)
        if isinstance(config, Mapping):
            shape[ours] = [{k: v for k, v in config.items() if k != "client_secret"}]
    return shape


def _actions(item: Item, path: str) -> Value:
    actions = sorted(items_at(item, path), key=lambda a: text_at(a, "order").zfill(6))
    return [_action(action) for action in actions]


def _listener(item: Item) -> Item:
    shape = renamed(item, {"listener_arn": "arn"}, without=("default_actions", "certificates"))
    shape["default_action"] = _actions(item, "default_actions")
    certificates = [c for c in items_at(item, "certificates") if at(c, "is_default") is not False]
    shape["certificate_arn"] = at(certificates[0], "certificate_arn") if certificates else None
    shape["_name"] = f"{_load_balancer_name(text_at(item, 'listener_arn'))}:{text_at(item, 'port')}"
    return shape


_CONDITIONS = {
    "host-header": ("host_header", "host_header_config"),
    "path-pattern": ("path_pattern", "path_pattern_config"),
    "http-request-method": ("http_request_method", "http_request_method_config"),
    "source-ip": ("source_ip", "source_ip_config"),
    "http-header": ("http_header", "http_header_config"),
    "query-string": ("query_string", "query_string_config"),
}
"""Field of a condition -> Terraform's block, the API's member."""


def _condition(condition: Item) -> Value:
    field = text_at(condition, "field")
    ours, config = _CONDITIONS.get(field, (field.replace("-", "_") or "unknown", ""))
    told = at(condition, config) if config else None
    if ours == "query_string" and isinstance(told, Mapping):
        return {ours: at(condition, f"{config}.values")}
    inner: dict[str, Value] = dict(told) if isinstance(told, Mapping) else {}
    values = inner.get("values") or texts_at(condition, "values")
    inner["values"] = sorted(v for v in values if isinstance(v, str)) if isinstance(values, list) else None
    return {ours: [inner]}


def _rule(item: Item) -> Item:
    shape = renamed(item, {"rule_arn": "arn"}, without=("actions", "conditions"))
    priority = text_at(item, "priority")
    shape["priority"] = int(priority) if priority.isascii() and priority.isdigit() else priority
    conditions = sorted(items_at(item, "conditions"), key=lambda c: (text_at(c, "field"), str(c)))
    shape["condition"] = [_condition(condition) for condition in conditions]
    shape["action"] = _actions(item, "actions")
    shape["_name"] = f"{_load_balancer_name(text_at(item, 'rule_arn'))} rule {priority}"
    return shape


def _load_balancer_name(arn: str) -> str:
    """Of the ARN of a listener or rule: `…:listener/app/NAME/…`."""
    parts = arn.split("/")
    return parts[2] if len(parts) > 2 else ""


def _rule_arn(item: Item, place: Place) -> str:
    # The default rule is the listener's own `default_action`, as in Terraform.
    return "" if at(item, "is_default") is True else text_at(item, "arn")


def _target_group(item: Item) -> Item:
    health_names = [key for key in item if key.startswith("health_check_")]
    shape = renamed(
        item,
        {"target_group_arn": "arn", "target_group_name": "name"},
        without=("load_balancer_arns", "matcher", "targets", "attributes", *health_names, "healthy_threshold_count"),
    )
    told = _attributes(item)
    shape.update(_said(told, _TARGET_GROUP_ATTRIBUTES))
    shape["stickiness"] = block(
        enabled=_scalar(told.get("stickiness.enabled")), type=_scalar(told.get("stickiness.type"))
    )
    shape.pop("unhealthy_threshold_count", None)
    shape["health_check"] = block(
        enabled=at(item, "health_check_enabled"),
        path=at(item, "health_check_path"),
        port=at(item, "health_check_port"),
        protocol=at(item, "health_check_protocol"),
        interval=at(item, "health_check_interval_seconds"),
        timeout=at(item, "health_check_timeout_seconds"),
        healthy_threshold=at(item, "healthy_threshold_count"),
        unhealthy_threshold=at(item, "unhealthy_threshold_count"),
        matcher=at(item, "matcher.http_code") or at(item, "matcher.grpc_code"),
    )
    shape["targets"] = [
        {
            "id": at(one, "target.id"),
            "port": at(one, "target.port"),
            "health": at(one, "target_health.state"),
            "reason": at(one, "target_health.reason"),
        }
        for one in sorted(items_at(item, "targets"), key=lambda t: (text_at(t, "target.id"), text_at(t, "target.port")))
    ]
    if "targets" in item:  # asked for, also when there are none
        shape["target_count"] = len(items_at(item, "targets"))
    return shape


LOAD_BALANCING: tuple[Collection, ...] = (
    Collection(
        type="aws_lb",
        service="elbv2",
        operation="describe_load_balancers",
        items="load_balancers",
        arn=arn_at("arn"),
        batches=(_tags("load_balancer_arn"),),
        details=(
            Detail(
                "describe_load_balancer_attributes",
                {"LoadBalancerArn": "load_balancer_arn"},
                "attributes",
                "attributes",
            ),
        ),
        config_type="AWS::ElasticLoadBalancingV2::LoadBalancer",
        names={"dns_name": "dns"},
        name="name",
        created="created_time",
        status="state.code",
        shape=_load_balancer,
    ),
    Collection(
        type="aws_lb_listener",
        service="elbv2",
        operation="describe_listeners",
        items="listeners",
        arn=arn_at("arn"),
        parent="aws_lb",
        bind={"LoadBalancerArn": "arn"},
        batches=(_tags("listener_arn"),),
        config_type="AWS::ElasticLoadBalancingV2::Listener",
        name="_name",
        shape=_listener,
    ),
    Collection(
        type="aws_lb_listener_rule",
        service="elbv2",
        operation="describe_rules",
        items="rules",
        arn=_rule_arn,
        parent="aws_lb_listener",
        bind={"ListenerArn": "arn"},
        carry={"listener_arn": "arn"},
        batches=(_tags("rule_arn"),),
        name="_name",
        shape=_rule,
    ),
    Collection(
        type="aws_lb_target_group",
        service="elbv2",
        operation="describe_target_groups",
        items="target_groups",
        arn=arn_at("arn"),
        batches=(_tags("target_group_arn"),),
        details=(
            Detail(
                "describe_target_health",
                {"TargetGroupArn": "target_group_arn"},
                "target_health_descriptions",
                "targets",
            ),
            Detail(
                "describe_target_group_attributes", {"TargetGroupArn": "target_group_arn"}, "attributes", "attributes"
            ),
        ),
        name="name",
        shape=_target_group,
    ),
    Collection(
        type="aws_elb",
        service="elb",
        operation="describe_load_balancers",
        items="load_balancer_descriptions",
        arn=lambda item, place: (
            f"arn:{place.partition}:elasticloadbalancing:{place.region}:{place.account_id}:loadbalancer/{text_at(item, 'name')}"
        ),
        batches=(
            Batch(
                "describe_tags",
                "LoadBalancerNames",
                "load_balancer_name",
                20,
                "tag_descriptions",
                "load_balancer_name",
                "tags",
                "tags",
            ),
        ),
        config_type="AWS::ElasticLoadBalancing::LoadBalancer",
        names={"dns_name": "dns"},
        name="name",
        created="created_time",
        shape=lambda item: renamed(
            item, {"load_balancer_name": "name"}, without=("policies", "backend_server_descriptions")
        ),
    ),
)
