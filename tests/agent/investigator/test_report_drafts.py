"""What is drafted from an investigation: the postmortem, and the change the other way round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from msgspec.structs import replace

from agent.investigation import Cause, Investigation, Moment, Node, Report, Rollback, Tree, Window
from agent.markdown import code, escaped, marked, web_address
from agent.model import ChangeId, Citation
from agent.postmortem import draft_postmortem
from agent.revert_patch import revert_patch
from graph.store import View
from ingest.sources.documents.markdown import parse
from ingest.sources.documents.postmortem import read_postmortem
from tests.agent.investigator.report_stage import AT, REPOSITORY, Stage, ago, is_

SHA = "a" * 40


def investigation(
    change: ChangeId | None, *, rollback: Rollback | None = None, label: str = "Tighten the health checks"
) -> Investigation:
    first = Cause(
        rank=1, kind="change", change=change, target="Block:1", mechanism="", probability=0.8, label=label, by="Ann Archer", citations=("c1",)
    )  # fmt: skip
    return Investigation(
        id="inv_1",
        symptom="checkout returns 502",
        detected_at="2026-03-04T14:05:00Z",
        window=Window(since="2026-02-25T14:05:00Z", until="2026-03-04T14:05:00Z"),
        verdict="cause_found",
        confidence=0.8,
        causes=(first,),
        tree=Tree(
            nodes=(Node(id="h0", parent=None, claim="x", prior=1, posterior=1, status="open", step=0),),
            steps=1,
            stopped="confidence",
        ),
        report=Report(
            root_cause="Ann Archer changed aws_lb.main: port 80 → 81 [c1].",
            timeline=(Moment(at="2026-03-04T13:58:00Z", what="Ann Archer changed aws_lb.main", citations=("c1",)),),
        ),
        unnamed=0.2,
        rollback=rollback,
        environment="prod",
        citations=(
            Citation(
                id="c1",
                source="git",
                locator=f"acme/shop@{SHA}:main.tf#L1",
                url="https://git.example/1",
                observed_at="2026-03-04T14:00:00Z",
            ),
        ),
    )


def commit(sha: str = SHA) -> ChangeId:
    return ChangeId(kind="commit", id=sha, repository=REPOSITORY)


# -- the postmortem


def test_the_draft_has_what_is_known_and_room_for_what_is_not() -> None:
    text = draft_postmortem(
        investigation(commit(), rollback=Rollback(command=f"git revert --no-edit {SHA}", safe=True, why="nothing"))
    )
    assert text.startswith("# Draft of a postmortem: checkout returns 502\n")
    assert "aws_lb.main: port 80 → 81 [\\[c1\\]](https://git.example/1)." in text
    assert f"`git revert --no-edit {SHA}`" in text
    assert "_To be written._" in text


def test_a_draft_is_never_read_back_as_a_confirmed_cause_and_a_renamed_heading_is() -> None:
    text = draft_postmortem(investigation(commit()))
    draft = read_postmortem(parse(text), "postmortems/draft.md")
    assert (draft.cause, draft.fix) == ("", "")
    confirmed = read_postmortem(parse(text.replace("## Suspected cause (to be confirmed)", "## Root cause")), "x.md")
    assert "Ann Archer changed" in confirmed.cause


def test_a_draft_of_an_investigation_that_found_nothing_says_so() -> None:
    nothing = replace(investigation(None), causes=(), verdict="no_cause_found", report=Report())
    text = draft_postmortem(nothing)
    assert "Nothing is suspected." in text
    assert "gave it" not in text


# -- the patch


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    with made.store:
        yield made


def test_the_patch_shows_what_comes_back_and_what_goes_with_the_command_that_does_it(stage: Stage) -> None:
    stage.commit("Create", ago(80_000), "aws_lb.main", effect="created")
    change = stage.commit(
        "Port", ago(30), "aws_lb.main", changed={"port": (is_(80), is_(81))}, lines=("port = 80", "port = 81")
    )
    told = investigation(
        commit(change.id),
        rollback=Rollback(command=f"git revert --no-edit {change.id}", safe=False, why="A later change"),
    )
    text = revert_patch(stage.store, View(as_of=AT), told, "/srv/my code")
    lines = text.split("\n")
    assert f"# Done by: git -C '/srv/my code' revert --no-edit {change.id}" in lines
    assert "# NOT SAFE: A later change" in lines
    assert lines[lines.index("--- a/terraform/main.tf") :][:6] == [
        "--- a/terraform/main.tf",
        "+++ b/terraform/main.tf",
        "# aws_lb.main",
        "#   port: 81 -> 80",
        "-port = 81",
        "+port = 80",
    ]


def test_lines_of_a_source_never_bring_terminal_escapes_or_lines_of_their_own(stage: Stage) -> None:
    change = stage.commit("Port", ago(30), "aws_lb.main", lines=("a\x1b[2Jb", "c\rd"))
    text = revert_patch(stage.store, View(as_of=AT), investigation(commit(change.id), label="x\n+++ b/evil"))
    assert "\x1b" not in text
    assert "\r" not in text
    assert "\n+++ b/evil" not in text


@pytest.mark.parametrize("change", [None, ChangeId(kind="deployment", id="dep-1", repository="")])
def test_what_is_no_change_of_code_has_no_patch(stage: Stage, change: ChangeId | None) -> None:
    assert revert_patch(stage.store, View(as_of=AT), investigation(change)) == ""


def test_a_commit_of_which_nothing_is_stored_gives_no_invented_lines(stage: Stage) -> None:
    text = revert_patch(stage.store, View(as_of=AT), investigation(commit("f" * 40)))
    assert "What it touched is not known." in text
    assert "---" not in text


# -- text of sources in Markdown


@pytest.mark.parametrize(
    ("planted", "shown"),
    [
        ("**bold** _it_ `code`", "\\*\\*bold\\*\\* \\_it\\_ \\`code\\`"),
        ("[click](https://evil.example)", "\\[click\\](https\\://evil.example)"),
        ("<img src=x onerror=alert(1)>", "\\<img src=x onerror=alert(1)>"),
        ("a | b", "a \\| b"),
        ("# heading", "\\# heading"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("@everyone", "@\u2060everyone"),
        ("&lt;b&gt;", "&amp;lt;b&amp;gt;"),
        ("line\n\n# two", "line # two"),
        ("aws_lb.main is plain", "aws_lb.main is plain"),
        ("2026-03-04 is a day", "2026-03-04 is a day"),
    ],
)
def test_markdown_of_a_source_is_shown_and_not_obeyed(planted: str, shown: str) -> None:
    assert escaped(planted) == shown


def test_code_with_backticks_stays_code() -> None:
    assert code("a ``b`` c") == "```a ``b`` c```"
    assert code("`x") == "`` `x ``"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://x.example/a b",
        "https://x.example/)](evil",
        "data:text/html,x",
        "",
        None,
        "https://x.example/\n",
    ],
)
def test_only_plain_addresses_of_the_web_become_links(url: str | None) -> None:
    assert web_address(url) == ""
    citation = Citation(id="c1", source="s", locator="l", url=url, observed_at="")
    assert marked("Text [c1]", {"c1": citation}) == "Text \\[c1\\]"


def test_marks_that_no_citation_has_are_shown_as_text() -> None:
    def shown(some: Sequence[Citation]) -> str:
        return marked("A [c9] b", {c.id: c for c in some})

    assert shown([]) == "A \\[c9\\] b"
