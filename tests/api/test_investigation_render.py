"""How an investigation is shown: on a terminal, as Markdown, in Slack and as a picture; what is cut, and what is never let through."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion

from agent.investigation import Advice, Cause, Conclusion, Coverage, Investigation, Moment, Node, Report, Rollback
from agent.model import Citation
from api.investigation_markdown import investigation_markdown
from api.investigation_slack import (
    MAX_BLOCKS,
    MAX_CHARS,
    MAX_HEADER_CHARS,
    investigation_blocks,
    investigation_fallback,
)
from api.investigation_svg import investigation_svg
from api.investigation_text import CHILDREN_SHOWN, FIRST_LINES, NODES_SHOWN, first_lines, investigation_text, tree_text
from api.investigation_words import percent
from api.text_layout import cells, cut, wrap
from tests.api.investigation_shape import CAUSES, NODES, REPORT, ROLLBACK, SHA, cause, cite, investigation

SVG = "{http://www.w3.org/2000/svg}"


def texts_of(blocks: Sequence[Mapping[str, object]]) -> Iterator[tuple[str, str]]:
    """Every text of Slack blocks with its type."""
    for block in blocks:
        elements = cast("list[dict[str, str]]", block.get("elements") or [])
        for one in [*elements, *([cast("dict[str, str]", block["text"])] if "text" in block else [])]:
            yield one["type"], one["text"]


def slack(of: Investigation) -> str:
    return "\n".join(text for _, text in texts_of(investigation_blocks(of)))


def everything(of: Investigation) -> str:
    return investigation_text(of, tree=True, steps=True)


EVERY_FORM: tuple[Callable[[Investigation], str], ...] = (everything, investigation_markdown, slack, investigation_svg)


# -- as a whole


def test_the_terminal_shows_it_like_this(snapshot: SnapshotAssertion) -> None:
    assert investigation_text(investigation(), tree=True, steps=True, width=90) == snapshot


def test_markdown_shows_it_like_this(snapshot: SnapshotAssertion) -> None:
    assert investigation_markdown(investigation()) == snapshot


def test_slack_shows_it_like_this(snapshot: SnapshotAssertion) -> None:
    assert investigation_blocks(investigation()) == snapshot


def test_the_picture_looks_like_this(snapshot: SnapshotAssertion) -> None:
    assert investigation_svg(investigation()) == snapshot


# -- the first lines


def test_the_first_lines_tell_suspect_person_time_confidence_blind_spot_command_safety_and_who_is_on_call() -> None:
    text = first_lines(investigation(), width=100)
    for told in (
        "Cause found, 83% sure",
        "Tighten the health checks (#47)",
        "Ann Archer",
        "applied 2026-03-04 13:58 UTC in prod",
        "No metrics or logs are connected",
        f"$ git revert --no-edit {SHA}",
        "Safe as far as known",
        "Tomás Ferreira",
    ):
        assert told in text


def test_an_unsafe_rollback_says_so_beside_its_command_with_the_change_that_makes_it_so() -> None:
    unsafe = Rollback(
        command=f"git revert --no-edit {SHA}", safe=False, why="Commit 123 (“Loosen”) changes port of it again"
    )
    text = first_lines(investigation(rollback=unsafe))
    assert "NOT SAFE as it is. Commit 123 (“Loosen”) changes port of it again" in text


@pytest.mark.parametrize("width", [60, 80, 100, 120])
@pytest.mark.parametrize("verdict", ["cause_found", "no_cause_found", "insufficient_evidence"])
def test_the_first_lines_are_fifteen_at_most_however_long_everything_is(verdict: Conclusion, width: int) -> None:
    long = "very long words " * 60
    huge = replace(cause(1, 0.5, long), mechanism=long, target_label=long, by=long)
    many = investigation(
        verdict,
        causes=[huge],
        symptom=long,
        notes=[long, long],
        rollback=Rollback(command=long, safe=False, why=long),
        report=replace(REPORT, not_seen=(long, long)),
    )
    lines = first_lines(replace(many, on_call=(long,) * 4), width=width).split("\n")
    assert len(lines) <= FIRST_LINES
    assert all(cells(line) <= width for line in lines)
    assert any(line.startswith("On call") for line in lines), "the last field is not lost"


def test_no_cause_found_says_how_likely_it_is_that_it_is_not_listed_and_gives_no_command() -> None:
    text = first_lines(investigation("no_cause_found", causes=[cause(1, 0.2, "Something")], unnamed=0.61))
    assert text.startswith("No cause found in what is known")
    assert "61% that it is something not listed" in " ".join(text.split())
    assert "git revert" not in text


def test_too_little_evidence_is_called_a_shortlist() -> None:
    text = " ".join(first_lines(investigation("insufficient_evidence", unnamed=0.22)).split())
    assert "Not sure enough to name a cause. A shortlist of 2" in text
    assert "22% that it is something not listed" in text
    assert "Only if it was that" in text


def test_a_provisional_answer_is_marked_as_one() -> None:
    assert first_lines(investigation(), provisional=True).startswith("So far: ")


def test_a_note_stands_among_the_first_lines() -> None:
    assert "Neo4j is down" in first_lines(investigation(notes=["Neo4j is down: the export of 13:00 answered."]))


def test_stale_sources_are_told_before_other_blind_spots() -> None:
    stale = replace(
        investigation(), coverage=(Coverage(source="slack:acme", fresh_until="2026-03-04T09:00:00Z", status="stale"),)
    )
    assert "slack:acme was read up to 2026-03-04T09:00:00Z" in first_lines(stale)


# -- the rest of the terminal


def bare(verdict: Conclusion = "no_cause_found") -> Investigation:
    """One without anything in any list."""
    return replace(
        investigation(verdict, causes=[], nodes=[], report=Report(), rollback=None, citations=[], unnamed=1.0),
        similar_incidents=(), on_call=(), coverage=(), anchors=(), symptoms=(), environment="",
    )  # fmt: skip


@pytest.mark.parametrize("form", EVERY_FORM)
@pytest.mark.parametrize("verdict", ["cause_found", "no_cause_found", "insufficient_evidence"])
def test_empty_lists_leave_no_empty_headings(form: Callable[[Investigation], str], verdict: Conclusion) -> None:
    text = form(bare(verdict))
    assert "100%" in text
    for heading in ("Timeline", "Ruled out", "Do now", "Who else", "Like it before", "Citations"):
        assert heading not in text


@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_line_but_what_is_copied_is_wider_than_the_terminal(width: int) -> None:
    long = replace(
        investigation(causes=[cause(n, 0.1, "标题很长 " * 30 + "x" * 300) for n in range(1, 11)]),
        tree=replace(investigation().tree, nodes=deep(40)),
    )
    for line in investigation_text(long, tree=True, steps=True, width=width).split("\n"):
        assert cells(line) <= width or "$ " in line or "https://" in line or line.startswith("[c"), line


def test_ten_causes_are_listed_with_what_is_left_for_what_is_not() -> None:
    ten = [cause(n, 0.09, f"Change number {n}") for n in range(1, 11)]
    text = investigation_text(replace(investigation(causes=ten, unnamed=0.1), truncated=True))
    assert all(f"Change number {n}" in text for n in range(1, 11))
    assert "others are not listed" in text
    assert "10%  something that is not listed" in text


def test_of_the_evidence_the_strongest_for_and_against_is_shown_and_what_has_no_data_is_not() -> None:
    text = investigation_text(investigation())
    assert "+1.2  It was applied 4 minutes before [c1]" in text
    assert "−0.3  The same change did no harm in staging [c3]" in text
    assert "No metric is known" not in text


def test_marks_stay_when_what_they_cite_is_cut() -> None:
    long = Report(timeline=(Moment(at="2026-03-04T13:58:00Z", what="very long " * 200, citations=("c1", "c2", "c3")),))
    text = investigation_text(investigation(report=long), width=80)
    assert "[c1][c2][c3]" in text
    assert text.count("very long") < 40


def test_citations_that_nothing_shown_leads_to_are_counted_and_not_listed() -> None:
    text = investigation_text(investigation(citations=[cite(1), cite(2), cite(3), *(cite(n) for n in range(70, 80))]))
    assert text.endswith("… 10 more; --output json has them")


def test_citations_stand_at_the_end_with_their_addresses() -> None:
    last = investigation_text(investigation()).split("\n\n")[-1]
    assert last.startswith(f"[c1] acme/infra@{SHA}")
    assert "https://git.example/acme/infra/pull/47" in last


# -- the tree


def deep(depth: int) -> tuple[Node, ...]:
    return tuple(
        Node(
            id=f"n{i}",
            parent=f"n{i - 1}" if i else None,
            claim="claim " * 30,
            prior=0.5,
            posterior=0.5,
            status="open",
            step=1,
        )
        for i in range(depth)
    )


def wide(count: int) -> tuple[Node, ...]:
    root = Node(id="r", parent=None, claim="root", prior=1, posterior=1, status="open", step=1)
    return (
        root,
        *(
            Node(id=f"n{i:03d}", parent="r", claim=f"leaf {i}", prior=0.01, posterior=0.01, status="open", step=1)
            for i in range(count)
        ),
    )


def test_the_likeliest_branch_stands_first_and_what_was_ruled_out_is_marked() -> None:
    lines = tree_text(investigation()).split("\n")
    assert [re.sub(r"[ └├─│]+", " ", line).strip() for line in lines[1:]] == [
        "· checkout returns 502 100%",
        "✓ edge 83%, was 50%",
        "✓ Tighten the health checks (#47) 83%, was 30%",
        "· checkout itself 12%, was 40%",
        "✗ Deploy checkout 1.42.0 to prod 12%, was 40%, ruled out",
        "· none of these 5%, was 10%, not looked at",
    ]


def test_a_wide_tree_is_cut_and_says_how_much_is_left() -> None:
    text = tree_text(investigation(nodes=wide(50)))
    assert text.count("leaf") == CHILDREN_SHOWN
    assert f"… {50 - CHILDREN_SHOWN} more, 42% together" in text


def test_a_deep_tree_is_cut() -> None:
    assert tree_text(investigation(nodes=deep(300))).count("\n") <= NODES_SHOWN + 2


@pytest.mark.parametrize("form", EVERY_FORM)
def test_nodes_in_a_circle_without_a_parent_or_twice_end_nothing(form: Callable[[Investigation], str]) -> None:
    odd = [
        Node(id="a", parent="b", claim="a", prior=0.1, posterior=0.1, status="open", step=0),
        Node(id="b", parent="a", claim="b", prior=0.1, posterior=0.1, status="open", step=0),
        Node(id="c", parent="gone", claim="an orphan", prior=0.1, posterior=0.1, status="open", step=0),
        Node(id="d", parent="d", claim="its own parent", prior=0.1, posterior=0.1, status="open", step=0),
        Node(id="d", parent=None, claim="twice", prior=0.1, posterior=0.1, status="open", step=0),
    ]
    assert "an orphan" in form(investigation(nodes=odd)) or form is slack


# -- Slack


def huge() -> Investigation:
    """More of everything than fits anywhere, with characters that grow when they are escaped."""
    long = "<&>" * 400
    causes = [replace(cause(n, 0.09, long), by=long) for n in range(1, 11)]
    report = Report(
        timeline=tuple(Moment(at="2026-03-04T13:58:00Z", what=long, citations=("c1",)) for _ in range(60)),
        root_cause=" ".join(f"{long} [c{n % 9}]" for n in range(30)),
        chain=(long,) * 40,
        mitigation=tuple(Advice(text=long, command=long) for _ in range(30)),
        long_term_fix=tuple(Advice(text=long) for _ in range(30)),
        not_seen=(long,) * 40,
    )
    some = [cite(n, "https://git.example/" + "x" * 250) for n in range(1, 80)]
    return replace(
        investigation(
            causes=causes,
            report=report,
            symptom=long,
            citations=some,
            rollback=Rollback(command=long, safe=False, why=long),
        ),
        on_call=(long,) * 10,
    )


def test_slack_s_limits_hold_for_more_of_everything_than_fits() -> None:
    blocks = investigation_blocks(huge())
    assert len(blocks) <= MAX_BLOCKS
    assert all(0 < len(text) <= MAX_CHARS for _, text in texts_of(blocks))
    header = cast("dict[str, str]", blocks[0]["text"])
    assert len(header["text"]) <= MAX_HEADER_CHARS
    assert all(len(cast("list[object]", b.get("elements") or [])) <= 10 for b in blocks)
    json.dumps(blocks)


def test_escapes_and_links_of_slack_are_never_cut_in_two() -> None:
    for kind, text in texts_of(investigation_blocks(huge())):
        if kind == "mrkdwn":
            assert not re.sub(r"&(?:amp|lt|gt);", "", text).count("&")
            assert re.sub(r"<https://[^<>|\s]+\|[^<>]*>", "", text).count("<") == 0


@pytest.mark.parametrize(
    "planted", ["<!channel>", "<@U012AB3CD>", "<!here|x>", "<https://evil.example|click>", "<!subteam^S1>"]
)
def test_nobody_is_called_and_nothing_is_linked_from_a_source_s_text(planted: str) -> None:
    blocks = investigation_blocks(poisoned(planted))
    told = [text for kind, text in texts_of(blocks) if kind == "mrkdwn"]
    assert not any(planted in text for text in told)
    assert any("&lt;" in text for text in told)
    assert planted not in investigation_fallback(poisoned(planted))
    sections = [cast("dict[str, object]", b["text"]) for b in blocks if b["type"] == "section"]
    assert all(s["verbatim"] is True for s in sections), "what looks like a name or an address stays text"


def test_formatting_of_a_source_s_text_formats_nothing_in_slack() -> None:
    text = slack(poisoned("*bold* ~gone~ `code` _it_"))
    assert "∗bold∗ ∼gone∼ ˋcodeˋ ˍitˍ" in text


# -- text of sources is data, everywhere


def poisoned(planted: str) -> Investigation:
    """This text wherever a source's text can stand."""
    first = replace(
        CAUSES[0],
        label=planted, by=planted, mechanism=planted, target_label=planted, environment=planted,
        evidence=tuple(replace(e, reason=planted) for e in CAUSES[0].evidence),
    )  # fmt: skip
    report = replace(
        REPORT,
        timeline=tuple(replace(m, what=planted) for m in REPORT.timeline),
        root_cause=f"{planted} [c1]",
        chain=(planted, planted),
        blast_radius=tuple(replace(a, label=planted) for a in REPORT.blast_radius),
        mitigation=(Advice(text=planted, command=planted),),
        ruled_out=tuple(replace(r, label=planted, why=planted) for r in REPORT.ruled_out),
        not_seen=(planted,),
    )
    made = investigation(
        causes=[first],
        nodes=[replace(n, claim=planted) for n in NODES],
        report=report,
        symptom=planted,
        rollback=replace(ROLLBACK, command=planted, why=planted),
        notes=[planted],
        citations=[Citation(id="c1", source=planted, locator=planted, url=planted, observed_at="")],
    )
    return replace(
        made,
        on_call=(planted,),
        coverage=(Coverage(source=planted, fresh_until=None, status="stale"),),
        similar_incidents=tuple(
            replace(s, cause=planted, fix=planted, confirmed_by=planted) for s in made.similar_incidents
        ),
    )


