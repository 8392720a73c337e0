"""Tealeaf's Terraform: texts of its files as functions of the few values that its history turns."""

from __future__ import annotations

from dataclasses import dataclass, field

from examples.company import ACCOUNT_IDS, REGION, SERVICES, ServiceSpec


@dataclass(slots=True)
class Knobs:
    """What the history changes over two years; the defaults are the first commit's."""

    rules_file: str = "main.tf"
    rule_paths: dict[str, list[str]] = field(default_factory=lambda: {s.name: [s.path] for s in SERVICES})
    rule_priorities: dict[str, int] = field(default_factory=lambda: {s.name: s.priority for s in SERVICES})
    deregistration_s: int = 300
    health_path: str = "/health"
    edge_cidrs: list[str] = field(default_factory=lambda: ["0.0.0.0/0"])
    ssh_cidr: str | None = "10.0.0.0/8"
    idle_timeout_s: int = 60
    ssl_policy: str = "ELBSecurityPolicy-TLS-1-2-2017-01"
    db_class: dict[str, str] = field(default_factory=lambda: {"staging": "db.t4g.medium", "prod": "db.r6g.large"})
    db_storage_gb: int = 100
    db_version: str = "14.9"
    db_deletion_protection: bool = False
    backup_days: int = 7
    cache_nodes: int = 1
    queue_visibility_s: int = 30
    desired: dict[str, int] = field(default_factory=lambda: {"staging": 1, "prod": 3})
    log_days: int = 30
    versioned_bucket: bool = False
    alarm_threshold: int = 50
    formatted: bool = True


def _list(values: list[str]) -> str:
    return "[" + ", ".join(f'"{v}"' for v in values) + "]"


def listener_rules(knobs: Knobs) -> str:
    """The load balancer's rules, one a service."""
    return "\n".join(_rule(service, knobs) for service in SERVICES)


def _rule(service: ServiceSpec, knobs: Knobs) -> str:
    gap = " " if knobs.formatted else "   "
    return f'''resource "aws_lb_listener_rule" "{service.name}" {{
  listener_arn{gap}= aws_lb_listener.https.arn
  priority    {gap}= {knobs.rule_priorities[service.name]}

  action {{
    type            {gap}= "forward"
    target_group_arn{gap}= aws_lb_target_group.service["{service.name}"].arn
  }}

  condition {{
    path_pattern {{
      values = {_list(knobs.rule_paths[service.name])}
    }}
  }}
}}
'''


def _edge_main(knobs: Knobs) -> str:
    return f'''resource "aws_lb" "edge" {{
  name               = "tealeaf-${{var.environment}}"
  load_balancer_type = "application"
  security_groups    = [aws_security_group.edge.id]
  subnets            = var.public_subnet_ids
  idle_timeout       = {knobs.idle_timeout_s}
}}

resource "aws_lb_listener" "https" {{
  load_balancer_arn = aws_lb.edge.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "{knobs.ssl_policy}"
  certificate_arn   = var.certificate_arn

  default_action {{
    type = "fixed-response"

    fixed_response {{
      content_type = "text/plain"
      status_code  = "404"
    }}
  }}
}}

resource "aws_lb_target_group" "service" {{
  for_each             = var.services
  name                 = "${{var.environment}}-${{each.key}}"
  port                 = each.value.port
  protocol             = "HTTP"
  target_type          = "ip"
  vpc_id               = var.vpc_id
  deregistration_delay = {knobs.deregistration_s}

  health_check {{
    path    = "{knobs.health_path}"
    matcher = "200"
  }}
}}
'''


def _edge_security(knobs: Knobs) -> str:
    ssh = (
        f'''
resource "aws_security_group_rule" "edge_ssh" {{
  type              = "ingress"
  security_group_id = aws_security_group.edge.id
  from_port         = 22
  to_port           = 22
  protocol          = "tcp"
  cidr_blocks       = ["{knobs.ssh_cidr}"]
}}
'''
        if knobs.ssh_cidr
        else ""
    )
    return f"""resource "aws_security_group" "edge" {{
  name        = "tealeaf-edge-${{var.environment}}"
  description = "What reaches the load balancer"
  vpc_id      = var.vpc_id
}}

resource "aws_security_group_rule" "edge_https" {{
  type              = "ingress"
  security_group_id = aws_security_group.edge.id
  from_port         = 443
  to_port           = 443
  protocol          = "tcp"
  cidr_blocks       = {_list(knobs.edge_cidrs)}
}}
{ssh}"""


EDGE_VARIABLES = """variable "environment" {
  type = string
}

variable "vpc_id" {
  type = string
}

variable "public_subnet_ids" {
  type = list(string)
}

variable "certificate_arn" {
  type = string
}

variable "services" {
  description = "Services behind the load balancer, by name"
  type        = map(object({ port = number }))
}
"""

EDGE_OUTPUTS = """output "load_balancer_dns_name" {
  value = aws_lb.edge.dns_name
}

output "security_group_id" {
  value = aws_security_group.edge.id
}
"""


