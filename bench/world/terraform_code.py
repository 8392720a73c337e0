"""The Terraform code that sets the knobs: two modules, and a root module for each environment or one with variable files."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.world.infrastructure import Values, queues, rule_knob
from bench.world.model import Organisation

Shared = Callable[[str], str]
"""A knob's key to the value that all environments share."""


def terraform_files(organisation: Organisation, values: Values) -> dict[str, str]:
    """The Terraform code that sets these values: modules, and a root module for each environment or one with variable files."""
    any_env = organisation.environments[0]

    def shared(key: str) -> str:
        return values[key][any_env]

    files = {
        "terraform/modules/edge/main.tf": _edge(organisation, shared),
        "terraform/modules/edge/rules.tf": "\n".join(_rule(s.name, *rule_knob(values, s.name, any_env)) for s in organisation.services),
        "terraform/modules/edge/variables.tf": _variables(("environment", "string"), ("public_subnet_ids", "list(string)"), ("services", "map(number)")),
        "terraform/modules/data/main.tf": _data(organisation, shared),
        "terraform/modules/data/variables.tf": _variables(("environment", "string"), ("services", "map(number)"), ("queues", "set(string)"), ("database_class", "string"), ("cache_nodes", "number"), ("worker_count", "number")),
    }  # fmt: skip
    per_environment = ("database_class", "db_class"), ("cache_nodes", "cache_nodes"), ("worker_count", "worker_count")
    if organisation.layout == "workspaces":
        arguments = {name: f"var.{name}" for name, _ in per_environment}
        files["terraform/main.tf"] = _root(organisation, "terraform.workspace", "./modules", arguments)
        files["terraform/variables.tf"] = _variables(
            ("database_class", "string"), ("cache_nodes", "number"), ("worker_count", "number")
        )
        for env in organisation.environments:
            files[f"terraform/env/{env}.tfvars"] = "".join(
                f"{name} = {_literal(values[key][env])}\n" for name, key in per_environment
            )
        return files
    for env in organisation.environments:
        arguments = {name: _literal(values[key][env]) for name, key in per_environment}
        files[f"terraform/environments/{env}/main.tf"] = _root(organisation, f'"{env}"', "../../modules", arguments)
        files[f"terraform/environments/{env}/backend.tf"] = (
            f'terraform {{\n  backend "s3" {{\n    bucket = "{organisation.name}-tfstate"\n    key    = "{env}/terraform.tfstate"\n    region = "{organisation.region}"\n  }}\n}}\n'
        )
    return files


def _literal(value: str) -> str:
    return value if value.isdigit() else f'"{value}"'


def _variables(*variables: tuple[str, str]) -> str:
    return "\n".join(f'variable "{name}" {{\n  type = {kind}\n}}\n' for name, kind in variables)


def _root(organisation: Organisation, environment: str, modules: str, arguments: Mapping[str, str]) -> str:
    width = max(len(name) for name in (*arguments, "environment", "services"))
    services = ", ".join(f"{s.name} = {s.port}" for s in organisation.services)
    names = ", ".join(f'"{q}"' for q in queues(organisation))
    lines = [f"  {name:<{width}} = {value}" for name, value in arguments.items()]
    return (
        f'provider "aws" {{\n  region = "{organisation.region}"\n}}\n\n'
        f"locals {{\n  services = {{ {services} }}\n}}\n\n"
        f'module "edge" {{\n  source            = "{modules}/edge"\n  environment       = {environment}\n  services          = local.services\n  public_subnet_ids = []\n}}\n\n'
        f'module "data" {{\n  {"source":<{width}} = "{modules}/data"\n  {"environment":<{width}} = {environment}\n'
        f"  {'services':<{width}} = local.services\n  {'queues':<{width}} = toset([{names}])\n"
        + "\n".join(lines)
        + "\n}\n"
    )


