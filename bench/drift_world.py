"""The world of the drift bench: a Terraform configuration of forty resources, and what people then do to them by hand.

Two things apart: the code that is applied, and the table of edits with the answers that are expected of a scan. Nothing of the table is
known to what is measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

REGION = "eu-west-1"
ROOT = "envs/prod"
"""Directory of the root module in the repository."""

SERVICES = (
    *("autoscaling", "cloudwatchlogs", "dynamodb", "ec2", "ecr", "eventbridge"),
    *("iam", "kms", "s3", "sns", "ssm", "sts"),
)
"""Names of the provider's endpoints that the code needs."""

FILES: Mapping[str, str] = {
    "envs/prod/variables.tf": """\
variable "log_retention_days" {
  description = "How long logs of the platform are kept."
  type        = number
  default     = 30
}

variable "tables" {
  type = map(object({ protected = bool }))
}
""",
    "envs/prod/prod.auto.tfvars": """\
# What production has and the other environments do not.
log_retention_days = 365 # the auditors ask for a year

tables = {
  orders   = { protected = true }
  sessions = { protected = false }
}
""",
    "envs/prod/locals.tf": """\
locals {
  office = "10.8.0.0/16"
  tiers  = ["edge", "app", "data"]

  # Switches that the services read at start.
  flags = {
    checkout = "v2"
    search   = "on"
    refunds  = "manual"
  }

  topics = {
    critical = { name = "Critical alerts" }
    warning  = { name = "Warnings" }
    info     = { name = "For the record" }
  }
}
""",
    "envs/prod/network.tf": """\
resource "aws_vpc" "main" {
  cidr_block = "10.20.0.0/16"
  tags       = { Name = "shop" }
}

resource "aws_subnet" "private" {
  count      = 3
  vpc_id     = aws_vpc.main.id
  cidr_block = cidrsubnet(aws_vpc.main.cidr_block, 4, count.index)

  tags = {
    Name = "private-${count.index}"
    Tier = local.tiers[count.index]
  }
}

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.main.id
  tags   = { Name = "private" }
}

# People come in here, and nowhere else.
resource "aws_security_group" "bastion" {
  name        = "shop-bastion"
  description = "bastion"
  vpc_id      = aws_vpc.main.id

  ingress {
    description = "ssh from the office"
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["10.0.0.0/8"] # never more than the office
  }
}

resource "aws_security_group" "database" {
  name        = "shop-database"
  description = "database"
  vpc_id      = aws_vpc.main.id

  ingress {
    from_port   = 5432
    to_port     = 5432
    protocol    = "tcp"
    cidr_blocks = [local.office]
  }
}
""",
    "envs/prod/services.tf": """\
module "api" {
  source = "../../modules/service"

  name           = "api"
  vpc_id         = aws_vpc.main.id
  allowed_cidrs  = ["10.20.0.0/16"]
  retention_days = 90
  tag_mutability = "IMMUTABLE"
}

module "worker" {
  source = "../../modules/service"

  name           = "worker"
  vpc_id         = aws_vpc.main.id
  allowed_cidrs  = ["10.20.0.0/16"]
  retention_days = 30
  tag_mutability = "IMMUTABLE"
}
""",
    "envs/prod/platform.tf": """\
resource "aws_cloudwatch_log_group" "audit" {
  name              = "/shop/audit"
  retention_in_days = var.log_retention_days
}

resource "aws_sns_topic" "alerts" {
  for_each     = local.topics
  name         = "shop-${each.key}"
  display_name = each.value.name
}

resource "aws_ssm_parameter" "flag" {
  for_each       = local.flags
  name           = "/shop/flags/${each.key}"
  type           = "String"
  insecure_value = each.value
}

resource "aws_cloudwatch_event_rule" "nightly" {
  name                = "shop-nightly"
  description         = "Closes the books."
  schedule_expression = "rate(1 day)"
}

resource "aws_kms_key" "data" {
  description         = "data at rest"
  enable_key_rotation = true
}

resource "aws_kms_alias" "data" {
  name          = "alias/shop-data"
  target_key_id = aws_kms_key.data.key_id
}

resource "aws_cloudwatch_log_group" "access" {
  name              = "/shop/access"
  retention_in_days = 14
}

resource "aws_sns_topic" "audit" {
  name = "shop-audit"
}

resource "aws_iam_role" "deploy" {
  name = "shop-deploy"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}
""",
    "envs/prod/data.tf": """\
resource "aws_dynamodb_table" "this" {
  for_each                    = var.tables
  name                        = "shop-${each.key}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "id"
  deletion_protection_enabled = each.value.protected

  attribute {
    name = "id"
    type = "S"
  }
}

resource "aws_s3_bucket" "assets" {
  bucket = "shop-assets-prod"
}

resource "aws_s3_bucket_versioning" "assets" {
  bucket = aws_s3_bucket.assets.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "assets" {
  bucket                  = aws_s3_bucket.assets.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
""",
    "envs/prod/web.tf": """\
resource "aws_launch_template" "web" {
  name          = "shop-web"
  image_id      = "ami-12c6146b"
  instance_type = "t3.small"
}

resource "aws_autoscaling_group" "web" {
  name                      = "shop-web"
  min_size                  = 2
  max_size                  = 6
  desired_capacity          = 4 # one for each zone, and one to spare
  vpc_zone_identifier       = [aws_subnet.private[0].id]
  wait_for_capacity_timeout = "0"

  launch_template {
    id      = aws_launch_template.web.id
    version = "$Latest"
  }
}
""",
    "modules/service/main.tf": """\
variable "name" {
  type = string
}

variable "vpc_id" {
  type = string
}

variable "allowed_cidrs" {
  type = list(string)
}

variable "retention_days" {
  type = number
}

variable "tag_mutability" {
  type = string
}

resource "aws_security_group" "this" {
  name        = "shop-${var.name}"
  description = var.name
  vpc_id      = var.vpc_id

  ingress {
    from_port   = 8080
    to_port     = 8080
    protocol    = "tcp"
    cidr_blocks = var.allowed_cidrs
  }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/shop/${var.name}"
  retention_in_days = var.retention_days
}

resource "aws_ecr_repository" "this" {
  name                 = "shop/${var.name}"
  image_tag_mutability = var.tag_mutability
}

resource "aws_iam_role" "this" {
  name = "shop-${var.name}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = "logs"
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:PutLogEvents"]
      Resource = "*"
    }]
  })
}

resource "aws_ssm_parameter" "this" {
  name           = "/shop/${var.name}/level"
  type           = "String"
  insecure_value = "info"
}
""",
}
"""The repository: path -> text."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One thing done by hand, and what is expected to be told of it.

    Attributes:
        by: the user whose key signs the call.
        sort: what sort of edit it is.
        service, call, arguments: the call of boto3. A text `{address}` is replaced by the id of that instance.
        address: of the resource that drifts; for an unmanaged one a part of what it is called.
        kind: changed, missing or unmanaged.
        paths: what drifts: an attribute path of each is expected to begin with one of these.
    """

    by: str
    sort: str
    service: str
    call: str
    arguments: Mapping[str, object]
    address: str
    kind: str = "changed"
    paths: tuple[str, ...] = ()