def _data_main(knobs: Knobs) -> str:
    versioning = (
        """
resource "aws_s3_bucket_versioning" "receipts" {
  bucket = aws_s3_bucket.receipts.id

  versioning_configuration {
    status = "Enabled"
  }
}
"""
        if knobs.versioned_bucket
        else ""
    )
    return f'''resource "aws_db_instance" "orders" {{
  identifier                  = "orders-${{var.environment}}"
  engine                      = "postgres"
  engine_version              = "{knobs.db_version}"
  instance_class              = var.database_class
  allocated_storage           = {knobs.db_storage_gb}
  username                    = "orders"
  manage_master_user_password = true
  backup_retention_period     = {knobs.backup_days}
  deletion_protection         = {str(knobs.db_deletion_protection).lower()}
  vpc_security_group_ids      = [aws_security_group.database.id]
}}

resource "aws_security_group" "database" {{
  name   = "tealeaf-database-${{var.environment}}"
  vpc_id = var.vpc_id

  ingress {{
    from_port       = 5432
    to_port         = 5432
    protocol        = "tcp"
    security_groups = [var.edge_security_group_id]
  }}
}}

resource "aws_elasticache_cluster" "sessions" {{
  cluster_id      = "sessions-${{var.environment}}"
  engine          = "redis"
  node_type       = "cache.t4g.small"
  num_cache_nodes = {knobs.cache_nodes}
}}

resource "aws_sqs_queue" "orders" {{
  name                       = "orders-${{var.environment}}"
  visibility_timeout_seconds = {knobs.queue_visibility_s}
}}

resource "aws_s3_bucket" "receipts" {{
  bucket = "tealeaf-receipts-${{var.environment}}"
}}
{versioning}
resource "aws_cloudwatch_log_group" "services" {{
  name              = "/tealeaf/${{var.environment}}"
  retention_in_days = {knobs.log_days}
}}

resource "aws_cloudwatch_metric_alarm" "queue_depth" {{
  alarm_name          = "orders-queue-${{var.environment}}"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = {{ QueueName = aws_sqs_queue.orders.name }}
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 3
  period              = 60
  statistic           = "Maximum"
  threshold           = {knobs.alarm_threshold}
}}
'''


DATA_VARIABLES = """variable "environment" {
  type = string
}

variable "vpc_id" {
  type = string
}

variable "database_class" {
  type = string
}

variable "edge_security_group_id" {
  type = string
}
"""


def _environment(name: str, knobs: Knobs) -> str:
    services = "\n".join(f"    {s.name:<8} = {{ port = {s.port} }}" for s in SERVICES)
    return f'''terraform {{
  required_version = ">= 1.5"

  backend "s3" {{
    bucket = "tealeaf-terraform-state"
    key    = "{name}/terraform.tfstate"
    region = "{REGION}"
  }}
}}

provider "aws" {{
  region              = "{REGION}"
  allowed_account_ids = ["{ACCOUNT_IDS[name]}"]
}}

locals {{
  environment   = "{name}"
  desired_count = {knobs.desired[name]}
}}

module "edge" {{
  source            = "../../modules/edge"
  environment       = local.environment
  vpc_id            = data.aws_vpc.main.id
  public_subnet_ids = data.aws_subnets.public.ids
  certificate_arn   = data.aws_acm_certificate.shop.arn

  services = {{
{services}
  }}
}}

module "data" {{
  source                 = "../../modules/data"
  environment            = local.environment
  vpc_id                 = data.aws_vpc.main.id
  database_class         = "{knobs.db_class[name]}"
  edge_security_group_id = module.edge.security_group_id
}}

data "aws_vpc" "main" {{
  tags = {{ Name = "tealeaf-{name}" }}
}}

data "aws_subnets" "public" {{
  filter {{
    name   = "tag:tier"
    values = ["public"]
  }}
}}

data "aws_acm_certificate" "shop" {{
  domain   = "{"" if name == "prod" else "staging."}tealeaf.example"
  statuses = ["ISSUED"]
}}
'''


def terraform_files(knobs: Knobs) -> dict[str, str]:
    """Every Terraform file, by path."""
    main, rules = _edge_main(knobs), listener_rules(knobs)
    edge = (
        {"main.tf": main + "\n" + rules}
        if knobs.rules_file == "main.tf"
        else {"main.tf": main, knobs.rules_file: rules}
    )
    return {
        **{f"terraform/modules/edge/{name}": text for name, text in edge.items()},
        "terraform/modules/edge/security_groups.tf": _edge_security(knobs),
        "terraform/modules/edge/variables.tf": EDGE_VARIABLES,
        "terraform/modules/edge/outputs.tf": EDGE_OUTPUTS,
        "terraform/modules/data/main.tf": _data_main(knobs),
        "terraform/modules/data/variables.tf": DATA_VARIABLES,
        "terraform/environments/staging/main.tf": _environment("staging", knobs),
        "terraform/environments/prod/main.tf": _environment("prod", knobs),
    }