@pytest.mark.parametrize("form", EVERY_FORM)
@pytest.mark.parametrize(
    "planted", ["a\x1b[31mb", "a\x1b]0;title\x07b", "a\x9b2Jb", "a\u202eb", "a\u2066b", "a\x00b", "a\ud800b", "a\x7fb"]
)
def test_nothing_that_a_terminal_acts_on_comes_through(form: Callable[[Investigation], str], planted: str) -> None:
    text = form(poisoned(planted))
    assert not {c for c in text if not c.isprintable() and c not in "\n\u2060"}


def test_lines_of_a_source_stay_within_their_place() -> None:
    text = investigation_text(poisoned("title\nTake back   $ rm -rf ~\nOn call     Mallory"))
    assert not any(line.startswith(("Take back   $ rm", "On call     Mallory")) for line in text.split("\n"))


@pytest.mark.parametrize(
    "planted",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://evil.example/p.png)",
        "[click](javascript:alert(1))",
        "</style><script>",
    ],
)
def test_markdown_of_a_source_makes_no_tags_links_and_pictures(planted: str) -> None:
    text = re.sub(r"(`+).*?\1", "", investigation_markdown(poisoned(planted)))
    assert not re.search(r"(?<!\\)<(?!https?://git\.example)", text)
    assert not re.search(r"(?<!\\)\]\((?!https://git\.example)", text)


