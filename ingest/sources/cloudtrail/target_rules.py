"""Which parameter or response of which call names what it touched.

Paths are of lower-case names: `p.` parameters, `r.` response; the first of a rule's paths that gives an ARN counts. The first rule of a service
that fits a call and finds something counts, with those marked `more` before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rule:
    """How to find what some calls touched.

    Attributes:
        calls: matches the whole name of a call.
        paths: where to look.
        template: how a name becomes an ARN: `{v}` the value, `{p}` `{a}` `{r}` partition, account and region; `ec2` for ids of EC2, `sqs` for
            URLs of queues. A value that is an ARN is taken as it is. Empty: only ARNs count.
        effect: on the thing; empty: as the call's verb says.
        others: further placeholders of the template -> path in the parameters.
        last_step: only what follows the value's last slash counts.
        more: the next rules are tried as well.
    """

    calls: re.Pattern[str]
    paths: tuple[str, ...]
    template: str = ""
    effect: str = ""
    others: Mapping[str, str] = field(default_factory=dict[str, str])
    last_step: bool = False
    more: bool = False


def _r(
    calls: str,
    paths: str,
    template: str = "",
    effect: str = "",
    others: Mapping[str, str] | None = None,
    *,
    last_step: bool = False,
    more: bool = False,
) -> Rule:
    return Rule(re.compile(calls), tuple(paths.split()), template, effect, others or {}, last_step, more)


def _regional(service: str, resource: str) -> str:
    return f"arn:{{p}}:{service}:{{r}}:{{a}}:{resource}"


def _global(service: str, resource: str) -> str:
    return f"arn:{{p}}:{service}::{{a}}:{resource}"


_BUCKET, _ZONE = "arn:{p}:s3:::{v}", "arn:{p}:route53:::hostedzone/{v}"
_ROLE, _USER, _GROUP = _global("iam", "role/{v}"), _global("iam", "user/{v}"), _global("iam", "group/{v}")
_ASG = _regional("autoscaling", "autoScalingGroup:*:autoScalingGroupName/{v}")
_FUNCTION, _TABLE = _regional("lambda", "function:{v}"), _regional("dynamodb", "table/{v}")

RULES: Mapping[str, tuple[Rule, ...]] = {
    "elasticloadbalancing": (
        _r("CreateRule", "r.rules.rulearn"),
        _r(".*Rule|SetRulePriorities", "p.rulearn p.rulepriorities.rulearn"),
        _r("CreateListener", "r.listeners.listenerarn"),
        _r(".*Listener|.*ListenerCertificates|ModifyListenerAttributes", "p.listenerarn", effect=""),
        _r("CreateTargetGroup", "r.targetgroups.targetgrouparn"),
        _r("(?:Der|R)egisterTargets", "p.targetgrouparn", effect="updated"),
        _r(".*TargetGroup.*", "p.targetgrouparn"),
        _r("CreateLoadBalancer", "r.loadbalancers.loadbalancerarn"),
        _r("Set.*|.*LoadBalancer.*|ModifyLoadBalancerAttributes", "p.loadbalancerarn"),
        _r("AddTags|RemoveTags", "p.resourcearns", effect="updated"),
        # classic load balancers
        _r(
            "(?:Create|Delete)LoadBalancer", "p.loadbalancername", _regional("elasticloadbalancing", "loadbalancer/{v}")
        ),
        _r(".*", "p.loadbalancername", _regional("elasticloadbalancing", "loadbalancer/{v}"), "updated"),
    ),
    "ec2": (
        _r("CreateSecurityGroup", "r.groupid", "ec2"),
        _r(
            "(?:Authorize|Revoke)SecurityGroup.*|UpdateSecurityGroupRuleDescriptions.*",
            "p.groupid r.securitygroupruleset.groupid",
            "ec2",
            "updated",
        ),
        _r("ModifySecurityGroupRules", "p.modifysecuritygrouprulesrequest.groupid p.groupid", "ec2", "updated"),
        _r("DeleteSecurityGroup", "p.groupid", "ec2"),
        _r("RunInstances", "r.instancesset.instanceid", "ec2"),
        _r("TerminateInstances|(?:Start|Stop|Reboot|Monitor|Unmonitor)Instances", "p.instancesset.instanceid", "ec2"),
        _r("(?:Create|Delete)Tags", "p.resourcesset.resourceid", "ec2", "updated"),
        _r(
            ".*Instance(?:Attribute|MetadataOptions|Placement|CreditSpecification|EventStartTime)|(?:Associate|Replace).*IamInstanceProfile.*",
            "p.instanceid p.modifyinstancemetadataoptionsrequest.instanceid p.associateiaminstanceprofilerequest.instanceid",
            "ec2",
            "updated",
        ),
        _r("CreateVpc", "r.vpc.vpcid", "ec2"),
        _r("CreateSubnet", "r.subnet.subnetid", "ec2"),
        _r("CreateRouteTable", "r.routetable.routetableid", "ec2"),
        _r(
            "(?:Create|Replace|Delete)Route|(?:Associate|Disassociate)RouteTable|(?:En|Dis)ableVgwRoutePropagation",
            "p.routetableid",
            "ec2",
            "updated",
        ),
        _r("ReplaceRouteTableAssociation", "p.routetableid", "ec2", "updated"),
        _r("CreateInternetGateway", "r.internetgateway.internetgatewayid", "ec2"),
        _r("(?:At|De)tachInternetGateway", "p.internetgatewayid", "ec2", "updated"),
        _r("CreateNatGateway", "r.createnatgatewayresponse.natgateway.natgatewayid r.natgateway.natgatewayid", "ec2"),
        _r("DeleteNatGateway", "p.deletenatgatewayrequest.natgatewayid p.natgatewayid", "ec2"),
        _r("AllocateAddress", "r.allocationid", "ec2"),
        _r("(?:Associate|Disassociate)Address", "p.allocationid p.instanceid", "ec2", "updated"),
        _r("ReleaseAddress", "p.allocationid", "ec2"),
        _r("CreateVolume", "r.volumeid", "ec2"),
        _r("(?:Attach|Detach|Modify)Volume", "p.volumeid p.modifyvolumerequest.volumeid", "ec2", "updated"),
        _r("CreateSnapshot", "r.snapshotid", "ec2"),
        _r("CreateImage", "r.imageid", "ec2"),
        _r("ModifyImageAttribute|DeregisterImage", "p.imageid", "ec2"),
        _r("CreateNetworkInterface", "r.networkinterface.networkinterfaceid", "ec2"),
        _r("(?:Create|Replace|Delete)NetworkAclEntry", "p.networkaclid", "ec2", "updated"),
        _r("CreateNetworkAcl", "r.networkacl.networkaclid", "ec2"),
        _r(
            "CreateVpcEndpoint",
            "r.createvpcendpointresponse.vpcendpoint.vpcendpointid r.vpcendpoint.vpcendpointid",
            "ec2",
        ),
        _r("ModifyVpcEndpoint", "p.modifyvpcendpointrequest.vpcendpointid p.vpcendpointid", "ec2"),
        _r(
            "DeleteVpcEndpoints",
            "p.deletevpcendpointsrequest.vpcendpointid p.deletevpcendpointsrequest.vpcendpointid.content",
            "ec2",
        ),
        _r("CreateVpcPeeringConnection", "r.vpcpeeringconnection.vpcpeeringconnectionid", "ec2"),
        _r("CreateLaunchTemplate", "r.createlaunchtemplateresponse.launchtemplate.launchtemplateid", "ec2"),
        _r(
            "CreateLaunchTemplateVersion|ModifyLaunchTemplate",
            "p.createlaunchtemplateversionrequest.launchtemplateid p.modifylaunchtemplaterequest.launchtemplateid r.createlaunchtemplateversionresponse.launchtemplateversion.launchtemplateid r.modifylaunchtemplateresponse.launchtemplate.launchtemplateid",
            "ec2",
            "updated",
        ),
        _r("DeleteLaunchTemplate", "p.deletelaunchtemplaterequest.launchtemplateid", "ec2"),
        _r("(?:Modify|Delete)(?:Vpc|Subnet|VpcAttribute|SubnetAttribute)", "p.subnetid p.vpcid", "ec2"),
        _r(
            "CreateFlowLogs",
            "p.createflowlogsrequest.resourceid.content p.createflowlogsrequest.resourceid",
            "ec2",
            "updated",
        ),
    ),
    "ec2-instance-connect": (_r(".*", "p.instanceid", "arn:{p}:ec2:{r}:{a}:instance/{v}", "updated"),),
    "autoscaling": (
        _r("(?:Create|Delete)AutoScalingGroup", "p.autoscalinggroupname", _ASG),
        _r(
            "(?:Create|Delete)LaunchConfiguration",
            "p.launchconfigurationname",
            _regional("autoscaling", "launchConfiguration:*:launchConfigurationName/{v}"),
        ),
        _r("CreateOrUpdateTags|DeleteTags", "p.tags.resourceid", _ASG, "updated"),
        _r(".*", "p.autoscalinggroupname", _ASG, "updated"),
    ),
    "rds": (
        _r(".*DBInstance.*", "r.dbinstancearn p.dbinstanceidentifier", _regional("rds", "db:{v}")),
        _r(
            ".*DBClusterSnapshot.*",
            "r.dbclustersnapshotarn p.dbclustersnapshotidentifier",
            _regional("rds", "cluster-snapshot:{v}"),
        ),
        _r(".*DBSnapshot.*", "r.dbsnapshotarn p.dbsnapshotidentifier", _regional("rds", "snapshot:{v}")),
        _r(
            ".*DBClusterParameterGroup",
            "r.dbclusterparametergrouparn p.dbclusterparametergroupname",
            _regional("rds", "cluster-pg:{v}"),
        ),
        _r(".*DBParameterGroup", "r.dbparametergrouparn p.dbparametergroupname", _regional("rds", "pg:{v}")),
        _r(".*DBSubnetGroup", "r.dbsubnetgrouparn p.dbsubnetgroupname", _regional("rds", "subgrp:{v}")),
        _r(".*OptionGroup", "r.optiongrouparn p.optiongroupname", _regional("rds", "og:{v}")),
        _r(".*DBCluster.*|.*GlobalCluster", "r.dbclusterarn p.dbclusteridentifier", _regional("rds", "cluster:{v}")),
        _r("(?:Add|Remove)Tags.*", "p.resourcename", effect="updated"),
    ),
    "lambda": (
        _r("(?:Create|Update|Delete)EventSourceMapping", "r.functionarn p.functionname", _FUNCTION, "updated"),
        _r("(?:Create|Delete)Function", "r.functionarn p.functionname", _FUNCTION),
        _r("PublishLayerVersion", "r.layerarn"),
        _r("(?:Un)?[Tt]agResource", "p.resource", effect="updated"),
        _r(".*", "p.functionname r.functionarn", _FUNCTION, "updated"),
    ),
    "ecs": (
        _r(
            "(?:Create|Delete|Update)Service",
            "r.service.servicearn p.service p.servicename",
            _regional("ecs", "service/{c}/{v}"),
            "",
            {"c": "cluster"},
        ),
        _r(
            "(?:Create|Update|Delete)TaskSet|UpdateServicePrimaryTaskSet",
            "p.service",
            _regional("ecs", "service/{c}/{v}"),
            "updated",
            {"c": "cluster"},
        ),
        _r("(?:R|Der)egisterTaskDefinition", "r.taskdefinition.taskdefinitionarn p.taskdefinition"),
        _r("(?:RunTask|StartTask)", "r.tasks.taskarn", effect="created"),
        _r("StopTask", "r.task.taskarn p.task", _regional("ecs", "task/{c}/{v}"), "deleted", {"c": "cluster"}),
        _r("(?:Create|Delete)Cluster", "r.cluster.clusterarn p.cluster p.clustername", _regional("ecs", "cluster/{v}")),
        _r("(?:Update|Put)Cluster.*", "p.cluster", _regional("ecs", "cluster/{v}"), "updated"),
        _r("(?:Un)?[Tt]agResource", "p.resourcearn", effect="updated"),
    ),
    "eks": (
        _r(".*Nodegroup.*", "r.nodegroup.nodegrouparn p.nodegroupname", "", "", more=True),
        _r(".*Addon", "r.addon.addonarn"),
        _r("(?:Create|Delete)Cluster", "r.cluster.arn p.name", _regional("eks", "cluster/{v}")),
        _r("(?:Un)?[Tt]agResource", "p.resourcearn", effect="updated"),
        _r(".*", "p.clustername p.name", _regional("eks", "cluster/{v}"), "updated"),
    ),
    "s3": (
        _r("(?:Create|Delete)Bucket", "p.bucketname", _BUCKET),
        _r(
            "(?:Put|Delete)Bucket.*|(?:Put|Delete)(?:AccountPublicAccessBlock|PublicAccessBlock)",
            "p.bucketname",
            _BUCKET,
            "updated",
        ),
        _r(".*Bucket.*|.*Configuration", "p.bucketname", _BUCKET, "updated"),
    ),
    "iam": (
        _r("(?:Create|Delete)Role|CreateServiceLinkedRole", "r.role.arn p.rolename", _ROLE),
        _r("(?:Create|Delete)User", "r.user.arn p.username", _USER),
        _r("(?:Create|Delete)Group", "r.group.arn p.groupname", _GROUP),
        _r("(?:Create|Delete)Policy", "r.policy.arn p.policyarn"),
        _r("(?:Create|Delete|SetDefault)PolicyVersion|(?:Un)?[Tt]agPolicy", "p.policyarn", effect="updated"),
        _r(
            "(?:Create|Delete)InstanceProfile",
            "r.instanceprofile.arn p.instanceprofilename",
            _global("iam", "instance-profile/{v}"),
        ),
        _r(
            "(?:Add|Remove)Role(?:To|From)InstanceProfile",
            "p.instanceprofilename",
            _global("iam", "instance-profile/{v}"),
            "updated",
        ),
        _r("(?:Add|Remove)User(?:To|From)Group", "p.groupname", _GROUP, "updated", more=True),
        _r("(?:Create|Delete)OpenIDConnectProvider", "r.openidconnectproviderarn p.openidconnectproviderarn"),
        _r(".*Role.*|UpdateAssumeRolePolicy", "p.rolename", _ROLE, "updated"),
        _r(
            ".*User.*|.*AccessKey|.*LoginProfile|.*MFADevice|.*SigningCertificate|.*ServiceSpecificCredential|.*SSHPublicKey",
            "p.username r.accesskey.username",
            _USER,
            "updated",
        ),
        _r(".*Group.*", "p.groupname", _GROUP, "updated"),
    ),
    "route53": (
        _r("CreateHostedZone", "r.hostedzone.id", _ZONE, last_step=True),
        _r("DeleteHostedZone", "p.id", _ZONE, last_step=True),
        _r("(?:Create|Delete)HealthCheck", "r.healthcheck.id p.healthcheckid", "arn:{p}:route53:::healthcheck/{v}"),
        _r("UpdateHealthCheck", "p.healthcheckid", "arn:{p}:route53:::healthcheck/{v}", "updated"),
        _r(".*", "p.hostedzoneid p.id p.resourceid", _ZONE, "updated", last_step=True),
    ),
    "cloudfront": (
        _r("(?:Create|Delete)Distribution.*", "r.distribution.arn p.id", _global("cloudfront", "distribution/{v}")),
        _r(
            ".*Function", "r.functionsummary.functionmetadata.functionarn p.name", _global("cloudfront", "function/{v}")
        ),
        _r(
            "(?:Update|CreateInvalidation|Associate).*",
            "r.distribution.arn p.distributionid p.id",
            _global("cloudfront", "distribution/{v}"),
            "updated",
        ),
    ),
    "elasticache": (
        _r(
            ".*ReplicationGroup.*|(?:In|De)creaseReplicaCount|TestFailover|.*ReplicationGroupShardConfiguration",
            "r.arn p.replicationgroupid",
            _regional("elasticache", "replicationgroup:{v}"),
        ),
        _r(".*CacheCluster.*", "r.arn p.cacheclusterid", _regional("elasticache", "cluster:{v}")),
        _r(".*CacheParameterGroup", "r.arn p.cacheparametergroupname", _regional("elasticache", "parametergroup:{v}")),
        _r(".*CacheSubnetGroup", "r.arn p.cachesubnetgroupname", _regional("elasticache", "subnetgroup:{v}")),
    ),
    "sqs": (
        _r("(?:Create|Delete)Queue", "r.queueurl p.queueurl", "sqs"),
        _r(".*", "p.queueurl", "sqs", "updated"),
    ),
    "sns": (
        _r("(?:Create|Delete)Topic", "r.topicarn p.topicarn"),
        _r("Subscribe|ConfirmSubscription", "p.topicarn", effect="updated"),
        _r(".*", "p.topicarn p.resourcearn p.subscriptionarn", effect="updated"),
    ),
    "acm": (
        _r("RequestCertificate|ImportCertificate", "r.certificatearn p.certificatearn"),
        _r(".*", "p.certificatearn"),
    ),
    "kms": (
        _r("CreateKey", "r.keymetadata.arn"),
        _r("(?:Create|Delete|Update)Alias", "p.targetkeyid", _regional("kms", "key/{v}"), "updated"),
        _r(".*", "p.keyid", _regional("kms", "key/{v}"), "updated"),
    ),
    "secretsmanager": (
        _r("(?:Create|Delete)Secret", "r.arn p.secretid"),
        _r(".*", "r.arn p.secretid", effect="updated"),
    ),
    "dynamodb": (
        _r("(?:Create|Delete)Table", "r.tabledescription.tablearn p.tablename", _TABLE),
        _r("(?:Un)?[Tt]agResource", "p.resourcearn", effect="updated"),
        _r("Update.*|Restore.*", "p.tablename", _TABLE, "updated"),
    ),
    "ssm": (
        _r("(?:Put|Delete)Parameter|LabelParameterVersion", "p.name", _regional("ssm", "parameter/{v}")),
        _r("DeleteParameters", "p.names", _regional("ssm", "parameter/{v}")),
        _r("(?:Create|Update|Delete)Document.*", "p.name", _regional("ssm", "document/{v}")),
        _r("SendCommand", "p.instanceids", "arn:{p}:ec2:{r}:{a}:instance/{v}", "updated"),
        _r("StartSession|ResumeSession", "p.target", "arn:{p}:ec2:{r}:{a}:instance/{v}", "updated"),
    ),
    "logs": (
        _r("(?:Create|Delete)LogGroup", "p.loggroupname", _regional("logs", "log-group:{v}")),
        _r("Put.*|Delete.*", "p.loggroupname", _regional("logs", "log-group:{v}"), "updated"),
    ),
    "monitoring": (
        _r("PutMetricAlarm", "p.alarmname", _regional("cloudwatch", "alarm:{v}"), "updated"),
        _r(
            "DeleteAlarms|(?:En|Dis)ableAlarmActions|SetAlarmState",
            "p.alarmnames p.alarmname",
            _regional("cloudwatch", "alarm:{v}"),
        ),
    ),
    "events": (
        _r(
            "PutRule|PutTargets|RemoveTargets|(?:En|Dis)ableRule",
            "r.rulearn p.name p.rule",
            _regional("events", "rule/{v}"),
            "updated",
        ),
        _r("DeleteRule", "p.name", _regional("events", "rule/{v}")),
    ),
    "ecr": (
        _r(
            "(?:Create|Delete)Repository",
            "r.repository.repositoryarn p.repositoryname",
            _regional("ecr", "repository/{v}"),
        ),
        _r(".*", "p.repositoryname", _regional("ecr", "repository/{v}"), "updated"),
    ),
    "cloudformation": (
        _r("(?:Create|Delete)Stack", "r.stackid p.stackname"),
        _r(".*", "r.stackid p.stackname", effect="updated"),
    ),
    "cloudtrail": (_r(".*", "r.trailarn p.name p.trailname", _regional("cloudtrail", "trail/{v}")),),
    "elasticfilesystem": (
        _r("CreateFileSystem", "r.filesystemarn"),
        _r(".*", "p.filesystemid", _regional("elasticfilesystem", "file-system/{v}")),
    ),
}
"""Service, as in `eventSource`, -> its rules in the order in which they are tried."""
