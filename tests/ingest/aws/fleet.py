"""A little fleet on moto: a shop behind a load balancer, a database, containers, functions, and what belongs to them."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from tests.contracts.source_contract import CANARY
from tests.moto_server import ACCOUNT_ID, REGION, MotoServer

TAGS = [{"Key": "environment", "Value": "production"}, {"Key": "service", "Value": "Checkout API"}]
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


@dataclass(frozen=True, slots=True)
class Network:
    vpc: str
    subnets: list[str]
    group: str
    route_table: str
    gateway: str


@dataclass(frozen=True, slots=True)
class Shop:
    """Ids and ARNs of what was made."""

    network: Network
    lb: str
    listener: str
    rule: str
    target_group: str
    instance: str


def network(moto: MotoServer) -> Network:
    vpc = _text(moto.do("ec2", "create_vpc", CidrBlock="10.0.0.0/16"), "Vpc.VpcId")
    subnets = [
        _text(
            moto.do("ec2", "create_subnet", VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"{REGION}{zone}"),
            "Subnet.SubnetId",
        )
        for i, zone in enumerate("ab")
    ]
    group = _text(moto.do("ec2", "create_security_group", GroupName="web", Description="web", VpcId=vpc), "GroupId")
    moto.do(
        "ec2",
        "authorize_security_group_ingress",
        GroupId=group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 443,
                "ToPort": 443,
                "IpRanges": [{"CidrIp": "10.9.0.0/16", "Description": "office"}],
            }
        ],
    )
    gateway = _text(moto.do("ec2", "create_internet_gateway"), "InternetGateway.InternetGatewayId")
    moto.do("ec2", "attach_internet_gateway", InternetGatewayId=gateway, VpcId=vpc)
    table = _text(moto.do("ec2", "create_route_table", VpcId=vpc), "RouteTable.RouteTableId")
    moto.do("ec2", "create_route", RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    moto.do("ec2", "associate_route_table", RouteTableId=table, SubnetId=subnets[0])
    return Network(vpc, subnets, group, table, gateway)


def shop(moto: MotoServer) -> Shop:
    net = network(moto)
    run = moto.do(
        "ec2",
        "run_instances",
        ImageId="ami-12c6146b",
        MinCount=1,
        MaxCount=1,
        InstanceType="t3.micro",
        SubnetId=net.subnets[0],
        SecurityGroupIds=[net.group],
        UserData=f"export PASSWORD={CANARY}",
        TagSpecifications=[{"ResourceType": "instance", "Tags": [*TAGS, {"Key": "Name", "Value": "web-1"}]}],
    )
    instance = _text(run, "Instances.InstanceId")
    lb = _text(
        moto.do(
            "elbv2", "create_load_balancer", Name="shop", Subnets=net.subnets, SecurityGroups=[net.group], Tags=TAGS
        ),
        "LoadBalancers.LoadBalancerArn",
    )
    group = _text(
        moto.do(
            "elbv2", "create_target_group", Name="api", Protocol="HTTP", Port=8080, VpcId=net.vpc, HealthCheckPath="/up"
        ),
        "TargetGroups.TargetGroupArn",
    )
    moto.do("elbv2", "register_targets", TargetGroupArn=group, Targets=[{"Id": instance, "Port": 8080}])
    listener = _text(
        moto.do(
            "elbv2",
            "create_listener",
            LoadBalancerArn=lb,
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
        ),
        "Listeners.ListenerArn",
    )
    rule = _text(
        moto.do(
            "elbv2",
            "create_rule",
            ListenerArn=listener,
            Priority=10,
            Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/v2/*", "/api/*"]}}],
            Actions=[{"Type": "forward", "TargetGroupArn": group}],
        ),
        "Rules.RuleArn",
    )
    return Shop(net, lb, listener, rule, group, instance)


def role(moto: MotoServer, name: str = "checkout") -> str:
    made = moto.do("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST), Tags=TAGS)
    arn = _text(made, "Role.Arn")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    managed = _text(
        moto.do("iam", "create_policy", PolicyName=f"{name}-read", PolicyDocument=json.dumps(policy)), "Policy.Arn"
    )
    moto.do("iam", "attach_role_policy", RoleName=name, PolicyArn=managed)
    moto.do("iam", "put_role_policy", RoleName=name, PolicyName="inline", PolicyDocument=json.dumps(policy))
    return arn


def everything(moto: MotoServer) -> Shop:
    """One of most kinds, with `CANARY` wherever a secret may stand."""
    made = shop(moto)
    net, role_arn = made.network, role(moto)
    moto.do("iam", "create_user", UserName="deploy")
    _compute(moto, net)
    _containers(moto, made, role_arn)
    _functions(moto, net, role_arn)
    _data(moto, net)
    _storage(moto)
    _edge(moto, made)
    _messaging(moto)
    return made


def _compute(moto: MotoServer, net: Network) -> None:
    address = _text(moto.do("ec2", "allocate_address", Domain="vpc"), "AllocationId")
    moto.do("ec2", "create_nat_gateway", SubnetId=net.subnets[0], AllocationId=address)
    moto.do("ec2", "create_volume", AvailabilityZone=f"{REGION}a", Size=8)
    template = moto.do(
        "ec2",
        "create_launch_template",
        LaunchTemplateName="web",
        LaunchTemplateData={
            "ImageId": "ami-12c6146b",
            "InstanceType": "t3.micro",
            "UserData": base64.b64encode(CANARY.encode()).decode(),
        },
    )
    moto.do(
        "autoscaling",
        "create_auto_scaling_group",
        AutoScalingGroupName="web",
        LaunchTemplate={"LaunchTemplateId": _text(template, "LaunchTemplate.LaunchTemplateId"), "Version": "1"},
        MinSize=1,
        MaxSize=2,
        VPCZoneIdentifier=",".join(net.subnets),
        Tags=[{"Key": "environment", "Value": "staging", "PropagateAtLaunch": True}],
    )


def _containers(moto: MotoServer, made: Shop, role_arn: str) -> None:
    moto.do("ecs", "create_cluster", clusterName="shop")
    moto.do(
        "ecs",
        "register_task_definition",
        family="checkout",
        taskRoleArn=role_arn,
        containerDefinitions=[
            {
                "name": "api",
                "image": "shop/api:1.4.2",
                "memory": 256,
                "environment": [{"name": "DB_PASSWORD", "value": CANARY}, {"name": "LEVEL", "value": CANARY}],
                "secrets": [{"name": "KEY", "valueFrom": f"arn:aws:ssm:{REGION}:{ACCOUNT_ID}:parameter/key"}],
            }
        ],
    )
    moto.do(
        "ecs",
        "create_service",
        cluster="shop",
        serviceName="checkout",
        taskDefinition="checkout",
        desiredCount=2,
        loadBalancers=[{"targetGroupArn": made.target_group, "containerName": "api", "containerPort": 8080}],
        tags=[{"key": "environment", "value": "prod"}],
    )
    moto.do(
        "eks",
        "create_cluster",
        name="apps",
        roleArn=role_arn,
        resourcesVpcConfig={"subnetIds": made.network.subnets, "securityGroupIds": [made.network.group]},
        tags={"environment": "prod"},
    )
    moto.do(
        "eks",
        "create_nodegroup",
        clusterName="apps",
        nodegroupName="default",
        subnets=made.network.subnets,
        nodeRole=role_arn,
    )


def _functions(moto: MotoServer, net: Network, role_arn: str) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr(zipfile.ZipInfo("index.py", (2026, 1, 1, 0, 0, 0)), "def handler(event, context): return 1")
    moto.do(
        "lambda",
        "create_function",
        FunctionName="resize",
        Runtime="python3.12",
        Role=role_arn,
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": {"LEVEL": CANARY, "API_TOKEN": CANARY}},
        VpcConfig={"SubnetIds": net.subnets, "SecurityGroupIds": [net.group]},
        Tags={"Service": "images"},
    )
    moto.do("lambda", "publish_version", FunctionName="resize")
    moto.do("lambda", "create_alias", FunctionName="resize", Name="live", FunctionVersion="1")


def _data(moto: MotoServer, net: Network) -> None:
    moto.do(
        "rds",
        "create_db_subnet_group",
        DBSubnetGroupName="main",
        DBSubnetGroupDescription="main",
        SubnetIds=net.subnets,
    )
    moto.do(
        "rds",
        "create_db_parameter_group",
        DBParameterGroupName="pg16",
        DBParameterGroupFamily="postgres16",
        Description="ours",
    )
    moto.do(
        "rds",
        "modify_db_parameter_group",
        DBParameterGroupName="pg16",
        Parameters=[{"ParameterName": "max_connections", "ParameterValue": "300", "ApplyMethod": "pending-reboot"}],
    )
    moto.do(
        "rds",
        "create_db_instance",
        DBInstanceIdentifier="orders",
        DBInstanceClass="db.t3.medium",
        Engine="postgres",
        MasterUsername="root",
        MasterUserPassword=CANARY,
        AllocatedStorage=20,
        DBSubnetGroupName="main",
        DBParameterGroupName="pg16",
        VpcSecurityGroupIds=[net.group],
        Tags=TAGS,
    )
    moto.do(
        "elasticache",
        "create_cache_cluster",
        CacheClusterId="cache",
        Engine="redis",
        NumCacheNodes=1,
        CacheNodeType="cache.t3.micro",
    )
    moto.do(
        "dynamodb",
        "create_table",
        TableName="carts",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def _storage(moto: MotoServer) -> None:
    moto.do("s3", "create_bucket", Bucket="shop-logs", CreateBucketConfiguration={"LocationConstraint": REGION})
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::shop-logs/*"}],
    }
    moto.do("s3", "put_bucket_policy", Bucket="shop-logs", Policy=json.dumps(policy))
    moto.do(
        "s3",
        "put_public_access_block",
        Bucket="shop-logs",
        PublicAccessBlockConfiguration={"BlockPublicAcls": True, "BlockPublicPolicy": True},
    )
    moto.do(
        "s3",
        "create_bucket",
        "eu-central-1",
        Bucket="plain",
        CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
    )


def _edge(moto: MotoServer, made: Shop) -> None:
    zone = _text(
        moto.do("route53", "create_hosted_zone", Name="shop.example.com", CallerReference="1"), "HostedZone.Id"
    )
    record = {
        "Name": "api.shop.example.com",
        "Type": "CNAME",
        "TTL": 60,
        "ResourceRecords": [{"Value": "lb.example.com"}],
    }
    moto.do(
        "route53",
        "change_resource_record_sets",
        HostedZoneId=zone,
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
    )
    moto.do(
        "acm", "request_certificate", DomainName="shop.example.com", SubjectAlternativeNames=["www.shop.example.com"]
    )
    origin = {
        "Id": "lb",
        "DomainName": "lb.example.com",
        "CustomHeaders": {"Quantity": 1, "Items": [{"HeaderName": "X-Origin-Check", "HeaderValue": CANARY}]},
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"},
    }
    behavior = {
        "TargetOriginId": "lb",
        "ViewerProtocolPolicy": "redirect-to-https",
        "MinTTL": 0,
        "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
    }
    moto.do(
        "cloudfront",
        "create_distribution",
        DistributionConfig={
            "CallerReference": "1",
            "Comment": "shop",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": behavior,
        },
    )


def _messaging(moto: MotoServer) -> None:
    dead = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:orders-dead"
    moto.do("sqs", "create_queue", QueueName="orders-dead")
    moto.do(
        "sqs",
        "create_queue",
        QueueName="orders",
        Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 3})},
        tags={"service": "orders"},
    )
    topic = _text(moto.do("sns", "create_topic", Name="paid"), "TopicArn")
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:orders"
    moto.do("sns", "subscribe", TopicArn=topic, Protocol="sqs", Endpoint=queue)
    moto.do("sns", "subscribe", TopicArn=topic, Protocol="https", Endpoint=f"https://hooks.example.com/{CANARY}")


def _text(answer: Mapping[str, object], path: str) -> str:
    found: object = answer
    for step in path.split("."):
        if isinstance(found, list):
            found = cast("list[object]", found)[0]
        found = cast("Mapping[str, object]", found)[step]
    assert isinstance(found, str)
    return found