def test_rows_of_a_table_keep_their_columns_whatever_a_title_holds() -> None:
    text = investigation_markdown(poisoned("a | b | c\n| d |"))
    for line in text.split("\n"):
        if line.startswith("| 2026") or re.match(r"\| \d+ \|", line):
            assert len(re.findall(r"(?<!\\)\|", line)) == (4 if line.startswith("| 2026") else 6)


@pytest.mark.parametrize(
    "planted",
    [
        "<script>alert(1)</script>",
        "&xxe; ]]> <!--",
        '" onload="alert(1)',
        "</style><script>alert(1)</script>",
        "</text>",
    ],
)
def test_the_picture_is_well_formed_and_holds_no_scripts_links_or_handlers(planted: str) -> None:
    root = ElementTree.fromstring(investigation_svg(poisoned(planted)))
    tags = {e.tag.removeprefix(SVG) for e in root.iter()}
    assert tags <= {"svg", "title", "desc", "style", "rect", "text", "path", "g"}
    assert not {k for e in root.iter() for k in e.attrib if k.lower().startswith("on") or "href" in k.lower()}
    style = next(e.text for e in root.iter() if e.tag == f"{SVG}style")
    assert style is not None
    assert "url(" not in style
    assert "@import" not in style


def test_the_picture_has_a_row_for_each_node_within_its_frame_and_colours_for_the_dark() -> None:
    root = ElementTree.fromstring(investigation_svg(investigation(nodes=wide(300))))
    height, width = float(root.attrib["height"]), float(root.attrib["width"])
    for e in root.iter():
        if "y" in e.attrib:
            assert 0 <= float(e.attrib["y"]) <= height
            assert 0 <= float(e.attrib["x"]) <= width
    assert "prefers-color-scheme: dark" in investigation_svg(investigation())


