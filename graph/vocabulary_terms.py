"""The declared vocabulary: what people call kinds of infrastructure, and what those are called in code.

Each line of `TERMS` is a pair: ways to say it (separated by `|`), and its senses by rank. A rank is a string of patterns
separated by blanks; a later rank counts only where the earlier ones name nothing in the graph. A pattern is

- a resource type, in which `*` stands for any characters: `aws_lb`, `google_*_instance`, `kubernetes:Deployment`;
- `@name`: a kind of block without a resource type (`@variable`, `@output`, `@module`);
- `#Name`: an entity kind of the graph (`#Service`, `#File`).

Phrases are in lower case and in the singular.
"""

from __future__ import annotations

_LB_RULE = (
    "aws_lb_listener_rule aws_alb_listener_rule AWS::ElasticLoadBalancingV2::ListenerRule azurerm_lb_rule "
    "azurerm_lb_nat_rule cloudflare_load_balancer_rule google_compute_forwarding_rule "
    "google_compute_global_forwarding_rule oci_load_balancer_rule_set alicloud_slb_rule alicloud_alb_rule "
    "openstack_lb_l7rule_v2 hcloud_load_balancer_service"
)
_LISTENER = (
    "aws_lb_listener aws_alb_listener AWS::ElasticLoadBalancingV2::Listener azurerm_application_gateway "
    "google_compute_target_http*_proxy openstack_lb_listener_v2 alicloud_slb_listener alicloud_alb_listener "
    "oci_load_balancer_listener"
)
_MODERN_LB = (
    "aws_lb aws_alb AWS::ElasticLoadBalancingV2::LoadBalancer azurerm_lb azurerm_application_gateway "
    "cloudflare_load_balancer digitalocean_loadbalancer hcloud_load_balancer linode_nodebalancer "
    "openstack_lb_loadbalancer_v2 oci_load_balancer_load_balancer alicloud_slb_load_balancer alicloud_alb_load_balancer "
    "scaleway_lb"
)
_CLASSIC_LB = "aws_elb AWS::ElasticLoadBalancing::LoadBalancer"
_GOOGLE_LB = "google_compute_forwarding_rule google_compute_global_forwarding_rule google_compute_url_map google_compute_backend_service"
_SG = (
    "aws_security_group AWS::EC2::SecurityGroup azurerm_network_security_group openstack_networking_secgroup_v2 "
    "alicloud_security_group ibm_is_security_group scaleway_instance_security_group yandex_vpc_security_group"
)
_SG_RULE = (
    "aws_security_group_rule aws_vpc_security_group_ingress_rule aws_vpc_security_group_egress_rule "
    "AWS::EC2::SecurityGroupIngress AWS::EC2::SecurityGroupEgress azurerm_network_security_rule "
    "openstack_networking_secgroup_rule_v2 alicloud_security_group_rule yandex_vpc_security_group_rule"
)
_FIREWALL = (
    "google_compute_firewall google_compute_firewall_policy_rule azurerm_firewall_*rule* azurerm_network_security_rule "
    "cloudflare_firewall_rule cloudflare_ruleset digitalocean_firewall hcloud_firewall linode_firewall "
    "aws_networkfirewall_rule_group aws_wafv2_rule_group fortios_firewall_policy panos_security_policy"
)
_VM = (
    "aws_instance AWS::EC2::Instance google_compute_instance azurerm_virtual_machine azurerm_linux_virtual_machine "
    "azurerm_windows_virtual_machine digitalocean_droplet hcloud_server linode_instance openstack_compute_instance_v2 "
    "oci_core_instance alicloud_instance scaleway_instance_server vsphere_virtual_machine"
)
_DATABASE = (
    "aws_db_instance aws_rds_cluster aws_rds_cluster_instance aws_rds_global_cluster AWS::RDS::DBInstance "
    "AWS::RDS::DBCluster google_sql_database_instance google_spanner_instance google_alloydb_cluster azurerm_*sql_server "
    "azurerm_postgresql_flexible_server azurerm_mysql_flexible_server azurerm_cosmosdb_account "
    "digitalocean_database_cluster aws_docdb_cluster aws_neptune_cluster mongodbatlas_cluster "
    "mongodbatlas_advanced_cluster aiven_pg aiven_mysql scaleway_rdb_instance"
)
_DATABASE_INSIDE = (
    "google_sql_database postgresql_database mysql_database azurerm_*sql_database aws_dynamodb_table "
    "AWS::DynamoDB::Table snowflake_database aws_glue_catalog_database google_bigquery_dataset"
)

TERMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    # -- load balancing
    (
        "lb rule|load balancer rule|loadbalancer rule|load balancing rule|listener rule|lb listener rule|alb rule|"
        "alb listener rule|load balancer listener rule|application load balancer rule|routing rule|forwarding rule",
        (_LB_RULE, _LISTENER, f"{_MODERN_LB} {_CLASSIC_LB}"),
    ),
    (
        "lb listener|load balancer listener|loadbalancer listener|listener|alb listener|nlb listener|elb listener",
        (_LISTENER, f"{_CLASSIC_LB} {_LB_RULE}"),
    ),
    # The AWS provider's documentation calls aws_lb "Load Balancer" and aws_elb "Classic Load Balancer".
    ("load balancer|loadbalancer|lb|balancer", (_MODERN_LB, _CLASSIC_LB, _GOOGLE_LB)),
    ("alb|application load balancer|nlb|network load balancer|elbv2", (_MODERN_LB, _CLASSIC_LB)),
    ("classic load balancer|elb|clb|elastic load balancer|classic lb|classic elb", (_CLASSIC_LB, _MODERN_LB)),
    (
        "target group|lb target group|alb target group|backend pool|load balancer target group",
        (
            "aws_lb_target_group aws_alb_target_group AWS::ElasticLoadBalancingV2::TargetGroup "
            "azurerm_lb_backend_address_pool cloudflare_load_balancer_pool openstack_lb_pool_v2",
            "google_compute_backend_service google_compute_target_pool",
        ),
    ),
    (
        "target group attachment|lb target group attachment|load balancer attachment|lb attachment",
        (
            "aws_lb_target_group_attachment aws_alb_target_group_attachment aws_elb_attachment aws_autoscaling_attachment",
        ),
    ),
    ("listener certificate|lb listener certificate", ("aws_lb_listener_certificate aws_alb_listener_certificate",)),
    (
        "lb cookie stickiness policy|stickiness policy",
        ("aws_lb_cookie_stickiness_policy aws_app_cookie_stickiness_policy",),
    ),
    ("lb ssl negotiation policy|ssl negotiation policy", ("aws_lb_ssl_negotiation_policy",)),
    ("backend service|backend", ("google_compute_backend_service google_compute_backend_bucket", "*_backend*")),
    ("url map", ("google_compute_url_map",)),
    (
        "health check|healthcheck",
        (
            "aws_route53_health_check google_compute_*health_check* cloudflare_healthcheck azurerm_lb_probe",
            "*health_check*",
        ),
    ),
    # -- networks
    ("security group|sg|sec group|secgroup|network security group|nsg", (_SG, _SG_RULE)),
    (
        "security group rule|sg rule|sec group rule|secgroup rule|network security rule|security rule|nsg rule",
        (_SG_RULE, _SG),
    ),
    (
        "ingress rule|inbound rule",
        ("aws_vpc_security_group_ingress_rule AWS::EC2::SecurityGroupIngress", _SG_RULE, _SG),
    ),
    ("egress rule|outbound rule", ("aws_vpc_security_group_egress_rule AWS::EC2::SecurityGroupEgress", _SG_RULE, _SG)),
    ("firewall rule|fw rule", (_FIREWALL, _SG_RULE, _SG)),
    ("firewall|fw", (f"{_FIREWALL} aws_networkfirewall_firewall azurerm_firewall", f"aws_wafv2_web_acl {_SG}")),
    (
        "vpc|virtual private cloud|virtual network|vnet",
        ("aws_vpc AWS::EC2::VPC google_compute_network azurerm_virtual_network digitalocean_vpc alicloud_vpc",),
    ),
    (
        "network",
        (
            "google_compute_network azurerm_virtual_network docker_network hcloud_network openstack_networking_network_v2 aws_vpc",
            "*_network",
        ),
    ),
    (
        "subnet|subnetwork",
        (
            "aws_subnet AWS::EC2::Subnet google_compute_subnetwork azurerm_subnet openstack_networking_subnet_v2 hcloud_network_subnet",
        ),
    ),
    ("route table", ("aws_route_table AWS::EC2::RouteTable azurerm_route_table",)),
    ("route table association", ("aws_route_table_association azurerm_subnet_route_table_association",)),
    ("route", ("aws_route AWS::EC2::Route google_compute_route azurerm_route", "aws_route_table kubernetes:HTTPRoute")),
    ("internet gateway|igw", ("aws_internet_gateway AWS::EC2::InternetGateway",)),
    ("nat gateway|nat", ("aws_nat_gateway AWS::EC2::NatGateway google_compute_router_nat azurerm_nat_gateway",)),
    ("transit gateway|tgw", ("aws_ec2_transit_gateway", "aws_ec2_transit_gateway_*")),
    ("vpn|vpn gateway|vpn connection", ("aws_vpn_* google_compute_vpn_* azurerm_virtual_network_gateway",)),
    ("vpc endpoint|private endpoint", ("aws_vpc_endpoint AWS::EC2::VPCEndpoint azurerm_private_endpoint",)),
    (
        "peering|vpc peering|peering connection|vpc peering connection",
        ("aws_vpc_peering_connection* google_compute_network_peering azurerm_virtual_network_peering",),
    ),
    ("network acl|nacl|acl", ("aws_network_acl aws_network_acl_rule AWS::EC2::NetworkAcl*", "*_acl")),
    (
        "elastic ip|eip|static ip|ip address|public ip|floating ip",
        (
            "aws_eip AWS::EC2::EIP google_compute_address google_compute_global_address azurerm_public_ip digitalocean_floating_ip hcloud_floating_ip openstack_networking_floatingip_v2",
        ),
    ),
    ("network interface|eni|nic", ("aws_network_interface AWS::EC2::NetworkInterface azurerm_network_interface",)),
    ("network policy", ("kubernetes:NetworkPolicy kubernetes_network_policy*",)),
    # -- names and edges
    (
        "dns record|record|dns entry|route53 record|a record|cname|cname record|dns name|mx record|txt record|record set",
        (
            "aws_route53_record AWS::Route53::RecordSet cloudflare_record cloudflare_dns_record google_dns_record_set azurerm_dns_*_record digitalocean_record hcloud_rdns dnsimple_record ns1_record",
            "*_record",
        ),
    ),
    (
        "dns zone|hosted zone|zone|domain zone",
        (
            "aws_route53_zone AWS::Route53::HostedZone cloudflare_zone google_dns_managed_zone azurerm_dns_zone azurerm_private_dns_zone",
        ),
    ),
    (
        "dns",
        (
            "aws_route53_record aws_route53_zone cloudflare_record cloudflare_dns_record cloudflare_zone google_dns_* azurerm_dns_*",
            "*dns*",
        ),
    ),
    (
        "domain|domain name",
        (
            "aws_route53domains_registered_domain digitalocean_domain aws_api_gateway_domain_name aws_apigatewayv2_domain_name heroku_domain",
            "aws_route53_zone cloudflare_zone google_dns_managed_zone",
        ),
    ),
    (
        "certificate|cert|tls certificate|ssl certificate|tls cert|ssl cert|acm certificate",
        (
            "aws_acm_certificate AWS::CertificateManager::Certificate google_compute_*ssl_certificate google_certificate_manager_certificate azurerm_key_vault_certificate kubernetes:Certificate acme_certificate tls_*_cert aws_iam_server_certificate cloudflare_origin_ca_certificate digitalocean_certificate",
            "*certificate*",
        ),
    ),
    ("certificate validation|cert validation", ("aws_acm_certificate_validation",)),
    (
        "cloudfront|cloudfront distribution",
        ("aws_cloudfront_distribution AWS::CloudFront::Distribution", "aws_cloudfront_* AWS::CloudFront::*"),
    ),
    (
        "cdn|distribution|cdn distribution",
        (
            "aws_cloudfront_distribution AWS::CloudFront::Distribution azurerm_cdn_* azurerm_frontdoor* fastly_service_*",
            "*cdn*",
        ),
    ),
    (
        "waf|web acl|web application firewall|waf rule",
        (
            "aws_wafv2_web_acl aws_waf_web_acl aws_wafregional_web_acl aws_wafv2_* aws_waf_* cloudflare_ruleset azurerm_web_application_firewall_policy google_compute_security_policy",
            "*waf*",
        ),
    ),
    (
        "api gateway|rest api|http api",
        (
            "aws_api_gateway_rest_api aws_apigatewayv2_api AWS::ApiGateway::RestApi AWS::ApiGatewayV2::Api google_api_gateway_* azurerm_api_management",
            "aws_api_gateway_* aws_apigatewayv2_*",
        ),
    ),
    ("page rule", ("cloudflare_page_rule",)),
    ("redirect", ("aws_lb_listener_rule cloudflare_page_rule cloudflare_ruleset", "*redirect*")),
    # -- compute
    (
        "instance|vm|virtual machine|ec2 instance|ec2|server|machine|droplet|host|node|box|compute instance",
        (_VM, "google_compute_instance_* aws_launch_template aws_spot_instance_request"),
    ),
    (
        "autoscaling group|auto scaling group|asg|instance group|scale set|managed instance group|autoscaler",
        (
            "aws_autoscaling_group AWS::AutoScaling::AutoScalingGroup google_compute_*instance_group_manager azurerm_*virtual_machine_scale_set google_compute_*autoscaler kubernetes:HorizontalPodAutoscaler",
            "*autoscal*",
        ),
    ),
    (
        "autoscaling policy|scaling policy|auto scaling policy",
        (
            "aws_autoscaling_policy aws_appautoscaling_policy AWS::AutoScaling::ScalingPolicy AWS::ApplicationAutoScaling::ScalingPolicy",
        ),
    ),
    ("autoscaling schedule|scheduled action", ("aws_autoscaling_schedule aws_appautoscaling_scheduled_action",)),
    (
        "launch template|launch configuration|launch config|instance template",
        (
            "aws_launch_template aws_launch_configuration AWS::EC2::LaunchTemplate AWS::AutoScaling::LaunchConfiguration google_compute_instance_template",
        ),
    ),
    ("ami|image|machine image", ("aws_ami google_compute_image azurerm_image azurerm_shared_image*", "docker_image")),
    (
        "key pair|ssh key|keypair",
        (
            "aws_key_pair google_compute_project_metadata_item hcloud_ssh_key digitalocean_ssh_key tls_private_key AWS::EC2::KeyPair",
            "*ssh_key* *key_pair*",
        ),
    ),
    (
        "disk|volume|persistent disk|ebs volume|block device",
        (
            "aws_ebs_volume AWS::EC2::Volume google_compute_disk azurerm_managed_disk digitalocean_volume hcloud_volume kubernetes:PersistentVolume* kubernetes_persistent_volume* openstack_blockstorage_volume_v*",
            "*_volume *_disk",
        ),
    ),
    ("snapshot", ("*snapshot*",)),
    (
        "file system|filesystem|efs|nfs",
        (
            "aws_efs_file_system aws_fsx_* google_filestore_instance azurerm_storage_share AWS::EFS::FileSystem",
            "aws_efs_*",
        ),
    ),
    (
        "function|lambda|lambda function|cloud function|serverless function",
        (
            "aws_lambda_function AWS::Lambda::Function AWS::Serverless::Function google_cloudfunctions*_function azurerm_*function_app cloudflare_workers_script cloudflare_worker_script",
            "aws_lambda_*",
        ),
    ),
    ("step function|state machine", ("aws_sfn_state_machine AWS::StepFunctions::StateMachine",)),
    (
        "cluster",
        (
            "aws_eks_cluster aws_ecs_cluster AWS::EKS::Cluster AWS::ECS::Cluster google_container_cluster azurerm_kubernetes_cluster digitalocean_kubernetes_cluster aws_rds_cluster aws_redshift_cluster aws_elasticache_cluster aws_msk_cluster aws_emr_cluster google_dataproc_cluster",
            "*_cluster",
        ),
    ),
    (
        "kubernetes cluster|k8s cluster|eks|eks cluster|gke|gke cluster|aks|aks cluster|kubernetes|k8s",
        (
            "aws_eks_cluster AWS::EKS::Cluster google_container_cluster azurerm_kubernetes_cluster digitalocean_kubernetes_cluster",
            "aws_eks_* google_container_*",
        ),
    ),
    ("ecs cluster|ecs", ("aws_ecs_cluster AWS::ECS::Cluster", "aws_ecs_*")),
    (
        "node group|node pool|worker group|nodepool|nodegroup",
        (
            "aws_eks_node_group AWS::EKS::Nodegroup google_container_node_pool azurerm_kubernetes_cluster_node_pool digitalocean_kubernetes_node_pool",
        ),
    ),
    ("task definition|ecs task|task", ("aws_ecs_task_definition AWS::ECS::TaskDefinition", "@task")),
    ("ecs service", ("aws_ecs_service AWS::ECS::Service",)),
    (
        "service",
        (
            "kubernetes:Service kubernetes_service kubernetes_service_v1 aws_ecs_service AWS::ECS::Service google_cloud_run_service google_cloud_run_v2_service azurerm_app_service azurerm_*_web_app #Service",
            "*_service systemd:service",
        ),
    ),
    # -- storage and data
    (
        "bucket|s3 bucket|s3|gcs bucket|storage bucket|object store",
        (
            "aws_s3_bucket AWS::S3::Bucket google_storage_bucket azurerm_storage_container cloudflare_r2_bucket digitalocean_spaces_bucket minio_s3_bucket scaleway_object_bucket oci_objectstorage_bucket",
            "aws_s3_bucket_* google_storage_bucket_*",
        ),
    ),
    (
        "bucket policy|s3 bucket policy|s3 policy",
        ("aws_s3_bucket_policy AWS::S3::BucketPolicy google_storage_bucket_iam_*",),
    ),
    ("storage account", ("azurerm_storage_account",)),
    (
        "database|db|rds|rds instance|db instance|sql database|postgre|postgres database|mysql database|database server|database instance|sql instance",
        (_DATABASE, _DATABASE_INSIDE, "*database* aws_db_*"),
    ),
    (
        "database cluster|db cluster|rds cluster|aurora|aurora cluster",
        (
            "aws_rds_cluster AWS::RDS::DBCluster digitalocean_database_cluster google_alloydb_cluster aws_docdb_cluster aws_neptune_cluster",
            "aws_rds_cluster_*",
        ),
    ),
    ("db subnet group|database subnet group", ("aws_db_subnet_group aws_rds_subnet_group AWS::RDS::DBSubnetGroup",)),
    (
        "db parameter group|database parameter group|parameter group",
        (
            "aws_db_parameter_group aws_rds_cluster_parameter_group aws_elasticache_parameter_group AWS::RDS::DBParameterGroup",
        ),
    ),
    (
        "table|dynamodb|dynamodb table|dynamo table",
        (
            "aws_dynamodb_table AWS::DynamoDB::Table google_bigquery_table google_bigtable_table azurerm_storage_table",
            "*_table",
        ),
    ),
    (
        "cache|redis|memcached|elasticache|redis cluster|replication group",
        (
            "aws_elasticache_replication_group aws_elasticache_cluster aws_elasticache_serverless_cache AWS::ElastiCache::* google_redis_instance google_memcache_instance azurerm_redis_cache digitalocean_database_cluster",
            "aws_elasticache_* *cache*",
        ),
    ),
    (
        "search domain|elasticsearch|opensearch|elasticsearch domain|opensearch domain",
        (
            "aws_elasticsearch_domain aws_opensearch_domain AWS::Elasticsearch::Domain AWS::OpenSearchService::Domain",
            "*search*",
        ),
    ),
    (
        "data warehouse|warehouse|redshift|redshift cluster",
        ("aws_redshift_cluster AWS::Redshift::Cluster snowflake_warehouse google_bigquery_dataset", "aws_redshift_*"),
    ),
    ("dataset|bigquery dataset", ("google_bigquery_dataset",)),
    (
        "queue|sqs|sqs queue|message queue",
        (
            "aws_sqs_queue AWS::SQS::Queue azurerm_servicebus_queue azurerm_storage_queue google_cloud_tasks_queue google_pubsub_subscription rabbitmq_queue cloudflare_queue",
            "*_queue",
        ),
    ),
    (
        "topic|sns|sns topic|pubsub topic|kafka topic",
        (
            "aws_sns_topic AWS::SNS::Topic google_pubsub_topic azurerm_servicebus_topic kafka_topic confluent_kafka_topic",
            "*_topic",
        ),
    ),
    (
        "subscription|topic subscription|pubsub subscription",
        (
            "aws_sns_topic_subscription AWS::SNS::Subscription google_pubsub_subscription azurerm_servicebus_subscription",
            "azurerm_subscription *_subscription",
        ),
    ),
    (
        "stream|kinesis|kinesis stream|event stream|event hub",
        ("aws_kinesis_stream AWS::Kinesis::Stream azurerm_eventhub", "aws_kinesis_*"),
    ),
    ("kafka|kafka cluster|msk", ("aws_msk_cluster AWS::MSK::Cluster confluent_kafka_cluster aiven_kafka", "*kafka*")),
    (
        "event rule|eventbridge rule|schedule rule|cloudwatch rule|event bridge rule|schedule",
        ("aws_cloudwatch_event_rule AWS::Events::Rule aws_scheduler_schedule google_cloud_scheduler_job", "*schedule*"),
    ),
    # -- access
    (
        "role|iam role",
        (
            "aws_iam_role AWS::IAM::Role google_project_iam_custom_role azurerm_role_definition kubernetes:Role kubernetes:ClusterRole kubernetes_role kubernetes_cluster_role",
            "*_role",
        ),
    ),
    (
        "role policy|inline policy|iam role policy",
        ("aws_iam_role_policy AWS::IAM::RolePolicy", "aws_iam_policy aws_iam_role_policy_attachment"),
    ),
    (
        "policy attachment|role policy attachment|iam policy attachment",
        (
            "aws_iam_role_policy_attachment aws_iam_policy_attachment aws_iam_user_policy_attachment aws_iam_group_policy_attachment",
        ),
    ),
    (
        "policy|iam policy",
        (
            "aws_iam_policy AWS::IAM::Policy AWS::IAM::ManagedPolicy aws_iam_role_policy aws_iam_user_policy google_*_iam_policy azurerm_policy_definition",
            "*_policy",
        ),
    ),
    ("policy document|iam policy document", ("aws_iam_policy_document",)),
    (
        "role binding|iam binding|role assignment|iam member|binding",
        (
            "google_*_iam_member google_*_iam_binding azurerm_role_assignment kubernetes:RoleBinding kubernetes:ClusterRoleBinding kubernetes_role_binding kubernetes_cluster_role_binding",
        ),
    ),
    ("instance profile|iam instance profile", ("aws_iam_instance_profile AWS::IAM::InstanceProfile",)),
    (
        "service account",
        ("google_service_account kubernetes:ServiceAccount kubernetes_service_account kubernetes_service_account_v1",),
    ),
    (
        "user|iam user",
        (
            "aws_iam_user AWS::IAM::User postgresql_role mysql_user google_sql_user github_membership datadog_user pagerduty_user",
            "*_user",
        ),
    ),
    ("user group|iam group|group", ("aws_iam_group AWS::IAM::Group azuread_group googleworkspace_group", "*_group")),
    (
        "secret",
        (
            "aws_secretsmanager_secret AWS::SecretsManager::Secret google_secret_manager_secret azurerm_key_vault_secret kubernetes:Secret kubernetes:ExternalSecret kubernetes_secret kubernetes_secret_v1 vault_generic_secret vault_kv_secret* github_actions_secret github_actions_organization_secret",
            "*secret* aws_ssm_parameter",
        ),
    ),
    ("parameter|ssm parameter", ("aws_ssm_parameter AWS::SSM::Parameter", "*_parameter")),
    (
        "key|kms key|encryption key|kms",
        ("aws_kms_key AWS::KMS::Key google_kms_crypto_key azurerm_key_vault_key", "aws_kms_* google_kms_* *_key"),
    ),
    ("vault|key vault", ("azurerm_key_vault vault_mount aws_backup_vault",)),
    (
        "identity provider|oidc provider|openid provider",
        (
            "aws_iam_openid_connect_provider aws_iam_saml_provider google_iam_workload_identity_pool_provider",
            "*identity_provider*",
        ),
    ),
    # -- watching
    (
        "alarm|cloudwatch alarm|metric alarm",
        (
            "aws_cloudwatch_metric_alarm aws_cloudwatch_composite_alarm AWS::CloudWatch::Alarm azurerm_monitor_metric_alert google_monitoring_alert_policy",
            "datadog_monitor kubernetes:PrometheusRule *alert*",
        ),
    ),
    (
        "alert|alert rule|alerting rule|alert policy|monitor|datadog monitor",
        (
            "datadog_monitor google_monitoring_alert_policy azurerm_monitor_*alert* grafana_rule_group kubernetes:PrometheusRule newrelic_*alert* #Alert",
            "aws_cloudwatch_metric_alarm",
        ),
    ),
    (
        "dashboard",
        (
            "aws_cloudwatch_dashboard datadog_dashboard datadog_dashboard_json grafana_dashboard google_monitoring_dashboard newrelic_*dashboard AWS::CloudWatch::Dashboard",
            "*dashboard*",
        ),
    ),
    ("slo|service level objective", ("datadog_service_level_objective google_monitoring_slo nobl9_slo",)),
    ("log group|cloudwatch log group", ("aws_cloudwatch_log_group AWS::Logs::LogGroup",)),
    (
        "uptime check|synthetic test|synthetic",
        ("google_monitoring_uptime_check_config datadog_synthetics_test aws_synthetics_canary", "*uptime*"),
    ),
    ("trail|cloudtrail|audit trail", ("aws_cloudtrail AWS::CloudTrail::Trail",)),
    # -- Kubernetes
    (
        "deployment",
        (
            "kubernetes:Deployment kubernetes_deployment kubernetes_deployment_v1 #Deployment",
            "*_deployment AWS::ApiGateway::Deployment",
        ),
    ),
    ("stateful set|statefulset", ("kubernetes:StatefulSet kubernetes_stateful_set*",)),
    ("daemon set|daemonset", ("kubernetes:DaemonSet kubernetes_daemonset* kubernetes_daemon_set*",)),
    ("ingress", ("kubernetes:Ingress kubernetes_ingress*", "kubernetes:IngressRoute")),
    ("cron job|cronjob|scheduled job", ("kubernetes:CronJob kubernetes_cron_job*", "google_cloud_scheduler_job @job")),
    ("config map|configmap", ("kubernetes:ConfigMap kubernetes_config_map*",)),
    ("namespace|kubernetes namespace", ("kubernetes:Namespace kubernetes_namespace*", "*_namespace")),
    ("pod disruption budget|pdb", ("kubernetes:PodDisruptionBudget",)),
    ("persistent volume claim|pvc", ("kubernetes:PersistentVolumeClaim kubernetes_persistent_volume_claim*",)),
    ("pod", ("kubernetes:Pod kubernetes_pod*",)),
    ("custom resource definition|crd", ("kubernetes:CustomResourceDefinition",)),
    ("helm release|release|chart|helm chart", ("helm_release kubernetes:HelmRelease", "@chart")),
    ("argo application|argocd application", ("kubernetes:Application",)),
    # -- delivery and source
    ("workflow|github workflow|github action|action", ("@workflow github:workflow", "@job")),
    (
        "job|ci job|pipeline job",
        ("@job kubernetes:Job kubernetes_job kubernetes_job_v1 nomad_job", "kubernetes:CronJob *_job"),
    ),
    (
        "pipeline|build pipeline|ci pipeline|build project",
        (
            "aws_codepipeline aws_codebuild_project AWS::CodePipeline::Pipeline AWS::CodeBuild::Project google_cloudbuild_trigger buildkite_pipeline concourse_pipeline @pipeline",
            "*pipeline*",
        ),
    ),
    (
        "registry|container registry|docker registry|image repository|ecr|ecr repository|ecr repo|artifact registry",
        (
            "aws_ecr_repository AWS::ECR::Repository google_artifact_registry_repository google_container_registry azurerm_container_registry",
            "aws_ecr_* aws_ecrpublic_repository",
        ),
    ),
    (
        "repository|repo|github repository|github repo|git repository|git repo",
        (
            "github_repository gitlab_project #Repository",
            "aws_ecr_repository google_artifact_registry_repository aws_codecommit_repository",
        ),
    ),
    ("branch protection|branch protection rule", ("github_branch_protection* github_repository_ruleset",)),
    ("team|github team", ("github_team pagerduty_team datadog_team #Team", "*_team")),
    (
        "app|application|web app|heroku app",
        (
            "heroku_app azurerm_*web_app azurerm_app_service aws_elastic_beanstalk_application aws_amplify_app kubernetes:Application digitalocean_app fly_app",
            "*_app *_application",
        ),
    ),
    ("stack|cloudformation stack", ("aws_cloudformation_stack AWS::CloudFormation::Stack",)),
    # -- code itself
    ("module|tf module|terraform module|module call", ("@module",)),
    ("variable|var|input variable|tf variable|input", ("@variable",)),
    ("output|output value", ("@output",)),
    ("local|local value|locals", ("@local @locals",)),
    ("provider|provider configuration|provider config", ("@provider",)),
    ("data source|data", ("@data",)),
    ("remote state|terraform remote state|backend state", ("terraform_remote_state",)),
    ("terraform block|terraform setting", ("@terraform",)),
    ("file", ("#File",)),
    ("directory|folder", ("#Directory",)),
)
