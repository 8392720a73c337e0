"""Which words and which emoji decide, and which only look as if they did."""

from __future__ import annotations

import pytest

from ingest.sources.slack.decisions import by_reactions, by_words
from ingest.sources.slack.payloads import Reaction


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("We agreed to drop the old listener", "agreed"),
        ("we've decided to move to NLB", "agreed"),
        ("Decision: keep the 30 s timeout", "agreed"),
        ("*Decision:* keep it", "agreed"),
        ("If it breaks, we agreed to roll back.", "agreed"),
        ("Let's do the blue one first", "agreed"),
        ("Agreed.", "agreed"),
        ("Go ahead", "approved"),
        ("No objections, go ahead", "approved"),
        ("ok, go ahead and merge", "approved"),
        ("LGTM, ship it :rocket:", "approved"),
        ("Approved, can you merge?", "approved"),
        ("feel free to merge", "approved"),
        ("you can go ahead", "approved"),
        ("do not merge this", "rejected"),
        ("Please don’t deploy on Friday", "rejected"),
        ("rolling back", "reverted"),
        ("it broke so we're rolling checkout back", "reverted"),
        ("reverting shop/infra#12", "reverted"),
        ("let's roll it back", "reverted"),
    ],
)
def test_a_wording_that_decides_is_marked(text: str, kind: str) -> None:
    found = by_words(text)
    assert found is not None
    assert found.kind == kind
    assert found.words


@pytest.mark.parametrize(
    "text",
    [
        "not approved",
        "this isn't approved",
        "don't go ahead yet",
        "we have not agreed",
        "we haven't agreed to that",
        "nobody agreed to this",
        "I don't think we agreed to drop it",
        "did we agree?",
        "go ahead?",
        "can I go ahead?",
        "has this been approved?",
        "I'll go ahead and test it",
        "waiting for somebody to go ahead",
        "once approved we merge",
        "if approved, merge",
        "this needs to be approved",
        "who approved this",
        "Decision: pending",
        "we are not rolling back",
        "should we roll back",
        "we may be rolling back",
        "let's not do it",
        "an unapproved change",
        "use the pre-approved image",
        "> we agreed to wait",
        "&gt; approved",
        "&gt;&gt;&gt; approved\nship it",
        "`approved`",
        "```\nlgtm\nship it\n```",
        'he wrote "go ahead"',
        "he wrote “approved”",
        "see <https://ci.example/approved|approved>",
        "",
    ],
)
def test_what_is_negated_asked_conditional_quoted_or_code_decides_nothing(text: str) -> None:
    assert by_words(text) is None


def test_the_words_are_the_wording_and_nothing_of_what_it_is_about() -> None:
    found = by_words("we're rolling project-x back now")
    assert found is not None
    assert found.words == "rolling … back"


@pytest.mark.parametrize(
    ("text", "emoji", "kind"),
    [
        ("moved the rule, see #12", "heavy_check_mark", "approved"),
        ("moved the rule, see #12", "shipit", "approved"),
        ("moved the rule, see #12", "no_entry", "rejected"),
        ("moved the rule, see #12", "+1", None),
        ("nice weather", "+1", None),
        ("nice weather", "tada", None),
        ("can someone approve #12?", "+1", "approved"),
        ("can someone approve #12?", "+1::skin-tone-3", "approved"),
        ("please review the plan", "thumbsup", "approved"),
        ("ok to merge?", "-1", "rejected"),
        ("any objections to 14:00", "+1", "approved"),
        ("```can someone approve```", "+1", None),
    ],
)
def test_an_emoji_decides_by_itself_or_where_it_was_asked_for(text: str, emoji: str, kind: str | None) -> None:
    found = by_reactions([Reaction(emoji, ["U2"], 1)], text, "U1")
    assert (found.kind if found is not None else None) == kind


def test_the_authors_own_emoji_decides_nothing_and_one_rejection_outweighs_approvals() -> None:
    assert by_reactions([Reaction("white_check_mark", ["U1"], 1)], "x", "U1") is None
    mixed = [Reaction("white_check_mark", ["U1", "U2"], 2), Reaction("x", ["U3"], 1)]
    assert by_reactions(mixed, "x", "U1") == ("rejected", ":x:")


def test_a_long_hostile_text_is_read_in_time() -> None:
    for text in (
        "we have " * 20_000,
        "rolling " * 20_000,
        "can we " * 20_000,
        "`" * 40_001,
        '"' * 40_001,
        "> " * 20_000,
    ):
        by_words(text)
        by_reactions([Reaction("+1", ["U2"])], text, "U1")
