"""The declared failure modes: what changed, on what, which way, against what the symptom is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import pytest

from agent.attribute_kinds import KINDS, kind_of, path_words, shown_path
from agent.changed_values import ABSENT, Side, direction, read_lines
from agent.incident import ReadClass, Suspect, Symptom, SymptomClass
from agent.investigation import CauseKind
from agent.mechanism_table import HARMLESS, UNKNOWN, find_rule, rules, rules_for
from agent.mechanisms import CLASS_WORDS, Fit, explain
from agent.resource_groups import TYPES, Group, group_of
from agent.touches import file_sort
from graph.clock import instant
from graph.model import EntityRef, Value
from graph.store import ChangeView, Provenance

AT = instant("2026-03-04T14:05:00Z")
SAID = Provenance("git", "acme/infra", "acme/infra@1:main.tf#L3", AT)
COMMIT = EntityRef("Commit:1")
THING = EntityRef("Block:thing")
FILE = EntityRef("File:f")


def symptom(*names: SymptomClass, confidence: float = 0.95) -> Symptom:
    return Symptom("told", AT, AT - 1, classes=tuple(ReadClass(n, "the words", confidence) for n in names))


def side(value: object) -> dict[str, Value]:
    if value is None:
        return {"state": "absent"}
    if value == "?":
        return {"state": "unknown"}
    assert isinstance(value, str | int | float | bool | list | dict)
    return {"state": "value", "value": value}  # pyright: ignore[reportUnknownVariableType]


def view(
    attributes: Mapping[str, tuple[object, object]] | None = None,
    *,
    target: EntityRef = THING,
    effect: str = "updated",
    path: str = "",
) -> ChangeView:
    listed: list[Value] = [{"path": p, "before": side(b), "after": side(a)} for p, (b, a) in (attributes or {}).items()]
    properties: dict[str, Value] = {"effect": effect, "attributes": listed}
    if path:
        properties["path"] = path
    return ChangeView(COMMIT, target, AT - 10, properties, SAID, "public")


def suspect(
    *views: ChangeView, title: str = "Change things", added: str = "", removed: str = "", paths: tuple[str, ...] = (),
    kind: CauseKind = "change", properties: Mapping[str, str] | None = None, mechanism: str = "", target: EntityRef | None = None,
) -> Suspect:  # fmt: skip
    return Suspect(
        COMMIT, kind, COMMIT if kind == "change" else None, target, AT - 10, "merged", title, "test", views=views, added=added,
        removed=removed, paths=paths, properties=properties or {}, mechanism=mechanism,
    )  # fmt: skip


def attribute(type_: str, path: str, before: object, after: object, *names: SymptomClass, label: str = "x.api") -> Fit:
    one = suspect(view({path: (before, after)}))
    return explain(symptom(*names), one, {THING: type_}, {THING: label})


def lines(path: str, removed: str, added: str, *names: SymptomClass) -> Fit:
    one = suspect(view(target=FILE, path=path), removed=removed, added=added, paths=(path,))
    return explain(symptom(*names), one, {}, {FILE: path})


@pytest.mark.parametrize(
    ("type_", "path", "before", "after", "name"),
    [
        ("aws_lb_target_group", "health_check[0].path", "/health", "/healthz", "unavailable"),
        ("AWS::ElasticLoadBalancingV2::TargetGroup", "healthCheckPath", "?", "/healthz", "errors"),
        ("kubernetes:Deployment", "spec.template.spec.containers[a].readinessProbe.httpGet.path", "/h", "/x", "unavailable"),
        ("kubernetes:Deployment", "spec.template.spec.containers[a].resources.limits.memory", "1Gi", "512Mi", "oom"),
        ("kubernetes:Deployment", "spec.template.spec.containers[a].resources.limits.cpu", "1", "200m", "latency"),
        ("kubernetes:Deployment", "spec.template.spec.containers[a].resources.requests.memory", "1Gi", "8Gi", "unscheduled"),
        ("kubernetes:Deployment", "spec.replicas", 6, 2, "latency"),
        ("kubernetes:Deployment", "spec.template.spec.nodeSelector", None, "gpu", "unscheduled"),
        ("kubernetes:Service", "spec.selector.app", "api", "web", "unavailable"),
        ("kubernetes:Service", "spec.ports[80].targetPort", 8080, 8081, "refused"),
        ("kubernetes:HorizontalPodAutoscaler", "spec.maxReplicas", 20, 3, "unscheduled"),
        ("kubernetes:ResourceQuota", "spec.hard.pods", "100", "10", "unscheduled"),
        ("kubernetes:ConfigMap", "data.DB_POOL_SIZE", "40", "4", "connections"),
        ("aws_security_group", 'ingress["tcp 443 from 0.0.0.0/0"]', "tcp 443 from 0.0.0.0/0", None, "timeouts"),
        ("aws_security_group_rule", "cidr_blocks", ["0.0.0.0/0"], ["10.0.0.0/8"], "refused"),
        ("google_compute_firewall", "source_ranges", ["10.0.0.0/8"], ["10.1.0.0/16"], "timeouts"),
        ("azurerm_network_security_rule", "access", "Allow", "Deny", "refused"),
        ("aws_route", "nat_gateway_id", "nat-1", "nat-2", "timeouts"),
        ("aws_route53_record", "records", ["10.0.0.1"], ["10.0.0.2"], "dns"),
        ("google_dns_record_set", "rrdatas", ["1.2.3.4"], ["1.2.3.5"], "unavailable"),
        ("aws_lb_listener", "certificate_arn", "arn:a", "arn:b", "tls"),
        ("aws_lb_listener", "ssl_policy", "2016", "TLS13", "tls"),
        ("aws_iam_role_policy", "policy", '{"Action":["s3:Get","s3:Put"]}', '{"Action":["s3:Get"]}', "access_denied"),
        ("google_project_iam_member", "role", "roles/editor", "roles/viewer", "access_denied"),
        ("aws_db_instance", "instance_class", "db.r6g.2xlarge", "db.r6g.large", "latency"),
        ("aws_db_parameter_group", "parameter.max_connections", "500", "50", "connections"),
        ("aws_db_instance", "allocated_storage", 200, 100, "disk"),
        ("aws_elasticache_cluster", "num_cache_nodes", 2, 1, "latency"),
        ("aws_sqs_queue", "visibility_timeout_seconds", 120, 10, "queue_lag"),
        ("aws_lambda_function", "timeout", 60, 3, "timeouts"),
        ("aws_lambda_function", "memory_size", 1024, 128, "oom"),
        ("aws_lambda_function", "reserved_concurrent_executions", 100, 5, "throttled"),
        ("aws_dynamodb_table", "read_capacity", 100, 5, "throttled"),
        ("aws_api_gateway_stage", "throttling_rate_limit", 1000, 10, "throttled"),
        ("aws_s3_bucket", "lifecycle_rule[0].expiration[0].days", 365, 7, "data"),
        ("aws_cloudfront_distribution", "default_cache_behavior.default_ttl", 3600, 0, "latency"),
        ("aws_autoscaling_group", "max_size", 20, 4, "latency"),
        ("aws_instance", "instance_type", "m5.xlarge", "m5.large", "cpu"),
        ("aws_secretsmanager_secret", "rotation_lambda_arn", None, "arn:x", "authentication"),
        ("aws_cognito_user_pool", "callback_urls", ["https://a"], ["https://b"], "authentication"),
        ("aws_cloudwatch_event_rule", "schedule_expression", "rate(1 hour)", "rate(1 day)", "data"),
        ("github_actions:job", "runs-on", "ubuntu-22.04", "ubuntu-24.04", "build"),
        ("", "warehouse_timeout_ms", 3000, 300, "timeouts"),
        ("aws_autoscaling_group", "desired_capacity", 2, 40, "cost"),
    ],
)  # fmt: skip
def test_a_change_that_can_show_so_fits_the_symptom_and_says_how(
    type_: str, path: str, before: object, after: object, name: SymptomClass
) -> None:
    fit = attribute(type_, path, before, after, name)
    assert fit.known, fit
    assert fit.score > 0.55, fit
    assert "x.api" in fit.mechanism
    assert fit.expects
    assert not any(field in fit.mechanism for field in ("{target}", "{attribute}", "{before}", "{after}"))


@pytest.mark.parametrize(
    ("type_", "path", "before", "after", "name"),
    [
        ("aws_lb", "tags.Owner", "a", "b", "errors"),
        ("aws_security_group", "description", "a", "b", "timeouts"),
        ("kubernetes:Deployment", "metadata.labels.team", "a", "b", "crash_loop"),
        ("kubernetes:Deployment", "metadata.annotations.note", "a", "b", "latency"),
        ("AWS::CloudWatch::Alarm", "threshold", 50, 20, "errors"),
        ("aws_cloudwatch_dashboard", "dashboard_body", "{}", "[]", "latency"),
    ],
)
def test_what_cannot_matter_fits_badly_and_is_known(
    type_: str, path: str, before: object, after: object, name: SymptomClass
) -> None:
    fit = attribute(type_, path, before, after, name)
    assert fit.known
    assert fit.harmless
    assert fit.score <= HARMLESS + 0.01


@pytest.mark.parametrize(
    ("type_", "path", "name"),
    [
        ("aws_db_instance", "allocated_storage", "tls"),
        ("aws_lb_listener", "ssl_policy", "queue_lag"),
        ("aws_route53_record", "records", "oom"),
        ("kubernetes:Deployment", "spec.replicas", "tls"),
        ("aws_sqs_queue", "visibility_timeout_seconds", "dns"),
    ],
)
def test_a_known_change_that_does_not_show_so_fits_worse_than_an_unknown_one(
    type_: str, path: str, name: SymptomClass
) -> None:
    fit = attribute(type_, path, 1, 2, name)
    assert fit.known
    assert fit.score < UNKNOWN


def test_what_the_table_does_not_know_is_neither_here_nor_there() -> None:
    fit = attribute("acme_gizmo", "frobnication_level", 1, 2, "latency")
    assert not fit.known
    assert fit.score == pytest.approx(UNKNOWN)  # pyright: ignore[reportUnknownMemberType]
    assert not explain(symptom("errors"), suspect(title=""), {}).known


def test_direction_matters() -> None:
    lowered = attribute(
        "kubernetes:Deployment", "spec.template.spec.containers[a].resources.limits.memory", "2Gi", "1Gi", "oom"
    )
    raised = attribute(
        "kubernetes:Deployment", "spec.template.spec.containers[a].resources.limits.memory", "1Gi", "2Gi", "oom"
    )
    assert lowered.score > 2 * raised.score
    narrowed = attribute("aws_security_group_rule", "cidr_blocks", ["10.0.0.0/8"], ["10.1.0.0/16"], "timeouts")
    widened = attribute("aws_security_group_rule", "cidr_blocks", ["10.1.0.0/16"], ["10.0.0.0/8"], "timeouts")
    assert narrowed.score > 2 * widened.score


def test_the_mechanism_is_one_sentence_that_a_tired_engineer_understands() -> None:
    fit = attribute(
        "aws_lb_target_group", "health_check[0].path", "/health", "/healthz", "errors", label="aws_lb_target_group.api"
    )
    assert fit.mechanism == (
        "the health check path of aws_lb_target_group.api went from /health to /healthz: a path or port that does not answer as "
        "expected marks healthy targets unhealthy, which shows as 502/503 or endless restarts"
    )
    assert fit.attribute == "health check path"
    assert fit.symptom == "errors"
    assert fit.target == THING
    assert fit.said == SAID


def test_a_value_that_looks_like_a_template_stays_what_it_is() -> None:
    fit = attribute("", "warehouse_timeout_ms", "{after}", "{before} {target} %s", "timeouts")
    assert "from {after} to {before} {target} %s" in fit.mechanism


def test_the_surest_reading_of_the_symptom_counts_and_doubt_pulls_to_not_knowing() -> None:
    one = suspect(view({"ssl_policy": ("a", "b")}))
    sure = explain(symptom("tls"), one, {THING: "aws_lb_listener"})
    unsure = explain(symptom("tls", confidence=0.3), one, {THING: "aws_lb_listener"})
    both = explain(symptom("queue_lag", "tls"), one, {THING: "aws_lb_listener"})
    none = explain(symptom(), one, {THING: "aws_lb_listener"})
    assert sure.score > unsure.score > UNKNOWN
    assert both.score == sure.score
    assert both.symptom == "tls"
    assert UNKNOWN < none.score < sure.score


def test_of_several_pieces_the_best_counts_and_those_on_the_thing_itself_count_most() -> None:
    other = EntityRef("Block:other")
    views = (view({"tags": ("a", "b")}), view({"ssl_policy": ("a", "b")}, target=other))
    types = {THING: "aws_lb", other: "aws_lb_listener"}
    fit = explain(symptom("tls"), suspect(*views), types)
    assert fit.target == other
    nearer = explain(symptom("tls"), suspect(*views, target=THING), types)
    assert UNKNOWN < nearer.score < fit.score


@pytest.mark.parametrize(
    ("type_", "effect", "name", "good"),
    [
        ("aws_route53_record", "deleted", "dns", True),
        ("aws_security_group_rule", "deleted", "timeouts", True),
        ("aws_security_group_rule", "created", "timeouts", False),
        ("kubernetes:NetworkPolicy", "created", "refused", True),
        ("aws_wafv2_web_acl", "created", "access_denied", True),
        ("aws_iam_role_policy", "deleted", "access_denied", True),
        ("aws_elasticache_cluster", "deleted", "latency", True),
        ("kubernetes:Secret", "deleted", "crash_loop", True),
        ("aws_cloudwatch_metric_alarm", "created", "latency", False),
        ("acme_gizmo", "deleted", "unavailable", True),
        ("aws_acm_certificate", "deleted", "queue_lag", False),
    ],
)
def test_whole_things_that_come_or_go(type_: str, effect: str, name: SymptomClass, *, good: bool) -> None:
    fit = explain(symptom(name), suspect(view(effect=effect)), {THING: type_}, {THING: "x.api"})
    assert fit.known
    assert (fit.score > 0.5) == good
    assert effect in fit.mechanism


@pytest.mark.parametrize(
    ("path", "removed", "added", "name", "key"),
    [
        ("config/app.yaml", "db_pool_size: 40", "db_pool_size: 4", "connections", "db_pool_size"),
        ("config/app.json", '"requestTimeoutMs": 3000,', '"requestTimeoutMs": 300,', "timeouts", "requestTimeoutMs"),
        (".env.production", "export MEMORY_LIMIT=2G", "export MEMORY_LIMIT=512M", "oom", "MEMORY_LIMIT"),
        ("nginx.conf", "proxy_read_timeout 60s;", "proxy_read_timeout 5s;", "timeouts", "proxy_read_timeout"),
        ("my.cnf", "max_connections = 500", "max_connections = 50", "connections", "max_connections"),
        ("prod.tfvars", 'instance_type = "m5.4xlarge"', 'instance_type = "m5.large"', "cpu", "instance_type"),
        ("wmf-config/Settings.php", "$wgRateLimits['edit'] = 90;", "$wgRateLimits['edit'] = 2;", "throttled", "wgRateLimits['edit']"),
        ("settings.py", "CACHE_TTL = 3600  # an hour", "CACHE_TTL = 1  # a second", "latency", "CACHE_TTL"),
        ("config/timeouts.yaml", "checkout: 3000", "checkout: 30", "timeouts", "checkout"),
        ("app.properties", "spring.datasource.hikari.maximum-pool-size=20", "spring.datasource.hikari.maximum-pool-size=2", "connections", "pool-size"),
    ],
)  # fmt: skip
def test_keys_of_changed_lines_are_read_with_their_direction(
    path: str, removed: str, added: str, name: SymptomClass, key: str
) -> None:
    fit = lines(path, removed, added, name)
    assert fit.known, fit
    assert fit.score > 0.5, fit
    assert key in fit.mechanism


def test_lines_that_differ_in_comments_or_layout_only_do_not_matter() -> None:
    assert lines("config/app.yaml", "# old words\n# more", "# new words", "errors").kind == "comment"
    assert lines("config/app.yaml", "timeout:   30", "timeout: 30", "timeouts").kind == "format"
    assert lines("config/app.yaml", "- a,\n- b", "- b\n- a", "errors").kind == "format"
    assert lines("config/app.yaml", "# note\ntimeout: 30", "# other\ntimeout: 3", "timeouts").score > 0.5


@pytest.mark.parametrize(
    ("path", "sort"),
    [
        ("README.md", "document"),
        ("docs/pool.yaml", "document"),
        ("services/pay/tests/test_pool.py", "test"),
        ("pkg/pool_test.go", "test"),
        ("requirements.txt", "dependency"),
        ("package.json", "dependency"),
        ("db/migrations/0042_drop.py", "schema"),
        ("Dockerfile", "image"),
        (".github/workflows/deploy.yml", "pipeline"),
        ("zuul.d/projects.yaml", "pipeline"),
        ("alerts/checkout.rules.yml", "alarm"),
        ("services/pay/prod.yaml", "config"),
        ("src/pay/pool.py", "code"),
        ("bin/deploy", "code"),
        ("dblists/closed.dblist", "config"),
        ("templates/haproxy.cfg.j2", "template"),
    ],
)
def test_a_file_is_known_by_its_path(path: str, sort: str) -> None:
    assert file_sort(path) == sort


def test_documents_and_tests_do_not_matter_unless_builds_fail() -> None:
    assert lines("docs/db_pool.md", "db_pool_size: 40", "db_pool_size: 4", "connections").score <= HARMLESS + 0.01
    assert lines("tests/test_pool.py", "POOL_SIZE = 40", "POOL_SIZE = 4", "connections").score <= HARMLESS + 0.01
    assert lines("tests/test_pool.py", "a = 1", "a = 2", "build").score > UNKNOWN


def test_a_migration_that_drops_a_column_fits_errors_and_missing_data() -> None:
    fit = lines("db/migrations/7.sql", "", "ALTER TABLE orders DROP COLUMN total;", "data")
    assert fit.known
    assert fit.score > 0.6


def test_a_new_version_fits_nearly_anything_and_therefore_little() -> None:
    image = attribute("kubernetes:Deployment", "spec.template.spec.containers[a].image", "a:1", "a:2", "crash_loop")
    probe = attribute(
        "kubernetes:Deployment",
        "spec.template.spec.containers[a].livenessProbe.httpGet.path",
        "/a",
        "/b",
        "unavailable",
    )
    assert UNKNOWN < image.score < 0.5 < probe.score


def test_a_path_alone_and_a_title_alone_count_less_than_a_value() -> None:
    told = lines("config/timeouts.yaml", "a: 30", "a: 3", "timeouts")
    path_only = lines("config/timeouts.yaml", "", "", "timeouts")
    title_only = explain(symptom("timeouts"), suspect(title="Lower the read timeout of the gateway"), {})
    assert told.score > path_only.score > UNKNOWN
    assert told.score > title_only.score > UNKNOWN
    assert told.known
    assert not path_only.known
    assert not title_only.known


def test_code_beside_a_tag_is_still_code() -> None:
    views = (
        view({"tags": ("a", "b")}, path="main.tf"),
        view(target=FILE, path="main.tf"),
        view(target=EntityRef("File:g"), path="src/pay.py"),
    )
    fit = explain(
        symptom("errors"),
        suspect(*views, paths=("main.tf", "src/pay.py")),
        {THING: "aws_lb"},
        {EntityRef("File:g"): "src/pay.py"},
    )
    assert fit.kind == "code"


@pytest.mark.parametrize(
    ("kind", "type_", "good", "bad"),
    [
        ("expiry", "certificate", "tls", "oom"),
        ("expiry", "access_key", "authentication", "cpu"),
        ("quota", "", "throttled", "tls"),
        ("capacity", "", "latency", "tls"),
        ("external", "", "timeouts", "oom"),
    ],
)
def test_conditions_fit_what_they_cause(kind: CauseKind, type_: str, good: SymptomClass, bad: SymptomClass) -> None:
    one = suspect(kind=kind, properties={"type": type_}, mechanism="it ran out")
    assert explain(symptom(good), one, {}).score > 0.65
    assert explain(symptom(bad), one, {}).score < UNKNOWN
    assert explain(symptom(good), one, {}).mechanism == "it ran out"


@pytest.mark.parametrize(
    ("before", "after", "way"),
    [
        (40, 4, "lowered"),
        ("1792Mi", "2Gi", "raised"),
        ("500m", "1", "raised"),
        ("30s", "5000ms", "lowered"),
        (True, False, "disabled"),
        ("off", "on", "enabled"),
        (["a", "b"], ["a"], "removed"),
        (["a"], ["a", "b"], "added"),
        (["a"], ["b"], "replaced"),
        ("db.r6g.large", "db.r6g.xlarge", "raised"),
        ("r5.4xlarge", "r5.xlarge", "lowered"),
        (["0.0.0.0/0"], ["10.0.0.0/8", "192.168.0.0/16"], "removed"),
        (["10.0.0.0/16"], ["10.0.0.0/8"], "added"),
        (["fd00::/8"], ["10.0.0.0/8"], "removed"),
        ('{"a":[1,2]}', '{"a":[1]}', "removed"),
        ('{"s":[{"Effect":"Allow"}]}', '{"s":[{"Effect":"Allow"},{"Effect":"Deny"}]}', "removed"),
        ("/health", "/healthz", "replaced"),
        ("not{json", "{", "replaced"),
        ("10.0.0.0/99", "x/y", "replaced"),
    ],
)
def test_the_direction_of_a_value(before: Value, after: Value, way: str) -> None:
    assert direction(Side("value", before), Side("value", after)) == way


def test_the_direction_where_a_side_is_missing() -> None:
    assert direction(ABSENT, Side("value", 1)) == "added"
    assert direction(Side("value", 1), ABSENT) == "removed"
    assert direction(Side("unknown"), Side("value", 1)) == "changed"
    assert direction(Side("unknown"), Side("value", False)) == "disabled"
    assert direction(Side("redacted"), Side("redacted")) == "replaced"


def test_lines_of_any_sort_can_be_read() -> None:
    for text in (
        "",
        "\x00",
        "{" * 5_000,
        "a" * 10_000,
        "if (x) {\n  return y;\n}",
        "= = =",
        "::::",
        "'",
        '"k" : ',
        "结账: 3",
    ):
        read_lines(text, text + "\nx")
    many = "\n".join(f"k{i}: {i}" for i in range(5_000))
    assert len(read_lines(many, "").keys) <= 240


def test_values_of_any_shape_and_depth_are_judged() -> None:
    deep: Value = "x"
    for _ in range(200):
        deep = [deep]
    shapes: list[Value] = [
        deep,
        {},
        [],
        "",
        "[" * 100_000,
        '{"a":',
        10**30,
        -0.0,
        [[1], {"a": [None]}],
        "0.0.0.0/0",
        "::/0",
        "\x00",
        True,
        None,
    ]
    for before in shapes:
        for after in shapes:
            assert direction(Side("value", before), Side("value", after))
            fit = attribute("aws_security_group_rule", "cidr_blocks", before, after, "timeouts")
            assert 0 <= fit.score <= 1
            assert len(fit.mechanism) < 1_000


def test_prose_and_code_hold_no_keys() -> None:
    assert read_lines("return foo(x)", "if timeout > 3: retry").keys == ()
    assert read_lines("we talked about limits", "").keys == ()


def test_paths_are_told_apart_by_words_and_shown_as_people_say_them() -> None:
    assert kind_of(path_words("healthCheck.path")) == kind_of(path_words("HealthCheckPath")) == "health_check_path"
    assert kind_of(path_words("spec.containers[cache].image")) == "image"
    assert shown_path("spec.template.spec.containers[a].resources.limits.memory") == "memory limit"


@pytest.mark.parametrize(
    ("type_", "group"),
    [
        ("aws_lb_target_group", "target_group"), ("AWS::ElasticLoadBalancingV2::TargetGroup", "target_group"),
        ("google_compute_backend_service", "target_group"), ("aws:s3/bucketV2:BucketV2", "storage"), ("azurerm_servicebus_queue", "queue"),
        ("google_pubsub_subscription", "queue"), ("kubernetes:Ingress", "load_balancer"), ("kubernetes:Role", "permission"),
        ("azurerm_role_assignment", "permission"), ("google_container_node_pool", "scheduling"), ("aws_kms_key", "secret"),
        ("aws_nat_gateway", "network"), ("aws_cloudfront_distribution", "cdn"), ("aws_wafv2_web_acl", "waf"), ("acme_gizmo", ""),
    ],
)  # fmt: skip
def test_types_of_all_clouds_fall_into_the_same_groups(type_: str, group: str) -> None:
    assert group_of(type_) == group


def test_the_tables_agree_with_each_other() -> None:
    groups = set(get_args(Group))
    kinds = {kind for kind, _, _ in KINDS}
    classes = set(get_args(SymptomClass))
    assert len(rules()) >= 120
    assert {c for r in rules() for c in r.fits} == classes
    assert all(rules_for(kind) for kind in kinds)
    assert all(r.groups <= groups for r in rules())
    assert {group for group, _ in TYPES} <= groups
    assert all(set(limited.split()) <= groups for _, limited, _ in KINDS)
    assert all(0 <= fit <= 1 for r in rules() for fit in r.fits.values())
    assert set(CLASS_WORDS) == classes
    assert len({(r.kind, r.groups, r.directions) for r in rules()}) == len(rules())


def test_a_rule_for_the_group_wins_over_one_for_any() -> None:
    found = find_rule("timeout", "database", "lowered")
    assert found is not None
    assert found[0].groups == {"database"}
    assert find_rule("timeout", "", "lowered") != found


@pytest.mark.parametrize(
    "key", ["wgNewUserSuppressRC", "url_shortener_color", "versionBannerText", "queueing_discipline_x"]
)
def test_a_common_word_inside_a_key_does_not_make_it_what_it_is_not(key: str) -> None:
    assert kind_of(path_words(key)) == ""


def test_an_entry_that_was_commented_out_is_gone() -> None:
    read = read_lines("'10.64.0.150',  # cache-1", "# '10.64.0.150',  # cache-1 reboots")
    assert [(k.key, k.before.value, k.after.state) for k in read.keys] == [("", "10.64.0.150", "absent")]
