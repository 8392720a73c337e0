"""Resource types that cost nothing by themselves. What is neither here nor mapped is unpriced: never counted as free."""

from __future__ import annotations

import re

_FREE = re.compile(
    r"""
    aws_(
        iam_\w+ | ssoadmin_\w+ | identitystore_\w+ | organizations_\w+ | ram_\w+ | resourcegroups_\w+ | account_\w+
      | vpc | vpc_(?!endpoint$|ipam|network_performance)\w+ | default_\w+ | subnet | internet_gateway\w* | egress_only_internet_gateway | route | route_table\w* | main_route_table_association
      | network_acl\w* | network_interface\w* | security_group\w* | customer_gateway | vpn_gateway\w* | vpn_connection_route | eip_association | flow_log
      | ec2_(tag|managed_prefix_list\w*|transit_gateway(_route\w*|_prefix\w*|_policy\w*|_connect_peer)? | client_vpn_(route|authorization_rule) | subnet_cidr_reservation | availability_zone_group)
      | ec2_transit_gateway_vpc_attachment_accepter | ec2_transit_gateway_peering_attachment_accepter | ec2_traffic_mirror_(filter|target)\w*
      | key_pair | placement_group | launch_template | launch_configuration | ami | ami_launch_permission | ami_copy | volume_attachment | ebs_(default_kms_key|encryption_by_default)
      | autoscaling_(attachment|policy|schedule|lifecycle_hook|notification|traffic_source_attachment|group_tag) | autoscalingplans_scaling_plan | appautoscaling_\w+
      | lb_(listener\w*|target_group\w*|ssl_negotiation_policy|cookie_stickiness_policy|trust_store\w*) | alb_(listener\w*|target_group\w*) | elb_attachment | load_balancer_\w+
      | app_cookie_stickiness_policy | lb_cookie_stickiness_policy | proxy_protocol_policy
      | db_(subnet_group|parameter_group|option_group|event_subscription|security_group|instance_role_association|proxy_(target|default_target_group|endpoint))
      | rds_cluster_(parameter_group|endpoint|role_association|activity_stream) | rds_(certificate|integration)
      | docdb_(subnet_group|cluster_parameter_group|event_subscription) | neptune_(subnet_group|parameter_group|cluster_parameter_group|event_subscription|cluster_endpoint)
      | elasticache_(subnet_group|parameter_group|security_group|user|user_group|user_group_association) | memorydb_(subnet_group|parameter_group|acl|user)
      | redshift_(subnet_group|parameter_group|security_group|event_subscription|snapshot_schedule\w*|cluster_iam_roles) | dax_(subnet_group|parameter_group)
      | ecs_(cluster|cluster_capacity_providers|task_definition|capacity_provider|account_setting_default|tag|task_set) | eks_(access_\w+|pod_identity_association|identity_provider_config|addon)
      | ecr_(lifecycle_policy|repository_policy|registry_\w+|replication_configuration|pull_through_cache_rule|repository_creation_template) | ecrpublic_\w+
      | lambda_(permission|alias|event_source_mapping|layer_version\w*|function_event_invoke_config|function_url|code_signing_config|invocation|runtime_management_config)
      | api_gateway_(account|api_key|authorizer|base_path_mapping|client_certificate|deployment|documentation_\w+|domain_name\w*|gateway_response|integration\w*|method\w*|model|request_validator|resource|rest_api_policy|usage_plan\w*|vpc_link)
      | apigatewayv2_(?!api$)\w+
      | s3_(access_point|account_public_access_block|bucket_(acl|accelerate_configuration|cors_configuration|lifecycle_configuration|logging|metric|notification|object_lock_configuration|ownership_controls|policy
          |public_access_block|replication_configuration|request_payment_configuration|server_side_encryption_configuration|versioning|website_configuration|intelligent_tiering_configuration|object)|object|object_copy) | s3control_\w+
      | efs_(mount_target|access_point|backup_policy|file_system_policy) | dynamodb_(kinesis_streaming_destination|table_item|resource_policy|tag|contributor_insights|table_replica)
      | cloudfront_(origin_access_\w+|cache_policy|origin_request_policy|response_headers_policy|public_key|key_group|field_level_encryption_\w+|realtime_log_config|monitoring_subscription|continuous_deployment_policy)
      | route53_(delegation_set|zone_association|vpc_association_authorization|key_signing_key|hosted_zone_dnssec|query_log|cidr_\w+|resolver_(rule|rule_association|config|dnssec_config|query_log_config\w*)) | route53domains_registered_domain
      | acm_certificate_validation | acmpca_(certificate|certificate_authority_certificate|policy|permission)
      | kms_(alias|grant|ciphertext|key_policy) | secretsmanager_secret_(version|policy|rotation) | ssm_(association|document|maintenance_window\w*|patch_\w+|default_patch_baseline|resource_data_sync|service_setting)
      | cloudwatch_(log_(stream|metric_filter|subscription_filter|resource_policy|destination\w*|data_protection_policy|account_policy)|event_(rule|target|permission|bus_policy|archive|api_destination|connection|endpoint)|query_definition)
      | sns_(topic_policy|topic_data_protection_policy|platform_application|sms_preferences) | sqs_queue_(policy|redrive_policy|redrive_allow_policy) | scheduler_schedule_group | msk_(configuration|scram_secret_association|cluster_policy)
      | config_(aggregate_authorization|configuration_aggregator|configuration_recorder_status|delivery_channel|remediation_configuration|retention_configuration)
      | backup_(plan|selection|vault_policy|vault_lock_configuration|vault_notifications|global_settings|region_settings) | codebuild_(source_credential|webhook|resource_policy|report_group)
      | codedeploy_\w+ | codepipeline_webhook | codestarconnections_\w+ | glue_(catalog_table|classifier|connection|security_configuration|trigger|workflow|data_catalog_encryption_settings|partition\w*|registry|schema|user_defined_function|resource_policy)
      | waf_(byte_match_set|geo_match_set|ipset|rate_based_rule|regex_\w+|rule|rule_group|size_constraint_set|sql_injection_match_set|xss_match_set) | wafv2_(ip_set|regex_pattern_set|rule_group|web_acl_association|web_acl_logging_configuration)
      | elastic_beanstalk_(application|application_version|configuration_template) | networkfirewall_(firewall_policy|rule_group|logging_configuration|resource_policy)
      | dx_(bgp_peer|gateway|gateway_association_proposal|hosted_\w+|lag|private_virtual_interface|public_virtual_interface|transit_virtual_interface|connection_association)
      | globalaccelerator_(listener|custom_routing_listener) | servicecatalog_\w+ | service_discovery_(http_namespace|instance) | sagemaker_(notebook_instance_lifecycle_configuration|code_repository) | cognito_(identity_pool\w*|identity_provider|resource_server|user_group|user_pool_client|user_pool_domain|user_pool_ui_customization|user_in_group|user)
      | ses_\w+ | sesv2_(email_identity\w*|configuration_set\w*) | budgets_(budget|budget_action) | ce_\w+ | iot_(policy|policy_attachment|thing|thing_\w+|certificate|role_alias) | dms_(certificate|endpoint|event_subscription|replication_subnet_group|replication_task)
      | mq_configuration | opensearch_domain_policy | elasticsearch_domain_policy | quicksight_(group|user|group_membership) | snapshot_create_volume_permission | spot_datafeed_subscription | transfer_(access|ssh_key|user|tag)
      | lightsail_(domain|key_pair|static_ip|static_ip_attachment|instance_public_ports)
    )
  | (random|null|local|time|tls|template|archive|terraform|cloudinit|http|external)_\w+ | terraform_data | kubernetes_\w+ | helm_release
    """,
    re.VERBOSE,
)


def is_free(type_: str) -> bool:
    """Whether a resource of this type costs nothing by itself, whatever its attributes."""
    return _FREE.fullmatch(type_) is not None
