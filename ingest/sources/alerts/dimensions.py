"""From the dimensions of a CloudWatch metric to the resource that was measured.

Dimensions: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/aws-services-cloudwatch-metrics.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ingest import aws_names

_REGIONAL = {
    ("AWS/RDS", "DBInstanceIdentifier"): ("rds", "db:"),
    ("AWS/RDS", "DBClusterIdentifier"): ("rds", "cluster:"),
    ("AWS/DocDB", "DBInstanceIdentifier"): ("rds", "db:"),
    ("AWS/Neptune", "DBClusterIdentifier"): ("rds", "cluster:"),
    ("AWS/Lambda", "FunctionName"): ("lambda", "function:"),
    ("AWS/SQS", "QueueName"): ("sqs", ""),
    ("AWS/SNS", "TopicName"): ("sns", ""),
    ("AWS/DynamoDB", "TableName"): ("dynamodb", "table/"),
    ("AWS/Kinesis", "StreamName"): ("kinesis", "stream/"),
    ("AWS/Firehose", "DeliveryStreamName"): ("firehose", "deliverystream/"),
    ("AWS/ElastiCache", "CacheClusterId"): ("elasticache", "cluster:"),
    ("AWS/ElastiCache", "ReplicationGroupId"): ("elasticache", "replicationgroup:"),
    ("AWS/Redshift", "ClusterIdentifier"): ("redshift", "cluster:"),
    ("AWS/ApplicationELB", "LoadBalancer"): ("elasticloadbalancing", "loadbalancer/"),
    ("AWS/NetworkELB", "LoadBalancer"): ("elasticloadbalancing", "loadbalancer/"),
    ("AWS/ApplicationELB", "TargetGroup"): ("elasticloadbalancing", ""),
    ("AWS/NetworkELB", "TargetGroup"): ("elasticloadbalancing", ""),
    ("AWS/ELB", "LoadBalancerName"): ("elasticloadbalancing", "loadbalancer/"),
    ("AWS/EFS", "FileSystemId"): ("elasticfilesystem", "file-system/"),
}
"""(namespace, dimension) -> service and the resource's prefix in its ARN."""
_EC2 = frozenset({"InstanceId", "VolumeId", "NatGatewayId", "TransitGateway"})
_ECS = frozenset({"AWS/ECS", "ECS/ContainerInsights"})


def resources_of(
    metrics: Iterable[tuple[str, str, Mapping[str, str]]], account_id: str, region: str, partition: str = "aws"
) -> Iterator[tuple[str, str]]:
    """(ARN, what said so) of the resources that metrics (namespace, name, dimensions) were measured on.

    None without account and region; a dimension that names no single resource (an auto scaling group's ARN holds an id of its own) is
    passed over.
    """
    if not (account_id and region):
        return
    for namespace, _, dimensions in metrics:
        for name, value in sorted(dimensions.items()):
            if value and (arn := _arn(namespace, name, value, account_id, region, partition)):
                yield arn, f"dimension {name}"
        cluster = dimensions.get("ClusterName", "")
        if namespace in _ECS and cluster:
            yield (
                aws_names.regional("ecs", account_id, region, f"cluster/{cluster}", partition),
                "dimension ClusterName",
            )
            if service := dimensions.get("ServiceName", ""):
                arn = aws_names.regional("ecs", account_id, region, f"service/{cluster}/{service}", partition)
                yield arn, "dimension ServiceName"


def _arn(namespace: str, name: str, value: str, account_id: str, region: str, partition: str) -> str:
    if name in _EC2:
        return aws_names.ec2(account_id, region, value, partition)
    if (namespace, name) == ("AWS/S3", "BucketName"):
        return aws_names.s3_bucket(value, partition)
    if (namespace, name) == ("AWS/CloudFront", "DistributionId"):
        return f"arn:{partition}:cloudfront::{account_id}:distribution/{value}"
    if value.startswith("arn:"):
        return value
    if (known := _REGIONAL.get((namespace, name))) is None:
        return ""
    service, prefix = known
    return aws_names.regional(service, account_id, region, prefix + value, partition)
