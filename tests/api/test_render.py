"""Text for people: what is shown, what is cut and says so, and what never reaches a terminal."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from agent.model import (
    Actor,
    Answer,
    AttributeChange,
    AttributeState,
    Change,
    ChangeId,
    Citation,
    Match,
    Status,
)
from api.render import ATTRIBUTES_SHOWN, CANDIDATES_SHOWN, GROUPS_SHOWN, answer_text, harmless_json, plain, report_text
from graph.errors import StoreFull
from ingest.sync import SyncReport


def match(label: str) -> Match:
    return Match(ref=f"Block:{label}", label=label, locator="main.tf", confidence=0.5)


def change(number: int, effect: str = "updated", attributes: int = 1, target: str = "aws_lb.main") -> Change:
    sides = (AttributeState(state="value", value=1), AttributeState(state="value", value=2))
    return Change(
        change=ChangeId(kind="commit", id=f"{number:040x}", repository="acme/infra"),
        at=f"2024-01-{28 - number:02d}T00:00:00Z",
        at_means="merged",
        reached=(),
        by=Actor(name=f"Author {number}", accounts=()),
        approved_by=(),
        pull_request=None,
        title=f"Title {number}",
        effect=effect,
        attributes=tuple(
            AttributeChange(path=f"attribute_{n}", before=sides[0], after=sides[1]) for n in range(attributes)
        ),
        why=(),
        citations=(f"c{number}",),
        target=match(target),
    )


def answer(*changes: Change, status: Status = "answered", candidates: int = 0, text: str = "Somebody.") -> Answer:
    return Answer(
        question="who?",
        kind="who_changed",
        as_of=None,
        known_at=None,
        status=status,
        changes=changes,
        candidates=tuple(match(f"aws_lb.n{n}") for n in range(candidates)),
        citations=tuple(
            Citation(id=one.citations[0], source="git", locator=f"at {one.citations[0]}", url=None, observed_at="")
            for one in changes
        ),
        text=text,
    )


def test_the_rest_of_many_changes_is_counted_and_its_citations_are_left_out() -> None:
    text = answer_text(answer(*(change(n) for n in range(GROUPS_SHOWN + 2))))
    assert f"Author {GROUPS_SHOWN - 1}" in text
    assert f"Author {GROUPS_SHOWN}" not in text
    assert "… 2 more changes" in text
    assert f"[c{GROUPS_SHOWN - 1}] at" in text
    assert f"[c{GROUPS_SHOWN}] at" not in text


def test_a_cut_answer_says_that_there_is_more() -> None:
    assert "others that were cut" in answer_text(replace(answer(change(1)), truncated=True))
    assert "more changes" not in answer_text(answer(change(1)))


def test_what_meant_something_stands_before_what_only_reformatted() -> None:
    text = answer_text(answer(change(1, "format_only"), change(2)))
    assert text.index("Author 2") < text.index("Author 1")


def test_attributes_are_shown_of_the_first_change_only_and_counted_beyond_the_limit() -> None:
    text = answer_text(answer(change(1, attributes=ATTRIBUTES_SHOWN + 3), change(2)))
    assert text.count("attribute_0: 1 → 2") == 1
    assert "… 3 more attributes" in text


@pytest.mark.parametrize(
    ("status", "heading"),
    [("ambiguous", "It may also mean:"), ("not_found", "Nearest names:"), ("answered", "Among:")],
)
def test_candidates_stand_under_what_they_are_and_the_rest_is_counted(status: Status, heading: str) -> None:
    text = answer_text(answer(status=status, candidates=CANDIDATES_SHOWN + 2))
    assert heading in text
    assert "… 2 more" in text


def test_what_was_not_found_shows_no_changes_and_no_citations() -> None:
    text = answer_text(answer(change(1), status="not_found"))
    assert "Author 1" not in text
    assert "[c1]" not in text


@pytest.mark.parametrize("character", ["\x1b", "\x07", "\x00", "\x7f", "\x9b", "\u202e", "\u2066", "\ud800"])
def test_characters_that_a_terminal_acts_on_are_left_out_of_text_and_escaped_in_json(character: str) -> None:
    assert plain(f"a{character}b\nc\td é 💥") == "ab c d é 💥"
    shown = harmless_json(json.dumps({"x": f"a{character}b"}, ensure_ascii=False))
    assert json.loads(shown) == {"x": f"a{character}b"}
    if character != "\ud800":  # no encoder of ours writes one raw
        assert character not in shown


def test_a_report_says_what_was_read_what_was_not_and_why() -> None:
    assert report_text(SyncReport("git", "acme/infra", assertions=1200, changes=7)).startswith(
        "git acme/infra: 1,200 facts, 7 changes in "
    )
    assert "nothing new" in report_text(SyncReport("git", "acme/infra"))
    assert "3 items could not be read" in report_text(SyncReport("git", "a", quarantined=3))
    failed = report_text(SyncReport("git", "a", error=StoreFull("There is no room.", "Free some.")))
    assert failed.splitlines()[1:] == ["  failed: There is no room.", "  hint: Free some."]
