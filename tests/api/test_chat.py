"""`lore chat`: the conversation on a terminal and in a pipe."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from api.chat import Conversation
from api.settings import Settings
from api.wiring import Engine
from graph.stores import open_store
from tests.agent.world import NOW, World, value


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A rule that two people changed, and a queue."""
    world = World()
    first = world.commit("Add the rule", "Ann Archer", request=3)
    world.block(first, "aws_lb_listener_rule.api", attributes={"priority": 10})
    world.block(first, "aws_sqs_queue.jobs")
    second = world.commit("Raise the rule", "Ben Bower", request=7)
    world.block(
        second,
        "aws_lb_listener_rule.api",
        effect="updated",
        attributes={"priority": 5},
        changed={"priority": (value(10), value(5))},
    )
    settings = Settings(store=f"sqlite:///{tmp_path}/lore.db", embedder="none", data_directory=tmp_path)
    with open_store(settings.store) as store:
        world.into(store)
    return Engine(settings)


def talk(engine: Engine) -> Conversation:
    return Conversation(engine, now=lambda: NOW, sync=False)


def test_a_conversation_goes_on_about_the_same_thing(engine: Engine) -> None:
    said = talk(engine)
    first = said.say("who changed aws_lb_listener_rule.api?")
    assert first.answer is not None
    assert "Ben Bower" in first.answer.text
    assert first.understood.said == ""
    before = said.say("and before that?")
    assert before.answer is not None
    assert "Ann Archer" in before.answer.text
    assert before.understood.said.startswith("Asked: who changed aws_lb_listener_rule.api")
    was = said.say("what else did she change?")
    assert was.answer is not None
    assert was.understood.said == "Asked: what did Ann Archer change?"


def test_a_rollback_is_shown_with_what_came_later(engine: Engine) -> None:
    said = talk(engine)
    said.say("who changed aws_lb_listener_rule.api?")
    back = said.say("roll it back?").rollback
    assert back is not None
    assert back.command.startswith("git revert --no-edit ")
    assert back.safe
    said.say("and before that?")
    earlier = said.say("roll it back").rollback
    assert earlier is not None
    assert not earlier.safe
    assert "was changed again" in earlier.why


@pytest.mark.parametrize(
    "line",
    [
        "why?",
        "roll it back",
        "the second one",
        "and before that?",
        "what about staging?",
        "show tree",
        "who is she?",
        "investigate it",
    ],
)
def test_without_anything_to_refer_to_it_is_asked_back(engine: Engine, line: str) -> None:
    told = talk(engine).say(line)
    assert told.understood.action == "ask_back"
    assert told.text


@pytest.mark.parametrize(
    "line",
    ["", "   ", "?!", "\x00\x1b[2J", "x" * 100_000, "((((" * 500, "a" * 1999 + " it?", "<!channel>", "it " * 900],
)
def test_whatever_is_typed_is_answered_somehow(engine: Engine, line: str) -> None:
    said = talk(engine)
    said.say("who changed aws_lb_listener_rule.api?")
    told = said.say(line)
    assert told.understood.action in ("ask", "ask_back", "nothing", "help")


def test_what_is_not_available_is_said(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr("api.digests.Digests.make", missing)
    told = talk(engine).say("weekly digest")
    assert told.failed
    assert told.text == "digest is not available in this installation."


def test_more_and_the_tree_belong_to_what_was_told_last(engine: Engine) -> None:
    said = talk(engine)
    said.say("who changed aws_lb_listener_rule.api?")
    more = said.say("show more")
    assert more.full
    assert more.answer is not None
    found = said.say("investigate the api returns 502 at 2024-01-04 10:00")
    assert found.investigation is not None
    assert found.investigation.detected_at == "2024-01-04T10:00:00Z"
    tree = said.say("show tree")
    assert tree.investigation is not None
    assert tree.investigation.id == found.investigation.id


def test_in_a_pipe_each_line_is_a_question_and_answers_go_to_standard_output(engine: Engine, tmp_path: Path) -> None:
    lines = (
        "who changed aws_lb_listener_rule.api?\n:help\n\nand who approved it?\n:quit\nwho changed aws_sqs_queue.jobs?\n"
    )
    ran = subprocess.run(
        [sys.executable, "-m", "api.cli", "chat", "--no-sync"],
        input=lines,
        capture_output=True,
        text=True,
        timeout=60,
        env={"LORE_STORE": engine.settings.store, "LORE_EMBEDDER": "none", "XDG_DATA_HOME": str(tmp_path), "PATH": ""},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Ben Bower changed aws_lb_listener_rule.api" in ran.stdout
    assert "Asked: who approved acme/infra#7?" in ran.stdout
    assert "aws_sqs_queue" not in ran.stdout
    assert "lore>" not in ran.stdout