def _rule(service: str, path: str, priority: str) -> str:
    return f'''resource "aws_lb_listener_rule" "{service}" {{
  listener_arn = aws_lb_listener.https.arn
  priority     = {priority}

  action {{
    type             = "forward"
    target_group_arn = aws_lb_target_group.service["{service}"].arn
  }}

  condition {{
    path_pattern {{
      values = ["{path}"]
    }}
  }}
}}
'''


def _edge(organisation: Organisation, shared: Shared) -> str:
    return f'''resource "aws_lb" "edge" {{
  name               = "{organisation.name}-${{var.environment}}"
  load_balancer_type = "application"
  security_groups    = [aws_security_group.edge.id]
  subnets            = var.public_subnet_ids
  idle_timeout       = {shared("idle_timeout")}
}}

resource "aws_lb_listener" "https" {{
  load_balancer_arn = aws_lb.edge.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "{shared("ssl_policy")}"

  default_action {{
    type = "fixed-response"

    fixed_response {{
      content_type = "text/plain"
      status_code  = "404"
    }}
  }}
}}

resource "aws_lb_target_group" "service" {{
  for_each = var.services

  name     = "${{var.environment}}-${{each.key}}"
  port     = each.value
  protocol = "HTTP"
}}

resource "aws_security_group" "edge" {{
  name = "{organisation.name}-edge-${{var.environment}}"
}}

resource "aws_security_group_rule" "edge_https" {{
  type              = "ingress"
  security_group_id = aws_security_group.edge.id
  protocol          = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_blocks       = ["{shared("edge_cidr")}"]
}}
'''


def _data(organisation: Organisation, shared: Shared) -> str:
    db = organisation.database
    return f'''resource "aws_db_instance" "{db}" {{
  identifier              = "{db}-${{var.environment}}"
  engine                  = "postgres"
  engine_version          = "{shared("db_version")}"
  instance_class          = var.database_class
  backup_retention_period = {shared("backup_days")}
  vpc_security_group_ids  = [aws_security_group.{db}.id]
}}

resource "aws_security_group" "{db}" {{
  name = "{organisation.name}-{db}-${{var.environment}}"
}}

resource "aws_security_group_rule" "{db}_in" {{
  type              = "ingress"
  security_group_id = aws_security_group.{db}.id
  protocol          = "tcp"
  from_port         = 5432
  to_port           = 5432
  cidr_blocks       = ["{shared("db_cidr")}"]
}}

resource "aws_elasticache_cluster" "sessions" {{
  cluster_id      = "sessions-${{var.environment}}"
  engine          = "memcached"
  node_type       = "cache.t4g.small"
  num_cache_nodes = var.cache_nodes
}}

resource "aws_sqs_queue" "work" {{
  for_each = var.queues

  name                       = "${{each.key}}-${{var.environment}}"
  visibility_timeout_seconds = {shared("queue_visibility")}
}}

resource "aws_cloudwatch_log_group" "service" {{
  for_each = var.services

  name              = "/${{var.environment}}/${{each.key}}"
  retention_in_days = {shared("log_days")}
}}

resource "aws_cloudwatch_metric_alarm" "queue_depth" {{
  alarm_name          = "queue-depth-${{var.environment}}"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 2
  metric_name         = "ApproximateNumberOfMessagesVisible"
  namespace           = "AWS/SQS"
  period              = 60
  statistic           = "Maximum"
  threshold           = {shared("alarm_threshold")}
}}

resource "aws_s3_bucket" "receipts" {{
  bucket = "{organisation.name}-receipts-${{var.environment}}"
}}

resource "aws_s3_bucket_versioning" "receipts" {{
  bucket = aws_s3_bucket.receipts.id

  versioning_configuration {{
    status = "{shared("versioning")}"
  }}
}}

resource "aws_instance" "worker" {{
  count = var.worker_count

  ami           = "ami-0abcdef1234567890"
  instance_type = "m6g.large"
}}
'''
