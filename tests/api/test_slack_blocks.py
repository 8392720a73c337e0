"""What the bot shows stays within Slack's limits and mentions nobody, however much and whatever the sources say."""

from __future__ import annotations

import json
from typing import cast

import pytest
from msgspec.structs import replace

from agent.conversation import Choice
from agent.cost.model import CostReport, CostRow, Jump, Waste, WasteReport
from agent.drift.model import AttributeDrift, Cause, Drift, DriftReport, Said
from agent.investigation import Rollback
from agent.model import (
    Actor,
    Answer,
    AttributeChange,
    AttributeState,
    Change,
    ChangeId,
    Citation,
    Match,
    PullRequest,
    Reached,
)
from api.outward.slack_limits import read_blocks
from api.slack_answer import answer_blocks, choice_blocks, fallback
from api.slack_blocks import Block, button, context, fit, section
from api.slack_reports import (
    cost_blocks,
    drift_blocks,
    help_blocks,
    rollback_blocks,
    status_blocks,
    waste_blocks,
)
from graph.store import ScopeStatus, StoreStatus
from tests.fake_slack import Json, check_message, texts_of

EVIL = "<!channel> <@U123> <https://evil.example|x> & *b* _i_ ~s~ `c` > q \n```\u202e [c1] "
LONG = EVIL * 60
AT = "2026-03-04T14:05:00Z"


def cited(many: int) -> tuple[Citation, ...]:
    url = "https://git.example/" + "p" * 150
    return tuple(Citation(id=f"c{n}", source="git", locator=LONG, url=url, observed_at=AT) for n in range(1, many + 1))


def words(blocks: list[Block]) -> str:
    told = cast("list[Json]", json.loads(json.dumps(blocks)))
    check_message("a message", told)
    read_blocks(json.dumps(told))  # as the gateway checks it
    return "\n".join(texts_of(told))


def change(number: int, text: str = LONG) -> Change:
    state = AttributeState(state="value", value=text)
    return Change(
        change=ChangeId(kind="commit", id=f"{number:040d}", repository="acme/infra"),
        at=AT,
        at_means="merged",
        reached=tuple(Reached(environment=text, earliest=AT, latest=None, basis="applied") for _ in range(5)),
        by=Actor(name=text, accounts=()),
        approved_by=(text,) * 5,
        pull_request=PullRequest(number=number, title=text, url=None),
        title=text,
        effect="updated",
        attributes=tuple(AttributeChange(path=text, before=state, after=state) for _ in range(20)),
        why=(),
        citations=("c1", "c2"),
        target=Match(ref="Block:1", label=text, locator=text, confidence=1.0),
    )


def answer(many: int = 40) -> Answer:
    return Answer(
        question=LONG,
        kind="who_changed",
        as_of=None,
        known_at=None,
        status="ambiguous",
        candidates=tuple(Match(ref=f"Block:{n}", label=LONG, locator=LONG, confidence=0.5) for n in range(10)),
        changes=tuple(change(n) for n in range(many)),
        truncated=True,
        text="[c1] " + LONG + "[c2][c99]",
        citations=cited(90),
        missing=(LONG,) * 9,
    )


@pytest.mark.parametrize("full", [False, True])
def test_an_answer_of_any_length_fits_and_says_what_is_left_out(full: bool) -> None:
    choices = tuple(Choice(label=LONG, question=LONG) for _ in range(10))
    told = words(answer_blocks(answer(), LONG, "0123456789abcdef", choices, full=full))
    assert "more" in told
    check_message(fallback(answer()), [])


def test_marks_are_links_where_the_source_has_an_address() -> None:
    short = replace(
        answer(1), text="Ann did it [c1].", changes=(change(1, "x"),), candidates=(), truncated=False, missing=()
    )
    told = words(answer_blocks(short, "", ""))
    assert f"Ann did it <{short.citations[0].url}|[c1]>." in told
    assert "javascript" not in words(
        answer_blocks(replace(short, citations=(replace(short.citations[0], url="javascript:alert(1)"),)), "", "")
    )


