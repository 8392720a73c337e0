from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase

import pytest

from graph.mention import parse
from graph.schema import KINDS
from graph.text import name_tokens
from graph.vocabulary import longest_phrase, senses, singular, spellings
from graph.vocabulary_terms import TERMS


def meant(words: str, *known: str) -> frozenset[str]:
    for rank in senses(parse(words).words):
        if types := rank.types(known):
            return types
    return frozenset()


@pytest.mark.parametrize(
    ("words", "type_"),
    [
        ("LB rule", "aws_lb_listener_rule"),
        ("load balancer rules", "aws_alb_listener_rule"),
        ("SG", "aws_security_group"),
        ("security groups", "azurerm_network_security_group"),
        ("sg rule", "aws_vpc_security_group_ingress_rule"),
        ("classic load balancer", "aws_elb"),
        ("database", "google_sql_database_instance"),
        ("bucket", "google_storage_bucket"),
        ("s3 bucket", "AWS::S3::Bucket"),
        ("queue", "aws_sqs_queue"),
        ("function", "azurerm_linux_function_app"),
        ("node group", "aws_eks_node_group"),
        ("DNS record", "cloudflare_record"),
        ("firewall rule", "google_compute_firewall"),
        ("cron job", "kubernetes:CronJob"),
        ("config map", "kubernetes:ConfigMap"),
        ("deployment", "kubernetes:Deployment"),
        ("monitor", "datadog_monitor"),
        ("repository", "github_repository"),
        ("policies", "aws_iam_policy"),
        ("target group", "aws_alb_target_group"),
        ("ASG", "aws_autoscaling_group"),
        ("VMs", "google_compute_instance"),
    ],
)
def test_type_words_mean_the_types_of_every_provider(words: str, type_: str) -> None:
    assert type_ in meant(words, type_, "aws_unrelated", "google_unrelated")


def test_a_first_rank_sense_wins_over_a_later_one() -> None:
    assert meant("lb rule", "aws_lb_listener", "aws_lb_listener_rule") == {"aws_lb_listener_rule"}
    assert meant("elb", "aws_elb", "aws_lb") == {"aws_elb"}


def test_a_later_rank_counts_where_the_first_names_nothing() -> None:
    assert meant("lb rule", "aws_lb_listener", "aws_s3_bucket") == {"aws_lb_listener"}
    assert meant("elb", "aws_lb") == {"aws_lb"}


def test_a_word_outside_the_vocabulary_means_nothing() -> None:
    assert senses(("frobnicator",)) == ()
    assert senses(()) == ()


def test_the_longest_phrase_is_found() -> None:
    words = name_tokens("security group rule api egress")
    assert longest_phrase(words, 0) == 3
    assert longest_phrase(words, 3) == 0


def test_code_blocks_and_graph_kinds_are_meant_by_themselves() -> None:
    assert senses(("variable",))[0].block_types == {"variable"}
    assert "Service" in senses(("service",))[0].kinds


def test_plurals_of_type_words_are_understood_and_names_that_end_in_s_are_left_alone() -> None:
    assert [singular(w) for w in ("policies", "buckets", "certificates", "addresses", "boxes", "lbs")] == [
        "policy", "bucket", "certificate", "address", "box", "lb",
    ]  # fmt: skip
    assert [singular(w) for w in ("dns", "ingress", "alias", "redis", "https", "status", "bus")] == [
        "dns", "ingress", "alias", "redis", "https", "status", "bus",
    ]  # fmt: skip


def test_types_of_any_provider_are_spelled_in_natural_order_with_or_without_the_provider() -> None:
    spelled = spellings(["fastly_service_vcl", "aws_db_instance", "kubernetes:Deployment"])
    assert spelled["fastly", "service", "vcl"] == {"fastly_service_vcl"}
    assert spelled["service", "vcl"] == {"fastly_service_vcl"}
    assert spelled["deployment",] == {"kubernetes:Deployment"}


def test_no_phrase_has_two_entries_and_each_is_lower_case_and_singular() -> None:
    phrases = Counter(name_tokens(phrase) for said, _ in TERMS for phrase in said.split("|"))
    assert [phrase for phrase, count in phrases.items() if count > 1] == []
    for said, _ in TERMS:
        for phrase in said.split("|"):
            assert phrase == phrase.lower()
            assert senses(name_tokens(phrase)), phrase


def test_every_graph_kind_named_in_the_vocabulary_exists() -> None:
    for _, ranks in TERMS:
        for pattern in " ".join(ranks).split():
            if pattern.startswith("#"):
                assert pattern[1:] in KINDS
            assert fnmatchcase(pattern.replace("*", "x"), pattern)
