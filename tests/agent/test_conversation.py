"""Lines that only the turns before make whole: each becomes a full question in words, or is asked back."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from agent.ask import ask
from agent.conversation import Turn, Understood, asked_back, continued, turn_of_answer, understand
from agent.conversation.commands import command_of
from graph.clock import DAY, instant
from graph.model import Entity, ref
from graph.store import GraphStore, View
from graph.stores import open_store
from tests.agent.world import NOW, World, value

API = "aws_lb_listener_rule.api"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> GraphStore:
    """Two rules of one name in two places, a rule that changed twice, and two environments."""
    world = World()
    for name in ("prod", "staging", "blue"):
        world.say(Entity(ref("Environment", name), {"name": name}), "x")
    first = world.commit("Add the rules", "Ann Archer", request=3)
    world.block(first, API, attributes={"priority": 10})
    world.block(first, "aws_sqs_queue.jobs", "terraform/prod")
    world.block(first, "aws_sqs_queue.jobs", "terraform/staging")
    second = world.commit("Raise the rule", "Ben Bower", request=7)
    world.block(second, API, effect="updated", attributes={"priority": 5}, changed={"priority": (value(10), value(5))})
    return world.into(open_store(f"sqlite:///{tmp_path_factory.mktemp('store')}/lore.db"))


def after(store: GraphStore, *lines: str) -> tuple[list[Turn], Understood]:
    """The turns after all lines but the last, and what that means."""
    turns: list[Turn] = []
    understood = Understood("nothing")
    for line in lines:
        understood = understand(line, turns, store, View(), NOW)
        if understood.action == "ask" and line is not lines[-1]:
            answer = ask(store, understood.text, now=NOW)
            turn = turn_of_answer(answer, store, View(), NOW)
            turns.append(continued(turn, turns[-1] if turns else None) if understood.follow_up else turn)
        elif understood.action == "ask_back" and line is not lines[-1]:
            turns.append(asked_back(line, understood.choices))
    return turns, understood


def meant(store: GraphStore, *lines: str) -> str:
    understood = after(store, *lines)[1]
    assert understood.action == "ask", understood
    return understood.text


@pytest.mark.parametrize(
    ("line", "question"),
    [
        ("and who approved it?", "who approved acme/infra#7?"),
        ("approved by whom?", "who approved acme/infra#7?"),
        ("who merged that?", "who merged acme/infra#7?"),
        ("when did that reach prod?", "when did acme/infra#7 reach prod?"),
        ("is it in prod yet?", "when did acme/infra#7 reach prod?"),
        ("which environments did it reach?", "which environments has acme/infra#7 reached?"),
        ("why?", "why was acme/infra#7 made?"),
        ("ok, but how come?", "why was acme/infra#7 made?"),
        ("where was it discussed?", "where was acme/infra#7 discussed?"),
        ("what did it change?", "what did acme/infra#7 change?"),
        ("what exactly?", "what is acme/infra#7?"),
        ("who owns it?", f"who owns {API} in terraform/shop/main.tf?"),
        ("whose is that?", f"who owns {API} in terraform/shop/main.tf?"),
        ("what depends on it?", f"what depends on {API} in terraform/shop/main.tf?"),
        ("who is on call for it?", f"who is on call for {API} in terraform/shop/main.tf?"),
        ("and before that?", f"who changed {API} in terraform/shop/main.tf before 2024-01-03T09:00:00Z?"),
        ("was it changed since?", f"who changed {API} in terraform/shop/main.tf since 2024-01-03T09:01:00Z?"),
        ("what was it before?", f"what was {API} in terraform/shop/main.tf on 2024-01-03T08:59:00Z?"),
        ("what else changed then?", "what changed between 2024-01-02T21:00:00Z and 2024-01-03T21:00:00Z?"),
        ("what else did he change?", "what did Ben Bower change?"),
        ("who is he?", "who is Ben Bower?"),
        ("what about staging?", f"who changed {API} in staging?"),
        ("and aws_sqs_queue.jobs?", "who changed aws_sqs_queue.jobs?"),
        ("what about the jobs queue?", "who changed the jobs queue?"),
        ("since 2024-01-01?", f"who changed {API} since 2024-01-01?"),
        ("which alerts fired after that?", "which alerts fired between 2024-01-03T09:00:00Z and 2024-01-04T09:00:00Z?"),
    ],
)  # fmt: skip
def test_a_short_line_becomes_the_full_question(store: GraphStore, line: str, question: str) -> None:
    understood = after(store, f"who changed {API}?", line)[1]
    assert (understood.action, understood.text, understood.said) == ("ask", question, f"Asked: {question}")
    assert understood.follow_up


@pytest.mark.parametrize(
    "line",
    [
        "who owns terraform/shop?", "what changed last week?", f"why was {API} changed?", "who approved #3?", "which alerts fired for that_service?",
        "what is aws_sqs_queue.jobs?", "who owns the flux capacitor?", "which listener rules are there?",
    ],
)  # fmt: skip
def test_a_question_that_stands_by_itself_is_left_as_it_is(store: GraphStore, line: str) -> None:
    understood = after(store, f"who changed {API}?", line)[1]
    assert (understood.action, understood.text, understood.follow_up) == ("ask", line, False)


def test_the_subject_is_kept_over_turns_that_are_about_the_same(store: GraphStore) -> None:
    assert meant(store, f"who changed {API}?", "who owns it?", "and who approved it?") == "who approved acme/infra#7?"
    assert (
        meant(store, f"who changed {API}?", "who approved it?", "who owns it?")
        == f"who owns {API} in terraform/shop/main.tf?"
    )


def test_a_number_an_ordinal_or_a_name_picks_what_was_offered(store: GraphStore) -> None:
    turns, _ = after(store, "who changed aws_sqs_queue.jobs?", "x")
    assert len(turns[0].choices) == 2
    second = turns[0].choices[1].question
    for line in ("2", "the second one", "number two", "option 2", "2.", "the last one"):
        assert meant(store, "who changed aws_sqs_queue.jobs?", line) == second, line
    staging = meant(store, "who changed aws_sqs_queue.jobs?", "the staging one")
    assert staging == "who changed aws_sqs_queue.jobs in terraform/staging/main.tf?"
    too_many = after(store, "who changed aws_sqs_queue.jobs?", "7")[1]
    assert too_many.action == "ask_back"
    assert too_many.choices == turns[0].choices


def test_of_several_changes_it_is_asked_back_which_and_the_pick_keeps_the_question(store: GraphStore) -> None:
    listing = "what changed between 2024-01-01 and 2024-01-04?"
    asked = after(store, listing, "who approved it?")[1]
    assert asked.action == "ask_back"
    assert [c.question for c in asked.choices] == ["who approved acme/infra#7?", "who approved acme/infra#3?"]
    assert meant(store, listing, "who approved it?", "2") == "who approved acme/infra#3?"
    assert meant(store, listing, "who approved the second one?") == "who approved acme/infra#3?"
    assert meant(store, listing, "the second one") == "what is acme/infra#3?"
    assert after(store, listing, "the fifth one")[1].action == "ask_back"


def test_the_way_back_is_asked_for_and_of_one_change_only(store: GraphStore) -> None:
    understood = after(store, f"who changed {API}?", "can we roll it back?")[1]
    assert (understood.action, understood.text) == ("rollback", "acme/infra#7")
    assert after(store, "what changed between 2024-01-01 and 2024-01-04?", "revert it")[1].action == "ask_back"


@pytest.mark.parametrize(
    "line",
    [
        "who approved it?",
        "why?",
        "and prod?",
        "before that?",
        "the second one",
        "undo that",
        "what did she do?",
        "show tree",
        "more",
    ],
)
def test_nothing_is_guessed_where_nothing_was_said(store: GraphStore, line: str) -> None:
    understood = after(store, line)[1]
    assert understood.action == "ask_back"
    assert understood.text


def test_an_environment_is_one_that_the_graph_knows(store: GraphStore) -> None:
    assert meant(store, f"who changed {API}?", "what about blue?") == f"who changed {API} in blue?"
    green = after(store, f"who changed {API}?", "and green?")[1]
    assert green.action == "ask_back"
    assert [c.question for c in green.choices] == ["who changed green?"]


def test_what_was_refused_is_no_subject(store: GraphStore) -> None:
    assert meant(store, f"who changed {API}?", "who changed the frobnicator?", "who owns it?").startswith(
        f"who owns {API}"
    )


@pytest.mark.parametrize(
    ("line", "action"),
    [
        ("help", "help"), ("what can you do?", "help"), ("status", "status"), ("drift", "drift"), ("any drift in prod?", "drift"),
        ("what has drifted?", "drift"), ("cost", "cost"), ("costs by team last month", "cost"), ("what did we spend last week?", "cost"),
        ("weekly digest", "digest"), ("digest for platform", "digest"), ("savings", "waste"), ("investigate checkout is slow", "investigate"),
        ("/lore drift", "drift"), ("thanks!", "nothing"), ("", "nothing"), ("???", "help"),
    ],
)  # fmt: skip
def test_a_command_is_one(store: GraphStore, line: str, action: str) -> None:
    assert after(store, line)[1].action == action


@pytest.mark.parametrize(
    "line",
    [
        "who changed the cost tags?",
        "why did the drift job fail?",
        "who owns billing?",
        "which digest is signed?",
    ],
)
def test_a_question_about_such_a_thing_is_no_command(store: GraphStore, line: str) -> None:
    assert after(store, line)[1].action == "ask"


def test_a_command_tells_its_times(store: GraphStore) -> None:
    now = instant("2026-11-21T12:00:00Z")
    cost = command_of("cost last month by team", now)
    assert cost is not None
    assert (cost.since, cost.until, cost.by) == (instant("2026-10-01"), instant("2026-11-01"), "team")
    plain = command_of("cost", now)
    assert plain is not None
    assert (plain.since, plain.until) == (now - 30 * DAY, now)
    found = command_of("investigate checkout returns 502 since 14:02 at 2026-05-19 14:30", now)
    assert found is not None
    assert found.text == "checkout returns 502 since 14:02"
    assert found.at is not None
    assert instant("2026-05-19T14:30:00Z") <= found.at <= instant("2026-05-19T14:31:00Z")


@pytest.mark.parametrize(
    ("line", "question"),
    [
        ("approver?", "who approved acme/infra#7?"),
        ("approved by", "who approved acme/infra#7?"),
        ("who did aprove", "who approved acme/infra#7?"),
        ("sign-off from?", "who approved acme/infra#7?"),
        ("merger?", "who merged acme/infra#7?"),
        ("reason?", "why was acme/infra#7 made?"),
        ("thread?", "where was acme/infra#7 discussed?"),
        ("prod when", "when did acme/infra#7 reach prod?"),
        ("ownr?", f"who owns {API} in terraform/shop/main.tf?"),
        ("it belongs to which team", f"who owns {API} in terraform/shop/main.tf?"),
        ("what else has she touched", "what did Ben Bower change?"),
        ("same for stagign pls", f"who changed {API} in staging?"),
        ("now on 2024-01-02", f"who changed {API} on 2024-01-02?"),
        ("Looks good. Who approved it?", "who approved acme/infra#7?"),
        ("Could you find out who approved it, if you have a moment?", "who approved acme/infra#7?"),
        ("I wonder who merged that", "who merged acme/infra#7?"),
        ("hi, wheer was it discussed pls", "where was acme/infra#7 discussed?"),
    ],
)
def test_a_line_whose_words_only_ask_is_about_the_last_subject(store: GraphStore, line: str, question: str) -> None:
    assert meant(store, f"who changed {API}?", line) == question


@pytest.mark.parametrize(
    ("line", "question"),
    [
        ("aws_lb_listener_rule.api owner?", "who owns aws_lb_listener_rule.api?"),
        ("approver of #3?", "who approved #3?"),
        ("ok different topic: who owns terraform/shop?", "who owns terraform/shop?"),
        ("never mind. who approved #3?", "who approved #3?"),
        ("#3: who approved it?", "who approved #3?"),
    ],
)
def test_a_line_that_names_a_known_thing_is_a_question_about_that(store: GraphStore, line: str, question: str) -> None:
    assert meant(store, "who changed aws_sqs_queue.jobs in terraform/prod/main.tf?", line) == question


@pytest.mark.parametrize(
    "line",
    [
        "bananas?", "who paid for it?", "is it secure?", "who waved this through?", "purple monkey", "how many lines?", "what changed that broke checkout?",
        "should I worry?",
    ],
)  # fmt: skip
def test_a_line_that_is_neither_is_asked_back_and_never_guessed(store: GraphStore, line: str) -> None:
    understood = after(store, f"who changed {API}?", line)[1]
    assert understood.action == "ask_back"
    assert understood.unsure
    assert understood.choices


def test_what_is_asked_back_names_the_word_and_what_can_be_told_instead(store: GraphStore) -> None:
    understood = after(store, f"who changed {API}?", "who approved it spiritually?")[1]
    assert "“spiritually” names nothing that I know." in understood.text
    assert understood.choices[0].question == "who approved acme/infra#7?"
    assert meant(store, f"who changed {API}?", "who approved it spiritually?", "1") == "who approved acme/infra#7?"


def test_a_bare_name_repeats_the_question_and_offers_the_other_reading(store: GraphStore) -> None:
    understood = after(store, "who changed aws_sqs_queue.jobs in terraform/prod/main.tf?", API)[1]
    assert (understood.action, understood.text) == ("ask", f"who changed {API}?")
    assert [c.question for c in understood.choices] == [f"what is {API}?"]


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("thanks a lot :)", "You're welcome."),
        ("that can't be right", "Every statement is cited"),
        ("hm", ""),
        ("makes sense", ""),
        ("I'll ask her tomorrow", ""),
        ("ok, let me check", ""),
    ],
)
def test_a_remark_is_not_answered(store: GraphStore, line: str, reply: str) -> None:
    understood = after(store, f"who changed {API}?", line)[1]
    assert understood.action == "nothing"
    assert understood.text.startswith(reply)
    assert bool(understood.text) == bool(reply)


@pytest.mark.parametrize("line", ["is that right?", "let me see who owns it", "I want to know who merged it", "more"])
def test_what_asks_is_no_remark(store: GraphStore, line: str) -> None:
    assert after(store, f"who changed {API}?", line)[1].action != "nothing"


def hostile() -> Sequence[str]:
    return (
        "who " * 500, "and " * 500 + "it", "it " * 700, "the second one " * 100, "before that " * 150, "what about " * 180, "show me the " * 160,
        "roll it back " * 150, "what else did he change then " * 60, "a" * 2_000, "(" * 2_000, "who approved " + "it and " * 250 + "that?",
        "in " * 660 + "prod", "please can you " * 130 + "drift", "ok. " * 500 + "who?", "a, " * 660 + "it?", "sorry: " * 280 + "why", "ok, I think " * 150,
        "who tell me " * 160, "x if you " * 200, "yes 's " * 280, "aprove " * 280,
    )  # fmt: skip


@pytest.mark.parametrize("line", hostile())
def test_no_line_takes_long(store: GraphStore, line: str) -> None:
    turns, _ = after(store, f"who changed {API}?", "x")
    started = time.perf_counter()
    understand(line, turns, store, View(), NOW)
    assert time.perf_counter() - started < 1.0