# -- words and lines


@pytest.mark.parametrize(
    ("probability", "shown"), [(0.0, "0%"), (0.001, "<1%"), (0.5, "50%"), (0.999, ">99%"), (1.0, "100%")]
)
def test_what_is_not_certain_is_never_shown_as_certain(probability: float, shown: str) -> None:
    assert percent(probability) == shown


@pytest.mark.parametrize("text", ["word " * 50, "x" * 500, "标题 " * 80, "", "e\u0301" * 200, "a\tb\nc"])
@pytest.mark.parametrize("width", [20, 61, 120])
def test_wrapped_lines_fit_and_lose_nothing(text: str, width: int) -> None:
    lines = wrap(text, width, first="- ", then="  ")
    assert all(cells(line) <= width for line in lines)
    assert "".join("".join(line[2:].split()) for line in lines) == "".join(text.split())


def test_what_is_cut_ends_in_an_ellipsis_and_fits() -> None:
    assert cut("a long title, that goes on", 13) == "a long title…"
    assert cells(cut("标题标题标题", 6)) <= 6
    assert wrap("one two three four five six", 11, first="", then="", most=2)[-1].endswith("…")


def test_a_cause_without_time_or_person_is_still_told() -> None:
    unknown = replace(cause(1, 0.4, ""), at=None, by="", change=None, also=(), target_label="aws_lb.main", mechanism="")
    assert isinstance(unknown, Cause)
    for form in EVERY_FORM[:3]:
        text = form(investigation(causes=[unknown]))
        assert "when it took effect is not known" in text
        assert "aws_lb.main" in text
