from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.intent import clean, understand
from graph.clock import instant

NOW = instant("2024-05-15T12:00:00")


@pytest.mark.parametrize(
    ("text", "kind", "mention"),
    [
        ("who changed the LB rule?", "who_changed", "the LB rule"),
        ("WHO CHANGED AWS_LB.MAIN", "who_changed", "AWS_LB.MAIN"),
        ("Who last changed aws_lb.main in terraform/shop?", "who_changed", "aws_lb.main in terraform/shop"),
        ("when was aws_lb.main last modified", "who_changed", "aws_lb.main"),
        ("What was the last change to the listener rule api?", "who_changed", "the listener rule api"),
        ("latest change of the security group bastion", "who_changed", "the security group bastion"),
        ("last touched: aws_lb.main", "who_changed", "aws_lb.main"),
        ("security group web last modified by", "who_changed", "security group web"),
        ("did somebody touch the db", "who_changed", "the db"),
        ("has anyone edited the db recently?", "who_changed", "the db"),
        ("by whom was aws_lb.main changed", "who_changed", "aws_lb.main"),
        ("which commit introduced aws_lb.main?", "who_changed", "aws_lb.main"),
        ("blame aws_lb.main", "who_changed", "aws_lb.main"),
        ("Hey, could you tell me who changed the LB rule please??", "who_changed", "the LB rule"),
        ("who changed aws_lb.main, when and why?", "who_changed", "aws_lb.main"),
        ("when did aws_lb.main change in prod?", "who_changed", "aws_lb.main in prod"),
        ("why was the port changed in prod", "why", "the port in prod"),
        ("who deleted anything?", "what_changed", ""),
        ("who changed something in dns", "what_changed", "dns"),
        ("show me all security groups", "what_is", "security groups"),
        ("what changed in terraform/dns last week", "what_changed", "terraform/dns"),
        ("what changed", "what_changed", ""),
        ("what changed last?", "what_changed", ""),
        ("the last 5 changes to aws_lb.main", "what_changed", "aws_lb.main"),
        ("help", "refused", ""),
        ("show changes in dns", "what_changed", "dns"),
        ("which security groups changed last week", "what_changed", "security groups"),
        ("why was aws_lb.main changed?", "why", "aws_lb.main"),
        ("why did they change aws_lb.main", "why", "aws_lb.main"),
        ("what is the reason for the last change to aws_lb.main", "why", "aws_lb.main"),
        ("who owns terraform/dns?", "owner", "terraform/dns"),
        ("which team is responsible for the database", "owner", "the database"),
        ("what depends on aws_vpc.main", "dependencies", "aws_vpc.main"),
        ("what breaks if I delete aws_vpc.main", "dependencies", "aws_vpc.main"),
        ("blast radius of aws_vpc.main", "dependencies", "aws_vpc.main"),
        ("what does aws_lb.main depend on?", "dependencies", "aws_lb.main"),
        ("what was aws_lb.main on 2020-05-01", "state_at", "aws_lb.main"),
        ("value of ingress of aws_security_group.web", "state_at", "ingress of aws_security_group.web"),
        ("what is aws_lb.main?", "what_is", "aws_lb.main"),
        ("aws_lb.main", "what_is", "aws_lb.main"),
        ("谁修改了 aws_lb.main", "what_is", "谁修改了 aws_lb.main"),
        ("delete aws_lb.main", "refused", "delete aws_lb.main"),
        ("please roll back the deployment", "refused", "roll back the deployment"),
        ("", "refused", ""),
        ("?!… 🙂", "refused", ""),
    ],
)
def test_a_wording_asks_for_its_kind_about_its_thing(text: str, kind: str, mention: str) -> None:
    question = understand(text, NOW)
    assert (question.kind, question.mention) == (kind, mention)


def test_the_verb_tells_which_effects_are_asked_for() -> None:
    assert understand("who deleted the bucket", NOW).effects == {"deleted"}
    assert understand("when was the bucket created", NOW).effects == {"created"}
    assert understand("who renamed aws_lb.main", NOW).effects == {"moved"}
    assert understand("who changed the bucket", NOW).effects == frozenset()


def test_the_direction_of_dependencies_follows_the_wording() -> None:
    assert understand("what depends on aws_lb.main", NOW).direction == "in"
    assert understand("what does aws_lb.main use", NOW).direction == "out"


def test_a_person_is_told_from_the_thing() -> None:
    question = understand("what did Ann Archer change in terraform/dns last month", NOW)
    assert (question.kind, question.by, question.mention) == ("what_changed", "Ann Archer", "terraform/dns")
    assert understand("changes by Ann Archer in 2023", NOW).by == "Ann Archer"
    assert understand("why did Ann change aws_lb.main", NOW).by == "Ann"


def test_a_window_is_kept_out_of_the_mention() -> None:
    question = understand("who changed the bucket since 2024-05-01", NOW)
    assert question.mention == "the bucket"
    assert question.since == instant("2024-05-01")


def test_terminal_escapes_and_control_characters_are_taken_out() -> None:
    assert clean("who\x1b[31m changed\x00 \x07aws_lb.main\u202e\r\n?") == "who changed aws_lb.main ?"


def test_a_long_text_is_read_quickly_and_cut() -> None:
    started = time.perf_counter()
    for text in (
        "who changed " + "a " * 50_000,
        "did last " * 12_000,
        "x" * 100_000,
        "why " * 30_000,
        "what is " * 20_000,
    ):
        assert len(understand(text, NOW).text) <= 2_000
    assert time.perf_counter() - started < 2.0


@given(st.text(max_size=300))
def test_any_text_is_understood_as_something(text: str) -> None:
    understand(text, NOW)