def test_buttons_of_choices_are_told_apart_and_the_rest_is_picked_by_number() -> None:
    choices = tuple(Choice(label=f"{'terraform/' * 12}{n}.tf", question="x") for n in range(9))
    blocks = choice_blocks("Which one?", "0123456789abcdef", choices)
    told = words(blocks)
    labels = [e["text"]["text"] for b in cast("list[Json]", blocks) if b["type"] == "actions" for e in b["elements"]]
    assert len(labels) == len(set(labels)) == 5
    assert all(label.endswith(f"{n}.tf") for n, label in enumerate(labels))
    assert "9. " in told


def test_a_value_that_would_be_cut_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        button("x", "lore_x", "v" * 2_001)


def test_what_does_not_fit_is_said() -> None:
    assert "3" not in words(fit([section(["x"])] * 50))
    assert "more parts do not fit" in words(fit([section(["x"])] * 51))
    assert "more parts do not fit" in words(fit([section(["y" * 2_900])] * 20, [context("end")]))
    assert words(fit([section(["y" * 2_900])] * 20, [context("end")])).endswith("end")


def test_drift_of_any_size_fits() -> None:
    state = AttributeState(state="value", value=LONG)
    one = Drift(
        id="drift_1",
        kind="changed",
        ref="Resource:1",
        address=LONG,
        type="aws_x",
        environment=LONG,
        basis="plan",
        severity="critical",
        attributes=(AttributeDrift(path=LONG, desired=state, actual=AttributeState(state="absent")),) * 9,
        risks=(LONG,) * 4,
        causes=(Cause(by=Actor(name=LONG, accounts=()), via=LONG, at=AT, action=LONG, event="x", citations=("c1",)),)
        * 3,
        said=(Said(text=LONG, by=LONG, at=AT, citation="c2"),),
        owners=(LONG,) * 3,
        first_seen_at=AT,
        citations=("c1",),
    )
    told = words(
        drift_blocks(
            DriftReport(scanned_at=AT, drifts=(one,) * 80, notes=(LONG,) * 9, citations=cited(60), truncated=True)
        )
    )
    assert "68 more" in told or "more parts" in told
    assert "No drift is known" in words(drift_blocks(DriftReport(scanned_at=AT)))


def test_cost_and_waste_of_any_size_fit() -> None:
    jump = Jump(
        key=LONG,
        since=LONG,
        expected="1",
        actual="2",
        per_month="30",
        verdict="cause_found",
        probability=0.001,
        cause=LONG,
        by=LONG,
        citations=("c1",),
    )
    cost = CostReport(
        since=AT, until=AT, currency="USD", total="1.00", before="2", rows=tuple(CostRow(key=LONG, amount="1", before="2") for _ in range(50)),
        jumps=(jump,) * 20, notes=(LONG,) * 9, citations=cited(60),
    )  # fmt: skip
    assert "&lt;1%" in words(cost_blocks(cost))
    waste = Waste(id="waste_1", kind="idle", ref="r", label=LONG, type="t", reason=LONG, patch=LONG, citations=("c1",))
    assert "no price is known" in words(
        waste_blocks(WasteReport(scanned_at=AT, wastes=(waste,) * 60, citations=cited(60)))
    )


def test_a_status_names_sources_and_not_what_of_them_was_read() -> None:
    scopes = tuple(
        ScopeStatus("slack", f"acme#members/C0HUSH{n}", None, 0, 60_000_000 * n or None, 1, 2) for n in range(3)
    )
    status = StoreStatus(1, 1, {"Block": 1_000}, {}, 0, 0, 0, None, scopes, (), None)
    told = words(status_blocks(status, 60_000_000 * 60))
    assert "C0HUSH" not in told
    assert "not known how far" in told
    assert "6 items could not be read" in told


def test_a_rollback_and_the_help_fit() -> None:
    back = Rollback(command=LONG, safe=False, why=LONG, citations=("c1",))
    assert "Look before you do it" in words(rollback_blocks(back, cited(3), LONG))
    words(help_blocks(LONG, (LONG,) * 20))
