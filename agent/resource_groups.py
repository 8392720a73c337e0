"""Sorts of infrastructure by their resource types: what breaks in the same ways, whatever the cloud calls it.

Types are compared by the words of their names, so that `aws_lb_target_group`, `AWS::ElasticLoadBalancingV2::TargetGroup` and Pulumi's
`aws:lb/targetGroup:TargetGroup` are the same. The first line that fits decides.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, TypeAlias

from graph.text import contains_in_order, name_tokens

Group: TypeAlias = Literal[
    "",
    "alarm",
    "cache",
    "cdn",
    "certificate",
    "cluster",
    "configuration",
    "container",
    "database",
    "dns",
    "autoscaler",
    "function",
    "gateway",
    "identity",
    "instance",
    "listener",
    "load_balancer",
    "network",
    "network_rule",
    "permission",
    "pipeline",
    "queue",
    "quota",
    "registry",
    "schedule",
    "scheduling",
    "secret",
    "service",
    "storage",
    "target_group",
    "volume",
    "waf",
    "workload",
]

TYPES: tuple[tuple[Group, str], ...] = (
    ("pipeline", "github actions|gitlab ci|codebuild|codepipeline|code build|code pipeline|codedeploy|build trigger|cloudbuild|jenkins|zuul|project template|circleci"),
    ("scheduling", "resource quota|limit range|pod disruption budget|priority class|node pool|node group|nodegroup|machine deployment|provisioner|karpenter|nodeclass|kubernetes cluster node pool"),
    ("secret", "access key|service account key|key vault secret|key vault key|kms key"),
    ("database", "elasticsearch|elastic search|opensearch|open search|opensearchservice"),
    (
        "alarm",
        "metric alarm|cloudwatch alarm|cloud watch alarm|alarm|dashboard|alert policy|alert rule|prometheus rule|service monitor|"
        "pod monitor|monitor|metric alert|log group|log stream|log metric filter|logging sink|logging metric|monitoring|notification channel|"
        "action group|diagnostic setting|sns topic subscription email|synthetics canary|datadog|grafana|newrelic|pagerduty|opsgenie|"
        "cloudtrail|cloud trail|flow log|budgets budget|budget|trail|silence|application insights|log analytics",
    ),
    ("waf", "waf|wafv2|waf v2|waf regional|security policy|web acl|firewall policy waf|rate based rule|shield|ruleset|frontdoor firewall policy"),
    ("quota", "servicequotas|service quotas|service quota|quota"),
    ("autoscaler", "horizontal pod autoscaler|vertical pod autoscaler|scaled object|appautoscaling|application auto scaling|autoscaling policy|auto scaling scaling policy|autoscaler|autoscale setting|scaling policy|scalable target|autoscaling schedule"),
    ("certificate", "certificate|acm|ssl certificate|managed certificate|tls cert|issuer|cluster issuer|certificate authority|acmpca|listener certificate|ssl policy|ssl negotiation policy"),
    ("listener", "listener rule|listener|url map|forwarding rule|target https proxy|target http proxy|lb rule|http route|virtual service|ingress route|load balancer rule|l7rule|l7policy|slb rule|destination rule|grpc route"),
    ("target_group", "target group attachment|target group|target pool|backend service|backend pool|backend address pool|load balancer pool|lb pool|lb probe|health check|healthcheck|endpoints|endpoint slice|network endpoint group|upstream|elb attachment|load balancer attachment"),
    ("load_balancer", "load balancer|loadbalancer|lb|alb|elb|nlb|application gateway|ingress|ingress class|traffic manager|frontdoor|front door|global accelerator|globalaccelerator|nodebalancer"),
    ("gateway", "api gateway|apigateway|apigatewayv2|api management|appsync"),
    ("network", "nat gateway|router nat|nat|internet gateway|transit gateway|vpn|route table|vpc route|route|subnet|subnetwork|vpc peering|peering|vpc endpoint|private endpoint|private link|vpc|vnet|virtual network|compute network|network interface|eip|floating ip|elastic ip|public ip|compute address|router|dhcp options|egress only|direct connect|interconnect|express route"),
    ("gateway", "api gateway|apigateway|apigatewayv2|api gateway v2|rest api|http api|api management|appsync|usage plan|gateway stage|app mesh|appmesh|kong|gateway|envoy filter|service mesh"),
    ("cdn", "cloudfront|cloud front|cdn|fastly|page rule|cache policy|origin access|akamai|bunny"),
    ("network_rule", "security group rule|security group ingress|security group egress|security group|network security|firewall|network acl|acl rule|network policy|cilium|secgroup|authorization policy|ip set|ipset|prefix list|calico"),
    ("dns", "route53|route 53|dns|hosted zone|record set|cloudflare record|zone|registered domain|domain|resolver|external dns|service discovery|servicediscovery|private dns"),
    ("permission", "iam|role binding|rolebinding|cluster role|role assignment|role definition|role policy|role|policy attachment|service account|bucket policy|queue policy|key policy|topic policy|s3 bucket public access block|public access block|resource policy|lambda permission|repository policy|scp|organizations policy|permission|member|grant|policy|managed identity|user assigned identity|access policy|pod security|admission"),
    ("identity", "cognito|oidc|identity provider|identity platform|user pool|saml|okta|auth0|keycloak|oauth|azuread|iap|client secret|openid"),
    ("cache", "elasticache|elasti cache|cache cluster|redis|memcached|memorydb|memorystore|dax|cache"),
    ("queue", "sqs|sns|queue|topic|subscription|kinesis|stream|firehose|msk|kafka|pubsub|pub sub|servicebus|service bus|eventhub|event hub|eventgrid|mq|rabbitmq|nats|event source mapping|message|broker"),
    ("schedule", "cloudwatch event rule|event rule|events rule|eventbridge|event bridge|scheduler|schedule|cron job|cronjob|cloud scheduler|event bus|pipes"),
    ("database", "db instance|db cluster|rds|aurora|dynamodb|dynamo db|sql|spanner|alloydb|cosmosdb|cosmos|docdb|doc db|documentdb|neptune|mongodb|mongodbatlas|postgresql|postgres|mysql|mariadb|database|redshift|bigtable|bigquery|elasticsearch|opensearch|open search|open search service|timestream|cassandra|keyspaces|clickhouse|parameter group|option group|db proxy|proxy target|dms|firestore|datastore|snowflake|table"),
    ("function", "lambda|cloudfunctions|cloud functions|function app|function|cloud run|step function|sfn|state machine|workers script|container app"),
    ("secret", "secretsmanager|secrets manager|secret manager|secret|ssm parameter|parameter|kms|key vault|key ring|crypto key|access key|vault|key pair|sealed secret|external secret|service account key|password|credential|token|api key"),
    ("configuration", "config map|configmap|appconfig|app config|app configuration|runtime config|launchdarkly|feature flag|flag|unleash|settings|values|variable|consul keys|configuration"),
    ("container", "ecs|task definition|fargate|container group|container service|app runner|apprunner|nomad|docker container|compose|batch job|job definition"),
    ("registry", "ecr|registry|artifact registry|image repository|repository"),
    ("volume", "ebs|volume|efs|disk|persistent volume claim|persistent volume|storage class|file system|filesystem|fsx|filestore|managed disk|snapshot|pvc"),
    ("storage", "s3|bucket|storage account|storage container|blob|object storage|glacier|spaces"),
    ("workload", "deployment|stateful set|daemon set|replica set|pod|job|rollout|knative|argo application|helm release|application"),
    ("cluster", "eks|gke|aks|container cluster|kubernetes cluster|cluster addon|eks addon|cluster|namespace|webhook configuration|custom resource definition|flux|kustomization"),
    ("instance", "autoscaling group|auto scaling group|launch template|launch configuration|instance|virtual machine|vm|droplet|server|instance group|scale set|ami|image|elastic beanstalk|beanstalk|app service|web app|spot|placement group"),
    ("service", "service"),
    ("pipeline", "workflow|pipeline|runner"),
)  # fmt: skip
"""Group and, separated by `|`, words of types that belong to it."""

NAMES: dict[Group, str] = {
    "": "thing",
    "listener": "listener",
    "target_group": "target group",
    "load_balancer": "load balancer",
    "network_rule": "network rule",
    "waf": "web firewall",
}

_BY_KIND: dict[str, Group] = {
    "Service": "service",
    "Credential": "secret",
    "Quota": "quota",
    "Deployment": "service",
    "Repository": "registry",
}

_PROVIDERS = frozenset({"aws", "google", "azurerm", "azure", "kubernetes", "digitalocean", "compute"})
_KUBERNETES: dict[str, Group] = {
    "service": "load_balancer",
    "job": "schedule",
    "pod": "workload",
    "namespace": "cluster",
    "role": "permission",
}


@lru_cache(maxsize=8_192)
def group_of(type_: str, kind: str = "") -> Group:
    """The group of a resource type, or of an entity kind where there is no type; empty when neither is known.

    >>> group_of("aws_lb_target_group"), group_of("AWS::SQS::Queue"), group_of("kubernetes:Deployment"), group_of("foo_bar")
    ('target_group', 'queue', 'workload', '')
    """
    words = name_tokens(type_)
    if words and words[0] == "kubernetes" and len(words) == 2 and words[1] in _KUBERNETES:
        return _KUBERNETES[words[1]]
    for group, phrases in _table():
        if any(contains_in_order(words, phrase) for phrase in phrases):
            return group
    return _BY_KIND.get(kind, "") if not words or set(words) <= _PROVIDERS else ""


def name_of(group: Group) -> str:
    """What to call a group in a sentence."""
    return NAMES.get(group, group.replace("_", " "))


@lru_cache(maxsize=1)
def _table() -> tuple[tuple[Group, tuple[tuple[str, ...], ...]], ...]:
    return tuple((group, tuple(name_tokens(p) for p in phrases.split("|"))) for group, phrases in TYPES)
