from __future__ import annotations

import pytest

from ingest.sources.git.messages import read_message


@pytest.mark.parametrize(
    ("message", "number", "title", "branch", "squashed"),
    [
        ("Merge pull request #12 from ann/fix\n\nOpen port 443", 12, "Open port 443", "ann/fix", False),
        ("Merge pull request #12 from ann/fix", 12, "Merge pull request #12 from ann/fix", "ann/fix", False),
        (
            "Merge pull request #7 in SHOP/infra from f/x to main\n\n* commit 'a':\n  b",
            7,
            "* commit 'a':",
            "f/x",
            False,
        ),
        ("Open port 443 (#12)", 12, "Open port 443", "", True),
        ('Revert "Open port 443 (#12)" (#15)', 15, 'Revert "Open port 443 (#12)"', "", True),
        ("Open port 443 (!9)", 9, "Open port 443", "", True),
        (
            "Merge branch 'fix' into 'main'\n\nOpen port\n\nSee merge request shop/infra!12",
            *(12, "Open port", "fix", False),
        ),
        ("Open port\n\nbody\n\nSee merge request !4", 4, "Open port", "", True),
        ("Merged in fix (pull request #3)\n\nOpen port", 3, "Open port", "fix", False),
        ("Merged PR 44: Open port", 44, "Open port", "", True),
        ("Pull request #5: Open port\n\nMerge in X/y from a to b", 5, "Open port", "", True),
        ("Auto merge of #81 - ann:fix, r=ben\n\nOpen port", 81, "Open port", "ann:fix", False),
        ("Merge #9: Open port", 9, "Open port", "", False),
    ],
)
def test_a_pull_request_is_read_from_the_subjects_that_forges_write(
    message: str, number: int, title: str, branch: str, squashed: bool
) -> None:
    request = read_message(message).pull_request
    assert request is not None
    assert (request.number, request.title, request.branch, request.squashed) == (number, title, branch, squashed)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Open port",
        "Fix #12",
        "Merge branch 'main' into fix",
        "Look at (#12) again",
        "Costs (12)",
        "See merge request !x",
    ],
)
def test_other_numbers_are_no_pull_requests(message: str) -> None:
    assert read_message(message).pull_request is None


def test_trailers_name_people_and_are_no_part_of_the_text() -> None:
    message = read_message(
        "Open port\n\nBecause.\n\nBug: T123\nChange-Id: Iabcdef0123456789\nCo-authored-by: Ben <Ben@Example.org>\n"
        "reviewed-by: Cy Young\nAcked-by: dee@example.org\nSigned-off-by: Ann <ann@example.org>\n"
    )
    assert message.people == (
        ("CO_AUTHORED_BY", "Ben", "Ben@Example.org"),
        ("REVIEWED_BY", "Cy Young", ""),
        ("APPROVED_BY", "", "dee@example.org"),
    )
    assert message.change_ids == ("Iabcdef0123456789",)
    assert message.text == "Open port\n\nBecause.\n\nBug: T123"


def test_a_trailer_in_the_title_is_a_title() -> None:
    assert read_message("Reviewed-by: nobody <a@b>").people == ()


def test_reverts_and_cherry_picks_name_their_commits() -> None:
    sha, other = "a" * 40, "b" * 40
    message = read_message(
        f'Revert "x"\n\nThis reverts commit {sha.upper()}, reversing\nchanges made to {other}.\n\n'
        f"(cherry picked from commit {other})\n"
    )
    assert message.reverts == (sha,)
    assert message.picked_from == (other,)


@pytest.mark.parametrize(
    "message",
    [
        "\n\n",
        "\x01\x02",
        "a" * 100_000,
        "(" * 5_000 + "#1)",
        "a" + " " * 100_000 + "x)",
        "Merge pull request #" + "9" * 400,
    ],
)
@pytest.mark.timeout(5)
def test_any_text_is_a_message(message: str) -> None:
    read = read_message(message)
    assert read.text == message.strip()
