"""The live inventory, on moto: what is stated of a little fleet, what ends, and what an unchanged fleet says (nothing)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import boto3.session  # pyright: ignore[reportMissingTypeStubs]
import pytest

from graph.model import Alias, Entity, FactBatch, Relation, Value
from graph.store import View
from ingest import aws_names, names
from ingest.aws_actions import api_name
from ingest.registry import open_source, setting_docs
from ingest.source import Source, SourceDataInvalid
from ingest.sources.aws.collections import ALL, BY_TYPE
from ingest.sources.aws.policy import actions
from ingest.sources.aws.source import DOC, AwsSettings, AwsSource
from ingest.sources.aws.table import Batch
from ingest.sync import sync
from tests.contracts.source_contract import CANARY, KEY, NOW, SourceContract, fresh_store, redacted
from tests.ingest.aws.fleet import Shop, everything, network, role, shop
from tests.moto_server import ACCOUNT_ID, REGION, MotoServer, moto_server

LATER = NOW + 3_600_000_000
EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT_ID}"


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoServer]:
    with moto_server() as server:
        yield server


def source(moto: MotoServer, **other: object) -> AwsSource:
    # moto does not list quotas; `test_quotas` has them.
    fields = {"account_id": ACCOUNT_ID, "quotas": (), **moto.settings(), **other}
    return AwsSource(AwsSettings(**fields))  # type: ignore[arg-type]


class Told:
    """What batches say, to be asked for."""

    def __init__(self, batches: Sequence[FactBatch]) -> None:
        self.batches = batches
        facts = [a.fact for b in batches for a in b.assertions]
        self.entities = {f.ref: f for f in facts if isinstance(f, Entity)}
        self.relations = [f for f in facts if isinstance(f, Relation)]
        self.aliases = {(f.scheme, f.name): f.ref for f in facts if isinstance(f, Alias)}

    def resource(self, arn: str) -> Entity:
        return self.entities[names.cloud_resource(arn)]

    def attribute(self, arn: str, path: str) -> Value:
        attributes = self.resource(arn).properties["attributes"]
        assert isinstance(attributes, dict)
        return attributes.get(path)

    def of_type(self, type_: str) -> list[Entity]:
        return [e for e in self.entities.values() if e.properties.get("type") == type_]

    def depends(self, arn: str) -> dict[str, Value]:
        """Names of what it depends on -> via."""
        return {
            str(self.entities[r.dst].properties["name"]): r.properties["via"]
            for r in self.relations
            if r.type == "DEPENDS_ON" and r.src == names.cloud_resource(arn) and r.dst in self.entities
        }


@pytest.fixture(scope="module")
def made(moto: MotoServer) -> Shop:
    moto.reset()
    return everything(moto)


@pytest.fixture(scope="module")
def told(moto: MotoServer, made: Shop) -> Told:
    return Told(list(source(moto).pull(None, NOW)))


# -- what is stated


def test_a_load_balancer_leads_from_rule_to_instance(made: Shop, told: Told) -> None:
    assert told.depends(made.rule) == {"shop:80": ["listener_arn"], "api": ["action[0].target_group_arn"]}
    assert told.depends(made.listener) == {"shop": ["load_balancer_arn"], "api": ["default_action[0].target_group_arn"]}
    assert set(told.depends(made.lb)) == {"web", *made.network.subnets, made.network.vpc}
    assert told.depends(made.target_group)["web-1"] == ["targets[0].id"]
    assert told.attribute(made.target_group, "targets[0].health") == "healthy"
    assert told.depends(f"{EC2}:instance/{made.instance}")["web"] == ["vpc_security_group_ids"]


def test_attributes_are_named_as_terraform_names_them(made: Shop, told: Told) -> None:
    assert told.attribute(made.rule, "condition[0].path_pattern[0].values") == ["/api/*", "/v2/*"]
    assert told.attribute(made.rule, "priority") == 10
    assert told.attribute(made.target_group, "health_check[0].path") == "/up"
    group = f"{EC2}:security-group/{made.network.group}"
    assert told.attribute(group, "ingress[0].cidr_blocks") == ["10.9.0.0/16"]
    assert told.attribute(group, "ingress[0].description") == "office"
    assert told.attribute(group, "ingress[0].from_port") == 443
    instance = f"{EC2}:instance/{made.instance}"
    assert told.attribute(instance, "instance_type") == "t3.micro"
    assert told.attribute(instance, "subnet_id") == made.network.subnets[0]


def test_the_default_rule_of_a_listener_is_the_listeners(told: Told) -> None:
    assert [e.properties["name"] for e in told.of_type("aws_lb_listener_rule")] == ["shop rule 10"]


def test_a_rule_of_a_security_group_is_a_resource_of_its_own(made: Shop, told: Told) -> None:
    rules = [e for e in told.of_type("aws_security_group_rule") if "office" in str(e.properties)]
    assert len(rules) == 1
    assert told.depends(str(rules[0].properties["cloud_id"])) == {"web": ["security_group_id"]}


def test_a_route_leads_to_its_gateway(made: Shop, told: Told) -> None:
    table = f"{EC2}:route-table/{made.network.route_table}"
    assert made.network.gateway in told.depends(table)
    assert told.attribute(table, "route[0].cidr_block") == "0.0.0.0/0"


def test_tags_say_where_and_for_whom_it_runs(made: Shop, told: Told) -> None:
    lb = names.cloud_resource(made.lb)
    relations = {(r.type, r.src, r.dst) for r in told.relations}
    assert ("RUNS_IN", lb, names.environment("prod")) in relations
    assert ("RUNS_ON", names.service("checkout-api"), lb) in relations
    assert ("PART_OF", lb, names.cloud_account("aws", ACCOUNT_ID)) in relations
    assert told.resource(made.lb).properties["environment"] == "prod"
    assert told.entities[names.environment("prod")].properties == {"name": "prod"}
    assert told.entities[names.service("checkout-api")].properties == {"name": "checkout-api"}
    assert told.entities[names.cloud_account("aws", ACCOUNT_ID)].properties["account_id"] == ACCOUNT_ID


def test_a_service_of_ecs_is_a_service(made: Shop, told: Told) -> None:
    arn = f"arn:aws:ecs:{REGION}:{ACCOUNT_ID}:service/shop/checkout"
    assert told.depends(arn) == {
        "shop": ["cluster"],
        "checkout": ["task_definition"],
        "api": ["load_balancer[0].target_group_arn"],
    }
    on = [r for r in told.relations if r.type == "RUNS_ON" and r.dst == names.cloud_resource(arn)]
    assert [r.src for r in on] == [names.service("checkout")]


def test_of_environment_variables_only_the_names_are_told(told: Told) -> None:
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:resize"
    assert told.attribute(function, "environment_names") == ["API_TOKEN", "LEVEL"]
    definition = f"arn:aws:ecs:{REGION}:{ACCOUNT_ID}:task-definition/checkout:1"
    assert told.attribute(definition, "container_definitions[0].environment_names") == ["DB_PASSWORD", "LEVEL"]
    assert told.attribute(definition, "container_definitions[0].image") == "shop/api:1.4.2"
    assert CANARY not in repr(told.batches), "not even before redaction"


def test_functions_have_versions_and_aliases(told: Told) -> None:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:resize"
    assert set(told.depends(arn)) >= {"checkout", "web"}
    assert set(told.depends(f"{arn}:live")) == {"resize", "resize:1"}


def test_a_database_leads_to_its_groups(told: Told) -> None:
    arn = f"arn:aws:rds:{REGION}:{ACCOUNT_ID}:db:orders"
    assert told.depends(arn) == {
        "web": ["vpc_security_group_ids"],
        "pg16": ["parameter_group_name"],
        "main": ["db_subnet_group_name"],
    }
    assert told.attribute(f"arn:aws:rds:{REGION}:{ACCOUNT_ID}:pg:pg16", "parameter[0].value") == "300"


def test_a_bucket_has_its_policy_and_its_region(told: Told) -> None:
    logs, plain = told.resource("arn:aws:s3:::shop-logs"), told.resource("arn:aws:s3:::plain")
    assert (logs.properties["region"], plain.properties["region"]) == (REGION, "eu-central-1")
    assert '"Effect":"Deny"' in str(told.attribute("arn:aws:s3:::shop-logs", "policy"))
    assert told.attribute("arn:aws:s3:::shop-logs", "public_access_block.block_public_acls") is True
    assert told.attribute("arn:aws:s3:::plain", "policy") is None


def test_a_role_has_its_policies(told: Told) -> None:
    arn = f"arn:aws:iam::{ACCOUNT_ID}:role/checkout"
    assert told.depends(arn) == {"checkout-read": ["managed_policy_arns"]}
    assert told.attribute(arn, "inline_policy[0].name") == "inline"
    assert "sts:AssumeRole" in str(told.attribute(arn, "assume_role_policy"))
    assert "s3:GetObject" in str(told.attribute(f"arn:aws:iam::{ACCOUNT_ID}:policy/checkout-read", "policy"))


def test_a_certificate_says_when_it_expires(told: Told) -> None:
    [certificate] = told.of_type("aws_acm_certificate")
    assert str(certificate.properties["expires_at"]).endswith("Z")
    assert told.aliases["dns", "www.shop.example.com"] == certificate.ref
    assert ("dns", "shop.example.com") in told.aliases


def test_records_of_a_zone_are_resources(told: Told) -> None:
    [zone] = told.of_type("aws_route53_zone")
    zone_id = str(zone.properties["cloud_id"]).rpartition("/")[2]
    arn = aws_names.route53_record(zone_id, "api.shop.example.com.", "CNAME")
    assert told.attribute(arn, "records") == ["lb.example.com"]
    assert told.depends(arn) == {"shop.example.com": ["zone_arn"]}


def test_queues_topics_and_subscriptions_lead_to_each_other(told: Told) -> None:
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:orders"
    assert told.depends(queue) == {"orders-dead": ["dead_letter_target_arn"]}
    by_protocol = {str(_attribute(e, "protocol")): e for e in told.of_type("aws_sns_topic_subscription")}
    assert set(told.depends(str(by_protocol["sqs"].properties["cloud_id"]))) == {"paid", "orders"}
    assert _attribute(by_protocol["https"], "endpoint") == "https://hooks.example.com/…"


def test_things_are_found_by_what_people_call_them(made: Shop, told: Told) -> None:
    lb = names.cloud_resource(made.lb)
    dns = told.attribute(made.lb, "dns_name")
    assert isinstance(dns, str)
    assert told.aliases["name", "shop:80"] == names.cloud_resource(made.listener)
    assert told.aliases["arn", made.lb] == lb == told.aliases["dns", dns]
    assert told.aliases["id", made.instance] == told.aliases["name", "web-1"]
    assert told.aliases["id", made.network.group] == names.cloud_resource(f"{EC2}:security-group/{made.network.group}")


def test_every_kind_on_moto_is_read_without_a_complaint(told: Told) -> None:
    assert not [q for b in told.batches for q in b.quarantined]
    seen = {str(e.properties["type"]) for e in told.entities.values() if e.ref.kind == "Resource"}
    assert len(seen) >= 36, sorted(set(BY_TYPE) - seen)


def _attribute(entity: Entity, path: str) -> Value:
    attributes = entity.properties["attributes"]
    assert isinstance(attributes, dict)
    return attributes.get(path)


# -- over time


def test_an_unchanged_fleet_says_nothing_new(moto: MotoServer, made: Shop, told: Told) -> None:
    cursor = [b.cursor for b in told.batches if b.cursor][-1]
    [again] = source(moto).pull(cursor, LATER)
    assert not again.assertions
    assert again.snapshot is None
    assert again.fresh_until == LATER


def test_what_was_deleted_has_ended_and_the_rest_goes_on(tmp_path: Path) -> None:
    with moto_server() as moto, fresh_store(tmp_path, "store") as store:
        made = shop(moto)
        first = sync(store, source(moto, services=("elbv2", "ec2")), NOW, KEY, processes="none")
        assert first.error is None
        moto.do("elbv2", "delete_rule", RuleArn=made.rule)
        moto.do("ec2", "terminate_instances", InstanceIds=[made.instance])
        cursor = store.cursor("aws", ACCOUNT_ID)
        batches = list(source(moto, services=("elbv2", "ec2")).pull(cursor, LATER))
        changed = {b.scope.rpartition("/")[2] for b in batches if b.snapshot}
        assert {"aws_lb_listener_rule", "aws_instance"} <= changed
        assert "aws_lb" not in changed
        for batch in batches:
            store.apply(batch)
        instance = names.cloud_resource(f"{EC2}:instance/{made.instance}")
        for gone in (names.cloud_resource(made.rule), instance):
            assert store.entity(gone, View()) is None
            assert store.entity(gone, View(as_of=LATER - 1)) is not None
        assert store.entity(names.cloud_resource(made.lb), View()) is not None


def test_what_changed_has_a_version_before_and_one_after(tmp_path: Path) -> None:
    with moto_server() as moto, fresh_store(tmp_path, "store") as store:
        net = network(moto)
        group = names.cloud_resource(f"{EC2}:security-group/{net.group}")
        for at, cidr in ((NOW, ""), (LATER, "0.0.0.0/0")):
            if cidr:
                moto.do("ec2", "authorize_security_group_ingress", GroupId=net.group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp=cidr)  # fmt: skip
            assert sync(store, source(moto, services=("ec2",)), at, KEY, processes="none").error is None
        before, after = store.entity(group, View(as_of=LATER - 1)), store.entity(group, View())
        assert before is not None
        assert after is not None
        assert "0.0.0.0/0" not in str(
            {k: v for k, v in _plain(before.properties["attributes"]).items() if "ingress" in k}
        )
        assert "0.0.0.0/0" in str({k: v for k, v in _plain(after.properties["attributes"]).items() if "ingress" in k})


def _plain(value: Value) -> dict[str, Value]:
    assert isinstance(value, dict)
    return value


def test_each_region_is_read_and_is_a_part_of_its_own(moto: MotoServer, made: Shop) -> None:
    moto.do("ec2", "create_vpc", "us-west-2", CidrBlock="10.7.0.0/16")
    found = Told(list(source(moto, regions=(REGION, "us-west-2"), services=("ec2",)).pull(None, NOW)))
    assert {str(v.properties["region"]) for v in found.of_type("aws_vpc")} == {REGION, "us-west-2"}
    assert f"{ACCOUNT_ID}#{ACCOUNT_ID}/us-west-2/ec2/aws_vpc" in {b.scope for b in found.batches}


def test_services_and_types_can_be_left_out(moto: MotoServer, made: Shop) -> None:
    found = Told(
        list(source(moto, services=("ec2", "elbv2", "iam"), exclude=("iam", "aws_lb_target_group")).pull(None, NOW))
    )
    assert found.of_type("aws_lb")
    assert not found.of_type("aws_lb_target_group")
    assert not found.of_type("aws_iam_role")
    assert not found.of_type("aws_sqs_queue")


def test_the_setting_names_the_environment_where_no_tag_does(moto: MotoServer, made: Shop) -> None:
    found = Told(list(source(moto, services=("elbv2", "ec2"), environment="Production").pull(None, NOW)))
    assert {str(e.properties["environment"]) for e in found.of_type("aws_vpc")} == {"prod"}
    assert found.resource(made.lb).properties["environment"] == "prod"


def test_credentials_of_another_account_are_refused(moto: MotoServer) -> None:
    with pytest.raises(SourceDataInvalid, match="not of 999999999999") as caught:
        list(source(moto, account_id="999999999999").pull(None, NOW))
    assert "role_arn" in caught.value.hint


# -- the table


def test_every_entry_names_operations_that_there_are() -> None:
    session = boto3.session.Session(region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
    for collection in ALL:
        client = session.client(collection.service)  # type: ignore[call-overload] # pyright: ignore
        methods: dict[str, str] = client.meta.method_to_api_mapping  # pyright: ignore
        for call in (collection, *collection.details, *collection.batches):
            assert methods[call.operation] == api_name(call.operation), collection.type
            known = client.meta.service_model.operation_model(methods[call.operation]).input_shape  # pyright: ignore
            members: set[str] = set(known.members) if known is not None else set()  # pyright: ignore
            asked = set(call.parameters) | set(call.bind)
            if isinstance(call, Batch):
                asked.add(call.parameter)
            assert asked <= members, (collection.type, call.operation)
        assert not collection.parent or collection.parent in BY_TYPE


def test_the_policy_only_reads_and_names_every_call() -> None:
    granted = actions()
    assert all(action.split(":")[1].startswith(("Describe", "List", "Get")) for action in granted), granted
    assert {"elasticloadbalancing:DescribeRules", "s3:GetBucketPolicy", "rds:DescribeDBInstances"} <= set(granted)
    assert all(action in DOC.permissions for action in granted)


def test_every_setting_is_described() -> None:
    about = AwsSettings.__doc__ or ""
    for setting in setting_docs("aws"):
        assert f"{setting.name}:" in about, setting.name


def test_it_is_opened_by_its_name(moto: MotoServer) -> None:
    opened = open_source("aws", {"account_id": ACCOUNT_ID, "regions": [REGION], "live": True})
    assert (opened.name, opened.scope) == ("aws", ACCOUNT_ID)


class TestTheContract(SourceContract):
    """With the service whose secrets lie about most."""

    @pytest.fixture(autouse=True)
    def _server(self, moto: MotoServer, made: Shop) -> None:
        self.moto = moto

    def recorded(self, directory: Path) -> Source:
        return source(self.moto, services=("lambda",))

    def broken(self, directory: Path) -> Iterator[Source]:
        yield source(self.moto, account_id="999999999999")
        yield source(self.moto, path=str(directory / "nothing"))


def test_a_cursor_of_another_source_is_refused(moto: MotoServer) -> None:
    with pytest.raises(SourceDataInvalid, match="cursor"):
        list(source(moto).pull('{"parts": 3}', NOW))


def test_two_roles_are_told_apart(moto: MotoServer, made: Shop) -> None:
    role(moto, "second")
    found = Told(redacted(source(moto, services=("iam",)), None))
    assert {str(e.properties["name"]) for e in found.of_type("aws_iam_role")} == {"checkout", "second"}


def test_types_are_called_as_other_sources_call_them(told: Told) -> None:
    for entity in told.entities.values():
        if entity.ref.kind == "Resource":
            arn, called = str(entity.properties["cloud_id"]), str(entity.properties["type"])
            if called in ("aws_lambda_function_version", "aws_lambda_alias"):
                continue  # by its ARN alone each is a function
            assert aws_names.resource_type(arn) in ("", called), arn


def test_an_auto_scaling_group_is_named_without_the_uuid_that_audit_logs_do_not_tell(told: Told) -> None:
    [group] = told.of_type("aws_autoscaling_group")
    assert group.ref == names.cloud_resource(aws_names.auto_scaling_group("web", ACCOUNT_ID, REGION))
    assert ("arn", str(group.properties["cloud_id"])) in told.aliases
