"""ARNs of physical resources, where CloudFormation's physical id is one or one can be made of it.

What each type's physical id is: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-template-resource-type-ref.html
(`Ref` returns it).
"""

from __future__ import annotations

from ingest import aws_names
from ingest.sources.aws.table import Place

_REGIONAL = {
    "AWS::RDS::DBInstance": ("rds", "db:"),
    "AWS::RDS::DBCluster": ("rds", "cluster:"),
    "AWS::RDS::DBSubnetGroup": ("rds", "subgrp:"),
    "AWS::RDS::DBParameterGroup": ("rds", "pg:"),
    "AWS::RDS::DBClusterParameterGroup": ("rds", "cluster-pg:"),
    "AWS::Lambda::Function": ("lambda", "function:"),
    "AWS::Lambda::EventSourceMapping": ("lambda", "event-source-mapping:"),
    "AWS::DynamoDB::Table": ("dynamodb", "table/"),
    "AWS::ECS::Cluster": ("ecs", "cluster/"),
    "AWS::EKS::Cluster": ("eks", "cluster/"),
    "AWS::ElastiCache::CacheCluster": ("elasticache", "cluster:"),
    "AWS::ElastiCache::ReplicationGroup": ("elasticache", "replicationgroup:"),
    "AWS::ElastiCache::SubnetGroup": ("elasticache", "subnetgroup:"),
    "AWS::ElasticLoadBalancing::LoadBalancer": ("elasticloadbalancing", "loadbalancer/"),
    "AWS::KMS::Key": ("kms", "key/"),
    "AWS::Logs::LogGroup": ("logs", "log-group:"),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "alarm:"),
    "AWS::Events::Rule": ("events", "rule/"),
    "AWS::ECR::Repository": ("ecr", "repository/"),
    "AWS::SSM::Parameter": ("ssm", "parameter/"),
}
"""Type -> service and prefix of the ARN whose end the physical id is."""
_GLOBAL = {
    "AWS::IAM::Role": ("iam", "role/"),
    "AWS::IAM::User": ("iam", "user/"),
    "AWS::IAM::Group": ("iam", "group/"),
    "AWS::IAM::InstanceProfile": ("iam", "instance-profile/"),
    "AWS::CloudFront::Distribution": ("cloudfront", "distribution/"),
}


def physical_arn(type_: str, physical_id: str, place: Place) -> str:
    """The ARN of a physical resource; empty when its type and id do not tell.

    Of IAM roles and users in a path of their own the ARN cannot be told from the name, and then names nothing.
    """
    if not physical_id:
        return ""
    if physical_id.startswith("arn:"):
        return aws_names.canonical(physical_id)
    if arn := aws_names.ec2(place.account_id, place.region, physical_id, place.partition):
        return arn
    if type_ == "AWS::AutoScaling::AutoScalingGroup":
        return aws_names.auto_scaling_group(physical_id, place.account_id, place.region, place.partition)
    if type_ == "AWS::S3::Bucket":
        return aws_names.s3_bucket(physical_id, place.partition)
    if type_ == "AWS::Route53::HostedZone":
        return aws_names.route53_zone(physical_id, place.partition)
    if type_ == "AWS::SQS::Queue":
        name = physical_id.rpartition("/")[2]
        return aws_names.regional("sqs", place.account_id, place.region, name, place.partition)
    if type_ in _REGIONAL:
        service, prefix = _REGIONAL[type_]
        name = physical_id.removeprefix("/") if type_ == "AWS::SSM::Parameter" else physical_id
        return aws_names.regional(service, place.account_id, place.region, prefix + name, place.partition)
    if type_ in _GLOBAL:
        service, prefix = _GLOBAL[type_]
        return aws_names.regional(service, place.account_id, "", prefix + physical_id, place.partition)
    return ""