def _tcp(port: int, *cidrs: str) -> list[dict[str, object]]:
    return [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": c} for c in cidrs]}]


EDITS: tuple[Edit, ...] = (
    Edit(
        "mallory",
        "rule opened",
        "ec2",
        "authorize_security_group_ingress",
        {
            "GroupId": "{aws_security_group.bastion}",
            "IpPermissions": [
                {
                    "IpProtocol": "tcp",
                    "FromPort": 22,
                    "ToPort": 22,
                    "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "until friday"}],
                }
            ],
        },
        "aws_security_group.bastion",
        paths=("ingress",),
    ),
    Edit(
        "bob",
        "rule opened",
        "ec2",
        "authorize_security_group_ingress",
        {
            "GroupId": "{module.api.aws_security_group.this}",
            "IpPermissions": _tcp(8080, "172.16.0.0/12"),
        },
        "module.api.aws_security_group.this",
        paths=("ingress",),
    ),
    Edit(
        "carol",
        "retention",
        "logs",
        "put_retention_policy",
        {"logGroupName": "/shop/audit", "retentionInDays": 30},
        "aws_cloudwatch_log_group.audit",
        paths=("retention_in_days",),
    ),
    Edit(
        "mallory",
        "protection off",
        "dynamodb",
        "update_table",
        {"TableName": "shop-orders", "DeletionProtectionEnabled": False},
        'aws_dynamodb_table.this["orders"]',
        paths=("deletion_protection_enabled",),
    ),
    Edit(
        "dave",
        "registry",
        "ecr",
        "put_image_tag_mutability",
        {"repositoryName": "shop/worker", "imageTagMutability": "MUTABLE"},
        "module.worker.aws_ecr_repository.this",
        paths=("image_tag_mutability",),
    ),
    Edit(
        "erin",
        "name shown",
        "sns",
        "set_topic_attributes",
        {
            "TopicArn": '{aws_sns_topic.alerts["critical"]}',
            "AttributeName": "DisplayName",
            "AttributeValue": "Wake somebody",
        },
        'aws_sns_topic.alerts["critical"]',
        paths=("display_name",),
    ),
    Edit(
        "bob",
        "parameter",
        "ssm",
        "put_parameter",
        {"Name": "/shop/flags/checkout", "Value": "v1", "Type": "String", "Overwrite": True},
        'aws_ssm_parameter.flag["checkout"]',
        paths=("insecure_value",),
    ),
    Edit(
        "carol",
        "capacity",
        "autoscaling",
        "update_auto_scaling_group",
        {"AutoScalingGroupName": "shop-web", "MinSize": 1, "DesiredCapacity": 1},
        "aws_autoscaling_group.web",
        paths=("min_size", "desired_capacity"),
    ),
    Edit(
        "frank",
        "tag",
        "ec2",
        "create_tags",
        {"Resources": ["{aws_subnet.private[1]}"], "Tags": [{"Key": "Tier", "Value": "public"}]},
        "aws_subnet.private[1]",
        paths=("tags.Tier",),
    ),
    Edit(
        "grace",
        "versioning",
        "s3",
        "put_bucket_versioning",
        {"Bucket": "shop-assets-prod", "VersioningConfiguration": {"Status": "Suspended"}},
        "aws_s3_bucket_versioning.assets",
        paths=("versioning_configuration[0].status",),
    ),
    Edit(
        "erin",
        "deleted",
        "events",
        "delete_rule",
        {"Name": "shop-nightly"},
        "aws_cloudwatch_event_rule.nightly",
        "missing",
    ),
    Edit(
        "frank",
        "created",
        "ec2",
        "create_security_group",
        {"GroupName": "shop-debug", "Description": "debug", "VpcId": "{aws_vpc.main}"},
        "shop-debug",
        "unmanaged",
    ),
)
"""What people did, in this order."""
